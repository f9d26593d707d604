// SPDX-License-Identifier: GPL-3.0-or-later
//! Validators of every kind (RFC 9110 section 8.8) before and after a cut: whatever they are, the file
//! is one version of it from its first byte to its last.

use freshet::engine::FailureKind;

use super::case::{Case, Content, ensure, file};
use super::stage::Play;
use crate::support::faulty::{Answer, Request, Resource};
use crate::support::files;

const OLD_DATE: &str = "Mon, 03 Mar 2025 03:03:03 GMT";
const NEW_DATE: &str = "Tue, 04 Mar 2025 03:03:03 GMT";

/// The file of other bytes and the same length.
fn newer() -> Resource {
    Resource::new(8, 200_000)
}

/// One version is cut in the middle, then there is another one.
fn changes(old: Resource, new: Resource) -> Case {
    let wanted = Content::from(&new);
    Case::serving(move |request| match request.number {
        0 => old.answer(request).cut_after(100_000),
        _ => new.answer(request),
    })
    .completes(wanted)
    .requests(2..=4)
}

/// What comes of a cut with such a file.
fn cut(resource: Resource) -> Case {
    Case::serving(move |request| match request.number {
        0 => resource.answer(request).cut_after(100_000),
        _ => resource.answer(request),
    })
}

/// It can be continued.
fn continued(resource: Resource) -> Case {
    cut(resource)
        .requests(2..=2)
        .judging(|play| ensure(play.server.sent_at("/f") == 200_000, || "bytes were fetched twice".to_owned()))
}

/// It proves nothing, so the file begins anew.
fn anew(resource: Resource) -> Case {
    cut(resource).requests(2..=3).judging(is_never_sent_back)
}

fn is_never_sent_back(play: &Play) -> Result<(), String> {
    let asked = play.server.seen_at("/f").iter().any(|seen| seen.request.range().is_some());
    ensure(!asked, || "a range was asked for with nothing to prove it".to_owned())
}

/// The rest comes with these fields in place of the file's, from a server that ignores If-Range.
fn rest_with(change: impl Fn(Answer) -> Answer + Send + Sync + 'static, of: Resource) -> Case {
    Case::serving(move |request: &Request| match request.range() {
        None if request.number == 0 => file().answer(request).cut_after(100_000),
        None => file().answer(request),
        Some(_) => change(of.part(100_000..200_000)),
    })
}

cases![
    a_strong_tag = continued(file()),
    only_a_date = continued(file().etag(None)),
    a_weak_tag_and_no_date = anew(file().etag(Some("W/\"x\"")).last_modified(None)),
    a_weak_tag_and_a_date = continued(file().etag(Some("W/\"x\""))),
    nothing = anew(file().etag(None).last_modified(None)),
    a_tag_without_quotes = anew(file().etag(Some("abc")).last_modified(None)),
    an_empty_tag = anew(file().etag(Some("\"\"")).last_modified(None)),
    an_empty_field = anew(file().etag(Some("")).last_modified(None)),
    half_a_tag = anew(file().etag(Some("\"abc")).last_modified(None)),
    a_tag_with_blanks = anew(file().etag(Some("\"a b\"")).last_modified(None)),
    a_tag_with_quotes_inside = anew(file().etag(Some("\"a\"b\"")).last_modified(None)),
    a_tag_with_control_bytes = anew(file().etag(Some("\"a\u{1}b\"")).last_modified(None)),
    a_tag_in_other_letters = cut(file().etag(Some("\"\u{e4}\u{20ac}\"")).last_modified(None)).requests(2..=3),
    two_tags_in_one = anew(file().etag(Some("\"a\", \"b\"")).last_modified(None)),
    a_tag_of_8_kilobytes = cut(file().etag(Some(&format!("\"{}\"", "x".repeat(8190))))).requests(2..=3),
    a_date_of_1970 = cut(file().etag(None).last_modified(Some("Thu, 01 Jan 1970 00:00:00 GMT"))).requests(2..=3),
    a_date_in_the_future = cut(file().etag(None).last_modified(Some("Fri, 31 Dec 2049 23:59:59 GMT"))).requests(2..=3),
    a_date_that_is_none = anew(file().etag(None).last_modified(Some("yesterday"))),
    an_impossible_date = anew(file().etag(None).last_modified(Some("Thu, 31 Feb 2025 25:61:61 GMT"))),
    a_date_before_1970 = cut(file().etag(None).last_modified(Some("Mon, 01 Jan 1900 00:00:00 GMT"))).requests(2..=3),
    a_date_as_late_as_the_answer = Case::serving(|request| {
        let now = "Mon, 03 Mar 2025 03:03:30 GMT";
        let answer = file().etag(None).answer(request).header("Date", now);
        if request.number == 0 { answer.cut_after(100_000) } else { answer }
    })
    .requests(2..=3)
    .judging(is_never_sent_back),
    a_clock_in_the_future = Case::serving(|request| {
        let answer = file().answer(request).header("Date", "Fri, 31 Dec 2049 23:59:59 GMT");
        if request.number == 0 { answer.cut_after(100_000) } else { answer }
    })
    .requests(2..=2),
    a_clock_that_is_none = Case::serving(|request| {
        let answer = file().answer(request).header("Date", "now");
        if request.number == 0 { answer.cut_after(100_000) } else { answer }
    })
    .requests(2..=2),
    another_tag = changes(file(), newer()),
    another_tag_and_length = changes(file(), Resource::new(8, 150_000)),
    another_tag_and_a_shorter_file_than_what_is_here = changes(file(), Resource::new(8, 50_000)),
    another_tag_and_a_longer_file = changes(file(), Resource::new(8, 300_000)),
    another_tag_and_an_empty_file = changes(file(), Resource::new(8, 0)),
    another_date =
        changes(file().etag(None).last_modified(Some(OLD_DATE)), newer().etag(None).last_modified(Some(NEW_DATE))),
    another_date_and_length = changes(
        file().etag(None).last_modified(Some(OLD_DATE)),
        Resource::new(8, 150_000).etag(None).last_modified(Some(NEW_DATE)),
    ),
    a_tag_in_place_of_a_date = changes(file().etag(None), newer().last_modified(None)),
    a_date_in_place_of_a_tag = changes(file().last_modified(None), newer().etag(None).last_modified(Some(NEW_DATE))),
    nothing_in_place_of_a_tag = changes(file(), newer().etag(None).last_modified(None)),
    a_weak_tag_in_place_of_the_same_strong_one =
        changes(file().etag(Some("\"x\"")), newer().etag(Some("W/\"x\"")).last_modified(Some(NEW_DATE))),
    // All that is told is the same; only the length is not.
    the_same_date_and_another_length = changes(
        file().etag(None).last_modified(Some(OLD_DATE)),
        Resource::new(8, 300_000).etag(None).last_modified(Some(OLD_DATE)),
    ),
    the_same_tag_and_another_length =
        changes(file().etag(Some("\"x\"")), Resource::new(8, 300_000).etag(Some("\"x\""))),
    changing_each_time = Case::serving(|request| {
        let number = request.number as u64;
        let version = Resource::new(20 + number, 200_000);
        if number < 3 { version.answer(request).cut_after(50_000 * (number + 1)) } else { version.answer(request) }
    })
    .completes(&Resource::new(23, 200_000))
    .requests(4..=4),
    a_rest_with_another_tag = rest_with(|answer| answer, newer()).requests(3..=4),
    a_rest_with_another_date =
        rest_with(|answer| answer, newer().etag(None).last_modified(Some(NEW_DATE))).requests(3..=4),
    a_rest_without_any = rest_with(|answer| answer, file().etag(None).last_modified(None)).requests(2..=2),
    a_rest_with_a_weak_tag = rest_with(|answer| answer.header("ETag", "W/\"7-30d40\""), file()).requests(2..=4),
    a_rest_with_another_weak_tag =
        rest_with(|answer| answer, newer().etag(Some("W/\"other\"")).last_modified(Some(NEW_DATE))).requests(3..=4),
    a_rest_with_a_tag_without_quotes = rest_with(|answer| answer.header("ETag", "7-30d40"), file()).requests(2..=4),
    a_rest_with_two_tags = rest_with(|answer| answer.one_more_header("ETag", "\"other\""), file()).requests(2..=4),
    // Nothing but a checksum can tell.
    other_bytes_under_the_same_tag = rest_with(|answer| answer, newer().etag(Some("\"7-30d40\"")))
        .asking(|spec| {
            spec.checksum = Some(files::sha256(7, 200_000).parse().unwrap());
        })
        .fails_if(|kind| matches!(kind, FailureKind::ChecksumMismatch { .. }), "sha256")
        .leaving(&["f.part", "f.part.journal"])
        .requests(2..=2),
];

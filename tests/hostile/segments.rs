// SPDX-License-Identifier: GPL-3.0-or-later
//! One file over several connections, from servers that refuse them, lie to some of them, change the
//! file under them, or hold them up.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use freshet::engine::FailureKind;

use super::case::{Case, ensure};
use super::stage::Play;
use crate::support::faulty::{Answer, Request, Resource};
use crate::support::files;

const MIB: u64 = 1 << 20;
const LONG: Duration = Duration::from_secs(30);
/// Slow enough that several connections are worth it.
const RATE: u64 = 2 * MIB;

/// A file that several connections are worth.
fn large() -> Resource {
    Resource::new(30, 6 * MIB)
}

fn newer() -> Resource {
    Resource::new(31, 6 * MIB)
}

/// Served by this script, fetched over as many as eight connections.
fn serving(script: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Case {
    Case::serving(script).asking(|spec| spec.connections = 8).completes(&large()).requests(1..=40)
}

/// As a good server does it, at the rate of each connection.
fn well(request: &Request) -> Answer {
    large().answer(request).rate(RATE)
}

/// Every answer to a range is this; the whole file is served well.
fn ranges(lie: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Case {
    serving(move |request| if request.range().is_some() { lie(request) } else { well(request) })
}

/// The first so many answers to ranges are this, then all is served well.
fn ranges_at_first(count: usize, lie: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Case {
    let told = AtomicUsize::new(0);
    serving(move |request| {
        let is_lied_to = request.range().is_some() && told.fetch_add(1, Ordering::Relaxed) < count;
        if is_lied_to { lie(request) } else { well(request) }
    })
}

/// All connections but the first are refused like this.
fn others_refused(refusal: impl Fn() -> Answer + Send + Sync + 'static) -> Case {
    serving(move |request| if request.others > 0 { refusal() } else { well(request) }).requests(1..=12)
}

/// The range that was asked for, of the file as it is.
fn range(request: &Request) -> std::ops::Range<u64> {
    let (first, last) = request.range().unwrap_or_default();
    first..last.map_or(large().len, |last| (last + 1).min(large().len))
}

fn part(request: &Request) -> Answer {
    large().part(range(request)).rate(RATE)
}

/// From then on there is another version of the file.
fn after(count: usize, version: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Case {
    serving(move |request| if request.number < count { well(request) } else { version(request) })
}

/// How many connections were used.
fn connections(play: &Play) -> usize {
    let mut numbers: Vec<_> = play.server.seen().iter().map(|seen| seen.request.connection).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.len()
}

fn uses_several(play: &Play) -> Result<(), String> {
    ensure(connections(play) > 1, || "only one connection was used".to_owned())
}

fn fetches_little_twice(play: &Play) -> Result<(), String> {
    let sent = play.server.sent_at("/f");
    // Buffers of the connections that were ended early, and the last pieces raced for.
    ensure(sent <= large().len * 2, || format!("{sent} bytes were sent for {}", large().len))
}

cases![
    are_used = serving(well).judging(uses_several),
    are_not_more_than_eight = serving(well).judging(|play| {
        let others = play.server.seen_at("/f").iter().map(|seen| seen.request.others).max().unwrap_or_default();
        ensure(others < 8, || format!("{others} others"))
    }),
    ask_with_what_the_file_was = serving(well).judging(|play| {
        let seen = play.server.seen_at("/f");
        let blind =
            seen.iter().filter(|seen| seen.request.range().is_some() && seen.request.header("If-Range").is_none());
        ensure(blind.count() == 0, || "a range was asked for without If-Range".to_owned())
    }),
    fetch_little_twice = serving(well).judging(fetches_little_twice),
    refused_with_403 = others_refused(|| Answer::status(403)),
    refused_with_404 = others_refused(|| Answer::status(404)),
    refused_with_429 = others_refused(|| Answer::status(429)),
    refused_with_429_for_a_second = others_refused(|| Answer::status(429).header("Retry-After", "1")),
    refused_with_429_for_an_hour = others_refused(|| Answer::status(429).header("Retry-After", "3600")),
    refused_with_503 = others_refused(|| Answer::status(503)),
    refused_with_503_and_close = others_refused(|| Answer::status(503).closing()),
    refused_with_a_log_in = others_refused(Answer::login),
    refused_with_a_page = others_refused(Answer::login_page),
    refused_with_a_redirect_to_a_page = Case::servers(|server, _| {
        server.on("/f", |request| if request.others > 0 { Answer::redirect(302, "/login") } else { well(request) });
        server.on("/login", |_| Answer::login_page());
    })
    .asking(|spec| spec.connections = 8)
    .completes(&large())
    .requests(1..=24),
    reset = others_refused(|| Answer::raw("").reset_after(0)),
    closed = others_refused(|| Answer::raw("")),
    accepted_and_then_silent = others_refused(|| Answer::raw("").silent_for(LONG)).impatient(),
    refused_beyond_three =
        serving(|request| if request.others > 2 { Answer::status(503) } else { well(request) }).requests(1..=24),
    ranges_ignored = ranges(|_| large().without_ranges().rate(RATE)),
    ranges_ignored_at_first = ranges_at_first(2, |_| large().without_ranges().rate(RATE)),
    begin_early = ranges(|request| large().part(range(request).start.saturating_sub(1)..range(request).end)),
    begin_late = ranges(|request| large().part(range(request).start + 1..range(request).end)),
    end_early = ranges(|request| large().part(range(request).start..range(request).end - 1)),
    end_late = ranges(|request| large().part(range(request).start..(range(request).end + 1).min(large().len))),
    begin_at_zero = ranges(|request| large().part(0..range(request).end - range(request).start)),
    with_a_larger_total = ranges(|request| {
        let range = range(request);
        part(request).header("Content-Range", &format!("bytes {}-{}/{}", range.start, range.end - 1, 7 * MIB))
    }),
    with_an_unknown_total = ranges(|request| {
        let range = range(request);
        part(request).header("Content-Range", &format!("bytes {}-{}/*", range.start, range.end - 1))
    }),
    without_a_range = ranges(|request| part(request).without_header("Content-Range")),
    without_a_range_at_first = ranges_at_first(1, |request| part(request).without_header("Content-Range")),
    in_several_parts = ranges(|_| {
        Answer::status(206).bytes("--b\r\n\r\nx\r\n--b--").header("Content-Type", "multipart/byteranges; boundary=b")
    }),
    with_a_tag_for_each =
        ranges(|request| { large().etag(Some(&format!("\"{}\"", request.number))).part(range(request)).rate(RATE) }),
    with_other_bytes_and_another_tag = ranges(|request| newer().part(range(request)).rate(RATE)),
    with_a_weak_tag =
        Case::serving(|request| large().etag(Some("W/\"x\"")).last_modified(None).answer(request).rate(RATE))
            .asking(|spec| spec.connections = 8)
            .completes(&large())
            .requests(1..=1),
    with_nothing_to_prove_them =
        Case::serving(|request| large().etag(None).last_modified(None).answer(request).rate(RATE))
            .asking(|spec| spec.connections = 8)
            .completes(&large())
            .requests(1..=1),
    with_only_a_date = serving(|request| large().etag(None).answer(request).rate(RATE)),
    without_a_length = ranges(|request| part(request).unframed()),
    in_chunks = ranges(|request| part(request).chunked()),
    in_chunks_cut_short = ranges_at_first(3, |request| part(request).chunked().cut_after(100_000)),
    compressed = ranges(|request| part(request).header("Content-Encoding", "gzip")),
    longer_than_asked_for = ranges(|request| {
        let range = range(request);
        part(request).generated(30, range.start..range.end + 5000).claim_length(range.end - range.start)
    }),
    longer_than_asked_for_without_a_length = ranges(|request| {
        let range = range(request);
        part(request).generated(30, range.start..range.end + 5000).unframed()
    }),
    refused_with_416 = ranges(|_| Answer::status(416).header("Content-Range", "bytes */6291456")),
    refused_with_416_at_first = ranges_at_first(1, |_| Answer::status(416)),
    cut_short_again_and_again = ranges(|request| part(request).cut_after(300_000)).requests(1..=60),
    cut_short_without_a_byte_at_first = ranges_at_first(3, |request| part(request).cut_after(0)),
    reset_again_and_again = ranges(|request| part(request).reset_after(300_000)).requests(1..=60),
    one_that_stalls_for_ever = ranges_at_first(1, |request| part(request).stall_after(50_000, LONG)).impatient(),
    one_that_stalls_without_a_byte = ranges_at_first(1, |request| part(request).stall_after(0, LONG)).impatient(),
    one_that_is_very_slow = ranges_at_first(1, |request| part(request).rate(20_000)),
    the_first_one_is_very_slow =
        serving(|request| { if request.number == 0 { large().answer(request).rate(100_000) } else { well(request) } }),
    the_first_one_is_cut =
        serving(|request| { if request.number == 0 { well(request).cut_after(MIB) } else { well(request) } }),
    the_first_one_stalls =
        serving(|request| { if request.number == 0 { well(request).stall_after(MIB, LONG) } else { well(request) } })
            .impatient(),
    all_are_cut = serving(|request| well(request).cut_after(700_000)).requests(1..=60),
    // What is new must be new from its first byte to its last.
    of_a_file_that_changes = serving(|request| {
        if request.number == 0 { well(request).cut_after(3 * MIB) } else { newer().answer(request).rate(RATE) }
    })
    .completes(&newer()),
    of_a_file_that_changes_when_all_run = after(4, |request| newer().answer(request).rate(RATE)).or_completes(&newer()),
    of_a_file_that_shrinks = serving(|request| {
        if request.number == 0 { well(request).cut_after(3 * MIB) } else { Resource::new(31, MIB).answer(request) }
    })
    .completes(&Resource::new(31, MIB)),
    of_a_file_that_grows = serving(|request| {
        if request.number == 0 { well(request).cut_after(3 * MIB) } else { Resource::new(31, 7 * MIB).answer(request) }
    })
    .completes(&Resource::new(31, 7 * MIB)),
    of_a_link_that_expires =
        serving(|request| { if request.number == 0 { well(request).cut_after(3 * MIB) } else { Answer::status(403) } })
            .fails(FailureKind::HttpStatus(403), "403")
            .keeping(&large(), "f.part", 3 * MIB),
    of_a_link_that_expires_with_a_page = serving(|request| {
        if request.number == 0 { well(request).cut_after(3 * MIB) } else { Answer::login_page() }
    })
    .fails_as(&[FailureKind::ChangedOnServer, FailureKind::WrongRange], "")
    .keeping(&large(), "f.part", 3 * MIB),
    of_a_link_that_expires_with_a_redirect = Case::servers(|server, _| {
        server.on("/f", |request| match request.number {
            0 => well(request).cut_after(3 * MIB),
            _ => Answer::redirect(302, "/login"),
        });
        server.on("/login", |_| Answer::login_page());
    })
    .asking(|spec| spec.connections = 8)
    .fails_as(&[FailureKind::ChangedOnServer, FailureKind::WrongRange], "")
    .keeping(&large(), "f.part", 3 * MIB)
    .requests(2..=24),
    with_other_bytes_under_the_same_tag_and_a_checksum =
        ranges(|request| newer().etag(large().etag.as_deref()).part(range(request)).rate(RATE))
            .asking(|spec| {
                spec.connections = 8;
                spec.checksum = Some(files::sha256(30, 6 * MIB).parse().unwrap());
            })
            .fails_if(|kind| matches!(kind, FailureKind::ChecksumMismatch { .. }), "sha256")
            .leaving(&["f.part", "f.part.journal"]),
];

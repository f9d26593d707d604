// SPDX-License-Identifier: GPL-3.0-or-later
//! Ranges that are lied about (RFC 9110 sections 14 and 15.3.7), over one connection: the rest of a
//! file is asked for after a cut, and something else comes.

use freshet::engine::FailureKind;

use super::case::{Case, ensure, file};
use crate::support::faulty::{Answer, Request, Resource};

/// The first answer is cut, the second one is this, further ones are good.
fn second(lie: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Case {
    Case::serving(move |request| match request.number {
        0 => file().answer(request).cut_after(100_000),
        1 => lie(request),
        _ => file().answer(request),
    })
}

/// The lie is seen by its head, and the range is not taken.
fn seen(lie: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Case {
    second(lie).requests(3..=4)
}

/// The right rest with this Content-Range.
fn told(range: &'static str) -> Case {
    seen(move |_| file().part(100_000..200_000).header("Content-Range", range))
}

/// Every range is answered like this, for ever; the whole file is served well.
fn always(lie: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Case {
    Case::serving(move |request| match (request.number, request.range()) {
        (0, _) => file().answer(request).cut_after(100_000),
        (_, None) => file().answer(request),
        (_, Some(_)) => lie(request),
    })
    .requests(3..=5)
}

cases![
    of_the_whole_file = seen(|_| file().part(0..200_000)),
    one_byte_early = seen(|_| file().part(99_999..200_000)),
    one_byte_late = seen(|_| file().part(100_001..200_000)),
    one_byte_short = second(|_| file().part(100_000..199_999)).requests(3..=4),
    of_another_place = seen(|_| file().part(0..100_000)),
    with_a_larger_total = told("bytes 100000-199999/200001"),
    with_a_smaller_total = told("bytes 100000-199999/199999"),
    beyond_its_total = told("bytes 100000-299999/200000"),
    of_an_unknown_total =
        second(|_| file().part(100_000..200_000).header("Content-Range", "bytes 100000-199999/*")).requests(2..=2),
    of_no_range = seen(|_| file().part(100_000..200_000).without_header("Content-Range")),
    backwards = told("bytes 199999-100000/200000"),
    negative = told("bytes -100000/200000"),
    of_words = told("bytes from here to there"),
    of_nothing = told(""),
    of_another_unit = told("seconds 100000-199999/200000"),
    beyond_64_bits = told("bytes 100000-99999999999999999999999/200000"),
    up_to_the_last_number_there_is = told("bytes 100000-18446744073709551615/*"),
    unsatisfied_in_a_206 = told("bytes */200000"),
    two_that_differ = seen(|_| file()
        .part(100_000..200_000)
        .header("Content-Range", "bytes 0-99999/200000")
        .one_more_header("Content-Range", "bytes 100000-199999/200000")),
    told_twice =
        second(|_| { file().part(100_000..200_000).one_more_header("Content-Range", "bytes 100000-199999/200000") })
            .requests(2..=4),
    in_several_parts = seen(|_| {
        let part = "--b\r\nContent-Type: text/plain\r\nContent-Range: bytes 100000-100009/200000\r\n\r\n0123456789\r\n--b--\r\n";
        Answer::status(206).bytes(part).header("Content-Type", "multipart/byteranges; boundary=b")
    }),
    in_several_parts_and_a_range = seen(|_| {
        let filling = "x".repeat(100_000);
        Answer::status(206)
            .bytes(filling)
            .header("Content-Type", "multipart/byteranges; boundary=b")
            .header("Content-Range", "bytes 100000-199999/200000")
            .header("ETag", "\"7-30d40\"")
    }),
    with_a_shorter_length = seen(|_| file().part(100_000..200_000).claim_length(50_000)),
    with_a_longer_length = seen(|_| file().part(100_000..200_000).claim_length(150_000)),
    without_a_length = second(|_| file().part(100_000..200_000).unframed()).requests(2..=2),
    without_a_length_and_cut = second(|_| file().part(100_000..200_000).unframed().cut_after(50_000)).requests(3..=3),
    followed_by_more = second(|_| file().part(100_000..200_000).postscript("more and more")).requests(2..=2),
    followed_by_more_and_no_length =
        second(|_| { file().part(100_000..200_000).unframed().generated(7, 100_000..200_500).unframed() })
            .requests(2..=3),
    ignored_once = second(|_| file().without_ranges()).requests(2..=3),
    ignored_for_another_file =
        second(|_| Resource::new(8, 150_000).without_ranges()).completes(&Resource::new(8, 150_000)).requests(2..=2),
    ignored_always = always(|_| file().without_ranges()).requests(2..=3),
    ignored_always_and_cut_again = Case::serving(|request| match request.number {
        0 | 1 => file().without_ranges().cut_after(100_000),
        2 => file().without_ranges().cut_after(150_000),
        _ => file().without_ranges(),
    })
    .requests(4..=4),
    lied_about_always = always(|_| file().part(0..100_000)),
    of_another_file_always = always(|_| Resource::new(8, 200_000).part(100_000..200_000)),
    refused_with_416 = seen(|_| Answer::status(416).header("Content-Range", "bytes */200000")),
    refused_with_416_of_a_shorter_file = seen(|_| Answer::status(416).header("Content-Range", "bytes */5")),
    refused_with_416_always = always(|_| Answer::status(416)),
    refused_with_403_once_means_refused = second(|_| Answer::status(403))
        .fails(FailureKind::HttpStatus(403), "403")
        .keeping(&file(), "f.part", 100_000)
        .requests(2..=2),
    given_though_none_was_asked_for = Case::serving(|_| file().part(0..200_000))
        .fails(FailureKind::WrongRange, "no range was asked for")
        .requests(1..=4),
    of_the_middle_though_none_was_asked_for = Case::serving(|_| file().part(100_000..150_000))
        .fails(FailureKind::WrongRange, "no range was asked for")
        .requests(1..=4),
    asked_for_with_what_the_file_was = second(|request| file().answer(request)).requests(2..=2).judging(|play| {
        let condition = play.server.seen_at("/f")[1].request.header("If-Range").map(str::to_owned);
        ensure(condition.as_deref() == Some("\"7-30d40\""), || format!("If-Range was {condition:?}"))
    }),
    not_accepted_by_the_server_s_word = Case::serving(|request| {
        let answer = file().answer(request).header("Accept-Ranges", "none");
        if request.number == 0 { answer.cut_after(100_000) } else { answer }
    })
    .requests(2..=3),
];

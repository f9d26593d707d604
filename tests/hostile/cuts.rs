// SPDX-License-Identifier: GPL-3.0-or-later
//! Connections that end, are reset or hold still, in every place of an answer.

use std::time::Duration;

use freshet::engine::FailureKind;

use super::case::{Case, ensure, file};
use crate::support::faulty::{Answer, Resource};

const LONG: Duration = Duration::from_secs(30);
const HEAD: &str = "HTTP/1.1 200 OK\r\nETag: \"7-30d40\"\r\nAccept-Ranges: bytes\r\nContent-Length: 200000\r\n\r\n";

/// So much of a head, and then the end.
fn head_cut_at(bytes: usize) -> Answer {
    Answer::raw(&HEAD.as_bytes()[..bytes])
}

/// Nothing may be called complete whose head is not.
fn cut_head(bytes: usize, text: &str) -> Case {
    Case::serving(move |_| head_cut_at(bytes))
        .fails_as(&[FailureKind::ConnectionLost, FailureKind::EndedEarly], text)
        .requests(4..=4)
}

/// Cut once after so many bytes of the body, and continued there.
fn continued(at: u64) -> Case {
    Case::at_first(move |request| file().answer(request).cut_after(at)).requests(2..=2).judging(move |play| {
        let rest = play.server.seen_at("/f")[1].request.range();
        ensure(rest == Some((at, Some(199_999))), || format!("then asked for {rest:?}"))?;
        ensure(play.server.sent_at("/f") == 200_000, || "bytes were fetched twice".to_owned())
    })
}

/// Patience for one try.
fn once(case: Case) -> Case {
    case.impatient().asking(|spec| spec.patience.retries = 0)
}

cases![
    no_answer_at_all = Case::serving(|_| Answer::raw(""))
        .fails(FailureKind::ConnectionLost, "Empty reply from server")
        .requests(4..=4),
    reset_for_an_answer =
        Case::serving(|_| Answer::raw("").reset_after(0)).fails(FailureKind::ConnectionLost, "").requests(4..=4),
    no_answer_at_first = Case::at_first(|_| Answer::raw("")).requests(2..=2),
    reset_at_first = Case::at_first(|_| Answer::raw("").reset_after(0)).requests(2..=2),
    in_the_status_line = cut_head(10, "Empty reply"),
    after_the_status_line = cut_head(17, "closed within the header fields"),
    within_a_field = cut_head(25, "closed within the header fields"),
    within_the_length = cut_head(HEAD.len() - 8, "closed within the header fields"),
    before_the_empty_line = cut_head(HEAD.len() - 2, "closed"),
    within_the_empty_line = cut_head(HEAD.len() - 1, "closed"),
    after_the_head =
        Case::serving(|_| head_cut_at(HEAD.len())).fails(FailureKind::EndedEarly, "remaining|missing").requests(4..=4),
    after_the_head_at_first = Case::at_first(|_| head_cut_at(HEAD.len())).requests(2..=2),
    after_one_byte = continued(1),
    in_the_middle = continued(100_000),
    before_the_last_byte = continued(199_999),
    reset_in_the_middle = Case::at_first(|request| file().answer(request).reset_after(100_000)).requests(2..=2),
    // The same place, time and again: each try brings a byte, and that is progress.
    byte_by_byte = Case::serving(|request| Resource::new(7, 12).answer(request).cut_after(1))
        .completes(&Resource::new(7, 12))
        .requests(12..=12),
    again_and_again = Case::serving(|request| file().answer(request).cut_after(20_000))
        .requests(10..=10)
        .judging(|play| ensure(play.server.sent_at("/f") == 200_000, || "bytes were fetched twice".to_owned())),
    for_ever_without_progress = Case::serving(|request| match request.number {
        0 => file().answer(request).cut_after(100_000),
        _ => file().answer(request).cut_after(0),
    })
    .fails(FailureKind::EndedEarly, "100000 bytes remaining|100000 bytes missing")
    .keeping(&file(), "f.part", 100_000)
    .requests(4..=5),
    refused_for_ever_after_a_part = Case::serving(|request| match request.number {
        0 => file().answer(request).cut_after(100_000),
        _ => Answer::raw(""),
    })
    .fails(FailureKind::ConnectionLost, "Empty reply")
    .keeping(&file(), "f.part", 100_000)
    .requests(4..=5),
    silence_for_an_answer = once(Case::serving(|_| Answer::raw("").silent_for(LONG)))
        .fails(FailureKind::Silence, "nothing came for 1 seconds")
        .requests(1..=1),
    silence_in_the_head = once(Case::serving(|_| Answer::raw(HEAD).stall_after(40, LONG)))
        .fails(FailureKind::Silence, "nothing came")
        .requests(1..=1),
    silence_after_the_head = once(Case::serving(|_| Answer::raw(HEAD).stall_after(HEAD.len() as u64, LONG)))
        .fails(FailureKind::Silence, "nothing came")
        .requests(1..=1),
    silence_in_the_body = once(Case::serving(|request| file().answer(request).stall_after(100_000, LONG)))
        .fails(FailureKind::Silence, "nothing came")
        .keeping(&file(), "f.part", 100_000)
        .requests(1..=1),
    silence_before_the_last_byte = Case::at_first(|request| file().answer(request).stall_after(199_999, LONG))
        .impatient()
        .requests(2..=2)
        .judging(|play| {
            let rest = play.server.seen_at("/f")[1].request.range();
            ensure(rest == Some((199_999, Some(199_999))), || format!("then asked for {rest:?}"))
        }),
    silence_between_chunks = Case::serving(|request| match request.number {
        0 => file().without_ranges().chunked().stall_after(100_000, LONG),
        _ => file().without_ranges().chunked(),
    })
    .impatient()
    .requests(2..=2),
    // Half of the patience, which is what a busy machine may add to it.
    a_pause_that_is_none_too_long =
        Case::serving(|request| file().answer(request).stall_after(100_000, Duration::from_millis(2500)))
            .requests(1..=1),
    a_head_line_by_line = Case::serving(|request| file().answer(request).slow_head(Duration::from_millis(300)))
        .impatient()
        .requests(1..=1),
    a_body_in_drips = Case::serving(|_| Resource::new(7, 40).without_ranges().rate(20))
        .completes(&Resource::new(7, 40))
        .impatient()
        .requests(1..=1),
];

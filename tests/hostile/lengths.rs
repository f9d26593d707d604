// SPDX-License-Identifier: GPL-3.0-or-later
//! Lengths that are lied about, contradict themselves or are none (RFC 9110 section 8.6, RFC 9112
//! section 6.3).

use std::time::Duration;

use freshet::engine::FailureKind;

use super::case::{Case, ensure, file};
use crate::support::faulty::{Answer, Resource};
use crate::support::files;

/// The file with its Content-Length written like this, and the connection closed behind it.
fn told(length: &str) -> Answer {
    file().without_ranges().unframed().header("Content-Length", length).header("Connection", "close")
}

/// A length that is none says nothing about where the file ends: it must not be called complete.
fn none(length: &'static str) -> Case {
    Case::serving(move |_| told(length)).fails(FailureKind::Protocol, "Content-Length")
}

fn first_bytes(count: u64) -> Vec<u8> {
    files::bytes(7, 0..count)
}

cases![
    right = Case::serving(|_| told("200000")).requests(1..=1).judging(|play| {
        let file = play.downloader.file("f").metadata().and_then(|file| file.modified());
        let age = file.ok().and_then(|time| time.elapsed().ok());
        ensure(age > Some(Duration::from_secs(86_400)), || "Last-Modified was in 2025".to_owned())
    }),
    // Each time the same bytes come and no more: the first part file is kept, and the last one.
    longer_than_the_body = Case::serving(|_| file().without_ranges().claim_length(400_000))
        .fails(FailureKind::EndedEarly, "200000 bytes remaining|200000 bytes missing")
        .leaving(&["f.part", "f.part.journal", "f (1).part", "f (1).part.journal"])
        .requests(4..=4),
    one_byte_longer_than_the_body = Case::serving(|_| file().without_ranges().claim_length(200_001))
        .fails(FailureKind::EndedEarly, "1 bytes remaining|1 bytes missing")
        .leaving(&["f.part", "f.part.journal", "f (1).part", "f (1).part.journal"])
        .requests(4..=4),
    longer_at_first = Case::at_first(|_| told("200001")).requests(3..=4),
    // The message ends where its length says; what follows is not part of it.
    shorter_than_the_body = Case::serving(|_| file().without_ranges().claim_length(100_000))
        .completes(first_bytes(100_000))
        .requests(1..=1),
    shorter_and_the_rest_is_not_the_next_answer = Case::serving(|request| match request.number {
        0 => file().without_ranges().header("Content-Length", "100000"),
        _ => file().answer(request),
    })
    .twice()
    .named("f (1)")
    .leaving(&["f"])
    .requests(2..=4),
    zero_with_a_body = Case::serving(|_| told("0")).completes("").requests(1..=1),
    of_an_empty_file = Case::serving(|_| Resource::new(7, 0).without_ranges()).completes("").requests(1..=1),
    negative = none("-1"),
    words = none("many"),
    begun_with_digits = none("100000x"),
    hexadecimal = none("0x30d40"),
    with_a_sign = none("+100000"),
    with_a_fraction = none("100000.5"),
    in_pieces = none("100 000"),
    of_no_digits = none(""),
    beyond_64_bits = none("99999999999999999999999999"),
    beyond_63_bits = none("9223372036854775808"),
    larger_than_any_disk = Case::serving(|_| told("4611686018427387904"))
        .fails_if(|kind| matches!(kind, FailureKind::DiskFull { needed: Some(_) }), "bytes more are needed")
        .requests(1..=4),
    two_that_differ = Case::serving(|_| told("100000").one_more_header("Content-Length", "200000"))
        .fails(FailureKind::Protocol, "Content-Length"),
    two_that_differ_the_other_way_round = Case::serving(|_| told("200000").one_more_header("Content-Length", "100000"))
        .fails(FailureKind::Protocol, "Content-Length"),
    two_that_agree = Case::serving(|_| told("200000").one_more_header("Content-Length", "200000")).requests(1..=1),
    a_list_that_differs = none("100000, 200000"),
    a_list_that_agrees = Case::serving(|_| told("200000, 200000")).requests(1..=1),
    with_leading_zeros = Case::serving(|_| told("000000000000000000000000200000")).requests(1..=1),
    beside_chunks =
        Case::serving(|_| file().without_ranges().chunked().header("Content-Length", "100000")).requests(1..=1),
    before_chunks_of_http_1_0 =
        Case::serving(|_| { file().without_ranges().chunked().status_line("HTTP/1.0 200 OK").closing() })
            .requests(1..=1),
    none_at_all_in_http_1_0 = Case::serving(|_| file().without_ranges().http10()).requests(1..=1),
    none_at_all_in_http_1_1 = Case::serving(|_| file().without_ranges().unframed()).requests(1..=1),
    // Nobody could know that it was cut but by the length that was told before with the same tag.
    none_at_all_after_one_was_told = Case::serving(|request| match request.number {
        0 => file().whole().cut_after(100_000),
        1 => file().without_ranges().unframed().cut_after(150_000),
        _ => file().answer(request),
    })
    .requests(3..=4),
];

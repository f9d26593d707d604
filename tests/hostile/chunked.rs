// SPDX-License-Identifier: GPL-3.0-or-later
//! Chunked bodies that are broken in every place (RFC 9112 section 7.1), and odd ones that are right.

use freshet::engine::FailureKind;

use super::case::{Case, ensure, file};
use crate::support::faulty::Answer;
use crate::support::files;

const HEAD: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// An answer whose chunked body is exactly this.
fn framed(body: &[u8]) -> Answer {
    Answer::raw([HEAD.as_bytes(), body].concat())
}

/// A chunk as it should be.
fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

fn content() -> Vec<u8> {
    files::bytes(7, 0..50_000)
}

/// A first chunk as it should be, and then this.
fn then(rest: &'static [u8]) -> Case {
    Case::serving(move |_| framed(&[&chunk(&content()), rest].concat()))
}

/// What follows the first chunk is no chunk.
fn broken(rest: &'static [u8]) -> Case {
    broken_off(then(rest))
}

/// A try that came further than the one before counts as the first one again, and how far it comes
/// depends on the pieces in which the bytes arrive.
fn broken_off(case: Case) -> Case {
    case.fails(FailureKind::Protocol, "chunk").leaving(&["f.part", "f.part.journal"]).requests(1..=8)
}

/// What follows the first chunk is not the end.
fn unfinished(rest: &'static [u8]) -> Case {
    then(rest)
        .fails_as(&[FailureKind::EndedEarly, FailureKind::ConnectionLost], "closed")
        .leaving(&["f.part", "f.part.journal"])
        .requests(4..=4)
}

/// What follows the first chunk is a good end.
fn good(rest: &'static [u8]) -> Case {
    then(rest).completes(content()).requests(1..=1)
}

cases![
    right = Case::serving(|_| file().without_ranges().chunked()).requests(1..=1),
    ended_at_first = Case::serving(|request| match request.number {
        0 => file().without_ranges().chunked().cut_after(100_000),
        _ => file().without_ranges().chunked(),
    })
    .requests(2..=2),
    ended_with_nothing = unfinished(b""),
    ended_within_a_size = unfinished(b"10"),
    ended_within_a_chunk = unfinished(b"10\r\nabc"),
    ended_before_the_last_chunk = unfinished(b"3\r\nabc\r\n"),
    ended_within_the_last_chunk = unfinished(b"0\r\n"),
    ended_within_a_trailer = unfinished(b"0\r\nX-Trailer: y"),
    of_a_size_that_is_none = broken(b"xyz\r\nabc\r\n0\r\n\r\n"),
    of_a_negative_size = broken(b"-3\r\nabc\r\n0\r\n\r\n"),
    of_an_empty_size = broken(b"\r\n\r\nabc\r\n0\r\n\r\n"),
    of_a_size_beyond_64_bits = broken(b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n"),
    of_a_size_beyond_63_bits = broken(b"ffffffffffffffff\r\nabc\r\n0\r\n\r\n"),
    longer_than_its_size = broken(b"3\r\nabcdef\r\n0\r\n\r\n"),
    shorter_than_its_size = broken(b"6\r\nabc\r\n0\r\n\r\n"),
    with_an_extension = good(b"0;name=\"value\"\r\n\r\n"),
    with_a_long_extension = Case::serving(|_| {
        framed(&[&*chunk(&content()), b"0;", &vec![b'x'; 15_000], b"\r\n\r\n"].concat())
    })
    .completes(content())
    .requests(1..=1),
    with_zeros_before_a_size = good(b"0000000000\r\n\r\n"),
    // A trailer comes too late to say what the file is.
    with_trailers_that_say_otherwise = good(
        b"0\r\nContent-Range: bytes 0-1/2\r\nContent-Length: 5\r\nContent-Disposition: attachment; filename=evil\r\n\r\n",
    ),
    with_a_giant_trailer = broken_off(Case::serving(|_| {
        let trailers = format!("X: {}\r\n", "x".repeat(60_000)).repeat(10);
        framed(&[&*chunk(&content()), b"0\r\n", trailers.as_bytes(), b"\r\n"].concat())
    })),
    of_one_byte_each = Case::serving(|_| {
        let mut body = Vec::new();
        for byte in content() {
            body.extend(chunk(&[byte]));
        }
        framed(&[&*body, b"0\r\n\r\n"].concat())
    })
    .completes(content())
    .requests(1..=1),
    of_sizes_in_any_case = Case::serving(|_| framed(b"A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n"))
        .completes("01234567890123456789")
        .requests(1..=1),
    with_bare_newlines = Case::serving(|_| framed(b"3\nabc\n0\n\n"))
        .completes("abc")
        .requests(1..=1),
    named_twice = Case::serving(|_| file().without_ranges().chunked().one_more_header("Transfer-Encoding", "chunked"))
        .requests(1..=1),
    // A range in chunks has no length but what Content-Range says, and that is enough.
    for_the_rest_of_a_file = Case::serving(|request| match request.number {
        0 => file().answer(request).cut_after(100_000),
        _ => file().answer(request).chunked(),
    })
    .requests(2..=2)
    .judging(|play| ensure(play.server.sent_at("/f") == 200_000, || "bytes were fetched twice".to_owned())),
    cut_for_the_rest_of_a_file = Case::serving(|request| match request.number {
        0 => file().answer(request).cut_after(100_000),
        1 => file().answer(request).chunked().cut_after(50_000),
        _ => file().answer(request).chunked(),
    })
    .requests(3..=3),
    too_many_for_the_rest_of_a_file = Case::serving(|request| match request.number {
        0 => file().answer(request).cut_after(100_000),
        // One byte more than the range.
        1 => file().answer(request).generated(7, 100_000..200_001).chunked(),
        _ => file().answer(request),
    })
    .requests(2..=3),
];

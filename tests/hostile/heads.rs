// SPDX-License-Identifier: GPL-3.0-or-later
//! Heads that no server should send, and odd ones that are right (RFC 9112 sections 2 to 5).

use freshet::engine::FailureKind;

use super::case::{Case, ensure, file};
use crate::support::faulty::Answer;

/// A whole answer: this head, and a body of three bytes.
fn raw(head: &str) -> Answer {
    Answer::raw(format!("{head}\r\n\r\nabc"))
}

/// A head that does no harm.
fn harmless(head: &'static str) -> Case {
    Case::serving(move |_| raw(head)).completes("abc").requests(1..=1)
}

/// A head that some versions of libcurl take, and others do not.
fn taken_or_not(head: &'static str) -> Case {
    harmless(head).or_fails(FailureKind::Protocol).requests(1..=4)
}

/// A first line that is none of HTTP's.
fn no_http(bytes: &'static [u8]) -> Case {
    Case::serving(move |_| Answer::raw(bytes)).fails(FailureKind::Protocol, "HTTP").requests(1..=4)
}

/// A status that says that there is no file.
fn no_file(line: &'static str, kind: FailureKind, text: &'static str) -> Case {
    let head = format!("{line}\r\nContent-Length: 3");
    Case::serving(move |_| raw(&head)).fails(kind, text).requests(1..=4)
}

const LENGTH: &str = "HTTP/1.1 200 OK\r\nContent-Length: 3";

cases![
    http_0_9 = no_http(b"<html>no head at all</html>"),
    binary_garbage = no_http(b"\x16\x03\x03\x00\x02\x02\x28\x00\xff\xfe"),
    ssh = no_http(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"),
    smtp = no_http(b"220 mail.example.org ESMTP\r\n"),
    shoutcast = no_http(b"ICY 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
    garbage_before_the_status_line = no_http(b"garbage\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
    an_endless_first_line =
        Case::serving(|_| Answer::raw(vec![b'x'; 1 << 20])).fails(FailureKind::Protocol, "").requests(1..=4),
    http_3 = taken_or_not("HTTP/3.0 200 OK\r\nContent-Length: 3"),
    http_7 = no_http(b"HTTP/7.2 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
    http_2_without_an_upgrade = taken_or_not("HTTP/2 200 OK\r\nContent-Length: 3"),
    http_1_x = no_http(b"HTTP/1.x 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
    no_status = no_http(b"HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"),
    a_status_of_letters = no_http(b"HTTP/1.1 yes OK\r\nContent-Length: 3\r\n\r\nabc"),
    a_status_of_two_digits = no_http(b"HTTP/1.1 99 Low\r\nContent-Length: 3\r\n\r\nabc"),
    a_status_of_four_digits = Case::serving(|_| raw("HTTP/1.1 2000 OK\r\nContent-Length: 3"))
        .fails_as(&[FailureKind::Protocol, FailureKind::HttpStatus(2000)], "HTTP")
        .requests(1..=4),
    a_negative_status = no_http(b"HTTP/1.1 -200 OK\r\nContent-Length: 3\r\n\r\nabc"),
    status_000 = no_http(b"HTTP/1.1 000 None\r\nContent-Length: 3\r\n\r\nabc"),
    status_600 = no_file("HTTP/1.1 600 What", FailureKind::HttpStatus(600), "600"),
    status_999 = no_file("HTTP/1.1 999 No", FailureKind::HttpStatus(999), "999"),
    status_299 = no_file("HTTP/1.1 299 Odd", FailureKind::HttpStatus(299), "299"),
    status_203_is_a_file =
        Case::serving(|_| raw("HTTP/1.1 203 Other\r\nContent-Length: 3")).completes("abc").requests(1..=1),
    status_201_is_no_file = no_file("HTTP/1.1 201 Created", FailureKind::HttpStatus(201), "201"),
    status_202_is_no_file_yet = no_file("HTTP/1.1 202 Later", FailureKind::HttpStatus(202), "202"),
    status_204 = no_file("HTTP/1.1 204 Nothing", FailureKind::Protocol, "204"),
    status_205 = no_file("HTTP/1.1 205 Reset", FailureKind::Protocol, "205"),
    status_304_uninvited = no_file("HTTP/1.1 304 Same", FailureKind::HttpStatus(304), "304"),
    status_101_uninvited =
        Case::serving(|_| { raw("HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade") })
            .fails_as(&[FailureKind::Protocol, FailureKind::HttpStatus(101)], "")
            .requests(1..=4),
    no_reason = harmless("HTTP/1.1 200\r\nContent-Length: 3"),
    an_empty_reason = harmless("HTTP/1.1 200 \r\nContent-Length: 3"),
    a_reason_in_other_letters = harmless("HTTP/1.1 200 \u{1F44D} d\u{e9}j\u{e0}\r\nContent-Length: 3"),
    bare_newlines =
        Case::serving(|_| Answer::raw("HTTP/1.1 200 OK\nContent-Length: 3\n\nabc")).completes("abc").requests(1..=1),
    names_in_any_case = harmless("HTTP/1.1 200 OK\r\ncOnTeNt-LeNgTh:3"),
    a_line_without_a_colon = Case::serving(|_| raw("HTTP/1.1 200 OK\r\nno colon here\r\nContent-Length: 3"))
        .fails(FailureKind::Protocol, "colon")
        .requests(1..=4),
    a_space_before_a_colon = harmless("HTTP/1.1 200 OK\r\nX-Odd : y\r\nContent-Length: 3"),
    an_empty_name = harmless("HTTP/1.1 200 OK\r\n: y\r\nContent-Length: 3"),
    control_bytes_in_a_field = harmless("HTTP/1.1 200 OK\r\nX-Odd: \u{1}\u{7}\u{1b}[31m\u{7f}\r\nContent-Length: 3"),
    a_zero_byte_in_a_field = Case::serving(|_| raw("HTTP/1.1 200 OK\r\nX-Odd: a\0b\r\nContent-Length: 3"))
        .fails(FailureKind::Protocol, "ul")
        .requests(1..=4),
    a_folded_field = harmless("HTTP/1.1 200 OK\r\nX-Folded: a\r\n b\r\n\tc\r\nContent-Length: 3"),
    // The second line of a field is not a field of its own.
    a_folded_name = harmless(
        "HTTP/1.1 200 OK\r\nX-Folded: a\r\n Content-Disposition: attachment; filename=evil\r\nContent-Length: 3",
    ),
    a_thousand_fields = Case::serving(|_| {
        let fields: String = (0..1000).map(|n| format!("\r\nX-{n}: {n}")).collect();
        raw(&format!("{LENGTH}{fields}"))
    })
    .completes("abc")
    .requests(1..=1),
    a_field_of_90_kilobytes = Case::serving(|request| file().answer(request).giant_header(90_000)).requests(1..=1),
    a_field_of_200_kilobytes = Case::serving(|request| file().answer(request).giant_header(200_000))
        .fails(FailureKind::Protocol, "header|larger than allowed")
        .requests(1..=4),
    fields_of_360_kilobytes_together = Case::serving(|request| {
        let value = "x".repeat(60_000);
        (0..6).fold(file().answer(request), |answer, n| answer.header(&format!("X-{n}"), &value))
    })
    .fails(FailureKind::Protocol, "larger than 256 KiB")
    .requests(1..=4),
    fields_without_end = Case::serving(|_| Answer::raw(format!("HTTP/1.1 200 OK\r\n{}", "X: y\r\n".repeat(200_000))))
        .fails(FailureKind::Protocol, "larger than 256 KiB|Too many response headers")
        .requests(1..=4),
    an_interim_answer =
        Case::serving(|request| file().answer(request).preface("HTTP/1.1 100 Continue\r\n\r\n")).requests(1..=1),
    a_hundred_interim_answers =
        Case::serving(|request| file().answer(request).preface("HTTP/1.1 102 Processing\r\n\r\n".repeat(100)))
            .requests(1..=1),
    interim_answers_without_end = Case::serving(|_| Answer::raw("HTTP/1.1 102 Processing\r\n\r\n".repeat(100_000)))
        .fails(FailureKind::Protocol, "larger than 256 KiB")
        .requests(1..=4),
    // What an interim answer says is not said of the file.
    early_hints_about_another_file = Case::serving(|_| {
        raw(LENGTH).preface(
            "HTTP/1.1 103 Early Hints\r\nContent-Disposition: attachment; filename=evil\r\nContent-Length: 9\r\n\r\n",
        )
    })
    .completes("abc")
    .requests(1..=1),
    a_second_answer_behind_the_first = Case::serving(|request| {
        file().answer(request).postscript("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
    })
    .twice()
    .named("f (1)")
    .leaving(&["f"])
    .requests(2..=2),
    a_connection_that_dies_between_two_downloads = Case::serving(|request| if request.number == 0 {
        file().answer(request).claim_length(200_000)
    } else {
        file().answer(request)
    })
    .twice()
    .named("f (1)")
    .leaving(&["f"])
    .requests(2..=2),
    a_connection_that_dies_with_the_second_request = Case::serving(|request| match request.number {
        1 => Answer::raw("").reset_after(0),
        _ => file().answer(request),
    })
    .twice()
    .named("f (1)")
    .leaving(&["f"])
    .requests(3..=3)
    .judging(|play| ensure(play.server.seen().len() == 3, || "it was not asked again".to_owned())),
];

// SPDX-License-Identifier: GPL-3.0-or-later
//! Content codings that nobody asked for (RFC 9110 section 8.4): undone where that is certain, and
//! else refused; what a file is labelled with in place of being encoded is left alone.

use freshet::engine::FailureKind;

use super::case::{Case, file};
use crate::support::faulty::Answer;
use crate::support::files;

fn plain() -> Vec<u8> {
    files::bytes(7, 0..50_000)
}

fn gzip() -> Vec<u8> {
    files::gzip(&plain())
}

/// These bytes under this label.
fn labelled(coding: &str, bytes: Vec<u8>) -> Answer {
    Answer::status(200).bytes(bytes).header("Content-Encoding", coding)
}

/// A coding that cannot be undone.
fn refused(coding: &'static str) -> Case {
    Case::serving(move |_| labelled(coding, vec![0x1b, 0x2f, 0x00]))
        .fails(FailureKind::UninvitedEncoding, coding)
        .requests(1..=2)
}

/// gzip that is none, in one way or another.
fn damaged(damage: fn(Vec<u8>) -> Vec<u8>) -> Case {
    Case::serving(move |_| labelled("gzip", damage(gzip())))
        .fails_as(&[FailureKind::Protocol, FailureKind::EndedEarly], "")
        .maybe_leaving(&["f.part", "f.part.journal"])
        // A try of which more reached the disk than of those before is progress, and earns another one.
        .requests(2..=8)
}

/// The zlib format (RFC 1950) of a stored block.
fn zlib(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("one block");
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    [&[0x78, 0x01, 1][..], &length.to_le_bytes(), &(!length).to_le_bytes(), bytes, &(b << 16 | a).to_be_bytes()]
        .concat()
}

cases![
    identity = Case::serving(|request| file().answer(request).header("Content-Encoding", "identity")).requests(1..=1),
    an_empty_label = Case::serving(|request| file().answer(request).header("Content-Encoding", "")).requests(1..=1),
    gzip_of_a_page = Case::serving(|_| labelled("gzip", gzip())).completes(plain()).requests(2..=2),
    x_gzip_in_capitals = Case::serving(|_| labelled("X-GZIP", gzip())).completes(plain()).requests(2..=2),
    deflate = Case::serving(|_| labelled("deflate", zlib(&plain()))).completes(plain()).requests(2..=2),
    gzip_twice = refused("gzip, gzip"),
    gzip_within_brotli = refused("br, gzip"),
    gzip_in_two_fields =
        Case::serving(|_| { labelled("gzip", files::gzip(&gzip())).one_more_header("Content-Encoding", "gzip") })
            .fails(FailureKind::UninvitedEncoding, "gzip, gzip")
            .requests(1..=2),
    gzip_cut_by_the_end_of_the_connection = Case::serving(|_| labelled("gzip", gzip()).http10().cut_after(40_000))
        .fails(FailureKind::EndedEarly, "has no end")
        .maybe_leaving(&["f.part", "f.part.journal"])
        .requests(2..=5),
    gzip_of_two_members = Case::serving(|_| labelled("gzip", [gzip(), gzip()].concat()))
        .completes([plain(), plain()].concat())
        .requests(2..=2),
    gzip_of_many_megabytes = Case::serving(|_| labelled("gzip", files::gzip(&files::bytes(7, 0..5_000_000))))
        .completes(files::bytes(7, 0..5_000_000))
        .requests(2..=2),
    gzip_after_identity =
        Case::serving(|_| { labelled("identity", gzip()).one_more_header("Content-Encoding", "gzip") })
            .completes(plain())
            .requests(2..=2),
    gzip_in_chunks = Case::serving(|_| labelled("gzip", gzip()).chunked()).completes(plain()).requests(2..=2),
    gzip_only_when_not_asked_for = Case::serving(|request| match request.number {
        0 => labelled("gzip", gzip()),
        _ => Answer::status(200).bytes(plain()),
    })
    .completes(plain())
    .requests(2..=2),
    gzip_of_a_gz_is_a_label = Case::servers(|server, _| server.on("/f.tar.gz", |_| labelled("gzip", gzip())))
        .at("/f.tar.gz")
        .completes(gzip())
        .named("f.tar.gz")
        .requests(1..=1),
    gzip_of_a_type_is_a_label = Case::serving(|_| labelled("gzip", gzip()).header("Content-Type", "application/gzip"))
        .completes(gzip())
        .named("f.gz")
        .requests(1..=1),
    brotli = refused("br"),
    zstandard = refused("zstd"),
    compress = refused("compress"),
    something_unknown = refused("x-invented"),
    damaged_at_the_front = damaged(|bytes| [&b"no gzip"[..], &bytes].concat()),
    damaged_in_the_middle = damaged(|mut bytes| {
        // The length of a stored block and its complement.
        bytes[11] ^= 0xff;
        bytes
    }),
    with_a_wrong_sum = damaged(|mut bytes| {
        let sum = bytes.len() - 8;
        bytes[sum] ^= 1;
        bytes
    }),
    with_a_wrong_length = damaged(|mut bytes| {
        let length = bytes.len() - 4;
        bytes[length] ^= 1;
        bytes
    }),
    cut_short = damaged(|mut bytes| {
        bytes.truncate(30_000);
        bytes
    }),
    without_its_sum = damaged(|mut bytes| {
        bytes.truncate(bytes.len() - 8);
        bytes
    }),
    plain_bytes_under_the_label = damaged(|_| plain()),
    nothing_under_the_label = Case::serving(|_| labelled("gzip", Vec::new())).completes("").requests(1..=2),
    of_the_rest_of_a_file = Case::serving(|request| match request.number {
        0 => file().answer(request).cut_after(100_000),
        1 => file().answer(request).header("Content-Encoding", "gzip"),
        _ => file().answer(request),
    })
    .requests(3..=4),
    of_the_whole_in_place_of_the_rest = Case::serving(|request| match request.number {
        0 => file().answer(request).cut_after(100_000),
        1 => labelled("gzip", gzip()),
        _ => file().answer(request),
    })
    .requests(3..=4),
    of_the_transfer =
        Case::serving(|_| { Answer::status(200).bytes(gzip()).unframed().header("Transfer-Encoding", "gzip") })
            .completes(plain())
            .or_fails(FailureKind::Protocol)
            .requests(1..=4),
    of_the_transfer_and_chunked =
        Case::serving(|_| { Answer::status(200).bytes(gzip()).chunked().header("Transfer-Encoding", "gzip") })
            .completes(plain())
            .or_fails(FailureKind::Protocol)
            .requests(1..=4),
];

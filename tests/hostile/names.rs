// SPDX-License-Identifier: GPL-3.0-or-later
//! File names of every kind: none leads out of the folder, hides, or looks like another.

use super::case::Case;
use crate::support::faulty::Answer;

/// What a Content-Disposition field makes of the name.
fn disposition(field: &'static str, name: &str) -> Case {
    Case::serving(move |_| Answer::status(200).bytes("abc").header("Content-Disposition", field))
        .completes("abc")
        .named(name)
        .requests(1..=1)
}

/// What a Content-Disposition field of these very bytes makes of the name.
fn bytes(field: &'static [u8], name: &str) -> Case {
    Case::serving(move |_| {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Disposition: ";
        Answer::raw([&head[..], field, b"\r\n\r\nabc"].concat())
    })
    .completes("abc")
    .named(name)
    .requests(1..=1)
}

/// What the address makes of the name.
fn address(path: &'static str, name: &str) -> Case {
    Case::servers(move |server, _| server.on(path, |_| Answer::status(200).bytes("abc")))
        .at(path)
        .completes("abc")
        .named(name)
        .requests(1..=1)
}

cases![
    quoted = disposition("attachment; filename=\"a;b.txt\"", "a;b.txt"),
    extended_before_plain = disposition("attachment; filename=plain.txt; filename*=UTF-8''%e2%82%ac.txt", "€.txt"),
    extended_in_latin_1 = disposition("attachment; filename*=ISO-8859-1''%e4.txt", "ä.txt"),
    extended_and_broken = disposition("attachment; filename=good.txt; filename*=UTF-8''%zz%e2%82", "good.txt"),
    encoded_words = disposition("attachment; filename=\"=?UTF-8?B?w6QudHh0?=\"", "ä.txt"),
    utf_8 = disposition("attachment; filename=\"日本.txt\"", "日本.txt"),
    latin_1 = bytes(b"attachment; filename=\"d\xe9j\xe0.txt\"", "déjà.txt"),
    up_and_out = disposition("attachment; filename=\"../../etc/passwd\"", "passwd"),
    up_and_out_encoded = disposition("attachment; filename*=UTF-8''..%2f..%2fetc%2fpasswd", "passwd"),
    up_and_out_of_windows = disposition("attachment; filename=\"..\\\\..\\\\x.exe\"", "x.exe"),
    absolute = disposition("attachment; filename=\"/etc/cron.d/evil\"", "evil"),
    of_a_drive = disposition("attachment; filename=\"C:\\\\autoexec.bat\"", "autoexec.bat"),
    of_a_home = disposition("attachment; filename=\"~/.bashrc\"", "bashrc"),
    only_dots = disposition("attachment; filename=\"..\"", "f"),
    a_slash = disposition("attachment; filename=\"/\"", "f"),
    empty = disposition("attachment; filename=\"\"", "f"),
    only_blanks = disposition("attachment; filename=\"   \"", "f"),
    no_name = disposition("attachment", "f"),
    only_a_semicolon = disposition(";;;=;\"", "f"),
    never_closed = disposition("attachment; filename=\"open.txt", "open.txt"),
    twice = disposition("attachment; filename=first.txt; filename=second.txt", "first.txt"),
    hidden = disposition("attachment; filename=\".bashrc\"", "bashrc"),
    with_a_dash = disposition("attachment; filename=\"-rf\"", "-rf"),
    ending_in_blanks_and_dots = disposition("attachment; filename=\"a.txt. . .\"", "a.txt"),
    a_device = disposition("attachment; filename=\"CON\"", "_CON"),
    a_device_with_an_extension = disposition("attachment; filename=\"nul.tar.gz\"", "_nul.tar.gz"),
    what_fat_refuses = disposition("attachment; filename=\"a:b*c?d<e>f|g.txt\"", "a_b_c_d_e_f_g.txt"),
    control_bytes = bytes(b"attachment; filename=\"a\x01\x1b[31mb.txt\"", "a__[31mb.txt"),
    newlines_encoded = disposition("attachment; filename*=UTF-8''a%0d%0aSet-Cookie:%20x.txt", "a__Set-Cookie_ x.txt"),
    a_zero_encoded = disposition("attachment; filename*=UTF-8''a.txt%00.exe", "a.txt_.exe"),
    right_to_left = disposition("attachment; filename*=UTF-8''annexe%e2%80%aefdp.exe", "annexefdp.exe"),
    without_width = disposition("attachment; filename*=UTF-8''a%e2%80%8bb.txt", "ab.txt"),
    a_part_file = disposition("attachment; filename=\"x.part\"", "x_part"),
    a_journal = disposition("attachment; filename=\"x.part.journal\"", "x.part_journal"),
    three_hundred_bytes = disposition(
        concat!(
            "attachment; filename=\"",
            "ääääääääääääääääääääääääääääääääääääääääääääääääää",
            "ääääääääääääääääääääääääääääääääääääääääääääääääää",
            "ääääääääääääääääääääääääääääääääääääääääääääääääää",
            ".txt\""
        ),
        &format!("{}.txt", "ä".repeat(111)),
    ),
    thirty_kilobytes = Case::serving(|_| {
        let field = format!("attachment; filename=\"{}.zip\"", "x".repeat(30_000));
        Answer::status(200).bytes("abc").header("Content-Disposition", &field)
    })
    .completes("abc")
    .named(&format!("{}.zip", "x".repeat(223)))
    .requests(1..=1),
    of_an_address = address("/a%20b%2Bc.txt", "a b+c.txt"),
    // With capitals, which libcurl 8 makes of the others.
    of_an_address_up_and_out = address("/..%2F..%2Fetc%2Fpasswd", "passwd"),
    of_an_address_with_a_zero = address("/a%00b.txt", "a_b.txt"),
    of_an_address_with_newlines = address("/a%0Ab.txt", "a_b.txt"),
    of_an_address_of_dots = address("/%2E%2E%2F", "127.0.0.1"),
    of_no_path = address("/", "127.0.0.1"),
    of_a_type = Case::serving(|_| Answer::status(200).bytes("abc").header("Content-Type", "application/pdf; x=y"))
        .completes("abc")
        .named("f.pdf")
        .requests(1..=1),
    of_a_type_that_is_none = Case::serving(|_| Answer::status(200).bytes("abc").header("Content-Type", "../../evil"))
        .completes("abc")
        .requests(1..=1),
];

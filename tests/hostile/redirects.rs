// SPDX-License-Identifier: GPL-3.0-or-later
//! Redirects to everywhere (RFC 9110 section 15.4): each is followed by libcurl, and by us where there is something to keep
//! from other servers.

use freshet::engine::FailureKind;
use freshet::engine::download::spec::Credentials;

use super::case::{Case, ensure, file};
use crate::support::faulty::{Answer, Request, Resource};

/// `/f` leads to this place on the same server, where the file is called `there`.
fn to(status: u16, location: &'static str) -> Case {
    Case::servers(move |server, _| {
        server.on("/f", move |_| Answer::redirect(status, location));
        server.serve("/there", file());
    })
    .named("there")
    .requests(2..=2)
}

/// `/f` leads to a place where nothing can be fetched from.
fn nowhere(location: &'static str, kind: FailureKind, text: &str) -> Case {
    Case::serving(move |_| Answer::redirect(302, location)).fails(kind, text).requests(1..=1)
}

fn forbidden(location: &'static str) -> Case {
    nowhere(location, FailureKind::UnsupportedScheme, "upported|disabled|is not one of")
}

/// So many redirects before the file.
fn hops(count: usize) -> Case {
    Case::servers(move |server, _| {
        server.on("/f", move |request| {
            let hop: usize = request.target.split_once('?').map_or(0, |(_, hop)| hop.parse().unwrap());
            if hop < count { Answer::redirect(302, &format!("/f?{}", hop + 1)) } else { file().answer(request) }
        });
    })
}

/// The first answer is cut; then `/f` leads elsewhere, where `there` answers.
fn moved_meanwhile(there: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Case {
    Case::servers(move |server, other| {
        let elsewhere = other.url("/moved").to_string();
        server.on("/f", move |request| match request.number {
            0 => file().answer(request).cut_after(100_000),
            _ => Answer::redirect(302, &elsewhere),
        });
        other.on("/moved", there);
    })
}

/// Asked for with a password and a key, of which another host must learn nothing.
fn with_secrets(case: Case) -> Case {
    case.asking(|spec| {
        spec.manners.credentials = Some(Credentials { user: "ann".into(), password: "s3cret".into() });
        spec.manners.headers = vec!["Cookie: key=s3cret".into()];
    })
    .judging(|play| {
        let leaked = |name| play.other.seen().iter().any(|seen| seen.request.header(name).is_some());
        ensure(!leaked("Authorization") && !leaked("Cookie"), || "the other host was told a secret".to_owned())
    })
}

/// Asked for with what is followed by us, and is for the first server alone.
fn with_a_key(case: Case) -> Case {
    case.asking_also(|spec| {
        spec.manners.headers.extend(["X-Api-Key: s3cret".into(), "X-Test: yes".into()]);
        spec.manners.referer = Some("http://example.org/page?key=s3cret".into());
    })
    .judging(|play| {
        for (server, told) in [(&play.server, true), (&play.other, false)] {
            for name in ["X-Api-Key", "Referer"] {
                let as_meant = server.seen().iter().all(|seen| seen.request.header(name).is_some() == told);
                ensure(as_meant, || format!("{name} is to be told only to the first server"))?;
            }
            let is_told = server.seen().iter().all(|seen| seen.request.header("X-Test") == Some("yes"));
            ensure(is_told, || "X-Test is for all".to_owned())?;
        }
        Ok(())
    })
}

/// The same table twice.
macro_rules! by_both {
    ($($name:ident = $case:expr),+ $(,)?) => {
        pub mod by_libcurl {
            use super::*;
            cases![$($name = $case),+];
        }
        pub mod by_us {
            use super::*;
            cases![$($name = with_a_key($case)),+];
        }
    };
}

by_both![
    moved_permanently = to(301, "/there"),
    found = to(302, "/there"),
    see_other = to(303, "/there"),
    temporary = to(307, "/there"),
    permanent = to(308, "/there"),
    to_a_relative_place = to(302, "there"),
    to_a_place_with_dots = to(302, "/a/b/../../there"),
    to_a_place_with_a_fragment = to(302, "/there#section"),
    to_a_place_with_a_query = to(302, "/there?a=b/c").named("there"),
    to_the_same_place_with_another_query = hops(1).requests(2..=2),
    to_no_scheme = Case::servers(|server, other| {
        let place = other.url("/there").to_string();
        server.on("/f", move |_| Answer::redirect(302, place.trim_start_matches("http:")));
        other.serve("/there", file());
    })
    .named("there")
    .requests(2..=2),
    to_another_port = Case::servers(|server, other| {
        let place = other.url("/there").to_string();
        server.on("/f", move |_| Answer::redirect(307, &place));
        other.serve("/there", file());
    })
    .named("there")
    .requests(2..=2),
    to_another_host_without_its_secrets = with_secrets(Case::servers(|server, other| {
        let place = other.url_of_host("localhost", "/there").to_string();
        server.on("/f", move |_| Answer::redirect(307, &place));
        other.serve("/there", file());
    }))
    .named("there")
    .requests(2..=2),
    with_a_large_page = Case::servers(|server, _| {
        server.on("/f", |_| Answer::redirect(302, "/there").generated(1, 0..1 << 20));
        server.serve("/there", file());
    })
    .named("there")
    .requests(2..=2),
    // Only the last answer speaks of the file.
    with_fields_of_another_file = Case::servers(|server, _| {
        server.on("/f", |_| {
            Answer::redirect(302, "/there")
                .header("Content-Disposition", "attachment; filename=evil")
                .header("Content-Encoding", "br")
                .header("ETag", "\"other\"")
        });
        server.serve("/there", file());
    })
    .named("there")
    .requests(2..=2),
    twenty_times = hops(20).requests(21..=21),
    twenty_one_times = hops(21).fails(FailureKind::TooManyRedirects, "20").requests(21..=21),
    in_a_circle = Case::serving(|_| Answer::redirect(302, "/f"))
        .fails(FailureKind::TooManyRedirects, "redirects")
        .requests(21..=21),
    in_a_circle_of_two_servers = Case::servers(|server, other| {
        let (back, forth) = (server.url("/f").to_string(), other.url("/f").to_string());
        server.on("/f", move |_| Answer::redirect(301, &forth));
        other.on("/f", move |_| Answer::redirect(301, &back));
    })
    .fails(FailureKind::TooManyRedirects, "redirects")
    .requests(21..=21),
    to_a_local_file = forbidden("file:///etc/passwd"),
    to_sftp = forbidden("sftp://127.0.0.1/etc/passwd"),
    to_scp = forbidden("scp://127.0.0.1/etc/passwd"),
    to_gopher = forbidden("gopher://127.0.0.1:25/_HELO"),
    to_dict = forbidden("dict://127.0.0.1:6379/FLUSHALL"),
    to_telnet = forbidden("telnet://127.0.0.1/"),
    to_data = forbidden("data:text/plain,evil"),
    to_javascript = forbidden("javascript:alert(1)"),
    to_mail = forbidden("mailto:ann@example.org"),
    to_an_unknown_scheme = forbidden("zzz://127.0.0.1/f"),
    to_ftp_where_nobody_listens =
        nowhere("ftp://127.0.0.1:1/f", FailureKind::CannotConnect, "127.0.0.1 port 1|127.0.0.1:1 ").requests(1..=4),
    to_an_unfinished_host = nowhere("http://[::1", FailureKind::InvalidAddress, ""),
    to_no_host = nowhere("http://:80/f", FailureKind::InvalidAddress, ""),
    to_an_impossible_port = nowhere("http://127.0.0.1:99999/f", FailureKind::InvalidAddress, ""),
    to_a_host_with_a_space = nowhere("http://exa mple/f", FailureKind::InvalidAddress, ""),
    to_an_empty_place = nowhere("", FailureKind::HttpStatus(302), "302"),
    without_a_place = Case::serving(|_| Answer::status(302).bytes("moved"))
        .fails(FailureKind::HttpStatus(302), "302")
        .requests(1..=1),
    to_many_places = Case::serving(|_| Answer::status(300).bytes("choose"))
        .fails(FailureKind::HttpStatus(300), "300")
        .requests(1..=1),
    to_a_proxy = Case::serving(|_| Answer::redirect(305, "http://127.0.0.1:1/"))
        .fails_as(&[FailureKind::HttpStatus(305), FailureKind::CannotConnect], "")
        .requests(1..=4),
    to_a_place_with_spaces = Case::servers(|server, _| {
        server.on("/f", |_| Answer::redirect(302, "/over there"));
        server.serve("/over%20there", file());
    })
    .named("over there")
    .requests(2..=2),
    to_a_place_in_other_letters = Case::servers(|server, _| {
        server.on("/f", |_| Answer::redirect(302, "/d\u{e9}j\u{e0}"));
        server.serve("/d%C3%A9j%C3%A0", file());
        server.serve("/d%c3%a9j%c3%a0", file());
    })
    .named("d\u{e9}j\u{e0}")
    .requests(2..=2),
    to_a_place_far_too_long = Case::serving(|_| Answer::redirect(302, &format!("/{}", "x".repeat(30_000))))
        .fails(FailureKind::HttpStatus(404), "404")
        .requests(1..=2),
    of_the_rest_to_the_same_file = moved_meanwhile(|request| file().answer(request)).requests(3..=3).judging(|play| {
        let rest = play.other.seen_at("/moved")[0].request.range();
        ensure(rest == Some((100_000, Some(199_999))), || format!("asked there for {rest:?}"))?;
        ensure(play.other.sent_at("/moved") == 100_000, || "bytes were fetched twice".to_owned())
    }),
    of_the_rest_to_another_file = moved_meanwhile(|request| Resource::new(8, 200_000).answer(request))
        .completes(&Resource::new(8, 200_000))
        .named("moved")
        .requests(3..=5),
    of_the_rest_to_a_liar = moved_meanwhile(|request| match request.range() {
        // The same length, and no validator to see that it is another file.
        Some(_) => Resource::new(8, 200_000).etag(Some("\"8\"")).part(100_000..200_000),
        None => file().answer(request),
    })
    .named("moved")
    .requests(3..=5),
    of_the_rest_to_a_log_in_page = moved_meanwhile(|_| Answer::login_page())
        .fails_as(&[FailureKind::ChangedOnServer, FailureKind::WrongRange], "")
        .keeping(&file(), "f.part", 100_000)
        .requests(3..=9),
    of_all_to_a_log_in_page = Case::servers(|server, _| {
        server.on("/f.iso", |_| Answer::redirect(302, "/login"));
        server.on("/login", |_| Answer::login_page());
    })
    .at("/f.iso")
    .completes("<!DOCTYPE html><html><head><title>Log in</title></head><body><form>...</form></body></html>\n")
    .named("login.html")
    .requests(2..=2),
];

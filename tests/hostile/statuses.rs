// SPDX-License-Identifier: GPL-3.0-or-later
//! Refusals of every kind (RFC 9110 section 15, RFC 6585): told as what they are, never written, and
//! asked again only where that may help, as seldom as the server wishes.

use std::time::{Duration, SystemTime};

use freshet::engine::FailureKind;
use freshet::engine::download::spec::Credentials;

use super::case::{Case, ensure, file};
use super::stage::Play;
use crate::support::faulty::{Answer, Resource};

/// A refusal for good: asked once.
fn for_good(status: u16) -> Case {
    let text = status.to_string();
    Case::serving(move |_| Answer::status(status).bytes("<html>no</html>"))
        .fails(FailureKind::HttpStatus(status), &text)
        .requests(1..=1)
}

/// A refusal for now: asked as often as the user's patience says.
fn for_now(status: u16) -> Case {
    let text = status.to_string();
    Case::serving(move |_| Answer::status(status).bytes("<html>no</html>"))
        .fails(FailureKind::HttpStatus(status), &text)
        .requests(4..=4)
}

/// A refusal for now that asks to be asked later.
fn retry_after(value: &'static str) -> Case {
    Case::serving(move |_| Answer::status(503).header("Retry-After", value))
}

/// Refused like this at first.
fn at_first(answer: impl Fn() -> Answer + Send + Sync + 'static) -> Case {
    Case::at_first(move |_| answer()).requests(2..=2)
}

/// The second request came so much later than the first, in milliseconds. Much more than it takes is allowed for a
/// busy machine.
fn later(least: u64, most: u64) -> impl Fn(&Play) -> Result<(), String> {
    move |play| {
        let seen = play.server.seen_at("/f");
        let wait = seen[1].at - seen[0].at;
        let wanted = Duration::from_millis(least)..Duration::from_millis(most);
        ensure(wanted.contains(&wait), || format!("asked again after {wait:?}, not {wanted:?}"))
    }
}

/// A date so many seconds from now, as HTTP writes it.
fn date_in(seconds: u64) -> String {
    let at = SystemTime::now() + Duration::from_secs(seconds);
    let unix = at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let now = glib::DateTime::from_unix_utc(unix as i64).unwrap();
    now.format("%a, %d %b %Y %H:%M:%S GMT").unwrap().to_string()
}

/// With a body that never ends.
fn endless(status: u16) -> Answer {
    Answer::status(status).generated(1, 0..1 << 40)
}

/// Not more of it than is needed to use the connection again, and what lies in buffers.
fn was_not_read_on(play: &Play) -> Result<(), String> {
    let sent = play.server.sent_at("/f");
    ensure(sent < 64 << 20, || format!("{sent} bytes of a refusal were read"))
}

fn message(media_type: &str, text: &str) -> Answer {
    Answer::status(200).header("Content-Type", media_type).bytes(text)
}

/// 200 with a message once the link has expired.
fn message_after_a_part(media_type: &'static str, text: &'static str) -> Case {
    Case::serving(move |request| match request.number {
        0 => file().answer(request).cut_after(100_000),
        _ => message(media_type, text),
    })
    .fails(FailureKind::ChangedOnServer, "came in place of the rest")
    .keeping(&file(), "f.part", 100_000)
    .requests(2..=2)
}

cases![
    bad_request = for_good(400),
    forbidden = for_good(403),
    not_found = for_good(404),
    not_allowed = for_good(405),
    not_acceptable = for_good(406),
    conflict = for_good(409),
    gone = for_good(410),
    precondition_failed = for_good(412),
    range_not_satisfiable_though_none_was_asked_for = for_good(416),
    teapot = for_good(418),
    misdirected = for_good(421),
    unavailable_for_legal_reasons = for_good(451),
    not_implemented = for_good(501),
    network_log_in_required = for_good(511),
    request_timeout = for_now(408),
    too_early = for_now(425),
    too_many_requests = for_now(429),
    server_error = for_now(500),
    bad_gateway = for_now(502),
    unavailable = for_now(503),
    gateway_timeout = for_now(504),
    bandwidth_exceeded = for_now(509),
    proxy_between_could_not_connect = for_now(522),
    unavailable_at_first = at_first(|| Answer::status(503)),
    log_in = Case::serving(|_| Answer::login()).fails(FailureKind::LoginRequired, "401").requests(1..=1),
    log_in_at_a_proxy = Case::serving(|_| Answer::status(407).header("Proxy-Authenticate", "Basic realm=x"))
        .fails(FailureKind::ProxyLogin, "407")
        .requests(1..=1),
    log_in_of_no_known_kind = Case::serving(|_| Answer::status(401).header("WWW-Authenticate", "Sorcery spell=x"))
        .asking(|spec| spec.manners.credentials = Some(Credentials { user: "ann".into(), password: "s3cret".into() }))
        .fails(FailureKind::LoginUnsupported, "401")
        .requests(1..=1),
    log_in_of_a_kind_that_is_not_told = Case::serving(|_| Answer::status(401))
        .asking(|spec| spec.manners.credentials = Some(Credentials { user: "ann".into(), password: "s3cret".into() }))
        .fails(FailureKind::HttpStatus(401), "401")
        .requests(1..=1),
    log_in_with_what_was_given = Case::serving(|request| {
        if request.is_from("ann", "s3cret") { file().answer(request) } else { Answer::login() }
    })
    .asking(|spec| spec.manners.credentials = Some(Credentials { user: "ann".into(), password: "s3cret".into() }))
    .requests(1..=2),
    log_in_with_what_is_wrong = Case::serving(|_| Answer::login())
        .asking(|spec| spec.manners.credentials = Some(Credentials { user: "ann".into(), password: "wrong".into() }))
        .fails(FailureKind::LoginRequired, "401")
        .requests(1..=2),
    log_in_page_in_place_of_a_file_of_known_length = Case::serving(|request| match request.number {
        0 => file().answer(request).cut_after(100_000),
        _ => Answer::login_page(),
    })
    .fails_as(&[FailureKind::ChangedOnServer, FailureKind::WrongRange], "")
    .keeping(&file(), "f.part", 100_000)
    .requests(2..=5),
    json_in_place_of_the_rest = message_after_a_part("application/json", "{\"error\": \"expired\"}"),
    xml_in_place_of_the_rest = message_after_a_part("application/xml", "<Error><Code>Expired</Code></Error>"),
    text_in_place_of_the_rest = message_after_a_part("text/plain; charset=utf-8", "expired\n"),
    text_in_chunks_in_place_of_the_rest = Case::serving(|request| match request.number {
        0 => file().answer(request).cut_after(100_000),
        _ => message("text/plain", "expired\n").chunked(),
    })
    .fails(FailureKind::ChangedOnServer, "text/plain")
    .keeping(&file(), "f.part", 100_000)
    .requests(2..=2),
    // Servers guess at types, and come to guess otherwise.
    another_version_of_another_type_and_the_same_length = Case::serving(|request| match request.number {
        0 => file().answer(request).cut_after(100_000),
        _ => Resource::new(8, 200_000).media_type("application/x-tar").answer(request),
    })
    .completes(&Resource::new(8, 200_000))
    .named("f.tar")
    .requests(2..=2),
    retry_after_a_second = at_first(|| Answer::status(503).header("Retry-After", "1")).judging(later(950, 3000)),
    retry_after_a_second_for_too_many =
        at_first(|| Answer::status(429).header("Retry-After", "1")).judging(later(950, 3000)),
    retry_after_a_date = at_first(|| Answer::status(503).header("Retry-After", &date_in(2))).judging(later(950, 4000)),
    retry_after_a_date_that_is_over =
        at_first(|| Answer::status(503).header("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT")).judging(later(0, 4000)),
    retry_after_zero = retry_after("0").fails(FailureKind::HttpStatus(503), "503").requests(4..=4),
    retry_after_garbage = at_first(|| Answer::status(503).header("Retry-After", "soon")).judging(later(0, 4000)),
    retry_after_a_negative = at_first(|| Answer::status(503).header("Retry-After", "-5")).judging(later(0, 4000)),
    retry_after_an_hour = retry_after("3600").waits(FailureKind::HttpStatus(503), 890..=900).requests(1..=1),
    retry_after_a_number_beyond_64_bits =
        retry_after("99999999999999999999999").waits(FailureKind::HttpStatus(503), 890..=900).requests(1..=1),
    retry_after_a_date_far_away =
        retry_after("Fri, 31 Dec 9999 23:59:59 GMT").waits(FailureKind::HttpStatus(503), 890..=900).requests(1..=1),
    a_refusal_without_end = Case::serving(|_| endless(404))
        .fails(FailureKind::HttpStatus(404), "404")
        .judging(was_not_read_on)
        .requests(1..=1),
    a_refusal_cut_short = Case::serving(|_| Answer::status(404).claim_length(5000))
        .fails(FailureKind::HttpStatus(404), "404")
        .requests(1..=1),
    a_refusal_that_is_compressed = Case::serving(|_| Answer::status(403).header("Content-Encoding", "br"))
        .fails(FailureKind::HttpStatus(403), "403")
        .requests(1..=1),
    a_refusal_after_a_part_keeps_it = Case::serving(|request| match request.number {
        0 => file().answer(request).cut_after(100_000),
        _ => Answer::status(403),
    })
    .fails(FailureKind::HttpStatus(403), "403")
    .keeping(&file(), "f.part", 100_000)
    .requests(2..=2),
    gone_after_a_part_keeps_it = Case::serving(|request| match request.number {
        0 => file().answer(request).cut_after(100_000),
        _ => Answer::status(410),
    })
    .fails(FailureKind::HttpStatus(410), "410")
    .keeping(&file(), "f.part", 100_000)
    .requests(2..=2),
    unavailable_after_a_part_keeps_it = Case::serving(|request| match request.number {
        0 => file().answer(request).cut_after(100_000),
        _ => Answer::status(503),
    })
    .fails(FailureKind::HttpStatus(503), "503")
    .keeping(&file(), "f.part", 100_000)
    .requests(4..=5),
    log_in_after_a_part_keeps_it = Case::serving(|request| match request.number {
        0 => file().answer(request).cut_after(100_000),
        _ => Answer::login(),
    })
    .fails(FailureKind::LoginRequired, "401")
    .keeping(&file(), "f.part", 100_000)
    .requests(2..=2),
];

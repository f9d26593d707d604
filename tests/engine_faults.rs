// SPDX-License-Identifier: GPL-3.0-or-later
//! Faults that take more than one look to judge: what is there in between, what other downloads
//! notice, what was sent. All that shows at the end is in `hostile_server.rs`.

mod support;

use std::io::Write;
use std::time::{Duration, Instant, SystemTime};

use freshet::engine::{FailureKind, Speed, State};
use support::engine::{LIMIT, Running};
use support::faulty::{Answer, Faulty, Resource};
use support::files;
use support::listening::Listening;

const MIB: u64 = 1 << 20;

#[test]
fn a_changed_file_begins_anew_and_the_old_part_is_kept_until_then() {
    let (server, running) = (Faulty::start(), Running::start());
    let (old, new) = (Resource::new(5, 4 * MIB), Resource::new(6, 4 * MIB));
    server.on("/f", move |request| match request.number {
        0 => old.answer(request).cut_after(2 * MIB),
        _ => new.answer(request).rate(2 * MIB),
    });
    let id = running.add(server.url("/f"));
    running.main_loop.run_until(LIMIT, "the second part file", || running.names().contains(&"f (1).part".to_owned()));
    assert!(running.file("f.part").exists());
    files::assert_same(&running.completed(id), 6, 4 * MIB);
    assert_eq!(running.names(), ["f"]);
}

#[test]
fn nobody_listening_is_told_after_the_retries() {
    let running = Running::start();
    let port = { std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port() };
    let id = running.add(format!("http://127.0.0.1:{port}/f").parse().unwrap());
    running.fails_with(id, &FailureKind::CannotConnect);
    assert_eq!(running.retries(id).len(), 3);
}

#[test]
fn a_host_that_asks_for_patience_is_left_alone_by_all() {
    let (server, running) = (Faulty::start(), Running::start());
    server.on("/busy", |_| Answer::status(503).header("Retry-After", "2"));
    server.serve("/other", Resource::new(1, 10));
    let begin = SystemTime::now();
    let busy = running.add(server.url("/busy"));
    running.until(busy, "the refusal", |now| now.retry_at.is_some());
    let at = running.snapshot(busy).retry_at.unwrap();
    let (earliest, latest) = (begin + Duration::from_millis(1950), SystemTime::now() + Duration::from_secs(2));
    assert!(earliest <= at && at <= latest, "it is tried again at {at:?}, not {earliest:?} to {latest:?}");
    let other = running.add(server.url("/other"));
    running.completed(other);
    let wait = server.seen_at("/other")[0].at - server.seen_at("/busy")[0].at;
    assert!(wait >= Duration::from_millis(1950), "{wait:?}");
}

#[test]
fn a_server_of_ftp_that_has_too_many_guests_is_told_apart_from_a_silent_one() {
    let running = Running::start();
    let full = Listening::start(|mut stream| stream.write_all(b"421 There are too many connected users.\r\n"));
    let id = running.add(format!("ftp://{}/f", full.address()).parse().unwrap());
    running.fails_with(id, &FailureKind::ServerRefused(421));
    assert_eq!(running.retries(id).len(), 3);
}

#[test]
fn a_limit_holds_for_what_a_redirect_leads_to() {
    // Redirects are followed by libcurl, or by us: where there is a referrer.
    for referer in [None, Some("http://example.org/page".to_owned())] {
        let (server, running) = (Faulty::start(), Running::start());
        server.on("/f", |_| Answer::redirect(302, "/there").bytes("moved"));
        server.serve("/there", Resource::new(1, 3 * MIB));
        let mut spec = running.single(server.url("/f"));
        (spec.rate, spec.manners.referer) = (Some(Speed(MIB)), referer);
        let begin = Instant::now();
        files::assert_same(&running.completed(running.engine.add(spec)), 1, 3 * MIB);
        assert!(begin.elapsed() > Duration::from_secs(2), "{:?}", begin.elapsed());
        let connections: Vec<_> = server.seen().iter().map(|seen| seen.request.connection).collect();
        assert_eq!(connections, [0, 0], "it asked over another connection");
    }
}

#[test]
fn requests_say_what_they_are_told_to_and_ask_for_identity() {
    let (server, running) = (Faulty::start(), Running::start());
    server.serve("/f", Resource::new(1, 10));
    let mut spec = running.spec(server.url("/f"));
    spec.manners.headers = vec!["X-Test: yes".into()];
    spec.manners.referer = Some("http://example.org/page".into());
    spec.manners.user_agent = Some("Probe/1".into());
    running.completed(running.engine.add(spec));
    running.completed(running.add(server.url("/f")));
    let seen = server.seen_at("/f");
    for (field, value) in [
        ("X-Test", "yes"),
        ("Referer", "http://example.org/page"),
        ("User-Agent", "Probe/1"),
        ("Accept-Encoding", "identity"),
    ] {
        assert_eq!(seen[0].request.header(field), Some(value), "{field}");
    }
    assert!(seen[1].request.header("User-Agent").unwrap().starts_with("Freshet/"));
}

#[test]
fn addresses_that_can_not_be_downloaded_fail_at_once() {
    let running = Running::start();
    for url in ["file:///etc/passwd", "mailto:ann@example.org", "gopher://127.0.0.1/f"] {
        let id = running.add(url.parse().unwrap());
        assert!(matches!(running.state(id), State::Failed(failure) if failure.kind == FailureKind::UnsupportedScheme));
    }
}

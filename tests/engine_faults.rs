// SPDX-License-Identifier: GPL-3.0-or-later
//! What the engine makes of servers that lie, cut, stall and refuse: real libcurl against a server
//! of our own. Each is judged by the bytes on disk and the failure told.

mod support;

use std::time::Duration;

use freshet::engine::download::spec::Credentials;
use freshet::engine::{FailureKind, State};
use support::engine::{LIMIT, Running};
use support::faulty::{Answer, Faulty, Resource};
use support::files;

const MIB: u64 = 1 << 20;

#[test]
fn a_whole_file_arrives_with_its_bytes_its_time_and_nothing_else_in_the_folder() {
    let (server, running) = (Faulty::start(), Running::start());
    server.serve("/file.bin", Resource::new(1, 3 * MIB + 7));
    let path = running.completed(running.add(server.url("/file.bin")));
    files::assert_same(&path, 1, 3 * MIB + 7);
    assert_eq!(running.names(), ["file.bin"]);
    let age = path.metadata().unwrap().modified().unwrap().elapsed().unwrap();
    assert!(age > Duration::from_secs(86_400), "Last-Modified was in 2025");
}

#[test]
fn an_empty_file_is_a_file() {
    let (server, running) = (Faulty::start(), Running::start());
    server.serve("/empty", Resource::new(1, 0));
    let path = running.completed(running.add(server.url("/empty")));
    assert_eq!(path.metadata().unwrap().len(), 0);
    assert_eq!(running.names(), ["empty"]);
}

#[test]
fn bodies_without_a_length_end_with_their_framing() {
    let (server, running) = (Faulty::start(), Running::start());
    let file = Resource::new(2, 2 * MIB);
    server.on("/chunked", {
        let file = file.clone();
        move |_| file.without_ranges().chunked()
    });
    server.on("/close", move |_| file.without_ranges().http10());
    for path in ["/chunked", "/close"] {
        let path = running.completed(running.add(server.url(path)));
        files::assert_same(&path, 2, 2 * MIB);
    }
}

#[test]
fn a_cut_chunked_body_is_not_complete() {
    let (server, running) = (Faulty::start(), Running::start());
    let file = Resource::new(2, 2 * MIB);
    server.on("/f", move |request| match request.number {
        0 => file.without_ranges().chunked().cut_after(MIB),
        _ => file.without_ranges().chunked(),
    });
    let id = running.add(server.url("/f"));
    files::assert_same(&running.completed(id), 2, 2 * MIB);
    assert_eq!(running.retries(id).len(), 1);
}

#[test]
fn a_cut_connection_is_continued_where_it_stopped() {
    let (server, running) = (Faulty::start(), Running::start());
    let file = Resource::new(3, 4 * MIB);
    server.on("/f", move |request| match request.number {
        0 => file.answer(request).cut_after(MIB),
        1 => file.answer(request).reset_after(MIB),
        _ => file.answer(request),
    });
    let id = running.add(server.url("/f"));
    files::assert_same(&running.completed(id), 3, 4 * MIB);
    let seen = server.seen_at("/f");
    assert_eq!(seen[0].request.range(), None);
    assert_eq!(seen[1].request.range(), Some((MIB, None)));
    assert!(seen[1].request.header("If-Range").is_some());
    assert_eq!(seen[2].status, 206);
    // A reset may take what had not been read with it, but no more.
    assert!(server.sent_at("/f") < 6 * MIB, "{}", server.sent_at("/f"));
}

#[test]
fn progress_sets_the_count_of_retries_back() {
    let (server, running) = (Faulty::start(), Running::start());
    let file = Resource::new(3, 10 * MIB);
    server.on("/f", move |request| file.answer(request).cut_after(MIB));
    let id = running.add(server.url("/f"));
    files::assert_same(&running.completed(id), 3, 10 * MIB);
    let retries = running.retries(id);
    assert_eq!(retries.len(), 9, "more than the three that are allowed without progress: {retries:#?}");
}

#[test]
fn a_body_shorter_than_announced_fails_in_the_end_and_is_never_called_complete() {
    let (server, running) = (Faulty::start(), Running::start());
    let file = Resource::new(4, MIB);
    server.on("/f", move |_| file.without_ranges().claim_length(2 * MIB));
    let id = running.add(server.url("/f"));
    running.fails_with(id, &FailureKind::EndedEarly);
    assert_eq!(server.seen_at("/f").len(), 4, "the same bytes again are no progress: three retries");
    assert!(!running.file("f").exists());
    // The first part file, which another server might still continue, and the last one.
    assert!(running.names().len() <= 4, "{:?}", running.names());
}

#[test]
fn a_server_that_ignores_ranges_gives_the_file_anew_without_mixing() {
    let (server, running) = (Faulty::start(), Running::start());
    let (old, new) = (Resource::new(5, 4 * MIB), Resource::new(6, 3 * MIB));
    server.on("/f", move |request| match request.number {
        0 => old.answer(request).cut_after(2 * MIB),
        _ => new.without_ranges(),
    });
    let id = running.add(server.url("/f"));
    files::assert_same(&running.completed(id), 6, 3 * MIB);
    assert_eq!(running.names(), ["f"], "the old part file is gone once the new file is there");
}

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

/// 206 answers that are not what was asked for; the third request is answered rightly.
fn lies_about_ranges(lie: impl Fn(&Resource) -> Answer + Send + Sync + 'static) {
    let (server, running) = (Faulty::start(), Running::start());
    let file = Resource::new(7, 4 * MIB);
    server.on("/f", move |request| match request.number {
        0 => file.answer(request).cut_after(MIB),
        1 => lie(&file),
        _ => file.answer(request),
    });
    let id = running.add(server.url("/f"));
    files::assert_same(&running.completed(id), 7, 4 * MIB);
    assert_eq!(running.names(), ["f"]);
    assert_eq!(server.seen_at("/f")[2].request.range(), None, "it is not trusted with ranges again");
}

#[test]
fn a_206_of_another_range_is_refused() {
    lies_about_ranges(|file| file.part(0..4 * MIB));
}

#[test]
fn a_206_with_another_total_is_refused() {
    lies_about_ranges(|file| {
        file.part(MIB..4 * MIB).without_header("Content-Range").header("Content-Range", "bytes 1048576-4194303/9999999")
    });
}

#[test]
fn a_206_without_content_range_is_refused() {
    lies_about_ranges(|file| file.part(MIB..4 * MIB).without_header("Content-Range"));
}

#[test]
fn a_206_of_another_version_is_refused() {
    lies_about_ranges(|file| Resource::new(8, 4 * MIB).part(MIB..file.len));
}

#[test]
fn a_206_that_was_not_asked_for_is_refused() {
    let (server, running) = (Faulty::start(), Running::start());
    server.on("/f", |_| Resource::new(7, MIB).part(0..MIB));
    running.fails_with(running.add(server.url("/f")), &FailureKind::WrongRange);
    assert!(running.names().is_empty());
}

#[test]
fn a_416_for_a_part_begins_anew() {
    let (server, running) = (Faulty::start(), Running::start());
    let file = Resource::new(9, 2 * MIB);
    server.on("/f", move |request| match request.number {
        0 => file.answer(request).cut_after(MIB),
        1 => Answer::status(416).header("Content-Range", "bytes */5"),
        _ => file.answer(request),
    });
    files::assert_same(&running.completed(running.add(server.url("/f"))), 9, 2 * MIB);
}

#[test]
fn a_stalled_body_is_given_up_after_the_silence_and_continued() {
    let (server, running) = (Faulty::start(), Running::start());
    let file = Resource::new(10, 2 * MIB);
    server.on("/f", move |request| match request.number {
        0 => file.answer(request).stall_after(MIB, Duration::from_secs(30)),
        _ => file.answer(request),
    });
    let id = running.add(server.url("/f"));
    files::assert_same(&running.completed(id), 10, 2 * MIB);
    assert_eq!(server.seen_at("/f")[1].request.range(), Some((MIB, None)));
}

#[test]
fn a_server_that_never_answers_is_silent() {
    let (server, running) = (Faulty::start(), Running::start());
    server.on("/f", |_| Answer::nothing().silent_for(Duration::from_secs(30)));
    let mut spec = running.spec(server.url("/f"));
    spec.patience.retries = 0;
    let id = running.engine.add(spec);
    running.fails_with(id, &FailureKind::Silence);
}

#[test]
fn a_slow_server_is_not_a_silent_one() {
    let (server, running) = (Faulty::start(), Running::start());
    server.on("/f", |_| Resource::new(11, 300_000).without_ranges().rate(100_000));
    let id = running.add(server.url("/f"));
    files::assert_same(&running.completed(id), 11, 300_000);
    assert_eq!(running.retries(id), []);
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
fn refusals_of_the_server_are_told_and_write_nothing() {
    let (server, running) = (Faulty::start(), Running::start());
    for (path, status, kind) in [
        ("/403", 403, FailureKind::HttpStatus(403)),
        ("/404", 404, FailureKind::HttpStatus(404)),
        ("/410", 410, FailureKind::HttpStatus(410)),
        ("/451", 451, FailureKind::HttpStatus(451)),
        ("/204", 204, FailureKind::Protocol),
    ] {
        server.on(path, move |_| Answer::status(status).bytes(if status == 204 { "" } else { "<html>no</html>" }));
        running.fails_with(running.add(server.url(path)), &kind);
    }
    assert!(running.names().is_empty(), "{:?}", running.names());
    assert_eq!(server.seen_at("/404").len(), 1, "a permanent error is not tried again");
}

#[test]
fn a_busy_server_is_asked_again_when_it_says() {
    let (server, running) = (Faulty::start(), Running::start());
    let file = Resource::new(12, 1000);
    server.on("/f", move |request| match request.number {
        0 => Answer::status(503).header("Retry-After", "1"),
        1 => Answer::status(429),
        _ => file.answer(request),
    });
    files::assert_same(&running.completed(running.add(server.url("/f"))), 12, 1000);
    let seen = server.seen_at("/f");
    assert!(seen[1].at - seen[0].at >= Duration::from_millis(950), "Retry-After was heeded");
    assert!(seen[2].at - seen[1].at < Duration::from_millis(900), "and only then");
}

#[test]
fn a_host_that_asks_for_patience_is_left_alone_by_all() {
    let (server, running) = (Faulty::start(), Running::start());
    server.on("/busy", |_| Answer::status(503).header("Retry-After", "2"));
    server.serve("/other", Resource::new(1, 10));
    running.add(server.url("/busy"));
    running.main_loop.run_until(LIMIT, "the refusal", || !server.seen_at("/busy").is_empty());
    running.main_loop.run_for(Duration::from_millis(50));
    let other = running.add(server.url("/other"));
    running.completed(other);
    let wait = server.seen_at("/other")[0].at - server.seen_at("/busy")[0].at;
    assert!(wait >= Duration::from_millis(1950), "{wait:?}");
}

#[test]
fn redirects_are_followed_to_the_file_and_the_name_is_the_last_ones() {
    let (server, running) = (Faulty::start(), Running::start());
    server.on("/a", |_| Answer::redirect(302, "/b?x=1"));
    server.on("/b", {
        let last = server.url("/real.bin");
        move |_| Answer::redirect(307, last.as_str())
    });
    server.serve("/real.bin", Resource::new(13, 5000));
    let path = running.completed(running.add(server.url("/a")));
    files::assert_same(&path, 13, 5000);
    assert!(path.ends_with("real.bin"), "{path:?}");
}

#[test]
fn redirects_in_a_circle_or_to_other_schemes_are_refused() {
    let (server, running) = (Faulty::start(), Running::start());
    server.on("/loop", |_| Answer::redirect(302, "/loop"));
    server.on("/file", |_| Answer::redirect(302, "file:///etc/passwd"));
    server.on("/scp", |_| Answer::redirect(302, "scp://127.0.0.1/etc/passwd"));
    running.fails_with(running.add(server.url("/loop")), &FailureKind::TooManyRedirects);
    running.fails_with(running.add(server.url("/file")), &FailureKind::UnsupportedScheme);
    running.fails_with(running.add(server.url("/scp")), &FailureKind::UnsupportedScheme);
    assert!(running.names().is_empty());
}

#[test]
fn an_uninvited_encoding_is_undone() {
    let (server, running) = (Faulty::start(), Running::start());
    let plain = files::bytes(14, 0..50_000);
    let gzip = files::gzip(&plain);
    server.on("/page.txt", move |_| Answer::status(200).bytes(gzip.clone()).header("Content-Encoding", "gzip"));
    let path = running.completed(running.add(server.url("/page.txt")));
    files::assert_same(&path, 14, 50_000);
}

#[test]
fn a_gz_file_labelled_as_encoded_stays_as_it_is() {
    let (server, running) = (Faulty::start(), Running::start());
    let gzip = files::gzip(&files::bytes(14, 0..50_000));
    let kept = gzip.clone();
    server.on("/f.tar.gz", move |_| Answer::status(200).bytes(gzip.clone()).header("Content-Encoding", "gzip"));
    let path = running.completed(running.add(server.url("/f.tar.gz")));
    assert_eq!(std::fs::read(path).unwrap(), kept);
}

#[test]
fn names_come_from_the_server_and_never_lead_out_of_the_folder() {
    let (server, running) = (Faulty::start(), Running::start());
    for (path, field, name) in [
        ("/1", "attachment; filename=\"a;b.txt\"", "a;b.txt"),
        ("/2", "attachment; filename=plain.txt; filename*=UTF-8''%e2%82%ac.txt", "€.txt"),
        ("/3", "attachment; filename=\"../../etc/passwd\"", "passwd"),
        ("/4", "attachment; filename=\"..\\\\..\\\\x.exe\"", "x.exe"),
        ("/5", "attachment; filename=\"/abs/olute.bin\"", "olute.bin"),
        ("/6", "attachment; filename=\"CON.txt\"", "_CON.txt"),
    ] {
        server.on(path, move |_| Answer::status(200).bytes("x").header("Content-Disposition", field));
        let path = running.completed(running.add(server.url(path)));
        assert_eq!(path, running.file(name), "{field}");
    }
}

#[test]
fn giant_header_fields_are_refused() {
    let (server, running) = (Faulty::start(), Running::start());
    server.on("/f", |_| {
        let value = "x".repeat(60_000);
        (0..6).fold(Answer::status(200).bytes("x"), |answer, n| answer.header(&format!("X-{n}"), &value))
    });
    let mut spec = running.spec(server.url("/f"));
    spec.patience.retries = 0;
    let id = running.engine.add(spec);
    running.fails_with(id, &FailureKind::Protocol);
}

#[test]
fn a_login_is_sent_when_it_was_given_and_asked_for_when_not() {
    let (server, running) = (Faulty::start(), Running::start());
    server.on("/f", |request| {
        if request.is_from("ann", "s3cret") { Resource::new(15, 100).answer(request) } else { Answer::login() }
    });
    running.fails_with(running.add(server.url("/f")), &FailureKind::LoginRequired);
    let mut spec = running.spec(server.url("/f"));
    spec.manners.credentials = Some(Credentials { user: "ann".into(), password: "s3cret".into() });
    files::assert_same(&running.completed(running.engine.add(spec)), 15, 100);
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
    for url in ["file:///etc/passwd", "mailto:ann@example.org", "sftp://127.0.0.1/f"] {
        let id = running.add(url.parse().unwrap());
        assert!(matches!(running.state(id), State::Failed(failure) if failure.kind == FailureKind::UnsupportedScheme));
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! One file over several connections and from several places: how many are used, what each fetches,
//! and what proves that all of it is one file. Servers that misbehave are in `hostile_server.rs`.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use freshet::engine::details::Standing;
use freshet::engine::download::pieces::Pieces;
use freshet::engine::download::spec::Algorithm;
use freshet::engine::{Command as Order, DownloadSpec, FailureKind, Limits, State};
use support::engine::{LIMIT, Running};
use support::faulty::{Answer, Faulty, Request, Resource};
use support::files;
use support::paced::{Paced, PacedServer};

const MIB: u64 = 1 << 20;
/// Each connection's speed, where it is limited.
const RATE: u64 = 2 * MIB;

fn file() -> Resource {
    Resource::new(50, 12 * MIB)
}

fn paced(request: &Request) -> Answer {
    file().answer(request).rate(RATE)
}

fn server() -> Faulty {
    let server = Faulty::start();
    server.on("/f", paced);
    server
}

/// How often each byte of the file was asked for, in steps of a KiB.
fn asked_twice(server: &Faulty) -> u64 {
    let sent = server.sent_at("/f");
    sent.saturating_sub(file().len)
}

#[test]
fn a_limit_of_each_connection_is_met_with_as_many_as_are_allowed() {
    let (server, running) = (server(), Running::start());
    let id = running.add(server.url("/f"));
    running.main_loop.run_until(LIMIT, "eight transfers", || server.open_connections() == 8);
    let details = running.engine.details(id).unwrap();
    assert_eq!(details.segments.len(), 8);
    assert_eq!(details.sources[0].connections, 8);
    let whole = details.segments.windows(2).all(|pair| pair[0].range.end == pair[1].range.start);
    assert!(whole, "they lie side by side: {:?}", details.segments);
    files::assert_same(&running.completed(id), 50, 12 * MIB);
    // What the connections that were cut had on their way.
    assert!(asked_twice(&server) < 3 * MIB, "{} bytes too many", asked_twice(&server));
}

#[test]
fn one_connection_is_all_where_it_fills_the_line() {
    let (server, running) = (PacedServer::start(), Running::start());
    // All connections together have one speed.
    let requests: Vec<_> = ["/f", "/g", "/h"]
        .into_iter()
        .map(|path| {
            let url = server.serve(path, Paced { seed: 50, len: 12 * MIB, rate: 2 * RATE });
            files::assert_same(&running.completed(running.add(url.parse().unwrap())), 50, 12 * MIB);
            server.record(path).asked.len()
        })
        // On a busy machine a rate that was measured may be anything, but not each time.
        .scan(false, |is_over, requests| (!std::mem::replace(is_over, requests < 8)).then_some(requests))
        .collect();
    // A second one is tried now and then; eight at once would take more than eight requests.
    assert!(requests.iter().any(|count| *count < 8), "{requests:?} requests for what one would have brought as fast");
}

#[test]
fn a_small_file_takes_one_request() {
    let (server, running) = (Faulty::start(), Running::start());
    server.on("/small", |request| Resource::new(51, 200_000).answer(request).rate(MIB));
    files::assert_same(&running.completed(running.add(server.url("/small"))), 51, 200_000);
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_fast_connection_takes_over_what_a_slow_one_would_take_long_for() {
    let (server, running) = (Faulty::start(), Running::start());
    server.on("/f", |request| {
        let rate = if request.range().is_some_and(|(first, _)| first >= 6 * MIB) { 100_000 } else { 4 * MIB };
        file().answer(request).rate(rate)
    });
    let spec = DownloadSpec { connections: 2, ..running.spec(server.url("/f")) };
    let id = running.engine.add(spec);
    running.main_loop.run_until(LIMIT, "the slow half to be cut", || {
        let second = |seen: &support::faulty::Seen| seen.request.range().is_some_and(|(first, _)| first > 6 * MIB);
        server.seen_at("/f").iter().any(second)
    });
    let second = running.engine.details(id).unwrap();
    assert_eq!(second.segments.len(), 2, "{second:?}");
    running.engine.send(Order::Remove(id));
}

#[test]
fn the_last_piece_of_a_stuck_connection_is_fetched_by_another() {
    let (server, running) = (Faulty::start(), Running::start());
    let stuck = Arc::new(AtomicBool::new(false));
    server.on("/f", move |request| {
        let is_first = request.range().is_some() && !stuck.swap(true, Ordering::Relaxed);
        let answer = paced(request);
        // So long that the silence is not what ends it.
        if is_first { answer.rate(20_000) } else { answer }
    });
    let spec = DownloadSpec { connections: 4, ..running.spec(server.url("/f")) };
    files::assert_same(&running.completed(running.engine.add(spec)), 50, 12 * MIB);
}

#[test]
fn what_several_left_is_continued_by_exactly_what_is_missing() {
    let (server, running) = (server(), Running::start());
    let id = running.add(server.url("/f"));
    running.until(id, "half of it is there", |now| now.progress.received > 6 * MIB);
    running.engine.send(Order::Pause(id));
    running.main_loop.run_for(Duration::from_millis(300));
    let done = running.engine.details(id).unwrap().done;
    assert!(done.len() > 2, "{done:?}");
    let before = server.seen_at("/f").len();
    running.engine.send(Order::Resume(id));
    files::assert_same(&running.completed(id), 50, 12 * MIB);
    for seen in &server.seen_at("/f")[before..] {
        let (first, last) = seen.request.range().expect("only ranges are asked for");
        let twice = done.iter().find(|range| first < range.end && range.start <= last.unwrap());
        assert_eq!(twice, None, "{first}-{last:?} is asked for");
    }
}

#[test]
fn who_waits_for_the_host_gets_a_connection_of_who_has_several() {
    let running = Running::with_limits(Limits { per_host: 4, ..Limits::default() });
    let server = server();
    server.on("/g", |request| Resource::new(52, MIB).answer(request).rate(RATE));
    running.add(server.url("/f"));
    running.main_loop.run_until(LIMIT, "four transfers", || server.open_connections() == 4);
    let other = running.add(server.url("/g"));
    running.until(other, "it has a connection", |now| now.state == State::Downloading);
    // The one that was ended for it goes.
    running.main_loop.run_until(LIMIT, "four connections", || server.open_connections() <= 4);
    files::assert_same(&running.completed(other), 52, MIB);
}

#[test]
fn that_another_host_has_none_to_give_keeps_nobody_from_a_connection() {
    let running = Running::with_limits(Limits { parallel: 9, per_host: 2, ..Limits::default() });
    let (server, taken) = (Faulty::start(), Faulty::start());
    server.on("/f", |request| Resource::new(50, 12 * MIB).answer(request).rate(MIB / 4));
    server.on("/g", |request| Resource::new(52, MIB).answer(request).rate(RATE));
    taken.on("/s", |request| Resource::new(53, 12 * MIB).answer(request).rate(MIB / 4));
    for name in ["one", "two", "waits"] {
        running.engine.add(DownloadSpec { name: Some(name.into()), ..running.single(taken.url("/s")) });
    }
    running.main_loop.run_until(LIMIT, "all that it gives", || taken.open_connections() == 2);
    running.add(server.url("/f"));
    running.main_loop.run_until(LIMIT, "two transfers", || server.open_connections() == 2);
    let other = running.add(server.url("/g"));
    let has_one = || running.state(other) == State::Downloading;
    running.main_loop.run_until(Duration::from_secs(5), "a connection long before the other one's end", has_one);
    running.stop();
}

#[test]
fn mirrors_that_prove_to_have_the_same_file_share_the_work() {
    let running = Running::start();
    let (one, two, other) = (server(), server(), Faulty::start());
    other.on("/f", |request| Resource::new(53, 12 * MIB).answer(request).rate(RATE));
    let mut spec = running.spec(one.url("/f"));
    spec.mirrors = vec![two.url("/f"), other.url("/f")];
    let id = running.engine.add(spec);
    running.main_loop.run_until(LIMIT, "both to be used", || one.sent_at("/f") > 0 && two.sent_at("/f") > 0);
    running.main_loop.run_until(LIMIT, "the other file to be noticed", || {
        matches!(running.engine.details(id).unwrap().sources[2].standing, Standing::Different(_))
    });
    files::assert_same(&running.completed(id), 50, 12 * MIB);
    assert_eq!(other.seen().len(), 1, "it is not asked again");
}

#[test]
fn a_mirror_stands_in_for_a_server_that_has_the_file_no_more() {
    let (gone, mirror, running) = (Faulty::start(), server(), Running::start());
    gone.on("/f", |_| Answer::status(404));
    let mut spec = running.spec(gone.url("/f"));
    spec.mirrors = vec![mirror.url("/f")];
    files::assert_same(&running.completed(running.engine.add(spec)), 50, 12 * MIB);
}

#[test]
fn a_mirror_that_is_busy_with_another_file_is_waited_for() {
    let limits = Limits { per_host: 1, ..Limits::default() };
    let (gone, mirror, running) = (Faulty::start(), server(), Running::with_limits(limits));
    mirror.on("/other", |request| Resource::new(51, 2 * MIB).answer(request).rate(2 * MIB));
    let other = running.add(mirror.url("/other"));
    running.until(other, "its first bytes", |now| now.state == State::Downloading);
    let spec = DownloadSpec { mirrors: vec![mirror.url("/f")], ..running.spec(gone.url("/f")) };
    files::assert_same(&running.completed(running.engine.add(spec)), 50, 12 * MIB);
    assert_eq!(gone.seen().len(), 1, "it was asked again and again");
}

#[test]
fn mirrors_and_a_digest_that_the_server_tells_are_made_use_of() {
    let (server, mirror, running) = (Faulty::start(), server(), Running::start());
    let link = format!("<{}>; rel=duplicate", mirror.url("/f"));
    let digest = glib::base64_encode(&hex(&files::sha256(50, 12 * MIB)["sha256:".len()..]));
    let digest = format!("sha-256=:{digest}:");
    server.on("/f", move |request| paced(request).header("Link", &link).header("Repr-Digest", &digest));
    let id = running.add(server.url("/f"));
    files::assert_same(&running.completed(id), 50, 12 * MIB);
    assert!(!mirror.seen().is_empty(), "the mirror was not asked");
    assert_eq!(running.snapshot(id).verified.unwrap().to_string(), files::sha256(50, 12 * MIB));
}

#[test]
fn mirrors_and_a_digest_that_a_redirect_tells_are_made_use_of() {
    for byte in [None, Some(7)] {
        let (redirector, server, mirror, running) = (Faulty::start(), server(), server(), Running::start());
        let digest = byte.map_or_else(|| hex(&files::sha256(50, 12 * MIB)["sha256:".len()..]), |byte| vec![byte; 32]);
        let digest = format!("SHA-256={}", glib::base64_encode(&digest));
        let link = format!("<{}>; rel=duplicate; pri=1, <moved>; rel=duplicate; pri=2", mirror.url("/f"));
        let place = server.url("/f").to_string();
        redirector.on("/f", move |_| Answer::redirect(302, &place).header("Link", &link).header("Digest", &digest));
        redirector.on("/moved", paced);
        let id = running.add(redirector.url("/f"));
        if byte.is_some() {
            let failure = running.failed(id);
            assert!(matches!(failure.kind, FailureKind::ChecksumMismatch { .. }), "{failure}");
            continue;
        }
        files::assert_same(&running.completed(id), 50, 12 * MIB);
        assert!(!mirror.seen().is_empty(), "the mirror was not asked");
        assert!(!redirector.seen_at("/moved").is_empty(), "the relative one was not asked");
        assert_eq!(running.snapshot(id).verified.unwrap().to_string(), files::sha256(50, 12 * MIB));
    }
}

#[test]
fn a_mirror_is_not_told_the_secrets_of_the_own_server() {
    let (own, mirror, running) = (Faulty::start(), server(), Running::start());
    let link = format!("<{}>; rel=duplicate", mirror.url("/f"));
    own.on("/f", move |request| paced(request).header("Link", &link));
    let mut spec = running.spec(own.url("/f"));
    spec.manners.headers =
        ["Authorization: Bearer s3cret", "Cookie: a=s3cret", "X-Test: yes"].map(str::to_owned).to_vec();
    files::assert_same(&running.completed(running.engine.add(spec)), 50, 12 * MIB);
    let told = |server: &Faulty, name| server.seen().iter().filter(|seen| seen.request.header(name).is_some()).count();
    let (asked_own, asked_mirror) = (own.seen().len(), mirror.seen().len());
    assert!(asked_mirror > 0, "the mirror was not asked");
    assert_eq!((told(&own, "Authorization"), told(&own, "Cookie")), (asked_own, asked_own));
    assert_eq!((told(&mirror, "Authorization"), told(&mirror, "Cookie")), (0, 0));
    assert_eq!(told(&mirror, "X-Test"), asked_mirror);
}

#[test]
fn a_digest_that_does_not_fit_stops_the_file() {
    let (server, running) = (Faulty::start(), Running::start());
    let wrong = glib::base64_encode(&[7; 32]);
    server.on("/f", move |request| file().answer(request).header("Repr-Digest", &format!("sha-256=:{wrong}:")));
    let failure = running.failed(running.add(server.url("/f")));
    assert!(matches!(failure.kind, FailureKind::ChecksumMismatch { .. }), "{failure}");
    assert_eq!(running.names(), ["f.part", "f.part.journal"]);
}

fn hex(digits: &str) -> Vec<u8> {
    (0..digits.len() / 2).map(|at| u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).unwrap()).collect()
}

fn pieces() -> Pieces {
    let piece = |index: u64| {
        let bytes = files::bytes(50, index * MIB..(index + 1) * MIB);
        glib::compute_checksum_for_data(glib::ChecksumType::Sha1, &bytes).unwrap().to_string()
    };
    Pieces { algorithm: Algorithm::Sha1, length: MIB, hashes: (0..12).map(piece).collect() }
}

#[test]
fn a_piece_that_a_mirror_gave_wrong_is_fetched_again_from_elsewhere() {
    let (one, liar, running) = (server(), Faulty::start(), Running::start());
    // The same name for other bytes.
    liar.on("/f", |request| Resource::new(54, 12 * MIB).etag(file().etag.as_deref()).answer(request).rate(RATE));
    let mut spec = running.spec(one.url("/f"));
    spec.mirrors = vec![liar.url("/f")];
    spec.pieces = Some(pieces());
    let id = running.engine.add(spec);
    files::assert_same(&running.completed(id), 50, 12 * MIB);
    assert!(liar.sent_at("/f") > 0, "the liar was not asked");
}

#[test]
fn pieces_that_never_come_right_end_the_download_with_what_is_wrong() {
    let (liar, running) = (Faulty::start(), Running::start());
    liar.on("/f", |request| Resource::new(54, 12 * MIB).answer(request));
    let spec = DownloadSpec { pieces: Some(pieces()), ..running.spec(liar.url("/f")) };
    let failure = running.failed(running.engine.add(spec));
    assert!(matches!(failure.kind, FailureKind::ChecksumMismatch { .. }), "{failure}");
    // Each piece up to three times, and what was on its way when it was given up. How many requests that
    // takes depends on how fast the machine is: pieces are cut, too.
    let sent = liar.sent_at("/f");
    assert!(sent < 6 * 12 * MIB, "{sent} bytes in {} requests", liar.seen().len());
    assert!(!running.file("f").exists());
}

#[test]
fn a_checksum_beside_the_file_is_found_and_held_against_it() {
    let (server, running) = (server(), Running::start());
    let sum = files::sha256(50, 12 * MIB)["sha256:".len()..].to_owned();
    server.on("/f.sha256", |_| Answer::status(404));
    server.on("/SHA256SUMS", move |_| Answer::status(200).bytes(format!("{}  other\n{sum}  f\n", "0".repeat(64))));
    let spec = DownloadSpec { find_checksum: true, ..running.spec(server.url("/f")) };
    let id = running.engine.add(spec);
    files::assert_same(&running.completed(id), 50, 12 * MIB);
    assert_eq!(running.snapshot(id).verified.unwrap().to_string(), files::sha256(50, 12 * MIB));
    assert_eq!(server.seen_at("/f.sha256").len() + server.seen_at("/SHA256SUMS").len(), 2);
}

#[test]
fn a_wrong_checksum_beside_the_file_stops_it_and_none_does_not() {
    let (server, running) = (Faulty::start(), Running::start());
    server.serve("/f", Resource::new(55, MIB));
    server.on("/f.sha256", |_| Answer::status(200).bytes(format!("{}  f\n", "1".repeat(64))));
    let looking = |path| DownloadSpec { find_checksum: true, ..running.spec(server.url(path)) };
    let failure = running.failed(running.engine.add(looking("/f")));
    assert!(matches!(failure.kind, FailureKind::ChecksumMismatch { .. }), "{failure}");
    server.serve("/g", Resource::new(56, MIB));
    let id = running.engine.add(looking("/g"));
    files::assert_same(&running.completed(id), 56, MIB);
    assert_eq!(running.snapshot(id).verified, None);
}

/// A download of which some is here when its link expires.
fn expired(running: &Running, server: &Faulty) -> freshet::engine::DownloadId {
    server.on("/f", |request| match request.number {
        0 => file().answer(request).cut_after(5 * MIB),
        _ => Answer::status(403),
    });
    let id = running.engine.add(running.single(server.url("/f")));
    let failure = running.failed(id);
    assert_eq!(failure.kind, FailureKind::HttpStatus(403));
    id
}

#[test]
fn an_expired_link_is_replaced_and_nothing_is_fetched_again() {
    for etag in [file().etag, Some("\"named otherwise\"".to_owned())] {
        let (server, running) = (Faulty::start(), Running::start());
        let id = expired(&running, &server);
        server.on("/new", move |request| file().etag(etag.as_deref()).answer(request));
        running.engine.send(Order::Renew { id, url: server.url("/new") });
        files::assert_same(&running.completed(id), 50, 12 * MIB);
        assert!(server.sent_at("/new") < 8 * MIB, "{} bytes", server.sent_at("/new"));
        assert_eq!(running.names(), ["f"]);
        assert_eq!(running.snapshot(id).url, server.url("/new"));
    }
}

#[test]
fn a_new_address_on_another_server_is_not_told_the_secrets_of_the_old_one() {
    for elsewhere in [true, false] {
        let (old, other, running) = (Faulty::start(), Faulty::start(), Running::start());
        old.on("/f", |request| match request.number {
            0 => file().answer(request).cut_after(5 * MIB),
            _ => Answer::status(403),
        });
        let mut spec = running.single(old.url("/f"));
        spec.manners.headers =
            ["Authorization: Bearer s3cret", "Cookie: a=s3cret", "X-Test: yes"].map(str::to_owned).to_vec();
        spec.manners.referer = Some("http://old.example/page?key=s3cret".to_owned());
        let id = running.engine.add(spec);
        assert_eq!(running.failed(id).kind, FailureKind::HttpStatus(403));
        let new = if elsewhere { &other } else { &old };
        new.on("/new", |request| file().answer(request));
        running.engine.send(Order::Renew { id, url: new.url("/new") });
        files::assert_same(&running.completed(id), 50, 12 * MIB);
        let asked = new.seen_at("/new");
        let told = |name| asked.iter().filter(|seen| seen.request.header(name).is_some()).count();
        let secrets = if elsewhere { 0 } else { asked.len() };
        assert_eq!([told("Authorization"), told("Cookie"), told("Referer")], [secrets; 3]);
        assert_eq!(told("X-Test"), asked.len());
    }
}

#[test]
fn a_new_address_of_another_file_is_refused_and_the_part_is_kept() {
    let others = [Resource::new(57, 12 * MIB).etag(Some("\"x\"")), Resource::new(50, 11 * MIB).etag(Some("\"y\""))];
    for other in others {
        let (server, running) = (Faulty::start(), Running::start());
        let id = expired(&running, &server);
        server.serve("/new", other);
        running.engine.send(Order::Renew { id, url: server.url("/new") });
        let refused = |now: &freshet::engine::Snapshot| matches!(&now.state, State::Failed(failure) if failure.kind == FailureKind::ChangedOnServer);
        running.until(id, "it is refused", refused);
        running.main_loop.run_until(LIMIT, "the journal", || running.names() == ["f.part", "f.part.journal"]);
        server.on("/right", |request| file().answer(request));
        running.engine.send(Order::Renew { id, url: server.url("/right") });
        files::assert_same(&running.completed(id), 50, 12 * MIB);
        assert!(server.sent_at("/right") < 8 * MIB);
    }
}

#[test]
fn a_checksum_beside_a_file_that_was_whole_already_is_looked_for_too() {
    let (server, running) = (Faulty::start(), Running::start());
    server.serve("/f", Resource::new(58, MIB));
    server.on("/f.sha256", |_| Answer::status(200).bytes(format!("{}  f\n", "1".repeat(64))).silent_for(LIMIT));
    let id = running.engine.add(DownloadSpec { find_checksum: true, connections: 1, ..running.spec(server.url("/f")) });
    running.main_loop.run_until(LIMIT, "it to be looked for", || !server.seen_at("/f.sha256").is_empty());
    running.engine.send(Order::Pause(id));
    running.until(id, "it rests", |now| now.state == State::Paused);
    server.on("/f.sha256", |_| Answer::status(200).bytes(format!("{}  f\n", "1".repeat(64))));
    running.engine.send(Order::Resume(id));
    let failure = running.failed(id);
    assert!(matches!(failure.kind, FailureKind::ChecksumMismatch { .. }), "{failure}");
    assert_eq!(server.seen_at("/f").len(), 1);
}

#[test]
fn a_new_address_that_gives_no_ranges_is_refused_at_once_and_the_part_is_kept() {
    let (server, running) = (Faulty::start(), Running::start());
    let id = expired(&running, &server);
    server.on("/new", |_| file().without_ranges());
    running.engine.send(Order::Renew { id, url: server.url("/new") });
    let refused = |now: &freshet::engine::Snapshot| matches!(&now.state, State::Failed(failure) if failure.kind == FailureKind::ChangedOnServer && failure.detail.contains("in place of a range"));
    running.until(id, "it is refused", refused);
    assert_eq!(server.seen_at("/new").len(), 1);
    running.main_loop.run_until(LIMIT, "the journal", || running.names() == ["f.part", "f.part.journal"]);
}

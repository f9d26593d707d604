// SPDX-License-Identifier: GPL-3.0-or-later
//! What proves that bytes from several places, and of several runs, are of one file; and what a refusal
//! says that may not be of the file at all.

mod support;

use std::time::Duration;

use freshet::engine::download::pieces::Pieces;
use freshet::engine::download::spec::Algorithm;
use freshet::engine::engine::Config;
use freshet::engine::{Command as Order, DownloadId, DownloadSpec, FailureKind, State};
use support::engine::{LIMIT, Running};
use support::faulty::{Answer, Faulty, Resource};
use support::files;

const MIB: u64 = 1 << 20;

/// Of which nothing tells the version.
fn nameless(seed: u64) -> Resource {
    Resource::new(seed, 12 * MIB).etag(None).last_modified(None)
}

#[test]
fn pieces_of_a_file_of_another_length_are_of_another_file() {
    for count in [11, 13] {
        let (server, running) = (Faulty::start(), Running::start());
        server.serve("/f", Resource::new(60, 12 * MIB));
        let hashes = vec!["0".repeat(40); count];
        let pieces = Some(Pieces { algorithm: Algorithm::Sha1, length: MIB, hashes });
        let id = running.engine.add(DownloadSpec { pieces, ..running.spec(server.url("/f")) });
        let failure = running.failed(id);
        assert_eq!(failure.kind, FailureKind::ChangedOnServer, "{failure}");
        assert!(failure.to_string().contains("pieces"), "{failure}");
    }
}

#[test]
fn a_body_without_a_length_is_not_complete_before_the_size_that_is_known() {
    let (server, running) = (Faulty::start(), Running::start());
    server.on("/f", |_| Resource::new(61, MIB).without_ranges().unframed().cut_after(500_000));
    let id = running.engine.add(DownloadSpec { size: Some(MIB), ..running.single(server.url("/f")) });
    assert_eq!(running.failed(id).kind, FailureKind::EndedEarly);
    assert!(!running.file("f").exists());
}

#[test]
fn a_mirror_without_the_file_does_not_make_a_passing_failure_final() {
    let (busy, gone, running) = (Faulty::start(), Faulty::start(), Running::start());
    busy.on("/f", |_| Answer::status(503));
    gone.on("/f", |_| Answer::status(404));
    let spec = DownloadSpec { mirrors: vec![gone.url("/f")], ..running.single(busy.url("/f")) };
    assert_eq!(running.failed(running.engine.add(spec)).kind, FailureKind::HttpStatus(503));
    assert_eq!(busy.seen().len(), 4, "it is tried again");
}

#[test]
fn a_host_that_allows_one_connection_serves_all_in_turn() {
    let (server, running) = (Faulty::start(), Running::start());
    server.on("/f", |request| match request.others {
        0 => Resource::new(62, MIB).answer(request).rate(4 * MIB),
        _ => Answer::status(403),
    });
    let ids: Vec<_> = (0..4).map(|_| running.engine.add(running.single(server.url("/f")))).collect();
    for id in ids {
        files::assert_same(&running.completed(id), 62, MIB);
    }
}

#[test]
fn a_file_that_is_forbidden_does_not_cost_its_host_connections() {
    let (server, running) = (Faulty::start(), Running::start());
    server.on("/forbidden", |_| Answer::status(403));
    server.on("/f", |request| Resource::new(62, 4 * MIB).answer(request).rate(2 * MIB));
    let others: Vec<_> = (0..2).map(|_| running.engine.add(running.single(server.url("/f")))).collect();
    running.main_loop.run_until(LIMIT, "both to run", || server.open_connections() == 2);
    let id = running.engine.add(running.single(server.url("/forbidden")));
    assert_eq!(running.failed(id).kind, FailureKind::HttpStatus(403));
    for id in others {
        running.completed(id);
    }
    let more: Vec<_> = (0..4).map(|_| running.engine.add(running.single(server.url("/f")))).collect();
    running.main_loop.run_until(LIMIT, "four at a time", || server.open_connections() == 4);
    more.into_iter().for_each(|id| running.engine.send(Order::Remove(id)));
}

/// A download of which five MiB are here when its link expires.
fn expired(running: &Running, server: &Faulty) -> DownloadId {
    server.on("/f", |request| match request.number {
        0 => Resource::new(63, 12 * MIB).answer(request).cut_after(5 * MIB),
        _ => Answer::status(403),
    });
    let id = running.engine.add(running.single(server.url("/f")));
    assert_eq!(running.failed(id).kind, FailureKind::HttpStatus(403));
    id
}

#[test]
fn a_new_address_that_proves_nothing_is_compared_again_in_each_run() {
    let (server, running) = (Faulty::start(), Running::start());
    let id = expired(&running, &server);
    server.on("/new", |request| nameless(63).answer(request).rate(8 * MIB));
    running.engine.send(Order::Renew { id, url: server.url("/new") });
    running.until(id, "more of it is there", |now| now.progress.received > 8 * MIB);
    running.engine.send(Order::Pause(id));
    running.main_loop.run_for(Duration::from_millis(300));
    // Of the same length.
    server.on("/new", |request| nameless(64).answer(request));
    running.engine.send(Order::Resume(id));
    assert_eq!(running.failed(id).kind, FailureKind::ChangedOnServer);
    server.on("/new", |request| nameless(63).answer(request));
    running.engine.send(Order::Resume(id));
    files::assert_same(&running.completed(id), 63, 12 * MIB);
    assert!(server.sent_at("/new") < 9 * MIB, "{} bytes", server.sent_at("/new"));
}

#[test]
fn a_new_address_that_changes_after_its_samples_adds_nothing_to_them() {
    let (server, running) = (Faulty::start(), Running::start());
    let id = expired(&running, &server);
    // The samples are of one version, what comes after them of another one of the same length.
    server.on("/new", |request| nameless(if request.number < 3 { 63 } else { 64 }).answer(request).rate(8 * MIB));
    running.engine.send(Order::Renew { id, url: server.url("/new") });
    running.until(
        id,
        "it is refused",
        |now| matches!(&now.state, State::Failed(why) if why.kind == FailureKind::ChangedOnServer),
    );
    assert_eq!(server.seen_at("/new").len(), 4);
    server.on("/new", |request| nameless(63).answer(request));
    running.engine.send(Order::Resume(id));
    files::assert_same(&running.completed(id), 63, 12 * MIB);
    // Seven MiB were missing; besides them the samples, and what the kernel took of the answer that was refused.
    assert!(server.sent_at("/new") < 11 * MIB, "{} bytes", server.sent_at("/new"));
}

#[test]
fn samples_of_a_new_address_have_to_be_of_one_version() {
    let (server, running) = (Faulty::start(), Running::start());
    let id = expired(&running, &server);
    // Where the samples lie both have the same bytes.
    let file = |tag: &str| Resource::new(63, 12 * MIB).etag(Some(tag));
    server.on("/new", move |request| file(if request.number == 0 { "\"a\"" } else { "\"b\"" }).answer(request));
    running.engine.send(Order::Renew { id, url: server.url("/new") });
    running.until(
        id,
        "it is refused",
        |now| matches!(&now.state, State::Failed(why) if why.kind == FailureKind::ChangedOnServer),
    );
    assert_eq!(server.seen_at("/new").len(), 2);
    running.engine.send(Order::Resume(id));
    files::assert_same(&running.completed(id), 63, 12 * MIB);
}

#[test]
fn a_new_address_that_had_no_time_to_be_proven_is_proven_after_a_restart() {
    let (server, lists) = (Faulty::start(), tempfile::tempdir().unwrap());
    let config = || Config { list: Some(lists.path().join("list")), ..Config::default() };
    let mut running = Running::with(config());
    let id = expired(&running, &server);
    server.on("/new", |request| nameless(63).answer(request).silent_for(Duration::from_secs(5)));
    running.engine.send(Order::Renew { id, url: server.url("/new") });
    running.main_loop.run_until(LIMIT, "it to be asked", || !server.seen_at("/new").is_empty());
    running.restart(config());
    server.on("/new", |request| nameless(64).answer(request));
    assert_eq!(running.failed(id).kind, FailureKind::ChangedOnServer);
    server.on("/new", |request| nameless(63).answer(request));
    running.engine.send(Order::Resume(id));
    files::assert_same(&running.completed(id), 63, 12 * MIB);
}

#[test]
fn what_a_mirror_began_is_continued_only_by_who_proves_to_have_the_same() {
    let (own, mirror, running) = (Faulty::start(), Faulty::start(), Running::start());
    own.on("/f", |request| match request.number {
        0 => Answer::status(503),
        // Whatever the condition is.
        _ => {
            let (first, last) = request.range().expect("a range");
            nameless(66).part(first..last.map_or(12 * MIB, |last| last + 1))
        }
    });
    mirror.on("/f", |request| Resource::new(65, 12 * MIB).answer(request).rate(8 * MIB));
    let spec = DownloadSpec { mirrors: vec![mirror.url("/f")], ..running.single(own.url("/f")) };
    let id = running.engine.add(spec);
    running.until(id, "half of it is there", |now| now.progress.received > 6 * MIB);
    running.engine.send(Order::Pause(id));
    running.until(id, "it rests", |now| now.state == State::Paused);
    running.main_loop.run_for(Duration::from_millis(300));
    running.engine.send(Order::Resume(id));
    files::assert_same(&running.completed(id), 65, 12 * MIB);
    assert_eq!(own.seen().len(), 2, "it was asked again");
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! What a download has to be with any server that serves a folder.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use freshet::engine::disk::Journal;
use freshet::engine::engine::Config;
use freshet::engine::{Command, DownloadId, FailureKind, Limits, Speed};
use tempfile::TempDir;

use crate::support::engine::{LIMIT, Running};
use crate::support::files;
use crate::support::process::or_skip;
use crate::support::serving::FileServer;

const MIB: u64 = 1 << 20;
const LEN: u64 = 24 * MIB + 12_345;
/// So fast that a third of the file takes half a second.
fn slow() -> Limits {
    Limits { rate: Some(Speed(16 * MIB)), ..Limits::default() }
}
const ODD: &str = "/a b+c,ä.bin";

/// A folder with the file 1 `/file.bin`, an empty one, and one with an odd name; last changed a while
/// ago, since what has changed within the last minute may not count as a validator.
fn served() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name.trim_start_matches('/'));
    files::write(&path("file.bin"), 1, LEN).unwrap();
    files::write(&path("empty"), 1, 0).unwrap();
    files::write(&path(ODD), 2, 3000).unwrap();
    for name in ["file.bin", "empty", ODD] {
        age(&path(name), Duration::from_secs(86_400));
    }
    folder
}

fn age(path: &Path, age: Duration) {
    File::options().write(true).open(path).unwrap().set_modified(SystemTime::now() - age).unwrap();
}

fn add(running: &Running, server: &impl FileServer, path: &str) -> DownloadId {
    let mut spec = running.patient(server.url(path));
    server.dress(&mut spec);
    running.engine.add(spec)
}

/// By one connection, so that what is here always begins with the first byte, and servers that log no
/// more than how much they sent tell all.
fn add_single(running: &Running, server: &impl FileServer, path: &str) -> DownloadId {
    let mut spec = running.patient(server.url(path));
    spec.connections = 1;
    server.dress(&mut spec);
    running.engine.add(spec)
}

/// Runs until a third of the file is here.
#[track_caller]
fn until_some_is_here(running: &Running, id: DownloadId) {
    running.until(id, "a third is here", |now| now.progress.received > LEN / 3);
    assert_eq!(running.snapshot(id).progress.total, Some(LEN));
    assert_eq!(running.snapshot(id).resumable, Some(true));
}

/// What the journal of a download that has stopped claims: all from the first byte to this one.
#[track_caller]
fn claimed(running: &Running, id: DownloadId) -> u64 {
    let part = running.snapshot(id).path.unwrap();
    let journal = Journal::read(&part).unwrap();
    assert!(journal.done.len() == 1 && journal.end() > LEN / 3, "{:?}", journal.done);
    assert_eq!(journal.total, Some(LEN));
    assert!(journal.validator.is_some());
    journal.end()
}

pub fn a_whole_file_an_empty_one_and_one_with_an_odd_name<S: FileServer>(start: impl Fn(&Path) -> io::Result<S>) {
    let folder = served();
    let Some(server) = or_skip(start(folder.path())) else { return };
    let running = Running::start();
    let ids = ["/file.bin", "/empty", ODD].map(|path| add(&running, &server, path));
    files::assert_same(&running.completed(ids[0]), 1, LEN);
    files::assert_same(&running.completed(ids[1]), 1, 0);
    files::assert_same(&running.completed(ids[2]), 2, 3000);
    assert_eq!(running.snapshot(ids[0]).resumable, Some(true));
    assert_eq!(running.names(), ["a b+c,ä.bin", "empty", "file.bin"]);
}

pub fn what_is_not_there_is_told<S: FileServer>(start: impl Fn(&Path) -> io::Result<S>) {
    let folder = served();
    let Some(server) = or_skip(start(folder.path())) else { return };
    let running = Running::start();
    let failure = running.failed(add(&running, &server, "/missing"));
    let wanted = [FailureKind::HttpStatus(404), FailureKind::ServerRefused(550), FailureKind::FileNotFound];
    assert!(wanted.contains(&failure.kind), "{failure}");
    assert!(running.main_loop.runs_until(LIMIT, || running.names().is_empty()), "{:?}", running.names());
}

pub fn a_paused_download_continues_where_it_was<S: FileServer>(start: impl Fn(&Path) -> io::Result<S>) {
    let folder = served();
    let Some(server) = or_skip(start(folder.path())) else { return };
    let running = Running::with_limits(slow());
    let id = add_single(&running, &server, "/file.bin");
    until_some_is_here(&running, id);
    running.engine.send(Command::Pause(id));
    running.main_loop.run_for(Duration::from_millis(300));
    let from = claimed(&running, id);
    running.engine.send(Command::SetLimits(Limits::default()));
    running.engine.send(Command::Resume(id));
    files::assert_same(&running.completed(id), 1, LEN);
    assert_eq!(running.names(), ["file.bin"]);
    // Servers write their logs when they get to it.
    assert!(running.main_loop.runs_until(LIMIT, || server.has_continued("/file.bin", from, LEN)), "from {from}");
}

pub fn a_download_continues_in_another_session<S: FileServer>(start: impl Fn(&Path) -> io::Result<S>) {
    let folder = served();
    let Some(server) = or_skip(start(folder.path())) else { return };
    let mut running = Running::with_limits(slow());
    let id = add_single(&running, &server, "/file.bin");
    until_some_is_here(&running, id);
    let part = running.snapshot(id).path.unwrap();
    running.restart(Config::default());
    let from = Journal::read(&part).unwrap().end();
    assert!(from > LEN / 3);
    files::assert_same(&running.completed(add_single(&running, &server, "/file.bin")), 1, LEN);
    assert_eq!(running.names(), ["file.bin"]);
    assert!(running.main_loop.runs_until(LIMIT, || server.has_continued("/file.bin", from, LEN)), "from {from}");
}

pub fn a_file_that_changed_between_sessions_is_not_mixed<S: FileServer>(start: impl Fn(&Path) -> io::Result<S>) {
    let folder = served();
    let Some(server) = or_skip(start(folder.path())) else { return };
    let mut running = Running::with_limits(slow());
    let id = add(&running, &server, "/file.bin");
    until_some_is_here(&running, id);
    running.restart(Config::default());
    // As long as before: only its time tells that it is another one.
    let file = folder.path().join("file.bin");
    files::write(&file, 7, LEN).unwrap();
    age(&file, Duration::from_secs(3600));
    let path = running.completed(add(&running, &server, "/file.bin"));
    files::assert_same(&path, 7, LEN);
    assert_eq!(running.names().len(), 1, "{:?}", running.names());
    fs::remove_file(path).unwrap();
}

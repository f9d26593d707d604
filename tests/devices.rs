// SPDX-License-Identifier: GPL-3.0-or-later
//! What devices do to downloads: they fill up, freeze, become read-only; and folders go away. Most of it
//! takes root, who may mount file systems. Those of other systems are in `filesystems.rs`.

mod support;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use freshet::engine::disk::Journal;
use freshet::engine::download::state::WaitReason;
use freshet::engine::types::ByteRange;
use freshet::engine::{Command, DownloadId, Failure, FailureKind, State};
use support::device::{self, Device};
use support::engine::Running;
use support::faulty::{Faulty, Resource};
use support::files;
use support::mainloop::Watch;

const MIB: u64 = 1 << 20;
/// What the main loop may be late at most while a device does not answer.
const BEARABLE: Duration = Duration::from_millis(500);

/// A download into this folder, that waits for space where there is none.
fn add(running: &Running, server: &Faulty, path: &str, folder: &Path) -> DownloadId {
    let mut spec = running.spec(server.url(path));
    folder.clone_into(&mut spec.folder);
    spec.patience.wait_for_space = true;
    // A device that does not answer is no server that is silent.
    spec.patience.silence = Duration::from_secs(10);
    running.engine.add(spec)
}

/// A file that takes about this long.
fn serve(server: &Faulty, path: &str, seed: u64, len: u64, time: Duration) {
    let file = Resource::new(seed, len);
    let rate = (len as f64 / time.as_secs_f64()) as u64;
    server.on(path, move |request| file.answer(request).rate(rate));
}

#[test]
fn downloads_that_filled_the_disk_go_on_when_there_is_room() {
    let Some(device) = Device::tmpfs(24 * MIB) else { return };
    let filler = device.path().join("filler");
    device::fill(&filler, 12 * MIB);
    let (server, running) = (Faulty::start(), Running::start());
    // Each has room alone, so they all begin, and meet the end of the disk in the middle.
    let ids: Vec<_> = (1..=3)
        .map(|seed| {
            let path = format!("/{seed}");
            serve(&server, &path, seed, 6 * MIB, Duration::from_secs(1));
            add(&running, &server, &path, &device.path())
        })
        .collect();
    let waits = |id: &DownloadId| matches!(running.state(*id), State::Waiting { reason: WaitReason::Space { .. }, .. });
    let ended = |id: &DownloadId| matches!(running.state(*id), State::Completed);
    let all = || ids.iter().all(|id| waits(id) || ended(id)) && ids.iter().any(waits);
    assert!(
        running.main_loop.runs_until(Duration::from_secs(15), all),
        "{:?}",
        ids.iter().map(|id| running.state(*id)).collect::<Vec<_>>()
    );
    fs::remove_file(filler).unwrap();
    for (id, seed) in ids.iter().zip(1..) {
        files::assert_same(&running.completed(*id), seed, 6 * MIB);
    }
    assert_eq!(device.names(), ["1", "2", "3"]);
    running.stop();
}

#[test]
fn a_quota_is_waited_out_like_a_full_disk() {
    let Some(device) = Device::image("btrfs", 256 * MIB) else { return };
    device.set_quota(4 * MIB).unwrap();
    let (server, running) = (Faulty::start(), Running::start());
    serve(&server, "/over", 1, 16 * MIB, Duration::from_secs(1));
    let file = Resource::new(2, 16 * MIB).etag(None).last_modified(None);
    server.on("/unknown", move |_| file.without_ranges().chunked());
    let ids = ["/over", "/unknown"].map(|path| add(&running, &server, path, &device.path()));
    for id in ids {
        let waits = |now: &State| matches!(now, State::Waiting { reason: WaitReason::Space { .. }, .. });
        running.until(id, "it waits", |now| waits(&now.state));
    }
    let there = rustix::fs::statvfs(device.path()).unwrap();
    assert!(there.f_bavail * there.f_frsize > 64 * MIB, "the device is not full, only the quota is");
    device.set_quota(128 * MIB).unwrap();
    for (id, seed) in ids.into_iter().zip(1..) {
        files::assert_same(&running.completed(id), seed, 16 * MIB);
    }
    assert_eq!(device.names(), ["over", "unknown"]);
    running.stop();
}

#[test]
fn no_server_is_asked_as_long_as_the_disk_is_full() {
    let Some(device) = Device::tmpfs(24 * MIB) else { return };
    let filler = device.path().join("filler");
    device::fill(&filler, 20 * MIB);
    let (server, running) = (Faulty::start(), Running::start());
    let file = Resource::new(1, 8 * MIB);
    server.on("/known", move |request| file.answer(request));
    // Of unknown length, and nothing proves that it is still the same.
    let file = Resource::new(2, 8 * MIB).etag(None).last_modified(None);
    server.on("/unknown", move |_| file.without_ranges().chunked());
    let ids = ["/known", "/unknown"].map(|path| add(&running, &server, path, &device.path()));
    let requests = || ["/known", "/unknown"].map(|path| server.seen_at(path).len());
    for id in ids {
        let waits = |now: &State| matches!(now, State::Waiting { reason: WaitReason::Space { .. }, .. });
        running.until(id, "it waits", |now| waits(&now.state));
    }
    let before = requests();
    // Two more looks at the disk.
    running.main_loop.run_for(Duration::from_secs(11));
    assert_eq!(requests(), before);
    for id in ids {
        let is_told = |failure: &Failure| matches!(failure.kind, FailureKind::DiskFull { needed: Some(_) });
        let now = running.state(id);
        let waits = matches!(&now, State::Waiting { reason: WaitReason::Space { failure }, .. } if is_told(failure));
        assert!(waits, "{now:?}");
    }
    fs::remove_file(filler).unwrap();
    for (id, seed) in ids.into_iter().zip(1..) {
        files::assert_same(&running.completed(id), seed, 8 * MIB);
    }
    assert_eq!(server.seen_at("/unknown").len(), before[1] + 1);
    running.stop();
}

#[test]
fn a_frozen_device_holds_up_its_own_downloads_only() {
    let Some(mut device) = Device::image("ext4", 64 * MIB) else { return };
    let (server, running) = (Faulty::start(), Running::start());
    serve(&server, "/here", 1, 8 * MIB, Duration::from_secs(1));
    serve(&server, "/there", 2, 8 * MIB, Duration::from_secs(1));
    let here = add(&running, &server, "/here", &device.path());
    running.until(here, "some is here", |now| now.progress.received > MIB);
    device.freeze();
    let (watch, begin) = (Watch::start(&running.main_loop), Instant::now());
    let there = add(&running, &server, "/there", running.folder());
    let path = running.completed(there);
    running.main_loop.run_for(Duration::from_secs(3).saturating_sub(begin.elapsed()));
    assert!(!matches!(running.state(here), State::Completed | State::Failed(_)), "{:?}", running.state(here));
    assert!(watch.latest() < BEARABLE, "the main loop was {:?} late", watch.latest());
    files::assert_same(&path, 2, 8 * MIB);
    device.thaw();
    files::assert_same(&running.completed(here), 1, 8 * MIB);
    assert!(running.retries(here).is_empty(), "{:?}", running.retries(here));
    running.stop();
}

/// Of `/f` nothing of this is asked for again, after so many requests.
fn assert_not_again(claimed: &[ByteRange], server: &Faulty, before: usize) {
    assert!(!claimed.is_empty());
    for seen in &server.seen_at("/f")[before..] {
        let (first, last) = seen.request.range().expect("a range is asked for");
        let end = last.map_or(8 * MIB, |last| last + 1);
        let twice = claimed.iter().find(|have| have.start < end && first < have.end);
        assert_eq!(twice, None, "asked for {first}..{end}");
    }
}

/// A device does not become read-only under an open file: the kernel refuses that, unless by a fault of
/// the device. So it does between two runs of a download.
#[test]
fn a_device_that_became_read_only_keeps_what_is_there() {
    let Some(device) = Device::image("ext4", 64 * MIB) else { return };
    let (server, running) = (Faulty::start(), Running::start());
    serve(&server, "/f", 1, 8 * MIB, Duration::from_secs(1));
    let id = add(&running, &server, "/f", &device.path());
    running.until(id, "some is here", |now| now.progress.received > MIB);
    device.set_read_only(true).unwrap_err();
    running.engine.send(Command::Pause(id));
    // As soon as its part file is closed.
    let set = || device.set_read_only(true).is_ok();
    assert!(running.main_loop.runs_until(Duration::from_secs(5), set));
    let claimed = Journal::read(&running.snapshot(id).path.unwrap()).unwrap().done;
    let before = server.seen_at("/f").len();
    running.engine.send(Command::Resume(id));
    running.fails_with(id, &FailureKind::ReadOnly);
    device.set_read_only(false).unwrap();
    running.engine.send(Command::Resume(id));
    files::assert_same(&running.completed(id), 1, 8 * MIB);
    assert_not_again(&claimed, &server, before);
    running.stop();
}

#[test]
fn what_a_read_only_device_has_is_taken_along_to_another_folder() {
    let Some(device) = Device::image("ext4", 64 * MIB) else { return };
    let (server, running) = (Faulty::start(), Running::start());
    serve(&server, "/f", 1, 8 * MIB, Duration::from_secs(1));
    let id = add(&running, &server, "/f", &device.path());
    running.until(id, "some is here", |now| now.progress.received > MIB);
    running.engine.send(Command::Pause(id));
    let set = || device.set_read_only(true).is_ok();
    assert!(running.main_loop.runs_until(Duration::from_secs(5), set));
    let claimed = Journal::read(&running.snapshot(id).path.unwrap()).unwrap().done;
    let before = server.seen_at("/f").len();
    running.engine.send(Command::Resume(id));
    running.fails_with(id, &FailureKind::ReadOnly);
    running.engine.send(Command::Relocate { id, folder: running.folder().into() });
    let path = running.completed(id);
    assert_eq!(path.parent(), Some(running.folder()));
    files::assert_same(&path, 1, 8 * MIB);
    assert_not_again(&claimed, &server, before);
    running.stop();
}

#[test]
fn a_device_that_does_not_take_what_is_brought_holds_up_nobody_else() {
    let Some(mut device) = Device::image("ext4", 64 * MIB) else { return };
    let (server, running) = (Faulty::start(), Running::start());
    serve(&server, "/moved", 1, 8 * MIB, Duration::from_secs(1));
    serve(&server, "/stays", 2, 8 * MIB, Duration::from_secs(1));
    let moved = add(&running, &server, "/moved", running.folder());
    running.until(moved, "some is here", |now| now.progress.received > MIB);
    running.engine.send(Command::Pause(moved));
    running.main_loop.run_for(Duration::from_millis(300));
    device.freeze();
    running.engine.send(Command::Relocate { id: moved, folder: device.path() });
    running.until(moved, "it is on its way", |now| now.moved.is_some());
    // On the device that it is taken from.
    let watch = Watch::start(&running.main_loop);
    let mut spec = running.spec(server.url("/stays"));
    spec.checksum = Some(files::sha256(2, 8 * MIB).parse().unwrap());
    let stays = running.engine.add(spec);
    files::assert_same(&running.completed(stays), 2, 8 * MIB);
    assert!(running.snapshot(moved).moved.is_some() && watch.latest() < BEARABLE);
    device.thaw();
    running.until(moved, "it is there", |now| now.moved.is_none());
    running.engine.send(Command::Resume(moved));
    files::assert_same(&running.completed(moved), 1, 8 * MIB);
    running.stop();
}

#[test]
fn a_folder_that_is_deleted_ends_its_download_and_no_other() {
    let (server, running) = (Faulty::start(), Running::start());
    serve(&server, "/gone", 1, 8 * MIB, Duration::from_secs(3));
    serve(&server, "/stays", 2, 8 * MIB, Duration::from_secs(2));
    let folder = running.file("folder");
    fs::create_dir(&folder).unwrap();
    let gone = add(&running, &server, "/gone", &folder);
    let stays = add(&running, &server, "/stays", running.folder());
    running.until(gone, "some is here", |now| now.progress.received > MIB);
    fs::remove_dir_all(&folder).unwrap();
    let failure = running.failed(gone);
    assert!(matches!(failure.kind, FailureKind::FolderMissing | FailureKind::Io(libc::ENOENT)), "{failure}");
    files::assert_same(&running.completed(stays), 2, 8 * MIB);
    // Nobody makes a folder again that somebody has deleted.
    assert_eq!(running.names(), ["stays"]);
}

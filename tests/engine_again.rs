// SPDX-License-Identifier: GPL-3.0-or-later
//! What a later process makes of what an earlier one has left beside its part files, with no list: as
//! `freshet get` when the same command is given again.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use freshet::engine::DownloadSpec;
use freshet::engine::FailureKind;
use freshet::engine::engine::Config;
use support::device::Device;
use support::engine::Running;
use support::faulty::{Answer, Faulty, Resource};
use support::files;

const MIB: u64 = 1 << 20;

#[test]
fn a_message_in_place_of_a_file_that_an_earlier_process_began_is_not_taken_for_it() {
    let (server, mut running) = (Faulty::start(), Running::start());
    let file = Resource::new(1, 4 * MIB);
    server.on("/f", move |request| match request.number {
        0 => file.answer(request).rate(4 * MIB),
        _ => Answer::status(200).header("Content-Type", "application/json").bytes("{\"error\": \"expired\"}"),
    });
    let id = running.engine.add(running.single(server.url("/f")));
    running.until(id, "some of it is there", |now| now.progress.received > MIB);
    running.restart(Config::default());
    let id = running.engine.add(running.single(server.url("/f")));
    running.fails_with(id, &FailureKind::ChangedOnServer);
    assert_eq!(running.names(), ["f.part", "f.part.journal"], "what came is kept, and nothing is beside it");
}

/// Whether a file may only be added to: then it cannot be removed either.
fn set_append_only(path: &Path, is_append_only: bool) {
    let flag = if is_append_only { "+a" } else { "-a" };
    assert!(Command::new("chattr").arg(flag).arg(path).status().unwrap().success(), "chattr {flag}");
}

#[test]
fn a_file_that_was_in_its_place_when_its_process_was_killed_is_not_fetched_again() {
    let Some(device) = Device::image("ext4", 64 * MIB) else { return };
    let (server, mut running) = (Faulty::start(), Running::start());
    // The second one proves nothing by which it could be continued.
    for file in [Resource::new(1, 4 * MIB), Resource::new(1, 4 * MIB).etag(None).last_modified(None)] {
        let served = file.clone();
        server.on("/f", move |request| served.answer(request).rate(8 * MIB));
        let before = server.seen_at("/f").len();
        let spec = DownloadSpec { folder: device.path(), ..running.single(server.url("/f")) };
        let journal = spec.folder.join("f.part.journal");
        let id = running.engine.add(spec.clone());
        running.until(id, "some of it is there", |now| now.progress.received > MIB);
        set_append_only(&journal, true);
        running.completed(id);
        set_append_only(&journal, false);
        assert_eq!(device.names(), ["f", "f.part.journal"]);
        running.restart(Config::default());
        let id = running.engine.add(spec);
        assert_eq!(running.completed(id), device.path().join("f"));
        files::assert_same(&device.path().join("f"), 1, 4 * MIB);
        assert_eq!(device.names(), ["f"]);
        assert_eq!(server.seen_at("/f").len(), before + 1, "asked once");
        fs::remove_file(device.path().join("f")).unwrap();
    }
    running.stop();
}

/// The list as a killed window leaves it: as it was at one moment, while the download went on.
struct OldList {
    folder: tempfile::TempDir,
}

impl OldList {
    const NAMES: [&str; 2] = ["list.db", "list.db-wal"];

    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn config(&self) -> Config {
        Config { list: Some(self.folder.path().join("list.db")), ..Config::default() }
    }

    fn path(&self, name: &str) -> (PathBuf, PathBuf) {
        (self.folder.path().join(name), self.folder.path().join(format!("as-it-was-{name}")))
    }

    fn keep(&self) {
        for name in Self::NAMES {
            let (now, kept) = self.path(name);
            fs::copy(now, kept).unwrap();
        }
    }

    fn bring_back(&self) {
        for name in Self::NAMES {
            let (now, kept) = self.path(name);
            fs::rename(kept, now).unwrap();
        }
    }
}

#[test]
fn a_list_that_does_not_know_yet_that_a_file_is_in_its_place_finds_it_there() {
    let Some(device) = Device::image("ext4", 64 * MIB) else { return };
    let list = OldList::new();
    let (server, mut running) = (Faulty::start(), Running::with(list.config()));
    let file = Resource::new(1, 4 * MIB);
    server.on("/f", move |request| file.answer(request).rate(2 * MIB));
    let id = running.engine.add(DownloadSpec { folder: device.path(), ..running.single(server.url("/f")) });
    // By then the list has been saved.
    running.until(id, "most of it is there", |now| now.progress.received > 3 * MIB);
    set_append_only(&device.path().join("f.part.journal"), true);
    list.keep();
    running.completed(id);
    set_append_only(&device.path().join("f.part.journal"), false);
    running.stop();
    list.bring_back();
    running.restart(list.config());
    assert_eq!(running.completed(id), device.path().join("f"));
    assert_eq!(server.seen_at("/f").len(), 1);
    assert_eq!(device.names(), ["f"]);
    running.stop();
}

#[test]
fn a_small_file_that_the_list_does_not_know_to_be_in_its_place_is_not_there_twice() {
    let list = OldList::new();
    let (server, mut running) = (Faulty::start(), Running::with(list.config()));
    let file = Resource::new(1, MIB / 4);
    server.on("/f", move |request| file.answer(request).rate(MIB / 8));
    let id = running.engine.add(running.single(server.url("/f")));
    running.until(id, "most of it is there", |now| now.progress.received > MIB / 6);
    list.keep();
    let path = running.completed(id);
    running.stop();
    list.bring_back();
    running.restart(list.config());
    assert_eq!(running.completed(id), path);
    assert_eq!(running.names(), ["f"]);
    assert_eq!(server.seen_at("/f").len(), 2, "nothing else can prove that it is complete");
    // Whoever wants it once more gets it once more.
    let again = running.engine.add(running.single(server.url("/f")));
    running.completed(again);
    assert_eq!(running.names(), ["f", "f (1)"]);
}

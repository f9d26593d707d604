// SPDX-License-Identifier: GPL-3.0-or-later
//! What a later process makes of what an earlier one has left beside its part files, with no list: as
//! `freshet get` when the same command is given again.

mod support;

use std::fs;
use std::path::Path;
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

/// Whether a file may only be added to: then it can not be removed either.
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

#[test]
fn a_list_that_does_not_know_yet_that_a_file_is_in_its_place_finds_it_there() {
    let Some(device) = Device::image("ext4", 64 * MIB) else { return };
    let list = tempfile::tempdir().unwrap();
    let list = |name: &str| list.path().join(name);
    let config = || Config { list: Some(list("list.db")), ..Config::default() };
    let (server, mut running) = (Faulty::start(), Running::with(config()));
    let file = Resource::new(1, 4 * MIB);
    server.on("/f", move |request| file.answer(request).rate(2 * MIB));
    let id = running.engine.add(DownloadSpec { folder: device.path(), ..running.single(server.url("/f")) });
    // By then the list has been saved.
    running.until(id, "most of it is there", |now| now.progress.received > 3 * MIB);
    set_append_only(&device.path().join("f.part.journal"), true);
    for name in ["list.db", "list.db-wal"] {
        fs::copy(list(name), list(&format!("as-it-was-{name}"))).unwrap();
    }
    running.completed(id);
    set_append_only(&device.path().join("f.part.journal"), false);
    running.stop();
    for name in ["list.db", "list.db-wal"] {
        fs::rename(list(&format!("as-it-was-{name}")), list(name)).unwrap();
    }
    running.restart(config());
    assert_eq!(running.completed(id), device.path().join("f"));
    assert_eq!(server.seen_at("/f").len(), 1);
    assert_eq!(device.names(), ["f"]);
    running.stop();
}

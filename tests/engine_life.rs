// SPDX-License-Identifier: GPL-3.0-or-later
//! What users do to downloads, what limits do, and what the local disk does: real libcurl, real
//! files, a server of our own.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use freshet::engine::disk::Journal;
use freshet::engine::download::spec::OnExists;
use freshet::engine::download::state::{Hold, WaitReason};
use freshet::engine::engine::Config;
use freshet::engine::event::Event;
use freshet::engine::kind::Kind;
use freshet::engine::sorting::{Rule, Rules};
use freshet::engine::store::Day;
use freshet::engine::{Command as Order, DownloadId, DownloadSpec, Engine, FailureKind, Limits, Speed, State};
use support::engine::{LIMIT, Running};
use support::faulty::{Faulty, Resource};
use support::files;

const MIB: u64 = 1 << 20;

/// What the user says of folders.
fn rule(kind: Option<Kind>, patterns: &str, folder: &Path) -> Rule {
    Rule { kind, patterns: patterns.into(), folder: folder.into(), ..Rule::default() }
}

#[test]
fn rules_choose_the_folder_before_the_part_file_is_made() {
    let (server, running) = (slow_for(1), Running::start());
    let film = Resource::new(2, 100_000).media_type("video/mp4");
    server.on("/watch", move |request| film.answer(request));
    let [films, slow] = ["films", "slow ones"].map(|name| running.file(name));
    fs::create_dir(&films).unwrap();
    fs::create_dir(&slow).unwrap();
    let rules = vec![rule(None, "SLOW*", &slow), rule(Some(Kind::Video), "", &films)];
    running.engine.send(Order::SetRules(Rules(rules)));
    let sorted = |path: &str| {
        let spec = running.single(server.url(path));
        running.engine.add(DownloadSpec { otherwise: Some(spec.folder.clone()), ..spec })
    };
    // Its address says nothing of it, its server does.
    let id = sorted("/watch");
    files::assert_same(&running.completed(id), 2, 100_000);
    let film = running.snapshot(id);
    assert_eq!((film.folder, film.path), (films.clone(), Some(films.join("watch.mp4"))));

    // Once it has begun its folder is settled, and what it has is found there again.
    let id = sorted("/slow");
    has_some(&running, id);
    running.engine.send(Order::Pause(id));
    running.engine.send(Order::SetRules(Rules::default()));
    running.engine.send(Order::Resume(id));
    files::assert_same(&running.completed(id), 1, 4 * MIB);
    assert_eq!(running.snapshot(id).path, Some(slow.join("slow")));
    assert!(server.seen_at("/slow")[1].request.range().is_some_and(|(first, _)| first > 0));

    // A folder that the user chose is no matter of rules; one that is not there is told.
    running.engine.send(Order::SetRules(Rules(vec![rule(Some(Kind::Video), "", &running.file("gone"))])));
    let id = running.engine.add(running.single(server.url("/watch")));
    running.completed(id);
    assert_eq!(running.snapshot(id).path, Some(running.file("watch.mp4")));
    let id = sorted("/watch");
    assert_eq!(running.failed(id).kind, FailureKind::FolderMissing);
    assert_eq!(running.names(), ["films", "slow ones", "watch.mp4"], "nothing is left behind");
}

/// A server with `/slow`: file 1 of 4 MiB, at 1 MiB a second.
fn slow_server() -> Faulty {
    slow_for(usize::MAX)
}

/// ... for so many requests, and then as fast as it goes.
fn slow_for(requests: usize) -> Faulty {
    let server = Faulty::start();
    let file = Resource::new(1, 4 * MIB);
    server.on("/slow", move |request| {
        let answer = file.answer(request);
        if request.number < requests { answer.rate(MIB) } else { answer }
    });
    server
}

fn has_some(running: &Running, id: DownloadId) {
    running.until(id, "some of it is there", |now| now.progress.received > MIB / 2);
}

#[test]
fn a_paused_download_holds_still_and_continues_with_a_range() {
    let (server, running) = (slow_for(1), Running::start());
    let id = running.engine.add(running.single(server.url("/slow")));
    has_some(&running, id);
    running.engine.send(Order::Pause(id));
    assert_eq!(running.state(id), State::Paused);
    running.main_loop.run_for(Duration::from_millis(300));
    let held = running.snapshot(id).progress.received;
    assert_eq!(server.open_connections(), 0);
    running.main_loop.run_for(Duration::from_millis(300));
    assert_eq!(running.snapshot(id).progress.received, held);
    running.engine.send(Order::Resume(id));
    files::assert_same(&running.completed(id), 1, 4 * MIB);
    assert_eq!(server.seen_at("/slow")[1].request.range(), Some((held, Some(4 * MIB - 1))));
}

#[test]
fn pause_and_resume_in_quick_succession_lose_nothing() {
    let (server, running) = (slow_server(), Running::start());
    let id = running.add(server.url("/slow"));
    for round in 0..20 {
        running.main_loop.run_for(Duration::from_millis(20 + round));
        running.engine.send(Order::Pause(id));
        running.engine.send(Order::Resume(id));
    }
    files::assert_same(&running.completed(id), 1, 4 * MIB);
    assert_eq!(running.names(), ["slow"]);
}

#[test]
fn pause_all_and_resume_all_reach_every_one() {
    let (server, running) = (slow_server(), Running::start());
    let ids: Vec<_> = (0..7).map(|_| running.add(server.url("/slow"))).collect();
    running.main_loop.run_for(Duration::from_millis(100));
    running.engine.send(Order::PauseAll);
    assert!(ids.iter().all(|id| running.state(*id) == State::Paused));
    running.engine.send(Order::ResumeAll);
    running.main_loop.run_for(Duration::from_millis(200));
    assert_eq!(ids.iter().filter(|id| running.state(**id) == State::Queued).count(), 2, "five run");
}

#[test]
fn what_is_held_stops_goes_on_with_what_it_has_and_may_defy() {
    let (server, running) = (slow_server(), Running::start());
    let id = running.engine.add(running.single(server.url("/slow")));
    has_some(&running, id);
    let hold = Hold::Hours { until: None };
    running.engine.send(Order::Hold(Some(hold)));
    let is_held =
        |id| matches!(running.state(id), State::Waiting { reason: WaitReason::Held(told), .. } if told == hold);
    assert!(is_held(id));
    let late = running.engine.add(running.single(server.url("/slow")));
    assert!(is_held(late), "what comes meanwhile is held too");
    running.main_loop.run_for(Duration::from_millis(300));
    assert_eq!(server.open_connections(), 0);
    running.engine.send(Order::Resume(late));
    assert!(matches!(running.state(late), State::Connecting) && is_held(id), "the user wants this one");
    let asked = server.seen_at("/slow").len();
    running.engine.send(Order::Hold(None));
    files::assert_same(&running.completed(id), 1, 4 * MIB);
    files::assert_same(&running.completed(late), 1, 4 * MIB);
    assert!(server.seen_at("/slow")[asked..].iter().any(|seen| seen.request.range().is_some()), "from the beginning");
    running.engine.send(Order::Hold(Some(Hold::Offline)));
    let near = running.engine.add(running.single(server.url("/slow")));
    assert!(matches!(running.state(near), State::Connecting), "this machine needs no network");
}

#[test]
fn a_removed_download_can_be_restored_with_its_bytes_and_purged_with_its_files() {
    let (server, running) = (slow_server(), Running::start());
    let id = running.add(server.url("/slow"));
    has_some(&running, id);
    running.engine.send(Order::Remove(id));
    assert_eq!(running.engine.snapshot(id), None);
    running.main_loop.run_for(Duration::from_millis(300));
    assert!(running.file("slow.part").exists());
    running.engine.send(Order::Restore(id));
    running.until(id, "it goes on by itself", |now| matches!(now.state, State::Downloading));
    assert!(server.seen_at("/slow")[1].request.range().is_some());
    running.engine.send(Order::Remove(id));
    running.engine.send(Order::Purge(id));
    running.main_loop.run_until(LIMIT, "the files to go", || running.names().is_empty());
    running.engine.send(Order::Restore(id));
    assert_eq!(running.engine.snapshot(id), None, "what is purged is gone");
}

#[test]
fn what_a_running_download_brought_before_the_statistics_were_cleared_is_forgotten_too() {
    let server = slow_server();
    let list = tempfile::tempdir().unwrap();
    let running = Running::with(Config { list: Some(list.path().join("list.sqlite")), ..Config::default() });
    let id = running.add(server.url("/slow"));
    has_some(&running, id);
    let main_loop = glib::MainContext::default();
    main_loop.block_on(running.engine.clear_traffic()).unwrap();
    let total = main_loop.block_on(running.engine.traffic(Day(0))).unwrap().total;
    assert!(total < MIB / 4, "{total} are there still");
    running.stop();
}

#[test]
fn what_came_is_counted_once_whatever_became_of_it() {
    let server = slow_for(1);
    let list = tempfile::tempdir().unwrap();
    let config = || Config { list: Some(list.path().join("list.sqlite")), ..Config::default() };
    let folder = tempfile::tempdir().unwrap();
    let mut running = Running::with(config());
    let counted = |running: &Running| {
        let traffic = glib::MainContext::default().block_on(running.engine.traffic(Day(0))).unwrap();
        assert_eq!(traffic.hosts.iter().map(|(host, _)| host.as_str()).collect::<Vec<_>>(), ["127.0.0.1"]);
        assert_eq!(traffic.days, [(Day::of(SystemTime::now()).unwrap(), traffic.total)]);
        traffic.total
    };
    let spec = DownloadSpec { folder: folder.path().to_owned(), ..running.single(server.url("/slow")) };
    let id = running.engine.add(spec);
    has_some(&running, id);
    let (before, received) = (counted(&running), running.snapshot(id).progress.received);
    assert!(before > MIB / 4 && before <= received, "{before} of {received} while it runs");
    running.engine.send(Order::Pause(id));
    running.main_loop.run_for(Duration::from_millis(300));
    let paused = counted(&running);
    assert!(before <= paused && paused <= 4 * MIB, "{paused}");
    // What is fetched after a restart is added to it.
    running.stop();
    running.restart(config());
    running.engine.send(Order::Resume(id));
    running.completed(id);
    assert_eq!(counted(&running), 4 * MIB);
    running.engine.send(Order::Remove(id));
    let history = |running: &Running| glib::MainContext::default().block_on(running.engine.history()).unwrap();
    assert_eq!(history(&running).len(), 1);
    running.engine.send(Order::Restore(id));
    assert_eq!(history(&running), []);
    running.engine.send(Order::Remove(id));
    running.engine.send(Order::Purge(id));
    let past = history(&running);
    assert_eq!((past[0].name.as_str(), past[0].size), ("slow", 4 * MIB));
    assert_eq!(past[0].path.as_deref(), Some(&*folder.path().join("slow")));
    // An unfinished one leaves nothing.
    let id = running.engine.add(DownloadSpec { folder: folder.path().to_owned(), ..running.spec(server.url("/slow")) });
    running.engine.send(Order::Remove(id));
    running.engine.send(Order::Purge(id));
    running.engine.send(Order::Remember(false));
    assert_eq!(history(&running).len(), 1);
    running.stop();
}

#[test]
fn removing_a_finished_download_leaves_its_file() {
    let (server, running) = (Faulty::start(), Running::start());
    server.serve("/f", Resource::new(1, 100));
    let id = running.add(server.url("/f"));
    let path = running.completed(id);
    running.engine.send(Order::Remove(id));
    running.engine.send(Order::Purge(id));
    running.main_loop.run_for(Duration::from_millis(100));
    files::assert_same(&path, 1, 100);
}

#[test]
fn each_change_of_state_is_told_once_and_in_order() {
    let (server, running) = (Faulty::start(), Running::start());
    server.serve("/f", Resource::new(1, 100));
    let id = running.add(server.url("/f"));
    running.completed(id);
    let mut states: Vec<State> = Vec::new();
    for event in running.events.borrow().iter() {
        if let Event::Added(now) | Event::Changed(now) = event
            && now.id == id
            && states.last() != Some(&now.state)
        {
            states.push(now.state.clone());
        }
    }
    let wanted = [State::Queued, State::Connecting, State::Downloading, State::Verifying, State::Completed];
    assert_eq!(states, wanted);
}

#[test]
fn no_more_than_five_run_at_a_time() {
    let (server, running) = (Faulty::start(), Running::start());
    let file = Resource::new(1, MIB / 4);
    server.on("/f", move |request| file.answer(request).rate(MIB));
    let ids: Vec<_> = (0..12).map(|_| running.engine.add(running.single(server.url("/f")))).collect();
    let mut most = 0;
    running.main_loop.run_until(LIMIT, "all to complete", || {
        most = most.max(server.open_connections());
        ids.iter().all(|id| running.state(*id) == State::Completed)
    });
    assert_eq!(most, 5);
    assert_eq!(running.names().len(), 12, "each has a name of its own");
}

#[test]
fn no_more_than_so_many_run_at_one_host() {
    let running = Running::with_limits(Limits { parallel: 10, per_host: 2, ..Limits::default() });
    let (one, other) = (slow_server(), slow_server());
    let ids: Vec<_> = (0..5).map(|_| running.add(one.url("/slow"))).collect();
    running.add(other.url("/slow"));
    running.main_loop.run_for(Duration::from_millis(400));
    assert_eq!((one.open_connections(), other.open_connections()), (2, 2));
    assert_eq!(ids.iter().filter(|id| running.state(**id) == State::Queued).count(), 3);
}

/// A second of a machine that was busy with something else is no fault of a limit, and does not come twice in a row.
#[test]
fn a_rate_limit_holds_and_may_be_lifted_while_running() {
    let (server, running) =
        (Faulty::start(), Running::with_limits(Limits { rate: Some(Speed(MIB)), ..Limits::default() }));
    server.serve("/f", Resource::new(1, 64 * MIB));
    let ids = [running.add(server.url("/f")), running.add(server.url("/f"))];
    let received = || ids.iter().map(|id| running.snapshot(*id).progress.received).sum::<u64>();
    running.main_loop.run_for(Duration::from_millis(500));
    let measure = || {
        let (before, begin) = (received(), Instant::now());
        running.main_loop.run_for(Duration::from_secs(3));
        (received() - before) as f64 / begin.elapsed().as_secs_f64()
    };
    let is_off = |rate: &f64| (rate / MIB as f64 - 1.0).abs() >= 0.1;
    if let Some(first) = Some(measure()).filter(is_off) {
        let second = measure();
        assert!(!is_off(&second), "{first}, then {second} bytes a second in place of {MIB}");
    }
    running.engine.send(Order::SetLimits(Limits::default()));
    for id in ids {
        files::assert_same(&running.completed(id), 1, 64 * MIB);
    }
}

#[test]
fn a_finished_file_of_that_name_is_kept_unless_told_otherwise() {
    let (server, running) = (Faulty::start(), Running::start());
    server.serve("/f.txt", Resource::new(1, 100));
    fs::write(running.file("f.txt"), "mine").unwrap();
    let with = |on_exists| {
        let mut spec = running.spec(server.url("/f.txt"));
        spec.on_exists = on_exists;
        running.engine.add(spec)
    };
    assert_eq!(running.completed(with(OnExists::Rename)), running.file("f (1).txt"));
    running.fails_with(with(OnExists::Skip), &FailureKind::TargetExists);
    assert_eq!(fs::read_to_string(running.file("f.txt")).unwrap(), "mine");
    files::assert_same(&running.completed(with(OnExists::Overwrite)), 1, 100);
    assert_eq!(running.names(), ["f (1).txt", "f.txt"]);
}

#[test]
fn a_checksum_is_checked_and_a_wrong_one_never_completes() {
    let (server, running) = (Faulty::start(), Running::start());
    server.on("/f", |_| support::faulty::Answer::status(200).bytes("hello\n"));
    let with = |sum: &str| {
        let mut spec = running.spec(server.url("/f"));
        spec.checksum = Some(sum.parse().unwrap());
        running.engine.add(spec)
    };
    let right = with("sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03");
    running.completed(right);
    assert!(running.snapshot(right).verified.is_some());
    let wrong = with("md5:00000000000000000000000000000000");
    let failure = running.failed(wrong);
    assert!(matches!(failure.kind, FailureKind::ChecksumMismatch { .. }), "{failure}");
    assert!(failure.detail.contains("b1946ac92492d2347c6235b4d2611184"), "{failure}");
    assert_eq!(fs::read(running.file("f (1).part")).unwrap(), b"hello\n", "the part file is kept");
}

#[test]
fn a_file_with_another_checksum_can_be_kept_without_asking_the_server_again() {
    let (server, running) = (Faulty::start(), Running::start());
    server.serve("/f", Resource::new(1, 3 * MIB));
    // Of several connections the server may hear of the last one only when the file is there already.
    let mut spec = running.single(server.url("/f"));
    spec.checksum = Some("md5:00000000000000000000000000000000".parse().unwrap());
    let id = running.engine.add(spec);
    running.failed(id);
    assert_eq!(running.snapshot(id).progress.received, 3 * MIB, "it is all here");
    let asked = server.seen_at("/f").len();
    running.engine.send(Order::Keep(id));
    files::assert_same(&running.completed(id), 1, 3 * MIB);
    assert_eq!(server.seen_at("/f").len(), asked);
    let kept = running.snapshot(id);
    assert!(kept.is_kept && kept.verified.is_none());
    assert_eq!(running.names(), ["f"]);
}

#[test]
fn a_file_with_another_checksum_is_fetched_anew_when_it_is_tried_again() {
    let (server, running) = (Faulty::start(), Running::start());
    server.serve("/f", Resource::new(1, 3 * MIB));
    let mut spec = running.spec(server.url("/f"));
    spec.checksum = Some("md5:00000000000000000000000000000000".parse().unwrap());
    let id = running.engine.add(spec);
    running.failed(id);
    let asked = server.seen_at("/f").len();
    running.engine.send(Order::Resume(id));
    running.until(id, "asked for again", |_| server.seen_at("/f").len() > asked);
    running.failed(id);
}

#[test]
fn a_folder_that_is_not_there_or_none_is_told() {
    let (server, running) = (Faulty::start(), Running::start());
    server.serve("/f", Resource::new(1, 100));
    let into = |folder: &std::path::Path| {
        let mut spec = running.spec(server.url("/f"));
        spec.folder = folder.to_owned();
        running.engine.add(spec)
    };
    fs::write(running.file("plain"), "").unwrap();
    running.fails_with(into(&running.file("gone")), &FailureKind::FolderMissing);
    running.fails_with(into(&running.file("plain")), &FailureKind::FolderMissing);
    running.fails_with(into("/proc".as_ref()), &FailureKind::FolderMissing);
    assert!(server.seen_at("/f").len() <= 1, "a folder that cannot be used is found before the server is asked");
}

/// A small tmpfs, mounted for one test. Needs root, as CI has it.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(size: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let option = format!("size={size}");
        let status = Command::new("mount").args(["-t", "tmpfs", "-o", &option, "tmpfs"]).arg(folder.path()).status();
        assert!(status.is_ok_and(|status| status.success()), "this test mounts a tmpfs and must run as root");
        Self(folder)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.0.path()).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            eprintln!("{} is still mounted", self.0.path().display());
        }
    }
}

#[test]
fn a_full_disk_fails_before_the_first_byte_when_the_length_is_known() {
    let (server, running, disk) = (Faulty::start(), Running::start(), SmallDisk::mount("2m"));
    server.serve("/f", Resource::new(1, 8 * MIB));
    let mut spec = running.spec(server.url("/f"));
    spec.folder = disk.0.path().to_owned();
    let failure = running.failed(running.engine.add(spec));
    let FailureKind::DiskFull { needed: Some(needed) } = failure.kind else { panic!("{failure}") };
    assert!((6 * MIB..=8 * MIB).contains(&needed), "{needed}");
    assert_eq!(fs::read_dir(disk.0.path()).unwrap().count(), 0);
    running.stop();
}

#[test]
fn a_disk_that_fills_up_makes_the_download_wait_and_it_completes_when_there_is_space() {
    let (server, running, disk) = (Faulty::start(), Running::start(), SmallDisk::mount("6m"));
    let file = Resource::new(1, 4 * MIB);
    server.on("/f", move |request| file.answer(request).rate(8 * MIB));
    let other = Resource::new(2, MIB);
    server.on("/other", move |request| other.answer(request));
    let mut spec = running.spec(server.url("/f"));
    spec.folder = disk.0.path().to_owned();
    spec.patience.wait_for_space = true;
    let id = running.engine.add(spec);
    running.until(id, "it runs", |now| now.progress.received > 0);
    let ballast = disk.0.path().join("ballast");
    fs::write(&ballast, vec![0; 5 * MIB as usize]).unwrap_or(());
    running.until(id, "it waits for space", |now| matches!(now.state, State::Waiting { .. }));
    files::assert_same(&running.completed(running.add(server.url("/other"))), 2, MIB);
    fs::remove_file(&ballast).unwrap();
    files::assert_same(&running.completed(id), 1, 4 * MIB);
    running.stop();
}

#[test]
fn a_disk_that_is_full_from_the_start_is_waited_for() {
    let (server, running, disk) = (Faulty::start(), Running::start(), SmallDisk::mount("6m"));
    server.serve("/f", Resource::new(1, 4 * MIB));
    let ballast = disk.0.path().join("ballast");
    fs::write(&ballast, vec![0; 5 * MIB as usize]).unwrap();
    let mut spec = running.spec(server.url("/f"));
    spec.folder = disk.0.path().to_owned();
    spec.patience.wait_for_space = true;
    let id = running.engine.add(spec);
    running.until(id, "it waits for space", |now| matches!(now.state, State::Waiting { .. }));
    assert_eq!(fs::read_dir(disk.0.path()).unwrap().count(), 1, "nothing is left lying about");
    fs::remove_file(&ballast).unwrap();
    files::assert_same(&running.completed(id), 1, 4 * MIB);
    running.stop();
}

#[test]
fn the_same_address_twice_makes_two_files_that_do_not_touch_each_other() {
    let (server, running) = (slow_server(), Running::start());
    let first = running.add(server.url("/slow"));
    has_some(&running, first);
    let second = running.add(server.url("/slow"));
    has_some(&running, second);
    running.engine.send(Order::Pause(first));
    running.main_loop.run_for(Duration::from_millis(200));
    let third = running.add(server.url("/slow"));
    assert_eq!(running.completed(second), running.file("slow (1)"));
    files::assert_same(&running.completed(third), 1, 4 * MIB);
    running.engine.send(Order::Resume(first));
    assert_eq!(running.completed(first), running.file("slow"));
    assert_eq!(running.names(), ["slow", "slow (1)", "slow (2)"]);
    assert!(server.seen_at("/slow")[3].request.range().is_some(), "the first went on with its own part file");
}

#[test]
fn two_engines_do_not_write_into_one_part_file() {
    let (server, running) = (slow_server(), Running::start());
    let id = running.add(server.url("/slow"));
    has_some(&running, id);
    running.until(id, "its journal is there", |_| running.file("slow.part.journal").exists());
    let other = Engine::start(Config::default()).unwrap();
    let second = other.add(running.spec(server.url("/slow")));
    let failed = || other.snapshot(second).is_some_and(|now| matches!(now.state, State::Failed(_)));
    running.main_loop.run_until(LIMIT, "the second to be refused", failed);
    let State::Failed(failure) = other.snapshot(second).unwrap().state else { panic!() };
    assert_eq!(failure.kind, FailureKind::PartInUse);
    files::assert_same(&running.completed(id), 1, 4 * MIB);
    let stopped = std::rc::Rc::new(std::cell::Cell::new(false));
    other.stop({
        let stopped = stopped.clone();
        move || stopped.set(true)
    });
    running.main_loop.run_until(LIMIT, "the second to stop", || stopped.get());
}

#[test]
fn a_stopped_engine_leaves_a_journal_that_the_next_one_continues_from() {
    let server = slow_for(1);
    let list = tempfile::tempdir().unwrap();
    let config = || Config { list: Some(list.path().join("list.sqlite")), ..Config::default() };
    let folder = tempfile::tempdir().unwrap();
    let (id, held) = {
        let running = Running::with(config());
        let mut spec = running.single(server.url("/slow"));
        spec.folder = folder.path().to_owned();
        let id = running.engine.add(spec);
        has_some(&running, id);
        running.stop();
        let journal = Journal::read(&folder.path().join("slow.part")).unwrap();
        (id, journal.done[0].end)
    };
    assert!(held > MIB / 4, "{held}");
    let running = Running::with(config());
    assert_eq!(running.snapshot(id).progress.received, held, "the list knows how far it was");
    files::assert_same(&running.completed(id), 1, 4 * MIB);
    assert_eq!(server.seen_at("/slow")[1].request.range(), Some((held, Some(4 * MIB - 1))));
}

#[test]
fn an_idle_engine_does_not_wake_up() {
    let (server, running) = (slow_server(), Running::start());
    server.serve("/f", Resource::new(1, MIB));
    running.completed(running.add(server.url("/f")));
    let paused = running.add(server.url("/slow"));
    has_some(&running, paused);
    running.engine.send(Order::Pause(paused));
    // What has just ended may still be tidied up.
    running.main_loop.run_for(Duration::from_secs(2));
    let wake_ups = running.main_loop.wake_ups(Duration::from_secs(3));
    assert!(wake_ups <= 1, "{wake_ups} in three seconds with one completed and one paused");
}

#[test]
fn a_thousand_short_downloads_reuse_descriptors_without_harm() {
    let (server, running) =
        (Faulty::start(), Running::with_limits(Limits { parallel: 20, per_host: 20, ..Limits::default() }));
    let file = Resource::new(3, 300);
    // Every other connection is closed at once, so that descriptors come and go.
    server.on("/f", move |request| {
        let answer = file.answer(request);
        if request.number % 2 == 0 { answer.closing() } else { answer }
    });
    let descriptors = || fs::read_dir("/proc/self/fd").unwrap().count();
    let ids: Vec<_> = (0..1000)
        .map(|number| {
            let mut spec = running.spec(server.url("/f"));
            spec.name = Some(format!("f{number}"));
            running.engine.add(spec)
        })
        .collect();
    running
        .main_loop
        .run_until(LIMIT * 2, "all to complete", || ids.iter().all(|id| running.state(*id) == State::Completed));
    for number in [0, 1, 500, 999] {
        files::assert_same(&running.file(&format!("f{number}")), 3, 300);
    }
    running.main_loop.run_for(Duration::from_millis(500));
    assert!(descriptors() < 120, "{} descriptors are open", descriptors());
}

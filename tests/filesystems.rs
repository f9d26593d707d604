// SPDX-License-Identifier: GPL-3.0-or-later
//! What is different on the file systems of sticks, cards and Windows: their names, how long a file may be, no
//! second name for a file, inodes that are numbered anew with each mount. Not every kernel has them, so
//! `build-aux/filesystems.sh` boots one that does and runs these there; what is usual elsewhere is in `devices.rs`.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use freshet::engine::disk::Journal;
use freshet::engine::download::spec::OnExists;
use freshet::engine::download::state::WaitReason;
use freshet::engine::engine::Config;
use freshet::engine::types::ByteRange;
use freshet::engine::{Command as Order, DownloadId, DownloadSpec, FailureKind, State};
use support::device::{self, Device};
use support::engine::Running;
use support::faulty::{Faulty, Resource};
use support::files;
use support::process::signal;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
/// What FAT can hold in one file.
const LONGEST: u64 = u32::MAX as u64;
/// More than anything here takes where the processor is emulated.
const LIMIT: Duration = Duration::from_secs(60);
const STALL: Duration = Duration::from_secs(90);

/// Each of these tests on each of these file systems, as `mount -t` calls them.
macro_rules! on {
    ($($module:ident $kind:literal: $($test:ident)*;)*) => {
        $(mod $module {
            $(#[test]
            #[ignore = "run by build-aux/filesystems.sh, with a kernel that has this file system"]
            fn $test() {
                super::$test($kind);
            })*
        })*
    };
}

on! {
    vfat "vfat": a_file_that_is_too_long_is_refused_before_it_is_begun a_file_of_four_gib_less_a_byte_is_begun
        no_zeros_are_written_far_ahead any_name_a_server_gives_is_taken
        names_that_differ_by_case_only_cost_no_file what_is_there_stays a_full_disk_is_waited_out
        what_was_taken_out_is_continued what_was_killed_is_continued what_moves_files_costs_none;
    exfat "exfat": a_file_of_five_gib_is_begun
        no_zeros_are_written_far_ahead any_name_a_server_gives_is_taken
        names_that_differ_by_case_only_cost_no_file what_is_there_stays a_full_disk_is_waited_out
        what_was_taken_out_is_continued what_was_killed_is_continued what_moves_files_costs_none;
    ntfs3 "ntfs3": a_file_of_five_gib_is_begun
        no_zeros_are_written_far_ahead any_name_a_server_gives_is_taken
        names_that_differ_by_case_only_cost_no_file what_is_there_stays a_full_disk_is_waited_out
        what_was_taken_out_is_continued what_was_killed_is_continued what_moves_files_costs_none;
    // By FUSE, which cannot be told that a rename may not replace.
    ntfs_3g "ntfs-3g": a_file_of_five_gib_is_begun
        any_name_a_server_gives_is_taken names_that_differ_by_case_only_cost_no_file what_is_there_stays
        a_full_disk_is_waited_out what_was_taken_out_is_continued what_was_killed_is_continued
        what_moves_files_costs_none;
}

fn device(kind: &str, size: u64) -> Device {
    Device::image(kind, size).expect("this kernel has it, and who runs this may mount it")
}

fn spec(running: &Running, server: &Faulty, path: &str, folder: &Path) -> DownloadSpec {
    let mut spec = DownloadSpec { folder: folder.to_owned(), ..running.spec(server.url(path)) };
    spec.patience.wait_for_space = true;
    spec.patience.silence = LIMIT;
    spec
}

/// Runs until it has ended.
#[track_caller]
fn ended(running: &Running, id: DownloadId) -> State {
    let has_ended = || matches!(running.state(id), State::Completed | State::Failed(_));
    assert!(running.main_loop.runs_until(LIMIT, has_ended), "{:?}", running.snapshot(id));
    running.state(id)
}

/// Where the file is once it has ended.
#[track_caller]
fn completed(running: &Running, id: DownloadId) -> PathBuf {
    assert_eq!(ended(running, id), State::Completed);
    running.snapshot(id).path.expect("a completed download has a path")
}

#[track_caller]
fn fails_with(running: &Running, id: DownloadId, kind: &FailureKind) {
    let end = ended(running, id);
    assert!(matches!(&end, State::Failed(failure) if failure.kind == *kind), "{end:?}");
}

/// Of a file that long only the first bytes ever come.
fn serve_beginning(server: &Faulty, len: u64) {
    let file = Resource::new(1, len);
    server.on("/f", move |request| file.answer(request).stall_after(16 * 1024, STALL));
}

fn a_file_that_is_too_long_is_refused_before_it_is_begun(kind: &str) {
    let device = device(kind, 6 * GIB);
    let (server, running) = (Faulty::start(), Running::start());
    serve_beginning(&server, LONGEST + 1);
    let id = running.engine.add(DownloadSpec { connections: 1, ..spec(&running, &server, "/f", &device.path()) });
    fails_with(&running, id, &FailureKind::TooLargeForFileSystem);
    assert!(device.names().is_empty(), "{:?}", device.names());
    assert_eq!(server.sent_at("/f"), 16 * 1024);
    running.stop();

    let output = get(&server, "/f", &device.path()).wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && told.contains("too large for this file system"), "{}: {told}", output.status);
    assert!(device.names().is_empty(), "{:?}", device.names());
}

fn a_file_of_four_gib_less_a_byte_is_begun(kind: &str) {
    is_begun(kind, LONGEST);
}

fn a_file_of_five_gib_is_begun(kind: &str) {
    is_begun(kind, 5 * GIB);
}

fn is_begun(kind: &str, len: u64) {
    let device = device(kind, 6 * GIB);
    let (server, running) = (Faulty::start(), Running::start());
    serve_beginning(&server, len);
    let id = running.engine.add(DownloadSpec { connections: 1, ..spec(&running, &server, "/f", &device.path()) });
    let is_there = || fs::metadata(device.path().join("f.part")).is_ok_and(|about| about.len() > 0);
    assert!(running.main_loop.runs_until(LIMIT, is_there), "{:?}", running.snapshot(id));
    running.engine.send(Order::Remove(id));
    running.engine.send(Order::Purge(id));
    assert!(running.main_loop.runs_until(LIMIT, || device.names().is_empty()), "{:?}", device.names());
    running.stop();
}

/// It has no holes: what lies before a byte that is written is there, too.
fn no_zeros_are_written_far_ahead(kind: &str) {
    const LEN: u64 = 256 * MIB;
    let device = device(kind, 2 * LEN);
    let (server, running) = (Faulty::start(), Running::start());
    let file = Resource::new(1, LEN);
    server.on("/f", move |request| file.answer(request).rate(MIB));
    let id = running.engine.add(DownloadSpec { connections: 4, ..spec(&running, &server, "/f", &device.path()) });
    let four = || server.seen_at("/f").iter().filter(|seen| seen.sent > 0).count() == 4;
    assert!(running.main_loop.runs_until(LIMIT, four), "{:?}", running.snapshot(id));
    let mut begins: Vec<_> =
        server.seen_at("/f").iter().map(|seen| seen.request.range().map_or(0, |(first, _)| first)).collect();
    begins.sort_unstable();
    let gaps = begins.windows(2).map(|pair| pair[1] - pair[0]);
    assert!(gaps.clone().all(|gap| gap <= 48 * MIB), "{begins:?}");
    running.stop();
    let there = fs::metadata(device.path().join("f.part")).unwrap().len();
    assert!(there <= begins[3] + 16 * MIB, "{there}, {begins:?}");
}

fn any_name_a_server_gives_is_taken(kind: &str) {
    let device = device(kind, 32 * MIB);
    let (server, running) = (Faulty::start(), Running::start());
    let long = "x".repeat(300);
    let umlauts = "ä".repeat(200);
    let proposed = [
        ("a:b*c?d<e>f|g.bin", Some("a_b_c_d_e_f_g.bin")),
        ("a\\\\b\\\"c.bin", Some("b_c.bin")),
        ("dots...", Some("dots")),
        ("spaces .bin  ", Some("spaces .bin")),
        ("CON", Some("_CON")),
        ("aux.tar.gz", Some("_aux.tar.gz")),
        ("COM1 .txt", Some("_COM1 .txt")),
        ("tab\tand bell\u{7}.bin", Some("tab_and bell_.bin")),
        // FAT may have given the one to the other, as a second name.
        ("LONGNA~1.BIN", None),
        ("longname one.bin", None),
        ("фильм 📀 映画.mkv", Some("фильм 📀 映画.mkv")),
        (&long, None),
        (&umlauts, None),
    ];
    // The last two have a journal besides, whose name is longer.
    let len = |seed| if seed > 11 { MIB } else { 1000 };
    let ids: Vec<_> = (1..)
        .zip(proposed)
        .map(|(seed, (name, _))| {
            let (path, file) = (format!("/{seed}"), Resource::new(seed, len(seed)));
            let disposition = format!("attachment; filename=\"{name}\"");
            server.on(&path, move |request| file.answer(request).header("Content-Disposition", &disposition));
            running.engine.add(spec(&running, &server, &path, &device.path()))
        })
        .collect();
    let mut names = Vec::new();
    for ((seed, id), (proposed, expected)) in (1..).zip(ids).zip(proposed) {
        let path = completed(&running, id);
        files::assert_same(&path, seed, len(seed));
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(name, expected.unwrap_or(&name), "{proposed}");
        names.push(name);
    }
    names.sort();
    assert_eq!(device.names(), names, "no file has another name than Freshet believes");
    running.stop();
}

fn names_that_differ_by_case_only_cost_no_file(kind: &str) {
    let device = device(kind, 32 * MIB);
    let (server, running) = (Faulty::start(), Running::start());
    let paths = ["/README", "/readme", "/Readme"];
    for (path, seed) in paths.into_iter().zip(1..) {
        let file = Resource::new(seed, MIB / 2);
        server.on(path, move |request| file.answer(request).rate(MIB));
    }
    // All at the same time, then one after another.
    let add = |path: &&str| running.engine.add(spec(&running, &server, path, &device.path()));
    let ids: Vec<_> = paths.iter().map(add).collect();
    let mut found: Vec<_> = ids.into_iter().zip(1..).map(|(id, seed)| (completed(&running, id), seed)).collect();
    for (path, seed) in paths.iter().zip(1..) {
        found.push((completed(&running, add(path)), seed));
    }
    for (path, seed) in &found {
        files::assert_same(path, *seed, MIB / 2);
    }
    assert_eq!(device.names().len(), found.len(), "{:?}, {found:?}", device.names());
    running.stop();
}

fn what_is_there_stays(kind: &str) {
    let device = device(kind, 32 * MIB);
    let (server, running) = (Faulty::start(), Running::start());
    let (theirs, beside) = (device.path().join("f"), device.path().join("f (1)"));
    fs::write(&theirs, b"mine").unwrap();
    server.serve("/f", Resource::new(1, 2 * MIB));
    let add = |on_exists| {
        let spec = DownloadSpec { on_exists, ..spec(&running, &server, "/f", &device.path()) };
        running.engine.add(spec)
    };
    assert_eq!(completed(&running, add(OnExists::Rename)), beside);
    fails_with(&running, add(OnExists::Skip), &FailureKind::TargetExists);
    assert_eq!(fs::read(&theirs).unwrap(), b"mine");
    files::assert_same(&beside, 1, 2 * MIB);
    assert_eq!(completed(&running, add(OnExists::Overwrite)), theirs);
    files::assert_same(&theirs, 1, 2 * MIB);

    // One that comes while its own name is being fetched.
    let file = Resource::new(2, 2 * MIB);
    server.on("/late", move |request| file.answer(request).rate(2 * MIB));
    let (late, moved) = (device.path().join("late"), device.path().join("late (1)"));
    let id = running.engine.add(spec(&running, &server, "/late", &device.path()));
    assert!(running.main_loop.runs_until(LIMIT, || running.snapshot(id).progress.received > MIB / 2));
    fs::write(&late, b"mine, too").unwrap();
    assert_eq!(completed(&running, id), moved);
    files::assert_same(&moved, 2, 2 * MIB);
    assert_eq!(fs::read(&late).unwrap(), b"mine, too");
    assert_eq!(device.names(), ["f", "f (1)", "late", "late (1)"]);
    running.stop();
}

fn a_full_disk_is_waited_out(kind: &str) {
    let device = device(kind, 20 * MIB);
    let free = || rustix::fs::statvfs(device.path()).map(|fs| fs.f_bavail * fs.f_frsize).unwrap();
    let filler = device.path().join("filler");
    device::fill(&filler, free() - 5 * MIB);
    let (server, running) = (Faulty::start(), Running::start());
    // Each has room alone, and the third one tells no length.
    for seed in 1..=2 {
        let file = Resource::new(seed, 3 * MIB);
        server.on(&format!("/{seed}"), move |request| file.answer(request).rate(3 * MIB));
    }
    let file = Resource::new(3, 3 * MIB);
    server.on("/3", move |_| file.without_ranges().chunked().rate(3 * MIB));
    let ids = ["/1", "/2", "/3"].map(|path| running.engine.add(spec(&running, &server, path, &device.path())));
    let waits = |id: &DownloadId| matches!(running.state(*id), State::Waiting { reason: WaitReason::Space { .. }, .. });
    let ended = |id: &DownloadId| matches!(running.state(*id), State::Completed);
    let all = || ids.iter().all(|id| waits(id) || ended(id)) && ids.iter().any(waits);
    assert!(running.main_loop.runs_until(LIMIT, all), "{:?}", ids.map(|id| running.state(id)));
    fs::remove_file(filler).unwrap();
    for (id, seed) in ids.into_iter().zip(1..) {
        files::assert_same(&completed(&running, id), seed, 3 * MIB);
    }
    assert_eq!(device.names(), ["1", "2", "3"]);
    running.stop();
}

/// Nothing that was claimed is asked for again.
#[track_caller]
fn assert_not_asked_for(server: &Faulty, path: &str, from: usize, claimed: &[ByteRange], len: u64) {
    for seen in &server.seen_at(path)[from..] {
        let (first, last) = seen.request.range().unwrap_or((0, None));
        let end = last.map_or(len, |last| last + 1);
        let twice = claimed.iter().find(|have| have.start < end && first < have.end);
        assert_eq!(twice, None, "asked for {first}..{end}");
    }
}

fn what_was_taken_out_is_continued(kind: &str) {
    const LEN: u64 = 6 * MIB;
    let device = device(kind, 32 * MIB);
    let (server, mut running) = (Faulty::start(), Running::start());
    let file = Resource::new(1, LEN);
    server.on("/f", move |request| match request.number {
        0 => file.answer(request).rate(4 * MIB),
        _ => file.answer(request),
    });
    let add = |running: &Running| {
        running.engine.add(DownloadSpec { connections: 1, ..spec(running, &server, "/f", &device.path()) })
    };
    let id = add(&running);
    assert!(running.main_loop.runs_until(LIMIT, || running.snapshot(id).progress.received > 2 * MIB));
    let part = running.snapshot(id).path.unwrap();
    running.restart(Config::default());
    device.put_in_again();
    let claimed = Journal::read(&part).unwrap().done;
    assert!(claimed.iter().map(|range| range.end - range.start).sum::<u64>() >= MIB, "{claimed:?}");
    let asked = server.seen_at("/f").len();
    let path = completed(&running, add(&running));
    assert_not_asked_for(&server, "/f", asked, &claimed, LEN);
    running.stop();
    device.put_in_again();
    files::assert_same(&path, 1, LEN);
    assert_eq!(device.names(), ["f"]);
    // Mon, 03 Mar 2025 03:03:03 GMT; FAT counts in two seconds.
    let date = SystemTime::UNIX_EPOCH + Duration::from_secs(1_740_970_983);
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    assert!((date - Duration::from_secs(2)..=date).contains(&modified), "{modified:?}");
}

/// Starts the program.
fn get(server: &Faulty, path: &str, folder: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_freshet"));
    command.args(["get", "-x", "4", "-d"]).arg(folder).arg(server.url(path).as_str());
    command.env("LC_ALL", "C").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn what_was_killed_is_continued(kind: &str) {
    const LEN: u64 = 8 * MIB;
    let device = device(kind, 32 * MIB);
    let server = Faulty::start();
    let file = Resource::new(1, LEN);
    server.on("/f", move |request| file.answer(request).rate(MIB));
    let part = device.path().join("f.part");
    let claimed = || Journal::read(&part).map(|journal| journal.done).unwrap_or_default();
    let sum = |ranges: &[ByteRange]| ranges.iter().map(|range| range.end - range.start).sum::<u64>();
    for (already, least) in [(0, MIB), (MIB, 4 * MIB)] {
        let (before, asked) = (claimed(), server.seen_at("/f").len());
        assert!(sum(&before) >= already, "{before:?}");
        let mut child = get(&server, "/f", &device.path());
        let end = Instant::now() + LIMIT;
        while sum(&claimed()) < least {
            assert!(Instant::now() < end && child.try_wait().unwrap().is_none(), "{:?}", claimed());
            thread::sleep(Duration::from_millis(20));
        }
        signal(child.id(), "KILL");
        child.wait().unwrap();
        assert_not_asked_for(&server, "/f", asked, &before, LEN);
    }
    let (before, asked) = (claimed(), server.seen_at("/f").len());
    let output = get(&server, "/f", &device.path()).wait_with_output().unwrap();
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    assert_not_asked_for(&server, "/f", asked, &before, LEN);
    files::assert_same(&device.path().join("f"), 1, LEN);
    assert_eq!(device.names(), ["f"]);
}

/// The unit tests of what gives files their names, in folders of this file system.
fn what_moves_files_costs_none(kind: &str) {
    let device = device(kind, 32 * MIB);
    let tests = std::env::var_os("FRESHET_UNIT_TESTS").expect("build-aux/filesystems.sh says where they are");
    let mut command = Command::new(tests);
    // What has no name is in memory wherever the tests run, and there is no folder for that here.
    command.args(["engine::disk::place::", "--skip", "what_has_no_name"]);
    if kind == "ntfs-3g" {
        // It has an inode for each link to a file, so a lock is not seen by who opens it by its new name.
        command.args(["--skip", "a_file_whose_process_died"]);
    }
    let output = command.env("TMPDIR", device.path()).stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && !told.contains(" 0 passed"), "{told}");
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Part files that are taken to another folder, on the same file system and on another one.

use std::env;
use std::os::unix::fs::{FileExt, MetadataExt, symlink};
use std::process::{Child, Stdio};
use std::thread;
use std::time::Instant;

use super::*;
use crate::engine::disk::Carry;

const MIB: u64 = 1024 * 1024;
const BYTES: &[u8] = b"0123456789";
/// Names the two folders for the process that is to be killed.
const FOLDERS: &str = "FRESHET_TEST_CARRIED_BETWEEN";
/// No process takes longer to start.
const START: Duration = Duration::from_secs(30);

/// Another file system than that of [`Desk::new`].
fn elsewhere() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap()
}

/// Of ten bytes of a hundred the first four and the last four are here.
fn begun(desk: &Desk) -> PathBuf {
    let part_path = desk.begin(1, "f", BYTES);
    desk.save(1, some()).unwrap();
    desk.disk.close(PartId(1));
    part_path
}

fn some() -> Journal {
    Journal { total: Some(100), ..journal("f", &[(0, 4), (6, 10)]) }
}

fn to(part_path: &Path, folder: &Path) -> Carry {
    Carry {
        part_path: part_path.into(),
        folder: folder.into(),
        name: "f".into(),
        on_exists: OnExists::Rename,
        replaces: None,
        others: Vec::new(),
    }
}

fn answer(desk: &Desk) -> Result<Option<PathBuf>, FailureKind> {
    loop {
        match desk.next() {
            Reply::Carrying { .. } => {}
            Reply::Carried { part_path, .. } => return Ok(part_path),
            Reply::Failed { failure, .. } => return Err(failure.kind),
            other => panic!("{other:?}"),
        }
    }
}

fn carry(desk: &Desk, carry: Carry) -> Result<Option<PathBuf>, FailureKind> {
    desk.disk.carry(PartId(9), carry);
    let answer = answer(desk);
    desk.disk.close(PartId(9));
    answer
}

#[test]
fn on_one_file_system_it_is_moved_as_it_is() {
    let desk = Desk::new();
    let part_path = begun(&desk);
    let inode = fs::metadata(&part_path).unwrap().ino();
    let folder = tempfile::tempdir().unwrap();
    let there = folder.path().join("f.part");
    assert_eq!(carry(&desk, to(&part_path, folder.path())), Ok(Some(there.clone())));
    assert_eq!(fs::metadata(&there).unwrap().ino(), inode);
    assert_eq!(Journal::read(&there).unwrap(), some());
    assert_eq!(names(folder.path()), ["f.part", "f.part.journal"]);
    assert!(desk.names().is_empty());
}

#[test]
fn to_another_file_system_what_is_here_of_it_is_copied_and_goes_on_there() {
    let desk = Desk::new();
    let part_path = begun(&desk);
    let folder = elsewhere();
    let there = folder.path().join("f.part");
    assert_eq!(carry(&desk, to(&part_path, folder.path())), Ok(Some(there.clone())));
    assert_eq!(fs::read(&there).unwrap(), b"0123\0\x006789", "no more than the journal claims");
    assert!(desk.names().is_empty());
    let desk = Desk::in_folder(folder);
    let found = desk.look(2, Look { part_path: Some(there.clone()), ..desk.any() }).unwrap().unwrap();
    assert_eq!(found.journal, some());
    let open = Open { resume: Some(there), total: Some(10), ..desk.new_file("f") };
    desk.open(2, open).unwrap();
    desk.write(2, 4, b"45");
    desk.expect_written(2, 2);
    assert_eq!(desk.finish(2, complete(10)), Ok(desk.path("f")));
    assert_eq!(fs::read(desk.path("f")).unwrap(), BYTES);
}

#[test]
fn what_is_in_the_new_folder_stays_as_it_is() {
    for folder in [tempfile::tempdir().unwrap(), elsewhere()] {
        let desk = Desk::new();
        let part_path = begun(&desk);
        fs::write(folder.path().join("f"), b"mine").unwrap();
        fs::write(folder.path().join("f (1).part"), b"mine, too").unwrap();
        let there = folder.path().join("f (2).part");
        assert_eq!(carry(&desk, to(&part_path, folder.path())), Ok(Some(there.clone())));
        assert_eq!(fs::read(folder.path().join("f")).unwrap(), b"mine");
        assert_eq!(fs::read(folder.path().join("f (1).part")).unwrap(), b"mine, too");
        let part_path = begun(&desk);
        let skips = Carry { on_exists: OnExists::Skip, others: vec![there], ..to(&part_path, folder.path()) };
        assert_eq!(carry(&desk, skips), Err(FailureKind::TargetExists));
        assert_eq!(desk.names(), ["f.part", "f.part.journal"]);
    }
}

#[test]
fn where_there_is_no_room_it_stays_where_it_was() {
    let desk = Desk::new();
    let part_path = desk.begin(1, "f", &[7; 200_000]);
    let journal = Journal { total: Some(200_000), ..journal("f", &[(0, 200_000)]) };
    desk.save(1, journal.clone()).unwrap();
    desk.disk.close(PartId(1));
    let small = Tmpfs::new("size=64k");
    let full = carry(&desk, to(&part_path, &small.folder));
    assert!(matches!(full, Err(FailureKind::DiskFull { needed: Some(_) })), "{full:?}");
    assert!(names(&small.folder).is_empty());
    assert_eq!(Journal::read(&part_path).unwrap(), journal);
    assert_eq!(carry(&desk, to(&part_path, &small.folder.join("gone"))), Err(FailureKind::FolderMissing));
    assert_eq!(desk.names(), ["f.part", "f.part.journal"]);
}

#[test]
fn the_same_folder_by_another_path_has_it_already() {
    let desk = Desk::new();
    let part_path = begun(&desk);
    let around = tempfile::tempdir().unwrap();
    let other = around.path().join("link");
    symlink(part_path.parent().unwrap(), &other).unwrap();
    assert_eq!(carry(&desk, to(&part_path, &other)), Ok(Some(other.join("f.part"))));
    assert_eq!(desk.names(), ["f.part", "f.part.journal"]);
}

#[test]
fn what_is_not_there_is_told_as_that_and_what_nobody_can_continue_goes() {
    let desk = Desk::new();
    let folder = elsewhere();
    assert_eq!(carry(&desk, to(&desk.path("gone.part"), folder.path())), Ok(None));
    assert_eq!(carry(&desk, to(&desk.path("gone/f.part"), folder.path())), Ok(None));
    let part_path = begun(&desk);
    fs::write(desk.path("f.part.journal"), b"torn").unwrap();
    assert_eq!(carry(&desk, to(&part_path, folder.path())), Ok(None));
    assert!(desk.names().is_empty() && names(folder.path()).is_empty());
}

#[test]
fn a_journal_that_can_not_be_read_now_costs_nothing() {
    let desk = Desk::new();
    let part_path = begun(&desk);
    let folder = elsewhere();
    // A folder in its place gives an error that says nothing of what it holds.
    fs::remove_file(desk.path("f.part.journal")).unwrap();
    fs::create_dir(desk.path("f.part.journal")).unwrap();
    assert!(matches!(carry(&desk, to(&part_path, folder.path())), Err(FailureKind::Io(_))));
    assert_eq!(fs::read(&part_path).unwrap(), BYTES);
    assert!(names(folder.path()).is_empty());
}

#[test]
fn from_a_drive_that_can_only_be_read_now_it_is_copied() {
    let drive = Tmpfs::new("size=1m");
    let desk = drive.desk();
    let part_path = begun(&desk);
    drive.remount("ro");
    let folder = elsewhere();
    let there = folder.path().join("f.part");
    assert_eq!(carry(&desk, to(&part_path, folder.path())), Ok(Some(there.clone())));
    assert_eq!(fs::read(&there).unwrap(), b"0123\0\x006789");
    assert_eq!(Journal::read(&there).unwrap(), some());
    assert_eq!(desk.names(), ["f.part", "f.part.journal"], "nothing can be removed there");
}

#[test]
fn what_cannot_be_opened_now_stays_where_it_is() {
    let desk = Desk::new();
    let part_path = begun(&desk);
    fs::remove_file(&part_path).unwrap();
    fs::create_dir(&part_path).unwrap();
    let folder = elsewhere();
    let told = carry(&desk, to(&part_path, folder.path()));
    assert!(matches!(told, Err(FailureKind::Io(_))), "{told:?}");
    assert_eq!(desk.names(), ["f.part", "f.part.journal"]);
    assert!(names(folder.path()).is_empty());
}

#[test]
fn what_interrupted_tries_have_left_goes_and_what_others_have_begun_stays() {
    for folder in [tempfile::tempdir().unwrap(), elsewhere()] {
        let desk = Desk::new();
        let part_path = begun(&desk);
        let journal = Journal::read(&part_path).unwrap();
        let place = |name: &str| folder.path().join(name);
        // A copy that was not finished, and the place of a file that was not moved there any more.
        fs::write(place("f.part"), [0; 100]).unwrap();
        journal.of_copy(&place("f.part")).write(&place("f.part")).unwrap();
        fs::write(place("f (1).part"), "").unwrap();
        journal.write(&place("f (1).part")).unwrap();
        // One that had come to its end, but is another download's.
        fs::write(place("f (3).part"), BYTES).unwrap();
        journal.write(&place("f (3).part")).unwrap();
        // Of the same address, and begun a moment ago; and of another one.
        fs::write(place("f (2).part"), "").unwrap();
        Journal { done: Vec::new(), ..journal.clone() }.write(&place("f (2).part")).unwrap();
        fs::write(place("g.part"), "").unwrap();
        Journal { url: url("g"), ..journal.clone() }.write(&place("g.part")).unwrap();
        let seen = Desk::new().look(2, any_part(folder.path())).unwrap();
        let seen = seen.map(|found| found.part_path).unwrap();
        assert!(seen == place("f (2).part") || seen == place("f (3).part"), "nobody continues a copy: {seen:?}");
        let others = vec![place("f (3).part")];
        assert_eq!(carry(&desk, Carry { others, ..to(&part_path, folder.path()) }), Ok(Some(place("f.part"))));
        let left = ["f (2).part", "f (3).part", "f.part", "g.part"];
        let parts = names(folder.path()).into_iter().filter(|name| !name.to_string_lossy().ends_with(".journal"));
        assert_eq!(parts.collect::<Vec<_>>(), left);
        assert!(desk.names().is_empty());
        // It was interrupted before the old one had gone.
        let part_path = begun(&desk);
        let others = vec![place("f.part")];
        let again = Carry { others, ..to(&part_path, folder.path()) };
        assert_eq!(carry(&desk, again), Ok(Some(place("f (3).part"))));
        assert!(desk.names().is_empty());
        assert_eq!(names(folder.path()).len(), 8);
    }
}

#[test]
fn one_whose_checksum_is_still_computed_can_be_taken_along() {
    let desk = Desk::new();
    let part_path = large(desk.folder.path());
    let checksum = Some(format!("sha512:{}", "0".repeat(128)).parse().unwrap());
    let open = Open { resume: Some(part_path.clone()), total: Some(65 * MIB), checksum, ..desk.new_file("f") };
    desk.open(1, open).unwrap();
    // The checksum has begun meanwhile.
    thread::sleep(Duration::from_millis(20));
    desk.disk.close(PartId(1));
    assert!(carry(&desk, to(&part_path, elsewhere().path())).unwrap().is_some());
}

#[test]
fn one_that_somebody_continues_is_left_to_them() {
    let desk = Desk::new();
    let part_path = begun(&desk);
    let other = fs::File::open(&part_path).unwrap();
    other.lock().unwrap();
    let folder = elsewhere();
    assert_eq!(carry(&desk, to(&part_path, folder.path())), Err(FailureKind::PartInUse));
    assert!(names(folder.path()).is_empty());
    drop(other);
    assert!(carry(&desk, to(&part_path, folder.path())).unwrap().is_some());
}

#[test]
fn a_copy_that_nobody_wants_any_more_leaves_nothing() {
    let desk = Desk::new();
    let part_path = large(desk.folder.path());
    let folder = elsewhere();
    desk.disk.carry(PartId(9), to(&part_path, folder.path()));
    desk.disk.give_up(PartId(9));
    assert_eq!(answer(&desk), Err(FailureKind::Io(libc::ECANCELED)));
    assert!(names(folder.path()).is_empty());
    assert_eq!(desk.names(), ["f.part", "f.part.journal"]);
}

/// A part file of 64 MiB, each of which is different.
fn large(folder: &Path) -> PathBuf {
    let part_path = folder.join("f.part");
    let file = fs::File::create(&part_path).unwrap();
    for number in 0..64 {
        file.write_all_at(&vec![number as u8 + 1; MIB as usize], number * MIB).unwrap();
    }
    file.sync_all().unwrap();
    Journal { total: Some(65 * MIB), ..journal("f", &[(0, 64 * MIB)]) }.write(&part_path).unwrap();
    part_path
}

/// Whether this folder has all of [`large`].
fn has_large(folder: &Path) -> bool {
    let part_path = folder.join("f.part");
    let Ok(journal) = Journal::read(&part_path) else { return false };
    let bytes = fs::read(&part_path).unwrap_or_default();
    let chunks = bytes.chunks(MIB as usize).take(64).enumerate();
    let right = chunks.filter(|(number, chunk)| chunk.iter().all(|byte| usize::from(*byte) == number + 1)).count();
    assert!(right == 64 || bytes.is_empty() || journal.done.is_empty(), "a journal claims what is not there");
    journal.done == [ByteRange::new(0, 64 * MIB)] && right == 64
}

/// Takes it to and fro.
#[test]
#[ignore = "started by the test that kills it"]
fn the_one_that_is_killed() {
    let Ok(folders) = env::var(FOLDERS) else { return };
    let (one, other) = folders.split_once(':').unwrap();
    let desk = Desk::new();
    loop {
        for (from, to_folder) in [(one, other), (other, one)] {
            carry(&desk, to(&Path::new(from).join("f.part"), Path::new(to_folder))).unwrap();
        }
    }
}

/// Lives no longer than its round, however that ends.
struct Killed(Child);

impl Killed {
    fn runs(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn whenever_it_is_killed_one_of_the_two_folders_has_all_of_it() {
    let (one, other) = (tempfile::tempdir().unwrap(), elsewhere());
    large(one.path());
    for round in 0..8 {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "engine::disk::disk_threads::tests::carry::the_one_that_is_killed"]);
        command.env(FOLDERS, format!("{}:{}", one.path().display(), other.path().display()));
        let mut killed = Killed(command.stdout(Stdio::null()).spawn().unwrap());
        // It starts as slowly as the machine is busy, and has to be at work.
        let begin = Instant::now();
        while names(other.path()).is_empty() {
            assert!(killed.runs() && begin.elapsed() < START, "round {round}: it takes nothing along");
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_millis(41 * round));
        assert!(killed.runs(), "round {round}: it ended by itself");
        drop(killed);
        let (here, there) = (has_large(one.path()), has_large(other.path()));
        assert!(here || there, "round {round}: {:?}, {:?}", names(one.path()), names(other.path()));
        // Once more, as when the download goes on, nothing is left of what was interrupted, but for a name that was
        // taken a moment before.
        let (full, rest) = if here { (&one, &other) } else { (&other, &one) };
        let place = rest.path().join("f.part");
        if !Journal::path_of(&place).exists() && fs::metadata(&place).is_ok_and(|about| about.len() == 0) {
            fs::remove_file(&place).unwrap();
        }
        let desk = Desk::new();
        let there = carry(&desk, to(&full.path().join("f.part"), rest.path())).unwrap().unwrap();
        assert_eq!(there, rest.path().join("f.part"), "round {round}");
        assert!(names(full.path()).is_empty(), "round {round}: {:?}", names(full.path()));
        assert_eq!(names(rest.path()), ["f.part", "f.part.journal"], "round {round}");
        if rest.path() != one.path() {
            carry(&desk, to(&there, one.path())).unwrap();
        }
    }
}

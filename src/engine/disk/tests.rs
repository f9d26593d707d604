// SPDX-License-Identifier: GPL-3.0-or-later
//! The disk as the engine uses it: real threads and real files. Replies are collected without a
//! main loop, except where the main loop is what is tested.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileExt, MetadataExt, symlink};
use std::process::Command;
use std::sync::PoisonError;
use std::time::{Instant, SystemTime};

use proptest::prelude::*;
use tempfile::TempDir;
use url::Url;

use super::*;
use crate::engine::disk::{Found, MOST_READ};
use crate::engine::download::spec::{Checksum, OnExists};

const PATIENCE: Duration = Duration::from_secs(20);

/// A disk with a folder to download into; replies come in the order they were posted.
pub struct Desk {
    pub disk: Rc<DiskThreads>,
    woken: Receiver<()>,
    pub replies: Rc<RefCell<std::collections::VecDeque<Reply>>>,
    folder: TempDir,
}

impl Desk {
    pub fn new() -> Self {
        Self::in_folder(tempfile::tempdir().unwrap())
    }

    pub fn in_folder(folder: TempDir) -> Self {
        let (wake, woken) = mpsc::channel();
        let replies = Rc::new(RefCell::new(std::collections::VecDeque::new()));
        let disk = DiskThreads::with_wake(
            0,
            // Late wakes find nobody, as on a main loop that has ended.
            move |_| wake.send(()).unwrap_or(()),
            {
                let replies = replies.clone();
                move |new| replies.borrow_mut().extend(new)
            },
        );
        Self { disk, woken, replies, folder }
    }

    pub fn path(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.folder.path().join(name.as_ref())
    }

    pub fn names(&self) -> Vec<OsString> {
        let mut names: Vec<_> =
            fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    }

    pub fn next(&self) -> Reply {
        loop {
            if let Some(reply) = self.replies.borrow_mut().pop_front() {
                return reply;
            }
            self.woken.recv_timeout(PATIENCE).expect("a reply comes");
            self.disk.deliver();
        }
    }

    pub fn look(&self, part: u64, look: Look) -> Result<Option<Found>, FailureKind> {
        self.disk.look(PartId(part), look);
        match self.next() {
            Reply::Looked { part: of, found } => {
                assert_eq!(of, PartId(part));
                Ok(found.map(|found| *found))
            }
            Reply::Failed { failure, .. } => Err(failure.kind),
            other => panic!("{other:?}"),
        }
    }

    fn open(&self, part: u64, open: Open) -> Result<PathBuf, FailureKind> {
        self.disk.open(PartId(part), open);
        match self.next() {
            Reply::Opened { part_path, .. } => Ok(part_path),
            Reply::Failed { failure, .. } => Err(failure.kind),
            other => panic!("{other:?}"),
        }
    }

    /// Opens a part file for `name` and writes these bytes to its begin.
    fn begin(&self, part: u64, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.open(part, self.new_file(name)).unwrap();
        if !bytes.is_empty() {
            self.write(part, 0, bytes);
            self.expect_written(part, bytes.len() as u64);
        }
        path
    }

    fn write(&self, part: u64, offset: u64, bytes: &[u8]) {
        let mut block = self.disk.block(PartId(part), bytes.len()).expect("there is room");
        block.extend(bytes);
        self.disk.write(PartId(part), offset, block);
    }

    /// Waits until that many bytes of the part are told as written.
    fn expect_written(&self, part: u64, wanted: u64) {
        let mut written = 0;
        while written < wanted {
            match self.next() {
                Reply::Written { part: of, range } if of == PartId(part) => written += range.len(),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(written, wanted);
    }

    fn save(&self, part: u64, journal: Journal) -> Result<(), FailureKind> {
        self.disk.save(PartId(part), journal);
        match self.next() {
            Reply::Saved { .. } => Ok(()),
            Reply::Failed { failure, .. } => Err(failure.kind),
            other => panic!("{other:?}"),
        }
    }

    fn finish(&self, part: u64, finish: Finish) -> Result<PathBuf, FailureKind> {
        self.disk.finish(PartId(part), finish);
        loop {
            match self.next() {
                Reply::Finished { path, .. } => return Ok(path),
                Reply::Failed { failure, .. } => return Err(failure.kind),
                Reply::Verifying { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub fn any(&self) -> Look {
        any_part(self.folder.path())
    }

    pub fn new_file(&self, name: &str) -> Open {
        new_file(self.folder.path(), name)
    }
}

fn url(name: &str) -> Url {
    format!("http://example.org/{name}").parse().unwrap()
}

/// For any part file of this address in the folder.
pub fn any_part(folder: &Path) -> Look {
    Look {
        folder: folder.into(),
        part_path: None,
        url: url("f"),
        name: None,
        resume: true,
        others: Vec::new(),
        length: None,
        tries_room: false,
    }
}

pub fn new_file(folder: &Path, name: &str) -> Open {
    Open {
        folder: folder.into(),
        resume: None,
        name: name.into(),
        on_exists: OnExists::Rename,
        total: None,
        checksum: None,
        journal: None,
    }
}

pub fn journal(name: &str, done: &[(u64, u64)]) -> Journal {
    Journal {
        url: url(name),
        mirrors: Vec::new(),
        name: name.into(),
        total: None,
        validator: None,
        origin: None,
        modified: None,
        media_type: None,
        checksum: None,
        replaces: None,
        placed: None,
        done: done.iter().map(|(start, end)| ByteRange::new(*start, *end)).collect(),
    }
}

/// How to finish a file of that length, with nothing else wished for.
pub fn complete(total: u64) -> Finish {
    Finish { total, checksum: None, on_exists: OnExists::Rename, modified: None, replaces: None, may_be_there: None }
}

/// A small file system of its own. The tests that need it run as root, and fail where they do not
/// get it: a test that is left out in silence tests nothing.
struct Tmpfs {
    folder: PathBuf,
    _around: TempDir,
}

impl Tmpfs {
    fn new(options: &str) -> Self {
        let around = tempfile::tempdir().unwrap();
        let folder = around.path().join("mounted");
        fs::create_dir(&folder).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&folder).status();
        assert!(mounted.expect("mount can be run").success(), "mounting a tmpfs takes root");
        Self { folder, _around: around }
    }

    fn desk(&self) -> Desk {
        Desk::in_folder(tempfile::tempdir_in(&self.folder).unwrap())
    }

    fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        assert!(Command::new("mount").arg("-o").arg(options).arg(&self.folder).status().unwrap().success());
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        // Lazily: what a failed test still has open must not keep it.
        let _ = Command::new("umount").arg("-l").arg(&self.folder).status();
    }
}

#[test]
fn a_file_goes_from_its_first_byte_to_its_place() {
    let desk = Desk::new();
    assert_eq!(desk.look(1, desk.any()), Ok(None));
    let part_path = desk.open(1, Open { total: Some(10), ..desk.new_file("f.iso") }).unwrap();
    assert_eq!(part_path, desk.path("f.iso.part"));
    desk.write(1, 5, b"56789");
    desk.write(1, 0, b"01234");
    desk.expect_written(1, 10);
    desk.save(1, Journal { total: Some(10), ..journal("f.iso", &[(0, 10)]) }).unwrap();
    assert_eq!(desk.names(), ["f.iso.part", "f.iso.part.journal"]);
    let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let path = desk.finish(1, Finish { modified: Some(modified), ..complete(10) }).unwrap();
    assert_eq!(path, desk.path("f.iso"));
    assert_eq!(desk.names(), ["f.iso"]);
    assert_eq!(fs::read(&path).unwrap(), b"0123456789");
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), modified);
    assert!(desk.disk.parts.borrow().is_empty(), "a finished part is closed");
}

#[test]
fn an_empty_file_can_be_finished() {
    let desk = Desk::new();
    desk.open(1, Open { total: Some(0), ..desk.new_file("f") }).unwrap();
    assert_eq!(desk.finish(1, complete(0)), Ok(desk.path("f")));
    assert_eq!(fs::metadata(desk.path("f")).unwrap().len(), 0);
}

#[test]
fn writes_may_be_given_before_the_answer_to_open_and_are_done_before_a_save() {
    let desk = Desk::new();
    desk.disk.open(PartId(1), desk.new_file("f"));
    desk.write(1, 0, b"abc");
    desk.write(1, 10, b"def");
    desk.disk.save(PartId(1), journal("f", &[(0, 3), (10, 13)]));
    desk.write(1, 20, b"ghi");
    assert!(matches!(desk.next(), Reply::Opened { .. }));
    let mut seen = Vec::new();
    while seen.len() < 4 {
        match desk.next() {
            Reply::Written { range, .. } => seen.push(range.start),
            Reply::Saved { .. } => seen.push(99),
            other => panic!("{other:?}"),
        }
    }
    // The last write may be done while the save is waited for.
    let saved = seen.iter().position(|at| *at == 99).unwrap();
    assert!(saved >= 2 && seen[..2] == [0, 10], "{seen:?}");
}

#[test]
fn a_part_file_is_continued_after_a_restart() {
    let first = Desk::new();
    let part_path = first.begin(1, "f", b"0123456789");
    first.save(1, journal("f", &[(0, 4), (6, 10)])).unwrap();
    first.disk.shutdown();

    let desk = Desk::in_folder(first.folder);
    let mut wanted = desk.any();
    wanted.url = "http://example.org/f#fragment".parse().unwrap();
    let found = desk.look(7, wanted).unwrap().unwrap();
    assert_eq!(found, Found { part_path: part_path.clone(), journal: journal("f", &[(0, 4), (6, 10)]) });
    let open = Open { resume: Some(found.part_path), total: Some(10), ..desk.new_file("f") };
    assert_eq!(desk.open(7, open), Ok(part_path));
    desk.write(7, 4, b"xy");
    desk.expect_written(7, 2);
    assert_eq!(desk.finish(7, complete(10)), Ok(desk.path("f")));
    assert_eq!(fs::read(desk.path("f")).unwrap(), b"0123xy6789");
}

#[test]
fn closing_with_a_save_on_its_way_loses_neither_the_save_nor_the_part() {
    let desk = Desk::new();
    let part_path = desk.begin(1, "f", b"0123");
    for round in 1..50 {
        let done = [(0, round % 4 + 1)];
        desk.disk.save(PartId(round), journal("f", &done));
        desk.disk.close(PartId(round));
        desk.disk.look(PartId(round + 1), desk.any());
        assert!(matches!(desk.next(), Reply::Saved { .. }));
        match desk.next() {
            Reply::Looked { found: Some(found), .. } => assert_eq!(found.journal, journal("f", &done)),
            other => panic!("{other:?}"),
        }
        let open = Open { resume: Some(part_path.clone()), ..desk.new_file("f") };
        assert_eq!(desk.open(round + 1, open).unwrap(), part_path);
    }
}

#[test]
fn only_the_part_file_of_that_address_and_name_is_found() {
    let desk = Desk::new();
    for (part, name) in [(1, "a"), (2, "b")] {
        desk.begin(part, name, b"0123");
        desk.save(part, journal(name, &[(0, 4)])).unwrap();
        desk.disk.close(PartId(part));
    }
    fs::write(desk.path("orphan.part"), b"0123").unwrap();
    fs::write(desk.path("torn.part"), b"0123").unwrap();
    fs::write(desk.path("torn.part.journal"), b"{\"freshet-journal\":1,").unwrap();

    let look = |url: Url| Look { url, ..desk.any() };
    assert_eq!(desk.look(3, look(url("b"))).unwrap().unwrap().part_path, desk.path("b.part"));
    assert_eq!(desk.look(3, Look { name: Some("b".into()), ..look(url("b")) }).unwrap().unwrap().journal.name, "b");
    assert_eq!(desk.look(3, Look { name: Some("c".into()), ..look(url("b")) }), Ok(None));
    assert_eq!(desk.look(3, Look { resume: false, ..look(url("b")) }), Ok(None));
    assert_eq!(desk.look(3, look(url("c"))), Ok(None));
    let with_password = "http://me:secret@example.org/b".parse().unwrap();
    assert_eq!(desk.look(3, look(with_password)), Ok(None), "another user's file may be another one");
    // The list knows its part file even under an address that was renewed meanwhile.
    let known = Look { part_path: Some(desk.path("a.part")), ..look(url("renewed")) };
    assert_eq!(desk.look(3, known).unwrap().unwrap().part_path, desk.path("a.part"));
    // A part file that it knows and that is gone is no reason not to find another one.
    let gone = Look { part_path: Some(desk.path("gone.part")), ..look(url("a")) };
    assert_eq!(desk.look(3, gone).unwrap().unwrap().part_path, desk.path("a.part"));
}

#[test]
fn part_files_that_came_and_went_since_the_last_look_are_known() {
    let desk = Desk::new();
    assert_eq!(desk.look(9, desk.any()), Ok(None));
    desk.begin(1, "f", b"0123");
    desk.save(1, journal("f", &[(0, 4)])).unwrap();
    desk.disk.close(PartId(1));
    assert_eq!(desk.look(9, desk.any()).unwrap().unwrap().part_path, desk.path("f.part"));
    desk.disk.delete(desk.path("f.part"));
    assert_eq!(desk.look(9, desk.any()), Ok(None));
    assert!(desk.names().is_empty());
}

#[test]
fn a_part_file_shorter_than_its_journal_says_is_not_believed() {
    let desk = Desk::new();
    desk.begin(1, "f", b"0123456789");
    desk.save(1, journal("f", &[(0, 10)])).unwrap();
    desk.disk.close(PartId(1));
    assert!(desk.look(2, desk.any()).unwrap().is_some());
    File::options().write(true).open(desk.path("f.part")).unwrap().set_len(9).unwrap();
    assert_eq!(desk.look(2, desk.any()), Ok(None));
    fs::remove_file(desk.path("f.part")).unwrap();
    assert_eq!(desk.look(2, desk.any()), Ok(None));
}

#[test]
fn two_instances_never_write_to_one_part_file() {
    let one = Desk::new();
    one.begin(1, "f", b"0123");
    one.save(1, journal("f", &[(0, 4)])).unwrap();

    let other = Desk::new();
    let look = Look { folder: one.folder.path().into(), ..one.any() };
    assert_eq!(other.look(1, look.clone()), Err(FailureKind::PartInUse));
    let known = Look { part_path: Some(one.path("f.part")), ..look.clone() };
    assert_eq!(other.look(1, known), Err(FailureKind::PartInUse));
    let resume = Open { resume: Some(one.path("f.part")), ..one.new_file("f") };
    assert_eq!(other.open(1, resume.clone()), Err(FailureKind::PartInUse));
    assert_eq!(other.open(1, one.new_file("f")), Ok(one.path("f (1).part")));

    one.disk.close(PartId(1));
    one.disk.shutdown();
    assert!(other.look(2, look).unwrap().is_some());
    assert_eq!(other.open(2, resume), Ok(one.path("f.part")));
}

#[test]
fn nothing_that_is_there_is_overwritten() {
    let desk = Desk::new();
    fs::write(desk.path("f.txt"), b"finished").unwrap();
    fs::write(desk.path("f (1).txt.part"), b"orphan").unwrap();
    fs::write(desk.path("f (2).txt.part.journal"), b"journal alone").unwrap();
    symlink("nowhere", desk.path("f (3).txt")).unwrap();
    symlink("nowhere", desk.path("f (4).txt.part")).unwrap();
    let before = desk.names();
    assert_eq!(desk.open(1, desk.new_file("f.txt")), Ok(desk.path("f (5).txt.part")));
    assert_eq!(desk.open(2, desk.new_file("f.txt")), Ok(desk.path("f (6).txt.part")));
    let skip = Open { on_exists: OnExists::Skip, ..desk.new_file("f.txt") };
    assert_eq!(desk.open(3, skip), Err(FailureKind::TargetExists));
    assert!(before.iter().all(|name| desk.names().contains(name)));
    assert_eq!(fs::read(desk.path("f (1).txt.part")).unwrap(), b"orphan");
    assert!(!desk.path("nowhere").exists());
}

#[test]
fn a_journal_without_its_part_file_is_in_nobodys_way() {
    let desk = Desk::new();
    // As after a process that died between moving the file into place and removing the journal.
    desk.begin(1, "f", b"0123");
    desk.save(1, journal("f", &[(0, 4)])).unwrap();
    desk.disk.close(PartId(1));
    assert!(desk.look(2, desk.any()).unwrap().is_some());
    fs::rename(desk.path("f.part"), desk.path("f")).unwrap();
    assert_eq!(desk.open(2, desk.new_file("f")), Ok(desk.path("f (1).part")), "the file is there");
    fs::rename(desk.path("f"), desk.path("kept")).unwrap();
    desk.disk.shutdown();

    let desk = Desk::in_folder(desk.folder);
    assert_eq!(desk.open(3, Open { total: Some(4), ..desk.new_file("f") }), Ok(desk.path("f.part")));
    assert_eq!(desk.names(), ["f (1).part", "f.part", "kept"]);
    desk.write(3, 0, b"ab");
    desk.write(3, 2, b"cd");
    desk.expect_written(3, 4);
    desk.disk.close(PartId(3));
    assert_eq!(desk.look(4, desk.any()), Ok(None), "nobody claims its bytes");
}

#[test]
fn a_file_that_appeared_meanwhile_is_kept_skipped_or_replaced_as_asked() {
    let desk = Desk::new();
    for (part, on_exists, expected) in [
        (1, OnExists::Rename, Ok("f (1)")),
        (2, OnExists::Skip, Err(FailureKind::TargetExists)),
        (3, OnExists::Overwrite, Ok("f")),
    ] {
        let open = Open { on_exists, ..desk.new_file("f") };
        desk.open(part, open).unwrap();
        desk.write(part, 0, b"new");
        desk.expect_written(part, 3);
        fs::write(desk.path("f"), b"old").unwrap();
        let finished = desk.finish(part, Finish { on_exists, ..complete(3) });
        assert_eq!(finished, expected.clone().map(|name| desk.path(name)), "{on_exists:?}");
        if let Ok(name) = expected {
            assert_eq!(fs::read(desk.path(name)).unwrap(), b"new");
        }
        if on_exists != OnExists::Overwrite {
            assert_eq!(fs::read(desk.path("f")).unwrap(), b"old");
        }
        desk.disk.close(PartId(part));
        desk.disk.delete(desk.path("f.part"));
        for name in ["f", "f (1)"] {
            let _ = fs::remove_file(desk.path(name));
        }
        desk.look(99, desk.any()).unwrap();
    }
}

#[test]
fn overwriting_replaces_the_named_file_even_beside_an_orphan() {
    let desk = Desk::new();
    fs::write(desk.path("f"), b"old").unwrap();
    fs::write(desk.path("f.part"), b"orphan").unwrap();
    let on_exists = OnExists::Overwrite;
    assert_eq!(desk.open(1, Open { on_exists, ..desk.new_file("f") }), Ok(desk.path("f (1).part")));
    desk.write(1, 0, b"new");
    desk.expect_written(1, 3);
    assert_eq!(fs::read(desk.path("f")).unwrap(), b"old", "only when the new one is complete");
    assert_eq!(desk.finish(1, Finish { on_exists, ..complete(3) }), Ok(desk.path("f")));
    assert_eq!(fs::read(desk.path("f")).unwrap(), b"new");
    assert_eq!(desk.names(), ["f", "f.part"]);
}

#[test]
fn a_symbolic_link_in_place_of_the_part_file_is_not_followed() {
    let desk = Desk::new();
    fs::write(desk.path("precious"), b"0123").unwrap();
    symlink(desk.path("precious"), desk.path("f.part")).unwrap();
    journal("f", &[(0, 4)]).write(&desk.path("f.part")).unwrap();
    assert_eq!(desk.look(1, desk.any()), Ok(None));
    let resume = Open { resume: Some(desk.path("f.part")), ..desk.new_file("f") };
    assert_eq!(desk.open(1, resume), Err(FailureKind::Io(libc::ELOOP)));
    assert_eq!(fs::read(desk.path("precious")).unwrap(), b"0123");
}

#[test]
fn a_named_pipe_in_place_of_the_part_file_holds_nobody_up() {
    let desk = Desk::new();
    for name in ["f.part", "g.part.journal"] {
        assert!(Command::new("mkfifo").arg(desk.path(name)).status().unwrap().success());
    }
    journal("f", &[]).write(&desk.path("f.part")).unwrap();
    assert_eq!(desk.look(1, desk.any()), Ok(None));
    assert_eq!(desk.look(1, Look { part_path: Some(desk.path("g.part")), ..desk.any() }), Ok(None));
    let resume = Open { resume: Some(desk.path("f.part")), ..desk.new_file("f") };
    assert_eq!(desk.open(1, resume), Err(FailureKind::Io(libc::EINVAL)));
}

#[test]
fn a_symbolic_link_in_place_of_the_target_is_kept_or_replaced_but_not_followed() {
    let desk = Desk::new();
    fs::write(desk.path("precious"), b"0123").unwrap();
    let link = || symlink(desk.path("precious"), desk.path("f")).unwrap();
    desk.begin(1, "f", b"new");
    link();
    assert_eq!(desk.finish(1, complete(3)), Ok(desk.path("f (1)")));
    let on_exists = OnExists::Overwrite;
    desk.open(2, Open { on_exists, ..desk.new_file("f") }).unwrap();
    desk.write(2, 0, b"new");
    desk.expect_written(2, 3);
    assert_eq!(desk.finish(2, Finish { on_exists, ..complete(3) }), Ok(desk.path("f")));
    assert!(fs::symlink_metadata(desk.path("f")).unwrap().is_file());
    assert_eq!(fs::read(desk.path("precious")).unwrap(), b"0123");
}

#[test]
fn a_part_file_that_was_taken_away_is_neither_saved_nor_finished() {
    let desk = Desk::new();
    desk.begin(1, "f", b"0123");
    fs::write(desk.path("other"), b"else").unwrap();
    fs::rename(desk.path("other"), desk.path("f.part")).unwrap();
    assert_eq!(desk.finish(1, complete(4)), Err(FailureKind::Io(libc::ENOENT)));
    assert_eq!(desk.save(1, journal("f", &[(0, 4)])), Err(FailureKind::Io(libc::ENOENT)));
    assert_eq!(desk.names(), ["f.part"]);
}

#[test]
fn a_part_file_whose_folder_was_deleted_says_so() {
    let desk = Desk::new();
    let folder = desk.path("folder");
    fs::create_dir(&folder).unwrap();
    desk.open(1, Open { folder: folder.clone(), ..desk.new_file("f") }).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(desk.save(1, journal("f", &[])), Err(FailureKind::FolderMissing));
}

#[test]
fn a_part_file_whose_drive_was_taken_away_says_so() {
    let tmpfs = Tmpfs::new("size=4m");
    let desk = Desk::in_folder(tempfile::tempdir_in(tmpfs.folder.parent().unwrap()).unwrap());
    let open = Open { folder: tmpfs.folder.clone(), ..desk.new_file("f") };
    desk.open(1, open).unwrap();
    desk.write(1, 0, b"0123");
    desk.expect_written(1, 4);
    assert!(Command::new("umount").arg("-l").arg(&tmpfs.folder).status().unwrap().success());
    assert_eq!(desk.finish(1, complete(4)), Err(FailureKind::DriveFailed));
    assert_eq!(desk.save(1, journal("f", &[(0, 4)])), Err(FailureKind::DriveFailed));
    assert_eq!(fs::read_dir(&tmpfs.folder).unwrap().count(), 0, "nothing is put into the empty mount point");
}

#[test]
fn wrong_length_and_wrong_checksum_keep_the_part_file() {
    let desk = Desk::new();
    desk.begin(1, "f", b"abc");
    desk.save(1, journal("f", &[(0, 3)])).unwrap();
    assert_eq!(desk.finish(1, complete(4)), Err(FailureKind::EndedEarly));
    assert_eq!(desk.finish(1, complete(2)), Err(FailureKind::EndedEarly));
    let expected: Checksum = "md5:00000000000000000000000000000000".parse().unwrap();
    let actual = "900150983cd24fb0d6963f7d28e17f72";
    assert_eq!(
        desk.finish(1, Finish { checksum: Some(expected.clone()), ..complete(3) }),
        Err(FailureKind::ChecksumMismatch { expected, actual: actual.into() })
    );
    assert_eq!(desk.names(), ["f.part", "f.part.journal"]);
    let right = format!("md5:{actual}").parse().unwrap();
    assert_eq!(desk.finish(1, Finish { checksum: Some(right), ..complete(3) }), Ok(desk.path("f")));
}

#[test]
fn a_checksum_is_computed_while_the_file_grows_and_right_in_whatever_order_it_is_written() {
    let block = 256 * 1024;
    let bytes: Vec<u8> = (0..40 * block).map(|at| (at / 1000 % 251) as u8).collect();
    let wanted = |bytes: &[u8]| -> Checksum {
        let sum = glib::compute_checksum_for_data(glib::ChecksumType::Sha256, bytes).unwrap();
        format!("sha256:{sum}").parse().unwrap()
    };
    let in_order: Vec<usize> = (0..40).collect();
    let backwards = in_order.iter().rev().copied().collect();
    let by_two = in_order.iter().map(|at| at % 2 * 20 + at / 2).collect();
    // The first block is written twice: wrong before anything could be read of it, or long after.
    let again = in_order.iter().copied().chain([0]).collect();
    for (part, order) in (1..).zip([in_order, backwards, by_two, again]) {
        let desk = Desk::new();
        let right = wanted(&bytes);
        let open = Open { checksum: Some(right.clone()), total: Some(bytes.len() as u64), ..desk.new_file("f") };
        desk.open(part, open).unwrap();
        let is_twice = order.len() > 40;
        for (index, at) in order.into_iter().enumerate() {
            let mut content = bytes[at * block..(at + 1) * block].to_vec();
            if is_twice && index == 0 {
                content.fill(0xee);
            }
            if is_twice && index == 40 {
                // Waits its turn behind the checksum, which has read the first block then.
                desk.disk.check(PartId(part), ByteRange::new(0, 1), right.clone());
                assert!(matches!(desk.next(), Reply::Checked { is_right: false, .. }));
            }
            desk.write(part, (at * block) as u64, &content);
            desk.expect_written(part, block as u64);
        }
        let mut other = bytes.clone();
        other[7] ^= 1;
        let wrong = Finish { checksum: Some(wanted(&other)), ..complete(bytes.len() as u64) };
        match desk.finish(part, wrong) {
            Err(FailureKind::ChecksumMismatch { actual, .. }) => assert_eq!(actual, right.hex),
            other => panic!("{other:?}"),
        }
        let finish = Finish { checksum: Some(right), ..complete(bytes.len() as u64) };
        assert_eq!(desk.finish(part, finish), Ok(desk.path("f")), "order {part}");
    }
}

#[test]
fn a_continued_file_is_summed_up_from_its_begin() {
    let desk = Desk::new();
    let bytes = vec![3; 20 << 20];
    desk.begin(1, "f", b"");
    for (index, chunk) in bytes[..16 << 20].chunks(256 << 10).enumerate() {
        desk.write(1, (index as u64) << 18, chunk);
        desk.expect_written(1, chunk.len() as u64);
    }
    desk.save(1, journal("f", &[(0, 16 << 20)])).unwrap();
    desk.disk.close(PartId(1));
    desk.look(2, desk.any()).unwrap();
    let sum = glib::compute_checksum_for_data(glib::ChecksumType::Sha1, &bytes).unwrap();
    let checksum: Option<Checksum> = format!("sha1:{sum}").parse().ok();
    let resume = Some(desk.path("f.part"));
    desk.open(2, Open { resume, checksum: checksum.clone(), ..desk.new_file("f") }).unwrap();
    for (index, chunk) in bytes[16 << 20..].chunks(256 << 10).enumerate() {
        desk.write(2, (16 << 20) + ((index as u64) << 18), chunk);
        desk.expect_written(2, chunk.len() as u64);
    }
    assert_eq!(desk.finish(2, Finish { checksum, ..complete(20 << 20) }), Ok(desk.path("f")));
}

#[test]
fn a_sample_does_not_wait_for_the_checksum_of_another_file() {
    let desk = Desk::new();
    desk.begin(1, "long", b"abc");
    desk.begin(2, "short", b"abc");
    File::options().write(true).open(desk.path("long.part")).unwrap().set_len(1 << 40).unwrap();
    let wanted: Checksum = "md5:900150983cd24fb0d6963f7d28e17f72".parse().unwrap();
    desk.disk.check(PartId(1), ByteRange::new(0, 1 << 40), wanted.clone());
    desk.disk.check(PartId(2), ByteRange::new(0, 3), wanted);
    desk.disk.read(PartId(2), ByteRange::new(0, 3));
    assert!(matches!(desk.next(), Reply::Checked { part: PartId(2), is_right: true, .. }));
    assert!(matches!(desk.next(), Reply::Read { part: PartId(2), .. }));
}

#[test]
fn pieces_are_checked_and_samples_read_as_they_were_written() {
    let desk = Desk::new();
    desk.disk.open(PartId(1), desk.new_file("f"));
    desk.write(1, 0, b"xxabcxx");
    // Not waited for: what was given before is written before.
    let right: Checksum = "md5:900150983cd24fb0d6963f7d28e17f72".parse().unwrap();
    desk.disk.check(PartId(1), ByteRange::new(2, 5), right.clone());
    desk.disk.check(PartId(1), ByteRange::new(2, 6), right.clone());
    desk.disk.read(PartId(1), ByteRange::new(1, 4));
    desk.disk.check(PartId(1), ByteRange::new(5, 8), right);
    desk.disk.read(PartId(1), ByteRange::new(5, 8));
    let mut told = Vec::new();
    while told.len() < 5 {
        match desk.next() {
            Reply::Checked { range, is_right, .. } => told.push(format!("{range} {is_right}")),
            Reply::Read { range, bytes, .. } => told.push(format!("{range} {}", String::from_utf8(bytes).unwrap())),
            Reply::Failed { failure, .. } => told.push(format!("{:?}", failure.kind)),
            Reply::Opened { .. } | Reply::Written { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(told, ["2..5 true", "2..6 false", "1..4 xab", "EndedEarly", "EndedEarly"]);
}

#[test]
fn a_sample_is_no_larger_than_a_sample_may_be() {
    let desk = Desk::new();
    desk.begin(1, "f", &[7; 3 * MOST_READ]);
    let range = ByteRange::new(10, 10 + 2 * MOST_READ as u64);
    desk.disk.read(PartId(1), range);
    match desk.next() {
        Reply::Read { range: of, bytes, .. } => assert_eq!((of, bytes), (range, vec![7; MOST_READ])),
        other => panic!("{other:?}"),
    }
}

#[test]
fn after_a_failed_write_nothing_is_said_to_be_right() {
    let tmpfs = Tmpfs::new("size=1m");
    let desk = tmpfs.desk();
    desk.begin(1, "f", b"abc");
    for block in 0..8_u64 {
        desk.write(1, block << 18, &[2; 1 << 18]);
    }
    while !matches!(desk.next(), Reply::Failed { .. }) {}
    let wanted = "md5:900150983cd24fb0d6963f7d28e17f72".parse().unwrap();
    desk.disk.check(PartId(1), ByteRange::new(0, 3), wanted);
    desk.disk.read(PartId(1), ByteRange::new(0, 3));
    for _ in 0..2 {
        match desk.next() {
            Reply::Failed { failure, .. } => assert_eq!(failure.kind, FailureKind::DiskFull { needed: None }),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_older_part_file_goes_only_when_the_new_file_is_in_place() {
    let desk = Desk::new();
    desk.begin(1, "f", b"old");
    desk.save(1, journal("f", &[(0, 3)])).unwrap();
    desk.disk.close(PartId(1));
    desk.begin(2, "f", b"new");
    let finish = Finish { replaces: Some(desk.path("f.part")), ..complete(3) };
    assert_eq!(desk.finish(2, Finish { total: 9, ..finish.clone() }), Err(FailureKind::EndedEarly));
    assert_eq!(desk.names(), ["f (1).part", "f.part", "f.part.journal"]);
    assert_eq!(desk.finish(2, finish), Ok(desk.path("f")), "the number was only for the older part file");
    assert_eq!(desk.names(), ["f"]);
}

#[test]
fn only_part_files_are_ever_deleted() {
    let desk = Desk::new();
    fs::write(desk.path("precious"), b"0123").unwrap();
    desk.disk.delete(desk.path("precious"));
    desk.disk.delete(desk.path("gone.part"));
    desk.look(1, desk.any()).unwrap();
    assert_eq!(desk.names(), ["precious"]);
}

#[test]
fn a_part_file_that_another_process_continues_is_not_deleted() {
    let (one, other) = (Desk::new(), Desk::new());
    one.begin(1, "f", b"0123");
    one.save(1, journal("f", &[(0, 4)])).unwrap();
    other.disk.delete(one.path("f.part"));
    // Answered after it, on the same device.
    let look = Look { folder: one.folder.path().into(), resume: false, ..one.any() };
    assert_eq!(other.look(1, look.clone()), Ok(None));
    assert_eq!(one.names(), ["f.part", "f.part.journal"]);
    // Nor the older one that a new file replaces.
    let replaces = Some(one.path("f.part"));
    other.disk.open(PartId(2), Open { folder: one.folder.path().into(), ..one.new_file("g") });
    assert!(matches!(other.next(), Reply::Opened { .. }));
    assert_eq!(other.finish(2, Finish { replaces, ..complete(0) }), Ok(one.path("g")));
    assert_eq!(one.names(), ["f.part", "f.part.journal", "g"]);

    one.disk.shutdown();
    other.disk.delete(one.path("f.part"));
    assert_eq!(other.look(1, look), Ok(None));
    assert_eq!(one.names(), ["g"]);
}

#[test]
fn closing_ends_a_checksum_and_deleting_leaves_nothing() {
    let desk = Desk::new();
    desk.open(1, Open { total: Some(1 << 30), ..desk.new_file("f") }).unwrap();
    // A hole takes long to sum up and no room.
    File::options().write(true).open(desk.path("f.part")).unwrap().set_len(1 << 36).unwrap();
    desk.disk.save(PartId(1), journal("f", &[]));
    let checksum = "md5:00000000000000000000000000000000".parse().ok();
    desk.disk.finish(PartId(1), Finish { checksum, ..complete(1 << 36) });
    assert!(matches!(desk.next(), Reply::Saved { .. }));
    match desk.next() {
        Reply::Verifying { done, .. } => assert!(done > 0 && done < 1 << 36),
        other => panic!("{other:?}"),
    }
    desk.disk.close(PartId(1));
    desk.disk.delete(desk.path("f.part"));
    let look = Look { part_path: Some(desk.path("f.part")), ..desk.any() };
    assert_eq!(desk.look(2, look), Ok(None));
    // The thread that had the file last may be about to remove its journal.
    let end = Instant::now() + PATIENCE;
    while !desk.names().is_empty() {
        assert!(Instant::now() < end, "{:?}", desk.names());
        thread::yield_now();
    }
}

#[test]
fn folders_that_can_not_be_used_are_told_apart() {
    let desk = Desk::new();
    let look = |name: &str| Look { folder: desk.path(name), ..desk.any() };
    assert_eq!(desk.look(1, look("missing")), Err(FailureKind::FolderMissing));
    fs::write(desk.path("file"), b"").unwrap();
    assert_eq!(desk.look(1, look("file")), Err(FailureKind::FolderMissing));
    let tmpfs = Tmpfs::new("size=1m,ro");
    assert_eq!(desk.look(1, Look { folder: tmpfs.folder.clone(), ..desk.any() }), Err(FailureKind::ReadOnly));
}

#[test]
fn a_name_that_leads_out_of_the_folder_is_refused() {
    let desk = Desk::new();
    for name in ["", ".", "..", "../f", "a/b", "a\0b"] {
        assert_eq!(desk.open(1, desk.new_file(name)), Err(FailureKind::BadName), "{name:?}");
    }
    assert_eq!(desk.open(1, desk.new_file(&"n".repeat(300))), Err(FailureKind::BadName));
}

#[test]
fn a_folder_whose_name_is_no_utf8_is_as_good_as_any() {
    let around = tempfile::tempdir().unwrap();
    let folder = around.path().join(OsString::from_vec(b"no \xff utf8".to_vec()));
    fs::create_dir(&folder).unwrap();
    let desk = Desk::in_folder(tempfile::tempdir_in(&folder).unwrap());
    desk.begin(1, "f", b"0123");
    desk.save(1, journal("f", &[(0, 4)])).unwrap();
    desk.disk.close(PartId(1));
    let found = desk.look(2, desk.any()).unwrap().unwrap();
    assert_eq!(desk.open(2, Open { resume: Some(found.part_path), ..desk.new_file("f") }), Ok(desk.path("f.part")));
    assert_eq!(desk.finish(2, complete(4)), Ok(desk.path("f")));
}

#[test]
fn a_file_that_can_not_fit_is_refused_at_once_with_what_is_missing() {
    let tmpfs = Tmpfs::new("size=1m");
    let desk = tmpfs.desk();
    match desk.open(1, Open { total: Some(3 << 20), ..desk.new_file("f") }) {
        Err(FailureKind::DiskFull { needed: Some(needed) }) => {
            assert!((2 << 20..=3 << 20).contains(&needed), "{needed}");
        }
        other => panic!("{other:?}"),
    }
    assert!(desk.names().is_empty(), "no empty part file is left");
}

#[test]
fn a_file_that_can_not_fit_is_known_before_a_server_is_asked() {
    let tmpfs = Tmpfs::new("size=1m");
    let desk = tmpfs.desk();
    let look = |length| Look { length: Some(length), ..desk.any() };
    assert_eq!(desk.look(1, look(1 << 19)), Ok(None));
    assert!(matches!(desk.look(1, look(3 << 20)), Err(FailureKind::DiskFull { needed: Some(needed) })
        if (2 << 20..3 << 20).contains(&needed)));
    // What its part file has taken is given back or continued, whoever knows of it.
    let (half, whole) = (vec![7; 1 << 19], Some((1 << 20) - (1 << 16)));
    desk.open(2, Open { total: whole, ..desk.new_file("f") }).unwrap();
    desk.write(2, 0, &half[..1 << 18]);
    desk.write(2, 1 << 18, &half[1 << 18..]);
    desk.expect_written(2, 1 << 19);
    desk.disk.close(PartId(2));
    let known = Look { part_path: Some(desk.path("f.part")), length: whole, ..desk.any() };
    assert_eq!(desk.look(3, known), Ok(None));
    assert!(matches!(desk.look(3, Look { length: whole, ..desk.any() }), Err(FailureKind::DiskFull { .. })));
    // A journal knows the length by itself.
    Journal { total: Some(3 << 20), ..journal("f", &[(0, 1 << 19)]) }.write(&desk.path("f.part")).unwrap();
    let later = Desk::in_folder(desk.folder);
    assert!(matches!(later.look(3, later.any()), Err(FailureKind::DiskFull { .. })));
}

#[test]
fn a_full_disk_is_told_once_and_what_was_saved_stays() {
    let tmpfs = Tmpfs::new("size=1m");
    let desk = tmpfs.desk();
    desk.begin(1, "f", &[1; 100_000]);
    desk.save(1, journal("f", &[(0, 100_000)])).unwrap();
    let mut written = 100_000;
    for block in 0..16_u64 {
        desk.write(1, 100_000 + block * 100_000, &[2; 100_000]);
    }
    loop {
        match desk.next() {
            Reply::Written { range, .. } => {
                assert_eq!(range.start, written);
                written = range.end;
            }
            Reply::Failed { failure, .. } => {
                assert_eq!(failure.kind, FailureKind::DiskFull { needed: None });
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    desk.write(1, 0, b"dropped");
    // A journal that is there takes no room to be continued.
    assert_eq!(desk.save(1, journal("f", &[(0, written)])), Ok(()));
    assert!(matches!(desk.finish(1, complete(written)), Err(FailureKind::DiskFull { .. })));
    desk.disk.close(PartId(1));
    assert_eq!(desk.names(), ["f.part", "f.part.journal"]);
    let found = desk.look(2, desk.any()).unwrap().unwrap();
    assert_eq!(found.journal, journal("f", &[(0, written)]));
    assert_eq!(fs::read(&found.part_path).unwrap()[..100_000], [1; 100_000]);

    tmpfs.remount("size=4m");
    desk.open(2, Open { resume: Some(found.part_path), ..desk.new_file("f") }).unwrap();
    desk.write(2, written, &[3; 100_000]);
    desk.expect_written(2, 100_000);
    assert_eq!(desk.save(2, journal("f", &[(0, written + 100_000)])), Ok(()));
}

#[test]
fn a_failed_part_takes_no_room_from_the_others() {
    let tmpfs = Tmpfs::new("size=1m");
    let desk = tmpfs.desk();
    desk.begin(1, "f", b"");
    desk.begin(2, "g", b"");
    let blocks: Vec<_> = std::iter::from_fn(|| desk.disk.block(PartId(1), 256 * 1024)).collect();
    assert!(desk.disk.block(PartId(2), 256 * 1024).is_none());
    for (mut block, index) in blocks.into_iter().zip(0..) {
        block.extend(&[1; 256 * 1024]);
        desk.disk.write(PartId(1), index * 256 * 1024, block);
    }
    // A block that is dropped for the failure is told of like one that is written. Those still on their
    // way may have taken the room again by the time it is heard; who is refused again is told again.
    loop {
        match desk.next() {
            Reply::Written { part: PartId(2), range } if range.is_empty() => {
                if desk.disk.block(PartId(2), 256 * 1024).is_some() {
                    break;
                }
            }
            Reply::Written { .. } | Reply::Failed { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn who_was_refused_a_block_hears_when_there_is_one() {
    let desk = Desk::new();
    desk.begin(1, "f", b"");
    desk.begin(2, "g", b"");
    let blocks: Vec<_> = std::iter::from_fn(|| desk.disk.block(PartId(1), 256 * 1024)).collect();
    assert!(desk.disk.block(PartId(2), 256 * 1024).is_none());
    // Dropped without a write, as by a transfer that ends.
    drop(blocks);
    let mut told = Vec::new();
    for _ in 0..2 {
        match desk.next() {
            Reply::Written { part, range } if range.is_empty() => told.push(part.0),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(told, [1, 2]);
}

#[test]
fn room_is_reserved_and_what_is_not_needed_given_back() {
    // On a real file system; tmpfs is left out on purpose.
    let desk = Desk::in_folder(tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap());
    desk.open(1, Open { total: Some(8 << 20), ..desk.new_file("f") }).unwrap();
    let about = fs::metadata(desk.path("f.part")).unwrap();
    assert_eq!(about.len(), 0, "the length says what was written");
    let reserved = about.blocks() * 512;
    desk.write(1, 0, b"abc");
    desk.expect_written(1, 3);
    assert_eq!(desk.finish(1, complete(3)), Ok(desk.path("f")));
    let about = fs::metadata(desk.path("f")).unwrap();
    assert_eq!(about.len(), 3);
    assert!(about.blocks() * 512 <= 64 * 1024, "{} of {reserved} reserved bytes are left", about.blocks() * 512);
}

#[test]
fn ten_thousand_part_files_in_a_folder_slow_nothing_down() {
    let desk = Desk::new();
    for number in 0..10_000 {
        let part_path = desk.path(format!("{number}.part"));
        fs::write(&part_path, b"0123").unwrap();
        // Without the sync of a real save.
        let other = desk.path("template.part");
        if number == 0 {
            journal("f", &[(0, 4)]).write(&other).unwrap();
        }
        fs::copy(Journal::path_of(&other), Journal::path_of(&part_path)).unwrap();
    }
    let begin = Instant::now();
    assert_eq!(desk.look(1, Look { url: url("elsewhere"), ..desk.any() }), Ok(None));
    let first = begin.elapsed();
    let begin = Instant::now();
    for part in 2..1_002 {
        assert_eq!(desk.look(part, Look { url: url("elsewhere"), ..desk.any() }), Ok(None));
    }
    let thousand = begin.elapsed();
    // Reading the folder each time would take a thousand times the first.
    assert!(thousand < first * 20 + Duration::from_secs(1), "{first:?}, then {thousand:?}");
}

#[test]
fn many_files_of_one_name_are_not_counted_through_each_time() {
    let desk = Desk::new();
    for part in 0..2_000_u64 {
        let expected = if part == 0 { "f.part".to_owned() } else { format!("f ({part}).part") };
        assert_eq!(desk.open(part, desk.new_file("f")), Ok(desk.path(expected)));
        desk.disk.close(PartId(part));
    }
}

#[test]
fn a_new_part_file_is_known_by_its_journal_before_its_first_byte() {
    let desk = Desk::new();
    let journal = Journal {
        url: url("f"),
        mirrors: Vec::new(),
        name: "f".into(),
        total: Some(10),
        validator: None,
        origin: None,
        modified: None,
        media_type: None,
        checksum: None,
        replaces: None,
        placed: None,
        done: Vec::new(),
    };
    let open = Open { total: Some(10), journal: Some(Box::new(journal.clone())), ..desk.new_file("f") };
    desk.open(1, open).unwrap();
    assert_eq!(Journal::read(&desk.path("f.part")).unwrap(), journal);
}

#[test]
fn jobs_after_the_shutdown_do_nothing() {
    let desk = Desk::new();
    desk.begin(1, "f", b"0123");
    desk.write(1, 4, b"4567");
    let block = desk.disk.block(PartId(1), 16).unwrap();
    desk.disk.shutdown();
    assert_eq!(fs::read(desk.path("f.part")).unwrap(), b"01234567", "what was given before is done");
    desk.disk.write(PartId(1), 0, block);
    assert!(desk.disk.block(PartId(1), 16).is_none());
    desk.disk.delete(desk.path("f.part"));
    desk.disk.shutdown();
    assert_eq!(fs::read(desk.path("f.part")).unwrap(), b"01234567");
}

#[test]
fn replies_come_on_the_main_loop_and_the_listener_may_drop_the_disk() {
    let _turn = crate::engine::MAIN_CONTEXT_TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let context = glib::MainContext::default();
    let _held = context.acquire().unwrap();
    let end = Instant::now() + PATIENCE;
    let folder = tempfile::tempdir().unwrap();
    let slot: Rc<RefCell<Option<Rc<DiskThreads>>>> = Rc::default();
    let seen = Rc::new(Cell::new(0));
    let disk = DiskThreads::new({
        let (slot, seen) = (slot.clone(), seen.clone());
        let thread = thread::current().id();
        move |replies| {
            assert_eq!(thread::current().id(), thread);
            seen.set(seen.get() + replies.len());
            slot.take();
        }
    });
    disk.look(PartId(1), any_part(folder.path()));
    slot.replace(Some(disk));
    while seen.get() == 0 && Instant::now() < end {
        context.iteration(false);
        thread::yield_now();
    }
    assert_eq!(seen.get(), 1);
    assert!(slot.borrow().is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever the order and size of the blocks, the file has the bytes that were written last.
    #[test]
    fn the_file_is_what_was_written(
        pieces in prop::collection::vec((0_u64..2, 0_u64..300_000, 0_usize..40_000, any::<bool>()), 1..80),
    ) {
        let desk = Desk::new();
        let mut expected = [Vec::new(), Vec::new()];
        let mut ends = [0_u64; 2];
        let mut written = [0_u64; 2];
        let mut given = [0_u64; 2];
        for part in 0..2 {
            desk.begin(part, "f", b"");
        }
        for (index, (part, at, len, follows)) in pieces.into_iter().enumerate() {
            let which = usize::try_from(part).unwrap();
            let at = if follows { ends[which] } else { at };
            let bytes = vec![u8::try_from(index + 1).unwrap(); len];
            let end = usize::try_from(at).unwrap() + len;
            if len > 0 {
                let file: &mut Vec<u8> = &mut expected[which];
                file.resize(file.len().max(end), 0);
                file[end - len..end].copy_from_slice(&bytes);
            }
            ends[which] = end as u64;
            given[which] += len as u64;
            let mut block = crate::engine::disk::Block::detached(len);
            block.extend(&bytes);
            desk.disk.write(PartId(part), at, block);
        }
        while written != given {
            match desk.next() {
                Reply::Written { part, range } => written[usize::try_from(part.0).unwrap()] += range.len(),
                other => panic!("{other:?}"),
            }
        }
        for (name, expected) in ["f.part", "f (1).part"].into_iter().zip(expected) {
            let file = File::open(desk.path(name)).unwrap();
            let mut found = vec![0; expected.len()];
            file.read_exact_at(&mut found, 0).unwrap();
            prop_assert!(found == expected, "{name} differs");
            prop_assert_eq!(file.metadata().unwrap().len(), expected.len() as u64);
        }
    }
}

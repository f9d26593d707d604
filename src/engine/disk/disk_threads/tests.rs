// SPDX-License-Identifier: GPL-3.0-or-later
//! The disk as the engine uses it: real threads and real files. Replies are collected without a
//! main loop, except where the main loop is what is tested. Here is what the tests work with.

mod carry;
mod checksums;
mod jobs;
mod kill;
mod nameless;
mod names;
mod part_files;
mod room;

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::process::Command;

use tempfile::TempDir;
use url::Url;

use super::*;
use crate::engine::disk::Found;
use crate::engine::download::spec::OnExists;

const PATIENCE: Duration = Duration::from_secs(20);

/// A disk with a folder to download into; replies come in the order they were posted.
pub struct Desk {
    pub disk: Rc<DiskThreads>,
    woken: Receiver<()>,
    pub replies: Rc<RefCell<VecDeque<Reply>>>,
    folder: TempDir,
}

impl Desk {
    pub fn new() -> Self {
        Self::in_folder(tempfile::tempdir().unwrap())
    }

    pub fn in_folder(folder: TempDir) -> Self {
        let (wake, woken) = mpsc::channel();
        let replies = Rc::new(RefCell::new(VecDeque::new()));
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
        names(self.folder.path())
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

/// What is in a folder.
fn names(folder: &Path) -> Vec<OsString> {
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
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
        let remounts = || Command::new("mount").args(["-o", &options]).arg(&self.folder).status().unwrap().success();
        // A thread may still be about to close a file.
        let is_done = (0..100).any(|_| remounts() || (thread::sleep(Duration::from_millis(20)), false).1);
        assert!(is_done);
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        // Lazily: what a failed test still has open must not keep it.
        let _ = Command::new("umount").arg("-l").arg(&self.folder).status();
    }
}

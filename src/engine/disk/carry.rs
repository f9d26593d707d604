// SPDX-License-Identifier: GPL-3.0-or-later
//! Takes a part file and its journal to another folder. Whoever is interrupted in between leaves one of the two
//! places with all of it: the new one has a journal only of what is durable there, and the old one goes
//! after that.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::folder::check_folder;
use super::lock::{in_use, lock};
use super::mailbox::Mailbox;
use super::part_file::{PartFile, failure, open_part};
use super::place::{leads_to, recover, remove, sync_folder};
use super::{Carry, Journal, JournalError, Open, Reply};
use crate::engine::error::{Failure, FailureKind};
use crate::engine::types::{ByteRange, PartId};

/// How often it is told how far a copy is.
const TELL: Duration = Duration::from_millis(250);

/// A part file on its way, turn by turn.
pub struct Carrying {
    part: PartId,
    carry: Carry,
    copying: Option<Copying>,
    /// Locked until it is told where the part file is: before, nobody else is to find it there.
    moved: Option<File>,
    told_at: Instant,
}

/// A copy between two file systems, of which both files are locked.
struct Copying {
    from: File,
    from_path: PathBuf,
    to: PartFile,
    journal: Journal,
    left: VecDeque<ByteRange>,
    done: u64,
}

enum Step {
    More,
    There(PathBuf),
    /// There is no part file that can be continued.
    Nothing,
}

impl Carrying {
    pub fn new(part: PartId, carry: Carry) -> Self {
        Self { part, carry, copying: None, moved: None, told_at: Instant::now() }
    }

    /// Does a little of it, and tells how far it is; answers whether there is more to do.
    pub fn turn(&mut self, buffer: &mut [u8], is_ended: &AtomicBool, mailbox: &Mailbox) -> bool {
        let part = self.part;
        let step = match &mut self.copying {
            _ if is_ended.load(Ordering::Relaxed) => Err(Failure::new(FailureKind::Io(libc::ECANCELED), "given up")),
            None => self.begin(),
            Some(copying) => copying.step(buffer),
        };
        match step {
            Ok(Step::More) => {
                if let Some(copying) = self.copying.as_ref().filter(|_| self.told_at.elapsed() >= TELL) {
                    self.told_at = Instant::now();
                    mailbox.post(Reply::Carrying { part, done: copying.done });
                }
                return true;
            }
            Ok(Step::There(part_path)) => mailbox.post(Reply::Carried { part, part_path: Some(part_path) }),
            Ok(Step::Nothing) => mailbox.post(Reply::Carried { part, part_path: None }),
            Err(failure) => {
                // The copy is ours, and nobody knows of it.
                if let Some(copying) = self.copying.take() {
                    remove(copying.to.path());
                }
                mailbox.post(Reply::Failed { part, failure });
            }
        }
        false
    }

    fn begin(&mut self) -> Result<Step, Failure> {
        let Carry { part_path, folder, .. } = &self.carry;
        check_folder(folder)?;
        let journal = Journal::read(part_path);
        if let Ok(journal) = &journal
            && !recover(part_path, journal)
        {
            return Err(in_use(part_path));
        }
        let from = match open_part(part_path) {
            Ok(file) => file,
            // Its drive is gone, or its folder: what is wanted is to go on without.
            Err(error) => {
                tracing::warn!(path = %part_path.display(), "left where it is: {error}");
                return Ok(Step::Nothing);
            }
        };
        if let Some(name) = part_path.file_name().filter(|_| is_in(part_path, folder)) {
            return Ok(Step::There(folder.join(name)));
        }
        lock(&from, part_path)?;
        if !leads_to(part_path, &from) {
            return Err(in_use(part_path));
        }
        let journal = match journal {
            Ok(journal) => Journal { replaces: self.carry.replaces.clone(), ..journal },
            Err(JournalError::Newer(_)) => {
                let detail = format!("{} was written by a newer version of Freshet", part_path.display());
                return Err(Failure::new(FailureKind::PartInUse, detail));
            }
            // It is there, and may be read another time.
            Err(JournalError::Io(error)) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failure(&error, "read the journal of", part_path));
            }
            Err(error) => {
                tracing::info!(path = %part_path.display(), "of no use without a journal: {error}");
                remove(part_path);
                return Ok(Step::Nothing);
            }
        };
        if let Some(path) = self.rename(&from, &journal)? {
            self.moved = Some(from);
            return Ok(Step::There(path));
        }
        let to = PartFile::create(&self.open(journal.total), &Mutex::default())?;
        let left = journal.done.iter().copied().collect();
        self.copying = Some(Copying { from, from_path: part_path.clone(), to, journal, left, done: 0 });
        Ok(Step::More)
    }

    fn open(&self, total: Option<u64>) -> Open {
        let Carry { folder, name, on_exists, .. } = &self.carry;
        let (folder, name, on_exists) = (folder.clone(), name.clone(), *on_exists);
        Open { folder, name, on_exists, total, resume: None, checksum: None, journal: None }
    }

    /// `None`: it has to be copied.
    fn rename(&self, from: &File, journal: &Journal) -> Result<Option<PathBuf>, Failure> {
        let Carry { part_path, folder, .. } = &self.carry;
        let device = |about: fs::Metadata| about.dev();
        if from.metadata().map(device).ok() != fs::metadata(folder).map(device).ok() {
            return Ok(None);
        }
        // Takes no room, of which it has its own. What is replaced in the end is this one, so it is nobody's.
        let to = PartFile::create(&self.open(None), &Mutex::default())?;
        let moved = from
            .sync_data()
            .and_then(|()| journal.write(to.path()))
            .and_then(|()| fs::rename(part_path, to.path()))
            .inspect_err(|_| {
                remove(to.path());
            });
        match moved {
            Ok(()) => {}
            // The same drive by two mounts, say.
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => return Ok(None),
            Err(error) => return Err(failure(&error, "move", part_path)),
        }
        // In this order, so that a power cut leaves no folder without it. That it fails costs nobody anything.
        let tidied =
            sync_folder(to.path()).and_then(|()| Journal::remove(part_path)).and_then(|()| sync_folder(part_path));
        if let Err(error) = tidied {
            tracing::warn!(path = %to.path().display(), "not all is tidy after it was moved: {error}");
        }
        Ok(Some(to.path().to_owned()))
    }
}

impl Copying {
    fn step(&mut self, buffer: &mut [u8]) -> Result<Step, Failure> {
        let Some(range) = self.left.pop_front() else { return self.finish() };
        let length = usize::try_from(range.len()).unwrap_or(usize::MAX).min(buffer.len());
        let Some(bytes) = buffer.get_mut(..length) else { return Ok(Step::More) };
        let read = self.from.read_exact_at(bytes, range.start);
        read.map_err(|error| failure(&error, "read", &self.from_path))?;
        let written = self.to.file().write_all_at(bytes, range.start);
        written.map_err(|error| failure(&error, "write to", self.to.path()))?;
        self.done += length as u64;
        let next = range.start + length as u64;
        if next < range.end {
            self.left.push_front(ByteRange::new(next, range.end));
        }
        Ok(Step::More)
    }

    fn finish(&mut self) -> Result<Step, Failure> {
        let path = self.to.path();
        let saved = self.to.file().sync_all().and_then(|()| self.journal.write(path)).and_then(|()| sync_folder(path));
        saved.map_err(|error| failure(&error, "save", path))?;
        remove(&self.from_path);
        Ok(Step::There(path.to_owned()))
    }
}

/// Whether a file is in this folder, by whatever path.
fn is_in(path: &Path, folder: &Path) -> bool {
    let identity = |path: &Path| fs::metadata(path).map(|about| (about.dev(), about.ino())).ok();
    path.parent().and_then(identity).is_some_and(|parent| identity(folder) == Some(parent))
}

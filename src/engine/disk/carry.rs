// SPDX-License-Identifier: GPL-3.0-or-later
//! Takes a part file and its journal to another folder. Whoever is interrupted in between leaves one of the two
//! places with all of it: the new one has a journal only of what is durable there, and the old one goes
//! after that.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::folder::{Folders, address, check_folder, locked};
use super::journal::is_missing;
use super::lock::{in_use, lock};
use super::mailbox::Mailbox;
use super::part_file::{PartFile, failure, open_part};
use super::place::{delete, leads_to, recover, remove, sync_folder};
use super::{Carry, Journal, Open, Reply, open};
use crate::engine::error::{Failure, FailureKind};
use crate::engine::types::{ByteRange, PartId};

/// How often it is told how far a copy is.
const TELL: Duration = Duration::from_millis(250);

/// So long it is waited each time for who still has the part file open.
const LET_GO: Duration = Duration::from_millis(20);

/// A part file on its way, turn by turn.
pub struct Carrying {
    part: PartId,
    carry: Carry,
    /// The part file, as long as those have it open who were at work on it when it was closed.
    closing: Weak<PartFile>,
    /// What is known of its new folder: many may be taken there one after the other.
    folders: Arc<Mutex<Folders>>,
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
    pub fn new(part: PartId, carry: Carry, closing: Weak<PartFile>, folders: Arc<Mutex<Folders>>) -> Self {
        Self { part, carry, closing, folders, copying: None, moved: None, told_at: Instant::now() }
    }

    /// Does a little of it, and tells how far it is; answers whether there is more to do.
    pub fn turn(&mut self, buffer: &mut [u8], is_ended: &AtomicBool, mailbox: &Mailbox) -> bool {
        let part = self.part;
        let step = match &mut self.copying {
            _ if is_ended.load(Ordering::Relaxed) => Err(Failure::new(FailureKind::Io(libc::ECANCELED), "given up")),
            None if self.closing.strong_count() > 0 => {
                thread::sleep(LET_GO);
                Ok(Step::More)
            }
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
        let from = match open_source(part_path) {
            Ok(file) => file,
            // What is wanted is to go on without.
            Err(error) if is_out_of_reach(&error) => {
                tracing::warn!(path = %part_path.display(), "left where it is: {error}");
                return Ok(Step::Nothing);
            }
            Err(error) => return Err(failure(&error, "open", part_path)),
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
            Err(error) => {
                if let Some(failure) = error.passing(part_path) {
                    return Err(failure);
                }
                tracing::info!(path = %part_path.display(), "of no use without a journal: {error}");
                remove(part_path);
                return Ok(Step::Nothing);
            }
        };
        if let Some((path, whole)) = self.clear(&journal) {
            self.moved = Some(whole);
            remove(part_path);
            return Ok(Step::There(path));
        }
        if let Some(path) = self.rename(&from, &journal)? {
            self.moved = Some(from);
            return Ok(Step::There(path));
        }
        let to = self.create()?;
        let left = journal.done.iter().copied().collect();
        let copying = self.copying.insert(Copying { from, from_path: part_path.clone(), to, journal, left, done: 0 });
        // So that it is known for what it is, where this is interrupted.
        let path = copying.to.path();
        copying.journal.of_copy(path).write(path).map_err(|error| failure(&error, "save", path))?;
        copying.to.reserve_for(copying.journal.total)?;
        Ok(Step::More)
    }

    /// Removes what earlier tries that were interrupted have left in the folder: it has room and the name, and
    /// nobody can continue it. Where one had come to its end, and only the old file is left to go: that one, locked.
    fn clear(&self, journal: &Journal) -> Option<(PathBuf, File)> {
        let Carry { folder, others, .. } = &self.carry;
        let parts = locked(&self.folders).parts_of(folder, &address(&journal.url)).unwrap_or_default();
        for path in parts.into_iter().filter(|path| !others.contains(path)) {
            match LeftOver::of(&path, journal) {
                Some(LeftOver::Useless) => {
                    delete(&path);
                }
                Some(LeftOver::Whole(file)) if file.try_lock().is_ok() && leads_to(&path, &file) => {
                    return Some((path, file));
                }
                Some(LeftOver::Whole(_)) | None => {}
            }
        }
        None
    }

    /// A new part file. It takes no room yet.
    fn create(&self) -> Result<PartFile, Failure> {
        let Carry { folder, name, on_exists, .. } = &self.carry;
        let (folder, name, on_exists) = (folder.clone(), name.clone(), *on_exists);
        let open = Open { folder, name, on_exists, total: None, resume: None, checksum: None, journal: None };
        PartFile::create(&open, &Mutex::default())
    }

    /// `None`: it has to be copied.
    fn rename(&self, from: &File, journal: &Journal) -> Result<Option<PathBuf>, Failure> {
        let Carry { part_path, folder, .. } = &self.carry;
        let device = |about: fs::Metadata| about.dev();
        if from.metadata().map(device).ok() != fs::metadata(folder).map(device).ok() {
            return Ok(None);
        }
        // What is replaced in the end is this one, so it is nobody's.
        let to = self.create()?;
        let moved = from
            .sync_data()
            .and_then(|()| journal.write(to.path()))
            .and_then(|()| fs::rename(part_path, to.path()))
            .inspect_err(|_| {
                remove(to.path());
            });
        match moved {
            Ok(()) => {}
            // The same drive by two mounts, say, or nothing may leave its folder.
            Err(error) if error.kind() == ErrorKind::CrossesDevices || is_forbidden(&error) => return Ok(None),
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

/// Opens a part file that is to be copied or moved: to read it will do, where its drive or its folder can no more be
/// written to.
fn open_source(path: &Path) -> io::Result<File> {
    open_part(path).or_else(|error| match is_forbidden(&error) {
        true => open(path, OpenOptions::new().read(true)),
        false => Err(error),
    })
}

fn is_forbidden(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied)
}

/// Whether it is not there, or its drive is not. Any other error may pass.
fn is_out_of_reach(error: &io::Error) -> bool {
    let is_drive_gone = matches!(error.raw_os_error(), Some(libc::ENODEV | libc::ENXIO | libc::ENOMEDIUM));
    is_missing(error) || is_drive_gone || error.kind() == ErrorKind::NotConnected
}

/// What is left of an earlier try to take a part file to its folder.
enum LeftOver {
    /// A copy that was not finished, or the place of a file that was not moved there any more.
    Useless,
    /// All of it.
    Whole(File),
}

impl LeftOver {
    /// `carried`: the journal of the part file that is to be taken along.
    fn of(path: &Path, carried: &Journal) -> Option<Self> {
        let journal = Journal::read(path).ok()?;
        if journal.is_of_copy(path) {
            return Some(Self::Useless);
        }
        let end = journal.end();
        // What it replaces may be at another place.
        if end == 0 || (Journal { replaces: carried.replaces.clone(), ..journal }) != *carried {
            return None;
        }
        let file = open_part(path).ok()?;
        let about = file.metadata().ok().filter(fs::Metadata::is_file)?;
        match about.len() {
            0 => Some(Self::Useless),
            length => (length >= end).then_some(Self::Whole(file)),
        }
    }
}

/// Whether a file is in this folder, by whatever path.
fn is_in(path: &Path, folder: &Path) -> bool {
    let identity = |path: &Path| fs::metadata(path).map(|about| (about.dev(), about.ino())).ok();
    path.parent().and_then(identity).is_some_and(|parent| identity(folder) == Some(parent))
}

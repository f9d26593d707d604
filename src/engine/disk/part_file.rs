// SPDX-License-Identifier: GPL-3.0-or-later
//! One part file from its creation to its place under its final name. Runs on the threads of a
//! device; `writer.rs` and `syncer.rs` say when.

mod moving;

use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};

use rustix::io::Errno;

use super::folder::{Folders, exists, locked};
use super::follower::Follower;
use super::journal::with_suffix;
use super::lock::lock;
use super::log::Log;
use super::naming::{self, PART_SUFFIX};
use super::place::{delete, remove, sync_folder};
use super::room::{allocate, file_system, is_tmpfs, longest_file, missing_space, reach};
use super::{Finish, Journal, JournalError, Open, open};
use crate::engine::download::spec::OnExists;
use crate::engine::error::{Failure, FailureKind};
use crate::engine::types::ByteRange;

/// Below it preallocation costs more than the fragments it avoids.
const PREALLOCATE_FROM: u64 = 1024 * 1024;
/// How many numbers are tried for a free name.
const MOST_NUMBERS: u32 = 100_000;

/// A part file that this process has open and locked.
#[derive(Debug)]
pub struct PartFile {
    path: PathBuf,
    file: File,
    /// The device and the number of the open file, which stay as they are.
    identity: OnceLock<(u64, u64)>,
    /// The name that was asked for; `path` may have a number besides.
    name: String,
    /// It gets its first name when it is complete, see [`PartFile::nameless`]; nothing of it is at `path`.
    is_nameless: bool,
    total: Option<u64>,
    log: Log,
    /// It was there, and with it the journal of an earlier process.
    is_continued: bool,
    /// Where a checksum will be asked for.
    follower: Option<Follower>,
    /// The folder's entries for the part file and its journal are durable.
    is_listed: AtomicBool,
    /// It was told that it failed: it is not moved into place any more behind the back of who heard that.
    pub has_failed: AtomicBool,
    /// A sync failed: the kernel may have dropped what was not written and reports it only once, so
    /// nothing of this file may be called durable any more.
    broken: OnceLock<Failure>,
}

impl PartFile {
    /// Creates a part file under the first name that is free. The folders are not locked while the device is
    /// asked for anything.
    pub fn create(open: &Open, folders: &Mutex<Folders>) -> Result<Self, Failure> {
        if !is_one_component(&open.name) {
            return Err(Failure::new(FailureKind::BadName, format!("“{}” is not a file name", open.name)));
        }
        let wanted = open.folder.join(&open.name);
        let unreadable = |error: io::Error| failure(&error, "look for", &wanted);
        if open.on_exists == OnExists::Skip && exists(&wanted).map_err(unreadable)? {
            return Err(taken(&wanted));
        }
        let folders = || locked(folders);
        let first = folders().first_number(&wanted);
        for number in first..first.saturating_add(MOST_NUMBERS) {
            let target = open.folder.join(naming::numbered(&open.name, number));
            let path = with_suffix(&target, PART_SUFFIX);
            // Nothing that is there is touched, whoever left it: an orphan part file may be all
            // that somebody has.
            if open.on_exists != OnExists::Overwrite && exists(&target).map_err(unreadable)? {
                continue;
            }
            // A journal without its part file is what is left where a process died just after it had moved
            // that into place; but what cannot be read as one is somebody's.
            let has_journal = exists(&Journal::path_of(&path)).map_err(unreadable)?;
            if has_journal && Journal::read(&path).is_err() {
                continue;
            }
            let file = match OpenOptions::new().read(true).write(true).create_new(true).open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(failure(&error, "create", &path)),
            };
            folders().took_number(&wanted, number);
            let mut part = Self::new(path, file, open);
            part.follower = open.checksum.as_ref().and_then(|sum| Follower::new(sum.algorithm, []));
            let first_journal = || match &open.journal {
                Some(journal) => part.log.begin(journal).map_err(|error| part.journal_failure(&error)),
                None => Ok(()),
            };
            let taken = lock(&part.file, &part.path).and_then(|()| match has_journal {
                true => {
                    folders().removed(&part.path);
                    part.disown()
                }
                false => Ok(()),
            });
            return match taken.and_then(|()| part.reserve()).and_then(|()| first_journal()) {
                Ok(()) => Ok(part),
                Err(failure) => {
                    // It was made a moment ago and is empty.
                    remove(&part.path);
                    Err(failure)
                }
            };
        }
        Err(taken(&wanted))
    }

    /// Opens a part file that was found, to continue it.
    pub fn resume(path: &Path, open: &Open) -> Result<Self, Failure> {
        if !is_part_path(path) {
            return Err(Failure::new(FailureKind::BadName, format!("{} is no part file", path.display())));
        }
        let file = open_part(path).map_err(|error| gone_or(&error, "open", path))?;
        let is_file = file.metadata().map_err(|error| failure(&error, "open", path))?.is_file();
        if !is_file {
            return Err(Failure::new(FailureKind::Io(libc::EINVAL), format!("{} is not a file", path.display())));
        }
        lock(&file, path)?;
        let mut part = Self::new(path.to_owned(), file, open);
        let said = Journal::read_said(path).ok();
        part.follower = open.checksum.as_ref().and_then(|sum| {
            let written = said.iter().flat_map(|said| said.journal.done.iter().copied());
            Follower::new(sum.algorithm, written)
        });
        // Who held the lock until now may have moved it into place.
        part.check_in_place()?;
        part.reserve()?;
        if let Some(Err(error)) = said.map(|said| part.log.join(&said)) {
            tracing::warn!(path = %path.display(), "writes are not claimed before the first sync: {error}");
        }
        Ok(part)
    }

    fn new(path: PathBuf, file: File, open: &Open) -> Self {
        Self {
            log: Log::new(&path),
            is_continued: open.resume.is_some(),
            follower: None,
            path,
            file,
            identity: OnceLock::new(),
            name: open.name.clone(),
            is_nameless: false,
            total: open.total,
            is_listed: AtomicBool::new(false),
            has_failed: AtomicBool::new(false),
            broken: OnceLock::new(),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn file(&self) -> &File {
        &self.file
    }

    /// See [`super::Reply::Opened`]. Asked of the kernel only where the file is cut at all.
    pub fn reach(&self) -> Option<u64> {
        self.total.filter(|total| *total >= PREALLOCATE_FROM).and_then(|_| reach(file_system(&self.file)))
    }

    /// A small file is often there before a journal of it was needed.
    pub fn may_have_journal(&self) -> bool {
        self.is_continued || self.log.is_used()
    }

    pub fn follower(&self) -> Option<&Follower> {
        self.follower.as_ref()
    }

    /// Removes the journal of a part file that was here before this one, durably before any byte is
    /// written: after a power cut it would claim them.
    fn disown(&self) -> Result<(), Failure> {
        Journal::remove(&self.path)
            .and_then(|()| sync_folder(&self.path))
            .map_err(|error| failure(&error, "remove the old journal of", &self.path))
    }

    /// That it will be so long was not told when it was made.
    pub fn reserve_for(&mut self, total: Option<u64>) -> Result<(), Failure> {
        self.total = total;
        self.reserve()
    }

    /// Sees to it that the file can become as long as it has to, as far as that can be known.
    fn reserve(&self) -> Result<(), Failure> {
        let Some(total) = self.total else { return Ok(()) };
        // Most files are small, and everything asked of the kernel here is asked for each of them.
        let kind = match total < PREALLOCATE_FROM {
            true => 0,
            false => file_system(&self.file),
        };
        if total > longest_file(kind) {
            let detail = format!("{total} bytes are more than FAT can hold in one file ({})", self.path.display());
            return Err(Failure::new(FailureKind::TooLargeForFileSystem, detail));
        }
        if let Some(missing) = self.missing_space() {
            let detail = format!("{missing} bytes more are needed for {}", self.path.display());
            return Err(Failure::new(FailureKind::DiskFull { needed: Some(missing) }, detail));
        }
        // On tmpfs it costs more than it brings: each page is cleared now and written later.
        if total < PREALLOCATE_FROM || is_tmpfs(kind) {
            return Ok(());
        }
        match allocate(&self.file, total) {
            Err(error @ (Errno::NOSPC | Errno::DQUOT | Errno::FBIG)) => {
                Err(failure(&error.into(), "reserve room for", &self.path))
            }
            // All others say that this file system cannot do it.
            Err(_) | Ok(()) => Ok(()),
        }
    }

    /// How many bytes more than are free the rest of the file takes.
    fn missing_space(&self) -> Option<u64> {
        let fs = rustix::fs::fstatvfs(&self.file).ok()?;
        missing_space(&fs, self.total?)?;
        let allocated = self.file.metadata().ok()?.blocks().saturating_mul(512);
        missing_space(&fs, self.total?.saturating_sub(allocated))
    }

    /// Makes durable what the journal of an earlier process claims to be written, and brings one of the
    /// first format up to date.
    pub fn take_over(&self) -> Result<(), Failure> {
        let said = match Journal::read_said(&self.path) {
            Ok(said) => said,
            // There is no journal, so the first save writes one.
            Err(JournalError::Io(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => {
                let detail = format!("cannot continue the journal of {}: {error}", self.path.display());
                return Err(Failure::new(FailureKind::Io(0), detail));
            }
        };
        self.check_in_place()?;
        if said.is_ahead() {
            self.sync(File::sync_data)?;
        } else if said.last_number.is_some() {
            return Ok(());
        }
        let is_new = self.log.claim(&said.journal, 0).map_err(|error| self.journal_failure(&error))?;
        if is_new { self.list() } else { Ok(()) }
    }

    /// Writes all of this, in one call where the kernel takes it, and claims it as written. No slice
    /// may be empty.
    pub fn write(&self, offset: u64, slices: &mut [IoSlice<'_>]) -> Result<(), Failure> {
        let length: usize = slices.iter().map(|slice| slice.len()).sum();
        self.write_all(offset, slices)?;
        self.log.wrote(ByteRange::new(offset, offset.saturating_add(length as u64)));
        Ok(())
    }

    fn write_all(&self, mut offset: u64, mut slices: &mut [IoSlice<'_>]) -> Result<(), Failure> {
        while !slices.is_empty() {
            match rustix::io::pwritev(&self.file, slices, offset) {
                Ok(0) => return Err(failure(&io::ErrorKind::WriteZero.into(), "write to", &self.path)),
                Ok(written) => {
                    offset = offset.saturating_add(written as u64);
                    IoSlice::advance_slices(&mut slices, written);
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err(self.write_failure(&error.into(), "write to")),
            }
        }
        Ok(())
    }

    /// Makes what was written durable, then the journal that claims it, and of the first `told` bytes
    /// that were written nothing else.
    pub fn save(&self, journal: &Journal, told: u64) -> Result<(), Failure> {
        self.check_in_place()?;
        self.sync(File::sync_data)?;
        let is_new = self.log.claim(journal, told).map_err(|error| self.journal_failure(&error))?;
        if is_new || !self.is_listed.load(Ordering::Relaxed) {
            self.list()?;
        }
        Ok(())
    }

    fn list(&self) -> Result<(), Failure> {
        sync_folder(&self.path).map_err(|error| failure(&error, "sync the folder of", &self.path))?;
        self.is_listed.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn journal_failure(&self, error: &io::Error) -> Failure {
        self.write_failure(error, "write the journal of")
    }

    /// Whether the file is as long as it has to be.
    pub fn check_length(&self, total: u64) -> Result<(), Failure> {
        let about = self.file.metadata().map_err(|error| failure(&error, "read the length of", &self.path))?;
        // It will be asked for next, and each question counts where there are thousands of files.
        self.identity.get_or_init(|| (about.dev(), about.ino()));
        let found = about.len();
        if found == total {
            return Ok(());
        }
        let detail = format!("{} has {found} bytes, not {total}", self.path.display());
        Err(Failure::new(FailureKind::EndedEarly, detail))
    }

    /// Makes the file durable as it is to be in its place.
    pub fn complete(&self, finish: &Finish) -> Result<(), Failure> {
        if !self.is_nameless {
            self.check_in_place()?;
        }
        // Gives back what was reserved for a longer file.
        if self.total.is_some_and(|reserved| reserved > finish.total) {
            self.file.set_len(finish.total).map_err(|error| failure(&error, "cut", &self.path))?;
        }
        if let Some(modified) = finish.modified
            && let Err(error) = self.file.set_modified(modified)
        {
            tracing::info!(path = %self.path.display(), "cannot set the time of the last change: {error}");
        }
        self.sync(File::sync_all)
    }

    fn sync(&self, sync: impl Fn(&File) -> io::Result<()>) -> Result<(), Failure> {
        if let Some(failure) = self.broken.get() {
            return Err(failure.clone());
        }
        sync(&self.file).map_err(|error| {
            self.log.lose();
            let failure = self.write_failure(&error, "sync");
            self.broken.get_or_init(|| failure).clone()
        })
    }

    /// Whether the path still leads to the file that is open, and not to nothing or something else.
    fn check_in_place(&self) -> Result<(), Failure> {
        let (device, number) = match self.identity.get() {
            Some(identity) => *identity,
            None => {
                let open = self.file.metadata().map_err(|error| failure(&error, "look at", &self.path))?;
                *self.identity.get_or_init(|| (open.dev(), open.ino()))
            }
        };
        match fs::symlink_metadata(&self.path) {
            Ok(there) if (device, number) == (there.dev(), there.ino()) => Ok(()),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failure(&error, "look at", &self.path)),
            Ok(_) | Err(_) => Err(self.gone(device)),
        }
    }

    /// Why the part file is not at its path: its drive may have been taken from under it.
    fn gone(&self, device: u64) -> Failure {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        match fs::metadata(folder) {
            Ok(there) if there.dev() == device => gone(&self.path),
            Ok(_) => {
                let detail = format!("the drive that {} was begun on is no longer there", self.path.display());
                Failure::new(FailureKind::DriveFailed, detail)
            }
            Err(error) => failure(&error, "find the folder of", &self.path),
        }
    }

    /// Why what was written cannot be read back.
    pub fn read_failure(&self, error: &io::Error) -> Failure {
        let mut failure = failure(error, "read", &self.path);
        if error.kind() == io::ErrorKind::UnexpectedEof {
            failure.kind = FailureKind::EndedEarly;
        }
        failure
    }

    fn write_failure(&self, error: &io::Error, doing: &str) -> Failure {
        let mut failure = failure(error, doing, &self.path);
        if let FailureKind::DiskFull { needed } = &mut failure.kind {
            *needed = self.missing_space();
        }
        failure
    }
}

/// After a file was moved into place and its folder synced: what is no longer needed.
pub fn clean_up(part: &PartFile, finish: &Finish) {
    if part.may_have_journal()
        && let Err(error) = Journal::remove(part.path())
    {
        tracing::warn!(path = %part.path().display(), "cannot remove the journal: {error}");
    }
    if let Some(older) = &finish.replaces {
        delete(older);
    }
}

/// A part file that is there, to read and write it.
pub fn open_part(path: &Path) -> io::Result<File> {
    open(path, OpenOptions::new().read(true).write(true))
}

pub fn is_part_path(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(PART_SUFFIX.as_bytes())
}

fn is_one_component(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\0'])
}

pub fn failure(error: &io::Error, doing: &str, path: &Path) -> Failure {
    Failure::from_io(error, &format!("cannot {doing} {}", path.display()))
}

/// For a part file that has to be there: that it is not is no matter of its folder.
fn gone_or(error: &io::Error, doing: &str, path: &Path) -> Failure {
    if error.kind() == io::ErrorKind::NotFound { gone(path) } else { failure(error, doing, path) }
}

fn gone(path: &Path) -> Failure {
    Failure::new(FailureKind::Io(libc::ENOENT), format!("{} was moved or deleted meanwhile", path.display()))
}

fn taken(target: &Path) -> Failure {
    Failure::new(FailureKind::TargetExists, format!("{} is there already", target.display()))
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! What a damaged list has lost and the disk still knows: each journal beside a part file says which
//! download it is of. Finished files have no journal; they stay where they are, without a row.

use std::collections::{BTreeSet, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions, TryLockError};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::redact::without_password;
use super::{Record, SavedState};
use crate::engine::disk::naming::{JOURNAL_SUFFIX, PART_SUFFIX};
use crate::engine::disk::{Journal, JournalError, open, placed};
use crate::engine::download::spec::DownloadSpec;
use crate::engine::types::{ByteRange, DownloadId};

/// Records for the part files in these folders, and in those of the records that could be `saved`,
/// which none of these speaks of. Their ids begin with `first`. What another process has open is
/// left to it. A record whose path is damaged gets that of the part file of its address.
pub fn lost(folders: &[PathBuf], saved: &mut [Record], first: DownloadId) -> Vec<Record> {
    let own = saved.iter().map(|record| record.spec.folder.clone());
    let folders: BTreeSet<PathBuf> = folders.iter().cloned().chain(own).collect();
    let mut found: Vec<Part> = folders.iter().flat_map(|folder| parts_in(folder)).collect();
    found.sort_by(|one, other| one.path.cmp(&other.path));
    // Kept for the newer part file that will replace them, and gone with it.
    let older: HashSet<PathBuf> = found.iter().filter_map(|part| part.journal.replaces.clone()).collect();
    found.retain(|part| !older.contains(&part.path) && !saved.iter().any(|record| part.is_of(record)));
    found.retain(|part| {
        let astray = saved.iter_mut().find(|record| part.is_of_astray(record));
        astray.map(|record| record.path = Some(part.path.clone())).is_none()
    });
    let ids = (first.0..).map(DownloadId);
    ids.zip(found).map(|(id, part)| part.into_record(id)).collect()
}

/// A part file with its journal.
struct Part {
    folder: PathBuf,
    path: PathBuf,
    journal: Journal,
    changed_at: SystemTime,
}

impl Part {
    fn is_of(&self, record: &Record) -> bool {
        match &record.path {
            Some(path) => *path == self.path,
            // Lost its place, or never wrote it down.
            None => {
                let is_open = !matches!(record.state, SavedState::Completed);
                is_open && record.spec.folder == self.folder && *without_password(&record.spec.url) == self.journal.url
            }
        }
    }

    /// Whether it is of a record that leads to nothing: what a damaged page says need not be true.
    fn is_of_astray(&self, record: &Record) -> bool {
        let is_open = !matches!(record.state, SavedState::Completed);
        let is_of_address = *without_password(&record.spec.url) == self.journal.url;
        is_open && is_of_address && record.path.as_ref().is_some_and(|path| !path.exists())
    }

    fn into_record(self, id: DownloadId) -> Record {
        let Journal { url, mirrors, name, total, media_type, checksum, done, .. } = self.journal;
        let spec = DownloadSpec { mirrors, name: Some(name.clone()), checksum, ..DownloadSpec::new(url, self.folder) };
        Record {
            id,
            spec,
            state: SavedState::Queued,
            name,
            path: Some(self.path),
            received: done.iter().map(ByteRange::len).sum(),
            total,
            media_type: media_type.map(String::from),
            verified: None,
            removed: false,
            turn: None,
            added_at: self.changed_at,
            finished_at: None,
        }
    }
}

fn parts_in(folder: &Path) -> Vec<Part> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            tracing::warn!(folder = %folder.display(), "its part files are not found again: {error}");
            return Vec::new();
        }
    };
    let names = entries.filter_map(|entry| part_name(&entry.ok()?.file_name()));
    names.filter_map(|name| part(folder, folder.join(name))).collect()
}

/// The name of the part file that a journal belongs to.
fn part_name(journal: &OsStr) -> Option<OsString> {
    let name = journal.as_bytes().strip_suffix(JOURNAL_SUFFIX.as_bytes())?;
    name.ends_with(PART_SUFFIX.as_bytes()).then(|| OsString::from_vec(name.to_vec()))
}

fn part(folder: &Path, path: PathBuf) -> Option<Part> {
    let journal = match Journal::read(&path) {
        Ok(journal) => journal,
        Err(error) => {
            let is_gone = matches!(&error, JournalError::Io(error) if error.kind() == io::ErrorKind::NotFound);
            if !is_gone {
                tracing::warn!(path = %path.display(), "its journal cannot be used: {error}");
            }
            return None;
        }
    };
    // One that its process had just moved into place is taken back when it is looked for.
    let file = open(&path, OpenOptions::new().read(true)).ok().or_else(|| Some(placed(&path, &journal)?.1))?;
    let about = file.metadata().ok().filter(fs::Metadata::is_file)?;
    if matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
        return None;
    }
    let changed_at = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    Some(Part { folder: folder.to_owned(), path, journal, changed_at })
}

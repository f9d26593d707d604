// SPDX-License-Identifier: GPL-3.0-or-later
//! What is in a folder that concerns a new download: an earlier part file of the same address, and
//! which names are free. Both stay quick with ten thousand downloads in one folder.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::Access;
use url::Url;

use super::journal::{JournalError, is_missing};
use super::lock::{can_lock, in_use};
use super::naming::{JOURNAL_SUFFIX, PART_SUFFIX};
use super::place::recover;
use super::room::{missing_space, try_room};
use super::{Found, Journal, Look, open, sandbox};
use crate::engine::error::{Failure, FailureKind};
use crate::engine::types::ByteRange;

/// How long what was seen in a folder is taken for true; others may put part files there too.
const FRESH: Duration = Duration::from_secs(5);
/// How long a folder that files could be saved in is taken for one; what is wrong with it then shows when the
/// part file is made.
const CHECKED: Duration = Duration::from_secs(1);
/// How many folders are remembered.
const MOST_FOLDERS: usize = 32;

/// What is known of the folders of one device.
#[derive(Debug, Default)]
pub struct Folders {
    listings: HashMap<PathBuf, Listing>,
    /// For names that were taken: the number to try first, so that ten thousand files of one name
    /// are not counted through each time.
    numbers: HashMap<PathBuf, (u32, Instant)>,
    room: Room,
}

/// Tries whether there is room; another one in tests.
#[derive(Debug)]
struct Room(fn(&Path, u64) -> io::Result<()>);

impl Default for Room {
    fn default() -> Self {
        Self(try_room)
    }
}

/// The part files with a journal in one folder, by address.
#[derive(Debug, Default)]
struct Listing {
    read_at: Option<Instant>,
    checked_at: Option<Instant>,
    address_of: HashMap<PathBuf, String>,
    parts_of: HashMap<String, Vec<PathBuf>>,
}

/// What a part file is to somebody who wants to continue it.
enum Candidate {
    Usable(Box<Found>),
    /// Another download, of this process or another one, has it open.
    InUse,
    /// It may be another time, or by a newer version.
    Unreadable(Failure),
    No,
}

impl Folders {
    /// Looks whether one can download into a folder, and for a part file to continue.
    pub fn look(&mut self, look: &Look) -> Result<Option<Box<Found>>, Failure> {
        check_folder(&look.folder)?;
        self.listing(&look.folder).checked_at = Some(Instant::now());
        let found = self.find(look)?;
        let needed = check_room(look, found.as_deref())?;
        self.take_room(look, needed)?;
        Ok(found)
    }

    /// Whether [`Folders::look`] would find nothing and complain of nothing, by what is remembered.
    pub fn has_nothing(&self, look: &Look) -> bool {
        if look.part_path.is_some() || look.length.is_some() || look.tries_room {
            return false;
        }
        let Some(listing) = self.listings.get(&look.folder) else { return false };
        let is_checked = listing.checked_at.is_some_and(|at| at.elapsed() < CHECKED);
        let has_none = || listing.is_fresh() && !listing.parts_of.contains_key(&address(&look.url));
        is_checked && (!look.resume || has_none())
    }

    fn listing(&mut self, folder: &Path) -> &mut Listing {
        if !self.listings.contains_key(folder) && self.listings.len() >= MOST_FOLDERS {
            self.listings.retain(|_, listing| listing.is_fresh());
        }
        self.listings.entry(folder.to_owned()).or_default()
    }

    fn take_room(&self, look: &Look, needed: u64) -> Result<(), Failure> {
        if !look.tries_room || needed == 0 {
            return Ok(());
        }
        let Err(error) = (self.room.0)(&look.folder, needed) else { return Ok(()) };
        let failure = Failure::from_io(&error, &format!("cannot take {needed} bytes in {}", look.folder.display()));
        // What else may go wrong is told when it does.
        if matches!(failure.kind, FailureKind::DiskFull { .. }) { Err(failure) } else { Ok(()) }
    }

    fn find(&mut self, look: &Look) -> Result<Option<Box<Found>>, Failure> {
        if !look.resume {
            return Ok(None);
        }
        if let Some(part_path) = &look.part_path {
            match inspect(part_path, |_| true) {
                Candidate::Usable(found) => return Ok(Some(found)),
                Candidate::InUse => return Err(in_use(part_path)),
                // Else it would be taken for useless, and deleted.
                Candidate::Unreadable(failure) => return Err(failure),
                Candidate::No => {}
            }
        }
        let address = address(&look.url);
        let is_wanted = |journal: &Journal| {
            self::address(&journal.url) == address && look.name.as_ref().is_none_or(|name| *name == journal.name)
        };
        let mut busy = None;
        for part_path in self.parts_of(&look.folder, &address)? {
            if look.others.contains(&part_path) {
                continue;
            }
            match inspect(&part_path, is_wanted) {
                Candidate::Usable(found) => return Ok(Some(found)),
                Candidate::InUse => busy = Some(part_path),
                Candidate::Unreadable(_) | Candidate::No => {}
            }
        }
        busy.map_or(Ok(None), |part_path| Err(in_use(&part_path)))
    }

    /// The part files in a folder whose journals tell of this address.
    pub fn parts_of(&mut self, folder: &Path, address: &str) -> Result<Vec<PathBuf>, Failure> {
        let listing = self.listing(folder);
        if !listing.is_fresh() {
            listing
                .read(folder)
                .map_err(|error| Failure::from_io(&error, &format!("cannot list {}", folder.display())))?;
        }
        Ok(listing.parts_of.get(address).cloned().unwrap_or_default())
    }

    /// A journal was written here.
    pub fn wrote(&mut self, part_path: &Path, url: &Url) {
        if let Some(listing) = part_path.parent().and_then(|folder| self.listings.get_mut(folder)) {
            listing.insert(part_path.to_owned(), address(url));
        }
    }

    /// A part file and its journal were removed here.
    pub fn removed(&mut self, part_path: &Path) {
        if let Some(listing) = part_path.parent().and_then(|folder| self.listings.get_mut(folder)) {
            listing.remove(part_path);
        }
    }

    /// A part file was given up here: its number is free again.
    pub fn deleted(&mut self, part_path: &Path) {
        self.removed(part_path);
        self.numbers.retain(|wanted, _| wanted.parent() != part_path.parent());
    }

    /// Which number of a name to try first.
    pub fn first_number(&self, wanted: &Path) -> u32 {
        match self.numbers.get(wanted) {
            Some((number, seen)) if seen.elapsed() < FRESH => *number,
            _ => 0,
        }
    }

    /// All numbers below this one were taken, and now this one is too.
    pub fn took_number(&mut self, wanted: &Path, number: u32) {
        if number > 0 {
            self.numbers.retain(|_, (_, seen)| seen.elapsed() < FRESH);
            self.numbers.insert(wanted.to_owned(), (number.saturating_add(1), Instant::now()));
        }
    }
}

impl Listing {
    fn is_fresh(&self) -> bool {
        self.read_at.is_some_and(|at| at.elapsed() < FRESH)
    }

    /// Reads the folder; of journals that were there before only the names.
    fn read(&mut self, folder: &Path) -> io::Result<()> {
        let mut seen = HashSet::new();
        for entry in fs::read_dir(folder)? {
            let name = entry?.file_name();
            let Some(part_name) = name.as_bytes().strip_suffix(JOURNAL_SUFFIX.as_bytes()) else { continue };
            if !part_name.ends_with(PART_SUFFIX.as_bytes()) {
                continue;
            }
            let part_path = folder.join(OsStr::from_bytes(part_name));
            if !self.address_of.contains_key(&part_path)
                && let Ok(journal) = Journal::read(&part_path).inspect_err(|error| unusable(&part_path, error))
            {
                self.insert(part_path.clone(), address(&journal.url));
            }
            seen.insert(part_path);
        }
        let gone: Vec<_> = self.address_of.keys().filter(|path| !seen.contains(*path)).cloned().collect();
        for part_path in gone {
            self.remove(&part_path);
        }
        self.read_at = Some(Instant::now());
        Ok(())
    }

    fn insert(&mut self, part_path: PathBuf, address: String) {
        if self.address_of.get(&part_path) == Some(&address) {
            return;
        }
        self.remove(&part_path);
        self.parts_of.entry(address.clone()).or_default().push(part_path.clone());
        self.address_of.insert(part_path, address);
    }

    fn remove(&mut self, part_path: &Path) {
        let Some(address) = self.address_of.remove(part_path) else { return };
        if let Some(parts) = self.parts_of.get_mut(&address) {
            parts.retain(|path| path != part_path);
            if parts.is_empty() {
                self.parts_of.remove(&address);
            }
        }
    }
}

/// Whether something has this name; a symbolic link is something, wherever it leads.
pub fn exists(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether files can be saved in a folder, and are still there tomorrow.
pub fn check_folder(folder: &Path) -> Result<(), Failure> {
    let failure = |error: io::Error| Failure::from_io(&error, &format!("cannot save files in {}", folder.display()));
    if !fs::metadata(folder).map_err(failure)?.is_dir() {
        return Err(Failure::new(FailureKind::FolderMissing, format!("{} is not a folder", folder.display())));
    }
    if sandbox::would_lose(folder) {
        let detail = format!("{} is of the sandbox alone, and ends with it", folder.display());
        return Err(Failure::new(FailureKind::NotWritable, detail));
    }
    rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| failure(error.into()))
}

/// How much room what is still to come takes, if there is that much as far as can be known before a server
/// is asked.
fn check_room(look: &Look, found: Option<&Found>) -> Result<u64, Failure> {
    let Some(length) = found.and_then(|found| found.journal.total).or(look.length) else { return Ok(0) };
    // What is begun anew gives back what its part file has taken. What is done takes no more, even where
    // it was written to fewer blocks (compressed).
    let part_path = found.map(|found| &found.part_path).or(look.part_path.as_ref());
    let about = part_path.and_then(|path| fs::symlink_metadata(path).ok());
    let taken = about.map_or(0, |about| about.blocks().saturating_mul(512));
    let done = found.map_or(0, |found| found.journal.done.iter().map(ByteRange::len).sum());
    let needed = length.saturating_sub(taken.max(done));
    let missing = match rustix::fs::statvfs(&look.folder) {
        Ok(fs) => missing_space(&fs, needed),
        Err(_) => None,
    };
    missing.map_or(Ok(needed), |missing| {
        let detail = format!("{missing} bytes more are needed in {}", look.folder.display());
        Err(Failure::new(FailureKind::DiskFull { needed: Some(missing) }, detail))
    })
}

/// Whether a part file can be continued by what its journal says.
fn inspect(part_path: &Path, is_wanted: impl Fn(&Journal) -> bool) -> Candidate {
    let journal = match Journal::read(part_path) {
        Ok(journal) if is_wanted(&journal) && !journal.is_of_copy(part_path) => journal,
        Ok(_) => return Candidate::No,
        Err(error) => {
            unusable(part_path, &error);
            return error.passing(part_path).map_or(Candidate::No, Candidate::Unreadable);
        }
    };
    if !recover(part_path, &journal) {
        return Candidate::InUse;
    }
    let opened = open(part_path, OpenOptions::new().read(true));
    let (file, about) = match opened.and_then(|file| file.metadata().map(|about| (file, about))) {
        Ok(opened) => opened,
        Err(error) => {
            tracing::info!(path = %part_path.display(), "its journal is there, but it cannot be read: {error}");
            let failure = Failure::from_io(&error, &format!("cannot read {}", part_path.display()));
            return if is_missing(&error) { Candidate::No } else { Candidate::Unreadable(failure) };
        }
    };
    if !about.is_file() || about.len() < journal.end() {
        tracing::warn!(path = %part_path.display(), "not what its journal says: it has {} bytes", about.len());
        return Candidate::No;
    }
    // Taken for this moment only: it ends with `file`.
    if can_lock(part_path, || file.try_lock_shared()) {
        Candidate::Usable(Box::new(Found { part_path: part_path.to_owned(), journal }))
    } else {
        Candidate::InUse
    }
}

fn unusable(part_path: &Path, error: &JournalError) {
    if !matches!(error, JournalError::Io(error) if error.kind() == io::ErrorKind::NotFound) {
        tracing::warn!(path = %part_path.display(), "its journal cannot be used: {error}");
    }
}

/// What makes two addresses the same: the fragment never reaches the server, and a password is
/// written nowhere.
pub fn address(url: &Url) -> String {
    let mut url = url.clone();
    url.set_fragment(None);
    // Fails only for addresses that can hold no password.
    let _ = url.set_password(None);
    url.into()
}

pub fn locked(folders: &Mutex<Folders>) -> MutexGuard<'_, Folders> {
    folders.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_for_a_free_number_goes_on_where_it_ended() {
        let mut folders = Folders::default();
        let (one, other) = (Path::new("/folder/f"), Path::new("/folder/g"));
        folders.took_number(one, 0);
        assert_eq!(folders.first_number(one), 0, "a name that was free may be so again");
        folders.took_number(one, 7);
        assert_eq!((folders.first_number(one), folders.first_number(other)), (8, 0));
        folders.deleted(Path::new("/folder/f (7).part"));
        assert_eq!(folders.first_number(one), 0, "what was given up leaves its number free");
    }

    #[test]
    fn what_was_seen_a_moment_ago_is_known_without_looking_again() {
        let folder = tempfile::tempdir().unwrap();
        let part = folder.path().join("f.part");
        let look = |name: &str| Look {
            folder: folder.path().to_owned(),
            part_path: None,
            url: Url::parse(&format!("http://h/{name}")).unwrap(),
            name: None,
            resume: true,
            others: Vec::new(),
            length: None,
            tries_room: false,
        };
        let mut folders = Folders::default();
        assert!(!folders.has_nothing(&look("f")), "nothing was seen yet");
        assert_eq!(folders.look(&look("other")).unwrap(), None);
        assert!(folders.has_nothing(&look("f")) && folders.has_nothing(&Look { resume: false, ..look("f") }));
        folders.wrote(&part, &look("f").url);
        assert!(!folders.has_nothing(&look("f")) && folders.has_nothing(&look("g")));
        folders.removed(&part);
        assert!(folders.has_nothing(&look("f")));
        for asked in [
            Look { part_path: Some(part), ..look("f") },
            Look { length: Some(1), ..look("f") },
            Look { tries_room: true, ..look("f") },
            Look { folder: "/elsewhere".into(), ..look("f") },
        ] {
            assert!(!folders.has_nothing(&asked), "{asked:?}");
        }
        let long_ago = Instant::now().checked_sub(CHECKED);
        folders.listing(folder.path()).checked_at = long_ago;
        assert!(!folders.has_nothing(&look("f")), "the folder may be gone by now");
    }

    #[test]
    fn a_disk_that_was_full_by_a_quota_is_tried_before_it_is_said_to_have_room() {
        let folder = tempfile::tempdir().unwrap();
        let over_quota = |_: &Path, _: u64| Err(io::Error::from_raw_os_error(libc::EDQUOT));
        let broken = |_: &Path, _: u64| Err(io::Error::from_raw_os_error(libc::EIO));
        let look = |room: fn(&Path, u64) -> io::Result<()>, tries_room, length| {
            let mut folders = Folders { room: Room(room), ..Folders::default() };
            let url = Url::parse("http://h/f").unwrap();
            let folder = folder.path().to_owned();
            let others = Vec::new();
            let look = Look { folder, part_path: None, url, name: None, resume: true, others, length, tries_room };
            folders.look(&look).map_err(|failure| failure.kind)
        };
        assert_eq!(look(over_quota, true, Some(1)), Err(FailureKind::DiskFull { needed: None }));
        for (room, tries_room, length) in
            [(over_quota as fn(&Path, u64) -> _, false, Some(1)), (over_quota, true, None), (broken, true, Some(1))]
        {
            assert_eq!(look(room, tries_room, length), Ok(None));
        }
    }
}

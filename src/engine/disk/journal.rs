// SPDX-License-Identifier: GPL-3.0-or-later
//! The resume record beside a part file, `NAME.part.journal`: what of it is there and how to prove
//! that the server still has the same file. On disk it is a log of lines (`record.rs`) that is only
//! ever appended to (`log.rs`), or replaced as a whole.

use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize, Serializer};
use url::Url;

use super::epoch;
use super::log::Log;
use super::naming::JOURNAL_SUFFIX;
use super::open;
use super::record::{self, Said};
use crate::engine::download::spec::Checksum;
use crate::engine::error::{Failure, FailureKind};
use crate::engine::net::headers::Validator;
use crate::engine::types::ByteRange;

/// A journal on its way to its place. As long as [`JOURNAL_SUFFIX`], so that it fits where that fits.
pub const DRAFT_SUFFIX: &str = ".writing";
/// No journal comes near it; of a file that is larger only the begin is read.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// What a journal says. Holds no credentials (a password in the address is stripped).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    pub url: Url,
    #[serde(default)]
    pub mirrors: Vec<Url>,
    /// The file's name when complete.
    pub name: String,
    pub total: Option<u64>,
    pub validator: Option<Validator>,
    /// Whose answers the bytes are from, where that is not `url`: a mirror, or the address before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Url>,
    #[serde(serialize_with = "since_1970")]
    pub modified: Option<SystemTime>,
    /// The type the server gave the file, which tells it from a message that an expired link leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<Box<str>>,
    #[serde(default)]
    pub checksum: Option<Checksum>,
    /// An older part file of the same folder, kept until this one is complete. Only its name is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<PathBuf>,
    /// The file is complete, right and durable, and about to be moved to its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placed: Option<Box<Placed>>,
    /// Sorted, not touching, not empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub done: Vec<ByteRange>,
}

/// How a file that was moved into place is known again where its journal has outlived it. Its device is
/// the journal's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// What it is called there, in the same folder.
    pub name: String,
    pub inode: u64,
    pub length: u64,
    /// Seconds and nanoseconds: whoever writes to it changes them.
    pub modified: (i64, i64),
}

impl Placed {
    pub fn new(about: &Metadata, name: String) -> Self {
        let modified = (about.mtime(), about.mtime_nsec());
        Self { name, inode: about.ino(), length: about.len(), modified }
    }

    pub fn is(&self, about: &Metadata) -> bool {
        about.is_file() && *self == Self::new(about, self.name.clone())
    }
}

/// Why there is no journal to go by. The file stays in any case.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("written by a newer version of Freshet (format {0}); that version can continue it")]
    Newer(u64),
    #[error("damaged: {0}")]
    Damaged(String),
}

impl JournalError {
    /// What is wrong where the part file may be continued another time, or by another version. `None`: it has no
    /// journal, or one that nobody can read.
    pub fn passing(&self, part_path: &Path) -> Option<Failure> {
        match self {
            Self::Io(error) if is_missing(error) => None,
            Self::Io(error) => {
                Some(Failure::from_io(error, &format!("cannot read the journal of {}", part_path.display())))
            }
            Self::Newer(_) => {
                let detail = format!("{} was written by a newer version of Freshet", part_path.display());
                Some(Failure::new(FailureKind::PartInUse, detail))
            }
            Self::Damaged(_) => None,
        }
    }
}

/// Whether there is nothing of that name.
pub fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Serde knows no earlier times, and a server may well claim one.
fn since_1970<S: Serializer>(at: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
    at.filter(|at| *at >= SystemTime::UNIX_EPOCH).serialize(serializer)
}

impl Journal {
    /// Where the journal of a part file is.
    pub fn path_of(part_path: &Path) -> PathBuf {
        with_suffix(part_path, JOURNAL_SUFFIX)
    }

    /// Reads and proves the journal of a part file. `done` is all that may be believed now: what is
    /// durable, and what was written since as far as the page cache of then is still there.
    pub fn read(part_path: &Path) -> Result<Self, JournalError> {
        Ok(Self::read_said(part_path)?.journal)
    }

    /// [`Journal::read`] that tells what is durable from what is believed.
    pub(super) fn read_said(part_path: &Path) -> Result<Said, JournalError> {
        let file = open(&Self::path_of(part_path), OpenOptions::new().read(true))?;
        let mut text = Vec::new();
        (&file).take(MOST_BYTES).read_to_end(&mut text)?;
        let mut said = record::replay(&text, |then| epoch::of(&file).is_some_and(|now| epoch::goes_on(then, &now)))?;
        if let (Some(older), Some(folder)) = (&mut said.journal.replaces, part_path.parent()) {
            *older = folder.join(&*older);
        }
        Ok(said)
    }

    /// What the text of a journal says while all that it speaks of lasts; public for the fuzzer's sake only.
    #[doc(hidden)]
    pub fn parse(text: &[u8]) -> Result<Self, JournalError> {
        Ok(record::replay(text, |_| true)?.journal)
    }

    /// The journal of a copy of this part file while it is made: it replaces itself, which no other one does.
    pub(super) fn of_copy(&self, copy_path: &Path) -> Self {
        Self { replaces: Some(copy_path.to_owned()), placed: None, done: Vec::new(), ..self.clone() }
    }

    /// See [`Journal::of_copy`]: what was interrupted so nobody can continue.
    pub(super) fn is_of_copy(&self, part_path: &Path) -> bool {
        self.replaces.as_deref() == Some(part_path)
    }

    /// The invariant of `done`, and that `replaces` and `placed` lead to no other folder.
    pub(super) fn check(&self) -> Result<(), String> {
        let placed = self.placed.as_ref().map(|placed| Path::new(&placed.name));
        let mut names = self.replaces.as_deref().into_iter().chain(placed);
        if let Some(name) = names.find(|name| name.file_name() != Some(name.as_os_str())) {
            return Err(format!("{} is no name of a file", name.display()));
        }
        let mut last: Option<ByteRange> = None;
        for range in &self.done {
            if range.is_empty() || last.is_some_and(|last| range.start <= last.end) {
                return Err(format!("{range} is empty or out of order"));
            }
            last = Some(*range);
        }
        match (last, self.total) {
            (Some(last), Some(total)) if last.end > total => Err(format!("{last} lies outside of {total} bytes")),
            _ => Ok(()),
        }
    }

    /// One past the highest byte that is claimed.
    pub fn end(&self) -> u64 {
        self.done.last().map_or(0, |range| range.end)
    }

    /// Writes the journal of a part file in place of the one before, which stands until the new one
    /// is durable. The folder is not synced.
    pub fn write(&self, part_path: &Path) -> io::Result<()> {
        Log::new(part_path).begin(self)
    }

    /// What of it is no claim, without passwords and without the folder.
    pub(super) fn head(&self) -> Self {
        let without_password = |url: &Url| {
            let mut url = url.clone();
            // Fails only for addresses that can hold no password.
            let _ = url.set_password(None);
            url
        };
        Self {
            url: without_password(&self.url),
            mirrors: self.mirrors.iter().map(without_password).collect(),
            name: self.name.clone(),
            total: self.total,
            validator: self.validator.clone(),
            origin: self.origin.as_ref().map(without_password),
            modified: self.modified,
            media_type: self.media_type.clone(),
            checksum: self.checksum.clone(),
            // JSON holds no name that is not UTF-8. Such an older part file is not deleted by itself later.
            replaces: self.replaces.as_ref().and_then(|older| older.file_name()?.to_str()).map(PathBuf::from),
            placed: self.placed.clone(),
            done: Vec::new(),
        }
    }

    /// Removes the journal of a part file and what an interrupted write may have left of one.
    pub fn remove(part_path: &Path) -> io::Result<()> {
        for path in [with_suffix(part_path, DRAFT_SUFFIX), Self::path_of(part_path)] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// A path with more text behind its name; the name need not be UTF-8.
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut longer = path.as_os_str().to_owned();
    longer.push(suffix);
    longer.into()
}

#[cfg(test)]
pub mod tests {
    use std::time::Duration;

    use super::*;

    pub fn journal() -> Journal {
        Journal {
            url: "http://ann:secret@example.org/f?x=%20ä".parse().unwrap(),
            mirrors: vec!["ftp://bob:hidden@example.net/f".parse().unwrap()],
            name: "f".into(),
            total: Some(u64::MAX),
            validator: Some(Validator::ETag("\"a\\b\"".into())),
            origin: Some("ftp://bob:hidden@example.net/f".parse().unwrap()),
            modified: Some(SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 5)),
            media_type: Some("text/csv".into()),
            replaces: None,
            placed: None,
            checksum: Some(format!("md5:{}", "a".repeat(32)).parse().unwrap()),
            done: vec![ByteRange::new(0, 10), ByteRange::new(20, u64::MAX)],
        }
    }

    #[test]
    fn what_was_written_is_read_without_its_passwords() {
        let folder = tempfile::tempdir().unwrap();
        let part = folder.path().join("f.part");
        journal().write(&part).unwrap();
        journal().write(&part).unwrap();
        let read = Journal::read(&part).unwrap();
        assert_eq!(read, Journal { done: journal().done, ..journal().head() });
        let text = fs::read_to_string(folder.path().join("f.part.journal")).unwrap();
        assert!(!text.contains("secret") && !text.contains("hidden"), "{text}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn a_time_before_1970_is_left_out() {
        let long_ago = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        let folder = tempfile::tempdir().unwrap();
        let part = folder.path().join("f.part");
        Journal { modified: Some(long_ago), ..journal() }.write(&part).unwrap();
        assert_eq!(Journal::read(&part).unwrap().modified, None);
    }

    #[test]
    fn nobody_else_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let part = folder.path().join("f.part");
        journal().write(&part).unwrap();
        let mode = fs::metadata(Journal::path_of(&part)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn the_older_part_file_is_found_in_the_same_folder_and_in_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let part = folder.path().join("f (1).part");
        let older = folder.path().join("f.part");
        let with = |older: &Path| Journal { replaces: Some(older.into()), ..journal() };
        with(&older).write(&part).unwrap();
        assert_eq!(Journal::read(&part).unwrap().replaces, Some(older));
        let text = fs::read_to_string(Journal::path_of(&part)).unwrap();
        assert!(text.contains("\"replaces\":\"f.part\""), "{text}");
        for elsewhere in ["/f.part", "../f.part", "a/f.part", "..", ""] {
            assert!(with(Path::new(elsewhere)).check().is_err(), "{elsewhere:?}");
            let placed = Placed { name: elsewhere.into(), inode: 1, length: 1, modified: (0, 0) };
            assert!(Journal { placed: Some(Box::new(placed)), ..journal() }.check().is_err(), "{elsewhere:?}");
        }
    }

    #[test]
    fn a_journal_from_before_there_were_older_part_files_and_media_types_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let part = folder.path().join("f.part");
        Journal { media_type: None, ..journal() }.write(&part).unwrap();
        let text = fs::read_to_string(Journal::path_of(&part)).unwrap();
        assert!(!text.contains("replaces") && !text.contains("media_type"), "{text}");
        let read = Journal::read(&part).unwrap();
        assert_eq!((read.replaces, read.media_type), (None, None));
    }

    #[test]
    fn a_symbolic_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (real, part) = (folder.path().join("real.part"), folder.path().join("f.part"));
        journal().write(&real).unwrap();
        std::os::unix::fs::symlink(Journal::path_of(&real), Journal::path_of(&part)).unwrap();
        assert!(matches!(Journal::read(&part), Err(JournalError::Io(_))));
        // Writing replaces the link, not what it points to.
        Journal { name: "other".into(), ..journal() }.write(&part).unwrap();
        assert_eq!(Journal::read(&real).unwrap().name, "f");
        assert_eq!(Journal::read(&part).unwrap().name, "other");
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! The resume record beside a part file, `NAME.part.journal`: what of it is durable and how to
//! prove that the server still has the same file. On disk it is JSON with the number of its format
//! and a checksum, so that a file that was torn is never taken for a claim:
//! `{"freshet-journal":1,"sum":"<SHA-256 of the record>","record":{...}}`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::naming::JOURNAL_SUFFIX;
use crate::engine::download::spec::Checksum;
use crate::engine::net::headers::Validator;
use crate::engine::types::ByteRange;

/// The format written; older ones are read, newer ones left alone.
const VERSION: u64 = 1;
/// A journal on its way to its place. As long as [`JOURNAL_SUFFIX`], so that it fits where that fits.
const DRAFT_SUFFIX: &str = ".writing";
/// No journal comes near it; a file that is larger is none.
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
    pub modified: Option<SystemTime>,
    #[serde(default)]
    pub checksum: Option<Checksum>,
    /// Sorted, not touching, not empty.
    pub done: Vec<ByteRange>,
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

#[derive(Serialize, Deserialize)]
struct OnDisk {
    #[serde(rename = "freshet-journal")]
    version: u64,
    sum: String,
    record: Value,
}

impl Journal {
    /// Where the journal of a part file is.
    pub fn path_of(part_path: &Path) -> PathBuf {
        with_suffix(part_path, JOURNAL_SUFFIX)
    }

    /// Reads and proves the journal of a part file.
    pub fn read(part_path: &Path) -> Result<Self, JournalError> {
        let mut options = OpenOptions::new();
        // A named pipe in its place would hold up the reader for ever.
        options.read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
        let file = options.open(Self::path_of(part_path))?;
        let mut text = Vec::new();
        file.take(MOST_BYTES).read_to_end(&mut text)?;
        Self::parse(&text)
    }

    fn parse(text: &[u8]) -> Result<Self, JournalError> {
        let damaged = |error: serde_json::Error| JournalError::Damaged(error.to_string());
        let value: Value = serde_json::from_slice(text).map_err(damaged)?;
        // Of a newer format nothing but its number may be taken for known.
        if let Some(newer) = value.get("freshet-journal").and_then(Value::as_u64).filter(|v| *v > VERSION) {
            return Err(JournalError::Newer(newer));
        }
        let on_disk: OnDisk = serde_json::from_value(value).map_err(damaged)?;
        if on_disk.version == 0 {
            return Err(JournalError::Damaged("there is no format 0".into()));
        }
        if sum(&on_disk.record) != Some(on_disk.sum) {
            return Err(JournalError::Damaged("its checksum does not match".into()));
        }
        let journal: Self = serde_json::from_value(on_disk.record).map_err(damaged)?;
        journal.check().map_err(JournalError::Damaged)?;
        Ok(journal)
    }

    /// The invariant of `done`.
    fn check(&self) -> Result<(), String> {
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
        debug_assert_eq!(self.check(), Ok(()));
        let text = self.to_text()?;
        let draft = with_suffix(part_path, DRAFT_SUFFIX);
        let written = write_new(&draft, text.as_bytes()).and_then(|()| fs::rename(&draft, Self::path_of(part_path)));
        if written.is_err() {
            // On a full disk a half-written draft would only take up room.
            let _ = fs::remove_file(&draft);
        }
        written
    }

    fn to_text(&self) -> io::Result<String> {
        let record = serde_json::to_value(self.without_passwords())?;
        let sum = sum(&record).ok_or_else(|| io::Error::other("this GLib has no SHA-256"))?;
        Ok(serde_json::to_string(&OnDisk { version: VERSION, sum, record })?)
    }

    fn without_passwords(&self) -> Self {
        let mut public = self.clone();
        for url in std::iter::once(&mut public.url).chain(&mut public.mirrors) {
            // Fails only for addresses that can hold no password.
            let _ = url.set_password(None);
        }
        public
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

/// Writes a durable file that nobody else can read: an address may hold a secret.
fn write_new(path: &Path, text: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).custom_flags(libc::O_NOFOLLOW);
    let mut file: File = options.open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

/// The SHA-256 of a record's text. Reading and writing it again gives the same text, because
/// serde_json keeps the order of its maps and all numbers are integers.
fn sum(record: &Value) -> Option<String> {
    let mut sum = glib::Checksum::new(glib::ChecksumType::Sha256)?;
    sum.update(record.to_string().as_bytes());
    sum.string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    pub fn journal() -> Journal {
        Journal {
            url: "http://ann:secret@example.org/f?x=%20ä".parse().unwrap(),
            mirrors: vec!["ftp://bob:hidden@example.net/f".parse().unwrap()],
            name: "f".into(),
            total: Some(u64::MAX),
            validator: Some(Validator::ETag("\"a\\b\"".into())),
            modified: Some(SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 5)),
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
        assert_eq!(read, journal().without_passwords());
        let text = fs::read_to_string(folder.path().join("f.part.journal")).unwrap();
        assert!(!text.contains("secret") && !text.contains("hidden"), "{text}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
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
    fn a_torn_journal_is_never_taken_for_one() {
        let text = journal().to_text().unwrap();
        for end in 0..text.len() {
            assert!(Journal::parse(&text.as_bytes()[..end]).is_err(), "cut at {end}");
            // A file system that had written the length but not the data shows zeros.
            let mut zeros = text.as_bytes()[..end].to_vec();
            zeros.resize(text.len(), 0);
            assert!(Journal::parse(&zeros).is_err(), "zeros from {end}");
        }
    }

    #[test]
    fn no_byte_of_a_journal_can_change_unnoticed() {
        let text = journal().to_text().unwrap();
        for at in 0..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] ^= 1;
            if let Ok(read) = Journal::parse(&bytes) {
                panic!("byte {at} of {text} changed to {read:?}");
            }
        }
    }

    #[test]
    fn a_newer_format_is_told_apart_from_damage() {
        let newer = br#"{"freshet-journal":2,"something":"else"}"#;
        assert!(matches!(Journal::parse(newer), Err(JournalError::Newer(2))));
    }

    #[test]
    fn claims_that_contradict_themselves_are_not_believed() {
        let range = ByteRange::new;
        for done in [
            vec![range(10, 20), range(0, 5)],
            vec![range(0, 10), range(5, 20)],
            vec![range(0, 10), range(10, 20)],
            vec![range(5, 5)],
            vec![range(0, 101)],
        ] {
            let wrong = Journal { total: Some(100), done, ..journal() };
            let record = serde_json::to_value(&wrong).unwrap();
            let text = serde_json::to_vec(&OnDisk { version: VERSION, sum: sum(&record).unwrap(), record }).unwrap();
            assert!(matches!(Journal::parse(&text), Err(JournalError::Damaged(_))), "{:?}", wrong.done);
        }
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

// SPDX-License-Identifier: GPL-3.0-or-later
//! Writes the journal of an open part file: appends what was written as soon as it is, and what is
//! durable once it is. Only a journal that has grown long is written anew.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::epoch;
use super::journal::{DRAFT_SUFFIX, Journal, Placed, with_suffix};
use super::record::{self, Said};
use crate::engine::types::ByteRange;

/// A journal may become this many times as long as its shortest form, within these limits. The
/// upper one leaves what is read of a journal (16 MiB) far away.
const MOST_TIMES: u64 = 64;
const LEAST_BOUND: u64 = 256 * 1024;
const MOST_BOUND: u64 = 4 * 1024 * 1024;
/// The most ranges that are claimed: of more the first ones.
const MOST_RANGES: usize = 50_000;
/// How many writes are remembered for a journal that is to be written anew; of more the last ones.
const MOST_FRESH: usize = 50_000;

/// The journal of a part file that this process has locked.
#[derive(Debug)]
pub struct Log {
    part_path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// `None`: there is none yet, or none that may be appended to.
    file: Option<Arc<File>>,
    size: u64,
    bound: u64,
    /// The last line may be cut short: the next one has to begin anew.
    is_torn: bool,
    /// The page cache has a name, so that writes can be believed later.
    has_epoch: bool,
    /// What the last journal said, or was to say, without its ranges; `None`: there was no need of one yet.
    said: Option<Journal>,
    /// The last lines of these kinds.
    head: String,
    durable: String,
    /// The highest number of a write by earlier processes.
    base: u64,
    /// How many bytes were written since. With `base` it numbers the writes.
    written: u64,
    /// The writes that no durable line speaks of yet, by their numbers.
    fresh: VecDeque<(u64, ByteRange)>,
}

impl Log {
    pub fn new(part_path: &Path) -> Self {
        Self { part_path: part_path.to_owned(), state: Mutex::default() }
    }

    /// Every change to what is behind this lock is whole at once. It is never held while the device
    /// is waited for.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there may be a journal, or what an interrupted write left of one.
    pub fn is_used(&self) -> bool {
        self.lock().said.is_some()
    }

    /// Writes the first journal. What it claims has to be durable. The folder is not synced.
    pub fn begin(&self, journal: &Journal) -> io::Result<()> {
        self.lock().said = Some(journal.head());
        self.replace(record::head(journal)?, String::new(), claim(0, journal)?, 0)
    }

    /// Continues the journal of an earlier process: adds writes to it from now on. One of the first
    /// format is left as it is until the first claim.
    pub fn join(&self, said: &Said) -> io::Result<()> {
        let Some(base) = said.last_number else { return Ok(()) };
        let head = record::head(&said.journal)?;
        let durable = said.durable.as_ref().map(|done| record::durable(base, done)).transpose()?;
        let file = open(&self.part_path)?;
        let epoch = epoch::of(&file);
        let mut state = self.lock();
        state.said = Some(said.journal.head());
        state.base = base;
        state.size = file.metadata()?.len();
        state.bound = MOST_BOUND;
        state.file = Some(Arc::new(file));
        // The end of its process may have cut the last line short.
        state.is_torn = true;
        (state.head, state.durable) = (head, durable.unwrap_or_default());
        if let Some(epoch) = epoch {
            state.append(&record::epoch(&epoch)?)?;
            state.has_epoch = true;
        }
        Ok(())
    }

    /// These bytes were written. Not synced: it is lost exactly when they may be.
    pub fn wrote(&self, range: ByteRange) {
        let mut state = self.lock();
        state.written = state.written.saturating_add(range.len());
        if range.is_empty() {
            return;
        }
        let number = state.base.saturating_add(state.written);
        if state.fresh.len() >= MOST_FRESH {
            state.fresh.pop_front();
        }
        state.fresh.push_back((number, range));
        // A device that takes its time to sync must not make it grow without bound meanwhile.
        if state.has_epoch
            && state.size < 2 * state.bound
            && let Err(error) = state.append(&record::written(number, range))
        {
            tracing::debug!(path = %self.part_path.display(), "cannot be claimed before the next sync: {error}");
        }
    }

    /// Claims what `journal` says and nothing else of the first `told` bytes that were written. All
    /// of it has to be durable. Answers whether the folder has to be synced.
    pub fn claim(&self, journal: &Journal, told: u64) -> io::Result<bool> {
        let mut state = self.lock();
        state.said = Some(journal.head());
        let told = state.base.saturating_add(told);
        let (head, durable) = (record::head(journal)?, claim(told, journal)?);
        let text = if state.head == head { durable.clone() } else { format!("{head}{durable}") };
        let older = state.durable.clone();
        let file = state.file.clone().filter(|_| state.size + text.len() as u64 <= state.bound);
        // One that was deleted meanwhile would be appended to in vain.
        let Some(file) = file.filter(|file| file.metadata().is_ok_and(|about| about.nlink() > 0)) else {
            drop(state);
            return self.replace(head, older, durable, told).map(|()| true);
        };
        state.append(&text)?;
        (state.head, state.durable) = (head, durable);
        state.forget(told);
        drop(state);
        file.sync_data().map(|()| false)
    }

    /// The file has so many bytes, all of which are durable, and is about to be moved to its place. A
    /// small file that has no journal gets none for it.
    pub fn place(&self, total: u64, placed: Placed) -> io::Result<()> {
        let state = self.lock();
        let Some(said) = state.said.clone() else { return Ok(()) };
        let written = state.written;
        drop(state);
        let done = if total > 0 { vec![ByteRange::new(0, total)] } else { Vec::new() };
        self.claim(&Journal { total: Some(total), placed: Some(Box::new(placed)), done, ..said }, written).map(|_| ())
    }

    /// The device has failed: what was written and is not durable may be gone.
    pub fn lose(&self) {
        let lost = self.write_lost();
        let mut state = self.lock();
        state.fresh.clear();
        state.has_epoch = false;
        drop(state);
        if let Err(error) = lost {
            tracing::warn!(path = %self.part_path.display(), "its journal cannot say that writes are lost: {error}");
        }
    }

    /// Also into a journal that was not taken over.
    fn write_lost(&self) -> io::Result<()> {
        open(&self.part_path)?.write_all(format!("\n{}", record::lost()?).as_bytes())
    }

    /// Writes the journal anew: its head, the last two claims, and the writes since.
    fn replace(&self, head: String, older: String, durable: String, told: u64) -> io::Result<()> {
        let draft = with_suffix(&self.part_path, DRAFT_SUFFIX);
        let replaced = create(&draft).and_then(|mut file| {
            let epoch = epoch::of(&file);
            let mut text = format!("{head}{older}{durable}");
            if let Some(epoch) = &epoch {
                text.push_str(&record::epoch(epoch)?);
            }
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            let mut state = self.lock();
            state.forget(told);
            let fresh = state.fresh.iter().filter(|_| epoch.is_some());
            let fresh: String = fresh.map(|(number, range)| record::written(*number, *range)).collect();
            file.write_all(fresh.as_bytes())?;
            fs::rename(&draft, Journal::path_of(&self.part_path))?;
            state.size = (text.len() + fresh.len()) as u64;
            state.bound = (text.len() as u64).saturating_mul(MOST_TIMES).clamp(LEAST_BOUND, MOST_BOUND);
            (state.is_torn, state.has_epoch) = (false, epoch.is_some());
            (state.head, state.durable) = (head, durable);
            state.file = Some(Arc::new(file));
            Ok(())
        });
        if replaced.is_err() {
            // On a full disk a half-written draft would only take up room.
            let _ = fs::remove_file(&draft);
        }
        replaced
    }
}

impl State {
    /// Appends lines with one call where the file system takes them whole.
    fn append(&mut self, lines: &str) -> io::Result<()> {
        let Some(mut file) = self.file.as_deref() else { return Ok(()) };
        let text = if self.is_torn { format!("\n{lines}") } else { lines.to_owned() };
        let written = file.write_all(text.as_bytes());
        self.is_torn = written.is_err();
        self.size += text.len() as u64;
        written
    }

    /// A durable line speaks of the writes up to this number.
    fn forget(&mut self, told: u64) {
        let behind = self.fresh.partition_point(|(number, _)| *number <= told);
        self.fresh.drain(..behind);
    }
}

fn claim(told: u64, journal: &Journal) -> io::Result<String> {
    record::durable(told, journal.done.get(..MOST_RANGES).unwrap_or(&journal.done))
}

/// Opens a journal to add to it.
fn open(part_path: &Path) -> io::Result<File> {
    super::open(&Journal::path_of(part_path), OpenOptions::new().append(true))
}

/// Creates a file that nobody else can read: an address may hold a secret.
fn create(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::disk::journal::tests::journal;

    struct Desk {
        folder: tempfile::TempDir,
        part: PathBuf,
    }

    impl Desk {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let part = folder.path().join("f.part");
            Self { folder, part }
        }

        fn text(&self) -> String {
            fs::read_to_string(Journal::path_of(&self.part)).unwrap()
        }

        fn done(&self) -> Vec<(u64, u64)> {
            Journal::read(&self.part).unwrap().done.iter().map(|range| (range.start, range.end)).collect()
        }

        fn said(&self) -> Said {
            Journal::read_said(&self.part).unwrap()
        }
    }

    fn journal_of(done: &[(u64, u64)]) -> Journal {
        let done = done.iter().map(|(start, end)| ByteRange::new(*start, *end)).collect();
        Journal { total: Some(1 << 40), done, ..journal() }
    }

    fn wrote(log: &Log, start: u64, end: u64) {
        log.wrote(ByteRange::new(start, end));
    }

    #[test]
    fn a_claim_is_appended_and_the_one_before_it_stays() {
        let desk = Desk::new();
        let log = Log::new(&desk.part);
        log.begin(&journal_of(&[])).unwrap();
        let begun = desk.text();
        wrote(&log, 0, 10);
        assert_eq!(desk.done(), [(0, 10)], "as soon as it is written");
        assert_eq!(desk.said().durable, Some(vec![]));
        assert!(!log.claim(&journal_of(&[(0, 10)]), 10).unwrap());
        wrote(&log, 10, 20);
        assert!(!log.claim(&journal_of(&[(0, 20)]), 20).unwrap());
        let text = desk.text();
        assert!(text.starts_with(&begun), "only ever appended to");
        assert_eq!((text.matches("durable").count(), text.matches("freshet-journal").count()), (3, 1));
        log.claim(&Journal { name: "other".into(), ..journal_of(&[(0, 20)]) }, 20).unwrap();
        assert_eq!(Journal::read(&desk.part).unwrap().name, "other");
        assert_eq!(fs::read_dir(desk.folder.path()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn a_long_journal_is_written_anew_with_two_claims_and_the_writes_since() {
        let desk = Desk::new();
        let log = Log::new(&desk.part);
        log.begin(&journal_of(&[])).unwrap();
        let (mut end, mut longest, mut shortest) = (0, 0, u64::MAX);
        for round in 0..200 {
            for _ in 0..50 {
                wrote(&log, end, end + 10);
                end += 10;
            }
            // The last write was not told of yet.
            let is_new = log.claim(&journal_of(&[(0, end - 10)]), end - 10).unwrap();
            let size = fs::metadata(Journal::path_of(&desk.part)).unwrap().len();
            assert_eq!(desk.done(), [(0, end)], "round {round}");
            longest = longest.max(size);
            if is_new {
                shortest = shortest.min(size);
                assert_eq!(desk.text().matches("durable").count(), 2);
                assert_eq!(desk.text().matches("written").count(), 1);
            }
        }
        assert!(longest <= LEAST_BOUND + 4096 && shortest < 2048, "{shortest} to {longest} bytes");
    }

    #[test]
    fn what_a_claim_leaves_out_is_not_believed_although_it_was_written() {
        let desk = Desk::new();
        let log = Log::new(&desk.part);
        log.begin(&journal_of(&[])).unwrap();
        wrote(&log, 0, 10);
        wrote(&log, 10, 20);
        log.claim(&journal_of(&[(0, 10)]), 20).unwrap();
        assert_eq!(desk.done(), [(0, 10)]);
    }

    #[test]
    fn the_journal_of_an_earlier_process_is_continued() {
        let desk = Desk::new();
        let old = Log::new(&desk.part);
        old.begin(&journal_of(&[(0, 10)])).unwrap();
        wrote(&old, 10, 20);
        old.claim(&journal_of(&[(0, 20)]), 10).unwrap();
        wrote(&old, 20, 30);
        // Torn by the end of its process.
        drop(old);
        open(&desk.part).unwrap().write_all(b"0123456789abcdef {\"writ").unwrap();

        let said = desk.said();
        assert!(said.is_ahead());
        let new = Log::new(&desk.part);
        new.join(&said).unwrap();
        wrote(&new, 50, 55);
        assert_eq!(desk.done(), [(0, 30), (50, 55)]);
        assert!(!new.claim(&said.journal, 0).unwrap(), "there is no need to write it anew");
        assert_eq!(desk.said().durable, Some(vec![ByteRange::new(0, 30)]));
        wrote(&new, 60, 70);
        // Only the first write was told of, and it is disowned.
        new.claim(&journal_of(&[(0, 30)]), 5).unwrap();
        assert_eq!(desk.done(), [(0, 30), (60, 70)]);
    }

    #[test]
    fn a_journal_of_the_first_format_is_written_anew_by_the_first_claim() {
        let desk = Desk::new();
        fs::write(Journal::path_of(&desk.part), record::tests::FIRST_FORMAT).unwrap();
        let said = desk.said();
        let log = Log::new(&desk.part);
        log.join(&said).unwrap();
        let end = said.journal.end();
        wrote(&log, end, end + 10);
        assert_eq!(desk.said(), said, "it cannot be added to");
        assert!(log.claim(&said.journal, 0).unwrap());
        assert_eq!(desk.done(), [(0, end + 10)]);
        assert_eq!(desk.said().durable, said.durable);
    }

    #[test]
    fn a_line_after_a_torn_one_is_whole() {
        let desk = Desk::new();
        let log = Log::new(&desk.part);
        log.begin(&journal_of(&[])).unwrap();
        wrote(&log, 0, 10);
        let file = OpenOptions::new().write(true).open(Journal::path_of(&desk.part)).unwrap();
        file.set_len(file.metadata().unwrap().len() - 5).unwrap();
        log.lock().is_torn = true;
        wrote(&log, 20, 30);
        wrote(&log, 30, 40);
        assert_eq!(desk.done(), [(20, 40)]);
    }

    #[test]
    fn after_the_device_failed_only_what_is_durable_is_believed() {
        let desk = Desk::new();
        let log = Log::new(&desk.part);
        log.begin(&journal_of(&[(0, 10)])).unwrap();
        wrote(&log, 10, 20);
        log.lose();
        wrote(&log, 20, 30);
        assert_eq!(desk.done(), [(0, 10)]);
        assert!(!desk.said().is_ahead());
    }

    #[test]
    fn a_journal_that_was_deleted_is_written_again() {
        let desk = Desk::new();
        let log = Log::new(&desk.part);
        log.begin(&journal_of(&[])).unwrap();
        fs::remove_file(Journal::path_of(&desk.part)).unwrap();
        assert!(log.claim(&journal_of(&[(0, 10)]), 0).unwrap());
        assert_eq!(desk.done(), [(0, 10)]);
    }

    #[test]
    fn more_ranges_than_a_journal_can_hold_are_claimed_in_part() {
        let desk = Desk::new();
        let many: Vec<_> = (0..2 * MOST_RANGES as u64).map(|at| ((1 << 39) + 2 * at, (1 << 39) + 2 * at + 1)).collect();
        let log = Log::new(&desk.part);
        log.begin(&journal_of(&many)).unwrap();
        for _ in 0..3 {
            log.claim(&journal_of(&many), 0).unwrap();
        }
        assert_eq!(desk.done(), many[..MOST_RANGES]);
        assert!(fs::metadata(Journal::path_of(&desk.part)).unwrap().len() < MOST_BOUND + 2 * 1024 * 1024);
    }
}

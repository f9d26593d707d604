// SPDX-License-Identifier: GPL-3.0-or-later
//! The store and its thread. What is saved waits in a map, the last word of each download only;
//! the thread writes the map as one transaction, at most once a second. What cannot be written is
//! kept and tried again, and [`SqliteStore::health`] tells of it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;

use super::database::{self, SetAside};
use super::health::{Health, Pulse};
use super::traffic::{self, Came, Day};
use super::{Archive, Record, Store, history, rows};
use crate::engine::error::Failure;
use crate::engine::types::DownloadId;

/// How long the first change waits for others. This much a power cut can take.
const GATHER: Duration = Duration::from_secs(1);

/// After a write that failed (a full disk, a pulled drive).
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// At the end nobody waits that long for a disk that is full.
const LAST_TRIES: u32 = 4;
const LAST_WAIT: Duration = Duration::from_millis(500);

/// A stalled disk may not keep the program from ending. A hundred thousand rows take some seconds.
const CLOSE_BOUND: Duration = Duration::from_secs(20);

/// The list as it was found.
#[derive(Debug)]
pub struct Opened {
    pub store: SqliteStore,
    /// In the order of their ids.
    pub records: Vec<Record>,
    /// Free, and so is every id above it.
    pub next_id: DownloadId,
    /// The file was damaged: this is where it is now. `records` is what could be read
    /// of it, and what the journals tell of.
    pub set_aside: Option<SetAside>,
}

/// The list's file, locked for as long as this lives. May be opened on any thread.
#[derive(Debug)]
pub struct SqliteStore {
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
    pulse: Pulse,
}

/// What the store and its thread share.
#[derive(Debug, Default)]
pub struct Shared {
    pending: Mutex<Pending>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Pending {
    batch: Batch,
    questions: Vec<Question>,
    /// Neither a history nor how much came is kept.
    forgets: bool,
    stage: Stage,
}

/// What is written together.
#[derive(Debug, Default)]
struct Batch {
    changes: HashMap<DownloadId, Change>,
    came: Came,
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.came.is_empty()
    }

    fn count(&mut self, came: Came) {
        for (of, bytes) in came {
            *self.came.entry(of).or_default() += bytes;
        }
    }
}

/// What is to be looked up in the file, or cleared.
struct Question(Box<dyn FnOnce(&List) + Send>);

impl std::fmt::Debug for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Question").finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Open,
    /// Write what is there, then end.
    Closing,
    Closed,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Change {
    Save(Box<Record>),
    Forget,
    Retire(Box<Record>),
}

impl SqliteStore {
    /// Opens the list, or begins one where there is none; creates its folder, for the user alone.
    /// Reads every row, so a long list takes some tenths of a second. Fails when another process
    /// has the list open, when a newer Freshet wrote it, or when the file system refuses. If it is
    /// damaged, downloads are also found by the journals in `folders`.
    pub fn open(path: &Path, folders: &[PathBuf]) -> Result<Opened, Failure> {
        let database = database::open(path, folders)?;
        let shared = Arc::new(Shared::default());
        let pulse = Pulse::default();
        let writer = thread::Builder::new()
            .name("freshet-list".into())
            .spawn({
                let list = List { connection: database.connection, path: path.to_owned() };
                let (shared, pulse) = (shared.clone(), pulse.clone());
                move || run(list, &shared, &pulse)
            })
            .map_err(|e| Failure::from_io(&e, "starting the list's thread"))?;
        let store = Self { shared, writer: Mutex::new(Some(writer)), pulse };
        if database.set_aside.is_some() {
            for record in &database.records {
                store.save(record.clone());
            }
        }
        Ok(Opened { store, records: database.records, next_id: database.next_id, set_aside: database.set_aside })
    }

    /// Tells when the list cannot be saved, and when it can again.
    pub fn health(&self) -> Health {
        self.pulse.listen()
    }

    /// Reads what is kept besides the list.
    pub fn archive(&self) -> Archive {
        Archive(self.shared.clone())
    }

    #[cfg(test)]
    pub(super) fn pending(&self) -> usize {
        self.shared.lock().batch.changes.len()
    }

    fn change(&self, id: DownloadId, change: Change) {
        let mut pending = self.shared.lock();
        if pending.stage != Stage::Open {
            tracing::warn!(%id, "a change of the list came after its end and is not saved");
            return;
        }
        pending.batch.changes.insert(id, change);
        self.shared.changed.notify_all();
    }
}

impl Store for SqliteStore {
    fn save(&self, record: Record) {
        self.change(record.id, Change::Save(Box::new(record)));
    }

    fn forget(&self, id: DownloadId) {
        self.change(id, Change::Forget);
    }

    fn retire(&self, record: Record) {
        let forgets = self.shared.lock().forgets;
        self.change(record.id, if forgets { Change::Forget } else { Change::Retire(Box::new(record)) });
    }

    fn count(&self, came: Came) {
        let mut pending = self.shared.lock();
        if !pending.forgets && pending.stage == Stage::Open {
            pending.batch.count(came);
            self.shared.changed.notify_all();
        }
    }

    fn remember(&self, remembers: bool) {
        self.shared.lock().forgets = !remembers;
    }

    fn close(&self) {
        let Some(writer) = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let mut pending = self.shared.lock();
        if pending.stage == Stage::Open {
            pending.stage = Stage::Closing;
        }
        self.shared.changed.notify_all();
        let (pending, timeout) = self
            .shared
            .changed
            .wait_timeout_while(pending, CLOSE_BOUND, |pending| pending.stage != Stage::Closed)
            .unwrap_or_else(PoisonError::into_inner);
        drop(pending);
        if timeout.timed_out() {
            tracing::error!("the disk of the saved list does not answer; its last changes are not saved");
        } else if writer.join().is_err() {
            tracing::error!("the list's thread has panicked; its last changes are not saved");
        }
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    /// Every change to what is behind this lock is whole at once, so a poisoned one is still good.
    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps until there is something to write, then until more of it has gathered, or there is a question.
    fn take(&self) -> (Batch, Vec<Question>, Stage) {
        let idle = |pending: &mut Pending| pending.is_undisturbed() && pending.batch.is_empty();
        let pending = self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        let mut pending = self.sleep(pending, GATHER);
        (std::mem::take(&mut pending.batch), std::mem::take(&mut pending.questions), pending.stage)
    }

    /// Puts back what could not be written, unless there is a later word.
    fn give_back(&self, batch: Batch) {
        let mut pending = self.lock();
        for (id, change) in batch.changes {
            pending.batch.changes.entry(id).or_insert(change);
        }
        pending.batch.count(batch.came);
    }

    /// Has the thread look something up. It is dropped if the thread has ended.
    pub fn ask(&self, question: Box<dyn FnOnce(&List) + Send>) {
        let mut pending = self.lock();
        if pending.stage == Stage::Open {
            pending.questions.push(Question(question));
            self.changed.notify_all();
        }
    }

    /// Until the time is over, the store is closed or somebody asks.
    fn sleep<'a>(&self, pending: MutexGuard<'a, Pending>, time: Duration) -> MutexGuard<'a, Pending> {
        let open = |pending: &mut Pending| pending.is_undisturbed();
        self.changed.wait_timeout_while(pending, time, open).unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Pending {
    fn is_undisturbed(&self) -> bool {
        self.stage == Stage::Open && self.questions.is_empty()
    }
}

/// Says that the thread has ended, also when it panics. Who still waits for an answer gets none.
struct Ending<'a>(&'a Shared);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let mut pending = self.0.lock();
        pending.stage = Stage::Closed;
        pending.questions.clear();
        drop(pending);
        self.0.changed.notify_all();
    }
}

/// The file, and where it is.
pub struct List {
    pub connection: Connection,
    pub path: PathBuf,
}

fn run(mut list: List, shared: &Shared, pulse: &Pulse) {
    let _ending = Ending(shared);
    let mut last_tries = LAST_TRIES;
    let mut folded_on = None;
    loop {
        let (batch, questions, stage) = shared.take();
        let mut has_failed = false;
        if !batch.is_empty() {
            let written = write(&mut list.connection, &batch, &mut folded_on);
            let failure = written.err().map(|error| {
                tracing::error!(%error, rows = batch.changes.len(), "the list cannot be saved");
                database::failure(&error, &list.path, &format!("saving the list {}", list.path.display()))
            });
            has_failed = failure.is_some();
            if has_failed {
                shared.give_back(batch);
            }
            pulse.beat(failure);
        }
        for Question(question) in questions {
            question(&list);
        }
        match stage {
            Stage::Open if has_failed => drop(shared.sleep(shared.lock(), TRY_AGAIN)),
            Stage::Open => {}
            Stage::Closing | Stage::Closed if has_failed && last_tries > 1 => {
                last_tries -= 1;
                thread::sleep(LAST_WAIT);
            }
            Stage::Closing | Stage::Closed => break,
        }
    }
    pulse.stop();
    // Closing writes the log back into the file and removes it.
    if let Err((_, error)) = list.connection.close() {
        tracing::warn!(%error, "closing the list");
    }
}

/// All or none. A record that itself cannot be written is logged and left out, so that it does
/// not keep the others from being saved. `folded_on`: the last day on which old ones of what came were seen to.
fn write(connection: &mut Connection, batch: &Batch, folded_on: &mut Option<Day>) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    let mut grows = false;
    for (id, change) in &batch.changes {
        let done = match change {
            Change::Save(record) => rows::save(&transaction, record),
            Change::Forget => rows::forget(&transaction, *id),
            Change::Retire(record) => {
                grows = true;
                history::retire(&transaction, record)
            }
        };
        match done {
            Err(error) if database::sqlite_error(&error).is_none() => tracing::error!(%id, %error, "cannot be saved"),
            other => other?,
        }
    }
    if grows {
        history::bound(&transaction)?;
    }
    traffic::add(&transaction, &batch.came)?;
    let today = batch.came.keys().map(|(day, _)| *day).max();
    let is_new_day = today > *folded_on;
    if let Some(today) = today.filter(|_| is_new_day) {
        traffic::fold(&transaction, today)?;
    }
    transaction.commit()?;
    if is_new_day {
        *folded_on = today;
    }
    Ok(())
}

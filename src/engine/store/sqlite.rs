// SPDX-License-Identifier: GPL-3.0-or-later
//! The store and its thread. What is saved waits in a map, the last word of each download only;
//! the thread writes the map as one transaction, at most once a second. What can not be written is
//! kept and tried again, and [`SqliteStore::health`] tells of it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;

use super::database::{self, SetAside};
use super::health::{Health, Pulse};
use super::{Record, Store, rows};
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

#[derive(Debug, Default)]
struct Shared {
    pending: Mutex<Pending>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Pending {
    changes: HashMap<DownloadId, Change>,
    stage: Stage,
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

    /// Tells when the list can not be saved, and when it can again.
    pub fn health(&self) -> Health {
        self.pulse.listen()
    }

    #[cfg(test)]
    pub(super) fn pending(&self) -> usize {
        self.shared.lock().changes.len()
    }

    fn change(&self, id: DownloadId, change: Change) {
        let mut pending = self.shared.lock();
        if pending.stage != Stage::Open {
            tracing::warn!(%id, "a change of the list came after its end and is not saved");
            return;
        }
        pending.changes.insert(id, change);
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

    /// Sleeps until there is something to write, then until more of it has gathered.
    fn take(&self) -> (HashMap<DownloadId, Change>, Stage) {
        let idle = |pending: &mut Pending| pending.stage == Stage::Open && pending.changes.is_empty();
        let pending = self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        let mut pending = self.sleep(pending, GATHER);
        (std::mem::take(&mut pending.changes), pending.stage)
    }

    /// Puts back what could not be written, unless there is a later word.
    fn give_back(&self, changes: HashMap<DownloadId, Change>) {
        let mut pending = self.lock();
        for (id, change) in changes {
            pending.changes.entry(id).or_insert(change);
        }
    }

    /// Until the time is over or the store is closed.
    fn sleep<'a>(&self, pending: MutexGuard<'a, Pending>, time: Duration) -> MutexGuard<'a, Pending> {
        let open = |pending: &mut Pending| pending.stage == Stage::Open;
        self.changed.wait_timeout_while(pending, time, open).unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Says that the thread has ended, also when it panics.
struct Ending<'a>(&'a Shared);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.lock().stage = Stage::Closed;
        self.0.changed.notify_all();
    }
}

/// The file, and where it is.
struct List {
    connection: Connection,
    path: PathBuf,
}

fn run(mut list: List, shared: &Shared, pulse: &Pulse) {
    let _ending = Ending(shared);
    let mut last_tries = LAST_TRIES;
    loop {
        let (changes, stage) = shared.take();
        let written = write(&mut list.connection, &changes);
        let failure = written.err().map(|error| {
            tracing::error!(%error, rows = changes.len(), "the list can not be saved");
            database::failure(&error, &list.path, &format!("saving the list {}", list.path.display()))
        });
        let has_failed = failure.is_some();
        if has_failed {
            shared.give_back(changes);
        }
        pulse.beat(failure);
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

/// All or none. A record that itself can not be written is logged and left out, so that it does
/// not keep the others from being saved.
fn write(connection: &mut Connection, changes: &HashMap<DownloadId, Change>) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for (id, change) in changes {
        let done = match change {
            Change::Save(record) => rows::save(&transaction, record),
            Change::Forget => rows::forget(&transaction, *id),
        };
        match done {
            Err(error) if database::sqlite_error(&error).is_none() => tracing::error!(%id, %error, "can not be saved"),
            other => other?,
        }
    }
    transaction.commit()
}

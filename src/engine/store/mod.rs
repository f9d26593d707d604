// SPDX-License-Identifier: GPL-3.0-or-later
//! The saved list: SQLite on a thread of its own. `sqlite.rs` is the store and its thread,
//! `database.rs` opens the file and sets a damaged one aside, `migrations.rs` is the schema,
//! `rebuild.rs` finds again what a damaged one has lost, `rows.rs` is one record as columns, `redact.rs` keeps secrets out of it,
//! `health.rs` tells when it cannot be saved. The same file keeps what was on the list (`history.rs`) and how
//! much came (`traffic.rs`), which `archive.rs` reads.

mod archive;
mod database;
mod health;
mod history;
mod migrations;
mod rebuild;
pub mod redact;
mod rows;
mod sqlite;
#[cfg(test)]
mod tests;
mod traffic;

use std::path::PathBuf;
use std::time::SystemTime;

pub use archive::Archive;
pub use database::SetAside;
pub use health::Health;
pub use history::{Past, Wishes};
pub use sqlite::{Opened, SqliteStore};
pub use traffic::{Came, Day, Traffic};

use super::download::spec::{Checksum, DownloadSpec};
use super::error::Failure;
use super::turn::Turn;
use super::types::DownloadId;

/// What is kept of a download between sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub id: DownloadId,
    pub spec: DownloadSpec,
    pub state: SavedState,
    pub name: String,
    /// The finished file, or the part file while incomplete.
    pub path: Option<PathBuf>,
    pub received: u64,
    pub total: Option<u64>,
    pub media_type: Option<String>,
    pub verified: Option<Checksum>,
    /// Taken off the list, but its Undo was still open.
    pub removed: bool,
    /// Where it stands in the order of the queue, if it was moved.
    pub turn: Option<Turn>,
    pub added_at: SystemTime,
    pub finished_at: Option<SystemTime>,
}

/// The states that make sense after a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SavedState {
    /// Was waiting or running: goes on by itself.
    Queued,
    Scheduled {
        at: SystemTime,
    },
    Paused,
    Completed,
    Failed(Failure),
}

/// Where records go. All but `close` return at once.
pub trait Store {
    /// Insert or replace.
    fn save(&self, record: Record);
    fn forget(&self, id: DownloadId);
    /// The same for a download that was complete: it goes into the history, where one is kept.
    fn retire(&self, record: Record);
    /// So much came, besides what was told before.
    fn count(&self, came: Came);
    /// Whether a history is kept from now on, and how much came. What is there already stays.
    fn remember(&self, remembers: bool);
    /// Returns when everything given before is on disk. Called once, at the end.
    fn close(&self);
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! All that may be asked of the engine: orders, as plain `Send` data.

use super::download::spec::DownloadSpec;
use super::types::{DownloadId, Speed};

/// An order. One that does not fit the download's state (resume a completed one) changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Put a new download at the end of the queue. The id comes from `Engine::next_id`.
    Add {
        id: DownloadId,
        spec: Box<DownloadSpec>,
    },
    /// Stop its transfers and keep all it has; it stays stopped until `Resume`.
    Pause(DownloadId),
    /// Queue it again: after a pause, before a wait is over, after a failure.
    Resume(DownloadId),
    PauseAll,
    ResumeAll,
    /// Take it off the list. An unfinished one is stopped and its part file kept until `Purge`, so
    /// that `Restore` can undo it without loss; a finished file is never touched.
    Remove(DownloadId),
    /// Undo `Remove`.
    Restore(DownloadId),
    /// Make `Remove` final: the part file and the journal of an unfinished download are deleted.
    Purge(DownloadId),
    SetLimits(Limits),
}

/// What all downloads together may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most downloads at a time.
    pub parallel: usize,
    /// Most connections to one host (scheme, name and port).
    pub per_host: usize,
    /// Most bytes a second over all transfers.
    pub rate: Option<Speed>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { parallel: 5, per_host: 8, rate: None }
    }
}

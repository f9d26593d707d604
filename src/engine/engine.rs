// SPDX-License-Identifier: GPL-3.0-or-later
//! Owns all downloads.

use std::path::PathBuf;

use super::command::{Command, Limits};
use super::download::spec::DownloadSpec;
use super::error::Failure;
use super::event::{Event, Snapshot};
use super::types::DownloadId;

/// How an engine is started.
#[derive(Clone, Debug, Default)]
pub struct Config {
    pub limits: Limits,
    /// The saved list's file; `None`: nothing is saved (the command line).
    pub list: Option<PathBuf>,
}

/// A handle to the engine; clones speak to the same one. Lives on the thread of the default main
/// context.
#[derive(Clone, Debug)]
pub struct Engine {}

impl Engine {
    /// Starts the engine and loads the saved list (each row is told as `Added` once a listener is
    /// there; what was running is queued again).
    pub fn start(config: Config) -> Result<Engine, Failure> {
        let _ = config;
        Ok(Engine {})
    }

    /// Everything told from now on goes to this listener; rows that are there already are told first.
    pub fn listen(&self, listener: impl Fn(&Event) + 'static) {
        let _ = listener;
    }

    /// Queues a download.
    pub fn add(&self, spec: DownloadSpec) -> DownloadId {
        let _ = spec;
        DownloadId(0)
    }

    pub fn send(&self, command: Command) {
        let _ = command;
    }

    pub fn snapshot(&self, id: DownloadId) -> Option<Snapshot> {
        let _ = id;
        None
    }

    pub fn snapshots(&self) -> Vec<Snapshot> {
        Vec::new()
    }

    /// Stops everything, keeps what came (part files, journals, list), then calls back once. What
    /// was running will run again at the next start.
    pub fn stop(&self, done: impl FnOnce() + 'static) {
        done();
    }
}

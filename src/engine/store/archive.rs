// SPDX-License-Identifier: GPL-3.0-or-later
//! What is kept besides the list: the history, and how much came. It is read and cleared by the list's
//! thread, after what was saved before, while the main loop goes on.

use std::sync::{Arc, mpsc};

use rusqlite::Connection;
use url::Url;

use super::database;
use super::history::{self, Past};
use super::sqlite::{List, Shared};
use super::traffic::{self, Day, Traffic};
use crate::engine::error::{Failure, FailureKind};
use crate::engine::types::DownloadId;

/// A handle; clones are of the same archive.
#[derive(Clone, Debug)]
pub struct Archive(pub(super) Arc<Shared>);

impl Archive {
    /// All of the history, the latest first.
    pub async fn history(&self) -> Result<Vec<Past>, Failure> {
        self.ask("reading the history", history::load).await
    }

    /// The places of those addresses that the history has, each with what became of it the last time.
    pub async fn find(&self, urls: Vec<Url>) -> Result<Vec<(usize, Past)>, Failure> {
        self.ask("looking into the history", move |connection| history::find(connection, &urls)).await
    }

    /// Takes these out of the history.
    pub async fn forget(&self, ids: Vec<DownloadId>) -> Result<(), Failure> {
        self.ask("clearing the history", move |connection| history::forget(connection, &ids)).await
    }

    pub async fn clear_history(&self) -> Result<(), Failure> {
        self.ask("clearing the history", history::clear).await
    }

    /// What came from this day on.
    pub async fn traffic(&self, since: Day) -> Result<Traffic, Failure> {
        self.ask("reading how much came", move |connection| traffic::load(connection, since)).await
    }

    pub async fn clear_traffic(&self) -> Result<(), Failure> {
        self.ask("clearing how much came", traffic::clear).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        doing: &'static str,
        look: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let (answer, answered) = mpsc::channel();
        self.0.ask(Box::new(move |list: &List| {
            let told = look(&list.connection).map_err(|error| database::failure(&error, &list.path, doing));
            // It does not matter if nobody waits for it any more.
            let _ = answer.send(told);
        }));
        let told = gio::spawn_blocking(move || answered.recv()).await;
        let is_over = || Failure::new(FailureKind::Internal(0), format!("{doing}: the list is closed"));
        told.ok().and_then(Result::ok).unwrap_or_else(|| Err(is_over()))
    }
}

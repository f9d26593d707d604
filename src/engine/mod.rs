// SPDX-License-Identifier: GPL-3.0-or-later
//! The downloader: everything but windows and words. Uses std, glib, gio, curl and storage crates;
//! knows no toolkit and no translation.

// A download may fail, the program may not.
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod book;
pub mod chronicle;
pub mod clock;
pub mod command;
pub mod details;
pub mod disk;
pub mod download;
#[allow(clippy::module_inception)] // the file is named for its main type, like all others
pub mod engine;
pub mod error;
pub mod event;
pub mod import;
mod item;
pub mod kind;
pub mod net;
pub mod plan;
mod queue;
pub mod rate;
pub mod sorting;
mod sources;
pub mod store;
pub mod turn;
pub mod types;
mod work;

pub use book::Parts;
pub use command::{Command, Limits};
pub use download::spec::DownloadSpec;
pub use download::state::State;
pub use engine::Engine;
pub use error::{Failure, FailureClass, FailureKind};
pub use event::{Event, Progress, Snapshot};
pub use types::{DownloadId, Speed};

/// Taken by unit tests that use the default main context: only one thread can hold it.
#[cfg(test)]
pub(crate) static MAIN_CONTEXT_TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());

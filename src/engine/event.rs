// SPDX-License-Identifier: GPL-3.0-or-later
//! All that the engine tells: past tense, as plain `Send` data.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use url::Url;

use super::download::spec::Checksum;
use super::download::state::State;
use super::error::Failure;
use super::turn::Turn;
use super::types::{DownloadId, ProbeId, Speed};

/// What happened. Delivered on the main loop, never from inside a libcurl callback, so a listener
/// may send commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A download is new in the list: added, restored, or loaded at the start.
    Added(Box<Snapshot>),
    /// Its state, name or total changed. One event for each change of state.
    Changed(Box<Snapshot>),
    /// Bytes came in. Merged: at most four a second for each download.
    Progressed { id: DownloadId, progress: Progress },
    /// These stand at another place in the order of the queue.
    Moved(Vec<(DownloadId, Turn)>),
    /// It is no longer in the list (it may be restored until it is purged).
    Removed(DownloadId),
    /// What an address leads to that was asked about by `Command::Probe`.
    Probed { id: ProbeId, result: Box<Result<Probed, Failure>> },
    /// The list cannot be saved, and why; it is tried again every few seconds. `None`: it is saved again.
    ListUnsaved(Option<Failure>),
}

/// What an address leads to, as far as its server tells before the first byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probed {
    /// What the file would be called.
    pub name: String,
    pub total: Option<u64>,
    pub media_type: Option<String>,
    /// Whether a download would continue where it stopped.
    pub resumable: Option<bool>,
}

/// How far a download is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the file that have arrived, those of earlier sessions included.
    pub received: u64,
    /// The file's length, once the server has told.
    pub total: Option<u64>,
    /// Measured over the last seconds; zero when nothing runs.
    pub speed: Speed,
    /// At this speed; `None` when total or speed are not known.
    pub time_left: Option<Duration>,
}

/// A download as the outside sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    pub id: DownloadId,
    /// The address it was asked for (not where redirects led).
    pub url: Url,
    pub folder: PathBuf,
    /// The file's name as far as known: guessed from the address before the server answers.
    pub name: String,
    /// The finished file, or the part file while it is incomplete and there is one.
    pub path: Option<PathBuf>,
    pub state: State,
    pub progress: Progress,
    /// Whether it would continue where it stopped; `None` until the server has answered.
    pub resumable: Option<bool>,
    /// The media type the server told (RFC 9110 section 8.3), without parameters.
    pub media_type: Option<String>,
    /// What the finished file was verified against.
    pub verified: Option<Checksum>,
    /// The user took it as it is, whatever its checksum should have been.
    pub is_kept: bool,
    /// What is here of it is being taken to [`Snapshot::folder`], and so many bytes of it are there.
    pub moved: Option<u64>,
    /// How long from this moment until it tries again, when `state` is Waiting.
    pub retry_in: Option<Duration>,
    /// When that is by the clock on the wall, for who reads it later.
    pub retry_at: Option<SystemTime>,
    /// The disk was full for it: before it asks a server it looks whether there is room now.
    pub lacked_space: bool,
    pub added_at: SystemTime,
    pub finished_at: Option<SystemTime>,
}

/// As much of a download as it is found by, borrowed from wherever it is kept.
#[derive(Clone, Copy, Debug)]
pub struct Outline<'a> {
    pub url: &'a str,
    pub folder: &'a Path,
    pub name: &'a str,
    pub state: &'a State,
    pub media_type: Option<&'a str>,
}

impl Snapshot {
    pub fn outline(&self) -> Outline<'_> {
        Outline {
            url: self.url.as_str(),
            folder: &self.folder,
            name: &self.name,
            state: &self.state,
            media_type: self.media_type.as_deref(),
        }
    }
}

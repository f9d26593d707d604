// SPDX-License-Identifier: GPL-3.0-or-later
//! One download as the engine keeps it: what is known of the file, and the work that is going on.
//! Decides nothing (that is `download/state.rs`) and does nothing (that is `book.rs`).

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::disk::{Journal, Open, naming};
use super::download::spec::{Checksum, DownloadSpec};
use super::download::state::{Life, State};
use super::event::{Progress, Snapshot};
use super::net::Asked;
use super::net::headers::Validator;
use super::net::proof::Answer;
use super::plan::map::Map;
use super::rate::{self, Meter};
use super::store::{Record, SavedState};
use super::types::{DownloadId, Moment, PartId, Speed, TransferId};

/// A download with all that is known of it.
#[derive(Debug)]
pub struct Item {
    pub id: DownloadId,
    pub spec: DownloadSpec,
    pub life: Life,
    /// The name the finished file is to have.
    pub name: String,
    /// The part file, or the finished file.
    pub path: Option<PathBuf>,
    pub map: Map,
    pub validator: Option<Validator>,
    pub modified: Option<SystemTime>,
    pub media_type: Option<String>,
    pub resumable: Option<bool>,
    pub verified: Option<Checksum>,
    /// The most that ever was on disk of it: only what goes beyond is progress, or a server that always
    /// breaks off would be asked for ever.
    pub best: u64,
    /// The server compresses although asked not to.
    pub decode: bool,
    /// The server can not or does not continue this part file: begin anew.
    pub distrust: bool,
    /// An older part file that is kept until the new one is complete.
    pub replaces: Option<PathBuf>,
    /// There while it has a slot, and until its part file is closed after that.
    pub work: Option<Work>,
    /// What to do once the part file is closed.
    pub after_close: AfterClose,
    /// Taken off the list; `Some(true)`: it was on its way, and goes on when restored.
    pub removed: Option<bool>,
    pub meter: Meter,
    pub added_at: SystemTime,
    pub finished_at: Option<SystemTime>,
}

/// What follows when the part file of an earlier run is closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AfterClose {
    #[default]
    Nothing,
    /// It got its next slot meanwhile.
    Prepare,
    /// Nobody wants it any more.
    Purge,
}

/// A run of a download: from the slot it was granted to its closed part file.
#[derive(Debug)]
pub struct Work {
    pub part: PartId,
    /// The part file that is continued; `None`: a new one.
    pub resume: Option<PathBuf>,
    /// The disk was told to open the part file...
    pub is_open: bool,
    /// ...and has said that it did.
    pub is_told_open: bool,
    pub transfer: Option<TransferId>,
    /// Bytes that were there when the transfer began.
    pub base: u64,
    /// Where the transfer begins.
    pub from: u64,
    /// Journals on their way. The answer to the last one comes after those to all writes that were
    /// given before it.
    pub saves: u32,
    /// The run is over: saved until a journal claims all that was written, then closed.
    pub is_closing: bool,
    pub saved_at: Moment,
    /// The bytes done that the last journal given to the disk claims.
    pub claimed: u64,
}

impl Item {
    pub fn new(id: DownloadId, spec: DownloadSpec, added_at: SystemTime) -> Self {
        let name = naming::choose(spec.name.as_deref(), None, &spec.url, None);
        Self {
            id,
            spec,
            life: Life::new(State::Queued),
            name,
            path: None,
            map: Map::default(),
            validator: None,
            modified: None,
            media_type: None,
            resumable: None,
            verified: None,
            best: 0,
            decode: false,
            distrust: false,
            replaces: None,
            work: None,
            after_close: AfterClose::default(),
            removed: None,
            meter: Meter::default(),
            added_at,
            finished_at: None,
        }
    }

    /// Bytes of the file that are here; `arrived` came in the running transfer.
    pub fn received(&self, arrived: Option<u64>) -> u64 {
        let done = self.map.done().bytes();
        match (&self.work, arrived) {
            (Some(work), Some(arrived)) => done.max(work.base + arrived),
            _ => done,
        }
    }

    pub fn progress(&self, received: u64) -> Progress {
        let is_running = matches!(self.life.state, State::Downloading);
        let speed = if is_running { self.meter.speed() } else { Speed(0) };
        let total = self.map.total();
        let time_left = total.and_then(|total| rate::time_left(total.saturating_sub(received), speed));
        Progress { received, total, speed, time_left: time_left.filter(|_| is_running) }
    }

    pub fn snapshot(&self, received: u64, now: Moment) -> Snapshot {
        let retry_in = match &self.life.state {
            State::Waiting { until, .. } => Some(*until - now),
            _ => None,
        };
        Snapshot {
            id: self.id,
            url: self.spec.url.clone(),
            folder: self.spec.folder.clone(),
            name: self.name.clone(),
            path: self.path.clone(),
            state: self.life.state.clone(),
            progress: self.progress(received),
            resumable: self.resumable,
            media_type: self.media_type.clone(),
            verified: self.verified.clone(),
            retry_in,
            added_at: self.added_at,
            finished_at: self.finished_at,
        }
    }

    /// What the journal beside its part file says now.
    pub fn journal(&self) -> Journal {
        Journal {
            url: self.spec.url.clone(),
            mirrors: self.spec.mirrors.clone(),
            name: self.name.clone(),
            total: self.map.total(),
            validator: self.validator.clone(),
            modified: self.modified,
            checksum: self.spec.checksum.clone(),
            done: self.map.done().to_vec(),
        }
    }

    /// How its part file is opened.
    pub fn open(&self, journal: Option<Box<Journal>>) -> Open {
        Open {
            folder: self.spec.folder.clone(),
            resume: self.work.as_ref().and_then(|work| work.resume.clone()),
            name: self.name.clone(),
            on_exists: self.spec.on_exists,
            total: self.map.total(),
            journal,
        }
    }

    /// Takes over what a journal says.
    pub fn adopt(&mut self, part_path: PathBuf, journal: &Journal) {
        self.name.clone_from(&journal.name);
        self.map = Map::new(journal.total, journal.done.iter().copied());
        self.best = self.best.max(self.map.done().bytes());
        self.validator.clone_from(&journal.validator);
        self.modified = journal.modified;
        self.path = Some(part_path);
    }

    /// Nothing is here of the file.
    pub fn forget_bytes(&mut self) {
        self.map = Map::default();
        self.validator = None;
        self.modified = None;
        self.path = None;
    }

    /// Whether what is here can be continued: something must prove that it is the same file.
    pub fn can_continue(&self) -> bool {
        !self.distrust && self.validator.is_some() && self.map.total().is_some() && self.spec.resume
    }

    /// Takes in what the server tells of the file. `answer.start` has been dealt with.
    pub fn learn(&mut self, answer: &Answer) {
        if answer.start == 0 {
            let url = answer.url.as_ref().unwrap_or(&self.spec.url);
            let media_type = answer.media_type.as_deref();
            self.name = naming::choose(self.spec.name.as_deref(), answer.name.as_deref(), url, media_type);
        }
        if let Some(total) = answer.total {
            self.map.set_total(total);
        }
        self.validator.clone_from(&answer.validator);
        self.modified = answer.modified;
        self.media_type.clone_from(&answer.media_type);
        self.resumable = Some(answer.resumable);
    }

    pub fn asked(&self, from: u64) -> Asked {
        Asked { from, total: self.map.total(), validator: self.validator.clone(), decode: self.decode }
    }

    pub fn record(&self) -> Record {
        let state = match &self.life.state {
            State::Queued | State::Connecting | State::Downloading | State::Waiting { .. } | State::Verifying => {
                SavedState::Queued
            }
            State::Scheduled { at } => SavedState::Scheduled { at: *at },
            // A removed one that was on its way goes on if its removal is undone by a crash.
            State::Paused if self.removed == Some(true) => SavedState::Queued,
            State::Paused => SavedState::Paused,
            State::Completed => SavedState::Completed,
            State::Failed(failure) => SavedState::Failed(failure.clone()),
        };
        Record {
            id: self.id,
            spec: self.spec.clone(),
            state,
            name: self.name.clone(),
            path: self.path.clone(),
            received: self.map.done().bytes(),
            total: self.map.total(),
            media_type: self.media_type.clone(),
            verified: self.verified.clone(),
            removed: self.removed.is_some(),
            added_at: self.added_at,
            finished_at: self.finished_at,
        }
    }

    pub fn from_record(record: Record) -> Self {
        let mut item = Self::new(record.id, record.spec, record.added_at);
        item.life = Life::new(match record.state {
            SavedState::Queued => State::Queued,
            SavedState::Scheduled { at } => State::Scheduled { at },
            SavedState::Paused => State::Paused,
            SavedState::Completed => State::Completed,
            SavedState::Failed(failure) => State::Failed(failure),
        });
        item.name = record.name;
        item.path = record.path;
        // How far it was: shown until its journal is read.
        item.map = Map::new(record.total, [super::types::ByteRange::new(0, record.received)]);
        item.media_type = record.media_type;
        item.verified = record.verified;
        item.removed = record.removed.then_some(false);
        item.finished_at = record.finished_at;
        item
    }
}

/// How long a connection may be silent; the spec's wish, bounded below so that it can connect.
pub fn silence(spec: &DownloadSpec) -> Duration {
    spec.patience.silence.max(Duration::from_secs(1))
}

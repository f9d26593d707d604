// SPDX-License-Identifier: GPL-3.0-or-later
//! One download as the engine keeps it: what is known of the file, and the work that is going on.
//! Decides nothing (that is `download/state.rs`) and does nothing (that is `book.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use url::Url;

use super::details::Origin;
use super::disk::{Journal, Open, naming};
use super::download::spec::{Checksum, DownloadSpec};
use super::download::state::{Life, State};
use super::error::Failure;
use super::event::{Progress, Snapshot};
use super::net::headers::Validator;
use super::net::proof::Answer;
use super::net::{Asked, Fetched, Vitals};
use super::plan::map::Map;
use super::plan::ramp::Ramp;
use super::plan::ranges::RangeSet;
use super::rate::{self, Meter};
use super::sources::Sources;
use super::store::{Record, SavedState};
use super::types::{ByteRange, DownloadId, Moment, PartId, Speed, TransferId};

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
    /// What the bytes must amount to by the word of the server, or of a list beside the file.
    pub told: Option<(Checksum, Origin)>,
    /// Pieces that were found right, are being checked, or came wrong so often; which source gave what.
    pub proven: BTreeSet<usize>,
    pub in_question: BTreeSet<usize>,
    pub wrong: BTreeMap<usize, u32>,
    pub supplied: Vec<(ByteRange, usize)>,
    /// The address is a new one, which has not shown yet that it leads to the same file.
    pub is_renewed: bool,
    /// The most that ever was on disk of it: only what goes beyond is progress, or a server that always
    /// breaks off would be asked for ever.
    pub best: u64,
    /// The server compresses although asked not to.
    pub decode: bool,
    /// The server can not or does not continue this part file: begin anew.
    pub distrust: bool,
    /// The server gives the file only as a whole, whatever it says.
    pub is_whole_only: bool,
    pub sources: Sources,
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
    /// How often it was looked for before.
    pub looks: u32,
    /// The part file that is continued; `None`: a new one.
    pub resume: Option<PathBuf>,
    /// The disk was told to open the part file...
    pub is_open: bool,
    /// ...and has said that it did.
    pub is_told_open: bool,
    pub transfers: BTreeMap<TransferId, Running>,
    pub ramp: Ramp,
    /// When to see whether more transfers help.
    pub ramp_at: Option<Moment>,
    /// The most transfers at a time, as it turned out in this run.
    pub most: usize,
    /// How long a transfer took from its start to its answer.
    pub setup: Duration,
    /// What went wrong with transfers while others went on, and how often in a row; no further one is
    /// started before the moment.
    pub trouble: Option<Trouble>,
    /// A checksum that is looked for beside the file.
    pub lookup: Option<Lookup>,
    /// Samples that are compared with those of a new address.
    pub renewal: Option<Renewal>,
    /// Journals on their way. The answer to the last one comes after those to all writes that were
    /// given before it.
    pub saves: u32,
    /// The run is over: saved until a journal claims all that was written, then closed.
    pub is_closing: bool,
    pub saved_at: Moment,
    /// The bytes done that the last journal given to the disk claims.
    pub claimed: u64,
}

/// A transfer of a run.
#[derive(Debug)]
pub struct Running {
    /// Which of the sources it asks.
    pub source: usize,
    /// It asked for a range.
    pub has_range: bool,
    pub started_at: Moment,
    pub answered_at: Option<Moment>,
    pub meter: Meter,
}

/// See `book/beside.rs`.
#[derive(Debug)]
pub struct Lookup {
    /// Still to be asked, the next one last.
    pub places: Vec<Url>,
    pub transfer: Option<TransferId>,
}

/// See `book/renew.rs`.
#[derive(Debug)]
pub struct Renewal {
    /// Still to be compared, the next one last.
    pub ranges: Vec<ByteRange>,
    pub transfer: Option<TransferId>,
    /// What the new address has, until the disk has answered.
    pub fetched: Option<Fetched>,
}

#[derive(Clone, Debug)]
pub struct Trouble {
    pub failure: Failure,
    pub times: u32,
    pub until: Moment,
}

impl Work {
    pub fn new(part: PartId, now: Moment, most: usize) -> Self {
        Self {
            part,
            looks: 0,
            resume: None,
            is_open: false,
            is_told_open: false,
            transfers: BTreeMap::new(),
            ramp: Ramp::default(),
            ramp_at: None,
            most,
            setup: Duration::ZERO,
            trouble: None,
            lookup: None,
            renewal: None,
            saves: 0,
            is_closing: false,
            saved_at: now,
            claimed: 0,
        }
    }

    pub fn flowing(&self) -> usize {
        self.transfers.values().filter(|running| running.answered_at.is_some()).count()
    }

    /// Measures how fast each transfer is.
    pub fn sample(&mut self, now: Moment, vitals: impl Fn(TransferId) -> Option<Vitals>) {
        for (transfer, running) in &mut self.transfers {
            if let Some(vitals) = vitals(*transfer) {
                running.meter.sample(now, vitals.received);
            }
        }
    }
}

impl Item {
    pub fn new(id: DownloadId, spec: DownloadSpec, added_at: SystemTime) -> Self {
        let name = naming::choose(spec.name.as_deref(), None, &spec.url, None);
        let sources = Sources::new(&spec.url, &spec.mirrors);
        Self {
            id,
            sources,
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
            told: None,
            proven: BTreeSet::new(),
            in_question: BTreeSet::new(),
            wrong: BTreeMap::new(),
            supplied: Vec::new(),
            is_renewed: false,
            best: 0,
            decode: false,
            distrust: false,
            is_whole_only: false,
            replaces: None,
            work: None,
            after_close: AfterClose::default(),
            removed: None,
            meter: Meter::default(),
            added_at,
            finished_at: None,
        }
    }

    /// The bytes of the file that are here or came already; `next` says how far a transfer has got.
    pub fn arrived(&self, next: impl Fn(TransferId) -> Option<u64>) -> RangeSet {
        let mut arrived = self.map.arrived();
        for (id, loan) in self.map.loans() {
            if let Some(next) = next(id).filter(|next| *next > loan.start) {
                arrived.insert(ByteRange::new(loan.start, next));
            }
        }
        arrived
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
            is_kept: self.spec.keep && self.verified.is_none(),
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
            checksum: self.checksum().cloned(),
            replaces: self.replaces.clone(),
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
            checksum: self.checksum().cloned(),
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
        self.replaces.clone_from(&journal.replaces);
        for url in &journal.mirrors {
            self.sources.add(url);
        }
        self.path = Some(part_path);
    }

    /// Nothing is here of the file.
    pub fn forget_bytes(&mut self) {
        self.map = Map::default();
        self.validator = None;
        self.modified = None;
        self.path = None;
    }

    /// Whether anything shows that two answers speak of the same bytes.
    pub fn is_provable(&self) -> bool {
        self.validator.is_some() || self.spec.pieces.is_some()
    }

    /// Whether what is here can be continued: something must prove that it is the same file.
    pub fn can_continue(&self) -> bool {
        // Where nothing is left to ask for nothing need be the same, if the user takes it as it is.
        let is_settled = self.spec.keep && self.map.is_complete();
        !self.distrust && (self.is_provable() || is_settled) && self.map.total().is_some()
    }

    /// Whether a web page came where bytes of another kind of file are here already: what a link leads to
    /// that has expired.
    pub fn is_page_in_place_of_file(&self, answer: &Answer) -> bool {
        let is_page = |media: Option<&str>| matches!(media, Some("text/html" | "application/xhtml+xml"));
        let may_be_page = || {
            let name = self.name.to_ascii_lowercase();
            is_page(self.media_type.as_deref()) || [".html", ".htm", ".xhtml"].iter().any(|end| name.ends_with(end))
        };
        self.map.done().bytes() > 0 && is_page(answer.media_type.as_deref()) && !may_be_page()
    }

    /// What the finished file is held against: the user's word before anybody else's.
    pub fn checksum(&self) -> Option<&Checksum> {
        self.spec.checksum.as_ref().or(self.told.as_ref().map(|(checksum, _)| checksum))
    }

    /// It is in its place, or about to be moved there.
    pub fn is_over(&self) -> bool {
        matches!(self.life.state, State::Verifying | State::Completed)
    }

    /// The length of the file that this answer speaks of: one that is left out for once has not changed as
    /// long as the validator is the same.
    pub fn total_of(&self, answer: &Answer) -> Option<u64> {
        let is_same = self.validator.is_some() && self.validator == answer.validator && !self.decode;
        answer.total.or(self.map.total().filter(|_| is_same))
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
        self.told = answer.digest.clone().map(|digest| (digest, Origin::Server)).or(self.told.take());
        for url in &answer.mirrors {
            self.sources.add(url);
        }
    }

    /// What a transfer asks of a source, for a range of a file that is known already or for all of it.
    pub fn asked(&self, range: Option<ByteRange>, source: usize) -> Asked {
        let own = self.sources.get(source).and_then(|source| source.validator.clone());
        // Pieces prove the bytes themselves, whatever the server calls them.
        let has_pieces = self.spec.pieces.is_some();
        let is_strict = own.is_none() && source > 0 && !has_pieces;
        let validator = own.or_else(|| self.validator.clone().filter(|_| !has_pieces));
        let modified = self.modified.filter(|_| validator.is_some() && source == 0);
        Asked { range, total: self.map.total(), validator, modified, is_strict, decode: self.decode }
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
            // As long as there is no new part file the older one is the one to be found again.
            path: self.path.clone().or_else(|| self.replaces.clone()),
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
        item.map = Map::new(record.total, [ByteRange::new(0, record.received)]);
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

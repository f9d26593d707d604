// SPDX-License-Identifier: GPL-3.0-or-later
//! One download as the engine keeps it: what is known of the file, and the work that is going on.
//! Decides nothing (that is `download/state.rs`) and does nothing (that is `book.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use url::Url;

use super::chronicle::Chronicle;
use super::details::Origin;
use super::disk::{self, Journal, Look, Open, naming};
use super::download::spec::{Checksum, DownloadSpec};
use super::download::state::{Life, State, WaitReason};
use super::event::{Progress, Snapshot};
use super::net::Asked;
use super::net::headers::Validator;
use super::net::proof::Answer;
use super::plan::map::Map;
use super::plan::ranges::RangeSet;
use super::rate::{self, Meter};
use super::sources::Sources;
use super::store::{Record, SavedState};
use super::turn::Turn;
use super::types::{ByteRange, DownloadId, Moment, Speed, TransferId};
use super::work::Work;

/// How much has to be free before a file of unknown length is fetched again that the disk was too full for.
const ROOM: u64 = 1024 * 1024;

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
    /// With whether they were written once more meanwhile.
    pub in_question: BTreeMap<usize, bool>,
    pub wrong: BTreeMap<usize, u32>,
    pub supplied: Vec<(ByteRange, usize)>,
    /// The address is a new one, which has not shown yet that it leads to the same file.
    pub is_renewed: bool,
    /// The most that ever was on disk of it: only what goes beyond is progress, or a server that always
    /// breaks off would be asked for ever.
    pub best: u64,
    /// Whose answers the bytes that are here are from, where that is not the download's own address.
    pub origin: Option<Url>,
    /// The server compresses although asked not to.
    pub decode: bool,
    /// The server cannot or does not continue this part file: begin anew.
    pub distrust: bool,
    /// The server gives the file only as a whole, whatever it says.
    pub is_whole_only: bool,
    pub turned_away: Option<TurnedAway>,
    pub sources: Sources,
    /// The disk was full once.
    pub lacked_space: bool,
    /// The journal that was found says that it was complete and about to be moved into place.
    pub is_placed: bool,
    /// It was on the list, neither complete nor given up, when the program started.
    pub is_from_list: bool,
    /// Its part file is not where it was to be taken from: it may have been taken along by somebody who could not
    /// tell.
    pub is_astray: bool,
    /// It is as the list told: what its journal says besides was not read yet.
    pub is_unread: bool,
    /// An older part file that is kept until the new one is complete.
    pub replaces: Option<PathBuf>,
    /// There while it has a slot, and until its part file is closed after that.
    pub work: Option<Work>,
    /// What to do once the part file is closed.
    pub after_close: AfterClose,
    /// The user wants it to go on although downloads are held.
    pub defies: bool,
    /// Taken off the list; `Some(true)`: it was on its way, and goes on when restored.
    pub removed: Option<bool>,
    /// Where it stands in the order of the queue, if that is not where it was added.
    pub turn: Option<Turn>,
    pub meter: Meter,
    pub chronicle: Chronicle,
    pub added_at: SystemTime,
    pub finished_at: Option<SystemTime>,
}

/// It was refused while others had connections to the host.
#[derive(Debug)]
pub struct TurnedAway {
    pub others: usize,
    /// How many were allowed until then.
    pub allowed: Option<usize>,
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
            in_question: BTreeMap::new(),
            wrong: BTreeMap::new(),
            supplied: Vec::new(),
            is_renewed: false,
            origin: None,
            best: 0,
            decode: false,
            distrust: false,
            is_whole_only: false,
            turned_away: None,
            lacked_space: false,
            is_placed: false,
            is_from_list: false,
            is_astray: false,
            is_unread: false,
            replaces: None,
            work: None,
            after_close: AfterClose::default(),
            defies: false,
            removed: None,
            turn: None,
            meter: Meter::default(),
            chronicle: Chronicle::default(),
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

    pub fn turn(&self) -> Turn {
        Turn::of(self.id, self.turn)
    }

    pub fn progress(&self, received: u64) -> Progress {
        let is_running = matches!(self.life.state, State::Downloading);
        let speed = if is_running { self.meter.speed() } else { Speed(0) };
        let total = self.map.total();
        let time_left = total.and_then(|total| rate::time_left(total.saturating_sub(received), speed));
        Progress { received, total, speed, time_left: time_left.filter(|_| is_running) }
    }

    /// `now` and `today` are this moment by both clocks.
    pub fn snapshot(&self, received: u64, now: Moment, today: SystemTime) -> Snapshot {
        let retry_in = match &self.life.state {
            // What is held goes on when it may, not at a time.
            State::Waiting { reason: WaitReason::Held(_), .. } => None,
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
            moved: self.work.as_ref().and_then(|work| work.carried.as_ref()).map(|carried| carried.done),
            retry_in,
            retry_at: retry_in.map(|wait| today + wait),
            lacked_space: self.lacked_space,
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
            origin: self.origin.clone(),
            modified: self.modified,
            media_type: self.media_type.as_deref().map(Box::from),
            // A list beside the file is asked anew: it may be put right.
            checksum: self.checksum().filter(|_| !self.is_told_beside()).cloned(),
            replaces: self.replaces.clone(),
            placed: None,
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

    /// What the disk is to look for before it begins or goes on, besides these part files of others.
    pub fn look(&self, others: Vec<PathBuf>) -> Look {
        Look {
            folder: self.spec.folder.clone(),
            part_path: self.path.clone(),
            url: self.spec.url.clone(),
            name: self.spec.name.clone(),
            // Its own part file is continued in any case; the wish is about those of others.
            resume: self.spec.resume || self.path.is_some() || self.is_astray,
            others,
            length: self.least_length(),
            tries_room: self.lacked_space,
        }
    }

    /// What the disk is to look for to learn what the journal of its part file says, and no more.
    pub fn look_again(&self) -> Look {
        Look { resume: true, length: None, tries_room: false, ..self.look(Vec::new()) }
    }

    /// Takes over what a journal says.
    pub fn adopt(&mut self, part_path: PathBuf, journal: &Journal) {
        self.is_unread = false;
        if self.path.as_ref() != Some(&part_path) || self.validator != journal.validator {
            // They were told of other bytes than these.
            self.sources.forget_validators();
        }
        self.name.clone_from(&journal.name);
        self.map = Map::new(journal.total, journal.done.iter().copied());
        self.best = self.best.max(self.map.done().bytes());
        self.validator.clone_from(&journal.validator);
        self.modified = journal.modified;
        // One from before there were any may be in the list.
        self.media_type = journal.media_type.as_deref().map(str::to_owned).or(self.media_type.take());
        self.replaces.clone_from(&journal.replaces);
        let is_older = disk::address(&journal.url) != disk::address(&self.spec.url);
        self.origin = journal.origin.clone().or_else(|| is_older.then(|| journal.url.clone()));
        // From before a renewal, or from before that was proven.
        let is_known = |origin: &Url| self.spec.mirrors.iter().chain(&journal.mirrors).any(|mirror| mirror == origin);
        self.is_placed = journal.placed.is_some() && self.map.is_complete();
        self.is_renewed |= !self.is_placed && self.origin.as_ref().is_some_and(|origin| !is_known(origin));
        if !self.spec.keep {
            self.told = journal.checksum.clone().map(|told| (told, Origin::Server)).or(self.told.take());
        }
        for url in &journal.mirrors {
            self.sources.add(url);
        }
        self.path = Some(part_path);
    }

    /// Nothing is here of the file.
    pub fn forget_bytes(&mut self) {
        self.map = Map::default();
        self.validator = None;
        self.origin = None;
        self.modified = None;
        self.path = None;
        // It was told of what is given up now.
        self.told = None;
    }

    /// How long the file will be at least, where that is known: with no room for it no server is asked.
    pub fn least_length(&self) -> Option<u64> {
        // Of one that found the disk full there is more than came, and how much nobody has told.
        let beyond = || self.lacked_space.then(|| self.map.done().bytes().saturating_add(ROOM));
        self.map.total().or(self.spec.size).or_else(beyond)
    }

    /// Whether anything shows that two answers speak of the same bytes.
    pub fn is_provable(&self) -> bool {
        self.validator.is_some() || self.spec.pieces.is_some()
    }

    /// Whether what is here can be continued: something must prove that it is the same file.
    pub fn can_continue(&self) -> bool {
        // Where nothing is left to ask for nothing need be the same, if it was about to be moved into place or
        // the user takes it as it is.
        let is_settled = self.is_placed || (self.spec.keep && self.map.is_complete());
        let is_provable = self.is_provable() || self.is_renewed || is_settled;
        !self.distrust && is_provable && self.map.total().is_some() && self.has_right_length()
    }

    /// Whether what is here may be the file by what was told of it beforehand.
    fn has_right_length(&self) -> bool {
        let total = self.map.total();
        self.spec.size.is_none_or(|size| total == Some(size)) && self.misfit(total).is_none()
    }

    /// Whether a web page came where bytes of another kind of file are here already, or anything of another
    /// type and length, such as a message in JSON: what a link leads to that has expired.
    pub fn is_page_in_place_of_file(&self, answer: &Answer) -> bool {
        let is_page = |media: Option<&str>| matches!(media, Some("text/html" | "application/xhtml+xml"));
        let may_be_page = || {
            let name = self.name.to_ascii_lowercase();
            is_page(self.media_type.as_deref()) || [".html", ".htm", ".xhtml"].iter().any(|end| name.ends_with(end))
        };
        let types = self.media_type.as_ref().zip(answer.media_type.as_ref());
        let has_other_type = types.is_some_and(|(known, told)| known != told);
        let has_other_length = self.map.total().is_some() && self.total_of(answer) != self.map.total();
        let is_other_page = is_page(answer.media_type.as_deref()) && !may_be_page();
        self.map.done().bytes() > 0 && (is_other_page || (has_other_type && has_other_length))
    }

    /// What the finished file is held against: the user's word before anybody else's, and pieces are one.
    pub fn checksum(&self) -> Option<&Checksum> {
        let told = self.told.as_ref().filter(|_| self.spec.pieces.is_none());
        self.spec.checksum.as_ref().or(told.map(|(checksum, _)| checksum))
    }

    /// Whether nothing but a list beside the file tells what its bytes amount to.
    fn is_told_beside(&self) -> bool {
        self.spec.checksum.is_none() && matches!(self.told, Some((_, Origin::Beside)))
    }

    /// It is in its place, or about to be moved there.
    pub fn is_over(&self) -> bool {
        matches!(self.life.state, State::Verifying | State::Completed)
    }

    /// The length of the file that this answer speaks of, told by it or known beforehand.
    pub fn total_of(&self, answer: &Answer) -> Option<u64> {
        answer.total.or(answer.end.filter(|_| !answer.continues))
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
        if !answer.continues {
            // What others called the bytes before may be of another version.
            self.sources.forget_validators();
        }
        self.validator.clone_from(&answer.validator);
        self.modified = answer.modified;
        if answer.media_type.is_some() || !answer.continues {
            self.media_type.clone_from(&answer.media_type);
        }
        self.resumable = Some(answer.resumable);
        if !self.spec.keep {
            self.told = answer.digest.clone().map(|digest| (digest, Origin::Server)).or(self.told.take());
        }
        for url in &answer.mirrors {
            self.sources.add(url);
        }
    }

    /// What a transfer asks of a source, for a range of a file that is known already or for all of it.
    pub fn asked(&self, range: Option<ByteRange>, source: usize) -> Asked {
        let own = self.sources.get(source).and_then(|source| source.validator.clone());
        // Pieces prove the bytes themselves, whatever the server calls them.
        let has_pieces = self.spec.pieces.is_some();
        // Who has not told yet what it calls the bytes that came from elsewhere has to tell now.
        let is_from_elsewhere = source > 0 || (self.origin.is_some() && self.validator.is_some());
        let is_strict = own.is_none() && is_from_elsewhere && !has_pieces;
        let validator = own.or_else(|| self.validator.clone().filter(|_| !has_pieces));
        let modified = self.modified.filter(|_| validator.is_some() && source == 0);
        let (total, size) = (self.map.total(), self.spec.size);
        Asked { range, total, size, validator, modified, is_strict, decode: self.decode }
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
            turn: self.turn,
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
        item.is_from_list = !matches!(item.life.state, State::Completed | State::Failed(_));
        item.is_unread = record.path.is_some() && item.life.state != State::Completed;
        item.path = record.path;
        // How far it was: shown until its journal is read.
        item.map = Map::new(record.total, [ByteRange::new(0, record.received)]);
        item.media_type = record.media_type;
        item.verified = record.verified;
        item.removed = record.removed.then_some(false);
        item.turn = record.turn;
        item.finished_at = record.finished_at;
        item
    }
}

/// How long a connection may be silent; the spec's wish, bounded below so that it can connect.
pub fn silence(spec: &DownloadSpec) -> Duration {
    spec.patience.silence.max(Duration::from_secs(1))
}

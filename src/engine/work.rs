// SPDX-License-Identifier: GPL-3.0-or-later
//! A run of a download: what is at work on it, from the slot it was granted to its closed part file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::error::Failure;
use super::net::contact::Contact;
use super::net::headers::Validator;
use super::net::{Fetched, Vitals};
use super::plan::ramp::Ramp;
use super::rate::Meter;
use super::types::{ByteRange, Moment, PartId, TransferId};

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
    /// How far behind another one a transfer may begin, as the disk has said; `None`: anywhere.
    pub reach: Option<u64>,
    /// The answer told no length: the one that is known is from an earlier answer.
    pub assumes_total: bool,
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
    /// Bytes that the next request has to find again.
    pub overlap: Option<Overlap>,
    /// All that was given to the disk is written, and was told of: asked for before pieces are relied on.
    pub is_settled: Option<bool>,
    /// Journals on their way. The answer to the last one comes after those to all writes that were
    /// given before it.
    pub saves: u32,
    /// The run is over: saved until a journal claims all that was written, then closed.
    pub is_closing: bool,
    /// No run, but a part file that is taken to another folder, see `book/relocate.rs`.
    pub carried: Option<Carried>,
    pub saved_at: Moment,
    /// When the list was told last how much has come.
    pub listed_at: Moment,
    /// The bytes done that the last journal given to the disk claims.
    pub claimed: u64,
}

/// A part file on its way to another folder.
#[derive(Debug)]
pub struct Carried {
    pub part_path: PathBuf,
    /// So many bytes of it are there.
    pub done: u64,
    /// Yet another folder was chosen meanwhile.
    pub is_outdated: bool,
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
    /// Up to this offset what it brought is counted, see `book/traffic.rs`.
    pub counted: u64,
    /// How its answer came about.
    pub contact: Option<Arc<Contact>>,
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
    /// What the samples so far were told by, where an answer has come: one tag or date, or nothing that
    /// ties them to each other.
    pub told: Option<Option<Validator>>,
    /// What the new address has, until the disk has answered.
    pub fetched: Option<Fetched>,
}

/// See `book/renew.rs`.
#[derive(Debug)]
pub struct Overlap {
    pub range: ByteRange,
    /// Once the disk has answered.
    pub bytes: Option<Vec<u8>>,
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
            reach: None,
            assumes_total: false,
            transfers: BTreeMap::new(),
            ramp: Ramp::default(),
            ramp_at: None,
            most,
            setup: Duration::ZERO,
            trouble: None,
            lookup: None,
            renewal: None,
            overlap: None,
            is_settled: None,
            saves: 0,
            is_closing: false,
            carried: None,
            saved_at: now,
            listed_at: now,
            claimed: 0,
        }
    }

    /// Its part file is open, and the run is not over.
    pub fn is_under_way(&self) -> bool {
        self.is_open && !self.is_closing
    }

    /// It may fetch: besides, no new address has to be proven first.
    pub fn is_fetching(&self) -> bool {
        self.is_under_way() && self.renewal.is_none()
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

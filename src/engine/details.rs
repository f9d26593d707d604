// SPDX-License-Identifier: GPL-3.0-or-later
//! What a window shows of one download beyond its row: which bytes are here, which transfer fetches
//! what from where, and what proves that the bytes are the right ones.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::book::Book;
use super::download::spec::Checksum;
use super::download::state::State;
use super::error::Failure;
use super::import::as_curl::{self, CurlCommand};
use super::item::Item;
use super::net::contact::Contact;
use super::net::headers::Validator;
pub use super::sources::Standing;
use super::types::{ByteRange, DownloadId, Speed};

/// A picture of a download at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    pub total: Option<u64>,
    /// The bytes on disk.
    pub done: Vec<ByteRange>,
    /// The transfers that run, in the order of their bytes.
    pub segments: Vec<Segment>,
    /// Its own address, then the mirrors.
    pub sources: Vec<SourceDetails>,
    pub validator: Option<Validator>,
    /// What the finished file is held against, or was.
    pub checksum: Option<Checksum>,
    /// By whose word; not known of what was verified in an earlier session.
    pub origin: Option<Origin>,
    /// How many pieces are proven by checksums of their own, of how many.
    pub pieces: Option<(usize, usize)>,
    /// Most transfers that were allowed.
    pub most: usize,
    /// Most bytes a second over all transfers, where that is limited for this download.
    pub rate: Option<Speed>,
    /// Why there are fewer transfers than were allowed.
    pub trouble: Option<Failure>,
}

/// Who told a checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    User,
    Server,
    /// A list of checksums beside the file.
    Beside,
}

/// A running transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// What it fetches.
    pub range: ByteRange,
    /// The offset of the byte that comes next.
    pub next: u64,
    /// Index in [`Details::sources`].
    pub source: usize,
    pub speed: Speed,
    /// Another transfer fetches the same; the one that is first counts.
    pub is_copy: bool,
    /// How long ago it was started.
    pub age: Duration,
    /// We do not read from it at present: a rate limit says so, or the disk.
    pub is_held: bool,
    /// How its answer came about; `None` until there is one.
    pub contact: Option<Arc<Contact>>,
}

/// An address and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceDetails {
    pub url: Url,
    pub standing: Standing,
    /// Transfers of this download from it.
    pub connections: usize,
    /// How many connections its host was found to allow.
    pub most: Option<usize>,
    /// How its last answer in this session came about.
    pub contact: Option<Arc<Contact>>,
}

impl Book {
    /// The picture of one download; `None` if there is none of this id in the list.
    pub fn details(&self, id: DownloadId) -> Option<Details> {
        self.look_at(id, |item| self.details_of(item))
    }

    /// A download as a `curl` command; `None` if there is none of this id in the list.
    pub fn curl_command(&self, id: DownloadId) -> Option<CurlCommand> {
        self.look_at(id, |item| as_curl::write(&item.spec, &item.name))
    }

    fn details_of(&self, item: &Item) -> Details {
        let total = item.map.total();
        let now = self.now();
        let running = |transfer| item.work.as_ref().and_then(|work| work.transfers.get(&transfer));
        let mut segments: Vec<_> = item
            .map
            .loans()
            .filter_map(|(transfer, loan)| {
                let running = running(transfer)?;
                let vitals = self.vitals(transfer);
                let next = vitals.and_then(|vitals| vitals.next).unwrap_or(loan.start).max(loan.start);
                let end = loan.end.or(total).unwrap_or(next).max(next);
                Some(Segment {
                    range: ByteRange::new(loan.start, end),
                    next,
                    source: running.source,
                    speed: running.meter.speed(),
                    is_copy: loan.is_copy,
                    age: now - running.started_at,
                    is_held: vitals.is_some_and(|vitals| vitals.held),
                    contact: running.contact.clone(),
                })
            })
            .collect();
        segments.sort_by_key(|segment| segment.range);
        let sources = item.sources.iter().enumerate().map(|(index, source)| SourceDetails {
            url: source.url.clone(),
            standing: source.standing.clone(),
            connections: segments.iter().filter(|segment| segment.source == index).count(),
            most: self.most_connections(&source.host),
            contact: source.contact.clone(),
        });
        Details {
            total,
            done: item.map.done().to_vec(),
            sources: sources.collect(),
            segments,
            validator: item.validator.clone(),
            checksum: item.checksum().cloned(),
            origin: match &item.spec.checksum {
                Some(_) => Some(Origin::User),
                None => item.told.as_ref().map(|(_, origin)| *origin),
            },
            pieces: item.spec.pieces.as_ref().map(|pieces| {
                let all = pieces.hashes.len();
                // No file is complete before they are proven; later ones need not know it.
                (if item.life.state == State::Completed { all } else { item.proven.len() }, all)
            }),
            most: usize::from(item.spec.connections),
            rate: item.spec.rate,
            trouble: item.work.as_ref().and_then(|work| Some(work.trouble.as_ref()?.failure.clone())),
        }
    }
}

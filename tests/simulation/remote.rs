// SPDX-License-Identifier: GPL-3.0-or-later
//! The servers of a world: which version of which file they have, how they tell of it, and how they
//! misbehave. What they say is judged by the engine's own `proof::prove`.

mod answers;
mod claims;
mod names;
mod said;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use freshet::engine::Failure;
use freshet::engine::net::proof::Head;
use url::Url;

use super::content::Version;
use super::random::Random;

/// Last-Modified of the first version of the first file; each version is an hour later, each file
/// a thousand.
const FIRST_DATE: u64 = 1_500_000_000;
const HOUR: u64 = 3600;

/// How a site tells which version it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tells {
    StrongTag,
    /// One that differs from site to site.
    OwnTag,
    WeakTag,
    WeakTagAndDate,
    Date,
    /// So short before its Date that it proves nothing.
    FreshDate,
    Nothing,
    /// Neither status nor fields, as with FTP.
    FileTime,
}

/// A host name with its manners.
#[derive(Clone, Debug)]
pub struct Host {
    pub name: String,
    pub latency: Duration,
    /// Bytes a second for each connection.
    pub rate: u64,
    /// Most connections, and what becomes of more.
    pub most: usize,
    pub refusal: Fault,
    /// How many requests of a hundred go wrong.
    pub trouble: u64,
    pub piece: usize,
}

/// What there is to be had, on however many sites.
#[derive(Clone, Debug)]
pub struct RemoteFile {
    /// The length of each version.
    pub lengths: Vec<u64>,
    pub current: u32,
    /// One validator for all versions: only a checksum can tell them apart.
    pub is_forged: bool,
    /// It is forged, or one of its sites gives wrong bytes.
    pub is_doubted: bool,
    /// A download knows its pieces, and takes from anybody what these will prove.
    pub has_pieces: bool,
}

/// An address.
#[derive(Clone, Debug)]
pub struct Site {
    pub url: Url,
    pub host: usize,
    pub file: usize,
    pub tells: Tells,
    pub has_ranges: bool,
    pub has_length: bool,
    /// Sends compressed bodies to those who did not ask.
    pub compresses: bool,
    /// Has an old version as long as its host is not healthy.
    pub is_stale: bool,
    /// Answers a range whatever If-Range says; its validator then tells of what it sends.
    pub ignores_condition: bool,
    /// Some of its bytes are wrong as long as its host is not healthy.
    pub lies: bool,
    /// There never is anything.
    pub is_dead: bool,
    /// The file whose sites it names as its duplicates.
    pub links: Option<usize>,
    /// What it says in header fields that the bytes amount to.
    pub digest: Said,
    /// What is said of that beside the file: in a list of its folder, or in one of its own.
    pub beside: Said,
    pub is_listed: bool,
}

/// What is said of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Nothing,
    Right,
    /// What was right for the version before.
    Stale,
    /// Not even a healthy server puts it right: only the user can.
    StaleForGood,
    Wrong,
}

/// What may go wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Refused,
    NoConnection,
    Status(u16, Option<u64>),
    /// The connection is closed before an answer.
    Dropped,
    /// No answer ever.
    Mute,
    /// The body ends too early, without or with an error.
    Cut,
    Reset,
    Stall,
    /// Content-Range tells of other bytes, or another length.
    WrongStart,
    WrongEnd,
    WrongTotal,
    /// A range of another version, with that version's validator.
    OtherVersion,
    Unsatisfiable,
    /// The whole file in answer to a range.
    Whole,
    /// More bytes than the range has.
    TooLong,
    /// Content-Length promises more than there is.
    LengthTooLarge,
}

pub const FAULTS: [Fault; 23] = [
    Fault::Refused,
    Fault::NoConnection,
    Fault::Status(403, None),
    Fault::Status(404, None),
    Fault::Status(429, Some(7)),
    Fault::Status(500, None),
    Fault::Status(503, Some(30)),
    Fault::Status(503, None),
    Fault::Dropped,
    Fault::Mute,
    Fault::Cut,
    Fault::Reset,
    Fault::Stall,
    Fault::WrongStart,
    Fault::WrongEnd,
    Fault::WrongTotal,
    Fault::OtherVersion,
    Fault::OtherVersion,
    Fault::OtherVersion,
    Fault::Unsatisfiable,
    Fault::Whole,
    Fault::TooLong,
    Fault::LengthTooLarge,
];

/// An answer: its head, and how its body will go.
#[derive(Clone, Debug)]
pub struct Script {
    pub head: Head,
    pub body: Body,
    /// How many bytes are sent before the end.
    pub length: u64,
    pub ending: Ending,
}

#[derive(Clone, Debug)]
pub enum Body {
    /// A version's bytes from an offset on.
    Of(Version, u64),
    /// The same, but for some blocks of it.
    Lie(Version, u64),
    /// A list of checksums.
    Text(Rc<[u8]>),
    /// Not the file's: a page that tells of an error, a compressed body.
    Other,
}

#[derive(Clone, Debug)]
pub enum Ending {
    Clean,
    Broken(Failure),
    Silence,
}

pub struct Remote {
    pub hosts: Vec<Host>,
    pub files: Vec<RemoteFile>,
    pub sites: Vec<Site>,
    /// Since then nothing goes wrong any more, and nothing changes.
    pub healthy_since: Option<Duration>,
    pub random: Random,
    /// The checksums of versions that were asked for once.
    pub sums: RefCell<BTreeMap<Version, String>>,
}

impl Remote {
    pub fn site_of(&self, url: &Url) -> usize {
        self.sites
            .iter()
            .position(|site| site.url == *url)
            .unwrap_or_else(|| panic!("{url} was never told to the engine"))
    }

    /// What goes wrong before anything is answered.
    pub fn fault(&mut self, site: usize, connections: usize) -> Option<Fault> {
        if self.healthy_since.is_some() {
            return None;
        }
        let host = &self.hosts[self.sites[site].host];
        if connections > host.most {
            return Some(host.refusal);
        }
        self.random.percent(host.trouble).then(|| self.random.pick(&FAULTS))
    }

    pub fn version(&self, site: usize) -> Version {
        let site = &self.sites[site];
        let file = &self.files[site.file];
        let behind = u32::from(site.is_stale && self.healthy_since.is_none());
        Version { file: site.file as u32, number: file.current.saturating_sub(behind) }
    }

    pub fn length(&self, version: Version) -> u64 {
        self.files[version.file as usize].lengths[version.number as usize]
    }
}

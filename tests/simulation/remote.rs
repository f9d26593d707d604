// SPDX-License-Identifier: GPL-3.0-or-later
//! The servers of a world: which version of which file they have, how they tell of it, and how they
//! misbehave. What they say is judged by the engine's own `proof::prove`.

use std::path::Path;
use std::time::{Duration, SystemTime};

use freshet::engine::disk::Journal;
use freshet::engine::net::Asked;
use freshet::engine::net::headers::{self, Validator};
use freshet::engine::net::proof::Head;
use freshet::engine::types::ByteRange;
use freshet::engine::{Failure, FailureKind};
use url::Url;

use super::content::Version;
use super::device::Device;
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

#[derive(Clone, Copy, Debug)]
pub enum Body {
    /// A version's bytes from an offset on.
    Of(Version, u64),
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
    /// Nothing goes wrong any more, and nothing changes.
    pub is_healthy: bool,
    pub random: Random,
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
        if self.is_healthy {
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
        let behind = u32::from(site.is_stale && !self.is_healthy);
        Version { file: site.file as u32, number: file.current.saturating_sub(behind) }
    }

    pub fn length(&self, version: Version) -> u64 {
        self.files[version.file as usize].lengths[version.number as usize]
    }

    /// The final answer to a request.
    pub fn answer(&mut self, at: usize, asked: &Asked, fault: Option<Fault>, today: SystemTime) -> Script {
        let site = self.sites[at].clone();
        match fault {
            Some(Fault::Status(status, wait)) => return self.refuse(&site, status, wait),
            Some(Fault::Unsatisfiable) if asked.range.is_some() => return self.refuse(&site, 416, None),
            _ => {}
        }
        let mut version = self.version(at);
        if fault == Some(Fault::OtherVersion) && asked.range.is_some() {
            // Never the one that is right, if there is another.
            let versions = self.files[site.file].lengths.len() as u64;
            let others = self.random.between(1, (versions - 1).max(1));
            version.number = ((u64::from(version.number) + others) % versions) as u32;
        }
        let total = self.length(version);
        let script = if site.tells == Tells::FileTime {
            self.file_answer(&site, asked, version)
        } else {
            let fields = self.fields(&site, at, version, today);
            let is_same = site.ignores_condition
                || fault == Some(Fault::OtherVersion)
                || asked.validator.as_ref().is_none_or(|wanted| told(&fields).as_ref() == Some(wanted));
            let range = asked.range.filter(|range| {
                site.has_ranges && is_same && fault != Some(Fault::Whole) && range.start < total && !site.compresses
            });
            match range {
                Some(range) => {
                    self.partial(&site, fields, version, ByteRange::new(range.start, range.end.min(total)), fault)
                }
                None if asked.range.is_some_and(|range| range.start >= total) && is_same && site.has_ranges => {
                    return self.refuse(&site, 416, None);
                }
                None => self.whole(&site, fields, version, asked, fault),
            }
        };
        self.spoil(script, fault)
    }

    fn refuse(&mut self, site: &Site, status: u16, wait: Option<u64>) -> Script {
        let mut head = Head { status, url: Some(site.url.clone()), length: Some(20), ..Head::default() };
        if let Some(wait) = wait {
            head.fields.push(field("retry-after", &wait.to_string()));
        }
        if site.tells == Tells::FileTime {
            let failure = match status {
                404 => Failure::new(FailureKind::FileNotFound, "550"),
                416 => Failure::new(FailureKind::WrongRange, "REST refused"),
                _ => Failure::new(FailureKind::ServerRefused(421), "421 too many"),
            };
            head = Head { url: Some(site.url.clone()), ..Head::default() };
            return Script { head, body: Body::Other, length: 0, ending: Ending::Broken(failure) };
        }
        Script { head, body: Body::Other, length: 20, ending: Ending::Clean }
    }

    /// From an offset to the end of the file, whatever end was asked for.
    fn file_answer(&mut self, site: &Site, asked: &Asked, version: Version) -> Script {
        let total = self.length(version);
        let from = asked.range.map_or(0, |range| range.start);
        if from > total || (from > 0 && !site.has_ranges) {
            return self.refuse(site, 416, None);
        }
        let head = Head {
            length: site.has_length.then_some(total - from),
            modified: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(self.date(version))),
            url: Some(site.url.clone()),
            ..Head::default()
        };
        Script { head, body: Body::Of(version, from), length: total - from, ending: Ending::Clean }
    }

    fn partial(
        &mut self,
        site: &Site,
        mut fields: Vec<(String, Vec<u8>)>,
        version: Version,
        range: ByteRange,
        fault: Option<Fault>,
    ) -> Script {
        let (mut start, mut end, mut total) = (range.start, range.end, self.length(version));
        match fault {
            Some(Fault::WrongStart) => start = start.saturating_sub(1 + self.random.below(range.start.max(1))),
            Some(Fault::WrongEnd) => end = start + self.random.between(1, range.len()),
            Some(Fault::WrongTotal) => total += self.random.between(1, 1000),
            _ => {}
        }
        fields.push(field("content-range", &format!("bytes {start}-{}/{total}", end - 1)));
        let is_long = fault == Some(Fault::TooLong);
        let length = (end - start) + if is_long { self.random.between(1, 5000) } else { 0 };
        let head = Head {
            status: 206,
            fields,
            length: (site.has_length && !is_long).then_some(end - start),
            url: Some(site.url.clone()),
            ..Head::default()
        };
        Script { head, body: Body::Of(version, start), length, ending: Ending::Clean }
    }

    fn whole(
        &mut self,
        site: &Site,
        mut fields: Vec<(String, Vec<u8>)>,
        version: Version,
        asked: &Asked,
        fault: Option<Fault>,
    ) -> Script {
        let total = self.length(version);
        let (mut body, mut length, mut told) = (Body::Of(version, 0), total, site.has_length.then_some(total));
        if site.compresses {
            fields.push(field("content-encoding", "gzip"));
            told = told.map(|_| total / 2 + 20);
            if !asked.decode {
                body = Body::Other;
                length = total / 2 + 20;
            }
        } else if fault == Some(Fault::LengthTooLarge) {
            told = Some(total + 1000);
        }
        if site.has_ranges {
            fields.push(field("accept-ranges", "bytes"));
        }
        let head = Head { status: 200, fields, length: told, url: Some(site.url.clone()), ..Head::default() };
        Script { head, body, length, ending: Ending::Clean }
    }

    /// Breaks off the body.
    fn spoil(&mut self, mut script: Script, fault: Option<Fault>) -> Script {
        let ending = match fault {
            Some(Fault::Cut) => {
                Ending::Broken(Failure::new(FailureKind::EndedEarly, "transfer closed with bytes remaining to read"))
            }
            Some(Fault::Reset) => Ending::Broken(Failure::new(FailureKind::ConnectionLost, "connection reset by peer")),
            Some(Fault::Stall) => Ending::Silence,
            Some(Fault::LengthTooLarge) => {
                script.ending = Ending::Broken(Failure::new(FailureKind::EndedEarly, "transfer closed"));
                return script;
            }
            _ => return script,
        };
        if script.length > 0 {
            script.length = self.random.below(script.length);
            script.ending = ending;
        }
        script
    }

    // How versions are told.

    fn fields(&self, site: &Site, at: usize, version: Version, today: SystemTime) -> Vec<(String, Vec<u8>)> {
        let named = if self.files[site.file].is_forged { Version { number: 0, ..version } } else { version };
        let tag = format!("\"f{}v{}\"", named.file, named.number);
        let date = http_date(self.date(named));
        let mut fields = vec![field("date", &http_date(seconds(today)))];
        match site.tells {
            Tells::StrongTag => fields.push(field("etag", &tag)),
            Tells::OwnTag => fields.push(field("etag", &format!("\"s{at}-f{}v{}\"", named.file, named.number))),
            Tells::WeakTag => fields.push(field("etag", &format!("W/{tag}"))),
            Tells::WeakTagAndDate => {
                fields.push(field("etag", &format!("W/{tag}")));
                fields.push(field("last-modified", &date));
            }
            Tells::Date => fields.push(field("last-modified", &date)),
            Tells::FreshDate => fields.push(field("last-modified", &http_date(seconds(today) - 30))),
            Tells::Nothing | Tells::FileTime => {}
        }
        fields
    }

    fn date(&self, version: Version) -> u64 {
        FIRST_DATE + (u64::from(version.file) * 1000 + u64::from(version.number)) * HOUR
    }

    /// The version that a validator names.
    fn named(&self, validator: &Validator) -> Version {
        let by_date = |date: u64| {
            let hours = (date - FIRST_DATE) / HOUR;
            Version { file: (hours / 1000) as u32, number: (hours % 1000) as u32 }
        };
        let by_tag = |tag: &str| {
            let (file, number) = tag.trim_matches('"').rsplit_once('f')?.1.split_once('v')?;
            Some(Version { file: file.parse().ok()?, number: number.parse().ok()? })
        };
        let version = match validator {
            Validator::ETag(tag) => by_tag(tag),
            Validator::LastModified(text) => match text.strip_prefix('@') {
                Some(seconds) => seconds.parse().ok().map(by_date),
                None => headers::http_date(text).map(seconds).map(by_date),
            },
        };
        version.unwrap_or_else(|| panic!("{validator:?} was never sent"))
    }

    /// The versions of a file whose bytes these are.
    pub fn versions_like(&self, file: usize, bytes: &[u8]) -> Option<Version> {
        let versions = (0..self.files[file].lengths.len() as u32).map(|number| Version { file: file as u32, number });
        versions.into_iter().find(|version| self.length(*version) == bytes.len() as u64 && version.has(0, bytes))
    }

    /// A journal may claim only what is durable, and only bytes of the version that it names.
    pub fn check_claim(&self, device: &mut Device, part_path: &Path, journal: &Journal) {
        let site = self.site_of(&journal.url);
        let file = self.sites[site].file;
        let is_sure = !self.files[file].is_forged;
        let candidates: Vec<_> = match &journal.validator {
            Some(validator) if is_sure => vec![self.named(validator)],
            _ => {
                (0..self.files[file].lengths.len() as u32).map(|number| Version { file: file as u32, number }).collect()
            }
        };
        let Some(inode) = device.names.get(part_path).copied() else {
            assert!(
                journal.done.is_empty(),
                "a journal claims {:?} of {part_path:?}, which is not there",
                journal.done
            );
            return;
        };
        let data = device.files.get_mut(&inode).expect("a part file is a file");
        if is_sure {
            let is_right = candidates.iter().any(|version| data.has_durably(*version, &journal.done));
            assert!(
                is_right,
                "the journal of {part_path:?} claims {:?} of {candidates:?}, which is not durable",
                journal.done
            );
        } else {
            let end = data.durable.len() as u64;
            assert!(journal.end() <= end, "the journal of {part_path:?} claims {:?} of {end} bytes", journal.done);
        }
    }
}

fn told(fields: &[(String, Vec<u8>)]) -> Option<Validator> {
    let text = |name: &str| {
        let found = fields.iter().find(|(field, _)| field == name);
        found.and_then(|(_, value)| std::str::from_utf8(value).ok())
    };
    headers::validator(text("etag"), text("last-modified"), text("date"))
}

fn field(name: &str, value: &str) -> (String, Vec<u8>) {
    (name.to_owned(), value.as_bytes().to_vec())
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs()
}

/// IMF-fixdate (RFC 9110 section 5.6.7). The day of the week is not read by anybody.
fn http_date(seconds: u64) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    // Howard Hinnant's days-to-date, for years after 1970.
    let days = seconds / 86400 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = (shifted + 2) % 12;
    let year = year_of_era + era * 400 + u64::from(month < 2);
    let clock = seconds % 86400;
    let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
    format!("Thu, {day:02} {} {year} {hour:02}:{minute:02}:{second:02} GMT", MONTHS[month as usize])
}

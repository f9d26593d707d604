// SPDX-License-Identifier: GPL-3.0-or-later
//! The answers of servers to requests for a file.

use std::time::{Duration, SystemTime};

use freshet::engine::net::Asked;
use freshet::engine::net::headers::Fields;
use freshet::engine::net::proof::Head;
use freshet::engine::types::ByteRange;
use freshet::engine::{Failure, FailureKind};

use super::names::told;
use super::{Body, Ending, Fault, Remote, Script, Site, Tells};
use crate::content::Version;

impl Remote {
    /// The final answer to a request.
    pub fn answer(&mut self, at: usize, asked: &Asked, fault: Option<Fault>, today: SystemTime) -> Script {
        let site = self.sites[at].clone();
        match fault {
            _ if site.is_dead => return self.refuse(&site, 404, None),
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
        let mut script = if site.tells == Tells::FileTime {
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
        if let (true, Body::Of(version, from)) = (site.lies && self.healthy_since.is_none(), &script.body) {
            script.body = Body::Lie(*version, *from);
        }
        self.spoil(script, fault)
    }

    pub(super) fn refuse(&mut self, site: &Site, status: u16, wait: Option<u64>) -> Script {
        let mut head = Head { status, url: Some(site.url.clone()), length: Some(20), ..Head::default() };
        if let Some(wait) = wait {
            head.fields.push(b"retry-after", wait.to_string().as_bytes());
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
        mut fields: Fields,
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
        fields.push(b"content-range", format!("bytes {start}-{}/{total}", end - 1).as_bytes());
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
        mut fields: Fields,
        version: Version,
        asked: &Asked,
        fault: Option<Fault>,
    ) -> Script {
        let total = self.length(version);
        let (mut body, mut length, mut told) = (Body::Of(version, 0), total, site.has_length.then_some(total));
        if site.compresses {
            fields.push(b"content-encoding", b"gzip");
            told = told.map(|_| total / 2 + 20);
            if !asked.decode {
                body = Body::Other;
                length = total / 2 + 20;
            }
        } else if fault == Some(Fault::LengthTooLarge) {
            told = Some(total + 1000);
        }
        if site.has_ranges {
            fields.push(b"accept-ranges", b"bytes");
        }
        let head = Head { status: 200, fields, length: told, url: Some(site.url.clone()), ..Head::default() };
        Script { head, body, length, ending: Ending::Clean }
    }

    /// Breaks off the body.
    pub(super) fn spoil(&mut self, mut script: Script, fault: Option<Fault>) -> Script {
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
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! How servers tell which version they have, and what that means.

use std::time::SystemTime;

use freshet::engine::net::headers::{self, Fields, Validator};

use super::{FIRST_DATE, HOUR, Remote, Site, Tells};
use crate::content::Version;

impl Remote {
    pub(super) fn fields(&self, site: &Site, at: usize, version: Version, today: SystemTime) -> Fields {
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
        fields.into_iter().chain(self.said(site, at, version)).collect()
    }

    pub(super) fn date(&self, version: Version) -> u64 {
        FIRST_DATE + (u64::from(version.file) * 1000 + u64::from(version.number)) * HOUR
    }

    /// The version that a validator names.
    pub fn named(&self, validator: &Validator) -> Version {
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

    /// The version of a file whose bytes these are.
    pub fn version_like(&self, file: usize, bytes: &[u8]) -> Option<Version> {
        let versions = (0..self.files[file].lengths.len() as u32).map(|number| Version { file: file as u32, number });
        versions.into_iter().find(|version| self.length(*version) == bytes.len() as u64 && version.has(0, bytes))
    }
}

pub fn told(fields: &Fields) -> Option<Validator> {
    let text = |name: &str| fields.all(name).next().and_then(|value| std::str::from_utf8(value).ok());
    headers::validator(text("etag"), text("last-modified"), text("date"))
}

pub fn field(name: &str, value: &str) -> (String, Vec<u8>) {
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

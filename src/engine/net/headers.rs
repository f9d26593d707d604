// SPDX-License-Identifier: GPL-3.0-or-later
//! What the header fields of an answer mean: Content-Range, validators, Retry-After,
//! Content-Disposition, Content-Type. Pure functions over field values.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

/// What proves that two answers speak of the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Validator {
    /// A strong entity tag with its quotes (RFC 9110 section 8.8.3). Weak ones (`W/`) prove nothing
    /// about bytes and are never stored.
    ETag(String),
    /// Last-Modified as the server wrote it; it counts together with the total length.
    LastModified(String),
}

/// A Content-Range field (RFC 9110 section 14.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentRange {
    /// `bytes 0-499/1234`: first byte, last byte + 1, total where it is told.
    Satisfied { start: u64, end: u64, total: Option<u64> },
    /// `bytes */1234`: the range lies outside of the file.
    Unsatisfied { total: u64 },
}

/// Reads a Content-Range value; `None` when it is not one of bytes or contradicts itself
/// (last before first, last not below the total).
pub fn content_range(value: &str) -> Option<ContentRange> {
    let _ = value;
    None
}

/// A strong validator out of the ETag and Last-Modified fields. Last-Modified is taken only when it
/// parses as a date, and is strong only if it lies at least a minute before Date
/// (RFC 9110 section 8.8.2.2); without a Date field it is taken.
pub fn validator(etag: Option<&str>, last_modified: Option<&str>, date: Option<&str>) -> Option<Validator> {
    let _ = (etag, last_modified, date);
    None
}

/// Retry-After (RFC 9110 section 10.2.3): seconds or an HTTP date, seen from `now`. A date in the
/// past is zero.
pub fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let _ = (value, now);
    None
}

/// An HTTP date in any of its three forms (RFC 9110 section 5.6.7).
pub fn http_date(value: &str) -> Option<SystemTime> {
    let _ = value;
    None
}

/// The file name a Content-Disposition field gives (RFC 6266; `filename*` by RFC 8187 wins over
/// `filename`), raw: not yet safe, see `disk/naming.rs`. Bytes that are not UTF-8 are read as
/// Latin-1; percent signs in a plain `filename` are decoded only where the whole is valid UTF-8 then
/// (as browsers do); RFC 2047 encoded words, which old servers send, are decoded too.
pub fn disposition_name(value: &[u8]) -> Option<String> {
    let _ = value;
    None
}

/// The media type of a Content-Type field, lower case, without parameters.
pub fn media_type(value: &str) -> Option<String> {
    let _ = value;
    None
}

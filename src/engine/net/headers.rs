// SPDX-License-Identifier: GPL-3.0-or-later
//! What the header fields of an answer mean: Content-Range, validators, Retry-After,
//! Content-Disposition, Content-Type, Link, digests, challenges. Pure functions over field values.

mod challenge;
mod date;
mod digest;
mod disposition;
pub(in crate::engine) mod encoding;
mod fields;
mod link;

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use url::Url;

use crate::engine::download::spec::Checksum;
pub use challenge::{realm, takes_password};
pub use fields::Fields;
pub use link::MOST_LINKS;

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
    let (unit, range) = value.trim_ascii().split_once(' ')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (range, total) = range.split_once('/')?;
    let total = if total == "*" { None } else { Some(digits(total)?) };
    if range == "*" {
        return Some(ContentRange::Unsatisfied { total: total? });
    }
    let (first, last) = range.split_once('-')?;
    let (start, end) = (digits(first)?, digits(last)?.checked_add(1)?);
    let is_possible = start < end && total.is_none_or(|total| end <= total);
    is_possible.then_some(ContentRange::Satisfied { start, end, total })
}

/// A number as the grammars write it: digits and nothing else.
fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// A strong validator out of the ETag and Last-Modified fields. Last-Modified is taken only when it
/// parses as a date, and is strong only if it lies at least a minute before Date
/// (RFC 9110 section 8.8.2.2); without a Date field it is taken, with one that is no date it is not.
pub fn validator(etag: Option<&str>, last_modified: Option<&str>, date: Option<&str>) -> Option<Validator> {
    if let Some(etag) = etag.map(str::trim_ascii).filter(|etag| is_strong_etag(etag)) {
        return Some(Validator::ETag(etag.to_owned()));
    }
    let last_modified = last_modified?.trim_ascii();
    let latest = http_date(last_modified)?.checked_add(LAST_MODIFIED_MARGIN)?;
    let is_strong = match date {
        Some(date) => latest <= http_date(date)?,
        None => true,
    };
    is_strong.then(|| Validator::LastModified(last_modified.to_owned()))
}

/// Within this time a file may have changed twice under one date, as clocks and file systems go.
const LAST_MODIFIED_MARGIN: Duration = Duration::from_secs(60);

/// `DQUOTE *etagc DQUOTE`. The empty tag is refused: it is what a server sends that has none. So is
/// the replacement character, the trace of bytes that cannot be sent back as they came.
fn is_strong_etag(etag: &str) -> bool {
    let opaque = etag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    opaque.is_some_and(|opaque| {
        !opaque.is_empty() && opaque.chars().all(|c| !matches!(c, '\0'..=' ' | '"' | '\x7f' | '\u{fffd}'))
    })
}

/// Retry-After (RFC 9110 section 10.2.3): seconds or an HTTP date, seen from `now`. A date in the
/// past is zero.
pub fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim_ascii();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More than fits is as good as forever.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    Some(date::parse(value, now)?.duration_since(now).unwrap_or_default())
}

/// An HTTP date in any of its three forms (RFC 9110 section 5.6.7). A two-digit year is the latest
/// one that lies at most 50 years ahead of today.
pub fn http_date(value: &str) -> Option<SystemTime> {
    date::parse(value, SystemTime::now())
}

/// The file name a Content-Disposition field gives (RFC 6266; `filename*` by RFC 8187 wins over
/// `filename`), raw: not yet safe, see `disk/naming.rs`. Bytes that are not UTF-8 are read as
/// Latin-1; percent signs in a plain `filename` are decoded only where the whole is valid UTF-8 then
/// (as browsers do); RFC 2047 encoded words and RFC 2231 pieces, which old servers send, are decoded
/// too. Of two parameters of one name the first counts; a malformed one counts as absent.
pub fn disposition_name(value: &[u8]) -> Option<String> {
    disposition::name(value)
}

/// The media type of a Content-Type field, lower case, without parameters.
pub fn media_type(value: &str) -> Option<String> {
    let essence = value.split(';').next()?.trim_ascii();
    let (kind, subtype) = essence.split_once('/')?;
    (is_token(kind) && is_token(subtype)).then(|| essence.to_ascii_lowercase())
}

/// Other addresses of the same file, out of `Link: <...>; rel=duplicate` (RFC 8288, RFC 6249), the
/// best first, each once, at most 32. Relative ones are seen from `base`, the address that answered,
/// which is not among them; none by SFTP. What they lead to is a server's word only: a digest has to prove it.
pub fn duplicates(fields: &Fields, base: &Url) -> Vec<Url> {
    link::duplicates(fields, base)
}

/// The digests of the selected representation, out of Repr-Digest (RFC 9530 section 3) and the older
/// Digest (RFC 3230): of the whole file, whichever range of it was sent, unless a Content-Encoding
/// stands between.
pub fn representation_digests(fields: &Fields) -> Vec<Checksum> {
    digest::of_representation(fields)
}

/// The digests of the body as it was sent, out of Content-Digest (RFC 9530 section 2) and Content-MD5
/// (RFC 1864): the file's only where the body is the whole of it, without a Content-Encoding.
pub fn content_digests(fields: &Fields) -> Vec<Checksum> {
    digest::of_content(fields)
}

/// The values of all fields of this name, one behind the other as RFC 9110 section 5.3 puts lists
/// together; `None` where there is no such field.
fn joined(fields: &Fields, name: &str) -> Option<String> {
    let mut values = fields.all(name).map(|value| encoding::text(value.to_vec()));
    let first = values.next()?;
    Some(values.fold(first, |list, value| list + "," + &value))
}

/// RFC 9110 section 5.6.2.
pub(in crate::engine) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn content_ranges() {
        let satisfied = |start, end, total| Some(ContentRange::Satisfied { start, end, total });
        assert_eq!(content_range("bytes 0-499/1234"), satisfied(0, 500, Some(1234)));
        assert_eq!(content_range(" Bytes 734-1233/1234 "), satisfied(734, 1234, Some(1234)));
        assert_eq!(content_range("bytes 42-42/*"), satisfied(42, 43, None));
        assert_eq!(content_range("bytes */1234"), Some(ContentRange::Unsatisfied { total: 1234 }));
        assert_eq!(content_range("bytes */0"), Some(ContentRange::Unsatisfied { total: 0 }));
        let most = u64::MAX;
        assert_eq!(content_range(&format!("bytes 0-{}/{most}", most - 1)), satisfied(0, most, Some(most)));
    }

    #[test]
    fn content_ranges_that_contradict_themselves_or_are_none() {
        for odd in [
            "",
            "bytes",
            "bytes ",
            "bytes */*",
            "bytes 5-4/10",
            "bytes 0-10/10",
            "bytes 0-0/0",
            "bytes 0-18446744073709551615/*",
            "bytes 18446744073709551616-18446744073709551617/*",
            "bytes 0-9/18446744073709551616",
            "bytes  0-9/10",
            "bytes\t0-9/10",
            "bytes 0 - 9/10",
            "bytes 0-9 / 10",
            "bytes=0-9/10",
            "bytes: 0-9/10",
            "bytes 0-9",
            "bytes -9/10",
            "bytes 0-/10",
            "bytes +0-9/10",
            "bytes 0-9/",
            "bytes 0-9/10/11",
            "items 0-9/10",
            "0-9/10",
        ] {
            assert_eq!(content_range(odd), None, "{odd}");
        }
    }

    const OLD: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const MINUTE_LATER: &str = "Sun, 06 Nov 1994 08:50:37 GMT";
    const TOO_SOON: &str = "Sun, 06 Nov 1994 08:50:36 GMT";

    #[test]
    fn a_strong_etag_comes_first() {
        for etag in ["\"xyzzy\"", "\"a-5f3;W/\"", "\"ü\"", " \"x\" "] {
            assert_eq!(validator(Some(etag), Some(OLD), None), Some(Validator::ETag(etag.trim().to_owned())));
        }
    }

    #[test]
    fn a_weak_or_malformed_etag_proves_nothing() {
        for etag in [
            "W/\"x\"",
            "w/\"x\"",
            "x",
            "\"x",
            "x\"",
            "\"",
            "\"\"",
            "\"a\"b\"",
            "\"a b\"",
            "\"a\u{7f}\"",
            "\"\u{fffd}\"",
            "",
        ] {
            assert_eq!(validator(Some(etag), None, None), None, "{etag}");
            assert_eq!(validator(Some(etag), Some(OLD), None), Some(Validator::LastModified(OLD.to_owned())), "{etag}");
        }
    }

    #[test]
    fn last_modified_counts_only_a_minute_after() {
        let taken = Some(Validator::LastModified(OLD.to_owned()));
        assert_eq!(validator(None, Some(OLD), None), taken);
        assert_eq!(validator(None, Some(OLD), Some(MINUTE_LATER)), taken);
        assert_eq!(validator(None, Some(OLD), Some(TOO_SOON)), None);
        assert_eq!(validator(None, Some(MINUTE_LATER), Some(OLD)), None);
        assert_eq!(validator(None, Some(OLD), Some("today")), None);
        assert_eq!(validator(None, Some("yesterday"), None), None);
        assert_eq!(validator(None, None, Some(OLD)), None);
    }

    #[test]
    fn retry_after_in_seconds_or_as_a_date() {
        let now = http_date(OLD).unwrap();
        assert_eq!(retry_after("120", now), Some(Duration::from_secs(120)));
        assert_eq!(retry_after(" 0 ", now), Some(Duration::ZERO));
        assert_eq!(retry_after("99999999999999999999", now), Some(Duration::from_secs(u64::MAX)));
        assert_eq!(retry_after(MINUTE_LATER, now), Some(Duration::from_secs(60)));
        assert_eq!(retry_after(OLD, now + Duration::from_secs(1)), Some(Duration::ZERO));
        for odd in ["", "-1", "+1", "1.5", "soon"] {
            assert_eq!(retry_after(odd, now), None, "{odd}");
        }
    }

    #[test]
    fn media_types() {
        assert_eq!(media_type("Text/HTML; charset=utf-8").as_deref(), Some("text/html"));
        assert_eq!(media_type(" application/x-tar ;").as_deref(), Some("application/x-tar"));
        for odd in ["", "text", "text/", "/html", "text/html/x", "text/ht ml", ";text/html"] {
            assert_eq!(media_type(odd), None, "{odd}");
        }
    }

    proptest! {
        #[test]
        fn a_written_content_range_is_read_back(start: u64, length in 1_u64.., more in proptest::option::of(any::<u64>())) {
            let Some(end) = start.checked_add(length) else { return Ok(()) };
            let total = more.map(|more| end.saturating_add(more));
            let written = total.map_or("*".to_owned(), |total| total.to_string());
            prop_assert_eq!(
                content_range(&format!("bytes {start}-{}/{written}", end - 1)),
                Some(ContentRange::Satisfied { start, end, total })
            );
        }

        #[test]
        fn nothing_panics(value in "\\PC{0,40}", range in "(bytes |[0-9*/-]){0,30}") {
            for value in [&value, &range] {
                content_range(value);
                validator(Some(value), Some(value), Some(value));
                retry_after(value, SystemTime::UNIX_EPOCH);
                media_type(value);
            }
        }
    }
}

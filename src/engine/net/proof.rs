// SPDX-License-Identifier: GPL-3.0-or-later
//! Whether an answer may be written: it must speak of the file and the range that was asked for.
//! Pure. Nothing reaches a part file before [`prove`] has said yes.

use std::time::SystemTime;

use url::Url;

use super::Asked;
use super::headers::{self, ContentRange, Validator};
use crate::engine::error::{Failure, FailureKind};

/// The head of a final answer, as it came.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// The HTTP status; 0 for protocols without one.
    pub status: u16,
    /// Header fields in order: names in lower case, values as sent.
    pub fields: Vec<(String, Vec<u8>)>,
    /// What libcurl expects of the body: the rest of the file for FTP, Content-Length for HTTP.
    pub length: Option<u64>,
    /// The file's time, for protocols that tell it outside of header fields.
    pub modified: Option<SystemTime>,
    /// The address that answered, after redirects.
    pub url: Option<Url>,
}

impl Head {
    /// The first field of this name, where it is text.
    fn text(&self, name: &str) -> Option<&str> {
        self.bytes(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_slice())
    }
}

/// An answer that may be written, and what it tells of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Where its first byte belongs: `asked.from`, or 0 when the file begins anew.
    pub start: u64,
    /// The file's length.
    pub total: Option<u64>,
    pub validator: Option<Validator>,
    /// Whether a later request can continue: ranges are served and something proves the sameness.
    pub resumable: bool,
    /// The raw name of Content-Disposition.
    pub name: Option<String>,
    pub media_type: Option<String>,
    pub modified: Option<SystemTime>,
    pub url: Option<Url>,
}

/// Holds an answer against what was asked. `now` is for Retry-After dates.
pub fn prove(asked: &Asked, head: &Head, now: SystemTime) -> Result<Answer, Failure> {
    match head.status {
        0 => prove_file(asked, head),
        200 | 203 => prove_whole(asked, head),
        206 => prove_range(asked, head),
        // The range lies outside of the file: it is not the file that was begun.
        416 if asked.from > 0 => Err(wrong_range(format!(
            "the server says that byte {} lies outside of the file ({})",
            asked.from,
            head.text("content-range").unwrap_or("416 without Content-Range")
        ))),
        status => Err(refusal(status, head, now)),
    }
}

fn refusal(status: u16, head: &Head, now: SystemTime) -> Failure {
    let kind = match status {
        401 | 407 => FailureKind::LoginRequired,
        204 | 205 => FailureKind::Protocol,
        other => FailureKind::HttpStatus(other),
    };
    let retry_after = head.text("retry-after").and_then(|value| headers::retry_after(value, now));
    Failure { kind, detail: format!("HTTP status {status}"), retry_after }
}

fn wrong_range(detail: String) -> Failure {
    Failure::new(FailureKind::WrongRange, detail)
}

/// 200: the whole file, from its first byte, whatever was asked.
fn prove_whole(asked: &Asked, head: &Head) -> Result<Answer, Failure> {
    let encoded = is_encoded(head);
    if encoded && !asked.decode {
        let coding = head.text("content-encoding").unwrap_or_default();
        return Err(Failure::new(
            FailureKind::UninvitedEncoding,
            format!("Content-Encoding: {coding}, though identity was asked for"),
        ));
    }
    // The length of an encoded body is not the file's (RFC 9110 section 8.6).
    let total = if encoded { None } else { head.length };
    let validator = validator(head);
    let ranges = head.text("accept-ranges").is_some_and(|value| value.trim().eq_ignore_ascii_case("bytes"));
    Ok(Answer {
        resumable: ranges && !encoded && total.is_some() && validator.is_some(),
        ..describe(head, 0, total, validator)
    })
}

/// 206: exactly the range, of the same file.
fn prove_range(asked: &Asked, head: &Head) -> Result<Answer, Failure> {
    if asked.from == 0 {
        return Err(wrong_range("206 though no range was asked for".to_owned()));
    }
    if is_encoded(head) {
        return Err(wrong_range("a range of an encoded body is not a range of the file".to_owned()));
    }
    let text = head.text("content-range").unwrap_or_default();
    let Some(ContentRange::Satisfied { start, end, total }) = headers::content_range(text) else {
        return Err(wrong_range(format!("206 with an unusable Content-Range “{text}”")));
    };
    if start != asked.from {
        return Err(wrong_range(format!("asked from byte {}, got {text}", asked.from)));
    }
    if let (Some(known), Some(told)) = (asked.total, total)
        && known != told
    {
        return Err(wrong_range(format!("the file had {known} bytes, now Content-Range says {told}")));
    }
    let total = total.or(asked.total);
    if total.is_some_and(|total| end != total) {
        return Err(wrong_range(format!("asked from byte {} to the end, got {text}", asked.from)));
    }
    if head.length.is_some_and(|length| length != end - start) {
        return Err(wrong_range(format!("Content-Length {} does not fit {text}", head.length.unwrap_or_default())));
    }
    let told = validator(head);
    if let (Some(known), Some(told)) = (&asked.validator, &told)
        && std::mem::discriminant(known) == std::mem::discriminant(told)
        && known != told
    {
        return Err(wrong_range(format!("206 of another file: {told:?} in place of {known:?}")));
    }
    // A 206 may leave out the validator that If-Range named (RFC 9110 section 15.3.7).
    let validator = asked.validator.clone().or(told);
    Ok(Answer { resumable: validator.is_some(), ..describe(head, start, total, validator) })
}

/// FTP and its like: the size and time of the file stand in for header fields.
fn prove_file(asked: &Asked, head: &Head) -> Result<Answer, Failure> {
    let total = head.length.map(|rest| asked.from + rest);
    let validator = head.modified.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok()).map(|age| {
        // Told as a number of seconds, so that it can not be taken for a date of HTTP.
        Validator::LastModified(format!("@{}", age.as_secs()))
    });
    if asked.from > 0 {
        if asked.total != total {
            return Err(wrong_range(format!("the file had {:?} bytes, now {total:?}", asked.total)));
        }
        if asked.validator != validator {
            return Err(wrong_range("the file's time has changed".to_owned()));
        }
    }
    Ok(Answer { resumable: total.is_some() && validator.is_some(), ..describe(head, asked.from, total, validator) })
}

fn describe(head: &Head, start: u64, total: Option<u64>, validator: Option<Validator>) -> Answer {
    Answer {
        start,
        total,
        validator,
        resumable: false,
        name: head.bytes("content-disposition").and_then(headers::disposition_name),
        media_type: head.text("content-type").and_then(headers::media_type),
        modified: head.text("last-modified").and_then(headers::http_date).or(head.modified),
        url: head.url.clone(),
    }
}

fn validator(head: &Head) -> Option<Validator> {
    headers::validator(head.text("etag"), head.text("last-modified"), head.text("date"))
}

/// Whether a Content-Encoding stands between the body and the file. Servers that label a `.gz` file
/// itself as gzip-encoded mean the file: then the bytes are taken as they are.
fn is_encoded(head: &Head) -> bool {
    let Some(coding) = head.text("content-encoding").map(|text| text.trim().to_ascii_lowercase()) else { return false };
    match coding.as_str() {
        "" | "identity" => false,
        "gzip" | "x-gzip" => {
            let by_name = head.url.as_ref().is_some_and(|url| {
                let path = url.path().to_ascii_lowercase();
                path.ends_with(".gz") || path.ends_with(".tgz")
            });
            let by_type = head.text("content-type").and_then(headers::media_type).is_some_and(|media| {
                matches!(media.as_str(), "application/gzip" | "application/x-gzip" | "application/x-gtar-compressed")
            });
            !(by_name || by_type)
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "\"v1\"";

    fn head(status: u16, length: Option<u64>, fields: &[(&str, &str)]) -> Head {
        Head {
            status,
            length,
            fields: fields.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect(),
            modified: None,
            url: Some(Url::parse("http://h/file.bin").unwrap()),
        }
    }

    fn rest() -> Asked {
        Asked { from: 100, total: Some(300), validator: Some(Validator::ETag(TAG.into())), decode: false }
    }

    fn judge(asked: &Asked, head: &Head) -> Result<Answer, FailureKind> {
        prove(asked, head, SystemTime::UNIX_EPOCH).map_err(|failure| failure.kind)
    }

    #[test]
    fn the_range_asked_for_is_taken() {
        let good = head(206, Some(200), &[("content-range", "bytes 100-299/300"), ("etag", TAG)]);
        let answer = judge(&rest(), &good).unwrap();
        assert_eq!((answer.start, answer.total, answer.resumable), (100, Some(300), true));
    }

    #[test]
    fn any_other_range_total_or_file_is_refused() {
        for (length, fields) in [
            (200, vec![("content-range", "bytes 0-199/300"), ("etag", TAG)]),
            (200, vec![("content-range", "bytes 100-299/301"), ("etag", TAG)]),
            (199, vec![("content-range", "bytes 100-298/300"), ("etag", TAG)]),
            (199, vec![("content-range", "bytes 100-299/300"), ("etag", TAG)]),
            (200, vec![("content-range", "bytes 100-299/300"), ("etag", "\"v2\"")]),
            (200, vec![("content-range", "bytes 100-299/300"), ("content-encoding", "gzip")]),
            (200, vec![]),
        ] {
            let verdict = judge(&rest(), &head(206, Some(length), &fields));
            assert_eq!(verdict, Err(FailureKind::WrongRange), "{fields:?}");
        }
        let unasked = head(206, Some(300), &[("content-range", "bytes 0-299/300")]);
        assert_eq!(judge(&Asked::default(), &unasked), Err(FailureKind::WrongRange));
        assert_eq!(judge(&rest(), &head(416, None, &[])), Err(FailureKind::WrongRange));
    }

    #[test]
    fn a_200_to_a_range_begins_the_file_anew() {
        let answer = judge(&rest(), &head(200, Some(400), &[("etag", "\"v2\""), ("accept-ranges", "bytes")])).unwrap();
        assert_eq!((answer.start, answer.total, answer.resumable), (0, Some(400), true));
    }

    #[test]
    fn without_ranges_or_validator_nothing_is_called_resumable() {
        assert!(!judge(&Asked::default(), &head(200, Some(4), &[("etag", TAG)])).unwrap().resumable);
        assert!(!judge(&Asked::default(), &head(200, Some(4), &[("accept-ranges", "bytes")])).unwrap().resumable);
        let weak = [("accept-ranges", "bytes"), ("etag", "W/\"v1\"")];
        assert!(!judge(&Asked::default(), &head(200, Some(4), &weak)).unwrap().resumable);
    }

    #[test]
    fn an_uninvited_encoding_is_refused_until_decoding_was_asked_for() {
        let gzip = head(200, Some(40), &[("content-encoding", "gzip")]);
        assert_eq!(judge(&Asked::default(), &gzip), Err(FailureKind::UninvitedEncoding));
        let decoded = judge(&Asked { decode: true, ..Asked::default() }, &gzip).unwrap();
        assert_eq!((decoded.total, decoded.resumable), (None, false));
    }

    #[test]
    fn a_gz_file_labelled_as_encoded_is_the_file() {
        let mut labelled = head(200, Some(40), &[("content-encoding", "x-gzip")]);
        labelled.url = Some(Url::parse("http://h/linux.tar.gz?x=1").unwrap());
        assert_eq!(judge(&Asked::default(), &labelled).unwrap().total, Some(40));
    }

    #[test]
    fn statuses_become_kinds_and_carry_the_wish_of_the_server() {
        let busy = prove(&Asked::default(), &head(503, None, &[("retry-after", "7")]), SystemTime::UNIX_EPOCH);
        let failure = busy.unwrap_err();
        assert_eq!(failure.kind, FailureKind::HttpStatus(503));
        assert_eq!(failure.retry_after, Some(std::time::Duration::from_secs(7)));
        assert_eq!(judge(&Asked::default(), &head(401, None, &[])), Err(FailureKind::LoginRequired));
        assert_eq!(judge(&Asked::default(), &head(204, None, &[])), Err(FailureKind::Protocol));
    }

    #[test]
    fn a_file_without_header_fields_is_proven_by_size_and_time() {
        let at = |secs| Some(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(secs));
        let first = judge(&Asked::default(), &Head { length: Some(300), modified: at(5), ..Head::default() }).unwrap();
        assert!(first.resumable);
        let again = Asked { from: 100, total: first.total, validator: first.validator, decode: false };
        let same = Head { length: Some(200), modified: at(5), ..Head::default() };
        assert_eq!(judge(&again, &same).unwrap().start, 100);
        assert!(judge(&again, &Head { length: Some(201), modified: at(5), ..Head::default() }).is_err());
        assert!(judge(&again, &Head { length: Some(200), modified: at(6), ..Head::default() }).is_err());
        assert!(judge(&again, &Head { length: Some(200), modified: None, ..Head::default() }).is_err());
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Whether an answer may be written: it must speak of the file and the range that was asked for.
//! Pure. Nothing reaches a part file before [`prove`] has said yes.

use std::sync::Arc;
use std::time::SystemTime;

use url::Url;

use super::Asked;
use super::contact::Contact;
use super::decode;
use super::headers::{self, ContentRange, Validator};
use crate::engine::download::spec::{Checksum, is_same_origin};
use crate::engine::error::{Failure, FailureKind};

/// The head of a final answer, as it came.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// The HTTP status; 0 for protocols without one.
    pub status: u16,
    pub fields: headers::Fields,
    /// What libcurl expects of the body: the rest of the file for FTP, Content-Length for HTTP.
    pub length: Option<u64>,
    /// The file's time, for protocols that tell it outside of header fields.
    pub modified: Option<SystemTime>,
    /// The address that answered, after redirects.
    pub url: Option<Url>,
    /// What those redirects told of the file: who spreads files over mirrors does it there (RFC 6249).
    pub on_the_way: OnTheWay,
    /// The addresses that redirected here.
    pub hops: Vec<Url>,
    pub contact: Arc<Contact>,
}

/// See [`Head::on_the_way`]; each of the answer's own digests comes before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OnTheWay {
    pub mirrors: Vec<Url>,
    pub digest: Option<Checksum>,
}

impl OnTheWay {
    /// Takes in what the redirect from `url` says. A digest is the file's only if mirrors are named too:
    /// else it is that of the page that comes with the redirect (RFC 9530 section 3).
    pub fn learn(&mut self, fields: &headers::Fields, url: Option<&Url>) {
        let mirrors = url.map(|url| headers::duplicates(fields, url)).unwrap_or_default();
        if !mirrors.is_empty() && self.digest.is_none() {
            self.digest = Checksum::strongest(headers::representation_digests(fields));
        }
        self.mirrors.extend(mirrors);
    }
}

impl Head {
    /// The first field of this name, where it is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.bytes(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.fields.all(name).next()
    }

    /// What log-ins are asked for, if any is.
    fn challenges(&self) -> impl Iterator<Item = &[u8]> {
        let name = match self.status {
            401 => "www-authenticate",
            407 => "proxy-authenticate",
            _ => "",
        };
        self.fields.all(name)
    }

    /// What a log-in that is asked for is for.
    pub fn realm(&self) -> Option<Box<str>> {
        self.challenges().find_map(headers::realm)
    }

    /// Whether a log-in is asked for that a user name and a password are.
    pub fn takes_password(&self) -> bool {
        self.challenges().any(headers::takes_password)
    }

    /// Whether redirects have led away from the server that was asked first, if `url` was asked last.
    pub fn is_from_elsewhere(&self, url: Option<&Url>) -> bool {
        self.hops.first().zip(url).is_some_and(|(first, last)| !is_same_origin(first, last))
    }
}

/// An answer that may be written, and what it tells of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Where its first byte belongs: where the range asked for begins, or 0 when the file begins anew.
    pub start: u64,
    /// The offset behind its last byte, where that is told.
    pub end: Option<u64>,
    /// The file's length.
    pub total: Option<u64>,
    /// It is the range that was asked for, of the file that was meant.
    pub continues: bool,
    pub validator: Option<Validator>,
    /// Whether a later request can continue: ranges are served and something proves the sameness.
    pub resumable: bool,
    /// The raw name of Content-Disposition.
    pub name: Option<String>,
    pub media_type: Option<String>,
    pub modified: Option<SystemTime>,
    pub url: Option<Url>,
    /// Other addresses of the same file, by the server's word (RFC 6249).
    pub mirrors: Vec<Url>,
    /// What the file's bytes amount to, by the server's word (RFC 9530); the strongest one.
    pub digest: Option<Checksum>,
    /// How it came about.
    pub contact: Arc<Contact>,
}

/// Holds an answer against what was asked. `now` is for Retry-After dates.
pub fn prove(asked: &Asked, head: &Head, now: SystemTime) -> Result<Answer, Failure> {
    match head.status {
        0 => prove_file(asked, head),
        200 | 203 => prove_whole(asked, head),
        206 => prove_range(asked, head),
        // The range lies outside of the file: it is not the file that was begun.
        416 if asked.range.is_some() => Err(wrong_range(format!(
            "the server says that byte {} lies outside of the file ({})",
            asked.range.map_or(0, |range| range.start),
            head.text("content-range").unwrap_or("416 without Content-Range")
        ))),
        status => Err(refusal(status, head, now)),
    }
}

fn refusal(status: u16, head: &Head, now: SystemTime) -> Failure {
    let kind = match status {
        // What takes none gets none from libcurl either.
        401 if head.challenges().next().is_none() => FailureKind::HttpStatus(401),
        401 if !head.takes_password() => FailureKind::LoginUnsupported,
        407 if !head.takes_password() => FailureKind::ProxyLoginUnsupported,
        401 if head.is_from_elsewhere(head.url.as_ref()) => FailureKind::LoginElsewhere,
        401 => FailureKind::LoginRequired,
        407 => FailureKind::ProxyLogin,
        204 | 205 => FailureKind::Protocol,
        other => FailureKind::HttpStatus(other),
    };
    let retry_after = head.text("retry-after").and_then(|value| headers::retry_after(value, now));
    Failure { kind, detail: format!("HTTP status {status}"), retry_after, realm: head.realm() }
}

fn wrong_range(detail: String) -> Failure {
    Failure::new(FailureKind::WrongRange, detail)
}

/// 200: the whole file, from its first byte, whatever was asked.
fn prove_whole(asked: &Asked, head: &Head) -> Result<Answer, Failure> {
    let encoded = is_encoded(head);
    if encoded && !asked.decode {
        let codings = decode::codings(&head.fields).join(", ");
        return Err(Failure::new(
            FailureKind::UninvitedEncoding,
            format!("Content-Encoding: {codings}, though identity was asked for"),
        ));
    }
    // The length of an encoded body is not the file's (RFC 9110 section 8.6).
    let total = if encoded { None } else { head.length };
    let validator = validator(head);
    // A length that is left out for once has not changed as long as the validator is the same.
    let is_same = validator.is_some() && validator == asked.validator && !encoded;
    let known = asked.total.filter(|_| is_same).or(asked.size);
    let ranges = head.text("accept-ranges").is_some_and(|value| value.trim().eq_ignore_ascii_case("bytes"));
    Ok(Answer {
        end: total.or(known),
        resumable: ranges && !encoded && total.is_some() && validator.is_some(),
        ..describe(head, 0, total, validator)
    })
}

/// 206: exactly the range, of the same file.
fn prove_range(asked: &Asked, head: &Head) -> Result<Answer, Failure> {
    let Some(range) = asked.range else {
        return Err(wrong_range("206 though no range was asked for".to_owned()));
    };
    if is_encoded(head) {
        return Err(wrong_range("a range of an encoded body is not a range of the file".to_owned()));
    }
    let text = head.text("content-range").unwrap_or_default();
    let Some(ContentRange::Satisfied { start, end, total }) = headers::content_range(text) else {
        return Err(wrong_range(format!("206 with an unusable Content-Range “{text}”")));
    };
    if (start, end) != (range.start, range.end) {
        return Err(wrong_range(format!("asked for the bytes {range}, got {text}")));
    }
    if let (Some(known), Some(told)) = (asked.total, total)
        && known != told
    {
        return Err(wrong_range(format!("the file had {known} bytes, now Content-Range says {told}")));
    }
    if head.length.is_some_and(|length| length != end - start) {
        return Err(wrong_range(format!("Content-Length {} does not fit {text}", head.length.unwrap_or_default())));
    }
    if head.text("content-type").and_then(headers::media_type).is_some_and(|media| media == "multipart/byteranges") {
        return Err(wrong_range("several parts came, though one range was asked for".to_owned()));
    }
    if let Some(difference) = difference(asked, head) {
        return Err(wrong_range(format!("206 of another file: {difference}")));
    }
    let told = validator(head);
    // A 206 may leave out the validator that If-Range named (RFC 9110 section 15.3.7).
    let validator = asked.validator.clone().or(told);
    let total = total.or(asked.total);
    let resumable = validator.is_some();
    Ok(Answer { end: Some(end), continues: true, resumable, ..describe(head, start, total, validator) })
}

/// FTP and its like: the size and time of the file stand in for header fields.
fn prove_file(asked: &Asked, head: &Head) -> Result<Answer, Failure> {
    let from = asked.range.map_or(0, |range| range.start);
    let total = head.length.map(|rest| from + rest);
    let validator = head.modified.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok()).map(|age| {
        // Told as a number of seconds, so that it cannot be taken for a date of HTTP.
        Validator::LastModified(format!("@{}", age.as_secs()))
    });
    if asked.range.is_some() {
        if asked.total != total {
            return Err(wrong_range(format!("the file had {:?} bytes, now {total:?}", asked.total)));
        }
        // Where pieces or samples prove the bytes there is none to compare. A tag of HTTP is told by no
        // file: then it may be another one.
        if (asked.is_strict || asked.validator.is_some()) && (validator.is_none() || asked.validator != validator) {
            return Err(wrong_range("the file's time has changed, or is not what it is known by".to_owned()));
        }
    }
    let resumable = total.is_some() && validator.is_some();
    let end = total.or(asked.size);
    Ok(Answer { end, continues: asked.range.is_some(), resumable, ..describe(head, from, total, validator) })
}

fn describe(head: &Head, start: u64, total: Option<u64>, validator: Option<Validator>) -> Answer {
    Answer {
        start,
        end: total,
        total,
        validator,
        continues: false,
        resumable: false,
        name: head.bytes("content-disposition").and_then(headers::disposition_name),
        media_type: head.text("content-type").and_then(headers::media_type),
        modified: head.text("last-modified").and_then(headers::http_date).or(head.modified),
        url: head.url.clone(),
        mirrors: mirrors(head),
        digest: digest(head),
        contact: head.contact.clone(),
    }
}

fn mirrors(head: &Head) -> Vec<Url> {
    let mut mirrors = head.url.as_ref().map(|url| headers::duplicates(&head.fields, url)).unwrap_or_default();
    // The one that was redirected to is asked by the download's own address.
    mirrors.extend(head.on_the_way.mirrors.iter().filter(|mirror| Some(*mirror) != head.url.as_ref()).cloned());
    mirrors.truncate(headers::MOST_LINKS);
    mirrors
}

fn digest(head: &Head) -> Option<Checksum> {
    if is_encoded(head) {
        return None;
    }
    let mut digests = headers::representation_digests(&head.fields);
    if matches!(head.status, 200 | 203) {
        digests.extend(headers::content_digests(&head.fields));
    }
    Checksum::strongest(digests).or_else(|| head.on_the_way.digest.clone())
}

/// How what the answer tells of the file differs from what is known of it. What it leaves out differs
/// only where it has to be told.
fn difference(asked: &Asked, head: &Head) -> Option<String> {
    let Some(known) = &asked.validator else {
        return asked.is_strict.then(|| "nothing is known that could show it to be the same".to_owned());
    };
    let (field, value) = match known {
        Validator::ETag(tag) => ("etag", tag),
        Validator::LastModified(date) => ("last-modified", date),
    };
    match head.text(field) {
        Some(told) if told.trim_ascii() != value => return Some(format!("{field} {told} in place of {value}")),
        None if asked.is_strict => return Some(format!("no {field}, where it had {value}")),
        _ => {}
    }
    let told = head.text("last-modified").and_then(headers::http_date)?;
    let known = asked.modified.filter(|known| *known != told)?;
    Some(format!("last changed at {told:?} in place of {known:?}"))
}

fn validator(head: &Head) -> Option<Validator> {
    headers::validator(head.text("etag"), head.text("last-modified"), head.text("date"))
}

/// Whether a Content-Encoding stands between the body and the file. Servers that label a `.gz` file
/// itself as gzip-encoded mean the file: then the bytes are taken as they are.
pub fn is_encoded(head: &Head) -> bool {
    match decode::codings(&head.fields).as_slice() {
        [] => false,
        [coding] if matches!(coding.as_str(), "gzip" | "x-gzip") => {
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
    use crate::engine::error::LoginTo;
    use crate::engine::types::ByteRange;

    const TAG: &str = "\"v1\"";

    fn head(status: u16, length: Option<u64>, fields: &[(&str, &str)]) -> Head {
        Head {
            status,
            length,
            fields: fields.iter().copied().collect(),
            url: Some(Url::parse("http://h/file.bin").unwrap()),
            ..Head::default()
        }
    }

    fn rest() -> Asked {
        Asked {
            range: Some(ByteRange::new(100, 300)),
            total: Some(300),
            validator: Some(Validator::ETag(TAG.into())),
            ..Asked::default()
        }
    }

    fn judge(asked: &Asked, head: &Head) -> Result<Answer, FailureKind> {
        prove(asked, head, SystemTime::UNIX_EPOCH).map_err(|failure| failure.kind)
    }

    #[test]
    fn of_a_file_whose_length_is_known_beforehand_no_more_is_taken() {
        let asked = Asked { size: Some(5), ..Asked::default() };
        let answer = judge(&asked, &head(200, None, &[])).unwrap();
        assert_eq!((answer.total, answer.end), (None, Some(5)));
    }

    #[test]
    fn the_range_asked_for_is_taken() {
        let good = head(206, Some(200), &[("content-range", "bytes 100-299/300"), ("etag", TAG)]);
        let answer = judge(&rest(), &good).unwrap();
        assert_eq!((answer.start, answer.end, answer.total, answer.resumable), (100, Some(300), Some(300), true));
    }

    #[test]
    fn a_segment_is_taken_only_as_exactly_the_range_asked_for() {
        let asked = Asked { range: Some(ByteRange::new(0, 100)), ..rest() };
        let good = head(206, Some(100), &[("content-range", "bytes 0-99/300"), ("etag", TAG)]);
        let answer = judge(&asked, &good).unwrap();
        assert_eq!((answer.start, answer.end, answer.total), (0, Some(100), Some(300)));
        for text in ["bytes 0-98/300", "bytes 0-100/300", "bytes 0-299/300", "bytes 1-99/300"] {
            let wrong = head(206, None, &[("content-range", text), ("etag", TAG)]);
            assert_eq!(judge(&asked, &wrong), Err(FailureKind::WrongRange), "{text}");
        }
    }

    #[test]
    fn another_server_must_tell_the_validator_itself() {
        let silent = head(206, Some(200), &[("content-range", "bytes 100-299/300")]);
        assert!(judge(&rest(), &silent).is_ok());
        let strict = Asked { is_strict: true, ..rest() };
        assert_eq!(judge(&strict, &silent), Err(FailureKind::WrongRange));
        let unknown = Asked { validator: None, ..strict };
        assert_eq!(judge(&unknown, &silent), Err(FailureKind::WrongRange));
        let same = head(206, Some(200), &[("content-range", "bytes 100-299/300"), ("etag", TAG)]);
        assert!(judge(&strict, &same).is_ok());
        let date = "Thu, 01 Jan 2026 00:00:00 GMT";
        let dated = Asked { validator: Some(Validator::LastModified(date.into())), ..strict };
        let both = [("content-range", "bytes 100-299/300"), ("etag", TAG), ("last-modified", date)];
        assert!(judge(&dated, &head(206, Some(200), &both)).is_ok());
        assert_eq!(judge(&dated, &same), Err(FailureKind::WrongRange));
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
    fn redirects_tell_of_mirrors_and_digests_of_which_the_last_answer_knows_better() {
        let url = |text: &str| Url::parse(text).unwrap();
        let link = ("link", "<g>; rel=duplicate, <http://h/file.bin>; rel=duplicate".to_owned());
        let digest = |byte: u8| format!("md5=:{}:", glib::base64_encode(&[byte; 16]));
        let mut moved = head(200, Some(4), &[]);
        let fields = headers::Fields::from_iter([("repr-digest", digest(9))]);
        moved.on_the_way.learn(&fields, Some(&url("http://page/")));
        assert_eq!(judge(&Asked::default(), &moved).unwrap().digest, None);
        for (byte, from) in [(1, "http://first/a/f"), (2, "http://next/f")] {
            let fields = headers::Fields::from_iter([link.clone(), ("repr-digest", digest(byte))]);
            moved.on_the_way.learn(&fields, Some(&url(from)));
        }
        let answer = judge(&Asked::default(), &moved).unwrap();
        assert_eq!(answer.mirrors, [url("http://first/a/g"), url("http://next/g")]);
        assert_eq!(answer.digest.unwrap().hex, "01".repeat(16));
        let own = ("link", "<own>; rel=duplicate".to_owned());
        moved.fields = [own, ("repr-digest", digest(3))].into_iter().collect();
        let answer = judge(&Asked::default(), &moved).unwrap();
        assert_eq!(answer.mirrors[0], url("http://h/own"));
        assert_eq!(answer.digest.unwrap().hex, "03".repeat(16));
    }

    #[test]
    fn statuses_become_kinds_and_carry_the_wish_of_the_server() {
        let busy = prove(&Asked::default(), &head(503, None, &[("retry-after", "7")]), SystemTime::UNIX_EPOCH);
        let failure = busy.unwrap_err();
        assert_eq!(failure.kind, FailureKind::HttpStatus(503));
        assert_eq!(failure.retry_after, Some(std::time::Duration::from_secs(7)));
        let wanted = |status, name, way| {
            let failure = refusal(status, &head(status, None, &[(name, way)]), SystemTime::now());
            (failure.login_wanted(), failure.kind)
        };
        for (status, name, from, kind, unsupported) in [
            (401, "www-authenticate", LoginTo::Server, FailureKind::LoginRequired, FailureKind::LoginUnsupported),
            (407, "proxy-authenticate", LoginTo::Proxy, FailureKind::ProxyLogin, FailureKind::ProxyLoginUnsupported),
        ] {
            assert_eq!(wanted(status, name, "Negotiate, Digest nonce=x"), (Some(from), kind));
            assert_eq!(wanted(status, name, "Negotiate, NTLM"), (None, unsupported));
        }
        assert_eq!(judge(&Asked::default(), &head(401, None, &[])), Err(FailureKind::HttpStatus(401)));
        let asking = |hop: &str| {
            let told = head(401, None, &[("www-authenticate", "Negotiate"), ("www-authenticate", "Basic realm=\"r\"")]);
            let hops = vec![Url::parse(hop).unwrap()];
            refusal(401, &Head { hops, ..told }, SystemTime::now())
        };
        let (here, elsewhere) = (asking("http://h/old"), asking("http://other/old"));
        assert_eq!((here.kind, here.realm.as_deref()), (FailureKind::LoginRequired, Some("r")));
        assert_eq!(elsewhere.kind, FailureKind::LoginElsewhere);
        assert_eq!(judge(&Asked::default(), &head(204, None, &[])), Err(FailureKind::Protocol));
    }

    #[test]
    fn a_file_without_header_fields_is_proven_by_size_and_time() {
        let at = |secs| Some(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(secs));
        let first = judge(&Asked::default(), &Head { length: Some(300), modified: at(5), ..Head::default() }).unwrap();
        assert!(first.resumable);
        let range = Some(ByteRange::new(100, 300));
        let again = Asked { range, total: first.total, validator: first.validator, ..Asked::default() };
        let same = Head { length: Some(200), modified: at(5), ..Head::default() };
        assert_eq!(judge(&again, &same).unwrap().start, 100);
        assert!(judge(&again, &Head { length: Some(201), modified: at(5), ..Head::default() }).is_err());
        assert!(judge(&again, &Head { length: Some(200), modified: at(6), ..Head::default() }).is_err());
        assert!(judge(&again, &Head { length: Some(200), modified: None, ..Head::default() }).is_err());
        let tagged = Asked { validator: Some(Validator::ETag(TAG.into())), is_strict: true, ..again };
        assert!(judge(&tagged, &same).is_err());
    }

    #[test]
    fn a_file_whose_bytes_are_proven_otherwise_needs_only_its_length() {
        let asked = Asked { validator: None, ..rest() };
        let modified = Some(SystemTime::UNIX_EPOCH);
        assert!(judge(&asked, &Head { length: Some(200), modified, ..Head::default() }).unwrap().continues);
        assert!(judge(&asked, &Head { length: Some(200), ..Head::default() }).is_ok());
        assert!(judge(&asked, &Head { length: Some(201), modified, ..Head::default() }).is_err());
        assert!(judge(&asked, &Head { modified, ..Head::default() }).is_err());
        let strict = Asked { is_strict: true, ..asked };
        assert!(judge(&strict, &Head { length: Some(200), modified, ..Head::default() }).is_err());
        assert!(judge(&strict, &Head { length: Some(200), ..Head::default() }).is_err());
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! What is answered: head, body, and what goes wrong on the way.

use std::ops::Range;
use std::time::Duration;

use super::super::files;
use super::Request;

/// A generated file on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    pub seed: u64,
    pub len: u64,
    pub etag: Option<String>,
    pub last_modified: Option<String>,
    pub media_type: String,
}

impl Resource {
    /// File `seed` of [`files`], with a strong ETag and a Last-Modified date long ago.
    pub fn new(seed: u64, len: u64) -> Self {
        Self {
            seed,
            len,
            etag: Some(format!("\"{seed:x}-{len:x}\"")),
            last_modified: Some("Mon, 03 Mar 2025 03:03:03 GMT".to_owned()),
            media_type: "application/octet-stream".to_owned(),
        }
    }

    /// The same with this ETag (with its quotes), or without one.
    pub fn etag(mut self, etag: Option<&str>) -> Self {
        self.etag = etag.map(str::to_owned);
        self
    }

    pub fn last_modified(mut self, date: Option<&str>) -> Self {
        self.last_modified = date.map(str::to_owned);
        self
    }

    pub fn media_type(mut self, media_type: &str) -> Self {
        media_type.clone_into(&mut self.media_type);
        self
    }

    /// What a good server says (RFC 9110 section 14): 206 for a range, 416 for one that lies
    /// outside, 200 for all, also when If-Range names another validator.
    pub fn answer(&self, request: &Request) -> Answer {
        let Some((first, last)) = request.range() else { return self.whole() };
        let if_range = request.header("If-Range");
        let current = |have: &Option<String>| have.as_deref() == if_range;
        if if_range.is_some() && !current(&self.etag) && !current(&self.last_modified) {
            return self.whole();
        }
        if first >= self.len {
            return Answer::status(416).header("Content-Range", &format!("bytes */{}", self.len));
        }
        self.part(first..last.map_or(self.len, |last| last.saturating_add(1).min(self.len)))
    }

    /// 200 with the whole file, as of a server that knows ranges.
    pub fn whole(&self) -> Answer {
        self.without_ranges().header("Accept-Ranges", "bytes")
    }

    /// 200 with the whole file, whatever was asked.
    pub fn without_ranges(&self) -> Answer {
        self.described(Answer::status(200)).generated(self.seed, 0..self.len)
    }

    /// 206 with this range, whatever was asked.
    pub fn part(&self, range: Range<u64>) -> Answer {
        let told = format!("bytes {}-{}/{}", range.start, range.end.saturating_sub(1), self.len);
        self.described(Answer::status(206)).header("Content-Range", &told).generated(self.seed, range)
    }

    fn described(&self, answer: Answer) -> Answer {
        let answer = answer.header("Content-Type", &self.media_type);
        let answer = self.etag.iter().fold(answer, |answer, etag| answer.header("ETag", etag));
        self.last_modified.iter().fold(answer, |answer, date| answer.header("Last-Modified", date))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Body {
    Bytes(Vec<u8>),
    Generated { seed: u64, range: Range<u64> },
}

impl Body {
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Generated { range, .. } => range.end - range.start,
        }
    }

    /// Copies out the bytes from `offset` on.
    pub(super) fn copy(&self, offset: u64, buffer: &mut [u8]) {
        match self {
            Self::Bytes(bytes) => buffer.copy_from_slice(&bytes[offset as usize..][..buffer.len()]),
            Self::Generated { seed, range } => files::fill(*seed, range.start + offset, buffer),
        }
    }
}

/// How the end of the body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// Content-Length, true or not.
    Length(u64),
    Chunked,
    /// HTTP/1.0: the body ends with the connection.
    Close,
    /// Nothing is said of it but what the test's own fields say.
    Untold,
    /// There is no head but what the body brings.
    Raw,
}

/// How the connection is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    KeepAlive,
    Close,
    Reset,
}

/// An answer with its mishaps. All lengths count bytes of body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub(super) status: u16,
    pub(super) status_line: Option<String>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Body,
    pub(super) preface: Vec<u8>,
    pub(super) postscript: Vec<u8>,
    pub(super) framing: Framing,
    pub(super) ending: Ending,
    pub(super) silence: Duration,
    pub(super) line_pause: Duration,
    pub(super) cut: Option<u64>,
    pub(super) stall: Option<(u64, Duration)>,
    pub(super) rate: Option<u64>,
}

impl Answer {
    /// An answer with a short body of text, or an empty one.
    pub fn status(status: u16) -> Self {
        let answer = Self {
            status,
            status_line: None,
            headers: Vec::new(),
            body: Body::Bytes(Vec::new()),
            preface: Vec::new(),
            postscript: Vec::new(),
            framing: Framing::Length(0),
            ending: Ending::KeepAlive,
            silence: Duration::ZERO,
            line_pause: Duration::ZERO,
            cut: None,
            stall: None,
            rate: None,
        };
        if status >= 400 { answer.bytes(format!("error {status}\n")) } else { answer }
    }

    /// 302 or another redirect; `location` may be relative, of another host, of any scheme.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::status(status).header("Location", location)
    }

    /// 401 that asks for Basic authentication.
    pub fn login() -> Self {
        Self::status(401).header("WWW-Authenticate", "Basic realm=\"test\"")
    }

    /// What a captive portal says to everything: 200 with a page.
    pub fn login_page() -> Self {
        let page = "<!DOCTYPE html><html><head><title>Log in</title></head><body><form>...</form></body></html>\n";
        Self::status(200).header("Content-Type", "text/html; charset=utf-8").bytes(page)
    }

    /// These bytes and no others, then the connection is closed: for heads and framings that no
    /// server should send. Cuts, stalls and rates count all of them.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { framing: Framing::Raw, ending: Ending::Close, ..Self::status(200).bytes(bytes) }
    }

    /// The connection is taken and nothing is ever said.
    pub fn nothing() -> Self {
        Self::status(200).silent_for(Duration::MAX)
    }

    pub fn bytes(self, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self { framing: Framing::Length(bytes.len() as u64), body: Body::Bytes(bytes), ..self }
    }

    /// A body out of file `seed` of [`files`].
    pub fn generated(self, seed: u64, range: Range<u64>) -> Self {
        Self { framing: Framing::Length(range.end - range.start), body: Body::Generated { seed, range }, ..self }
    }

    /// Sets a header; one of this name that is there is replaced. For a Content-Length that does not
    /// fit the body there is [`Self::claim_length`].
    pub fn header(self, name: &str, value: &str) -> Self {
        let mut answer = self.without_header(name);
        answer.headers.push((name.to_owned(), value.to_owned()));
        answer
    }

    /// Adds a header, beside others of its name.
    pub fn one_more_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn without_header(mut self, name: &str) -> Self {
        self.headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
        self
    }

    /// Begins with this line in place of the one that fits the status.
    pub fn status_line(self, line: &str) -> Self {
        Self { status_line: Some(line.to_owned()), ..self }
    }

    /// Sends these bytes before the head.
    pub fn preface(self, bytes: impl Into<Vec<u8>>) -> Self {
        Self { preface: bytes.into(), ..self }
    }

    /// Sends these bytes after the body and its framing.
    pub fn postscript(self, bytes: impl Into<Vec<u8>>) -> Self {
        Self { postscript: bytes.into(), ..self }
    }

    /// A header of this many bytes.
    pub fn giant_header(self, len: usize) -> Self {
        self.header("X-Giant", &"x".repeat(len))
    }

    /// Announces this length. A longer one than the body's is never fulfilled (the connection is
    /// closed); with a shorter one the rest follows all the same.
    pub fn claim_length(self, len: u64) -> Self {
        Self { framing: Framing::Length(len), ending: Ending::Close, ..self }
    }

    pub fn chunked(self) -> Self {
        Self { framing: Framing::Chunked, ..self }
    }

    /// As of HTTP/1.0: no length, the end of the connection is the end of the body.
    pub fn http10(self) -> Self {
        Self { framing: Framing::Close, ending: Ending::Close, ..self }
    }

    /// Tells no framing but what the test's own fields say, and closes the connection after the body.
    pub fn unframed(self) -> Self {
        Self { framing: Framing::Untold, ending: Ending::Close, ..self }
    }

    /// Says Connection: close and does so.
    pub fn closing(self) -> Self {
        Self { ending: Ending::Close, ..self }.header("Connection", "close")
    }

    /// Closes the connection in good manners after so many bytes.
    pub fn cut_after(self, bytes: u64) -> Self {
        Self { cut: Some(bytes), ending: Ending::Close, ..self }
    }

    /// Resets the connection after so many bytes (some of which may never arrive).
    pub fn reset_after(self, bytes: u64) -> Self {
        Self { cut: Some(bytes), ending: Ending::Reset, ..self }
    }

    /// Holds still after so many bytes.
    pub fn stall_after(self, bytes: u64, time: Duration) -> Self {
        Self { stall: Some((bytes, time)), ..self }
    }

    /// Bytes a second.
    pub fn rate(self, rate: u64) -> Self {
        Self { rate: Some(rate.max(1)), ..self }
    }

    /// Says nothing for a time before the head.
    pub fn silent_for(self, time: Duration) -> Self {
        Self { silence: time, ..self }
    }

    /// Pauses after each line of the head.
    pub fn slow_head(self, pause: Duration) -> Self {
        Self { line_pause: pause, ..self }
    }
}

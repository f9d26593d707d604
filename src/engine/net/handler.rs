// SPDX-License-Identifier: GPL-3.0-or-later
//! libcurl's callbacks of one transfer. They note and return: no call into libcurl but
//! `curl_easy_getinfo`, nothing that blocks, and no panic, which would end every transfer of the
//! multi handle: each callback runs guarded, and a fault in it ends this one transfer.

use std::os::fd::{IntoRawFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use curl::easy::WriteError;
use url::Url;

use super::gate::{Gate, Held};
use super::proof::{self, Head};
use super::raw::EasyRef;
use super::sink::{Sink, Took};
use super::{Asked, TransferEvent, Vitals};
use crate::engine::error::{Failure, FailureKind};
use crate::engine::types::{Moment, TransferId};

/// All header fields of one answer together may not be larger. libcurl bounds a line, not the sum.
const LARGEST_HEAD: usize = 256 * 1024;
/// The body of a refusal is read up to here, so that its connection can be used again.
const LARGEST_REFUSAL: u64 = 64 * 1024;

/// How far the answer has been judged.
#[derive(Debug)]
enum Judged {
    /// Its head is still coming.
    NotYet,
    /// Its body is the file's.
    Taken,
    /// Its body is not wanted.
    Refused(Failure),
}

pub struct TransferHandler {
    id: TransferId,
    asked: Asked,
    gate: Rc<Gate>,
    pub sink: Sink,
    easy: Option<EasyRef>,
    head: Head,
    head_size: usize,
    judged: Judged,
    /// Bytes of a body, wanted or not.
    received: u64,
    flushed_at: u64,
    last_sign: Moment,
    held: Option<Held>,
    /// The name lookup is over: it asked for a socket, or there was one already.
    resolved: bool,
    /// Nobody wants it any more; it ends as soon as it can without blocking.
    abandoned: bool,
}

impl TransferHandler {
    pub fn new(id: TransferId, asked: Asked, gate: Rc<Gate>, sink: Sink) -> Self {
        let last_sign = gate.clock.now();
        Self {
            id,
            asked,
            gate,
            sink,
            easy: None,
            head: Head::default(),
            head_size: 0,
            judged: Judged::NotYet,
            received: 0,
            flushed_at: 0,
            last_sign,
            held: None,
            resolved: false,
            abandoned: false,
        }
    }

    pub fn set_easy(&mut self, easy: EasyRef) {
        self.easy = Some(easy);
    }

    pub fn vitals(&self) -> Vitals {
        Vitals { received: self.received, last_sign: self.last_sign, held: self.held.is_some() }
    }

    pub fn held(&self) -> Option<Held> {
        self.held
    }

    /// Whether it can be removed without waiting for a name lookup.
    pub fn is_resolved(&self) -> bool {
        self.resolved
    }

    pub fn abandon(&mut self) {
        self.abandoned = true;
    }

    /// Hands over a block that fills up slowly.
    pub fn flush_if_slow(&mut self) {
        if self.received - self.flushed_at < super::sink::LARGEST_BLOCK as u64 {
            self.sink.flush_slow();
        }
        self.flushed_at = self.received;
    }

    /// What the transfer came to, given what `curl_multi_info_read` says. Afterwards only the sink
    /// may still have early bytes.
    pub fn conclude(&mut self, result: Result<(), curl::Error>) -> Result<u64, Failure> {
        if matches!(self.judged, Judged::NotYet) && result.is_ok() {
            // An empty body: no write callback has judged it.
            self.judge();
        }
        self.sink.flush();
        if let Judged::Refused(failure) = &self.judged {
            return Err(failure.clone());
        }
        result.map_err(|error| super::failure::from_curl(&error))?;
        Ok(self.sink.next())
    }

    /// Judges the head, and tells of it.
    fn judge(&mut self) {
        let infos = self.easy.map(EasyRef::infos);
        if let Some(infos) = infos {
            self.head.url = infos.url.and_then(|url| Url::parse(&url.to_string_lossy()).ok());
            self.head.length = infos.length;
            let is_http = self.head.url.as_ref().is_none_or(|url| url.scheme().starts_with("http"));
            if !is_http {
                // A reply code of FTP is no status of HTTP; what it means, libcurl has seen to.
                self.head.status = 0;
                self.head.fields.clear();
                self.head.modified = infos.filetime.map(|age| SystemTime::UNIX_EPOCH + Duration::from_secs(age));
            } else if self.head.status == 0 {
                self.head.status = infos.status;
            }
        }
        self.judged = match proof::prove(&self.asked, &self.head, self.gate.clock.today()) {
            Ok(answer) => {
                self.sink.begin(answer.start, answer.total);
                self.gate.tell(TransferEvent::Answered { id: self.id, answer: Box::new(answer) });
                Judged::Taken
            }
            Err(failure) => Judged::Refused(failure),
        };
    }

    fn on_header(&mut self, line: &[u8]) -> bool {
        self.resolved = true;
        self.last_sign = self.gate.clock.now();
        if self.abandoned {
            return false;
        }
        self.head_size += line.len();
        if self.head_size > LARGEST_HEAD {
            let detail = format!("the header fields are larger than {} KiB", LARGEST_HEAD / 1024);
            self.judged = Judged::Refused(Failure::new(FailureKind::Protocol, detail));
            return false;
        }
        if matches!(self.judged, Judged::NotYet) {
            read_header_line(&mut self.head, line);
        }
        true
    }

    fn on_body(&mut self, bytes: &[u8]) -> Result<usize, WriteError> {
        let now = self.gate.clock.now();
        self.last_sign = now;
        if self.abandoned {
            return Ok(0);
        }
        if matches!(self.judged, Judged::NotYet) {
            self.judge();
        }
        if matches!(self.judged, Judged::Refused(_)) {
            self.received += bytes.len() as u64;
            return Ok(if self.received > LARGEST_REFUSAL { 0 } else { bytes.len() });
        }
        if self.gate.is_shut(now) {
            return self.hold(Held::Slice);
        }
        let mut budget = self.gate.budget.borrow_mut();
        if budget.ready_at().is_some_and(|at| at > now) {
            drop(budget);
            return self.hold(Held::Rate);
        }
        match self.sink.take(bytes) {
            Took::All => {
                budget.take(bytes.len(), now);
                self.held = None;
                self.received += bytes.len() as u64;
                Ok(bytes.len())
            }
            Took::NoRoom => {
                drop(budget);
                self.hold(Held::Room)
            }
            Took::NoPart => {
                drop(budget);
                self.hold(Held::Part)
            }
            Took::TooMuch => {
                let detail = "the body is longer than was announced".to_owned();
                self.judged = Judged::Refused(Failure::new(FailureKind::Protocol, detail));
                Ok(0)
            }
        }
    }

    fn hold(&mut self, why: Held) -> Result<usize, WriteError> {
        self.held = Some(why);
        self.gate.hold(self.id, why);
        Err(WriteError::Pause)
    }

    /// Runs a callback so that a panic in it ends only this transfer.
    fn guarded<R>(&mut self, fallback: R, callback: impl FnOnce(&mut Self) -> R) -> R {
        match catch_unwind(AssertUnwindSafe(|| callback(self))) {
            Ok(value) => value,
            Err(_) => {
                let detail = "a fault in Freshet's own code, see the log".to_owned();
                self.judged = Judged::Refused(Failure::new(FailureKind::Internal(0), detail));
                fallback
            }
        }
    }
}

impl curl::easy::Handler for TransferHandler {
    fn header(&mut self, data: &[u8]) -> bool {
        self.guarded(false, |this| this.on_header(data))
    }

    fn write(&mut self, data: &[u8]) -> Result<usize, WriteError> {
        self.guarded(Ok(0), |this| this.on_body(data))
    }

    fn open_socket(&mut self, family: i32, kind: i32, protocol: i32) -> Option<curl_sys::curl_socket_t> {
        self.guarded(None, |this| {
            this.resolved = true;
            if this.abandoned {
                return None;
            }
            // Like the binding's own: libcurl's would not be closed on exec.
            let socket = socket2::Socket::new(family.into(), kind.into(), Some(protocol.into())).ok()?;
            Some(OwnedFd::from(socket).into_raw_fd())
        })
    }
}

/// Takes a line of the head in. A status line begins a new head: redirects and interim answers have
/// theirs before the final one.
fn read_header_line(head: &mut Head, line: &[u8]) {
    let line = line.trim_ascii_end();
    if line.starts_with(b"HTTP/") {
        let status = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).nth(1);
        head.status = status
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| digits.parse().ok())
            .unwrap_or_default();
        head.fields.clear();
        return;
    }
    let Some(colon) = line.iter().position(|byte| *byte == b':') else { return };
    let (name, value) = line.split_at(colon);
    let name = String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase();
    let value = value.get(1..).unwrap_or_default().trim_ascii().to_vec();
    head.fields.push((name, value));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_line_begins_a_new_head() {
        let mut head = Head::default();
        for line in ["HTTP/1.1 302 Found\r\n", "ETag: \"a\"\r\n", "\r\n", "HTTP/2 200 \r\n", "X-Y:  z \r\n", "\r\n"] {
            read_header_line(&mut head, line.as_bytes());
        }
        assert_eq!(head.status, 200);
        assert_eq!(head.fields, [("x-y".to_owned(), b"z".to_vec())]);
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! What libcurl's callbacks of one transfer do. They note and return: no call into libcurl but
//! `curl_easy_getinfo`, nothing that blocks, and no panic, which would end every transfer of the
//! multi handle: each callback runs guarded, and a fault in it ends this one transfer.

mod callbacks;
mod failing;
mod judging;
mod redirects;

use std::net::Shutdown;
use std::os::fd::RawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use curl::easy::WriteError;
use socket2::Socket;
use url::Url;

use super::decode::Decoder;
use super::gate::{Gate, Held};
use super::head;
use super::idle::Ports;
use super::memory::Memory;
use super::proof::Head;
use super::raw::EasyRef;
use super::sink::{self, Sink, Took};
use super::window::Pace;
use super::{Asked, Body, Request, TransferEvent, Vitals};
use crate::engine::error::{Failure, FailureKind};
use crate::engine::types::{Moment, TransferId};

pub use redirects::Trail;

/// The body of a refusal is read up to here, so that its connection can be used again.
const LARGEST_REFUSAL: u64 = 64 * 1024;

/// What rate limits say to a piece of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leave {
    /// There is no limit, or it has crossed the wire before there was this one.
    Free,
    Counted,
    No,
}

/// How far the answer has been judged.
#[derive(Debug)]
enum Judged {
    /// Its head is still coming.
    NotYet,
    /// Its body is the file's.
    Taken,
    /// All that is wanted of its body has come; what else comes is not taken.
    Enough,
    /// Its body is not wanted.
    Refused(Failure),
    /// Nor here, but what there is at this address, once so much of it has come.
    Elsewhere { url: Url, received: u64 },
}

pub struct TransferHandler {
    id: TransferId,
    /// The address that was asked first.
    first_url: Url,
    has_proxy_login: bool,
    /// What was asked of the first server, if no other may be asked all of it: then redirects are followed by us.
    led: Option<Box<Request>>,
    asked: Asked,
    gate: Rc<Gate>,
    pub sink: Sink,
    /// The offset up to which bytes are wanted, where that is not the end of the body.
    until: Option<u64>,
    memory: Option<Memory>,
    /// There if the body has a content coding that is to be undone.
    decoder: Option<Decoder>,
    easy: Option<EasyRef>,
    head: Head,
    head_size: usize,
    /// The empty line behind the fields has come.
    is_head_whole: bool,
    judged: Judged,
    /// Bytes of a body, wanted or not.
    received: u64,
    flushed_at: u64,
    last_sign: Moment,
    held: Option<Held>,
    /// Where the body comes from.
    socket: Option<RawFd>,
    /// The ends of its connection, where that may serve further transfers.
    ports: Option<Ports>,
    pace: Pace,
    /// The name lookup is over: it asked for a socket, or there was one already.
    resolved: bool,
    /// Nobody wants it any more; it ends as soon as it can without blocking.
    abandoned: bool,
    /// The connection, where it has to be cut by us: libcurl takes its leave of an SSH server inside
    /// one call, however long the server takes to answer.
    ssh: Option<Socket>,
}

impl TransferHandler {
    pub fn new(id: TransferId, request: &Request, gate: Rc<Gate>, mut sink: Sink) -> Self {
        let last_sign = gate.clock.now();
        let asked = request.asked.clone();
        gate.limiter.borrow_mut().enter(id, request.download);
        sink.expect(request.overlap.clone());
        sink.meant_for(request.part);
        let memory = match request.body {
            Body::Part => None,
            Body::Memory { most } => Some(Memory::new(most, &asked)),
            Body::Head { .. } => Some(Memory::of_head()),
        };
        Self {
            id,
            first_url: request.url.clone(),
            has_proxy_login: request.manners.has_proxy_login(),
            led: request.manners.has_more_than_logins().then(|| Box::new(request.clone())),
            until: asked.range.map(|range| range.end),
            asked,
            gate,
            sink,
            memory,
            decoder: None,
            easy: None,
            head: Head::default(),
            head_size: 0,
            is_head_whole: false,
            judged: Judged::NotYet,
            received: 0,
            flushed_at: 0,
            last_sign,
            held: None,
            socket: None,
            ports: None,
            pace: Pace::new(last_sign),
            resolved: false,
            abandoned: false,
            ssh: None,
        }
    }

    pub fn set_easy(&mut self, easy: EasyRef) {
        self.easy = Some(easy);
    }

    pub fn vitals(&self) -> Vitals {
        let is_taken = matches!(self.judged, Judged::Taken | Judged::Enough);
        let (next, end) = if is_taken { (Some(self.sink.next()), self.sink.end()) } else { (None, None) };
        Vitals { received: self.received, next, end, last_sign: self.last_sign, held: self.held.is_some() }
    }

    pub fn held(&self) -> Option<Held> {
        self.held
    }

    /// Its socket and that one's ends, once an answer has come over it.
    pub fn connection(&self) -> Option<(RawFd, Ports)> {
        Some((self.socket?, self.ports?))
    }

    /// Whether it can be removed without waiting for a name lookup.
    pub fn is_resolved(&self) -> bool {
        self.resolved
    }

    pub fn abandon(&mut self) {
        self.abandoned = true;
    }

    /// Nothing from `end` on is wanted; `true` if all that is wanted has come.
    pub fn set_end(&mut self, end: u64) -> bool {
        self.until = Some(end);
        if matches!(self.judged, Judged::Taken) && self.sink.next() >= end {
            self.judged = Judged::Enough;
        }
        matches!(self.judged, Judged::Enough)
    }

    /// Hands over a block that fills up slowly.
    pub fn flush_if_slow(&mut self) {
        self.sink.pace(self.received - self.flushed_at);
        self.flushed_at = self.received;
    }

    /// What the transfer came to, given what `curl_multi_info_read` says. Afterwards only the sink
    /// may still have early bytes.
    pub fn conclude(&mut self, result: Result<(), curl::Error>) -> Result<(), Failure> {
        // Where it went on from the middle by a proxy, libcurl looks at no status before it misses the range.
        let is_refused = |error: &curl::Error| error.is_range_error() && self.is_head_whole && self.head.status >= 400;
        if matches!(self.judged, Judged::NotYet) && result.as_ref().err().is_none_or(is_refused) {
            if self.head.status == 0 || self.is_head_whole {
                // An empty body: no write callback has judged it.
                self.judge();
            } else {
                // libcurl takes this for an empty file.
                let detail = "the connection was closed within the header fields".to_owned();
                self.judged = Judged::Refused(Failure::new(FailureKind::ConnectionLost, detail));
            }
        }
        self.sink.flush();
        match &self.judged {
            Judged::Refused(failure) => return Err(failure.clone()),
            // It was broken off by us, or could be.
            Judged::Enough | Judged::Elsewhere { .. } => {}
            Judged::NotYet | Judged::Taken => {
                // The body may be here, and only the server's leave was not waited for.
                if let Err(error) = result
                    && !(error.is_aborted_by_callback() && self.is_whole())
                {
                    return Err(self.failure(&error));
                }
                self.decoder.as_ref().map_or(Ok(()), Decoder::check_end)?;
            }
        }
        Ok(())
    }

    /// The event that tells what it came to; `None` as long as bytes are not with the disk yet.
    pub fn ended(&mut self, outcome: &Result<(), Failure>) -> Option<TransferEvent> {
        let id = self.id;
        let Some(memory) = self.memory.take() else {
            // An empty body is complete before there is a part.
            let end = if outcome.is_ok() { Some(self.sink.next()) } else { self.sink.handed_over() };
            return self.sink.is_settled().then(|| TransferEvent::Ended { id, end, result: outcome.clone() });
        };
        Some(TransferEvent::Fetched { id, result: outcome.clone().and_then(|()| memory.fetched()) })
    }

    /// Whether all of the body is here that was announced.
    fn is_whole(&self) -> bool {
        matches!(self.judged, Judged::Taken) && self.head.length == Some(self.received)
    }

    /// Ends an SSH connection without taking leave: without one libcurl has nobody to wait for.
    fn hang_up(&self) {
        if let Some(socket) = &self.ssh
            && let Err(error) = socket.shutdown(Shutdown::Both)
        {
            // It was over already.
            tracing::debug!("transfer {}: {error}", self.id.0);
        }
    }

    /// The address that was asked last.
    fn url(&self) -> Option<Url> {
        self.read_url(self.easy?.infos().url?.as_bytes())
    }

    /// An address of libcurl's. Most are that which was asked, and it was read before.
    fn read_url(&self, url: &[u8]) -> Option<Url> {
        match url == self.first_url.as_str().as_bytes() {
            true => Some(self.first_url.clone()),
            false => Url::parse(&String::from_utf8_lossy(url)).ok(),
        }
    }

    fn on_header(&mut self, line: &[u8]) -> bool {
        self.resolved = true;
        self.last_sign = self.gate.began();
        if self.abandoned {
            return false;
        }
        self.head_size += line.len();
        if let Err(failure) = head::check_size(self.head_size) {
            self.judged = Judged::Refused(failure);
            return false;
        }
        if matches!(self.judged, Judged::NotYet) {
            self.is_head_whole = head::read_line(&mut self.head, line);
            if self.is_head_whole && matches!(self.head.status, 300..=399) {
                let url = self.url();
                self.head.on_the_way.learn(&self.head.fields, url.as_ref());
                self.head.hops.extend(url);
            }
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
        if let Judged::Elsewhere { received, .. } = &mut self.judged {
            *received += bytes.len() as u64;
            return Ok(if *received > LARGEST_REFUSAL { 0 } else { bytes.len() });
        }
        if matches!(self.judged, Judged::Enough) {
            return Ok(0);
        }
        if self.memory.is_some() {
            return Ok(self.read(bytes));
        }
        // What lies beyond is fetched by somebody else.
        let left = self.until.map_or(u64::MAX, |until| until.saturating_sub(self.sink.next()));
        let wanted = usize::try_from(left).map_or(bytes, |left| bytes.get(..left).unwrap_or(bytes));
        if !self.gate.lets_in(wanted.len(), now) {
            return self.hold(Held::Slice);
        }
        let leave = self.leave(wanted.len(), now);
        if leave == Leave::No {
            return self.hold(Held::Rate);
        }
        let took = match &mut self.decoder {
            Some(decoder) => match decoder.pass(wanted, |piece| self.sink.take(piece)) {
                Ok(took) => took,
                Err(failure) => return self.refuse(failure),
            },
            None => self.sink.take(wanted),
        };
        match took {
            Took::All => {
                if leave == Leave::Counted {
                    self.gate.limiter.borrow_mut().took(self.id, wanted.len(), now);
                    self.pace.took(wanted.len(), now);
                }
                self.held = None;
                self.received += wanted.len() as u64;
                if self.until == Some(self.sink.next()) && self.sink.end() != self.until {
                    self.judged = Judged::Enough;
                    self.hang_up();
                    return Ok(0);
                }
                if self.is_whole() {
                    self.hang_up();
                }
                Ok(bytes.len())
            }
            Took::NoRoom => self.hold(Held::Room),
            Took::NoPart => self.hold(Held::Part),
            Took::TooMuch => self.refuse(sink::too_much()),
            Took::Other => self.refuse(sink::other_file()),
        }
    }

    /// Takes nothing more of it.
    fn refuse(&mut self, failure: Failure) -> Result<usize, WriteError> {
        self.judged = Judged::Refused(failure);
        Ok(0)
    }

    /// Takes what is wanted of a body that is read, not kept; answers as libcurl wants it.
    fn read(&mut self, bytes: &[u8]) -> usize {
        let Some(memory) = &mut self.memory else { return 0 };
        if memory.is_of_head {
            self.hang_up();
            self.judged = Judged::Enough;
            return 0;
        }
        let took = match memory.take(bytes) {
            Ok(took) => took,
            Err(failure) => {
                self.judged = Judged::Refused(failure);
                return 0;
            }
        };
        self.received += took as u64;
        let is_enough = memory.is_full() && (took < bytes.len() || self.sink.end() != self.until);
        if is_enough || self.is_whole() {
            self.hang_up();
        }
        if is_enough {
            self.judged = Judged::Enough;
        }
        if is_enough { 0 } else { bytes.len() }
    }

    /// Whether rate limits let it take so many bytes now. If not, its turn comes.
    fn leave(&self, bytes: usize, now: Moment) -> Leave {
        if !self.gate.limiter.borrow().is_limiting() {
            return Leave::Free;
        }
        self.adapt_window();
        let is_on_this_side = |fd| {
            let mut windows = self.gate.windows.borrow_mut();
            windows.drains(fd, bytes, now) || windows.is_overfull(fd)
        };
        if self.socket.is_some_and(is_on_this_side) {
            return Leave::Free;
        }
        if self.gate.limiter.borrow_mut().ask(self.id, bytes, now) { Leave::Counted } else { Leave::No }
    }

    /// Other rate limits are in force. Before it is connected its window is not touched.
    pub fn limits_changed(&self) {
        if !matches!(self.judged, Judged::NotYet) {
            self.adapt_window();
        }
    }

    /// Makes the window of its socket fit what rate limits leave it now.
    fn adapt_window(&self) {
        if let Some(fd) = self.socket {
            let pace = self.gate.limiter.borrow().pace(self.id, self.pace.speed);
            self.gate.windows.borrow_mut().adapt(fd, pace, self.gate.clock.now());
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

impl Drop for TransferHandler {
    fn drop(&mut self) {
        self.gate.limiter.borrow_mut().exit(self.id);
    }
}

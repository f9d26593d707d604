// SPDX-License-Identifier: GPL-3.0-or-later
//! The engine's network over virtual servers. What is done with each piece of an answer follows
//! `net/handler.rs`, with the engine's own proof, sink and rate budget.

mod orders;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use freshet::engine::clock::Clock;
use freshet::engine::disk::Disk;
use freshet::engine::net::proof::{self, Answer};
use freshet::engine::net::sink::{self, Sink, Took};
use freshet::engine::net::{self, Fetched, Request, TransferEvent};
use freshet::engine::rate::Budget;
use freshet::engine::types::{ByteRange, DownloadId, Moment, Speed, TransferId};
use freshet::engine::{Failure, FailureKind};

use super::content::LARGEST_PIECE;
use super::receipts::Receipts;
use super::remote::{Body, Ending, Fault, Remote, Script};
use super::timeline::{Happening, Timeline, VirtualClock};

/// The header field by which the simulation knows whose request it is.
pub const OWNER: &str = "X-Simulated: ";

static OTHER: [u8; LARGEST_PIECE] = [0xee; LARGEST_PIECE];

#[derive(Debug)]
enum Judged {
    NotYet,
    Taken,
    Enough,
    Refused(Failure),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    Room,
    Part,
    Rate,
}

struct Transfer {
    request: Request,
    owner: usize,
    site: usize,
    /// It asks for a list beside the file of the site.
    is_beside: bool,
    host: usize,
    /// It has reached the server.
    is_connected: bool,
    fault: Option<Fault>,
    script: Option<Script>,
    /// Bytes of the body that the server has sent.
    sent: u64,
    until: Option<u64>,
    sink: Sink,
    memory: Vec<u8>,
    answer: Option<Box<Answer>>,
    judged: Judged,
    received: u64,
    flushed_at: u64,
    last_sign: Moment,
    held: Option<Held>,
    /// The number of the step that is planned.
    step: u64,
}

/// What the simulation may know of a transfer.
#[derive(Clone, Copy, Debug)]
pub struct Alive {
    pub owner: usize,
    /// Which host, and whether by FTP: that counts as another.
    pub host: (usize, bool),
    /// It fetches something small to be read.
    pub is_errand: bool,
    /// The limit of its download.
    pub rate: Option<Speed>,
}

/// Over for the server, but not all of its bytes are with the disk.
type Leaving = (Sink, Result<(), Failure>);

pub struct ScriptedTransport {
    timeline: Rc<Timeline>,
    clock: Rc<VirtualClock>,
    disk: Rc<dyn Disk>,
    remote: Rc<RefCell<Remote>>,
    transfers: RefCell<BTreeMap<TransferId, Transfer>>,
    leaving: RefCell<BTreeMap<TransferId, Leaving>>,
    budget: RefCell<Budget>,
    /// Of downloads that have a limit of their own.
    own: RefCell<BTreeMap<DownloadId, Budget>>,
    receipts: Rc<RefCell<Receipts>>,
    events: RefCell<Vec<TransferEvent>>,
    ready: RefCell<Option<Rc<dyn Fn()>>>,
    steps: Cell<u64>,
    requests: Cell<u64>,
    is_stopped: Cell<bool>,
}

impl ScriptedTransport {
    pub fn new(
        timeline: Rc<Timeline>,
        clock: Rc<VirtualClock>,
        disk: Rc<dyn Disk>,
        remote: Rc<RefCell<Remote>>,
        receipts: Rc<RefCell<Receipts>>,
    ) -> Rc<Self> {
        Rc::new(Self {
            timeline,
            clock,
            disk,
            remote,
            transfers: RefCell::default(),
            leaving: RefCell::default(),
            budget: RefCell::default(),
            own: RefCell::default(),
            receipts,
            events: RefCell::default(),
            ready: RefCell::default(),
            steps: Cell::default(),
            requests: Cell::default(),
            is_stopped: Cell::default(),
        })
    }

    pub fn alive(&self) -> Vec<Alive> {
        let own = self.own.borrow();
        let alive = |transfer: &Transfer| Alive {
            owner: transfer.owner,
            host: (transfer.host, transfer.request.url.scheme() == "ftp"),
            is_errand: matches!(transfer.request.body, net::Body::Memory { .. }),
            rate: own.get(&transfer.request.download).and_then(Budget::rate),
        };
        self.transfers.borrow().values().map(alive).collect()
    }

    /// The limit of all downloads.
    pub fn rate(&self) -> Option<Speed> {
        self.budget.borrow().rate()
    }

    pub fn requests(&self) -> u64 {
        self.requests.get()
    }

    /// Calls the engine if there is something to tell; says whether there was.
    pub fn announce(&self) -> bool {
        let is_any = !self.events.borrow().is_empty();
        let ready = self.ready.borrow().clone();
        if let Some(ready) = ready.filter(|_| is_any) {
            ready();
        }
        is_any
    }

    /// Servers become healthy: what hangs is ended.
    pub fn heal(&self) {
        let ids: Vec<_> = self.transfers.borrow().keys().copied().collect();
        for id in ids {
            let hangs = {
                let mut transfers = self.transfers.borrow_mut();
                let Some(transfer) = transfers.get_mut(&id) else { continue };
                transfer.fault = transfer.fault.filter(|fault| matches!(fault, Fault::NoConnection | Fault::Mute));
                let is_silent = transfer.script.as_ref().is_some_and(|script| matches!(script.ending, Ending::Silence));
                transfer.fault.is_some() || is_silent
            };
            if hangs {
                self.conclude(id, Err(Failure::new(FailureKind::ConnectionLost, "connection reset by peer")));
            }
        }
    }

    fn plan(&self, id: TransferId, transfer: &mut Transfer, wait: Duration) {
        self.steps.set(self.steps.get() + 1);
        transfer.step = self.steps.get();
        self.timeline.after(wait, Happening::Transfer { id, step: transfer.step });
    }

    /// The next thing that comes from the server.
    pub fn advance(&self, id: TransferId, step: u64) {
        let over = {
            let mut transfers = self.transfers.borrow_mut();
            let Some(transfer) = transfers.get_mut(&id).filter(|transfer| transfer.step == step) else { return };
            if transfer.script.is_some() {
                self.receive(id, transfer)
            } else if transfer.is_connected {
                self.hear(id, transfer)
            } else {
                self.connect(id, transfer)
            }
        };
        if let Some(result) = over {
            self.conclude(id, result);
        }
    }

    fn connect(&self, id: TransferId, transfer: &mut Transfer) -> Option<Result<(), Failure>> {
        let host = transfer.host;
        transfer.is_connected = true;
        let latency = self.remote.borrow().hosts[host].latency;
        match transfer.fault {
            Some(Fault::Refused) => {
                return Some(Err(Failure::new(FailureKind::CannotConnect, "connection refused")));
            }
            Some(Fault::NoConnection) => {
                // Its time was planned at the start.
                return Some(Err(Failure::new(FailureKind::Silence, "no connection in time")));
            }
            Some(Fault::Mute) => transfer.step = 0,
            _ => {
                transfer.last_sign = self.clock.now();
                self.plan(id, transfer, latency);
            }
        }
        None
    }

    /// The head of the answer is there.
    fn hear(&self, id: TransferId, transfer: &mut Transfer) -> Option<Result<(), Failure>> {
        transfer.last_sign = self.clock.now();
        if transfer.fault == Some(Fault::Dropped) {
            return Some(Err(Failure::new(FailureKind::ConnectionLost, "empty reply from server")));
        }
        let today = self.timeline.today();
        let Request { url, asked, .. } = &transfer.request;
        let mut remote = self.remote.borrow_mut();
        let script = if transfer.is_beside {
            remote.beside(transfer.site, url, transfer.fault)
        } else {
            remote.answer(transfer.site, asked, transfer.fault, today)
        };
        drop(remote);
        self.timeline.note([10, id.0, script.length], || {
            format!(
                "server: transfer {} gets {} {:?}, {} bytes of {:?}, then {:?}",
                id.0,
                script.head.status,
                script
                    .head
                    .fields
                    .iter()
                    .map(|field| [field.0, field.1].map(String::from_utf8_lossy).join(": "))
                    .collect::<Vec<_>>(),
                script.length,
                script.body,
                script.ending
            )
        });
        if script.head.status == 0
            && script.length == 0
            && let Ending::Broken(failure) = &script.ending
        {
            return Some(Err(failure.clone()));
        }
        match proof::prove(&transfer.request.asked, &script.head, today) {
            Ok(answer) => {
                transfer.sink.begin(answer.start, answer.end);
                if answer.continues {
                    transfer.sink.expect(std::mem::take(&mut transfer.request.overlap));
                } else {
                    transfer.until = None;
                }
                let answer = Box::new(answer);
                match transfer.request.body {
                    net::Body::Part => self.events.borrow_mut().push(TransferEvent::Answered { id, answer }),
                    net::Body::Memory { .. } | net::Body::Head { .. } => transfer.answer = Some(answer),
                }
                transfer.judged = Judged::Taken;
            }
            Err(failure) => transfer.judged = Judged::Refused(failure),
        }
        transfer.script = Some(script);
        // The first bytes of the body may come with the head, before the engine has heard of it.
        if self.timeline.draw(|random| random.percent(30)) {
            return self.receive(id, transfer);
        }
        self.plan(id, transfer, Duration::ZERO);
        None
    }

    /// A piece of the body, or its end.
    fn receive(&self, id: TransferId, transfer: &mut Transfer) -> Option<Result<(), Failure>> {
        let Some(script) = &transfer.script else { return None };
        if transfer.sent == script.length {
            return match &script.ending {
                Ending::Clean => Some(Ok(())),
                Ending::Broken(failure) => Some(Err(failure.clone())),
                Ending::Silence => {
                    transfer.step = 0;
                    None
                }
            };
        }
        let most = script.length - transfer.sent;
        let (piece, rate) = {
            let remote = self.remote.borrow();
            (remote.hosts[transfer.host].piece, remote.hosts[transfer.host].rate)
        };
        let length = most.min(piece as u64) as usize;
        let body = script.body.clone();
        let bytes = match &body {
            Body::Of(version, from) => version.bytes(from + transfer.sent, length),
            Body::Lie(version, from) => version.lie(from + transfer.sent, length),
            Body::Text(text) => &text[transfer.sent as usize..][..length],
            Body::Other => &OTHER[..length],
        };
        let length = bytes.len();
        transfer.last_sign = self.clock.now();
        match self.take(id, transfer, bytes) {
            Ok(true) => {
                transfer.sent += length as u64;
                transfer.held = None;
                let wait = Duration::from_nanos(length as u64 * 1_000_000_000 / rate);
                self.plan(id, transfer, wait);
                None
            }
            Ok(false) => Some(Ok(())),
            Err(held) => {
                transfer.held = Some(held);
                transfer.step = 0;
                if held == Held::Rate {
                    let own = self.own.borrow().get(&transfer.request.download).and_then(Budget::ready_at);
                    let ready = self.budget.borrow().ready_at().max(own).unwrap_or_default();
                    self.plan(id, transfer, (ready - self.clock.now()) + Duration::from_millis(1));
                }
                None
            }
        }
    }

    /// `Ok(false)`: nothing more of it is taken.
    fn take(&self, id: TransferId, transfer: &mut Transfer, bytes: &[u8]) -> Result<bool, Held> {
        match &transfer.judged {
            Judged::Refused(_) => {
                transfer.received += bytes.len() as u64;
                return Ok(true);
            }
            Judged::Enough => return Ok(false),
            Judged::NotYet | Judged::Taken => {}
        }
        if let net::Body::Memory { most } = transfer.request.body {
            let wanted = transfer.request.asked.range.map_or(usize::MAX, |range| range.len() as usize);
            let bytes = &bytes[..bytes.len().min(wanted.saturating_sub(transfer.memory.len()))];
            if transfer.memory.len() + bytes.len() > most {
                transfer.judged = Judged::Refused(Failure::new(FailureKind::Protocol, "too large to be read"));
                return Ok(false);
            }
            transfer.memory.extend_from_slice(bytes);
            return Ok(true);
        }
        let left = transfer.until.map_or(u64::MAX, |until| until.saturating_sub(transfer.sink.next()));
        let wanted = &bytes[..bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
        let now = self.clock.now();
        let mut own = self.own.borrow_mut();
        let own = own.get_mut(&transfer.request.download);
        if !self.budget.borrow().is_ready(now) || own.as_ref().is_some_and(|own| !own.is_ready(now)) {
            return Err(Held::Rate);
        }
        match transfer.sink.take(wanted) {
            Took::All => {
                self.budget.borrow_mut().charge(wanted.len(), now);
                if let Some(own) = own {
                    own.charge(wanted.len(), now);
                }
                transfer.received += wanted.len() as u64;
                let end = transfer.sink.next();
                let came = ByteRange::new(end - wanted.len() as u64, end);
                self.receipts.borrow_mut().came(id, came, self.timeline.now());
                if transfer.until == Some(transfer.sink.next()) && transfer.sink.end() != transfer.until {
                    transfer.judged = Judged::Enough;
                    return Ok(false);
                }
                Ok(true)
            }
            Took::NoRoom => Err(Held::Room),
            Took::NoPart => Err(Held::Part),
            Took::Other => {
                transfer.judged = Judged::Refused(sink::other_file());
                Ok(false)
            }
            Took::TooMuch => {
                transfer.judged = Judged::Refused(Failure::new(FailureKind::Protocol, "longer than was announced"));
                Ok(false)
            }
        }
    }

    /// It is over for the server; told once its bytes are with the disk.
    fn conclude(&self, id: TransferId, result: Result<(), Failure>) {
        let Some(mut transfer) = self.transfers.borrow_mut().remove(&id) else { return };
        transfer.sink.flush();
        let result = match transfer.judged {
            Judged::Refused(failure) => Err(failure),
            Judged::Enough => Ok(()),
            Judged::NotYet | Judged::Taken => result,
        };
        self.timeline.note([11, id.0, u64::from(result.is_ok())], || format!("transfer {} ends: {result:?}", id.0));
        let event = match (transfer.request.body, result) {
            (net::Body::Part, result) if transfer.sink.is_settled() => {
                let end = if result.is_ok() { Some(transfer.sink.next()) } else { transfer.sink.handed_over() };
                TransferEvent::Ended { id, end, result }
            }
            (net::Body::Part, result) => {
                self.leaving.borrow_mut().insert(id, (transfer.sink, result));
                return;
            }
            (net::Body::Memory { .. } | net::Body::Head { .. }, result) => {
                let answer = transfer.answer.ok_or_else(|| Failure::new(FailureKind::Protocol, "there was no answer"));
                let result = result.and(answer).map(|answer| Fetched { answer, bytes: transfer.memory });
                TransferEvent::Fetched { id, result }
            }
        };
        self.events.borrow_mut().push(event);
    }

    fn settle(&self) {
        self.leaving.borrow_mut().retain(|id, (sink, result)| {
            let Some(part) = sink.part() else { return true };
            sink.attach(part);
            sink.flush();
            if sink.is_settled() {
                self.events.borrow_mut().push(TransferEvent::Ended {
                    id: *id,
                    end: sink.handed_over(),
                    result: result.clone(),
                });
            }
            !sink.is_settled()
        });
    }
}

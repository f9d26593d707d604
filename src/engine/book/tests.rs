// SPDX-License-Identifier: GPL-3.0-or-later
//! A book whose network and disk only note what they are told.

mod pieces;
mod queue;
mod relocate;
mod transfers;

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::engine::book::{Book, Parts, Shelf};
use crate::engine::clock::Clock;
use crate::engine::command::{Command, Limits, Start};
use crate::engine::disk::{Block, Carry, Disk, Finish, Journal, Look, Open, Reply};
use crate::engine::download::pieces::Pieces;
use crate::engine::download::spec::{Algorithm, Checksum, DownloadSpec};
use crate::engine::download::state::State;
use crate::engine::error::{Failure, FailureKind};
use crate::engine::net::proof::Answer;
use crate::engine::net::{Request, TransferEvent, Transport, Vitals};
use crate::engine::store::{Came, Record, Store};
use crate::engine::types::{ByteRange, DownloadId, Moment, PartId, Speed, TransferId};

#[derive(Default)]
struct Notes {
    now: Cell<Moment>,
    part: Cell<Option<PartId>>,
    started: Cell<Option<TransferId>>,
    checks: RefCell<Vec<ByteRange>>,
    saves: Cell<u32>,
    records: RefCell<Vec<Record>>,
    flushes: Cell<u32>,
    is_finishing: Cell<bool>,
    vitals: Cell<Option<Vitals>>,
    carries: RefCell<Vec<Carry>>,
    given_up: Cell<Option<PartId>>,
    looked: RefCell<Option<Look>>,
}

impl Notes {
    fn part(&self) -> PartId {
        self.part.get().unwrap()
    }
}

impl Clock for Notes {
    fn now(&self) -> Moment {
        self.now.get()
    }
    fn today(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.now.get().0
    }
    fn set_alarm(&self, _: Option<Moment>) {}
    fn on_alarm(&self, _: Box<dyn Fn()>) {}
}

impl Transport for Notes {
    fn start(&self, id: TransferId, _: Request) {
        self.started.set(Some(id));
    }
    fn attach(&self, _: TransferId, _: PartId) {}
    fn cancel(&self, _: TransferId) -> Option<u64> {
        None
    }
    fn set_end(&self, _: TransferId, _: u64) {}
    fn room(&self) {}
    fn flush(&self) {
        self.flushes.set(self.flushes.get() + 1);
    }
    fn vitals(&self, _: TransferId) -> Option<Vitals> {
        self.vitals.get()
    }
    fn set_rate(&self, _: Option<Speed>) {}
    fn set_download_rate(&self, _: DownloadId, _: Option<Speed>) {}
    fn events(&self) -> Vec<TransferEvent> {
        Vec::new()
    }
    fn on_events(&self, _: Box<dyn Fn()>) {}
    fn stop(&self) {}
}

impl Disk for Notes {
    fn look(&self, part: PartId, look: Look) {
        self.part.set(Some(part));
        self.looked.replace(Some(look));
    }
    fn has_nothing(&self, _: PartId, _: &Look) -> bool {
        false
    }
    fn open(&self, _: PartId, _: Open) {}
    fn block(&self, _: PartId, _: usize) -> Option<Block> {
        None
    }
    fn has_room(&self, _: PartId) -> bool {
        true
    }
    fn write(&self, _: PartId, _: u64, _: Block) {}
    fn save(&self, _: PartId, _: Journal) {
        self.saves.set(self.saves.get() + 1);
    }
    fn check(&self, _: PartId, range: ByteRange, _: Checksum) {
        self.checks.borrow_mut().push(range);
    }
    fn read(&self, _: PartId, _: ByteRange) {}
    fn finish(&self, _: PartId, _: Finish) {
        self.is_finishing.set(true);
    }
    fn close(&self, _: PartId) {}
    fn carry(&self, part: PartId, carry: Carry) {
        self.part.set(Some(part));
        self.carries.borrow_mut().push(carry);
    }
    fn give_up(&self, part: PartId) {
        self.given_up.set(Some(part));
    }
    fn delete(&self, _: PathBuf) {}
}

impl Store for Notes {
    fn save(&self, record: Record) {
        self.records.borrow_mut().push(record);
    }
    fn forget(&self, _: DownloadId) {}
    fn retire(&self, _: Record) {}
    fn count(&self, _: Came) {}
    fn remember(&self, _: bool) {}
    fn close(&self) {}
}

const ID: DownloadId = DownloadId(1);

/// A download of two pieces of ten bytes, of which nothing has come yet.
fn begun() -> (Book, Rc<Notes>) {
    begun_with(Some(20))
}

fn begun_with(total: Option<u64>) -> (Book, Rc<Notes>) {
    let notes = Rc::new(Notes::default());
    let parts = Parts { transport: notes.clone(), disk: notes.clone(), clock: notes.clone(), store: None };
    let mut book = Book::new(parts, Limits::default(), Shelf::default());
    let pieces = Pieces { algorithm: Algorithm::Md5, length: 10, hashes: vec!["0".repeat(32); 2] };
    let url = "http://127.0.0.1/f".parse().unwrap();
    let spec = DownloadSpec { pieces: Some(pieces), ..DownloadSpec::new(url, "/srv".into()) };
    book.command(Command::Add { id: ID, spec: Box::new(spec), start: Start::Now });
    book.admit();
    book.disk_reply(Reply::Looked { part: notes.part(), found: None });
    answered(&mut book, &notes, total);
    book.disk_reply(Reply::Opened { part: notes.part(), part_path: "/srv/f.part".into(), reach: None });
    (book, notes)
}

fn answer(total: Option<u64>) -> Answer {
    Answer {
        start: 0,
        end: total,
        total,
        continues: false,
        validator: None,
        resumable: true,
        name: None,
        media_type: None,
        modified: None,
        url: None,
        mirrors: Vec::new(),
        digest: None,
        contact: Arc::default(),
    }
}

fn answered(book: &mut Book, notes: &Notes, total: Option<u64>) {
    let id = notes.started.get().unwrap();
    book.transfer_event(TransferEvent::Answered { id, answer: Box::new(answer(total)) });
}

fn written(book: &mut Book, notes: &Notes, start: u64, end: u64) {
    book.disk_reply(Reply::Written { part: notes.part(), range: ByteRange::new(start, end) });
}

fn state(book: &Book, id: DownloadId) -> State {
    book.items.get(&id).unwrap().life.state.clone()
}

fn added(book: &mut Book, id: u64, start: Start) -> DownloadId {
    let url = format!("http://127.0.0.1/{id}").parse().unwrap();
    let spec = Box::new(DownloadSpec::new(url, "/srv".into()));
    book.command(Command::Add { id: DownloadId(id), spec, start });
    DownloadId(id)
}

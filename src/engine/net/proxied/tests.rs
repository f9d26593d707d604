// SPDX-License-Identifier: GPL-3.0-or-later
//! A network, a desktop that knows its proxies, and the time, each a list of notes.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use url::Url;

use super::{COUNTS_FOR, Proxied, ProxyFinder};
use crate::engine::clock::Clock;
use crate::engine::download::spec::Manners;
use crate::engine::net::{Asked, Body, Request, TransferEvent, Transport, Vitals};
use crate::engine::types::{DownloadId, Moment, PartId, Speed, TransferId};

type Found = Box<dyn FnOnce(Option<String>)>;

/// The network, whoever knows its settings, and the time.
#[derive(Default)]
struct Notes {
    now: Cell<Moment>,
    started: RefCell<Vec<(u64, Option<String>)>>,
    ends: RefCell<Vec<(u64, u64)>>,
    asked: RefCell<Vec<(String, Found)>>,
}

impl std::fmt::Debug for Notes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Notes")
    }
}

impl ProxyFinder for Notes {
    fn find(&self, server: &Url, found: Found) {
        self.asked.borrow_mut().push((server.to_string(), found));
    }
}

impl Clock for Notes {
    fn now(&self) -> Moment {
        self.now.get()
    }
    fn today(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
    fn set_alarm(&self, _: Option<Moment>) {}
    fn on_alarm(&self, _: Box<dyn Fn()>) {}
}

impl Transport for Notes {
    fn start(&self, id: TransferId, request: Request) {
        self.started.borrow_mut().push((id.0, request.manners.proxy));
    }
    fn attach(&self, _: TransferId, _: PartId) {}
    fn cancel(&self, _: TransferId) -> Option<u64> {
        Some(7)
    }
    fn set_end(&self, id: TransferId, end: u64) {
        self.ends.borrow_mut().push((id.0, end));
    }
    fn room(&self) {}
    fn flush(&self) {}
    fn vitals(&self, _: TransferId) -> Option<Vitals> {
        None
    }
    fn set_rate(&self, _: Option<Speed>) {}
    fn set_download_rate(&self, _: DownloadId, _: Option<Speed>) {}
    fn events(&self) -> Vec<TransferEvent> {
        Vec::new()
    }
    fn on_events(&self, _: Box<dyn Fn()>) {}
    fn stop(&self) {}
}

fn request(url: &str, proxy: Option<&str>) -> Request {
    Request {
        download: DownloadId(1),
        url: url.parse().unwrap(),
        manners: Manners { proxy: proxy.map(str::to_owned), ..Manners::default() },
        asked: Asked::default(),
        body: Body::Part,
        part: None,
        overlap: Vec::new(),
        connect_timeout: Duration::from_secs(1),
    }
}

struct World {
    notes: Rc<Notes>,
    transport: Proxied,
    looks: Rc<Cell<u32>>,
}

impl World {
    fn new() -> Self {
        let notes = Rc::new(Notes::default());
        let transport = Proxied::new(notes.clone(), notes.clone(), notes.clone());
        let looks: Rc<Cell<u32>> = Rc::default();
        let counter = looks.clone();
        transport.on_events(Box::new(move || counter.set(counter.get() + 1)));
        Self { notes, transport, looks }
    }

    fn start(&self, id: u64, url: &str) {
        self.transport.start(TransferId(id), request(url, None));
    }

    /// Answers the oldest question.
    fn answer(&self, proxy: Option<&str>) {
        let (_, found) = self.notes.asked.borrow_mut().remove(0);
        found(proxy.map(str::to_owned));
    }

    fn started(&self) -> Vec<(u64, Option<String>)> {
        self.notes.started.take()
    }
}

fn by(id: u64, proxy: &str) -> (u64, Option<String>) {
    (id, Some(proxy.to_owned()))
}

const PROXY: &str = "http://10.0.0.1:3128";

#[test]
fn who_asks_one_server_waits_for_one_answer_and_begins_in_order() {
    let world = World::new();
    for id in [2, 1, 3] {
        world.start(id, &format!("http://a.example/{id}"));
    }
    assert_eq!((world.started(), world.notes.asked.borrow().len()), (vec![], 1));
    world.answer(Some(PROXY));
    assert_eq!(world.started(), [by(1, PROXY), by(2, PROXY), by(3, PROXY)]);
    assert_eq!(world.looks.get(), 1, "what came of the starts is looked at");
}

#[test]
fn only_the_server_is_told() {
    let world = World::new();
    world.start(1, "https://ann:s3cret@a.example:8443/private/file.bin?token=1#x");
    assert_eq!(world.notes.asked.borrow()[0].0, "https://a.example:8443/");
}

#[test]
fn an_answer_counts_for_a_while_and_for_that_server() {
    let world = World::new();
    world.start(1, "http://a.example/1");
    world.answer(None);
    world.start(2, "http://a.example/2");
    assert_eq!(world.started(), [(1, None), (2, None)]);
    world.start(3, "https://a.example/3");
    assert_eq!(world.started(), []);
    world.answer(Some(PROXY));
    world.notes.now.set(Moment(COUNTS_FOR));
    world.start(4, "http://a.example/4");
    assert_eq!(world.started(), [by(3, PROXY)]);
    world.answer(Some(PROXY));
    assert_eq!(world.started(), [by(4, PROXY)]);
}

#[test]
fn what_the_user_named_is_asked_of_nobody() {
    let world = World::new();
    world.transport.start(TransferId(1), request("http://a.example/", Some("socks5h://127.0.0.1:9050")));
    assert_eq!((world.started(), world.notes.asked.borrow().len()), (vec![by(1, "socks5h://127.0.0.1:9050")], 0));
}

#[test]
fn a_transfer_that_waits_can_be_shortened_and_cancelled() {
    let world = World::new();
    world.start(1, "http://a.example/1");
    world.start(2, "http://a.example/2");
    world.notes.now.set(Moment(Duration::from_secs(60)));
    let vitals = world.transport.vitals(TransferId(1)).unwrap();
    assert!(vitals.held && vitals.received == 0, "{vitals:?}");
    world.transport.set_end(TransferId(1), 500);
    assert_eq!(world.transport.cancel(TransferId(2)), None);
    assert!(world.transport.vitals(TransferId(2)).is_none());
    world.answer(None);
    assert_eq!((world.started(), world.notes.ends.take()), (vec![(1, None)], vec![(1, 500)]));
    // From now on it is the network's.
    assert_eq!(world.transport.cancel(TransferId(1)), Some(7));
}

#[test]
fn an_answer_after_the_end_starts_nothing() {
    let world = World::new();
    world.start(1, "http://a.example/1");
    world.transport.stop();
    world.answer(Some(PROXY));
    assert_eq!((world.started(), world.looks.get()), (vec![], 0));
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! The traps of libcurl on a GLib loop, one by one (docs/main-loop.md has the list). Real libcurl, a
//! server of a few lines, a disk in memory.

use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use glib::MainContext;
use url::Url;

use super::*;
use crate::engine::clock::MainLoopClock;
use crate::engine::disk::{Block, Carry, Finish, Journal, Look, Open};
use crate::engine::download::spec::{Checksum, Manners};
use crate::engine::net::Asked;
use crate::engine::types::ByteRange;

const BODY: usize = 3_000_000;

fn byte(offset: usize) -> u8 {
    (offset % 251) as u8
}

/// Keeps what is written; may be told to refuse blocks, or to panic.
#[derive(Default)]
struct Memory {
    bytes: RefCell<Vec<u8>>,
    refuses: Cell<bool>,
    panics: Cell<bool>,
}

impl Disk for Memory {
    fn look(&self, _: PartId, _: Look) {}
    fn has_nothing(&self, _: PartId, _: &Look) -> bool {
        false
    }
    fn open(&self, _: PartId, _: Open) {}
    fn block(&self, _: PartId, size: usize) -> Option<Block> {
        assert!(!self.panics.get(), "as the test wants it");
        (!self.refuses.get()).then(|| Block::detached(size))
    }
    fn has_room(&self, _: PartId) -> bool {
        !self.refuses.get()
    }
    fn write(&self, _: PartId, offset: u64, block: Block) {
        let mut bytes = self.bytes.borrow_mut();
        assert_eq!(bytes.len(), offset as usize, "one transfer writes in order");
        bytes.extend_from_slice(block.bytes());
    }
    fn save(&self, _: PartId, _: Journal) {}
    fn check(&self, _: PartId, _: ByteRange, _: Checksum) {}
    fn read(&self, _: PartId, _: ByteRange) {}
    fn finish(&self, _: PartId, _: Finish) {}
    fn close(&self, _: PartId) {}
    fn carry(&self, _: PartId, _: Carry) {}
    fn give_up(&self, _: PartId) {}
    fn delete(&self, _: PathBuf) {}
}

/// Serves the body to everybody who asks, until the test ends; counts requests, and the connections they came on.
struct Server {
    address: SocketAddr,
    requests: std::sync::Arc<Mutex<usize>>,
    connections: std::sync::Arc<Mutex<usize>>,
}

fn serve() -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let requests = std::sync::Arc::new(Mutex::new(0));
    let connections = std::sync::Arc::new(Mutex::new(0));
    let (count, accepted) = (requests.clone(), connections.clone());
    // Ends with the test process; it only ever waits in accept and write.
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            *accepted.lock().unwrap() += 1;
            let count = count.clone();
            thread::spawn(move || answer(stream, &count));
        }
    });
    Server { address, requests, connections }
}

fn answer(mut stream: TcpStream, count: &Mutex<usize>) {
    let mut head = [0; 4096];
    while stream.read(&mut head).is_ok_and(|length| length > 0) {
        *count.lock().unwrap() += 1;
        let body: Vec<u8> = (0..BODY).map(byte).collect();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {BODY}\r\n\r\n");
        if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)).is_err() {
            return;
        }
    }
}

struct Ending(glib::Source);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.destroy();
    }
}

struct Rig {
    driver: Driver,
    memory: Rc<Memory>,
    server: Server,
    _turn: MutexGuard<'static, ()>,
}

impl Rig {
    fn new(slice: Duration) -> Self {
        let turn = crate::engine::MAIN_CONTEXT_TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let memory = Rc::new(Memory::default());
        let driver = Driver::new(Rc::new(MainLoopClock::default()), memory.clone(), slice).unwrap();
        Self { driver, memory, server: serve(), _turn: turn }
    }

    fn start(&self, id: u64) {
        self.start_at(id, &format!("http://{}/f", self.server.address));
    }

    fn start_at(&self, id: u64, url: &str) {
        self.start_to(id, url, Body::Part);
    }

    fn start_to(&self, id: u64, url: &str, body: Body) {
        let request = Request {
            overlap: Vec::new(),
            download: DownloadId(1),
            url: Url::parse(url).unwrap(),
            manners: Manners::default(),
            asked: Asked::default(),
            body,
            part: Some(PartId(id)),
            connect_timeout: Duration::from_secs(10),
        };
        self.driver.start(TransferId(id), request);
    }

    fn requests(&self) -> usize {
        *self.server.requests.lock().unwrap()
    }

    /// Runs the loop until `done`, which gets the events; attaches whatever is answered.
    fn run(&self, mut done: impl FnMut(&[TransferEvent]) -> bool) -> Vec<TransferEvent> {
        let context = MainContext::default();
        let _held = context.acquire().unwrap();
        // Wakes the loop now and then; goes with this value, also when the test fails.
        let look = glib::timeout_source_new(Duration::from_millis(5), None, priority(), || ControlFlow::Continue);
        look.attach(Some(&context));
        let _look = Ending(look);
        let mut all = Vec::new();
        let end = Instant::now() + Duration::from_secs(20);
        while !done(&all) {
            assert!(Instant::now() < end, "waited 20 s; so far {all:?}");
            context.iteration(true);
            for event in self.driver.events() {
                if let TransferEvent::Answered { id, .. } = &event {
                    self.driver.attach(*id, PartId(id.0));
                }
                all.push(event);
            }
        }
        all
    }

    fn ended(&self, id: u64) -> Result<u64, Failure> {
        let is_end = |event: &TransferEvent| matches!(event, TransferEvent::Ended { id: ended, .. } if ended.0 == id);
        let events = self.run(|all| all.iter().any(is_end));
        match events.into_iter().find(is_end) {
            Some(TransferEvent::Ended { end, result, .. }) => result.map(|()| end.unwrap_or_default()),
            _ => unreachable!("it was there"),
        }
    }

    fn assert_body(&self) {
        let bytes = self.memory.bytes.borrow();
        assert_eq!(bytes.len(), BODY);
        assert!(bytes.iter().enumerate().all(|(offset, found)| *found == byte(offset)));
    }
}

const SLICE: Duration = Duration::from_millis(4);

#[test]
fn a_transfer_is_complete_when_info_read_says_so_and_all_its_bytes_are_handed_over() {
    let rig = Rig::new(SLICE);
    rig.start(1);
    assert_eq!(rig.ended(1).unwrap(), BODY as u64);
    rig.assert_body();
}

#[test]
fn sources_lie_below_the_redraw_priority() {
    const GDK_PRIORITY_REDRAW: i32 = 120;
    const { assert!(super::super::PRIORITY - 1 > GDK_PRIORITY_REDRAW) };
    let rig = Rig::new(SLICE);
    rig.start(1);
    let context = MainContext::default();
    let timer = rig.driver.inner.timer.borrow();
    let source = context.find_source_by_id(timer.soon.as_ref().unwrap()).unwrap();
    assert_eq!(glib::Priority::from(source.priority()), priority());
}

#[test]
fn a_transfer_that_is_stopped_after_every_slice_loses_no_byte() {
    let rig = Rig::new(Duration::from_micros(50));
    rig.start(1);
    assert_eq!(rig.ended(1).unwrap(), BODY as u64);
    rig.assert_body();
}

#[test]
fn while_the_disk_has_no_room_nothing_is_taken_and_afterwards_nothing_is_missing() {
    let rig = Rig::new(SLICE);
    rig.memory.refuses.set(true);
    rig.start(1);
    rig.run(|_| !rig.driver.inner.hungry.borrow().is_empty());
    assert!(rig.driver.vitals(TransferId(1)).unwrap().held);
    assert!(rig.memory.bytes.borrow().is_empty());
    rig.driver.room();
    assert!(!rig.driver.inner.round.borrow().has_line(), "there is no room yet");
    rig.memory.refuses.set(false);
    rig.driver.room();
    assert_eq!(rig.ended(1).unwrap(), BODY as u64);
    rig.assert_body();
}

#[test]
fn the_last_wish_for_a_timeout_counts_and_none_cancels_it() {
    let rig = Rig::new(SLICE);
    let inner = &rig.driver.inner;
    let context = MainContext::default();
    let later = || {
        let timer = inner.timer.borrow();
        timer.later.as_ref().map(|(_, source)| context.find_source_by_id(source).unwrap())
    };
    inner.on_timeout_wish(Some(Duration::from_secs(60)));
    let first = later().unwrap();
    inner.on_timeout_wish(Some(Duration::from_secs(90)));
    assert_eq!(later().as_ref(), Some(&first), "early enough for this one, too");
    inner.on_timeout_wish(Some(Duration::from_secs(30)));
    assert!(first.is_destroyed());
    let second = later().unwrap();
    inner.on_timeout_wish(Some(Duration::ZERO));
    assert!(inner.timer.borrow().soon.is_some(), "zero is not served inline");
    rig.run(|_| inner.timer.borrow().soon.is_none());
    assert_eq!(later().as_ref(), Some(&second), "the next wish is likely to be for later again");
    inner.on_timeout_wish(None);
    assert!(second.is_destroyed() && !inner.timer.borrow().is_set());
}

#[test]
fn libcurl_is_not_called_before_the_moment_it_wished_for_last() {
    let rig = Rig::new(SLICE);
    let inner = &rig.driver.inner;
    let now = || inner.gate.clock.now();
    let begin = now();
    inner.on_timeout_wish(Some(Duration::from_millis(20)));
    inner.on_timeout_wish(Some(Duration::from_millis(80)));
    rig.run(|_| !inner.timer.borrow().is_set());
    assert!(now() - begin >= Duration::from_millis(78), "{:?}", now() - begin);
}

#[test]
fn what_was_seen_on_a_descriptor_of_an_earlier_life_is_ignored() {
    let rig = Rig::new(SLICE);
    let inner = &rig.driver.inner;
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let fd = socket.as_raw_fd();
    let output = Seen { output: true, ..Seen::default() };
    let old = inner.sockets.borrow_mut().watch(fd, output);
    inner.round.borrow_mut().join(Due::Socket { fd, generation: old, seen: output });
    let new = inner.sockets.borrow_mut().watch(fd, output);
    inner.run_round();
    assert!(inner.gate.is_shut(inner.gate.clock.now()), "libcurl hears nothing of the old one");
    assert!(inner.sockets.borrow().is_current(fd, new), "the new watch is untouched");
    inner.sockets.borrow_mut().remove(fd);
}

#[test]
fn a_failed_multi_handle_is_replaced_and_its_transfers_end_as_lost() {
    let rig = Rig::new(SLICE);
    rig.memory.refuses.set(true);
    rig.start(1);
    rig.run(|_| !rig.driver.inner.hungry.borrow().is_empty());
    rig.driver.inner.replace_multi(&MultiError::new(curl_sys::CURLM_INTERNAL_ERROR));
    assert_eq!(rig.ended(1).unwrap_err().kind, FailureKind::ConnectionLost);
    rig.memory.refuses.set(false);
    rig.start(2);
    assert_eq!(rig.ended(2).unwrap(), BODY as u64);
}

#[test]
fn a_panic_in_a_callback_ends_its_own_transfer_only() {
    let rig = Rig::new(SLICE);
    rig.memory.refuses.set(true);
    rig.start(1);
    rig.run(|_| !rig.driver.inner.hungry.borrow().is_empty());
    rig.memory.refuses.set(false);
    rig.memory.panics.set(true);
    rig.driver.room();
    assert_eq!(rig.ended(1).unwrap_err().kind, FailureKind::Internal(0));
    rig.memory.panics.set(false);
    rig.memory.bytes.borrow_mut().clear();
    rig.start(2);
    assert_eq!(rig.ended(2).unwrap(), BODY as u64);
    rig.assert_body();
}

#[test]
fn cancelling_during_the_name_lookup_does_not_wait_for_it_and_nor_does_the_end() {
    let rig = Rig::new(SLICE);
    // Reserved to lead nowhere (RFC 6761); how long that takes to be found out is the resolver's affair.
    rig.start_at(1, "http://nowhere.invalid/f");
    rig.driver.inner.on_timeout();
    rig.driver.cancel(TransferId(1));
    assert_eq!(rig.driver.inner.abandoned.borrow().len(), 1, "it is not removed while libcurl would wait");
    rig.driver.stop();
    assert!(rig.driver.inner.abandoned.borrow().is_empty());
}

#[test]
fn a_transfer_cancelled_before_it_connected_never_asks_the_server() {
    let rig = Rig::new(SLICE);
    rig.start(1);
    rig.driver.cancel(TransferId(1));
    assert_eq!(rig.driver.inner.abandoned.borrow().len(), 1);
    rig.run(|_| rig.driver.inner.abandoned.borrow().is_empty());
    assert_eq!(rig.requests(), 0);
    assert!(rig.driver.events().is_empty());
}

#[test]
fn cancelling_a_running_transfer_hands_over_what_came_and_tells_nothing_more() {
    let rig = Rig::new(SLICE);
    rig.start(1);
    rig.run(|_| rig.memory.bytes.borrow().len() > 20_000 || rig.driver.vitals(TransferId(1)).is_none());
    let received = rig.driver.vitals(TransferId(1)).map(|vitals| vitals.received);
    rig.driver.cancel(TransferId(1));
    if let Some(received) = received {
        assert_eq!(rig.memory.bytes.borrow().len() as u64, received);
        assert!(rig.driver.events().is_empty());
    }
    assert_eq!(rig.driver.vitals(TransferId(1)), None);
}

#[test]
fn stopping_ends_sources_first_and_nothing_can_be_started_after() {
    let rig = Rig::new(SLICE);
    rig.start(1);
    rig.run(|_| rig.requests() == 1);
    rig.driver.stop();
    let inner = &rig.driver.inner;
    assert!(!inner.timer.borrow().is_set() && inner.opener.borrow().is_none());
    assert!(inner.transfers.borrow().is_empty());
    rig.driver.events();
    rig.start(2);
    assert!(matches!(rig.driver.events().as_slice(), [TransferEvent::Ended { result: Err(_), .. }]));
}

#[test]
fn a_shortened_transfer_is_complete_where_it_was_told_to_end() {
    let rig = Rig::new(SLICE);
    rig.start(1);
    let end = 1_000_003;
    // The answer is there, so that the end is known to lie ahead.
    rig.run(|all| !all.is_empty());
    rig.driver.set_end(TransferId(1), end);
    assert_eq!(rig.ended(1).unwrap(), end);
    assert_eq!(rig.memory.bytes.borrow().len() as u64, end);
}

#[test]
fn a_transfer_shortened_to_what_it_has_is_complete_at_once() {
    let rig = Rig::new(SLICE);
    rig.start(1);
    rig.run(|_| rig.memory.bytes.borrow().len() > 20_000);
    let next = rig.driver.vitals(TransferId(1)).unwrap().next.unwrap();
    rig.driver.set_end(TransferId(1), next);
    assert_eq!(rig.driver.vitals(TransferId(1)), None);
    let ended = rig.driver.events();
    assert!(
        matches!(ended.as_slice(), [TransferEvent::Ended { end: Some(end), result: Ok(()), .. }] if *end == next),
        "{ended:?}"
    );
}

#[test]
fn a_body_to_memory_is_told_as_a_whole_or_refused_as_too_large() {
    let rig = Rig::new(SLICE);
    let url = format!("http://{}/f", rig.server.address);
    rig.start_to(1, &url, Body::Memory { most: BODY });
    rig.start_to(2, &url, Body::Memory { most: BODY - 1 });
    let mut told: Vec<_> = rig.run(|all| all.len() == 2).into_iter().collect();
    told.sort_by_key(|event| matches!(event, TransferEvent::Fetched { id: TransferId(2), .. }));
    let [TransferEvent::Fetched { result: Ok(whole), .. }, TransferEvent::Fetched { result: Err(failure), .. }] =
        told.as_slice()
    else {
        panic!("{told:?}")
    };
    assert_eq!(whole.answer.total, Some(BODY as u64));
    assert!(whole.bytes.iter().enumerate().all(|(offset, found)| *found == byte(offset)));
    assert_eq!(failure.kind, FailureKind::Protocol);
    assert!(rig.memory.bytes.borrow().is_empty(), "nothing of it goes to the disk");
}

#[test]
fn connections_are_used_again_also_where_more_run_than_are_kept_without() {
    let rig = Rig::new(SLICE);
    let url = format!("http://{}/f", rig.server.address);
    let many = IDLE_CONNECTIONS + 8;
    for first in [0, many] {
        (first..first + many).for_each(|id| rig.start_to(id as u64, &url, Body::Memory { most: BODY }));
        rig.run(|all| all.len() == many);
    }
    assert_eq!((rig.requests(), *rig.server.connections.lock().unwrap()), (2 * many, many));
}

#[test]
fn of_a_head_nothing_else_is_told() {
    let rig = Rig::new(SLICE);
    let url = format!("http://{}/f", rig.server.address);
    rig.start_to(1, &url, Body::Head { by_get: true });
    let told: Vec<_> = rig.run(|all| all.len() == 1).into_iter().collect();
    let [TransferEvent::Fetched { result: Ok(head), .. }] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((head.answer.total, head.bytes.len()), (Some(BODY as u64), 0));
    assert!(rig.memory.bytes.borrow().is_empty(), "nothing of it goes to the disk");
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! A book whose network and disk only note what they are told.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use url::Url;

use crate::engine::book::{Book, Parts, Shelf, TICK};
use crate::engine::clock::Clock;
use crate::engine::command::{Command, Limits, Spot, Start};
use crate::engine::details::Origin;
use crate::engine::disk::{Block, Disk, Finish, Journal, Look, Open, Reply};
use crate::engine::download::pieces::Pieces;
use crate::engine::download::spec::{Algorithm, Checksum, DownloadSpec};
use crate::engine::download::state::{Hold, Input, State};
use crate::engine::error::{Failure, FailureKind};
use crate::engine::event::Event;
use crate::engine::item::Item;
use crate::engine::net::headers::Validator;
use crate::engine::net::proof::Answer;
use crate::engine::net::{Request, TransferEvent, Transport, Vitals};
use crate::engine::plan::map::Map;
use crate::engine::plan::ramp;
use crate::engine::store::SavedState;
use crate::engine::types::{ByteRange, DownloadId, Moment, PartId, Speed, TransferId};

#[derive(Default)]
struct Notes {
    now: Cell<Moment>,
    part: Cell<Option<PartId>>,
    started: Cell<Option<TransferId>>,
    checks: RefCell<Vec<ByteRange>>,
    saves: Cell<u32>,
    flushes: Cell<u32>,
    is_finishing: Cell<bool>,
    vitals: Cell<Option<Vitals>>,
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
    fn look(&self, part: PartId, _: Look) {
        self.part.set(Some(part));
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
    fn delete(&self, _: PathBuf) {}
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

/// A download without pieces that is being answered: a file of this length.
fn plain(total: u64) -> (Book, Rc<Notes>) {
    let notes = Rc::new(Notes::default());
    let parts = Parts { transport: notes.clone(), disk: notes.clone(), clock: notes.clone(), store: None };
    let mut book = Book::new(parts, Limits::default(), Shelf::default());
    let spec = DownloadSpec::new("http://127.0.0.1/f".parse().unwrap(), "/srv".into());
    book.command(Command::Add { id: ID, spec: Box::new(spec), start: Start::Now });
    book.admit();
    book.disk_reply(Reply::Looked { part: notes.part(), found: None });
    answered(&mut book, &notes, Some(total));
    (book, notes)
}

fn all_came(book: &mut Book, notes: &Notes, total: u64) {
    let id = notes.started.get().unwrap();
    book.transfer_event(TransferEvent::Ended { id, end: Some(total), result: Ok(()) });
}

#[test]
fn a_small_file_is_to_be_moved_into_place_as_soon_as_the_disk_has_all_of_it() {
    let (mut book, notes) = plain(20);
    all_came(&mut book, &notes, 20);
    assert!(notes.is_finishing.get());
    let (mut book, notes) = plain(2 * super::SMALL_FILE);
    all_came(&mut book, &notes, 2 * super::SMALL_FILE);
    assert!(!notes.is_finishing.get(), "a journal may claim what is written");
    book.disk_reply(Reply::Opened { part: notes.part(), part_path: "/srv/f.part".into(), reach: None });
    written(&mut book, &notes, 0, 2 * super::SMALL_FILE);
    assert!(notes.is_finishing.get());
}

#[test]
fn that_a_file_is_in_its_place_says_that_it_was_opened_and_written() {
    let (mut book, notes) = plain(20);
    all_came(&mut book, &notes, 20);
    book.take_events();
    let part = notes.part();
    let opened = || Reply::Opened { part, part_path: "/srv/f.part".into(), reach: None };
    let replies = [opened(), Reply::Written { part, range: ByteRange::new(0, 20) }];
    book.disk_replies(replies.into_iter().chain([Reply::Finished { part, path: "/srv/f".into() }]).collect());
    let told: Vec<_> = book.take_events().into();
    let [Event::Changed(told)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((&told.state, told.progress.received), (&State::Completed, 20));
    assert_eq!(told.path.as_deref(), Some(std::path::Path::new("/srv/f")));
    assert!(book.is_quiet());

    // Not before it is: where the part file is, is told, and the failure after it.
    let (mut book, notes) = plain(20);
    all_came(&mut book, &notes, 20);
    book.take_events();
    let part = notes.part();
    let failed = Reply::Failed { part, failure: Failure::new(FailureKind::ReadOnly, "") };
    book.disk_replies([Reply::Opened { part, part_path: "/srv/f.part".into(), reach: None }, failed].into());
    let state = |event| match event {
        Event::Changed(now) => Some((now.path.is_some(), matches!(now.state, State::Failed(_)))),
        _ => None,
    };
    let states: Vec<_> = book.take_events().into_iter().filter_map(state).collect();
    assert_eq!(states, [(true, false), (true, true)]);
}

#[test]
fn a_second_transfer_begins_as_soon_as_the_part_file_is_open_and_no_further_than_it_may() {
    let (mut book, notes) = plain(100 << 20);
    let vitals = Vitals { received: 0, next: Some(0), end: None, last_sign: Moment::default(), held: false };
    notes.vitals.set(Some(vitals));
    let first = notes.started.get();
    let item = book.items.get_mut(&ID).unwrap();
    let ramp = &mut item.work.as_mut().unwrap().ramp;
    for second in 0..40 {
        let (now, received, left) = (Moment(Duration::from_secs(second)), second << 20, 90 << 20);
        let setup = Duration::from_millis(10);
        if ramp.target() == 2 {
            break;
        }
        ramp.look(ramp::Sight { now, received, flowing: 1, setup, most: 2, left, is_lossy: false });
    }
    assert_eq!(ramp.target(), 2);
    book.spread(ID);
    assert_eq!(notes.started.get(), first, "the disk has not said where it may begin");
    let reach = Some(4 << 20);
    book.disk_reply(Reply::Opened { part: notes.part(), part_path: "/srv/f.part".into(), reach });
    assert_ne!(notes.started.get(), first);
    let begins: Vec<_> = book.items.get(&ID).unwrap().map.loans().map(|(_, loan)| loan.start).collect();
    assert_eq!(begins, [0, 4 << 20]);
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

fn right(book: &mut Book, notes: &Notes, start: u64, end: u64) {
    let range = ByteRange::new(start, end);
    book.disk_reply(Reply::Checked { part: notes.part(), range, is_right: true });
}

fn ended(book: &mut Book, notes: &Notes) {
    let id = notes.started.get().unwrap();
    book.transfer_event(TransferEvent::Ended { id, end: Some(20), result: Ok(()) });
}

#[test]
fn what_is_written_once_more_is_checked_once_more() {
    let (mut book, notes) = begun();
    written(&mut book, &notes, 0, 10);
    right(&mut book, &notes, 0, 10);
    // Proven, and then another transfer brings some of it again.
    written(&mut book, &notes, 4, 6);
    assert_eq!(*notes.checks.borrow(), [ByteRange::new(0, 10), ByteRange::new(0, 10)]);
    // While that is looked at, once more: the answer may be about either.
    written(&mut book, &notes, 8, 12);
    right(&mut book, &notes, 0, 10);
    assert_eq!(notes.checks.borrow().len(), 3);
    assert!(!book.items.get(&ID).unwrap().is_proven());
}

#[test]
fn it_is_moved_into_place_only_when_nothing_more_will_be_written() {
    let (mut book, notes) = begun();
    written(&mut book, &notes, 0, 20);
    ended(&mut book, &notes);
    right(&mut book, &notes, 0, 10);
    right(&mut book, &notes, 10, 20);
    assert_eq!((notes.saves.get(), notes.is_finishing.get()), (1, false), "writes may still be on their way");
    // There was one.
    written(&mut book, &notes, 15, 20);
    book.disk_reply(Reply::Saved { part: notes.part() });
    assert!(!notes.is_finishing.get(), "it is being checked");
    right(&mut book, &notes, 10, 20);
    assert!(notes.is_finishing.get());
}

#[test]
fn a_gap_that_is_left_to_nobody_is_fetched_all_the_same() {
    let (mut book, notes) = begun();
    let first = notes.started.get().unwrap();
    book.end_transfer(ID, first);
    notes.now.set(Moment(TICK));
    book.tick();
    assert_ne!(notes.started.get(), Some(first));
}

/// The host is asked for more connections again and again, so it refuses again and again.
#[test]
fn who_is_turned_away_by_a_host_that_was_forgiven_waits_once_more() {
    let (mut book, notes) = begun();
    let (first, other) = (notes.started.get().unwrap(), DownloadId(2));
    let spec = DownloadSpec::new("http://127.0.0.1/g".parse().unwrap(), "/srv".into());
    book.command(Command::Add { id: other, spec: Box::new(spec), start: Start::Now });
    let refuse = |book: &mut Book| {
        book.admit();
        book.disk_reply(Reply::Looked { part: notes.part(), found: None });
        let refused = Failure::new(FailureKind::HttpStatus(403), "");
        let id = notes.started.get().unwrap();
        book.transfer_event(TransferEvent::Ended { id, end: None, result: Err(refused) });
        book.items.get(&other).unwrap().life.state.clone()
    };
    for minutes in [0, 10, 20] {
        notes.now.set(Moment(Duration::from_secs(60 * minutes)));
        assert_eq!(refuse(&mut book), State::Queued, "after {minutes} minutes");
        let started = notes.started.get();
        book.admit();
        assert_eq!(notes.started.get(), started, "the host is asked for no further connection now");
    }
    book.end_transfer(ID, first);
    assert!(matches!(refuse(&mut book), State::Failed(_)), "alone it is the file");
}

/// A download of a MiB of which a byte comes each tick; answers when it was flushed and when saved, in ticks,
/// where each save takes so many.
fn saved(ticks: u32, sync: u32) -> (Vec<u32>, Vec<u32>) {
    let (mut book, notes) = begun();
    let (mut flushed, mut saved) = (Vec::new(), Vec::new());
    for tick in 1..=ticks {
        notes.now.set(Moment(TICK * tick));
        let (flushes, saves) = (notes.flushes.get(), notes.saves.get());
        // The disk answers between two ticks.
        if saved.last().is_some_and(|last| last + sync == tick) {
            book.disk_reply(Reply::Saved { part: notes.part() });
        }
        let at = u64::from(tick) % 19;
        written(&mut book, &notes, at, at + 1);
        book.tick();
        if notes.flushes.get() > flushes {
            flushed.push(tick);
        }
        if notes.saves.get() > saves {
            saved.push(tick);
        }
    }
    (flushed, saved)
}

#[test]
fn a_journal_claims_what_was_handed_to_the_disk_just_before() {
    let (flushed, saved) = saved(18, 1);
    assert!(saved.len() >= 3 && flushed.len() >= 3, "{flushed:?} {saved:?}");
    // The first one comes when it is due.
    for save in &saved[1..] {
        assert!(flushed.contains(&(save - 1)), "saved at {saved:?}, flushed at {flushed:?}");
    }
}

#[test]
fn a_slow_device_gets_the_next_journal_as_soon_as_the_last_one_is_there() {
    let (mut book, notes) = begun();
    for tick in 1..=10 {
        notes.now.set(Moment(TICK * tick));
        written(&mut book, &notes, u64::from(tick), u64::from(tick) + 1);
        book.tick();
    }
    assert_eq!(notes.saves.get(), 1, "it is on its way");
    book.disk_reply(Reply::Saved { part: notes.part() });
    assert_eq!(notes.saves.get(), 2);
    book.disk_reply(Reply::Saved { part: notes.part() });
    assert_eq!(notes.saves.get(), 2, "a quick one is followed by none");
}

#[test]
fn pieces_of_a_file_whose_length_is_known_only_at_its_end_are_checked_then() {
    let (mut book, notes) = begun_with(None);
    written(&mut book, &notes, 0, 20);
    assert!(notes.checks.borrow().is_empty());
    ended(&mut book, &notes);
    assert_eq!(*notes.checks.borrow(), [ByteRange::new(0, 10), ByteRange::new(10, 20)]);
}

#[test]
fn what_is_here_of_another_length_than_its_pieces_is_not_continued() {
    let (book, _) = begun();
    let mut item = Item::new(ID, book.items.get(&ID).unwrap().spec.clone(), SystemTime::UNIX_EPOCH);
    item.map = Map::new(Some(20), []);
    assert!(item.can_continue());
    item.map = Map::new(Some(25), [ByteRange::new(0, 25)]);
    assert!(!item.can_continue());
    item.spec.pieces = None;
    (item.spec.size, item.is_renewed) = (Some(20), true);
    assert!(!item.can_continue());
    item.spec.size = None;
    assert!(item.can_continue());
}

#[test]
fn pieces_count_for_more_than_what_a_server_says_of_the_whole() {
    let (book, _) = begun();
    let mut item = Item::new(ID, book.items.get(&ID).unwrap().spec.clone(), SystemTime::UNIX_EPOCH);
    item.told = Some((Checksum { algorithm: Algorithm::Md5, hex: "0".repeat(32) }, Origin::Server));
    assert_eq!(item.checksum(), None);
    item.spec.pieces = None;
    assert!(item.checksum().is_some());
}

#[test]
fn what_a_mirror_told_of_another_version_proves_nothing_of_this_one() {
    let (book, _) = begun();
    let mut item = Item::new(ID, book.items.get(&ID).unwrap().spec.clone(), SystemTime::UNIX_EPOCH);
    item.sources.add(&"http://127.0.0.2/f".parse().unwrap());
    item.sources.get_mut(1).unwrap().validator = Some(Validator::ETag("\"old\"".into()));
    item.learn(&answer(Some(20)));
    assert_eq!(item.sources.get(1).unwrap().validator, None);
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

#[test]
fn a_download_starts_at_its_time_and_not_before() {
    let (mut book, notes) = begun();
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let (later, by_hand) = (added(&mut book, 2, Start::At(at(90))), added(&mut book, 3, Start::ByHand));
    let past = added(&mut book, 4, Start::At(at(0)));
    book.tick();
    assert_eq!(state(&book, later), State::Scheduled { at: at(90) });
    assert_eq!((state(&book, by_hand), state(&book, past)), (State::Paused, State::Queued));
    // While the machine sleeps the time of day goes on without the alarms.
    book.end_transfer(ID, notes.started.get().unwrap());
    assert!(book.next_start().unwrap() <= Moment(Duration::from_secs(60)));
    notes.now.set(Moment(Duration::from_secs(89)));
    book.tick();
    assert_eq!(state(&book, later), State::Scheduled { at: at(90) });
    assert_eq!(book.next_start(), Some(Moment(Duration::from_secs(90))));
    notes.now.set(Moment(Duration::from_secs(90)));
    book.tick();
    assert_eq!((state(&book, later), book.next_start()), (State::Queued, None));
}

#[test]
fn a_download_that_is_to_start_at_a_time_does_so_after_a_restart_and_after_undo() {
    let (mut book, notes) = begun();
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(90);
    let kept = added(&mut book, 2, Start::At(at));
    let undone = added(&mut book, 3, Start::At(at));
    book.command(Command::Remove(undone));
    let record = book.items.get(&kept).unwrap().record();
    let parts = Parts { transport: notes.clone(), disk: notes.clone(), clock: notes.clone(), store: None };
    let mut next = Book::new(parts, Limits::default(), Shelf::default());
    next.load(vec![record]);
    assert_eq!(state(&next, kept), State::Scheduled { at });
    notes.now.set(Moment(Duration::from_secs(200)));
    next.tick();
    assert_eq!(state(&next, kept), State::Queued);
    book.tick();
    assert_eq!(state(&book, undone), State::Scheduled { at }, "it is off the list");
    book.command(Command::Restore(undone));
    book.tick();
    assert_eq!(state(&book, undone), State::Queued);
}

#[test]
fn an_address_that_is_in_the_list_is_found_wherever_the_download_is_kept() {
    let (mut book, notes) = begun();
    let (live, removed) = (added(&mut book, 2, Start::ByHand), added(&mut book, 3, Start::ByHand));
    let mut record = book.items.get(&live).unwrap().record();
    record.state = SavedState::Completed;
    book.command(Command::Remove(removed));
    let urls: Vec<Url> = [2, 3, 4].map(|id| format!("http://127.0.0.1/{id}").parse().unwrap()).to_vec();
    assert_eq!(book.at_addresses(&urls), HashMap::from([(&urls[0], live)]));
    let mut shelf = Shelf::default();
    assert_eq!(shelf.put(record), None);
    let parts = Parts { transport: notes.clone(), disk: notes.clone(), clock: notes, store: None };
    let mut next = Book::new(parts, Limits::default(), shelf);
    assert_eq!(next.at_addresses(&urls), HashMap::from([(&urls[0], live)]));
    let again = added(&mut next, 9, Start::ByHand);
    next.command(Command::Renew { id: again, url: urls[0].clone() });
    assert_eq!(next.at_addresses(&urls)[&urls[0]], again, "the latest");
}

#[test]
fn a_download_whose_folder_is_gone_goes_on_in_another_one() {
    let (mut book, notes) = begun();
    let (failed, paused) = (added(&mut book, 2, Start::Now), added(&mut book, 3, Start::ByHand));
    book.end_transfer(ID, notes.started.get().unwrap());
    let failure = Failure::new(FailureKind::FolderMissing, "");
    book.input(failed, Input::Admit);
    book.input(failed, Input::Broke(failure.clone()));
    book.closed(failed);
    assert_eq!(state(&book, failed), State::Failed(failure));
    for id in [failed, paused] {
        book.items.get_mut(&id).unwrap().path = Some("/srv/a.part".into());
    }
    for id in [ID, failed, paused] {
        book.command(Command::Relocate { id, folder: "/mnt/b".into() });
    }
    let place = |id: DownloadId| {
        let item = book.items.get(&id).unwrap();
        (item.spec.folder.clone(), item.path.clone())
    };
    let there = (PathBuf::from("/mnt/b"), Some(PathBuf::from("/mnt/b/a.part")));
    assert_eq!((place(failed), place(paused)), (there.clone(), there));
    assert_eq!((state(&book, failed), state(&book, paused)), (State::Queued, State::Paused));
    assert_ne!(place(ID).0, PathBuf::from("/mnt/b"), "it is under way");
}

/// The waiting downloads in the order in which they get a slot.
fn starts(book: &mut Book, parallel: usize) -> Vec<u64> {
    let ids: Vec<_> = book.items.keys().copied().collect();
    let before: Vec<_> = ids.iter().copied().filter(|id| state(book, *id) == State::Queued).collect();
    book.command(Command::SetLimits(Limits { parallel, per_host: 100, ..Limits::default() }));
    book.admit();
    before.into_iter().filter(|id| state(book, *id) == State::Connecting).map(|id| id.0).collect()
}

fn move_to(book: &mut Book, ids: &[u64], to: Spot) -> Vec<u64> {
    book.take_events();
    book.command(Command::Move { ids: ids.iter().copied().map(DownloadId).collect(), to });
    let moved = book.take_events().into_iter().filter_map(|event| match event {
        Event::Moved(turns) => Some(turns.into_iter().map(|(id, _)| id.0)),
        _ => None,
    });
    moved.flatten().collect()
}

#[test]
fn downloads_start_in_the_order_that_the_user_gave_them_also_after_a_restart() {
    let (mut book, notes) = begun();
    (2..=6).for_each(|id| {
        added(&mut book, id, Start::Now);
    });
    assert_eq!(move_to(&mut book, &[6, 5], Spot::Before(DownloadId(3))), [5, 6], "in the order in which they stood");
    assert_eq!(move_to(&mut book, &[4], Spot::Top), [4]);
    assert_eq!(move_to(&mut book, &[4], Spot::Top), [0; 0], "it is there");
    assert_eq!(move_to(&mut book, &[2], Spot::Bottom), [2]);
    assert_eq!(move_to(&mut book, &[2, 9], Spot::After(DownloadId(8))), [0; 0], "there is none");
    // 4, 1 (which runs), 5, 6, 3, 2; behind them comes what is added.
    added(&mut book, 7, Start::Now);
    let mut records: Vec<_> = book.items.values().map(Item::record).collect();
    let mut completed = records.remove(1);
    completed.state = SavedState::Completed;
    let parts = Parts { transport: notes.clone(), disk: notes.clone(), clock: notes, store: None };
    let mut shelf = Shelf::default();
    assert_eq!(shelf.put(completed), None);
    let mut next = Book::new(parts, Limits { parallel: 0, ..Limits::default() }, shelf);
    next.load(records);
    let order: Vec<_> = next.order().iter().map(|(id, _)| id.0).collect();
    assert_eq!(order, [4, 1, 5, 6, 3, 2, 7]);
    assert_eq!(next.moved().iter().map(|(id, _)| id.0).collect::<Vec<_>>().len(), 4);
    assert_eq!(move_to(&mut next, &[3], Spot::After(DownloadId(2))), [3], "also beside what is complete");
    for (parallel, started) in [(1, 4), (2, 1), (3, 5), (4, 6), (5, 3), (6, 7)] {
        assert_eq!(starts(&mut next, parallel), [started]);
    }
    added(&mut next, 8, Start::Now);
    assert_eq!(next.order().last().unwrap().0, DownloadId(8));
}

#[test]
fn what_is_added_comes_behind_all_that_was_moved_to_the_end() {
    let (mut book, _) = begun();
    added(&mut book, 2, Start::Now);
    for _ in 0..1500 {
        assert_eq!(move_to(&mut book, &[1], Spot::Bottom).len() + move_to(&mut book, &[2], Spot::Bottom).len(), 2);
    }
    added(&mut book, 3, Start::Now);
    added(&mut book, 4, Start::Now);
    assert_eq!(book.order().iter().map(|(id, _)| id.0).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[test]
fn what_is_to_start_now_waits_neither_for_a_slot_nor_for_its_time() {
    let (mut book, notes) = begun();
    let later = added(&mut book, 3, Start::At(SystemTime::UNIX_EPOCH + Duration::from_secs(90)));
    let (queued, paused) = (added(&mut book, 2, Start::Now), added(&mut book, 4, Start::ByHand));
    assert_eq!(starts(&mut book, 1), [0; 0]);
    for id in [later, queued, paused] {
        book.command(Command::StartNow(id));
        book.admit();
        assert_eq!(state(&book, id), State::Connecting);
    }
    let other = added(&mut book, 5, Start::Now);
    book.command(Command::Hold(Some(Hold::Hours { until: None })));
    book.admit();
    assert!(matches!(state(&book, other), State::Waiting { .. }));
    book.command(Command::StartNow(other));
    book.admit();
    assert_eq!(state(&book, other), State::Connecting, "the user wants it all the same");
    let new = added(&mut book, 6, Start::AtOnce);
    book.admit();
    assert_eq!(state(&book, new), State::Connecting, "as a new one that is not to wait");
    book.command(Command::Remove(other));
    book.command(Command::StartNow(other));
    book.admit();
    assert_eq!(state(&book, other), State::Paused, "it is off the list");
    drop(notes);
}

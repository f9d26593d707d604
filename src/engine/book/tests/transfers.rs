// SPDX-License-Identifier: GPL-3.0-or-later
//! Transfers and the disk beside them: when another one begins, when journals are written, when a file is in its
//! place.

use super::*;
use crate::engine::book::{SMALL_FILE, TICK, segments};
use crate::engine::disk::Found;
use crate::engine::event::Event;
use crate::engine::net::Line;
use crate::engine::net::headers::Validator;
use crate::engine::plan::ramp;

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
    let (mut book, notes) = plain(2 * SMALL_FILE);
    all_came(&mut book, &notes, 2 * SMALL_FILE);
    assert!(!notes.is_finishing.get(), "a journal may claim what is written");
    book.disk_reply(Reply::Opened { part: notes.part(), part_path: "/srv/f.part".into(), reach: None });
    written(&mut book, &notes, 0, 2 * SMALL_FILE);
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

/// A download for which two transfers are wanted.
fn for_two(total: u64) -> (Book, Rc<Notes>) {
    let (mut book, notes) = plain(total);
    let vitals = Vitals { received: 0, next: Some(0), end: None, last_sign: Moment::default(), held: false };
    notes.vitals.set(Some(vitals));
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
    (book, notes)
}

fn begins(book: &Book) -> Vec<u64> {
    book.items.get(&ID).unwrap().map.loans().map(|(_, loan)| loan.start).collect()
}

#[test]
fn a_second_transfer_begins_as_soon_as_the_part_file_is_open_and_no_further_than_it_may() {
    let (mut book, notes) = for_two(100 << 20);
    let first = notes.started.get();
    book.spread(ID);
    assert_eq!(notes.started.get(), first, "the disk has not said where it may begin");
    let reach = Some(4 << 20);
    book.disk_reply(Reply::Opened { part: notes.part(), part_path: "/srv/f.part".into(), reach });
    assert_ne!(notes.started.get(), first);
    assert_eq!(begins(&book), [0, 4 << 20]);
}

/// Where the packet that asks for a connection is lost, the kernel sends it again after a second; where others are,
/// so does that of the server.
#[test]
fn what_is_left_to_a_transfer_of_which_nothing_comes_is_taken_over() {
    // Too short to be cut once more.
    let (start, end) = (64 << 10, 190 << 10);
    let (mut book, notes) = for_two(end);
    let first = notes.started.get().unwrap();
    book.disk_reply(Reply::Opened { part: notes.part(), part_path: "/srv/f.part".into(), reach: None });
    let second = notes.started.get();
    assert_eq!(begins(&book), [0, start]);
    book.transfer_event(TransferEvent::Ended { id: first, end: Some(start), result: Ok(()) });
    for (millis, wanted) in [(20, vec![start]), (70, vec![start, start])] {
        notes.now.set(Moment(Duration::from_millis(millis)));
        book.spread(ID);
        assert_eq!(begins(&book), wanted, "after {millis} ms");
    }
    assert_ne!(notes.started.get(), second);

    // The same where the answer has come. Where it is us who do not read, nothing can come.
    for (held, millis, wanted) in [(false, 1_200, vec![0]), (true, 1_300, vec![0]), (false, 1_300, vec![0, 0])] {
        let (mut book, notes) = for_two(100 << 10);
        notes.vitals.set(notes.vitals.get().map(|vitals| Vitals { held, ..vitals }));
        notes.now.set(Moment(Duration::from_millis(millis)));
        book.disk_reply(Reply::Opened { part: notes.part(), part_path: "/srv/f.part".into(), reach: None });
        assert_eq!(begins(&book), wanted, "after {millis} ms, held: {held}");
    }
}

#[test]
fn packets_are_lost_by_chance_where_most_lines_are_not_full() {
    let line = |is_lossy, is_full| Line { is_lossy, is_full };
    let (lossy, full, good) = (line(true, false), line(true, true), line(false, false));
    for (lines, is_so) in [
        (vec![], false),
        (vec![good], false),
        (vec![lossy], true),
        (vec![full], false),
        (vec![good, lossy], true),
        (vec![full, lossy], false),
        (vec![full, lossy, good], true),
        (vec![full, good, good], false),
    ] {
        assert_eq!(segments::is_lossy(lines.iter().copied()), is_so, "{lines:?}");
    }
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

/// Two downloads, and only one connection to a host: the first one has that to the mirror of the second one, whose
/// own server does not have the file.
fn with_a_full_mirror(retry_after: Option<Duration>) -> (Book, Rc<Notes>) {
    let notes = Rc::new(Notes::default());
    let parts = Parts { transport: notes.clone(), disk: notes.clone(), clock: notes.clone(), store: None };
    let mut book = Book::new(parts, Limits { per_host: 1, ..Limits::default() }, Shelf::default());
    let mirror: url::Url = "http://127.0.0.2/f".parse().unwrap();
    let other = DownloadSpec::new(mirror.join("/g").unwrap(), "/srv".into());
    book.command(Command::Add { id: DownloadId(2), spec: Box::new(other), start: Start::Now });
    begin(&mut book, &notes);
    if let Some(wait) = retry_after {
        let failure = Failure { retry_after: Some(wait), ..Failure::new(FailureKind::HttpStatus(503), "") };
        end(&mut book, &notes, Err(failure));
        book.command(Command::Pause(DownloadId(2)));
    }
    let spec = DownloadSpec::new("http://127.0.0.1/f".parse().unwrap(), "/srv".into());
    let spec = DownloadSpec { mirrors: vec![mirror], ..spec };
    book.command(Command::Add { id: ID, spec: Box::new(spec), start: Start::Now });
    begin(&mut book, &notes);
    end(&mut book, &notes, Err(Failure::new(FailureKind::HttpStatus(404), "")));
    (book, notes)
}

fn begin(book: &mut Book, notes: &Notes) {
    book.admit();
    book.disk_reply(Reply::Looked { part: notes.part(), found: None });
}

fn end(book: &mut Book, notes: &Notes, result: Result<(), Failure>) {
    let id = notes.started.get().unwrap();
    book.transfer_event(TransferEvent::Ended { id, end: None, result });
}

/// The sources that a download asks.
fn asked(book: &Book, id: DownloadId) -> Vec<usize> {
    let work = book.items.get(&id).and_then(|item| item.work.as_ref());
    work.map(|work| work.transfers.values().map(|running| running.source).collect()).unwrap_or_default()
}

fn look(book: &mut Book, notes: &Notes, at: Duration) {
    notes.now.set(Moment(at));
    book.tick();
    book.admit();
}

#[test]
fn a_mirror_that_has_no_room_is_waited_for_where_nobody_else_has_the_file() {
    let (mut book, notes) = with_a_full_mirror(None);
    let waiting = added(&mut book, 3, Start::ByHand);
    let url: url::Url = "http://127.0.0.2/h".parse().unwrap();
    book.command(Command::Renew { id: waiting, url });
    for seconds in 1..100 {
        look(&mut book, &notes, Duration::from_secs(seconds));
        assert_eq!((state(&book, ID), asked(&book, ID)), (State::Connecting, vec![]), "after {seconds} seconds");
    }
    let others = book.transfers_of(DownloadId(2));
    book.end_transfer(DownloadId(2), others[0]);
    book.admit();
    assert_eq!((asked(&book, ID), state(&book, waiting)), (vec![1], State::Queued), "it has waited for longer");
    end(&mut book, &notes, Err(Failure::new(FailureKind::HttpStatus(404), "")));
    assert!(matches!(state(&book, ID), State::Failed(_)), "{:?}", state(&book, ID));
}

#[test]
fn a_mirror_that_asked_for_patience_gets_it() {
    let (mut book, notes) = with_a_full_mirror(Some(Duration::from_secs(60)));
    for seconds in 1..60 {
        look(&mut book, &notes, Duration::from_secs(seconds));
        assert_eq!((state(&book, ID), asked(&book, ID)), (State::Connecting, vec![]), "after {seconds} seconds");
    }
    look(&mut book, &notes, Duration::from_secs(60));
    assert_eq!(asked(&book, ID), [1]);
}

#[test]
fn who_waits_for_room_can_be_paused_and_goes_on_from_the_start() {
    let (mut book, notes) = with_a_full_mirror(None);
    book.command(Command::Pause(ID));
    let others = book.transfers_of(DownloadId(2));
    book.end_transfer(DownloadId(2), others[0]);
    look(&mut book, &notes, Duration::from_secs(1));
    assert_eq!((state(&book, ID), asked(&book, ID)), (State::Paused, vec![]));
    book.command(Command::Resume(ID));
    book.admit();
    assert!(asked(&book, ID).is_empty(), "the disk is asked first");
    begin(&mut book, &notes);
    assert_eq!(asked(&book, ID), [0]);
}

#[test]
fn a_new_address_that_says_nothing_is_given_up() {
    let (mut book, notes) = begun();
    let item = book.items.get_mut(&ID).unwrap();
    item.map.mark_done(ByteRange::new(0, 10));
    let found = Found { part_path: "/srv/f.part".into(), journal: item.journal() };
    book.command(Command::Renew { id: ID, url: "http://127.0.0.2/f".parse().unwrap() });
    book.disk_reply(Reply::Saved { part: notes.part() });
    // Nothing else is at work.
    notes.now.set(Moment(TICK));
    book.tick();
    assert_eq!(book.next_alarm(), None);
    book.admit();
    book.disk_reply(Reply::Looked { part: notes.part(), found: Some(Box::new(found)) });
    let silent = Vitals { received: 0, next: None, end: None, last_sign: notes.now.get(), held: false };
    notes.vitals.set(Some(silent));
    while state(&book, ID) == State::Connecting {
        notes.now.set(book.next_alarm().expect("it is never looked after"));
        assert!(notes.now.get() < Moment(Duration::from_secs(60)), "it is waited for without end");
        book.tick();
    }
    assert!(matches!(state(&book, ID), State::Waiting { .. }), "{:?}", state(&book, ID));
}

#[test]
fn a_file_of_which_nothing_is_missing_is_not_asked_for_again_when_its_connection_breaks() {
    let total = 2 * SMALL_FILE;
    let breaks = |came: u64, kind: FailureKind| {
        let (mut book, notes) = plain(total);
        let item = book.items.get_mut(&ID).unwrap();
        item.validator = Some(Validator::ETag("\"1\"".into()));
        item.sources.add(&"http://127.0.0.2/f".parse().unwrap());
        let id = notes.started.get().unwrap();
        let result = Err(Failure::new(kind, "it broke"));
        book.transfer_event(TransferEvent::Ended { id, end: Some(came), result });
        book.disk_reply(Reply::Opened { part: notes.part(), part_path: "/srv/f.part".into(), reach: None });
        written(&mut book, &notes, 0, came);
        (notes.started.get() != Some(id), notes.is_finishing.get(), state(&book, ID))
    };
    for kind in [FailureKind::EndedEarly, FailureKind::ConnectionLost, FailureKind::Silence] {
        assert_eq!(breaks(total, kind), (false, true, State::Verifying));
    }
    assert_eq!(breaks(total - 1, FailureKind::EndedEarly), (true, false, State::Downloading), "a mirror has the rest");
    // It may be longer than was told.
    let (asked, is_finishing, state) = breaks(total, FailureKind::Protocol);
    assert!(!asked && !is_finishing && matches!(state, State::Waiting { .. }), "{state:?}");
}

#[test]
fn the_list_is_written_seldom_while_only_bytes_come_and_at_once_when_it_stops() {
    let (mut book, notes) = plain(SMALL_FILE);
    book.parts.store = Some(notes.clone());
    book.disk_reply(Reply::Opened { part: notes.part(), part_path: "/srv/f.part".into(), reach: None });
    notes.records.borrow_mut().clear();
    for second in 1..=65 {
        notes.now.set(Moment(Duration::from_secs(second)));
        written(&mut book, &notes, second, second + 1);
        book.tick();
        book.disk_reply(Reply::Saved { part: notes.part() });
    }
    assert!(notes.saves.get() >= 60, "{} journals", notes.saves.get());
    let received = || notes.records.borrow().iter().map(|record| record.received).collect::<Vec<_>>();
    assert_eq!(received(), [30, 60]);
    book.command(Command::Pause(ID));
    assert_eq!(received().last(), Some(&65));
}

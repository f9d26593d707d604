// SPDX-License-Identifier: GPL-3.0-or-later
//! Which download starts when and in which order, and the commands that change that.

use std::collections::HashMap;

use url::Url;

use super::*;
use crate::engine::command::Spot;
use crate::engine::download::state::Hold;
use crate::engine::event::Event;
use crate::engine::item::Item;
use crate::engine::store::SavedState;

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
fn nobody_is_woken_for_what_is_not_to_start_at_its_time_any_more() {
    let (mut book, _) = begun();
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(7 * 24 * 60 * 60);
    let [started, paused, removed, purged] = [2, 3, 4, 5].map(|id| added(&mut book, id, Start::At(at)));
    book.tick();
    assert!(book.next_start().is_some());
    for command in [
        Command::Resume(started),
        Command::Pause(paused),
        Command::Remove(removed),
        Command::Remove(purged),
        Command::Purge(purged),
    ] {
        book.command(command);
    }
    book.tick();
    assert_eq!(book.next_start(), None);
    book.command(Command::Restore(removed));
    book.tick();
    assert!(book.next_start().is_some(), "it is to start again");
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

// SPDX-License-Identifier: GPL-3.0-or-later
//! What proves a file: its pieces, its length, what servers say of it.

use super::*;
use crate::engine::details::Origin;
use crate::engine::item::Item;
use crate::engine::net::headers::Validator;
use crate::engine::plan::map::Map;

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

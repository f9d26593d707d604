// SPDX-License-Identifier: GPL-3.0-or-later
//! Downloads that are to be saved in another folder.

use std::path::{Path, PathBuf};

use super::*;
use crate::engine::disk::{Found, Journal};
use crate::engine::download::state::Input;
use crate::engine::event::Event;

fn place(book: &Book, id: DownloadId) -> (PathBuf, Option<PathBuf>) {
    let item = book.items.get(&id).unwrap();
    (item.spec.folder.clone(), item.path.clone())
}

fn relocate(book: &mut Book, id: DownloadId) {
    book.command(Command::Relocate { id, folder: "/mnt/b".into() });
}

/// A paused download with a part file.
fn begun_once(book: &mut Book, id: u64) -> DownloadId {
    let id = added(book, id, Start::ByHand);
    book.items.get_mut(&id).unwrap().path = Some("/srv/a.part".into());
    id
}

fn is_moving(book: &Book, id: DownloadId) -> bool {
    book.snapshot(id).unwrap().moved.is_some()
}

#[test]
fn what_is_here_of_it_is_taken_to_the_new_folder() {
    let (mut book, notes) = begun();
    let id = begun_once(&mut book, 2);
    relocate(&mut book, id);
    assert_eq!(notes.carries.borrow()[0].part_path, Path::new("/srv/a.part"));
    assert_eq!(notes.carries.borrow()[0].folder, Path::new("/mnt/b"));
    assert!(is_moving(&book, id));
    book.disk_reply(Reply::Carrying { part: notes.part(), done: 7 });
    let told = book.take_events().into_iter().next_back();
    assert!(matches!(told, Some(Event::Changed(now)) if now.moved == Some(7)), "how far it is");
    book.disk_reply(Reply::Carried { part: notes.part(), part_path: Some("/mnt/b/2.part".into()) });
    assert_eq!(place(&book, id), ("/mnt/b".into(), Some("/mnt/b/2.part".into())));
    assert!(!is_moving(&book, id));
    assert_eq!(state(&book, id), State::Paused);
    relocate(&mut book, id);
    assert_eq!(notes.carries.borrow().len(), 1, "it is there");
}

#[test]
fn the_older_part_file_goes_first_and_the_other_one_tells_where_it_is() {
    let (mut book, notes) = begun();
    let id = begun_once(&mut book, 2);
    book.items.get_mut(&id).unwrap().replaces = Some("/srv/old.part".into());
    relocate(&mut book, id);
    book.disk_reply(Reply::Carried { part: notes.part(), part_path: Some("/mnt/b/old.part".into()) });
    book.disk_reply(Reply::Carried { part: notes.part(), part_path: Some("/mnt/b/a.part".into()) });
    let told: Vec<_> = notes.carries.borrow().iter().map(|one| (one.part_path.clone(), one.replaces.clone())).collect();
    let older = Some(PathBuf::from("/mnt/b/old.part"));
    assert_eq!(told, [("/srv/old.part".into(), None), ("/srv/a.part".into(), older.clone())]);
    assert_eq!(place(&book, id).1, Some("/mnt/b/a.part".into()));
    assert_eq!(book.items.get(&id).unwrap().replaces, older);
}

#[test]
fn where_nothing_can_be_reached_it_is_looked_for_in_the_new_folder() {
    let (mut book, notes) = begun();
    let failed = added(&mut book, 2, Start::Now);
    book.end_transfer(ID, notes.started.get().unwrap());
    let failure = Failure::new(FailureKind::FolderMissing, "");
    book.input(failed, Input::Admit);
    book.input(failed, Input::Broke(failure.clone()));
    book.closed(failed);
    assert_eq!(state(&book, failed), State::Failed(failure));
    book.items.get_mut(&failed).unwrap().path = Some("/srv/a.part".into());
    // A file of the same name, which is another download's.
    let other = added(&mut book, 3, Start::ByHand);
    book.items.get_mut(&other).unwrap().path = Some("/mnt/b/a.part".into());
    relocate(&mut book, failed);
    book.disk_reply(Reply::Carried { part: notes.part(), part_path: None });
    assert_eq!(place(&book, failed), ("/mnt/b".into(), None), "no file is taken for its own by its name");
    assert_eq!(state(&book, failed), State::Queued, "it goes on");
    book.items.get_mut(&failed).unwrap().spec.resume = false;
    book.admit();
    let look = notes.looked.take().unwrap();
    assert_eq!((look.folder, look.part_path, look.resume), ("/mnt/b".into(), None, true), "by its address");
    book.disk_reply(Reply::Looked { part: notes.part(), found: None });
    assert!(!book.items.get(&failed).unwrap().is_astray);
    assert_eq!(place(&book, other).1, Some("/mnt/b/a.part".into()));
}

#[test]
fn yet_another_folder_is_chosen_meanwhile() {
    let given_up = |notes: &Notes| Failure::new(FailureKind::Io(notes.given_up.take().map_or(0, |_| 7)), "given up");
    for (folder, carries) in [("/mnt/c", 2), ("/srv", 1), ("/mnt/b", 1)] {
        let (mut book, notes) = begun();
        let id = begun_once(&mut book, 2);
        relocate(&mut book, id);
        book.command(Command::Relocate { id, folder: folder.into() });
        assert_eq!(notes.given_up.get().is_some(), folder != "/mnt/b");
        let failure = given_up(&notes);
        book.disk_reply(Reply::Failed { part: notes.part(), failure: failure.clone() });
        let is_chosen_anew = folder != "/mnt/b";
        assert_eq!(state(&book, id) == State::Failed(failure), !is_chosen_anew, "{folder}");
        assert_eq!(place(&book, id), (folder.into(), Some("/srv/a.part".into())));
        assert_eq!((notes.carries.borrow().len(), is_moving(&book, id)), (carries, carries > 1), "{folder}");
    }
    for (folder, carries) in [("/mnt/c", 2), ("/srv", 2), ("/mnt/b", 1)] {
        let (mut book, notes) = begun();
        let id = begun_once(&mut book, 2);
        relocate(&mut book, id);
        book.command(Command::Relocate { id, folder: folder.into() });
        // It had come to its end already.
        book.disk_reply(Reply::Carried { part: notes.part(), part_path: Some("/mnt/b/a.part".into()) });
        assert_eq!(place(&book, id), (folder.into(), Some("/mnt/b/a.part".into())));
        assert_eq!(notes.carries.borrow().len(), carries, "{folder}");
        if carries > 1 {
            let last = notes.carries.borrow().last().map(|last| (last.part_path.clone(), last.folder.clone()));
            assert_eq!(last, Some(("/mnt/b/a.part".into(), folder.into())));
        }
    }
}

#[test]
fn what_the_list_does_not_tell_is_read_before_it_is_taken_along() {
    let (mut book, notes) = begun();
    let id = begun_once(&mut book, 2);
    book.items.get_mut(&id).unwrap().is_unread = true;
    relocate(&mut book, id);
    assert!(notes.carries.borrow().is_empty() && is_moving(&book, id));
    let url = book.items.get(&id).unwrap().spec.url.clone();
    let journal = Journal { replaces: Some("/srv/old.part".into()), ..book.items.get(&id).unwrap().journal() };
    assert_eq!(notes.looked.take().map(|look| (look.part_path, look.url)), Some((Some("/srv/a.part".into()), url)));
    let found = Some(Box::new(Found { part_path: "/srv/a.part".into(), journal }));
    book.disk_reply(Reply::Looked { part: notes.part(), found });
    book.disk_reply(Reply::Carried { part: notes.part(), part_path: Some("/mnt/b/old.part".into()) });
    let told: Vec<_> = notes.carries.borrow().iter().map(|one| (one.part_path.clone(), one.replaces.clone())).collect();
    assert_eq!(told, [("/srv/old.part".into(), None), ("/srv/a.part".into(), Some("/mnt/b/old.part".into()))]);
    book.disk_reply(Reply::Carried { part: notes.part(), part_path: Some("/mnt/b/a.part".into()) });
    assert_eq!((state(&book, id), is_moving(&book, id)), (State::Paused, false));
}

#[test]
fn what_no_folder_helps_moves_and_stays_as_it_is() {
    let (mut book, notes) = begun();
    let failed = begun_once(&mut book, 2);
    let expected = format!("md5:{}", "0".repeat(32)).parse().unwrap();
    let kind = FailureKind::ChecksumMismatch { expected, actual: "1".repeat(32) };
    book.input(failed, Input::Broke(Failure::new(kind, "")));
    let state_before = state(&book, failed);
    relocate(&mut book, failed);
    book.disk_reply(Reply::Carried { part: notes.part(), part_path: Some("/mnt/b/a.part".into()) });
    assert_eq!(place(&book, failed).1, Some("/mnt/b/a.part".into()));
    assert_eq!(state(&book, failed), state_before, "else it would be fetched anew");
}

#[test]
fn one_that_runs_stops_for_it_and_goes_on_afterwards() {
    let (mut book, notes) = begun();
    relocate(&mut book, ID);
    assert_eq!(state(&book, ID), State::Queued);
    book.admit();
    assert_eq!((state(&book, ID), notes.carries.borrow().len()), (State::Connecting, 0), "it is still saved");
    let part = notes.part();
    book.disk_reply(Reply::Saved { part });
    assert_eq!(notes.carries.borrow()[0].part_path, Path::new("/srv/f.part"));
    assert_ne!(notes.part(), part);
    let told = book.take_events().into_iter().next_back();
    assert!(matches!(told, Some(Event::Changed(now)) if now.moved == Some(0)), "it says what it does");
    book.disk_reply(Reply::Carried { part: notes.part(), part_path: Some("/mnt/b/f.part".into()) });
    assert_eq!(place(&book, ID), ("/mnt/b".into(), Some("/mnt/b/f.part".into())));
    let work = book.items.get(&ID).unwrap().work.as_ref().unwrap();
    assert!(work.carried.is_none() && !work.is_closing, "it looks what is there");
}

#[test]
fn what_can_not_be_moved_says_why_and_stays_where_it_is() {
    let (mut book, notes) = begun();
    let id = begun_once(&mut book, 2);
    relocate(&mut book, id);
    let failure = Failure::new(FailureKind::DiskFull { needed: Some(7) }, "");
    book.disk_reply(Reply::Failed { part: notes.part(), failure: failure.clone() });
    assert_eq!(state(&book, id), State::Failed(failure));
    assert_eq!(place(&book, id), ("/mnt/b".into(), Some("/srv/a.part".into())));
    assert!(!is_moving(&book, id));
    book.command(Command::Relocate { id, folder: "/srv".into() });
    assert_eq!((notes.carries.borrow().len(), state(&book, id)), (1, State::Queued), "back again");
}

#[test]
fn one_that_is_given_up_is_not_copied_to_its_end() {
    let (mut book, notes) = begun();
    let id = begun_once(&mut book, 2);
    relocate(&mut book, id);
    book.command(Command::Remove(id));
    assert_eq!(notes.given_up.get(), None, "it may come back");
    book.command(Command::Purge(id));
    assert_eq!(notes.given_up.get(), Some(notes.part()));
    book.disk_reply(Reply::Failed { part: notes.part(), failure: Failure::new(FailureKind::Io(0), "given up") });
    assert!(book.items.get(&id).is_none());
}

#[test]
fn what_was_interrupted_is_taken_along_before_it_goes_on() {
    let (mut book, notes) = begun();
    let id = begun_once(&mut book, 2);
    relocate(&mut book, id);
    book.halt();
    assert_eq!(notes.given_up.get(), Some(notes.part()));
    book.disk_reply(Reply::Failed { part: notes.part(), failure: Failure::new(FailureKind::Io(0), "given up") });
    assert_eq!(state(&book, id), State::Paused, "nobody is told of it");
    let record = book.items.get(&id).unwrap().record();
    assert_eq!((record.spec.folder.clone(), record.path.clone()), ("/mnt/b".into(), Some("/srv/a.part".into())));
    let parts = Parts { transport: notes.clone(), disk: notes.clone(), clock: notes.clone(), store: None };
    let mut next = Book::new(parts, Limits::default(), Shelf::default());
    next.load(vec![record]);
    next.command(Command::Resume(id));
    next.admit();
    assert!(is_moving(&next, id));
    next.disk_reply(Reply::Looked { part: notes.part(), found: None });
    assert_eq!(notes.carries.borrow().len(), 2);
    assert!(is_moving(&next, id));
}

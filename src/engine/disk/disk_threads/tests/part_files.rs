// SPDX-License-Identifier: GPL-3.0-or-later
//! Part files: which one is found again, to whom it belongs, what is in its place, and when it goes.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::time::Instant;

use super::*;

#[test]
fn a_part_file_is_continued_after_a_restart() {
    let first = Desk::new();
    let part_path = first.begin(1, "f", b"0123456789");
    first.save(1, journal("f", &[(0, 4), (6, 10)])).unwrap();
    first.disk.shutdown();

    let desk = Desk::in_folder(first.folder);
    let mut wanted = desk.any();
    wanted.url = "http://example.org/f#fragment".parse().unwrap();
    let found = desk.look(7, wanted).unwrap().unwrap();
    assert_eq!(found, Found { part_path: part_path.clone(), journal: journal("f", &[(0, 4), (6, 10)]) });
    let open = Open { resume: Some(found.part_path), total: Some(10), ..desk.new_file("f") };
    assert_eq!(desk.open(7, open), Ok(part_path));
    desk.write(7, 4, b"xy");
    desk.expect_written(7, 2);
    assert_eq!(desk.finish(7, complete(10)), Ok(desk.path("f")));
    assert_eq!(fs::read(desk.path("f")).unwrap(), b"0123xy6789");
}

#[test]
fn only_the_part_file_of_that_address_and_name_is_found() {
    let desk = Desk::new();
    for (part, name) in [(1, "a"), (2, "b")] {
        desk.begin(part, name, b"0123");
        desk.save(part, journal(name, &[(0, 4)])).unwrap();
        desk.disk.close(PartId(part));
    }
    fs::write(desk.path("orphan.part"), b"0123").unwrap();
    fs::write(desk.path("torn.part"), b"0123").unwrap();
    fs::write(desk.path("torn.part.journal"), b"{\"freshet-journal\":1,").unwrap();

    let look = |url: Url| Look { url, ..desk.any() };
    assert_eq!(desk.look(3, look(url("b"))).unwrap().unwrap().part_path, desk.path("b.part"));
    assert_eq!(desk.look(3, Look { name: Some("b".into()), ..look(url("b")) }).unwrap().unwrap().journal.name, "b");
    assert_eq!(desk.look(3, Look { name: Some("c".into()), ..look(url("b")) }), Ok(None));
    assert_eq!(desk.look(3, Look { resume: false, ..look(url("b")) }), Ok(None));
    assert_eq!(desk.look(3, look(url("c"))), Ok(None));
    let with_password = "http://me:secret@example.org/b".parse().unwrap();
    assert_eq!(desk.look(3, look(with_password)), Ok(None), "another user's file may be another one");
    // The list knows its part file even under an address that was renewed meanwhile.
    let known = Look { part_path: Some(desk.path("a.part")), ..look(url("renewed")) };
    assert_eq!(desk.look(3, known).unwrap().unwrap().part_path, desk.path("a.part"));
    // A part file that it knows and that is gone is no reason not to find another one.
    let gone = Look { part_path: Some(desk.path("gone.part")), ..look(url("a")) };
    assert_eq!(desk.look(3, gone).unwrap().unwrap().part_path, desk.path("a.part"));
}

#[test]
fn part_files_that_came_and_went_since_the_last_look_are_known() {
    let desk = Desk::new();
    assert_eq!(desk.look(9, desk.any()), Ok(None));
    desk.begin(1, "f", b"0123");
    desk.save(1, journal("f", &[(0, 4)])).unwrap();
    desk.disk.close(PartId(1));
    assert_eq!(desk.look(9, desk.any()).unwrap().unwrap().part_path, desk.path("f.part"));
    desk.disk.delete(desk.path("f.part"));
    assert_eq!(desk.look(9, desk.any()), Ok(None));
    assert!(desk.names().is_empty());
}

#[test]
fn a_part_file_shorter_than_its_journal_says_is_not_believed() {
    let desk = Desk::new();
    desk.begin(1, "f", b"0123456789");
    desk.save(1, journal("f", &[(0, 10)])).unwrap();
    desk.disk.close(PartId(1));
    assert!(desk.look(2, desk.any()).unwrap().is_some());
    File::options().write(true).open(desk.path("f.part")).unwrap().set_len(9).unwrap();
    assert_eq!(desk.look(2, desk.any()), Ok(None));
    fs::remove_file(desk.path("f.part")).unwrap();
    assert_eq!(desk.look(2, desk.any()), Ok(None));
}

#[test]
fn what_cannot_be_read_now_is_not_taken_for_useless() {
    let own = |desk: &Desk| Look { part_path: Some(desk.path("f.part")), ..desk.any() };
    let begun = || {
        let desk = Desk::new();
        desk.begin(1, "f", b"0123");
        desk.save(1, journal("f", &[(0, 4)])).unwrap();
        desk.disk.close(PartId(1));
        assert!(desk.look(2, own(&desk)).unwrap().is_some());
        desk
    };
    let desk = begun();
    fs::write(desk.path("f.part.journal"), r#"{"freshet-journal":99}"#).unwrap();
    assert_eq!(desk.look(3, own(&desk)), Err(FailureKind::PartInUse), "a newer version can continue it");
    assert_eq!(desk.look(3, desk.any()), Ok(None));
    // A folder in its place gives an error that says nothing of what it holds.
    fs::remove_file(desk.path("f.part.journal")).unwrap();
    fs::create_dir(desk.path("f.part.journal")).unwrap();
    assert_eq!(desk.look(4, own(&desk)), Err(FailureKind::Io(libc::EISDIR)));
    let desk = begun();
    fs::rename(desk.path("f.part"), desk.path("elsewhere")).unwrap();
    symlink(desk.path("elsewhere"), desk.path("f.part")).unwrap();
    assert_eq!(desk.look(5, own(&desk)), Err(FailureKind::Io(libc::ELOOP)));
    fs::remove_file(desk.path("f.part")).unwrap();
    assert_eq!(desk.look(6, own(&desk)), Ok(None), "it is gone");
}

#[test]
fn two_instances_never_write_to_one_part_file() {
    let one = Desk::new();
    one.begin(1, "f", b"0123");
    one.save(1, journal("f", &[(0, 4)])).unwrap();

    let other = Desk::new();
    let look = Look { folder: one.folder.path().into(), ..one.any() };
    assert_eq!(other.look(1, look.clone()), Err(FailureKind::PartInUse));
    let known = Look { part_path: Some(one.path("f.part")), ..look.clone() };
    assert_eq!(other.look(1, known), Err(FailureKind::PartInUse));
    let resume = Open { resume: Some(one.path("f.part")), ..one.new_file("f") };
    assert_eq!(other.open(1, resume.clone()), Err(FailureKind::PartInUse));
    assert_eq!(other.open(1, one.new_file("f")), Ok(one.path("f (1).part")));

    one.disk.close(PartId(1));
    one.disk.shutdown();
    assert!(other.look(2, look).unwrap().is_some());
    assert_eq!(other.open(2, resume), Ok(one.path("f.part")));
}

#[test]
fn a_journal_without_its_part_file_is_in_nobodys_way() {
    let desk = Desk::new();
    // As after a process that died between moving the file into place and removing the journal.
    desk.begin(1, "f", b"0123");
    desk.save(1, journal("f", &[(0, 4)])).unwrap();
    desk.disk.close(PartId(1));
    assert!(desk.look(2, desk.any()).unwrap().is_some());
    fs::rename(desk.path("f.part"), desk.path("f")).unwrap();
    assert_eq!(desk.open(2, desk.new_file("f")), Ok(desk.path("f (1).part")), "the file is there");
    fs::rename(desk.path("f"), desk.path("kept")).unwrap();
    desk.disk.shutdown();

    let desk = Desk::in_folder(desk.folder);
    assert_eq!(desk.open(3, Open { total: Some(4), ..desk.new_file("f") }), Ok(desk.path("f.part")));
    assert_eq!(desk.names(), ["f (1).part", "f.part", "kept"]);
    desk.write(3, 0, b"ab");
    desk.write(3, 2, b"cd");
    desk.expect_written(3, 4);
    desk.disk.close(PartId(3));
    assert_eq!(desk.look(4, desk.any()), Ok(None), "nobody claims its bytes");
}

#[test]
fn a_symbolic_link_in_place_of_the_part_file_is_not_followed() {
    let desk = Desk::new();
    fs::write(desk.path("precious"), b"0123").unwrap();
    symlink(desk.path("precious"), desk.path("f.part")).unwrap();
    journal("f", &[(0, 4)]).write(&desk.path("f.part")).unwrap();
    assert_eq!(desk.look(1, desk.any()), Ok(None));
    let resume = Open { resume: Some(desk.path("f.part")), ..desk.new_file("f") };
    assert_eq!(desk.open(1, resume), Err(FailureKind::Io(libc::ELOOP)));
    assert_eq!(fs::read(desk.path("precious")).unwrap(), b"0123");
}

#[test]
fn a_named_pipe_in_place_of_the_part_file_holds_nobody_up() {
    let desk = Desk::new();
    for name in ["f.part", "g.part.journal"] {
        assert!(Command::new("mkfifo").arg(desk.path(name)).status().unwrap().success());
    }
    journal("f", &[]).write(&desk.path("f.part")).unwrap();
    assert_eq!(desk.look(1, desk.any()), Ok(None));
    assert_eq!(desk.look(1, Look { part_path: Some(desk.path("g.part")), ..desk.any() }), Ok(None));
    let resume = Open { resume: Some(desk.path("f.part")), ..desk.new_file("f") };
    assert_eq!(desk.open(1, resume), Err(FailureKind::Io(libc::EINVAL)));
}

#[test]
fn a_part_file_that_was_taken_away_is_neither_saved_nor_finished() {
    let desk = Desk::new();
    desk.begin(1, "f", b"0123");
    fs::write(desk.path("other"), b"else").unwrap();
    fs::rename(desk.path("other"), desk.path("f.part")).unwrap();
    assert_eq!(desk.finish(1, complete(4)), Err(FailureKind::Io(libc::ENOENT)));
    assert_eq!(desk.save(1, journal("f", &[(0, 4)])), Err(FailureKind::Io(libc::ENOENT)));
    assert_eq!(desk.names(), ["f.part"]);
}

#[test]
fn a_part_file_whose_folder_was_deleted_says_so() {
    let desk = Desk::new();
    let folder = desk.path("folder");
    fs::create_dir(&folder).unwrap();
    desk.open(1, Open { folder: folder.clone(), ..desk.new_file("f") }).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(desk.save(1, journal("f", &[])), Err(FailureKind::FolderMissing));
}

#[test]
fn a_part_file_whose_drive_was_taken_away_says_so() {
    let tmpfs = Tmpfs::new("size=4m");
    let desk = Desk::in_folder(tempfile::tempdir_in(tmpfs.folder.parent().unwrap()).unwrap());
    let open = Open { folder: tmpfs.folder.clone(), ..desk.new_file("f") };
    desk.open(1, open).unwrap();
    desk.write(1, 0, b"0123");
    desk.expect_written(1, 4);
    assert!(Command::new("umount").arg("-l").arg(&tmpfs.folder).status().unwrap().success());
    assert_eq!(desk.finish(1, complete(4)), Err(FailureKind::DriveFailed));
    assert_eq!(desk.save(1, journal("f", &[(0, 4)])), Err(FailureKind::DriveFailed));
    assert_eq!(fs::read_dir(&tmpfs.folder).unwrap().count(), 0, "nothing is put into the empty mount point");
}

#[test]
fn an_older_part_file_goes_only_when_the_new_file_is_in_place() {
    let desk = Desk::new();
    desk.begin(1, "f", b"old");
    desk.save(1, journal("f", &[(0, 3)])).unwrap();
    desk.disk.close(PartId(1));
    desk.begin(2, "f", b"new");
    let finish = Finish { replaces: Some(desk.path("f.part")), ..complete(3) };
    assert_eq!(desk.finish(2, Finish { total: 9, ..finish.clone() }), Err(FailureKind::EndedEarly));
    assert_eq!(desk.names(), ["f (1).part", "f.part", "f.part.journal"]);
    assert_eq!(desk.finish(2, finish), Ok(desk.path("f")), "the number was only for the older part file");
    assert_eq!(desk.names(), ["f"]);
}

#[test]
fn only_part_files_are_ever_deleted() {
    let desk = Desk::new();
    fs::write(desk.path("precious"), b"0123").unwrap();
    desk.disk.delete(desk.path("precious"));
    desk.disk.delete(desk.path("gone.part"));
    desk.look(1, desk.any()).unwrap();
    assert_eq!(desk.names(), ["precious"]);
}

#[test]
fn a_part_file_that_another_process_continues_is_not_deleted() {
    let (one, other) = (Desk::new(), Desk::new());
    one.begin(1, "f", b"0123");
    one.save(1, journal("f", &[(0, 4)])).unwrap();
    other.disk.delete(one.path("f.part"));
    // Answered after it, on the same device.
    let look = Look { folder: one.folder.path().into(), resume: false, ..one.any() };
    assert_eq!(other.look(1, look.clone()), Ok(None));
    assert_eq!(one.names(), ["f.part", "f.part.journal"]);
    // Nor the older one that a new file replaces.
    let replaces = Some(one.path("f.part"));
    other.disk.open(PartId(2), Open { folder: one.folder.path().into(), ..one.new_file("g") });
    assert!(matches!(other.next(), Reply::Opened { .. }));
    assert_eq!(other.finish(2, Finish { replaces, ..complete(0) }), Ok(one.path("g")));
    assert_eq!(one.names(), ["f.part", "f.part.journal", "g"]);

    one.disk.shutdown();
    other.disk.delete(one.path("f.part"));
    assert_eq!(other.look(1, look), Ok(None));
    assert_eq!(one.names(), ["g"]);
}

#[test]
fn ten_thousand_part_files_in_a_folder_slow_nothing_down() {
    let desk = Desk::new();
    for number in 0..10_000 {
        let part_path = desk.path(format!("{number}.part"));
        fs::write(&part_path, b"0123").unwrap();
        // Without the sync of a real save.
        let other = desk.path("template.part");
        if number == 0 {
            journal("f", &[(0, 4)]).write(&other).unwrap();
        }
        fs::copy(Journal::path_of(&other), Journal::path_of(&part_path)).unwrap();
    }
    let begin = Instant::now();
    assert_eq!(desk.look(1, Look { url: url("elsewhere"), ..desk.any() }), Ok(None));
    let first = begin.elapsed();
    let begin = Instant::now();
    for part in 2..1_002 {
        assert_eq!(desk.look(part, Look { url: url("elsewhere"), ..desk.any() }), Ok(None));
    }
    let thousand = begin.elapsed();
    // Reading the folder each time would take a thousand times the first.
    assert!(thousand < first * 20 + Duration::from_secs(1), "{first:?}, then {thousand:?}");
}

#[test]
fn a_new_part_file_is_known_by_its_journal_before_its_first_byte() {
    let desk = Desk::new();
    let journal = Journal { total: Some(10), ..journal("f", &[]) };
    let open = Open { total: Some(10), journal: Some(Box::new(journal.clone())), ..desk.new_file("f") };
    desk.open(1, open).unwrap();
    assert_eq!(Journal::read(&desk.path("f.part")).unwrap(), journal);
}

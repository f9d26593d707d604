// SPDX-License-Identifier: GPL-3.0-or-later
//! Small files that are here as a whole before anything of them is written: they have no name until they have
//! their last one.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant, SystemTime};

use super::*;
use crate::engine::disk::Block;
use crate::engine::disk::part_file::PartFile;
use crate::engine::disk::writer::Writer;

/// On a file system that can do it, wherever the tests run.
fn desk() -> Desk {
    Desk::in_folder(tempfile::tempdir_in("/dev/shm").unwrap())
}

/// Gives the last block of a body, as a sink does.
fn last_block(desk: &Desk, part: u64, bytes: &[u8]) {
    let mut block = desk.disk.block(PartId(part), bytes.len()).unwrap();
    block.extend(bytes);
    block.end_with_it();
    desk.disk.write(PartId(part), 0, block);
}

/// Gives all that is to be done with a small file at once, as the engine does.
fn give(desk: &Desk, part: u64, open: Open, bytes: &[u8], finish: Finish) {
    desk.disk.hold();
    desk.disk.open(PartId(part), open);
    last_block(desk, part, bytes);
    desk.disk.finish(PartId(part), finish);
    desk.disk.release();
}

fn read(desk: &Desk, name: &str) -> Vec<u8> {
    fs::read(desk.path(name)).unwrap()
}

#[test]
fn a_whole_file_is_told_of_when_it_is_in_its_place_and_not_before() {
    let desk = desk();
    fs::write(desk.path("named"), b"").unwrap();
    let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    give(&desk, 1, desk.new_file("f"), b"whole", Finish { modified: Some(modified), ..complete(5) });
    match desk.next() {
        Reply::Finished { part: PartId(1), path } => assert_eq!(path, desk.path("f")),
        other => panic!("{other:?}"),
    }
    assert_eq!((desk.names(), read(&desk, "f")), (vec!["f".into(), "named".into()], b"whole".to_vec()));
    let about = |name: &str| fs::metadata(desk.path(name)).unwrap();
    assert_eq!(about("f").permissions().mode(), about("named").permissions().mode(), "as any other file");
    assert_eq!(about("f").modified().unwrap(), modified);
}

#[test]
fn until_it_has_its_name_it_is_nowhere_and_its_end_leaves_nothing() {
    let desk = desk();
    let part = PartFile::nameless(&desk.new_file("f")).expect("tmpfs can do that");
    part.write(0, &mut [std::io::IoSlice::new(b"whole")]).unwrap();
    part.complete(&complete(5)).unwrap();
    assert!(desk.names().is_empty());
    assert!(part.save(&journal("f", &[(0, 5)]), 5).is_err(), "it is not there to be continued");
    drop(part);
    assert!(desk.names().is_empty());
    assert!(PartFile::nameless(&desk.new_file("../f")).is_none(), "a name that leads out of the folder");
}

#[test]
fn whatever_has_its_name_by_then_stays_and_the_next_number_is_taken() {
    let desk = desk();
    fs::write(desk.path("f"), b"mine").unwrap();
    symlink("nowhere", desk.path("f (1)")).unwrap();
    fs::write(desk.path("f.part"), b"orphan").unwrap();
    give(&desk, 1, desk.new_file("f"), b"whole", complete(5));
    assert!(matches!(desk.next(), Reply::Finished { path, .. } if path == desk.path("f (2)")));
    assert_eq!((read(&desk, "f"), read(&desk, "f (2)")), (b"mine".to_vec(), b"whole".to_vec()));
    assert_eq!(read(&desk, "f.part"), b"orphan");
    assert!(!desk.path("nowhere").exists());
}

#[test]
fn one_that_an_earlier_process_brought_is_not_there_twice() {
    let desk = desk();
    fs::write(desk.path("f"), b"whole").unwrap();
    fs::write(desk.path("f.part"), b"orphan").unwrap();
    let finish = Finish { may_be_there: Some(SystemTime::now() + Duration::from_secs(1)), ..complete(5) };
    give(&desk, 1, desk.new_file("f"), b"whole", finish);
    assert!(matches!(desk.next(), Reply::Finished { path, .. } if path == desk.path("f")));
    assert_eq!(desk.names(), ["f", "f.part"]);
    assert_eq!(read(&desk, "f.part"), b"orphan", "this one had none");
}

#[test]
fn many_of_one_name_are_not_counted_through_each_time() {
    const COUNT: u64 = 3_000;
    let bring_all = |name: &dyn Fn(u64) -> String| {
        let desk = desk();
        let begin = Instant::now();
        let finish = Finish { may_be_there: Some(SystemTime::UNIX_EPOCH), ..complete(1) };
        for part in 0..COUNT {
            give(&desk, part, desk.new_file(&name(part)), b"x", finish.clone());
            assert!(matches!(desk.next(), Reply::Finished { .. }));
        }
        let took = begin.elapsed();
        assert_eq!(desk.names().len() as u64, COUNT);
        took
    };
    // Held against as many that get what name they ask for, on the same machine: four and a half million names would
    // have been tried.
    let (each_of_its_own, one) = (bring_all(&|part| format!("f{part}")), bring_all(&|_| "f".to_owned()));
    assert!(one < 4 * each_of_its_own + Duration::from_secs(1), "{one:?}, and {each_of_its_own:?} with other names");
}

#[test]
fn the_part_file_of_another_download_by_that_name_stays_known() {
    let desk = desk();
    let other = PartFile::create(&desk.new_file("f"), &Mutex::default()).unwrap();
    other.save(&journal("f", &[]), 0).unwrap();
    drop(other);
    let look = any_part(&desk.path(""));
    let is_known = |part: u64| desk.look(part, look.clone()).unwrap().is_some();
    assert!(is_known(1));
    give(&desk, 2, desk.new_file("f"), b"whole", complete(5));
    assert!(matches!(desk.next(), Reply::Finished { path, .. } if path == desk.path("f")));
    assert!(!desk.disk.has_nothing(PartId(3), &look));
    assert!(is_known(4));
}

/// What there is after these jobs, that they had no name before.
fn had_no_name(folder: &Path, open: Open, blocks: &[(u64, &[u8])], then: Option<Job>) -> bool {
    let part = PartId(1);
    let (give, jobs) = mpsc::channel();
    let mut all = vec![Job::Open { part, open, is_ended: Default::default() }];
    for (offset, bytes) in blocks {
        let mut block = Block::detached(bytes.len());
        block.extend(bytes);
        all.push(Job::Write { part, offset: *offset, block });
    }
    all.extend(then);
    all.push(Job::Stop);
    give.send(all).unwrap();
    let mailbox = std::sync::Arc::new(Mailbox::new(|_| {}));
    // Nobody moves it into place.
    let (syncer, _sync_jobs) = mpsc::channel();
    Writer::new(jobs, Default::default(), syncer, Arc::new(Turns::new("verify")), mailbox).run();
    let names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    for name in &names {
        fs::remove_file(folder.join(name)).unwrap();
    }
    names.is_empty()
}

#[test]
fn what_is_not_sure_to_be_complete_at_once_has_a_name() {
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let folder = folder.path();
    let open = || new_file(folder, "f");
    let finish = |finish: Finish| Some(Job::Finish { part: PartId(1), finish, is_ended: Default::default() });
    let whole: &[(u64, &[u8])] = &[(0, b"whole")];
    let sum = "md5:d41d8cd98f00b204e9800998ecf8427e".parse().unwrap();
    assert!(had_no_name(folder, open(), whole, finish(complete(5))));
    let save = Some(Job::Save { part: PartId(1), journal: journal("f", &[]), told: 0 });
    type Case<'a> = (Open, &'a [(u64, &'a [u8])], Option<Job>);
    let cases: [Case<'_>; 7] = [
        (open(), whole, None),
        (open(), whole, save),
        (open(), whole, finish(complete(6))),
        (open(), &[(0, b"in"), (2, b"two")], finish(complete(5))),
        (open(), whole, finish(Finish { checksum: Some(sum), ..complete(5) })),
        (Open { on_exists: OnExists::Overwrite, ..open() }, whole, finish(complete(5))),
        (Open { journal: Some(Box::new(journal("f", &[]))), ..open() }, whole, finish(complete(5))),
    ];
    for (number, (open, blocks, then)) in cases.into_iter().enumerate() {
        assert!(!had_no_name(folder, open, blocks, then), "{number}");
    }
}

#[test]
fn where_no_file_can_be_without_a_name_they_come_as_ever() {
    // No folder there, and a file system that has no such files.
    for folder in ["/dev/shm/gone", "/proc"] {
        assert!(PartFile::nameless(&new_file(Path::new(folder), "f")).is_none(), "{folder}");
    }
}

#[test]
fn a_small_file_is_opened_with_its_first_bytes_and_one_that_may_not_be_wanted_at_once() {
    let desk = desk();
    let give = |part: u64, on_exists| {
        desk.disk.hold();
        desk.disk.open(PartId(part), Open { on_exists, ..desk.new_file(&format!("f{part}")) });
        desk.disk.release();
    };
    give(1, OnExists::Rename);
    give(2, OnExists::Skip);
    assert!(matches!(desk.next(), Reply::Opened { part: PartId(1), .. }), "they go together");
    assert!(matches!(desk.next(), Reply::Opened { part: PartId(2), .. }));
    give(3, OnExists::Rename);
    give(4, OnExists::Rename);
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(desk.names(), ["f1.part", "f2.part"]);
    last_block(&desk, 3, b"all");
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(desk.names(), ["f1.part", "f2.part"], "its end comes at once");
    desk.disk.release();
    for part in [3, 4] {
        assert!(matches!(desk.next(), Reply::Opened { part: of, .. } if of == PartId(part)));
    }
    assert!(matches!(desk.next(), Reply::Written { part: PartId(3), .. }));
}

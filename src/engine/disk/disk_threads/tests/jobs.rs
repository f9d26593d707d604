// SPDX-License-Identifier: GPL-3.0-or-later
//! Jobs and their replies, in their order: from a file's first byte to its place, and to the end of the program.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::sync::PoisonError;
use std::time::{Instant, SystemTime};

use proptest::prelude::*;

use super::*;
use crate::engine::disk::Block;

#[test]
fn a_file_goes_from_its_first_byte_to_its_place() {
    let desk = Desk::new();
    assert_eq!(desk.look(1, desk.any()), Ok(None));
    let part_path = desk.open(1, Open { total: Some(10), ..desk.new_file("f.iso") }).unwrap();
    assert_eq!(part_path, desk.path("f.iso.part"));
    desk.write(1, 5, b"56789");
    desk.write(1, 0, b"01234");
    desk.expect_written(1, 10);
    desk.save(1, Journal { total: Some(10), ..journal("f.iso", &[(0, 10)]) }).unwrap();
    assert_eq!(desk.names(), ["f.iso.part", "f.iso.part.journal"]);
    let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let path = desk.finish(1, Finish { modified: Some(modified), ..complete(10) }).unwrap();
    assert_eq!(path, desk.path("f.iso"));
    assert_eq!(desk.names(), ["f.iso"]);
    assert_eq!(fs::read(&path).unwrap(), b"0123456789");
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), modified);
    assert!(desk.disk.parts.borrow().is_empty(), "a finished part is closed");
}

#[test]
fn an_empty_file_can_be_finished() {
    let desk = Desk::new();
    desk.open(1, Open { total: Some(0), ..desk.new_file("f") }).unwrap();
    assert_eq!(desk.finish(1, complete(0)), Ok(desk.path("f")));
    assert_eq!(fs::metadata(desk.path("f")).unwrap().len(), 0);
}

#[test]
fn writes_may_be_given_before_the_answer_to_open_and_are_done_before_a_save() {
    let desk = Desk::new();
    desk.disk.open(PartId(1), desk.new_file("f"));
    desk.write(1, 0, b"abc");
    desk.write(1, 10, b"def");
    desk.disk.save(PartId(1), journal("f", &[(0, 3), (10, 13)]));
    desk.write(1, 20, b"ghi");
    assert!(matches!(desk.next(), Reply::Opened { .. }));
    let mut seen = Vec::new();
    while seen.len() < 4 {
        match desk.next() {
            Reply::Written { range, .. } => seen.push(range.start),
            Reply::Saved { .. } => seen.push(99),
            other => panic!("{other:?}"),
        }
    }
    // The last write may be done while the save is waited for.
    let saved = seen.iter().position(|at| *at == 99).unwrap();
    assert!(saved >= 2 && seen[..2] == [0, 10], "{seen:?}");
}

#[test]
fn closing_with_a_save_on_its_way_loses_neither_the_save_nor_the_part() {
    let desk = Desk::new();
    let part_path = desk.begin(1, "f", b"0123");
    for round in 1..50 {
        let done = [(0, round % 4 + 1)];
        desk.disk.save(PartId(round), journal("f", &done));
        desk.disk.close(PartId(round));
        desk.disk.look(PartId(round + 1), desk.any());
        assert!(matches!(desk.next(), Reply::Saved { .. }));
        match desk.next() {
            Reply::Looked { found: Some(found), .. } => assert_eq!(found.journal, journal("f", &done)),
            other => panic!("{other:?}"),
        }
        let open = Open { resume: Some(part_path.clone()), ..desk.new_file("f") };
        assert_eq!(desk.open(round + 1, open).unwrap(), part_path);
    }
}

#[test]
fn closing_ends_a_checksum_and_deleting_leaves_nothing() {
    let desk = Desk::new();
    desk.open(1, Open { total: Some(1 << 30), ..desk.new_file("f") }).unwrap();
    // A hole takes long to sum up and no room.
    File::options().write(true).open(desk.path("f.part")).unwrap().set_len(1 << 36).unwrap();
    desk.disk.save(PartId(1), journal("f", &[]));
    let checksum = "md5:00000000000000000000000000000000".parse().ok();
    desk.disk.finish(PartId(1), Finish { checksum, ..complete(1 << 36) });
    assert!(matches!(desk.next(), Reply::Saved { .. }));
    match desk.next() {
        Reply::Verifying { done, .. } => assert!(done > 0 && done < 1 << 36),
        other => panic!("{other:?}"),
    }
    desk.disk.close(PartId(1));
    desk.disk.delete(desk.path("f.part"));
    let look = Look { part_path: Some(desk.path("f.part")), ..desk.any() };
    assert_eq!(desk.look(2, look), Ok(None));
    // The thread that had the file last may be about to remove its journal.
    let end = Instant::now() + PATIENCE;
    while !desk.names().is_empty() {
        assert!(Instant::now() < end, "{:?}", desk.names());
        thread::yield_now();
    }
}

#[test]
fn jobs_after_the_shutdown_do_nothing() {
    let desk = Desk::new();
    desk.begin(1, "f", b"0123");
    desk.write(1, 4, b"4567");
    let block = desk.disk.block(PartId(1), 16).unwrap();
    desk.disk.shutdown();
    assert_eq!(fs::read(desk.path("f.part")).unwrap(), b"01234567", "what was given before is done");
    desk.disk.write(PartId(1), 0, block);
    assert!(desk.disk.block(PartId(1), 16).is_none());
    desk.disk.delete(desk.path("f.part"));
    desk.disk.shutdown();
    assert_eq!(fs::read(desk.path("f.part")).unwrap(), b"01234567");
}

/// The threads that have this name now, some of them perhaps another test's.
fn threads_called(name: &str) -> Vec<PathBuf> {
    let all = fs::read_dir("/proc/self/task").unwrap().map(|thread| thread.unwrap().path());
    let is_called = |thread: &PathBuf| fs::read_to_string(thread.join("comm")).is_ok_and(|comm| comm.starts_with(name));
    all.filter(is_called).collect()
}

/// The policy by which the kernel gives a thread a core (proc_pid_stat(5), field 41); `None` if it has ended.
fn policy(thread: &Path) -> Option<i32> {
    let stat = fs::read_to_string(thread.join("stat")).ok()?;
    // The second field is the name in brackets, which may have spaces.
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(38)?.parse().ok()
}

#[test]
fn threads_of_a_device_do_not_interrupt_who_is_at_work() {
    let desk = Desk::new();
    desk.look(1, desk.any()).unwrap();
    assert_eq!(policy(Path::new("/proc/thread-self")), Some(libc::SCHED_OTHER));
    for name in ["write ", "sync "] {
        let (threads, begin) = (threads_called(name), Instant::now());
        assert!(!threads.is_empty(), "{name}");
        // One that has just been started may not have come so far.
        while threads.iter().filter_map(|thread| policy(thread)).any(|policy| policy != libc::SCHED_BATCH) {
            assert!(begin.elapsed() < PATIENCE, "{name}");
            thread::yield_now();
        }
    }
}

#[test]
fn replies_come_on_the_main_loop_and_the_listener_may_drop_the_disk() {
    let _turn = crate::engine::MAIN_CONTEXT_TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let context = glib::MainContext::default();
    let _held = context.acquire().unwrap();
    let end = Instant::now() + PATIENCE;
    let folder = tempfile::tempdir().unwrap();
    let slot: Rc<RefCell<Option<Rc<DiskThreads>>>> = Rc::default();
    let seen = Rc::new(Cell::new(0));
    let disk = DiskThreads::new({
        let (slot, seen) = (slot.clone(), seen.clone());
        let thread = thread::current().id();
        move |replies| {
            assert_eq!(thread::current().id(), thread);
            seen.set(seen.get() + replies.len());
            slot.take();
        }
    });
    disk.look(PartId(1), any_part(folder.path()));
    slot.replace(Some(disk));
    while seen.get() == 0 && Instant::now() < end {
        context.iteration(false);
        thread::yield_now();
    }
    assert_eq!(seen.get(), 1);
    assert!(slot.borrow().is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever the order and size of the blocks, the file has the bytes that were written last.
    #[test]
    fn the_file_is_what_was_written(
        pieces in prop::collection::vec((0_u64..2, 0_u64..300_000, 0_usize..40_000, any::<bool>()), 1..80),
    ) {
        let desk = Desk::new();
        let mut expected = [Vec::new(), Vec::new()];
        let mut ends = [0_u64; 2];
        let mut written = [0_u64; 2];
        let mut given = [0_u64; 2];
        for part in 0..2 {
            desk.begin(part, "f", b"");
        }
        for (index, (part, at, len, follows)) in pieces.into_iter().enumerate() {
            let which = usize::try_from(part).unwrap();
            let at = if follows { ends[which] } else { at };
            let bytes = vec![u8::try_from(index + 1).unwrap(); len];
            let end = usize::try_from(at).unwrap() + len;
            if len > 0 {
                let file: &mut Vec<u8> = &mut expected[which];
                file.resize(file.len().max(end), 0);
                file[end - len..end].copy_from_slice(&bytes);
            }
            ends[which] = end as u64;
            given[which] += len as u64;
            let mut block = Block::detached(len);
            block.extend(&bytes);
            desk.disk.write(PartId(part), at, block);
        }
        while written != given {
            match desk.next() {
                Reply::Written { part, range } => written[usize::try_from(part.0).unwrap()] += range.len(),
                other => panic!("{other:?}"),
            }
        }
        for (name, expected) in ["f.part", "f (1).part"].into_iter().zip(expected) {
            let file = File::open(desk.path(name)).unwrap();
            let mut found = vec![0; expected.len()];
            file.read_exact_at(&mut found, 0).unwrap();
            prop_assert!(found == expected, "{name} differs");
            prop_assert_eq!(file.metadata().unwrap().len(), expected.len() as u64);
        }
    }
}

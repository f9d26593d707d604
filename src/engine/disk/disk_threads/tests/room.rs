// SPDX-License-Identifier: GPL-3.0-or-later
//! Room: on the device, which may be full, and in memory for what is on its way there.

use std::fs;
use std::os::unix::fs::MetadataExt;

use super::*;

#[test]
fn a_file_that_can_not_fit_is_refused_at_once_with_what_is_missing() {
    let tmpfs = Tmpfs::new("size=1m");
    let desk = tmpfs.desk();
    match desk.open(1, Open { total: Some(3 << 20), ..desk.new_file("f") }) {
        Err(FailureKind::DiskFull { needed: Some(needed) }) => {
            assert!((2 << 20..=3 << 20).contains(&needed), "{needed}");
        }
        other => panic!("{other:?}"),
    }
    assert!(desk.names().is_empty(), "no empty part file is left");
}

#[test]
fn a_file_that_can_not_fit_is_known_before_a_server_is_asked() {
    let tmpfs = Tmpfs::new("size=1m");
    let desk = tmpfs.desk();
    let look = |length| Look { length: Some(length), ..desk.any() };
    assert_eq!(desk.look(1, look(1 << 19)), Ok(None));
    assert!(matches!(desk.look(1, look(3 << 20)), Err(FailureKind::DiskFull { needed: Some(needed) })
        if (2 << 20..3 << 20).contains(&needed)));
    // What its part file has taken is given back or continued, whoever knows of it.
    let (half, whole) = (vec![7; 1 << 19], Some((1 << 20) - (1 << 16)));
    desk.open(2, Open { total: whole, ..desk.new_file("f") }).unwrap();
    desk.write(2, 0, &half[..1 << 18]);
    desk.write(2, 1 << 18, &half[1 << 18..]);
    desk.expect_written(2, 1 << 19);
    desk.disk.close(PartId(2));
    let known = Look { part_path: Some(desk.path("f.part")), length: whole, ..desk.any() };
    assert_eq!(desk.look(3, known), Ok(None));
    assert!(matches!(desk.look(3, Look { length: whole, ..desk.any() }), Err(FailureKind::DiskFull { .. })));
    // A journal knows the length by itself.
    Journal { total: Some(3 << 20), ..journal("f", &[(0, 1 << 19)]) }.write(&desk.path("f.part")).unwrap();
    let later = Desk::in_folder(desk.folder);
    assert!(matches!(later.look(3, later.any()), Err(FailureKind::DiskFull { .. })));
}

#[test]
fn a_full_disk_is_told_once_and_what_was_saved_stays() {
    let tmpfs = Tmpfs::new("size=1m");
    let desk = tmpfs.desk();
    desk.begin(1, "f", &[1; 100_000]);
    desk.save(1, journal("f", &[(0, 100_000)])).unwrap();
    let mut written = 100_000;
    for block in 0..12_u64 {
        desk.write(1, 100_000 + block * 100_000, &[2; 100_000]);
    }
    loop {
        match desk.next() {
            Reply::Written { range, .. } => {
                assert_eq!(range.start, written);
                written = range.end;
            }
            Reply::Failed { failure, .. } => {
                assert_eq!(failure.kind, FailureKind::DiskFull { needed: None });
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    desk.write(1, 0, b"dropped");
    // A journal that is there takes no room to be continued.
    assert_eq!(desk.save(1, journal("f", &[(0, written)])), Ok(()));
    assert!(matches!(desk.finish(1, complete(written)), Err(FailureKind::DiskFull { .. })));
    desk.disk.close(PartId(1));
    assert_eq!(desk.names(), ["f.part", "f.part.journal"]);
    let found = desk.look(2, desk.any()).unwrap().unwrap();
    assert_eq!(found.journal, journal("f", &[(0, written)]));
    assert_eq!(fs::read(&found.part_path).unwrap()[..100_000], [1; 100_000]);

    tmpfs.remount("size=4m");
    desk.open(2, Open { resume: Some(found.part_path), ..desk.new_file("f") }).unwrap();
    desk.write(2, written, &[3; 100_000]);
    desk.expect_written(2, 100_000);
    assert_eq!(desk.save(2, journal("f", &[(0, written + 100_000)])), Ok(()));
}

#[test]
fn a_failed_part_takes_no_room_from_the_others() {
    let tmpfs = Tmpfs::new("size=1m");
    let desk = tmpfs.desk();
    desk.begin(1, "f", b"");
    desk.begin(2, "g", b"");
    let blocks: Vec<_> = std::iter::from_fn(|| desk.disk.block(PartId(1), 256 * 1024)).collect();
    assert!(desk.disk.block(PartId(2), 256 * 1024).is_none());
    for (mut block, index) in blocks.into_iter().zip(0..) {
        block.extend(&[1; 256 * 1024]);
        desk.disk.write(PartId(1), index * 256 * 1024, block);
    }
    // A block that is dropped for the failure is told of like one that is written. Those still on their
    // way may have taken the room again by the time it is heard; who is refused again is told again.
    loop {
        match desk.next() {
            Reply::Written { part: PartId(2), range } if range.is_empty() => {
                if desk.disk.block(PartId(2), 256 * 1024).is_some() {
                    break;
                }
            }
            Reply::Written { .. } | Reply::Failed { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn who_was_refused_a_block_hears_when_there_is_one() {
    let desk = Desk::new();
    desk.begin(1, "f", b"");
    desk.begin(2, "g", b"");
    let blocks: Vec<_> = std::iter::from_fn(|| desk.disk.block(PartId(1), 256 * 1024)).collect();
    assert!(desk.disk.block(PartId(2), 256 * 1024).is_none());
    // Dropped without a write, as by a transfer that ends.
    drop(blocks);
    let mut told = Vec::new();
    for _ in 0..2 {
        match desk.next() {
            Reply::Written { part, range } if range.is_empty() => told.push(part.0),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(told, [1, 2]);
}

#[test]
fn room_is_reserved_and_what_is_not_needed_given_back() {
    // On a real file system; tmpfs is left out on purpose.
    let desk = Desk::in_folder(tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap());
    desk.open(1, Open { total: Some(8 << 20), ..desk.new_file("f") }).unwrap();
    let about = fs::metadata(desk.path("f.part")).unwrap();
    assert_eq!(about.len(), 0, "the length says what was written");
    let reserved = about.blocks() * 512;
    desk.write(1, 0, b"abc");
    desk.expect_written(1, 3);
    assert_eq!(desk.finish(1, complete(3)), Ok(desk.path("f")));
    let about = fs::metadata(desk.path("f")).unwrap();
    assert_eq!(about.len(), 3);
    assert!(about.blocks() * 512 <= 64 * 1024, "{} of {reserved} reserved bytes are left", about.blocks() * 512);
}

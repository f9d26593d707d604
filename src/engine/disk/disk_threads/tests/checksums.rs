// SPDX-License-Identifier: GPL-3.0-or-later
//! Checksums of files and of their pieces, and samples.

use std::fs::File;

use super::*;
use crate::engine::disk::MOST_READ;

#[test]
fn wrong_length_and_wrong_checksum_keep_the_part_file() {
    let desk = Desk::new();
    desk.begin(1, "f", b"abc");
    desk.save(1, journal("f", &[(0, 3)])).unwrap();
    assert_eq!(desk.finish(1, complete(4)), Err(FailureKind::EndedEarly));
    assert_eq!(desk.finish(1, complete(2)), Err(FailureKind::EndedEarly));
    let expected: Checksum = "md5:00000000000000000000000000000000".parse().unwrap();
    let actual = "900150983cd24fb0d6963f7d28e17f72";
    assert_eq!(
        desk.finish(1, Finish { checksum: Some(expected.clone()), ..complete(3) }),
        Err(FailureKind::ChecksumMismatch { expected, actual: actual.into() })
    );
    assert_eq!(desk.names(), ["f.part", "f.part.journal"]);
    let right = format!("md5:{actual}").parse().unwrap();
    assert_eq!(desk.finish(1, Finish { checksum: Some(right), ..complete(3) }), Ok(desk.path("f")));
}

#[test]
fn a_checksum_is_computed_while_the_file_grows_and_right_in_whatever_order_it_is_written() {
    let block = 256 * 1024;
    let bytes: Vec<u8> = (0..40 * block).map(|at| (at / 1000 % 251) as u8).collect();
    let wanted = |bytes: &[u8]| -> Checksum {
        let sum = glib::compute_checksum_for_data(glib::ChecksumType::Sha256, bytes).unwrap();
        format!("sha256:{sum}").parse().unwrap()
    };
    let in_order: Vec<usize> = (0..40).collect();
    let backwards = in_order.iter().rev().copied().collect();
    let by_two = in_order.iter().map(|at| at % 2 * 20 + at / 2).collect();
    // The first block is written twice: wrong before anything could be read of it, or long after.
    let again = in_order.iter().copied().chain([0]).collect();
    for (part, order) in (1..).zip([in_order, backwards, by_two, again]) {
        let desk = Desk::new();
        let right = wanted(&bytes);
        let open = Open { checksum: Some(right.clone()), total: Some(bytes.len() as u64), ..desk.new_file("f") };
        desk.open(part, open).unwrap();
        let is_twice = order.len() > 40;
        for (index, at) in order.into_iter().enumerate() {
            let mut content = bytes[at * block..(at + 1) * block].to_vec();
            if is_twice && index == 0 {
                content.fill(0xee);
            }
            if is_twice && index == 40 {
                // Waits its turn behind the checksum, which has read the first block then.
                desk.disk.check(PartId(part), ByteRange::new(0, 1), right.clone());
                assert!(matches!(desk.next(), Reply::Checked { is_right: false, .. }));
            }
            desk.write(part, (at * block) as u64, &content);
            desk.expect_written(part, block as u64);
        }
        let mut other = bytes.clone();
        other[7] ^= 1;
        let wrong = Finish { checksum: Some(wanted(&other)), ..complete(bytes.len() as u64) };
        match desk.finish(part, wrong) {
            Err(FailureKind::ChecksumMismatch { actual, .. }) => assert_eq!(actual, right.hex),
            other => panic!("{other:?}"),
        }
        let finish = Finish { checksum: Some(right), ..complete(bytes.len() as u64) };
        assert_eq!(desk.finish(part, finish), Ok(desk.path("f")), "order {part}");
    }
}

#[test]
fn a_continued_file_is_summed_up_from_its_begin() {
    let desk = Desk::new();
    let bytes = vec![3; 20 << 20];
    desk.begin(1, "f", b"");
    for (index, chunk) in bytes[..16 << 20].chunks(256 << 10).enumerate() {
        desk.write(1, (index as u64) << 18, chunk);
        desk.expect_written(1, chunk.len() as u64);
    }
    desk.save(1, journal("f", &[(0, 16 << 20)])).unwrap();
    desk.disk.close(PartId(1));
    desk.look(2, desk.any()).unwrap();
    let sum = glib::compute_checksum_for_data(glib::ChecksumType::Sha1, &bytes).unwrap();
    let checksum: Option<Checksum> = format!("sha1:{sum}").parse().ok();
    let resume = Some(desk.path("f.part"));
    desk.open(2, Open { resume, checksum: checksum.clone(), ..desk.new_file("f") }).unwrap();
    for (index, chunk) in bytes[16 << 20..].chunks(256 << 10).enumerate() {
        desk.write(2, (16 << 20) + ((index as u64) << 18), chunk);
        desk.expect_written(2, chunk.len() as u64);
    }
    assert_eq!(desk.finish(2, Finish { checksum, ..complete(20 << 20) }), Ok(desk.path("f")));
}

#[test]
fn a_sample_does_not_wait_for_the_checksum_of_another_file() {
    let desk = Desk::new();
    desk.begin(1, "long", b"abc");
    desk.begin(2, "short", b"abc");
    File::options().write(true).open(desk.path("long.part")).unwrap().set_len(1 << 40).unwrap();
    let wanted: Checksum = "md5:900150983cd24fb0d6963f7d28e17f72".parse().unwrap();
    desk.disk.check(PartId(1), ByteRange::new(0, 1 << 40), wanted.clone());
    desk.disk.check(PartId(2), ByteRange::new(0, 3), wanted);
    desk.disk.read(PartId(2), ByteRange::new(0, 3));
    assert!(matches!(desk.next(), Reply::Checked { part: PartId(2), is_right: true, .. }));
    assert!(matches!(desk.next(), Reply::Read { part: PartId(2), .. }));
}

#[test]
fn pieces_are_checked_and_samples_read_as_they_were_written() {
    let desk = Desk::new();
    desk.disk.open(PartId(1), desk.new_file("f"));
    desk.write(1, 0, b"xxabcxx");
    // Not waited for: what was given before is written before.
    let right: Checksum = "md5:900150983cd24fb0d6963f7d28e17f72".parse().unwrap();
    desk.disk.check(PartId(1), ByteRange::new(2, 5), right.clone());
    desk.disk.check(PartId(1), ByteRange::new(2, 6), right.clone());
    desk.disk.read(PartId(1), ByteRange::new(1, 4));
    desk.disk.check(PartId(1), ByteRange::new(5, 8), right);
    desk.disk.read(PartId(1), ByteRange::new(5, 8));
    let mut told = Vec::new();
    while told.len() < 5 {
        match desk.next() {
            Reply::Checked { range, is_right, .. } => told.push(format!("{range} {is_right}")),
            Reply::Read { range, bytes, .. } => told.push(format!("{range} {}", String::from_utf8(bytes).unwrap())),
            Reply::Failed { failure, .. } => told.push(format!("{:?}", failure.kind)),
            Reply::Opened { .. } | Reply::Written { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(told, ["2..5 true", "2..6 false", "1..4 xab", "EndedEarly", "EndedEarly"]);
}

#[test]
fn a_sample_is_no_larger_than_a_sample_may_be() {
    let desk = Desk::new();
    desk.begin(1, "f", &[7; 3 * MOST_READ]);
    let range = ByteRange::new(10, 10 + 2 * MOST_READ as u64);
    desk.disk.read(PartId(1), range);
    match desk.next() {
        Reply::Read { range: of, bytes, .. } => assert_eq!((of, bytes), (range, vec![7; MOST_READ])),
        other => panic!("{other:?}"),
    }
}

#[test]
fn after_a_failed_write_nothing_is_said_to_be_right() {
    let tmpfs = Tmpfs::new("size=1m");
    let desk = tmpfs.desk();
    desk.begin(1, "f", b"abc");
    for block in 0..6_u64 {
        desk.write(1, block << 18, &[2; 1 << 18]);
    }
    while !matches!(desk.next(), Reply::Failed { .. }) {}
    let wanted = "md5:900150983cd24fb0d6963f7d28e17f72".parse().unwrap();
    desk.disk.check(PartId(1), ByteRange::new(0, 3), wanted);
    desk.disk.read(PartId(1), ByteRange::new(0, 3));
    for _ in 0..2 {
        match desk.next() {
            Reply::Failed { failure, .. } => assert_eq!(failure.kind, FailureKind::DiskFull { needed: None }),
            other => panic!("{other:?}"),
        }
    }
}

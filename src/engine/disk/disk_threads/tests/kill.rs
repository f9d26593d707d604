// SPDX-License-Identifier: GPL-3.0-or-later
//! What a process that is killed with SIGKILL leaves behind: all that it wrote is claimed, and
//! nothing else. The process is this test program once more.

use std::collections::VecDeque;
use std::env;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{Desk, journal};
use crate::engine::disk::journal::Journal;
use crate::engine::disk::{Disk, Look, Open, Reply};
use crate::engine::download::spec::OnExists;
use crate::engine::error::FailureKind;
use crate::engine::plan::ranges::RangeSet;
use crate::engine::types::{ByteRange, PartId};

const PART: PartId = PartId(1);
const BLOCK: u64 = 128 * 1024;
const STREAMS: u64 = 16;
/// Names the folder for the process that is to be killed.
const FOLDER: &str = "FRESHET_TEST_KILLED_IN";
/// So many bytes a second; without it as many as the disk takes.
const RATE: &str = "FRESHET_TEST_RATE";
const TOTAL: &str = "FRESHET_TEST_TOTAL";

fn number(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

/// Different for each block, and never zero.
fn content(block: u64) -> Vec<u8> {
    vec![u8::try_from(block % 255 + 1).unwrap(); usize::try_from(BLOCK).unwrap()]
}

/// Downloads, so to speak, by 16 connections, and saves as the engine does, but more often.
#[test]
#[ignore = "started by the test that kills it"]
fn the_one_that_is_killed() {
    let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else { return };
    let total = number(TOTAL).unwrap();
    let desk = Desk::new();
    let look = Look { folder: folder.clone(), ..desk.any() };
    let mut begun = Journal { total: Some(total), ..journal("f", &[]) };
    let mut open = Open {
        folder,
        resume: None,
        name: "f".into(),
        on_exists: OnExists::Rename,
        total: Some(total),
        checksum: None,
        journal: Some(Box::new(begun.clone())),
    };
    if let Some(found) = desk.look(1, look).unwrap() {
        begun = found.journal;
        open.resume = Some(found.part_path);
    }
    let mut done: RangeSet = begun.done.iter().copied().collect();
    desk.disk.open(PART, open);
    let stream = total / STREAMS / BLOCK;
    let missing =
        |block: &u64| !done.gaps(total).all(|gap| gap.end <= block * BLOCK || gap.start >= (block + 1) * BLOCK);
    let order = (0..stream).flat_map(|at| (0..STREAMS).map(move |of| of * stream + at));
    let mut blocks: VecDeque<u64> = order.filter(missing).collect();
    let (begin, mut given, mut saved_at) = (Instant::now(), 0, Instant::now());
    while done.bytes() < total {
        let is_due = number(RATE).is_none_or(|rate| given < rate * begin.elapsed().as_millis() as u64 / 1000);
        match blocks.front().filter(|_| is_due).and_then(|_| desk.disk.block(PART, BLOCK as usize)) {
            Some(mut room) => {
                let block = blocks.pop_front().unwrap();
                room.extend(&content(block));
                desk.disk.write(PART, block * BLOCK, room);
                given += BLOCK;
            }
            None => thread::sleep(Duration::from_millis(1)),
        }
        desk.disk.deliver();
        for reply in desk.replies.borrow_mut().drain(..) {
            match reply {
                Reply::Written { range, .. } => done.insert(range),
                Reply::Opened { .. } | Reply::Saved { .. } => {}
                other => panic!("{other:?}"),
            }
        }
        if saved_at.elapsed() > Duration::from_millis(if number(RATE).is_some() { 1000 } else { 20 }) {
            saved_at = Instant::now();
            desk.disk.save(PART, Journal { done: done.to_vec(), ..begun.clone() });
        }
    }
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(folder: &Path, total: u64) -> Killed {
    let mut command = program(folder, total);
    Killed(command.spawn().unwrap())
}

fn program(folder: &Path, total: u64) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "engine::disk::disk_threads::tests::kill::the_one_that_is_killed"]);
    command.env(FOLDER, folder).env(TOTAL, total.to_string()).stdout(Stdio::null());
    command
}

fn wait_for_journal(part: &Path) {
    let end = Instant::now() + Duration::from_secs(20);
    while !Journal::path_of(part).exists() {
        assert!(Instant::now() < end, "no journal is written");
        thread::sleep(Duration::from_millis(1));
    }
}

/// The bytes that are in the part file, in whole blocks or the begin of one.
fn written(part: &Path, total: u64) -> RangeSet {
    let file = File::open(part).unwrap();
    let mut found = vec![0; usize::try_from(BLOCK).unwrap()];
    let mut set = RangeSet::default();
    for block in 0..total / BLOCK {
        let read = file.read_at(&mut found, block * BLOCK).unwrap();
        let wanted = content(block);
        let right = if found[..read] == wanted[..read] {
            read
        } else {
            wanted.iter().zip(&found[..read]).take_while(|(wanted, found)| wanted == found).count()
        };
        set.insert(ByteRange::new(block * BLOCK, block * BLOCK + right as u64));
    }
    set
}

#[test]
fn what_a_killed_process_had_written_is_claimed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let part = folder.path().join("f.part");
    let total = number(TOTAL).unwrap_or(128 << 20);
    let mut before = 0;
    for round in 0..6_u64 {
        let killed = start(folder.path(), total);
        wait_for_journal(&part);
        let end = Instant::now() + Duration::from_secs(20);
        let claimed = || Journal::read(&part).unwrap().done.iter().map(ByteRange::len).sum::<u64>();
        while claimed() == before {
            assert!(Instant::now() < end, "nothing more is written");
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(if number(RATE).is_some() {
            Duration::from_secs(3)
        } else {
            Duration::from_millis(37 * round + 20)
        });
        drop(killed);
        let claimed: RangeSet = Journal::read(&part).unwrap().done.into_iter().collect();
        let written = written(&part, total);
        let known = written.iter().chain(claimed.iter()).collect::<RangeSet>();
        assert_eq!(known.bytes(), written.bytes(), "nothing is claimed that is not there");
        let again = written.bytes() - claimed.bytes();
        eprintln!("round {round}: {} of {total} bytes written, {again} of them not claimed", written.bytes());
        // At most one write is between the data and its line.
        assert!(again <= 1 << 20, "{again} bytes would be fetched again");
        assert!(claimed.bytes() >= before);
        before = claimed.bytes();
        if before == total {
            break;
        }
    }
    assert!(before > 0);
    fs::remove_file(part).unwrap();
}

#[test]
fn the_part_file_of_another_process_is_left_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let part = folder.path().join("f.part");
    let total = 16 << 20;
    let other = Killed(program(folder.path(), total).env(RATE, "100000").spawn().unwrap());
    wait_for_journal(&part);
    let desk = Desk::new();
    let look = Look { folder: folder.path().into(), ..desk.any() };
    desk.disk.look(PART, look.clone());
    match desk.next() {
        Reply::Failed { failure, .. } => {
            assert_eq!(failure.kind, FailureKind::PartInUse);
            assert_eq!(failure.detail, format!("{} is locked by another process", part.display()));
        }
        other => panic!("{other:?}"),
    }
    drop(other);
    assert!(desk.look(2, look).unwrap().is_some(), "the lock ends with its process");
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! The thread of a device that opens part files and writes to them, in the order it is told. What
//! has to wait for the device itself (sync, checksum) it hands on to `syncer.rs`, so that writes go
//! on meanwhile.

use std::collections::{HashMap, VecDeque};
use std::io::IoSlice;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::carry::Carrying;
use super::folder::{Folders, locked};
use super::job::{Job, LONG};
use super::mailbox::{LATE, Mailbox};
use super::part_file::PartFile;
use super::place;
use super::sum::Sum;
use super::syncer::{Finishing, SyncJob};
use super::turns::Turns;
use super::{Block, Carry, Finish, Journal, Look, MOST_READ, Open, Reply};
use crate::engine::download::spec::Checksum;
use crate::engine::error::Failure;
use crate::engine::types::{ByteRange, IdMap, PartId};

/// Blocks that follow each other in a part file are written with one call, up to this.
const MOST_BLOCKS: usize = 16;
const MOST_BYTES: u64 = 1024 * 1024;
/// For so long blocks are let gather...
const NAP: Duration = Duration::from_millis(4);
/// ...unless there is always something to do within this time: at full speed they fill the pool.
const FULL_REST: Duration = Duration::from_micros(500);
/// How far ahead jobs are searched for such blocks.
const WINDOW: usize = 64;

/// For so many folders that files are taken to threads are kept.
const MOST_CARRIERS: usize = 8;

/// So many files are handed on to be moved into place together.
const MOST_FINISHING: usize = 16;

/// The state of the thread.
#[derive(Debug)]
pub struct Writer {
    /// What comes together is received together: to be woken costs more than most jobs.
    jobs: Receiver<Vec<Job>>,
    /// Jobs that were received, and not begun.
    queue: VecDeque<Job>,
    parts: IdMap<PartId, Part>,
    /// Closed here, while the syncer may still be at work on them.
    closing: HashMap<PathBuf, Weak<PartFile>>,
    /// The last job was a full block that nothing waits for.
    is_in_no_hurry: bool,
    /// When there was nothing to do the last time.
    rested_at: Instant,
    /// The blocks of the write at hand; kept for its allocation.
    run: Vec<Block>,
    folders: Arc<Mutex<Folders>>,
    /// The last folder in which no file can be without a name.
    named_only: Option<PathBuf>,
    syncer: Sender<Vec<SyncJob>>,
    /// Something may lie in the mailbox that nobody was woken for.
    has_told_ahead: bool,
    /// Files on their way to the syncer, which is woken for several small ones together.
    finishing: Vec<SyncJob>,
    verifier: Arc<Turns>,
    /// By the folder to which they take part files, with what they know of it.
    carriers: HashMap<PathBuf, (Turns, Arc<Mutex<Folders>>)>,
    mailbox: Arc<Mailbox>,
}

/// A part that was opened.
#[derive(Debug)]
struct Part {
    file: Arc<PartFile>,
    is_ended: Arc<AtomicBool>,
    /// A write failed: there may be a hole in what was written since.
    failed: Option<Failure>,
}

impl Writer {
    pub fn new(
        jobs: Receiver<Vec<Job>>,
        folders: Arc<Mutex<Folders>>,
        syncer: Sender<Vec<SyncJob>>,
        verifier: Arc<Turns>,
        mailbox: Arc<Mailbox>,
    ) -> Self {
        Self {
            jobs,
            queue: VecDeque::new(),
            parts: IdMap::default(),
            closing: HashMap::new(),
            is_in_no_hurry: false,
            rested_at: Instant::now(),
            run: Vec::with_capacity(MOST_BLOCKS),
            folders,
            named_only: None,
            syncer,
            has_told_ahead: false,
            finishing: Vec::new(),
            verifier,
            carriers: HashMap::new(),
            mailbox,
        }
    }

    /// Does jobs until told to stop.
    pub fn run(mut self) {
        while let Some(job) = self.next() {
            self.is_in_no_hurry = false;
            match job {
                Job::Look { part, look } => self.look(part, look),
                Job::Open { part, open, is_ended } => self.open(part, &open, is_ended),
                Job::Write { part, offset, block } => self.write(part, offset, block),
                Job::Save { part, journal, told } => self.save(part, journal, told),
                Job::Check { part, range, wanted, is_ended } => self.check(part, range, wanted, is_ended),
                Job::Read { part, range, is_ended } => self.read(part, range, is_ended),
                Job::Finish { part, finish, is_ended } => self.finish(part, finish, is_ended),
                Job::Close { part } => self.close(part),
                Job::Carry { part, carry, is_ended } => self.carry(part, carry, is_ended),
                Job::Delete { part_path } => self.delete(part_path),
                Job::Stop => {
                    self.hand_on(SyncJob::Stop);
                    return;
                }
            }
        }
    }

    /// The next job. Blocks that nothing waits for are let gather, so that a transfer that fills a few
    /// a millisecond does not wake this thread for each of them.
    fn next(&mut self) -> Option<Job> {
        if self.queue.is_empty() {
            self.receive();
        }
        if let Some(job) = self.queue.pop_front() {
            if self.finishing.len() >= MOST_FINISHING || job.is_long() {
                self.hand_on_finishing();
            }
            return Some(job);
        }
        self.hand_on_finishing();
        if self.is_in_no_hurry {
            let now = Instant::now();
            let is_slow = now.duration_since(self.rested_at) >= FULL_REST;
            self.rested_at = now;
            if is_slow {
                // Ended early by who gives a job that something waits for.
                thread::park_timeout(NAP);
            }
        }
        while self.queue.is_empty() {
            let jobs = self.wait()?;
            self.queue.extend(jobs);
        }
        self.queue.pop_front()
    }

    /// The next jobs, when there are some.
    fn wait(&mut self) -> Option<Vec<Job>> {
        if self.has_told_ahead {
            match self.jobs.recv_timeout(LATE) {
                Err(RecvTimeoutError::Timeout) => {
                    self.mailbox.tell_rest();
                    self.has_told_ahead = false;
                }
                jobs => return jobs.ok(),
            }
        }
        self.jobs.recv().ok()
    }

    /// See [`Mailbox::post_ahead`].
    fn tell_ahead(&mut self, reply: Reply) {
        self.has_told_ahead = true;
        self.mailbox.post_ahead(reply);
    }

    /// Takes in jobs that are here; `false` if there are none.
    fn receive(&mut self) -> bool {
        let jobs = self.jobs.try_recv();
        let is_any = jobs.is_ok();
        self.queue.extend(jobs.into_iter().flatten());
        is_any
    }

    fn hand_on_finishing(&mut self) {
        let jobs = std::mem::take(&mut self.finishing);
        if !jobs.is_empty() && self.syncer.send(jobs).is_err() {
            tracing::error!("the syncing thread of a device is gone");
        }
    }

    fn hand_on(&mut self, job: SyncJob) {
        self.finishing.push(job);
        self.hand_on_finishing();
    }

    fn fail(&self, part: PartId, failure: Failure) {
        self.mailbox.post(Reply::Failed { part, failure });
    }

    fn look(&mut self, part: PartId, look: Look) {
        // A journal may still be on its way, and the file locked until it is there.
        let is_closing = self.is_any_closing(|path| match &look.part_path {
            Some(wanted) => path == wanted,
            None => path.parent() == Some(&look.folder),
        });
        if is_closing {
            self.hand_on(SyncJob::Look { part, look });
        } else {
            look_now(&self.folders, &self.mailbox, part, &look);
        }
    }

    fn open(&mut self, part: PartId, open: &Open, is_ended: Arc<AtomicBool>) {
        let opened = match &open.resume {
            Some(path) => PartFile::resume(path, open),
            None => self.nameless(part, open).map_or_else(|| PartFile::create(open, &self.folders), Ok),
        };
        match opened {
            Ok(file) => {
                if let (None, Some(journal)) = (&open.resume, &open.journal) {
                    locked(&self.folders).wrote(file.path(), &journal.url);
                }
                let reply = Reply::Opened { part, part_path: file.path().to_owned(), reach: file.reach() };
                match open.is_small() {
                    // It has no path yet, and comes to its end before anybody needs one.
                    true if file.is_nameless() => {}
                    // Whatever becomes of it next is told with this.
                    true => self.tell_ahead(reply),
                    false => self.mailbox.post(reply),
                }
                let file = Arc::new(file);
                if open.resume.is_some() {
                    self.hand_on(SyncJob::TakeOver { part, file: file.clone() });
                }
                self.follow(&file, &is_ended, ByteRange::new(0, 0));
                self.parts.insert(part, Part { file, is_ended, failed: None });
            }
            Err(failure) => self.fail(part, failure),
        }
    }

    /// A file without a name, where the next jobs of a new small one are to write all of it and to finish it.
    fn nameless(&mut self, part: PartId, open: &Open) -> Option<PartFile> {
        if !open.may_be_nameless() || self.named_only.as_ref() == Some(&open.folder) {
            return None;
        }
        while self.queue.len() < WINDOW && self.receive() {}
        let mut next = self.queue.iter().take(WINDOW).filter(|job| job.is_about(part));
        let (Some(Job::Write { offset: 0, block, .. }), Some(Job::Finish { finish, .. })) = (next.next(), next.next())
        else {
            return None;
        };
        if block.bytes().len() as u64 != finish.total || finish.checksum.is_some() {
            return None;
        }
        let file = PartFile::nameless(open);
        if file.is_none() {
            self.named_only = Some(open.folder.clone());
        }
        file
    }

    /// Writes a block and those of the jobs ahead that continue it.
    fn write(&mut self, part: PartId, offset: u64, block: Block) {
        let range = self.gather(part, offset, block);
        let Some(Part { file, is_ended, failed }) = self.parts.get_mut(&part).filter(|part| part.failed.is_none())
        else {
            self.run.clear();
            return;
        };
        let mut slices = [IoSlice::new(&[]); MOST_BLOCKS];
        let filled = self.run.iter().filter(|block| !block.bytes().is_empty());
        let mut used = 0;
        for (slice, block) in slices.iter_mut().zip(filled) {
            *slice = IoSlice::new(block.bytes());
            used += 1;
        }
        let written = file.write(range.start, slices.get_mut(..used).unwrap_or_default());
        let is_awaited = self.run.iter().any(Block::is_awaited);
        self.is_in_no_hurry = !is_awaited && range.len() >= LONG;
        // Given back first, so that there is room for whoever hears that this is written.
        self.run.clear();
        match written {
            Ok(()) => {
                let (file, is_ended) = (file.clone(), is_ended.clone());
                let reply = Reply::Written { part, range };
                // That it is in its place is told next.
                let next = self.queue.iter().take(WINDOW).find(|job| job.is_about(part));
                let is_last = matches!(next, Some(Job::Finish { .. }));
                match (is_last, is_awaited) {
                    (true, _) if file.is_nameless() => {}
                    (true, _) => self.tell_ahead(reply),
                    (false, true) => self.mailbox.post(reply),
                    (false, false) => self.mailbox.post_late(reply),
                }
                self.follow(&file, &is_ended, range);
            }
            Err(failure) => {
                *failed = Some(failure.clone());
                self.fail(part, failure);
            }
        }
    }

    /// Fills `run` with a block and the blocks that follow it in the file; answers where they go.
    fn gather(&mut self, part: PartId, offset: u64, block: Block) -> ByteRange {
        let mut end = offset.saturating_add(block.bytes().len() as u64);
        self.run.push(block);
        while self.queue.len() < WINDOW && self.receive() {}
        // A block may be taken out of its turn only if nothing else for the part that it would
        // overtake depends on the order.
        let mut overtaken: Vec<ByteRange> = Vec::new();
        let mut at = 0;
        while self.run.len() < MOST_BLOCKS && end - offset < MOST_BYTES {
            let next = match self.queue.get(at) {
                Some(Job::Write { part: of, offset, block }) if *of == part => {
                    ByteRange::new(*offset, offset.saturating_add(block.bytes().len() as u64))
                }
                Some(job) if job.is_about(part) => break,
                Some(_) => {
                    at += 1;
                    continue;
                }
                None => break,
            };
            let overlaps = overtaken.iter().any(|range| range.overlaps(&next));
            if next.start != end || overlaps {
                overtaken.push(next);
                at += 1;
            } else if let Some(Job::Write { block, .. }) = self.queue.remove(at) {
                end = next.end;
                self.run.push(block);
            }
        }
        ByteRange::new(offset, end)
    }

    fn save(&mut self, part: PartId, journal: Journal, told: u64) {
        // Also after a failed write: what was written before it can be kept.
        if let Some(Part { file, .. }) = self.parts.get(&part) {
            self.hand_on(SyncJob::Save { part, file: file.clone(), journal, told });
        }
    }

    /// Has a checksum computed on as far as the file has grown.
    fn follow(&self, file: &Arc<PartFile>, is_ended: &Arc<AtomicBool>, range: ByteRange) {
        if file.follower().is_some_and(|follower| follower.wrote(range)) {
            // As long as it waits for its turn it keeps no file open, nor locked, that is closed meanwhile.
            let (file, is_ended) = (Arc::downgrade(file), is_ended.clone());
            let turn = move |buffer: &mut [u8]| {
                let Some(file) = file.upgrade() else { return false };
                let follower = file.follower().filter(|_| !is_ended.load(Ordering::Relaxed));
                follower.is_some_and(|follower| follower.turn(file.file(), buffer))
            };
            if let Err(error) = self.verifier.run(turn) {
                tracing::warn!("the checksum is computed at the end: {error}");
            }
        }
    }

    fn check(&self, part: PartId, range: ByteRange, wanted: Checksum, is_ended: Arc<AtomicBool>) {
        let mut sum = None;
        self.inspect(part, is_ended, move |file, buffer| {
            let advanced = sum.take().map_or_else(|| Sum::new(wanted.algorithm, range), Ok).and_then(|mut sum| {
                sum.advance(file.file(), range.end, buffer)?;
                Ok(sum)
            });
            match advanced {
                Ok(at_work) if at_work.is_complete() => {
                    Some(Reply::Checked { part, range, is_right: at_work.finish() == wanted.hex })
                }
                Ok(at_work) => {
                    sum = Some(at_work);
                    None
                }
                Err(error) => Some(Reply::Failed { part, failure: file.read_failure(&error) }),
            }
        });
    }

    fn read(&self, part: PartId, range: ByteRange, is_ended: Arc<AtomicBool>) {
        self.inspect(part, is_ended, move |file, _| {
            let length = usize::try_from(range.len()).unwrap_or(MOST_READ).min(MOST_READ);
            let mut bytes = vec![0; length];
            Some(match file.file().read_exact_at(&mut bytes, range.start) {
                Ok(()) => Reply::Read { part, range, bytes },
                Err(error) => Reply::Failed { part, failure: file.read_failure(&error) },
            })
        });
    }

    /// Has what was written looked at on the verifying thread, turn by turn until there is a reply.
    fn inspect(
        &self,
        part: PartId,
        is_ended: Arc<AtomicBool>,
        mut look: impl FnMut(&PartFile, &mut [u8]) -> Option<Reply> + Send + 'static,
    ) {
        match self.parts.get(&part) {
            Some(Part { file, failed: None, .. }) => {
                let (file, mailbox) = (Arc::downgrade(file), self.mailbox.clone());
                let turn = move |buffer: &mut [u8]| {
                    let Some(file) = file.upgrade().filter(|_| !is_ended.load(Ordering::Relaxed)) else { return false };
                    look(&file, buffer).map(|reply| mailbox.post(reply)).is_none()
                };
                if let Err(error) = self.verifier.run(turn) {
                    self.fail(part, Failure::from_io(&error, "cannot start the verifying thread"));
                }
            }
            Some(Part { failed: Some(failure), .. }) => self.fail(part, failure.clone()),
            None => {}
        }
    }

    fn carry(&mut self, part: PartId, carry: Carry, is_ended: Arc<AtomicBool>) {
        locked(&self.folders).removed(&carry.part_path);
        if !self.carriers.contains_key(&carry.folder) && self.carriers.len() >= MOST_CARRIERS {
            // Each does to its end what it was given.
            self.carriers.clear();
        }
        let closing = self.closing.get(&carry.part_path).cloned().unwrap_or_default();
        let begin = || (Turns::new("carry"), Arc::default());
        let (carrier, folders) = self.carriers.entry(carry.folder.clone()).or_insert_with(begin);
        let (mailbox, mut carrying) = (self.mailbox.clone(), Carrying::new(part, carry, closing, folders.clone()));
        if let Err(error) = carrier.run(move |buffer| carrying.turn(buffer, &is_ended, &mailbox)) {
            self.fail(part, Failure::from_io(&error, "cannot start the thread that takes files elsewhere"));
        }
    }

    fn finish(&mut self, part: PartId, finish: Finish, is_ended: Arc<AtomicBool>) {
        match self.parts.get(&part) {
            Some(Part { file, failed: None, .. }) => {
                let finishing = Finishing { part, file: file.clone(), finish, is_ended };
                self.finishing.push(SyncJob::Finish(finishing));
            }
            Some(Part { failed: Some(failure), .. }) => self.fail(part, failure.clone()),
            None => {}
        }
    }

    fn close(&mut self, part: PartId) {
        if let Some(Part { file, .. }) = self.parts.remove(&part)
            && Arc::strong_count(&file) > 1
        {
            self.closing.retain(|_, file| file.strong_count() > 0);
            self.closing.insert(file.path().to_owned(), Arc::downgrade(&file));
        }
    }

    fn delete(&mut self, part_path: PathBuf) {
        // A save on its way would bring the journal back.
        if self.is_any_closing(|path| *path == part_path) {
            self.hand_on(SyncJob::Delete { part_path });
        } else {
            delete_now(&self.folders, &part_path);
        }
    }

    fn is_any_closing(&self, is_meant: impl Fn(&PathBuf) -> bool) -> bool {
        self.closing.iter().any(|(path, file)| file.strong_count() > 0 && is_meant(path))
    }
}

/// Looks and answers.
pub fn look_now(folders: &Mutex<Folders>, mailbox: &Mailbox, part: PartId, look: &Look) {
    let looked = locked(folders).look(look);
    mailbox.post(match looked {
        Ok(found) => Reply::Looked { part, found },
        Err(failure) => Reply::Failed { part, failure },
    });
}

/// Deletes a part file that nobody has open.
pub fn delete_now(folders: &Mutex<Folders>, part_path: &std::path::Path) {
    if place::delete(part_path) {
        locked(folders).deleted(part_path);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::engine::disk::disk_threads::tests::new_file;

    /// Has a writer do these writes, all of which wait when it begins; answers the file and the
    /// ranges that were written with one call each.
    fn write_all(writes: &[(u64, &[u8])]) -> (Vec<u8>, Vec<(u64, u64)>) {
        let folder = tempfile::tempdir().unwrap();
        let part = PartId(1);
        let (give, jobs) = mpsc::channel();
        let open = new_file(folder.path(), "f");
        give.send(vec![Job::Open { part, open, is_ended: Arc::default() }]).unwrap();
        for (offset, bytes) in writes {
            let mut block = Block::detached(bytes.len());
            block.extend(bytes);
            // Another part's job is in nobody's way.
            let jobs = [Job::Write { part, offset: *offset, block }, Job::Close { part: PartId(2) }];
            give.send(jobs.into()).unwrap();
        }
        give.send(vec![Job::Stop]).unwrap();
        let mailbox = Arc::new(Mailbox::new(|_| {}));
        let (syncer, _sync_jobs) = mpsc::channel();
        Writer::new(jobs, Arc::default(), syncer, Arc::new(Turns::new("verify")), mailbox.clone()).run();
        let written = mailbox.take().into_iter().filter_map(|reply| match reply {
            Reply::Written { range, .. } => Some((range.start, range.end)),
            _ => None,
        });
        (std::fs::read(folder.path().join("f.part")).unwrap(), written.collect())
    }

    #[test]
    fn blocks_that_follow_each_other_are_written_together_whatever_lies_between() {
        let (file, written) = write_all(&[(0, b"ab"), (10, b"xy"), (2, b"cd"), (12, b"z"), (4, b"ef")]);
        assert_eq!(file, b"abcdef\0\0\0\0xyz");
        assert_eq!(written, [(0, 6), (10, 13)]);
    }

    #[test]
    fn a_block_overtakes_no_other_that_wants_the_same_bytes() {
        let (file, written) = write_all(&[(0, b"aaaa"), (3, b"bbbb"), (4, b"cccc")]);
        assert_eq!(file, b"aaabcccc");
        assert_eq!(written, [(0, 4), (3, 7), (4, 8)]);
    }

    #[test]
    fn more_than_fits_into_one_write_is_written_by_several() {
        let block = vec![7; 256 * 1024];
        let writes: Vec<_> = (0..6).map(|index| (index * 256 * 1024, block.as_slice())).collect();
        let (file, written) = write_all(&writes);
        assert_eq!(file.len(), 6 * 256 * 1024);
        // The replies are told as one, because nothing comes between them.
        assert_eq!(written, [(0, 6 * 256 * 1024)]);
        let small: Vec<_> = (0..100).map(|index| (index, &b"s"[..])).collect();
        assert_eq!(write_all(&small), (vec![b's'; 100], vec![(0, 100)]));
    }
}

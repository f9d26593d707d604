// SPDX-License-Identifier: GPL-3.0-or-later
//! The thread of a device that waits until bytes are durable: it saves journals and moves finished
//! files into place. It gets its jobs from `writer.rs`, behind the writes they depend on.

use std::collections::VecDeque;
use std::io;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::folder::{Folders, locked};
use super::mailbox::Mailbox;
use super::part_file::{self, PartFile};
use super::place;
use super::sum::Sum;
use super::turns::Turns;
use super::writer::{delete_now, look_now};
use super::{Finish, Journal, Look, Reply};
use crate::engine::download::spec::{Algorithm, Checksum};
use crate::engine::error::{Failure, FailureKind};
use crate::engine::types::{ByteRange, PartId};

/// How many files are moved into place before their folder is synced for all of them.
const MOST_PLACED: usize = 64;
/// So many are made durable together...
const MOST_TOGETHER: usize = 16;
/// ...by so many threads, where that took longer than this the last time: on tmpfs it takes no time.
const THREADS: usize = 4;
const SLOW: Duration = Duration::from_millis(1);
/// How often the progress of a checksum is told.
const PROGRESS: Duration = Duration::from_millis(200);

/// A job for the syncer.
#[derive(Debug)]
pub enum SyncJob {
    /// Continue the journal of an earlier process.
    TakeOver {
        part: PartId,
        file: Arc<PartFile>,
    },
    Save {
        part: PartId,
        file: Arc<PartFile>,
        journal: Journal,
        /// How many of the bytes that were written had been told of when it was made.
        told: u64,
    },
    Finish(Finishing),
    /// The checksum is the wanted one, or it is not.
    Verified {
        finishing: Finishing,
        result: Result<(), Failure>,
    },
    /// A look that has to wait for the saves before it.
    Look {
        part: PartId,
        look: Look,
    },
    Delete {
        part_path: PathBuf,
    },
    Stop,
}

/// A part file on its way to its place.
#[derive(Clone, Debug)]
pub struct Finishing {
    pub part: PartId,
    pub file: Arc<PartFile>,
    pub finish: Finish,
    pub is_ended: Arc<AtomicBool>,
}

/// The state of the thread.
#[derive(Debug)]
pub struct Syncer {
    jobs: Receiver<Vec<SyncJob>>,
    /// For the results of the verifier.
    own_jobs: Sender<Vec<SyncJob>>,
    verifier: Arc<Turns>,
    /// Jobs that were received, and not begun.
    queue: VecDeque<SyncJob>,
    /// To sync a file takes so long here that several are synced at a time.
    is_slow: bool,
    /// In place, but not yet durably so.
    placed: Vec<(Finishing, PathBuf)>,
    /// Makes the entries of the folder of a path durable; another one in tests.
    sync_folder: fn(&Path) -> io::Result<()>,
    folders: Arc<Mutex<Folders>>,
    mailbox: Arc<Mailbox>,
}

impl Syncer {
    pub fn new(
        jobs: Receiver<Vec<SyncJob>>,
        own_jobs: Sender<Vec<SyncJob>>,
        verifier: Arc<Turns>,
        folders: Arc<Mutex<Folders>>,
        mailbox: Arc<Mailbox>,
    ) -> Self {
        let sync_folder = place::sync_folder;
        Self {
            jobs,
            own_jobs,
            verifier,
            queue: VecDeque::new(),
            is_slow: false,
            placed: Vec::new(),
            sync_folder,
            folders,
            mailbox,
        }
    }

    /// Does jobs until told to stop.
    pub fn run(mut self) {
        while let Some(job) = self.next() {
            match job {
                SyncJob::TakeOver { part, file } => {
                    if let Err(failure) = file.take_over() {
                        self.give_up(part, &file, failure);
                    }
                }
                SyncJob::Save { part, file, journal, told } => self.save(part, &file, &journal, told),
                SyncJob::Finish(finishing) => self.finish_all(finishing),
                SyncJob::Verified { finishing, result } => match result {
                    Ok(()) => self.place_all(vec![finishing]),
                    Err(failure) => self.fail(finishing.part, failure),
                },
                SyncJob::Look { part, look } => look_now(&self.folders, &self.mailbox, part, &look),
                SyncJob::Delete { part_path } => delete_now(&self.folders, &part_path),
                SyncJob::Stop => return,
            }
        }
    }

    /// The next job. What is in place is settled before any job but another one that adds to it.
    fn next(&mut self) -> Option<SyncJob> {
        let next = self.at_hand();
        let adds = matches!(next, Some(SyncJob::Finish(_) | SyncJob::Verified { .. }));
        if !self.placed.is_empty() && (!adds || self.placed.len() >= MOST_PLACED) {
            self.settle();
        }
        if next.is_some() {
            return next;
        }
        while self.queue.is_empty() {
            self.queue.extend(self.jobs.recv().ok()?);
        }
        self.queue.pop_front()
    }

    /// The next job, if one is here.
    fn at_hand(&mut self) -> Option<SyncJob> {
        if self.queue.is_empty() {
            self.queue.extend(self.jobs.try_recv().into_iter().flatten());
        }
        self.queue.pop_front()
    }

    fn fail(&self, part: PartId, failure: Failure) {
        self.mailbox.post(Reply::Failed { part, failure });
    }

    fn save(&self, part: PartId, file: &PartFile, journal: &Journal, told: u64) {
        match file.save(journal, told) {
            Ok(()) => {
                locked(&self.folders).wrote(file.path(), &journal.url);
                // Nobody waits for it but who closes, and that one has time.
                self.mailbox.post_late(Reply::Saved { part });
            }
            Err(failure) => self.give_up(part, file, failure),
        }
    }

    /// A failure that was not awaited: the file may be on its way into place already.
    fn give_up(&self, part: PartId, file: &PartFile, failure: Failure) {
        file.has_failed.store(true, Ordering::Relaxed);
        self.fail(part, failure);
    }

    /// Files that come one after the other are made durable together.
    fn finish_all(&mut self, first: Finishing) {
        let mut whole: Vec<_> = self.finish(first).into_iter().collect();
        while whole.len() < MOST_TOGETHER {
            match self.at_hand() {
                Some(SyncJob::Finish(next)) => whole.extend(self.finish(next)),
                Some(other) => {
                    self.queue.push_front(other);
                    break;
                }
                None => break,
            }
        }
        self.place_all(whole);
    }

    /// Gives it back if it can be moved into place now.
    fn finish(&mut self, finishing: Finishing) -> Option<Finishing> {
        if let Err(failure) = finishing.file.check_length(finishing.finish.total) {
            self.fail(finishing.part, failure);
            return None;
        }
        match finishing.finish.checksum.clone() {
            Some(wanted) => {
                self.verify(finishing, wanted);
                None
            }
            None => Some(finishing),
        }
    }

    fn verify(&mut self, finishing: Finishing, wanted: Checksum) {
        let part = finishing.part;
        let (jobs, mailbox) = (self.own_jobs.clone(), self.mailbox.clone());
        let mut sum = None;
        let mut told = Instant::now();
        let started = self.verifier.run(move |buffer| {
            let Finishing { file, finish, is_ended, .. } = &finishing;
            if is_ended.load(Ordering::Relaxed) {
                return false;
            }
            let result = match advance(&mut sum, file, finish.total, wanted.algorithm, buffer) {
                Ok(None) => {
                    if told.elapsed() >= PROGRESS {
                        told = Instant::now();
                        mailbox.post(Reply::Verifying { part, done: sum.as_ref().map_or(0, Sum::done) });
                    }
                    return true;
                }
                Ok(Some(actual)) if actual == wanted.hex => Ok(()),
                Ok(Some(actual)) => {
                    let detail = format!("{} has the {} {actual}", file.path().display(), wanted.algorithm.name());
                    Err(Failure::new(FailureKind::ChecksumMismatch { expected: wanted.clone(), actual }, detail))
                }
                Err(error) => Err(file.read_failure(&error)),
            };
            // Fails only when the disk was shut down meanwhile.
            let _ = jobs.send(vec![SyncJob::Verified { finishing: finishing.clone(), result }]);
            false
        });
        if let Err(error) = started {
            self.fail(part, Failure::from_io(&error, "cannot start the verifying thread"));
        }
    }

    fn place_all(&mut self, mut whole: Vec<Finishing>) {
        let is_wanted = |finishing: &Finishing| {
            !finishing.is_ended.load(Ordering::Relaxed) && !finishing.file.has_failed.load(Ordering::Relaxed)
        };
        whole.retain(is_wanted);
        let begin = Instant::now();
        let results = if self.is_slow { complete_together(&whole) } else { complete(&whole) };
        if !whole.is_empty() {
            self.is_slow = begin.elapsed() >= SLOW;
        }
        for (finishing, result) in whole.into_iter().zip(results) {
            match result.and_then(|()| finishing.file.move_into_place(&finishing.finish, &self.folders)) {
                Ok(path) => self.placed.push((finishing, path)),
                Err(failure) => self.fail(finishing.part, failure),
            }
        }
    }

    /// Makes what is in place durable and removes what is no longer needed. What is not durable is not
    /// told as finished: a power cut could take it away.
    fn settle(&mut self) {
        let mut synced: Option<(PathBuf, Result<(), Failure>)> = None;
        let mut replies = Vec::with_capacity(self.placed.len());
        let mut placed = std::mem::take(&mut self.placed);
        placed.sort_by(|(_, one), (_, other)| one.parent().cmp(&other.parent()));
        for (Finishing { part, file, finish, .. }, path) in placed {
            let folder = path.parent().unwrap_or(Path::new("."));
            // One sync tells of a failure, the next one may not: it counts for all that waited for it.
            let result = match &synced {
                Some((same, result)) if same == folder => result.clone(),
                _ => (self.sync_folder)(&path)
                    .map_err(|error| Failure::from_io(&error, &format!("cannot sync {}", folder.display()))),
            };
            synced = Some((folder.to_owned(), result.clone()));
            if let Err(failure) = result {
                file.take_back(&path, &finish);
                replies.push(Reply::Failed { part, failure });
                continue;
            }
            part_file::clean_up(&file, &finish);
            let mut folders = locked(&self.folders);
            let own = file.may_have_journal().then(|| file.path());
            for gone in own.into_iter().chain(finish.replaces.as_deref()) {
                folders.removed(gone);
            }
            let has_number = !file.is_nameless();
            if has_number && finish.may_be_there.is_some() && path != file.path().with_extension("") {
                // Where the same file was there already, the number of this one is free again. Not for each file:
                // ten thousand of one name would be counted through each time.
                folders.deleted(file.path());
            }
            drop(folders);
            replies.push(Reply::Finished { part, path });
        }
        self.mailbox.post_all(replies);
    }
}

fn complete(whole: &[Finishing]) -> Vec<Result<(), Failure>> {
    whole.iter().map(|finishing| finishing.file.complete(&finishing.finish)).collect()
}

/// The same on several threads: what a journalling file system is asked to sync at a time it syncs at once.
fn complete_together(whole: &[Finishing]) -> Vec<Result<(), Failure>> {
    let mut shares = whole.chunks(whole.len().div_ceil(THREADS).max(1));
    let own = shares.next().unwrap_or_default();
    thread::scope(|scope| {
        let others: Vec<_> = shares.map(|share| (share, spawn(scope, share))).collect();
        let mut results = complete(own);
        for (share, thread) in others {
            // What no thread could be had for is done here.
            let done = thread.map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
            results.extend(done.unwrap_or_else(|| complete(share)));
        }
        results
    })
}

type Syncing<'scope> = thread::ScopedJoinHandle<'scope, Vec<Result<(), Failure>>>;

fn spawn<'scope, 'env>(
    scope: &'scope thread::Scope<'scope, 'env>,
    share: &'env [Finishing],
) -> Option<Syncing<'scope>> {
    thread::Builder::new().name("sync".into()).spawn_scoped(scope, || complete(share)).ok()
}

/// Computes on for a turn; `Some` at the end. Begins with what was computed while the file grew.
fn advance(
    sum: &mut Option<Sum>,
    file: &PartFile,
    total: u64,
    algorithm: Algorithm,
    buffer: &mut [u8],
) -> io::Result<Option<String>> {
    let mut at_work = match sum.take() {
        Some(sum) => sum,
        None => match file.follower().and_then(|follower| follower.give(algorithm)) {
            Some(begun) if begun.at() <= total => begun.with_end(total),
            _ => Sum::new(algorithm, ByteRange::new(0, total))?,
        },
    };
    at_work.advance(file.file(), total, buffer)?;
    if at_work.is_complete() {
        return Ok(Some(at_work.finish()));
    }
    *sum = Some(at_work);
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::mpsc;

    use super::*;
    use crate::engine::disk::Open;
    use crate::engine::disk::disk_threads::tests::{complete, journal, new_file};
    use crate::engine::download::spec::OnExists;

    /// Has these files finished in one go; answers the names in their folder then, and the replies.
    fn finish(
        folder: &Path,
        files: &[&Arc<PartFile>],
        finish: &Finish,
        sync_folder: fn(&Path) -> io::Result<()>,
    ) -> (Vec<String>, Vec<Reply>) {
        let (give, jobs) = mpsc::channel();
        for (number, file) in (1..).zip(files) {
            let (part, file, finish) = (PartId(number), Arc::clone(file), finish.clone());
            give.send(vec![SyncJob::Finish(Finishing { part, file, finish, is_ended: Arc::default() })]).unwrap();
        }
        give.send(vec![SyncJob::Stop]).unwrap();
        let mailbox = Arc::new(Mailbox::new(|_| {}));
        let mut syncer = Syncer::new(jobs, give, Arc::new(Turns::new("verify")), Arc::default(), mailbox.clone());
        syncer.sync_folder = sync_folder;
        syncer.run();
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        (names, mailbox.take())
    }

    fn broken(_: &Path) -> io::Result<()> {
        use std::sync::atomic::AtomicU32;
        // As the kernel does: each failure is told once.
        static TOLD: AtomicU32 = AtomicU32::new(0);
        match TOLD.fetch_add(1, Ordering::Relaxed) % 2 {
            0 => Err(io::Error::from_raw_os_error(libc::EIO)),
            _ => Ok(()),
        }
    }

    #[test]
    fn what_is_not_durably_in_place_is_not_finished_and_is_there_for_the_next_try() {
        let folder = tempfile::tempdir().unwrap();
        let open = |name: &str, on_exists| Open {
            on_exists,
            journal: Some(Box::new(journal(name, &[]))),
            ..new_file(folder.path(), name)
        };
        let create = |name, on_exists| Arc::new(PartFile::create(&open(name, on_exists), &Mutex::default()).unwrap());
        let (one, other) = (create("a", OnExists::Rename), create("b", OnExists::Skip));
        let older = folder.path().join("older.part");
        fs::write(&older, b"older").unwrap();
        let wish = Finish { replaces: Some(older), ..complete(0) };
        let (names, replies) = finish(folder.path(), &[&one, &other], &wish, broken);
        assert_eq!(names, ["a.part", "a.part.journal", "b.part", "b.part.journal", "older.part"]);
        let kind = |reply: &Reply| match reply {
            Reply::Failed { failure, .. } => failure.kind.clone(),
            other => panic!("{other:?}"),
        };
        let kinds: Vec<_> = replies.iter().map(kind).collect();
        assert_eq!(kinds, [FailureKind::DriveFailed, FailureKind::DriveFailed]);
        one.save(&journal("a", &[]), 0).unwrap();

        let (names, replies) = finish(folder.path(), &[&one, &other], &wish, place::sync_folder);
        assert_eq!(names, ["a", "b"]);
        assert!(replies.iter().all(|reply| matches!(reply, Reply::Finished { .. })), "{replies:?}");
    }

    #[test]
    fn files_that_are_synced_together_each_get_their_own_answer() {
        let folder = tempfile::tempdir().unwrap();
        let whole: Vec<_> = (0..10)
            .map(|number| {
                let open = new_file(folder.path(), &format!("f{number}"));
                let file = Arc::new(PartFile::create(&open, &Mutex::default()).unwrap());
                if number == 6 {
                    fs::remove_file(file.path()).unwrap();
                }
                Finishing { part: PartId(number), file, finish: complete(0), is_ended: Arc::default() }
            })
            .collect();
        for count in 0..=whole.len() {
            let together: Vec<_> = complete_together(&whole[..count]).iter().map(Result::is_ok).collect();
            assert_eq!(together, (0..count).map(|number| number != 6).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_was_told_to_have_failed_is_not_moved_into_place_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let file = Arc::new(PartFile::create(&new_file(folder.path(), "f"), &Mutex::default()).unwrap());
        file.has_failed.store(true, Ordering::Relaxed);
        let (names, replies) = finish(folder.path(), &[&file], &complete(0), place::sync_folder);
        assert_eq!(names, ["f.part"]);
        assert!(replies.is_empty(), "{replies:?}");
    }

    #[test]
    fn what_has_replaced_another_file_stays_in_its_place() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("f"), b"old").unwrap();
        let open = Open { on_exists: OnExists::Overwrite, ..new_file(folder.path(), "f") };
        let file = Arc::new(PartFile::create(&open, &Mutex::default()).unwrap());
        let wish = Finish { on_exists: OnExists::Overwrite, ..complete(0) };
        let fails = |_: &Path| Err(io::Error::from_raw_os_error(libc::EIO));
        let (names, replies) = finish(folder.path(), &[&file], &wish, fails);
        assert_eq!(names, ["f"]);
        assert!(matches!(replies.as_slice(), [Reply::Failed { .. }]), "{replies:?}");
    }
}

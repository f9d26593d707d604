// SPDX-License-Identifier: GPL-3.0-or-later
//! The real [`Disk`]: hands jobs to the threads of the devices and their replies to one listener on
//! the main loop. Lives on the thread of the default main context.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

use super::block::{Pool, Seat};
use super::device::{DeviceId, Mounts};
use super::folder::Folders;
use super::job::Job;
use super::mailbox::Mailbox;
use super::syncer::Syncer;
use super::turns::Turns;
use super::writer::Writer;
use super::{Block, Carry, Disk, Finish, Journal, Look, Open, Reply};
use crate::engine::download::spec::Checksum;
use crate::engine::error::{Failure, FailureKind};
use crate::engine::net;
use crate::engine::types::{ByteRange, IdMap, PartId};

/// How long the threads may take to end. One that waits for a device that does not answer is left
/// behind: nobody can end it, and it must not hold up the exit.
const FAREWELL: Duration = Duration::from_secs(2);

/// So many jobs are sent together at most.
const MOST_HELD: usize = 256;

/// Threads and files.
pub struct DiskThreads {
    /// Where a source on the main context finds this, on the thread it belongs to.
    key: u64,
    mailbox: Arc<Mailbox>,
    listener: Box<dyn Fn(Vec<Reply>)>,
    mounts: RefCell<Mounts>,
    devices: RefCell<HashMap<DeviceId, Rc<Device>>>,
    parts: RefCell<IdMap<PartId, Part>>,
    /// Each thread holds a clone as long as it runs; `None` after the shutdown.
    alive: RefCell<Option<Sender<Infallible>>>,
    ended: Receiver<Infallible>,
    is_stopped: Cell<bool>,
    /// See [`Disk::hold`].
    is_holding: Cell<bool>,
}

/// The threads of a device and the blocks on their way to it.
#[derive(Debug)]
struct Device {
    /// What is known of its folders; its threads hold it for as long as the device takes to answer.
    folders: Arc<Mutex<Folders>>,
    jobs: Sender<Vec<Job>>,
    /// To be sent together.
    held: RefCell<Vec<Job>>,
    writer: Thread,
    pool: Arc<Pool>,
}

/// A part on its device.
#[derive(Debug)]
struct Part {
    device: Rc<Device>,
    seat: Seat,
    /// How many bytes the listener was told of as written.
    told: u64,
    is_ended: Arc<AtomicBool>,
}

impl Drop for Part {
    fn drop(&mut self) {
        self.is_ended.store(true, Ordering::Relaxed);
    }
}

thread_local! {
    static LISTENING: RefCell<HashMap<u64, Weak<DiskThreads>>> = RefCell::default();
}

impl fmt::Debug for DiskThreads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiskThreads")
            .field("devices", &self.devices)
            .field("parts", &self.parts)
            .finish_non_exhaustive()
    }
}

impl DiskThreads {
    /// The listener is called on the default main context, with all replies that gathered since the
    /// last time. It may call everything here, and may drop this.
    pub fn new(listener: impl Fn(Vec<Reply>) + 'static) -> Rc<Self> {
        static KEYS: AtomicU64 = AtomicU64::new(0);
        let key = KEYS.fetch_add(1, Ordering::Relaxed);
        // A plain source, made on the thread that posts: `MainContext::invoke` would run it right
        // there as long as nobody runs the main loop.
        let wake = move |wait: Duration| {
            let deliver = move || {
                let disk = LISTENING.with_borrow(|listening| listening.get(&key).and_then(Weak::upgrade));
                if let Some(disk) = disk {
                    disk.deliver();
                }
                glib::ControlFlow::Break
            };
            let (name, priority) = (Some("disk replies"), net::priority());
            let source = match wait.is_zero() {
                true => glib::idle_source_new(name, priority, deliver),
                false => glib::timeout_source_new(wait, name, priority, deliver),
            };
            source.attach(Some(&glib::MainContext::default()));
        };
        let disk = Self::with_wake(key, wake, listener);
        LISTENING.with_borrow_mut(|listening| listening.insert(key, Rc::downgrade(&disk)));
        disk
    }

    fn with_wake(
        key: u64,
        wake: impl Fn(Duration) + Send + Sync + 'static,
        listener: impl Fn(Vec<Reply>) + 'static,
    ) -> Rc<Self> {
        let (alive, ended) = mpsc::channel();
        Rc::new(Self {
            key,
            mailbox: Arc::new(Mailbox::new(wake)),
            listener: Box::new(listener),
            mounts: RefCell::default(),
            devices: RefCell::default(),
            parts: RefCell::default(),
            alive: RefCell::new(Some(alive)),
            ended,
            is_stopped: Cell::new(false),
            is_holding: Cell::new(false),
        })
    }

    fn deliver(&self) {
        let replies = self.mailbox.take();
        // What is closed here goes with what the listener gives; and as long as there are seats, the blocks of those
        // that end are kept for those that begin.
        self.hold();
        let mut ended = Vec::new();
        for reply in &replies {
            match reply {
                Reply::Written { part, range } => {
                    if let Some(part) = self.parts.borrow_mut().get_mut(part) {
                        part.told = part.told.saturating_add(range.len());
                    }
                }
                // Its file has its final name now: nothing may be written to it any more.
                Reply::Finished { part, .. } => ended.extend(self.end(*part)),
                _ => {}
            }
        }
        if !replies.is_empty() {
            (self.listener)(replies);
        }
        self.release();
    }

    /// Has all jobs given before done, as far as the devices answer within two seconds, and ends
    /// the threads; a checksum is given up. Nothing is answered any more. Dropping does the same.
    pub fn shutdown(&self) {
        if self.is_stopped.replace(true) {
            return;
        }
        LISTENING.with_borrow_mut(|listening| listening.remove(&self.key));
        self.parts.borrow_mut().clear();
        for (_, device) in self.devices.borrow_mut().drain() {
            // Fails only if the thread is gone already.
            let _ = device.give(Job::Stop, false);
        }
        self.alive.borrow_mut().take();
        if self.ended.recv_timeout(FAREWELL) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("a device does not answer; its thread is left behind");
        }
    }

    fn fail(&self, part: PartId, failure: Failure) {
        self.mailbox.post(Reply::Failed { part, failure });
    }

    /// The device of a folder, with its threads running.
    fn device_of(&self, folder: &Path) -> io::Result<Rc<Device>> {
        let id = self.mounts.borrow_mut().device_of(folder);
        if let Some(device) = self.devices.borrow().get(&id) {
            return Ok(device.clone());
        }
        let Some(alive) = self.alive.borrow().clone() else {
            return Err(io::Error::other("the disk was shut down"));
        };
        let device = Rc::new(Device::start(id, &self.mailbox, &alive)?);
        self.devices.borrow_mut().insert(id, device.clone());
        Ok(device)
    }

    /// Notes on which device a part is. `false` if that was answered with a failure.
    fn settle(&self, part: PartId, folder: &Path) -> bool {
        match self.device_of(folder) {
            Ok(device) => {
                let seat = device.pool.join(part);
                self.parts.borrow_mut().insert(part, Part { device, seat, told: 0, is_ended: Arc::default() });
                true
            }
            Err(error) => {
                self.fail(part, Failure::from_io(&error, "cannot start the thread of the device"));
                false
            }
        }
    }

    /// Closes a part; as long as its seat is kept, its blocks are.
    fn end(&self, part: PartId) -> Option<Part> {
        self.give(part, |_| Job::Close { part });
        self.parts.borrow_mut().remove(&part)
    }

    fn give(&self, part: PartId, job: impl FnOnce(&Part) -> Job) {
        self.give_soon(part, self.is_holding.get(), job);
    }

    fn give_soon(&self, part: PartId, may_wait: bool, job: impl FnOnce(&Part) -> Job) {
        let sent = match self.parts.borrow().get(&part) {
            Some(entry) => entry.device.give(job(entry), may_wait),
            // Closed, or never known: there is nothing that the job could be done to.
            None => return,
        };
        if !sent {
            self.fail(part, thread_is_gone());
        }
    }
}

fn thread_is_gone() -> Failure {
    Failure::new(FailureKind::Internal(0), "the thread of the device is gone")
}

impl Drop for DiskThreads {
    fn drop(&mut self) {
        self.shutdown();
    }
}

/// A thread of a device, which holds a clone of `alive` as long as it runs. Woken for each block, it would interrupt
/// libcurl and the window each time.
fn start_thread(
    role: &str,
    id: DeviceId,
    alive: &Sender<Infallible>,
    run: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let is_alive = alive.clone();
    thread::Builder::new().name(format!("{role} {}:{}", id.major, id.minor)).spawn(move || {
        net::wait_for_a_core();
        run();
        drop(is_alive);
    })
}

impl Device {
    fn start(id: DeviceId, mailbox: &Arc<Mailbox>, alive: &Sender<Infallible>) -> io::Result<Self> {
        let folders = Arc::new(Mutex::new(Folders::default()));
        let (jobs, writer_jobs) = mpsc::channel();
        let (sync_jobs, syncer_jobs) = mpsc::channel();
        let verifier = Arc::new(Turns::new("verify"));
        let syncer = Syncer::new(syncer_jobs, sync_jobs.clone(), verifier.clone(), folders.clone(), mailbox.clone());
        let writer = Writer::new(writer_jobs, folders.clone(), sync_jobs.clone(), verifier, mailbox.clone());
        start_thread("sync", id, alive, move || syncer.run())?;
        let started = start_thread("write", id, alive, move || writer.run());
        let writer = match started {
            Ok(handle) => handle.thread().clone(),
            Err(error) => {
                // The syncer waits for jobs that nobody would give it.
                let _ = sync_jobs.send(vec![super::syncer::SyncJob::Stop]);
                return Err(error);
            }
        };
        let mailbox = mailbox.clone();
        let on_room = move |part| mailbox.post(Reply::Written { part, range: ByteRange::new(0, 0) });
        // From the nap in which it lets blocks gather.
        let woken = writer.clone();
        let pool = Pool::new(on_room, move || woken.unpark());
        Ok(Self { folders, jobs, held: RefCell::default(), writer, pool })
    }

    /// `false` if the thread is gone.
    fn give(&self, job: Job, may_wait: bool) -> bool {
        let mut held = self.held.borrow_mut();
        held.push(job);
        let count = held.len();
        drop(held);
        (may_wait && count <= MOST_HELD) || self.send_held()
    }

    /// Whether nothing is held that has to be done before more comes.
    fn has_only_preludes(&self) -> bool {
        self.held.borrow().iter().all(Job::is_prelude)
    }

    fn send_held(&self) -> bool {
        // The next ones will be as many.
        let count = self.held.borrow().len();
        let jobs = self.held.replace(Vec::with_capacity(count));
        let is_urgent = jobs.iter().any(Job::is_urgent);
        let is_given = jobs.is_empty() || self.jobs.send(jobs).is_ok();
        if is_urgent {
            // From the nap in which it lets blocks gather.
            self.writer.unpark();
        }
        is_given
    }
}

impl Disk for DiskThreads {
    fn look(&self, part: PartId, look: Look) {
        if self.settle(part, &look.folder) {
            self.give(part, |_| Job::Look { part, look });
        }
    }

    fn has_nothing(&self, part: PartId, look: &Look) -> bool {
        let id = self.mounts.borrow_mut().device_of(&look.folder);
        let device = self.devices.borrow().get(&id).cloned();
        let folders = device.as_ref().and_then(|device| device.folders.try_lock().ok());
        let has_nothing = folders.is_some_and(|folders| folders.has_nothing(look));
        has_nothing && self.settle(part, &look.folder)
    }

    fn hold(&self) {
        self.is_holding.set(true);
    }

    fn release(&self) {
        self.is_holding.set(false);
        let is_gone = |device: &&Rc<Device>| !device.has_only_preludes() && !device.send_held();
        let gone: Vec<_> = self.devices.borrow().values().filter(is_gone).cloned().collect();
        for device in gone {
            let parts = self.parts.borrow();
            for part in parts.iter().filter(|(_, entry)| Rc::ptr_eq(&entry.device, &device)).map(|(part, _)| *part) {
                self.fail(part, thread_is_gone());
            }
        }
    }

    fn open(&self, part: PartId, open: Open) {
        let is_known = self.parts.borrow().contains_key(&part);
        if is_known || self.settle(part, &open.folder) {
            self.give(part, |entry| Job::Open { part, open, is_ended: entry.is_ended.clone() });
        }
    }

    fn block(&self, part: PartId, size: usize) -> Option<Block> {
        self.parts.borrow().get(&part)?.seat.take(size)
    }

    fn has_room(&self, part: PartId) -> bool {
        self.parts.borrow().get(&part).is_some_and(|part| part.seat.has_room())
    }

    fn write(&self, part: PartId, offset: u64, mut block: Block) {
        block.queue();
        // What follows the last one is told of within the same turn of the main loop.
        let may_wait = self.is_holding.get() || block.is_last();
        self.give_soon(part, may_wait, |_| Job::Write { part, offset, block });
    }

    fn save(&self, part: PartId, journal: Journal) {
        self.give(part, |entry| Job::Save { part, journal, told: entry.told });
    }

    fn check(&self, part: PartId, range: ByteRange, wanted: Checksum) {
        self.give(part, |entry| Job::Check { part, range, wanted, is_ended: entry.is_ended.clone() });
    }

    fn read(&self, part: PartId, range: ByteRange) {
        self.give(part, |entry| Job::Read { part, range, is_ended: entry.is_ended.clone() });
    }

    fn finish(&self, part: PartId, finish: Finish) {
        self.give(part, |entry| Job::Finish { part, finish, is_ended: entry.is_ended.clone() });
    }

    fn close(&self, part: PartId) {
        self.end(part);
    }

    fn carry(&self, part: PartId, carry: Carry) {
        // The device that it is read from: what may be out of reach.
        if self.settle(part, carry.part_path.parent().unwrap_or(Path::new("."))) {
            self.give(part, |entry| Job::Carry { part, carry, is_ended: entry.is_ended.clone() });
        }
    }

    fn give_up(&self, part: PartId) {
        if let Some(entry) = self.parts.borrow().get(&part) {
            entry.is_ended.store(true, Ordering::Relaxed);
        }
    }

    fn delete(&self, part_path: PathBuf) {
        let device = self.device_of(part_path.parent().unwrap_or(Path::new(".")));
        let sent = device.map(|device| device.give(Job::Delete { part_path: part_path.clone() }, false));
        if !matches!(sent, Ok(true)) {
            tracing::error!(path = %part_path.display(), "not deleted: its device has no thread");
        }
    }
}

#[cfg(test)]
pub mod tests;

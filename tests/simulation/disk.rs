// SPDX-License-Identifier: GPL-3.0-or-later
//! The engine's disk over virtual devices: a line of jobs for each device's writer and one for its
//! syncer, as the real threads have them. Each job takes its time, and a process may die before any
//! of its steps.

mod files;
mod syncer;
mod writer;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};
use std::time::Duration;

use freshet::engine::disk::{Block, Carry, Disk, Finish, Journal, Look, Open, Reply, naming};
use freshet::engine::download::spec::{Algorithm, Checksum};
use freshet::engine::types::{ByteRange, PartId};
use freshet::engine::{Failure, FailureKind};
use url::Url;

use super::device::{Device, Inode};
use super::receipts::{OpenPart, Receipts};
use super::remote::Remote;
use super::timeline::{Happening, Timeline};

/// As the real disk: smaller files are not preallocated.
const PREALLOCATE_FROM: u64 = 1024 * 1024;
/// How long a lock is waited for.
const LOCK_PATIENCE: Duration = Duration::from_millis(255);
const EIO: i32 = 5;
/// Also where the user has given up another download whose part file was just found.
pub const ENOENT: i32 = 2;

/// The devices themselves, which outlive processes and power cuts.
pub type Devices = Rc<RefCell<Vec<Device>>>;

/// The device of a path: its first folder is `/diskN`.
pub fn device_of(path: &Path) -> usize {
    let first = path.to_str().and_then(|path| path.strip_prefix("/disk")).and_then(|rest| rest.bytes().next());
    usize::from(first.expect("a path on a virtual device") - b'0')
}

/// A part file that is open, and locked for as long as anybody holds this.
#[derive(Debug)]
struct OpenFile {
    device: usize,
    inode: Inode,
    path: PathBuf,
    name: String,
    total: Option<u64>,
    is_listed: RefCell<bool>,
    broken: RefCell<Option<Failure>>,
    /// A journal could not be saved: it is not moved into place any more.
    has_failed: Cell<bool>,
}

enum Job {
    Look(PartId, Look),
    Open(PartId, Open),
    Write(PartId, u64, Block),
    Save(PartId, Journal),
    Check(PartId, ByteRange, Checksum),
    Read(PartId, ByteRange),
    Finish(PartId, Finish),
    Close(PartId),
    Carry(PartId, Carry),
    Delete(PathBuf),
}

enum SyncJob {
    Save { part: PartId, file: Rc<OpenFile>, journal: Journal, stage: u8 },
    Finish { part: PartId, file: Rc<OpenFile>, finish: Finish, stage: u8, path: PathBuf },
    Look(PartId, Look),
    Carry(PartId, Carry),
    Delete(PathBuf),
}

/// The threads of one device.
#[derive(Default)]
struct Lines {
    writer: VecDeque<Job>,
    syncer: VecDeque<SyncJob>,
    /// Bytes that wait to be written.
    queued: usize,
    /// Were refused a block.
    refused: Vec<PartId>,
    /// When the job at the head of the writer's line began to wait for a lock.
    waits_since: Option<Duration>,
}

/// A part as the writer has it.
struct Opened {
    file: Rc<OpenFile>,
    failed: Option<Failure>,
}

#[derive(Default)]
struct State {
    /// Parts that the engine has asked for and not closed, and whether it has had them opened.
    parts: BTreeMap<PartId, (usize, bool)>,
    opened: BTreeMap<PartId, Opened>,
    /// When each was to be moved into place.
    finished: BTreeMap<PartId, Duration>,
    locks: BTreeMap<(usize, Inode), Weak<OpenFile>>,
    lines: Vec<Lines>,
    replies: Vec<Reply>,
    is_called: bool,
    /// The program ends: nothing is waited for.
    is_down: bool,
}

pub struct VirtualDisk {
    timeline: Rc<Timeline>,
    devices: Devices,
    remote: Rc<RefCell<Remote>>,
    receipts: Rc<RefCell<Receipts>>,
    /// What may wait for a device, in bytes.
    bound: usize,
    state: RefCell<State>,
}

impl VirtualDisk {
    pub fn new(
        timeline: Rc<Timeline>,
        devices: Devices,
        remote: Rc<RefCell<Remote>>,
        receipts: Rc<RefCell<Receipts>>,
        bound: usize,
    ) -> Rc<Self> {
        let lines = devices.borrow().iter().map(|_| Lines::default()).collect();
        let state = RefCell::new(State { lines, ..State::default() });
        Rc::new(Self { timeline, devices, remote, receipts, bound, state })
    }

    fn give(&self, part: PartId, job: Job) {
        let device = self.state.borrow().parts.get(&part).map(|(device, _)| *device);
        if let Some(device) = device {
            self.queue(device, job);
        }
    }

    fn queue(&self, device: usize, job: Job) {
        let mut state = self.state.borrow_mut();
        let line = &mut state.lines[device].writer;
        line.push_back(job);
        if line.len() == 1 {
            drop(state);
            self.start_writer(device);
        }
    }

    fn pause(&self, device: usize) -> Duration {
        let (least, most) = self.devices.borrow()[device].pace;
        self.timeline.draw(|random| random.micros(least, most))
    }

    fn start_writer(&self, device: usize) {
        self.timeline.after(self.pause(device), Happening::Writer { device });
    }

    fn hand_on(&self, device: usize, job: SyncJob) {
        let mut state = self.state.borrow_mut();
        let line = &mut state.lines[device].syncer;
        line.push_back(job);
        if line.len() == 1 {
            drop(state);
            self.timeline.after(self.pause(device), Happening::Syncer { device });
        }
    }

    fn post(&self, reply: Reply) {
        let mut state = self.state.borrow_mut();
        match (state.replies.last_mut(), &reply) {
            (Some(Reply::Written { part, range }), Reply::Written { part: next, range: more })
                if part == next && range.end == more.start =>
            {
                *range = ByteRange::new(range.start, more.end);
            }
            _ => state.replies.push(reply),
        }
        if !std::mem::replace(&mut state.is_called, true) {
            drop(state);
            let wait =
                self.timeline.draw(|random| if random.percent(70) { Duration::ZERO } else { random.micros(0, 3000) });
            self.timeline.after(wait, Happening::Replies);
        }
    }

    fn fail(&self, part: PartId, failure: Failure) {
        self.timeline.note([20, part.0, 0], || format!("disk: part {} failed: {failure}", part.0));
        self.post(Reply::Failed { part, failure });
    }

    /// What is to be delivered to the engine now.
    pub fn take_replies(&self) -> Vec<Reply> {
        let replies = {
            let mut state = self.state.borrow_mut();
            state.is_called = false;
            std::mem::take(&mut state.replies)
        };
        for reply in &replies {
            if let Reply::Finished { part, .. } = reply {
                self.close(*part);
            }
        }
        replies
    }

    /// The program ends: what was given is done; nothing is answered any more.
    pub fn shut_down(&self) {
        let mut state = self.state.borrow_mut();
        state.parts.clear();
        state.is_down = true;
        drop(state);
        let count = self.devices.borrow().len();
        for device in 0..count {
            // Each step of the syncer may take a job out of either line.
            while self.step(device, true) || self.step(device, false) {}
        }
    }

    fn step(&self, device: usize, of_writer: bool) -> bool {
        let is_idle = {
            let lines = &self.state.borrow().lines[device];
            if of_writer { lines.writer.is_empty() } else { lines.syncer.is_empty() }
        };
        if !is_idle {
            if of_writer {
                self.work(device);
            } else {
                self.sync(device);
            };
        }
        !is_idle
    }

    /// The part files that are open, and have not failed.
    pub fn open_parts(&self) -> Vec<OpenPart> {
        let state = self.state.borrow();
        let devices = self.devices.borrow();
        let opened = state.opened.iter().filter(|(part, opened)| {
            let is_in_place = devices[opened.file.device].names.get(&opened.file.path) == Some(&opened.file.inode);
            is_in_place
                && opened.failed.is_none()
                && opened.file.broken.borrow().is_none()
                && state.parts.contains_key(part)
        });
        opened
            .map(|(part, Opened { file, .. })| OpenPart {
                part: *part,
                device: file.device,
                inode: file.inode,
                path: file.path.clone(),
                finished_at: state.finished.get(part).copied(),
            })
            .collect()
    }

    /// The process dies: of the write at hand a first part may have been done.
    pub fn die(&self) {
        for (device, lines) in self.state.borrow().lines.iter().enumerate() {
            if let Some(Job::Write(part, offset, block)) = lines.writer.front()
                && let Some(Opened { file, failed: None }) = self.state.borrow().opened.get(part)
            {
                let length = self.timeline.draw(|random| random.below(block.bytes().len() as u64 + 1)) as usize;
                self.devices.borrow_mut()[device].write(file.inode, *offset, &block.bytes()[..length]);
            }
        }
        for device in self.devices.borrow_mut().iter_mut() {
            device.mark_survivors();
        }
    }

    fn breaks(&self, device: usize) -> bool {
        let errors = self.devices.borrow()[device].errors;
        errors > 0 && self.timeline.draw(|random| random.below(1000)) < errors
    }
}

impl Disk for VirtualDisk {
    fn look(&self, part: PartId, look: Look) {
        let device = device_of(&look.folder);
        let known = self.state.borrow_mut().parts.insert(part, (device, false));
        assert!(known.is_none(), "part {} is looked for twice", part.0);
        self.queue(device, Job::Look(part, look));
    }

    fn has_nothing(&self, part: PartId, look: &Look) -> bool {
        let is_asked = look.part_path.is_some() || look.length.is_some() || look.tries_room;
        let has_nothing =
            !is_asked && self.timeline.draw(|random| random.percent(50)) && matches!(self.find(look), Ok(None));
        if has_nothing {
            let known = self.state.borrow_mut().parts.insert(part, (device_of(&look.folder), false));
            assert!(known.is_none(), "part {} is looked for twice", part.0);
        }
        has_nothing
    }

    fn open(&self, part: PartId, open: Open) {
        let device = device_of(&open.folder);
        let known = self.state.borrow_mut().parts.insert(part, (device, true));
        assert!(known.is_none_or(|(same, was_open)| same == device && !was_open), "part {} is opened twice", part.0);
        self.queue(device, Job::Open(part, open));
    }

    fn block(&self, part: PartId, size: usize) -> Option<Block> {
        let mut state = self.state.borrow_mut();
        let (device, _) = *state.parts.get(&part)?;
        let lines = &mut state.lines[device];
        if lines.queued >= self.bound {
            if !lines.refused.contains(&part) {
                lines.refused.push(part);
            }
            return None;
        }
        Some(Block::detached(size.clamp(1, 256 * 1024)))
    }

    fn has_room(&self, part: PartId) -> bool {
        let state = self.state.borrow();
        let Some((device, _)) = state.parts.get(&part) else { return false };
        let lines = &state.lines[*device];
        lines.queued < self.bound && !lines.refused.contains(&part)
    }

    fn write(&self, part: PartId, offset: u64, block: Block) {
        let known = self.state.borrow().parts.get(&part).copied();
        let Some((device, is_open)) = known else { panic!("a write to part {}, which is closed", part.0) };
        assert!(is_open, "a write to part {}, which was not opened", part.0);
        self.state.borrow_mut().lines[device].queued += block.bytes().len();
        self.queue(device, Job::Write(part, offset, block));
    }

    fn save(&self, part: PartId, journal: Journal) {
        self.give(part, Job::Save(part, journal));
    }

    fn check(&self, part: PartId, range: ByteRange, wanted: Checksum) {
        self.give(part, Job::Check(part, range, wanted));
    }

    fn read(&self, part: PartId, range: ByteRange) {
        self.give(part, Job::Read(part, range));
    }

    fn finish(&self, part: PartId, finish: Finish) {
        self.state.borrow_mut().finished.insert(part, self.timeline.now());
        self.give(part, Job::Finish(part, finish));
    }

    fn close(&self, part: PartId) {
        self.receipts.borrow_mut().close(part);
        self.give(part, Job::Close(part));
        self.state.borrow_mut().parts.remove(&part);
    }

    fn carry(&self, part: PartId, carry: Carry) {
        let device = device_of(&carry.part_path);
        let known = self.state.borrow_mut().parts.insert(part, (device, false));
        assert!(known.is_none(), "part {} is carried twice", part.0);
        self.queue(device, Job::Carry(part, carry));
    }

    /// It is there at once.
    fn give_up(&self, _: PartId) {}

    fn delete(&self, part_path: PathBuf) {
        self.queue(device_of(&part_path), Job::Delete(part_path));
    }
}

pub fn checksum(algorithm: Algorithm, bytes: &[u8]) -> String {
    let kind = match algorithm {
        Algorithm::Md5 => glib::ChecksumType::Md5,
        Algorithm::Sha1 => glib::ChecksumType::Sha1,
        Algorithm::Sha256 => glib::ChecksumType::Sha256,
        Algorithm::Sha512 => glib::ChecksumType::Sha512,
    };
    glib::compute_checksum_for_data(kind, bytes).expect("GLib has it").into()
}

fn part_of(target: &Path) -> PathBuf {
    freshet::engine::disk::journal::with_suffix(target, naming::PART_SUFFIX)
}

fn address(url: &Url) -> String {
    let mut url = url.clone();
    url.set_fragment(None);
    url.into()
}

fn eio(doing: &str) -> Failure {
    Failure::new(FailureKind::Io(EIO), format!("cannot {doing} it: a virtual error"))
}

fn full(missing: u64, path: &Path) -> Failure {
    Failure::new(FailureKind::DiskFull { needed: Some(missing) }, format!("{missing} bytes more for {path:?}"))
}

fn gone(path: &Path) -> Failure {
    Failure::new(FailureKind::Io(ENOENT), format!("{path:?} was moved or deleted meanwhile"))
}

fn taken(path: &Path) -> Failure {
    Failure::new(FailureKind::TargetExists, format!("{path:?} is there already"))
}

fn in_use(path: &Path) -> Failure {
    Failure::new(FailureKind::PartInUse, format!("{path:?} is locked"))
}

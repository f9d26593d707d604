// SPDX-License-Identifier: GPL-3.0-or-later
//! The engine's disk over virtual devices: a line of jobs for each device's writer and one for its
//! syncer, as the real threads have them. Each job takes its time, and a process may die before any
//! of its steps.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};
use std::time::Duration;

use freshet::engine::disk::{Block, Disk, Finish, Found, Journal, Look, Open, Reply, naming};
use freshet::engine::download::spec::{Algorithm, Checksum, OnExists};
use freshet::engine::types::{ByteRange, PartId};
use freshet::engine::{Failure, FailureKind};
use url::Url;

use super::device::{Device, Inode};
use super::remote::Remote;
use super::timeline::{Happening, Timeline};

/// As the real disk: smaller files are not preallocated.
const PREALLOCATE_FROM: u64 = 1024 * 1024;
/// How long a lock is waited for.
const LOCK_PATIENCE: Duration = Duration::from_millis(255);
const EIO: i32 = 5;
const ENOENT: i32 = 2;

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
    Delete(PathBuf),
}

enum SyncJob {
    Save { part: PartId, file: Rc<OpenFile>, journal: Journal, stage: u8 },
    Finish { part: PartId, file: Rc<OpenFile>, finish: Finish, stage: u8, path: PathBuf },
    Look(PartId, Look),
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
    /// What may wait for a device, in bytes.
    bound: usize,
    state: RefCell<State>,
}

impl VirtualDisk {
    pub fn new(timeline: Rc<Timeline>, devices: Devices, remote: Rc<RefCell<Remote>>, bound: usize) -> Rc<Self> {
        let lines = devices.borrow().iter().map(|_| Lines::default()).collect();
        let state = RefCell::new(State { lines, ..State::default() });
        Rc::new(Self { timeline, devices, remote, bound, state })
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

    // The writer.

    /// The writer of a device does the job at the head of its line.
    pub fn work(&self, device: usize) {
        let Some(job) = self.state.borrow_mut().lines[device].writer.pop_front() else { return };
        let again = self.perform(device, job);
        let mut state = self.state.borrow_mut();
        let lines = &mut state.lines[device];
        match again {
            Some(job) => {
                lines.waits_since.get_or_insert(self.timeline.now());
                lines.writer.push_front(job);
            }
            None => lines.waits_since = None,
        }
        if !lines.writer.is_empty() {
            drop(state);
            self.start_writer(device);
        }
    }

    /// Answers the job if it has to be tried again.
    fn perform(&self, device: usize, job: Job) -> Option<Job> {
        match job {
            Job::Look(part, look) => {
                let is_closing = self.is_closing(|path| match &look.part_path {
                    Some(wanted) => path == wanted,
                    None => path.parent() == Some(&look.folder),
                });
                if is_closing {
                    self.hand_on(device, SyncJob::Look(part, look));
                    return None;
                }
                match self.look_now(&look) {
                    Err(failure) if failure.kind == FailureKind::PartInUse && self.has_patience(device) => {
                        return Some(Job::Look(part, look));
                    }
                    looked => self.looked(part, looked),
                }
            }
            Job::Open(part, open) => {
                let opened = if self.breaks(device) { Err(eio("open")) } else { self.open_now(device, &open) };
                match opened {
                    Err(failure) if failure.kind == FailureKind::PartInUse && self.has_patience(device) => {
                        return Some(Job::Open(part, open));
                    }
                    Err(failure) => self.fail(part, failure),
                    Ok(file) => {
                        let part_path = file.path.clone();
                        let mut state = self.state.borrow_mut();
                        state.locks.insert((device, file.inode), Rc::downgrade(&file));
                        state.opened.insert(part, Opened { file, failed: None });
                        drop(state);
                        self.timeline
                            .note([21, part.0, 0], || format!("disk: part {} opened as {part_path:?}", part.0));
                        self.post(Reply::Opened { part, part_path });
                    }
                }
            }
            Job::Write(part, offset, block) => self.write_now(device, part, offset, block),
            Job::Save(part, journal) => {
                if let Some(file) = self.file(part) {
                    self.hand_on(device, SyncJob::Save { part, file, journal, stage: 0 });
                }
            }
            Job::Check(part, range, wanted) => {
                if let Some(bytes) = self.bytes_of(part, range) {
                    let is_right = checksum(wanted.algorithm, &bytes) == wanted.hex;
                    self.post(Reply::Checked { part, range, is_right });
                }
            }
            Job::Read(part, range) => {
                if let Some(bytes) = self.bytes_of(part, range) {
                    self.post(Reply::Read { part, range, bytes });
                }
            }
            Job::Finish(part, finish) => {
                let failed = self.state.borrow().opened.get(&part).map(|opened| opened.failed.clone());
                match (failed, self.file(part)) {
                    (Some(None), Some(file)) => {
                        let path = PathBuf::new();
                        self.hand_on(device, SyncJob::Finish { part, file, finish, stage: 0, path });
                    }
                    (Some(Some(failure)), _) => self.fail(part, failure),
                    _ => {}
                }
            }
            Job::Close(part) => {
                self.timeline.note([22, part.0, 0], || format!("disk: part {} closed", part.0));
                self.state.borrow_mut().opened.remove(&part);
            }
            Job::Delete(path) => {
                if self.is_closing(|closing| *closing == path) {
                    self.hand_on(device, SyncJob::Delete(path));
                } else {
                    self.delete_now(&path);
                }
            }
        }
        None
    }

    fn file(&self, part: PartId) -> Option<Rc<OpenFile>> {
        self.state.borrow().opened.get(&part).map(|opened| opened.file.clone())
    }

    fn has_patience(&self, device: usize) -> bool {
        let state = self.state.borrow();
        !state.is_down
            && state.lines[device].waits_since.is_none_or(|since| self.timeline.now() - since < LOCK_PATIENCE)
    }

    /// Whether a file that the writer has closed is still with the syncer.
    fn is_closing(&self, is_meant: impl Fn(&PathBuf) -> bool) -> bool {
        let state = self.state.borrow();
        state
            .locks
            .values()
            .filter_map(Weak::upgrade)
            .any(|file| is_meant(&file.path) && !state.opened.values().any(|opened| Rc::ptr_eq(&opened.file, &file)))
    }

    fn is_locked(&self, device: usize, path: &Path) -> bool {
        let devices = self.devices.borrow();
        let Some(inode) = devices[device].names.get(path) else { return false };
        self.state.borrow().locks.get(&(device, *inode)).is_some_and(|lock| lock.strong_count() > 0)
    }

    fn write_now(&self, device: usize, part: PartId, offset: u64, block: Block) {
        let length = block.bytes().len();
        self.state.borrow_mut().lines[device].queued -= length;
        let file = match self.state.borrow().opened.get(&part) {
            Some(Opened { file, failed: None }) => Some(file.clone()),
            _ => None,
        };
        if let Some(file) = file {
            let result = if self.breaks(device) {
                Err(eio("write to"))
            } else if self.devices.borrow_mut()[device].write(file.inode, offset, block.bytes()) {
                Ok(())
            } else {
                Err(full(self.devices.borrow()[device].missing(file.inode, file.total.unwrap_or(0)), &file.path))
            };
            match result {
                Ok(()) => {
                    let range = ByteRange::new(offset, offset + length as u64);
                    self.timeline.note([23, part.0, range.end], || format!("disk: part {} written {range}", part.0));
                    self.post(Reply::Written { part, range });
                }
                Err(failure) => {
                    if let Some(opened) = self.state.borrow_mut().opened.get_mut(&part) {
                        opened.failed = Some(failure.clone());
                    }
                    self.fail(part, failure);
                }
            }
        }
        drop(block);
        self.tell_refused(device);
    }

    fn tell_refused(&self, device: usize) {
        let told = {
            let lines = &mut self.state.borrow_mut().lines[device];
            if lines.queued > self.bound / 2 { Vec::new() } else { std::mem::take(&mut lines.refused) }
        };
        for part in told {
            self.post(Reply::Written { part, range: ByteRange::new(0, 0) });
        }
    }

    // What is done to files.

    fn looked(&self, part: PartId, looked: Result<Option<Box<Found>>, Failure>) {
        match looked {
            Ok(found) => {
                self.timeline.note([24, part.0, u64::from(found.is_some())], || {
                    format!(
                        "disk: part {} found {:?}",
                        part.0,
                        found.as_ref().map(|found| (&found.part_path, &found.journal.done))
                    )
                });
                self.post(Reply::Looked { part, found });
            }
            Err(failure) => self.fail(part, failure),
        }
    }

    fn look_now(&self, look: &Look) -> Result<Option<Box<Found>>, Failure> {
        let found = self.find(look)?;
        let device = &self.devices.borrow()[device_of(&look.folder)];
        let part_path = found.as_ref().map(|found| &found.part_path).or(look.part_path.as_ref());
        let inode = part_path.and_then(|path| device.names.get(path)).copied().unwrap_or_default();
        let length = found.as_ref().and_then(|found| found.journal.total).or(look.length);
        match device.missing(inode, length.unwrap_or(0)) {
            0 => Ok(found),
            missing => Err(full(missing, &look.folder)),
        }
    }

    fn find(&self, look: &Look) -> Result<Option<Box<Found>>, Failure> {
        if !look.resume {
            return Ok(None);
        }
        if let Some(path) = &look.part_path
            && let Some(found) = self.inspect(path, |_| true)?
        {
            return Ok(Some(found));
        }
        let device = device_of(&look.folder);
        let names: Vec<_> = self.devices.borrow()[device].names.keys().cloned().collect();
        let mut busy = None;
        for name in names {
            let Some(part_path) = name.to_str().and_then(|name| name.strip_suffix(naming::JOURNAL_SUFFIX)) else {
                continue;
            };
            let part_path = PathBuf::from(part_path);
            if part_path.parent() != Some(&look.folder) || look.others.contains(&part_path) {
                continue;
            }
            let is_wanted = |journal: &Journal| {
                address(&journal.url) == address(&look.url)
                    && look.name.as_ref().is_none_or(|name| *name == journal.name)
            };
            match self.inspect(&part_path, is_wanted) {
                Ok(Some(found)) => return Ok(Some(found)),
                Ok(None) => {}
                Err(failure) => busy = Some(failure),
            }
        }
        busy.map_or(Ok(None), Err)
    }

    fn inspect(&self, part_path: &Path, is_wanted: impl Fn(&Journal) -> bool) -> Result<Option<Box<Found>>, Failure> {
        let device = device_of(part_path);
        let journal = self.devices.borrow()[device].journal(part_path).filter(|journal| is_wanted(journal));
        let length = self.devices.borrow()[device].data(part_path).map(|data| data.cache.len() as u64);
        match (journal, length) {
            (Some(journal), Some(length)) if length >= journal.end() => {
                if self.is_locked(device, part_path) {
                    return Err(in_use(part_path));
                }
                Ok(Some(Box::new(Found { part_path: part_path.to_owned(), journal: (*journal).clone() })))
            }
            _ => Ok(None),
        }
    }

    fn open_now(&self, device: usize, open: &Open) -> Result<Rc<OpenFile>, Failure> {
        let (path, is_new) = match &open.resume {
            Some(path) => {
                if !self.devices.borrow()[device].exists(path) {
                    return Err(gone(path));
                }
                if self.is_locked(device, path) {
                    return Err(in_use(path));
                }
                (path.clone(), false)
            }
            None => (self.free_path(device, open)?, true),
        };
        let mut devices = self.devices.borrow_mut();
        let device_now = &mut devices[device];
        let inode = if is_new { device_now.create(&path) } else { device_now.names[&path] };
        if is_new && device_now.exists(&Journal::path_of(&path)) {
            device_now.unlink(&Journal::path_of(&path));
            device_now.sync_names();
        }
        let reserved = open.total.map_or(Ok(()), |total| match device_now.missing(inode, total) {
            0 => {
                if total >= PREALLOCATE_FROM {
                    device_now.allocate(inode, total);
                }
                Ok(())
            }
            missing => Err(full(missing, &path)),
        });
        let begun = reserved.and_then(|()| match &open.journal {
            Some(journal) if is_new => {
                self.remote.borrow().check_claim(device_now, &path, journal);
                if device_now.write_journal(&path, (**journal).clone()) { Ok(()) } else { Err(full(1, &path)) }
            }
            _ => Ok(()),
        });
        if let Err(failure) = begun {
            if is_new {
                device_now.unlink(&path);
                device_now.unlink(&Journal::path_of(&path));
            }
            return Err(failure);
        }
        let (name, total) = (open.name.clone(), open.total);
        Ok(Rc::new(OpenFile {
            device,
            inode,
            path,
            name,
            total,
            is_listed: RefCell::default(),
            broken: RefCell::default(),
        }))
    }

    /// The first part file whose name is free.
    fn free_path(&self, device: usize, open: &Open) -> Result<PathBuf, Failure> {
        let device = &self.devices.borrow()[device];
        let wanted = open.folder.join(&open.name);
        if open.on_exists == OnExists::Skip && device.exists(&wanted) {
            return Err(taken(&wanted));
        }
        let free = (0..1000).find_map(|number| {
            let target = open.folder.join(naming::numbered(&open.name, number));
            let path = part_of(&target);
            let is_taken = (open.on_exists != OnExists::Overwrite && device.exists(&target)) || device.exists(&path);
            (!is_taken).then_some(path)
        });
        free.ok_or_else(|| taken(&wanted))
    }

    fn delete_now(&self, path: &Path) {
        assert!(
            path.to_string_lossy().ends_with(naming::PART_SUFFIX),
            "{path:?} is no part file, and was to be deleted"
        );
        if self.is_locked(device_of(path), path) {
            self.timeline.note([28, 0, 0], || format!("disk: {path:?} kept, it is locked"));
            return;
        }
        self.timeline.note([25, 0, 0], || format!("disk: {path:?} deleted"));
        let device = &mut self.devices.borrow_mut()[device_of(path)];
        device.unlink(path);
        device.unlink(&Journal::path_of(path));
    }

    // The syncer.

    /// The syncer of a device does the next step of the job at the head of its line.
    pub fn sync(&self, device: usize) {
        let Some(job) = self.state.borrow_mut().lines[device].syncer.pop_front() else { return };
        let rest = match job {
            SyncJob::Save { part, file, journal, stage } => self.save_step(part, file, journal, stage),
            SyncJob::Finish { part, file, finish, stage, path } => self.finish_step(part, file, finish, stage, path),
            SyncJob::Look(part, look) => {
                self.looked(part, self.look_now(&look));
                None
            }
            SyncJob::Delete(path) => {
                self.delete_now(&path);
                None
            }
        };
        let mut state = self.state.borrow_mut();
        let line = &mut state.lines[device].syncer;
        if let Some(rest) = rest {
            line.push_front(rest);
        }
        if !line.is_empty() {
            drop(state);
            self.timeline.after(self.pause(device), Happening::Syncer { device });
        }
    }

    fn save_step(&self, part: PartId, file: Rc<OpenFile>, journal: Journal, stage: u8) -> Option<SyncJob> {
        let device = file.device;
        let result = match stage {
            0 => self.check_in_place(&file).and_then(|()| self.sync_data(&file)),
            1 => {
                let mut devices = self.devices.borrow_mut();
                self.remote.borrow().check_claim(&mut devices[device], &file.path, &journal);
                let is_written = devices[device].write_journal(&file.path, journal.clone());
                if is_written { Ok(()) } else { Err(full(1, &file.path)) }
            }
            _ => {
                if !file.is_listed.replace(true) {
                    self.devices.borrow_mut()[device].sync_names();
                }
                self.timeline
                    .note([26, part.0, journal.end()], || format!("disk: part {} saved: {:?}", part.0, journal.done));
                self.post(Reply::Saved { part });
                return None;
            }
        };
        match result {
            Ok(()) => Some(SyncJob::Save { part, file, journal, stage: stage + 1 }),
            Err(failure) => {
                self.fail(part, failure);
                None
            }
        }
    }

    fn finish_step(
        &self,
        part: PartId,
        file: Rc<OpenFile>,
        finish: Finish,
        stage: u8,
        mut path: PathBuf,
    ) -> Option<SyncJob> {
        let is_ended = !self.state.borrow().parts.contains_key(&part);
        let device = file.device;
        let result = match stage {
            0 => self.check_length(&file, finish.total),
            1 => match self.verify(part, &file, &finish) {
                Ok(()) if is_ended => return None,
                verified => verified,
            },
            2 if is_ended => return None,
            2 => self.check_in_place(&file).and_then(|()| {
                if file.total.is_some_and(|reserved| reserved > finish.total) {
                    self.devices.borrow_mut()[device].cut(file.inode, finish.total);
                }
                self.sync_data(&file)
            }),
            3 => self.move_into_place(&file, &finish).map(|target| path = target),
            // What has replaced another file stays in place, where the rules would not know it.
            4 if finish.on_exists != OnExists::Overwrite && self.breaks(device) => {
                self.devices.borrow_mut()[device].rename(&path, &file.path);
                Err(eio("sync the folder of"))
            }
            4 => {
                self.devices.borrow_mut()[device].sync_names();
                Ok(())
            }
            5 => {
                self.devices.borrow_mut()[device].unlink(&Journal::path_of(&file.path));
                Ok(())
            }
            _ => {
                if let Some(older) = &finish.replaces {
                    self.delete_now(older);
                }
                self.timeline.note([27, part.0, 0], || format!("disk: part {} is now {path:?}", part.0));
                self.post(Reply::Finished { part, path });
                return None;
            }
        };
        match result {
            Ok(()) => Some(SyncJob::Finish { part, file, finish, stage: stage + 1, path }),
            Err(failure) => {
                self.fail(part, failure);
                None
            }
        }
    }

    /// Bytes of an open part file as its cache has them.
    fn bytes_of(&self, part: PartId, range: ByteRange) -> Option<Vec<u8>> {
        let file = self.file(part)?;
        let devices = self.devices.borrow();
        let data = devices[file.device].files.get(&file.inode)?;
        Some(data.cache.get(range.start as usize..range.end as usize)?.to_vec())
    }

    fn check_length(&self, file: &OpenFile, total: u64) -> Result<(), Failure> {
        let found = self.devices.borrow()[file.device].files.get(&file.inode).map_or(0, |data| data.cache.len() as u64);
        if found == total {
            return Ok(());
        }
        Err(Failure::new(FailureKind::EndedEarly, format!("{:?} has {found} bytes, not {total}", file.path)))
    }

    fn verify(&self, part: PartId, file: &OpenFile, finish: &Finish) -> Result<(), Failure> {
        let Some(wanted) = &finish.checksum else { return Ok(()) };
        self.post(Reply::Verifying { part, done: finish.total / 2 });
        let devices = self.devices.borrow();
        let bytes = devices[file.device].files.get(&file.inode).map_or(&[][..], |data| data.cache.as_slice());
        let actual = checksum(wanted.algorithm, bytes);
        if actual == wanted.hex {
            return Ok(());
        }
        let kind = FailureKind::ChecksumMismatch { expected: wanted.clone(), actual };
        Err(Failure::new(kind, format!("{:?}", file.path)))
    }

    fn check_in_place(&self, file: &OpenFile) -> Result<(), Failure> {
        let is_there = self.devices.borrow()[file.device].names.get(&file.path) == Some(&file.inode);
        if is_there { Ok(()) } else { Err(gone(&file.path)) }
    }

    fn sync_data(&self, file: &OpenFile) -> Result<(), Failure> {
        let broken = file.broken.borrow().clone();
        if let Some(failure) = broken {
            return Err(failure);
        }
        if self.breaks(file.device) {
            self.devices.borrow_mut()[file.device].fail_sync(file.inode);
            file.broken.replace(Some(eio("sync")));
            return Err(eio("sync"));
        }
        self.devices.borrow_mut()[file.device].sync(file.inode);
        Ok(())
    }

    fn move_into_place(&self, file: &OpenFile, finish: &Finish) -> Result<PathBuf, Failure> {
        let device = &mut self.devices.borrow_mut()[file.device];
        let folder = file.path.parent().expect("a part file is in a folder");
        let wanted = folder.join(&file.name);
        let target = match finish.on_exists {
            OnExists::Overwrite => Some(wanted.clone()),
            OnExists::Skip => (!device.exists(&wanted)).then(|| wanted.clone()),
            OnExists::Rename => {
                let asked = finish.replaces.is_some().then(|| wanted.clone());
                let own = file.path.with_extension("");
                let others = (1..1000).map(|number| folder.join(naming::numbered(&file.name, number)));
                asked.into_iter().chain([own]).chain(others).find(|target| !device.exists(target))
            }
        };
        let target = target.ok_or_else(|| taken(&wanted))?;
        device.rename(&file.path, &target);
        Ok(target)
    }
}

impl Disk for VirtualDisk {
    fn look(&self, part: PartId, look: Look) {
        let device = device_of(&look.folder);
        let known = self.state.borrow_mut().parts.insert(part, (device, false));
        assert!(known.is_none(), "part {} is looked for twice", part.0);
        self.queue(device, Job::Look(part, look));
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
        self.give(part, Job::Finish(part, finish));
    }

    fn close(&self, part: PartId) {
        self.give(part, Job::Close(part));
        self.state.borrow_mut().parts.remove(&part);
    }

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
    Failure::new(FailureKind::Io(EIO), format!("can not {doing} it: a virtual error"))
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

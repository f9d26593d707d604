// SPDX-License-Identifier: GPL-3.0-or-later
//! The writer of a device: jobs in the order in which they were given.

use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};

use freshet::engine::FailureKind;
use freshet::engine::disk::{Block, Reply};
use freshet::engine::types::{ByteRange, PartId};

use super::{Job, LOCK_PATIENCE, OpenFile, Opened, SyncJob, VirtualDisk, checksum, eio, full};

/// How far behind what is written the next may be written on a device without holes.
const REACH: u64 = 256 * 1024;

impl VirtualDisk {
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
    pub(super) fn perform(&self, device: usize, job: Job) -> Option<Job> {
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
                        // Some devices have no holes.
                        let reach = part.0.is_multiple_of(3).then_some(REACH);
                        self.post(Reply::Opened { part, part_path, reach });
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
                    if !is_right {
                        self.receipts.borrow_mut().is_void(part, range);
                    }
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
            Job::Carry(part, carry) => {
                if self.is_closing(|closing| *closing == carry.part_path) {
                    self.hand_on(device, SyncJob::Carry(part, carry));
                    return None;
                }
                match self.carry_now(&carry) {
                    Err(failure) if failure.kind == FailureKind::PartInUse && self.has_patience(device) => {
                        return Some(Job::Carry(part, carry));
                    }
                    carried => self.carried(part, carried),
                }
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

    pub(super) fn file(&self, part: PartId) -> Option<Rc<OpenFile>> {
        self.state.borrow().opened.get(&part).map(|opened| opened.file.clone())
    }

    pub(super) fn has_patience(&self, device: usize) -> bool {
        let state = self.state.borrow();
        !state.is_down
            && state.lines[device].waits_since.is_none_or(|since| self.timeline.now() - since < LOCK_PATIENCE)
    }

    /// Whether a file that the writer has closed is still with the syncer.
    pub(super) fn is_closing(&self, is_meant: impl Fn(&PathBuf) -> bool) -> bool {
        let state = self.state.borrow();
        state
            .locks
            .values()
            .filter_map(Weak::upgrade)
            .any(|file| is_meant(&file.path) && !state.opened.values().any(|opened| Rc::ptr_eq(&opened.file, &file)))
    }

    pub(super) fn is_locked(&self, device: usize, path: &Path) -> bool {
        let devices = self.devices.borrow();
        let Some(inode) = devices[device].names.get(path) else { return false };
        self.state.borrow().locks.get(&(device, *inode)).is_some_and(|lock| lock.strong_count() > 0)
    }

    pub(super) fn write_now(&self, device: usize, part: PartId, offset: u64, block: Block) {
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

    pub(super) fn tell_refused(&self, device: usize) {
        let told = {
            let lines = &mut self.state.borrow_mut().lines[device];
            if lines.queued > self.bound / 2 { Vec::new() } else { std::mem::take(&mut lines.refused) }
        };
        for part in told {
            self.post(Reply::Written { part, range: ByteRange::new(0, 0) });
        }
    }
}

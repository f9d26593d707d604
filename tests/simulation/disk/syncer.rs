// SPDX-License-Identifier: GPL-3.0-or-later
//! The syncer of a device: saves journals and moves finished files into place, step by step, so that a
//! process may die between any two.

use std::path::PathBuf;
use std::rc::Rc;

use freshet::engine::disk::{Finish, Journal, Reply, naming};
use freshet::engine::download::spec::OnExists;
use freshet::engine::types::{ByteRange, PartId};
use freshet::engine::{Failure, FailureKind};

use super::{Happening, OpenFile, SyncJob, VirtualDisk, checksum, eio, full, gone, taken};

impl VirtualDisk {
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
            SyncJob::Carry(part, carry) => {
                self.carried(part, self.carry_now(&carry));
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

    pub(super) fn save_step(&self, part: PartId, file: Rc<OpenFile>, journal: Journal, stage: u8) -> Option<SyncJob> {
        let device = file.device;
        let result = match stage {
            0 => self.check_in_place(&file).and_then(|()| self.sync_data(&file)),
            1 => {
                let mut devices = self.devices.borrow_mut();
                self.remote.borrow().check_claim(&mut devices[device], &file.path, &journal);
                // Only one that is there, and has not grown long, is added to.
                let has_log = devices[device].journal(&file.path).is_some();
                let is_new = !has_log || self.timeline.draw(|random| random.percent(5));
                let is_written = if is_new {
                    file.is_listed.replace(false);
                    devices[device].write_journal(&file.path, journal.clone())
                } else {
                    devices[device].append_journal(&file.path, journal.clone())
                };
                if is_written { Ok(()) } else { Err(full(1, &file.path)) }
            }
            2 => {
                self.devices.borrow_mut()[device].sync_journal(&file.path);
                Ok(())
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
                file.has_failed.set(true);
                self.fail(part, failure);
                None
            }
        }
    }

    pub(super) fn finish_step(
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
            2 if is_ended || file.has_failed.get() => return None,
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
    pub(super) fn bytes_of(&self, part: PartId, range: ByteRange) -> Option<Vec<u8>> {
        let file = self.file(part)?;
        let devices = self.devices.borrow();
        let data = devices[file.device].files.get(&file.inode)?;
        Some(data.cache.get(range.start as usize..range.end as usize)?.to_vec())
    }

    pub(super) fn check_length(&self, file: &OpenFile, total: u64) -> Result<(), Failure> {
        let found = self.devices.borrow()[file.device].files.get(&file.inode).map_or(0, |data| data.cache.len() as u64);
        if found == total {
            return Ok(());
        }
        Err(Failure::new(FailureKind::EndedEarly, format!("{:?} has {found} bytes, not {total}", file.path)))
    }

    pub(super) fn verify(&self, part: PartId, file: &OpenFile, finish: &Finish) -> Result<(), Failure> {
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

    pub(super) fn check_in_place(&self, file: &OpenFile) -> Result<(), Failure> {
        let is_there = self.devices.borrow()[file.device].names.get(&file.path) == Some(&file.inode);
        if is_there { Ok(()) } else { Err(gone(&file.path)) }
    }

    pub(super) fn sync_data(&self, file: &OpenFile) -> Result<(), Failure> {
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

    pub(super) fn move_into_place(&self, file: &OpenFile, finish: &Finish) -> Result<PathBuf, Failure> {
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

// SPDX-License-Identifier: GPL-3.0-or-later
//! What is done to part files: found, opened, named, deleted.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use freshet::engine::Failure;
use freshet::engine::disk::{Carry, Found, Journal, Look, Open, Reply, naming};
use freshet::engine::download::spec::OnExists;
use freshet::engine::types::PartId;

use super::{OpenFile, PREALLOCATE_FROM, VirtualDisk, address, device_of, eio, full, gone, in_use, part_of, taken};

impl VirtualDisk {
    pub(super) fn looked(&self, part: PartId, looked: Result<Option<Box<Found>>, Failure>) {
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

    pub(super) fn look_now(&self, look: &Look) -> Result<Option<Box<Found>>, Failure> {
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

    pub(super) fn find(&self, look: &Look) -> Result<Option<Box<Found>>, Failure> {
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

    pub(super) fn inspect(
        &self,
        part_path: &Path,
        is_wanted: impl Fn(&Journal) -> bool,
    ) -> Result<Option<Box<Found>>, Failure> {
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

    pub(super) fn open_now(&self, device: usize, open: &Open) -> Result<Rc<OpenFile>, Failure> {
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
            has_failed: Cell::default(),
        }))
    }

    /// The first part file whose name is free.
    pub(super) fn free_path(&self, device: usize, open: &Open) -> Result<PathBuf, Failure> {
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

    pub(super) fn carried(&self, part: PartId, carried: Result<Option<PathBuf>, Failure>) {
        match carried {
            Ok(part_path) => {
                self.timeline.note([29, part.0, 0], || format!("disk: part {} carried to {part_path:?}", part.0));
                self.post(Reply::Carried { part, part_path });
            }
            Err(failure) => self.fail(part, failure),
        }
    }

    /// Takes a part file elsewhere, all of it at once.
    pub(super) fn carry_now(&self, carry: &Carry) -> Result<Option<PathBuf>, Failure> {
        let (from, to) = (device_of(&carry.part_path), device_of(&carry.folder));
        let old = &carry.part_path;
        if !self.devices.borrow()[from].exists(old) {
            return Ok(None);
        }
        if self.is_locked(from, old) {
            return Err(in_use(old));
        }
        let Some(journal) = self.devices.borrow()[from].journal(old) else {
            self.delete_now(old);
            return Ok(None);
        };
        let journal = Journal { replaces: carry.replaces.clone(), ..(*journal).clone() };
        let bytes = self.devices.borrow()[from].data(old).map(|data| data.cache.clone()).unwrap_or_default();
        if self.breaks(to) {
            return Err(eio("move"));
        }
        let open = Open {
            folder: carry.folder.clone(),
            resume: None,
            name: carry.name.clone(),
            on_exists: carry.on_exists,
            total: None,
            checksum: None,
            journal: None,
        };
        let new = self.free_path(to, &open)?;
        let devices = &mut self.devices.borrow_mut();
        let inode = devices[to].create(&new);
        let is_there = journal.done.iter().all(|range| {
            let bytes = bytes.get(range.start as usize..range.end as usize);
            bytes.is_some_and(|bytes| devices[to].write(inode, range.start, bytes))
        });
        devices[to].sync(inode);
        if is_there {
            self.remote.borrow().check_claim(&mut devices[to], &new, &journal);
        }
        if !is_there || !devices[to].write_journal(&new, journal) {
            devices[to].unlink(&new);
            return Err(full(1, &new));
        }
        devices[to].sync_names();
        for path in [old, &Journal::path_of(old)] {
            devices[from].unlink(path);
        }
        Ok(Some(new))
    }

    pub(super) fn delete_now(&self, path: &Path) {
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
}

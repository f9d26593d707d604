// SPDX-License-Identifier: GPL-3.0-or-later
//! Another folder for a download: the one it has is full, out of reach, or not the one that is wanted. What is here
//! of it is taken along (`disk/carry.rs`), as long as nothing else is at work on it; what is asked of it meanwhile
//! waits, as for the end of a run. Where it was interrupted, it is done before the download goes on. Often the
//! folder is the same by another path: its drive was plugged in elsewhere, or the grant of a sandbox has died.

use std::path::{Path, PathBuf};

use super::Book;
use crate::engine::chronicle::Happening;
use crate::engine::disk::{Carry, Look};
use crate::engine::download::state::{Input, State, WaitReason};
use crate::engine::error::{Failure, FailureClass};
use crate::engine::event::Event;
use crate::engine::item::{AfterClose, Item};
use crate::engine::types::{DownloadId, PartId};
use crate::engine::work::{Carried, Work};

impl Book {
    /// The download is saved in another folder. It goes on there, unless the user has paused it, or it has failed for
    /// something that no folder changes: a file of another checksum would be fetched anew.
    pub(super) fn relocate(&mut self, id: DownloadId, folder: PathBuf) {
        let Some(item) = self.items.get(&id).filter(|item| item.removed.is_none() && !item.is_over()) else { return };
        let goes_on = match &item.life.state {
            State::Connecting | State::Downloading => true,
            State::Failed(failure) => failure.kind.class() == FailureClass::File,
            State::Waiting { reason, .. } => matches!(reason, WaitReason::Space { .. }),
            State::Queued | State::Scheduled { .. } | State::Paused | State::Verifying | State::Completed => false,
        };
        if matches!(item.life.state, State::Connecting | State::Downloading) {
            self.input(id, Input::Pause);
        }
        self.note(id, |_| Some(Happening::Relocated { to: Box::new(folder.clone()) }));
        let Some(item) = self.items.get_mut(&id) else { return };
        let is_other = item.spec.folder != folder;
        item.spec.folder = folder;
        item.spec.otherwise = None;
        if is_other && let Some(carried) = item.work.as_mut().and_then(|work| work.carried.as_mut()) {
            // It is answered, and what is to be carried is seen anew.
            carried.is_outdated = true;
            if let Some(item) = self.items.get(&id) {
                self.give_up_carrying(item);
            }
        }
        self.carry_on(id);
        if goes_on {
            self.input(id, Input::Resume);
        }
    }

    /// Has what is here of it taken to its folder. `false`: that is where it is, or something is at work on it.
    pub(super) fn carry(&mut self, id: DownloadId) -> bool {
        let part = PartId(self.number());
        let now = self.parts.clock.now();
        let others = self.parts_of_same_address(id);
        let Some(item) = self.items.get_mut(&id).filter(|item| item.work.is_none()) else { return false };
        let Some(stray) = item.stray().cloned() else { return false };
        let carried = Carried { part_path: stray.clone(), done: 0, is_outdated: false };
        item.work = Some(Work { is_closing: true, carried: Some(carried), ..Work::new(part, now, 0) });
        self.by_part.insert(part, id);
        if item.is_unread {
            // What it replaces has to be there before, and only its journal knows of that.
            self.parts.disk.look(part, Look { others, ..item.look_again() });
        } else {
            let is_older = item.replaces.as_ref() == Some(&stray);
            let carry = Carry {
                part_path: stray,
                folder: item.spec.folder.clone(),
                name: item.name.clone(),
                on_exists: item.spec.on_exists,
                replaces: item.replaces.clone().filter(|_| !is_older),
                others,
            };
            self.parts.disk.carry(part, carry);
        }
        self.tell_changed(id);
        true
    }

    /// So many bytes of it are at their new place.
    pub(super) fn carrying(&mut self, id: DownloadId, done: u64) {
        let work = self.items.get_mut(&id).and_then(|item| item.work.as_mut());
        if let Some(carried) = work.and_then(|work| work.carried.as_mut()) {
            carried.done = done;
        }
        let now = self.snapshot(id);
        self.events.extend(now.map(|snapshot| Event::Changed(Box::new(snapshot))));
    }

    /// Its journal was read before it is carried.
    pub(super) fn looked_to_carry(&mut self, id: DownloadId) {
        self.closed(id);
        self.carry_on(id);
    }

    /// Its part file was taken along. `None`: there is none where it was, but maybe in the new folder.
    pub(super) fn carried(&mut self, id: DownloadId, part_path: Option<PathBuf>) {
        let Some(item) = self.items.get_mut(&id) else { return };
        let carried = item.work.as_mut().and_then(|work| work.carried.take());
        let from = carried.map(|carried| carried.part_path);
        if from.is_some() && item.replaces == from {
            item.replaces = part_path;
        } else if from.is_some() && item.path == from {
            item.is_astray |= part_path.is_none();
            item.path = part_path;
        }
        self.closed(id);
        self.carry_on(id);
    }

    /// Takes along what is left to be, or tells how it is.
    fn carry_on(&mut self, id: DownloadId) {
        if !self.carry(id) {
            self.tell_changed(id);
        }
    }

    /// It stays where it was; until another folder is chosen, or this one takes it, it cannot go on.
    pub(super) fn not_carried(&mut self, id: DownloadId, failure: Failure) {
        let Some(item) = self.items.get_mut(&id) else { return };
        let carried = item.work.as_mut().and_then(|work| work.carried.take());
        if carried.is_some_and(|carried| carried.is_outdated) {
            self.closed(id);
            return self.carry_on(id);
        }
        if item.after_close == AfterClose::Prepare {
            item.after_close = AfterClose::Nothing;
        }
        self.closed(id);
        if !self.is_halted {
            self.input(id, Input::Broke(failure));
            self.tell_changed(id);
        }
    }

    /// Nobody waits any more for what is carried.
    pub(super) fn give_up_carrying(&self, item: &Item) {
        if let Some(work) = item.work.as_ref().filter(|work| work.carried.is_some()) {
            self.parts.disk.give_up(work.part);
        }
    }
}

impl Item {
    /// A part file that is not in the folder where the file is to be saved. The older one first, of which the
    /// journal of the other one tells.
    fn stray(&self) -> Option<&PathBuf> {
        let is_stray = |path: &&PathBuf| path.parent() != Some(Path::new(&self.spec.folder));
        self.replaces.iter().chain(&self.path).find(is_stray)
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! The effects of the state machine: what the book has network and disk do.

use super::{Book, TICK};
use std::path::PathBuf;

use crate::engine::disk::{Finish, Found, Look};
use crate::engine::download::state::{Input, State};
use crate::engine::item::{self, AfterClose, Work};
use crate::engine::net::Request;
use crate::engine::types::{DownloadId, PartId, TransferId};

impl Book {
    pub(super) fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    /// Asks the disk what there is.
    pub(super) fn prepare(&mut self, id: DownloadId) {
        let part = PartId(self.number());
        let now = self.parts.clock.now();
        let others = self.parts_of_same_address(id);
        let Some(item) = self.items.get_mut(&id) else { return };
        if item.work.is_some() {
            item.after_close = AfterClose::Prepare;
            return;
        }
        item.work = Some(Work {
            part,
            resume: None,
            is_open: false,
            is_told_open: false,
            transfer: None,
            base: 0,
            from: 0,
            saves: 0,
            is_closing: false,
            saved_at: now,
            claimed: 0,
        });
        self.by_part.insert(part, id);
        self.active.insert(id);
        let look = Look {
            folder: item.spec.folder.clone(),
            part_path: item.path.clone(),
            url: item.spec.url.clone(),
            name: item.spec.name.clone(),
            resume: item.spec.resume,
            others,
        };
        self.parts.disk.look(part, look);
    }

    /// The part files of other downloads of the same address.
    fn parts_of_same_address(&self, id: DownloadId) -> Vec<PathBuf> {
        let url = self.items.get(&id).map(|item| &item.spec.url);
        let same = url.and_then(|url| self.by_url.get(url)).into_iter().flatten();
        let others = same.filter(|other| **other != id).filter_map(|other| self.items.get(other));
        others.filter_map(|item| item.path.clone()).collect()
    }

    pub(super) fn looked(&mut self, id: DownloadId, found: Option<Box<Found>>) {
        let Some(item) = self.items.get_mut(&id) else { return };
        match found {
            Some(found) => {
                item.adopt(found.part_path, &found.journal);
                if item.can_continue() {
                    if let Some(work) = &mut item.work {
                        work.resume.clone_from(&item.path);
                    }
                } else {
                    self.begin_anew(id);
                }
            }
            None => item.forget_bytes(),
        }
        let is_whole = self.items.get(&id).is_some_and(|item| item.map.is_complete());
        self.input(id, if is_whole { Input::Delivered } else { Input::Prepared });
    }

    /// The bytes that are here can not be continued. A part file that another answer might still
    /// continue is kept until the new one is complete; one that nothing can prove is of no use.
    pub(super) fn begin_anew(&mut self, id: DownloadId) {
        let Some(item) = self.items.get_mut(&id) else { return };
        let is_worth_keeping = item.validator.is_some() && item.map.done().bytes() > 0;
        let old = item.path.take();
        item.forget_bytes();
        if let Some(work) = &mut item.work {
            work.resume = None;
        }
        match old {
            Some(old) if is_worth_keeping && item.replaces.is_none() => item.replaces = Some(old),
            Some(old) if item.replaces.as_ref() != Some(&old) => self.parts.disk.delete(old),
            _ => {}
        }
    }

    /// Asks the server for the first missing bytes.
    pub(super) fn connect(&mut self, id: DownloadId) {
        let transfer = TransferId(self.number());
        let now = self.parts.clock.now();
        let Some(item) = self.items.get_mut(&id) else { return };
        let from = item.map.lend(transfer).map_or(0, |loan| loan.start);
        let base = item.map.done().bytes();
        item.meter.restart(now, base);
        let request = Request {
            url: item.spec.url.clone(),
            manners: item.spec.manners.clone(),
            asked: item.asked(from),
            connect_timeout: item::silence(&item.spec),
        };
        let Some(work) = &mut item.work else { return };
        work.transfer = Some(transfer);
        (work.base, work.from) = (base, from);
        self.by_transfer.insert(transfer, id);
        self.next_tick.get_or_insert(now + TICK);
        self.parts.transport.start(transfer, request);
    }

    /// Ends its transfer and gives the slot back; the part file is closed when all is saved.
    pub(super) fn stop(&mut self, id: DownloadId) {
        self.end_transfer(id);
        self.queue.release(id);
        self.active.remove(&id);
        if !self.is_closing(id) {
            self.close(id);
        }
    }

    pub(super) fn end_transfer(&mut self, id: DownloadId) {
        let Some(item) = self.items.get_mut(&id) else { return };
        if let Some(transfer) = item.work.as_mut().and_then(|work| work.transfer.take()) {
            self.by_transfer.remove(&transfer);
            self.parts.transport.cancel(transfer);
            item.map.give_back(transfer);
        }
    }

    /// Saves what has been written since the last journal, then closes. The answer to a journal
    /// comes after those to all writes before it, so when it claims all, nothing is on its way.
    pub(super) fn close(&mut self, id: DownloadId) {
        let Some(item) = self.items.get_mut(&id) else { return };
        let done = item.map.done().bytes();
        let Some(work) = &mut item.work else { return };
        let was_closing = std::mem::replace(&mut work.is_closing, true);
        if work.is_open && !(was_closing && work.claimed == done) {
            self.save_part(id);
        } else {
            self.closed(id);
        }
    }

    /// Has what was written made durable, and the journal that claims it.
    pub(super) fn save_part(&mut self, id: DownloadId) {
        let now = self.parts.clock.now();
        let Some(item) = self.items.get_mut(&id) else { return };
        let (done, journal) = (item.map.done().bytes(), item.journal());
        let Some(work) = &mut item.work else { return };
        work.saves += 1;
        (work.saved_at, work.claimed) = (now, done);
        self.parts.disk.save(work.part, journal);
    }

    /// The run is over and its part file closed.
    pub(super) fn closed(&mut self, id: DownloadId) {
        let Some(item) = self.items.get_mut(&id) else { return };
        if let Some(work) = item.work.take() {
            self.by_part.remove(&work.part);
            self.parts.disk.close(work.part);
        }
        match std::mem::take(&mut item.after_close) {
            AfterClose::Nothing => self.save_record(id),
            AfterClose::Prepare => {
                // It may have been paused again meanwhile.
                if matches!(item.life.state, State::Connecting) && !self.is_halted {
                    self.prepare(id);
                }
            }
            AfterClose::Purge => self.purge(id),
        }
    }

    pub(super) fn finish(&mut self, id: DownloadId) {
        let Some(item) = self.items.get_mut(&id) else { return };
        let open = item.open(None);
        let (Some(work), Some(total)) = (&mut item.work, item.map.total()) else { return };
        if !work.is_open {
            // Everything was there from an earlier session.
            work.is_open = true;
            self.parts.disk.open(work.part, open);
        }
        let finish = Finish {
            total,
            checksum: item.spec.checksum.clone(),
            on_exists: item.spec.on_exists,
            modified: item.modified,
            replaces: item.replaces.clone(),
        };
        self.parts.disk.finish(work.part, finish);
    }

    /// It came to its end: nothing is left to save.
    pub(super) fn release(&mut self, id: DownloadId) {
        self.queue.release(id);
        self.active.remove(&id);
        self.closed(id);
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! The effects of the state machine: what the book has network and disk do.

use super::{Book, SAVE_INTERVAL, TICK};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::engine::chronicle::Happening;
use crate::engine::disk::{Finish, Found, Look};
use crate::engine::download::state::{Input, State};
use crate::engine::item::{AfterClose, Item};
use crate::engine::types::{DownloadId, PartId};
use crate::engine::work::Work;

/// The list keeps all that is known of a download, the checksums of its pieces too: a MiB for a large one. It is
/// written this seldom while nothing but the bytes that are here changes.
const LIST_INTERVAL: Duration = Duration::from_secs(30);
/// So often a part file is looked for again before it counts as another process's.
const MOST_LOOKS: u32 = 3;

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
        self.sort(id);
        let is_carried = self.carry(id);
        let Some(item) = self.items.get_mut(&id) else { return };
        if is_carried {
            item.after_close = AfterClose::Prepare;
            return;
        }
        let most = usize::from(item.spec.connections);
        item.work = Some(Work::new(part, now, most));
        item.sources.forgive();
        item.doubt_pieces();
        self.by_part.insert(part, id);
        self.active.insert(id);
        // Also one that has nothing to fetch may ask a server something, and that be silent.
        self.next_tick.get_or_insert(now + TICK);
        self.resting.remove(&id);
        let look = item.look(others);
        // Of one address there may be part files that no journal tells of yet.
        if self.others_of_same_address(id).next().is_none() && self.parts.disk.has_nothing(part, &look) {
            return self.looked(id, None);
        }
        self.parts.disk.look(part, look);
    }

    /// Looks what the journal of a part file says, which may name an older one: both are to be deleted.
    pub(super) fn read_to_purge(&mut self, id: DownloadId) {
        let part = PartId(self.number());
        let now = self.parts.clock.now();
        let others = self.parts_of_same_address(id);
        let Some(item) = self.items.get_mut(&id) else { return };
        item.work = Some(Work { is_closing: true, ..Work::new(part, now, 0) });
        item.after_close = AfterClose::Purge;
        let look = Look { others, ..item.look_again() };
        self.by_part.insert(part, id);
        self.parts.disk.look(part, look);
    }

    /// Whether the part file that is in use may be that of another download of the same address, which was
    /// opened when this one had begun to look.
    pub(super) fn is_ours(&self, id: DownloadId) -> bool {
        let may_look =
            self.items.get(&id).and_then(|item| item.work.as_ref()).is_some_and(|work| work.looks < MOST_LOOKS);
        let is_open = |other: &Item| other.work.as_ref().is_some_and(|work| work.is_open);
        may_look && self.others_of_same_address(id).any(is_open)
    }

    /// Whether the part file that it had is open as that of another download.
    pub(super) fn has_lost_part(&self, id: DownloadId) -> bool {
        let Some(path) = self.items.get(&id).and_then(|item| item.path.as_ref()) else { return false };
        let has_it = |other: &Item| {
            let is_open = other.work.as_ref().is_some_and(|work| work.is_open);
            other.id != id && is_open && other.path.as_ref() == Some(path)
        };
        self.active.iter().filter_map(|other| self.items.get(other)).any(has_it)
    }

    /// No two records name one part file: where another one does that is not at work, its own was lost in a
    /// power cut before its name was durable, and this one has got the name since.
    pub(super) fn disown(&mut self, id: DownloadId) {
        let Some(path) = self.items.get(&id).and_then(|item| item.path.clone()) else { return };
        // Of a completed one the path is that of the file.
        let may_name_it = |other: &Item| other.id != id && other.work.is_none() && other.life.state != State::Completed;
        let names_it = |other: &&Item| may_name_it(other) && other.path.as_ref() == Some(&path);
        let resting = self.resting.iter().filter_map(|other| self.items.get(other));
        let others: Vec<_> = resting.filter(names_it).map(|other| other.id).collect();
        for other in others {
            tracing::warn!(id = %other, path = %path.display(), "its part file is another download's now");
            if let Some(item) = self.items.get_mut(&other) {
                item.forget_bytes();
            }
            self.tell_changed(other);
        }
    }

    /// Looks for a part file once more, in a run of its own. What was on its way was for the other one.
    pub(super) fn look_again(&mut self, id: DownloadId) {
        self.end_transfers(id);
        let work = self.items.get_mut(&id).and_then(|item| item.work.take());
        let Some(work) = work else { return };
        self.by_part.remove(&work.part);
        self.parts.disk.close(work.part);
        self.prepare(id);
        if let Some(again) = self.items.get_mut(&id).and_then(|item| item.work.as_mut()) {
            again.looks = work.looks + 1;
        }
    }

    /// Whether a part file is that of another download, which had this address before it got a new one.
    fn is_of_another(&self, id: DownloadId, part_path: &Path) -> bool {
        self.items.values().any(|other| other.id != id && other.path.as_deref() == Some(part_path))
    }

    fn others_of_same_address(&self, id: DownloadId) -> impl Iterator<Item = &Item> {
        let url = self.items.get(&id).map(|item| &item.spec.url);
        let same = url.and_then(|url| self.by_url.get(url)).into_iter().flatten();
        same.filter(move |other| **other != id).filter_map(|other| self.items.get(other))
    }

    /// The part files that a new one of this address must not be taken for: those of other downloads, also of
    /// those at work that had this address before they got a new one, and its own older one.
    pub(super) fn parts_of_same_address(&self, id: DownloadId) -> Vec<PathBuf> {
        let at_work = self.active.iter().filter(|other| **other != id).filter_map(|other| self.items.get(other));
        let others = self.others_of_same_address(id).chain(at_work);
        let older = self.items.get(&id).and_then(|item| item.replaces.clone());
        others.flat_map(|item| item.path.iter().chain(&item.replaces).cloned()).chain(older).collect()
    }

    pub(super) fn looked(&mut self, id: DownloadId, found: Option<Box<Found>>) {
        let Some(item) = self.items.get_mut(&id) else { return };
        (item.is_unread, item.is_astray) = (false, false);
        let is_carried = item.work.as_ref().is_some_and(|work| work.carried.is_some());
        let is_purged = item.after_close == AfterClose::Purge && item.work.as_ref().is_some_and(|work| work.is_closing);
        if is_carried || is_purged {
            // Only its own: what another file is beside the folder is nothing to this one.
            if let Some(found) = found.filter(|found| item.path.as_ref() == Some(&found.part_path)) {
                item.replaces = found.journal.replaces;
            }
            return if is_carried { self.looked_to_carry(id) } else { self.closed(id) };
        }
        let own = item.path.clone();
        let is_own = |found: &Found| own.as_ref() == Some(&found.part_path);
        let found = found.filter(|found| is_own(found) || !self.is_of_another(id, &found.part_path));
        let Some(item) = self.items.get_mut(&id) else { return };
        match found {
            Some(found) => {
                item.adopt(found.part_path, &found.journal);
                if item.can_continue() {
                    if let Some(work) = &mut item.work {
                        work.resume.clone_from(&item.path);
                    }
                    self.note(id, |item| Some(Happening::Continues { bytes: item.map.done().bytes() }));
                } else {
                    self.begin_anew(id);
                }
            }
            None => self.begin_anew(id),
        }
        if self.samples(id) {
            return;
        }
        if self.items.get(&id).is_some_and(|item| item.map.is_complete()) {
            // Pieces are checked as soon as it is open, and a checksum may have to be looked for.
            self.reopen(id);
            return self.check_delivered(id);
        }
        self.input(id, Input::Prepared);
    }

    /// Opens the part file that was found, before any server is asked.
    pub(super) fn reopen(&mut self, id: DownloadId) {
        let Some(item) = self.items.get_mut(&id) else { return };
        let open = item.open(None);
        if let Some(work) = &mut item.work {
            work.is_open = true;
            work.claimed = item.map.done().bytes();
            self.parts.disk.open(work.part, open);
        }
    }

    /// The bytes that are here cannot be continued. A part file that another answer might still
    /// continue is kept until the new one is complete; one that nothing can prove is of no use.
    pub(super) fn begin_anew(&mut self, id: DownloadId) {
        self.note(id, |item| {
            let bytes = item.map.done().bytes();
            (bytes > 0).then_some(Happening::BeginsAnew { bytes })
        });
        let Some(item) = self.items.get_mut(&id) else { return };
        item.distrust = false;
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

    /// Ends its transfers and gives the slot back; the part file is closed when all is saved.
    pub(super) fn stop(&mut self, id: DownloadId) {
        self.end_transfers(id);
        self.queue.release(id);
        self.active.remove(&id);
        if !self.is_closing(id) {
            self.close(id);
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

    /// Saves a running download, if its last journal is of a while ago and there. A device that is slower
    /// than that gets the next one at once: what is durable is never older than two of its syncs.
    pub(super) fn save_if_due(&mut self, id: DownloadId) {
        let now = self.parts.clock.now();
        let Some(item) = self.items.get(&id) else { return };
        let done = item.map.done().bytes();
        let is_due = item.work.as_ref().is_some_and(|work| {
            let is_free = work.is_under_way() && work.saves == 0;
            is_free && work.claimed != done && now - work.saved_at >= SAVE_INTERVAL
        });
        if is_due && matches!(item.life.state, State::Downloading) {
            self.save_part(id);
            self.save_progress(id);
        }
    }

    /// Tells the list how much has come. A journal says it better: only what is not looked at again after a crash
    /// is shown by the list.
    fn save_progress(&mut self, id: DownloadId) {
        let now = self.parts.clock.now();
        let Some(work) = self.items.get_mut(&id).and_then(|item| item.work.as_mut()) else { return };
        if now - work.listed_at >= LIST_INTERVAL {
            work.listed_at = now;
            self.save_record(id);
        }
    }

    /// Has what was written made durable, and the journal that claims it.
    pub(super) fn save_part(&mut self, id: DownloadId) {
        let now = self.parts.clock.now();
        let Some(item) = self.items.get_mut(&id) else { return };
        let (done, journal) = (item.map.done().bytes(), item.journal());
        let Some(work) = &mut item.work else { return };
        work.saves += 1;
        // The next one comes a tick after what waits in memory is handed to the disk, so that it claims that too.
        (work.saved_at, work.claimed) = (now.min(self.flushed_at + TICK), done);
        self.parts.disk.save(work.part, journal);
    }

    /// The run is over and its part file closed.
    pub(super) fn closed(&mut self, id: DownloadId) {
        let Some(item) = self.items.get_mut(&id) else { return };
        item.map.forget_on_way();
        if let Some(work) = item.work.take() {
            self.by_part.remove(&work.part);
            self.parts.disk.close(work.part);
            self.parts.transport.set_download_rate(id, None);
        }
        if item.path.is_some() && item.life.state != State::Completed {
            self.resting.insert(id);
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
        let checksum = item.checksum().cloned();
        let (Some(work), Some(total)) = (&mut item.work, item.map.total()) else { return };
        // Without a list nothing tells what an earlier process had begun.
        let may_be_there = work.resume.is_none() && (item.is_from_list || self.parts.store.is_none());
        let finish = Finish {
            total,
            checksum,
            on_exists: item.spec.on_exists,
            modified: item.modified,
            replaces: item.replaces.clone(),
            may_be_there: may_be_there.then_some(self.began_at),
        };
        self.parts.disk.finish(work.part, finish);
    }

    /// It came to its end: nothing is left to save.
    pub(super) fn release(&mut self, id: DownloadId) {
        self.end_transfers(id);
        self.queue.release(id);
        self.active.remove(&id);
        self.closed(id);
    }
}

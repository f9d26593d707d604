// SPDX-License-Identifier: GPL-3.0-or-later
//! What network and disk tell, taken to the downloads they speak of.

use super::{Book, SMALL_FILE};
use crate::engine::disk::Reply;
use crate::engine::download::retry::LONGEST_WAIT;
use crate::engine::download::state::Input;
use crate::engine::error::{Failure, FailureKind};
use crate::engine::event::Event;
use crate::engine::net::TransferEvent;
use crate::engine::net::proof::Answer;
use crate::engine::queue::Host;
use crate::engine::types::{DownloadId, TransferId};

impl Book {
    pub fn transfer_event(&mut self, event: TransferEvent) {
        match event {
            TransferEvent::Answered { id: transfer, answer } => {
                if let Some(id) = self.by_transfer.get(&transfer).copied() {
                    self.answered(id, transfer, &answer);
                }
            }
            TransferEvent::Ended { id: transfer, result } => {
                if let Some(id) = self.by_transfer.remove(&transfer) {
                    self.ended(id, transfer, result);
                }
            }
        }
    }

    fn answered(&mut self, id: DownloadId, transfer: TransferId, answer: &Answer) {
        let begins_anew = self.items.get(&id).is_some_and(|item| {
            let goes_back = item.work.as_ref().is_some_and(|work| answer.start < work.from);
            let has_changed = item.map.total().is_some_and(|known| answer.total != Some(known));
            goes_back || (answer.start == 0 && has_changed)
        });
        if begins_anew {
            self.begin_anew(id);
            if let Some(item) = self.items.get_mut(&id) {
                item.map.lend(transfer);
            }
        }
        let now = self.parts.clock.now();
        let Some(item) = self.items.get_mut(&id) else { return };
        item.learn(answer);
        let base = item.map.done().bytes();
        item.meter.restart(now, base);
        let is_long = item.map.total().is_none_or(|total| total > SMALL_FILE);
        let open = item.open(is_long.then(|| Box::new(item.journal())));
        let Some(work) = &mut item.work else { return };
        work.base = base;
        work.is_open = true;
        work.claimed = base;
        self.parts.disk.open(work.part, open);
        self.parts.transport.attach(transfer, work.part);
        self.input(id, Input::Responded);
    }

    fn ended(&mut self, id: DownloadId, transfer: TransferId, result: Result<u64, Failure>) {
        let now = self.parts.clock.now();
        let Some(item) = self.items.get_mut(&id) else { return };
        item.map.give_back(transfer);
        let from = item.work.as_ref().map_or(0, |work| work.from);
        if let Some(work) = &mut item.work {
            work.transfer = None;
        }
        match result {
            Ok(end) => {
                match item.map.total() {
                    None => item.map.set_total(end),
                    Some(total) if end < total => {
                        let detail = format!("{end} of {total} bytes came");
                        return self.input(id, Input::Broke(Failure::new(FailureKind::EndedEarly, detail)));
                    }
                    Some(_) => {}
                }
                self.check_delivered(id);
            }
            Err(failure) => {
                if let Some(wait) = failure.retry_after {
                    self.queue.hold_back(Host::of(&item.spec.url), now + wait.min(LONGEST_WAIT));
                }
                match failure.kind {
                    FailureKind::UninvitedEncoding if !item.decode => {
                        // Ask again, and undo the compression it insists on.
                        item.decode = true;
                        return self.connect(id);
                    }
                    FailureKind::WrongRange if from > 0 => item.distrust = true,
                    _ => {}
                }
                self.input(id, Input::Broke(failure));
            }
        }
    }

    /// All bytes are given to the disk; it is delivered when they are written.
    pub(super) fn check_delivered(&mut self, id: DownloadId) {
        let is_delivered = self.items.get(&id).is_some_and(|item| {
            item.map.is_complete() && item.work.as_ref().is_some_and(|work| work.is_open && work.transfer.is_none())
        });
        if is_delivered {
            self.input(id, Input::Delivered);
        }
    }

    pub fn disk_reply(&mut self, reply: Reply) {
        let part = match &reply {
            Reply::Looked { part, .. }
            | Reply::Opened { part, .. }
            | Reply::Written { part, .. }
            | Reply::Saved { part }
            | Reply::Verifying { part, .. }
            | Reply::Finished { part, .. }
            | Reply::Failed { part, .. } => *part,
        };
        let Some(id) = self.by_part.get(&part).copied() else { return };
        match reply {
            Reply::Looked { found, .. } => self.looked(id, found),
            Reply::Opened { part_path, .. } => {
                if let Some(item) = self.items.get_mut(&id) {
                    item.path = Some(part_path);
                    if let Some(work) = &mut item.work {
                        work.is_told_open = true;
                    }
                }
                let opened = self.snapshot(id);
                self.events.extend(opened.map(|snapshot| Event::Changed(Box::new(snapshot))));
                self.save_record(id);
            }
            Reply::Written { range, .. } => {
                let Some(item) = self.items.get_mut(&id) else { return };
                item.map.mark_done(range);
                let done = item.map.done().bytes();
                // Bytes that had been here before are none; nor are empty ranges, which only tell of room.
                let is_progress = done > item.best;
                item.best = item.best.max(done);
                if is_progress && item.life.failures > 0 {
                    self.input(id, Input::Advanced);
                }
                self.check_delivered(id);
            }
            Reply::Saved { .. } => {
                let Some(work) = self.items.get_mut(&id).and_then(|item| item.work.as_mut()) else { return };
                work.saves = work.saves.saturating_sub(1);
                if work.is_closing && work.saves == 0 {
                    self.close(id);
                }
            }
            Reply::Verifying { done, .. } => {
                if let Some(item) = self.items.get(&id) {
                    let progress = item.progress(done);
                    self.events.push_back(Event::Progressed { id, progress });
                }
            }
            Reply::Finished { path, .. } => {
                if let Some(item) = self.items.get_mut(&id) {
                    if let Some(name) = path.file_name() {
                        item.name = name.to_string_lossy().into_owned();
                    }
                    item.path = Some(path);
                    item.verified.clone_from(&item.spec.checksum);
                    item.replaces = None;
                }
                self.input(id, Input::Finished);
            }
            Reply::Failed { failure, .. } => {
                if let Some(work) = self.items.get_mut(&id).and_then(|item| item.work.as_mut()) {
                    // A part file that could not be opened has nothing to save.
                    work.is_open &= work.is_told_open;
                }
                if self.is_closing(id) {
                    tracing::warn!(%id, "what came last could not be saved: {failure}");
                    self.closed(id);
                } else {
                    self.input(id, Input::Broke(failure));
                }
            }
        }
    }

    pub(super) fn is_closing(&self, id: DownloadId) -> bool {
        let work = self.items.get(&id).and_then(|item| item.work.as_ref());
        work.is_some_and(|work| work.is_closing)
    }
}

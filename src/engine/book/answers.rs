// SPDX-License-Identifier: GPL-3.0-or-later
//! What network and disk tell, taken to the downloads they speak of.

use super::segments::may_be_cut;
use super::{Book, SMALL_FILE, pieces, small};
use crate::engine::chronicle::Happening;
use crate::engine::disk::Reply;
use crate::engine::download::state::Input;
use crate::engine::error::{Failure, FailureKind};
use crate::engine::event::Event;
use crate::engine::item::Item;
use crate::engine::net::proof::Answer;
use crate::engine::net::{Fetched, TransferEvent};
use crate::engine::sources::Standing;
use crate::engine::types::{ByteRange, DownloadId, TransferId};
use crate::engine::work::Work;

impl Book {
    pub fn transfer_event(&mut self, event: TransferEvent) {
        match event {
            TransferEvent::Answered { id: transfer, answer } => {
                if let Some(id) = self.by_transfer.get(&transfer).copied() {
                    self.answered(id, transfer, *answer);
                }
            }
            TransferEvent::Ended { id: transfer, end, result } => {
                if let Some(id) = self.by_transfer.remove(&transfer) {
                    self.ended(id, transfer, end, result);
                }
            }
            TransferEvent::Fetched { id: transfer, result } => match self.by_transfer.remove(&transfer) {
                Some(id) => self.fetched(id, transfer, result),
                None => self.fetched_head(transfer, result),
            },
        }
    }

    pub(super) fn fetched(&mut self, id: DownloadId, transfer: TransferId, result: Result<Fetched, Failure>) {
        let work = self.items.get(&id).and_then(|item| item.work.as_ref());
        if work.is_some_and(|work| work.renewal.as_ref().is_some_and(|renewal| renewal.transfer == Some(transfer))) {
            self.sampled(id, result);
        } else {
            self.looked_beside(id, result.ok());
        }
    }

    fn answered(&mut self, id: DownloadId, transfer: TransferId, mut answer: Answer) {
        let Some(item) = self.items.get(&id) else { return };
        let is_further = item.work.as_ref().is_some_and(|work| work.is_open);
        let misfit = item.misfit(answer.total);
        let unfit = match item.spec.size {
            Some(size) if answer.total.is_some_and(|total| total != size) => {
                let detail = format!("the file has {} bytes, not the {size} it should have", answer.total.unwrap_or(0));
                Some(Failure::new(FailureKind::ChangedOnServer, detail))
            }
            _ if misfit.is_some() => misfit.map(|detail| Failure::new(FailureKind::ChangedOnServer, detail)),
            _ if is_further && !answer.continues => {
                let detail = "the whole file came in place of a range of it".to_owned();
                Some(Failure::new(FailureKind::WrongRange, detail))
            }
            _ if !answer.continues && self.is_unproven(id, transfer, &answer) => {
                let detail = "nothing shows that this mirror, which only a server named, has the same file".to_owned();
                Some(Failure::new(FailureKind::WrongRange, detail))
            }
            _ if !answer.continues && item.is_page_in_place_of_file(&answer) => {
                let what = answer.media_type.as_deref().unwrap_or_default();
                let detail = format!("{what} came in place of the rest of the file: the link may have expired");
                Some(Failure::new(FailureKind::ChangedOnServer, detail))
            }
            _ => None,
        };
        if let Some(failure) = unfit {
            self.cancel(transfer);
            return self.failed(id, transfer, None, failure);
        }
        if !is_further {
            let assumes_total = answer.total.is_none();
            answer.total = self.items.get(&id).and_then(|item| item.total_of(&answer));
            self.answered_first(id, transfer, &answer, assumes_total);
        }
        self.note_answer(id, transfer, &answer, is_further);
        let now = self.parts.clock.now();
        let Some(item) = self.items.get_mut(&id) else { return };
        let Some(work) = &mut item.work else { return };
        self.parts.transport.attach(transfer, work.part);
        let start = item.map.loan(transfer).map_or(0, |loan| loan.start);
        if let Some(running) = work.transfers.get_mut(&transfer) {
            running.answered_at = Some(now);
            running.counted = start;
            running.meter.restart(now, 0);
            running.contact = Some(answer.contact.clone());
            work.setup = now - running.started_at;
            if let Some(source) = item.sources.get_mut(running.source) {
                source.standing = Standing::Good;
                source.validator.clone_from(&answer.validator);
                source.contact = Some(answer.contact.clone());
            }
        }
        if item.map.total().is_none_or(may_be_cut) {
            self.climb_at(id, Some(now));
        }
        if is_further {
            self.relieve_lender(id, transfer);
        }
        self.input(id, Input::Responded);
    }

    fn note_answer(&mut self, id: DownloadId, transfer: TransferId, answer: &Answer, is_further: bool) {
        let addresses = &answer.contact.addresses;
        if let Some(to) = addresses.last().filter(|_| addresses.len() > 1 && !is_further) {
            self.note(id, |_| Some(Happening::Redirected { to: Box::new(to.clone()) }));
        }
        self.note(id, |item| {
            let end = item.map.loan(transfer).and_then(|loan| loan.end);
            let host = answer.url.as_ref().and_then(|url| url.host_str()).unwrap_or_default().into();
            Some(Happening::Answered { host, from: answer.start, to: end.or(answer.end) })
        });
    }

    /// Whether a file begins at a mirror that is one only by the word of a server, and that neither pieces
    /// nor the validator will show to be the same.
    fn is_unproven(&self, id: DownloadId, transfer: TransferId, answer: &Answer) -> bool {
        let Some(item) = self.items.get(&id) else { return false };
        let running = item.work.as_ref().and_then(|work| work.transfers.get(&transfer));
        let Some(running) = running.filter(|running| running.source > 0) else { return false };
        let Some(source) = item.sources.get(running.source) else { return false };
        let is_same = item.validator.is_some() && item.validator == answer.validator;
        !item.spec.mirrors.contains(&source.url) && !is_same && item.spec.pieces.is_none()
    }

    /// The answer to the probe, or to the first request of a continued download: it says what the file
    /// is, and the part file is opened. `assumes_total`: the length in it is one that was told before.
    fn answered_first(&mut self, id: DownloadId, transfer: TransferId, answer: &Answer, assumes_total: bool) {
        let begins_anew = self.items.get(&id).is_some_and(|item| {
            let had_bytes = item.map.done().bytes() > 0;
            let has_changed = item.map.total().is_some_and(|known| answer.total != Some(known));
            !answer.continues && (had_bytes || has_changed)
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
        self.settle_folder(id);
        let Some(item) = self.items.get_mut(&id) else { return };
        if !answer.continues {
            let source =
                item.work.as_ref().and_then(|work| work.transfers.get(&transfer)).map(|running| running.source);
            let source = source.filter(|source| *source > 0).and_then(|source| item.sources.get(source));
            item.origin = source.map(|source| source.url.clone());
        }
        let done = item.map.done().bytes();
        item.meter.restart(now, done);
        let is_long = item.map.total().is_none_or(|total| total > SMALL_FILE);
        let open = item.open(is_long.then(|| Box::new(item.journal())));
        let Some(work) = &mut item.work else { return };
        work.assumes_total = assumes_total;
        work.is_open = true;
        work.claimed = done;
        self.parts.disk.open(work.part, open);
    }

    fn ended(&mut self, id: DownloadId, transfer: TransferId, end: Option<u64>, result: Result<(), Failure>) {
        let Some(item) = self.items.get_mut(&id) else { return };
        let wanted = item.map.loan(transfer).and_then(|loan| loan.end);
        let came = end.unwrap_or_default();
        match (result, wanted) {
            (Err(failure), _) => return self.failed(id, transfer, end, failure),
            (Ok(()), Some(wanted)) if came < wanted => {
                // The file may end here, and the answer that told of more have been wrong.
                item.distrust |= item.work.as_ref().is_some_and(|work| work.assumes_total);
                let detail = format!("{came} of {wanted} bytes came");
                return self.failed(id, transfer, end, Failure::new(FailureKind::EndedEarly, detail));
            }
            (Ok(()), Some(_)) => {}
            (Ok(()), None) => {
                item.map.set_total(came);
                if let Some(misfit) = item.misfit(Some(came)) {
                    return self.failed(id, transfer, end, Failure::new(FailureKind::ChangedOnServer, misfit));
                }
                // Where they lie was not known while they were written.
                self.check_all_pieces(id);
            }
        }
        self.forget(id, transfer, end);
        if let Some(work) = self.items.get_mut(&id).and_then(|item| item.work.as_mut()) {
            work.trouble = None;
        }
        self.ended_well(id);
    }

    /// Nothing is left to be done for what a transfer was to bring.
    pub(super) fn ended_well(&mut self, id: DownloadId) {
        self.end_needless(id);
        self.check_delivered(id);
        self.go_on(id);
    }

    /// Whether there is progress: bytes that had been here before are none.
    pub(super) fn advanced(&mut self, id: DownloadId, bytes: impl Fn(&Item) -> u64) {
        let Some(item) = self.items.get_mut(&id) else { return };
        let bytes = bytes(item);
        let is_progress = bytes > item.best;
        item.best = item.best.max(bytes);
        if is_progress && item.life.failures > 0 {
            self.input(id, Input::Advanced);
        }
    }

    /// After a transfer has come to its end: others begin where something is left to do.
    pub(super) fn go_on(&mut self, id: DownloadId) {
        let Some(item) = self.items.get(&id).filter(|item| pieces::is_under_way(item)) else { return };
        // The run that ends has nothing to fetch any more, though the next one is granted already.
        let Some(work) = item.work.as_ref().filter(|work| work.is_fetching()) else { return };
        let is_idle = work.transfers.is_empty();
        if is_idle && !item.map.missing().is_empty() {
            // Else when there is room: this is looked at a few times a second.
            if self.may_connect(id) {
                self.connect(id);
            }
        } else {
            self.spread(id);
        }
    }

    /// All bytes are given to the disk; it is delivered when they are written, a small file at once.
    pub(super) fn check_delivered(&mut self, id: DownloadId) {
        let is_delivered = self.items.get(&id).is_some_and(|item| {
            let is_ready = |work: &Work| work.is_fetching() && work.transfers.is_empty();
            item.work.as_ref().is_some_and(is_ready)
                && (item.map.is_complete() || small::is_given(item))
                && item.is_proven()
                && pieces::is_under_way(item)
        });
        if is_delivered && self.is_settled(id) && !self.looks_beside(id) {
            self.input(id, Input::Delivered);
        }
    }

    /// Whether nothing more will be written. Only pieces need it: what two transfers bring twice may still
    /// be on its way when all bytes are here, and the piece that it falls into was proven before.
    fn is_settled(&mut self, id: DownloadId) -> bool {
        let Some(item) = self.items.get_mut(&id).filter(|item| item.spec.pieces.is_some()) else { return true };
        let Some(work) = &mut item.work else { return true };
        match work.is_settled {
            Some(is_settled) => is_settled,
            None => {
                work.is_settled = Some(false);
                // Its answer comes after those to all writes.
                self.save_part(id);
                false
            }
        }
    }

    pub fn disk_reply(&mut self, reply: Reply) {
        let part = match &reply {
            Reply::Looked { part, .. }
            | Reply::Opened { part, .. }
            | Reply::Written { part, .. }
            | Reply::Saved { part }
            | Reply::Checked { part, .. }
            | Reply::Read { part, .. }
            | Reply::Verifying { part, .. }
            | Reply::Carrying { part, .. }
            | Reply::Carried { part, .. }
            | Reply::Finished { part, .. }
            | Reply::Failed { part, .. } => *part,
        };
        let Some(id) = self.by_part.get(&part).copied() else { return };
        match reply {
            Reply::Looked { found, .. } => self.looked(id, found),
            Reply::Opened { part_path, reach, .. } => {
                if let Some(item) = self.items.get_mut(&id) {
                    item.path = Some(part_path);
                    if let Some(work) = &mut item.work {
                        work.is_told_open = true;
                        work.reach = reach;
                    }
                }
                self.tell_changed(id);
                self.disown(id);
                self.check_all_pieces(id);
                self.spread(id);
            }
            Reply::Written { range, .. } => {
                let Some(item) = self.items.get_mut(&id) else { return };
                if item.map.done().overlaps(range) {
                    self.doubt(id, range);
                }
                let Some(item) = self.items.get_mut(&id) else { return };
                item.map.mark_done(range);
                self.advanced(id, |item| item.map.done().bytes());
                self.end_needless(id);
                self.check_pieces(id, range);
                self.check_delivered(id);
            }
            Reply::Saved { .. } => {
                let Some(work) = self.items.get_mut(&id).and_then(|item| item.work.as_mut()) else { return };
                work.saves = work.saves.saturating_sub(1);
                if work.saves > 0 {
                    return;
                }
                if work.is_closing {
                    return self.close(id);
                }
                if work.is_settled == Some(false) {
                    work.is_settled = Some(true);
                    self.check_delivered(id);
                }
                self.save_if_due(id);
            }
            Reply::Checked { range, is_right, .. } => self.checked(id, range, is_right),
            Reply::Read { range, bytes, .. } => self.read(id, range, &bytes),
            Reply::Carried { part_path, .. } => self.carried(id, part_path),
            Reply::Carrying { done, .. } => self.carrying(id, done),
            Reply::Verifying { done, .. } => {
                if let Some(item) = self.items.get(&id).filter(|item| item.removed.is_none()) {
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
                    if let Some(total) = item.map.total() {
                        item.map.mark_done(ByteRange::new(0, total));
                    }
                    item.verified = item.checksum().cloned();
                    item.replaces = None;
                }
                self.note(id, |item| Some(Happening::Verified(Box::new(item.verified.clone()?))));
                self.note(id, |item| Some(Happening::Moved { to: Box::new(item.path.clone()?) }));
                self.input(id, Input::Finished);
            }
            Reply::Failed { failure, .. } if self.is_carrying(id) => self.not_carried(id, failure),
            // Its own was lost, and another download has begun one of the same name since.
            Reply::Failed { failure, .. } if failure.kind == FailureKind::PartInUse && self.has_lost_part(id) => {
                if let Some(item) = self.items.get_mut(&id) {
                    item.path = None;
                }
                self.look_again(id);
            }
            // Not by another process, but by another download of this address, of which it was not yet told.
            Reply::Failed { failure, .. } if failure.kind == FailureKind::PartInUse && self.is_ours(id) => {
                self.look_again(id);
            }
            Reply::Failed { failure, .. } => {
                if let (FailureKind::ChecksumMismatch { .. }, Some(item)) = (&failure.kind, self.items.get_mut(&id)) {
                    // Nothing of it is known to be right: to try again is to fetch it again, as nothing proves
                    // it now. It is all here as long as that has not begun, for `Command::Keep`.
                    item.validator = None;
                    item.best = 0;
                    // Not even if a new address has the same bytes.
                    item.distrust = true;
                }
                if let (FailureKind::DiskFull { .. }, Some(item)) = (&failure.kind, self.items.get_mut(&id)) {
                    item.lacked_space = true;
                }
                if let Some(work) = self.items.get_mut(&id).and_then(|item| item.work.as_mut()) {
                    // A part file that could not be opened has nothing to save.
                    work.is_open &= work.is_told_open;
                    // No answer comes to a journal that could not be written.
                    work.saves = 0;
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

    fn is_carrying(&self, id: DownloadId) -> bool {
        let work = self.items.get(&id).and_then(|item| item.work.as_ref());
        work.is_some_and(|work| work.carried.is_some())
    }

    pub(super) fn is_closing(&self, id: DownloadId) -> bool {
        let work = self.items.get(&id).and_then(|item| item.work.as_ref());
        work.is_some_and(|work| work.is_closing)
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Pieces whose checksums are known (a metalink's): each is held against its own as soon as it is on
//! disk, and a wrong one is fetched again, from elsewhere if there is such a place.

use std::collections::BTreeSet;

use super::Book;
use crate::engine::chronicle::Happening;
use crate::engine::download::state::{Input, State};
use crate::engine::error::{Failure, FailureKind};
use crate::engine::item::Item;
use crate::engine::sources::Standing;
use crate::engine::types::{ByteRange, DownloadId};

/// So often one piece may come wrong before the download is given up.
const MOST_WRONG: u32 = 3;

impl Book {
    /// Has those pieces checked that these bytes have completed.
    pub(super) fn check_pieces(&mut self, id: DownloadId, written: ByteRange) {
        let Some(item) = self.items.get_mut(&id) else { return };
        let (Some(pieces), Some(total)) = (&item.spec.pieces, item.map.total()) else { return };
        let Some(part) = item.work.as_ref().map(|work| work.part) else { return };
        let whole = item.map.done().run_at(written.start);
        // Those that end or begin in what was written, too.
        let near = ByteRange {
            start: written.start.saturating_sub(pieces.length).max(whole.start),
            end: written.end.saturating_add(pieces.length).min(whole.end),
        };
        for index in pieces.of(near, total) {
            if item.proven.contains(&index) || item.in_question.contains_key(&index) {
                continue;
            }
            item.in_question.insert(index, false);
            if let (Some(range), Some(wanted)) = (pieces.range(index, total), pieces.checksum(index)) {
                self.parts.disk.check(part, range, wanted);
            }
        }
    }

    /// These bytes were written once more: where two transfers meet, both may bring some. What was proven
    /// of them is proven no longer, and what is being checked has to be checked again.
    pub(super) fn doubt(&mut self, id: DownloadId, again: ByteRange) {
        let Some(item) = self.items.get_mut(&id) else { return };
        let (Some(pieces), Some(total)) = (&item.spec.pieces, item.map.total()) else { return };
        let is_in = |index: &usize| pieces.range(*index, total).is_some_and(|range| range.overlaps(&again));
        item.proven.retain(|index| !is_in(index));
        for (_, is_stale) in item.in_question.iter_mut().filter(|(index, _)| is_in(index)) {
            *is_stale = true;
        }
    }

    /// Has all pieces checked that an earlier run has left.
    pub(super) fn check_all_pieces(&mut self, id: DownloadId) {
        let runs = self.items.get(&id).map(|item| item.map.done().to_vec()).unwrap_or_default();
        for run in runs {
            self.check_pieces(id, run);
        }
    }

    pub(super) fn checked(&mut self, id: DownloadId, range: ByteRange, is_right: bool) {
        let Some(item) = self.items.get_mut(&id) else { return };
        let Some(length) = item.spec.pieces.as_ref().map(|pieces| pieces.length.max(1)) else { return };
        let index = usize::try_from(range.start / length).unwrap_or(usize::MAX);
        let is_stale = item.in_question.remove(&index).unwrap_or_default();
        if is_stale {
            return self.check_pieces(id, range);
        }
        if is_right {
            item.proven.insert(index);
            return self.check_delivered(id);
        }
        let suppliers: Vec<_> = suppliers(item, range).into_iter().collect();
        item.map.mark_wrong(range);
        item.supplied.retain(|(bytes, _)| !bytes.overlaps(&range));
        let times = item.wrong.entry(index).or_default();
        *times += 1;
        let times = *times;
        let expected = item.spec.pieces.as_ref().and_then(|pieces| pieces.checksum(index));
        tracing::warn!(%id, %range, times, "a piece is wrong and is fetched again");
        self.note(id, |_| Some(Happening::WrongPiece { from: range.start, to: range.end }));
        match expected {
            Some(expected) if times >= MOST_WRONG => {
                let detail = format!("the bytes {range} came wrong {times} times");
                let kind = FailureKind::ChecksumMismatch { expected, actual: String::new() };
                self.input(id, Input::Broke(Failure::new(kind, detail)));
            }
            _ => {
                if let [source] = suppliers[..] {
                    self.blame(id, source);
                } else if let Some(work) = self.items.get_mut(&id).and_then(|item| item.work.as_mut()) {
                    // One at a time it shows who it was.
                    work.most = 1;
                }
                self.go_on(id);
            }
        }
    }

    /// A source that gave wrong bytes is not asked again, if there is another one.
    fn blame(&mut self, id: DownloadId, source: usize) {
        let Some(item) = self.items.get_mut(&id) else { return };
        if !item.sources.has_other_than(source, |_| true) {
            // Maybe it gives the right ones yet, but not with more connections.
            if let Some(work) = &mut item.work {
                work.most = 1;
            }
            return;
        }
        if let Some(source) = item.sources.get_mut(source) {
            source.standing = Standing::Different("it gave wrong bytes".to_owned());
        }
        let transfers = item.work.as_ref().map(|work| &work.transfers);
        let its = transfers.into_iter().flatten().filter(|(_, running)| running.source == source);
        let its: Vec<_> = its.map(|(transfer, _)| *transfer).collect();
        for transfer in its {
            self.end_transfer(id, transfer);
        }
    }
}

impl Item {
    /// Why a file of this length cannot be the one that the pieces are of.
    pub fn misfit(&self, total: Option<u64>) -> Option<String> {
        let misfit = self.spec.pieces.as_ref()?.check(total?).err()?;
        Some(format!("the checksums of its pieces are of another file: {misfit}"))
    }

    /// Whether all pieces are proven, where any are known.
    pub fn is_proven(&self) -> bool {
        self.spec.pieces.as_ref().is_none_or(|pieces| self.proven.len() >= pieces.hashes.len())
    }

    /// A new run: what is on disk has to be looked at again.
    pub fn doubt_pieces(&mut self) {
        self.proven.clear();
        self.in_question.clear();
        self.supplied.clear();
        self.wrong.clear();
    }
}

/// Who gave wrong bytes, if it can be told; all of them if a piece came from several.
fn suppliers(item: &Item, range: ByteRange) -> BTreeSet<usize> {
    let ended = item.supplied.iter().filter(|(bytes, _)| bytes.overlaps(&range)).map(|(_, source)| *source);
    let work = item.work.as_ref();
    let running = item.map.loans().filter_map(|(transfer, loan)| {
        let source = work?.transfers.get(&transfer)?.source;
        ByteRange { start: loan.start, end: loan.end.unwrap_or(u64::MAX) }.overlaps(&range).then_some(source)
    });
    ended.chain(running).collect()
}

/// Only what runs, or is about to, has pieces to wait for.
pub(super) fn is_under_way(item: &Item) -> bool {
    matches!(item.life.state, State::Connecting | State::Downloading)
}

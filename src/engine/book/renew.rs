// SPDX-License-Identifier: GPL-3.0-or-later
//! A new address for a download whose old one has expired: what is on disk is kept only if the new
//! address leads to the same file, by its length, and by its validator or by samples of its bytes. Where
//! no validator ties the samples to what comes after them, each request for the rest goes back over some
//! bytes that are here, and nothing of its answer is written that does not begin with these.

use url::Url;

use super::Book;
use crate::engine::chronicle::Happening;
use crate::engine::download::state::Input;
use crate::engine::error::{Failure, FailureKind};
use crate::engine::item::Item;
use crate::engine::net::{Asked, Fetched};
use crate::engine::sources::Sources;
use crate::engine::types::{ByteRange, DownloadId, TransferId};
use crate::engine::work::{Overlap, Renewal};

/// So many bytes of each sample, so many samples: at the begin, in the middle and at the end of what
/// is on disk.
const SAMPLE: u64 = 16 * 1024;
const SAMPLES: u64 = 3;

impl Book {
    /// The download goes on from another address.
    pub(super) fn renew(&mut self, id: DownloadId, url: Url) {
        let Some(item) = self.items.get(&id).filter(|item| item.removed.is_none() && !item.is_over()) else { return };
        let old = item.spec.url.clone();
        self.input(id, Input::Pause);
        self.note(id, |_| Some(Happening::Renewed { to: Box::new(url.clone()) }));
        self.leave_address(id, &old);
        self.by_url.entry(url.clone()).or_default().push(id);
        if let Some(item) = self.items.get_mut(&id) {
            item.sources = Sources::new(&url, &item.spec.mirrors);
            // What was given for the old server is not the new one's to know.
            item.spec.manners = item.spec.manners.towards(&url, &old);
            item.spec.url = url;
            item.origin.get_or_insert(old);
            item.is_renewed = true;
        }
        self.save_record(id);
        self.input(id, Input::Resume);
    }

    /// Begins to compare what is on disk with what the new address has; `false` if there is nothing to
    /// compare.
    pub(super) fn samples(&mut self, id: DownloadId) -> bool {
        let Some(item) = self.items.get_mut(&id).filter(|item| item.is_renewed) else { return false };
        let mut ranges = samples_of(item);
        if ranges.is_empty() {
            (item.is_renewed, item.origin) = (false, None);
            return false;
        }
        ranges.reverse();
        if let Some(work) = &mut item.work {
            work.renewal = Some(Renewal { ranges, transfer: None, told: None, fetched: None });
        }
        self.reopen(id);
        self.sample(id);
        true
    }

    fn sample(&mut self, id: DownloadId) {
        let transfer = TransferId(self.number());
        let Some(item) = self.items.get_mut(&id) else { return };
        let total = item.map.total();
        let Some(renewal) = item.work.as_mut().and_then(|work| work.renewal.as_mut()) else { return };
        let Some(range) = renewal.ranges.last().copied() else { return };
        renewal.transfer = Some(transfer);
        let url = item.spec.url.clone();
        // All samples have to be of one version.
        let validator = renewal.told.clone().flatten();
        let asked = Asked { range: Some(range), total, validator, ..Asked::default() };
        self.fetch(id, transfer, url, asked, SAMPLE as usize);
    }

    pub(super) fn sampled(&mut self, id: DownloadId, result: Result<Fetched, Failure>) {
        let Some(item) = self.items.get_mut(&id) else { return };
        let (known, total) = (item.validator.clone(), item.map.total());
        let Some(work) = &mut item.work else { return };
        let Some(renewal) = &mut work.renewal else { return };
        renewal.transfer = None;
        let Some(range) = renewal.ranges.last().copied() else { return };
        let fetched = match result {
            Ok(fetched) => fetched,
            Err(failure) if failure.kind == FailureKind::WrongRange => return self.is_other_file(id, failure.detail),
            Err(failure) => return self.input(id, Input::Broke(failure)),
        };
        if !fetched.answer.continues || fetched.answer.total != total {
            return self.is_other_file(id, format!("{:?} bytes in place of {total:?}", fetched.answer.total));
        }
        let validator = fetched.answer.validator.clone();
        if known.is_some() && validator == known {
            // The same tag or date, and the same length: no byte need be compared.
            renewal.ranges.truncate(1);
            renewal.told = Some(validator);
        } else if *renewal.told.get_or_insert_with(|| validator.clone()) != validator {
            renewal.told = Some(None);
        }
        renewal.fetched = Some(fetched);
        self.parts.disk.read(work.part, range);
    }

    /// The bytes on disk, to be held against those of the new address.
    pub(super) fn read(&mut self, id: DownloadId, range: ByteRange, bytes: &[u8]) {
        let Some(item) = self.items.get_mut(&id) else { return };
        let Some(work) = item.work.as_mut() else { return };
        let Some(renewal) = &mut work.renewal else { return self.read_overlap(id, range, bytes) };
        let Some(fetched) = renewal.fetched.take() else { return };
        if fetched.bytes != bytes {
            return self.is_other_file(id, format!("its bytes {range} are others"));
        }
        renewal.ranges.pop();
        if !renewal.ranges.is_empty() {
            return self.sample(id);
        }
        item.validator = renewal.told.take().flatten();
        if item.validator.is_some() {
            (item.is_renewed, item.origin) = (false, None);
            if let Some(source) = item.sources.get_mut(0) {
                source.validator.clone_from(&item.validator);
            }
        }
        if let Some(work) = &mut item.work {
            work.renewal = None;
        }
        if item.map.is_complete() {
            // Nothing is left to be asked for.
            return self.check_delivered(id);
        }
        self.connect(id);
    }

    /// Whether nothing but its bytes shows that the new address still has the file of the samples.
    fn needs_overlap(item: &Item) -> bool {
        item.is_renewed && !item.is_provable() && item.map.done().bytes() > 0
    }

    /// Whether the first missing bytes may be asked for: where a request has to begin with bytes that are
    /// here, not before these have been read.
    pub(super) fn has_overlap(&mut self, id: DownloadId) -> bool {
        let Some(item) = self.items.get_mut(&id).filter(|item| Self::needs_overlap(item)) else { return true };
        let Some(missing) = item.map.missing().first().copied() else { return true };
        let Some(work) = &mut item.work else { return true };
        if let Some(overlap) = work.overlap.as_ref().filter(|overlap| overlap.range.end == missing.start) {
            return overlap.bytes.is_some();
        }
        let Some(before) = item.map.arrived().iter().find(|run| run.end == missing.start) else {
            let detail = "nothing shows that the new address still leads to the same file".to_owned();
            item.distrust = true;
            self.input(id, Input::Broke(Failure::new(FailureKind::WrongRange, detail)));
            return false;
        };
        let range = ByteRange::new(before.start.max(before.end.saturating_sub(SAMPLE)), before.end);
        work.overlap = Some(Overlap { range, bytes: None });
        self.parts.disk.read(work.part, range);
        false
    }

    fn read_overlap(&mut self, id: DownloadId, range: ByteRange, bytes: &[u8]) {
        let work = self.items.get_mut(&id).and_then(|item| item.work.as_mut());
        let Some(overlap) = work.and_then(|work| work.overlap.as_mut()).filter(|overlap| overlap.range == range) else {
            return;
        };
        overlap.bytes = Some(bytes.to_vec());
        // Else when there is room, as after each end of a transfer.
        if self.may_connect(id) {
            self.connect(id);
        }
    }

    fn is_other_file(&mut self, id: DownloadId, how: String) {
        let detail = format!("the new address has not shown that it leads to the same file: {how}");
        self.input(id, Input::Broke(Failure::new(FailureKind::ChangedOnServer, detail)));
    }

    pub(super) fn end_samples(&mut self, id: DownloadId) {
        let Some(work) = self.items.get_mut(&id).and_then(|item| item.work.as_mut()) else { return };
        work.overlap = None;
        let renewal = work.renewal.take();
        if let Some(transfer) = renewal.and_then(|renewal| renewal.transfer) {
            self.cancel(transfer);
        }
    }
}

/// Spread over the bytes that are on disk.
fn samples_of(item: &Item) -> Vec<ByteRange> {
    let done = item.map.done();
    let bytes = done.bytes();
    let mut samples: Vec<ByteRange> = Vec::new();
    for number in 0..SAMPLES {
        // The number of the byte on disk at which the sample begins, holes left out.
        let mut skip = bytes.saturating_sub(SAMPLE) * number / (SAMPLES - 1);
        for run in done.iter() {
            if skip < run.len() {
                let start = run.start + skip;
                samples.push(ByteRange::new(start, (start + SAMPLE).min(run.end)));
                break;
            }
            skip -= run.len();
        }
    }
    samples.dedup();
    samples
}

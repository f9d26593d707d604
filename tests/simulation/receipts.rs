// SPDX-License-Identifier: GPL-3.0-or-later
//! When which bytes came from servers, so that it can be said after a crash how much of it is fetched
//! again: nothing that came more than two seconds before.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use freshet::engine::plan::ranges::RangeSet;
use freshet::engine::types::{ByteRange, PartId, TransferId};

use super::device::{Device, Inode};

/// The promise. The engine's own share of it is 1.5 s; the rest is the disk's.
const LONGEST_LOSS: Duration = Duration::from_secs(2);
/// A device that was disturbed may need so long until all that waited for it is done.
const RECOVERY: Duration = Duration::from_secs(5);
/// What comes within this time is written down as one receipt, at the time of the last byte.
const GRAIN: Duration = Duration::from_millis(50);

/// A part file that was open when its process died.
#[derive(Debug)]
pub struct OpenPart {
    pub part: PartId,
    pub device: usize,
    pub inode: Inode,
    pub path: PathBuf,
    /// Since then nothing comes any more, and no journal is saved: it is on its way into place.
    pub finished_at: Option<Duration>,
}

/// What came by one transfer, in order.
#[derive(Debug, Default)]
struct Came {
    part: Option<PartId>,
    receipts: Vec<(Duration, ByteRange)>,
}

/// What one process received.
#[derive(Debug, Default)]
pub struct Receipts {
    transfers: BTreeMap<TransferId, Came>,
}

impl Receipts {
    pub fn came(&mut self, transfer: TransferId, range: ByteRange, now: Duration) {
        let receipts = &mut self.transfers.entry(transfer).or_default().receipts;
        match receipts.last_mut() {
            Some((at, last)) if last.end == range.start && grain(*at) == grain(now) => {
                (*at, last.end) = (now, range.end);
            }
            _ if range.is_empty() => {}
            _ => receipts.push((now, range)),
        }
    }

    pub fn attach(&mut self, transfer: TransferId, part: PartId) {
        self.transfers.entry(transfer).or_default().part = Some(part);
    }

    /// A piece turned out wrong: nobody has to keep it.
    pub fn is_void(&mut self, part: PartId, range: ByteRange) {
        for came in self.transfers.values_mut().filter(|came| came.part == Some(part)) {
            let receipts = std::mem::take(&mut came.receipts);
            for (at, receipt) in receipts {
                for kept in without(receipt, range) {
                    came.receipts.push((at, kept));
                }
            }
        }
    }

    pub fn close(&mut self, part: PartId) {
        self.transfers.retain(|_, came| came.part != Some(part));
    }

    /// The process has died, and `device` is as it will be found.
    pub fn check(&self, open: &OpenPart, device: &Device, now: Duration) {
        if !device.is_calm_since(now.saturating_sub(RECOVERY)) {
            return;
        }
        let Some(latest) = open.finished_at.unwrap_or(now).checked_sub(LONGEST_LOSS) else { return };
        let is_there = device.names.get(&open.path) == Some(&open.inode);
        let journal = device.journal(&open.path).filter(|_| is_there);
        let mut claimed = RangeSet::default();
        for range in journal.iter().flat_map(|journal| &journal.done) {
            claimed.insert(*range);
        }
        let of_part = self.transfers.values().filter(|came| came.part == Some(open.part));
        for (at, range) in of_part.flat_map(|came| &came.receipts).filter(|(at, _)| *at <= latest) {
            assert!(
                claimed.contains(*range),
                "{range} of {:?} came {:?} before the process died, and is fetched again: claimed are {:?}",
                open.path,
                now - *at,
                claimed.to_vec()
            );
        }
    }
}

/// The number of the stretch of time.
fn grain(at: Duration) -> u128 {
    at.as_millis() / GRAIN.as_millis()
}

fn without(of: ByteRange, gone: ByteRange) -> impl Iterator<Item = ByteRange> {
    let left = ByteRange { start: of.start, end: of.end.min(gone.start) };
    let right = ByteRange { start: of.start.max(gone.end), end: of.end };
    [left, right].into_iter().filter(|range| !range.is_empty())
}

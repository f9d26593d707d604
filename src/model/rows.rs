// SPDX-License-Identifier: GPL-3.0-or-later
//! The rows of the list in the order of their ids, those that wait to be told included.

use std::collections::{BTreeSet, HashMap};

use super::download_object::DownloadObject;
use super::positions::Positions;
use crate::engine::types::DownloadId;

/// Rows lie in slots. A removed row leaves its slot free, so that nothing has to move, and
/// Undo finds its place again; when most slots are free they are swept.
#[derive(Debug, Default)]
pub struct Rows {
    /// No object: nobody has looked at it yet.
    pub by_id: HashMap<DownloadId, Option<DownloadObject>>,
    /// The id of each slot, taken or free; ascending.
    ids: Vec<DownloadId>,
    positions: Positions,
    /// How many of the rows have been told; the ones behind them are new.
    pub told: u32,
    /// Rows that are gone, but not told to be.
    pub leaving: BTreeSet<DownloadId>,
}

impl Rows {
    pub fn has(&self, id: DownloadId) -> bool {
        self.by_id.contains_key(&id) && !self.leaving.contains(&id)
    }

    pub fn len(&self) -> u32 {
        self.positions.taken()
    }

    pub fn at(&self, position: u32) -> Option<DownloadId> {
        let slot = self.positions.slot_at(position).filter(|_| position < self.told)?;
        self.ids.get(slot).copied()
    }

    /// All of them, whatever was told, in the order of their ids.
    pub fn all(&self) -> Vec<DownloadId> {
        self.ids.iter().copied().filter(|id| self.by_id.contains_key(id)).collect()
    }

    pub fn position(&self, id: DownloadId) -> Option<u32> {
        self.by_id.get(&id)?;
        let slot = self.ids.binary_search(&id).ok()?;
        Some(self.positions.before(slot))
    }

    /// Puts these into a list that is empty.
    pub fn fill(&mut self, rows: HashMap<DownloadId, Option<DownloadObject>>) {
        self.by_id = rows;
        self.tidy();
    }

    fn tidy(&mut self) {
        self.ids = self.by_id.keys().copied().collect();
        self.ids.sort_unstable();
        self.positions = Positions::full(self.ids.len());
    }

    /// Puts a download that is not in the list into its place, and tells where that is.
    pub fn insert(&mut self, id: DownloadId, object: DownloadObject) -> u32 {
        self.by_id.insert(id, Some(object));
        let slot = match self.ids.binary_search(&id) {
            Ok(slot) => {
                self.positions.take(slot);
                slot
            }
            Err(slot) if slot == self.ids.len() => {
                self.ids.push(id);
                self.positions.push();
                slot
            }
            Err(_) => {
                // Out of order and without a free slot: only after a sweep.
                self.tidy();
                self.ids.binary_search(&id).unwrap_or_default()
            }
        };
        self.positions.before(slot)
    }

    /// Takes out the last rows that are leaving and lie side by side, and tells where they were
    /// and how many.
    pub fn take_leaving(&mut self) -> Option<(u32, u32)> {
        let mut run: Option<(u32, u32)> = None;
        while let Some(id) = self.leaving.last().copied() {
            let Some(position) = self.position(id) else {
                self.leaving.remove(&id);
                continue;
            };
            match run {
                Some((first, count)) if position + 1 == first => run = Some((position, count + 1)),
                Some(_) => break,
                None => run = Some((position, 1)),
            }
            self.leaving.remove(&id);
            self.remove(id);
        }
        self.told -= run.map_or(0, |(_, count)| count);
        run
    }

    fn remove(&mut self, id: DownloadId) {
        if let Ok(slot) = self.ids.binary_search(&id) {
            self.by_id.remove(&id);
            self.positions.free(slot);
        }
        if self.ids.len() > 2 * self.by_id.len() + 64 {
            self.tidy();
        }
    }
}

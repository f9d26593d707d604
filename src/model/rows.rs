// SPDX-License-Identifier: GPL-3.0-or-later
//! The rows of the list in the order of their ids, those that wait to be told included.

use std::collections::{BTreeSet, HashMap};

use super::download_object::DownloadObject;
use super::positions::Positions;
use crate::engine::types::DownloadId;

/// Rows lie in slots. A removed row leaves its slot free, so that nothing has to move, and
/// Undo finds its place again. When most slots are free they are swept, but not before a new row comes at the
/// end: each of thousands that come back would have to be put between the others.
#[derive(Debug, Default)]
pub struct Rows {
    /// No object: nobody has looked at it yet.
    pub by_id: HashMap<DownloadId, Option<DownloadObject>>,
    /// The id of each slot, taken or free; ascending.
    ids: Vec<DownloadId>,
    /// Of the rows that have been told, those that are leaving included.
    positions: Positions,
    /// Rows that are there, but not told to be. Their slots are free.
    coming: BTreeSet<DownloadId>,
    /// Some of them have no slot.
    lacks_slots: bool,
    /// Rows that are gone, but not told to be.
    pub leaving: BTreeSet<DownloadId>,
}

impl Rows {
    pub fn has(&self, id: DownloadId) -> bool {
        self.by_id.contains_key(&id) && !self.leaving.contains(&id)
    }

    /// How many rows have been told.
    pub fn told(&self) -> u32 {
        self.positions.taken()
    }

    pub fn at(&self, position: u32) -> Option<DownloadId> {
        self.ids.get(self.positions.slot_at(position)?).copied()
    }

    /// All of them, whatever was told, in the order of their ids.
    pub fn all(&self) -> Vec<DownloadId> {
        if self.lacks_slots {
            return self.in_order();
        }
        self.ids.iter().copied().filter(|id| self.by_id.contains_key(id)).collect()
    }

    fn in_order(&self) -> Vec<DownloadId> {
        let mut ids: Vec<_> = self.by_id.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// Where a row is that has been told.
    pub fn position(&self, id: DownloadId) -> Option<u32> {
        self.by_id.get(&id).filter(|_| !self.coming.contains(&id))?;
        let slot = self.ids.binary_search(&id).ok()?;
        Some(self.positions.before(slot))
    }

    /// Puts these into a list that is empty; they are to be told at once.
    pub fn fill(&mut self, rows: HashMap<DownloadId, Option<DownloadObject>>) {
        self.by_id = rows;
        self.sweep();
    }

    /// Leaves no slot free but those of rows that are coming.
    fn sweep(&mut self) {
        self.ids = self.in_order();
        self.lacks_slots = false;
        self.positions = Positions::default();
        for id in &self.ids {
            self.positions.push(!self.coming.contains(id));
        }
    }

    /// Takes in a download that is not in the list.
    pub fn insert(&mut self, id: DownloadId, object: DownloadObject) {
        self.by_id.insert(id, Some(object));
        self.coming.insert(id);
        match self.ids.binary_search(&id) {
            Ok(_) => {}
            Err(slot) if slot == self.ids.len() => {
                self.ids.push(id);
                self.positions.push(false);
                if self.ids.len() > 2 * self.by_id.len() + 64 {
                    self.sweep();
                }
            }
            // Out of order, and its slot was swept: all of these get theirs at once.
            Err(_) => self.lacks_slots = true,
        }
    }

    /// Takes in the first rows that are coming and lie side by side, and tells where they are and how many.
    pub fn take_coming(&mut self) -> Option<(u32, u32)> {
        if self.lacks_slots {
            self.sweep();
        }
        let mut run: Option<(u32, u32)> = None;
        while let Some(id) = self.coming.first().copied() {
            let Ok(slot) = self.ids.binary_search(&id) else {
                self.coming.remove(&id);
                continue;
            };
            let position = self.positions.before(slot);
            match &mut run {
                Some((first, count)) if position == *first + *count => *count += 1,
                Some(_) => break,
                None => run = Some((position, 1)),
            }
            self.coming.remove(&id);
            self.positions.take(slot);
        }
        run
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
            self.by_id.remove(&id);
            if let Ok(slot) = self.ids.binary_search(&id) {
                self.positions.free(slot);
            }
        }
        run
    }
}

#[cfg(test)]
mod tests {
    use super::super::download_object::tests::snapshot;
    use super::*;

    const MANY: u64 = 10_000;

    fn add(rows: &mut Rows, id: u64) {
        rows.insert(DownloadId(id), DownloadObject::new(snapshot(id)));
    }

    /// All but the last are taken out.
    fn emptied() -> Rows {
        let mut rows = Rows::default();
        (0..=MANY).for_each(|id| add(&mut rows, id));
        assert_eq!(rows.take_coming(), Some((0, MANY as u32 + 1)));
        rows.leaving.extend((0..MANY).map(DownloadId));
        assert_eq!(rows.take_leaving(), Some((0, MANY as u32)));
        rows
    }

    #[test]
    fn undo_of_a_large_removal_moves_no_other_row() {
        let mut rows = emptied();
        let slots = rows.ids.len();
        for id in (0..MANY).rev() {
            add(&mut rows, id);
            assert!(rows.ids.len() == slots && !rows.lacks_slots, "its slot is still free");
        }
        assert_eq!((rows.take_coming(), rows.take_coming()), (Some((0, MANY as u32)), None));
        assert_eq!(rows.all().len(), slots);
    }

    #[test]
    fn what_comes_back_after_a_sweep_is_put_in_its_place_all_at_once() {
        let mut rows = emptied();
        add(&mut rows, MANY + 1);
        assert_eq!(rows.ids.len(), 2, "it is swept");
        for id in (0..MANY).filter(|id| id % 2 == 0) {
            add(&mut rows, id);
            assert_eq!(rows.ids.len(), 2, "each of many would move all that are there");
        }
        assert_eq!(rows.all().len(), MANY as usize / 2 + 2);
        // Those before the one that stayed, and the one behind it.
        assert_eq!(rows.take_coming(), Some((0, MANY as u32 / 2)));
        assert_eq!(rows.at(MANY as u32 / 2), Some(DownloadId(MANY)));
        assert_eq!((rows.take_coming(), rows.take_coming()), (Some((MANY as u32 / 2 + 1, 1)), None));
        assert_eq!(rows.told(), MANY as u32 / 2 + 2);
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! The order of the queue as the user wants it, and downloads that do not wait for their turn.

use std::collections::HashSet;

use super::Book;
use crate::engine::command::Spot;
use crate::engine::download::state::{Input, State};
use crate::engine::event::Event;
use crate::engine::item::Item;
use crate::engine::turn::{self, Turn};
use crate::engine::types::DownloadId;

impl Book {
    /// Gives downloads other turns, all of them together and in the order in which they stand.
    pub(super) fn reorder(&mut self, ids: &[DownloadId], to: Spot) {
        let wanted: HashSet<_> = ids.iter().copied().filter(|id| self.is_to_run(*id)).collect();
        let (moved, others) = self.order().into_iter().partition::<Vec<_>, _>(|(id, _)| wanted.contains(id));
        let place = |wanted: DownloadId| others.iter().position(|(id, _)| *id == wanted);
        let index = match to {
            Spot::Top => others.iter().position(|(id, _)| self.is_to_run(*id)),
            Spot::Bottom => others.iter().rposition(|(id, _)| self.is_to_run(*id)).map(|last| last + 1),
            Spot::Before(id) => place(id),
            Spot::After(id) => place(id).map(|place| place + 1),
        };
        let (Some(index), Some(first), Some(last)) = (index, moved.first(), moved.last()) else { return };
        let before = index.checked_sub(1).and_then(|before| others.get(before));
        let is_there =
            before.is_none_or(|before| before.1 < first.1) && others.get(index).is_none_or(|after| last.1 < after.1);
        if is_there {
            return;
        }
        let turns = turn::between(&others, index, moved.iter().map(|(id, _)| *id));
        for (id, turn) in &turns {
            // What is complete moves only to make room.
            self.take_down(*id);
            self.queue.set_turn(*id, *turn);
            self.last_turn = self.last_turn.max(Some(*turn));
            if let Some(item) = self.items.get_mut(id) {
                item.turn = Some(*turn);
            }
            self.save_record(*id);
        }
        self.events.push_back(Event::Moved(turns));
    }

    /// All downloads in the order of the queue, those that wait for no slot included.
    pub(super) fn order(&self) -> Vec<(DownloadId, Turn)> {
        let live = self.items.values().map(|item| (item.id, item.turn()));
        let mut order: Vec<_> = self.shelf.turns().chain(live).collect();
        order.sort_by_key(|(id, turn)| (*turn, *id));
        order
    }

    /// All downloads of the list, in the order of the queue.
    pub fn in_order(&self) -> Vec<DownloadId> {
        let is_removed = |id: &DownloadId| self.items.get(id).is_some_and(|item| item.removed.is_some());
        self.order().into_iter().map(|(id, _)| id).filter(|id| !is_removed(id)).collect()
    }

    /// Those that do not stand where they were added.
    pub fn moved(&self) -> Vec<(DownloadId, Turn)> {
        let live = self.items.values().filter_map(|item| Some((item.id, item.turn?)));
        self.shelf.moved().chain(live).collect()
    }

    fn is_to_run(&self, id: DownloadId) -> bool {
        let is_so = |item: &Item| item.removed.is_none() && item.life.state != State::Completed;
        self.items.get(&id).is_some_and(is_so)
    }

    /// It waits neither for a slot nor for its time; its host's limits count all the same.
    pub(super) fn start_now(&mut self, id: DownloadId) {
        let is_held = self.held.is_some();
        let Some(item) = self.items.get_mut(&id).filter(|item| item.removed.is_none()) else { return };
        item.defies |= is_held;
        self.input(id, Input::Resume);
        self.queue.hurry(id);
    }
}

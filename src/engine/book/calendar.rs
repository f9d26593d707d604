// SPDX-License-Identifier: GPL-3.0-or-later
//! Downloads that start at a time of day, and those that are added to be started by hand.

use std::time::Duration;

use super::Book;
use crate::engine::command::Start;
use crate::engine::download::state::{Input, Life, State};
use crate::engine::item::Item;
use crate::engine::types::{DownloadId, Moment};

/// So often the time of day is looked at while something is to start: the clock that alarms go by stands
/// still while the machine sleeps, and knows nothing of a time of day that is set.
const LOOK: Duration = Duration::from_secs(60);

impl Book {
    /// Puts a new download where it begins its life.
    pub(super) fn place(item: &mut Item, start: Start) {
        item.life = Life::new(match start {
            Start::Now | Start::AtOnce => State::Queued,
            Start::ByHand => State::Paused,
            Start::At(at) => State::Scheduled { at },
        });
    }

    /// Sees to it that what is in the list goes on by itself when it should.
    pub(super) fn await_turn(&mut self, id: DownloadId) {
        let Some(item) = self.items.get(&id) else { return };
        match item.life.state {
            State::Queued => self.queue.join(id, item.sources.own_host(), item.turn()),
            State::Scheduled { at } => {
                self.calendar.insert((at, id));
            }
            _ => {}
        }
    }

    /// Queues what was to start by now.
    pub(super) fn start_due(&mut self) {
        let today = self.parts.clock.today();
        while let Some((at, id)) = self.calendar.first().copied() {
            let is_so = |item: &Item| item.removed.is_none() && item.life.state == State::Scheduled { at };
            let is_to_start = self.items.get(&id).is_some_and(is_so);
            if is_to_start && at > today {
                break;
            }
            // Nobody is woken for one that has started, or was removed, meanwhile.
            self.calendar.remove(&(at, id));
            if is_to_start {
                self.input(id, Input::Due);
            }
        }
    }

    /// When [`Book::start_due`] is needed next.
    pub(super) fn next_start(&self) -> Option<Moment> {
        let (at, _) = self.calendar.first()?;
        let wait = at.duration_since(self.parts.clock.today()).unwrap_or_default();
        Some(self.parts.clock.now() + wait.min(LOOK))
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Who gets a connection at a host that has no room: transfers are ended that their downloads can do without.

use super::Book;
use crate::engine::queue::Host;
use crate::engine::sources::Source;
use crate::engine::types::{DownloadId, TransferId};
use crate::engine::work::Running;

impl Book {
    /// Lets those connect that have a slot and wait for room. They come before those without a slot, which would
    /// take each connection that becomes free.
    pub(super) fn connect_roomless(&mut self) {
        for id in self.queue.roomless() {
            if self.may_connect(id) || self.make_room_for(id) {
                self.connect(id);
            }
        }
    }

    /// The same as [`Book::make_room`] for one that has a slot.
    fn make_room_for(&mut self, id: DownloadId) -> bool {
        let now = self.parts.clock.now();
        let Some(item) = self.items.get(&id) else { return false };
        let working = item.sources.iter().filter(|source| source.works());
        let crowded = |source: &Source| self.queue.is_crowded(&source.host, now).then(|| source.host.clone());
        let hosts: Vec<_> = working.filter_map(crowded).collect();
        self.end_one_at(&hosts) && self.may_connect(id)
    }

    /// Ends a transfer that its download can do without, for another download that has none.
    pub(super) fn make_room(&mut self) -> bool {
        let crowded = self.queue.crowded(self.parts.clock.now());
        self.end_one_at(&crowded)
    }

    fn end_one_at(&mut self, hosts: &[Host]) -> bool {
        let found = hosts.iter().find_map(|host| self.spare(host));
        if let Some((id, transfer)) = found {
            self.end_transfer(id, transfer);
        }
        found.is_some()
    }

    /// A transfer from this host that its download can do without.
    fn spare(&self, host: &Host) -> Option<(DownloadId, TransferId)> {
        self.active.iter().rev().find_map(|id| {
            let item = self.items.get(id)?;
            let work = item.work.as_ref().filter(|work| work.transfers.len() > 1)?;
            let is_there = |running: &Running| item.sources.get(running.source).is_some_and(|s| s.host == *host);
            let newest = work.transfers.iter().rev().find(|(_, running)| is_there(running))?;
            // One that has not answered yet may come to nothing, and then there would be none.
            let others = work.flowing() - usize::from(newest.1.answered_at.is_some());
            (others > 0).then_some((*id, *newest.0))
        })
    }
}

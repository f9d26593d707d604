// SPDX-License-Identifier: GPL-3.0-or-later
//! Small files, of which there may be thousands: each answer that is waited for costs more than their bytes. So
//! all that is to be done with one is given to the disk at once, and heard of together.

use std::collections::{HashSet, VecDeque};

use super::{Book, SMALL_FILE};
use crate::engine::disk::Reply;
use crate::engine::download::state::State;
use crate::engine::item::Item;
use crate::engine::types::PartId;

/// Whether all of it is with the disk, which moves it into place behind the writes that were given before. Not
/// one that is continued: its part file may turn out to be another's.
pub fn is_given(item: &Item) -> bool {
    let is_new = item.work.as_ref().is_some_and(|work| work.resume.is_none());
    let is_small = item.map.total().is_some_and(|total| total <= SMALL_FILE);
    is_new && is_small && item.spec.pieces.is_none() && item.map.has_arrived()
}

impl Book {
    /// What the disk answered, in order. That a file is in its place says that it was opened and written.
    pub fn disk_replies(&mut self, replies: VecDeque<Reply>) {
        let placed = |reply: &Reply| match reply {
            Reply::Finished { part, .. } if self.is_verifying(*part) => Some(*part),
            _ => None,
        };
        let placed: HashSet<_> = replies.iter().filter_map(placed).collect();
        for reply in replies {
            if let Reply::Opened { part, .. } | Reply::Written { part, .. } = &reply
                && placed.contains(part)
            {
                continue;
            }
            self.disk_reply(reply);
        }
    }

    fn is_verifying(&self, part: PartId) -> bool {
        let item = self.by_part.get(&part).and_then(|id| self.items.get(id));
        item.is_some_and(|item| matches!(item.life.state, State::Verifying))
    }
}

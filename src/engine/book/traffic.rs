// SPDX-License-Identifier: GPL-3.0-or-later
//! Counts how much comes, by host. Nothing is done for a byte or an event: a transfer is counted when it
//! ends, and those that run when what has gathered is saved.

use std::collections::HashMap;
use std::time::Duration;

use super::Book;
use crate::engine::item::Item;
use crate::engine::store::Day;
use crate::engine::types::{Moment, TransferId};

/// For this long it gathers while something runs; a power cut takes as much of it.
const GATHER: Duration = Duration::from_secs(30);

/// What came and is not saved yet.
#[derive(Debug, Default)]
pub struct Gathered {
    hosts: HashMap<Box<str>, u64>,
    saved_at: Moment,
}

impl Gathered {
    pub fn is_due(&self, now: Moment) -> bool {
        now - self.saved_at >= GATHER
    }

    /// A transfer of this download got so far.
    pub fn reached(&mut self, item: &mut Item, transfer: TransferId, end: u64) {
        let Some(running) = item.work.as_mut().and_then(|work| work.transfers.get_mut(&transfer)) else { return };
        let bytes = end.saturating_sub(running.counted);
        running.counted = running.counted.max(end);
        let host = item.sources.get(running.source).and_then(|source| source.url.host_str());
        let Some(host) = host.filter(|_| bytes > 0) else { return };
        match self.hosts.get_mut(host) {
            Some(sum) => *sum += bytes,
            None => drop(self.hosts.insert(host.into(), bytes)),
        }
    }
}

impl Book {
    /// Hands what came to the store, up to this moment.
    pub fn save_traffic(&mut self) {
        self.traffic.saved_at = self.parts.clock.now();
        let Some(store) = self.parts.store.clone() else { return self.traffic.hosts.clear() };
        for id in &self.active {
            let Some(item) = self.items.get_mut(id) else { continue };
            let transfers: Vec<_> = item.work.iter().flat_map(|work| work.transfers.keys().copied()).collect();
            for transfer in transfers {
                if let Some(next) = self.parts.transport.vitals(transfer).and_then(|vitals| vitals.next) {
                    self.traffic.reached(item, transfer, next);
                }
            }
        }
        let hosts = std::mem::take(&mut self.traffic.hosts);
        let Some(today) = Day::of(self.parts.clock.today()).filter(|_| !hosts.is_empty()) else { return };
        store.count(hosts.into_iter().map(|(host, bytes)| ((today, host), bytes)).collect());
    }

    pub(super) fn remember(&mut self, remembers: bool) {
        // What came while it was to be counted still counts, and nothing of what came while it was not.
        self.save_traffic();
        if let Some(store) = &self.parts.store {
            store.remember(remembers);
        }
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! The downloads of the book by their ids. Each has a place of its own in memory: they are large, and a list of
//! thousands that begin and end all the time would be moved about with each.

use std::collections::BTreeSet;

use crate::engine::item::Item;
use crate::engine::types::{DownloadId, IdMap};

/// Both have the same ids.
#[derive(Debug, Default)]
pub struct Items {
    /// Each is looked for a hundred times between its first and its last byte.
    items: IdMap<DownloadId, Box<Item>>,
    /// In which order they are shown to those who ask for all.
    ids: BTreeSet<DownloadId>,
}

impl Items {
    pub fn get(&self, id: &DownloadId) -> Option<&Item> {
        self.items.get(id).map(Box::as_ref)
    }

    pub fn get_mut(&mut self, id: &DownloadId) -> Option<&mut Item> {
        self.items.get_mut(id).map(Box::as_mut)
    }

    pub fn keys(&self) -> impl Iterator<Item = &DownloadId> {
        self.ids.iter()
    }

    pub fn values(&self) -> impl Iterator<Item = &Item> {
        self.ids.iter().filter_map(|id| self.get(id))
    }

    pub fn insert(&mut self, item: Item) {
        self.ids.insert(item.id);
        self.items.insert(item.id, Box::new(item));
    }

    pub fn remove(&mut self, id: &DownloadId) -> Option<Box<Item>> {
        self.ids.remove(id);
        self.items.remove(id)
    }
}

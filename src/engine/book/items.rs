// SPDX-License-Identifier: GPL-3.0-or-later
//! The downloads of the book by their ids. Each has a place of its own in memory: they are large, and a list of
//! thousands that begin and end all the time would be moved about with each.

use std::collections::BTreeMap;

use crate::engine::item::Item;
use crate::engine::types::DownloadId;

#[derive(Debug, Default)]
pub struct Items(BTreeMap<DownloadId, Box<Item>>);

impl Items {
    pub fn get(&self, id: &DownloadId) -> Option<&Item> {
        self.0.get(id).map(Box::as_ref)
    }

    pub fn get_mut(&mut self, id: &DownloadId) -> Option<&mut Item> {
        self.0.get_mut(id).map(Box::as_mut)
    }

    pub fn keys(&self) -> impl Iterator<Item = &DownloadId> {
        self.0.keys()
    }

    pub fn values(&self) -> impl Iterator<Item = &Item> {
        self.0.values().map(Box::as_ref)
    }

    pub fn insert(&mut self, item: Item) {
        self.0.insert(item.id, Box::new(item));
    }

    pub fn remove(&mut self, id: &DownloadId) -> Option<Box<Item>> {
        self.0.remove(id)
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! The shelf: downloads that were complete when the program started. Nothing happens to them before
//! they are removed, so no more is kept of them than was saved, as small as it gets, and they are items
//! only while somebody looks. A list of 100,000 is mostly these.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use url::Url;

use super::Book;
use crate::engine::download::spec::{Checksum, DownloadSpec};
use crate::engine::download::state::State;
use crate::engine::event::Outline;
use crate::engine::item::Item;
use crate::engine::store::{Record, SavedState};
use crate::engine::turn::Turn;
use crate::engine::types::DownloadId;

#[derive(Debug, Default)]
pub struct Shelf {
    downloads: BTreeMap<DownloadId, Shelved>,
    /// Of those that were moved in the queue when they still were to run.
    turns: HashMap<DownloadId, Turn>,
    /// What the last one was asked for with, and its media type: mostly the next one's, too.
    spec: Option<Arc<DownloadSpec>>,
    media_type: Option<Arc<str>>,
}

/// A [`Record`] of a complete download.
#[derive(Debug)]
struct Shelved {
    /// But for its address.
    spec: Arc<DownloadSpec>,
    url: Box<str>,
    name: Box<str>,
    path: Option<Box<Path>>,
    received: u64,
    total: Option<u64>,
    media_type: Option<Arc<str>>,
    verified: Option<Checksum>,
    added_at: SystemTime,
    finished_at: Option<SystemTime>,
}

impl Shelf {
    /// Takes what belongs here out of the saved list.
    pub fn fill(records: &mut Vec<Record>) -> Self {
        let mut shelf = Self::default();
        let (all, stay) = (std::mem::take(records), records);
        stay.extend(all.into_iter().filter_map(|record| shelf.put(record)));
        shelf
    }

    /// Keeps a record that belongs here, else gives it back.
    pub fn put(&mut self, record: Record) -> Option<Record> {
        let nowhere = Url::parse("about:blank").ok();
        let (SavedState::Completed, false, Some(nowhere)) = (&record.state, record.removed, nowhere) else {
            return Some(record);
        };
        let Record {
            id, mut spec, name, path, received, total, media_type, verified, turn, added_at, finished_at, ..
        } = record;
        let url = std::mem::replace(&mut spec.url, nowhere);
        let spec = match &self.spec {
            Some(last) if **last == spec => last.clone(),
            _ => Arc::new(spec),
        };
        let media_type = match (&self.media_type, media_type) {
            (Some(last), Some(told)) if **last == *told => Some(last.clone()),
            (_, told) => told.map(Arc::from),
        };
        (self.spec, self.media_type) = (Some(spec.clone()), media_type.clone());
        let (url, name, path) = (String::from(url).into(), name.into(), path.map(PathBuf::into_boxed_path));
        let shelved = Shelved { spec, url, name, path, received, total, media_type, verified, added_at, finished_at };
        self.downloads.insert(id, shelved);
        self.turns.extend(turn.map(|turn| (id, turn)));
        None
    }

    pub fn ids(&self) -> impl Iterator<Item = DownloadId> {
        self.downloads.keys().copied()
    }

    pub(super) fn turns(&self) -> impl Iterator<Item = (DownloadId, Turn)> {
        self.downloads.keys().map(|id| (*id, Turn::of(*id, self.turns.get(id).copied())))
    }

    pub(super) fn moved(&self) -> impl Iterator<Item = (DownloadId, Turn)> {
        self.turns.iter().map(|(id, turn)| (*id, *turn))
    }

    fn at_addresses<'a>(&self, urls: &HashMap<&str, &'a Url>) -> impl Iterator<Item = (&'a Url, DownloadId)> {
        self.downloads.iter().filter_map(|(id, shelved)| Some((*urls.get(&*shelved.url)?, *id)))
    }

    fn item(&self, id: DownloadId) -> Option<Item> {
        let shelved = self.downloads.get(&id)?;
        let mut spec = (*shelved.spec).clone();
        spec.url = shelved.url.parse().ok()?;
        Some(Item::from_record(Record {
            id,
            spec,
            state: SavedState::Completed,
            name: shelved.name.to_string(),
            path: shelved.path.as_deref().map(Path::to_owned),
            received: shelved.received,
            total: shelved.total,
            media_type: shelved.media_type.as_deref().map(str::to_owned),
            verified: shelved.verified.clone(),
            removed: false,
            turn: self.turns.get(&id).copied(),
            added_at: shelved.added_at,
            finished_at: shelved.finished_at,
        }))
    }
}

impl Book {
    /// Looks at a download of the list, wherever it is kept.
    pub fn look_at<T>(&self, id: DownloadId, look: impl FnOnce(&Item) -> T) -> Option<T> {
        match self.items.get(&id) {
            Some(item) => Some(item).filter(|item| item.removed.is_none()).map(look),
            None => self.shelf.item(id).as_ref().map(look),
        }
    }

    /// Which download has each of these addresses, the latest where there are several.
    pub fn at_addresses<'a>(&self, urls: impl IntoIterator<Item = &'a Url>) -> HashMap<&'a Url, DownloadId> {
        let urls: HashMap<_, _> = urls.into_iter().map(|url| (url.as_str(), url)).collect();
        let mut found: HashMap<_, _> = self.shelf.at_addresses(&urls).collect();
        for url in urls.into_values() {
            let is_listed = |id: &&DownloadId| self.items.get(id).is_some_and(|item| item.removed.is_none());
            let live = self.by_url.get(url).into_iter().flatten().filter(is_listed).max();
            found.extend(live.map(|id| (url, *id)));
        }
        found
    }

    pub fn shelved(&self) -> Vec<DownloadId> {
        self.shelf.ids().collect()
    }

    /// Looks at a download on the shelf without making an item of it.
    pub fn outline<T>(&self, id: DownloadId, look: impl FnOnce(&Outline<'_>) -> T) -> Option<T> {
        let shelved = self.shelf.downloads.get(&id)?;
        Some(look(&Outline {
            url: &shelved.url,
            folder: &shelved.spec.folder,
            name: &shelved.name,
            state: &State::Completed,
            media_type: shelved.media_type.as_deref(),
        }))
    }

    /// Makes an item of it, with which something is to happen.
    pub(super) fn take_down(&mut self, id: DownloadId) {
        if let Some(item) = self.shelf.item(id) {
            self.shelf.downloads.remove(&id);
            self.shelf.turns.remove(&id);
            self.insert(item);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: u64, state: SavedState) -> Record {
        let url = format!("https://example.org/{id}").parse().unwrap();
        Record {
            id: DownloadId(id),
            spec: DownloadSpec { connections: 3, ..DownloadSpec::new(url, "/srv".into()) },
            state,
            name: format!("{id}.iso"),
            path: Some(format!("/srv/{id}.iso").into()),
            received: 10,
            total: Some(10),
            media_type: Some("video/mp4".into()),
            verified: format!("md5:{}", "0".repeat(32)).parse().ok(),
            removed: false,
            turn: (id == 2).then_some(Turn(-7)),
            added_at: SystemTime::UNIX_EPOCH,
            finished_at: Some(SystemTime::UNIX_EPOCH),
        }
    }

    #[test]
    fn what_is_taken_down_is_what_was_put_up() {
        let completed = [1, 2, 5].map(|id| record(id, SavedState::Completed));
        let others = [
            record(3, SavedState::Paused),
            Record { removed: true, ..record(4, SavedState::Completed) },
            record(6, SavedState::Queued),
        ];
        let mut records: Vec<_> = completed.iter().chain(&others).cloned().collect();
        let shelf = Shelf::fill(&mut records);
        assert_eq!(records, others);
        assert_eq!(shelf.ids().collect::<Vec<_>>(), [1, 2, 5].map(DownloadId));
        for record in completed {
            assert_eq!(shelf.item(record.id).unwrap().record(), record);
        }
        assert_eq!(
            shelf.downloads.values().map(|one| Arc::as_ptr(&one.spec)).collect::<std::collections::HashSet<_>>().len(),
            1
        );
    }
}

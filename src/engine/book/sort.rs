// SPDX-License-Identifier: GPL-3.0-or-later
//! The folder of a download for which the user chose none. By the rules of the user it is chosen when the download
//! is added and again when it gets a slot, by what its address says, and for the last time when a server has told
//! the name and the type of the file, before the part file is made.

use super::Book;
use crate::engine::sorting::Subject;
use crate::engine::types::{DownloadId, PartId};

impl Book {
    /// By what is known now.
    pub(super) fn sort(&mut self, id: DownloadId) {
        let Some(item) = self.items.get_mut(&id).filter(|item| item.path.is_none()) else { return };
        let Some(otherwise) = &item.spec.otherwise else { return };
        let file = Subject { host: item.spec.url.host_str(), name: &item.name, media_type: item.media_type.as_deref() };
        item.spec.folder = self.rules.folder(&file, otherwise).to_owned();
    }

    /// By what a server has told, for good. Another folder may be on another disk, where nothing was looked
    /// for yet: what is wrong with it shows when the part file is made.
    pub(super) fn settle_folder(&mut self, id: DownloadId) {
        let Some(item) = self.items.get(&id).filter(|item| item.spec.otherwise.is_some()) else { return };
        let before = item.spec.folder.clone();
        self.sort(id);
        let Some(item) = self.items.get_mut(&id) else { return };
        item.spec.otherwise = None;
        if before == item.spec.folder {
            return;
        }
        let part = PartId(self.number());
        let Some(work) = self.items.get_mut(&id).and_then(|item| item.work.as_mut()) else { return };
        let old = std::mem::replace(&mut work.part, part);
        self.by_part.remove(&old);
        self.by_part.insert(part, id);
        self.parts.disk.close(old);
    }
}

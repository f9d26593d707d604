// SPDX-License-Identifier: GPL-3.0-or-later
//! A file whose checksum was another one, taken as it is: the list of checksums beside it may be an old
//! one. It goes the way of every file that is all here at the start, with nothing to be held against.

use super::Book;
use crate::engine::chronicle::Happening;
use crate::engine::download::state::{Input, State};
use crate::engine::item::Item;
use crate::engine::types::DownloadId;

impl Book {
    pub(super) fn keep(&mut self, id: DownloadId) {
        let Some(item) = self.items.get_mut(&id).filter(|item| item.removed.is_none() && item.may_be_kept()) else {
            return;
        };
        item.spec.keep = true;
        item.spec.checksum = None;
        item.spec.pieces = None;
        item.spec.find_checksum = false;
        item.told = None;
        item.distrust = false;
        self.note(id, |_| Some(Happening::Kept));
        self.input(id, Input::Resume);
    }
}

impl Item {
    /// After a restart this is known from the list.
    fn may_be_kept(&self) -> bool {
        let is_only_that = matches!(&self.life.state, State::Failed(failure) if failure.kind.is_wrong_sum());
        is_only_that && self.map.is_complete()
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Another folder for a download whose folder is out of reach: its drive is gone, it was moved, or the
//! grant of a sandbox has died. Often it is the same folder by another path, with the part file in it.

use std::path::PathBuf;

use super::Book;
use crate::engine::download::state::{Input, State};
use crate::engine::types::DownloadId;

impl Book {
    /// The download is saved in another folder. It goes on there, unless the user has paused it.
    pub(super) fn relocate(&mut self, id: DownloadId, folder: PathBuf) {
        let Some(item) = self.items.get_mut(&id) else { return };
        // Nothing of it is open, or about to be.
        let rests = item.work.is_none()
            && matches!(
                item.life.state,
                State::Queued | State::Scheduled { .. } | State::Paused | State::Waiting { .. } | State::Failed(_)
            );
        if !rests || item.removed.is_some() {
            return;
        }
        for path in item.path.iter_mut().chain(&mut item.replaces) {
            if let Some(name) = path.file_name() {
                *path = folder.join(name);
            }
        }
        item.spec.folder = folder;
        item.spec.otherwise = None;
        self.tell_changed(id);
        if self.items.get(&id).is_some_and(|item| matches!(item.life.state, State::Failed(_))) {
            self.input(id, Input::Resume);
        }
    }
}

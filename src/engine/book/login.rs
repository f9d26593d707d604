// SPDX-License-Identifier: GPL-3.0-or-later
//! A user name and a password for a download whose server asks for them. They stay in memory, and what is
//! on disk of the download stays as well: that its address needs a log-in makes it no other file.

use super::Book;
use crate::engine::download::spec::Credentials;
use crate::engine::download::state::{Input, State};
use crate::engine::types::DownloadId;

impl Book {
    pub(super) fn log_in(&mut self, id: DownloadId, credentials: Credentials) {
        let Some(item) = self.items.get_mut(&id).filter(|item| item.removed.is_none()) else { return };
        if !matches!(&item.life.state, State::Failed(failure) if failure.is_login_wanted()) {
            return;
        }
        item.spec.manners.credentials = Some(credentials);
        self.input(id, Input::Resume);
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! A user name and a password for a download whose server or proxy asks for them. They stay in memory, and what
//! is on disk of the download stays as well: that its address needs a log-in makes it no other file.

use super::Book;
use crate::engine::download::spec::Credentials;
use crate::engine::download::state::{Input, State};
use crate::engine::error::LoginTo;
use crate::engine::types::DownloadId;

impl Book {
    pub(super) fn log_in(&mut self, id: DownloadId, credentials: Credentials) {
        let Some(item) = self.items.get_mut(&id).filter(|item| item.removed.is_none()) else { return };
        let State::Failed(failure) = &item.life.state else { return };
        let manners = &mut item.spec.manners;
        match failure.login_wanted() {
            Some(LoginTo::Server) => manners.credentials = Some(credentials),
            Some(LoginTo::Proxy) => manners.proxy_credentials = Some(credentials),
            None => return,
        }
        self.input(id, Input::Resume);
    }
}

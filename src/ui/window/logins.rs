// SPDX-License-Identifier: GPL-3.0-or-later
//! Asks for a log-in, with what the keyring has, and says what could not be remembered there.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use super::Window;
use crate::desktop::keyring::{Asking, Keyring};
use crate::model::DownloadId;
use crate::model::login::Asker;
use crate::ui::login_dialog::LoginDialog;
use crate::ui::messages;

impl Window {
    pub(super) fn ask_for_login(&self, id: DownloadId) {
        let Some(session) = self.imp().session.get() else { return };
        let Some(login) = session.login(id) else { return };
        let (others, asker) = (login.others.clone(), login.asker.clone());
        let dialog = LoginDialog::new(
            &login,
            glib::clone!(
                #[strong]
                session,
                move |entered| {
                    let others = if entered.for_others { others.as_slice() } else { &[] };
                    let ids: Vec<_> = std::iter::once(id).chain(others.iter().copied()).collect();
                    session.log_in(&ids, &entered.credentials, asker.as_ref().filter(|_| entered.remembers));
                }
            ),
        );
        dialog.set_transient_for(Some(self));
        if let Some(asker) = login.asker {
            recall(&dialog, asker.clone(), Asking::No);
            dialog.connect_unlock(glib::clone!(
                #[weak]
                dialog,
                move || recall(&dialog, asker.clone(), Asking::Yes)
            ));
        }
        dialog.present();
    }

    /// Something could not be remembered.
    pub fn tell_not_remembered(&self, sentence: &str) {
        messages::tell(&self.imp().toasts, sentence);
    }
}

/// Shows in the dialog what the keyring has, as soon as it answers.
fn recall(dialog: &LoginDialog, asker: Asker, asking: Asking) {
    let dialog = dialog.downgrade();
    glib::spawn_future_local(async move {
        let recalled = Keyring::default().recall(&asker, asking).await;
        // A closed one has nothing left to show it in.
        if let Some(dialog) = dialog.upgrade().filter(|dialog| dialog.is_visible()) {
            dialog.show_recalled(recalled);
        }
    });
}

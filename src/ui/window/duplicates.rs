// SPDX-License-Identifier: GPL-3.0-or-later
//! Asks what is meant when something is to be added that is in the list already.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use super::Window;
use crate::i18n::{gettext, gettext_f, ngettext_f};
use crate::model::session::Place;
use crate::model::{Addresses, DownloadId, Session};

impl Window {
    /// Adds what was found; what the list has already only if that is wanted.
    pub(super) fn add_to_list(&self, session: &Session, addresses: &Addresses, place: &Place) {
        let (new, known) = session.known(addresses);
        match known.last() {
            Some(last) => self.ask_about_known(session, (addresses, &new), place, (known.len(), *last)),
            None => self.add_at_once(session, addresses, place),
        }
    }

    fn add_at_once(&self, session: &Session, addresses: &Addresses, place: &Place) {
        if let Some(last) = session.add(addresses, place).last() {
            self.imp().view.reveal(*last);
        }
    }

    fn ask_about_known(
        &self,
        session: &Session,
        (all, new): (&Addresses, &Addresses),
        place: &Place,
        (count, last): (usize, DownloadId),
    ) {
        let body = match session.list().get(last).filter(|_| count == 1) {
            // Translators: {file} is the name of a file, {state} what the list says of its download.
            Some(download) => gettext_f(
                "“{file}” has this address: {state}",
                &[("file", &download.name()), ("state", &download.status())],
            ),
            None => {
                let values = [("n", count.to_string())];
                let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
                ngettext_f("{n} download has this address.", "{n} downloads have these addresses.", count, &values)
            }
        };
        let dialog = adw::MessageDialog::new(Some(self), Some(&gettext("Already in the List")), Some(&body));
        dialog.add_response("cancel", &gettext("_Cancel"));
        dialog.add_response("again", &gettext("_Download Again"));
        // Where there is nothing new, what there is may be what was looked for.
        let suggested = if new.found.is_empty() { "show" } else { "new" };
        let label = if new.found.is_empty() { gettext("_Show") } else { gettext("_Add Only New Ones") };
        dialog.add_response(suggested, &label);
        dialog.set_close_response("cancel");
        dialog.set_default_response(Some(suggested));
        dialog.set_response_appearance(suggested, adw::ResponseAppearance::Suggested);
        dialog.connect_response(
            None,
            glib::clone!(
                #[weak(rename_to = window)]
                self,
                #[strong]
                session,
                #[strong]
                all,
                #[strong]
                new,
                #[strong]
                place,
                move |_, response| match response {
                    "again" => window.add_at_once(&session, &all, &place),
                    "new" => window.add_at_once(&session, &new, &place),
                    "show" => window.imp().view.reveal(last),
                    _ => {}
                }
            ),
        );
        dialog.present();
    }
}

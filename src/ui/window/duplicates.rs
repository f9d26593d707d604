// SPDX-License-Identifier: GPL-3.0-or-later
//! Asks what is meant when something is to be added that is in the list already, or was downloaded before.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use super::Window;
use crate::i18n::{gettext, gettext_f, ngettext_f};
use crate::model::session::Place;
use crate::model::{Addresses, DownloadId, Session, amounts, history};
use crate::ui::messages;

/// What is to be added, and what of it is new.
struct Wanted {
    session: Session,
    all: Addresses,
    new: Addresses,
    place: Place,
}

impl Window {
    /// Adds what was found; what the list has already, or what was downloaded before, only if that is wanted.
    pub(super) fn add_to_list(&self, session: &Session, addresses: &Addresses, place: &Place) {
        if self.asks_about_known(session, addresses, place) {
            return;
        }
        if !session.keeps_history() {
            return self.add_at_once(session, addresses, place);
        }
        let (window, session, all, place) = (self.clone(), session.clone(), addresses.clone(), place.clone());
        glib::spawn_future_local(async move {
            let (new, past) = session.downloaded(&all).await;
            match past.last() {
                Some(last) => {
                    window.ask_about_past(Wanted { session, all, new, place }, past.len(), last);
                }
                None => window.add_at_once(&session, &all, &place),
            }
        });
    }

    /// Adds what is wanted once more; what the list has already only if that is meant.
    pub(super) fn add_again(&self, addresses: &Addresses, place: &Place) {
        if let Some(session) = self.imp().session.get()
            && !self.asks_about_known(session, addresses, place)
        {
            self.add_at_once(session, addresses, place);
        }
    }

    /// Puts what came while the list was read into it, without a question: the program is about to end. What the list
    /// has already is there.
    pub fn keep_early(&self, session: &Session) {
        for (addresses, place) in self.imp().early.take() {
            let (new, _) = session.known(&addresses);
            session.add(&new, &place);
        }
    }

    fn add_at_once(&self, session: &Session, addresses: &Addresses, place: &Place) {
        if let Some(last) = session.add(addresses, place).last() {
            self.reveal(*last);
        }
    }

    fn asks_about_known(&self, session: &Session, all: &Addresses, place: &Place) -> bool {
        let (new, known) = session.known(all);
        if let Some(last) = known.last() {
            let wanted = Wanted { session: session.clone(), all: all.clone(), new, place: place.clone() };
            self.ask_about_known(wanted, known.len(), *last);
        }
        !known.is_empty()
    }

    fn ask_about_known(&self, wanted: Wanted, count: usize, last: DownloadId) {
        let body = match wanted.session.list().get(last).filter(|_| count == 1) {
            // Translators: {file} is the name of a file, {state} what the list says of its download.
            Some(download) => gettext_f(
                "“{file}” has this address: {state}",
                &[("file", &download.name()), ("state", &download.status())],
            ),
            None => {
                let n = amounts::count(count);
                ngettext_f("{n} download has this address.", "{n} downloads have these addresses.", count, &[("n", &n)])
            }
        };
        self.ask(wanted, &gettext("Already in the List"), &body, move |window| window.reveal(last));
    }

    fn ask_about_past(&self, wanted: Wanted, count: usize, last: &history::Past) {
        let body = match count {
            1 => history::already(last),
            _ => ngettext_f(
                "{n} of these files was downloaded before and is still there.",
                "{n} of these files were downloaded before and are still there.",
                count,
                &[("n", &amounts::count(count))],
            ),
        };
        let path = last.place().to_owned();
        self.ask(wanted, &gettext("Already Downloaded"), &body, move |window| window.show_file(&path));
    }

    /// `show` shows what there is.
    fn ask(&self, wanted: Wanted, heading: &str, body: &str, show: impl Fn(&Self) + 'static) {
        let dialog = messages::question(self, heading, body);
        dialog.add_response("cancel", &gettext("_Cancel"));
        dialog.add_response("again", &gettext("_Download Again"));
        // Where there is nothing new, what there is may be what was looked for.
        let suggested = if wanted.new.found.is_empty() { "show" } else { "new" };
        let label = if wanted.new.found.is_empty() { gettext("_Show") } else { gettext("_Add Only New Ones") };
        dialog.add_response(suggested, &label);
        dialog.set_close_response("cancel");
        dialog.set_default_response(Some(suggested));
        dialog.set_response_appearance(suggested, adw::ResponseAppearance::Suggested);
        dialog.connect_response(
            None,
            glib::clone!(
                #[weak(rename_to = window)]
                self,
                move |_, response| match response {
                    "again" => window.add_at_once(&wanted.session, &wanted.all, &wanted.place),
                    "new" => window.add_at_once(&wanted.session, &wanted.new, &wanted.place),
                    "show" => show(&window),
                    _ => {}
                }
            ),
        );
        dialog.present();
    }
}

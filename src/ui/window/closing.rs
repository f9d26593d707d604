// SPDX-License-Identifier: GPL-3.0-or-later
//! What becomes of the downloads when the window is closed: they go on without it, or end with it.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use super::Window;
use crate::i18n::{gettext, ngettext_f};
use crate::model::amounts;
use crate::settings::Key;
use crate::ui::messages;

impl Window {
    /// The window is about to be closed. It goes when everything is kept, or only out of sight.
    pub(super) fn leave(&self) -> glib::Propagation {
        let imp = self.imp();
        let to_do = imp.session.get().map_or(0, |session| session.batch().to_do());
        let stays = imp.settings.get().is_some_and(|settings| settings.runs_in_background());
        if stays && (imp.session.get().is_some() || self.has_early()) {
            self.set_visible(false);
            return glib::Propagation::Stop;
        }
        if to_do > 0 {
            self.ask_what_becomes(to_do);
            return glib::Propagation::Stop;
        }
        if WidgetExt::activate_action(self, "app.quit", None).is_ok() {
            glib::Propagation::Stop
        } else {
            glib::Propagation::Proceed
        }
    }

    /// Whether something was added that is in no list yet: what is read now takes it in.
    pub fn has_early(&self) -> bool {
        let imp = self.imp();
        imp.session.get().is_none() && imp.failed.get().is_none() && !imp.early.borrow().is_empty()
    }

    fn quit(&self) {
        if WidgetExt::activate_action(self, "app.quit", None).is_err() {
            tracing::warn!("There is no application to quit");
        }
    }

    fn ask_what_becomes(&self, to_do: u32) {
        let body = ngettext_f(
            "{n} download is not complete. It goes on when Freshet is started again, or without the window.",
            "{n} downloads are not complete. They go on when Freshet is started again, or without the window.",
            to_do,
            &[("n", &amounts::count(to_do))],
        );
        // Translators: a question.
        let dialog = messages::question(self, &gettext("Stop Downloading?"), &body);
        dialog.add_responses(&[
            ("cancel", &gettext("_Cancel")),
            // Translators: a button: stops the downloads and ends the program.
            ("quit", &gettext("_Quit")),
            // Translators: a button: closes the window only.
            ("stay", &gettext("_Keep Running")),
        ]);
        dialog.set_close_response("cancel");
        dialog.set_default_response(Some("stay"));
        dialog.set_response_appearance("stay", adw::ResponseAppearance::Suggested);
        dialog.connect_response(
            None,
            glib::clone!(
                #[weak(rename_to = window)]
                self,
                move |_, response| match response {
                    "quit" => window.quit(),
                    "stay" => {
                        if let Some(settings) = window.imp().settings.get() {
                            settings.set_boolean(Key::RunInBackground, true);
                        }
                        window.set_visible(false);
                    }
                    _ => {}
                }
            ),
        );
        dialog.present();
    }
}

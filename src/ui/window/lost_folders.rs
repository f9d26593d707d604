// SPDX-License-Identifier: GPL-3.0-or-later
//! Says which folder is out of reach, and lets another one be chosen in its place.

use std::time::Duration;

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use super::Window;
use crate::model::Session;
use crate::ui::{chooser, messages};

/// A folder that goes takes many downloads with it.
const GATHER: Duration = Duration::from_millis(300);

impl Window {
    /// Looks now, and when a download fails for it.
    pub(super) fn watch_folders(&self, session: &Session) {
        let imp = self.imp();
        imp.lost_choose.connect_clicked(glib::clone!(
            #[weak(rename_to = window)]
            self,
            move |_| window.replace_folder()
        ));
        session.connect_folder_lost(glib::clone!(
            #[weak(rename_to = window)]
            self,
            move || window.look_for_folders()
        ));
        // A drive may have come back meanwhile.
        self.connect_is_active_notify(|window| {
            if window.is_active() && window.imp().lost.is_visible() {
                window.look_for_folders();
            }
        });
        self.look_for_folders();
    }

    fn look_for_folders(&self) {
        if self.imp().looks_for_folders.replace(true) {
            return;
        }
        let window = self.clone();
        glib::spawn_future_local(async move {
            glib::timeout_future(GATHER).await;
            let imp = window.imp();
            imp.looks_for_folders.set(false);
            let Some(session) = imp.session.get() else { return };
            // One after the other: the next one when this is repaired.
            let lost = session.lost_folders().await.into_iter().next();
            imp.lost_words.set_label(&lost.as_ref().map(|lost| lost.sentence()).unwrap_or_default());
            imp.lost.set_visible(lost.is_some());
            imp.lost_folder.replace(lost);
        });
    }

    fn replace_folder(&self) {
        let Some(lost) = self.imp().lost_folder.borrow().clone() else { return };
        let window = self.clone();
        glib::spawn_future_local(async move {
            // In a sandbox that grants the folder anew.
            let Some(path) = chooser::choose_folder(&window, None).await else { return };
            if let Some(session) = window.imp().session.get() {
                if let Err(sentence) = session.repair(&lost, &path) {
                    messages::tell(&window.imp().toasts, &sentence);
                }
                window.look_for_folders();
            }
        });
    }
}

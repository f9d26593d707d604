// SPDX-License-Identifier: GPL-3.0-or-later
//! What is told by notifications of downloads while nobody looks at the window.

use adw::prelude::*;
use gtk::glib;

use super::{Application, Window};
use crate::desktop::logins::{self, Told};
use crate::model::{DownloadObject, Session};
use crate::settings::Settings;

impl Application {
    /// Tells of downloads that end while the window is not looked at.
    pub(super) fn tell_of_ends(&self, session: &Session, settings: &Settings) {
        let settings = settings.clone();
        session.connect_finished(glib::clone!(
            #[weak(rename_to = application)]
            self,
            move |download: &DownloadObject| {
                // What waits for a log-in may find a remembered one.
                if !download.can_log_in() {
                    application.tell_unless_seen(download, &settings);
                }
            }
        ));
    }

    /// Tells of downloads that wait for the user to log in, and of what could not be remembered.
    pub(super) fn tell_of_logins(&self, session: &Session, settings: &Settings, window: &Window) {
        let (settings, list) = (settings.clone(), session.list().clone());
        logins::follow(
            session,
            glib::clone!(
                #[weak(rename_to = application)]
                self,
                #[weak]
                window,
                move |told| match told {
                    Told::Needed(id) => {
                        if let Some(download) = list.get(id) {
                            application.tell_unless_seen(&download, &settings);
                        }
                    }
                    Told::NotRemembered(sentence) => window.tell_not_remembered(&sentence),
                }
            ),
        );
    }

    fn tell_unless_seen(&self, download: &DownloadObject, settings: &Settings) {
        // One that was closed counts as active still.
        let is_seen = self.active_window().is_some_and(|window| window.is_active() && window.is_visible());
        if !is_seen && settings.notifies_ends() {
            self.notifier().ended(download);
        }
    }
}

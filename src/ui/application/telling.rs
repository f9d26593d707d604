// SPDX-License-Identifier: GPL-3.0-or-later
//! What is told in notifications while nobody looks, and what their buttons ask for.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use super::Application;
use crate::desktop::logins::{self, Told};
use crate::desktop::notifications::Notifier;
use crate::model::{DownloadId, DownloadObject, Session};
use crate::settings::Settings;
use crate::ui::actions::DownloadAction;
use crate::ui::messages;
use crate::ui::window::Window;

/// What a notification's button asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    Perform(DownloadAction),
    /// Show its row.
    Reveal,
}

impl Application {
    /// A notification's button: the download may be gone, or the program only just started for it.
    pub(super) fn perform(&self, wish: Wish, id: DownloadId) {
        let window = self.window();
        let Some(session) = self.imp().session.get() else {
            window.present();
            self.imp().early.borrow_mut().push((wish, id));
            return;
        };
        self.notifier().take_up(id);
        let download = session.list().get(id);
        match (wish, download) {
            (Wish::Perform(action), Some(download)) if action.fits(&download) => {
                if action == DownloadAction::LogIn {
                    // Its dialog is above the window.
                    window.present();
                }
                window.perform(action, &[download]);
            }
            (_, download) => {
                window.present();
                if download.is_some() {
                    window.reveal(id);
                }
            }
        }
    }

    pub fn notifier(&self) -> &Notifier {
        self.imp().notifier.get_or_init(|| Notifier::new(self))
    }

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
        if !self.active_window().is_some_and(|window| messages::is_looked_at(&window)) && settings.notifies_ends() {
            self.notifier().ended(download);
        }
    }
}

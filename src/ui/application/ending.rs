// SPDX-License-Identifier: GPL-3.0-or-later
//! The end of the program, in which everything is kept: the list, what was to come into it, the shape of the window.

use gtk::glib;
use gtk::prelude::*;
use gtk::subclass::prelude::*;

use super::Application;
use crate::model::Session;
use crate::ui::afterwards;
use crate::ui::window::Window;

impl Application {
    /// What a terminal or the end of the desktop's session sends is a wish to quit.
    pub(super) fn install_signals(&self) {
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
            glib_unix::unix_signal_add_local(
                signal,
                glib::clone!(
                    #[weak(rename_to = application)]
                    self,
                    #[upgrade_or]
                    glib::ControlFlow::Break,
                    move || {
                        application.end();
                        glib::ControlFlow::Continue
                    }
                ),
            );
        }
    }

    /// From here on nothing new can be taken.
    pub(super) fn is_ending(&self) -> bool {
        let imp = self.imp();
        imp.ends_when_read.get() || imp.session.get().is_some_and(Session::is_stopping)
    }

    /// Ends the program as soon as everything is kept. The window goes at once. Who asks again does
    /// not want to wait; what is on disk is enough to go on from.
    pub(super) fn end(&self) {
        if self.is_ending() {
            self.quit();
            return;
        }
        let has_early = self.own_window().is_some_and(|window| window.has_early());
        for window in self.windows() {
            if let Some(window) = window.downcast_ref::<Window>() {
                window.save_shape();
            }
            window.set_visible(false);
        }
        match self.imp().session.get() {
            Some(session) => {
                // What is counted down would be done without the program, and its notification stay.
                self.activate_action(afterwards::CANCEL, None);
                let hold = self.hold();
                session.stop(glib::clone!(
                    #[weak(rename_to = application)]
                    self,
                    move || {
                        drop(hold);
                        application.quit();
                    }
                ));
            }
            None if has_early => self.imp().ends_when_read.set(true),
            None => self.quit(),
        }
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! What is left of the window where the engine cannot be started: the reason.

use adw::subclass::prelude::*;
use gtk::prelude::*;
use gtk::{gio, glib};

use super::{Window, exchange};
use crate::ui::actions::WindowAction;

impl Window {
    /// There will be no session: nothing more is taken in.
    pub fn fail(&self, reason: &str) {
        let imp = self.imp();
        let is_first = imp.failed.set(reason.to_owned()).is_ok();
        debug_assert!(is_first, "a window begins once");
        imp.early.take();
        for action in [WindowAction::Add.name(), WindowAction::Paste.name(), exchange::IMPORT] {
            if let Some(action) = self.lookup_action(action).and_downcast::<gio::SimpleAction>() {
                action.set_enabled(false);
            }
        }
        if let Some(drops) = imp.drops.get() {
            imp.toasts.remove_controller(drops);
        }
        imp.clipboard_offer.set_visible(false);
        imp.title.set_subtitle("");
        imp.failure.set_description(Some(&glib::markup_escape_text(reason)));
        self.show_page("failed");
        imp.pause_all.set_visible(false);
    }

    /// A window that only says why there is no session.
    pub fn failed(application: &impl IsA<gtk::Application>, reason: &str) -> Self {
        let window: Self = glib::Object::builder().property("application", application).build();
        window.fail(reason);
        window.set_default_size(600, 400);
        window
    }

    /// Whether nothing can be added: there will be no session.
    pub fn has_failed(&self) -> bool {
        self.imp().failed.get().is_some()
    }
}

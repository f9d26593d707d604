// SPDX-License-Identifier: GPL-3.0-or-later
//! Toasts: what happened, and a way back; and the question before something is forgotten.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use adw::prelude::*;
use gtk::glib;

use crate::i18n::gettext;

/// Long enough to read the sentence and to find the button.
const UNDO_SECONDS: u32 = 8;

/// Says a sentence.
pub fn tell(overlay: &adw::ToastOverlay, text: &str) {
    overlay.add_toast(toast(text));
}

/// Says a sentence and offers to do something about it.
pub fn offer(overlay: &adw::ToastOverlay, text: &str, label: &str, done: impl Fn() + 'static) {
    let toast = toast(text);
    toast.set_button_label(Some(label));
    toast.connect_button_clicked(move |_| done());
    overlay.add_toast(toast);
}

/// Asks whether something may be forgotten, and calls `clear` if it may.
pub fn ask_to_clear(parent: &impl IsA<gtk::Window>, heading: &str, body: &str, clear: impl Fn() + 'static) {
    ask(parent, heading, body, &gettext("C_lear"), clear);
}

/// Asks whether something may be removed, and calls `remove` if it may.
pub fn ask_to_remove(parent: &impl IsA<gtk::Window>, heading: &str, body: &str, remove: impl Fn() + 'static) {
    ask(parent, heading, body, &gettext("_Remove"), remove);
}

/// A dialog that asks something. libadwaita 1.2 does not tell a screen reader that it is one.
pub fn question(parent: &impl IsA<gtk::Window>, heading: &str, body: &str) -> adw::MessageDialog {
    let dialog = adw::MessageDialog::new(Some(parent), Some(heading), Some(body));
    dialog.set_property("accessible-role", gtk::AccessibleRole::Dialog);
    dialog
}

/// Asks before something that can not be undone.
fn ask(parent: &impl IsA<gtk::Window>, heading: &str, body: &str, label: &str, done: impl Fn() + 'static) {
    let dialog = question(parent, heading, body);
    dialog.add_responses(&[("cancel", &gettext("_Cancel")), ("done", label)]);
    dialog.set_close_response("cancel");
    dialog.set_default_response(Some("cancel"));
    dialog.set_response_appearance("done", adw::ResponseAppearance::Destructive);
    dialog.connect_response(Some("done"), move |_, _| done());
    dialog.present();
}

/// A toast with Undo that is shown or waits to be shown.
#[derive(Debug)]
pub struct UndoOffer {
    toast: adw::Toast,
    is_settled: Rc<Cell<bool>>,
    since: Instant,
}

/// A toast comes and goes in 300 ms. libadwaita 1.2 crashes where one is told to go, or makes room for another,
/// while it is still coming: none is before this has passed.
const COMING: Duration = Duration::from_millis(600);

impl UndoOffer {
    /// Says something else, if it is so new that it could not be replaced by another one. Answers whether it does.
    pub fn reword(&self, text: &str) -> bool {
        let is_new = self.since.elapsed() < COMING;
        if is_new {
            self.toast.set_title(&glib::markup_escape_text(text));
        }
        is_new
    }

    /// Takes the offer back; neither of its closures will be called.
    pub fn withdraw(self) {
        self.is_settled.set(true);
        let left = COMING.saturating_sub(self.since.elapsed());
        if left.is_zero() {
            self.toast.dismiss();
        } else {
            glib::timeout_add_local_once(left, move || self.toast.dismiss());
        }
    }
}

/// Says what was done and offers to undo it: `undo` is called when that is wanted, `gone` when the
/// offer is over; never both.
pub fn offer_undo(
    overlay: &adw::ToastOverlay,
    text: &str,
    undo: impl Fn() + 'static,
    gone: impl Fn() + 'static,
) -> UndoOffer {
    let toast = toast(text);
    toast.set_button_label(Some(&gettext("Undo")));
    toast.set_timeout(UNDO_SECONDS);
    toast.set_priority(adw::ToastPriority::High);
    // A used button dismisses the toast as well.
    let is_settled = Rc::new(Cell::new(false));
    let used = is_settled.clone();
    toast.connect_button_clicked(move |_| {
        if !used.replace(true) {
            undo();
        }
    });
    let dismissed = is_settled.clone();
    toast.connect_dismissed(move |_| {
        if !dismissed.replace(true) {
            gone();
        }
    });
    overlay.add_toast(toast.clone());
    UndoOffer { toast, is_settled, since: Instant::now() }
}

pub fn toast(text: &str) -> adw::Toast {
    // A toast's title is Pango markup; file names and addresses are not.
    adw::Toast::new(&glib::markup_escape_text(text))
}

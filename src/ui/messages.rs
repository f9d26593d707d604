// SPDX-License-Identifier: GPL-3.0-or-later
//! Toasts: what happened, and a way back; and the question before something is forgotten.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use adw::prelude::*;
use gtk::{glib, pango};

use crate::i18n::gettext;

/// Long enough to read the sentence and to find the button.
const UNDO_SECONDS: u32 = 8;

/// The most lines of a toast.
const LINES: i32 = 5;

/// What is beside the words of a toast, in pixels: the button that closes it, margins; and beside the words of another
/// button.
const BESIDE: i32 = 150;
const AROUND_BUTTON: i32 = 50;

/// How many letters a line of a toast may have.
const ROOM: std::ops::RangeInclusive<i32> = 10..=64;

/// The most letters of a file name in a toast: in a narrow window they fill two lines.
const LONGEST_NAME: usize = 30;

/// Says a sentence.
pub fn tell(overlay: &adw::ToastOverlay, text: &str) {
    overlay.add_toast(toast(text, overlay));
}

/// Whether the user looks at a window. One that was closed counts as active still.
pub fn is_looked_at(window: &impl IsA<gtk::Window>) -> bool {
    let window = window.upcast_ref::<gtk::Window>();
    window.is_active() && window.is_visible()
}

/// Has a window that something is about to be said in come to the front, where none of the program's is.
pub fn come_to_front(window: &impl IsA<gtk::Window>) {
    let window = window.upcast_ref::<gtk::Window>();
    let active = window.application().and_then(|application| application.active_window());
    if !window.is_visible() || !active.as_ref().is_some_and(is_looked_at) {
        window.present();
    }
}

/// Says a sentence about what the user did elsewhere, in a notification or in a dialog of the desktop, so that it is seen.
pub fn tell_in_front(window: &impl IsA<gtk::Window>, overlay: &adw::ToastOverlay, text: &str) {
    come_to_front(window);
    tell(overlay, text);
}

/// Says a sentence and offers to do something about it.
pub fn offer(overlay: &adw::ToastOverlay, text: &str, label: &str, done: impl Fn() + 'static) {
    let toast = around(&words(text, Some(label), overlay.upcast_ref()));
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

/// Asks before something that cannot be undone.
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
    words: gtk::Label,
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
            self.words.set_label(text);
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
    let label = gettext("Undo");
    let words = words(text, Some(&label), overlay.upcast_ref());
    let toast = around(&words);
    toast.set_button_label(Some(&label));
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
    UndoOffer { toast, words, is_settled, since: Instant::now() }
}

/// A toast that says a sentence in a window, or in what is as wide as it.
pub fn toast(text: &str, window: &impl IsA<gtk::Widget>) -> adw::Toast {
    around(&words(text, None, window.upcast_ref()))
}

fn around(words: &gtk::Label) -> adw::Toast {
    let toast = adw::Toast::new("");
    toast.set_custom_title(Some(words));
    toast
}

/// The sentence of a toast. One of its own would have one line, in a narrow window half a sentence. It has the height of
/// its natural width, which therefore has to be one that there is room for.
fn words(text: &str, button: Option<&str>, window: &gtk::Widget) -> gtk::Label {
    let letter = window.pango_context().metrics(None, None).approximate_char_width() / pango::SCALE;
    let letter = letter.max(1);
    let button = button.map_or(0, |label| window.create_pango_layout(Some(label)).pixel_size().0 + AROUND_BUTTON);
    let room = (window.width() - BESIDE - button) / letter;
    gtk::Label::builder()
        .max_width_chars(room.clamp(*ROOM.start(), *ROOM.end()))
        .label(text)
        .xalign(0.0)
        .wrap(true)
        .wrap_mode(pango::WrapMode::WordChar)
        .ellipsize(pango::EllipsizeMode::End)
        .lines(LINES)
        .css_classes(["heading"])
        .build()
}

/// A file name that leaves room for what is said of it: its beginning and its end.
pub fn brief(name: &str) -> String {
    let letters: Vec<_> = name.chars().collect();
    if letters.len() <= LONGEST_NAME {
        return name.to_owned();
    }
    let kept = LONGEST_NAME - 1;
    let (begin, end) = (kept.div_ceil(2), kept / 2);
    letters[..begin].iter().chain(&['…']).chain(&letters[letters.len() - end..]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_loses_its_middle() {
        assert_eq!(brief("thesis.pdf"), "thesis.pdf");
        assert_eq!(brief(&"ä".repeat(LONGEST_NAME)), "ä".repeat(LONGEST_NAME));
        let long = brief("debian-13.2.0-amd64-netinst-with-a-very-long-name.iso");
        assert_eq!(long, "debian-13.2.0-a…-long-name.iso");
        assert_eq!(long.chars().count(), LONGEST_NAME);
    }
}

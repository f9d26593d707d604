// SPDX-License-Identifier: GPL-3.0-or-later
//! The wheel over a spin button scrolls the page, as it does beside it. GTK 4.8 would turn the number, of which nobody
//! thinks who only wants to see the rest of the page. While the button has the focus its number is meant.

use gtk::glib;
use gtk::prelude::*;

use super::children::children;

/// For all spin buttons that are in this widget now.
pub fn leave_to_page(widget: &impl IsA<gtk::Widget>) {
    for child in children(widget) {
        match child.downcast_ref::<gtk::SpinButton>() {
            Some(spin) => turn_with_focus_only(spin),
            None => leave_to_page(&child),
        }
    }
}

fn turn_with_focus_only(spin: &gtk::SpinButton) {
    let Some(wheel) = wheel_of(spin) else { return };
    wheel.set_propagation_phase(gtk::PropagationPhase::None);
    // The focus is in the text that the button has inside.
    let focus = gtk::EventControllerFocus::new();
    focus.connect_contains_focus_notify(move |focus| {
        let has_focus = focus.contains_focus();
        wheel.set_propagation_phase(if has_focus {
            gtk::PropagationPhase::Bubble
        } else {
            gtk::PropagationPhase::None
        });
    });
    spin.add_controller(focus);
}

/// What turns the number.
fn wheel_of(spin: &gtk::SpinButton) -> Option<gtk::EventControllerScroll> {
    // GTK 4.8 tells no more of them than that they are objects.
    spin.observe_controllers().iter::<glib::Object>().flatten().find_map(|one| one.downcast().ok())
}

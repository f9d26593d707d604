// SPDX-License-Identifier: GPL-3.0-or-later
//! A spin button for a time of day: its number is a minute of the day, which is shown and typed as a time.

use gtk::glib;
use gtk::prelude::*;

use crate::model::schedule::{self, DAY};

/// Its adjustment should go from `-DAY` to `2 * DAY`: past midnight the day begins anew.
pub fn tell_time(spin: &gtk::SpinButton, changed: impl Fn() + 'static) {
    let widest = i32::try_from(schedule::time(22 * 60 + 30).chars().count()).unwrap_or_default();
    spin.set_width_chars(widest);
    spin.connect_output(|spin| {
        spin.set_text(&schedule::time(minute_of(spin)));
        glib::Propagation::Stop
    });
    // What is no time changes nothing. An error would not do: GTK goes on with a value that nobody has set then.
    spin.connect_input(|spin| Some(Ok(schedule::read_time(&spin.text()).map_or_else(|| spin.value(), f64::from))));
    spin.connect_value_changed(move |spin| {
        let minute = minute_of(spin);
        if spin.value() == f64::from(minute) {
            changed();
        } else {
            // It is told of once more.
            spin.set_value(f64::from(minute));
        }
    });
}

/// Minutes from midnight, wherever the button has been turned to.
pub fn minute_of(spin: &gtk::SpinButton) -> u16 {
    u16::try_from(spin.value_as_int().rem_euclid(i32::from(DAY))).unwrap_or_default()
}

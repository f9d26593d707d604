// SPDX-License-Identifier: GPL-3.0-or-later
//! On which day the user's weeks begin. GLib does not tell, but the toolkit's calendar shows it.

use gtk::prelude::*;

use super::children::children;
use crate::model::schedule::{Day, short_day_name};

/// Monday, as ISO 8601 says, where it cannot be told.
pub fn first_day() -> Day {
    let mut shown = Vec::new();
    add_day_names(gtk::Calendar::new().upcast_ref(), &mut shown);
    let names = Day::ALL.map(short_day_name);
    let day = |shown: Option<&String>| names.iter().position(|name| Some(name) == shown);
    let [first, second, last] = [shown.first(), shown.get(1), shown.last()].map(day);
    // In a window that goes from right to left GTK 4.8 has them the other way round.
    let is_reversed = first.zip(second).is_some_and(|(first, second)| (second + 1) % names.len() == first);
    let first = if is_reversed { last } else { first };
    first.and_then(|place| Day::ALL.get(place).copied()).unwrap_or(Day::Monday)
}

/// What stands above the columns.
fn add_day_names(widget: &gtk::Widget, names: &mut Vec<String>) {
    if let Some(label) = widget.downcast_ref::<gtk::Label>().filter(|label| label.has_css_class("day-name")) {
        names.push(label.label().into());
    }
    children(widget).for_each(|child| add_day_names(&child, names));
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Links dropped anywhere on the window, from any program. File managers give file lists, browsers
//! only the text of a link, mail programs whole paragraphs.

use gtk::prelude::*;
use gtk::{gdk, gio, glib};

/// What was dropped.
#[derive(Debug)]
pub enum Dropped {
    Text(String),
    Files(Vec<gio::File>),
}

/// A place in the area that takes drops, in its coordinates.
pub type Point = (f64, f64);

/// Accepts drops on `area`. `hovers` is told where something hovers over it, and when nothing does any
/// more.
pub fn accept(
    area: &impl IsA<gtk::Widget>,
    hovers: impl Fn(Option<Point>) + Clone + 'static,
    dropped: impl Fn(Dropped, Point) + 'static,
) {
    install(area, gtk::PropagationPhase::Bubble, hovers, dropped);
}

/// The same in place of what is in `area`: a text view knows no lists, and puts a text where it stands.
pub fn accept_everywhere(
    area: &impl IsA<gtk::Widget>,
    hovers: impl Fn(Option<Point>) + Clone + 'static,
    dropped: impl Fn(Dropped, Point) + 'static,
) {
    install(area, gtk::PropagationPhase::Capture, hovers, dropped);
}

fn install(
    area: &impl IsA<gtk::Widget>,
    phase: gtk::PropagationPhase,
    hovers: impl Fn(Option<Point>) + Clone + 'static,
    dropped: impl Fn(Dropped, Point) + 'static,
) {
    let target = target();
    target.set_propagation_phase(phase);
    let moves = hovers.clone();
    target.connect_motion(move |_, x, y| {
        moves(Some((x, y)));
        gdk::DragAction::COPY
    });
    let leaves = hovers.clone();
    target.connect_leave(move |_| leaves(None));
    target.connect_drop(move |_, value, x, y| {
        hovers(None);
        let content = content(value);
        let is_known = content.is_some();
        if let Some(content) = content {
            dropped(content, (x, y));
        }
        is_known
    });
    area.add_controller(target);
}

/// The first type that the source offers is taken. Text comes last: a list says more exactly what was meant.
fn target() -> gtk::DropTarget {
    let target = gtk::DropTarget::new(glib::Type::INVALID, gdk::DragAction::COPY);
    target.set_types(&[gdk::FileList::static_type(), gio::File::static_type(), String::static_type()]);
    target
}

fn content(value: &glib::Value) -> Option<Dropped> {
    if let Ok(list) = value.get::<gdk::FileList>() {
        Some(Dropped::Files(list.files()))
    } else if let Ok(file) = value.get::<gio::File>() {
        Some(Dropped::Files(vec![file]))
    } else {
        value.get().ok().map(Dropped::Text)
    }
}

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

/// Accepts drops on `area`; `hint` is shown while one hovers over it.
pub fn accept(area: &impl IsA<gtk::Widget>, hint: &gtk::Revealer, dropped: impl Fn(Dropped) + 'static) {
    let target = gtk::DropTarget::new(glib::Type::INVALID, gdk::DragAction::COPY);
    // The first type that the source offers is taken. Text comes last: a list says more exactly
    // what was meant.
    target.set_types(&[gdk::FileList::static_type(), gio::File::static_type(), String::static_type()]);
    target.connect_enter(glib::clone!(
        #[weak]
        hint,
        #[upgrade_or]
        gdk::DragAction::empty(),
        move |_, _, _| {
            hint.set_reveal_child(true);
            gdk::DragAction::COPY
        }
    ));
    target.connect_leave(glib::clone!(
        #[weak]
        hint,
        move |_| hint.set_reveal_child(false)
    ));
    target.connect_drop(glib::clone!(
        #[weak]
        hint,
        #[upgrade_or]
        false,
        move |_, value, _, _| {
            hint.set_reveal_child(false);
            let content = content(value);
            let is_known = content.is_some();
            if let Some(content) = content {
                dropped(content);
            }
            is_known
        }
    ));
    area.add_controller(target);
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

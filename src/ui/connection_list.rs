// SPDX-License-Identifier: GPL-3.0-or-later
//! The open connections of a download, a line for each: the number and the colour by which the picture
//! of the bytes shows it, who it speaks to, and what it does.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::{glib, pango};

use super::unhyphenated;
use crate::model::connections::Connection;

/// As many colours as the style sheet has; then they begin anew, and only the numbers differ.
pub const COLOURS: usize = 8;

mod imp {
    use std::cell::RefCell;

    use super::*;

    #[derive(Debug, Default)]
    pub struct ConnectionList {
        pub grid: gtk::Grid,
        /// The labels of each line: who and what.
        pub lines: RefCell<Vec<(gtk::Label, gtk::Label)>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for ConnectionList {
        const NAME: &'static str = "FreshetConnectionList";
        type Type = super::ConnectionList;
        type ParentType = adw::Bin;
    }

    impl ObjectImpl for ConnectionList {
        fn constructed(&self) {
            self.parent_constructed();
            self.grid.set_column_spacing(9);
            self.grid.set_row_spacing(6);
            self.obj().set_child(Some(&self.grid));
        }
    }

    impl WidgetImpl for ConnectionList {}
    impl BinImpl for ConnectionList {}
}

glib::wrapper! {
    pub struct ConnectionList(ObjectSubclass<imp::ConnectionList>)
        @extends adw::Bin, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget;
}

impl ConnectionList {
    /// Lines are made and removed only where their number changes: a selection would be lost.
    pub fn show(&self, connections: &[Connection]) {
        let imp = self.imp();
        let mut lines = imp.lines.borrow_mut();
        while lines.len() > connections.len() && lines.pop().is_some() {
            imp.grid.remove_row(i32::try_from(lines.len()).unwrap_or(i32::MAX));
        }
        for connection in connections.iter().skip(lines.len()) {
            let row = i32::try_from(connection.number - 1).unwrap_or(i32::MAX);
            let line = (text(&["connection-host"]), text(&["caption", "dim-label", "numeric"]));
            let words = gtk::Box::new(gtk::Orientation::Vertical, 0);
            words.append(&line.0);
            words.append(&line.1);
            imp.grid.attach(&mark(connection.number), 0, row, 1, 1);
            imp.grid.attach(&words, 1, row, 1, 1);
            lines.push(line);
        }
        for (connection, (host, words)) in connections.iter().zip(&*lines) {
            // A label that is set to the text that it has would be laid out anew.
            for (label, text) in [(host, &connection.host), (words, &connection.words)] {
                if label.label() != **text {
                    label.set_label(text);
                }
            }
        }
    }
}

/// The number of a connection in its colour.
fn mark(number: usize) -> gtk::Label {
    let colour = format!("connection-{}", colour(number));
    gtk::Label::builder()
        .label(number.to_string())
        .valign(gtk::Align::Start)
        .css_classes(["connection-mark", "caption", "numeric", &colour])
        .build()
}

/// Which of the colours the connection of this number has; both count from 1.
pub fn colour(number: usize) -> usize {
    (number.max(1) - 1) % COLOURS + 1
}

fn text(classes: &[&str]) -> gtk::Label {
    let label = gtk::Label::builder()
        .xalign(0.0)
        .hexpand(true)
        .wrap(true)
        .wrap_mode(pango::WrapMode::WordChar)
        .css_classes(classes)
        .build();
    unhyphenated::set_label(&label);
    label
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_begin_anew_when_there_are_no_more() {
        assert_eq!([1, 2, 8, 9, 17].map(colour), [1, 2, 8, 1, 1]);
    }

    #[test]
    fn both_styles_have_every_colour() {
        let light = include_str!("../../data/resources/style.css");
        let dark = include_str!("../../data/resources/style-dark.css");
        for number in 1..=COLOURS {
            let defined = format!("@define-color connection_{number} ");
            assert!(light.contains(&defined) && dark.contains(&defined), "{number}");
            assert!(light.contains(&format!(".connection-{number} {{")), "{number}");
        }
    }
}

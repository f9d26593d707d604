// SPDX-License-Identifier: GPL-3.0-or-later
//! The widgets that are in another one, which GTK tells one after the other.

use gtk::prelude::*;

pub fn children<W: IsA<gtk::Widget>>(of: &W) -> impl Iterator<Item = gtk::Widget> + use<W> {
    std::iter::successors(of.first_child(), gtk::Widget::next_sibling)
}

/// Those that a layout gives room.
pub fn laid_out(of: &gtk::Widget) -> Vec<gtk::Widget> {
    children(of).filter(gtk::Widget::should_layout).collect()
}

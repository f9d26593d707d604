// SPDX-License-Identifier: GPL-3.0-or-later
//! Addresses, paths and names are broken anywhere when they are longer than a line. The hyphen that Pango shows at
//! such a place looks like a part of them.

use gtk::pango;
use gtk::prelude::*;

pub fn set_label(label: &gtk::Label) {
    label.set_attributes(pango::AttrList::from_string("0 -1 insert-hyphens false").ok().as_ref());
}

/// For all that is ever written into it.
pub fn set_text(view: &gtk::TextView) {
    let tag = gtk::TextTag::builder().insert_hyphens(false).build();
    let buffer = view.buffer();
    buffer.tag_table().add(&tag);
    buffer.connect_changed(move |buffer| buffer.apply_tag(&tag, &buffer.start_iter(), &buffer.end_iter()));
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! The value of a row that offers some: whole. The toolkit cuts it off where the row's own words would take the room, which
//! could be on several lines, and then nobody knows what is chosen.

use adw::prelude::*;

/// So many letters have room in any case: with more a narrow window would have none for the row's own words.
const MOST: i32 = 26;

/// In letters of a usual width: those of Chinese, Japanese and Korean have twice that.
fn width_of(letter: char) -> i32 {
    match letter {
        '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff60}' => 2,
        _ => 1,
    }
}

/// For a row whose values are texts.
pub fn show_whole(row: &adw::ComboRow) {
    let factory = gtk::SignalListItemFactory::new();
    factory.connect_setup(|_, item| {
        if let Some(item) = item.downcast_ref::<gtk::ListItem>() {
            let label = gtk::Label::builder().ellipsize(gtk::pango::EllipsizeMode::End).xalign(1.0).build();
            item.set_child(Some(&label));
        }
    });
    factory.connect_bind(|_, item| {
        let Some(item) = item.downcast_ref::<gtk::ListItem>() else { return };
        let text = item.item().and_downcast::<gtk::StringObject>().map(|value| value.string());
        if let Some(label) = item.child().and_downcast::<gtk::Label>() {
            let text = text.unwrap_or_default();
            label.set_width_chars(text.chars().map(width_of).sum::<i32>().min(MOST));
            label.set_label(&text);
        }
    });
    // In the list that opens the toolkit's own shows which one is chosen.
    row.set_list_factory(row.factory().as_ref());
    row.set_factory(Some(&factory));
}

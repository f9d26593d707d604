// SPDX-License-Identifier: GPL-3.0-or-later
//! The value of a row that offers some: whole. The toolkit cuts it off where the row's own words would take the room, which
//! could be on several lines, and then nobody knows what is chosen.

use adw::prelude::*;

/// So many letters of the usual size have room in any case: with more a narrow window would have none for the row's own words.
const MOST: i32 = 26;
/// What `gtk-xft-dpi` is with letters of that size.
const USUAL: i32 = 96 * 1024;

/// The larger the letters, the fewer of them.
fn most(dpi: i32) -> i32 {
    if dpi <= USUAL { MOST } else { MOST * USUAL / dpi }
}

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
            let most = most(label.settings().gtk_xft_dpi());
            label.set_width_chars(text.chars().map(width_of).sum::<i32>().min(most));
            label.set_label(&text);
        }
    });
    // In the list that opens the toolkit's own shows which one is chosen.
    row.set_list_factory(row.factory().as_ref());
    row.set_factory(Some(&factory));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_letters_take_no_more_room_than_others() {
        // -1: the default.
        assert_eq!([-1, USUAL, USUAL * 3 / 2, USUAL * 2].map(most), [26, 26, 17, 13]);
        assert_eq!("使用 new".chars().map(width_of).sum::<i32>(), 8);
    }
}

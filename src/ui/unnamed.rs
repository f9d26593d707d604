// SPDX-License-Identifier: GPL-3.0-or-later
//! What a screen reader would be told wrongly, or not at all, of windows and their parts. GTK 4.8 calls a part without
//! a name after its class, and Orca says so: "GtkImage" of the picture in a button, "GtkStackPage" of the page that
//! holds a list. This looks through each window when it is shown first, be it ours or the toolkit's. What is added to a
//! window later looks after itself.

use adw::prelude::*;
use gtk::{gio, glib};

use super::children::children;
use crate::i18n::gettext;

const ROLE: &str = "accessible-role";

/// Looks after all windows that are opened from now on.
pub fn watch_windows() {
    gtk::Window::toplevels().connect_items_changed(|windows, at, _, added| {
        for window in (at..at + added).filter_map(|at| windows.item(at).and_downcast::<gtk::Window>()) {
            // Not yet: it has no parts so far.
            window.connect_realize(|window| match window.is::<gtk::ApplicationWindow>() {
                // The one that the program starts with is to be seen first.
                true => {
                    glib::idle_add_local_once(glib::clone!(
                        #[weak]
                        window,
                        move || name_parts(&window)
                    ));
                }
                false => name_parts(window),
            });
        }
    });
}

fn role(part: &impl IsA<gtk::Widget>) -> gtk::AccessibleRole {
    part.property(ROLE)
}

/// Names what is in a part that is added to a window, and the part itself.
pub fn name_parts(of: &impl IsA<gtk::Widget>) {
    let part = of.upcast_ref::<gtk::Widget>();
    name(part);
    children(part).for_each(|child| name_parts(&child));
}

/// Gives a button the menu that it opens, which is made only now, and is called as the button.
pub fn give_menu(button: &gtk::MenuButton, menu: &impl IsA<gio::MenuModel>) {
    button.set_menu_model(Some(menu));
    if let Some(popover) = button.popover() {
        name_parts(&popover);
    }
}

fn name(part: &gtk::Widget) {
    if let Some(button) = part.downcast_ref::<gtk::Button>() {
        name_button(button);
    } else if let Some(stack) = part.downcast_ref::<gtk::Stack>() {
        // Nothing is said of what is in between and has an empty name.
        for page in stack.pages().iter::<gtk::StackPage>().flatten().filter(|page| page.title().is_none()) {
            page.set_title("");
        }
    } else if let Some(menu) = part.downcast_ref::<gtk::PopoverMenu>() {
        if let Some(words) = menu.parent().and_then(|opener| opener.tooltip_text()) {
            call(menu, &words);
        }
    } else if let Some(entry) = part.downcast_ref::<gtk::SearchEntry>() {
        // Those of the toolkit; ours say what is looked for.
        if entry.placeholder_text().is_none() {
            call(entry, &gettext("Search"));
        }
    } else if let Some(row) = part.downcast_ref::<adw::EntryRow>() {
        name_entry(row);
    } else if let Some(list) = part.downcast_ref::<gtk::ListBox>() {
        // What its group or its row is called is said.
        if list.has_css_class("boxed-list") || list.ancestor(adw::ExpanderRow::static_type()).is_some() {
            call(list, "");
        }
    } else if part.is::<gtk::ListView>() && part.ancestor(adw::ComboRow::static_type()).is_some() {
        call(part, "");
    } else if let Some(overlay) = part.downcast_ref::<adw::ToastOverlay>() {
        let children = overlay.observe_children();
        children.connect_items_changed(|children, at, _, added| {
            for toast in (at..at + added).filter_map(|at| children.item(at).and_downcast::<gtk::Widget>()) {
                name_parts(&toast);
            }
        });
        // Nobody else keeps it.
        overlay.connect_destroy(move |_| drop(children.clone()));
    }
}

fn name_button(button: &gtk::Button) {
    if let Some(icon) = button.icon_name() {
        // The button is labelled by its picture.
        if let Some(picture) = button.child() {
            tell(&picture, "<state name='hidden'>true</state>");
        }
        name_by_tooltip(button);
        button.connect_tooltip_text_notify(name_by_tooltip);
        if button.tooltip_text().is_none() && icon == "window-close-symbolic" {
            call(button, &gettext("Dismiss"));
        }
    } else if button.label().is_some() {
        name_by_label(button);
        button.connect_label_notify(name_by_label);
    } else if role(button) == gtk::AccessibleRole::Tab {
        // One of libadwaita's, which shows its label by other means; a single page has none.
        match button.property::<Option<String>>("label") {
            Some(words) => call(button, &words),
            None => tell(button, "<state name='hidden'>true</state>"),
        }
    }
}

/// What has the focus is the text in it, of which libadwaita 1.2 tells nothing.
fn name_entry(row: &adw::EntryRow) {
    if (adw::major_version(), adw::minor_version()) >= (1, 3) {
        return;
    }
    if let Some(text) = row.delegate().and_downcast::<gtk::Text>() {
        text.set_property(ROLE, gtk::AccessibleRole::TextBox);
        call(&text, &row.title());
        row.connect_title_notify(move |row| call(&text, &row.title()));
    }
}

/// Its tooltip is its description as well, which would be said after the same words.
fn name_by_tooltip(button: &gtk::Button) {
    if let Some(words) = button.tooltip_text() {
        call(button, &words);
        tell(button, "<property name='description'></property>");
    }
}

/// Where a letter is underlined, the name would be the label with an underscore and once more without: "_Add Add".
fn name_by_label(button: &gtk::Button) {
    if let Some(label) = button.child().and_downcast::<gtk::Label>().filter(|_| button.uses_underline()) {
        // The letter works all the same: that is the label's.
        button.remove_mnemonic_label(&label);
        call(button, &label.text());
    }
}

/// Lets a part have this name.
pub fn call(part: &impl IsA<gtk::Widget>, words: &str) {
    tell(part, &format!("<property name='label'>{}</property>", glib::markup_escape_text(words)));
}

/// GTK 4.8 has no call for this outside of C, but the template of a part can say it.
fn tell(part: &impl IsA<gtk::Widget>, what: &str) {
    let kind = part.type_();
    let template = format!(
        "<interface><template class='{}'><accessibility>{what}</accessibility></template></interface>",
        kind.name()
    );
    if let Err(error) = gtk::Builder::new().extend_with_template(part.upcast_ref::<gtk::Widget>(), kind, &template) {
        tracing::warn!(%error, part = kind.name(), "What a screen reader says of it could not be repaired");
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Where keys go on when what had the focus goes away: in the list. The toolkit would take whatever comes next in the window,
//! which may be far from where the user was.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use super::Window;

impl Window {
    pub(super) fn keep_focus(&self) {
        let imp = self.imp();
        self.keep_focus_of(&*imp.search_bar, "search-mode-enabled");
        self.keep_focus_of(&*imp.details_revealer, "reveal-child");
        imp.clipboard_offer.connect_left(glib::clone!(
            #[weak(rename_to = window)]
            self,
            move || window.focus_list()
        ));
        for (button, part) in [(&imp.notice_close, imp.notice.get()), (&imp.lost_close, imp.lost.get())] {
            button.connect_clicked(glib::clone!(
                #[weak(rename_to = window)]
                self,
                #[weak]
                part,
                move |_| {
                    part.set_visible(false);
                    window.focus_list();
                }
            ));
        }
    }

    /// Of what is there as long as this property says so.
    fn keep_focus_of(&self, part: &impl IsA<gtk::Widget>, property: &str) {
        part.connect_notify_local(
            Some(property),
            glib::clone!(
                #[weak(rename_to = window)]
                self,
                move |part, property| {
                    if !part.property::<bool>(property.name()) && has_focus(part) {
                        window.focus_list();
                    }
                }
            ),
        );
    }

    /// The list, or what is there in its place. Not at once: what is just being hidden gives its focus away by itself.
    pub(super) fn focus_list(&self) {
        glib::idle_add_local_once(glib::clone!(
            #[weak(rename_to = window)]
            self,
            move || {
                let imp = window.imp();
                if imp.view.is_mapped() {
                    imp.view.grab_focus();
                } else {
                    imp.pages.child_focus(gtk::DirectionType::TabForward);
                }
            }
        ));
    }

    /// Has what is being written in do what it does with a key that the window knows, too: the window's keys come first.
    pub(super) fn is_done_by_text(&self, action: &str) -> bool {
        let text = GtkWindowExt::focus(self).and_downcast::<gtk::Text>().filter(|text| text.is_editable());
        text.is_some_and(|text| WidgetExt::activate_action(&text, action, None).is_ok())
    }

    /// The key for it: to the words, or, from there, back to all rows.
    pub(super) fn find_or_end(&self) {
        let imp = self.imp();
        let is_list = imp.pages.visible_child_name().is_some_and(|page| page == "list");
        if !is_list {
            return;
        }
        if imp.search_bar.is_search_mode() && has_focus(&*imp.search_bar) {
            imp.search_bar.set_search_mode(false);
            return;
        }
        imp.search_bar.set_search_mode(true);
        imp.search_entry.grab_focus();
    }
}

/// Whether it, or something in it, has the focus.
fn has_focus(widget: &impl IsA<gtk::Widget>) -> bool {
    widget.state_flags().contains(gtk::StateFlags::FOCUS_WITHIN)
}

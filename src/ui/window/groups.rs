// SPDX-License-Identifier: GPL-3.0-or-later
//! Which downloads are shown, and in which order: those of the group that is chosen beside the list, with the words that are
//! looked for. In a narrow window the groups lie over the list, and only while one is chosen.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::{gdk, gio, glib};

use super::Window;
use crate::i18n::{gettext, gettext_f};
use crate::model::filter::{Filter, Group};
use crate::model::order::{Order, SortKey};
use crate::model::{DownloadId, DownloadList, Session};
use crate::settings::Settings;
use crate::ui::actions::WindowAction;
use crate::ui::{drag_out, messages, sidebar};

impl Window {
    pub(super) fn install_groups(&self, settings: &Settings) {
        let imp = self.imp();
        let (flap, bar) = (&*imp.flap, &*imp.search_bar);
        self.add_action(&gio::PropertyAction::new(WindowAction::Sidebar.name(), flap, "reveal-flap"));
        self.add_action(&gio::PropertyAction::new(WindowAction::Search.name(), bar, "search-mode-enabled"));
        self.add_action(&gio::PropertyAction::new(WindowAction::Select.name(), &*imp.view, "selecting"));
        imp.view.connect_selecting_notify(glib::clone!(
            #[weak(rename_to = toasts)]
            imp.toasts,
            move |view| {
                if view.selecting() { toasts.add_css_class("above-bar") } else { toasts.remove_css_class("above-bar") }
            }
        ));
        flap.set_reveal_flap(settings.sidebar_visible() && !flap.is_folded());
        flap.connect_folded_notify(glib::clone!(
            #[strong]
            settings,
            move |flap| flap.set_reveal_flap(settings.sidebar_visible() && !flap.is_folded())
        ));
        flap.connect_reveal_flap_notify(glib::clone!(
            #[strong]
            settings,
            #[weak(rename_to = window)]
            self,
            move |flap| {
                if !flap.is_folded() {
                    settings.set_sidebar_visible(flap.reveals_flap());
                } else if flap.reveals_flap() {
                    window.imp().sidebar.grab_focus();
                }
            }
        ));
        bar.connect_entry(&*imp.search_entry);
    }

    pub(super) fn show_list(&self, session: &Session) {
        let imp = self.imp();
        imp.view.set_list(
            session.list(),
            glib::clone!(
                #[weak(rename_to = window)]
                self,
                move |action, downloads| window.perform(action, &downloads)
            ),
        );
        drag_out::offer(
            &imp.view,
            glib::clone!(
                #[weak(rename_to = window)]
                self,
                move |reason| messages::tell(&window.imp().toasts, reason)
            ),
        );
        self.take_dragged_rows();
        let choose_page = glib::clone!(
            #[weak(rename_to = window)]
            self,
            move |list: &DownloadList| {
                let page = if list.total() == 0 { "empty" } else { "list" };
                window.show_page(page);
                window.show_whether_found(list);
            }
        );
        choose_page(session.list());
        // The list outlives no window: there is one of each.
        let list = session.list().clone();
        // What the filter keeps out is no item of the list, but it counts.
        session.totals().connect_recounts_notify(glib::clone!(
            #[strong]
            choose_page,
            #[strong]
            list,
            move |_| choose_page(&list)
        ));
        list.connect_items_changed(move |list, _, _, _| choose_page(list));
    }

    pub(super) fn sort_list(&self, session: &Session, settings: &Settings) {
        let list = session.list().clone();
        let settings_of = settings.clone();
        let sort = move || {
            let (key, is_descending) = settings_of.sort_order();
            list.set_order(Order { by: SortKey::named(&key), is_descending });
        };
        sort();
        settings.connect_sort_order_changed(sort);
    }

    pub(super) fn show_groups(&self, session: &Session) {
        let imp = self.imp();
        imp.sidebar.follow(session);
        let list = session.list();
        imp.sidebar.connect_chosen(glib::clone!(
            #[weak(rename_to = window)]
            self,
            #[weak]
            list,
            move |group| window.filter(&list, group)
        ));
        imp.sidebar.connect_settled(glib::clone!(
            #[weak(rename_to = window)]
            self,
            move || window.leave_groups()
        ));
        imp.search_entry.connect_search_changed(glib::clone!(
            #[weak(rename_to = window)]
            self,
            #[weak]
            list,
            move |_| window.filter(&list, list.filter().group)
        ));
        // From the words to what was found.
        imp.search_entry.connect_activate(glib::clone!(
            #[weak(rename_to = window)]
            self,
            move |_| {
                // Where nothing was found other words can be written.
                if window.imp().view.is_mapped() {
                    window.imp().view.grab_focus();
                }
            }
        ));
        // With a GtkShortcutController here, in GTK 4.8 no button below it would find its action.
        let keys = gtk::EventControllerKey::new();
        keys.connect_key_pressed(glib::clone!(
            #[weak(rename_to = bar)]
            imp.search_bar,
            #[upgrade_or]
            glib::Propagation::Proceed,
            move |_, key, _, _| {
                if key != gdk::Key::Escape || !bar.is_search_mode() {
                    return glib::Propagation::Proceed;
                }
                bar.set_search_mode(false);
                glib::Propagation::Stop
            }
        ));
        imp.found.add_controller(keys);
        // What is typed while the list has the focus is looked for.
        imp.search_bar.set_key_capture_widget(Some(&*imp.view));
    }

    fn filter(&self, list: &DownloadList, group: Group) {
        list.set_filter(Filter::new(group, &self.imp().search_entry.text()));
        self.show_whether_found(list);
    }

    /// Rows, or the words that there are none of what is looked for.
    fn show_whether_found(&self, list: &DownloadList) {
        let imp = self.imp();
        let is_empty = list.count() == 0;
        if is_empty {
            let filter = list.filter();
            let (icon, title, description) = match (filter.is_search(), filter.group) {
                (true, _) => (
                    "system-search-symbolic",
                    gettext("No Results"),
                    gettext("Look for other words, or in another group."),
                ),
                (false, Group::Category(_)) => {
                    let rule = imp.sidebar.name(filter.group).unwrap_or_default();
                    let words = gettext_f("What fits your rule “{rule}” is shown here.", &[("rule", &rule)]);
                    (sidebar::icon(filter.group), gettext("No Downloads in This Group"), words)
                }
                (false, group) => (sidebar::icon(group), gettext("No Downloads in This Group"), String::new()),
            };
            imp.none_found.set_icon_name(Some(icon));
            imp.none_found.set_title(&title);
            imp.none_found.set_description(Some(&glib::markup_escape_text(&description)));
        }
        imp.found.set_visible_child_name(if is_empty { "none" } else { "some" });
    }

    /// Shows the row of a download, whatever group or words keep it out of sight.
    pub fn reveal(&self, id: DownloadId) {
        let imp = self.imp();
        if imp.session.get().is_some_and(|session| !session.list().lets_through(id)) {
            self.show_all();
        }
        imp.view.reveal(id);
    }

    pub(super) fn show_all(&self) {
        let imp = self.imp();
        imp.search_bar.set_search_mode(false);
        imp.sidebar.choose(Group::All);
        self.leave_groups();
    }

    /// Where they lie over the list, they go.
    fn leave_groups(&self) {
        let flap = &self.imp().flap;
        if flap.is_folded() {
            flap.set_reveal_flap(false);
        }
    }
}

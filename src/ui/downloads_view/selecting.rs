// SPDX-License-Identifier: GPL-3.0-or-later
//! Several rows are selected by simple clicks: each row has a mark, and a bar below the list says how many there
//! are and what can be done with all of them.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::{gdk, gio, glib};

use super::{DownloadsView, row_around};
use crate::i18n::{gettext, ngettext_f};
use crate::model::amounts;
use crate::ui::actions::{DownloadAction, Several};
use crate::ui::children::children;
use crate::ui::unnamed;

/// The buttons of the bar.
const IN_BAR: [DownloadAction; 3] = [DownloadAction::Pause, DownloadAction::Resume, DownloadAction::Remove];

impl DownloadsView {
    /// Begins or ends it. It cannot begin where no rows are seen.
    pub(super) fn select_several(&self, begins: bool) {
        let imp = self.imp();
        let Some(selection) = imp.selection.get() else { return };
        let begins = begins && self.is_mapped();
        if imp.selecting.replace(begins) == begins {
            return;
        }
        selection.set_keeps(begins);
        if !begins {
            selection.unselect_all();
        }
        children(&*imp.list_view).filter_map(|item| row_around(&item)).for_each(|row| row.set_selecting(begins));
        imp.bar.set_visible(begins);
        self.refresh_bar();
        self.grab_focus();
        self.notify_selecting();
    }

    pub(super) fn install_selecting(&self) {
        let imp = self.imp();
        let click = gtk::GestureClick::builder().button(gdk::BUTTON_PRIMARY).build();
        // Before the row, for which a simple click means that row alone.
        click.set_propagation_phase(gtk::PropagationPhase::Capture);
        click.connect_released(glib::clone!(
            #[weak(rename_to = view)]
            self,
            move |click, _, x, y| {
                let is_plain = !click
                    .current_event_state()
                    .intersects(gdk::ModifierType::SHIFT_MASK | gdk::ModifierType::CONTROL_MASK);
                if is_plain && view.selecting() && view.turn_over_at((x, y)) {
                    click.set_state(gtk::EventSequenceState::Claimed);
                }
            }
        ));
        imp.list_view.add_controller(click);

        let keys = gtk::ShortcutController::new();
        keys.set_propagation_phase(gtk::PropagationPhase::Capture);
        let leave = gtk::CallbackAction::new(|view, _| match view.downcast_ref::<Self>() {
            Some(view) if view.selecting() => {
                view.set_selecting(false);
                glib::Propagation::Stop
            }
            _ => glib::Propagation::Proceed,
        });
        keys.add_shortcut(gtk::Shortcut::new(gtk::ShortcutTrigger::parse_string("Escape"), Some(leave)));
        self.add_controller(keys);

        imp.more.set_create_popup_func(glib::clone!(
            #[weak(rename_to = view)]
            self,
            move |button| {
                let model = view.menu_model();
                // In a narrow window there is no button for it.
                let all = gio::Menu::new();
                all.append(Some(&gettext("Select All")), Some("downloads.select-all"));
                model.prepend_section(None, &all);
                unnamed::give_menu(button, &model);
            }
        ));
    }

    /// Selects what is at this point of the list, or does so no longer.
    fn turn_over_at(&self, point: (f64, f64)) -> bool {
        let list_view = self.list_view();
        let download = self.row_at(list_view, point).and_then(|row| row.download());
        let position = download.and_then(|download| self.imp().list.get()?.position(download.download_id()));
        // As by Ctrl and a click: from there on Shift goes on.
        let target = position.map(|position| (position, true, false).to_variant());
        target.is_some_and(|target| list_view.activate_action("list.select-item", Some(&target)).is_ok())
    }

    /// Brings the bar up to date, once for all that changes before the next frame.
    pub(super) fn refresh_bar_soon(&self) {
        if self.selecting() && !self.imp().will_refresh_bar.replace(true) {
            let view = self.downgrade();
            glib::MainContext::default().spawn_local_with_priority(glib::Priority::DEFAULT, async move {
                if let Some(view) = view.upgrade() {
                    view.refresh_bar();
                }
            });
        }
    }

    /// Says how many are selected, and which buttons would do anything.
    fn refresh_bar(&self) {
        let imp = self.imp();
        imp.will_refresh_bar.set(false);
        let count = self.selected_count();
        let number = amounts::count(count);
        // Translators: how many downloads are selected; there is little room.
        imp.chosen.set_label(&ngettext_f("{n} selected", "{n} selected", count, &[("n", &number)]));
        imp.chosen_count.set_label(&number);
        let several = if self.selecting() { self.several() } else { Several::default() };
        let cancels = several.count() > 0 && !several.has_finished();
        imp.cancel.set_visible(cancels);
        imp.remove.set_visible(!cancels);
        for action in IN_BAR {
            let entry = imp.actions.get().and_then(|group| group.lookup_action(action.name()));
            if let Some(entry) = entry.and_downcast::<gio::SimpleAction>() {
                // By other ways than the bar what does not fit is left out.
                entry.set_enabled(!self.selecting() || action.fits_any(&several));
            }
        }
    }
}

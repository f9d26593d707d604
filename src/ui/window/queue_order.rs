// SPDX-License-Identifier: GPL-3.0-or-later
//! Downloads get another place in the queue: by keys, by the menu, or as their rows are dragged in the list. Where the
//! list shows another order it is said what has happened, or how to see the queue.

use std::collections::HashSet;

use adw::subclass::prelude::*;
use gtk::glib;
use gtk::prelude::*;

use super::Window;
use crate::i18n::{gettext, ngettext};
use crate::model::moving;
use crate::model::{Command, DownloadId, DownloadObject, Spot};
use crate::settings::{Key, Settings};
use crate::ui::actions::{DownloadAction, WindowAction};
use crate::ui::{drag_rows, messages};

impl Window {
    pub(super) fn move_in_queue(&self, action: DownloadAction, downloads: &[DownloadObject]) {
        let Some(session) = self.imp().session.get() else { return };
        let list = session.list();
        let is_seen = list.is_in_queue_order();
        let ids: Vec<_> = downloads.iter().map(DownloadObject::download_id).collect();
        let step = |step: fn(&[DownloadId], &HashSet<DownloadId>) -> Option<Spot>| {
            step(&list.ids(), &ids.iter().copied().collect())
        };
        let to = match action {
            DownloadAction::MoveToTop => Some(Spot::Top),
            DownloadAction::MoveToBottom => Some(Spot::Bottom),
            _ if !is_seen => return self.offer_queue_order(),
            DownloadAction::MoveUp => step(moving::up),
            _ => step(moving::down),
        };
        let Some(to) = to else { return };
        let count = ids.len();
        let leads = matches!(action, DownloadAction::MoveToTop | DownloadAction::MoveUp);
        let in_sight = if leads { ids.first() } else { ids.last() }.copied();
        self.send(Command::Move { ids, to });
        if is_seen {
            if let Some(position) = in_sight.and_then(|id| list.position(id)) {
                self.imp().view.scroll_to(position, None);
            }
            return;
        }
        let words = match to {
            Spot::Top => ngettext("It is the first of the queue now", "They are the first of the queue now", count),
            _ => ngettext("It is the last of the queue now", "They are the last of the queue now", count),
        };
        messages::tell(&self.imp().toasts, &words);
    }

    /// What cannot be seen cannot be moved row by row.
    pub(super) fn offer_queue_order(&self) {
        // Translators: said when somebody wants to move a row by one place, and the list is sorted by name, say.
        let words = gettext("Rows can be moved where the list is sorted by the queue");
        // Translators: a button.
        messages::offer(&self.imp().toasts, &words, &gettext("_Sort by Queue"), {
            let window = self.downgrade();
            move || {
                if let Some(window) = window.upgrade() {
                    WidgetExt::activate_action(&window, "win.sort-order", Some(&"queue".to_variant()))
                        .unwrap_or_else(|error| tracing::warn!(%error, "The list cannot be sorted"));
                }
            }
        });
    }

    pub(super) fn take_dragged_rows(&self) {
        drag_rows::accept(
            &self.imp().view,
            glib::clone!(
                #[weak(rename_to = window)]
                self,
                move |downloads, to| {
                    let ids = downloads.iter().map(DownloadObject::download_id).collect();
                    window.send(Command::Move { ids, to });
                }
            ),
        );
    }

    /// The order of the queue cannot be turned round.
    pub(super) fn install_sort_direction(&self, settings: &Settings) {
        let is_descending = settings.sort_order().1;
        let name = WindowAction::SortDescending.name();
        let action = gtk::gio::SimpleAction::new_stateful(name, None, &is_descending.to_variant());
        action.connect_change_state(glib::clone!(
            #[strong]
            settings,
            move |_, state| {
                if let Some(is_descending) = state.and_then(bool::from_variant) {
                    settings.set_boolean(Key::SortDescending, is_descending);
                }
            }
        ));
        let follow = glib::clone!(
            #[weak]
            action,
            #[weak(rename_to = window)]
            self,
            move || {
                let Some(settings) = window.imp().settings.get() else { return };
                let (by, is_descending) = settings.sort_order();
                action.set_state(&is_descending.to_variant());
                action.set_enabled(by != "queue");
            }
        );
        follow();
        settings.connect_sort_order_changed(follow);
        self.add_action(&action);
    }
}

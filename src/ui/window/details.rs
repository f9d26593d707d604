// SPDX-License-Identifier: GPL-3.0-or-later
//! The details of the selected download, below the list. Few look at them at once: the pane is made when it is shown first.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use super::Window;
use crate::i18n::gettext;
use crate::model::Session;
use crate::settings::Settings;
use crate::ui::details_pane::DetailsPane;
use crate::ui::unnamed;

impl Window {
    pub(super) fn show_details(&self, session: &Session, settings: &Settings) {
        let imp = self.imp();
        imp.details_revealer.connect_reveal_child_notify(glib::clone!(
            #[weak(rename_to = window)]
            self,
            #[strong]
            session,
            move |revealer| {
                if revealer.reveals_child() {
                    window.imp().details.get_or_init(|| window.make_details(&session));
                    revealer.set_visible(true);
                }
            }
        ));
        // For a screen reader what is in a closed revealer would still be there.
        imp.details_revealer
            .connect_child_revealed_notify(|revealer| revealer.set_visible(revealer.is_child_revealed()));
        settings.bind_details_visible(&*imp.details_revealer, "reveal-child");
        imp.view.connect_selection_changed(glib::clone!(
            #[weak(rename_to = window)]
            self,
            move |_| {
                if let Some(details) = window.imp().details.get() {
                    window.show_selected(details);
                }
            }
        ));
    }

    fn make_details(&self, session: &Session) -> DetailsPane {
        let imp = self.imp();
        let details = DetailsPane::default();
        details.set_handlers(
            glib::clone!(
                #[strong]
                session,
                move |id| session.details(id)
            ),
            glib::clone!(
                #[weak(rename_to = window)]
                self,
                move |action, download| window.perform(action, &[download])
            ),
        );
        details.set_log_handlers(
            glib::clone!(
                #[strong]
                session,
                move |id| session.chronicle(id)
            ),
            glib::clone!(
                #[weak(rename_to = window)]
                self,
                move |text| window.copy(text, &gettext("Copied to the clipboard"))
            ),
        );
        // In a narrow window what would share a line has one each.
        imp.flap
            .bind_property("folded", &details.header(), "orientation")
            .transform_to(|_, is_folded: bool| {
                Some(if is_folded { gtk::Orientation::Vertical } else { gtk::Orientation::Horizontal })
            })
            .sync_create()
            .build();
        imp.details_revealer.set_child(Some(&details));
        // The window may have been looked through already.
        unnamed::name_parts(&details);
        self.show_selected(&details);
        details
    }

    fn show_selected(&self, details: &DetailsPane) {
        let view = &self.imp().view;
        details.show_selected(view.selected_count(), view.only_selected());
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! What the user has to know of the list as a whole, above it until it is dismissed or over.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use super::Window;
use crate::model::Session;

impl Window {
    /// What the user has to know of the start, until it is closed.
    pub(super) fn show_notice(&self, session: &Session) {
        let imp = self.imp();
        let Some((sentence, path)) = session.damaged_list() else { return };
        imp.notice_words.set_label(&sentence);
        imp.notice.set_visible(true);
        imp.notice_show.connect_clicked(glib::clone!(
            #[weak(rename_to = window)]
            self,
            move |_| window.show_file(&path)
        ));
    }

    /// What the user has to know as long as it is so.
    pub(super) fn show_unsaved(&self, session: &Session) {
        session.connect_unsaved(glib::clone!(
            #[weak(rename_to = window)]
            self,
            move |sentence| {
                let imp = window.imp();
                imp.unsaved_words.set_label(sentence.unwrap_or_default());
                imp.unsaved.set_visible(sentence.is_some());
            }
        ));
    }
}

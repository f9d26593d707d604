// SPDX-License-Identifier: GPL-3.0-or-later
//! What was in the list, and how much came, in windows of their own.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use super::Window;
use crate::ui::history_window::HistoryWindow;
use crate::ui::statistics_window::StatisticsWindow;

impl Window {
    pub(super) fn show_history(&self) {
        let Some(session) = self.imp().session.get() else { return };
        let history = HistoryWindow::new(
            session,
            glib::clone!(
                #[weak(rename_to = window)]
                self,
                move || window.settle_removal()
            ),
            glib::clone!(
                #[weak(rename_to = window)]
                self,
                move |addresses, place| window.add_again(&addresses, &place)
            ),
        );
        history.set_transient_for(Some(self));
        history.present();
    }

    pub(super) fn show_statistics(&self) {
        let Some(session) = self.imp().session.get() else { return };
        let statistics = StatisticsWindow::new(session);
        statistics.set_transient_for(Some(self));
        statistics.present();
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! The part of the main menu that says what is done when all downloads have ended.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::{gio, glib};

use super::Window;
use crate::desktop::when_done::{self, Offers};
use crate::model::afterwards::Afterwards;
use crate::settings::{Key, Settings};
use crate::ui::actions::WindowAction;

impl Window {
    /// Offers what is possible here, from now on.
    pub(super) fn offer_when_done(&self, settings: &Settings) {
        let window = self.downgrade();
        let settings = settings.clone();
        glib::spawn_future_local(async move {
            let offers = when_done::offers().await;
            if let Some(window) = window.upgrade() {
                let fill = glib::clone!(
                    #[weak(rename_to = menu)]
                    window.imp().when_done_menu,
                    #[strong]
                    settings,
                    move || fill(&menu, &offers, &settings)
                );
                fill();
                settings.connect_changed(Key::WhenDoneCommand, fill);
            }
        });
    }
}

/// A command is offered where there is one.
fn fill(menu: &gio::Menu, offers: &Offers, settings: &Settings) {
    menu.remove_all();
    let has_command = !settings.text(Key::WhenDoneCommand).is_empty();
    let chosen = settings.when_done();
    let is_empty = |one: &Afterwards| *one == Afterwards::Command && !has_command && one.name() != chosen;
    for one in offers.with_chosen(&chosen).into_iter().filter(|one| !is_empty(one)) {
        let item = gio::MenuItem::new(Some(&one.label()), None);
        let action = format!("win.{}", WindowAction::WhenDone.name());
        item.set_action_and_target_value(Some(&action), Some(&one.name().into()));
        menu.append_item(&item);
    }
}

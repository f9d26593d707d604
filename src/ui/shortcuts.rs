// SPDX-License-Identifier: GPL-3.0-or-later
//! The window that shows all keys. It is made when it is asked for: to make it takes nearly as long as the main
//! window, which `gtk/help-overlay.ui` would have wait for it.

use gtk::prelude::*;

pub fn show(parent: &impl IsA<gtk::Window>) {
    let builder = gtk::Builder::from_resource("/io/github/freshet/Freshet/shortcuts.ui");
    match builder.object::<gtk::ShortcutsWindow>("shortcuts") {
        Some(window) => {
            window.set_transient_for(Some(parent));
            window.present();
        }
        None => tracing::error!("shortcuts.ui has no window"),
    }
}

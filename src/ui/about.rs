// SPDX-License-Identifier: GPL-3.0-or-later
//! The about window, with what a report of a fault needs.

use adw::prelude::*;

use crate::config;
use crate::desktop::background::is_sandboxed;
use crate::i18n::gettext;
use crate::model::curl_info;

pub fn show(parent: &impl IsA<gtk::Window>) {
    adw::AboutWindow::builder()
        .transient_for(parent)
        .modal(true)
        .application_name("Freshet")
        .application_icon(config::APP_ID)
        .version(config::VERSION)
        // Translators: the people who wrote the program.
        .developer_name(gettext("The Freshet developers"))
        .comments(gettext("Download files fast and finish what was interrupted"))
        .license_type(gtk::License::Gpl30)
        .website("https://github.com/freshet/freshet")
        .issue_url("https://github.com/freshet/freshet/issues")
        .debug_info(debug_info())
        .debug_info_filename("freshet.txt")
        // Translators: your names, one a line.
        .translator_credits(gettext("translator-credits"))
        .build()
        .present();
}

/// For whoever is to repair something, so not translated.
fn debug_info() -> String {
    let toolkit = format!(
        "GTK {}.{}.{}, libadwaita {}.{}.{}",
        gtk::major_version(),
        gtk::minor_version(),
        gtk::micro_version(),
        adw::major_version(),
        adw::minor_version(),
        adw::micro_version(),
    );
    let system = gtk::glib::os_info("PRETTY_NAME").unwrap_or_else(|| "an unknown system".into());
    let sandbox = if is_sandboxed() { "in the sandbox of Flatpak" } else { "without a sandbox" };
    format!("Freshet {} ({})\n{system}, {sandbox}\n{toolkit}\n{}\n", config::VERSION, config::APP_ID, curl_info())
}

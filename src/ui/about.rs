// SPDX-License-Identifier: GPL-3.0-or-later
//! The about window, with the licences of all that Freshet is made of and what a report of a fault needs.

use adw::prelude::*;
use gtk::glib;

use crate::config;
use crate::desktop::background::is_sandboxed;
use crate::i18n::{gettext, gettext_f};
use crate::model::curl_info;

/// The crates in the program, a line for each: name and version, licence, home, copyright. Written by
/// `build-aux/licences.py`, and held to Cargo.lock by its `--check`.
const CRATES: &str = include_str!("../../data/licences.txt");

/// Where a crate leaves the choice, the first of these is taken. A crate that none is for fails a test.
const LICENCES: [(&str, &str); 3] = [
    ("MIT", include_str!("../../data/licences/MIT.txt")),
    ("Unicode-3.0", include_str!("../../data/licences/Unicode-3.0.txt")),
    ("Zlib", include_str!("../../data/licences/Zlib.txt")),
];

/// What is loaded when the program starts: names, whose, and the licence, or where it stands.
const LIBRARIES: [(&str, &str, gtk::License, &str); 4] = [
    ("GTK, GLib, Pango, libadwaita", "© The GNOME project and others", gtk::License::Lgpl21, ""),
    ("cairo", "© The cairo project", gtk::License::Lgpl21, ""),
    ("libcurl", "© Daniel Stenberg and many contributors", gtk::License::Custom, "https://curl.se/docs/copyright.html"),
    ("SQLite", "", gtk::License::Custom, "https://sqlite.org/copyright.html"),
];

pub fn show(parent: &impl IsA<gtk::Window>) {
    let window = adw::AboutWindow::builder()
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
        .build();
    for (title, holders, licence, place) in LIBRARIES {
        let link = (!place.is_empty()).then(|| format!("<a href=\"{place}\">{place}</a>"));
        window.add_legal_section(title, Some(holders).filter(|text| !text.is_empty()), licence, link.as_deref());
    }
    for (licence, text) in LICENCES {
        // Translators: {licence} is the short name of a licence, such as MIT.
        let title = gettext_f("Rust libraries under {licence}", &[("licence", licence)]);
        let list = glib::markup_escape_text(&crates_under(licence).join("\n"));
        window.add_legal_section(&title, Some(&list), gtk::License::Custom, Some(&glib::markup_escape_text(text)));
    }
    window.present();
}

/// A line for each crate that is used under this licence.
fn crates_under(licence: &str) -> Vec<String> {
    let fields = CRATES.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect::<Vec<_>>());
    fields
        .filter(|fields| licences_of(fields[1]).contains(&licence))
        .map(|fields| [fields[0], fields[3]].join(" "))
        .collect()
}

/// Those of [`LICENCES`] that follow from an SPDX expression: the first one of each choice.
fn licences_of(expression: &str) -> Vec<&'static str> {
    let choices = expression.split(" AND ").map(|choice| choice.trim_matches(['(', ')']).replace('/', " OR "));
    let taken = choices.map(|choice| LICENCES.iter().find(|(name, _)| choice.split(" OR ").any(|one| one == *name)));
    taken.flatten().map(|(name, _)| *name).collect()
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
    let system = glib::os_info("PRETTY_NAME").unwrap_or_else(|| "an unknown system".into());
    let sandbox = if is_sandboxed() { "in the sandbox of Flatpak" } else { "without a sandbox" };
    format!("Freshet {} ({})\n{system}, {sandbox}\n{toolkit}\n{}\n", config::VERSION, config::APP_ID, curl_info())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_crate_is_under_a_licence_that_is_shown_with_its_holder() {
        let all = CRATES.lines().filter(|line| !line.starts_with('#'));
        for line in all {
            let [name, licence, _, holders] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let parts = licence.split(" AND ").count();
            assert_eq!(licences_of(licence).len(), parts, "{name}: none of the licences shown is one of {licence}");
            assert!(holders.starts_with("© "), "{name}");
        }
        let zlib = crates_under("Zlib");
        assert!(zlib.iter().any(|line| line.starts_with("foldhash 0.") && line.contains("© 2024")), "{zlib:?}");
    }

    #[test]
    fn of_a_choice_one_licence_is_taken_and_of_a_list_all() {
        assert_eq!(licences_of("Apache-2.0 OR MIT"), ["MIT"]);
        assert_eq!(licences_of("MIT/Apache-2.0"), ["MIT"]);
        assert_eq!(licences_of("(MIT OR Apache-2.0) AND Unicode-3.0"), ["MIT", "Unicode-3.0"]);
        assert!(licences_of("Apache-2.0").is_empty());
    }
}

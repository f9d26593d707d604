// SPDX-License-Identifier: GPL-3.0-or-later
//! Writes the list to a file, and reads such a file.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::{gio, glib};

use super::Window;
use crate::desktop::{folder_check, link_file};
use crate::i18n::{gettext, gettext_f};
use crate::model::Addresses;
use crate::model::session::Format;
use crate::ui::{chooser, messages};

/// The name of its action, without its group.
pub const IMPORT: &str = "import";

impl Window {
    pub(super) fn install_exchange(&self) {
        let import = gio::ActionEntry::builder(IMPORT).activate(|window: &Self, _, _| window.import()).build();
        let export = |name: &str, format, file: &'static str| {
            gio::ActionEntry::builder(name).activate(move |window: &Self, _, _| window.export(format, file)).build()
        };
        self.add_action_entries([
            import,
            export("export-json", Format::Json, "freshet.json"),
            export("export-addresses", Format::Addresses, "freshet.txt"),
            export("export-aria2", Format::Aria2, "freshet.aria2.txt"),
        ]);
    }

    fn export(&self, format: Format, name: &'static str) {
        let window = self.clone();
        glib::spawn_future_local(async move {
            let title = gettext("Export List");
            let Some(file) = chooser::choose_file(&window, &title, gtk::FileChooserAction::Save, Some(name)).await
            else {
                return;
            };
            let Some(session) = window.imp().session.get() else { return };
            let sentence = match session.export(format).await {
                Ok(text) => write(&file, text).await,
                Err(sentence) => sentence,
            };
            messages::tell(&window.imp().toasts, &sentence);
        });
    }

    fn import(&self) {
        let window = self.clone();
        glib::spawn_future_local(async move {
            let title = gettext("Import List");
            let Some(file) = chooser::choose_file(&window, &title, gtk::FileChooserAction::Open, None).await else {
                return;
            };
            let name = display_name(&file);
            match link_file::read_list(&file).await {
                Ok(bytes) => {
                    let otherwise = gettext_f("There is nothing to download in “{file}”", &[("file", &name)]);
                    let mut addresses = Addresses::in_own_list(&bytes, &name);
                    if let Some(session) = window.imp().session.get() {
                        addresses.settle_folders(&name, &session.folder(), folder_check::problem).await;
                    }
                    window.add_found(&addresses, &otherwise);
                }
                Err(sentence) => messages::tell(&window.imp().toasts, &sentence),
            }
        });
    }
}

fn display_name(file: &gio::File) -> String {
    file.basename().map(glib::filename_display_name).unwrap_or_default().into()
}

/// Writes the file and says what came of it.
async fn write(file: &gio::File, text: String) -> String {
    let written = file.replace_contents_future(text, None, false, gio::FileCreateFlags::PRIVATE).await;
    let name = [("file", display_name(file))];
    let name = name.each_ref().map(|(key, value)| (*key, value.as_str()));
    match written {
        Ok(_) => gettext_f("The list is in “{file}”", &name),
        Err((_, error)) => {
            tracing::info!(%error, "The list cannot be exported");
            gettext_f("“{file}” cannot be written", &name)
        }
    }
}

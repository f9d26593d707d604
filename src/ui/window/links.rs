// SPDX-License-Identifier: GPL-3.0-or-later
//! How addresses come into the window: from its dialog, the clipboard, drops, the command line.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::{gio, glib};

use super::Window;
use crate::desktop::link_file;
use crate::i18n::{gettext, gettext_f};
use crate::model::session::{Addresses, Place};
use crate::ui::drop::Dropped;
use crate::ui::messages;

impl Window {
    /// Queues what was found, shows it, and says what could not be read.
    pub fn add(&self, addresses: &Addresses, place: &Place) {
        let imp = self.imp();
        if let Some(session) = imp.session.get()
            && let Some(last) = session.add(&addresses.found, place).last()
        {
            imp.view.reveal(*last);
        }
        for sentence in &addresses.refused {
            messages::tell(&imp.toasts, sentence);
        }
    }

    /// Adds addresses that came as files, and those in link files.
    pub async fn add_files(&self, files: &[gio::File]) {
        let mut addresses = Addresses::default();
        for file in files {
            let uri = Addresses::in_lines(&file.uri());
            if !uri.found.is_empty() {
                addresses.extend(uri);
                continue;
            }
            match link_file::read(file).await.map(|text| Addresses::in_prose(&text)) {
                Ok(inside) if inside.found.is_empty() => {
                    let name = file.basename().map(glib::filename_display_name).unwrap_or_default();
                    // Translators: {file} is the name of a file.
                    addresses.refused.push(gettext_f("There is no link in “{file}”", &[("file", &name)]));
                }
                Ok(inside) => addresses.extend(inside),
                Err(sentence) => addresses.refused.push(sentence),
            }
        }
        self.add(&addresses, &Place::default());
    }

    pub(super) fn add_dropped(&self, dropped: Dropped) {
        match dropped {
            Dropped::Text(text) => self.add_prose(&text, &gettext("There is no link in what was dropped")),
            Dropped::Files(files) => {
                let window = self.clone();
                glib::spawn_future_local(async move { window.add_files(&files).await });
            }
        }
    }

    pub(super) fn paste(&self) {
        let window = self.clone();
        glib::spawn_future_local(async move {
            // An empty clipboard and one without text are errors, too.
            let text = window.clipboard().read_text_future().await.ok().flatten().unwrap_or_default();
            window.add_prose(&text, &gettext("There is no link on the clipboard"));
        });
    }

    fn add_prose(&self, text: &str, otherwise: &str) {
        let addresses = Addresses::in_prose(text);
        if addresses.found.is_empty() {
            messages::tell(&self.imp().toasts, otherwise);
        }
        self.add(&addresses, &Place::default());
    }
}

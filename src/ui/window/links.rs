// SPDX-License-Identifier: GPL-3.0-or-later
//! How addresses come into the window: from its dialogs, the clipboard, drops, the command line.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::{gio, glib};

use super::Window;
use crate::desktop::link_file::{self, Content};
use crate::i18n::{gettext, gettext_f};
use crate::model::preview::Preview;
use crate::model::session::Place;
use crate::model::{Addresses, DownloadObject};
use crate::ui::actions::DownloadAction;
use crate::ui::add_dialog::AddDialog;
use crate::ui::drop::{Dropped, Point};
use crate::ui::messages;
use crate::ui::page;
use crate::ui::renew_dialog::{RenewDialog, what_is_kept};

impl Window {
    /// Queues what was found, shows it, and says what could not be read. Answers whether it could be taken: not where
    /// there will be no session.
    pub fn add(&self, addresses: &Addresses, place: &Place) -> bool {
        let imp = self.imp();
        if let Some(reason) = imp.failed.get() {
            let is_lost = *addresses != Addresses::default();
            if is_lost {
                messages::tell(&imp.toasts, reason);
            }
            return !is_lost;
        }
        let Some(session) = imp.session.get() else {
            imp.early.borrow_mut().push((addresses.clone(), place.clone()));
            return true;
        };
        imp.clipboard_offer.forget(addresses);
        self.add_to_list(session, addresses, place);
        for sentence in addresses.refused.iter().chain(&addresses.notes) {
            messages::tell(&imp.toasts, sentence);
        }
        true
    }

    /// Adds addresses that came as files, and those in link files.
    pub async fn add_files(&self, files: &[gio::File]) {
        self.add(&addresses_in(files).await, &Place::default());
    }

    /// Says what a drop at this point of the window would do.
    pub(super) fn show_drop_hint(&self, point: Option<Point>) {
        let words = point.map(|point| match self.stuck_at(point) {
            // Translators: {file} is the name of a file.
            Some(download) => gettext_f("Drop a new address for “{file}”", &[("file", &download.name())]),
            None => gettext("Drop to Download"),
        });
        self.imp().drop_hint.tell(words.as_deref());
    }

    /// A single link that is dropped on a download that is stuck may be its new address; everything
    /// else is added.
    pub(super) fn take_dropped(&self, dropped: Dropped, point: Point) {
        let window = self.clone();
        let stuck = self.stuck_at(point);
        glib::spawn_future_local(async move {
            let addresses = match dropped {
                Dropped::Page(links) if links.only().is_none() => return window.offer_links(&links),
                Dropped::Page(link) => link,
                Dropped::Text(text) => Addresses::in_text(&text),
                Dropped::Files(files) => addresses_in(&files).await,
            };
            match stuck.filter(|download| addresses.only().is_some() && DownloadAction::Renew.fits(download)) {
                Some(download) => window.offer_as_address(addresses, &download),
                None => window.add_found(&addresses, &gettext("There is no link in what was dropped")),
            }
        });
    }

    pub(super) fn paste(&self) {
        let window = self.clone();
        glib::spawn_future_local(async move {
            // An empty clipboard and one without text are errors, too.
            let text = window.clipboard().read_text_future().await.ok().flatten().unwrap_or_default();
            let addresses = match page::copied_links(&window.clipboard(), &text).await {
                Some(links) if links.only().is_none() => return window.offer_links(&links),
                Some(link) => link,
                None => Addresses::in_text(&text),
            };
            window.add_found(&addresses, &gettext("There is no link on the clipboard"));
        });
    }

    /// Lets the user choose from many links of a page: most lead to other pages.
    fn offer_links(&self, links: &Addresses) {
        self.show_add_dialog(&links.lines());
    }

    /// With these lines as its addresses, or none yet.
    pub(super) fn show_add_dialog(&self, lines: &str) {
        let Some(settings) = self.imp().settings.get() else { return };
        let dialog = AddDialog::new(
            settings,
            glib::clone!(
                #[weak(rename_to = window)]
                self,
                move |addresses, place| {
                    window.add(&addresses, &place);
                }
            ),
        );
        dialog.connect_files(glib::clone!(
            #[weak(rename_to = window)]
            self,
            move |files| {
                glib::spawn_future_local(async move { window.add_files(&files).await });
            }
        ));
        if let Some(session) = self.imp().session.get().filter(|_| settings.previews_addresses()) {
            dialog.set_preview(Preview::new(session));
        }
        if !lines.is_empty() {
            dialog.append(lines);
        }
        dialog.set_transient_for(Some(self));
        dialog.present();
    }

    pub(super) fn ask_for_address(&self, download: &DownloadObject) {
        let dialog = RenewDialog::new(
            download,
            glib::clone!(
                #[weak(rename_to = window)]
                self,
                #[strong]
                download,
                move |address| window.renew(&download, &address)
            ),
        );
        dialog.set_transient_for(Some(self));
        dialog.present();
    }

    fn offer_as_address(&self, addresses: Addresses, download: &DownloadObject) {
        // Translators: a question; {file} is the name of a file.
        let heading = gettext_f("Use This Address for “{file}”?", &[("file", &download.name())]);
        let dialog = messages::question(self, &heading, &what_is_kept(&download.name(), download.has_begun()));
        dialog.add_responses(&[
            ("cancel", &gettext("_Cancel")),
            ("add", &gettext("_Add as New Download")),
            ("use", &gettext("_Use Address")),
        ]);
        dialog.set_close_response("cancel");
        dialog.set_default_response(Some("use"));
        dialog.set_response_appearance("use", adw::ResponseAppearance::Suggested);
        dialog.connect_response(
            None,
            glib::clone!(
                #[weak(rename_to = window)]
                self,
                #[strong]
                download,
                move |_, response| match response {
                    "use" => window.renew(&download, &addresses),
                    "add" => {
                        window.add(&addresses, &Place::default());
                    }
                    _ => {}
                }
            ),
        );
        dialog.present();
    }

    fn renew(&self, download: &DownloadObject, address: &Addresses) {
        if let Some(session) = self.imp().session.get() {
            session.renew(download.download_id(), address);
        }
    }

    pub(super) fn add_found(&self, addresses: &Addresses, otherwise: &str) {
        if *addresses == Addresses::default() {
            messages::tell(&self.imp().toasts, otherwise);
        }
        self.add(addresses, &Place::default());
    }

    /// The download at a point of the window, if it could use another address.
    fn stuck_at(&self, point: Point) -> Option<DownloadObject> {
        let imp = self.imp();
        imp.view.download_at(&*imp.toasts, point).filter(|download| DownloadAction::Renew.fits(download))
    }
}

async fn addresses_in(files: &[gio::File]) -> Addresses {
    let mut addresses = Addresses::default();
    for file in files {
        if let Some(link) = Addresses::in_link(&file.uri()) {
            addresses.extend(link);
            continue;
        }
        let name = file.basename().map(glib::filename_display_name).unwrap_or_default();
        let inside = match link_file::read(file).await {
            Ok(Content::Text(text)) => Addresses::in_text_file(&text, &name),
            Ok(Content::Metalink(bytes)) => Addresses::in_list(&bytes, &name),
            Err(sentence) => Addresses { refused: vec![sentence], ..Addresses::default() },
        };
        if inside == Addresses::default() {
            // Translators: {file} is the name of a file.
            addresses.refused.push(gettext_f("There is no link in “{file}”", &[("file", &name)]));
        }
        addresses.extend(inside);
    }
    addresses
}

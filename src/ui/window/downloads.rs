// SPDX-License-Identifier: GPL-3.0-or-later
//! What is done with downloads when a row's button, the context menu or a key asks for it.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::{gio, glib};

use super::Window;
use crate::desktop::files::{self, Trashed};
use crate::desktop::folder_check;
use crate::i18n::{gettext, gettext_f, ngettext_f};
use crate::model::{Command, DownloadId, DownloadObject, amounts};
use crate::ui::actions::{DownloadAction, WindowAction};
use crate::ui::application::Application;
use crate::ui::chooser;
use crate::ui::limit_dialog::LimitDialog;
use crate::ui::messages::{self, UndoOffer, brief};

impl Window {
    /// Carries out what was asked for some downloads, all of which are in a state for it.
    pub fn perform(&self, action: DownloadAction, downloads: &[DownloadObject]) {
        match action {
            DownloadAction::Open => self.open(downloads),
            DownloadAction::ShowInFolder => self.show_in_folder(downloads),
            DownloadAction::Pause => self.send_each(downloads, Command::Pause),
            DownloadAction::Toggle if downloads.iter().any(DownloadObject::can_pause) => {
                self.send_each(downloads, Command::Pause);
            }
            DownloadAction::Toggle | DownloadAction::Resume | DownloadAction::Retry => {
                self.send_each(downloads, Command::Resume);
            }
            DownloadAction::StartNow => self.send_each(downloads, Command::StartNow),
            DownloadAction::MoveToTop
            | DownloadAction::MoveUp
            | DownloadAction::MoveDown
            | DownloadAction::MoveToBottom => self.move_in_queue(action, downloads),
            DownloadAction::LogIn => {
                if let [download] = downloads {
                    self.ask_for_login(download.download_id());
                }
            }
            DownloadAction::Renew => {
                if let [download] = downloads {
                    self.ask_for_address(download);
                }
            }
            DownloadAction::Relocate => self.ask_for_folder(downloads),
            DownloadAction::Keep => self.send_each(downloads, Command::Keep),
            DownloadAction::Limit => self.ask_for_limit(downloads),
            DownloadAction::CopyAddress => {
                let addresses: Vec<_> = downloads.iter().map(DownloadObject::address).collect();
                self.copy(&addresses.join("\n"), &gettext("Copied to the clipboard"));
            }
            DownloadAction::CopyCommand => self.copy_commands(downloads),
            DownloadAction::Trash => self.trash(downloads),
            DownloadAction::Remove => self.remove(downloads, Removes::RowOnly),
        }
    }

    fn copy_commands(&self, downloads: &[DownloadObject]) {
        let Some(session) = self.imp().session.get() else { return };
        let ids: Vec<_> = downloads.iter().map(DownloadObject::download_id).collect();
        let (commands, lacks_secrets) = session.curl_commands(&ids);
        let words = if lacks_secrets {
            gettext("Copied to the clipboard, without passwords and cookies")
        } else {
            gettext("Copied to the clipboard")
        };
        self.copy(&commands, &words);
    }

    /// Puts a text on the clipboard, and says so.
    pub(super) fn copy(&self, text: &str, words: &str) {
        self.clipboard().set_text(text);
        messages::tell(&self.imp().toasts, words);
    }

    fn ask_for_limit(&self, downloads: &[DownloadObject]) {
        let Some(session) = self.imp().session.get() else { return };
        let body = match downloads {
            [download] => gettext_f("How fast “{file}” may be:", &[("file", &download.name())]),
            _ => gettext("How fast each of the selected downloads may be:"),
        };
        let ids: Vec<_> = downloads.iter().map(DownloadObject::download_id).collect();
        let dialog = LimitDialog::new(
            &body,
            ids.iter().map(|id| session.rate_limit(*id)),
            glib::clone!(
                #[strong]
                session,
                #[strong]
                ids,
                move |limit| ids.iter().for_each(|id| session.set_rate_limit(*id, limit))
            ),
        );
        dialog.set_transient_for(Some(self));
        dialog.present();
    }

    fn ask_for_folder(&self, downloads: &[DownloadObject]) {
        let Some(current) = downloads.first().map(DownloadObject::folder) else { return };
        let (window, downloads) = (self.clone(), downloads.to_vec());
        glib::spawn_future_local(async move {
            let Some(folder) = chooser::choose_folder(&window, Some(&current)).await else { return };
            if let Some(problem) = folder_check::problem(&folder).await {
                return messages::tell(&window.imp().toasts, &problem);
            }
            let (fitting, over): (Vec<_>, Vec<_>) = downloads.into_iter().partition(DownloadObject::can_relocate);
            window.send_each(&fitting, |id| Command::Relocate { id, folder: folder.clone() });
            // Completed while the folder was chosen: it stays where it is.
            if let Some(download) = over.first() {
                let values = [("file", download.name()), ("status", download.status())];
                let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
                messages::tell(&window.imp().toasts, &gettext_f("{file}: {status}", &values));
            }
        });
    }

    fn send_each(&self, downloads: &[DownloadObject], command: impl Fn(DownloadId) -> Command) {
        for download in downloads {
            self.send(command(download.download_id()));
        }
    }

    /// Moves finished files to the trash and takes them off the list, as well as those that are no longer there. What
    /// cannot be moved stays where it is.
    fn trash(&self, downloads: &[DownloadObject]) {
        let (window, downloads) = (self.clone(), downloads.to_vec());
        glib::spawn_future_local(async move {
            let (mut moved, mut gone, mut failures) = (Vec::new(), Vec::new(), Vec::new());
            for download in downloads {
                let Some(path) = download.path() else { continue };
                match files::trash(&path).await {
                    Ok(Trashed::Moved) => moved.push(download),
                    Ok(Trashed::WasGone) => gone.push(download),
                    Err(sentence) => failures.push(sentence),
                }
            }
            for (downloads, removes) in [(moved, Removes::WithFile), (gone, Removes::RowOnly)] {
                if !downloads.is_empty() {
                    window.remove(&downloads, removes);
                }
            }
            let more = failures.len().saturating_sub(1);
            if let Some(first) = failures.first() {
                let values = [("reason", first.as_str()), ("n", &amounts::count(more))];
                let words = match more {
                    0 => first.clone(),
                    // Translators: {reason} is a whole sentence about another file.
                    _ => ngettext_f(
                        "{reason} ({n} more file is still there)",
                        "{reason} ({n} more files are still there)",
                        more,
                        &values,
                    ),
                };
                messages::tell(&window.imp().toasts, &words);
            }
        });
    }

    /// Takes downloads off the list at once. As long as the toast is there they can come back; a
    /// further removal joins the offer, so that one Undo brings all of them back.
    fn remove(&self, downloads: &[DownloadObject], removes: Removes) {
        let imp = self.imp();
        let Some(session) = imp.session.get() else { return };
        let mut removal = Removal { ids: Vec::new(), has_files: removes == Removes::WithFile };
        let earlier = imp.removal.take().map(|(earlier, offer)| {
            removal.ids = earlier.ids;
            removal.has_files |= earlier.has_files;
            offer
        });
        let new: Vec<_> = downloads.iter().map(DownloadObject::download_id).collect();
        let is_alone = removal.ids.is_empty();
        removal.ids.extend(&new);
        let words = if is_alone { said_of(downloads, removes) } else { count_words(removal.ids.len()) };
        session.remove(&new);
        if let Some(application) = self.application().and_downcast::<Application>() {
            // The buttons of their notifications would do nothing.
            new.iter().for_each(|id| application.notifier().forget(*id));
        }
        let offer = match earlier {
            Some(offer) if offer.reword(&words) => offer,
            earlier => {
                earlier.into_iter().for_each(UndoOffer::withdraw);
                let settle = |restores: bool| {
                    glib::clone!(
                        #[weak(rename_to = window)]
                        self,
                        #[strong]
                        session,
                        move || {
                            let Some((removal, _)) = window.imp().removal.take() else { return };
                            window.set_removal(None);
                            if restores { window.restore(&removal) } else { session.purge(&removal.ids) }
                        }
                    )
                };
                messages::offer_undo(&imp.toasts, &words, settle(true), settle(false))
            }
        };
        self.set_removal(Some((removal, offer)));
    }

    fn set_removal(&self, removal: Option<(Removal, UndoOffer)>) {
        if let Some(undo) = self.lookup_action(WindowAction::Undo.name()).and_downcast::<gio::SimpleAction>() {
            undo.set_enabled(removal.is_some());
        }
        self.imp().removal.replace(removal);
    }

    /// By its key: a toast is out of reach for Tab as long as the list has many rows.
    pub(super) fn undo(&self) {
        let Some((removal, offer)) = self.imp().removal.take() else { return };
        offer.withdraw();
        self.set_removal(None);
        self.restore(&removal);
    }

    /// What was removed cannot come back any more.
    pub(super) fn settle_removal(&self) {
        let Some((removal, offer)) = self.imp().removal.take() else { return };
        offer.withdraw();
        self.set_removal(None);
        if let Some(session) = self.imp().session.get() {
            session.purge(&removal.ids);
        }
    }

    fn restore(&self, removal: &Removal) {
        if let Some(session) = self.imp().session.get() {
            session.restore(&removal.ids);
        }
        if let Some(first) = removal.ids.first() {
            self.reveal(*first);
        }
        if removal.has_files {
            // Translators: said after Undo of a removal.
            let words = gettext("The list is as before. What was moved to the trash can be restored there.");
            messages::tell(&self.imp().toasts, &words);
        }
    }
}

/// Whether the finished file goes as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Removes {
    RowOnly,
    WithFile,
}

/// What Undo brings back.
#[derive(Clone, Debug)]
pub struct Removal {
    ids: Vec<DownloadId>,
    /// Files of it went to the trash.
    has_files: bool,
}

fn said_of(downloads: &[DownloadObject], removes: Removes) -> String {
    let count = downloads.len();
    match downloads {
        // Translators: {file} is the name of a file.
        [download] if removes == Removes::WithFile => {
            gettext_f("“{file}” was moved to the trash", &[("file", &brief(&download.name()))])
        }
        _ if removes == Removes::WithFile => ngettext_f(
            "{n} file was moved to the trash",
            "{n} files were moved to the trash",
            count,
            &[("n", &amounts::count(count))],
        ),
        [download] if download.is_finished() => {
            // Translators: {file} is the name of a file.
            gettext_f("“{file}” was taken off the list", &[("file", &brief(&download.name()))])
        }
        [download] => gettext_f("“{file}” was cancelled", &[("file", &brief(&download.name()))]),
        _ => count_words(count),
    }
}

fn count_words(count: usize) -> String {
    ngettext_f(
        "{n} download was taken off the list",
        "{n} downloads were taken off the list",
        count,
        &[("n", &amounts::count(count))],
    )
}

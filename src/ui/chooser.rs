// SPDX-License-Identifier: GPL-3.0-or-later
//! Lets files and folders be chosen. In a sandbox the portal shows the chooser, and grants access to what is
//! chosen: to a folder from then on.

use std::path::{Path, PathBuf};

use gtk::gio;
use gtk::prelude::*;

use crate::desktop::link_file;
use crate::i18n::gettext;

/// `name` is the one that a file to be saved gets if the user gives no other.
pub async fn choose_file(
    parent: &impl IsA<gtk::Window>,
    title: &str,
    action: gtk::FileChooserAction,
    name: Option<&str>,
) -> Option<gio::File> {
    let chooser = chooser(parent, title, action);
    if let Some(name) = name {
        chooser.set_current_name(name);
    }
    chosen(chooser).await
}

/// A file of one of the kinds in which links are looked for.
pub async fn choose_link_file(parent: &impl IsA<gtk::Window>) -> Option<gio::File> {
    // Translators: the title of a dialog in which a file with links is chosen.
    let chooser = chooser(parent, &gettext("Add From File"), gtk::FileChooserAction::Open);
    let filter = gtk::FileFilter::new();
    // Translators: the kinds of files that can be chosen.
    filter.set_name(Some(&gettext("Files With Links")));
    link_file::ENDINGS.iter().for_each(|ending| filter.add_suffix(ending));
    chooser.add_filter(&filter);
    chosen(chooser).await
}

/// `current` is where the chooser begins, if it is an absolute path.
pub async fn choose_folder(parent: &impl IsA<gtk::Window>, current: Option<&Path>) -> Option<PathBuf> {
    let chooser = chooser(parent, &gettext("Choose Folder"), gtk::FileChooserAction::SelectFolder);
    if let Some(current) = current.filter(|path| path.is_absolute())
        && let Err(error) = chooser.set_current_folder(Some(&gio::File::for_path(current)))
    {
        tracing::debug!(%error, "The folder chooser does not begin where it should");
    }
    chosen(chooser).await?.path()
}

fn chooser(parent: &impl IsA<gtk::Window>, title: &str, action: gtk::FileChooserAction) -> gtk::FileChooserNative {
    let chooser = gtk::FileChooserNative::new(Some(title), Some(parent), action, None, None);
    chooser.set_modal(true);
    chooser
}

async fn chosen(chooser: gtk::FileChooserNative) -> Option<gio::File> {
    let response = chooser.run_future().await;
    chooser.file().filter(|_| response == gtk::ResponseType::Accept)
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Hands files and folders over to the programs that the desktop has for them. Each may be a window of its own: of many it is
//! asked whether all are meant. A notification may have asked for it while nobody looks at the window: what goes wrong then is
//! told in front.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use super::Window;
use crate::desktop::files;
use crate::i18n::{gettext, ngettext_f};
use crate::model::{DownloadObject, amounts};
use crate::ui::messages;

/// So many windows are opened unasked.
const MOST: usize = 10;

impl Window {
    pub(super) fn open(&self, downloads: &[DownloadObject]) {
        let paths: Vec<_> = downloads.iter().filter_map(DownloadObject::path).collect();
        let open = glib::clone!(
            #[weak(rename_to = window)]
            self,
            #[strong]
            paths,
            move || window.open_files(paths.clone())
        );
        self.ask_if_many(paths.len(), &gettext("Open"), &gettext("_Open"), open);
    }

    pub(super) fn open_files(&self, paths: Vec<PathBuf>) {
        let window = self.clone();
        glib::spawn_future_local(async move {
            let context = WidgetExt::display(&window).app_launch_context();
            for path in paths {
                if let Err(sentence) = files::open(&path, Some(context.upcast_ref())).await {
                    messages::tell_in_front(&window, &window.imp().toasts, &sentence);
                }
            }
        });
    }

    pub(super) fn show_in_folder(&self, downloads: &[DownloadObject]) {
        let paths: Vec<_> = downloads.iter().filter_map(DownloadObject::path).collect();
        let shown: BTreeSet<_> = paths.iter().filter_map(|path| path.parent()).collect();
        // Nothing of these is on the disk yet.
        let bare = downloads.iter().filter(|download| download.path().is_none()).map(DownloadObject::folder);
        let bare: BTreeSet<_> = bare.filter(|folder| !shown.contains(folder.as_path())).collect();
        let windows = shown.len() + bare.len();
        let show = glib::clone!(
            #[weak(rename_to = window)]
            self,
            move || window.show_places(paths.clone(), bare.clone())
        );
        let (heading, label) = (gettext("Show in Folder"), gettext("_Show in Folder"));
        self.ask_if_many(windows, &heading, &label, show);
    }

    /// Shows a file that is no download of ours.
    pub(super) fn show_file(&self, path: &Path) {
        self.show_places(vec![path.to_owned()], BTreeSet::new());
    }

    fn show_places(&self, paths: Vec<PathBuf>, folders: BTreeSet<PathBuf>) {
        let window = self.clone();
        glib::spawn_future_local(async move {
            let context = WidgetExt::display(&window).app_launch_context();
            let mut failures: Vec<_> =
                files::show_in_folders(&paths, Some(context.upcast_ref())).await.err().into_iter().collect();
            for folder in folders {
                failures.extend(files::open_folder(&folder, Some(context.upcast_ref())).await.err());
            }
            for sentence in failures {
                messages::tell_in_front(&window, &window.imp().toasts, &sentence);
            }
        });
    }

    /// Goes on at once, or, where so many windows may be opened, when the user wants that.
    fn ask_if_many(&self, windows: usize, heading: &str, label: &str, go_on: impl Fn() + 'static) {
        if windows <= MOST {
            return go_on();
        }
        let values = [("n", amounts::count(windows))];
        let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
        // Translators: a question below “Open” or “Show in Folder”: each file, or each folder, may be a window.
        let body = ngettext_f("{n} window may be opened.", "{n} windows may be opened.", windows, &values);
        let dialog = messages::question(self, heading, &body);
        dialog.add_responses(&[("cancel", &gettext("_Cancel")), ("go-on", label)]);
        dialog.set_close_response("cancel");
        dialog.set_default_response(Some("cancel"));
        dialog.connect_response(Some("go-on"), move |_, _| go_on());
        dialog.present();
    }
}

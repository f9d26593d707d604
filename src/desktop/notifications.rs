// SPDX-License-Identifier: GPL-3.0-or-later
//! Tells of downloads that came to their end while nobody looked at the window.

use gio::prelude::*;

use crate::i18n::gettext;
use crate::model::{DownloadId, DownloadObject};

/// The application's actions behind the buttons; their parameter is the download's id.
pub const OPEN: &str = "open-download";
pub const SHOW_IN_FOLDER: &str = "show-download";

/// One notification for each download; a later one replaces an earlier one.
pub fn finished(application: &impl IsA<gio::Application>, download: &DownloadObject) {
    let notification = gio::Notification::new(&download.name());
    notification.set_icon(&gio::ThemedIcon::new("folder-download-symbolic"));
    notification.set_body(Some(&download.status()));
    let id = download.id().to_variant();
    if download.can_open() {
        notification.set_default_action_and_target_value(&format!("app.{OPEN}"), Some(&id));
        notification.add_button_with_target_value(&gettext("Open"), &format!("app.{OPEN}"), Some(&id));
        notification.add_button_with_target_value(
            &gettext("Show in Folder"),
            &format!("app.{SHOW_IN_FOLDER}"),
            Some(&id),
        );
    }
    application.send_notification(Some(&tag(download.download_id())), &notification);
}

/// The download is gone from the list: its buttons would do nothing.
pub fn withdraw(application: &impl IsA<gio::Application>, id: DownloadId) {
    application.withdraw_notification(&tag(id));
}

fn tag(id: DownloadId) -> String {
    format!("download-{id}")
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Whether downloads can be saved in a folder that the user names.

use std::path::Path;

use gio::prelude::*;

use crate::i18n::gettext;
use crate::model::sandbox;

const ASKED: &str = "standard::type,access::can-write";

/// What is wrong with it, if anything is; asked of the disk while the main loop goes on.
pub async fn problem(folder: &Path) -> Option<String> {
    let about =
        gio::File::for_path(folder).query_info_future(ASKED, gio::FileQueryInfoFlags::NONE, glib::Priority::DEFAULT);
    match about.await {
        Ok(about) if about.file_type() != gio::FileType::Directory => {
            Some(gettext("This is no folder. Choose another folder."))
        }
        Ok(about) if !about.boolean(gio::FILE_ATTRIBUTE_ACCESS_CAN_WRITE) => {
            Some(gettext("Nothing can be saved in this folder: you may not write there. Choose another folder."))
        }
        Ok(_) => is_of_sandbox_alone(folder).await.then(|| {
            gettext(
                "The sandbox that Freshet runs in has no way into this folder: what is saved there would be lost. Choose it anew, or choose another folder.",
            )
        }),
        Err(error) if error.matches(gio::IOErrorEnum::NotFound) => {
            Some(gettext("This folder is not there. Make it, plug in its drive, or choose another one."))
        }
        Err(error) => {
            tracing::info!(%error, "A folder cannot be looked at");
            Some(gettext("This folder cannot be reached. Choose another folder."))
        }
    }
}

/// Asked on a thread of its own: a drive may not answer.
async fn is_of_sandbox_alone(folder: &Path) -> bool {
    let folder = folder.to_owned();
    sandbox::is_inside() && gio::spawn_blocking(move || sandbox::would_lose(&folder)).await.unwrap_or(true)
}

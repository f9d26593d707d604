// SPDX-License-Identifier: GPL-3.0-or-later
//! How much room there is where downloads are to go.

use std::path::Path;

use gio::prelude::*;

/// The bytes that are free in a folder, or where it would be made; `None` where the system does not say.
pub async fn in_folder(folder: &Path) -> Option<u64> {
    for folder in folder.ancestors() {
        let file = gio::File::for_path(folder);
        let about = file.query_filesystem_info_future(gio::FILE_ATTRIBUTE_FILESYSTEM_FREE, glib::Priority::DEFAULT);
        match about.await {
            Ok(about) if about.has_attribute(gio::FILE_ATTRIBUTE_FILESYSTEM_FREE) => {
                return Some(about.attribute_uint64(gio::FILE_ATTRIBUTE_FILESYSTEM_FREE));
            }
            Err(error) if error.matches(gio::IOErrorEnum::NotFound) => {}
            other => {
                tracing::debug!(error = ?other.err(), "The free room of {} is not known", folder.display());
                return None;
            }
        }
    }
    None
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! How much room there is where downloads are to go.

use std::path::{Path, PathBuf};

use gio::prelude::*;

/// What is known of the room in the folder that is shown. A disk may answer late: what it says of another folder by
/// then is not this one's.
#[derive(Debug, Default)]
pub struct FreeSpace {
    folder: PathBuf,
    bytes: Option<u64>,
}

impl FreeSpace {
    /// From now on it is this folder's.
    pub fn ask(&mut self, folder: &Path) {
        *self = Self { folder: folder.to_owned(), bytes: None };
    }

    /// Answers whether that is still of interest.
    pub fn learn(&mut self, folder: &Path, bytes: Option<u64>) -> bool {
        let is_it = self.folder == folder;
        if is_it {
            self.bytes = bytes;
        }
        is_it
    }

    pub fn bytes(&self) -> Option<u64> {
        self.bytes
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_of_another_folder_is_not_shown_for_the_chosen_one() {
        let [slow, chosen] = ["/slow", "/chosen"].map(Path::new);
        let mut free = FreeSpace::default();
        free.ask(slow);
        assert!(free.learn(slow, Some(7)));
        free.ask(chosen);
        assert_eq!(free.bytes(), None);
        assert!(free.learn(chosen, Some(5)) && !free.learn(slow, Some(9)));
        assert_eq!(free.bytes(), Some(5));
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Folders of a sandbox that nobody else has. In a Flatpak a folder of the user that is not let in may be there all the
//! same, empty: what is saved there is gone with the sandbox.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What is wrong with a target folder that would be lost.
pub fn problem(folder: &Path) -> Option<String> {
    let is_sandboxed = Path::new("/.flatpak-info").exists();
    (is_sandboxed && is_of(folder, Path::new("/"))).then(|| told(folder))
}

/// Whether a folder is of the same file system as the root, which a sandbox has for itself: each folder that is let in is
/// mounted.
fn is_of(folder: &Path, root: &Path) -> bool {
    let device = |path: &Path| fs::metadata(path).map(|about| about.dev()).ok();
    device(folder).is_some_and(|its| device(root) == Some(its))
}

fn told(folder: &Path) -> String {
    let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let folder = folder.display();
    format!(
        "the sandbox does not let Freshet into {folder}: what is saved there would be lost. \
         Use --dir with the folder for downloads, or start it with flatpak run --filesystem={folder}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_the_root_s_own_file_system_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let other = tempfile::tempdir_in("/dev/shm").unwrap();
        let around = folder.path().parent().unwrap();
        assert!(is_of(folder.path(), around) && !is_of(other.path(), Path::new("/")));
        assert!(!is_of(&folder.path().join("gone"), around));
        assert_eq!(problem(folder.path()), None, "there is no sandbox here");
        assert!(told(Path::new("/a/b")).contains("--filesystem=/a/b"));
    }
}

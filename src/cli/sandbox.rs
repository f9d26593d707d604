// SPDX-License-Identifier: GPL-3.0-or-later
//! What is said of a target folder that is a sandbox's own.

use std::path::Path;

use crate::engine::disk::sandbox;

/// What is wrong with a target folder that would be lost.
pub fn problem(folder: &Path) -> Option<String> {
    sandbox::would_lose(folder).then(|| told(&folder.canonicalize().unwrap_or_else(|_| folder.to_owned())))
}

fn told(folder: &Path) -> String {
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
    fn the_folder_is_told_with_what_lets_it_in() {
        assert_eq!(problem(Path::new("/")), None, "there is no sandbox here");
        assert!(told(Path::new("/a/b")).contains("--filesystem=/a/b"));
    }
}

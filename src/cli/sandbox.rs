// SPDX-License-Identifier: GPL-3.0-or-later
//! Folders of a sandbox that nobody else has. In a Flatpak a folder of the user that is not let in may be there all the
//! same, empty: what is saved there is gone with the sandbox.

use std::fs;
use std::path::Path;

use crate::engine::disk::mount_point;

/// What the sandbox is told to be, see flatpak-metadata(5).
const INFO: &str = "/.flatpak-info";

/// What is wrong with a target folder that would be lost.
pub fn problem(folder: &Path) -> Option<String> {
    let info = fs::read_to_string(INFO).ok()?;
    let folder = fs::canonicalize(folder).ok()?;
    let is_lost = mount_point(&folder).is_some_and(|point| is_own(&point, &info));
    is_lost.then(|| told(&folder))
}

/// Whether what is mounted here is of the sandbox alone: its root, and its folder for what is temporary unless that of the
/// machine was let in. Each folder that is let in is a mount of its own.
fn is_own(point: &Path, info: &str) -> bool {
    let mut let_in =
        info.lines().filter_map(|line| line.strip_prefix("filesystems=")).flat_map(|names| names.split(';'));
    let is_tmp = |name: &str| name.split(':').next() == Some("/tmp");
    point == Path::new("/") || (point == Path::new("/tmp") && !let_in.any(is_tmp))
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
    fn what_is_not_let_in_is_of_the_sandbox_alone() {
        let is_own = |point: &str, names: &str| {
            is_own(Path::new(point), &format!("[Context]\nshared=network;\nfilesystems={names}\n"))
        };
        assert!(is_own("/", "xdg-download;/tmp;") && is_own("/tmp", "xdg-download;/tmp/sub;"));
        assert!(!is_own("/tmp", "xdg-download;/tmp:rw;") && !is_own("/home/ann/Downloads", "xdg-download;"));
        assert_eq!(problem(Path::new("/")), None, "there is no sandbox here");
        assert!(told(Path::new("/a/b")).contains("--filesystem=/a/b"));
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Folders of a sandbox that nobody else has. In a Flatpak a folder of the user that is not let in may be there all the
//! same, empty, and can be written: what is saved there is gone with the sandbox.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::device::mount_point;

/// What the sandbox is told to be, see flatpak-metadata(5).
const INFO: &str = "/.flatpak-info";

/// That, `None` outside of one. It is the same as long as the program runs.
fn info() -> Option<&'static str> {
    static KNOWN: OnceLock<Option<String>> = OnceLock::new();
    KNOWN.get_or_init(|| fs::read_to_string(INFO).ok()).as_deref()
}

/// Whether the program is in a sandbox, where what it may do is asked of the portals.
pub fn is_inside() -> bool {
    info().is_some()
}

/// Whether what is saved in this folder would be lost with the sandbox. One that is not there yet would be made where
/// what is there of its path is. May wait for a drive.
pub fn would_lose(folder: &Path) -> bool {
    info().is_some_and(|info| loses(folder, info, mount_point))
}

fn loses(folder: &Path, info: &str, mount_point: impl Fn(&Path) -> Option<PathBuf>) -> bool {
    let there = folder.ancestors().find_map(|part| fs::canonicalize(part).ok());
    there.and_then(|there| mount_point(&there)).is_some_and(|point| is_own(&point, info))
}

/// Whether what is mounted here is of the sandbox alone: its root, and its folder for what is temporary unless that of the
/// machine was let in. Each folder that is let in is a mount of its own.
fn is_own(point: &Path, info: &str) -> bool {
    let mut let_in =
        info.lines().filter_map(|line| line.strip_prefix("filesystems=")).flat_map(|names| names.split(';'));
    let is_tmp = |name: &str| name.split(':').next() == Some("/tmp");
    point == Path::new("/") || (point == Path::new("/tmp") && !let_in.any(is_tmp))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(names: &str) -> String {
        format!("[Context]\nshared=network;\nfilesystems={names}\n")
    }

    #[test]
    fn what_is_not_let_in_is_of_the_sandbox_alone() {
        let is_own = |point: &str, names: &str| is_own(Path::new(point), &info(names));
        assert!(is_own("/", "xdg-download;/tmp;") && is_own("/tmp", "xdg-download;/tmp/sub;"));
        assert!(!is_own("/tmp", "xdg-download;/tmp:rw;") && !is_own("/home/ann/Downloads", "xdg-download;"));
        assert!(!would_lose(Path::new("/")) && !is_inside(), "there is no sandbox here");
    }

    #[test]
    fn a_folder_that_is_not_there_yet_would_be_where_its_parents_are() {
        let home = tempfile::tempdir().unwrap();
        let let_in = home.path().canonicalize().unwrap().join("Downloads");
        fs::create_dir(&let_in).unwrap();
        std::os::unix::fs::symlink(&let_in, home.path().join("link")).unwrap();
        let point = |folder: &Path| Some(if folder.starts_with(&let_in) { let_in.clone() } else { "/".into() });
        let loses = |below: &str| loses(&home.path().join(below), &info("xdg-download:create;"), point);
        assert!(loses("") && loses("elsewhere") && loses("elsewhere/new"));
        assert!(!loses("Downloads") && !loses("Downloads/new/newer") && !loses("link") && !loses("link/new"));
    }
}

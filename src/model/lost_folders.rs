// SPDX-License-Identifier: GPL-3.0-or-later
//! Folders that files are to be saved in and that are out of reach: a drive that is not there, a folder that
//! was moved, or one that a sandbox was granted and that it has lost. Looked for at the start and when a
//! download fails for that; another folder repairs all that is to be saved there at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Command, DownloadId, amounts, describe};
use crate::engine::disk::check_folder;
use crate::engine::download::state::State;
use crate::engine::error::FailureKind;
use crate::engine::event::Snapshot;
use crate::i18n::{gettext_f, ngettext_f};

/// A folder out of reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostFolder {
    pub path: PathBuf,
    /// What is to be saved there.
    pub downloads: Vec<DownloadId>,
    /// New downloads are, too.
    pub is_default: bool,
}

impl LostFolder {
    /// One sentence for the user.
    pub fn sentence(&self) -> String {
        let folder = describe::folder(&self.path);
        let count = self.downloads.len();
        if count == 0 {
            return gettext_f("The folder {folder} for new downloads cannot be reached.", &[("folder", &folder)]);
        }
        ngettext_f(
            "The folder {folder} cannot be reached. {n} download is to be saved there.",
            "The folder {folder} cannot be reached. {n} downloads are to be saved there.",
            count,
            &[("folder", &folder), ("n", &amounts::count(count))],
        )
    }

    /// What the engine is told so that another folder takes its place.
    pub fn repair(&self, folder: &Path) -> impl Iterator<Item = Command> {
        self.downloads.iter().map(move |id| Command::Relocate { id: *id, folder: folder.to_owned() })
    }
}

/// Whether a download has failed because of its folder.
pub fn is_told_by(download: &Snapshot) -> bool {
    matches!(&download.state, State::Failed(failure) if is_lost(&failure.kind))
}

fn is_lost(kind: &FailureKind) -> bool {
    matches!(kind, FailureKind::FolderMissing | FailureKind::NotWritable)
}

/// Looks which of the folders are lost: those of downloads that are not complete, and the one for new ones. A drive that
/// does not answer is waited for on a thread of its own.
pub async fn look(downloads: impl Iterator<Item = Snapshot>, default: PathBuf) -> Vec<LostFolder> {
    let mut folders: BTreeMap<PathBuf, Vec<DownloadId>> = BTreeMap::new();
    for download in downloads {
        if !matches!(download.state, State::Completed | State::Verifying) {
            folders.entry(download.folder).or_default().push(download.id);
        }
    }
    folders.entry(default.clone()).or_default();
    let looked = gio::spawn_blocking(move || {
        let is_lost = |path: &Path| check_folder(path).is_err_and(|failure| is_lost(&failure.kind));
        folders.into_iter().filter(|(path, _)| is_lost(path)).collect::<Vec<_>>()
    });
    let lost = looked.await.unwrap_or_else(|_| {
        tracing::warn!("it cannot be seen whether all folders are there");
        Vec::new()
    });
    let of = |(path, downloads)| LostFolder { is_default: path == default, path, downloads };
    lost.into_iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::error::Failure;
    use crate::model::download_object::tests::snapshot;

    #[test]
    fn folders_that_are_gone_are_found_with_what_is_to_be_saved_there() {
        let _turn = crate::engine::MAIN_CONTEXT_TURN.lock();
        let there = tempfile::tempdir().unwrap();
        let gone = there.path().join("gone");
        let download = |id, folder: &Path, state: &State| {
            let mut download = snapshot(id);
            (download.folder, download.state) = (folder.to_owned(), state.clone());
            download
        };
        let downloads = [
            download(1, &gone, &State::Paused),
            download(2, there.path(), &State::Paused),
            download(3, &gone, &State::Queued),
            download(4, &gone, &State::Completed),
        ];
        let chosen = there.path().join("chosen");
        let found =
            |default: PathBuf| glib::MainContext::default().block_on(look(downloads.clone().into_iter(), default));
        let lost = LostFolder { path: gone.clone(), downloads: vec![DownloadId(1), DownloadId(3)], is_default: false };
        let of_new = LostFolder { path: chosen.clone(), downloads: Vec::new(), is_default: true };
        assert_eq!(found(chosen), [of_new, lost.clone()]);
        assert_eq!(found(gone), [LostFolder { is_default: true, ..lost.clone() }]);
        assert_eq!(found(there.path().into()), std::slice::from_ref(&lost));
        assert!(lost.sentence().ends_with("cannot be reached. 2 downloads are to be saved there."));
        let to: PathBuf = "/srv".into();
        let repaired: Vec<_> = lost.repair(&to).collect();
        assert_eq!(repaired[1], Command::Relocate { id: DownloadId(3), folder: to });
    }

    #[test]
    fn only_a_failure_of_the_folder_tells_of_a_lost_one() {
        let mut download = snapshot(1);
        for (kind, is_told) in [(FailureKind::FolderMissing, true), (FailureKind::ReadOnly, false)] {
            download.state = State::Failed(Failure::new(kind, ""));
            assert_eq!(is_told_by(&download), is_told);
        }
    }
}

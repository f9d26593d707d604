// SPDX-License-Identifier: GPL-3.0-or-later
//! How a part file gets its final name. Nothing that is there is ever replaced unasked: where a name is taken, it
//! is the kernel that says so.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::{MOST_NUMBERS, PartFile, failure, is_one_component, taken};
use crate::engine::disk::folder::{Folders, exists, locked};
use crate::engine::disk::journal::{Placed, with_suffix};
use crate::engine::disk::naming::{self, PART_SUFFIX};
use crate::engine::disk::place::{find_same, leads_to, link_to_free, remove, rename_to_free};
use crate::engine::disk::room::{file_system, syncs_nameless};
use crate::engine::disk::{Finish, Open};
use crate::engine::download::spec::OnExists;
use crate::engine::error::Failure;

impl PartFile {
    /// A file that has no name before it is complete, for a small one that is here as a whole: nobody finds it or
    /// has to be kept from it, no name has to be free for it meanwhile, and of a process that is killed nothing is
    /// left. It cannot be saved to be continued. `None`: this has to be done with a name.
    pub fn nameless(open: &Open) -> Option<Self> {
        if !is_one_component(&open.name) {
            return None;
        }
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).custom_flags(libc::O_TMPFILE).open(&open.folder).ok()?;
        let path = with_suffix(&open.folder.join(&open.name), PART_SUFFIX);
        syncs_nameless(file_system(&file)).then(|| Self { is_nameless: true, ..Self::new(path, file, open) })
    }

    pub fn is_nameless(&self) -> bool {
        self.is_nameless
    }

    /// Moves it into place; answers the path it has then. The folder is synced and the journal removed by [`super::clean_up`].
    pub fn move_into_place(&self, finish: &Finish, folders: &Mutex<Folders>) -> Result<PathBuf, Failure> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        match finish.on_exists {
            OnExists::Overwrite => {
                let target = folder.join(&self.name);
                self.announce(&target, finish.total);
                fs::rename(&self.path, &target).map_err(|error| failure(&error, "move into place", &target))?;
                Ok(target)
            }
            OnExists::Skip => self.move_to_free(std::iter::once(folder.join(&self.name)), finish.total),
            OnExists::Rename => {
                let (wanted, own) = (folder.join(&self.name), self.path.with_extension(""));
                // Where the name is free nothing was there.
                if own == wanted && self.move_to(&own, finish.total)? {
                    return Ok(own);
                }
                if let Some(before) = finish.may_be_there
                    && let Some(there) = find_same(&wanted, before, &self.file, finish.total)
                {
                    if !self.is_nameless {
                        remove(&self.path);
                    }
                    return Ok(there);
                }
                let first = locked(folders).first_number(&wanted).max(1);
                let others = (first..first.saturating_add(MOST_NUMBERS)).map(|number| {
                    // By this file, if by no other.
                    locked(folders).took_number(&wanted, number);
                    folder.join(naming::numbered(&self.name, number))
                });
                // The name asked for was taken when the part file got a number, maybe only by the
                // part file that this one replaces.
                let asked = finish.replaces.is_some().then(|| wanted.clone());
                self.move_to_free(asked.into_iter().chain(std::iter::once(own)).chain(others), finish.total)
            }
        }
    }

    fn move_to_free(&self, targets: impl Iterator<Item = PathBuf>, total: u64) -> Result<PathBuf, Failure> {
        let mut last = self.path.clone();
        for target in targets {
            if self.move_to(&target, total)? {
                return Ok(target);
            }
            last = target;
        }
        Err(taken(&last))
    }

    /// `false` if the name is taken.
    fn move_to(&self, target: &Path, total: u64) -> Result<bool, Failure> {
        // Nobody else's file is announced as ours. Where there is nothing to announce the rename finds out.
        if self.may_have_journal() {
            if exists(target).unwrap_or(false) {
                return Ok(false);
            }
            self.announce(target, total);
        }
        let moved = match self.is_nameless {
            true => link_to_free(&self.file, target),
            false => rename_to_free(&self.path, target),
        };
        match moved {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(failure(&error, "move into place", target)),
        }
    }

    /// Writes down where the file is about to be: should this be the last that the process does, the next one
    /// finds it there.
    fn announce(&self, target: &Path, total: u64) {
        // Others stay unknown: JSON holds no name that is not UTF-8.
        let Some(name) = target.file_name().and_then(|name| name.to_str()) else { return };
        let placed = self.file.metadata().map(|about| Placed::new(&about, name.to_owned()));
        if let Err(error) = placed.and_then(|placed| self.log.place(total, placed)) {
            tracing::info!(path = %self.path.display(), "its journal cannot say that it is complete: {error}");
        }
    }

    /// Takes the file back from the place that it could not be made to stay in, so that a later try finds
    /// it as it was. Not from where it has replaced another one: better the new one than none.
    pub fn take_back(&self, path: &Path, finish: &Finish) {
        if finish.on_exists == OnExists::Overwrite || !leads_to(path, &self.file) {
            return;
        }
        if let Err(error) = rename_to_free(path, &self.path) {
            tracing::warn!(path = %path.display(), "it stays in place: {error}");
        }
    }
}

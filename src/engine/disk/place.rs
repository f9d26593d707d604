// SPDX-License-Identifier: GPL-3.0-or-later
//! Takes names away from part files, and gives them names, without ever costing anybody else a file.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, CWD, RenameFlags};
use rustix::io::Errno;

use super::folder::exists;
use super::lock::can_lock;
use super::open::open;
use super::part_file::{is_part_path, open_part};
use super::{Journal, naming};

/// Under so many names a file is looked for that may be there already...
const MOST_COMPARED: u32 = 10;
/// ...and no longer one than this: others wait meanwhile for what they have written to be durable.
const LONGEST_COMPARED: u64 = 64 * 1024 * 1024;
const BUFFER: usize = 64 * 1024;

/// Deletes a part file and its journal; nothing that is not named like one, and nothing that another
/// process has continued meanwhile. Answers whether it is gone.
pub fn delete(part_path: &Path) -> bool {
    if !is_part_path(part_path) {
        tracing::error!(path = %part_path.display(), "not deleted: this is no part file");
        return false;
    }
    // Held until all is removed, so that nobody begins to continue it in between. What cannot be opened
    // cannot be continued either.
    let file = open_part(part_path).ok();
    if let Some(file) = &file {
        if !can_lock(part_path, || file.try_lock()) {
            tracing::warn!(path = %part_path.display(), "kept: another process continues it");
            return false;
        }
        // Who held the lock until now may have moved it into place, and somebody may have begun anew.
        if !leads_to(part_path, file) && exists(part_path).unwrap_or(true) {
            tracing::warn!(path = %part_path.display(), "kept: it is another one by now");
            return false;
        }
    }
    remove(part_path)
}

/// Removes a part file that this process has locked, or nobody.
pub fn remove(part_path: &Path) -> bool {
    // The journal last: interrupted in between, it tells nobody of a file that is not there, while a
    // part file without one would be in the way for ever.
    let removed = match fs::remove_file(part_path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Journal::remove(part_path),
    };
    if let Err(error) = &removed {
        tracing::warn!(path = %part_path.display(), "cannot delete the part file: {error}");
    }
    removed.is_ok()
}

/// Whether a path leads to the file that is open.
pub fn leads_to(path: &Path, file: &File) -> bool {
    let same = |open: fs::Metadata, there: fs::Metadata| (open.dev(), open.ino()) == (there.dev(), there.ino());
    file.metadata().and_then(|open| Ok(same(open, fs::symlink_metadata(path)?))).unwrap_or(false)
}

/// The file in its place that this journal tells of, where it is as it was moved there.
pub fn placed(part_path: &Path, journal: &Journal) -> Option<(PathBuf, File)> {
    let placed = journal.placed.as_ref()?;
    let path = part_path.with_file_name(&placed.name);
    let file = open_part(&path).ok()?;
    file.metadata().is_ok_and(|about| placed.is(&about)).then_some((path, file))
}

/// Where a process died just after it had moved a file into place, and before it could remove the
/// journal: takes it back, so that it goes there in the usual way, with nothing left to fetch. Answers
/// `false` if that process lives.
pub fn recover(part_path: &Path, journal: &Journal) -> bool {
    if exists(part_path).unwrap_or(true) {
        return true;
    }
    let Some((path, file)) = placed(part_path, journal) else { return true };
    if !can_lock(&path, || file.try_lock()) {
        return false;
    }
    // Who held the lock until now may have come to its end.
    let is_left = Journal::read(part_path).is_ok_and(|now| now.placed == journal.placed) && leads_to(&path, &file);
    if is_left && let Err(error) = rename_to_free(&path, part_path) {
        tracing::warn!(path = %path.display(), "it is complete, and cannot be continued: {error}");
    }
    true
}

/// Where a file of these bytes was already before that moment, under the name that was wanted or one of the
/// next numbers.
pub fn find_same(wanted: &Path, before: SystemTime, file: &File, length: u64) -> Option<PathBuf> {
    let name = wanted.file_name()?.to_str()?;
    let paths = (0..MOST_COMPARED).map(|number| wanted.with_file_name(naming::numbered(name, number)));
    for path in paths {
        let Ok(other) = open(&path, OpenOptions::new().read(true)) else { return None };
        match other.metadata().and_then(|about| Ok(is_older(&about, before) && is_same(file, &other, length)?)) {
            Ok(true) => return Some(path),
            Ok(false) => {}
            Err(error) => tracing::info!(path = %path.display(), "not compared with what was fetched: {error}"),
        }
    }
    None
}

/// Renaming a file changes it, too: all is older that is about it. FAT has no time of that and gives the date of
/// the bytes for it, which is the server's; so the file may not have been made later either.
fn is_older(about: &fs::Metadata, than: SystemTime) -> bool {
    let (seconds, nanos) = (u64::try_from(about.ctime()), u32::try_from(about.ctime_nsec()));
    let is_unchanged = matches!((seconds, nanos), (Ok(seconds), Ok(nanos))
        if SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos) <= than);
    // Not every file system keeps when a file was made.
    is_unchanged && about.created().map_or(true, |made| made <= than)
}

fn is_same(file: &File, other: &File, length: u64) -> io::Result<bool> {
    let about = other.metadata()?;
    if length > LONGEST_COMPARED || !about.is_file() || about.len() != length {
        return Ok(false);
    }
    let (mut ours, mut theirs) = (vec![0; BUFFER], vec![0; BUFFER]);
    let mut at = 0;
    while at < length {
        let size = usize::try_from(length - at).unwrap_or(BUFFER).min(BUFFER);
        let (Some(ours), Some(theirs)) = (ours.get_mut(..size), theirs.get_mut(..size)) else { break };
        file.read_exact_at(ours, at)?;
        other.read_exact_at(theirs, at)?;
        if ours != theirs {
            return Ok(false);
        }
        at += size as u64;
    }
    Ok(true)
}

/// Renames without ever replacing: `AlreadyExists` if something is there.
pub fn rename_to_free(from: &Path, to: &Path) -> io::Result<()> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Some file systems (network, FUSE) know no such rename.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            rename_without_flag(from, to, |from, to| fs::hard_link(from, to))
        }
        other => Ok(other?),
    }
}

/// Gives a file that was opened without a name this one: `AlreadyExists` if something is there.
pub fn link_to_free(file: &File, to: &Path) -> io::Result<()> {
    match rustix::fs::linkat(file, "", CWD, to, AtFlags::EMPTY_PATH) {
        // Before Linux 6.10 that is for root alone.
        Err(Errno::NOENT) => link_by_proc(file, to),
        other => Ok(other?),
    }
}

fn link_by_proc(file: &File, to: &Path) -> io::Result<()> {
    let open = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(rustix::fs::linkat(CWD, open, CWD, to, AtFlags::SYMLINK_FOLLOW)?)
}

/// [`rename_to_free`] where the kernel cannot do it by itself.
fn rename_without_flag(from: &Path, to: &Path, link: impl Fn(&Path, &Path) -> io::Result<()>) -> io::Result<()> {
    match link(from, to) {
        // A link never replaces either.
        Ok(()) => fs::remove_file(from),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // No links: what is replaced is an empty file of our own, so that nobody else's can be.
        Err(_) => {
            OpenOptions::new().write(true).create_new(true).open(to)?;
            let renamed = fs::rename(from, to);
            if renamed.is_err()
                && let Err(error) = fs::remove_file(to)
            {
                tracing::warn!(path = %to.display(), "an empty file is left: {error}");
            }
            renamed
        }
    }
}

/// Makes the entries of the folder that this path is in durable.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    match File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all() {
        // Not all file systems can sync a folder; those that cannot do it with each change.
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::engine::disk::disk_threads::tests::{any_part, complete, journal, new_file};
    use crate::engine::disk::folder::Folders;
    use crate::engine::disk::part_file::PartFile;
    use crate::engine::disk::{Finish, Found, Open};
    use crate::engine::download::spec::OnExists;
    use crate::engine::error::{Failure, FailureKind};
    use crate::engine::types::ByteRange;

    /// What a process has done that dies right after it moved a file into place: the file, and the part file
    /// that it still has open.
    fn moved(folder: &Path, on_exists: OnExists) -> (PathBuf, PartFile) {
        let open = Open { on_exists, journal: Some(Box::new(journal("f", &[]))), ..new_file(folder, "f") };
        let part = PartFile::create(&open, &Mutex::default()).unwrap();
        part.write(0, &mut [io::IoSlice::new(b"whole")]).unwrap();
        let modified = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000));
        let finish = Finish { on_exists, modified, ..complete(5) };
        part.complete(&finish).unwrap();
        let path = part.move_into_place(&finish, &Mutex::default()).unwrap();
        (path, part)
    }

    fn look(folder: &Path) -> Result<Option<Box<Found>>, Failure> {
        Folders::default().look(&any_part(folder))
    }

    #[test]
    fn a_file_whose_process_died_before_it_could_remove_the_journal_is_found_as_complete() {
        for on_exists in [OnExists::Rename, OnExists::Skip, OnExists::Overwrite] {
            let folder = tempfile::tempdir().unwrap();
            let (path, part) = moved(folder.path(), on_exists);
            assert_eq!(look(folder.path()).unwrap_err().kind, FailureKind::PartInUse, "its process still lives");
            assert!(path.exists());
            drop(part);
            let found = look(folder.path()).unwrap().expect("it is found");
            assert_eq!(found.part_path, folder.path().join("f.part"));
            assert_eq!((found.journal.total, found.journal.done), (Some(5), vec![ByteRange::new(0, 5)]));
            assert!(found.journal.placed.is_some());
            assert_eq!(fs::read(&found.part_path).unwrap(), b"whole");
            assert!(!path.exists(), "it goes there in the usual way");
        }
    }

    #[test]
    fn a_file_that_a_killed_run_has_moved_into_place_is_not_there_twice() {
        let folder = tempfile::tempdir().unwrap();
        let later = Some(SystemTime::now() + Duration::from_secs(1));
        let finish = |may_be_there| {
            let part = PartFile::create(&new_file(folder.path(), "f"), &Mutex::default()).unwrap();
            part.write(0, &mut [io::IoSlice::new(b"whole")]).unwrap();
            let finish = Finish { may_be_there, ..complete(5) };
            part.complete(&finish).unwrap();
            part.move_into_place(&finish, &Mutex::default()).unwrap()
        };
        let names = || {
            let mut names: Vec<_> =
                fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        fs::write(folder.path().join("f"), b"mine!").unwrap();
        let first = finish(later);
        assert_eq!(first, folder.path().join("f (1)"), "what is there is another one");
        assert_eq!(finish(later), first, "it was there, whoever has moved it");
        assert_eq!(names(), ["f", "f (1)"]);
        assert_eq!(
            (fs::read(&first).unwrap(), fs::read(folder.path().join("f")).unwrap()),
            (b"whole".to_vec(), b"mine!".to_vec())
        );
        assert_eq!(finish(None), folder.path().join("f (2)"), "asked for once more");
        let long_ago = Some(SystemTime::now() - Duration::from_secs(60));
        assert_eq!(finish(long_ago), folder.path().join("f (3)"), "what this process has brought is not meant");
    }

    #[test]
    fn a_file_that_was_replaced_or_changed_meanwhile_is_the_users() {
        type Change = fn(&Path);
        let changes: [(&str, Change); 4] = [
            ("replaced", |path| {
                fs::write(path.with_file_name("new"), b"whole").unwrap();
                fs::rename(path.with_file_name("new"), path).unwrap();
            }),
            ("written to", |path| fs::write(path, b"mine!").unwrap()),
            ("added to", |path| fs::write(path, b"whole and mine").unwrap()),
            ("moved", |path| fs::rename(path, path.with_file_name("g")).unwrap()),
        ];
        for (what, change) in changes {
            let folder = tempfile::tempdir().unwrap();
            let (path, part) = moved(folder.path(), OnExists::Rename);
            drop(part);
            change(&path);
            let read = |name: &str| fs::read(folder.path().join(name)).ok();
            let before = (read("f"), read("g"));
            assert_eq!(look(folder.path()).unwrap(), None, "{what}");
            assert_eq!((read("f"), read("g")), before, "{what}");
        }
    }

    #[test]
    fn a_name_that_is_taken_is_not_given_again() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("f.part"), folder.path().join("f"));
        fs::write(&from, b"new").unwrap();
        fs::write(&to, b"old").unwrap();
        assert_eq!(rename_to_free(&from, &to).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!((fs::read(&from).unwrap(), fs::read(&to).unwrap()), (b"new".to_vec(), b"old".to_vec()));
        fs::remove_file(&to).unwrap();
        rename_to_free(&from, &to).unwrap();
        assert_eq!((fs::read(&to).unwrap(), from.exists()), (b"new".to_vec(), false));
    }

    #[test]
    fn what_has_no_name_gets_one_that_is_free_in_either_way() {
        for link in [link_to_free, link_by_proc] {
            let folder = tempfile::tempdir_in("/dev/shm").unwrap();
            let part = PartFile::nameless(&new_file(folder.path(), "f")).unwrap();
            let path = |name: &str| folder.path().join(name);
            fs::write(path("g"), b"mine").unwrap();
            assert_eq!(link(part.file(), &path("g")).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(link(part.file(), &path("gone/f")).unwrap_err().kind(), io::ErrorKind::NotFound);
            link(part.file(), &path("f")).unwrap();
            assert!(leads_to(&path("f"), part.file()) && fs::read(path("g")).unwrap() == b"mine");
        }
    }

    #[test]
    fn where_no_rename_can_be_told_not_to_replace_nothing_is_replaced_either() {
        let no_links = |_: &Path, _: &Path| Err(io::Error::from(Errno::PERM));
        let links = |from: &Path, to: &Path| fs::hard_link(from, to);
        for link in [&links as &dyn Fn(&Path, &Path) -> io::Result<()>, &no_links] {
            let folder = tempfile::tempdir().unwrap();
            let (from, to, gone) = (folder.path().join("f.part"), folder.path().join("f"), folder.path().join("g"));
            fs::write(&from, b"new").unwrap();
            fs::write(&to, b"old").unwrap();
            let kind = |result: io::Result<()>| result.unwrap_err().kind();
            assert_eq!(kind(rename_without_flag(&from, &to, link)), io::ErrorKind::AlreadyExists);
            assert_eq!((fs::read(&from).unwrap(), fs::read(&to).unwrap()), (b"new".to_vec(), b"old".to_vec()));
            // One that comes just when it was seen to be free.
            fs::remove_file(&to).unwrap();
            let late = |from: &Path, to: &Path| {
                fs::write(to, b"late").unwrap();
                link(from, to)
            };
            assert_eq!(kind(rename_without_flag(&from, &to, late)), io::ErrorKind::AlreadyExists);
            assert_eq!((fs::read(&from).unwrap(), fs::read(&to).unwrap()), (b"new".to_vec(), b"late".to_vec()));

            fs::remove_file(&to).unwrap();
            rename_without_flag(&from, &to, link).unwrap();
            assert_eq!((fs::read(&to).unwrap(), from.exists()), (b"new".to_vec(), false));
            assert_eq!(kind(rename_without_flag(&from, &gone, link)), io::ErrorKind::NotFound);
            assert!(!gone.exists(), "no placeholder is left");
        }
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Whether there is room for a file: as the file system says, and found out by taking it, because a quota
//! is not shown by every file system that has one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::LazyLock;

use rustix::fs::{FallocateFlags, StatVfs};
use rustix::io::Errno;

/// Of linux/magic.h, and of ntfs3's own sources.
const EXFAT: i128 = 0x2011_bab0;
const NTFS3: i128 = 0x7366_746e;
const EXT4: i128 = 0xef53;
const XFS: i128 = 0x5846_5342;

/// See [`reach`]: few further requests, and little to wait for.
const REACH: u64 = 32 * 1024 * 1024;
/// What is written where no room can be reserved.
const SAMPLE: u64 = 1024 * 1024;

/// Takes so much room for a moment, or as much of it as can be tried without effort; the error says why
/// that does not go. Nothing is left of it.
pub fn try_room(folder: &Path, bytes: u64) -> io::Result<()> {
    let mut file = nameless(folder)?;
    // On tmpfs each page would be cleared, and what it says of its room is true.
    if !is_tmpfs(file_system(&file)) && bytes > 0 {
        match allocate(&file, bytes) {
            Ok(()) => return Ok(()),
            Err(error @ (Errno::NOSPC | Errno::DQUOT)) => return Err(error.into()),
            // This file system cannot reserve, or no file can be that long.
            Err(_) => {}
        }
    }
    let length = usize::try_from(bytes.min(SAMPLE)).unwrap_or_default();
    file.write_all(&vec![0; length])?;
    // Over a network it is only now that a quota is told of.
    file.sync_data()
}

/// A file that is gone as soon as it is closed, or its process killed.
fn nameless(folder: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    if let Ok(file) = options.clone().custom_flags(libc::O_TMPFILE).open(folder) {
        return Ok(file);
    }
    let path = folder.join(format!(".freshet-room-{}", std::process::id()));
    let file = options.create_new(true).open(&path)?;
    fs::remove_file(&path)?;
    Ok(file)
}

/// Which kind of file system a file is on (`f_type` of statfs(2)); 0 where it cannot be told.
pub fn file_system(file: &File) -> i128 {
    rustix::fs::fstatfs(file).map_or(0, |fs| i128::from(fs.f_type))
}

pub fn is_tmpfs(kind: i128) -> bool {
    kind == i128::from(libc::TMPFS_MAGIC)
}

/// Whether what is synced of a file that has no name is there when it has got one and the folder is synced. On
/// btrfs it is not: a file without a name has no place in the log that is written then, and after a power cut it would
/// be empty. Of others nobody knows; and where a file is linked to by way of `/proc`, that has to be there.
pub fn syncs_nameless(kind: i128) -> bool {
    static HAS_PROC: LazyLock<bool> = LazyLock::new(|| Path::new("/proc/self/fd").is_dir());
    (is_tmpfs(kind) || [EXT4, XFS].contains(&kind)) && *HAS_PROC
}

/// Reserves so much room for a file, whose length stays as it is.
pub fn allocate(file: &File, bytes: u64) -> rustix::io::Result<()> {
    rustix::io::retry_on_intr(|| rustix::fs::fallocate(file, FallocateFlags::KEEP_SIZE, 0, bytes))
}

/// How many bytes are missing where so many are needed; `None`: there are enough, as far as can be known.
pub fn missing_space(fs: &StatVfs, needed: u64) -> Option<u64> {
    // Some network file systems do not know how large they are.
    let free = if fs.f_blocks == 0 { u64::MAX } else { fs.f_bavail.saturating_mul(fs.f_frsize) };
    Some(needed.saturating_sub(free)).filter(|missing| *missing > 0)
}

/// The longest file that a kind of file system can hold, as far as it must be known beforehand. FAT
/// (`msdos` and `vfat`) keeps the length in 32 bits; exFAT, NTFS and all others go far beyond. What a
/// process in between (FUSE) does is not to be seen here: it says EFBIG when it comes to that.
pub fn longest_file(kind: i128) -> u64 {
    if kind == i128::from(libc::MSDOS_SUPER_MAGIC) { u64::from(u32::MAX) } else { u64::MAX }
}

/// How far behind what is written the next may be written, where a kind of file system has no holes: it writes
/// zeros until there, for minutes on a slow stick, in which nothing else is written. What is filled soon after
/// is mostly still in memory. `None`: anywhere. By FUSE the process in between decides; ntfs-3g makes holes.
pub fn reach(kind: i128) -> Option<u64> {
    [i128::from(libc::MSDOS_SUPER_MAGIC), EXFAT, NTFS3].contains(&kind).then_some(REACH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_taken_for_a_moment_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        for bytes in [0, 1, 10 * SAMPLE] {
            try_room(folder.path(), bytes).unwrap();
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(try_room(&folder.path().join("gone"), 1).is_err());
        assert_eq!(try_room(Path::new("/dev/full"), 1).unwrap_err().kind(), io::ErrorKind::NotADirectory);
    }

    #[test]
    fn where_there_are_no_holes_none_may_be_left() {
        for (kind, has_holes) in
            [(0x4d44, false), (EXFAT, false), (NTFS3, false), (0xef53, true), (0x9123_683e, true), (0, true)]
        {
            assert_eq!(reach(kind).is_none(), has_holes, "{kind:x}");
        }
    }

    #[test]
    fn a_file_without_a_name_is_synced_where_that_is_known() {
        // magic(5): tmpfs, ext4, XFS; btrfs, FUSE, FAT, NFS, overlayfs.
        for (kind, is_known) in [
            (0x0102_1994, true),
            (0xef53, true),
            (0x5846_5342, true),
            (0x9123_683e, false),
            (0x6573_5546, false),
            (0x4d44, false),
            (0x6969, false),
            (0x794c_7630, false),
            (0, false),
        ] {
            assert_eq!(syncs_nameless(kind), is_known, "{kind:x}");
        }
    }

    #[test]
    fn only_fat_is_known_to_hold_less_than_any_download() {
        // magic(5), linux/magic.h: msdos and vfat, exFAT, ntfs3, ext4, btrfs.
        assert_eq!(longest_file(0x4d44), (1 << 32) - 1);
        for kind in [EXFAT, NTFS3, 0xef53, 0x9123_683e] {
            assert_eq!(longest_file(kind), u64::MAX, "{kind:x}");
        }
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Which device a folder lies on, found out without touching it: a network mount whose server is
//! gone would hold up whoever asks it, and the one who asks here is the main loop.

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long the table of mounts is taken for true.
const FRESH: Duration = Duration::from_secs(1);

/// The kernel's number of a mounted file system, major and minor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DeviceId {
    pub major: u32,
    pub minor: u32,
}

/// The table of mounts, read again when it may be outdated.
#[derive(Debug, Default)]
pub struct Mounts {
    read_at: Option<Instant>,
    mounts: Vec<(PathBuf, DeviceId)>,
    /// What was answered since.
    known: HashMap<PathBuf, DeviceId>,
}

impl Mounts {
    /// The device of a folder by its path alone. A symbolic link on the way is not followed, and an
    /// unreadable table makes all folders lie on one device: then folders share threads that could
    /// have had their own, which is slower and never wrong.
    pub fn device_of(&mut self, folder: &Path) -> DeviceId {
        if self.read_at.is_none_or(|at| at.elapsed() > FRESH) {
            match std::fs::read("/proc/self/mountinfo") {
                Ok(table) => self.mounts = parse(&table),
                Err(error) => tracing::warn!("cannot read the table of mounts: {error}"),
            }
            self.read_at = Some(Instant::now());
            self.known.clear();
        }
        if let Some(id) = self.known.get(folder) {
            return *id;
        }
        let asked = folder;
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let id = deepest(&self.mounts, &folder).map(|(_, id)| *id).unwrap_or_default();
        self.known.insert(asked.to_owned(), id);
        id
    }
}

/// Where the file system of a folder is mounted; `None` where the table of mounts cannot be read.
pub fn mount_point(folder: &Path) -> Option<PathBuf> {
    let table = std::fs::read("/proc/self/mountinfo").ok()?;
    deepest(&parse(&table), folder).map(|(point, _)| point.clone())
}

/// The mount that a folder is on. Of those on the same point the last one hides the others: `max_by_key` takes the last.
fn deepest<'a>(mounts: &'a [(PathBuf, DeviceId)], folder: &Path) -> Option<&'a (PathBuf, DeviceId)> {
    let around = mounts.iter().filter(|(point, _)| folder.starts_with(point));
    around.max_by_key(|(point, _)| point.components().count())
}

/// Reads `/proc/self/mountinfo` (proc_pid_mountinfo(5)): the third field is the device, the fifth
/// the mount point. A line that does not look like it is left out.
fn parse(table: &[u8]) -> Vec<(PathBuf, DeviceId)> {
    let mount = |line: &[u8]| {
        let mut fields = line.split(|byte| *byte == b' ');
        let (major, minor) = std::str::from_utf8(fields.nth(2)?).ok()?.split_once(':')?;
        let id = DeviceId { major: major.parse().ok()?, minor: minor.parse().ok()? };
        Some((PathBuf::from(unescape(fields.nth(1)?)), id))
    };
    table.split(|byte| *byte == b'\n').filter_map(mount).collect()
}

/// Space, tab, newline and backslash are written as three octal digits.
fn unescape(field: &[u8]) -> OsString {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..3).filter(|digits| first == b'\\' && digits.iter().all(|d| (b'0'..=b'7').contains(d)));
        if let Some(digits) = digits {
            bytes.push(digits.iter().fold(0_u8, |value, digit| value.wrapping_mul(8).wrapping_add(digit - b'0')));
            rest = after.get(3..).unwrap_or_default();
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:21 / /proc rw,nosuid - proc proc rw
40 22 8:17 / /media/my\\040stick rw shared:7 master:2 - vfat /dev/sdb1 rw
41 22 0:50 / /home rw - autofs systemd-1 rw
42 41 0:51 / /home rw - nfs4 server:/home rw
nonsense
43 22 8:33 / /media/back\\134slash rw - ext4 /dev/sdc1 rw
";

    fn device_of(folder: &str) -> (u32, u32) {
        let mut mounts = Mounts { read_at: Some(Instant::now()), mounts: parse(TABLE.as_bytes()), ..Mounts::default() };
        let id = mounts.device_of(Path::new(folder));
        (id.major, id.minor)
    }

    #[test]
    fn the_deepest_mount_point_decides() {
        assert_eq!(device_of("/srv/files"), (8, 1));
        assert_eq!(device_of("/media/my stick/films"), (8, 17));
        assert_eq!(device_of("/media/my stick"), (8, 17));
        assert_eq!(device_of("/media/my sticker"), (8, 1));
        assert_eq!(device_of("/media/back\\slash"), (8, 33));
    }

    #[test]
    fn of_two_mounts_on_one_point_the_later_one_is_seen() {
        assert_eq!(device_of("/home/ann"), (0, 51));
    }

    #[test]
    fn the_real_table_knows_the_real_root() {
        use std::os::unix::fs::MetadataExt;
        let mut mounts = Mounts::default();
        let id = mounts.device_of(Path::new("/proc/self"));
        let device = std::fs::metadata("/proc/self").unwrap().dev();
        assert_eq!((id.major, id.minor), (libc::major(device), libc::minor(device)));
        assert_eq!(mount_point(Path::new("/proc/self")).as_deref(), Some(Path::new("/proc")));
    }
}

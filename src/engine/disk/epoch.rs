// SPDX-License-Identifier: GPL-3.0-or-later
//! The life of a page cache as text: what was written in one epoch and not yet synced is still there
//! when the same epoch is found again. It ends with the boot, with the mount, or with the drive.

use std::fs::{self, File};
use std::sync::OnceLock;

use rustix::fs::{AtFlags, StatxFlags};

/// `STATX_MNT_ID_UNIQUE` (Linux 6.8): a number that no other mount of this boot has or will have.
const MNT_ID_UNIQUE: StatxFlags = StatxFlags::from_bits_retain(0x4000);

/// File systems of this machine's own kernel (magic(5), linux/magic.h). What a server or another
/// process keeps may be lost without this kernel's doing.
const LOCAL: [i128; 11] = [
    0xef53,      // ext2, ext3, ext4
    0x9123_683e, // btrfs
    0x5846_5342, // xfs
    0xf2f5_2010, // f2fs
    0xca45_1a4e, // bcachefs
    0x2fc1_2fc1, // zfs
    0x4d44,      // FAT
    0x2011_bab0, // exFAT
    0x7366_746e, // ntfs3
    0x794c_7630, // overlayfs
    TMPFS,
];
const TMPFS: i128 = 0x0102_1994;

/// The epoch of the file system that a file lies on: the boot, then what tells its mounts and drives
/// apart. `None` where nothing does.
pub fn of(file: &File) -> Option<String> {
    // Its type and sign differ with the machine; the numbers have 32 bits on all.
    let kind = i128::from(rustix::fs::fstatfs(file).ok()?.f_type) & 0xffff_ffff;
    if !LOCAL.contains(&kind) {
        return None;
    }
    let stat = rustix::fs::statx(file, "", AtFlags::EMPTY_PATH, MNT_ID_UNIQUE).ok()?;
    let device = format!("{}:{}", stat.stx_dev_major, stat.stx_dev_minor);
    let mut signs = Vec::new();
    if stat.stx_mask & MNT_ID_UNIQUE.bits() != 0 {
        signs.push(format!("mount={}", stat.stx_mnt_id));
    }
    // A sandbox mounts the folder anew each time it starts, and still sees the same drive.
    if kind == TMPFS {
        signs.push(format!("tmpfs={device}"));
    } else if let Some(sequence) = disk_sequence(&device) {
        signs.push(format!("disk={device}/{sequence}"));
    }
    if signs.is_empty() { None } else { Some(format!("{} {}", boot_id()?, signs.join(" "))) }
}

/// Whether what was cached in the epoch `then` is cached `now`.
pub fn goes_on(then: &str, now: &str) -> bool {
    let (mut then, mut now) = (then.split(' '), now.split(' '));
    then.next() == now.next() && then.any(|sign| now.clone().any(|other| other == sign))
}

/// The kernel's count of drives that came (sysfs-block, `diskseq`): a stick that was pulled and put
/// back has another one. A partition's is that of its disk.
fn disk_sequence(device: &str) -> Option<String> {
    let of = |place: &str| fs::read_to_string(format!("/sys/dev/block/{device}/{place}")).ok();
    let sequence = of("diskseq").or_else(|| of("../diskseq"))?;
    Some(sequence.trim_ascii().to_owned())
}

fn boot_id() -> Option<&'static str> {
    static BOOT: OnceLock<Option<String>> = OnceLock::new();
    let read = || Some(fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim_ascii().to_owned());
    BOOT.get_or_init(read).as_deref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_goes_on_as_long_as_one_sign_of_the_same_boot_is_there() {
        let now = "boot mount=7 disk=8:1/3";
        for then in [now, "boot mount=7", "boot disk=8:1/3", "boot mount=6 disk=8:1/3", "boot mount=7 disk=8:1/2"] {
            assert!(goes_on(then, now), "{then}");
        }
        for then in ["", "boot", "other mount=7", "boot mount=70", "boot disk=8:1/4", "mount=7", " "] {
            assert!(!goes_on(then, now), "{then}");
        }
    }

    #[test]
    fn a_file_has_one_epoch_and_what_no_drive_keeps_has_none() {
        let epoch = || of(&tempfile::tempfile().unwrap());
        assert!(epoch().is_some_and(|epoch| goes_on(&epoch, &epoch)));
        assert_eq!(epoch(), epoch());
        assert_eq!(of(&File::open("/proc/self/stat").unwrap()), None);
    }
}

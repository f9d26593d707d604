// SPDX-License-Identifier: GPL-3.0-or-later
//! Safe, unique file names. A name is one path component that ext4, btrfs, FAT and NTFS take, at
//! most 255 bytes long with all the suffixes that Freshet may add, and never leads out of its folder.

use url::Url;

/// What is added to a name while the file is incomplete.
pub const PART_SUFFIX: &str = ".part";
/// What is added to a part file's name for its journal.
pub const JOURNAL_SUFFIX: &str = ".journal";

/// The name for a download, from the best source there is: the one the user chose, else
/// Content-Disposition's (raw), else the last path segment of the address (percent-decoded), else
/// the host; an extension by the media type is added where the name has none. Always safe.
pub fn choose(wanted: Option<&str>, disposition: Option<&str>, url: &Url, media_type: Option<&str>) -> String {
    let _ = (wanted, disposition, url, media_type);
    String::new()
}

/// Makes any text a safe name; never empty.
pub fn safe(raw: &str) -> String {
    let _ = raw;
    String::new()
}

/// The n-th alternative of a name: `file (1).tar.gz` for n = 1, the name itself for 0. The result is
/// as safe and as short as `name` was.
pub fn numbered(name: &str, n: u32) -> String {
    let _ = (name, n);
    String::new()
}

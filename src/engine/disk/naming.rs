// SPDX-License-Identifier: GPL-3.0-or-later
//! Safe, unique file names. A name is one path component that ext4, btrfs, FAT and NTFS take, at
//! most 255 bytes long with all the suffixes that Freshet may add, and never leads out of its folder.

mod extension;
mod media;
mod sanitize;

use url::Url;

use self::sanitize::{LeadingDots, fitted, sanitized};
use crate::engine::net::headers::encoding::{percent_decoded, text};

/// What is added to a name while the file is incomplete.
pub const PART_SUFFIX: &str = ".part";
/// What is added to a part file's name for its journal.
pub const JOURNAL_SUFFIX: &str = ".journal";

/// No file system we know of takes more in one component.
const COMPONENT_BYTES: usize = 255;
/// Room for what [`numbered`] adds.
const NUMBER_BYTES: usize = " (9999)".len();
/// Room for what marks a file that is about to replace another, whoever invents it.
const TEMPORARY_BYTES: usize = 8;
/// The most bytes that a numbered name may have.
const NUMBERED_BYTES: usize = COMPONENT_BYTES - PART_SUFFIX.len() - JOURNAL_SUFFIX.len() - TEMPORARY_BYTES;
/// The most bytes that a name may have.
const NAME_BYTES: usize = NUMBERED_BYTES - NUMBER_BYTES;

/// The name where nothing else gives one.
const FALLBACK: &str = "download";

/// The name for a download, from the best source there is: the one the user chose, else
/// Content-Disposition's (raw), else the last path segment of the address (percent-decoded), else
/// the host. Always safe. What the user chose stays as it is as far as that is safe; other names
/// lose leading dots, for a server may not hide a file, and get an extension by the media type
/// where they have none.
pub fn choose(wanted: Option<&str>, disposition: Option<&str>, url: &Url, media_type: Option<&str>) -> String {
    if let Some(name) = wanted.and_then(|wanted| sanitized(wanted, LeadingDots::Keep)) {
        return name;
    }
    let extension = media_type.and_then(media::extension);
    let proposed = disposition
        .and_then(|name| sanitized(name, LeadingDots::Strip))
        .or_else(|| sanitized(&last_segment(url)?, LeadingDots::Strip));
    match (proposed, extension) {
        // Servers say text/plain of every file they do not know: SHA256SUMS is to keep its name.
        (Some(name), Some("txt")) => name,
        (Some(name), Some(extension)) if extension::of(&name).is_empty() => {
            fitted(&name, &format!(".{extension}"), NAME_BYTES)
        }
        (Some(name), _) => name,
        // The dots of a host are no extension.
        (None, extension) => {
            let host = url.host_str().and_then(|host| sanitized(host, LeadingDots::Strip));
            let dotted = extension.map(|extension| format!(".{extension}")).unwrap_or_default();
            fitted(host.as_deref().unwrap_or(FALLBACK), &dotted, NAME_BYTES)
        }
    }
}

/// Makes any text a safe name; never empty. Leading dots go, as for a name that a server proposes;
/// a name that [`choose`] made of the user's wish may have one and is not to go through here again.
pub fn safe(raw: &str) -> String {
    sanitized(raw, LeadingDots::Strip).unwrap_or_else(|| FALLBACK.to_owned())
}

/// The n-th alternative of a name: `file (1).tar.gz` for n = 1, the name itself for 0. Of a safe
/// name the result is as safe, and leaves the same room for suffixes.
pub fn numbered(name: &str, n: u32) -> String {
    if n == 0 {
        return name.to_owned();
    }
    let extension = extension::of(name);
    let stem = name.strip_suffix(extension).unwrap_or(name);
    fitted(stem, &format!(" ({n}){extension}"), NUMBERED_BYTES)
}

/// The last segment of the path, decoded; `None` where the path ends in a slash.
fn last_segment(url: &Url) -> Option<String> {
    let segment = url.path().rsplit('/').next()?;
    // RFC 1738 section 3.2.2: how to transfer it, not part of the name.
    let segment = match (url.scheme(), segment.rsplit_once(";type=")) {
        ("ftp" | "ftps", Some((name, "a" | "i" | "d" | "A" | "I" | "D"))) => name,
        _ => segment,
    };
    (!segment.is_empty()).then(|| text(percent_decoded(segment.as_bytes())))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    fn from_url(url: &str, media_type: Option<&str>) -> String {
        choose(None, None, &Url::parse(url).unwrap(), media_type)
    }

    #[test]
    fn the_best_source_wins() {
        let url = Url::parse("https://example.org/url.zip").unwrap();
        assert_eq!(choose(Some("mine"), Some("server.zip"), &url, Some("application/zip")), "mine");
        assert_eq!(choose(Some(" "), Some("server.zip"), &url, None), "server.zip");
        assert_eq!(choose(Some(".."), Some("..."), &url, None), "url.zip");
        assert_eq!(choose(None, None, &url, None), "url.zip");
    }

    #[test]
    fn names_out_of_addresses() {
        assert_eq!(from_url("https://example.org/a/f%C3%BCnf%20.txt?b=c/d.exe#e", None), "fünf .txt");
        assert_eq!(from_url("https://example.org/f%FCnf.txt", None), "fünf.txt");
        assert_eq!(from_url("https://example.org/100%/50%.txt", None), "50%.txt");
        assert_eq!(from_url("https://example.org/a%2F..%2Fb.txt", None), "b.txt");
        assert_eq!(from_url("https://example.org/..%2F..%2F", None), "example.org");
        assert_eq!(from_url("ftp://example.org/pub/f.bin;type=i", None), "f.bin");
        assert_eq!(from_url("https://example.org/f.bin;type=i", None), "f.bin;type=i");
        assert_eq!(from_url("https://example.org/.htaccess", None), "htaccess");
    }

    #[test]
    fn without_a_last_segment_the_host_is_the_name() {
        assert_eq!(from_url("https://example.org", Some("text/html")), "example.org.html");
        assert_eq!(from_url("https://example.org/docs/?q=x.pdf", Some("text/plain")), "example.org.txt");
        assert_eq!(from_url("https://example.org/", Some("application/octet-stream")), "example.org");
        assert_eq!(from_url("https://[::1]:8080/", None), "[__1]");
        assert_eq!(from_url("data:/", None), "download");
    }

    #[test]
    fn an_extension_by_type_only_where_there_is_none() {
        assert_eq!(from_url("https://example.org/download?id=5", Some("application/pdf")), "download.pdf");
        assert_eq!(from_url("https://example.org/pdf/2401.01234", Some("application/pdf")), "2401.01234.pdf");
        assert_eq!(from_url("https://example.org/a.php", Some("application/pdf")), "a.php");
        assert_eq!(from_url("https://example.org/a", Some("application/octet-stream")), "a");
        assert_eq!(from_url("https://example.org/SHA256SUMS", Some("text/plain")), "SHA256SUMS");
        let url = Url::parse("https://example.org/x").unwrap();
        assert_eq!(choose(None, Some("Mr. Smith"), &url, Some("image/png")), "Mr. Smith.png");
        assert_eq!(choose(Some("Mr. Smith"), None, &url, Some("image/png")), "Mr. Smith");
    }

    #[test]
    fn only_the_user_may_hide_a_file() {
        let url = Url::parse("https://example.org/.c").unwrap();
        assert_eq!(choose(Some(".a"), Some(".b"), &url, None), ".a");
        assert_eq!(choose(None, Some(" . .b"), &url, None), "b");
        assert_eq!(choose(None, None, &url, None), "c");
        assert_eq!(choose(Some("../.a"), None, &url, None), ".a");
    }

    #[test]
    fn numbers_go_before_the_extension() {
        assert_eq!(numbered("file.tar.gz", 0), "file.tar.gz");
        assert_eq!(numbered("file.tar.gz", 1), "file (1).tar.gz");
        assert_eq!(numbered("file.txt", 27), "file (27).txt");
        assert_eq!(numbered("README", 2), "README (2)");
        assert_eq!(numbered(".bashrc", 1), ".bashrc (1)");
        assert_eq!(numbered("v1.2", 1), "v1.2 (1)");
    }

    #[test]
    fn a_long_name_leaves_room_for_all_suffixes() {
        let name = safe(&format!("{}.tar.gz", "x".repeat(300)));
        assert_eq!(name.len(), NAME_BYTES);
        assert!(name.ends_with("x.tar.gz"));
        assert_eq!(numbered(&name, 9999).len(), NAME_BYTES + " (9999)".len(), "a usual number costs no letter");
        let longest = format!("{}{PART_SUFFIX}{JOURNAL_SUFFIX}{}", numbered(&name, 9999), "x".repeat(TEMPORARY_BYTES));
        assert_eq!(longest.len(), COMPONENT_BYTES);
        assert_eq!(numbered(&name, u32::MAX).len(), NUMBERED_BYTES);
        assert!(numbered(&name, u32::MAX).ends_with("x (4294967295).tar.gz"));
    }

    /// Whether a file system, a shell or Freshet's own scheme could take `name` for something else.
    #[track_caller]
    fn assert_is_safe(name: &str, most_bytes: usize) {
        assert!(!name.is_empty() && name.len() <= most_bytes, "{name:?}");
        assert!(!name.chars().any(|c| c.is_control() || "/\\:*?\"<>|".contains(c)), "{name:?}");
        assert!(!name.ends_with([' ', '.']) && !name.starts_with(' '), "{name:?}");
        let lower = name.to_ascii_lowercase();
        assert!(!lower.ends_with(".part") && !lower.ends_with(".part.journal"), "{name:?}");
        let device = lower.split('.').next().unwrap().trim_end();
        assert!(!["con", "nul", "aux", "prn", "com1", "lpt9"].contains(&device), "{name:?}");
    }

    fn odd_text() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            "(\\.|/|\\\\| |con|NUL|lpt9|\\.part|\\.journal|\\.tar|\\.gz|[a-zä:\u{200d}\u{200c}\u{202e}\u{3000}\u{301}👩]){0,12}",
            "(con|com1|x) {200,240}(\\.part|x|\\.txt)",
            "[a-z]{205,240}(\\.|👩\u{200d}|\u{301}|\\.part|ä|\\.tar\\.gz| ){0,8}(x{0,40})",
        ]
    }

    proptest! {
        #[test]
        fn any_text_becomes_safe_and_stays_so(raw in odd_text()) {
            let name = safe(&raw);
            assert_is_safe(&name, NAME_BYTES);
            prop_assert!(!name.starts_with('.'));
            prop_assert_eq!(safe(&name), name);
        }

        #[test]
        fn a_choice_never_escapes(
            wanted in proptest::option::of(odd_text()),
            disposition in proptest::option::of(odd_text()),
            path in odd_text(),
            media_type in prop_oneof![Just(None), Just(Some("text/html")), Just(Some("text/plain"))],
        ) {
            let mut url = Url::parse("https://example.org/").unwrap();
            url.set_path(&path);
            let name = choose(wanted.as_deref(), disposition.as_deref(), &url, media_type);
            assert_is_safe(&name, NAME_BYTES);
            let path = Path::new("/folder").join(&name);
            prop_assert_eq!(path.parent(), Some(Path::new("/folder")));
            prop_assert_eq!(choose(Some(&name), None, &url, None), name);
        }

        #[test]
        fn numbers_keep_a_name_safe(raw in odd_text(), n: u32) {
            let name = safe(&raw);
            assert_is_safe(&numbered(&name, n), NUMBERED_BYTES);
            prop_assert!(n == 0 || numbered(&name, n) != name);
        }
    }
}

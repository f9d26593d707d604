// SPDX-License-Identifier: GPL-3.0-or-later
//! Where the extension of a file name begins.

/// The longest extension known to be in use is `flatpakrepo`.
const LONGEST: usize = 12;
/// The longest one that is kept below another, as in `.tar.gz` or `.json.zst`.
const LONGEST_INNER: usize = 4;

/// What says nothing about the content without the extension before it.
const WRAPPERS: [&str; 20] = [
    "asc", "br", "bz2", "gz", "lz", "lz4", "lzma", "lzo", "md5", "meta4", "metalink", "minisig", "sha1", "sha256",
    "sha512", "sig", "torrent", "xz", "z", "zst",
];

/// The extension of a name with its dot, `.tar.gz` taken whole; empty where there is none. Numbers
/// are none (`v1.2`), except behind another one (`film.7z.001`); what begins a name is none.
pub fn of(name: &str) -> &str {
    let Some((stem, last)) = split_last(name) else { return "" };
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit());
    let is_wrapper = is_number || WRAPPERS.iter().any(|wrapper| wrapper.eq_ignore_ascii_case(last));
    let inner = if is_wrapper { split_last(stem).filter(|(_, inner)| is_inner(inner)) } else { None };
    let stem = match inner {
        Some((stem, _)) => stem,
        None if is_number => name,
        None => stem,
    };
    name.strip_prefix(stem).unwrap_or_default()
}

fn split_last(name: &str) -> Option<(&str, &str)> {
    let (stem, last) = name.rsplit_once('.')?;
    let has_stem = !stem.trim_start_matches('.').is_empty();
    let is_extension = (1..=LONGEST).contains(&last.len()) && last.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (has_stem && is_extension).then_some((stem, last))
}

/// `.2` of `v1.2.gz` and `.minutes` of `may.minutes.gz` belong to the stem.
fn is_inner(extension: &str) -> bool {
    extension.len() <= LONGEST_INNER && !extension.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn extensions() {
        for (name, extension) in [
            ("a.txt", ".txt"),
            ("a.b.txt", ".txt"),
            ("a.tar.gz", ".tar.gz"),
            ("a.TAR.XZ", ".TAR.XZ"),
            ("v1.2.gz", ".gz"),
            ("v1.2.tar.gz", ".tar.gz"),
            ("may.minutes.gz", ".gz"),
            ("film.7z.001", ".7z.001"),
            ("a.iso.sha256", ".iso.sha256"),
            ("a.flatpakrepo", ".flatpakrepo"),
            (".config.json", ".json"),
            ("tar.gz", ".gz"),
        ] {
            assert_eq!(of(name), extension, "{name}");
        }
    }

    #[test]
    fn no_extensions() {
        for name in
            ["", "a", ".", "..", ".bashrc", "..rc", "a.", "v1.2", "2401.01234", "Mr. Smith", "a.thirteenchars", "a.tür"]
        {
            assert_eq!(of(name), "", "{name}");
        }
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! What kind of file a download is: THE place where extensions and media types are sorted into kinds.

/// The kinds by which the list can be filtered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Documents,
    Video,
    Audio,
    Pictures,
    Archives,
    Programs,
    Other,
}

const DOCUMENTS: &[&str] = &[
    "azw3", "csv", "djvu", "doc", "docx", "epub", "htm", "html", "md", "mobi", "odp", "ods", "odt", "pdf", "ppt",
    "pptx", "ps", "rtf", "tex", "tsv", "txt", "xls", "xlsx", "xps",
];
const VIDEO: &[&str] =
    &["3gp", "avi", "flv", "m2ts", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "ogv", "vob", "webm", "wmv"];
const AUDIO: &[&str] =
    &["aac", "aif", "aiff", "flac", "m4a", "m4b", "mid", "midi", "mka", "mp3", "oga", "ogg", "opus", "wav", "wma"];
const PICTURES: &[&str] = &[
    "avif", "bmp", "cr2", "gif", "heic", "heif", "ico", "jpeg", "jpg", "jxl", "kra", "nef", "png", "psd", "svg",
    "svgz", "tif", "tiff", "webp", "xcf",
];
/// Images of discs, too: they are what is unpacked or written out.
const ARCHIVES: &[&str] = &[
    "7z", "ar", "br", "bz2", "cab", "cpio", "gz", "img", "iso", "lz", "lz4", "lzma", "qcow2", "rar", "tar", "tbz",
    "tbz2", "tgz", "txz", "tzst", "vdi", "vhd", "vhdx", "vmdk", "xz", "z", "zip", "zst",
];
const PROGRAMS: &[&str] = &[
    "apk",
    "appimage",
    "bin",
    "deb",
    "dmg",
    "exe",
    "flatpak",
    "flatpakref",
    "jar",
    "msi",
    "msix",
    "pkg",
    "rpm",
    "run",
    "sh",
    "snap",
    "xpi",
];

const BY_EXTENSION: [(&[&str], Kind); 6] = [
    (DOCUMENTS, Kind::Documents),
    (VIDEO, Kind::Video),
    (AUDIO, Kind::Audio),
    (PICTURES, Kind::Pictures),
    (ARCHIVES, Kind::Archives),
    (PROGRAMS, Kind::Programs),
];

/// Media types that do not say by their first half what they are, by how they begin.
const BY_MEDIA_TYPE: [(&str, Kind); 36] = [
    ("video/", Kind::Video),
    ("audio/", Kind::Audio),
    ("image/", Kind::Pictures),
    ("text/", Kind::Documents),
    ("application/ogg", Kind::Audio),
    ("application/pdf", Kind::Documents),
    ("application/postscript", Kind::Documents),
    ("application/rtf", Kind::Documents),
    ("application/epub", Kind::Documents),
    ("application/msword", Kind::Documents),
    ("application/vnd.ms-excel", Kind::Documents),
    ("application/vnd.ms-powerpoint", Kind::Documents),
    ("application/vnd.oasis.opendocument", Kind::Documents),
    ("application/vnd.openxmlformats", Kind::Documents),
    ("application/zip", Kind::Archives),
    ("application/gzip", Kind::Archives),
    ("application/zstd", Kind::Archives),
    ("application/x-gzip", Kind::Archives),
    ("application/x-bzip", Kind::Archives),
    ("application/x-xz", Kind::Archives),
    ("application/x-tar", Kind::Archives),
    ("application/x-7z-compressed", Kind::Archives),
    ("application/x-rar", Kind::Archives),
    ("application/vnd.rar", Kind::Archives),
    ("application/x-cpio", Kind::Archives),
    ("application/x-iso9660-image", Kind::Archives),
    ("application/x-cd-image", Kind::Archives),
    ("application/vnd.debian.binary-package", Kind::Programs),
    ("application/x-debian-package", Kind::Programs),
    ("application/x-rpm", Kind::Programs),
    ("application/vnd.flatpak", Kind::Programs),
    ("application/vnd.android.package-archive", Kind::Programs),
    ("application/java-archive", Kind::Programs),
    ("application/vnd.microsoft.portable-executable", Kind::Programs),
    ("application/x-executable", Kind::Programs),
    ("application/x-ms", Kind::Programs),
];

impl Kind {
    pub const ALL: [Self; 7] =
        [Self::Documents, Self::Video, Self::Audio, Self::Pictures, Self::Archives, Self::Programs, Self::Other];

    /// What settings call it.
    pub fn nick(self) -> &'static str {
        match self {
            Self::Documents => "documents",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Pictures => "pictures",
            Self::Archives => "archives",
            Self::Programs => "programs",
            Self::Other => "other",
        }
    }

    pub fn of_nick(nick: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.nick() == nick)
    }

    /// By the extension of the name where it says something, else by what the server told: many servers
    /// call everything `application/octet-stream`.
    pub fn of(name: &str, media_type: Option<&str>) -> Self {
        by_extension(name).or_else(|| by_media_type(media_type?)).unwrap_or(Self::Other)
    }
}

fn by_extension(name: &str) -> Option<Kind> {
    let (_, extension) = name.rsplit_once('.')?;
    let has = |list: &&(&[&str], Kind)| list.0.iter().any(|known| known.eq_ignore_ascii_case(extension));
    BY_EXTENSION.iter().find(has).map(|(_, kind)| *kind)
}

fn by_media_type(media_type: &str) -> Option<Kind> {
    let begins = |prefix: &str| media_type.get(..prefix.len()).is_some_and(|part| part.eq_ignore_ascii_case(prefix));
    BY_MEDIA_TYPE.iter().find(|(prefix, _)| begins(prefix)).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_says_it_in_any_case() {
        let kinds = [
            ("thesis.PDF", Kind::Documents),
            ("a.film.mkv", Kind::Video),
            ("song.flac", Kind::Audio),
            ("cat.JPeG", Kind::Pictures),
            ("source.tar.zst", Kind::Archives),
            ("debian-13.2.0-amd64-netinst.iso", Kind::Archives),
            ("freshet_1.0_amd64.deb", Kind::Programs),
            ("README", Kind::Other),
            ("what.ever", Kind::Other),
        ];
        for (name, kind) in kinds {
            assert_eq!(Kind::of(name, None), kind, "{name}");
        }
    }

    #[test]
    fn the_media_type_says_it_where_the_name_does_not() {
        assert_eq!(Kind::of("watch", Some("VIDEO/mp4")), Kind::Video);
        assert_eq!(Kind::of("a.part1", Some("application/zip")), Kind::Archives);
        assert_eq!(Kind::of("report.pdf", Some("application/octet-stream")), Kind::Documents);
        assert_eq!(Kind::of("report.pdf", Some("video/mp4")), Kind::Documents);
        assert_eq!(Kind::of("x", Some("application/octet-stream")), Kind::Other);
        assert_eq!(Kind::of("x", Some("vidé")), Kind::Other);
    }

    #[test]
    fn no_extension_is_of_two_kinds() {
        let mut all: Vec<_> = BY_EXTENSION.iter().flat_map(|(list, _)| list.iter()).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}

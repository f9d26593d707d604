// SPDX-License-Identifier: GPL-3.0-or-later
//! Files that hold addresses: lists (`.txt`), single links (`.url`, `.desktop`) and metalinks (`.meta4`,
//! `.metalink`), read without holding up the window.

use gio::prelude::*;

use crate::i18n::gettext_f;

/// What is in such a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A text in which addresses are to be looked for.
    Text(String),
    Metalink(Vec<u8>),
}

/// No list of addresses is longer; whatever is may be anything, and is not read.
const LONGEST: usize = 4 * 1024 * 1024;

/// What the names of such files end in.
pub const ENDINGS: [&str; 5] = ["txt", "meta4", "metalink", "url", "desktop"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Plain text with addresses in it.
    List,
    /// An INI-like file with a line `URL=`.
    Link,
    /// RFC 5854, or its forerunner.
    Metalink,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        match extension.to_ascii_lowercase().as_str() {
            "txt" => Some(Self::List),
            "url" | "desktop" => Some(Self::Link),
            "meta4" | "metalink" => Some(Self::Metalink),
            _ => None,
        }
    }
}

/// What is in a link file. The error is a sentence for the user.
pub async fn read(file: &gio::File) -> Result<Content, String> {
    let name = file.basename().map(glib::filename_display_name).unwrap_or_default();
    let file_name = ("file", name.as_str());
    let Some(kind) = Kind::of(&name) else {
        // Translators: {file} is the name of a file that was dropped, or named on the command line.
        return Err(gettext_f(
            "“{file}” is no list of links: only .txt, .url, .desktop, .meta4 and .metalink files are",
            &[file_name],
        ));
    };
    Ok(content(kind, read_list(file).await?))
}

/// The content of a file that should hold a list of links, whatever its name. The error is a sentence for the
/// user.
pub async fn read_list(file: &gio::File) -> Result<Vec<u8>, String> {
    let name = file.basename().map(glib::filename_display_name).unwrap_or_default();
    let file_name = ("file", name.as_str());
    let bytes = read_bounded(file).await.map_err(|error| {
        tracing::info!(%error, uri = %file.uri(), "A link file cannot be read");
        gettext_f("“{file}” cannot be read", &[file_name])
    })?;
    bytes.ok_or_else(|| gettext_f("“{file}” is too large for a list of links", &[file_name]))
}

/// The whole content, or nothing when it is longer than [`LONGEST`].
async fn read_bounded(file: &gio::File) -> Result<Option<Vec<u8>>, glib::Error> {
    let stream = file.read_future(glib::Priority::DEFAULT).await?;
    let mut content = Vec::new();
    loop {
        let piece = stream.read_bytes_future(64 * 1024, glib::Priority::DEFAULT).await?;
        if piece.is_empty() {
            return Ok(Some(content));
        }
        content.extend_from_slice(&piece);
        if content.len() > LONGEST {
            return Ok(None);
        }
    }
}

fn content(kind: Kind, bytes: Vec<u8>) -> Content {
    let text = || String::from_utf8_lossy(&bytes);
    // Link files hold other addresses too (of their icon), so only their `URL` counts.
    let link =
        |text: &str| text.lines().find_map(|line| line.trim().strip_prefix("URL=")).unwrap_or_default().to_owned();
    match kind {
        Kind::List => Content::Text(text().into_owned()),
        Kind::Link => Content::Text(link(&text())),
        Kind::Metalink => Content::Metalink(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_named(name: &str, content: &[u8]) -> Result<Content, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        glib::MainContext::new().block_on(read(&gio::File::for_path(path)))
    }

    #[test]
    fn only_the_link_of_a_link_file_counts() {
        let link = b"[InternetShortcut]\r\nIconFile=http://example.org/icon.ico\r\nURL=http://example.org/a\r\n";
        assert_eq!(read_named("a.url", link), Ok(Content::Text("http://example.org/a".to_owned())));
        assert_eq!(
            read_named("a.TXT", b"http://example.org/b\n"),
            Ok(Content::Text("http://example.org/b\n".to_owned()))
        );
        assert_eq!(read_named("a.Meta4", b"<"), Ok(Content::Metalink(b"<".to_vec())));
    }

    #[test]
    fn every_ending_that_is_told_is_read_and_no_other() {
        assert!(ENDINGS.iter().all(|ending| Kind::of(&format!("a.{ending}")).is_some()));
        assert_eq!(Kind::of("a.iso"), None);
    }

    #[test]
    fn other_files_are_refused_with_the_reason() {
        let told = read_named("a.iso", b"").unwrap_err();
        assert!(told.contains("is no list of links") && !told.contains("drop"), "{told}");
        assert!(ENDINGS.iter().all(|ending| told.contains(&format!(".{ending}"))), "{told}");
        assert!(read_named("a.txt", &vec![b'x'; LONGEST + 1]).unwrap_err().contains("too large"));
    }
}

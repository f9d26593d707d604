// SPDX-License-Identifier: GPL-3.0-or-later
//! The list as a file for other programs and other machines: JSON with all of it, an aria2 input file (which
//! is an address list, see `list.rs`), or only addresses. Passwords and cookies are in none of them.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize};
use url::Url;

use super::address;
use super::list::{Entry, ListError};
use crate::engine::download::spec::Checksum;
use crate::engine::store::redact::without_password;
use crate::engine::store::{Record, SavedState};

const FORMAT: &str = "freshet-list";
/// A later version may mean other things by the same words.
const VERSION: u32 = 1;

/// How a list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Json,
    /// One address a line, without mirrors.
    Addresses,
    Aria2,
}

#[derive(Debug, Serialize, Deserialize)]
struct List {
    format: String,
    version: u32,
    downloads: Vec<Download>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Download {
    #[serde(deserialize_with = "one")]
    url: Url,
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "many")]
    mirrors: Vec<Url>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    folder: Option<PathBuf>,
    /// `sha256:…`
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "checksum")]
    checksum: Option<String>,
    /// In bytes, as the file must have it: what a server told may be another file's length by the time it is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(default)]
    is_completed: bool,
}

impl Download {
    pub fn of(record: &Record) -> Self {
        let spec = &record.spec;
        Self {
            url: without_password(&spec.url).into_owned(),
            mirrors: spec.mirrors.iter().map(|url| without_password(url).into_owned()).collect(),
            name: spec.name.clone().or_else(|| Some(record.name.clone())).filter(|name| !name.is_empty()),
            folder: Some(spec.folder.clone()),
            checksum: spec.checksum.as_ref().map(ToString::to_string),
            size: spec.size,
            is_completed: record.state == SavedState::Completed,
        }
    }
}

/// The file's content.
pub fn write(downloads: Vec<Download>, format: Format) -> Result<String, serde_json::Error> {
    if format == Format::Json {
        let list = List { format: FORMAT.to_owned(), version: VERSION, downloads };
        return serde_json::to_string_pretty(&list).map(|text| text + "\n");
    }
    let mut lines = Vec::new();
    for download in downloads {
        let Download { url, mirrors, name, folder, checksum, .. } = download;
        if format == Format::Addresses {
            lines.push(url.into());
            continue;
        }
        lines.push([&url].into_iter().chain(&mirrors).map(Url::as_str).collect::<Vec<_>>().join("\t"));
        let folder = folder.map(|folder| folder.to_string_lossy().into_owned());
        // aria2 writes sha-256=…, which a list takes as well.
        let checksum = checksum.map(|sum| sum.replacen("sha", "sha-", 1).replacen(':', "=", 1));
        for (key, value) in [("dir", folder), ("out", name), ("checksum", checksum)] {
            // What has a line break or white space at its ends would be read as something else.
            let value = value.filter(|value| !value.contains(char::is_control) && value.trim() == value);
            lines.extend(value.map(|value| format!("  {key}={value}")));
        }
    }
    lines.push(String::new());
    Ok(lines.join("\n"))
}

/// Whether a file is such a list in JSON.
pub fn is_json(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"{")
}

/// Reads a list in JSON, without what was complete when it was written. All of it is returned or nothing.
pub fn read_json(bytes: &[u8]) -> (Vec<Entry>, Vec<ListError>) {
    let error = |line, problem: &str| (Vec::new(), vec![ListError { line, problem: problem.to_owned() }]);
    let list: List = match serde_json::from_slice(bytes) {
        Ok(list) => list,
        Err(problem) => return error(problem.line(), &problem.to_string()),
    };
    if list.format != FORMAT {
        return error(1, &format!("“format” is not “{FORMAT}”: this is not a list that Freshet wrote"));
    }
    if list.version > VERSION {
        return error(1, &format!("“version” is {}: a newer Freshet wrote this list", list.version));
    }
    let missing = list.downloads.into_iter().filter(|download| !download.is_completed);
    (missing.map(Entry::from).collect(), Vec::new())
}

impl From<Download> for Entry {
    fn from(download: Download) -> Self {
        Self {
            urls: [download.url].into_iter().chain(download.mirrors).collect(),
            name: download.name,
            folder: download.folder,
            checksum: download.checksum.and_then(|text| text.parse().ok()),
            size: download.size,
            ..Self::default()
        }
    }
}

fn one<'de, D: Deserializer<'de>>(from: D) -> Result<Url, D::Error> {
    let text = String::deserialize(from)?;
    address::absolute(&text).map_err(|failure| serde::de::Error::custom(failure.detail))
}

fn many<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Url>, D::Error> {
    let read = |text: String| address::absolute(&text).map_err(|failure| serde::de::Error::custom(failure.detail));
    Vec::<String>::deserialize(from)?.into_iter().map(read).collect()
}

fn checksum<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    if let Some(text) = &text {
        text.parse::<Checksum>().map_err(serde::de::Error::custom)?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::engine::download::spec::DownloadSpec;
    use crate::engine::import::list;
    use crate::engine::types::DownloadId;

    fn download(url: &str) -> Download {
        Download {
            url: url.parse().unwrap(),
            mirrors: vec!["http://mirror/f".parse().unwrap()],
            name: Some("f.iso".into()),
            folder: Some("/srv/files".into()),
            checksum: Some(format!("sha256:{}", "0".repeat(64))),
            size: Some(9),
            is_completed: false,
        }
    }

    fn entry(url: &str) -> Entry {
        download(url).into()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = |format| write(vec![download("http://h/a"), download("http://h/b")], format).unwrap();
        let read = |format| {
            let list = list::read(text(format).as_bytes());
            (list.entries, list.errors)
        };
        assert_eq!(read(Format::Json), (vec![entry("http://h/a"), entry("http://h/b")], Vec::new()));
        assert!(text(Format::Aria2).contains("\n  checksum=sha-256=0000"), "{}", text(Format::Aria2));
        let sizeless = |url| Entry { size: None, ..entry(url) };
        assert_eq!(read(Format::Aria2), (vec![sizeless("http://h/a"), sizeless("http://h/b")], Vec::new()));
        assert_eq!(text(Format::Addresses), "http://h/a\nhttp://h/b\n");
    }

    #[test]
    fn what_was_complete_is_not_fetched_again() {
        let done = Download { is_completed: true, ..download("http://h/a") };
        let text = write(vec![done, download("http://h/b")], Format::Json).unwrap();
        assert_eq!(read_json(text.as_bytes()).0, [entry("http://h/b")]);
    }

    #[test]
    fn a_length_that_only_a_server_told_is_no_condition() {
        let record = |size| Record {
            id: DownloadId(1),
            spec: DownloadSpec { size, ..DownloadSpec::new("http://h/a".parse().unwrap(), "/srv".into()) },
            state: SavedState::Paused,
            name: "a".into(),
            path: None,
            received: 0,
            total: Some(10),
            media_type: None,
            verified: None,
            removed: false,
            turn: None,
            added_at: SystemTime::UNIX_EPOCH,
            finished_at: None,
        };
        let sizes = [None, Some(10)].map(|size| Download::of(&record(size)).size);
        assert_eq!(sizes, [None, Some(10)]);
    }

    #[test]
    fn a_name_can_not_break_out_of_its_line() {
        let evil = Download { name: Some("a\nhttp://evil/".into()), ..download("http://h/a") };
        let text = write(vec![evil], Format::Aria2).unwrap();
        assert!(!text.contains("evil"), "{text}");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let list = |version: u32, downloads: &str| {
            let text =
                format!("{{\"format\": \"freshet-list\",\n\"version\": {version},\n\"downloads\": [\n{downloads}]}}");
            read_json(text.as_bytes()).1.into_iter().map(|error| (error.line, error.problem)).next()
        };
        assert_eq!(list(1, "{\"url\": \"http://h/a\"}"), None);
        assert_eq!(list(1, "{\"url\": \"file:///etc/passwd\"}").unwrap().0, 4);
        assert_eq!(list(1, "{\"url\": \"http://h/a\", \"checksum\": \"md5:1\"}").unwrap().0, 4);
        assert_eq!(list(1, "{}").unwrap().0, 4);
        assert!(list(2, "").unwrap().1.contains("newer"));
        assert!(read_json(b"{\"format\": \"x\", \"version\": 1, \"downloads\": []}").1[0].problem.contains("format"));
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Files that say what to download: metalinks, and address lists, the `-i` format of product.md: one
//! download a line; several addresses on a line, separated by TAB, are mirrors; lines that begin with
//! white space are options of the address above (`out`, `dir`, `checksum`, `header` and those of
//! `options.rs`, and of `aria2.rs`); `#` begins a comment line.

use std::collections::HashSet;
use std::path::PathBuf;

use url::Url;

use super::options::{self, Options};
use super::{address, exchange, metalink};
use crate::engine::disk::naming;
use crate::engine::download::pieces::Pieces;
use crate::engine::download::spec::{Checksum, ChecksumError, DownloadSpec};

/// One download of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The first address, then its mirrors: at least one.
    pub urls: Vec<Url>,
    /// Of an address list as written, a name or a path below the folder; of a metalink a safe name.
    pub name: Option<String>,
    pub folder: Option<PathBuf>,
    pub checksum: Option<Checksum>,
    /// In bytes.
    pub size: Option<u64>,
    pub pieces: Option<Pieces>,
    pub headers: Vec<String>,
    /// In a long list few have any.
    pub options: Option<Box<Options>>,
}

/// With nothing said of it.
impl From<Url> for Entry {
    fn from(url: Url) -> Self {
        Self { urls: vec![url], ..Self::default() }
    }
}

impl Entry {
    /// What the list says of how this one is fetched, besides what `spec` holds for all.
    pub fn apply(self, spec: &mut DownloadSpec) {
        spec.manners.headers.extend(self.headers);
        if let Some(options) = self.options {
            options.apply(spec);
        }
    }
}

/// What is wrong with a line (counted from 1).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct ListError {
    pub line: usize,
    pub problem: String,
}

/// What a file says is to be downloaded.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct List {
    pub entries: Vec<Entry>,
    pub errors: Vec<ListError>,
    /// The names of options that mean nothing here, each once.
    pub passed_over: Vec<String>,
}

impl List {
    /// Leaves of it what somebody else may say, who wrote it: no folders, and no [liberties](Options::take_liberties),
    /// which are passed over.
    pub fn distrust(&mut self) {
        for entry in &mut self.entries {
            entry.folder = None;
            for name in entry.options.iter_mut().flat_map(|options| options.take_liberties()) {
                if !self.passed_over.iter().any(|known| known == name) {
                    self.passed_over.push(name.to_owned());
                }
            }
            entry.options.take_if(|options| **options == Options::default());
        }
    }
}

/// Reads a file that says what to download, a metalink, a list in JSON or an address list; which of them, its first
/// sign tells, not its name.
pub fn read(bytes: &[u8]) -> List {
    let (entries, errors) = if metalink::is_xml(bytes) {
        read_metalink(bytes)
    } else if exchange::is_json(bytes) {
        exchange::read_json(bytes)
    } else {
        return parse(&String::from_utf8_lossy(bytes));
    };
    List { entries, errors, passed_over: Vec::new() }
}

fn read_metalink(bytes: &[u8]) -> (Vec<Entry>, Vec<ListError>) {
    let files = match metalink::parse(bytes) {
        Ok(files) => files,
        Err(error) => {
            let problem = format!("column {}: {}", error.column, error.problem);
            return (Vec::new(), vec![ListError { line: error.line, problem }]);
        }
    };
    let (mut entries, mut errors) = (Vec::new(), Vec::new());
    for file in files {
        // Without the folders that it names: they are its author's.
        let name = naming::safe(&file.name);
        if file.urls.is_empty() {
            let problem = format!("“{name}” has no address that Freshet downloads from");
            errors.push(ListError { line: file.line, problem });
            continue;
        }
        entries.push(Entry {
            urls: file.urls,
            name: Some(name),
            checksum: Checksum::strongest(file.checksums),
            size: file.size,
            pieces: file.pieces,
            ..Entry::default()
        });
    }
    (entries, errors)
}

/// Reads an address list. Every faulty line is told; the downloads without a faulty line are returned
/// all the same. One with a faulty option is not: without its checksum, say, it would be another. One with an option that means
/// nothing here is: other programs have more of them.
pub fn parse(text: &str) -> List {
    let mut reader = Reader::default();
    for (index, line) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate() {
        if let Err(problem) = reader.read(line) {
            reader.is_faulty = true;
            reader.list.errors.push(ListError { line: index + 1, problem });
        }
    }
    reader.finish_entry();
    reader.list
}

#[derive(Default)]
struct Reader {
    list: List,
    /// Those of the list that are passed over.
    seen: HashSet<String>,
    /// The download that options belong to.
    current: Option<Entry>,
    /// Whether one of its lines is faulty.
    is_faulty: bool,
}

impl Reader {
    fn read(&mut self, line: &str) -> Result<(), String> {
        let content = line.trim();
        if content.is_empty() || content.starts_with('#') {
            return Ok(());
        }
        if line.starts_with(char::is_whitespace) {
            return self.read_option(content);
        }
        self.finish_entry();
        let entry = self.current.insert(Entry::default());
        entry.urls = addresses(content)?;
        Ok(())
    }

    fn read_option(&mut self, content: &str) -> Result<(), String> {
        let (key, value) =
            content.split_once('=').map_or((content, None), |(key, value)| (key.trim_end(), Some(value.trim_start())));
        if key.contains("://") {
            return Err("an address begins at the beginning of its line: remove the white space before it".to_owned());
        }
        let entry =
            self.current.as_mut().ok_or("this option has no address above it: put it below the one it belongs to")?;
        match key {
            "out" => options::set(&mut entry.name, key, value, |text| Ok(text.to_owned())),
            "dir" => options::set(&mut entry.folder, key, value, |text| Ok(PathBuf::from(text))),
            "checksum" => options::set(&mut entry.checksum, key, value, |text| {
                text.parse().map_err(|error: ChecksumError| error.to_string())
            }),
            "header" => {
                let header = options::parse_header(options::needed(key, value)?);
                entry.headers.push(header.map_err(|error| format!("“{key}” is wrong: {error}"))?);
                Ok(())
            }
            _ if options::is_option(key) => entry.options.get_or_insert_default().read(key, value),
            _ if !is_name(key) => Err(options::no_option(key)),
            _ => {
                let scheme = entry.urls.first().map(Url::scheme).unwrap_or_default();
                // Without a value aria2's say that there is none.
                let is_taken = match value.filter(|value| !value.is_empty()) {
                    Some(value) => entry.options.get_or_insert_default().read_as_aria2(key, value, scheme)?,
                    None => false,
                };
                if !is_taken {
                    self.pass_over(key);
                }
                Ok(())
            }
        }
    }

    fn pass_over(&mut self, key: &str) {
        if !self.seen.contains(key) {
            self.seen.insert(key.to_owned());
            self.list.passed_over.push(key.to_owned());
        }
    }

    fn finish_entry(&mut self) {
        let is_faulty = std::mem::take(&mut self.is_faulty);
        let mut entry = self.current.take().filter(|_| !is_faulty);
        if let Some(entry) = &mut entry {
            let scheme = entry.urls.first().map(Url::scheme).unwrap_or_default();
            if let Some(key) = entry.options.as_mut().and_then(|options| options.settle_logins(scheme)) {
                self.pass_over(&key);
            }
            entry.options.take_if(|options| **options == Options::default());
        }
        self.list.entries.extend(entry);
    }
}

/// Whether an option could be called so, in whatever program.
fn is_name(key: &str) -> bool {
    key.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The addresses of a line, each once.
fn addresses(line: &str) -> Result<Vec<Url>, String> {
    let mut seen = HashSet::new();
    let mut urls = Vec::new();
    for (index, text) in line.split('\t').filter(|text| !text.trim().is_empty()).enumerate() {
        let url = address::parse(text).map_err(|failure| match index {
            0 => failure.detail,
            mirror => format!("mirror {mirror}: {}", failure.detail),
        })?;
        if seen.insert(url.clone()) {
            urls.push(url);
        }
    }
    Ok(urls)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;
    use crate::engine::types::Speed;

    const SUM: &str = "md5:d41d8cd98f00b204e9800998ecf8427e";

    fn parse(text: &str) -> (Vec<Entry>, Vec<ListError>) {
        let list = super::parse(text);
        (list.entries, list.errors)
    }

    fn read(bytes: &[u8]) -> (Vec<Entry>, Vec<ListError>) {
        let list = super::read(bytes);
        assert_eq!(list.passed_over, [""; 0]);
        (list.entries, list.errors)
    }

    fn urls(entry: &Entry) -> Vec<&str> {
        entry.urls.iter().map(Url::as_str).collect()
    }

    #[track_caller]
    fn problem_of(text: &str) -> (usize, String) {
        let (_, errors) = parse(text);
        assert_eq!(errors.len(), 1, "{text:?}: {errors:?}");
        (errors[0].line, errors[0].problem.clone())
    }

    #[test]
    fn a_whole_list() {
        let text = format!(
            "\u{feff}# comment\r\nhttps://a.example/x\thttps://b.example/x\t\r\n  out = a name.bin \r\n\tdir=/srv/a b\r\n\r\n # more\r\n  \
             checksum={SUM}\r\n header=X-One: 1=2\r\n header=X-Two:\r\nexample.org/y\r\nhttps://a.example/z\thttps://a.example/z"
        );
        let (entries, errors) = parse(&text);
        assert_eq!(errors, []);
        assert_eq!(entries.len(), 3);
        assert_eq!(urls(&entries[0]), ["https://a.example/x", "https://b.example/x"]);
        assert_eq!(entries[0].name.as_deref(), Some("a name.bin"));
        assert_eq!(entries[0].folder, Some(PathBuf::from("/srv/a b")));
        assert_eq!(entries[0].checksum, Some(SUM.parse().unwrap()));
        assert_eq!(entries[0].headers, ["X-One: 1=2", "X-Two:"]);
        assert_eq!(urls(&entries[1]), ["https://example.org/y"]);
        assert_eq!(entries[1].name, None);
        assert_eq!(urls(&entries[2]), ["https://a.example/z"]);
    }

    #[test]
    fn a_metalink_is_a_list_too() {
        let sha256 = "0".repeat(64);
        let text = format!(
            "\u{feff} <metalink>\n<file name='../x'/></metalink>|\
             <metalink><file name='a/.b\\.c:d'><size>7</size><hash type='sha-1'>{}</hash>\
             <hash type='sha-256'>{sha256}</hash><pieces length='4' type='md5'><hash>{}</hash><hash>{}</hash></pieces>\
             <url priority='2'>http://b/</url><url priority='1'>http://a/</url></file>\n<file name='e'/></metalink>",
            "1".repeat(40),
            "2".repeat(32),
            "3".repeat(32),
        );
        let (bad, good) = text.split_once('|').unwrap();
        let (entries, errors) = read(bad.as_bytes());
        assert_eq!((entries.len(), errors.len(), errors[0].line), (0, 1, 2));
        assert!(errors[0].problem.starts_with("column 1: “../x” cannot be the name"), "{errors:?}");
        let (entries, errors) = read(good.as_bytes());
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].to_string(), "line 2: “e” has no address that Freshet downloads from");
        assert_eq!(entries.len(), 1);
        let entry = &entries[0];
        assert_eq!(urls(entry), ["http://a/", "http://b/"]);
        assert_eq!((entry.name.as_deref(), entry.size), (Some("c_d"), Some(7)));
        assert_eq!(entry.checksum.as_ref().unwrap().to_string(), format!("sha256:{sha256}"));
        assert_eq!(entry.pieces.as_ref().unwrap().hashes.len(), 2);
    }

    #[test]
    fn an_address_list_is_read_from_bytes() {
        let (entries, errors) = read(b"https://a.example/\xff\n");
        assert_eq!((entries.len(), errors.len()), (1, 0));
        assert_eq!(read(b""), (Vec::new(), Vec::new()));
    }

    #[test]
    fn every_faulty_line_is_told_and_the_good_downloads_stay() {
        let text = "https://a.example/1\nnonsense\n out=2\n timeout=x\nhttps://a.example/3\n checksum=md5:xyz\n out=3\n out=4\nhttps://a.example/5";
        let (entries, errors) = parse(text);
        assert_eq!(errors.iter().map(|error| error.line).collect::<Vec<_>>(), [2, 4, 6, 8]);
        assert_eq!(entries.iter().flat_map(urls).collect::<Vec<_>>(), ["https://a.example/1", "https://a.example/5"]);
        assert_eq!(entries[0].name, None, "the option of a faulty address went to the one before");
    }

    #[test]
    fn problems_say_the_way_out() {
        let below = |option: &str| problem_of(&format!("https://a.example/x\n {option}"));
        assert!(
            below("a word").1.starts_with("“a word” is not an option: take out, dir, checksum, header, connections")
        );
        assert_eq!(below("out"), (2, "“out” has no value: write it as out=value".to_owned()));
        assert_eq!(below("dir="), (2, "“dir” has no value: write it as dir=value".to_owned()));
        assert_eq!(below("timeout = 0").1, "“timeout” is wrong: it must be longer than no time at all");
        assert!(below("checksum=abc").1.ends_with("write it as ALGO:HEX, for example sha256:9f86d0…"));
        assert_eq!(below("header=none"), (2, "“header” is wrong: write it as Name: value".to_owned()));
        assert_eq!(below("header=A: b\0c").1, "“header” is wrong: a header is a single line of text");
        assert!(below("https://b.example/?q=x").1.contains("remove the white space"));
        assert!(problem_of("\n out=x").1.contains("no address above"));
        assert!(problem_of("magnet:?xt=x").1.contains("“magnet” is not one of http"));
        assert!(problem_of("https://a.example/a b").1.contains("%20"));
        assert!(problem_of("https://a.example/x\tnonsense").1.starts_with("mirror 1: "));
    }

    #[test]
    fn each_download_may_have_options_of_its_own() {
        let text = "http://h/a\n limit-each=500K\n netrc\n header=A: 1\nhttp://h/b\n connections=2\nhttp://h/c";
        let (entries, errors) = parse(text);
        assert_eq!(errors, []);
        assert_eq!(entries[2].options, None);
        let specs = entries.into_iter().map(|entry| {
            let mut spec = DownloadSpec::new(entry.urls[0].clone(), PathBuf::new());
            entry.apply(&mut spec);
            (spec.rate, spec.connections, spec.manners.netrc, spec.manners.headers.len())
        });
        let rate = Some(Speed(512_000));
        assert_eq!(specs.collect::<Vec<_>>(), [(rate, 8, true, 1), (None, 2, false, 0), (None, 8, false, 0)]);
    }

    #[test]
    fn what_means_nothing_here_is_passed_over_and_told_once() {
        let text = "http://h/a\n speed=9\n gid=\n out=b\n speed=8\nhttp://h/c\n dry-run";
        let list = super::parse(text);
        assert_eq!((list.entries.len(), &*list.errors), (2, &[][..]));
        assert_eq!(list.entries[0].name.as_deref(), Some("b"));
        assert_eq!(list.passed_over, ["speed", "gid", "dry-run"]);
    }

    #[test]
    fn nothing_is_in_an_empty_list() {
        for text in ["", "\u{feff}", "\r\n\r\n", "# only\n   # comments"] {
            assert_eq!(parse(text), (Vec::new(), Vec::new()), "{text:?}");
        }
    }

    #[test]
    fn a_million_lines_take_linear_time() {
        let measure = |lines: usize| {
            let text = format!("https://a.example/x\n{}", " header=X: y\n".repeat(9)).repeat(lines / 10);
            let started = Instant::now();
            assert_eq!(parse(&text).0.len(), lines / 10);
            started.elapsed()
        };
        let (few, many) = (measure(100_000), measure(1_000_000));
        assert!(many < few * 40 + Duration::from_secs(1), "{few:?}, {many:?}");
    }

    proptest! {
        #[test]
        fn nothing_panics(text: String, odd in "(https://a/|out=|header=|[a-z:= \t\n#]){0,60}") {
            parse(&text);
            let (entries, errors) = parse(&odd);
            prop_assert!(entries.iter().all(|entry| !entry.urls.is_empty()));
            prop_assert!(errors.is_sorted_by(|one, next| one.line < next.line));
        }
    }
}

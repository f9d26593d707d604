// SPDX-License-Identifier: GPL-3.0-or-later
//! A `curl` command, as people find it in instructions and browsers copy it ("Copy as cURL"): its addresses
//! with the way they are asked for. What only changes what curl shows, or what the engine does by
//! itself, is passed over; what would ask for something else is refused.

use std::collections::BTreeMap;

use url::Url;

use super::address;
use super::list::Entry;
use super::options::Options;
use super::pattern::{self, PatternError};
use super::shell::{self, ShellError};
use crate::engine::disk::naming;
use crate::engine::error::Failure;
use crate::engine::net::headers::is_token;

/// Why a command cannot be taken over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    #[error(transparent)]
    Shell(#[from] ShellError),
    #[error(transparent)]
    Pattern(#[from] PatternError),
    #[error("the command has no address")]
    NoAddress,
    #[error("“{text}”: {reason}")]
    Address { text: String, reason: Box<Failure> },
    /// These hold the option.
    #[error("“{0}” needs something after it")]
    NoValue(String),
    #[error("“{0}” sends something to the server")]
    Sends(String),
    #[error("“{0}” cannot be taken over")]
    Unsupported(String),
    #[error("“{0}” is no header")]
    Header(String),
    /// Holds the option and its value.
    #[error("“{0} {1}” makes no sense")]
    Value(&'static str, String),
}

/// What an option means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Url,
    Header,
    User,
    UserAgent,
    Referer,
    Cookie,
    Proxy,
    Insecure,
    Output,
    Netrc,
    Bearer,
    /// Only GET asks for a file.
    Request,
    /// Brackets and braces are meant as they are.
    Globoff,
    /// Of no meaning here.
    Nothing,
    /// The same, with a value.
    NothingWithValue,
    /// It would send data.
    Sends,
    SendsWithValue,
}

impl Meaning {
    fn takes_value(self) -> bool {
        !matches!(self, Self::Insecure | Self::Netrc | Self::Globoff | Self::Nothing | Self::Sends)
    }
}

/// curl(1), by its long name. What is not here is refused.
fn long(name: &str) -> Option<Meaning> {
    Some(match name {
        "url" => Meaning::Url,
        "header" => Meaning::Header,
        "user" => Meaning::User,
        "user-agent" => Meaning::UserAgent,
        "referer" => Meaning::Referer,
        "cookie" => Meaning::Cookie,
        "proxy" => Meaning::Proxy,
        "insecure" => Meaning::Insecure,
        "output" => Meaning::Output,
        "netrc" => Meaning::Netrc,
        "oauth2-bearer" => Meaning::Bearer,
        "request" => Meaning::Request,
        "globoff" => Meaning::Globoff,
        "location" | "location-trusted" | "silent" | "show-error" | "fail" | "fail-early" | "fail-with-body"
        | "verbose" | "progress-bar" | "progress-meter" | "no-progress-meter" | "compressed" | "remote-name"
        | "remote-name-all" | "remote-header-name" | "remote-time" | "no-buffer" | "include" | "show-headers"
        | "ipv4" | "ipv6" | "http1.0" | "http1.1" | "http2" | "http3" | "tlsv1" | "tlsv1.0" | "tlsv1.1" | "tlsv1.2"
        | "tlsv1.3" | "create-dirs" | "parallel" | "disable" | "no-clobber" | "skip-existing" | "keepalive"
        | "no-keepalive" | "basic" | "anyauth" | "tr-encoding" | "path-as-is" | "no-alpn" | "retry-connrefused"
        | "retry-all-errors" | "styled-output" | "ssl-reqd" | "ssl" | "ftp-pasv" => Meaning::Nothing,
        "continue-at" | "cookie-jar" | "write-out" | "connect-timeout" | "max-time" | "max-redirs" | "retry"
        | "retry-delay" | "retry-max-time" | "limit-rate" | "speed-limit" | "speed-time" | "output-dir"
        | "parallel-max" | "dump-header" | "stderr" | "trace" | "trace-ascii" | "keepalive-time" | "max-filesize"
        | "rate" => Meaning::NothingWithValue,
        "data" | "data-ascii" | "data-binary" | "data-raw" | "data-urlencode" | "json" | "form" | "form-string"
        | "upload-file" => Meaning::SendsWithValue,
        "get" | "head" => Meaning::Sends,
        _ => return None,
    })
}

fn short(letter: char) -> Option<&'static str> {
    Some(match letter {
        'H' => "header",
        'u' => "user",
        'A' => "user-agent",
        'e' => "referer",
        'b' => "cookie",
        'x' => "proxy",
        'k' => "insecure",
        'o' => "output",
        'n' => "netrc",
        'X' => "request",
        'g' => "globoff",
        'L' => "location",
        's' => "silent",
        'S' => "show-error",
        'f' => "fail",
        'v' => "verbose",
        '#' => "progress-bar",
        'O' => "remote-name",
        'J' => "remote-header-name",
        'R' => "remote-time",
        'N' => "no-buffer",
        'i' => "include",
        '4' => "ipv4",
        '6' => "ipv6",
        '0' => "http1.0",
        '1' => "tlsv1",
        'Z' => "parallel",
        'q' => "disable",
        'C' => "continue-at",
        'c' => "cookie-jar",
        'w' => "write-out",
        'm' => "max-time",
        'y' => "speed-time",
        'Y' => "speed-limit",
        'D' => "dump-header",
        'd' => "data",
        'F' => "form",
        'T' => "upload-file",
        'G' => "get",
        'I' => "head",
        _ => return None,
    })
}

/// Whether the line is such a command. A prompt before it may have been copied, too.
pub fn is_command(line: &str) -> bool {
    begin(line).is_some()
}

fn begin(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = line.strip_prefix("$ ").unwrap_or(line).trim_start();
    line.strip_prefix("curl").filter(|rest| rest.starts_with(char::is_whitespace))
}

/// Reads the command that the text begins with, and gives back the text after it.
pub fn parse(text: &str) -> (Result<Vec<Entry>, CommandError>, &str) {
    let (words, rest) = shell::split(begin(text).unwrap_or(text));
    (words.map_err(CommandError::from).and_then(read), rest)
}

#[derive(Debug, Default)]
struct Draft {
    headers: Vec<String>,
    cookies: Vec<String>,
    /// By their names in [`Options`]; as with curl the last one counts.
    options: BTreeMap<&'static str, String>,
    urls: Vec<String>,
    outputs: Vec<String>,
    is_literal: bool,
}

fn read(words: Vec<String>) -> Result<Vec<Entry>, CommandError> {
    let mut draft = Draft::default();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        if let Some(name) = word.strip_prefix("--").filter(|name| !name.is_empty()) {
            let meaning = long(name).ok_or_else(|| CommandError::Unsupported(word.clone()))?;
            let value = if meaning.takes_value() { words.next() } else { Some(String::new()) };
            draft.take(meaning, &word, value)?;
        } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty() && *letters != "-") {
            for (at, letter) in letters.char_indices() {
                let option = format!("-{letter}");
                let meaning = short(letter).and_then(long).ok_or_else(|| CommandError::Unsupported(option.clone()))?;
                if meaning.takes_value() {
                    // The rest of the word, or the next one.
                    let rest = letters.get(at + letter.len_utf8()..).filter(|rest| !rest.is_empty());
                    draft.take(meaning, &option, rest.map(str::to_owned).or_else(|| words.next()))?;
                    break;
                }
                draft.take(meaning, &option, Some(String::new()))?;
            }
        } else {
            draft.urls.push(word);
        }
    }
    draft.finish()
}

impl Draft {
    fn take(&mut self, meaning: Meaning, option: &str, value: Option<String>) -> Result<(), CommandError> {
        let value = value.ok_or_else(|| CommandError::NoValue(option.to_owned()))?;
        let unsupported = || CommandError::Unsupported(option.to_owned());
        match meaning {
            Meaning::Url => self.urls.push(value),
            Meaning::Header => self.header(value)?,
            // Without a password curl would ask for one.
            Meaning::User if !value.contains(':') => self.set("user", format!("{value}:")),
            Meaning::User => self.set("user", value),
            Meaning::UserAgent => self.set("user-agent", value),
            // What curl takes for itself after a semicolon (“;auto”).
            Meaning::Referer => self.set("referer", value.split(';').next().unwrap_or_default().to_owned()),
            // Without one it is the name of a file with cookies.
            Meaning::Cookie if !value.contains('=') => return Err(unsupported()),
            Meaning::Cookie => self.cookies.push(value),
            Meaning::Proxy => self.set("proxy", value),
            Meaning::Insecure => self.set("insecure", value),
            Meaning::Output if value == "-" => {}
            Meaning::Output => self.outputs.push(value),
            Meaning::Netrc => self.set("netrc", value),
            Meaning::Bearer => self.header(format!("Authorization: Bearer {value}"))?,
            Meaning::Request if value.eq_ignore_ascii_case("GET") => {}
            Meaning::Request => return Err(CommandError::Sends(format!("{option} {value}"))),
            Meaning::Globoff => self.is_literal = true,
            Meaning::Nothing | Meaning::NothingWithValue => {}
            Meaning::Sends | Meaning::SendsWithValue => return Err(CommandError::Sends(option.to_owned())),
        }
        Ok(())
    }

    fn set(&mut self, name: &'static str, value: String) {
        self.options.insert(name, value);
    }

    fn header(&mut self, line: String) -> Result<(), CommandError> {
        let (name, value) = match line.split_once(':') {
            Some((name, value)) => (name, value.trim()),
            None => (line.strip_suffix(';').unwrap_or_default(), ""),
        };
        if !is_token(name) || line.chars().any(|c| c.is_control() && c != '\t') {
            return Err(CommandError::Header(line));
        }
        match name.to_ascii_lowercase().as_str() {
            // The engine's own: with another value it would get another file, or a part of it.
            "accept-encoding" | "connection" | "if-range" | "range" | "te" => {}
            // What the browser has in its cache: the answer would be that it is the same, and no file.
            "if-match" | "if-modified-since" | "if-none-match" | "if-unmodified-since" => {}
            "cookie" => self.cookies.push(value.to_owned()),
            "referer" => self.set("referer", value.to_owned()),
            "user-agent" => self.set("user-agent", value.to_owned()),
            _ => self.headers.push(line),
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<Entry>, CommandError> {
        if !self.cookies.is_empty() {
            self.headers.push(format!("Cookie: {}", self.cookies.join("; ")));
        }
        let mut options = Options::default();
        for (name, value) in self.options {
            // An empty one unsets it; a flag has none.
            let is_flag = matches!(name, "insecure" | "netrc");
            if is_flag || !value.is_empty() {
                let read = options.read(name, Some(value.as_str()).filter(|_| !is_flag));
                read.map_err(|_| CommandError::Value(name, value))?;
            }
        }
        let options = Some(options).filter(|options| *options != Options::default()).map(Box::new);
        let mut entries = Vec::new();
        let mut outputs = self.outputs.into_iter();
        for text in self.urls {
            let output = outputs.next();
            let texts = if self.is_literal { vec![text.clone()] } else { pattern::expand(&text)? };
            let urls = texts.iter().map(|text| address::parse(text)).collect::<Result<Vec<Url>, _>>();
            let urls = urls.map_err(|reason| CommandError::Address { text, reason: Box::new(reason) })?;
            // curl writes “#1” in such a name for each of them; the server's names do as well.
            let name = output.filter(|_| urls.len() == 1).map(|path| {
                let name = path.rsplit('/').next().unwrap_or_default();
                naming::safe(name)
            });
            entries.extend(urls.into_iter().map(|url| Entry {
                name: name.clone(),
                headers: self.headers.clone(),
                options: options.clone(),
                ..url.into()
            }));
        }
        if entries.is_empty() { Err(CommandError::NoAddress) } else { Ok(entries) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::download::spec::{Credentials, DownloadSpec, Manners};

    #[track_caller]
    fn read(text: &str) -> Entry {
        let mut entries = parse(text).0.expect(text);
        assert_eq!(entries.len(), 1, "{text}");
        entries.remove(0)
    }

    /// What would be sent with its requests.
    fn manners(entry: Entry) -> Manners {
        let mut spec = DownloadSpec::new(entry.urls[0].clone(), "/tmp".into());
        entry.apply(&mut spec);
        spec.manners
    }

    #[track_caller]
    fn error(text: &str) -> CommandError {
        parse(text).0.expect_err(text)
    }

    #[test]
    fn what_a_browser_copies() {
        let entry = read(
            "curl 'https://example.org/a.zip?x=1&y=2' \\\n  -H 'User-Agent: Mozilla/5.0 (X11)' \\\n  \
             -H 'Accept: */*' --compressed -H 'Accept-Encoding: gzip, br' \\\n  -H 'Referer: https://example.org/' \
             -H $'X-Quote: it\\'s' -H 'Cookie: a=1' -b 'b=2' -H 'Connection: keep-alive' -H 'If-None-Match: \"1\"' \\\n  \
             -H 'If-Modified-Since: Mon, 03 Mar 2025 03:03:03 GMT' -H 'if-match: \"1\"' -H 'If-Unmodified-Since: x'",
        );
        assert_eq!(entry.urls[0].as_str(), "https://example.org/a.zip?x=1&y=2");
        let manners = manners(entry);
        assert_eq!(manners.headers, ["Accept: */*", "X-Quote: it's", "Cookie: a=1; b=2"]);
        assert_eq!(manners.user_agent.as_deref(), Some("Mozilla/5.0 (X11)"));
        assert_eq!(manners.referer.as_deref(), Some("https://example.org/"));
    }

    #[test]
    fn what_instructions_say() {
        let entry = read("$ curl -fsSLO -u ann:a:b -kx http://proxy:3128 -Aprobe/1 -e http://r/ http://h/f");
        assert_eq!(entry.name, None);
        let manners = manners(entry);
        assert_eq!(manners.credentials, Some(Credentials { user: "ann".into(), password: "a:b".into() }));
        assert_eq!((manners.insecure, manners.proxy.as_deref()), (true, Some("http://proxy:3128")));
        assert_eq!((manners.user_agent.as_deref(), manners.referer.as_deref()), (Some("probe/1"), Some("http://r/")));
        assert_eq!(read("curl -L http://h/f -o ../x/name.zip --retry 3 -X GET").name.as_deref(), Some("name.zip"));
        assert_eq!(read("curl --oauth2-bearer t --url http://h/f").headers, ["Authorization: Bearer t"]);
    }

    #[test]
    fn more_than_one_address() {
        let entries = parse("curl -o a http://h/1 -O http://h/2").0.unwrap();
        let names: Vec<_> = entries.iter().map(|entry| (entry.urls[0].path(), entry.name.as_deref())).collect();
        assert_eq!(names, [("/1", Some("a")), ("/2", None)]);
        assert_eq!(parse("curl -O 'http://h/[1-3]'").0.unwrap().len(), 3);
        assert_eq!(read("curl -gO 'http://h/?a[1-3]'").urls[0].query(), Some("a[1-3]"));
    }

    #[test]
    fn what_is_not_a_download_is_refused() {
        assert_eq!(error("curl -d a=b http://h/f"), CommandError::Sends("-d".into()));
        assert_eq!(error("curl --data-raw '{}' http://h/f"), CommandError::Sends("--data-raw".into()));
        assert_eq!(error("curl -X POST http://h/f"), CommandError::Sends("-X POST".into()));
        assert_eq!(error("curl -sI http://h/f"), CommandError::Sends("-I".into()));
        assert_eq!(error("curl --resolve h:80:1.2.3.4 http://h/f"), CommandError::Unsupported("--resolve".into()));
        assert_eq!(error("curl -b jar.txt http://h/f"), CommandError::Unsupported("-b".into()));
        assert_eq!(error("curl -sK rc"), CommandError::Unsupported("-K".into()));
        assert_eq!(error("curl -H @file http://h/f"), CommandError::Header("@file".into()));
        assert_eq!(error("curl -H $'A: b\\nC: d' http://h/f"), CommandError::Header("A: b\nC: d".into()));
        assert_eq!(error("curl -A $'a\\nb' http://h/f"), CommandError::Value("user-agent", "a\nb".into()));
        assert_eq!(error("curl http://h/f -o"), CommandError::NoValue("-o".into()));
        assert_eq!(error("curl -sS"), CommandError::NoAddress);
        assert_eq!(error("curl http://h/f | sh"), CommandError::Shell(ShellError::Operator("|".into())));
        assert!(matches!(error("curl no-address"), CommandError::Address { .. }));
        assert!(matches!(error("curl 'http://h/[2-1]'"), CommandError::Pattern(_)));
    }

    #[test]
    fn a_command_is_known_by_its_first_word() {
        assert!(is_command("  curl http://h/f") && is_command("$ curl -O x"));
        assert!(!is_command("curly http://h/f") && !is_command("curl") && !is_command("wget http://h/f"));
    }

    proptest! {
        #[test]
        fn any_command_is_read(text in "curl ([-A-Za-z'\"$\\\\ =:/.\\[\\]{},\n]{0,40}|-[a-zA-Z#0-9:]{1,3} http://h/f)") {
            let (entries, rest) = parse(&text);
            prop_assert!(text.ends_with(rest));
            prop_assert!(entries.is_err() || entries.is_ok_and(|entries| !entries.is_empty()));
        }
    }
}

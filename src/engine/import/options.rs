// SPDX-License-Identifier: GPL-3.0-or-later
//! What may be said of a single download, by its name on the command line: the rules of each value, and
//! what a list says below an address.

use std::path::PathBuf;
use std::time::Duration;

use super::aria2::ProxyLogins;
use crate::engine::download::spec::{Credentials, DownloadSpec, OnExists};
use crate::engine::net::headers::is_token;
use crate::engine::rate::parse_rate;
use crate::engine::types::Speed;

/// All that [`Options::read`] takes, as a sentence names them.
pub const NAMES: &str = "connections, limit-each, user-agent, referer, user, netrc, proxy, cacert, insecure, \
                         find-checksum, retry, retry-wait, timeout, no-resume or on-exists";

/// What is said of one download, where it is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    pub connections: Option<u8>,
    pub(super) rate: Option<Speed>,
    user_agent: Option<String>,
    referer: Option<String>,
    pub(super) credentials: Option<Credentials>,
    pub(super) proxy: Option<String>,
    pub(super) proxy_credentials: Option<Credentials>,
    /// Of a list of aria2's, as long as more of it may come.
    pub(super) proxy_logins: ProxyLogins,
    ca_file: Option<PathBuf>,
    pub(super) retries: Option<u32>,
    first_wait: Option<Duration>,
    silence: Option<Duration>,
    pub(super) on_exists: Option<OnExists>,
    pub(super) netrc: bool,
    insecure: bool,
    find_checksum: bool,
    no_resume: bool,
}

impl Options {
    /// Takes in one option; the error says what is wrong with it and how it is right.
    pub fn read(&mut self, key: &str, value: Option<&str>) -> Result<(), String> {
        if let Some(flag) = self.flag(key) {
            if value.is_some() {
                return Err(format!("“{key}” takes no value: write it alone"));
            }
            *flag = true;
            return Ok(());
        }
        match key {
            "connections" => set(&mut self.connections, key, value, parse_connections),
            "limit-each" => set(&mut self.rate, key, value, |text| parse_rate(text).map_err(|error| error.to_string())),
            "user-agent" => set(&mut self.user_agent, key, value, line),
            "referer" => set(&mut self.referer, key, value, line),
            "user" => set(&mut self.credentials, key, value, parse_user),
            "proxy" => set(&mut self.proxy, key, value, line),
            "cacert" => set(&mut self.ca_file, key, value, |text| Ok(PathBuf::from(text))),
            "retry" => set(&mut self.retries, key, value, parse_count),
            "retry-wait" => set(&mut self.first_wait, key, value, parse_seconds),
            "timeout" => set(&mut self.silence, key, value, parse_some_seconds),
            "on-exists" => set(&mut self.on_exists, key, value, parse_on_exists),
            _ => Err(no_option(key)),
        }
    }

    fn flag(&mut self, key: &str) -> Option<&mut bool> {
        match key {
            "netrc" => Some(&mut self.netrc),
            "insecure" => Some(&mut self.insecure),
            "find-checksum" => Some(&mut self.find_checksum),
            "no-resume" => Some(&mut self.no_resume),
            _ => None,
        }
    }

    /// Takes out what nobody but the user may say, and names it: with it whoever wrote a list could have files of the
    /// user's replaced, everything led over a machine of his own with certificates that nobody looks at, and log-ins
    /// of `.netrc` used.
    pub fn take_liberties(&mut self) -> Vec<&'static str> {
        self.proxy_credentials = None;
        let taken = [
            ("on-exists", self.on_exists.take_if(|wish| *wish == OnExists::Overwrite).is_some()),
            ("netrc", std::mem::take(&mut self.netrc)),
            ("proxy", self.proxy.take().is_some()),
            ("cacert", self.ca_file.take().is_some()),
            ("insecure", std::mem::take(&mut self.insecure)),
        ];
        taken.into_iter().filter(|(_, is_there)| *is_there).map(|(name, _)| name).collect()
    }

    /// What is said here goes before what `spec` holds for all.
    pub fn apply(self, spec: &mut DownloadSpec) {
        let (manners, patience) = (&mut spec.manners, &mut spec.patience);
        put(&mut spec.connections, self.connections);
        put(&mut spec.on_exists, self.on_exists);
        put(&mut patience.retries, self.retries);
        put(&mut patience.first_wait, self.first_wait);
        put(&mut patience.silence, self.silence);
        spec.rate = self.rate.or(spec.rate);
        manners.user_agent = self.user_agent.or(manners.user_agent.take());
        manners.referer = self.referer.or(manners.referer.take());
        manners.credentials = self.credentials.or(manners.credentials.take());
        if self.proxy.is_some() {
            // That of another proxy is not for this one.
            manners.proxy_credentials = self.proxy_credentials;
        }
        manners.proxy = self.proxy.or(manners.proxy.take());
        manners.ca_file = self.ca_file.or(manners.ca_file.take());
        manners.netrc |= self.netrc;
        manners.insecure |= self.insecure;
        spec.find_checksum |= self.find_checksum;
        spec.resume &= !self.no_resume;
    }
}

/// That a text is the name of none.
pub fn no_option(text: &str) -> String {
    format!("“{text}” is not an option: take out, dir, checksum, header, {NAMES}")
}

/// Whether [`Options::read`] takes it.
pub fn is_option(key: &str) -> bool {
    NAMES.split(", ").flat_map(|part| part.split(" or ")).any(|name| name == key)
}

/// Reads the value of an option that is given once.
pub fn set<T>(
    option: &mut Option<T>,
    key: &str,
    value: Option<&str>,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<(), String> {
    let value = needed(key, value)?;
    if option.is_some() {
        return Err(format!("“{key}” was given before for this address: keep one of the two"));
    }
    *option = Some(parse(value).map_err(|error| format!("“{key}” is wrong: {error}"))?);
    Ok(())
}

/// The value of an option that has to have one.
pub fn needed<'a>(key: &str, value: Option<&'a str>) -> Result<&'a str, String> {
    value.filter(|value| !value.is_empty()).ok_or_else(|| format!("“{key}” has no value: write it as {key}=value"))
}

fn put<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

/// What goes into a request as it is.
pub fn line(text: &str) -> Result<String, String> {
    if text.contains(is_control) { Err("it is a single line of text".to_owned()) } else { Ok(text.to_owned()) }
}

fn is_control(c: char) -> bool {
    c.is_control() && c != '\t'
}

/// Most connections of one download.
pub fn parse_connections(text: &str) -> Result<u8, String> {
    text.parse().ok().filter(|count| (1..=32).contains(count)).ok_or_else(|| "write a number from 1 to 32".to_owned())
}

/// How often something is done.
pub fn parse_count(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| "write a whole number, 0 or more".to_owned())
}

/// Seconds, with decimals.
pub fn parse_seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "write a number of seconds, such as 30 or 0.5".to_owned())
}

/// [`parse_seconds`] for what cannot be nothing.
pub fn parse_some_seconds(text: &str) -> Result<Duration, String> {
    match parse_seconds(text)? {
        Duration::ZERO => Err("it must be longer than no time at all".to_owned()),
        time => Ok(time),
    }
}

pub fn parse_user(text: &str) -> Result<Credentials, String> {
    match text.split_once(':') {
        Some((user, password)) => Ok(Credentials { user: user.to_owned(), password: password.to_owned() }),
        None => Err("the password is missing: write NAME:PASSWORD, or keep both in ~/.netrc and use netrc".to_owned()),
    }
}

/// As curl takes it: `Name: value`, or `Name;` for one without a value.
pub fn parse_header(text: &str) -> Result<String, String> {
    if text.contains(is_control) {
        return Err("a header is a single line of text".to_owned());
    }
    match text.split_once([':', ';']) {
        Some((name, _)) if is_token(name) => Ok(text.to_owned()),
        _ => Err("write it as Name: value".to_owned()),
    }
}

pub fn parse_on_exists(text: &str) -> Result<OnExists, String> {
    match text {
        "rename" => Ok(OnExists::Rename),
        "skip" => Ok(OnExists::Skip),
        "overwrite" => Ok(OnExists::Overwrite),
        _ => Err("write rename, skip or overwrite".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::engine::download::spec::{Manners, Patience};

    fn read(lines: &[(&str, Option<&str>)]) -> Result<Options, String> {
        let mut options = Options::default();
        lines.iter().try_for_each(|(key, value)| options.read(key, *value))?;
        Ok(options)
    }

    fn spec() -> DownloadSpec {
        DownloadSpec::new(Url::parse("http://h/f").unwrap(), "/d".into())
    }

    #[test]
    fn every_name_of_the_sentence_is_an_option() {
        for name in NAMES.split(", ").flat_map(|part| part.split(" or ")) {
            let unknown = |problem: &str| problem.contains("not an option");
            assert!(read(&[(name, None)]).err().is_none_or(|problem| !unknown(&problem)), "{name}");
        }
        assert!(read(&[("output", Some("x"))]).unwrap_err().contains("is not an option: take out, dir, checksum"));
    }

    #[test]
    fn what_is_said_of_one_goes_before_what_is_said_of_all() {
        let all = read(&[
            ("connections", Some("16")),
            ("limit-each", Some("1.5M")),
            ("user-agent", Some("me/1 (x)")),
            ("referer", Some("http://r/")),
            ("user", Some("ann:a:b")),
            ("netrc", None),
            ("proxy", Some("socks5h://p:1")),
            ("cacert", Some("/ca")),
            ("insecure", None),
            ("find-checksum", None),
            ("retry", Some("0")),
            ("retry-wait", Some("0.5")),
            ("timeout", Some("7")),
            ("no-resume", None),
            ("on-exists", Some("skip")),
        ]);
        let mut given = spec();
        given.rate = Some(Speed(1));
        given.manners = Manners { user_agent: Some("all".into()), proxy: Some("p".into()), ..Manners::default() };
        all.unwrap().apply(&mut given);
        let wanted = DownloadSpec {
            connections: 16,
            rate: Some(Speed(1_572_864)),
            find_checksum: true,
            resume: false,
            on_exists: OnExists::Skip,
            manners: Manners {
                headers: Vec::new(),
                user_agent: Some("me/1 (x)".into()),
                referer: Some("http://r/".into()),
                credentials: Some(Credentials { user: "ann".into(), password: "a:b".into() }),
                netrc: true,
                proxy: Some("socks5h://p:1".into()),
                proxy_credentials: None,
                ca_file: Some("/ca".into()),
                insecure: true,
            },
            patience: Patience {
                retries: 0,
                first_wait: Duration::from_millis(500),
                silence: Duration::from_secs(7),
                ..Patience::default()
            },
            ..spec()
        };
        assert_eq!(given, wanted);
        Options::default().apply(&mut given);
        assert_eq!(given, wanted, "what is not said changes nothing");
    }

    #[test]
    fn a_wrong_value_says_how_it_is_right() {
        for (key, value, says) in [
            ("connections", Some("33"), "“connections” is wrong: write a number from 1 to 32"),
            ("connections", Some("0"), "from 1 to 32"),
            ("connections", None, "“connections” has no value: write it as connections=value"),
            ("limit-each", Some("fast"), "“limit-each” is wrong: write a number of bytes a second, such as 500000"),
            ("retry", Some("-1"), "0 or more"),
            ("retry-wait", Some("soon"), "such as 30 or 0.5"),
            ("timeout", Some("0"), "longer than no time"),
            ("user", Some("ann"), "the password is missing"),
            ("user-agent", Some("a\0b"), "single line"),
            ("on-exists", Some("ask"), "write rename, skip or overwrite"),
            ("netrc", Some("yes"), "“netrc” takes no value: write it alone"),
            ("insecure", Some(""), "takes no value"),
        ] {
            let problem = read(&[(key, value)]).unwrap_err();
            assert!(problem.contains(says), "{key}: {problem}");
        }
        let twice = read(&[("retry", Some("1")), ("retry", Some("1"))]).unwrap_err();
        assert!(twice.contains("given before"), "{twice}");
    }

    #[test]
    fn a_header_is_one_as_curl_takes_it() {
        for header in ["A: b", "C;", "D:", "X-One:1=2", "E: a\tb"] {
            assert_eq!(parse_header(header), Ok(header.to_owned()));
        }
        for header in ["none", "", ": x", "A b: c", "(A): c", "A: b\r\nC: d", "A: b\0c"] {
            assert!(parse_header(header).is_err(), "{header:?}");
        }
    }

    #[test]
    fn seconds_may_have_decimals_but_make_sense() {
        assert_eq!(parse_seconds("0.25"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_seconds("0"), Ok(Duration::ZERO));
        for text in ["", "-1", "soon", "inf", "NaN", "1e300"] {
            assert!(parse_seconds(text).is_err(), "{text}");
        }
        assert_eq!(parse_some_seconds("30"), Ok(Duration::from_secs(30)));
        assert!(parse_some_seconds("0").is_err());
    }
}

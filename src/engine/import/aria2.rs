// SPDX-License-Identifier: GPL-3.0-or-later
//! What aria2's manual lets stand below an address of its input file, under names that Freshet does not have,
//! where it means something here. Its lists are read as they are, those that it saves of its sessions included.

use super::options::{self, Options, parse_count};
use crate::engine::download::spec::{Credentials, OnExists};
use crate::engine::rate::parse_rate;

/// More connections Freshet does not make for one download.
const MOST_CONNECTIONS: u32 = 32;

/// A user name and a password belong to the proxy of their own name alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ProxyLogins {
    /// There is a proxy for the protocol of the download.
    has_own: bool,
    /// That of this proxy.
    own: Option<Credentials>,
    /// That of the proxy for all protocols.
    all: Option<Credentials>,
}

impl Options {
    /// Takes one in, and tells whether it means anything for a download of this scheme. The error says what is wrong
    /// with its value.
    pub(super) fn read_as_aria2(&mut self, key: &str, value: &str, scheme: &str) -> Result<bool, String> {
        let protocol = match scheme {
            "https" => "http",
            "sftp" => "ftp",
            other => other,
        };
        let wrong = |problem: String| format!("“{key}” is wrong: {problem}");
        match key {
            // Both have to allow a connection.
            "split" | "max-connection-per-server" => {
                let most = parse_count(value).map_err(wrong)?.clamp(1, MOST_CONNECTIONS);
                let most = u8::try_from(most).unwrap_or(u8::MAX);
                self.connections = Some(self.connections.map_or(most, |before| before.min(most)));
            }
            "max-download-limit" if value == "0" => {}
            "max-download-limit" => {
                self.rate = Some(parse_rate(value).map_err(|error| wrong(error.to_string()))?);
            }
            "max-tries" => {
                // The first try counts, and 0 is no bound.
                self.retries = Some(parse_count(value).map_err(wrong)?.checked_sub(1).unwrap_or(u32::MAX));
            }
            "allow-overwrite" => {
                if is_true(value).map_err(wrong)? {
                    self.on_exists = Some(OnExists::Overwrite);
                }
            }
            "auto-file-renaming" => {
                if !is_true(value).map_err(wrong)? {
                    self.on_exists.get_or_insert(OnExists::Skip);
                }
            }
            "no-netrc" => self.netrc = !is_true(value).map_err(wrong)?,
            _ => return self.read_for_protocol(key, value, scheme, protocol).map_err(wrong),
        }
        Ok(true)
    }

    /// What is said of one protocol says nothing of a download by another one.
    fn read_for_protocol(&mut self, key: &str, value: &str, scheme: &str, protocol: &str) -> Result<bool, String> {
        if let Some((login, is_user)) = self.login_of(key, scheme, protocol) {
            let value = options::line(value)?;
            let none = || Credentials { user: String::new(), password: String::new() };
            let login = login.get_or_insert_with(none);
            *(if is_user { &mut login.user } else { &mut login.password }) = value;
        } else if key.strip_prefix(scheme) == Some("-proxy") {
            self.proxy = Some(options::line(value)?);
            self.proxy_logins.has_own = true;
        } else if key == "all-proxy" {
            let proxy = options::line(value)?;
            self.proxy.get_or_insert(proxy);
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// Which log-in an option is of, and whether it is the user's name.
    fn login_of(&mut self, key: &str, scheme: &str, protocol: &str) -> Option<(&mut Option<Credentials>, bool)> {
        let (whose, is_user) = match key.strip_suffix("-user") {
            Some(whose) => (whose, true),
            None => (key.strip_suffix("-passwd")?, false),
        };
        let login = match whose.strip_suffix("-proxy") {
            Some("all") => &mut self.proxy_logins.all,
            Some(of) if of == scheme => &mut self.proxy_logins.own,
            None if whose == protocol => &mut self.credentials,
            _ => return None,
        };
        Some((login, is_user))
    }

    /// All that stands below the address has been read: a password without a user logs nobody in. Tells the option of
    /// aria2's that means nothing without another one.
    pub(super) fn settle_logins(&mut self, scheme: &str) -> Option<String> {
        self.credentials.take_if(|login| login.user.is_empty());
        let ProxyLogins { has_own, own, all } = std::mem::take(&mut self.proxy_logins);
        // That for all is not asked where there is another.
        let (whose, login) = if has_own || own.is_some() { (scheme, own) } else { ("all", all) };
        let login = login?;
        let is_for_one = has_own || whose == "all" && self.proxy.is_some();
        match (is_for_one, login.user.is_empty()) {
            (true, false) => {
                self.proxy_credentials = Some(login);
                None
            }
            (_, true) => Some(format!("{whose}-proxy-passwd")),
            (false, false) => Some(format!("{whose}-proxy-user")),
        }
    }
}

fn is_true(value: &str) -> Result<bool, String> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("write true or false".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::list::{self, Entry};
    use crate::engine::download::spec::{DownloadSpec, OnExists};
    use crate::engine::types::Speed;

    fn specs(text: &str) -> (Vec<DownloadSpec>, Vec<String>) {
        let list = list::parse(text);
        assert_eq!(list.errors, [], "{text}");
        let spec = |entry: Entry| {
            let mut spec = DownloadSpec::new(entry.urls[0].clone(), PathBuf::new());
            entry.apply(&mut spec);
            spec
        };
        (list.entries.into_iter().map(spec).collect(), list.passed_over)
    }

    #[test]
    fn a_saved_session_of_aria2_is_taken_over() {
        let (all, passed_over) = specs(
            "https://h/a\n gid=2089b05ecca3d829\n split=16\n max-connection-per-server=4\n max-download-limit=2M\n max-tries=3\n \
             http-user=ann\n http-passwd=p:w\n ftp-user=bob\n http-proxy=p:1\n https-proxy=q:2\n all-proxy=r:3\n no-netrc=false\n \
             allow-overwrite=true\n auto-file-renaming=false\n user-agent=me\n header=X-A: b\n header=X-C: d\n pause=true\n\
             ftp://h/b\n gid=1\n ftp-passwd=x\n http-user=ann\n max-download-limit=0\n max-tries=0\n all-proxy=r:3\n auto-file-renaming=false\n \
             split=64\n",
        );
        let [first, second] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!((first.connections, first.rate, first.patience.retries), (4, Some(Speed(2 << 20)), 2));
        let login = first.manners.credentials.as_ref().map(|login| (login.user.as_str(), login.password.as_str()));
        assert_eq!(login, Some(("ann", "p:w")));
        assert_eq!((first.manners.proxy.as_deref(), first.manners.netrc), (Some("q:2"), true));
        assert_eq!((first.on_exists, first.manners.headers.len()), (OnExists::Overwrite, 2));
        assert_eq!((second.connections, second.rate, second.patience.retries), (32, None, u32::MAX));
        assert_eq!((second.manners.credentials.as_ref(), second.manners.proxy.as_deref()), (None, Some("r:3")));
        assert_eq!(second.on_exists, OnExists::Skip);
        assert_eq!(passed_over, ["gid", "ftp-user", "http-proxy", "pause", "http-user"]);
    }

    #[test]
    fn a_login_goes_to_the_proxy_of_its_name_alone() {
        let login = |lines: &str| {
            let (all, passed_over) = specs(&format!("https://h/a\n {}\n", lines.replace(' ', "\n ")));
            let login = all[0].manners.proxy_credentials.clone().map(|login| (login.user, login.password));
            (login, passed_over.join(" "))
        };
        let is = |user: &str, password: &str| (Some((user.to_owned(), password.to_owned())), String::new());
        let none = |passed_over: &str| (None, passed_over.to_owned());
        let all = "all-proxy-user=ann all-proxy-passwd=a:1 ";
        assert_eq!(login(&format!("{all}all-proxy=p:1")), is("ann", "a:1"));
        assert_eq!(login(&format!("{all}all-proxy=p:1 https-proxy=q:2 https-proxy-user=bob")), is("bob", ""));
        assert_eq!(login(&format!("{all}all-proxy=p:1 https-proxy=q:2")), none(""));
        // The proxy may be another one then, that of the preferences say.
        assert_eq!(login(all), none("all-proxy-user"));
        assert_eq!(login("https-proxy-user=bob all-proxy=p:1"), none("https-proxy-user"));
        assert_eq!(login("https-proxy-passwd=x https-proxy=p:1"), none("https-proxy-passwd"));
        assert_eq!(login("http-proxy-user=bob https-proxy=p:1"), none("http-proxy-user"));
    }

    #[test]
    fn what_is_said_of_certificates_never_makes_a_download_less_safe() {
        for value in ["false", "true"] {
            let (all, passed_over) = specs(&format!("https://h/a\n check-certificate={value}\n"));
            assert_eq!((all[0].manners.insecure, passed_over), (false, vec!["check-certificate".to_owned()]));
        }
    }

    #[test]
    fn times_and_words_have_the_same_names_as_here() {
        let (all, passed_over) = specs("http://h/a\n timeout=7\n retry-wait=3\n user-agent=me\n referer=http://r/\n");
        let (spec, patience) = (&all[0], &all[0].patience);
        assert_eq!([patience.silence, patience.first_wait].map(|time| time.as_secs()), [7, 3]);
        assert_eq!(spec.manners.user_agent.as_deref().zip(spec.manners.referer.as_deref()), Some(("me", "http://r/")));
        assert_eq!(passed_over, [""; 0]);
    }

    #[test]
    fn a_value_that_is_wrong_is_told() {
        for (line, problem) in [
            ("split=x", "“split” is wrong: write a whole number, 0 or more"),
            ("no-netrc=1", "“no-netrc” is wrong: write true or false"),
            ("http-passwd=a\u{1}b", "“http-passwd” is wrong: it is a single line of text"),
        ] {
            let list = list::parse(&format!("http://h/a\n {line}"));
            assert_eq!((list.entries.len(), list.errors[0].problem.as_str()), (0, problem));
        }
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! How new downloads are fetched and when they start, as the user says it beside their addresses.

use std::time::{Duration, SystemTime};

use url::Url;

use super::describe;
use super::login::{Asker, Credentials, user_problem};
pub use crate::engine::command::Start;
use crate::engine::download::spec::{Algorithm, Checksum, DownloadSpec};
use crate::engine::import::address;
use crate::engine::import::options::{Options, parse_header};
pub use crate::engine::net::request::usual_user_agent;
use crate::i18n::{gettext, gettext_f};

/// What may be said of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// Most connections, a number from 1 to 32.
    Connections,
    /// Most bytes a second; 0: no limit.
    Limit,
    /// `sha256:…`, or only the digits, whose number tells which it is.
    Checksum,
    /// Other addresses of the same file, one a line.
    Mirrors,
    Referer,
    UserAgent,
    /// `name=value; name=value`
    Cookies,
    /// `Name: value`, one a line.
    Headers,
    Proxy,
}

/// All that was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    checksum: Option<Checksum>,
    mirrors: Vec<Url>,
    headers: Vec<String>,
    options: Options,
    /// There is to be no limit, whatever there is where nothing is said.
    is_unlimited: bool,
    remembers_login: bool,
}

impl Terms {
    /// Takes one in, nothing where the text is empty. The error is a sentence for the user.
    pub fn say(&mut self, term: Term, text: &str) -> Result<(), String> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(());
        }
        match term {
            Term::Checksum => self.checksum = Some(checksum(text)?),
            Term::Mirrors => {
                for line in lines(text) {
                    let url = address::parse(line).map_err(|reason| describe::refused_address(line, &reason))?;
                    self.mirrors.push(url);
                }
            }
            Term::Headers => {
                for line in lines(text) {
                    self.header(line)?;
                }
            }
            Term::Cookies => self.header(&format!("Cookie: {text}"))?,
            Term::Limit if text == "0" => self.is_unlimited = true,
            Term::Limit => self.option("limit-each", text)?,
            Term::Connections => self.option("connections", text)?,
            Term::Referer => self.option("referer", text)?,
            Term::UserAgent => self.option("user-agent", text)?,
            Term::Proxy => self.option("proxy", text)?,
        }
        Ok(())
    }

    /// Who logs in, and whether that is to be remembered; nothing without a name.
    pub fn say_login(&mut self, user: &str, password: &str, remembers: bool) -> Result<(), String> {
        self.remembers_login = remembers && !user.is_empty();
        match user {
            "" if password.is_empty() => Ok(()),
            "" => Err(gettext("A password needs a user name.")),
            _ => match user_problem(user) {
                Some(problem) => Err(problem),
                None => self.option("user", &format!("{user}:{password}")),
            },
        }
    }

    /// What is to be remembered of a download as soon as it has been taken.
    pub(super) fn login_to_remember(&self, spec: &DownloadSpec) -> Option<(Asker, Credentials)> {
        let credentials = spec.manners.credentials.clone().filter(|_| self.remembers_login)?;
        Some((Asker::server(&spec.url, None), credentials))
    }

    fn header(&mut self, line: &str) -> Result<(), String> {
        let header = parse_header(line)
            .map_err(|_| gettext_f("“{text}” is no header. Write it as Name: value.", &[("text", line)]))?;
        self.headers.push(header);
        Ok(())
    }

    fn option(&mut self, name: &str, value: &str) -> Result<(), String> {
        self.options.read(name, Some(value)).map_err(|error| {
            tracing::info!(name, error, "A value is refused");
            gettext_f("“{text}” cannot be used here.", &[("text", value)])
        })
    }

    /// What was said here goes before what is known from elsewhere.
    pub(super) fn apply(&self, spec: &mut DownloadSpec) {
        spec.checksum = self.checksum.clone().or(spec.checksum.take());
        spec.mirrors.extend(self.mirrors.iter().cloned());
        spec.manners.headers.extend(self.headers.iter().cloned());
        self.options.clone().apply(spec);
        if self.is_unlimited {
            spec.rate = None;
        }
    }
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

fn checksum(text: &str) -> Result<Checksum, String> {
    let all = [Algorithm::Md5, Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512];
    let read = match all.iter().find(|algorithm| algorithm.digits() == text.len()) {
        Some(algorithm) if !text.contains([':', '=']) => format!("{}:{text}", algorithm.name()).parse(),
        _ => text.parse(),
    };
    read.map_err(|error| {
        tracing::info!(%error, "A checksum is refused");
        gettext("This is no checksum. Write it as md5:, sha1:, sha256: or sha512: with its digits.")
    })
}

/// What is wrong with the proxy of all new downloads, if anything is. A password is, which would be kept
/// where every program reads it.
pub fn proxy_problem(text: &str) -> Option<String> {
    const SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
    let url = Url::parse(&format!("http://{rest}"));
    match url {
        Ok(url) if url.password().is_some() => Some(gettext(
            "A password would be kept where every program can read it. Say it of a download when you add it.",
        )),
        Ok(_) if SCHEMES.contains(&scheme) && !rest.contains(char::is_whitespace) => None,
        // Translators: keep the two examples as they are.
        _ => Some(gettext("This is no proxy. Write it as host:port or socks5h://host:port.")),
    }
}

/// What is wrong with the name that servers are told, if anything is.
pub fn user_agent_problem(text: &str) -> Option<String> {
    let is_fit = text.chars().all(|c| !c.is_control());
    (!is_fit).then(|| gettext("It has to be one line."))
}

/// The next time that it is this minute of the day, counted from midnight.
pub fn next_time(minute: u16) -> Option<SystemTime> {
    next_time_after(&glib::DateTime::now_local().ok()?, minute)
}

fn next_time_after(now: &glib::DateTime, minute: u16) -> Option<SystemTime> {
    let on = |day: &glib::DateTime| {
        let (year, month, date) = day.ymd();
        glib::DateTime::new(&day.timezone(), year, month, date, (minute / 60).into(), (minute % 60).into(), 0.0).ok()
    };
    let today = on(now)?;
    let at = if today.to_unix() > now.to_unix() { today } else { on(&now.add_days(1).ok()?)? };
    let since_epoch = u64::try_from(at.to_unix()).ok()?;
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(since_epoch))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::types::Speed;

    fn applied(terms: &Terms) -> DownloadSpec {
        let mut spec = DownloadSpec::new("http://h/f".parse().unwrap(), "/srv".into());
        spec.manners.user_agent = Some("list/1".into());
        terms.apply(&mut spec);
        spec
    }

    #[test]
    fn what_is_said_is_what_is_fetched_with() {
        let mut terms = Terms::default();
        let says = [
            (Term::Connections, "3"),
            (Term::Limit, "500000"),
            (Term::Checksum, " D41D8CD98F00B204E9800998ECF8427E "),
            (Term::Mirrors, "http://a/f\n\nb.example/f"),
            (Term::Referer, "http://r/"),
            (Term::UserAgent, ""),
            (Term::Cookies, "a=1; b=2"),
            (Term::Headers, "X-A: 1\n X-B: 2"),
            (Term::Proxy, "proxy:3128"),
        ];
        says.iter().for_each(|(term, text)| terms.say(*term, text).unwrap());
        terms.say_login("ann", "a:b", false).unwrap();
        let spec = applied(&terms);
        assert_eq!((spec.connections, spec.rate.unwrap().0), (3, 500_000));
        assert_eq!(spec.checksum.unwrap().algorithm, Algorithm::Md5);
        assert_eq!(spec.mirrors.iter().map(Url::as_str).collect::<Vec<_>>(), ["http://a/f", "https://b.example/f"]);
        let manners = spec.manners;
        assert_eq!(manners.headers, ["Cookie: a=1; b=2", "X-A: 1", "X-B: 2"]);
        assert_eq!((manners.referer.as_deref(), manners.user_agent.as_deref()), (Some("http://r/"), Some("list/1")));
        assert_eq!(
            (manners.proxy.as_deref(), manners.credentials.unwrap().password.as_str()),
            (Some("proxy:3128"), "a:b")
        );
    }

    #[test]
    fn a_proxy_is_one_that_libcurl_takes_and_has_no_password() {
        for good in ["", "proxy:3128", "http://proxy", "socks5h://[::1]:9050", "ann@proxy:3128"] {
            assert_eq!(proxy_problem(good), None, "{good}");
        }
        for bad in ["ftp://proxy", "pro xy:1", "http://", "proxy:99999"] {
            assert!(proxy_problem(bad).unwrap().starts_with("This is no proxy"), "{bad}");
        }
        for secret in ["ann:hunter2@proxy:3128", "socks5://ann:hunter2@proxy"] {
            assert!(proxy_problem(secret).unwrap().starts_with("A password"), "{secret}");
        }
        assert!(usual_user_agent().starts_with("Freshet/"));
    }

    #[test]
    fn nothing_said_changes_nothing() {
        let mut terms = Terms::default();
        terms.say(Term::Limit, "").unwrap();
        terms.say_login("", "", true).unwrap();
        let spec = applied(&terms);
        assert_eq!((spec.connections, spec.rate, &spec.manners.credentials), (8, None, &None));
        assert_eq!(terms.login_to_remember(&spec), None);
    }

    #[test]
    fn no_limit_is_said_against_the_usual_one() {
        let rate = |said: Option<&str>| {
            let mut terms = Terms::default();
            said.into_iter().for_each(|text| terms.say(Term::Limit, text).unwrap());
            let mut spec = DownloadSpec::new("http://h/f".parse().unwrap(), "/srv".into());
            spec.rate = Some(Speed(5000));
            terms.apply(&mut spec);
            spec.rate
        };
        assert_eq!([rate(None), rate(Some("0")), rate(Some("700"))], [Some(Speed(5000)), None, Some(Speed(700))]);
    }

    #[test]
    fn a_login_is_remembered_for_its_server_where_that_is_wanted() {
        let remembered = |wanted: bool| {
            let mut terms = Terms::default();
            terms.say_login("ann", "pw", wanted).unwrap();
            terms.login_to_remember(&applied(&terms)).map(|(asker, credentials)| (asker.title(), credentials.user))
        };
        assert_eq!(remembered(true), Some(("http://h".to_owned(), "ann".to_owned())));
        assert_eq!(remembered(false), None);
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        let told = |term, text: &str| Terms::default().say(term, text).unwrap_err();
        assert!(told(Term::Checksum, "abc").starts_with("This is no checksum"));
        assert!(told(Term::Checksum, &"g".repeat(32)).starts_with("This is no checksum"));
        assert!(told(Term::Mirrors, "http://a/f\nnothing").starts_with("“nothing”"));
        assert!(told(Term::Headers, "X-A 1").starts_with("“X-A 1” is no header"));
        assert!(told(Term::Connections, "99").contains("99"));
        assert!(
            Terms::default().say_login("", "b", false).is_err()
                && Terms::default().say_login("a:b", "c", false).is_err()
        );
    }

    #[test]
    fn a_time_of_day_is_the_next_one() {
        let zone = glib::TimeZone::utc();
        let now = glib::DateTime::new(&zone, 2026, 11, 30, 22, 30, 0.0).unwrap();
        let hours = |hour: u16, minute: u16| {
            let at = next_time_after(&now, hour * 60 + minute).unwrap();
            at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() as i64 - now.to_unix()
        };
        assert_eq!((hours(23, 0), hours(22, 31)), (30 * 60, 60));
        assert_eq!((hours(22, 30), hours(6, 0)), (24 * 3600, 7 * 3600 + 30 * 60));
    }
}

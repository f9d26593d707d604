// SPDX-License-Identifier: GPL-3.0-or-later
//! What has to be known before a user name and a password are asked for, to whom they go, and when they may be
//! remembered.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use url::Url;

use super::listener::Listener;
use super::{Command, DownloadId, Session, amounts, describe};
pub use crate::engine::download::spec::Credentials;
use crate::engine::download::spec::{DownloadSpec, is_same_origin};
use crate::engine::download::state::State;
use crate::engine::error::Failure;
pub use crate::engine::error::LoginTo;
use crate::engine::event::Snapshot;
use crate::i18n::{gettext, gettext_f, ngettext_f};

/// Before the scheme of a proxy.
const PROXY: &str = "proxy+";

/// The port of a proxy that is named without one, as libcurl has it.
const PROXY_PORT: u16 = 1080;

/// A log-in that a server or a proxy asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    pub to: LoginTo,
    /// Who asks, in one sentence.
    pub sentence: String,
    /// What it says the log-in is for, as a sentence that shows these words to be its own.
    pub realm: Option<String>,
    /// The name that was used last.
    pub user: Option<String>,
    /// What was used last was not taken.
    pub is_refused: bool,
    /// Whoever is on the way may read what is sent.
    pub is_open: bool,
    /// Other downloads that wait for the same log-in.
    pub others: Vec<DownloadId>,
    /// Under what it can be remembered; `None` where it is not known who the proxy is.
    pub asker: Option<Asker>,
}

/// To whom a remembered log-in belongs: nobody else gets it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Asker {
    /// The scheme of its addresses; of a proxy with `proxy+` before it.
    pub protocol: String,
    pub host: String,
    pub port: u16,
    /// What it says the log-in is for (RFC 9110 section 11.5), as far as known.
    pub realm: Option<String>,
}

/// What becomes of log-ins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// A download has come to where it needs one.
    Asked(DownloadId),
    /// One that is to be remembered has let a download go on.
    Taken(Asker, Credentials),
}

/// What is on the way between downloads and what remembers log-ins. In memory only.
#[derive(Debug, Default)]
pub(super) struct Logins {
    /// To be remembered as soon as they have been taken: a wrong one never is.
    unproven: RefCell<HashMap<DownloadId, (Asker, Credentials)>>,
    /// Downloads for which a remembered one is just looked for.
    sought: RefCell<HashSet<DownloadId>>,
    listener: Listener<dyn Fn(Happened)>,
}

impl Logins {
    /// A download's state is another one.
    pub(super) fn follow(&self, id: DownloadId, old: &State, new: &State) {
        if !matches!(new, State::Failed(_)) {
            // It goes on.
            self.sought.borrow_mut().remove(&id);
        }
        let happened = match new {
            State::Failed(failure) if failure.login_wanted().is_some() => {
                self.forget(id);
                wanting(old).is_none().then_some(Happened::Asked(id))
            }
            State::Downloading | State::Verifying | State::Completed => {
                self.forget(id).map(|(asker, credentials)| Happened::Taken(asker, credentials))
            }
            // It is not known yet.
            State::Queued
            | State::Scheduled { .. }
            | State::Connecting
            | State::Paused
            | State::Waiting { .. }
            | State::Failed(_) => None,
        };
        if let Some((happened, listener)) = happened.zip(self.listener.get()) {
            listener(happened);
        }
    }

    pub(super) fn forget(&self, id: DownloadId) -> Option<(Asker, Credentials)> {
        self.unproven.borrow_mut().remove(&id)
    }

    /// The download is off the list.
    pub(super) fn leave(&self, id: DownloadId) {
        self.forget(id);
        self.sought.borrow_mut().remove(&id);
    }

    /// Whether a remembered log-in is just looked for.
    pub(super) fn is_sought(&self, id: DownloadId) -> bool {
        self.sought.borrow().contains(&id)
    }

    pub(super) fn remember(&self, id: DownloadId, asker: Asker, credentials: Credentials) {
        self.unproven.borrow_mut().insert(id, (asker, credentials));
    }
}

impl Session {
    /// What there is to ask for a download; `None` if it needs no log-in.
    pub fn login(&self, id: DownloadId) -> Option<Login> {
        let spec = |id| Some(self.engine().record(id)?.spec);
        let (own, asks) = (spec(id)?, self.engine().snapshot(id)?);
        let login = Login::of(&own, wanting(&asks.state)?)?;
        let is_like = |other: &Snapshot| {
            let wanted = wanting(&other.state).and_then(Failure::login_wanted);
            other.id != id
                && wanted == Some(login.to)
                && match login.to {
                    LoginTo::Server => is_same_origin(&other.url, &own.url),
                    LoginTo::Proxy => spec(other.id).is_some_and(|other| other.manners.proxy == own.manners.proxy),
                }
        };
        let others = self.engine().live_snapshots().into_iter().filter(is_like).map(|other| other.id).collect();
        Some(Login { others, ..login })
    }

    /// Lets downloads go on with this name and password, which stay in memory. If it `remembers` them for someone,
    /// they are told of as soon as they have been taken.
    pub fn log_in(&self, ids: &[DownloadId], credentials: &Credentials, remembers: Option<&Asker>) {
        for id in ids {
            if let Some(asker) = remembers {
                self.logins().remember(*id, asker.clone(), credentials.clone());
            }
            self.send(Command::LogIn { id: *id, credentials: credentials.clone() });
        }
    }

    /// Something is asked for a log-in that it may remember for this download. Until the download goes on with it, or
    /// `find_no_login` says that there is none, it counts as one that is still to be done. To be called by who hears
    /// that it was asked for.
    pub fn seek_login(&self, id: DownloadId) {
        self.logins().sought.borrow_mut().insert(id);
    }

    /// Nothing is remembered for it.
    pub fn find_no_login(&self, id: DownloadId) {
        if self.logins().is_sought(id) {
            self.recount(id, || {
                self.logins().sought.borrow_mut().remove(&id);
            });
        }
    }

    /// Calls back with what becomes of log-ins from now on.
    pub fn connect_login(&self, told: impl Fn(Happened) + 'static) {
        self.logins().listener.set(Rc::new(told));
    }
}

impl Login {
    fn of(spec: &DownloadSpec, failure: &Failure) -> Option<Self> {
        let realm = failure.realm.as_deref();
        Some(match failure.login_wanted()? {
            LoginTo::Server => Self::to_server(spec, realm),
            LoginTo::Proxy => Self::to_proxy(spec, realm),
        })
    }

    fn to_server(spec: &DownloadSpec, realm: Option<&str>) -> Self {
        let given = spec.manners.credentials.as_ref().map(|credentials| credentials.user.clone());
        Self {
            to: LoginTo::Server,
            // Translators: {host} is the name of a server.
            sentence: gettext_f("{host} asks for a user name and a password.", &[("host", &shown(&spec.url))]),
            // Translators: {realm} is what a server says a log-in is for, in its own words, like “Members”.
            realm: realm.map(|realm| gettext_f("The server says: “{realm}”", &[("realm", &isolated(realm))])),
            is_refused: given.is_some() || spec.url.password().is_some(),
            user: given.or_else(|| user_in(&spec.url)),
            is_open: matches!(spec.url.scheme(), "http" | "ftp"),
            others: Vec::new(),
            asker: Some(Asker::server(&spec.url, realm)),
        }
    }

    fn to_proxy(spec: &DownloadSpec, realm: Option<&str>) -> Self {
        let given = spec.manners.proxy_credentials.as_ref().map(|credentials| credentials.user.clone());
        let proxy = spec.manners.proxy.as_deref().and_then(proxy_url);
        let sentence = match &proxy {
            Some(url) => {
                // Translators: {host} is the name of a proxy.
                gettext_f("The proxy {host} asks for a user name and a password.", &[("host", &shown(url))])
            }
            None => gettext("The proxy asks for a user name and a password."),
        };
        Self {
            to: LoginTo::Proxy,
            sentence,
            // Translators: {realm} is what a proxy says a log-in is for, in its own words, like “Members”.
            realm: realm.map(|realm| gettext_f("The proxy says: “{realm}”", &[("realm", &isolated(realm))])),
            is_refused: given.is_some() || proxy.as_ref().is_some_and(|url| url.password().is_some()),
            user: given.or_else(|| user_in(proxy.as_ref()?)),
            is_open: proxy.as_ref().is_none_or(|url| url.scheme() != "proxy+https"),
            others: Vec::new(),
            asker: proxy.as_ref().map(|url| Asker::proxy(url, realm)),
        }
    }

    /// What is offered if others wait for the same log-in.
    pub fn offer(&self) -> Option<String> {
        let n = self.others.len();
        let count = amounts::count(n);
        let values = [("n", count.as_str())];
        let offer = || match self.to {
            LoginTo::Server => ngettext_f(
                "Also for {n} more download of this server",
                "Also for {n} more downloads of this server",
                n,
                &values,
            ),
            LoginTo::Proxy => ngettext_f(
                "Also for {n} more download through this proxy",
                "Also for {n} more downloads through this proxy",
                n,
                &values,
            ),
        };
        (n > 0).then(offer)
    }
}

impl Asker {
    pub(super) fn server(url: &Url, realm: Option<&str>) -> Self {
        Self::of(url, url.port().or_else(|| usual_port(url.scheme())).unwrap_or_default(), realm)
    }

    /// One of [`proxy_url`].
    fn proxy(url: &Url, realm: Option<&str>) -> Self {
        let usual = if url.scheme() == "proxy+https" { 443 } else { PROXY_PORT };
        Self::of(url, url.port().unwrap_or(usual), realm)
    }

    fn of(url: &Url, port: u16, realm: Option<&str>) -> Self {
        let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
        Self { protocol: url.scheme().to_owned(), host, port, realm: realm.map(ToOwned::to_owned) }
    }

    pub fn is_proxy(&self) -> bool {
        self.protocol.starts_with(PROXY)
    }

    /// As a user knows it: `example.org`, `ftp://example.org`, `proxy.example.org:3128`.
    pub fn title(&self) -> String {
        let scheme = match self.protocol.as_str() {
            "https" => String::new(),
            _ if self.is_proxy() => String::new(),
            other => format!("{other}://"),
        };
        let port =
            if usual_port(&self.protocol) == Some(self.port) { String::new() } else { format!(":{}", self.port) };
        format!("{scheme}{}{port}", self.host)
    }
}

/// Of the schemes that are downloaded from: not all are known to [`Url`].
fn usual_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        "ftp" => Some(21),
        "ftps" => Some(990),
        "sftp" => Some(22),
        _ => None,
    }
}

/// What is wrong with a user name, if anything is.
pub fn user_problem(user: &str) -> Option<String> {
    // In what is sent, one stands between name and password.
    user.contains(':').then(|| gettext("A user name cannot contain “:”."))
}

/// Why a download waits for a log-in, if it does.
fn wanting(state: &State) -> Option<&Failure> {
    describe::reason(state).filter(|failure| failure.login_wanted().is_some())
}

fn user_in(url: &Url) -> Option<String> {
    Some(url.username()).filter(|user| !user.is_empty()).map(ToOwned::to_owned)
}

/// A proxy as curl takes it, which need not have a scheme, under one in which no port is the usual one.
fn proxy_url(proxy: &str) -> Option<Url> {
    let (scheme, rest) = proxy.trim().split_once("://").unwrap_or(("http", proxy.trim()));
    Url::parse(&format!("{PROXY}{scheme}://{rest}")).ok().filter(Url::has_host)
}

/// With the port where it is not the usual one.
fn shown(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    isolated(&url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}")))
}

/// What is around it may run from right to left.
fn isolated(text: &str) -> String {
    format!("\u{2068}{text}\u{2069}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::error::FailureKind;

    fn spec(address: &str) -> DownloadSpec {
        DownloadSpec::new(address.parse().unwrap(), "/srv".into())
    }

    fn asks(kind: FailureKind, realm: Option<&str>) -> Failure {
        Failure { realm: realm.map(Into::into), ..Failure::new(kind, "") }
    }

    fn login(address: &str) -> Login {
        Login::of(&spec(address), &asks(FailureKind::LoginRequired, None)).unwrap()
    }

    fn proxy_login(proxy: Option<&str>) -> Login {
        let mut spec = spec("http://h/f");
        spec.manners.proxy = proxy.map(str::to_owned);
        Login::of(&spec, &asks(FailureKind::ProxyLogin, Some("gate"))).unwrap()
    }

    #[test]
    fn the_server_is_named_with_its_port_and_without_the_users_name() {
        let asks = |host: &str| format!("\u{2068}{host}\u{2069} asks for a user name and a password.");
        assert_eq!(login("https://ann:secret@example.org/f").sentence, asks("example.org"));
        assert_eq!(login("http://example.org:8080/f").sentence, asks("example.org:8080"));
        // A name that would turn the words around it is shown as it is looked up.
        assert_eq!(login("http://\u{5d0}.example.org/f").sentence, asks("xn--4db.example.org"));
    }

    #[test]
    fn only_what_had_a_password_was_refused() {
        assert_eq!((login("http://h/f").user, login("http://h/f").is_refused), (None, false));
        let named = login("http://ann@h/f");
        assert_eq!((named.user.as_deref(), named.is_refused), (Some("ann"), false));
        assert!(login("http://ann:secret@h/f").is_refused);
        let mut spec = spec("http://ann@h/f");
        spec.manners.credentials = Some(Credentials { user: "bob".into(), password: "secret".into() });
        let tried = Login::of(&spec, &asks(FailureKind::LoginRequired, None)).unwrap();
        assert_eq!((tried.user.as_deref(), tried.is_refused), (Some("bob"), true));
    }

    #[test]
    fn a_connection_without_encryption_is_one_to_warn_of() {
        let open = |scheme: &str| login(&format!("{scheme}://h/f")).is_open;
        assert_eq!(["http", "ftp", "https", "ftps", "sftp"].map(open), [true, true, false, false, false]);
    }

    #[test]
    fn a_proxy_is_asked_apart_from_the_server() {
        let named = proxy_login(Some("ann@Proxy:3128"));
        assert_eq!(named.sentence, "The proxy \u{2068}Proxy:3128\u{2069} asks for a user name and a password.");
        assert_eq!(named.realm.as_deref(), Some("The proxy says: “\u{2068}gate\u{2069}”"));
        assert_eq!((named.user.as_deref(), named.is_refused, named.is_open), (Some("ann"), false, true));
        assert!(proxy_login(Some("socks5h://proxy")).is_open, "it takes passwords as they are");
        assert!(!proxy_login(Some("https://proxy")).is_open && proxy_login(Some("ann:pw@proxy")).is_refused);
        let titles = |proxy| proxy_login(Some(proxy)).asker.map(|asker| (asker.protocol.clone(), asker.title()));
        for (proxy, protocol, title) in [
            ("Proxy:3128", "proxy+http", "proxy:3128"),
            // A port that is the usual one of servers is none of proxies.
            ("http://proxy:80", "proxy+http", "proxy:80"),
            ("proxy", "proxy+http", "proxy:1080"),
            ("https://ann@proxy", "proxy+https", "proxy:443"),
            ("socks5h://proxy", "proxy+socks5h", "proxy:1080"),
        ] {
            assert_eq!(titles(proxy), Some((protocol.to_owned(), title.to_owned())), "{proxy}");
        }
        // By the environment: nobody knows which one.
        let unknown = proxy_login(None);
        assert_eq!((unknown.asker, unknown.is_open), (None, true));
        assert_eq!(unknown.sentence, "The proxy asks for a user name and a password.");
    }

    #[test]
    fn what_is_remembered_is_for_one_scheme_host_port_and_realm() {
        let asker = |address: &str, realm: Option<&str>| {
            Login::of(&spec(address), &asks(FailureKind::LoginRequired, realm)).unwrap().asker.unwrap()
        };
        assert_eq!(asker("https://ann:pw@H/a?b", Some("r")), asker("https://h:443/c", Some("r")));
        for other in ["http://h/a", "https://h:444/a", "https://www.h/a", "ftp://h/a"] {
            assert_ne!(asker(other, Some("r")), asker("https://h/a", Some("r")), "{other}");
        }
        assert_ne!(asker("https://h/a", Some("r")), asker("https://h/a", Some("s")));
        let titled = |url| asker(url, None).title();
        assert_eq!(["https://h/a", "http://h:8080/a", "ftp://h/a"].map(titled), ["h", "http://h:8080", "ftp://h"]);
        assert_eq!(["sftp://h:2022/a", "sftp://h/a"].map(titled), ["sftp://h:2022", "sftp://h"]);
        assert_eq!(asker("sftp://h/a", None), asker("sftp://h:22/a", None));
    }

    #[test]
    fn a_login_is_remembered_only_once_it_has_been_taken() {
        let logins = Logins::default();
        let told = Rc::new(RefCell::new(Vec::new()));
        let hear = told.clone();
        logins.listener.set(Rc::new(move |happened| hear.borrow_mut().push(happened)));
        let (id, refused) = (DownloadId(1), State::Failed(asks(FailureKind::LoginRequired, None)));
        let (asker, given) =
            (Asker::server(&spec("http://h/f").url, None), Credentials { user: "ann".into(), password: "pw".into() });

        logins.follow(id, &State::Connecting, &refused);
        assert_eq!(told.take(), [Happened::Asked(id)]);
        logins.remember(id, asker.clone(), given.clone());
        for (old, new) in
            [(&refused, &State::Queued), (&State::Queued, &State::Connecting), (&State::Connecting, &refused)]
        {
            logins.follow(id, old, new);
        }
        assert_eq!(told.take(), [Happened::Asked(id)], "it was refused");
        logins.follow(id, &State::Connecting, &State::Downloading);
        assert_eq!(told.take(), [], "what was refused is forgotten");

        logins.remember(id, asker.clone(), given.clone());
        logins.follow(id, &State::Connecting, &State::Downloading);
        logins.follow(id, &State::Downloading, &State::Completed);
        assert_eq!(told.take(), [Happened::Taken(asker, given)], "once");
    }
}

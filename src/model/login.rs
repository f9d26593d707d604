// SPDX-License-Identifier: GPL-3.0-or-later
//! What has to be known before a user name and a password are asked for, and to whom they go.

use url::Url;

use super::{Command, DownloadId, Session, describe};
use crate::engine::download::spec::{Credentials, DownloadSpec, is_same_origin};
use crate::engine::event::Snapshot;
use crate::i18n::{gettext, gettext_f, ngettext_f};

/// A log-in that a server asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Who asks, in one sentence.
    pub sentence: String,
    /// The name that was used last.
    pub user: Option<String>,
    /// What was used last was not taken.
    pub is_refused: bool,
    /// Whoever is on the way may read what is sent.
    pub is_open: bool,
    /// Other downloads that wait for a log-in to the same server.
    pub others: Vec<DownloadId>,
}

impl Session {
    /// What there is to ask for a download; `None` if its server asks for no log-in.
    pub fn login(&self, id: DownloadId) -> Option<Login> {
        let download = self.engine().snapshot(id).filter(is_wanted)?;
        let spec = self.engine().record(id)?.spec;
        let all = self.engine().live_snapshots().into_iter();
        let others =
            all.filter(|other| other.id != id && is_wanted(other) && is_same_origin(&other.url, &download.url));
        Some(Login { others: others.map(|other| other.id).collect(), ..Login::of(&spec) })
    }

    /// Lets downloads go on with this name and password, which are kept in memory only.
    pub fn log_in(&self, ids: &[DownloadId], user: &str, password: &str) {
        for id in ids {
            let credentials = Credentials { user: user.to_owned(), password: password.to_owned() };
            self.send(Command::LogIn { id: *id, credentials });
        }
    }
}

impl Login {
    fn of(spec: &DownloadSpec) -> Self {
        let given = spec.manners.credentials.as_ref().map(|credentials| credentials.user.clone());
        let in_address = Some(spec.url.username()).filter(|user| !user.is_empty()).map(ToOwned::to_owned);
        Self {
            // Translators: {host} is the name of a server.
            sentence: gettext_f("{host} asks for a user name and a password.", &[("host", &host(&spec.url))]),
            is_refused: given.is_some() || spec.url.password().is_some(),
            user: given.or(in_address),
            is_open: matches!(spec.url.scheme(), "http" | "ftp"),
            others: Vec::new(),
        }
    }

    /// What is offered if others wait for the same log-in.
    pub fn offer(&self) -> Option<String> {
        let n = self.others.len();
        let offer = || {
            ngettext_f(
                "Also for {n} more download of this server",
                "Also for {n} more downloads of this server",
                n,
                &[("n", &n.to_string())],
            )
        };
        (n > 0).then(offer)
    }
}

/// What is wrong with a user name, if anything is.
pub fn user_problem(user: &str) -> Option<String> {
    // In what is sent, one stands between name and password.
    user.contains(':').then(|| gettext("A user name can not contain “:”."))
}

fn is_wanted(download: &Snapshot) -> bool {
    describe::reason(&download.state).is_some_and(|reason| reason.is_login_wanted())
}

/// With the port where it is not the usual one. Isolated, as what is around it may run from right to left.
fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    let host = url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
    format!("\u{2068}{host}\u{2069}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(address: &str) -> Login {
        Login::of(&DownloadSpec::new(address.parse().unwrap(), "/srv".into()))
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
        let mut spec = DownloadSpec::new("http://ann@h/f".parse().unwrap(), "/srv".into());
        spec.manners.credentials = Some(Credentials { user: "bob".into(), password: "secret".into() });
        let tried = Login::of(&spec);
        assert_eq!((tried.user.as_deref(), tried.is_refused), (Some("bob"), true));
    }

    #[test]
    fn a_connection_without_encryption_is_one_to_warn_of() {
        let open = |scheme: &str| login(&format!("{scheme}://h/f")).is_open;
        assert_eq!(["http", "ftp", "https", "ftps", "sftp"].map(open), [true, true, false, false, false]);
    }
}

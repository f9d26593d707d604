// SPDX-License-Identifier: GPL-3.0-or-later
//! Log-ins in the keyring of the desktop, by libsecret: the Secret Service of the session, or, in a sandbox, a
//! file of the program's own that is encrypted with what the portal for secrets gives it.
//! <https://specifications.freedesktop.org/secret-service-spec/latest/>
//!
//! A keyring may be locked, may not be there, or may never answer: nothing here waits on the main loop, nothing
//! waits for ever, and the user is asked to unlock it only where that is said.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use gio::prelude::*;
use secret::prelude::*;
use secret::{Retrievable, Schema, SchemaAttributeType, SchemaFlags, SearchFlags};

use crate::config;
use crate::i18n::{gettext, gettext_f};
use crate::model::login::{Asker, Credentials};

/// So long it may take where nobody is asked anything.
const PATIENCE: Duration = Duration::from_secs(5);

/// So long where the user may have to unlock it, who has to find the password first.
const PATIENCE_WITH_USER: Duration = Duration::from_secs(120);

/// Whose it is. Not by the name of the schema: locked ones are not found by that (gnome-keyring 42).
const APPLICATION: &str = "application";
const PROTOCOL: &str = "protocol";
const SERVER: &str = "server";
const PORT: &str = "port";
/// Always there, empty where it is not known: what is asked for without it would fit those of any realm.
const REALM: &str = "realm";
const USER: &str = "user";

/// What all errors of D-Bus begin with that say that there is nobody of a name.
const NOBODY: [&str; 3] = [
    "org.freedesktop.DBus.Error.ServiceUnknown",
    "org.freedesktop.DBus.Error.NameHasNoOwner",
    "org.freedesktop.DBus.Error.Spawn",
];

/// A remembered log-in without its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    pub asker: Asker,
    pub user: String,
}

/// All that the keyring has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct All {
    /// By their titles.
    pub logins: Vec<Saved>,
    /// There are more, and the user has to unlock it first.
    pub are_locked: bool,
}

/// What the keyring has for someone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recalled {
    Nothing,
    /// There is one, but the user has to unlock the keyring first.
    Locked,
    Found(Credentials),
}

/// Whether the user may be asked to unlock the keyring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    No,
    Yes,
}

/// A handle to the keyring. Errors are sentences for the user.
#[derive(Clone, Debug)]
pub struct Keyring {
    schema: Schema,
}

impl Default for Keyring {
    fn default() -> Self {
        let attributes =
            [APPLICATION, PROTOCOL, SERVER, PORT, REALM, USER].map(|name| (name, SchemaAttributeType::String));
        let name = format!("{}.Login", config::APP_ID);
        Self { schema: Schema::new(&name, SchemaFlags::DONT_MATCH_NAME, HashMap::from(attributes)) }
    }
}

impl Keyring {
    /// The log-in that is remembered for someone: that for its realm, else one that was remembered before any was
    /// known. One for another realm is another's.
    pub async fn recall(&self, asker: &Asker, asking: Asking) -> Result<Recalled, String> {
        let unknown = Asker { realm: None, ..asker.clone() };
        let mut items = self.search(&for_asker(asker), asking).await?;
        if items.is_empty() && *asker != unknown {
            items = self.search(&for_asker(&unknown), asking).await?;
        }
        let Some(newest) = items.iter().max_by_key(|item| item.modified()) else { return Ok(Recalled::Nothing) };
        // What is locked does not tell its name either.
        let saved = match saved(newest) {
            Some(saved) if !is_locked(newest) => saved,
            _ => return Ok(Recalled::Locked),
        };
        let secret = within(PATIENCE, newest.retrieve_secret_future()).await?;
        let password = secret.and_then(|secret| secret.text());
        Ok(password.map_or(Recalled::Nothing, |password| {
            Recalled::Found(Credentials { user: saved.user, password: password.into() })
        }))
    }

    /// Remembers one, in the place of any other for the same. The user may be asked to unlock the keyring.
    pub async fn remember(&self, asker: &Asker, credentials: &Credentials) -> Result<(), String> {
        // One that does not answer is not waited for as long as the user is.
        self.search(&ours(), Asking::No).await?;
        let mut attributes = for_asker(asker);
        attributes.insert(USER, credentials.user.clone());
        // Translators: as what a log-in is found in the program for passwords; {user} is a name, {host} a server.
        let label = gettext_f("Freshet: {user} at {host}", &[("user", &credentials.user), ("host", &asker.title())]);
        let (schema, password) = (Some(&self.schema), &credentials.password);
        let storing = secret::password_store_future(schema, borrowed(&attributes), None, &label, password);
        within(PATIENCE_WITH_USER, storing).await?;
        let there = self.search(&for_asker(asker), Asking::No).await?;
        let (own, others): (Vec<_>, Vec<_>) =
            there.iter().filter_map(saved).partition(|saved| saved.user == credentials.user);
        // Where the user did not unlock it some versions of libsecret say nothing.
        if own.is_empty() {
            return Err(gettext("The keyring is locked."));
        }
        for other in &others {
            self.forget(other).await?;
        }
        Ok(())
    }

    /// All that are remembered.
    pub async fn all(&self, asking: Asking) -> Result<All, String> {
        let items = self.search(&ours(), asking).await?;
        let mut logins: Vec<_> = items.iter().filter(|item| !is_locked(item)).filter_map(saved).collect();
        logins.sort_by_cached_key(|saved| (saved.asker.title(), saved.user.clone()));
        Ok(All { logins, are_locked: items.iter().any(is_locked) })
    }

    pub async fn forget(&self, saved: &Saved) -> Result<(), String> {
        let mut attributes = for_asker(&saved.asker);
        attributes.insert(USER, saved.user.clone());
        let clearing = secret::password_clear_future(Some(&self.schema), borrowed(&attributes));
        within(PATIENCE_WITH_USER, clearing).await
    }

    async fn search(&self, attributes: &Attributes, asking: Asking) -> Result<Vec<Retrievable>, String> {
        if asking == Asking::Yes {
            // What is unlocked by this still has the attributes of what is locked: it is searched for anew.
            self.find(attributes, SearchFlags::ALL | SearchFlags::UNLOCK, PATIENCE_WITH_USER).await?;
        }
        self.find(attributes, SearchFlags::ALL, PATIENCE).await
    }

    async fn find(
        &self,
        attributes: &Attributes,
        flags: SearchFlags,
        patience: Duration,
    ) -> Result<Vec<Retrievable>, String> {
        within(patience, secret::password_search_future(Some(&self.schema), borrowed(attributes), flags)).await
    }
}

type Attributes = HashMap<&'static str, String>;

fn ours() -> Attributes {
    HashMap::from([(APPLICATION, config::APP_ID.to_owned())])
}

fn for_asker(asker: &Asker) -> Attributes {
    let mut attributes = ours();
    attributes.insert(PROTOCOL, asker.protocol.clone());
    attributes.insert(SERVER, asker.host.clone());
    attributes.insert(PORT, asker.port.to_string());
    attributes.insert(REALM, asker.realm.clone().unwrap_or_default());
    attributes
}

fn borrowed(attributes: &Attributes) -> HashMap<&str, &str> {
    attributes.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

fn saved(item: &Retrievable) -> Option<Saved> {
    let mut attributes = item.attributes();
    let mut take = |name| attributes.remove(name);
    let realm = take(REALM).filter(|realm| !realm.is_empty());
    let asker = Asker { protocol: take(PROTOCOL)?, host: take(SERVER)?, port: take(PORT)?.parse().ok()?, realm };
    Some(Saved { asker, user: take(USER)? })
}

fn is_locked(item: &Retrievable) -> bool {
    // Those of a sandbox's own file are not.
    item.downcast_ref::<secret::Item>().is_some_and(secret::Item::is_locked)
}

async fn within<T>(patience: Duration, asked: impl Future<Output = Result<T, glib::Error>>) -> Result<T, String> {
    match glib::future_with_timeout(patience, asked).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => {
            tracing::info!(%error, "The keyring cannot be used");
            Err(sentence(error))
        }
        Err(_) => {
            tracing::info!("the keyring does not answer");
            Err(gettext("The keyring does not answer."))
        }
    }
}

fn sentence(mut error: glib::Error) -> String {
    let remote = gio::DBusError::remote_error(&error).unwrap_or_default();
    if NOBODY.iter().any(|name| remote.starts_with(name)) {
        return gettext("This computer has no keyring.");
    }
    if error.matches(secret::Error::IsLocked) {
        return gettext("The keyring is locked.");
    }
    if error.matches(gio::IOErrorEnum::TimedOut) {
        return gettext("The keyring does not answer.");
    }
    gio::DBusError::strip_remote_error(&mut error);
    gettext_f("The keyring cannot be used: {reason}", &[("reason", error.message())])
}

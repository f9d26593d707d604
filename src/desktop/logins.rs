// SPDX-License-Identifier: GPL-3.0-or-later
//! Tries a remembered log-in where a download asks for one, once and without asking anybody, and saves what is to
//! be remembered as soon as it has been taken.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

use super::keyring::{Asking, Keyring, Recalled};
use crate::i18n::gettext_f;
use crate::model::login::{Asker, Credentials, Happened};
use crate::model::{DownloadId, Session};

/// What is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A download waits for the user to log in.
    Needed(DownloadId),
    /// A sentence: something could not be remembered.
    NotRemembered(String),
}

struct Logins {
    session: Session,
    keyring: Keyring,
    /// Which downloads wait for what the keyring has: it is asked once for all of them.
    waiting: RefCell<HashMap<Asker, Vec<DownloadId>>>,
    told: Box<dyn Fn(Told)>,
}

impl fmt::Debug for Logins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logins").field("waiting", &self.waiting).finish_non_exhaustive()
    }
}

/// Follows the session from now on.
pub fn follow(session: &Session, told: impl Fn(Told) + 'static) {
    let logins = Rc::new(Logins {
        session: session.clone(),
        keyring: Keyring::default(),
        waiting: RefCell::default(),
        told: Box::new(told),
    });
    session.connect_login(move |happened| match happened {
        Happened::Asked(id) => logins.asked(id),
        Happened::Taken(asker, credentials) => logins.taken(asker, credentials),
    });
}

impl Logins {
    fn asked(self: &Rc<Self>, id: DownloadId) {
        // What was used once and refused is not for another try: servers lock out who fails too often.
        let asker = self.session.login(id).filter(|login| !login.is_refused).and_then(|login| login.asker);
        let Some(asker) = asker else { return (self.told)(Told::Needed(id)) };
        self.session.seek_login(id);
        let mut waiting = self.waiting.borrow_mut();
        let is_first = !waiting.contains_key(&asker);
        waiting.entry(asker.clone()).or_default().push(id);
        drop(waiting);
        if is_first {
            let logins = self.clone();
            glib::spawn_future_local(async move {
                // Nobody may be there to unlock it.
                let recalled = logins.keyring.recall(&asker, Asking::No).await;
                logins.recalled(&asker, recalled.unwrap_or(Recalled::Nothing));
            });
        }
    }

    fn recalled(&self, asker: &Asker, recalled: Recalled) {
        let ids = self.waiting.borrow_mut().remove(asker).unwrap_or_default();
        // The user may have been quicker.
        let waits = |id: &DownloadId| self.session.login(*id).is_some_and(|login| !login.is_refused);
        let (ids, others): (Vec<_>, Vec<_>) = ids.into_iter().partition(waits);
        others.into_iter().for_each(|id| self.session.find_no_login(id));
        match recalled {
            Recalled::Found(credentials) => self.session.log_in(&ids, &credentials, None),
            Recalled::Nothing | Recalled::Locked => ids.into_iter().for_each(|id| {
                (self.told)(Told::Needed(id));
                self.session.find_no_login(id);
            }),
        }
    }

    fn taken(self: &Rc<Self>, asker: Asker, credentials: Credentials) {
        let logins = self.clone();
        glib::spawn_future_local(async move {
            if let Err(reason) = logins.keyring.remember(&asker, &credentials).await {
                let values = [("host", asker.title()), ("reason", reason)];
                let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
                // Translators: {host} is the name of a server, {reason} a whole sentence.
                let words = gettext_f("The log-in for {host} could not be remembered. {reason}", &values);
                (logins.told)(Told::NotRemembered(words));
            }
        });
    }
}

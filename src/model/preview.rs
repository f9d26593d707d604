// SPDX-License-Identifier: GPL-3.0-or-later
//! What addresses lead to, before they are downloads, in words: asked for while somebody looks, and of no
//! more than can be looked at.

use std::cell::RefCell;
use std::path::Path;
use std::rc::{Rc, Weak};

use url::Url;

use super::Addresses;
use super::amounts::size;
use super::session::{Place, Session};
use super::{content_type, failures};
use crate::engine::disk::naming;
use crate::engine::download::spec::{DownloadSpec, Manners, is_same_origin};
use crate::engine::error::Failure;
use crate::engine::event::Probed;
use crate::engine::types::ProbeId;
use crate::i18n::{gettext, gettext_f, in_one_line};

/// Of more addresses than these only the number is told.
pub const MOST: usize = 12;

/// What addresses lead to. When it goes, nothing is asked any more.
#[derive(Clone, Debug)]
pub struct Preview(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    session: Session,
    asked: RefCell<Vec<Asked>>,
    changed: Changed,
}

#[derive(Default)]
struct Changed(RefCell<Option<Rc<dyn Fn()>>>);

impl std::fmt::Debug for Changed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Changed").field(&self.0.borrow().is_some()).finish()
    }
}

#[derive(Debug)]
struct Asked {
    url: Url,
    manners: Manners,
    id: ProbeId,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Nothing was asked yet.
    Waiting(Box<DownloadSpec>),
    Asking,
    Known(Result<Probed, Failure>),
}

impl Asked {
    fn new(spec: DownloadSpec, id: ProbeId) -> Self {
        let (url, manners) = (spec.url.clone(), spec.manners.clone());
        Self { url, manners, id, stage: Stage::Waiting(Box::new(spec)) }
    }

    fn is_of(&self, spec: &DownloadSpec) -> bool {
        self.url == spec.url && self.manners == spec.manners
    }

    fn result(&self) -> Option<&Result<Probed, Failure>> {
        match &self.stage {
            Stage::Known(result) => Some(result),
            Stage::Waiting(_) | Stage::Asking => None,
        }
    }

    /// Whether who is asked about both is given the same user name and password.
    fn shares_login(&self, other: &Self) -> bool {
        let (own, others) = (&self.manners, &other.manners);
        let has_login = own.credentials.is_some() || self.url.password().is_some();
        let in_url = |url: &Url| (url.username().to_owned(), url.password().map(ToOwned::to_owned));
        let to_server = has_login
            && is_same_origin(&self.url, &other.url)
            && own.credentials == others.credentials
            && in_url(&self.url) == in_url(&other.url);
        let to_proxy =
            own.has_proxy_login() && own.proxy == others.proxy && own.proxy_credentials == others.proxy_credentials;
        to_server || to_proxy
    }
}

/// Takes out what may be asked now. A log-in is tried at one address; the others that are asked with it wait for what
/// comes of that, and where it is refused that is what is known of them, too: servers lock out who fails often.
fn take_due(all: &mut [Asked]) -> Vec<(ProbeId, DownloadSpec)> {
    let mut due = Vec::new();
    for place in 0..all.len() {
        let turn = all.get(place).map_or(Turn::Later, |one| turn(one, all));
        let Some(one) = all.get_mut(place) else { continue };
        match (turn, std::mem::replace(&mut one.stage, Stage::Asking)) {
            (Turn::Now, Stage::Waiting(spec)) => due.push((one.id, *spec)),
            (Turn::Never(failure), Stage::Waiting(_)) => one.stage = Stage::Known(Err(failure)),
            (_, before) => one.stage = before,
        }
    }
    due
}

enum Turn {
    Now,
    Later,
    /// The log-in was refused already.
    Never(Failure),
}

fn turn(one: &Asked, all: &[Asked]) -> Turn {
    let alike = || all.iter().filter(|other| other.id != one.id && one.shares_login(other));
    let refusal =
        |other: &Asked| other.result()?.as_ref().err().filter(|failure| failure.login_wanted().is_some()).cloned();
    if let Some(failure) = alike().find_map(refusal) {
        return Turn::Never(failure);
    }
    let is_taken = alike().any(|other| matches!(other.result(), Some(Ok(_))));
    let is_tried = alike().any(|other| matches!(other.stage, Stage::Asking));
    if is_tried && !is_taken { Turn::Later } else { Turn::Now }
}

/// What is known of one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub name: String,
    pub words: String,
    /// It cannot be downloaded as it is.
    pub is_bad: bool,
}

impl Preview {
    pub fn new(session: &Session) -> Self {
        let inner = Inner { session: session.clone(), asked: RefCell::default(), changed: Changed::default() };
        Self(Rc::new(inner))
    }

    /// Calls back whenever more is known.
    pub fn connect_changed(&self, changed: impl Fn() + 'static) {
        self.0.changed.0.replace(Some(Rc::new(changed)));
    }

    /// From now on these are the addresses; what is known of one of them need not be asked again.
    pub fn look_at(&self, addresses: &Addresses, place: &Place) {
        let Inner { session, asked, .. } = &*self.0;
        let mut before = asked.take();
        let mut one_of = |spec: DownloadSpec| match before.iter().position(|asked| asked.is_of(&spec)) {
            Some(at) => before.swap_remove(at),
            None => Asked::new(spec, session.new_probe()),
        };
        let now = session.specs(addresses, place).take(MOST).map(&mut one_of).collect();
        asked.replace(now);
        end(session, &before);
        Self::ask(&self.0);
        self.0.tell();
    }

    fn ask(inner: &Rc<Inner>) {
        let due = take_due(&mut inner.asked.borrow_mut());
        for (id, spec) in due {
            let weak = Rc::downgrade(inner);
            inner.session.probe(id, spec, move |result| Self::learn(&weak, id, result));
        }
    }

    fn learn(weak: &Weak<Inner>, id: ProbeId, result: Result<Probed, Failure>) {
        let Some(inner) = weak.upgrade() else { return };
        if let Some(asked) = inner.asked.borrow_mut().iter_mut().find(|asked| asked.id == id) {
            asked.stage = Stage::Known(result);
        }
        Self::ask(&inner);
        inner.tell();
    }

    pub fn rows(&self) -> Vec<Row> {
        self.0.asked.borrow().iter().map(|asked| row(&asked.url, asked.result())).collect()
    }

    /// The name and the type that a server has told of an address.
    pub(super) fn told(&self, url: &Url) -> Option<(String, Option<String>)> {
        let asked = self.0.asked.borrow();
        let probed = asked.iter().find(|asked| asked.url == *url)?.result()?.as_ref().ok()?;
        Some((probed.name.clone(), probed.media_type.clone()))
    }

    /// What they need together, of `count` files, and whether `free` bytes are too few for it. The sentence
    /// is a warning then.
    pub fn room(&self, count: usize, free: Option<u64>) -> (String, bool) {
        let asked = self.0.asked.borrow();
        let sizes: Vec<_> = asked.iter().filter_map(|asked| asked.result()?.as_ref().ok()?.total).collect();
        room(&sizes, count, free)
    }
}

impl Inner {
    fn tell(&self) {
        let changed = self.changed.0.borrow().clone();
        if let Some(changed) = changed {
            changed();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        end(&self.session, &self.asked.take());
    }
}

/// Nobody wants to know any more.
fn end(session: &Session, all: &[Asked]) {
    for asked in all.iter().filter(|asked| matches!(asked.stage, Stage::Asking)) {
        session.end_probe(asked.id);
    }
}

fn row(url: &Url, result: Option<&Result<Probed, Failure>>) -> Row {
    let host = url.host_str().unwrap_or_default();
    // As long as nobody tells another one.
    let name = || naming::choose(None, None, url, None);
    match result {
        None => Row {
            name: name(),
            // Translators: while a server is asked what an address leads to.
            words: gettext("Asking the server…"),
            is_bad: false,
        },
        Some(Ok(probed)) => Row { name: probed.name.clone(), words: words(probed), is_bad: false },
        Some(Err(failure)) => {
            Row { name: name(), words: failures::failure(&failure.kind, Some(host), Path::new("")), is_bad: true }
        }
    }
}

/// `4.2 MB – Zip archive – can be resumed`
fn words(probed: &Probed) -> String {
    let total = probed.total.map_or_else(|| gettext("Size not known"), size);
    let resumable = probed.resumable.map(|is_resumable| {
        if is_resumable {
            // Translators: of a download.
            gettext("can be resumed")
        } else {
            gettext("cannot be resumed")
        }
    });
    let sort = content_type::in_words(&probed.name, probed.media_type.as_deref());
    in_one_line([Some(total), sort, resumable].into_iter().flatten())
}

fn room(sizes: &[u64], count: usize, free: Option<u64>) -> (String, bool) {
    let needed: u64 = sizes.iter().sum();
    if let Some(free) = free.filter(|free| needed > *free) {
        let values = [("needed", size(needed)), ("free", size(free))];
        let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
        return (gettext_f("Not enough room in the folder: {needed} is needed, {free} is free.", &values), true);
    }
    let together = match sizes.len() {
        0 => None,
        known if known == count => Some(size(needed)),
        // Translators: {size} is an amount like “4.2 MB”; of some files it is not known.
        _ => Some(gettext_f("at least {size}", &[("size", &size(needed))])),
    };
    // One file says it in its row.
    let together = together.filter(|_| count > 1);
    // Translators: {size} is an amount like “4.2 MB”.
    let free = free.map(|free| gettext_f("{size} free in the folder", &[("size", &size(free))]));
    (in_one_line([together, free].into_iter().flatten()), false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::download::spec::Credentials;
    use crate::engine::error::FailureKind;

    fn said(text: &str) -> String {
        text.replace('\u{a0}', " ")
    }

    #[test]
    fn what_is_not_known_is_not_told() {
        let url = "https://example.org/f".parse().unwrap();
        let known = Probed { name: "f".into(), total: Some(4_200_000), media_type: None, resumable: Some(true) };
        assert_eq!(said(&row(&url, Some(&Ok(known.clone()))).words), "4.2 MB – can be resumed");
        let unknown = Probed { total: None, resumable: None, ..known };
        assert_eq!(row(&url, Some(&Ok(unknown))).words, "Size not known");
        assert_eq!(row(&url, None).name, "f");
        let refused = row(&url, Some(&Err(Failure::new(FailureKind::HttpStatus(404), ""))));
        assert!(refused.is_bad && refused.words.contains("404"), "{refused:?}");
    }

    /// Those of the addresses that are asked about at once, with this user name and password.
    fn asked(addresses: &[&str], login: Option<(&str, &str)>) -> (Vec<Asked>, Vec<u64>) {
        let one = |(id, address): (u64, &&str)| {
            let mut spec = DownloadSpec::new(address.parse().unwrap(), "/srv".into());
            spec.manners.credentials =
                login.map(|(user, password)| Credentials { user: user.into(), password: password.into() });
            Asked::new(spec, ProbeId(id))
        };
        let mut all: Vec<_> = (0..).zip(addresses).map(one).collect();
        let due = due(&mut all);
        (all, due)
    }

    fn due(all: &mut [Asked]) -> Vec<u64> {
        take_due(all).iter().map(|(id, _)| id.0).collect()
    }

    #[test]
    fn a_wrong_password_is_tried_at_one_of_many_addresses() {
        let addresses = ["http://h/1", "http://h/2", "http://other/3", "http://h/4"];
        let (mut all, first) = asked(&addresses, Some(("ann", "wrong")));
        assert_eq!((first, due(&mut all)), (vec![0, 2], vec![]));
        all[0].stage = Stage::Known(Err(Failure::new(FailureKind::LoginRequired, "")));
        assert_eq!(due(&mut all), [0; 0]);
        let is_refused =
            |asked: &Asked| matches!(asked.result(), Some(Err(failure)) if failure.login_wanted().is_some());
        assert_eq!(all.iter().map(is_refused).collect::<Vec<_>>(), [true, true, false, true]);
    }

    #[test]
    fn with_a_log_in_that_was_taken_all_are_asked_and_without_one_at_once() {
        let addresses = ["http://ann:pw@h/1", "http://ann:pw@h/2", "http://ann:pw@h/3"];
        let (mut all, first) = asked(&addresses, None);
        assert_eq!(first, [0]);
        // That tells nothing of the log-in.
        all[0].stage = Stage::Known(Err(Failure::new(FailureKind::HttpStatus(404), "")));
        assert_eq!(due(&mut all), [1]);
        let probed = Probed { name: "f".into(), total: None, media_type: None, resumable: None };
        all[1].stage = Stage::Known(Ok(probed));
        assert_eq!(due(&mut all), [2]);
        assert_eq!(asked(&["http://h/1", "http://h/2", "http://ann:pw@h/3"], None).1, [0, 1, 2]);
        let (mut all, _) = asked(&["http://h/1", "http://h/2"], None);
        for one in &mut all {
            one.manners.proxy = Some("http://ann:pw@proxy".into());
        }
        assert!(all[0].shares_login(&all[1]), "it is the proxy's");
    }

    #[test]
    fn room_is_compared_with_what_is_known_to_be_needed() {
        let of = |sizes: &[u64], count, free| {
            let (words, is_bad) = room(sizes, count, free);
            (said(&words), is_bad)
        };
        assert_eq!(of(&[5_000_000], 1, Some(9_000_000)), ("9.0 MB free in the folder".into(), false));
        assert_eq!(of(&[5_000_000], 3, None), ("at least 5.0 MB".into(), false));
        assert_eq!(of(&[5_000_000, 1_000_000], 2, None).0, "6.0 MB");
        assert!(of(&[5_000_000, 5_000_000], 2, Some(9_000_000)).1);
        assert_eq!(of(&[], 1, None).0, "");
    }
}

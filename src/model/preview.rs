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
use crate::engine::download::spec::{DownloadSpec, Manners};
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
    /// Once it is known.
    result: Option<Result<Probed, Failure>>,
}

impl Asked {
    fn is_of(&self, spec: &DownloadSpec) -> bool {
        self.url == spec.url && self.manners == spec.manners
    }
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
        let specs: Vec<_> = session.specs(addresses, place).into_iter().take(MOST).collect();
        let mut before = asked.take();
        let mut fresh = Vec::new();
        for spec in specs {
            let known = before.iter().position(|asked| asked.is_of(&spec));
            let one = match known {
                Some(at) => before.swap_remove(at),
                None => {
                    let (url, manners) = (spec.url.clone(), spec.manners.clone());
                    let id = session.new_probe();
                    fresh.push((id, spec));
                    Asked { url, manners, id, result: None }
                }
            };
            asked.borrow_mut().push(one);
        }
        for gone in before.iter().filter(|asked| asked.result.is_none()) {
            session.end_probe(gone.id);
        }
        for (id, spec) in fresh {
            let weak = Rc::downgrade(&self.0);
            session.probe(id, spec, move |result| Self::learn(&weak, id, result));
        }
        self.0.tell();
    }

    fn learn(weak: &Weak<Inner>, id: ProbeId, result: Result<Probed, Failure>) {
        let Some(inner) = weak.upgrade() else { return };
        if let Some(asked) = inner.asked.borrow_mut().iter_mut().find(|asked| asked.id == id) {
            asked.result = Some(result);
        }
        inner.tell();
    }

    pub fn rows(&self) -> Vec<Row> {
        self.0.asked.borrow().iter().map(|asked| row(&asked.url, asked.result.as_ref())).collect()
    }

    /// The name and the type that a server has told of an address.
    pub(super) fn told(&self, url: &Url) -> Option<(String, Option<String>)> {
        let asked = self.0.asked.borrow();
        let probed = asked.iter().find(|asked| asked.url == *url)?.result.as_ref()?.as_ref().ok()?;
        Some((probed.name.clone(), probed.media_type.clone()))
    }

    /// What they need together, of `count` files, and whether `free` bytes are too few for it. The sentence
    /// is a warning then.
    pub fn room(&self, count: usize, free: Option<u64>) -> (String, bool) {
        let asked = self.0.asked.borrow();
        let sizes: Vec<_> = asked.iter().filter_map(|asked| asked.result.as_ref()?.as_ref().ok()?.total).collect();
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
        for asked in self.asked.take().iter().filter(|asked| asked.result.is_none()) {
            self.session.end_probe(asked.id);
        }
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

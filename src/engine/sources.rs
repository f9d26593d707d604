// SPDX-License-Identifier: GPL-3.0-or-later
//! The addresses that a download is fetched from: its own and its mirrors, what is known of each, and
//! which of them serves the next transfer. Pure.

use std::iter;
use std::sync::Arc;

use url::Url;

use super::error::Failure;
use super::net::contact::Contact;
use super::net::headers::Validator;
use super::queue::Host;

/// One address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub url: Url,
    pub host: Host,
    pub standing: Standing,
    /// What its own answers carried: another server may name the same bytes otherwise.
    pub validator: Option<Validator>,
    /// How its last answer came about.
    pub contact: Option<Arc<Contact>>,
}

impl Source {
    fn new(url: &Url) -> Self {
        Self { url: url.clone(), host: Host::of(url), standing: Standing::default(), validator: None, contact: None }
    }

    /// Whether it has not failed.
    pub fn works(&self) -> bool {
        matches!(self.standing, Standing::Untried | Standing::Good)
    }
}

/// What is thought of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    #[default]
    Untried,
    /// It has given bytes of this file.
    Good,
    /// It did not answer as wanted, last for this reason; others come first.
    Failing(Failure),
    /// It has another file, or wrong bytes: it is not asked again in this run.
    Different(String),
}

impl Standing {
    /// What is thought of a source that failed like this.
    pub fn after(failure: &Failure) -> Self {
        if failure.kind.is_of_other_file() {
            Self::Different(failure.detail.clone())
        } else {
            Self::Failing(failure.clone())
        }
    }
}

/// All sources, by their number; the download's own address is the first.
#[derive(Clone, Debug)]
pub struct Sources {
    own: Source,
    mirrors: Vec<Source>,
}

impl Sources {
    pub fn new<'a>(url: &'a Url, mirrors: impl IntoIterator<Item = &'a Url>) -> Self {
        let mut sources = Self { own: Source::new(url), mirrors: Vec::new() };
        for mirror in mirrors {
            sources.add(mirror);
        }
        sources
    }

    /// Adds a mirror that has become known; one that is there already stays as it is.
    pub fn add(&mut self, url: &Url) {
        if self.iter().all(|source| source.url != *url) {
            self.mirrors.push(Source::new(url));
        }
    }

    /// The host of the download's own address.
    pub fn own_host(&self) -> Host {
        self.own.host.clone()
    }

    pub fn get(&self, index: usize) -> Option<&Source> {
        index.checked_sub(1).map_or(Some(&self.own), |mirror| self.mirrors.get(mirror))
    }

    pub fn get_mut(&mut self, index: usize) -> Option<&mut Source> {
        index.checked_sub(1).map_or(Some(&mut self.own), |mirror| self.mirrors.get_mut(mirror))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        iter::once(&self.own).chain(&self.mirrors)
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Source> {
        iter::once(&mut self.own).chain(&mut self.mirrors)
    }

    /// The source for the only transfer of a download: the first that did not fail and whose host has
    /// room; else the first that at least may have the file.
    pub fn first(&self, has_room: impl Fn(usize, &Host) -> bool) -> usize {
        let mut works = self.iter().enumerate().filter(|(_, source)| source.works());
        let may = |source: &Source| !matches!(source.standing, Standing::Different(_));
        let free = works.find(|(index, source)| has_room(*index, &source.host)).map(|(index, _)| index);
        free.or_else(|| self.iter().position(may)).unwrap_or(0)
    }

    /// The source for one more transfer: of those that work and whose host has room, the one that
    /// serves the fewest (`busy` says how many each serves).
    pub fn next(&self, busy: impl Fn(usize) -> usize, has_room: impl Fn(&Host) -> bool) -> Option<usize> {
        let fits = |source: &Source| source.works() && has_room(&source.host);
        // A source that nobody has tried is tried by one transfer first.
        let is_on_trial = |index: usize, source: &Source| source.standing == Standing::Untried && busy(index) > 0;
        let candidates = self.iter().enumerate().filter(|(_, source)| fits(source));
        candidates
            .filter(|(index, source)| !is_on_trial(*index, source))
            .map(|(index, _)| index)
            .min_by_key(|index| busy(*index))
    }

    /// Whether one that has not failed, and has room, is left besides this one.
    pub fn has_other_than(&self, index: usize, has_room: impl Fn(&Host) -> bool) -> bool {
        let mut others = self.iter().enumerate().filter(|(other, _)| *other != index);
        others.any(|(_, source)| source.works() && has_room(&source.host))
    }

    /// The failure of a source that may not fail the next time.
    pub fn hope(&self) -> Option<Failure> {
        self.iter().find_map(|source| match &source.standing {
            Standing::Failing(failure) if failure.kind.is_temporary() => Some(failure.clone()),
            _ => None,
        })
    }

    /// The file begins anew: by what others told before they cannot be known to have the same one.
    pub fn forget_validators(&mut self) {
        for source in self.iter_mut() {
            source.validator = None;
        }
    }

    /// A new run: who failed may be asked again, and who had another file may have been put right.
    pub fn forgive(&mut self) {
        for source in self.iter_mut() {
            if !matches!(source.standing, Standing::Good) {
                source.standing = Standing::Untried;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::error::FailureKind;

    fn url(host: &str) -> Url {
        Url::parse(&format!("http://{host}/f")).unwrap()
    }

    fn sources() -> Sources {
        Sources::new(&url("own"), [&url("one"), &url("own"), &url("two")])
    }

    fn failing() -> Standing {
        Standing::Failing(Failure::new(FailureKind::CannotConnect, ""))
    }

    #[test]
    fn an_address_is_listed_once_and_the_own_one_is_first() {
        let hosts: Vec<_> = sources().iter().map(|source| source.url.host_str().unwrap().to_owned()).collect();
        assert_eq!(hosts, ["own", "one", "two"]);
    }

    #[test]
    fn who_failed_comes_last_and_who_has_another_file_never() {
        let mut sources = sources();
        sources.get_mut(0).unwrap().standing = failing();
        assert_eq!(sources.first(|_, _| true), 1);
        assert_eq!(sources.first(|index, _| index == 2), 2);
        sources.get_mut(1).unwrap().standing = Standing::Different(String::new());
        sources.get_mut(2).unwrap().standing = failing();
        assert_eq!(sources.first(|_, _| true), 0);
        assert!(!sources.has_other_than(0, |_| true));
        sources.forgive();
        assert!(sources.has_other_than(0, |_| true));
        assert!(!sources.has_other_than(0, |_| false));
    }

    #[test]
    fn more_transfers_go_where_there_is_room_and_the_fewest_are() {
        let mut sources = sources();
        for index in 0..3 {
            sources.get_mut(index).unwrap().standing = Standing::Good;
        }
        assert_eq!(sources.next(|index| [3, 2, 1][index], |_| true), Some(2));
        assert_eq!(sources.next(|index| [3, 2, 1][index], |host| *host != Host::of(&url("two"))), Some(1));
        assert_eq!(sources.next(|_| 0, |_| false), None);
    }

    #[test]
    fn an_untried_source_is_tried_by_one_transfer_at_a_time() {
        let mut sources = sources();
        sources.get_mut(0).unwrap().standing = Standing::Good;
        assert_eq!(sources.next(|index| [9, 1, 1][index], |_| true), Some(0));
        assert_eq!(sources.next(|index| [9, 1, 0][index], |_| true), Some(2));
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! THE bridge between the engine and what is shown: it owns the engine, sends it commands, and
//! applies its events to the list and the totals. No one else speaks to the engine.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::path::PathBuf;
use std::rc::Rc;

use url::Url;

use super::download_list::DownloadList;
use super::download_object::{self, DownloadObject};
use super::totals::{Share, Totals};
use super::{Command, DownloadId, describe};
use crate::engine::Engine;
use crate::engine::download::spec::DownloadSpec;
use crate::engine::engine::{Config, SMOOTH};
use crate::engine::event::{Event, Snapshot};
use crate::engine::import::address;
use crate::settings::Settings;

/// A handle to the session; clones speak to the same one.
#[derive(Clone, Debug)]
pub struct Session(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    engine: Engine,
    settings: Settings,
    list: DownloadList,
    totals: Totals,
    /// Removed, and may come back until they are purged.
    removed: RefCell<HashSet<DownloadId>>,
    on_finished: Listener,
    is_stopping: Cell<bool>,
}

type Finished = Rc<dyn Fn(&DownloadObject)>;

/// Who is told of a download that came to its end.
#[derive(Default)]
struct Listener(RefCell<Option<Finished>>);

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Listener").field(&self.0.borrow().is_some()).finish()
    }
}

/// What was read from a text that should hold addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    pub found: Vec<Url>,
    /// One sentence for each line in which there is none.
    pub refused: Vec<String>,
}

impl Addresses {
    /// Reads what a person typed or pasted: an address a line, or any text with addresses in it.
    pub fn in_lines(text: &str) -> Self {
        let mut addresses = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            match address::parse(line) {
                Ok(url) => addresses.push(url),
                Err(reason) => {
                    let inside = address::find_all(line);
                    if inside.is_empty() {
                        addresses.refused.push(describe::refused_address(line, &reason));
                    }
                    inside.into_iter().for_each(|url| addresses.push(url));
                }
            }
        }
        addresses
    }

    /// Reads a text that was not written for us, like a dropped paragraph: what is no address is
    /// passed over.
    pub fn in_prose(text: &str) -> Self {
        Self { found: address::find_all(text), refused: Vec::new() }
    }

    /// Joins what was read from two texts.
    pub fn extend(&mut self, other: Self) {
        other.found.into_iter().for_each(|url| self.push(url));
        self.refused.extend(other.refused);
    }

    fn push(&mut self, url: Url) {
        if !self.found.contains(&url) {
            self.found.push(url);
        }
    }
}

/// Where and under which name new downloads are kept; `None`: as the preferences and the server say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub folder: Option<PathBuf>,
    pub name: Option<String>,
}

impl Session {
    /// Starts the engine with the saved list. The error is a sentence for the user.
    pub fn start(list: Option<PathBuf>, settings: Settings) -> Result<Self, String> {
        settings.make_default_folder();
        let config = Config { limits: settings.limits(), list, slice: SMOOTH };
        let engine = Engine::start(config).map_err(|reason| describe::start_failure(&reason))?;
        let session = Self(Rc::new(Inner {
            engine,
            settings,
            list: DownloadList::default(),
            totals: Totals::default(),
            removed: RefCell::default(),
            on_finished: Listener::default(),
            is_stopping: Cell::new(false),
        }));
        let weak = Rc::downgrade(&session.0);
        session.0.engine.listen(move |event| {
            if let Some(inner) = weak.upgrade() {
                Session(inner).apply(event);
            }
        });
        // The saved rows are there before the first window.
        session.0.list.tell();
        let engine = session.0.engine.clone();
        session.0.settings.connect_limits_changed(move |limits| engine.send(Command::SetLimits(limits)));
        Ok(session)
    }

    pub fn list(&self) -> &DownloadList {
        &self.0.list
    }

    pub fn totals(&self) -> &Totals {
        &self.0.totals
    }

    /// Where downloads go when nothing else is said.
    pub fn folder(&self) -> PathBuf {
        self.0.settings.download_folder()
    }

    pub fn send(&self, command: Command) {
        self.0.engine.send(command);
    }

    /// Queues a download of each address. A name is given only to a single one.
    pub fn add(&self, addresses: &[Url], place: &Place) -> Vec<DownloadId> {
        let folder = place.folder.clone().unwrap_or_else(|| self.folder());
        let name = place.name.clone().filter(|_| addresses.len() == 1);
        let connections = self.0.settings.connections();
        addresses
            .iter()
            .map(|url| {
                let spec = DownloadSpec::new(url.clone(), folder.clone());
                self.0.engine.add(DownloadSpec { name: name.clone(), connections, ..spec })
            })
            .collect()
    }

    /// Takes downloads off the list; `restore` brings them back until they are purged.
    pub fn remove(&self, ids: &[DownloadId]) {
        for id in ids {
            self.0.removed.borrow_mut().insert(*id);
            self.send(Command::Remove(*id));
        }
    }

    /// Undoes `remove`.
    pub fn restore(&self, ids: &[DownloadId]) {
        for id in ids {
            if self.0.removed.borrow_mut().remove(id) {
                self.send(Command::Restore(*id));
            }
        }
    }

    /// Makes `remove` final. What was restored meanwhile is left alone.
    pub fn purge(&self, ids: &[DownloadId]) {
        for id in ids {
            if self.0.removed.borrow_mut().remove(id) {
                self.send(Command::Purge(*id));
            }
        }
    }

    /// Calls back with each download that completes or fails from now on.
    pub fn connect_finished(&self, finished: impl Fn(&DownloadObject) + 'static) {
        self.0.on_finished.0.replace(Some(Rc::new(finished)));
    }

    /// Whether the session is about to end: what is added now would be lost.
    pub fn is_stopping(&self) -> bool {
        self.0.is_stopping.get()
    }

    /// Ends the session with everything kept, then calls back once. Removals can no longer be
    /// undone.
    pub fn stop(&self, done: impl FnOnce() + 'static) {
        if self.0.is_stopping.replace(true) {
            return;
        }
        let removed: Vec<_> = self.0.removed.borrow().iter().copied().collect();
        self.purge(&removed);
        self.0.engine.stop(done);
    }

    /// Brings the list and the totals up to date with what the engine told.
    pub fn apply(&self, event: &Event) {
        match event {
            Event::Added(new) | Event::Changed(new) => match self.0.list.get(new.id) {
                Some(object) => self.apply_snapshot(&object, new),
                None => {
                    self.0.totals.replace(Share::default(), Share::of(new));
                    self.0.list.insert(DownloadObject::new((**new).clone()));
                }
            },
            Event::Progressed { id, progress } => {
                let Some(object) = self.0.list.get(*id) else { return };
                let old = object.read(Share::of);
                object.apply_progress(*progress);
                self.0.totals.replace(old, object.read(Share::of));
            }
            Event::Removed(id) => {
                let Some(object) = self.0.list.get(*id) else { return };
                self.0.totals.replace(object.read(Share::of), Share::default());
                self.0.list.remove(*id);
            }
        }
    }

    fn apply_snapshot(&self, object: &DownloadObject, new: &Snapshot) {
        let (share, was_finished) = object.read(|old| (Share::of(old), download_object::is_finished(old)));
        object.apply(new);
        self.0.totals.replace(share, Share::of(new));
        if download_object::is_finished(new) && !was_finished {
            let listener = self.0.on_finished.0.borrow().clone();
            if let Some(listener) = listener {
                listener(object);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_lines_are_addresses_or_told_with_their_cause() {
        let read = Addresses::in_lines("https://example.org/a\n\n https://example.org/a \nnot an address\n");
        assert_eq!(read.found.len(), 1);
        assert_eq!(
            read.refused,
            ["“not an address”: This is not an address. It should look like https://example.org/file."]
        );
    }
}

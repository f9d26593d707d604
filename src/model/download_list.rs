// SPDX-License-Identifier: GPL-3.0-or-later
//! The list of all downloads, in the order of the queue, which is that of their ids until some are moved, or
//! sorted and filtered as the user likes it. A download is found by its id at once; no change of one row
//! costs time for each of the others. What was complete at the start becomes an object when somebody looks at it.

use gio::prelude::*;
use gio::subclass::prelude::*;

use super::download_object::DownloadObject;
use super::filter::Filter;
use super::order::{Order, Rank};
use super::rule_groups::Category;
use crate::engine::event::{Outline, Snapshot};
use crate::engine::turn::Turn;
use crate::engine::types::DownloadId;

/// The name of the signal that some download has changed by more than its progress.
const TOUCHED: &str = "touched";

/// Where the list learns what a download is that is no object yet.
pub trait Source {
    fn snapshot(&self, id: DownloadId) -> Option<Snapshot>;

    /// Shows that download, if it is there; each of many is looked at.
    fn look(&self, id: DownloadId, at: &mut dyn FnMut(&Outline<'_>)) {
        if let Some(download) = self.snapshot(id) {
            at(&download.outline());
        }
    }

    /// That in which it is by the rules of the user.
    fn category(&self, _id: DownloadId) -> Option<Category> {
        None
    }
}

impl<F: Fn(DownloadId) -> Option<Snapshot>> Source for F {
    fn snapshot(&self, id: DownloadId) -> Option<Snapshot> {
        self(id)
    }
}

mod sorting;

mod imp {
    use std::cell::{Cell, OnceCell, RefCell};
    use std::collections::HashMap;
    use std::sync::OnceLock;

    use glib::subclass::Signal;

    use super::super::rows::Rows;
    use super::{
        Cast, DownloadId, DownloadObject, Filter, ListModelImpl, ObjectImpl, ObjectSubclass, Order, Outline, Rank,
        Source, StaticType, TOUCHED, Turn,
    };

    /// The rows in another order than that of their ids, or some of them.
    #[derive(Debug, Default)]
    pub struct Sorted {
        pub filter: Filter,
        pub rows: Vec<DownloadId>,
        /// Of those that are no objects yet: they do not change.
        pub ranks: HashMap<DownloadId, Rank>,
    }

    #[allow(missing_debug_implementations)] // its source has none
    #[derive(Default)]
    pub struct DownloadList {
        pub rows: RefCell<Rows>,
        pub sorted: RefCell<Option<Sorted>>,
        pub order: Cell<Order>,
        /// Of those that were moved in the queue.
        pub turns: RefCell<HashMap<DownloadId, Turn>>,
        pub source: OnceCell<Box<dyn Source>>,
        /// No more rows than the first so many are shown.
        pub most: Cell<Option<u32>>,
        /// So many are, as long as there is such a bound.
        pub shown: Cell<u32>,
        pub will_tell: Cell<bool>,
        pub will_sort: Cell<bool>,
        /// Rows stay where they are...
        pub is_held: Cell<bool>,
        /// ...though they should move.
        pub is_unsorted: Cell<bool>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for DownloadList {
        const NAME: &'static str = "FreshetDownloadList";
        type Type = super::DownloadList;
        type Interfaces = (gio::ListModel,);
    }

    impl ObjectImpl for DownloadList {
        fn signals() -> &'static [Signal] {
            static SIGNALS: OnceLock<Vec<Signal>> = OnceLock::new();
            SIGNALS.get_or_init(|| vec![Signal::builder(TOUCHED).build()])
        }
    }

    impl ListModelImpl for DownloadList {
        fn item_type(&self) -> glib::Type {
            DownloadObject::static_type()
        }

        fn n_items(&self) -> u32 {
            if self.most.get().is_some() { self.shown.get() } else { self.count() }
        }

        fn item(&self, position: u32) -> Option<glib::Object> {
            Some(self.object(self.id_at(position)?)?.upcast())
        }
    }

    impl DownloadList {
        pub fn id_at(&self, position: u32) -> Option<DownloadId> {
            match &*self.sorted.borrow() {
                Some(sorted) => sorted.rows.get(position as usize).copied(),
                None => self.rows.borrow().at(position),
            }
        }

        pub fn count(&self) -> u32 {
            match &*self.sorted.borrow() {
                Some(sorted) => u32::try_from(sorted.rows.len()).unwrap_or(u32::MAX),
                None => self.rows.borrow().told(),
            }
        }

        pub fn lets_through(&self, filter: &Filter, all: &Rows, id: DownloadId) -> bool {
            let category = self.source.get().and_then(|source| source.category(id));
            self.look(all, id, |download| filter.lets_through(download, category))
        }

        pub fn look<T: Default>(&self, all: &Rows, id: DownloadId, at: impl Fn(&Outline<'_>) -> T) -> T {
            if let Some(object) = all.by_id.get(&id).and_then(Option::as_ref) {
                return object.read(|download| at(&download.outline()));
            }
            let mut seen = T::default();
            if let Some(source) = self.source.get() {
                source.look(id, &mut |download| seen = at(download));
            }
            seen
        }

        /// The object of a row, which is made now if it is not there.
        pub fn object(&self, id: DownloadId) -> Option<DownloadObject> {
            if let Some(object) = self.rows.borrow().by_id.get(&id)? {
                return Some(object.clone());
            }
            let object = DownloadObject::new(self.source.get()?.snapshot(id)?);
            self.rows.borrow_mut().by_id.insert(id, Some(object.clone()));
            Some(object)
        }
    }
}

glib::wrapper! {
    pub struct DownloadList(ObjectSubclass<imp::DownloadList>) @implements gio::ListModel;
}

impl Default for DownloadList {
    fn default() -> Self {
        glib::Object::new()
    }
}

impl DownloadList {
    pub fn get(&self, id: DownloadId) -> Option<DownloadObject> {
        self.has(id).then(|| self.imp().object(id))?
    }

    /// The same, but `None` where nobody has looked at it yet: it was complete at the start.
    pub fn looked_at(&self, id: DownloadId) -> Option<DownloadObject> {
        self.imp().rows.borrow().by_id.get(&id)?.clone()
    }

    /// Another day has begun. What nobody has looked at is written when somebody does.
    pub fn begin_day(&self) {
        // Whoever hears of it may look at the list.
        let seen: Vec<_> = self.imp().rows.borrow().by_id.values().flatten().cloned().collect();
        seen.iter().for_each(DownloadObject::begin_day);
    }

    /// What stands in a row.
    pub fn id_at(&self, position: u32) -> Option<DownloadId> {
        self.imp().id_at(position)
    }

    /// Calls back when any of the downloads has changed, by more than its progress.
    pub fn connect_touched(&self, touched: impl Fn() + 'static) {
        self.connect_local(TOUCHED, false, move |_| {
            touched();
            None
        });
    }

    pub(super) fn has(&self, id: DownloadId) -> bool {
        self.imp().rows.borrow().has(id)
    }

    /// Looks at a download without making an object of it. The default where it is not there.
    pub(super) fn look<T: Default>(&self, id: DownloadId, at: impl Fn(&Outline<'_>) -> T) -> T {
        self.imp().look(&self.imp().rows.borrow(), id, at)
    }

    /// All, shown or not, in the order of their ids.
    pub(super) fn all_ids(&self) -> Vec<DownloadId> {
        self.imp().rows.borrow().all()
    }

    /// How many the filter lets through, shown or not.
    pub fn count(&self) -> u32 {
        self.imp().count()
    }

    /// How many there are.
    pub fn total(&self) -> u32 {
        self.imp().rows.borrow().told()
    }

    /// Shows no more than so many rows, or all: what shows them may need time to make them.
    pub fn show_most(&self, most: Option<u32>) {
        let imp = self.imp();
        let old = self.n_items();
        imp.most.set(most);
        imp.shown.set(most.map_or(0, |most| most.min(imp.count())));
        let new = self.n_items();
        self.items_changed(old.min(new), old.saturating_sub(new), new.saturating_sub(old));
    }

    /// Tells a change of all rows to who sees the first of them.
    fn changed(&self, position: u32, removed: u32, added: u32) {
        let imp = self.imp();
        match imp.most.get() {
            None => self.items_changed(position, removed, added),
            Some(most) => {
                let new = most.min(imp.count());
                self.items_changed(0, imp.shown.replace(new), new);
            }
        }
    }

    /// Where a download is among the rows that were told.
    pub fn position(&self, id: DownloadId) -> Option<u32> {
        if let Some(sorted) = &*self.imp().sorted.borrow() {
            return u32::try_from(sorted.rows.iter().position(|row| *row == id)?).ok();
        }
        self.place(id)
    }

    /// The same in the order of the ids.
    fn place(&self, id: DownloadId) -> Option<u32> {
        self.imp().rows.borrow().position(id)
    }

    /// Puts what is there at the start into the empty list: objects, and downloads of which `source`
    /// tells when they are looked at.
    pub fn fill(&self, objects: Vec<DownloadObject>, others: Vec<DownloadId>, source: impl Source + 'static) {
        let is_first = self.imp().source.set(Box::new(source)).is_ok() && self.imp().rows.borrow().by_id.is_empty();
        debug_assert!(is_first, "a list is filled once");
        let objects = objects.into_iter().map(|object| (object.download_id(), Some(object)));
        let rows = others.into_iter().map(|id| (id, None)).chain(objects).collect();
        self.imp().rows.borrow_mut().fill(rows);
        match self.total() {
            _ if self.is_sorted() => self.arrange(),
            0 => {}
            count => self.changed(0, 0, count),
        }
    }

    /// Adds a download that is not in the list. It is told with what else comes in this turn of the main loop.
    pub(super) fn insert(&self, object: DownloadObject) {
        let id = object.download_id();
        let is_leaving = self.imp().rows.borrow().leaving.contains(&id);
        if is_leaving {
            self.tell();
        }
        self.imp().rows.borrow_mut().insert(id, object);
        self.tell_soon();
    }

    /// Takes a download out of the list.
    pub(super) fn remove(&self, id: DownloadId) {
        // A row must be told to be there before it can be told to be gone.
        if self.place(id).is_none() {
            self.tell();
        }
        self.imp().rows.borrow_mut().leaving.insert(id);
        self.tell_soon();
    }

    /// Each change that is told costs GTK time for every change before it, so many at once (a list
    /// that is loaded or emptied) are told as few.
    fn tell_soon(&self) {
        if !self.imp().will_tell.replace(true) {
            let list = self.downgrade();
            glib::MainContext::ref_thread_default().spawn_local_with_priority(glib::Priority::DEFAULT, async move {
                if let Some(list) = list.upgrade() {
                    list.tell();
                }
            });
        }
    }

    /// Tells what has changed. Each borrow ends before anyone is told.
    pub(super) fn tell(&self) {
        let imp = self.imp();
        imp.will_tell.set(false);
        let is_sorted = self.is_sorted();
        loop {
            let left = imp.rows.borrow_mut().take_leaving();
            let Some((position, count)) = left else { break };
            if !is_sorted {
                self.changed(position, count, 0);
            }
        }
        loop {
            let new = imp.rows.borrow_mut().take_coming();
            let Some((position, count)) = new else { break };
            if !is_sorted {
                self.changed(position, 0, count);
            }
        }
        if is_sorted {
            self.arrange();
        }
    }
}

#[cfg(test)]
mod tests;

// SPDX-License-Identifier: GPL-3.0-or-later
//! The list of all downloads, in the order of the queue, which is that of their ids until some are moved, or
//! sorted and filtered as the user likes it. A download is found by its id at once; no change of one row
//! costs time for each of the others. What was complete at the start becomes an object when somebody looks at it.

use std::collections::HashMap;
use std::time::Duration;

use gio::prelude::*;
use gio::subclass::prelude::*;

use super::download_object::DownloadObject;
use super::filter::{Filter, Group};
use super::order::{Order, Rank, SortKey};
use super::rule_groups::Category;
use crate::engine::event::{Outline, Snapshot};
use crate::engine::turn::Turn;
use crate::engine::types::DownloadId;

/// How often rows change places at most while what they are sorted by changes.
const SORT_EVERY: Duration = Duration::from_secs(1);

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

mod imp {
    use std::cell::{Cell, OnceCell, RefCell};
    use std::collections::HashMap;

    use super::super::rows::Rows;
    use super::{
        Cast, DownloadId, DownloadObject, Filter, ListModelImpl, ObjectImpl, ObjectSubclass, Order, Outline, Rank,
        Source, StaticType, Turn,
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

    impl ObjectImpl for DownloadList {}

    impl ListModelImpl for DownloadList {
        fn item_type(&self) -> glib::Type {
            DownloadObject::static_type()
        }

        fn n_items(&self) -> u32 {
            if self.most.get().is_some() { self.shown.get() } else { self.count() }
        }

        fn item(&self, position: u32) -> Option<glib::Object> {
            let id = match &*self.sorted.borrow() {
                Some(sorted) => sorted.rows.get(position as usize).copied(),
                None => self.rows.borrow().at(position),
            };
            Some(self.object(id?)?.upcast())
        }
    }

    impl DownloadList {
        pub fn count(&self) -> u32 {
            match &*self.sorted.borrow() {
                Some(sorted) => u32::try_from(sorted.rows.len()).unwrap_or(u32::MAX),
                None => self.rows.borrow().told,
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
        self.imp().rows.borrow().told
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
        let rows = self.imp().rows.borrow();
        rows.position(id).filter(|position| *position < rows.told)
    }

    /// Puts what is there at the start into the empty list: objects, and downloads of which `source`
    /// tells when they are looked at.
    pub(super) fn fill(&self, objects: Vec<DownloadObject>, others: Vec<DownloadId>, source: impl Source + 'static) {
        let is_first = self.imp().source.set(Box::new(source)).is_ok() && self.imp().rows.borrow().len() == 0;
        debug_assert!(is_first, "a list is filled once");
        let objects = objects.into_iter().map(|object| (object.download_id(), Some(object)));
        let rows = others.into_iter().map(|id| (id, None)).chain(objects).collect();
        self.imp().rows.borrow_mut().fill(rows);
        self.tell();
    }

    /// Adds a download that is not in the list. What comes at the end, as nearly all do, is told with
    /// what else comes in this turn of the main loop.
    pub(super) fn insert(&self, object: DownloadObject) {
        let id = object.download_id();
        let is_leaving = self.imp().rows.borrow().leaving.contains(&id);
        if is_leaving {
            self.tell();
        }
        let position = self.imp().rows.borrow_mut().insert(id, object);
        if position < self.imp().rows.borrow().told {
            self.imp().rows.borrow_mut().told += 1;
            if !self.is_sorted() {
                self.changed(position, 0, 1);
                return;
            }
        }
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
        let told = imp.rows.borrow().told;
        let count = imp.rows.borrow().len() - told;
        imp.rows.borrow_mut().told += count;
        if is_sorted {
            self.arrange();
        } else if count > 0 {
            self.changed(told, 0, count);
        }
    }

    // Sorting and filtering.

    fn is_sorted(&self) -> bool {
        self.imp().sorted.borrow().is_some()
    }

    pub fn set_order(&self, order: Order) {
        self.choose(order, self.filter());
    }

    /// Whether the rows are in the order of the queue, so that they can be moved.
    pub fn is_in_queue_order(&self) -> bool {
        self.imp().order.get().by == SortKey::Queue
    }

    /// These stand at another place in the queue. Their rows move at once, also where rows are held: the user
    /// has moved them.
    pub(super) fn set_turns(&self, turns: &[(DownloadId, Turn)]) {
        let imp = self.imp();
        imp.turns.borrow_mut().extend(turns.iter().copied());
        if !turns.is_empty() && self.is_in_queue_order() {
            if self.is_sorted() { self.sort() } else { self.choose(imp.order.get(), Filter::default()) }
        }
    }

    /// The rows that are shown.
    pub fn ids(&self) -> Vec<DownloadId> {
        match &*self.imp().sorted.borrow() {
            Some(sorted) => sorted.rows.clone(),
            None => self.imp().rows.borrow().all(),
        }
    }

    pub fn filter(&self) -> Filter {
        self.imp().sorted.borrow().as_ref().map(|sorted| sorted.filter.clone()).unwrap_or_default()
    }

    /// Shows only what it lets through.
    pub fn set_filter(&self, filter: Filter) {
        self.choose(self.imp().order.get(), filter);
    }

    /// The groups have other downloads now.
    pub(super) fn filter_again(&self) {
        if matches!(self.filter().group, Group::Category(_)) {
            self.sort();
        }
    }

    fn choose(&self, order: Order, filter: Filter) {
        let imp = self.imp();
        let is_plain = filter.lets_all_through()
            && match order.by {
                SortKey::Queue => imp.turns.borrow().is_empty(),
                SortKey::Added => !order.is_descending,
                _ => false,
            };
        if is_plain && !self.is_sorted() {
            imp.order.set(order);
            return;
        }
        self.tell();
        let before = imp.order.replace(order);
        let (rows, ranks) = match imp.sorted.take() {
            Some(sorted) if before.by == order.by => (sorted.rows, sorted.ranks),
            Some(sorted) => (sorted.rows, HashMap::new()),
            None => (imp.rows.borrow().all(), HashMap::new()),
        };
        if is_plain {
            self.changed(0, u32::try_from(rows.len()).unwrap_or(u32::MAX), imp.count());
            return;
        }
        imp.sorted.replace(Some(imp::Sorted { filter, rows, ranks }));
        self.sort();
    }

    /// While it is held no row changes its place: who points at one, or scrolls, would lose it. Rows
    /// that are new come last then.
    pub fn set_held(&self, is_held: bool) {
        self.imp().is_held.set(is_held);
        if !is_held && self.imp().is_unsorted.get() {
            self.sort_soon();
        }
    }

    /// A download has changed; `is_progress`: no more than that bytes came in.
    pub(super) fn touch(&self, is_progress: bool) {
        let depends = |sorted: &imp::Sorted| {
            let by = self.imp().order.get().by;
            if is_progress { by.follows_progress() } else { by.follows_changes() || !sorted.filter.lets_all_through() }
        };
        if self.imp().sorted.borrow().as_ref().is_some_and(depends) {
            self.sort_soon();
        }
    }

    fn sort_soon(&self) {
        let imp = self.imp();
        imp.is_unsorted.set(true);
        if !imp.is_held.get() && !imp.will_sort.replace(true) {
            let list = self.downgrade();
            glib::MainContext::ref_thread_default().spawn_local(async move {
                glib::timeout_future(SORT_EVERY).await;
                if let Some(list) = list.upgrade() {
                    list.imp().will_sort.set(false);
                    if !list.imp().is_held.get() {
                        list.sort();
                    }
                }
            });
        }
    }

    /// What was sorted has other rows now.
    fn arrange(&self) {
        if !self.imp().is_held.get() {
            return self.sort();
        }
        let imp = self.imp();
        let rows = {
            let (all, sorted) = (imp.rows.borrow(), imp.sorted.borrow());
            let Some(sorted) = &*sorted else { return };
            let known: std::collections::HashSet<_> = sorted.rows.iter().copied().collect();
            let stay = sorted.rows.iter().copied().filter(|id| all.by_id.contains_key(id));
            let is_let_through = |id: &DownloadId| imp.lets_through(&sorted.filter, &all, *id);
            stay.chain(all.all().into_iter().filter(|id| !known.contains(id)).filter(is_let_through)).collect()
        };
        self.show_rows(rows);
        self.sort_soon();
    }

    /// Puts every row where it belongs now. Those of one rank are in the order of their ids.
    fn sort(&self) {
        let imp = self.imp();
        imp.is_unsorted.set(false);
        let rows = {
            let (all, mut sorted) = (imp.rows.borrow(), imp.sorted.borrow_mut());
            let Some(imp::Sorted { filter, ranks, .. }) = &mut *sorted else { return };
            let order = imp.order.get();
            let mut rows = all.all();
            if !filter.lets_all_through() {
                rows.retain(|id| imp.lets_through(filter, &all, *id));
            }
            match order.by {
                SortKey::Queue => {
                    let turns = imp.turns.borrow();
                    rows.sort_by_key(|id| (Turn::of(*id, turns.get(id).copied()), *id));
                    rows
                }
                SortKey::Added => {
                    if order.is_descending {
                        rows.reverse();
                    }
                    rows
                }
                SortKey::Name | SortKey::Size | SortKey::Progress | SortKey::Speed | SortKey::State => {
                    let mut rank = |id: DownloadId| match all.by_id.get(&id).and_then(Option::as_ref) {
                        Some(object) => object.read(|download| Some(Rank::of(download, order.by))),
                        None => ranks.get(&id).cloned().or_else(|| {
                            let rank = Rank::of(&imp.source.get()?.snapshot(id)?, order.by);
                            ranks.insert(id, rank.clone());
                            Some(rank)
                        }),
                    };
                    let mut ranked: Vec<_> = rows.into_iter().map(|id| (rank(id), id)).collect();
                    if order.is_descending {
                        ranked.sort_by(|(one, _), (other, _)| other.cmp(one));
                    } else {
                        ranked.sort_by(|(one, _), (other, _)| one.cmp(other));
                    }
                    ranked.into_iter().map(|(_, id)| id).collect()
                }
            }
        };
        self.show_rows(rows);
    }

    /// Tells the stretch from the first to the last row that is another one now.
    fn show_rows(&self, rows: Vec<DownloadId>) {
        let (first, removed, added) = {
            let mut sorted = self.imp().sorted.borrow_mut();
            let Some(sorted) = &mut *sorted else { return };
            let old = std::mem::replace(&mut sorted.rows, rows);
            let new = &sorted.rows;
            let first = old.iter().zip(new).take_while(|(old, new)| old == new).count();
            let most = old.len().min(new.len()) - first;
            let pairs = old.iter().rev().zip(new.iter().rev());
            let last = pairs.take(most).take_while(|(old, new)| old == new).count();
            (first, old.len() - first - last, new.len() - first - last)
        };
        let [first, removed, added] = [first, removed, added].map(|count| u32::try_from(count).unwrap_or(u32::MAX));
        if removed + added > 0 {
            self.changed(first, removed, added);
        }
    }
}

#[cfg(test)]
mod tests;

// SPDX-License-Identifier: GPL-3.0-or-later
//! The list of all downloads in the order of their ids, which is the order in which they were added.
//! A download is found by its id at once; no change of one row costs time for each of the others.

use gio::prelude::*;
use gio::subclass::prelude::*;

use super::download_object::DownloadObject;
use crate::engine::types::DownloadId;

mod imp {
    use std::cell::{Cell, RefCell};
    use std::collections::{BTreeSet, HashMap};

    use super::super::positions::Positions;
    use super::{Cast, DownloadId, DownloadObject, ListModelImpl, ObjectImpl, ObjectSubclass, StaticType};

    /// Rows lie in slots. A removed row leaves its slot free, so that nothing has to move, and
    /// Undo finds its place again; when most slots are free they are swept.
    #[derive(Debug, Default)]
    pub struct Rows {
        by_id: HashMap<DownloadId, DownloadObject>,
        /// The id of each slot, taken or free; ascending.
        ids: Vec<DownloadId>,
        positions: Positions,
        /// How many of the rows have been told; the ones behind them are new.
        pub told: u32,
        /// Rows that are gone, but not told to be.
        pub leaving: BTreeSet<DownloadId>,
    }

    impl Rows {
        pub fn get(&self, id: DownloadId) -> Option<&DownloadObject> {
            self.by_id.get(&id).filter(|_| !self.leaving.contains(&id))
        }

        pub fn len(&self) -> u32 {
            self.positions.taken()
        }

        pub fn at(&self, position: u32) -> Option<&DownloadObject> {
            let slot = self.positions.slot_at(position).filter(|_| position < self.told)?;
            self.by_id.get(self.ids.get(slot)?)
        }

        pub fn position(&self, id: DownloadId) -> Option<u32> {
            self.by_id.get(&id)?;
            let slot = self.ids.binary_search(&id).ok()?;
            Some(self.positions.before(slot))
        }

        /// Puts a download that is not in the list into its place, and tells where that is.
        pub fn insert(&mut self, id: DownloadId, object: DownloadObject) -> u32 {
            self.by_id.insert(id, object);
            let slot = match self.ids.binary_search(&id) {
                Ok(slot) => {
                    self.positions.take(slot);
                    slot
                }
                Err(slot) if slot == self.ids.len() => {
                    self.ids.push(id);
                    self.positions.push();
                    slot
                }
                Err(_) => {
                    // Out of order and without a free slot: only after a sweep.
                    self.ids = self.by_id.keys().copied().collect();
                    self.ids.sort_unstable();
                    self.positions = Positions::full(self.ids.len());
                    self.ids.binary_search(&id).unwrap_or_default()
                }
            };
            self.positions.before(slot)
        }

        /// Takes out the last rows that are leaving and lie side by side, and tells where they were
        /// and how many.
        pub fn take_leaving(&mut self) -> Option<(u32, u32)> {
            let mut run: Option<(u32, u32)> = None;
            while let Some(id) = self.leaving.last().copied() {
                let Some(position) = self.position(id) else {
                    self.leaving.remove(&id);
                    continue;
                };
                match run {
                    Some((first, count)) if position + 1 == first => run = Some((position, count + 1)),
                    Some(_) => break,
                    None => run = Some((position, 1)),
                }
                self.leaving.remove(&id);
                self.remove(id);
            }
            self.told -= run.map_or(0, |(_, count)| count);
            run
        }

        fn remove(&mut self, id: DownloadId) {
            if let Ok(slot) = self.ids.binary_search(&id) {
                self.by_id.remove(&id);
                self.positions.free(slot);
            }
            if self.ids.len() > 2 * self.by_id.len() + 64 {
                let by_id = &self.by_id;
                self.ids.retain(|id| by_id.contains_key(id));
                self.positions = Positions::full(self.ids.len());
            }
        }
    }

    #[derive(Debug, Default)]
    pub struct DownloadList {
        pub rows: RefCell<Rows>,
        pub will_tell: Cell<bool>,
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
            self.rows.borrow().told
        }

        fn item(&self, position: u32) -> Option<glib::Object> {
            self.rows.borrow().at(position).map(|object| object.clone().upcast())
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
        self.imp().rows.borrow().get(id).cloned()
    }

    /// Where a download is among the rows that were told.
    pub fn position(&self, id: DownloadId) -> Option<u32> {
        let rows = self.imp().rows.borrow();
        rows.position(id).filter(|position| *position < rows.told)
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
            self.items_changed(position, 0, 1);
        } else {
            self.tell_soon();
        }
    }

    /// Takes a download out of the list.
    pub(super) fn remove(&self, id: DownloadId) {
        // A row must be told to be there before it can be told to be gone.
        if self.position(id).is_none() {
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
        loop {
            let left = imp.rows.borrow_mut().take_leaving();
            let Some((position, count)) = left else { break };
            self.items_changed(position, count, 0);
        }
        let told = imp.rows.borrow().told;
        let count = imp.rows.borrow().len() - told;
        if count > 0 {
            imp.rows.borrow_mut().told += count;
            self.items_changed(told, 0, count);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use proptest::prelude::*;

    use super::super::download_object::tests::{alone, snapshot};
    use super::*;

    fn ids(list: &DownloadList) -> Vec<u64> {
        list.iter::<DownloadObject>().map(|object| object.unwrap().id()).collect()
    }

    fn add(list: &DownloadList, id: u64) {
        list.insert(DownloadObject::new(snapshot(id)));
    }

    fn remove(list: &DownloadList, id: u64) {
        list.remove(DownloadId(id));
    }

    #[test]
    fn rows_are_in_the_order_of_their_ids_and_found_by_them() {
        alone(|_| {
            let list = DownloadList::default();
            [3, 5, 9].iter().for_each(|id| add(&list, *id));
            assert_eq!(list.get(DownloadId(5)).map(|object| object.id()), Some(5));
            assert_eq!(list.position(DownloadId(9)), None);
            list.tell();
            assert_eq!(ids(&list), [3, 5, 9]);
            assert_eq!(list.position(DownloadId(9)), Some(2));
            assert_eq!(list.position(DownloadId(4)), None);
        });
    }

    #[test]
    fn an_undone_removal_puts_the_row_back_where_it_was() {
        alone(|_| {
            let list = DownloadList::default();
            (1..=4).for_each(|id| add(&list, id));
            remove(&list, 2);
            assert!(list.get(DownloadId(2)).is_none());
            list.tell();
            assert_eq!(ids(&list), [1, 3, 4]);
            add(&list, 2);
            list.tell();
            assert_eq!(ids(&list), [1, 2, 3, 4]);
            remove(&list, 4);
            add(&list, 4);
            list.tell();
            assert_eq!(ids(&list), [1, 2, 3, 4]);
        });
    }

    #[test]
    fn an_undone_removal_finds_its_place_after_a_sweep_too() {
        alone(|_| {
            let list = DownloadList::default();
            (0..300).for_each(|id| add(&list, id));
            (0..299).for_each(|id| remove(&list, id));
            list.tell();
            add(&list, 7);
            add(&list, 300);
            list.tell();
            assert_eq!(ids(&list), [7, 299, 300]);
            remove(&list, 7);
            list.tell();
            assert_eq!(ids(&list), [299, 300]);
        });
    }

    #[test]
    fn many_changes_of_a_turn_are_told_as_few() {
        alone(|_| {
            let list = DownloadList::default();
            let told = Rc::new(RefCell::new(Vec::new()));
            let heard = told.clone();
            list.connect_items_changed(move |list, position, removed, added| {
                assert_eq!(list.n_items() as usize, ids(list).len());
                heard.borrow_mut().push((position, removed, added));
            });
            (0..6).for_each(|id| add(&list, id));
            assert_eq!(ids(&list), [0; 0]);
            list.tell();
            [1, 2, 4].iter().for_each(|id| remove(&list, *id));
            remove(&list, 4);
            add(&list, 9);
            list.tell();
            add(&list, 2);
            assert_eq!(ids(&list), [0, 2, 3, 5, 9]);
            assert_eq!(*told.borrow(), [(0, 0, 6), (4, 1, 0), (1, 2, 0), (3, 0, 1), (1, 0, 1)]);
        });
    }

    #[test]
    fn a_list_tells_by_itself_when_the_main_loop_turns() {
        alone(|context| {
            let list = DownloadList::default();
            add(&list, 1);
            while list.n_items() == 0 {
                assert!(context.iteration(false), "nothing is going to tell");
            }
            assert_eq!(ids(&list), [1]);
        });
    }

    proptest! {
        #[test]
        fn what_is_told_always_leads_to_what_is_there(changes in prop::collection::vec((0_u64..12, any::<bool>()), 0..60)) {
            alone(|_| {
                let list = DownloadList::default();
                let shadow = Rc::new(RefCell::new(Vec::new()));
                let copy = shadow.clone();
                list.connect_items_changed(move |list, position, removed, added| {
                    let new = (position..position + added).map(|at| list.item(at).and_downcast::<DownloadObject>().unwrap().id());
                    let start = position as usize;
                    copy.borrow_mut().splice(start..start + removed as usize, new);
                });
                let mut plain = std::collections::BTreeSet::new();
                for (id, tells) in changes {
                    if plain.remove(&id) {
                        remove(&list, id);
                    } else {
                        plain.insert(id);
                        add(&list, id);
                    }
                    assert_eq!(list.get(DownloadId(id)).is_some(), plain.contains(&id));
                    if tells {
                        list.tell();
                        assert_eq!(ids(&list), plain.iter().copied().collect::<Vec<_>>());
                    }
                    assert_eq!(&*shadow.borrow(), &ids(&list));
                }
            });
        }
    }
}

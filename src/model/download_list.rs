// SPDX-License-Identifier: GPL-3.0-or-later
//! The list of all downloads in the order of their ids, which is the order in which they were added.
//! A download is found by its id at once; no change of one row costs time for each of the others.

use gio::prelude::*;
use gio::subclass::prelude::*;

use super::download_object::DownloadObject;
use crate::engine::types::DownloadId;

mod imp {
    use std::cell::RefCell;
    use std::collections::HashMap;

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
    }

    impl Rows {
        pub fn get(&self, id: DownloadId) -> Option<&DownloadObject> {
            self.by_id.get(&id)
        }

        pub fn len(&self) -> u32 {
            self.positions.taken()
        }

        pub fn at(&self, position: u32) -> Option<&DownloadObject> {
            let slot = self.positions.slot_at(position)?;
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

        /// Takes a download out, and tells where it was.
        pub fn remove(&mut self, id: DownloadId) -> Option<u32> {
            let position = self.position(id)?;
            let slot = self.positions.slot_at(position)?;
            self.by_id.remove(&id);
            self.positions.free(slot);
            if self.ids.len() > 2 * self.by_id.len() + 64 {
                let by_id = &self.by_id;
                self.ids.retain(|id| by_id.contains_key(id));
                self.positions = Positions::full(self.ids.len());
            }
            Some(position)
        }
    }

    #[derive(Debug, Default)]
    pub struct DownloadList {
        pub rows: RefCell<Rows>,
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
            self.rows.borrow().len()
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

    pub fn position(&self, id: DownloadId) -> Option<u32> {
        self.imp().rows.borrow().position(id)
    }

    /// Adds a download that is not in the list.
    pub(super) fn insert(&self, object: DownloadObject) {
        let position = self.imp().rows.borrow_mut().insert(object.download_id(), object);
        self.items_changed(position, 0, 1);
    }

    /// Takes a download out of the list.
    pub(super) fn remove(&self, id: DownloadId) {
        let position = self.imp().rows.borrow_mut().remove(id);
        if let Some(position) = position {
            self.items_changed(position, 1, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::super::download_object::tests::snapshot;
    use super::*;

    fn ids(list: &DownloadList) -> Vec<u64> {
        list.iter::<DownloadObject>().map(|object| object.unwrap().id()).collect()
    }

    fn add(list: &DownloadList, id: u64) {
        list.insert(DownloadObject::new(snapshot(id)));
    }

    #[test]
    fn rows_are_in_the_order_of_their_ids_and_found_by_them() {
        let list = DownloadList::default();
        for id in [3, 5, 9] {
            add(&list, id);
        }
        assert_eq!(ids(&list), [3, 5, 9]);
        assert_eq!(list.position(DownloadId(9)), Some(2));
        assert_eq!(list.position(DownloadId(4)), None);
        assert_eq!(list.get(DownloadId(5)).map(|object| object.id()), Some(5));
    }

    #[test]
    fn an_undone_removal_puts_the_row_back_where_it_was() {
        let list = DownloadList::default();
        (1..=4).for_each(|id| add(&list, id));
        list.remove(DownloadId(2));
        assert_eq!(ids(&list), [1, 3, 4]);
        add(&list, 2);
        assert_eq!(ids(&list), [1, 2, 3, 4]);
    }

    #[test]
    fn an_undone_removal_finds_its_place_after_a_sweep_too() {
        let list = DownloadList::default();
        (0..300).for_each(|id| add(&list, id));
        (0..299).for_each(|id| list.remove(DownloadId(id)));
        add(&list, 7);
        add(&list, 300);
        assert_eq!(ids(&list), [7, 299, 300]);
        list.remove(DownloadId(7));
        assert_eq!(ids(&list), [299, 300]);
    }

    #[test]
    fn each_change_is_told_with_its_place() {
        let list = DownloadList::default();
        let told = Rc::new(RefCell::new(Vec::new()));
        let heard = told.clone();
        list.connect_items_changed(move |_, position, removed, added| {
            heard.borrow_mut().push((position, removed, added));
        });
        (1..=3).for_each(|id| add(&list, id));
        list.remove(DownloadId(2));
        list.remove(DownloadId(2));
        add(&list, 2);
        assert_eq!(*told.borrow(), [(0, 0, 1), (1, 0, 1), (2, 0, 1), (1, 1, 0), (1, 0, 1)]);
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! What is selected in the list: the places for the toolkit, and the ids, by which what is selected stays so when rows
//! are sorted anew. While several are being selected, who goes from row to row takes nothing of it back: only what asks
//! for it by name does. GTK's own selection keeps an object of each row, which would make those of all rows when all
//! are selected.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashSet;

use gtk::prelude::*;
use gtk::subclass::prelude::*;
use gtk::{gio, glib};

use crate::model::{DownloadId, DownloadList, DownloadObject};

/// Which rows are selected. There is one id for each place, in the order of the places.
#[derive(Debug)]
struct Chosen {
    places: gtk::Bitset,
    ids: Vec<DownloadId>,
}

impl Default for Chosen {
    fn default() -> Self {
        Self { places: gtk::Bitset::new_empty(), ids: Vec::new() }
    }
}

impl Chosen {
    /// How many of the ids belong to places before this one.
    fn before(&self, place: u32) -> usize {
        let count = place.checked_sub(1).map_or(0, |last| self.places.size_in_range(0, last));
        usize::try_from(count).unwrap_or(usize::MAX)
    }
}

mod imp {
    use super::*;

    #[derive(Debug, Default)]
    pub struct Selection {
        pub list: OnceCell<DownloadList>,
        pub(super) chosen: RefCell<Chosen>,
        pub keeps: Cell<bool>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Selection {
        const NAME: &'static str = "FreshetSelection";
        type Type = super::Selection;
        type Interfaces = (gio::ListModel, gtk::SelectionModel);
    }

    impl ObjectImpl for Selection {}

    impl Selection {
        fn list(&self) -> &DownloadList {
            self.list.get().expect("a selection is made with its list")
        }

        fn all(&self) -> gtk::Bitset {
            gtk::Bitset::new_range(0, self.list().n_items())
        }

        fn range(&self, position: u32, count: u32) -> gtk::Bitset {
            let range = gtk::Bitset::new_range(position, count);
            range.intersect(&self.all());
            range
        }

        /// Of the places of `mask` those are selected that are in `wanted`.
        fn choose(&self, wanted: &gtk::Bitset, mask: &gtk::Bitset) {
            let old = self.chosen.borrow().places.clone();
            // A set of its own: who has been given the old one may still read in it.
            let new = wanted.copy();
            new.intersect(mask);
            let rest = old.copy();
            rest.subtract(mask);
            new.union(&rest);
            let changes = new.copy();
            changes.difference(&old);
            if changes.is_empty() {
                return;
            }
            let (first, last) = (changes.minimum(), changes.maximum());
            let ids = self.ids_of(&new, first, last);
            let mut chosen = self.chosen.borrow_mut();
            let stretch = chosen.before(first)..chosen.before(last + 1);
            chosen.ids.splice(stretch, ids);
            chosen.places = new;
            debug_assert_eq!(chosen.ids.len() as u64, chosen.places.size(), "an id for each place");
            drop(chosen);
            self.obj().selection_changed(first, last - first + 1);
        }

        /// Those that are in the set, from one place to another.
        fn ids_of(&self, set: &gtk::Bitset, first: u32, last: u32) -> Vec<DownloadId> {
            let from_first = gtk::BitsetIter::init_at(set, first).into_iter();
            let places = from_first.flat_map(|(rest, place)| std::iter::once(place).chain(rest));
            places.take_while(|place| *place <= last).filter_map(|place| self.list().id_at(place)).collect()
        }

        /// The list has other rows. What went and is there again, elsewhere, is still selected.
        pub(super) fn follow(&self, position: u32, removed: u32, added: u32) {
            let mut chosen = self.chosen.borrow_mut();
            let stretch = chosen.before(position)..chosen.before(position.saturating_add(removed));
            let gone: HashSet<_> = chosen.ids[stretch.clone()].iter().copied().collect();
            let places = chosen.places.copy();
            places.splice(position, removed, added);
            let mut back = Vec::new();
            if !gone.is_empty() {
                for place in position..position + added {
                    if let Some(id) = self.list().id_at(place).filter(|id| gone.contains(id)) {
                        places.add(place);
                        back.push(id);
                    }
                }
            }
            chosen.ids.splice(stretch, back);
            chosen.places = places;
            debug_assert_eq!(chosen.ids.len() as u64, chosen.places.size(), "an id for each place");
        }
    }

    impl ListModelImpl for Selection {
        fn item_type(&self) -> glib::Type {
            DownloadObject::static_type()
        }

        fn n_items(&self) -> u32 {
            self.list().n_items()
        }

        fn item(&self, position: u32) -> Option<glib::Object> {
            self.list().item(position)
        }
    }

    impl SelectionModelImpl for Selection {
        fn selection_in_range(&self, _: u32, _: u32) -> gtk::Bitset {
            // More than what was asked for may be in it.
            self.chosen.borrow().places.clone()
        }

        fn is_selected(&self, position: u32) -> bool {
            self.chosen.borrow().places.contains(position)
        }

        fn select_all(&self) -> bool {
            self.choose(&self.all(), &self.all());
            true
        }

        fn select_item(&self, position: u32, instead: bool) -> bool {
            // Then the focus goes there, and nothing else is meant.
            if !(instead && self.keeps.get()) {
                let row = self.range(position, 1);
                self.choose(&row, &if instead { self.all() } else { row.clone() });
            }
            true
        }

        fn select_range(&self, position: u32, count: u32, instead: bool) -> bool {
            let range = self.range(position, count);
            self.choose(&range, &if instead && !self.keeps.get() { self.all() } else { range.clone() });
            true
        }

        fn set_selection(&self, selected: &gtk::Bitset, mask: &gtk::Bitset) -> bool {
            let mask = mask.copy();
            mask.intersect(&self.all());
            self.choose(selected, &mask);
            true
        }

        fn unselect_all(&self) -> bool {
            self.choose(&gtk::Bitset::new_empty(), &self.all());
            true
        }

        fn unselect_item(&self, position: u32) -> bool {
            self.unselect_range(position, 1)
        }

        fn unselect_range(&self, position: u32, count: u32) -> bool {
            self.choose(&gtk::Bitset::new_empty(), &self.range(position, count));
            true
        }
    }
}

glib::wrapper! {
    pub struct Selection(ObjectSubclass<imp::Selection>) @implements gio::ListModel, gtk::SelectionModel;
}

impl Selection {
    pub fn new(list: &DownloadList) -> Self {
        let selection: Self = glib::Object::new();
        // A new one has none yet.
        let _ = selection.imp().list.set(list.clone());
        list.connect_items_changed(glib::clone!(
            #[weak]
            selection,
            move |_, position, removed, added| {
                selection.imp().follow(position, removed, added);
                selection.items_changed(position, removed, added);
            }
        ));
        selection
    }

    /// Whether what is selected stays so when another row is.
    pub fn set_keeps(&self, keeps: bool) {
        self.imp().keeps.set(keeps);
    }

    /// What is selected, in the order of the list.
    pub fn ids(&self) -> Vec<DownloadId> {
        self.imp().chosen.borrow().ids.clone()
    }

    /// What is selected, if it is one alone.
    pub fn only(&self) -> Option<DownloadId> {
        match self.imp().chosen.borrow().ids[..] {
            [id] => Some(id),
            _ => None,
        }
    }

    pub fn count(&self) -> usize {
        self.imp().chosen.borrow().ids.len()
    }
}

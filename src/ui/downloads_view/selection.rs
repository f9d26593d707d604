// SPDX-License-Identifier: GPL-3.0-or-later
//! What is selected in the list, as GTK keeps it. While several are being selected, who goes from row to row takes
//! nothing of it back: only what asks for it by name does.

use std::cell::{Cell, OnceCell};

use gtk::prelude::*;
use gtk::subclass::prelude::*;
use gtk::{gio, glib};

use crate::model::{DownloadList, DownloadObject};

mod imp {
    use super::*;

    #[derive(Debug, Default)]
    pub struct Selection {
        pub inner: OnceCell<gtk::MultiSelection>,
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
        fn inner(&self) -> &gtk::MultiSelection {
            self.inner.get().expect("a selection is made with its list")
        }
    }

    impl ListModelImpl for Selection {
        fn item_type(&self) -> glib::Type {
            DownloadObject::static_type()
        }

        fn n_items(&self) -> u32 {
            self.inner().n_items()
        }

        fn item(&self, position: u32) -> Option<glib::Object> {
            self.inner().item(position)
        }
    }

    impl SelectionModelImpl for Selection {
        fn selection_in_range(&self, position: u32, count: u32) -> gtk::Bitset {
            self.inner().selection_in_range(position, count)
        }

        fn is_selected(&self, position: u32) -> bool {
            self.inner().is_selected(position)
        }

        fn select_all(&self) -> bool {
            self.inner().select_all()
        }

        fn select_item(&self, position: u32, instead: bool) -> bool {
            // Then the focus goes there, and nothing else is meant.
            (instead && self.keeps.get()) || self.inner().select_item(position, instead)
        }

        fn select_range(&self, position: u32, count: u32, instead: bool) -> bool {
            self.inner().select_range(position, count, instead && !self.keeps.get())
        }

        fn set_selection(&self, selected: &gtk::Bitset, mask: &gtk::Bitset) -> bool {
            self.inner().set_selection(selected, mask)
        }

        fn unselect_all(&self) -> bool {
            self.inner().unselect_all()
        }

        fn unselect_item(&self, position: u32) -> bool {
            self.inner().unselect_item(position)
        }

        fn unselect_range(&self, position: u32, count: u32) -> bool {
            self.inner().unselect_range(position, count)
        }
    }
}

glib::wrapper! {
    pub struct Selection(ObjectSubclass<imp::Selection>) @implements gio::ListModel, gtk::SelectionModel;
}

impl Selection {
    pub fn new(list: &DownloadList) -> Self {
        let selection: Self = glib::Object::new();
        let inner = gtk::MultiSelection::new(Some(list.clone()));
        inner.connect_items_changed(glib::clone!(
            #[weak]
            selection,
            move |_, position, removed, added| selection.items_changed(position, removed, added)
        ));
        inner.connect_selection_changed(glib::clone!(
            #[weak]
            selection,
            move |_, position, count| selection.selection_changed(position, count)
        ));
        // A new one has none yet.
        let _ = selection.imp().inner.set(inner);
        selection
    }

    /// Whether what is selected stays so when another row is.
    pub fn set_keeps(&self, keeps: bool) {
        self.imp().keeps.set(keeps);
    }
}

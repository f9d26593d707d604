// SPDX-License-Identifier: GPL-3.0-or-later
//! A button of a row, which is made when it is shown first: a row shows three of eight, and GTK 4.8
//! makes two hundred rows of every list.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use super::unnamed;

mod imp {
    use std::cell::{OnceCell, RefCell};

    use super::*;

    #[derive(Debug, Default, glib::Properties)]
    #[properties(wrapper_type = super::RowButton)]
    pub struct RowButton {
        #[property(get, set)]
        pub icon: RefCell<String>,
        /// Its tooltip, and its name for a screen reader.
        #[property(get, set)]
        pub words: RefCell<String>,
        #[property(get, set)]
        pub action: RefCell<String>,
        pub button: OnceCell<gtk::Button>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for RowButton {
        const NAME: &'static str = "FreshetRowButton";
        type Type = super::RowButton;
        type ParentType = adw::Bin;
    }

    #[glib::derived_properties]
    impl ObjectImpl for RowButton {}

    impl WidgetImpl for RowButton {
        fn show(&self) {
            self.button.get_or_init(|| self.make());
            self.parent_show();
        }
    }

    impl BinImpl for RowButton {}

    impl RowButton {
        fn make(&self) -> gtk::Button {
            let button = gtk::Button::builder()
                .icon_name(self.icon.borrow().as_str())
                .tooltip_text(self.words.borrow().as_str())
                .action_name(self.action.borrow().as_str())
                .build();
            button.add_css_class("flat");
            button.add_css_class("circular");
            // The window may have been looked through already.
            unnamed::name_parts(&button);
            self.obj().set_child(Some(&button));
            button
        }
    }
}

glib::wrapper! {
    pub struct RowButton(ObjectSubclass<imp::RowButton>)
        @extends adw::Bin, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget;
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! One download of the history. Its menu is made when it is opened: a list makes two hundred rows.

use gtk::prelude::*;
use gtk::subclass::prelude::*;
use gtk::{gdk, gio, glib};

use super::{spoken, unnamed};
use crate::model::history::{self, Past};

mod imp {
    use std::cell::Cell;

    use super::*;

    #[derive(Debug, Default, gtk::CompositeTemplate)]
    #[template(file = "history_row.ui")]
    pub struct HistoryRow {
        #[template_child]
        pub icon: TemplateChild<gtk::Image>,
        #[template_child]
        pub name: TemplateChild<gtk::Label>,
        #[template_child]
        pub status: TemplateChild<gtk::Label>,
        #[template_child]
        pub sentence: TemplateChild<gtk::Label>,
        #[template_child]
        pub menu: TemplateChild<gtk::MenuButton>,
        /// The list's own widget around it has its words.
        pub has_lent: Cell<bool>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for HistoryRow {
        const NAME: &'static str = "FreshetHistoryRow";
        type Type = super::HistoryRow;
        type ParentType = gtk::Box;

        fn class_init(klass: &mut Self::Class) {
            klass.bind_template();
        }

        fn instance_init(row: &glib::subclass::InitializingObject<Self>) {
            row.init_template();
        }
    }

    impl ObjectImpl for HistoryRow {
        fn dispose(&self) {
            self.dispose_template();
        }
    }

    impl WidgetImpl for HistoryRow {
        /// Not before it is in its place: see download_row.rs.
        fn realize(&self) {
            self.parent_realize();
            if let Some(item) = self.obj().parent().filter(|_| !self.has_lent.replace(true)) {
                spoken::lend_words(&self.sentence, &item);
            }
        }
    }
    impl BoxImpl for HistoryRow {}
}

glib::wrapper! {
    pub struct HistoryRow(ObjectSubclass<imp::HistoryRow>)
        @extends gtk::Box, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget, gtk::Orientable;
}

impl HistoryRow {
    /// The row of a list item. Before its menu is opened it calls `meant`.
    pub fn new(item: &gtk::ListItem, model: &gio::MenuModel, meant: impl Fn() + 'static) -> Self {
        let row: Self = glib::Object::new();
        spoken::name_item(&row.imp().sentence, item);
        let model = model.clone();
        row.imp().menu.set_create_popup_func(move |button| {
            meant();
            if button.menu_model().is_none() {
                unnamed::give_menu(button, &model);
            }
        });
        let click = gtk::GestureClick::builder().button(gdk::BUTTON_SECONDARY).build();
        // Not as soon as it is pressed, see the list of downloads.
        click.connect_released(glib::clone!(
            #[weak]
            row,
            move |_, _, _, _| row.show_menu()
        ));
        row.add_controller(click);
        row
    }

    pub fn show_menu(&self) {
        self.imp().menu.popup();
    }

    pub fn show(&self, past: &Past) {
        let imp = self.imp();
        imp.icon.set_from_gicon(&history::icon(past));
        imp.name.set_label(&past.name);
        imp.name.set_tooltip_text(Some(&past.url));
        imp.status.set_label(&history::status(past));
        imp.sentence.set_label(&history::sentence(past));
    }
}

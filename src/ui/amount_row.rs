// SPDX-License-Identifier: GPL-3.0-or-later
//! A day or a server with how much came, in words and as a bar.

use gtk::glib;
use gtk::subclass::prelude::*;

use crate::model::statistics::Bar;

mod imp {
    use super::*;

    #[derive(Debug, Default, gtk::CompositeTemplate)]
    #[template(file = "amount_row.ui")]
    pub struct AmountRow {
        #[template_child]
        pub name: TemplateChild<gtk::Label>,
        #[template_child]
        pub amount: TemplateChild<gtk::Label>,
        #[template_child]
        pub sentence: TemplateChild<gtk::Label>,
        #[template_child]
        pub level: TemplateChild<gtk::ProgressBar>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for AmountRow {
        const NAME: &'static str = "FreshetAmountRow";
        type Type = super::AmountRow;
        type ParentType = gtk::ListBoxRow;

        fn class_init(klass: &mut Self::Class) {
            klass.bind_template();
        }

        fn instance_init(row: &glib::subclass::InitializingObject<Self>) {
            row.init_template();
        }
    }

    impl ObjectImpl for AmountRow {
        fn dispose(&self) {
            self.dispose_template();
        }
    }

    impl WidgetImpl for AmountRow {}
    impl ListBoxRowImpl for AmountRow {}
}

glib::wrapper! {
    pub struct AmountRow(ObjectSubclass<imp::AmountRow>)
        @extends gtk::ListBoxRow, gtk::Widget,
        @implements gtk::Actionable, gtk::Buildable, gtk::ConstraintTarget;
}

impl AmountRow {
    pub fn new(bar: &Bar) -> Self {
        let row: Self = glib::Object::new();
        let imp = row.imp();
        imp.name.set_label(&bar.name);
        imp.amount.set_label(&bar.amount);
        imp.sentence.set_label(&bar.words);
        imp.level.set_fraction(bar.share);
        row
    }
}

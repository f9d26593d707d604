// SPDX-License-Identifier: GPL-3.0-or-later
//! Says what a drop would do, over whatever takes it, as long as something hovers there.

use adw::subclass::prelude::*;
use gtk::glib;

mod imp {
    use super::*;

    #[derive(Debug, Default, gtk::CompositeTemplate)]
    #[template(file = "drop_hint.ui")]
    pub struct DropHint {
        #[template_child]
        pub revealer: TemplateChild<gtk::Revealer>,
        #[template_child]
        pub words: TemplateChild<gtk::Label>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for DropHint {
        const NAME: &'static str = "FreshetDropHint";
        type Type = super::DropHint;
        type ParentType = adw::Bin;

        fn class_init(klass: &mut Self::Class) {
            klass.bind_template();
        }

        fn instance_init(hint: &glib::subclass::InitializingObject<Self>) {
            hint.init_template();
        }
    }

    impl ObjectImpl for DropHint {
        // Not `dispose_template`: that would take the revealer from the bin, which lets go of it itself.
    }

    impl WidgetImpl for DropHint {}
    impl BinImpl for DropHint {}
}

glib::wrapper! {
    pub struct DropHint(ObjectSubclass<imp::DropHint>)
        @extends adw::Bin, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget;
}

impl DropHint {
    /// Shows the words, or nothing. While it fades away it keeps what it said.
    pub fn tell(&self, words: Option<&str>) {
        let imp = self.imp();
        if let Some(words) = words {
            imp.words.set_label(words);
        }
        imp.revealer.set_reveal_child(words.is_some());
    }
}

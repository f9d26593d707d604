// SPDX-License-Identifier: GPL-3.0-or-later
//! Asks how fast some downloads may be.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use crate::settings::KILOBYTE;

mod imp {
    use std::cell::OnceCell;

    use super::*;

    type Chosen = Box<dyn Fn(Option<u64>)>;

    #[allow(missing_debug_implementations)] // its listener has none
    #[derive(Default, gtk::CompositeTemplate)]
    #[template(file = "limit_dialog.ui")]
    pub struct LimitDialog {
        #[template_child]
        pub entry: TemplateChild<gtk::SpinButton>,
        pub chosen: OnceCell<Chosen>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for LimitDialog {
        const NAME: &'static str = "FreshetLimitDialog";
        type Type = super::LimitDialog;
        type ParentType = adw::MessageDialog;

        fn class_init(klass: &mut Self::Class) {
            klass.bind_template();
        }

        fn instance_init(dialog: &glib::subclass::InitializingObject<Self>) {
            dialog.init_template();
        }
    }

    impl ObjectImpl for LimitDialog {
        fn constructed(&self) {
            self.parent_constructed();
            // A spin button has no such property before GTK 4.14.
            if let Some(text) = self.entry.delegate().and_downcast::<gtk::Text>() {
                text.set_activates_default(true);
            }
            self.entry.grab_focus();
        }

        fn dispose(&self) {
            self.dispose_template();
        }
    }

    impl WidgetImpl for LimitDialog {}
    impl WindowImpl for LimitDialog {}

    impl MessageDialogImpl for LimitDialog {
        fn response(&self, response: &str) {
            let limit = match response {
                "limit" => {
                    // What was typed counts, although the focus is still there.
                    self.entry.update();
                    Some((self.entry.value() * KILOBYTE) as u64)
                }
                "free" => None,
                _ => return,
            };
            if let Some(chosen) = self.chosen.get() {
                chosen(limit);
            }
        }
    }
}

glib::wrapper! {
    pub struct LimitDialog(ObjectSubclass<imp::LimitDialog>)
        @extends adw::MessageDialog, gtk::Window, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget, gtk::Native, gtk::Root, gtk::ShortcutManager;
}

impl LimitDialog {
    /// `limits` are those in force, in bytes a second, of each download; `chosen` is called at most once, with the new one.
    pub fn new(
        body: &str,
        limits: impl IntoIterator<Item = Option<u64>>,
        chosen: impl Fn(Option<u64>) + 'static,
    ) -> Self {
        let dialog: Self = glib::Object::new();
        // A new dialog has no listener yet.
        let _ = dialog.imp().chosen.set(Box::new(chosen));
        dialog.set_body(body);
        // Of several the first that has one.
        let limit = limits.into_iter().flatten().next();
        if let Some(limit) = limit {
            dialog.imp().entry.set_value(limit as f64 / KILOBYTE);
        }
        dialog.set_response_enabled("free", limit.is_some());
        dialog
    }
}

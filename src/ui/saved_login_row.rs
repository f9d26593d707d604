// SPDX-License-Identifier: GPL-3.0-or-later
//! A log-in of the keyring, with a button (or Delete) that removes it.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::{gdk, glib};

use crate::desktop::keyring::Saved;
use crate::i18n::gettext_f;
use crate::ui::unnamed;

mod imp {
    use std::cell::{OnceCell, RefCell};

    use super::*;

    type Wanted = Box<dyn Fn(&Saved)>;

    #[allow(missing_debug_implementations)] // its listener has none
    #[derive(Default, gtk::CompositeTemplate)]
    #[template(file = "saved_login_row.ui")]
    pub struct SavedLoginRow {
        pub saved: RefCell<Option<Saved>>,
        pub wanted: OnceCell<Wanted>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for SavedLoginRow {
        const NAME: &'static str = "FreshetSavedLoginRow";
        type Type = super::SavedLoginRow;
        type ParentType = adw::ActionRow;

        fn class_init(klass: &mut Self::Class) {
            klass.bind_template();
            klass.install_action("login.remove", None, |row, _, _| row.want());
            klass.add_binding_action(gdk::Key::Delete, gdk::ModifierType::empty(), "login.remove");
        }

        fn instance_init(row: &glib::subclass::InitializingObject<Self>) {
            row.init_template();
        }
    }

    impl ObjectImpl for SavedLoginRow {
        fn dispose(&self) {
            self.dispose_template();
        }
    }

    impl WidgetImpl for SavedLoginRow {}
    impl ListBoxRowImpl for SavedLoginRow {}
    impl PreferencesRowImpl for SavedLoginRow {}
    impl ActionRowImpl for SavedLoginRow {}
}

glib::wrapper! {
    pub struct SavedLoginRow(ObjectSubclass<imp::SavedLoginRow>)
        @extends adw::ActionRow, adw::PreferencesRow, gtk::ListBoxRow, gtk::Widget,
        @implements gtk::Actionable, gtk::Buildable, gtk::ConstraintTarget;
}

impl SavedLoginRow {
    /// `wanted` is called when what it shows is to be removed.
    pub fn new(wanted: impl Fn(&Saved) + 'static) -> Self {
        let row: Self = glib::Object::new();
        unnamed::name_parts(&row);
        // A new row has no listener yet.
        let _ = row.imp().wanted.set(Box::new(wanted));
        row
    }

    /// `None`: it is not seen.
    pub fn show_login(&self, saved: Option<&Saved>) {
        let title = saved.map(|saved| saved.asker.title()).unwrap_or_default();
        self.set_visible(saved.is_some());
        // The search finds titles of hidden rows as well.
        self.set_title(&title);
        self.set_subtitle(&saved.map(subtitle).unwrap_or_default());
        self.imp().saved.replace(saved.cloned());
    }

    fn want(&self) {
        let saved = self.imp().saved.borrow().clone();
        if let Some((wanted, saved)) = self.imp().wanted.get().zip(saved) {
            wanted(&saved);
        }
    }
}

/// Who logs in, and what for where the server says so.
fn subtitle(saved: &Saved) -> String {
    match &saved.asker.realm {
        Some(realm) => {
            let values = [("user", saved.user.as_str()), ("realm", realm)];
            // Translators: {user} is a name, {realm} what a server says a log-in is for, in its own words.
            gettext_f("{user}, for “{realm}”", &values)
        }
        None => saved.user.clone(),
    }
}

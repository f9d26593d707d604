// SPDX-License-Identifier: GPL-3.0-or-later
//! The log-ins that are remembered in the keyring, as a group of the preferences.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use super::messages;
use super::saved_login_row::SavedLoginRow;
use crate::desktop::keyring::{All, Asking, Keyring, Saved};
use crate::i18n::{gettext, gettext_f};

mod imp {
    use std::cell::RefCell;

    use super::*;

    #[derive(Debug, Default, gtk::CompositeTemplate)]
    #[template(file = "saved_logins.ui")]
    pub struct SavedLogins {
        /// What there is to say in the place of rows.
        #[template_child]
        pub words: TemplateChild<adw::ActionRow>,
        #[template_child]
        pub unlock: TemplateChild<gtk::Button>,
        pub rows: RefCell<Vec<SavedLoginRow>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for SavedLogins {
        const NAME: &'static str = "FreshetSavedLogins";
        type Type = super::SavedLogins;
        type ParentType = adw::PreferencesGroup;

        fn class_init(klass: &mut Self::Class) {
            klass.bind_template();
        }

        fn instance_init(group: &glib::subclass::InitializingObject<Self>) {
            group.init_template();
        }
    }

    impl ObjectImpl for SavedLogins {
        fn constructed(&self) {
            self.parent_constructed();
            self.unlock.connect_clicked(glib::clone!(
                #[weak(rename_to = group)]
                self.obj(),
                move |_| group.look(Asking::Yes)
            ));
        }

        fn dispose(&self) {
            self.dispose_template();
        }
    }

    impl WidgetImpl for SavedLogins {}
    impl PreferencesGroupImpl for SavedLogins {}
}

glib::wrapper! {
    pub struct SavedLogins(ObjectSubclass<imp::SavedLogins>)
        @extends adw::PreferencesGroup, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget;
}

impl SavedLogins {
    /// Shows what the keyring has, as soon as it answers.
    pub fn look(&self, asking: Asking) {
        let group = self.downgrade();
        glib::spawn_future_local(async move {
            let all = Keyring::default().all(asking).await;
            // Closed meanwhile, it has nothing left to show it in.
            if let Some(group) = group.upgrade().filter(|group| group.root().is_some()) {
                group.show_all(all);
            }
        });
    }

    fn show_all(&self, all: Result<All, String>) {
        let imp = self.imp();
        let are_locked = all.as_ref().is_ok_and(|all| all.are_locked);
        let words = match &all {
            Ok(_) if are_locked => gettext("The keyring is locked."),
            Ok(all) if all.logins.is_empty() => gettext("No log-ins are saved"),
            Ok(_) => String::new(),
            Err(reason) => reason.clone(),
        };
        imp.unlock.set_visible(are_locked);
        imp.words.set_title(&words);
        imp.words.set_visible(!words.is_empty());
        let all = all.unwrap_or_default().logins;
        let mut rows = imp.rows.borrow_mut();
        for place in rows.len()..all.len() {
            let row = SavedLoginRow::new(glib::clone!(
                #[weak(rename_to = group)]
                self,
                move |saved| group.ask_to_remove(place, saved)
            ));
            // The search of the preferences leaves out what has no title when it is added.
            row.show_login(all.get(place));
            self.add(&row);
            rows.push(row);
        }
        for (place, row) in rows.iter().enumerate() {
            // Hidden, not removed: GTK 4.8 may still tell screen readers of what went.
            row.show_login(all.get(place));
        }
    }

    fn ask_to_remove(&self, place: usize, saved: &Saved) {
        let Some(window) = self.root().and_downcast::<gtk::Window>() else { return };
        let values = [("user", saved.user.as_str()), ("host", &saved.asker.title())];
        // Translators: {user} is a name, {host} a server.
        let body = gettext_f("Freshet will ask for the password of {user} at {host} when it is needed again.", &values);
        let remove = glib::clone!(
            #[weak(rename_to = group)]
            self,
            #[strong]
            saved,
            move || group.remove_login(place, saved.clone())
        );
        messages::ask_to_remove(&window, &gettext("Remove the Log-in?"), &body, remove);
    }

    fn remove_login(&self, place: usize, saved: Saved) {
        let group = self.downgrade();
        glib::spawn_future_local(async move {
            let removed = Keyring::default().forget(&saved).await;
            let all = Keyring::default().all(Asking::No).await;
            let Some(group) = group.upgrade().filter(|group| group.root().is_some()) else { return };
            group.show_all(all);
            if let (Err(reason), Some(window)) = (removed, group.root().and_downcast::<adw::PreferencesWindow>()) {
                // Translators: {reason} is a whole sentence.
                let words = gettext_f("The log-in could not be removed. {reason}", &[("reason", &reason)]);
                window.add_toast(messages::toast(&words, &window));
            }
            group.focus_near(place);
        });
    }

    /// The focus stays where the one that went has been.
    fn focus_near(&self, place: usize) {
        let rows = self.imp().rows.borrow();
        let shown: Vec<_> = rows.iter().filter(|row| row.is_visible()).collect();
        match shown.get(place.min(shown.len().saturating_sub(1))) {
            Some(row) => row.grab_focus(),
            None => self.imp().words.grab_focus(),
        };
    }
}

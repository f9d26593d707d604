// SPDX-License-Identifier: GPL-3.0-or-later
//! Asks for the user name and the password that a server or a proxy wants. It opens only when the user asks for
//! it.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use crate::desktop::keyring::Recalled;
use crate::i18n::gettext;
use crate::model::login::{Credentials, Login, LoginTo, user_problem};

const LOG_IN: &str = "log-in";

/// What was entered.
#[derive(Debug)]
pub struct Entered {
    pub credentials: Credentials,
    /// Also for the others that wait for it.
    pub for_others: bool,
    pub remembers: bool,
}

mod imp {
    use std::cell::{Cell, OnceCell, RefCell};

    use super::*;

    type Chosen = Box<dyn Fn(Entered)>;

    #[allow(missing_debug_implementations)] // its listener has none
    #[derive(Default, gtk::CompositeTemplate)]
    #[template(file = "login_dialog.ui")]
    pub struct LoginDialog {
        #[template_child]
        pub realm: TemplateChild<gtk::Label>,
        #[template_child]
        pub problem: TemplateChild<gtk::Label>,
        #[template_child]
        pub user: TemplateChild<adw::EntryRow>,
        #[template_child]
        pub password: TemplateChild<adw::PasswordEntryRow>,
        #[template_child]
        pub locked: TemplateChild<adw::ActionRow>,
        #[template_child]
        pub unlock: TemplateChild<gtk::Button>,
        #[template_child]
        pub remember_row: TemplateChild<adw::ActionRow>,
        #[template_child]
        pub remember: TemplateChild<gtk::Switch>,
        #[template_child]
        pub others: TemplateChild<adw::ActionRow>,
        #[template_child]
        pub for_others: TemplateChild<gtk::Switch>,
        #[template_child]
        pub warning: TemplateChild<gtk::Label>,
        pub chosen: OnceCell<Chosen>,
        /// What was given last was refused.
        pub is_refused: Cell<bool>,
        /// The user name that the dialog began with.
        pub begun_with: RefCell<glib::GString>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for LoginDialog {
        const NAME: &'static str = "FreshetLoginDialog";
        type Type = super::LoginDialog;
        type ParentType = adw::MessageDialog;

        fn class_init(klass: &mut Self::Class) {
            klass.bind_template();
        }

        fn instance_init(dialog: &glib::subclass::InitializingObject<Self>) {
            dialog.init_template();
        }
    }

    impl ObjectImpl for LoginDialog {
        fn constructed(&self) {
            self.parent_constructed();
            self.user.connect_changed(glib::clone!(
                #[weak(rename_to = dialog)]
                self.obj(),
                move |_| dialog.check()
            ));
        }

        fn dispose(&self) {
            self.dispose_template();
        }
    }

    impl WidgetImpl for LoginDialog {}
    impl WindowImpl for LoginDialog {}

    impl MessageDialogImpl for LoginDialog {
        fn response(&self, response: &str) {
            // A password row that has the focus when it goes leaves libadwaita 1.2 with freed memory.
            gtk::prelude::GtkWindowExt::set_focus(&*self.obj(), None::<&gtk::Widget>);
            if response == LOG_IN
                && let Some(chosen) = self.chosen.get()
            {
                let user = self.user.text().trim().to_owned();
                chosen(Entered {
                    credentials: Credentials { user, password: self.password.text().into() },
                    for_others: self.for_others.is_active(),
                    remembers: self.remember.is_active() && self.remember_row.is_sensitive(),
                });
            }
        }
    }
}

glib::wrapper! {
    pub struct LoginDialog(ObjectSubclass<imp::LoginDialog>)
        @extends adw::MessageDialog, gtk::Window, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget, gtk::Native, gtk::Root, gtk::ShortcutManager;
}

impl LoginDialog {
    /// `chosen` is called at most once.
    pub fn new(login: &Login, chosen: impl Fn(Entered) + 'static) -> Self {
        let dialog: Self = glib::Object::new();
        let imp = dialog.imp();
        // A new dialog has no listener yet.
        let _ = imp.chosen.set(Box::new(chosen));
        dialog.set_body(&login.sentence);
        imp.realm.set_visible(login.realm.is_some());
        imp.realm.set_label(login.realm.as_deref().unwrap_or_default());
        imp.remember_row.set_visible(login.asker.is_some());
        imp.remember_row.set_subtitle(&match login.to {
            LoginTo::Server => gettext("Kept in your keyring, for this server only"),
            LoginTo::Proxy => gettext("Kept in your keyring, for this proxy only"),
        });
        imp.is_refused.set(login.is_refused);
        imp.warning.set_visible(login.is_open);
        if let Some(offer) = login.offer() {
            imp.others.set_title(&offer);
            imp.others.set_visible(true);
        }
        match &login.user {
            Some(user) => {
                imp.user.set_text(user);
                imp.password.grab_focus();
            }
            None => {
                imp.user.grab_focus();
            }
        }
        imp.begun_with.replace(imp.user.text());
        if login.is_refused {
            dialog.say(Some(match login.to {
                LoginTo::Server => gettext("The server refused this user name and password."),
                LoginTo::Proxy => gettext("The proxy refused this user name and password."),
            }));
        }
        dialog
    }

    /// Calls back when the user wants the keyring to be unlocked.
    pub fn connect_unlock(&self, wanted: impl Fn() + 'static) {
        self.imp().unlock.connect_clicked(move |_| wanted());
    }

    /// Shows what the keyring has, or why nothing can be remembered.
    pub fn show_recalled(&self, recalled: Result<Recalled, String>) {
        let imp = self.imp();
        imp.locked.set_visible(recalled == Ok(Recalled::Locked));
        match recalled {
            Ok(Recalled::Found(saved)) => {
                imp.remember.set_active(true);
                // Not what was refused, and not over what the user has begun to write.
                let user = imp.user.text();
                let is_untouched =
                    (user.is_empty() || user == *imp.begun_with.borrow()) && imp.password.text().is_empty();
                if !imp.is_refused.get() && is_untouched {
                    imp.user.set_text(&saved.user);
                    imp.password.set_text(&saved.password);
                }
            }
            Ok(Recalled::Nothing | Recalled::Locked) => {}
            Err(reason) => {
                imp.remember_row.set_sensitive(false);
                imp.remember_row.set_subtitle(&glib::markup_escape_text(&reason));
            }
        }
    }

    /// Says what is wrong, and lets the name be used when nothing is.
    fn check(&self) {
        let user = self.imp().user.text();
        let problem = user_problem(&user);
        self.set_response_enabled(LOG_IN, problem.is_none() && !user.trim().is_empty());
        self.say(problem);
    }

    fn say(&self, problem: Option<String>) {
        let label = &self.imp().problem;
        label.set_visible(problem.is_some());
        label.set_label(&problem.unwrap_or_default());
    }
}

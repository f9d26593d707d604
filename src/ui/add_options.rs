// SPDX-License-Identifier: GPL-3.0-or-later
//! The part of the add dialog that says how downloads are fetched and when they start.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use super::time_entry::{minute_of, tell_time};
use super::{page_scroll, unhyphenated};
use crate::i18n::gettext;
use crate::model::terms::{Start, Term, Terms, next_time};
use crate::settings::{KILOBYTE, Settings};

/// The positions in the list of starts.
const AT_ONCE: u32 = 1;
const BY_HAND: u32 = 2;
const AT_A_TIME: u32 = 3;

mod imp {
    use std::cell::{Cell, RefCell};

    use super::*;

    #[derive(Debug, Default, gtk::CompositeTemplate)]
    #[template(file = "add_options.ui")]
    pub struct AddOptions {
        #[template_child]
        pub start: TemplateChild<adw::ComboRow>,
        #[template_child]
        pub time: TemplateChild<adw::ActionRow>,
        #[template_child]
        pub at: TemplateChild<gtk::SpinButton>,
        #[template_child]
        pub connections: TemplateChild<gtk::SpinButton>,
        #[template_child]
        pub limit: TemplateChild<gtk::SpinButton>,
        #[template_child]
        pub checksum: TemplateChild<adw::EntryRow>,
        #[template_child]
        pub user: TemplateChild<adw::EntryRow>,
        #[template_child]
        pub password: TemplateChild<adw::PasswordEntryRow>,
        #[template_child]
        pub remember_row: TemplateChild<adw::ActionRow>,
        #[template_child]
        pub remember: TemplateChild<gtk::Switch>,
        #[template_child]
        pub referer: TemplateChild<adw::EntryRow>,
        #[template_child]
        pub user_agent: TemplateChild<adw::EntryRow>,
        #[template_child]
        pub cookies: TemplateChild<adw::EntryRow>,
        #[template_child]
        pub proxy: TemplateChild<adw::EntryRow>,
        #[template_child]
        pub headers: TemplateChild<gtk::TextView>,
        #[template_child]
        pub mirrors: TemplateChild<gtk::TextView>,
        #[template_child]
        pub mirrors_row: TemplateChild<adw::PreferencesRow>,
        /// How many connections there are, and how many kilobytes a second, if nothing is said.
        pub usual: Cell<(i32, i32)>,
        /// User name and password as they were when they were last left.
        pub left_login: RefCell<(String, String)>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for AddOptions {
        const NAME: &'static str = "FreshetAddOptions";
        type Type = super::AddOptions;
        type ParentType = adw::PreferencesGroup;

        fn class_init(klass: &mut Self::Class) {
            klass.bind_template();
        }

        fn instance_init(options: &glib::subclass::InitializingObject<Self>) {
            options.init_template();
        }
    }

    impl ObjectImpl for AddOptions {
        fn constructed(&self) {
            self.parent_constructed();
            let time = self.time.get();
            self.start.connect_selected_notify(move |start| time.set_visible(start.selected() == AT_A_TIME));
            for text in [&self.headers, &self.mirrors] {
                unhyphenated::set_text(text);
            }
            let remember = self.remember_row.get();
            remember.set_sensitive(false);
            self.user.connect_changed(move |user| remember.set_sensitive(!user.text().trim().is_empty()));
            tell_time(&self.at, || ());
            // A full hour that is not too near.
            if let Ok(soon) = glib::DateTime::now_local().and_then(|now| now.add_hours(1)) {
                self.at.set_value(f64::from(soon.hour() * 60));
            }
            page_scroll::leave_to_page(&*self.obj());
        }
    }

    impl WidgetImpl for AddOptions {}
    impl PreferencesGroupImpl for AddOptions {}
}

glib::wrapper! {
    pub struct AddOptions(ObjectSubclass<imp::AddOptions>)
        @extends adw::PreferencesGroup, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget;
}

impl AddOptions {
    /// Shows how a download is fetched if nothing is said.
    pub fn show_usual(&self, settings: &Settings) {
        let imp = self.imp();
        imp.connections.set_value(f64::from(settings.connections()));
        // The number is a whole one, and 0 would mean that there is none.
        let limit = settings.rate_limit_each().map_or(0.0, |limit| (limit.0 as f64 / KILOBYTE).ceil());
        imp.limit.set_value(limit);
        imp.usual.set((imp.connections.value_as_int(), imp.limit.value_as_int()));
    }

    /// Whether there is one file, which may have mirrors and a checksum.
    pub fn set_is_single(&self, is_single: bool) {
        self.imp().mirrors_row.set_sensitive(is_single);
        self.imp().checksum.set_sensitive(is_single);
    }

    /// Calls back whenever something else is said.
    pub fn connect_changed(&self, changed: impl Fn() + Clone + 'static) {
        let imp = self.imp();
        let entries = [&imp.checksum, &imp.user, &imp.referer, &imp.user_agent, &imp.cookies, &imp.proxy];
        for entry in entries {
            let changed = changed.clone();
            entry.connect_changed(move |_| changed());
        }
        let of_password = changed.clone();
        imp.password.connect_changed(move |_| of_password());
        for view in [&imp.headers, &imp.mirrors] {
            let changed = changed.clone();
            view.buffer().connect_changed(move |_| changed());
        }
    }

    /// Takes what is written into a number and not confirmed: a key may add the downloads from there.
    pub fn take_written(&self) {
        let imp = self.imp();
        [&imp.at, &imp.connections, &imp.limit].into_iter().for_each(|number| number.update());
    }

    /// Takes the log-in as it is written, but not while the focus is in it. Answers whether it is another one than before.
    pub fn leave_login(&self) -> bool {
        let imp = self.imp();
        let focus = self.root().and_then(|root| RootExt::focus(&root));
        let rows: [&gtk::Widget; 2] = [imp.user.upcast_ref(), imp.password.upcast_ref()];
        let is_in = |focus: &gtk::Widget| rows.iter().any(|row| focus == *row || focus.is_ancestor(*row));
        if focus.as_ref().is_some_and(is_in) {
            return false;
        }
        let login = (imp.user.text().trim().to_owned(), imp.password.text().into());
        imp.left_login.replace(login.clone()) != login
    }

    /// What is said. The error is a sentence for the user.
    pub fn terms(&self) -> Result<Terms, String> {
        self.terms_with(self.imp().user.text().trim(), &self.imp().password.text())
    }

    /// What of it servers may be asked with before anything is added. A log-in that is still being written would be an
    /// attempt at every pause, and servers lock out who fails often.
    pub fn terms_to_ask_with(&self) -> Result<Terms, String> {
        match &*self.imp().left_login.borrow() {
            (_, password) if password.is_empty() => self.terms_with("", ""),
            (user, password) => self.terms_with(user, password),
        }
    }

    fn terms_with(&self, user: &str, password: &str) -> Result<Terms, String> {
        let imp = self.imp();
        let mut terms = Terms::default();
        let usual = imp.usual.get();
        let (connections, limit) = (imp.connections.value_as_int(), imp.limit.value_as_int());
        if connections != usual.0 {
            terms.say(Term::Connections, &connections.to_string())?;
        }
        if limit != usual.1 {
            // A spin button has whole numbers from 0 up.
            let bytes = (f64::from(limit) * KILOBYTE) as u64;
            terms.say(Term::Limit, &bytes.to_string())?;
        }
        if imp.checksum.is_sensitive() {
            terms.say(Term::Checksum, &imp.checksum.text())?;
            terms.say(Term::Mirrors, &text_of(&imp.mirrors))?;
        }
        terms.say_login(user, password, imp.remember.is_active())?;
        terms.say(Term::Referer, &imp.referer.text())?;
        terms.say(Term::UserAgent, &imp.user_agent.text())?;
        terms.say(Term::Cookies, &imp.cookies.text())?;
        terms.say(Term::Proxy, &imp.proxy.text())?;
        terms.say(Term::Headers, &text_of(&imp.headers))?;
        Ok(terms)
    }

    /// When it is to start. The error is a sentence for the user.
    pub fn start(&self) -> Result<Start, String> {
        let imp = self.imp();
        match imp.start.selected() {
            AT_ONCE => Ok(Start::AtOnce),
            BY_HAND => Ok(Start::ByHand),
            AT_A_TIME => next_time(minute_of(&imp.at))
                .map(Start::At)
                .ok_or_else(|| gettext("There is no such time on that day. Choose another one.")),
            _ => Ok(Start::Now),
        }
    }
}

fn text_of(view: &gtk::TextView) -> String {
    let buffer = view.buffer();
    buffer.text(&buffer.start_iter(), &buffer.end_iter(), false).into()
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! The preferences. What is changed counts at once.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use crate::desktop::after_command;
use crate::desktop::when_done::{self, Offers};
use crate::i18n::gettext;
use crate::model::describe::{hours_problem, schedule_problem};
use crate::settings::{Key, Settings};

mod imp {
    use super::*;

    #[derive(Debug, Default, gtk::CompositeTemplate)]
    #[template(file = "preferences.ui")]
    pub struct Preferences {
        #[template_child]
        pub parallel: TemplateChild<gtk::Adjustment>,
        #[template_child]
        pub connections: TemplateChild<gtk::Adjustment>,
        #[template_child]
        pub per_host: TemplateChild<gtk::Adjustment>,
        #[template_child]
        pub find_checksum: TemplateChild<gtk::Switch>,
        #[template_child]
        pub offer_clipboard: TemplateChild<gtk::Switch>,
        #[template_child]
        pub preview_addresses: TemplateChild<gtk::Switch>,
        #[template_child]
        pub notify_ends: TemplateChild<gtk::Switch>,
        #[template_child]
        pub stay_awake: TemplateChild<gtk::Switch>,
        #[template_child]
        pub run_in_background: TemplateChild<gtk::Switch>,
        #[template_child]
        pub autostart: TemplateChild<gtk::Switch>,
        #[template_child]
        pub wait_on_metered: TemplateChild<gtk::Switch>,
        #[template_child]
        pub hours: TemplateChild<adw::EntryRow>,
        #[template_child]
        pub hours_words: TemplateChild<gtk::Label>,
        #[template_child]
        pub when_done: TemplateChild<adw::ComboRow>,
        #[template_child]
        pub when_done_group: TemplateChild<adw::PreferencesGroup>,
        #[template_child]
        pub when_done_always: TemplateChild<gtk::Switch>,
        #[template_child]
        pub command: TemplateChild<adw::EntryRow>,
        #[template_child]
        pub command_words: TemplateChild<gtk::Label>,
        #[template_child]
        pub is_limited: TemplateChild<gtk::Switch>,
        #[template_child]
        pub rate: TemplateChild<gtk::Adjustment>,
        #[template_child]
        pub schedule: TemplateChild<adw::EntryRow>,
        #[template_child]
        pub schedule_words: TemplateChild<gtk::Label>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Preferences {
        const NAME: &'static str = "FreshetPreferences";
        type Type = super::Preferences;
        type ParentType = adw::PreferencesWindow;

        fn class_init(klass: &mut Self::Class) {
            klass.bind_template();
        }

        fn instance_init(window: &glib::subclass::InitializingObject<Self>) {
            window.init_template();
        }
    }

    impl ObjectImpl for Preferences {
        fn dispose(&self) {
            self.dispose_template();
        }
    }

    impl WidgetImpl for Preferences {}
    impl WindowImpl for Preferences {}
    impl AdwWindowImpl for Preferences {}
    impl PreferencesWindowImpl for Preferences {}
}

glib::wrapper! {
    pub struct Preferences(ObjectSubclass<imp::Preferences>)
        @extends adw::PreferencesWindow, adw::Window, gtk::Window, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget, gtk::Native, gtk::Root, gtk::ShortcutManager;
}

impl Preferences {
    pub fn new(settings: &Settings, parent: &impl IsA<gtk::Window>) -> Self {
        let window: Self = glib::Object::builder().property("transient-for", parent).build();
        let imp = window.imp();
        for (key, count) in [
            (Key::ParallelDownloads, &imp.parallel),
            (Key::ConnectionsPerDownload, &imp.connections),
            (Key::ConnectionsPerHost, &imp.per_host),
        ] {
            settings.bind(key, &**count, "value");
        }
        settings.bind(Key::OfferClipboard, &*imp.offer_clipboard, "active");
        settings.bind(Key::PreviewAddresses, &*imp.preview_addresses, "active");
        settings.bind(Key::FindChecksum, &*imp.find_checksum, "active");
        for (key, switch) in [
            (Key::NotifyEnds, &imp.notify_ends),
            (Key::StayAwake, &imp.stay_awake),
            (Key::RunInBackground, &imp.run_in_background),
            (Key::Autostart, &imp.autostart),
            (Key::WaitOnMetered, &imp.wait_on_metered),
            (Key::WhenDoneAlways, &imp.when_done_always),
        ] {
            settings.bind(key, &**switch, "active");
        }
        settings.bind_rate_limit((&*imp.is_limited, "active"), (&*imp.rate, "value"));
        // Translators: keep the examples as they are; K is 1024 bytes a second.
        let help = gettext("For example: Mon-Fri 08:00-18:00 500K; daily 23:00-06:00 unlimited");
        let schedule = Written { row: &imp.schedule, words: &imp.schedule_words, help, problem: schedule_problem };
        schedule.connect(&settings.schedule_text(), settings, Settings::set_schedule_text);
        // Translators: keep the example as it is.
        let help = gettext("Empty means always. For example: Mon-Fri 22:00-06:00; Sat,Sun 00:00-24:00");
        let hours = Written { row: &imp.hours, words: &imp.hours_words, help, problem: hours_problem };
        hours.connect(&settings.hours_text(), settings, Settings::set_hours_text);
        window.offer_when_done(settings);
        window
    }
}

impl Preferences {
    /// What can be done here when all downloads have ended, and why the rest can not.
    fn offer_when_done(&self, settings: &Settings) {
        let imp = self.imp();
        let has_command = when_done::has_commands();
        imp.command.set_visible(has_command);
        imp.command_words.set_visible(has_command);
        // Translators: keep the example as it is.
        let help = gettext("Without a shell. For example: sh -c 'beep && shutdown-my-server'");
        let command = Written { row: &imp.command, words: &imp.command_words, help, problem: after_command::problem };
        command.connect(&settings.when_done_command(), settings, Settings::set_when_done_command);
        let (settings, window) = (settings.clone(), self.downgrade());
        glib::spawn_future_local(async move {
            let offers = when_done::offers().await;
            if let Some(window) = window.upgrade() {
                window.show_when_done(&settings, &offers);
            }
        });
    }

    fn show_when_done(&self, settings: &Settings, offers: &Offers) {
        let imp = self.imp();
        let words: Vec<_> = offers.possible.iter().map(|one| one.label()).collect();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        imp.when_done.set_model(Some(&gtk::StringList::new(&words)));
        imp.when_done_group.set_description(offers.refusals.as_deref());
        let names = offers.possible.iter().map(|one| one.name()).collect();
        settings.bind_choice(Key::WhenDone, names, &*imp.when_done, "selected");
    }
}

/// A row with a text of a form of its own: what is wrong with it is said below, or how one is written.
struct Written<'a> {
    row: &'a adw::EntryRow,
    words: &'a gtk::Label,
    help: String,
    problem: fn(&str) -> Option<String>,
}

impl Written<'_> {
    /// Shows `text`, and saves what is right of what is written.
    fn connect(self, text: &str, settings: &Settings, save: fn(&Settings, &str)) {
        let Self { row, words, help, problem } = self;
        row.set_text(text);
        let check = glib::clone!(
            #[weak]
            words,
            move |row: &adw::EntryRow| {
                let wrong = problem(&row.text());
                if wrong.is_some() {
                    row.add_css_class("error");
                } else {
                    row.remove_css_class("error");
                }
                words.set_css_classes(&["caption", if wrong.is_some() { "error" } else { "dim-label" }]);
                words.set_label(&wrong.unwrap_or_else(|| help.clone()));
            }
        );
        check(row);
        row.connect_changed(move |row| check(row));
        row.connect_apply(glib::clone!(
            #[strong]
            settings,
            move |row| {
                if problem(&row.text()).is_none() {
                    save(&settings, row.text().trim());
                }
            }
        ));
    }
}

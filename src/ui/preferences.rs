// SPDX-License-Identifier: GPL-3.0-or-later
//! The preferences. What is changed counts at once.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use crate::i18n::gettext;
use crate::model::describe::schedule_problem;
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
        pub notify_ends: TemplateChild<gtk::Switch>,
        #[template_child]
        pub stay_awake: TemplateChild<gtk::Switch>,
        #[template_child]
        pub run_in_background: TemplateChild<gtk::Switch>,
        #[template_child]
        pub autostart: TemplateChild<gtk::Switch>,
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
        settings.bind(Key::FindChecksum, &*imp.find_checksum, "active");
        for (key, switch) in [
            (Key::NotifyEnds, &imp.notify_ends),
            (Key::StayAwake, &imp.stay_awake),
            (Key::RunInBackground, &imp.run_in_background),
            (Key::Autostart, &imp.autostart),
        ] {
            settings.bind(key, &**switch, "active");
        }
        settings.bind_rate_limit((&*imp.is_limited, "active"), (&*imp.rate, "value"));
        imp.schedule.set_text(&settings.schedule_text());
        imp.schedule.connect_changed(glib::clone!(
            #[weak]
            window,
            move |_| window.check_schedule()
        ));
        imp.schedule.connect_apply(glib::clone!(
            #[strong]
            settings,
            move |row| {
                if schedule_problem(&row.text()).is_none() {
                    settings.set_schedule_text(row.text().trim());
                }
            }
        ));
        window.check_schedule();
        window
    }

    /// Says what is wrong with the schedule, or how one is written.
    fn check_schedule(&self) {
        let imp = self.imp();
        let problem = schedule_problem(&imp.schedule.text());
        if problem.is_some() {
            imp.schedule.add_css_class("error");
        } else {
            imp.schedule.remove_css_class("error");
        }
        imp.schedule_words.set_css_classes(&["caption", if problem.is_some() { "error" } else { "dim-label" }]);
        // Translators: keep the examples as they are; K is 1024 bytes a second.
        let help = || gettext("For example: Mon-Fri 08:00-18:00 500K; daily 23:00-06:00 unlimited");
        imp.schedule_words.set_label(&problem.unwrap_or_else(help));
    }
}

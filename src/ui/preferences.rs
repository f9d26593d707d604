// SPDX-License-Identifier: GPL-3.0-or-later
//! The preferences. What is changed counts at once.

use std::path::Path;

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use super::children::children;
use super::rules_group::RulesGroup;
use super::saved_logins::SavedLogins;
use super::schedule_group::ScheduleGroup;
use super::whole_value::show_whole;
use super::{chooser, messages, page_scroll};
use crate::desktop::after_command;
use crate::desktop::background::is_sandboxed;
use crate::desktop::keyring::Asking;
use crate::desktop::when_done::{self, Offers};
use crate::i18n::{gettext, gettext_f};
use crate::model::describe;
use crate::model::schedule::Form;
use crate::model::terms::{proxy_problem, user_agent_problem, usual_user_agent};
use crate::settings::{Key, Settings};

mod imp {
    use super::*;

    #[derive(Debug, Default, gtk::CompositeTemplate)]
    #[template(file = "preferences.ui")]
    pub struct Preferences {
        #[template_child]
        pub folder: TemplateChild<adw::ActionRow>,
        #[template_child]
        pub default_folder: TemplateChild<gtk::Button>,
        #[template_child]
        pub choose_folder: TemplateChild<gtk::Button>,
        #[template_child]
        pub rules: TemplateChild<RulesGroup>,
        #[template_child]
        pub on_exists: TemplateChild<adw::ComboRow>,
        #[template_child]
        pub retries: TemplateChild<gtk::Adjustment>,
        #[template_child]
        pub retry_wait: TemplateChild<gtk::Adjustment>,
        #[template_child]
        pub silence: TemplateChild<gtk::Adjustment>,
        #[template_child]
        pub rate_each: TemplateChild<gtk::Adjustment>,
        #[template_child]
        pub proxy: TemplateChild<adw::EntryRow>,
        #[template_child]
        pub proxy_words: TemplateChild<gtk::Label>,
        #[template_child]
        pub user_agent: TemplateChild<adw::EntryRow>,
        #[template_child]
        pub user_agent_words: TemplateChild<gtk::Label>,
        #[template_child]
        pub netrc_row: TemplateChild<adw::ActionRow>,
        #[template_child]
        pub netrc: TemplateChild<gtk::Switch>,
        #[template_child]
        pub saved_logins: TemplateChild<SavedLogins>,
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
        pub keep_history: TemplateChild<gtk::Switch>,
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
        pub hours: TemplateChild<ScheduleGroup>,
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
        pub schedule: TemplateChild<ScheduleGroup>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Preferences {
        const NAME: &'static str = "FreshetPreferences";
        type Type = super::Preferences;
        type ParentType = adw::PreferencesWindow;

        fn class_init(klass: &mut Self::Class) {
            RulesGroup::ensure_type();
            SavedLogins::ensure_type();
            ScheduleGroup::ensure_type();
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
        leave_names_room(window.upcast_ref());
        page_scroll::leave_to_page(&window);
        for (key, count) in [
            (Key::ParallelDownloads, &imp.parallel),
            (Key::ConnectionsPerDownload, &imp.connections),
            (Key::ConnectionsPerHost, &imp.per_host),
            (Key::Retries, &imp.retries),
            (Key::RetryWait, &imp.retry_wait),
            (Key::Timeout, &imp.silence),
        ] {
            settings.bind(key, &**count, "value");
        }
        for (key, switch) in [
            (Key::OfferClipboard, &imp.offer_clipboard),
            (Key::PreviewAddresses, &imp.preview_addresses),
            (Key::FindChecksum, &imp.find_checksum),
            (Key::Netrc, &imp.netrc),
            (Key::KeepHistory, &imp.keep_history),
            (Key::NotifyEnds, &imp.notify_ends),
            (Key::StayAwake, &imp.stay_awake),
            (Key::RunInBackground, &imp.run_in_background),
            (Key::Autostart, &imp.autostart),
            (Key::WaitOnMetered, &imp.wait_on_metered),
            (Key::WhenDoneAlways, &imp.when_done_always),
        ] {
            settings.bind(key, &**switch, "active");
        }
        // What is there of the home folder in a sandbox is not the user's.
        imp.netrc_row.set_visible(!is_sandboxed());
        show_whole(&imp.on_exists);
        show_whole(&imp.when_done);
        settings.bind_choice(Key::OnExists, vec!["rename", "skip", "overwrite"], &*imp.on_exists, "selected");
        settings.bind_kilobytes(Key::RateLimitEach, &*imp.rate_each, "value");
        settings.bind_rate_limit((&*imp.is_limited, "active"), (&*imp.rate, "value"));
        window.offer_folder(settings);
        imp.rules.follow(settings);
        imp.saved_logins.look(Asking::No);
        imp.schedule.follow(Form::Limits, Key::RateSchedule, settings);
        imp.hours.follow(Form::Hours, Key::Hours, settings);
        window.follow_texts(settings);
        window.offer_when_done(settings);
        window
    }
}

impl Preferences {
    fn follow_texts(&self, settings: &Settings) {
        let imp = self.imp();
        // Translators: keep the example as it is.
        let help = gettext(
            "A computer through which all downloads go, in networks that ask for one. Empty means that of the system, if it has one. For example: socks5h://127.0.0.1:9050",
        );
        let proxy = Written { row: &imp.proxy, words: &imp.proxy_words, help, problem: proxy_problem };
        proxy.connect(Key::Proxy, settings, None);
        let name = usual_user_agent();
        // Translators: {name} is the program with its version.
        let help = gettext_f(
            "The name that Freshet tells servers. A few of them send files only to browsers. Empty means {name}",
            &[("name", &name)],
        );
        let user_agent =
            Written { row: &imp.user_agent, words: &imp.user_agent_words, help, problem: user_agent_problem };
        user_agent.connect(Key::UserAgent, settings, None);
    }

    fn offer_folder(&self, settings: &Settings) {
        let imp = self.imp();
        self.show_folder(settings);
        imp.default_folder.connect_clicked(glib::clone!(
            #[weak(rename_to = window)]
            self,
            #[strong]
            settings,
            move |_| {
                window.keep_folder(&settings, None);
            }
        ));
        imp.choose_folder.connect_clicked(glib::clone!(
            #[weak(rename_to = window)]
            self,
            #[strong]
            settings,
            move |_| window.choose_folder(&settings)
        ));
    }

    fn show_folder(&self, settings: &Settings) {
        let imp = self.imp();
        let folder = settings.download_folder();
        imp.folder.set_subtitle(&glib::markup_escape_text(&describe::folder(&folder)));
        imp.default_folder.set_visible(!settings.text(Key::DownloadFolder).is_empty());
    }

    fn choose_folder(&self, settings: &Settings) {
        let (window, settings) = (self.clone(), settings.clone());
        glib::spawn_future_local(async move {
            if let Some(path) = chooser::choose_folder(&window, Some(&settings.download_folder())).await {
                window.keep_folder(&settings, Some(&path));
            }
        });
    }

    fn keep_folder(&self, settings: &Settings, folder: Option<&Path>) {
        if let (Err(_), Some(folder)) = (settings.set_chosen_folder(folder), folder) {
            self.add_toast(messages::toast(&describe::unsayable_folder(folder), self));
        }
        self.show_folder(settings);
    }

    /// What can be done here when all downloads have ended, and why the rest cannot.
    fn offer_when_done(&self, settings: &Settings) {
        let imp = self.imp();
        let has_command = when_done::has_commands();
        imp.command.set_visible(has_command);
        imp.command_words.set_visible(has_command);
        // Translators: keep the example as it is.
        let help = gettext("Without a shell. For example: sh -c 'beep && shutdown-my-server'");
        let command = Written { row: &imp.command, words: &imp.command_words, help, problem: after_command::problem };
        command.connect(Key::WhenDoneCommand, settings, Some((Key::WhenDone, after_command::absence)));
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
        let choices = offers.with_chosen(&settings.when_done());
        let words: Vec<_> = choices.iter().map(|one| one.label()).collect();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        imp.when_done.set_model(Some(&gtk::StringList::new(&words)));
        imp.when_done_group.set_description(offers.refusals.as_deref());
        let names = choices.iter().map(|one| one.name()).collect();
        settings.bind_choice(Key::WhenDone, names, &*imp.when_done, "selected");
    }
}

/// In what libadwaita has made of the window to choose a page by.
fn leave_names_room(part: &gtk::Widget) {
    if let Some(switcher) = part.downcast_ref::<adw::ViewSwitcher>() {
        // libadwaita 1.4 and newer put the names of pages beside their pictures, and cut them where there is too
        // little room; older ones choose between this and the other by the room.
        if (adw::major_version(), adw::minor_version()) >= (1, 4) {
            switcher.set_policy(adw::ViewSwitcherPolicy::Narrow);
        }
        // At the bottom of a narrow window libadwaita leaves a strip free on either side, and would cut “Segundo plano”.
        if switcher.ancestor(adw::ViewSwitcherBar::static_type()).is_some() {
            switcher.set_margin_start(0);
            switcher.set_margin_end(0);
        }
    }
    children(part).for_each(|child| leave_names_room(&child));
}

/// A row with a text of a form of its own: what is wrong with it is said below, or how one is written.
struct Written<'a> {
    row: &'a adw::EntryRow,
    words: &'a gtk::Label,
    help: String,
    problem: fn(&str) -> Option<String>,
}

/// What is wrong with a text that is empty, which another preference may need.
type Absence = (Key, fn(&Settings) -> Option<String>);

impl Written<'_> {
    /// Shows the preference, and saves what is right of what is written. A text that is missed can be taken out all the same.
    fn connect(self, key: Key, settings: &Settings, absence: Option<Absence>) {
        let Self { row, words, help, problem } = self;
        row.set_text(&settings.text(key));
        let check = glib::clone!(
            #[weak]
            words,
            #[strong]
            settings,
            move |row: &adw::EntryRow| {
                let text = row.text();
                let missed = || absence.filter(|_| text.trim().is_empty()).and_then(|(_, missed)| missed(&settings));
                let wrong = problem(&text).or_else(missed);
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
        row.connect_changed({
            let check = check.clone();
            move |row| check(row)
        });
        row.connect_apply(glib::clone!(
            #[strong]
            settings,
            move |row| {
                if problem(&row.text()).is_none() {
                    settings.set_text(key, row.text().trim());
                }
            }
        ));
        if let Some((needed_by, _)) = absence {
            let row = row.downgrade();
            settings.connect_changed(needed_by, move || row.upgrade().iter().for_each(&check));
        }
    }
}

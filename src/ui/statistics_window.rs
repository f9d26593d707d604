// SPDX-License-Identifier: GPL-3.0-or-later
//! How much came on which day and from which server, as bars with their amounts in words.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::{gdk, glib};

use super::amount_row::AmountRow;
use super::day_plot::DayPlot;
use super::messages;
use crate::i18n::gettext;
use crate::model::Session;
use crate::model::statistics::Statistics;

mod imp {
    use std::cell::{OnceCell, RefCell};

    use super::*;

    #[derive(Debug, Default, gtk::CompositeTemplate)]
    #[template(file = "statistics_window.ui")]
    pub struct StatisticsWindow {
        #[template_child]
        pub toasts: TemplateChild<adw::ToastOverlay>,
        #[template_child]
        pub clear: TemplateChild<gtk::Button>,
        #[template_child]
        pub pages: TemplateChild<gtk::Stack>,
        #[template_child]
        pub days: TemplateChild<adw::PreferencesGroup>,
        #[template_child]
        pub plot: TemplateChild<DayPlot>,
        #[template_child]
        pub plot_words: TemplateChild<gtk::Label>,
        #[template_child]
        pub by_day: TemplateChild<adw::ExpanderRow>,
        #[template_child]
        pub servers: TemplateChild<adw::PreferencesGroup>,
        #[template_child]
        pub hosts: TemplateChild<gtk::ListBox>,
        #[template_child]
        pub empty: TemplateChild<adw::StatusPage>,
        pub session: OnceCell<Session>,
        /// Of the days: the row around them does not tell what is in it.
        pub day_rows: RefCell<Vec<AmountRow>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for StatisticsWindow {
        const NAME: &'static str = "FreshetStatisticsWindow";
        type Type = super::StatisticsWindow;
        type ParentType = adw::Window;

        fn class_init(klass: &mut Self::Class) {
            DayPlot::ensure_type();
            klass.bind_template();
            klass.add_binding_action(gdk::Key::Escape, gdk::ModifierType::empty(), "window.close");
        }

        fn instance_init(window: &glib::subclass::InitializingObject<Self>) {
            window.init_template();
        }
    }

    impl ObjectImpl for StatisticsWindow {
        fn dispose(&self) {
            self.dispose_template();
        }
    }

    impl WidgetImpl for StatisticsWindow {}
    impl WindowImpl for StatisticsWindow {}
    impl AdwWindowImpl for StatisticsWindow {}
}

glib::wrapper! {
    pub struct StatisticsWindow(ObjectSubclass<imp::StatisticsWindow>)
        @extends adw::Window, gtk::Window, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget, gtk::Native, gtk::Root, gtk::ShortcutManager;
}

impl StatisticsWindow {
    pub fn new(session: &Session) -> Self {
        let window: Self = glib::Object::new();
        let imp = window.imp();
        let is_first = imp.session.set(session.clone()).is_ok();
        debug_assert!(is_first, "a window has one session all its life");
        imp.clear.connect_clicked(glib::clone!(
            #[weak]
            window,
            move |_| window.ask_to_clear()
        ));
        window.read();
        window
    }

    fn read(&self) {
        let window = self.clone();
        glib::spawn_future_local(async move {
            let imp = window.imp();
            let Some(session) = imp.session.get() else { return };
            let description = match session.statistics().await.map(|statistics| window.fill(statistics)) {
                Ok(true) => {
                    imp.clear.set_sensitive(true);
                    return imp.pages.set_visible_child_name("some");
                }
                Ok(false) if session.keeps_history() => gettext("What comes is counted here, by day and by server."),
                Ok(false) => gettext("Nothing is counted. The preferences can change that."),
                Err(sentence) => sentence,
            };
            imp.clear.set_sensitive(false);
            // A button that cannot be used any more would keep it, and every key with it.
            GtkWindowExt::set_focus(&window, None::<&gtk::Widget>);
            imp.empty.set_description(Some(&glib::markup_escape_text(&description)));
            imp.pages.set_visible_child_name("empty");
        });
    }

    /// Puts this in place of what is there, also where it is nothing: what was cleared would still be read out. Answers
    /// whether there is anything.
    fn fill(&self, statistics: Statistics) -> bool {
        let imp = self.imp();
        let Statistics { plot, of_days, hosts, is_empty } = statistics;
        imp.day_rows.take().iter().for_each(|row| imp.by_day.remove(row));
        while let Some(row) = imp.hosts.first_child() {
            imp.hosts.remove(&row);
        }
        imp.days.set_description(Some(&glib::markup_escape_text(&of_days)));
        let days = plot.bars.iter().rev().filter(|bar| bar.share > 0.0).map(AmountRow::new).collect::<Vec<_>>();
        days.iter().for_each(|row| imp.by_day.add_row(row));
        imp.by_day.set_visible(!days.is_empty());
        imp.day_rows.replace(days);
        imp.servers.set_visible(!hosts.is_empty());
        for bar in &hosts {
            imp.hosts.append(&AmountRow::new(bar));
        }
        imp.plot_words.set_label(&plot.sentence);
        imp.plot.set_plot(plot);
        !is_empty
    }

    fn ask_to_clear(&self) {
        let body = gettext("How much came on which day and from which server is forgotten.");
        let clear = glib::clone!(
            #[weak(rename_to = window)]
            self,
            move || window.clear()
        );
        messages::ask_to_clear(self, &gettext("Clear the Statistics?"), &body, clear);
    }

    fn clear(&self) {
        let window = self.clone();
        glib::spawn_future_local(async move {
            let imp = window.imp();
            let Some(session) = imp.session.get() else { return };
            match session.clear_statistics().await {
                Ok(()) => window.read(),
                Err(sentence) => messages::tell(&imp.toasts, &sentence),
            }
        });
    }
}

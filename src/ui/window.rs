// SPDX-License-Identifier: GPL-3.0-or-later
//! The window: header bar, pages and toasts. Everything that is asked for in it, by button, key, menu
//! or drop, is carried out here and in the folder beside, by commands to the session or by the desktop.

use std::path::Path;
use std::time::Duration;

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::{gio, glib};

use super::about;
use super::actions::WindowAction;
use super::clipboard_offer::ClipboardOffer;
use super::details_pane::DetailsPane;
use super::downloads_view::DownloadsView;
use super::drop;
use super::drop_hint::DropHint;
use super::messages::UndoOffer;
use super::preferences::Preferences;
use super::shortcuts;
use super::side_by_side::SideBySide;
use super::sidebar::Sidebar;
use super::unnamed;
use crate::config;
use crate::i18n::gettext;
use crate::model::lost_folders::LostFolder;
use crate::model::session::Place;
use crate::model::{Addresses, Command, Session, Totals};
use crate::settings::{Key, Settings, WindowShape};

/// From here on it is said why there are no rows yet.
const PATIENCE: Duration = Duration::from_millis(700);

mod closing;
/// Those of the selected download.
mod details;
/// What is done with downloads.
mod downloads;
/// What is to be added and is there already.
mod duplicates;
/// The list as a file.
mod exchange;
/// That there will be no list.
mod failure;
/// Where the keys go on when what had the focus is gone.
mod focus;
/// Which downloads are shown.
mod groups;
/// What was in the list, and how much came.
mod history;
/// How addresses come in.
mod links;
mod logins;
/// Folders out of reach.
mod lost_folders;
/// What the user has to know, above the list.
mod notices;
/// Files and folders in other programs.
mod opening;
mod queue_order;
/// What is done when all downloads have ended.
mod when_done;

use downloads::Removal;

mod imp {
    use std::cell::{Cell, OnceCell, RefCell};

    use super::*;

    #[derive(Debug, Default, gtk::CompositeTemplate)]
    #[template(file = "window.ui")]
    pub struct Window {
        #[template_child]
        pub toasts: TemplateChild<adw::ToastOverlay>,
        #[template_child]
        pub title: TemplateChild<adw::WindowTitle>,
        #[template_child]
        pub menu_button: TemplateChild<gtk::MenuButton>,
        #[template_child]
        pub primary_menu: TemplateChild<gio::Menu>,
        #[template_child]
        pub when_done_menu: TemplateChild<gio::Menu>,
        #[template_child]
        pub pause_all: TemplateChild<gtk::Button>,
        #[template_child]
        pub sidebar_button: TemplateChild<gtk::ToggleButton>,
        #[template_child]
        pub search_button: TemplateChild<gtk::ToggleButton>,
        #[template_child]
        pub select_button: TemplateChild<gtk::ToggleButton>,
        #[template_child]
        pub details_button: TemplateChild<gtk::ToggleButton>,
        #[template_child]
        pub resume_all: TemplateChild<gtk::Button>,
        #[template_child]
        pub pages: TemplateChild<gtk::Stack>,
        #[template_child]
        pub flap: TemplateChild<adw::Flap>,
        #[template_child]
        pub sidebar: TemplateChild<Sidebar>,
        #[template_child]
        pub search_bar: TemplateChild<gtk::SearchBar>,
        #[template_child]
        pub search_entry: TemplateChild<gtk::SearchEntry>,
        #[template_child]
        pub none_found: TemplateChild<adw::StatusPage>,
        /// The list, or that nothing of it is in the group or found.
        #[template_child]
        pub found: TemplateChild<gtk::Stack>,
        #[template_child]
        pub view: TemplateChild<DownloadsView>,
        #[template_child]
        pub failure: TemplateChild<adw::StatusPage>,
        #[template_child]
        pub details_revealer: TemplateChild<gtk::Revealer>,
        /// Made when it is shown first.
        pub details: OnceCell<DetailsPane>,
        #[template_child]
        pub drop_hint: TemplateChild<DropHint>,
        #[template_child]
        pub clipboard_offer: TemplateChild<ClipboardOffer>,
        #[template_child]
        pub notice: TemplateChild<gtk::Box>,
        #[template_child]
        pub notice_words: TemplateChild<gtk::Label>,
        #[template_child]
        pub notice_show: TemplateChild<gtk::Button>,
        #[template_child]
        pub notice_close: TemplateChild<gtk::Button>,
        #[template_child]
        pub lost: TemplateChild<gtk::Box>,
        #[template_child]
        pub lost_words: TemplateChild<gtk::Label>,
        #[template_child]
        pub lost_choose: TemplateChild<gtk::Button>,
        #[template_child]
        pub lost_close: TemplateChild<gtk::Button>,
        pub lost_folder: RefCell<Option<LostFolder>>,
        pub looks_for_folders: Cell<bool>,
        #[template_child]
        pub unsaved: TemplateChild<gtk::Box>,
        #[template_child]
        pub unsaved_words: TemplateChild<gtk::Label>,
        /// Not there as long as the list is read, and when the engine could not be started.
        pub session: OnceCell<Session>,
        /// Why there will be no session.
        pub failed: OnceCell<String>,
        pub drops: OnceCell<gtk::DropTargetAsync>,
        pub settings: OnceCell<Settings>,
        /// What was added before there was a session.
        pub early: RefCell<Vec<(Addresses, Place)>>,
        /// The removal that can be undone now.
        pub removal: RefCell<Option<(Removal, UndoOffer)>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Window {
        const NAME: &'static str = "FreshetWindow";
        type Type = super::Window;
        type ParentType = adw::ApplicationWindow;

        fn class_init(klass: &mut Self::Class) {
            ClipboardOffer::ensure_type();
            DownloadsView::ensure_type();
            DropHint::ensure_type();
            SideBySide::ensure_type();
            Sidebar::ensure_type();
            klass.bind_template();
        }

        fn instance_init(window: &glib::subclass::InitializingObject<Self>) {
            window.init_template();
        }
    }

    impl ObjectImpl for Window {
        fn dispose(&self) {
            self.dispose_template();
        }
    }

    impl WidgetImpl for Window {
        fn realize(&self) {
            self.parent_realize();
            // What `benches/start.py` reads; nobody else is called for each frame.
            if tracing::enabled!(tracing::Level::TRACE)
                && let Some(clock) = self.obj().frame_clock()
            {
                clock.connect_after_paint(|clock| tracing::trace!(number = clock.frame_counter(), "frame"));
            }
        }
    }

    impl WindowImpl for Window {
        fn close_request(&self) -> glib::Propagation {
            self.obj().save_shape();
            match self.obj().leave() {
                glib::Propagation::Stop => glib::Propagation::Stop,
                glib::Propagation::Proceed => self.parent_close_request(),
            }
        }
    }

    impl ApplicationWindowImpl for Window {}
    impl AdwApplicationWindowImpl for Window {}
}

glib::wrapper! {
    pub struct Window(ObjectSubclass<imp::Window>)
        @extends adw::ApplicationWindow, gtk::ApplicationWindow, gtk::Window, gtk::Widget,
        @implements gio::ActionGroup, gio::ActionMap, gtk::Buildable, gtk::ConstraintTarget,
            gtk::Native, gtk::Root, gtk::ShortcutManager;
}

impl Window {
    /// A window on a session.
    pub fn new(application: &impl IsA<gtk::Application>, session: &Session, settings: &Settings) -> Self {
        let window = Self::opening(application, settings);
        window.begin(session);
        window
    }

    /// A window whose session is still to come: a long list takes time to read. What is added before is
    /// kept for it.
    pub fn opening(application: &impl IsA<gtk::Application>, settings: &Settings) -> Self {
        let window: Self = glib::Object::builder().property("application", application).build();
        window.restore_shape(settings);
        window.install_actions(settings);
        window.install_exchange();
        window.install_groups(settings);
        window.install_sort_direction(settings);
        window.install_menu();
        // Neither rows nor the word that there are none.
        window.imp().pages.set_visible_child_name("opening");
        let drops = drop::accept(
            &*window.imp().toasts,
            glib::clone!(
                #[weak]
                window,
                move |place| window.show_drop_hint(place)
            ),
            glib::clone!(
                #[weak]
                window,
                move |dropped, place| window.take_dropped(dropped, place)
            ),
        );
        let is_first = window.imp().drops.set(drops).is_ok();
        debug_assert!(is_first, "a window is made once");
        window.imp().clipboard_offer.watch(
            &window,
            settings,
            glib::clone!(
                #[weak]
                window,
                move |addresses| {
                    window.add(addresses, &Place::default());
                }
            ),
        );
        glib::timeout_add_local_once(
            PATIENCE,
            glib::clone!(
                #[weak]
                window,
                move || window.say_that_it_takes_time()
            ),
        );
        window
    }

    /// The session is there.
    pub fn begin(&self, session: &Session) {
        let imp = self.imp();
        let is_first = imp.session.set(session.clone()).is_ok();
        let Some(settings) = imp.settings.get().filter(|_| is_first) else { return };
        self.enable_actions(session);
        self.show_totals(session);
        self.sort_list(session, settings);
        self.show_list(session);
        self.show_groups(session);
        self.show_details(session, settings);
        self.show_notice(session);
        self.show_unsaved(session);
        self.watch_folders(session);
        self.keep_focus();
        self.offer_when_done(settings);
        for (addresses, place) in imp.early.take() {
            self.add(&addresses, &place);
        }
    }

    fn say_that_it_takes_time(&self) {
        let imp = self.imp();
        let is_opening = imp.pages.visible_child_name().is_some_and(|page| page == "opening");
        if is_opening {
            // Translators: shown while a very long list of downloads is read.
            imp.title.set_subtitle(&gettext("Reading the list…"));
        }
    }

    pub fn view(&self) -> &DownloadsView {
        &self.imp().view
    }

    pub fn toasts(&self) -> &adw::ToastOverlay {
        &self.imp().toasts
    }

    fn install_actions(&self, settings: &Settings) {
        for action in WindowAction::ALL {
            let preference = match action {
                WindowAction::Details => Some(Key::DetailsVisible),
                WindowAction::Sort => Some(Key::SortOrder),
                WindowAction::WhenDone => Some(Key::WhenDone),
                WindowAction::Sidebar | WindowAction::Search | WindowAction::Select | WindowAction::SortDescending => {
                    continue;
                }
                WindowAction::Add
                | WindowAction::Find
                | WindowAction::ShowAll
                | WindowAction::Paste
                | WindowAction::PauseAll
                | WindowAction::ResumeAll
                | WindowAction::Undo
                | WindowAction::History
                | WindowAction::Statistics
                | WindowAction::Preferences
                | WindowAction::Shortcuts
                | WindowAction::Help
                | WindowAction::About
                | WindowAction::Close => None,
            };
            if let Some(key) = preference {
                self.add_action(&settings.action(key));
                continue;
            }
            let entry = gio::SimpleAction::new(action.name(), None);
            entry.connect_activate(glib::clone!(
                #[weak(rename_to = window)]
                self,
                move |_, _| window.perform_window_action(action)
            ));
            let is_later = matches!(action, WindowAction::PauseAll | WindowAction::ResumeAll | WindowAction::Undo);
            entry.set_enabled(!is_later);
            self.add_action(&entry);
        }
    }

    /// The main menu is made when it is opened first.
    fn install_menu(&self) {
        let menu = self.imp().primary_menu.get();
        self.imp().menu_button.set_create_popup_func(move |button| {
            if button.menu_model().is_none() {
                unnamed::give_menu(button, &menu);
            }
        });
    }

    fn enable_actions(&self, session: &Session) {
        for (action, property) in [(WindowAction::PauseAll, "can-pause"), (WindowAction::ResumeAll, "can-resume")] {
            if let Some(entry) = self.lookup_action(action.name()) {
                session.totals().bind_property(property, &entry, "enabled").sync_create().build();
            }
        }
    }

    pub fn perform_window_action(&self, action: WindowAction) {
        match action {
            WindowAction::Add => self.show_add_dialog(""),
            // Their keys are those of a text as well.
            WindowAction::Paste if self.is_done_by_text("clipboard.paste") => {}
            WindowAction::Undo if self.is_done_by_text("text.undo") => {}
            WindowAction::Paste => self.paste(),
            WindowAction::PauseAll => self.send(Command::PauseAll),
            WindowAction::ResumeAll => self.send(Command::ResumeAll),
            WindowAction::Undo => self.undo(),
            WindowAction::Details
            | WindowAction::Sidebar
            | WindowAction::Search
            | WindowAction::Select
            | WindowAction::Sort
            | WindowAction::SortDescending
            | WindowAction::WhenDone => {}
            WindowAction::Find => self.find_or_end(),
            WindowAction::ShowAll => self.show_all(),
            WindowAction::History => self.show_history(),
            WindowAction::Statistics => self.show_statistics(),
            WindowAction::Preferences => self.show_preferences(),
            WindowAction::Shortcuts => shortcuts::show(self),
            WindowAction::Help => self.show_help(),
            WindowAction::About => about::show(self),
            WindowAction::Close => self.close(),
        }
    }

    fn send(&self, command: Command) {
        if let Some(session) = self.imp().session.get() {
            session.send(command);
        }
    }

    /// One page fades into another, but not what was blank into the first: ten frames more at the start.
    fn show_page(&self, page: &str) {
        let imp = self.imp();
        // They show parts of the list, which have to be there.
        for button in [&imp.sidebar_button, &imp.search_button, &imp.select_button, &imp.details_button] {
            button.set_visible(page == "list");
        }
        if page != "list" {
            imp.view.set_selecting(false);
        }
        let pages = &imp.pages;
        let is_first = pages.visible_child_name().is_some_and(|shown| shown == "opening");
        let transition = if is_first { gtk::StackTransitionType::None } else { pages.transition_type() };
        pages.set_visible_child_full(page, transition);
    }

    fn show_totals(&self, session: &Session) {
        let totals = session.totals();
        totals.bind_property("summary", &*self.imp().title, "subtitle").sync_create().build();
        // One place for two buttons: the one that would do something.
        let choose_button = glib::clone!(
            #[weak(rename_to = window)]
            self,
            move |totals: &Totals| {
                let resumes = totals.can_resume() && !totals.can_pause();
                window.imp().resume_all.set_visible(resumes);
                window.imp().pause_all.set_visible(!resumes);
            }
        );
        choose_button(totals);
        totals.connect_can_pause_notify(choose_button.clone());
        totals.connect_can_resume_notify(choose_button);
    }

    fn show_preferences(&self) {
        if let Some(settings) = self.imp().settings.get() {
            Preferences::new(settings, self).present();
        }
    }

    /// In the browser, which everybody has. It is in English, and in one file, as more than one the portal would not open.
    fn show_help(&self) {
        self.open_files(vec![Path::new(config::HELP_DIR).join("C").join("freshet.html")]);
    }

    fn restore_shape(&self, settings: &Settings) {
        let shape = settings.window_shape();
        self.set_default_size(shape.width, shape.height);
        self.set_maximized(shape.maximized);
        let is_first = self.imp().settings.set(settings.clone()).is_ok();
        debug_assert!(is_first, "a window has one set of preferences all its life");
    }

    pub fn save_shape(&self) {
        if let Some(settings) = self.imp().settings.get() {
            let (width, height) = self.default_size();
            settings.set_window_shape(WindowShape { width, height, maximized: self.is_maximized() });
        }
    }
}

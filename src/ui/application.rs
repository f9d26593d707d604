// SPDX-License-Identifier: GPL-3.0-or-later
//! The application: one instance per session of the desktop, to which later ones hand over their
//! addresses; the start of the engine, and an end that keeps everything.

mod ending;
mod telling;

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;
use std::rc::Rc;

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::{gdk, gio, glib};

use super::RESOURCES;
use super::actions::{DownloadAction, QUIT_KEYS, WindowAction};
use super::window::Window;
use super::{afterwards, background, suspend};
use crate::config;
use crate::desktop::notifications::{self, Notifier};
use crate::desktop::proxies::DesktopProxies;
use crate::desktop::{autostart, circumstances, clock_format, launcher, midnight, search_provider};
use crate::i18n::gettext;
use crate::model::session::Place;
use crate::model::{Addresses, DownloadId, Session};
use crate::settings::Settings;

pub use telling::Wish;

/// The exit status when an argument was no address.
const USAGE: u8 = 1;

/// The exit status when the running instance is about to end (EX_TEMPFAIL of sysexits.h).
const TRY_AGAIN: u8 = 75;

mod imp {
    use std::cell::{Cell, OnceCell, RefCell};
    use std::ops::ControlFlow;

    use super::*;

    #[derive(Debug, Default)]
    pub struct Application {
        /// Not there as long as the list is read.
        pub session: OnceCell<Session>,
        /// What was asked for before there was one.
        pub early: RefCell<Vec<(Wish, DownloadId)>>,
        pub early_for_all: RefCell<Vec<WindowAction>>,
        /// The program was to end while the list was read, and has something to put into it first.
        pub ends_when_read: Cell<bool>,
        pub notifier: OnceCell<Notifier>,
        /// Kept as long as the desktop's clock is followed.
        pub clock_format: OnceCell<Option<gio::Settings>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Application {
        const NAME: &'static str = "FreshetApplication";
        type Type = super::Application;
        type ParentType = adw::Application;
    }

    impl ObjectImpl for Application {
        fn constructed(&self) {
            self.parent_constructed();
            self.obj().install_options();
        }
    }

    impl ApplicationImpl for Application {
        fn startup(&self) {
            // Else GTK ends the program, and says no more than that there is none.
            if gtk::init().is_err() {
                eprintln!("freshet: there is no display here to open the window on. Use: freshet get URL...");
                std::process::exit(1);
            }
            self.parent_startup();
            gtk::Window::set_default_icon_name(config::APP_ID);
            crate::ui::unnamed::watch_windows();
            if let Some(display) = gdk::Display::default() {
                crate::ui::follow_dark(&display);
            }
            self.clock_format.get_or_init(clock_format::follow);
            self.obj().install_actions();
            self.obj().install_signals();
        }

        fn activate(&self) {
            self.parent_activate();
            if !self.obj().is_ending() {
                self.obj().window().present();
            }
        }

        /// Files and links from the desktop, over D-Bus.
        fn open(&self, files: &[gio::File], _hint: &str) {
            if self.obj().is_ending() {
                return;
            }
            let window = self.obj().window();
            window.present();
            let files = files.to_vec();
            glib::spawn_future_local(async move { window.add_files(&files).await });
        }

        fn command_line(&self, command_line: &gio::ApplicationCommandLine) -> glib::ExitCode {
            self.obj().take_command_line(command_line)
        }

        fn handle_local_options(&self, options: &glib::VariantDict) -> ControlFlow<glib::ExitCode> {
            if options.contains("version") {
                println!("freshet {}", config::VERSION);
                return ControlFlow::Break(glib::ExitCode::SUCCESS);
            }
            self.parent_handle_local_options(options)
        }
    }

    impl GtkApplicationImpl for Application {}
    impl AdwApplicationImpl for Application {}
}

glib::wrapper! {
    pub struct Application(ObjectSubclass<imp::Application>)
        @extends adw::Application, gtk::Application, gio::Application,
        @implements gio::ActionGroup, gio::ActionMap;
}

/// Runs the desktop program with its command line, the program's name first.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    if let Err(error) = super::load_resources() {
        tracing::warn!(%error, "The style sheet and the shortcuts window cannot be loaded");
    }
    glib::set_application_name("Freshet");
    let args: Vec<_> = args.into_iter().collect();
    // The instance that takes the command line cannot write to the terminal of this one.
    for argument in args.iter().skip(1) {
        if let Argument::Addresses(Addresses { refused, .. }) =
            Argument::read(argument, |argument| gio::File::for_commandline_arg(argument))
        {
            refused.iter().for_each(|sentence| eprintln!("freshet: {sentence}"));
        }
    }
    let application = Application::default();
    let status = application.run_with_args_os(&args);
    if status == glib::ExitCode::from(TRY_AGAIN) && application.is_remote() {
        eprintln!("freshet: Freshet is just ending. Try again.");
    }
    ExitCode::from(status)
}

/// What an argument of the command line is.
enum Argument {
    File(gio::File),
    Addresses(Addresses),
    /// Freshet's own ones are taken out before.
    Option,
}

impl Argument {
    fn read(argument: &OsStr, file: impl Fn(&OsStr) -> gio::File) -> Self {
        let text = argument.to_string_lossy();
        if text.starts_with('-') {
            return Self::Option;
        }
        // `list.txt` could be a host, but a file that is there is meant.
        let file = file(argument);
        if file.is_native() && file.query_exists(gio::Cancellable::NONE) {
            Self::File(file)
        } else {
            Self::Addresses(Addresses::in_lines(&text))
        }
    }
}

impl Default for Application {
    fn default() -> Self {
        glib::Object::builder()
            .property("application-id", config::APP_ID)
            .property("resource-base-path", RESOURCES)
            .property("flags", gio::ApplicationFlags::HANDLES_COMMAND_LINE | gio::ApplicationFlags::HANDLES_OPEN)
            .build()
    }
}

impl Application {
    fn own_window(&self) -> Option<Window> {
        self.windows().into_iter().find_map(|window| window.downcast().ok())
    }

    /// The window; the first time it is asked for, the engine is started with the saved list.
    fn window(&self) -> Window {
        if let Some(window) = self.own_window() {
            return window;
        }
        let settings = match Settings::load() {
            Ok(settings) => settings,
            Err(error) => {
                tracing::error!(%error, "Freshet cannot start");
                return Window::failed(self, &gettext("Freshet is not installed completely. Install it again."));
            }
        };
        let window = Window::opening(self, &settings);
        window.connect_map(glib::clone!(
            #[weak(rename_to = application)]
            self,
            move |_| application.notifier().seen()
        ));
        window.connect_is_active_notify(glib::clone!(
            #[weak(rename_to = application)]
            self,
            move |window| {
                if window.is_active() {
                    application.notifier().seen();
                }
            }
        ));
        glib::spawn_future_local(glib::clone!(
            #[weak(rename_to = application)]
            self,
            #[weak]
            window,
            async move { application.begin(&window, settings).await }
        ));
        window
    }

    /// Reads the saved list while the window is drawn already.
    async fn begin(&self, window: &Window, settings: Settings) {
        let list = glib::user_data_dir().join("freshet").join("list.sqlite");
        let settings_of = settings.clone();
        match Session::open(list, settings, Rc::new(DesktopProxies::default())).await {
            Ok(session) => {
                self.tell_of_ends(&session, &settings_of);
                self.tell_of_logins(&session, &settings_of, window);
                circumstances::follow(&session, &settings_of);
                launcher::show(self, session.batch());
                background::follow(self, &session, &settings_of);
                let wake = suspend::prevent(self, session.batch(), &settings_of);
                afterwards::follow(self, &session, &settings_of, wake);
                midnight::follow(session.list());
                self.offer_search(&session);
                if self.imp().ends_when_read.get() {
                    window.keep_early(&session);
                }
                window.begin(&session);
                let is_first = self.imp().session.set(session).is_ok();
                debug_assert!(is_first, "the session is started with the only window");
                for (wish, id) in self.imp().early.take() {
                    self.perform(wish, id);
                }
                for action in self.imp().early_for_all.take() {
                    window.perform_window_action(action);
                }
            }
            Err(reason) => {
                tracing::error!(reason, "Freshet cannot start");
                window.fail(&reason);
            }
        }
        if self.imp().ends_when_read.take() {
            self.end();
        }
    }

    fn install_options(&self) {
        // In English as all that is said on a terminal: the locale is set by GTK, later, and `freshet` answers most of it.
        self.add_main_option(
            "version",
            glib::Char::from(0),
            glib::OptionFlags::NONE,
            glib::OptionArg::None,
            "Print the version and exit",
            None,
        );
        self.add_main_option(
            autostart::OPTION,
            glib::Char::from(0),
            glib::OptionFlags::NONE,
            glib::OptionArg::None,
            "Start without showing the window",
            None,
        );
        self.set_option_context_parameter_string(Some("[ADDRESS...]"));
    }

    fn install_actions(&self) {
        let quit = gio::ActionEntry::builder("quit").activate(|application: &Self, _, _| application.end()).build();
        let on_download = |name: &str, wish: Wish| {
            gio::ActionEntry::builder(name)
                .parameter_type(Some(glib::VariantTy::UINT64))
                .activate(move |application: &Self, _, id| {
                    if let Some(id) = id.and_then(glib::Variant::get) {
                        application.perform(wish, DownloadId(id));
                    }
                })
                .build()
        };
        let of_launcher = |action: WindowAction| {
            gio::ActionEntry::builder(action.name())
                .activate(move |application: &Self, _, _| application.perform_for_all(action))
                .build()
        };
        self.add_action_entries([
            quit,
            // The desktop entry names these three; they are in the menu of the launcher.
            of_launcher(WindowAction::Add),
            of_launcher(WindowAction::PauseAll),
            of_launcher(WindowAction::ResumeAll),
            on_download(notifications::OPEN, Wish::Perform(DownloadAction::Open)),
            on_download(notifications::SHOW_IN_FOLDER, Wish::Perform(DownloadAction::ShowInFolder)),
            on_download(notifications::RETRY, Wish::Perform(DownloadAction::Retry)),
            on_download(notifications::REVEAL, Wish::Reveal),
            on_download(notifications::LOG_IN, Wish::Perform(DownloadAction::LogIn)),
        ]);
        self.set_accels_for_action("app.quit", QUIT_KEYS);
        for action in WindowAction::ALL {
            self.set_accels_for_action(&format!("win.{}", action.name()), action.keys());
        }
    }

    /// A download that is found by the desktop's search is shown.
    fn offer_search(&self, session: &Session) {
        let chosen = glib::clone!(
            #[weak(rename_to = application)]
            self,
            move |id: Option<DownloadId>| match id {
                Some(id) => application.perform(Wish::Reveal, id),
                None => application.activate(),
            }
        );
        if let Err(error) = search_provider::offer(self, session.list(), chosen) {
            tracing::warn!(%error, "Downloads cannot be found by the desktop's search");
        }
    }

    /// What is asked for in the menu of the launcher, perhaps before the program runs.
    fn perform_for_all(&self, action: WindowAction) {
        let window = self.window();
        let has_begun = self.imp().session.get().is_some();
        if action == WindowAction::Add || !has_begun {
            window.present();
        }
        if has_begun {
            window.perform_window_action(action);
        } else {
            self.imp().early_for_all.borrow_mut().push(action);
        }
    }

    /// The command line of this instance, or of one that hands over and then ends.
    fn take_command_line(&self, command_line: &gio::ApplicationCommandLine) -> glib::ExitCode {
        if self.is_ending() {
            return glib::ExitCode::from(TRY_AGAIN);
        }
        let window = self.window();
        if !command_line.options_dict().contains(autostart::OPTION) {
            window.present();
        }
        let mut addresses = Addresses::default();
        let mut files = Vec::new();
        for argument in command_line.arguments().iter().skip(1) {
            match Argument::read(argument, |argument| command_line.create_file_for_arg(argument)) {
                Argument::File(file) => files.push(file),
                Argument::Addresses(read) => addresses.extend(read),
                Argument::Option => {}
            }
        }
        let is_taken = window.add(&addresses, &Place::default()) && (files.is_empty() || !window.has_failed());
        if !files.is_empty() {
            glib::spawn_future_local(async move { window.add_files(&files).await });
        }
        match is_taken {
            false => glib::ExitCode::FAILURE,
            true if addresses.refused.is_empty() => glib::ExitCode::SUCCESS,
            true => glib::ExitCode::from(USAGE),
        }
    }
}

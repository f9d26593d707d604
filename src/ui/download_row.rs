// SPDX-License-Identifier: GPL-3.0-or-later
//! One download in the list. Its template binds every widget to the download's properties, so that a
//! recycled row lets go of the one and follows the other by itself.

use std::time::Duration;

use gtk::glib;
use gtk::prelude::*;
use gtk::subclass::prelude::*;

use super::actions::DownloadAction;
use super::row_button::RowButton;
use super::row_sentence::{About, RowSentence};
use super::spoken;
use super::status_line::StatusLine;
use crate::i18n::gettext_f;
use crate::model::DownloadObject;

/// How old a sentence about progress may be where the focus is not: as old as nobody minds who comes there.
const PAUSE: Duration = Duration::from_secs(2);

/// How often a row that has the focus, and is read aloud whenever its sentence changes, tells its progress.
const PAUSE_OF_READ: Duration = Duration::from_secs(10);

mod imp {
    use std::cell::{Cell, OnceCell, RefCell};
    use std::time::{Duration, Instant};

    use gtk::glib;
    use gtk::prelude::*;
    use gtk::subclass::prelude::*;

    use super::{
        About, DownloadAction, DownloadObject, PAUSE, PAUSE_OF_READ, RowButton, RowSentence, StatusLine, gettext_f,
        spoken,
    };

    type Asked = Box<dyn Fn(DownloadAction, DownloadObject)>;

    #[allow(missing_debug_implementations)] // its listener has none
    #[derive(Default, glib::Properties, gtk::CompositeTemplate)]
    #[properties(wrapper_type = super::DownloadRow)]
    #[template(file = "download_row.ui")]
    pub struct DownloadRow {
        /// The download that is shown; a new row has none.
        #[property(get, set, nullable)]
        pub download: RefCell<Option<DownloadObject>>,
        #[template_child]
        pub sentence: TemplateChild<gtk::Label>,
        #[template_child]
        pub buttons: TemplateChild<gtk::Box>,
        /// What holds the row in the list.
        pub list_item: glib::WeakRef<gtk::ListItem>,
        /// Shows whether the row is selected, where several are.
        pub mark: OnceCell<gtk::CheckButton>,
        pub asked: OnceCell<Asked>,
        pub told: RefCell<RowSentence>,
        /// The end of the pause after which a withheld sentence is told.
        pub pause: RefCell<Option<glib::SourceId>>,
        /// How many of them there were: with each the template asks for the sentence anew.
        #[property(get)]
        pub pauses: Cell<u32>,
        /// Its list item has its words.
        pub has_lent: Cell<bool>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for DownloadRow {
        const NAME: &'static str = "FreshetDownloadRow";
        type Type = super::DownloadRow;
        type ParentType = gtk::Box;

        fn class_init(klass: &mut Self::Class) {
            DownloadObject::ensure_type();
            RowButton::ensure_type();
            StatusLine::ensure_type();
            klass.bind_template();
            klass.bind_template_callbacks();
            for action in DownloadAction::ALL {
                klass.install_action(action.row_name(), None, move |row, _, _| row.imp().ask(action));
            }
        }

        fn instance_init(row: &glib::subclass::InitializingObject<Self>) {
            row.init_template();
        }
    }

    #[gtk::template_callbacks]
    impl DownloadRow {
        #[template_callback(function)]
        fn status_classes(state_name: &str) -> Vec<String> {
            let colour = match state_name {
                "failed" => "error",
                "waiting" => "warning",
                _ => "dim-label",
            };
            ["caption", "numeric", colour].map(ToOwned::to_owned).to_vec()
        }

        #[template_callback(function)]
        fn bar_classes(state_name: &str) -> Vec<String> {
            // The colour of activity is only for what works now.
            match state_name {
                "downloading" | "connecting" | "verifying" => Vec::new(),
                _ => vec!["resting".to_owned()],
            }
        }

        /// Whether the status changes several times a second.
        #[template_callback(function)]
        fn is_moving(state_name: &str) -> bool {
            state_name == "downloading"
        }

        #[template_callback(function)]
        fn is_resting(state_name: &str) -> bool {
            !Self::is_moving(state_name)
        }

        /// What a screen reader says of the row. Of the state it is told at once, of progress seldom.
        #[template_callback]
        fn sentence(&self, name: &str, status: &str, state_name: &str, _pauses: u32) -> String {
            let id = self.download.borrow().as_ref().map(DownloadObject::id).unwrap_or_default();
            let is_read = self.item().is_some_and(|item| item.has_focus());
            let pause = if is_read { PAUSE_OF_READ } else { PAUSE };
            let about = About { id, name: name.to_owned(), state: state_name.to_owned() };
            // Translators: a row of the list as a screen reader says it: file name and state.
            let sentence = gettext_f("{file}: {status}", &[("file", name), ("status", status)]);
            let said = self.told.borrow_mut().say(about, sentence, pause, Instant::now());
            if let Some(left) = said.withheld {
                self.tell_after(left);
            }
            said.sentence
        }

        /// One wake-up, and none where nothing is withheld.
        fn tell_after(&self, left: Duration) {
            if self.pause.borrow().is_some() {
                return;
            }
            let row = self.obj().downgrade();
            // The main loop counts whole milliseconds: not just before the end.
            let source = glib::timeout_add_local_once(left + Duration::from_millis(1), move || {
                let Some(row) = row.upgrade() else { return };
                let imp = row.imp();
                imp.pause.take();
                imp.pauses.set(imp.pauses.get().wrapping_add(1));
                row.notify_pauses();
            });
            self.pause.replace(Some(source));
        }

        #[template_callback(function)]
        fn not(value: bool) -> bool {
            !value
        }

        /// A narrow row has no room for every way out; the others are in its menu.
        #[template_callback(function)]
        fn but_neither(value: bool, one: bool, other: bool) -> bool {
            value && !one && !other
        }

        /// The list's own widget around the row. Not before it is in its place: while the list makes it, it is
        /// still floating, and who holds it takes it from the list, which then works on with freed memory.
        fn item(&self) -> Option<gtk::Widget> {
            if self.obj().is_realized() { self.obj().parent() } else { None }
        }

        fn ask(&self, action: DownloadAction) {
            let download = self.download.borrow().clone();
            if let (Some(asked), Some(download)) = (self.asked.get(), download) {
                asked(action, download);
            }
        }
    }

    #[glib::derived_properties]
    impl ObjectImpl for DownloadRow {
        fn dispose(&self) {
            if let Some(pause) = self.pause.take() {
                pause.remove();
            }
            self.dispose_template();
        }
    }

    impl WidgetImpl for DownloadRow {
        fn realize(&self) {
            self.parent_realize();
            if let Some(item) = self.item().filter(|_| !self.has_lent.replace(true)) {
                spoken::lend_words(&self.sentence, &item);
            }
        }
    }
    impl BoxImpl for DownloadRow {}
}

glib::wrapper! {
    pub struct DownloadRow(ObjectSubclass<imp::DownloadRow>)
        @extends gtk::Box, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget, gtk::Orientable;
}

impl DownloadRow {
    /// `asked` is called when one of the row's buttons is used.
    pub fn new(asked: impl Fn(DownloadAction, DownloadObject) + 'static) -> Self {
        let row: Self = glib::Object::new();
        // A new row has no listener yet.
        let _ = row.imp().asked.set(Box::new(asked));
        row
    }

    /// The list item that holds this row is announced in the row's sentence, and says whether it is selected.
    pub fn follow(&self, item: &gtk::ListItem) {
        spoken::name_item(&self.imp().sentence, item);
        self.imp().list_item.set(Some(item));
    }

    /// Shows a mark in place of the buttons, or the buttons again. Few lists ever need marks: they are made when they
    /// are shown first.
    pub fn set_selecting(&self, selecting: bool) {
        let imp = self.imp();
        imp.buttons.set_visible(!selecting);
        if selecting {
            imp.mark.get_or_init(|| self.make_mark());
        }
        if let Some(mark) = imp.mark.get() {
            mark.set_visible(selecting);
        }
    }

    /// Clicks on it are clicks on the row, and of the row a screen reader says whether it is selected.
    fn make_mark(&self) -> gtk::CheckButton {
        let mark = gtk::CheckButton::builder()
            .accessible_role(gtk::AccessibleRole::Presentation)
            .can_focus(false)
            .can_target(false)
            .focusable(false)
            .valign(gtk::Align::Center)
            .css_classes(["selection-mode"])
            .build();
        if let Some(item) = self.imp().list_item.upgrade() {
            item.bind_property("selected", &mark, "active").sync_create().build();
        }
        self.prepend(&mark);
        mark
    }
}

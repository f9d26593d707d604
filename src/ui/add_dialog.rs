// SPDX-License-Identifier: GPL-3.0-or-later
//! Asks for one or many addresses, and where to put what they give.

use std::rc::Rc;

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::{gdk, gio, glib};

use super::add_options::AddOptions;
use super::add_preview::AddPreview;
use super::drop::{self, Dropped};
use super::drop_hint::DropHint;
use super::{chooser, copied_text, unhyphenated};
use crate::i18n::{gettext, gettext_f, ngettext_f};
use crate::model::categories::{Destination, destinations};
use crate::model::preview::Preview;
use crate::model::session::Place;
use crate::model::{Addresses, amounts, describe};
use crate::settings::Settings;

/// More problems at a time only push the rest of the dialog away.
const MOST_PROBLEMS: usize = 3;

mod imp {
    use std::cell::{OnceCell, RefCell};
    use std::path::PathBuf;

    use super::*;

    type Chosen = Box<dyn Fn(Addresses, Place)>;
    type Taken = Box<dyn Fn(Vec<gio::File>)>;

    #[allow(missing_debug_implementations)] // its listener has none
    #[derive(Default, gtk::CompositeTemplate)]
    #[template(file = "add_dialog.ui")]
    pub struct AddDialog {
        #[template_child]
        pub addresses: TemplateChild<gtk::TextView>,
        #[template_child]
        pub drop_hint: TemplateChild<DropHint>,
        #[template_child]
        pub hint: TemplateChild<gtk::Label>,
        #[template_child]
        pub problem: TemplateChild<gtk::Label>,
        #[template_child]
        pub name: TemplateChild<adw::EntryRow>,
        #[template_child]
        pub folder: TemplateChild<adw::ActionRow>,
        #[template_child]
        pub preview: TemplateChild<AddPreview>,
        #[template_child]
        pub options: TemplateChild<AddOptions>,
        pub chosen: OnceCell<Chosen>,
        pub taken: OnceCell<Taken>,
        pub settings: OnceCell<Settings>,
        /// What the text comes to: a pattern may be ten thousand addresses, which are read when it changes only.
        pub read: RefCell<Rc<Addresses>>,
        /// The folder that the user chose here; else the rules choose.
        pub folder_chosen: RefCell<Option<PathBuf>>,
        /// The folder that is shown.
        pub path: RefCell<PathBuf>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for AddDialog {
        const NAME: &'static str = "FreshetAddDialog";
        type Type = super::AddDialog;
        type ParentType = adw::Window;

        fn class_init(klass: &mut Self::Class) {
            AddOptions::ensure_type();
            AddPreview::ensure_type();
            DropHint::ensure_type();
            klass.bind_template();
            klass.install_action("dialog.add", None, |dialog, _, _| dialog.add());
            klass.install_action("dialog.choose-file", None, |dialog, _, _| dialog.choose_file());
            klass.install_action("dialog.choose-folder", None, |dialog, _, _| dialog.choose_folder());
            klass.add_binding_action(gdk::Key::Escape, gdk::ModifierType::empty(), "window.close");
            klass.add_binding_action(gdk::Key::Return, gdk::ModifierType::CONTROL_MASK, "dialog.add");
        }

        fn instance_init(dialog: &glib::subclass::InitializingObject<Self>) {
            dialog.init_template();
        }
    }

    impl ObjectImpl for AddDialog {
        fn constructed(&self) {
            self.parent_constructed();
            let dialog = self.obj();
            let check = glib::clone!(
                #[weak]
                dialog,
                move || dialog.check()
            );
            self.addresses.buffer().connect_changed(glib::clone!(
                #[weak]
                dialog,
                move |_| {
                    dialog.read();
                    dialog.check();
                }
            ));
            unhyphenated::set_text(&self.addresses);
            drop::accept_everywhere(
                &*dialog,
                glib::clone!(
                    #[weak]
                    dialog,
                    move |place| dialog.show_drop_hint(place.is_some())
                ),
                glib::clone!(
                    #[weak]
                    dialog,
                    move |dropped, _| dialog.take_dropped(dropped)
                ),
            );
            self.options.connect_changed(check.clone());
            dialog.connect_focus_widget_notify(|dialog| {
                // The focus goes once more when the parts of the dialog have gone.
                if dialog.imp().options.try_get().is_some_and(|options| options.leave_login()) {
                    dialog.check();
                }
            });
            self.name.connect_changed(move |_| check());
            dialog.check();
            self.addresses.grab_focus();
            dialog.take_from_clipboard();
        }

        fn dispose(&self) {
            self.dispose_template();
        }
    }

    impl WidgetImpl for AddDialog {}
    impl WindowImpl for AddDialog {}
    impl AdwWindowImpl for AddDialog {}
}

glib::wrapper! {
    pub struct AddDialog(ObjectSubclass<imp::AddDialog>)
        @extends adw::Window, gtk::Window, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget, gtk::Native, gtk::Root, gtk::ShortcutManager;
}

impl AddDialog {
    /// `chosen` is called at most once, with addresses that can be downloaded.
    pub fn new(settings: &Settings, chosen: impl Fn(Addresses, Place) + 'static) -> Self {
        let dialog: Self = glib::Object::new();
        // A new dialog has no listener yet.
        let _ = dialog.imp().chosen.set(Box::new(chosen));
        let _ = dialog.imp().settings.set(settings.clone());
        dialog.imp().options.show_usual(settings);
        dialog.show_folder();
        dialog
    }

    /// Lets the dialog ask the servers what the addresses lead to.
    pub fn set_preview(&self, preview: Preview) {
        self.imp().preview.set_preview(preview);
        self.imp().preview.connect_told(glib::clone!(
            #[weak(rename_to = dialog)]
            self,
            move || dialog.show_folder()
        ));
        self.check();
    }

    fn read(&self) {
        let buffer = self.imp().addresses.buffer();
        let read = Addresses::in_lines(&buffer.text(&buffer.start_iter(), &buffer.end_iter(), false));
        self.imp().read.replace(Rc::new(read));
    }

    /// `taken` is called with files that were dropped here or chosen: what is in them may be more than lines can say.
    pub fn connect_files(&self, taken: impl Fn(Vec<gio::File>) + 'static) {
        let is_first = self.imp().taken.set(Box::new(taken)).is_ok();
        debug_assert!(is_first, "one listens all its life");
    }

    /// Says what a drop would do: an address gets a line, a file is read.
    fn show_drop_hint(&self, hovers: bool) {
        // Translators: shown while links or files hover over the dialog that adds downloads.
        let words = hovers.then(|| gettext("Drop to Add"));
        self.imp().drop_hint.tell(words.as_deref());
    }

    fn choose_file(&self) {
        let dialog = self.clone();
        glib::spawn_future_local(async move {
            if let Some(file) = chooser::choose_link_file(&dialog).await {
                dialog.take_dropped(Dropped::Files(vec![file]));
            }
        });
    }

    fn take_dropped(&self, dropped: Dropped) {
        let files = match dropped {
            Dropped::Text(text) => return self.append(text.trim()),
            Dropped::Page(links) => return self.append(&links.lines()),
            Dropped::Files(files) => files,
        };
        let is_link = |file: &gio::File| Addresses::in_link(&file.uri()).is_some();
        let (links, files): (Vec<_>, Vec<_>) = files.into_iter().partition(is_link);
        for link in links.iter().filter_map(|link| Addresses::in_link(&link.uri())) {
            self.append(&link.lines());
        }
        if let Some(taken) = self.imp().taken.get().filter(|_| !files.is_empty()) {
            taken(files);
            // Nothing is left to be done here, and what comes of it is seen in the list.
            if self.imp().addresses.buffer().char_count() == 0 {
                self.close();
            }
        }
    }

    /// On lines of its own.
    pub fn append(&self, text: &str) {
        let buffer = self.imp().addresses.buffer();
        let mut end = buffer.end_iter();
        let gap = if end.starts_line() { "" } else { "\n" };
        buffer.insert(&mut end, &format!("{gap}{text}"));
        buffer.place_cursor(&end);
    }

    /// The wanted name; it is only for a single file.
    fn wanted_name(&self) -> Option<String> {
        let name = &self.imp().name;
        Some(name.text().trim().to_owned()).filter(|text| name.is_sensitive() && !text.is_empty())
    }

    /// Says what is wrong, and lets Add be used when nothing is.
    fn check(&self) {
        let imp = self.imp();
        let addresses = imp.read.borrow().clone();
        let count = addresses.found.len();
        imp.name.set_sensitive(count <= 1);
        imp.options.set_is_single(count <= 1);
        imp.hint.set_label(&hint(count));
        imp.hint.set_visible(count != 1);
        self.show_folder();
        let mut problems: Vec<_> = addresses.refused.iter().take(MOST_PROBLEMS).cloned().collect();
        let more = addresses.refused.len() - problems.len();
        if more > 0 {
            problems.push(ngettext_f(
                "And {n} more line is no address.",
                "And {n} more lines are no addresses.",
                more,
                &[("n", &amounts::count(more))],
            ));
        }
        if self.wanted_name().is_some_and(|name| name.contains('/')) {
            problems.push(gettext("A file name cannot contain “/”. Choose another folder below."));
        }
        problems.extend(imp.options.terms().err());
        imp.options.leave_login();
        let terms = imp.options.terms_to_ask_with().unwrap_or_default();
        imp.preview.look_at(addresses.clone(), Place { terms, ..Place::default() });
        self.action_set_enabled("dialog.add", problems.is_empty() && !addresses.found.is_empty());
        imp.problem.set_visible(!problems.is_empty());
        imp.problem.set_label(&problems.join("\n"));
    }

    fn add(&self) {
        let imp = self.imp();
        imp.options.take_written();
        // The terms were read as they were typed; that a time does not exist shows only now.
        let said = imp.options.terms().and_then(|terms| Ok((terms, imp.options.start()?)));
        let (terms, start) = match said {
            Ok(said) => said,
            Err(sentence) => {
                imp.problem.set_label(&sentence);
                imp.problem.set_visible(true);
                return;
            }
        };
        let place = Place { folder: imp.folder_chosen.borrow().clone(), name: self.wanted_name(), terms, start };
        if let Some(chosen) = imp.chosen.get() {
            let addresses = imp.read.borrow().clone();
            chosen((*addresses).clone(), place);
        }
        self.close();
    }

    /// A link that was just copied is most likely the one that is meant.
    fn take_from_clipboard(&self) {
        glib::spawn_future_local(glib::clone!(
            #[weak(rename_to = dialog)]
            self,
            async move {
                let Ok(Some(text)) = copied_text::read(&dialog.clipboard()).await else { return };
                let buffer = dialog.imp().addresses.buffer();
                if buffer.char_count() == 0 && Addresses::worth_filling_in(&text).is_some() {
                    buffer.set_text(text.trim());
                    buffer.select_range(&buffer.start_iter(), &buffer.end_iter());
                }
            }
        ));
    }

    /// Where the files go as far as is known now: what a server tells may bring another rule into play.
    fn show_folder(&self) {
        let imp = self.imp();
        let Some(settings) = imp.settings.get() else { return };
        let all = match &*imp.folder_chosen.borrow() {
            Some(folder) => vec![Destination { folder: folder.clone(), rule: None }],
            None => {
                let preview = imp.preview.preview();
                destinations(&imp.read.borrow(), self.wanted_name().as_deref(), settings, preview)
            }
        };
        let title = match all.as_slice() {
            // Translators: {rule} is the name of a rule that says where downloads go, like “Films”.
            [Destination { rule: Some(rule), .. }] => gettext_f("Folder by the rule “{rule}”", &[("rule", rule)]),
            [_] => gettext("Folder"),
            _ => gettext("Folders by your rules"),
        };
        imp.folder.set_title(&glib::markup_escape_text(&title));
        let shown: Vec<_> = all.iter().map(|one| describe::folder(&one.folder)).collect();
        imp.folder.set_subtitle(&glib::markup_escape_text(&shown.join(", ")));
        // Of several the room is told for one.
        if let Some(first) = all.first().filter(|first| *imp.path.borrow() != first.folder) {
            imp.preview.set_folder(&first.folder);
            imp.path.replace(first.folder.clone());
        }
    }

    fn choose_folder(&self) {
        let dialog = self.clone();
        glib::spawn_future_local(async move {
            let current = dialog.imp().path.borrow().clone();
            if let Some(path) = chooser::choose_folder(&dialog, Some(&current)).await {
                dialog.imp().folder_chosen.replace(Some(path));
                dialog.show_folder();
            }
        });
    }
}

/// What may be written, as long as nothing is, then what it comes to.
fn hint(count: usize) -> String {
    match count {
        // Translators: leave [001-100] and {a,b} as they are: they are what the user may type.
        0 => gettext("Patterns like [001-100] and {a,b} stand for many addresses. A curl command can be pasted, too."),
        _ => ngettext_f("{n} file", "{n} files", count, &[("n", &amounts::count(count))]),
    }
}

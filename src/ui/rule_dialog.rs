// SPDX-License-Identifier: GPL-3.0-or-later
//! Asks for a rule: which downloads go into which folder.

use std::path::{Path, PathBuf};

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::{gdk, glib};

use super::chooser;
use crate::desktop::folder_check;
use crate::i18n::gettext;
use crate::model::categories::{Rule, kind_name, problem};
use crate::model::describe;
use crate::model::kind::Kind;

mod imp {
    use std::cell::{OnceCell, RefCell};

    use super::*;

    type Chosen = Box<dyn Fn(Rule)>;

    #[allow(missing_debug_implementations)] // its listener has none
    #[derive(Default, gtk::CompositeTemplate)]
    #[template(file = "rule_dialog.ui")]
    pub struct RuleDialog {
        #[template_child]
        pub name: TemplateChild<adw::EntryRow>,
        #[template_child]
        pub folder: TemplateChild<adw::ActionRow>,
        #[template_child]
        pub kind: TemplateChild<adw::ComboRow>,
        #[template_child]
        pub hosts: TemplateChild<adw::EntryRow>,
        #[template_child]
        pub patterns: TemplateChild<adw::EntryRow>,
        #[template_child]
        pub problem: TemplateChild<gtk::Label>,
        pub chosen: OnceCell<Chosen>,
        pub path: RefCell<PathBuf>,
        /// What is wrong with the folder, by the disk.
        pub folder_problem: RefCell<Option<String>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for RuleDialog {
        const NAME: &'static str = "FreshetRuleDialog";
        type Type = super::RuleDialog;
        type ParentType = adw::Window;

        fn class_init(klass: &mut Self::Class) {
            klass.bind_template();
            klass.install_action("rule.save", None, |dialog, _, _| dialog.save());
            klass.install_action("rule.choose-folder", None, |dialog, _, _| dialog.choose_folder());
            klass.add_binding_action(gdk::Key::Escape, gdk::ModifierType::empty(), "window.close");
        }

        fn instance_init(dialog: &glib::subclass::InitializingObject<Self>) {
            dialog.init_template();
        }
    }

    impl ObjectImpl for RuleDialog {
        fn constructed(&self) {
            self.parent_constructed();
            let kinds: Vec<_> = std::iter::once(gettext("Any")).chain(Kind::ALL.map(kind_name)).collect();
            let kinds: Vec<_> = kinds.iter().map(String::as_str).collect();
            self.kind.set_model(Some(&gtk::StringList::new(&kinds)));
            let check = glib::clone!(
                #[weak(rename_to = dialog)]
                self.obj(),
                move || dialog.check()
            );
            for entry in [&self.name, &self.hosts, &self.patterns] {
                let check = check.clone();
                entry.connect_changed(move |_| check());
            }
            self.kind.connect_selected_notify(move |_| check());
        }

        fn dispose(&self) {
            self.dispose_template();
        }
    }

    impl WidgetImpl for RuleDialog {}
    impl WindowImpl for RuleDialog {}
    impl AdwWindowImpl for RuleDialog {}
}

glib::wrapper! {
    pub struct RuleDialog(ObjectSubclass<imp::RuleDialog>)
        @extends adw::Window, gtk::Window, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget, gtk::Native, gtk::Root, gtk::ShortcutManager;
}

impl RuleDialog {
    /// `chosen` is called at most once, with a rule that can be used; `rule` is the one that is changed.
    pub fn new(rule: Option<&Rule>, chosen: impl Fn(Rule) + 'static) -> Self {
        let dialog: Self = glib::Object::new();
        let imp = dialog.imp();
        // A new dialog has no listener yet.
        let _ = imp.chosen.set(Box::new(chosen));
        if let Some(rule) = rule {
            let place = rule.kind.and_then(|kind| Kind::ALL.iter().position(|known| *known == kind));
            let place = place.and_then(|place| u32::try_from(place + 1).ok()).unwrap_or_default();
            imp.kind.set_selected(place);
            imp.name.set_text(&rule.name);
            imp.hosts.set_text(&rule.hosts);
            imp.patterns.set_text(&rule.patterns);
            dialog.set_folder(&rule.folder);
        }
        dialog.check();
        imp.name.grab_focus();
        dialog
    }

    fn rule(&self) -> Rule {
        let imp = self.imp();
        let text = |entry: &adw::EntryRow| entry.text().trim().to_owned();
        let place = usize::try_from(imp.kind.selected()).unwrap_or_default();
        Rule {
            name: text(&imp.name),
            kind: place.checked_sub(1).and_then(|place| Kind::ALL.get(place).copied()),
            hosts: text(&imp.hosts),
            patterns: text(&imp.patterns),
            folder: imp.path.borrow().clone(),
            ..Rule::default()
        }
    }

    /// Says what is wrong, and lets the rule be saved when nothing is. A folder whose drive is not there may be
    /// right all the same.
    fn check(&self) {
        let imp = self.imp();
        let problem = problem(&self.rule());
        self.action_set_enabled("rule.save", problem.is_none());
        // Nothing was done wrong in a dialog that was just opened.
        let is_empty = self.rule() == Rule::default();
        let kind =
            if is_empty || problem.is_none() && imp.folder_problem.borrow().is_none() { "dim-label" } else { "error" };
        imp.problem.set_css_classes(&["caption", kind]);
        let words = problem.or_else(|| imp.folder_problem.borrow().clone());
        imp.problem.set_visible(words.is_some());
        imp.problem.set_label(&words.unwrap_or_default());
    }

    fn save(&self) {
        if let Some(chosen) = self.imp().chosen.get() {
            chosen(self.rule());
        }
        self.close();
    }

    fn set_folder(&self, folder: &Path) {
        let imp = self.imp();
        imp.folder.set_subtitle(&glib::markup_escape_text(&describe::folder(folder)));
        imp.path.replace(folder.to_owned());
        imp.folder_problem.take();
        self.check();
        let (dialog, folder) = (self.downgrade(), folder.to_owned());
        glib::spawn_future_local(async move {
            let problem = folder_check::problem(&folder).await;
            if let Some(dialog) = dialog.upgrade().filter(|dialog| *dialog.imp().path.borrow() == folder) {
                dialog.imp().folder_problem.replace(problem);
                dialog.check();
            }
        });
    }

    fn choose_folder(&self) {
        let dialog = self.clone();
        glib::spawn_future_local(async move {
            let current = dialog.imp().path.borrow().clone();
            if let Some(path) = chooser::choose_folder(&dialog, Some(&current)).await {
                dialog.set_folder(&path);
            }
        });
    }
}

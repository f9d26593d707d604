// SPDX-License-Identifier: GPL-3.0-or-later
//! One of the rules that say into which folder downloads go.

use std::path::Path;

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::{gdk, glib};

use crate::desktop::folder_check;
use crate::i18n::gettext_f;
use crate::model::categories::{Rule, conditions, problem, title};
use crate::model::describe;
use crate::ui::unnamed;

/// What is done with a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    Edit,
    Up,
    Down,
    Remove,
}

mod imp {
    use std::cell::{OnceCell, RefCell};

    use super::*;

    type Wanted = Box<dyn Fn(Wish)>;

    #[allow(missing_debug_implementations)] // its listener has none
    #[derive(Default, gtk::CompositeTemplate)]
    #[template(file = "rule_row.ui")]
    pub struct RuleRow {
        pub wanted: OnceCell<Wanted>,
        pub rule: RefCell<Rule>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for RuleRow {
        const NAME: &'static str = "FreshetRuleRow";
        type Type = super::RuleRow;
        type ParentType = adw::ActionRow;

        fn class_init(klass: &mut Self::Class) {
            klass.bind_template();
            let alt = gdk::ModifierType::ALT_MASK;
            for (name, wish, key, modifier) in [
                ("rule.up", Wish::Up, gdk::Key::Up, alt),
                ("rule.down", Wish::Down, gdk::Key::Down, alt),
                ("rule.remove", Wish::Remove, gdk::Key::Delete, gdk::ModifierType::empty()),
            ] {
                klass.install_action(name, None, move |row, _, _| row.want(wish));
                klass.add_binding_action(key, modifier, name);
            }
        }

        fn instance_init(row: &glib::subclass::InitializingObject<Self>) {
            row.init_template();
        }
    }

    impl ObjectImpl for RuleRow {
        fn dispose(&self) {
            self.dispose_template();
        }
    }

    impl WidgetImpl for RuleRow {}
    impl ListBoxRowImpl for RuleRow {}
    impl PreferencesRowImpl for RuleRow {}

    impl ActionRowImpl for RuleRow {
        fn activate(&self) {
            self.obj().want(Wish::Edit);
        }
    }
}

glib::wrapper! {
    pub struct RuleRow(ObjectSubclass<imp::RuleRow>)
        @extends adw::ActionRow, adw::PreferencesRow, gtk::ListBoxRow, gtk::Widget,
        @implements gtk::Actionable, gtk::Buildable, gtk::ConstraintTarget;
}

impl RuleRow {
    pub fn new(wanted: impl Fn(Wish) + 'static) -> Self {
        let row: Self = glib::Object::new();
        unnamed::name_parts(&row);
        // A new row has no listener yet.
        let _ = row.imp().wanted.set(Box::new(wanted));
        row
    }

    fn want(&self, wish: Wish) {
        if let Some(wanted) = self.imp().wanted.get() {
            wanted(wish);
        }
    }

    pub fn show_rule(&self, rule: &Rule, is_first: bool, is_last: bool) {
        self.action_set_enabled("rule.up", !is_first);
        self.action_set_enabled("rule.down", !is_last);
        self.imp().rule.replace(rule.clone());
        self.set_title(&title(rule));
        self.say(problem(rule).as_deref());
        let (row, rule) = (self.downgrade(), rule.clone());
        glib::spawn_future_local(async move {
            let Some(problem) = folder_check::problem(&rule.folder).await else { return };
            // It may show another one by now.
            if let Some(row) = row.upgrade().filter(|row| *row.imp().rule.borrow() == rule) {
                row.say(Some(&problem));
            }
        });
    }

    /// What the rule does, and what is wrong with it.
    fn say(&self, problem: Option<&str>) {
        let rule = self.imp().rule.borrow();
        let folder = shown(&rule.folder);
        let words = if rule.name.trim().is_empty() {
            // Translators: where some downloads are saved; {folder} is its path.
            gettext_f("Into {folder}", &[("folder", &folder)])
        } else {
            let values = [("conditions", conditions(&rule)), ("folder", folder)];
            let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
            // Translators: which downloads are saved where; {conditions} is like “Video – example.org – *.mkv”,
            // {folder} is a path.
            gettext_f("{conditions}, into {folder}", &values)
        };
        let words = problem.map_or_else(|| words.clone(), |problem| format!("{words}\n{problem}"));
        self.set_subtitle(&words);
        if problem.is_some() {
            self.add_css_class("error");
        } else {
            self.remove_css_class("error");
        }
    }
}

fn shown(folder: &Path) -> String {
    describe::folder(folder)
}

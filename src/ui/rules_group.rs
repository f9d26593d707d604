// SPDX-License-Identifier: GPL-3.0-or-later
//! The rules that say into which folder downloads go, as a group of the preferences.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use super::rule_dialog::RuleDialog;
use super::rule_row::{RuleRow, Wish};
use crate::model::categories::{Rule, Rules};
use crate::settings::{Key, Settings};

mod imp {
    use std::cell::{OnceCell, RefCell};

    use super::*;

    #[derive(Debug, Default, gtk::CompositeTemplate)]
    #[template(file = "rules_group.ui")]
    pub struct RulesGroup {
        #[template_child]
        pub add: TemplateChild<gtk::Button>,
        pub rows: RefCell<Vec<RuleRow>>,
        pub settings: OnceCell<Settings>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for RulesGroup {
        const NAME: &'static str = "FreshetRulesGroup";
        type Type = super::RulesGroup;
        type ParentType = adw::PreferencesGroup;

        fn class_init(klass: &mut Self::Class) {
            klass.bind_template();
        }

        fn instance_init(group: &glib::subclass::InitializingObject<Self>) {
            group.init_template();
        }
    }

    impl ObjectImpl for RulesGroup {
        fn constructed(&self) {
            self.parent_constructed();
            self.add.connect_clicked(glib::clone!(
                #[weak(rename_to = group)]
                self.obj(),
                move |_| group.edit(None)
            ));
        }

        fn dispose(&self) {
            self.dispose_template();
        }
    }

    impl WidgetImpl for RulesGroup {}
    impl PreferencesGroupImpl for RulesGroup {}
}

glib::wrapper! {
    pub struct RulesGroup(ObjectSubclass<imp::RulesGroup>)
        @extends adw::PreferencesGroup, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget;
}

impl RulesGroup {
    /// Shows the rules of the preferences, and changes them.
    pub fn follow(&self, settings: &Settings) {
        let is_first = self.imp().settings.set(settings.clone()).is_ok();
        debug_assert!(is_first, "a group has one handle of the settings");
        self.show_rules(&settings.rules());
        settings.connect_changed(
            Key::FolderRules,
            glib::clone!(
                #[weak(rename_to = group)]
                self,
                #[strong]
                settings,
                move || group.show_rules(&settings.rules())
            ),
        );
    }

    fn show_rules(&self, Rules(rules): &Rules) {
        let mut rows = self.imp().rows.borrow_mut();
        for place in rows.len()..rules.len() {
            let row = RuleRow::new(glib::clone!(
                #[weak(rename_to = group)]
                self,
                move |wish| group.fulfil(wish, place)
            ));
            // The search of the preferences leaves out what has no title when it is added.
            if let Some(rule) = rules.get(place) {
                row.show_rule(rule, place == 0, place + 1 == rules.len());
            }
            self.add(&row);
            rows.push(row);
        }
        for (place, row) in rows.iter().enumerate() {
            // Hidden, not removed: GTK 4.8 may still tell screen readers of what went.
            row.set_visible(place < rules.len());
            if let Some(rule) = rules.get(place) {
                row.show_rule(rule, place == 0, place + 1 == rules.len());
            }
        }
    }

    fn fulfil(&self, wish: Wish, place: usize) {
        let Some(settings) = self.imp().settings.get() else { return };
        let Rules(mut rules) = settings.rules();
        let to = match wish {
            Wish::Edit => return self.edit(Some(place)),
            Wish::Up => place.checked_sub(1),
            Wish::Down => Some(place + 1),
            Wish::Remove => Some(place),
        };
        let Some(to) = to.filter(|to| place.max(*to) < rules.len()) else { return };
        if wish == Wish::Remove {
            rules.remove(place);
        } else {
            rules.swap(place, to);
        }
        let last = rules.len().checked_sub(1);
        settings.set_rules(&Rules(rules));
        // The focus stays with the rule that was moved, or where the one that went has been.
        let row = last.and_then(|last| self.imp().rows.borrow().get(to.min(last)).cloned());
        match row {
            Some(row) => row.grab_focus(),
            None => self.imp().add.grab_focus(),
        };
    }

    /// Asks for a new rule, or for another one in the place of this.
    fn edit(&self, place: Option<usize>) {
        let Some(settings) = self.imp().settings.get() else { return };
        let rule = place.and_then(|place| settings.rules().0.get(place).cloned());
        let dialog = RuleDialog::new(
            rule.as_ref(),
            glib::clone!(
                #[strong]
                settings,
                move |rule: Rule| {
                    let Rules(mut rules) = settings.rules();
                    match place.and_then(|place| rules.get_mut(place)) {
                        Some(old) => *old = rule,
                        None => rules.push(rule),
                    }
                    settings.set_rules(&Rules(rules));
                }
            ),
        );
        dialog.set_transient_for(self.root().and_downcast_ref::<gtk::Window>());
        dialog.present();
    }
}

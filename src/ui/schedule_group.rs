// SPDX-License-Identifier: GPL-3.0-or-later
//! Hours of the week as a group of the preferences: what they mean in a sentence, and a row for each span of
//! them. What is changed counts at once. A text that cannot be read, as other programs may write one, is
//! shown as it is and left alone.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use super::span_row::{SpanRow, Wish};
use super::week_start::first_day;
use crate::i18n::gettext;
use crate::model::schedule::{Day, Form, Span};
use crate::settings::{Key, Settings};

mod imp {
    use std::cell::{OnceCell, RefCell};

    use super::*;

    /// What is edited.
    #[derive(Debug)]
    pub struct Kept {
        pub form: Form,
        pub key: Key,
        pub settings: Settings,
        /// On which day weeks begin.
        pub first: Day,
    }

    #[derive(Debug, Default, gtk::CompositeTemplate)]
    #[template(file = "schedule_group.ui")]
    pub struct ScheduleGroup {
        #[template_child]
        pub head: TemplateChild<adw::ActionRow>,
        #[template_child]
        pub add: TemplateChild<gtk::Button>,
        #[template_child]
        pub unread: TemplateChild<adw::ActionRow>,
        #[template_child]
        pub forget: TemplateChild<gtk::Button>,
        pub rows: RefCell<Vec<SpanRow>>,
        pub kept: OnceCell<Kept>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for ScheduleGroup {
        const NAME: &'static str = "FreshetScheduleGroup";
        type Type = super::ScheduleGroup;
        type ParentType = adw::PreferencesGroup;

        fn class_init(klass: &mut Self::Class) {
            klass.bind_template();
        }

        fn instance_init(group: &glib::subclass::InitializingObject<Self>) {
            group.init_template();
        }
    }

    impl ObjectImpl for ScheduleGroup {
        fn constructed(&self) {
            self.parent_constructed();
            self.add.connect_clicked(glib::clone!(
                #[weak(rename_to = group)]
                self.obj(),
                move |_| group.add_span()
            ));
            self.forget.connect_clicked(glib::clone!(
                #[weak(rename_to = group)]
                self.obj(),
                move |_| {
                    group.save(Vec::new());
                    group.imp().add.grab_focus();
                }
            ));
        }

        fn dispose(&self) {
            self.dispose_template();
        }
    }

    impl WidgetImpl for ScheduleGroup {}
    impl PreferencesGroupImpl for ScheduleGroup {}
}

glib::wrapper! {
    pub struct ScheduleGroup(ObjectSubclass<imp::ScheduleGroup>)
        @extends adw::PreferencesGroup, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget;
}

impl ScheduleGroup {
    /// Shows the hours of this preference, and changes them.
    pub fn follow(&self, form: Form, key: Key, settings: &Settings) {
        let imp = self.imp();
        let is_first = imp.kept.set(imp::Kept { form, key, settings: settings.clone(), first: first_day() }).is_ok();
        debug_assert!(is_first, "a group has one preference");
        imp.head.set_title(&match form {
            Form::Hours => gettext("Only at these hours"),
            Form::Limits => gettext("Other limits at some hours"),
        });
        self.add(&*imp.head);
        self.add(&*imp.unread);
        self.show_kept();
        settings.connect_changed(
            key,
            glib::clone!(
                #[weak(rename_to = group)]
                self,
                move || group.show_kept()
            ),
        );
    }

    fn show_kept(&self) {
        let imp = self.imp();
        let Some(imp::Kept { form, key, settings, first }) = imp.kept.get() else { return };
        let text = settings.text(*key);
        let read = form.read(&text);
        imp.unread.set_visible(read.is_err());
        imp.add.set_sensitive(read.is_ok());
        if let Err(problem) = &read {
            imp.unread.set_title(&text);
            imp.unread.set_subtitle(problem);
        }
        // What cannot be read counts as none.
        self.show_spans(*form, *first, &read.unwrap_or_default());
    }

    fn show_spans(&self, form: Form, first: Day, spans: &[Span]) {
        let imp = self.imp();
        imp.head.set_subtitle(&form.meaning(spans, first));
        let mut rows = imp.rows.borrow_mut();
        for place in rows.len()..spans.len() {
            let row = SpanRow::new(
                form,
                first,
                glib::clone!(
                    #[weak(rename_to = group)]
                    self,
                    move |wish| group.fulfil(wish, place)
                ),
            );
            // The search of the preferences leaves out what has no title when it is added.
            if let Some(span) = spans.get(place) {
                row.show_span(span);
            }
            self.add(&row);
            rows.push(row);
        }
        for (place, row) in rows.iter().enumerate() {
            // Hidden, not removed: GTK 4.8 may still tell screen readers of what went.
            row.set_visible(place < spans.len());
            row.set_place(place == 0, place + 1 == spans.len());
            if let Some(span) = spans.get(place) {
                row.show_span(span);
            }
        }
    }

    /// What is kept now; `None` where that cannot be read.
    fn spans(&self) -> Option<Vec<Span>> {
        let imp::Kept { form, key, settings, .. } = self.imp().kept.get()?;
        form.read(&settings.text(*key)).ok()
    }

    fn save(&self, spans: Vec<Span>) {
        let Some(imp::Kept { form, key, settings, .. }) = self.imp().kept.get() else { return };
        settings.set_text(*key, &form.write(spans));
        // Whether or not a change was told of by now: the rows are worked with next.
        self.show_kept();
    }

    fn add_span(&self) {
        let Some(form) = self.imp().kept.get().map(|kept| kept.form) else { return };
        let Some(mut spans) = self.spans() else { return };
        let place = spans.len();
        spans.push(form.proposal());
        self.save(spans);
        let row = self.imp().rows.borrow().get(place).cloned();
        if let Some(row) = row {
            row.set_expanded(true);
            row.focus_head();
        }
    }

    fn fulfil(&self, wish: Wish, place: usize) {
        let Some(mut spans) = self.spans().filter(|spans| place < spans.len()) else { return };
        let rows = self.imp().rows.borrow().clone();
        let to = match wish {
            Wish::Change(span) => {
                spans.splice(place..=place, [span]);
                return self.save(spans);
            }
            Wish::Up => place.checked_sub(1),
            Wish::Down => Some(place + 1).filter(|to| *to < spans.len()),
            Wish::Remove => Some(place),
        };
        let Some(to) = to else { return };
        // A row stays where it is and shows another span: whether it is unfolded goes with the span.
        let mut unfolded: Vec<_> = rows.iter().map(|row| row.is_expanded()).collect();
        if wish == Wish::Remove {
            spans.remove(place);
            unfolded.remove(place);
        } else {
            spans.swap(place, to);
            unfolded.swap(place, to);
        }
        let last = spans.len().checked_sub(1);
        self.save(spans);
        for (row, is_unfolded) in rows.iter().zip(unfolded.into_iter().chain([false])) {
            row.set_expanded(is_unfolded);
        }
        // The focus stays with the span that was moved, or where the one that went has been.
        match last.and_then(|last| rows.get(to.min(last))) {
            Some(row) => row.focus_head(),
            None => {
                self.imp().add.grab_focus();
            }
        }
    }
}

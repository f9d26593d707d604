// SPDX-License-Identifier: GPL-3.0-or-later
//! One span of hours: on which days, from when until when and, where there are limits, how fast. It says in a
//! line what it is, and unfolds to be changed. What could not be kept is said where it is wrong; what was there
//! before then still counts.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::{gdk, glib};

use super::even_lines::EvenLines;
use super::time_entry::{minute_of, tell_time};
use super::{page_scroll, unnamed};
use crate::i18n::gettext;
use crate::model::schedule::{self, DAY, Day, Form, Span, Speed};

/// What is done with a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Keep this one in its place.
    Change(Span),
    Up,
    Down,
    Remove,
}

mod imp {
    use std::cell::{Cell, OnceCell, RefCell};

    use super::*;

    type Wanted = Box<dyn Fn(Wish)>;

    #[allow(missing_debug_implementations)] // its listener has none
    #[derive(Default, gtk::CompositeTemplate)]
    #[template(file = "span_row.ui")]
    pub struct SpanRow {
        #[template_child]
        pub sentence: TemplateChild<gtk::Label>,
        #[template_child]
        pub more: TemplateChild<gtk::MenuButton>,
        #[template_child]
        pub remove: TemplateChild<gtk::Button>,
        #[template_child]
        pub days: TemplateChild<gtk::Box>,
        #[template_child]
        pub days_problem: TemplateChild<gtk::Label>,
        #[template_child]
        pub from: TemplateChild<gtk::SpinButton>,
        #[template_child]
        pub until: TemplateChild<gtk::SpinButton>,
        #[template_child]
        pub until_row: TemplateChild<adw::ActionRow>,
        #[template_child]
        pub rate: TemplateChild<gtk::SpinButton>,
        #[template_child]
        pub rate_row: TemplateChild<adw::ActionRow>,
        pub toggles: RefCell<Vec<(Day, gtk::ToggleButton)>>,
        pub wanted: OnceCell<Wanted>,
        /// What the hours are for, and on which day weeks begin.
        pub kind: OnceCell<(Form, Day)>,
        /// What is kept.
        pub span: Cell<Option<Span>>,
        /// The limit, to the byte: what the button shows may be less exact.
        pub limit: Cell<Option<Speed>>,
        /// While the row itself sets what it shows.
        pub is_showing: Cell<bool>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for SpanRow {
        const NAME: &'static str = "FreshetSpanRow";
        type Type = super::SpanRow;
        type ParentType = adw::ExpanderRow;

        fn class_init(klass: &mut Self::Class) {
            EvenLines::ensure_type();
            klass.bind_template();
            for (name, wish) in [("span.up", Wish::Up), ("span.down", Wish::Down), ("span.remove", Wish::Remove)] {
                klass.install_action(name, None, move |row, _, _| row.want(wish));
            }
            klass.add_binding_action(gdk::Key::Up, gdk::ModifierType::ALT_MASK, "span.up");
            klass.add_binding_action(gdk::Key::Down, gdk::ModifierType::ALT_MASK, "span.down");
            klass.add_binding(gdk::Key::Delete, gdk::ModifierType::empty(), |row| row.on_delete());
        }

        fn instance_init(row: &glib::subclass::InitializingObject<Self>) {
            row.init_template();
        }
    }

    impl ObjectImpl for SpanRow {
        fn constructed(&self) {
            self.parent_constructed();
            for spin in [&self.from, &self.until] {
                let row = self.obj().downgrade();
                tell_time(spin, move || {
                    if let Some(row) = row.upgrade() {
                        row.on_changed();
                    }
                });
            }
            page_scroll::leave_to_page(&*self.obj());
            self.rate.connect_value_changed(glib::clone!(
                #[weak(rename_to = row)]
                self.obj(),
                move |spin| {
                    if !row.imp().is_showing.get() {
                        row.imp().limit.set(schedule::rate(spin.value()));
                        row.on_changed();
                    }
                }
            ));
        }

        fn dispose(&self) {
            self.dispose_template();
        }
    }

    impl WidgetImpl for SpanRow {}
    impl ListBoxRowImpl for SpanRow {}
    impl PreferencesRowImpl for SpanRow {}
    impl ExpanderRowImpl for SpanRow {}
}

glib::wrapper! {
    pub struct SpanRow(ObjectSubclass<imp::SpanRow>)
        @extends adw::ExpanderRow, adw::PreferencesRow, gtk::ListBoxRow, gtk::Widget,
        @implements gtk::Actionable, gtk::Buildable, gtk::ConstraintTarget;
}

impl SpanRow {
    /// `first` is the day on which weeks begin.
    pub fn new(form: Form, first: Day, wanted: impl Fn(Wish) + 'static) -> Self {
        let row: Self = glib::Object::new();
        let imp = row.imp();
        // A new row has no listener and no kind yet.
        let _ = imp.wanted.set(Box::new(wanted));
        let _ = imp.kind.set((form, first));
        let has_limits = form == Form::Limits;
        imp.rate_row.set_visible(has_limits);
        imp.more.set_visible(has_limits);
        imp.remove.set_visible(!has_limits);
        row.add_days(first);
        row
    }

    fn add_days(&self, first: Day) {
        let imp = self.imp();
        for day in schedule::week(first) {
            let full = schedule::capitalized(&schedule::day_name(day));
            // A label of its own: with that of the button GTK 4.24 would rather say these few letters than the name.
            let letters = gtk::Label::new(Some(&schedule::short_day_name(day)));
            let toggle = gtk::ToggleButton::builder()
                .child(&letters)
                .tooltip_text(&full)
                .css_classes(["weekday", "text-button"])
                .build();
            unnamed::call(&toggle, &full);
            toggle.connect_toggled(glib::clone!(
                #[weak(rename_to = row)]
                self,
                move |_| row.on_changed()
            ));
            imp.days.append(&toggle);
            imp.toggles.borrow_mut().push((day, toggle));
        }
    }

    /// Which of the wishes to change its place make sense.
    pub fn set_place(&self, is_first: bool, is_last: bool) {
        // Of limits the first counts, so their order can be changed.
        let has_order = self.imp().kind.get().is_some_and(|(form, _)| *form == Form::Limits);
        self.action_set_enabled("span.up", has_order && !is_first);
        self.action_set_enabled("span.down", has_order && !is_last);
    }

    pub fn show_span(&self, span: &Span) {
        let imp = self.imp();
        let Some((form, first)) = imp.kind.get() else { return };
        // What is just being edited may be no hours yet.
        if imp.span.replace(Some(*span)) == Some(*span) {
            return;
        }
        self.set_title(&schedule::capitalized(&schedule::days(span.days, *first)));
        self.set_subtitle(&schedule::capitalized(&form.summary(span)));
        imp.sentence.set_label(&schedule::capitalized(&form.sentence(span, *first)));
        imp.is_showing.set(true);
        for (day, toggle) in imp.toggles.borrow().iter() {
            toggle.set_active(span.days.has(*day));
        }
        imp.from.set_value(f64::from(span.from));
        imp.until.set_value(f64::from(span.to % DAY));
        let kilobytes = schedule::kilobytes(span.rate);
        imp.rate.set_digits(if kilobytes.fract() == 0.0 { 0 } else { 3 });
        imp.rate.set_value(kilobytes);
        imp.limit.set(span.rate);
        imp.is_showing.set(false);
        self.explain(span);
    }

    /// Says what is wrong, and that hours past midnight end on another day.
    fn explain(&self, span: &Span) {
        let imp = self.imp();
        let problem = schedule::days_problem(span);
        imp.days_problem.set_visible(problem.is_some());
        imp.days_problem.set_label(&problem.unwrap_or_default());
        let problem = schedule::hours_problem(span);
        if problem.is_some() {
            imp.until_row.add_css_class("error");
        } else {
            imp.until_row.remove_css_class("error");
        }
        let words = problem
            .unwrap_or_else(|| if schedule::ends_next_day(span) { gettext("On the next day") } else { String::new() });
        imp.until_row.set_subtitle(&words);
    }

    /// Keeps what the widgets say, if it makes sense.
    fn on_changed(&self) {
        let imp = self.imp();
        if imp.is_showing.get() {
            return;
        }
        let toggles = imp.toggles.borrow();
        let span = Span {
            days: toggles.iter().filter(|(_, toggle)| toggle.is_active()).map(|(day, _)| *day).collect(),
            from: minute_of(&imp.from),
            // Midnight at the end is the end of a day.
            to: Some(minute_of(&imp.until)).filter(|minute| *minute > 0).unwrap_or(DAY),
            rate: imp.limit.get(),
        };
        drop(toggles);
        self.explain(&span);
        if span.is_meant() {
            self.want(Wish::Change(span));
        }
    }

    /// Gives the focus to what is always seen of the row, of which only the toolkit has a hold.
    pub fn focus_head(&self) {
        if let Some(root) = self.root() {
            root.set_focus(None::<&gtk::Widget>);
        }
        self.child_focus(gtk::DirectionType::TabForward);
    }

    fn want(&self, wish: Wish) {
        if let Some(wanted) = self.imp().wanted.get() {
            wanted(wish);
        }
    }

    /// In what unfolds the key means other things.
    fn on_delete(&self) -> glib::Propagation {
        let imp = self.imp();
        let focus = self.root().and_then(|root| root.focus());
        let inside = [
            imp.days.upcast_ref::<gtk::Widget>(),
            imp.from.upcast_ref(),
            imp.until.upcast_ref(),
            imp.rate.upcast_ref(),
        ];
        if focus.is_some_and(|focus| inside.iter().any(|part| focus.is_ancestor(*part) || focus == **part)) {
            return glib::Propagation::Proceed;
        }
        self.want(Wish::Remove);
        glib::Propagation::Stop
    }
}

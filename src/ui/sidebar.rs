// SPDX-License-Identifier: GPL-3.0-or-later
//! The groups of downloads beside the list, with how many are in each. One is chosen.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use crate::i18n::{ngettext_f, pgettext};
use crate::model::categories::kind_name;
use crate::model::filter::Group;
use crate::model::kind::Kind;
use crate::model::rule_groups::{Category, successor};
use crate::model::{Session, Totals, amounts};

mod imp {
    use std::cell::{Cell, OnceCell, RefCell};

    use super::*;

    type Chosen = Box<dyn Fn(Group)>;
    type Settled = Box<dyn Fn()>;

    #[allow(missing_debug_implementations)] // its listener has none
    #[derive(Default, gtk::CompositeTemplate)]
    #[template(file = "sidebar.ui")]
    pub struct Sidebar {
        #[template_child]
        pub list: TemplateChild<gtk::ListBox>,
        pub rows: RefCell<Vec<(Group, super::SidebarRow)>>,
        /// Those of the rules, whose rows come last. There may be more rows, which are hidden then.
        pub categories: RefCell<Vec<(Category, String)>>,
        pub chosen: OnceCell<Chosen>,
        pub settled: OnceCell<Settled>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Sidebar {
        const NAME: &'static str = "FreshetSidebar";
        type Type = super::Sidebar;
        type ParentType = adw::Bin;

        fn class_init(klass: &mut Self::Class) {
            klass.bind_template();
        }

        fn instance_init(sidebar: &glib::subclass::InitializingObject<Self>) {
            sidebar.init_template();
        }
    }

    impl ObjectImpl for Sidebar {
        fn constructed(&self) {
            self.parent_constructed();
            self.obj().build();
        }

        fn dispose(&self) {
            self.dispose_template();
        }
    }

    impl WidgetImpl for Sidebar {
        fn grab_focus(&self) -> bool {
            self.list.selected_row().is_some_and(|row| row.grab_focus())
        }

        /// It is one step of Tab. The arrow keys lead from group to group: by Tab it would take twelve steps
        /// to come by, and each would choose another group.
        fn focus(&self, direction: gtk::DirectionType) -> bool {
            match direction {
                gtk::DirectionType::TabForward | gtk::DirectionType::TabBackward => {
                    let is_inside = self.obj().state_flags().contains(gtk::StateFlags::FOCUS_WITHIN);
                    !is_inside && self.grab_focus()
                }
                _ => self.parent_focus(direction),
            }
        }
    }

    impl BinImpl for Sidebar {}

    #[derive(Debug, Default, gtk::CompositeTemplate)]
    #[template(file = "sidebar_row.ui")]
    pub struct SidebarRow {
        #[template_child]
        pub icon: TemplateChild<gtk::Image>,
        #[template_child]
        pub name: TemplateChild<gtk::Label>,
        #[template_child]
        pub count: TemplateChild<gtk::Label>,
        #[template_child]
        pub sentence: TemplateChild<gtk::Label>,
        /// The count that is shown.
        pub shown: Cell<Option<u32>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for SidebarRow {
        const NAME: &'static str = "FreshetSidebarRow";
        type Type = super::SidebarRow;
        type ParentType = gtk::ListBoxRow;

        fn class_init(klass: &mut Self::Class) {
            klass.bind_template();
        }

        fn instance_init(row: &glib::subclass::InitializingObject<Self>) {
            row.init_template();
        }
    }

    impl ObjectImpl for SidebarRow {
        fn dispose(&self) {
            self.dispose_template();
        }
    }

    impl WidgetImpl for SidebarRow {}
    impl ListBoxRowImpl for SidebarRow {}
}

glib::wrapper! {
    pub struct Sidebar(ObjectSubclass<imp::Sidebar>)
        @extends adw::Bin, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget;
}

glib::wrapper! {
    pub struct SidebarRow(ObjectSubclass<imp::SidebarRow>)
        @extends gtk::ListBoxRow, gtk::Widget,
        @implements gtk::Actionable, gtk::Buildable, gtk::ConstraintTarget;
}

impl SidebarRow {
    fn new(group: Group, name: &str) -> Self {
        let row: Self = glib::Object::new();
        row.imp().icon.set_icon_name(Some(icon(group)));
        row.show_name(name);
        row
    }

    fn show_name(&self, name: &str) {
        self.imp().name.set_label(name);
        self.imp().shown.set(None);
        self.show_count(0);
    }

    fn show_count(&self, count: u32) {
        let imp = self.imp();
        if imp.shown.replace(Some(count)) == Some(count) {
            return;
        }
        let number = amounts::count(count);
        imp.count.set_label(&number);
        imp.count.set_visible(count > 0);
        let values = [("group", &*imp.name.label()), ("n", number.as_str())];
        // Translators: a group of the list as a screen reader says it.
        imp.sentence.set_label(&ngettext_f("{group}, {n} download", "{group}, {n} downloads", count, &values));
    }
}

impl Sidebar {
    fn build(&self) {
        let imp = self.imp();
        for group in Group::all() {
            self.append(group, &words(group).unwrap_or_default());
        }
        imp.list.set_header_func(|row, _| {
            let place = usize::try_from(row.index()).unwrap_or_default();
            let header: Option<gtk::Widget> = if place == Group::STATES.len() {
                Some(gtk::Separator::new(gtk::Orientation::Horizontal).upcast())
            } else {
                (place == Group::all().count()).then(|| rules_heading().upcast())
            };
            row.set_header(header.as_ref());
        });
        imp.list.select_row(imp.list.row_at_index(0).as_ref());
        imp.list.connect_row_selected(glib::clone!(
            #[weak(rename_to = sidebar)]
            self,
            move |_, row| sidebar.tell_chosen(row)
        ));
        imp.list.connect_row_activated(glib::clone!(
            #[weak(rename_to = sidebar)]
            self,
            move |_, _| {
                if let Some(settled) = sidebar.imp().settled.get() {
                    settled();
                }
            }
        ));
    }

    fn append(&self, group: Group, name: &str) {
        let row = SidebarRow::new(group, name);
        self.imp().list.append(&row);
        self.imp().rows.borrow_mut().push((group, row));
    }

    /// Shows the categories that the rules of the user make. What is chosen stays so, if it is still there.
    fn show_categories(&self, session: &Session) {
        let imp = self.imp();
        let new = session.rule_groups().all();
        let old = imp.categories.replace(new.clone());
        let chosen = self.chosen();
        let others = Group::all().count();
        let had = imp.rows.borrow().len() - others;
        for (category, name) in new.get(had..).unwrap_or_default() {
            self.append(Group::Category(*category), name);
        }
        for (place, (_, row)) in imp.rows.borrow().iter().skip(others).enumerate() {
            // Hidden, not removed: GTK 4.8 may still tell screen readers of what went.
            row.set_visible(place < new.len());
            if let Some((_, name)) = new.get(place) {
                row.show_name(name);
                // The user may have given it a long one.
                row.set_tooltip_text(Some(name));
            }
        }
        self.show_counts(session.totals());
        if let Some(Group::Category(before)) = chosen {
            let next = successor(before, &old, &new).map_or(Group::All, Group::Category);
            self.choose(next);
            if chosen == Some(next) {
                // The same row, but it may stand for other downloads.
                self.tell_chosen(imp.list.selected_row().as_ref());
            }
        }
    }

    fn chosen(&self) -> Option<Group> {
        self.group_of(self.imp().list.selected_row().as_ref())
    }

    /// What a group is called.
    pub fn name(&self, group: Group) -> Option<String> {
        let rows = self.imp().rows.borrow();
        rows.iter().find(|(own, _)| *own == group).map(|(_, row)| row.imp().name.label().into())
    }

    fn group_of(&self, row: Option<&gtk::ListBoxRow>) -> Option<Group> {
        let is_it = |own: &SidebarRow| Some(own.upcast_ref()) == row;
        self.imp().rows.borrow().iter().find(|(_, own)| is_it(own)).map(|(group, _)| *group)
    }

    fn tell_chosen(&self, row: Option<&gtk::ListBoxRow>) {
        if let (Some(group), Some(chosen)) = (self.group_of(row), self.imp().chosen.get()) {
            chosen(group);
        }
    }

    /// Calls back with the group that is chosen from now on.
    pub fn connect_chosen(&self, chosen: impl Fn(Group) + 'static) {
        let is_first = self.imp().chosen.set(Box::new(chosen)).is_ok();
        debug_assert!(is_first, "one listens all its life");
    }

    /// Calls back when a group was meant by a click or Return: the arrow keys only come by, and choose each on the way.
    pub fn connect_settled(&self, settled: impl Fn() + 'static) {
        let is_first = self.imp().settled.set(Box::new(settled)).is_ok();
        debug_assert!(is_first, "one listens all its life");
    }

    pub fn choose(&self, group: Group) {
        let row = self.imp().rows.borrow().iter().find(|(own, _)| *own == group).map(|(_, row)| row.clone());
        self.imp().list.select_row(row.as_ref());
    }

    /// Shows the groups there are and how many downloads are in each, from now on.
    pub fn follow(&self, session: &Session) {
        let totals = session.totals();
        let show = glib::clone!(
            #[weak(rename_to = sidebar)]
            self,
            move |totals: &Totals| sidebar.show_counts(totals)
        );
        show(totals);
        totals.connect_recounts_notify(show);
        self.show_categories(session);
        session.connect_categories_changed(glib::clone!(
            #[weak(rename_to = sidebar)]
            self,
            move |session| sidebar.show_categories(session)
        ));
    }

    fn show_counts(&self, totals: &Totals) {
        for (group, row) in &*self.imp().rows.borrow() {
            row.show_count(totals.count(*group));
        }
    }
}

/// Above the categories that the rules make.
fn rules_heading() -> gtk::Box {
    // Translators: above a list of the groups of downloads that the user's own rules make.
    let label = gtk::Label::builder().label(pgettext("group", "Rules")).xalign(0.0);
    let label = label.margin_top(9).margin_bottom(6).margin_start(14).css_classes(["caption-heading"]).build();
    let heading = gtk::Box::new(gtk::Orientation::Vertical, 0);
    let line = gtk::Separator::new(gtk::Orientation::Horizontal);
    // As the theme has them around a line that is a heading by itself.
    line.set_margin_top(6);
    line.set_margin_start(6);
    line.set_margin_end(6);
    heading.append(&line);
    heading.append(&label);
    heading
}

/// What Freshet calls a group; those of the user have other names.
fn words(group: Group) -> Option<String> {
    Some(match group {
        // Translators: a group of downloads: all of them.
        Group::All => pgettext("group", "All"),
        // Translators: a group of downloads: those that run.
        Group::Active => pgettext("group", "Active"),
        // Translators: a group of downloads: those that wait, or are paused.
        Group::Waiting => pgettext("group", "Waiting"),
        Group::Completed => pgettext("group", "Completed"),
        Group::Failed => pgettext("group", "Failed"),
        Group::Kind(kind) => kind_name(kind),
        Group::Category(_) => return None,
    })
}

pub fn icon(group: Group) -> &'static str {
    match group {
        Group::All => "view-list-symbolic",
        Group::Active => "media-playback-start-symbolic",
        Group::Waiting => "document-open-recent-symbolic",
        Group::Completed => "object-select-symbolic",
        Group::Failed => "dialog-warning-symbolic",
        Group::Kind(Kind::Documents) => "x-office-document-symbolic",
        Group::Kind(Kind::Video) => "video-x-generic-symbolic",
        Group::Kind(Kind::Audio) => "audio-x-generic-symbolic",
        Group::Kind(Kind::Pictures) => "image-x-generic-symbolic",
        Group::Kind(Kind::Archives) => "package-x-generic-symbolic",
        Group::Kind(Kind::Programs) => "application-x-executable-symbolic",
        Group::Kind(Kind::Other) => "text-x-generic-symbolic",
        Group::Category(_) => "folder-symbolic",
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! The details of the selected download, below the list. They are asked for when the download tells
//! of a change, and only while they are seen.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::{glib, pango};

use super::actions::DownloadAction;
use super::connection_list::ConnectionList;
use super::event_log::EventLog;
use super::segment_map::SegmentMap;
use super::speed_plot::SpeedPlot;
use super::unhyphenated;
use crate::i18n::{gettext, ngettext, ngettext_f};
use crate::model::chronicle::Line;
use crate::model::details::{Details, Fact, Source};
use crate::model::{DownloadId, DownloadObject, amounts};

mod imp {
    use std::cell::{Cell, OnceCell, RefCell};

    use super::*;

    type Look = Box<dyn Fn(DownloadId) -> Option<Details>>;
    type Asked = Box<dyn Fn(DownloadAction, DownloadObject)>;

    #[allow(missing_debug_implementations)] // its listeners have none
    #[derive(Default, gtk::CompositeTemplate)]
    #[template(file = "details_pane.ui")]
    pub struct DetailsPane {
        #[template_child]
        pub pages: TemplateChild<gtk::Stack>,
        #[template_child]
        pub hint: TemplateChild<gtk::Label>,
        #[template_child]
        pub header: TemplateChild<gtk::Box>,
        #[template_child]
        pub name: TemplateChild<gtk::Label>,
        #[template_child]
        pub log_in: TemplateChild<gtk::Button>,
        #[template_child]
        pub renew: TemplateChild<gtk::Button>,
        #[template_child]
        pub keep: TemplateChild<gtk::Button>,
        #[template_child]
        pub open: TemplateChild<gtk::Button>,
        #[template_child]
        pub map: TemplateChild<SegmentMap>,
        #[template_child]
        pub share: TemplateChild<gtk::Label>,
        #[template_child]
        pub plot: TemplateChild<SpeedPlot>,
        #[template_child]
        pub speeds: TemplateChild<gtk::Label>,
        #[template_child]
        pub why: TemplateChild<gtk::Box>,
        #[template_child]
        pub reasons: TemplateChild<gtk::Label>,
        #[template_child]
        pub connections: TemplateChild<ConnectionList>,
        #[template_child]
        pub grid: TemplateChild<gtk::Grid>,
        #[template_child]
        pub log: TemplateChild<EventLog>,
        pub look: OnceCell<Look>,
        pub asked: OnceCell<Asked>,
        /// What is shown, with the handler that hears of its changes.
        pub shown: RefCell<Option<(DownloadObject, glib::SignalHandlerId)>>,
        /// How many downloads are selected.
        pub count: Cell<usize>,
        pub lines: RefCell<Lines>,
    }

    /// The widgets in the grid, and what they were made for.
    #[derive(Debug, Default)]
    pub struct Lines {
        pub sources: Vec<(gtk::Label, gtk::Label)>,
        pub names: Vec<String>,
        pub values: Vec<gtk::Label>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for DetailsPane {
        const NAME: &'static str = "FreshetDetailsPane";
        type Type = super::DetailsPane;
        type ParentType = adw::Bin;

        fn class_init(klass: &mut Self::Class) {
            ConnectionList::ensure_type();
            EventLog::ensure_type();
            SegmentMap::ensure_type();
            SpeedPlot::ensure_type();
            klass.bind_template();
            klass.install_action("details.open", None, |pane, _, _| pane.ask(DownloadAction::Open));
            klass.install_action("details.show-in-folder", None, |pane, _, _| pane.ask(DownloadAction::ShowInFolder));
            klass.install_action("details.copy-address", None, |pane, _, _| pane.ask(DownloadAction::CopyAddress));
            klass.install_action("details.copy-command", None, |pane, _, _| pane.ask(DownloadAction::CopyCommand));
            klass.install_action("details.keep", None, |pane, _, _| pane.ask(DownloadAction::Keep));
            klass.install_action("details.log-in", None, |pane, _, _| pane.ask(DownloadAction::LogIn));
            klass.install_action("details.renew", None, |pane, _, _| pane.ask(DownloadAction::Renew));
        }

        fn instance_init(pane: &glib::subclass::InitializingObject<Self>) {
            pane.init_template();
        }
    }

    impl ObjectImpl for DetailsPane {
        fn dispose(&self) {
            self.obj().let_go();
            self.dispose_template();
        }
    }

    impl WidgetImpl for DetailsPane {
        fn map(&self) {
            self.obj().refresh();
            self.parent_map();
        }
    }

    impl BinImpl for DetailsPane {}
}

glib::wrapper! {
    pub struct DetailsPane(ObjectSubclass<imp::DetailsPane>)
        @extends adw::Bin, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget;
}

impl Default for DetailsPane {
    fn default() -> Self {
        glib::Object::new()
    }
}

impl DetailsPane {
    /// The name, and what can be done, which in a narrow window is below it.
    pub fn header(&self) -> gtk::Box {
        self.imp().header.get()
    }

    /// `look` gives the details of a download; `asked` is called when one of the pane's buttons is used.
    pub fn set_handlers(
        &self,
        look: impl Fn(DownloadId) -> Option<Details> + 'static,
        asked: impl Fn(DownloadAction, DownloadObject) + 'static,
    ) {
        let imp = self.imp();
        let is_first = imp.look.set(Box::new(look)).is_ok() && imp.asked.set(Box::new(asked)).is_ok();
        debug_assert!(is_first, "a pane has one session all its life");
    }

    /// `look` gives what happened to a download; `copied` is called with a text for the clipboard.
    pub fn set_log_handlers(&self, look: impl Fn(DownloadId) -> Vec<Line> + 'static, copied: impl Fn(&str) + 'static) {
        self.imp().log.set_handlers(look, copied);
    }

    /// Shows a download, if it is the only one of `count` selected ones.
    pub fn show_selected(&self, count: usize, only: Option<DownloadObject>) {
        let imp = self.imp();
        let is_same = imp.shown.borrow().as_ref().map(|(shown, _)| shown) == only.as_ref();
        if is_same && imp.count.replace(count) == count {
            return;
        }
        self.let_go();
        imp.count.set(count);
        // What it is called is above all else.
        if let Some(scroller) = self.child().and_downcast::<gtk::ScrolledWindow>() {
            scroller.vadjustment().set_value(0.0);
        }
        if let Some(download) = only {
            // The status is written from everything that is told of a download.
            let handler = download.connect_notify_local(
                Some("status"),
                glib::clone!(
                    #[weak(rename_to = pane)]
                    self,
                    move |_, _| pane.refresh_if_seen()
                ),
            );
            imp.shown.replace(Some((download, handler)));
        }
        self.refresh_if_seen();
    }

    fn let_go(&self) {
        if let Some((download, handler)) = self.imp().shown.take() {
            download.disconnect(handler);
        }
    }

    fn ask(&self, action: DownloadAction) {
        let shown = self.imp().shown.borrow().as_ref().map(|(download, _)| download.clone());
        if let (Some(asked), Some(download)) = (self.imp().asked.get(), shown.filter(|download| action.fits(download)))
        {
            asked(action, download);
        }
    }

    fn refresh_if_seen(&self) {
        if self.is_mapped() {
            self.refresh();
        }
    }

    fn refresh(&self) {
        let imp = self.imp();
        let download = imp.shown.borrow().as_ref().map(|(download, _)| download.clone());
        let details = download.as_ref().zip(imp.look.get()).and_then(|(download, look)| look(download.download_id()));
        let (Some(download), Some(details)) = (download, details) else {
            self.show_hint();
            return;
        };
        set_label(&imp.name, &download.name());
        imp.log_in.set_visible(download.can_log_in());
        imp.renew.set_visible(download.can_renew());
        imp.open.set_visible(download.can_open());
        imp.keep.set_visible(download.can_keep());
        set_label(&imp.share, &details.map.sentence);
        imp.map.set_map(details.map);
        imp.plot.set_visible(details.speed.is_some());
        imp.speeds.set_visible(details.speed.is_some());
        if let Some(plot) = details.speed {
            set_label(&imp.speeds, &plot.sentence);
            imp.plot.set_plot(plot);
        }
        imp.why.set_visible(!details.reasons.is_empty());
        set_label(&imp.reasons, &details.reasons.join("\n"));
        imp.connections.set_visible(!details.connections.is_empty());
        imp.connections.show(&details.connections);
        self.show_lines(&details.sources, &details.facts);
        imp.log.show(download.download_id(), details.happened);
        imp.pages.set_visible_child_name("details");
    }

    fn show_hint(&self) {
        let count = self.imp().count.get();
        let text = if count > 1 {
            ngettext_f(
                "{n} download is selected",
                "{n} downloads are selected",
                count,
                &[("n", &amounts::count(count))],
            )
        } else {
            gettext("Select a download to see its details")
        };
        set_label(&self.imp().hint, &text);
        self.imp().pages.set_visible_child_name("hint");
    }

    /// Makes new lines only where there are others than before: a selection in their text would be
    /// lost, and progress comes several times a second.
    fn show_lines(&self, sources: &[Source], facts: &[Fact]) {
        let imp = self.imp();
        let fits = {
            let lines = imp.lines.borrow();
            lines.sources.len() == sources.len() && lines.names.iter().eq(facts.iter().map(|fact| &fact.name))
        };
        if !fits {
            self.make_lines(sources.len(), facts);
        }
        let lines = imp.lines.borrow();
        for (source, (address, standing)) in sources.iter().zip(&lines.sources) {
            set_label(address, &source.address);
            set_label(standing, &source.standing);
            standing.set_css_classes(&["caption", if source.is_bad { "warning" } else { "dim-label" }]);
        }
        for (fact, value) in facts.iter().zip(&lines.values) {
            set_label(value, &fact.value);
        }
    }

    fn make_lines(&self, sources: usize, facts: &[Fact]) {
        let imp = self.imp();
        let grid = &*imp.grid;
        while let Some(child) = grid.first_child() {
            grid.remove(&child);
        }
        let mut lines = imp::Lines::default();
        let addresses = gtk::Box::new(gtk::Orientation::Vertical, 6);
        let heading = line_name(&ngettext("Address", "Addresses", sources));
        for _ in 0..sources {
            let source = gtk::Box::new(gtk::Orientation::Vertical, 0);
            let (address, standing) = (line_value(), line_value());
            source.append(&address);
            source.append(&standing);
            addresses.append(&source);
            lines.sources.push((address, standing));
        }
        grid.attach(&heading, 0, 0, 1, 1);
        grid.attach(&addresses, 1, 0, 1, 1);
        for (row, fact) in (1..).zip(facts) {
            let (name, value) = (line_name(&fact.name), line_value());
            grid.attach(&name, 0, row, 1, 1);
            grid.attach(&value, 1, row, 1, 1);
            lines.names.push(fact.name.clone());
            lines.values.push(value);
        }
        imp.lines.replace(lines);
    }
}

fn line_name(text: &str) -> gtk::Label {
    gtk::Label::builder().label(text).xalign(1.0).yalign(0.0).css_classes(["dim-label"]).build()
}

/// A text that can be copied.
fn line_value() -> gtk::Label {
    let label = gtk::Label::builder()
        .xalign(0.0)
        .yalign(0.0)
        .hexpand(true)
        .selectable(true)
        .wrap(true)
        .wrap_mode(pango::WrapMode::WordChar)
        .build();
    unhyphenated::set_label(&label);
    label
}

/// A label that is set to the text that it has would be laid out anew.
fn set_label(label: &gtk::Label, text: &str) {
    if label.label() != text {
        label.set_label(text);
    }
}

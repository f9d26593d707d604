// SPDX-License-Identifier: GPL-3.0-or-later
//! What happened to a download, folded away until somebody wants to read it. It is asked for only while
//! it is unfolded; what is new is added below what was there, so that a selection is kept.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use crate::model::DownloadId;
use crate::model::chronicle::Line;

mod imp {
    use std::cell::{Cell, OnceCell, RefCell};

    use super::*;

    type Look = Box<dyn Fn(DownloadId) -> Vec<Line>>;
    type Copied = Box<dyn Fn(&str)>;

    #[allow(missing_debug_implementations)] // its listeners have none
    #[derive(Default, gtk::CompositeTemplate)]
    #[template(file = "event_log.ui")]
    pub struct EventLog {
        #[template_child]
        pub unfold: TemplateChild<gtk::ToggleButton>,
        #[template_child]
        pub arrow: TemplateChild<gtk::Image>,
        #[template_child]
        pub text: TemplateChild<gtk::TextView>,
        pub look: OnceCell<Look>,
        pub copied: OnceCell<Copied>,
        /// Whose events, and how many of them there ever were.
        pub of: Cell<Option<(DownloadId, u64)>>,
        /// What of that is written below.
        pub written: RefCell<Option<(DownloadId, u64, String)>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for EventLog {
        const NAME: &'static str = "FreshetEventLog";
        type Type = super::EventLog;
        type ParentType = adw::Bin;

        fn class_init(klass: &mut Self::Class) {
            klass.bind_template();
            klass.install_action("log.copy", None, |log, _, _| log.copy());
        }

        fn instance_init(log: &glib::subclass::InitializingObject<Self>) {
            log.init_template();
        }
    }

    impl ObjectImpl for EventLog {
        fn constructed(&self) {
            self.parent_constructed();
            let log = self.obj();
            self.unfold.connect_active_notify(glib::clone!(
                #[weak]
                log,
                move |unfold| {
                    let arrow = if unfold.is_active() { "pan-down-symbolic" } else { "pan-end-symbolic" };
                    log.imp().arrow.set_icon_name(Some(arrow));
                    log.write();
                }
            ));
        }

        fn dispose(&self) {
            self.dispose_template();
        }
    }

    impl WidgetImpl for EventLog {}
    impl BinImpl for EventLog {}
}

glib::wrapper! {
    pub struct EventLog(ObjectSubclass<imp::EventLog>)
        @extends adw::Bin, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget;
}

impl EventLog {
    /// `look` gives the events of a download, the oldest first; `copied` is called with a text for the
    /// clipboard.
    pub fn set_handlers(&self, look: impl Fn(DownloadId) -> Vec<Line> + 'static, copied: impl Fn(&str) + 'static) {
        let imp = self.imp();
        let is_first = imp.look.set(Box::new(look)).is_ok() && imp.copied.set(Box::new(copied)).is_ok();
        debug_assert!(is_first, "a log has one session all its life");
    }

    /// Shows the events of a download, `count` of which there ever were.
    pub fn show(&self, id: DownloadId, count: u64) {
        self.imp().of.set(Some((id, count)));
        self.write();
    }

    fn write(&self) {
        let imp = self.imp();
        let (Some((id, count)), Some(look)) = (imp.of.get().filter(|_| imp.unfold.is_active()), imp.look.get()) else {
            return;
        };
        let mut written = imp.written.borrow_mut();
        let (known, same) = match &*written {
            Some((of, counted, text)) if *of == id => (text.as_str(), *counted == count),
            _ => ("", false),
        };
        if same {
            return;
        }
        let text = text_of(&look(id));
        let buffer = imp.text.buffer();
        match text.strip_prefix(known).filter(|_| !known.is_empty()) {
            Some(new) => buffer.insert(&mut buffer.end_iter(), new),
            None => {
                buffer.set_text(&text);
                self.hang(&text);
            }
        }
        written.replace((id, count, text));
    }

    /// What does not fit in a line goes on behind the time.
    fn hang(&self, text: &str) {
        let time = text.split_once(SEPARATOR).map(|(time, _)| format!("{time}{SEPARATOR}")).unwrap_or_default();
        let (width, _) = self.imp().text.create_pango_layout(Some(&time)).pixel_size();
        self.imp().text.set_indent(-width);
    }

    fn copy(&self) {
        let imp = self.imp();
        if let (Some((id, _)), Some(look), Some(copied)) = (imp.of.get(), imp.look.get(), imp.copied.get()) {
            copied(&text_of(&look(id)));
        }
    }
}

/// Between the time and what happened.
const SEPARATOR: &str = "\u{2003}";

fn text_of(lines: &[Line]) -> String {
    lines.iter().map(|line| format!("{}{SEPARATOR}{}", line.time, line.words)).collect::<Vec<_>>().join("\n")
}

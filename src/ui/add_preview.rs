// SPDX-License-Identifier: GPL-3.0-or-later
//! The part of the add dialog that says what addresses lead to and whether there is room for it.

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::{glib, pango};

use crate::desktop::free_space::{self, FreeSpace};
use crate::model::Addresses;
use crate::model::preview::{Preview, Row};
use crate::model::session::Place;

/// Who types is not done with an address at its first letters.
const PATIENCE: Duration = Duration::from_millis(700);

mod imp {
    use std::cell::{Cell, OnceCell, RefCell};

    use super::*;

    type Told = Box<dyn Fn()>;

    #[allow(missing_debug_implementations)] // its listener has none
    #[derive(Default, gtk::CompositeTemplate)]
    #[template(file = "add_preview.ui")]
    pub struct AddPreview {
        #[template_child]
        pub files: TemplateChild<gtk::Box>,
        #[template_child]
        pub room: TemplateChild<gtk::Label>,
        /// Not there if servers are not to be asked.
        pub preview: OnceCell<Preview>,
        pub told: OnceCell<Told>,
        pub rows: RefCell<Vec<(gtk::Label, gtk::Label)>>,
        pub count: Cell<usize>,
        pub free: RefCell<FreeSpace>,
        pub wait: RefCell<Option<glib::SourceId>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for AddPreview {
        const NAME: &'static str = "FreshetAddPreview";
        type Type = super::AddPreview;
        type ParentType = adw::Bin;

        fn class_init(klass: &mut Self::Class) {
            klass.bind_template();
        }

        fn instance_init(preview: &glib::subclass::InitializingObject<Self>) {
            preview.init_template();
        }
    }

    impl ObjectImpl for AddPreview {
        fn dispose(&self) {
            if let Some(wait) = self.wait.take() {
                wait.remove();
            }
            self.dispose_template();
        }
    }

    impl WidgetImpl for AddPreview {}
    impl BinImpl for AddPreview {}
}

glib::wrapper! {
    pub struct AddPreview(ObjectSubclass<imp::AddPreview>)
        @extends adw::Bin, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget;
}

impl AddPreview {
    pub fn set_preview(&self, preview: Preview) {
        preview.connect_changed(glib::clone!(
            #[weak(rename_to = widget)]
            self,
            move || {
                widget.show();
                if let Some(told) = widget.imp().told.get() {
                    told();
                }
            }
        ));
        let is_first = self.imp().preview.set(preview).is_ok();
        debug_assert!(is_first, "a dialog asks one session");
    }

    /// Calls back whenever more is known of the addresses.
    pub fn connect_told(&self, told: impl Fn() + 'static) {
        let is_first = self.imp().told.set(Box::new(told)).is_ok();
        debug_assert!(is_first, "one listens all its life");
    }

    pub fn preview(&self) -> Option<&Preview> {
        self.imp().preview.get()
    }

    /// Asks about these when nothing else is typed for a moment.
    pub fn look_at(&self, addresses: Rc<Addresses>, place: Place) {
        let imp = self.imp();
        if let Some(wait) = imp.wait.take() {
            wait.remove();
        }
        if imp.preview.get().is_none() {
            return;
        }
        let wait = glib::timeout_add_local_once(
            PATIENCE,
            glib::clone!(
                #[weak(rename_to = widget)]
                self,
                move || {
                    let imp = widget.imp();
                    imp.wait.take();
                    imp.count.set(addresses.found.len());
                    if let Some(preview) = imp.preview.get() {
                        preview.look_at(&addresses, &place);
                    }
                }
            ),
        );
        imp.wait.replace(Some(wait));
    }

    /// Looks how much room there is in a folder.
    pub fn set_folder(&self, folder: &Path) {
        self.imp().free.borrow_mut().ask(folder);
        self.show();
        let folder = folder.to_owned();
        glib::spawn_future_local(glib::clone!(
            #[weak(rename_to = widget)]
            self,
            async move {
                let free = free_space::in_folder(&folder).await;
                let is_it = widget.imp().free.borrow_mut().learn(&folder, free);
                if is_it {
                    widget.show();
                }
            }
        ));
    }

    fn show(&self) {
        let imp = self.imp();
        let Some(preview) = imp.preview.get() else { return };
        let rows = preview.rows();
        let (room, is_bad) = preview.room(imp.count.get(), imp.free.borrow().bytes());
        self.set_visible(!rows.is_empty());
        self.show_rows(&rows);
        imp.room.set_label(&room);
        imp.room.set_visible(!room.is_empty());
        imp.room.set_css_classes(&["caption", if is_bad { "error" } else { "dim-label" }]);
    }

    fn show_rows(&self, rows: &[Row]) {
        let imp = self.imp();
        let mut shown = imp.rows.borrow_mut();
        for _ in shown.len()..rows.len() {
            let name = gtk::Label::builder().xalign(0.0).ellipsize(pango::EllipsizeMode::Middle).build();
            let words = gtk::Label::builder().xalign(0.0).wrap(true).wrap_mode(pango::WrapMode::WordChar).build();
            let line = gtk::Box::new(gtk::Orientation::Vertical, 0);
            line.append(&name);
            line.append(&words);
            imp.files.append(&line);
            shown.push((name, words));
        }
        // Hidden, not removed: GTK 4.8 may still tell screen readers of what went.
        for (number, line) in shown.iter().enumerate().filter_map(|(number, (name, _))| Some((number, name.parent()?)))
        {
            line.set_visible(number < rows.len());
        }
        for (row, (name, words)) in rows.iter().zip(&*shown) {
            name.set_label(&row.name);
            words.set_label(&row.words);
            words.set_css_classes(&["caption", if row.is_bad { "error" } else { "dim-label" }]);
        }
    }
}

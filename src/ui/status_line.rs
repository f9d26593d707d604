// SPDX-License-Identifier: GPL-3.0-or-later
//! A text that changes several times a second. Unlike a label it never asks for another size when it
//! does: how many lines it takes follows from its width alone. Where one line is not enough for most
//! texts, it has two, and leaves out what can be seen otherwise.

use gtk::glib;
use gtk::prelude::*;
use gtk::subclass::prelude::*;

use crate::i18n::gettext;

/// As long as `Downloading – 412.0 of 754.0 MB – 31.0 MB/s – 12 min left`.
const ONE_LINE: u32 = 54;

mod imp {
    use std::cell::{Cell, OnceCell, RefCell};

    use super::*;

    #[derive(Debug, Default, glib::Properties)]
    #[properties(wrapper_type = super::StatusLine)]
    pub struct StatusLine {
        /// All there is to say.
        #[property(get, set = Self::set_text)]
        pub text: RefCell<String>,
        /// What is said in a narrow window; if it is empty, all is said there, too.
        #[property(get, set = Self::set_brief)]
        pub brief: RefCell<String>,
        /// Made when it is seen first: most rows rest.
        pub inscription: OnceCell<gtk::Inscription>,
        pub is_narrow: Cell<bool>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for StatusLine {
        const NAME: &'static str = "FreshetStatusLine";
        type Type = super::StatusLine;
        type ParentType = gtk::Widget;

        fn class_init(klass: &mut Self::Class) {
            klass.set_css_name("statusline");
        }
    }

    impl StatusLine {
        fn inscription(&self) -> &gtk::Inscription {
            self.inscription.get_or_init(|| {
                // It would be told to screen readers several times a second; the row's sentence has it.
                let inscription = gtk::Inscription::builder()
                    .accessible_role(gtk::AccessibleRole::Presentation)
                    .nat_chars(ONE_LINE)
                    .min_lines(1)
                    .nat_lines(2)
                    .text_overflow(gtk::InscriptionOverflow::EllipsizeEnd)
                    .build();
                inscription.set_parent(&*self.obj());
                inscription
            })
        }

        fn set_text(&self, text: String) {
            self.text.replace(text);
            self.show_text();
        }

        fn set_brief(&self, brief: String) {
            self.brief.replace(brief);
            self.show_text();
        }

        fn show_text(&self) {
            if !self.obj().is_visible() {
                return;
            }
            let brief = self.brief.borrow();
            let is_brief = self.is_narrow.get() && !brief.is_empty();
            let shown = if is_brief { brief } else { self.text.borrow() };
            // A line may end behind a stroke, but not within `kB/s`; a dash begins the next one.
            let shown = shown.replace('/', "/\u{2060}").replace(" – ", " –\u{a0}");
            self.inscription().set_text(Some(&shown));
        }

        /// Of a line in the script of the user's language and with digits. An inscription asks for the room that its own font
        /// needs; where that lacks a script another one steps in beside it, which may reach deeper.
        fn line_height(&self) -> i32 {
            let sample = format!("{} 0 MB", gettext("Downloading"));
            self.obj().create_pango_layout(Some(&sample)).pixel_size().1
        }

        fn is_narrow(&self, width: i32) -> bool {
            let (_, one_line, _, _) = self.inscription().measure(gtk::Orientation::Horizontal, -1);
            width < one_line
        }
    }

    #[glib::derived_properties]
    impl ObjectImpl for StatusLine {
        fn dispose(&self) {
            if let Some(inscription) = self.inscription.get() {
                inscription.unparent();
            }
        }
    }

    impl WidgetImpl for StatusLine {
        fn show(&self) {
            self.parent_show();
            self.show_text();
        }

        fn request_mode(&self) -> gtk::SizeRequestMode {
            gtk::SizeRequestMode::HeightForWidth
        }

        fn measure(&self, orientation: gtk::Orientation, for_size: i32) -> (i32, i32, i32, i32) {
            let (least, natural, _, _) = self.inscription().measure(orientation, -1);
            if orientation == gtk::Orientation::Horizontal {
                (least, natural, -1, -1)
            } else {
                // Of the inscription's two heights one is for one line, the other for two.
                let (height, lines) = if for_size >= 0 && self.is_narrow(for_size) { (natural, 2) } else { (least, 1) };
                let height = height.max(lines * self.line_height());
                (height, height, -1, -1)
            }
        }

        fn size_allocate(&self, width: i32, height: i32, baseline: i32) {
            let is_narrow = self.is_narrow(width);
            if self.is_narrow.replace(is_narrow) != is_narrow {
                self.show_text();
            }
            self.inscription().allocate(width, height, baseline, None);
        }
    }
}

glib::wrapper! {
    pub struct StatusLine(ObjectSubclass<imp::StatusLine>)
        @extends gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget;
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Asks for another address of a download that is stuck.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use super::copied_text;
use crate::i18n::{gettext, gettext_f};
use crate::model::{Addresses, DownloadObject};

const USE: &str = "use";

mod imp {
    use std::cell::{OnceCell, RefCell};

    use super::*;

    type Chosen = Box<dyn Fn(Addresses)>;

    #[allow(missing_debug_implementations)] // its listener has none
    #[derive(Default, gtk::CompositeTemplate)]
    #[template(file = "renew_dialog.ui")]
    pub struct RenewDialog {
        #[template_child]
        pub address: TemplateChild<gtk::Entry>,
        #[template_child]
        pub problem: TemplateChild<gtk::Label>,
        pub chosen: OnceCell<Chosen>,
        /// The address that does not work.
        pub old: RefCell<String>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for RenewDialog {
        const NAME: &'static str = "FreshetRenewDialog";
        type Type = super::RenewDialog;
        type ParentType = adw::MessageDialog;

        fn class_init(klass: &mut Self::Class) {
            klass.bind_template();
        }

        fn instance_init(dialog: &glib::subclass::InitializingObject<Self>) {
            dialog.init_template();
        }
    }

    impl ObjectImpl for RenewDialog {
        fn constructed(&self) {
            self.parent_constructed();
            self.address.connect_changed(glib::clone!(
                #[weak(rename_to = dialog)]
                self.obj(),
                move |_| dialog.check()
            ));
            self.address.grab_focus();
            self.obj().take_from_clipboard();
        }

        fn dispose(&self) {
            self.dispose_template();
        }
    }

    impl WidgetImpl for RenewDialog {}
    impl WindowImpl for RenewDialog {}

    impl MessageDialogImpl for RenewDialog {
        fn response(&self, response: &str) {
            if response == USE
                && let Some(chosen) = self.chosen.get()
            {
                chosen(self.obj().read());
            }
        }
    }
}

glib::wrapper! {
    pub struct RenewDialog(ObjectSubclass<imp::RenewDialog>)
        @extends adw::MessageDialog, gtk::Window, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget, gtk::Native, gtk::Root, gtk::ShortcutManager;
}

impl RenewDialog {
    /// `chosen` is called at most once, with one address.
    pub fn new(download: &DownloadObject, chosen: impl Fn(Addresses) + 'static) -> Self {
        let dialog: Self = glib::Object::new();
        // A new dialog has no listener yet.
        let _ = dialog.imp().chosen.set(Box::new(chosen));
        dialog.imp().old.replace(download.address());
        dialog.set_body(&what_is_kept(&download.name(), download.has_begun()));
        dialog
    }

    fn read(&self) -> Addresses {
        Addresses::in_lines(&self.imp().address.text())
    }

    /// Says what is wrong, and lets the address be used when nothing is.
    fn check(&self) {
        let imp = self.imp();
        let addresses = self.read();
        let is_usable = addresses.only().is_some();
        let problem = match addresses.refused.into_iter().next() {
            None if !is_usable && !imp.address.text().trim().is_empty() => Some(gettext("Give one address only.")),
            problem => problem,
        };
        self.set_response_enabled(USE, is_usable);
        imp.problem.set_visible(problem.is_some());
        imp.problem.set_label(&problem.unwrap_or_default());
    }

    /// A link that was just copied is most likely the one that is meant, unless it is the old one.
    fn take_from_clipboard(&self) {
        glib::spawn_future_local(glib::clone!(
            #[weak(rename_to = dialog)]
            self,
            async move {
                let Ok(Some(text)) = copied_text::read(&dialog.clipboard()).await else { return };
                let entry = &dialog.imp().address;
                let Some(addresses) = Addresses::worth_filling_in(&text) else { return };
                let new = addresses.only().map(ToString::to_string).filter(|new| *new != *dialog.imp().old.borrow());
                if let Some(new) = new.filter(|_| entry.text().is_empty()) {
                    entry.set_text(&new);
                    entry.select_region(0, -1);
                }
            }
        ));
    }
}

/// What another address does to a download, of which something has arrived or not.
pub fn what_is_kept(file: &str, has_begun: bool) -> String {
    let file = [("file", file)];
    if has_begun {
        gettext_f("What has arrived of “{file}” is kept if the new address gives the same file.", &file)
    } else {
        // Translators: {file} is the name of a file.
        gettext_f("Nothing of “{file}” has arrived yet. It will come from the new address.", &file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_kept_where_nothing_has_arrived() {
        assert!(what_is_kept("a.iso", true).starts_with("What has arrived of “a.iso” is kept"));
        assert!(what_is_kept("a.iso", false).starts_with("Nothing of “a.iso” has arrived yet"));
    }
}

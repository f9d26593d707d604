// SPDX-License-Identifier: GPL-3.0-or-later
//! Offers a link that was copied before the window got the focus. The clipboard is read then and at no
//! other time, and each content is offered once.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use super::copied_text;
use crate::model::Addresses;
use crate::settings::Settings;

mod imp {
    use std::cell::{OnceCell, RefCell};

    use super::*;

    type Taken = Box<dyn Fn(&Addresses)>;

    #[allow(missing_debug_implementations)] // its listener has none
    #[derive(Default, gtk::CompositeTemplate)]
    #[template(file = "clipboard_offer.ui")]
    pub struct ClipboardOffer {
        #[template_child]
        pub revealer: TemplateChild<gtk::Revealer>,
        #[template_child]
        pub words: TemplateChild<gtk::Label>,
        pub taken: OnceCell<Taken>,
        pub left: OnceCell<Box<dyn Fn()>>,
        /// What the clipboard held when it was last read.
        pub seen: RefCell<Addresses>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for ClipboardOffer {
        const NAME: &'static str = "FreshetClipboardOffer";
        type Type = super::ClipboardOffer;
        type ParentType = adw::Bin;

        fn class_init(klass: &mut Self::Class) {
            klass.bind_template();
            klass.install_action("offer.take", None, |offer, _, _| offer.take());
            klass.install_action("offer.dismiss", None, |offer, _, _| offer.dismiss());
        }

        fn instance_init(offer: &glib::subclass::InitializingObject<Self>) {
            offer.init_template();
        }
    }

    impl ObjectImpl for ClipboardOffer {
        fn constructed(&self) {
            self.parent_constructed();
            // For a screen reader what is in a closed revealer would still be there.
            self.revealer.connect_child_revealed_notify(|revealer| revealer.set_visible(revealer.reveals_child()));
        }

        // Not `dispose_template`: that would take the revealer from the bin, which lets go of it itself.
    }

    impl WidgetImpl for ClipboardOffer {}
    impl BinImpl for ClipboardOffer {}
}

glib::wrapper! {
    pub struct ClipboardOffer(ObjectSubclass<imp::ClipboardOffer>)
        @extends adw::Bin, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget;
}

impl ClipboardOffer {
    /// Looks at the clipboard whenever `window` gets the focus; `taken` is given what the user wants of it.
    pub fn watch(&self, window: &impl IsA<gtk::Window>, settings: &Settings, taken: impl Fn(&Addresses) + 'static) {
        let is_first = self.imp().taken.set(Box::new(taken)).is_ok();
        debug_assert!(is_first, "an offer is for one window");
        let settings = settings.clone();
        window.connect_is_active_notify(glib::clone!(
            #[weak(rename_to = offer)]
            self,
            move |window| {
                if window.is_active() && settings.offers_clipboard() {
                    offer.look();
                }
            }
        ));
    }

    /// Calls back when the offer goes while it has the focus.
    pub fn connect_left(&self, left: impl Fn() + 'static) {
        let is_first = self.imp().left.set(Box::new(left)).is_ok();
        debug_assert!(is_first, "an offer is for one window");
    }

    /// Puts the offer away; its content is not offered again.
    pub fn dismiss(&self) {
        let imp = self.imp();
        imp.revealer.set_reveal_child(false);
        if let Some(left) = imp.left.get().filter(|_| self.state_flags().contains(gtk::StateFlags::FOCUS_WITHIN)) {
            left();
        }
    }

    /// Puts the offer away if all that it is of is added anyway.
    pub fn forget(&self, added: &Addresses) {
        let is_added = self.imp().seen.borrow().is_among(added);
        if is_added {
            self.dismiss();
        }
    }

    fn take(&self) {
        self.dismiss();
        let imp = self.imp();
        let addresses = imp.seen.borrow().clone();
        if let Some(taken) = imp.taken.get() {
            taken(&addresses);
        }
    }

    fn look(&self) {
        let clipboard = WidgetExt::clipboard(self);
        // What was copied here is in the list.
        if clipboard.is_local() {
            return;
        }
        glib::spawn_future_local(glib::clone!(
            #[weak(rename_to = offer)]
            self,
            async move {
                if let Ok(text) = copied_text::read(&clipboard).await {
                    offer.show(text.as_deref().and_then(Addresses::worth_an_offer));
                }
            }
        ));
    }

    fn show(&self, addresses: Option<Addresses>) {
        let imp = self.imp();
        let addresses = addresses.unwrap_or_default();
        if *imp.seen.borrow() == addresses {
            return;
        }
        let words = addresses.offer();
        imp.seen.replace(addresses);
        let Some(words) = words else { return self.dismiss() };
        imp.words.set_label(&words);
        imp.revealer.set_visible(true);
        imp.revealer.set_reveal_child(true);
    }
}

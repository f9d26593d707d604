// SPDX-License-Identifier: GPL-3.0-or-later
//! What was completed and is no longer in the list: found by words, opened, downloaded again, cleared.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::{gdk, gio, glib};

use super::history_row::HistoryRow;
use super::messages;
use crate::desktop::files;
use crate::i18n::gettext;
use crate::model::history::{self, HistoryList, Past};
use crate::model::session::Place;
use crate::model::{Addresses, Session};

type Again = Box<dyn Fn(Addresses, Place)>;
type Settle = Box<dyn Fn()>;

mod imp {
    use std::cell::OnceCell;

    use super::*;

    #[allow(missing_debug_implementations)] // its listeners have none
    #[derive(Default, gtk::CompositeTemplate)]
    #[template(file = "history_window.ui")]
    pub struct HistoryWindow {
        #[template_child]
        pub row_menu: TemplateChild<gio::Menu>,
        #[template_child]
        pub toasts: TemplateChild<adw::ToastOverlay>,
        #[template_child]
        pub search_bar: TemplateChild<gtk::SearchBar>,
        #[template_child]
        pub search_entry: TemplateChild<gtk::SearchEntry>,
        #[template_child]
        pub pages: TemplateChild<gtk::Stack>,
        #[template_child]
        pub list_view: TemplateChild<gtk::ListView>,
        #[template_child]
        pub empty: TemplateChild<adw::StatusPage>,
        #[template_child]
        pub failure: TemplateChild<adw::StatusPage>,
        pub list: HistoryList,
        pub selection: OnceCell<gtk::SingleSelection>,
        /// The action of the button, which is for more than nothing.
        pub clear: OnceCell<gio::SimpleAction>,
        pub session: OnceCell<Session>,
        pub settle: OnceCell<Settle>,
        pub again: OnceCell<Again>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for HistoryWindow {
        const NAME: &'static str = "FreshetHistoryWindow";
        type Type = super::HistoryWindow;
        type ParentType = adw::Window;

        fn class_init(klass: &mut Self::Class) {
            klass.bind_template();
            klass.add_binding_action(gdk::Key::Escape, gdk::ModifierType::empty(), "window.close");
        }

        fn instance_init(window: &glib::subclass::InitializingObject<Self>) {
            window.init_template();
        }
    }

    impl ObjectImpl for HistoryWindow {
        fn constructed(&self) {
            self.parent_constructed();
            let window = self.obj();
            window.install_actions();
            window.install_rows();
            window.install_search();
        }

        fn dispose(&self) {
            self.dispose_template();
        }
    }

    impl WidgetImpl for HistoryWindow {}
    impl WindowImpl for HistoryWindow {}
    impl AdwWindowImpl for HistoryWindow {}
}

glib::wrapper! {
    pub struct HistoryWindow(ObjectSubclass<imp::HistoryWindow>)
        @extends adw::Window, gtk::Window, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget, gtk::Native, gtk::Root, gtk::ShortcutManager;
}

impl HistoryWindow {
    /// `settle` is called before anything is taken out of the history: what could still come back to the list
    /// cannot any more. `again` is called with what is to be downloaded once more.
    pub fn new(session: &Session, settle: impl Fn() + 'static, again: impl Fn(Addresses, Place) + 'static) -> Self {
        let window: Self = glib::Object::new();
        let imp = window.imp();
        let is_first = imp.session.set(session.clone()).is_ok()
            && imp.settle.set(Box::new(settle)).is_ok()
            && imp.again.set(Box::new(again)).is_ok();
        debug_assert!(is_first, "a window has one session all its life");
        let description = if session.keeps_history() {
            gettext("What was completed can be found here when it is taken off the list.")
        } else {
            gettext("No history is kept. The preferences can change that.")
        };
        imp.empty.set_description(Some(&description));
        window.read();
        window
    }

    fn read(&self) {
        let (window, session) = (self.clone(), self.imp().session.get().cloned());
        glib::spawn_future_local(async move {
            let Some(session) = session else { return };
            let imp = window.imp();
            match session.history().await {
                Ok(all) => {
                    imp.list.fill(all).await;
                    window.choose_page();
                    // What is not in sight would take every key to nowhere; words that are being typed have it.
                    if imp.list.total() > 0 && !imp.search_bar.is_search_mode() {
                        imp.list_view.grab_focus();
                    }
                }
                Err(sentence) => {
                    imp.failure.set_description(Some(&glib::markup_escape_text(&sentence)));
                    imp.pages.set_visible_child_name("failed");
                }
            }
        });
    }

    fn choose_page(&self) {
        let imp = self.imp();
        let (total, shown) = (imp.list.total(), imp.list.n_items());
        let page = match (total, shown) {
            (0, _) => "empty",
            (_, 0) => "none",
            _ => "list",
        };
        imp.pages.set_visible_child_name(page);
        imp.search_bar.set_visible(total > 0);
        if let Some(clear) = imp.clear.get() {
            clear.set_enabled(total > 0);
        }
        if total == 0 {
            // A button that cannot be used any more would keep it, and every key with it.
            GtkWindowExt::set_focus(self, None::<&gtk::Widget>);
        }
    }

    fn install_search(&self) {
        let imp = self.imp();
        imp.search_bar.connect_entry(&*imp.search_entry);
        imp.search_entry.connect_search_changed(glib::clone!(
            #[weak(rename_to = window)]
            self,
            move |entry| {
                let text = entry.text();
                glib::spawn_future_local(async move {
                    window.imp().list.search(&text).await;
                    window.choose_page();
                });
            }
        ));
    }

    fn install_rows(&self) {
        let imp = self.imp();
        let selection = gtk::SingleSelection::new(Some(imp.list.clone()));
        let factory = gtk::SignalListItemFactory::new();
        factory.connect_setup(glib::clone!(
            #[weak(rename_to = window)]
            self,
            #[weak]
            selection,
            move |_, item| {
                let item = list_item(item);
                let meant = glib::clone!(
                    #[weak]
                    item,
                    #[weak]
                    selection,
                    move || selection.set_selected(item.position())
                );
                let row = HistoryRow::new(item, window.imp().row_menu.upcast_ref(), meant);
                item.set_child(Some(&row));
            }
        ));
        factory.connect_bind(|_, item| {
            let item = list_item(item);
            let row = item.child().and_downcast::<HistoryRow>();
            if let (Some(row), Some(past)) = (row, past_of(item.item())) {
                row.show(&past);
            }
        });
        imp.list_view.set_factory(Some(&factory));
        imp.list_view.set_model(Some(&selection));
        imp.list_view.connect_activate(glib::clone!(
            #[weak(rename_to = window)]
            self,
            move |_, position| {
                if let Some(past) = past_of(window.imp().list.item(position)) {
                    window.open(past);
                }
            }
        ));
        let is_first = imp.selection.set(selection).is_ok();
        debug_assert!(is_first, "a window is made once");
    }

    /// Those of a row are for the selected one.
    fn install_actions(&self) {
        let group = gio::SimpleActionGroup::new();
        let for_selected = |name: &str, act: fn(&Self, Past)| {
            gio::ActionEntry::builder(name)
                .activate(glib::clone!(
                    #[weak(rename_to = window)]
                    self,
                    move |_: &gio::SimpleActionGroup, _, _| {
                        let selected = window.imp().selection.get().and_then(gtk::SingleSelection::selected_item);
                        if let Some(past) = past_of(selected) {
                            act(&window, past);
                        }
                    }
                ))
                .build()
        };
        let plain = |name: &str, act: fn(&Self)| {
            gio::ActionEntry::builder(name)
                .activate(glib::clone!(
                    #[weak(rename_to = window)]
                    self,
                    move |_: &gio::SimpleActionGroup, _, _| act(&window)
                ))
                .build()
        };
        group.add_action_entries([
            for_selected("open", Self::open),
            for_selected("show-in-folder", Self::show_in_folder),
            for_selected("again", Self::download_again),
            for_selected("copy-address", Self::copy_address),
            for_selected("remove", Self::remove),
            plain("menu", Self::show_menu),
            plain("clear", Self::ask_to_clear),
        ]);
        self.insert_action_group("past", Some(&group));
        if let Some(clear) = group.lookup_action("clear").and_downcast::<gio::SimpleAction>() {
            clear.set_enabled(false);
            let is_first = self.imp().clear.set(clear).is_ok();
            debug_assert!(is_first, "a window is made once");
        }
    }

    fn show_menu(&self) {
        let row = GtkWindowExt::focus(self).and_then(|focus| focus.first_child()).and_downcast::<HistoryRow>();
        if let Some(row) = row {
            row.show_menu();
        }
    }

    fn open(&self, past: Past) {
        self.try_to(async move |context| files::open(past.place(), Some(&context)).await);
    }

    fn show_in_folder(&self, past: Past) {
        self.try_to(async move |context| files::show_in_folder(past.place(), Some(&context)).await);
    }

    fn try_to(&self, act: impl AsyncFnOnce(gio::AppLaunchContext) -> Result<(), String> + 'static) {
        let window = self.clone();
        glib::spawn_future_local(async move {
            let context = WidgetExt::display(&window).app_launch_context();
            if let Err(sentence) = act(context.upcast()).await {
                messages::tell(&window.imp().toasts, &sentence);
            }
        });
    }

    fn copy_address(&self, past: Past) {
        self.clipboard().set_text(&past.url);
        messages::tell(&self.imp().toasts, &gettext("Copied to the clipboard"));
    }

    /// The list is where it can be seen from then on.
    fn download_again(&self, past: Past) {
        if let (Some((addresses, place)), Some(again)) = (history::again(&past), self.imp().again.get()) {
            self.close();
            again(addresses, place);
        }
    }

    fn remove(&self, past: Past) {
        let window = self.clone();
        glib::spawn_future_local(async move {
            let imp = window.imp();
            let (Some(session), Some(settle)) = (imp.session.get(), imp.settle.get()) else { return };
            settle();
            if let Err(sentence) = session.forget_past(past.id).await {
                return messages::tell(&imp.toasts, &sentence);
            }
            // Where it is now: others may have gone meanwhile.
            let is_it = |position: &u32| past_of(imp.list.item(*position)).is_some_and(|other| other.id == past.id);
            let selected = imp.selection.get().map(|selection| selection.selected()).filter(is_it);
            if let Some(position) = selected.or_else(|| (0..imp.list.n_items()).find(is_it)) {
                imp.list.remove(position);
            }
            window.choose_page();
        });
    }

    fn ask_to_clear(&self) {
        let body = gettext("What was completed can no longer be found here. The files stay where they are.");
        let clear = glib::clone!(
            #[weak(rename_to = window)]
            self,
            move || window.clear()
        );
        messages::ask_to_clear(self, &gettext("Clear the History?"), &body, clear);
    }

    fn clear(&self) {
        let window = self.clone();
        glib::spawn_future_local(async move {
            let imp = window.imp();
            let (Some(session), Some(settle)) = (imp.session.get(), imp.settle.get()) else { return };
            settle();
            match session.clear_history().await {
                Ok(()) => window.read(),
                Err(sentence) => messages::tell(&imp.toasts, &sentence),
            }
        });
    }
}

fn list_item(item: &glib::Object) -> &gtk::ListItem {
    item.downcast_ref().expect("a list view has list items")
}

fn past_of(item: Option<glib::Object>) -> Option<Past> {
    let item = item.and_downcast::<glib::BoxedAnyObject>()?;
    let past = item.try_borrow::<Past>().ok()?;
    Some(past.clone())
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! The list of downloads: rows, selection, keys and the context menu. What is asked for is handed to
//! one listener; nothing is done here.

mod holding;
mod menu;
/// What simple clicks select.
mod selecting;
mod selection;

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::{gio, glib, graphene};

use super::actions::{DownloadAction, Several};
use super::children::children;
use super::download_row::DownloadRow;
use crate::model::{DownloadId, DownloadList, DownloadObject};

use selection::Selection;

/// How many rows are made in one frame, and from how many on GTK makes no more.
const AT_A_TIME: u32 = 12;
const MADE: u32 = 208;

mod imp {
    use std::cell::{Cell, OnceCell};

    use super::*;

    type Asked = Box<dyn Fn(DownloadAction, Vec<DownloadObject>)>;

    #[allow(missing_debug_implementations)] // its listener has none
    #[derive(Default, glib::Properties, gtk::CompositeTemplate)]
    #[properties(wrapper_type = super::DownloadsView)]
    #[template(file = "downloads_view.ui")]
    pub struct DownloadsView {
        /// Whether simple clicks select one row more.
        #[property(get, set = |imp: &Self, begins| imp.obj().select_several(begins), explicit_notify)]
        pub selecting: Cell<bool>,
        /// What can be done with all that are selected.
        #[template_child]
        pub bar: TemplateChild<gtk::ActionBar>,
        #[template_child]
        pub chosen: TemplateChild<gtk::Label>,
        #[template_child]
        pub chosen_count: TemplateChild<gtk::Label>,
        #[template_child]
        pub more: TemplateChild<gtk::MenuButton>,
        #[template_child]
        pub cancel: TemplateChild<gtk::Button>,
        #[template_child]
        pub remove: TemplateChild<gtk::Button>,
        /// The bar is brought up to date before the next frame.
        pub will_refresh_bar: Cell<bool>,
        pub actions: OnceCell<gio::SimpleActionGroup>,
        #[template_child]
        pub list_view: TemplateChild<gtk::ListView>,
        pub list: OnceCell<DownloadList>,
        pub selection: OnceCell<Selection>,
        pub menu: OnceCell<gtk::PopoverMenu>,
        /// The list's own widget around the row that the menu was opened on.
        pub menu_item: glib::WeakRef<gtk::Widget>,
        pub asked: OnceCell<Asked>,
        /// The rows of the start are made.
        pub is_all_shown: Cell<bool>,
        /// The pointer is over the list.
        pub is_pointed_at: Cell<bool>,
        pub is_scrolling: Cell<bool>,
        /// How often it was scrolled.
        pub scrolls: Cell<u32>,
        /// Where it stays though rows overtake each other.
        pub kept: Cell<Option<f64>>,
        /// Shown and selected as soon as it is in the list.
        pub awaited: Cell<Option<DownloadId>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for DownloadsView {
        const NAME: &'static str = "FreshetDownloadsView";
        type Type = super::DownloadsView;
        type ParentType = adw::Bin;

        fn class_init(klass: &mut Self::Class) {
            klass.bind_template();
            klass.install_action("downloads.select-all", None, |view, _, _| {
                view.imp().selection.get().map(SelectionModelExt::select_all);
            });
            klass.install_action("downloads.done", None, |view, _, _| view.set_selecting(false));
        }

        fn instance_init(view: &glib::subclass::InitializingObject<Self>) {
            view.init_template();
        }
    }

    #[glib::derived_properties]
    impl ObjectImpl for DownloadsView {
        fn constructed(&self) {
            self.parent_constructed();
            let view = self.obj();
            view.install_rows();
            view.install_actions();
            view.install_menu();
            view.install_holding();
            view.install_selecting();
        }

        fn dispose(&self) {
            if let Some(menu) = self.menu.get() {
                menu.unparent();
            }
            self.dispose_template();
        }
    }

    impl WidgetImpl for DownloadsView {
        fn grab_focus(&self) -> bool {
            let has_it = self.list_view.grab_focus();
            // A list of which no row ever had the focus keeps it for itself.
            let first = children(&*self.list_view).next().filter(|_| self.list_view.is_focus());
            first.map_or(has_it, |item| item.grab_focus())
        }
    }

    impl BinImpl for DownloadsView {}
}

glib::wrapper! {
    pub struct DownloadsView(ObjectSubclass<imp::DownloadsView>)
        @extends adw::Bin, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget;
}

impl DownloadsView {
    /// Shows a list; `asked` is called with what is to be done with which downloads.
    pub fn set_list(&self, list: &DownloadList, asked: impl Fn(DownloadAction, Vec<DownloadObject>) + 'static) {
        let imp = self.imp();
        if list.n_items() > AT_A_TIME {
            list.show_most(Some(0));
            imp.list_view.add_tick_callback(glib::clone!(
                #[weak(rename_to = view)]
                self,
                #[upgrade_or]
                glib::ControlFlow::Break,
                move |_, _| view.show_more()
            ));
        } else {
            imp.is_all_shown.set(true);
        }
        let selection = Selection::new(list);
        imp.list_view.set_model(Some(&selection));
        list.connect_items_changed(glib::clone!(
            #[weak(rename_to = view)]
            self,
            move |_, _, removed, added| {
                if added > 0 {
                    view.keep_place(removed > 0);
                }
                if added > 0 {
                    view.reveal_awaited();
                }
            }
        ));
        let is_first = imp.list.set(list.clone()).is_ok()
            && imp.selection.set(selection).is_ok()
            && imp.asked.set(Box::new(asked)).is_ok();
        debug_assert!(is_first, "a view shows one list all its life");
        self.connect_selection_changed(Self::refresh_bar_soon);
        list.connect_touched(glib::clone!(
            #[weak(rename_to = view)]
            self,
            move || view.refresh_bar_soon()
        ));
    }

    /// At the start rows are made a few in each frame: GTK 4.8 makes two hundred for every longer list,
    /// in sight or not, which together take most of a second.
    fn show_more(&self) -> glib::ControlFlow {
        let imp = self.imp();
        let Some(list) = imp.list.get() else { return glib::ControlFlow::Continue };
        let most = list.n_items() + AT_A_TIME;
        if most < MADE.min(list.count()) {
            list.show_most(Some(most));
            return glib::ControlFlow::Continue;
        }
        list.show_most(None);
        imp.is_all_shown.set(true);
        self.reveal_awaited();
        glib::ControlFlow::Break
    }

    /// The selected downloads, in the order of the list.
    pub fn selected(&self) -> Vec<DownloadObject> {
        let Some(list) = self.imp().list.get() else { return Vec::new() };
        self.selected_ids().into_iter().filter_map(|id| list.get(id)).collect()
    }

    fn selected_ids(&self) -> Vec<DownloadId> {
        self.imp().selection.get().map(Selection::ids).unwrap_or_default()
    }

    /// The same without making objects of those of which there are none.
    fn several(&self) -> Several {
        let Some(list) = self.imp().list.get() else { return Several::default() };
        let ids = self.selected_ids();
        let looked_at: Vec<_> = ids.iter().filter_map(|id| list.looked_at(*id)).collect();
        Several { complete: ids.len() - looked_at.len(), looked_at }
    }

    /// The selected ones that an action may fit.
    fn selected_for(&self, action: DownloadAction) -> Vec<DownloadObject> {
        if action.is_for_complete() { self.selected() } else { self.several().looked_at }
    }

    /// What a key is for: the selected downloads, or, where none is, that of the row with the focus. When
    /// a row is removed the next one gets the focus without being selected.
    fn meant_by_key(&self, action: DownloadAction) -> Vec<DownloadObject> {
        if self.selected_count() > 0 || self.selecting() {
            return self.selected_for(action);
        }
        let row = self.root().and_then(|root| root.focus()).and_then(|focus| row_around(&focus));
        row.and_then(|row| row.download()).into_iter().collect()
    }

    pub fn selected_count(&self) -> usize {
        self.imp().selection.get().map_or(0, Selection::count)
    }

    /// The selected download, if there is exactly one.
    pub fn only_selected(&self) -> Option<DownloadObject> {
        let imp = self.imp();
        imp.list.get()?.get(imp.selection.get()?.only()?)
    }

    /// Calls back now, and whenever other downloads may be selected.
    pub fn connect_selection_changed(&self, changed: impl Fn(&Self) + Clone + 'static) {
        let Some(selection) = self.imp().selection.get() else { return };
        let tell = glib::clone!(
            #[weak(rename_to = view)]
            self,
            move || changed(&view)
        );
        tell();
        // A selected row that is removed is no change of the selection for GTK.
        selection.connect_items_changed({
            let tell = tell.clone();
            move |_, _, _, _| tell()
        });
        selection.connect_selection_changed(move |_, _, _| tell());
    }

    pub(super) fn list_view(&self) -> &gtk::ListView {
        &self.imp().list_view
    }

    /// Whether rows can be moved, as what is seen is the order of the queue.
    pub(super) fn is_in_queue_order(&self) -> bool {
        self.imp().list.get().is_some_and(DownloadList::is_in_queue_order)
    }

    /// The download that is seen at a point of a widget around this one, or of this one.
    pub fn download_at(&self, around: &impl IsA<gtk::Widget>, point: (f64, f64)) -> Option<DownloadObject> {
        self.row_at(around, point)?.download()
    }

    /// The same with its row.
    pub(super) fn row_at(&self, around: &impl IsA<gtk::Widget>, (x, y): (f64, f64)) -> Option<DownloadRow> {
        let list_view = self.imp().list_view.get();
        if !list_view.is_mapped() {
            return None;
        }
        let place = around.compute_point(&list_view, &graphene::Point::new(x as f32, y as f32))?;
        let picked = list_view.pick(f64::from(place.x()), f64::from(place.y()), gtk::PickFlags::DEFAULT)?;
        row_around(&picked)
    }

    /// That of the last row that is there.
    pub(super) fn last_row(&self) -> Option<DownloadRow> {
        self.imp().list_view.last_child().and_then(|item| row_around(&item))
    }

    /// Scrolls to a download and selects it, now or as soon as it is in the list. Where a row has the focus it goes there,
    /// too, or keys would be for another row than is read.
    pub fn reveal(&self, id: DownloadId) {
        self.imp().awaited.set(Some(id));
        self.reveal_awaited();
    }

    fn reveal_awaited(&self) {
        let imp = self.imp();
        let awaited = imp.awaited.get().filter(|_| imp.is_all_shown.get());
        let position = awaited.and_then(|id| imp.list.get()?.position(id));
        if let (Some(position), Some(selection)) = (position, imp.selection.get()) {
            imp.awaited.set(None);
            selection.select_item(position, true);
            self.scroll_to(position, awaited);
        }
    }

    pub(super) fn scroll_to(&self, position: u32, focused: Option<DownloadId>) {
        // The row of a change that is just being told cannot be scrolled to yet.
        glib::idle_add_local_once(glib::clone!(
            #[weak(rename_to = view)]
            self,
            move || {
                view.imp().kept.set(None);
                let list_view = view.list_view();
                if list_view.activate_action("list.scroll-to-item", Some(&position.to_variant())).is_err() {
                    tracing::debug!("The list does not scroll");
                }
                if let Some(id) = focused {
                    view.move_focus_to(id);
                }
            }
        ));
    }

    fn move_focus_to(&self, id: DownloadId) {
        let list_view = self.list_view();
        if list_view.state_flags().contains(gtk::StateFlags::FOCUS_WITHIN) {
            let is_it = |item: &gtk::Widget| {
                row_around(item).and_then(|row| row.download()).is_some_and(|download| download.download_id() == id)
            };
            if let Some(item) = children(list_view).find(is_it) {
                item.grab_focus();
            }
        }
    }

    fn ask(&self, action: DownloadAction, downloads: Vec<DownloadObject>) {
        let fitting: Vec<_> = downloads.into_iter().filter(|download| action.fits(download)).collect();
        if let Some(asked) = self.imp().asked.get().filter(|_| !fitting.is_empty()) {
            asked(action, fitting);
        }
    }

    fn install_rows(&self) {
        let factory = gtk::SignalListItemFactory::new();
        factory.connect_setup(glib::clone!(
            #[weak(rename_to = view)]
            self,
            move |_, item| {
                let row = DownloadRow::new(glib::clone!(
                    #[weak]
                    view,
                    move |action, download| view.ask(action, vec![download])
                ));
                let item = list_item(item);
                item.set_child(Some(&row));
                row.follow(item);
                row.set_selecting(view.selecting());
            }
        ));
        // GTK 4.8 lets go of a row and binds it again whenever its position changes, and two hundred rows change theirs
        // where one comes above them. Who is bound to the same download has nothing to do; who is let go is bound to
        // another one next, or destroyed.
        factory.connect_bind(|_, item| {
            let item = list_item(item);
            let (row, download) = (row_of(item), item.item().and_downcast::<DownloadObject>());
            if row.download() != download {
                row.set_download(download);
            }
        });

        let list_view = &self.imp().list_view;
        list_view.set_factory(Some(&factory));
        list_view.connect_activate(glib::clone!(
            #[weak(rename_to = view)]
            self,
            move |list_view, position| {
                // A second click takes the first one back, and opens nothing.
                let model = list_view.model().filter(|_| !view.selecting());
                let item = model.and_then(|model| model.item(position));
                if let Some(download) = item.and_downcast::<DownloadObject>() {
                    view.ask(DownloadAction::usual(&download), vec![download]);
                }
            }
        ));
    }

    /// Actions on the selected rows, and their keys.
    fn install_actions(&self) {
        let group = gio::SimpleActionGroup::new();
        let keys = gtk::ShortcutController::new();
        // Before the list, which would take Space for selecting.
        keys.set_propagation_phase(gtk::PropagationPhase::Capture);
        for action in DownloadAction::ALL {
            let entry = gio::SimpleAction::new(action.name(), None);
            entry.connect_activate(glib::clone!(
                #[weak(rename_to = view)]
                self,
                move |_, _| view.ask(action, view.selected_for(action))
            ));
            group.add_action(&entry);
            for key in action.keys() {
                keys.add_shortcut(self.key(key, move |view| view.ask(action, view.meant_by_key(action))));
            }
        }
        for key in ["Menu", "<Shift>F10"] {
            keys.add_shortcut(self.key(key, Self::show_menu_at_focus));
        }
        self.insert_action_group("selection", Some(&group));
        // It has none yet.
        let _ = self.imp().actions.set(group);
        self.imp().list_view.add_controller(keys);
    }

    /// A key on the list. It is left to a button of a row while that has the focus, and Space is left to the list where
    /// several rows are selected.
    fn key(&self, key: &str, pressed: impl Fn(&Self) + 'static) -> gtk::Shortcut {
        let selects = key == "space";
        let action = gtk::CallbackAction::new(glib::clone!(
            #[weak(rename_to = view)]
            self,
            #[upgrade_or]
            glib::Propagation::Proceed,
            move |_, _| {
                let focus = view.root().and_then(|root| root.focus());
                if selects && view.selecting() || focus.is_some_and(|focus| focus.is::<gtk::Button>()) {
                    return glib::Propagation::Proceed;
                }
                pressed(&view);
                glib::Propagation::Stop
            }
        ));
        gtk::Shortcut::new(gtk::ShortcutTrigger::parse_string(key), Some(action))
    }
}

fn list_item(item: &glib::Object) -> &gtk::ListItem {
    item.downcast_ref().expect("a list view has list items")
}

fn row_of(item: &gtk::ListItem) -> DownloadRow {
    item.child().and_downcast().expect("every list item is set up with a row")
}

/// The row that a widget is part of, or that it is the list's own frame of.
fn row_around(widget: &gtk::Widget) -> Option<DownloadRow> {
    let row = widget.ancestor(DownloadRow::static_type()).or_else(|| widget.first_child());
    row.and_downcast()
}

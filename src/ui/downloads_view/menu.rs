// SPDX-License-Identifier: GPL-3.0-or-later
//! The context menu of the list: by the mouse, by a finger, by keys.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::{gdk, gio, glib, graphene};

use super::{DownloadsView, row_around};
use crate::i18n::gettext;
use crate::ui::actions::{DownloadAction, Part};
use crate::ui::download_row::DownloadRow;
use crate::ui::unnamed;

impl DownloadsView {
    pub(super) fn install_menu(&self) {
        let imp = self.imp();
        let menu = gtk::PopoverMenu::from_model(None::<&gio::MenuModel>);
        menu.set_has_arrow(false);
        menu.set_halign(gtk::Align::Start);
        menu.set_parent(self);
        // A finger is let go over the menu, of which the toolkit does not tell the row: it would look pressed from then on.
        menu.connect_closed(glib::clone!(
            #[weak(rename_to = view)]
            self,
            move |_| {
                if let Some(item) = view.imp().menu_item.upgrade() {
                    item.unset_state_flags(gtk::StateFlags::ACTIVE);
                }
            }
        ));
        // A new view has no menu yet.
        let _ = imp.menu.set(menu);

        let click = gtk::GestureClick::builder().button(gdk::BUTTON_SECONDARY).build();
        // Not as soon as it is pressed: the toolkit would miss the end of the click on the row, and complain of one on the
        // menu.
        click.connect_released(glib::clone!(
            #[weak(rename_to = view)]
            self,
            move |_, _, x, y| view.show_menu_at(x, y)
        ));
        imp.list_view.add_controller(click);

        let press = gtk::GestureLongPress::builder().touch_only(true).build();
        press.connect_pressed(glib::clone!(
            #[weak(rename_to = view)]
            self,
            move |_, x, y| view.show_menu_at(x, y)
        ));
        imp.list_view.add_controller(press);
    }

    /// At a point of the list view.
    fn show_menu_at(&self, x: f64, y: f64) {
        let list_view = &self.imp().list_view;
        let picked = list_view.pick(x, y, gtk::PickFlags::DEFAULT);
        if let Some(row) = picked.and_then(|widget| row_around(&widget)) {
            let place = list_view.compute_point(self, &graphene::Point::new(x as f32, y as f32));
            self.show_menu(&row, place);
        }
    }

    pub(super) fn show_menu_at_focus(&self) {
        let focus = self.root().and_then(|root| root.focus());
        if let Some(row) = focus.and_then(|focus| row_around(&focus)) {
            let below_the_name = graphene::Point::new(44.0, row.height() as f32 / 2.0);
            let place = row.compute_point(self, &below_the_name);
            self.show_menu(&row, place);
        }
    }

    /// The menu speaks of the selected rows; a row outside of them becomes the selected one.
    fn show_menu(&self, row: &DownloadRow, place: Option<graphene::Point>) {
        let imp = self.imp();
        let (Some(menu), Some(selection), Some(list)) = (imp.menu.get(), imp.selection.get(), imp.list.get()) else {
            return;
        };
        let position = row.download().and_then(|download| list.position(download.download_id()));
        let (Some(position), Some(place)) = (position, place) else { return };
        if !selection.is_selected(position) {
            // Alone, or besides those that are being selected.
            selection.select_item(position, !self.selecting());
        }
        let model = self.menu_model();
        // Keys go on from the row that the menu was about.
        let item = row.parent();
        if let Some(item) = &item {
            item.grab_focus();
        }
        imp.menu_item.set(item.as_ref());
        menu.set_menu_model(Some(&model));
        unnamed::name_parts(menu);
        let about = self.only_selected().map_or_else(|| gettext("Downloads"), |download| download.name());
        unnamed::call(menu, &about);
        menu.set_pointing_to(Some(&gdk::Rectangle::new(place.x() as i32, place.y() as i32, 1, 1)));
        menu.popup();
    }

    /// What can be done with the selected rows.
    pub(super) fn menu_model(&self) -> gio::Menu {
        let downloads = self.several();
        let [model, queue, removal] = [(); 3].map(|()| gio::Menu::new());
        for action in DownloadAction::ALL {
            let part = match action.part() {
                Part::Main => &model,
                Part::Queue => &queue,
                Part::Removal => &removal,
            };
            if let Some(label) = action.label(&downloads) {
                part.append(Some(&label), Some(action.selection_name()));
            }
        }
        model.append(Some(&gettext("Details")), Some("win.details-visible"));
        if queue.n_items() > 0 {
            // Translators: a menu whose items move downloads in the queue.
            model.append_submenu(Some(&gettext("_Queue")), &queue);
        }
        model.append_section(None, &removal);
        model
    }
}

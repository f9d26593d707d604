// SPDX-License-Identifier: GPL-3.0-or-later
//! Rows stay where they are while somebody points at them or scrolls, and the list where it is scrolled to.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use super::DownloadsView;

/// After this long nobody scrolls any more.
const SCROLL_REST: Duration = Duration::from_millis(500);

impl DownloadsView {
    /// Sees to it that a list that is sorted anew all the time does not take the rows away from under the
    /// pointer, or from who scrolls.
    pub(super) fn install_holding(&self) {
        let motion = gtk::EventControllerMotion::new();
        motion.connect_contains_pointer_notify(glib::clone!(
            #[weak(rename_to = view)]
            self,
            move |motion| {
                view.imp().is_pointed_at.set(motion.contains_pointer());
                view.hold();
            }
        ));
        self.imp().list_view.add_controller(motion);
        let Some(place) = self.imp().list_view.vadjustment() else { return };
        place.connect_value_changed(glib::clone!(
            #[weak(rename_to = view)]
            self,
            move |_| view.on_scrolled()
        ));
    }

    /// The rows are other ones at the same places, or more. GTK goes after the one that was the first in sight,
    /// wherever that is now: good where rows come above it, but a list sorted by speed would run up and down by
    /// itself, and be left where it was not begun. Who goes from row to row by keys is to see where the one with
    /// the focus has gone.
    pub(super) fn keep_place(&self, is_sorted_anew: bool) {
        let imp = self.imp();
        let (Some(place), Some(clock)) = (imp.list_view.vadjustment(), imp.list_view.frame_clock()) else { return };
        let is_at_top = place.value() <= place.lower();
        if !(is_sorted_anew || is_at_top) || self.shows_focus() || imp.kept.get().is_some() {
            return;
        }
        imp.kept.set(Some(place.value()));
        // GTK moves it as it gives the rows their places; what is moved again is laid out before it is drawn.
        let laid_out = clock.connect_layout(glib::clone!(
            #[weak(rename_to = view)]
            self,
            move |_| {
                if let Some(value) = view.imp().kept.get() {
                    place.set_value(value);
                }
            }
        ));
        let handlers = Rc::new(RefCell::new(vec![laid_out]));
        let (view, all) = (self.downgrade(), handlers.clone());
        handlers.borrow_mut().push(clock.connect_paint(move |clock| {
            all.take().into_iter().for_each(|handler| clock.disconnect(handler));
            if let Some(view) = view.upgrade() {
                view.imp().kept.set(None);
            }
        }));
    }

    /// Whether one of the rows has the focus, and that is seen.
    fn shows_focus(&self) -> bool {
        let window = self.root().and_downcast::<gtk::Window>().filter(gtk::Window::gets_focus_visible);
        let focus = window.and_then(|window| gtk::prelude::RootExt::focus(&window));
        focus.is_some_and(|focus| focus.is_ancestor(&self.imp().list_view.get()))
    }

    fn on_scrolled(&self) {
        let imp = self.imp();
        if imp.kept.get().is_some() {
            return;
        }
        imp.scrolls.set(imp.scrolls.get().wrapping_add(1));
        if imp.is_scrolling.replace(true) {
            return;
        }
        self.hold();
        let view = self.downgrade();
        glib::spawn_future_local(async move {
            let scrolls = || Some(view.upgrade()?.imp().scrolls.get());
            let mut seen = scrolls();
            loop {
                glib::timeout_future(SCROLL_REST).await;
                let now = scrolls();
                if std::mem::replace(&mut seen, now) == now {
                    break;
                }
            }
            if let Some(view) = view.upgrade() {
                view.imp().is_scrolling.set(false);
                view.hold();
            }
        });
    }

    fn hold(&self) {
        let imp = self.imp();
        if let Some(list) = imp.list.get() {
            list.set_held(imp.is_pointed_at.get() || imp.is_scrolling.get());
        }
    }
}

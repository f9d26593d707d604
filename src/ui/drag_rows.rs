// SPDX-License-Identifier: GPL-3.0-or-later
//! Rows that are dragged within the list, while it is in the order of the queue: a line shows where they would come to
//! stand, and near its upper and lower edge the list scrolls.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gtk::prelude::*;
use gtk::{gdk, glib, graphene};

use super::downloads_view::DownloadsView;
use crate::model::{DownloadObject, Spot};

/// So near to the edge the list scrolls, and so fast, in pixels and pixels a second.
const EDGE: f64 = 36.0;
const SPEED: f64 = 400.0;

const BEFORE: &str = "drop-before";
const AFTER: &str = "drop-after";

/// What is dragged, for this program alone.
#[derive(Clone, Debug, glib::Boxed)]
#[boxed_type(name = "FreshetDraggedRows")]
pub struct DraggedRows(pub Vec<DownloadObject>);

/// Where the pointer is, and what shows where the rows would come to stand.
#[derive(Debug, Default)]
struct Hover {
    at: Cell<Option<(f64, f64)>>,
    marked: RefCell<Option<(gtk::Widget, &'static str)>>,
    scrolls: Cell<bool>,
}

/// Takes rows that are dropped on the list; `moved` is told which, and where to.
pub fn accept(view: &DownloadsView, moved: impl Fn(&[DownloadObject], Spot) + 'static) {
    let target = gtk::DropTarget::new(DraggedRows::static_type(), gdk::DragAction::MOVE);
    let hover = Rc::new(Hover::default());
    let follow = glib::clone!(
        #[weak]
        view,
        #[strong]
        hover,
        #[upgrade_or]
        gdk::DragAction::empty(),
        move |_: &gtk::DropTarget, x, y| {
            hover.at.set(Some((x, y)));
            hover.mark(&view);
            hover.scroll(&view);
            if view.is_in_queue_order() { gdk::DragAction::MOVE } else { gdk::DragAction::empty() }
        }
    );
    target.connect_enter(follow.clone());
    target.connect_motion(follow);
    target.connect_leave(glib::clone!(
        #[strong]
        hover,
        move |_| hover.end()
    ));
    target.connect_drop(glib::clone!(
        #[weak]
        view,
        #[upgrade_or]
        false,
        move |_, value, x, y| {
            hover.end();
            let Ok(DraggedRows(rows)) = value.get::<DraggedRows>() else { return false };
            let Some((_, _, spot)) = place(&view, (x, y)) else { return false };
            moved(&rows, spot);
            true
        }
    ));
    view.list_view().add_controller(target);
}

/// At a point of the list: the widget of the row that is there or the last one, on which side of it a line is to
/// be, and what that means.
fn place(view: &DownloadsView, at: (f64, f64)) -> Option<(gtk::Widget, &'static str, Spot)> {
    let list_view = view.list_view();
    let row = view.row_at(list_view, at);
    let is_below_all = row.is_none();
    let row = row.or_else(|| view.last_row())?;
    let id = row.download()?.download_id();
    let item = row.parent()?;
    let point = list_view.compute_point(&item, &graphene::Point::new(at.0 as f32, at.1 as f32))?;
    if !is_below_all && point.y() < item.height() as f32 / 2.0 {
        Some((item, BEFORE, Spot::Before(id)))
    } else {
        Some((item, AFTER, Spot::After(id)))
    }
}

impl Hover {
    fn mark(&self, view: &DownloadsView) {
        let place = self.at.get().filter(|_| view.is_in_queue_order()).and_then(|at| place(view, at));
        let new = place.map(|(item, class, _)| (item, class));
        let old = self.marked.replace(new.clone());
        if old != new {
            if let Some((item, class)) = old {
                item.remove_css_class(class);
            }
            if let Some((item, class)) = new {
                item.add_css_class(class);
            }
        }
    }

    fn end(&self) {
        self.at.set(None);
        if let Some((item, class)) = self.marked.take() {
            item.remove_css_class(class);
        }
    }

    /// As long as the pointer is near an edge.
    fn scroll(self: &Rc<Self>, view: &DownloadsView) {
        if self.speed(view) == 0.0 || self.scrolls.replace(true) {
            return;
        }
        let hover = self.clone();
        let last = Cell::new(None);
        let view = view.downgrade();
        let Some(widget) = view.upgrade() else { return };
        widget.add_tick_callback(move |_, clock| {
            let Some(view) = view.upgrade() else { return glib::ControlFlow::Break };
            let speed = hover.speed(&view);
            let place = view.list_view().vadjustment().filter(|_| speed != 0.0);
            let Some(place) = place else {
                hover.scrolls.set(false);
                return glib::ControlFlow::Break;
            };
            let now = clock.frame_time();
            let seconds = last.replace(Some(now)).map_or(0.0, |last| (now - last) as f64 / 1e6);
            place.set_value(place.value() + speed * seconds);
            hover.mark(&view);
            glib::ControlFlow::Continue
        });
    }

    /// Downwards, in pixels a second.
    fn speed(&self, view: &DownloadsView) -> f64 {
        let height = f64::from(view.list_view().height());
        match self.at.get() {
            Some((_, y)) if y < EDGE => -SPEED * (1.0 - y / EDGE),
            Some((_, y)) if y > height - EDGE => SPEED * (1.0 - (height - y) / EDGE),
            _ => 0.0,
        }
    }
}

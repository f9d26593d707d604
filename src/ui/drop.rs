// SPDX-License-Identifier: GPL-3.0-or-later
//! Links dropped anywhere on the window, from any program. File managers give file lists, browsers
//! the text of a link or a piece of a page, mail programs whole paragraphs.

use std::rc::Rc;

use gtk::prelude::*;
use gtk::{gdk, gio, glib};

use super::page;
use crate::model::Addresses;

/// What was dropped.
#[derive(Debug)]
pub enum Dropped {
    Text(String),
    /// Links of a piece of a page.
    Page(Addresses),
    Files(Vec<gio::File>),
}

/// A place in the area that takes drops, in its coordinates.
pub type Point = (f64, f64);

/// Accepts drops on `area`, as long as what is returned is one of its controllers. `hovers` is told where something hovers
/// over it, and when nothing does any more.
pub fn accept(
    area: &impl IsA<gtk::Widget>,
    hovers: impl Fn(Option<Point>) + Clone + 'static,
    dropped: impl Fn(Dropped, Point) + 'static,
) -> gtk::DropTargetAsync {
    install(area, gtk::PropagationPhase::Bubble, hovers, dropped)
}

/// The same in place of what is in `area`: a text view knows no lists, and puts a text where it stands.
pub fn accept_everywhere(
    area: &impl IsA<gtk::Widget>,
    hovers: impl Fn(Option<Point>) + Clone + 'static,
    dropped: impl Fn(Dropped, Point) + 'static,
) {
    install(area, gtk::PropagationPhase::Capture, hovers, dropped);
}

fn install(
    area: &impl IsA<gtk::Widget>,
    phase: gtk::PropagationPhase,
    hovers: impl Fn(Option<Point>) + Clone + 'static,
    dropped: impl Fn(Dropped, Point) + 'static,
) -> gtk::DropTargetAsync {
    let target = gtk::DropTargetAsync::new(Some(formats()), gdk::DragAction::COPY);
    target.set_propagation_phase(phase);
    // A row of our own that is dragged to another program is no link.
    target.connect_accept(|target, drop| {
        drop.drag().is_none() && target.formats().is_some_and(|formats| formats.match_(&drop.formats()))
    });
    let moves = hovers.clone();
    let follow = move |_: &gtk::DropTargetAsync, _: &gdk::Drop, x, y| {
        moves(Some((x, y)));
        gdk::DragAction::COPY
    };
    target.connect_drag_enter(follow.clone());
    target.connect_drag_motion(follow);
    let leaves = hovers.clone();
    target.connect_drag_leave(move |_, _| leaves(None));
    let dropped = Rc::new(dropped);
    target.connect_drop(move |_, drop, x, y| {
        hovers(None);
        let (drop, dropped) = (drop.clone(), dropped.clone());
        glib::spawn_future_local(async move {
            match read(&drop).await {
                Ok(content) => {
                    drop.finish(gdk::DragAction::COPY);
                    dropped(content, (x, y));
                }
                Err(error) => {
                    tracing::warn!(%error, "What was dropped cannot be read");
                    drop.finish(gdk::DragAction::empty());
                }
            }
        });
        true
    });
    area.add_controller(target.clone());
    target
}

fn formats() -> gdk::ContentFormats {
    let types = [gdk::FileList::static_type(), gio::File::static_type(), String::static_type()];
    let formats = types.into_iter().fold(gdk::ContentFormats::builder(), |formats, kind| formats.add_type(kind));
    formats.add_mime_type(page::TYPE).build()
}

/// A list says more exactly what was meant than a text, and what a text was copied from more than the text.
async fn read(drop: &gdk::Drop) -> Result<Dropped, glib::Error> {
    let formats = drop.formats();
    let value = |kind| drop.read_value_future(kind, glib::Priority::DEFAULT);
    if formats.contains_type(gdk::FileList::static_type()) {
        let list = value(gdk::FileList::static_type()).await?.get::<gdk::FileList>();
        return Ok(Dropped::Files(list.map(|list| list.files()).unwrap_or_default()));
    }
    if formats.contains_type(gio::File::static_type()) {
        return Ok(Dropped::Files(value(gio::File::static_type()).await?.get::<gio::File>().into_iter().collect()));
    }
    let text = match formats.contains_type(String::static_type()) {
        true => value(String::static_type()).await?.get::<String>().unwrap_or_default(),
        false => String::new(),
    };
    if !formats.contain_mime_type(page::TYPE) {
        return Ok(Dropped::Text(text));
    }
    let links = match drop.read_future(&[page::TYPE], glib::Priority::DEFAULT).await {
        Ok((stream, _)) => page::links(&stream, &text).await,
        Err(error) => {
            tracing::info!(%error, "Of the piece of a page that was dropped only the text can be read");
            None
        }
    };
    Ok(links.map_or(Dropped::Text(text), Dropped::Page))
}

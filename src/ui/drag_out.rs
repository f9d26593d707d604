// SPDX-License-Identifier: GPL-3.0-or-later
//! Finished files can be dragged out of the list into other programs. GTK offers them as file addresses
//! and, for programs in sandboxes, through the portal that hands files over. Rows of others can be dragged within the
//! list, see `drag_rows.rs`.

use gtk::prelude::*;
use gtk::{gdk, gio};

use super::downloads_view::DownloadsView;
use super::drag_rows::DraggedRows;
use crate::i18n::gettext_f;
use crate::model::DownloadObject;

/// Lets rows be dragged, all that are selected together. `refused` is told why when one cannot be.
pub fn offer(view: &DownloadsView, refused: impl Fn(&str) + Clone + 'static) {
    let told = refused.clone();
    let source = gtk::DragSource::builder().actions(gdk::DragAction::COPY).build();
    source.connect_prepare(move |source, x, y| {
        let view = source.widget().and_downcast::<DownloadsView>()?;
        let row = view.row_at(&view, (x, y))?;
        let held = row.download()?;
        let moves = held.can_move() && view.is_in_queue_order();
        if !held.can_open() && !moves {
            // Or it would be told again with each further step of the pointer.
            source.set_state(gtk::EventSequenceState::Denied);
            refused(&reason(&held));
            return None;
        }
        let selected = view.selected();
        let dragged = if selected.contains(&held) { selected } else { vec![held] };
        let picture = gtk::WidgetPaintable::new(Some(&row)).current_image();
        source.set_icon(Some(&picture), 0, 0);
        if moves {
            source.set_actions(gdk::DragAction::MOVE);
            let rows = dragged.into_iter().filter(DownloadObject::can_move).collect();
            return Some(gdk::ContentProvider::for_value(&DraggedRows(rows).to_value()));
        }
        source.set_actions(gdk::DragAction::COPY);
        let finished = dragged.iter().filter(|download| download.can_open());
        let files: Vec<_> = finished.filter_map(DownloadObject::path).map(gio::File::for_path).collect();
        Some(gdk::ContentProvider::for_value(&gdk::FileList::from_array(&files).to_value()))
    });
    source.connect_drag_cancel(move |_, drag, cause| {
        // Nobody takes a row but the list. Wayland tells of no cause, and GDK calls that an error.
        let rows = drag.content().value(DraggedRows::static_type()).ok().and_then(|value| value.get().ok());
        if let (gdk::DragCancelReason::NoTarget | gdk::DragCancelReason::Error, Some(DraggedRows(rows))) = (cause, rows)
            && let Some(first) = rows.first()
        {
            told(&reason(first));
        }
        false
    });
    view.add_controller(source);
}

/// Why nothing of it can be dragged to another program.
fn reason(download: &DownloadObject) -> String {
    // Translators: {file} is the name of a file that somebody drags to another program.
    gettext_f("“{file}” can be dragged when it is complete", &[("file", &download.name())])
}

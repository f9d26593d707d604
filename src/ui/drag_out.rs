// SPDX-License-Identifier: GPL-3.0-or-later
//! Finished files can be dragged out of the list into other programs. GTK offers them as file addresses
//! and, for programs in sandboxes, through the portal that hands files over.

use gtk::prelude::*;
use gtk::{gdk, gio};

use super::downloads_view::DownloadsView;
use crate::i18n::gettext_f;
use crate::model::DownloadObject;

/// Lets rows be dragged, all that are selected together. `refused` is told why when one can not be.
pub fn offer(view: &DownloadsView, refused: impl Fn(&str) + 'static) {
    let source = gtk::DragSource::builder().actions(gdk::DragAction::COPY).build();
    source.connect_prepare(move |source, x, y| {
        let view = source.widget().and_downcast::<DownloadsView>()?;
        let row = view.row_at(&view, (x, y))?;
        let held = row.download()?;
        if !held.can_open() {
            if let Some(reason) = reason(&held) {
                // Or it would be told again with each further step of the pointer.
                source.set_state(gtk::EventSequenceState::Denied);
                refused(&reason);
            }
            return None;
        }
        let selected = view.selected();
        let dragged = if selected.contains(&held) { selected } else { vec![held] };
        let finished = dragged.iter().filter(|download| download.can_open());
        let files: Vec<_> = finished.filter_map(DownloadObject::path).map(gio::File::for_path).collect();
        let picture = gtk::WidgetPaintable::new(Some(&row)).current_image();
        source.set_icon(Some(&picture), 0, 0);
        Some(gdk::ContentProvider::for_value(&gdk::FileList::from_array(&files).to_value()))
    });
    view.add_controller(source);
}

/// Why nothing of it can be dragged; none for a row of the queue, which may be moved within the list.
fn reason(download: &DownloadObject) -> Option<String> {
    // Translators: {file} is the name of a file that somebody drags to another program.
    let sentence = gettext_f("“{file}” can be dragged when it is completed", &[("file", &download.name())]);
    Some(sentence).filter(|_| download.state_name() != "queued")
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Reads the text on the clipboard for who asks for it unbidden: whatever else was copied is left where it is.

use gtk::prelude::*;
use gtk::{gdk, glib};

/// No list of addresses that somebody copies is longer.
const LONGEST: usize = 64 * 1024;

const TYPES: [&str; 3] = ["text/uri-list", "text/plain;charset=utf-8", "text/plain"];

/// The text, if it is not longer than [`LONGEST`]. An error is most often that the clipboard is empty, or holds a picture.
pub async fn read(clipboard: &gdk::Clipboard) -> Result<Option<String>, glib::Error> {
    read_bounded(clipboard).await.inspect_err(|error| tracing::debug!(%error, "Nothing is read from the clipboard"))
}

async fn read_bounded(clipboard: &gdk::Clipboard) -> Result<Option<String>, glib::Error> {
    let (stream, _) = clipboard.read_future(&TYPES, glib::Priority::DEFAULT).await?;
    let mut content = Vec::new();
    while content.len() <= LONGEST {
        let piece = stream.read_bytes_future(LONGEST, glib::Priority::DEFAULT).await?;
        if piece.is_empty() {
            return Ok(String::from_utf8(content).ok());
        }
        content.extend_from_slice(&piece);
    }
    Ok(None)
}

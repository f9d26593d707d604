// SPDX-License-Identifier: GPL-3.0-or-later
//! Pieces of pages that other programs hand over, by a drop or on the clipboard.

use gtk::prelude::*;
use gtk::{gdk, gio, glib};

use crate::model::Addresses;

pub const TYPE: &str = "text/html";

/// No piece of a page that somebody takes for its links is longer. What is beyond it is cut off.
const LONGEST: usize = 4 * 1024 * 1024;

/// The links of a piece of a page, if they are more than the addresses in `text`, which is what of it is seen.
pub async fn links(stream: &gio::InputStream, text: &str) -> Option<Addresses> {
    let mut page = Vec::new();
    while page.len() < LONGEST {
        match stream.read_bytes_future(64 * 1024, glib::Priority::DEFAULT).await {
            Ok(piece) if piece.is_empty() => break,
            Ok(piece) => page.extend_from_slice(&piece),
            Err(error) => {
                tracing::info!(%error, "A piece of a page cannot be read to its end");
                break;
            }
        }
    }
    Addresses::in_page(&page, text)
}

/// The same of what is on the clipboard.
pub async fn copied_links(clipboard: &gdk::Clipboard, text: &str) -> Option<Addresses> {
    if !clipboard.formats().contain_mime_type(TYPE) {
        return None;
    }
    match clipboard.read_future(&[TYPE], glib::Priority::DEFAULT).await {
        Ok((stream, _)) => links(&stream, text).await,
        Err(error) => {
            tracing::info!(%error, "The page on the clipboard cannot be read");
            None
        }
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! What the engine asks of the network and what the network tells. `driver.rs` is libcurl on the
//! main loop; `headers.rs` reads what servers say.

pub mod headers;

/// The priority of everything the engine does on the main loop: below GDK's redraw (120, see
/// `GDK_PRIORITY_REDRAW`), so that a frame that is due is drawn first, above idle (200).
pub const PRIORITY: i32 = 130;

/// [`PRIORITY`] as GLib's type, which has no constant constructor.
pub fn priority() -> glib::Priority {
    PRIORITY.into()
}

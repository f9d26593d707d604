// SPDX-License-Identifier: GPL-3.0-or-later
//! Keeps the machine awake by the portal, for where the toolkit has no means: outside of a sandbox GTK 4.8 knows
//! GNOME's session alone, and GTK 4.24 asks nobody.
//! <https://flatpak.github.io/xdg-desktop-portal/docs/doc-org.freedesktop.portal.Inhibit.html>

use std::cell::RefCell;
use std::rc::Rc;

use gio::prelude::*;

use super::background::{OBJECT, PORTAL};

/// What is not to happen: that the machine is suspended.
const SUSPEND: u32 = 4;
/// So long the portal may take for an answer.
const PATIENCE_MS: i32 = 25_000;

#[derive(Debug)]
enum State {
    Asked,
    /// The portal's object for this wish, which is closed to end it.
    Granted(String),
    Ended,
}

/// A wish that the machine stays awake, until it is dropped.
#[derive(Debug)]
pub struct Awake {
    state: Rc<RefCell<State>>,
}

impl Awake {
    /// Asks for it, for a reason that the desktop may show.
    pub fn ask(reason: &str) -> Self {
        let state = Rc::new(RefCell::new(State::Asked));
        let options = glib::VariantDict::new(None);
        options.insert("reason", reason);
        let parent_window = "";
        let arguments =
            glib::Variant::tuple_from_iter([parent_window.to_variant(), SUSPEND.to_variant(), options.end()]);
        let asked = state.clone();
        glib::spawn_future_local(async move {
            let answer = call(OBJECT, "org.freedesktop.portal.Inhibit", "Inhibit", Some(&arguments)).await;
            let handle = answer.map(|answer| answer.child_value(0).str().unwrap_or_default().to_owned());
            match handle {
                Ok(handle) if matches!(*asked.borrow(), State::Ended) => close(handle),
                Ok(handle) => *asked.borrow_mut() = State::Granted(handle),
                Err(error) => tracing::info!(%error, "The desktop has no means to keep the machine awake"),
            }
        });
        Self { state }
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        if let State::Granted(handle) = self.state.replace(State::Ended) {
            close(handle);
        }
    }
}

fn close(handle: String) {
    glib::spawn_future_local(async move {
        if let Err(error) = call(&handle, "org.freedesktop.portal.Request", "Close", None).await {
            tracing::warn!(%error, "The portal goes on keeping the machine awake");
        }
    });
}

async fn call(
    object: &str,
    interface: &str,
    method: &str,
    arguments: Option<&glib::Variant>,
) -> Result<glib::Variant, glib::Error> {
    let bus = gio::bus_get_future(gio::BusType::Session).await?;
    let flags = gio::DBusCallFlags::NONE;
    bus.call_future(Some(PORTAL), object, interface, method, arguments, None, flags, PATIENCE_MS).await
}

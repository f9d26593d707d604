// SPDX-License-Identifier: GPL-3.0-or-later
//! Running without a window in a sandbox: the portal is asked for it, and told what goes on.
//! <https://flatpak.github.io/xdg-desktop-portal/docs/doc-org.freedesktop.portal.Background.html>

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gio::prelude::*;

use crate::i18n::gettext;

pub const PORTAL: &str = "org.freedesktop.portal.Desktop";
pub const OBJECT: &str = "/org/freedesktop/portal/desktop";
const INTERFACE: &str = "org.freedesktop.portal.Background";

/// So long the portal may take to say that it has understood; the user's answer may take longer.
const PATIENCE_MS: i32 = 25_000;

pub use crate::model::sandbox::is_inside as is_sandboxed;

/// What the user, or the desktop, allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    pub background: bool,
    pub autostart: bool,
}

type Answered = Box<dyn FnOnce(Result<Granted, String>)>;

thread_local! {
    /// Each request has a name of its own.
    static NEXT: Cell<u32> = const { Cell::new(1) };
}

/// Asks to go on without a window, and to be started with the desktop's session or no longer.
/// `answered` is called once, later; its error is a sentence for the user.
pub fn request(autostarts: bool, answered: impl FnOnce(Result<Granted, String>) + 'static) {
    let answered: Answered = Box::new(answered);
    glib::spawn_future_local(async move {
        match gio::bus_get_future(gio::BusType::Session).await {
            Ok(bus) => ask(&bus, autostarts, answered).await,
            Err(error) => answered(Err(refused(&error))),
        }
    });
}

async fn ask(bus: &gio::DBusConnection, autostarts: bool, answered: Answered) {
    let token = format!("freshet{}", NEXT.with(|next| next.replace(next.get() + 1)));
    let sender = bus.unique_name().unwrap_or_default().trim_start_matches(':').replace('.', "_");
    let path = format!("{OBJECT}/request/{sender}/{token}");
    let answered = Rc::new(RefCell::new(Some(answered)));
    let subscription: Rc<RefCell<Option<gio::SignalSubscription>>> = Rc::default();
    let (hears, heard) = (answered.clone(), subscription.clone());
    // Before the request: the answer may come at once.
    subscription.replace(Some(bus.subscribe_to_signal(
        Some(PORTAL),
        Some("org.freedesktop.portal.Request"),
        Some("Response"),
        Some(&path),
        None,
        gio::DBusSignalFlags::NONE,
        move |signal| {
            // It is over with this one.
            let _over = heard.take();
            if let Some(answered) = hears.take() {
                answered(Ok(granted(signal.parameters)));
            }
        },
    )));
    let options = glib::VariantDict::new(None);
    options.insert("handle_token", token);
    // Translators: shown by the desktop when it asks whether Freshet may run without its window.
    options.insert("reason", gettext("Downloads go on while the window is closed."));
    options.insert("autostart", autostarts);
    options.insert("commandline", vec!["freshet".to_owned(), format!("--{}", super::autostart::OPTION)]);
    options.insert("dbus-activatable", false);
    let parent_window = "";
    let arguments = glib::Variant::tuple_from_iter([parent_window.to_variant(), options.end()]);
    let asked = bus
        .call_future(
            Some(PORTAL),
            OBJECT,
            INTERFACE,
            "RequestBackground",
            Some(&arguments),
            None,
            gio::DBusCallFlags::NONE,
            PATIENCE_MS,
        )
        .await;
    if let Err(error) = asked {
        let _over = subscription.take();
        if let Some(answered) = answered.take() {
            answered(Err(refused(&error)));
        }
    }
}

/// Reads `(u response, a{sv} results)`; other responses than 0 mean that it was refused.
fn granted(response: &glib::Variant) -> Granted {
    let Some((0_u32, results)) = response.get::<(u32, glib::VariantDict)>() else { return Granted::default() };
    let is = |name| results.lookup::<bool>(name).ok().flatten().unwrap_or_default();
    Granted { background: is("background"), autostart: is("autostart") }
}

fn refused(error: &glib::Error) -> String {
    tracing::warn!(%error, "The portal cannot be asked");
    gettext("The desktop cannot be asked whether Freshet may run without its window.")
}

/// Tells the desktop in a few words what goes on while there is no window. Older portals know no such thing.
pub fn set_status(message: &str) {
    let options = glib::VariantDict::new(None);
    options.insert("message", message);
    let arguments = glib::Variant::tuple_from_iter([options.end()]);
    glib::spawn_future_local(async move {
        let told = async {
            let bus = gio::bus_get_future(gio::BusType::Session).await?;
            bus.call_future(
                Some(PORTAL),
                OBJECT,
                INTERFACE,
                "SetStatus",
                Some(&arguments),
                None,
                gio::DBusCallFlags::NONE,
                PATIENCE_MS,
            )
            .await
        };
        if let Err(error) = told.await {
            tracing::debug!(%error, "The desktop is not told what goes on");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_of_the_portal_is_read() {
        let response = |code: u32, background: bool, autostart: bool| {
            let results = glib::VariantDict::new(None);
            results.insert("background", background);
            results.insert("autostart", autostart);
            glib::Variant::tuple_from_iter([code.to_variant(), results.end()])
        };
        assert_eq!(granted(&response(0, true, false)), Granted { background: true, autostart: false });
        assert_eq!(granted(&response(1, true, true)), Granted::default(), "cancelled");
        assert_eq!(granted(&().to_variant()), Granted::default());
    }
}

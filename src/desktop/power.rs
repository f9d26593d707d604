// SPDX-License-Identifier: GPL-3.0-or-later
//! Suspending the machine and shutting it down, by logind. Its answer says whether that can be done at all;
//! in a sandbox it cannot even be asked, unless the user lets it.
//! <https://www.freedesktop.org/software/systemd/man/latest/org.freedesktop.login1.html>

use std::cell::Cell;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use gio::prelude::*;

use super::background::is_sandboxed;
use crate::i18n::{gettext, gettext_f};

const LOGIND: &str = "org.freedesktop.login1";
const OBJECT: &str = "/org/freedesktop/login1";
const INTERFACE: &str = "org.freedesktop.login1.Manager";

/// So long logind may take to say what it can do, and to do it.
const ANSWER_MS: i32 = 5_000;
const PATIENCE_MS: i32 = 25_000;

/// So long the desktop may take to tell logind that a wish to stay awake has ended.
const HANDED_ON: Duration = Duration::from_secs(5);

thread_local! {
    /// Whether logind has said since the program runs that the machine can be suspended, see [`judge`].
    static COULD_SUSPEND: Cell<bool> = const { Cell::new(false) };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    Suspend,
    Off,
}

impl Power {
    fn method(self) -> &'static str {
        match self {
            Self::Suspend => "Suspend",
            Self::Off => "PowerOff",
        }
    }
}

/// Whether this can be done without anybody being there; the error is a sentence that says why not.
pub async fn can(power: Power) -> Result<(), String> {
    let asked = call(&format!("Can{}", power.method()), None, ANSWER_MS).await;
    match asked.as_ref().map(|answer| answer.child_value(0)) {
        Ok(answer) => {
            let judged = judge(power, answer.str().unwrap_or_default(), COULD_SUSPEND.get());
            if power == Power::Suspend && judged.is_ok() {
                COULD_SUSPEND.set(true);
            }
            judged
        }
        Err(error) => {
            tracing::info!(%error, "logind cannot be asked");
            Err(out_of_reach(is_sandboxed()))
        }
    }
}

/// Does it. The error is a sentence for the user.
pub async fn go(power: Power) -> Result<(), String> {
    // Nobody is there to say a password.
    let is_interactive = false;
    let arguments = (is_interactive,).to_variant();
    let done = call(power.method(), Some(&arguments), PATIENCE_MS).await;
    done.map(|_| ()).map_err(|mut error| {
        gio::DBusError::strip_remote_error(&mut error);
        let reason = [("reason", error.message())];
        match power {
            Power::Suspend => gettext_f("The computer could not be suspended: {reason}", &reason),
            Power::Off => gettext_f("The computer could not be shut down: {reason}", &reason),
        }
    })
}

/// Waits until nothing keeps the machine from being suspended: the desktop hands the end of a wish on to logind, and does not
/// say when it has. Not for ever, as the wish may be another program's.
pub async fn no_longer_awake() {
    if glib::future_with_timeout(HANDED_ON, until_unblocked()).await.is_err() {
        tracing::info!("Something else keeps the machine awake");
    }
}

async fn until_unblocked() {
    let flags = gio::DBusProxyFlags::DO_NOT_AUTO_START;
    let manager = gio::DBusProxy::for_bus_future(gio::BusType::System, flags, None, LOGIND, OBJECT, INTERFACE);
    let Ok(manager) = manager.await else { return };
    let waiting: Arc<Mutex<Option<Waker>>> = Arc::default();
    let woken = waiting.clone();
    manager.connect_g_properties_changed(move |_, _, _| {
        if let Some(waker) = woken.lock().unwrap_or_else(PoisonError::into_inner).take() {
            waker.wake();
        }
    });
    poll_fn(|context| {
        *waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(context.waker().clone());
        let blocked = manager.cached_property("BlockInhibited");
        if blocked.is_some_and(|what| is_sleep_among(what.str().unwrap_or_default())) {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
}

/// In what logind says is blocked, as `shutdown:sleep`.
fn is_sleep_among(blocked: &str) -> bool {
    blocked.split(':').any(|what| what == "sleep")
}

async fn call(method: &str, arguments: Option<&glib::Variant>, patience_ms: i32) -> Result<glib::Variant, glib::Error> {
    let bus = gio::bus_get_future(gio::BusType::System).await?;
    bus.call_future(
        Some(LOGIND),
        OBJECT,
        INTERFACE,
        method,
        arguments,
        None,
        gio::DBusCallFlags::NO_AUTO_START,
        patience_ms,
    )
    .await
}

/// The answers of `CanSuspend` and `CanPowerOff`; newer ones than are known here mean no. That somebody keeps the machine
/// awake at the moment is nothing against it: most of the time that is Freshet itself, by way of the desktop, and it lets go
/// first. Before systemd 257 the answer is then that it takes a password, which it does not where it `could_suspend` before.
fn judge(power: Power, answer: &str, could_suspend: bool) -> Result<(), String> {
    Err(match (answer, power) {
        ("yes" | "inhibited" | "inhibitor-blocked", _) => return Ok(()),
        ("challenge" | "challenge-inhibitor-blocked", Power::Suspend) if could_suspend => return Ok(()),
        ("na", Power::Suspend) => gettext("This computer cannot be suspended."),
        ("na", Power::Off) => gettext("This computer cannot be shut down by a program."),
        ("challenge" | "challenge-inhibitor-blocked", Power::Suspend) => {
            gettext("To suspend this computer takes a password, and nobody may be there to enter it.")
        }
        ("challenge" | "challenge-inhibitor-blocked", Power::Off) => {
            gettext("To shut down this computer takes a password, and nobody may be there to enter it.")
        }
        (_, Power::Suspend) => gettext("You are not allowed to suspend this computer."),
        (_, Power::Off) => gettext("You are not allowed to shut down this computer."),
    })
}

fn out_of_reach(is_sandboxed: bool) -> String {
    if is_sandboxed {
        gettext("The sandbox that Freshet runs in does not let it suspend or shut down the computer.")
    } else {
        gettext("There is no service here that suspends or shuts down the computer (systemd-logind).")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_a_password_or_is_not_allowed_is_not_possible() {
        assert_eq!(judge(Power::Off, "yes", false), Ok(()));
        for power in [Power::Suspend, Power::Off] {
            let judge = |answer| judge(power, answer, power == Power::Off);
            let mut reasons: Vec<_> = ["na", "no", "challenge"].map(|answer| judge(answer).unwrap_err()).into();
            assert_eq!(judge("some day"), judge("no"));
            reasons.sort();
            reasons.dedup();
            assert_eq!(reasons.len(), 3, "{reasons:?}");
        }
        assert_ne!(out_of_reach(true), out_of_reach(false));
    }

    #[test]
    fn a_wish_to_stay_awake_is_nothing_against_it() {
        for answer in ["inhibited", "inhibitor-blocked"] {
            assert_eq!(judge(Power::Suspend, answer, false), Ok(()), "{answer}");
        }
        for answer in ["challenge", "challenge-inhibitor-blocked"] {
            assert_eq!(judge(Power::Suspend, answer, true), Ok(()), "{answer}");
            assert!(judge(Power::Suspend, answer, false).unwrap_err().contains("password"), "{answer}");
        }
        assert!(judge(Power::Suspend, "no", true).is_err(), "an administrator has said so since");
    }

    #[test]
    fn what_keeps_from_shutting_down_keeps_nobody_awake() {
        assert!(is_sleep_among("shutdown:sleep:idle") && is_sleep_among("sleep"));
        assert!(!is_sleep_among("shutdown:idle") && !is_sleep_among("handle-suspend-key") && !is_sleep_among(""));
    }
}

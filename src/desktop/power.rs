// SPDX-License-Identifier: GPL-3.0-or-later
//! Suspending the machine and shutting it down, by logind. Its answer says whether that can be done at all;
//! in a sandbox it cannot even be asked, unless the user lets it.
//! <https://www.freedesktop.org/software/systemd/man/latest/org.freedesktop.login1.html>

use gio::prelude::*;

use super::background::is_sandboxed;
use crate::i18n::{gettext, gettext_f};

const LOGIND: &str = "org.freedesktop.login1";
const OBJECT: &str = "/org/freedesktop/login1";
const INTERFACE: &str = "org.freedesktop.login1.Manager";

/// So long logind may take for an answer.
const PATIENCE_MS: i32 = 25_000;

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
    let asked = call(&format!("Can{}", power.method()), None).await;
    match asked.as_ref().map(|answer| answer.child_value(0)) {
        Ok(answer) => judge(power, answer.str().unwrap_or_default()),
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
    let done = call(power.method(), Some(&arguments)).await;
    done.map(|_| ()).map_err(|mut error| {
        gio::DBusError::strip_remote_error(&mut error);
        let reason = [("reason", error.message())];
        match power {
            Power::Suspend => gettext_f("The computer could not be suspended: {reason}", &reason),
            Power::Off => gettext_f("The computer could not be shut down: {reason}", &reason),
        }
    })
}

async fn call(method: &str, arguments: Option<&glib::Variant>) -> Result<glib::Variant, glib::Error> {
    let bus = gio::bus_get_future(gio::BusType::System).await?;
    bus.call_future(
        Some(LOGIND),
        OBJECT,
        INTERFACE,
        method,
        arguments,
        None,
        gio::DBusCallFlags::NO_AUTO_START,
        PATIENCE_MS,
    )
    .await
}

/// The answers of `CanSuspend` and `CanPowerOff`; newer ones than are known here mean no.
fn judge(power: Power, answer: &str) -> Result<(), String> {
    Err(match (answer, power) {
        ("yes", _) => return Ok(()),
        ("na", Power::Suspend) => gettext("This computer cannot be suspended."),
        ("na", Power::Off) => gettext("This computer cannot be shut down by a program."),
        ("challenge", Power::Suspend) => {
            gettext("To suspend this computer takes a password, and nobody may be there to enter it.")
        }
        ("challenge", Power::Off) => {
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
    fn only_a_plain_yes_is_one() {
        assert_eq!(judge(Power::Off, "yes"), Ok(()));
        for power in [Power::Suspend, Power::Off] {
            let mut reasons: Vec<_> = ["na", "no", "challenge"].map(|answer| judge(power, answer).unwrap_err()).into();
            assert_eq!(judge(power, "inhibited"), judge(power, "no"));
            reasons.sort();
            reasons.dedup();
            assert_eq!(reasons.len(), 3, "{reasons:?}");
        }
        assert_ne!(out_of_reach(true), out_of_reach(false));
    }
}

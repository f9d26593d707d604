// SPDX-License-Identifier: GPL-3.0-or-later
//! The command that the user wants run when all downloads have ended. No shell runs it: who wants one writes
//! `sh -c '…'`. It outlives Freshet.

use std::ffi::OsString;

use crate::i18n::{gettext, gettext_f};
use crate::model::afterwards::Afterwards;
use crate::model::batch::Ended;
use crate::settings::Settings;

/// What is wrong with a command, if anything is.
pub fn problem(text: &str) -> Option<String> {
    if text.trim().is_empty() { None } else { arguments(text).err() }
}

/// What is wrong with there being none, if that is what the preferences want.
pub fn absence(settings: &Settings) -> Option<String> {
    (settings.when_done() == Afterwards::Command.name()).then(none)
}

fn none() -> String {
    gettext("There is no command.")
}

/// GLib's for a text without a word, like a comment: G_SHELL_ERROR_EMPTY_STRING. The binding has no name for it.
fn is_empty(error: &glib::Error) -> bool {
    const EMPTY_STRING: i32 = 1;
    error.domain() == glib::Quark::from_str("g-shell-error-quark") && error.code() == EMPTY_STRING
}

fn arguments(text: &str) -> Result<Vec<OsString>, String> {
    let words = glib::shell_parse_argv(text).map_err(|error| {
        tracing::info!(%error, "A command cannot be read");
        if is_empty(&error) { none() } else { gettext("A quotation mark in the command is not closed.") }
    })?;
    let program = words.first().ok_or_else(none)?;
    if glib::find_program_in_path(program).is_none() {
        let name = program.to_string_lossy();
        return Err(gettext_f("There is no program “{name}”.", &[("name", &name)]));
    }
    Ok(words)
}

/// Starts it, and calls `failed` later with a sentence where it ends with an error.
pub fn run(text: &str, ended: Ended, failed: impl FnOnce(&str) + 'static) -> Result<(), String> {
    let words = arguments(text)?;
    let launcher = gio::SubprocessLauncher::new(gio::SubprocessFlags::NONE);
    launcher.setenv("FRESHET_COMPLETED", ended.completed.to_string(), true);
    launcher.setenv("FRESHET_FAILED", ended.failed.to_string(), true);
    launcher.set_cwd(glib::home_dir());
    let words: Vec<_> = words.iter().map(OsString::as_os_str).collect();
    let process = launcher
        .spawn(&words)
        .map_err(|error| gettext_f("The command cannot be started: {reason}", &[("reason", error.message())]))?;
    glib::spawn_future_local(async move {
        let waited = process.wait_future().await;
        tracing::info!(status = process.status(), "The command has ended");
        if let Err(error) = waited {
            tracing::warn!(%error, "The command cannot be waited for");
        } else if !process.is_successful() {
            let code = if process.has_exited() { process.exit_status() } else { -process.term_sig() };
            failed(&gettext_f("The command ended with the error {code}.", &[("code", &code.to_string())]));
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_can_not_be_run_says_why() {
        assert_eq!(problem(""), None);
        assert_eq!(problem("sh -c 'true; true'"), None);
        assert!(problem("# nothing").unwrap().contains("no command"));
        assert!(problem("sh -c 'true").unwrap().contains("not closed"));
        assert!(problem("no-such-program-here --now").unwrap().contains("no-such-program-here"));
    }

    #[test]
    fn no_command_is_told_where_one_is_to_be_run() {
        let told = run("", Ended::default(), |_| ()).unwrap_err();
        assert!(told.contains("no command"), "{told}");
        let settings = Settings::in_memory().unwrap();
        assert_eq!(absence(&settings), None);
        settings.set_when_done(Afterwards::Command.name());
        assert_eq!(absence(&settings), Some(told));
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Freshet, a download manager for the Linux desktop.
//!
//! ```text
//!  widget -> action -> Command -> Engine -> effects -> net (libcurl) / disk (writer threads) / store (SQLite thread)
//!                                    |
//!  widget <- binding <- GObject <- Session <- Event        never backwards, never sideways between widgets
//! ```
//!
//! Everything but disk and database work happens on the one GLib main loop. `tests/layers.rs`
//! checks the import table:
//!
//! | folder | may use |
//! |---|---|
//! | `engine/` | std, glib, gio, curl, storage crates, `config`; nothing of the folders below |
//! | `cli/` | `engine`, `i18n`, `config`, `log` |
//! | `settings.rs` | `engine` (`Limits`), `config` |
//! | `model/` | `engine` (types, `Command`, `Event`), `settings`, `i18n`, `config` |
//! | `desktop/` | `model`, `i18n`, `config`; no widgets |
//! | `ui/` | `model`, `desktop`, `settings`, `i18n`, `config`; nothing of `engine` |

pub mod cli;
pub mod config;
#[cfg(feature = "gui")]
pub mod desktop;
pub mod engine;
pub mod i18n;
mod log;
pub mod model;
pub mod settings;
#[cfg(feature = "gui")]
pub mod ui;

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the program with its command line, the program's name first.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut args = args.into_iter();
    let name = args.next().unwrap_or_else(|| "freshet".into());
    let mut args = args.peekable();
    if args.peek().is_some_and(|first| first == "get") {
        return cli::get::run(args.skip(1));
    }
    open_window(name, args)
}

/// The window, with the addresses to begin with.
#[cfg(feature = "gui")]
fn open_window(name: OsString, args: impl Iterator<Item = OsString>) -> ExitCode {
    log::start("freshet=warn");
    i18n::init();
    ui::application::run(std::iter::once(name).chain(args))
}

#[cfg(not(feature = "gui"))]
fn open_window(_name: OsString, _args: impl Iterator<Item = OsString>) -> ExitCode {
    use std::io::Write;
    // Nothing can be done about a standard error that is closed.
    let _ = writeln!(std::io::stderr(), "freshet: this build has no window. Use: freshet get URL...");
    ExitCode::FAILURE
}

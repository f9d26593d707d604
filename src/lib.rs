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
//! | `cli/` | `engine`, `i18n`, `config` |
//! | `model/` | `engine` (types, `Command`, `Event`), `i18n`, `config` |
//! | `desktop/` | `model`, `i18n`, `config`; no widgets |
//! | `ui/` | `model`, `desktop`, `i18n`, `config`; nothing of `engine` |

pub mod cli;
pub mod config;
pub mod engine;
pub mod i18n;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

/// Runs the program with its command line, the program's name first.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut args = args.into_iter().skip(1).peekable();
    if args.peek().is_some_and(|first| first == "get") {
        return cli::get::run(args.skip(1));
    }
    open_window(args)
}

/// The window, with the addresses to begin with.
fn open_window(_args: impl Iterator<Item = OsString>) -> ExitCode {
    let message = "freshet: this build has no window. Use: freshet get URL...";
    let _ = writeln!(std::io::stderr(), "{message}");
    ExitCode::FAILURE
}

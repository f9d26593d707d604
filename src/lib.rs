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
//! | `desktop/` | `model`, `settings`, `i18n`, `config`; no widgets |
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
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The program with the window, see [`run`].
const WINDOW_PROGRAM: &str = "freshet-window";

/// Runs the program with its command line, the program's name first.
///
/// `freshet get` starts in half the time and half the memory without GTK, so the window is a program
/// of its own, which this one becomes.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut args = args.into_iter();
    let name = args.next().unwrap_or_else(|| "freshet".into());
    let args: Vec<_> = args.collect();
    if args.first().is_some_and(|first| first == "get") {
        return cli::get::run(args.into_iter().skip(1));
    }
    if let Some(answered) = cli::usage::run(&args) {
        return answered;
    }
    let program = window_program();
    // Comes back only if there is no such program.
    let error = Command::new(&program).arg0(name).args(args).exec();
    // Nothing can be done about a standard error that is closed.
    let _ = writeln!(
        std::io::stderr(),
        "freshet: {} cannot be started ({error}): this installation has no window. Use: freshet get URL...",
        program.display()
    );
    ExitCode::FAILURE
}

/// Beside this program as cargo builds it, else where it is installed.
fn window_program() -> PathBuf {
    let beside = std::env::current_exe().ok().map(|program| program.with_file_name(WINDOW_PROGRAM));
    beside.filter(|program| program.is_file()).unwrap_or_else(|| Path::new(config::LIBEXEC_DIR).join(WINDOW_PROGRAM))
}

/// Opens the window, with the command line of [`run`].
#[cfg(feature = "gui")]
pub fn run_window(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    log::start("freshet=warn");
    i18n::init();
    ui::application::run(args)
}

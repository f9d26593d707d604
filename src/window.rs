// SPDX-License-Identifier: GPL-3.0-or-later
//! The program with the window: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    freshet::run_window(std::env::args_os())
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! The binary: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    freshet::run(std::env::args_os())
}

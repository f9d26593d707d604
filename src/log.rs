// SPDX-License-Identifier: GPL-3.0-or-later
//! The log on standard error. What it says is for developers; users are told by `model/` and `cli/`.

use std::io;

use tracing_subscriber::EnvFilter;

/// Starts the log. `RUST_LOG` says what is in it, else `filter` does (`freshet=warn`).
pub fn start(filter: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(filter));
    // Fails only where a log has been started already: then that one stays.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).try_init();
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! `freshet get`: downloads here and now, with neither a display nor a session bus. Uses the engine
//! and nothing else of the program; its messages are plain English.
//!
//! ```text
//!  arguments -> Options -> DownloadSpecs -> Engine
//!                                             |
//!  exit status <- Tracker <------- Events <---+
//!                    |
//!                    +-> News -> Reporter (bars, lines or JSON)
//! ```
//!
//! | question | file |
//! |---|---|
//! | what options are there? | `options.rs` |
//! | what is downloaded, and where to? | `jobs.rs` |
//! | which folders are of no use in a Flatpak? | `sandbox.rs` |
//! | what happens from start to exit status? | `get.rs` |
//! | what is worth telling? | `news.rs` |
//! | what does the user see? | `bars.rs`, `lines.rs`, `json.rs` |
//! | what words for a failure? | `words.rs` |
//! | which exit status? | `status.rs` |
//! | what does `freshet --help` say? | `usage.rs` |

mod bars;
pub mod get;
mod jobs;
mod json;
mod lines;
mod news;
pub mod options;
mod sandbox;
mod status;
mod units;
pub mod usage;
mod words;

// For the manual, see tests/manual.rs.
pub use json::{ERROR_FIELDS, EVENTS, FIELDS};
pub use words::NAMES as FAILURES;

// SPDX-License-Identifier: GPL-3.0-or-later
//! What the window shows, as GObjects and words. Knows the engine and no toolkit.

// A download may fail, the program may not.
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

pub mod addresses;
pub mod afterwards;
pub mod amounts;
pub mod batch;
pub mod categories;
pub mod chronicle;
pub mod clock;
pub mod connections;
mod content_type;
pub mod describe;
pub mod details;
pub mod download_list;
pub mod download_object;
mod downloads;
mod failures;
pub mod filter;
pub mod history;
mod list_folders;
mod listener;
pub mod login;
pub mod lost_folders;
pub mod moving;
pub mod order;
pub mod permission;
mod positions;
pub mod preview;
pub mod refusals;
mod rows;
pub mod rule_groups;
pub mod schedule;
pub mod search;
pub mod session;
pub mod speed_trace;
pub mod statistics;
pub mod terms;
pub mod totals;
pub mod why;

pub use crate::engine::command::{Command, Spot};
pub use crate::engine::disk::sandbox;
pub use crate::engine::download::state::Hold;
pub use crate::engine::kind;
pub use crate::engine::net::proxied::ProxyFinder;
pub use crate::engine::net::version::curl_info;
pub use crate::engine::types::DownloadId;
pub use addresses::Addresses;
pub use download_list::DownloadList;
pub use download_object::DownloadObject;
pub use session::Session;
pub use totals::Totals;

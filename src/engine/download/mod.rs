// SPDX-License-Identifier: GPL-3.0-or-later
//! The life of one download: what was asked for (`spec`), what proves parts of it (`pieces`), the
//! state machine (`state`), and when to try again (`retry`). Pure: no libcurl, no clock, no file.

pub mod pieces;
pub mod retry;
pub mod spec;
pub mod state;

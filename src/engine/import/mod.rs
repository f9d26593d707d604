// SPDX-License-Identifier: GPL-3.0-or-later
//! From text to addresses: what people type, drop, paste and keep in lists. Pure.

pub mod address;
pub mod list;

// SPDX-License-Identifier: GPL-3.0-or-later
//! Which bytes of a file are done, lent to a transfer, or missing (`map`), over sets of ranges
//! (`ranges`).

pub mod map;
pub mod ranges;

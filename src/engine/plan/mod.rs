// SPDX-License-Identifier: GPL-3.0-or-later
//! Which bytes of a file are done, lent to a transfer, or missing (`map`), over sets of ranges
//! (`ranges`); what one more transfer would fetch (`split`), and how many transfers help (`ramp`).

pub mod map;
pub mod ramp;
pub mod ranges;
pub mod split;

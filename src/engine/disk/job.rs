// SPDX-License-Identifier: GPL-3.0-or-later
//! What the writer of a device is asked to do.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::{Block, Carry, Finish, Journal, Look, Open};
use crate::engine::download::spec::Checksum;
use crate::engine::types::{ByteRange, PartId};

/// Shorter blocks are those of small files, which the next one waits for.
pub const LONG: u64 = 128 * 1024;

/// A job for the writer.
#[derive(Debug)]
pub enum Job {
    Look {
        part: PartId,
        look: Look,
    },
    Open {
        part: PartId,
        open: Open,
        /// Set when the part is closed, so that a checksum need not be computed to its end.
        is_ended: Arc<AtomicBool>,
    },
    Write {
        part: PartId,
        offset: u64,
        block: Block,
    },
    Save {
        part: PartId,
        journal: Journal,
        /// How many of the bytes that were written had been told of when it was made.
        told: u64,
    },
    Check {
        part: PartId,
        range: ByteRange,
        wanted: Checksum,
        is_ended: Arc<AtomicBool>,
    },
    Read {
        part: PartId,
        range: ByteRange,
        is_ended: Arc<AtomicBool>,
    },
    Finish {
        part: PartId,
        finish: Finish,
        is_ended: Arc<AtomicBool>,
    },
    Close {
        part: PartId,
    },
    Carry {
        part: PartId,
        carry: Carry,
        is_ended: Arc<AtomicBool>,
    },
    Delete {
        part_path: PathBuf,
    },
    /// Do what was given before, then end.
    Stop,
}

impl Job {
    /// Whether something waits for it.
    pub fn is_urgent(&self) -> bool {
        !matches!(self, Self::Write { block, .. } if !block.is_awaited())
    }

    /// Whether it is the opening of a small file, which is done with the first bytes of that.
    pub fn is_prelude(&self) -> bool {
        matches!(self, Self::Open { open, .. } if open.may_be_nameless())
    }

    /// Whether it may take long.
    pub fn is_long(&self) -> bool {
        matches!(self, Self::Write { block, .. } if block.bytes().len() as u64 >= LONG)
    }

    /// Whether it has to be done in its turn among those of this part.
    pub fn is_about(&self, wanted: PartId) -> bool {
        match self {
            Self::Look { part, .. }
            | Self::Open { part, .. }
            | Self::Write { part, .. }
            | Self::Save { part, .. }
            | Self::Check { part, .. }
            | Self::Read { part, .. }
            | Self::Finish { part, .. }
            | Self::Carry { part, .. }
            | Self::Close { part } => *part == wanted,
            Self::Delete { .. } | Self::Stop => false,
        }
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! The bytes of every version of every file, known without keeping them: each is a stretch of one
//! table that goes round and round, begun at another place.

use std::sync::LazyLock;

use super::random::Random;

/// The most bytes that are looked at together.
pub const LARGEST_PIECE: usize = 64 * 1024;
/// What is wrong of the bytes that a liar gives is wrong in blocks of this length.
const LIE: u64 = 8 * 1024;
/// Their wrong bytes are those of files with such numbers, which nobody serves.
const LIARS: u32 = 500_000;
/// A prime, so that no two versions that are shifted by blocks or pages look the same.
const ROUND: usize = 1_048_573;

/// Goes on with its own beginning, so that a piece never has to be put together.
static TABLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut random = Random::new(7);
    let mut table: Vec<u8> = (0..ROUND).map(|_| random.number() as u8).collect();
    table.extend_from_within(..LARGEST_PIECE);
    table
});

/// One version of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub file: u32,
    pub number: u32,
}

impl Version {
    /// What lies at an offset; `length` is at most [`LARGEST_PIECE`].
    pub fn bytes(self, offset: u64, length: usize) -> &'static [u8] {
        let begin = Random::new(u64::from(self.file) << 32 | u64::from(self.number)).number();
        let at = ((begin % ROUND as u64 + offset) % ROUND as u64) as usize;
        &TABLE[at..at + length]
    }

    /// What a server that lies gives in its place from an offset on: at most `length` bytes, up to the end
    /// of a block.
    pub fn lie(self, offset: u64, length: usize) -> &'static [u8] {
        let block = offset / LIE;
        let length = length.min(((block + 1) * LIE - offset) as usize);
        let is_wrong = Random::new(block).number().is_multiple_of(3);
        let version = if is_wrong { Version { file: self.file + LIARS, ..self } } else { self };
        version.bytes(offset, length)
    }

    /// Whether these are the bytes from an offset on.
    pub fn has(self, offset: u64, bytes: &[u8]) -> bool {
        let mut at = offset;
        bytes.chunks(LARGEST_PIECE).all(|piece| {
            let is_same = self.bytes(at, piece.len()) == piece;
            at += piece.len() as u64;
            is_same
        })
    }

    /// All of it.
    pub fn whole(self, length: u64) -> Vec<u8> {
        let mut all = Vec::with_capacity(length as usize);
        while (all.len() as u64) < length {
            let piece = LARGEST_PIECE.min(length as usize - all.len());
            all.extend_from_slice(self.bytes(all.len() as u64, piece));
        }
        all
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Checksums of the pieces of a file, as a metalink tells them: what proves, before the whole is
//! there, which bytes are right. Pure.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::spec::{Algorithm, Checksum};
use crate::engine::types::ByteRange;

/// A file cut into pieces of one length, the last as long as what is left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pieces {
    pub algorithm: Algorithm,
    /// Bytes in each piece but the last.
    pub length: u64,
    /// One a piece, in order: lower case, `algorithm.digits()` long.
    pub hashes: Vec<String>,
}

impl Pieces {
    /// Whether these are pieces of a file of `total` bytes. The error says why not.
    pub fn check(&self, total: u64) -> Result<(), String> {
        self.check_hashes()?;
        let wanted = total.div_ceil(self.length);
        let found = self.hashes.len();
        if u64::try_from(found) != Ok(wanted) {
            return Err(format!("{total} bytes make {wanted} pieces of {}, not {found}", self.length));
        }
        Ok(())
    }

    /// Whether these are pieces at all, whatever the file's length. The error says why not.
    pub fn check_hashes(&self) -> Result<(), String> {
        if self.length == 0 {
            return Err("a piece has at least one byte".to_owned());
        }
        let is_hash = |hash: &String| {
            hash.len() == self.algorithm.digits() && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        match self.hashes.iter().position(|hash| !is_hash(hash)) {
            Some(index) => Err(format!("the hash of piece {index} is not one of {}", self.algorithm.name())),
            None => Ok(()),
        }
    }

    /// Where a piece lies in a file of `total` bytes; `None` where there is no such piece.
    pub fn range(&self, index: usize, total: u64) -> Option<ByteRange> {
        self.hashes.get(index)?;
        let start = u64::try_from(index).ok()?.checked_mul(self.length)?;
        let end = start.saturating_add(self.length).min(total);
        (start < end).then(|| ByteRange::new(start, end))
    }

    /// What the bytes of a piece have to amount to.
    pub fn checksum(&self, index: usize) -> Option<Checksum> {
        self.hashes.get(index).map(|hex| Checksum { algorithm: self.algorithm, hex: hex.clone() })
    }

    /// The pieces of a file of `total` bytes that lie wholly inside of a range.
    pub fn of(&self, range: ByteRange, total: u64) -> Range<usize> {
        if self.length == 0 || range.is_empty() {
            return 0..0;
        }
        let first = range.start.div_ceil(self.length);
        // The last piece may end before its length does.
        let behind = if range.end >= total { total.div_ceil(self.length) } else { range.end / self.length };
        let index = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).min(self.hashes.len());
        index(first)..index(behind.max(first))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pieces(length: u64, count: usize) -> Pieces {
        Pieces { algorithm: Algorithm::Md5, length, hashes: vec!["0".repeat(32); count] }
    }

    #[test]
    fn the_last_piece_is_as_long_as_what_is_left() {
        let three = pieces(10, 3);
        assert_eq!(three.check(25), Ok(()));
        assert_eq!(three.range(0, 25), Some(ByteRange::new(0, 10)));
        assert_eq!(three.range(2, 25), Some(ByteRange::new(20, 25)));
        assert_eq!(three.range(3, 25), None);
        assert_eq!(three.of(ByteRange::new(0, 25), 25), 0..3);
        assert_eq!(three.of(ByteRange::new(0, 24), 25), 0..2);
        assert_eq!(three.of(ByteRange::new(1, 25), 25), 1..3);
        assert_eq!(three.of(ByteRange::new(11, 19), 25).len(), 0);
        assert_eq!(three.checksum(2).unwrap().to_string(), format!("md5:{}", "0".repeat(32)));
    }

    #[test]
    fn what_can_not_be_pieces_of_the_file_is_refused() {
        assert_eq!(pieces(10, 0).check(0), Ok(()));
        assert!(pieces(0, 1).check(1).is_err());
        for total in [20, 31] {
            assert!(pieces(10, 3).check(total).unwrap_err().contains("pieces of 10, not 3"), "{total}");
        }
        for hash in ["0".repeat(31), "G".repeat(32), "A".repeat(32)] {
            let odd = Pieces { hashes: vec!["0".repeat(32), hash], ..pieces(10, 0) };
            assert!(odd.check(20).unwrap_err().contains("piece 1"), "{odd:?}");
        }
    }

    proptest! {
        #[test]
        fn pieces_lie_side_by_side_and_a_range_holds_those_inside(
            total in 0_u64..5_000, length in 1_u64..400, start in 0_u64..5_200, len in 0_u64..5_200,
        ) {
            let pieces = pieces(length, usize::try_from(total.div_ceil(length)).unwrap());
            prop_assert_eq!(pieces.check(total), Ok(()));
            let (mut end, mut inside) = (0, Vec::new());
            let asked = ByteRange::new(start, start + len);
            for index in 0..pieces.hashes.len() {
                let range = pieces.range(index, total).unwrap();
                prop_assert_eq!(range.start, end);
                end = range.end;
                if asked.start <= range.start && range.end <= asked.end {
                    inside.push(index);
                }
            }
            prop_assert_eq!(end, total);
            prop_assert_eq!(pieces.of(asked, total).collect::<Vec<_>>(), inside);
        }

        #[test]
        fn nothing_panics(total: u64, length: u64, count in 0_usize..4, a: u64, b: u64) {
            let pieces = pieces(length, count);
            let found = pieces.of(ByteRange::new(a.min(b), a.max(b)), total);
            prop_assert!(found.start <= found.end && found.end <= count);
            for index in 0..=count {
                let range = pieces.range(index, total);
                prop_assert!(range.is_none_or(|range| !range.is_empty() && range.end <= total));
            }
            let _ = pieces.check(total);
        }
    }
}

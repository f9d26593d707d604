// SPDX-License-Identifier: GPL-3.0-or-later
//! A set of bytes as ranges. Pure.

use crate::engine::types::ByteRange;

/// Invariant: sorted, not empty, neither overlapping nor touching.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RangeSet {
    ranges: Vec<ByteRange>,
}

impl RangeSet {
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = ByteRange> + '_ {
        self.ranges.iter().copied()
    }

    pub fn to_vec(&self) -> Vec<ByteRange> {
        self.ranges.clone()
    }

    /// How many bytes.
    pub fn bytes(&self) -> u64 {
        self.ranges.iter().map(ByteRange::len).sum()
    }

    /// The offset behind the last byte; 0 for the empty set.
    pub fn end(&self) -> u64 {
        self.ranges.last().map_or(0, |range| range.end)
    }

    /// Adds bytes; some or all may be in the set already.
    pub fn insert(&mut self, added: ByteRange) {
        if added.is_empty() {
            return;
        }
        let first = self.ranges.partition_point(|range| range.end < added.start);
        let behind = self.ranges.partition_point(|range| range.start <= added.end);
        let start = self.ranges.get(first).map_or(added.start, |range| range.start.min(added.start));
        let last = behind.checked_sub(1).and_then(|index| self.ranges.get(index));
        let end = last.map_or(added.end, |range| range.end.max(added.end));
        if first < behind {
            self.ranges.splice(first..behind, [ByteRange::new(start, end)]);
        } else {
            self.ranges.insert(first, added);
        }
    }

    /// The stretches below `limit` that are not in the set, in order.
    pub fn gaps(&self, limit: u64) -> impl Iterator<Item = ByteRange> + '_ {
        let starts = std::iter::once(0).chain(self.ranges.iter().map(|range| range.end));
        let ends = self.ranges.iter().map(|range| range.start).chain(std::iter::once(limit));
        starts
            .zip(ends)
            .map(move |(start, end)| (start, end.min(limit)))
            .filter(|(start, end)| start < end)
            .map(|(start, end)| ByteRange::new(start, end))
    }

    /// The stretches of `range` that are not in the set, in order.
    pub fn gaps_within(&self, range: ByteRange) -> impl Iterator<Item = ByteRange> + '_ {
        self.gaps(range.end)
            .map(move |gap| ByteRange { start: gap.start.max(range.start), end: gap.end })
            .filter(|gap| !gap.is_empty())
    }

    /// The whole run of bytes that this offset lies in; an empty one if it is not in the set.
    pub fn run_at(&self, offset: u64) -> ByteRange {
        let run = self.ranges.iter().find(|range| range.start <= offset && offset < range.end);
        run.copied().unwrap_or(ByteRange { start: offset, end: offset })
    }

    /// Whether any of `range` is in the set.
    pub fn overlaps(&self, range: ByteRange) -> bool {
        self.ranges.iter().any(|own| own.overlaps(&range))
    }

    /// Whether all of `range` is in the set.
    pub fn contains(&self, range: ByteRange) -> bool {
        self.gaps_within(range).next().is_none()
    }

    /// Takes bytes out; some or all may not be in the set.
    pub fn remove(&mut self, gone: ByteRange) {
        if gone.is_empty() {
            return;
        }
        let keep = |range: &ByteRange| {
            let before = ByteRange { start: range.start, end: range.end.min(gone.start) };
            let behind = ByteRange { start: range.start.max(gone.end), end: range.end };
            [before, behind]
        };
        let first = self.ranges.partition_point(|range| range.end <= gone.start);
        let behind = self.ranges.partition_point(|range| range.start < gone.end);
        let kept: Vec<_> = self.ranges.get(first..behind).unwrap_or_default().iter().flat_map(keep).collect();
        self.ranges.splice(first..behind, kept.into_iter().filter(|range| !range.is_empty()));
    }

    /// Whether the invariant holds; for tests and debug builds.
    pub fn check(&self) -> bool {
        self.ranges.iter().all(|range| !range.is_empty())
            && self.ranges.windows(2).all(|pair| matches!(pair, [left, right] if left.end < right.start))
    }
}

impl FromIterator<ByteRange> for RangeSet {
    fn from_iter<I: IntoIterator<Item = ByteRange>>(ranges: I) -> Self {
        let mut set = Self::default();
        for range in ranges {
            set.insert(range);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn range() -> impl Strategy<Value = ByteRange> {
        (0_u64..200, 0_u64..40).prop_map(|(start, length)| ByteRange::new(start, start + length))
    }

    proptest! {
        #[test]
        fn a_set_is_what_a_row_of_flags_would_be(
            ranges in proptest::collection::vec((range(), proptest::bool::weighted(0.7)), 0..30),
            limit in 0_u64..260,
        ) {
            let mut flags = vec![false; 260];
            let mut set = RangeSet::default();
            for (range, is_added) in ranges {
                if is_added { set.insert(range) } else { set.remove(range) }
                prop_assert!(set.check());
                let meant = &mut flags[range.start as usize..range.end as usize];
                meant.fill(is_added);
                prop_assert_eq!(set.contains(range), is_added || range.is_empty());
            }
            prop_assert_eq!(set.bytes(), flags.iter().filter(|flag| **flag).count() as u64);
            let mut seen = vec![true; limit as usize];
            for gap in set.gaps(limit) {
                prop_assert!(!gap.is_empty());
                for flag in &mut seen[gap.start as usize..gap.end as usize] {
                    *flag = false;
                }
            }
            prop_assert_eq!(&seen[..], &flags[..limit as usize]);
        }
    }
}

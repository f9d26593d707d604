// SPDX-License-Identifier: GPL-3.0-or-later
//! The map of a download's bytes: done, lent to a transfer, or missing. Pure.

use std::collections::BTreeMap;

use super::ranges::RangeSet;
use crate::engine::types::{ByteRange, TransferId};

/// A stretch that a transfer has been lent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loan {
    pub start: u64,
    /// `None` while the length of the file is not known: to its end.
    pub end: Option<u64>,
}

/// Invariants: loans do not overlap one another; no byte is done or lent beyond the total.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Map {
    total: Option<u64>,
    done: RangeSet,
    loans: BTreeMap<TransferId, Loan>,
}

impl Map {
    /// The map of a download of which these bytes are on disk. What lies beyond the total is not.
    pub fn new(total: Option<u64>, done: impl IntoIterator<Item = ByteRange>) -> Self {
        let limit = total.unwrap_or(u64::MAX);
        let done = done.into_iter().map(|range| ByteRange::new(range.start.min(limit), range.end.min(limit))).collect();
        Self { total, done, loans: BTreeMap::new() }
    }

    pub fn total(&self) -> Option<u64> {
        self.total
    }

    pub fn done(&self) -> &RangeSet {
        &self.done
    }

    /// The length has become known. Open loans end there now.
    pub fn set_total(&mut self, total: u64) {
        self.total = Some(total);
        for loan in self.loans.values_mut() {
            loan.end = Some(loan.end.map_or(total, |end| end.min(total)));
        }
        debug_assert!(self.check(), "{self:?}");
    }

    pub fn is_complete(&self) -> bool {
        self.total.is_some_and(|total| self.done.gaps(total).next().is_none())
    }

    /// The stretches that are neither done nor lent.
    pub fn missing(&self) -> Vec<ByteRange> {
        let mut taken = self.done.clone();
        for loan in self.loans.values() {
            taken.insert(ByteRange::new(loan.start, loan.end.unwrap_or(u64::MAX)));
        }
        taken.gaps(self.total.unwrap_or(u64::MAX)).collect()
    }

    /// Lends the first missing stretch; `None` when nothing is missing, or the length is unknown
    /// and somebody has the open end already.
    pub fn lend(&mut self, to: TransferId) -> Option<Loan> {
        let first = self.missing().into_iter().next()?;
        let end = (first.end != u64::MAX).then_some(first.end);
        let loan = Loan { start: first.start, end };
        self.loans.insert(to, loan);
        debug_assert!(self.check(), "{self:?}");
        Some(loan)
    }

    /// A transfer has ended or lost its loan: what it did not do is missing again.
    pub fn give_back(&mut self, from: TransferId) {
        self.loans.remove(&from);
    }

    /// Bytes are on disk.
    pub fn mark_done(&mut self, range: ByteRange) {
        self.done.insert(range);
        debug_assert!(self.check(), "{self:?}");
    }

    /// Whether the invariants hold; for tests and debug builds.
    pub fn check(&self) -> bool {
        let limit = self.total.unwrap_or(u64::MAX);
        let mut loans: Vec<_> = self.loans.values().map(|loan| (loan.start, loan.end.unwrap_or(limit))).collect();
        loans.sort_unstable();
        self.done.check()
            && self.done.end() <= limit
            && loans.iter().all(|(start, end)| start <= end && *end <= limit)
            && loans.windows(2).all(|pair| matches!(pair, [left, right] if left.1 <= right.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_gap_is_lent_and_comes_back() {
        let mut map = Map::new(Some(100), [ByteRange::new(0, 30), ByteRange::new(50, 60)]);
        let first = map.lend(TransferId(1)).unwrap();
        assert_eq!(first, Loan { start: 30, end: Some(50) });
        assert_eq!(map.lend(TransferId(2)).unwrap(), Loan { start: 60, end: Some(100) });
        assert_eq!(map.lend(TransferId(3)), None);
        map.mark_done(ByteRange::new(30, 40));
        map.give_back(TransferId(1));
        assert_eq!(map.missing(), [ByteRange::new(40, 50)]);
        map.mark_done(ByteRange::new(40, 50));
        map.mark_done(ByteRange::new(60, 100));
        assert!(map.is_complete());
    }

    #[test]
    fn an_unknown_length_is_lent_as_an_open_end_and_ends_when_it_is_known() {
        let mut map = Map::new(None, []);
        assert_eq!(map.lend(TransferId(1)).unwrap(), Loan { start: 0, end: None });
        assert_eq!(map.lend(TransferId(2)), None);
        map.mark_done(ByteRange::new(0, 10));
        assert!(!map.is_complete());
        map.give_back(TransferId(1));
        map.set_total(10);
        assert!(map.is_complete());
    }

    #[test]
    fn an_empty_file_is_complete_at_once() {
        assert!(Map::new(Some(0), []).is_complete());
    }

    #[test]
    fn a_claim_beyond_the_total_is_cut() {
        let map = Map::new(Some(10), [ByteRange::new(5, 20), ByteRange::new(30, 40)]);
        assert_eq!(map.done().to_vec(), [ByteRange::new(5, 10)]);
    }

    #[derive(Clone, Debug)]
    enum Act {
        Lend(u64),
        GiveBack(u64),
        /// A transfer writes some of its loan.
        Write(u64, u64),
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            (1_u64..6).prop_map(Act::Lend),
            (1_u64..6).prop_map(Act::GiveBack),
            (1_u64..6, 1_u64..50).prop_map(|(id, length)| Act::Write(id, length)),
        ]
    }

    proptest! {
        #[test]
        fn whatever_happens_every_byte_is_fetched_once_and_none_is_lost(
            acts in proptest::collection::vec(act(), 0..60),
            holes in proptest::collection::vec((0_u64..200, 0_u64..30), 0..6),
        ) {
            let before: Vec<_> = holes.into_iter().map(|(start, length)| ByteRange::new(start, start + length)).collect();
            let mut map = Map::new(Some(200), before);
            let mut fetched = map.done().bytes();
            let mut at: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
            for act in acts {
                match act {
                    Act::Lend(id) => if !at.contains_key(&id) && let Some(loan) = map.lend(TransferId(id)) {
                        at.insert(id, (loan.start, loan.end.unwrap()));
                    },
                    Act::GiveBack(id) => { map.give_back(TransferId(id)); at.remove(&id); }
                    Act::Write(id, length) => if let Some((next, end)) = at.get_mut(&id) {
                        let to = (*next + length).min(*end);
                        map.mark_done(ByteRange::new(*next, to));
                        fetched += to - *next;
                        *next = to;
                    },
                }
                prop_assert!(map.check());
                prop_assert_eq!(map.done().bytes(), fetched, "no byte twice");
            }
            for id in 1..6 { map.give_back(TransferId(id)); }
            let missing: u64 = map.missing().iter().map(ByteRange::len).sum();
            prop_assert_eq!(missing + fetched, 200, "no byte lost");
        }
    }
}

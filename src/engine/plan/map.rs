// SPDX-License-Identifier: GPL-3.0-or-later
//! The map of a download's bytes: done, on their way to the disk, lent to a transfer, or missing.
//! Pure.

use std::collections::BTreeMap;

use super::ranges::RangeSet;
use crate::engine::types::{ByteRange, TransferId};

/// A stretch that a transfer has been lent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loan {
    pub start: u64,
    /// `None` while the length of the file is not known: to its end.
    pub end: Option<u64>,
    /// It fetches what another transfer has been lent too, because that one may never come to it.
    pub is_copy: bool,
}

/// Invariants: loans that are no copies do not overlap one another; no byte is done, on its way or
/// lent beyond the total.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Map {
    total: Option<u64>,
    done: RangeSet,
    /// With the disk, which has not answered yet.
    on_way: RangeSet,
    loans: BTreeMap<TransferId, Loan>,
}

impl Map {
    /// The map of a download of which these bytes are on disk. What lies beyond the total is not.
    pub fn new(total: Option<u64>, done: impl IntoIterator<Item = ByteRange>) -> Self {
        let limit = total.unwrap_or(u64::MAX);
        let done = done.into_iter().map(|range| ByteRange::new(range.start.min(limit), range.end.min(limit))).collect();
        Self { total, done, on_way: RangeSet::default(), loans: BTreeMap::new() }
    }

    pub fn total(&self) -> Option<u64> {
        self.total
    }

    pub fn done(&self) -> &RangeSet {
        &self.done
    }

    pub fn loans(&self) -> impl Iterator<Item = (TransferId, Loan)> + '_ {
        self.loans.iter().map(|(id, loan)| (*id, *loan))
    }

    pub fn loan(&self, of: TransferId) -> Option<Loan> {
        self.loans.get(&of).copied()
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

    /// Whether nothing has to be asked for any more: all is on disk, or on its way there.
    pub fn has_arrived(&self) -> bool {
        self.total.is_some_and(|total| self.arrived().gaps(total).next().is_none())
    }

    /// What is here or comes without anything being asked for: bytes on disk and on their way there.
    pub fn arrived(&self) -> RangeSet {
        let mut arrived = self.done.clone();
        for range in self.on_way.iter() {
            arrived.insert(range);
        }
        arrived
    }

    /// The stretches that nobody fetches: neither done, nor on their way, nor lent.
    pub fn missing(&self) -> Vec<ByteRange> {
        let mut taken = self.arrived();
        for loan in self.loans.values().filter(|loan| !loan.is_copy) {
            taken.insert(ByteRange::new(loan.start, loan.end.unwrap_or(u64::MAX)));
        }
        taken.gaps(self.total.unwrap_or(u64::MAX)).collect()
    }

    /// Lends the first missing stretch; `None` when nothing is missing, or the length is unknown
    /// and somebody has the open end already.
    pub fn lend(&mut self, to: TransferId) -> Option<Loan> {
        let first = self.missing().into_iter().next()?;
        let end = (first.end != u64::MAX).then_some(first.end);
        let loan = Loan { start: first.start, end, is_copy: false };
        self.loans.insert(to, loan);
        debug_assert!(self.check(), "{self:?}");
        Some(loan)
    }

    /// Lends a stretch that is missing.
    pub fn lend_range(&mut self, to: TransferId, range: ByteRange) -> Option<Loan> {
        if !self.missing().iter().any(|gap| gap.start <= range.start && range.end <= gap.end) {
            return None;
        }
        let loan = Loan { start: range.start, end: Some(range.end), is_copy: false };
        self.loans.insert(to, loan);
        Some(loan)
    }

    /// The loan of `of` ends at `at`, and what lay behind is lent to another; `None` if `at` does not
    /// lie inside of it.
    pub fn cut(&mut self, of: TransferId, at: u64, to: TransferId) -> Option<Loan> {
        let total = self.total;
        let loan = self.loans.get_mut(&of).filter(|loan| !loan.is_copy)?;
        let end = loan.end.or(total)?;
        if at <= loan.start || at >= end {
            return None;
        }
        loan.end = Some(at);
        let tail = Loan { start: at, end: Some(end), is_copy: false };
        self.loans.insert(to, tail);
        debug_assert!(self.check(), "{self:?}");
        Some(tail)
    }

    /// The loan of `of` goes on up to `end`, where nobody fetches what lies between.
    pub fn extend(&mut self, of: TransferId, end: u64) -> bool {
        let Some(loan) = self.loan(of).filter(|loan| !loan.is_copy) else { return false };
        let Some(start) = loan.end.filter(|start| *start < end) else { return false };
        let is_free = self.missing().iter().any(|gap| gap.start == start && end <= gap.end);
        if let Some(loan) = self.loans.get_mut(&of).filter(|_| is_free) {
            loan.end = Some(end);
        }
        debug_assert!(self.check(), "{self:?}");
        is_free
    }

    /// Lends what `of` has not fetched yet, from `from` on, to another as well.
    pub fn copy(&mut self, of: TransferId, from: u64, to: TransferId) -> Option<Loan> {
        let end = self.loans.get(&of).and_then(|loan| loan.end.or(self.total))?;
        if from >= end {
            return None;
        }
        let loan = Loan { start: from, end: Some(end), is_copy: true };
        self.loans.insert(to, loan);
        Some(loan)
    }

    /// A transfer has ended. What it handed to the disk, up to `handed_over`, is on its way there; the
    /// rest of its loan is missing again.
    pub fn give_back(&mut self, from: TransferId, handed_over: Option<u64>) {
        let Some(loan) = self.loans.remove(&from) else { return };
        let limit = loan.end.or(self.total).unwrap_or(u64::MAX);
        if let Some(end) = handed_over.map(|end| end.min(limit)).filter(|end| *end > loan.start) {
            let handed_over = ByteRange::new(loan.start, end);
            for gap in self.done.gaps_within(handed_over) {
                self.on_way.insert(gap);
            }
        }
        debug_assert!(self.check(), "{self:?}");
    }

    /// Bytes are on disk.
    pub fn mark_done(&mut self, range: ByteRange) {
        self.done.insert(range);
        self.on_way.remove(range);
        debug_assert!(self.check(), "{self:?}");
    }

    /// Bytes on disk are not the right ones: they are missing again.
    pub fn mark_wrong(&mut self, range: ByteRange) {
        self.done.remove(range);
        self.on_way.remove(range);
        // Whoever brought them is past them; they are none of its business any more.
        let limit = self.total.unwrap_or(u64::MAX);
        for loan in self.loans.values_mut().filter(|loan| loan.start < range.end) {
            let end = loan.end.unwrap_or(limit);
            if range.start < end {
                loan.start = range.end.min(end);
            }
        }
        debug_assert!(self.check(), "{self:?}");
    }

    /// The part file is closed: all that was on its way is done by now, or never will be.
    pub fn forget_on_way(&mut self) {
        self.on_way = RangeSet::default();
    }

    /// Whether the invariants hold; for tests and debug builds.
    pub fn check(&self) -> bool {
        let limit = self.total.unwrap_or(u64::MAX);
        let originals = self.loans.values().filter(|loan| !loan.is_copy);
        let mut loans: Vec<_> = originals.map(|loan| (loan.start, loan.end.unwrap_or(limit))).collect();
        loans.sort_unstable();
        self.done.check()
            && self.on_way.check()
            && self.done.end() <= limit
            && self.on_way.end() <= limit
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
        assert_eq!(first, Loan { start: 30, end: Some(50), is_copy: false });
        assert_eq!(map.lend(TransferId(2)).unwrap(), Loan { start: 60, end: Some(100), is_copy: false });
        assert_eq!(map.lend(TransferId(3)), None);
        map.mark_done(ByteRange::new(30, 40));
        map.give_back(TransferId(1), None);
        assert_eq!(map.missing(), [ByteRange::new(40, 50)]);
        map.mark_done(ByteRange::new(40, 50));
        map.mark_done(ByteRange::new(60, 100));
        assert!(map.is_complete());
    }

    #[test]
    fn an_unknown_length_is_lent_as_an_open_end_and_ends_when_it_is_known() {
        let mut map = Map::new(None, []);
        assert_eq!(map.lend(TransferId(1)).unwrap(), Loan { start: 0, end: None, is_copy: false });
        assert_eq!(map.lend(TransferId(2)), None);
        map.mark_done(ByteRange::new(0, 10));
        assert!(!map.is_complete());
        map.give_back(TransferId(1), None);
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

    #[test]
    fn a_cut_lends_the_tail_to_another_and_only_inside_of_the_loan() {
        let mut map = Map::new(Some(100), []);
        map.lend(TransferId(1));
        for outside in [0, 100, 101] {
            assert_eq!(map.cut(TransferId(1), outside, TransferId(2)), None);
        }
        let tail = map.cut(TransferId(1), 60, TransferId(2)).unwrap();
        assert_eq!(tail, Loan { start: 60, end: Some(100), is_copy: false });
        assert_eq!(map.loan(TransferId(1)).unwrap().end, Some(60));
        assert!(map.missing().is_empty());
    }

    #[test]
    fn a_tail_that_nobody_took_goes_back_to_its_lender() {
        let mut map = Map::new(Some(100), []);
        map.lend(TransferId(1));
        map.cut(TransferId(1), 60, TransferId(2));
        assert!(!map.extend(TransferId(1), 100), "it is lent");
        map.give_back(TransferId(2), Some(70));
        assert!(!map.extend(TransferId(1), 100), "some of it is here");
        map.forget_on_way();
        assert!(map.extend(TransferId(1), 100));
        assert!(map.missing().is_empty());
    }

    #[test]
    fn what_is_on_its_way_is_not_lent_again_unless_the_disk_is_closed_without_it() {
        let mut map = Map::new(Some(100), []);
        map.lend(TransferId(1));
        map.mark_done(ByteRange::new(0, 10));
        map.give_back(TransferId(1), Some(40));
        assert_eq!(map.missing(), [ByteRange::new(40, 100)]);
        assert_eq!(map.arrived().bytes(), 40);
        map.mark_done(ByteRange::new(10, 20));
        map.forget_on_way();
        assert_eq!(map.missing(), [ByteRange::new(20, 100)]);
    }

    #[test]
    fn a_copy_takes_nothing_from_its_original_and_its_bytes_count_once() {
        let mut map = Map::new(Some(100), []);
        map.lend(TransferId(1));
        assert_eq!(map.copy(TransferId(1), 100, TransferId(2)), None);
        assert_eq!(map.copy(TransferId(1), 70, TransferId(2)).unwrap().start, 70);
        map.give_back(TransferId(2), Some(100));
        map.give_back(TransferId(1), Some(75));
        assert_eq!(map.arrived().to_vec(), [ByteRange::new(0, 100)]);
        assert!(map.missing().is_empty());
    }

    #[test]
    fn wrong_bytes_are_missing_again() {
        let mut map = Map::new(Some(100), [ByteRange::new(0, 100)]);
        map.mark_wrong(ByteRange::new(20, 30));
        assert_eq!(map.missing(), [ByteRange::new(20, 30)]);
        let mut map = Map::new(Some(100), []);
        map.lend(TransferId(1));
        map.mark_done(ByteRange::new(0, 50));
        map.mark_wrong(ByteRange::new(20, 30));
        map.give_back(TransferId(1), Some(60));
        assert_eq!(map.missing(), [ByteRange::new(20, 30), ByteRange::new(60, 100)], "who brought them is past them");
    }

    #[derive(Clone, Debug)]
    enum Act {
        Lend(u64),
        /// Cut the loan of one in the middle of what is left, for another.
        Cut(u64, u64),
        /// It ends; all it took is with the disk.
        End(u64),
        /// It ends, and what the disk did not answer yet is lost.
        Lose(u64),
        /// It takes some of its loan, and the disk writes that.
        Take(u64, u64),
        /// It takes some, and the disk has not answered yet.
        TakeOnly(u64, u64),
        /// The disk answers for all that is on its way.
        Written,
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            (1_u64..6).prop_map(Act::Lend),
            (1_u64..6, 1_u64..6).prop_map(|(of, to)| Act::Cut(of, to)),
            (1_u64..6).prop_map(Act::End),
            (1_u64..6).prop_map(Act::Lose),
            (1_u64..6, 1_u64..50).prop_map(|(id, length)| Act::Take(id, length)),
            (1_u64..6, 1_u64..50).prop_map(|(id, length)| Act::TakeOnly(id, length)),
            Just(Act::Written),
        ]
    }

    proptest! {
        #[test]
        fn whatever_happens_no_byte_is_lent_twice_and_none_is_lost(
            acts in proptest::collection::vec(act(), 0..80),
            holes in proptest::collection::vec((0_u64..200, 0_u64..30), 0..6),
        ) {
            let before: Vec<_> = holes.into_iter().map(|(start, length)| ByteRange::new(start, start + length)).collect();
            let mut map = Map::new(Some(200), before);
            // How far each transfer has taken, and what the disk has not answered.
            let mut next: BTreeMap<u64, u64> = BTreeMap::new();
            let mut unanswered: Vec<ByteRange> = Vec::new();
            for act in acts {
                match act {
                    Act::Lend(id) => if !next.contains_key(&id) && let Some(loan) = map.lend(TransferId(id)) {
                        let arrived = map.arrived();
                        let free = arrived.gaps_within(ByteRange::new(loan.start, loan.end.unwrap()));
                        prop_assert_eq!(free.map(|gap| gap.len()).sum::<u64>(), loan.end.unwrap() - loan.start, "lent twice");
                        next.insert(id, loan.start);
                    },
                    Act::Cut(of, to) => if let Some(at) = next.get(&of).copied() && !next.contains_key(&to) {
                        let end = map.loan(TransferId(of)).unwrap().end.unwrap();
                        if let Some(tail) = map.cut(TransferId(of), at + (end - at) / 2, TransferId(to)) {
                            next.insert(to, tail.start);
                        }
                    },
                    Act::End(id) => if let Some(at) = next.remove(&id) { map.give_back(TransferId(id), Some(at)); },
                    Act::Lose(id) => if next.remove(&id).is_some() { map.give_back(TransferId(id), None); },
                    Act::Take(id, length) | Act::TakeOnly(id, length) => if let Some(at) = next.get_mut(&id) {
                        let end = map.loan(TransferId(id)).unwrap().end.unwrap();
                        let range = ByteRange::new(*at, (*at + length).min(end).max(*at));
                        *at = range.end;
                        if matches!(act, Act::Take(..)) { map.mark_done(range) } else { unanswered.push(range) }
                    },
                    Act::Written => for range in unanswered.drain(..) { map.mark_done(range) },
                }
                prop_assert!(map.check());
            }
            let ids: Vec<_> = next.keys().copied().collect();
            for id in ids { map.give_back(TransferId(id), None); }
            map.forget_on_way();
            let missing: u64 = map.missing().iter().map(ByteRange::len).sum();
            prop_assert_eq!(missing + map.done().bytes(), 200, "no byte lost");
        }
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Which of many slots are taken, and the how-manieth each taken one is: a Fenwick tree. Answers in
//! logarithmic time, so that taking one row out of 100,000 does not touch the others.

/// Slots that are taken or free, counted from 0.
///
/// Invariant: `sums[i]` is the number of taken slots among the `(i + 1) & -(i + 1)` that end with
/// slot `i`.
#[derive(Clone, Debug, Default)]
pub struct Positions {
    sums: Vec<u32>,
    taken: u32,
}

impl Positions {
    /// How many slots are taken.
    pub fn taken(&self) -> u32 {
        self.taken
    }

    /// One more slot at the end.
    pub fn push(&mut self, is_taken: bool) {
        let end = self.sums.len() + 1;
        let reach = lowest_bit(end);
        let inside = self.before(end - 1) - self.before(end - reach);
        self.sums.push(inside + u32::from(is_taken));
        self.taken += u32::from(is_taken);
    }

    /// How many of the slots before this one are taken: the position of this one, if it is.
    pub fn before(&self, slot: usize) -> u32 {
        let mut end = slot;
        let mut count = 0;
        while let Some(sum) = end.checked_sub(1).and_then(|index| self.sums.get(index)) {
            count += sum;
            end -= lowest_bit(end);
        }
        count
    }

    /// The taken slot at this position.
    pub fn slot_at(&self, position: u32) -> Option<usize> {
        if position >= self.taken {
            return None;
        }
        let mut left = position;
        let mut slot = 0;
        let mut stride = self.sums.len().checked_ilog2().map_or(0, |bits| 1 << bits);
        while stride > 0 {
            if let Some(sum) = self.sums.get(slot + stride - 1).filter(|sum| **sum <= left) {
                left -= sum;
                slot += stride;
            }
            stride /= 2;
        }
        Some(slot)
    }

    /// Frees a slot that is taken.
    pub fn free(&mut self, slot: usize) {
        self.taken -= 1;
        self.each_sum_with(slot, |sum| *sum -= 1);
    }

    /// Takes a slot that is free.
    pub fn take(&mut self, slot: usize) {
        self.taken += 1;
        self.each_sum_with(slot, |sum| *sum += 1);
    }

    fn each_sum_with(&mut self, slot: usize, change: impl Fn(&mut u32)) {
        let mut end = slot + 1;
        while let Some(sum) = self.sums.get_mut(end - 1) {
            change(sum);
            end += lowest_bit(end);
        }
    }
}

fn lowest_bit(number: usize) -> usize {
    number & number.wrapping_neg()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Copy, Debug)]
    enum Change {
        Push(bool),
        Flip(usize),
    }

    fn changes() -> impl Strategy<Value = Vec<Change>> {
        let change = prop_oneof![2 => any::<bool>().prop_map(Change::Push), 3 => (0_usize..64).prop_map(Change::Flip)];
        prop::collection::vec(change, 0..200)
    }

    proptest! {
        #[test]
        fn it_counts_like_a_plain_list(changes in changes()) {
            let mut positions = Positions::default();
            let mut plain: Vec<bool> = Vec::new();
            for change in changes {
                match change {
                    Change::Push(is_taken) => {
                        positions.push(is_taken);
                        plain.push(is_taken);
                    }
                    Change::Flip(slot) if slot < plain.len() => {
                        if plain[slot] { positions.free(slot) } else { positions.take(slot) }
                        plain[slot] = !plain[slot];
                    }
                    Change::Flip(_) => {}
                }
            }
            let taken: Vec<usize> = (0..plain.len()).filter(|slot| plain[*slot]).collect();
            prop_assert_eq!(positions.taken() as usize, taken.len());
            for (position, slot) in (0_u32..).zip(&taken) {
                prop_assert_eq!(positions.slot_at(position), Some(*slot));
                prop_assert_eq!(positions.before(*slot), position);
            }
            prop_assert_eq!(positions.slot_at(positions.taken()), None);
        }
    }
}

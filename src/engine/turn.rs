// SPDX-License-Identifier: GPL-3.0-or-later
//! Where downloads stand in the order of the queue, and what a moved one gets between two others. Pure.

use super::types::DownloadId;

/// Where a download stands in the order of the queue: the lowest starts first. It keeps its turn when it is
/// paused, waits or fails, and so its place in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Turn(pub i64);

/// So far apart are two that were added one after the other, so that others can be moved between them. Ids may
/// reach 2^43.
const APART: i64 = 1 << 20;
/// So far apart are those that are moved to one of the ends, or that had to make room.
const STEP: i64 = 1 << 10;

impl Turn {
    /// Of a download that was moved to `moved`, or never.
    pub fn of(id: DownloadId, moved: Option<Self>) -> Self {
        moved.unwrap_or_else(|| Self::of_added(id))
    }

    /// Of a download that was never moved: those that are added later come later.
    pub fn of_added(id: DownloadId) -> Self {
        Self(i64::try_from(id.0).unwrap_or(i64::MAX).saturating_mul(APART))
    }

    /// Of one that is added when a later one than [`Turn::of_added`] is taken.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(STEP))
    }
}

/// New turns for `moved`, in this order, before the one of `others` at this index, or behind all of them. `others` are in
/// the order of their turns; where there is no room left between two of them those that follow get new turns as well.
pub fn between(
    others: &[(DownloadId, Turn)],
    index: usize,
    moved: impl IntoIterator<Item = DownloadId>,
) -> Vec<(DownloadId, Turn)> {
    let mut placed: Vec<_> = moved.into_iter().collect();
    let turn = |index: Option<usize>| index.and_then(|index| others.get(index)).map(|(_, turn)| turn.0);
    let low = turn(index.checked_sub(1));
    let mut next = index;
    loop {
        let count = i64::try_from(placed.len()).unwrap_or(i64::MAX);
        let (first, step) = match (low, turn(Some(next))) {
            (Some(low), Some(high)) => {
                let least = if next == index { 1 } else { STEP };
                let step = high.saturating_sub(low) / (count + 1);
                if step < least
                    && let Some((id, _)) = others.get(next)
                {
                    placed.push(*id);
                    next += 1;
                    continue;
                }
                (low.saturating_add(step), step)
            }
            (Some(low), None) => (low.saturating_add(STEP), STEP),
            (None, Some(high)) => (high.saturating_sub(STEP.saturating_mul(count)), STEP),
            (None, None) => (0, STEP),
        };
        let turns = (0..).map(|nth: i64| Turn(first.saturating_add(step.saturating_mul(nth))));
        return placed.into_iter().zip(turns).collect();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn added(ids: impl IntoIterator<Item = u64>) -> Vec<(DownloadId, Turn)> {
        ids.into_iter().map(|id| (DownloadId(id), Turn::of_added(DownloadId(id)))).collect()
    }

    #[test]
    fn only_what_is_moved_gets_another_turn_as_long_as_there_is_room() {
        for index in 0..=3 {
            let new = between(&added(1..=3), index, [7, 8].map(DownloadId));
            assert_eq!(new.iter().map(|(id, _)| id.0).collect::<Vec<_>>(), [7, 8], "at {index}");
        }
    }

    proptest! {
        /// However often rows are moved to the same place, everything stands where it was put.
        #[test]
        fn all_stand_as_they_were_put(moves in prop::collection::vec((1_u64..9, 0_usize..9, 0_usize..40), 0..40)) {
            let mut order = added(1..9);
            for (id, to, times) in moves {
                // Always before the same one, which halves the room there each time.
                for id in std::iter::repeat_n(id, times + 1).enumerate().map(|(nth, id)| (id + nth as u64) % 8 + 1) {
                    let mut others = order.clone();
                    others.retain(|(other, _)| other.0 != id);
                    let index = to.min(others.len());
                    let mut wanted: Vec<_> = others.iter().map(|(id, _)| *id).collect();
                    wanted.insert(index, DownloadId(id));
                    let new = between(&others, index, [DownloadId(id)]);
                    others.retain(|(other, _)| new.iter().all(|(id, _)| id != other));
                    others.extend(new);
                    others.sort_by_key(|(_, turn)| *turn);
                    prop_assert_eq!(others.iter().map(|(id, _)| *id).collect::<Vec<_>>(), wanted);
                    prop_assert!(others.windows(2).all(|pair| pair[0].1 < pair[1].1));
                    order = others;
                }
            }
        }
    }
}

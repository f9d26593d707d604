// SPDX-License-Identifier: GPL-3.0-or-later
//! Where rows come to stand that are moved one up or one down. Several of them are gathered. Pure.

use std::collections::HashSet;

use crate::engine::command::Spot;
use crate::engine::types::DownloadId;

/// Above the row that is over the first of them; of `rows`, which are seen, `moved` are meant.
pub fn up(rows: &[DownloadId], moved: &HashSet<DownloadId>) -> Option<Spot> {
    let first = rows.iter().position(|id| moved.contains(id))?;
    let above = first.checked_sub(1).and_then(|above| rows.get(above));
    // Those at the top already let the others come to them.
    let next = above.or_else(|| rows.iter().find(|id| !moved.contains(id)))?;
    Some(Spot::Before(*next))
}

/// Below the row that is under the last of them.
pub fn down(rows: &[DownloadId], moved: &HashSet<DownloadId>) -> Option<Spot> {
    let last = rows.iter().rposition(|id| moved.contains(id))?;
    let below = rows.get(last + 1).or_else(|| rows.iter().rfind(|id| !moved.contains(id)))?;
    Some(Spot::After(*below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_past_their_neighbour_and_stay_at_the_ends() {
        let rows = [4, 2, 7, 1].map(DownloadId);
        let of = |ids: &[u64]| ids.iter().copied().map(DownloadId).collect::<HashSet<_>>();
        let (before, after) = (|id| Some(Spot::Before(DownloadId(id))), |id| Some(Spot::After(DownloadId(id))));
        assert_eq!((up(&rows, &of(&[7])), down(&rows, &of(&[7]))), (before(2), after(1)));
        assert_eq!((up(&rows, &of(&[2, 1])), down(&rows, &of(&[4, 7]))), (before(4), after(1)));
        assert_eq!((up(&rows, &of(&[4, 7])), down(&rows, &of(&[2, 1]))), (before(2), after(7)));
        assert_eq!((up(&rows, &of(&[9])), down(&rows, &of(&[4, 2, 7, 1]))), (None, None));
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Computes the checksum of a part file while it grows: of its begin, as far as that is written
//! without a gap, while the bytes are still in memory. The writer only tells where it wrote.

use std::fmt;
use std::fs::File;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::sum::{Sum, TURN};
use crate::engine::download::spec::Algorithm;
use crate::engine::plan::ranges::RangeSet;
use crate::engine::types::ByteRange;

/// Follows the writer of one part file.
pub struct Follower {
    state: Mutex<State>,
}

/// Invariant: what lies below `taken` was read, or is being read, and has not changed since.
struct State {
    written: RangeSet,
    taken: u64,
    /// `None`: in use by the turn at work, given away, or of no use any more.
    sum: Option<Sum>,
    /// A turn is waited for or at work.
    is_called: bool,
    /// Bytes changed after they were read, or were not to be read.
    is_spoiled: bool,
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower").field("taken", &self.lock().taken).finish_non_exhaustive()
    }
}

impl Follower {
    /// `written`: what is there from earlier sessions. `None` where there is no such algorithm.
    pub fn new(algorithm: Algorithm, written: impl IntoIterator<Item = ByteRange>) -> Option<Self> {
        let sum = Sum::new(algorithm, ByteRange::new(0, u64::MAX)).ok()?;
        let written = written.into_iter().collect();
        let state = State { written, taken: 0, sum: Some(sum), is_called: false, is_spoiled: false };
        Some(Self { state: Mutex::new(state) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// These bytes were written, or none. Answers whether [`Follower::turn`] has to be called until
    /// it says that there is no more to do.
    pub fn wrote(&self, range: ByteRange) -> bool {
        let mut state = self.lock();
        state.is_spoiled |= !range.is_empty() && range.start < state.taken;
        state.written.insert(range);
        let calls = !state.is_called && !state.is_spoiled && state.ahead() >= TURN;
        state.is_called |= calls;
        calls
    }

    /// Reads on for one turn. Answers whether there is more to do.
    pub fn turn(&self, file: &File, buffer: &mut [u8]) -> bool {
        let mut state = self.lock();
        let limit = state.written_begin().min(state.taken.saturating_add(TURN));
        let Some(mut sum) = state.sum.take().filter(|_| !state.is_spoiled) else { return false };
        state.taken = limit;
        drop(state);
        let read = sum.advance(file, limit, buffer);
        let mut state = self.lock();
        // Whoever reads all of it in the end will tell why it cannot be read.
        state.is_spoiled |= read.is_err();
        state.sum = Some(sum).filter(|_| !state.is_spoiled);
        state.is_called = state.sum.is_some() && state.ahead() >= TURN;
        state.is_called
    }

    /// Gives away what is computed so far. Never while a turn is at work.
    pub fn give(&self, algorithm: Algorithm) -> Option<Sum> {
        let mut state = self.lock();
        let sum = state.sum.take();
        sum.filter(|sum| !state.is_spoiled && sum.algorithm() == algorithm)
    }
}

impl State {
    fn written_begin(&self) -> u64 {
        self.written.iter().next().filter(|first| first.start == 0).map_or(0, |first| first.end)
    }

    /// How much could be read on.
    fn ahead(&self) -> u64 {
        self.written_begin().saturating_sub(self.taken)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const ALGORITHM: Algorithm = Algorithm::Sha256;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn turns(follower: &Follower, file: &File) -> u32 {
        let mut turns = 1;
        while follower.turn(file, &mut [0; 65536]) {
            turns += 1;
        }
        turns
    }

    fn range(start: u64, end: u64) -> ByteRange {
        ByteRange::new(start * TURN, end * TURN)
    }

    #[test]
    fn it_reads_what_is_written_without_a_gap_and_is_called_once_for_it() {
        let follower = Follower::new(ALGORITHM, []).unwrap();
        let file = file(&vec![1; 5 * usize::try_from(TURN).unwrap()]);
        assert!(!follower.wrote(range(1, 3)), "the begin is missing");
        assert!(follower.wrote(range(0, 1)));
        assert!(!follower.wrote(range(4, 5)), "called already");
        assert_eq!(turns(&follower, &file), 3);
        assert!(follower.wrote(range(3, 4)));
        assert_eq!(turns(&follower, &file), 2);
        let sum = follower.give(ALGORITHM).unwrap();
        assert_eq!(sum.done(), 5 * TURN);
        assert!(!follower.turn(&file, &mut [0; 16]), "it is given away");
    }

    #[test]
    fn what_was_there_before_is_read_from_its_begin() {
        let follower = Follower::new(ALGORITHM, [range(0, 2), range(3, 4)]).unwrap();
        let file = file(&vec![1; 4 * usize::try_from(TURN).unwrap()]);
        assert!(follower.wrote(ByteRange::new(0, 0)));
        assert_eq!(turns(&follower, &file), 2);
        assert_eq!(follower.give(ALGORITHM).unwrap().done(), 2 * TURN);
    }

    #[test]
    fn bytes_that_change_after_they_were_read_spoil_it() {
        let file = file(&vec![1; 3 * usize::try_from(TURN).unwrap()]);
        let follower = Follower::new(ALGORITHM, []).unwrap();
        assert!(follower.wrote(range(0, 1)));
        turns(&follower, &file);
        assert!(follower.wrote(range(1, 2)), "behind it all is well");
        assert!(!follower.wrote(ByteRange::new(TURN - 1, TURN)));
        turns(&follower, &file);
        assert!(!follower.wrote(range(2, 3)));
        assert!(follower.give(ALGORITHM).is_none());
    }

    #[test]
    fn a_sum_of_another_kind_is_of_no_use() {
        assert!(Follower::new(ALGORITHM, []).unwrap().give(Algorithm::Md5).is_none());
    }

    #[test]
    fn a_file_that_can_not_be_read_is_left_to_whoever_reads_it_all() {
        let follower = Follower::new(ALGORITHM, []).unwrap();
        assert!(follower.wrote(range(0, 1)));
        assert!(!follower.turn(&file(b"short"), &mut [0; 16]));
        assert!(follower.give(ALGORITHM).is_none());
    }
}

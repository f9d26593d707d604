// SPDX-License-Identifier: GPL-3.0-or-later
//! How long libcurl may work before the main loop gets its turn, and who is next. Pure.
//!
//! libcurl reads for as long as data is there (80 MB in one call were seen), and GLib dispatches
//! all ready sources of one priority before it looks for a frame that is due. So work is done in
//! rounds: when a round's time is used up, ready sockets are put into a line in place of being
//! served, and the line is served first in the next round. First come, first served: none starves.

use std::collections::VecDeque;
use std::os::fd::RawFd;
use std::time::Duration;

use crate::engine::types::{Moment, TransferId};

/// A pause between two actions that is longer than this means that the main loop has been round.
const NEW_ITERATION: Duration = Duration::from_millis(1);

/// What waits for the next round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    Socket { fd: RawFd, generation: u32, seen: Seen },
    Unpause(TransferId),
}

/// What GLib saw on a descriptor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub input: bool,
    pub output: bool,
    pub error: bool,
}

impl Seen {
    fn and(self, other: Self) -> Self {
        Self { input: self.input || other.input, output: self.output || other.output, error: self.error || other.error }
    }
}

#[derive(Debug)]
pub struct Round {
    length: Duration,
    used: Duration,
    last_end: Moment,
    line: VecDeque<Due>,
}

impl Round {
    pub fn new(length: Duration) -> Self {
        Self { length, used: Duration::ZERO, last_end: Moment::default(), line: VecDeque::new() }
    }

    /// What is left of this round; `None` when it is used up or others are first in line.
    pub fn grant(&mut self, now: Moment) -> Option<Duration> {
        if now - self.last_end > NEW_ITERATION && self.line.is_empty() {
            self.used = Duration::ZERO;
        }
        (self.line.is_empty() && self.used < self.length).then(|| self.length - self.used)
    }

    /// An action went from `begin` to `end`.
    pub fn spend(&mut self, begin: Moment, end: Moment) {
        self.used += end - begin;
        self.last_end = end;
    }

    /// Joins the line; a socket that is in it already keeps its place.
    pub fn join(&mut self, due: Due) {
        if let Due::Socket { fd, generation, seen } = due {
            for waiting in &mut self.line {
                if let Due::Socket { fd: other, generation: same, seen: before } = waiting
                    && *other == fd
                    && *same == generation
                {
                    *before = before.and(seen);
                    return;
                }
            }
        }
        self.line.push_back(due);
    }

    pub fn has_line(&self) -> bool {
        !self.line.is_empty()
    }

    /// A new round begins.
    pub fn begin(&mut self) {
        self.used = Duration::ZERO;
    }

    /// The next in line and how long it may take, while the round lasts.
    pub fn next(&mut self) -> Option<(Due, Duration)> {
        if self.used >= self.length {
            return None;
        }
        let left = self.length - self.used;
        self.line.pop_front().map(|due| (due, left))
    }

    pub fn clear(&mut self) {
        self.line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLICE: Duration = Duration::from_millis(4);

    fn at(us: u64) -> Moment {
        Moment(Duration::from_micros(us))
    }

    fn socket(fd: RawFd) -> Due {
        Due::Socket { fd, generation: 1, seen: Seen { input: true, ..Seen::default() } }
    }

    #[test]
    fn a_round_ends_when_its_time_is_used_and_a_new_one_grants_all_of_it() {
        let mut round = Round::new(SLICE);
        assert_eq!(round.grant(at(10_000)), Some(SLICE));
        round.spend(at(10_000), at(13_000));
        assert_eq!(round.grant(at(13_010)), Some(Duration::from_millis(1)));
        round.spend(at(13_010), at(14_500));
        assert_eq!(round.grant(at(14_510)), None);
        round.begin();
        assert_eq!(round.grant(at(14_600)), Some(SLICE));
    }

    #[test]
    fn after_a_rest_of_the_loop_a_round_begins_by_itself() {
        let mut round = Round::new(SLICE);
        round.spend(at(0), at(4_000));
        assert_eq!(round.grant(at(4_100)), None);
        assert_eq!(round.grant(at(9_000)), Some(SLICE));
    }

    #[test]
    fn who_waits_is_served_in_order_and_nobody_passes_the_line() {
        let mut round = Round::new(SLICE);
        round.join(socket(5));
        round.join(Due::Unpause(TransferId(1)));
        round.join(socket(6));
        round.join(Due::Socket { fd: 5, generation: 1, seen: Seen { error: true, ..Seen::default() } });
        assert_eq!(round.grant(at(60_000)), None, "a line is there");
        round.begin();
        let both = Seen { input: true, output: false, error: true };
        assert_eq!(round.next(), Some((Due::Socket { fd: 5, generation: 1, seen: both }, SLICE)));
        round.spend(at(60_000), at(62_000));
        assert_eq!(round.next().unwrap().0, Due::Unpause(TransferId(1)));
        round.spend(at(62_000), at(64_000));
        assert_eq!(round.next(), None, "the time of the round is over");
        round.begin();
        assert_eq!(round.next().unwrap().0, socket(6));
        assert!(!round.has_line());
    }
}

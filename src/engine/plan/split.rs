// SPDX-License-Identifier: GPL-3.0-or-later
//! How a download is cut: what one more transfer should fetch, so that all come to their ends
//! together. Pure.

use std::time::Duration;

use crate::engine::types::{ByteRange, Speed, TransferId};

/// What a transfer gets that is to show whether it helps: so much as it may fetch in this time. It can then
/// be done without soon, while the lender goes on to what was its end before over its own connection.
const TRIAL: Duration = Duration::from_millis(200);
/// Neither side of a cut is shorter: below it a request costs more than it brings.
pub const SHORTEST: u64 = 64 * 1024;
/// A cut pays only if the lender would take so many times longer than a new transfer needs to begin.
const WORTH_A_SETUP: u32 = 4;
/// Cuts lie at multiples of this where there is room, so that blocks fill whole pages.
const ALIGNMENT: u64 = 64 * 1024;
/// What would be here sooner than this is waited for and not fetched twice.
const WORTH_A_COPY: Duration = Duration::from_millis(500);

/// A running transfer and what it still has to fetch.
#[derive(Clone, Copy, Debug)]
pub struct Runner {
    pub id: TransferId,
    /// The offset of the byte that it takes next...
    pub next: u64,
    /// ...and the one that it need not take.
    pub end: u64,
    /// As far as it was measured.
    pub speed: Option<Speed>,
    /// Somebody fetches the same already.
    pub has_copy: bool,
    /// Its answer, or more of it, should have come long ago: what it is to fetch comes sooner by another one.
    pub is_late: bool,
}

impl Runner {
    fn left(&self) -> u64 {
        self.end.saturating_sub(self.next)
    }
}

/// What one more transfer would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// Fetch a stretch that nobody fetches.
    Missing(ByteRange),
    /// Take over what lies behind `at`.
    Cut { of: TransferId, at: u64 },
    /// Fetch the same as a transfer that may never come to its end.
    Copy { of: TransferId, from: u64 },
}

/// What is known of a download that may be cut.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    /// How long a transfer takes from its start to its first byte.
    pub setup: Duration,
    /// Nobody knows yet whether one more helps.
    pub is_trial: bool,
    /// How far behind another one it may begin; `None`: anywhere.
    pub reach: Option<u64>,
}

/// The job for one more transfer; `None`: it would be of no use.
pub fn choose(missing: &[ByteRange], runners: &[Runner], sight: Sight) -> Option<Job> {
    let Sight { setup, is_trial, reach } = sight;
    let stretch = match reach {
        None => missing.iter().max_by_key(|range| range.len()),
        // All before it is there, or on its way.
        Some(_) => missing.iter().min_by_key(|range| range.start),
    };
    if let Some(stretch) = stretch {
        return Some(Job::Missing(*stretch));
    }
    let known: Vec<u64> = runners.iter().filter_map(|runner| runner.speed).map(|speed| speed.0).collect();
    // What a new transfer will reach, as far as anybody can tell; of no transfer anything is known
    // when the first answer has just come.
    let mean = known.iter().sum::<u64>().checked_div(known.len() as u64).unwrap_or(0).max(1);
    let speed = |runner: &Runner| match runner.is_late {
        true => 0,
        false => runner.speed.map_or(mean, |speed| speed.0.max(1)),
    };
    let time_left = |runner: &Runner| match runner.is_late {
        true => Duration::MAX,
        false => Duration::from_secs_f64(runner.left() as f64 / speed(runner) as f64),
    };
    let may_lend = |runner: &&Runner| !runner.has_copy && runner.left() > 0;
    let last = runners.iter().filter(may_lend).max_by_key(|runner| time_left(runner))?;

    let pays = known.is_empty() || time_left(last) >= setup * WORTH_A_SETUP;
    if last.left() >= 2 * SHORTEST && pays {
        let middle = place(last, speed(last), mean, setup);
        let tail = if known.is_empty() { 0 } else { (mean as f64 * (TRIAL + setup * 2).as_secs_f64()) as u64 };
        let is_short = is_trial && !last.is_late && tail >= SHORTEST && tail < last.end - middle;
        let late = last.end.saturating_sub(tail);
        let at = if is_short { late - late % ALIGNMENT } else { middle };
        let within = reach.map_or(u64::MAX, |reach| last.next.saturating_add(reach.max(2 * ALIGNMENT)));
        return Some(Job::Cut { of: last.id, at: at.min(within - within % ALIGNMENT) });
    }
    let anew = setup + Duration::from_secs_f64(last.left() as f64 / mean as f64);
    let is_slow = !known.is_empty() && time_left(last) > WORTH_A_COPY.max(anew * 2);
    (is_slow || last.is_late).then_some(Job::Copy { of: last.id, from: last.next })
}

/// Where to cut so that the lender, which goes on while the other one connects, and the other one
/// come to their ends at the same time.
fn place(lender: &Runner, speed: u64, mean: u64, setup: Duration) -> u64 {
    let (left, speed, mean) = (lender.left() as f64, speed as f64, mean as f64);
    let head_start = (speed * setup.as_secs_f64()).min(left / 2.0);
    let share = head_start + (left - head_start) * speed / (speed + mean);
    // The cast truncates, and saturates at the ends.
    let at = lender.next + (share as u64).clamp(SHORTEST, lender.left().saturating_sub(SHORTEST));
    let aligned = at - at % ALIGNMENT;
    if aligned > lender.next { aligned } else { at }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MIB: u64 = 1024 * 1024;
    const SETUP: Duration = Duration::from_millis(10);

    fn runner(id: u64, next: u64, end: u64, speed: Option<u64>) -> Runner {
        Runner { id: TransferId(id), next, end, speed: speed.map(Speed), has_copy: false, is_late: false }
    }

    fn sight(setup: Duration, is_trial: bool) -> Sight {
        Sight { setup, is_trial, reach: None }
    }

    #[test]
    fn what_nobody_fetches_comes_first_and_the_largest_of_it() {
        let missing = [ByteRange::new(0, 10), ByteRange::new(20, 50)];
        let job = choose(&missing, &[runner(1, 50, 100 * MIB, Some(1))], sight(SETUP, false));
        assert_eq!(job, Some(Job::Missing(ByteRange::new(20, 50))));
    }

    #[test]
    fn the_first_cut_halves_the_file() {
        let job = choose(&[], &[runner(1, 0, 64 * MIB, None)], sight(SETUP, false));
        assert_eq!(job, Some(Job::Cut { of: TransferId(1), at: 32 * MIB }));
    }

    #[test]
    fn a_slow_transfer_loses_most_of_its_tail_to_a_fast_one() {
        let runners = [runner(1, 0, 10 * MIB, Some(MIB)), runner(2, 90 * MIB, 100 * MIB, Some(9 * MIB))];
        let Some(Job::Cut { of, at }) = choose(&[], &runners, sight(Duration::ZERO, false)) else { panic!("no cut") };
        assert_eq!(of, TransferId(1));
        // The new one is expected to come as fast as the mean, 5 MiB/s: a sixth is left.
        assert!((MIB..2 * MIB).contains(&at), "{at}");
    }

    #[test]
    fn one_that_may_be_of_no_help_gets_a_little_of_the_end() {
        let runners = [runner(1, 0, 100 * MIB, Some(4 * MIB))];
        let Some(Job::Cut { at, .. }) = choose(&[], &runners, sight(SETUP, true)) else { panic!("no cut") };
        assert!((99 * MIB..100 * MIB).contains(&at), "{at}");
        // Where half of what is left is less than that, it is half.
        let runners = [runner(1, 98 * MIB, 100 * MIB, Some(8 * MIB))];
        let Some(Job::Cut { at, .. }) = choose(&[], &runners, sight(Duration::ZERO, true)) else { panic!("no cut") };
        assert_eq!(at, 99 * MIB);
    }

    #[test]
    fn where_nothing_may_be_left_out_one_begins_close_behind_another_one() {
        let near = |is_trial| Sight { setup: SETUP, is_trial, reach: Some(16 * MIB) };
        for (is_trial, speed) in [(false, None), (false, Some(MIB)), (true, Some(MIB))] {
            let runners = [runner(1, 5 * MIB, 4096 * MIB, speed)];
            let job = choose(&[], &runners, near(is_trial));
            assert_eq!(job, Some(Job::Cut { of: TransferId(1), at: 21 * MIB }));
        }
        // What is cut in the usual way lies closer.
        let job = choose(&[], &[runner(1, 0, 20 * MIB, None)], near(false));
        assert_eq!(job, Some(Job::Cut { of: TransferId(1), at: 10 * MIB }));
        let missing = [ByteRange::new(20, 50), ByteRange::new(0, 10)];
        assert_eq!(choose(&missing, &[], near(false)), Some(Job::Missing(ByteRange::new(0, 10))));
    }

    #[test]
    fn what_is_nearly_done_is_left_alone() {
        let fast = runner(1, 0, MIB, Some(100 * MIB));
        assert_eq!(choose(&[], &[fast], sight(SETUP, false)), None, "there in 10 ms");
        assert_eq!(choose(&[], &[runner(1, 0, 2 * SHORTEST - 1, Some(MIB))], sight(SETUP, false)), None, "too short");
        assert_eq!(choose(&[], &[], sight(SETUP, false)), None);
    }

    #[test]
    fn the_last_piece_of_a_stuck_transfer_is_fetched_once_more() {
        let fast = runner(2, 5 * MIB, 5 * MIB, Some(MIB));
        let stuck = runner(1, 100, 50_000, Some(10));
        assert_eq!(choose(&[], &[stuck, fast], sight(SETUP, false)), Some(Job::Copy { of: TransferId(1), from: 100 }));
        assert_eq!(
            choose(&[], &[Runner { has_copy: true, ..stuck }, fast], sight(SETUP, false)),
            None,
            "once is enough"
        );
    }

    #[test]
    fn what_a_late_one_was_to_fetch_is_taken_over_but_for_what_it_may_bring_meanwhile() {
        let late = |end| Runner { is_late: true, ..runner(1, 0, end, None) };
        let fast = runner(2, 50 * MIB, 100 * MIB, Some(MIB));
        for is_trial in [false, true] {
            let job = choose(&[], &[late(10 * MIB), fast], sight(SETUP, is_trial));
            assert_eq!(job, Some(Job::Cut { of: TransferId(1), at: SHORTEST }));
        }
        let copy = Some(Job::Copy { of: TransferId(1), from: 0 });
        assert_eq!(choose(&[], &[late(SHORTEST), fast], sight(SETUP, false)), copy);
        assert_eq!(choose(&[], &[late(SHORTEST)], sight(SETUP, false)), copy, "no speed is known");
        // One that has all of it, and was not told to be over, does not keep others from being helped.
        let done = Runner { is_late: true, ..runner(1, MIB, MIB, Some(MIB)) };
        let job = choose(&[], &[done, fast], sight(SETUP, false));
        assert!(matches!(job, Some(Job::Cut { of: TransferId(2), .. })), "{job:?}");
    }

    proptest! {
        #[test]
        fn a_cut_lies_inside_and_leaves_enough_on_both_sides(
            next in 0_u64..1 << 40, left in 0_u64..1 << 40, speed in proptest::option::of(0_u64..1 << 34), setup in 0_u64..5_000,
            is_trial: bool, is_late: bool, reach in proptest::option::of(0_u64..1 << 30),
        ) {
            let lender = Runner { is_late, ..runner(1, next, next + left, speed) };
            let sight = Sight { setup: Duration::from_millis(setup), is_trial, reach };
            if let Some(Job::Cut { at, .. }) = choose(&[], &[lender], sight) {
                prop_assert!(at > next && at < next + left);
                prop_assert!(next + left - at >= SHORTEST);
            }
        }
    }
}

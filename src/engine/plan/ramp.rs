// SPDX-License-Identifier: GPL-3.0-or-later
//! How many transfers help: begin with one, add more as long as the measured total grows, and go
//! back to what sufficed when it does not. Pure.

use std::time::Duration;

use crate::engine::types::Moment;

/// A rate is measured over at least so much time...
const SHORTEST_WINDOW: Duration = Duration::from_millis(3);
/// ...this many bytes for each transfer...
const WINDOW_BYTES: u64 = 64 * 1024;
/// ...and at most over so much time.
const LONGEST_WINDOW: Duration = Duration::from_secs(1);
/// While the second half of a window is faster than the first by this factor, TCP is still finding its
/// speed (slow start), which says nothing about more connections.
const STILL_GROWING: f64 = 1.3;
const MOST_GROWING_WINDOWS: u32 = 8;
/// Of what the new transfers could have added, this much must have come for them to be kept...
const WORTH_KEEPING: f64 = 0.3;
/// ...and if so much came, the limit is one of each connection, and it is safe to add many at once.
const NEARLY_ALL: f64 = 0.8;
/// How long to wait before trying again whether more help now: doubled each time. Short at first, because
/// what was measured while the network or this machine was busy with something else may be wrong.
const FIRST_REST: Duration = Duration::from_secs(1);
const MOST_DOUBLINGS: u32 = 7;

/// Finds the number of transfers to run.
#[derive(Clone, Debug)]
pub struct Ramp {
    target: usize,
    /// What sufficed before, and the bytes a second that came then.
    before: Option<(usize, f64)>,
    phase: Phase,
    rests: u32,
}

#[derive(Clone, Debug)]
enum Phase {
    /// Waits until all transfers wanted are flowing.
    Gathering {
        since: Option<Moment>,
    },
    Measuring {
        begin: Sample,
        half: Option<Sample>,
        windows: u32,
    },
    Resting {
        until: Moment,
    },
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Moment,
    bytes: u64,
}

/// What there is to see of a download.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    pub now: Moment,
    /// Bytes that have come in all.
    pub received: u64,
    /// Transfers whose answers have come.
    pub flowing: usize,
    /// How long a transfer takes from its start to its first byte.
    pub setup: Duration,
    /// The most transfers that are allowed.
    pub most: usize,
}

impl Default for Ramp {
    fn default() -> Self {
        Self { target: 1, before: None, phase: Phase::Gathering { since: None }, rests: 0 }
    }
}

impl Ramp {
    /// How many transfers to run.
    pub fn target(&self) -> usize {
        self.target
    }

    /// Takes in what is to be seen; answers when to look again, `None` when there is nothing to find
    /// out any more.
    pub fn look(&mut self, sight: Sight) -> Option<Moment> {
        let Sight { now, most, .. } = sight;
        if most <= 1 {
            self.target = 1;
            return None;
        }
        self.target = self.target.min(most);
        match self.phase {
            Phase::Gathering { since } => self.gather(sight, since),
            Phase::Measuring { begin, half, windows } => self.measure(sight, begin, half, windows),
            Phase::Resting { until } if now < until => Some(until),
            Phase::Resting { .. } => {
                self.before = None;
                self.gather(sight, None)
            }
        }
    }

    fn gather(&mut self, sight: Sight, since: Option<Moment>) -> Option<Moment> {
        let since = since.unwrap_or(sight.now);
        if sight.flowing >= self.target {
            let begin = Sample { at: sight.now, bytes: sight.received };
            self.phase = Phase::Measuring { begin, half: None, windows: 1 };
            return Some(sight.now + window(sight) / 2);
        }
        if sight.now - since > LONGEST_WINDOW + sight.setup * 4 {
            // Those that do not come are no help.
            return self.rest(sight, sight.flowing.max(1));
        }
        self.phase = Phase::Gathering { since: Some(since) };
        Some(sight.now + sight.setup.clamp(SHORTEST_WINDOW, LONGEST_WINDOW))
    }

    fn measure(&mut self, sight: Sight, begin: Sample, half: Option<Sample>, windows: u32) -> Option<Moment> {
        let here = Sample { at: sight.now, bytes: sight.received };
        let length = window(sight);
        let is_far = |part: u32| {
            let elapsed = here.at - begin.at;
            let bytes = WINDOW_BYTES * self.target as u64 / u64::from(part);
            elapsed >= LONGEST_WINDOW / part
                || (elapsed >= length / part && here.bytes.saturating_sub(begin.bytes) >= bytes)
        };
        let Some(middle) = half else {
            let half = is_far(2).then_some(here);
            self.phase = Phase::Measuring { begin, half, windows };
            return Some(sight.now + length / 2);
        };
        if !is_far(1) {
            return Some(sight.now + length / 4);
        }
        let (first, second) = (rate(begin, middle), rate(middle, here));
        if second > first * STILL_GROWING && windows < MOST_GROWING_WINDOWS {
            self.phase = Phase::Measuring { begin: here, half: None, windows: windows + 1 };
            return Some(sight.now + length / 2);
        }
        self.conclude(sight, rate(begin, here))
    }

    /// A rate has been measured with `target` transfers.
    fn conclude(&mut self, sight: Sight, rate: f64) -> Option<Moment> {
        let factor = match self.before {
            None => 2,
            Some((before, old)) => {
                let possible = self.target as f64 / before as f64 - 1.0;
                let gained = (rate / old.max(1.0) - 1.0) / possible.max(f64::MIN_POSITIVE);
                if gained < WORTH_KEEPING {
                    return self.rest(sight, before);
                }
                if gained < NEARLY_ALL { 2 } else { 8 }
            }
        };
        if self.target >= sight.most {
            return self.rest(sight, self.target);
        }
        self.before = Some((self.target, rate));
        self.target = (self.target * factor).min(sight.most);
        self.phase = Phase::Gathering { since: Some(sight.now) };
        Some(sight.now + sight.setup.clamp(SHORTEST_WINDOW, LONGEST_WINDOW))
    }

    fn rest(&mut self, sight: Sight, target: usize) -> Option<Moment> {
        self.target = target;
        let until = sight.now + FIRST_REST * (1 << self.rests.min(MOST_DOUBLINGS));
        self.rests += 1;
        self.phase = Phase::Resting { until };
        (target < sight.most).then_some(until)
    }
}

/// At least two round trips, so that whole bursts are seen and not their insides.
fn window(sight: Sight) -> Duration {
    (sight.setup * 2).clamp(SHORTEST_WINDOW, LONGEST_WINDOW)
}

fn rate(from: Sample, to: Sample) -> f64 {
    let seconds = (to.at - from.at).as_secs_f64();
    to.bytes.saturating_sub(from.bytes) as f64 / seconds.max(1e-6)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a ramp against a network where `n` transfers bring `total(n, seconds)` bytes a second;
    /// answers the target over time, in milliseconds.
    fn run(setup: Duration, most: usize, until: u64, total: impl Fn(usize, f64) -> f64) -> Vec<(u64, usize)> {
        let mut ramp = Ramp::default();
        let (mut now, mut received) = (Moment::default(), 0.0);
        let mut targets = vec![(0, 1)];
        let mut next = Some(now);
        while let Some(at) = next.filter(|at| at.0.as_millis() < u128::from(until)) {
            while now < at {
                let step = Duration::from_micros(500);
                now = now + step;
                received += total(ramp.target(), now.0.as_secs_f64()) * step.as_secs_f64();
            }
            let flowing = ramp.target();
            next = ramp.look(Sight { now, received: received as u64, flowing, setup, most });
            if targets.last().unwrap().1 != ramp.target() {
                targets.push((now.0.as_millis() as u64, ramp.target()));
            }
        }
        targets
    }

    fn finally(targets: &[(u64, usize)]) -> usize {
        targets.last().unwrap().1
    }

    #[test]
    fn a_limit_of_each_connection_is_answered_with_all_that_are_allowed_at_once() {
        let targets = run(Duration::from_millis(1), 16, 10_000, |n, _| n as f64 * 20e6);
        assert_eq!(targets.iter().map(|(_, n)| *n).collect::<Vec<_>>(), [1, 2, 16]);
        assert!(targets.last().unwrap().0 < 40, "{targets:?}");
    }

    #[test]
    fn a_full_line_needs_no_second_connection_for_long() {
        let targets = run(Duration::from_millis(100), 16, 120_000, |_, _| 25e6);
        let (tries, between): (Vec<_>, Vec<_>) = targets[1..].iter().partition(|(_, n)| *n > 1);
        assert!(tries.iter().all(|(_, n)| *n == 2) && between.iter().all(|(_, n)| *n == 1), "{targets:?}");
        // A second one is tried at once, then more and more seldom.
        assert!((4..=7).contains(&tries.len()), "{targets:?}");
        assert!(tries.windows(2).all(|pair| pair[1].0 - pair[0].0 >= 1_000), "{targets:?}");
    }

    #[test]
    fn slow_start_is_not_taken_for_a_gain() {
        // One connection that doubles every 50 ms up to the line's rate; a second one adds nothing.
        let targets = run(Duration::from_millis(100), 8, 3_000, |_, at| (280e3 * 2_f64.powf(at / 0.05)).min(25e6));
        assert!(targets.get(1).is_none_or(|(at, _)| *at > 300), "{targets:?}");
        assert_eq!(finally(&targets), 1);
    }

    #[test]
    fn losses_are_answered_with_more_connections() {
        let targets = run(Duration::from_millis(100), 16, 4_000, |n, _| (n as f64 * 1.6e6).min(25e6));
        assert_eq!(finally(&targets), 16, "{targets:?}");
    }

    #[test]
    fn it_is_tried_again_now_and_then_whether_more_help() {
        let narrow_at_first = |n: usize, at: f64| if at < 3.0 { 1e6 } else { n as f64 * 1e6 };
        let targets = run(Duration::from_millis(10), 4, 30_000, narrow_at_first);
        assert_eq!(finally(&targets), 4, "{targets:?}");
    }

    #[test]
    fn what_was_never_answered_is_not_waited_for() {
        let mut ramp = Ramp::default();
        let (mut now, mut flowing) = (Moment::default(), 1);
        for _ in 0..2_000 {
            let received = now.0.as_millis() as u64 * 1_000;
            let sight = Sight { now, received, flowing, setup: Duration::from_millis(10), most: 8 };
            ramp.look(sight);
            flowing = 1;
            now = now + Duration::from_millis(5);
        }
        assert_eq!(ramp.target(), 1);
    }

    #[test]
    fn one_connection_is_all_where_no_more_are_allowed() {
        assert_eq!(run(Duration::from_millis(1), 1, 1_000, |_, _| 1e6), [(0, 1)]);
    }
}

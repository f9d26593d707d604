// SPDX-License-Identifier: GPL-3.0-or-later
//! How many transfers help: begin with one, add one after another as long as the measured total grows, and
//! go back to what sufficed when it does not. Pure.
//!
//! A connection needs a while to show what it brings. So the total is compared where there are two, and then
//! where there are twice or eight times as many, and on the way there the next one does not wait for what the
//! last one brings: only until that has answered, or for a part of the time that this takes. It is not added where
//! the total sinks.

use std::time::Duration;

use crate::engine::types::Moment;

/// A rate is measured over at least so much time...
const SHORTEST_WINDOW: Duration = Duration::from_millis(3);
/// ...this many bytes for each transfer...
const WINDOW_BYTES: u64 = 64 * 1024;
/// ...and at most over so much time.
const LONGEST_WINDOW: Duration = Duration::from_secs(1);
/// What has taken a while is looked at again after this part of it: it makes little difference then, and of
/// hundreds of slow downloads each look is one too many.
const PATIENCE: u32 = 4;
/// While the second half of a window is faster than the first by this factor, TCP is still finding its
/// speed (slow start), which says nothing about more connections; so many windows of it are passed over.
const STILL_GROWING: f64 = 1.3;
const MOST_GROWING_WINDOWS: u32 = 7;
/// Of what the new transfers could have added, this much must have come for them to be kept...
const WORTH_KEEPING: f64 = 0.3;
/// ...and if so much came, the limit is one of each connection, and many are added before the next comparison.
const NEARLY_ALL: f64 = 0.8;
/// How many times as many as before that is.
const MANY: usize = 8;
/// The next one is added at the latest after this part of the time that a transfer takes to its first byte: a
/// server that turns some away sees few requests too many, and the sum of all is there soon.
const PACE: u32 = 8;
/// So many windows pass, besides those of slow start, before the one by which it is believed that more do
/// not help: they have to find their speed, and lost packets make all of it uneven.
const MOST_TRIAL_WINDOWS: u32 = 3;
/// A total that sinks below this with more transfers than before is no work of theirs: what was measured
/// before was the line before it lost packets, or had others on it.
const SUNK: f64 = 0.8;
/// What is gained below this factor may be chance...
const TANGIBLE: f64 = 1.2;
/// ...and of what is gained above it, the transfers that it took are kept with some to spare.
const SPARE: f64 = 1.25;
/// One more is tried only if the file would take so many times longer than a new transfer needs to begin:
/// where it is of no help, it takes about a third of that to find out, and as long until its connection,
/// which goes on alone, is as fast as the other one was.
const WORTH_A_TRIAL: u32 = 30;
/// The same where lost packets hold it back: it will not stay as fast as it is in slow start.
const WORTH_MANY: u32 = 10;
/// How many looks there are in the first window, to see soon that packets are lost...
const FIRST_LOOKS: u32 = 8;
/// ...and how long it is from one to the next one at least.
const SHORTEST_LOOK: Duration = Duration::from_millis(10);
/// How long to wait before trying again whether more help now: doubled each time. Short at first, because
/// what was measured while the network or this machine was busy with something else may be wrong.
const FIRST_REST: Duration = Duration::from_secs(1);
const MOST_DOUBLINGS: u32 = 7;

/// Finds the number of transfers to run.
#[derive(Clone, Debug)]
pub struct Ramp {
    target: usize,
    /// How many there will be when the total is compared next.
    goal: usize,
    /// What sufficed before, and the bytes a second that came then.
    before: Option<(usize, f64)>,
    phase: Phase,
    rests: u32,
    /// Those last added are there to find out whether they help.
    is_trial: bool,
}

#[derive(Clone, Debug)]
enum Phase {
    /// Adds one transfer after another up to the goal, the last one at `last`.
    Adding {
        begin: Sample,
        last: Moment,
    },
    /// Waits until all transfers wanted are flowing.
    Gathering {
        since: Option<Moment>,
    },
    Measuring {
        begin: Sample,
        half: Option<Sample>,
        windows: Windows,
    },
    Resting {
        until: Moment,
    },
}

/// How many windows have passed that proved nothing, and why.
#[derive(Clone, Copy, Debug, Default)]
struct Windows {
    growing: u32,
    trial: u32,
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
    /// Bytes that have not come.
    pub left: u64,
    /// Packets are lost on the line though it is not full, as far as that can be known.
    pub is_lossy: bool,
}

impl Default for Ramp {
    fn default() -> Self {
        Self { target: 1, goal: 1, before: None, phase: Phase::Gathering { since: None }, rests: 0, is_trial: false }
    }
}

impl Ramp {
    /// How many transfers to run.
    pub fn target(&self) -> usize {
        self.target
    }

    /// Whether it is not known yet that one more transfer helps: it should then get what it can fetch in
    /// a short time, so that it can be done without.
    pub fn is_trial(&self) -> bool {
        self.is_trial
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
        self.goal = self.goal.clamp(self.target, most);
        match self.phase {
            Phase::Adding { begin, last } => self.add(sight, begin, last),
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
            if self.before.is_none() {
                // Some that were of no help may still be at what they were given.
                self.target = sight.flowing.min(sight.most);
            }
            let begin = Sample { at: sight.now, bytes: sight.received };
            self.phase = Phase::Measuring { begin, half: None, windows: Windows::default() };
            return self.again(sight, 2, Duration::ZERO);
        }
        if sight.now - since > LONGEST_WINDOW + sight.setup * 4 {
            // Those that do not come are no help.
            return self.rest(sight, sight.flowing.max(1));
        }
        self.phase = Phase::Gathering { since: Some(since) };
        let waited = sight.now - since;
        Some(sight.now + sight.setup.clamp(SHORTEST_WINDOW, LONGEST_WINDOW).max(waited / PATIENCE))
    }

    fn measure(&mut self, sight: Sight, begin: Sample, half: Option<Sample>, mut windows: Windows) -> Option<Moment> {
        let here = Sample { at: sight.now, bytes: sight.received };
        let length = window(sight);
        let waited = here.at - begin.at;
        let is_far = |part: u32| {
            let bytes = WINDOW_BYTES * self.target as u64 / u64::from(part);
            waited >= LONGEST_WINDOW / part
                || (waited >= length / part && here.bytes.saturating_sub(begin.bytes) >= bytes)
        };
        // After one round trip, which is half of what a transfer takes to begin, there is a rate.
        if self.is_held_back(sight) && waited >= length / 4 {
            let latest = half.filter(|half| here.at - half.at >= length / 4);
            return self.conclude(sight, rate(latest.unwrap_or(begin), here));
        }
        let Some(middle) = half else {
            let half = is_far(2).then_some(here);
            self.phase = Phase::Measuring { begin, half, windows };
            return self.again(sight, 2, waited);
        };
        if !is_far(1) {
            return self.again(sight, 4, waited);
        }
        let (first, second) = (rate(begin, middle), rate(middle, here));
        let rate = rate(begin, here);
        let counter = if second > first * STILL_GROWING && windows.growing < MOST_GROWING_WINDOWS {
            &mut windows.growing
        } else if self.gained(rate) < WORTH_KEEPING && !self.makes_up(sight, rate) && windows.trial < MOST_TRIAL_WINDOWS
        {
            &mut windows.trial
        } else {
            return self.conclude(sight, rate);
        };
        *counter += 1;
        self.phase = Phase::Measuring { begin: here, half: None, windows };
        self.again(sight, 2, Duration::ZERO)
    }

    /// When to look again while it is measured: after this part of the window, sooner where lost packets would be
    /// answered at once.
    fn again(&self, sight: Sight, part: u32, waited: Duration) -> Option<Moment> {
        let length = window(sight);
        let often = if self.is_first() { (length / FIRST_LOOKS).max(SHORTEST_LOOK) } else { length };
        Some(sight.now + (length / part).min(often).max(waited / PATIENCE))
    }

    /// Nothing was tried so far.
    fn is_first(&self) -> bool {
        self.before.is_none() && self.rests == 0
    }

    /// Whether it is likely that lost packets hold the first transfer back, which many make up for: after
    /// a rest it is known whether they do.
    fn is_held_back(&self, sight: Sight) -> bool {
        self.is_first() && sight.is_lossy
    }

    /// Whether those that were added make up for lost packets: then each is held back by these, and not all by the
    /// line, though the first one seemed faster before it lost any.
    fn makes_up(&self, sight: Sight, rate: f64) -> bool {
        sight.is_lossy && self.before.is_some_and(|(_, old)| rate > old * TANGIBLE)
    }

    /// How much came of what those that were added could have brought at most; 1 where none were added.
    fn gained(&self, rate: f64) -> f64 {
        let Some((before, old)) = self.before else { return 1.0 };
        let possible = self.target as f64 / before as f64 - 1.0;
        (rate / old.max(1.0) - 1.0) / possible.max(f64::MIN_POSITIVE)
    }

    /// A rate has been measured with `target` transfers.
    fn conclude(&mut self, sight: Sight, rate: f64) -> Option<Moment> {
        let time_left = sight.left as f64 / rate.max(1.0);
        let factor = match self.before {
            None => {
                let worth = if self.is_held_back(sight) { WORTH_MANY } else { WORTH_A_TRIAL };
                if time_left < (sight.setup * worth).as_secs_f64() {
                    self.phase = Phase::Gathering { since: None };
                    return Some(sight.now + window(sight) / 2);
                }
                if self.is_held_back(sight) { MANY } else { 2 }
            }
            Some((before, old)) => {
                let gained = self.gained(rate);
                let makes_up = self.makes_up(sight, rate);
                if gained < WORTH_KEEPING && rate > old * SUNK && !makes_up {
                    // Fewer would have to find their speed again.
                    let is_soon_over = time_left < (sight.setup * WORTH_A_TRIAL).as_secs_f64();
                    let enough = if is_soon_over { self.target } else { self.enough(before, rate / old.max(1.0)) };
                    return self.rest(sight, enough);
                }
                if gained >= NEARLY_ALL || makes_up { MANY } else { 2 }
            }
        };
        if self.target >= sight.most {
            return self.rest(sight, self.target);
        }
        self.before = Some((self.target, rate));
        self.is_trial = factor == 2;
        self.goal = (self.target * factor).min(sight.most);
        self.add_one(sight, Sample { at: sight.now, bytes: sight.received })
    }

    fn add(&mut self, sight: Sight, begin: Sample, last: Moment) -> Option<Moment> {
        let next = last + sight.setup / PACE;
        if sight.flowing < self.target && sight.now < next {
            return Some(next);
        }
        let here = Sample { at: sight.now, bytes: sight.received };
        let has_shown = here.at - begin.at >= window(sight);
        if has_shown && self.before.is_some_and(|(_, old)| rate(begin, here) < old) {
            self.goal = self.target;
            return self.gather(sight, None);
        }
        self.add_one(sight, begin)
    }

    fn add_one(&mut self, sight: Sight, begin: Sample) -> Option<Moment> {
        self.target += 1;
        let setup = sight.setup.clamp(SHORTEST_WINDOW, LONGEST_WINDOW);
        let (phase, wait) = if self.target < self.goal {
            (Phase::Adding { begin, last: sight.now }, setup / PACE)
        } else {
            (Phase::Gathering { since: Some(sight.now) }, setup)
        };
        self.phase = phase;
        Some(sight.now + wait)
    }

    /// How many would have brought what came: between those before and those now.
    fn enough(&self, before: usize, factor: f64) -> usize {
        if factor < TANGIBLE { before } else { ((before as f64 * factor * SPARE).ceil() as usize).min(self.target) }
    }

    fn rest(&mut self, sight: Sight, target: usize) -> Option<Moment> {
        self.target = target;
        self.goal = target;
        self.is_trial = false;
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
mod tests;

// SPDX-License-Identifier: GPL-3.0-or-later
//! Speeds: the one budget that all transfers draw from, and the measure of how fast a download is.

use std::collections::VecDeque;
use std::time::Duration;

use super::types::{Moment, Speed};

/// How much unused budget may gather, in time: so much is let through at once after a pause.
const BURST: Duration = Duration::from_millis(100);

/// A token bucket (bytes) over all transfers. A taker may overdraw it by its one piece; what comes
/// next waits until the debt is paid, so the mean is exact whatever the size of the pieces.
#[derive(Debug, Default)]
pub struct Budget {
    rate: Option<Speed>,
    /// Bytes; below zero is debt.
    tokens: f64,
    filled_at: Moment,
}

impl Budget {
    pub fn set_rate(&mut self, rate: Option<Speed>, now: Moment) {
        self.fill(now);
        self.rate = rate.filter(|rate| rate.0 > 0);
        // A budget saved up, or owed, under another rate means nothing under this one.
        self.tokens = 0.0;
        self.filled_at = now;
    }

    pub fn is_limited(&self) -> bool {
        self.rate.is_some()
    }

    /// Takes `bytes` out; `false`: not now, ask again at [`Budget::ready_at`].
    pub fn take(&mut self, bytes: usize, now: Moment) -> bool {
        if self.rate.is_none() {
            return true;
        }
        self.fill(now);
        if self.tokens < 0.0 {
            return false;
        }
        self.tokens -= bytes as f64;
        true
    }

    /// When something can be taken again; `None` when that is now.
    pub fn ready_at(&self) -> Option<Moment> {
        let rate = self.rate?;
        (self.tokens < 0.0).then(|| self.filled_at + Duration::from_secs_f64(-self.tokens / rate.0 as f64))
    }

    fn fill(&mut self, now: Moment) {
        if let Some(rate) = self.rate {
            let grown = self.tokens + (now - self.filled_at).as_secs_f64() * rate.0 as f64;
            self.tokens = grown.min(rate.0 as f64 * BURST.as_secs_f64());
        }
        self.filled_at = now;
    }
}

/// Over how long a speed is measured.
const WINDOW: Duration = Duration::from_secs(4);

/// Measures a speed over the last few seconds.
#[derive(Debug, Default)]
pub struct Meter {
    /// (when, bytes received in all by then), oldest first.
    samples: VecDeque<(Moment, u64)>,
}

impl Meter {
    /// Begins anew from here: after a pause the old speed says nothing.
    pub fn restart(&mut self, now: Moment, received: u64) {
        self.samples.clear();
        self.samples.push_back((now, received));
    }

    pub fn sample(&mut self, now: Moment, received: u64) {
        // One sample older than the window stays, so that the window is always covered.
        while self.samples.get(1).is_some_and(|(at, _)| now - *at >= WINDOW) {
            self.samples.pop_front();
        }
        self.samples.push_back((now, received));
    }

    pub fn speed(&self) -> Speed {
        let (Some((first, from)), Some((last, to))) = (self.samples.front(), self.samples.back()) else {
            return Speed(0);
        };
        let seconds = (*last - *first).as_secs_f64();
        if seconds < 0.05 {
            return Speed(0);
        }
        Speed((to.saturating_sub(*from) as f64 / seconds) as u64)
    }
}

/// How long `missing` bytes take; `None` when nothing moves. Whole seconds, rounded up.
pub fn time_left(missing: u64, speed: Speed) -> Option<Duration> {
    (speed.0 > 0).then(|| Duration::from_secs(missing.div_ceil(speed.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Moment {
        Moment(Duration::from_millis(ms))
    }

    /// Many takers ask whenever they may, for ten seconds.
    fn taken_in_ten_seconds(rate: u64, piece: usize) -> f64 {
        let mut budget = Budget::default();
        budget.set_rate(Some(Speed(rate)), at(0));
        let (mut now, mut taken) = (at(0), 0);
        while now < at(10_000) {
            while budget.take(piece, now) {
                taken += piece;
            }
            now = budget.ready_at().unwrap() + Duration::from_micros(300);
        }
        taken as f64
    }

    #[test]
    fn the_rate_holds_whatever_the_size_of_the_pieces() {
        for (rate, piece) in [(1_000_000, 16_384), (20_000, 16_384), (100_000_000, 16_384), (50_000, 1)] {
            let ratio = taken_in_ten_seconds(rate, piece) / (rate as f64 * 10.0);
            // One piece of overdraft may stand at the end; at small rates that is visible.
            let slack = 0.02 + piece as f64 / (rate as f64 * 10.0);
            assert!((ratio - 1.0).abs() <= slack, "rate {rate}, piece {piece}: {ratio}");
        }
    }

    #[test]
    fn without_a_rate_everything_passes_and_a_pause_saves_up_little() {
        let mut budget = Budget::default();
        assert!(budget.take(usize::MAX, at(0)) && budget.take(usize::MAX, at(0)));
        budget.set_rate(Some(Speed(1000)), at(0));
        let mut burst = 0;
        while budget.take(1, at(60_000)) {
            burst += 1;
        }
        assert_eq!(burst, 101, "a tenth of a second's worth and one overdraft");
    }

    #[test]
    fn a_meter_forgets_what_is_older_than_its_window() {
        let mut meter = Meter::default();
        meter.restart(at(0), 0);
        assert_eq!(meter.speed(), Speed(0));
        for second in 1..=10 {
            meter.sample(at(second * 1000), second * 1000);
        }
        assert_eq!(meter.speed(), Speed(1000));
        for second in 11..=16 {
            meter.sample(at(second * 1000), 10_000);
        }
        assert_eq!(meter.speed(), Speed(0));
    }

    #[test]
    fn time_left_is_rounded_up_and_unknown_when_nothing_moves() {
        assert_eq!(time_left(1001, Speed(1000)), Some(Duration::from_secs(2)));
        assert_eq!(time_left(1, Speed(0)), None);
    }
}

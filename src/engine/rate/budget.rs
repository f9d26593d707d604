// SPDX-License-Identifier: GPL-3.0-or-later
//! A token bucket.

use std::time::Duration;

use crate::engine::types::{Moment, Speed};

/// How much unused budget may gather, in time: so much is let through at once after a pause. In five
/// seconds that is three percent; and what a busy main loop was late for can be made up for.
const BURST: Duration = Duration::from_millis(150);

/// A token bucket of bytes. A taker may overdraw it by its one piece; what comes next waits until
/// the debt is paid, so the mean is exact whatever the size of the pieces.
#[derive(Debug, Default)]
pub struct Budget {
    rate: Option<Speed>,
    /// Bytes; below zero is debt.
    tokens: f64,
    filled_at: Moment,
}

impl Budget {
    /// A budget saved up, or owed, under another rate means nothing under this one. The same rate
    /// again changes nothing, and tells so.
    pub fn set_rate(&mut self, rate: Option<Speed>, now: Moment) -> bool {
        let rate = rate.filter(|rate| rate.0 > 0);
        let is_change = rate != self.rate;
        if is_change {
            *self = Self { rate, tokens: 0.0, filled_at: now };
        }
        is_change
    }

    pub fn rate(&self) -> Option<Speed> {
        self.rate
    }

    /// Whether something may be taken.
    pub fn is_ready(&self, now: Moment) -> bool {
        self.ready_at().is_none_or(|at| at <= now)
    }

    /// From when on something may be taken; `None` when that is so already.
    pub fn ready_at(&self) -> Option<Moment> {
        let rate = self.rate?;
        (self.tokens < 0.0).then(|| self.filled_at + Duration::from_secs_f64(-self.tokens / rate.0 as f64))
    }

    /// Takes `bytes` out, whether or not they are there.
    pub fn charge(&mut self, bytes: usize, now: Moment) {
        let Some(rate) = self.rate else { return };
        let grown = self.tokens + (now - self.filled_at).as_secs_f64() * rate.0 as f64;
        self.tokens = grown.min(rate.0 as f64 * BURST.as_secs_f64()) - bytes as f64;
        self.filled_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Moment {
        Moment(Duration::from_millis(ms))
    }

    /// Takes whenever it may, for ten seconds.
    fn taken_in_ten_seconds(rate: u64, piece: usize) -> f64 {
        let mut budget = Budget::default();
        budget.set_rate(Some(Speed(rate)), at(0));
        let (mut now, mut taken) = (at(0), 0);
        while now < at(10_000) {
            while budget.is_ready(now) {
                budget.charge(piece, now);
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
            let slack = 0.03 + piece as f64 / (rate as f64 * 10.0);
            assert!((ratio - 1.0).abs() <= slack, "rate {rate}, piece {piece}: {ratio}");
        }
    }

    #[test]
    fn without_a_rate_everything_passes_and_a_pause_saves_up_little() {
        let mut budget = Budget::default();
        budget.charge(usize::MAX, at(0));
        assert!(budget.is_ready(at(0)));
        budget.set_rate(Some(Speed(1000)), at(0));
        let mut burst = 0;
        while budget.is_ready(at(60_000)) {
            budget.charge(1, at(60_000));
            burst += 1;
        }
        assert_eq!(burst, 151, "150 ms worth and one overdraft");
    }

    #[test]
    fn the_same_rate_again_forgives_no_debt_and_another_rate_does() {
        let mut budget = Budget::default();
        budget.set_rate(Some(Speed(1000)), at(0));
        budget.charge(5000, at(0));
        budget.set_rate(Some(Speed(1000)), at(1000));
        assert_eq!(budget.ready_at(), Some(at(5000)));
        budget.set_rate(Some(Speed(2000)), at(1000));
        assert!(budget.is_ready(at(1000)));
    }
}

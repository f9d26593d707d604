// SPDX-License-Identifier: GPL-3.0-or-later
//! How fast a download is, and how long it will take.

use std::collections::VecDeque;
use std::time::Duration;

use crate::engine::types::{Moment, Speed};

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

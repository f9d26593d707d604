// SPDX-License-Identifier: GPL-3.0-or-later
//! Whether downloads may run now, and until when that is so: the network, what it costs, and the hours that
//! the user allows. Pure.

use std::time::{Duration, SystemTime};

use crate::engine::download::state::Hold;
use crate::engine::rate::{Schedule, WeekMinute};

/// What is around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    pub is_there: bool,
    pub is_metered: bool,
}

/// What the user likes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    pub waits_on_metered: bool,
    /// When downloads may run; empty: always.
    pub hours: Schedule,
}

/// Why no downloads may run at this moment.
pub fn hold(network: Network, wishes: &Wishes, now: SystemTime) -> Option<Hold> {
    if !network.is_there {
        return Some(Hold::Offline);
    }
    if !wishes.hours.is_empty() && wishes.hours.at(WeekMinute::of(now)).is_none() {
        return Some(Hold::Hours { until: next_change(wishes, now) });
    }
    (network.is_metered && wishes.waits_on_metered).then_some(Hold::Metered)
}

/// When the hours for downloads begin or end next.
pub fn next_change(wishes: &Wishes, now: SystemTime) -> Option<SystemTime> {
    let wait = wishes.hours.next_change(WeekMinute::of(now))?;
    let seconds = now.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    let local = glib::DateTime::from_unix_local(i64::try_from(seconds).ok()?).ok()?;
    // By the clock on the wall: a night with a change to summer time is an hour shorter.
    let minute = local.hour() * 60 + local.minute() + i32::try_from(wait.as_secs() / 60).ok()?;
    const DAY: i32 = 24 * 60;
    let date = local.add_days(minute / DAY).ok()?;
    let (hour, minute) = (minute % DAY / 60, minute % 60);
    let change = glib::DateTime::from_local(date.year(), date.month(), date.day_of_month(), hour, minute, 0.0).ok()?;
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(change.to_unix()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONLINE: Network = Network { is_there: true, is_metered: false };

    fn at(hour: i32, minute: i32, seconds: f64) -> SystemTime {
        // A Wednesday.
        let time = glib::DateTime::from_local(2026, 1, 14, hour, minute, seconds).unwrap();
        SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(time.to_unix()).unwrap())
    }

    fn only(hours: &str) -> Wishes {
        Wishes { hours: Schedule::hours(hours).unwrap(), ..Wishes::default() }
    }

    #[test]
    fn without_a_network_nothing_else_counts() {
        let offline = Network { is_there: false, is_metered: true };
        let wishes = Wishes { waits_on_metered: true, ..only("Sun 03:00-04:00") };
        assert_eq!(hold(offline, &wishes, at(12, 0, 0.0)), Some(Hold::Offline));
        assert_eq!(hold(ONLINE, &Wishes::default(), at(12, 0, 0.0)), None);
    }

    #[test]
    fn a_metered_network_counts_only_where_the_user_likes() {
        let metered = Network { is_metered: true, ..ONLINE };
        assert_eq!(hold(metered, &Wishes::default(), at(12, 0, 0.0)), None);
        let careful = Wishes { waits_on_metered: true, ..Wishes::default() };
        assert_eq!(hold(metered, &careful, at(12, 0, 0.0)), Some(Hold::Metered));
    }

    #[test]
    fn outside_of_the_hours_the_next_one_is_waited_for() {
        let night = only("daily 22:00-06:00");
        let held = |hour, minute, seconds| hold(ONLINE, &night, at(hour, minute, seconds));
        assert_eq!(held(21, 59, 59.0), Some(Hold::Hours { until: Some(at(22, 0, 0.0)) }));
        assert_eq!(held(22, 0, 0.0), None);
        assert_eq!(held(5, 59, 0.0), None);
        assert_eq!(held(6, 0, 0.0), Some(Hold::Hours { until: Some(at(22, 0, 0.0)) }));
        assert_eq!(next_change(&night, at(3, 0, 7.0)), Some(at(6, 0, 0.0)));
        let day = Duration::from_secs(24 * 60 * 60);
        assert_eq!(next_change(&only("Thu 08:00-09:00"), at(9, 0, 0.0)), Some(at(8, 0, 0.0) + day));
        assert_eq!(next_change(&Wishes::default(), at(9, 0, 0.0)), None);
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Which limit is in force at which hour of which weekday. It knows nothing of dates: whoever asks
//! says what the clock on the wall shows, so a clock that is set, or summer time, needs no care here.

mod text;

use std::time::{Duration, SystemTime};

use crate::engine::types::Speed;

pub use text::ScheduleError;

/// The minutes of a day.
pub const DAY: u16 = 24 * 60;
const WEEK: u16 = 7 * DAY;

/// A weekday.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Day {
    pub const ALL: [Self; 7] =
        [Self::Monday, Self::Tuesday, Self::Wednesday, Self::Thursday, Self::Friday, Self::Saturday, Self::Sunday];
}

/// A set of weekdays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Days(u8);

impl Days {
    pub const EVERY: Self = Self(0x7f);

    pub fn has(self, day: Day) -> bool {
        self.0 & (1 << day as u8) != 0
    }

    #[must_use]
    pub fn with(self, day: Day) -> Self {
        Self(self.0 | 1 << day as u8)
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<Day> for Days {
    fn from_iter<I: IntoIterator<Item = Day>>(days: I) -> Self {
        days.into_iter().fold(Self::default(), Self::with)
    }
}

/// What the clock on the wall shows, to the minute: minutes since Monday 00:00, local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeekMinute(u16);

impl WeekMinute {
    /// `minute` counts from midnight.
    pub fn new(day: Day, minute: u16) -> Self {
        Self((day as u16 * DAY + minute) % WEEK)
    }

    /// In the time zone of this machine.
    pub fn of(time: SystemTime) -> Self {
        Self::in_zone(time, &glib::TimeZone::local())
    }

    fn in_zone(time: SystemTime, zone: &glib::TimeZone) -> Self {
        let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let utc = i64::try_from(seconds).ok().and_then(|seconds| glib::DateTime::from_unix_utc(seconds).ok());
        // Only a clock that shows a year above 9999 has no local time.
        let number = |number: i32| u16::try_from(number).unwrap_or_default();
        utc.and_then(|utc| utc.to_timezone(zone).ok()).map_or(Self(0), |local| {
            let day = number(local.day_of_week()).saturating_sub(1);
            Self((day * DAY + number(local.hour()) * 60 + number(local.minute())) % WEEK)
        })
    }

    fn minute(self) -> u16 {
        self.0 % DAY
    }

    fn day(self) -> Day {
        Day::ALL.get(usize::from(self.0 / DAY)).copied().unwrap_or(Day::Sunday)
    }

    fn later(self, minutes: u16) -> Self {
        Self((self.0 + minutes) % WEEK)
    }
}

/// A limit for some hours of some weekdays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The days on which it begins.
    pub days: Days,
    /// Minutes since midnight, 0 to 1439.
    pub from: u16,
    /// Minutes since midnight, 1 to 1440, the first that is no longer in it. Not after `from`: of
    /// the next day.
    pub to: u16,
    /// `None`: as fast as it goes.
    pub rate: Option<Speed>,
}

impl Window {
    /// Whether it can be written: on no day it never is, and one that ends when it begins could mean none or all
    /// of the day.
    pub fn is_meant(&self) -> bool {
        !self.days.is_empty() && self.from != self.to
    }

    pub fn covers(&self, at: WeekMinute) -> bool {
        let minute = at.minute();
        let begins = self.days.has(at.day()) && minute >= self.from;
        if self.from < self.to {
            return begins && minute < self.to;
        }
        begins || (minute < self.to && self.days.has(at.later(WEEK - DAY).day()))
    }
}

/// Limits for hours of the week. The first window that covers a time counts.
///
/// As text: `Mon-Fri 08:00-18:00 500K; Sat,Sun 00:00-24:00 2M; daily 23:00-06:00 unlimited`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    pub windows: Vec<Window>,
}

impl Schedule {
    pub fn is_empty(&self) -> bool {
        self.windows.is_empty()
    }

    /// The window in force; `None` where there is none, and the plain limit counts.
    pub fn at(&self, at: WeekMinute) -> Option<&Window> {
        self.windows.iter().find(|window| window.covers(at))
    }

    /// How long after the beginning of this minute another limit, or none, comes into force; `None`
    /// if that never happens. Only for people: a clock may be set meanwhile.
    pub fn next_change(&self, at: WeekMinute) -> Option<Duration> {
        let now = self.at(at).map(|window| window.rate);
        let begins_or_ends = self.windows.iter().flat_map(|window| [window.from, window.to]);
        // How long until each of these times of day comes, on each of the next seven days.
        let waits = begins_or_ends.flat_map(|minute| {
            let first = (minute % DAY + DAY - at.minute()) % DAY;
            (0..=7).map(move |day| first + day * DAY)
        });
        let changes = waits.filter(|wait| self.at(at.later(*wait)).map(|window| window.rate) != now);
        changes.min().map(|minutes| Duration::from_secs(60 * u64::from(minutes)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn schedule(text: &str) -> Schedule {
        text.parse().unwrap()
    }

    fn at(day: Day, hour: u16, minute: u16) -> WeekMinute {
        WeekMinute::new(day, hour * 60 + minute)
    }

    fn rate(schedule: &Schedule, at: WeekMinute) -> Option<Option<u64>> {
        schedule.at(at).map(|window| window.rate.map(|rate| rate.0))
    }

    /// How many minutes a window is in force on a day on which the clock is set, in middle Europe.
    fn minutes(text: &str, begin: u64) -> usize {
        let zone = glib::TimeZone::from_identifier(Some("CET-1CEST,M3.5.0,M10.5.0/3")).unwrap();
        let schedule: Schedule = text.parse().unwrap();
        // Until after the midnight that follows.
        let moments = (0..30 * 60).map(|minute| SystemTime::UNIX_EPOCH + Duration::from_secs(begin + minute * 60));
        moments.filter(|at| schedule.at(WeekMinute::in_zone(*at, &zone)).is_some()).count()
    }

    #[test]
    fn on_days_on_which_the_clock_is_set_it_counts_what_the_clock_shows() {
        // 23:00 there before the Sundays 29 March and 25 October 2026.
        let (spring, autumn) = (1_774_735_200, 1_792_875_600);
        for (window, in_spring, in_autumn) in [
            ("Sun 00:00-24:00 1K", 23 * 60, 25 * 60),
            ("Sun 02:30-03:30 1K", 30, 90),
            ("Sat 23:30-02:30 1K", 2 * 60 + 30, 3 * 60 + 30),
            ("Sun 04:00-05:00 1K", 60, 60),
        ] {
            assert_eq!((minutes(window, spring), minutes(window, autumn)), (in_spring, in_autumn), "{window}");
        }
    }

    #[test]
    fn a_window_begins_with_its_first_minute_and_ends_before_its_last() {
        let schedule = schedule("Mon-Fri 08:00-18:00 500");
        for (day, hour, minute, wanted) in [
            (Day::Monday, 7, 59, None),
            (Day::Monday, 8, 0, Some(Some(500))),
            (Day::Friday, 17, 59, Some(Some(500))),
            (Day::Friday, 18, 0, None),
            (Day::Saturday, 12, 0, None),
        ] {
            assert_eq!(rate(&schedule, at(day, hour, minute)), wanted, "{day:?} {hour}:{minute}");
        }
    }

    #[test]
    fn a_window_past_midnight_belongs_to_the_day_it_begins_on() {
        let schedule = schedule("Sun 23:00-06:00 unlimited");
        assert_eq!(rate(&schedule, at(Day::Sunday, 23, 0)), Some(None));
        assert_eq!(rate(&schedule, at(Day::Monday, 5, 59)), Some(None), "also from one week to the next");
        assert_eq!(rate(&schedule, at(Day::Monday, 6, 0)), None);
        assert_eq!(rate(&schedule, at(Day::Sunday, 5, 0)), None);
        assert_eq!(rate(&schedule, at(Day::Monday, 23, 30)), None);
    }

    #[test]
    fn the_first_window_counts() {
        let schedule = schedule("Wed 12:00-13:00 unlimited; daily 08:00-18:00 1K");
        assert_eq!(rate(&schedule, at(Day::Wednesday, 12, 30)), Some(None));
        assert_eq!(rate(&schedule, at(Day::Wednesday, 13, 0)), Some(Some(1024)));
        assert_eq!(rate(&schedule, at(Day::Tuesday, 12, 30)), Some(Some(1024)));
    }

    #[test]
    fn the_next_change_is_where_another_limit_begins() {
        let minutes = |minutes: u64| Some(Duration::from_secs(60 * minutes));
        let week = schedule("Mon-Fri 08:00-18:00 1K");
        assert_eq!(week.next_change(at(Day::Monday, 8, 0)), minutes(600));
        assert_eq!(week.next_change(at(Day::Friday, 18, 0)), minutes(62 * 60), "over the weekend");
        // Where one window follows another with the same limit nothing changes.
        let halves = schedule("daily 00:00-12:00 1K; daily 12:00-24:00 1K");
        assert_eq!(halves.next_change(at(Day::Monday, 11, 0)), None);
        assert_eq!(Schedule::default().next_change(at(Day::Monday, 0, 0)), None);
        let once = schedule("Mon 10:00-10:01 1K");
        assert_eq!(once.next_change(at(Day::Monday, 10, 1)), minutes(7 * 24 * 60 - 1));
    }

    #[test]
    fn the_clock_on_the_wall_is_read_in_local_time() {
        let now = SystemTime::now();
        let local = glib::DateTime::now_local().unwrap();
        let read = WeekMinute::of(now);
        assert_eq!(read.day() as i32 + 1, local.day_of_week());
        let minute = local.hour() * 60 + local.minute();
        assert!((i32::from(read.minute()) - minute).abs() <= 1, "{read:?}, {minute}");
    }

    prop_compose! {
        fn window()(days in 1_u8..0x80, from in 0..DAY, to in 1..=DAY, rate in proptest::option::of(1_u64..)) -> Window {
            // One minute to the same minute is not written: it could mean none or all of the day.
            let to = if from == to { DAY } else { to };
            Window { days: Days(days), from, to, rate: rate.map(Speed) }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_the_same(windows in proptest::collection::vec(window(), 0..6)) {
            let schedule = Schedule { windows };
            prop_assert_eq!(schedule.to_string().parse(), Ok(schedule));
        }

        #[test]
        fn hours_are_written_without_limits_and_read_as_the_same(
            windows in proptest::collection::vec(window(), 0..6),
        ) {
            let hours = windows.into_iter().map(|window| Window { rate: None, ..window }).collect();
            let hours = Schedule { windows: hours };
            prop_assert_eq!(Schedule::hours(&hours.to_hours()), Ok(hours));
        }

        /// What can be written is what is meant: of all else nothing could be read back.
        #[test]
        fn what_is_not_meant_can_not_be_read_back(
            // Drawn by chance alone, an end that is the beginning, or no day at all, would hardly ever come up.
            days in prop_oneof![1 => Just(0), 3 => 1_u8..0x80],
            (from, to) in prop_oneof![1 => (1..DAY).prop_map(|minute| (minute, minute)), 3 => (0..DAY, 1..=DAY)],
        ) {
            let window = Window { days: Days(days), from, to, rate: None };
            let read = Schedule::hours(&Schedule { windows: vec![window] }.to_hours());
            prop_assert_eq!(read == Ok(Schedule { windows: vec![window] }), window.is_meant());
        }

        #[test]
        fn no_text_makes_it_panic(text in "[A-Za-z0-9:;, -]{0,40}") {
            if let Ok(schedule) = text.parse::<Schedule>() {
                prop_assert_eq!(schedule.to_string().parse(), Ok(schedule));
            }
        }

        /// Each day's window lasts as long as it says, wherever in the week it lies.
        #[test]
        fn a_window_lasts_as_long_as_it_says(window in window()) {
            let covered = (0..WEEK).filter(|minute| window.covers(WeekMinute(*minute))).count();
            let length = (usize::from(window.to) + usize::from(DAY) - usize::from(window.from) - 1) % usize::from(DAY) + 1;
            prop_assert_eq!(covered, length * window.days.0.count_ones() as usize);
        }

        /// It is what a walk through the week minute by minute finds.
        #[test]
        fn the_next_change_is_the_first_minute_with_another_limit(
            windows in proptest::collection::vec(window(), 0..4),
            now in 0..WEEK,
        ) {
            let schedule = Schedule { windows };
            let rate = |minute| schedule.at(WeekMinute(minute % WEEK)).map(|window| window.rate);
            let found = (1..WEEK).find(|wait| rate(now + wait) != rate(now));
            let told = schedule.next_change(WeekMinute(now)).map(|wait| wait.as_secs() / 60);
            prop_assert_eq!(told, found.map(u64::from));
        }
    }
}

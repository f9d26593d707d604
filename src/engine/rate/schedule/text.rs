// SPDX-License-Identifier: GPL-3.0-or-later
//! A schedule as people write it: `Mon-Fri 08:00-18:00 500K; daily 23:00-06:00 unlimited`.

use std::fmt;
use std::str::FromStr;

use super::{DAY, Day, Days, Schedule, Window};
use crate::engine::rate::text::{RateError, parse_rate, write_rate};
use crate::engine::types::Speed;

const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const DAILY: &str = "daily";
const UNLIMITED: &str = "unlimited";

/// Why a text is no schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    #[error("“{0}” is not of the form DAYS FROM-TO RATE, for example Mon-Fri 08:00-18:00 500K")]
    NotThreeParts(String),
    #[error("“{0}” is not of the form DAYS FROM-TO, for example Mon-Fri 22:00-06:00")]
    NotTwoParts(String),
    #[error(
        "“{0}” is not a weekday; write Mon, Tue, Wed, Thu, Fri, Sat, Sun, a range of them such as Mon-Fri, or daily"
    )]
    NotADay(String),
    #[error("“{0}” is not a span of time; write it as 08:00-18:00, or 23:00-06:00 for past midnight")]
    NotASpan(String),
    #[error("“{0}” ends when it begins; write 00:00-24:00 for the whole day")]
    Empty(String),
    #[error("“{text}” is not a rate: {error}; or write unlimited")]
    NotARate { text: String, error: RateError },
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    /// Windows are separated by semicolons. No window at all is an empty schedule.
    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let windows = text.split(';').map(str::trim).filter(|part| !part.is_empty());
        Ok(Self { windows: windows.map(window).collect::<Result<_, _>>()? })
    }
}

impl Schedule {
    /// Hours without limits: `Mon-Fri 22:00-06:00; Sat,Sun 00:00-24:00`.
    pub fn hours(text: &str) -> Result<Self, ScheduleError> {
        let windows = text.split(';').map(str::trim).filter(|part| !part.is_empty()).map(|part| {
            let mut words = part.split_whitespace();
            match (words.next(), words.next(), words.next()) {
                (Some(on), Some(span), None) => hours(on, span),
                _ => Err(ScheduleError::NotTwoParts(part.to_owned())),
            }
        });
        Ok(Self { windows: windows.collect::<Result<_, _>>()? })
    }

    /// What [`Schedule::hours`] reads as the same hours. Limits are not in it.
    pub fn to_hours(&self) -> String {
        self.windows.iter().map(Window::hours).collect::<Vec<_>>().join("; ")
    }
}

impl Window {
    fn hours(&self) -> String {
        let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        format!("{} {}-{}", self.days, time(self.from), time(self.to))
    }
}

fn window(text: &str) -> Result<Window, ScheduleError> {
    let mut words = text.split_whitespace();
    let (Some(on), Some(span), Some(rate), None) = (words.next(), words.next(), words.next(), words.next()) else {
        return Err(ScheduleError::NotThreeParts(text.to_owned()));
    };
    let mut window = hours(on, span)?;
    window.rate = limit(rate)?;
    Ok(window)
}

/// As fast as it goes.
fn hours(on: &str, span: &str) -> Result<Window, ScheduleError> {
    let not_a_span = || ScheduleError::NotASpan(span.to_owned());
    let (from, to) = span.split_once('-').ok_or_else(not_a_span)?;
    let from = minute(from).filter(|minute| *minute < DAY).ok_or_else(not_a_span)?;
    // Midnight at the end of a span is the end of a day.
    let to = minute(to).map(|minute| if minute == 0 { DAY } else { minute }).ok_or_else(not_a_span)?;
    if from == to {
        return Err(ScheduleError::Empty(span.to_owned()));
    }
    Ok(Window { days: days(on)?, from, to, rate: None })
}

fn days(text: &str) -> Result<Days, ScheduleError> {
    if text.eq_ignore_ascii_case(DAILY) {
        return Ok(Days::EVERY);
    }
    let mut days = Days::default();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (day(first)?, day(last)?);
        // From Saturday to Monday leads over the end of the week.
        for later in 0..=(last + 7 - first) % 7 {
            days = Day::ALL.get((first + later) % 7).map_or(days, |day| days.with(*day));
        }
    }
    Ok(days)
}

/// Its place in the week, Monday being 0.
fn day(text: &str) -> Result<usize, ScheduleError> {
    let place = NAMES.iter().position(|name| name.eq_ignore_ascii_case(text));
    place.ok_or_else(|| ScheduleError::NotADay(text.to_owned()))
}

/// `HH:MM` as minutes since midnight, 24:00 being the last.
fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let is_time =
        |text: &str, most: usize| (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if !is_time(hours, 2) || !is_time(minutes, 2) || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes) = (hours.parse::<u16>().ok()?, minutes.parse::<u16>().ok()?);
    let minute = hours * 60 + minutes;
    (minutes < 60 && minute <= DAY).then_some(minute)
}

fn limit(text: &str) -> Result<Option<Speed>, ScheduleError> {
    if text.eq_ignore_ascii_case(UNLIMITED) {
        return Ok(None);
    }
    parse_rate(text).map(Some).map_err(|error| ScheduleError::NotARate { text: text.to_owned(), error })
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, window) in self.windows.iter().enumerate() {
            let between = if place == 0 { "" } else { "; " };
            write!(f, "{between}{window}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.rate.map_or_else(|| UNLIMITED.to_owned(), write_rate);
        write!(f, "{} {rate}", self.hours())
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Days::EVERY {
            return f.write_str(DAILY);
        }
        // Days that follow each other, as (first, last).
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for (place, _) in Day::ALL.iter().enumerate().filter(|(_, day)| self.has(**day)) {
            match runs.last_mut() {
                Some((_, last)) if *last + 1 == place => *last = place,
                _ => runs.push((place, place)),
            }
        }
        let name = |place: usize| NAMES.get(place).copied().unwrap_or_default();
        for (nth, (first, last)) in runs.iter().enumerate() {
            let between = if nth == 0 { "" } else { "," };
            match last - first {
                0 => write!(f, "{between}{}", name(*first))?,
                1 => write!(f, "{between}{},{}", name(*first), name(*last))?,
                _ => write!(f, "{between}{}-{}", name(*first), name(*last))?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_people_write_it_and_written_in_one_way() {
        for (written, read) in [
            ("", ""),
            (" ; ", ""),
            ("mon-fri 8:00-18:00 500k", "Mon-Fri 08:00-18:00 500K"),
            ("Sun,SAT 00:00-24:00 2M;", "Sat,Sun 00:00-24:00 2M"),
            ("Sat-Mon 22:00-00:00 1.5M", "Mon,Sat,Sun 22:00-24:00 1536K"),
            ("Mon-Sun 23:00-06:00 UNLIMITED", "daily 23:00-06:00 unlimited"),
            ("Mon,Wed-Fri  1:00-2:00  1000 ; Tue 1:00-2:00 1G", "Mon,Wed-Fri 01:00-02:00 1000; Tue 01:00-02:00 1G"),
        ] {
            assert_eq!(written.parse::<Schedule>().unwrap().to_string(), read, "{written}");
        }
    }

    #[test]
    fn hours_are_read_and_written_without_limits() {
        for (written, read) in [
            ("", ""),
            ("mon-fri 22:00-6:00; Sat,Sun 00:00-00:00", "Mon-Fri 22:00-06:00; Sat,Sun 00:00-24:00"),
            ("Fri-Mon 1:00-2:00", "Mon,Fri-Sun 01:00-02:00"),
        ] {
            assert_eq!(Schedule::hours(written).unwrap().to_hours(), read, "{written}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_the_way_out() {
        for (text, says) in [
            ("Mon-Fri 500K", "“Mon-Fri 500K” is not of the form DAYS FROM-TO RATE"),
            ("daily 08:00-18:00 500K 2M", "is not of the form"),
            ("daily 08:00 - 18:00 500K", "is not of the form"),
            ("Someday 08:00-18:00 1K", "“Someday” is not a weekday; write Mon"),
            ("Mon, 08:00-18:00 1K", "“” is not a weekday"),
            ("Mon-Tue-Wed 08:00-18:00 1K", "“Tue-Wed” is not a weekday"),
            ("daily 8-18 1K", "“8-18” is not a span of time"),
            ("daily 08:00 1K", "“08:00” is not a span of time"),
            ("daily 08:60-18:00 1K", "is not a span of time"),
            ("daily 24:00-06:00 1K", "is not a span of time"),
            ("daily 08:00-24:01 1K", "is not a span of time"),
            ("daily 8:0-18:00 1K", "is not a span of time"),
            ("daily -1:00-18:00 1K", "is not a span of time"),
            ("daily 08:00-08:00 1K", "ends when it begins"),
            ("daily 08:00-18:00 fast", "“fast” is not a rate: write a number of bytes a second"),
            ("daily 08:00-18:00 0", "“0” is not a rate: a rate of less than one byte"),
            ("daily 08:00-18:00 1K; x", "“x” is not of the form"),
        ] {
            let error = text.parse::<Schedule>().unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}

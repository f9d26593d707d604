// SPDX-License-Identifier: GPL-3.0-or-later
//! A time of day as the clock of the user's country shows it, `22:00` or `10:00 PM`, and as it is typed.

use std::sync::{Mutex, PoisonError};

use crate::engine::rate::DAY;

const HOUR: u16 = 60;

/// Whether a clock counts the hours of the whole day or of each half of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hours {
    OfDay,
    OfHalfDay,
}

/// What the user chose for the clock of the desktop, and how times are written for it: known from the first time on, as
/// a search of the history writes many.
static CLOCK: Mutex<(Option<Hours>, Option<Form>)> = Mutex::new((None, None));

/// From now on times are written with these hours, `None` for those of the user's country.
pub fn choose(hours: Option<Hours>) {
    *CLOCK.lock().unwrap_or_else(PoisonError::into_inner) = (hours, None);
}

/// `minute` counts from midnight.
pub fn time(minute: u16) -> String {
    Form::now().time(minute)
}

/// As g_date_time_format() takes it.
pub(super) fn to_the_minute() -> String {
    Form::now().format("")
}

/// As g_date_time_format() takes it.
pub(super) fn to_the_second() -> String {
    Form::now().format("%S")
}

fn formatted(hour: i32, minute: i32, format: &str) -> String {
    let time = glib::DateTime::from_utc(2001, 1, 1, hour, minute, 7.0);
    time.and_then(|time| time.format(format)).map(Into::into).unwrap_or_default()
}

/// How times are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// With this between hours and minutes.
    OfDay(char),
    HalfFirst,
    HalfLast,
}

impl Form {
    fn now() -> Self {
        let mut clock = CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
        let (chosen, known) = &mut *clock;
        *known.get_or_insert_with(|| {
            let [usual, halved, half] = ["%X", "%r", "%p"].map(|format| formatted(22, 10, format));
            Self::of(&usual, &halved, &half, *chosen)
        })
    }

    fn time(self, minute: u16) -> String {
        let (hour, minute) = (i32::from(minute % DAY / HOUR), i32::from(minute % HOUR));
        formatted(hour, minute, &self.format(""))
    }

    /// By what the locale makes of 22:10:07, how it writes that with twelve hours, and what it calls that half of the day.
    fn of(usual: &str, halved: &str, half: &str, chosen: Option<Hours>) -> Self {
        let usual = usual.trim();
        let is_halved = match chosen {
            Some(hours) => hours == Hours::OfHalfDay,
            None => usual.contains(half) && !usual.contains("22"),
        };
        match usual.strip_prefix("22").and_then(|rest| rest.chars().next()) {
            // Without a word for it nobody knew which half is meant.
            _ if is_halved && !half.is_empty() => {
                if halved.trim().starts_with(half) {
                    Self::HalfFirst
                } else {
                    Self::HalfLast
                }
            }
            Some('.') => Self::OfDay('.'),
            _ => Self::OfDay(':'),
        }
    }

    fn format(self, seconds: &str) -> String {
        let sign = if let Self::OfDay(sign) = self { sign } else { ':' };
        let rest = if seconds.is_empty() { format!("{sign}%M") } else { format!("{sign}%M{sign}{seconds}") };
        match self {
            Self::OfDay(_) => format!("%H{rest}"),
            Self::HalfFirst => format!("%p %-I{rest}"),
            Self::HalfLast => format!("%-I{rest} %p"),
        }
    }
}

/// Reads `22:00`, `22.00`, `2200`, `22`, `10 pm`, and 24:00 as midnight: minutes from midnight.
pub fn read_time(text: &str) -> Option<u16> {
    read(text, &[formatted(10, 0, "%p"), formatted(22, 0, "%p")])
}

/// `halves` is what the locale calls morning and afternoon, if anything.
fn read(text: &str, halves: &[String; 2]) -> Option<u16> {
    let text = text.to_lowercase();
    let plain = text.replace('.', "");
    let [is_morning, is_evening] = [(0, "am"), (1, "pm")].map(|(which, english)| {
        let own = halves.get(which).map(|own| own.to_lowercase()).unwrap_or_default();
        !own.is_empty() && text.contains(&own) || plain.contains(english)
    });
    let numbers: Vec<_> = text.split(|sign: char| !sign.is_ascii_digit()).filter(|part| !part.is_empty()).collect();
    let (hour, minute) = match *numbers.as_slice() {
        [hour] if hour.len() <= 2 => (hour, "0"),
        [both] if both.len() <= 4 => both.split_at(both.len() - 2),
        [hour, minute] if minute.len() == 2 => (hour, minute),
        _ => return None,
    };
    let (hour, minute) = (hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?);
    let hour = match (is_morning, is_evening) {
        (true, false) if (1..=12).contains(&hour) => hour % 12,
        (false, true) if (1..=12).contains(&hour) => hour % 12 + 12,
        _ => hour,
    };
    let is_time = hour < 24 && minute < HOUR || (hour, minute) == (24, 0);
    is_time.then(|| (hour * HOUR + minute) % DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_that_of_the_locale() {
        for (usual, halved, half, format) in [
            ("22:10:07", "10:10:07 PM", "PM", "%H:%M"),
            ("22:10:07", "", "", "%H:%M"),
            ("22.10.07", "10.10.07 ip.", "ip.", "%H.%M"),
            ("10:10:07 PM", "10:10:07 PM", "PM", "%-I:%M %p"),
            ("UTC 10:10:07 م", "10:10:07 م", "م", "%-I:%M %p"),
            ("오후 10:10:07", "오후 10:10:07", "오후", "%p %-I:%M"),
            ("22時10分07秒", "午後10時10分07秒", "午後", "%H:%M"),
            ("", "", "", "%H:%M"),
        ] {
            assert_eq!(Form::of(usual, halved, half, None).format(""), format, "{usual}");
        }
    }

    #[test]
    fn the_clock_of_the_desktop_goes_before_that_of_the_locale() {
        let form = |usual, halved, half, hours| Form::of(usual, halved, half, Some(hours)).format("%S");
        assert_eq!(form("10:10:07 PM", "10:10:07 PM", "PM", Hours::OfDay), "%H:%M:%S");
        assert_eq!(form("22:10:07", "10:10:07 PM", "PM", Hours::OfHalfDay), "%-I:%M:%S %p");
        assert_eq!(form("22時10分07秒", "午後10時10分07秒", "午後", Hours::OfHalfDay), "%p %-I:%M:%S");
        assert_eq!(form("22:10:07", "", "", Hours::OfHalfDay), "%H:%M:%S", "no word for the half of the day");
    }

    #[test]
    fn times_of_half_a_day_begin_with_twelve_and_are_read_as_the_same() {
        let written = [0, 61, 12 * HOUR, 13 * HOUR].map(|minute| Form::HalfLast.time(minute));
        assert_eq!(written, ["12:00 AM", "1:01 AM", "12:00 PM", "1:00 PM"]);
        for form in [Form::HalfFirst, Form::HalfLast, Form::OfDay('.')] {
            for minute in 0..DAY {
                assert_eq!(read_time(&form.time(minute)), Some(minute), "{form:?}");
            }
        }
    }

    #[test]
    fn times_are_shown_with_hours_and_minutes() {
        assert_eq!([0, 61, 1439, 1440].map(time), ["00:00", "01:01", "23:59", "00:00"]);
    }

    #[test]
    fn times_are_read_as_people_type_them() {
        let halves = ["ص", "م"].map(str::to_owned);
        for (text, hour, minute) in [
            ("22:00", 22, 0),
            (" 7.30 ", 7, 30),
            ("22", 22, 0),
            ("2215", 22, 15),
            ("715", 7, 15),
            ("24:00", 0, 0),
            ("22 h 05", 22, 5),
            ("22時15分", 22, 15),
            ("10 pm", 22, 0),
            ("10:30 P.M.", 22, 30),
            ("12:15 am", 0, 15),
            ("12 PM", 12, 0),
            ("22:00 PM", 22, 0),
            ("10:30 م", 22, 30),
            ("10:30 ص", 10, 30),
        ] {
            assert_eq!(read(text, &halves), Some(hour * 60 + minute), "{text}");
        }
        for text in ["", "noon", "25:00", "24:01", "8:60", "8:5", "1:2:3", "12345", "99999999999:00"] {
            assert_eq!(read(text, &halves), None, "{text}");
        }
    }

    #[test]
    fn what_is_shown_is_read_as_the_same() {
        for minute in 0..DAY {
            assert_eq!(read_time(&time(minute)), Some(minute));
        }
    }
}

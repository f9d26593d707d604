// SPDX-License-Identifier: GPL-3.0-or-later
//! A time of day as the clock of the user's country shows it, `22:00` or `10:00 PM`, and as it is typed.

use crate::engine::rate::DAY;
use crate::i18n::gettext;

const HOUR: u16 = 60;

/// `minute` counts from midnight.
pub fn time(minute: u16) -> String {
    let (hour, minute) = (i32::from(minute % DAY / HOUR), i32::from(minute % HOUR));
    let evening = formatted(22, 10, "%X");
    // Translators: a time of day, as g_date_time_format() takes it; “%l:%M %p” is for am and pm.
    let format = format_of(&evening, &formatted(22, 10, "%p")).unwrap_or_else(|| gettext("%H:%M"));
    formatted(hour, minute, &format)
}

fn formatted(hour: i32, minute: i32, format: &str) -> String {
    let time = glib::DateTime::from_utc(2001, 1, 1, hour, minute, 7.0);
    time.and_then(|time| time.format(format)).map(Into::into).unwrap_or_default()
}

/// How the locale writes hours and minutes, by what it makes of 22:10:07 and what it calls that half of the day;
/// `None` where that can not be told.
fn format_of(evening: &str, half: &str) -> Option<String> {
    let evening = evening.trim();
    if !half.is_empty() && evening.contains(half) && !evening.contains("22") {
        return Some(if evening.starts_with(half) { "%p %-I:%M" } else { "%-I:%M %p" }.to_owned());
    }
    let (sign, rest) = evening.strip_prefix("22")?.split_once("10")?;
    (rest == format!("{sign}07") && matches!(sign, ":" | ".")).then(|| format!("%H{sign}%M"))
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
        for (evening, half, format) in [
            ("22:10:07", "", Some("%H:%M")),
            ("22:10:07", "PM", Some("%H:%M")),
            ("22.10.07", "", Some("%H.%M")),
            ("10:10:07 PM", "PM", Some("%-I:%M %p")),
            ("UTC 10:10:07 م", "م", Some("%-I:%M %p")),
            ("오후 10:10:07", "오후", Some("%p %-I:%M")),
            ("22時10分07秒", "午後", None),
            ("22:10", "", None),
            ("", "", None),
        ] {
            assert_eq!(format_of(evening, half).as_deref(), format, "{evening}");
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

// SPDX-License-Identifier: GPL-3.0-or-later
//! Sizes, speeds, durations and times of day as people of the user's language read them.

use std::time::{Duration, SystemTime};

use super::clock;
use crate::engine::types::Speed;
use crate::i18n::{gettext, gettext_f};

/// `4.2 MB`
pub fn size(bytes: u64) -> String {
    glib::format_size(bytes).to_string()
}

/// `42,700,000`: how many of something there are.
pub fn count(n: impl TryInto<u64>) -> String {
    let n = n.try_into().unwrap_or(u64::MAX);
    let plain = n.to_string();
    if n < 1000 {
        return plain;
    }
    // GLib groups digits as the locale does in the long form of a size only, `1.2 kB (1,234 bytes)`.
    let size = glib::format_size_full(n, glib::FormatSizeFlags::LONG_FORMAT);
    last_number(&size, &plain).unwrap_or(&plain).to_owned()
}

/// The last number of a text with whatever stands between its digits, if these are its digits.
fn last_number<'a>(text: &'a str, digits: &str) -> Option<&'a str> {
    let mut wanted = digits.chars().rev().peekable();
    let mut letters = text.char_indices().rev().skip_while(|(_, letter)| !letter.is_ascii_digit()).peekable();
    let end = letters.peek()?.0 + 1;
    for (start, letter) in letters {
        if letter.is_ascii_digit() && wanted.next() != Some(letter) {
            return None;
        }
        if wanted.peek().is_none() {
            return text.get(start..end);
        }
    }
    None
}

/// `31.0 MB/s`
pub fn speed(speed: Speed) -> String {
    // Translators: a speed; {size} is an amount like “31.0 MB”.
    gettext_f("{size}/s", &[("size", &size(speed.0))])
}

/// `11 s`, `3 min`, `1 h 5 min`, `2 d 4 h`: no more exact than such a guess can be.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    // Rounded up, so that the last minute does not begin at “0 min”.
    let minutes = seconds.div_ceil(60);
    let hours = minutes / 60;
    let (n, rest, message) = match seconds {
        // Translators: a time left in seconds.
        0..60 => (seconds.max(1), 0, gettext("{n} s")),
        // Translators: a time left in minutes.
        _ if hours == 0 => (minutes, 0, gettext("{n} min")),
        // Translators: a time left in hours and minutes.
        _ if hours < 24 => (hours, minutes % 60, gettext("{n} h {rest} min")),
        // Translators: a time left in days and hours.
        _ => (hours / 24, hours % 24, gettext("{n} d {rest} h")),
    };
    message.replace("{n}", &n.to_string()).replace("{rest}", &rest.to_string())
}

/// `4 s`, `120 ms`: a short time that was measured.
pub fn step(time: Duration) -> String {
    if time < Duration::from_secs(2) {
        // Translators: a time in milliseconds.
        return gettext_f("{n} ms", &[("n", &time.as_millis().to_string())]);
    }
    duration(time)
}

/// `10:31` when that is today, else with its date.
pub fn time_of_day(when: SystemTime, now: SystemTime) -> String {
    let Some(when) = local(when) else { return String::new() };
    let time = text(&when, &clock::to_the_minute());
    if is_on_the_day_of(&when, now) {
        // Translators: a time of today like “10:31”, as it stands alone or in a sentence like “Starts at {time}”.
        return gettext_f("{time}", &[("time", &time)]);
    }
    with_day(&when, &time)
}

/// `10:31:07` when that is today, else with its date.
pub fn time_to_the_second(when: SystemTime, now: SystemTime) -> String {
    let Some(when) = local(when) else { return String::new() };
    let time = text(&when, &clock::to_the_second());
    if is_on_the_day_of(&when, now) { time } else { with_day(&when, &time) }
}

/// `26 November 2026, 10:31`
pub fn day_with_time(when: SystemTime) -> String {
    local(when).map(|when| with_day(&when, &text(&when, &clock::to_the_minute()))).unwrap_or_default()
}

/// When the next day begins, from which on [`time_of_day`] writes the times of this one with their date.
pub fn next_day(now: SystemTime) -> Option<SystemTime> {
    let (year, month, day) = local(now)?.add_days(1).ok()?.ymd();
    let begin = glib::DateTime::from_local(year, month, day, 0, 0, 0.0).ok()?.to_unix();
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(begin).ok()?))
}

fn with_day(when: &glib::DateTime, time: &str) -> String {
    // Translators: {day} is like “26 November 2026”, {time} like “10:31”.
    gettext_f("{day}, {time}", &[("day", &day(when)), ("time", time)])
}

/// `26 November 2026`
pub fn day(date: &glib::DateTime) -> String {
    // Translators: a day, as g_date_time_format() takes it.
    text(date, &gettext("%-e %B %Y"))
}

fn text(date: &glib::DateTime, format: &str) -> String {
    date.format(format).map(Into::into).unwrap_or_default()
}

fn is_on_the_day_of(when: &glib::DateTime, now: SystemTime) -> bool {
    local(now).is_some_and(|now| now.ymd() == when.ymd())
}

fn local(time: SystemTime) -> Option<glib::DateTime> {
    let seconds = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX),
    };
    glib::DateTime::from_unix_local(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_as_exact_as_they_are_useful() {
        let text = |seconds| duration(Duration::from_secs(seconds));
        assert_eq!(text(0), "1 s");
        assert_eq!(text(11), "11 s");
        assert_eq!(text(60), "1 min");
        assert_eq!(text(61), "2 min");
        assert_eq!(text(3600), "1 h 0 min");
        assert_eq!(text(3900), "1 h 5 min");
        assert_eq!(text(187_000), "2 d 3 h");
        assert_eq!(step(Duration::from_millis(1999)), "1999 ms");
        assert_eq!(step(Duration::from_millis(4900)), "4 s");
    }

    #[test]
    fn a_number_is_taken_as_the_locale_groups_it() {
        let grouped = |text, digits| last_number(text, digits);
        assert_eq!(grouped("42.7 MB (42,700,000 bytes)", "42700000"), Some("42,700,000"));
        assert_eq!(
            grouped("42,7\u{a0}MB (42\u{202f}700\u{202f}000 octets)", "42700000"),
            Some("42\u{202f}700\u{202f}000")
        );
        assert_eq!(grouped("1234 bytes", "1234"), Some("1234"));
        assert_eq!(grouped("1,5 kB", "1234"), None);
        assert_eq!(grouped("34 bytes", "1234"), None);
        assert_eq!(grouped("", "1234"), None);
    }

    #[test]
    fn a_count_has_all_its_digits() {
        for n in [0, 7, 999, 1000, 100_000, u64::MAX] {
            let digits: String = count(n).chars().filter(char::is_ascii_digit).collect();
            assert_eq!(digits, n.to_string());
        }
        assert_eq!(count(999), "999");
    }

    #[test]
    fn sizes_and_speeds_have_their_unit() {
        assert_eq!(size(4_200_000), "4.2\u{a0}MB");
        assert_eq!(speed(Speed(31_000_000)), "31.0\u{a0}MB/s");
    }

    #[test]
    fn a_time_of_another_day_has_its_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        assert_eq!(time_of_day(now, now).len(), "10:31".len());
        let other = time_of_day(now - Duration::from_secs(400_000_000), now);
        assert!(other.contains("2014"), "{other}");
        let next = next_day(now).unwrap();
        assert!(next > now && next <= now + Duration::from_secs(25 * 60 * 60));
        let last = next - Duration::from_secs(1);
        assert_ne!(time_of_day(last, next), time_of_day(last, last));
        assert_eq!(local(next).unwrap().hour(), 0);
        assert_eq!(day_with_time(now).rsplit_once(", ").unwrap().1, time_of_day(now, now));
    }
}

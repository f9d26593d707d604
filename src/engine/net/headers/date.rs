// SPDX-License-Identifier: GPL-3.0-or-later
//! HTTP dates in their three forms (RFC 9110 section 5.6.7).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY: Duration = Duration::from_secs(86_400);
/// 50 years of the Gregorian calendar, which has 146,097 days in 400 years.
const FIFTY_YEARS: Duration = Duration::from_secs(146_097 * 86_400 / 8);

/// Reads a date; `now` tells the century of a two-digit year. The name of the weekday must be one,
/// but need not be the right one.
pub fn parse(value: &str, now: SystemTime) -> Option<SystemTime> {
    let fields: Vec<&str> = value.split_ascii_whitespace().collect();
    match *fields.as_slice() {
        // Sun, 06 Nov 1994 08:49:37 GMT
        [weekday, day, month, year, time, zone] => {
            expect_weekday(weekday.strip_suffix(',')?)?;
            expect_gmt(zone)?;
            moment(number(year, 4)?, month, day, time)
        }
        // Sunday, 06-Nov-94 08:49:37 GMT
        [weekday, date, time, zone] => {
            expect_weekday(weekday.strip_suffix(',')?)?;
            expect_gmt(zone)?;
            let (day, rest) = date.split_once('-')?;
            let (month, year) = rest.split_once('-')?;
            let year = number(year, 2)?;
            // "a timestamp that appears to be more than 50 years in the future" is one of the past.
            let latest = now.checked_add(FIFTY_YEARS)?;
            (19..100)
                .filter_map(|century| moment(century * 100 + year, month, day, time))
                .take_while(|candidate| *candidate <= latest)
                .last()
        }
        // Sun Nov  6 08:49:37 1994
        [weekday, month, day, time, year] => {
            expect_weekday(weekday)?;
            moment(number(year, 4)?, month, day, time)
        }
        _ => None,
    }
}

fn moment(year: u64, month: &str, day: &str, time: &str) -> Option<SystemTime> {
    let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))?;
    let day = number(day, 2).or_else(|| number(day, 1))?;
    if day < 1 || day > days_in_month(year, month) {
        return None;
    }
    let (hour, rest) = time.split_once(':')?;
    let (minute, second) = rest.split_once(':')?;
    let (hour, minute, second) = (number(hour, 2)?, number(minute, 2)?, number(second, 2)?);
    // A leap second is second 60.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let days = days_before_year(year) + (0..month).map(|month| days_in_month(year, month)).sum::<u64>() + day - 1;
    let since_year_zero = DAY * u32::try_from(days).ok()? + Duration::from_secs(hour * 3600 + minute * 60 + second);
    let epoch = DAY * u32::try_from(days_before_year(1970)).ok()?;
    match since_year_zero.checked_sub(epoch) {
        Some(after) => UNIX_EPOCH.checked_add(after),
        None => UNIX_EPOCH.checked_sub(epoch.checked_sub(since_year_zero)?),
    }
}

/// Exactly `digits` digits.
fn number(text: &str, digits: usize) -> Option<u64> {
    (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// In full or the first three letters.
fn expect_weekday(name: &str) -> Option<()> {
    let is_known = WEEKDAYS
        .iter()
        .flat_map(|full| [Some(*full), full.get(..3)])
        .flatten()
        .any(|known| known.eq_ignore_ascii_case(name));
    is_known.then_some(())
}

fn expect_gmt(zone: &str) -> Option<()> {
    zone.eq_ignore_ascii_case("GMT").then_some(())
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// `month` counts from 0.
fn days_in_month(year: u64, month: usize) -> u64 {
    match month {
        1 if is_leap(year) => 29,
        1 => 28,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}

/// Days from the first of January of year 0, itself a leap year, to that of `year`.
fn days_before_year(year: u64) -> u64 {
    year * 365 + year.div_ceil(4) - year.div_ceil(100) + year.div_ceil(400)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// 22 November 2026, 12:00.
    const NOW: u64 = 1_795_348_800;

    fn read(value: &str) -> Option<SystemTime> {
        parse(value, at(NOW))
    }

    #[test]
    fn the_three_forms_mean_the_same() {
        for form in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun Nov 06 08:49:37 1994",
        ] {
            assert_eq!(read(form), Some(at(784_111_777)), "{form}");
        }
    }

    #[test]
    fn dates_around_the_odd_days_of_the_calendar() {
        assert_eq!(read("Thu, 01 Jan 1970 00:00:00 GMT"), Some(at(0)));
        assert_eq!(read("Wed, 31 Dec 1969 23:59:59 GMT"), Some(UNIX_EPOCH - Duration::from_secs(1)));
        assert_eq!(read("Tue, 29 Feb 2000 00:00:00 GMT"), Some(at(951_782_400)));
        assert_eq!(read("Wed, 01 Mar 2000 00:00:00 GMT"), Some(at(951_868_800)));
        assert_eq!(read("Sat, 31 Dec 2016 23:59:60 GMT"), Some(at(1_483_228_800)));
        assert_eq!(read("Fri, 31 Dec 9999 23:59:59 GMT"), Some(at(253_402_300_799)));
        assert_eq!(read("Thu, 29 Feb 1900 00:00:00 GMT"), None);
        assert_eq!(read("Wed, 29 Feb 2023 00:00:00 GMT"), None);
        assert_eq!(read("Sun, 31 Nov 2026 00:00:00 GMT"), None);
    }

    #[test]
    fn two_digit_years_reach_at_most_fifty_years_into_the_future() {
        let year = |yy: u32| read(&format!("Monday, 01-Jun-{yy:02} 00:00:00 GMT"));
        assert_eq!(year(76), read("Mon, 01 Jun 2076 00:00:00 GMT"));
        assert_eq!(year(77), read("Mon, 01 Jun 1977 00:00:00 GMT"));
        assert_eq!(year(26), read("Mon, 01 Jun 2026 00:00:00 GMT"));
        assert_eq!(year(0), read("Mon, 01 Jun 2000 00:00:00 GMT"));
        // Seen from 2098, 05 is 2105.
        let late = parse("Mon, 01 Jan 2098 00:00:00 GMT", at(NOW)).unwrap();
        assert_eq!(parse("Monday, 01-Jun-05 00:00:00 GMT", late), read("Mon, 01 Jun 2105 00:00:00 GMT"));
        // There is no 29 February 1900 or 2100.
        assert_eq!(read("Tuesday, 29-Feb-00 00:00:00 GMT"), read("Tue, 29 Feb 2000 00:00:00 GMT"));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for odd in [
            "",
            "0",
            "now",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun 06 Nov 1994 08:49:37 GMT",
            "Foo, 06 Nov 1994 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun, 06 Now 1994 08:49:37 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 08:60:00 GMT",
            "Sun, 06 Nov 1994 08:49:61 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sunday, 06-Nov-1994 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994 GMT more",
        ] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }

    /// Another way to a civil date than the parser's: counting.
    fn civil(mut days: u64) -> (u64, usize, u64) {
        let mut year = 1970;
        loop {
            let length = if is_leap(year) { 366 } else { 365 };
            if days < length {
                break;
            }
            days -= length;
            year += 1;
        }
        let mut month = 0;
        while days >= days_in_month(year, month) {
            days -= days_in_month(year, month);
            month += 1;
        }
        (year, month, days + 1)
    }

    proptest! {
        #[test]
        fn what_a_formatter_writes_is_read_back(seconds in 0_u64..253_402_300_800) {
            let (year, month, day) = civil(seconds / 86_400);
            let weekday = WEEKDAYS[usize::try_from((seconds / 86_400 + 3) % 7).unwrap()];
            let short = &weekday[..3];
            let month = MONTHS[month];
            let time = format!("{:02}:{:02}:{:02}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
            prop_assert_eq!(read(&format!("{short}, {day:02} {month} {year:04} {time} GMT")), Some(at(seconds)));
            prop_assert_eq!(read(&format!("{short} {month} {day:2} {time} {year:04}")), Some(at(seconds)));
            let yy = year % 100;
            let two_digits = read(&format!("{weekday}, {day:02}-{month}-{yy:02} {time} GMT"));
            if (1977..2076).contains(&year) {
                prop_assert_eq!(two_digits, Some(at(seconds)));
            }
        }

        #[test]
        fn nothing_panics(value in "\\PC{0,40}", fields in "[A-Za-z0-9:, -]{0,40}") {
            read(&value);
            read(&fields);
        }
    }
}

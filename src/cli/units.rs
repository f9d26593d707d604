// SPDX-License-Identifier: GPL-3.0-or-later
//! Rates and times as people write them, sizes and times as people read them.

use std::time::Duration;

use crate::engine::Speed;

/// `500000`, `200K`, `1.5M`, `1G`: bytes a second, with curl's multiples of 1024.
pub fn parse_rate(text: &str) -> Result<Speed, String> {
    let way_out = || "write a number of bytes a second, such as 500000, 200K, 1.5M or 1G".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text.strip_prefix(digits).unwrap_or_default().to_ascii_uppercase().as_str() {
        "" | "B" => 1_u64,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => return Err(way_out()),
    };
    let is_plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let number: f64 = digits.parse().ok().filter(|_| is_plain).ok_or_else(way_out)?;
    // A float to integer cast saturates, and nobody is faster than that.
    match (number * unit as f64) as u64 {
        0 => Err("a rate of less than one byte a second would never end; leave the option out for no limit".to_owned()),
        bytes => Ok(Speed(bytes)),
    }
}

/// Seconds, with decimals.
pub fn parse_seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "write a number of seconds, such as 30 or 0.5".to_owned())
}

/// `parse_seconds` for what can not be nothing.
pub fn parse_some_seconds(text: &str) -> Result<Duration, String> {
    match parse_seconds(text)? {
        Duration::ZERO => Err("it must be longer than no time at all".to_owned()),
        time => Ok(time),
    }
}

/// `754 B`, `4.2 MB`: three digits at least, multiples of 1000 like the window and the file manager.
pub fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut unit = "B";
    for larger in ["kB", "MB", "GB", "TB", "PB", "EB"] {
        // From here on it would be written as 1000.0.
        if value < 999.95 {
            break;
        }
        value /= 1000.0;
        unit = larger;
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") }
}

pub fn speed(speed: Speed) -> String {
    format!("{}/s", size(speed.0))
}

/// `11 s`, `4 min 5 s`, `2 h 10 min`, rounded up: what is left should not be told too short.
pub fn time(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, min, s) => format!("{min} min {s} s"),
        (h, min, _) if h < 100 => format!("{h} h {min} min"),
        (h, ..) => format!("{} days", h / 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_curl_reads_them() {
        for (text, bytes) in [
            ("1", 1),
            ("500000", 500_000),
            ("512b", 512),
            ("200K", 204_800),
            ("200k", 204_800),
            ("1.5M", 1_572_864),
            (".5M", 524_288),
            ("1G", 1 << 30),
            ("99999999999999G", u64::MAX),
        ] {
            assert_eq!(parse_rate(text), Ok(Speed(bytes)), "{text}");
        }
        for text in ["", "K", "fast", "0", "0.1", "-5", "1KB", "1 M", "1e3", "inf", "NaN", "1.2.3", "١"] {
            assert!(parse_rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn seconds_may_have_decimals_but_make_sense() {
        assert_eq!(parse_seconds("0.25"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_seconds("0"), Ok(Duration::ZERO));
        for text in ["", "-1", "soon", "inf", "NaN", "1e300"] {
            assert!(parse_seconds(text).is_err(), "{text}");
        }
        assert_eq!(parse_some_seconds("30"), Ok(Duration::from_secs(30)));
        assert!(parse_some_seconds("0").is_err());
    }

    #[test]
    fn sizes_and_times_read_well() {
        let sizes = [0, 999, 1_000, 999_949, 999_950, 4_200_000, u64::MAX].map(size);
        assert_eq!(sizes, ["0 B", "999 B", "1.0 kB", "999.9 kB", "1.0 MB", "4.2 MB", "18.4 EB"]);
        let times = [0.0, 0.2, 59.0, 59.5, 245.0, 7_800.0, 864_000.0].map(|s| time(Duration::from_secs_f64(s)));
        assert_eq!(times, ["0 s", "1 s", "59 s", "1 min 0 s", "4 min 5 s", "2 h 10 min", "10 days"]);
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Speeds as people write them: bytes a second, with curl's multiples of 1024.

use crate::engine::types::Speed;

const UNITS: [(&str, u64); 3] = [("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10)];

/// Why a text is no speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    #[error("write a number of bytes a second, such as 500000, 200K, 1.5M or 1G")]
    NotANumber,
    #[error("a rate of less than one byte a second would never end; leave it out for no limit")]
    Nothing,
}

/// Reads `500000`, `200K`, `1.5M`, `1G`.
pub fn parse_rate(text: &str) -> Result<Speed, RateError> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text.strip_prefix(digits).unwrap_or_default().to_ascii_uppercase();
    let factor = match UNITS.iter().find(|(name, _)| *name == unit) {
        Some((_, factor)) => *factor,
        None if unit.is_empty() || unit == "B" => 1,
        None => return Err(RateError::NotANumber),
    };
    let is_plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    // Whole numbers are exact however large they are.
    let whole = digits.parse::<u64>().ok().filter(|_| is_plain).map(|number| number.saturating_mul(factor));
    // A float to integer cast saturates, and nobody is faster than that.
    let broken = || digits.parse::<f64>().ok().filter(|_| is_plain).map(|number| (number * factor as f64) as u64);
    match whole.or_else(broken) {
        None => Err(RateError::NotANumber),
        Some(0) => Err(RateError::Nothing),
        Some(bytes) => Ok(Speed(bytes)),
    }
}

/// Writes what [`parse_rate`] reads as the same speed, with the largest unit that it is a multiple of.
pub fn write_rate(rate: Speed) -> String {
    match UNITS.iter().find(|(_, factor)| rate.0 > 0 && rate.0.is_multiple_of(*factor)) {
        Some((name, factor)) => format!("{}{name}", rate.0 / factor),
        None => rate.0.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
        for text in ["", "K", "fast", "-5", "1KB", "1 M", "1e3", "inf", "NaN", "1.2.3", "+1", "١"] {
            assert_eq!(parse_rate(text), Err(RateError::NotANumber), "{text}");
        }
        assert_eq!([parse_rate("0"), parse_rate("0.1")], [Err(RateError::Nothing); 2]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_the_same(number in 1_u64.., unit in 0_u32..4) {
            let rate = Speed(number.checked_mul(1 << (10 * unit)).unwrap_or(number));
            prop_assert_eq!(parse_rate(&write_rate(rate)), Ok(rate));
        }
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Whether the header fields agree on where the body ends (RFC 9112 section 6.3). libcurl takes the
//! first digits it finds and the last field of several; a file cut there would be called complete.

use super::headers::Fields;
use crate::engine::error::{Failure, FailureKind};

/// Holds the Content-Length fields against each other.
pub fn check(fields: &Fields) -> Result<(), Failure> {
    // It tells the end of the body alone, whatever Content-Length says.
    if fields.all("transfer-encoding").next().is_some() {
        return Ok(());
    }
    let mut told = None;
    for value in fields.all("content-length").flat_map(|value| value.split(|byte| *byte == b',')) {
        let text = String::from_utf8_lossy(value.trim_ascii());
        let Some(length) = length(&text) else { return Err(contradiction(format!("“{text}” is no length"))) };
        let before = *told.get_or_insert(length);
        if before != length {
            return Err(contradiction(format!("{before} bytes, and {length} bytes")));
        }
    }
    Ok(())
}

/// `1*DIGIT`, as far as a file can be long.
fn length(text: &str) -> Option<i64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

fn contradiction(detail: String) -> Failure {
    Failure::new(FailureKind::Protocol, format!("an unusable Content-Length: {detail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_good(fields: &[(&str, &str)]) -> bool {
        check(&fields.iter().copied().collect()).is_ok()
    }

    #[test]
    fn one_length_or_none_or_the_same_again() {
        assert!(is_good(&[]));
        assert!(is_good(&[("content-length", "0")]));
        assert!(is_good(&[("content-length", "007, 7"), ("content-length", " 7 ")]));
        assert!(is_good(&[("content-length", "9223372036854775807")]));
    }

    #[test]
    fn lengths_that_differ_or_are_none_are_refused() {
        assert!(!is_good(&[("content-length", "7"), ("content-length", "8")]));
        for value in ["", "7, 8", "7,", "7x", "0x7", "+7", "-7", "7.0", "7 7", "9223372036854775808"] {
            assert!(!is_good(&[("content-length", value)]), "{value}");
        }
    }

    #[test]
    fn chunks_tell_their_own_end() {
        assert!(is_good(&[("content-length", "x"), ("transfer-encoding", "chunked")]));
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! The head of an answer, line by line as libcurl hands it over.

use super::proof::Head;
use crate::engine::error::{Failure, FailureKind};

/// All header fields of one answer together may not be larger. libcurl bounds a line, not the sum.
const LARGEST: usize = 256 * 1024;

pub fn check_size(size: usize) -> Result<(), Failure> {
    let detail = || format!("the header fields are larger than {} KiB", LARGEST / 1024);
    if size > LARGEST { Err(Failure::new(FailureKind::Protocol, detail())) } else { Ok(()) }
}

/// Takes a line of the head in; `true` if it is the empty one that ends it. A status line begins a
/// new head: redirects and interim answers have theirs before the final one.
pub fn read_line(head: &mut Head, line: &[u8]) -> bool {
    let is_folded = line.starts_with(b" ") || line.starts_with(b"\t");
    let line = line.trim_ascii_end();
    if line.starts_with(b"HTTP/") {
        let status = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).nth(1);
        head.status = status
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| digits.parse().ok())
            .unwrap_or_default();
        head.fields.clear();
    } else if is_folded {
        // The rest of the field before it, whatever it looks like (RFC 9112 section 5.2).
        head.fields.go_on(line.trim_ascii_start());
    } else if let Some(colon) = line.iter().position(|byte| *byte == b':') {
        let (name, value) = line.split_at(colon);
        head.fields.push(name.trim_ascii(), value.get(1..).unwrap_or_default().trim_ascii());
    }
    line.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::net::headers::Fields;

    #[test]
    fn each_status_line_begins_a_new_head() {
        let mut head = Head::default();
        for line in ["HTTP/1.1 302 Found\r\n", "ETag: \"a\"\r\n", "\r\n", "HTTP/2 200 \r\n", "X-Y:  z \r\n", "\r\n"] {
            read_line(&mut head, line.as_bytes());
        }
        assert_eq!(head.status, 200);
        assert_eq!(head.fields, Fields::from_iter([("x-y", "z")]));
    }

    #[test]
    fn a_folded_line_belongs_to_the_field_before_it() {
        let mut head = Head::default();
        for line in ["HTTP/1.1 200 OK\r\n", " stray: x\r\n", "A: b\r\n", " C: d\r\n", "\te\r\n", "F: g\r\n"] {
            assert!(!read_line(&mut head, line.as_bytes()));
        }
        assert_eq!(head.fields, Fields::from_iter([("a", "b C: d e"), ("f", "g")]));
        assert!(read_line(&mut head, b"\r\n"));
    }
}

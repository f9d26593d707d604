// SPDX-License-Identifier: GPL-3.0-or-later
//! The input is the head of an answer, a field a line: each goes to those who read it.

#![no_main]

use std::time::{Duration, SystemTime};

use freshet::engine::disk::naming;
use freshet::engine::net::headers::{self, ContentRange, Fields, Validator};
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|input: &[u8]| {
    let mut fields = Fields::default();
    for line in input.split(|byte| *byte == b'\n') {
        if let Some(colon) = line.iter().position(|byte| *byte == b':') {
            fields.push(&line[..colon], &line[colon + 1..]);
        }
    }
    for (name, value) in fields.iter() {
        if name == b"content-disposition" {
            disposition(value);
        }
        if let Ok(value) = std::str::from_utf8(value) {
            text(name, value);
        }
    }
    let first = |name: &str| fields.all(name).next().and_then(|value| std::str::from_utf8(value).ok());
    match headers::validator(first("etag"), first("last-modified"), first("date")) {
        Some(Validator::ETag(tag)) => assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 2),
        Some(Validator::LastModified(date)) => assert!(headers::http_date(&date).is_some()),
        None => {}
    }
    links(&fields);
    let digests = [headers::representation_digests(&fields), headers::content_digests(&fields)];
    for checksum in digests.iter().flatten() {
        assert_eq!(checksum.to_string().parse().as_ref(), Ok(checksum));
    }
});

fn text(name: &[u8], value: &str) {
    match name {
        b"content-range" => match headers::content_range(value) {
            Some(range @ ContentRange::Satisfied { start, end, total }) => {
                assert!(start < end && total.is_none_or(|total| end <= total));
                let total = total.map_or("*".to_owned(), |total| total.to_string());
                assert_eq!(headers::content_range(&format!("bytes {start}-{}/{total}", end - 1)), Some(range));
            }
            Some(range @ ContentRange::Unsatisfied { total }) => {
                assert_eq!(headers::content_range(&format!("bytes */{total}")), Some(range));
            }
            None => {}
        },
        b"retry-after" => {
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
            let _ = headers::retry_after(value, now);
        }
        b"date" => {
            let _ = headers::http_date(value);
        }
        b"content-type" => {
            let media = headers::media_type(value);
            assert!(media.is_none_or(|media| media.contains('/') && media == media.to_ascii_lowercase()));
        }
        _ => {}
    }
}

fn disposition(value: &[u8]) {
    let Some(name) = headers::disposition_name(value) else { return };
    assert!(!name.trim().is_empty());
    let url = Url::parse("https://example.org/").expect("an address");
    for safe in [naming::safe(&name), naming::choose(None, Some(&name), &url, Some("text/html"))] {
        assert!(!safe.is_empty() && safe.len() <= 255 && safe != "." && safe != "..", "{safe:?}");
        assert!(!safe.contains(['/', '\\', '\0', '\n']), "{safe:?}");
    }
}

fn links(fields: &Fields) {
    let base = Url::parse("https://example.org/folder/file?query").expect("an address");
    let urls = headers::duplicates(fields, &base);
    assert!(urls.len() <= 32 && !urls.contains(&base));
    assert!(urls.iter().all(|url| url.has_host() && !matches!(url.scheme(), "file" | "data" | "sftp")));
}

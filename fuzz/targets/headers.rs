// SPDX-License-Identifier: GPL-3.0-or-later
//! The input is the head of an answer, a field a line: each goes to those who read it.

#![no_main]

use std::time::{Duration, SystemTime};

use freshet::engine::disk::naming;
use freshet::engine::net::headers::{self, ContentRange, Validator};
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|input: &[u8]| {
    let mut fields: Vec<(String, Vec<u8>)> = Vec::new();
    for line in input.split(|byte| *byte == b'\n') {
        if let Some(colon) = line.iter().position(|byte| *byte == b':') {
            let name = String::from_utf8_lossy(&line[..colon]).to_ascii_lowercase();
            fields.push((name, line[colon + 1..].to_vec()));
        }
    }
    for (name, value) in &fields {
        if name == "content-disposition" {
            disposition(value);
        }
        if let Ok(value) = std::str::from_utf8(value) {
            text(name, value);
        }
    }
    let first = |name: &str| {
        let value = fields.iter().find(|(field, _)| field == name).map(|(_, value)| value);
        value.and_then(|value| std::str::from_utf8(value).ok())
    };
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

fn text(name: &str, value: &str) {
    match name {
        "content-range" => match headers::content_range(value) {
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
        "retry-after" => {
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
            let _ = headers::retry_after(value, now);
        }
        "date" => {
            let _ = headers::http_date(value);
        }
        "content-type" => {
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

fn links(fields: &[(String, Vec<u8>)]) {
    let base = Url::parse("https://example.org/folder/file?query").expect("an address");
    let urls = headers::duplicates(fields, &base);
    assert!(urls.len() <= 32 && !urls.contains(&base));
    assert!(urls.iter().all(|url| url.has_host() && !matches!(url.scheme(), "file" | "data" | "sftp")));
}

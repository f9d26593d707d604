// SPDX-License-Identifier: GPL-3.0-or-later
//! The input is a list of addresses, text with addresses in it, or one address.

#![no_main]

use freshet::engine::import::{address, list};
use freshet::engine::net::version::SCHEMES;
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|input: &[u8]| {
    let text = String::from_utf8_lossy(input);
    let list::List { entries, errors, .. } = list::parse(&text);
    for entry in &entries {
        assert!(!entry.urls.is_empty());
        entry.urls.iter().for_each(check);
    }
    assert!(errors.is_sorted_by(|one, next| one.line < next.line));
    let lines = text.lines().count();
    assert!(errors.iter().all(|error| (1..=lines).contains(&error.line) && !error.problem.is_empty()));

    let found = address::find_all(&text);
    found.iter().for_each(check);
    for (index, url) in found.iter().enumerate() {
        assert!(!found[..index].contains(url), "{url} twice");
    }
    if let Ok(url) = address::parse(&text) {
        check(&url);
    }
});

fn check(url: &Url) {
    assert!(SCHEMES.contains(&url.scheme()) && url.has_host(), "{url}");
    assert_eq!(address::parse(url.as_str()).as_ref(), Ok(url));
    assert_eq!(address::absolute(url.as_str()).as_ref(), Ok(url));
}

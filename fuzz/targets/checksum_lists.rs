// SPDX-License-Identifier: GPL-3.0-or-later
//! The first line of the input is a file's name, or its address; the rest is a list of checksums.

#![no_main]

use freshet::engine::download::spec::Algorithm;
use freshet::engine::import::checksum_list;
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|input: &[u8]| {
    let input = String::from_utf8_lossy(input);
    let (name, text) = input.split_once('\n').unwrap_or((&input, ""));
    let best = checksum_list::find(text, name, None);
    if let Some(checksum) = &best {
        assert_eq!(checksum.to_string().parse().as_ref(), Ok(checksum));
        assert!(text.to_ascii_lowercase().contains(&checksum.hex), "made up: {checksum}");
        assert_eq!(checksum_list::find(text, name, Some(checksum.algorithm)), best);
    }
    for algorithm in [Algorithm::Md5, Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512] {
        let one = checksum_list::find(text, name, Some(algorithm));
        assert!(one.is_none_or(|checksum| checksum.algorithm == algorithm));
    }
    if let Ok(url) = Url::parse(name) {
        for place in checksum_list::places(&url) {
            assert!(place.scheme() == url.scheme() && place.host() == url.host() && place.port() == url.port());
            assert!(place.query().is_none() && place.fragment().is_none());
        }
    }
});

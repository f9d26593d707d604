// SPDX-License-Identifier: GPL-3.0-or-later
//! The input is a metalink, read by itself and as a list.

#![no_main]

use freshet::engine::import::{list, metalink};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    match metalink::parse(input) {
        Ok(files) => {
            assert!(!files.is_empty());
            files.iter().for_each(check);
        }
        Err(error) => assert!(error.line > 0 && error.column > 0 && !error.problem.is_empty()),
    }
    if metalink::is_xml(input) {
        let list::List { entries, errors, .. } = list::read(input);
        assert!(!entries.is_empty() || !errors.is_empty());
        for entry in entries {
            assert!(!entry.urls.is_empty());
            let name = entry.name.expect("a metalink names its files");
            assert!(!name.is_empty() && !name.contains(['/', '\\']) && !name.starts_with('.'), "{name:?}");
        }
    }
});

fn check(file: &metalink::File) {
    assert!(file.line > 0);
    assert!(!file.name.trim().is_empty() && !file.name.starts_with('/'), "{:?}", file.name);
    assert!(file.name.split('/').all(|component| component != ".."), "{:?}", file.name);
    assert!(file.urls.iter().all(|url| url.has_host() && !matches!(url.scheme(), "file" | "data")));
    for checksum in &file.checksums {
        assert_eq!(checksum.to_string().parse().as_ref(), Ok(checksum));
    }
    if let Some(pieces) = &file.pieces {
        assert_eq!(pieces.check_hashes(), Ok(()));
        if let Some(size) = file.size {
            assert_eq!(pieces.check(size), Ok(()));
            let mut end = 0;
            for index in 0..pieces.hashes.len() {
                let range = pieces.range(index, size).expect("a piece lies in the file");
                assert_eq!(range.start, end);
                assert_eq!(pieces.of(range, size), index..index + 1);
                end = range.end;
            }
            assert_eq!(end, size);
        }
    }
}

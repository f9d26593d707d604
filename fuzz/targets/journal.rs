// SPDX-License-Identifier: GPL-3.0-or-later
//! The input is the record of a journal of the first format, or the lines of one of today. They are
//! read with the checksums that they ought to have, which no fuzzer would guess, and as they are.

#![no_main]

use std::path::Path;

use freshet::engine::disk::journal::Journal;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

fuzz_target!(|input: &[u8]| {
    let _ = Journal::parse(input);
    let sealed: Vec<u8> = input.split(|byte| *byte == b'\n').flat_map(seal).collect();
    if let Ok(journal) = Journal::parse(&sealed) {
        check(&journal);
    }
    let Ok(record) = serde_json::from_slice::<Value>(input) else { return };
    let Some(journal) = read(&record) else { return };
    check(&journal);
    let written = serde_json::to_value(&journal).expect("a journal is JSON");
    assert_eq!(read(&written), Some(journal));
});

fn read(record: &Value) -> Option<Journal> {
    let text = json!({ "freshet-journal": 1, "sum": sum(record.to_string().as_bytes()), "record": record });
    Journal::parse(text.to_string().as_bytes()).ok()
}

fn seal(line: &[u8]) -> Vec<u8> {
    [&sum(line).as_bytes()[..16], b" ", line, b"\n"].concat()
}

fn sum(bytes: &[u8]) -> String {
    glib::compute_checksum_for_data(glib::ChecksumType::Sha256, bytes).expect("GLib has SHA-256").into()
}

fn check(journal: &Journal) {
    let mut end = None;
    for range in &journal.done {
        assert!(range.start < range.end && end.is_none_or(|end| end < range.start), "{:?}", journal.done);
        end = Some(range.end);
    }
    assert_eq!(journal.end(), end.unwrap_or(0));
    assert!(journal.total.is_none_or(|total| journal.end() <= total));
    let is_name = |path: &Path| path.file_name() == Some(path.as_os_str());
    assert!(journal.replaces.as_deref().is_none_or(is_name));
    assert!(journal.placed.as_ref().is_none_or(|placed| is_name(Path::new(&placed.name))));
}

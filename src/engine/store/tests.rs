// SPDX-License-Identifier: GPL-3.0-or-later
//! The store as its users see it: what was saved comes back, whatever happened to the file. Here is what the
//! tests work with.

mod damage;
mod history;
mod opening;
mod records;

use std::fs;
use std::path::Path;
use std::sync::PoisonError;
use std::thread;
use std::time::{Duration, Instant};

use url::Url;

use super::*;
use crate::engine::disk::journal::with_suffix;

pub fn record(id: u64) -> Record {
    let url = Url::parse(&format!("https://example.org/file-{id}.iso")).unwrap();
    Record {
        id: DownloadId(id),
        spec: DownloadSpec::new(url, "/tmp/downloads".into()),
        state: SavedState::Queued,
        name: format!("file-{id}.iso"),
        path: None,
        received: 0,
        total: None,
        media_type: None,
        verified: None,
        removed: false,
        turn: None,
        added_at: SystemTime::UNIX_EPOCH + Duration::from_secs(id),
        finished_at: None,
    }
}

fn open(path: &Path) -> Opened {
    SqliteStore::open(path, &[]).unwrap()
}

/// Saves, closes, and opens again.
fn kept(path: &Path, records: &[Record]) -> Opened {
    let opened = open(path);
    for record in records {
        opened.store.save(record.clone());
    }
    opened.store.close();
    drop(opened);
    open(path)
}

pub fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A list of so many rows, closed.
pub fn filled(path: &Path, rows: u64) {
    drop(kept(path, &(1..=rows).map(record).collect::<Vec<_>>()));
    // Who closes it does not wait for a slow disk for ever; with the log gone it is closed.
    let end = Instant::now() + Duration::from_secs(60);
    while with_suffix(path, "-wal").exists() {
        assert!(Instant::now() < end, "the list is not closed");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Overwrites a page in the middle; returns what the file is then.
fn spoil(path: &Path) -> Vec<u8> {
    let mut bytes = fs::read(path).unwrap();
    let page = 4096 * (bytes.len() / 4096 / 2);
    bytes[page..page + 4096].fill(0xa5);
    fs::write(path, &bytes).unwrap();
    bytes
}

fn asked<T>(answer: impl Future<Output = Result<T, Failure>>) -> T {
    let _turn = crate::engine::MAIN_CONTEXT_TURN.lock().unwrap_or_else(PoisonError::into_inner);
    glib::MainContext::default().block_on(answer).unwrap()
}

fn history(opened: &Opened) -> Vec<Past> {
    asked(opened.store.archive().history())
}

fn traffic(opened: &Opened) -> Traffic {
    asked(opened.store.archive().traffic(Day(0)))
}

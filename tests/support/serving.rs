// SPDX-License-Identifier: GPL-3.0-or-later
//! What all real servers have in common: each serves the files of a folder, and says afterwards what
//! was asked of it. Cases that are the same for all are written once, over this.

use freshet::engine::download::spec::DownloadSpec;
use url::Url;

pub trait FileServer {
    /// The address of a file in the folder; the path begins with a slash.
    fn url(&self, path: &str) -> Url;

    /// What a download needs besides the address (an authority to be trusted).
    fn dress(&self, spec: &mut DownloadSpec);

    /// Whether its log says that a file of `len` bytes was sent from byte `from` to its end.
    fn has_continued(&self, path: &str, from: u64, len: u64) -> bool;
}

/// [`FileServer::has_continued`] by a log whose lines are `METHOD PATH STATUS BYTES RANGE`.
pub fn log_has_range(log: &str, path: &str, from: u64, len: u64) -> bool {
    let bytes = (len - from).to_string();
    let begin = format!("bytes={from}-");
    log.lines().any(|line| {
        let words: Vec<_> = line.split(' ').collect();
        matches!(words[..], ["GET", asked, "206", sent, range] if asked == path && sent == bytes && range.starts_with(&begin))
    })
}

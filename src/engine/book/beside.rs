// SPDX-License-Identifier: GPL-3.0-or-later
//! A checksum published beside the file (`FILE.sha256`, `SHA256SUMS`): looked for, where the user
//! wishes it, when all bytes are here and before the file is moved into place. What cannot be found
//! holds up nothing.

use url::Url;

use super::Book;
use crate::engine::details::Origin;
use crate::engine::import::checksum_list;
use crate::engine::net::headers::encoding::percent_decoded;
use crate::engine::net::{Asked, Fetched};
use crate::engine::types::{DownloadId, TransferId};
use crate::engine::work::Lookup;

/// A list of checksums that is larger is not read.
const MOST_BYTES: usize = 1024 * 1024;
/// For a shorter file the requests would cost more than the file.
const SMALLEST_FILE: u64 = 1024 * 1024;

impl Book {
    /// Whether a checksum is still looked for. Begins with it if that was not done yet.
    pub(super) fn looks_beside(&mut self, id: DownloadId) -> bool {
        let Some(item) = self.items.get_mut(&id) else { return false };
        let is_long = item.map.total().is_some_and(|total| total >= SMALLEST_FILE);
        let is_proven = item.checksum().is_some() || item.spec.pieces.is_some();
        let is_wanted = item.spec.find_checksum && is_long && !is_proven;
        let Some(work) = item.work.as_mut().filter(|_| is_wanted) else { return false };
        if work.lookup.is_none() {
            let mut places = checksum_list::places(&item.spec.url);
            places.reverse();
            work.lookup = Some(Lookup { places, transfer: None });
            self.look_on(id);
        }
        let lookup = self.items.get(&id).and_then(|item| item.work.as_ref()?.lookup.as_ref());
        lookup.is_some_and(|lookup| lookup.transfer.is_some())
    }

    /// Asks the next place.
    fn look_on(&mut self, id: DownloadId) {
        let transfer = TransferId(self.number());
        let Some(item) = self.items.get_mut(&id) else { return };
        let Some(lookup) = item.work.as_mut().and_then(|work| work.lookup.as_mut()) else { return };
        let Some(url) = lookup.places.pop() else { return };
        lookup.transfer = Some(transfer);
        self.fetch(id, transfer, url, Asked::default(), MOST_BYTES);
    }

    /// `None`: there is nothing at this place, or it did not answer.
    pub(super) fn looked_beside(&mut self, id: DownloadId, fetched: Option<Fetched>) {
        let Some(item) = self.items.get_mut(&id) else { return };
        let Some(lookup) = item.work.as_mut().and_then(|work| work.lookup.as_mut()) else { return };
        if lookup.transfer.take().is_none() {
            return;
        }
        let found = fetched.and_then(|fetched| {
            let text = String::from_utf8(fetched.bytes).ok()?;
            checksum_list::find(&text, &file_name(&item.spec.url), Some(checksum_list::ALGORITHM))
        });
        match found {
            Some(checksum) => item.told = Some((checksum, Origin::Beside)),
            None => self.look_on(id),
        }
        self.check_delivered(id);
    }

    pub(super) fn end_lookup(&mut self, id: DownloadId) {
        let work = self.items.get_mut(&id).and_then(|item| item.work.as_mut());
        let transfer = work.and_then(|work| work.lookup.as_mut()?.transfer.take());
        if let Some(transfer) = transfer {
            self.cancel(transfer);
        }
    }
}

/// The name that the server knows the file by.
fn file_name(url: &Url) -> String {
    let last = url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default();
    String::from_utf8_lossy(&percent_decoded(last.as_bytes())).into_owned()
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! What journals claim, held against what is durable.

use std::path::Path;

use freshet::engine::disk::Journal;
use freshet::engine::types::ByteRange;

use super::Remote;
use crate::content::Version;
use crate::device::Device;

/// So many zeros in a row are in no version of any file: there nothing was written.
const HOLE: usize = 64;

impl Remote {
    /// A journal may claim only what is durable, and only bytes of the version that it names.
    pub fn check_claim(&self, device: &mut Device, part_path: &Path, journal: &Journal) {
        let Some(inode) = device.names.get(part_path).copied() else {
            let done = &journal.done;
            assert!(done.is_empty(), "a journal claims {done:?} of {part_path:?}, which is not there");
            return;
        };
        let data = device.files.get_mut(&inode).expect("a part file is a file");
        let Some(candidates) = self.candidates(journal) else {
            let is_written = |range: &ByteRange| {
                let bytes = data.durable.get(range.start as usize..range.end as usize);
                bytes.is_some_and(|bytes| bytes.chunks_exact(HOLE).all(|chunk| chunk != [0; HOLE]))
            };
            let done = &journal.done;
            assert!(done.iter().all(is_written), "the journal of {part_path:?} claims {done:?}, which is not durable");
            return;
        };
        let is_right = candidates.iter().any(|version| data.has_durably(*version, &journal.done));
        assert!(
            is_right,
            "the journal of {part_path:?} claims {:?} of {candidates:?}, which is not durable",
            journal.done
        );
    }

    /// Whose bytes it may be about; `None` where a source lies, calls different bytes the same, or need not prove them.
    fn candidates(&self, journal: &Journal) -> Option<Vec<Version>> {
        let named = journal.validator.as_ref().map(|validator| self.named(validator));
        let sites = [Some(&journal.url), journal.origin.as_ref()].into_iter().flatten();
        let files = sites.map(|url| self.sites[self.site_of(url)].file);
        let mut files = files.chain(named.map(|version| version.file as usize));
        if files.any(|file| self.files[file].is_doubted || self.files[file].has_pieces) {
            return None;
        }
        // From wherever they came that told nothing: then no two versions are in one file all the same.
        Some(named.map_or_else(|| self.versions().collect(), |version| vec![version]))
    }

    fn versions(&self) -> impl Iterator<Item = Version> {
        let files = self.files.iter().enumerate();
        files.flat_map(|(file, of)| {
            (0..of.lengths.len() as u32).map(move |number| Version { file: file as u32, number })
        })
    }
}

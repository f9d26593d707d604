// SPDX-License-Identifier: GPL-3.0-or-later
//! What must hold of a file when its download is told as completed.

use std::time::Duration;

use freshet::engine::Snapshot;
use freshet::engine::download::spec::{Algorithm, OnExists};

use super::content::Version;
use super::disk::{Devices, checksum, device_of};
use super::plan::Wanted;
use super::remote::{Remote, Said};
use super::rules::Rules;

/// For shorter files nobody looks for a checksum beside them.
const SHORT: usize = 1024 * 1024;
/// What was asked before all was healthy may still be on its way for so long.
const LATE: Duration = Duration::from_secs(60);

/// A file that may never be touched again, as it has to stay.
#[derive(Clone, Debug)]
pub enum Kept {
    Version(Version, u64),
    /// What a source made of it that lies, and that nothing could prove wrong: by its checksum.
    Other(String),
}

impl Kept {
    pub fn is(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Version(version, length) => bytes.len() as u64 == *length && version.has(0, bytes),
            Self::Other(sum) => checksum(Algorithm::Md5, bytes) == *sum,
        }
    }
}

/// A download that is told as completed.
#[derive(Clone, Copy)]
pub struct Completed<'a> {
    pub now: &'a Snapshot,
    pub wanted: &'a Wanted,
    pub remote: &'a Remote,
}

impl Rules {
    /// Its file is whole, right, and durable.
    pub fn completed(&mut self, completed: &Completed, devices: &Devices, at: Duration) {
        let Completed { now, wanted, .. } = completed;
        let path = now.path.clone().unwrap_or_else(|| panic!("{now:?} is completed and nowhere"));
        let devices = devices.borrow();
        let device = &devices[device_of(&path)];
        let inode = device.durable_names.get(&path).unwrap_or_else(|| panic!("{path:?} is not durably there"));
        let data = &device.files[inode];
        assert!(data.cache == data.durable, "{path:?} is not durable");
        completed.check_proofs(&data.durable);
        completed.check_verified(&data.durable, at);
        let kept = completed.content(&data.durable);
        let before = self.kept.insert(path.clone(), kept);
        assert!(before.is_none() || wanted.spec.on_exists == OnExists::Overwrite, "{path:?} was there before");
    }
}

impl Completed<'_> {
    /// What the user knew of it beforehand, if the user has not taken it as it is.
    fn check_proofs(&self, bytes: &[u8]) {
        let (now, spec) = (self.now, &self.wanted.spec);
        let length = bytes.len() as u64;
        assert!(spec.size.is_none_or(|size| size == length), "{now:?} has {length} bytes, not {:?}", spec.size);
        if now.is_kept {
            assert!(self.wanted.was_kept, "{now:?} was never to be kept");
            return;
        }
        if let Some(sum) = &spec.checksum {
            assert_eq!(checksum(sum.algorithm, bytes), sum.hex, "the checksum of {:?}", now.path);
            assert_eq!(now.verified.as_ref(), Some(sum), "{now:?} was verified");
        }
        if let Some(pieces) = &spec.pieces {
            let hashes = bytes.chunks(pieces.length as usize).map(|piece| checksum(pieces.algorithm, piece));
            assert!(hashes.eq(pieces.hashes.iter().cloned()), "the pieces of {:?}", now.path);
        }
    }

    /// What is told as verified is so, and what can be is.
    fn check_verified(&self, bytes: &[u8], at: Duration) {
        let (now, remote) = (self.now, self.remote);
        if let Some(sum) = &now.verified {
            assert_eq!(checksum(sum.algorithm, bytes), sum.hex, "{now:?} was verified");
            assert!(!now.is_kept, "{now:?} is both");
        }
        let site = &remote.sites[remote.site_of(&now.url)];
        let is_published = matches!(site.beside, Said::Right | Said::Stale | Said::Wrong);
        let is_sound = remote.healthy_since.is_some_and(|since| since.is_zero() || since + LATE <= at);
        let may_be = self.wanted.spec.find_checksum && is_published && bytes.len() >= SHORT;
        let is_proven = self.wanted.was_kept || self.wanted.spec.pieces.is_some();
        assert!(!(may_be && is_sound) || is_proven || now.verified.is_some(), "{now:?} could have been verified");
    }

    /// It is one version of one file as a whole.
    fn content(&self, bytes: &[u8]) -> Kept {
        let (wanted, remote) = (self.wanted, self.remote);
        let versions = wanted.files.iter().filter_map(|file| remote.version_like(*file, bytes));
        if let Some(version) = versions.into_iter().next() {
            return Kept::Version(version, bytes.len() as u64);
        }
        let is_doubted = wanted.files.iter().any(|file| remote.files[*file].is_doubted);
        let is_unproven = self.now.is_kept || (wanted.spec.checksum.is_none() && wanted.spec.pieces.is_none());
        assert!(
            is_doubted && is_unproven,
            "{:?} ({} bytes) is no version of the files {:?}",
            self.now.path,
            bytes.len(),
            wanted.files
        );
        Kept::Other(checksum(Algorithm::Md5, bytes))
    }
}

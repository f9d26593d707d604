// SPDX-License-Identifier: GPL-3.0-or-later
//! The downloads that users want, and what is known of each before its first byte.

use std::collections::BTreeSet;
use std::time::Duration;

use freshet::engine::download::pieces::Pieces;
use freshet::engine::download::spec::{Algorithm, Checksum, OnExists, Patience};
use freshet::engine::{DownloadSpec, Speed};

use super::{Deed, KIB, Plan, Wanted};
use crate::content::Version;
use crate::disk::checksum;
use crate::random::Random;
use crate::transport::OWNER;

impl Plan {
    pub(super) fn downloads(&mut self, random: &mut Random) {
        for index in 0..random.between(1, 6) as usize {
            let living = self.remote.sites.iter().filter(|site| !site.is_dead).count();
            let site = random.below(living as u64) as usize;
            let file = self.remote.sites[site].file;
            let url = self.remote.sites[site].url.clone();
            let disk = random.below(self.devices.len() as u64);
            let mut spec = DownloadSpec::new(url, format!("/disk{disk}/{}", random.pick(&["a", "b"])).into());
            let mirrors = self
                .remote
                .sites
                .iter()
                .enumerate()
                .filter(|(other, mirror)| *other != site && mirror.file == file && !mirror.is_dead);
            spec.mirrors = mirrors.map(|(_, mirror)| mirror.url.clone()).collect();
            let mut files = BTreeSet::from([file]);
            if random.percent(8) {
                // A mirror by the word of the user, but of another file.
                let other = &self.remote.sites[random.below(living as u64) as usize];
                spec.mirrors.push(other.url.clone());
                files.insert(other.file);
            }
            if random.percent(15) {
                spec.name = Some(random.pick(&["film.mkv", "f1.bin", "list.txt"]).to_owned());
            }
            spec.on_exists = random.pick(&[
                OnExists::Rename,
                OnExists::Rename,
                OnExists::Rename,
                OnExists::Overwrite,
                OnExists::Skip,
            ]);
            spec.resume = !random.percent(10);
            spec.connections = random.pick(&[1, 2, 4, 8, 8, 16]);
            spec.manners.headers = vec![format!("{OWNER}{index}")];
            spec.patience = Patience {
                retries: random.between(0, 8) as u32,
                first_wait: random.millis(100, 5_000),
                silence: random.millis(500, 30_000),
                wait_for_space: !random.percent(15),
            };
            let is_hopeless = self.proofs(random, file, &mut spec);
            for file in &files {
                self.remote.files[*file].has_pieces |= spec.pieces.is_some();
            }
            spec.find_checksum = random.percent(40);
            spec.rate = rate(random).filter(|_| random.percent(30));
            if random.percent(15) {
                self.users_file(random, &spec);
            }
            let at = if random.percent(50) {
                Duration::ZERO
            } else {
                random.millis(0, self.heal_at.as_millis() as u64 * 3 / 4)
            };
            self.deeds.push((at, Deed::Add(index)));
            self.downloads.push(Wanted { spec, file, files, is_hopeless, was_kept: false, was_renewed: false });
        }
    }

    /// Checksum, pieces and length of the last version, which is the one that is there when all is
    /// healthy. `true`: they are of no version at all.
    fn proofs(&self, random: &mut Random, file: usize, spec: &mut DownloadSpec) -> bool {
        let of = &self.remote.files[file];
        let last = Version { file: file as u32, number: of.lengths.len() as u32 - 1 };
        let length = self.remote.length(last);
        let hopeless = random.below(100);
        let has_pieces = random.percent(25) || hopeless == 0;
        let has_checksum = random.percent(20) || (of.is_doubted && !has_pieces) || (1..4).contains(&hopeless);
        if has_checksum {
            let algorithm = random.pick(&[Algorithm::Md5, Algorithm::Sha256]);
            let bytes = if (1..4).contains(&hopeless) { b"others".to_vec() } else { last.whole(length) };
            spec.checksum = Some(Checksum { algorithm, hex: checksum(algorithm, &bytes) });
        }
        if has_pieces {
            let algorithm = random.pick(&[Algorithm::Md5, Algorithm::Sha1, Algorithm::Sha256]);
            // Never so many that a world is nothing but pieces.
            let piece = random.magnitude(KIB, 512 * KIB).max(length / 50 + 1);
            let whole = if hopeless == 0 { vec![0; length as usize] } else { last.whole(length) };
            let hashes = whole.chunks(piece as usize).map(|piece| checksum(algorithm, piece)).collect();
            spec.pieces = Some(Pieces { algorithm, length: piece, hashes });
        }
        if random.percent(if has_pieces { 60 } else { 10 }) {
            spec.size = Some(length);
        }
        if hopeless == 4 {
            spec.size = Some(length + random.between(1, 1000));
        }
        // Of an empty file no piece can be wrong.
        (1..5).contains(&hopeless) || (hopeless == 0 && length > 0)
    }
}

pub fn rate(random: &mut Random) -> Option<Speed> {
    random.percent(70).then(|| Speed(random.magnitude(30_000, 5_000_000)))
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! What a seed makes of a world before it begins: servers, files, devices, downloads, and what users
//! and fate will do when.

mod fate;
mod servers;
mod wishes;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use freshet::engine::{DownloadSpec, Limits, Speed};

use super::content::Version;
use super::device::Device;
use super::random::Random;
use super::remote::Remote;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
/// So much is free where there is room.
pub const ROOM: u64 = 1024 * MIB;
/// Files that users have are of these "remote" files, which nobody serves.
const USERS: u32 = 1000;

/// What is done to the engine or to the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    Add(usize),
    Pause(usize),
    Resume(usize),
    StartNow(usize),
    /// In the queue, before another one or to its end.
    Move(usize, Option<usize>),
    PauseAll,
    ResumeAll,
    Remove(usize),
    Restore(usize),
    Purge(usize),
    Keep(usize),
    /// To a folder of the first or the second device.
    Relocate(usize, PathBuf),
    /// The address of a site in place of the one it has.
    Renew(usize, usize),
    Rate(usize, Option<Speed>),
    Limit(Limits),
    /// The program is ended, killed, or the machine loses power; it starts again later.
    Stop,
    Kill,
    CutPower,
    NewVersion(usize),
    /// So much is free from now on.
    Space(usize, u64),
    /// So many operations of a thousand fail.
    Errors(usize, u64),
    Pace(usize, (u64, u64)),
    /// Servers and disks are healthy from now on.
    Heal,
    /// The user has everything go on that does not go by itself, and gives up what was removed.
    Again,
    /// Has everything come to its end?
    Judge,
}

/// A download that will be added.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub spec: DownloadSpec,
    pub file: usize,
    /// All that its addresses ever led to, by the word of its user.
    pub files: BTreeSet<usize>,
    /// No version has this checksum, these pieces or this length.
    pub is_hopeless: bool,
    /// What its user has done.
    pub was_kept: bool,
    pub was_renewed: bool,
}

/// A part file may be left by one download and continued by another one of the same address, which takes
/// over what its user said of mirrors.
pub fn share_files(downloads: &mut [Wanted]) {
    for index in 0..downloads.len() {
        let files = downloads[index].files.clone();
        for other in downloads.iter_mut().filter(|other| !other.files.is_disjoint(&files)) {
            other.files.extend(&files);
        }
    }
}

impl Wanted {
    /// Whether what a healthy server has may not fit: to what is known beforehand as long as it is not the
    /// last version, and to what came from elsewhere.
    pub fn may_be_refused(&self) -> bool {
        self.was_renewed || self.files.len() > 1 || self.spec.size.is_some() || self.spec.pieces.is_some()
    }
}

pub struct Plan {
    pub remote: Remote,
    pub devices: Vec<Device>,
    pub downloads: Vec<Wanted>,
    pub deeds: Vec<(Duration, Deed)>,
    pub limits: Limits,
    /// What may wait for a device.
    pub bound: usize,
    /// Files that are there, and not the engine's.
    pub users_files: Vec<(PathBuf, Version, u64)>,
    pub heal_at: Duration,
}

impl Plan {
    pub fn new(random: &mut Random) -> Self {
        let is_calm = random.percent(10);
        let longest = random.pick(&[40_000, 40_000, 40_000, 120_000]);
        let heal_at = random.millis(2_000, longest);
        let mut plan = Self {
            remote: servers::servers(random, is_calm),
            devices: Vec::new(),
            downloads: Vec::new(),
            deeds: Vec::new(),
            limits: limits(random),
            bound: random.magnitude(64 * KIB, 4 * MIB) as usize,
            users_files: Vec::new(),
            heal_at,
        };
        plan.devices(random);
        plan.downloads(random);
        share_files(&mut plan.downloads);
        if !is_calm {
            plan.fate(random);
        }
        plan.deeds.push((heal_at, Deed::Heal));
        plan.deeds.push((heal_at + Duration::from_secs(15), Deed::Again));
        plan.deeds.sort_by_key(|(at, _)| *at);
        plan
    }

    fn devices(&mut self, random: &mut Random) {
        for _ in 0..random.between(1, 2) {
            let pace = if random.percent(80) { (20, 300) } else { (500, 20_000) };
            let syncs_names = random.percent(50);
            self.devices.push(Device::new(ROOM, pace, syncs_names));
        }
    }

    /// A file of the name that a download will want.
    fn users_file(&mut self, random: &mut Random, spec: &DownloadSpec) {
        let by_address = spec.url.path().trim_start_matches('/').to_owned();
        let path = spec.folder.join(spec.name.clone().unwrap_or(by_address));
        let version = Version { file: USERS + self.users_files.len() as u32, number: 0 };
        let length = random.magnitude(1, 10_000);
        let device = super::disk::device_of(&path);
        if !self.devices[device].exists(&path) {
            self.devices[device].place(path.clone(), version.whole(length));
            self.users_files.push((path, version, length));
        }
    }
}

pub fn limits(random: &mut Random) -> Limits {
    Limits {
        parallel: random.between(1, 5) as usize,
        per_host: random.pick(&[1, 2, 4, 8]),
        rate: random.percent(15).then(|| Speed(random.magnitude(20_000, 5_000_000))),
        ..Limits::default()
    }
}

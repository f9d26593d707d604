// SPDX-License-Identifier: GPL-3.0-or-later
//! What a seed makes of a world before it begins: servers, files, devices, downloads, and what users
//! and fate will do when.

use std::path::PathBuf;
use std::time::Duration;

use freshet::engine::download::spec::{Algorithm, Checksum, OnExists, Patience};
use freshet::engine::{DownloadSpec, Limits, Speed};
use url::Url;

use super::content::Version;
use super::device::Device;
use super::disk::checksum;
use super::random::Random;
use super::remote::{Fault, Host, Remote, RemoteFile, Site, Tells};
use super::transport::OWNER;

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
    PauseAll,
    ResumeAll,
    Remove(usize),
    Restore(usize),
    Purge(usize),
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
    /// No version has this checksum.
    pub is_hopeless: bool,
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
            remote: servers(random, is_calm),
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

    fn downloads(&mut self, random: &mut Random) {
        for index in 0..random.between(1, 6) as usize {
            let site = random.below(self.remote.sites.len() as u64) as usize;
            let file = self.remote.sites[site].file;
            let url = self.remote.sites[site].url.clone();
            let disk = random.below(self.devices.len() as u64);
            let mut spec = DownloadSpec::new(url, format!("/disk{disk}/{}", random.pick(&["a", "b"])).into());
            let mirrors =
                self.remote.sites.iter().enumerate().filter(|(other, mirror)| *other != site && mirror.file == file);
            spec.mirrors = mirrors.map(|(_, mirror)| mirror.url.clone()).collect();
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
            let is_hopeless = random.percent(3);
            let versions = self.remote.files[file].lengths.len() as u32;
            if random.percent(20) || self.remote.files[file].is_forged || is_hopeless {
                let last = Version { file: file as u32, number: versions - 1 };
                let algorithm = random.pick(&[Algorithm::Md5, Algorithm::Sha256]);
                let bytes = if is_hopeless { b"others".to_vec() } else { last.whole(self.remote.length(last)) };
                spec.checksum = Some(Checksum { algorithm, hex: checksum(algorithm, &bytes) });
            }
            if random.percent(15) {
                self.users_file(random, &spec);
            }
            let at = if random.percent(50) {
                Duration::ZERO
            } else {
                random.millis(0, self.heal_at.as_millis() as u64 * 3 / 4)
            };
            self.deeds.push((at, Deed::Add(index)));
            self.downloads.push(Wanted { spec, file, is_hopeless });
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

    fn fate(&mut self, random: &mut Random) {
        let before = self.heal_at.as_millis() as u64;
        let downloads = self.downloads.len() as u64;
        let most_deeds = random.pick(&[0, 4, 12, 30]);
        for _ in 0..random.between(0, most_deeds) {
            let index = random.below(downloads) as usize;
            let deed = match random.below(14) {
                0..=3 => Deed::Pause(index),
                4..=6 => Deed::Resume(index),
                7 => Deed::PauseAll,
                8 => Deed::ResumeAll,
                9 => Deed::Remove(index),
                10 | 11 => Deed::Restore(index),
                12 => Deed::Purge(index),
                _ => Deed::Limit(limits(random)),
            };
            let at = random.millis(0, before);
            // What follows at once is what finds races.
            if random.percent(30) {
                let next = random.pick(&[
                    Deed::Resume(index),
                    Deed::Pause(index),
                    Deed::Remove(index),
                    Deed::Restore(index),
                    Deed::Purge(index),
                ]);
                self.deeds.push((at + random.micros(0, 20_000), next));
            }
            self.deeds.push((at, deed));
        }
        let most_ends = random.pick(&[0, 0, 1, 3]);
        for _ in 0..random.between(0, most_ends) {
            let deed = random.pick(&[Deed::Stop, Deed::Kill, Deed::CutPower, Deed::CutPower]);
            self.deeds.push((random.millis(0, before), deed));
        }
        for file in 0..self.remote.files.len() {
            for _ in 1..self.remote.files[file].lengths.len() {
                self.deeds.push((random.millis(0, before), Deed::NewVersion(file)));
            }
        }
        for device in 0..self.devices.len() {
            if random.percent(25) {
                let at = random.millis(0, before);
                self.deeds.push((at, Deed::Space(device, random.magnitude(1, 2 * MIB))));
                self.deeds.push((at + random.millis(0, 30_000), Deed::Space(device, ROOM)));
            }
            if random.percent(15) {
                let at = random.millis(0, before);
                self.deeds.push((at, Deed::Errors(device, random.pick(&[5, 50, 500]))));
                self.deeds.push((at + random.millis(0, 10_000), Deed::Errors(device, 0)));
            }
            if random.percent(15) {
                let at = random.millis(0, before);
                self.deeds.push((at, Deed::Pace(device, (10_000, 1_500_000))));
                self.deeds.push((at + random.millis(0, 10_000), Deed::Pace(device, (20, 300))));
            }
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

fn servers(random: &mut Random, is_calm: bool) -> Remote {
    let refusals = [
        Fault::Refused,
        Fault::Status(403, None),
        Fault::Status(429, Some(5)),
        Fault::Status(503, None),
        Fault::Dropped,
    ];
    let hosts: Vec<_> = (0..random.between(1, 3))
        .map(|number| {
            let rate = random.magnitude(30_000, 20_000_000);
            Host {
                name: format!("h{number}.test"),
                latency: random.millis(1, 300),
                rate,
                most: if is_calm || random.percent(60) { usize::MAX } else { random.between(1, 6) as usize },
                refusal: random.pick(&refusals),
                trouble: if is_calm { 0 } else { random.pick(&[0, 5, 20, 50]) },
                piece: (rate / 20).clamp(1 + random.below(4000), 16 * KIB) as usize,
            }
        })
        .collect();
    let mut files = Vec::new();
    let mut sites = Vec::new();
    for number in 0..random.between(1, 4) as usize {
        let versions = if is_calm || random.percent(45) { 1 } else { random.between(2, 4) };
        let first = length(random);
        let is_same_length = random.percent(75);
        let lengths = (0..versions).map(|_| if is_same_length { first } else { length(random) }).collect();
        files.push(RemoteFile { lengths, current: 0, is_forged: versions > 1 && random.percent(10) });
        let count = if random.percent(70) { 1 } else { random.between(2, 4) };
        let tells = tells(random);
        for site in 0..count {
            sites.push(site_of(random, &hosts, number, site, tells, is_calm));
        }
    }
    Remote { hosts, files, sites, is_healthy: is_calm, random: random.fork() }
}

fn length(random: &mut Random) -> u64 {
    match random.below(100) {
        0..=3 => 0,
        4..=9 => random.between(1, 100),
        10..=64 => random.magnitude(100, 200 * KIB),
        65..=94 => random.magnitude(100 * KIB, 2 * MIB),
        _ => random.magnitude(MIB, 8 * MIB),
    }
}

fn tells(random: &mut Random) -> Tells {
    match random.below(20) {
        0..=8 => Tells::StrongTag,
        9 | 10 => Tells::OwnTag,
        11 => Tells::WeakTag,
        12 => Tells::WeakTagAndDate,
        13..=15 => Tells::Date,
        16 => Tells::FreshDate,
        17 => Tells::Nothing,
        _ => Tells::FileTime,
    }
}

fn site_of(random: &mut Random, hosts: &[Host], file: usize, number: u64, tells: Tells, is_calm: bool) -> Site {
    let host = random.below(hosts.len() as u64) as usize;
    let scheme = if tells == Tells::FileTime { "ftp" } else { "http" };
    let name = if number == 0 { format!("f{file}.bin") } else { format!("m{number}/f{file}.bin") };
    Site {
        url: Url::parse(&format!("{scheme}://{}/{name}", hosts[host].name)).expect("an address"),
        host,
        file,
        tells,
        has_ranges: random.percent(80),
        has_length: random.percent(85),
        compresses: tells != Tells::FileTime && random.percent(5),
        is_stale: !is_calm && number > 0 && random.percent(20),
        ignores_condition: random.percent(30),
    }
}

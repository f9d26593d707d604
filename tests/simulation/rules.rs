// SPDX-License-Identifier: GPL-3.0-or-later
//! What must hold: after every step, after a power cut, and at the end.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use freshet::engine::disk::naming::{JOURNAL_SUFFIX, PART_SUFFIX};
use freshet::engine::download::spec::OnExists;
use freshet::engine::{DownloadId, Event, FailureKind, Limits, Snapshot, State};

use super::content::Version;
use super::disk::{Devices, checksum, device_of};
use super::plan::Wanted;
use super::remote::Remote;
use super::timeline::Timeline;
use super::transport::Alive;
use super::world::World;

/// What the engine has told of its downloads.
#[derive(Debug, Default)]
pub struct Told {
    downloads: BTreeMap<DownloadId, Snapshot>,
    completed: Vec<Snapshot>,
    /// One was removed while it was moved into place: where it is now nobody tells.
    has_lost_sight: bool,
}

impl Told {
    pub fn hear(&mut self, event: &Event, timeline: &Timeline) {
        match event {
            Event::Added(snapshot) => {
                timeline
                    .note([3, snapshot.id.0, 0], || format!("download {} added: {:?}", snapshot.id, snapshot.state));
                let before = self.downloads.insert(snapshot.id, (**snapshot).clone());
                assert!(before.is_none(), "download {} is added twice", snapshot.id);
            }
            Event::Changed(snapshot) => {
                timeline.note([4, snapshot.id.0, snapshot.progress.received], || {
                    format!(
                        "download {}: {:?} {:?} {:?}",
                        snapshot.id, snapshot.state, snapshot.progress, snapshot.path
                    )
                });
                let before = self.downloads.insert(snapshot.id, (**snapshot).clone());
                let Some(before) = before else { panic!("download {} changes and is not in the list", snapshot.id) };
                if snapshot.state == State::Completed && before.state != State::Completed {
                    self.completed.push((**snapshot).clone());
                }
                assert!(
                    before.state != State::Completed || snapshot.state == State::Completed,
                    "{snapshot:?} was completed"
                );
            }
            Event::Progressed { id, progress } => {
                let is_possible = progress.total.is_none_or(|total| progress.received <= total);
                assert!(is_possible, "download {id} has received {progress:?}");
                let Some(now) = self.downloads.get_mut(id) else {
                    panic!("download {id} progresses and is not in the list")
                };
                now.progress = *progress;
            }
            Event::Removed(id) => {
                timeline.note([5, id.0, 0], || format!("download {id} removed"));
                let before = self.downloads.remove(id);
                assert!(before.is_some(), "download {id} is removed twice");
                self.has_lost_sight |= before.is_some_and(|before| before.state == State::Verifying);
            }
            // The virtual list can always be saved.
            Event::ListUnsaved(_) => {}
        }
    }

    pub fn take_completed(&mut self) -> Vec<Snapshot> {
        std::mem::take(&mut self.completed)
    }

    pub fn knows(&self, id: DownloadId) -> bool {
        self.downloads.contains_key(&id)
    }

    pub fn states(&self) -> Vec<(u64, &State, Option<u64>, u64)> {
        let states = self.downloads.values();
        states.map(|now| (now.id.0, &now.state, now.progress.total, now.progress.received)).collect()
    }

    /// Those that only a user can have go on.
    pub fn stopped(&self) -> Vec<DownloadId> {
        let stopped = self.downloads.values().filter(|now| matches!(now.state, State::Paused | State::Failed(_)));
        stopped.map(|now| now.id).collect()
    }

    /// How many are completed, how many failed.
    pub fn ends(&self) -> (u64, u64) {
        let count = |is: fn(&State) -> bool| self.downloads.values().filter(|now| is(&now.state)).count() as u64;
        (count(|state| matches!(state, State::Completed)), count(|state| matches!(state, State::Failed(_))))
    }
}

#[derive(Debug, Default)]
pub struct Rules {
    /// Files that are not the engine's, and finished ones, which it may never touch again.
    kept: BTreeMap<PathBuf, (Version, u64)>,
    /// A process has died: what it had not told of may be left.
    pub has_died: bool,
    active: usize,
    connections: BTreeMap<(usize, bool), usize>,
}

impl Rules {
    pub fn new(users_files: &[(PathBuf, Version, u64)]) -> Self {
        let kept = users_files.iter().map(|(path, version, length)| (path.clone(), (*version, *length)));
        Self { kept: kept.collect(), ..Self::default() }
    }

    pub fn forget_process(&mut self) {
        self.active = 0;
        self.connections.clear();
    }

    /// After every step.
    pub fn check(
        &mut self,
        snapshots: &[Snapshot],
        alive: &[Alive],
        limits: &Limits,
        told: &Told,
        ids: &[Option<DownloadId>],
        wanted: &[Wanted],
    ) {
        assert_eq!(
            snapshots.len(),
            told.downloads.len(),
            "told: {:?}, there are: {snapshots:?}",
            told.downloads.keys()
        );
        let mut active = 0;
        for now in snapshots {
            let Some(last) = told.downloads.get(&now.id) else { panic!("{now:?} was never told of") };
            assert_eq!(now.state, last.state, "the state of download {} as it is, as it was told", now.id);
            // What is learned of the file is told with the next change.
            if !matches!(now.state, State::Connecting | State::Downloading) {
                let (is, was) = ((&now.name, now.progress.total), (&last.name, last.progress.total));
                assert_eq!(is, was, "name and total of download {} as they are, as they were told", now.id);
            }
            let is_possible = now.progress.total.is_none_or(|total| now.progress.received <= total);
            assert!(is_possible, "{now:?} has more than its total");
            active += usize::from(is_active(&now.state));
        }
        assert!(active <= limits.parallel.max(self.active), "{active} downloads at work, {} allowed", limits.parallel);
        self.active = active;

        let mut connections = BTreeMap::new();
        let mut of_owner = vec![0; wanted.len()];
        for transfer in alive {
            *connections.entry(transfer.host).or_insert(0) += 1;
            of_owner[transfer.owner] += 1;
            let state = ids[transfer.owner].and_then(|id| told.downloads.get(&id)).map(|now| &now.state);
            let may_fetch = matches!(state, Some(State::Connecting | State::Downloading));
            assert!(may_fetch, "a transfer of download #{}, which is {state:?}", transfer.owner);
        }
        for (host, count) in &connections {
            let before = self.connections.get(host).copied().unwrap_or(0);
            assert!(
                *count <= limits.per_host.max(before),
                "{count} connections to host {host:?}, {} allowed",
                limits.per_host
            );
        }
        self.connections = connections;
        for (owner, count) in of_owner.iter().enumerate() {
            let most = wanted[owner].spec.connections;
            assert!(*count <= most, "{count} connections of download #{owner}, {most} allowed");
        }
    }

    /// The file of a completed download is whole, right, and durable.
    pub fn check_completed(&mut self, now: &Snapshot, wanted: &Wanted, devices: &Devices, remote: &Remote) {
        let path = now.path.clone().unwrap_or_else(|| panic!("{now:?} is completed and nowhere"));
        let devices = devices.borrow();
        let device = &devices[device_of(&path)];
        let inode = device.durable_names.get(&path).unwrap_or_else(|| panic!("{path:?} is not durably there"));
        let data = &device.files[inode];
        assert!(data.cache == data.durable, "{path:?} is not durable");
        let version = remote.versions_like(wanted.file, &data.durable);
        if let Some(sum) = &wanted.spec.checksum {
            assert_eq!(checksum(sum.algorithm, &data.durable), sum.hex, "the checksum of {path:?}");
        }
        let Some(version) = version else {
            panic!("{path:?} ({} bytes) is no version of file {}", data.durable.len(), wanted.file);
        };
        let before = self.kept.insert(path.clone(), (version, data.durable.len() as u64));
        assert!(before.is_none() || wanted.spec.on_exists == OnExists::Overwrite, "{path:?} was there before");
    }

    /// What is finished, and what is the user's, is there and right.
    pub fn check_files(&self, devices: &Devices, remote: &Remote, wanted: &[Wanted]) {
        for (path, (version, length)) in &self.kept {
            let devices = devices.borrow();
            let data = devices[device_of(path)].data(path);
            let bytes = data.map_or(&[][..], |data| data.cache.as_slice());
            let is_same = data.is_some() && bytes.len() as u64 == *length && version.has(0, bytes);
            // One that replaces it may be in place without having been told of.
            let is_replaced = || {
                let replaces = |wanted: &&Wanted| {
                    wanted.spec.on_exists == OnExists::Overwrite && path.parent() == Some(&wanted.spec.folder)
                };
                wanted.iter().filter(replaces).any(|wanted| remote.versions_like(wanted.file, bytes).is_some())
            };
            assert!(is_same || is_replaced(), "{path:?} was touched");
        }
    }

    /// `None`: some are still on their way. Else those that failed and should not have.
    pub fn verdict(&self, told: &Told, wanted: &[Wanted], ids: &[Option<DownloadId>]) -> Option<Vec<DownloadId>> {
        let mut failed = Vec::new();
        for (index, id) in ids.iter().enumerate() {
            let Some(now) = id.and_then(|id| told.downloads.get(&id)) else { continue };
            match &now.state {
                State::Completed => {}
                State::Failed(failure) if is_right(&failure.kind, &wanted[index]) => {}
                State::Failed(failure) => {
                    let is_of_content = matches!(failure.kind, FailureKind::ChecksumMismatch { .. });
                    let is_hasty = wanted[index].spec.patience.retries == 0 && failure.kind.is_temporary();
                    assert!(is_of_content || is_hasty, "download {} failed, though all is healthy: {failure}", now.id);
                    failed.push(now.id);
                }
                _ => return None,
            }
        }
        Some(failed)
    }

    /// Nothing is left but what has to be.
    pub fn check_end(&self, world: &World) {
        self.check_files(&world.devices, &world.remote.borrow(), &world.wanted);
        let (_, failed) = world.told.borrow().ends();
        for (path, at) in world.paths() {
            let devices = world.devices.borrow();
            let device = &devices[at];
            let name = path.to_string_lossy();
            if name.ends_with(JOURNAL_SUFFIX) {
                let part = Path::new(name.trim_end_matches(JOURNAL_SUFFIX));
                assert!(failed > 0 || self.has_died, "the journal of {part:?} is left");
            } else if name.ends_with(PART_SUFFIX) {
                let is_survivor = device.data(&path).is_some_and(|data| data.is_survivor);
                assert!(failed > 0 || is_survivor, "{path:?} is left");
            } else if !self.kept.contains_key(&path) {
                let remote = world.remote.borrow();
                let bytes = device.data(&path).map_or(&[][..], |data| data.cache.as_slice());
                let is_whole = (0..remote.files.len()).any(|file| remote.versions_like(file, bytes).is_some());
                let is_lost = self.has_died || world.told.borrow().has_lost_sight;
                assert!(is_lost && is_whole, "{path:?} is left, and nobody told of it");
            }
        }
    }
}

fn is_active(state: &State) -> bool {
    matches!(state, State::Connecting | State::Downloading | State::Verifying)
}

/// Whether a download may end so, however healthy everything is.
fn is_right(kind: &FailureKind, wanted: &Wanted) -> bool {
    match kind {
        FailureKind::TargetExists => wanted.spec.on_exists == OnExists::Skip,
        FailureKind::ChecksumMismatch { .. } => wanted.is_hopeless,
        _ => false,
    }
}

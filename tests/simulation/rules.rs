// SPDX-License-Identifier: GPL-3.0-or-later
//! What must hold: after every step, after a power cut, and at the end.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use freshet::engine::disk::naming::{JOURNAL_SUFFIX, PART_SUFFIX};
use freshet::engine::download::spec::OnExists;
use freshet::engine::{DownloadId, FailureKind, Limits, Snapshot, State};

use super::completed::Kept;
use super::content::Version;
use super::disk::{Devices, ENOENT, device_of};
use super::plan::Wanted;
use super::remote::Remote;
use super::told::Told;
use super::transport::Alive;
use super::world::World;

#[derive(Debug, Default)]
pub struct Rules {
    /// Files that are not the engine's, and finished ones, which it may never touch again.
    pub kept: BTreeMap<PathBuf, Kept>,
    /// A process has died: what it had not told of may be left.
    pub has_died: bool,
    /// A disk was full or failed: a part file whose journal could not be saved is known to nobody later.
    pub was_disturbed: bool,
    /// So many were to start whatever the number of those that run.
    pub hurried: usize,
    active: usize,
    /// The most connections to a host that were allowed while slots were granted to those that connect now.
    granted: usize,
    connections: BTreeMap<(usize, bool), usize>,
}

impl Rules {
    pub fn new(users_files: &[(PathBuf, Version, u64)]) -> Self {
        let kept = users_files.iter().map(|(path, version, length)| (path.clone(), Kept::Version(*version, *length)));
        Self { kept: kept.collect(), ..Self::default() }
    }

    pub fn forget_process(&mut self) {
        self.active = 0;
        self.hurried = 0;
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
        let most = limits.parallel.max(self.active);
        let more = active.saturating_sub(most);
        assert!(more <= self.hurried, "{active} downloads at work, {most} allowed, and {} more", self.hurried);
        self.hurried -= more;
        self.active = active;

        let is_granted = snapshots.iter().any(|now| now.state == State::Connecting);
        self.granted = limits.per_host.max(if is_granted { self.granted } else { 0 });
        let mut connections = BTreeMap::new();
        let mut of_owner = vec![0; wanted.len()];
        for transfer in alive {
            // Errands are few and short, and not counted.
            *connections.entry(transfer.host).or_insert(0) += usize::from(!transfer.is_errand);
            of_owner[transfer.owner] += u8::from(!transfer.is_errand);
            let state = ids[transfer.owner].and_then(|id| told.downloads.get(&id)).map(|now| &now.state);
            let may_fetch = matches!(state, Some(State::Connecting | State::Downloading));
            assert!(may_fetch, "a transfer of download #{}, which is {state:?}", transfer.owner);
        }
        for (host, count) in &connections {
            let before = self.connections.get(host).copied().unwrap_or(0);
            assert!(
                *count <= self.granted.max(before),
                "{count} connections to host {host:?}, {} allowed",
                self.granted
            );
        }
        self.connections = connections;
        for (owner, count) in of_owner.iter().enumerate() {
            let most = wanted[owner].spec.connections;
            assert!(*count <= most, "{count} connections of download #{owner}, {most} allowed");
        }
    }

    /// What is finished, and what is the user's, is there and right.
    pub fn check_files(&self, devices: &Devices, remote: &Remote, wanted: &[Wanted]) {
        for (path, kept) in &self.kept {
            let devices = devices.borrow();
            let data = devices[device_of(path)].data(path);
            let bytes = data.map_or(&[][..], |data| data.cache.as_slice());
            let is_same = data.is_some() && kept.is(bytes);
            // One that replaces it may be in place without having been told of.
            let is_replaced = || {
                let replaces = |wanted: &&Wanted| {
                    wanted.spec.on_exists == OnExists::Overwrite && path.parent() == Some(&wanted.spec.folder)
                };
                wanted
                    .iter()
                    .filter(replaces)
                    .any(|wanted| wanted.files.iter().any(|file| remote.version_like(*file, bytes).is_some()))
            };
            assert!(is_same || is_replaced(), "{path:?} was touched");
        }
    }

    /// `None`: some are still on their way. Else those that failed and should not have.
    pub fn verdict(
        &self,
        told: &Told,
        wanted: &[Wanted],
        ids: &[Option<DownloadId>],
        remote: &Remote,
    ) -> Option<Vec<DownloadId>> {
        let mut failed = Vec::new();
        for (index, id) in ids.iter().enumerate() {
            let Some(now) = id.and_then(|id| told.downloads.get(&id)) else { continue };
            match &now.state {
                State::Completed => {}
                State::Failed(failure) if is_right(&failure.kind, &wanted[index]) => {}
                // From an address to which its user sent it.
                State::Failed(_) if is_astray(now, &wanted[index], remote) => failed.push(now.id),
                State::Failed(failure) => {
                    let is_of_content =
                        matches!(failure.kind, FailureKind::ChecksumMismatch { .. } | FailureKind::Io(ENOENT))
                            || (is_unlike(&failure.kind) && wanted.iter().any(Wanted::may_be_refused));
                    // Its tries may have been used up before all was healthy. The user's are bounded, too.
                    let is_hasty = failure.kind.is_temporary();
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
                assert!(failed > 0 || self.has_died || self.was_disturbed, "the journal of {part:?} is left");
            } else if name.ends_with(PART_SUFFIX) {
                let is_survivor = device.data(&path).is_some_and(|data| data.is_survivor);
                assert!(failed > 0 || is_survivor || self.was_disturbed, "{path:?} is left");
            } else if !self.kept.contains_key(&path) {
                let remote = world.remote.borrow();
                let bytes = device.data(&path).map_or(&[][..], |data| data.cache.as_slice());
                // Also what a liar gave, and its user kept.
                let is_doubted = remote.files.iter().any(|file| file.is_doubted);
                let is_whole =
                    is_doubted || (0..remote.files.len()).any(|file| remote.version_like(file, bytes).is_some());
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
        // A wrong length is found out in many ways.
        _ => wanted.is_hopeless,
    }
}

/// How it ends where a new address has not shown that it leads to the same file.
pub fn is_unlike(kind: &FailureKind) -> bool {
    matches!(kind, FailureKind::ChangedOnServer | FailureKind::UninvitedEncoding)
}

fn is_astray(now: &Snapshot, wanted: &Wanted, remote: &Remote) -> bool {
    let site = &remote.sites[remote.site_of(&now.url)];
    site.is_dead || site.file != wanted.file
}

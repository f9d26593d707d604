// SPDX-License-Identifier: GPL-3.0-or-later
//! What the engine tells, kept as a window would, and held against what it told before.

use std::collections::BTreeMap;

use freshet::engine::{DownloadId, Event, Snapshot, State};

use super::timeline::Timeline;

/// What the engine has told of its downloads.
#[derive(Debug, Default)]
pub struct Told {
    pub downloads: BTreeMap<DownloadId, Snapshot>,
    completed: Vec<Snapshot>,
    /// One was removed while it was moved into place: where it is now nobody tells.
    pub has_lost_sight: bool,
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
            Event::Moved(turns) => assert!(!turns.is_empty(), "nothing was moved"),
            // The virtual list can always be saved.
            Event::ListUnsaved(_) => {}
            Event::Probed { id, .. } => panic!("nobody asked for probe {}", id.0),
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
    pub fn stopped(&self) -> Vec<Snapshot> {
        let stopped = self.downloads.values().filter(|now| matches!(now.state, State::Paused | State::Failed(_)));
        stopped.cloned().collect()
    }

    /// How many are completed, how many failed.
    pub fn ends(&self) -> (u64, u64) {
        let count = |is: fn(&State) -> bool| self.downloads.values().filter(|now| is(&now.state)).count() as u64;
        (count(|state| matches!(state, State::Completed)), count(|state| matches!(state, State::Failed(_))))
    }
}

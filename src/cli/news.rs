// SPDX-License-Identifier: GPL-3.0-or-later
//! From the engine's events to what is worth telling, and to the exit status. Keeps something of a
//! download only while it runs, so that ten thousand in the queue cost next to nothing.

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;

use super::status::Status;
use crate::engine::download::state::WaitReason;
use crate::engine::store::redact;
use crate::engine::types::IdMap;
use crate::engine::{DownloadId, Event, Failure, FailureKind, Progress, Snapshot, State};

/// One thing that happened to a download.
#[derive(Debug)]
pub enum News<'a> {
    Added(&'a Snapshot),
    Connecting(&'a Snapshot),
    /// The server has answered well; after a retry this is told again.
    Started(&'a Snapshot),
    Progressed {
        id: DownloadId,
        active: &'a Active,
        progress: &'a Progress,
    },
    Verifying(&'a Snapshot),
    Retrying {
        snapshot: &'a Snapshot,
        failure: &'a Failure,
        attempt: Option<u32>,
    },
    Completed(&'a Snapshot),
    /// The file was there, and that was to be good enough.
    Skipped(&'a Snapshot),
    Failed {
        snapshot: &'a Snapshot,
        failure: &'a Failure,
        /// Whether the same command goes on from what is here.
        continues: bool,
    },
}

/// Where news goes. The error is that of standard output; other places swallow theirs.
pub trait Reporter {
    fn tell(&mut self, news: &News<'_>) -> io::Result<()>;
}

/// What is known of a download that has a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Active {
    /// Without its password.
    pub url: String,
    pub name: String,
    pub path: Option<PathBuf>,
    is_started: bool,
}

/// Follows all downloads to their end.
#[derive(Debug)]
pub struct Tracker {
    /// How many downloads there will be.
    expected: usize,
    ended: usize,
    /// Added, and not at its end.
    open: HashSet<DownloadId>,
    active: IdMap<DownloadId, Active>,
    /// Those of them for which a file that is there already is as good as theirs.
    skipping: HashSet<DownloadId>,
    /// Those of them of which the same command would take nothing that is here.
    anew: HashSet<DownloadId>,
    status: Status,
}

impl Tracker {
    pub fn new(expected: usize) -> Self {
        Self {
            expected,
            ended: 0,
            open: HashSet::new(),
            active: IdMap::default(),
            skipping: HashSet::new(),
            anew: HashSet::new(),
            status: Status::Complete,
        }
    }

    /// A file that is there already is as good as that of this download, which was just added.
    pub fn skip(&mut self, id: DownloadId) {
        self.skipping.insert(id);
    }

    /// The same command would fetch all of this download again, which was just added.
    pub fn start_anew(&mut self, id: DownloadId) {
        self.anew.insert(id);
    }

    /// Whether the same command would go on with one that is not at its end.
    pub fn continues(&self) -> bool {
        self.open.iter().any(|id| !self.anew.contains(id))
    }

    /// Whether every download has come to its end.
    pub fn is_over(&self) -> bool {
        self.ended >= self.expected
    }

    /// How many were added and are not at their end.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// How many of them have a slot.
    pub fn running(&self) -> usize {
        self.active.len()
    }

    /// The worst of the ends so far.
    pub fn status(&self) -> Status {
        self.status
    }

    pub fn take<'a>(&'a mut self, event: &'a Event) -> Option<News<'a>> {
        match event {
            Event::Added(snapshot) => {
                self.open.insert(snapshot.id);
                Some(News::Added(snapshot))
            }
            Event::Changed(snapshot) => self.changed(snapshot),
            Event::Progressed { id, progress } => {
                let active = self.active.get(id)?;
                active.is_started.then_some(News::Progressed { id: *id, active, progress })
            }
            Event::Removed(id) => {
                self.end(*id, Status::Complete);
                None
            }
            // There is no list, so nothing of it is moved, and nobody asks before.
            Event::ListUnsaved(_) | Event::Moved(_) | Event::Probed { .. } => None,
        }
    }

    fn changed<'a>(&mut self, snapshot: &'a Snapshot) -> Option<News<'a>> {
        let id = snapshot.id;
        match &snapshot.state {
            State::Queued | State::Scheduled { .. } | State::Paused => {
                self.active.remove(&id);
                None
            }
            State::Connecting => {
                self.activate(snapshot, false);
                Some(News::Connecting(snapshot))
            }
            // A small file can be complete with its first packet.
            State::Downloading | State::Verifying => match (self.activate(snapshot, true), &snapshot.state) {
                (false, _) => Some(News::Started(snapshot)),
                (true, State::Verifying) => Some(News::Verifying(snapshot)),
                (true, _) => None,
            },
            State::Waiting { reason, .. } => {
                self.active.remove(&id);
                let (failure, attempt) = match reason {
                    WaitReason::Retry { failure, attempt } => (failure, Some(*attempt)),
                    WaitReason::Space { failure } => (failure, None),
                    // Only a window holds downloads.
                    WaitReason::Held(_) => return None,
                };
                Some(News::Retrying { snapshot, failure, attempt })
            }
            State::Completed => self.end(id, Status::Complete).then_some(News::Completed(snapshot)),
            State::Failed(Failure { kind: FailureKind::TargetExists, .. }) if self.skipping.contains(&id) => {
                self.end(id, Status::Complete).then_some(News::Skipped(snapshot))
            }
            State::Failed(failure) => {
                let continues = !self.anew.contains(&id);
                self.end(id, failure.kind.class().into()).then_some(News::Failed { snapshot, failure, continues })
            }
        }
    }

    /// Notes what is known now. Returns whether it was started before.
    fn activate(&mut self, snapshot: &Snapshot, is_started: bool) -> bool {
        let Some(active) = self.active.get_mut(&snapshot.id) else {
            let active = Active {
                url: redact::without_password(&snapshot.url).as_str().to_owned(),
                name: snapshot.name.clone(),
                path: snapshot.path.clone(),
                is_started,
            };
            self.active.insert(snapshot.id, active);
            return false;
        };
        // Its address stays what it is.
        active.name.clone_from(&snapshot.name);
        active.path.clone_from(&snapshot.path);
        std::mem::replace(&mut active.is_started, is_started)
    }

    /// Returns whether this is its end, and not a second telling of it.
    fn end(&mut self, id: DownloadId, status: Status) -> bool {
        self.active.remove(&id);
        self.skipping.remove(&id);
        self.anew.remove(&id);
        let was_open = self.open.remove(&id);
        if was_open {
            self.ended += 1;
            self.status = self.status.max(status);
        }
        was_open
    }
}

#[cfg(test)]
pub mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::engine::Speed;
    use crate::engine::types::Moment;

    /// A download as the engine would tell of it.
    pub fn snapshot(id: u64, state: State) -> Snapshot {
        Snapshot {
            id: DownloadId(id),
            url: "https://ann:hunter2@h/file.iso".parse().unwrap(),
            folder: "/d".into(),
            name: "file.iso".into(),
            path: None,
            state,
            progress: Progress { received: 0, total: None, speed: Speed(0), time_left: None },
            resumable: None,
            media_type: None,
            verified: None,
            is_kept: false,
            moved: None,
            retry_in: None,
            retry_at: None,
            lacked_space: false,
            added_at: SystemTime::UNIX_EPOCH,
            finished_at: None,
        }
    }

    pub fn failed(kind: FailureKind) -> State {
        State::Failed(Failure::new(kind, "technical text"))
    }

    pub fn waiting() -> State {
        let failure = Failure::new(FailureKind::Silence, "technical text");
        State::Waiting { reason: WaitReason::Retry { failure, attempt: 1 }, until: Moment(Duration::ZERO) }
    }

    fn told(tracker: &mut Tracker, event: &Event) -> String {
        tracker.take(event).map_or_else(String::new, |news| {
            let text = format!("{news:?}");
            text.split([' ', '(']).next().unwrap().to_owned()
        })
    }

    fn go(tracker: &mut Tracker, id: u64, states: &[State]) -> Vec<String> {
        let added = told(tracker, &Event::Added(Box::new(snapshot(id, State::Queued))));
        let rest = states.iter().map(|state| told(tracker, &Event::Changed(Box::new(snapshot(id, state.clone())))));
        std::iter::once(added).chain(rest).collect()
    }

    #[test]
    fn a_download_is_told_from_beginning_to_end() {
        let mut tracker = Tracker::new(1);
        let states = [
            State::Connecting,
            State::Downloading,
            waiting(),
            State::Queued,
            State::Connecting,
            State::Downloading,
            State::Downloading,
            State::Verifying,
            State::Completed,
        ];
        assert_eq!(
            go(&mut tracker, 1, &states),
            ["Added", "Connecting", "Started", "Retrying", "", "Connecting", "Started", "", "Verifying", "Completed"]
        );
        assert!(tracker.is_over());
        assert_eq!(tracker.status(), Status::Complete);
        assert!(tracker.active.is_empty() && tracker.open.is_empty());
    }

    #[test]
    fn a_file_of_one_packet_is_started_too() {
        let mut tracker = Tracker::new(1);
        let states = [State::Connecting, State::Verifying, State::Completed];
        assert_eq!(go(&mut tracker, 1, &states), ["Added", "Connecting", "Started", "Completed"]);
    }

    #[test]
    fn progress_is_told_of_what_has_started() {
        let mut tracker = Tracker::new(1);
        let event = Event::Progressed { id: DownloadId(1), progress: Progress::default() };
        go(&mut tracker, 1, &[State::Connecting]);
        assert_eq!(told(&mut tracker, &event), "");
        go(&mut tracker, 1, &[State::Downloading]);
        assert_eq!(told(&mut tracker, &event), "Progressed");
        go(&mut tracker, 1, &[State::Paused]);
        assert_eq!(told(&mut tracker, &event), "");
    }

    #[test]
    fn it_is_over_when_all_have_ended_and_the_worst_end_counts() {
        let mut tracker = Tracker::new(4);
        go(&mut tracker, 1, &[failed(FailureKind::HttpStatus(404))]);
        assert_eq!(tracker.status(), Status::Network);
        go(&mut tracker, 2, &[failed(FailureKind::ChangedOnServer)]);
        go(&mut tracker, 3, &[failed(FailureKind::ReadOnly), failed(FailureKind::ReadOnly)]);
        assert!(!tracker.is_over());
        go(&mut tracker, 4, &[State::Completed]);
        assert!(tracker.is_over());
        assert_eq!(tracker.status(), Status::Content);
    }

    #[test]
    fn it_knows_what_the_same_command_would_start_anew() {
        let lost = failed(FailureKind::ConnectionLost);
        let mut tracker = Tracker::new(2);
        tracker.take(&Event::Added(Box::new(snapshot(1, State::Queued))));
        tracker.start_anew(DownloadId(1));
        assert!(!tracker.continues());
        tracker.take(&Event::Added(Box::new(snapshot(2, State::Queued))));
        assert!(tracker.continues());
        let mut tells = |id| {
            let event = Event::Changed(Box::new(snapshot(id, lost.clone())));
            matches!(tracker.take(&event), Some(News::Failed { continues: true, .. }))
        };
        assert_eq!((tells(1), tells(2)), (false, true));
        assert!(tracker.anew.is_empty());
    }

    #[test]
    fn a_file_that_is_there_is_a_success_only_if_it_was_to_be_skipped() {
        let mut tracker = Tracker::new(1);
        tracker.skip(DownloadId(1));
        assert_eq!(go(&mut tracker, 1, &[failed(FailureKind::TargetExists)]), ["Added", "Skipped"]);
        assert_eq!((tracker.is_over(), tracker.status()), (true, Status::Complete));
        assert!(tracker.skipping.is_empty());
        let mut tracker = Tracker::new(2);
        tracker.skip(DownloadId(2));
        assert_eq!(go(&mut tracker, 1, &[failed(FailureKind::TargetExists)]), ["Added", "Failed"]);
        assert_eq!(go(&mut tracker, 2, &[failed(FailureKind::ReadOnly)]), ["Added", "Failed"]);
        assert_eq!((tracker.is_over(), tracker.status()), (true, Status::File));
    }
}

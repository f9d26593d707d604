// SPDX-License-Identifier: GPL-3.0-or-later
//! What happened to a download, one thing after the other, as data: kept in memory for as long as the
//! program runs, and of a long life the last part. The words are in `model/chronicle.rs`.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use url::Url;

use super::book::Book;
use super::download::spec::Checksum;
use super::download::state::{State, WaitReason};
use super::error::Failure;
use super::item::Item;
use super::types::{DownloadId, Moment, Speed};

/// So much is kept of each download.
const MOST: usize = 200;

/// Something that happened, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub at: SystemTime,
    pub what: Happening,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    Added,
    /// Its state became this one; where it waits, for so long.
    Became {
        state: Box<State>,
        wait: Option<Duration>,
    },
    /// So many bytes were on disk when it went on.
    Continues {
        bytes: u64,
    },
    /// So many bytes were on disk and could not be continued.
    BeginsAnew {
        bytes: u64,
    },
    Redirected {
        to: Box<Url>,
    },
    /// A connection was answered, and brings the bytes from here to there, where that was told.
    Answered {
        host: Box<str>,
        from: u64,
        to: Option<u64>,
    },
    /// A connection came to nothing, and the download goes on without it or elsewhere.
    Refused {
        host: Box<str>,
        failure: Box<Failure>,
    },
    /// Bytes that have a checksum of their own were wrong, and are fetched again.
    WrongPiece {
        from: u64,
        to: u64,
    },
    /// The limit of this download alone.
    LimitChanged(Option<Speed>),
    Renewed {
        to: Box<Url>,
    },
    /// It is to be saved in another folder.
    Relocated {
        to: Box<PathBuf>,
    },
    /// The file was taken as it is, whatever its checksum.
    Kept,
    Verified(Box<Checksum>),
    Moved {
        to: Box<PathBuf>,
    },
}

/// The last things that happened to a download.
#[derive(Debug, Default)]
pub struct Chronicle {
    entries: VecDeque<Entry>,
    /// How many there ever were.
    count: u64,
}

impl Chronicle {
    pub fn note(&mut self, at: SystemTime, what: Happening) {
        if self.entries.len() == MOST {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry { at, what });
        self.count += 1;
    }

    /// Notes a change of state, where other entries do not say it better.
    pub fn note_state(&mut self, at: SystemTime, state: &State, now: Moment) {
        let wait = match state {
            // The answer that it follows is told.
            State::Downloading => return,
            State::Waiting { until, .. } => Some(*until - now),
            _ => None,
        };
        if !self.is_still(state) {
            self.note(at, Happening::Became { state: Box::new(state.clone()), wait });
        }
    }

    /// Forgets a look at a full disk that has ended in the wait in which it began. There is one every few seconds for
    /// as long as it is full, and else nothing but those after a while.
    fn is_still(&mut self, state: &State) -> bool {
        let State::Waiting { reason: WaitReason::Space { failure }, .. } = state else { return false };
        let is_of_look = |entry: &Entry| match &entry.what {
            Happening::Became { state, .. } => matches!(**state, State::Queued | State::Connecting),
            what => matches!(what, Happening::Continues { .. }),
        };
        let waited = self.entries.iter().rposition(|entry| !is_of_look(entry));
        let is_same = |entry: &Entry| match &entry.what {
            Happening::Became { state, .. } => {
                matches!(&**state, State::Waiting { reason: WaitReason::Space { failure: before }, .. } if before == failure)
            }
            _ => false,
        };
        let Some(waited) = waited.filter(|at| self.entries.get(*at).is_some_and(is_same)) else { return false };
        self.entries.truncate(waited + 1);
        self.count += 1;
        true
    }

    /// Grows with each entry.
    pub fn count(&self) -> u64 {
        self.count
    }
}

impl Book {
    /// What happened to a download, the oldest first; `None` if there is none of this id in the list.
    pub fn chronicle(&self, id: DownloadId) -> Option<Vec<Entry>> {
        self.look_at(id, |item| {
            let added = Entry { at: item.added_at, what: Happening::Added };
            // All that is known of an earlier session.
            let completed = item.finished_at.filter(|_| item.chronicle.entries.is_empty()).map(|at| {
                let state = Box::new(item.life.state.clone());
                Entry { at, what: Happening::Became { state, wait: None } }
            });
            [added].into_iter().chain(item.chronicle.entries.iter().cloned()).chain(completed).collect()
        })
    }

    /// Grows with each thing that happens to a download.
    pub fn chronicle_count(&self, id: DownloadId) -> Option<u64> {
        self.look_at(id, |item| item.chronicle.count())
    }

    pub(super) fn note(&mut self, id: DownloadId, what: impl FnOnce(&Item) -> Option<Happening>) {
        let today = self.today();
        if let Some(item) = self.item_mut(id)
            && let Some(what) = what(item)
        {
            item.chronicle.note(today, what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::error::FailureKind;

    #[test]
    fn of_a_long_life_the_last_part_is_kept() {
        let mut chronicle = Chronicle::default();
        for bytes in 0..MOST as u64 + 5 {
            chronicle.note(SystemTime::UNIX_EPOCH, Happening::Continues { bytes });
        }
        assert_eq!((chronicle.entries.len(), chronicle.count()), (MOST, MOST as u64 + 5));
        assert_eq!(chronicle.entries.front().unwrap().what, Happening::Continues { bytes: 5 });
    }

    #[test]
    fn that_the_disk_is_still_full_is_told_once() {
        let waits = |needed| {
            let failure = Failure::new(FailureKind::DiskFull { needed: Some(needed) }, "");
            State::Waiting { reason: WaitReason::Space { failure }, until: Moment::default() }
        };
        let mut chronicle = Chronicle::default();
        let mut note = |state: &State| chronicle.note_state(SystemTime::UNIX_EPOCH, state, Moment::default());
        for needed in [7, 7, 7, 5, 5] {
            note(&State::Queued);
            note(&State::Connecting);
            note(&waits(needed));
        }
        note(&State::Queued);
        note(&State::Connecting);
        note(&State::Verifying);
        let told = chronicle.entries.iter().filter_map(|entry| match &entry.what {
            Happening::Became { state, .. } => Some((**state).clone()),
            _ => None,
        });
        let told: Vec<_> = told.collect();
        let look = [State::Queued, State::Connecting];
        let wanted = [&look[..], &[waits(7)], &look, &[waits(5)], &look, &[State::Verifying]].concat();
        assert_eq!(told, wanted);
        assert!(chronicle.count() > 15, "each change is to be seen");
    }

    #[test]
    fn a_wait_is_noted_with_its_length() {
        let mut chronicle = Chronicle::default();
        let second = Duration::from_secs(1);
        let reason = super::super::download::state::WaitReason::Held(super::super::download::state::Hold::Offline);
        let state = State::Waiting { reason, until: Moment(second * 9) };
        chronicle.note_state(SystemTime::UNIX_EPOCH, &State::Downloading, Moment::default());
        chronicle.note_state(SystemTime::UNIX_EPOCH, &state, Moment(second * 2));
        let noted: Vec<_> = chronicle.entries.iter().map(|entry| &entry.what).collect();
        assert_eq!(noted, [&Happening::Became { state: Box::new(state), wait: Some(second * 7) }]);
    }
}

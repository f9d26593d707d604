// SPDX-License-Identifier: GPL-3.0-or-later
//! All that may be asked of the engine: orders, as plain `Send` data.

use std::path::PathBuf;
use std::time::SystemTime;

use url::Url;

use super::download::spec::{Credentials, DownloadSpec};
use super::download::state::Hold;
use super::rate::{Schedule, WeekMinute};
use super::sorting::Rules;
use super::types::{DownloadId, ProbeId, Speed};

/// An order. One that does not fit the download's state (resume a completed one) changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Put a new download into the list. The id comes from `Engine::next_id`.
    Add {
        id: DownloadId,
        spec: Box<DownloadSpec>,
        start: Start,
    },
    /// Stop its transfers and keep all it has; it stays stopped until `Resume`.
    Pause(DownloadId),
    /// Go on from another address, because the one it has is expired or wrong. What is on disk is kept if
    /// the new one leads to the same file, else it fails with `ChangedOnServer` and keeps it all the same.
    Renew {
        id: DownloadId,
        url: Url,
    },
    /// Go on with this user name and password, because the server or the proxy asks for them. What is on disk is
    /// kept. They are never saved.
    LogIn {
        id: DownloadId,
        credentials: Credentials,
    },
    /// Save into another folder. What has arrived is taken along; if it cannot be reached where it was, it is looked
    /// for in the new folder, in case that is the same by another path. What is complete stays where it is.
    Relocate {
        id: DownloadId,
        folder: PathBuf,
    },
    /// Queue it again: after a pause, before a wait is over, after a failure.
    Resume(DownloadId),
    /// Move a file into place that is all here and failed with `ChecksumMismatch`: its checksum is
    /// forgotten. It is marked as not verified for good.
    Keep(DownloadId),
    /// Start it at once, whatever its state: even if as many downloads run as may, before its time, and while
    /// downloads are held. Its host is asked for no more connections than otherwise.
    StartNow(DownloadId),
    /// Give these another place in the order of the queue, all together and in the order in which they stand.
    /// Those that are complete stay where they are.
    Move {
        ids: Vec<DownloadId>,
        to: Spot,
    },
    PauseAll,
    ResumeAll,
    /// Take it off the list. An unfinished one is stopped and its part file kept until `Purge`, so
    /// that `Restore` can undo it without loss; a finished file is never touched.
    Remove(DownloadId),
    /// Undo `Remove`.
    Restore(DownloadId),
    /// Make `Remove` final: the part file and the journal of an unfinished download are deleted.
    Purge(DownloadId),
    /// Most bytes a second of one download over all its transfers, from now on; `None`: no limit of
    /// its own.
    SetRate {
        id: DownloadId,
        rate: Option<Speed>,
    },
    SetLimits(Limits),
    /// Whether what is completed goes into the history when it leaves the list, and how much comes is counted.
    Remember(bool),
    /// By which downloads get their folders from now on that have a [`DownloadSpec::otherwise`].
    SetRules(Rules),
    /// Ask what an address leads to, with the manners of a download: `Event::Probed` tells. The id comes
    /// from `Engine::new_probe`.
    Probe {
        id: ProbeId,
        spec: Box<DownloadSpec>,
    },
    /// Nobody wants to know any more: nothing is told of it from now on.
    EndProbe(ProbeId),
    /// No downloads run from now on, or they may again. One that is resumed meanwhile goes on all the same; what
    /// needs no network knows no [`Hold::Offline`] and no [`Hold::Metered`].
    Hold(Option<Hold>),
}

/// A place in the order of the queue, in which all downloads stand, also those that are paused or complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    /// Before every download that is not complete.
    Top,
    Bottom,
    /// Right before or behind this one.
    Before(DownloadId),
    After(DownloadId),
}

/// When a new download starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// It joins the end of the queue.
    #[default]
    Now,
    /// As after `StartNow`.
    AtOnce,
    /// It is paused until `Resume`.
    ByHand,
    /// It joins the queue at this time, at once if that is over.
    At(SystemTime),
}

/// What all downloads together may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most downloads at a time.
    pub parallel: usize,
    /// Most connections to one host (scheme, name and port).
    pub per_host: usize,
    /// Most bytes a second over all transfers, where the schedule says nothing else.
    pub rate: Option<Speed>,
    /// Other rates at other hours.
    pub schedule: Schedule,
}

impl Limits {
    /// The rate in force at this time.
    pub fn rate_at(&self, today: SystemTime) -> Option<Speed> {
        if self.schedule.is_empty() {
            return self.rate;
        }
        self.schedule.at(WeekMinute::of(today)).map_or(self.rate, |window| window.rate)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { parallel: 5, per_host: 8, rate: None, schedule: Schedule::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_goes_before_the_plain_rate_where_it_says_something() {
        let mut limits = Limits { rate: Some(Speed(1)), ..Limits::default() };
        let now = SystemTime::now();
        assert_eq!(limits.rate_at(now), Some(Speed(1)));
        limits.schedule = "daily 00:00-24:00 2".parse().unwrap();
        assert_eq!(limits.rate_at(now), Some(Speed(2)));
        limits.schedule = "daily 00:00-24:00 unlimited".parse().unwrap();
        assert_eq!(limits.rate_at(now), None);
        let today = glib::DateTime::now_local().unwrap().day_of_week();
        let other_day = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][(today as usize + 2) % 7];
        limits.schedule = format!("{other_day} 00:00-24:00 3").parse().unwrap();
        assert_eq!(limits.rate_at(now), Some(Speed(1)));
    }
}

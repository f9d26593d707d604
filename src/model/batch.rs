// SPDX-License-Identifier: GPL-3.0-or-later
//! What there is to do: how many downloads are still to end, how far they are together, whether any of
//! them works, and the moment when all have ended. Kept up to date by differences, as the totals are.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use super::download_object::is_active;
use crate::engine::download::state::{State, WaitReason};
use crate::engine::event::Snapshot;

/// One that tries again this soon is still at work; one that waits for longer is not.
const SHORT_WAIT: Duration = Duration::from_secs(120);

/// How one download counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Standing {
    /// Not in the list, or resting until the user wants it.
    #[default]
    Idle,
    /// To be done, but not before its time.
    Scheduled,
    /// To be done.
    Pending {
        is_busy: bool,
    },
    Completed,
    Failed,
}

/// What one download adds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    standing: Standing,
    received: u64,
    total: Option<u64>,
}

impl Part {
    /// `seeks_login`: whether its log-in is just looked for.
    pub fn of(download: &Snapshot, seeks_login: bool) -> Self {
        let standing = match &download.state {
            State::Queued => Standing::Pending { is_busy: false },
            // Most looks at a full disk end in the next wait.
            State::Connecting if download.lacked_space => Standing::Pending { is_busy: false },
            State::Connecting | State::Downloading | State::Verifying => {
                Standing::Pending { is_busy: is_active(download) }
            }
            // The next look at a full disk is near, but nothing comes of it until somebody makes room.
            State::Waiting { reason: WaitReason::Space { .. }, .. } => Standing::Pending { is_busy: false },
            State::Waiting { .. } => {
                Standing::Pending { is_busy: download.retry_in.is_some_and(|wait| wait <= SHORT_WAIT) }
            }
            State::Scheduled { .. } => Standing::Scheduled,
            State::Paused => Standing::Idle,
            State::Completed => Standing::Completed,
            // It goes on by itself if there is one.
            State::Failed(failure) if seeks_login && failure.login_wanted().is_some() => {
                Standing::Pending { is_busy: true }
            }
            State::Failed(_) => Standing::Failed,
        };
        Self { standing, received: download.progress.received, total: download.progress.total }
    }

    fn is_pending(&self) -> bool {
        matches!(self.standing, Standing::Pending { .. })
    }

    fn is_scheduled(&self) -> bool {
        self.standing == Standing::Scheduled
    }

    fn is_to_do(&self) -> bool {
        self.is_pending() || self.is_scheduled()
    }

    fn is_busy(&self) -> bool {
        self.standing == Standing::Pending { is_busy: true }
    }

    /// Bytes here and in all, where the end is known.
    fn bytes(&self) -> (u64, u64) {
        match self.total.filter(|_| self.is_pending()) {
            Some(total) => (self.received.min(total), total),
            None => (0, 0),
        }
    }
}

/// How a batch ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    pub completed: u32,
    pub failed: u32,
}

/// The sums.
#[derive(Debug, Default)]
struct Sums {
    pending: u32,
    scheduled: u32,
    busy: u32,
    received: u64,
    total: u64,
    /// Bytes of those that were completed since there was nothing to do last.
    done: u64,
    ended: Ended,
}

impl Sums {
    /// A download's part was `old` and is `new`. Tells when that was the last of the batch.
    fn replace(&mut self, old: Part, new: Part) -> Option<Ended> {
        let recount = |count: u32, old: bool, new: bool| (count + u32::from(new)).saturating_sub(u32::from(old));
        self.pending = recount(self.pending, old.is_pending(), new.is_pending());
        self.scheduled = recount(self.scheduled, old.is_scheduled(), new.is_scheduled());
        self.busy = recount(self.busy, old.is_busy(), new.is_busy());
        let ((old_received, old_total), (received, total)) = (old.bytes(), new.bytes());
        self.received = (self.received + received).saturating_sub(old_received);
        self.total = (self.total + total).saturating_sub(old_total);
        let comes_to_end = old.is_to_do() && !new.is_to_do();
        match new.standing {
            Standing::Completed if comes_to_end => {
                self.done += new.total.unwrap_or(new.received);
                self.ended.completed += 1;
            }
            Standing::Failed if comes_to_end => self.ended.failed += 1,
            Standing::Completed
            | Standing::Failed
            | Standing::Idle
            | Standing::Scheduled
            | Standing::Pending { .. } => {}
        }
        // Where the last one was paused or removed, somebody is here and wanted just that.
        let is_end = comes_to_end && matches!(new.standing, Standing::Completed | Standing::Failed);
        (is_end && self.to_do() == 0).then(|| self.close()).flatten()
    }

    fn to_do(&self) -> u32 {
        self.pending + self.scheduled
    }

    /// Whether a batch came to rest without an end.
    fn is_left_open(&self) -> bool {
        self.to_do() == 0 && (self.done > 0 || self.ended != Ended::default())
    }

    /// What comes from now on belongs to another batch, unless there is something to do in this one. Tells how
    /// it ended.
    fn close(&mut self) -> Option<Ended> {
        (self.to_do() == 0).then(|| {
            self.done = 0;
            std::mem::take(&mut self.ended)
        })
    }

    fn fraction(&self) -> Option<f64> {
        let total = self.total + self.done;
        (self.pending > 0 && total > 0).then(|| (self.received + self.done) as f64 / total as f64)
    }
}

type Changed = Rc<dyn Fn(&Batch)>;
type AllEnded = Rc<dyn Fn(Ended)>;

/// A handle; clones are of the same batch.
#[derive(Clone, Default)]
pub struct Batch(Rc<Inner>);

#[derive(Default)]
struct Inner {
    sums: RefCell<Sums>,
    will_close: Cell<bool>,
    on_changed: RefCell<Vec<Changed>>,
    on_ended: RefCell<Vec<AllEnded>>,
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Batch").field(&self.0.sums).finish()
    }
}

impl Batch {
    /// How many downloads are still to end: at work, waiting or in the queue.
    pub fn pending(&self) -> u32 {
        self.0.sums.borrow().pending
    }

    /// The same with those that are to start at a time.
    pub fn to_do(&self) -> u32 {
        self.0.sums.borrow().to_do()
    }

    /// Whether any of them is at work, or will be in a moment.
    pub fn is_busy(&self) -> bool {
        self.0.sums.borrow().busy > 0
    }

    /// How far they are together, with those that were completed meanwhile, from 0 to 1; `None` where no
    /// length is known.
    pub fn fraction(&self) -> Option<f64> {
        self.0.sums.borrow().fraction()
    }

    /// Calls back at every change, which may be several times a second for each download.
    pub fn connect_changed(&self, changed: impl Fn(&Self) + 'static) {
        self.0.on_changed.borrow_mut().push(Rc::new(changed));
    }

    /// Calls back when the last of the downloads completes or fails.
    pub fn connect_ended(&self, ended: impl Fn(Ended) + 'static) {
        self.0.on_ended.borrow_mut().push(Rc::new(ended));
    }

    pub(super) fn replace(&self, old: Part, new: Part) {
        if old == new {
            return;
        }
        let ended = self.0.sums.borrow_mut().replace(old, new);
        if self.0.sums.borrow().is_left_open() {
            self.close_soon();
        }
        let listeners = self.0.on_changed.borrow().clone();
        listeners.iter().for_each(|listener| listener(self));
        if let Some(ended) = ended {
            let listeners = self.0.on_ended.borrow().clone();
            listeners.iter().for_each(|listener| listener(ended));
        }
    }

    /// The last one was paused or removed. Not at once: another folder or another address for it is a pause, too,
    /// and it goes on in the same turn of the main loop.
    fn close_soon(&self) {
        if !self.0.will_close.replace(true) {
            let batch = self.clone();
            glib::MainContext::ref_thread_default().spawn_local_with_priority(glib::Priority::LOW, async move {
                batch.0.will_close.set(false);
                batch.0.sums.borrow_mut().close();
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::download_object::tests::{alone, snapshot};
    use super::*;
    use crate::engine::error::{Failure, FailureKind};
    use crate::engine::types::Moment;

    fn part(state: State, received: u64, total: Option<u64>) -> Part {
        let mut row = snapshot(1);
        row.state = state;
        (row.progress.received, row.progress.total) = (received, total);
        Part::of(&row, false)
    }

    #[test]
    fn what_is_completed_counts_until_all_is_done() {
        let mut sums = Sums::default();
        let (small, large) = (part(State::Downloading, 0, Some(100)), part(State::Queued, 0, Some(300)));
        sums.replace(Part::default(), small);
        sums.replace(Part::default(), large);
        assert_eq!((sums.pending, sums.busy, sums.fraction()), (2, 1, Some(0.0)));
        assert_eq!(sums.replace(small, part(State::Completed, 100, Some(100))), None);
        assert_eq!((sums.pending, sums.busy, sums.fraction()), (1, 0, Some(0.25)));
        let half = part(State::Downloading, 100, Some(300));
        sums.replace(large, half);
        assert_eq!(sums.fraction(), Some(0.5));
        let failed = part(State::Failed(Failure::new(FailureKind::Silence, "")), 100, Some(300));
        assert_eq!(sums.replace(half, failed), Some(Ended { completed: 1, failed: 1 }));
        assert_eq!((sums.pending, sums.fraction()), (0, None));
        // The next batch begins anew.
        sums.replace(failed, half);
        assert_eq!(sums.fraction(), Some(100.0 / 300.0));
    }

    #[test]
    fn a_pause_or_a_removal_is_no_end() {
        let mut sums = Sums::default();
        let running = part(State::Downloading, 5, None);
        for rest in [part(State::Paused, 5, None), Part::default()] {
            sums.replace(Part::default(), running);
            assert_eq!(sums.replace(running, rest), None);
            assert_eq!((sums.pending, sums.busy), (0, 0));
        }
        sums.replace(Part::default(), running);
        let completed = part(State::Completed, 5, None);
        assert_eq!(sums.replace(running, completed), Some(Ended { completed: 1, failed: 0 }), "only this one");
        assert_eq!(sums.replace(completed, Part::default()), None);
    }

    #[test]
    fn what_is_set_for_a_time_is_still_to_do() {
        let mut sums = Sums::default();
        let (running, scheduled) = (
            part(State::Downloading, 0, Some(9)),
            part(State::Scheduled { at: std::time::SystemTime::UNIX_EPOCH }, 0, Some(5)),
        );
        let completed = part(State::Completed, 9, Some(9));
        sums.replace(Part::default(), scheduled);
        assert_eq!((sums.pending, sums.to_do(), sums.busy, sums.fraction()), (0, 1, 0, None));
        sums.replace(Part::default(), running);
        assert_eq!(sums.replace(running, completed), None, "one is to come");
        let queued = part(State::Queued, 0, Some(5));
        assert_eq!(sums.replace(scheduled, queued), None);
        assert_eq!((sums.pending, sums.to_do()), (1, 1));
        let all = Some(Ended { completed: 2, failed: 0 });
        assert_eq!(sums.replace(queued, part(State::Completed, 5, Some(5))), all);
        // That it is taken off is no end.
        sums.replace(Part::default(), scheduled);
        assert_eq!((sums.replace(scheduled, Part::default()), sums.to_do()), (None, 0));
    }

    #[test]
    fn what_goes_on_elsewhere_is_of_the_same_batch() {
        let mut sums = Sums::default();
        let (running, completed) = (part(State::Downloading, 0, Some(9)), part(State::Completed, 9, Some(9)));
        let (paused, queued) = (part(State::Paused, 0, Some(9)), part(State::Queued, 0, Some(9)));
        for _ in 0..3 {
            sums.replace(Part::default(), running);
        }
        sums.replace(running, completed);
        sums.replace(running, completed);
        assert_eq!(sums.replace(running, paused), None);
        assert!(sums.is_left_open());
        sums.replace(paused, queued);
        sums.close();
        assert_eq!(sums.replace(queued, completed), Some(Ended { completed: 3, failed: 0 }));
        assert!(!sums.is_left_open());
    }

    #[test]
    fn what_was_paused_for_good_ends_its_batch() {
        alone(|context| {
            let batch = Batch::default();
            let told = Rc::new(RefCell::new(Vec::new()));
            let heard = told.clone();
            batch.connect_ended(move |ended| heard.borrow_mut().push(ended.completed));
            let (running, completed) = (part(State::Downloading, 0, None), part(State::Completed, 9, None));
            batch.replace(Part::default(), running);
            batch.replace(Part::default(), running);
            batch.replace(running, completed);
            batch.replace(running, part(State::Paused, 0, None));
            while context.iteration(false) {}
            batch.replace(part(State::Paused, 0, None), running);
            batch.replace(running, completed);
            assert_eq!(*told.borrow(), [1], "not with what came before");
        });
    }

    #[test]
    fn what_finds_its_login_has_not_failed() {
        let mut row = snapshot(1);
        row.state = State::Failed(Failure::new(FailureKind::LoginRequired, ""));
        let (sought, missing) = (Part::of(&row, true), Part::of(&row, false));
        let running = part(State::Downloading, 0, None);
        let mut sums = Sums::default();
        sums.replace(Part::default(), running);
        assert_eq!(sums.replace(running, sought), None);
        assert_eq!(sums.pending, 1);
        assert_eq!(sums.replace(sought, missing), Some(Ended { completed: 0, failed: 1 }), "there is none");
        row.state = State::Failed(Failure::new(FailureKind::FileNotFound, ""));
        assert_eq!(Part::of(&row, true).standing, Standing::Failed, "no log-in helps it");
    }

    #[test]
    fn a_long_wait_is_no_work() {
        let busy = |retry_in: Option<u64>| {
            let mut row = snapshot(1);
            let reason = WaitReason::Retry { failure: Failure::new(FailureKind::Silence, ""), attempt: 1 };
            row.state = State::Waiting { reason, until: Moment::default() };
            row.retry_in = retry_in.map(Duration::from_secs);
            Part::of(&row, false).is_busy()
        };
        assert!(busy(Some(4)) && !busy(Some(900)) && !busy(None));
    }

    #[test]
    fn a_full_disk_keeps_no_machine_awake() {
        let mut row = snapshot(1);
        let failure = Failure::new(FailureKind::DiskFull { needed: Some(9) }, "");
        row.state = State::Waiting { reason: WaitReason::Space { failure }, until: Moment::default() };
        row.retry_in = Some(Duration::from_secs(5));
        row.lacked_space = true;
        for state in [row.state.clone(), State::Connecting] {
            row.state = state;
            let part = Part::of(&row, false);
            assert!(part.is_pending() && !part.is_busy(), "{:?}", row.state);
        }
        row.state = State::Downloading;
        assert!(Part::of(&row, false).is_busy(), "there is room");
    }
}

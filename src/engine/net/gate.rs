// SPDX-License-Identifier: GPL-3.0-or-later
//! What the callbacks of all transfers share with the driver: the time slice they may use, the
//! rate limits, the list of those that wait, and the events to be told. Callbacks only note
//! things here; the driver acts on them once libcurl has returned.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use super::TransferEvent;
use super::window::Windows;
use crate::engine::clock::Clock;
use crate::engine::rate::Limiter;
use crate::engine::types::{Moment, TransferId};

/// Why a transfer does not read. libcurl is told to pause it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// The time slice of this round is used up; goes on in the next.
    Slice,
    /// The disk's pool has no room; goes on when blocks come back.
    Room,
    /// Its part file is not attached yet.
    Part,
    /// A rate limit; goes on when its turn has come.
    Rate,
}

/// How much longer than its slice a call may take. More than any work of libcurl's does, less than
/// anybody sees as a halt.
const OVERDUE: Duration = Duration::from_millis(100);

/// A call that brings more than this is one of a fast transfer. Three quarters of the smallest window that a
/// server is offered, so that no transfer is slow because it is seen to late.
pub const FAST: usize = 48 * 1024;
/// How long after something fast or new there is a hurry.
const HURRY: Duration = Duration::from_millis(500);

pub struct Gate {
    pub clock: Rc<dyn Clock>,
    /// When the present call into libcurl began.
    began: Cell<Moment>,
    /// Until when callbacks may take bytes in the present call into libcurl.
    deadline: Cell<Moment>,
    /// What the present call has brought, in bytes.
    brought: Cell<usize>,
    /// The most that a call has brought since that was asked for.
    peak: Cell<usize>,
    /// Until when what comes is seen to at once.
    hurry: Cell<Moment>,
    pub limiter: RefCell<Limiter>,
    pub windows: RefCell<Windows>,
    /// Transfers that came to be held in the present call.
    newly_held: RefCell<Vec<(TransferId, Held)>>,
    events: RefCell<Vec<TransferEvent>>,
}

impl Gate {
    pub fn new(clock: Rc<dyn Clock>) -> Self {
        Self {
            clock,
            began: Cell::default(),
            deadline: Cell::default(),
            brought: Cell::default(),
            peak: Cell::default(),
            hurry: Cell::default(),
            limiter: RefCell::default(),
            windows: RefCell::default(),
            newly_held: RefCell::default(),
            events: RefCell::default(),
        }
    }

    /// A call into libcurl begins now, and callbacks may take bytes for so long.
    pub fn open(&self, now: Moment, slice: Duration) {
        self.began.set(now);
        self.deadline.set(now + slice);
        self.brought.set(0);
    }

    /// A moment for what need not ask the clock again.
    pub fn began(&self) -> Moment {
        self.began.get()
    }

    /// Whether so many bytes of a body may be taken in the present call: it lasts for its slice.
    pub fn lets_in(&self, bytes: usize, now: Moment) -> bool {
        if self.is_shut(now) {
            return false;
        }
        self.brought.set(self.brought.get() + bytes);
        self.peak.set(self.peak.get().max(self.brought.get()));
        if self.brought.get() > FAST {
            self.hasten();
        }
        true
    }

    /// The most that a call has brought since the last time, in bytes.
    pub fn take_peak(&self) -> usize {
        self.peak.take()
    }

    /// Something needs what comes next at once: a transfer that begins, or is fast.
    pub fn hasten(&self) {
        self.hurry.set(self.clock.now() + HURRY);
    }

    /// Whether all transfers are slow, so that it does not matter when within a few milliseconds each is
    /// seen to. Windows that fit a rate limit are too small for that.
    pub fn is_calm(&self, now: Moment) -> bool {
        now >= self.hurry.get() && !self.limiter.borrow().is_limiting()
    }

    pub fn is_shut(&self, now: Moment) -> bool {
        now >= self.deadline.get()
    }

    /// Whether a call into libcurl takes much longer than it should.
    pub fn is_overdue(&self, now: Moment) -> bool {
        now >= self.deadline.get() + OVERDUE
    }

    pub fn hold(&self, id: TransferId, why: Held) {
        self.hasten();
        self.newly_held.borrow_mut().push((id, why));
    }

    pub fn take_newly_held(&self) -> Vec<(TransferId, Held)> {
        self.newly_held.take()
    }

    pub fn tell(&self, event: TransferEvent) {
        self.hasten();
        self.events.borrow_mut().push(event);
    }

    pub fn take_events(&self) -> Vec<TransferEvent> {
        self.events.take()
    }

    pub fn has_events(&self) -> bool {
        !self.events.borrow().is_empty()
    }
}

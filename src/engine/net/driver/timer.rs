// SPDX-License-Identifier: GPL-3.0-or-later
//! When libcurl wants to be called again. It changes its mind several times for each transfer: mostly to a later
//! moment, for which the source that is there does as well, since who is called too early says again when.

use std::time::Duration;

use curl::multi::Multi;
use glib::{ControlFlow, SourceId};

use super::Inner;
use crate::engine::net::priority;
use crate::engine::types::Moment;

/// GLib counts whole milliseconds, and may ring early by a part of one.
const EARLY: Duration = Duration::from_millis(1);

/// The sources of libcurl's timeouts.
#[derive(Debug, Default)]
pub struct Timer {
    /// What it wished for last.
    wish: Option<Moment>,
    /// At once, but from the loop: what kicks off transfers. A source of its own, so that the other one stays.
    pub(super) soon: Option<SourceId>,
    /// Rings then, which is no later than the wish.
    pub(super) later: Option<(Moment, SourceId)>,
}

impl Timer {
    pub fn is_set(&self) -> bool {
        self.wish.is_some()
    }

    pub fn cancel(&mut self) {
        self.wish = None;
        for source in self.soon.take().into_iter().chain(self.later.take().map(|(_, source)| source)) {
            source.remove();
        }
    }
}

impl Inner {
    /// Step 3, inside libcurl: call again after this long; `None` cancels.
    pub(super) fn on_timeout_wish(&self, wish: Option<Duration>) {
        let mut timer = self.timer.borrow_mut();
        let Some(wait) = wish.filter(|_| !self.stopped.get()) else { return timer.cancel() };
        let at = self.gate.clock.now() + wait;
        timer.wish = Some(at);
        if wait.is_zero() {
            // Calling libcurl here is forbidden.
            if timer.soon.is_none() {
                timer.soon = Some(self.ring(wait));
            }
            return;
        }
        if let Some(soon) = timer.soon.take() {
            soon.remove();
        }
        if timer.later.as_ref().is_none_or(|(rings, _)| *rings > at)
            && let Some((_, old)) = timer.later.replace((at, self.ring(wait)))
        {
            old.remove();
        }
    }

    fn ring(&self, wait: Duration) -> SourceId {
        let (me, is_soon) = (self.me.clone(), wait.is_zero());
        glib::timeout_add_local_full(wait, priority(), move || {
            if let Some(inner) = me.upgrade() {
                // This source ends with its return: libcurl's next wish must not remove it again.
                let mut timer = inner.timer.borrow_mut();
                let (soon, later) = (timer.soon.take_if(|_| is_soon), timer.later.take_if(|_| !is_soon));
                debug_assert!(soon.is_some() || later.is_some());
                drop(timer);
                inner.on_ring();
            }
            ControlFlow::Break
        })
    }

    fn on_ring(&self) {
        let wish = self.timer.borrow().wish;
        let Some(at) = wish else { return };
        let left = at - self.gate.clock.now();
        if left > EARLY {
            // It has changed its mind since.
            return self.on_timeout_wish(Some(left));
        }
        self.timer.borrow_mut().wish = None;
        self.on_timeout();
    }

    /// Step 6: a timeout has passed; also what kicks off new transfers.
    pub(super) fn on_timeout(&self) {
        let slice = self.round.borrow_mut().grant(self.gate.clock.now());
        // Timeouts are few and short, they never wait in line; what they read is bounded all the same.
        let slice = slice.unwrap_or(Duration::from_millis(1));
        self.work(slice, Multi::timeout);
    }
}

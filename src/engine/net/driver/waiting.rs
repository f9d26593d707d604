// SPDX-License-Identifier: GPL-3.0-or-later
//! Transfers that do not read at present, and sockets that wait for the next round: who goes on when.
//!
//! Many slow transfers bring each packet at its own time, and to be woken for each costs more than the
//! packet. So while nothing is in a hurry ([`Gate::is_calm`](crate::engine::net::gate::Gate::is_calm)), what
//! comes within [`REST`] is seen to together, and the slower they are, the longer that gets ([`next_rest`]).

use std::time::Duration;

use glib::ControlFlow;

use super::{Inner, TransferId};
use crate::engine::net;
use crate::engine::net::gate::{FAST, Held};
use crate::engine::net::priority;
use crate::engine::net::round::Due;

/// So many sockets are seen to one by one all the same, and the speed of each connection of a download is
/// measured by when its bytes came.
const FEW: usize = 16;
/// Less than a frame.
pub(super) const REST: Duration = Duration::from_millis(10);
/// Less than the time between two looks at what is shown and saved (`book::TICK`).
const LONGEST_REST: Duration = Duration::from_millis(160);

/// How long to wait after a wait that brought at most `peak` bytes for one socket: as long as twice that
/// is not what is fast, twice as long.
fn next_rest(rest: Duration, peak: usize) -> Duration {
    let next = if peak <= FAST * 3 / 8 {
        rest * 2
    } else if peak <= FAST * 3 / 4 {
        rest
    } else {
        rest / 2
    };
    next.clamp(REST, LONGEST_REST)
}

impl Inner {
    /// Whether the next look at the sockets may come later: nothing is in a hurry, and something came
    /// so soon after the last look that waiting will save one.
    pub(super) fn has_rest(&self) -> bool {
        let now = self.gate.clock.now();
        let before = self.looked_at.replace(now);
        now - before < REST && self.sockets.borrow().count() > FEW && self.gate.is_calm(now)
    }

    /// Looks at the sockets each time that `length` has passed, as long as something came.
    pub(super) fn rest(&self, length: Duration) {
        let me = self.me.clone();
        let source = glib::timeout_add_local_full(length, priority(), move || {
            let Some(inner) = me.upgrade() else { return ControlFlow::Break };
            let count = inner.on_sockets();
            let now = inner.gate.clock.now();
            inner.looked_at.set(now);
            if inner.stopped.get() {
                return ControlFlow::Break;
            }
            let is_over = count == 0 || !inner.gate.is_calm(now);
            let next = next_rest(length, inner.gate.take_peak());
            if !is_over && next == length {
                return ControlFlow::Continue;
            }
            // This source ends with its return.
            inner.watch.replace(None);
            match is_over {
                true => inner.watch_sockets(),
                false => inner.rest(next),
            }
            ControlFlow::Break
        });
        self.watch.replace(Some(source));
    }

    /// Puts transfers that stopped reading where they wait for what they lack.
    pub(super) fn sort_held(&self) {
        let held = self.gate.take_newly_held();
        if !held.is_empty() {
            // What they do not read would wake the loop.
            self.sockets.borrow_mut().settle();
        }
        for (id, why) in held {
            match why {
                Held::Slice => {
                    self.round.borrow_mut().join(Due::Unpause(id));
                    self.schedule_round();
                }
                Held::Room => self.hungry.borrow_mut().push(id),
                // It is in the limiter's line.
                Held::Rate => self.schedule_refill(),
                // Attaching wakes it.
                Held::Part => {}
            }
        }
    }

    /// One source below the redraw priority and above the sockets': when it runs, frames that were
    /// due have been drawn, and those in line come before new events.
    pub(super) fn schedule_round(&self) {
        if self.opener.borrow().is_some() || self.stopped.get() {
            return;
        }
        let me = self.me.clone();
        let source = glib::idle_add_local_full((net::PRIORITY - 1).into(), move || {
            if let Some(inner) = me.upgrade() {
                inner.opener.replace(None);
                inner.run_round();
            }
            ControlFlow::Break
        });
        self.opener.replace(Some(source));
    }

    pub(super) fn run_round(&self) {
        self.round.borrow_mut().begin();
        loop {
            let next = self.round.borrow_mut().next();
            match next {
                Some((Due::Socket { fd, generation, seen }, slice)) => {
                    // What was seen on a descriptor that has gone since is nobody's business.
                    if self.sockets.borrow().is_current(fd, generation) {
                        self.act(fd, seen, slice);
                    }
                }
                Some((Due::Unpause(id), slice)) => self.unpause(id, slice),
                None => break,
            }
        }
        if self.round.borrow().has_line() {
            self.schedule_round();
        }
    }

    /// Lets a transfer read again. libcurl hands over what it kept before this returns.
    pub(super) fn unpause(&self, id: TransferId, slice: Duration) {
        let mut result = Ok(());
        self.work(slice, |_| {
            if let Some(handle) = self.transfers.borrow().get(&id) {
                result = handle.unpause_write();
            }
            Ok(0)
        });
        let Err(error) = result else { return };
        tracing::debug!("transfer {} does not go on: {error}", id.0);
        // What we refuse here, libcurl does not report by itself, and it may wait for ever for more.
        let handle = self.transfers.borrow_mut().remove(&id);
        if let Some(handle) = handle {
            self.conclude(id, handle, Err(error));
            self.announce();
        }
    }

    /// Lets those go on that waited for the disk and whose disk has room now.
    pub(super) fn feed_hungry(&self) {
        let waiting = self.hungry.take();
        for id in waiting {
            let has_room = match self.transfers.borrow().get(&id) {
                Some(handle) => handle.get_ref().sink.has_room(),
                None => continue,
            };
            if has_room {
                self.round.borrow_mut().join(Due::Unpause(id));
                self.schedule_round();
            } else {
                self.hungry.borrow_mut().push(id);
            }
        }
    }

    /// Other rate limits are in force: sockets get windows to match, and those that wait for the old
    /// limits go on by the new ones.
    pub(super) fn limits_changed(&self) {
        for handle in self.transfers.borrow().values() {
            handle.get_ref().limits_changed();
        }
        if let Some(source) = self.refill.take() {
            source.remove();
        }
        self.schedule_refill();
    }

    /// Rings when the next of those that wait for a rate limit may go on, if anybody waits.
    pub(super) fn schedule_refill(&self) {
        if self.refill.borrow().is_some() || self.stopped.get() {
            return;
        }
        let Some(at) = self.gate.limiter.borrow().next_grant() else { return };
        // GLib counts whole milliseconds and rings early by the rest.
        let wait = (at - self.gate.clock.now()) + Duration::from_millis(1);
        let me = self.me.clone();
        let source = glib::timeout_add_local_full(wait, priority(), move || {
            if let Some(inner) = me.upgrade() {
                inner.refill.replace(None);
                inner.refill();
            }
            ControlFlow::Break
        });
        self.refill.replace(Some(source));
    }

    fn refill(&self) {
        let granted = self.gate.limiter.borrow_mut().grant(self.gate.clock.now());
        if !granted.is_empty() {
            for id in granted {
                self.round.borrow_mut().join(Due::Unpause(id));
            }
            self.schedule_round();
        }
        self.schedule_refill();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slower_all_are_the_longer_is_the_wait_and_one_that_is_not_slow_ends_it() {
        let settle = |bytes_a_second: usize| {
            let mut rest = REST;
            for _ in 0..20 {
                let brought = bytes_a_second / 1000 * usize::try_from(rest.as_millis()).unwrap();
                assert!(brought <= FAST, "{bytes_a_second} bytes a second are fast after {rest:?}");
                rest = next_rest(rest, brought);
            }
            rest
        };
        assert_eq!(settle(200_000), LONGEST_REST);
        assert_eq!(settle(300_000), Duration::from_millis(80));
        assert_eq!(settle(3_000_000), REST);
        assert_eq!(next_rest(LONGEST_REST, FAST), LONGEST_REST / 2);
    }
}

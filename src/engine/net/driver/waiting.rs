// SPDX-License-Identifier: GPL-3.0-or-later
//! Transfers that do not read at present, and sockets that wait for the next round: who goes on when.

use std::time::Duration;

use glib::ControlFlow;

use super::{Inner, TransferId};
use crate::engine::net;
use crate::engine::net::gate::Held;
use crate::engine::net::priority;
use crate::engine::net::round::Due;

impl Inner {
    /// Puts transfers that stopped reading where they wait for what they lack.
    pub(super) fn sort_held(&self) {
        for (id, why) in self.gate.take_newly_held() {
            match why {
                Held::Slice => {
                    self.round.borrow_mut().join(Due::Unpause(id));
                    self.schedule_round();
                }
                Held::Room => self.hungry.borrow_mut().push(id),
                Held::Rate => {
                    self.throttled.borrow_mut().push(id);
                    self.schedule_refill();
                }
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
        self.work(slice, |_| {
            if let Some(handle) = self.transfers.borrow().get(&id)
                && let Err(error) = handle.unpause_write()
            {
                // Its own end is reported by info_read, so this is only worth a note.
                tracing::debug!("transfer {} does not go on: {error}", id.0);
            }
            Ok(0)
        });
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

    pub(super) fn schedule_refill(&self) {
        if self.refill.borrow().is_some() || self.stopped.get() {
            return;
        }
        let now = self.gate.clock.now();
        let wait = self.gate.budget.borrow().ready_at().map_or(Duration::ZERO, |at| at - now);
        let me = self.me.clone();
        let source = glib::timeout_add_local_full(wait + Duration::from_millis(1), priority(), move || {
            if let Some(inner) = me.upgrade() {
                inner.refill.replace(None);
                for id in inner.throttled.take() {
                    inner.round.borrow_mut().join(Due::Unpause(id));
                }
                inner.schedule_round();
            }
            ControlFlow::Break
        });
        self.refill.replace(Some(source));
    }
}

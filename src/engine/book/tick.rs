// SPDX-License-Identifier: GPL-3.0-or-later
//! What falls due as time goes by: alarms, the regular look at what runs, transfers of which nothing comes.

use super::{Book, SAVE_INTERVAL, TICK};
use crate::engine::download::state::{Input, State};
use crate::engine::error::{Failure, FailureKind};
use crate::engine::event::Event;
use crate::engine::item;
use crate::engine::types::{DownloadId, Moment, TransferId};

impl Book {
    /// What is due by now.
    pub fn tick(&mut self) {
        let now = self.parts.clock.now();
        self.start_due();
        self.end_overdue_probes(now);
        while let Some((at, id)) = self.alarms.first().copied().filter(|(at, _)| *at <= now) {
            self.alarms.remove(&(at, id));
            // An alarm of an earlier wait says nothing about a later one.
            let is_due = self.items.get(&id).is_some_and(|item| match &item.life.state {
                State::Waiting { until, .. } => *until <= now,
                _ => false,
            });
            if is_due {
                self.input(id, Input::Due);
            }
        }
        while let Some((at, id)) = self.ramps.first().copied().filter(|(at, _)| *at <= now) {
            self.ramps.remove(&(at, id));
            let work = self.items.get(&id).and_then(|item| item.work.as_ref());
            if work.is_some_and(|work| work.ramp_at == Some(at)) {
                self.climb(id, now);
            }
        }
        if self.next_tick.is_some_and(|at| at <= now) {
            self.apply_rate();
            let active: Vec<_> = self.active.iter().copied().collect();
            for id in &active {
                self.look_after(*id, now);
            }
            if now - self.flushed_at >= SAVE_INTERVAL {
                self.flushed_at = now;
                self.parts.transport.flush();
            }
            if self.traffic.is_due(now) || self.active.is_empty() {
                self.save_traffic();
            }
            self.next_tick = (!self.active.is_empty()).then(|| now + TICK);
        }
    }

    /// Tells progress, saves the journal, notices silence.
    fn look_after(&mut self, id: DownloadId, now: Moment) {
        self.end_silent(id, now);
        self.end_silent_errands(id, now);
        let Some(item) = self.items.get(&id) else { return };
        let received = self.received(item);
        let Some(item) = self.items.get_mut(&id) else { return };
        if matches!(item.life.state, State::Downloading) {
            item.meter.sample(now, received);
            let progress = item.progress(received);
            self.events.push_back(Event::Progressed { id, progress });
        }
        if let Some(work) = &mut item.work {
            work.sample(now, |transfer| self.parts.transport.vitals(transfer));
        }
        self.save_if_due(id);
        // Also where the last transfers were ended as needless while a gap waited for its turn.
        self.go_on(id);
    }

    /// Gives up transfers of which nothing has come for too long.
    fn end_silent(&mut self, id: DownloadId, now: Moment) {
        let Some(item) = self.items.get(&id) else { return };
        let silence = item::silence(&item.spec);
        let is_silent = |transfer: &TransferId| {
            let vitals = self.parts.transport.vitals(*transfer);
            vitals.is_some_and(|vitals| !vitals.held && now - vitals.last_sign >= silence)
        };
        let silent: Vec<_> = self.transfers_of(id).into_iter().filter(is_silent).collect();
        for transfer in silent {
            let end = self.cancel(transfer);
            let detail = format!("nothing came for {} seconds", silence.as_secs());
            self.failed(id, transfer, end, Failure::new(FailureKind::Silence, detail));
        }
    }

    /// The same for what is fetched only to be read.
    fn end_silent_errands(&mut self, id: DownloadId, now: Moment) {
        let Some(item) = self.items.get(&id) else { return };
        let Some(work) = &item.work else { return };
        let silence = item::silence(&item.spec);
        let lookup = work.lookup.as_ref().and_then(|lookup| lookup.transfer);
        let sample = work.renewal.as_ref().and_then(|renewal| renewal.transfer);
        let silent = lookup.or(sample).filter(|transfer| {
            let vitals = self.parts.transport.vitals(*transfer);
            vitals.is_some_and(|vitals| now - vitals.last_sign >= silence)
        });
        if let Some(transfer) = silent {
            self.cancel(transfer);
            let detail = format!("nothing came for {} seconds", silence.as_secs());
            self.fetched(id, transfer, Err(Failure::new(FailureKind::Silence, detail)));
        }
    }

    /// When to see next whether more transfers help.
    pub(super) fn climb_at(&mut self, id: DownloadId, at: Option<Moment>) {
        let Some(work) = self.items.get_mut(&id).and_then(|item| item.work.as_mut()) else { return };
        if let Some(before) = std::mem::replace(&mut work.ramp_at, at) {
            self.ramps.remove(&(before, id));
        }
        self.ramps.extend(at.map(|at| (at, id)));
    }

    /// When [`Book::tick`] is needed next.
    pub fn next_alarm(&self) -> Option<Moment> {
        let now = self.parts.clock.now();
        let waits = self.alarms.first().map(|(at, _)| *at);
        let ramps = self.ramps.first().map(|(at, _)| *at);
        [self.next_tick, waits, ramps, self.next_start(), self.next_probe_end(), self.queue.next_moment(now)]
            .into_iter()
            .flatten()
            .min()
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! What follows when a transfer fails: its download goes on with others, at another place, when there is room
//! there, or later.

use super::Book;
use crate::engine::chronicle::Happening;
use crate::engine::download::retry::{self, LONGEST_WAIT, Verdict};
use crate::engine::download::spec::is_same_origin;
use crate::engine::download::state::{Input, State};
use crate::engine::error::{Failure, FailureKind};
use crate::engine::item::TurnedAway;
use crate::engine::sources::Standing;
use crate::engine::types::{DownloadId, TransferId};
use crate::engine::work::Running;

impl Book {
    /// A transfer came to nothing, or not to its end.
    pub(super) fn failed(&mut self, id: DownloadId, transfer: TransferId, end: Option<u64>, mut failure: Failure) {
        let now = self.parts.clock.now();
        let had_range = self.items.get(&id).is_some_and(|item| item.map.done().bytes() > 0);
        let Some(running) = self.forget(id, transfer, end) else { return };
        let Some(item) = self.items.get_mut(&id) else { return };
        // As above: longer, then.
        let assumes_total = item.work.as_ref().is_some_and(|work| work.assumes_total);
        item.distrust |= assumes_total && failure.kind == FailureKind::Protocol;
        let source = item.sources.get(running.source);
        let is_mirror = source.is_some_and(|source| !is_same_origin(&source.url, &item.spec.url));
        if failure.kind == FailureKind::LoginRequired && is_mirror {
            failure.kind = FailureKind::LoginElsewhere;
        }
        if let (Some(wait), Some(source)) = (failure.retry_after, source) {
            self.queue.hold_back(source.host.clone(), now + wait.min(LONGEST_WAIT));
        }
        let has_all = item.map.has_arrived();
        if has_all && !assumes_total && (is_of_way(&failure.kind) || running.answered_at.is_none()) {
            tracing::info!(%id, "nothing is missing, though a transfer ended badly: {failure}");
            return self.ended_well(id);
        }
        let goes_on = item.work.as_ref().is_some_and(|work| !work.transfers.is_empty());
        if goes_on {
            self.note_refusal(id, &running, &failure);
            self.do_without(id, &running, failure);
            return self.spread(id);
        }
        if self.is_turned_away(id, &running, &failure) {
            self.note_refusal(id, &running, &failure);
            return self.input(id, Input::TurnedAway);
        }
        let Some(item) = self.items.get_mut(&id) else { return };
        if failure.kind == FailureKind::UninvitedEncoding && !item.decode {
            // Ask again, and undo the compression it insists on.
            item.decode = true;
            self.note_refusal(id, &running, &failure);
            return self.connect(id);
        }
        if let Some(source) = item.sources.get_mut(running.source) {
            source.standing = Standing::after(&failure);
        }
        let queue = &self.queue;
        let can_switch = item.is_provable() || item.work.as_ref().is_some_and(|work| !work.is_open);
        // Where nothing is missing there is nothing to ask another one for.
        let can_switch = can_switch && !has_all;
        if can_switch && item.sources.has_other_than(running.source, |host| queue.may_connect(host, now)) {
            self.note_refusal(id, &running, &failure);
            return self.connect(id);
        }
        // One that may pass is not made final by another place that does not have the file.
        let hope = if failure.kind.is_temporary() { None } else { item.sources.hope() };
        let verdict = retry::verdict(hope.as_ref().unwrap_or(&failure), item.life.failures, &item.spec.patience);
        let is_last = verdict == Verdict::GiveUp;
        if can_switch && is_last && item.sources.has_other_than(running.source, |_| true) {
            // Nor by one that has no room now, and was not asked.
            self.queue.await_room(id);
            return self.note_refusal(id, &running, &failure);
        }
        item.distrust |= failure.kind == FailureKind::WrongRange && had_range;
        let failure = hope.unwrap_or(failure);
        // The disk has what came, though it has not said so yet.
        self.advanced(id, |item| item.map.arrived().bytes());
        self.input(id, Input::Broke(failure));
    }

    /// Whether the server has refused this connection only because it serves others of ours. Refused once
    /// more beside fewer of them it is the file, and the host may have as many connections as before.
    fn is_turned_away(&mut self, id: DownloadId, running: &Running, failure: &Failure) -> bool {
        let now = self.parts.clock.now();
        let Self { items, queue, .. } = self;
        let Some(item) = items.get_mut(&id).filter(|item| matches!(item.life.state, State::Connecting)) else {
            return false;
        };
        let Some(source) = item.sources.get(running.source).filter(|_| may_be_for_a_crowd(&failure.kind)) else {
            return false;
        };
        let others = queue.connections(&source.host);
        let earlier = item.turned_away.take();
        if let Some(earlier) = earlier.as_ref().filter(|earlier| others < earlier.others) {
            queue.allow(&source.host, earlier.allowed, now);
            return false;
        }
        if others > 0 {
            let allowed = earlier.map_or_else(|| queue.most(&source.host, now), |earlier| earlier.allowed);
            item.turned_away = Some(TurnedAway { others, allowed });
            queue.cap(&source.host, others, now);
        }
        others > 0
    }

    /// A transfer came to nothing, but the download goes on.
    fn note_refusal(&mut self, id: DownloadId, running: &Running, failure: &Failure) {
        self.note(id, |item| {
            let host = item.sources.get(running.source)?.url.host_str().unwrap_or_default().into();
            Some(Happening::Refused { host, failure: Box::new(failure.clone()) })
        });
    }
}

/// Whether the way to the server has failed, and nothing is said of the bytes that came.
fn is_of_way(kind: &FailureKind) -> bool {
    matches!(kind, FailureKind::EndedEarly | FailureKind::ConnectionLost | FailureKind::Silence)
}

/// Whether servers say so to those that have too many connections.
fn may_be_for_a_crowd(kind: &FailureKind) -> bool {
    matches!(kind, FailureKind::HttpStatus(403 | 429 | 503 | 509) | FailureKind::ServerRefused(_))
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Transfers that are over: out of the multi handle, their last bytes to the disk, then told.

use curl::MultiError;
use curl::easy::Easy2;

use super::{Handle, Inner, Sink, TransferEvent, TransferHandler, TransferId};
use crate::engine::error::{Failure, FailureKind};

impl Inner {
    pub(super) fn conclude(&self, id: TransferId, handle: Handle, result: Result<(), curl::Error>) {
        let connection = handle.get_ref().connection();
        let Some(mut easy) = self.detach(handle) else { return };
        // Within the same call libcurl may have given the connection to another transfer.
        if let Some((fd, ports)) = connection.filter(|(fd, _)| !self.sockets.borrow().has(*fd)) {
            self.idle.borrow_mut().left(fd, ports, self.gate.clock.now());
        }
        let outcome = easy.get_mut().conclude(result);
        if let Some((request, trail)) = easy.get_mut().onward() {
            // Its place in the rate limits is that of the one that follows.
            drop(easy);
            return self.ask(id, &request, Some(trail));
        }
        self.leave(id, easy.get_mut(), outcome);
    }

    /// Takes a handle out of the multi handle. What libcurl refuses to give back is dropped.
    pub(super) fn detach(&self, handle: Handle) -> Option<Easy2<TransferHandler>> {
        match self.multi.borrow().remove2(handle) {
            Ok(easy) => Some(easy),
            Err(error) => {
                tracing::error!("libcurl does not give a transfer back: {error}");
                None
            }
        }
    }

    /// A transfer is over. It is told once all its bytes are with the disk.
    pub(super) fn leave(&self, id: TransferId, handler: &mut TransferHandler, outcome: Result<(), Failure>) {
        match handler.ended(&outcome) {
            Some(event) => self.gate.tell(event),
            None => {
                let sink = std::mem::replace(&mut handler.sink, Sink::new(self.disk.clone()));
                self.leaving.borrow_mut().insert(id, (sink, outcome));
            }
        }
    }

    /// Tries again to hand over the last bytes of transfers that are over.
    pub(super) fn settle(&self) {
        let all: Vec<_> = self.leaving.borrow().keys().copied().collect();
        for id in all {
            self.settle_one(id);
        }
    }

    pub(super) fn settle_one(&self, id: TransferId) {
        let mut leaving = self.leaving.borrow_mut();
        let Some((sink, _)) = leaving.get_mut(&id) else { return };
        let Some(part) = sink.part() else { return };
        sink.attach(part);
        sink.flush();
        if sink.is_settled()
            && let Some((sink, result)) = leaving.remove(&id)
        {
            self.gate.tell(TransferEvent::Ended { id, end: sink.handed_over(), result });
        }
    }

    /// The multi handle has failed: a new one takes its place. Its transfers end as if their
    /// connections were lost, so their downloads continue by themselves from their journals.
    pub(super) fn replace_multi(&self, error: &MultiError) {
        tracing::error!("libcurl's multi handle failed ({error}); it is replaced");
        let fresh = match self.new_multi() {
            Ok(multi) => multi,
            Err(error) => {
                tracing::error!("no new multi handle: {error}");
                return;
            }
        };
        let handles: Vec<_> = self.transfers.borrow_mut().drain().collect();
        let detail = format!("libcurl's multi handle failed: {error}");
        for (id, mut handle) in handles {
            let handler = handle.get_mut();
            handler.sink.flush();
            // What no block could be had for is fetched again.
            handler.sink = Sink::new(self.disk.clone());
            let lost = Err(Failure::new(FailureKind::ConnectionLost, detail.clone()));
            self.leave(id, handler, lost);
        }
        self.abandoned.borrow_mut().clear();
        self.sockets.borrow_mut().clear();
        self.round.borrow_mut().clear();
        self.timer.borrow_mut().cancel();
        self.multi.replace(fresh);
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! What an address leads to, before it is a download: its head is asked for, nothing of its body is
//! taken, and nothing is written. A few at a time, each for a while, until nobody wants to know any more.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::Book;
use super::segments::request;
use crate::engine::disk::naming;
use crate::engine::download::spec::DownloadSpec;
use crate::engine::error::{Failure, FailureKind};
use crate::engine::event::{Event, Probed};
use crate::engine::import::address;
use crate::engine::net::{Asked, Body, Fetched};
use crate::engine::types::{DownloadId, Moment, ProbeId, TransferId};

const MOST_AT_A_TIME: usize = 4;
/// Who waits for it looks at a dialog.
const PATIENCE: Duration = Duration::from_secs(15);
/// No download has it: its transfers count towards nobody's limit.
const NOBODY: DownloadId = DownloadId(0);

#[derive(Debug, Default)]
pub struct Probes {
    waiting: VecDeque<(ProbeId, Box<DownloadSpec>)>,
    running: BTreeMap<TransferId, Running>,
}

#[derive(Debug)]
struct Running {
    id: ProbeId,
    spec: Box<DownloadSpec>,
    until: Moment,
    body: Body,
}

impl Book {
    pub(super) fn probe(&mut self, id: ProbeId, spec: Box<DownloadSpec>) {
        match address::check(&spec.url) {
            Err(failure) => self.tell_probed(id, Err(failure)),
            Ok(()) => {
                self.probes.waiting.push_back((id, spec));
                self.begin_probes();
            }
        }
    }

    /// Nobody wants to know any more.
    pub(super) fn end_probe(&mut self, id: ProbeId) {
        self.probes.waiting.retain(|(waiting, _)| *waiting != id);
        let transfers = self.probes.running.iter().filter(|(_, running)| running.id == id);
        let transfers: Vec<_> = transfers.map(|(transfer, _)| *transfer).collect();
        for transfer in transfers {
            self.probes.running.remove(&transfer);
            self.parts.transport.cancel(transfer);
        }
        self.begin_probes();
    }

    pub(super) fn end_all_probes(&mut self) {
        self.probes.waiting.clear();
        for transfer in std::mem::take(&mut self.probes.running).into_keys() {
            self.parts.transport.cancel(transfer);
        }
    }

    fn begin_probes(&mut self) {
        while self.probes.running.len() < MOST_AT_A_TIME
            && let Some((id, spec)) = self.probes.waiting.pop_front()
        {
            let until = self.parts.clock.now() + PATIENCE;
            self.ask_head(Running { id, spec, until, body: Body::Head { by_get: false } });
        }
    }

    fn ask_head(&mut self, running: Running) {
        let transfer = TransferId(self.number());
        let spec = &running.spec;
        self.parts.transport.start(transfer, request(NOBODY, spec, spec.url.clone(), Asked::default(), running.body));
        self.probes.running.insert(transfer, running);
    }

    /// What was fetched is the head of something that was asked about, or of no interest any more.
    pub(super) fn fetched_head(&mut self, transfer: TransferId, result: Result<Fetched, Failure>) {
        let Some(mut running) = self.probes.running.remove(&transfer) else { return };
        if let Err(failure) = &result
            && running.body == (Body::Head { by_get: false })
            && may_be_for_the_method(&failure.kind)
        {
            running.body = Body::Head { by_get: true };
            return self.ask_head(running);
        }
        let spec = &running.spec;
        let probed = match result {
            Ok(Fetched { answer, .. }) => {
                let url = answer.url.as_ref().unwrap_or(&spec.url);
                let media = answer.media_type.as_deref();
                let name = naming::choose(spec.name.as_deref(), answer.name.as_deref(), url, media);
                let (total, media_type) = (answer.total.or(spec.size), answer.media_type.clone());
                Ok(Probed { name, total, media_type, resumable: Some(answer.resumable) })
            }
            // The download undoes the encoding; how long the file is then nobody tells.
            Err(failure) if failure.kind == FailureKind::UninvitedEncoding => {
                let name = naming::choose(spec.name.as_deref(), None, &spec.url, None);
                Ok(Probed { name, total: spec.size, media_type: None, resumable: Some(false) })
            }
            Err(failure) => Err(failure),
        };
        self.tell_probed(running.id, probed);
        self.begin_probes();
    }

    pub(super) fn end_overdue_probes(&mut self, now: Moment) {
        let overdue = self.probes.running.iter().filter(|(_, running)| running.until <= now);
        let overdue: Vec<_> = overdue.map(|(transfer, running)| (*transfer, running.id)).collect();
        for (transfer, id) in overdue {
            self.probes.running.remove(&transfer);
            self.parts.transport.cancel(transfer);
            let detail = format!("there was no answer for {} seconds", PATIENCE.as_secs());
            self.tell_probed(id, Err(Failure::new(FailureKind::Silence, detail)));
            self.begin_probes();
        }
    }

    pub(super) fn next_probe_end(&self) -> Option<Moment> {
        self.probes.running.values().map(|running| running.until).min()
    }

    fn tell_probed(&mut self, id: ProbeId, result: Result<Probed, Failure>) {
        self.events.push_back(Event::Probed { id, result: Box::new(result) });
    }
}

/// Whether a server says so that knows no HEAD, or gives its leave for GET only, as signed addresses do.
fn may_be_for_the_method(kind: &FailureKind) -> bool {
    match kind {
        FailureKind::HttpStatus(code) => !matches!(code, 404 | 410 | 429 | 503),
        FailureKind::Protocol | FailureKind::ConnectionLost => true,
        _ => false,
    }
}

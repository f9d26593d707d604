// SPDX-License-Identifier: GPL-3.0-or-later
//! What the engine orders of its network.

use std::rc::Rc;
use std::time::Duration;

use freshet::engine::clock::Clock;
use freshet::engine::net::sink::Sink;
use freshet::engine::net::{Request, TransferEvent, Transport, Vitals};
use freshet::engine::types::{DownloadId, PartId, Speed, TransferId};

use super::{Held, Judged, OWNER, ScriptedTransport, Transfer};
use crate::remote::Fault;

impl Transport for ScriptedTransport {
    fn start(&self, id: TransferId, request: Request) {
        assert!(!self.is_stopped.get(), "a transfer is started after the stop");
        let owner = request.manners.headers.iter().find_map(|line| line.strip_prefix(OWNER));
        let owner = owner.and_then(|owner| owner.parse().ok()).expect("each request has the download's own fields");
        let mut remote = self.remote.borrow_mut();
        let (site, is_beside) = remote.place_of(&request.url);
        let host = remote.sites[site].host;
        let connections = self.transfers.borrow().values().filter(|transfer| transfer.host == host).count();
        let fault = remote.fault(site, connections + 1);
        let wait =
            if fault == Some(Fault::NoConnection) { request.connect_timeout } else { remote.hosts[host].latency };
        drop(remote);
        self.requests.set(self.requests.get() + 1);
        self.timeline.note([12, id.0, owner as u64], || {
            format!(
                "transfer {} of download #{owner} starts: {} {:?}, fault {fault:?}",
                id.0, request.url, request.asked
            )
        });
        let mut sink = Sink::new(self.disk.clone());
        sink.meant_for(request.part);
        let mut transfer = Transfer {
            until: request.asked.range.map(|range| range.end),
            request,
            owner,
            site,
            is_beside,
            host,
            is_connected: false,
            fault,
            script: None,
            sent: 0,
            sink,
            memory: Vec::new(),
            answer: None,
            judged: Judged::NotYet,
            received: 0,
            flushed_at: 0,
            last_sign: self.clock.now(),
            held: None,
            step: 0,
        };
        self.plan(id, &mut transfer, wait);
        let before = self.transfers.borrow_mut().insert(id, transfer);
        assert!(before.is_none(), "transfer {} is started twice", id.0);
    }

    fn attach(&self, id: TransferId, part: PartId) {
        self.receipts.borrow_mut().attach(id, part);
        if let Some((sink, _)) = self.leaving.borrow_mut().get_mut(&id) {
            sink.attach(part);
        }
        self.settle();
        if let Some(transfer) = self.transfers.borrow_mut().get_mut(&id) {
            transfer.sink.attach(part);
            if transfer.held == Some(Held::Part) {
                self.plan(id, transfer, Duration::ZERO);
            }
        }
    }

    fn cancel(&self, id: TransferId) -> Option<u64> {
        self.timeline.note([13, id.0, 0], || format!("transfer {} is cancelled", id.0));
        let leaving = self.leaving.borrow_mut().remove(&id).map(|(sink, _)| sink);
        let running = || self.transfers.borrow_mut().remove(&id).map(|transfer| transfer.sink);
        let mut sink = leaving.or_else(running)?;
        sink.flush();
        sink.handed_over()
    }

    fn set_end(&self, id: TransferId, end: u64) {
        self.timeline.note([14, id.0, end], || format!("transfer {} is to end at {end}", id.0));
        let has_enough = self.transfers.borrow_mut().get_mut(&id).is_some_and(|transfer| {
            transfer.until = Some(end);
            if matches!(transfer.judged, Judged::Taken) && transfer.sink.next() >= end {
                transfer.judged = Judged::Enough;
            }
            matches!(transfer.judged, Judged::Enough)
        });
        if has_enough {
            self.conclude(id, Ok(()));
        }
    }

    fn room(&self) {
        self.settle();
        let mut transfers = self.transfers.borrow_mut();
        for (id, transfer) in transfers.iter_mut().filter(|(_, transfer)| transfer.held == Some(Held::Room)) {
            if transfer.step == 0 && transfer.sink.has_room() {
                self.plan(*id, transfer, Duration::ZERO);
            }
        }
    }

    fn flush(&self) {
        for transfer in self.transfers.borrow_mut().values_mut() {
            transfer.sink.pace(transfer.received - transfer.flushed_at);
            transfer.flushed_at = transfer.received;
        }
    }

    fn vitals(&self, id: TransferId) -> Option<Vitals> {
        self.transfers.borrow().get(&id).map(|transfer| Vitals {
            received: transfer.received,
            next: matches!(transfer.judged, Judged::Taken | Judged::Enough).then(|| transfer.sink.next()),
            end: transfer.sink.end(),
            last_sign: transfer.last_sign,
            held: transfer.held.is_some(),
        })
    }

    fn set_rate(&self, rate: Option<Speed>) {
        self.budget.borrow_mut().set_rate(rate, self.clock.now());
    }

    fn set_download_rate(&self, download: DownloadId, rate: Option<Speed>) {
        let mut own = self.own.borrow_mut();
        match rate {
            Some(_) => {
                own.entry(download).or_default().set_rate(rate, self.clock.now());
            }
            None => {
                own.remove(&download);
            }
        }
    }

    fn events(&self) -> Vec<TransferEvent> {
        self.events.take()
    }

    fn on_events(&self, ready: Box<dyn Fn()>) {
        self.ready.replace(Some(Rc::from(ready)));
    }

    fn stop(&self) {
        self.is_stopped.set(true);
        for (_, mut transfer) in self.transfers.take() {
            transfer.sink.flush();
        }
        self.ready.replace(None);
    }
}

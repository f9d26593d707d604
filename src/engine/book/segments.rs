// SPDX-License-Identifier: GPL-3.0-or-later
//! The transfers of a download: the first one, which is the probe, and those that are added as long as
//! they help. `plan/` says what each fetches and how many there should be, `sources.rs` from where.

use std::time::Duration;

use url::Url;

use super::{Book, TICK};
use crate::engine::download::spec::DownloadSpec;
use crate::engine::download::state::State;
use crate::engine::error::{Failure, FailureKind};
use crate::engine::item::{self, Item};
use crate::engine::net::{Asked, Body, Line, Request, Vitals};
use crate::engine::plan::map::Loan;
use crate::engine::plan::ramp::Sight;
use crate::engine::plan::split::{self, Job, Runner};
use crate::engine::queue::Host;
use crate::engine::rate::Meter;
use crate::engine::sources::{Source, Standing};
use crate::engine::types::{ByteRange, DownloadId, Moment, TransferId};
use crate::engine::work::{Running, Trouble, Work};

/// Before it is started again, a transfer that failed while others went on is waited for so long,
/// doubled with each further failure.
const FIRST_REST: Duration = Duration::from_secs(1);
const MOST_DOUBLINGS: u32 = 6;
/// A speed that was measured for a shorter time says nothing.
const MEASURED: Duration = Duration::from_millis(50);
/// What others may take over is not left to a transfer whose answer takes so many times longer than the last one did...
const LATE: u32 = 4;
/// ...nor to one of which nothing came for so long: longer than a server takes that gives out what it may once a second.
const STALLED: Duration = Duration::from_millis(1_250);

impl Book {
    /// The source that is asked first, and whether there is room at its host.
    fn first_source(&self, id: DownloadId) -> Option<(usize, bool)> {
        let now = self.parts.clock.now();
        let item = self.items.get(&id)?;
        let has_slot = self.queue.is_preparing(id);
        let has_room = |index, host: &Host| (has_slot && index == 0) || self.queue.may_connect(host, now);
        let index = item.sources.first(has_room);
        Some((index, has_room(index, &item.sources.get(index)?.host)))
    }

    /// Whether there is room at the host that would be asked. One that waits for room at a place that has not
    /// failed asks none again that did.
    pub(super) fn may_connect(&self, id: DownloadId) -> bool {
        let Some((index, has_room)) = self.first_source(id) else { return false };
        let works = |item: &Item| item.sources.get(index).is_some_and(Source::works);
        has_room && (!self.queue.awaits_room(id) || self.items.get(&id).is_some_and(works))
    }

    /// Asks the server for the first missing bytes; of a new file for all of it, which tells what the
    /// server can do.
    pub(super) fn connect(&mut self, id: DownloadId) {
        let transfer = TransferId(self.number());
        let now = self.parts.clock.now();
        let Some((source, _)) = self.first_source(id) else { return };
        if source == 0 && !self.has_overlap(id) {
            return;
        }
        let Some(item) = self.items.get_mut(&id) else { return };
        let is_new = item.work.as_ref().is_none_or(|work| !work.is_open) && item.map.done().bytes() == 0;
        let Some(loan) = item.map.lend(transfer) else { return };
        let range = Some(loan).filter(|_| !is_new).and_then(|loan| Some(ByteRange::new(loan.start, loan.end?)));
        let overlap = item.work.as_mut().and_then(|work| work.overlap.take());
        item.meter.restart(now, item.map.arrived().bytes());
        self.begin(id, transfer, source, range, overlap.and_then(|overlap| overlap.bytes).unwrap_or_default());
    }

    /// Asks a source for a range, and for the bytes before it that it has to begin with.
    fn begin(
        &mut self,
        id: DownloadId,
        transfer: TransferId,
        source: usize,
        range: Option<ByteRange>,
        overlap: Vec<u8>,
    ) {
        let now = self.parts.clock.now();
        let Some(item) = self.items.get_mut(&id) else { return };
        let range = range.map(|range| ByteRange::new(range.start - overlap.len() as u64, range.end));
        let asked = item.asked(range, source);
        let (Some(work), Some(source_of)) = (&mut item.work, item.sources.get(source)) else { return };
        let part = Some(work.part);
        let request = Request { overlap, part, ..request(id, &item.spec, source_of.url.clone(), asked, Body::Part) };
        let running = Running {
            source,
            has_range: range.is_some(),
            started_at: now,
            answered_at: None,
            meter: Meter::default(),
            counted: 0,
            contact: None,
        };
        work.transfers.insert(transfer, running);
        work.is_settled = None;
        self.queue.connected(id, &source_of.host);
        self.by_transfer.insert(transfer, id);
        self.next_tick.get_or_insert(now + TICK);
        let rate = item.spec.rate;
        self.apply_rate();
        self.parts.transport.set_download_rate(id, rate);
        self.parts.transport.start(transfer, request);
    }

    /// Fetches something small that is read, not kept, in the manner of the download.
    pub(super) fn fetch(&mut self, id: DownloadId, transfer: TransferId, url: Url, asked: Asked, most: usize) {
        let Some(item) = self.items.get(&id) else { return };
        let request = request(id, &item.spec, url, asked, Body::Memory { most });
        self.by_transfer.insert(transfer, id);
        self.parts.transport.start(transfer, request);
    }

    /// Starts as many more transfers as should run, where there is something for them to do.
    pub(super) fn spread(&mut self, id: DownloadId) {
        while self.spread_one(id) {}
    }

    fn spread_one(&mut self, id: DownloadId) -> bool {
        let transfer = TransferId(self.number());
        let now = self.parts.clock.now();
        let Self { items, queue, parts, .. } = self;
        let Some(item) = items.get_mut(&id).filter(|item| can_be_cut(item)) else { return false };
        let Some(work) = item.work.as_ref().filter(|work| work.is_under_way()) else { return false };
        // Only then it is known where a further one may begin.
        if !work.is_told_open {
            return false;
        }
        let is_resting = work.trouble.as_ref().is_some_and(|trouble| now < trouble.until);
        let wanted = work.ramp.target().min(work.most);
        if work.transfers.is_empty() || work.transfers.len() >= wanted || is_resting {
            return false;
        }
        let busy = |source| work.transfers.values().filter(|running| running.source == source).count();
        let Some(source) = item.sources.next(busy, |host| queue.has_room(host, now)) else { return false };
        let runners = runners(item, work, now, |transfer| parts.transport.vitals(transfer));
        let sight = split::Sight { setup: work.setup, is_trial: work.ramp.is_trial(), reach: work.reach };
        let loan = match split::choose(&item.map.missing(), &runners, sight) {
            None => None,
            Some(Job::Missing(range)) => item.map.lend_range(transfer, range),
            // Its lender goes on as if nothing had happened until the new one has its answer.
            Some(Job::Cut { of, at }) => item.map.cut(of, at, transfer),
            Some(Job::Copy { of, from }) => item.map.copy(of, from, transfer),
        };
        let Some(range) = loan.and_then(|loan| Some(ByteRange::new(loan.start, loan.end?))) else { return false };
        tracing::debug!(%id, %range, source, "one more transfer");
        self.begin(id, transfer, source, Some(range), Vec::new());
        true
    }

    /// Sees whether more transfers help, and starts them.
    pub(super) fn climb(&mut self, id: DownloadId, now: Moment) {
        let Self { items, parts, .. } = self;
        let Some(item) = items.get_mut(&id) else { return };
        let arrived = item.arrived(|transfer| parts.transport.vitals(transfer)?.next).bytes();
        let left = item.map.total().map_or(0, |total| total.saturating_sub(arrived));
        let is_worth_it = may_be_cut(left);
        let is_cut = is_worth_it && can_be_cut(item);
        let Some(work) = item.work.as_mut().filter(|_| is_cut) else { return self.climb_at(id, None) };
        work.sample(now, |transfer| parts.transport.vitals(transfer));
        let most = usize::from(item.spec.connections).min(work.most);
        let is_lossy = is_lossy(work.transfers.keys().map(|transfer| parts.transport.line(*transfer)));
        let sight = Sight { now, received: arrived, flowing: work.flowing(), setup: work.setup, most, left, is_lossy };
        let at = work.ramp.look(sight);
        self.climb_at(id, at);
        self.spread(id);
    }

    /// Has the network end a transfer, of which nothing is told any more; answers how far it has handed
    /// its bytes to the disk.
    pub(super) fn cancel(&mut self, transfer: TransferId) -> Option<u64> {
        self.by_transfer.remove(&transfer);
        self.parts.transport.cancel(transfer)
    }

    /// Ends a transfer of ours. What it brought counts.
    pub(super) fn end_transfer(&mut self, id: DownloadId, transfer: TransferId) {
        let handed_over = self.cancel(transfer);
        self.forget(id, transfer, handed_over);
    }

    pub(super) fn end_transfers(&mut self, id: DownloadId) {
        for transfer in self.transfers_of(id) {
            self.end_transfer(id, transfer);
        }
        self.queue.waive_room(id);
        self.end_lookup(id);
        self.end_samples(id);
    }

    pub(super) fn transfers_of(&self, id: DownloadId) -> Vec<TransferId> {
        let work = self.items.get(&id).and_then(|item| item.work.as_ref());
        work.map(|work| work.transfers.keys().copied().collect()).unwrap_or_default()
    }

    /// A transfer is over; what it did not bring is missing again.
    pub(super) fn forget(&mut self, id: DownloadId, transfer: TransferId, handed_over: Option<u64>) -> Option<Running> {
        let item = self.items.get_mut(&id)?;
        let loan = item.map.loan(transfer);
        item.map.give_back(transfer, handed_over);
        if let Some(end) = handed_over {
            self.traffic.reached(item, transfer, end);
        }
        let running = item.work.as_mut()?.transfers.remove(&transfer)?;
        if let (Some(_), Some(loan), Some(end)) = (&item.spec.pieces, loan, handed_over) {
            item.supplied.push((ByteRange::new(loan.start, end.max(loan.start)), running.source));
        }
        if let Some(source) = item.sources.get(running.source) {
            self.queue.disconnected(&source.host);
        }
        Some(running)
    }

    /// Ends transfers that fetch nothing but what came by another one.
    pub(super) fn end_needless(&mut self, id: DownloadId) {
        let Some(item) = self.items.get(&id) else { return };
        let arrived = item.map.arrived();
        let is_needless = |(transfer, loan): &(TransferId, Loan)| {
            let next = self.parts.transport.vitals(*transfer).and_then(|vitals| vitals.next);
            let start = next.unwrap_or(loan.start).max(loan.start);
            loan.end.is_some_and(|end| start < end && arrived.contains(ByteRange::new(start, end)))
        };
        let needless: Vec<_> = item.map.loans().filter(is_needless).map(|(transfer, _)| transfer).collect();
        for transfer in needless {
            self.end_transfer(id, transfer);
        }
    }

    /// A transfer failed while others of its download go on: they take over what it leaves, and the
    /// server is asked for less.
    pub(super) fn do_without(&mut self, id: DownloadId, running: &Running, failure: Failure) {
        let now = self.parts.clock.now();
        let Self { items, queue, .. } = self;
        let Some(item) = items.get_mut(&id) else { return };
        let Some(work) = &mut item.work else { return };
        let times = work.trouble.as_ref().map_or(0, |trouble| trouble.times);
        tracing::info!(%id, times, "goes on with {} transfers: {failure}", work.transfers.len());
        let is_other_file = failure.kind.is_of_other_file();
        let serves_others = work.transfers.values().any(|other| other.source == running.source);
        if let Some(source) = item.sources.get_mut(running.source) {
            if running.answered_at.is_none() && !is_other_file && (says_no(&failure.kind) || times > 0) {
                queue.cap(&source.host, queue.connections(&source.host), now);
            }
            if is_other_file && serves_others {
                // It has the file, but not for so many ranges.
                work.most = work.transfers.len();
            } else if !serves_others {
                source.standing = Standing::after(&failure);
            }
        }
        // Those that have answered with ranges show that it can give them.
        item.is_whole_only |= is_other_file && !work.transfers.values().any(|other| other.has_range);
        let until = now + FIRST_REST * (1 << times.min(MOST_DOUBLINGS));
        work.trouble = Some(Trouble { failure, times: times + 1, until });
        self.extend(id);
    }

    /// The answer to this transfer has come: who lent it its stretch need not go so far any more.
    pub(super) fn relieve_lender(&self, id: DownloadId, transfer: TransferId) {
        let Some(item) = self.items.get(&id) else { return };
        let Some(loan) = item.map.loan(transfer).filter(|loan| !loan.is_copy) else { return };
        let lender = item.map.loans().find(|(_, other)| !other.is_copy && other.end == Some(loan.start));
        if let Some((lender, _)) = lender {
            self.parts.transport.set_end(lender, loan.start);
        }
    }

    /// What a transfer left goes back to the one that it was cut from, if that is still on its way there.
    fn extend(&mut self, id: DownloadId) {
        let Some(item) = self.items.get_mut(&id) else { return };
        let Self { parts, .. } = self;
        let loans: Vec<_> = item.map.loans().collect();
        for gap in item.map.missing() {
            let reaches = |(transfer, loan): &&(TransferId, Loan)| {
                let end = || parts.transport.vitals(*transfer).and_then(|vitals| vitals.end);
                loan.end == Some(gap.start) && end().is_some_and(|end| gap.end <= end)
            };
            if let Some((transfer, _)) = loans.iter().find(reaches)
                && item.map.extend(*transfer, gap.end)
            {
                parts.transport.set_end(*transfer, gap.end);
            }
        }
    }
}

/// All requests are made here, so that none tells a secret to a server that it is not for.
pub(super) fn request(download: DownloadId, spec: &DownloadSpec, url: Url, asked: Asked, body: Body) -> Request {
    let manners = spec.manners.towards(&url, &spec.url);
    Request {
        download,
        url,
        manners,
        asked,
        body,
        part: None,
        overlap: Vec::new(),
        connect_timeout: item::silence(spec),
    }
}

/// Whether the server has turned a further connection away, and not something on the way to it.
fn says_no(kind: &FailureKind) -> bool {
    matches!(
        kind,
        FailureKind::HttpStatus(_)
            | FailureKind::LoginRequired
            | FailureKind::LoginElsewhere
            | FailureKind::LoginUnsupported
            | FailureKind::ServerRefused(_)
    )
}

/// Whether packets are lost on the line though it is not full; where it is, that is what they are lost for.
pub(super) fn is_lossy(lines: impl Iterator<Item = Line>) -> bool {
    // Each is asked for once: it is a question to the kernel.
    let (mut loses, mut full, mut others) = (false, 0, 0);
    for line in lines {
        *(if line.is_full { &mut full } else { &mut others }) += 1;
        loses |= line.is_lossy && !line.is_full;
    }
    loses && full < others
}

/// Whether so many bytes are enough for two transfers.
pub(super) fn may_be_cut(left: u64) -> bool {
    left >= 2 * split::SHORTEST
}

/// Whether several transfers may fetch this file.
fn can_be_cut(item: &Item) -> bool {
    matches!(item.life.state, State::Downloading)
        && item.spec.connections > 1
        && (item.resumable == Some(true) || item.spec.pieces.is_some())
        && item.map.total().is_some()
        && !item.decode
        && !item.is_whole_only
}

/// The transfers that have something to give away; `vitals` is `None` of those that are over.
fn runners(item: &Item, work: &Work, now: Moment, vitals: impl Fn(TransferId) -> Option<Vitals>) -> Vec<Runner> {
    let loans: Vec<_> = item.map.loans().collect();
    let runner = |(id, loan): &(TransferId, Loan)| {
        let running = work.transfers.get(id)?;
        let end = loan.end.or(item.map.total())?;
        let is_measured = running.answered_at.is_some_and(|at| now - at >= MEASURED);
        let vitals = vitals(*id)?;
        // Its packets were lost, it seems, which the kernel sends again after one second, and then after two and four.
        let shortest = if running.answered_at.is_some() { STALLED } else { MEASURED };
        let is_late = !vitals.held && now - vitals.last_sign >= shortest.max(work.setup * LATE);
        Some(Runner {
            id: *id,
            next: vitals.next.unwrap_or(0).max(loan.start),
            end,
            speed: is_measured.then(|| running.meter.speed()),
            is_late,
            has_copy: loans.iter().any(|(_, other)| other.is_copy && other.end == Some(end)),
        })
    };
    loans.iter().filter(|(_, loan)| !loan.is_copy).filter_map(runner).collect()
}

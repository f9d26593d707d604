// SPDX-License-Identifier: GPL-3.0-or-later
//! The book of all downloads: takes inputs to the state machine and runs its effects on network,
//! disk and list. The only writer of state. `engine.rs` says when.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use super::clock::Clock;
use super::command::{Command, Limits};
use super::disk::{Disk, Finish, Found, Look, Open, Reply};
use super::download::spec::DownloadSpec;
use super::download::state::{Effect, Input, State, Step, step};
use super::error::{Failure, FailureKind};
use super::event::{Event, Snapshot};
use super::item::{self, AfterClose, Item, Work};
use super::net::proof::Answer;
use super::net::{Request, TransferEvent, Transport};
use super::queue::{Host, Queue};
use super::store::{Record, Store};
use super::types::{DownloadId, Moment, PartId, TransferId};

/// How often progress is told while something runs.
pub const TICK: Duration = Duration::from_millis(250);
/// How often a running download's journal is saved: at most about this much work is done again
/// after a crash.
const SAVE_INTERVAL: Duration = Duration::from_secs(1);
/// A file that may take longer than [`SAVE_INTERVAL`] gets its first journal at once.
const SMALL_FILE: u64 = 1024 * 1024;

/// What the book works with.
#[derive(Clone)]
pub struct Parts {
    pub transport: Rc<dyn Transport>,
    pub disk: Rc<dyn Disk>,
    pub clock: Rc<dyn Clock>,
    pub store: Option<Rc<dyn Store>>,
}

pub struct Book {
    parts: Parts,
    items: BTreeMap<DownloadId, Item>,
    queue: Queue,
    /// Whose transfer, whose part file.
    by_transfer: HashMap<TransferId, DownloadId>,
    by_part: HashMap<PartId, DownloadId>,
    /// Those with a slot.
    active: BTreeSet<DownloadId>,
    /// Alarms of single downloads.
    alarms: BTreeSet<(Moment, DownloadId)>,
    next_tick: Option<Moment>,
    flushed_at: Moment,
    next_number: u64,
    events: VecDeque<Event>,
    /// No more slots are granted: the program ends.
    is_halted: bool,
}

impl Book {
    pub fn new(parts: Parts, limits: Limits) -> Self {
        let mut queue = Queue::default();
        queue.set_limits(limits);
        parts.transport.set_rate(limits.rate);
        Self {
            parts,
            items: BTreeMap::new(),
            queue,
            by_transfer: HashMap::new(),
            by_part: HashMap::new(),
            active: BTreeSet::new(),
            alarms: BTreeSet::new(),
            next_tick: None,
            flushed_at: Moment::default(),
            next_number: 1,
            events: VecDeque::new(),
            is_halted: false,
        }
    }

    pub fn take_events(&mut self) -> VecDeque<Event> {
        std::mem::take(&mut self.events)
    }

    /// Takes over the saved list. What was removed when the program ended is purged: nobody can
    /// undo that any more.
    pub fn load(&mut self, records: Vec<Record>) {
        for record in records {
            let is_removed = record.removed;
            let item = Item::from_record(record);
            let id = item.id;
            let host = Host::of(&item.spec.url);
            let is_queued = matches!(item.life.state, State::Queued);
            self.items.insert(id, item);
            if is_removed {
                self.purge(id);
            } else if is_queued {
                self.queue.join(id, host);
            }
        }
    }

    pub fn snapshot(&self, id: DownloadId) -> Option<Snapshot> {
        self.items.get(&id).filter(|item| item.removed.is_none()).map(|item| self.picture(item))
    }

    pub fn snapshots(&self) -> Vec<Snapshot> {
        self.items.values().filter(|item| item.removed.is_none()).map(|item| self.picture(item)).collect()
    }

    fn picture(&self, item: &Item) -> Snapshot {
        item.snapshot(self.received(item), self.parts.clock.now())
    }

    fn received(&self, item: &Item) -> u64 {
        let transfer = item.work.as_ref().and_then(|work| work.transfer);
        let vitals = transfer.and_then(|transfer| self.parts.transport.vitals(transfer));
        item.received(vitals.map(|vitals| vitals.received))
    }

    // Commands.

    pub fn command(&mut self, command: Command) {
        match command {
            Command::Add { id, spec } => self.add(id, *spec),
            Command::Pause(id) => self.input(id, Input::Pause),
            Command::Resume(id) => self.input(id, Input::Resume),
            Command::PauseAll => self.input_all(&Input::Pause, |state| !matches!(state, State::Paused)),
            Command::ResumeAll => self.input_all(&Input::Resume, |state| matches!(state, State::Paused)),
            Command::Remove(id) => self.remove(id),
            Command::Restore(id) => self.restore(id),
            Command::Purge(id) => {
                if self.items.get(&id).is_some_and(|item| item.removed.is_some()) {
                    self.purge(id);
                }
            }
            Command::SetLimits(limits) => {
                self.queue.set_limits(limits);
                self.parts.transport.set_rate(limits.rate);
            }
        }
    }

    fn input_all(&mut self, input: &Input, to: impl Fn(&State) -> bool) {
        let fitting = |item: &&Item| item.removed.is_none() && to(&item.life.state);
        let ids: Vec<_> = self.items.values().filter(fitting).map(|item| item.id).collect();
        for id in ids {
            self.input(id, input.clone());
        }
    }

    fn add(&mut self, id: DownloadId, spec: DownloadSpec) {
        let host = Host::of(&spec.url);
        let refusal = refuse(&spec);
        let item = Item::new(id, spec, self.parts.clock.today());
        self.items.insert(id, item);
        if let Some(item) = self.items.get(&id) {
            let added = Event::Added(Box::new(self.picture(item)));
            self.events.push_back(added);
        }
        match refusal {
            Some(failure) => self.input(id, Input::Broke(failure)),
            None => {
                self.queue.join(id, host);
                self.save_record(id);
            }
        }
    }

    fn remove(&mut self, id: DownloadId) {
        let Some(item) = self.items.get_mut(&id).filter(|item| item.removed.is_none()) else { return };
        let goes_on = !matches!(item.life.state, State::Paused | State::Completed | State::Failed(_));
        self.input(id, Input::Pause);
        if let Some(item) = self.items.get_mut(&id) {
            item.removed = Some(goes_on);
        }
        self.save_record(id);
        self.events.push_back(Event::Removed(id));
    }

    fn restore(&mut self, id: DownloadId) {
        let Some(item) = self.items.get_mut(&id) else { return };
        let Some(goes_on) = item.removed.take() else { return };
        if let Some(item) = self.items.get(&id) {
            let added = Event::Added(Box::new(self.picture(item)));
            self.events.push_back(added);
        }
        self.save_record(id);
        if goes_on {
            self.input(id, Input::Resume);
        }
    }

    /// Deletes what is on disk of an unfinished download, and all memory of it.
    fn purge(&mut self, id: DownloadId) {
        let Some(item) = self.items.get_mut(&id) else { return };
        if item.work.is_some() {
            item.after_close = AfterClose::Purge;
            return;
        }
        self.queue.leave(id);
        if let Some(item) = self.items.remove(&id) {
            if !matches!(item.life.state, State::Completed) {
                for part_path in item.path.into_iter().chain(item.replaces) {
                    self.parts.disk.delete(part_path);
                }
            }
            if let Some(store) = &self.parts.store {
                store.forget(id);
            }
        }
    }

    // The state machine.

    fn input(&mut self, id: DownloadId, input: Input) {
        let now = self.parts.clock.now();
        let Some(item) = self.items.get_mut(&id) else { return };
        let (life, effects) = match step(&item.life, input, &item.spec.patience, now) {
            Step::Ignored => return,
            Step::Next(life, effects) => (life, effects),
        };
        let has_changed = item.life.state != life.state;
        tracing::debug!(%id, from = ?item.life.state, to = ?life.state, ?effects, "step");
        item.life = life;
        if matches!(item.life.state, State::Completed) {
            item.finished_at = Some(self.parts.clock.today());
        }
        for effect in effects {
            self.run(id, effect);
        }
        if has_changed {
            // With the bytes on disk, not those just arriving: what a continued download begins with.
            let snapshot = self.items.get(&id).filter(|item| item.removed.is_none());
            let snapshot = snapshot.map(|item| item.snapshot(item.received(None), now));
            self.events.extend(snapshot.map(|snapshot| Event::Changed(Box::new(snapshot))));
            self.save_record(id);
        }
    }

    fn save_record(&self, id: DownloadId) {
        if let (Some(store), Some(item)) = (&self.parts.store, self.items.get(&id)) {
            store.save(item.record());
        }
    }

    fn run(&mut self, id: DownloadId, effect: Effect) {
        match effect {
            Effect::Enqueue => {
                if let Some(item) = self.items.get(&id) {
                    self.queue.join(id, Host::of(&item.spec.url));
                }
            }
            Effect::Dequeue => self.queue.leave(id),
            Effect::Prepare => self.prepare(id),
            Effect::Connect => self.connect(id),
            Effect::Stop => self.stop(id),
            Effect::Finish => self.finish(id),
            Effect::Release => self.release(id),
            Effect::WakeAt(at) => {
                self.alarms.insert((at, id));
            }
        }
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    /// Asks the disk what there is.
    fn prepare(&mut self, id: DownloadId) {
        let part = PartId(self.number());
        let now = self.parts.clock.now();
        let Some(item) = self.items.get_mut(&id) else { return };
        if item.work.is_some() {
            item.after_close = AfterClose::Prepare;
            return;
        }
        item.work = Some(Work {
            part,
            resume: None,
            is_open: false,
            transfer: None,
            base: 0,
            from: 0,
            saves: 0,
            is_closing: false,
            saved_at: now,
            claimed: 0,
        });
        self.by_part.insert(part, id);
        self.active.insert(id);
        let look = Look {
            folder: item.spec.folder.clone(),
            part_path: item.path.clone(),
            url: item.spec.url.clone(),
            name: item.spec.name.clone(),
            resume: item.spec.resume,
        };
        self.parts.disk.look(part, look);
    }

    fn looked(&mut self, id: DownloadId, found: Option<Box<Found>>) {
        let Some(item) = self.items.get_mut(&id) else { return };
        match found {
            Some(found) => {
                item.adopt(found.part_path, &found.journal);
                if item.can_continue() {
                    if let Some(work) = &mut item.work {
                        work.resume.clone_from(&item.path);
                    }
                } else {
                    self.begin_anew(id);
                }
            }
            None => item.forget_bytes(),
        }
        let is_whole = self.items.get(&id).is_some_and(|item| item.map.is_complete());
        self.input(id, if is_whole { Input::Delivered } else { Input::Prepared });
    }

    /// The bytes that are here can not be continued. A part file that another answer might still
    /// continue is kept until the new one is complete; one that nothing can prove is of no use.
    fn begin_anew(&mut self, id: DownloadId) {
        let Some(item) = self.items.get_mut(&id) else { return };
        let (old, is_provable) = (item.path.take(), item.validator.is_some());
        item.forget_bytes();
        if let Some(work) = &mut item.work {
            work.resume = None;
        }
        match old {
            Some(old) if is_provable && item.replaces.is_none() => item.replaces = Some(old),
            Some(old) if item.replaces.as_ref() != Some(&old) => self.parts.disk.delete(old),
            _ => {}
        }
    }

    /// Asks the server for the first missing bytes.
    fn connect(&mut self, id: DownloadId) {
        let transfer = TransferId(self.number());
        let now = self.parts.clock.now();
        let Some(item) = self.items.get_mut(&id) else { return };
        let from = item.map.lend(transfer).map_or(0, |loan| loan.start);
        let base = item.map.done().bytes();
        item.meter.restart(now, base);
        let request = Request {
            url: item.spec.url.clone(),
            manners: item.spec.manners.clone(),
            asked: item.asked(from),
            connect_timeout: item::silence(&item.spec),
        };
        let Some(work) = &mut item.work else { return };
        work.transfer = Some(transfer);
        (work.base, work.from) = (base, from);
        self.by_transfer.insert(transfer, id);
        self.next_tick.get_or_insert(now + TICK);
        self.parts.transport.start(transfer, request);
    }

    /// Ends its transfer and gives the slot back; the part file is closed when all is saved.
    fn stop(&mut self, id: DownloadId) {
        self.end_transfer(id);
        self.queue.release(id);
        self.active.remove(&id);
        if !self.is_closing(id) {
            self.close(id);
        }
    }

    fn end_transfer(&mut self, id: DownloadId) {
        let Some(item) = self.items.get_mut(&id) else { return };
        if let Some(transfer) = item.work.as_mut().and_then(|work| work.transfer.take()) {
            self.by_transfer.remove(&transfer);
            self.parts.transport.cancel(transfer);
            item.map.give_back(transfer);
        }
    }

    /// Saves what has been written since the last journal, then closes. The answer to a journal
    /// comes after those to all writes before it, so when it claims all, nothing is on its way.
    fn close(&mut self, id: DownloadId) {
        let Some(item) = self.items.get_mut(&id) else { return };
        let (done, journal) = (item.map.done().bytes(), item.journal());
        let Some(work) = &mut item.work else { return };
        let was_closing = std::mem::replace(&mut work.is_closing, true);
        if work.is_open && !(was_closing && work.claimed == done) {
            work.claimed = done;
            work.saves += 1;
            self.parts.disk.save(work.part, journal);
        } else {
            self.closed(id);
        }
    }

    /// The run is over and its part file closed.
    fn closed(&mut self, id: DownloadId) {
        let Some(item) = self.items.get_mut(&id) else { return };
        if let Some(work) = item.work.take() {
            self.by_part.remove(&work.part);
            self.parts.disk.close(work.part);
        }
        match std::mem::take(&mut item.after_close) {
            AfterClose::Nothing => self.save_record(id),
            AfterClose::Prepare => {
                // It may have been paused again meanwhile.
                if matches!(item.life.state, State::Connecting) && !self.is_halted {
                    self.prepare(id);
                }
            }
            AfterClose::Purge => self.purge(id),
        }
    }

    fn finish(&mut self, id: DownloadId) {
        let Some(item) = self.items.get_mut(&id) else { return };
        let (Some(work), Some(total)) = (&mut item.work, item.map.total()) else { return };
        if !work.is_open {
            // Everything was there from an earlier session.
            work.is_open = true;
            let open = Open {
                folder: item.spec.folder.clone(),
                resume: work.resume.clone(),
                name: item.name.clone(),
                on_exists: item.spec.on_exists,
                total: Some(total),
            };
            self.parts.disk.open(work.part, open);
        }
        let finish = Finish {
            total,
            checksum: item.spec.checksum.clone(),
            on_exists: item.spec.on_exists,
            modified: item.modified,
            replaces: item.replaces.clone(),
        };
        self.parts.disk.finish(work.part, finish);
    }

    /// It came to its end: nothing is left to save.
    fn release(&mut self, id: DownloadId) {
        self.queue.release(id);
        self.active.remove(&id);
        self.closed(id);
    }

    // What the network tells.

    pub fn transfer_event(&mut self, event: TransferEvent) {
        match event {
            TransferEvent::Answered { id: transfer, answer } => {
                if let Some(id) = self.by_transfer.get(&transfer).copied() {
                    self.answered(id, transfer, &answer);
                }
            }
            TransferEvent::Ended { id: transfer, result } => {
                if let Some(id) = self.by_transfer.remove(&transfer) {
                    self.ended(id, transfer, result);
                }
            }
        }
    }

    fn answered(&mut self, id: DownloadId, transfer: TransferId, answer: &Answer) {
        let begins_anew =
            self.items.get(&id).and_then(|item| item.work.as_ref()).is_some_and(|work| answer.start < work.from);
        if begins_anew {
            self.begin_anew(id);
            if let Some(item) = self.items.get_mut(&id) {
                item.map.lend(transfer);
            }
        }
        let now = self.parts.clock.now();
        let Some(item) = self.items.get_mut(&id) else { return };
        item.learn(answer);
        let base = item.map.done().bytes();
        item.meter.restart(now, base);
        let (journal, total) = (item.journal(), item.map.total());
        let Some(work) = &mut item.work else { return };
        work.base = base;
        work.is_open = true;
        let open = Open {
            folder: item.spec.folder.clone(),
            resume: work.resume.clone(),
            name: item.name.clone(),
            on_exists: item.spec.on_exists,
            total,
        };
        self.parts.disk.open(work.part, open);
        if total.is_none_or(|total| total > SMALL_FILE) {
            work.saves += 1;
            work.claimed = base;
            self.parts.disk.save(work.part, journal);
        }
        self.parts.transport.attach(transfer, work.part);
        self.input(id, Input::Responded);
    }

    fn ended(&mut self, id: DownloadId, transfer: TransferId, result: Result<u64, Failure>) {
        let now = self.parts.clock.now();
        let Some(item) = self.items.get_mut(&id) else { return };
        item.map.give_back(transfer);
        let from = item.work.as_ref().map_or(0, |work| work.from);
        if let Some(work) = &mut item.work {
            work.transfer = None;
        }
        match result {
            Ok(end) => {
                match item.map.total() {
                    None => item.map.set_total(end),
                    Some(total) if end < total => {
                        let detail = format!("{end} of {total} bytes came");
                        return self.input(id, Input::Broke(Failure::new(FailureKind::EndedEarly, detail)));
                    }
                    Some(_) => {}
                }
                self.check_delivered(id);
            }
            Err(failure) => {
                if let Some(wait) = failure.retry_after {
                    self.queue.hold_back(Host::of(&item.spec.url), now + wait);
                }
                match failure.kind {
                    FailureKind::UninvitedEncoding if !item.decode => {
                        // Ask again, and undo the compression it insists on.
                        item.decode = true;
                        return self.connect(id);
                    }
                    FailureKind::WrongRange if from > 0 => item.distrust = true,
                    _ => {}
                }
                self.input(id, Input::Broke(failure));
            }
        }
    }

    /// All bytes are given to the disk; it is delivered when they are written.
    fn check_delivered(&mut self, id: DownloadId) {
        let is_delivered = self.items.get(&id).is_some_and(|item| {
            item.map.is_complete() && item.work.as_ref().is_some_and(|work| work.is_open && work.transfer.is_none())
        });
        if is_delivered {
            self.input(id, Input::Delivered);
        }
    }

    // What the disk tells.

    pub fn disk_reply(&mut self, reply: Reply) {
        let part = match &reply {
            Reply::Looked { part, .. }
            | Reply::Opened { part, .. }
            | Reply::Written { part, .. }
            | Reply::Saved { part }
            | Reply::Verifying { part, .. }
            | Reply::Finished { part, .. }
            | Reply::Failed { part, .. } => *part,
        };
        let Some(id) = self.by_part.get(&part).copied() else { return };
        match reply {
            Reply::Looked { found, .. } => self.looked(id, found),
            Reply::Opened { part_path, .. } => {
                if let Some(item) = self.items.get_mut(&id) {
                    item.path = Some(part_path);
                }
                let opened = self.snapshot(id);
                self.events.extend(opened.map(|snapshot| Event::Changed(Box::new(snapshot))));
                self.save_record(id);
            }
            Reply::Written { range, .. } => {
                let Some(item) = self.items.get_mut(&id) else { return };
                item.map.mark_done(range);
                // An empty one only tells that there is room again.
                if !range.is_empty() && item.life.failures > 0 {
                    self.input(id, Input::Advanced);
                }
                self.check_delivered(id);
            }
            Reply::Saved { .. } => {
                let Some(work) = self.items.get_mut(&id).and_then(|item| item.work.as_mut()) else { return };
                work.saves = work.saves.saturating_sub(1);
                if work.is_closing && work.saves == 0 {
                    self.close(id);
                }
            }
            Reply::Verifying { done, .. } => {
                if let Some(item) = self.items.get(&id) {
                    let progress = item.progress(done);
                    self.events.push_back(Event::Progressed { id, progress });
                }
            }
            Reply::Finished { path, .. } => {
                if let Some(item) = self.items.get_mut(&id) {
                    if let Some(name) = path.file_name() {
                        item.name = name.to_string_lossy().into_owned();
                    }
                    item.path = Some(path);
                    item.verified.clone_from(&item.spec.checksum);
                    item.replaces = None;
                }
                self.input(id, Input::Finished);
            }
            Reply::Failed { failure, .. } => {
                if self.is_closing(id) {
                    tracing::warn!(%id, "what came last could not be saved: {failure}");
                    self.closed(id);
                } else {
                    self.input(id, Input::Broke(failure));
                }
            }
        }
    }

    fn is_closing(&self, id: DownloadId) -> bool {
        let work = self.items.get(&id).and_then(|item| item.work.as_ref());
        work.is_some_and(|work| work.is_closing)
    }

    // Time.

    /// What is due by now.
    pub fn tick(&mut self) {
        let now = self.parts.clock.now();
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
        if self.next_tick.is_some_and(|at| at <= now) {
            let active: Vec<_> = self.active.iter().copied().collect();
            for id in &active {
                self.look_after(*id, now);
            }
            if now - self.flushed_at >= SAVE_INTERVAL {
                self.flushed_at = now;
                self.parts.transport.flush();
            }
            self.next_tick = (!self.active.is_empty()).then(|| now + TICK);
        }
    }

    /// Tells progress, saves the journal, notices silence.
    fn look_after(&mut self, id: DownloadId, now: Moment) {
        let Some(item) = self.items.get(&id) else { return };
        let transfer = item.work.as_ref().and_then(|work| work.transfer);
        let vitals = transfer.and_then(|transfer| self.parts.transport.vitals(transfer));
        let silence = item::silence(&item.spec);
        if let Some(vitals) = vitals
            && !vitals.held
            && now - vitals.last_sign >= silence
        {
            self.end_transfer(id);
            let detail = format!("nothing came for {} seconds", silence.as_secs());
            return self.input(id, Input::Broke(Failure::new(FailureKind::Silence, detail)));
        }
        let received = item.received(vitals.map(|vitals| vitals.received));
        let Some(item) = self.items.get_mut(&id) else { return };
        if matches!(item.life.state, State::Downloading) {
            item.meter.sample(now, received);
            let progress = item.progress(received);
            self.events.push_back(Event::Progressed { id, progress });
        }
        let (done, journal) = (item.map.done().bytes(), item.journal());
        if let Some(work) = &mut item.work
            && work.is_open
            && work.saves == 0
            && work.claimed != done
            && matches!(item.life.state, State::Downloading)
            && now - work.saved_at >= SAVE_INTERVAL
        {
            work.saves += 1;
            (work.saved_at, work.claimed) = (now, done);
            self.parts.disk.save(work.part, journal);
            self.save_record(id);
        }
    }

    /// Grants slots while there are any.
    pub fn admit(&mut self) {
        if self.is_halted {
            return;
        }
        let now = self.parts.clock.now();
        while let Some(id) = self.queue.admit(now) {
            self.input(id, Input::Admit);
        }
    }

    /// When [`Book::tick`] is needed next.
    pub fn next_alarm(&self) -> Option<Moment> {
        let now = self.parts.clock.now();
        let waits = self.alarms.first().map(|(at, _)| *at);
        [self.next_tick, waits, self.queue.next_moment(now)].into_iter().flatten().min()
    }

    /// The program ends: everything stops where it is and is saved as it is.
    pub fn halt(&mut self) {
        self.is_halted = true;
        let active: Vec<_> = self.active.iter().copied().collect();
        for id in active {
            // What is being moved into place gets there.
            let is_finishing = self.items.get(&id).is_some_and(|item| matches!(item.life.state, State::Verifying));
            if !is_finishing {
                self.stop(id);
            }
        }
    }

    /// Whether no part file is open any more.
    pub fn is_quiet(&self) -> bool {
        self.by_part.is_empty()
    }
}

/// Why a download can never be made.
fn refuse(spec: &DownloadSpec) -> Option<Failure> {
    match spec.url.scheme() {
        "http" | "https" | "ftp" | "ftps" if spec.url.has_host() => None,
        "http" | "https" | "ftp" | "ftps" => {
            Some(Failure::new(FailureKind::InvalidAddress, "the address names no host"))
        }
        other => Some(Failure::new(FailureKind::UnsupportedScheme, format!("{other} addresses can not be downloaded"))),
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! The book of all downloads: takes inputs to the state machine and runs its effects on network,
//! disk and list. The only writer of state. `engine.rs` says when; `book/effects.rs` has the effects,
//! `book/answers.rs` what comes back, `book/trouble.rs` what fails, `book/small.rs` what is spared for small
//! files, `book/segments.rs` the transfers of a download, `book/tick.rs` what falls due.

mod answers;
mod beside;
mod calendar;
mod effects;
mod hold;
mod items;
mod keep;
mod login;
mod order;
mod pieces;
mod probes;
mod relocate;
mod renew;
mod room;
mod segments;
mod shelf;
mod small;
mod sort;
mod tick;
mod traffic;
mod trouble;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use url::Url;

use super::chronicle::Happening;
use super::clock::Clock;
use super::command::{Command, Limits, Start};
use super::disk::Disk;
use super::download::spec::DownloadSpec;
use super::download::state::{Effect, Hold, Input, State, Step, step};
use super::event::{Event, Snapshot};
use super::import::address;
use super::item::{AfterClose, Item};
use super::net::{Transport, Vitals};
use super::queue::{Host, Queue};
use super::sorting::Rules;
use super::store::{Record, Store};
use super::turn::Turn;
use super::types::{DownloadId, IdMap, Moment, PartId, Speed, TransferId};
pub use shelf::Shelf;

/// How often progress is told while something runs.
pub const TICK: Duration = Duration::from_millis(250);
/// How often what came is handed to the disk, and a running download's journal is saved one [`TICK`] later,
/// when the disk has answered: at most about this much, a tick and the time of a sync is fetched again after
/// a crash.
const SAVE_INTERVAL: Duration = Duration::from_secs(1);
/// A file that may take longer than [`SAVE_INTERVAL`] gets its first journal when it is begun.
const SMALL_FILE: u64 = 1024 * 1024;

/// What the engine works with.
#[derive(Clone)]
pub struct Parts {
    pub transport: Rc<dyn Transport>,
    pub disk: Rc<dyn Disk>,
    pub clock: Rc<dyn Clock>,
    pub store: Option<Rc<dyn Store>>,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").finish_non_exhaustive()
    }
}

pub struct Book {
    parts: Parts,
    /// What is older than this was made by nobody here.
    began_at: SystemTime,
    items: items::Items,
    shelf: Shelf,
    queue: Queue,
    /// Whose transfer, whose part file.
    by_transfer: IdMap<TransferId, DownloadId>,
    by_part: IdMap<PartId, DownloadId>,
    by_url: HashMap<Url, Vec<DownloadId>>,
    /// Those with a slot.
    active: BTreeSet<DownloadId>,
    /// All that have a part file and are not at work on it; also some that have none any more.
    resting: BTreeSet<DownloadId>,
    /// Alarms of single downloads.
    alarms: BTreeSet<(Moment, DownloadId)>,
    /// When to see whether more transfers help ([`Work::ramp_at`]); also of runs that are over.
    ramps: BTreeSet<(Moment, DownloadId)>,
    /// What is to start at a time.
    calendar: BTreeSet<(SystemTime, DownloadId)>,
    /// No turn is later than this one.
    last_turn: Option<Turn>,
    next_tick: Option<Moment>,
    flushed_at: Moment,
    next_number: u64,
    events: VecDeque<Event>,
    probes: probes::Probes,
    traffic: traffic::Gathered,
    rules: Rules,
    /// No downloads run, and why.
    held: Option<Hold>,
    /// No more slots are granted: the program ends.
    is_halted: bool,
}

impl Book {
    pub fn new(parts: Parts, limits: Limits, shelf: Shelf) -> Self {
        let mut queue = Queue::default();
        queue.set_limits(limits);
        let last_turn = shelf.turns().map(|(_, turn)| turn).max();
        Self {
            began_at: parts.clock.today(),
            parts,
            items: items::Items::default(),
            shelf,
            queue,
            by_transfer: IdMap::default(),
            by_part: IdMap::default(),
            by_url: HashMap::new(),
            active: BTreeSet::new(),
            resting: BTreeSet::new(),
            alarms: BTreeSet::new(),
            ramps: BTreeSet::new(),
            calendar: BTreeSet::new(),
            last_turn,
            next_tick: None,
            flushed_at: Moment::default(),
            next_number: 1,
            events: VecDeque::new(),
            probes: probes::Probes::default(),
            traffic: traffic::Gathered::default(),
            rules: Rules::default(),
            held: None,
            is_halted: false,
        }
    }

    pub fn take_events(&mut self) -> VecDeque<Event> {
        std::mem::take(&mut self.events)
    }

    /// Takes over what is not on the shelf of the saved list. What was removed when the program ended is
    /// purged: nobody can undo that any more.
    pub fn load(&mut self, records: Vec<Record>) {
        for record in records {
            let is_removed = record.removed;
            let item = Item::from_record(record);
            let id = item.id;
            self.insert(item);
            if is_removed {
                self.purge(id);
            } else {
                self.await_turn(id);
            }
        }
    }

    pub fn snapshot(&self, id: DownloadId) -> Option<Snapshot> {
        self.look_at(id, |item| self.picture(item))
    }

    /// In the order of their ids.
    pub fn snapshots(&self) -> Vec<Snapshot> {
        let shelved = self.shelf.ids().filter_map(|id| self.snapshot(id));
        let mut all: Vec<_> = shelved.chain(self.live_snapshots()).collect();
        all.sort_by_key(|snapshot| snapshot.id);
        all
    }

    /// Those that are not on the shelf.
    pub fn live_snapshots(&self) -> impl Iterator<Item = Snapshot> {
        self.items.values().filter(|item| item.removed.is_none()).map(|item| self.picture(item))
    }

    fn picture(&self, item: &Item) -> Snapshot {
        item.snapshot(self.received(item), self.parts.clock.now(), self.parts.clock.today())
    }

    fn received(&self, item: &Item) -> u64 {
        item.arrived(|transfer| self.parts.transport.vitals(transfer)?.next).bytes()
    }

    pub fn vitals(&self, transfer: TransferId) -> Option<Vitals> {
        self.parts.transport.vitals(transfer)
    }

    pub fn now(&self) -> Moment {
        self.parts.clock.now()
    }

    pub fn today(&self) -> SystemTime {
        self.parts.clock.today()
    }

    pub fn item_mut(&mut self, id: DownloadId) -> Option<&mut Item> {
        self.items.get_mut(&id)
    }

    pub fn most_connections(&self, host: &Host) -> Option<usize> {
        self.queue.most(host, self.parts.clock.now())
    }

    // Commands.

    pub fn command(&mut self, command: Command) {
        match command {
            Command::Add { id, spec, start } => self.add(id, *spec, start),
            Command::Pause(id) => self.wish(id, Input::Pause),
            Command::Resume(id) => {
                self.defy(id);
                self.wish(id, Input::Resume);
            }
            Command::StartNow(id) => self.start_now(id),
            Command::Move { ids, to } => self.reorder(&ids, to),
            Command::Hold(hold) => self.hold(hold),
            Command::Keep(id) => self.keep(id),
            Command::PauseAll => self.input_all(&Input::Pause, |state| !matches!(state, State::Paused)),
            Command::ResumeAll => self.input_all(&Input::Resume, |state| matches!(state, State::Paused)),
            Command::Renew { id, url } => self.renew(id, url),
            Command::LogIn { id, credentials } => self.log_in(id, credentials),
            Command::Relocate { id, folder } => self.relocate(id, folder),
            Command::Remove(id) => self.remove(id),
            Command::Restore(id) => self.restore(id),
            Command::Purge(id) => {
                if self.items.get(&id).is_some_and(|item| item.removed.is_some()) {
                    self.purge(id);
                }
            }
            Command::SetLimits(limits) => {
                self.queue.set_limits(limits);
                self.apply_rate();
            }
            Command::Remember(remembers) => self.remember(remembers),
            Command::SetRules(rules) => self.rules = rules,
            Command::Probe { id, spec } => self.probe(id, spec),
            Command::EndProbe(id) => self.end_probe(id),
            Command::SetRate { id, rate } => self.set_rate(id, rate),
        }
    }

    /// What was removed hears no wishes until it is restored.
    fn wish(&mut self, id: DownloadId, input: Input) {
        if self.items.get(&id).is_some_and(|item| item.removed.is_none()) {
            self.input(id, input);
        }
    }

    /// Sees to it that the rate is in force that counts at this hour. Called whenever transfers may
    /// begin, and a few times a second while there are any.
    fn apply_rate(&self) {
        self.parts.transport.set_rate(self.queue.limits().rate_at(self.parts.clock.today()));
    }

    fn set_rate(&mut self, id: DownloadId, rate: Option<Speed>) {
        self.note(id, |item| (item.spec.rate != rate).then_some(Happening::LimitChanged(rate)));
        let Some(item) = self.items.get_mut(&id) else { return };
        item.spec.rate = rate;
        if self.active.contains(&id) {
            self.parts.transport.set_download_rate(id, rate);
        }
        self.save_record(id);
    }

    fn input_all(&mut self, input: &Input, to: impl Fn(&State) -> bool) {
        let fitting = |item: &&Item| item.removed.is_none() && to(&item.life.state);
        let ids: Vec<_> = self.items.values().filter(fitting).map(|item| item.id).collect();
        for id in ids {
            self.input(id, input.clone());
        }
    }

    fn add(&mut self, id: DownloadId, spec: DownloadSpec, start: Start) {
        let refusal = address::check(&spec.url).err();
        let mut item = Item::new(id, spec, self.parts.clock.today());
        if refusal.is_none() {
            Self::place(&mut item, start);
        }
        if self.last_turn >= Some(item.turn()) {
            // Others were moved behind where it would stand.
            item.turn = self.last_turn.map(Turn::next);
            self.events.extend(item.turn.map(|turn| Event::Moved(vec![(id, turn)])));
        }
        self.insert(item);
        self.sort(id);
        if let Some(item) = self.items.get(&id) {
            let added = Event::Added(Box::new(self.picture(item)));
            self.events.push_back(added);
        }
        match refusal {
            Some(failure) => self.input(id, Input::Broke(failure)),
            None => {
                self.await_turn(id);
                self.save_record(id);
                if start == Start::AtOnce {
                    self.start_now(id);
                }
            }
        }
    }

    fn insert(&mut self, item: Item) {
        self.last_turn = self.last_turn.max(Some(item.turn()));
        self.by_url.entry(item.spec.url.clone()).or_default().push(item.id);
        if item.path.is_some() {
            self.resting.insert(item.id);
        }
        self.items.insert(item);
    }

    /// A download has this address no longer.
    fn leave_address(&mut self, id: DownloadId, url: &Url) {
        if let Some(same) = self.by_url.get_mut(url) {
            same.retain(|other| *other != id);
            if same.is_empty() {
                self.by_url.remove(url);
            }
        }
    }

    fn remove(&mut self, id: DownloadId) {
        self.take_down(id);
        let Some(item) = self.items.get_mut(&id).filter(|item| item.removed.is_none()) else { return };
        let is_scheduled = matches!(item.life.state, State::Scheduled { .. });
        let goes_on = !is_scheduled && !matches!(item.life.state, State::Paused | State::Completed | State::Failed(_));
        // One that starts at a time is to do so when it comes back.
        if !is_scheduled {
            self.input(id, Input::Pause);
        }
        if let Some(item) = self.items.get_mut(&id) {
            item.removed = Some(goes_on);
        }
        self.save_record(id);
        self.events.push_back(Event::Removed(id));
    }

    fn restore(&mut self, id: DownloadId) {
        // That it is to be purged is final, though its files are still looked for.
        let Some(item) = self.items.get_mut(&id).filter(|item| item.after_close != AfterClose::Purge) else { return };
        let Some(goes_on) = item.removed.take() else { return };
        if let Some(item) = self.items.get(&id) {
            let added = Event::Added(Box::new(self.picture(item)));
            self.events.push_back(added);
        }
        self.save_record(id);
        if goes_on {
            self.input(id, Input::Resume);
        } else {
            self.await_turn(id);
        }
    }

    /// Deletes what is on disk of an unfinished download, and all memory of it.
    fn purge(&mut self, id: DownloadId) {
        let Some(item) = self.items.get_mut(&id) else { return };
        if item.work.is_some() {
            item.after_close = AfterClose::Purge;
            if let Some(item) = self.items.get(&id) {
                self.give_up_carrying(item);
            }
            return;
        }
        if std::mem::take(&mut item.is_unread) {
            return self.read_to_purge(id);
        }
        self.queue.leave(id);
        self.resting.remove(&id);
        if let Some(item) = self.items.remove(&id) {
            self.leave_address(id, &item.spec.url);
            if let Some(store) = &self.parts.store {
                match item.life.state {
                    State::Completed => store.retire(item.record()),
                    _ => store.forget(id),
                }
            }
            if !matches!(item.life.state, State::Completed) {
                for part_path in item.path.into_iter().chain(item.replaces) {
                    self.parts.disk.delete(part_path);
                }
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
        if has_changed {
            let today = self.parts.clock.today();
            item.chronicle.note_state(today, &item.life.state, now);
            if matches!(item.life.state, State::Completed) {
                item.finished_at = Some(today);
            }
        }
        for effect in effects {
            self.run(id, effect);
        }
        if has_changed {
            // With the bytes on disk, not those just arriving: what a continued download begins with.
            let snapshot = self.items.get(&id).filter(|item| item.removed.is_none());
            let today = self.parts.clock.today();
            let snapshot = snapshot.map(|item| item.snapshot(item.map.done().bytes(), now, today));
            self.events.extend(snapshot.map(|snapshot| Event::Changed(Box::new(snapshot))));
            self.save_record(id);
        }
    }

    /// Tells how a download is now, and saves it.
    fn tell_changed(&mut self, id: DownloadId) {
        let now = self.snapshot(id);
        self.events.extend(now.map(|snapshot| Event::Changed(Box::new(snapshot))));
        self.save_record(id);
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
                    self.queue.join(id, item.sources.own_host(), item.turn());
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

    /// Grants slots while there are any.
    pub fn admit(&mut self) {
        if self.is_halted {
            return;
        }
        let now = self.parts.clock.now();
        self.hold_queued();
        self.connect_roomless();
        loop {
            while let Some(id) = self.queue.admit(now) {
                self.input(id, Input::Admit);
            }
            if !self.make_room() {
                break;
            }
        }
    }

    /// The program ends: everything stops where it is and is saved as it is.
    pub fn halt(&mut self) {
        self.is_halted = true;
        self.end_all_probes();
        let active: Vec<_> = self.active.iter().copied().collect();
        for id in active {
            // What is being moved into place gets there.
            let is_finishing = self.items.get(&id).is_some_and(|item| matches!(item.life.state, State::Verifying));
            if !is_finishing {
                self.stop(id);
            }
        }
        // Taken along when they go on.
        for item in self.by_part.values().filter_map(|id| self.items.get(id)) {
            self.give_up_carrying(item);
        }
    }

    /// Whether no part file is open any more.
    pub fn is_quiet(&self) -> bool {
        self.by_part.is_empty()
    }
}

#[cfg(test)]
mod tests;

// SPDX-License-Identifier: GPL-3.0-or-later
//! A world and its story: the engine over virtual parts, from the first download to the end at which
//! all must be well.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use freshet::engine::command::Spot;
use freshet::engine::{Command, DownloadId, Engine, Event, Limits, Parts, Snapshot, Speed, State};

use super::completed::Completed;
use super::device::{Device, QUICK};
use super::disk::{Devices, VirtualDisk};
use super::plan::{Deed, Plan, ROOM, Wanted, share_files};
use super::random::Random;
use super::rates;
use super::receipts::Receipts;
use super::remote::{Remote, Said};
use super::rules::{Rules, is_unlike};
use super::store::{SavedList, VirtualStore};
use super::timeline::{Happening, Timeline, VirtualClock};
use super::told::Told;
use super::transport::{OWNER, ScriptedTransport};

/// No story takes more steps.
const MOST_STEPS: u64 = 300_000;
/// How long everything may take once all is healthy.
const PATIENCE: Duration = Duration::from_secs(2 * 60 * 60);

/// A running program.
pub struct Process {
    pub engine: Engine,
    clock: Rc<VirtualClock>,
    disk: Rc<VirtualDisk>,
    pub transport: Rc<ScriptedTransport>,
    store: Rc<VirtualStore>,
    receipts: Rc<RefCell<Receipts>>,
    is_over: Rc<Cell<bool>>,
    is_stopping: bool,
}

pub struct World {
    pub timeline: Rc<Timeline>,
    pub remote: Rc<RefCell<Remote>>,
    pub devices: Devices,
    list: Rc<RefCell<SavedList>>,
    pub process: Option<Process>,
    pub wanted: Vec<Wanted>,
    /// What the engine calls each of them.
    pub ids: Vec<Option<DownloadId>>,
    /// The limits of single downloads.
    rates: Vec<Option<Speed>>,
    pub limits: Limits,
    pub told: Rc<RefCell<Told>>,
    pub rules: Rules,
    bound: usize,
    heal_at: Duration,
    random: Random,
    requests: u64,
    again: u32,
}

/// What a story came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub hash: u64,
    pub steps: u64,
    pub requests: u64,
    pub completed: u64,
    pub failed: u64,
}

/// Lives through the world of a seed; panics where a rule is broken.
pub fn live(seed: u64, is_told: bool) -> Outcome {
    let mut random = Random::new(seed);
    let plan = Plan::new(&mut random);
    let timeline = Timeline::new(random.fork(), is_told);
    let mut world = World::new(plan, timeline, random);
    world.start();
    let mut steps = 0;
    while let Some(happening) = world.timeline.next() {
        steps += 1;
        assert!(steps < MOST_STEPS, "it goes on for ever: {:?}", world.told.borrow().states());
        if world.happen(happening) {
            break;
        }
    }
    world.outcome(steps)
}

impl World {
    fn new(plan: Plan, timeline: Rc<Timeline>, random: Random) -> Self {
        for (at, deed) in &plan.deeds {
            timeline.at(*at, Happening::Deed(deed.clone()));
        }
        timeline.note([0; 3], || {
            format!("{:#?}", (&plan.remote.hosts, &plan.remote.files, &plan.remote.sites, &plan.downloads, &plan.deeds))
        });
        Self {
            timeline,
            rules: Rules::new(&plan.users_files),
            remote: Rc::new(RefCell::new(plan.remote)),
            devices: Rc::new(RefCell::new(plan.devices)),
            list: Rc::default(),
            process: None,
            ids: vec![None; plan.downloads.len()],
            rates: vec![None; plan.downloads.len()],
            wanted: plan.downloads,
            limits: plan.limits,
            told: Rc::default(),
            bound: plan.bound,
            heal_at: plan.heal_at,
            random,
            requests: 0,
            again: 0,
        }
    }

    fn outcome(&self, steps: u64) -> Outcome {
        let (completed, failed) = self.told.borrow().ends();
        Outcome { hash: self.timeline.hash(), steps, requests: self.requests, completed, failed }
    }

    /// The program starts, with the list as it is on disk.
    fn start(&mut self) {
        let list = self.list.borrow().load();
        self.ids.fill(None);
        for record in &list.records {
            let owner = record.spec.manners.headers.iter().find_map(|line| line.strip_prefix(OWNER));
            let owner: Option<usize> = owner.and_then(|owner| owner.parse().ok());
            let owner = owner.expect("each download has its own fields");
            self.ids[owner] = Some(record.id);
            self.rates[owner] = record.spec.rate;
        }
        let timeline = self.timeline.clone();
        timeline.note([1, list.records.len() as u64, 0], || {
            format!("the program starts with {} downloads", list.records.len())
        });
        let clock = VirtualClock::new(timeline.clone());
        let receipts: Rc<RefCell<Receipts>> = Rc::default();
        let disk =
            VirtualDisk::new(timeline.clone(), self.devices.clone(), self.remote.clone(), receipts.clone(), self.bound);
        let transport = ScriptedTransport::new(
            timeline.clone(),
            clock.clone(),
            disk.clone(),
            self.remote.clone(),
            receipts.clone(),
        );
        let store = VirtualStore::new(timeline.clone(), self.list.clone());
        let parts = Parts {
            transport: transport.clone(),
            disk: disk.clone(),
            clock: clock.clone(),
            store: Some(store.clone()),
        };
        let engine = Engine::with_parts(parts, self.limits.clone(), list);
        self.told.replace(Told::default());
        let told = self.told.clone();
        engine.listen(move |event: &Event| told.borrow_mut().hear(event, &timeline));
        self.rules.forget_process();
        self.process = Some(Process {
            engine,
            clock,
            disk,
            transport,
            store,
            receipts,
            is_over: Rc::default(),
            is_stopping: false,
        });
    }

    /// `true`: the story has come to its good end.
    fn happen(&mut self, happening: Happening) -> bool {
        let is_quiet = matches!(
            happening,
            Happening::Transfer { .. } | Happening::Writer { .. } | Happening::Syncer { .. } | Happening::Commit
        );
        match (happening, &self.process) {
            (Happening::Deed(Deed::Judge), _) => return self.judge(),
            (Happening::Deed(deed), _) => self.act(deed),
            (Happening::Start, _) => self.start(),
            (_, None) => {}
            (Happening::Alarm, Some(process)) => process.clock.ring(),
            (Happening::Transfer { id, step }, Some(process)) => process.transport.advance(id, step),
            (Happening::Writer { device }, Some(process)) => process.disk.work(device),
            (Happening::Syncer { device }, Some(process)) => process.disk.sync(device),
            (Happening::Replies, Some(process)) => process.engine.deliver(process.disk.take_replies()),
            (Happening::Commit, Some(process)) => process.store.commit(),
        }
        let Some(process) = &self.process else { return false };
        let is_heard = process.transport.announce();
        if !is_quiet || is_heard {
            self.check();
        }
        if self.process.as_ref().is_some_and(|process| process.is_over.get()) {
            self.end();
        }
        false
    }

    /// The program has said its goodbye: its threads do what they were given.
    fn end(&mut self) {
        if let Some(process) = self.process.take() {
            self.requests += process.transport.requests();
            process.disk.shut_down();
        }
        self.restart_later();
    }

    fn die(&mut self, cuts_power: bool) {
        let Some(process) = self.process.take() else { return };
        self.requests += process.transport.requests();
        let open = process.disk.open_parts();
        process.disk.die();
        let receipts = process.receipts.clone();
        drop(process);
        if cuts_power {
            for device in self.devices.borrow_mut().iter_mut() {
                self.timeline.draw(|random| device.cut_power(random));
            }
            self.rules.check_files(&self.devices, &self.remote.borrow(), &self.wanted);
        }
        for part in &open {
            receipts.borrow().check(part, &self.devices.borrow()[part.device], self.timeline.now());
        }
        self.restart_later();
    }

    fn restart_later(&mut self) {
        self.rules.has_died = true;
        self.timeline.forget_process();
        let wait = self.random.millis(0, 4000);
        self.timeline.after(wait, Happening::Start);
    }

    fn send(&self, command: Command) {
        if let Some(process) = &self.process {
            process.engine.send(command);
        }
    }

    fn send_to(&self, index: usize, command: impl FnOnce(DownloadId) -> Command) {
        if let Some(id) = self.ids[index] {
            self.send(command(id));
        }
    }

    fn act(&mut self, deed: Deed) {
        self.timeline.note([2, 0, 0], || format!("--- {deed:?}"));
        let is_running = self.process.as_ref().is_some_and(|process| !process.is_stopping);
        match deed {
            Deed::NewVersion(file) => {
                let file = &mut self.remote.borrow_mut().files[file];
                file.current = (file.current + 1).min(file.lengths.len() as u32 - 1);
            }
            Deed::Space(device, free) => self.disturb(device, |device| device.free = free),
            Deed::Errors(device, errors) => self.disturb(device, |device| device.errors = errors),
            Deed::Pace(device, pace) => self.disturb(device, |device| device.pace = pace),
            Deed::Heal => self.heal(),
            // The user waits until the program is there again.
            deed if !is_running => {
                if matches!(deed, Deed::Add(_) | Deed::Again) {
                    self.timeline.after(Duration::from_secs(5), Happening::Deed(deed));
                }
            }
            Deed::Add(index) => {
                if let Some(process) = &self.process {
                    self.rates[index] = self.wanted[index].spec.rate;
                    self.ids[index] = Some(process.engine.add(self.wanted[index].spec.clone()));
                }
            }
            Deed::Pause(index) => self.send_to(index, Command::Pause),
            Deed::Resume(index) => self.send_to(index, Command::Resume),
            Deed::StartNow(index) => {
                self.rules.hurried += 1;
                self.send_to(index, Command::StartNow);
            }
            Deed::Move(index, to) => {
                let to = to.and_then(|to| self.ids[to]).map_or(Spot::Bottom, Spot::Before);
                self.send_to(index, |id| Command::Move { ids: vec![id], to });
            }
            Deed::PauseAll => self.send(Command::PauseAll),
            Deed::ResumeAll => self.send(Command::ResumeAll),
            Deed::Remove(index) => self.send_to(index, Command::Remove),
            Deed::Restore(index) => self.send_to(index, Command::Restore),
            Deed::Purge(index) => self.send_to(index, Command::Purge),
            Deed::Keep(index) => {
                self.wanted[index].was_kept = true;
                self.send_to(index, Command::Keep);
            }
            Deed::Relocate(index, folder) => self.send_to(index, |id| Command::Relocate { id, folder }),
            Deed::Renew(index, site) => self.renew(index, site),
            Deed::Rate(index, rate) => {
                self.rates[index] = rate;
                self.send_to(index, |id| Command::SetRate { id, rate });
            }
            Deed::Limit(limits) => {
                self.limits = limits.clone();
                self.send(Command::SetLimits(limits));
            }
            Deed::Stop => {
                if let Some(process) = &mut self.process {
                    process.is_stopping = true;
                    let is_over = process.is_over.clone();
                    process.engine.stop(move || is_over.set(true));
                }
            }
            Deed::Kill => self.die(false),
            Deed::CutPower => self.die(true),
            Deed::Again => self.again(),
            Deed::Judge => {}
        }
    }

    fn disturb(&mut self, device: usize, change: impl FnOnce(&mut Device)) {
        self.rules.was_disturbed = true;
        let device = &mut self.devices.borrow_mut()[device];
        change(device);
        device.disturbed_at = self.timeline.now();
    }

    fn renew(&mut self, index: usize, at: usize) {
        let (url, file) = {
            let site = &self.remote.borrow().sites[at];
            (site.url.clone(), site.file)
        };
        let wanted = &mut self.wanted[index];
        self.remote.borrow_mut().files[file].has_pieces |= wanted.spec.pieces.is_some();
        wanted.files.insert(file);
        wanted.was_renewed = true;
        share_files(&mut self.wanted);
        self.send_to(index, |id| Command::Renew { id, url });
    }

    fn heal(&mut self) {
        let mut remote = self.remote.borrow_mut();
        remote.healthy_since.get_or_insert(self.timeline.now());
        for file in &mut remote.files {
            file.current = file.lengths.len() as u32 - 1;
        }
        drop(remote);
        for device in self.devices.borrow_mut().iter_mut() {
            (device.free, device.errors, device.pace) = (ROOM, 0, (20, QUICK));
            device.disturbed_at = self.timeline.now();
        }
        if let Some(process) = &self.process {
            process.transport.heal();
        }
    }

    /// What does not go on by itself is told to.
    fn again(&mut self) {
        self.again += 1;
        let stopped = self.told.borrow().stopped();
        for snapshot in stopped {
            self.help(&snapshot);
        }
        for id in self.ids.iter().flatten() {
            if !self.told.borrow().knows(*id) {
                self.send(Command::Purge(*id));
            }
        }
        self.timeline.after(Duration::from_secs(5), Happening::Deed(Deed::Judge));
    }

    /// Has one go on that is paused or failed, in the way that its failure calls for.
    fn help(&mut self, stopped: &Snapshot) {
        let Some(index) = self.ids.iter().position(|id| *id == Some(stopped.id)) else { return };
        let (file, own) = (self.wanted[index].file, self.wanted[index].spec.url.clone());
        let (is_astray, is_stale, own) = {
            let remote = self.remote.borrow();
            let site = &remote.sites[remote.site_of(&stopped.url)];
            (site.is_dead || site.file != file, site.beside == Said::StaleForGood, remote.site_of(&own))
        };
        match &stopped.state {
            _ if is_astray => self.renew(index, own),
            State::Failed(failure) if failure.kind.is_wrong_sum() && is_stale && self.again > 1 => {
                self.wanted[index].was_kept = true;
                self.send(Command::Keep(stopped.id));
            }
            // What is here is another file's by now: that can only be given up.
            State::Failed(failure) if is_unlike(&failure.kind) && self.again > 3 => {
                self.send(Command::Remove(stopped.id));
                self.send(Command::Purge(stopped.id));
            }
            _ => self.send(Command::Resume(stopped.id)),
        }
    }

    fn judge(&mut self) -> bool {
        let Some(process) = &self.process else { panic!("the program is not there at the end") };
        let is_late = self.timeline.now() > self.heal_at + PATIENCE;
        let verdict = self.rules.verdict(&self.told.borrow(), &self.wanted, &self.ids, &self.remote.borrow());
        let is_at_rest = process.transport.alive().is_empty();
        match verdict {
            Some(failed) if failed.is_empty() && is_at_rest => {
                self.requests += process.transport.requests();
                self.rules.check_end(self);
                return true;
            }
            // A wrong checksum is found out at the end of a download: the user may try again.
            Some(failed) if !failed.is_empty() => {
                assert!(self.again < 8, "failed for no good reason: {:?}", self.told.borrow().states());
                self.again();
                return false;
            }
            _ => {}
        }
        assert!(!is_late, "not all came to an end: {:?}", self.told.borrow().states());
        self.timeline.after(Duration::from_secs(5), Happening::Deed(Deed::Judge));
        false
    }

    fn check(&mut self) {
        let Some(process) = &self.process else { return };
        let snapshots = process.engine.snapshots();
        let alive = process.transport.alive();
        self.rules.check(&snapshots, &alive, &self.limits, &self.told.borrow(), &self.ids, &self.wanted);
        rates::check(&alive, process.transport.rate(), &self.limits, &self.rates);
        let completed = self.told.borrow_mut().take_completed();
        for (number, snapshot) in completed.iter().enumerate() {
            // Another one, which may overwrite, has taken its place before either was told of.
            if completed[number + 1..].iter().any(|later| later.path == snapshot.path) {
                continue;
            }
            let index = self.ids.iter().position(|id| *id == Some(snapshot.id)).expect("a download that was added");
            let completed = Completed { now: snapshot, wanted: &self.wanted[index], remote: &self.remote.borrow() };
            self.rules.completed(&completed, &self.devices, self.timeline.now());
        }
    }

    /// Every path on every device.
    pub fn paths(&self) -> BTreeMap<PathBuf, usize> {
        let devices = self.devices.borrow();
        let paths =
            devices.iter().enumerate().flat_map(|(at, device)| device.names.keys().map(move |path| (path.clone(), at)));
        paths.collect()
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! THE bridge between the engine and what is shown: it owns the engine, sends it commands, and
//! applies its events to the list and the totals. No one else speaks to the engine.

mod adding;

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::SystemTime;

use super::batch::{Batch, Part};
use super::chronicle::{self, Line};
use super::details::{self, Details};
use super::download_list::DownloadList;
use super::download_object::{self, DownloadObject};
use super::downloads::{Downloads, between_frames};
use super::listener::{Listener, Once};
use super::login::Logins;
use super::lost_folders::{self, LostFolder};
use super::rule_groups::{self, Category, RuleGroups};
use super::speed_trace::Traces;
use super::terms::{Start, Terms};
use super::totals::{Share, Totals};
use super::{Command, DownloadId, ProxyFinder, describe};
use crate::engine::Engine;
use crate::engine::download::state::State;
use crate::engine::engine::{Config, SMOOTH};
use crate::engine::error::Failure;
use crate::engine::event::{Event, Probed, Snapshot};
use crate::engine::import::exchange;
pub use crate::engine::import::exchange::Format;
use crate::engine::types::{ProbeId, Speed};
use crate::i18n::gettext;
use crate::settings::Settings;

/// A handle to the session; clones speak to the same one.
#[derive(Clone, Debug)]
pub struct Session(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    engine: Engine,
    settings: Settings,
    list: DownloadList,
    totals: Totals,
    batch: Batch,
    traces: RefCell<Traces>,
    /// Removed, and may come back until they are purged.
    removed: RefCell<HashSet<DownloadId>>,
    on_finished: Listener<Finished>,
    /// Why the list cannot be saved, as long as it cannot.
    unsaved: RefCell<Option<String>>,
    on_unsaved: Listener<Unsaved>,
    on_folder_lost: Listener<dyn Fn()>,
    rule_groups: Rc<RuleGroups>,
    on_categories: Listener<dyn Fn(&Session)>,
    probes: RefCell<HashMap<ProbeId, Once<Answered>>>,
    logins: Logins,
    is_stopping: Cell<bool>,
}

type Finished = dyn Fn(&DownloadObject);
type Unsaved = dyn Fn(Option<&str>);
type Answered = dyn FnOnce(Result<Probed, Failure>);

/// Where and under which name new downloads are kept; `None`: as the preferences and the server say. How
/// they are fetched, and when they start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub folder: Option<PathBuf>,
    pub name: Option<String>,
    pub terms: Terms,
    pub start: Start,
}

/// What one download adds to the totals and to the batch.
#[derive(Clone, Copy, Default)]
struct Counted(Share, Part);

impl Counted {
    fn of(download: &Snapshot, category: Option<Category>, seeks_login: bool) -> Self {
        Self(Share::of(download, category), Part::of(download, seeks_login))
    }
}

/// How the engine is started for a window.
fn config(list: Option<PathBuf>, settings: &Settings, proxies: Option<Rc<dyn ProxyFinder>>) -> Config {
    Config {
        limits: settings.limits(),
        list,
        folders: vec![settings.download_folder()],
        remembers: settings.keeps_history(),
        slice: SMOOTH,
        proxies,
    }
}

impl Session {
    /// Starts the engine with no list. The error is a sentence for the user.
    pub fn start(settings: Settings) -> Result<Self, String> {
        let engine = Engine::start(config(None, &settings, None));
        Ok(Self::with(engine.map_err(|reason| describe::start_failure(&reason))?, settings))
    }

    /// Starts the engine with the saved list, which is read while the main loop goes on. `proxies` says through
    /// which proxy a server is reached where the user has named none.
    pub async fn open(list: PathBuf, settings: Settings, proxies: Rc<dyn ProxyFinder>) -> Result<Self, String> {
        settings.make_default_folder();
        let engine = Engine::start_soon(config(Some(list), &settings, Some(proxies))).await;
        Ok(Self::with(engine.map_err(|reason| describe::start_failure(&reason))?, settings))
    }

    fn with(engine: Engine, settings: Settings) -> Self {
        let session = Self(Rc::new(Inner {
            engine,
            settings,
            list: DownloadList::default(),
            totals: Totals::default(),
            batch: Batch::default(),
            traces: RefCell::default(),
            removed: RefCell::default(),
            on_finished: Listener::default(),
            unsaved: RefCell::default(),
            on_unsaved: Listener::default(),
            on_folder_lost: Listener::default(),
            rule_groups: Rc::default(),
            on_categories: Listener::default(),
            probes: RefCell::default(),
            logins: Logins::default(),
            is_stopping: Cell::new(false),
        }));
        let weak = session.weak();
        session.0.engine.hear(move |event| {
            if let Some(session) = weak() {
                session.apply(event);
            }
        });
        session.follow_rules();
        session.fill();
        let engine = session.0.engine.clone();
        session.0.settings.connect_limits_changed(move |limits| engine.send(Command::SetLimits(limits)));
        session.follow_history();
        session.send(Command::SetRules(session.0.settings.rules()));
        let engine = session.0.engine.clone();
        session.0.settings.connect_rules_changed(move |rules| engine.send(Command::SetRules(rules)));
        session
    }

    /// Shows what was saved.
    fn fill(&self) {
        let Inner { engine, list, .. } = &*self.0;
        list.set_turns(&engine.moved());
        let live = engine.live_snapshots();
        live.iter().for_each(|download| self.count(Counted::default(), self.judged(download)));
        let (objects, shelved) = (live.into_iter().map(DownloadObject::new).collect(), engine.shelved());
        for id in &shelved {
            let share = engine
                .shelved_outline(*id, |download| Share::of_resting(download, self.0.rule_groups.judge(*id, download)));
            self.0.totals.replace(Share::default(), share.unwrap_or_default());
        }
        list.fill(objects, shelved, Downloads::new(engine, &self.0.rule_groups));
        // What `benches/start.py` reads.
        tracing::debug!("the saved list is loaded");
    }

    /// What one download adds that is new, or has changed.
    fn judged(&self, download: &Snapshot) -> Counted {
        let category = self.0.rule_groups.judge(download.id, &download.outline());
        Counted::of(download, category, self.0.logins.is_sought(download.id))
    }

    /// The same where neither its name nor its address are other ones.
    fn counted(&self, download: &Snapshot) -> Counted {
        Counted::of(download, self.0.rule_groups.of(download.id), self.0.logins.is_sought(download.id))
    }

    /// Counts a download anew after something that is no change of it.
    pub(super) fn recount(&self, id: DownloadId, change: impl FnOnce()) {
        let of_now = || self.0.list.looked_at(id).map(|object| object.read(|download| self.counted(download)));
        let old = of_now();
        change();
        if let Some((old, new)) = old.zip(of_now()) {
            self.count(old, new);
        }
    }

    /// Finds the session again where it may be gone.
    pub(super) fn weak(&self) -> impl Fn() -> Option<Self> + 'static {
        let weak = Rc::downgrade(&self.0);
        move || weak.upgrade().map(Self)
    }

    pub fn rule_groups(&self) -> &RuleGroups {
        &self.0.rule_groups
    }

    pub(super) fn on_categories(&self) -> &Listener<dyn Fn(&Self)> {
        &self.0.on_categories
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(super) fn logins(&self) -> &Logins {
        &self.0.logins
    }

    pub fn list(&self) -> &DownloadList {
        &self.0.list
    }

    pub fn totals(&self) -> &Totals {
        &self.0.totals
    }

    /// What there is to do.
    pub fn batch(&self) -> &Batch {
        &self.0.batch
    }

    /// What one download adds to all sums was `old` and is `new`.
    fn count(&self, old: Counted, new: Counted) {
        self.0.totals.replace(old.0, new.0);
        self.0.batch.replace(old.1, new.1);
    }

    /// Where downloads go when nothing else is said.
    pub fn folder(&self) -> PathBuf {
        self.0.settings.download_folder()
    }

    pub fn send(&self, command: Command) {
        self.0.engine.send(command);
    }

    /// The list as the content of a file, in the order of the queue. A long one is gone through in pieces, between
    /// frames. The error is a sentence for the user.
    pub async fn export(&self, format: Format) -> Result<String, String> {
        const PIECE: usize = 500;
        let ids = self.0.engine.in_order();
        let mut downloads = Vec::new();
        for piece in ids.chunks(PIECE) {
            let records = piece.iter().filter_map(|id| self.0.engine.record(*id));
            downloads.extend(records.map(|record| exchange::Download::of(&record)));
            between_frames().await;
        }
        exchange::write(downloads, format).map_err(|error| {
            tracing::warn!(%error, "The list cannot be written as a text");
            gettext("The list cannot be written in this form")
        })
    }

    /// Most bytes a second of a download, where it has a limit of its own.
    pub fn rate_limit(&self, id: DownloadId) -> Option<u64> {
        self.0.engine.record(id)?.spec.rate.map(|rate| rate.0)
    }

    pub fn set_rate_limit(&self, id: DownloadId, rate: Option<u64>) {
        self.send(Command::SetRate { id, rate: rate.map(Speed) });
    }

    /// What the window shows of one download beside its row, at this moment.
    pub fn details(&self, id: DownloadId) -> Option<Details> {
        let snapshot = self.0.engine.snapshot(id)?;
        let picture = self.0.engine.details(id)?;
        let all = self.0.settings.limits().rate_at(SystemTime::now());
        let limit =
            [picture.rate, all].into_iter().flatten().min().filter(|_| !download_object::is_finished(&snapshot));
        let speed = self.0.traces.borrow().plot(id, limit);
        let happened = self.0.engine.chronicle_count(id).unwrap_or_default();
        Some(Details { speed, happened, ..details::of(&snapshot, &picture, all) })
    }

    /// What happened to a download, the oldest first.
    pub fn chronicle(&self, id: DownloadId) -> Vec<Line> {
        let told = self.0.engine.snapshot(id).zip(self.0.engine.chronicle(id));
        told.map(|(download, entries)| chronicle::lines(&entries, &download, SystemTime::now())).unwrap_or_default()
    }

    /// The downloads as `curl` commands, one a line, and whether secrets were left out of them.
    pub fn curl_commands(&self, ids: &[DownloadId]) -> (String, bool) {
        let commands: Vec<_> = ids.iter().filter_map(|id| self.0.engine.curl_command(*id)).collect();
        let lacks_secrets = commands.iter().any(|command| command.lacks_secrets);
        (commands.into_iter().map(|command| command.text).collect::<Vec<_>>().join("\n"), lacks_secrets)
    }

    /// One sentence about a damaged list that was found at the start, and where it is now.
    pub fn damaged_list(&self) -> Option<(String, PathBuf)> {
        let aside = self.0.engine.set_aside()?;
        Some((describe::set_aside(&aside.path), aside.path.clone()))
    }

    /// Takes downloads off the list; `restore` brings them back until they are purged.
    pub fn remove(&self, ids: &[DownloadId]) {
        for id in ids {
            // As long as its row is not told to be gone it can be looked at.
            let _object = self.0.list.get(*id);
            self.0.removed.borrow_mut().insert(*id);
            self.send(Command::Remove(*id));
        }
    }

    /// Undoes `remove`.
    pub fn restore(&self, ids: &[DownloadId]) {
        // In the order of the list, whatever the order in which they went: rows that come back are told in stretches.
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        for id in ids {
            if self.0.removed.borrow_mut().remove(&id) {
                self.send(Command::Restore(id));
            }
        }
    }

    /// Makes `remove` final. What was restored meanwhile is left alone.
    pub fn purge(&self, ids: &[DownloadId]) {
        for id in ids {
            if self.0.removed.borrow_mut().remove(id) {
                self.send(Command::Purge(*id));
            }
        }
    }

    /// Calls back with each download that completes or fails from now on.
    pub fn connect_finished(&self, finished: impl Fn(&DownloadObject) + 'static) {
        self.0.on_finished.set(Rc::new(finished));
    }

    /// Calls back now and at every change with the sentence that says why the list cannot be saved, or
    /// with none when it can.
    pub fn connect_unsaved(&self, told: impl Fn(Option<&str>) + 'static) {
        told(self.0.unsaved.borrow().as_deref());
        self.0.on_unsaved.set(Rc::new(told));
    }

    /// Calls back when a download fails because its folder is out of reach.
    pub fn connect_folder_lost(&self, lost: impl Fn() + 'static) {
        self.0.on_folder_lost.set(Rc::new(lost));
    }

    /// Looks for folders that are out of reach.
    pub async fn lost_folders(&self) -> Vec<LostFolder> {
        let downloads: Vec<_> = self.0.engine.live_snapshots();
        lost_folders::look(downloads.into_iter(), self.folder()).await
    }

    /// Has another folder take the place of one that is out of reach. The error is a sentence for the user.
    pub fn repair(&self, lost: &LostFolder, folder: &Path) -> Result<(), String> {
        if lost.is_default {
            self.0.settings.set_chosen_folder(Some(folder)).map_err(|_| describe::unsayable_folder(folder))?;
        }
        lost.repair(folder).for_each(|command| self.send(command));
        Ok(())
    }

    /// Whether the session is about to end: what is added now would be lost.
    pub fn is_stopping(&self) -> bool {
        self.0.is_stopping.get()
    }

    /// Ends the session with everything kept, then calls back once. Removals can no longer be
    /// undone.
    pub fn stop(&self, done: impl FnOnce() + 'static) {
        if self.0.is_stopping.replace(true) {
            return;
        }
        let removed: Vec<_> = self.0.removed.borrow().iter().copied().collect();
        self.purge(&removed);
        self.0.engine.stop(done);
    }

    /// Brings the list and the totals up to date with what the engine told.
    pub fn apply(&self, event: &Event) {
        match event {
            Event::Added(new) | Event::Changed(new) => match self.0.list.get(new.id) {
                Some(object) => self.apply_snapshot(&object, new),
                None => {
                    self.count(Counted::default(), self.judged(new));
                    self.0.list.insert(DownloadObject::new((**new).clone()));
                }
            },
            Event::Progressed { id, progress } => {
                let Some(object) = self.0.list.get(*id) else { return };
                let old = object.read(|download| self.counted(download));
                // Before those hear of it who show the speeds.
                if object.read(is_downloading) {
                    self.0.traces.borrow_mut().runs(*id, progress.received, progress.speed);
                }
                object.apply_progress(*progress);
                self.count(old, object.read(|download| self.counted(download)));
                self.0.list.touch(true);
            }
            Event::Moved(turns) => self.0.list.set_turns(turns),
            Event::Removed(id) => {
                self.0.traces.borrow_mut().forget(*id);
                if let Some(object) = self.0.list.get(*id) {
                    self.count(object.read(|download| self.counted(download)), Counted::default());
                    self.0.rule_groups.forget(*id);
                    self.0.list.remove(*id);
                }
                // Up to here it counts as it did.
                self.0.logins.leave(*id);
            }
            Event::Probed { id, result } => {
                let told = self.0.probes.borrow_mut().remove(id);
                if let Some(Once(told)) = told {
                    told((**result).clone());
                }
            }
            Event::ListUnsaved(reason) => {
                let sentence = reason.as_ref().map(describe::unsaved);
                self.0.unsaved.replace(sentence.clone());
                if let Some(listener) = self.0.on_unsaved.get() {
                    listener(sentence.as_deref());
                }
            }
        }
    }

    fn apply_snapshot(&self, object: &DownloadObject, new: &Snapshot) {
        let (old, was_finished, is_judged_anew) = object
            .read(|old| (self.counted(old), download_object::is_finished(old), rule_groups::is_judged_anew(old, new)));
        let old_state = object.read(|old| Some(old.state.clone()));
        self.trace(new);
        object.apply(new);
        self.0.list.touch(false);
        // Before it is counted: what is just looked for is no failure.
        if let Some(old) = old_state {
            self.0.logins.follow(new.id, &old, &new.state);
        }
        self.count(old, if is_judged_anew { self.judged(new) } else { self.counted(new) });
        if lost_folders::is_told_by(new)
            && let Some(listener) = self.0.on_folder_lost.get()
        {
            listener();
        }
        if download_object::is_finished(new)
            && !was_finished
            && let Some(listener) = self.0.on_finished.get()
        {
            listener(object);
        }
    }

    fn trace(&self, new: &Snapshot) {
        let mut traces = self.0.traces.borrow_mut();
        if is_downloading(new) {
            traces.runs(new.id, new.progress.received, new.progress.speed);
        } else {
            traces.rests(new.id, new.progress.received);
        }
    }
}

fn is_downloading(download: &Snapshot) -> bool {
    download.state == State::Downloading
}

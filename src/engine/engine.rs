// SPDX-License-Identifier: GPL-3.0-or-later
//! The engine's public face, and its pulse: whatever happens (a command, an answer of network or
//! disk, an alarm) is taken to the book, and what the book tells is delivered to the listeners.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};
use std::time::Duration;

use url::Url;

use super::book::{Book, Parts, Shelf};
use super::chronicle::Entry;
use super::clock::{Clock, MainLoopClock, TurnClock};
use super::command::{Command, Limits, Start};
use super::details::Details;
use super::disk::{DiskThreads, Reply};
use super::download::spec::DownloadSpec;
use super::error::{Failure, FailureKind};
use super::event::{Event, Outline, Snapshot};
use super::import::as_curl::CurlCommand;
use super::item::Item;
use super::net::driver::Driver;
use super::net::proxied::{Proxied, ProxyFinder};
use super::net::{self, Transport};
use super::store::{Archive, Day, Health, Opened, Past, Record, SetAside, SqliteStore, Store, Traffic};
use super::turn::Turn;
use super::types::{DownloadId, Moment, ProbeId};

/// At the end of the program, how long open part files may take to be saved. A stalled device
/// must not keep the program from ending: its journals stay as they were.
const LONGEST_GOODBYE: Duration = Duration::from_secs(3);

/// How an engine is started.
#[derive(Clone, Debug)]
pub struct Config {
    pub limits: Limits,
    /// The saved list's file; `None`: nothing is saved (the command line).
    pub list: Option<PathBuf>,
    /// Where part files may lie that a damaged list no longer knows.
    pub folders: Vec<PathBuf>,
    /// Whether a history is kept, and how much came: see [`Store::remember`].
    pub remembers: bool,
    /// How long libcurl may work before the main loop gets its turn. [`SMOOTH`] where there is a
    /// window, [`BRISK`] where there is none.
    pub slice: Duration,
    /// Who says through which proxy a server is reached where the download does not; `None`: the environment.
    pub proxies: Option<Rc<dyn ProxyFinder>>,
}

/// Leaves most of each frame's 16 ms to the window.
pub const SMOOTH: Duration = Duration::from_millis(4);
/// Still prompt for signals and progress.
pub const BRISK: Duration = Duration::from_millis(50);

impl Default for Config {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            list: None,
            folders: Vec::new(),
            remembers: true,
            slice: SMOOTH,
            proxies: None,
        }
    }
}

/// A handle to the engine; clones speak to the same one. Lives on the thread of the default main
/// context.
#[derive(Clone)]
pub struct Engine {
    core: Rc<Core>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

type Listener = Rc<dyn Fn(&Event)>;

struct Core {
    book: RefCell<Book>,
    parts: Parts,
    commands: RefCell<VecDeque<Command>>,
    replies: RefCell<VecDeque<Reply>>,
    /// To be told, and of none of the downloads.
    news: RefCell<VecDeque<Event>>,
    listeners: RefCell<Vec<Listener>>,
    next_id: Cell<u64>,
    next_probe: Cell<u64>,
    /// The pulse is at work up the stack: what comes in now is seen to by it.
    is_pumping: Cell<bool>,
    goodbye: RefCell<Option<Goodbye>>,
    set_aside: Option<SetAside>,
    archive: RefCell<Option<Archive>>,
    watch: Cell<Option<Watch>>,
}

/// What awaits news of the list. It belongs to this thread, so it may not stay with the main context.
struct Watch(glib::JoinHandle<()>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The saved list as it was found.
#[derive(Debug)]
pub struct List {
    pub records: Vec<Record>,
    /// Free, and so is every id above it.
    pub next_id: DownloadId,
    pub set_aside: Option<SetAside>,
}

/// Opens the saved list, on any thread.
fn open_list(list: Option<&Path>, folders: &[PathBuf]) -> Result<Option<(Opened, Shelf)>, Failure> {
    let Some(path) = list else { return Ok(None) };
    let mut opened = SqliteStore::open(path, folders)?;
    let shelf = Shelf::fill(&mut opened.records);
    Ok(Some((opened, shelf)))
}

struct Goodbye {
    latest: Moment,
    done: Box<dyn FnOnce()>,
}

impl Engine {
    /// Starts the engine and loads the saved list; what was running is queued again.
    pub fn start(config: Config) -> Result<Engine, Failure> {
        let opened = open_list(config.list.as_deref(), &config.folders)?;
        Self::start_with(config, opened)
    }

    /// The same while the main loop goes on: a long list takes time to read, and a stalled disk more.
    pub async fn start_soon(config: Config) -> Result<Engine, Failure> {
        let (list, folders) = (config.list.clone(), config.folders.clone());
        let opened = gio::spawn_blocking(move || open_list(list.as_deref(), &folders)).await;
        let panicked = |_| Err(Failure::new(FailureKind::Internal(0), "reading the list"));
        Self::start_with(config, opened.unwrap_or_else(panicked)?)
    }

    fn start_with(config: Config, opened: Option<(Opened, Shelf)>) -> Result<Engine, Failure> {
        let (store, list, shelf) = match opened {
            Some((Opened { store, records, next_id, set_aside }, shelf)) => {
                store.remember(config.remembers);
                (Some(Rc::new(store)), List { records, next_id, set_aside }, shelf)
            }
            None => (None, List { records: Vec::new(), next_id: DownloadId(1), set_aside: None }, Shelf::default()),
        };
        let (health, archive) =
            (store.as_ref().map(|store| store.health()), store.as_ref().map(|store| store.archive()));
        let store = store.map(|store| store as Rc<dyn Store>);
        let clock: Rc<dyn Clock> = Rc::new(MainLoopClock::default());
        let core_of_disk: Rc<RefCell<Weak<Core>>> = Rc::default();
        let for_replies = core_of_disk.clone();
        let disk = DiskThreads::new(move |replies| {
            if let Some(core) = for_replies.borrow().upgrade() {
                Engine { core }.deliver(replies);
            }
        });
        let driver = Driver::new(clock.clone(), disk.clone(), config.slice)?;
        let clock: Rc<dyn Clock> = Rc::new(TurnClock::new(clock));
        let transport: Rc<dyn Transport> = match config.proxies {
            Some(finder) => Rc::new(Proxied::new(Rc::new(driver), finder, clock.clone())),
            None => Rc::new(driver),
        };
        let engine = Self::assemble(Parts { transport, disk, clock, store }, config.limits, list, shelf);
        core_of_disk.replace(Rc::downgrade(&engine.core));
        engine.core.archive.replace(archive);
        engine.core.watch.set(health.map(|health| engine.watch(health)));
        Ok(engine)
    }

    /// Tells when the list cannot be saved.
    fn watch(&self, mut health: Health) -> Watch {
        let core = Rc::downgrade(&self.core);
        Watch(glib::MainContext::default().spawn_local_with_priority(net::priority(), async move {
            while let Some(news) = health.changed().await {
                let Some(core) = core.upgrade() else { break };
                core.news.borrow_mut().push_back(Event::ListUnsaved(news));
                core.pump();
            }
        }))
    }

    /// An engine of these parts: real ones, or for tests virtual ones. Network and clock call it by
    /// themselves; what the disk answers is given to [`Engine::deliver`].
    pub fn with_parts(parts: Parts, limits: Limits, mut list: List) -> Engine {
        let shelf = Shelf::fill(&mut list.records);
        Self::assemble(parts, limits, list, shelf)
    }

    fn assemble(parts: Parts, limits: Limits, list: List, shelf: Shelf) -> Engine {
        let mut book = Book::new(parts.clone(), limits, shelf);
        book.load(list.records);
        let core = Rc::new(Core {
            next_id: Cell::new(list.next_id.0),
            next_probe: Cell::new(1),
            book: RefCell::new(book),
            commands: RefCell::default(),
            replies: RefCell::default(),
            news: RefCell::default(),
            listeners: RefCell::default(),
            is_pumping: Cell::new(false),
            goodbye: RefCell::default(),
            set_aside: list.set_aside,
            archive: RefCell::default(),
            watch: Cell::default(),
            parts,
        });
        let pump = |core: Weak<Core>| -> Box<dyn Fn()> {
            Box::new(move || {
                if let Some(core) = core.upgrade() {
                    core.pump();
                }
            })
        };
        core.parts.transport.on_events(pump(Rc::downgrade(&core)));
        core.parts.clock.on_alarm(pump(Rc::downgrade(&core)));
        // What the list holds starts from the loop, when listeners are there.
        core.parts.clock.set_alarm(Some(core.parts.clock.now()));
        Engine { core }
    }

    /// Takes in what the disk answered, in order.
    pub fn deliver(&self, replies: Vec<Reply>) {
        self.core.replies.borrow_mut().extend(replies);
        self.core.pump();
    }

    /// Everything told from now on goes to this listener too. What is in the list already is told
    /// first, as `Added`, before this returns.
    pub fn listen(&self, listener: impl Fn(&Event) + 'static) {
        for snapshot in self.snapshots() {
            listener(&Event::Added(Box::new(snapshot)));
        }
        self.hear(listener);
    }

    /// Everything told from now on goes to this listener too.
    pub fn hear(&self, listener: impl Fn(&Event) + 'static) {
        self.core.listeners.borrow_mut().push(Rc::new(listener));
    }

    /// Queues a download.
    pub fn add(&self, spec: DownloadSpec) -> DownloadId {
        self.add_at(spec, Start::Now)
    }

    /// Puts a download into the list that starts then.
    pub fn add_at(&self, spec: DownloadSpec, start: Start) -> DownloadId {
        let id = DownloadId(self.core.next_id.get());
        self.core.next_id.set(id.0 + 1);
        self.send(Command::Add { id, spec: Box::new(spec), start });
        id
    }

    /// The id of a question that is to be asked by `Command::Probe`.
    pub fn new_probe(&self) -> ProbeId {
        ProbeId(self.core.next_probe.replace(self.core.next_probe.get() + 1))
    }

    /// Obeyed before this returns, unless it is called by a listener: then right after the event.
    pub fn send(&self, command: Command) {
        self.core.commands.borrow_mut().push_back(command);
        self.core.pump();
    }

    pub fn snapshot(&self, id: DownloadId) -> Option<Snapshot> {
        self.core.book.borrow().snapshot(id)
    }

    pub fn snapshots(&self) -> Vec<Snapshot> {
        self.core.book.borrow().snapshots()
    }

    /// The downloads that were complete when the program started, in the order of their ids. There may be
    /// many; what they are [`Engine::snapshot`] tells of each.
    pub fn shelved(&self) -> Vec<DownloadId> {
        self.core.book.borrow().shelved()
    }

    /// Looks at one of them, which costs much less than a snapshot.
    pub fn shelved_outline<T>(&self, id: DownloadId, look: impl FnOnce(&Outline<'_>) -> T) -> Option<T> {
        self.core.book.borrow().outline(id, look)
    }

    /// Those that do not stand where they were added in the order of the queue.
    pub fn moved(&self) -> Vec<(DownloadId, Turn)> {
        self.core.book.borrow().moved()
    }

    /// All others, in the same order.
    pub fn live_snapshots(&self) -> Vec<Snapshot> {
        self.core.book.borrow().live_snapshots().collect()
    }

    /// All downloads of the list, in the order of the queue.
    pub fn in_order(&self) -> Vec<DownloadId> {
        self.core.book.borrow().in_order()
    }

    /// What is saved of a download.
    pub fn record(&self, id: DownloadId) -> Option<Record> {
        self.core.book.borrow().look_at(id, Item::record)
    }

    /// Which download of the list has each of these addresses, the latest where there are several.
    pub fn at_addresses<'a>(&self, urls: impl IntoIterator<Item = &'a Url>) -> HashMap<&'a Url, DownloadId> {
        self.core.book.borrow().at_addresses(urls)
    }

    /// More than [`Engine::snapshot`] tells, for the one download that is looked at closely.
    pub fn details(&self, id: DownloadId) -> Option<Details> {
        self.core.book.borrow().details(id)
    }

    /// What happened to a download, the oldest first.
    pub fn chronicle(&self, id: DownloadId) -> Option<Vec<Entry>> {
        self.core.book.borrow().chronicle(id)
    }

    /// Grows with each thing that happens to it.
    pub fn chronicle_count(&self, id: DownloadId) -> Option<u64> {
        self.core.book.borrow().chronicle_count(id)
    }

    /// The download as a `curl` command, without its secrets.
    pub fn curl_command(&self, id: DownloadId) -> Option<CurlCommand> {
        self.core.book.borrow().curl_command(id)
    }

    /// What was complete when it was taken off the list, the latest first. Nothing where no list is saved.
    pub async fn history(&self) -> Result<Vec<Past>, Failure> {
        match self.archive() {
            Some(archive) => archive.history().await,
            None => Ok(Vec::new()),
        }
    }

    /// How much came from this day on, up to this moment.
    pub async fn traffic(&self, since: Day) -> Result<Traffic, Failure> {
        self.core.book.borrow_mut().save_traffic();
        match self.archive() {
            Some(archive) => archive.traffic(since).await,
            None => Ok(Traffic::default()),
        }
    }

    /// Forgets how much came, up to this moment: what is not saved yet would be counted after it.
    pub async fn clear_traffic(&self) -> Result<(), Failure> {
        self.core.book.borrow_mut().save_traffic();
        match self.archive() {
            Some(archive) => archive.clear_traffic().await,
            None => Ok(()),
        }
    }

    /// For what is cleared; none where no list is saved.
    pub fn archive(&self) -> Option<Archive> {
        self.core.archive.borrow().clone()
    }

    /// The damaged list that was set aside at the start, if there was one.
    pub fn set_aside(&self) -> Option<&SetAside> {
        self.core.set_aside.as_ref()
    }

    /// Stops everything, keeps what came (part files, journals, list), then calls back once, from
    /// the main loop. What was running will run again at the next start.
    pub fn stop(&self, done: impl FnOnce() + 'static) {
        let latest = self.core.parts.clock.now() + LONGEST_GOODBYE;
        self.core.goodbye.replace(Some(Goodbye { latest, done: Box::new(done) }));
        self.core.book.borrow_mut().halt();
        self.core.pump();
    }
}

impl Core {
    /// Until nothing is left to do: takes in what has happened, delivers what is told.
    fn pump(&self) {
        if self.is_pumping.replace(true) {
            return;
        }
        self.parts.disk.hold();
        loop {
            let commands = self.commands.take();
            let replies = self.replies.take();
            let transfers = self.parts.transport.events();
            let is_idle = commands.is_empty() && replies.is_empty() && transfers.is_empty();
            let has_replies = !replies.is_empty();
            self.parts.clock.hold();
            let mut events = {
                let mut book = self.book.borrow_mut();
                for command in commands {
                    book.command(command);
                }
                for event in transfers {
                    book.transfer_event(event);
                }
                book.disk_replies(replies);
                book.tick();
                book.admit();
                book.take_events()
            };
            self.parts.clock.release();
            events.extend(self.news.take());
            if has_replies {
                self.parts.transport.room();
            }
            if is_idle && events.is_empty() {
                break;
            }
            for event in &events {
                let listeners = self.listeners.borrow().clone();
                for listener in listeners {
                    listener(event);
                }
            }
        }
        self.parts.disk.release();
        self.is_pumping.set(false);
        self.say_goodbye();
    }

    /// Sets the next alarm, or ends when everything is quiet.
    fn say_goodbye(&self) {
        let now = self.parts.clock.now();
        let (is_quiet, mut alarm) = {
            let book = self.book.borrow();
            (book.is_quiet(), book.next_alarm())
        };
        let is_over = self.goodbye.borrow().as_ref().is_some_and(|goodbye| is_quiet || goodbye.latest <= now);
        if is_over {
            self.parts.clock.set_alarm(None);
            self.parts.transport.stop();
            self.book.borrow_mut().save_traffic();
            if let Some(store) = &self.parts.store {
                store.close();
            }
            if let Some(goodbye) = self.goodbye.take() {
                (goodbye.done)();
            }
            return;
        }
        if let Some(goodbye) = &*self.goodbye.borrow() {
            alarm = Some(alarm.map_or(goodbye.latest, |at| at.min(goodbye.latest)));
        }
        self.parts.clock.set_alarm(alarm);
    }
}

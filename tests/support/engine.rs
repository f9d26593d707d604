// SPDX-License-Identifier: GPL-3.0-or-later
//! A real engine in a folder of its own, run on the main loop until something is so.

use std::cell::{Cell, RefCell};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use freshet::engine::download::spec::Patience;
use freshet::engine::download::state::WaitReason;
use freshet::engine::engine::Config;
use freshet::engine::event::{Event, Snapshot};
use freshet::engine::types::Moment;
use freshet::engine::{DownloadId, DownloadSpec, Engine, Failure, FailureKind, Limits, State};
use tempfile::TempDir;
use url::Url;

use super::mainloop::MainLoop;

/// Longer than anything in a test may take.
pub const LIMIT: Duration = Duration::from_secs(20);

/// An engine, the folder it downloads into, and what it told. Whoever has it runs the main loop.
pub struct Downloader {
    pub engine: Engine,
    pub events: Rc<RefCell<Vec<Event>>>,
    folder: TempDir,
}

impl Downloader {
    pub fn start(config: Config) -> Self {
        let events = Rc::new(RefCell::new(Vec::new()));
        let engine = listened_to(config, &events);
        let folder = tempfile::Builder::new().prefix("freshet-test-").tempdir().expect("a folder");
        Self { engine, events, folder }
    }

    /// Where downloads go.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// The names of all that is in the folder, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder()).expect("the folder");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("an entry").file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// What a download into the folder asks for, with short waits.
    pub fn spec(&self, url: Url) -> DownloadSpec {
        let mut spec = DownloadSpec::new(url, self.folder().to_owned());
        spec.patience = Patience {
            retries: 3,
            first_wait: Duration::from_millis(20),
            silence: Duration::from_secs(1),
            wait_for_space: false,
        };
        spec
    }

    /// What a download asks for that may have to wait for a server: its start and its keys take their time on a
    /// busy machine.
    pub fn patient(&self, url: Url) -> DownloadSpec {
        let mut spec = self.spec(url);
        spec.patience.silence = Duration::from_secs(5);
        spec
    }

    /// A download that is fetched by one transfer at a time.
    pub fn single(&self, url: Url) -> DownloadSpec {
        DownloadSpec { connections: 1, ..self.spec(url) }
    }

    pub fn add(&self, url: Url) -> DownloadId {
        self.engine.add(self.spec(url))
    }

    pub fn snapshot(&self, id: DownloadId) -> Snapshot {
        self.engine.snapshot(id).expect("it is in the list")
    }

    pub fn state(&self, id: DownloadId) -> State {
        self.snapshot(id).state
    }

    /// Why this download waited for a retry, each time.
    pub fn retries(&self, id: DownloadId) -> Vec<Failure> {
        let events = self.events.borrow();
        let mut waits: Vec<(Moment, Failure)> = Vec::new();
        for event in events.iter() {
            if let Event::Changed(now) = event
                && now.id == id
                && let State::Waiting { reason: WaitReason::Retry { failure, .. }, until } = &now.state
                // A row may change (its path is known) while it waits.
                && waits.last().is_none_or(|(last, _)| last != until)
            {
                waits.push((*until, failure.clone()));
            }
        }
        waits.into_iter().map(|(_, failure)| failure).collect()
    }

    /// Stops the engine as at the end of the program; the value becomes true when it has.
    pub fn begin_stop(&self) -> Rc<Cell<bool>> {
        let stopped = Rc::new(Cell::new(false));
        let done = stopped.clone();
        self.engine.stop(move || done.set(true));
        stopped
    }
}

/// A downloader that has the main loop to itself. Stops, and waits for that, when dropped.
pub struct Running {
    downloader: Downloader,
    pub main_loop: MainLoop,
}

impl Deref for Running {
    type Target = Downloader;

    fn deref(&self) -> &Downloader {
        &self.downloader
    }
}

impl Running {
    pub fn start() -> Self {
        Self::with(Config::default())
    }

    pub fn with_limits(limits: Limits) -> Self {
        Self::with(Config { limits, ..Config::default() })
    }

    pub fn with(config: Config) -> Self {
        let main_loop = MainLoop::take();
        Self { downloader: Downloader::start(config), main_loop }
    }

    /// Ends the engine and starts another one over the same folder, as the next session would.
    pub fn restart(&mut self, config: Config) {
        self.stop();
        self.downloader.engine = listened_to(config, &self.downloader.events);
    }

    /// Runs until this download is in a state like that.
    #[track_caller]
    pub fn until(&self, id: DownloadId, what: &str, is_so: impl Fn(&Snapshot) -> bool) {
        let is_so = || self.engine.snapshot(id).is_some_and(|snapshot| is_so(&snapshot));
        if !self.main_loop.runs_until(LIMIT, is_so) {
            panic!("waited {LIMIT:?} until {what}; it is {:?}", self.engine.snapshot(id));
        }
    }

    /// Runs until it has ended, and tells the finished file.
    #[track_caller]
    pub fn completed(&self, id: DownloadId) -> PathBuf {
        self.until(id, "it ends", |now| matches!(now.state, State::Completed | State::Failed(_)));
        let snapshot = self.snapshot(id);
        assert_eq!(snapshot.state, State::Completed);
        snapshot.path.expect("a completed download has a path")
    }

    /// Runs until it has failed, and tells why.
    #[track_caller]
    pub fn failed(&self, id: DownloadId) -> Failure {
        self.until(id, "it ends", |now| matches!(now.state, State::Completed | State::Failed(_)));
        match self.state(id) {
            State::Failed(failure) => failure,
            other => panic!("{other:?} in place of Failed; {:?}", self.names()),
        }
    }

    #[track_caller]
    pub fn fails_with(&self, id: DownloadId, kind: &FailureKind) {
        let failure = self.failed(id);
        assert_eq!(&failure.kind, kind, "{failure}");
    }

    /// Stops the engine as at the end of the program.
    pub fn stop(&self) {
        let stopped = self.begin_stop();
        self.main_loop.run_until(LIMIT, "the engine to stop", || stopped.get());
    }
}

fn listened_to(config: Config, events: &Rc<RefCell<Vec<Event>>>) -> Engine {
    let engine = Engine::start(config).expect("an engine");
    let told = events.clone();
    engine.listen(move |event| told.borrow_mut().push(event.clone()));
    engine
}

impl Drop for Running {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.stop();
        }
    }
}

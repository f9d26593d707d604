// SPDX-License-Identifier: GPL-3.0-or-later
//! Plays cases on one main loop, several at a time, since most of them wait for a clock: the first
//! test that comes plays all that this run of the tests wants, and each then finds its verdict. A case
//! has an engine, two servers and a folder of its own.

use std::cell::Cell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::Instant;

use freshet::engine::DownloadId;
use freshet::engine::engine::Config;
use freshet::engine::event::Snapshot;

use super::case::Case;
use crate::support::engine::{Downloader, LIMIT};
use crate::support::faulty::Faulty;
use crate::support::mainloop::MainLoop;

/// More would disturb each other where a second of silence counts.
const AT_ONCE: usize = 8;

/// A line of a table.
pub struct Entry {
    /// With its modules, as the test's.
    pub name: &'static str,
    /// What is said of the test, such as that it is ignored.
    pub attributes: &'static [&'static str],
    pub make: fn() -> Case,
}

impl Entry {
    fn is_ignored(&self) -> bool {
        self.attributes.iter().any(|attribute| attribute.starts_with("ignore"))
    }
}

/// A case that is being played.
pub struct Play {
    pub downloader: Downloader,
    pub server: Faulty,
    pub other: Faulty,
    /// The last of its downloads.
    pub id: DownloadId,
    /// What lay in the folder before.
    pub before: Vec<String>,
    /// How many downloads are still to come.
    to_come: usize,
    case: Case,
    name: &'static str,
    began: Instant,
    end: Option<End>,
}

/// How it was when it ended, and whether all that was on its way to the disk is there since.
struct End {
    snapshot: Snapshot,
    stopped: Rc<Cell<bool>>,
}

type Verdict = Result<(), String>;

/// Fails the test of this name unless the case's verdict is good.
#[track_caller]
pub fn judged(name: &str) {
    static PLAYED: OnceLock<HashMap<&str, Verdict>> = OnceLock::new();
    let played = PLAYED.get_or_init(|| play(super::all().filter(|entry| is_wanted(entry)).collect()));
    let verdict = played.get(name).cloned().unwrap_or_else(|| {
        let entry = super::all().filter(|entry| entry.name == name).collect();
        play(entry).remove(name).expect("a case is played when it is asked for")
    });
    if let Err(wrong) = verdict {
        panic!("{wrong}");
    }
}

/// Whether this run will probably come to the case; others are played when they are asked for.
fn is_wanted(entry: &Entry) -> bool {
    let (options, filters): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|argument| argument.starts_with('-'));
    let has_option = |name: &str| options.iter().any(|option| option == name);
    let is_chosen = has_option("--include-ignored") || entry.is_ignored() == has_option("--ignored");
    is_chosen && (filters.is_empty() || filters.iter().any(|filter| entry.name.contains(filter)))
}

/// Plays these cases, and tells of each whether it came out as it must.
fn play(entries: Vec<&'static Entry>) -> HashMap<&'static str, Verdict> {
    let main_loop = MainLoop::take();
    let longest = LIMIT * u32::try_from(entries.len() + 1).unwrap_or(u32::MAX);
    let mut to_play = entries.into_iter();
    let mut playing: Vec<Play> = Vec::new();
    let mut verdicts = HashMap::new();
    main_loop.run_until(longest, "all cases to be played", || {
        playing.retain_mut(|play| {
            let verdict = play.advance();
            let is_over = verdict.is_some();
            verdicts.extend(verdict.map(|verdict| (play.name, verdict)));
            !is_over
        });
        while playing.len() < AT_ONCE
            && let Some(entry) = to_play.next()
        {
            playing.push(Play::begin(entry));
        }
        playing.is_empty()
    });
    verdicts
}

impl Play {
    fn begin(entry: &'static Entry) -> Self {
        let mut case = (entry.make)();
        let (server, other) = (Faulty::start(), Faulty::start());
        let downloader = Downloader::start(Config::default());
        case.prepare(&server, &other, downloader.folder());
        let before = downloader.names();
        let id = downloader.engine.add(case.spec(&downloader, &server));
        Self {
            to_come: case.times - 1,
            name: entry.name,
            began: Instant::now(),
            end: None,
            downloader,
            server,
            other,
            id,
            before,
            case,
        }
    }

    /// Looks how far it is; a verdict when it is over.
    fn advance(&mut self) -> Option<Verdict> {
        let is_late = self.began.elapsed() > LIMIT;
        match &self.end {
            Some(end) if end.stopped.get() => {
                let judging = AssertUnwindSafe(|| self.case.judge(self, &end.snapshot));
                let verdict = catch_unwind(judging).unwrap_or_else(|_| Err("the judging panicked".to_owned()));
                Some(verdict.map_err(|wrong| format!("{wrong}\n{}", self.report(&end.snapshot))))
            }
            _ if is_late => {
                let snapshot = self.downloader.snapshot(self.id);
                Some(Err(format!("not over after {LIMIT:?}\n{}", self.report(&snapshot))))
            }
            Some(_) => None,
            None => {
                let snapshot = self.downloader.snapshot(self.id);
                if self.case.has_ended(&snapshot) {
                    self.follow(snapshot);
                }
                None
            }
        }
    }

    /// One download has ended: the next one, or all is saved and judged.
    fn follow(&mut self, snapshot: Snapshot) {
        if self.to_come > 0 {
            self.to_come -= 1;
            self.id = self.downloader.engine.add(self.case.spec(&self.downloader, &self.server));
        } else {
            self.end = Some(End { snapshot, stopped: self.downloader.begin_stop() });
        }
    }

    /// What happened, for whoever has to find out why.
    fn report(&self, snapshot: &Snapshot) -> String {
        let mut lines =
            vec![format!("  it is {:?}", snapshot.state), format!("  its folder has {:?}", self.downloader.names())];
        lines.extend(self.downloader.retries(self.id).iter().map(|failure| format!("  waited for {failure}")));
        for seen in self.server.seen().iter().chain(&self.other.seen()) {
            let request = &seen.request;
            lines.push(format!(
                "  request for {} {:?}: {}, {} bytes",
                request.target,
                request.range(),
                seen.status,
                seen.sent
            ));
        }
        lines.join("\n")
    }
}

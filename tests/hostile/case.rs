// SPDX-License-Identifier: GPL-3.0-or-later
//! The words in which a case is told: what the server does, what is asked for, what must come of it.

use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use freshet::engine::disk::Journal;
use freshet::engine::download::state::WaitReason;
use freshet::engine::event::Snapshot;
use freshet::engine::{DownloadSpec, Failure, FailureKind, State};

use super::stage::Play;
use crate::support::engine::Downloader;
use crate::support::faulty::{Answer, Faulty, Request, Resource};
use crate::support::files;

/// Tells two servers what to do.
type SetUp = Box<dyn FnOnce(&Faulty, &Faulty)>;

/// Something that must hold in the end.
type Check = Box<dyn Fn(&Play) -> Result<(), String>>;

/// Whether a failure may be of this kind.
type Kinds = Box<dyn Fn(&FailureKind) -> bool>;

/// What a finished file must hold.
pub enum Content {
    Of(Resource),
    Bytes(Vec<u8>),
}

impl Content {
    /// What is the matter with the file at `path`, if it does not hold just this.
    fn difference(&self, path: &Path) -> Option<String> {
        match self {
            Self::Of(resource) => files::compare(path, resource.seed, resource.len).err(),
            Self::Bytes(bytes) => match fs::read(path) {
                Ok(found) if found == *bytes => None,
                Ok(found) => Some(format!("{} bytes, and not the ones meant", found.len())),
                Err(error) => Some(error.to_string()),
            },
        }
    }
}

impl From<&Resource> for Content {
    fn from(resource: &Resource) -> Self {
        Self::Of(resource.clone())
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::Bytes(text.into())
    }
}

/// How a download must end.
enum Outcome {
    /// With one of these.
    Completes(Vec<Content>),
    /// With a kind that tells the cause, and a text that names it.
    Fails(Kinds, String),
    /// So long.
    Waits(Kinds, RangeInclusive<Duration>),
}

pub struct Case {
    /// How often it is downloaded, one after the other.
    pub times: usize,
    set_up: Option<SetUp>,
    path: String,
    silence: Duration,
    ask: Box<dyn Fn(&mut DownloadSpec)>,
    find: Box<dyn Fn(&Path)>,
    outcome: Outcome,
    /// What it may fail for in place of that.
    may_fail: Option<Kinds>,
    name: String,
    leaves: Vec<String>,
    may_leave: Vec<String>,
    requests: RangeInclusive<usize>,
    checks: Vec<Check>,
}

/// The file of most cases: `/f`, 200,000 bytes, with a strong ETag.
pub fn file() -> Resource {
    Resource::new(7, 200_000)
}

impl Case {
    /// A case whose server answers requests for `/f` by this script.
    pub fn serving(script: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::servers(|server, _| server.on("/f", script))
    }

    /// A case whose server answers the first request for `/f` like this, and further ones well.
    pub fn at_first(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::serving(move |request| if request.number == 0 { answer(request) } else { file().answer(request) })
    }

    /// A case whose two servers are set up like this. The download is asked for at the first.
    pub fn servers(set_up: impl FnOnce(&Faulty, &Faulty) + 'static) -> Self {
        Self {
            times: 1,
            set_up: Some(Box::new(set_up)),
            path: "/f".to_owned(),
            silence: Duration::from_secs(5),
            ask: Box::new(|_| {}),
            find: Box::new(|_| {}),
            outcome: Outcome::Completes(vec![(&file()).into()]),
            may_fail: None,
            name: "f".to_owned(),
            leaves: Vec::new(),
            may_leave: Vec::new(),
            requests: 1..=5,
            checks: Vec::new(),
        }
    }

    /// The path that is asked for.
    pub fn at(self, path: &str) -> Self {
        Self { path: path.to_owned(), ..self }
    }

    /// A second of silence is too long; without it five are, so that a busy machine is no fault.
    pub fn impatient(self) -> Self {
        Self { silence: Duration::from_secs(1), ..self }
    }

    /// Asks for it like this.
    pub fn asking(self, ask: impl Fn(&mut DownloadSpec) + 'static) -> Self {
        Self { ask: Box::new(ask), ..self }
    }

    /// ... and like this, besides.
    pub fn asking_also(self, more: impl Fn(&mut DownloadSpec) + 'static) -> Self {
        let ask = self.ask;
        let both = move |spec: &mut DownloadSpec| {
            ask(spec);
            more(spec);
        };
        Self { ask: Box::new(both), ..self }
    }

    /// With this in the folder before.
    pub fn finding(self, find: impl Fn(&Path) + 'static) -> Self {
        Self { find: Box::new(find), ..self }
    }

    /// Downloads it again when it has ended; the second one is judged.
    pub fn twice(self) -> Self {
        Self { times: 2, ..self }
    }

    /// It must complete with these bytes.
    pub fn completes(self, content: impl Into<Content>) -> Self {
        Self { outcome: Outcome::Completes(vec![content.into()]), ..self }
    }

    /// ... or with these.
    pub fn or_completes(mut self, content: impl Into<Content>) -> Self {
        if let Outcome::Completes(contents) = &mut self.outcome {
            contents.push(content.into());
        }
        self
    }

    /// ... or fail for this reason: some versions of libcurl take what others refuse.
    pub fn or_fails(self, kind: FailureKind) -> Self {
        Self { may_fail: Some(Box::new(move |found| *found == kind)), ..self }
    }

    /// ... under this name.
    pub fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// It must fail for this reason, with a message that has this text in it, or one of those between `|`: versions of
    /// libcurl have other words.
    pub fn fails(self, kind: FailureKind, text: &str) -> Self {
        self.fails_as(&[kind], text)
    }

    /// It must fail; which of these kinds is a matter of what libcurl sees first.
    pub fn fails_as(self, kinds: &[FailureKind], text: &str) -> Self {
        let kinds = kinds.to_vec();
        self.fails_if(move |kind| kinds.contains(kind), text)
    }

    pub fn fails_if(self, is_meant: impl Fn(&FailureKind) -> bool + 'static, text: &str) -> Self {
        Self { outcome: Outcome::Fails(Box::new(is_meant), text.to_owned()), ..self }
    }

    /// It must wait for this reason, so long.
    pub fn waits(self, kind: FailureKind, time: RangeInclusive<u64>) -> Self {
        let (least, most) = (Duration::from_secs(*time.start()), Duration::from_secs(*time.end()));
        Self { outcome: Outcome::Waits(Box::new(move |found| *found == kind), least..=most), ..self }
    }

    /// This lies in the folder afterwards, besides what lay there before and the finished file.
    /// Without it: nothing.
    pub fn leaving(mut self, names: &[&str]) -> Self {
        self.leaves.extend(names.iter().map(|name| (*name).to_owned()));
        self
    }

    /// This may lie there too.
    pub fn maybe_leaving(mut self, names: &[&str]) -> Self {
        self.may_leave.extend(names.iter().map(|name| (*name).to_owned()));
        self
    }

    /// The part file of this name is kept with at least so many bytes of the file, and its journal
    /// tells of them.
    pub fn keeping(self, resource: &Resource, part: &str, at_least: u64) -> Self {
        let (resource, name) = (resource.clone(), part.to_owned());
        self.leaving(&[part, &format!("{part}.journal")]).judging(move |play| {
            let path = play.downloader.file(&name);
            let journal = Journal::read(&path).map_err(|error| format!("the journal of {name}: {error}"))?;
            let file = fs::read(&path).map_err(|error| format!("{name}: {error}"))?;
            let kept: u64 = journal.done.iter().map(|range| range.len()).sum();
            for range in &journal.done {
                if file.get(range.start as usize..range.end as usize)
                    != Some(&*files::bytes(resource.seed, range.start..range.end))
                {
                    return Err(format!("{name} has other bytes than the file's in {range}"));
                }
            }
            ensure(kept >= at_least, || format!("{name} keeps {kept} bytes, not {at_least}"))
        })
    }

    /// So many requests in all, to both servers.
    pub fn requests(self, requests: RangeInclusive<usize>) -> Self {
        Self { requests, ..self }
    }

    /// And this must hold.
    pub fn judging(mut self, check: impl Fn(&Play) -> Result<(), String> + 'static) -> Self {
        self.checks.push(Box::new(check));
        self
    }

    pub(super) fn prepare(&mut self, server: &Faulty, other: &Faulty, folder: &Path) {
        if let Some(set_up) = self.set_up.take() {
            set_up(server, other);
        }
        (self.find)(folder);
    }

    pub(super) fn spec(&self, downloader: &Downloader, server: &Faulty) -> DownloadSpec {
        let mut spec = downloader.spec(server.url(&self.path));
        spec.connections = 1;
        spec.patience.silence = self.silence;
        (self.ask)(&mut spec);
        spec
    }

    pub(super) fn has_ended(&self, now: &Snapshot) -> bool {
        match now.state {
            State::Completed | State::Failed(_) => true,
            State::Waiting { .. } => {
                matches!(self.outcome, Outcome::Waits(..)) && now.retry_in > Some(Duration::from_secs(3))
            }
            _ => false,
        }
    }

    pub(super) fn judge(&self, play: &Play, now: &Snapshot) -> Result<(), String> {
        let mut wanted_names: Vec<_> = play.before.iter().chain(&self.leaves).cloned().collect();
        match (&self.outcome, &now.state) {
            (Outcome::Completes(contents), State::Completed) => {
                let path = play.downloader.file(&self.name);
                ensure(now.path.as_ref() == Some(&path), || format!("{:?} in place of {path:?}", now.path))?;
                // Wrong only if it is none of them.
                let differences: Option<Vec<_>> = contents.iter().map(|content| content.difference(&path)).collect();
                differences.map_or(Ok(()), |differences| Err(differences.join("; ")))?;
                if !wanted_names.contains(&self.name) {
                    wanted_names.push(self.name.clone());
                }
            }
            (Outcome::Fails(kinds, text), State::Failed(failure)) => says(failure, kinds, text)?,
            (Outcome::Waits(kind, time), State::Waiting { reason: WaitReason::Retry { failure, .. }, .. }) => {
                says(failure, kind, "")?;
                let wait = now.retry_in.unwrap_or_default();
                ensure(time.contains(&wait), || format!("it waits {wait:?}, not {time:?}"))?;
            }
            (_, State::Failed(failure)) if self.may_fail.as_ref().is_some_and(|is_meant| is_meant(&failure.kind)) => {}
            (_, state) => return Err(format!("ended as {state:?}")),
        }
        wanted_names.sort();
        let mut names = play.downloader.names();
        names.retain(|name| !self.may_leave.contains(name));
        ensure(names == wanted_names, || format!("the folder has {names:?}, not {wanted_names:?}"))?;
        let requests = play.server.seen().len() + play.other.seen().len();
        ensure(self.requests.contains(&requests), || format!("{requests} requests, not {:?}", self.requests))?;
        self.checks.iter().try_for_each(|check| check(play))
    }
}

pub fn ensure(holds: bool, wrong: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(wrong()) }
}

fn says(failure: &Failure, is_meant: &Kinds, text: &str) -> Result<(), String> {
    ensure(is_meant(&failure.kind), || format!("{failure} is not the failure meant"))?;
    ensure(text.split('|').any(|text| failure.detail.contains(text)), || {
        format!("“{}” does not tell of “{text}”", failure.detail)
    })
}

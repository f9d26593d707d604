// SPDX-License-Identifier: GPL-3.0-or-later
//! `freshet get` from its arguments to its exit status.

use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::{self, ExitCode};
use std::rc::Rc;

use clap::Parser;
use glib::{ControlFlow, MainContext};

use super::bars::Bars;
use super::jobs::{self, Jobs};
use super::json::Json;
use super::lines::{Detail, Lines};
use super::news::{Reporter, Tracker};
use super::options::Options;
use super::status::Status;
use super::words;
use crate::engine::download::spec::OnExists;
use crate::engine::engine::{BRISK, Config};
use crate::engine::{Command, Engine, Event, State, net};
use crate::log;

/// The engine is given so many downloads for each that may run at a time...
const AHEAD: usize = 8;
/// ...and so many while fewer run than may: enough that one which waits (for its host, for another try) keeps no
/// other from beginning.
const FAR_AHEAD: usize = 64;

/// Runs `freshet get` with the arguments that follow those two words. Takes the default main
/// context of this thread until all downloads have ended.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = std::iter::once("freshet get".into()).chain(args);
    let status = match Options::try_parse_from(args) {
        Ok(options) => prepare(&options).and_then(|jobs| download(&options, jobs)).unwrap_or_else(|status| status),
        Err(error) => {
            let _ = error.print();
            // Help and version were asked for.
            if error.use_stderr() { Status::Usage } else { Status::Complete }
        }
    };
    status.into()
}

/// Everything that can be found wrong before a server is asked.
fn prepare(options: &Options) -> Result<Jobs<'_>, Status> {
    let jobs = jobs::read_all(options).map_err(|problems| {
        for problem in problems {
            say(&problem);
        }
        Status::Usage
    })?;
    if !options.quiet {
        jobs.notes().iter().for_each(|note| say(&words::printable(note)));
    }
    jobs.make_folders().map_err(|problem| {
        say(&problem);
        Status::File
    })?;
    Ok(jobs)
}

fn download(options: &Options, mut jobs: Jobs<'_>) -> Result<Status, Status> {
    if options.verbose {
        log::start("freshet=debug");
    }
    net::keep_freed_memory();
    let limits = jobs.limits();
    let parallel = limits.parallel.max(1);
    let config = Config { limits, slice: BRISK, ..Config::default() };
    let engine = Engine::start(config).map_err(|failure| {
        say(&format!("{} ({})", words::sentence(&failure.kind, true), failure.detail));
        Status::from(failure.kind.class())
    })?;
    let session = Rc::new(Session::new(options, jobs.len()));

    for signal in [libc::SIGINT, libc::SIGTERM] {
        let session = session.clone();
        glib_unix::unix_signal_add_local(signal, move || {
            session.interrupt();
            ControlFlow::Continue
        });
    }
    engine.listen({
        let session = session.clone();
        let engine = engine.clone();
        move |event| {
            session.on_event(event);
            forget(&engine, event);
        }
    });

    let context = MainContext::default();
    while session.end().is_none() {
        // Of a long list the engine is given what it can soon begin.
        while session.wants_more(parallel)
            && let Some(spec) = jobs.next()
        {
            match spec {
                Ok(spec) => {
                    let (skips, resumes) = (spec.on_exists == OnExists::Skip, spec.resume);
                    let id = engine.add(spec);
                    // Soon enough: that a file is there is found by the disk's threads, and told on the main loop.
                    if skips {
                        session.tracker.borrow_mut().skip(id);
                    }
                    if !resumes {
                        session.tracker.borrow_mut().start_anew(id);
                    }
                }
                Err(problem) => {
                    say(&problem);
                    session.ended.set(Some(Status::Usage));
                    break;
                }
            }
        }
        context.iteration(true);
    }
    let status = session.end().unwrap_or(Status::Complete);
    session.reporter.replace(None);
    let continues = session.tracker.borrow().continues();

    let stopped = Rc::new(Cell::new(false));
    engine.stop({
        let stopped = stopped.clone();
        move || stopped.set(true)
    });
    while !stopped.get() {
        context.iteration(true);
    }
    if status != Status::Interrupted {
        return Ok(status);
    }
    // What was being moved into place got there.
    if jobs.len() == 0 && engine.snapshots().iter().all(|download| download.state == State::Completed) {
        return Ok(Status::Complete);
    }
    if !options.json && !options.quiet {
        say(if continues { "interrupted; the same command continues where it stopped" } else { "interrupted" });
    }
    Ok(status)
}

/// What is complete needs no memory any more; of what failed the part file is kept, and known.
fn forget(engine: &Engine, event: &Event) {
    if let Event::Changed(snapshot) = event
        && matches!(snapshot.state, State::Completed)
    {
        engine.send(Command::Remove(snapshot.id));
        engine.send(Command::Purge(snapshot.id));
    }
}

/// What the engine's listener and the signals share.
struct Session {
    tracker: RefCell<Tracker>,
    /// `None` once all is over: what the engine tells while it stops is not for the user.
    reporter: RefCell<Option<Box<dyn Reporter>>>,
    /// Ended from outside, whatever the downloads do.
    ended: Cell<Option<Status>>,
}

impl Session {
    fn new(options: &Options, expected: usize) -> Self {
        Self {
            tracker: RefCell::new(Tracker::new(expected)),
            reporter: RefCell::new(Some(reporter(options, expected))),
            ended: Cell::new(None),
        }
    }

    /// The exit status, once there is nothing left to wait for.
    fn end(&self) -> Option<Status> {
        let tracker = self.tracker.borrow();
        self.ended.get().or_else(|| tracker.is_over().then(|| tracker.status()))
    }

    /// Whether the engine is to be given one more download, where so many may run at a time.
    fn wants_more(&self, parallel: usize) -> bool {
        let tracker = self.tracker.borrow();
        let ahead = if tracker.running() < parallel { FAR_AHEAD } else { AHEAD };
        tracker.open() < ahead * parallel
    }

    fn on_event(&self, event: &Event) {
        let mut tracker = self.tracker.borrow_mut();
        let mut reporter = self.reporter.borrow_mut();
        let (Some(news), Some(reporter)) = (tracker.take(event), reporter.as_mut()) else { return };
        if let Err(error) = reporter.tell(&news)
            && self.ended.get().is_none()
        {
            // A reader that has read enough is no fault; the same command continues.
            let is_gone = error.kind() == ErrorKind::BrokenPipe;
            if !is_gone {
                say(&format!("standard output cannot be written to: {error}"));
            }
            self.ended.set(Some(if is_gone { Status::Interrupted } else { Status::File }));
        }
    }

    /// The first time it stops in good order; who asks again does not want to wait for that.
    fn interrupt(&self) {
        if self.end().is_some() {
            process::exit(Status::Interrupted.code().into());
        }
        self.ended.set(Some(Status::Interrupted));
    }
}

fn reporter(options: &Options, expected: usize) -> Box<dyn Reporter> {
    let lines = |detail| Box::new(Lines::new(io::stderr(), detail));
    if options.json {
        Box::new(Json::new(io::stdout()))
    } else if options.quiet {
        lines(Detail::Quiet)
    } else if options.verbose {
        lines(Detail::Verbose)
    } else if io::stderr().is_terminal() {
        Box::new(Bars::new(expected))
    } else {
        lines(Detail::Normal)
    }
}

/// To standard error, which may be closed.
fn say(message: &str) {
    let _ = writeln!(io::stderr(), "freshet: {message}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::news::News;
    use crate::cli::news::tests::{failed, snapshot, waiting};
    use crate::engine::FailureKind;

    /// A reporter that fails with this error.
    struct Broken(ErrorKind);

    impl Reporter for Broken {
        fn tell(&mut self, _: &News<'_>) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    fn session(reporter: impl Reporter + 'static) -> Session {
        Session {
            tracker: RefCell::new(Tracker::new(1)),
            reporter: RefCell::new(Some(Box::new(reporter))),
            ended: Cell::new(None),
        }
    }

    fn quiet() -> Session {
        session(Lines::new(io::sink(), Detail::Quiet))
    }

    fn run_with(args: &[&str]) -> ExitCode {
        run(args.iter().map(OsString::from))
    }

    #[test]
    fn it_ends_with_the_last_download_and_its_status() {
        let session = quiet();
        session.on_event(&Event::Added(Box::new(snapshot(1, State::Queued))));
        assert_eq!(session.end(), None);
        session.on_event(&Event::Changed(Box::new(snapshot(1, failed(FailureKind::ReadOnly)))));
        assert_eq!(session.end(), Some(Status::File));
    }

    #[test]
    fn it_looks_far_ahead_only_while_those_at_hand_can_not_run() {
        let session = quiet();
        let given = |parallel| {
            let mut number = 1 + session.tracker.borrow().open() as u64;
            while session.wants_more(parallel) {
                session.on_event(&Event::Added(Box::new(snapshot(number, State::Queued))));
                if number <= 2 {
                    session.on_event(&Event::Changed(Box::new(snapshot(number, State::Connecting))));
                }
                number += 1;
            }
            session.tracker.borrow().open()
        };
        assert_eq!(given(2), AHEAD * 2);
        session.on_event(&Event::Changed(Box::new(snapshot(1, waiting()))));
        assert_eq!(given(2), FAR_AHEAD * 2);
    }

    #[test]
    fn an_interruption_goes_before_all_else() {
        let session = quiet();
        session.on_event(&Event::Added(Box::new(snapshot(1, State::Queued))));
        session.interrupt();
        session.on_event(&Event::Changed(Box::new(snapshot(1, failed(FailureKind::ReadOnly)))));
        assert_eq!(session.end(), Some(Status::Interrupted));
    }

    #[test]
    fn a_closed_standard_output_ends_it_quietly_and_a_full_one_does_not() {
        for (kind, status) in [(ErrorKind::BrokenPipe, Status::Interrupted), (ErrorKind::StorageFull, Status::File)] {
            let session = session(Broken(kind));
            session.on_event(&Event::Added(Box::new(snapshot(1, State::Queued))));
            assert_eq!(session.end(), Some(status));
        }
    }

    #[test]
    fn usage_errors_are_1_and_help_is_0() {
        let code = |status: Status| ExitCode::from(status);
        assert_eq!(run_with(&[]), code(Status::Usage));
        assert_eq!(run_with(&["--nonsense"]), code(Status::Usage));
        assert_eq!(run_with(&["-i", "/no/such/list"]), code(Status::Usage));
        assert_eq!(run_with(&["--help"]), code(Status::Complete));
        assert_eq!(run_with(&["--version"]), code(Status::Complete));
    }
}

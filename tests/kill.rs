// SPDX-License-Identifier: GPL-3.0-or-later
//! `freshet get` is ended at random moments, again and again, and its command given anew until the file
//! is there: by SIGKILL as often as by a power cut, by SIGTERM and SIGINT as at a shutdown. What it
//! asks of the server afterwards shows what it had kept.
//!
//! `FRESHET_KILL_SEED` in the environment makes the same world again that a failure tells of;
//! `FRESHET_KILL_ROUNDS` how often all is ended.

mod support;

use std::fs;
use std::io::{ErrorKind, Read};
use std::ops::Range;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use freshet::engine::disk::Journal;
use freshet::engine::disk::journal::JournalError;
use support::files;
use support::paced::{Paced, PacedServer};
use support::process::signal;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
/// Programs that run at a time.
const WORKERS: u64 = 4;
const ROUNDS: u32 = 100;
/// Each file is complete at the latest in the run after so many ends.
const MOST_ENDS: u32 = 6;
/// Nothing here takes so long.
const LIMIT: Duration = Duration::from_secs(60);
/// What may have to be fetched again after an end, besides what was on the way between two programs.
const LOST: Duration = Duration::from_secs(2);
const ON_THE_WAY: u64 = MIB / 2;

/// splitmix64, so that a seed tells all.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn within(&mut self, range: Range<u64>) -> u64 {
        range.start + self.roll() % (range.end - range.start)
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.within(0..all.len() as u64) as usize]
    }
}

/// Lives no longer than it is looked at, also where it does not end.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One file and the program that fetches it.
struct Job<'a> {
    server: &'a PacedServer,
    path: String,
    url: String,
    paced: Paced,
    connections: u8,
    folder: tempfile::TempDir,
    /// Runs so far, each with what ended it: told with a failure.
    story: Vec<String>,
    /// How many were ended before their first journal.
    orphans: usize,
}

impl<'a> Job<'a> {
    fn new(server: &'a PacedServer, seed: u64, dice: &mut Dice) -> Self {
        let len = dice.one_of(&[64 * KIB, 700 * KIB, 2 * MIB, 5 * MIB, 16 * MIB]) + dice.within(0..1000);
        // From half a second to four for the whole file.
        let rate = len * 1000 / dice.within(500..4000);
        let paced = Paced { seed, len, rate };
        let path = format!("/{seed:x}.bin");
        let url = server.serve(&path, paced);
        let connections = dice.one_of(&[1, 4, 16]);
        let folder = tempfile::Builder::new().prefix("freshet-kill-").tempdir().unwrap();
        let story = vec![format!("{len} bytes, {rate} a second, -x {connections}")];
        Self { server, path, url, paced, connections, folder, story, orphans: 0 }
    }

    fn start(&self) -> Program {
        let mut command = Command::new(env!("CARGO_BIN_EXE_freshet"));
        command.args(["get", "--json", "-x", &self.connections.to_string(), "-d"]).arg(self.folder.path());
        command.arg(&self.url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        Program(command.spawn().unwrap())
    }

    fn names(&self) -> Vec<String> {
        names(self.folder.path())
    }

    /// The part file that has a journal, and what that says. A program that was killed before its first
    /// journal leaves a part file that nobody can know for his own: it stays where it is, and the next
    /// one takes another name. Two with journals would be one too many.
    fn journal(&self) -> Result<Option<(PathBuf, Journal)>, String> {
        let mut found = None;
        for name in self.names().into_iter().filter(|name| name.ends_with(".part")) {
            let part = self.folder.path().join(name);
            match Journal::read(&part) {
                Ok(journal) if found.is_none() => found = Some((part, journal)),
                Ok(_) => return Err("two journals in the folder".to_owned()),
                Err(JournalError::Io(error)) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(format!("the journal of {}: {error}", part.display())),
            }
        }
        Ok(found)
    }

    /// What is claimed to be here; checked against the bytes that are.
    fn claimed(&self) -> Result<Vec<Range<u64>>, String> {
        let Some((part, journal)) = self.journal()? else { return Ok(Vec::new()) };
        let done: Vec<_> = journal.done.iter().map(|range| range.start..range.end).collect();
        let held = fs::read(part).map_err(|error| error.to_string())?;
        for range in &done {
            let here = held.get(range.start as usize..range.end as usize);
            if here != Some(&files::bytes(self.paced.seed, range.clone())) {
                return Err(format!("{range:?} is claimed, and not what is here"));
            }
        }
        Ok(done)
    }

    /// Runs the program until `end` ends it after this time, or until it ends by itself; whether the
    /// file is complete. What it asks for and what it keeps is held against what was claimed before.
    fn run(&mut self, end: Option<(&str, Duration)>) -> Result<bool, String> {
        let claimed = self.claimed()?;
        let before = self.server.record(&self.path);
        let mut program = self.start();
        let child = &mut program.0;
        let begin = Instant::now();
        let last = end.map_or(LIMIT, |(_, after)| after);
        let mut status = wait(child, begin + last);
        if status.is_none() {
            let (name, _) = end.ok_or("it does not end")?;
            signal(child.id(), name);
            status = wait(child, Instant::now() + LIMIT);
        }
        let status = status.ok_or("it does not end after the signal")?;
        let after = self.server.record(&self.path);
        let asked = &after.asked[before.asked.len()..];
        self.story
            .push(format!("{end:?}: {status} after {:?}; {claimed:?} was here, {asked:?} asked for", begin.elapsed()));
        for range in asked {
            let is_here = |have: &&Range<u64>| have.start < range.end && range.start < have.end;
            if let Some(twice) = claimed.iter().find(is_here) {
                return Err(format!("{twice:?} was claimed, {range:?} was asked for"));
            }
        }
        if status.success() {
            return Ok(true);
        }
        let (signal, _) = end.ok_or_else(|| format!("{status}: {}", told(child)))?;
        let is_polite = signal != "KILL";
        if is_polite && status.code() != Some(130) && status.signal().is_none() {
            return Err(format!("{status}: {}", told(child)));
        }
        let kept = bytes(&self.claimed()?).saturating_sub(bytes(&claimed));
        self.orphans += usize::from(self.journal()?.is_none());
        let lost = (after.sent - before.sent).saturating_sub(kept);
        let bearable = if is_polite { 0 } else { (self.paced.rate as f64 * LOST.as_secs_f64()) as u64 };
        if lost > bearable + ON_THE_WAY {
            return Err(format!("{lost} bytes were lost of {}", after.sent - before.sent));
        }
        Ok(false)
    }

    /// All that can be said once the program has ended well.
    fn check_complete(&self) -> Result<(), String> {
        let (orphans, rest): (Vec<_>, Vec<_>) =
            self.names().into_iter().partition(|name| name.ends_with(".part") || name.ends_with(".part.writing"));
        let parts = orphans.iter().filter(|name| name.ends_with(".part")).count();
        match &rest[..] {
            [name] if parts <= self.orphans => {
                files::compare(&self.folder.path().join(name), self.paced.seed, self.paced.len)
            }
            _ => Err(format!("{} programs were ended before their first journal", self.orphans)),
        }
    }
}

fn bytes(ranges: &[Range<u64>]) -> u64 {
    ranges.iter().map(|range| range.end - range.start).sum()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Waits for its end, at most until then.
fn wait(child: &mut Child, until: Instant) -> Option<ExitStatus> {
    loop {
        match child.try_wait().unwrap() {
            None if Instant::now() < until => thread::sleep(Duration::from_millis(1)),
            status => return status,
        }
    }
}

fn told(child: &mut Child) -> String {
    let mut text = String::new();
    if let Some(stderr) = &mut child.stderr {
        let _ = stderr.read_to_string(&mut text);
    }
    text
}

/// Ends downloads until the budget of rounds is used up.
fn work(server: &PacedServer, seed: u64, rounds: &AtomicU32, signals: &[&str]) -> Result<u64, String> {
    let mut dice = Dice(seed);
    let mut again = 0;
    let take = || rounds.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
    while rounds.load(Ordering::Relaxed) > 0 {
        let mut job = Job::new(server, dice.roll(), &mut dice);
        let told = |job: &Job<'_>, error: String| format!("{error}\n{}\n{:?}", job.story.join("\n"), job.names());
        let mut is_complete = false;
        for _ in 0..MOST_ENDS {
            if is_complete || !take() {
                break;
            }
            // Many just after the start, where files and journals are made.
            let latest = dice.one_of(&[60, 300, 1500, 2500]);
            let after = Duration::from_micros(dice.within(1..latest * 1000));
            let signal = dice.one_of(signals);
            is_complete = job.run(Some((signal, after))).map_err(|error| told(&job, error))?;
        }
        if !is_complete {
            job.run(None).map_err(|error| told(&job, error))?;
        }
        job.check_complete().map_err(|error| told(&job, error))?;
        // The server counts what it has sent when the program may have ended already.
        again += server.record(&job.path).sent.saturating_sub(job.paced.len);
    }
    Ok(again)
}

fn ends(rounds: u32, signals: &'static [&'static str]) {
    let from_environment = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = from_environment("FRESHET_KILL_SEED").unwrap_or_else(now);
    let rounds = from_environment("FRESHET_KILL_ROUNDS").map_or(rounds, |rounds| rounds as u32);
    let left = AtomicU32::new(rounds);
    let server = PacedServer::start();
    let results: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|worker| {
                let (server, left) = (&server, &left);
                scope.spawn(move || work(server, seed.wrapping_add(worker << 32), left, signals))
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let again: u64 = results.iter().flatten().sum();
    let failures: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    assert!(failures.is_empty(), "FRESHET_KILL_SEED={seed}\n{}", failures.join("\n\n"));
    println!("{rounds} ends by {signals:?}, seed {seed}: {again} bytes fetched again in all");
}

#[test]
fn a_download_that_is_killed_continues_with_what_it_had() {
    ends(ROUNDS, &["KILL"]);
}

#[test]
fn a_download_that_is_asked_to_end_keeps_all_it_had() {
    ends(ROUNDS / 4, &["TERM", "INT"]);
}

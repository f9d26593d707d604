// SPDX-License-Identifier: GPL-3.0-or-later
//! Rate limits as a server sees them: what its sockets took, which is what has crossed the wire and a
//! small constant amount. Several engines run at the same time on one main loop, each with its case.

mod support;

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use freshet::engine::engine::Config;
use freshet::engine::{Command, DownloadId, DownloadSpec, Engine, Limits, Speed};
use socket2::{Domain, Socket, Type};
use support::mainloop::MainLoop;
use tempfile::TempDir;
use url::Url;

/// Limits hold to this part over [`SPAN`].
const EXACT: f64 = 0.05;
const SPAN: Duration = Duration::from_secs(5);
/// How long after a limit was set it holds. What was under way under the old one is made up for first:
/// a tenth of a second at ten times the rate is a second of silence, and a busy machine adds to it.
const SETTLING: Duration = Duration::from_secs(2);
const KB: u64 = 1000;
const MB: u64 = 1000 * KB;

/// Sends as fast as it is taken, and counts. Its connections have the segments of an Ethernet: those
/// of the loopback interface, of 64 KiB, are larger than the windows of slow transfers.
struct Source {
    address: SocketAddr,
    taken: Arc<Mutex<HashMap<String, u64>>>,
}

impl Source {
    fn start() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_tcp_mss(1448).unwrap();
        // What the kernel keeps for later counts as taken.
        socket.set_send_buffer_size(4096).unwrap();
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        socket.listen(128).unwrap();
        let listener = TcpListener::from(socket);
        let (address, taken) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(HashMap::new())));
        let counts = taken.clone();
        // Ends with the test process; it only ever waits in accept and write.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counts = counts.clone();
                thread::spawn(move || serve(stream, &counts));
            }
        });
        Self { address, taken }
    }

    fn url(&self, path: &str) -> Url {
        Url::parse(&format!("http://{}{path}", self.address)).unwrap()
    }

    /// Bytes taken of all paths that begin like this.
    fn taken(&self, path: &str) -> u64 {
        self.each(path).values().sum()
    }

    fn each(&self, path: &str) -> HashMap<String, u64> {
        let taken = self.taken.lock().unwrap();
        taken.iter().filter(|(each, _)| each.starts_with(path)).map(|(each, bytes)| (each.clone(), *bytes)).collect()
    }
}

/// One answer without an end. `/fast/…` goes in large pieces.
fn serve(mut stream: impl Read + Write, counts: &Mutex<HashMap<String, u64>>) -> Option<()> {
    let mut head = [0; 4096];
    let length = stream.read(&mut head).ok()?;
    let head = String::from_utf8_lossy(&head[..length]).into_owned();
    let path = head.split(' ').nth(1)?.to_owned();
    stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").ok()?;
    let piece = vec![0; if path.starts_with("/fast") { 4096 } else { 500 }];
    loop {
        let taken = stream.write(&piece).ok()?;
        *counts.lock().unwrap().entry(path.clone()).or_default() += taken as u64;
    }
}

/// An engine with limits, and downloads of the source.
struct Case<'a> {
    engine: Engine,
    source: &'a Source,
    folder: TempDir,
}

impl<'a> Case<'a> {
    fn new(source: &'a Source, rate: Option<u64>) -> Self {
        let limits = Limits { parallel: 100, per_host: 100, ..limits(rate) };
        let engine = Engine::start(Config { limits, ..Config::default() }).unwrap();
        let folder = tempfile::Builder::new().prefix("freshet-rate-").tempdir().unwrap();
        Self { engine, source, folder }
    }

    fn add(&self, path: &str, rate: Option<u64>) -> DownloadId {
        let mut spec = DownloadSpec::new(self.source.url(path), self.folder.path().to_owned());
        spec.rate = rate.map(Speed);
        self.engine.add(spec)
    }

    fn set_total(&self, rate: Option<u64>) {
        self.engine.send(Command::SetLimits(Limits { parallel: 100, per_host: 100, ..limits(rate) }));
    }
}

fn limits(rate: Option<u64>) -> Limits {
    Limits { rate: rate.map(Speed), ..Limits::default() }
}

type Act<'a> = Box<dyn FnOnce() + 'a>;

/// What is done and measured when, after the beginning.
struct Plan<'a> {
    source: &'a Source,
    acts: Vec<(Duration, Act<'a>)>,
    measures: Vec<Measure>,
}

struct Measure {
    path: &'static str,
    /// When the limit was set.
    from: Duration,
    wanted: u64,
    begun: Option<(Instant, u64)>,
    speed: Option<f64>,
}

impl<'a> Plan<'a> {
    fn at(&mut self, when: Duration, act: impl FnOnce() + 'a) {
        self.acts.push((when, Box::new(act)));
    }

    fn measure(&mut self, path: &'static str, from: Duration, wanted: u64) {
        self.measures.push(Measure { path, from, wanted, begun: None, speed: None });
    }

    fn run(&mut self, main_loop: &MainLoop) {
        let begin = Instant::now();
        main_loop.run_until(Duration::from_secs(60), "all measurements", || {
            let now = begin.elapsed();
            for measure in &mut self.measures {
                measure.look(now, self.source);
            }
            for (_, act) in self.acts.extract_if(.., |(when, _)| *when <= now) {
                act();
            }
            self.acts.is_empty() && self.measures.iter().all(|measure| measure.speed.is_some())
        });
    }

    /// What was too fast or too slow.
    fn off(&self) -> Vec<&'static str> {
        let is_off = |measure: &&Measure| measure.error().abs() > EXACT;
        self.measures.iter().filter(is_off).map(|measure| measure.path).collect()
    }
}

impl Measure {
    fn look(&mut self, now: Duration, source: &Source) {
        match self.begun {
            None if now >= self.from + SETTLING => self.begun = Some((Instant::now(), source.taken(self.path))),
            Some((begun, before)) if self.speed.is_none() && begun.elapsed() >= SPAN => {
                let taken = source.taken(self.path) - before;
                self.speed = Some(taken as f64 / begun.elapsed().as_secs_f64());
                println!("{} from {:?}: {taken} in {SPAN:?}, {:+.2} %", self.path, self.from, self.error() * 100.0);
            }
            _ => {}
        }
    }

    /// As a part of what was wanted.
    fn error(&self) -> f64 {
        self.speed.unwrap_or_default() / self.wanted as f64 - 1.0
    }
}

/// A second of a machine that was busy with something else is no fault of a limit, and does not come in
/// the same place twice.
#[test]
fn limits_are_true_on_the_wire() {
    let off = measure_all();
    let again = if off.is_empty() { Vec::new() } else { measure_all() };
    let twice: Vec<_> = off.iter().filter(|path| again.contains(path)).collect();
    assert!(twice.is_empty(), "{twice:?}, see above");
}

/// Measures limits of all kinds; answers which did not hold.
fn measure_all() -> Vec<&'static str> {
    let seconds = Duration::from_secs;
    let (main_loop, source, start) = (MainLoop::take(), Source::start(), Duration::ZERO);

    let source = &source;
    let single = Case::new(source, None);
    let few = Case::new(source, Some(220 * KB));
    let many = Case::new(source, Some(500 * KB));
    let changing = Case::new(source, Some(MB));
    let mut plan = Plan { source, acts: Vec::new(), measures: Vec::new() };

    for (path, rate) in [("/single/10K", 10 * KB), ("/single/100K", 100 * KB), ("/fast/1M", MB), ("/fast/20M", 20 * MB)]
    {
        single.add(path, Some(rate));
        plan.measure(path, start, rate);
    }
    let slower = Command::SetRate { id: single.add("/own-changes", Some(200 * KB)), rate: Some(Speed(50 * KB)) };
    plan.at(seconds(2), || single.engine.send(slower));
    plan.measure("/own-changes", seconds(2), 50 * KB);

    few.add("/few/50K", Some(50 * KB));
    few.add("/few/200K", Some(200 * KB));
    plan.measure("/few/50K", start, 50 * KB);
    plan.measure("/few/200K", start, 170 * KB);
    plan.measure("/few", start, 220 * KB);

    for nth in 0..50 {
        many.add(&format!("/many/{nth}"), None);
    }
    plan.measure("/many", start, 500 * KB);
    let early = Rc::new(RefCell::new(HashMap::new()));
    let all = early.clone();
    plan.at(seconds(1), move || *all.borrow_mut() = source.each("/many"));
    plan.at(seconds(6), move || {
        let late = source.each("/many");
        let each: Vec<_> = late.iter().map(|(path, bytes)| bytes - early.borrow()[path]).collect();
        let (least, most) = (each.iter().min().unwrap(), each.iter().max().unwrap());
        println!("each of /many: {least} to {most}");
        assert!(least * 3 > *most && each.len() == 50, "{each:?}: they take turns");
    });

    changing.add("/fast/changing", None);
    plan.at(seconds(2), || changing.set_total(Some(100 * KB)));
    plan.measure("/fast/changing", seconds(2), 100 * KB);
    plan.at(seconds(10), || changing.set_total(None));
    plan.at(seconds(11), || {
        let taken = source.taken("/fast/changing");
        assert!(taken > 5 * MB, "{taken}: it is as fast as it can");
        changing.set_total(Some(300 * KB));
    });
    plan.measure("/fast/changing", seconds(11), 300 * KB);

    // What has been measured need not be written any more.
    plan.at(seconds(10), || {
        for case in [&single, &few, &many] {
            case.engine.send(Command::PauseAll);
        }
    });
    plan.run(&main_loop);
    for case in [&single, &few, &many, &changing] {
        case.engine.send(Command::PauseAll);
    }
    main_loop.run_for(Duration::from_millis(500));
    plan.off()
}

#[test]
fn a_limit_and_a_schedule_wake_nobody_while_nothing_runs() {
    let (main_loop, source) = (MainLoop::take(), Source::start());
    let case = Case::new(&source, None);
    let schedule = "daily 00:00-24:00 50000".parse().unwrap();
    case.engine.send(Command::SetLimits(Limits { schedule, ..limits(Some(KB)) }));
    case.add("/slow", Some(20 * KB));
    main_loop.run_until(support::engine::LIMIT, "some bytes", || source.taken("/slow") > 20 * KB);
    case.engine.send(Command::PauseAll);
    main_loop.run_for(Duration::from_millis(500));
    assert_eq!(main_loop.wake_ups(Duration::from_secs(1)), 0);
}

#[test]
fn the_schedule_goes_before_the_plain_limit() {
    let (main_loop, source) = (MainLoop::take(), Source::start());
    let case = Case::new(&source, None);
    let schedule = "daily 00:00-24:00 unlimited".parse().unwrap();
    case.engine.send(Command::SetLimits(Limits { schedule, ..limits(Some(KB)) }));
    case.add("/fast/any", None);
    main_loop.run_until(support::engine::LIMIT, "more than a kilobyte a second", || source.taken("/fast/any") > MB);
    case.engine.send(Command::PauseAll);
    main_loop.run_for(Duration::from_millis(200));
}

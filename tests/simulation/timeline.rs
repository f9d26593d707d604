// SPDX-License-Identifier: GPL-3.0-or-later
//! Virtual time: what will happen, in order, and the engine's clock that shows it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use freshet::engine::clock::Clock;
use freshet::engine::types::{Moment, TransferId};

use super::plan::Deed;
use super::random::Random;

/// The day on which every world begins.
const DAY: Duration = Duration::from_secs(1_790_000_000);

/// Something that will happen.
#[derive(Clone, Debug)]
pub enum Happening {
    Alarm,
    /// The next step of a transfer; an earlier one that was put off has another number.
    Transfer {
        id: TransferId,
        step: u64,
    },
    /// A thread of a device has done its job.
    Writer {
        device: usize,
    },
    Syncer {
        device: usize,
    },
    /// What the disk has answered reaches the main loop.
    Replies,
    /// The list's thread writes.
    Commit,
    /// The program is started again.
    Start,
    Deed(Deed),
}

/// The number of what is to happen, by which it can be called off.
pub type Key = (Duration, u64);

pub struct Timeline {
    now: Cell<Duration>,
    /// What happens at the same time happens in the order in which it was planned.
    queue: RefCell<BTreeMap<Key, Happening>>,
    sequence: Cell<u64>,
    random: RefCell<Random>,
    is_told: bool,
    hash: Cell<u64>,
}

impl Timeline {
    /// `is_told`: write all that happens to stderr.
    pub fn new(random: Random, is_told: bool) -> Rc<Self> {
        Rc::new(Self {
            now: Cell::default(),
            queue: RefCell::default(),
            sequence: Cell::default(),
            random: RefCell::new(random),
            is_told,
            hash: Cell::new(0xcbf2_9ce4_8422_2325),
        })
    }

    pub fn now(&self) -> Duration {
        self.now.get()
    }

    pub fn today(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + DAY + self.now()
    }

    pub fn after(&self, wait: Duration, what: Happening) -> Key {
        self.at(self.now() + wait, what)
    }

    pub fn at(&self, at: Duration, what: Happening) -> Key {
        let key = (at.max(self.now()), self.sequence.get());
        self.sequence.set(key.1 + 1);
        self.queue.borrow_mut().insert(key, what);
        key
    }

    pub fn call_off(&self, key: Key) {
        self.queue.borrow_mut().remove(&key);
    }

    /// A process has died: what it was about to do never happens.
    pub fn forget_process(&self) {
        self.queue.borrow_mut().retain(|_, what| matches!(what, Happening::Deed(_) | Happening::Start));
    }

    /// The next that happens; time goes on to it.
    pub fn next(&self) -> Option<Happening> {
        let ((at, _), what) = self.queue.borrow_mut().pop_first()?;
        self.now.set(at);
        Some(what)
    }

    pub fn draw<R>(&self, draw: impl FnOnce(&mut Random) -> R) -> R {
        draw(&mut self.random.borrow_mut())
    }

    /// Writes down what happened: for the reader when one seed runs alone, and as a few numbers always,
    /// by which two runs of a seed are compared.
    pub fn note(&self, numbers: [u64; 3], text: impl FnOnce() -> String) {
        let mut hash = self.hash.get();
        for number in numbers.into_iter().chain([self.now().as_nanos() as u64]) {
            hash = (hash ^ number).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(17);
        }
        self.hash.set(hash);
        if self.is_told {
            eprintln!("{:>12.6} {}", self.now().as_secs_f64(), text());
        }
    }

    pub fn hash(&self) -> u64 {
        self.hash.get()
    }
}

/// The clock of one process.
pub struct VirtualClock {
    timeline: Rc<Timeline>,
    alarm: Cell<Option<Key>>,
    ring: RefCell<Option<Rc<dyn Fn()>>>,
}

impl VirtualClock {
    pub fn new(timeline: Rc<Timeline>) -> Rc<Self> {
        Rc::new(Self { timeline, alarm: Cell::default(), ring: RefCell::default() })
    }

    /// The alarm's time has come.
    pub fn ring(&self) {
        self.alarm.set(None);
        let ring = self.ring.borrow().clone();
        if let Some(ring) = ring {
            ring();
        }
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Moment {
        Moment(self.timeline.now())
    }

    fn today(&self) -> SystemTime {
        self.timeline.today()
    }

    fn set_alarm(&self, at: Option<Moment>) {
        if let Some(key) = self.alarm.take() {
            self.timeline.call_off(key);
        }
        self.alarm.set(at.map(|at| self.timeline.at(at.0, Happening::Alarm)));
    }

    fn on_alarm(&self, ring: Box<dyn Fn()>) {
        self.ring.replace(Some(Rc::from(ring)));
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Turns on the default main context: the engine's sources belong to it, and only one thread can hold
//! it, so tests of one program take turns. Every wait has a bound and nothing sleeps.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use glib::{ControlFlow, MainContext, Priority, Source};

static TURN: Mutex<()> = Mutex::new(());

/// How often a condition is looked at that nothing on the loop announces (a server's record).
const LOOK: Duration = Duration::from_millis(10);

/// The default main context, held by this thread until dropped.
pub struct MainLoop {
    context: MainContext,
    _turn: MutexGuard<'static, ()>,
}

impl MainLoop {
    /// Waits for the turn. A test that failed in its turn takes nothing from the next one.
    pub fn take() -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        Self { context: MainContext::default(), _turn: turn }
    }

    /// Runs the loop until `done`; false when the limit is over first.
    pub fn runs_until(&self, limit: Duration, mut done: impl FnMut() -> bool) -> bool {
        let _held = self.context.acquire().expect("no other thread holds the default context");
        let _look = Ticking::every(LOOK, &self.context);
        let end = Instant::now() + limit;
        loop {
            if done() {
                return true;
            }
            if Instant::now() >= end {
                return false;
            }
            self.context.iteration(true);
        }
    }

    /// Runs the loop until `done`; the test fails when the limit is over first. `what` ends the
    /// sentence "waited 5s for ...".
    #[track_caller]
    pub fn run_until(&self, limit: Duration, what: &str, done: impl FnMut() -> bool) {
        assert!(self.runs_until(limit, done), "waited {limit:?} for {what}");
    }

    /// Runs the loop for a time, whatever happens.
    pub fn run_for(&self, time: Duration) {
        self.runs_until(time, || false);
    }

    /// How often sources were dispatched within this time: what an idle program costs.
    pub fn wake_ups(&self, time: Duration) -> usize {
        let _held = self.context.acquire().expect("no other thread holds the default context");
        let over = Arc::new(AtomicBool::new(false));
        let _end = Ticking::once(time, &self.context, &over);
        let mut count = 0;
        while !over.load(Ordering::Relaxed) {
            count += usize::from(self.context.iteration(true));
        }
        count - 1 // the end itself
    }
}

/// Tells how long the loop was held up at most: a timer at its side that should ring every
/// [`Watch::BEAT`], before everything else.
pub struct Watch {
    _timer: Ticking,
    longest: Arc<Mutex<Duration>>,
}

impl Watch {
    pub const BEAT: Duration = Duration::from_millis(50);

    pub fn start(main_loop: &MainLoop) -> Self {
        let longest = Arc::new(Mutex::new(Duration::ZERO));
        let (told, mut last) = (longest.clone(), Instant::now());
        let source = glib::timeout_source_new(Self::BEAT, None, Priority::HIGH, move || {
            let gap = last.elapsed();
            last = Instant::now();
            let mut longest = told.lock().unwrap_or_else(PoisonError::into_inner);
            *longest = gap.max(*longest);
            ControlFlow::Continue
        });
        source.attach(Some(&main_loop.context));
        Self { _timer: Ticking(source), longest }
    }

    /// The most that a beat came too late so far.
    pub fn latest(&self) -> Duration {
        self.longest.lock().unwrap_or_else(PoisonError::into_inner).saturating_sub(Self::BEAT)
    }
}

/// Frames as a window would draw them: sixty a second, at the priority of GDK's clock, which everything
/// of ours has to let pass.
pub struct Frames {
    _timer: Ticking,
    drawn: Arc<Mutex<Drawn>>,
}

#[derive(Clone, Copy, Debug)]
pub struct Drawn {
    pub count: usize,
    pub longest_gap: Duration,
    last: Instant,
}

impl Frames {
    const GAP: Duration = Duration::from_micros(16_667);
    /// `GDK_PRIORITY_REDRAW`.
    const PRIORITY: i32 = 120;

    pub fn start(main_loop: &MainLoop) -> Self {
        let begin = Drawn { count: 0, longest_gap: Duration::ZERO, last: Instant::now() };
        let drawn = Arc::new(Mutex::new(begin));
        let (told, priority) = (drawn.clone(), Priority::from(Self::PRIORITY));
        let source = glib::timeout_source_new(Self::GAP, None, priority, move || {
            let mut drawn = told.lock().unwrap_or_else(PoisonError::into_inner);
            drawn.longest_gap = drawn.longest_gap.max(drawn.last.elapsed());
            drawn.last = Instant::now();
            drawn.count += 1;
            ControlFlow::Continue
        });
        source.attach(Some(&main_loop.context));
        Self { _timer: Ticking(source), drawn }
    }

    /// With the gap that has not ended yet.
    pub fn drawn(&self) -> Drawn {
        let drawn = *self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        Drawn { longest_gap: drawn.longest_gap.max(drawn.last.elapsed()), ..drawn }
    }
}

/// A timer on a context that goes away with this value.
struct Ticking(Source);

impl Ticking {
    fn every(time: Duration, context: &MainContext) -> Self {
        let source = glib::timeout_source_new(time, None, Priority::DEFAULT_IDLE, || ControlFlow::Continue);
        source.attach(Some(context));
        Self(source)
    }

    fn once(time: Duration, context: &MainContext, over: &Arc<AtomicBool>) -> Self {
        let over = over.clone();
        let source = glib::timeout_source_new(time, None, Priority::LOW, move || {
            over.store(true, Ordering::Relaxed);
            ControlFlow::Break
        });
        source.attach(Some(context));
        Self(source)
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.destroy();
    }
}

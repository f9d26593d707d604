// SPDX-License-Identifier: GPL-3.0-or-later
//! Time as a role, so that the engine can be run on a virtual clock.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use glib::ControlFlow;

use super::types::Moment;

/// Now, and one alarm.
pub trait Clock {
    fn now(&self) -> Moment;
    /// The time of day, for what people read.
    fn today(&self) -> SystemTime;
    /// Both stay as they are now until [`Clock::release`]: what happens in one turn happens at one moment, and
    /// dozens of questions to the kernel are one.
    fn hold(&self) {}
    /// The end of that.
    fn release(&self) {}
    /// Ring once at this moment; replaces the alarm set before. `None`: do not ring.
    fn set_alarm(&self, at: Option<Moment>);
    /// What to call when the alarm rings.
    fn on_alarm(&self, ring: Box<dyn Fn()>);
}

/// Alarms beyond this ring here.
const FARTHEST: Duration = Duration::from_secs(24 * 60 * 60);

type Ring = Rc<dyn Fn()>;

/// Monotonic time and a GLib timeout on the default main context.
pub struct MainLoopClock {
    begin: Instant,
    ring: Rc<RefCell<Option<Ring>>>,
    alarm: Rc<Cell<Option<glib::SourceId>>>,
    set_for: Cell<Option<Moment>>,
}

impl std::fmt::Debug for MainLoopClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MainLoopClock")
            .field("now", &self.now())
            .field("set_for", &self.set_for)
            .finish_non_exhaustive()
    }
}

impl Default for MainLoopClock {
    fn default() -> Self {
        Self { begin: Instant::now(), ring: Rc::default(), alarm: Rc::default(), set_for: Cell::new(None) }
    }
}

impl Clock for MainLoopClock {
    fn now(&self) -> Moment {
        Moment(self.begin.elapsed())
    }

    fn today(&self) -> SystemTime {
        SystemTime::now()
    }

    fn set_alarm(&self, at: Option<Moment>) {
        // An alarm that is set for this moment already need not be made again.
        let pending = self.alarm.take();
        if pending.is_some() && self.set_for.get() == at {
            self.alarm.set(pending);
            return;
        }
        if let Some(old) = pending {
            old.remove();
        }
        self.set_for.set(at);
        let Some(at) = at else { return };
        // GLib counts whole milliseconds: round up, or it rings just before its time and again. It
        // counts them in 32 bits: what is far away is rung for early, and set again.
        let wait = (at - self.now()).min(FARTHEST) + Duration::from_micros(999);
        let (alarm, ring) = (self.alarm.clone(), self.ring.clone());
        let id = glib::timeout_add_local_full(wait, super::net::priority(), move || {
            // The source ends by returning Break: its id must be forgotten before anything can
            // try to remove it.
            alarm.set(None);
            let ring = ring.borrow().clone();
            if let Some(ring) = ring {
                ring();
            }
            ControlFlow::Break
        });
        self.alarm.set(Some(id));
    }

    fn on_alarm(&self, ring: Box<dyn Fn()>) {
        self.ring.replace(Some(Rc::from(ring)));
    }
}

impl Drop for MainLoopClock {
    fn drop(&mut self) {
        if let Some(alarm) = self.alarm.take() {
            alarm.remove();
        }
    }
}

/// A clock that can be held, for the book, which decides. Who waits needs the other one, which goes on: libcurl waits
/// inside a call for an SSH server to answer, until the driver sees that it takes too long.
pub struct TurnClock {
    clock: Rc<dyn Clock>,
    held: Cell<Option<(Moment, SystemTime)>>,
}

impl TurnClock {
    pub fn new(clock: Rc<dyn Clock>) -> Self {
        Self { clock, held: Cell::new(None) }
    }
}

impl std::fmt::Debug for TurnClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TurnClock").field("held", &self.held).finish_non_exhaustive()
    }
}

impl Clock for TurnClock {
    fn now(&self) -> Moment {
        self.held.get().map_or_else(|| self.clock.now(), |(now, _)| now)
    }

    fn today(&self) -> SystemTime {
        self.held.get().map_or_else(|| self.clock.today(), |(_, today)| today)
    }

    fn hold(&self) {
        self.held.set(Some((self.clock.now(), self.clock.today())));
    }

    fn release(&self) {
        self.held.set(None);
    }

    fn set_alarm(&self, at: Option<Moment>) {
        self.clock.set_alarm(at);
    }

    fn on_alarm(&self, ring: Box<dyn Fn()>) {
        self.clock.on_alarm(ring);
    }
}

#[cfg(test)]
mod tests {
    use std::thread::sleep;

    use super::*;

    #[test]
    fn what_happens_while_the_time_is_held_happens_at_one_moment() {
        let other: Rc<dyn Clock> = Rc::new(MainLoopClock::default());
        let clock = TurnClock::new(other.clone());
        clock.hold();
        let held = (clock.now(), clock.today());
        sleep(Duration::from_millis(2));
        assert_eq!((clock.now(), clock.today()), held);
        assert!(other.now() > held.0, "who waits is not held up");
        clock.release();
        assert!(clock.now() - held.0 >= Duration::from_millis(2));
        assert!(clock.today() > held.1);
    }
}

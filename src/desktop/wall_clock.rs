// SPDX-License-Identifier: GPL-3.0-or-later
//! Rings at a time of day. A timeout of GLib's counts the time that the machine is awake; this one goes by
//! the clock on the wall, and rings, too, when somebody sets that.

use std::cell::RefCell;
use std::io;
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use glib::{ControlFlow, IOCondition};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

/// Rings once, unless it is dropped before.
#[derive(Debug)]
pub struct Alarm(Rc<RefCell<Option<glib::SourceId>>>);

impl Alarm {
    /// Calls `ring` at this time, or when the clock is set before: who has it rung looks at the clock.
    pub fn set(at: SystemTime, ring: impl FnOnce() + 'static) -> io::Result<Self> {
        let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::from_nanos(1));
        let timer = timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        let once = Itimerspec {
            it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
            it_value: Timespec {
                tv_sec: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: since.subsec_nanos().into(),
            },
        };
        timerfd_settime(&timer, TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET, &once)?;
        let source: Rc<RefCell<Option<glib::SourceId>>> = Rc::default();
        let (of_ring, mut ring) = (source.clone(), Some(ring));
        let id = glib_unix::unix_fd_add_local(timer.as_raw_fd(), IOCondition::IN, move |_, _| {
            // The source owns it.
            let _timer = &timer;
            of_ring.take();
            if let Some(ring) = ring.take() {
                ring();
            }
            ControlFlow::Break
        });
        source.replace(Some(id));
        Ok(Self(source))
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let Some(id) = self.0.take() {
            id.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn it_rings_once_at_its_time_and_not_when_it_is_gone() {
        let _turn = crate::engine::MAIN_CONTEXT_TURN.lock();
        let context = glib::MainContext::default();
        let _owned = context.acquire().unwrap();
        let rung = Rc::new(Cell::new(0));
        let ring = |rung: &Rc<Cell<u32>>| {
            let rung = rung.clone();
            move || rung.set(rung.get() + 1)
        };
        let begin = SystemTime::now();
        let gone = Alarm::set(begin + Duration::from_millis(20), ring(&rung)).unwrap();
        drop(gone);
        let _kept = Alarm::set(begin + Duration::from_millis(60), ring(&rung)).unwrap();
        while rung.get() == 0 && begin.elapsed().unwrap() < Duration::from_secs(10) {
            context.iteration(true);
        }
        assert!(begin.elapsed().unwrap() >= Duration::from_millis(60), "too early");
        assert_eq!(rung.get(), 1);
        let past = Alarm::set(begin - Duration::from_secs(60), ring(&rung)).unwrap();
        context.iteration(true);
        assert_eq!(rung.get(), 2, "what is past rings at once");
        drop(past);
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Long work on a thread of its own, which takes turns there. What is read back of part files (checksums and
//! samples) has one for each device, as a second one would only make the head of a hard disk jump; so a
//! sample does not wait for the checksum of a large file. What is taken to another folder has one for each
//! such folder: one that does not answer holds up nobody else.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// How much is read at a time.
const CHUNK: usize = 1024 * 1024;

/// One turn of a piece of work, with a buffer to read into; answers whether there is more to do.
type Work = Box<dyn FnMut(&mut [u8]) -> bool + Send>;

/// The thread, started with the first work; it ends when this is dropped and its work is done.
#[derive(Debug)]
pub struct Turns {
    name: &'static str,
    queue: Arc<Queue>,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    work: VecDeque<Work>,
    is_started: bool,
    is_over: bool,
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("waiting", &self.lock().work.len()).finish_non_exhaustive()
    }
}

impl Turns {
    /// `name`: that of the thread.
    pub fn new(name: &'static str) -> Self {
        Self { name, queue: Arc::default() }
    }

    /// Calls `turn` until it says that there is no more to do, in turns with the work given before.
    pub fn run(&self, turn: impl FnMut(&mut [u8]) -> bool + Send + 'static) -> io::Result<()> {
        let mut state = self.queue.lock();
        if !state.is_started {
            let queue = self.queue.clone();
            thread::Builder::new().name(self.name.into()).spawn(move || queue.serve())?;
            state.is_started = true;
        }
        state.work.push_back(Box::new(turn));
        self.queue.changed.notify_one();
        Ok(())
    }
}

impl Drop for Turns {
    fn drop(&mut self) {
        self.queue.lock().is_over = true;
        self.queue.changed.notify_one();
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<Work> {
        let is_idle = |state: &mut State| state.work.is_empty() && !state.is_over;
        let state = self.changed.wait_while(self.lock(), is_idle);
        state.unwrap_or_else(PoisonError::into_inner).work.pop_front()
    }

    fn serve(&self) {
        let mut buffer = vec![0; CHUNK];
        while let Some(mut turn) = self.next() {
            if turn(&mut buffer) {
                self.lock().work.push_back(turn);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn short_work_does_not_wait_for_the_end_of_long_work() {
        let turns = Turns::new("verify");
        let (tell, told) = mpsc::channel();
        let (go, may_go) = mpsc::channel();
        let long = tell.clone();
        let mut count = 0;
        let work = move |_: &mut [u8]| {
            count += 1;
            // Until the short work is given, the long one has its first turn.
            if count == 1 {
                may_go.recv().unwrap();
            }
            if count == 100 {
                long.send("long").unwrap();
            }
            count < 100
        };
        turns.run(work).unwrap();
        turns.run(move |_| tell.send("short").is_err()).unwrap();
        go.send(()).unwrap();
        let told: Vec<_> = (0..2).map(|_| told.recv_timeout(Duration::from_secs(20)).unwrap()).collect();
        assert_eq!(told, ["short", "long"]);
    }

    #[test]
    fn work_given_before_the_end_is_done() {
        let turns = Turns::new("verify");
        let (tell, told) = mpsc::channel();
        let mut count = 0;
        let work = move |_: &mut [u8]| {
            count += 1;
            tell.send(count).unwrap();
            count < 3
        };
        turns.run(work).unwrap();
        drop(turns);
        assert_eq!(told.iter().collect::<Vec<_>>(), [1, 2, 3]);
    }
}

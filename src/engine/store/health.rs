// SPDX-License-Identifier: GPL-3.0-or-later
//! Whether the list can be saved, told by its thread to whoever awaits it on the main loop.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use crate::engine::error::{Failure, FailureKind};

/// The thread's side.
#[derive(Clone, Debug, Default)]
pub struct Pulse(Arc<Mutex<State>>);

/// The listener's side.
#[derive(Debug)]
pub struct Health(Pulse);

#[derive(Debug, Default)]
struct State {
    /// What was told last; `None`: all is well.
    told: Option<FailureKind>,
    news: VecDeque<Option<Failure>>,
    is_over: bool,
    waker: Option<Waker>,
}

impl Pulse {
    pub fn listen(&self) -> Health {
        Health(self.clone())
    }

    /// How the last write went. It is news only if that differs from the one before.
    pub fn beat(&self, failure: Option<Failure>) {
        let mut state = self.lock();
        let kind = failure.as_ref().map(|failure| failure.kind.clone());
        if state.told != kind {
            state.told = kind;
            state.news.push_back(failure);
            wake(state);
        }
    }

    /// No further write comes.
    pub fn stop(&self) {
        let mut state = self.lock();
        state.is_over = true;
        wake(state);
    }

    /// Every change to what is behind this lock is whole at once, so a poisoned one is still good.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake(mut state: MutexGuard<'_, State>) {
    let waker = state.waker.take();
    // Who is woken may want the lock at once.
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl Health {
    /// The next change: why the list cannot be saved, or `Some(None)` when it can again. `None` when
    /// the store is closed.
    pub async fn changed(&mut self) -> Option<Option<Failure>> {
        poll_fn(|context| {
            let mut state = self.0.lock();
            if let Some(news) = state.news.pop_front() {
                return Poll::Ready(Some(news));
            }
            if state.is_over {
                return Poll::Ready(None);
            }
            state.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }
}

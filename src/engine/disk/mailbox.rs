// SPDX-License-Identifier: GPL-3.0-or-later
//! Where the disk's threads leave their replies for the main loop, which is woken once for all that
//! gathers until it comes.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::Reply;
use crate::engine::types::ByteRange;

/// Replies on their way to the main loop.
pub struct Mailbox {
    state: Mutex<State>,
    wake: Box<dyn Fn() + Send + Sync>,
}

#[derive(Debug, Default)]
struct State {
    replies: Vec<Reply>,
    /// The main loop was woken and has not come yet.
    is_woken: bool,
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Mailbox {
    /// `wake` is called on the threads of the disk, and has to bring about a call of `take`.
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self { state: Mutex::default(), wake: Box::new(wake) }
    }

    pub fn post(&self, reply: Reply) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match (state.replies.last_mut(), &reply) {
            (Some(Reply::Written { part, range }), Reply::Written { part: next, range: more })
                if part == next && range.end == more.start =>
            {
                *range = ByteRange::new(range.start, more.end);
            }
            _ => state.replies.push(reply),
        }
        let was_woken = std::mem::replace(&mut state.is_woken, true);
        drop(state);
        if !was_woken {
            (self.wake)();
        }
    }

    /// All that was posted since the last call.
    pub fn take(&self) -> Vec<Reply> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_woken = false;
        std::mem::take(&mut state.replies)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::engine::types::PartId;

    fn written(part: u64, start: u64, end: u64) -> Reply {
        Reply::Written { part: PartId(part), range: ByteRange::new(start, end) }
    }

    #[test]
    fn the_main_loop_is_woken_once_for_all_that_gathers() {
        let woken = Arc::new(AtomicUsize::new(0));
        let mailbox = Mailbox::new({
            let woken = woken.clone();
            move || {
                woken.fetch_add(1, Ordering::Relaxed);
            }
        });
        mailbox.post(Reply::Saved { part: PartId(1) });
        mailbox.post(Reply::Saved { part: PartId(2) });
        assert_eq!(woken.load(Ordering::Relaxed), 1);
        assert_eq!(mailbox.take().len(), 2);
        mailbox.post(Reply::Saved { part: PartId(3) });
        assert_eq!(woken.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn what_was_written_in_one_stretch_is_told_at_once() {
        let mailbox = Mailbox::new(|| {});
        for reply in [written(1, 0, 10), written(1, 10, 20), written(2, 20, 30), written(1, 20, 30), written(1, 31, 40)]
        {
            mailbox.post(reply);
        }
        let told: Vec<_> = mailbox
            .take()
            .into_iter()
            .map(|reply| match reply {
                Reply::Written { part, range } => (part.0, range.start, range.end),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(told, [(1, 0, 20), (2, 20, 30), (1, 20, 30), (1, 31, 40)]);
    }
}

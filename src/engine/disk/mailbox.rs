// SPDX-License-Identifier: GPL-3.0-or-later
//! Where the disk's threads leave their replies for the main loop, which is woken once for all that
//! gathers until it comes: at once where something waits for a reply, else a little later.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Reply;
use crate::engine::types::ByteRange;

/// Replies on their way to the main loop.
pub struct Mailbox {
    state: Mutex<State>,
    wake: Box<dyn Fn(Duration) + Send + Sync>,
}

/// How long replies may lie here that nothing waits for. A fast transfer brings thousands of them a
/// second; what is shown of it changes four times a second.
pub const LATE: Duration = Duration::from_millis(20);

#[derive(Debug, Default)]
struct State {
    replies: Vec<Reply>,
    woken: Woken,
}

/// Whether the main loop will come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Woken {
    #[default]
    No,
    Late,
    Now,
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Mailbox {
    /// `wake` is called on the threads of the disk, and has to bring about a call of `take` after so
    /// long.
    pub fn new(wake: impl Fn(Duration) + Send + Sync + 'static) -> Self {
        Self { state: Mutex::default(), wake: Box::new(wake) }
    }

    pub fn post(&self, reply: Reply) {
        self.put([reply], Woken::Now);
    }

    /// What comes together is taken together.
    pub fn post_all(&self, replies: Vec<Reply>) {
        self.put(replies, Woken::Now);
    }

    /// For a reply that nothing waits for.
    pub fn post_late(&self, reply: Reply) {
        self.put([reply], Woken::Late);
    }

    /// For a reply that another one about the same part is likely to follow at once, which tells of both: a late
    /// wake-up, too, is one for the main loop, which has to learn of its time. See [`Mailbox::tell_rest`].
    pub fn post_ahead(&self, reply: Reply) {
        self.put([reply], Woken::No);
    }

    /// Nothing has followed for [`LATE`]: what was posted ahead is to be taken now.
    pub fn tell_rest(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.replies.is_empty() || state.woken != Woken::No {
            return;
        }
        state.woken = Woken::Now;
        drop(state);
        (self.wake)(Duration::ZERO);
    }

    fn put(&self, replies: impl IntoIterator<Item = Reply>, when: Woken) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for reply in replies {
            if !state.joins(&reply) {
                state.replies.push(reply);
            }
        }
        let before = state.woken;
        state.woken = before.max(when);
        drop(state);
        if before < when {
            (self.wake)(if when == Woken::Late { LATE } else { Duration::ZERO });
        }
    }

    /// All that was posted since the last call.
    pub fn take(&self) -> Vec<Reply> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.woken = Woken::No;
        std::mem::take(&mut state.replies)
    }
}

impl State {
    /// Whether it was added to a reply that is here. What several transfers of a part have written comes
    /// in turns; nothing but such replies is passed.
    fn joins(&mut self, reply: &Reply) -> bool {
        let Reply::Written { part, range: more } = reply else { return false };
        for earlier in self.replies.iter_mut().rev() {
            match earlier {
                Reply::Written { part: other, range } if other == part && range.end == more.start => {
                    *range = ByteRange::new(range.start, more.end);
                    return true;
                }
                Reply::Written { part: other, range } if other != part || !range.overlaps(more) => {}
                _ => return false,
            }
        }
        false
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
            move |_| {
                woken.fetch_add(1, Ordering::Relaxed);
            }
        });
        mailbox.post(Reply::Saved { part: PartId(1) });
        mailbox.post(Reply::Saved { part: PartId(2) });
        assert_eq!(woken.load(Ordering::Relaxed), 1);
        assert_eq!(mailbox.take().len(), 2);
        mailbox.post(Reply::Saved { part: PartId(3) });
        assert_eq!(woken.load(Ordering::Relaxed), 2);
        assert_eq!(mailbox.take().len(), 1);
        mailbox.post_all(vec![Reply::Saved { part: PartId(4) }, Reply::Saved { part: PartId(5) }]);
        assert_eq!((woken.load(Ordering::Relaxed), mailbox.take().len()), (3, 2));
    }

    #[test]
    fn what_nothing_waits_for_comes_later_unless_something_else_comes_first() {
        let (waits, told) = std::sync::mpsc::channel();
        let mailbox = Mailbox::new(move |wait| waits.send(wait).unwrap());
        mailbox.post_late(written(1, 0, 10));
        mailbox.post_late(written(1, 10, 20));
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [LATE]);
        mailbox.post(Reply::Saved { part: PartId(1) });
        mailbox.post_late(written(1, 20, 30));
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [Duration::ZERO]);
        assert_eq!(mailbox.take().len(), 3);
        mailbox.post_late(written(1, 30, 40));
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [LATE]);
    }

    #[test]
    fn what_another_reply_will_tell_of_wakes_nobody() {
        let (waits, told) = std::sync::mpsc::channel();
        let mailbox = Mailbox::new(move |wait| waits.send(wait).unwrap());
        mailbox.post_ahead(written(1, 0, 10));
        assert_eq!(told.try_iter().count(), 0);
        mailbox.post(Reply::Saved { part: PartId(1) });
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [Duration::ZERO]);
        assert!(matches!(mailbox.take().as_slice(), [Reply::Written { .. }, Reply::Saved { .. }]), "in order");
        mailbox.tell_rest();
        assert_eq!(told.try_iter().count(), 0, "nothing is left");
        mailbox.post_ahead(written(1, 10, 20));
        mailbox.tell_rest();
        mailbox.tell_rest();
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [Duration::ZERO], "nothing has followed");
    }

    #[test]
    fn what_was_written_in_one_stretch_is_told_at_once() {
        let mailbox = Mailbox::new(|_| {});
        for reply in [written(1, 0, 10), written(1, 10, 20), written(2, 20, 30), written(1, 20, 30), written(1, 31, 40)]
        {
            mailbox.post(reply);
        }
        mailbox.post(Reply::Saved { part: PartId(1) });
        mailbox.post(written(1, 40, 50));
        let told: Vec<_> = mailbox
            .take()
            .into_iter()
            .map(|reply| match reply {
                Reply::Written { part, range } => (part.0, range.start, range.end),
                _ => (0, 0, 0),
            })
            .collect();
        assert_eq!(told, [(1, 0, 30), (2, 20, 30), (1, 31, 40), (0, 0, 0), (1, 40, 50)]);
    }
}

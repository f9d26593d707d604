// SPDX-License-Identifier: GPL-3.0-or-later
//! Blocks of bytes on their way to a device, out of a pool with a bound. The main loop takes and
//! fills them, the device's writer gives them back by dropping them.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::types::PartId;

/// Blocks are made in powers of two between these, so that one given back fits the next taker.
const SMALLEST: usize = 16 * 1024;
const LARGEST: usize = 256 * 1024;
const SIZES: usize = (LARGEST / SMALLEST).ilog2() as usize + 1;

/// What may wait for a device: this, and one large block more for each part.
const BASE_BOUND: usize = 6 * LARGEST;

/// What may be out to be filled: this, and one large block more for each part. Enough for a large block
/// for each of the 32 transfers that a part can have.
const FILLING_BOUND: usize = 32 * LARGEST;

/// Those refused are told when no more than this waits for the device: going on for each single
/// block would stop and start a fast transfer thousands of times a second. Blocks that are still
/// being filled do not count, or many transfers could keep each other out.
const WAKE_BACKLOG: usize = BASE_BOUND / 2;

/// Where there was room for the last one refused within this time, the next one waits for so long at most before it
/// is refused: to stop a transfer and to let it go on has libcurl copy all that it holds, and takes the main loop two
/// rounds. Little beside a frame, and a device that stalls costs it once.
const PATIENCE: Duration = Duration::from_millis(1);

/// Room for bytes; gives itself back to its pool when dropped.
#[derive(Debug)]
pub struct Block {
    bytes: Vec<u8>,
    /// What was asked for; the allocation behind may be larger.
    limit: usize,
    is_queued: bool,
    is_awaited: bool,
    is_last: bool,
    pool: Option<Arc<Pool>>,
}

impl Block {
    /// A block of no pool, which counts towards no bound.
    pub fn detached(size: usize) -> Self {
        Self::new(Vec::with_capacity(size), size, None)
    }

    fn new(bytes: Vec<u8>, limit: usize, pool: Option<Arc<Pool>>) -> Self {
        Self { bytes, limit, is_queued: false, is_awaited: false, is_last: false, pool }
    }

    /// How many bytes can still be added.
    pub fn room(&self) -> usize {
        self.limit.saturating_sub(self.bytes.len())
    }

    /// Adds bytes; there must be room for them.
    pub fn extend(&mut self, bytes: &[u8]) {
        debug_assert!(bytes.len() <= self.room(), "{} bytes into room for {}", bytes.len(), self.room());
        self.bytes.extend_from_slice(bytes);
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Something waits until it is written.
    pub fn await_it(&mut self) {
        self.is_awaited = true;
    }

    pub fn is_awaited(&self) -> bool {
        self.is_awaited
    }

    /// It is the last one of its body: what is to be done with the file follows at once.
    pub fn end_with_it(&mut self) {
        self.is_last = true;
    }

    pub fn is_last(&self) -> bool {
        self.is_last
    }

    /// From now on it waits for its device.
    pub(super) fn queue(&mut self) {
        if let Some(pool) = &self.pool
            && !std::mem::replace(&mut self.is_queued, true)
        {
            pool.lock().queued += class(self.limit).0;
        }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.take() {
            pool.give_back(std::mem::take(&mut self.bytes), self.limit, self.is_queued);
        }
    }
}

/// The blocks of one device.
///
/// Invariants: `used` is the sum of the sizes of the blocks that are out, `queued` that of those
/// among them that wait for the device, `idle` that of the allocations kept for the next takers.
/// Together they stay below the bounds unless those sank while blocks were out.
pub struct Pool {
    state: Mutex<State>,
    /// Told when half of what waited for the device is written, if somebody waits.
    is_half_written: Condvar,
    /// Told of a part that was refused a block, once there is room for what it asked.
    on_room: Box<dyn Fn(PartId) + Send + Sync>,
    /// Told that somebody waits or was refused: what there is is to be written at once.
    on_full: Box<dyn Fn() + Send + Sync>,
}

#[derive(Debug, Default)]
struct State {
    parts: usize,
    used: usize,
    queued: usize,
    idle: usize,
    free: [Vec<Vec<u8>>; SIZES],
    /// Who was refused and what for, the longest waiting first.
    refused: VecDeque<(PartId, usize)>,
    /// When the first of them asked.
    refused_since: Option<Instant>,
    /// Whether there was room soon after it was asked for in vain. See [`PATIENCE`].
    is_quick: bool,
    is_waited_for: bool,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Pool {
    pub fn new(
        on_room: impl Fn(PartId) + Send + Sync + 'static,
        on_full: impl Fn() + Send + Sync + 'static,
    ) -> Arc<Self> {
        let (on_room, on_full) = (Box::new(on_room), Box::new(on_full));
        Arc::new(Self { state: Mutex::default(), is_half_written: Condvar::new(), on_room, on_full })
    }

    /// A part that will take blocks raises the bound until its seat is dropped.
    pub fn join(self: &Arc<Self>, part: PartId) -> Seat {
        let mut state = self.lock();
        state.parts += 1;
        self.tell_refused(state);
        Seat { part, pool: self.clone() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give_back(&self, mut bytes: Vec<u8>, limit: usize, was_queued: bool) {
        let (size, index) = class(limit);
        let mut state = self.lock();
        state.used = state.used.saturating_sub(size);
        if was_queued {
            state.queued = state.queued.saturating_sub(size);
        }
        // The bounds may have sunk while the block was out. As many are kept as are out: hundreds of slow
        // transfers give theirs back together, once a second, and take as many new ones before.
        if state.used + state.idle + size <= state.bound()
            && state.idle + size <= BASE_BOUND.max(state.used)
            && let Some(free) = state.free.get_mut(index)
        {
            bytes.clear();
            free.push(bytes);
            state.idle += size;
        }
        self.tell_refused(state);
    }

    /// Wakes as many of those refused as there is room for now.
    fn tell_refused(&self, mut state: MutexGuard<'_, State>) {
        if state.queued > WAKE_BACKLOG {
            return;
        }
        if state.is_waited_for {
            self.is_half_written.notify_one();
        }
        let mut room = state.room();
        let mut told = Vec::new();
        while let Some(&(part, size)) = state.refused.front()
            && size <= room
        {
            state.refused.pop_front();
            room -= size;
            told.push(part);
        }
        if !told.is_empty()
            && let Some(since) = state.refused_since.take()
        {
            state.is_quick = since.elapsed() < PATIENCE;
        }
        drop(state);
        for part in told {
            (self.on_room)(part);
        }
    }

    /// Waits until half of what waits for the device is written, if that has been quick and nobody was refused.
    fn wait_for_room<'a>(&self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        if !state.is_quick || !state.refused.is_empty() || state.queued <= WAKE_BACKLOG {
            return state;
        }
        state.is_waited_for = true;
        (self.on_full)();
        let is_full = |state: &mut State| state.queued > WAKE_BACKLOG;
        let waited = self.is_half_written.wait_timeout_while(state, PATIENCE, is_full);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.is_waited_for = false;
        state
    }
}

/// A part's right to take blocks.
#[derive(Debug)]
pub struct Seat {
    part: PartId,
    pool: Arc<Pool>,
}

impl Seat {
    /// Whether a block of any size would be given, and nobody waits to be told of it first.
    pub fn has_room(&self) -> bool {
        let state = self.pool.lock();
        state.room() >= LARGEST && !state.refused.iter().any(|(part, _)| *part == self.part)
    }

    /// A block with room for `size` bytes, at most 256 KiB, unless the bound is reached and stays so for [`PATIENCE`].
    pub fn take(&self, size: usize) -> Option<Block> {
        let limit = size.clamp(1, LARGEST);
        let (size, index) = class(limit);
        let mut state = self.pool.lock();
        if state.room() < size {
            let asked_at = Instant::now();
            state = self.pool.wait_for_room(state);
            if state.room() < size {
                state.refuse(self.part, size, asked_at);
                drop(state);
                (self.pool.on_full)();
                return None;
            }
        }
        state.used += size;
        let bytes = match state.free.get_mut(index).and_then(Vec::pop) {
            Some(bytes) => {
                state.idle -= size;
                bytes
            }
            None => {
                state.trim();
                drop(state);
                Vec::with_capacity(size)
            }
        };
        Some(Block::new(bytes, limit, Some(self.pool.clone())))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        state.parts = state.parts.saturating_sub(1);
        state.refused.retain(|(part, _)| *part != self.part);
        state.trim();
        self.pool.tell_refused(state);
    }
}

impl State {
    /// Of all memory. Nothing is kept for nobody.
    fn bound(&self) -> usize {
        if self.parts == 0 { 0 } else { BASE_BOUND + FILLING_BOUND + 2 * self.parts * LARGEST }
    }

    /// How much may be taken.
    fn room(&self) -> usize {
        if self.parts == 0 {
            return 0;
        }
        let (filling, for_parts) = (self.used.saturating_sub(self.queued), self.parts * LARGEST);
        let to_queue = (BASE_BOUND + for_parts).saturating_sub(self.queued);
        to_queue.min((FILLING_BOUND + for_parts).saturating_sub(filling))
    }

    /// Notes who is to be told when there is room.
    fn refuse(&mut self, part: PartId, size: usize, asked_at: Instant) {
        if self.refused.is_empty() {
            self.refused_since = Some(asked_at);
        }
        if !self.refused.iter().any(|(refused, _)| *refused == part) {
            self.refused.push_back((part, size));
        }
    }

    /// Frees idle allocations, the largest first, until the bound holds.
    fn trim(&mut self) {
        let bound = self.bound();
        for (index, free) in self.free.iter_mut().enumerate().rev() {
            while self.used + self.idle > bound && free.pop().is_some() {
                self.idle = self.idle.saturating_sub(SMALLEST << index);
            }
        }
    }
}

/// The size of the allocation for this many bytes, and its place among the sizes.
fn class(limit: usize) -> (usize, usize) {
    let size = limit.next_power_of_two().clamp(SMALLEST, LARGEST);
    (size, (size / SMALLEST).ilog2() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> (Arc<Pool>, Arc<Mutex<Vec<PartId>>>) {
        let told = Arc::new(Mutex::new(Vec::new()));
        let note = {
            let told = told.clone();
            move |part| told.lock().unwrap().push(part)
        };
        let pool = Pool::new(note, || {});
        (pool, told)
    }

    /// Has blocks wait for the device until no more may.
    fn fill(seat: &Seat) -> Vec<Block> {
        let queued = || {
            let mut block = seat.take(LARGEST)?;
            block.queue();
            Some(block)
        };
        std::iter::from_fn(queued).collect()
    }

    #[test]
    fn a_block_has_the_room_that_was_asked_for_and_no_more_than_the_largest() {
        let (pool, _) = pool();
        let seat = pool.join(PartId(1));
        let mut block = seat.take(40_000).unwrap();
        assert_eq!(block.room(), 40_000);
        block.extend(b"12345");
        assert_eq!(block.room(), 39_995);
        assert_eq!(block.bytes(), b"12345");
        assert_eq!(seat.take(10_000_000).unwrap().room(), LARGEST);
    }

    #[test]
    fn the_bounds_hold_and_grow_with_the_parts() {
        for (is_queued, bound) in [(false, FILLING_BOUND), (true, BASE_BOUND)] {
            let (pool, _) = pool();
            let take = |seat: &Seat| {
                let mut block = seat.take(LARGEST)?;
                if is_queued {
                    block.queue();
                }
                Some(block)
            };
            let one = pool.join(PartId(1));
            let blocks: Vec<_> = std::iter::from_fn(|| take(&one)).collect();
            assert_eq!(blocks.len(), bound / LARGEST + 1);
            assert!(one.take(1).is_none());
            let two = pool.join(PartId(2));
            let _last = take(&two).unwrap();
            assert!(two.take(SMALLEST).is_none());
        }
    }

    #[test]
    fn an_allocation_is_used_again_without_a_new_one() {
        let (pool, _) = pool();
        let seat = pool.join(PartId(1));
        let mut block = seat.take(LARGEST).unwrap();
        block.extend(b"old");
        let first = block.bytes().as_ptr();
        drop(block);
        let mut again = seat.take(LARGEST).unwrap();
        assert!(again.bytes().is_empty());
        again.extend(b"new");
        assert_eq!(again.bytes().as_ptr(), first);
    }

    #[test]
    fn idle_small_blocks_give_way_to_large_ones() {
        let (pool, _) = pool();
        let seat = pool.join(PartId(1));
        let small: Vec<_> = std::iter::from_fn(|| seat.take(SMALLEST)).collect();
        let half = small.len() * SMALLEST / 2;
        drop(small);
        assert!(half > BASE_BOUND && pool.lock().idle == half, "{:?}", pool.lock());
        let mut queued: Vec<_> = (0..BASE_BOUND / LARGEST).map(|_| seat.take(LARGEST).unwrap()).collect();
        queued.iter_mut().for_each(Block::queue);
        let filling: Vec<_> = std::iter::from_fn(|| seat.take(LARGEST)).collect();
        assert_eq!(filling.len(), FILLING_BOUND / LARGEST + 1);
        let state = pool.lock();
        assert!(state.idle <= LARGEST && state.idle + state.used <= state.bound(), "{state:?}");
    }

    #[test]
    fn who_was_refused_is_told_in_turn_as_soon_as_there_is_room_for_it() {
        let (pool, told) = pool();
        let one = pool.join(PartId(1));
        let two = pool.join(PartId(2));
        let mut blocks: Vec<_> = std::iter::from_fn(|| one.take(LARGEST)).collect();
        assert!(two.take(LARGEST).is_none());
        assert!(two.take(LARGEST).is_none(), "asking twice is waiting once");
        blocks.pop();
        assert_eq!(*told.lock().unwrap(), [PartId(1)], "the first refused was the one that took all");
        blocks.pop();
        assert_eq!(*told.lock().unwrap(), [PartId(1), PartId(2)]);
        blocks.pop();
        assert_eq!(told.lock().unwrap().len(), 2);
    }

    #[test]
    fn behind_a_backlog_nobody_is_told_before_half_of_it_is_written() {
        let (pool, told) = pool();
        let one = pool.join(PartId(1));
        let mut blocks = fill(&one);
        assert!(!one.has_room());
        while blocks.len() * LARGEST > WAKE_BACKLOG {
            assert!(told.lock().unwrap().is_empty(), "{} blocks wait", blocks.len());
            blocks.pop();
        }
        assert_eq!(*told.lock().unwrap(), [PartId(1)]);
        assert!(one.has_room());
        drop(blocks);
        let state = pool.lock();
        assert_eq!((state.queued, state.used), (0, 0));
    }

    #[test]
    fn a_device_is_waited_for_where_the_last_one_refused_had_room_soon() {
        let (pool, told) = pool();
        let one = pool.join(PartId(1));
        let hour = Duration::from_secs(3_600);
        for (since, is_quick) in [(Instant::now() - hour, false), (Instant::now() + hour, true)] {
            let blocks = fill(&one);
            pool.lock().refused_since = Some(since);
            drop(blocks);
            assert_eq!(pool.lock().is_quick, is_quick);
        }
        assert_eq!(told.lock().unwrap().len(), 2);

        let mut blocks: Vec<_> = (0..=BASE_BOUND / LARGEST).filter_map(|_| one.take(LARGEST)).collect();
        blocks.iter_mut().for_each(Block::queue);
        // Written while it is waited for, as by the thread of the device.
        let writing = std::thread::spawn({
            let (pool, begin) = (pool.clone(), Instant::now());
            move || {
                // Where this thread gets no core while it is waited for, that was in vain.
                let is_asked_for = |state: &State| state.is_waited_for || !state.refused.is_empty();
                while !is_asked_for(&pool.lock()) {
                    assert!(begin.elapsed() < Duration::from_secs(20), "nobody waits");
                    std::thread::yield_now();
                }
                drop(blocks);
            }
        });
        let given = one.take(LARGEST);
        writing.join().unwrap();
        // What was refused after all was told.
        assert_ne!(given.is_some(), told.lock().unwrap().len() == 3);
        assert!(!pool.lock().is_waited_for);
    }

    #[test]
    fn a_device_that_stalls_is_waited_for_once() {
        let hurried = Arc::new(Mutex::new(0));
        let hurry = hurried.clone();
        let pool = Pool::new(|_| {}, move || *hurry.lock().unwrap() += 1);
        let one = pool.join(PartId(1));
        pool.lock().is_quick = true;
        let blocks = fill(&one);
        assert_eq!(*hurried.lock().unwrap(), 2, "to wait, and when that was in vain");
        assert!((0..10).all(|_| one.take(LARGEST).is_none()));
        assert_eq!(*hurried.lock().unwrap(), 12, "refused at once");
        drop(blocks);
    }

    #[test]
    fn nothing_is_kept_when_the_last_part_is_gone() {
        let (pool, _) = pool();
        let seat = pool.join(PartId(1));
        let late = seat.take(LARGEST).unwrap();
        drop(seat.take(LARGEST).unwrap());
        drop(seat);
        drop(late);
        let state = pool.lock();
        assert_eq!((state.idle, state.used), (0, 0));
        assert!(state.free.iter().all(Vec::is_empty));
    }
}

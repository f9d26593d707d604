// SPDX-License-Identifier: GPL-3.0-or-later
//! Where the body of a proven answer goes: gathered into blocks that end at aligned offsets, and
//! handed to the disk. The same for libcurl and for scripted transports.

use std::rc::Rc;

use crate::engine::disk::{Block, Disk};
use crate::engine::error::{Failure, FailureKind};
use crate::engine::types::PartId;

/// The largest block: libcurl hands over at most 16 KiB at a time, but writes of 256 KiB at aligned
/// offsets cost half as much of the kernel (docs/performance.md).
pub const LARGEST_BLOCK: usize = 256 * 1024;
/// The first block of a transfer: enough for small files, and little for many slow transfers.
const FIRST_BLOCK: usize = 16 * 1024;

/// So many blocks of a slow transfer fill up between two calls of [`Sink::pace`].
const BLOCKS_A_PACE: usize = 2;

/// What came of bytes that were offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Took {
    /// All of them.
    All,
    /// None: the disk's pool is used up. Offer them again later.
    NoRoom,
    /// None: the part is not attached yet, and there is no room for more until then.
    NoPart,
    /// None: the body is longer than was announced.
    TooMuch,
    /// None: the body does not begin with the bytes that are here already.
    Other,
}

/// What [`Took::TooMuch`] comes to.
pub fn too_much() -> Failure {
    Failure::new(FailureKind::Protocol, "the body is longer than was announced")
}

/// What [`Took::Other`] comes to.
pub fn other_file() -> Failure {
    let detail = "its bytes are others, where those begin that are missing";
    Failure::new(FailureKind::ChangedOnServer, detail)
}

/// A body on its way to a part file.
pub struct Sink {
    disk: Rc<dyn Disk>,
    part: Option<PartId>,
    /// Whose blocks hold what comes before there is a part: that of a small file, or a first block.
    likely_part: Option<PartId>,
    /// What is still to come of the bytes that are here already.
    overlap: Vec<u8>,
    block: Option<Block>,
    /// Where the next byte belongs.
    next: u64,
    /// Where the body ends; no byte is taken beyond it.
    end: Option<u64>,
    /// How large the next block will be: doubled while they fill up quickly, up to...
    size: usize,
    /// ...what fits the speed...
    largest: usize,
    /// ...which has gone up where so many of them were filled.
    filled: usize,
    /// The last block was handed over as one that nothing waits for.
    is_unheard: bool,
}

impl std::fmt::Debug for Sink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sink").field("part", &self.part).field("next", &self.next).finish_non_exhaustive()
    }
}

impl Sink {
    pub fn new(disk: Rc<dyn Disk>) -> Self {
        Self {
            disk,
            part: None,
            likely_part: None,
            overlap: Vec::new(),
            block: None,
            next: 0,
            end: None,
            size: FIRST_BLOCK,
            largest: LARGEST_BLOCK,
            filled: 0,
            is_unheard: false,
        }
    }

    /// The answer has proven itself: its body begins at `start` and ends at `end`.
    pub fn begin(&mut self, start: u64, end: Option<u64>) {
        self.next = start;
        self.end = end;
    }

    /// The part that will probably be attached.
    pub fn meant_for(&mut self, part: Option<PartId>) {
        self.likely_part = part;
    }

    /// The body has to begin with these bytes, which are here already.
    pub fn expect(&mut self, overlap: Vec<u8>) {
        self.overlap = overlap;
    }

    /// The offset behind the last byte that is with the disk; `None` as long as it has no part.
    pub fn handed_over(&self) -> Option<u64> {
        let waiting = self.block.as_ref().map_or(0, |block| block.bytes().len());
        self.part.map(|_| self.next - waiting as u64)
    }

    /// The offset behind the last byte taken.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The offset behind the last byte of the body, where that was told.
    pub fn end(&self) -> Option<u64> {
        self.end
    }

    pub fn part(&self) -> Option<PartId> {
        self.part
    }

    /// Where the bytes go. What came before is handed on.
    pub fn attach(&mut self, part: PartId) {
        self.part = Some(part);
        if self.block.as_ref().is_some_and(|block| block.room() == 0) {
            self.hand_over(self.end == Some(self.next));
        }
    }

    /// Offers bytes; all or none of them are taken.
    pub fn take(&mut self, bytes: &[u8]) -> Took {
        let (known, fresh) = bytes.split_at(self.overlap.len().min(bytes.len()));
        if !self.overlap.starts_with(known) {
            return Took::Other;
        }
        self.next += known.len() as u64;
        let took = if fresh.is_empty() { Took::All } else { self.take_fresh(fresh) };
        if took == Took::All {
            self.overlap.drain(..known.len());
        } else {
            self.next -= known.len() as u64;
        }
        took
    }

    fn take_fresh(&mut self, bytes: &[u8]) -> Took {
        if self.end.is_some_and(|end| self.next + bytes.len() as u64 > end) {
            return Took::TooMuch;
        }
        let Some(part) = self.part else { return self.take_early(bytes) };
        let room = self.block.as_ref().map_or(0, Block::room);
        let mut spare = None;
        if room < bytes.len() {
            // Take a second block before anything is changed: all or nothing.
            let at = self.next + room as u64;
            spare = self.disk.block(part, self.size_at(at).max(bytes.len() - room));
            if spare.is_none() {
                // While this waits, its half-full block must not keep others waiting.
                self.flush();
                return Took::NoRoom;
            }
        }
        let (head, tail) = bytes.split_at(room.min(bytes.len()));
        if let Some(block) = &mut self.block {
            block.extend(head);
        }
        self.next += head.len() as u64;
        if let Some(mut fresh) = spare {
            self.hand_over(false);
            fresh.extend(tail);
            self.next += tail.len() as u64;
            self.block = Some(fresh);
            self.filled += 1;
            if self.filled > 2 * BLOCKS_A_PACE {
                (self.largest, self.filled) = ((self.largest * 2).min(LARGEST_BLOCK), 0);
            }
            self.size = (self.size * 2).min(self.largest);
        }
        if self.block.as_ref().is_some_and(|block| block.room() == 0) {
            self.hand_over(self.end == Some(self.next));
        }
        Took::All
    }

    /// Keeps what comes before there is a part: of a small file all, so that it need not stop for that.
    fn take_early(&mut self, bytes: &[u8]) -> Took {
        if self.block.is_none() {
            let whole = self.end.and_then(|end| usize::try_from(end.saturating_sub(self.next)).ok());
            let size = whole.filter(|size| *size <= LARGEST_BLOCK).unwrap_or(FIRST_BLOCK);
            self.block = match self.likely_part {
                Some(part) => self.disk.block(part, size),
                None => Some(Block::detached(size)),
            };
        }
        match self.block.as_mut().filter(|block| block.room() >= bytes.len()) {
            Some(block) => {
                block.extend(bytes);
                self.next += bytes.len() as u64;
                Took::All
            }
            None => Took::NoPart,
        }
    }

    /// Hands over what there is: at the end, and when the transfer is slow.
    pub fn flush(&mut self) {
        if self.is_unheard && self.block.is_none() {
            // Nothing is left to be written, but the end waits for what was.
            self.block = Some(Block::detached(0));
        }
        self.hand_over(true);
    }

    /// Hands over the block; `is_awaited`: something waits until it is written.
    fn hand_over(&mut self, is_awaited: bool) {
        let Some(part) = self.part else { return };
        let Some(mut block) = self.block.take() else { return };
        let length = block.bytes().len() as u64;
        if length == 0 && !self.is_unheard {
            return;
        }
        if is_awaited {
            block.await_it();
        }
        if self.end == Some(self.next) {
            block.end_with_it();
        }
        self.is_unheard = !is_awaited;
        self.disk.write(part, self.next - length, block);
    }

    /// Called about once a second, with how many bytes came since the last time. What came of a slow
    /// transfer is handed over, and its next blocks fill up a few times until then: each holds memory
    /// meanwhile, and one size for all of them is used again.
    pub fn pace(&mut self, came: u64) {
        self.filled = 0;
        let Some(came) = usize::try_from(came).ok().filter(|came| *came < LARGEST_BLOCK) else { return };
        // Nothing waits for it: the next journal comes later, see `Book::save_part`.
        self.hand_over(false);
        self.largest = (came / BLOCKS_A_PACE).next_power_of_two().clamp(FIRST_BLOCK, LARGEST_BLOCK);
        self.size = self.largest;
    }

    /// Whether there would be room for more.
    pub fn has_room(&self) -> bool {
        match (self.part, &self.block) {
            (Some(part), None) => self.disk.has_room(part),
            (Some(part), Some(block)) => block.room() >= FIRST_BLOCK || self.disk.has_room(part),
            (None, _) => false,
        }
    }

    /// Whether everything that was taken has gone to the disk.
    pub fn is_settled(&self) -> bool {
        self.block.is_none()
    }

    /// The size of a block at this offset: up to the next multiple of the present size.
    fn size_at(&self, offset: u64) -> usize {
        let size = self.size as u64;
        let aligned = size - offset % size;
        let left = self.end.map_or(aligned, |end| end.saturating_sub(offset).max(1));
        usize::try_from(aligned.min(left)).unwrap_or(self.size)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::path::PathBuf;

    use proptest::prelude::*;

    use super::*;
    use crate::engine::disk::{Carry, Finish, Journal, Look, Open};
    use crate::engine::download::spec::Checksum;
    use crate::engine::types::ByteRange;

    /// Keeps what is written, and refuses every so many blocks.
    #[derive(Default)]
    struct Memory {
        writes: RefCell<Vec<(u64, Vec<u8>)>>,
        asked: Cell<usize>,
        refuse_each: usize,
    }

    impl Memory {
        fn bytes_from(&self, start: u64) -> Vec<u8> {
            let mut all = Vec::new();
            for (offset, bytes) in self.writes.borrow().iter() {
                assert_eq!(*offset, start + all.len() as u64, "in order, without gaps");
                all.extend_from_slice(bytes);
            }
            all
        }
    }

    impl Disk for Memory {
        fn look(&self, _: PartId, _: Look) {}
        fn has_nothing(&self, _: PartId, _: &Look) -> bool {
            false
        }
        fn open(&self, _: PartId, _: Open) {}
        fn block(&self, _: PartId, size: usize) -> Option<Block> {
            self.asked.set(self.asked.get() + 1);
            let refuses = self.refuse_each > 0 && self.asked.get().is_multiple_of(self.refuse_each);
            (!refuses).then(|| Block::detached(size))
        }
        fn has_room(&self, _: PartId) -> bool {
            true
        }
        fn write(&self, _: PartId, offset: u64, block: Block) {
            self.writes.borrow_mut().push((offset, block.bytes().to_vec()));
        }
        fn save(&self, _: PartId, _: Journal) {}
        fn check(&self, _: PartId, _: ByteRange, _: Checksum) {}
        fn read(&self, _: PartId, _: ByteRange) {}
        fn finish(&self, _: PartId, _: Finish) {}
        fn close(&self, _: PartId) {}
        fn carry(&self, _: PartId, _: Carry) {}
        fn give_up(&self, _: PartId) {}
        fn delete(&self, _: PathBuf) {}
    }

    fn body(length: usize) -> Vec<u8> {
        (0..length).map(|offset| (offset * 7 % 253) as u8).collect()
    }

    #[test]
    fn a_fast_body_comes_in_large_blocks_that_end_at_aligned_offsets() {
        let disk = Rc::new(Memory::default());
        let mut sink = Sink::new(disk.clone());
        sink.begin(0, None);
        sink.attach(PartId(1));
        // The first piece of an answer is short by its head, as with libcurl.
        for piece in std::iter::once(16_000).chain(std::iter::repeat_n(16_384, 200)) {
            assert_eq!(sink.take(&body(piece)), Took::All);
        }
        let writes = disk.writes.borrow();
        let large = writes.iter().filter(|(_, bytes)| bytes.len() == LARGEST_BLOCK).count();
        assert!(large >= 9, "{:?}", writes.iter().map(|(_, bytes)| bytes.len()).collect::<Vec<_>>());
        let aligned =
            |(offset, bytes): &&(u64, Vec<u8>)| (offset + bytes.len() as u64).is_multiple_of(LARGEST_BLOCK as u64);
        assert!(writes.iter().skip(5).all(|write| aligned(&write)));
    }

    #[test]
    fn blocks_fit_the_speed_and_what_is_slow_is_handed_over_once_a_second() {
        let disk = Rc::new(Memory::default());
        let mut sink = Sink::new(disk.clone());
        sink.begin(0, None);
        sink.attach(PartId(1));
        let mut second = |bytes: usize| {
            disk.writes.borrow_mut().clear();
            for _ in 0..bytes / 8192 {
                assert_eq!(sink.take(&body(8192)), Took::All);
            }
            sink.pace(bytes as u64);
            disk.writes.borrow().iter().map(|(_, bytes)| bytes.len()).collect::<Vec<_>>()
        };
        second(196_608);
        // Up to an aligned offset, then a whole one; what is left comes after.
        assert_eq!(second(196_608), [65_536, 131_072]);
        assert_eq!(second(172_032), [131_072, 40_960]);
        assert_eq!(second(0), [0; 0]);
        let fast = second(8 << 20);
        assert_eq!((fast[0], *fast.last().unwrap()), (16 * 1024 - 8192, LARGEST_BLOCK), "{fast:?}");
        assert!(fast.len() < 70, "{fast:?}");
    }

    #[test]
    fn a_small_body_is_kept_as_a_whole_until_there_is_a_part_and_of_a_larger_one_a_first_block() {
        let disk = Rc::new(Memory::default());
        let mut sink = Sink::new(disk.clone());
        sink.meant_for(Some(PartId(1)));
        sink.begin(0, Some(40_000));
        let all = body(40_000);
        for piece in all.chunks(16_000) {
            assert_eq!(sink.take(piece), Took::All);
        }
        assert!(disk.writes.borrow().is_empty() && !sink.is_settled());
        sink.flush();
        assert!(!sink.is_settled(), "there is nowhere to hand it to yet");
        sink.attach(PartId(1));
        assert!(sink.is_settled());
        assert_eq!(*disk.writes.borrow(), [(0, all)]);

        for end in [None, Some(LARGEST_BLOCK as u64 + 1)] {
            let mut sink = Sink::new(Rc::new(Memory::default()));
            sink.begin(0, end);
            assert_eq!((sink.take(&body(16_000)), sink.take(&body(16_000))), (Took::All, Took::NoPart));
        }
    }

    #[test]
    fn nothing_is_taken_beyond_the_end() {
        let mut sink = Sink::new(Rc::new(Memory::default()));
        sink.begin(10, Some(15));
        sink.attach(PartId(1));
        assert_eq!(sink.take(b"123456"), Took::TooMuch);
        assert_eq!(sink.take(b"12345"), Took::All);
        assert_eq!(sink.take(b"6"), Took::TooMuch);
    }

    #[test]
    fn nothing_is_taken_of_a_body_that_does_not_begin_with_what_is_here() {
        let disk = Rc::new(Memory::default());
        let mut sink = Sink::new(disk.clone());
        sink.begin(7, Some(15));
        sink.expect(b"abcd".to_vec());
        sink.attach(PartId(1));
        assert_eq!((sink.take(b"ab"), sink.next()), (Took::All, 9));
        assert_eq!((sink.take(b"cX56"), sink.next()), (Took::Other, 9));
        assert_eq!(sink.handed_over(), Some(9));
        assert_eq!((sink.take(b"cd1234"), sink.next()), (Took::All, 15));
        sink.flush();
        assert_eq!(disk.bytes_from(11), b"1234");
    }

    proptest! {
        /// Whatever the sizes, whenever the part is attached, however often the disk refuses.
        #[test]
        fn every_byte_arrives_once_and_in_order(
            sizes in proptest::collection::vec(0_usize..20_000, 0..60),
            attach_after in 0_usize..4,
            refuse_each in 0_usize..5,
            flush_each in 1_usize..9,
            overlap in 0_usize..50_000,
        ) {
            let refuse_each = if refuse_each == 1 { 2 } else { refuse_each };
            let disk = Rc::new(Memory { refuse_each, ..Memory::default() });
            let mut sink = Sink::new(disk.clone());
            let all = body(sizes.iter().sum());
            let overlap = overlap.min(all.len());
            // The first bytes are here already; what the disk gets begins behind them.
            sink.begin(0, None);
            sink.expect(all[..overlap].to_vec());
            let mut at = 0;
            for (number, size) in sizes.iter().enumerate() {
                if number == attach_after {
                    sink.attach(PartId(1));
                }
                let mut tries = 0;
                loop {
                    match sink.take(&all[at..at + size]) {
                        Took::All => break,
                        Took::NoPart => sink.attach(PartId(1)),
                        Took::NoRoom => {}
                        Took::TooMuch => prop_assert!(false, "no end was told"),
                        Took::Other => prop_assert!(false, "they are the same"),
                    }
                    tries += 1;
                    prop_assert!(tries < 10);
                }
                at += size;
                prop_assert_eq!(sink.next(), at as u64);
                if number % flush_each == 0 {
                    sink.pace(*size as u64);
                }
            }
            for _ in 0..4 {
                sink.attach(PartId(1));
                sink.flush();
            }
            prop_assert!(sink.is_settled());
            prop_assert_eq!(disk.bytes_from(overlap as u64), &all[overlap..]);
        }
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! A virtual storage device: what processes see (the page cache) beside what is durable. A power cut
//! leaves what is durable, of each write that was not synced all, nothing or its first sectors, and
//! of the changes to names that were not synced the first few (journalling file systems keep their
//! order).

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use freshet::engine::disk::Journal;
use freshet::engine::plan::ranges::RangeSet;
use freshet::engine::types::ByteRange;

use super::content::Version;
use super::random::Random;

const SECTOR: usize = 4096;
/// A device whose operations take at most so many microseconds is quick.
pub const QUICK: u64 = 300;
/// With so much free, no write of these worlds fails for want of room.
const PLENTY: u64 = 256 * 1024 * 1024;

pub type Inode = u64;

/// A file whose bytes change.
#[derive(Debug, Default)]
pub struct Data {
    pub cache: Vec<u8>,
    pub durable: Vec<u8>,
    /// Written since the last sync, in order.
    dirty: Vec<Range<usize>>,
    allocated: u64,
    /// Durable bytes that were compared with this version, so that it is done once.
    proven: Option<(Version, RangeSet)>,
    /// It was there when a process or the machine died.
    pub is_survivor: bool,
}

/// A journal: what its last line says, and the last one that is durable. New ones are synced before they
/// get their name, and lines carry checksums, so that there always is one.
#[derive(Debug)]
struct Log {
    cache: Rc<Journal>,
    durable: Rc<Journal>,
}

#[derive(Clone, Debug)]
enum Change {
    Link(PathBuf, Inode),
    Unlink(PathBuf),
    Rename(PathBuf, PathBuf),
}

#[derive(Debug, Default)]
pub struct Device {
    pub files: BTreeMap<Inode, Data>,
    journals: BTreeMap<Inode, Log>,
    pub names: BTreeMap<PathBuf, Inode>,
    pub durable_names: BTreeMap<PathBuf, Inode>,
    changes: Vec<Change>,
    next_inode: Inode,
    /// Bytes that are free.
    pub free: u64,
    /// How often an operation fails, per mille.
    pub errors: u64,
    /// How long operations take: microseconds for each, from and to.
    pub pace: (u64, u64),
    /// When room, errors or pace last changed.
    pub disturbed_at: Duration,
    /// Syncing a file makes the changes of names before it durable too, as with ext4.
    pub syncs_names: bool,
}

impl Device {
    pub fn new(free: u64, pace: (u64, u64), syncs_names: bool) -> Self {
        Self { free, pace, syncs_names, ..Self::default() }
    }

    /// A file from before this story, durable.
    pub fn place(&mut self, path: PathBuf, bytes: Vec<u8>) {
        let inode = self.new_inode();
        self.files.insert(inode, Data { durable: bytes.clone(), cache: bytes, ..Data::default() });
        self.names.insert(path.clone(), inode);
        self.durable_names.insert(path, inode);
    }

    /// Whether it has been quick and sound since then.
    pub fn is_calm_since(&self, since: Duration) -> bool {
        self.disturbed_at <= since && self.errors == 0 && self.pace.1 <= QUICK && self.free >= PLENTY
    }

    fn new_inode(&mut self) -> Inode {
        self.next_inode += 1;
        self.next_inode
    }

    pub fn exists(&self, path: &Path) -> bool {
        self.names.contains_key(path)
    }

    pub fn data(&self, path: &Path) -> Option<&Data> {
        self.files.get(self.names.get(path)?)
    }

    pub fn journal(&self, part_path: &Path) -> Option<Rc<Journal>> {
        Some(self.journals.get(self.names.get(&Journal::path_of(part_path))?)?.cache.clone())
    }

    pub fn create(&mut self, path: &Path) -> Inode {
        let inode = self.new_inode();
        self.files.insert(inode, Data::default());
        self.change(Change::Link(path.to_owned(), inode));
        inode
    }

    /// Puts a journal in place of the one before. `false`: there is no room.
    pub fn write_journal(&mut self, part_path: &Path, journal: Journal) -> bool {
        if self.free < SECTOR as u64 {
            return false;
        }
        let inode = self.new_inode();
        let journal = Rc::new(journal);
        self.journals.insert(inode, Log { cache: journal.clone(), durable: journal });
        self.change(Change::Link(Journal::path_of(part_path), inode));
        true
    }

    fn log(&mut self, part_path: &Path) -> Option<&mut Log> {
        self.journals.get_mut(self.names.get(&Journal::path_of(part_path))?)
    }

    /// Adds a line to the journal that is there. `false`: there is no room.
    pub fn append_journal(&mut self, part_path: &Path, journal: Journal) -> bool {
        let has_room = self.free >= SECTOR as u64;
        if let Some(log) = self.log(part_path).filter(|_| has_room) {
            log.cache = Rc::new(journal);
        }
        has_room
    }

    pub fn sync_journal(&mut self, part_path: &Path) {
        if let Some(log) = self.log(part_path) {
            log.durable = log.cache.clone();
        }
        if self.syncs_names {
            self.sync_names();
        }
    }

    pub fn rename(&mut self, from: &Path, to: &Path) {
        self.change(Change::Rename(from.to_owned(), to.to_owned()));
    }

    pub fn unlink(&mut self, path: &Path) {
        if self.exists(path) {
            self.change(Change::Unlink(path.to_owned()));
        }
    }

    fn change(&mut self, change: Change) {
        apply(&mut self.names, &change);
        self.changes.push(change);
        self.collect();
    }

    pub fn sync_names(&mut self) {
        for change in self.changes.drain(..) {
            apply(&mut self.durable_names, &change);
        }
        self.collect();
    }

    /// Frees what has no name any more, not even after a power cut. What a process has open stays
    /// until then too, which is longer than it has to.
    fn collect(&mut self) {
        if !self.changes.is_empty() {
            return;
        }
        let (names, durable) = (&self.names, &self.durable_names);
        let is_named = |inode: &Inode| names.values().chain(durable.values()).any(|named| named == inode);
        let mut freed = 0;
        self.files.retain(|inode, data| {
            let is_kept = is_named(inode);
            freed += if is_kept { 0 } else { data.allocated };
            is_kept
        });
        self.journals.retain(|inode, _| is_named(inode));
        self.free += freed;
    }

    /// How many bytes are missing for a file to become this long.
    pub fn missing(&self, inode: Inode, total: u64) -> u64 {
        let allocated = self.files.get(&inode).map_or(0, |data| data.allocated);
        total.saturating_sub(allocated).saturating_sub(self.free)
    }

    /// Takes room for a file of this length; there must be so much.
    pub fn allocate(&mut self, inode: Inode, total: u64) {
        if let Some(data) = self.files.get_mut(&inode) {
            let more = total.saturating_sub(data.allocated);
            data.allocated += more;
            self.free -= more;
        }
    }

    /// Writes; `false`: there is no room, and nothing was written.
    pub fn write(&mut self, inode: Inode, offset: u64, bytes: &[u8]) -> bool {
        let Some(data) = self.files.get_mut(&inode) else { return true };
        let range = offset as usize..offset as usize + bytes.len();
        let more = (range.end as u64).saturating_sub(data.allocated);
        if more > self.free {
            return false;
        }
        data.allocated += more;
        self.free -= more;
        if data.cache.len() < range.end {
            data.cache.resize(range.end, 0);
        }
        data.cache[range.clone()].copy_from_slice(bytes);
        match data.dirty.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => data.dirty.push(range),
        }
        true
    }

    pub fn cut(&mut self, inode: Inode, length: u64) {
        if let Some(data) = self.files.get_mut(&inode) {
            data.cache.truncate(length as usize);
        }
    }

    pub fn sync(&mut self, inode: Inode) {
        if let Some(data) = self.files.get_mut(&inode) {
            data.sync();
        }
        if self.syncs_names {
            self.sync_names();
        }
    }

    /// The device fails while it syncs: the kernel calls the pages clean all the same.
    pub fn fail_sync(&mut self, inode: Inode) {
        if let Some(data) = self.files.get_mut(&inode) {
            data.dirty.clear();
        }
    }

    /// The process has died.
    pub fn mark_survivors(&mut self) {
        for data in self.files.values_mut() {
            data.is_survivor = true;
        }
    }

    pub fn cut_power(&mut self, random: &mut Random) {
        let kept = random.below(self.changes.len() as u64 + 1) as usize;
        for change in self.changes.drain(..).take(kept) {
            apply(&mut self.durable_names, &change);
        }
        self.names = self.durable_names.clone();
        for data in self.files.values_mut() {
            data.cut_power(random);
        }
        for log in self.journals.values_mut() {
            if random.percent(50) {
                log.durable = log.cache.clone();
            }
            log.cache = log.durable.clone();
        }
        self.collect();
        self.mark_survivors();
    }
}

fn apply(names: &mut BTreeMap<PathBuf, Inode>, change: &Change) {
    match change {
        Change::Link(path, inode) => {
            names.insert(path.clone(), *inode);
        }
        Change::Unlink(path) => {
            names.remove(path);
        }
        Change::Rename(from, to) => {
            if let Some(inode) = names.remove(from) {
                names.insert(to.clone(), inode);
            }
        }
    }
}

impl Data {
    fn sync(&mut self) {
        for range in std::mem::take(&mut self.dirty) {
            self.make_durable(range);
        }
        self.durable.truncate(self.cache.len());
    }

    fn make_durable(&mut self, range: Range<usize>) {
        let range = range.start.min(self.cache.len())..range.end.min(self.cache.len());
        if self.durable.len() < range.end {
            self.durable.resize(range.end, 0);
        }
        let touches = |known: ByteRange| known.start < range.end as u64 && (range.start as u64) < known.end;
        if self.proven.as_ref().is_some_and(|(_, proven)| proven.iter().any(touches)) {
            self.proven = None;
        }
        self.durable[range.clone()].copy_from_slice(&self.cache[range]);
    }

    fn cut_power(&mut self, random: &mut Random) {
        let full = self.cache.len();
        for range in std::mem::take(&mut self.dirty) {
            let length = match random.below(4) {
                0 => 0,
                1 => range.len(),
                _ => random.below(range.len() as u64 + 1) as usize / SECTOR * SECTOR,
            };
            self.make_durable(range.start..range.start + length);
        }
        // The length may have become durable without the bytes.
        if random.percent(25) && self.durable.len() < full {
            self.durable.resize(full, 0);
        }
        self.cache = self.durable.clone();
    }

    /// Whether these bytes are durable and this version's.
    pub fn has_durably(&mut self, version: Version, claimed: &[ByteRange]) -> bool {
        let mut proven = match self.proven.take() {
            Some((of, proven)) if of == version => proven,
            _ => RangeSet::default(),
        };
        for range in claimed {
            let known: Vec<_> = proven.gaps(range.end).collect();
            for gap in known {
                let (start, end) = (gap.start.max(range.start), gap.end.min(range.end));
                if start >= end {
                    continue;
                }
                let bytes = self.durable.get(start as usize..end as usize);
                if !bytes.is_some_and(|bytes| version.has(start, bytes)) {
                    return false;
                }
                proven.insert(ByteRange::new(start, end));
            }
        }
        self.proven = Some((version, proven));
        true
    }
}

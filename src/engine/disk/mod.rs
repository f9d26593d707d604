// SPDX-License-Identifier: GPL-3.0-or-later
//! What the engine asks of the disk and what the disk answers. No call here waits for a device:
//! each puts a job into the queue of the target's device (`disk_threads.rs`), jobs of one part are
//! done in the order they were given, and answers come back on the main loop.
//!
//! A device has a thread that writes (`writer.rs`), one that waits until what was written is durable
//! (`syncer.rs`), and one that computes checksums (`sum.rs`), so that the first never waits. Each folder to which
//! part files are taken (`carry.rs`) has one for that.

pub mod block;
mod carry;
mod device;
mod disk_threads;
mod epoch;
mod folder;
mod follower;
mod job;
pub mod journal;
mod lock;
mod log;
mod mailbox;
pub mod naming;
mod open;
mod part_file;
mod place;
mod record;
mod room;
pub mod sandbox;
mod sum;
mod syncer;
mod turns;
mod writer;

use std::path::PathBuf;
use std::time::SystemTime;

pub use block::Block;
pub use disk_threads::DiskThreads;
pub use folder::{address, check_folder};
pub use journal::{Journal, JournalError};
pub use open::open;
pub use place::placed;
use url::Url;

use super::download::spec::{Checksum, OnExists};
use super::error::Failure;
use super::types::{ByteRange, PartId};

/// The disk as the engine sees it: threads and files, or in tests a virtual one.
pub trait Disk {
    /// What is there of this download? Opens nothing for writing. Answer: [`Reply::Looked`].
    /// Later calls with this `part` go to the device of `look.folder`.
    fn look(&self, part: PartId, look: Look);

    /// [`Disk::look`] answered at once, where nothing would be found and nothing complained of by what was seen in
    /// the folder a moment ago; asks no device. `false`: have it looked for.
    fn has_nothing(&self, part: PartId, look: &Look) -> bool;

    /// What is given from now on may wait until [`Disk::release`], so that threads are woken once for all of it.
    fn hold(&self) {}

    /// The end of that.
    fn release(&self) {}

    /// Create a part file, or open the one found. Answer: [`Reply::Opened`], or
    /// [`Reply::Failed`] and none to what is given for this part after it.
    fn open(&self, part: PartId, open: Open);

    /// Room for up to `size` bytes that came for this part; `None` when the pool of its device is
    /// used up. Then stop reading, and go on after the next [`Reply::Written`].
    fn block(&self, part: PartId, size: usize) -> Option<Block>;

    /// Whether [`Disk::block`] would give one. After it has refused, this says no until a good part
    /// of the pool is free again, so that transfers do not stop and go for every block.
    fn has_room(&self, part: PartId) -> bool;

    /// Write a block at this offset of the part file. May be called before `Opened` came: jobs are
    /// done in order. Answer: [`Reply::Written`], or once for the part [`Reply::Failed`], after
    /// which all its further writes are dropped.
    fn write(&self, part: PartId, offset: u64, block: Block);

    /// Make what was written durable (`fdatasync`), then the journal that claims it. Of the writes
    /// told of by [`Reply::Written`] before this call only those in `journal.done` are claimed from
    /// now on: to leave one out is to disown it. Answer: [`Reply::Saved`] or [`Reply::Failed`].
    fn save(&self, part: PartId, journal: Journal);

    /// Whether these bytes of the part file have this checksum, as far as they were given to be
    /// written before. Computed beside the writes that follow; one of them to the same bytes makes
    /// the answer meaningless. Answer: [`Reply::Checked`] or [`Reply::Failed`].
    fn check(&self, part: PartId, range: ByteRange, wanted: Checksum);

    /// What these bytes of the part file are, as far as they were given to be written before. For
    /// samples: of more than [`MOST_READ`] only the first are read. Answer: [`Reply::Read`] or
    /// [`Reply::Failed`], also where the file ends before.
    fn read(&self, part: PartId, range: ByteRange);

    /// Check length and checksum, sync, and move into place. Answer: [`Reply::Finished`] or
    /// [`Reply::Failed`] (the part file then stays).
    fn finish(&self, part: PartId, finish: Finish);

    /// Forget the part: close its file after the writes given before. Keeps what is on disk.
    fn close(&self, part: PartId);

    /// Take a part file and its journal, which this process has open no more, to another folder: at once where
    /// both are on one file system, else by copying what of it is here. At each moment one of the two places
    /// has all of it. Answer: [`Reply::Carried`], or [`Reply::Failed`] and all is where it was; while it
    /// is copied [`Reply::Carrying`].
    fn carry(&self, part: PartId, carry: Carry);

    /// Nobody wants any more what was asked for by [`Disk::carry`]. It is answered all the same.
    fn give_up(&self, part: PartId);

    /// Delete a part file and its journal, which this process has open no more. One that another
    /// process has continued is kept. No answer; what cannot be deleted is logged.
    fn delete(&self, part_path: PathBuf);
}

/// The most bytes that [`Disk::read`] answers with.
pub const MOST_READ: usize = 64 * 1024;

/// Where to look for an earlier part file.
#[derive(Clone, Debug)]
pub struct Look {
    pub folder: PathBuf,
    /// The part file of an earlier session, where the list knows it.
    pub part_path: Option<PathBuf>,
    /// Else any part file in `folder` whose journal tells of this address...
    pub url: Url,
    /// ...and, where the user chose a name, of this name.
    pub name: Option<String>,
    /// `false`: do not look for part files, only at the folder.
    pub resume: bool,
    /// Part files that other downloads of the list have: they are not this one's.
    pub others: Vec<PathBuf>,
    /// How long the file will be at least, where that is known: it is a failure if there is no room.
    pub length: Option<u64>,
    /// The disk was full before although it did not seem so: see by trying whether there is room.
    pub tries_room: bool,
}

/// How to open a part file.
#[derive(Clone, Debug)]
pub struct Open {
    pub folder: PathBuf,
    /// `Some`: the part file that `Looked` told of, continued. `None`: a new one.
    pub resume: Option<PathBuf>,
    /// The file's name when complete; for a new part file also what its name is made from.
    pub name: String,
    pub on_exists: OnExists,
    /// The file's length, for preallocation and to see at once that it cannot fit.
    pub total: Option<u64>,
    /// The checksum that [`Disk::finish`] will ask for, where it is known.
    pub checksum: Option<Checksum>,
    /// The first journal of a new part file, written before any byte: killed at once, it is not a file
    /// that nobody knows. `None` for small files, which are complete before it would matter.
    pub journal: Option<Box<Journal>>,
}

impl Open {
    /// Whether it is of a small file, which is soon complete.
    pub fn is_small(&self) -> bool {
        self.resume.is_none() && self.journal.is_none()
    }

    /// Whether it can be written without a name first, where all of it is here. What is to replace a file has to have
    /// one, and what is not wanted if there is a file has to be refused before it is fetched.
    pub fn may_be_nameless(&self) -> bool {
        self.is_small() && self.on_exists == OnExists::Rename && self.checksum.is_none()
    }
}

/// How to finish a part file.
#[derive(Clone, Debug)]
pub struct Finish {
    /// The length it must have.
    pub total: u64,
    pub checksum: Option<Checksum>,
    pub on_exists: OnExists,
    /// The server's Last-Modified, set on the file.
    pub modified: Option<SystemTime>,
    /// An older part file, deleted once the new file is in place.
    pub replaces: Option<PathBuf>,
    /// An earlier process may have moved the same file into place and ended before it could tell anybody: one
    /// of the same bytes that was there before this moment stays, and this one goes.
    pub may_be_there: Option<SystemTime>,
}

/// Where to take a part file.
#[derive(Clone, Debug)]
pub struct Carry {
    pub part_path: PathBuf,
    pub folder: PathBuf,
    /// What its name there is made from, and whether that of a file may be taken.
    pub name: String,
    pub on_exists: OnExists,
    /// The older part file that it replaces, which is in `folder` already.
    pub replaces: Option<PathBuf>,
    /// Part files that other downloads of the list have, whatever they look like.
    pub others: Vec<PathBuf>,
}

/// An earlier part file that can be continued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub part_path: PathBuf,
    pub journal: Journal,
}

/// What the disk answers, in the order in which things were done for a part.
#[derive(Debug)]
pub enum Reply {
    Looked {
        part: PartId,
        found: Option<Box<Found>>,
    },
    Opened {
        part: PartId,
        part_path: PathBuf,
        /// How far behind what is written the next may be written: the file system has no holes, and what is left
        /// out would be filled with zeros meanwhile. `None`: anywhere.
        reach: Option<u64>,
    },
    Written {
        part: PartId,
        range: ByteRange,
    },
    Saved {
        part: PartId,
    },
    Checked {
        part: PartId,
        range: ByteRange,
        is_right: bool,
    },
    Read {
        part: PartId,
        /// What was asked for.
        range: ByteRange,
        bytes: Vec<u8>,
    },
    /// While a checksum is computed: how many bytes are done.
    Verifying {
        part: PartId,
        done: u64,
    },
    /// While a part file is copied: how many bytes of it are there.
    Carrying {
        part: PartId,
        done: u64,
    },
    /// Where the part file is now; `None`: there was none that can be continued.
    Carried {
        part: PartId,
        part_path: Option<PathBuf>,
    },
    Finished {
        part: PartId,
        path: PathBuf,
    },
    Failed {
        part: PartId,
        failure: Failure,
    },
}

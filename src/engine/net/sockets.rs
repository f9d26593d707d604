// SPDX-License-Identifier: GPL-3.0-or-later
//! The table of descriptors that libcurl wants watched, each with its GLib source.
//!
//! `curl_multi_assign` is not used: what it attaches to a socket is lost when libcurl reports
//! CURL_POLL_REMOVE, it may not be called from inside the socket callback, and a table of our own
//! can tell a descriptor from a later one of the same number. Each watch has a generation: what
//! was seen on an old one is never taken for the new one's (curl issues 14976, 3597, 21779).

use std::collections::HashMap;
use std::os::fd::RawFd;

use glib::{IOCondition, SourceId};

/// A watched descriptor.
struct Watch {
    source: SourceId,
    condition: IOCondition,
    generation: u64,
}

#[derive(Default)]
pub struct Sockets {
    watches: HashMap<RawFd, Watch>,
    generations: u64,
}

impl Sockets {
    /// Whether exactly this is watched already, so that the source can stay.
    pub fn watches(&self, fd: RawFd, condition: IOCondition) -> bool {
        self.watches.get(&fd).is_some_and(|watch| watch.condition == condition)
    }

    /// Whether it is watched for anything.
    pub fn has(&self, fd: RawFd) -> bool {
        self.watches.contains_key(&fd)
    }

    pub fn next_generation(&mut self) -> u64 {
        self.generations += 1;
        self.generations
    }

    /// Puts a watch in; one that was there for the descriptor is removed from the main loop.
    pub fn insert(&mut self, fd: RawFd, condition: IOCondition, generation: u64, source: SourceId) {
        if let Some(old) = self.watches.insert(fd, Watch { source, condition, generation }) {
            old.source.remove();
        }
    }

    /// Removes a watch from the table and from the main loop, at once: a late removal would hit
    /// the watch of a new connection that got the same number.
    pub fn remove(&mut self, fd: RawFd) {
        if let Some(watch) = self.watches.remove(&fd) {
            watch.source.remove();
        }
    }

    /// Forgets a watch whose source is about to end by itself.
    pub fn forget(&mut self, fd: RawFd, generation: u64) {
        if self.is_current(fd, generation) {
            self.watches.remove(&fd);
        }
    }

    pub fn is_current(&self, fd: RawFd, generation: u64) -> bool {
        self.watches.get(&fd).is_some_and(|watch| watch.generation == generation)
    }

    /// Removes all.
    pub fn clear(&mut self) {
        for (_, watch) in self.watches.drain() {
            watch.source.remove();
        }
    }
}

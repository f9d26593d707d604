// SPDX-License-Identifier: GPL-3.0-or-later
//! The table of descriptors that libcurl wants watched, all of them by one epoll(7) instance, which the
//! main loop watches in their place: what it asks the kernel at each turn does not grow with their number.
//!
//! `curl_multi_assign` is not used: what it attaches to a socket is lost when libcurl reports
//! CURL_POLL_REMOVE, it may not be called from inside the socket callback, and a table of our own
//! can tell a descriptor from a later one of the same number. Each watch has a generation: what
//! was seen on an old one is never taken for the new one's (curl issues 14976, 3597, 21779).

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;

use super::raw;
use super::round::Seen;
use crate::engine::types::IdMap;

/// How many sockets are told of at a time; the kernel lets others have their turn next time.
const AT_A_TIME: usize = 256;

/// What was seen on a watched descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sight {
    pub fd: RawFd,
    pub generation: u32,
    pub seen: Seen,
}

pub struct Sockets {
    epoll: OwnedFd,
    /// The generation of each watch.
    watches: IdMap<RawFd, u32>,
    /// The kernel still watches these, which nobody wants: most are connections that the next transfer goes over.
    lapsed: IdMap<RawFd, ()>,
    generations: u32,
    events: Vec<Event>,
}

impl Sockets {
    pub fn new() -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let (watches, lapsed) = (IdMap::default(), IdMap::default());
        Ok(Self { epoll, watches, lapsed, generations: 0, events: Vec::with_capacity(AT_A_TIME) })
    }

    /// Readable while something was seen that [`Sockets::look`] has not told.
    pub fn descriptor(&self) -> RawFd {
        self.epoll.as_raw_fd()
    }

    pub fn count(&self) -> usize {
        self.watches.len()
    }

    /// Whether it is watched for anything.
    pub fn has(&self, fd: RawFd) -> bool {
        self.watches.contains_key(&fd)
    }

    /// Watches a descriptor for input or output from now on, in place of what it was watched for, and
    /// for errors, which the kernel tells unasked.
    pub fn watch(&mut self, fd: RawFd, interest: Seen) -> u32 {
        self.generations = self.generations.wrapping_add(1);
        let generation = self.generations;
        let mut flags = EventFlags::empty();
        flags.set(EventFlags::IN, interest.input);
        flags.set(EventFlags::OUT, interest.output);
        let data = EventData::new_u64(pack(fd, generation));
        let is_known = self.watches.insert(fd, generation).is_some() || self.lapsed.remove(&fd).is_some();
        let socket = raw::borrowed(fd);
        let result = if is_known { epoll::modify(&self.epoll, socket, data, flags) } else { Err(Errno::NOENT) };
        // It is not with the kernel, or an earlier descriptor of this number was closed behind our back.
        let result = match result {
            Err(Errno::NOENT) => epoll::add(&self.epoll, socket, data, flags),
            result => result,
        };
        if let Err(error) = result {
            // Silence ends its transfer.
            tracing::error!(fd, %error, "a socket cannot be watched");
        }
        generation
    }

    /// Removes a watch. The kernel is told when something comes, or when the descriptor is watched again, which is
    /// what mostly follows.
    pub fn remove(&mut self, fd: RawFd) {
        if self.watches.remove(&fd).is_some() {
            self.lapsed.insert(fd, ());
        }
    }

    /// Tells the kernel of all removals now: something is likely to come where nobody listens.
    pub fn settle(&mut self) {
        for (fd, ()) in self.lapsed.drain() {
            forget(&self.epoll, fd);
        }
    }

    pub fn is_current(&self, fd: RawFd, generation: u32) -> bool {
        self.watches.get(&fd) == Some(&generation)
    }

    /// What can be seen on the watched descriptors now.
    pub fn look(&mut self, sights: &mut Vec<Sight>) {
        self.events.clear();
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        if let Err(error) = epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&at_once)) {
            // A signal came; there is a next time.
            tracing::debug!(%error, "sockets were not looked at");
        }
        for event in &self.events {
            let (fd, generation) = unpack(event.data.u64());
            if self.lapsed.remove(&fd).is_some() {
                forget(&self.epoll, fd);
                continue;
            }
            let flags = event.flags;
            let seen = Seen {
                input: flags.contains(EventFlags::IN),
                output: flags.contains(EventFlags::OUT),
                error: flags.intersects(EventFlags::ERR | EventFlags::HUP),
            };
            sights.push(Sight { fd, generation, seen });
        }
    }

    /// Removes all.
    pub fn clear(&mut self) {
        self.lapsed.extend(self.watches.drain().map(|(fd, _)| (fd, ())));
        self.settle();
    }
}

fn forget(epoll: &OwnedFd, fd: RawFd) {
    if let Err(error) = epoll::delete(epoll, raw::borrowed(fd)) {
        // With its descriptor the kernel forgets the watch.
        tracing::debug!(fd, %error, "it was closed already");
    }
}

fn pack(fd: RawFd, generation: u32) -> u64 {
    u64::from(generation) << 32 | u64::from(fd.cast_unsigned())
}

fn unpack(data: u64) -> (RawFd, u32) {
    // The low half is the descriptor.
    ((data as u32).cast_signed(), (data >> 32) as u32)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    use super::*;

    const INPUT: Seen = Seen { input: true, output: false, error: false };
    const OUTPUT: Seen = Seen { input: false, output: true, error: false };

    fn look(sockets: &mut Sockets) -> Vec<Sight> {
        let mut sights = Vec::new();
        sockets.look(&mut sights);
        sights
    }

    #[test]
    fn what_is_watched_is_told_and_a_watch_takes_the_place_of_the_one_before() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let (fd, mut sockets) = (ours.as_raw_fd(), Sockets::new().unwrap());
        let first = sockets.watch(fd, INPUT);
        assert_eq!(look(&mut sockets), []);
        theirs.write_all(b"x").unwrap();
        assert_eq!(look(&mut sockets), [Sight { fd, generation: first, seen: INPUT }]);
        let second = sockets.watch(fd, OUTPUT);
        assert!(sockets.is_current(fd, second) && !sockets.is_current(fd, first));
        assert_eq!(look(&mut sockets), [Sight { fd, generation: second, seen: OUTPUT }]);
        drop(theirs);
        let both = look(&mut sockets);
        assert!(both.len() == 1 && both[0].seen.output && both[0].seen.error, "{both:?}");
        sockets.remove(fd);
        assert!(look(&mut sockets).is_empty() && !sockets.has(fd));
    }

    #[test]
    fn what_comes_where_nobody_listens_any_more_is_told_once_to_the_kernel_and_to_nobody_else() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let (fd, mut sockets) = (ours.as_raw_fd(), Sockets::new().unwrap());
        let is_readable = |sockets: &Sockets| !raw::readable([sockets.descriptor()].into_iter()).is_empty();
        sockets.watch(fd, INPUT);
        sockets.remove(fd);
        assert_eq!(sockets.count(), 0);
        theirs.write_all(b"x").unwrap();
        assert!(is_readable(&sockets), "the kernel was not told yet");
        assert_eq!(look(&mut sockets), []);
        assert!(!is_readable(&sockets), "nobody is woken for it again and again");
        for _ in 0..2 {
            let generation = sockets.watch(fd, INPUT);
            assert_eq!(look(&mut sockets), [Sight { fd, generation, seen: INPUT }]);
            sockets.remove(fd);
        }
        sockets.settle();
        assert!(!is_readable(&sockets));
    }

    #[test]
    fn a_descriptor_closed_behind_our_back_is_quiet_and_its_number_can_be_watched_again() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (fd, mut sockets) = (ours.as_raw_fd(), Sockets::new().unwrap());
        sockets.watch(fd, OUTPUT);
        // The same number for another socket, in one step, since tests run beside each other.
        let (other, _its) = UnixStream::pair().unwrap();
        let mut number = OwnedFd::from(ours);
        rustix::io::dup2(&other, &mut number).unwrap();
        assert_eq!(look(&mut sockets), []);
        let generation = sockets.watch(fd, OUTPUT);
        assert_eq!(look(&mut sockets), [Sight { fd, generation, seen: OUTPUT }]);
        sockets.clear();
        assert_eq!(look(&mut sockets), []);
        drop(theirs);
    }
}

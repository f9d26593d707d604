// SPDX-License-Identifier: GPL-3.0-or-later
//! How much a server may send before we read: the receive windows of sockets.
//!
//! What lies in the kernel's receive buffer has crossed the wire already, so a rate limit is only as
//! true as these buffers are small: the kernel would take megabytes in on behalf of a transfer that
//! reads a kilobyte a second. A transfer under a limit has a buffer for a tenth of a second of its
//! pace; more if the server is far away, since a window limits to its size in each round trip.
//!
//! A window that was offered cannot be taken back. When a limit is set on a fast transfer, the server
//! may still send all of the old window, and does so at once. Without buffer for it the kernel would drop
//! it, and it would come again: so first only the offer is made small, and what comes of the old one is
//! read as fast as it comes ([`Windows::drains`]); the buffer is made small after that.

use std::os::fd::RawFd;
use std::time::Duration;

use super::idle::Ports;
use super::raw::{self, Connection};
use crate::engine::types::{IdMap, Moment, Speed};

/// So much of a transfer's pace fits into its buffer at least.
const LEAST_TIME: Duration = Duration::from_millis(100);
/// The kernel's own least size is about half of this.
const SMALLEST: usize = 2048;
/// Beyond this the kernel's own judgement is no worse.
const LARGEST: usize = 4 << 20;
/// The part of the buffer that is offered at a time: the kernel frees what it took in by segments, so
/// that small ones keep the flow even.
const OFFERS: usize = 4;
/// No smaller offer, for the sake of acknowledgements: two segments of an Ethernet.
const SMALLEST_OFFER: usize = 4096;
/// Nor one of fewer segments than this, if they are larger (those of the loopback interface have 64
/// KiB): where no whole segment fits, the server stops and tries again a few times a second.
const SEGMENTS: usize = 2;

/// Two of the longest segments.
const SLACK: usize = 128 * 1024;
/// A server that has not used up its old window by then is dealt with by [`Windows::is_overfull`].
const LONGEST_DRAIN: Duration = Duration::from_millis(500);

/// The sockets of transfers, and those whose windows are narrower than the kernel would make them.
#[derive(Debug, Default)]
pub struct Windows {
    /// Also some that have been closed since. With their ports if these were asked for.
    opened: IdMap<RawFd, Option<Ports>>,
    narrow: IdMap<RawFd, Narrow>,
    /// What may still come of a wide window that was offered before.
    draining: IdMap<RawFd, Drain>,
}

#[derive(Clone, Copy, Debug)]
struct Drain {
    /// Bytes.
    left: usize,
    until: Moment,
}

#[derive(Clone, Copy, Debug)]
struct Narrow {
    size: usize,
    /// Known once it is connected.
    connection: Option<Connection>,
}

impl Windows {
    /// A socket was made for a transfer of this pace, and is not connected yet.
    pub fn opened(&mut self, fd: RawFd, pace: Option<Speed>) {
        self.opened.insert(fd, None);
        // The descriptor may have had an earlier life.
        self.narrow.remove(&fd);
        self.draining.remove(&fd);
        let Some(size) = pace.and_then(|pace| size(pace, Connection::default())) else { return };
        // What was offered with the connection cannot be taken back: more is offered when it runs.
        if raw::narrow_window(fd, size, None) {
            self.narrow.insert(fd, Narrow { size, connection: None });
        }
    }

    /// The socket with these ports; `likely`: it may be this one.
    pub fn find(&mut self, ports: Ports, likely: Option<RawFd>) -> Option<RawFd> {
        let is_it = |fd: &RawFd| raw::ports(*fd) == Some(ports);
        let known = self.opened.iter().find(|(_, known)| **known == Some(ports)).map(|(fd, _)| *fd);
        let found = likely.into_iter().chain(known).find(is_it);
        let found = found.or_else(|| self.opened.keys().copied().find(is_it))?;
        self.opened.insert(found, Some(ports));
        Some(found)
    }

    /// The pace may have changed, or another transfer has taken the connection over.
    pub fn adapt(&mut self, fd: RawFd, pace: Option<Speed>, now: Moment) {
        let old = self.narrow.get(&fd).copied();
        if pace.is_none() && old.is_none() {
            return;
        }
        let known = old.and_then(|old| old.connection);
        let connection = known.unwrap_or_else(|| raw::connection(fd));
        match (pace.and_then(|pace| size(pace, connection)), old.map(|old| old.size)) {
            (None, None) => {}
            // A little is not worth it; and each time that it shrinks, what lies there is overfull.
            (Some(new), Some(old)) if known.is_some() && new <= old + old / 4 && new > old / 2 => {}
            (Some(size), old) => {
                let offer = (size / OFFERS).max(SMALLEST_OFFER).max(SEGMENTS * connection.segment);
                // What the server has been offered beyond what this limit would have let it.
                let offered = match old {
                    None => raw::buffer(fd).unwrap_or_default(),
                    Some(old) if known.is_some() && size < old / 2 => {
                        raw::unread(fd).unwrap_or_default() + old / OFFERS
                    }
                    Some(_) => 0,
                };
                if offered > offer {
                    self.draining.insert(fd, Drain { left: offered - offer, until: now + LONGEST_DRAIN });
                }
                // What it has now is seen to when that has been taken in.
                let is_narrow = if self.draining.contains_key(&fd) {
                    raw::narrow_offer(fd, offer)
                } else {
                    raw::narrow_window(fd, size, Some(offer))
                };
                if is_narrow {
                    self.narrow.insert(fd, Narrow { size, connection: Some(connection) });
                }
            }
            (None, Some(_)) => {
                raw::widen_window(fd);
                self.narrow.remove(&fd);
                self.draining.remove(&fd);
            }
        }
    }

    /// Whether these bytes are what the server had been offered before there was a limit. They cross the
    /// wire whatever we do.
    pub fn drains(&mut self, fd: RawFd, bytes: usize, now: Moment) -> bool {
        let Some(drain) = self.draining.get_mut(&fd) else { return false };
        drain.left = drain.left.saturating_sub(bytes);
        if drain.left > 0 && now < drain.until {
            return true;
        }
        self.draining.remove(&fd);
        if let Some(narrow) = self.narrow.get(&fd) {
            raw::narrow_window(fd, narrow.size, None);
        }
        false
    }

    /// Whether more lies in the kernel's buffer than fits into its present size: it came under an
    /// earlier, wider window. It has crossed the wire, so taking it costs the server nothing, and
    /// leaving it there would only keep the wire silent for as long as it lasts.
    pub fn is_overfull(&self, fd: RawFd) -> bool {
        // The kernel makes buffers twice as large as they were asked for, for its own bookkeeping, and
        // takes in what it has offered even if that is a little more.
        let most = self.narrow.get(&fd).map(|narrow| 2 * narrow.size + SLACK);
        most.is_some_and(|most| raw::unread(fd).is_some_and(|unread| unread > most))
    }
}

/// The size of the buffer in bytes for this pace; `None`: the kernel decides.
fn size(pace: Speed, connection: Connection) -> Option<usize> {
    let time = LEAST_TIME.max(2 * OFFERS as u32 * connection.round_trip);
    // A float to integer cast saturates.
    let size = (pace.0 as f64 * time.as_secs_f64()) as usize;
    (size <= LARGEST).then_some(size.max(SMALLEST).max(SEGMENTS * connection.segment))
}

/// Over how long a transfer's own pace is measured.
const PACE_TIME: Duration = Duration::from_secs(1);

/// How fast a transfer was of late, under a limit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    since: Moment,
    taken: u64,
    pub speed: Speed,
}

impl Pace {
    pub fn new(now: Moment) -> Self {
        Self { since: now, ..Self::default() }
    }

    pub fn took(&mut self, bytes: usize, now: Moment) {
        self.taken += bytes as u64;
        let time = now - self.since;
        if time >= PACE_TIME {
            let speed = Speed((self.taken as f64 / time.as_secs_f64()) as u64);
            *self = Self { since: now, taken: 0, speed };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn a_buffer_is_for_a_tenth_of_a_second_or_for_round_trips_and_none_at_high_speed() {
        let size = |pace, ms| {
            let round_trip = Duration::from_millis(ms);
            size(Speed(pace), Connection { round_trip, segment: 1448, ..Connection::default() })
        };
        assert_eq!([size(1, 0), size(10_000, 30_000)], [Some(2896), Some(2_400_000)]);
        assert_eq!([size(1_000_000, 1), size(1_000_000, 200)], [Some(100_000), Some(1_600_000)]);
        assert_eq!([size(40 << 20, 0), size(42 << 20, 0), size(u64::MAX, 0)], [Some(4 << 20), None, None]);
    }

    #[test]
    fn narrow_windows_hold_the_sender_back_until_they_are_widened() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let ours = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        let (fd, mut windows) = (ours.as_raw_fd(), Windows::default());
        windows.opened(fd, Some(Speed(10_000)));
        ours.connect(&listener.local_addr().unwrap().into()).unwrap();
        let (mut theirs, _) = listener.accept().unwrap();
        theirs.set_nonblocking(true).unwrap();
        let fill = |theirs: &mut TcpStream| {
            // Until it takes nothing any more; what it keeps itself does not count.
            while theirs.write(&[0; 1024]).is_ok() {}
            raw::unread(fd).unwrap()
        };
        assert!((1..=8192).contains(&fill(&mut theirs)));
        assert!(!windows.is_overfull(fd));
        windows.adapt(fd, None, Moment::default());
        assert!(windows.narrow.is_empty());
        // Reading a little tells the other side of the new window.
        ours.set_nonblocking(true).unwrap();
        let mut ours = &ours;
        let mut few = [0; 4096];
        while raw::unread(fd).unwrap() < 200_000 {
            let _ = std::io::Read::read(&mut ours, &mut few);
            fill(&mut theirs);
        }
        let at = |ms| Moment(Duration::from_millis(ms));
        windows.adapt(fd, Some(Speed(10_000)), at(0));
        assert!(windows.is_overfull(fd), "what came under the wide window");
        assert!(windows.drains(fd, 50_000, at(1)), "that is read as fast as it comes");
        assert!(!windows.drains(fd, 1, at(500)), "but not for long");
        assert!(windows.draining.is_empty() && raw::buffer(fd).unwrap() < 50_000);
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Connections that libcurl keeps for later transfers.
//!
//! What comes on one while nobody asks for anything is no answer to the next request, though a
//! client might take it for that (RFC 9112 section 9.2). libcurl 7.88 uses such a connection again; so it
//! is shut down here, which libcurl notices.

use std::os::fd::RawFd;
use std::time::Duration;

use super::raw;
use crate::engine::types::{IdMap, Moment};

/// What was looked at so short a time ago is not looked at again: a transfer often begins right where another one
/// has ended.
const FRESH: Duration = Duration::from_millis(1);

/// The ports of a connection's ends, ours and the server's.
pub type Ports = (u16, u16);

/// Sockets that no transfer uses. Some may have been closed since, and their numbers be in use for
/// something else: the ports tell.
#[derive(Debug, Default)]
pub struct Idle {
    sockets: IdMap<RawFd, Kept>,
}

#[derive(Debug)]
struct Kept {
    ports: Ports,
    seen_at: Moment,
}

impl Idle {
    /// A transfer over this connection has ended.
    pub fn left(&mut self, fd: RawFd, ports: Ports, now: Moment) {
        if is_clean(fd, ports) {
            self.sockets.insert(fd, Kept { ports, seen_at: now });
        }
    }

    /// A transfer uses this socket.
    pub fn taken(&mut self, fd: RawFd) {
        self.sockets.remove(&fd);
    }

    /// Before a transfer begins, which may get one of them.
    pub fn weed(&mut self, now: Moment) {
        let old = self.sockets.iter_mut().filter(|(_, kept)| now - kept.seen_at >= FRESH);
        let old = old.map(|(fd, kept)| {
            kept.seen_at = now;
            *fd
        });
        for fd in raw::readable(old) {
            let is_clean = self.sockets.get(&fd).is_some_and(|kept| is_clean(fd, kept.ports));
            if !is_clean {
                self.sockets.remove(&fd);
            }
        }
    }
}

/// Whether nothing has come on the connection that nobody asked for. If it has, it is shut down.
fn is_clean(fd: RawFd, ports: Ports) -> bool {
    match raw::unread(fd) {
        Some(0) => true,
        Some(unread) if raw::ports(fd) == Some(ports) => {
            tracing::info!("{unread} bytes came that nobody asked for: a connection is not used again");
            raw::shut_down(fd);
            false
        }
        // Another file's by now, or closed.
        Some(_) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsRawFd;
    use std::time::{Duration, Instant};

    use super::*;

    fn pair() -> (TcpStream, TcpStream, Ports) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let ports = raw::ports(ours.as_raw_fd()).unwrap();
        let (theirs, _) = listener.accept().unwrap();
        (ours, theirs, ports)
    }

    fn until_unread(fd: RawFd) {
        let begin = Instant::now();
        while raw::unread(fd) == Some(0) && begin.elapsed() < Duration::from_secs(5) {
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_connection_on_which_something_comes_is_shut_down_and_a_quiet_one_is_kept() {
        let ((ours, mut theirs, ports), (quiet, _its, quiet_ports)) = (pair(), pair());
        let mut idle = Idle::default();
        let begin = Moment::default();
        idle.left(ours.as_raw_fd(), ports, begin);
        idle.left(quiet.as_raw_fd(), quiet_ports, begin);
        theirs.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        until_unread(ours.as_raw_fd());
        idle.weed(begin + FRESH);
        assert_eq!(idle.sockets.keys().collect::<Vec<_>>(), [&quiet.as_raw_fd()]);
        theirs.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        assert_eq!(theirs.read(&mut [0; 8]).unwrap(), 0, "it is shut down");
    }

    #[test]
    fn what_has_the_number_of_a_closed_one_is_left_alone() {
        let (ours, mut theirs, ports) = pair();
        theirs.write_all(b"for somebody else").unwrap();
        until_unread(ours.as_raw_fd());
        let mut idle = Idle::default();
        idle.left(ours.as_raw_fd(), (ports.0, ports.1 ^ 1), Moment::default());
        let mut text = [0; 17];
        (&ours).read_exact(&mut text).unwrap();
        assert_eq!(&text, b"for somebody else");
        idle.left(ours.as_raw_fd(), ports, Moment::default());
        idle.taken(ours.as_raw_fd());
        theirs.write_all(b"again").unwrap();
        until_unread(ours.as_raw_fd());
        idle.weed(Moment::default() + FRESH);
        assert_eq!(raw::unread(ours.as_raw_fd()), Some(5), "it is in use");
    }
}

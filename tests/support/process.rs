// SPDX-License-Identifier: GPL-3.0-or-later
//! A real server as a child process: started on a free port, waited for, ended by its own handle.

use std::io::{self, Error, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const START: Duration = Duration::from_secs(10);

/// A child that ends when this value is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
}

impl Server {
    /// Starts the program and waits until `address` takes connections.
    pub fn start(command: &mut Command, address: SocketAddr) -> io::Result<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let mut server = Self { child };
        let end = Instant::now() + START;
        loop {
            if let Some(status) = server.child.try_wait()? {
                return Err(Error::other(format!("{command:?} ended at once: {status}")));
            }
            if TcpStream::connect_timeout(&address, START).is_ok() {
                return Ok(server);
            }
            if Instant::now() > end {
                return Err(Error::new(ErrorKind::TimedOut, format!("{command:?} does not listen on {address}")));
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `N` ports of 127.0.0.1 that were free a moment ago. Another process may take one before it is
/// used; the start fails then, so callers try again.
pub fn free_ports<const N: usize>() -> io::Result<[u16; N]> {
    let mut held = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// Runs a start up to three times, for ports that were taken in between.
pub fn try_thrice<T>(mut start: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    start().or_else(|_| start()).or_else(|_| start())
}

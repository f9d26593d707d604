// SPDX-License-Identifier: GPL-3.0-or-later
//! An HTTP/1.1 server on 127.0.0.1 that does what a test says, wrong things included. Each path has a
//! script: a function from the request to the [`Answer`]. A [`Resource`] answers as a good server
//! does; faults are put on its answers, so a script reads as what goes wrong and when:
//!
//! ```ignore
//! let server = Faulty::start();
//! let file = Resource::new(7, 1 << 20);
//! server.on("/f", move |request| match request.number {
//!     0 => file.answer(request).reset_after(1000),
//!     1 => Answer::status(503).header("Retry-After", "1"),
//!     _ => file.answer(request),
//! });
//! ```
//!
//! Bounded: a number of connections, a lifetime; dropping it ends every connection and thread.

mod answer;
mod connection;
mod request;

pub use answer::{Answer, Resource};
pub use request::Request;

use std::collections::HashMap;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use url::Url;

/// Further connections are closed at once.
const MOST_CONNECTIONS: usize = 512;

/// After this the server ends by itself, so that no test hangs on it.
const LIFETIME: Duration = Duration::from_secs(120);

type Script = Arc<dyn Fn(&Request) -> Answer + Send + Sync>;

/// A request that came, and how far its answer got.
#[derive(Clone, Debug)]
pub struct Seen {
    pub request: Request,
    pub at: Instant,
    /// 0 until the answer begins.
    pub status: u16,
    /// Bytes of body given to the connection so far.
    pub sent: u64,
    /// The answer is over, well or badly, or its last bytes are on their way.
    pub over: bool,
}

#[derive(Debug)]
pub struct Faulty {
    address: SocketAddr,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// What the threads of a server have in common.
#[derive(Default)]
struct Shared {
    scripts: Mutex<HashMap<String, Script>>,
    seen: Mutex<Vec<Seen>>,
    /// The connections that are open, by number; cut when the server ends.
    open: Mutex<HashMap<usize, TcpStream>>,
    ended: Mutex<bool>,
    end: Condvar,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("seen", &self.seen).finish_non_exhaustive()
    }
}

/// A thread that failed must not hide the failure behind a poisoned lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Faulty {
    pub fn start() -> Self {
        Self::start_with_lifetime(LIFETIME)
    }

    pub fn start_with_lifetime(lifetime: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port of the loopback");
        let address = listener.local_addr().expect("a bound listener has an address");
        let shared = Arc::new(Shared::default());
        let accepting = thread::spawn({
            let shared = shared.clone();
            move || accept(&listener, &shared)
        });
        let ending = thread::spawn({
            let shared = shared.clone();
            move || {
                shared.pause(lifetime);
                shared.finish(address);
            }
        });
        Self { address, shared, threads: vec![accepting, ending] }
    }

    /// From now on `path` is answered by this script; the path is compared with its query first,
    /// then without. Paths without a script get 404.
    pub fn on(&self, path: &str, script: impl Fn(&Request) -> Answer + Send + Sync + 'static) {
        lock(&self.shared.scripts).insert(path.to_owned(), Arc::new(script));
    }

    /// Serves a file as a good server does.
    pub fn serve(&self, path: &str, resource: Resource) {
        self.on(path, move |request| resource.answer(request));
    }

    pub fn url(&self, path: &str) -> Url {
        self.url_of_host("127.0.0.1", path)
    }

    /// The same server under another name (`localhost`, `127.0.0.2` is not listened on).
    pub fn url_of_host(&self, host: &str, path: &str) -> Url {
        Url::parse(&format!("http://{host}:{}{path}", self.address.port())).expect("a path that begins with a slash")
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// All requests so far, in the order they came.
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.shared.seen).clone()
    }

    /// The requests for one path, without its query.
    pub fn seen_at(&self, path: &str) -> Vec<Seen> {
        lock(&self.shared.seen).iter().filter(|seen| seen.request.path() == path).cloned().collect()
    }

    /// Bytes of body sent for one path, over all requests: with the file's length it tells whether
    /// bytes were fetched twice.
    pub fn sent_at(&self, path: &str) -> u64 {
        self.seen_at(path).iter().map(|seen| seen.sent).sum()
    }

    pub fn open_connections(&self) -> usize {
        lock(&self.shared.open).len()
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.shared.finish(self.address);
        for thread in self.threads.drain(..) {
            // One that panicked has said so already.
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// Waits; false when the server ended meanwhile.
    fn pause(&self, time: Duration) -> bool {
        let ended = lock(&self.ended);
        let (ended, _) =
            self.end.wait_timeout_while(ended, time, |ended| !*ended).unwrap_or_else(PoisonError::into_inner);
        !*ended
    }

    fn has_ended(&self) -> bool {
        *lock(&self.ended)
    }

    /// Ends every wait, every connection and the accepting thread. Harmless when done twice.
    fn finish(&self, address: SocketAddr) {
        *lock(&self.ended) = true;
        self.end.notify_all();
        for connection in lock(&self.open).values() {
            // Already closed by the other side: all the better.
            let _ = connection.shutdown(Shutdown::Both);
        }
        // Wakes the accepting thread out of `accept`; when it is gone there is nothing to wake.
        let _ = TcpStream::connect(address);
    }

    fn answer(&self, request: &Request) -> Answer {
        let script = {
            let scripts = lock(&self.scripts);
            scripts.get(&request.target).or_else(|| scripts.get(request.path())).cloned()
        };
        script.map_or_else(|| Answer::status(404), |script| script(request))
    }

    /// Enters a request into the record and numbers it among those for its path.
    fn record(&self, mut request: Request) -> (usize, Request) {
        let open = lock(&self.open);
        let mut seen = lock(&self.seen);
        let same: Vec<_> = seen.iter().filter(|seen| seen.request.path() == request.path()).collect();
        let is_answered = |seen: &Seen| !seen.over && open.get(&seen.request.connection).is_some_and(is_wanted);
        (request.number, request.others) = (same.len(), same.iter().filter(|seen| is_answered(seen)).count());
        seen.push(Seen { request: request.clone(), at: Instant::now(), status: 0, sent: 0, over: false });
        (seen.len() - 1, request)
    }

    fn update(&self, index: usize, change: impl FnOnce(&mut Seen)) {
        if let Some(seen) = lock(&self.seen).get_mut(index) {
            change(seen);
        }
    }
}

/// Whether the other side still has its end of this connection. The thread that serves it learns of
/// the end only when it writes again, which is late where the answer is slow.
fn is_wanted(connection: &TcpStream) -> bool {
    let mut ends = [PollFd::new(connection, PollFlags::RDHUP)];
    let events = poll(&mut ends, Some(&Timespec::default())).map(|_| ends[0].revents());
    events.is_ok_and(|events| !events.intersects(PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR))
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut serving = Vec::new();
    for (number, connection) in listener.incoming().enumerate() {
        if shared.has_ended() {
            break;
        }
        let Ok(stream) = connection else { continue };
        if lock(&shared.open).len() >= MOST_CONNECTIONS {
            continue;
        }
        let Ok(handle) = stream.try_clone() else { continue };
        lock(&shared.open).insert(number, handle);
        if shared.has_ended() {
            // It ended between the look and the entry, so nobody else will cut this one.
            let _ = stream.shutdown(Shutdown::Both);
        }
        let shared = shared.clone();
        serving.retain(|thread: &JoinHandle<()>| !thread.is_finished());
        serving.push(thread::spawn(move || {
            connection::serve(stream, number, &shared);
            lock(&shared.open).remove(&number);
        }));
    }
    for thread in serving {
        let _ = thread.join();
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! A web server that sends each file at a rate of its own, however many connections fetch it, and
//! counts what it sends: for tests that end the program in the middle.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::files;
use super::listening::Listening;

/// How often a file sends something.
const DRIP: Duration = Duration::from_millis(5);
/// No answer outlives this, whatever happens to the test.
const LIFETIME: Duration = Duration::from_secs(240);

/// A file out of [`files`].
#[derive(Clone, Copy, Debug)]
pub struct Paced {
    pub seed: u64,
    pub len: u64,
    /// Bytes a second, over all connections.
    pub rate: u64,
}

/// What was asked of one file so far.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// The bytes asked for, in the order of the requests.
    pub asked: Vec<Range<u64>>,
    /// Bytes of body that were given to connections.
    pub sent: u64,
}

#[derive(Debug)]
pub struct PacedServer {
    shared: Arc<Shared>,
    listening: Listening,
}

#[derive(Debug, Default)]
struct Shared {
    files: Mutex<HashMap<String, File>>,
}

#[derive(Debug)]
struct File {
    paced: Paced,
    record: Record,
    /// When the next bytes may go.
    next: Instant,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl PacedServer {
    pub fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let listening = Listening::start({
            let shared = shared.clone();
            move |client| serve(client, &shared)
        });
        Self { shared, listening }
    }

    /// Serves a file under this path, which begins with a slash; tells its address.
    pub fn serve(&self, path: &str, paced: Paced) -> String {
        let file = File { paced, record: Record::default(), next: Instant::now() };
        lock(&self.shared.files).insert(path.to_owned(), file);
        format!("http://{}{path}", self.listening.address())
    }

    pub fn record(&self, path: &str) -> Record {
        lock(&self.shared.files).get(path).map(|file| file.record.clone()).unwrap_or_default()
    }
}

fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LIFETIME))?;
    stream.set_write_timeout(Some(LIFETIME))?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    while let Some(request) = lines.next().transpose()? {
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut range = None;
        for line in lines.by_ref() {
            let line = line?;
            if line.is_empty() {
                break;
            }
            if let Some(asked) = line.strip_prefix("Range: bytes=") {
                let (first, last) = asked.split_once('-').unwrap_or((asked, ""));
                range = first.parse().ok().map(|first: u64| (first, last.parse::<u64>().ok()));
            }
        }
        answer(&stream, &path, range, shared)?;
    }
    Ok(())
}

fn answer(mut stream: &TcpStream, path: &str, range: Option<(u64, Option<u64>)>, shared: &Shared) -> io::Result<()> {
    let (paced, bytes) = {
        let mut files = lock(&shared.files);
        let Some(file) = files.get_mut(path) else {
            return stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        };
        let len = file.paced.len;
        let (first, last) = range.unwrap_or_default();
        let bytes = first.min(len)..last.map_or(len, |last| (last + 1).min(len));
        file.record.asked.push(bytes.clone());
        (file.paced, bytes)
    };
    let Paced { seed, len, rate } = paced;
    let status = if range.is_some() { "206 Partial Content" } else { "200 OK" };
    let mut head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nETag: \"{seed}-{len}\"\r\nAccept-Ranges: bytes\r\n",
        bytes.end - bytes.start
    );
    if range.is_some() {
        head += &format!("Content-Range: bytes {}-{}/{len}\r\n", bytes.start, bytes.end - 1);
    }
    stream.write_all((head + "\r\n").as_bytes())?;
    let piece = ((rate as f64 * DRIP.as_secs_f64()) as u64).max(1);
    let mut at = bytes.start;
    while at < bytes.end {
        let take = piece.min(bytes.end - at);
        let turn = {
            let mut files = lock(&shared.files);
            let Some(file) = files.get_mut(path) else { return Ok(()) };
            let turn = file.next.max(Instant::now());
            file.next = turn + Duration::from_secs_f64(take as f64 / rate as f64);
            turn
        };
        thread::sleep(turn.saturating_duration_since(Instant::now()));
        stream.write_all(&files::bytes(seed, at..at + take))?;
        at += take;
        if let Some(file) = lock(&shared.files).get_mut(path) {
            file.record.sent += take;
        }
    }
    Ok(())
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! A SOCKS5 proxy on 127.0.0.1 (RFC 1928) that may want a user name and a password (RFC 1929). Whatever is asked
//! for, it connects to 127.0.0.1, or answers as a test says.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

const VERSION: u8 = 5;
const BY_PASSWORD: u8 = 2;
const NO_METHOD: u8 = 0xff;
const SUCCEEDED: u8 = 0;
/// No connection rests longer, so that no test hangs on it.
const LIFETIME: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub struct Socks {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    login: Option<(&'static str, &'static str)>,
    reply: u8,
    tried: Mutex<Vec<Option<(String, String)>>>,
    ended: Mutex<bool>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Socks {
    /// Lets through who logs in so, or everybody.
    pub fn start(login: Option<(&'static str, &'static str)>) -> Self {
        Self::start_with(login, SUCCEEDED)
    }

    /// Answers whoever it would let through with this reply (RFC 1928 section 6).
    pub fn replying(reply: u8) -> Self {
        Self::start_with(None, reply)
    }

    fn start_with(login: Option<(&'static str, &'static str)>, reply: u8) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port of the loopback");
        let address = listener.local_addr().expect("a bound listener has an address");
        let shared = Arc::new(Shared { login, reply, tried: Mutex::default(), ended: Mutex::default() });
        let accepting = thread::spawn({
            let shared = shared.clone();
            move || accept(&listener, &shared)
        });
        Self { address, shared, accepting: Some(accepting) }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The log-in of each connection, in their order; `None` where none was offered.
    pub fn tried(&self) -> Vec<Option<(String, String)>> {
        lock(&self.shared.tried).clone()
    }
}

impl Drop for Socks {
    fn drop(&mut self) {
        *lock(&self.shared.ended) = true;
        // Wakes the accepting thread; when it is gone there is nothing to wake.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.accepting.take() {
            let _ = thread.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut serving = Vec::new();
    for stream in listener.incoming().flatten() {
        if *lock(&shared.ended) {
            break;
        }
        let (handle, shared) = (stream.try_clone(), shared.clone());
        // The client that goes away has had its answer.
        serving.push((handle, thread::spawn(move || serve(stream, &shared).unwrap_or_default())));
    }
    for (stream, thread) in serving {
        let _ = stream.and_then(|stream| stream.shutdown(Shutdown::Both));
        let _ = thread.join();
    }
}

fn serve(mut client: TcpStream, shared: &Shared) -> io::Result<()> {
    client.set_read_timeout(Some(LIFETIME))?;
    let [_, count] = read(&mut client)?;
    let methods = read_some(&mut client, count)?;
    let given = match shared.login {
        Some(_) if methods.contains(&BY_PASSWORD) => {
            client.write_all(&[VERSION, BY_PASSWORD])?;
            Some(read_login(&mut client)?)
        }
        _ => None,
    };
    lock(&shared.tried).push(given.clone());
    match (shared.login, &given) {
        (None, _) => client.write_all(&[VERSION, 0])?,
        (Some(_), None) => return client.write_all(&[VERSION, NO_METHOD]),
        (Some((user, password)), Some(given)) => {
            let is_right = given.0 == user && given.1 == password;
            client.write_all(&[1, u8::from(!is_right)])?;
            if !is_right {
                return Ok(());
            }
        }
    }
    let port = read_target(&mut client)?;
    let mut answer = [VERSION, shared.reply, 0, 1, 127, 0, 0, 1, 0, 0];
    if shared.reply != SUCCEEDED {
        return client.write_all(&answer);
    }
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    answer[8..].copy_from_slice(&port.to_be_bytes());
    client.write_all(&answer)?;
    relay(client, server)
}

fn read<const N: usize>(stream: &mut TcpStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn read_some(stream: &mut TcpStream, count: u8) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::from(count)];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// RFC 1929: a version, and two texts with their lengths before them.
fn read_login(client: &mut TcpStream) -> io::Result<(String, String)> {
    let [_version, length] = read(client)?;
    let user = read_some(client, length)?;
    let [length] = read(client)?;
    let password = read_some(client, length)?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok((text(user), text(password)))
}

/// The port that is asked for; the host is always this one.
fn read_target(client: &mut TcpStream) -> io::Result<u16> {
    let [_version, _command, _, kind] = read(client)?;
    let length = match kind {
        1 => 4,
        4 => 16,
        _ => read::<1>(client)?[0],
    };
    read_some(client, length)?;
    Ok(u16::from_be_bytes(read(client)?))
}

fn relay(client: TcpStream, server: TcpStream) -> io::Result<()> {
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    let up = thread::spawn(move || {
        // However it ends, there is no more to send.
        let _ = io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Both);
    });
    let (mut from_server, mut to_client) = (server, client);
    let copied = io::copy(&mut from_server, &mut to_client);
    let _ = to_client.shutdown(Shutdown::Both);
    let _ = up.join();
    copied.map(|_| ())
}

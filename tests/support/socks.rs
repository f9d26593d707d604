// SPDX-License-Identifier: GPL-3.0-or-later
//! A SOCKS5 proxy on 127.0.0.1 (RFC 1928) that may want a user name and a password (RFC 1929), or a ticket, which
//! nobody has. Whatever is asked for, it connects to 127.0.0.1, or answers as a test says.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::listening::Listening;

const VERSION: u8 = 5;
const BY_TICKET: u8 = 1;
const BY_PASSWORD: u8 = 2;
const NO_METHOD: u8 = 0xff;
const SUCCEEDED: u8 = 0;
/// No connection rests longer, so that no test hangs on it.
const LIFETIME: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub struct Socks {
    shared: Arc<Shared>,
    listening: Listening,
}

#[derive(Debug)]
struct Shared {
    wants: Wants,
    reply: u8,
    tried: Mutex<Vec<Option<(String, String)>>>,
}

#[derive(Clone, Copy, Debug)]
enum Wants {
    Nothing,
    Login(&'static str, &'static str),
    Ticket,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Socks {
    /// Lets through who logs in so, or everybody.
    pub fn start(login: Option<(&'static str, &'static str)>) -> Self {
        Self::start_with(login.map_or(Wants::Nothing, |(user, password)| Wants::Login(user, password)), SUCCEEDED)
    }

    /// Lets through who has a ticket of Kerberos (RFC 1961).
    pub fn for_tickets() -> Self {
        Self::start_with(Wants::Ticket, SUCCEEDED)
    }

    /// Answers whoever it would let through with this reply (RFC 1928 section 6).
    pub fn replying(reply: u8) -> Self {
        Self::start_with(Wants::Nothing, reply)
    }

    fn start_with(wants: Wants, reply: u8) -> Self {
        let shared = Arc::new(Shared { wants, reply, tried: Mutex::default() });
        let listening = Listening::start({
            let shared = shared.clone();
            move |client| serve(client, &shared)
        });
        Self { shared, listening }
    }

    pub fn port(&self) -> u16 {
        self.listening.address().port()
    }

    /// The log-in of each connection, in their order; `None` where none was offered.
    pub fn tried(&self) -> Vec<Option<(String, String)>> {
        lock(&self.shared.tried).clone()
    }
}

fn serve(mut client: TcpStream, shared: &Shared) -> io::Result<()> {
    client.set_read_timeout(Some(LIFETIME))?;
    let [_, count] = read(&mut client)?;
    let methods = read_some(&mut client, count)?;
    let given = match shared.wants {
        Wants::Login(..) if methods.contains(&BY_PASSWORD) => {
            client.write_all(&[VERSION, BY_PASSWORD])?;
            Some(read_login(&mut client)?)
        }
        _ => None,
    };
    lock(&shared.tried).push(given.clone());
    match (shared.wants, &given) {
        (Wants::Nothing, _) => client.write_all(&[VERSION, 0])?,
        // Waits for it, then.
        (Wants::Ticket, _) if methods.contains(&BY_TICKET) => {
            client.write_all(&[VERSION, BY_TICKET])?;
            return client.read(&mut [0]).map(|_| ());
        }
        (Wants::Login(..), None) | (Wants::Ticket, _) => return client.write_all(&[VERSION, NO_METHOD]),
        (Wants::Login(user, password), Some(given)) => {
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

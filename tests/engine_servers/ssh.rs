// SPDX-License-Identifier: GPL-3.0-or-later
//! What only sftp has: keys of servers and of users, and a libcurl that waits in some calls.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use freshet::engine::{Command, DownloadId, FailureKind, Limits, Speed, State};
use tempfile::TempDir;

use crate::support::engine::Running;
use crate::support::faulty::{Answer, Faulty};
use crate::support::files;
use crate::support::mainloop::Watch;
use crate::support::process::{Server, at_home, descendants, signal_all};
use crate::support::serving::FileServer;
use crate::support::sshd::{self, Sshd};

const MIB: u64 = 1 << 20;
const LEN: u64 = 8 * MIB;
/// A second for the whole file.
fn slow() -> Limits {
    Limits { rate: Some(Speed(LEN)), ..Limits::default() }
}

fn served() -> (TempDir, Sshd) {
    let folder = tempfile::tempdir().unwrap();
    files::write(&folder.path().join("f"), 1, LEN).unwrap();
    let server = Sshd::start(folder.path()).unwrap();
    (folder, server)
}

fn add(running: &Running, server: &Sshd) -> DownloadId {
    running.engine.add(running.patient(server.url("/f")))
}

#[test]
fn a_server_that_is_not_known_is_not_trusted() {
    at_home("ssh::a_server_that_is_not_known_is_not_trusted", |home| {
        let (_folder, server) = served();
        let running = Running::start();
        for hosts in [None, Some(""), Some("[127.0.0.1]:1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDiWvhMvl\n")] {
            let file = home.join(".ssh/known_hosts");
            match hosts {
                Some(text) => fs::write(&file, text).unwrap(),
                None => fs::remove_file(&file).unwrap(),
            }
            let failure = running.failed(add(&running, &server));
            assert_eq!(failure.kind, FailureKind::HostKey, "{failure}");
            assert!(failure.detail.contains(&format!("ssh -p {} 127.0.0.1", server.port())), "{failure}");
        }
        assert!(running.names().is_empty());
        server.introduce_to(home, server.port()).unwrap();
        files::assert_same(&running.completed(add(&running, &server)), 1, LEN);
    });
}

#[test]
fn a_server_with_another_key_than_before_is_not_trusted() {
    at_home("ssh::a_server_with_another_key_than_before_is_not_trusted", |home| {
        let (folder, server) = served();
        let other = Sshd::start(folder.path()).unwrap();
        // The other one's key, for this one's port.
        other.introduce_to(home, server.port()).unwrap();
        let running = Running::start();
        running.fails_with(add(&running, &server), &FailureKind::HostKey);
        assert!(running.names().is_empty());
    });
}

#[test]
fn who_has_no_key_is_not_let_in() {
    at_home("ssh::who_has_no_key_is_not_let_in", |home| {
        let (_folder, server) = served();
        let running = Running::start();
        let key = home.join(".ssh/id_ed25519");
        fs::remove_file(&key).unwrap();
        running.fails_with(add(&running, &server), &FailureKind::LoginRequired);
        sshd::make_key(&key).unwrap();
        running.fails_with(add(&running, &server), &FailureKind::LoginRequired);
        let mut stranger = server.url("/f");
        stranger.set_username("nobody-here").unwrap();
        fs::copy(server.user_key(), &key).unwrap();
        running.fails_with(running.add(stranger), &FailureKind::LoginRequired);
    });
}

#[test]
fn the_agent_opens_where_no_key_lies() {
    at_home("ssh::the_agent_opens_where_no_key_lies", |home| {
        let (_folder, server) = served();
        fs::remove_file(home.join(".ssh/id_ed25519")).unwrap();
        let socket = home.join("agent");
        let _agent = agent(&socket, &server.user_key());
        let running = Running::start();
        let mut url = server.url("/f");
        url.set_username(&glib::user_name().to_string_lossy()).unwrap();
        files::assert_same(&running.completed(running.add(url)), 1, LEN);
    });
}

/// An SSH agent that has this key.
fn agent(socket: &Path, key: &Path) -> Server {
    let agent = Server::spawn(process::Command::new("ssh-agent").arg("-D").arg("-a").arg(socket)).unwrap();
    assert!((0..500).any(|_| {
        thread::sleep(Duration::from_millis(10));
        socket.exists()
    }));
    let mut add = process::Command::new("ssh-add");
    assert!(add.arg("-q").arg(key).env("SSH_AUTH_SOCK", socket).status().unwrap().success());
    agent
}

#[test]
fn no_server_can_have_us_log_in_elsewhere() {
    at_home("ssh::no_server_can_have_us_log_in_elsewhere", |_| {
        let (_folder, server) = served();
        let (web, running) = (Faulty::start(), Running::start());
        let target = server.url("/f").to_string();
        web.on("/", move |_| Answer::redirect(302, &target));
        running.fails_with(running.add(web.url("/")), &FailureKind::UnsupportedScheme);
        assert!(server.log().is_empty(), "{}", server.log());
    });
}

#[test]
fn a_connection_that_is_cut_is_made_again() {
    at_home("ssh::a_connection_that_is_cut_is_made_again", |_| {
        let (_folder, server) = served();
        let running = Running::with_limits(slow());
        let id = add(&running, &server);
        running.until(id, "some is here", |now| now.progress.received > LEN / 4);
        // All that serve this connection, at once: each of them would go with another one.
        signal_all(&descendants(server.pid()), "KILL");
        files::assert_same(&running.completed(id), 1, LEN);
        let retries = running.retries(id);
        // On a busy machine a server may have been silent besides.
        let cut = retries.iter().filter(|retry| retry.kind == FailureKind::ConnectionLost).count();
        assert_eq!(cut, 1, "{retries:?}");
    });
}

/// What the main loop may be held up by a server that does not answer. libcurl alone would wait for
/// ever (docs/main-loop.md).
const BEARABLE: Duration = Duration::from_millis(500);

/// A download through a hose.
fn add_through(running: &Running, server: &Sshd, hose: &Hose, home: &Path) -> DownloadId {
    server.introduce_to(home, hose.port).unwrap();
    let mut url = server.url("/f");
    url.set_port(Some(hose.port)).unwrap();
    running.engine.add(running.patient(url))
}

#[test]
fn pausing_while_the_server_hangs_does_not_hold_up_the_main_loop() {
    at_home("ssh::pausing_while_the_server_hangs_does_not_hold_up_the_main_loop", |home| {
        let (_folder, server) = served();
        let hose = Hose::before(server.port());
        let running = Running::with_limits(slow());
        let id = add_through(&running, &server, &hose, home);
        running.until(id, "some is here", |now| now.progress.received > LEN / 4);
        let watch = Watch::start(&running.main_loop);
        hose.shut.store(true, Ordering::Relaxed);
        running.engine.send(Command::Pause(id));
        running.main_loop.run_for(Duration::from_millis(500));
        assert_eq!(running.state(id), State::Paused);
        assert!(watch.latest() < BEARABLE, "{:?}", watch.latest());
    });
}

#[test]
fn a_server_that_hangs_at_the_end_of_a_file_does_not_hold_up_the_main_loop() {
    at_home("ssh::a_server_that_hangs_at_the_end_of_a_file_does_not_hold_up_the_main_loop", |home| {
        let (_folder, server) = served();
        let hose = Hose::before(server.port());
        let running = Running::with_limits(slow());
        let id = add_through(&running, &server, &hose, home);
        running.until(id, "most is here", |now| now.progress.received > LEN - MIB / 4);
        running.engine.send(Command::SetLimits(Limits { rate: Some(Speed(MIB / 4)), ..slow() }));
        running.until(id, "nearly all is here", |now| now.progress.received > LEN - MIB / 32);
        // All of the rest has been asked for; that the file is to be closed will not be heard.
        let watch = Watch::start(&running.main_loop);
        hose.shut.store(true, Ordering::Relaxed);
        files::assert_same(&running.completed(id), 1, LEN);
        assert!(running.retries(id).is_empty(), "{:?}", running.retries(id));
        assert!(watch.latest() < BEARABLE, "{:?}", watch.latest());
        println!("{:?}", watch.latest());
    });
}

/// Stands before a server and lets through what comes, until what the client says is no longer heard.
struct Hose {
    port: u16,
    shut: Arc<AtomicBool>,
}

impl Hose {
    fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shut = Arc::new(AtomicBool::new(false));
        let is_shut = shut.clone();
        // These end with the connections, or with the process that the test has of its own.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], server))).unwrap();
                let (from, to, is_shut) = (client.try_clone().unwrap(), server.try_clone().unwrap(), is_shut.clone());
                thread::spawn(move || pump(from, to, &is_shut));
                thread::spawn(move || pump(server, client, &AtomicBool::new(false)));
            }
        });
        Self { port, shut }
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream, is_shut: &AtomicBool) {
    let mut buffer = vec![0; 64 * 1024];
    let mut copy = || -> io::Result<bool> {
        let count = from.read(&mut buffer)?;
        if !is_shut.load(Ordering::Relaxed) {
            to.write_all(&buffer[..count])?;
        }
        Ok(count > 0)
    };
    while copy().unwrap_or(false) {}
    let _ = to.shutdown(Shutdown::Write);
}

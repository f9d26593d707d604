// SPDX-License-Identifier: GPL-3.0-or-later
//! A real server as a child process: started on a free port, waited for, ended by its own handle.

use std::env;
use std::fs;
use std::io::{self, Error, ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
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
        let mut server = Self::spawn(command)?;
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

    /// Starts a program that does not listen on a port.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        Ok(Self { child })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

/// The processes that a process has started, as far as they live.
pub fn descendants(pid: u32) -> Vec<u32> {
    let told = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children: Vec<u32> = told.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    children.iter().flat_map(|child| [vec![*child], descendants(*child)].concat()).collect()
}

/// Sends a signal, by its name without SIG, to a process that the test has started.
pub fn signal(pid: u32, name: &str) {
    signal_all(&[pid], name);
}

/// The same to several, of which some may have ended meanwhile.
pub fn signal_all(pids: &[u32], name: &str) {
    for pid in pids {
        let status = Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).stderr(Stdio::null()).status();
        let is_over = !Path::new(&format!("/proc/{pid}")).exists();
        assert!(is_over || status.is_ok_and(|status| status.success()), "kill -{name} {pid}");
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

/// A certificate `cert.pem` for localhost and 127.0.0.1 that signs itself, and its `key.pem`.
pub fn make_certificate(folder: &Path) -> io::Result<()> {
    let status = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .arg("-keyout")
        .arg(folder.join("key.pem"))
        .arg("-out")
        .arg(folder.join("cert.pem"))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if status.success() { Ok(()) } else { Err(Error::other(format!("openssl req: {status}"))) }
}

/// Says that a test cannot be made here; test.sh counts it. Past libtest, which shows only what failed
/// tests say.
pub fn skip(why: &str) {
    let _ = writeln!(io::stderr(), "SKIPPED {}: {why}", thread::current().name().unwrap_or_default());
}

/// What was started; `None`, and the test is skipped, when it is not installed.
pub fn or_skip<T>(started: io::Result<T>) -> Option<T> {
    match started {
        Ok(started) => Some(started),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            skip("a program of this server is not installed");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

pub fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Tells a test that [`at_home`] runs where its home is.
const HOME: &str = "FRESHET_TEST_HOME";

/// The home of its own that [`at_home`] has given the running test.
pub fn home() -> Option<PathBuf> {
    env::var_os(HOME).map(PathBuf::from)
}

/// Runs the rest of a test in a process of its own, with a new empty home: the environment belongs to
/// the process, and other tests run in this one. `name` is the test's, with its module. There may be
/// an SSH agent at `agent` in that home.
pub fn at_home(name: &str, test: impl FnOnce(&Path)) {
    if let Some(home) = home() {
        return test(&home);
    }
    let home = tempfile::Builder::new().prefix("freshet-home-").tempdir().expect("a folder");
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args([name, "--exact", "--nocapture"]).stdin(Stdio::null());
    command.env("HOME", home.path()).env(HOME, home.path()).env("SSH_AUTH_SOCK", home.path().join("agent"));
    let output = command.output().expect("this program starts again");
    let told = String::from_utf8_lossy(&output.stdout);
    // It runs in the first thread there, which has no name of a test.
    for why in String::from_utf8_lossy(&output.stderr).lines().filter_map(|line| line.strip_prefix("SKIPPED ")) {
        skip(why.split_once(": ").map_or(why, |(_, why)| why));
    }
    assert!(
        output.status.success() && told.contains("1 passed"),
        "{name} at its own home: {}\n{told}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
}

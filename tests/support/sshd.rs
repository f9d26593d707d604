// SPDX-License-Identifier: GPL-3.0-or-later
//! A real OpenSSH server of our own, with sftp only, on a free port of 127.0.0.1. It takes the user
//! that runs the tests, by keys of its own folder; no PAM, no password, none of the machine's keys.

use std::fs;
use std::io::{self, Error};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use freshet::engine::download::spec::DownloadSpec;
use tempfile::TempDir;
use url::Url;

use super::process::{self, Server};
use super::serving::FileServer;

#[derive(Debug)]
pub struct Sshd {
    port: u16,
    folder: PathBuf,
    prefix: TempDir,
    _server: Server,
}

impl Sshd {
    /// Serves `folder`. A test that runs at its own home is made known there, with the key in place.
    pub fn start(folder: &Path) -> io::Result<Self> {
        let server = process::try_thrice(|| {
            let prefix = tempfile::Builder::new().prefix("freshet-sshd-").tempdir()?;
            make_key(&prefix.path().join("host"))?;
            make_key(&prefix.path().join("user"))?;
            let [port] = process::free_ports()?;
            let config = prefix.path().join("sshd_config");
            fs::write(&config, configuration(prefix.path(), port))?;
            if process::is_root() {
                // As its service does at each boot.
                fs::create_dir_all("/run/sshd")?;
            }
            let mut command = Command::new("/usr/sbin/sshd");
            command.arg("-D").arg("-f").arg(&config).arg("-E").arg(prefix.path().join("log"));
            let server = Server::start(&mut command, SocketAddr::from(([127, 0, 0, 1], port)))?;
            Ok(Self { port, folder: folder.to_owned(), prefix, _server: server })
        })?;
        if let Some(home) = process::home() {
            server.introduce_to(&home, server.port)?;
            server.give_key_to(&home)?;
        }
        Ok(server)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Makes the server, or what stands before it at `port`, known to the user whose home this is, as
    /// `ssh` does when told to trust it.
    pub fn introduce_to(&self, home: &Path, port: u16) -> io::Result<()> {
        let key = fs::read_to_string(self.prefix.path().join("host.pub"))?;
        fs::write(make_ssh_folder(home)?.join("known_hosts"), format!("[127.0.0.1]:{port} {key}"))
    }

    /// Gives the user whose home this is the key that is let in.
    pub fn give_key_to(&self, home: &Path) -> io::Result<()> {
        fs::copy(self.user_key(), make_ssh_folder(home)?.join("id_ed25519")).map(drop)
    }

    /// The key that is let in.
    pub fn user_key(&self) -> PathBuf {
        self.prefix.path().join("user")
    }

    /// What the sftp server says.
    pub fn log(&self) -> String {
        fs::read_to_string(self.prefix.path().join("sftp.log")).unwrap_or_default()
    }

    pub fn pid(&self) -> u32 {
        self._server.pid()
    }
}

impl FileServer for Sshd {
    fn url(&self, path: &str) -> Url {
        let folder = self.folder.display();
        Url::parse(&format!("sftp://127.0.0.1:{}{folder}{path}", self.port)).expect("a path that begins with a slash")
    }

    fn dress(&self, _: &mut DownloadSpec) {}

    /// The sftp server tells at the end of each file how many bytes were read of it. libcurl asks for
    /// some ahead, so the count says nothing when a transfer was broken off.
    fn has_continued(&self, path: &str, from: u64, len: u64) -> bool {
        let file = format!("{}{path}", self.folder.display());
        let told = format!("close \"{file}\" bytes read {} ", len - from);
        self.log().contains(&told)
    }
}

/// `~/.ssh` of the user whose home this is.
pub fn make_ssh_folder(home: &Path) -> io::Result<PathBuf> {
    let folder = home.join(".ssh");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    Ok(folder)
}

/// Makes a key pair without a passphrase: `path` and `path.pub`.
pub fn make_key(path: &Path) -> io::Result<()> {
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", "ed25519", "-N", "", "-C", "freshet-test", "-f"]).arg(path);
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(Error::other(format!("ssh-keygen: {status}"))) }
}

/// Distributions put it in different folders.
fn sftp_server() -> PathBuf {
    let folders = ["/usr/lib/openssh", "/usr/libexec/openssh", "/usr/lib/ssh"];
    let places = folders.map(|folder| Path::new(folder).join("sftp-server"));
    places.into_iter().find(|path| path.exists()).unwrap_or_else(|| "sftp-server".into())
}

fn configuration(prefix: &Path, port: u16) -> String {
    let prefix = prefix.display();
    format!(
        "ListenAddress 127.0.0.1:{port}\nHostKey {prefix}/host\nAuthorizedKeysFile {prefix}/user.pub\nPidFile none\n\
         UsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n\
         StrictModes no\nUseDNS no\nMaxStartups 100\nSubsystem sftp {} -e -l INFO 2>>{prefix}/sftp.log\n",
        sftp_server().display()
    )
}

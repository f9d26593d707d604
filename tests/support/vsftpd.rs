// SPDX-License-Identifier: GPL-3.0-or-later
//! A real FTP server of our own: vsftpd, anonymous, on a free port of 127.0.0.1. It has to be started
//! as root (it changes its root folder for each session).

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use url::Url;

use super::process::{self, Server};

#[derive(Debug)]
pub struct Vsftpd {
    port: u16,
    _prefix: TempDir,
    _server: Server,
}

impl Vsftpd {
    /// Serves `folder`, which it makes readable for everybody (sessions run as daemon). The folders
    /// above it have to be passable already.
    pub fn start(folder: &Path) -> io::Result<Self> {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
        process::try_thrice(|| {
            let prefix = tempfile::Builder::new().prefix("freshet-vsftpd-").tempdir()?;
            let empty = prefix.path().join("empty");
            fs::create_dir(&empty)?;
            let [port] = process::free_ports()?;
            let config = prefix.path().join("vsftpd.conf");
            fs::write(&config, configuration(folder, &empty, port))?;
            let server =
                Server::start(Command::new("/usr/sbin/vsftpd").arg(&config), SocketAddr::from(([127, 0, 0, 1], port)))?;
            Ok(Self { port, _prefix: prefix, _server: server })
        })
    }

    pub fn url(&self, path: &str) -> Url {
        Url::parse(&format!("ftp://127.0.0.1:{}{path}", self.port)).expect("a path that begins with a slash")
    }
}

fn configuration(folder: &Path, empty: &Path, port: u16) -> String {
    format!(
        "background=NO\nlisten=YES\nlisten_ipv6=NO\nlisten_address=127.0.0.1\nlisten_port={port}\n\
         anonymous_enable=YES\nlocal_enable=NO\nwrite_enable=NO\nno_anon_password=YES\nftp_username=daemon\n\
         anon_root={}\nsecure_chroot_dir={}\npasv_address=127.0.0.1\nxferlog_enable=NO\nseccomp_sandbox=NO\n\
         max_clients=64\nidle_session_timeout=30\ndata_connection_timeout=30\n",
        folder.display(),
        empty.display()
    )
}

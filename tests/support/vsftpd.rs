// SPDX-License-Identifier: GPL-3.0-or-later
//! A real FTP server of our own: vsftpd, anonymous, on a free port of 127.0.0.1. It has to be started
//! as root (it changes its root folder for each session).

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use freshet::engine::download::spec::DownloadSpec;
use tempfile::TempDir;
use url::Url;

use super::process::{self, Server};
use super::serving::FileServer;

#[derive(Debug)]
pub struct Vsftpd {
    port: u16,
    prefix: TempDir,
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
            fs::write(&config, configuration(prefix.path(), folder, &empty, port))?;
            let server =
                Server::start(Command::new("/usr/sbin/vsftpd").arg(&config), SocketAddr::from(([127, 0, 0, 1], port)))?;
            Ok(Self { port, prefix, _server: server })
        })
    }
}

impl FileServer for Vsftpd {
    fn url(&self, path: &str) -> Url {
        Url::parse(&format!("ftp://127.0.0.1:{}{path}", self.port)).expect("a path that begins with a slash")
    }

    fn dress(&self, _: &mut DownloadSpec) {}

    /// By the commands (RFC 3659 section 5.3) that the server logs.
    fn has_continued(&self, path: &str, from: u64, _: u64) -> bool {
        let log = fs::read_to_string(self.prefix.path().join("log")).unwrap_or_default();
        let mut lines = log.lines().skip_while(|line| !line.contains(&format!("\"REST {from}\"")));
        lines.any(|line| line.contains(&format!("\"RETR {}\"", path.trim_start_matches('/'))))
    }
}

fn configuration(prefix: &Path, folder: &Path, empty: &Path, port: u16) -> String {
    format!(
        "background=NO\nlisten=YES\nlisten_ipv6=NO\nlisten_address=127.0.0.1\nlisten_port={port}\n\
         anonymous_enable=YES\nlocal_enable=NO\nwrite_enable=NO\nno_anon_password=YES\nftp_username=daemon\n\
         anon_root={}\nsecure_chroot_dir={}\npasv_address=127.0.0.1\nxferlog_enable=YES\nlog_ftp_protocol=YES\nvsftpd_log_file={}/log\nseccomp_sandbox=NO\n\
         max_clients=64\nidle_session_timeout=30\ndata_connection_timeout=30\n",
        folder.display(),
        empty.display(),
        prefix.display()
    )
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! A real Apache httpd of our own: one process, over TLS with HTTP/2 offered, on a free port of
//! 127.0.0.1. As root it serves as daemon: it refuses to serve as root.

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
use super::serving::{FileServer, log_has_range};

#[derive(Debug)]
pub struct Apache {
    port: u16,
    prefix: TempDir,
    _server: Server,
}

impl Apache {
    /// Makes the folder readable for everybody. Those above it have to be passable already.
    pub fn start(folder: &Path) -> io::Result<Self> {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
        process::try_thrice(|| {
            let prefix = tempfile::Builder::new().prefix("freshet-apache-").tempdir()?;
            process::make_certificate(prefix.path())?;
            let [port] = process::free_ports()?;
            let config = prefix.path().join("httpd.conf");
            fs::write(&config, configuration(prefix.path(), folder, port))?;
            let mut command = Command::new("/usr/sbin/apache2");
            // One process, so that ending it ends all.
            command.arg("-X").arg("-f").arg(&config);
            let server = Server::start(&mut command, SocketAddr::from(([127, 0, 0, 1], port)))?;
            Ok(Self { port, prefix, _server: server })
        })
    }
}

impl FileServer for Apache {
    fn url(&self, path: &str) -> Url {
        Url::parse(&format!("https://127.0.0.1:{}{path}", self.port)).expect("a path that begins with a slash")
    }

    fn dress(&self, spec: &mut DownloadSpec) {
        spec.manners.ca_file = Some(self.prefix.path().join("cert.pem"));
    }

    fn has_continued(&self, path: &str, from: u64, len: u64) -> bool {
        let log = fs::read_to_string(self.prefix.path().join("access.log")).unwrap_or_default();
        log_has_range(&log, path, from, len)
    }
}

fn configuration(prefix: &Path, folder: &Path, port: u16) -> String {
    let modules = ["mpm_event", "authz_core", "ssl", "http2"]
        .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"));
    let (modules, prefix, folder) = (modules.concat(), prefix.display(), folder.display());
    format!(
        "{modules}ServerRoot {prefix}\nServerName localhost\nListen 127.0.0.1:{port}\nPidFile {prefix}/pid\n\
         User daemon\nGroup daemon\nDefaultRuntimeDir {prefix}\nMutex posixsem\nProtocols h2 http/1.1\n\
         ErrorLog {prefix}/error.log\nLogFormat \"%m %U %>s %B %{{Range}}i\" tests\nCustomLog {prefix}/access.log tests\n\
         DocumentRoot {folder}\n<Directory {folder}>\n  Require all granted\n</Directory>\n\
         SSLEngine on\nSSLCertificateFile {prefix}/cert.pem\nSSLCertificateKeyFile {prefix}/key.pem\n"
    )
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! A real lighttpd of our own: one process, on a free port of 127.0.0.1.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use freshet::engine::download::spec::DownloadSpec;
use tempfile::TempDir;
use url::Url;

use super::process::{self, Server};
use super::serving::{FileServer, log_has_range};

#[derive(Debug)]
pub struct Lighttpd {
    port: u16,
    prefix: TempDir,
    _server: Server,
}

impl Lighttpd {
    pub fn start(folder: &Path) -> io::Result<Self> {
        process::try_thrice(|| {
            let prefix = tempfile::Builder::new().prefix("freshet-lighttpd-").tempdir()?;
            let [port] = process::free_ports()?;
            let config = prefix.path().join("lighttpd.conf");
            fs::write(&config, configuration(prefix.path(), folder, port))?;
            let mut command = Command::new("/usr/sbin/lighttpd");
            command.arg("-D").arg("-f").arg(&config);
            let server = Server::start(&mut command, SocketAddr::from(([127, 0, 0, 1], port)))?;
            Ok(Self { port, prefix, _server: server })
        })
    }
}

impl FileServer for Lighttpd {
    fn url(&self, path: &str) -> Url {
        Url::parse(&format!("http://127.0.0.1:{}{path}", self.port)).expect("a path that begins with a slash")
    }

    fn dress(&self, _: &mut DownloadSpec) {}

    fn has_continued(&self, path: &str, from: u64, len: u64) -> bool {
        let log = fs::read_to_string(self.prefix.path().join("access.log")).unwrap_or_default();
        log_has_range(&log, path, from, len)
    }
}

fn configuration(prefix: &Path, folder: &Path, port: u16) -> String {
    let (prefix, folder) = (prefix.display(), folder.display());
    // Files of no known type get neither ETag nor Last-Modified: nothing could continue them. And for
    // a second or two it would send new bytes of a file with its old ETag, out of its cache.
    format!(
        "mimetype.assign = (\"\" => \"application/octet-stream\")\n\
         server.stat-cache-engine = \"disable\"\nserver.modules = (\"mod_accesslog\")\nserver.bind = \"127.0.0.1\"\nserver.port = {port}\n\
         server.document-root = \"{folder}\"\nserver.errorlog = \"{prefix}/error.log\"\n\
         server.upload-dirs = (\"{prefix}\")\naccesslog.filename = \"{prefix}/access.log\"\n\
         accesslog.format = \"%m %U %s %B %{{Range}}i\"\naccesslog.escaping = \"json\"\n"
    )
}

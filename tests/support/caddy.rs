// SPDX-License-Identifier: GPL-3.0-or-later
//! A real Caddy of our own, over TLS with HTTP/2 offered, on a free port of 127.0.0.1.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use freshet::engine::download::spec::DownloadSpec;
use serde_json::Value;
use tempfile::TempDir;
use url::Url;

use super::process::{self, Server};
use super::serving::FileServer;

#[derive(Debug)]
pub struct Caddy {
    port: u16,
    prefix: TempDir,
    _server: Server,
}

impl Caddy {
    pub fn start(folder: &Path) -> io::Result<Self> {
        process::try_thrice(|| {
            let prefix = tempfile::Builder::new().prefix("freshet-caddy-").tempdir()?;
            process::make_certificate(prefix.path())?;
            let [port] = process::free_ports()?;
            let config = prefix.path().join("Caddyfile");
            fs::write(&config, configuration(prefix.path(), folder, port))?;
            let mut command = Command::new("caddy");
            command.args(["run", "--adapter", "caddyfile", "--config"]).arg(&config);
            // It keeps its state below these.
            command.env("XDG_DATA_HOME", prefix.path()).env("XDG_CONFIG_HOME", prefix.path());
            let server = Server::start(&mut command, SocketAddr::from(([127, 0, 0, 1], port)))?;
            Ok(Self { port, prefix, _server: server })
        })
    }
}

impl FileServer for Caddy {
    fn url(&self, path: &str) -> Url {
        Url::parse(&format!("https://127.0.0.1:{}{path}", self.port)).expect("a path that begins with a slash")
    }

    fn dress(&self, spec: &mut DownloadSpec) {
        spec.manners.ca_file = Some(self.prefix.path().join("cert.pem"));
    }

    fn has_continued(&self, path: &str, from: u64, len: u64) -> bool {
        let log = fs::read_to_string(self.prefix.path().join("access.log")).unwrap_or_default();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.into_iter().any(|line| {
            let range = line["request"]["headers"]["Range"][0].as_str().unwrap_or_default();
            line["request"]["uri"] == path
                && line["status"] == 206
                && line["size"] == len - from
                && range.starts_with(&format!("bytes={from}-"))
        })
    }
}

fn configuration(prefix: &Path, folder: &Path, port: u16) -> String {
    let (prefix, folder) = (prefix.display(), folder.display());
    format!(
        "{{\n\tadmin off\n\tauto_https off\n\tskip_install_trust\n}}\n\
         https://127.0.0.1:{port} {{\n\tbind 127.0.0.1\n\ttls {prefix}/cert.pem {prefix}/key.pem\n\troot * {folder}\n\
         \tfile_server\n\tlog {{\n\t\toutput file {prefix}/access.log\n\t\tformat json\n\t}}\n}}\n"
    )
}

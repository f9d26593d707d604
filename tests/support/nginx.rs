// SPDX-License-Identifier: GPL-3.0-or-later
//! A real nginx of our own: one process, a prefix in a temporary folder, free ports of 127.0.0.1.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use freshet::engine::download::spec::DownloadSpec;
use tempfile::TempDir;
use url::Url;

use super::process::{self, Server};
use super::serving::{FileServer, log_has_range};

/// The user and password of `/private/`.
pub const USER: &str = "ann";
pub const PASSWORD: &str = "s3cret";

/// Serves one folder in several ways:
///
/// | path | manner |
/// |---|---|
/// | `/NAME` | plain |
/// | `/slow/NAME` | at most `slow` bytes a second for each request |
/// | `/no-ranges/NAME` | knows no ranges |
/// | `/private/NAME` | asks for [`USER`] and [`PASSWORD`] |
#[derive(Debug)]
pub struct Nginx {
    http: u16,
    https: u16,
    h2: u16,
    prefix: TempDir,
    server: Server,
}

impl Nginx {
    /// Serves `folder`; `slow` is the rate of `/slow/`. Fails when nginx or openssl is missing.
    pub fn start(folder: &Path, slow: u64) -> io::Result<Self> {
        process::try_thrice(|| {
            let prefix = tempfile::Builder::new().prefix("freshet-nginx-").tempdir()?;
            process::make_certificate(prefix.path())?;
            fs::write(prefix.path().join("users"), format!("{USER}:{{PLAIN}}{PASSWORD}\n"))?;
            let [http, https, h2] = process::free_ports()?;
            let config = prefix.path().join("nginx.conf");
            fs::write(&config, configuration(prefix.path(), folder, slow, [http, https, h2]))?;
            let mut command = Command::new(program());
            command.arg("-p").arg(prefix.path()).arg("-c").arg(&config).arg("-e").arg(prefix.path().join("error.log"));
            let server = Server::start(&mut command, SocketAddr::from(([127, 0, 0, 1], http)))?;
            Ok(Self { http, https, h2, prefix, server })
        })
    }

    pub fn url(&self, path: &str) -> Url {
        address("http", self.http, path)
    }

    /// The same over TLS with HTTP/1.1 only; the certificate is its own authority: [`Self::ca_file`].
    pub fn https_url(&self, path: &str) -> Url {
        address("https", self.https, path)
    }

    /// The same over TLS with HTTP/2.
    pub fn h2_url(&self, path: &str) -> Url {
        address("https", self.h2, path)
    }

    pub fn ca_file(&self) -> PathBuf {
        self.prefix.path().join("cert.pem")
    }

    /// One line for each request that is over: method, address, status, bytes of body, range.
    pub fn log(&self) -> Vec<String> {
        let text = fs::read_to_string(self.prefix.path().join("access.log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    pub fn pid(&self) -> u32 {
        self.server.pid()
    }
}

/// How the cases that are the same for all servers reach nginx.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    Http,
    /// TLS with HTTP/1.1 only.
    Https,
    /// TLS with HTTP/2 offered.
    H2,
}

/// nginx as one server among others.
#[derive(Debug)]
pub struct By {
    nginx: Nginx,
    way: Way,
}

impl By {
    pub fn start(folder: &Path, way: Way) -> io::Result<Self> {
        Ok(Self { nginx: Nginx::start(folder, 1 << 20)?, way })
    }
}

impl FileServer for By {
    fn url(&self, path: &str) -> Url {
        match self.way {
            Way::Http => self.nginx.url(path),
            Way::Https => self.nginx.https_url(path),
            Way::H2 => self.nginx.h2_url(path),
        }
    }

    fn dress(&self, spec: &mut DownloadSpec) {
        spec.manners.ca_file = Some(self.nginx.ca_file());
    }

    fn has_continued(&self, path: &str, from: u64, len: u64) -> bool {
        log_has_range(&self.nginx.log().join("\n"), path, from, len)
    }
}

fn address(scheme: &str, port: u16, path: &str) -> Url {
    Url::parse(&format!("{scheme}://127.0.0.1:{port}{path}")).expect("a path that begins with a slash")
}

fn program() -> &'static Path {
    // Debian keeps it out of the PATH of ordinary users.
    let sbin = Path::new("/usr/sbin/nginx");
    if sbin.exists() { sbin } else { Path::new("nginx") }
}

fn configuration(prefix: &Path, folder: &Path, slow: u64, [http, https, h2]: [u16; 3]) -> String {
    let (prefix, folder) = (prefix.display(), folder.display());
    // One process, so that ending it ends all; root stays root, or it could not read a private folder.
    format!(
        r#"daemon off;
master_process off;
user root;
pid {prefix}/pid;
error_log {prefix}/error.log;
events {{ worker_connections 1024; }}
http {{
    types {{ text/html html; text/plain txt; application/pdf pdf; }}
    default_type application/octet-stream;
    log_format tests '$request_method $request_uri $status $body_bytes_sent $http_range';
    access_log {prefix}/access.log tests;
    client_body_temp_path {prefix}/body;
    proxy_temp_path {prefix}/proxy;
    fastcgi_temp_path {prefix}/fastcgi;
    uwsgi_temp_path {prefix}/uwsgi;
    scgi_temp_path {prefix}/scgi;
    sendfile on;
    keepalive_requests 100000;
    ssl_certificate {prefix}/cert.pem;
    ssl_certificate_key {prefix}/key.pem;
    server {{
        listen 127.0.0.1:{http};
        listen 127.0.0.1:{https} ssl;
        listen 127.0.0.1:{h2} ssl http2;
        root {folder};
        location /slow/ {{ alias {folder}/; limit_rate {slow}; }}
        location /no-ranges/ {{ alias {folder}/; max_ranges 0; }}
        location /private/ {{ alias {folder}/; auth_basic "private"; auth_basic_user_file {prefix}/users; }}
    }}
}}
"#
    )
}

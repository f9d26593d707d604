// SPDX-License-Identifier: GPL-3.0-or-later
//! What we send: a [`Request`] as options of a libcurl easy handle.

use std::borrow::Cow;
use std::ffi::CString;
use std::ops::RangeInclusive;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::sync::LazyLock;

use curl::easy::{Auth, Easy2, Handler, HttpVersion, List, NetRc};
use url::Url;

use super::headers::Validator;
use super::{Body, Request, decode, raw, version};
use crate::config;
use crate::engine::download::spec::Manners;
use crate::engine::error::{Failure, FailureKind};
use crate::engine::store::redact;
use crate::engine::types::Speed;

/// The keys that are tried for a login by SSH, by their names in `~/.ssh`: the first that is there,
/// since libcurl takes one. RSA is last because libssh2 before 1.11 signs with it by SHA-1 only,
/// which OpenSSH has refused since 8.8.
const SSH_KEYS: [&str; 3] = ["id_ed25519", "id_ecdsa", "id_rsa"];
pub const MOST_REDIRECTS: u32 = 20;

/// The receive buffer: at 256 KiB a GiB costs a quarter less CPU than at libcurl's 16 KiB, more
/// gains nothing (docs/performance.md). With a rate limit small reads keep the flow even: a
/// sixteenth of a second, within what libcurl takes and hands over at most.
const FAST_BUFFER: usize = 256 * 1024;
/// With more transfers than this at a time each brings less, and a large buffer for each costs memory,
/// and the allocator more than many a small file is worth.
const FEW: usize = 8;
const ONE_OF_MANY: usize = 60 * 1024;
const EVEN_BUFFERS: RangeInclusive<u64> = 1024..=16 * 1024;

/// The schemes of a first request and of redirects, as libcurl wants them.
struct Schemes {
    first: CString,
    redirects: CString,
}

// Never `file`, `scp` or others that would let a server choose what is read; and none may have us
// log in somewhere with the user's SSH keys.
static SCHEMES: LazyLock<Schemes> = LazyLock::new(|| {
    let redirects: Vec<_> = version::schemes().iter().filter(|scheme| **scheme != "sftp").copied().collect();
    let joined = |schemes: &[&str]| CString::new(schemes.join(",")).unwrap_or_default();
    Schemes { first: joined(version::schemes()), redirects: joined(&redirects) }
});

/// Sets everything this request needs on a new handle; `pace` is what rate limits leave it, `others` the
/// number of transfers that run. `is_led`: libcurl follows no redirect.
pub fn configure<H: Handler>(
    easy: &mut Easy2<H>,
    request: &Request,
    is_led: bool,
    pace: Option<Speed>,
    others: usize,
) -> Result<(), Failure> {
    let even = |pace: Speed| usize::try_from((pace.0 / 16).clamp(*EVEN_BUFFERS.start(), *EVEN_BUFFERS.end())).ok();
    let buffer = pace.and_then(even).unwrap_or(if others < FEW { FAST_BUFFER } else { ONE_OF_MANY });
    set(easy, request, is_led, buffer).map_err(|error| {
        let what = error.extra_description().unwrap_or_else(|| error.description()).to_owned();
        Failure::new(FailureKind::Internal(error.code()), format!("libcurl refused an option: {what}"))
    })
}

fn set<H: Handler>(easy: &mut Easy2<H>, request: &Request, is_led: bool, buffer: usize) -> Result<(), curl::Error> {
    let (asked, manners) = (&request.asked, &request.manners);
    let is_http = matches!(request.url.scheme(), "http" | "https");
    easy.url(address(request).as_str())?;
    raw::set_protocols(easy, &SCHEMES.first, &SCHEMES.redirects)?;
    easy.follow_location(!is_led)?;
    easy.max_redirections(MOST_REDIRECTS)?;
    easy.connect_timeout(request.connect_timeout)?;
    easy.tcp_keepalive(true)?;
    easy.buffer_size(buffer)?;
    // Each transfer has a connection of its own; why, docs/main-loop.md says.
    easy.http_version(HttpVersion::V11)?;

    // Fields for a server that is asked by FTP are for the proxy that may stand between, which is asked by HTTP.
    let mut fields = List::new();
    // Ranges are of the file only without an encoding (RFC 9110 section 14.2).
    if asked.decode {
        fields.append(&format!("Accept-Encoding: {}", decode::ACCEPTED))?;
    } else {
        fields.append("Accept-Encoding: identity")?;
    }
    if asked.range.is_some()
        && let Some(Validator::ETag(value) | Validator::LastModified(value)) = &asked.validator
    {
        fields.append(&format!("If-Range: {value}"))?;
    }
    if is_http {
        easy.nobody(matches!(request.body, Body::Head { by_get: false }))?;
        if let Some(range) = asked.range {
            easy.range(&format!("{}-{}", range.start, range.end.saturating_sub(1)))?;
        }
    } else {
        // At the end of a file libcurl waits for the server inside one call; this lets us end that.
        easy.progress(true)?;
        // The file's time is its validator where there are no header fields.
        easy.fetch_filetime(true)?;
        // To the end of the file, whose length tells whether it is still the same; what lies beyond
        // the range is not taken.
        if let Some(range) = asked.range {
            easy.resume_from(range.start)?;
        }
    }
    for line in &manners.headers {
        fields.append(line)?;
    }
    easy.http_headers(fields)?;
    set_manners(easy, manners)?;
    if request.url.scheme() == "sftp" { set_ssh(easy, request) } else { Ok(()) }
}

/// libcurl takes a log-in from the address before one that is set, though this was given later.
fn address(request: &Request) -> Cow<'_, Url> {
    if request.manners.credentials.is_none() || (request.url.username().is_empty() && request.url.password().is_none())
    {
        return Cow::Borrowed(&request.url);
    }
    let mut bare = request.url.clone();
    // Refused only for addresses that can have no log-in, and this one has.
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    Cow::Owned(bare)
}

/// Logs in as `ssh` would, as far as libcurl can: by the agent or a key of the user's, under the name
/// used here if no other is told; and only where the user has been before.
fn set_ssh<H: Handler>(easy: &mut Easy2<H>, request: &Request) -> Result<(), curl::Error> {
    let manners = &request.manners;
    // It is hung up at the end of the file (`TransferHandler::hang_up`), so nobody else can use it.
    easy.fresh_connect(true)?;
    easy.forbid_reuse(true)?;
    let keys = glib::home_dir().join(".ssh");
    if !manners.insecure {
        raw::set_known_hosts(easy, &path(keys.join("known_hosts"))?)?;
    }
    if let Some(key) = SSH_KEYS.iter().map(|name| keys.join(name)).find(|key| key.is_file()) {
        raw::set_private_key(easy, &path(key)?)?;
    }
    // An empty password is not tried: servers count it, and lock out who fails too often.
    raw::set_ssh_logins(easy, manners.credentials.is_some() || manners.netrc || request.url.password().is_some())?;
    if request.url.username().is_empty() && manners.credentials.is_none() && !manners.netrc {
        easy.username(&glib::user_name().to_string_lossy())?;
    }
    Ok(())
}

fn path(path: PathBuf) -> Result<CString, curl::Error> {
    text(path.into_os_string().into_vec())
}

/// For libcurl; it takes no text with a zero in it.
fn text(text: impl Into<Vec<u8>>) -> Result<CString, curl::Error> {
    CString::new(text).map_err(|_| curl::Error::new(curl_sys::CURLE_BAD_FUNCTION_ARGUMENT))
}

/// As what servers see this program if nothing is said.
pub fn usual_user_agent() -> String {
    format!("Freshet/{}", config::VERSION)
}

fn set_manners<H: Handler>(easy: &mut Easy2<H>, manners: &Manners) -> Result<(), curl::Error> {
    match &manners.user_agent {
        Some(agent) => easy.useragent(agent)?,
        None => easy.useragent(&usual_user_agent())?,
    }
    if let Some(referer) = &manners.referer {
        easy.referer(referer)?;
    }
    if let Some(login) = &manners.credentials {
        easy.username(&login.user)?;
        easy.password(&login.password)?;
    }
    // A user name in the address, or one given, may be asked for by either scheme.
    easy.http_auth(Auth::new().basic(true).digest(true))?;
    raw::set_socks_logins(easy)?;
    if manners.netrc {
        easy.netrc(NetRc::Optional)?;
    }
    if let Some(login) = &manners.proxy_credentials {
        easy.proxy_username(&login.user)?;
        easy.proxy_password(&login.password)?;
        easy.proxy_auth(Auth::new().basic(true).digest(true))?;
    }
    if let Some(proxy) = &manners.proxy {
        // libcurl takes a log-in that is in there before one that is set, though this was given later.
        let bare = manners.proxy_credentials.as_ref().map(|_| redact::proxy_without_login(proxy));
        easy.proxy(bare.as_deref().unwrap_or(proxy))?;
    }
    if let Some(file) = &manners.ca_file {
        easy.cainfo(file)?;
    }
    if manners.insecure {
        easy.ssl_verify_peer(false)?;
        easy.ssl_verify_host(false)?;
    }
    Ok(())
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! What we send: a [`Request`] as options of a libcurl easy handle.

use curl::easy::{Auth, Easy2, Handler, HttpVersion, List, NetRc};

use super::headers::Validator;
use super::{Request, raw};
use crate::config;
use crate::engine::download::spec::Manners;
use crate::engine::error::{Failure, FailureKind};

/// Schemes a download may begin with, and be redirected to: never `file`, `scp` or others that
/// would let a server choose what is read.
const SCHEMES: &std::ffi::CStr = c"http,https,ftp,ftps";
const MOST_REDIRECTS: u32 = 20;

/// The receive buffer: at 256 KiB a GiB costs a quarter less CPU than at libcurl's 16 KiB, more
/// gains nothing (docs/performance.md). With a rate limit small reads keep the flow even.
const FAST_BUFFER: usize = 256 * 1024;
const EVEN_BUFFER: usize = 16 * 1024;

/// Sets everything this request needs on a new handle.
pub fn configure<H: Handler>(easy: &mut Easy2<H>, request: &Request, limited: bool) -> Result<(), Failure> {
    set(easy, request, limited).map_err(|error| {
        let what = error.extra_description().unwrap_or_else(|| error.description()).to_owned();
        Failure::new(FailureKind::Internal(error.code()), format!("libcurl refused an option: {what}"))
    })
}

fn set<H: Handler>(easy: &mut Easy2<H>, request: &Request, limited: bool) -> Result<(), curl::Error> {
    let (asked, manners) = (&request.asked, &request.manners);
    let is_http = matches!(request.url.scheme(), "http" | "https");
    easy.url(request.url.as_str())?;
    raw::set_protocols(easy, SCHEMES, SCHEMES)?;
    easy.follow_location(true)?;
    easy.max_redirections(MOST_REDIRECTS)?;
    easy.connect_timeout(request.connect_timeout)?;
    easy.tcp_keepalive(true)?;
    easy.buffer_size(if limited { EVEN_BUFFER } else { FAST_BUFFER })?;
    // Each transfer has a connection of its own: over HTTP/2 a transfer that is paused (the disk is
    // slow, a rate limit) can lock up others of its connection (curl issue 16955), and one large
    // file costs 5 to 9 % more CPU.
    easy.http_version(HttpVersion::V11)?;

    let mut fields = List::new();
    if is_http {
        // Ranges are of the file only without an encoding (RFC 9110 section 14.2).
        if asked.decode {
            easy.accept_encoding("gzip, deflate")?;
        } else {
            fields.append("Accept-Encoding: identity")?;
        }
        if asked.from > 0 {
            easy.range(&format!("{}-", asked.from))?;
            if let Some(Validator::ETag(value) | Validator::LastModified(value)) = &asked.validator {
                fields.append(&format!("If-Range: {value}"))?;
            }
        }
    } else {
        // The file's time is its validator where there are no header fields.
        easy.fetch_filetime(true)?;
        if asked.from > 0 {
            easy.resume_from(asked.from)?;
        }
    }
    for line in &manners.headers {
        fields.append(line)?;
    }
    easy.http_headers(fields)?;
    set_manners(easy, manners)
}

fn set_manners<H: Handler>(easy: &mut Easy2<H>, manners: &Manners) -> Result<(), curl::Error> {
    match &manners.user_agent {
        Some(agent) => easy.useragent(agent)?,
        None => easy.useragent(&format!("Freshet/{}", config::VERSION))?,
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
    if manners.netrc {
        easy.netrc(NetRc::Optional)?;
    }
    if let Some(proxy) = &manners.proxy {
        easy.proxy(proxy)?;
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

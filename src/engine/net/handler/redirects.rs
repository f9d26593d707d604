// SPDX-License-Identifier: GPL-3.0-or-later
//! Redirects of a request that has something for its own server alone. libcurl keeps user names with passwords, and
//! what logs in by `Authorization` or `Cookie`, from other servers, but no other header and no referrer: where there
//! are such it follows none, and each redirect is a request of ours, with what its server may be told.

use url::Url;

use super::{Judged, TransferHandler};
use crate::engine::download::spec::is_same_origin;
use crate::engine::error::{Failure, FailureKind};
use crate::engine::import::address;
use crate::engine::net::Request;
use crate::engine::net::proof::{Head, OnTheWay};
use crate::engine::net::request::MOST_REDIRECTS;

/// What a request that follows a redirect has to know of those before it.
#[derive(Debug)]
pub struct Trail {
    first: Box<Request>,
    hops: Vec<Url>,
    on_the_way: OnTheWay,
    until: Option<u64>,
}

impl TransferHandler {
    /// Whether redirects are followed by us.
    pub fn is_led(&self) -> bool {
        self.led.is_some()
    }

    /// Goes on where another one was redirected to.
    pub fn follow(&mut self, trail: Trail) {
        (self.led, self.until) = (Some(trail.first), trail.until);
        (self.head.hops, self.head.on_the_way) = (trail.hops, trail.on_the_way);
    }

    /// What is to be asked next, once this one is over, if its answer was a redirect that we follow.
    pub fn onward(&mut self) -> Option<(Request, Trail)> {
        let Judged::Elsewhere { url, .. } = &self.judged else { return None };
        let first = self.led.take()?;
        let manners = first.manners.towards(url, &first.url);
        let request = Request { url: url.clone(), manners, ..Request::clone(&first) };
        let Head { hops, on_the_way, .. } = std::mem::take(&mut self.head);
        Some((request, Trail { first, hops, on_the_way, until: self.until }))
    }

    /// Where the answer leads, or why it leads nowhere, if it is a redirect that we follow.
    pub(super) fn leads(&self) -> Option<Judged> {
        let first = self.led.as_ref().filter(|_| matches!(self.head.status, 300..=399))?;
        let location = self.head.fields.all("location").next().filter(|location| !location.is_empty())?;
        if self.head.hops.len() > MOST_REDIRECTS as usize {
            let detail = format!("there are more than {MOST_REDIRECTS} redirects");
            return Some(Judged::Refused(Failure::new(FailureKind::TooManyRedirects, detail)));
        }
        Some(match target(&self.first_url, location, &first.url) {
            Ok(url) => Judged::Elsewhere { url, received: 0 },
            Err(failure) => Judged::Refused(failure),
        })
    }
}

/// The place that a redirect from `base` names. The log-in in the `own` address is for all of its server.
fn target(base: &Url, location: &[u8], own: &Url) -> Result<Url, Failure> {
    // Bytes that are no text are sent as they came (RFC 9110 section 10.2.2 leaves them out).
    let escape = |byte: &u8| if byte.is_ascii() { char::from(*byte).to_string() } else { format!("%{byte:02X}") };
    let text: String = location.iter().map(escape).collect();
    let detail = |problem: String| format!("a redirect cannot be followed: {problem}");
    let url = base.join(&text).map_err(|error| Failure::new(FailureKind::InvalidAddress, detail(error.to_string())))?;
    let mut url = address::absolute(url.as_str())
        .map_err(|failure| Failure { detail: detail(failure.detail.clone()), ..failure })?;
    if url.scheme() == "sftp" {
        // Nobody may have us log in somewhere with the user's SSH keys.
        return Err(Failure::new(FailureKind::UnsupportedScheme, detail("those to sftp are disabled".to_owned())));
    }
    url.set_fragment(None);
    if is_same_origin(&url, own) && url.username().is_empty() && url.password().is_none() {
        // Refused only for addresses that can have no log-in, and the own one of this origin has.
        let _ = url.set_username(own.username());
        let _ = url.set_password(own.password());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leads(location: &str) -> Result<String, FailureKind> {
        let (base, own) = ("https://cdn.example/a/b?c", "https://ann:pw@own.example/f");
        target(&base.parse().unwrap(), location.as_bytes(), &own.parse().unwrap())
            .map(String::from)
            .map_err(|failure| failure.kind)
    }

    #[test]
    fn a_place_is_read_as_libcurl_reads_it() {
        for (location, place) in [
            ("/x", "https://cdn.example/x"),
            ("x y#z", "https://cdn.example/a/x%20y"),
            ("//h/\u{e9}?\u{e9}", "https://h/%C3%A9?%C3%A9"),
            ("ftp://h/f", "ftp://h/f"),
            ("http://own.example/f", "http://own.example/f"),
            ("https://own.example/g", "https://ann:pw@own.example/g"),
            ("https://bob@own.example:443/g", "https://bob@own.example/g"),
        ] {
            assert_eq!(leads(location).as_deref(), Ok(place), "{location}");
        }
        let latin = target(&"http://h/".parse().unwrap(), b"/\xe9", &"http://h/".parse().unwrap());
        assert_eq!(latin.unwrap().as_str(), "http://h/%E9");
    }

    #[test]
    fn a_place_that_is_none_is_told_apart_from_one_that_nobody_goes_to() {
        for location in ["file:///etc/passwd", "sftp://h/f", "mailto:ann@example.org", "data:,x", "zzz://h/f"] {
            assert_eq!(leads(location), Err(FailureKind::UnsupportedScheme), "{location}");
        }
        for location in ["http://[::1", "http://:80/f", "http://h:99999/f", "http://a b/f"] {
            assert_eq!(leads(location), Err(FailureKind::InvalidAddress), "{location}");
        }
    }
}

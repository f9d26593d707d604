// SPDX-License-Identifier: GPL-3.0-or-later
//! How an answer came about: over which addresses, by which protocol, from which machine, and how long
//! each step took. Only told, nothing depends on it.

use std::net::IpAddr;
use std::time::Duration;

use url::Url;

use super::raw::EasyRef;

/// What is known of the way to an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    /// The address that was asked, then those that redirects led to, the one that answered last.
    pub addresses: Vec<Url>,
    /// As the protocol names itself, like `HTTP/1.1`; the scheme in capitals for those without versions.
    pub protocol: String,
    /// It came encrypted.
    pub is_secure: bool,
    /// The machine that answered: the proxy's where there is one.
    pub peer: Option<IpAddr>,
    /// What the server calls itself (RFC 9110 section 10.2.4).
    pub server: Option<String>,
    pub steps: Steps,
}

/// What was waited for, one after the other; redirects included that libcurl has followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Steps {
    /// The connection was there already: nothing was looked up, connected or agreed on.
    pub is_reused: bool,
    /// The name lookup (`CURLINFO_NAMELOOKUP_TIME_T(3)`).
    pub lookup: Duration,
    /// From there to the connection (`CURLINFO_CONNECT_TIME_T(3)`).
    pub connect: Duration,
    /// From there until TLS or SSH was agreed on (`CURLINFO_APPCONNECT_TIME_T(3)`).
    pub agree: Duration,
    /// From the request (`CURLINFO_PRETRANSFER_TIME_T(3)`) to the first byte of the answer
    /// (`CURLINFO_STARTTRANSFER_TIME_T(3)`).
    pub answer: Duration,
}

impl Contact {
    /// Asks libcurl about the answer that is being delivered. `hops` redirected to it; `version`: that of HTTP, if
    /// it came by that.
    pub fn of(
        easy: EasyRef,
        mut hops: Vec<Url>,
        url: Option<&Url>,
        version: Option<&str>,
        server: Option<&str>,
    ) -> Self {
        let scheme = url.map(Url::scheme).unwrap_or_default();
        hops.extend(url.cloned());
        Self {
            is_secure: matches!(scheme, "https" | "ftps" | "sftp"),
            addresses: hops,
            protocol: version.map_or_else(|| scheme.to_ascii_uppercase(), str::to_owned),
            peer: easy.peer().and_then(|peer| peer.parse().ok()),
            server: server.map(str::to_owned),
            steps: Steps::from_clock(easy.is_reused(), easy.times()),
        }
    }
}

/// When, since the transfer began, each step was over; zero where there was none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    pub lookup: Duration,
    pub connect: Duration,
    pub agree: Duration,
    pub request: Duration,
    pub answer: Duration,
}

impl Steps {
    fn from_clock(is_reused: bool, times: Times) -> Self {
        Self {
            is_reused,
            lookup: times.lookup,
            connect: times.connect.saturating_sub(times.lookup),
            agree: times.agree.saturating_sub(times.connect),
            answer: times.answer.saturating_sub(times.request),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_what_lies_between_two_times() {
        let ms = Duration::from_millis;
        let times = Times { lookup: ms(10), connect: ms(30), agree: ms(90), request: ms(91), answer: ms(191) };
        let steps = Steps { is_reused: false, lookup: ms(10), connect: ms(20), agree: ms(60), answer: ms(100) };
        assert_eq!(Steps::from_clock(false, times), steps);
        let plain = Times { agree: Duration::ZERO, ..times };
        assert_eq!(Steps::from_clock(false, plain).agree, Duration::ZERO);
    }
}

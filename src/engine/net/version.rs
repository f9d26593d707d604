// SPDX-License-Identifier: GPL-3.0-or-later
//! Which libcurl is at work, what it can do, and whether it is known to be bad for us.

use std::sync::OnceLock;

use crate::engine::error::{Failure, FailureKind};

/// The schemes that Freshet downloads from, where this libcurl can ([`schemes`]).
pub const SCHEMES: [&str; 5] = ["http", "https", "ftp", "ftps", "sftp"];

/// Those of [`SCHEMES`] that the libcurl that runs can fetch from.
pub fn schemes() -> &'static [&'static str] {
    static HERE: OnceLock<Vec<&'static str>> = OnceLock::new();
    HERE.get_or_init(|| {
        let version = curl::Version::get();
        let has_protocol = |scheme: &str| version.protocols().any(|known| known == scheme);
        let fits = |scheme: &str| scheme != "sftp" || version.libssh_version().is_some_and(checks_host_keys);
        SCHEMES.into_iter().filter(|scheme| has_protocol(scheme) && fits(scheme)).collect()
    })
}

/// Whether this SSH library of libcurl's holds servers against a file of known hosts: wolfSSH takes
/// any (CURLOPT_SSH_KNOWNHOSTS(3)).
fn checks_host_keys(library: &str) -> bool {
    library.starts_with("libssh2/") || library.starts_with("libssh/")
}

/// Whether addresses of this scheme, in lower case, can be downloaded; `UnsupportedScheme` says why not.
pub fn check_scheme(scheme: &str) -> Result<(), Failure> {
    if schemes().contains(&scheme) {
        return Ok(());
    }
    let detail = if SCHEMES.contains(&scheme) {
        let (major, minor, patch) = running();
        format!("this libcurl ({major}.{minor}.{patch}) cannot do “{scheme}”: it needs one that was built with it")
    } else {
        format!("“{scheme}” is not one of {}", schemes().join(", "))
    };
    Err(Failure::new(FailureKind::UnsupportedScheme, detail))
}

/// A libcurl version as numbers.
pub type Number = (u8, u8, u8);

/// What is wrong with a libcurl, where something is. Read off curl's issue tracker.
pub fn known_fault(version: Number) -> Option<&'static str> {
    match version {
        (8, 9, 0) => Some("8.9.0 spins in the multi-socket interface (curl issue 14280)"),
        (8, 9, 1) => Some("8.9.1 lets SIGPIPE end the program"),
        (8, 20, 0) => Some("8.20.0 wakes up a million times a second (curl issue 21547)"),
        (8, 21, 0) => Some("8.21.0 leaks descriptors when TLS connections end (curl issue 22282)"),
        _ => None,
    }
}

/// The libcurl that runs (not the one of the build).
pub fn running() -> Number {
    let number = curl::Version::get().version_num();
    let byte = |shift: u32| u8::try_from((number >> shift) & 0xff).unwrap_or_default();
    (byte(16), byte(8), byte(0))
}

/// What the libcurl that runs is and can do: its version and libraries, the schemes it fetches from, what
/// it was built with, and what is wrong with it. Three lines, for the about window, a
/// report of a fault and `freshet --version`.
pub fn curl_info() -> String {
    let version = curl::Version::get();
    let libraries = [
        Some(format!("libcurl/{}", version.version())),
        version.ssl_version().map(str::to_owned),
        version.nghttp2_version().map(|number| format!("nghttp2/{number}")),
        version.quic_version().map(str::to_owned),
        version.libssh_version().map(str::to_owned),
    ];
    let features = [
        (version.feature_http2(), "HTTP/2"),
        (version.feature_http3(), "HTTP/3"),
        (version.feature_ipv6(), "IPv6"),
        (version.feature_idn(), "IDN"),
        (version.feature_libz(), "gzip"),
        (version.feature_brotli(), "brotli"),
        (version.feature_zstd(), "zstd"),
        (version.feature_async_dns(), "asynchronous DNS"),
    ];
    let mut lines = vec![
        libraries.into_iter().flatten().collect::<Vec<_>>().join(" "),
        schemes()
            .iter()
            .copied()
            .chain(features.into_iter().filter(|(is_there, _)| *is_there).map(|(_, name)| name))
            .collect::<Vec<_>>()
            .join(", "),
    ];
    lines.push(match known_fault(running()) {
        Some(fault) => format!("Known to be faulty: {fault}"),
        None => "Not among the versions that are known to be bad".to_owned(),
    });
    lines.join("\n")
}

/// Warns once in the log about a libcurl that is known to be bad.
pub fn warn_if_faulty() {
    if let Some(fault) = known_fault(running()) {
        tracing::warn!("this libcurl is known to be faulty: {fault}; a newer one is advised");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_running_version_is_a_supported_one_and_faults_are_known_by_number() {
        assert!(running() >= (7, 85, 0), "{:?}", running());
        assert!(known_fault((8, 20, 0)).is_some());
        assert!(known_fault((7, 88, 1)).is_none());
    }

    #[test]
    fn what_is_told_of_libcurl_is_what_it_tells_of_itself() {
        let told = curl_info();
        let (major, minor, patch) = running();
        assert!(told.starts_with(&format!("libcurl/{major}.{minor}.{patch}")), "{told}");
        assert!(told.lines().nth(1).unwrap().starts_with(&schemes().join(", ")), "{told}");
        assert_eq!(told.contains("HTTP/2"), curl::Version::get().feature_http2(), "{told}");
        assert_eq!(told.contains("faulty"), known_fault(running()).is_some(), "{told}");
        assert_eq!(told.contains("Not among"), known_fault(running()).is_none(), "{told}");
    }

    #[test]
    fn only_schemes_that_libcurl_has_are_offered() {
        assert!(schemes().starts_with(&["http", "https"]), "{:?}", schemes());
        for scheme in SCHEMES {
            assert_eq!(check_scheme(scheme).is_ok(), schemes().contains(&scheme), "{scheme}");
        }
        for scheme in ["file", "scp", "smb", "HTTP", ""] {
            let failure = check_scheme(scheme).unwrap_err();
            assert_eq!(failure.kind, FailureKind::UnsupportedScheme);
            assert!(failure.detail.contains(&format!("“{scheme}”")), "{}", failure.detail);
        }
    }

    #[test]
    fn an_ssh_library_that_takes_any_host_is_not_used() {
        assert!(checks_host_keys("libssh2/1.10.0"));
        assert!(checks_host_keys("libssh/0.10.6/openssl/zlib"));
        assert!(!checks_host_keys("wolfssh/1.4.12"));
    }
}

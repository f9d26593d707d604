// SPDX-License-Identifier: GPL-3.0-or-later
//! Single addresses: what a person typed or a program dropped.

mod text;

use url::{Host, Url};

use crate::engine::error::{Failure, FailureKind};
use crate::engine::net::version::{SCHEMES, check_scheme};

pub use text::find_all;

/// Reads one address. White space around it is dropped; without a scheme `https://` is tried where
/// the text looks like a host (`example.org/file`); anything else is `InvalidAddress`, a scheme
/// that [`check_scheme`] does not take is `UnsupportedScheme`. The detail says what was wrong; it
/// never repeats the address, which may hold a password.
pub fn parse(text: &str) -> Result<Url, Failure> {
    let text = text.trim();
    if text.is_empty() {
        return Err(invalid("there is no address"));
    }
    let scheme = scheme(text);
    if let Some(scheme) = scheme {
        check_scheme(&scheme.to_ascii_lowercase())?;
    }
    // The URL standard would drop line breaks silently and so make one address of two.
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(invalid("an address has no white space: write a space as %20, and each address on its own"));
    }
    if scheme.is_some() {
        return normalized(text);
    }
    let bare = text.strip_prefix("//").unwrap_or(text);
    if !looks_like_host(bare) {
        return Err(invalid("this is no address: it begins like https://example.org/"));
    }
    normalized(&format!("https://{bare}"))
}

/// Reads an address out of what a program wrote: as [`parse`], but nothing is guessed, so the scheme
/// has to be there.
pub fn absolute(text: &str) -> Result<Url, Failure> {
    match scheme(text.trim()) {
        Some(_) => parse(text),
        None => Err(invalid("this is no whole address: it begins like https://example.org/")),
    }
}

/// Whether an address that was read elsewhere can be downloaded from; if not, why.
pub fn check(url: &Url) -> Result<(), Failure> {
    check_scheme(url.scheme())?;
    if url.has_host() { Ok(()) } else { Err(invalid("the name of the host is missing")) }
}

fn invalid(detail: impl Into<String>) -> Failure {
    Failure::new(FailureKind::InvalidAddress, detail)
}

fn is_supported(scheme: &str) -> bool {
    SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme))
}

/// What stands before the first colon, where that can be a scheme (RFC 3986 section 3.1). Not one
/// are the host in `example.org:8080/file`, the drive in `C:\file`, the word in `Note: text`.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once(':')?;
    let is_scheme = scheme.len() > 1
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let is_word = rest.is_empty() || rest.starts_with(char::is_whitespace);
    let port = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_host = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) && looks_like_host(scheme);
    (is_scheme && !is_host && (!is_word || is_supported(scheme))).then_some(scheme)
}

/// Whether a text without a scheme begins as addresses are written by hand: `localhost`, a name with
/// a top-level domain, an IP address; a port may follow.
fn looks_like_host(text: &str) -> bool {
    let authority = text.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    match Host::parse(host) {
        Ok(Host::Domain(domain)) => {
            let top = domain.rsplit('.').next().unwrap_or_default();
            let is_top_level =
                top.len() > 1 && (top.starts_with("xn--") || top.bytes().all(|byte| byte.is_ascii_alphabetic()));
            let has_no_gap = domain.split('.').all(|label| !label.is_empty());
            domain == "localhost" || (domain.contains('.') && is_top_level && has_no_gap)
        }
        // `1.5` would be one, too.
        Ok(Host::Ipv4(_)) => host.split('.').count() == 4,
        Ok(Host::Ipv6(_)) => true,
        Err(_) => false,
    }
}

/// Reads an address of a supported scheme.
fn normalized(text: &str) -> Result<Url, Failure> {
    let mut url = Url::parse(text).map_err(|error| invalid(error.to_string()))?;
    let host = url.host_str().ok_or_else(|| invalid("the name of the host is missing"))?;
    if matches!(url.scheme(), "ftps" | "sftp") {
        // The URL standard reads hosts only of the schemes that browsers know: the others' would
        // stay as typed, `BÜCHER.example`.
        let host = Host::parse(host).map_err(|error| invalid(error.to_string()))?.to_string();
        url.set_host(Some(&host)).map_err(|error| invalid(error.to_string()))?;
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn expect(text: &str, wanted: &str) {
        assert_eq!(parse(text).map(String::from).as_deref(), Ok(wanted), "{text:?}");
    }

    #[track_caller]
    fn kind(text: &str) -> FailureKind {
        parse(text).expect_err(text).kind
    }

    #[test]
    fn whole_addresses() {
        expect(" https://example.org/a%20b?c#d\n", "https://example.org/a%20b?c#d");
        expect("HTTP://EXAMPLE.org", "http://example.org/");
        expect("ftp://ann:secret@example.org:2121/f", "ftp://ann:secret@example.org:2121/f");
        expect("https://bücher.example/ä", "https://xn--bcher-kva.example/%C3%A4");
        expect("ftps://ann@BÜCHER.example/ä", "ftps://ann@xn--bcher-kva.example/%C3%A4");
        expect("ftps://[2001:DB8::1]/f", "ftps://[2001:db8::1]/f");
        expect("sftp://ann@BÜCHER.example:22/~/ä", "sftp://ann@xn--bcher-kva.example:22/~/%C3%A4");
    }

    #[test]
    fn a_host_is_enough() {
        expect("example.org/file", "https://example.org/file");
        expect("//example.org/file", "https://example.org/file");
        expect("example.org:8080/file?a=b:c", "https://example.org:8080/file?a=b:c");
        expect("localhost:8080", "https://localhost:8080/");
        expect("bücher.example", "https://xn--bcher-kva.example/");
        expect("127.0.0.1/f", "https://127.0.0.1/f");
        expect("[::1]:81/f", "https://[::1]:81/f");
    }

    #[test]
    fn what_is_no_address() {
        for text in [
            "",
            " ",
            "word",
            "two words",
            "1.5",
            "v1.2.3",
            "a..org",
            "/home/ann/f",
            "C:\\f",
            "Note: text",
            "ann@example.org",
            "https://",
            "https:",
            "https:///",
            "ftps:f",
            "ftps:///f",
            "https://a b.org/",
            "https://h:99999/",
            "https://[::1/",
            "https://a.org/x\nhttps://b.org/y",
            "https://a.org/x\thttps://b.org/y",
            "https://exa mple.org",
            "ftps://a%00b/f",
            "?",
            ":",
        ] {
            assert_eq!(kind(text), FailureKind::InvalidAddress, "{text:?}");
        }
    }

    #[test]
    fn a_whole_address_has_its_scheme() {
        assert_eq!(absolute(" https://example.org/f\n").unwrap().as_str(), "https://example.org/f");
        for text in ["example.org/f", "//example.org/f", "/f", "localhost:80", "", "magnet:?x", "https:"] {
            assert!(absolute(text).is_err(), "{text}");
        }
    }

    #[test]
    fn other_schemes_are_named() {
        for (text, scheme) in [
            ("javascript:alert('a b')", "javascript"),
            ("MAILTO:ann@example.org", "mailto"),
            ("file:///etc/passwd", "file"),
            ("data:text/html,<h1>a b", "data"),
            ("magnet:?xt=urn:btih:c12fe", "magnet"),
            ("tel:12345", "tel"),
            ("view-source:https://example.org", "view-source"),
        ] {
            let failure = parse(text).expect_err(text);
            assert_eq!(failure.kind, FailureKind::UnsupportedScheme, "{text}");
            assert!(failure.detail.contains(&format!("“{scheme}”")), "{}", failure.detail);
        }
    }

    #[test]
    fn what_was_read_elsewhere_is_held_to_the_same_schemes() {
        let kind = |text: &str| check(&Url::parse(text).unwrap()).map_err(|failure| failure.kind);
        assert_eq!(kind("http://h/f"), Ok(()));
        assert_eq!(kind("sftp://h/f"), check_scheme("sftp").map_err(|failure| failure.kind));
        assert_eq!(kind("file:///etc/passwd"), Err(FailureKind::UnsupportedScheme));
        assert_eq!(kind("ftps:/f"), Err(FailureKind::InvalidAddress));
    }

    #[test]
    fn a_detail_never_repeats_a_password() {
        for text in [
            "https://ann:secret@",
            "https://ann:secret@h:99999/",
            "https://ann:secret@exa mple/",
            "ftps://ann:secret@/",
        ] {
            assert!(!parse(text).expect_err(text).to_string().contains("secret"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_a_supported_address_and_stays_the_same(text in prop_oneof![
            any::<String>(),
            "(https?|s?ftps?|x)?:?/{0,3}[a-zü.:@%\\[\\]0-9-]{0,20}[/?#a-z ]{0,10}",
        ]) {
            if let Ok(url) = parse(&text) {
                prop_assert!(SCHEMES.contains(&url.scheme()));
                prop_assert!(url.host_str().is_some_and(|host| !host.is_empty()));
                prop_assert_eq!(parse(url.as_str()), Ok(url));
            }
        }
    }
}

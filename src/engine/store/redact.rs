// SPDX-License-Identifier: GPL-3.0-or-later
//! Keeps secrets out of what is saved and shown: passwords in addresses, headers that log in.

use std::borrow::Cow;

use url::Url;

use crate::engine::download::spec::{DownloadSpec, Manners};

/// Headers that are credentials (RFC 9110 section 11, RFC 6265).
const SECRET_HEADERS: [&str; 3] = ["authorization", "proxy-authorization", "cookie"];

/// The address without the password it may hold; the user name stays.
pub fn without_password(url: &Url) -> Cow<'_, Url> {
    if url.password().is_none() {
        return Cow::Borrowed(url);
    }
    let mut bare = url.clone();
    // Refused only for addresses that can have no password, and this one has.
    let _ = bare.set_password(None);
    Cow::Owned(bare)
}

/// What was asked for, without anything that would let a reader log in.
pub fn without_secrets(mut spec: DownloadSpec) -> DownloadSpec {
    for url in std::iter::once(&mut spec.url).chain(&mut spec.mirrors) {
        if let Cow::Owned(bare) = without_password(url) {
            *url = bare;
        }
    }
    let manners = &mut spec.manners;
    manners.credentials = None;
    manners.proxy_credentials = None;
    manners.headers.retain(|line| {
        let name = line.split([':', ';']).next().unwrap_or_default().trim();
        !SECRET_HEADERS.iter().any(|secret| name.eq_ignore_ascii_case(secret))
    });
    if let Some(proxy) = &mut manners.proxy {
        strip_password(proxy);
    }
    spec
}

/// The headers that the history may keep. It needs less than the list, whose downloads have to go on, and keeps it for
/// longer: what only may be a secret stays away, as it does from servers that it was not given for.
pub fn harmless_headers(manners: &Manners) -> Vec<String> {
    manners.without_secrets(false).headers
}

/// For a proxy as curl takes it, which need not be a whole address: `[scheme://]user:pass@host`.
fn strip_password(proxy: &mut String) {
    let begin = proxy.find("://").map_or(0, |at| at + "://".len());
    let Some(at) = proxy.rfind('@').filter(|at| *at > begin) else { return };
    if let Some(colon) = proxy.get(begin..at).and_then(|login| login.find(':')) {
        proxy.replace_range(begin + colon..at, "");
    }
}

/// A proxy without the name and the password it may hold, for one that is told them otherwise.
pub fn proxy_without_login(proxy: &str) -> String {
    let begin = proxy.find("://").map_or(0, |at| at + "://".len());
    let (scheme, rest) = proxy.split_at(begin);
    format!("{scheme}{}", rest.rsplit_once('@').map_or(rest, |(_, host)| host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::download::spec::Credentials;

    #[test]
    fn nothing_that_logs_in_is_left() {
        let url = |text: &str| Url::parse(text).unwrap();
        let mut spec = DownloadSpec::new(url("https://ann:hunter2@h/f"), "/tmp".into());
        spec.mirrors = vec![url("ftp://ann:hunter2@m/f"), url("http://plain/f")];
        let login = Some(Credentials { user: "ann".into(), password: "hunter2".into() });
        (spec.manners.credentials, spec.manners.proxy_credentials) = (login.clone(), login);
        spec.manners.headers =
            ["Cookie: s=hunter2", "authorization : Basic hunter2", "PROXY-Authorization: hunter2", "X-A: b"]
                .map(str::to_owned)
                .to_vec();
        spec.manners.proxy = Some("socks5h://ann:hunter2@proxy:1080".into());

        let spec = without_secrets(spec);

        assert!(!serde_json::to_string(&spec).unwrap().contains("hunter2"));
        assert_eq!((&spec.manners.credentials, &spec.manners.proxy_credentials), (&None, &None));
        assert_eq!(spec.url.as_str(), "https://ann@h/f");
        assert_eq!(spec.mirrors.iter().map(Url::as_str).collect::<Vec<_>>(), ["ftp://ann@m/f", "http://plain/f"]);
        assert_eq!(spec.manners.headers, ["X-A: b"]);
        assert_eq!(spec.manners.proxy.as_deref(), Some("socks5h://ann@proxy:1080"));
    }

    #[test]
    fn a_proxy_keeps_all_but_its_password() {
        for (given, kept) in [
            ("proxy:3128", "proxy:3128"),
            ("http://proxy:3128/", "http://proxy:3128/"),
            ("ann@proxy:3128", "ann@proxy:3128"),
            ("ann:a@b:c@proxy:3128", "ann@proxy:3128"),
            ("http://ann:p@[::1]:3128", "http://ann@[::1]:3128"),
        ] {
            let mut proxy = given.to_owned();
            strip_password(&mut proxy);
            assert_eq!(proxy, kept);
        }
    }

    #[test]
    fn a_proxy_loses_its_login_and_nothing_else() {
        for (given, bare) in [
            ("proxy:3128", "proxy:3128"),
            ("ann@proxy:3128", "proxy:3128"),
            ("socks5h://ann:a@b:c@[::1]:9050", "socks5h://[::1]:9050"),
        ] {
            assert_eq!(proxy_without_login(given), bare);
        }
    }
}

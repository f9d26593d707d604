// SPDX-License-Identifier: GPL-3.0-or-later
//! The proxies that are set for the desktop, by GIO: those of its settings, of a script that these name (PAC), or in
//! a sandbox those that the portal tells. <https://docs.gtk.org/gio/iface.ProxyResolver.html>

use std::time::Duration;

use gio::prelude::*;
use url::Url;

use crate::model::ProxyFinder;

/// So long a script may take. Then it is tried without one, which a network that needs one does not let through.
const PATIENCE: Duration = Duration::from_secs(5);

/// The proxies that are set for the desktop.
#[derive(Debug)]
pub struct DesktopProxies(gio::ProxyResolver);

impl Default for DesktopProxies {
    fn default() -> Self {
        Self(gio::ProxyResolver::default())
    }
}

impl ProxyFinder for DesktopProxies {
    fn find(&self, server: &Url, found: Box<dyn FnOnce(Option<String>)>) {
        let resolver = self.0.clone();
        let server = server.clone();
        glib::spawn_future_local(async move {
            let proxy = match glib::future_with_timeout(PATIENCE, resolver.lookup_future(server.as_str())).await {
                Ok(Ok(ways)) => first(ways.iter().map(glib::GString::as_str)),
                Ok(Err(error)) => {
                    tracing::warn!(%error, %server, "The desktop does not tell the proxy");
                    None
                }
                Err(_) => {
                    tracing::warn!(%server, "The desktop has not told the proxy in {PATIENCE:?}");
                    None
                }
            };
            found(proxy);
        });
    }
}

/// The first way that libcurl can go, in its words; `None` is the straight one. GIO says `socks` where it does not
/// know the version, and lets a proxy of SOCKS look the server up.
fn first<'a>(ways: impl IntoIterator<Item = &'a str>) -> Option<String> {
    for way in ways {
        let (scheme, rest) = way.split_once("://").unwrap_or((way, ""));
        let scheme = match scheme {
            "direct" => return None,
            "http" | "https" => scheme,
            "socks" | "socks5" | "socks5h" => "socks5h",
            "socks4" | "socks4a" => "socks4a",
            _ => continue,
        };
        return Some(format!("{scheme}://{rest}"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::first;

    #[test]
    fn the_first_way_that_can_be_gone_is_taken() {
        for (ways, taken) in [
            (vec!["direct://"], None),
            (vec!["http://10.0.0.1:3128", "direct://"], Some("http://10.0.0.1:3128")),
            (vec!["direct://", "http://10.0.0.1:3128"], None),
            (vec!["gopher://10.0.0.1", "https://ann:x@gate.example:443"], Some("https://ann:x@gate.example:443")),
            (vec!["socks://127.0.0.1:9050"], Some("socks5h://127.0.0.1:9050")),
            (vec!["socks5://[::1]:1080"], Some("socks5h://[::1]:1080")),
            (vec!["socks4://10.0.0.2:1080"], Some("socks4a://10.0.0.2:1080")),
            (vec![], None),
        ] {
            assert_eq!(first(ways.iter().copied()).as_deref(), taken, "{ways:?}");
        }
    }
}

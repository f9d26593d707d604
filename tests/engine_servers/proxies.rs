// SPDX-License-Identifier: GPL-3.0-or-later
//! What is asked for by FTP through a proxy of HTTP, which is asked and answers by HTTP; and the proxy that is set for
//! the desktop.

use std::rc::Rc;
use std::time::Duration;

use freshet::engine::engine::Config;
use freshet::engine::net::proxied::ProxyFinder;
use freshet::engine::{Command, DownloadSpec, FailureKind};
use url::Url;

use super::MIB;
use crate::support::engine::Running;
use crate::support::faulty::{Answer, Faulty, Resource};
use crate::support::files;
use crate::support::socks::Socks;

const ADDRESS: &str = "ftp://files.example/f.bin";

fn through(running: &Running, proxy: &Faulty) -> DownloadSpec {
    let mut spec = running.spec(ADDRESS.parse().unwrap());
    spec.manners.proxy = Some(format!("http://127.0.0.1:{}", proxy.address().port()));
    spec
}

#[test]
fn a_page_that_tells_why_a_proxy_has_no_file_of_ftp_is_not_taken_for_the_file() {
    let (proxy, running) = (Faulty::start(), Running::start());
    let asks = "Basic realm=\"gate\"";
    for (status, kind) in [
        (404, FailureKind::HttpStatus(404)),
        (502, FailureKind::HttpStatus(502)),
        (407, FailureKind::ProxyLogin),
        (401, FailureKind::LoginRequired),
    ] {
        let field = if status == 407 { "Proxy-Authenticate" } else { "WWW-Authenticate" };
        proxy.on(ADDRESS, move |_| Answer::status(status).header(field, asks).bytes("<h1>no</h1>"));
        let id = running.engine.add(through(&running, &proxy));
        running.fails_with(id, &kind);
        assert_eq!(running.names(), [""; 0], "{status}");
    }
}

#[test]
fn what_a_proxy_has_of_ftp_goes_on_where_it_was() {
    let (proxy, running) = (Faulty::start(), Running::start());
    proxy.on(ADDRESS, |request| match request.number {
        0 => Resource::new(1, 12 * MIB).answer(request).cut_after(5 * MIB),
        1 => Answer::status(404).bytes("<h1>no</h1>"),
        _ => Resource::new(1, 12 * MIB).answer(request),
    });
    let id = running.engine.add(DownloadSpec { connections: 1, ..through(&running, &proxy) });
    running.fails_with(id, &FailureKind::HttpStatus(404));
    running.engine.send(Command::Resume(id));
    files::assert_same(&running.completed(id), 1, 12 * MIB);
    let sent = proxy.sent_at(ADDRESS);
    assert!(sent < 13 * MIB, "{sent} bytes were sent");
    let details = running.engine.details(id).unwrap();
    let contact = details.sources[0].contact.clone().unwrap();
    assert_eq!((contact.protocol.as_str(), contact.addresses.len()), ("HTTP/1.1", 1), "{contact:?}");
}

#[test]
fn a_proxy_shares_the_work_of_a_file_of_ftp_among_its_connections() {
    let (proxy, running) = (Faulty::start(), Running::start());
    proxy.on(ADDRESS, |request| Resource::new(1, 12 * MIB).answer(request).rate(2 * MIB));
    files::assert_same(&running.completed(running.engine.add(through(&running, &proxy))), 1, 12 * MIB);
    assert!(proxy.seen().len() > 1, "it was asked by one connection");
    assert!(proxy.seen()[1..].iter().all(|seen| seen.status == 206), "{:?}", proxy.seen());
}

/// A desktop on which a proxy is set, which takes time to ask.
#[derive(Debug)]
struct Set(String);

impl ProxyFinder for Set {
    fn find(&self, _: &Url, found: Box<dyn FnOnce(Option<String>)>) {
        let proxy = self.0.clone();
        glib::timeout_add_local_once(Duration::from_millis(20), move || found(Some(proxy)));
    }
}

#[test]
fn what_is_set_for_the_desktop_leads_to_each_server_unless_the_download_says_otherwise() {
    let (server, proxy) = (Faulty::start(), Socks::start(None));
    server.on("/f.bin", |request| Resource::new(1, 12 * MIB).answer(request).rate(2 * MIB));
    let set: Rc<dyn ProxyFinder> = Rc::new(Set(format!("socks5h://127.0.0.1:{}", proxy.port())));
    let running = Running::with(Config { proxies: Some(set), ..Config::default() });
    // Nobody but the proxy finds that server.
    let url: Url = format!("http://files.invalid:{}/f.bin", server.address().port()).parse().unwrap();
    files::assert_same(&running.completed(running.engine.add(running.spec(url.clone()))), 1, 12 * MIB);
    assert!(proxy.tried().len() > 1, "more connections than the first find their way");

    let mut straight = running.spec(url);
    straight.manners.proxy = Some(String::new());
    straight.patience.retries = 0;
    running.fails_with(running.engine.add(straight), &FailureKind::NameNotFound);
}

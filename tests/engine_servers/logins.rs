// SPDX-License-Identifier: GPL-3.0-or-later
//! User names and passwords that servers and proxies ask for, and who gets them.

use std::sync::mpsc::channel;

use freshet::engine::download::spec::Credentials;
use freshet::engine::{Command, DownloadId, FailureKind};
use url::Url;

use super::{MIB, served};
use crate::support::engine::Running;
use crate::support::faulty::{Answer, Faulty, Request, Resource};
use crate::support::files;
use crate::support::nginx::{Nginx, PASSWORD, USER};
use crate::support::socks::Socks;

fn ann() -> Credentials {
    Credentials { user: "ann".into(), password: "s3cret".into() }
}

fn log_in(running: &Running, id: DownloadId, password: &str) {
    let credentials = Credentials { password: password.to_owned(), ..ann() };
    running.engine.send(Command::LogIn { id, credentials });
}

#[test]
fn a_login_that_nginx_asks_for() {
    let folder = served();
    let (nginx, running) = (Nginx::start(folder.path(), MIB).unwrap(), Running::start());
    running.fails_with(running.add(nginx.url("/private/page.html")), &FailureKind::LoginRequired);
    let mut spec = running.spec(nginx.url("/private/page.html"));
    spec.manners.credentials = Some(Credentials { user: USER.into(), password: PASSWORD.into() });
    files::assert_same(&running.completed(running.engine.add(spec)), 2, 3000);
    let mut in_address = nginx.url("/private/page.html");
    in_address.set_username(USER).unwrap();
    in_address.set_password(Some(PASSWORD)).unwrap();
    files::assert_same(&running.completed(running.add(in_address)), 2, 3000);
}

#[test]
fn a_login_that_is_given_later_continues_what_is_here() {
    let (server, running) = (Faulty::start(), Running::start());
    server.on("/f", |request| match request.number {
        0 => Resource::new(1, 12 * MIB).answer(request).cut_after(5 * MIB),
        _ if request.is_from("ann", "s3cret") => Resource::new(1, 12 * MIB).answer(request),
        _ => Answer::login(),
    });
    // What is given later counts, and not what the address says.
    let mut url = server.url("/f");
    url.set_username("bob").unwrap();
    let id = running.engine.add(running.single(url));
    let failure = running.failed(id);
    assert_eq!((&failure.kind, failure.realm.as_deref()), (&FailureKind::LoginRequired, Some("test")));
    log_in(&running, id, "wrong");
    running.fails_with(id, &FailureKind::LoginRequired);
    let before = server.sent_at("/f");
    log_in(&running, id, "s3cret");
    files::assert_same(&running.completed(id), 1, 12 * MIB);
    let again = server.sent_at("/f") - before;
    assert!(again < 8 * MIB, "{again} bytes were sent where 7 MiB were missing");
}

#[test]
fn a_login_does_not_follow_a_redirect_to_another_server() {
    // Redirects are followed by libcurl, or by us: where there is a referrer.
    for referer in [None, Some("http://example.org/page".to_owned())] {
        let (server, other, running) = (Faulty::start(), Faulty::start(), Running::start());
        let (next, target) = (server.url("/next").to_string(), other.url("/f").to_string());
        for (path, place) in [("/f", next), ("/next", target)] {
            server.on(path, move |request| {
                if request.is_from("ann", "s3cret") { Answer::redirect(302, &place) } else { Answer::login() }
            });
        }
        let (told, hear) = channel();
        other.on("/f", move |request| {
            told.send(request.header("Authorization").map(str::to_owned)).unwrap();
            // It asks as well.
            if request.number == 0 { Answer::login() } else { Resource::new(1, MIB).answer(request) }
        });
        let mut spec = running.spec(server.url("/f"));
        spec.manners.referer = referer;
        let id = running.engine.add(spec);
        running.fails_with(id, &FailureKind::LoginRequired);
        log_in(&running, id, "s3cret");
        running.fails_with(id, &FailureKind::LoginElsewhere);
        // What would be given now would be given to the first one.
        let asked = server.seen().len();
        log_in(&running, id, "of the other");
        running.engine.send(Command::Resume(id));
        files::assert_same(&running.completed(id), 1, MIB);
        let is_from_ann = |request: &Request| request.is_from("ann", "s3cret");
        assert!(server.seen()[asked..].iter().all(|seen| is_from_ann(&seen.request) || seen.status == 401));
        let heard: Vec<_> = hear.try_iter().collect();
        assert!(heard.len() >= 2 && heard.iter().all(Option::is_none), "{heard:?}");
        let contact = running.engine.details(id).unwrap().sources[0].contact.clone().unwrap();
        assert_eq!(contact.addresses, [server.url("/f"), server.url("/next"), other.url("/f")]);
    }
}

#[test]
fn a_login_in_the_address_is_for_all_of_its_server() {
    for referer in [None, Some("http://example.org/page".to_owned())] {
        let (server, running) = (Faulty::start(), Running::start());
        let place = server.url("/there").to_string();
        let if_ann = |answer: Answer, request: &Request| {
            if request.is_from("ann", "s3cret") { answer } else { Answer::login() }
        };
        server.on("/f", move |request| if_ann(Answer::redirect(302, &place), request));
        server.on("/there", move |request| if_ann(Answer::redirect(302, "last"), request));
        server.on("/last", move |request| if_ann(Resource::new(1, MIB).answer(request), request));
        let mut url = server.url("/f");
        url.set_username("ann").unwrap();
        url.set_password(Some("s3cret")).unwrap();
        let mut spec = running.spec(url);
        spec.manners.referer = referer;
        files::assert_same(&running.completed(running.engine.add(spec)), 1, MIB);
    }
}

#[test]
fn a_mirror_that_asks_does_not_get_the_login_of_the_address() {
    let (server, mirror, running) = (Faulty::start(), Faulty::start(), Running::start());
    server.on("/f", |_| Answer::status(404));
    mirror.on("/f", |_| Answer::login());
    let mut spec = running.spec(server.url("/f"));
    spec.mirrors = vec![mirror.url("/f")];
    spec.manners.credentials = Some(ann());
    running.fails_with(running.engine.add(spec), &FailureKind::LoginElsewhere);
    assert!(mirror.seen().iter().all(|seen| seen.request.header("Authorization").is_none()));
}

/// A proxy that lets only ann through.
fn proxy() -> Faulty {
    let proxy = Faulty::start();
    let asks = || Answer::status(407).header("Proxy-Authenticate", "Basic realm=\"gate\"");
    proxy.on("http://files.example/f", move |request| {
        let is_ann = request.header("Proxy-Authorization") == Some("Basic YW5uOnMzY3JldA==");
        if is_ann { Resource::new(1, MIB).answer(request) } else { asks() }
    });
    proxy.on("files.example:443", move |_| asks());
    proxy
}

/// A download through that proxy, by which nobody but it learns who asks.
fn add_through(running: &Running, proxy: &Faulty, url: &str, login: &str) -> DownloadId {
    let mut spec = running.spec(url.parse::<Url>().unwrap());
    spec.manners.proxy = Some(format!("{login}127.0.0.1:{}", proxy.address().port()));
    running.engine.add(spec)
}

#[test]
fn a_proxy_that_asks_gets_a_login_of_its_own() {
    let (proxy, running) = (proxy(), Running::start());
    for login in ["", "http://ann:old@"] {
        let asked = proxy.seen().len();
        let id = add_through(&running, &proxy, "http://files.example/f", login);
        let failure = running.failed(id);
        assert_eq!((&failure.kind, failure.realm.as_deref()), (&FailureKind::ProxyLogin, Some("gate")));
        // Not only asked for once: a wrong one as well.
        log_in(&running, id, "wrong");
        running.fails_with(id, &FailureKind::ProxyLogin);
        log_in(&running, id, "s3cret");
        files::assert_same(&running.completed(id), 1, MIB);
        let seen = proxy.seen();
        assert!(seen[asked..].iter().all(|seen| seen.request.header("Authorization").is_none()), "{seen:?}");
    }
}

#[test]
fn a_proxy_that_asks_before_it_makes_a_tunnel_is_not_a_lost_connection() {
    let (proxy, running) = (proxy(), Running::start());
    let id = add_through(&running, &proxy, "https://files.example/f", "");
    let failure = running.failed(id);
    assert_eq!((&failure.kind, failure.realm.as_deref()), (&FailureKind::ProxyLogin, Some("gate")), "{failure}");
    assert_eq!(proxy.seen().len(), 1, "it was tried again by itself");
}

#[test]
fn a_proxy_that_takes_no_password_asks_for_none() {
    let (proxy, running) = (Faulty::start(), Running::start());
    let negotiates = |_: &Request| Answer::status(407).header("Proxy-Authenticate", "Negotiate");
    proxy.on("http://files.example/f", negotiates);
    proxy.on("files.example:443", negotiates);
    for (asked, url) in (1..).zip(["http://files.example/f", "https://files.example/f"]) {
        let id = add_through(&running, &proxy, url, "");
        running.fails_with(id, &FailureKind::ProxyLoginUnsupported);
        assert_eq!(proxy.seen().len(), asked, "it was tried again by itself");
    }
}

/// A download of a file that is there, through a SOCKS5 proxy.
fn add_by_socks(running: &Running, server: &Faulty, proxy: &Socks, login: &str) -> DownloadId {
    server.on("/f", |request| Resource::new(1, MIB).answer(request));
    let mut spec = running.single(server.url("/f"));
    spec.patience.retries = 0;
    spec.manners.proxy = Some(format!("socks5h://{login}127.0.0.1:{}", proxy.port()));
    running.engine.add(spec)
}

#[test]
fn a_socks_proxy_that_asks_gets_a_login_like_any_other() {
    let (server, running) = (Faulty::start(), Running::start());
    for login in ["", "ann:old@"] {
        let proxy = Socks::start(Some(("ann", "s3cret")));
        let id = add_by_socks(&running, &server, &proxy, login);
        running.fails_with(id, &FailureKind::ProxyLogin);
        assert_eq!(proxy.tried().len(), 1, "it was tried again by itself");
        log_in(&running, id, "wrong");
        running.fails_with(id, &FailureKind::ProxyLogin);
        log_in(&running, id, "s3cret");
        files::assert_same(&running.completed(id), 1, MIB);
        let given = |password: &str| Some(("ann".to_owned(), password.to_owned()));
        let first = if login.is_empty() { None } else { given("old") };
        assert_eq!(proxy.tried()[..3], [first, given("wrong"), given("s3cret")]);
    }
}

#[test]
fn a_socks_proxy_that_takes_no_password_is_known_as_soon_as_it_was_offered_one() {
    let (server, running, proxy) = (Faulty::start(), Running::start(), Socks::for_tickets());
    let id = add_by_socks(&running, &server, &proxy, "");
    // It says only that it takes nothing of what it was offered.
    running.fails_with(id, &FailureKind::ProxyLogin);
    log_in(&running, id, "s3cret");
    running.fails_with(id, &FailureKind::ProxyLoginUnsupported);
    let given = add_by_socks(&running, &server, &proxy, "ann:s3cret@");
    running.fails_with(given, &FailureKind::ProxyLoginUnsupported);
    assert_eq!(proxy.tried(), [None, None, None]);
}

#[test]
fn what_a_socks_proxy_answers_is_told_apart() {
    let (server, running) = (Faulty::start(), Running::start());
    for (reply, kind) in [(2, FailureKind::ProxyRefused), (4, FailureKind::CannotConnect), (7, FailureKind::Proxy)] {
        let proxy = Socks::replying(reply);
        let id = add_by_socks(&running, &server, &proxy, "");
        let failure = running.failed(id);
        assert_eq!(failure.kind, kind, "{reply}: {failure}");
    }
    assert_eq!(server.seen().len(), 0);
}

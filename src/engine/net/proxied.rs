// SPDX-License-Identifier: GPL-3.0-or-later
//! A [`Transport`] before the one that speaks to libcurl: it asks whoever knows the network's settings through
//! which proxy a server is reached, where neither the user nor the download's list has named one. The answer may
//! take its time (a script decides, a portal is asked), so a request waits here until it has come.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use url::Url;

use super::{Line, Request, TransferEvent, Transport, Vitals};
use crate::engine::clock::Clock;
use crate::engine::types::{DownloadId, IdMap, Moment, PartId, Speed, TransferId};

/// So long an answer counts for all requests to that server. Networks change, and a retry that follows soon is
/// to find the new way.
const COUNTS_FOR: Duration = Duration::from_secs(10);

/// Knows through which proxy a server is reached.
pub trait ProxyFinder: std::fmt::Debug {
    /// Calls `found` once, later, from the main loop, whatever happens. `server` is an address without path and
    /// log-in: nobody needs to know more. The answer is as `CURLOPT_PROXY(3)` takes it; `None` leaves it to
    /// libcurl, which looks into the environment.
    fn find(&self, server: &Url, found: Box<dyn FnOnce(Option<String>)>);
}

/// See the module's text.
pub struct Proxied {
    inner: Rc<Inner>,
}

struct Inner {
    transport: Rc<dyn Transport>,
    finder: Rc<dyn ProxyFinder>,
    clock: Rc<dyn Clock>,
    /// By the server's address.
    ways: RefCell<HashMap<Url, Way>>,
    waiting: RefCell<IdMap<TransferId, Waiting>>,
    ready: RefCell<Option<Rc<dyn Fn()>>>,
}

enum Way {
    Asked,
    Found { proxy: Option<String>, until: Moment },
}

/// A request that has not begun.
struct Waiting {
    server: Url,
    request: Request,
    since: Moment,
    end: Option<u64>,
}

impl std::fmt::Debug for Proxied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxied").field("finder", &self.inner.finder).finish_non_exhaustive()
    }
}

impl Proxied {
    pub fn new(transport: Rc<dyn Transport>, finder: Rc<dyn ProxyFinder>, clock: Rc<dyn Clock>) -> Self {
        let (ways, waiting, ready) = Default::default();
        Self { inner: Rc::new(Inner { transport, finder, clock, ways, waiting, ready }) }
    }
}

/// What is told of an address to find the way to its server.
fn server_of(url: &Url) -> Url {
    let mut server = url.clone();
    server.set_path("/");
    server.set_query(None);
    server.set_fragment(None);
    // Refused only for addresses that can have no log-in.
    let _ = server.set_username("");
    let _ = server.set_password(None);
    server
}

impl Inner {
    fn begin(&self, id: TransferId, mut request: Request, proxy: Option<String>) {
        request.manners.proxy = proxy;
        self.transport.start(id, request);
    }

    fn ask(self: &Rc<Self>, server: Url) {
        self.ways.borrow_mut().insert(server.clone(), Way::Asked);
        let weak = Rc::downgrade(self);
        let of = server.clone();
        self.finder.find(
            &server,
            Box::new(move |proxy| {
                if let Some(inner) = weak.upgrade() {
                    inner.found(&of, proxy.as_ref());
                }
            }),
        );
    }

    fn found(&self, server: &Url, proxy: Option<&String>) {
        let now = self.clock.now();
        let mut ways = self.ways.borrow_mut();
        ways.retain(|_, way| matches!(way, Way::Asked) || way.proxy(now).is_some());
        ways.insert(server.clone(), Way::Found { proxy: proxy.cloned(), until: now + COUNTS_FOR });
        drop(ways);
        let mut begin: Vec<_> = self.waiting.borrow_mut().extract_if(|_, waiting| waiting.server == *server).collect();
        // As they were asked for.
        begin.sort_by_key(|(id, _)| *id);
        for (id, Waiting { request, end, .. }) in begin {
            self.begin(id, request, proxy.cloned());
            if let Some(end) = end {
                self.transport.set_end(id, end);
            }
        }
        // What could not begin has been noted as an event, and nobody who looks for events has called us.
        let ready = self.ready.borrow().clone();
        if let Some(ready) = ready {
            ready();
        }
    }
}

impl Way {
    fn proxy(&self, now: Moment) -> Option<&Option<String>> {
        match self {
            Self::Found { proxy, until } if now < *until => Some(proxy),
            _ => None,
        }
    }
}

impl Transport for Proxied {
    fn start(&self, id: TransferId, request: Request) {
        let inner = &self.inner;
        if request.manners.proxy.is_some() {
            return inner.transport.start(id, request);
        }
        let (server, since) = (server_of(&request.url), inner.clock.now());
        let known = inner.ways.borrow().get(&server).and_then(|way| way.proxy(since).cloned());
        if let Some(proxy) = known {
            return inner.begin(id, request, proxy);
        }
        let is_asked = matches!(inner.ways.borrow().get(&server), Some(Way::Asked));
        inner.waiting.borrow_mut().insert(id, Waiting { server: server.clone(), request, since, end: None });
        if !is_asked {
            inner.ask(server);
        }
    }

    fn attach(&self, id: TransferId, part: PartId) {
        self.inner.transport.attach(id, part);
    }

    fn cancel(&self, id: TransferId) -> Option<u64> {
        if self.inner.waiting.borrow_mut().remove(&id).is_some() {
            return None;
        }
        self.inner.transport.cancel(id)
    }

    fn set_end(&self, id: TransferId, end: u64) {
        match self.inner.waiting.borrow_mut().get_mut(&id) {
            Some(waiting) => waiting.end = Some(end),
            None => self.inner.transport.set_end(id, end),
        }
    }

    fn room(&self) {
        self.inner.transport.room();
    }

    fn flush(&self) {
        self.inner.transport.flush();
    }

    fn vitals(&self, id: TransferId) -> Option<Vitals> {
        if let Some(waiting) = self.inner.waiting.borrow().get(&id) {
            // Whoever is not asked yet is not silent.
            return Some(Vitals { received: 0, next: None, end: None, last_sign: waiting.since, held: true });
        }
        self.inner.transport.vitals(id)
    }

    fn line(&self, id: TransferId) -> Line {
        self.inner.transport.line(id)
    }

    fn set_rate(&self, rate: Option<Speed>) {
        self.inner.transport.set_rate(rate);
    }

    fn set_download_rate(&self, download: DownloadId, rate: Option<Speed>) {
        self.inner.transport.set_download_rate(download, rate);
    }

    fn events(&self) -> Vec<TransferEvent> {
        self.inner.transport.events()
    }

    fn on_events(&self, ready: Box<dyn Fn()>) {
        let ready: Rc<dyn Fn()> = Rc::from(ready);
        self.inner.ready.replace(Some(ready.clone()));
        self.inner.transport.on_events(Box::new(move || ready()));
    }

    fn stop(&self) {
        self.inner.ready.replace(None);
        self.inner.waiting.borrow_mut().clear();
        self.inner.transport.stop();
    }
}

#[cfg(test)]
mod tests;

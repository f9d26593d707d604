// SPDX-License-Identifier: GPL-3.0-or-later
//! libcurl's multi-socket interface on the GLib main loop. The numbers are the steps that
//! curl_multi_socket_action(3) names under "TYPICAL USAGE":
//!
//! 1. a multi handle ([`Inner::new_multi`]);
//! 2. the socket callback says which descriptor to watch for what ([`Inner::on_interest`]);
//! 3. the timer callback says when to call again ([`Inner::on_timeout_wish`]);
//! 4. easy handles are added ([`Driver::start`]), which kicks off the work by the timeout token;
//! 5. GLib waits: one `unix_fd_add_local_full` source for all descriptors, one `timeout_add_local_full`;
//! 6. what was seen goes to libcurl with `socket_action` ([`Inner::act`], [`Inner::on_timeout`]);
//! 7. after each action `info_read` is drained, and it alone says what is complete ([`Inner::collect`]);
//! 8. transfers are removed, then the multi handle ([`Driver::stop`]).
//!
//! libcurl is never called from inside one of its callbacks: these touch GLib sources, the table of
//! sockets and the gate, and nothing else. `driver/timer.rs` has the timeouts, `driver/waiting.rs` says who goes on when,
//! `driver/ending.rs` what follows the end.

mod ending;
mod timer;
mod waiting;

use std::cell::{Cell, RefCell};
use std::os::fd::RawFd;
use std::rc::{Rc, Weak};
use std::time::Duration;

use curl::MultiError;
use curl::easy::Easy2;
use curl::multi::{Easy2Handle, Events, Multi, SocketEvents};
use glib::thread_guard::ThreadGuard;
use glib::{ControlFlow, IOCondition, SourceId};

use super::gate::{Gate, Held};
use super::handler::{Trail, TransferHandler};
use super::idle::Idle;
use super::raw::{self, EasyRef};
use super::round::{Due, Round, Seen};
use super::sink::Sink;
use super::sockets::{Sight, Sockets};
use super::{Body, Line, Request, TransferEvent, Transport, Vitals, priority, request};
use crate::engine::clock::Clock;
use crate::engine::disk::Disk;
use crate::engine::error::{Failure, FailureKind};
use crate::engine::types::{DownloadId, IdMap, Moment, PartId, Speed, TransferId};

/// How many connections are kept open for later transfers, where fewer than that run. libcurl counts those in
/// use, too: with more at work each would be closed at the end of its transfer.
const IDLE_CONNECTIONS: usize = 16;

type Handle = Easy2Handle<TransferHandler>;
/// What is left of a transfer that is over: bytes not yet with the disk, and what it came to.
type Leaving = (Sink, Result<(), Failure>);

/// libcurl on the default main context. See the module's text.
pub struct Driver {
    inner: Rc<Inner>,
}

impl std::fmt::Debug for Driver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver").field("transfers", &self.inner.transfers.borrow().len()).finish_non_exhaustive()
    }
}

// The order of the fields is the order of their end: transfers go before the multi handle, or
// libcurl would call what is gone (curl-rust pull request 645).
struct Inner {
    transfers: RefCell<IdMap<TransferId, Handle>>,
    /// Cancelled while their name lookup runs: removing them would wait for its thread.
    abandoned: RefCell<IdMap<TransferId, Handle>>,
    multi: RefCell<Multi>,
    sockets: RefCell<Sockets>,
    /// For [`Inner::on_sockets`]: empty, and kept for its memory.
    sights: RefCell<Vec<Sight>>,
    /// Watches the sockets, or rests from it: see `driver/waiting.rs`.
    watch: RefCell<Option<SourceId>>,
    /// When the sockets were last looked at.
    looked_at: Cell<Moment>,
    idle: RefCell<Idle>,
    /// How many connections libcurl keeps.
    most_kept: Cell<usize>,
    timer: RefCell<timer::Timer>,
    round: RefCell<Round>,
    /// Begins the next round; there is one while something is in line.
    opener: RefCell<Option<SourceId>>,
    /// Rings when a rate limit lets somebody go on.
    refill: RefCell<Option<SourceId>>,
    /// Wait for room in the disk's pool.
    hungry: RefCell<Vec<TransferId>>,
    /// Over for libcurl, but their last bytes have not gone to the disk yet.
    leaving: RefCell<IdMap<TransferId, Leaving>>,
    gate: Rc<Gate>,
    disk: Rc<dyn Disk>,
    ready: RefCell<Option<Rc<dyn Fn()>>>,
    stopped: Cell<bool>,
    /// For the closures of sources and callbacks.
    me: Weak<Inner>,
}

impl Driver {
    /// `slice`: how long libcurl may work before the main loop gets its turn: a few milliseconds
    /// where there are frames to be drawn.
    pub fn new(clock: Rc<dyn Clock>, disk: Rc<dyn Disk>, slice: Duration) -> Result<Self, Failure> {
        super::version::warn_if_faulty();
        let gate = Rc::new(Gate::new(clock));
        let sockets =
            Sockets::new().map_err(|error| Failure::new(FailureKind::Internal(0), format!("epoll: {error}")))?;
        let inner = Rc::new_cyclic(|me: &Weak<Inner>| Inner {
            transfers: RefCell::default(),
            abandoned: RefCell::default(),
            multi: RefCell::new(Multi::new()),
            sockets: RefCell::new(sockets),
            sights: RefCell::default(),
            watch: RefCell::default(),
            looked_at: Cell::default(),
            idle: RefCell::default(),
            most_kept: Cell::new(IDLE_CONNECTIONS),
            timer: RefCell::default(),
            round: RefCell::new(Round::new(slice)),
            opener: RefCell::default(),
            refill: RefCell::default(),
            hungry: RefCell::default(),
            leaving: RefCell::default(),
            gate,
            disk,
            ready: RefCell::default(),
            stopped: Cell::new(false),
            me: me.clone(),
        });
        let multi = inner.new_multi().map_err(multi_failure)?;
        inner.multi.replace(multi);
        inner.watch_sockets();
        Ok(Self { inner })
    }
}

fn multi_failure(error: MultiError) -> Failure {
    Failure::new(FailureKind::Internal(u32::try_from(error.code()).unwrap_or_default()), error.to_string())
}

impl Inner {
    /// Step 1: a multi handle with its two callbacks.
    fn new_multi(&self) -> Result<Multi, MultiError> {
        let mut multi = Multi::new();
        // The callbacks must be Send for the binding, though they run only inside our own calls, on
        // this thread: the guard checks that.
        let me = ThreadGuard::new(self.me.clone());
        multi.socket_function(move |fd, interest, _token| {
            if let Some(inner) = me.get_ref().upgrade() {
                inner.on_interest(fd, &interest);
            }
        })?;
        let me = ThreadGuard::new(self.me.clone());
        multi.timer_function(move |wish| {
            if let Some(inner) = me.get_ref().upgrade() {
                inner.on_timeout_wish(wish);
            }
            // Anything else would abort every transfer.
            true
        })?;
        multi.set_max_connects(self.most_kept.get())?;
        Ok(multi)
    }

    /// So many transfers run: each is to find a connection when it is followed by another one.
    fn keep_connections(&self, running: usize) {
        if running > self.most_kept.get() {
            self.most_kept.set(running);
            if let Err(error) = self.multi.borrow_mut().set_max_connects(running) {
                tracing::debug!(%error, "connections are closed that could have been used again");
            }
        }
    }

    /// Step 2, inside libcurl: watch a descriptor for this from now on, or no longer.
    fn on_interest(&self, fd: RawFd, interest: &SocketEvents) {
        // CURL_POLL_INOUT is both; CURL_POLL_NONE and CURL_POLL_REMOVE are neither.
        let both = interest.input_and_output();
        let wanted = Seen { input: both || interest.input(), output: both || interest.output(), error: false };
        if interest.remove() || wanted == Seen::default() || self.stopped.get() {
            self.sockets.borrow_mut().remove(fd);
            return;
        }
        self.idle.borrow_mut().taken(fd);
        self.sockets.borrow_mut().watch(fd, wanted);
    }

    /// Step 5: from now on sockets are seen to when something comes.
    fn watch_sockets(&self) {
        let me = self.me.clone();
        let epoll = self.sockets.borrow().descriptor();
        let source = glib_unix::unix_fd_add_local_full(epoll, priority(), IOCondition::IN, move |_, _| {
            let Some(inner) = me.upgrade() else { return ControlFlow::Break };
            inner.on_sockets();
            if inner.stopped.get() || !inner.has_rest() {
                return ControlFlow::Continue;
            }
            // This source ends with its return.
            inner.watch.replace(None);
            inner.rest(waiting::REST);
            ControlFlow::Break
        });
        raw::keep_polled(&source);
        self.watch.replace(Some(source));
    }

    /// Step 6: something was seen on some of the descriptors. Answers on how many.
    fn on_sockets(&self) -> usize {
        let mut sights = self.sights.take();
        self.sockets.borrow_mut().look(&mut sights);
        let count = sights.len();
        for Sight { fd, generation, seen } in sights.drain(..) {
            // It may be gone by what came of the others.
            if self.sockets.borrow().is_current(fd, generation) {
                self.on_socket(fd, generation, seen);
            }
        }
        self.sights.replace(sights);
        // What came over several is told together.
        self.announce();
        count
    }

    fn on_socket(&self, fd: RawFd, generation: u32, seen: Seen) {
        let granted = self.round.borrow_mut().grant(self.gate.clock.now());
        match granted {
            Some(slice) => self.see_to(fd, seen, slice),
            None => {
                self.round.borrow_mut().join(Due::Socket { fd, generation, seen });
                self.schedule_round();
            }
        }
    }

    /// Step 6: tell libcurl what was seen.
    fn act(&self, fd: RawFd, seen: Seen, slice: Duration) {
        self.see_to(fd, seen, slice);
        self.announce();
    }

    /// The same; what came of it is not told yet.
    fn see_to(&self, fd: RawFd, seen: Seen, slice: Duration) {
        let mut events = Events::new();
        events.input(seen.input).output(seen.output).error(seen.error);
        self.work_silently(slice, |multi| multi.action(fd, &events));
    }

    /// Calls into libcurl for at most about `slice`, then sees to what came of it.
    fn work(&self, slice: Duration, call: impl FnOnce(&Multi) -> Result<u32, MultiError>) {
        self.work_silently(slice, call);
        self.announce();
    }

    fn work_silently(&self, slice: Duration, call: impl FnOnce(&Multi) -> Result<u32, MultiError>) {
        let begin = self.gate.clock.now();
        self.gate.open(begin, slice);
        // The number of running transfers, which it returns, says nothing about which are complete.
        let result = call(&self.multi.borrow());
        self.round.borrow_mut().spend(begin, self.gate.clock.now());
        if let Err(error) = result
            && !error.is_bad_socket()
        {
            self.replace_multi(&error);
        }
        self.collect();
        self.sort_held();
    }

    /// Step 7: drain `curl_multi_info_read`.
    fn collect(&self) {
        let mut over = Vec::new();
        self.multi.borrow().messages(|message| {
            let Ok(token) = message.token() else { return };
            let id = TransferId(token as u64);
            let transfers = self.transfers.borrow();
            let result = match transfers.get(&id) {
                Some(handle) => message.result_for2(handle),
                None => message.result(),
            };
            if let Some(result) = result {
                over.push((id, result));
            }
        });
        for (id, result) in over {
            self.abandoned.borrow_mut().remove(&id);
            let handle = self.transfers.borrow_mut().remove(&id);
            if let Some(handle) = handle {
                self.conclude(id, handle, result);
            }
        }
    }

    /// Calls the engine when there are events: libcurl has returned, so it may do what it wants.
    fn announce(&self) {
        if self.gate.has_events() {
            let ready = self.ready.borrow().clone();
            if let Some(ready) = ready {
                ready();
            }
        }
    }

    fn stop(&self) {
        if self.stopped.replace(true) {
            return;
        }
        self.sockets.borrow_mut().clear();
        self.timer.borrow_mut().cancel();
        for slot in [&self.watch, &self.opener, &self.refill] {
            if let Some(source) = slot.take() {
                source.remove();
            }
        }
        self.round.borrow_mut().clear();
        for (_, mut handle) in self.transfers.take() {
            handle.get_mut().sink.flush();
        }
        // Quick exit: nobody can wait for a name server now.
        self.abandoned.take();
        // Dropping the last reference would end the multi handle too; in between nothing may use it.
        self.ready.replace(None);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Transport for Driver {
    /// Step 4.
    fn start(&self, id: TransferId, request: Request) {
        self.inner.ask(id, &request, None);
    }

    fn attach(&self, id: TransferId, part: PartId) {
        let inner = &self.inner;
        if let Some((sink, _)) = inner.leaving.borrow_mut().get_mut(&id) {
            sink.attach(part);
        }
        inner.settle_one(id);
        let mut is_held = false;
        if let Some(handle) = inner.transfers.borrow_mut().get_mut(&id) {
            handle.get_mut().sink.attach(part);
            is_held = handle.get_ref().held() == Some(Held::Part);
        }
        if is_held {
            inner.round.borrow_mut().join(Due::Unpause(id));
            inner.schedule_round();
        }
    }

    fn cancel(&self, id: TransferId) -> Option<u64> {
        let inner = &self.inner;
        if let Some((mut sink, _)) = inner.leaving.borrow_mut().remove(&id) {
            sink.flush();
            return sink.handed_over();
        }
        let mut handle = inner.transfers.borrow_mut().remove(&id)?;
        handle.get_mut().sink.flush();
        let end = handle.get_ref().sink.handed_over();
        // One that goes over a connection that was there already has looked up nothing.
        let has_peer = matches!(handle.primary_ip(), Ok(Some(address)) if !address.is_empty());
        if has_peer || handle.get_ref().is_resolved() {
            // Dropping what came out ends it.
            let _ended = inner.detach(handle);
        } else {
            // libcurl would wait for the thread that looks the name up, and the window with it.
            handle.get_mut().abandon();
            inner.abandoned.borrow_mut().insert(id, handle);
        }
        end
    }

    fn set_end(&self, id: TransferId, end: u64) {
        let inner = &self.inner;
        let has_enough = inner.transfers.borrow_mut().get_mut(&id).is_some_and(|handle| handle.get_mut().set_end(end));
        if has_enough && let Some(handle) = inner.transfers.borrow_mut().remove(&id) {
            inner.conclude(id, handle, Ok(()));
        }
    }

    fn room(&self) {
        self.inner.settle();
        self.inner.feed_hungry();
    }

    fn flush(&self) {
        for handle in self.inner.transfers.borrow_mut().values_mut() {
            handle.get_mut().flush_if_slow();
        }
    }

    fn vitals(&self, id: TransferId) -> Option<Vitals> {
        self.inner.transfers.borrow().get(&id).map(|handle| handle.get_ref().vitals())
    }

    fn line(&self, id: TransferId) -> Line {
        let transfers = self.inner.transfers.borrow();
        let connection = transfers.get(&id).and_then(|handle| handle.get_ref().connection());
        connection.map(|(fd, _)| raw::connection(fd).into()).unwrap_or_default()
    }

    fn set_rate(&self, rate: Option<Speed>) {
        let now = self.inner.gate.clock.now();
        if self.inner.gate.limiter.borrow_mut().set_total(rate, now) {
            self.inner.limits_changed();
        }
    }

    fn set_download_rate(&self, download: DownloadId, rate: Option<Speed>) {
        let now = self.inner.gate.clock.now();
        if self.inner.gate.limiter.borrow_mut().set_download(download, rate, now) {
            self.inner.limits_changed();
        }
    }

    fn events(&self) -> Vec<TransferEvent> {
        self.inner.gate.take_events()
    }

    fn on_events(&self, ready: Box<dyn Fn()>) {
        self.inner.ready.replace(Some(Rc::from(ready)));
    }

    /// Step 8.
    fn stop(&self) {
        self.inner.stop();
    }
}

impl Inner {
    fn ask(&self, id: TransferId, request: &Request, trail: Option<Trail>) {
        if let Err(failure) = self.begin(id, request, trail) {
            self.gate.tell(match request.body {
                Body::Part => TransferEvent::Ended { id, end: None, result: Err(failure) },
                Body::Memory { .. } | Body::Head { .. } => TransferEvent::Fetched { id, result: Err(failure) },
            });
        }
    }

    fn begin(&self, id: TransferId, request: &Request, trail: Option<Trail>) -> Result<(), Failure> {
        if self.stopped.get() {
            return Err(Failure::new(FailureKind::Internal(0), "the engine has stopped"));
        }
        self.idle.borrow_mut().weed(self.gate.clock.now());
        self.gate.hasten();
        let sink = Sink::new(self.disk.clone());
        let mut handler = TransferHandler::new(id, request, self.gate.clone(), sink);
        if let Some(trail) = trail {
            handler.follow(trail);
        }
        let is_led = handler.is_led();
        let mut easy = Easy2::new(handler);
        let me = EasyRef::of(&easy);
        easy.get_mut().set_easy(me);
        let others = self.transfers.borrow().len();
        self.keep_connections(others + 1);
        request::configure(&mut easy, request, is_led, self.gate.limiter.borrow().pace(id, Speed(0)), others)?;
        // Adding makes libcurl wish for a timeout of zero: the kick-start comes from the loop.
        let mut handle = self.multi.borrow().add2(easy).map_err(multi_failure)?;
        let token = usize::try_from(id.0).unwrap_or(usize::MAX);
        handle.set_token(token).map_err(|error| super::failure::from_curl(&error, None))?;
        // Or its own timeout, too, would wait for the thread that looks a name up.
        if let Err(error) = raw::set_quick_exit(&handle) {
            tracing::debug!(%error, "a name lookup that hangs may hold up the main loop");
        }
        self.transfers.borrow_mut().insert(id, handle);
        if !self.timer.borrow().is_set() {
            self.on_timeout_wish(Some(Duration::ZERO));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

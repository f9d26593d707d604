// SPDX-License-Identifier: GPL-3.0-or-later
//! Who may run and connect now: at most so many downloads, at most so many connections to one host,
//! first come first served where the user wants no other order, and a host that asked for patience, or for fewer connections, gets it.
//! Pure.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::time::Duration;

use url::Url;

use super::command::Limits;
use super::turn::Turn;
use super::types::{DownloadId, IdMap, Moment};

/// After so long without a refusal a host that refused connections is asked for one more. One that means
/// it refuses six requests an hour at most, each of which costs nothing but itself; one that was only
/// busy is back from one connection to eight after 70 minutes, in a window that is open for days.
const FORGIVEN: Duration = Duration::from_secs(10 * 60);

/// A host as limits count it: scheme, name and port. Shared, for each download and each of its addresses has one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Host(Rc<str>);

impl Host {
    pub fn of(url: &Url) -> Self {
        let port = url.port_or_known_default().unwrap_or_default();
        Self(format!("{}://{}:{port}", url.scheme(), url.host_str().unwrap_or_default()).into())
    }
}

/// Where a waiting download stands. Those that the user wants at once come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Standing {
    is_patient: bool,
    turn: Turn,
    id: DownloadId,
}

/// What is known of a host.
#[derive(Debug, Default)]
struct Line {
    /// Waiting downloads, the next one first.
    waiting: BTreeSet<Standing>,
    /// Downloads that have a slot and no connection yet.
    preparing: usize,
    connections: usize,
    /// So many connections at a time and no more were allowed at this moment.
    most: Option<(usize, Moment)>,
    /// Retry-After: nothing is asked of it before.
    not_before: Option<Moment>,
}

impl Line {
    /// How many connections the host is believed to allow by now. Found out from the time alone: no alarm is needed.
    fn most(&self, now: Moment) -> Option<usize> {
        let (most, since) = self.most?;
        let raised = (now - since).as_secs() / FORGIVEN.as_secs();
        Some(most.saturating_add(usize::try_from(raised).unwrap_or(usize::MAX)))
    }

    fn has_room(&self, per_host: usize, now: Moment) -> bool {
        let most = self.most(now).map_or(per_host, |most| most.min(per_host)).max(1);
        self.preparing + self.connections < most && self.may_be_asked(now)
    }

    /// Whether somebody waits who may have a slot now; `is_full`: only who is to start at once.
    fn is_wanted(&self, is_full: bool) -> bool {
        self.waiting.first().is_some_and(|first| !(is_full && first.is_patient))
    }

    fn may_be_asked(&self, now: Moment) -> bool {
        self.not_before.is_none_or(|at| at <= now)
    }
}

/// A download that has a slot.
#[derive(Debug)]
struct Slot {
    host: Host,
    /// Its first connection is still to come; until then room is kept for it.
    is_preparing: bool,
}

#[derive(Debug, Default)]
pub struct Queue {
    limits: Limits,
    lines: HashMap<Host, Line>,
    /// Where each waiting download stands.
    places: IdMap<DownloadId, (Host, Standing)>,
    /// How many of them the user wants at once.
    impatient: usize,
    running: IdMap<DownloadId, Slot>,
    /// Those of them that have no connection, and wait for room at the hosts that are left to be asked.
    roomless: BTreeSet<DownloadId>,
}

impl Queue {
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Lets a download wait for its turn; one that is in the queue already stays as it is.
    pub fn join(&mut self, id: DownloadId, host: Host, turn: Turn) {
        if self.places.contains_key(&id) {
            return;
        }
        let standing = Standing { is_patient: true, turn, id };
        self.lines.entry(host.clone()).or_default().waiting.insert(standing);
        self.places.insert(id, (host, standing));
    }

    /// Gives a waiting download another place.
    pub fn set_turn(&mut self, id: DownloadId, turn: Turn) {
        self.stand(id, |standing| Standing { turn, ..standing });
    }

    /// A waiting download is to get a slot even if there is none.
    pub fn hurry(&mut self, id: DownloadId) {
        self.stand(id, |standing| Standing { is_patient: false, ..standing });
    }

    fn stand(&mut self, id: DownloadId, change: impl Fn(Standing) -> Standing) {
        let Some((host, standing)) = self.places.get_mut(&id) else { return };
        let new = change(*standing);
        self.impatient += usize::from(standing.is_patient && !new.is_patient);
        if let Some(line) = self.lines.get_mut(host) {
            line.waiting.remove(standing);
            line.waiting.insert(new);
        }
        *standing = new;
    }

    fn is_full(&self) -> bool {
        self.running.len() >= self.limits.parallel
    }

    /// Takes a waiting download out.
    pub fn leave(&mut self, id: DownloadId) {
        if let Some((host, standing)) = self.places.remove(&id) {
            self.impatient -= usize::from(!standing.is_patient);
            if let Some(line) = self.lines.get_mut(&host) {
                line.waiting.remove(&standing);
            }
            self.tidy(&host);
        }
    }

    /// The downloads that wait for a slot, in no order.
    pub fn waiting(&self) -> impl Iterator<Item = DownloadId> {
        self.places.keys().copied()
    }

    /// A running download gives its slot back.
    pub fn release(&mut self, id: DownloadId) {
        if let Some(slot) = self.running.remove(&id) {
            if let Some(line) = self.lines.get_mut(&slot.host).filter(|_| slot.is_preparing) {
                line.preparing = line.preparing.saturating_sub(1);
            }
            self.tidy(&slot.host);
        }
    }

    /// A running download has nobody else to ask than hosts that have no room now.
    pub fn await_room(&mut self, id: DownloadId) {
        self.roomless.insert(id);
    }

    pub fn awaits_room(&self, id: DownloadId) -> bool {
        self.roomless.contains(&id)
    }

    pub fn roomless(&self) -> Vec<DownloadId> {
        self.roomless.iter().copied().collect()
    }

    /// It wants no room any more.
    pub fn waive_room(&mut self, id: DownloadId) {
        self.roomless.remove(&id);
    }

    /// A transfer of a running download to this host begins.
    pub fn connected(&mut self, id: DownloadId, host: &Host) {
        self.waive_room(id);
        if let Some(slot) = self.running.get_mut(&id).filter(|slot| slot.is_preparing) {
            slot.is_preparing = false;
            if let Some(line) = self.lines.get_mut(&slot.host) {
                line.preparing = line.preparing.saturating_sub(1);
            }
        }
        self.lines.entry(host.clone()).or_default().connections += 1;
    }

    /// A transfer to this host has ended.
    pub fn disconnected(&mut self, host: &Host) {
        if let Some(line) = self.lines.get_mut(host) {
            line.connections = line.connections.saturating_sub(1);
        }
        self.tidy(host);
    }

    pub fn connections(&self, host: &Host) -> usize {
        self.lines.get(host).map_or(0, |line| line.connections)
    }

    /// Whether this download has a slot and no connection yet: then room for one is kept.
    pub fn is_preparing(&self, id: DownloadId) -> bool {
        self.running.get(&id).is_some_and(|slot| slot.is_preparing)
    }

    /// Whether a download that has a slot may have its first connection to this host.
    pub fn may_connect(&self, host: &Host, now: Moment) -> bool {
        self.lines.get(host).is_none_or(|line| line.has_room(self.limits.per_host, now))
    }

    /// Whether a running download may have one more connection to this host: not while another
    /// download could use it.
    pub fn has_room(&self, host: &Host, now: Moment) -> bool {
        let is_full = self.is_full();
        self.lines.get(host).is_none_or(|line| line.has_room(self.limits.per_host, now) && !line.is_wanted(is_full))
    }

    /// The host has refused more connections than this just now.
    pub fn cap(&mut self, host: &Host, most: usize, now: Moment) {
        let line = self.lines.entry(host.clone()).or_default();
        let most = line.most(now).map_or(most, |known| known.min(most)).max(1);
        line.most = Some((most, now));
    }

    /// As many connections are allowed as before.
    pub fn allow(&mut self, host: &Host, most: Option<usize>, now: Moment) {
        if let Some(line) = self.lines.get_mut(host) {
            line.most = most.map(|most| (most, now));
        }
    }

    /// How many connections the host was found to allow, if fewer than may be asked for.
    pub fn most(&self, host: &Host, now: Moment) -> Option<usize> {
        self.lines.get(host)?.most(now).filter(|most| *most < self.limits.per_host)
    }

    /// Whether nothing but the connections that it has keeps a host from being asked.
    pub fn is_crowded(&self, host: &Host, now: Moment) -> bool {
        self.lines.get(host).is_some_and(|line| line.may_be_asked(now) && !line.has_room(self.limits.per_host, now))
    }

    /// Whether no waiting download can have a slot, whatever its host: so it is nearly always, and to find it out
    /// host by host takes long.
    fn is_closed(&self) -> bool {
        self.places.is_empty() || (self.is_full() && self.impatient == 0)
    }

    /// The hosts whose connections keep downloads from starting, that of the next one first.
    pub fn crowded(&self, now: Moment) -> Vec<Host> {
        if self.is_closed() {
            return Vec::new();
        }
        let is_full = self.is_full();
        let is_crowded = |line: &Line| {
            line.is_wanted(is_full) && line.may_be_asked(now) && !line.has_room(self.limits.per_host, now)
        };
        let crowded = self.lines.iter().filter(|(_, line)| is_crowded(line));
        let mut crowded: Vec<_> = crowded.map(|(host, line)| (line.waiting.first().copied(), host)).collect();
        crowded.sort_unstable_by_key(|(first, _)| *first);
        crowded.into_iter().map(|(_, host)| host.clone()).collect()
    }

    /// The host asked not to be asked before this moment.
    pub fn hold_back(&mut self, host: Host, until: Moment) {
        let line = self.lines.entry(host).or_default();
        line.not_before = line.not_before.max(Some(until));
    }

    /// Grants a slot to the first in the queue whose host has room.
    pub fn admit(&mut self, now: Moment) -> Option<DownloadId> {
        if self.is_closed() {
            return None;
        }
        let (is_full, per_host) = (self.is_full(), self.limits.per_host);
        let (host, line) = self
            .lines
            .iter_mut()
            .filter(|(_, line)| line.is_wanted(is_full) && line.has_room(per_host, now))
            .min_by_key(|(_, line)| line.waiting.first().copied())?;
        let Standing { id, is_patient, .. } = line.waiting.pop_first()?;
        self.impatient -= usize::from(!is_patient);
        line.preparing += 1;
        line.not_before = None;
        let host = host.clone();
        self.places.remove(&id);
        self.running.insert(id, Slot { host, is_preparing: true });
        Some(id)
    }

    /// When a host that is held back may be asked again, if anybody waits for it.
    pub fn next_moment(&self, now: Moment) -> Option<Moment> {
        self.lines
            .values()
            .filter(|line| !line.waiting.is_empty())
            .filter_map(|line| line.not_before.filter(|at| *at > now))
            .min()
    }

    /// Forgets a host that nobody is interested in.
    fn tidy(&mut self, host: &Host) {
        let is_idle = |line: &Line| {
            line.preparing + line.connections == 0
                && line.waiting.is_empty()
                && line.not_before.is_none()
                && line.most.is_none()
        };
        if self.lines.get(host).is_some_and(is_idle) {
            self.lines.remove(host);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn host(name: &str) -> Host {
        Host::of(&Url::parse(&format!("https://{name}/f")).unwrap())
    }

    fn at(secs: u64) -> Moment {
        Moment(Duration::from_secs(secs))
    }

    fn join(queue: &mut Queue, id: u64, host: Host) {
        queue.join(DownloadId(id), host, Turn::of_added(DownloadId(id)));
    }

    fn all(queue: &mut Queue, now: Moment) -> Vec<u64> {
        std::iter::from_fn(|| queue.admit(now)).map(|id| id.0).collect()
    }

    #[test]
    fn a_host_is_scheme_name_and_port() {
        assert_eq!(host("h"), Host::of(&Url::parse("https://h:443/other").unwrap()));
        assert_ne!(host("h"), Host::of(&Url::parse("http://h/f").unwrap()));
    }

    #[test]
    fn so_many_at_a_time_in_order() {
        let mut queue = Queue::default();
        for id in 0..8 {
            join(&mut queue, id, host(&format!("h{id}")));
        }
        assert_eq!(all(&mut queue, at(0)), [0, 1, 2, 3, 4]);
        queue.release(DownloadId(3));
        queue.leave(DownloadId(5));
        assert_eq!(all(&mut queue, at(0)), [6]);
    }

    #[test]
    fn a_full_host_lets_others_pass() {
        let mut queue = Queue::default();
        queue.set_limits(Limits { per_host: 2, ..Limits::default() });
        for id in 0..4 {
            join(&mut queue, id, host("busy"));
        }
        join(&mut queue, 9, host("free"));
        assert_eq!(all(&mut queue, at(0)), [0, 1, 9]);
        queue.release(DownloadId(0));
        assert_eq!(all(&mut queue, at(0)), [2]);
    }

    #[test]
    fn a_host_that_asked_for_patience_is_left_alone_until_then() {
        let mut queue = Queue::default();
        queue.hold_back(host("tired"), at(10));
        queue.hold_back(host("tired"), at(7));
        join(&mut queue, 1, host("tired"));
        join(&mut queue, 2, host("other"));
        assert_eq!(all(&mut queue, at(0)), [2]);
        assert_eq!(queue.next_moment(at(0)), Some(at(10)));
        assert_eq!(all(&mut queue, at(10)), [1]);
        assert_eq!(queue.next_moment(at(10)), None);
    }

    #[test]
    fn more_connections_are_for_those_who_run_only_while_nobody_waits_for_them() {
        let mut queue = Queue::default();
        queue.set_limits(Limits { per_host: 3, ..Limits::default() });
        join(&mut queue, 1, host("h"));
        assert_eq!(all(&mut queue, at(0)), [1]);
        for _ in 0..3 {
            assert!(queue.has_room(&host("h"), at(0)));
            queue.connected(DownloadId(1), &host("h"));
        }
        assert!(!queue.has_room(&host("h"), at(0)));
        assert_eq!(queue.crowded(at(0)), []);
        join(&mut queue, 2, host("h"));
        assert_eq!(all(&mut queue, at(0)), [0; 0]);
        assert_eq!(queue.crowded(at(0)), [host("h")]);
        queue.disconnected(&host("h"));
        assert!(!queue.has_room(&host("h"), at(0)), "it is for the one that waits");
        assert_eq!(all(&mut queue, at(0)), [2]);
        queue.connected(DownloadId(2), &host("h"));
        assert!(!queue.has_room(&host("h"), at(0)));
    }

    #[test]
    fn of_several_crowded_hosts_that_of_the_next_download_comes_first() {
        let mut queue = Queue::default();
        queue.set_limits(Limits { per_host: 1, parallel: 9, ..Limits::default() });
        for (id, name) in (1..).zip(["b", "a", "c", "b", "a"]) {
            join(&mut queue, id, host(name));
        }
        assert_eq!(all(&mut queue, at(0)), [1, 2, 3]);
        assert_eq!(queue.crowded(at(0)), [host("b"), host("a")]);
        queue.set_limits(Limits { per_host: 1, parallel: 3, ..Limits::default() });
        assert_eq!(queue.crowded(at(0)), [], "there is no slot");
        queue.hurry(DownloadId(5));
        assert_eq!(queue.crowded(at(0)), [host("a")]);
        queue.leave(DownloadId(5));
        assert!(queue.is_closed());
        queue.hurry(DownloadId(4));
        queue.release(DownloadId(1));
        assert_eq!(all(&mut queue, at(0)), [4]);
        assert_eq!(queue.impatient, 0);
    }

    #[test]
    fn a_host_that_refused_connections_is_asked_for_fewer() {
        let mut queue = Queue::default();
        queue.cap(&host("h"), 2, at(0));
        queue.cap(&host("h"), 5, at(0));
        for id in 0..3 {
            join(&mut queue, id, host("h"));
        }
        assert_eq!(all(&mut queue, at(0)), [0, 1]);
        for id in [0, 1] {
            queue.connected(DownloadId(id), &host("h"));
            queue.disconnected(&host("h"));
            queue.release(DownloadId(id));
        }
        assert_eq!(queue.most(&host("h"), at(0)), Some(2), "remembered");
    }

    #[test]
    fn a_host_that_refused_connections_is_forgiven_bit_by_bit() {
        let mut queue = Queue::default();
        let minutes = |minutes: u64| at(minutes * 60);
        queue.cap(&host("h"), 1, minutes(5));
        join(&mut queue, 1, host("h"));
        join(&mut queue, 2, host("h"));
        assert_eq!(all(&mut queue, minutes(6)), [1]);
        assert_eq!(queue.next_moment(minutes(6)), None, "nobody is woken for it");
        assert_eq!(all(&mut queue, minutes(14)), [0; 0]);
        assert_eq!(all(&mut queue, minutes(15)), [2]);
        // It is refused, and counts from then on.
        queue.release(DownloadId(2));
        queue.cap(&host("h"), 1, minutes(15));
        assert_eq!((queue.most(&host("h"), minutes(24)), queue.most(&host("h"), minutes(25))), (Some(1), Some(2)));
        assert_eq!(queue.most(&host("h"), minutes(5 * 60)), None, "as many as may be asked for");
    }

    #[test]
    fn joining_twice_keeps_the_place() {
        let mut queue = Queue::default();
        for id in [1, 2, 1] {
            join(&mut queue, id, host("h"));
        }
        assert_eq!(all(&mut queue, at(0)), [1, 2]);
    }

    #[test]
    fn the_order_of_the_queue_is_that_of_turns() {
        let mut queue = Queue::default();
        for id in 1..=4 {
            join(&mut queue, id, host(&format!("h{}", id % 2)));
        }
        queue.set_turn(DownloadId(4), Turn(0));
        queue.set_turn(DownloadId(9), Turn(0));
        queue.set_turn(DownloadId(1), Turn::of_added(DownloadId(3)).next());
        assert_eq!(all(&mut queue, at(0)), [4, 2, 3, 1]);
        for id in [3, 2] {
            queue.release(DownloadId(id));
            join(&mut queue, id, host("h1"));
        }
        assert_eq!(all(&mut queue, at(0)), [2, 3], "who comes back stands where it stood");
    }

    #[test]
    fn what_is_to_start_at_once_waits_for_its_host_alone() {
        let mut queue = Queue::default();
        queue.set_limits(Limits { parallel: 1, per_host: 2, ..Limits::default() });
        for id in 1..=5 {
            join(&mut queue, id, host(if id < 5 { "h" } else { "other" }));
        }
        assert_eq!(all(&mut queue, at(0)), [1]);
        queue.hurry(DownloadId(3));
        queue.hurry(DownloadId(4));
        assert_eq!(all(&mut queue, at(0)), [3]);
        assert_eq!(queue.crowded(at(0)), [host("h")]);
        queue.hurry(DownloadId(5));
        assert_eq!(all(&mut queue, at(0)), [5]);
        queue.release(DownloadId(1));
        assert_eq!(all(&mut queue, at(0)), [4]);
        queue.release(DownloadId(3));
        assert_eq!(all(&mut queue, at(0)), [0; 0], "two are more than one already");
    }
}

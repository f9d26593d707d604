// SPDX-License-Identifier: GPL-3.0-or-later
//! Who may run and connect now: at most so many downloads, at most so many connections to one host,
//! first come first served, and a host that asked for patience, or for fewer connections, gets it.
//! Pure.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use url::Url;

use super::command::Limits;
use super::types::{DownloadId, Moment};

/// After so long without a refusal a host that refused connections is asked for one more. One that means
/// it refuses six requests an hour at most, each of which costs nothing but itself; one that was only
/// busy is back from one connection to eight after 70 minutes, in a window that is open for days.
const FORGIVEN: Duration = Duration::from_secs(10 * 60);

/// A host as limits count it: scheme, name and port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Host(String);

impl Host {
    pub fn of(url: &Url) -> Self {
        let port = url.port_or_known_default().unwrap_or_default();
        Self(format!("{}://{}:{port}", url.scheme(), url.host_str().unwrap_or_default()))
    }
}

/// What is known of a host.
#[derive(Debug, Default)]
struct Line {
    /// Waiting downloads by their place in the queue.
    waiting: BTreeMap<u64, DownloadId>,
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
    places: HashMap<DownloadId, (Host, u64)>,
    running: HashMap<DownloadId, Slot>,
    next_place: u64,
}

impl Queue {
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Puts a download at the end of the queue; one that is in it already stays where it is.
    pub fn join(&mut self, id: DownloadId, host: Host) {
        if self.places.contains_key(&id) {
            return;
        }
        let place = self.next_place;
        self.next_place += 1;
        self.lines.entry(host.clone()).or_default().waiting.insert(place, id);
        self.places.insert(id, (host, place));
    }

    /// Takes a waiting download out.
    pub fn leave(&mut self, id: DownloadId) {
        if let Some((host, place)) = self.places.remove(&id) {
            if let Some(line) = self.lines.get_mut(&host) {
                line.waiting.remove(&place);
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

    /// A transfer of a running download to this host begins.
    pub fn connected(&mut self, id: DownloadId, host: &Host) {
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
        let is_wanted = |line: &Line| !line.waiting.is_empty() && self.running.len() < self.limits.parallel;
        self.lines.get(host).is_none_or(|line| line.has_room(self.limits.per_host, now) && !is_wanted(line))
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

    /// The host whose connections keep the next download from starting.
    pub fn crowded(&self, now: Moment) -> Option<&Host> {
        if self.running.len() >= self.limits.parallel {
            return None;
        }
        let full = self.lines.iter().filter(|(_, line)| {
            !line.waiting.is_empty() && line.may_be_asked(now) && !line.has_room(self.limits.per_host, now)
        });
        full.min_by_key(|(_, line)| line.waiting.keys().next().copied()).map(|(host, _)| host)
    }

    /// The host asked not to be asked before this moment.
    pub fn hold_back(&mut self, host: Host, until: Moment) {
        let line = self.lines.entry(host).or_default();
        line.not_before = line.not_before.max(Some(until));
    }

    /// Grants a slot to the first in the queue whose host has room.
    pub fn admit(&mut self, now: Moment) -> Option<DownloadId> {
        if self.running.len() >= self.limits.parallel {
            return None;
        }
        let per_host = self.limits.per_host;
        let (host, line) = self
            .lines
            .iter_mut()
            .filter(|(_, line)| !line.waiting.is_empty() && line.has_room(per_host, now))
            .min_by_key(|(_, line)| line.waiting.keys().next().copied())?;
        let (_, id) = line.waiting.pop_first()?;
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
            queue.join(DownloadId(id), host(&format!("h{id}")));
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
            queue.join(DownloadId(id), host("busy"));
        }
        queue.join(DownloadId(9), host("free"));
        assert_eq!(all(&mut queue, at(0)), [0, 1, 9]);
        queue.release(DownloadId(0));
        assert_eq!(all(&mut queue, at(0)), [2]);
    }

    #[test]
    fn a_host_that_asked_for_patience_is_left_alone_until_then() {
        let mut queue = Queue::default();
        queue.hold_back(host("tired"), at(10));
        queue.hold_back(host("tired"), at(7));
        queue.join(DownloadId(1), host("tired"));
        queue.join(DownloadId(2), host("other"));
        assert_eq!(all(&mut queue, at(0)), [2]);
        assert_eq!(queue.next_moment(at(0)), Some(at(10)));
        assert_eq!(all(&mut queue, at(10)), [1]);
        assert_eq!(queue.next_moment(at(10)), None);
    }

    #[test]
    fn more_connections_are_for_those_who_run_only_while_nobody_waits_for_them() {
        let mut queue = Queue::default();
        queue.set_limits(Limits { per_host: 3, ..Limits::default() });
        queue.join(DownloadId(1), host("h"));
        assert_eq!(all(&mut queue, at(0)), [1]);
        for _ in 0..3 {
            assert!(queue.has_room(&host("h"), at(0)));
            queue.connected(DownloadId(1), &host("h"));
        }
        assert!(!queue.has_room(&host("h"), at(0)));
        assert_eq!(queue.crowded(at(0)), None);
        queue.join(DownloadId(2), host("h"));
        assert_eq!(all(&mut queue, at(0)), [0; 0]);
        assert_eq!(queue.crowded(at(0)), Some(&host("h")));
        queue.disconnected(&host("h"));
        assert!(!queue.has_room(&host("h"), at(0)), "it is for the one that waits");
        assert_eq!(all(&mut queue, at(0)), [2]);
        queue.connected(DownloadId(2), &host("h"));
        assert!(!queue.has_room(&host("h"), at(0)));
    }

    #[test]
    fn a_host_that_refused_connections_is_asked_for_fewer() {
        let mut queue = Queue::default();
        queue.cap(&host("h"), 2, at(0));
        queue.cap(&host("h"), 5, at(0));
        for id in 0..3 {
            queue.join(DownloadId(id), host("h"));
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
        queue.join(DownloadId(1), host("h"));
        queue.join(DownloadId(2), host("h"));
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
            queue.join(DownloadId(id), host("h"));
        }
        assert_eq!(all(&mut queue, at(0)), [1, 2]);
    }
}

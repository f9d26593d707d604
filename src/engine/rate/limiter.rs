// SPDX-License-Identifier: GPL-3.0-or-later
//! Whose turn it is: one budget for all transfers, one for each download that has a limit of its
//! own, and the line of those that wait for them.

use std::collections::BTreeSet;

use super::budget::Budget;
use crate::engine::types::{DownloadId, IdMap, Moment, Speed, TransferId};

/// Lets transfers take turns at budgets. A piece is taken from both budgets that apply to it. Who
/// finds one of them in debt waits, and is granted its piece (charged there and then) when both are
/// paid. Of several the one goes first that has had the fewest bytes, whatever the size of its pieces:
/// start-time fair queueing. None starves, and none makes up for a time when it wanted nothing.
#[derive(Debug, Default)]
pub struct Limiter {
    total: Budget,
    /// Of downloads that have a limit of their own.
    own: IdMap<DownloadId, Budget>,
    members: IdMap<TransferId, Member>,
    /// How many transfers each download has.
    counts: IdMap<DownloadId, usize>,
    /// Those that wait, by when they start.
    line: BTreeSet<(u64, TransferId)>,
    /// How far the line has come: the start of who was granted something last. All starts are counted
    /// in bytes of one transfer.
    line_at: u64,
}

#[derive(Debug)]
struct Member {
    download: DownloadId,
    stand: Stand,
    /// Where it starts the next time, unless the line is further on.
    next_start: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    /// Has asked for nothing that it did not get.
    Free,
    /// In the line, for so many bytes.
    Waits { start: u64, bytes: usize },
    /// So many bytes are charged already.
    Paid(usize),
}

impl Limiter {
    /// Tells whether that is a change.
    pub fn set_total(&mut self, rate: Option<Speed>, now: Moment) -> bool {
        self.total.set_rate(rate, now)
    }

    /// The limit of one download, whether or not it has transfers; `None` forgets it. Tells whether
    /// that is a change.
    pub fn set_download(&mut self, download: DownloadId, rate: Option<Speed>, now: Moment) -> bool {
        match rate.filter(|rate| rate.0 > 0) {
            Some(rate) => self.own.entry(download).or_default().set_rate(Some(rate), now),
            None => self.own.remove(&download).is_some(),
        }
    }

    /// A transfer of this download begins.
    pub fn enter(&mut self, id: TransferId, download: DownloadId) {
        self.members.insert(id, Member { download, stand: Stand::Free, next_start: 0 });
        *self.counts.entry(download).or_default() += 1;
    }

    /// It is over.
    pub fn exit(&mut self, id: TransferId) {
        let Some(member) = self.members.remove(&id) else { return };
        if let Stand::Waits { start, .. } = member.stand {
            self.line.remove(&(start, id));
        }
        if let Some(count) = self.counts.get_mut(&member.download) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&member.download);
            }
        }
    }

    /// Whether any limit is set: without one there is nothing to ask here.
    pub fn is_limiting(&self) -> bool {
        self.total.rate().is_some() || !self.own.is_empty()
    }

    /// May this transfer take `bytes` now? If not, it is in the line from now on, and
    /// [`Limiter::grant`] will name it. What it takes is told to [`Limiter::took`].
    pub fn ask(&mut self, id: TransferId, bytes: usize, now: Moment) -> bool {
        let Some(member) = self.members.get(&id) else { return true };
        let start = member.next_start.max(self.line_at);
        match member.stand {
            Stand::Paid(_) => return true,
            Stand::Waits { .. } => return false,
            Stand::Free => {}
        }
        let download = member.download;
        if !self.is_limited(download) || (self.is_ready(download, now) && !self.is_passing_by(download, now)) {
            return true;
        }
        self.line.insert((start, id));
        self.stand(id, Stand::Waits { start, bytes });
        false
    }

    /// It took so many bytes, as it may have asked to.
    pub fn took(&mut self, id: TransferId, bytes: usize, now: Moment) {
        let Some(member) = self.members.get_mut(&id) else { return };
        let paid = if let Stand::Paid(paid) = member.stand { paid } else { 0 };
        if paid > 0 {
            member.stand = if paid > bytes { Stand::Paid(paid - bytes) } else { Stand::Free };
        }
        let (download, unpaid) = (member.download, bytes.saturating_sub(paid));
        member.next_start = member.next_start.max(self.line_at) + unpaid as u64;
        self.charge(download, unpaid, now);
    }

    /// Those in the line whose turn has come. Each may take the piece that it asked for.
    pub fn grant(&mut self, now: Moment) -> Vec<TransferId> {
        let (mut granted, mut passed_over) = (Vec::new(), Vec::new());
        while self.total.is_ready(now)
            && let Some((start, id)) = self.line.pop_first()
        {
            let waiting = self.members.get(&id).map(|member| (member.download, member.stand));
            let Some((download, Stand::Waits { bytes, .. })) = waiting else { continue };
            if !self.is_ready(download, now) {
                passed_over.push((start, id));
                continue;
            }
            self.charge(download, bytes, now);
            self.line_at = self.line_at.max(start);
            if let Some(member) = self.members.get_mut(&id) {
                member.stand = Stand::Paid(bytes);
                member.next_start = start + bytes as u64;
            }
            granted.push(id);
        }
        self.line.extend(passed_over);
        granted
    }

    /// When [`Limiter::grant`] will name somebody; `None` while nobody waits.
    pub fn next_grant(&self) -> Option<Moment> {
        let soonest = self.total.ready_at().unwrap_or_default();
        let mut next: Option<Moment> = None;
        for member in self.line.iter().filter_map(|(_, id)| self.members.get(id)) {
            let at = self.ready_at(member.download);
            if at == soonest {
                return Some(at);
            }
            next = Some(next.map_or(at, |next| next.min(at)));
        }
        next
    }

    /// What a transfer may be expected to come to that has had `of_late`: no less than its share if
    /// all take as much as they may, no more than the limits; `None` without a limit.
    pub fn pace(&self, id: TransferId, of_late: Speed) -> Option<Speed> {
        let download = self.members.get(&id)?.download;
        let own = self.own.get(&download).and_then(Budget::rate);
        let own = own.map(|rate| (rate, self.counts.get(&download).copied().unwrap_or(1)));
        let limits = own.into_iter().chain(self.total.rate().map(|rate| (rate, self.members.len())));
        let paces = limits.map(|(rate, sharers)| rate.min(of_late.max(Speed(rate.0 / sharers.max(1) as u64))));
        paces.min()
    }

    fn is_limited(&self, download: DownloadId) -> bool {
        self.total.rate().is_some() || self.own.contains_key(&download)
    }

    fn is_ready(&self, download: DownloadId, now: Moment) -> bool {
        self.total.is_ready(now) && self.own.get(&download).is_none_or(|own| own.is_ready(now))
    }

    fn ready_at(&self, download: DownloadId) -> Moment {
        let own = self.own.get(&download).and_then(Budget::ready_at);
        self.total.ready_at().max(own).unwrap_or_default()
    }

    /// Whether somebody in the line could take what is asked for now by a transfer of this download.
    fn is_passing_by(&self, download: DownloadId, now: Moment) -> bool {
        let has_total = self.total.rate().is_some();
        self.line.iter().filter_map(|(_, id)| self.members.get(id)).any(|member| {
            let shares = has_total || member.download == download;
            shares && self.is_ready(member.download, now)
        })
    }

    fn charge(&mut self, download: DownloadId, bytes: usize, now: Moment) {
        self.total.charge(bytes, now);
        if let Some(own) = self.own.get_mut(&download) {
            own.charge(bytes, now);
        }
    }

    fn stand(&mut self, id: TransferId, stand: Stand) {
        if let Some(member) = self.members.get_mut(&id) {
            member.stand = stand;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn at(ms: u64) -> Moment {
        Moment(Duration::from_millis(ms))
    }

    /// Transfers that always want more, in pieces of their own size; a main loop of about 1 ms.
    struct Crowd {
        limiter: Limiter,
        pieces: Vec<usize>,
        taken: Vec<u64>,
        now: Moment,
    }

    impl Crowd {
        /// Transfer n belongs to download `downloads[n]`.
        fn new(downloads: &[u64], pieces: Vec<usize>) -> Self {
            let mut limiter = Limiter::default();
            for (n, download) in downloads.iter().enumerate() {
                limiter.enter(TransferId(n as u64), DownloadId(*download));
            }
            Self { limiter, taken: vec![0; pieces.len()], pieces, now: at(0) }
        }

        fn pull(&mut self, n: usize) {
            let (id, piece) = (TransferId(n as u64), self.pieces[n]);
            // Without a limit it would never end.
            for _ in 0..1000 {
                if !self.limiter.ask(id, piece, self.now) {
                    break;
                }
                self.limiter.took(id, piece, self.now);
                self.taken[n] += piece as u64;
            }
        }

        fn run(&mut self, time: Duration) {
            let end = self.now + time;
            for n in 0..self.pieces.len() {
                self.pull(n);
            }
            while self.now < end {
                let next = self.limiter.next_grant().unwrap_or(end).min(end);
                self.now = next.max(self.now) + Duration::from_millis(1);
                for id in self.limiter.grant(self.now) {
                    self.pull(id.0 as usize);
                }
            }
        }
    }

    #[test]
    fn many_share_a_total_evenly_and_exactly() {
        let mut crowd = Crowd::new(&(0..50).collect::<Vec<_>>(), vec![1024; 50]);
        crowd.limiter.set_total(Some(Speed(500_000)), at(0));
        crowd.run(Duration::from_secs(10));
        let sum: u64 = crowd.taken.iter().sum();
        assert!((sum as f64 / 5e6 - 1.0).abs() < 0.02, "{sum}");
        let (least, most) = (crowd.taken.iter().min().unwrap(), crowd.taken.iter().max().unwrap());
        assert!(most - least <= 2 * 1024, "{least} to {most}");
    }

    #[test]
    fn who_takes_large_pieces_gets_no_more_than_the_others() {
        let mut crowd = Crowd::new(&[1, 2, 3], vec![16_384, 4096, 1024]);
        crowd.limiter.set_total(Some(Speed(300_000)), at(0));
        crowd.run(Duration::from_secs(10));
        assert!(crowd.taken.iter().all(|taken| taken.abs_diff(1_000_000) < 40_000), "{:?}", crowd.taken);
    }

    #[test]
    fn own_limits_hold_under_a_total_and_leave_the_rest_to_others() {
        let mut crowd = Crowd::new(&[1, 2, 2], vec![2000, 3000, 3000]);
        crowd.limiter.set_total(Some(Speed(220_000)), at(0));
        crowd.limiter.set_download(DownloadId(1), Some(Speed(50_000)), at(0));
        crowd.limiter.set_download(DownloadId(2), Some(Speed(200_000)), at(0));
        crowd.run(Duration::from_secs(10));
        let (first, second) = (crowd.taken[0] as f64 / 1e4, (crowd.taken[1] + crowd.taken[2]) as f64 / 1e4);
        assert!((first - 50.0).abs() < 1.5 && (second - 170.0).abs() < 4.0, "{:?}", crowd.taken);
    }

    #[test]
    fn who_waits_for_its_own_limit_keeps_nobody_waiting() {
        let mut crowd = Crowd::new(&[1, 2], vec![1000, 1000]);
        crowd.limiter.set_download(DownloadId(1), Some(Speed(1)), at(0));
        crowd.run(Duration::from_secs(1));
        assert_eq!(crowd.taken, [1000, 1_000_000]);
        crowd.limiter.set_total(Some(Speed(100_000)), at(1000));
        crowd.run(Duration::from_secs(1));
        assert!(crowd.taken[1] > 1_090_000, "{:?}", crowd.taken);
    }

    #[test]
    fn a_limit_taken_away_lets_all_go_on_at_once() {
        let mut crowd = Crowd::new(&[1, 2], vec![1000, 1000]);
        crowd.limiter.set_total(Some(Speed(10)), at(0));
        crowd.limiter.set_download(DownloadId(1), Some(Speed(10)), at(0));
        crowd.run(Duration::from_millis(10));
        assert!(crowd.limiter.next_grant() > Some(at(10_000)));
        crowd.limiter.set_total(None, at(20));
        crowd.limiter.set_download(DownloadId(1), None, at(20));
        assert_eq!(crowd.limiter.next_grant(), Some(at(0)));
        assert_eq!(crowd.limiter.grant(at(20)).len(), 2);
        assert!(!crowd.limiter.is_limiting());
        assert_eq!(crowd.limiter.next_grant(), None);
    }

    #[test]
    fn what_is_granted_is_paid_once_even_if_it_is_taken_later_or_in_parts() {
        let mut limiter = Limiter::default();
        let (first, second) = (TransferId(1), TransferId(2));
        limiter.enter(first, DownloadId(1));
        limiter.enter(second, DownloadId(2));
        limiter.set_total(Some(Speed(1000)), at(0));
        assert!(limiter.ask(first, 1000, at(0)));
        limiter.took(first, 1000, at(0));
        assert!(!limiter.ask(first, 500, at(0)) && !limiter.ask(first, 500, at(0)) && !limiter.ask(second, 500, at(0)));
        assert_eq!(limiter.grant(at(1000)), [second], "it has had less");
        assert_eq!(limiter.next_grant(), Some(at(1500)));
        // The disk had no room: it comes back for what it has paid, in two parts.
        limiter.took(second, 200, at(1100));
        assert!(limiter.ask(second, 300, at(1200)));
        limiter.took(second, 300, at(1200));
        assert_eq!(limiter.next_grant(), Some(at(1500)));
        limiter.exit(first);
        assert_eq!(limiter.next_grant(), None);
    }

    #[test]
    fn a_pace_lies_between_the_share_and_the_limit() {
        let mut limiter = Limiter::default();
        limiter.enter(TransferId(1), DownloadId(1));
        limiter.enter(TransferId(2), DownloadId(1));
        limiter.enter(TransferId(3), DownloadId(2));
        let pace = |limiter: &Limiter, id, of_late| limiter.pace(TransferId(id), Speed(of_late)).map(|pace| pace.0);
        assert_eq!(pace(&limiter, 1, 7), None);
        limiter.set_download(DownloadId(1), Some(Speed(100)), at(0));
        assert_eq!((pace(&limiter, 1, 7), pace(&limiter, 3, 7)), (Some(50), None));
        limiter.set_total(Some(Speed(90)), at(0));
        assert_eq!((pace(&limiter, 1, 0), pace(&limiter, 3, 0)), (Some(30), Some(30)));
        assert_eq!(
            (pace(&limiter, 1, 40), pace(&limiter, 1, 60), pace(&limiter, 1, 200)),
            (Some(40), Some(60), Some(90))
        );
        limiter.exit(TransferId(2));
        assert_eq!(pace(&limiter, 1, 0), Some(45));
    }

    proptest! {
        /// Whoever they are and whatever pieces they take: the total is exact, none starves.
        #[test]
        fn the_total_is_exact_and_none_starves(
            pieces in proptest::collection::vec(1_usize..16_384, 1..20),
            rate in 20_000_u64..10_000_000,
        ) {
            let mut crowd = Crowd::new(&vec![7; pieces.len()], pieces);
            crowd.limiter.set_total(Some(Speed(rate)), at(0));
            crowd.run(Duration::from_secs(20));
            let (sum, largest) = (crowd.taken.iter().sum::<u64>(), *crowd.pieces.iter().max().unwrap() as f64);
            let wanted = rate as f64 * 20.0;
            prop_assert!((sum as f64 - wanted).abs() <= wanted * 0.02 + 2.0 * largest, "{sum} of {wanted}");
            for (taken, piece) in crowd.taken.iter().zip(&crowd.pieces) {
                prop_assert!(taken / *piece as u64 >= 1);
            }
        }
    }
}

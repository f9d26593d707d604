// SPDX-License-Identifier: GPL-3.0-or-later
//! The ramp on lines of a fixed rate and on a model of TCP.
use super::*;

/// Runs a ramp against a network where `n` transfers bring `total(n, seconds)` bytes a second;
/// answers the target over time, in milliseconds.
fn run(setup: Duration, most: usize, until: u64, total: impl Fn(usize, f64) -> f64) -> Vec<(u64, usize)> {
    let mut ramp = Ramp::default();
    let (mut now, mut received) = (Moment::default(), 0.0);
    let mut targets = vec![(0, 1)];
    let mut next = Some(now);
    while let Some(at) = next.filter(|at| at.0.as_millis() < u128::from(until)) {
        while now < at {
            let step = Duration::from_micros(500);
            now = now + step;
            received += total(ramp.target(), now.0.as_secs_f64()) * step.as_secs_f64();
        }
        let flowing = ramp.target();
        next =
            ramp.look(Sight { now, received: received as u64, flowing, setup, most, left: u64::MAX, is_lossy: false });
        if targets.last().unwrap().1 != ramp.target() {
            targets.push((now.0.as_millis() as u64, ramp.target()));
        }
    }
    targets
}

fn finally(targets: &[(u64, usize)]) -> usize {
    targets.last().unwrap().1
}

#[test]
fn a_limit_of_each_connection_is_answered_with_one_more_after_another_up_to_all_that_are_allowed() {
    let targets = run(Duration::from_millis(1), 16, 10_000, |n, _| n as f64 * 20e6);
    assert!(targets.iter().map(|(_, n)| *n).eq(1..=16), "{targets:?}");
    assert!(targets.last().unwrap().0 < 40, "{targets:?}");
}

#[test]
fn the_next_one_does_not_wait_long_for_the_answer_of_the_last_one() {
    let sight = |millis: u64, received, flowing| Sight {
        now: Moment(Duration::from_millis(millis)),
        received,
        flowing,
        setup: Duration::from_millis(80),
        most: 8,
        left: u64::MAX,
        is_lossy: true,
    };
    // One brings 10 MB/s and loses packets: of eight none has answered yet.
    let (mut ramp, mut added) = (Ramp::default(), Vec::new());
    let mut next = ramp.look(sight(0, 0, 1));
    while let Some(at) = next.filter(|at| at.0 < Duration::from_millis(400)) {
        let millis = at.0.as_millis() as u64;
        let before = ramp.target();
        next = ramp.look(sight(millis, millis * 10_000, 1));
        assert!(ramp.target() <= before + 1, "{} at once", ramp.target() - before);
        added.extend((ramp.target() > before).then_some(millis));
    }
    assert_eq!(ramp.target(), 8);
    assert!(added.windows(2).all(|pair| pair[1] - pair[0] == 10), "{added:?}");
}

#[test]
fn a_lost_packet_is_answered_before_the_window_is_over() {
    // Ten megabytes a second, and left are six: for the usual trial that is too little.
    let sight = |millis: u64, is_lossy| Sight {
        now: Moment(Duration::from_millis(millis)),
        received: millis * 10_000,
        flowing: 1,
        setup: Duration::from_millis(80),
        most: 16,
        left: 16_000_000 - millis * 10_000,
        is_lossy,
    };
    let answered = |lost_at: Option<u64>| {
        let mut ramp = Ramp::default();
        let mut next = ramp.look(sight(0, false));
        while let Some(at) = next.filter(|at| at.0 < Duration::from_millis(1_000)) {
            let millis = at.0.as_millis() as u64;
            next = ramp.look(sight(millis, lost_at.is_some_and(|lost_at| lost_at <= millis)));
            if ramp.target() > 1 {
                return Some((millis, ramp.goal));
            }
        }
        None
    };
    assert_eq!(answered(None), None);
    // A window is 160 ms. Before a quarter of it is over no rate is known.
    for (lost_at, within) in [(0, 40..=60), (50, 50..=70), (90, 90..=130), (130, 130..=170)] {
        let (millis, goal) = answered(Some(lost_at)).expect("more are wanted");
        assert!(within.contains(&millis) && goal == 8, "lost after {lost_at} ms, {goal} wanted after {millis}");
    }
}

#[test]
fn where_many_make_up_for_lost_packets_more_do_though_the_first_one_seemed_fast() {
    // In slow start the first one came to 6 MB/s; eight that lose packets bring 11.
    let looked_at = |is_lossy| {
        let phase = Phase::Gathering { since: Some(Moment::default()) };
        let mut ramp = Ramp { target: 8, goal: 8, before: Some((1, 6e6)), phase, ..Ramp::default() };
        let mut next = Some(Moment::default());
        while let Some(at) = next.filter(|at| at.0 < Duration::from_millis(1_000) && ramp.rests == 0) {
            let received = at.0.as_millis() as u64 * 11_000;
            let setup = Duration::from_millis(100);
            next = ramp.look(Sight { now: at, received, flowing: 8, setup, most: 16, left: u64::MAX, is_lossy });
        }
        ramp.goal
    };
    assert_eq!(looked_at(true), 16);
    assert_eq!(looked_at(false), 3, "the line seems to be full");
}

#[test]
fn no_more_are_added_while_the_total_sinks() {
    // Each brings a tenth as soon as there are more than sixteen.
    let total = |n: usize, _: f64| if n <= 16 { n as f64 * 1e6 } else { n as f64 * 1e5 };
    let targets = run(Duration::from_millis(100), 64, 3_000, total);
    let most = targets.iter().map(|(_, n)| *n).max().unwrap();
    assert!((17..40).contains(&most), "{targets:?}");
}

#[test]
fn a_full_line_needs_no_second_connection_for_long() {
    let targets = run(Duration::from_millis(100), 16, 120_000, |_, _| 25e6);
    let (tries, between): (Vec<_>, Vec<_>) = targets[1..].iter().partition(|(_, n)| *n > 1);
    assert!(tries.iter().all(|(_, n)| *n == 2) && between.iter().all(|(_, n)| *n == 1), "{targets:?}");
    // A second one is tried at once, then more and more seldom.
    assert!((4..=7).contains(&tries.len()), "{targets:?}");
    assert!(tries.windows(2).all(|pair| pair[1].0 - pair[0].0 >= 1_000), "{targets:?}");
}

#[test]
fn slow_start_is_not_taken_for_a_gain() {
    // One connection that doubles every 50 ms up to the line's rate; a second one adds nothing.
    let targets = run(Duration::from_millis(100), 8, 2_500, |_, at| (280e3 * 2_f64.powf(at / 0.05)).min(25e6));
    assert!(targets.get(1).is_none_or(|(at, _)| *at > 300), "{targets:?}");
    assert_eq!(finally(&targets), 1);
}

#[test]
fn a_trial_has_its_windows_besides_those_of_slow_start() {
    // The second connection takes a second to find its speed, brings little for a window and then much.
    let begun = std::cell::Cell::new(None);
    let targets = run(Duration::from_millis(100), 2, 5_000, |n, at| {
        if n == 1 {
            return 50e6;
        }
        let since = at - begun.get().unwrap_or(at);
        begun.set(Some(at - since));
        if since < 1.0 {
            55e6 * 1.4_f64.powf((since - 1.0) / 0.1)
        } else if since < 1.3 {
            55e6
        } else {
            95e6
        }
    });
    assert_eq!(targets.iter().map(|(_, n)| *n).collect::<Vec<_>>(), [1, 2], "{targets:?}");
}

#[test]
fn losses_are_answered_with_more_connections() {
    let targets = run(Duration::from_millis(100), 16, 4_000, |n, _| (n as f64 * 1.6e6).min(25e6));
    assert_eq!(finally(&targets), 16, "{targets:?}");
}

#[test]
fn it_is_tried_again_now_and_then_whether_more_help() {
    let narrow_at_first = |n: usize, at: f64| if at < 3.0 { 1e6 } else { n as f64 * 1e6 };
    let targets = run(Duration::from_millis(10), 4, 30_000, narrow_at_first);
    assert_eq!(finally(&targets), 4, "{targets:?}");
}

#[test]
fn what_was_never_answered_is_not_waited_for() {
    let mut ramp = Ramp::default();
    let (mut now, mut flowing) = (Moment::default(), 1);
    for _ in 0..2_000 {
        let received = now.0.as_millis() as u64 * 1_000;
        let sight = Sight {
            now,
            received,
            flowing,
            setup: Duration::from_millis(10),
            most: 8,
            left: u64::MAX,
            is_lossy: false,
        };
        ramp.look(sight);
        flowing = 1;
        now = now + Duration::from_millis(5);
    }
    assert_eq!(ramp.target(), 1);
}

#[test]
fn one_connection_is_all_where_no_more_are_allowed() {
    assert_eq!(run(Duration::from_millis(1), 1, 1_000, |_, _| 1e6), [(0, 1)]);
}

/// A line with TCP connections on it, each in slow start or congestion avoidance (Reno, RFC 5681), that
/// loses packets by chance and where its queue is full.
struct Line {
    round_trip: f64,
    /// Bytes a second.
    capacity: f64,
    loss: f64,
    state: u64,
    /// Since when each connection is there, its window in packets, and where slow start ends.
    connections: Vec<(f64, f64, f64)>,
    /// When the last loss was of each.
    lost_at: Vec<f64>,
    has_lost: bool,
    /// Packets wait a quarter of a round trip or longer.
    is_full: bool,
}

impl Line {
    const PACKET: f64 = 1448.0;

    fn new(round_trip: f64, capacity: f64, loss: f64, seed: u64) -> Self {
        Self {
            round_trip,
            capacity,
            loss,
            state: seed,
            connections: Vec::new(),
            lost_at: Vec::new(),
            has_lost: false,
            is_full: false,
        }
    }

    /// From 0 to 1, by a linear congruential generator.
    fn chance(&mut self) -> f64 {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn flowing(&self, now: f64) -> usize {
        self.connections.iter().filter(|(since, ..)| now - since >= 2.0 * self.round_trip).count()
    }

    /// Goes on by a millisecond with so many connections; answers the bytes that came.
    fn step(&mut self, now: f64, wanted: usize) -> f64 {
        while self.connections.len() < wanted {
            self.connections.push((now, 10.0, f64::INFINITY));
            self.lost_at.push(0.0);
        }
        self.connections.truncate(wanted);
        self.lost_at.truncate(wanted);
        let is_flowing = |(since, ..): &(f64, f64, f64)| now - since >= 2.0 * self.round_trip;
        let offered: f64 = self.connections.iter().filter(|it| is_flowing(it)).map(|(_, window, _)| window).sum();
        let offered = offered * Self::PACKET / self.round_trip;
        self.is_full = offered > 1.25 * self.capacity;
        let share = (self.capacity / offered.max(1.0)).min(1.0);
        let mut came = 0.0;
        for index in 0..self.connections.len() {
            let (since, window, threshold) = self.connections[index];
            if now - since < 2.0 * self.round_trip {
                continue;
            }
            let packets = window / self.round_trip * share * 0.001;
            came += packets * Self::PACKET;
            let is_queue_full = offered > 2.0 * self.capacity;
            let survives = (1.0 - self.loss).powf(packets) * if is_queue_full { 0.98 } else { 1.0 };
            let grown = if window < threshold { window + packets } else { window + packets / window };
            let is_lost = self.chance() > survives && now - self.lost_at[index] > self.round_trip;
            if is_lost {
                self.lost_at[index] = now;
                self.has_lost = true;
            }
            self.connections[index] =
                if is_lost { (since, (window * 0.7).max(2.0), window * 0.7) } else { (since, grown, threshold) };
        }
        came
    }
}

/// Fetches so many bytes over a line; answers how long it takes and the targets over time in milliseconds.
fn fetch(line: &mut Line, most: usize, bytes: f64) -> (f64, Vec<(u64, usize)>) {
    let mut ramp = Ramp::default();
    let (mut received, mut millis) = (0.0, 0_u64);
    let mut targets = vec![(0, 1)];
    let mut next = None;
    while received < bytes && millis < 120_000 {
        let now = millis as f64 / 1000.0;
        received += line.step(now, ramp.target());
        let at = Moment(Duration::from_millis(millis));
        let flowing = line.flowing(now);
        if flowing > 0 && next.is_none_or(|next| next <= at) {
            let setup = Duration::from_secs_f64(2.0 * line.round_trip);
            next = ramp.look(Sight {
                now: at,
                received: received as u64,
                flowing,
                setup,
                most,
                left: (bytes - received) as u64,
                is_lossy: line.has_lost && !line.is_full,
            });
            next = Some(next.unwrap_or(Moment(Duration::from_secs(1_000))));
        }
        if targets.last().unwrap().1 != ramp.target() {
            targets.push((millis, ramp.target()));
        }
        millis += 1;
    }
    (millis as f64 / 1000.0, targets)
}

/// The mean time over many lines like this one: with the ramp's transfers, with one, and with as many as are
/// allowed; and the mean of the ramp's last targets.
fn means(round_trip: f64, loss: f64, bytes: f64) -> (f64, f64, f64, f64) {
    const LINES: u32 = 39;
    let mut sums = (0.0, 0.0, 0.0, 0.0);
    for seed in 1..=LINES {
        let line = || Line::new(round_trip, 25e6, loss, u64::from(seed) * 7919);
        let fixed = |count| {
            let (mut line, mut received, mut millis) = (line(), 0.0, 0_u64);
            while received < bytes {
                received += line.step(millis as f64 / 1000.0, count);
                millis += 1;
            }
            millis as f64 / 1000.0
        };
        let (time, targets) = fetch(&mut line(), 16, bytes);
        sums.0 += time;
        sums.1 += fixed(1);
        sums.2 += fixed(16);
        sums.3 += finally(&targets) as f64;
    }
    let mean = |sum| sum / f64::from(LINES);
    (mean(sums.0), mean(sums.1), mean(sums.2), mean(sums.3))
}

#[test]
fn where_packets_are_lost_by_chance_many_are_soon_at_work() {
    let (time, one, all, count) = means(0.05, 0.001, 200e6);
    assert!(time < 1.3 * all && time < one / 8.0, "{time:.2} s, with one {one:.2}, with all {all:.2}");
    assert!(count > 12.0, "{count:.1} at the end");
    let (time, one, all, _) = means(0.05, 0.001, 33e6);
    assert!(time < 1.25 * all && time < one / 6.0, "{time:.2} s, with one {one:.2}, with all {all:.2}");
}

#[test]
fn what_is_tried_on_a_clean_line_costs_little() {
    for (round_trip, bytes) in [(0.05, 64e6), (0.05, 400e6), (0.01, 100e6)] {
        let (time, one, _, count) = means(round_trip, 0.0, bytes);
        assert!(time < 1.15 * one, "{time:.2} s, with one {one:.2}");
        assert!(count < 2.5, "{count:.1} at the end");
    }
}

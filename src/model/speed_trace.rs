// SPDX-License-Identifier: GPL-3.0-or-later
//! How fast downloads were over the last minutes: what is remembered of it, and how it is plotted.
//! A sample is taken only when the engine tells of progress, so nothing happens for one that stands.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::DownloadId;
use super::amounts::{duration, speed};
use crate::engine::types::Speed;
use crate::i18n::{gettext, gettext_f};

/// The longest time that is plotted, and the shorter ones for a download that runs only so long.
const LONGEST: Duration = Duration::from_secs(180);
const SPANS: [Duration; 3] = [Duration::from_secs(30), Duration::from_secs(60), LONGEST];
/// A plot of this many pixels shows no more.
const INTERVAL: Duration = Duration::from_secs(1);
/// Of so many downloads that have come to rest something is remembered.
const MOST_RESTING: usize = 64;
/// A limit so far above the peak would press the curve to the ground.
const LIMIT_IN_SIGHT: u64 = 3;

/// A plot of a speed over time, ready to be drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpeedPlot {
    /// From one rest of the download to the next: points of time (0 is the oldest, 1 now) and of speed
    /// (1 is the top).
    pub lines: Vec<Vec<(f32, f32)>>,
    /// The height of the limit, if there is one near enough.
    pub limit: Option<f32>,
    /// What is written beside the top and beside the middle.
    pub marks: [String; 2],
    /// What is written below the oldest and below the newest point.
    pub times: [String; 2],
    /// The same in words.
    pub sentence: String,
}

/// How fast one download was.
#[derive(Debug, Default)]
pub struct Trace {
    /// When, and how fast; no speed where it came to rest.
    samples: VecDeque<(Duration, Option<u64>)>,
    peak: u64,
    /// What came in how much time, of runs that are over.
    bytes: u64,
    time: Duration,
    run: Option<Run>,
}

/// From one rest to the next.
#[derive(Clone, Copy, Debug)]
struct Run {
    began: Duration,
    begin: u64,
    last: Duration,
    received: u64,
    speed: u64,
}

impl Trace {
    /// Bytes come in, or might: `received` in all by now, `speed` of the last seconds.
    pub fn runs(&mut self, now: Duration, received: u64, speed: Speed) {
        let run = self.run.get_or_insert(Run { began: now, begin: received, last: now, received, speed: 0 });
        (run.last, run.received, run.speed) = (now, received.max(run.begin), speed.0);
        // The first speeds are measured over too short a time.
        if now.saturating_sub(run.began) >= INTERVAL {
            self.peak = self.peak.max(speed.0);
        }
        if self.samples.back().is_none_or(|(at, known)| known.is_none() || now.saturating_sub(*at) >= INTERVAL) {
            self.push(now, Some(speed.0));
        }
    }

    /// It stands still from now on.
    pub fn rests(&mut self, now: Duration, received: u64) {
        let Some(run) = self.run.take() else { return };
        self.bytes += received.max(run.begin) - run.begin;
        self.time += now.saturating_sub(run.began);
        self.push(now, None);
    }

    fn push(&mut self, now: Duration, speed: Option<u64>) {
        // One that is older stays, so that the whole time is covered.
        while self.samples.get(1).is_some_and(|(at, _)| now.saturating_sub(*at) >= LONGEST) {
            self.samples.pop_front();
        }
        self.samples.push_back((now, speed));
    }

    /// Over all the time that it ran.
    pub fn average(&self) -> Option<Speed> {
        let (mut bytes, mut time) = (self.bytes, self.time);
        if let Some(run) = self.run {
            bytes += run.received - run.begin;
            time += run.last.saturating_sub(run.began);
        }
        (time >= INTERVAL).then(|| Speed((bytes as f64 / time.as_secs_f64()) as u64))
    }

    /// What is drawn of it; nothing before there are two points.
    pub fn plot(&self, now: Duration, limit: Option<Speed>) -> Option<SpeedPlot> {
        let (first, _) = *self.samples.front()?;
        let (newest, _) = *self.samples.back()?;
        // It is a picture of the last run, not one that fades away after it.
        let end = if self.run.is_some() { now.max(newest) } else { newest };
        let average = self.average()?;
        let age = end.saturating_sub(first);
        let span = *SPANS.iter().find(|span| **span >= age).unwrap_or(&LONGEST);
        let begin = end.checked_sub(span);
        let seen = |at: Duration| begin.is_none_or(|begin| at >= begin);
        let highest = self.samples.iter().filter(|(at, _)| seen(*at)).filter_map(|(_, speed)| *speed).max()?;
        let highest = highest.max(self.run.map_or(0, |run| run.speed));
        let limit_in_sight = limit.filter(|limit| limit.0 <= highest.saturating_mul(LIMIT_IN_SIGHT));
        let top = round_up(highest.max(limit_in_sight.map_or(0, |limit| limit.0)).max(1));
        let share = |speed: u64| (speed as f64 / top as f64) as f32;
        let point = |at: Duration, speed: u64| {
            (1.0 - (end.saturating_sub(at).as_secs_f64() / span.as_secs_f64()) as f32, share(speed))
        };
        let mut lines = vec![Vec::new()];
        for (at, speed) in &self.samples {
            let Some(line) = lines.last_mut() else { break };
            match speed {
                Some(speed) => line.push(point(*at, *speed)),
                None => {
                    if let Some((_, height)) = line.last().copied() {
                        line.push((point(*at, 0).0, height));
                    }
                    lines.push(Vec::new());
                }
            }
        }
        if let (Some(run), Some(line)) = (self.run, lines.last_mut()) {
            line.push(point(run.last, run.speed));
            line.push(point(end, run.speed));
        }
        Some(SpeedPlot {
            lines: lines.into_iter().filter(|line| line.iter().any(|(x, _)| *x >= 0.0)).collect(),
            limit: limit_in_sight.map(|limit| share(limit.0)),
            marks: [top, top / 2].map(|mark| self::speed(Speed(mark))),
            // Translators: the left end of a plot; {time} is a duration like “3 min”.
            times: [gettext_f("{time} ago", &[("time", &duration(span))]), self.newest()],
            sentence: self.sentence(average, limit),
        })
    }

    fn newest(&self) -> String {
        // Translators: the right end of a plot over time.
        if self.run.is_some() { gettext("now") } else { gettext("the end") }
    }

    fn sentence(&self, average: Speed, limit: Option<Speed>) -> String {
        let (average, peak) = (speed(average), speed(Speed(self.peak)));
        let values = [("average", average.as_str()), ("peak", peak.as_str())];
        let words = match self.run {
            Some(run) => {
                let now = speed(Speed(run.speed));
                let [average, peak] = values;
                // Translators: speeds of a download, like “4.2 MB/s now, 3.9 MB/s on average, 5.1 MB/s at most”.
                gettext_f("{now} now, {average} on average, {peak} at most", &[("now", now.as_str()), average, peak])
            }
            None => gettext_f("{average} on average, {peak} at most", &values),
        };
        match limit {
            // Translators: {speeds} is a text like “4.2 MB/s now, 3.9 MB/s on average”.
            Some(limit) => gettext_f("{speeds}; limited to {limit}", &[("speeds", &words), ("limit", &speed(limit))]),
            None => words,
        }
    }
}

/// 1, 2 or 5 with zeros: what a person would write at the top of an axis.
pub(super) fn round_up(speed: u64) -> u64 {
    let power = 10_u64.pow(speed.max(1).ilog10());
    [1, 2, 5, 10].iter().map(|n| power.saturating_mul(*n)).find(|mark| *mark >= speed).unwrap_or(u64::MAX)
}

/// The traces of all downloads that run, and of the last that did.
#[derive(Debug)]
pub struct Traces {
    begun: Instant,
    of: HashMap<DownloadId, Trace>,
    /// The one that rests for the longest time first.
    resting: VecDeque<DownloadId>,
}

impl Default for Traces {
    fn default() -> Self {
        Self { begun: Instant::now(), of: HashMap::new(), resting: VecDeque::new() }
    }
}

impl Traces {
    pub fn runs(&mut self, id: DownloadId, received: u64, speed: Speed) {
        let now = self.begun.elapsed();
        self.of.entry(id).or_default().runs(now, received, speed);
    }

    pub fn rests(&mut self, id: DownloadId, received: u64) {
        let now = self.begun.elapsed();
        let Some(trace) = self.of.get_mut(&id).filter(|trace| trace.run.is_some()) else { return };
        trace.rests(now, received);
        self.resting.retain(|other| *other != id);
        self.resting.push_back(id);
        while self.resting.len() > MOST_RESTING
            && let Some(oldest) = self.resting.pop_front()
        {
            // It may run again.
            if self.of.get(&oldest).is_some_and(|trace| trace.run.is_none()) {
                self.of.remove(&oldest);
            }
        }
    }

    pub fn forget(&mut self, id: DownloadId) {
        self.of.remove(&id);
        self.resting.retain(|other| *other != id);
    }

    pub fn plot(&self, id: DownloadId, limit: Option<Speed>) -> Option<SpeedPlot> {
        self.of.get(&id)?.plot(self.begun.elapsed(), limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1_000_000;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Runs from second 0 on with 2 MB/s.
    fn steady(seconds: u64) -> Trace {
        let mut trace = Trace::default();
        for tick in 0..=seconds * 4 {
            trace.runs(Duration::from_millis(tick * 250), tick * MB / 2, Speed(2 * MB));
        }
        trace
    }

    #[test]
    fn a_steady_download_is_a_level_line_up_to_now() {
        let trace = steady(10);
        let plot = trace.plot(at(10), None).unwrap();
        assert_eq!(plot.lines.len(), 1);
        assert_eq!(plot.lines[0].last(), Some(&(1.0, 1.0)));
        assert!((plot.lines[0][0].0 - 20.0 / 30.0).abs() < 1e-6, "a third of the time is past: {plot:?}");
        assert_eq!(plot.marks.map(|mark| mark.replace('\u{a0}', " ")), ["2.0 MB/s", "1.0 MB/s"]);
        let said = plot.sentence.replace('\u{a0}', " ");
        assert_eq!(said, "2.0 MB/s now, 2.0 MB/s on average, 2.0 MB/s at most");
    }

    #[test]
    fn a_day_keeps_no_more_samples_than_are_drawn() {
        let trace = steady(24 * 3600);
        assert!(trace.samples.len() <= 182, "{}", trace.samples.len());
        let plot = trace.plot(at(24 * 3600), None).unwrap();
        assert!(plot.lines[0][0].0 <= 0.0, "the whole time is covered");
    }

    #[test]
    fn a_rest_is_a_gap_and_does_not_count() {
        let mut trace = steady(10);
        trace.rests(at(10), 20 * MB);
        let ended = trace.plot(at(500), None).unwrap();
        assert_eq!(ended.lines[0].last(), Some(&(1.0, 1.0)), "the picture stays");
        assert_eq!(ended.sentence.replace('\u{a0}', " "), "2.0 MB/s on average, 2.0 MB/s at most");
        trace.runs(at(20), 20 * MB, Speed(0));
        trace.runs(at(22), 24 * MB, Speed(2 * MB));
        assert_eq!(trace.plot(at(22), None).unwrap().lines.len(), 2);
        assert_eq!(trace.average(), Some(Speed(2 * MB)));
    }

    #[test]
    fn a_limit_is_drawn_where_it_is_near_and_told_in_any_case() {
        let trace = steady(10);
        let limited = |limit| trace.plot(at(10), Some(Speed(limit))).unwrap();
        assert_eq!(limited(4 * MB).limit, Some(0.8));
        assert_eq!(limited(40 * MB).limit, None);
        assert!(limited(40 * MB).sentence.ends_with("; limited to 40.0\u{a0}MB/s"));
    }

    #[test]
    fn nothing_is_plotted_before_there_is_something_to_see() {
        let mut trace = Trace::default();
        trace.runs(at(0), 0, Speed(0));
        assert_eq!(trace.plot(at(0), None), None);
    }

    #[test]
    fn an_axis_ends_with_a_round_number() {
        assert_eq!([1, 2, 3, 9, 10, 999, u64::MAX].map(round_up), [1, 2, 5, 10, 10, 1000, u64::MAX]);
    }

    #[test]
    fn what_rests_for_long_is_forgotten_but_not_what_runs_again() {
        let mut traces = Traces::default();
        for id in 0..200 {
            traces.runs(DownloadId(id), 0, Speed(1));
            traces.rests(DownloadId(id), 1);
            if id == 100 {
                traces.runs(DownloadId(id), 1, Speed(1));
            }
        }
        assert_eq!(traces.of.len(), MOST_RESTING + 1);
        assert!(traces.of.contains_key(&DownloadId(100)));
        traces.forget(DownloadId(199));
        assert!(!traces.of.contains_key(&DownloadId(199)));
    }
}

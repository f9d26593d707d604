// SPDX-License-Identifier: GPL-3.0-or-later
//! Progress bars on a terminal: one for each running download, and one line for all together when
//! there is more than one. What has ended moves up as a line of text.

use std::collections::HashMap;
use std::io;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::lines::{self, Detail};
use super::news::{News, Reporter};
use super::{units, words};
use crate::engine::{DownloadId, Progress, Speed};

/// More would not fit on a screen. The others run without one until there is room.
const MOST_BARS: usize = 20;

/// How much of a name is shown.
const NAME_WIDTH: usize = 24;

/// Redraws a second. The engine tells of each download four times a second at most.
const REDRAWS: u8 = 8;

const WITH_TOTAL: &str = "{prefix:24!} [{wide_bar:.cyan}] {msg}";
const WITHOUT_TOTAL: &str = "{prefix:24!} {msg}";
const ALL: &str = "{wide_msg:.bold}";

#[derive(Debug)]
pub struct Bars {
    screen: MultiProgress,
    rows: HashMap<DownloadId, Row>,
    /// The line for all; `None` for a single download.
    all: Option<ProgressBar>,
    expected: usize,
    ended: usize,
    speed: u64,
}

#[derive(Debug)]
struct Row {
    bar: ProgressBar,
    /// Its share of `Bars::speed`.
    speed: u64,
    has_total: bool,
}

impl Bars {
    pub fn new(expected: usize) -> Self {
        Self::on(ProgressDrawTarget::stderr_with_hz(REDRAWS), expected)
    }

    fn on(target: ProgressDrawTarget, expected: usize) -> Self {
        let screen = MultiProgress::with_draw_target(target);
        let all = (expected > 1).then(|| screen.add(ProgressBar::no_length().with_style(style(ALL))));
        Self { screen, rows: HashMap::new(), all, expected, ended: 0, speed: 0 }
    }

    /// Its row, a new one if there is room.
    fn row(&mut self, id: DownloadId, name: &str) -> Option<&mut Row> {
        if self.rows.len() >= MOST_BARS && !self.rows.contains_key(&id) {
            return None;
        }
        let row = self.rows.entry(id).or_insert_with(|| {
            let bar = ProgressBar::no_length().with_style(style(WITHOUT_TOTAL));
            // The line for all stays the last one.
            let bar = match &self.all {
                Some(all) => self.screen.insert_before(all, bar),
                None => self.screen.add(bar),
            };
            Row { bar, speed: 0, has_total: false }
        });
        // The name can change with the server's answer.
        row.bar.set_prefix(shortened(&words::printable(name)));
        Some(row)
    }

    fn show(&mut self, id: DownloadId, name: &str, progress: &Progress, message: String) {
        let Some(row) = self.row(id, name) else { return };
        if let Some(total) = progress.total {
            if !row.has_total {
                row.bar.set_style(style(WITH_TOTAL));
                row.has_total = true;
            }
            row.bar.set_length(total);
        }
        row.bar.set_position(progress.received);
        row.bar.set_message(message);
        let before = std::mem::replace(&mut row.speed, progress.speed.0);
        self.speed = self.speed.saturating_sub(before).saturating_add(progress.speed.0);
        self.show_all();
    }

    fn show_all(&self) {
        if let Some(all) = &self.all {
            all.set_message(format!("{} of {} done - {}", self.ended, self.expected, units::speed(Speed(self.speed))));
        }
    }

    fn end(&mut self, id: DownloadId) {
        self.ended += 1;
        if let Some(row) = self.rows.remove(&id) {
            self.speed = self.speed.saturating_sub(row.speed);
            row.bar.finish_and_clear();
            self.screen.remove(&row.bar);
        }
        self.show_all();
        if self.ended >= self.expected
            && let Some(all) = &self.all
        {
            all.finish_and_clear();
        }
    }
}

impl Reporter for Bars {
    fn tell(&mut self, news: &News<'_>) -> io::Result<()> {
        match news {
            News::Added(_) => {}
            News::Connecting(s) => self.show(s.id, &s.name, &s.progress, "connecting".to_owned()),
            News::Started(s) => self.show(s.id, &s.name, &s.progress, measures(&s.progress)),
            News::Progressed { id, active, progress } => self.show(*id, &active.name, progress, measures(progress)),
            News::Verifying(s) => self.show(s.id, &s.name, &s.progress, "verifying".to_owned()),
            News::Retrying { snapshot, .. } => {
                let wait = snapshot.retry_in.map(units::time).unwrap_or_default();
                let progress = Progress { speed: Speed(0), ..snapshot.progress };
                self.show(snapshot.id, &snapshot.name, &progress, format!("trying again in {wait}"));
                self.say(news);
            }
            News::Completed(s) | News::Skipped(s) | News::Failed { snapshot: s, .. } => {
                self.end(s.id);
                self.say(news);
            }
        }
        Ok(())
    }
}

impl Bars {
    /// A line above the bars.
    fn say(&self, news: &News<'_>) {
        if let Some(line) = lines::line(news, Detail::Normal) {
            // A terminal that is gone is no reason to stop.
            let _ = self.screen.println(line);
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        // An interrupted command leaves no half-drawn bars behind.
        let _ = self.screen.clear();
    }
}

/// `412.0 MB of 754.0 MB - 31.0 MB/s - 11 s`
fn measures(progress: &Progress) -> String {
    let mut text = lines::amount(progress.received, progress.total);
    if progress.speed.0 > 0 {
        text = format!("{text} - {}", units::speed(progress.speed));
    }
    match progress.time_left {
        Some(left) => format!("{text} - {}", units::time(left)),
        None => text,
    }
}

/// Cut in the middle: both ends of a name tell it from its neighbours.
fn shortened(name: &str) -> String {
    let length = name.chars().count();
    if length <= NAME_WIDTH {
        return name.to_owned();
    }
    let tail = NAME_WIDTH / 2;
    let head = NAME_WIDTH - tail - 1;
    name.chars().take(head).chain(['…']).chain(name.chars().skip(length - tail)).collect()
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("##-")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cli::news::tests::{failed, snapshot, waiting};
    use crate::engine::{Failure, FailureKind, Snapshot, State};

    fn bars(expected: usize) -> Bars {
        Bars::on(ProgressDrawTarget::hidden(), expected)
    }

    #[test]
    fn the_templates_are_sound() {
        for template in [WITH_TOTAL, WITHOUT_TOTAL, ALL] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn a_bar_shows_bytes_speed_and_time_left() {
        let mut bars = bars(1);
        let mut running = snapshot(1, State::Downloading);
        running.progress = Progress {
            received: 412_000_000,
            total: Some(754_000_000),
            speed: Speed(31_000_000),
            time_left: Some(Duration::from_secs(11)),
        };
        bars.tell(&News::Started(&running)).unwrap();
        let bar = &bars.rows[&DownloadId(1)].bar;
        assert_eq!((bar.position(), bar.length()), (412_000_000, Some(754_000_000)));
        assert_eq!(bar.message(), "412.0 MB of 754.0 MB - 31.0 MB/s - 11 s");
        assert_eq!(bar.prefix(), "file.iso");
        assert!(bars.all.is_none());
    }

    #[test]
    fn a_long_name_keeps_both_ends() {
        assert_eq!(shortened("exactly-24-characters.is"), "exactly-24-characters.is");
        assert_eq!(shortened("ünter-einem-sehr-langen-Namen-7.iso"), "ünter-einem…-Namen-7.iso");
    }

    #[test]
    fn the_line_for_all_adds_up_what_runs() {
        let mut bars = bars(3);
        let at_speed = |id, speed| {
            let mut running = snapshot(id, State::Downloading);
            running.progress.speed = Speed(speed);
            running
        };
        bars.tell(&News::Started(&at_speed(1, 1_000_000))).unwrap();
        bars.tell(&News::Started(&at_speed(2, 2_000_000))).unwrap();
        bars.tell(&News::Started(&at_speed(1, 3_000_000))).unwrap();
        assert_eq!(bars.all.as_ref().unwrap().message(), "0 of 3 done - 5.0 MB/s");
        bars.tell(&News::Completed(&at_speed(2, 2_000_000))).unwrap();
        assert_eq!(bars.all.as_ref().unwrap().message(), "1 of 3 done - 3.0 MB/s");

        let failure = Failure::new(FailureKind::Silence, "");
        let wait = Snapshot { retry_in: Some(Duration::from_secs(4)), ..snapshot(1, waiting()) };
        bars.tell(&News::Retrying { snapshot: &wait, failure: &failure, attempt: Some(1) }).unwrap();
        assert_eq!(bars.rows[&DownloadId(1)].bar.message(), "trying again in 4 s");
        let lost = snapshot(1, failed(FailureKind::Silence));
        bars.tell(&News::Failed { snapshot: &lost, failure: &failure, continues: true }).unwrap();
        assert_eq!(bars.all.as_ref().unwrap().message(), "2 of 3 done - 0 B/s");
        assert!(bars.rows.is_empty());
    }

    #[test]
    fn a_thousand_downloads_do_not_fill_the_screen() {
        let mut bars = bars(1_000);
        for id in 0..1_000 {
            bars.tell(&News::Connecting(&snapshot(id, State::Connecting))).unwrap();
        }
        assert_eq!(bars.rows.len(), MOST_BARS);
        bars.tell(&News::Completed(&snapshot(0, State::Completed))).unwrap();
        bars.tell(&News::Started(&snapshot(999, State::Downloading))).unwrap();
        assert!(bars.rows.contains_key(&DownloadId(999)), "room that is free again is used");
    }
}

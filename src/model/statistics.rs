// SPDX-License-Identifier: GPL-3.0-or-later
//! How much came on each of the last days and from which servers: bars, and the same in words.

use std::collections::HashMap;
use std::time::SystemTime;

use super::amounts::{day, size};
use super::history::{uncleared, unread};
use super::session::Session;
use super::speed_trace::round_up;
use crate::engine::store::{Day, Traffic};
use crate::i18n::{gettext, gettext_f};

const DAYS: u32 = 30;
/// Those that little came from are one bar together.
const MOST_HOSTS: usize = 10;

/// What there is to show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    pub plot: DayPlot,
    /// Two sentences about the days.
    pub of_days: String,
    /// The one that most came from is the first.
    pub hosts: Vec<Bar>,
    /// Nothing ever came that was counted.
    pub is_empty: bool,
}

/// The days as bars, the earliest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DayPlot {
    pub bars: Vec<Bar>,
    /// What the upper end of the axis stands for, and its middle.
    pub marks: [String; 2],
    /// The first and the last day.
    pub ends: [String; 2],
    /// All of it in words.
    pub sentence: String,
}

/// A day or a server, and how much came.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    pub name: String,
    pub amount: String,
    /// Of the end of the axis, or of the largest one; 0 to 1.
    pub share: f64,
    /// `example.org: 4.2 MB`
    pub words: String,
}

impl Bar {
    fn new(name: String, bytes: u64, most: u64) -> Self {
        let amount = size(bytes);
        // Translators: a day or a server, and how much came on or from it.
        let words = gettext_f("{name}: {size}", &[("name", &name), ("size", &amount)]);
        Self { share: bytes as f64 / most.max(1) as f64, words, name, amount }
    }
}

impl Session {
    /// The error is a sentence for the user.
    pub async fn statistics(&self) -> Result<Statistics, String> {
        let Some(today) = Day::of(SystemTime::now()) else { return Ok(Statistics::default()) };
        let since = today.before(DAYS - 1).unwrap_or(today);
        let traffic = self.engine().traffic(since).await.map_err(|failure| unread(&failure))?;
        Ok(statistics(&traffic, today))
    }

    /// The error is a sentence for the user.
    pub async fn clear_statistics(&self) -> Result<(), String> {
        self.engine().clear_traffic().await.map_err(|failure| uncleared(&failure))
    }
}

fn statistics(traffic: &Traffic, today: Day) -> Statistics {
    let came: HashMap<_, _> = traffic.days.iter().copied().collect();
    let days: Vec<_> = (0..DAYS).rev().filter_map(|back| today.before(back)).collect();
    let days: Vec<_> = days.iter().map(|day| (*day, came.get(day).copied().unwrap_or_default())).collect();
    let (month, now) = (days.iter().map(|(_, bytes)| bytes).sum(), days.last().map_or(0, |(_, bytes)| *bytes));
    // Translators: {month}, {today} and {total} are amounts like “4.2 MB”.
    let of_days = gettext_f(
        "{month} in the last 30 days, {today} of them today. {total} since counting began.",
        &[("month", &size(month)), ("today", &size(now)), ("total", &size(traffic.total))],
    );
    Statistics { plot: plot(&days), of_days, hosts: hosts(&traffic.hosts), is_empty: traffic.total == 0 }
}

fn plot(days: &[(Day, u64)]) -> DayPlot {
    let top = round_up(days.iter().map(|(_, bytes)| *bytes).max().unwrap_or_default());
    let name = |of: Day| of.noon().map(|noon| day(&noon)).unwrap_or_default();
    let bars: Vec<_> = days.iter().map(|(of, bytes)| Bar::new(name(*of), *bytes, top)).collect();
    let told = days.iter().zip(&bars).rev().filter(|((_, bytes), _)| *bytes > 0).map(|(_, bar)| bar.words.as_str());
    let ends = [days.first(), days.last()].map(|end| end.map(|(of, _)| name(*of)).unwrap_or_default());
    let told = told.collect::<Vec<_>>().join("; ");
    let sentence = if told.is_empty() { gettext("Nothing came in the last 30 days") } else { told };
    DayPlot { bars, marks: [size(top), size(top / 2)], ends, sentence }
}

fn hosts(all: &[(String, u64)]) -> Vec<Bar> {
    let is_named = |(name, _): &&(String, u64)| !name.is_empty();
    let mut shown: Vec<_> = all.iter().filter(is_named).take(MOST_HOSTS).cloned().collect();
    let rest = all.iter().map(|(_, bytes)| bytes).sum::<u64>() - shown.iter().map(|(_, bytes)| bytes).sum::<u64>();
    if rest > 0 {
        // Translators: what came from all servers but those above.
        shown.push((gettext("Other servers"), rest));
    }
    let most = shown.iter().map(|(_, bytes)| *bytes).max().unwrap_or_default();
    shown.into_iter().map(|(name, bytes)| Bar::new(name, bytes, most)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        text.replace('\u{a0}', " ")
    }

    #[test]
    fn each_of_thirty_days_has_its_bar_and_its_words() {
        let traffic = Traffic {
            days: vec![(Day(20261028), 1_000_000), (Day(20261125), 5_000_000), (Day(20261126), 2_500_000)],
            hosts: vec![("a".into(), 8_500_000)],
            total: 20_000_000,
        };
        let shown = statistics(&traffic, Day(20261126));
        let plot = &shown.plot;
        assert_eq!((plot.bars.len(), plot.bars[0].share, plot.bars[28].share), (30, 0.2, 1.0));
        assert_eq!(plain(&plot.bars[1].words), "29 October 2026: 0 bytes");
        assert_eq!(plot.ends, ["28 October 2026", "26 November 2026"]);
        assert_eq!(plot.marks.each_ref().map(|mark| plain(mark)), ["5.0 MB", "2.5 MB"]);
        assert_eq!(
            plain(&plot.sentence),
            "26 November 2026: 2.5 MB; 25 November 2026: 5.0 MB; 28 October 2026: 1.0 MB"
        );
        assert_eq!(
            plain(&shown.of_days),
            "8.5 MB in the last 30 days, 2.5 MB of them today. 20.0 MB since counting began."
        );
        assert!(!shown.is_empty);
    }

    #[test]
    fn beyond_ten_servers_the_rest_is_one_bar() {
        let names = (1..=15_u64).rev().map(|n| (format!("host-{n}"), n * 1000));
        let bars = hosts(&names.chain([(String::new(), 500)]).collect::<Vec<_>>());
        assert_eq!(bars.len(), 11);
        assert_eq!((bars[0].name.as_str(), plain(&bars[0].words)), ("host-15", "host-15: 15.0 kB".to_owned()));
        assert_eq!((bars[10].name.as_str(), plain(&bars[10].amount)), ("Other servers", "15.5 kB".to_owned()));
        assert_eq!((bars[10].share, bars[0].share > 0.9), (1.0, true));
        assert_eq!(hosts(&[]), []);
    }

    #[test]
    fn nothing_is_told_as_nothing() {
        let shown = statistics(&Traffic::default(), Day(20261126));
        assert!(shown.is_empty && shown.hosts.is_empty());
        assert_eq!(shown.plot.sentence, "Nothing came in the last 30 days");
        assert!(shown.plot.bars.iter().all(|bar| bar.share == 0.0));
    }
}

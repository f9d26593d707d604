// SPDX-License-Identifier: GPL-3.0-or-later
//! Hours of the week in words and as they are edited: when downloads run, and when they have other limits. A
//! preference keeps them as a text, which the engine writes and reads.

use super::amounts::speed;
use super::describe::schedule_error;
use crate::engine::rate::{Schedule, ScheduleError};
use crate::i18n::{gettext, gettext_f, pgettext_f};
use crate::settings::KILOBYTE;

pub use super::clock::{read_time, time};
pub use crate::engine::rate::{DAY, Day, Days, Window as Span};
pub use crate::engine::types::Speed;

/// So many days in a row are told as their first and their last.
const RUN: usize = 3;

/// What the hours are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Downloads run in them only.
    Hours,
    /// All downloads together have other limits in them.
    Limits,
}

impl Form {
    /// What a preference says. The error is a sentence for the user.
    pub fn read(self, text: &str) -> Result<Vec<Span>, String> {
        let schedule = match self {
            Self::Hours => Schedule::hours(text),
            Self::Limits => text.parse(),
        };
        schedule.map(|schedule| schedule.windows).map_err(schedule_error)
    }

    /// What [`Form::read`] reads as the same.
    pub fn write(self, spans: Vec<Span>) -> String {
        let schedule = Schedule { windows: spans };
        match self {
            Self::Hours => schedule.to_hours(),
            Self::Limits => schedule.to_string(),
        }
    }

    /// What hours begin with that are added: what most people want of them.
    pub fn proposal(self) -> Span {
        match self {
            Self::Hours => Span { days: Days::EVERY, from: 22 * 60, to: 6 * 60, rate: None },
            Self::Limits => {
                let days = Day::ALL.into_iter().filter(|day| !matches!(day, Day::Saturday | Day::Sunday)).collect();
                Span { days, from: 8 * 60, to: 18 * 60, rate: Some(Speed(500_000)) }
            }
        }
    }

    /// What all of it means, in a sentence.
    pub fn meaning(self, spans: &[Span], first: Day) -> String {
        let each = spans.iter().map(|span| self.sentence(span, first));
        let all = each.reduce(|these, more| {
            // Translators: two parts of a list whose parts have commas inside.
            gettext_f("{these}; {more}", &[("these", &these), ("more", &more)])
        });
        match (self, all) {
            (Self::Hours, None) => gettext("Downloads run at any time"),
            (Self::Limits, None) => gettext("The usual limit counts at all hours"),
            (Self::Hours, Some(all)) => {
                // Translators: {hours} is like “Monday–Friday, 22:00 to 06:00; Saturday, Sunday, all day”.
                gettext_f("Downloads run at these hours and wait at all others: {hours}", &[("hours", &all)])
            }
            (Self::Limits, Some(all)) => {
                // Translators: {limits} is like “Monday–Friday, 08:00 to 18:00, at most 500 kB/s; every day, 23:00 to
                // 06:00, no limit”.
                gettext_f("These limits count instead of the usual one: {limits}", &[("limits", &all)])
            }
        }
    }

    /// All of a span in a line.
    pub fn sentence(self, span: &Span, first: Day) -> String {
        listed([days(span.days, first), self.summary(span)])
    }

    /// All of a span but its days: `08:00 to 18:00, at most 500 kB/s`.
    pub fn summary(self, span: &Span) -> String {
        let limit = match (self, span.rate) {
            (Self::Hours, _) => return hours(span),
            (Self::Limits, None) => gettext("no limit"),
            // Translators: a limit of speed; {speed} is like “500 kB/s”.
            (Self::Limits, Some(rate)) => gettext_f("at most {speed}", &[("speed", &speed(rate))]),
        };
        listed([hours(span), limit])
    }
}

/// The days of a week that begins with this one.
pub fn week(first: Day) -> impl Iterator<Item = Day> {
    Day::ALL.into_iter().cycle().skip(first as usize).take(Day::ALL.len())
}

/// `Monday`
pub fn day_name(day: Day) -> String {
    formatted(day, "%A")
}

/// `Mon`
pub fn short_day_name(day: Day) -> String {
    formatted(day, "%a")
}

fn formatted(day: Day, format: &str) -> String {
    // 1 January 2001 was a Monday.
    let date = glib::DateTime::from_utc(2001, 1, day as i32 + 1, 0, 0, 0.0);
    date.and_then(|date| date.format(format)).map(Into::into).unwrap_or_default()
}

/// `every day`, `Monday–Friday`, `Monday, Wednesday`
pub fn days(days: Days, first: Day) -> String {
    if days == Days::EVERY {
        return gettext("every day");
    }
    let before = |day: Day| week(day).last();
    let mut begins = week(first).filter(|day| days.has(*day) && !before(*day).is_some_and(|day| days.has(day)));
    // A weekend may go over the end of a week.
    let start = begins.next().filter(|_| begins.next().is_none()).unwrap_or(first);
    let mut runs: Vec<Vec<Day>> = Vec::new();
    let mut goes_on = false;
    for day in week(start) {
        let is_in = days.has(day);
        match runs.last_mut() {
            Some(run) if is_in && goes_on => run.push(day),
            _ if is_in => runs.push(vec![day]),
            _ => {}
        }
        goes_on = is_in;
    }
    listed(runs.iter().flat_map(|run| match run.as_slice() {
        [first, .., last] if run.len() >= RUN => vec![format!("{}–{}", day_name(*first), day_name(*last))],
        few => few.iter().map(|day| day_name(*day)).collect(),
    }))
}

/// `22:00 to 06:00`, `all day`
pub fn hours(span: &Span) -> String {
    if (span.from, span.to) == (0, DAY) {
        return gettext("all day");
    }
    // Translators: {from} and {to} are times of day, like “22:00”.
    pgettext_f("hours", "{from} to {to}", &[("from", &time(span.from)), ("to", &time(span.to))])
}

/// Whether it ends on the day after the one on which it begins.
pub fn ends_next_day(span: &Span) -> bool {
    span.to < span.from
}

/// What is wrong with the hours of a span, if anything is.
pub fn hours_problem(span: &Span) -> Option<String> {
    let is_empty = span.from == span.to;
    is_empty.then(|| schedule_error(ScheduleError::Empty(format!("{}–{}", time(span.from), time(span.to)))))
}

/// What is wrong with the days of a span, if anything is.
pub fn days_problem(span: &Span) -> Option<String> {
    span.days.is_empty().then(|| gettext("Choose at least one day"))
}

/// A limit as a number that is edited, 0 for none.
pub fn kilobytes(rate: Option<Speed>) -> f64 {
    rate.map_or(0.0, |rate| rate.0 as f64 / KILOBYTE)
}

/// The limit that this number says.
pub fn rate(kilobytes: f64) -> Option<Speed> {
    // The cast takes off what is below zero.
    Some((kilobytes * KILOBYTE).round() as u64).filter(|bytes| *bytes > 0).map(Speed)
}

/// As a line begins.
pub fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// `Saturday, Sunday`
fn listed(parts: impl IntoIterator<Item = String>) -> String {
    let list = parts.into_iter().reduce(|these, more| {
        // Translators: two parts of a list, like “Saturday, Sunday” or “Monday, 08:00 to 18:00”.
        gettext_f("{these}, {more}", &[("these", &these), ("more", &more)])
    });
    list.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(text: &str) -> Span {
        Form::Limits.read(text).unwrap()[0]
    }

    #[test]
    fn what_is_read_is_written_as_the_same() {
        for (form, text) in [
            (Form::Hours, "Mon-Fri 22:00-06:00; Sat,Sun 00:00-24:00"),
            (Form::Limits, "Mon-Fri 08:00-18:00 500K; daily 23:00-06:00 unlimited; Sun 00:01-23:59 1"),
            (Form::Hours, ""),
        ] {
            assert_eq!(form.write(form.read(text).unwrap()), text);
        }
        assert!(Form::Hours.read("at night").unwrap_err().contains("“night”"));
        assert!(Form::Limits.read("Mon 08:00-18:00 fast").unwrap_err().contains("“fast”"));
    }

    #[test]
    fn what_is_proposed_can_be_written() {
        assert_eq!(Form::Hours.write(vec![Form::Hours.proposal()]), "daily 22:00-06:00");
        assert_eq!(Form::Limits.write(vec![Form::Limits.proposal()]), "Mon-Fri 08:00-18:00 500000");
    }

    #[test]
    fn all_of_it_is_said_in_one_sentence() {
        let says = |form: Form, text: &str| form.meaning(&form.read(text).unwrap(), Day::Monday);
        assert_eq!(says(Form::Hours, ""), "Downloads run at any time");
        assert_eq!(says(Form::Limits, ""), "The usual limit counts at all hours");
        assert_eq!(
            says(Form::Hours, "Mon-Fri 22:00-6:00; Sat,Sun 00:00-24:00"),
            "Downloads run at these hours and wait at all others: \
             Monday–Friday, 22:00 to 06:00; Saturday, Sunday, all day",
        );
        assert_eq!(
            says(Form::Limits, "Mon 8:00-18:00 500000; daily 23:00-6:00 unlimited"),
            "These limits count instead of the usual one: \
             Monday, 08:00 to 18:00, at most 500.0\u{a0}kB/s; every day, 23:00 to 06:00, no limit",
        );
    }

    #[test]
    fn days_are_told_in_the_order_of_the_users_week() {
        let told = |text: &str, first| days(span(&format!("{text} 1:00-2:00 1")).days, first);
        assert_eq!(told("Mon-Sun", Day::Sunday), "every day");
        assert_eq!(told("Sun-Thu", Day::Sunday), "Sunday–Thursday");
        assert_eq!(told("Sun-Thu", Day::Monday), "Sunday–Thursday");
        assert_eq!(told("Sat,Sun", Day::Sunday), "Saturday, Sunday");
        assert_eq!(told("Sun-Tue,Fri", Day::Monday), "Monday, Tuesday, Friday, Sunday");
        assert_eq!(told("Sat,Sun", Day::Saturday), "Saturday, Sunday");
        assert_eq!(told("Tue,Mon,Fri", Day::Monday), "Monday, Tuesday, Friday");
        let names: Vec<_> = week(Day::Saturday).map(short_day_name).collect();
        assert_eq!(names, ["Sat", "Sun", "Mon", "Tue", "Wed", "Thu", "Fri"]);
    }

    #[test]
    fn what_can_not_be_written_is_told() {
        let good = span("Mon 8:00-18:00 1");
        assert_eq!((hours_problem(&good), days_problem(&good)), (None, None));
        let timeless = Span { to: good.from, ..good };
        assert!(hours_problem(&timeless).unwrap().contains("“08:00–08:00” ends when it begins"));
        let dayless = Span { days: Days::default(), ..good };
        assert!(days_problem(&dayless).is_some());
        assert!(ends_next_day(&span("Mon 22:00-6:00 1")) && !ends_next_day(&span("Mon 22:00-24:00 1")));
    }

    #[test]
    fn a_limit_is_edited_in_kilobytes() {
        for bytes in [1, 999, 1000, 1024, 512_000, 10_000_000_000] {
            assert_eq!(rate(kilobytes(Some(Speed(bytes)))), Some(Speed(bytes)));
        }
        assert_eq!((kilobytes(None), rate(0.0), rate(-1.0)), (0.0, None, None));
    }

    #[test]
    fn a_line_begins_with_a_capital_letter() {
        assert_eq!(["every day", "Äpfel", "", "週末"].map(capitalized), ["Every day", "Äpfel", "", "週末"]);
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! What is done when all downloads have ended, its words, and the time in which it can be cancelled. Pure.

use std::time::{Duration, Instant, SystemTime};

use super::amounts::{self, time_of_day};
use super::batch::Ended;
use crate::i18n::{gettext, gettext_f, ngettext_f};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Afterwards {
    Nothing,
    Notify,
    Suspend,
    PowerOff,
    Command,
}

impl Afterwards {
    /// In the order in which they are offered.
    pub const ALL: [Self; 5] = [Self::Nothing, Self::Notify, Self::Suspend, Self::PowerOff, Self::Command];

    /// Its name in the settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Notify => "notify",
            Self::Suspend => "suspend",
            Self::PowerOff => "power-off",
            Self::Command => "command",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// As one of several that can be chosen.
    pub fn label(self) -> String {
        match self {
            // Translators: what is done when all downloads have ended; so are the four that follow.
            Self::Nothing => gettext("Do Nothing"),
            Self::Notify => gettext("Show a Notification"),
            Self::Suspend => gettext("Suspend"),
            Self::PowerOff => gettext("Shut Down"),
            Self::Command => gettext("Run Command"),
        }
    }

    /// Whether there is time to cancel it first.
    pub fn is_counted_down(self) -> bool {
        matches!(self, Self::Suspend | Self::PowerOff | Self::Command)
    }

    /// What is about to happen, as a heading.
    pub fn heading(self) -> String {
        match self {
            Self::Nothing | Self::Notify => gettext("All Downloads Have Ended"),
            Self::Suspend => gettext("The Computer Will Be Suspended"),
            Self::PowerOff => gettext("The Computer Will Be Shut Down"),
            Self::Command => gettext("A Command Will Be Run"),
        }
    }

    /// The button that does not wait for the time.
    pub fn now_label(self) -> String {
        match self {
            Self::Nothing | Self::Notify => String::new(),
            // Translators: a button, and so are the two that follow.
            Self::Suspend => gettext("_Suspend Now"),
            Self::PowerOff => gettext("_Shut Down Now"),
            Self::Command => gettext("_Run Now"),
        }
    }
}

/// How all of them ended, in one sentence or two.
pub fn outcome(ended: Ended) -> String {
    let complete = || {
        ngettext_f(
            "{n} download is complete.",
            "{n} downloads are complete.",
            ended.completed,
            &[("n", &amounts::count(ended.completed))],
        )
    };
    let failed = || {
        ngettext_f(
            "{n} download has failed.",
            "{n} downloads have failed.",
            ended.failed,
            &[("n", &amounts::count(ended.failed))],
        )
    };
    match (ended.completed, ended.failed) {
        (_, 0) => complete(),
        (0, _) => failed(),
        // Translators: two whole sentences.
        _ => gettext_f("{complete} {failed}", &[("complete", &complete()), ("failed", &failed())]),
    }
}

/// The time in which something can be cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Countdown {
    pub what: Afterwards,
    end: Instant,
}

impl Countdown {
    pub fn new(what: Afterwards, delay: Duration, now: Instant) -> Self {
        Self { what, end: now + delay }
    }

    /// The seconds that are left, as people count them: the last one is 1. `None`: it is time.
    pub fn left(&self, now: Instant) -> Option<u32> {
        let left = self.end.checked_duration_since(now).filter(|left| !left.is_zero())?;
        Some(u32::try_from(left.as_secs_f64().ceil() as u64).unwrap_or(u32::MAX))
    }

    /// For a text that changes each second.
    pub fn words(&self, ended: Ended, now: Instant) -> String {
        let left = self.left(now).unwrap_or_default();
        let goes = ngettext_f(
            "This happens in {n} second.",
            "This happens in {n} seconds.",
            left,
            &[("n", &left.to_string())],
        );
        // Translators: whole sentences, like “3 downloads are complete. This happens in 12 seconds.”
        gettext_f("{outcome} {when}", &[("outcome", &outcome(ended)), ("when", &goes)])
    }

    /// For a text that does not.
    pub fn lasting_words(&self, ended: Ended, now: Instant, today: SystemTime) -> String {
        let at = today + self.end.saturating_duration_since(now);
        // Translators: {time} is a time of day.
        let goes = gettext_f("This happens at {time}.", &[("time", &time_of_day(at, today))]);
        gettext_f("{outcome} {when}", &[("outcome", &outcome(ended)), ("when", &goes)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_one_of_the_settings() {
        let settings = crate::settings::Settings::in_memory().unwrap();
        assert_eq!(settings.when_done(), Afterwards::Nothing.name());
        for one in Afterwards::ALL {
            settings.set_when_done(one.name());
            assert_eq!(Afterwards::named(&settings.when_done()), Some(one));
        }
        assert_eq!(Afterwards::named("explode"), None);
    }

    #[test]
    fn seconds_are_counted_as_people_do() {
        let begin = Instant::now();
        let countdown = Countdown::new(Afterwards::PowerOff, Duration::from_secs(60), begin);
        let left = |millis| countdown.left(begin + Duration::from_millis(millis));
        assert_eq!((left(0), left(1), left(1000)), (Some(60), Some(60), Some(59)));
        assert_eq!((left(59_500), left(59_999), left(60_000)), (Some(1), Some(1), None));
        assert_eq!(left(3_600_000), None, "the machine slept");
    }

    #[test]
    fn what_happened_and_what_will_is_said() {
        let begin = Instant::now();
        let countdown = Countdown::new(Afterwards::Suspend, Duration::from_secs(12), begin);
        let words = |completed, failed| countdown.words(Ended { completed, failed }, begin);
        assert_eq!(words(3, 0), "3 downloads are complete. This happens in 12 seconds.");
        assert_eq!(words(0, 1), "1 download has failed. This happens in 12 seconds.");
        assert_eq!(words(1, 2), "1 download is complete. 2 downloads have failed. This happens in 12 seconds.");
        let last = countdown.words(Ended::default(), begin + Duration::from_secs(11));
        assert!(last.ends_with("in 1 second."), "{last}");
        let today = SystemTime::now();
        let at = time_of_day(today + Duration::from_secs(12), today);
        assert!(countdown.lasting_words(Ended::default(), begin, today).ends_with(&format!("at {at}.")));
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! When a row tells a screen reader its sentence anew: of another state or download at once, of progress seldom, and
//! what was withheld at the end of the pause, so that the last one told is true. Pure; `download_row.rs` says it.

use std::time::{Duration, Instant};

/// The sentence that a screen reader has of a row.
#[derive(Debug, Default)]
pub struct RowSentence(Option<Told>);

#[derive(Debug)]
struct Told {
    about: About,
    sentence: String,
    at: Instant,
}

/// Of what a sentence speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    pub id: u64,
    pub name: String,
    pub state: String,
}

/// What is to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saying {
    pub sentence: String,
    /// Another one is withheld, for so long.
    pub withheld: Option<Duration>,
}

impl RowSentence {
    /// The sentence of a row would be this one now. `pause`: how old one about progress may be.
    pub fn say(&mut self, about: About, sentence: String, pause: Duration, now: Instant) -> Saying {
        if let Some(told) = self.0.as_ref().filter(|told| told.about == about) {
            let left = (told.at + pause).saturating_duration_since(now);
            if told.sentence == sentence || !left.is_zero() {
                let withheld = (told.sentence != sentence).then_some(left);
                return Saying { sentence: told.sentence.clone(), withheld };
            }
        }
        self.0 = Some(Told { about, sentence: sentence.clone(), at: now });
        Saying { sentence, withheld: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(2);

    fn about(id: u64, state: &str) -> About {
        About { id, name: "file.iso".into(), state: state.into() }
    }

    #[test]
    fn the_last_sentence_of_a_row_is_told_when_the_pause_is_over() {
        let (mut row, begin) = (RowSentence::default(), Instant::now());
        let mut say = |sentence: &str, at| {
            let said = row.say(about(1, "waiting"), sentence.into(), PAUSE, begin + Duration::from_millis(at));
            (said.sentence, said.withheld.map(|left| left.as_millis()))
        };
        let (retry, offline) = ("Waiting – Tries again", "Waiting – There is no network");
        assert_eq!(say(retry, 0), (retry.into(), None));
        assert_eq!(say(offline, 500), (retry.into(), Some(1500)));
        assert_eq!(say(offline, 1999), (retry.into(), Some(1)));
        assert_eq!(say(offline, 2000), (offline.into(), None));
        // Nothing is withheld where nothing is new, so nobody has to wake up for it.
        assert_eq!(say(offline, 2100), (offline.into(), None));
        assert_eq!(say(retry, 2200), (offline.into(), Some(1800)));
        assert_eq!(say(offline, 2300), (offline.into(), None));
    }

    #[test]
    fn a_state_and_another_download_are_told_at_once() {
        let (mut row, now) = (RowSentence::default(), Instant::now());
        let mut say = |about, sentence: &str| row.say(about, sentence.into(), PAUSE, now);
        let told = |sentence: &str| Saying { sentence: sentence.into(), withheld: None };
        assert_eq!(say(about(1, "paused"), "Paused – 1 MB"), told("Paused – 1 MB"));
        assert_eq!(say(about(1, "downloading"), "1 MB/s"), told("1 MB/s"));
        // Of the same name and in the same state, in a row that is used again.
        assert_eq!(say(about(2, "downloading"), "7 MB/s"), told("7 MB/s"));
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Which downloads the list shows: those of one group, and with all the words that are looked for.

use super::kind::Kind;
use super::rule_groups::Category;
use crate::engine::download::state::State;
use crate::engine::event::Outline;

/// The groups of the sidebar. Each download is in `All`, in one of the next four, in one kind, and maybe in a
/// category that a rule of the user makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Group {
    #[default]
    All,
    Active,
    /// Not at its end, and nothing works on it now: queued, scheduled, paused or waiting for something.
    Waiting,
    Completed,
    Failed,
    Kind(Kind),
    Category(Category),
}

impl Group {
    pub const STATES: [Self; 5] = [Self::All, Self::Active, Self::Waiting, Self::Completed, Self::Failed];

    /// Those that are always there.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::STATES.into_iter().chain(Kind::ALL.into_iter().map(Self::Kind))
    }

    /// `category`: that of the download.
    pub fn has(self, download: &Outline<'_>, category: Option<Category>) -> bool {
        match self {
            Self::All => true,
            Self::Kind(kind) => Kind::of(download.name, download.media_type) == kind,
            Self::Category(wanted) => category == Some(wanted),
            of_state => of_state == Self::of_state(download.state),
        }
    }

    pub(super) fn of_state(state: &State) -> Self {
        match state {
            State::Connecting | State::Downloading | State::Verifying => Self::Active,
            State::Queued | State::Scheduled { .. } | State::Paused | State::Waiting { .. } => Self::Waiting,
            State::Completed => Self::Completed,
            State::Failed(_) => Self::Failed,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub group: Group,
    words: Words,
}

/// What is looked for: words that all have to be somewhere, in large or small letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(Vec<String>);

impl Words {
    pub fn new(text: &str) -> Self {
        Self(text.split_whitespace().map(str::to_lowercase).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn are_in(&self, texts: &[&str]) -> bool {
        if self.is_empty() {
            return true;
        }
        let texts: Vec<_> = texts.iter().map(|text| text.to_lowercase()).collect();
        self.0.iter().all(|word| texts.iter().any(|text| text.contains(word)))
    }
}

impl Filter {
    /// `text`: words that all have to be somewhere in a download's name, address (with the host) or
    /// folder, in large or small letters.
    pub fn new(group: Group, text: &str) -> Self {
        Self { group, words: Words::new(text) }
    }

    pub fn lets_all_through(&self) -> bool {
        self.group == Group::All && self.words.is_empty()
    }

    /// `category`: that of the download.
    pub fn lets_through(&self, download: &Outline<'_>, category: Option<Category>) -> bool {
        self.group.has(download, category) && self.has_words(download)
    }

    /// Whether any words are looked for.
    pub fn is_search(&self) -> bool {
        !self.words.is_empty()
    }

    fn has_words(&self, download: &Outline<'_>) -> bool {
        self.words.are_in(&[download.name, download.url, &download.folder.to_string_lossy()])
    }
}

#[cfg(test)]
mod tests {
    use super::super::download_object::tests::snapshot;
    use super::*;
    use crate::engine::error::{Failure, FailureKind};
    use crate::engine::event::Snapshot;

    fn finds(text: &str, download: &Snapshot) -> bool {
        Filter::new(Group::All, text).lets_through(&download.outline(), None)
    }

    #[test]
    fn each_word_is_looked_for_in_name_address_and_folder() {
        let download = Snapshot {
            name: "Übung 3.pdf".into(),
            url: "https://Mirror.example.org/Pub/x".parse().unwrap(),
            folder: "/srv/Uni".into(),
            ..snapshot(1)
        };
        for text in ["", "  ", "übung", "ÜBUNG PDF", "mirror.example", "pub/x", "uni 3"] {
            assert!(finds(text, &download), "{text:?}");
        }
        for text in ["übung 4", "example.com", "pdfx"] {
            assert!(!finds(text, &download), "{text:?}");
        }
    }

    #[test]
    fn each_state_is_in_one_group() {
        let failure = || Failure::new(FailureKind::Silence, "");
        let states = [
            (State::Queued, Group::Waiting),
            (State::Paused, Group::Waiting),
            (State::Connecting, Group::Active),
            (State::Downloading, Group::Active),
            (State::Verifying, Group::Active),
            (State::Completed, Group::Completed),
            (State::Failed(failure()), Group::Failed),
        ];
        for (state, group) in states {
            let download = Snapshot { state, ..snapshot(1) };
            let groups: Vec<_> = Group::all().filter(|group| group.has(&download.outline(), None)).collect();
            assert_eq!(groups, [Group::All, group, Group::Kind(Kind::Archives)]);
        }
    }

    #[test]
    fn only_no_words_and_no_group_let_all_through() {
        assert!(Filter::new(Group::All, " \t").lets_all_through());
        assert!(!Filter::new(Group::All, "a").lets_all_through());
        assert!(!Filter::new(Group::Active, "").lets_all_through());
    }
}

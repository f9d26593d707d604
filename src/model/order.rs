// SPDX-License-Identifier: GPL-3.0-or-later
//! By what the list can be sorted, and what a download has to show for it.

use super::download_object::is_active;
use crate::engine::download::state::State;
use crate::engine::event::Snapshot;

/// The default is the order of the queue, which has one direction only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Order {
    pub by: SortKey,
    pub is_descending: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortKey {
    /// In which the downloads start: as they were added, until the user moves some of them.
    #[default]
    Queue,
    Added,
    Name,
    Size,
    Progress,
    Speed,
    State,
}

impl SortKey {
    /// As the setting calls it; what is not known counts as the default.
    pub fn named(name: &str) -> Self {
        match name {
            "added" => Self::Added,
            "name" => Self::Name,
            "size" => Self::Size,
            "progress" => Self::Progress,
            "speed" => Self::Speed,
            "state" => Self::State,
            _ => Self::Queue,
        }
    }

    /// Whether it can change while a download is in the list, but by moving rows.
    pub fn follows_changes(self) -> bool {
        !matches!(self, Self::Queue | Self::Added)
    }

    /// Whether bytes that come in change it.
    pub fn follows_progress(self) -> bool {
        matches!(self, Self::Progress | Self::Speed)
    }
}

/// Where a download stands by one key. Those of one key can be compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    Number(u64),
    /// `file-2` comes before `file-10`.
    Name(glib::FilenameCollationKey),
}

impl Rank {
    pub fn of(download: &Snapshot, by: SortKey) -> Self {
        match by {
            // Who was moved in the queue the list knows.
            SortKey::Queue | SortKey::Added => Self::Number(download.id.0),
            SortKey::Name => Self::Name(download.name.as_str().into()),
            SortKey::Size => Self::Number(download.progress.total.unwrap_or_default()),
            SortKey::Progress => Self::Number(thousandths(download)),
            SortKey::Speed if is_active(download) => Self::Number(download.progress.speed.0),
            SortKey::Speed => Self::Number(0),
            SortKey::State => Self::Number(urgency(&download.state)),
        }
    }
}

fn thousandths(download: &Snapshot) -> u64 {
    let progress = download.progress;
    match progress.total.filter(|total| *total > 0) {
        _ if download.state == State::Completed => 1000,
        Some(total) => u64::try_from(u128::from(progress.received) * 1000 / u128::from(total)).unwrap_or(1000),
        None => 0,
    }
}

/// What works or waits for the user comes first.
fn urgency(state: &State) -> u64 {
    match state {
        State::Downloading | State::Connecting | State::Verifying => 0,
        State::Failed(_) => 1,
        State::Waiting { .. } => 2,
        State::Queued => 3,
        State::Scheduled { .. } => 4,
        State::Paused => 5,
        State::Completed => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::super::download_object::tests::snapshot;
    use super::*;
    use crate::engine::types::Speed;

    fn named(name: &str) -> Snapshot {
        Snapshot { name: name.into(), ..snapshot(1) }
    }

    #[test]
    fn names_are_sorted_as_people_count() {
        let rank = |name| Rank::of(&named(name), SortKey::Name);
        assert!(rank("disc 2.iso") < rank("disc 10.iso"));
        assert!(rank("a.iso") < rank("b.iso"));
    }

    #[test]
    fn only_what_works_has_a_speed() {
        let mut download = snapshot(1);
        download.progress.speed = Speed(5);
        assert_eq!(Rank::of(&download, SortKey::Speed), Rank::Number(0));
        download.state = State::Downloading;
        assert_eq!(Rank::of(&download, SortKey::Speed), Rank::Number(5));
    }

    #[test]
    fn progress_is_a_share_and_all_of_it_when_complete() {
        let mut download = snapshot(1);
        assert_eq!(Rank::of(&download, SortKey::Progress), Rank::Number(0));
        download.progress.total = Some(u64::MAX);
        download.progress.received = u64::MAX / 2;
        assert_eq!(Rank::of(&download, SortKey::Progress), Rank::Number(499));
        download.state = State::Completed;
        assert_eq!(Rank::of(&download, SortKey::Progress), Rank::Number(1000));
    }
}

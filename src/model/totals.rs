// SPDX-License-Identifier: GPL-3.0-or-later
//! Counts and speed over all downloads, kept up to date by differences: no change of one row looks
//! at the others.

use std::cell::Cell;
use std::time::Duration;

use glib::prelude::*;
use glib::subclass::prelude::*;

use super::describe;
use super::download_object::{can_pause, is_active};
use super::filter::Group;
use super::kind::Kind;
use super::rule_groups::Category;
use crate::engine::download::state::State;
use crate::engine::event::{Outline, Snapshot};
use crate::engine::types::Speed;

/// Speeds come several times a second from each download; the sum is told this often.
const TELL_EVERY: Duration = Duration::from_millis(250);

mod imp {
    use std::cell::{Cell, RefCell};

    use std::collections::HashMap;

    use glib::prelude::*;
    use glib::subclass::prelude::*;

    use super::Group;

    #[derive(Debug, Default, glib::Properties)]
    #[properties(wrapper_type = super::Totals)]
    pub struct Totals {
        /// How many downloads work now.
        #[property(get)]
        pub active: Cell<u32>,
        /// How many could be paused.
        pub pausable: Cell<u32>,
        /// How many were paused by the user.
        pub paused: Cell<u32>,
        /// Bytes a second.
        pub speed: Cell<u64>,
        /// Whether `PauseAll` would do anything.
        #[property(get)]
        pub can_pause: Cell<bool>,
        /// Whether `ResumeAll` would do anything.
        #[property(get)]
        pub can_resume: Cell<bool>,
        /// One line of words.
        #[property(get)]
        pub summary: RefCell<String>,
        pub will_tell: Cell<bool>,
        /// How many downloads are in each group.
        pub counts: RefCell<HashMap<Group, u32>>,
        /// Rises when a count is another one.
        #[property(get)]
        pub recounts: Cell<u32>,
        pub will_recount: Cell<bool>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Totals {
        const NAME: &'static str = "FreshetTotals";
        type Type = super::Totals;
    }

    #[glib::derived_properties]
    impl ObjectImpl for Totals {}
}

glib::wrapper! {
    pub struct Totals(ObjectSubclass<imp::Totals>);
}

impl Default for Totals {
    fn default() -> Self {
        glib::Object::new()
    }
}

/// What one download adds to the totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Share {
    active: bool,
    pausable: bool,
    paused: bool,
    speed: u64,
    /// By its state, its kind, and the rules. None for a download that is not there.
    groups: Option<(Group, Kind, Option<Category>)>,
}

impl Share {
    pub fn of(download: &Snapshot, category: Option<Category>) -> Self {
        Self {
            active: is_active(download),
            pausable: can_pause(download),
            paused: download.state == State::Paused,
            speed: if is_active(download) { download.progress.speed.0 } else { 0 },
            ..Self::of_resting(&download.outline(), category)
        }
    }

    /// Of one that does nothing.
    pub fn of_resting(download: &Outline<'_>, category: Option<Category>) -> Self {
        let groups = (Group::of_state(download.state), Kind::of(download.name, download.media_type), category);
        Self { groups: Some(groups), ..Self::default() }
    }
}

impl Totals {
    /// A download's share was `old` and is `new`; a download that is not there has the default one.
    pub(super) fn replace(&self, old: Share, new: Share) {
        let imp = self.imp();
        let recount = |count: &Cell<u32>, old: bool, new: bool| {
            count.set((count.get() + u32::from(new)).saturating_sub(u32::from(old)));
        };
        let active = imp.active.get();
        recount(&imp.active, old.active, new.active);
        recount(&imp.pausable, old.pausable, new.pausable);
        recount(&imp.paused, old.paused, new.paused);
        imp.speed.set((imp.speed.get() + new.speed).saturating_sub(old.speed));

        if old.groups != new.groups {
            let groups = |share: Share| {
                let Some((of_state, kind, category)) = share.groups else { return [None; 4] };
                [Some(Group::All), Some(of_state), Some(Group::Kind(kind)), category.map(Group::Category)]
            };
            self.recount(groups(old), groups(new));
        }

        let _together = self.freeze_notify();
        if imp.active.get() != active {
            self.notify_active();
            self.tell();
        } else if old.speed != new.speed {
            self.tell_soon();
        }
        let can_pause = imp.pausable.get() > 0;
        if imp.can_pause.replace(can_pause) != can_pause {
            self.notify_can_pause();
        }
        let can_resume = imp.paused.get() > 0;
        if imp.can_resume.replace(can_resume) != can_resume {
            self.notify_can_resume();
        }
    }

    /// A download is in another category by other rules.
    pub(super) fn recategorize(&self, old: Option<Category>, new: Option<Category>) {
        if old != new {
            self.recount([old.map(Group::Category)], [new.map(Group::Category)]);
        }
    }

    /// No download is in a category until it is put into one again.
    pub(super) fn forget_categories(&self) {
        self.imp().counts.borrow_mut().retain(|group, _| !matches!(group, Group::Category(_)));
        self.tell_recount();
    }

    fn recount<const N: usize>(&self, old: [Option<Group>; N], new: [Option<Group>; N]) {
        {
            let mut counts = self.imp().counts.borrow_mut();
            for (old, new) in old.into_iter().zip(new).filter(|(old, new)| old != new) {
                if let Some(count) = old.and_then(|group| counts.get_mut(&group)) {
                    *count = count.saturating_sub(1);
                }
                if let Some(group) = new {
                    *counts.entry(group).or_default() += 1;
                }
            }
        }
        self.tell_recount();
    }

    fn tell_recount(&self) {
        if !self.imp().will_recount.replace(true) {
            let totals = self.downgrade();
            glib::MainContext::ref_thread_default().spawn_local(async move {
                if let Some(totals) = totals.upgrade() {
                    totals.imp().will_recount.set(false);
                    totals.imp().recounts.set(totals.imp().recounts.get().wrapping_add(1));
                    totals.notify_recounts();
                }
            });
        }
    }

    /// How many downloads are in a group.
    pub fn count(&self, group: Group) -> u32 {
        self.imp().counts.borrow().get(&group).copied().unwrap_or_default()
    }

    fn tell(&self) {
        let imp = self.imp();
        let summary = describe::summary(imp.active.get(), Speed(imp.speed.get()));
        if imp.summary.replace(summary.clone()) != summary {
            self.notify_summary();
        }
    }

    fn tell_soon(&self) {
        if !self.imp().will_tell.replace(true) {
            let totals = self.downgrade();
            glib::MainContext::ref_thread_default().spawn_local(async move {
                glib::timeout_future(TELL_EVERY).await;
                if let Some(totals) = totals.upgrade() {
                    totals.imp().will_tell.set(false);
                    totals.tell();
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::download_object::tests::{alone, snapshot};
    use super::*;

    fn share(state: State, speed: u64) -> Share {
        let mut row = snapshot(1);
        row.state = state;
        row.progress.speed = Speed(speed);
        Share::of(&row, None)
    }

    #[test]
    fn totals_follow_each_download() {
        alone(|_| {
            let totals = Totals::default();
            totals.replace(Share::default(), share(State::Downloading, 5_000_000));
            totals.replace(Share::default(), share(State::Queued, 0));
            assert_eq!((totals.active(), totals.can_pause(), totals.can_resume()), (1, true, false));
            assert_eq!(totals.summary(), "5.0\u{a0}MB/s – 1 active");
            totals.replace(share(State::Downloading, 5_000_000), share(State::Paused, 0));
            totals.replace(share(State::Queued, 0), Share::default());
            assert_eq!((totals.active(), totals.can_pause(), totals.can_resume()), (0, false, true));
            assert_eq!(totals.summary(), "");
        });
    }

    #[test]
    fn groups_are_counted_by_differences() {
        alone(|context| {
            let totals = Totals::default();
            let counts = || Group::all().map(|group| totals.count(group)).collect::<Vec<_>>();
            (0..3).for_each(|_| totals.replace(Share::default(), share(State::Queued, 0)));
            totals.replace(share(State::Queued, 0), share(State::Downloading, 5));
            totals.replace(share(State::Queued, 0), share(State::Completed, 0));
            assert_eq!(counts(), [3, 1, 1, 1, 0, 0, 0, 0, 0, 3, 0, 0]);
            totals.replace(share(State::Downloading, 5), share(State::Downloading, 9));
            totals.replace(share(State::Completed, 0), Share::default());
            assert_eq!(counts(), [2, 1, 1, 0, 0, 0, 0, 0, 0, 2, 0, 0]);
            while context.iteration(false) {}
            assert_eq!(totals.recounts(), 1, "many changes of a turn are told as one");
        });
    }

    #[test]
    fn speeds_are_told_together_a_little_later() {
        alone(|context| {
            let totals = Totals::default();
            totals.replace(Share::default(), share(State::Downloading, 1_000_000));
            totals.replace(share(State::Downloading, 1_000_000), share(State::Downloading, 3_000_000));
            assert_eq!(totals.summary(), "1.0\u{a0}MB/s – 1 active");
            // The first turn begins the timer, which then wakes the second.
            (0..5).take_while(|_| totals.imp().will_tell.get()).for_each(|_| {
                context.iteration(true);
            });
            assert_eq!(totals.summary(), "3.0\u{a0}MB/s – 1 active");
        });
    }
}

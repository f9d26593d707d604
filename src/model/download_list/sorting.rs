// SPDX-License-Identifier: GPL-3.0-or-later
//! The order of the rows and which of them are shown, and when they change places.

use std::collections::HashMap;
use std::time::Duration;

use gio::prelude::*;
use gio::subclass::prelude::*;

use super::{DownloadList, TOUCHED, imp};
use crate::engine::turn::Turn;
use crate::engine::types::DownloadId;
use crate::model::filter::{Filter, Group};
use crate::model::order::{Order, Rank, SortKey};

/// How often rows change places at most while what they are sorted by changes.
const SORT_EVERY: Duration = Duration::from_secs(1);

impl DownloadList {
    pub(super) fn is_sorted(&self) -> bool {
        self.imp().sorted.borrow().is_some()
    }

    pub fn set_order(&self, order: Order) {
        self.choose(order, self.filter());
    }

    /// Whether the rows are in the order of the queue, so that they can be moved.
    pub fn is_in_queue_order(&self) -> bool {
        self.imp().order.get().by == SortKey::Queue
    }

    /// These stand at another place in the queue. Their rows move at once, also where rows are held: the user
    /// has moved them.
    pub(in crate::model) fn set_turns(&self, turns: &[(DownloadId, Turn)]) {
        let imp = self.imp();
        imp.turns.borrow_mut().extend(turns.iter().copied());
        if !turns.is_empty() && self.is_in_queue_order() {
            if self.is_sorted() { self.sort() } else { self.choose(imp.order.get(), Filter::default()) }
        }
    }

    /// The rows that are shown.
    pub fn ids(&self) -> Vec<DownloadId> {
        match &*self.imp().sorted.borrow() {
            Some(sorted) => sorted.rows.clone(),
            None => self.imp().rows.borrow().all(),
        }
    }

    pub fn filter(&self) -> Filter {
        self.imp().sorted.borrow().as_ref().map(|sorted| sorted.filter.clone()).unwrap_or_default()
    }

    /// Whether this one is to be shown, also where it is so new that it is no row yet.
    pub fn lets_through(&self, id: DownloadId) -> bool {
        let filter = self.filter();
        filter.lets_all_through() || self.imp().lets_through(&filter, &self.imp().rows.borrow(), id)
    }

    /// Shows only what it lets through.
    pub fn set_filter(&self, filter: Filter) {
        self.choose(self.imp().order.get(), filter);
    }

    /// The groups have other downloads now.
    pub(in crate::model) fn filter_again(&self) {
        if matches!(self.filter().group, Group::Category(_)) {
            self.sort();
        }
    }

    fn choose(&self, order: Order, filter: Filter) {
        let imp = self.imp();
        let is_plain = filter.lets_all_through()
            && match order.by {
                SortKey::Queue => imp.turns.borrow().is_empty(),
                SortKey::Added => !order.is_descending,
                _ => false,
            };
        if is_plain && !self.is_sorted() {
            imp.order.set(order);
            return;
        }
        self.tell();
        let before = imp.order.replace(order);
        let (rows, ranks) = match imp.sorted.take() {
            Some(sorted) if before.by == order.by => (sorted.rows, sorted.ranks),
            Some(sorted) => (sorted.rows, HashMap::new()),
            None => (imp.rows.borrow().all(), HashMap::new()),
        };
        if is_plain {
            self.changed(0, u32::try_from(rows.len()).unwrap_or(u32::MAX), imp.count());
            return;
        }
        imp.sorted.replace(Some(imp::Sorted { filter, rows, ranks }));
        self.sort();
    }

    /// While it is held no row changes its place: who points at one, or scrolls, would lose it. Rows
    /// that are new come last then.
    pub fn set_held(&self, is_held: bool) {
        self.imp().is_held.set(is_held);
        if !is_held && self.imp().is_unsorted.get() {
            self.sort_soon();
        }
    }

    /// A download has changed; `is_progress`: no more than that bytes came in.
    pub(in crate::model) fn touch(&self, is_progress: bool) {
        if !is_progress {
            self.emit_by_name::<()>(TOUCHED, &[]);
        }
        let depends = |sorted: &imp::Sorted| {
            let by = self.imp().order.get().by;
            if is_progress { by.follows_progress() } else { by.follows_changes() || !sorted.filter.lets_all_through() }
        };
        if self.imp().sorted.borrow().as_ref().is_some_and(depends) {
            self.sort_soon();
        }
    }

    pub(super) fn sort_soon(&self) {
        let imp = self.imp();
        imp.is_unsorted.set(true);
        if !imp.is_held.get() && !imp.will_sort.replace(true) {
            let list = self.downgrade();
            glib::MainContext::ref_thread_default().spawn_local(async move {
                glib::timeout_future(SORT_EVERY).await;
                if let Some(list) = list.upgrade() {
                    list.imp().will_sort.set(false);
                    if !list.imp().is_held.get() {
                        list.sort();
                    }
                }
            });
        }
    }

    /// What was sorted has other rows now.
    pub(super) fn arrange(&self) {
        if !self.imp().is_held.get() {
            return self.sort();
        }
        let imp = self.imp();
        let rows = {
            let (all, sorted) = (imp.rows.borrow(), imp.sorted.borrow());
            let Some(sorted) = &*sorted else { return };
            let known: std::collections::HashSet<_> = sorted.rows.iter().copied().collect();
            let stay = sorted.rows.iter().copied().filter(|id| all.by_id.contains_key(id));
            let is_let_through = |id: &DownloadId| imp.lets_through(&sorted.filter, &all, *id);
            stay.chain(all.all().into_iter().filter(|id| !known.contains(id)).filter(is_let_through)).collect()
        };
        self.show_rows(rows);
        self.sort_soon();
    }

    /// Puts every row where it belongs now. Those of one rank are in the order of their ids.
    pub(super) fn sort(&self) {
        let imp = self.imp();
        imp.is_unsorted.set(false);
        let rows = {
            let (all, mut sorted) = (imp.rows.borrow(), imp.sorted.borrow_mut());
            let Some(imp::Sorted { filter, ranks, .. }) = &mut *sorted else { return };
            let order = imp.order.get();
            let mut rows = all.all();
            if !filter.lets_all_through() {
                rows.retain(|id| imp.lets_through(filter, &all, *id));
            }
            match order.by {
                SortKey::Queue => {
                    let turns = imp.turns.borrow();
                    rows.sort_by_key(|id| (Turn::of(*id, turns.get(id).copied()), *id));
                    rows
                }
                SortKey::Added => {
                    if order.is_descending {
                        rows.reverse();
                    }
                    rows
                }
                SortKey::Name | SortKey::Size | SortKey::Progress | SortKey::Speed | SortKey::State => {
                    let mut rank = |id: DownloadId| match all.by_id.get(&id).and_then(Option::as_ref) {
                        Some(object) => object.read(|download| Some(Rank::of(download, order.by))),
                        None => ranks.get(&id).cloned().or_else(|| {
                            let rank = Rank::of(&imp.source.get()?.snapshot(id)?, order.by);
                            ranks.insert(id, rank.clone());
                            Some(rank)
                        }),
                    };
                    let mut ranked: Vec<_> = rows.into_iter().map(|id| (rank(id), id)).collect();
                    if order.is_descending {
                        ranked.sort_by(|(one, _), (other, _)| other.cmp(one));
                    } else {
                        ranked.sort_by(|(one, _), (other, _)| one.cmp(other));
                    }
                    ranked.into_iter().map(|(_, id)| id).collect()
                }
            }
        };
        self.show_rows(rows);
    }

    /// Tells the stretch from the first to the last row that is another one now.
    fn show_rows(&self, rows: Vec<DownloadId>) {
        let (first, removed, added) = {
            let mut sorted = self.imp().sorted.borrow_mut();
            let Some(sorted) = &mut *sorted else { return };
            let old = std::mem::replace(&mut sorted.rows, rows);
            let new = &sorted.rows;
            let first = old.iter().zip(new).take_while(|(old, new)| old == new).count();
            let most = old.len().min(new.len()) - first;
            let pairs = old.iter().rev().zip(new.iter().rev());
            let last = pairs.take(most).take_while(|(old, new)| old == new).count();
            (first, old.len() - first - last, new.len() - first - last)
        };
        let [first, removed, added] = [first, removed, added].map(|count| u32::try_from(count).unwrap_or(u32::MAX));
        if removed + added > 0 {
            self.changed(first, removed, added);
        }
    }
}

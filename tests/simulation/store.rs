// SPDX-License-Identifier: GPL-3.0-or-later
//! The saved list, as the real one keeps it: changes gather for a second, then are durable together.
//! What dies before that has lost them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use freshet::engine::DownloadId;
use freshet::engine::engine::List;
use freshet::engine::store::{Came, Record, Store};

use super::timeline::{Happening, Timeline};

const GATHER: Duration = Duration::from_secs(1);

/// What is on disk of it.
#[derive(Debug, Default)]
pub struct SavedList {
    pub records: BTreeMap<DownloadId, Record>,
    last: u64,
}

impl SavedList {
    pub fn load(&self) -> List {
        List { records: self.records.values().cloned().collect(), next_id: DownloadId(self.last + 1), set_aside: None }
    }
}

pub struct VirtualStore {
    timeline: Rc<Timeline>,
    list: Rc<RefCell<SavedList>>,
    pending: RefCell<BTreeMap<DownloadId, Option<Record>>>,
    is_planned: Cell<bool>,
    is_closed: Cell<bool>,
}

impl VirtualStore {
    pub fn new(timeline: Rc<Timeline>, list: Rc<RefCell<SavedList>>) -> Rc<Self> {
        Rc::new(Self {
            timeline,
            list,
            pending: RefCell::default(),
            is_planned: Cell::default(),
            is_closed: Cell::default(),
        })
    }

    /// What has gathered becomes durable.
    pub fn commit(&self) {
        self.is_planned.set(false);
        let mut list = self.list.borrow_mut();
        for (id, record) in self.pending.take() {
            list.last = list.last.max(id.0);
            match record {
                Some(record) => list.records.insert(id, record),
                None => list.records.remove(&id),
            };
        }
    }

    fn change(&self, id: DownloadId, record: Option<Record>) {
        if self.is_closed.get() {
            return;
        }
        self.pending.borrow_mut().insert(id, record);
        if !self.is_planned.replace(true) {
            self.timeline.after(GATHER, Happening::Commit);
        }
    }
}

impl Store for VirtualStore {
    fn save(&self, record: Record) {
        self.change(record.id, Some(record));
    }

    fn forget(&self, id: DownloadId) {
        self.change(id, None);
    }

    /// The history is not the list's concern.
    fn retire(&self, record: Record) {
        self.change(record.id, None);
    }

    fn count(&self, _: Came) {}

    fn remember(&self, _: bool) {}

    fn close(&self) {
        self.commit();
        self.is_closed.set(true);
    }
}

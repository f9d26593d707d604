// SPDX-License-Identifier: GPL-3.0-or-later
//! Where the list and the session look at downloads of which there are no objects, and how many are looked at without holding
//! up a frame.

use std::rc::Rc;
use std::time::Duration;

use super::DownloadId;
use super::download_list::Source;
use super::rule_groups::{Category, RuleGroups};
use crate::engine::Engine;
use crate::engine::event::{Outline, Snapshot};

/// What the list is filled from.
pub struct Downloads(Engine, Rc<RuleGroups>);

impl Downloads {
    pub fn new(engine: &Engine, rule_groups: &Rc<RuleGroups>) -> Self {
        Self(engine.clone(), rule_groups.clone())
    }
}

impl Source for Downloads {
    fn snapshot(&self, id: DownloadId) -> Option<Snapshot> {
        self.0.snapshot(id)
    }

    fn look(&self, id: DownloadId, at: &mut dyn FnMut(&Outline<'_>)) {
        if self.0.shelved_outline(id, &mut *at).is_none()
            && let Some(download) = self.0.snapshot(id)
        {
            at(&download.outline());
        }
    }

    fn category(&self, id: DownloadId) -> Option<Category> {
        self.1.of(id)
    }
}

/// Lets frames be drawn while something takes longer. What runs before them would hold them up.
pub async fn between_frames() {
    glib::timeout_future_with_priority(glib::Priority::DEFAULT_IDLE, Duration::ZERO).await;
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Has the list tell its times anew when another day begins: what was completed today gets its date.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::SystemTime;

use gio::prelude::*;

use super::wall_clock::Alarm;
use crate::model::{DownloadList, amounts};

/// From now on, as long as the list is there.
pub fn follow(list: &DownloadList) {
    set(list, &Rc::default());
}

fn set(list: &DownloadList, alarm: &Rc<RefCell<Option<Alarm>>>) {
    let Some(at) = amounts::next_day(SystemTime::now()) else { return };
    let (list, next) = (list.downgrade(), alarm.clone());
    let ring = move || {
        if let Some(list) = list.upgrade() {
            list.begin_day();
            set(&list, &next);
        }
    };
    match Alarm::set(at, ring) {
        Ok(set) => drop(alarm.replace(Some(set))),
        Err(error) => tracing::warn!(%error, "The end of the day cannot be noticed"),
    }
}

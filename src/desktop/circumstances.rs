// SPDX-License-Identifier: GPL-3.0-or-later
//! Holds downloads while there is no network, while it costs money, and outside of the hours for them; lets
//! them go on as soon as that is over. `model/permission.rs` says when; here is what tells of a change.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::SystemTime;

use gio::prelude::*;

use super::wall_clock::Alarm;
use crate::model::permission::{self, Network, Wishes};
use crate::model::{Command, Hold, Session};
use crate::settings::{Key, Settings};

#[derive(Debug)]
struct Circumstances {
    session: Session,
    settings: Settings,
    monitor: gio::NetworkMonitor,
    held: Cell<Option<Hold>>,
    alarm: RefCell<Option<Alarm>>,
}

/// Follows them from now on.
pub fn follow(session: &Session, settings: &Settings) {
    let circumstances = Rc::new(Circumstances {
        session: session.clone(),
        settings: settings.clone(),
        monitor: gio::NetworkMonitor::default(),
        held: Cell::new(None),
        alarm: RefCell::default(),
    });
    circumstances.look();
    let looks = |circumstances: &Rc<Circumstances>| {
        let circumstances = circumstances.clone();
        move || circumstances.look()
    };
    let look = looks(&circumstances);
    // Some monitors tell of routes, some only that the property is another one.
    circumstances.monitor.connect_network_changed(move |_, _| look());
    let look = looks(&circumstances);
    circumstances.monitor.connect_network_available_notify(move |_| look());
    let look = looks(&circumstances);
    circumstances.monitor.connect_network_metered_notify(move |_| look());
    for key in [Key::WaitOnMetered, Key::Hours] {
        settings.connect_changed(key, looks(&circumstances));
    }
}

impl Circumstances {
    fn look(self: &Rc<Self>) {
        let now = SystemTime::now();
        let network =
            Network { is_there: self.monitor.is_network_available(), is_metered: self.monitor.is_network_metered() };
        let wishes = Wishes { waits_on_metered: self.settings.waits_on_metered(), hours: self.settings.hours() };
        let hold = permission::hold(network, &wishes, now);
        if self.held.replace(hold) != hold {
            tracing::info!(?hold, ?network, "Whether downloads may run");
            self.session.send(Command::Hold(hold));
        }
        // One alarm for the next change, and none where there is none.
        let next = permission::next_change(&wishes, now);
        let weak = Rc::downgrade(self);
        let alarm = next.map(|at| {
            Alarm::set(at, move || {
                if let Some(circumstances) = weak.upgrade() {
                    circumstances.look();
                }
            })
        });
        let alarm = alarm.transpose().unwrap_or_else(|error| {
            tracing::warn!(%error, "The hours for downloads cannot be followed");
            None
        });
        self.alarm.replace(alarm);
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Shows on the program's icon, in docks that can, how many downloads are to end and how far they are:
//! <https://wiki.ubuntu.com/Unity/LauncherAPI>, which KDE, Dash to Dock and others follow.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use gio::prelude::*;

use crate::config;
use crate::model::batch::Batch;

const PATH: &str = "/io/github/freshet/Freshet/launcher";

/// Each signal wakes the dock.
const EVERY: Duration = Duration::from_secs(1);

/// What the icon shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Entry {
    count: u32,
    percent: Option<u32>,
}

impl Entry {
    fn of(batch: &Batch) -> Self {
        let percent = batch.fraction().map(|fraction| (fraction.clamp(0.0, 1.0) * 100.0) as u32);
        Self { count: batch.pending(), percent }
    }

    fn to_variant(self) -> glib::Variant {
        let values = glib::VariantDict::new(None);
        values.insert("count", i64::from(self.count));
        values.insert("count-visible", self.count > 0);
        values.insert("progress", f64::from(self.percent.unwrap_or_default()) / 100.0);
        values.insert("progress-visible", self.percent.is_some());
        let uri = format!("application://{}.desktop", config::APP_ID);
        glib::Variant::tuple_from_iter([uri.to_variant(), values.end()])
    }
}

#[derive(Debug)]
struct Launcher {
    application: glib::WeakRef<gio::Application>,
    shown: Cell<Entry>,
    /// Made while a signal was sent less than [`EVERY`] ago.
    rest: RefCell<Option<glib::SourceId>>,
    batch: Batch,
}

/// Keeps the icon up to date from now on.
pub fn show(application: &impl IsA<gio::Application>, batch: &Batch) {
    let launcher = Rc::new(Launcher {
        application: application.as_ref().downgrade(),
        shown: Cell::default(),
        rest: RefCell::default(),
        batch: batch.clone(),
    });
    launcher.tell();
    // The batch keeps its listeners, so they may not keep it.
    let weak = Rc::downgrade(&launcher);
    batch.connect_changed(move |_| {
        if let Some(launcher) = weak.upgrade() {
            launcher.tell();
        }
    });
    // What lives as long as the application also cleans up with it.
    application.connect_shutdown(move |_| launcher.send(Entry::default()));
}

impl Launcher {
    fn tell(self: &Rc<Self>) {
        let entry = Entry::of(&self.batch);
        if entry == self.shown.get() || self.rest.borrow().is_some() {
            return;
        }
        self.send(entry);
        let weak = Rc::downgrade(self);
        let rest = glib::timeout_add_local_once(EVERY, move || {
            if let Some(launcher) = weak.upgrade() {
                launcher.rest.take();
                launcher.tell();
            }
        });
        self.rest.replace(Some(rest));
    }

    fn send(&self, entry: Entry) {
        if self.shown.replace(entry) == entry {
            return;
        }
        let bus = self.application.upgrade().and_then(|application| application.dbus_connection());
        let Some(bus) = bus else { return };
        let sent =
            bus.emit_signal(None, PATH, "com.canonical.Unity.LauncherEntry", "Update", Some(&entry.to_variant()));
        if let Err(error) = sent {
            tracing::debug!(%error, "The launcher is not told");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_have_the_types_of_the_interface() {
        let told = Entry { count: 3, percent: Some(40) }.to_variant();
        assert_eq!(told.type_().as_str(), "(sa{sv})");
        let values = glib::VariantDict::new(Some(&told.child_value(1)));
        assert_eq!(values.lookup::<i64>("count").unwrap(), Some(3));
        assert_eq!(values.lookup::<f64>("progress").unwrap(), Some(0.4));
        assert_eq!(values.lookup::<bool>("progress-visible").unwrap(), Some(true));
        let none = glib::VariantDict::new(Some(&Entry::default().to_variant().child_value(1)));
        assert_eq!(none.lookup::<bool>("progress-visible").unwrap(), Some(false));
        assert_eq!(none.lookup::<bool>("count-visible").unwrap(), Some(false));
    }
}

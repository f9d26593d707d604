// SPDX-License-Identifier: GPL-3.0-or-later
//! Keeps the machine awake while downloads are at work, if the user likes that.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use gtk::glib;
use gtk::prelude::*;

use crate::desktop::awake::Awake;
use crate::i18n::gettext;
use crate::model::batch::Batch;
use crate::settings::{Key, Settings};

/// From one download to the next there is a moment in which none works.
const GRACE: Duration = Duration::from_secs(10);

#[derive(Debug)]
struct Wake {
    application: glib::WeakRef<gtk::Application>,
    batch: Batch,
    settings: Settings,
    /// The toolkit was asked; 0 where it cannot.
    cookie: Cell<Option<u32>>,
    /// What the portal was asked then.
    asked: RefCell<Option<Awake>>,
    release: RefCell<Option<glib::SourceId>>,
}

/// Follows the downloads and the preference from now on.
pub fn prevent(application: &impl IsA<gtk::Application>, batch: &Batch, settings: &Settings) {
    let wake = Rc::new(Wake {
        application: application.as_ref().downgrade(),
        batch: batch.clone(),
        settings: settings.clone(),
        cookie: Cell::new(None),
        asked: RefCell::default(),
        release: RefCell::default(),
    });
    wake.follow();
    let weak = Rc::downgrade(&wake);
    batch.connect_changed(move |_| {
        if let Some(wake) = weak.upgrade() {
            wake.follow();
        }
    });
    settings.connect_changed(Key::StayAwake, move || wake.follow());
}

impl Wake {
    fn follow(self: &Rc<Self>) {
        if !self.settings.stays_awake() {
            return self.let_go();
        }
        match (self.batch.is_busy(), self.cookie.get()) {
            (true, held) => {
                if let Some(release) = self.release.take() {
                    release.remove();
                }
                if held.is_none() {
                    self.hold();
                }
            }
            (false, Some(_)) if self.release.borrow().is_none() => {
                let weak = Rc::downgrade(self);
                let release = glib::timeout_add_local_once(GRACE, move || {
                    if let Some(wake) = weak.upgrade() {
                        wake.release.take();
                        wake.let_go();
                    }
                });
                self.release.replace(Some(release));
            }
            (false, _) => {}
        }
    }

    fn hold(&self) {
        let Some(application) = self.application.upgrade() else { return };
        // Translators: why the machine does not suspend, as the desktop tells it.
        let reason = gettext("Files are being downloaded");
        let window = application.active_window();
        let cookie = application.inhibit(window.as_ref(), gtk::ApplicationInhibitFlags::SUSPEND, Some(&reason));
        if cookie == 0 {
            self.asked.replace(Some(Awake::ask(&reason)));
        }
        self.cookie.set(Some(cookie));
    }

    fn let_go(&self) {
        if let Some(release) = self.release.take() {
            release.remove();
        }
        self.asked.take();
        if let (Some(cookie), Some(application)) = (self.cookie.take(), self.application.upgrade())
            && cookie != 0
        {
            application.uninhibit(cookie);
        }
    }
}

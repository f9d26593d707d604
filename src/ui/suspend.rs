// SPDX-License-Identifier: GPL-3.0-or-later
//! Keeps the machine awake while downloads are at work, if the user likes that.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use gtk::glib;
use gtk::prelude::*;

use crate::desktop::awake::Awake;
use crate::desktop::when_done;
use crate::i18n::gettext;
use crate::model::batch::Batch;
use crate::settings::{Key, Settings};

/// From one download to the next there is a moment in which none works.
const GRACE: Duration = Duration::from_secs(10);

/// What keeps the machine awake.
#[derive(Debug)]
pub struct Wake {
    application: glib::WeakRef<gtk::Application>,
    batch: Batch,
    settings: Settings,
    /// The toolkit was asked; 0 where it cannot.
    cookie: Cell<Option<u32>>,
    /// What the portal was asked then.
    asked: RefCell<Option<Awake>>,
    release: RefCell<Option<glib::SourceId>>,
}

/// Follows the downloads and the preference, as soon as is known what can be done when all have ended: while the machine is
/// kept awake logind says that it cannot be suspended, whoever it is that keeps it.
pub fn prevent(application: &impl IsA<gtk::Application>, batch: &Batch, settings: &Settings) -> Rc<Wake> {
    let wake = Rc::new(Wake {
        application: application.as_ref().downgrade(),
        batch: batch.clone(),
        settings: settings.clone(),
        cookie: Cell::new(None),
        asked: RefCell::default(),
        release: RefCell::default(),
    });
    let begun = wake.clone();
    glib::spawn_future_local(async move {
        when_done::offers().await;
        begun.begin();
    });
    wake
}

impl Wake {
    fn begin(self: &Rc<Self>) {
        self.follow();
        let weak = Rc::downgrade(self);
        self.batch.connect_changed(move |_| {
            if let Some(wake) = weak.upgrade() {
                wake.follow();
            }
        });
        let wake = self.clone();
        self.settings.connect_changed(Key::StayAwake, move || wake.follow());
    }

    /// The machine is to be suspended after all. Answers whether it was kept awake: the desktop then has to hear first
    /// that it is no longer.
    pub fn end(&self) -> bool {
        let was_awake = self.cookie.get().is_some();
        self.let_go();
        was_awake
    }

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

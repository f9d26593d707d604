// SPDX-License-Identifier: GPL-3.0-or-later
//! When all downloads have ended: what the user wants done then, after a time in which it can be cancelled,
//! in the window and, where nobody looks at it, in a notification. Done once, unless each time is wanted.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use adw::prelude::*;
use gtk::{gio, glib};

use super::application::Application;
use super::messages;
use super::suspend::Wake;
use super::window::Window;
use crate::desktop::power::Power;
use crate::desktop::{after_command, power};
use crate::i18n::gettext;
use crate::model::Session;
use crate::model::afterwards::{self, Afterwards, Countdown};
use crate::model::batch::Ended;
use crate::settings::{Key, Settings};

/// The application's action behind the notification's button.
pub const CANCEL: &str = "cancel-when-done";

/// The tag of the notification.
const TAG: &str = "when-done";

/// A second is never skipped.
const TICK: Duration = Duration::from_millis(250);

struct Follower {
    application: glib::WeakRef<Application>,
    settings: Settings,
    wake: Rc<Wake>,
    counting: RefCell<Option<Counting>>,
}

struct Counting {
    countdown: Countdown,
    ended: Ended,
    dialog: Option<adw::MessageDialog>,
    tick: Option<glib::SourceId>,
}

/// Follows the downloads from now on.
pub fn follow(application: &Application, session: &Session, settings: &Settings, wake: Rc<Wake>) {
    if !settings.when_done_is_lasting() && settings.when_done() != Afterwards::Nothing.name() {
        // It was meant for what was downloaded then.
        settings.set_when_done(Afterwards::Nothing.name());
    }
    let follower = Rc::new(Follower {
        application: application.downgrade(),
        settings: settings.clone(),
        wake,
        counting: RefCell::default(),
    });
    let of_ended = follower.clone();
    session.batch().connect_ended(move |ended| of_ended.begin(ended));
    let of_changed = follower.clone();
    session.batch().connect_changed(move |batch| {
        if batch.to_do() > 0 {
            of_changed.stop();
        }
    });
    let of_choice = follower.clone();
    settings.connect_changed(Key::WhenDone, move || {
        let chosen = of_choice.chosen();
        let is_other = of_choice.counting.borrow().as_ref().is_some_and(|counting| counting.countdown.what != chosen);
        if is_other {
            of_choice.stop();
        }
    });
    let cancel = gio::SimpleAction::new(CANCEL, None);
    cancel.connect_activate(move |_, _| follower.cancel());
    application.add_action(&cancel);
}

impl Follower {
    fn chosen(&self) -> Afterwards {
        Afterwards::named(&self.settings.when_done()).unwrap_or(Afterwards::Nothing)
    }

    /// All have ended.
    fn begin(self: &Rc<Self>, ended: Ended) {
        let what = self.chosen();
        self.stop();
        if !what.is_counted_down() {
            if what == Afterwards::Notify {
                self.notify(&what.heading(), &afterwards::outcome(ended), false);
                self.spend();
            }
            return;
        }
        let now = Instant::now();
        let countdown = Countdown::new(what, self.settings.when_done_delay(), now);
        if !self.window().is_some_and(|window| messages::is_looked_at(&window)) {
            self.notify(&what.heading(), &countdown.lasting_words(ended, now, SystemTime::now()), true);
        }
        let weak = Rc::downgrade(self);
        let tick = glib::timeout_add_local(TICK, move || {
            if let Some(follower) = weak.upgrade() {
                follower.tick();
            }
            glib::ControlFlow::Continue
        });
        self.counting.replace(Some(Counting { countdown, ended, dialog: None, tick: Some(tick) }));
        self.tick();
    }

    /// Says how much time is left, or does it.
    fn tick(self: &Rc<Self>) {
        let now = Instant::now();
        let Some((countdown, ended)) =
            self.counting.borrow().as_ref().map(|counting| (counting.countdown, counting.ended))
        else {
            return;
        };
        if countdown.left(now).is_none() {
            return self.perform();
        }
        let words = countdown.words(ended, now);
        let dialog = self.counting.borrow().as_ref().and_then(|counting| counting.dialog.clone());
        match dialog {
            Some(dialog) if dialog.body() != words => dialog.set_body(&words),
            Some(_) => {}
            // One that is out of sight may be shown again meanwhile.
            None => {
                if let Some(window) = self.window().filter(|window| window.is_visible()) {
                    let dialog = self.dialog(&window, countdown.what, &words);
                    if let Some(counting) = &mut *self.counting.borrow_mut() {
                        counting.dialog = Some(dialog.clone());
                    }
                    dialog.present();
                }
            }
        }
    }

    fn dialog(self: &Rc<Self>, window: &Window, what: Afterwards, words: &str) -> adw::MessageDialog {
        let dialog = messages::question(window, &what.heading(), words);
        dialog.add_responses(&[("cancel", &gettext("_Cancel")), ("now", &what.now_label())]);
        dialog.set_close_response("cancel");
        dialog.set_default_response(Some("cancel"));
        dialog.set_response_appearance("now", adw::ResponseAppearance::Destructive);
        let weak = Rc::downgrade(self);
        dialog.connect_response(None, move |_, response| {
            let Some(follower) = weak.upgrade() else { return };
            if let Some(counting) = &mut *follower.counting.borrow_mut() {
                // It closes itself.
                counting.dialog = None;
            }
            match response {
                "now" => follower.perform(),
                _ => follower.cancel(),
            }
        });
        dialog
    }

    /// The user does not want it, this time.
    fn cancel(&self) {
        if self.counting.borrow().is_some() {
            self.stop();
            self.spend();
        }
    }

    /// Nothing is counted down any longer.
    fn stop(&self) -> Option<Counting> {
        let mut counting = self.counting.take()?;
        if let Some(dialog) = counting.dialog.take() {
            dialog.destroy();
        }
        if let Some(application) = self.application.upgrade() {
            application.withdraw_notification(TAG);
        }
        Some(counting)
    }

    /// What was to be done once is not done again.
    fn spend(&self) {
        if !self.settings.when_done_is_lasting() {
            self.settings.set_when_done(Afterwards::Nothing.name());
        }
    }

    fn perform(self: &Rc<Self>) {
        let Some(counting) = self.stop() else { return };
        self.spend();
        let power = match counting.countdown.what {
            Afterwards::Suspend => Power::Suspend,
            Afterwards::PowerOff => Power::Off,
            Afterwards::Command => return self.run_command(counting.ended),
            Afterwards::Nothing | Afterwards::Notify => return,
        };
        let follower = self.clone();
        // From the last download on the machine is kept awake for a moment.
        let was_awake = self.wake.end();
        glib::spawn_future_local(async move {
            if was_awake && power == Power::Suspend {
                power::no_longer_awake().await;
            }
            if let Err(sentence) = power::go(power).await {
                follower.tell(&sentence);
            }
        });
    }

    fn run_command(self: &Rc<Self>, ended: Ended) {
        let follower = self.clone();
        let run = after_command::run(&self.settings.text(Key::WhenDoneCommand), ended, move |sentence| {
            follower.tell(sentence);
        });
        if let Err(sentence) = run {
            self.tell(&sentence);
        }
    }

    /// Says what did not work where it is seen.
    fn tell(&self, sentence: &str) {
        tracing::warn!("{sentence}");
        match self.window().filter(messages::is_looked_at) {
            Some(window) => messages::tell(window.toasts(), sentence),
            None => self.notify(&gettext("All Downloads Have Ended"), sentence, false),
        }
    }

    fn notify(&self, title: &str, body: &str, can_cancel: bool) {
        let Some(application) = self.application.upgrade() else { return };
        let notification = gio::Notification::new(title);
        notification.set_icon(&gio::ThemedIcon::new("folder-download-symbolic"));
        notification.set_body(Some(body));
        if can_cancel {
            // It stays until it is answered.
            notification.set_priority(gio::NotificationPriority::Urgent);
            notification.add_button(&gettext("Cancel"), &format!("app.{CANCEL}"));
        }
        application.send_notification(Some(TAG), &notification);
    }

    fn window(&self) -> Option<Window> {
        let application = self.application.upgrade()?;
        application.windows().into_iter().find_map(|window| window.downcast().ok())
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        if let Some(tick) = self.tick.take() {
            tick.remove();
        }
    }
}

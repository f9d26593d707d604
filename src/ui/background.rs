// SPDX-License-Identifier: GPL-3.0-or-later
//! What is done about running without the window, and about being started without it, when the user
//! changes the preferences.

use std::cell::Cell;
use std::rc::Rc;

use adw::prelude::*;
use gtk::glib;

use super::application::Application;
use super::messages;
use super::window::Window;
use crate::desktop::{autostart, background};
use crate::i18n::{gettext, ngettext_f};
use crate::model::batch::Batch;
use crate::model::{Session, amounts};
use crate::settings::{Key, Settings};

/// Follows the preferences, and in a sandbox tells the desktop what goes on, from now on.
pub fn follow(application: &Application, session: &Session, settings: &Settings) {
    let follows = |key: Key, follow: fn(&Application, &Settings)| {
        let settings_of = settings.clone();
        settings.connect_changed(
            key,
            glib::clone!(
                #[weak]
                application,
                move || follow(&application, &settings_of)
            ),
        );
    };
    follows(Key::Autostart, follow_autostart);
    if !background::is_sandboxed() {
        return;
    }
    follows(Key::RunInBackground, follow_background);
    tell_what_goes_on(application, session.batch());
}

/// The desktop shows it where programs are that run without a window: as soon as there is none, and when it changes.
fn tell_what_goes_on(application: &Application, batch: &Batch) {
    let told = Rc::new(Cell::new(None));
    let look = glib::clone!(
        #[weak]
        application,
        move |batch: &Batch| {
            let pending = batch.to_do();
            let is_hidden = application.windows().iter().all(|window| !window.is_visible());
            if is_hidden && told.replace(Some(pending)) != Some(pending) {
                background::set_status(&status(pending));
            }
        }
    );
    batch.connect_changed(look.clone());
    let batch = batch.clone();
    let follow = move |window: &gtk::Window| {
        let (look, batch) = (look.clone(), batch.clone());
        window.connect_visible_notify(move |_| look(&batch));
    };
    application.windows().iter().for_each(&follow);
    application.connect_window_added(move |_, window| follow(window));
}

fn status(pending: u32) -> String {
    if pending == 0 {
        // Translators: what Freshet does without its window, as the desktop tells it.
        return gettext("Nothing is being downloaded");
    }
    ngettext_f(
        "{n} download is not complete",
        "{n} downloads are not complete",
        pending,
        &[("n", &amounts::count(pending))],
    )
}

fn follow_autostart(application: &Application, settings: &Settings) {
    let (settings, application) = (settings.clone(), application.downgrade());
    let starts = settings.starts_with_session();
    autostart::set(starts, move |sentence| {
        // Where it was to start no longer, that would be the same wish once more, and so on.
        if starts {
            let settings = settings.clone();
            // What shows the preference does not notice that it changes while it is being changed.
            glib::idle_add_local_once(move || settings.set_boolean(Key::Autostart, false));
        }
        tell(application.upgrade(), sentence);
    });
}

fn follow_background(application: &Application, settings: &Settings) {
    if !settings.runs_in_background() {
        return;
    }
    let (settings, application) = (settings.clone(), application.downgrade());
    background::request(settings.starts_with_session(), move |answer| {
        let sentence = match answer {
            Ok(granted) if granted.background => return,
            Ok(_) => gettext("The desktop does not let Freshet run without its window."),
            Err(sentence) => sentence,
        };
        settings.set_boolean(Key::RunInBackground, false);
        tell(application.upgrade(), &sentence);
    });
}

/// Says it where the user looks. A window that was closed meanwhile comes back: without it the program may not run on.
fn tell(application: Option<Application>, sentence: &str) {
    let window = application.and_then(|application| application.active_window());
    match window.map(|window| window.downcast::<adw::PreferencesWindow>()) {
        Some(Ok(preferences)) => {
            messages::come_to_front(&preferences);
            preferences.add_toast(messages::toast(sentence, &preferences));
        }
        Some(Err(window)) => {
            if let Ok(window) = window.downcast::<Window>() {
                messages::tell_in_front(&window, window.toasts(), sentence);
            }
        }
        None => tracing::warn!("{sentence}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_nothing_is_left_no_number_is_told() {
        assert_eq!(
            [0, 1, 2].map(status),
            ["Nothing is being downloaded", "1 download is not complete", "2 downloads are not complete"]
        );
    }
}

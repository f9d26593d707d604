// SPDX-License-Identifier: GPL-3.0-or-later
//! What is done about running without the window, and about being started without it, when the user
//! changes the preferences.

use adw::prelude::*;
use gtk::glib;

use super::application::Application;
use super::messages;
use super::window::Window;
use crate::desktop::{autostart, background};
use crate::i18n::{gettext, ngettext_f};
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
    let told = std::cell::Cell::new(None);
    session.batch().connect_changed(glib::clone!(
        #[weak]
        application,
        move |batch| {
            let pending = batch.to_do();
            let is_hidden = application.windows().iter().all(|window| !window.is_visible());
            if is_hidden && told.replace(Some(pending)) != Some(pending) {
                background::set_status(&ngettext_f(
                    "{n} download is not complete",
                    "{n} downloads are not complete",
                    pending,
                    &[("n", &amounts::count(pending))],
                ));
            }
        }
    ));
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

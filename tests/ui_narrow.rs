// SPDX-License-Identifier: GPL-3.0-or-later
//! No words are cut off in a narrow window, in any language. A process has one language, so each is tried in one of its
//! own. Without a display nothing is tested, see ui_templates.rs.
#![cfg(feature = "gui")]

mod support;

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use adw::prelude::*;
use freshet::model::session::Place;
use freshet::model::{Addresses, Session};
use freshet::settings::{Settings, WindowShape};
use freshet::ui::add_dialog::AddDialog;
use freshet::ui::preferences::Preferences;
use freshet::ui::rule_dialog::RuleDialog;
use freshet::ui::window::Window;
use gtk::gio;
use support::mainloop::MainLoop;
use support::process::skip;

/// As on a telephone.
const WIDTH: i32 = 360;
const HEIGHT: i32 = 640;

/// Begins each line of what is cut off.
const CUT: &str = "cut off: ";
const TRIED: &str = "tried: ";
const NO_DISPLAY: &str = "there is no display";

/// A locale that has a language: with that of C, glibc 2.39 and later do not ask for `LANGUAGE`.
const LOCALE: &str = "en_US.UTF-8";
/// A message that no language has in common with English.
const MESSAGE: &str = "There is no link on the clipboard";

#[test]
fn nothing_is_cut_off_in_a_narrow_window_in_any_language() {
    let languages: Vec<_> = include_str!("../po/LINGUAS").lines().chain(["en"]).collect();
    let locales = locales();
    let has_display = AtomicBool::new(true);
    // Two at a time, which mostly wait for frames.
    let cut: Vec<_> = std::thread::scope(|scope| {
        let halves: Vec<_> = languages.chunks(languages.len().div_ceil(2)).collect();
        let halves: Vec<_> = halves
            .into_iter()
            .map(|half| {
                scope
                    .spawn(|| half.iter().flat_map(|one| cut_in(one, locales.path(), &has_display)).collect::<Vec<_>>())
            })
            .collect();
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect()
    });
    assert!(cut.is_empty(), "\n{}", cut.join("\n"));
    if !has_display.into_inner() {
        skip(NO_DISPLAY);
    }
}

/// A folder with [`LOCALE`], which need not be installed.
fn locales() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(LOCALE);
    // It may warn, and then tell a failure, of a locale that it has made.
    let made = Command::new("localedef").args(["-i", "en_US", "-f", "UTF-8"]).arg(&path).output();
    assert!(path.is_dir(), "{made:?}");
    folder
}

/// What is cut off in a language.
fn cut_in(language: &str, locales: &Path, has_display: &AtomicBool) -> Vec<String> {
    let told = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "in_the_language_of_the_process", "--ignored", "--nocapture"])
        .env("LOCPATH", locales)
        .env("LC_ALL", LOCALE)
        .env("LANGUAGE", language)
        .output()
        .unwrap();
    let (told, errors) = (String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr));
    let mut tried = told.lines().filter_map(|line| line.split_once(TRIED));
    match tried.next_back().map(|(_, count)| count.parse::<usize>()) {
        Some(Ok(labels)) => assert!(labels > 100, "only {labels} labels were seen in {language}"),
        _ => {
            let may_be_without = std::env::var_os("FRESHET_NEEDS_DISPLAY").is_none();
            assert!(told.contains(NO_DISPLAY) && may_be_without, "{language}: {told}{errors}");
            has_display.store(false, Ordering::Relaxed);
        }
    }
    let cut = told.lines().filter_map(|line| line.split_once(CUT));
    cut.map(|(_, words)| format!("{language}: {words}")).collect()
}

#[test]
#[ignore = "runs once for each language"]
fn in_the_language_of_the_process() {
    freshet::i18n::init();
    if adw::init().is_err() {
        return println!("{NO_DISPLAY}");
    }
    let language = std::env::var("LANGUAGE").unwrap();
    assert!(language == "en" || freshet::i18n::gettext(MESSAGE) != MESSAGE, "nothing is translated");
    freshet::ui::load_resources().unwrap();
    let settings = Settings::in_memory().unwrap();
    settings.set_window_shape(WindowShape { width: WIDTH, height: HEIGHT, maximized: false });
    let application = adw::Application::builder()
        .resource_base_path("/io/github/freshet/Freshet")
        .flags(gio::ApplicationFlags::NON_UNIQUE)
        .build();
    application.register(gio::Cancellable::NONE).unwrap();
    application.set_default();
    let session = Session::start(settings.clone()).unwrap();
    let window = Window::new(&application, &session, &settings);
    let mut tried = look_at(&window, "the empty window");
    let folder = tempfile::tempdir().unwrap();
    let place = Place { folder: Some(folder.path().into()), ..Place::default() };
    // Nobody listens there.
    session.add(&Addresses::in_lines("http://127.0.0.1:1/a.bin"), &place);
    until(|| window.view().is_mapped());
    tried += look_at(&window, "the list");

    let dialog = AddDialog::new(&settings, |_, _| ());
    let more = every::<adw::ExpanderRow>(&dialog).remove(0);
    more.set_expanded(true);
    tried += look_at(&dialog, "the dialog that adds downloads");
    dialog.destroy();

    let dialog = AddDialog::new(&settings, |_, _| ());
    look_at_title(&dialog);
    dialog.destroy();

    let rule = RuleDialog::new(None, |_| ());
    tried += look_at(&rule, "the dialog for a rule");
    rule.destroy();

    let preferences = Preferences::new(&settings, &window);
    for page in every::<adw::PreferencesPage>(&preferences) {
        preferences.set_visible_page(&page);
        tried += look_at(&preferences, &format!("the preferences, {}", page.title()));
    }
    println!("{TRIED}{tried}");
}

/// Shows a window with this width, and says what words of it cannot be read to their end. How many were looked at.
fn look_at(window: &impl IsA<gtk::Window>, what: &str) -> usize {
    let window: &gtk::Window = window.upcast_ref();
    window.set_default_size(WIDTH, HEIGHT);
    window.present();
    settle(window);
    if window.width() > WIDTH {
        println!("{CUT}{what} is {} pixels wide", window.width());
    }
    let labels: Vec<_> = every::<gtk::Label>(window).into_iter().filter(|label| label.is_mapped()).collect();
    for label in labels.iter().filter(|label| is_cut_off(label)) {
        println!("{CUT}“{}” in {what}", label.text());
    }
    labels.len()
}

/// A title is broken only where the window is narrow.
fn look_at_title(window: &impl IsA<gtk::Window>) {
    let window: &gtk::Window = window.upcast_ref();
    window.present();
    settle(window);
    let title = every::<gtk::Label>(window).into_iter().find(|label| label.has_css_class("title")).unwrap();
    if title.layout().line_count() > 1 {
        println!("{CUT}“{}” is broken, though {} pixels are there", title.text(), window.width());
    }
}

/// `measure` would count padding as well, which is no part of what a widget says of its size.
fn is_cut_off(label: &gtk::Label) -> bool {
    let layout = label.layout();
    let (width, height) = layout.pixel_size();
    layout.is_ellipsized() || width > label.width() || height > label.height()
}

/// Until it has been drawn a few times, as what is narrow is laid out anew.
fn settle(window: &gtk::Window) {
    let mut frames = None;
    until(|| {
        if let Some(clock) = window.frame_clock().filter(|_| window.is_mapped()) {
            let drawn = clock.frame_counter();
            frames = Some((drawn, frames.map_or(drawn, |(_, first)| first)));
            window.queue_draw();
        }
        frames.is_some_and(|(drawn, first)| drawn >= first + 5)
    });
}

/// Runs the main loop until it is so.
fn until(is_so: impl FnMut() -> bool) {
    MainLoop::take().run_until(Duration::from_secs(20), "what comes of it", is_so);
}

fn every<T: IsA<gtk::Widget>>(within: &impl IsA<gtk::Widget>) -> Vec<T> {
    let mut found: Vec<T> = within.upcast_ref::<gtk::Widget>().clone().downcast().into_iter().collect();
    let mut child = within.first_child();
    while let Some(next) = child {
        found.extend(every::<T>(&next));
        child = next.next_sibling();
    }
    found
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! The widgets on a real display: every template is built with criticals being fatal, rows are filled
//! and recycled. Without a display nothing is tested, and that is said; it is a failure where
//! build-aux/gui-session.sh promised one.
#![cfg(feature = "gui")]

mod support;

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, SystemTime};

use adw::prelude::*;
use freshet::engine::download::state::State;
use freshet::engine::event::{Event, Progress, Snapshot};
use freshet::engine::sorting::{Rule, Rules};
use freshet::engine::{DownloadId, Speed};
use freshet::model::order::{Order, SortKey};
use freshet::model::{DownloadList, DownloadObject, Session, amounts};
use freshet::settings::{Key, Settings, WindowShape};
use freshet::ui::actions::{DownloadAction, WindowAction};
use freshet::ui::add_dialog::AddDialog;
use freshet::ui::download_row::DownloadRow;
use freshet::ui::downloads_view::DownloadsView;
use freshet::ui::even_lines::EvenLines;
use freshet::ui::messages;
use freshet::ui::row_button::RowButton;
use freshet::ui::status_line::StatusLine;
use freshet::ui::whole_value::show_whole;
use freshet::ui::window::Window;
use gtk::{gio, glib};
use support::mainloop::MainLoop;
use support::process::skip;

/// The width of the narrowest window.
const NARROW: i32 = 360;

type Job = Box<dyn FnOnce() + Send>;

/// Runs a test on the one thread that GTK can be used from. A panic there fails the test here.
fn on_display(test: fn()) {
    static THREAD: OnceLock<Option<Sender<Job>>> = OnceLock::new();
    let thread = THREAD.get_or_init(|| {
        let (jobs, queue) = channel::<Job>();
        let (started, is_started) = channel();
        std::thread::spawn(move || {
            let has_display = adw::init().is_ok();
            if has_display {
                glib::log_set_always_fatal(glib::LogLevels::LEVEL_CRITICAL | glib::LogLevels::LEVEL_ERROR);
                freshet::ui::load_resources().unwrap();
            }
            started.send(has_display).unwrap();
            queue.into_iter().for_each(|job| job());
        });
        is_started.recv().unwrap().then_some(jobs)
    });
    let Some(thread) = thread else {
        assert!(std::env::var_os("FRESHET_NEEDS_DISPLAY").is_none(), "there is no display, but one was promised");
        return skip("there is no display; build-aux/gui-session.sh makes one");
    };
    let (done, is_done) = channel();
    let job = move || {
        let ended = std::panic::catch_unwind(test);
        done.send(ended).unwrap();
    };
    thread.send(Box::new(job)).unwrap();
    if let Err(panic) = is_done.recv().unwrap() {
        std::panic::resume_unwind(panic);
    }
}

/// Lets the main loop work until `is_reached`, for ten seconds at most.
fn until(is_reached: impl Fn() -> bool) {
    MainLoop::take().run_until(Duration::from_secs(10), "what comes of it", is_reached);
}

/// The one application of this process: a second one could not be registered.
fn application() -> adw::Application {
    let application = gio::Application::default().and_downcast::<adw::Application>();
    application.unwrap_or_else(|| {
        let application = adw::Application::builder().flags(gio::ApplicationFlags::NON_UNIQUE).build();
        application.register(gio::Cancellable::NONE).unwrap();
        application.set_default();
        application
    })
}

fn session() -> (Session, Settings) {
    let settings = Settings::in_memory().unwrap();
    (Session::start(settings.clone()).unwrap(), settings)
}

fn snapshot(id: u64, state: State) -> Snapshot {
    Snapshot {
        id: DownloadId(id),
        url: format!("http://127.0.0.1/file-{id}.iso").parse().unwrap(),
        folder: PathBuf::from("/srv"),
        name: format!("file-{id}.iso"),
        path: Some(PathBuf::from("/srv/file")),
        state,
        progress: Progress { received: id, total: Some(1_000_000), speed: Speed(0), time_left: None },
        resumable: Some(true),
        media_type: None,
        verified: None,
        is_kept: false,
        moved: None,
        retry_in: None,
        retry_at: None,
        lacked_space: false,
        added_at: SystemTime::UNIX_EPOCH,
        finished_at: None,
    }
}

fn add(session: &Session, ids: std::ops::Range<u64>) {
    for id in ids {
        session.apply(&Event::Added(Box::new(snapshot(id, State::Downloading))));
    }
}

/// A widget and everything in it.
fn all_in(widget: &gtk::Widget) -> Vec<gtk::Widget> {
    let mut all = vec![widget.clone()];
    let mut child = widget.first_child();
    while let Some(next) = child {
        all.extend(all_in(&next));
        child = next.next_sibling();
    }
    all
}

fn every<T: IsA<gtk::Widget>>(within: &impl IsA<gtk::Widget>) -> Vec<T> {
    all_in(within.upcast_ref()).into_iter().filter_map(|widget| widget.downcast().ok()).collect()
}

/// Whether anything listens to changes of what every row shows.
fn is_watched(download: &DownloadObject) -> bool {
    let notify = glib::subclass::SignalId::lookup("notify", DownloadObject::static_type()).unwrap();
    ["name", "status", "fraction", "can-pause"].into_iter().any(|property| {
        let detail = glib::Quark::from_str(property);
        glib::signal::signal_has_handler_pending(download, notify, Some(detail), true)
    })
}

#[test]
fn every_template_can_be_built() {
    on_display(|| {
        let application = application();
        let (session, settings) = session();
        let window = Window::new(&application, &session, &settings);
        window.present();
        let dialog = AddDialog::new(&Settings::in_memory().unwrap(), |_, _| ());
        dialog.present();
        let failed = Window::failed(&application, "a <reason> & more");
        failed.present();
        until(|| window.is_mapped() && dialog.is_mapped() && failed.is_mapped());
        window.perform_window_action(WindowAction::Shortcuts);
        let shows_keys = |window: &gtk::Widget| window.is::<gtk::ShortcutsWindow>() && window.is_mapped();
        until(|| gtk::Window::list_toplevels().iter().any(shows_keys));
        window.destroy();
        dialog.destroy();
        failed.destroy();
    });
}

#[test]
fn the_names_of_the_preferences_pages_are_not_cut() {
    use freshet::ui::preferences::Preferences;
    on_display(|| {
        let parent = gtk::Window::new();
        let preferences = Preferences::new(&Settings::in_memory().unwrap(), &parent);
        preferences.present();
        let names = || -> Vec<_> {
            let labels =
                every::<adw::ViewSwitcher>(&preferences).iter().flat_map(every::<gtk::Label>).collect::<Vec<_>>();
            labels.into_iter().filter(|label| label.is_mapped() && !label.text().is_empty()).collect()
        };
        until(|| preferences.is_mapped() && names().iter().filter(|label| label.width() > 0).count() >= 4);
        let cut = names().into_iter().filter(|label| label.layout().is_ellipsized()).map(|label| label.text());
        assert_eq!(cut.collect::<Vec<_>>(), [""; 0]);
        preferences.destroy();
        parent.destroy();
    });
}

#[test]
fn the_details_are_asked_for_only_while_they_are_seen() {
    use freshet::model::details::Details;
    use freshet::ui::details_pane::DetailsPane;
    use std::{cell::Cell, rc::Rc};
    on_display(|| {
        let (session, _) = session();
        add(&session, 1..3);
        let [first, second] = [1, 2].map(|id| session.list().get(DownloadId(id)).unwrap());
        let looks = Rc::new(Cell::new(0));
        let pane: DetailsPane = glib::Object::new();
        let looked = looks.clone();
        pane.set_handlers(
            move |_| {
                looked.set(looked.get() + 1);
                Some(Details::default())
            },
            |_, _| (),
        );
        let progress = |id, received| {
            let progress = Progress { received, total: Some(1_000_000), ..Progress::default() };
            session.apply(&Event::Progressed { id: DownloadId(id), progress });
        };
        pane.show_selected(1, Some(first.clone()));
        progress(1, 10);
        assert_eq!(looks.get(), 0, "nobody sees them");

        let window = gtk::Window::builder().child(&pane).build();
        window.present();
        until(|| pane.is_mapped());
        assert_eq!(looks.replace(0), 1);
        progress(1, 20);
        progress(2, 20);
        assert_eq!(looks.replace(0), 1, "one look for each change of the one that is shown");
        pane.show_selected(1, Some(second));
        assert_eq!(looks.replace(0), 1);
        assert!(!is_watched(&first), "the pane still watches what it showed before");
        pane.show_selected(2, None);
        progress(2, 30);
        assert_eq!(looks.get(), 0, "no details of several downloads");
        window.destroy();
    });
}

#[test]
fn the_details_of_another_download_are_shown_from_the_top() {
    use freshet::model::details::{Details, Fact};
    use freshet::ui::details_pane::DetailsPane;
    on_display(|| {
        let (session, _) = session();
        add(&session, 1..3);
        let [first, second] = [1, 2].map(|id| session.list().get(DownloadId(id)).unwrap());
        let pane: DetailsPane = glib::Object::new();
        let facts = vec![Fact { name: "Size".into(), value: "1 MB".into() }; 40];
        pane.set_handlers(move |_| Some(Details { facts: facts.clone(), ..Details::default() }), |_, _| ());
        let window = gtk::Window::builder().child(&pane).build();
        pane.show_selected(1, Some(first));
        window.present();
        let place = every::<gtk::ScrolledWindow>(&pane)[0].vadjustment();
        until(|| place.upper() > place.page_size());
        place.set_value(100.0);
        assert!(place.value() > 0.0);
        pane.show_selected(1, Some(second));
        assert!(place.value() == 0.0, "its name is out of sight");
        window.destroy();
    });
}

#[test]
fn addresses_are_broken_without_hyphens() {
    on_display(|| {
        let dialog = AddDialog::new(&Settings::in_memory().unwrap(), |_, _| ());
        for view in every::<gtk::TextView>(&dialog) {
            let buffer = view.buffer();
            buffer.set_text("http://example.org/a-long-one");
            buffer.insert(&mut buffer.end_iter(), "/another");
            for at in [0, 30] {
                let tags = buffer.iter_at_offset(at).tags();
                assert!(tags.iter().any(|tag| !tag.property::<bool>("insert-hyphens")), "at {at}");
            }
        }
        dialog.destroy();
    });
}

#[test]
fn an_empty_window_offers_no_parts_of_the_list() {
    on_display(|| {
        let (session, settings) = session();
        let window = Window::new(&application(), &session, &settings);
        let shown = || {
            let all = every::<gtk::ToggleButton>(&window).into_iter();
            let actions = all.filter(|button| button.is_visible()).filter_map(|button| button.action_name());
            actions.filter(|action| action.starts_with("win.")).count()
        };
        window.present();
        until(|| window.is_mapped());
        assert_eq!(shown(), 0);
        add(&session, 1..2);
        until(|| shown() == 4);
        window.destroy();
    });
}

#[test]
fn ten_thousand_downloads_need_few_rows_and_leave_no_handler_behind() {
    on_display(|| {
        let (session, settings) = session();
        let window = Window::new(&application(), &session, &settings);
        add(&session, 1..10_001);
        window.present();
        until(|| window.is_mapped() && !every::<DownloadRow>(&window).is_empty());

        let scrolled = every::<gtk::ScrolledWindow>(window.view()).remove(0);
        let place = scrolled.vadjustment();
        let list = session.list();
        until(|| list.n_items() == 10_000);
        for part in [0.25, 0.9, 0.5, 1.0, 0.0] {
            place.set_value(part * (place.upper() - place.page_size()));
            // A few frames, in which rows are bound to what is now in sight.
            let frames = window.frame_clock().unwrap();
            let begin = frames.frame_counter();
            window.queue_draw();
            until(|| {
                window.queue_draw();
                frames.frame_counter() > begin + 3
            });
            let rows = every::<DownloadRow>(&window);
            let watched =
                list.iter::<DownloadObject>().filter(|download| is_watched(download.as_ref().unwrap())).count();
            assert!(rows.len() < 500, "{} rows for one window", rows.len());
            assert!(watched <= rows.len(), "{watched} downloads are watched by {} rows", rows.len());
            assert!(watched > 0);
        }
        window.destroy();
    });
}

#[test]
fn a_recycled_row_shows_the_new_download_only() {
    on_display(|| {
        let (session, _) = session();
        add(&session, 1..3);
        let [first, second] = [1, 2].map(|id| session.list().get(DownloadId(id)).unwrap());
        let row = DownloadRow::new(|_, _| ());
        for _ in 0..50 {
            row.set_download(Some(&first));
            row.set_download(None::<&DownloadObject>);
            row.set_download(Some(&second));
        }
        assert!(!is_watched(&first), "the row still watches what it showed before");
        let words =
            |row: &DownloadRow| every::<gtk::Label>(row).iter().map(|label| label.text()).collect::<Vec<_>>().join("|");
        assert!(words(&row).contains("file-2.iso"));
        let progress = Progress { received: 500_000, total: Some(1_000_000), ..Progress::default() };
        session.apply(&Event::Progressed { id: DownloadId(2), progress });
        assert!(words(&row).contains("500.0"), "{}", words(&row));
        assert!((every::<gtk::ProgressBar>(&row)[0].fraction() - 0.5).abs() < 1e-9);
        row.set_download(None::<&DownloadObject>);
        assert!(!is_watched(&second));
    });
}

#[test]
fn a_status_line_without_room_has_two_lines_of_the_brief_text() {
    on_display(|| {
        let line: StatusLine = glib::Object::new();
        let height = |width| line.measure(gtk::Orientation::Vertical, width).1;
        let (two, one) = (height(200), height(900));
        assert!(two > one, "{two} is no more than {one}");
        line.set_text("Downloading – 412.0 of 754.0 MB");
        line.set_brief("412.0 of 754.0 MB");
        assert_eq!((height(200), height(900)), (two, one), "the size follows from the text");
        let shown = |width| {
            line.allocate(width, height(width), -1, None);
            every::<gtk::Inscription>(&line)[0].text().unwrap().replace('\u{a0}', " ")
        };
        assert_eq!(shown(900), line.text());
        assert_eq!(shown(200), line.brief());
        line.set_brief("413.0 of 754.0 MB");
        assert_eq!(shown(200), line.brief());
        line.set_brief("");
        assert_eq!(shown(200), line.text());
        line.set_text("Completed – 18.4 MB – checksum verified");
        let text = every::<gtk::Inscription>(&line)[0].text().unwrap();
        assert!(!text.contains("– "), "a line of {text:?} may end with a dash");
    });
}

/// How many lines of text are drawn, by how far down each begins.
fn lines_drawn(widget: &impl IsA<gtk::Widget>) -> usize {
    let snapshot = gtk::Snapshot::new();
    gtk::WidgetPaintable::new(Some(widget)).snapshot(&snapshot, widget.width().into(), widget.height().into());
    let drawn = snapshot.to_node().map(|node| node.serialize());
    let drawn = String::from_utf8_lossy(drawn.as_deref().unwrap_or_default()).into_owned();
    let offsets = drawn.lines().filter_map(|line| line.trim().strip_prefix("offset: ")?.split_once(' '));
    offsets.map(|(_, down)| down.to_owned()).collect::<std::collections::BTreeSet<_>>().len()
}

#[test]
fn a_status_line_without_room_shows_both_lines() {
    on_display(|| {
        let line: StatusLine = glib::Object::new();
        line.add_css_class("caption");
        line.set_text("100.3 of 784.0 MB – 24.0 MB/s – 12 min left");
        line.set_valign(gtk::Align::Start);
        let narrow = adw::Clamp::builder().child(&line).maximum_size(200).tightening_threshold(200).build();
        let window = gtk::Window::builder().child(&narrow).build();
        // As the application does when it starts.
        let (display, style) = (WidgetExt::display(&window), gtk::CssProvider::new());
        style.load_from_resource("/io/github/freshet/Freshet/style.css");
        gtk::style_context_add_provider_for_display(&display, &style, gtk::STYLE_PROVIDER_PRIORITY_APPLICATION);
        window.present();
        until(|| line.width() == 200 && lines_drawn(&line) > 0);
        assert_eq!(lines_drawn(&line), 2);
        gtk::style_context_remove_provider_for_display(&display, &style);
        window.destroy();
    });
}

#[test]
fn the_buttons_of_a_row_follow_the_state() {
    on_display(|| {
        let (session, _) = session();
        session.apply(&Event::Added(Box::new(snapshot(1, State::Downloading))));
        let row = DownloadRow::new(|_, _| ());
        row.set_download(session.list().get(DownloadId(1)));
        let shown = || -> Vec<_> {
            let buttons = every::<gtk::Button>(&row).into_iter();
            let is_shown = |button: &gtk::Button| button.parent().is_some_and(|parent| parent.get_visible());
            buttons.filter(is_shown).filter_map(|button| button.action_name()).collect()
        };
        assert_eq!(shown(), ["row.pause", "row.remove"]);
        session.apply(&Event::Changed(Box::new(snapshot(1, State::Paused))));
        assert_eq!(shown(), ["row.resume", "row.remove"]);
        session.apply(&Event::Changed(Box::new(snapshot(1, State::Completed))));
        assert_eq!(shown(), ["row.show-in-folder", "row.open", "row.remove"]);
    });
}

#[test]
fn a_button_of_a_row_asks_for_its_own_download() {
    use freshet::ui::actions::DownloadAction;
    use std::{cell::RefCell, rc::Rc};
    on_display(|| {
        let (session, _) = session();
        add(&session, 1..2);
        let asked = Rc::new(RefCell::new(Vec::new()));
        let heard = asked.clone();
        let row = DownloadRow::new(move |action, download| heard.borrow_mut().push((action, download.id())));
        row.set_download(session.list().get(DownloadId(1)));
        WidgetExt::activate_action(&row, "row.pause", None).unwrap();
        assert_eq!(*asked.borrow(), [(DownloadAction::Pause, 1)]);
    });
}

#[test]
fn only_addresses_that_can_be_downloaded_can_be_added() {
    on_display(|| {
        let dialog = AddDialog::new(&Settings::in_memory().unwrap(), |_, _| ());
        let text = every::<gtk::TextView>(&dialog).remove(0).buffer();
        let add = dialog.default_widget().unwrap();
        assert!(!add.is_sensitive());
        text.set_text("https://example.org/a\nhttps://example.org/b");
        assert!(add.is_sensitive());
        text.set_text("https://example.org/a\nno address");
        assert!(!add.is_sensitive());
        dialog.destroy();
    });
}

#[test]
fn every_button_in_the_templates_has_a_name() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/ui");
    let mut buttons = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "ui") {
            continue;
        }
        let template = std::fs::read_to_string(&path).unwrap();
        for (kind, name) in [
            ("GtkButton", "label"),
            ("GtkMenuButton", "label"),
            ("GtkToggleButton", "label"),
            ("FreshetRowButton", "words"),
        ] {
            for (at, _) in template.match_indices(&format!("<object class=\"{kind}\"")) {
                // A button of ours has no other objects inside.
                let button = template[at..].split("</object>").next().unwrap();
                assert!(
                    button.contains(&format!("<property name=\"{name}\" translatable=\"yes\"")),
                    "{}: {button}",
                    path.display()
                );
                buttons += 1;
            }
        }
    }
    assert!(buttons > 10, "only {buttons} buttons were found");
}

#[test]
fn what_is_chosen_can_be_read_beside_long_words() {
    on_display(|| {
        // Letters of the second are twice as wide.
        for value in ["Choose a name of its own", "使用新的名称"] {
            let row = adw::ComboRow::builder()
                .title("If the file is there already")
                .subtitle("What was interrupted is always continued. ".repeat(4))
                .model(&gtk::StringList::new(&[value, "No"]))
                .build();
            show_whole(&row);
            let (page, group) = (adw::PreferencesPage::new(), adw::PreferencesGroup::new());
            group.add(&row);
            page.add(&group);
            let window = gtk::Window::builder().default_width(500).default_height(300).child(&page).build();
            window.present();
            let shown =
                || every::<gtk::Label>(&row).into_iter().find(|label| label.label() == value && label.is_mapped());
            until(|| shown().is_some_and(|label| label.width() > 0));
            assert!(!shown().unwrap().layout().is_ellipsized(), "{value}");
            window.destroy();
        }
    });
}

#[test]
fn in_a_narrow_window_the_name_in_the_details_has_its_line() {
    use freshet::ui::details_pane::DetailsPane;
    on_display(|| {
        for (width, wanted) in [(360, gtk::Orientation::Vertical), (1000, gtk::Orientation::Horizontal)] {
            let (session, settings) = session();
            settings.set_window_shape(WindowShape { width, height: 500, maximized: false });
            add(&session, 1..4);
            let window = Window::new(&application(), &session, &settings);
            window.present();
            until(|| window.is_mapped() && window.width() > 0);
            assert_eq!(every::<DetailsPane>(&window).len(), 0, "nobody has looked at any");
            ActionGroupExt::activate_action(&window, "details-visible", None);
            until(|| every::<DetailsPane>(&window).len() == 1);
            // Rows of libadwaita have a box of this name, too.
            let header: gtk::Box = named(&every::<DetailsPane>(&window)[0], "header");
            until(|| header.orientation() == wanted);
            window.destroy();
        }
    });
}

#[test]
fn days_stand_in_one_line_or_in_two_of_the_same_columns() {
    on_display(|| {
        let days = gtk::Box::builder().layout_manager(&glib::Object::new::<EvenLines>()).build();
        let day = |_| gtk::Label::builder().width_request(40).height_request(20).build();
        let all: Vec<_> = (0..7).map(day).collect();
        all.iter().for_each(|label| days.append(label));
        let height = |width: i32| days.measure(gtk::Orientation::Vertical, width).0;
        let (least, natural, ..) = days.measure(gtk::Orientation::Horizontal, -1);
        assert_eq!((least, natural), (40, 7 * 44 - 4));
        assert_eq!([height(natural), height(natural - 1), height(4 * 44 - 4), height(4 * 44 - 5)], [20, 44, 44, 68]);

        days.set_width_request(200);
        let around = gtk::Fixed::new();
        around.put(&days, 0.0, 0.0);
        let window = gtk::Window::builder().child(&around).build();
        window.present();
        let place = |label: &gtk::Label| label.compute_bounds(&days).map(|at| (at.x() as i32, at.y() as i32));
        until(|| days.width() == 200 && place(&all[6]).is_some_and(|(x, y)| (x, y) == (2 * 51, 24)));
        assert_eq!((place(&all[0]), place(&all[3])), (Some((0, 0)), Some((3 * 51, 0))));
        days.set_direction(gtk::TextDirection::Rtl);
        until(|| place(&all[4]) == Some((3 * 51, 24)));
        window.destroy();
    });
}

/// The widget of this name in a template.
fn named<T: IsA<gtk::Widget> + IsA<gtk::Buildable>>(within: &impl IsA<gtk::Widget>, id: &str) -> T {
    every::<T>(within).into_iter().find(|one| one.buildable_id().is_some_and(|own| own == id)).unwrap()
}

#[test]
fn words_of_a_notice_have_their_own_line_where_there_is_no_room_beside_the_button() {
    on_display(|| {
        for (width, is_below, downloads) in [(360, true, 1), (360, true, 4), (700, false, 1), (700, false, 4)] {
            let (session, settings) = session();
            settings.set_window_shape(WindowShape { width, height: 500, maximized: false });
            // From 1 to 1: an empty list, where there are no groups beside the list.
            add(&session, 1..downloads);
            let window = Window::new(&application(), &session, &settings);
            let (lost, words): (gtk::Box, gtk::Label) = (named(&window, "lost"), named(&window, "lost_words"));
            let button: gtk::Button = named(&window, "lost_choose");
            words.set_label("The folder /media/disk/Downloads cannot be reached. 3 downloads are to be saved there.");
            lost.set_visible(true);
            window.present();
            until(|| button.is_mapped() && button.width() > 0);
            let place = |widget: &gtk::Widget| widget.compute_bounds(&lost).unwrap();
            let (words, button) = (place(words.upcast_ref()), place(button.upcast_ref()));
            let told = format!("{width} with {downloads}: {words:?}, {button:?}");
            assert_eq!(button.y() >= words.y() + words.height(), is_below, "{told}");
            assert!(words.width() >= 250.0, "{told}");
            window.destroy();
        }
    });
}

#[test]
fn a_long_name_leaves_a_toast_its_meaning_and_its_button() {
    on_display(|| {
        let overlay = adw::ToastOverlay::new();
        let window = gtk::Window::builder().default_width(360).default_height(300).child(&overlay).build();
        overlay.set_child(Some(&gtk::Label::new(None)));
        window.present();
        until(|| overlay.width() > 0);
        let name = messages::brief("debian-13.2.0-amd64-netinst-with-a-very-long-name-for-a-file.iso");
        let words = format!("“{name}” was taken off the list");
        messages::offer_undo(&overlay, &words, || (), || ());
        let label = || every::<gtk::Label>(&overlay).into_iter().find(|label| label.label() == words);
        until(|| label().is_some_and(|label| label.is_mapped() && label.height() > 0));
        let label = label().unwrap();
        assert!(!label.layout().is_ellipsized(), "{:?}", label.layout().text());
        let needed = label.measure(gtk::Orientation::Vertical, label.width()).0;
        assert!(label.height() >= needed, "{} of {needed} pixels", label.height());
        for button in every::<gtk::Button>(&overlay) {
            let bounds = button.compute_bounds(&overlay).unwrap();
            assert!(bounds.x() >= 0.0 && bounds.x() + bounds.width() <= 360.0, "{bounds:?}");
        }
        window.destroy();
    });
}

#[test]
fn the_time_of_a_start_is_typed_and_turned_past_midnight() {
    on_display(|| {
        let dialog = AddDialog::new(&Settings::in_memory().unwrap(), |_, _| ());
        let time: gtk::SpinButton = named(&dialog, "at");
        for (minute, text) in [(1350.0, "22:30"), (1455.0, "00:15"), (-15.0, "23:45")] {
            time.set_value(minute);
            assert_eq!(time.text(), text);
        }
        time.set_text("7.15");
        time.update();
        assert_eq!((time.value_as_int(), time.text().as_str()), (7 * 60 + 15, "07:15"));
        for no_time in ["noon", "", "25:61"] {
            time.set_text(no_time);
            time.update();
            assert_eq!((time.value_as_int(), time.text().as_str()), (7 * 60 + 15, "07:15"), "{no_time:?}");
        }
        dialog.destroy();
    });
}

#[test]
fn a_window_that_could_not_begin_takes_nothing_in() {
    use freshet::model::Addresses;
    use freshet::model::session::Place;
    on_display(|| {
        let window = Window::opening(&application(), &Settings::in_memory().unwrap());
        let takes_drops = || {
            let controllers = window.toasts().observe_controllers();
            let mut controllers = controllers.iter::<glib::Object>().flatten();
            controllers.any(|one| one.is::<gtk::DropTargetAsync>())
        };
        let can = |action: &str| window.lookup_action(action).unwrap().is_enabled();
        let addresses = Addresses::in_lines("http://127.0.0.1/file.iso");
        assert!(window.add(&addresses, &Place::default()) && takes_drops());
        assert!(["add", "paste", "import"].into_iter().all(can));
        window.fail("a reason");
        assert!(!window.add(&addresses, &Place::default()) && !takes_drops());
        assert!(!["add", "paste", "import"].into_iter().any(can));
        assert!(window.add(&Addresses::default(), &Place::default()), "there was nothing to lose");
        window.destroy();
    });
}

#[test]
fn the_preferences_call_a_granted_folder_by_its_own_name() {
    use freshet::ui::preferences::Preferences;
    on_display(|| {
        let settings = Settings::in_memory().unwrap();
        settings.set_chosen_folder(Some(&glib::user_runtime_dir().join("doc/8f3a/R&B"))).unwrap();
        let parent = gtk::Window::new();
        let preferences = Preferences::new(&settings, &parent);
        let row: adw::ActionRow = named(&preferences, "folder");
        assert!(every::<gtk::Label>(&row).iter().any(|label| label.text() == "R&B"), "{:?}", row.subtitle());
        preferences.destroy();
        parent.destroy();
    });
}

#[test]
fn signs_in_rules_and_hours_are_shown_as_they_are() {
    use freshet::ui::preferences::Preferences;
    on_display(|| {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("Bob's R&B");
        std::fs::create_dir(&folder).unwrap();
        let settings = Settings::in_memory().unwrap();
        settings.set_rules(&Rules(vec![Rule { patterns: "*.ogg".into(), folder: folder.clone(), ..Rule::default() }]));
        settings.set_text(Key::Hours, "R&B");
        let parent = gtk::Window::new();
        let preferences = Preferences::new(&settings, &parent);
        let shown = every::<gtk::Label>(&preferences).into_iter().map(|label| label.text());
        let shown: Vec<_> = shown.filter(|text| text.contains("R&")).collect();
        assert!(shown.iter().any(|text| *text == format!("Into {}", folder.display())), "{shown:?}");
        assert!(shown.iter().any(|text| text.starts_with("“R&B” should be")), "{shown:?}");
        assert!(!shown.iter().any(|text| text.contains("&amp;")), "{shown:?}");
        preferences.destroy();
        parent.destroy();
    });
}

#[test]
fn a_row_is_shown_whatever_group_and_words_keep_it_out() {
    use freshet::model::filter::{Filter, Group};
    use freshet::ui::sidebar::Sidebar;
    on_display(|| {
        let (session, settings) = session();
        session.apply(&Event::Added(Box::new(snapshot(1, State::Paused))));
        session.apply(&Event::Added(Box::new(snapshot(2, State::Completed))));
        let window = Window::new(&application(), &session, &settings);
        window.present();
        let list = session.list();
        until(|| window.is_mapped() && list.n_items() == 2);
        let shown = |id| window.view().only_selected().is_some_and(|download| download.id() == id);

        named::<Sidebar>(&window, "sidebar").choose(Group::Completed);
        assert_eq!(list.count(), 1);
        window.reveal(DownloadId(2));
        until(|| shown(2));
        assert_eq!(list.filter().group, Group::Completed, "it was in the group");
        window.reveal(DownloadId(1));
        until(|| shown(1));
        assert_eq!(list.filter(), Filter::default());

        named::<gtk::SearchBar>(&window, "search_bar").set_search_mode(true);
        named::<gtk::SearchEntry>(&window, "search_entry").set_text("file-1");
        until(|| list.count() == 1);
        // One that comes just now is let through before it is a row.
        session.apply(&Event::Added(Box::new(snapshot(10, State::Paused))));
        window.reveal(DownloadId(10));
        until(|| shown(10));
        assert!(list.filter().is_search(), "it was found");
        window.reveal(DownloadId(2));
        until(|| shown(2));
        assert_eq!(list.filter(), Filter::default());
        window.destroy();
    });
}

#[test]
fn numbers_that_are_written_and_not_confirmed_are_taken_when_downloads_are_added() {
    use freshet::model::session::Place;
    use freshet::model::terms::{Start, Term, Terms};
    on_display(|| {
        let said = Rc::new(RefCell::new(None));
        let hears = said.clone();
        let dialog = AddDialog::new(&Settings::in_memory().unwrap(), move |_, place| drop(hears.replace(Some(place))));
        dialog.append("http://127.0.0.1/file.iso");
        named::<adw::ComboRow>(&dialog, "start").set_selected(3);
        for (number, text) in [("connections", "7"), ("limit", "250"), ("at", "07:15")] {
            named::<gtk::SpinButton>(&dialog, number).set_text(text);
        }
        WidgetExt::activate_action(&dialog, "dialog.add", None).unwrap();
        let Some(Place { terms, start: Start::At(at), .. }) = said.take() else { panic!("it starts at no time") };
        let mut wanted = Terms::default();
        wanted.say(Term::Connections, "7").unwrap();
        wanted.say(Term::Limit, "250000").unwrap();
        assert_eq!(terms, wanted);
        let at = at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let at = glib::DateTime::from_unix_local(at.try_into().unwrap()).unwrap();
        assert_eq!((at.hour(), at.minute()), (7, 15));
    });
}

#[test]
fn the_usual_limit_is_shown_to_who_adds_and_said_only_where_it_is_another_one() {
    use freshet::model::terms::{Term, Terms};
    on_display(|| {
        let settings = Settings::in_memory().unwrap();
        // The preferences keep bytes, and their row kilobytes.
        let kilobytes = gtk::Adjustment::builder().upper(1e6).build();
        settings.bind_kilobytes(Key::RateLimitEach, &kilobytes, "value");
        kilobytes.set_value(250.5);
        let limit = |change: fn(&gtk::SpinButton)| {
            let said = Rc::new(RefCell::new(None));
            let hears = said.clone();
            let dialog = AddDialog::new(&settings, move |_, place| drop(hears.replace(Some(place.terms))));
            dialog.append("http://127.0.0.1/file.iso");
            let limit: gtk::SpinButton = named(&dialog, "limit");
            let shown = limit.text();
            change(&limit);
            WidgetExt::activate_action(&dialog, "dialog.add", None).unwrap();
            (shown, said.take().unwrap())
        };
        let terms = |text| {
            let mut terms = Terms::default();
            terms.say(Term::Limit, text).unwrap();
            terms
        };
        let (shown, said) = limit(|_| ());
        assert_eq!((shown.as_str(), said), ("251", Terms::default()));
        assert_eq!(limit(|limit| limit.set_text("0")).1, terms("0"));
        assert_eq!(limit(|limit| limit.set_text("300")).1, terms("300000"));
    });
}

#[test]
fn no_limit_is_offered_if_any_has_one_and_enter_takes_the_number() {
    use freshet::ui::limit_dialog::LimitDialog;
    on_display(|| {
        for (limits, offers) in [(&[None, Some(5000)][..], true), (&[None, None], false)] {
            let dialog = LimitDialog::new("body", limits.iter().copied(), |_| ());
            assert_eq!(dialog.is_response_enabled("free"), offers);
            dialog.destroy();
        }
        let parent = gtk::Window::new();
        parent.present();
        let chosen = Rc::new(Cell::new(None));
        let hears = chosen.clone();
        let dialog = LimitDialog::new("body", [Some(5000)], move |limit| hears.set(Some(limit)));
        dialog.set_transient_for(Some(&parent));
        dialog.present();
        until(|| dialog.is_mapped());
        let number: gtk::SpinButton = named(&dialog, "entry");
        assert_eq!(number.text(), "5");
        number.set_text("7");
        number.delegate().and_downcast::<gtk::Text>().unwrap().emit_activate();
        until(|| chosen.get().is_some());
        assert_eq!(chosen.get(), Some(Some(7000)));
        parent.destroy();
    });
}

#[test]
fn the_keyring_writes_over_no_user_name_that_is_being_typed() {
    use freshet::desktop::keyring::Recalled;
    use freshet::model::login::{Credentials, Login, LoginTo};
    use freshet::ui::login_dialog::LoginDialog;
    on_display(|| {
        let shown = |known: Option<&str>, typed: Option<&str>| {
            let login = Login {
                to: LoginTo::Server,
                sentence: String::new(),
                realm: None,
                user: known.map(str::to_owned),
                is_refused: false,
                is_open: false,
                others: Vec::new(),
                asker: None,
            };
            let dialog = LoginDialog::new(&login, |_| ());
            let [user, password] = ["user", "password"].map(|name| named::<adw::EntryRow>(&dialog, name));
            typed.into_iter().for_each(|text| user.set_text(text));
            let saved = Credentials { user: "ann".into(), password: "saved".into() };
            dialog.show_recalled(Ok(Recalled::Found(saved)));
            let shown = [user.text(), password.text()].map(String::from);
            dialog.destroy();
            shown
        };
        let saved = ["ann", "saved"].map(str::to_owned);
        assert_eq!(
            [shown(None, None), shown(Some("bob"), None), shown(Some("bob"), Some(""))],
            [(); 3].map(|()| saved.clone())
        );
        assert_eq!(shown(None, Some("bo")), ["bo", ""]);
        assert_eq!(shown(Some("bob"), Some("bobby")), ["bobby", ""]);
    });
}

#[test]
fn that_there_is_no_command_to_run_is_said_where_it_is_chosen() {
    use freshet::model::afterwards::Afterwards;
    use freshet::ui::preferences::Preferences;
    on_display(|| {
        let settings = Settings::in_memory().unwrap();
        let parent = gtk::Window::new();
        let preferences = Preferences::new(&settings, &parent);
        let row: adw::EntryRow = named(&preferences, "command");
        let words: gtk::Label = named(&preferences, "command_words");
        let is_missed = || (words.label() == "There is no command.", row.has_css_class("error"));
        assert_eq!(is_missed(), (false, false));
        settings.set_when_done(Afterwards::Command.name());
        assert_eq!(is_missed(), (true, true));
        row.set_text("true");
        assert_eq!(is_missed(), (false, false));
        // It can be taken out all the same: what is seen is what counts.
        settings.set_text(Key::WhenDoneCommand, "true");
        row.set_text("");
        row.emit_by_name::<()>("apply", &[]);
        assert_eq!((settings.text(Key::WhenDoneCommand), is_missed()), (String::new(), (true, true)));
        settings.set_when_done(Afterwards::Nothing.name());
        assert_eq!(is_missed(), (false, false));
        preferences.destroy();
        parent.destroy();
    });
}

#[test]
fn the_wheel_turns_no_number_without_the_focus() {
    on_display(|| {
        let dialog = AddDialog::new(&Settings::in_memory().unwrap(), |_, _| ());
        every::<adw::ExpanderRow>(&dialog)[0].set_expanded(true);
        dialog.present();
        let spins = every::<gtk::SpinButton>(&dialog);
        assert!(spins.len() > 2);
        until(|| spins.iter().any(|spin| spin.is_mapped()));
        let turns = |spin: &gtk::SpinButton| {
            let controllers = spin.observe_controllers();
            let wheels = controllers.iter::<glib::Object>().flatten();
            let mut wheels = wheels.filter_map(|one| one.downcast::<gtk::EventControllerScroll>().ok());
            wheels.any(|wheel| wheel.propagation_phase() != gtk::PropagationPhase::None)
        };
        assert!(spins.iter().all(|spin| !turns(spin)));
        let shown = spins.iter().find(|spin| spin.is_mapped()).unwrap();
        shown.grab_focus();
        until(|| turns(shown));
        assert!(spins.iter().all(|spin| spin == shown || !turns(spin)));
        gtk::prelude::GtkWindowExt::set_focus(&dialog, None::<&gtk::Widget>);
        until(|| !turns(shown));
        dialog.destroy();
    });
}

#[test]
fn several_rows_stay_selected_until_that_is_over() {
    on_display(|| {
        let (session, settings) = session();
        add(&session, 1..6);
        let window = Window::new(&application(), &session, &settings);
        window.present();
        let view = window.view();
        until(|| view.is_mapped() && every::<DownloadRow>(view).len() == 5);
        let list_view = every::<gtk::ListView>(view).remove(0);
        let model = list_view.model().unwrap();
        let marks = || every::<gtk::CheckButton>(view).iter().filter(|mark| mark.is_mapped()).count();
        model.select_item(3, true);
        assert_eq!(marks(), 0);

        view.set_selecting(true);
        until(|| marks() == 5);
        assert!(every::<RowButton>(view).iter().all(|button| !button.is_mapped()), "marks and buttons");
        let go = |position: u32, modify: bool| {
            list_view.activate_action("list.select-item", Some(&(position, modify, false).to_variant())).unwrap();
        };
        go(1, true);
        // As an arrow key does.
        go(2, false);
        let selected = || view.selected().iter().map(DownloadObject::id).collect::<Vec<_>>();
        assert_eq!(selected(), [2, 4]);
        let active: Vec<_> = every::<gtk::CheckButton>(view).iter().map(gtk::CheckButton::is_active).collect();
        assert_eq!(active, [false, true, false, true, false]);
        go(1, true);
        assert_eq!(selected(), [4]);

        view.set_selecting(false);
        assert_eq!((selected(), marks()), (vec![], 0));
        go(0, false);
        go(2, false);
        assert_eq!(selected(), [3], "one row is selected in place of another");
        window.destroy();
    });
}

#[test]
fn the_bar_offers_what_fits_the_selected_rows() {
    on_display(|| {
        let (session, settings) = session();
        session.apply(&Event::Added(Box::new(snapshot(1, State::Completed))));
        add(&session, 2..4);
        let window = Window::new(&application(), &session, &settings);
        window.present();
        let view = window.view();
        until(|| view.is_mapped() && every::<DownloadRow>(view).len() == 3);
        view.set_selecting(true);
        let model = every::<gtk::ListView>(view).remove(0).model().unwrap();
        let bar = every::<gtk::ActionBar>(view).remove(0);
        let usable = || {
            let buttons = every::<gtk::Button>(&bar).into_iter();
            let buttons = buttons.filter(|button| button.is_visible() && button.is_sensitive());
            let actions = buttons.filter_map(|button| button.action_name());
            actions.filter(|action| action.starts_with("selection.")).collect::<Vec<_>>()
        };
        let says = |words: &str| every::<gtk::Label>(&bar).iter().any(|label| label.label() == words);
        let width = || bar.measure(gtk::Orientation::Horizontal, -1).0;
        let empty = width();
        until(|| usable() == [""; 0]);
        model.select_item(0, false);
        until(|| usable() == ["selection.remove"]);
        model.select_item(1, false);
        until(|| says("2 selected"));
        assert_eq!(usable(), ["selection.pause", "selection.remove"]);
        session.apply(&Event::Changed(Box::new(snapshot(2, State::Paused))));
        until(|| usable() == ["selection.resume", "selection.remove"]);
        session.apply(&Event::Changed(Box::new(snapshot(3, State::Paused))));
        model.select_item(2, false);
        session.apply(&Event::Changed(Box::new(snapshot(3, State::Downloading))));
        until(|| usable().len() == 3);
        assert_eq!(width(), empty, "what is selected does not move the buttons");
        assert!(empty <= NARROW, "the bar needs {empty} pixels, and makes a narrow window wider");
        view.set_selecting(false);
        model.select_item(0, true);
        WidgetExt::activate_action(view, "selection.pause", None).unwrap();
        window.destroy();
    });
}

#[test]
fn what_is_complete_is_known_to_fit_without_looking() {
    on_display(|| {
        let (session, _) = session();
        session.apply(&Event::Added(Box::new(snapshot(1, State::Completed))));
        let complete = session.list().get(DownloadId(1)).unwrap();
        for action in DownloadAction::ALL {
            assert_eq!(action.is_for_complete(), action.fits(&complete), "{action:?}");
        }
    });
}

#[test]
fn all_of_a_long_list_are_selected_without_looking_at_each() {
    const MANY: u32 = 100_000;
    on_display(|| {
        let list = DownloadList::default();
        let looks = Rc::new(Cell::new(0));
        let source = {
            let looks = looks.clone();
            move |id: DownloadId| {
                looks.set(looks.get() + 1);
                Some(snapshot(id.0, State::Completed))
            }
        };
        list.fill(Vec::new(), (1..=u64::from(MANY)).map(DownloadId).collect(), source);
        let view: DownloadsView = glib::Object::new();
        let asked = Rc::new(RefCell::new(Vec::new()));
        view.set_list(&list, {
            let asked = asked.clone();
            move |action, downloads| asked.borrow_mut().push((action, downloads.len()))
        });
        let window = gtk::Window::builder().child(&view).default_width(400).default_height(400).build();
        window.present();
        until(|| view.is_mapped() && list.n_items() == MANY);
        view.set_selecting(true);
        WidgetExt::activate_action(&view, "downloads.select-all", None).unwrap();
        assert_eq!(view.selected_count(), MANY as usize);
        let bar = every::<gtk::ActionBar>(&view).remove(0);
        until(|| {
            every::<gtk::Label>(&bar)
                .iter()
                .any(|label| label.label() == format!("{} selected", amounts::count(MANY as usize)))
        });
        view.set_selecting(false);
        assert_eq!(view.selected_count(), 0);

        let model = every::<gtk::ListView>(&view).remove(0).model().unwrap();
        model.select_all();
        // None of them can be paused, which has not to be asked of each.
        WidgetExt::activate_action(&view, "selection.pause", None).unwrap();
        assert!(asked.borrow().is_empty());
        assert!(looks.get() < 1_000, "{} downloads became objects", looks.get());
        model.unselect_range(10, MANY - 10);
        WidgetExt::activate_action(&view, "selection.copy-address", None).unwrap();
        assert_eq!(*asked.borrow(), [(DownloadAction::CopyAddress, 10)]);
        window.destroy();
    });
}

#[test]
fn what_is_selected_stays_so_where_rows_come_go_and_change_places() {
    on_display(|| {
        let (session, settings) = session();
        add(&session, 1..8);
        let window = Window::new(&application(), &session, &settings);
        window.present();
        let view = window.view();
        until(|| view.is_mapped() && every::<DownloadRow>(view).len() == 7);
        let model = every::<gtk::ListView>(view).remove(0).model().unwrap();
        let selected = || view.selected().iter().map(DownloadObject::id).collect::<Vec<_>>();
        model.select_range(1, 4, true);
        model.unselect_item(2);
        assert_eq!(selected(), [2, 4, 5]);
        assert_eq!((model.is_selected(1), model.is_selected(2)), (true, false));
        session.apply(&Event::Removed(DownloadId(1)));
        session.apply(&Event::Removed(DownloadId(4)));
        add(&session, 8..10);
        until(|| model.item(6).and_downcast::<DownloadObject>().is_some_and(|last| last.id() == 9));
        assert_eq!(selected(), [2, 5]);
        // The one that was added last comes first.
        session.list().set_order(Order { by: SortKey::Added, is_descending: true });
        assert_eq!(selected(), [5, 2]);
        assert_eq!((0..7).filter(|place| model.is_selected(*place)).collect::<Vec<_>>(), [4, 6]);
        model.select_item(0, false);
        assert_eq!(selected(), [9, 5, 2]);
        model.select_item(4, true);
        assert_eq!(view.only_selected().map(|download| download.id()), Some(5));
        // Beyond the end is nothing.
        model.select_range(6, 90, true);
        assert_eq!(selected(), [2]);
        model.unselect_all();
        assert_eq!(selected(), [0; 0]);
        window.destroy();
    });
}

/// Themes come and go with names; one that is missing would be shown as a broken picture.
#[test]
fn every_icon_is_in_the_theme() {
    on_display(|| {
        let theme = gtk::IconTheme::for_display(&gtk::gdk::Display::default().unwrap());
        theme.add_search_path(concat!(env!("CARGO_MANIFEST_DIR"), "/data/icons"));
        let mut named = 0;
        for file in source_files(&PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))) {
            let text = std::fs::read_to_string(&file).unwrap();
            let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
            for icon in words.filter(|word| word.ends_with("-symbolic") && word.contains(char::is_alphabetic)) {
                named += 1;
                assert!(theme.has_icon(icon), "{}: the theme has no {icon}", file.display());
            }
        }
        assert!(named > 20, "only {named} icons are named");
    });
}

/// What names icons: code and templates, in all folders.
fn source_files(folder: &std::path::Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let is_source = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "rs" || ending == "ui");
    files.into_iter().filter(is_source).chain(folders.iter().flat_map(|folder| source_files(folder))).collect()
}

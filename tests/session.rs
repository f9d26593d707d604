// SPDX-License-Identifier: GPL-3.0-or-later
//! The bridge between engine and window: what events do to the list and the totals.

use std::cell::RefCell;
use std::panic::UnwindSafe;
use std::path::Path;
use std::rc::Rc;
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::time::SystemTime;

use freshet::engine::command::Start;
use freshet::engine::download::state::State;
use freshet::engine::error::{Failure, FailureKind};
use freshet::engine::event::{Event, Progress, Snapshot};
use freshet::engine::sorting::{Rule, Rules};
use freshet::engine::{DownloadId, Speed};
use freshet::model::filter::{Filter, Group};
use freshet::model::login::Happened;
use freshet::model::session::{Format, Place};
use freshet::model::{Addresses, Command, Session, Spot};
use freshet::settings::Settings;
use gio::prelude::*;

type Job = Box<dyn FnOnce() + Send>;

/// Runs a test with a session, on the one thread that has the default main context: the engine and
/// what it leaves behind there belong to it. A panic there fails the test here.
fn with_session(test: fn(&Session)) {
    with_settings(|_| (), move |session, _| test(session));
}

/// The same with settings that are changed before.
fn with_settings(prepare: fn(&Settings), test: impl FnOnce(&Session, &Settings) + Send + UnwindSafe + 'static) {
    static THREAD: OnceLock<Sender<Job>> = OnceLock::new();
    let thread = THREAD.get_or_init(|| {
        let (jobs, queue) = channel::<Job>();
        std::thread::spawn(move || queue.into_iter().for_each(|job| job()));
        jobs
    });
    let (done, is_done) = channel();
    let job = move || {
        let context = glib::MainContext::default();
        let _owned = context.acquire().unwrap();
        let ended = std::panic::catch_unwind(move || {
            let settings = Settings::in_memory().unwrap();
            prepare(&settings);
            test(&Session::start(settings.clone()).unwrap(), &settings);
        });
        done.send(ended).unwrap();
    };
    thread.send(Box::new(job)).unwrap();
    if let Err(panic) = is_done.recv().unwrap() {
        std::panic::resume_unwind(panic);
    }
}

fn in_state(id: u64, state: State) -> Box<Snapshot> {
    Box::new(Snapshot {
        id: DownloadId(id),
        url: "http://127.0.0.1/file.iso".parse().unwrap(),
        folder: "/srv".into(),
        name: "file.iso".into(),
        path: None,
        state,
        progress: Progress::default(),
        resumable: None,
        media_type: None,
        verified: None,
        is_kept: false,
        moved: None,
        retry_in: None,
        retry_at: None,
        lacked_space: false,
        added_at: SystemTime::UNIX_EPOCH,
        finished_at: None,
    })
}

/// The rows that are told, after the turns of the main loop that this takes.
fn rows(session: &Session) -> u32 {
    while glib::MainContext::default().iteration(false) {}
    session.list().n_items()
}

#[test]
fn events_change_the_list_and_the_totals() {
    with_session(|session| {
        session.apply(&Event::Added(in_state(1, State::Queued)));
        session.apply(&Event::Changed(in_state(1, State::Downloading)));
        let progress = Progress { received: 5, total: Some(10), speed: Speed(7), time_left: None };
        session.apply(&Event::Progressed { id: DownloadId(1), progress });
        assert_eq!(rows(session), 1);
        let row = session.list().get(DownloadId(1)).unwrap();
        assert!((row.fraction() - 0.5).abs() < 1e-9);
        assert_eq!(session.totals().active(), 1);
        session.apply(&Event::Removed(DownloadId(1)));
        assert_eq!(rows(session), 0);
        assert_eq!(session.totals().active(), 0);
    });
}

#[test]
fn events_of_a_download_that_is_gone_change_nothing() {
    with_session(|session| {
        session.apply(&Event::Progressed { id: DownloadId(4), progress: Progress::default() });
        session.apply(&Event::Removed(DownloadId(4)));
        assert_eq!(rows(session), 0);
    });
}

#[test]
fn an_end_is_told_once_and_not_for_what_was_loaded() {
    with_session(|session| {
        let told = Rc::new(RefCell::new(Vec::new()));
        let heard = told.clone();
        session.connect_finished(move |download| heard.borrow_mut().push(download.id()));
        session.apply(&Event::Added(in_state(1, State::Completed)));
        session.apply(&Event::Added(in_state(2, State::Downloading)));
        session.apply(&Event::Changed(in_state(2, State::Completed)));
        session.apply(&Event::Changed(in_state(2, State::Completed)));
        assert_eq!(*told.borrow(), [2]);
    });
}

#[test]
fn a_download_whose_login_is_looked_for_does_not_end_its_batch() {
    with_session(|session| {
        let told = Rc::new(RefCell::new(Vec::new()));
        let heard = told.clone();
        session.batch().connect_ended(move |ended| heard.borrow_mut().push((ended.completed, ended.failed)));
        let asks = session.clone();
        session.connect_login(move |happened| {
            if let Happened::Asked(id) = happened {
                asks.seek_login(id);
            }
        });
        let wants = || State::Failed(Failure::new(FailureKind::LoginRequired, ""));
        session.apply(&Event::Added(in_state(1, State::Downloading)));
        session.apply(&Event::Changed(in_state(1, wants())));
        assert_eq!((session.batch().pending(), told.take()), (1, vec![]));
        // One is remembered.
        session.apply(&Event::Changed(in_state(1, State::Queued)));
        session.apply(&Event::Changed(in_state(1, State::Downloading)));
        session.apply(&Event::Changed(in_state(1, State::Completed)));
        assert_eq!((session.batch().pending(), told.take()), (0, vec![(1, 0)]));
        // None is.
        session.apply(&Event::Added(in_state(2, State::Connecting)));
        session.apply(&Event::Changed(in_state(2, wants())));
        session.find_no_login(DownloadId(2));
        session.find_no_login(DownloadId(2));
        assert_eq!((session.batch().pending(), told.take()), (0, vec![(0, 1)]));
        // It is taken off the list meanwhile.
        session.apply(&Event::Added(in_state(3, State::Connecting)));
        session.apply(&Event::Changed(in_state(3, wants())));
        session.apply(&Event::Removed(DownloadId(3)));
        session.find_no_login(DownloadId(3));
        assert_eq!((session.batch().pending(), told.take()), (0, vec![]));
        rows(session);
    });
}

#[test]
fn a_list_that_can_not_be_saved_is_told_until_it_can() {
    with_session(|session| {
        let told = Rc::new(RefCell::new(Vec::new()));
        let heard = told.clone();
        let full = Failure::new(FailureKind::DiskFull { needed: None }, "");
        session.apply(&Event::ListUnsaved(Some(full)));
        session.connect_unsaved(move |sentence| heard.borrow_mut().push(sentence.map(ToOwned::to_owned)));
        session.apply(&Event::ListUnsaved(None));
        let told = told.borrow();
        let [Some(sentence), None] = told.as_slice() else { panic!("{told:?}") };
        assert!(sentence.contains("The disk is full.") && sentence.ends_with("tried again every few seconds."));
    });
}

/// Adds these by hand, so that nothing is asked for.
fn add(session: &Session, text: &str) -> Vec<DownloadId> {
    let place = Place { start: Start::ByHand, ..Place::default() };
    session.add(&Addresses::in_text(text), &place)
}

#[test]
fn an_exported_list_has_the_order_of_the_queue() {
    with_session(|session| {
        let ids = add(session, "http://h/a http://h/b http://h/c");
        session.send(Command::Move { ids: vec![ids[2]], to: Spot::Top });
        let list = glib::MainContext::default().block_on(session.export(Format::Addresses)).unwrap();
        let urls: Vec<_> = list.lines().filter(|line| line.starts_with("http")).collect();
        assert_eq!(urls, ["http://h/c", "http://h/a", "http://h/b"], "{list}");
    });
}

#[test]
fn what_is_added_is_told_with_the_folder_that_a_rule_has_for_it() {
    let rules = |settings: &Settings| {
        let discs = Rule { patterns: "*.iso".into(), folder: "/srv/discs".into(), ..Rule::default() };
        settings.set_rules(&Rules(vec![discs]));
    };
    with_settings(rules, |session, _| {
        let ids = add(session, "http://h/a.iso http://h/b.txt");
        let folder = |id: &DownloadId| session.list().get(*id).unwrap().folder();
        assert_eq!(folder(&ids[0]), Path::new("/srv/discs"));
        assert_eq!(folder(&ids[1]), session.folder());
    });
}

fn named(id: u64, name: &str, state: State) -> Box<Snapshot> {
    Box::new(Snapshot { name: name.into(), ..*in_state(id, state) })
}

fn rule(name: &str, patterns: &str) -> Rule {
    Rule { name: name.into(), patterns: patterns.into(), folder: "/srv/x".into(), ..Rule::default() }
}

/// The categories with how many downloads are counted in each, and how many its filter lets through.
fn categories(session: &Session) -> Vec<(String, u32, u32)> {
    rows(session);
    let all = session.rule_groups().all().into_iter();
    let counted = all.map(|(category, name)| {
        let group = Group::Category(category);
        session.list().set_filter(Filter::new(group, ""));
        (name, session.totals().count(group), session.list().count())
    });
    counted.collect()
}

#[test]
fn rules_make_categories_that_follow_the_downloads_and_the_rules() {
    let settings = |settings: &Settings| settings.set_rules(&Rules(vec![rule("Discs", "*.iso")]));
    with_settings(settings, |session, settings| {
        let is = |expected: &[(&str, u32, u32)]| {
            let found = categories(session);
            let found: Vec<_> = found.iter().map(|(name, count, shown)| (name.as_str(), *count, *shown)).collect();
            assert_eq!(found, expected);
        };
        session.apply(&Event::Added(named(1, "a.iso", State::Queued)));
        session.apply(&Event::Added(named(2, "watch.iso", State::Queued)));
        session.apply(&Event::Added(named(3, "b.iso", State::Completed)));
        is(&[("Discs", 3, 3)]);
        // The server told the name.
        session.apply(&Event::Changed(named(2, "film.mkv", State::Downloading)));
        session.apply(&Event::Changed(named(1, "a.iso", State::Downloading)));
        session.apply(&Event::Removed(DownloadId(3)));
        is(&[("Discs", 1, 1)]);

        let told = Rc::new(RefCell::new(0));
        let heard = told.clone();
        session.connect_categories_changed(move |_| *heard.borrow_mut() += 1);
        let rules = |rules: Vec<Rule>| settings.set_rules(&Rules(rules));
        rules(vec![rule("Films", "*.mkv *.mp4"), rule("Discs", "a*"), rule("None", "*.none")]);
        is(&[("Films", 1, 1), ("Discs", 1, 1), ("None", 0, 0)]);
        session.apply(&Event::Removed(DownloadId(1)));
        is(&[("Films", 1, 1), ("Discs", 0, 0), ("None", 0, 0)]);
        rules(Vec::new());
        is(&[]);
        assert_eq!(*told.borrow(), 2);
    });
}

/// The first part of a long list is judged at once, and new rules may come before the last.
#[test]
fn rules_that_change_while_a_long_list_is_gone_through_count_each_download_once() {
    let none = |_: &Settings| ();
    with_settings(none, |session, settings| {
        const MANY: u64 = 9000;
        (1..=MANY).for_each(|id| session.apply(&Event::Added(named(id, "a.iso", State::Completed))));
        rows(session);
        settings.set_rules(&Rules(vec![rule("Old", "*.iso")]));
        glib::MainContext::default().iteration(false);
        settings.set_rules(&Rules(vec![rule("New", "*.iso")]));
        glib::MainContext::default().iteration(false);
        session.apply(&Event::Removed(DownloadId(MANY)));
        session.apply(&Event::Added(named(MANY + 1, "a.iso", State::Completed)));
        assert_eq!(categories(session), [("New".to_owned(), 9000, 9000)]);
    });
}

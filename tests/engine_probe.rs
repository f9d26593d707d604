// SPDX-License-Identifier: GPL-3.0-or-later
//! What the engine tells of an address before it is a download.

mod support;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use freshet::engine::command::Command;
use freshet::engine::event::{Event, Probed};
use freshet::engine::{Failure, FailureKind};
use support::engine::Running;
use support::faulty::{Answer, Faulty, Resource};
use url::Url;

const LENGTH: u64 = 4 << 20;
const LIMIT: Duration = Duration::from_secs(20);

type Told = Rc<RefCell<Vec<Result<Probed, Failure>>>>;

fn listened(running: &Running) -> Told {
    let told = Told::default();
    let heard = told.clone();
    running.engine.hear(move |event| {
        if let Event::Probed { result, .. } = event {
            heard.borrow_mut().push((**result).clone());
        }
    });
    told
}

fn ask(running: &Running, url: Url) -> Command {
    let id = running.engine.new_probe();
    running.engine.send(Command::Probe { id, spec: Box::new(running.single(url)) });
    Command::EndProbe(id)
}

#[test]
fn an_address_is_asked_about_and_nothing_of_its_file_is_kept() {
    let (server, running) = (Faulty::start(), Running::start());
    let told = listened(&running);
    let file = Resource::new(1, LENGTH);
    let served = file.clone();
    server.on("/f.bin", move |request| served.answer(request));
    // Addresses that are signed for GET are refused for HEAD.
    server.on("/signed", move |request| match request.method.as_str() {
        "HEAD" => Answer::status(403),
        _ => file.answer(request).rate(1 << 20),
    });
    server.on("/gone", |_| Answer::status(404));
    for (path, asked) in [("/f.bin", 1), ("/signed", 2)] {
        ask(&running, server.url(path));
        running.main_loop.run_until(LIMIT, "an answer", || !told.borrow().is_empty());
        let probed = told.borrow_mut().remove(0).unwrap();
        assert_eq!((probed.name.as_str(), probed.total), (path.trim_start_matches('/'), Some(LENGTH)));
        assert_eq!(probed.resumable, Some(true));
        assert_eq!(server.seen_at(path).len(), asked);
    }
    ask(&running, server.url("/gone"));
    running.main_loop.run_until(LIMIT, "an answer", || !told.borrow().is_empty());
    assert_eq!(told.borrow_mut().remove(0).unwrap_err().kind, FailureKind::HttpStatus(404));
    ask(&running, "gopher://127.0.0.1/f".parse().unwrap());
    assert_eq!(told.borrow_mut().remove(0).unwrap_err().kind, FailureKind::UnsupportedScheme);
    assert!(running.names().is_empty(), "{:?}", running.names());
    assert!(running.engine.snapshots().is_empty());
}

#[test]
fn few_are_asked_at_a_time_and_none_that_nobody_wants_to_know_of() {
    let (server, running) = (Faulty::start(), Running::start());
    let told = listened(&running);
    server.on("/slow", |_| Answer::nothing().silent_for(Duration::from_secs(60)));
    let ends: Vec<_> = (0..9).map(|_| ask(&running, server.url("/slow"))).collect();
    running.main_loop.run_until(LIMIT, "four requests", || server.seen_at("/slow").len() == 4);
    running.main_loop.run_for(Duration::from_millis(300));
    assert_eq!(server.seen_at("/slow").len(), 4);
    for end in ends.into_iter().rev() {
        running.engine.send(end);
    }
    running.main_loop.run_for(Duration::from_millis(300));
    assert_eq!((server.seen_at("/slow").len(), told.borrow().len()), (4, 0));
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Does a long list stay smooth while much of it moves? 10,000 downloads sorted by speed, 200 of which
//! run; the list is scrolled up and down, then a pointer rests on it. Needs a display, python3 and xdotool:
//! `build-aux/gui-session.sh cargo bench --bench scroll`.

#[path = "shown/mod.rs"]
mod shown;
#[path = "../tests/support/mod.rs"]
mod support;

use std::cell::Cell;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command as Process, ExitCode};
use std::time::Duration;

use adw::prelude::*;
use freshet::engine::{Command, Limits};
use freshet::model::session::Place;
use freshet::model::{Addresses, DownloadObject};
use gtk::glib;

use shown::{HEADINGS, Shown, cells, cpu_time, memory_folder};
use support::files;
use support::process::Server;

const ROWS: usize = 10_000;
const RUNNING: usize = 200;
/// Bytes a second of each.
const RATE: u64 = 60_000;
/// So that none of them is complete before the end.
const SIZE: u64 = 64 << 20;
const SCROLLED: Duration = Duration::from_secs(20);
const POINTED_AT: Duration = Duration::from_secs(10);
/// Pixels in each frame.
const STEP: f64 = 11.0;
/// Where the pointer rests, in the list.
const POINT: (i32, i32) = (300, 400);
/// Where it is beside the window. An X server begins with it in the middle of the screen, which is in
/// the list, and rows stay where they are under it.
const AWAY: (i32, i32) = (1270, 790);

fn main() -> ExitCode {
    match bench() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("scroll: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn bench() -> Result<(), String> {
    let folder = memory_folder().map_err(|error| error.to_string())?;
    let target = folder.path().join("target");
    let prepare = || -> io::Result<(Server, String)> {
        fs::create_dir(&target)?;
        files::write(&folder.path().join("file"), 1, SIZE)?;
        start_server(folder.path())
    };
    let (_server, port) = prepare().map_err(|error| format!("no server: {error}"))?;
    let address = |number| format!("http://127.0.0.1:{port}/{RATE}/file~{SIZE}/{number}.bin");
    let lines: Vec<_> = (0..ROWS).map(address).collect();
    let addresses = Addresses::in_lines(&lines.join("\n"));
    let place = Place { folder: Some(target), ..Place::default() };
    Shown::run(move |shown| {
        let limits = Limits { parallel: RUNNING, per_host: RUNNING, ..Limits::default() };
        shown.session.send(Command::SetLimits(limits));
        for (action, value) in [("sort-order", Some("speed".to_variant())), ("sort-descending", None)] {
            ActionGroupExt::activate_action(&shown.window, action, value.as_ref());
        }
        shown.session.add(&addresses, &place);
        glib::spawn_future_local(async move {
            let outcome = watch(&shown).await;
            shown.quit(outcome);
        });
    })
}

/// Starts the server of the other benches, which sends a packet at a time, and tells its port. nginx wakes
/// once a second and gives everybody the same then: measured over the same seconds, all are as fast as
/// each other to the byte, and none ever overtakes another.
fn start_server(folder: &Path) -> io::Result<(Server, String)> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/engines/paced.py");
    let told = folder.join("port");
    let server = Server::spawn(Process::new("python3").arg(program).args([&told, folder, &folder.join("log")]))?;
    for _ in 0..100 {
        if let Ok(port) = fs::read_to_string(&told) {
            return Ok((server, port));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Err(io::Error::other("it does not tell its port"))
}

async fn watch(shown: &Shown) -> Result<(), String> {
    point_at(AWAY)?;
    for _ in 0..600 {
        if shown.session.totals().active() as usize == RUNNING {
            break;
        }
        glib::timeout_future(Duration::from_millis(100)).await;
    }
    glib::timeout_future(Duration::from_secs(5)).await;
    let (active, rows) = (shown.session.totals().active(), shown.session.list().n_items());
    println!("{active} of {rows} downloads run, {} at {RATE} bytes/s each", shown.session.totals().summary());
    println!("| what | CPU % | {HEADINGS} |\n|---|---:|---:|---:|---:|---:|");
    for (what, step) in [("at rest", 0.0), ("scrolled", STEP)] {
        let scrolling = scroll(shown, step);
        let cpu = cpu_time();
        shown.begin();
        glib::timeout_future(SCROLLED).await;
        let gaps = shown.gaps();
        scrolling.remove();
        let share = (cpu_time() - cpu).as_secs_f64() / SCROLLED.as_secs_f64() * 100.0;
        println!("| {what} | {share:.0} | {} |", cells(&gaps));
    }
    let place = scrolled(shown).vadjustment();
    // GTK guesses how high rows are that it has not made: coming from far below it may end some rows short of the
    // top the first time.
    for _ in 0..2 {
        place.set_value(0.0);
        glib::timeout_future(Duration::from_millis(100)).await;
    }
    let (without, _) = moves(shown).await;
    let went = place.value();
    point_at(POINT)?;
    // A sorting that was due may come before the pointer.
    glib::timeout_future(Duration::from_secs(2)).await;
    let (with, is_there) = moves(shown).await;
    point_at(AWAY)?;
    println!(
        "the row at {POINT:?} was another one {without} times in {} s, and {with} times with the pointer on it",
        POINTED_AT.as_secs()
    );
    if went != 0.0 {
        return Err(format!("the list went down by {went} pixels by itself"));
    }
    match (is_there, without, with) {
        (false, _, _) => Err("there is no row under the pointer".to_owned()),
        (true, 0, _) => Err("no row moved without the pointer: that none moved under it says nothing".to_owned()),
        (true, _, 0) => Ok(()),
        (true, _, _) => Err("the row under the pointer moved away".to_owned()),
    }
}

/// Up and down by so many pixels in each frame.
fn scroll(shown: &Shown, step: f64) -> gtk::TickCallbackId {
    let place = scrolled(shown).vadjustment();
    let step = Cell::new(step);
    shown.window.add_tick_callback(move |_, _| {
        let value = place.value() + step.get();
        if value <= 0.0 || value >= place.upper() - place.page_size() {
            step.set(-step.get());
        }
        if step.get() != 0.0 {
            place.set_value(value);
        }
        glib::ControlFlow::Continue
    })
}

fn scrolled(shown: &Shown) -> gtk::ScrolledWindow {
    let inner = std::iter::successors(shown.window.view().first_child(), gtk::Widget::first_child);
    inner.filter_map(|widget| widget.downcast().ok()).next().expect("the view has a scrolled window")
}

/// How often the row at the point is another one, and whether there is one.
async fn moves(shown: &Shown) -> (usize, bool) {
    let at_point = || shown.window.view().download_at(&shown.window, (f64::from(POINT.0), f64::from(POINT.1)));
    let mut seen = Vec::new();
    for _ in 0..POINTED_AT.as_millis() / 50 {
        glib::timeout_future(Duration::from_millis(50)).await;
        seen.extend(at_point().as_ref().map(DownloadObject::id));
    }
    (seen.windows(2).filter(|pair| pair[0] != pair[1]).count(), !seen.is_empty())
}

fn point_at((x, y): (i32, i32)) -> Result<(), String> {
    let status = Process::new("xdotool").args(["mousemove", &x.to_string(), &y.to_string()]).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        other => Err(format!("xdotool: {other:?}")),
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! The real window in this process, and its frames, for the benches that count them.

// Each bench takes the part it needs.
#![allow(dead_code)]

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use adw::prelude::*;
use freshet::model::Session;
use freshet::settings::{Key, Settings};
use freshet::ui::window::Window;
use gtk::{gio, glib};

/// Longer than this is not slow but broken.
const LIMIT: Duration = Duration::from_secs(180);

/// A window that draws all the time: without that a frame that was not needed would look like one that
/// was missed.
#[derive(Clone)]
pub struct Shown {
    pub application: adw::Application,
    pub session: Session,
    pub window: Window,
    frames: Rc<RefCell<Vec<Instant>>>,
    outcome: Rc<RefCell<Result<(), String>>>,
}

impl Shown {
    /// Opens the window, lets `act` do what it does, and returns when the application has quit.
    pub fn run(act: impl Fn(Self) + 'static) -> Result<(), String> {
        freshet::ui::load_resources().map_err(|error| error.to_string())?;
        let application = adw::Application::builder()
            .application_id("io.github.freshet.Frames")
            .flags(gio::ApplicationFlags::NON_UNIQUE)
            .build();
        let outcome: Rc<RefCell<Result<(), String>>> = Rc::new(RefCell::new(Err(format!("not over after {LIMIT:?}"))));
        let told = outcome.clone();
        application.connect_activate(move |application| match Self::open(application, &outcome) {
            Ok(shown) => act(shown),
            Err(reason) => *outcome.borrow_mut() = Err(reason),
        });
        application.run_with_args::<&str>(&[]);
        told.replace(Ok(()))
    }

    fn open(application: &adw::Application, outcome: &Rc<RefCell<Result<(), String>>>) -> Result<Self, String> {
        let settings = Settings::in_memory().map_err(|error| error.to_string())?;
        // As in `freshet get`: what is asked of the server besides is not measured.
        settings.set_boolean(Key::FindChecksum, false);
        let session = Session::start(settings.clone())?;
        let window = Window::new(application, &session, &settings);
        window.add_tick_callback(|_, _| glib::ControlFlow::Continue);
        let frames: Rc<RefCell<Vec<Instant>>> = Rc::default();
        window.connect_realize({
            let frames = frames.clone();
            move |window| {
                let Some(clock) = window.frame_clock() else { return };
                let frames = frames.clone();
                clock.connect_before_paint(move |_| frames.borrow_mut().push(Instant::now()));
            }
        });
        window.present();
        glib::timeout_add_local_once(
            LIMIT,
            glib::clone!(
                #[weak]
                application,
                move || application.quit()
            ),
        );
        // The session lives as long as the application runs.
        let stopped = session.clone();
        application.connect_shutdown(move |_| stopped.stop(|| ()));
        let (application, outcome) = (application.clone(), outcome.clone());
        Ok(Self { application, session, window, frames, outcome })
    }

    /// From here on frames count.
    pub fn begin(&self) {
        *self.frames.borrow_mut() = vec![Instant::now()];
    }

    /// The times between one frame's beginning and the next one's, in order; before the first frame from
    /// [`Self::begin`] on, and after the last one until now. So a window that stood still shows.
    pub fn gaps(&self) -> Vec<Duration> {
        let mut frames = self.frames.borrow().clone();
        frames.push(Instant::now());
        frames.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    pub fn quit(&self, outcome: Result<(), String>) {
        *self.outcome.borrow_mut() = outcome;
        self.application.quit();
    }
}

/// `frames a second | median | 99th percentile | longest gap`, for a Markdown table.
pub fn cells(gaps: &[Duration]) -> String {
    let mut gaps = gaps.to_vec();
    gaps.sort();
    let millis = |gap: Duration| gap.as_secs_f64() * 1000.0;
    let at =
        |share: f64| gaps.get((gaps.len().saturating_sub(1) as f64 * share) as usize).map_or(0.0, |gap| millis(*gap));
    let drawn: Duration = gaps.iter().sum();
    let rate = gaps.len() as f64 / drawn.as_secs_f64();
    format!("{rate:.1} | {:.1} | {:.1} | {:.1}", at(0.5), at(0.99), at(1.0))
}

pub const HEADINGS: &str = "frames/s | gap p50 ms | p99 ms | largest ms";

/// What this process has used: fields 14 and 15 of proc(5)'s stat, in hundredths of a second on Linux.
pub fn cpu_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// In memory, so that the program is measured and not a disk.
pub fn memory_folder() -> std::io::Result<tempfile::TempDir> {
    let shm = Path::new("/dev/shm");
    let place = if shm.is_dir() { shm.to_owned() } else { std::env::temp_dir() };
    tempfile::Builder::new().prefix("freshet-frames-").tempdir_in(place)
}

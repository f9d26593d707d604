// SPDX-License-Identifier: GPL-3.0-or-later
//! Does the window stay smooth at line rate? Opens the real window in this process, lets it fetch two
//! large files from a private nginx, and counts the frames meanwhile. Needs a display and nginx:
//! `build-aux/gui-session.sh cargo bench --bench frames -- 2` for 2 GiB each.

#[path = "../tests/support/mod.rs"]
mod support;

use std::cell::{Cell, RefCell};
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use adw::prelude::*;
use freshet::model::session::Place;
use freshet::model::{Addresses, Session};
use freshet::settings::Settings;
use freshet::ui::window::Window;
use gtk::{gio, glib};
use url::Url;

use support::files;
use support::nginx::Nginx;

const GIB: u64 = 1 << 30;
const NAMES: [&str; 2] = ["one.bin", "two.bin"];

/// The window has been drawn and rests.
const SETTLED: Duration = Duration::from_secs(1);

/// Longer than this is not slow but broken.
const LIMIT: Duration = Duration::from_secs(180);

/// What was seen between the first request and the last byte.
#[derive(Clone, Debug, Default)]
struct Measured {
    wall: Duration,
    cpu: Duration,
    /// The times between one frame's beginning and the next one's, in order.
    gaps: Vec<Duration>,
}

fn main() -> ExitCode {
    // Cargo itself adds `--bench`.
    let size = std::env::args().skip(1).find_map(|word| word.parse::<f64>().ok()).unwrap_or(2.0);
    match bench((size * GIB as f64) as u64) {
        Ok(measured) => {
            report(size * NAMES.len() as f64, &measured);
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("frames: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn bench(len: u64) -> Result<Measured, String> {
    let folder = memory_folder().map_err(|error| format!("no room for the files: {error}"))?;
    let (source, target) = (folder.path().join("source"), folder.path().join("target"));
    let prepare = || -> std::io::Result<Nginx> {
        fs::create_dir(&source)?;
        fs::create_dir(&target)?;
        for (seed, name) in (1..).zip(NAMES) {
            files::write(&source.join(name), seed, len)?;
        }
        // Last, or the sources would take what is for the targets.
        keep_memory_warm(&folder.path().join("warm"), len * NAMES.len() as u64)?;
        Nginx::start(&source, 0)
    };
    let nginx = prepare().map_err(|error| format!("no server: {error}"))?;
    let urls = NAMES.map(|name| nginx.url(&format!("/{name}")));

    let measured = run_window(&urls, &target)?;
    for (seed, name) in (1..).zip(NAMES) {
        files::compare(&target.join(name), seed, len)?;
    }
    Ok(measured)
}

/// In memory, so that the program is measured and not a disk.
fn memory_folder() -> std::io::Result<tempfile::TempDir> {
    let shm = Path::new("/dev/shm");
    let place = if shm.is_dir() { shm.to_owned() } else { std::env::temp_dir() };
    tempfile::Builder::new().prefix("freshet-frames-").tempdir_in(place)
}

/// A virtual machine may have handed free memory back to its host, and getting it again costs several
/// times what is measured. It hands back whole blocks of 2 MiB: so fill memory once, and free all but
/// each 256th page.
fn keep_memory_warm(path: &Path, len: u64) -> std::io::Result<()> {
    use std::os::unix::fs::FileExt;

    use rustix::fs::{FallocateFlags, fallocate};

    const STRIDE: u64 = 1 << 20;
    const PAGE: u64 = 4096;
    let file = fs::File::create(path)?;
    let block = vec![1; STRIDE as usize];
    let strides = (0..len / STRIDE).map(|number| number * STRIDE);
    for offset in strides.clone() {
        file.write_all_at(&block, offset)?;
    }
    for offset in strides {
        fallocate(&file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, offset + PAGE, STRIDE - PAGE)?;
    }
    Ok(())
}

/// All that is known here of the program: a window on a session, which is given addresses and tells
/// of each end.
fn open(application: &adw::Application, ended: impl Fn() + 'static) -> Result<(Session, Window), String> {
    let settings = Settings::in_memory().map_err(|error| error.to_string())?;
    let session = Session::start(None, settings.clone())?;
    let window = Window::new(application, &session, &settings);
    session.connect_finished(move |_| ended());
    Ok((session, window))
}

fn run_window(urls: &[Url], folder: &Path) -> Result<Measured, String> {
    freshet::ui::load_resources().map_err(|error| error.to_string())?;
    let application = adw::Application::builder()
        .application_id("io.github.freshet.Frames")
        .flags(gio::ApplicationFlags::NON_UNIQUE)
        .build();
    let outcome: Rc<RefCell<Result<Measured, String>>> = Rc::new(RefCell::new(Err("no window was opened".to_owned())));
    let (urls, folder) = (urls.to_vec(), folder.to_owned());
    application.connect_activate(glib::clone!(
        #[strong]
        outcome,
        move |application| measure(application, &urls, &folder, &outcome)
    ));
    application.run_with_args::<&str>(&[]);
    outcome.borrow().clone()
}

fn measure(
    application: &adw::Application,
    urls: &[Url],
    folder: &Path,
    outcome: &Rc<RefCell<Result<Measured, String>>>,
) {
    // When the transfers were begun, and what had been used until then.
    let begun = Rc::new(Cell::new((Instant::now(), Duration::ZERO)));
    let frames: Rc<RefCell<Vec<Instant>>> = Rc::default();
    let left = Rc::new(Cell::new(urls.len()));
    let ended = glib::clone!(
        #[weak]
        application,
        #[strong]
        outcome,
        #[strong]
        frames,
        #[strong]
        begun,
        move || {
            left.set(left.get().saturating_sub(1));
            if left.get() == 0 {
                *outcome.borrow_mut() = summary(begun.get(), &frames.borrow());
                application.quit();
            }
        }
    );
    let (session, window) = match open(application, ended) {
        Ok(opened) => opened,
        Err(reason) => {
            *outcome.borrow_mut() = Err(reason);
            return;
        }
    };
    *outcome.borrow_mut() = Err(format!("the downloads were not complete after {LIMIT:?}"));
    glib::timeout_add_local_once(
        LIMIT,
        glib::clone!(
            #[weak]
            application,
            move || application.quit()
        ),
    );
    // Something that moves all the time: without it a frame that was not needed would look like one
    // that was missed.
    window.add_tick_callback(|_, _| glib::ControlFlow::Continue);
    window.connect_realize({
        let frames = frames.clone();
        move |window| {
            let Some(clock) = window.frame_clock() else { return };
            let frames = frames.clone();
            clock.connect_before_paint(move |_| frames.borrow_mut().push(Instant::now()));
        }
    });
    window.present();
    // The window is to be open when the transfers begin: its own first frames are another matter.
    let addresses = Addresses::in_lines(&urls.iter().map(Url::as_str).collect::<Vec<_>>().join("\n"));
    let place = Place { folder: Some(folder.to_owned()), name: None };
    glib::timeout_add_local_once(SETTLED, {
        let session = session.clone();
        move || {
            frames.borrow_mut().clear();
            begun.set((Instant::now(), cpu_time()));
            session.add(&addresses, &place);
        }
    });
    // The session lives as long as the application runs.
    application.connect_shutdown(move |_| session.stop(|| ()));
}

fn summary((begin, cpu): (Instant, Duration), frames: &[Instant]) -> Result<Measured, String> {
    let gaps: Vec<_> = frames.windows(2).map(|pair| pair[1] - pair[0]).collect();
    if gaps.is_empty() {
        return Err("not one frame was drawn".to_owned());
    }
    Ok(Measured { wall: begin.elapsed(), cpu: cpu_time().saturating_sub(cpu), gaps })
}

/// What this process has used: fields 14 and 15 of proc(5)'s stat, in hundredths of a second on Linux.
fn cpu_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

fn report(gib: f64, measured: &Measured) {
    let mut gaps = measured.gaps.clone();
    gaps.sort();
    let millis = |gap: Duration| gap.as_secs_f64() * 1000.0;
    let at = |share: f64| millis(gaps[((gaps.len() - 1) as f64 * share) as usize]);
    let drawn: Duration = gaps.iter().sum();
    println!("| GiB | GiB/s | CPU s/GiB | frames/s | gap p50 ms | p99 ms | largest ms |");
    println!("|---:|---:|---:|---:|---:|---:|---:|");
    println!(
        "| {gib:.1} | {:.2} | {:.2} | {:.1} | {:.1} | {:.1} | {:.1} |",
        gib / measured.wall.as_secs_f64(),
        measured.cpu.as_secs_f64() / gib,
        gaps.len() as f64 / drawn.as_secs_f64(),
        at(0.5),
        at(0.99),
        at(1.0),
    );
    let begins = measured.gaps.iter().scan(Duration::ZERO, |begin, gap| Some(std::mem::replace(begin, *begin + *gap)));
    let mut longest: Vec<_> = measured.gaps.iter().copied().zip(begins).collect();
    longest.sort_by(|one, other| other.cmp(one));
    let told = longest.iter().take(5).map(|(gap, at)| format!("{:.0} ms at {:.2} s", millis(*gap), at.as_secs_f64()));
    println!("longest: {}", told.collect::<Vec<_>>().join(", "));
}

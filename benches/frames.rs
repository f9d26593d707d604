// SPDX-License-Identifier: GPL-3.0-or-later
//! Does the window stay smooth at line rate, and does it cost speed? Opens the real window in this
//! process, lets it fetch two large files from a private nginx, counts the frames meanwhile, and lets
//! `freshet get` fetch the same: once after it and once before it, as who comes second finds the memory
//! and the disk as the first has left them. Needs a display, nginx, and `cargo build --release --bins` before:
//! `build-aux/gui-session.sh cargo bench --bench frames -- 2 /var/tmp` for 2 GiB each to that folder;
//! without one they go to memory. The window is measured from the first order to the last byte, while it is open;
//! `freshet get` from its start to its exit, both of which take a moment.

#[path = "shown/mod.rs"]
mod shown;
#[path = "../tests/support/mod.rs"]
mod support;

use std::cell::{Cell, RefCell};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::rc::Rc;
use std::time::{Duration, Instant};

use freshet::model::Addresses;
use freshet::model::session::Place;
use gtk::glib;
use url::Url;

use shown::{HEADINGS, Shown, cells, cpu_time, memory_folder};
use support::files;
use support::nginx::Nginx;

const GIB: u64 = 1 << 30;
const NAMES: [&str; 2] = ["one.bin", "two.bin"];

/// The window has been drawn and rests.
const SETTLED: Duration = Duration::from_secs(1);

/// What was seen between the first request and the last byte.
#[derive(Clone, Debug, Default)]
struct Measured {
    wall: Duration,
    cpu: Duration,
    gaps: Vec<Duration>,
}

fn main() -> ExitCode {
    // Cargo itself adds `--bench`.
    let words: Vec<_> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let size = words.iter().find_map(|word| word.parse::<f64>().ok()).unwrap_or(2.0);
    let place = words.iter().find(|word| word.parse::<f64>().is_err()).map(PathBuf::from);
    match bench((size * GIB as f64) as u64, place.as_deref()) {
        Ok(turns) => {
            report(size * NAMES.len() as f64, &turns);
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("frames: {reason}");
            ExitCode::FAILURE
        }
    }
}

/// Who fetches first, the window or `freshet get`.
const WINDOW_IS_FIRST: [bool; 2] = [true, false];

/// With the window, and how long `freshet get` took, in each turn.
fn bench(len: u64, place: Option<&Path>) -> Result<Vec<(Measured, Duration)>, String> {
    let text = |error: std::io::Error| error.to_string();
    let folder = memory_folder().map_err(text)?;
    let source = folder.path().join("source");
    let target = match place {
        Some(place) => tempfile::Builder::new().prefix("freshet-frames-").tempdir_in(place),
        None => memory_folder(),
    };
    let target = target.map_err(text)?;
    let prepare = || -> std::io::Result<Nginx> {
        fs::create_dir(&source)?;
        for (seed, name) in (1..).zip(NAMES) {
            files::write(&source.join(name), seed, len)?;
        }
        // Last, or the sources would take what is for the targets.
        keep_memory_warm(&folder.path().join("warm"), len * NAMES.len() as u64)?;
        Nginx::start(&source, 0)
    };
    let nginx = prepare().map_err(|error| format!("no server: {error}"))?;
    let urls = NAMES.map(|name| nginx.url(&format!("/{name}")));
    let check = || {
        for (seed, name) in (1..).zip(NAMES) {
            files::compare(&target.path().join(name), seed, len)?;
            fs::remove_file(target.path().join(name)).map_err(text)?;
        }
        // What is written back later is not the next one's.
        rustix::fs::sync();
        Ok::<_, String>(())
    };
    let window = || run_window(&urls, target.path()).and_then(|measured| check().map(|()| measured));
    let get = || run_get(&urls, target.path()).and_then(|wall| check().map(|()| wall));
    let turn = |window_is_first| {
        if window_is_first {
            return Ok((window()?, get()?));
        }
        let wall = get()?;
        Ok((window()?, wall))
    };
    // Whoever is the very first finds memory that the virtual machine has yet to get back from its host: the
    // page cache of a disk takes it in larger pieces than `keep_memory_warm` leaves.
    get()?;
    WINDOW_IS_FIRST.into_iter().map(turn).collect()
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

fn run_window(urls: &[Url], folder: &Path) -> Result<Measured, String> {
    let measured: Rc<RefCell<Measured>> = Rc::default();
    let result = measured.clone();
    let addresses = Addresses::in_lines(&urls.iter().map(Url::as_str).collect::<Vec<_>>().join("\n"));
    let place = Place { folder: Some(folder.to_owned()), ..Place::default() };
    let count = urls.len();
    Shown::run(move |shown| {
        // When the transfers were begun, and what had been used until then.
        let begun = Rc::new(Cell::new((Instant::now(), Duration::ZERO)));
        let left = Cell::new(count);
        shown.session.connect_finished({
            let (shown, begun, measured) = (shown.clone(), begun.clone(), measured.clone());
            move |_| {
                left.set(left.get().saturating_sub(1));
                if left.get() == 0 {
                    let (begin, cpu) = begun.get();
                    let (wall, cpu) = (begin.elapsed(), cpu_time().saturating_sub(cpu));
                    *measured.borrow_mut() = Measured { wall, cpu, gaps: shown.gaps() };
                    shown.quit(Ok(()));
                }
            }
        });
        // The window is to be open when the transfers begin: its own first frames are another matter.
        let (addresses, place) = (addresses.clone(), place.clone());
        glib::timeout_add_local_once(SETTLED, move || {
            shown.begin();
            begun.set((Instant::now(), cpu_time()));
            shown.session.add(&addresses, &place);
        });
    })?;
    Ok(result.take())
}

fn run_get(urls: &[Url], folder: &Path) -> Result<Duration, String> {
    // Benches lie in `deps`, beside which the programs are.
    let program = std::env::current_exe().map_err(|error| error.to_string())?.with_file_name("../freshet");
    let begin = Instant::now();
    let mut get = Command::new(&program);
    get.args(["get", "--quiet", "--overwrite", "-j", "2", "-d"]).arg(folder).args(urls.iter().map(Url::as_str));
    let status = get.status().map_err(|error| format!("{}: {error}", program.display()))?;
    if status.success() { Ok(begin.elapsed()) } else { Err(format!("freshet get: {status}")) }
}

fn report(gib: f64, turns: &[(Measured, Duration)]) {
    println!("| first | GiB | GiB/s | to `freshet get` | CPU s/GiB | {HEADINGS} |");
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    for (window_is_first, (window, get)) in WINDOW_IS_FIRST.into_iter().zip(turns) {
        let wall = window.wall.as_secs_f64();
        println!(
            "| {} | {gib:.1} | {:.2} | {:.2} | {:.2} | {} |",
            if window_is_first { "window" } else { "get" },
            gib / wall,
            get.as_secs_f64() / wall,
            window.cpu.as_secs_f64() / gib,
            cells(&window.gaps),
        );
    }
    let both = |wall: fn(&(Measured, Duration)) -> Duration| turns.iter().map(wall).sum::<Duration>().as_secs_f64();
    println!("to `freshet get` in both turns: {:.2}", both(|(_, get)| *get) / both(|(window, _)| window.wall));
    for (window, _) in turns {
        println!("longest: {}", longest(&window.gaps));
    }
}

fn longest(gaps: &[Duration]) -> String {
    let begins = gaps.iter().scan(Duration::ZERO, |begin, gap| Some(std::mem::replace(begin, *begin + *gap)));
    let mut longest: Vec<_> = gaps.iter().copied().zip(begins).collect();
    longest.sort_by(|one, other| other.cmp(one));
    let told = longest.iter().take(5).map(|(gap, at)| format!("{} ms at {:.2} s", gap.as_millis(), at.as_secs_f64()));
    told.collect::<Vec<_>>().join(", ")
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! The engine in worlds that follow from a seed: virtual servers, disks, time and users, in which
//! everything that can go wrong does, and what must hold is looked at after every step. See
//! docs/reliability.md.

mod completed;
mod content;
mod device;
mod disk;
mod plan;
mod random;
mod rates;
mod receipts;
mod remote;
mod rules;
mod store;
mod timeline;
mod told;
mod transport;
mod world;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, Once};

use world::Outcome;

/// How many worlds an ordinary run of the tests goes through.
const SEEDS: u64 = 2000;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is to be a number, not {text}")))
}

thread_local! {
    /// What this thread's panic said, while a world is lived through.
    static SAID: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Lives through a world; what it panicked with if a rule was broken.
fn outcome_of(seed: u64) -> Result<Outcome, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let is_ours = SAID.with_borrow_mut(|said| said.as_mut().map(|said| *said = info.to_string()).is_some());
            if !is_ours {
                others(info);
            }
        }));
    });
    SAID.set(Some(String::new()));
    let outcome = catch_unwind(AssertUnwindSafe(|| world::live(seed, false)));
    let said = SAID.take().unwrap_or_default();
    outcome.map_err(|_| said)
}

/// `FRESHET_SEED=n` runs one world and tells its story; `FRESHET_SEEDS=n` runs n worlds, from
/// `FRESHET_FIRST_SEED` on.
#[test]
fn whatever_happens_all_ends_well() {
    if let Some(seed) = number("FRESHET_SEED") {
        let outcome = world::live(seed, true);
        eprintln!("{outcome:?}");
        return;
    }
    let first = number("FRESHET_FIRST_SEED").unwrap_or(0);
    let end = first + number("FRESHET_SEEDS").unwrap_or(SEEDS);
    let next = AtomicU64::new(first);
    let failed = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    if let Err(why) = outcome_of(seed) {
                        eprintln!("seed {seed}: {why}");
                        failed.lock().unwrap().push(seed);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(
        failed.is_empty(),
        "{} of {} worlds did not end well; FRESHET_SEED={}",
        failed.len(),
        end - first,
        failed[0]
    );
}

#[test]
fn a_seed_always_makes_the_same_world() {
    for seed in 0..50 {
        let lives = [(); 2].map(|()| outcome_of(seed));
        assert_eq!(lives[0], lives[1], "seed {seed}");
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! The lock that says whose a part file is.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::engine::error::{Failure, FailureKind};

/// How long a lock is waited for, doubled with each try: a look from another process holds it for a
/// moment, and so does the last of our own threads to let go of a part file that was just closed.
const LOCK_WAITS: std::ops::Range<u32> = 0..8;

/// Takes the lock that says whose the part file is, for as long as the file is open.
pub fn lock(file: &File, path: &Path) -> Result<(), Failure> {
    if can_lock(path, || file.try_lock()) { Ok(()) } else { Err(in_use(path)) }
}

/// Tries to take a lock for about a quarter of a second; `false` if somebody else has it.
pub fn can_lock(path: &Path, try_lock: impl Fn() -> Result<(), TryLockError>) -> bool {
    for doublings in LOCK_WAITS {
        match try_lock() {
            Ok(()) => return true,
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(1 << doublings)),
            Err(TryLockError::Error(error)) => {
                // Not all network file systems have locks; then nobody can tell.
                tracing::debug!(path = %path.display(), "no locks here: {error}");
                return true;
            }
        }
    }
    false
}

pub fn in_use(path: &Path) -> Failure {
    Failure::new(FailureKind::PartInUse, format!("{} is locked by another process", path.display()))
}

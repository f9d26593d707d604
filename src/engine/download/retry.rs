// SPDX-License-Identifier: GPL-3.0-or-later
//! When and how often to try again.

use std::time::Duration;

use super::spec::Patience;
use crate::engine::error::{Failure, FailureKind};

/// No wait grows beyond this, whatever doubling or a server says.
pub const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// How often a full disk is looked at again. Looking costs a few system calls and no request: servers are
/// asked once there is room, see `disk/folder.rs`.
pub const SPACE_CHECK: Duration = Duration::from_secs(5);

/// What follows a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Try again after the wait; this failure counts.
    Again(Duration),
    /// Not the server's fault and not counted: look again after the wait, for as long as it takes.
    WhenSpace(Duration),
    GiveUp,
}

/// `failures`: how many in a row went before this one without progress.
pub fn verdict(failure: &Failure, failures: u32, patience: &Patience) -> Verdict {
    if matches!(failure.kind, FailureKind::DiskFull { .. }) {
        return if patience.wait_for_space { Verdict::WhenSpace(SPACE_CHECK) } else { Verdict::GiveUp };
    }
    if !failure.kind.is_temporary() || failures >= patience.retries {
        return Verdict::GiveUp;
    }
    let doubled = patience.first_wait.saturating_mul(1 << failures.min(20));
    Verdict::Again(failure.retry_after.unwrap_or(doubled).min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silence() -> Failure {
        Failure::new(FailureKind::Silence, "nothing came")
    }

    #[test]
    fn waits_double_from_the_first_and_stop_growing() {
        let patience = Patience { retries: 40, ..Patience::default() };
        let waits: Vec<_> = (0..40).map(|n| verdict(&silence(), n, &patience)).collect();
        assert_eq!(waits[0], Verdict::Again(Duration::from_secs(1)));
        assert_eq!(waits[1], Verdict::Again(Duration::from_secs(2)));
        assert_eq!(waits[4], Verdict::Again(Duration::from_secs(16)));
        assert_eq!(waits[39], Verdict::Again(LONGEST_WAIT));
    }

    #[test]
    fn retry_after_wins_over_doubling_but_not_over_the_bound() {
        let asked = |secs| Failure { retry_after: Some(Duration::from_secs(secs)), ..silence() };
        assert_eq!(verdict(&asked(7), 3, &Patience::default()), Verdict::Again(Duration::from_secs(7)));
        assert_eq!(verdict(&asked(1 << 40), 0, &Patience::default()), Verdict::Again(LONGEST_WAIT));
    }

    #[test]
    fn a_permanent_error_or_too_many_temporary_ones_end_it() {
        let gone = Failure::new(FailureKind::HttpStatus(404), "");
        assert_eq!(verdict(&gone, 0, &Patience::default()), Verdict::GiveUp);
        assert_eq!(verdict(&silence(), 5, &Patience::default()), Verdict::GiveUp);
    }

    #[test]
    fn a_full_disk_is_waited_for_where_there_is_patience_for_it() {
        let full = Failure::new(FailureKind::DiskFull { needed: Some(1) }, "");
        assert_eq!(verdict(&full, 99, &Patience::default()), Verdict::WhenSpace(SPACE_CHECK));
        let hasty = Patience { wait_for_space: false, ..Patience::default() };
        assert_eq!(verdict(&full, 0, &hasty), Verdict::GiveUp);
    }
}

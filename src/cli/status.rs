// SPDX-License-Identifier: GPL-3.0-or-later
//! The exit status of `freshet get`, as product.md promises it.

use std::process::ExitCode;

use crate::engine::FailureClass;

/// In the order in which one outdoes the other when several downloads fail in different ways: wrong
/// bytes are worse news than a full disk, and that is worse than a server that can be asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    Complete,
    Network,
    File,
    Content,
    Usage,
    Interrupted,
}

impl Status {
    pub fn code(self) -> u8 {
        match self {
            Self::Complete => 0,
            Self::Usage => 1,
            Self::Network => 2,
            Self::File => 3,
            Self::Content => 4,
            // As a shell tells of a program that SIGINT ended.
            Self::Interrupted => 130,
        }
    }
}

impl From<FailureClass> for Status {
    fn from(class: FailureClass) -> Self {
        match class {
            FailureClass::Network => Self::Network,
            FailureClass::File => Self::File,
            FailureClass::Content => Self::Content,
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        status.code().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::FailureKind;

    #[test]
    fn each_kind_of_end_has_its_number() {
        let of = |kind: FailureKind| Status::from(kind.class()).code();
        assert_eq!(Status::Complete.code(), 0);
        assert_eq!(Status::Usage.code(), 1);
        assert_eq!(of(FailureKind::HttpStatus(404)), 2);
        assert_eq!(of(FailureKind::Certificate), 2);
        assert_eq!(of(FailureKind::DiskFull { needed: None }), 3);
        assert_eq!(of(FailureKind::BadName), 3);
        assert_eq!(of(FailureKind::ChangedOnServer), 4);
        assert_eq!(Status::Interrupted.code(), 130);
    }

    #[test]
    fn the_worst_news_wins() {
        let worst = |all: &[Status]| all.iter().copied().max().unwrap();
        assert_eq!(worst(&[Status::Complete, Status::Network]), Status::Network);
        assert_eq!(worst(&[Status::File, Status::Network, Status::Complete]), Status::File);
        assert_eq!(worst(&[Status::Network, Status::Content, Status::File]), Status::Content);
        assert_eq!(worst(&[Status::Content, Status::Interrupted]), Status::Interrupted);
    }
}

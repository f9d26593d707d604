// SPDX-License-Identifier: GPL-3.0-or-later
//! The limits that must be in force whenever something may come. That they are kept to the byte is shown
//! in `rate/budget.rs`, whose budget the virtual network charges too.

use freshet::engine::{Limits, Speed};

use super::transport::Alive;

/// `total` is the limit that the network has for all, `own` what users want of each download.
pub fn check(alive: &[Alive], total: Option<Speed>, limits: &Limits, own: &[Option<Speed>]) {
    for transfer in alive.iter().filter(|transfer| !transfer.is_errand) {
        assert_eq!(total, limits.rate, "the limit of all downloads");
        assert_eq!(transfer.rate, own[transfer.owner], "the limit of download #{}", transfer.owner);
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Speeds: what may be used, by whom, when, and what is used. Pure.
//!
//! | question | file |
//! |---|---|
//! | how many bytes may pass now? | `budget.rs` |
//! | whose turn is it? | `limiter.rs` |
//! | which limit is in force at this hour? | `schedule.rs`, written and read by `schedule/text.rs` |
//! | how is a speed written? | `text.rs` |
//! | how fast is a download? | `meter.rs` |

mod budget;
mod limiter;
mod meter;
mod schedule;
mod text;

pub use budget::Budget;
pub use limiter::Limiter;
pub use meter::{Meter, time_left};
pub use schedule::{DAY, Day, Days, Schedule, ScheduleError, WeekMinute, Window};
pub use text::{RateError, parse_rate, write_rate};

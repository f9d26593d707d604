// SPDX-License-Identifier: GPL-3.0-or-later
//! Sizes and times as people read them.

use std::time::Duration;

use crate::engine::Speed;

/// `754 B`, `4.2 MB`: three digits at least, multiples of 1000 like the window and the file manager.
pub fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut unit = "B";
    for larger in ["kB", "MB", "GB", "TB", "PB", "EB"] {
        // From here on it would be written as 1000.0.
        if value < 999.95 {
            break;
        }
        value /= 1000.0;
        unit = larger;
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") }
}

pub fn speed(speed: Speed) -> String {
    format!("{}/s", size(speed.0))
}

/// `11 s`, `4 min 5 s`, `2 h 10 min`, rounded up: what is left should not be told too short.
pub fn time(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, min, s) => format!("{min} min {s} s"),
        (h, min, _) if h < 100 => format!("{h} h {min} min"),
        (h, ..) => format!("{} days", h / 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_read_well() {
        let sizes = [0, 999, 1_000, 999_949, 999_950, 4_200_000, u64::MAX].map(size);
        assert_eq!(sizes, ["0 B", "999 B", "1.0 kB", "999.9 kB", "1.0 MB", "4.2 MB", "18.4 EB"]);
        let times = [0.0, 0.2, 59.0, 59.5, 245.0, 7_800.0, 864_000.0].map(|s| time(Duration::from_secs_f64(s)));
        assert_eq!(times, ["0 s", "1 s", "59 s", "1 min 0 s", "4 min 5 s", "2 h 10 min", "10 days"]);
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! The words for what can not be read: why, and what to write instead.

use crate::engine::import::pattern::{MOST, PatternError};
use crate::i18n::gettext_f;

/// Why a pattern of addresses can not be followed.
pub fn pattern(error: &PatternError) -> String {
    match error {
        // Translators: {part} is what the user typed, like [9-1]: a row of numbers or letters.
        PatternError::Backwards(part) => {
            gettext_f("“{part}” counts down. Write the smaller end first.", &[("part", part)])
        }
        // Translators: {part} is what the user typed, like [1-9:0]: the numbers from 1 to 9 in steps of 0.
        PatternError::NoStep(part) => gettext_f("“{part}” has a step of 0 and would never end.", &[("part", part)]),
        // Translators: {part} is what the user typed, like {a,[ – the beginning of a choice in which another one begins.
        PatternError::Nested(part) => gettext_f(
            "“{part}” begins a pattern inside another one. Write them one after the other.",
            &[("part", part)],
        ),
        PatternError::TooMany => {
            gettext_f("The pattern stands for more than {n} addresses. Make it smaller.", &[("n", &MOST.to_string())])
        }
    }
}

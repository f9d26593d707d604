// SPDX-License-Identifier: GPL-3.0-or-later
//! The words for what cannot be read: why, and what to write instead.

use super::{amounts, describe};
use crate::engine::import::curl_command::CommandError;
use crate::engine::import::pattern::{MOST, PatternError};
use crate::engine::import::shell::ShellError;
use crate::i18n::{gettext, gettext_f};

/// Why a curl command cannot be taken over.
pub fn curl_command(error: &CommandError) -> String {
    match error {
        CommandError::Shell(ShellError::Unclosed) => {
            gettext("A quotation mark in the curl command is not closed. Copy the whole command.")
        }
        // Translators: {sign} begins a variable of the shell, like $ in $TOKEN.
        CommandError::Shell(ShellError::Expansion(sign)) => gettext_f(
            "“{sign}” in the curl command stands for something that only a shell knows. Write its value instead.",
            &[("sign", &sign.to_string())],
        ),
        // Translators: {sign} is a sign like | or > of a command line.
        CommandError::Shell(ShellError::Operator(sign)) => gettext_f(
            "Only a curl command can be taken over. Remove “{sign}” and what comes after it.",
            &[("sign", sign)],
        ),
        CommandError::Pattern(error) => pattern(error),
        CommandError::NoAddress => gettext("There is no address in the curl command."),
        CommandError::Address { text, reason } => describe::refused_address(text, reason),
        // Translators: {option} is an option of curl, like -o.
        CommandError::NoValue(option) => {
            gettext_f("“{option}” in the curl command needs something after it.", &[("option", option)])
        }
        // Translators: {option} is an option of curl, like -d or -X POST.
        CommandError::Sends(option) => gettext_f(
            "“{option}” in the curl command sends something or asks for something else than a file. Freshet only downloads.",
            &[("option", option)],
        ),
        // Translators: {option} is an option of curl, like --resolve.
        CommandError::Unsupported(option) => gettext_f(
            "“{option}” in the curl command cannot be taken over. Remove it if it goes without.",
            &[("option", option)],
        ),
        // Translators: {text} is what stands in the place of a header line.
        CommandError::Header(text) => {
            gettext_f("“{text}” in the curl command is no header. Write it as Name: value.", &[("text", text)])
        }
        // Translators: {option} is the name of an option, like proxy; {text} is what was written for it.
        CommandError::Value(option, text) => gettext_f(
            "“{text}” in the curl command cannot be used for “{option}”.",
            &[("option", option), ("text", text)],
        ),
    }
}

/// Why a pattern of addresses cannot be followed.
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
        PatternError::TooMany => gettext_f(
            "The pattern stands for more than {n} addresses. Make it smaller.",
            &[("n", &amounts::count(MOST))],
        ),
    }
}

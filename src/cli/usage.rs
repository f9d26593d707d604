// SPDX-License-Identifier: GPL-3.0-or-later
//! What `freshet` answers by itself when it is asked for its version or its use: neither takes a window,
//! so both are told where none is installed. `freshet get` has its own, in `options.rs`.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Arg, ArgAction, Command, CommandFactory, ValueHint};

use super::options::Options;
use crate::config::VERSION;
use crate::engine::net::version::curl_info;

/// Answers what can be answered without a window; `None`: the window it is.
pub fn run<'a>(args: impl IntoIterator<Item = &'a OsString>) -> Option<ExitCode> {
    let text = answer(args)?;
    // Also where nobody reads it to the end.
    let _ = io::stdout().lock().write_all(text.as_bytes());
    Some(ExitCode::SUCCESS)
}

fn answer<'a>(args: impl IntoIterator<Item = &'a OsString>) -> Option<String> {
    // What follows `--` are addresses.
    let mut options = args.into_iter().filter_map(|arg| arg.to_str()).take_while(|arg| *arg != "--");
    options.find_map(|option| match option {
        "--help" | "-h" => Some(HELP.to_owned()),
        "--version" | "-V" => Some(format!("freshet {VERSION}\n{}\n", curl_info())),
        _ => None,
    })
}

/// All that can be said on a command line. The man pages and what shells complete are made of it
/// (`tests/manual.rs`); it is not what reads the arguments, which belong to GTK without `get`.
pub fn command() -> Command {
    Command::new("freshet")
        .version(VERSION)
        .about("Download manager for the desktop")
        .args_conflicts_with_subcommands(true)
        .disable_help_subcommand(true)
        .arg(
            Arg::new("addresses").value_name("ADDRESS").num_args(0..).value_hint(ValueHint::AnyPath).help(
                "Addresses to download, or files with addresses in them: .txt, .url, .desktop, .meta4, .metalink",
            ),
        )
        .arg(
            Arg::new("background")
                .long("background")
                .action(ArgAction::SetTrue)
                .help("Start without showing the window"),
        )
        .arg(
            Arg::new("version")
                .short('V')
                .long("version")
                .action(ArgAction::Version)
                .help("Print the version and exit"),
        )
        .disable_version_flag(true)
        .subcommand(Options::command().name("get").about("Download here and now, with no need for a display"))
}

const HELP: &str = "\
Usage:
  freshet [ADDRESS...]                 open the window, or hand the addresses to the one that is open
  freshet get [OPTION...] ADDRESS...   download here and now, with no need for a display

“freshet get --help” tells what can be said to it.

Options:
  --background    start without showing the window
  -h, --help      print this help and exit
  -V, --version   print the version and exit
";

#[cfg(test)]
mod tests {
    use super::*;

    fn answer_to(args: &[&str]) -> Option<String> {
        let args: Vec<_> = args.iter().map(OsString::from).collect();
        answer(&args)
    }

    #[test]
    fn the_first_question_is_answered_and_addresses_are_none() {
        assert!(answer_to(&["http://h/f", "-V", "--help"]).unwrap().starts_with("freshet "));
        assert!(answer_to(&["-h", "-V"]).unwrap().contains("freshet get"));
        for args in [&[][..], &["http://h/f"], &["--", "--help"], &["--help-gtk"]] {
            assert_eq!(answer_to(args), None, "{args:?}");
        }
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! The program `freshet` on its own: what it answers where no window is installed.

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use freshet::config::LIBEXEC_DIR;
use support::faulty::{Faulty, Resource};
use support::process::skip;

/// Runs it far from any `freshet-window`. By another name of the same file: a copy cannot be run while a
/// program that another test has just started still holds what it was written by.
fn alone(args: &[&str]) -> Output {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let program = folder.path().join("freshet");
    fs::hard_link(env!("CARGO_BIN_EXE_freshet"), &program).unwrap();
    Command::new(program).args(args).env("LC_ALL", "C").output().unwrap()
}

fn answers(args: &[&str]) -> String {
    let output = alone(args);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.is_empty(), "{args:?}: {}, {told}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn it_tells_its_version_and_its_use_without_a_window() {
    for version in ["--version", "-V"] {
        let told = answers(&[version]);
        assert!(told.starts_with(&format!("freshet {}\nlibcurl/", env!("CARGO_PKG_VERSION"))), "{told}");
    }
    for args in [&["--help"][..], &["-h"], &["http://h/f", "--help"], &["--help", "--version"]] {
        let help = answers(args);
        assert!(help.contains("freshet get [OPTION") && help.contains("--version"), "{help}");
    }
}

#[test]
fn where_no_window_is_installed_it_says_what_can_be_done() {
    if Path::new(LIBEXEC_DIR).join("freshet-window").exists() {
        return skip("a window is installed");
    }
    for args in [&[][..], &["http://h/f"], &["--", "--help"]] {
        let output = alone(args);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && output.stdout.is_empty(), "{args:?}");
        assert!(told.contains("no window. Use: freshet get"), "{told}");
    }
}

#[test]
fn a_list_may_say_that_a_file_which_is_there_is_enough() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let server = Faulty::start();
    for name in ["a", "b", "c"] {
        server.serve(&format!("/{name}"), Resource::new(1, 100));
        fs::write(folder.path().join(name), "there").unwrap();
    }
    let get = |lines: &str, options: &[&str]| {
        let list = folder.path().join("list");
        fs::write(&list, lines.replace("URL", server.url("").as_str())).unwrap();
        let mut args = vec!["get", "-d", folder.path().to_str().unwrap(), "-i", list.to_str().unwrap()];
        args.extend(options);
        let output = alone(&args);
        let told = String::from_utf8(output.stderr).unwrap();
        let ends = [": skipped, ", ": failed. "].map(|end| told.matches(end).count());
        (output.status.code(), ends, told)
    };
    let (status, ends, told) = get("URLa\n on-exists=skip\nURLb\n auto-file-renaming=false\nURLc\n", &[]);
    assert_eq!((status, ends), (Some(0), [2, 0]), "{told}");
    // Each as the list has it, whatever is said of all.
    let (status, ends, told) = get("URLa\nURLb\n on-exists=overwrite\n", &["--on-exists", "skip"]);
    assert_eq!((status, ends), (Some(0), [1, 0]), "{told}");
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap().len();
    assert_eq!((read("a"), read("b"), read("c"), read("c (1)")), (5, 100, 5, 100));
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! The man pages and what the shells complete are made of the definition of the command line and kept
//! in `data/`, so that a build needs nothing for them. Here is seen that they still fit;
//! `FRESHET_WRITE=1 cargo test --no-default-features --test manual` writes them anew.

use std::path::{Path, PathBuf};
use std::{env, fs};

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;
use freshet::cli::{ERROR_FIELDS, EVENTS, FAILURES, FIELDS, usage};

/// What the page of the window says below what follows from the definition.
const WINDOW: &str = r#".SH FILES
.TP
\fI$XDG_DATA_HOME/freshet/list.sqlite\fR
The list of downloads.
.TP
\fINAME.part\fR, \fINAME.part.journal\fR
What has arrived of \fINAME\fR, and the journal that tells how far it may be trusted. Both are beside \fINAME\fR and
go away when it is complete.
.SH EXIT STATUS
0 if all addresses were taken, 1 if one of them is none, 75 if Freshet is just ending.
.SH SEE ALSO
.BR freshet\-get (1)
"#;

/// The same for `freshet get`.
const GET: &str = r#".SH FILES
.TP
\fINAME.part\fR, \fINAME.part.journal\fR
What has arrived of \fINAME\fR, and the journal that tells how far it may be trusted. The same command goes on
from there.
.SH ENVIRONMENT
.TP
\fBhttp_proxy\fR, \fBHTTPS_PROXY\fR, \fBFTP_PROXY\fR, \fBALL_PROXY\fR, \fBNO_PROXY\fR
The proxy to go through, as in curl(1). \fB\-\-proxy\fR goes before them.
.TP
\fBRUST_LOG\fR
What the engine tells on standard error with \fB\-\-verbose\fR, and only then; \fBfreshet=debug\fR if it is not set.
.SH EXAMPLES
.TP
freshet get https://example.org/image.iso
Downloads into the current folder, or continues what was interrupted there.
.TP
freshet get list.meta4
Downloads what a metalink names, with its mirrors and checksums.
.TP
freshet get \-j 3 \-\-limit\-rate 2M \-i addresses.txt
Three at a time, all together at most 2 MiB a second.
.TP
freshet get \-\-checksum sha256:DIGITS \-o image.iso ADDRESS
Exits with 4 if the file is another one.
.SH SEE ALSO
.BR freshet (1),
.BR curl (1)
"#;

#[test]
fn man_pages_and_completions_fit_the_command_line() {
    let mut wrong = Vec::new();
    for (path, text) in wanted() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(path);
        if env::var_os("FRESHET_WRITE").is_some() {
            fs::write(&path, &text).unwrap();
        }
        if fs::read_to_string(&path).ok().as_ref() != Some(&text) {
            wrong.push(path);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?} do not fit the command line: run this with FRESHET_WRITE=1, see above");
}

/// Paths below `data/`, and what should be there.
fn wanted() -> Vec<(PathBuf, String)> {
    let command = usage::command();
    let get = command.find_subcommand("get").expect("there is a command `get`").clone();
    let get = get.name("freshet-get").bin_name("freshet get");
    let mut files = vec![
        ("man/freshet.1".into(), page(command.clone(), "freshet", WINDOW)),
        ("man/freshet-get.1".into(), page(get, "freshet-get", &format!("{}{GET}", json()))),
    ];
    for (name, shell) in [("freshet.bash", Shell::Bash), ("_freshet", Shell::Zsh), ("freshet.fish", Shell::Fish)] {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command.clone(), "freshet", &mut script);
        let mut script = String::from_utf8(script).unwrap();
        if shell == Shell::Zsh {
            script = with_addresses_or_get(&script);
        }
        files.push((Path::new("completions").join(name), script));
    }
    files
}

/// The generator has zsh take the first word for an address, and look for `get` in the second one: here the first
/// word is either.
fn with_addresses_or_get(script: &str) -> String {
    let has_no_address = |line: &&str| !line.starts_with("'::addresses ");
    let mut script: String = script.lines().filter(has_no_address).flat_map(|line| [line, "\n"]).collect();
    for (from, to) in [("$line[2]", "$line[1]"), (":: :_freshet_commands\"", ":: :{_freshet_commands; _files}\"")] {
        assert!(script.contains(from), "the generator writes something else for {from}");
        script = script.replace(from, to);
    }
    script
}

fn page(command: Command, title: &str, more: &str) -> String {
    // Of no day: the same definition makes the same page.
    let man =
        Man::new(command).title(title.to_uppercase()).section("1").date("2026").source("Freshet").manual("Freshet");
    let mut page = Vec::new();
    man.render(&mut page).unwrap();
    let mut page = with_several(&String::from_utf8(page).unwrap());
    page.push_str(more);
    page
}

/// The generator writes an address in the synopsis as if there could be one only.
fn with_several(page: &str) -> String {
    let mut lines: Vec<_> = page.lines().map(str::to_owned).collect();
    let synopsis = lines.iter().position(|line| line == ".SH SYNOPSIS").expect("a page has a synopsis") + 1;
    let several = ["ADDRESS", "URL"].iter().fold(lines[synopsis].clone(), |line, name| {
        line.replace(&format!("[\\fI{name}\\fR]"), &format!("[\\fI{name}\\fR...]"))
    });
    assert_ne!(several, lines[synopsis], "the generator writes something else");
    lines[synopsis] = several;
    lines.join("\n") + "\n"
}

/// What `--json` writes, from where it is written.
fn json() -> String {
    let mut text =
        ".SH JSON\nWith \\fB\\-\\-json\\fR each line on standard output is an object with all of these fields:\n"
            .to_owned();
    let list = |text: &mut String, told: &[(&str, &str)]| {
        for (name, meaning) in told {
            *text += &format!(".TP\n\\fB{name}\\fR\n{meaning}\n");
        }
    };
    list(&mut text, &FIELDS);
    text += ".PP\n\\fBevent\\fR is one of these; there may be more in time:\n";
    list(&mut text, &EVENTS);
    text += ".PP\n\\fBerror\\fR has two fields:\n";
    list(&mut text, &ERROR_FIELDS);
    text += ".PP\nThe kinds are, and there may be more in time: ";
    text + &FAILURES.join(", ").replace('-', "\\-") + ".\n"
}

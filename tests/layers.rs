// SPDX-License-Identifier: GPL-3.0-or-later
//! Reads the sources and holds them to the import table on the front page of `src/lib.rs` and to the
//! few rules that keep a reader's trust: where unsafe code, fd sources and each big library may be,
//! how a file begins and how long it may grow. What is under `#[cfg(test)]`, or in a `tests.rs` or a file
//! below `tests/`, is let off.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Lines a file may have, its tests not counted.
const LONGEST_FILE: usize = 500;

/// Where each of these libraries may be named: beginnings of paths below `src/`.
const LIBRARIES: &[(&str, &[&str])] = &[
    ("gtk", &["ui/"]),
    ("adw", &["ui/"]),
    ("gettextrs", &["i18n.rs"]),
    ("secret", &["desktop/keyring.rs"]),
    ("curl", &["engine/net/"]),
    ("curl_sys", &["engine/net/"]),
    ("rusqlite", &["engine/store/"]),
    ("clap", &["cli/"]),
    ("indicatif", &["cli/"]),
];

/// Words that may be written in these files only, with the reason.
const WORDS: &[(&str, &[&str], &str)] = &[
    ("unsafe", &["engine/net/raw.rs"], "all unsafe code is in one file"),
    ("unsafe_code", &["engine/net/raw.rs"], "all unsafe code is in one file"),
    (
        "unix_fd_add_local",
        &["engine/net/driver.rs", "desktop/wall_clock.rs"],
        "one file watches sockets, one the clock",
    ),
    ("unix_fd_add_local_full", &["engine/net/driver.rs"], "one file watches sockets"),
    ("unix_fd_add", &["engine/net/driver.rs"], "one file watches sockets"),
    ("unix_fd_add_full", &["engine/net/driver.rs"], "one file watches sockets"),
    ("unix_fd_source_new", &["engine/net/driver.rs"], "one file watches sockets"),
    ("sleep", &["engine/disk/", "engine/store/"], "only the threads of disk and store wait; set a timer"),
];

/// Folder or root file (without `.rs`) -> what it may use besides itself.
type Table = BTreeMap<String, BTreeSet<String>>;

#[test]
fn every_source_file_keeps_to_the_table_and_the_rules() {
    let src = root().join("src");
    let table = table(&read(&src.join("lib.rs")));
    let mut complaints = Vec::new();
    for path in files_below(&src, "rs") {
        let name = path.strip_prefix(&src).unwrap().to_str().unwrap();
        complaints
            .extend(complaints_about(name, &read(&path), &table).iter().map(|what| format!("src/{name}: {what}")));
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn every_test_script_and_build_file_begins_with_its_licence() {
    let mut paths = vec![root().join("build.rs")];
    for folder in ["tests", "benches", "build-aux"] {
        for kind in ["rs", "py", "sh"] {
            paths.extend(files_below(&root().join(folder), kind));
        }
    }
    let bare: Vec<_> = paths.iter().filter(|path| !begins_with_licence(&read(path))).collect();
    assert!(bare.is_empty(), "no SPDX line: {bare:?}");
}

#[test]
fn the_table_still_says_what_the_design_rests_on() {
    let table = table(&read(&root().join("src/lib.rs")));
    let may = |layer: &str| table.get(layer).unwrap_or_else(|| panic!("no row for {layer}/"));
    let known: Vec<_> = may("engine").iter().filter(|name| *name != "config").collect();
    assert!(known.is_empty(), "the engine knows nobody, only the build's constants: {known:?}");
    assert!(!may("ui").contains("engine"), "the widgets see the model, not the engine");
    for layer in ["engine", "model", "desktop", "cli"] {
        assert!(!may(layer).contains("ui"), "{layer}/ does not know the widgets");
    }
}

// What may be complained of.

/// `name` is the path below `src/`.
fn complaints_about(name: &str, text: &str, table: &Table) -> Vec<String> {
    let tokens = without_tests(&tokens(text));
    let mut complaints = Vec::new();
    let allowed_in = |places: &[&str]| places.iter().any(|place| name.starts_with(place));

    if !begins_with_licence(text) {
        complaints.push("the first line is not the SPDX line".to_owned());
    }
    if !text.lines().nth(1).unwrap_or_default().starts_with("//") {
        complaints.push("does not say on its second line what lives here".to_owned());
    }
    if name.ends_with("/tests.rs") || name.contains("/tests/") {
        return complaints;
    }
    let length = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count();
    if length > LONGEST_FILE {
        complaints.push(format!("{length} lines without its tests, more than {LONGEST_FILE}"));
    }
    for (word, places, reason) in WORDS {
        if tokens.iter().any(|token| token == word) && !allowed_in(places) {
            complaints.push(format!("`{word}`: {reason}"));
        }
    }

    let here = module_of(name);
    for Import { path, glob, inline } in imports(&tokens, &here) {
        let Some(first) = path.first() else { continue };
        if let Some(library) = first.strip_prefix("::") {
            let places = LIBRARIES.iter().find(|(known, _)| *known == library).map(|(_, places)| places);
            if places.is_some_and(|places| !allowed_in(places)) {
                complaints.push(format!("may not use the library `{library}`"));
            }
            continue;
        }
        if glob && !inline {
            complaints.push(format!("imports all of `{}`; name what is meant", path.join("::")));
        }
        let Some(layer) = here.first() else { continue };
        // A name that is neither folder nor file of the root is an item of lib.rs.
        if let Some(allowed) = table.get(layer)
            && table.contains_key(first)
            && layer != first
            && !allowed.contains(first)
        {
            complaints.push(format!("`{layer}` may not use `{first}` ({})", path.join("::")));
        }
    }
    complaints.sort();
    complaints.dedup();
    complaints
}

fn begins_with_licence(text: &str) -> bool {
    const LICENCE: &str = "SPDX-License-Identifier: GPL-3.0-or-later";
    let first = text.lines().find(|line| !line.starts_with("#!") && !line.starts_with("# shellcheck"));
    let first = first.unwrap_or_default();
    [format!("// {LICENCE}"), format!("# {LICENCE}")].iter().any(|line| line == first)
}

/// The rows of the front page, "| `cli/` | `engine`, `config` |"; what stands behind a semicolon or in
/// brackets is for people. `config` and `i18n` are rows too, of files that use nobody.
fn table(front_page: &str) -> Table {
    let mut table = Table::from(["config", "i18n"].map(|file| (file.to_owned(), BTreeSet::new())));
    table.entry("i18n".to_owned()).or_default().insert("config".to_owned());
    for row in front_page.lines().filter_map(|line| line.strip_prefix("//! | `")) {
        let Some((layer, uses)) = row.split_once("` |") else { continue };
        let layer = layer.trim_end_matches('/').trim_end_matches(".rs").to_owned();
        let uses = uses.split(';').next().unwrap_or_default();
        let uses = uses.split('(').map(|part| part.split_once(')').map_or(part, |(_, rest)| rest)).collect::<String>();
        let names = uses.split('`').skip(1).step_by(2);
        table.insert(layer, names.map(|name| name.trim_end_matches('/').trim_end_matches(".rs").to_owned()).collect());
    }
    table
}

// Reading Rust, as much as is needed.

/// Names, `::` and single signs; comments, texts and lifetimes are gone.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let len = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |at| at + 2)
        } else if let Some(len) = raw_text(rest) {
            len
        } else if c == '"' {
            1 + quoted(&rest[1..], '"')
        } else if c == '\'' {
            character(rest)
        } else if c.is_alphanumeric() || c == '_' {
            let len = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            tokens.push(rest[..len].to_owned());
            len
        } else if rest.starts_with("::") {
            tokens.push("::".to_owned());
            2
        } else {
            if !c.is_whitespace() {
                tokens.push(c.to_string());
            }
            c.len_utf8()
        };
        rest = &rest[len..];
    }
    tokens
}

/// The length of a raw text (`r"..."`, `br#"..."#`) that begins here.
fn raw_text(text: &str) -> Option<usize> {
    let opened = text.strip_prefix('b').or_else(|| text.strip_prefix('c')).unwrap_or(text).strip_prefix('r')?;
    let hashes = opened.find(|c| c != '#')?;
    let body = opened[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let begin = text.len() - body.len();
    Some(body.find(&end).map_or(text.len(), |at| begin + at + end.len()))
}

/// The length up to and with the closing sign.
fn quoted(text: &str, close: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == close => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// The length of a character in quotes, or of the quote and name of a lifetime.
fn character(text: &str) -> usize {
    let mut signs = text.char_indices().skip(1);
    let first = signs.next().map(|(_, c)| c);
    let after = signs.next();
    match (first, after) {
        (Some('\\'), _) => 1 + quoted(&text[1..], '\''),
        (Some(_), Some((at, '\''))) => at + 1,
        _ => text[1..].find(|c: char| !c.is_alphanumeric() && c != '_').map_or(text.len(), |at| at + 1),
    }
}

/// Leaves out each item that stands under `#[cfg(test)]`.
fn without_tests(tokens: &[String]) -> Vec<String> {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut rest = tokens;
    while let Some(token) = rest.first() {
        if rest.len() >= MARK.len() && rest.iter().zip(MARK).all(|(token, mark)| token == mark) {
            let mut depth = 0_usize;
            let end = rest[MARK.len()..].iter().position(|token| {
                match token.as_str() {
                    "{" => depth += 1,
                    "}" => depth = depth.saturating_sub(1),
                    _ => {}
                }
                depth == 0 && (token == "}" || token == ";")
            });
            rest = end.map_or(&[], |end| &rest[MARK.len() + end + 1..]);
        } else {
            kept.push(token.clone());
            rest = &rest[1..];
        }
    }
    kept
}

/// A path as it is written anywhere in the code, seen from the root of the crate; one of another
/// crate begins with `::`.
#[derive(Debug, PartialEq, Eq)]
struct Import {
    path: Vec<String>,
    /// It ends in `*`.
    glob: bool,
    /// `super::*` in an inline module: its own file.
    inline: bool,
}

/// `engine/net/mod.rs` -> engine, net.
fn module_of(name: &str) -> Vec<String> {
    let stem = name.trim_end_matches(".rs").trim_end_matches("/mod");
    if ["lib", "main"].contains(&stem) { Vec::new() } else { stem.split('/').map(str::to_owned).collect() }
}

fn imports(tokens: &[String], here: &[String]) -> Vec<Import> {
    let mut imports = Vec::new();
    // Inline modules we are in, each with the depth of braces around it.
    let mut inline: Vec<(String, usize)> = Vec::new();
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(token) = tokens.get(at) {
        let next = tokens.get(at + 1).map(String::as_str);
        match token.as_str() {
            "mod" if tokens.get(at + 2).is_some_and(|token| token == "{") => {
                inline.push((tokens[at + 1].clone(), depth));
                depth += 1;
                at += 3;
                continue;
            }
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                inline.pop_if(|(_, outside)| *outside == depth);
            }
            name if next == Some("::") && is_name(name) && (at == 0 || tokens[at - 1] != "::") => {
                let mut module = here.to_vec();
                module.extend(inline.iter().map(|(name, _)| name.clone()));
                let mut written = Vec::new();
                at = read_tree(tokens, at, &[], &mut written);
                for path in written {
                    let glob = path.last().is_some_and(|last| last == "*");
                    let path: Vec<_> = path.into_iter().filter(|part| part != "*").collect();
                    let inline = path == ["super"] && !inline.is_empty();
                    imports.push(Import { path: resolve(&path, &module), glob, inline });
                }
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    imports
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Reads `a::b::{c, d::e}` into its paths and tells where it ends.
fn read_tree(tokens: &[String], mut at: usize, before: &[String], paths: &mut Vec<Vec<String>>) -> usize {
    let mut path = before.to_vec();
    while let Some(token) = tokens.get(at) {
        if token == "{" {
            at += 1;
            while tokens.get(at).is_some_and(|token| token != "}") {
                let end = read_tree(tokens, at, &path, paths);
                at = end + usize::from(end == at || tokens.get(end).is_some_and(|token| token == ","));
            }
            return at + 1;
        }
        if !is_name(token) && token != "*" {
            break;
        }
        path.push(token.clone());
        at += 1;
        match tokens.get(at).map(String::as_str) {
            Some("::") => at += 1,
            Some("as") => {
                at += 2;
                break;
            }
            _ => break,
        }
    }
    if path.len() > before.len() {
        paths.push(path);
    }
    at
}

fn resolve(path: &[String], module: &[String]) -> Vec<String> {
    let mut module = module.to_vec();
    match path.first().map(String::as_str) {
        Some("crate" | "freshet") => path[1..].to_vec(),
        Some("self" | "super") => {
            let mut rest = path;
            while let Some((first, after)) =
                rest.split_first().filter(|(first, _)| ["self", "super"].contains(&first.as_str()))
            {
                if first == "super" {
                    module.pop();
                }
                rest = after;
            }
            module.extend_from_slice(rest);
            module
        }
        Some(library) => [format!("::{library}")].into_iter().chain(path[1..].iter().cloned()).collect(),
        None => Vec::new(),
    }
}

// Files.

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All files with this ending, sorted; none when the folder is not there.
fn files_below(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path, ending));
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

mod the_reader {
    //! The reader of sources is a piece of work of its own: it must find what it is there to find.

    use super::*;

    const FRONT_PAGE: &str = "//! | folder | may use |\n//! |---|---|\n\
        //! | `engine/` | std, glib; nothing of the folders below |\n//! | `cli/` | `engine`, `config` |\n\
        //! | `model/` | `engine` (types, `Command`), `i18n` |\n//! | `ui/` | `model`, `i18n`; nothing of `engine` |\n";

    fn complaints(name: &str, code: &str) -> Vec<String> {
        let text = format!("// SPDX-License-Identifier: GPL-3.0-or-later\n//! What.\n{code}");
        complaints_about(name, &text, &table(FRONT_PAGE))
    }

    #[test]
    fn knows_the_table() {
        let table = table(FRONT_PAGE);
        assert_eq!(table["engine"], BTreeSet::new());
        assert_eq!(table["model"], BTreeSet::from(["engine".to_owned(), "i18n".to_owned()]));
        assert_eq!(table["ui"], BTreeSet::from(["model".to_owned(), "i18n".to_owned()]));
    }

    #[test]
    fn lets_what_is_allowed_pass() {
        for (name, code) in [
            (
                "engine/net/driver.rs",
                "use super::{priority, headers as h}; use crate::engine::types; curl::easy::X; unix_fd_add_local_full();",
            ),
            ("engine/net/mod.rs", "use super::error::Failure;"),
            ("model/session.rs", "use crate::{engine::{Command, Engine}, i18n}; fn f<'a>(x: &'a str) {}"),
            ("ui/window.rs", "use gtk::prelude::*; mod imp { use super::*; use super::super::row::Row; }"),
            ("ui/mod.rs", "mod imp { use super::row; }"),
            ("lib.rs", "pub mod engine; fn run() { ui::run(); crate::cli::run() }"),
            (
                "engine/x.rs",
                "// gtk::Window\nconst A: &str = \"crate::ui::x unsafe\"; const B: &str = r#\"\"crate::ui\"#; const C: char = '\"';",
            ),
            ("engine/disk/tests.rs", "use super::*; fn f() { sleep(1) }"),
            ("engine/queue/tests/x.rs", "use super::*; fn f() { sleep(1) }"),
            ("engine/x.rs", "#[cfg(test)]\nmod tests { use super::*; fn f() { unsafe {} } }"),
        ] {
            assert_eq!(complaints(name, code), Vec::<String>::new(), "{name}: {code}");
        }
    }

    #[test]
    fn finds_what_is_not_allowed() {
        for (name, code, complaint) in [
            ("engine/x.rs", "use crate::model::Session;", "`engine` may not use `model`"),
            ("engine/net/x.rs", "use super::super::super::ui::Window;", "`engine` may not use `ui`"),
            ("engine/x.rs", "use crate::{i18n, engine::types};", "`engine` may not use `i18n`"),
            ("ui/row.rs", "fn f() { crate::engine::types::go() }", "`ui` may not use `engine`"),
            ("ui/row.rs", "mod imp { use super::super::super::engine::X; }", "`ui` may not use `engine`"),
            ("cli/mod.rs", "use crate::{engine::{self, Event}, ui};", "`cli` may not use `ui`"),
            ("config.rs", "use crate::engine::X;", "`config` may not use `engine`"),
            ("model/x.rs", "use gtk::prelude::*;", "may not use the library `gtk`"),
            ("model/x.rs", "fn f(w: &adw::Window) {}", "may not use the library `adw`"),
            ("engine/download/x.rs", "use curl::easy::Easy;", "may not use the library `curl`"),
            ("model/x.rs", "use gettextrs::gettext;", "may not use the library `gettextrs`"),
            ("ui/x.rs", "use crate::model::*;", "imports all of `model`"),
            ("engine/net/headers.rs", "fn f() { unsafe { g() } }", "`unsafe`: "),
            ("engine/x.rs", "#![allow(unsafe_code)]", "`unsafe_code`: "),
            ("engine/clock.rs", "glib_unix::unix_fd_add_local(fd)", "`unix_fd_add_local`: "),
            ("engine/x.rs", "std::thread::sleep(d);", "`sleep`: "),
            ("engine/x.rs", "const C: char = '\\''; use crate::ui::X;", "`engine` may not use `ui`"),
            ("engine/x.rs", "#[cfg(test)] mod tests { fn f() {} }\nuse crate::ui::X;", "`engine` may not use `ui`"),
            ("engine/x.rs", &"\n".repeat(500), "502 lines without its tests"),
        ] {
            let found = complaints(name, code);
            assert!(found.len() == 1 && found[0].starts_with(complaint), "{name}: {code}: {found:?}");
        }
        assert_eq!(complaints_about("x.rs", "fn f() {}\n", &Table::new()).len(), 2, "no licence, no comment");
    }
}

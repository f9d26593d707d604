// SPDX-License-Identifier: GPL-3.0-or-later
//! What may lie in the folder already: files of the user, links, folders, part files of others. None
//! of it is touched unasked.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use freshet::engine::FailureKind;
use freshet::engine::download::spec::{DownloadSpec, OnExists};

use super::case::{Case, ensure, file};
use super::stage::Play;
use crate::support::faulty::Answer;
use crate::support::files;

const MINE: &str = "the user's own";

fn mine(name: &'static str) -> impl Fn(&Path) {
    move |folder| fs::write(folder.join(name), MINE).unwrap()
}

fn on_exists(rule: OnExists) -> impl Fn(&mut DownloadSpec) {
    move |spec| {
        spec.on_exists = rule;
    }
}

/// A good server.
fn good() -> Case {
    Case::serving(|request| file().answer(request)).requests(1..=1)
}

/// The same; what it sends is to be checked, so that it has a part file in any case.
fn checked() -> Case {
    good().asking(|spec| spec.checksum = Some(files::sha256(7, 200_000).parse().unwrap()))
}

fn untouched(name: &'static str) -> impl Fn(&Play) -> Result<(), String> {
    move |play| {
        let found = fs::read_to_string(play.downloader.file(name)).map_err(|error| format!("{name}: {error}"))?;
        ensure(found == MINE, || format!("{name} was touched"))
    }
}

/// `name` is a link to a file outside of the folder for downloads, which must stay as it is.
fn link_out(name: &'static str) -> impl Fn(&Path) {
    move |folder| {
        let outside = outside(folder);
        fs::write(&outside, MINE).unwrap();
        symlink(outside, folder.join(name)).unwrap();
    }
}

fn outside(folder: &Path) -> PathBuf {
    folder.with_extension("outside")
}

fn outside_untouched(play: &Play) -> Result<(), String> {
    let path = outside(play.downloader.folder());
    let found = fs::read_to_string(&path).map_err(|error| error.to_string())?;
    fs::remove_file(path).map_err(|error| error.to_string())?;
    ensure(found == MINE, || "the link was followed".to_owned())
}

fn is_file(name: &'static str) -> impl Fn(&Play) -> Result<(), String> {
    move |play| {
        let kind = fs::symlink_metadata(play.downloader.file(name)).map_err(|error| error.to_string())?.file_type();
        ensure(kind.is_file(), || format!("{name} is {kind:?}"))
    }
}

/// While half of the file is there, the user puts one of the same name into the folder.
fn a_file_comes() -> Case {
    let folder = Arc::new(OnceLock::<PathBuf>::new());
    let known = folder.clone();
    Case::serving(move |request| match request.number {
        0 => file().answer(request).cut_after(100_000),
        _ => {
            mine("f")(folder.get().unwrap());
            file().answer(request)
        }
    })
    .finding(move |path| known.set(path.to_owned()).unwrap())
    .named("f (1)")
    .leaving(&["f"])
    .judging(untouched("f"))
    .requests(2..=2)
}

cases![
    a_file_is_there = good().finding(mine("f")).named("f (1)").judging(untouched("f")),
    two_files_are_there = good()
        .finding(|folder| {
            mine("f")(folder);
            mine("f (1)")(folder);
        })
        .named("f (2)")
        .judging(untouched("f"))
        .judging(untouched("f (1)")),
    a_file_is_to_be_skipped = good()
        .finding(mine("f"))
        .asking(on_exists(OnExists::Skip))
        .fails(FailureKind::TargetExists, "/f is there already")
        .judging(untouched("f")),
    a_file_is_to_be_overwritten = good().finding(mine("f")).asking(on_exists(OnExists::Overwrite)),
    a_file_is_not_overwritten_by_half_a_file = Case::serving(|request| match request.number {
        0 => file().answer(request).cut_after(100_000),
        _ => Answer::status(404),
    })
    .finding(mine("f"))
    .asking(on_exists(OnExists::Overwrite))
    .fails(FailureKind::HttpStatus(404), "404")
    .keeping(&file(), "f.part", 100_000)
    .judging(untouched("f"))
    .requests(2..=2),
    a_file_is_not_overwritten_by_wrong_bytes = good()
        .finding(mine("f"))
        .asking(|spec| {
            on_exists(OnExists::Overwrite)(spec);
            spec.checksum = Some("md5:00000000000000000000000000000000".parse().unwrap());
        })
        .fails_if(|kind| matches!(kind, FailureKind::ChecksumMismatch { .. }), "")
        .leaving(&["f.part"])
        .maybe_leaving(&["f.part.journal"])
        .judging(untouched("f")),
    a_file_comes_while_it_runs = a_file_comes(),
    a_folder_is_there = good().finding(|folder| fs::create_dir(folder.join("f")).unwrap()).named("f (1)"),
    a_folder_is_to_be_overwritten = good()
        .finding(|folder| fs::create_dir(folder.join("f")).unwrap())
        .asking(on_exists(OnExists::Overwrite))
        .fails_as(&[FailureKind::Io(21), FailureKind::TargetExists], "/f")
        .keeping(&file(), "f.part", 200_000),
    a_link_is_there = good().finding(link_out("f")).named("f (1)").judging(outside_untouched),
    a_link_is_to_be_skipped = good()
        .finding(link_out("f"))
        .asking(on_exists(OnExists::Skip))
        .fails(FailureKind::TargetExists, "is there already")
        .judging(outside_untouched),
    a_link_is_to_be_overwritten = good()
        .finding(link_out("f"))
        .asking(on_exists(OnExists::Overwrite))
        .judging(is_file("f"))
        .judging(outside_untouched),
    a_dangling_link_is_there =
        good().finding(|folder| symlink("/nonexistent/x", folder.join("f")).unwrap()).named("f (1)"),
    a_dangling_link_is_to_be_overwritten = good()
        .finding(|folder| symlink(outside(folder), folder.join("f")).unwrap())
        .asking(on_exists(OnExists::Overwrite))
        .judging(is_file("f"))
        .judging(|play| ensure(!outside(play.downloader.folder()).exists(), || "the link was followed".to_owned())),
    a_link_to_itself_is_there = good().finding(|folder| symlink("f", folder.join("f")).unwrap()).named("f (1)"),
    a_part_file_of_somebody_is_there = checked().finding(mine("f.part")).named("f (1)").judging(untouched("f.part")),
    a_journal_of_somebody_is_there =
        checked().finding(mine("f.part.journal")).named("f (1)").judging(untouched("f.part.journal")),
    both_of_somebody_are_there = checked()
        .finding(|folder| {
            mine("f.part")(folder);
            mine("f.part.journal")(folder);
        })
        .named("f (1)")
        .judging(untouched("f.part"))
        .judging(untouched("f.part.journal")),
    a_link_is_in_the_part_files_place = checked().finding(link_out("f.part")).named("f (1)").judging(outside_untouched),
    a_dangling_link_is_in_the_part_files_place = checked()
        .finding(|folder| symlink(outside(folder), folder.join("f.part")).unwrap())
        .named("f (1)")
        .judging(|play| ensure(!outside(play.downloader.folder()).exists(), || "the link was followed".to_owned())),
    a_link_is_in_the_journals_place =
        checked().finding(link_out("f.part.journal")).named("f (1)").judging(outside_untouched),
    a_folder_is_in_the_part_files_place =
        checked().finding(|folder| fs::create_dir(folder.join("f.part")).unwrap()).named("f (1)"),
    the_folder_is_missing = Case::serving(|request| file().answer(request))
        .asking(|spec| spec.folder.push("none"))
        .fails(FailureKind::FolderMissing, "none")
        .requests(0..=0),
    the_folder_is_a_file = Case::serving(|request| file().answer(request))
        .finding(mine("none"))
        .asking(|spec| spec.folder.push("none"))
        .fails(FailureKind::FolderMissing, "none")
        .judging(untouched("none"))
        .requests(0..=0),
];

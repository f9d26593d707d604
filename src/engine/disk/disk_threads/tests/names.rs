// SPDX-License-Identifier: GPL-3.0-or-later
//! Names and folders: what is there already, what can be none, and what leads elsewhere.

use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::symlink;

use super::*;

#[test]
fn nothing_that_is_there_is_overwritten() {
    let desk = Desk::new();
    fs::write(desk.path("f.txt"), b"finished").unwrap();
    fs::write(desk.path("f (1).txt.part"), b"orphan").unwrap();
    fs::write(desk.path("f (2).txt.part.journal"), b"journal alone").unwrap();
    symlink("nowhere", desk.path("f (3).txt")).unwrap();
    symlink("nowhere", desk.path("f (4).txt.part")).unwrap();
    let before = desk.names();
    assert_eq!(desk.open(1, desk.new_file("f.txt")), Ok(desk.path("f (5).txt.part")));
    assert_eq!(desk.open(2, desk.new_file("f.txt")), Ok(desk.path("f (6).txt.part")));
    let skip = Open { on_exists: OnExists::Skip, ..desk.new_file("f.txt") };
    assert_eq!(desk.open(3, skip), Err(FailureKind::TargetExists));
    assert!(before.iter().all(|name| desk.names().contains(name)));
    assert_eq!(fs::read(desk.path("f (1).txt.part")).unwrap(), b"orphan");
    assert!(!desk.path("nowhere").exists());
}

#[test]
fn a_file_that_appeared_meanwhile_is_kept_skipped_or_replaced_as_asked() {
    let desk = Desk::new();
    for (part, on_exists, expected) in [
        (1, OnExists::Rename, Ok("f (1)")),
        (2, OnExists::Skip, Err(FailureKind::TargetExists)),
        (3, OnExists::Overwrite, Ok("f")),
    ] {
        let open = Open { on_exists, ..desk.new_file("f") };
        desk.open(part, open).unwrap();
        desk.write(part, 0, b"new");
        desk.expect_written(part, 3);
        fs::write(desk.path("f"), b"old").unwrap();
        let finished = desk.finish(part, Finish { on_exists, ..complete(3) });
        assert_eq!(finished, expected.clone().map(|name| desk.path(name)), "{on_exists:?}");
        if let Ok(name) = expected {
            assert_eq!(fs::read(desk.path(name)).unwrap(), b"new");
        }
        if on_exists != OnExists::Overwrite {
            assert_eq!(fs::read(desk.path("f")).unwrap(), b"old");
        }
        desk.disk.close(PartId(part));
        desk.disk.delete(desk.path("f.part"));
        for name in ["f", "f (1)"] {
            let _ = fs::remove_file(desk.path(name));
        }
        desk.look(99, desk.any()).unwrap();
    }
}

#[test]
fn overwriting_replaces_the_named_file_even_beside_an_orphan() {
    let desk = Desk::new();
    fs::write(desk.path("f"), b"old").unwrap();
    fs::write(desk.path("f.part"), b"orphan").unwrap();
    let on_exists = OnExists::Overwrite;
    assert_eq!(desk.open(1, Open { on_exists, ..desk.new_file("f") }), Ok(desk.path("f (1).part")));
    desk.write(1, 0, b"new");
    desk.expect_written(1, 3);
    assert_eq!(fs::read(desk.path("f")).unwrap(), b"old", "only when the new one is complete");
    assert_eq!(desk.finish(1, Finish { on_exists, ..complete(3) }), Ok(desk.path("f")));
    assert_eq!(fs::read(desk.path("f")).unwrap(), b"new");
    assert_eq!(desk.names(), ["f", "f.part"]);
}

#[test]
fn a_symbolic_link_in_place_of_the_target_is_kept_or_replaced_but_not_followed() {
    let desk = Desk::new();
    fs::write(desk.path("precious"), b"0123").unwrap();
    let link = || symlink(desk.path("precious"), desk.path("f")).unwrap();
    desk.begin(1, "f", b"new");
    link();
    assert_eq!(desk.finish(1, complete(3)), Ok(desk.path("f (1)")));
    let on_exists = OnExists::Overwrite;
    desk.open(2, Open { on_exists, ..desk.new_file("f") }).unwrap();
    desk.write(2, 0, b"new");
    desk.expect_written(2, 3);
    assert_eq!(desk.finish(2, Finish { on_exists, ..complete(3) }), Ok(desk.path("f")));
    assert!(fs::symlink_metadata(desk.path("f")).unwrap().is_file());
    assert_eq!(fs::read(desk.path("precious")).unwrap(), b"0123");
}

#[test]
fn folders_that_can_not_be_used_are_told_apart() {
    let desk = Desk::new();
    let look = |name: &str| Look { folder: desk.path(name), ..desk.any() };
    assert_eq!(desk.look(1, look("missing")), Err(FailureKind::FolderMissing));
    fs::write(desk.path("file"), b"").unwrap();
    assert_eq!(desk.look(1, look("file")), Err(FailureKind::FolderMissing));
    let tmpfs = Tmpfs::new("size=1m,ro");
    assert_eq!(desk.look(1, Look { folder: tmpfs.folder.clone(), ..desk.any() }), Err(FailureKind::ReadOnly));
}

#[test]
fn a_name_that_leads_out_of_the_folder_is_refused() {
    let desk = Desk::new();
    for name in ["", ".", "..", "../f", "a/b", "a\0b"] {
        assert_eq!(desk.open(1, desk.new_file(name)), Err(FailureKind::BadName), "{name:?}");
    }
    assert_eq!(desk.open(1, desk.new_file(&"n".repeat(300))), Err(FailureKind::BadName));
}

#[test]
fn a_folder_whose_name_is_no_utf8_is_as_good_as_any() {
    let around = tempfile::tempdir().unwrap();
    let folder = around.path().join(OsString::from_vec(b"no \xff utf8".to_vec()));
    fs::create_dir(&folder).unwrap();
    let desk = Desk::in_folder(tempfile::tempdir_in(&folder).unwrap());
    desk.begin(1, "f", b"0123");
    desk.save(1, journal("f", &[(0, 4)])).unwrap();
    desk.disk.close(PartId(1));
    let found = desk.look(2, desk.any()).unwrap().unwrap();
    assert_eq!(desk.open(2, Open { resume: Some(found.part_path), ..desk.new_file("f") }), Ok(desk.path("f.part")));
    assert_eq!(desk.finish(2, complete(4)), Ok(desk.path("f")));
}

#[test]
fn many_files_of_one_name_are_not_counted_through_each_time() {
    let desk = Desk::new();
    for part in 0..2_000_u64 {
        let expected = if part == 0 { "f.part".to_owned() } else { format!("f ({part}).part") };
        assert_eq!(desk.open(part, desk.new_file("f")), Ok(desk.path(expected)));
        desk.disk.close(PartId(part));
    }
}

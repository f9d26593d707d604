// SPDX-License-Identifier: GPL-3.0-or-later
//! A list is opened, whatever is there in its place: none, a damaged one, an older or a newer one, one in use.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::engine::download::spec::OnExists;
use crate::engine::error::FailureKind;

#[test]
fn the_folder_is_made_for_the_user_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("share/freshet");
    drop(open(&data.join("list.db")));
    assert_eq!(fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_file_that_is_no_list_is_set_aside_and_kept_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.db");
    let rubbish = b"this is not a database, and long enough to be read as the header of one: not at all".repeat(20);
    for n in 1..=2 {
        fs::write(&path, &rubbish).unwrap();
        let opened = open(&path);
        let aside = folder.path().join(format!("list.db.damaged-{n}"));
        assert_eq!(opened.set_aside, Some(SetAside { path: aside.clone() }));
        assert_eq!(fs::read(&aside).unwrap(), rubbish);
        assert_eq!(opened.records, []);
        opened.store.save(record(1));
        drop(opened);
        assert_eq!(open(&path).records, [record(1)]);
    }
}

#[test]
fn a_database_with_other_tables_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.db");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE other (a); PRAGMA user_version = 1;").unwrap();
    drop(other);
    assert!(open(&path).set_aside.is_some());
}

#[test]
fn damage_in_the_middle_costs_only_the_rows_it_hit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.db");
    filled(&path, 2_000);
    let bytes = spoil(&path);

    let opened = open(&path);
    assert_eq!(opened.set_aside, Some(SetAside { path: folder.path().join("list.db.damaged-1") }));
    assert_eq!(fs::read(folder.path().join("list.db.damaged-1")).unwrap(), bytes);
    let ids: Vec<_> = opened.records.iter().map(|record| record.id).collect();
    assert!(ids.len() > 1_900 && ids.len() < 2_000, "{} rows were read", ids.len());
    assert!(ids.is_sorted() && ids[0] == DownloadId(1) && ids[ids.len() - 1] == DownloadId(2_000));
    assert_eq!(opened.next_id, DownloadId(2_001));
    let saved = opened.records;
    drop(opened.store);
    assert_eq!(open(&path).records, saved, "what was read is in the new list");
}

#[test]
fn a_row_that_can_not_be_understood_costs_only_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.db");
    filled(&path, 3);
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute("UPDATE download SET state = 'dreaming' WHERE id = 2", []).unwrap();
    drop(connection);
    let opened = open(&path);
    assert_eq!(opened.records, [record(1), record(3)]);
    assert_eq!(opened.set_aside, None);
}

#[test]
fn a_newer_list_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.db");
    filled(&path, 1);
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 1_000).unwrap();
    drop(connection);
    let failure = SqliteStore::open(&path, &[]).unwrap_err();
    assert!(failure.detail.contains("newer Freshet (version 1000"), "{failure}");
    assert_eq!(names_in(folder.path()), ["list.db"]);
}

#[test]
fn a_second_window_is_refused_while_the_first_has_the_list() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.db");
    let first = open(&path);
    let failure = SqliteStore::open(&path, &[]).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Io(libc::EBUSY));
    assert!(failure.detail.contains("in use by another Freshet"), "{failure}");
    first.store.save(record(1));
    drop(first);
    assert_eq!(open(&path).records, [record(1)]);
}

#[test]
fn a_path_that_can_not_be_opened_says_why() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let failure = SqliteStore::open(&folder.path().join("file/list.db"), &[]).unwrap_err();
    assert!(failure.detail.contains("creating the folder"), "{failure}");
}

#[test]
fn a_change_after_the_end_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.db");
    let opened = open(&path);
    opened.store.save(record(1));
    opened.store.close();
    opened.store.save(record(2));
    opened.store.close();
    drop(opened);
    assert_eq!(open(&path).records, [record(1)]);
}

/// A list of each version that ever was, as SQLite dumped it.
const SAMPLES: &[&str] = &[
    include_str!("../samples/version-1.sql"),
    include_str!("../samples/version-2.sql"),
    include_str!("../samples/version-3.sql"),
    include_str!("../samples/version-4.sql"),
    include_str!("../samples/version-5.sql"),
];

#[test]
fn a_list_of_every_version_is_read_and_continued() {
    assert_eq!(SAMPLES.len(), migrations::STEPS.len(), "each version has its sample");
    for (sample, version) in SAMPLES.iter().zip(1_i64..) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.db");
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.execute_batch(sample).unwrap();
        let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(found, version);
        drop(connection);

        let opened = open(&path);
        assert_eq!((&opened.set_aside, opened.next_id), (&None, DownloadId(10)));
        let states: Vec<_> = opened.records.iter().map(|record| (record.id.0, record.state.clone())).collect();
        let not_found = Failure::new(FailureKind::HttpStatus(404), "404 Not Found");
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_764_100_000);
        let wanted = [
            (1, SavedState::Queued),
            (2, SavedState::Completed),
            (4, SavedState::Failed(not_found)),
            (5, SavedState::Scheduled { at }),
            (9, SavedState::Paused),
        ];
        assert_eq!(states, wanted);
        let [first, second, third, ..] = opened.records.as_slice() else { panic!("{:?}", opened.records) };
        assert_eq!(first.path.as_deref(), Some(Path::new("/home/ann/Downloads/a.iso.part")));
        assert_eq!((first.received, first.total), (1_048_576, Some(4_000_000)));
        assert_eq!(first.spec.checksum, "md5:900150983cd24fb0d6963f7d28e17f72".parse().ok());
        assert_eq!(second.spec.manners.headers, ["X-A: b"]);
        assert_eq!(second.verified, first.spec.checksum);
        assert!(third.removed && third.spec.on_exists == OnExists::Skip);
        assert_eq!(third.spec.folder.as_os_str(), OsString::from_vec(b"/home/ann/no \xff utf8".to_vec()));
        let (past, traffic) = (history(&opened), traffic(&opened));
        if version >= 2 {
            let [newer, older] = past.as_slice() else { panic!("{past:?}") };
            assert_eq!((newer.id, older.id), (DownloadId(3), DownloadId(6)));
            assert_eq!(newer.path.as_deref(), Some(Path::new("/home/ann/Downloads/gone.iso")));
            assert_eq!(newer.folder.as_os_str(), OsString::from_vec(b"/home/ann/no \xff utf8".to_vec()));
            assert_eq!((newer.size, older.path.as_ref()), (4_200_000, None));
            let headers = newer.wishes.as_deref().map(|wishes| wishes.headers.join("\n"));
            assert_eq!((headers.as_deref(), &older.wishes), ((version >= 5).then_some("X-A: b"), &None));
            assert_eq!(traffic.days, [(Day(0), 70), (Day(20261125), 4_200_005)]);
        } else {
            assert_eq!((past.len(), traffic.total), (0, 0));
        }
        let turns: Vec<_> = opened.records.iter().filter_map(|record| record.turn).collect();
        assert_eq!(turns, if version < 3 { vec![] } else { vec![Turn(1536)] });
        let before = opened.records;
        drop(opened.store);
        assert_eq!(kept(&path, &before).records, before, "saved again it is the same");
    }
}

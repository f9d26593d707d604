// SPDX-License-Identifier: GPL-3.0-or-later
//! The store as its users see it: what was saved comes back, whatever happened to the file.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use proptest::prelude::*;
use url::Url;

use super::*;
use crate::engine::disk::journal::with_suffix;
use crate::engine::download::pieces::Pieces;
use crate::engine::download::spec::{Algorithm, Manners, OnExists, Patience};
use crate::engine::error::FailureKind;
use crate::engine::types::Speed;

pub fn record(id: u64) -> Record {
    let url = Url::parse(&format!("https://example.org/file-{id}.iso")).unwrap();
    Record {
        id: DownloadId(id),
        spec: DownloadSpec::new(url, "/tmp/downloads".into()),
        state: SavedState::Queued,
        name: format!("file-{id}.iso"),
        path: None,
        received: 0,
        total: None,
        media_type: None,
        verified: None,
        removed: false,
        turn: None,
        added_at: SystemTime::UNIX_EPOCH + Duration::from_secs(id),
        finished_at: None,
    }
}

fn open(path: &Path) -> Opened {
    SqliteStore::open(path, &[]).unwrap()
}

/// Saves, closes, and opens again.
fn kept(path: &Path, records: &[Record]) -> Opened {
    let opened = open(path);
    for record in records {
        opened.store.save(record.clone());
    }
    opened.store.close();
    drop(opened);
    open(path)
}

pub fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A list of so many rows, closed.
pub fn filled(path: &Path, rows: u64) {
    drop(kept(path, &(1..=rows).map(record).collect::<Vec<_>>()));
    // Who closes it does not wait for a slow disk for ever; with the log gone it is closed.
    let end = Instant::now() + Duration::from_secs(60);
    while with_suffix(path, "-wal").exists() {
        assert!(Instant::now() < end, "the list is not closed");
        thread::sleep(Duration::from_millis(10));
    }
}

fn any_path() -> impl Strategy<Value = PathBuf> {
    prop::collection::vec(1u8..=255, 0..40).prop_map(|bytes| OsString::from_vec(bytes).into())
}

fn any_time() -> impl Strategy<Value = SystemTime> {
    (0..9_000_000_000u64, 0..1_000_000_000u32).prop_map(|(s, ns)| SystemTime::UNIX_EPOCH + Duration::new(s, ns))
}

fn any_checksum() -> impl Strategy<Value = Checksum> {
    prop_oneof!["[0-9a-f]{32}".prop_map(|h| format!("md5:{h}")), "[0-9a-f]{64}".prop_map(|h| format!("sha256:{h}"))]
        .prop_map(|text| text.parse().unwrap())
}

fn any_state() -> impl Strategy<Value = SavedState> {
    let kind = prop_oneof![
        Just(FailureKind::Silence),
        any::<u16>().prop_map(FailureKind::HttpStatus),
        any::<Option<u64>>().prop_map(|needed| FailureKind::DiskFull { needed }),
        (any_checksum(), ".*").prop_map(|(expected, actual)| FailureKind::ChecksumMismatch { expected, actual }),
    ];
    let failure = (kind, ".*", any::<Option<Duration>>());
    prop_oneof![
        Just(SavedState::Queued),
        any_time().prop_map(|at| SavedState::Scheduled { at }),
        Just(SavedState::Paused),
        Just(SavedState::Completed),
        failure.prop_map(|(kind, detail, retry_after)| SavedState::Failed(Failure {
            kind,
            detail,
            retry_after,
            realm: None
        })),
    ]
}

prop_compose! {
    fn any_manners()(
        headers in prop::collection::vec("X-[a-z]{1,9}: .*", 0..3),
        user_agent in any::<Option<String>>(),
        referer in any::<Option<String>>(),
        proxy in prop::option::of("[a-z]{1,9}:[0-9]{4}"),
        ca_file in prop::option::of(any_path()),
        (netrc, insecure) in any::<(bool, bool)>(),
    ) -> Manners {
        Manners { headers, user_agent, referer, credentials: None, netrc, proxy, proxy_credentials: None, ca_file, insecure }
    }
}

prop_compose! {
    fn any_spec()(
        url in "https://ann@[a-z]{1,9}/[a-z]{0,9}",
        mirrors in prop::collection::vec("ftp://[a-z]{1,9}/", 0..3),
        folder in any_path(),
        // Of one whose path is no text nothing is kept: the folder is settled then.
        otherwise in prop::option::of("/[a-z]{0,9}"),
        name in any::<Option<String>>(),
        on_exists in prop_oneof![Just(OnExists::Rename), Just(OnExists::Skip), Just(OnExists::Overwrite)],
        (resume, wait_for_space) in any::<(bool, bool)>(),
        checksum in prop::option::of(any_checksum()),
        size in any::<Option<u64>>(),
        pieces in prop::option::of((1..u64::MAX, prop::collection::vec("[0-9a-f]{40}", 1..4))),
        connections in any::<u8>(),
        rate in any::<Option<u64>>(),
        manners in any_manners(),
        (retries, first_wait, silence) in any::<(u32, Duration, Duration)>(),
    ) -> DownloadSpec {
        DownloadSpec {
            url: Url::parse(&url).unwrap(),
            mirrors: mirrors.iter().map(|url| Url::parse(url).unwrap()).collect(),
            otherwise: otherwise.map(PathBuf::from),
            folder, name, on_exists, resume, checksum, size, find_checksum: resume, keep: !resume, connections,
            rate: rate.map(Speed), manners,
            pieces: pieces.map(|(length, hashes)| Pieces { algorithm: Algorithm::Sha1, length, hashes }),
            patience: Patience { retries, first_wait, silence, wait_for_space },
        }
    }
}

prop_compose! {
    fn any_record()(
        id in 1..u64::from(u32::MAX),
        spec in any_spec(),
        state in any_state(),
        name in any::<String>(),
        path in prop::option::of(any_path()),
        received in 0..i64::MAX as u64,
        total in prop::option::of(0..i64::MAX as u64),
        media_type in any::<Option<String>>(),
        verified in prop::option::of(any_checksum()),
        removed in any::<bool>(),
        turn in any::<Option<i64>>(),
        added_at in any_time(),
        finished_at in prop::option::of(any_time()),
    ) -> Record {
        Record {
            id: DownloadId(id), spec, state, name, path, received, total, media_type, verified, removed, added_at,
            finished_at, turn: turn.map(Turn),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_field_comes_back(record in any_record()) {
        let folder = tempfile::tempdir().unwrap();
        let opened = kept(&folder.path().join("list.db"), std::slice::from_ref(&record));
        prop_assert_eq!(opened.next_id, DownloadId(record.id.0 + 1));
        prop_assert_eq!(opened.records, [record]);
    }
}

#[test]
fn what_lies_outside_sqlites_numbers_is_moved_to_their_end() {
    let folder = tempfile::tempdir().unwrap();
    let odd = Record {
        received: u64::MAX,
        added_at: SystemTime::UNIX_EPOCH - Duration::from_secs(1),
        finished_at: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40)),
        ..record(1)
    };
    let read = kept(&folder.path().join("list.db"), &[odd]).records.remove(0);
    assert_eq!(read.received, i64::MAX as u64);
    assert_eq!(read.added_at, SystemTime::UNIX_EPOCH);
    assert_eq!(read.finished_at, Some(SystemTime::UNIX_EPOCH + Duration::from_nanos(i64::MAX as u64)));
}

#[test]
fn a_long_list_comes_back_in_order_and_a_closed_one_is_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.db");
    let records: Vec<_> = (1..=10_000).map(record).collect();
    let opened = kept(&path, &records);
    assert_eq!(opened.records, records);
    assert_eq!(opened.next_id, DownloadId(10_001));
    assert_eq!(opened.set_aside, None);
    drop(opened);
    assert_eq!(names_in(folder.path()), ["list.db"]);
}

#[test]
fn the_last_word_about_a_download_wins() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.db");
    let opened = open(&path);
    for received in 0..1_000 {
        opened.store.save(Record { received, ..record(1) });
        opened.store.save(record(2));
    }
    opened.store.forget(DownloadId(2));
    opened.store.forget(DownloadId(3));
    opened.store.save(record(3));
    drop(opened);
    let found = open(&path).records;
    assert_eq!(found, [Record { received: 999, ..record(1) }, record(3)]);
}

#[test]
fn saves_of_one_download_wait_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let opened = open(&folder.path().join("list.db"));
    for received in 0..1_000 {
        opened.store.save(Record { received, ..record(1) });
    }
    assert_eq!(opened.store.pending(), 1);
}

#[test]
fn an_id_is_not_given_again_after_its_row_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.db");
    let opened = kept(&path, &[record(1), record(7)]);
    opened.store.forget(DownloadId(7));
    drop(opened);
    assert_eq!(open(&path).next_id, DownloadId(8));
}

#[test]
fn nothing_that_was_written_is_lost_when_the_program_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.db");
    let opened = open(&path);
    let records: Vec<_> = (1..=50).map(record).collect();
    for record in &records {
        opened.store.save(record.clone());
    }
    // What a killed program leaves: the files as they are, with nobody to close them.
    let killed = folder.path().join("killed");
    let begin = Instant::now();
    let found = loop {
        assert!(begin.elapsed() < Duration::from_secs(20), "nothing was written");
        std::thread::sleep(Duration::from_millis(50));
        let _ = fs::remove_dir_all(&killed);
        fs::create_dir(&killed).unwrap();
        fs::copy(&path, killed.join("list.db")).unwrap();
        fs::copy(folder.path().join("list.db-wal"), killed.join("list.db-wal")).unwrap();
        let found = open(&killed.join("list.db"));
        assert_eq!(found.set_aside, None);
        if !found.records.is_empty() {
            break found.records;
        }
    };
    assert_eq!(found, records, "a batch is written as a whole");
}

#[test]
fn passwords_are_not_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.db");
    let mut record = record(1);
    record.spec.url.set_username("ann").unwrap();
    record.spec.url.set_password(Some("hunter2")).unwrap();
    record.spec.manners.headers = vec!["Cookie: hunter2".into()];
    drop(kept(&path, &[record]));
    let bytes = fs::read(&path).unwrap();
    assert!(bytes.windows(4).any(|w| w == b"ann@"));
    assert!(!bytes.windows(7).any(|w| w == b"hunter2"));
}

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
    let mut bytes = fs::read(&path).unwrap();
    let page = 4096 * (bytes.len() / 4096 / 2);
    bytes[page..page + 4096].fill(0xa5);
    fs::write(&path, &bytes).unwrap();

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
    include_str!("samples/version-1.sql"),
    include_str!("samples/version-2.sql"),
    include_str!("samples/version-3.sql"),
    include_str!("samples/version-4.sql"),
    include_str!("samples/version-5.sql"),
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

fn asked<T>(answer: impl Future<Output = Result<T, Failure>>) -> T {
    let _turn = crate::engine::MAIN_CONTEXT_TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    glib::MainContext::default().block_on(answer).unwrap()
}

fn history(opened: &Opened) -> Vec<Past> {
    asked(opened.store.archive().history())
}

fn traffic(opened: &Opened) -> Traffic {
    asked(opened.store.archive().traffic(Day(0)))
}

fn completed(id: u64) -> Record {
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_764_000_000 + id);
    Record { state: SavedState::Completed, received: id * 10, finished_at: Some(at), ..record(id) }
}

fn came(day: u32, host: &str, bytes: u64) -> Came {
    Came::from([((Day(day), host.into()), bytes)])
}

#[test]
fn what_was_completed_stays_in_the_history_when_it_leaves_the_list() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.db");
    let opened = kept(&path, &[completed(1), completed(2), record(3)]);
    // As at a removal and its end, within one batch.
    opened.store.save(Record { removed: true, ..completed(1) });
    opened.store.retire(completed(1));
    opened.store.retire(completed(2));
    opened.store.forget(DownloadId(3));
    let ids = |opened: &Opened| history(opened).iter().map(|past| past.id.0).collect::<Vec<_>>();
    assert_eq!(ids(&opened), [2, 1]);
    drop(opened);
    let opened = open(&path);
    assert_eq!((opened.records.len(), opened.next_id), (0, DownloadId(4)));
    let all = history(&opened);
    assert_eq!(
        (all[0].name.as_str(), all[0].size, all[0].url.as_str()),
        ("file-2.iso", 20, "https://example.org/file-2.iso")
    );
    asked(opened.store.archive().forget(vec![DownloadId(2)]));
    assert_eq!(ids(&opened), [1]);
    asked(opened.store.archive().clear_history());
    assert_eq!(ids(&opened), [0; 0]);
}

#[test]
fn a_removal_that_can_be_undone_is_in_the_history_until_it_is_undone() {
    let folder = tempfile::tempdir().unwrap();
    let opened = open(&folder.path().join("list.db"));
    opened.store.save(Record { removed: true, ..completed(1) });
    opened.store.save(Record { removed: true, ..record(2) });
    assert_eq!(history(&opened).len(), 1);
    opened.store.save(completed(1));
    assert_eq!(history(&opened), []);
}

#[test]
fn an_address_that_was_downloaded_before_is_found_by_what_became_of_it_the_last_time() {
    let folder = tempfile::tempdir().unwrap();
    let opened = open(&folder.path().join("list.db"));
    let url: Url = "https://ann:secret@example.org/f".parse().unwrap();
    for id in [1, 2] {
        let spec = DownloadSpec::new(url.clone(), "/srv".into());
        opened.store.retire(Record { spec, ..completed(id) });
    }
    let urls = ["https://example.org/g", "https://ann:other@example.org/f"].map(|url| url.parse().unwrap());
    let found = asked(opened.store.archive().find(urls.into()));
    assert_eq!(found.iter().map(|(place, past)| (*place, past.id.0)).collect::<Vec<_>>(), [(1, 2)]);
}

#[test]
fn the_history_keeps_what_was_asked_for_but_no_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.db");
    let mut gone = completed(1);
    gone.spec.url = "https://ann:hunter2@example.org/f".parse().unwrap();
    gone.spec.mirrors = vec!["ftp://ann:hunter2@m/f".parse().unwrap()];
    gone.spec.checksum = format!("md5:{}", "0".repeat(32)).parse().ok();
    gone.spec.manners.headers =
        ["Authorization: hunter2", "cookie: hunter2", "X-Api-Key: hunter2", "X-A: b"].map(str::to_owned).to_vec();
    gone.spec.manners.referer = Some("https://hunter2.example".into());
    let wanted = Wishes {
        mirrors: vec!["ftp://ann@m/f".parse().unwrap()],
        checksum: gone.spec.checksum.clone(),
        headers: vec!["X-A: b".into()],
    };
    let opened = open(&path);
    opened.store.retire(gone.clone());
    opened.store.retire(completed(2));
    let all = history(&opened);
    assert_eq!((all[1].url.as_str(), all[1].wishes.as_deref()), ("https://ann@example.org/f", Some(&wanted)));
    assert_eq!(all[0].wishes, None, "nothing is kept of nothing");
    drop(opened);
    let files = fs::read_dir(folder.path()).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    let texts: Vec<_> = files.collect();
    assert!(texts.iter().all(|bytes| !bytes.windows(7).any(|part| part == b"hunter2")), "a secret is in the file");

    // The same while its removal can be undone.
    let opened = open(&path);
    opened.store.save(Record { removed: true, finished_at: completed(3).finished_at, id: DownloadId(3), ..gone });
    assert_eq!(history(&opened)[0].wishes.as_deref(), Some(&wanted));
}

#[test]
fn where_no_history_is_wanted_nothing_is_kept_and_what_is_there_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.db");
    let opened = kept(&path, &[completed(1), completed(2)]);
    opened.store.retire(completed(1));
    opened.store.count(came(20261126, "a", 1));
    opened.store.remember(false);
    opened.store.retire(completed(2));
    opened.store.count(came(20261126, "b", 2));
    assert_eq!(history(&opened).iter().map(|past| past.id.0).collect::<Vec<_>>(), [1]);
    assert_eq!(traffic(&opened).hosts, [("a".to_owned(), 1)]);
    opened.store.remember(true);
    opened.store.count(came(20261126, "b", 4));
    drop(opened);
    let opened = open(&path);
    assert_eq!((opened.records.len(), traffic(&opened).total), (0, 5));
    asked(opened.store.archive().clear_traffic());
    assert_eq!(traffic(&opened), Traffic::default());
}

#[test]
fn the_oldest_of_a_long_history_give_way_and_all_of_it_is_read_in_a_moment() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.db");
    drop(open(&path));
    let connection = rusqlite::Connection::open(&path).unwrap();
    let fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
        INSERT INTO history SELECT i, 'https://example.org/' || i, 'file-' || i || '.iso', x'2f746d70', x'2f746d70', i, i, NULL FROM n";
    connection.execute(fill, []).unwrap();
    drop(connection);
    let opened = open(&path);
    let begin = Instant::now();
    assert_eq!(history(&opened).len(), 100_000);
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    opened.store.retire(completed(100_005));
    let all = history(&opened);
    assert_eq!((all.len(), all[0].id.0, all[99_999].id.0), (100_000, 100_005, 2));
}

#[test]
fn a_damaged_list_costs_neither_the_history_nor_the_statistics() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.db");
    let opened = open(&path);
    opened.store.retire(completed(5_000));
    opened.store.count(came(20261126, "a", 7));
    drop(opened);
    filled(&path, 2_000);
    let mut bytes = fs::read(&path).unwrap();
    let page = 4096 * (bytes.len() / 4096 / 2);
    bytes[page..page + 4096].fill(0xa5);
    fs::write(&path, &bytes).unwrap();
    let opened = open(&path);
    assert!(opened.set_aside.is_some());
    assert_eq!(opened.next_id, DownloadId(5_001), "an id is never given twice");
    drop(opened);
    let opened = open(&path);
    assert_eq!(history(&opened).iter().map(|past| past.id.0).collect::<Vec<_>>(), [5_000]);
    assert_eq!(traffic(&opened).hosts, [("a".to_owned(), 7)]);
}

#[test]
fn who_asks_a_closed_list_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let opened = open(&folder.path().join("list.db"));
    let archive = opened.store.archive();
    opened.store.close();
    let _turn = crate::engine::MAIN_CONTEXT_TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let failure = glib::MainContext::default().block_on(archive.history()).unwrap_err();
    assert!(failure.detail.contains("closed"), "{failure}");
}

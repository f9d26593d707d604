// SPDX-License-Identifier: GPL-3.0-or-later
//! What was saved comes back: every field, in order, the last word of each download, and no secret.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use proptest::prelude::*;

use super::*;
use crate::engine::download::pieces::Pieces;
use crate::engine::download::spec::{Algorithm, Manners, OnExists, Patience};
use crate::engine::error::FailureKind;
use crate::engine::types::Speed;

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

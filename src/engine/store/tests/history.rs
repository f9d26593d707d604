// SPDX-License-Identifier: GPL-3.0-or-later
//! The history of what was completed, and how much came.

use super::*;

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
    spoil(&path);
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
    let _turn = crate::engine::MAIN_CONTEXT_TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let failure = glib::MainContext::default().block_on(archive.history()).unwrap_err();
    assert!(failure.detail.contains("closed"), "{failure}");
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! Whatever happens to the list's file: no download that the disk still knows is lost, none comes
//! twice, and the damaged file is kept as it was.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{filled, names_in, record};
use crate::engine::disk::Journal;
use crate::engine::disk::journal::Placed;
use crate::engine::download::spec::DownloadSpec;
use crate::engine::error::{Failure, FailureKind};
use crate::engine::store::{Health, Opened, Record, SavedState, SqliteStore, Store};
use crate::engine::types::{ByteRange, DownloadId};

const PAGE: usize = 4096;

/// A folder for the list and one with part files.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("downloads")).unwrap();
        Self { folder }
    }

    fn list(&self) -> PathBuf {
        self.folder.path().join("list.db")
    }

    fn downloads(&self) -> PathBuf {
        self.folder.path().join("downloads")
    }

    /// A part file of which 10 bytes of 100 are there, with its journal.
    fn part(&self, name: &str) -> Journal {
        let part_path = self.downloads().join(format!("{name}.part"));
        let journal = Journal {
            url: format!("https://example.org/{name}").parse().unwrap(),
            mirrors: vec!["https://example.net/mirror".parse().unwrap()],
            name: name.into(),
            total: Some(100),
            validator: None,
            origin: None,
            modified: None,
            media_type: None,
            checksum: Some("md5:900150983cd24fb0d6963f7d28e17f72".parse().unwrap()),
            replaces: None,
            placed: None,
            done: vec![ByteRange::new(5, 15)],
        };
        fs::write(&part_path, [1; 15]).unwrap();
        journal.write(&part_path).unwrap();
        journal
    }

    /// The row of such a part file.
    fn row(&self, id: u64, name: &str) -> Record {
        let journal = self.part(name);
        let path = Some(self.downloads().join(format!("{name}.part")));
        Record {
            spec: DownloadSpec::new(journal.url, self.downloads()),
            name: name.into(),
            path,
            state: SavedState::Paused,
            ..record(id)
        }
    }

    fn fill(&self, rows: &[Record]) {
        let opened = SqliteStore::open(&self.list(), &[]).unwrap();
        for row in rows {
            opened.store.save(row.clone());
        }
        opened.store.close();
    }

    fn open(&self) -> Opened {
        SqliteStore::open(&self.list(), &[self.downloads()]).unwrap()
    }

    /// With these bytes as the list, and nothing left of the ones before.
    fn open_anew(&self, list: &[u8]) -> Opened {
        for name in names_in(self.folder.path()).iter().filter(|name| name.starts_with("list")) {
            fs::remove_file(self.folder.path().join(name)).unwrap();
        }
        fs::write(self.list(), list).unwrap();
        self.open()
    }
}

/// A list of forty downloads, its rows, and its bytes.
fn forty() -> (Home, Vec<Record>, Vec<u8>) {
    let home = Home::new();
    let rows: Vec<_> = (1..=40).map(|id| home.row(id, &format!("f{id}"))).collect();
    home.fill(&rows);
    let whole = fs::read(home.list()).unwrap();
    (home, rows, whole)
}

fn paths(records: &[Record]) -> Vec<PathBuf> {
    let mut paths: Vec<_> = records.iter().filter_map(|record| record.path.clone()).collect();
    paths.sort();
    paths
}

#[test]
fn what_the_list_has_lost_is_found_by_its_journals() {
    let home = Home::new();
    home.part("a");
    home.part("b");
    // None of these is a download: no part file, no journal, a link, another suffix.
    fs::remove_file(home.downloads().join("b.part")).unwrap();
    fs::write(home.downloads().join("c.part"), "").unwrap();
    let real = home.downloads().join("a.part");
    std::os::unix::fs::symlink(&real, home.downloads().join("d.part")).unwrap();
    fs::copy(Journal::path_of(&real), home.downloads().join("d.part.journal")).unwrap();
    fs::copy(Journal::path_of(&real), home.downloads().join("e.journal")).unwrap();
    fs::write(home.list(), "no list, as long as it may be, and it is long enough ".repeat(50)).unwrap();

    let opened = home.open();
    assert!(opened.set_aside.is_some());
    let [found] = opened.records.as_slice() else { panic!("{:?}", opened.records) };
    assert_eq!((found.path.as_ref(), found.name.as_str()), (Some(&real), "a"));
    assert_eq!((found.state.clone(), found.received, found.total), (SavedState::Queued, 10, Some(100)));
    assert_eq!((found.spec.folder.clone(), found.spec.mirrors.len()), (home.downloads(), 1));
    assert!(found.spec.checksum.is_some() && found.id == DownloadId(1));
    assert_eq!(opened.next_id, DownloadId(2));
    let before = opened.records;
    drop(opened.store);
    let again = home.open();
    assert_eq!((again.records, again.set_aside), (before, None), "it is in the new list");
}

#[test]
fn a_file_that_was_just_moved_into_place_is_found_by_its_journal() {
    let home = Home::new();
    let journal = home.part("a");
    let (part, file) = (home.downloads().join("a.part"), home.downloads().join("a"));
    let placed = Some(Box::new(Placed::new(&fs::metadata(&part).unwrap(), "a".into())));
    Journal { placed, ..journal }.write(&part).unwrap();
    fs::rename(&part, &file).unwrap();
    fs::write(home.list(), [7; 5000]).unwrap();
    assert_eq!(paths(&home.open().records), [part], "it is taken back from its place once it is looked for");
}

#[test]
fn a_healthy_list_is_not_added_to() {
    let home = Home::new();
    home.part("a");
    home.fill(&[]);
    assert_eq!(home.open().records, []);
}

#[test]
fn part_files_that_are_open_elsewhere_or_about_to_be_replaced_are_no_lost_downloads() {
    let home = Home::new();
    home.part("a");
    let busy = fs::File::open(home.downloads().join("a.part")).unwrap();
    busy.lock().unwrap();
    home.part("old");
    let new = home.downloads().join("new.part");
    Journal { replaces: Some(home.downloads().join("old.part")), ..home.part("new") }.write(&new).unwrap();
    fs::write(home.list(), [7; 5000]).unwrap();
    assert_eq!(paths(&home.open().records), [new]);
}

#[test]
fn the_folders_of_rows_that_can_be_read_are_searched_too() {
    let home = Home::new();
    let rows: Vec<_> = (1..=400).map(|id| home.row(id, &format!("f{id}"))).collect();
    home.fill(&rows);
    let mut bytes = fs::read(home.list()).unwrap();
    // Not any page: those of the rows lie where the writer's batches put them.
    let row = bytes.windows(9).position(|text| text == b"f200.part").unwrap();
    let page = row / PAGE * PAGE;
    bytes[page..page + PAGE].fill(0xa5);
    fs::write(home.list(), &bytes).unwrap();
    let opened = SqliteStore::open(&home.list(), &[]).unwrap();
    assert!(opened.set_aside.is_some());
    let is_found = |record: &Record| record.state == SavedState::Queued;
    let found = opened.records.iter().filter(|record| is_found(record)).count();
    assert!(found > 0 && found < 400, "{found} rows were found again");
    assert_eq!(paths(&opened.records), paths(&rows), "the others say what they said");
}

/// One after the other: each page zeroed, or half of it, each page rubbish, cut at each page and in the middle of it.
#[test]
fn no_damage_loses_a_download_or_brings_one_twice() {
    let (home, rows, whole) = forty();
    let damages = (0..whole.len() / PAGE).flat_map(|page| {
        let change = |byte: u8| {
            let mut bytes = whole.clone();
            bytes[page * PAGE..(page + 1) * PAGE].fill(byte);
            (format!("page {page} filled with {byte}"), bytes)
        };
        let half = {
            let mut bytes = whole.clone();
            bytes[page * PAGE + PAGE / 2..(page + 1) * PAGE].fill(0);
            (format!("half of page {page} zeroed"), bytes)
        };
        let cut = |at: usize| (format!("cut at {at}"), whole[..at].to_vec());
        [change(0), change(0xa5), half, cut(page * PAGE + 1), cut(page * PAGE + 2000), cut((page + 1) * PAGE - 1)]
    });
    let mut header = whole.clone();
    header[..16].copy_from_slice(b"SQLite format 4\0");
    // A page of a table with nothing in it has zeros where these would be written.
    let damages = damages.chain([("the wrong header".into(), header)]).filter(|(_, bytes)| *bytes != whole);
    for (what, bytes) in damages {
        let opened = home.open_anew(&bytes);
        assert_eq!(paths(&opened.records), paths(&rows), "{what}");
        let ids: BTreeSet<_> = opened.records.iter().map(|record| record.id).collect();
        assert_eq!(ids.len(), rows.len(), "{what}");
        assert!(ids.last() < Some(&opened.next_id), "{what}");
        let aside = opened.set_aside.unwrap_or_else(|| panic!("{what} is noticed"));
        assert_eq!(fs::read(aside.path).unwrap(), bytes, "{what}: kept as it was");
    }
}

#[test]
fn an_empty_file_or_a_folder_in_place_of_the_list_is_set_aside() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 3] = [
        ("empty", |list| fs::write(list, "").unwrap()),
        ("an empty folder", |list| {
            fs::remove_file(list).unwrap();
            fs::create_dir(list).unwrap();
        }),
        ("a folder with something in it", |list| {
            fs::remove_file(list).unwrap();
            fs::create_dir(list).unwrap();
            fs::write(list.join("mine"), "").unwrap();
        }),
    ];
    for (what, damage) in damages {
        let home = Home::new();
        let rows = [home.row(1, "a"), home.row(2, "b")];
        home.fill(&rows);
        damage(&home.list());
        let opened = home.open();
        assert_eq!(paths(&opened.records), paths(&rows), "{what}");
        assert!(opened.set_aside.is_some_and(|aside| aside.path.exists()), "{what}");
        drop(opened.store);
        let again = home.open();
        assert_eq!((again.records.len(), again.set_aside), (2, None), "{what}");
    }
}

#[test]
fn a_row_whose_path_is_damaged_gets_its_part_file_back() {
    let home = Home::new();
    let row = home.row(1, "a");
    let bytes = |name: &str| home.downloads().join(name).into_os_string().into_encoded_bytes();
    home.fill(std::slice::from_ref(&row));
    let mut list = fs::read(home.list()).unwrap();
    let (right, wrong) = (bytes("a.part"), bytes("?.part"));
    let at = list.windows(right.len()).position(|window| *window == right).expect("the path is in the list");
    list[at..at + right.len()].copy_from_slice(&wrong);
    // Damage that is noticed, elsewhere.
    list.truncate(list.len() - 1);
    fs::write(home.list(), list).unwrap();
    let records = home.open().records;
    assert_eq!((records.len(), paths(&records)), (1, paths(&[row])));
}

/// Bytes that follow no pattern, in the middle of the file and over all of it.
#[test]
fn random_bytes_in_the_list_lose_no_download() {
    let (home, rows, whole) = forty();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for round in 0..60 {
        let mut bytes = whole.clone();
        // Longer ones each round, at last all of it.
        let length = (bytes.len() * (round + 1) / 60).max(1);
        let start = usize::try_from(random()).unwrap_or(0) % (bytes.len() - length + 1);
        bytes[start..start + length].fill_with(|| random() as u8);
        let opened = home.open_anew(&bytes);
        let what = format!("round {round}: {length} bytes from {start}");
        // Of a row that can be read not a word need be true, but whatever it says, each file is there once.
        let found = paths(&opened.records);
        for path in paths(&rows) {
            assert_eq!(found.iter().filter(|other| **other == path).count(), 1, "{what}: {}", path.display());
        }
        // A shorter stretch can lie where a page of the list holds nothing.
        assert!(opened.set_aside.is_some() || length < 2 * PAGE, "{what} is noticed");
    }
}

#[test]
fn a_log_of_another_file_or_of_rubbish_does_no_harm() {
    let home = Home::new();
    filled(&home.list(), 3);
    for rubbish in [vec![], vec![0x37; 5000], b"\x37\x7f\x06\x82".repeat(2000)] {
        fs::write(home.folder.path().join("list.db-wal"), rubbish).unwrap();
        let opened = home.open();
        assert_eq!((opened.records.len(), opened.set_aside), (3, None));
    }
}

/// A tmpfs of 4 MiB.
struct Drive(tempfile::TempDir);

impl Drive {
    fn new() -> Self {
        let drive = Self(tempfile::tempdir().unwrap());
        drive.mount("size=4m");
        drive
    }

    fn mount(&self, options: &str) {
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(self.0.path());
        assert!(command.status().expect("mount can be run").success(), "mounting a tmpfs takes root");
    }
}

impl Drop for Drive {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// The next word about whether the list can be saved.
fn news(health: &mut Health) -> Option<Option<Failure>> {
    glib::MainContext::new().block_on(health.changed())
}

#[test]
fn a_full_disk_is_told_once_and_what_waits_is_saved_when_there_is_room() {
    let drive = Drive::new();
    let list = drive.0.path().join("list.db");
    let filler = drive.0.path().join("filler");
    let opened = SqliteStore::open(&list, &[]).unwrap();
    let mut health = opened.store.health();
    let fill = || assert!(fs::write(&filler, vec![1; 8 << 20]).is_err(), "the drive is larger than was said");
    fill();
    let rows: Vec<_> = (1..=100).map(record).collect();
    rows.iter().for_each(|row| opened.store.save(row.clone()));
    let told = news(&mut health).unwrap().unwrap();
    assert_eq!(told.kind, FailureKind::DiskFull { needed: None }, "{told}");
    assert!(told.detail.contains("saving the list"), "{told}");
    assert_eq!(opened.store.pending(), rows.len(), "nothing is given up");
    fs::remove_file(&filler).unwrap();
    assert_eq!(news(&mut health), Some(None), "it is told once that it failed, then that it works");
    fill();
    opened.store.save(Record { received: 7, ..record(1) });
    // At the end it is tried more than once.
    std::thread::scope(|scope| {
        scope.spawn(|| opened.store.close());
        assert!(news(&mut health).unwrap().is_some());
        fs::remove_file(&filler).unwrap();
        assert_eq!((news(&mut health), news(&mut health)), (Some(None), None));
    });
    drop(opened.store);
    let found = SqliteStore::open(&list, &[]).unwrap().records;
    assert_eq!((found.len(), found[0].received), (rows.len(), 7));
}

#[test]
fn a_folder_that_became_read_only_is_told_and_nothing_is_set_aside() {
    let drive = Drive::new();
    let around = drive.0.path();
    let list = around.join("list.db");
    filled(&list, 3);
    for content in [fs::read(&list).unwrap(), vec![0xa5; 9000]] {
        drive.mount("remount,rw");
        fs::write(&list, &content).unwrap();
        drive.mount("remount,ro");
        let failure = SqliteStore::open(&list, &[]).unwrap_err();
        assert_eq!(failure.kind, FailureKind::ReadOnly, "{failure}");
        assert_eq!(fs::read(&list).unwrap(), content);
    }
}

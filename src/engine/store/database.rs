// SPDX-License-Identifier: GPL-3.0-or-later
//! Opens the list's file: settings, schema, all rows. A damaged file is set aside, never deleted;
//! what can still be read of it and what the journals know go into the new one.

use std::error::Error as _;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, ffi};

use super::Record;
use super::history::{self, Past};
use super::migrations::{self, MigrateError};
use super::rebuild;
use super::rows::{self, Order};
use super::traffic::{self, Came};
use crate::engine::disk::journal::with_suffix;
use crate::engine::error::{Failure, FailureKind};
use crate::engine::types::DownloadId;

/// How long to wait for another Freshet that is just about to close its list.
const BUSY_WAIT: Duration = Duration::from_secs(2);

/// What SQLite keeps beside a database in WAL mode. They belong to it wherever it goes.
const COMPANIONS: [&str; 2] = ["-wal", "-shm"];

/// SQLite's smallest page.
const LEAST_PAGE: u64 = 512;

/// A damaged list was renamed, and a new one was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// Where the damaged file is now.
    pub path: PathBuf,
}

/// The list's file, open and ours alone.
#[derive(Debug)]
pub struct Database {
    pub connection: Connection,
    /// What could be read. If the file was set aside they are not in the new one yet.
    pub records: Vec<Record>,
    pub next_id: DownloadId,
    pub set_aside: Option<SetAside>,
}

/// Opens the list or begins one, with its folder. `folders`: where part files are looked for if it is
/// damaged.
pub fn open(path: &Path, folders: &[PathBuf]) -> Result<Database, Failure> {
    if let Some(folder) = path.parent() {
        make_private_folder(folder)
            .map_err(|e| Failure::from_io(&e, &format!("creating the folder {}", folder.display())))?;
    }
    match try_open(path) {
        Ok(database) => Ok(database),
        Err(OpenError::Damaged { saved, error }) => {
            let Saved { mut records, past, came } = *saved;
            let aside = set_aside(path)
                .map_err(|e| Failure::from_io(&e, &format!("setting the damaged list {} aside", path.display())))?;
            tracing::error!(%error, saved = records.len(), path = %aside.display(), "the saved list is damaged; it is set aside");
            let fresh = try_open(path).map_err(|error| error.into_failure(path))?;
            refill(&fresh.connection, &past, &came).map_err(|error| OpenError::from(error).into_failure(path))?;
            let behind_last = |records: &[Record]| {
                let ids = records.iter().map(|record| record.id).chain(past.iter().map(|past| past.id));
                ids.map(|id| id.0.saturating_add(1)).max()
            };
            let first = behind_last(&records).map_or(fresh.next_id, DownloadId);
            let lost = rebuild::lost(folders, &mut records, first);
            records.extend(lost);
            let next_id = behind_last(&records).map_or(first, DownloadId);
            Ok(Database { records, next_id, set_aside: Some(SetAside { path: aside }), ..fresh })
        }
        Err(error) => Err(error.into_failure(path)),
    }
}

#[derive(Debug)]
enum OpenError {
    /// Not SQLite, not our tables, or pages that contradict each other.
    Damaged { saved: Box<Saved>, error: rusqlite::Error },
    /// It cannot be opened now; that says nothing against the file.
    Refused(MigrateError),
}

/// What can still be read of a damaged list.
#[derive(Debug, Default)]
struct Saved {
    records: Vec<Record>,
    past: Vec<Past>,
    came: Came,
}

impl OpenError {
    fn into_failure(self, path: &Path) -> Failure {
        let name = path.display();
        let error = match self {
            Self::Damaged { error, .. } | Self::Refused(MigrateError::Sql(error)) => error,
            Self::Refused(MigrateError::Newer { found, known }) => {
                return Failure::new(
                    FailureKind::Internal(0),
                    format!(
                        "the list {name} was written by a newer Freshet (version {found}, this one knows {known}): \
                         update Freshet, or move that file away to begin a new list"
                    ),
                );
            }
        };
        match sqlite_error(&error).map(|error| error.code) {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Failure::new(
                FailureKind::Io(libc::EBUSY),
                format!("the list {name} is in use by another Freshet: close that one first"),
            ),
            _ => failure(&error, path, &format!("opening the list {name}")),
        }
    }
}

/// Why SQLite did not do with the list what it was asked for.
pub fn failure(error: &rusqlite::Error, path: &Path, doing: &str) -> Failure {
    let of_kind = |kind| Failure::new(kind, format!("{doing}: {error}"));
    match sqlite_error(error).map(|error| error.code) {
        // SQLite does not say why; the operating system does.
        Some(code @ (ErrorCode::CannotOpen | ErrorCode::SystemIoFailure)) => {
            match OpenOptions::new().append(true).create(true).open(path) {
                Err(why) => Failure::from_io(&why, doing),
                Ok(_) if code == ErrorCode::CannotOpen => of_kind(FailureKind::NotWritable),
                Ok(_) => of_kind(FailureKind::DriveFailed),
            }
        }
        Some(ErrorCode::DiskFull) => of_kind(FailureKind::DiskFull { needed: None }),
        Some(ErrorCode::ReadOnly) => of_kind(FailureKind::ReadOnly),
        Some(ErrorCode::PermissionDenied) => of_kind(FailureKind::NotWritable),
        _ => of_kind(FailureKind::Internal(0)),
    }
}

impl From<MigrateError> for OpenError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Sql(error) => error.into(),
            newer @ MigrateError::Newer { .. } => Self::Refused(newer),
        }
    }
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        if is_damage(&error) { Self::Damaged { saved: Box::default(), error } } else { Self::Refused(error.into()) }
    }
}

fn try_open(path: &Path) -> Result<Database, OpenError> {
    // SQLite takes the rest of a page that was cut off for zeros. Its own files grow by whole pages;
    // only what is copied out of the log may be cut short by a crash, and then the log is still there.
    let about = fs::metadata(path).ok();
    let is_cut = |length: u64| !length.is_multiple_of(LEAST_PAGE) && !with_suffix(path, "-wal").exists();
    let damage = match about {
        Some(about) if about.is_dir() => Some("a folder"),
        // SQLite would take it for a new list, and delete its log. A new one is empty only until its first page is written.
        Some(about) if about.is_file() && about.len() == 0 => Some("empty"),
        Some(about) if about.is_file() && is_cut(about.len()) => Some("cut off within a page"),
        _ => None,
    };
    if let Some(what) = damage {
        let error = ffi::Error::new(ffi::SQLITE_NOTADB);
        return Err(rusqlite::Error::SqliteFailure(error, Some(what.into())).into());
    }
    let mut connection = Connection::open(path)?;
    let opened = configure(&connection).map_err(OpenError::from).and_then(|()| {
        migrations::migrate(&mut connection, migrations::STEPS)?;
        let next_id = rows::next_id(&connection)?;
        Ok((next_id, load(&connection)?))
    });
    match opened {
        Ok((next_id, records)) => Ok(Database { connection, records, next_id, set_aside: None }),
        Err(error) => {
            if matches!(error, OpenError::Damaged { .. }) {
                // Closing would write the log back into a file that is damaged, and delete it.
                let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
            }
            Err(error)
        }
    }
}

/// One window owns the list, so the lock is kept, and SQLite needs no shared memory. With `FULL`
/// each transaction is synced: a power cut takes what was not yet committed and no more.
fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_WAIT)?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")
}

fn load(connection: &Connection) -> Result<Vec<Record>, OpenError> {
    let mut records = Vec::new();
    let loaded = rows::load(connection, Order::Ascending, &mut records).and_then(|()| check(connection));
    let Err(error) = loaded else { return Ok(records) };
    if !is_damage(&error) {
        return Err(error.into());
    }
    // What lies behind the damaged page can be reached from the other end.
    let mut behind = Vec::new();
    if let Err(error) = rows::load(connection, Order::Descending, &mut behind) {
        tracing::debug!(%error, "reading the damaged list from its end");
    }
    let last = records.last().map(|record| record.id);
    records.extend(behind.into_iter().rev().skip_while(|record| Some(record.id) <= last));
    let saved = Saved { records, past: history::rescue(connection), came: traffic::rescue(connection) };
    Err(OpenError::Damaged { saved: Box::new(saved), error })
}

/// The records are saved by the store.
fn refill(connection: &Connection, past: &[Past], came: &Came) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    past.iter().try_for_each(|past| history::insert(&transaction, past))?;
    traffic::add(&transaction, came)?;
    transaction.commit()
}

/// What is cut off or zeroed can be read as rows that were never there; the order of the pages shows it.
fn check(connection: &Connection) -> rusqlite::Result<()> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" {
        return Ok(());
    }
    Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), Some(found)))
}

/// SQLite's own error, however rusqlite has wrapped it.
pub fn sqlite_error(error: &rusqlite::Error) -> Option<&ffi::Error> {
    error.sqlite_error().or_else(|| error.source()?.downcast_ref())
}

fn is_damage(error: &rusqlite::Error) -> bool {
    sqlite_error(error).is_some_and(|error| {
        matches!(error.code, ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt)
            // A table or a column is missing: it may be SQLite, but it is not our list.
            || error.code == ErrorCode::Unknown
            || error.extended_code == ffi::SQLITE_IOERR_SHORT_READ
    })
}

fn make_private_folder(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Renames the file and its companions to the first free `NAME.damaged-N`. The companions go first:
/// a new file must never meet the old one's log.
fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let is_free = |aside: &Path| {
        let mut all = COMPANIONS.iter().map(|suffix| with_suffix(aside, suffix)).chain([aside.to_owned()]);
        all.all(|path| fs::symlink_metadata(path).is_err_and(|e| e.kind() == io::ErrorKind::NotFound))
    };
    let aside = (1..u32::MAX)
        .map(|n| with_suffix(path, &format!(".damaged-{n}")))
        .find(|aside| is_free(aside))
        .ok_or(io::ErrorKind::AlreadyExists)?;
    for suffix in COMPANIONS {
        match fs::rename(with_suffix(path, suffix), with_suffix(&aside, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::rename(path, &aside)?;
    Ok(aside)
}

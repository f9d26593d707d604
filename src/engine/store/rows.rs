// SPDX-License-Identifier: GPL-3.0-or-later
//! One record as columns and back. Nothing secret passes here (see `redact.rs`).

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, Row, named_params};

use super::{Record, SavedState, redact};
use crate::engine::download::spec::DownloadSpec;
use crate::engine::turn::Turn;
use crate::engine::types::DownloadId;

/// From the front, or from the back where the front is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Ascending,
    Descending,
}

/// Why a row is not a record.
#[derive(Debug, thiserror::Error)]
enum RowError {
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error("the state “{0}” is not known")]
    State(String),
}

/// Appends every record to `records`. After an error those that came before it are there. A row that
/// can be read but not understood is logged and left where it is.
pub fn load(connection: &Connection, order: Order, records: &mut Vec<Record>) -> rusqlite::Result<()> {
    let mut select = connection.prepare(match order {
        Order::Ascending => "SELECT * FROM download ORDER BY id",
        Order::Descending => "SELECT * FROM download ORDER BY id DESC",
    })?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        match record(row) {
            Ok(record) => records.push(record),
            Err(error) => {
                let id = row.get::<_, i64>("id").unwrap_or_default();
                tracing::error!(id, %error, "a row of the saved list cannot be understood; it is left out");
            }
        }
    }
    Ok(())
}

/// The first id that no download ever had.
pub fn next_id(connection: &Connection) -> rusqlite::Result<DownloadId> {
    let last: i64 = connection.query_row(
        "SELECT max(ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'download'), 0),
                    ifnull((SELECT max(id) FROM download), 0))",
        [],
        |row| row.get(0),
    )?;
    Ok(DownloadId(unsigned(last) + 1))
}

pub fn save(connection: &Connection, record: &Record) -> rusqlite::Result<()> {
    let mut spec = redact::without_secrets(record.spec.clone());
    let folder = std::mem::take(&mut spec.folder);
    // JSON cannot say a path that is no text: then its folder is settled.
    spec.otherwise.take_if(|folder| folder.to_str().is_none());
    let ca_file = spec.manners.ca_file.take();
    let spec_json = serde_json::to_string(&spec).map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))?;
    let (state, scheduled_at, failure) = match &record.state {
        SavedState::Queued => ("queued", None, None),
        SavedState::Scheduled { at } => ("scheduled", Some(*at), None),
        SavedState::Paused => ("paused", None, None),
        SavedState::Completed => ("completed", None, None),
        SavedState::Failed(failure) => ("failed", None, Some(failure)),
    };
    let failure = failure
        .map(serde_json::to_string)
        .transpose()
        .map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))?;
    let mut insert = connection.prepare_cached(
        "INSERT OR REPLACE INTO download VALUES (:id, :url, :name, :folder, :ca_file, :spec, :state, :scheduled_at,
            :failure, :path, :received, :total, :media_type, :verified, :removed, :added_at, :finished_at, :turn)",
    )?;
    insert.execute(named_params! {
        ":id": signed(record.id.0),
        ":url": spec.url.as_str(),
        ":name": record.name,
        ":folder": bytes(&folder),
        ":ca_file": ca_file.as_deref().map(bytes),
        ":spec": spec_json,
        ":state": state,
        ":scheduled_at": scheduled_at.map(nanoseconds),
        ":failure": failure,
        ":path": record.path.as_deref().map(bytes),
        ":received": signed(record.received),
        ":total": record.total.map(signed),
        ":media_type": record.media_type,
        ":verified": record.verified.as_ref().map(|sum| sum.to_string()),
        ":removed": record.removed,
        ":added_at": nanoseconds(record.added_at),
        ":finished_at": record.finished_at.map(nanoseconds),
        ":turn": record.turn.map(|turn| turn.0),
    })?;
    Ok(())
}

pub fn forget(connection: &Connection, id: DownloadId) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM download WHERE id = ?1")?.execute([signed(id.0)])?;
    Ok(())
}

fn record(row: &Row<'_>) -> Result<Record, RowError> {
    let mut spec: DownloadSpec = serde_json::from_str(text(row, "spec")?)?;
    spec.folder = path(row.get("folder")?);
    spec.manners.ca_file = row.get::<_, Option<_>>("ca_file")?.map(path);
    let state = match text(row, "state")? {
        "queued" => SavedState::Queued,
        "scheduled" => SavedState::Scheduled { at: time(row.get("scheduled_at")?) },
        "paused" => SavedState::Paused,
        "completed" => SavedState::Completed,
        "failed" => SavedState::Failed(serde_json::from_str(text(row, "failure")?)?),
        other => return Err(RowError::State(other.to_owned())),
    };
    Ok(Record {
        id: DownloadId(unsigned(row.get("id")?)),
        spec,
        state,
        name: row.get("name")?,
        path: row.get::<_, Option<_>>("path")?.map(path),
        received: unsigned(row.get("received")?),
        total: row.get::<_, Option<_>>("total")?.map(unsigned),
        media_type: row.get("media_type")?,
        // Only told, never trusted: one that cannot be read is no reason to lose the row.
        verified: row.get::<_, Option<String>>("verified")?.and_then(|sum| sum.parse().ok()),
        removed: row.get("removed")?,
        turn: row.get::<_, Option<_>>("turn")?.map(Turn),
        added_at: time(row.get("added_at")?),
        finished_at: row.get::<_, Option<_>>("finished_at")?.map(time),
    })
}

/// A text column without a copy.
fn text<'row>(row: &'row Row<'_>, column: &str) -> rusqlite::Result<&'row str> {
    Ok(row.get_ref(column)?.as_str()?)
}

pub fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

pub fn path(bytes: Vec<u8>) -> PathBuf {
    OsString::from_vec(bytes).into()
}

/// SQLite's numbers end at 2^63 - 1, and so do files.
pub fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// Reaches from 1970 to 2262; what lies outside is moved to the nearer end.
pub fn nanoseconds(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

pub fn time(nanoseconds: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(unsigned(nanoseconds))
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! The history: downloads that were complete when they were taken off the list. Kept small and without
//! secrets; the oldest give way.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde::{Deserialize, Serialize};
use url::Url;

use super::redact::{self, without_password};
use super::rows::{bytes, nanoseconds, path, signed, time, unsigned};
use super::{Record, rows};
use crate::engine::download::spec::{Checksum, DownloadSpec};
use crate::engine::types::DownloadId;

/// So many are kept.
const MOST: u32 = 100_000;

/// What is kept of a download that is no longer in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    pub id: DownloadId,
    pub url: String,
    pub name: String,
    pub folder: PathBuf,
    /// Where the file was put.
    pub path: Option<PathBuf>,
    pub size: u64,
    pub finished_at: SystemTime,
    /// Few have any.
    pub wishes: Option<Box<Wishes>>,
}

/// How a download was asked for besides its address, so that it can be asked for again. Without secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wishes {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mirrors: Vec<Url>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<String>,
}

impl Wishes {
    fn of(spec: &DownloadSpec) -> Option<Box<Self>> {
        let wishes = Self {
            mirrors: spec.mirrors.iter().map(|url| without_password(url).into_owned()).collect(),
            checksum: spec.checksum.clone(),
            headers: redact::harmless_headers(&spec.manners),
        };
        (wishes != Self::default()).then(|| Box::new(wishes))
    }
}

impl Past {
    fn of(record: &Record) -> Self {
        Self {
            id: record.id,
            url: without_password(&record.spec.url).as_str().to_owned(),
            name: record.name.clone(),
            folder: record.spec.folder.clone(),
            path: record.path.clone(),
            size: record.received,
            finished_at: record.finished_at.unwrap_or(record.added_at),
            wishes: Wishes::of(&record.spec),
        }
    }
}

/// Takes a download off the saved list and into the history.
pub fn retire(connection: &Connection, record: &Record) -> rusqlite::Result<()> {
    rows::forget(connection, record.id)?;
    insert(connection, &Past::of(record))
}

pub fn insert(connection: &Connection, past: &Past) -> rusqlite::Result<()> {
    let wishes = past.wishes.as_ref().map(serde_json::to_string).transpose();
    let mut insert = connection.prepare_cached(
        "INSERT OR REPLACE INTO history VALUES (:id, :url, :name, :folder, :path, :size, :finished_at, :wishes)",
    )?;
    insert.execute(named_params! {
        ":id": signed(past.id.0),
        ":url": past.url,
        ":name": past.name,
        ":folder": bytes(&past.folder),
        ":path": past.path.as_deref().map(bytes),
        ":size": signed(past.size),
        ":finished_at": nanoseconds(past.finished_at),
        ":wishes": wishes.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?,
    })?;
    Ok(())
}

/// Lets the oldest go of those that are too many.
pub fn bound(connection: &Connection) -> rusqlite::Result<()> {
    let mut delete = connection.prepare_cached(
        "DELETE FROM history WHERE id <= (SELECT id FROM history ORDER BY id DESC LIMIT 1 OFFSET ?1)",
    )?;
    delete.execute([MOST]).map(drop)
}

/// The latest first, with those whose removal can still be undone.
pub fn load(connection: &Connection) -> rusqlite::Result<Vec<Past>> {
    let mut all = Vec::new();
    append(
        connection,
        "SELECT id, url, name, folder, path, size, finished_at, wishes, NULL FROM history
         UNION ALL SELECT id, url, name, folder, path, received, ifnull(finished_at, added_at), NULL, spec FROM download
             WHERE removed <> 0 AND state = 'completed'
         ORDER BY finished_at DESC, id DESC",
        &mut all,
    )?;
    Ok(all)
}

/// What can be read of a damaged one.
pub fn rescue(connection: &Connection) -> Vec<Past> {
    let mut all = Vec::new();
    let select = "SELECT id, url, name, folder, path, size, finished_at, wishes, NULL FROM history ORDER BY id DESC";
    if let Err(error) = append(connection, select, &mut all) {
        tracing::warn!(%error, read = all.len(), "the history cannot all be read of the damaged list");
    }
    all
}

fn append(connection: &Connection, select: &str, all: &mut Vec<Past>) -> rusqlite::Result<()> {
    let mut select = connection.prepare(select)?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        all.push(past(row)?);
    }
    Ok(())
}

fn past(row: &Row<'_>) -> rusqlite::Result<Past> {
    Ok(Past {
        id: DownloadId(unsigned(row.get(0)?)),
        url: row.get(1)?,
        name: row.get(2)?,
        folder: path(row.get(3)?),
        path: row.get::<_, Option<_>>(4)?.map(path),
        size: unsigned(row.get(5)?),
        finished_at: time(row.get(6)?),
        wishes: wishes(row)?,
    })
}

/// Of the history as they are kept, of a download of the list out of what it keeps. Only to be asked for again: ones that
/// cannot be read are no reason to lose the row.
fn wishes(row: &Row<'_>) -> rusqlite::Result<Option<Box<Wishes>>> {
    let kept = row.get_ref(7)?.as_str_or_null()?.map(serde_json::from_str);
    let of_list = row.get_ref(8)?.as_str_or_null()?.map(serde_json::from_str::<DownloadSpec>);
    let read = kept.or_else(|| Some(of_list?.map(|spec| Wishes::of(&spec)))).transpose();
    Ok(read
        .unwrap_or_else(|error| {
            tracing::warn!(%error, "what was asked for with a download of the history cannot be read");
            None
        })
        .flatten())
}

/// The places of those addresses that were downloaded before, each with the last such download.
pub fn find(connection: &Connection, urls: &[Url]) -> rusqlite::Result<Vec<(usize, Past)>> {
    let mut select = connection.prepare_cached(
        "SELECT id, url, name, folder, path, size, finished_at, wishes, NULL FROM history WHERE url = ?1
         ORDER BY finished_at DESC, id DESC LIMIT 1",
    )?;
    let mut found = Vec::new();
    for (place, url) in urls.iter().enumerate() {
        let last = select.query_row([without_password(url).as_str()], past).optional()?;
        found.extend(last.map(|past| (place, past)));
    }
    Ok(found)
}

pub fn forget(connection: &Connection, ids: &[DownloadId]) -> rusqlite::Result<()> {
    let mut delete = connection.prepare_cached("DELETE FROM history WHERE id = ?1")?;
    ids.iter().try_for_each(|id| delete.execute([signed(id.0)]).map(drop))
}

pub fn clear(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM history", []).map(drop)
}

impl Past {
    /// Where it can be shown: the file, or the folder it was put into.
    pub fn place(&self) -> &Path {
        self.path.as_deref().unwrap_or(&self.folder)
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
//! The schema, as the steps that lead to it. A step that was released is never changed: what is to
//! be different becomes a new step at the end.

use rusqlite::{Connection, TransactionBehavior};

/// `STEPS[n]` leads from version n to n + 1; the version is SQLite's `user_version`.
pub const STEPS: &[&str] = &[
    // Times are nanoseconds since 1970. `folder`, `ca_file` and `path` are bytes, because paths need
    // not be UTF-8. AUTOINCREMENT, because an id is never given twice, even if the row is gone.
    "CREATE TABLE download (
        id           INTEGER PRIMARY KEY AUTOINCREMENT,
        url          TEXT NOT NULL,
        name         TEXT NOT NULL,
        folder       BLOB NOT NULL,
        ca_file      BLOB,
        spec         TEXT NOT NULL,
        state        TEXT NOT NULL,
        scheduled_at INTEGER,
        failure      TEXT,
        path         BLOB,
        received     INTEGER NOT NULL,
        total        INTEGER,
        media_type   TEXT,
        verified     TEXT,
        removed      INTEGER NOT NULL,
        added_at     INTEGER NOT NULL,
        finished_at  INTEGER
    ) STRICT;",
    // The history has the ids of the list, and how much came the days of the wall's calendar, as 20261231;
    // day 0 is the sum of all that are long over.
    "CREATE TABLE history (
        id          INTEGER PRIMARY KEY,
        url         TEXT NOT NULL,
        name        TEXT NOT NULL,
        folder      BLOB NOT NULL,
        path        BLOB,
        size        INTEGER NOT NULL,
        finished_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE traffic (
        day   INTEGER NOT NULL,
        host  TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        PRIMARY KEY (day, host)
    ) STRICT, WITHOUT ROWID;",
    // Where a download stands in the order of the queue; NULL: where it was added.
    "ALTER TABLE download ADD COLUMN turn INTEGER;",
    // Whether an address was downloaded before is asked each time that one is added.
    "CREATE INDEX history_by_url ON history (url);",
    // What was asked for besides the address, as JSON; NULL: nothing.
    "ALTER TABLE history ADD COLUMN wishes TEXT;",
];

#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// Made by a later Freshet; it is not damaged, but not ours to touch.
    #[error("version {found}, but only {known} is known here")]
    Newer { found: i64, known: usize },
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
}

/// Takes the steps that are missing, all or none. Takes the exclusive lock even if there are none.
pub fn migrate(connection: &mut Connection, steps: &[&str]) -> Result<(), MigrateError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let newer = MigrateError::Newer { found, known: steps.len() };
    let Some(missing) = usize::try_from(found).ok().and_then(|done| steps.get(done..)) else { return Err(newer) };
    for (version, step) in (found + 1..).zip(missing) {
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", version)?;
    }
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(connection: &Connection) -> Vec<(String, String)> {
        let mut columns = connection
            .prepare(
                "SELECT tables.name || '.' || columns.name, columns.type FROM sqlite_schema AS tables,
                    pragma_table_info(tables.name) AS columns WHERE tables.type = 'table' ORDER BY 1",
            )
            .unwrap();
        columns.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn every_old_version_comes_to_the_same_schema() {
        let mut fresh = Connection::open_in_memory().unwrap();
        migrate(&mut fresh, STEPS).unwrap();
        assert!(!schema(&fresh).is_empty());
        for version in 0..=STEPS.len() {
            let mut old = Connection::open_in_memory().unwrap();
            migrate(&mut old, &STEPS[..version]).unwrap();
            migrate(&mut old, STEPS).unwrap();
            assert_eq!(schema(&old), schema(&fresh), "from version {version}");
        }
    }

    #[test]
    fn rows_live_through_the_steps_that_follow() {
        let steps = [
            "CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (7);",
            "ALTER TABLE t ADD COLUMN b TEXT NOT NULL DEFAULT 'x';",
            "UPDATE t SET b = 'y';",
        ];
        let mut old = Connection::open_in_memory().unwrap();
        migrate(&mut old, &steps[..1]).unwrap();
        migrate(&mut old, &steps).unwrap();
        migrate(&mut old, &steps).unwrap();
        let row: (i64, String) = old.query_row("SELECT a, b FROM t", [], |r| Ok((r.get(0)?, r.get(1)?))).unwrap();
        assert_eq!(row, (7, "y".into()));
    }

    #[test]
    fn a_step_that_fails_leaves_the_old_version_whole() {
        let mut old = Connection::open_in_memory().unwrap();
        migrate(&mut old, &["CREATE TABLE t (a INTEGER);"]).unwrap();
        let broken = ["CREATE TABLE t (a INTEGER);", "ALTER TABLE t ADD COLUMN b TEXT;", "no SQL"];
        assert!(matches!(migrate(&mut old, &broken), Err(MigrateError::Sql(_))));
        assert!(old.execute("INSERT INTO t (b) VALUES ('x')", []).is_err());
        let version: i64 = old.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(version, 1);
    }

    #[test]
    fn a_newer_version_is_told_and_not_touched() {
        let mut newer = Connection::open_in_memory().unwrap();
        newer.pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(migrate(&mut newer, STEPS), Err(MigrateError::Newer { found: 99, .. })));
        assert!(schema(&newer).is_empty());
    }
}

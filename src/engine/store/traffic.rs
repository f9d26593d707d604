// SPDX-License-Identifier: GPL-3.0-or-later
//! How much came, by day and by host. A year is kept day by day; what is older is one sum for each host.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, params};

use super::rows::{signed, unsigned};

/// What came: how many bytes of which host on which day.
pub type Came = HashMap<(Day, Box<str>), u64>;

const KEPT_DAYS: u32 = 366;
/// Of a day that is over. The others are one sum, of the host ``.
const HOSTS_OF_DAY: u32 = 100;
/// Of the days that are one sum.
const HOSTS_OF_OLD: u32 = 1000;

/// A day by local time, as the number 20261231. None is before [`Day::OLD`], the sum of all old ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub u32);

impl Day {
    const OLD: Self = Self(0);

    /// None for a time that no calendar has.
    pub fn of(time: SystemTime) -> Option<Self> {
        let seconds = time.duration_since(UNIX_EPOCH).ok()?.as_secs();
        let local = glib::DateTime::from_unix_local(i64::try_from(seconds).ok()?).ok()?;
        Self::of_date(&local)
    }

    fn of_date(date: &glib::DateTime) -> Option<Self> {
        let (year, month, day) = date.ymd();
        u32::try_from((year * 100 + month) * 100 + day).ok().map(Self)
    }

    /// Its noon: no change of summer time makes another day of it.
    pub fn noon(self) -> Option<glib::DateTime> {
        let part = |number: u32| i32::try_from(number).ok();
        let (year, month, day) = (part(self.0 / 10_000)?, part(self.0 / 100 % 100)?, part(self.0 % 100)?);
        glib::DateTime::from_local(year, month, day, 12, 0, 0.0).ok()
    }

    /// So many days earlier.
    pub fn before(self, days: u32) -> Option<Self> {
        Self::of_date(&self.noon()?.add_days(-i32::try_from(days).ok()?).ok()?)
    }
}

/// What came since a day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Without those on which nothing came; the first is the earliest.
    pub days: Vec<(Day, u64)>,
    /// The first is the one that most came from. What came from hosts that are not kept one by one has an
    /// empty name and is the last.
    pub hosts: Vec<(String, u64)>,
    /// Of all days that ever were.
    pub total: u64,
}

/// Adds to what is there.
pub fn add(connection: &Connection, came: &Came) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO traffic VALUES (?1, ?2, ?3) ON CONFLICT (day, host) DO UPDATE SET bytes = bytes + excluded.bytes",
    )?;
    for ((day, host), bytes) in came {
        insert.execute(params![day.0, host, signed(*bytes)])?;
    }
    Ok(())
}

/// Keeps the table short, whatever the number of days and hosts. What a day amounts to stays as it is.
pub fn fold(connection: &Connection, today: Day) -> rusqlite::Result<()> {
    let Some(oldest) = today.before(KEPT_DAYS) else { return Ok(()) };
    connection.execute(
        "INSERT INTO traffic SELECT ?1, host, sum(bytes) FROM traffic WHERE day > ?1 AND day < ?2 GROUP BY host
             ON CONFLICT (day, host) DO UPDATE SET bytes = bytes + excluded.bytes",
        params![Day::OLD.0, oldest.0],
    )?;
    connection.execute("DELETE FROM traffic WHERE day > ?1 AND day < ?2", params![Day::OLD.0, oldest.0])?;
    const RANKED: &str = "WITH ranked AS (SELECT day, host,
        row_number() OVER (PARTITION BY day ORDER BY bytes DESC, host) AS rank FROM traffic WHERE host <> ''),
        needless AS (SELECT day, host FROM ranked WHERE day < ?1 AND rank > iif(day = ?2, ?3, ?4))";
    let values = params![today.0, Day::OLD.0, HOSTS_OF_OLD, HOSTS_OF_DAY];
    let join = format!(
        "{RANKED} INSERT INTO traffic SELECT day, '', sum(bytes) FROM traffic NATURAL JOIN needless WHERE true GROUP BY day
             ON CONFLICT (day, host) DO UPDATE SET bytes = bytes + excluded.bytes"
    );
    connection.execute(&join, values)?;
    let leave = format!("{RANKED} DELETE FROM traffic WHERE (day, host) IN needless");
    connection.execute(&leave, values)?;
    Ok(())
}

pub fn load(connection: &Connection, since: Day) -> rusqlite::Result<Traffic> {
    let mut days =
        connection.prepare("SELECT day, sum(bytes) FROM traffic WHERE day >= ?1 GROUP BY day ORDER BY day")?;
    let days = days.query_map([since.0], |row| Ok((Day(row.get(0)?), unsigned(row.get(1)?))))?;
    let mut hosts = connection.prepare(
        "SELECT host, sum(bytes) AS came FROM traffic WHERE day >= ?1 GROUP BY host ORDER BY host = '', came DESC, host",
    )?;
    let hosts = hosts.query_map([since.0], |row| Ok((row.get(0)?, unsigned(row.get(1)?))))?;
    let total = connection.query_row("SELECT ifnull(sum(bytes), 0) FROM traffic", [], |row| row.get(0))?;
    Ok(Traffic {
        days: days.collect::<Result<_, _>>()?,
        hosts: hosts.collect::<Result<_, _>>()?,
        total: unsigned(total),
    })
}

/// All of it as it is kept; what can be read of a damaged one.
pub fn rescue(connection: &Connection) -> Came {
    let mut came = Came::new();
    let mut read = || -> rusqlite::Result<()> {
        let mut select = connection.prepare("SELECT day, host, bytes FROM traffic")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let host: String = row.get(1)?;
            came.insert((Day(row.get(0)?), host.into()), unsigned(row.get(2)?));
        }
        Ok(())
    };
    if let Err(error) = read() {
        tracing::warn!(%error, "how much came cannot be read of the damaged list");
    }
    came
}

pub fn clear(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM traffic", []).map(drop)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::engine::store::migrations::{STEPS, migrate};

    fn table() -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, STEPS).unwrap();
        connection
    }

    fn came(list: &[(u32, &str, u64)]) -> Came {
        list.iter().map(|(day, host, bytes)| ((Day(*day), (*host).into()), *bytes)).collect()
    }

    #[test]
    fn what_comes_later_is_added_to_its_day_and_host() {
        let table = table();
        add(&table, &came(&[(20261126, "a", 10), (20261126, "b", 7), (20261125, "a", 5)])).unwrap();
        add(&table, &came(&[(20261126, "b", 4), (20261024, "c", 100)])).unwrap();
        let told = load(&table, Day(20261101)).unwrap();
        assert_eq!(told.days, [(Day(20261125), 5), (Day(20261126), 21)]);
        assert_eq!(told.hosts, [("a".to_owned(), 15), ("b".to_owned(), 11)]);
        assert_eq!(told.total, 126);
        assert_eq!(rescue(&table).len(), 4);
        clear(&table).unwrap();
        assert_eq!(load(&table, Day(0)).unwrap(), Traffic::default());
    }

    #[test]
    fn days_that_are_long_over_become_one_and_their_bytes_stay() {
        let table = table();
        let today = Day(20261126);
        add(&table, &came(&[(20240101, "a", 1), (20240102, "a", 2), (20251125, "b", 4)])).unwrap();
        add(&table, &came(&[(20251126, "a", 8), (20261126, "a", 16)])).unwrap();
        for _ in 0..2 {
            fold(&table, today).unwrap();
            let kept = load(&table, Day(0)).unwrap();
            assert_eq!(kept.days.iter().map(|(day, _)| day.0).collect::<Vec<_>>(), [0, 20251125, 20251126, 20261126]);
            assert_eq!((kept.days[0].1, kept.total), (3, 31));
        }
        fold(&table, Day(20261127)).unwrap();
        let kept = load(&table, Day(0)).unwrap();
        assert_eq!(kept.days[0], (Day(0), 7));
        assert_eq!(kept.total, 31);
    }

    #[test]
    fn thousands_of_hosts_are_kept_as_one_when_their_day_is_over() {
        let table = table();
        let names: Vec<_> = (0..5_000).map(|n| format!("host-{n}")).collect();
        let rows = |day| names.iter().zip(1..).map(move |(name, bytes)| (day, name.as_str(), bytes));
        add(&table, &came(&rows(20261126).chain(rows(20261125)).collect::<Vec<_>>())).unwrap();
        let before = load(&table, Day(0)).unwrap();
        for _ in 0..2 {
            fold(&table, Day(20261126)).unwrap();
            assert_eq!(rescue(&table).len(), 5_000 + 101);
            let after = load(&table, Day(0)).unwrap();
            assert_eq!((after.days, after.total), (before.days.clone(), before.total));
            assert_eq!(after.hosts[0], ("host-4999".to_owned(), 10_000));
            assert!(after.hosts.last().unwrap().0.is_empty());
        }
    }

    #[test]
    fn a_day_is_the_one_of_the_calendar_on_the_wall() {
        let noon = Day(20260301).noon().unwrap();
        let at = |seconds: i64| UNIX_EPOCH + Duration::from_secs(u64::try_from(noon.to_unix() + seconds).unwrap());
        assert_eq!(Day::of(at(0)), Some(Day(20260301)));
        assert_eq!(Day::of(at(11 * 3600 + 3599)), Some(Day(20260301)));
        assert_eq!(Day::of(at(12 * 3600)), Some(Day(20260302)));
        assert_eq!(Day(20260301).before(1), Some(Day(20260228)));
        assert_eq!(Day(20260301).before(366), Some(Day(20250228)));
    }
}

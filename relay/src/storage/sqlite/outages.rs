//! When the relay was not there: nobody was silent then (rule 6.3). A relay that was stopped for a month, or has come back from a
//! backup of last month, must not take everybody for silent before the first of them can call.

use curo_sqlite::DbError;
use curo_sqlite::rusqlite::Connection;

use super::sql::{U, all, first, run};

/// What is shorter counts as having been there.
const LEAST_MS: u64 = 60 * 60 * 1000;
/// Outages that are remembered: the latest. Days on which the relay was there lie between them.
const KEPT: usize = 256;

/// The relay is there now, and was since the note before unless that was long ago; or so the caller knows.
pub(super) fn note_present(conn: &Connection, all_along: bool, now_ms: u64) -> Result<(), DbError> {
    let last = first(conn, "SELECT at_ms FROM presence WHERE one = 1", (), |row| {
        row.get::<_, U>(0)
    })?;
    if let Some(U(last_ms)) = last
        && !all_along
        && now_ms.saturating_sub(last_ms) >= LEAST_MS
    {
        run(
            conn,
            "INSERT INTO outage (from_ms, until_ms) VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET until_ms = max(until_ms, excluded.until_ms)",
            (U(last_ms), U(now_ms)),
        )?;
        if let Some((oldest, _)) = outages(conn)?.get(KEPT) {
            run(conn, "DELETE FROM outage WHERE from_ms <= ?1", (U(*oldest),))?;
        }
    }
    run(
        conn,
        "INSERT INTO presence (one, at_ms) VALUES (1, ?1) ON CONFLICT DO UPDATE SET at_ms = excluded.at_ms",
        (U(now_ms),),
    )?;
    Ok(())
}

/// The moment before which somebody was last seen who has been silent for `for_ms` while the relay was there.
pub(super) fn before(conn: &Connection, for_ms: u64, now_ms: u64) -> Result<u64, DbError> {
    let mut before_ms = now_ms.saturating_sub(for_ms);
    for (from_ms, until_ms) in outages(conn)? {
        if until_ms <= before_ms {
            break;
        }
        // From the latest back: each moves the beginning of the silence by its length, or to where it began.
        let until_ms = until_ms.min(now_ms);
        before_ms = before_ms.saturating_sub(until_ms.saturating_sub(from_ms));
    }
    Ok(before_ms)
}

/// From when to when, the latest first.
fn outages(conn: &Connection) -> Result<Vec<(u64, u64)>, DbError> {
    all(
        conn,
        "SELECT from_ms, until_ms FROM outage WHERE from_ms >= 0 ORDER BY from_ms DESC",
        (),
        |row| Ok((row.get::<_, U>(0)?.0, row.get::<_, U>(1)?.0)),
    )
}

//! The follower's state as it is stored every few commits, and the commits that lead on from there (9.2).

use curo_sqlite::DbError;
use curo_sqlite::rusqlite::Connection;

use super::conversations::Place;
use super::sql::{U, all, one, run};
use crate::storage::Checkpoint;

/// The epoch of the checkpoint; every incarnation has one from its first commit on.
pub(super) fn epoch(conn: &Connection, place: Place<'_>) -> Result<u64, DbError> {
    let sql = "SELECT epoch FROM group_checkpoint WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3";
    one(conn, sql, place.key(), |row| row.get::<_, U>(0)).map(|U(epoch)| epoch)
}

/// The checkpoint, and the commits that lead from its epoch to this one.
pub(super) fn read(conn: &Connection, place: Place<'_>, from: u64, to: u64) -> Result<Checkpoint, DbError> {
    let sql = "SELECT follower FROM group_checkpoint WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3";
    let follower = one(conn, sql, place.key(), |row| row.get(0))?;
    let (tenant, conversation, incarnation) = place.key();
    let commits: Vec<Vec<u8>> = all(
        conn,
        "SELECT b.body FROM entry e INDEXED BY entry_winner
         JOIN body b ON b.tenant = e.tenant AND b.conversation = e.conversation AND b.incarnation = e.incarnation
             AND b.seq = e.seq
         WHERE e.tenant = ?1 AND e.conversation = ?2 AND e.incarnation = ?3 AND e.kind = 'commit'
             AND e.epoch >= ?4 AND e.epoch < ?5 ORDER BY e.epoch",
        (tenant, conversation, incarnation, U(from), U(to)),
        |row| row.get(0),
    )?;
    // Bodies behind a checkpoint may be dropped, those after it may not.
    if u64::try_from(commits.len()).ok() != to.checked_sub(from) {
        return Err(DbError::NoRow);
    }
    Ok(Checkpoint { follower, commits })
}

/// Replaces the checkpoint.
pub(super) fn store(conn: &Connection, place: Place<'_>, epoch: u64, follower: &[u8]) -> Result<(), DbError> {
    let (tenant, conversation, incarnation) = place.key();
    run(
        conn,
        "INSERT INTO group_checkpoint (tenant, conversation, incarnation, epoch, follower) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (tenant, conversation, incarnation) DO UPDATE SET
             epoch = excluded.epoch, follower = excluded.follower",
        (tenant, conversation, incarnation, U(epoch), follower),
    )?;
    Ok(())
}

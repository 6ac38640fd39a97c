//! The schema's migrations and the row that says whose store this is and who holds it.

use curo_sqlite::{Migration, Mode, Options, WriteTx};
use curo_types::ProfileId;
use rusqlite::OptionalExtension as _;

use crate::StoreError;

/// "Curo" in ASCII, in the file's header.
const APPLICATION_ID: i32 = 0x4375_726f;

static MIGRATIONS: [Migration; 3] = [
    Migration {
        version: 1,
        name: "store",
        sql: include_str!("../migrations/0001_store.sql"),
        rust: None,
    },
    Migration {
        version: 2,
        name: "messaging",
        sql: include_str!("../migrations/0002_messaging.sql"),
        rust: None,
    },
    Migration {
        version: 3,
        name: "access",
        sql: include_str!("../migrations/0003_access.sql"),
        rust: None,
    },
];

/// Two readers let a screen load while a search runs. The cache is small because a notification extension may use 24 MB
/// in all, and there are three connections.
pub(crate) fn options(mode: Mode) -> Options {
    Options {
        application_id: APPLICATION_ID,
        migrations: &MIGRATIONS,
        readers: 2,
        cache_kib: 2048,
        mode,
    }
}

/// Takes the store: checks that it is this profile's and returns the new generation.
pub(crate) fn claim(tx: &WriteTx<'_>, profile: &ProfileId) -> Result<i64, StoreError> {
    let owner: Option<[u8; 16]> = tx
        .query_row("SELECT profile FROM meta WHERE id = 1", [], |row| row.get(0))
        .optional()?;
    if owner.is_some_and(|owner| owner != profile.0) {
        return Err(StoreError::Foreign);
    }
    let generation = tx.query_row(
        "INSERT INTO meta (id, profile, generation) VALUES (1, ?1, 1)
         ON CONFLICT (id) DO UPDATE SET generation = generation + 1
         RETURNING generation",
        [profile.0],
        |row| row.get(0),
    )?;
    Ok(generation)
}

/// The generation of whoever took the store last.
pub(crate) fn generation(tx: &WriteTx<'_>) -> Result<i64, StoreError> {
    Ok(tx
        .prepare_cached("SELECT generation FROM meta WHERE id = 1")?
        .query_row([], |row| row.get(0))?)
}

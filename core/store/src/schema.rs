//! The schema's migrations and the row that says whose store this is and who holds it.

use curo_sqlite::{Migration, Mode, Options, WriteTx};
use curo_types::ProfileId;
use rusqlite::OptionalExtension as _;

use crate::StoreError;

/// "Curo" in ASCII, in the file's header.
pub(crate) const APPLICATION_ID: i32 = 0x4375_726f;

static MIGRATIONS: [Migration; 19] = [
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
    Migration {
        version: 4,
        name: "folding",
        sql: include_str!("../migrations/0004_folding.sql"),
        rust: None,
    },
    Migration {
        version: 5,
        name: "suites",
        sql: include_str!("../migrations/0005_suites.sql"),
        rust: None,
    },
    Migration {
        version: 6,
        name: "rejoin",
        sql: include_str!("../migrations/0006_rejoin.sql"),
        rust: None,
    },
    Migration {
        version: 7,
        name: "about",
        sql: include_str!("../migrations/0007_about.sql"),
        rust: None,
    },
    Migration {
        version: 8,
        name: "departure",
        sql: include_str!("../migrations/0008_departure.sql"),
        rust: None,
    },
    Migration {
        version: 9,
        name: "incarnations",
        sql: include_str!("../migrations/0009_incarnations.sql"),
        rust: None,
    },
    Migration {
        version: 10,
        name: "sign_in",
        sql: include_str!("../migrations/0010_sign_in.sql"),
        rust: None,
    },
    Migration {
        version: 11,
        name: "list",
        sql: include_str!("../migrations/0011_list.sql"),
        rust: None,
    },
    Migration {
        version: 12,
        name: "leaves",
        sql: include_str!("../migrations/0012_leaves.sql"),
        rust: None,
    },
    Migration {
        version: 13,
        name: "policy",
        sql: include_str!("../migrations/0013_policy.sql"),
        rust: None,
    },
    Migration {
        version: 14,
        name: "receipts",
        sql: include_str!("../migrations/0014_receipts.sql"),
        rust: None,
    },
    Migration {
        version: 15,
        name: "knowledge",
        sql: include_str!("../migrations/0015_knowledge.sql"),
        rust: None,
    },
    Migration {
        version: 16,
        name: "approval",
        sql: include_str!("../migrations/0016_approval.sql"),
        rust: None,
    },
    Migration {
        version: 17,
        name: "purge",
        sql: include_str!("../migrations/0017_purge.sql"),
        rust: None,
    },
    Migration {
        version: 18,
        name: "recovery",
        sql: include_str!("../migrations/0018_recovery.sql"),
        rust: None,
    },
    Migration {
        version: 19,
        name: "lost directory",
        sql: include_str!("../migrations/0019_lost_directory.sql"),
        rust: None,
    },
];

/// How much memory an open store may take: what its connections cache, and how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footprint {
    readers: usize,
    cache_kib: u32,
}

impl Footprint {
    /// For an app: two readers let a screen load while a search runs; 2 MiB of cache for each of the three connections.
    pub const NORMAL: Self = Self {
        readers: 2,
        cache_kib: 2048,
    };
    /// For a notification extension, which iOS ends at 24 MB: one writer and one reader, 512 KiB of cache each.
    pub const SMALL: Self = Self {
        readers: 1,
        cache_kib: 512,
    };
}

pub(crate) fn options(mode: Mode, footprint: Footprint) -> Options {
    Options {
        application_id: APPLICATION_ID,
        migrations: &MIGRATIONS,
        readers: footprint.readers,
        cache_kib: footprint.cache_kib,
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

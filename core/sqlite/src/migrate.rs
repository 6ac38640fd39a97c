//! Migrations: numbered steps, each in one transaction together with the version that it reaches.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::{DbError, OpenError};

/// The part of a step that SQL cannot say.
pub type MigrateFn = fn(&Transaction<'_>) -> Result<(), DbError>;

/// One step. A released step never changes; a mistake in it is repaired by the next.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// 1 for the first, then without gaps. Kept in the file as `user_version`.
    pub version: u32,
    /// What it is for, for logs.
    pub name: &'static str,
    /// Runs first. Foreign keys are enforced; a step that rebuilds tables starts with `PRAGMA defer_foreign_keys = ON`.
    pub sql: &'static str,
    /// Runs next, in the same transaction.
    pub rust: Option<MigrateFn>,
}

/// The newest version of a well-formed list.
pub(crate) fn newest(migrations: &[Migration]) -> Result<u32, OpenError> {
    if migrations.is_empty() {
        return Err(OpenError::Options("there must be at least one migration"));
    }
    let mut version = 0;
    for migration in migrations {
        version += 1;
        if migration.version != version {
            return Err(OpenError::Options("migrations must be numbered 1, 2, 3, …"));
        }
    }
    Ok(version)
}

/// Applies what is missing and returns how many steps that were. The first one also claims the file for the application.
pub(crate) fn apply(
    connection: &mut Connection,
    migrations: &[Migration],
    application_id: i32,
) -> Result<usize, OpenError> {
    let known = newest(migrations)?;
    let mut applied = 0;
    for migration in migrations {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Read inside the transaction: another process may have migrated since the gate looked.
        let found = version(&transaction)?;
        if found > known {
            return Err(OpenError::Newer { found, known });
        }
        if migration.version <= found {
            continue;
        }
        step(&transaction, migration, application_id)
            .and_then(|()| transaction.commit().map_err(DbError::from))
            .map_err(|source| failed(migration.version, source))?;
        applied += 1;
        tracing::info!(version = migration.version, name = migration.name, "migrated");
    }
    Ok(applied)
}

/// A full disk or a lock is no fault of the migration and has its own answer.
fn failed(version: u32, source: DbError) -> OpenError {
    match source {
        DbError::Full | DbError::Busy | DbError::Io { .. } => source.into(),
        source => OpenError::Migration { version, source },
    }
}

fn step(transaction: &Transaction<'_>, migration: &Migration, application_id: i32) -> Result<(), DbError> {
    if migration.version == 1 {
        transaction.pragma_update(None, "application_id", application_id)?;
    }
    transaction.execute_batch(migration.sql)?;
    if let Some(rust) = migration.rust {
        rust(transaction)?;
    }
    transaction.pragma_update(None, "user_version", migration.version)?;
    Ok(())
}

/// The version that the file bears; a negative one, which no release of ours writes, counts as newer than all.
pub(crate) fn version(connection: &Connection) -> Result<u32, rusqlite::Error> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(u32::try_from(version).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn step(version: u32) -> Migration {
        Migration {
            version,
            name: "",
            sql: "",
            rust: None,
        }
    }

    #[test]
    fn lists_with_gaps_or_without_entries_are_refused() {
        assert_eq!(newest(&[step(1), step(2)]), Ok(2));
        for bad in [
            &[][..],
            &[step(2)],
            &[step(1), step(3)],
            &[step(1), step(1)],
            &[step(0)],
        ] {
            assert!(matches!(newest(bad), Err(OpenError::Options(_))));
        }
    }
}

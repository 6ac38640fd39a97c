//! What a restored relay has lost of its directory (rule 7.2): the versions, and the envelopes that it is offered.

use curo_types::UserId;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Result, int, uint};

/// An envelope that the relay may have lost.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LostEnvelope {
    /// The version that it had.
    pub version: u64,
    /// Whose it is.
    pub user: UserId,
    /// As it came from the relay.
    pub envelope: Vec<u8>,
}

/// Keeps the relay's statement of who this account's subject is.
///
/// # Errors
/// The database's.
pub fn set_statement(conn: &Connection, statement: &[u8]) -> Result<()> {
    conn.execute("UPDATE account SET statement = ?1", [statement])?;
    Ok(())
}

/// The relay's statement of who this account's subject is.
///
/// # Errors
/// The database's.
pub fn statement(conn: &Connection) -> Result<Option<Vec<u8>>> {
    let found = conn
        .prepare_cached("SELECT statement FROM account")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(found.flatten())
}

/// Keeps an envelope of this device as it stands in the directory.
///
/// # Errors
/// The database's.
pub fn keep_own(conn: &Connection, version: u64, envelope: &[u8]) -> Result<()> {
    conn.prepare_cached("INSERT OR REPLACE INTO own_envelope (version, envelope) VALUES (?1, ?2)")?
        .execute(params![int(version), envelope])?;
    Ok(())
}

/// Replaces the versions that the relay has lost: pairs of the one before the first and the last.
///
/// # Errors
/// The database's.
pub fn set_versions(conn: &Connection, spans: &[(u64, u64)]) -> Result<()> {
    conn.execute("DELETE FROM lost_versions", [])?;
    let mut insert =
        conn.prepare_cached("INSERT OR REPLACE INTO lost_versions (after_version, until_version) VALUES (?1, ?2)")?;
    for (after, until) in spans {
        insert.execute(params![int(*after), int(*until)])?;
    }
    Ok(())
}

/// Whether a version is lost; then the last one of those that are lost with it.
///
/// # Errors
/// The database's.
pub fn until(conn: &Connection, version: u64) -> Result<Option<u64>> {
    conn.prepare_cached(
        "SELECT max(until_version) FROM lost_versions WHERE after_version < ?1 AND ?1 <= until_version",
    )?
    .query_row([int(version)], |row| row.get::<_, Option<i64>>(0))
    .map(|found| found.map(uint))
}

/// Puts what was verified of lost versions aside, to be offered: nobody's key counts as published by it any more.
///
/// # Errors
/// The database's.
pub fn set_aside(conn: &Connection, me: UserId) -> Result<()> {
    let lost = "EXISTS (SELECT 1 FROM lost_versions WHERE after_version < version AND version <= until_version)";
    let keep = "INSERT OR IGNORE INTO lost_envelope (version, user, envelope)";
    conn.execute(
        &format!("{keep} SELECT version, user, envelope FROM directory_envelope WHERE {lost}"),
        [],
    )?;
    conn.execute(
        &format!("{keep} SELECT version, ?1, envelope FROM own_envelope WHERE {lost}"),
        [me.0],
    )?;
    conn.execute(&format!("DELETE FROM directory_key WHERE {lost}"), [])?;
    conn.execute(&format!("DELETE FROM directory_envelope WHERE {lost}"), [])?;
    conn.execute(
        "UPDATE directory_user SET complete_to = \
         (SELECT min(after_version) FROM lost_versions WHERE after_version < complete_to AND complete_to <= until_version) \
         WHERE EXISTS \
         (SELECT 1 FROM lost_versions WHERE after_version < complete_to AND complete_to <= until_version)",
        [],
    )?;
    Ok(())
}

/// The next envelopes to offer, in the order of their versions.
///
/// # Errors
/// The database's.
pub fn envelopes(conn: &Connection, after: u64, limit: usize) -> Result<Vec<LostEnvelope>> {
    conn.prepare_cached(
        "SELECT version, user, envelope FROM lost_envelope WHERE version > ?1 ORDER BY version LIMIT ?2",
    )?
    .query_map(params![int(after), i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
        Ok(LostEnvelope {
            version: uint(row.get(0)?),
            user: UserId(row.get(1)?),
            envelope: row.get(2)?,
        })
    })?
    .collect()
}

/// They are offered.
///
/// # Errors
/// The database's.
pub fn offered(conn: &Connection) -> Result<()> {
    conn.execute("DELETE FROM lost_envelope", [])?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use curo_types::{DeviceId, SuiteId};

    use super::*;
    use crate::repo::{directory, testing};

    #[test]
    fn p7_2_what_is_of_lost_versions_is_put_aside_and_nothing_else() {
        let conn = testing::database();
        let (user, device, suite) = (UserId([1; 16]), DeviceId([2; 16]), SuiteId(1));
        for (version, key) in [(4, 40), (5, 50), (9, 90), (12, 120)] {
            let keys = [(suite, vec![key; 3])];
            directory::add(&conn, version, user, device, &[key], true, &keys).unwrap();
        }
        directory::set_complete_to(&conn, user, 8).unwrap();
        directory::set_complete_to(&conn, UserId([3; 16]), 12).unwrap();
        keep_own(&conn, 3, b"kept").unwrap();
        keep_own(&conn, 6, b"own").unwrap();
        set_versions(&conn, &[(0, 0), (4, 10)]).unwrap();
        assert_eq!(until(&conn, 4).unwrap(), None);
        assert_eq!(until(&conn, 5).unwrap(), Some(10));
        assert_eq!(until(&conn, 10).unwrap(), Some(10));
        assert_eq!(until(&conn, 11).unwrap(), None);
        for _ in 0..2 {
            set_aside(&conn, user).unwrap();
            let aside = envelopes(&conn, 0, 10).unwrap();
            let versions: Vec<_> = aside.iter().map(|lost| (lost.version, lost.envelope.clone())).collect();
            assert_eq!(versions, [(5, vec![50]), (6, b"own".to_vec()), (9, vec![90])]);
            assert_eq!(directory::versions(&conn, user).unwrap(), [4, 12]);
            assert_eq!(directory::complete_to(&conn, user).unwrap(), 4);
            assert_eq!(directory::complete_to(&conn, UserId([3; 16])).unwrap(), 12);
            assert!(directory::published(&conn, device, suite, &[40; 3], 20).unwrap());
            assert!(!directory::published(&conn, device, suite, &[50; 3], 20).unwrap());
        }
        assert_eq!(envelopes(&conn, 5, 1).unwrap()[0].version, 6);
        offered(&conn).unwrap();
        assert!(envelopes(&conn, 0, 10).unwrap().is_empty());
    }
}

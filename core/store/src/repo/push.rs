//! Where pushes for this device go, and the token that tells the app which profile one is for.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Result, one};

/// A push registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// What the push gateway finds the app's installation by. Opaque.
    pub target: String,
    /// Random; a push bears it.
    pub token: [u8; 16],
    /// Whether the relay has it.
    pub registered: bool,
}

/// The registration, if there is one.
///
/// # Errors
/// The database's.
pub fn get(conn: &Connection) -> Result<Option<Push>> {
    conn.prepare_cached("SELECT target, token, registered FROM push")?
        .query_row([], |row| {
            Ok(Push {
                target: row.get(0)?,
                token: row.get(1)?,
                registered: row.get(2)?,
            })
        })
        .optional()
}

/// Replaces it by one that the relay does not have yet.
///
/// # Errors
/// The database's.
pub fn put(conn: &Connection, target: &str, token: [u8; 16]) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO push (id, target, token) VALUES (1, ?1, ?2)
         ON CONFLICT (id) DO UPDATE SET target = ?1, token = ?2, registered = 0",
    )?
    .execute(params![target, token])?;
    Ok(())
}

/// The relay has the one with this token.
///
/// # Errors
/// The database's.
pub fn set_registered(conn: &Connection, token: [u8; 16]) -> Result<bool> {
    one(conn, "UPDATE push SET registered = 1 WHERE token = ?1", [token])
}

/// It is not known any more whether the relay has it.
///
/// # Errors
/// The database's.
pub fn doubt(conn: &Connection) -> Result<bool> {
    one(conn, "UPDATE push SET registered = 0", [])
}

/// Forgets it.
///
/// # Errors
/// The database's.
pub fn forget(conn: &Connection) -> Result<bool> {
    one(conn, "DELETE FROM push", [])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;
    use crate::repo::testing::database;

    #[test]
    fn a_registration_counts_only_for_its_own_token() {
        let conn = database();
        assert_eq!(get(&conn).unwrap(), None);
        put(&conn, "first", [1; 16]).unwrap();
        put(&conn, "second", [2; 16]).unwrap();
        assert!(!set_registered(&conn, [1; 16]).unwrap());
        assert!(!get(&conn).unwrap().unwrap().registered);
        assert!(set_registered(&conn, [2; 16]).unwrap());
        let held = get(&conn).unwrap().unwrap();
        assert_eq!(
            (held.target.as_str(), held.token, held.registered),
            ("second", [2; 16], true)
        );
        assert!(doubt(&conn).unwrap());
        assert!(!get(&conn).unwrap().unwrap().registered);
        set_registered(&conn, [2; 16]).unwrap();
        put(&conn, "second", [3; 16]).unwrap();
        assert!(!get(&conn).unwrap().unwrap().registered);
        assert!(forget(&conn).unwrap() && !forget(&conn).unwrap());
    }
}

//! Users: who an identity provider's subject is here.

use curo_sqlite::DbError;
use curo_sqlite::rusqlite::Connection;
use curo_types::api::PersonRecord;
use curo_types::{TenantId, UserId};

use super::sql::{U, exists, first, run};

/// The subject's user, or `fresh` stored now; another one if that is somebody else's.
pub(super) fn sign_in(
    conn: &Connection,
    tenant: &TenantId,
    subject: &str,
    fresh: UserId,
    now_ms: u64,
) -> Result<UserId, DbError> {
    if let Some(user) = user(conn, tenant, subject)? {
        return Ok(user);
    }
    let taken = "SELECT 1 FROM person WHERE tenant = ?1 AND user = ?2";
    let fresh = if exists(conn, taken, (tenant.as_str(), fresh.0))? {
        UserId::random()
    } else {
        fresh
    };
    run(
        conn,
        "INSERT INTO person (tenant, subject, user, created_ms) VALUES (?1, ?2, ?3, ?4)",
        (tenant.as_str(), subject, fresh.0, U(now_ms)),
    )?;
    Ok(fresh)
}

/// The subject's user, if it ever signed in.
pub(super) fn user(conn: &Connection, tenant: &TenantId, subject: &str) -> Result<Option<UserId>, DbError> {
    let sql = "SELECT user FROM person WHERE tenant = ?1 AND subject = ?2";
    first(conn, sql, (tenant.as_str(), subject), |row| row.get(0).map(UserId))
}

/// Those of the subjects that ever signed in.
pub(super) fn find(conn: &Connection, tenant: &TenantId, subjects: &[String]) -> Result<Vec<PersonRecord>, DbError> {
    let mut found = Vec::new();
    for subject in subjects {
        if let Some(user) = user(conn, tenant, subject)? {
            found.push(PersonRecord {
                subject: subject.clone(),
                user,
            });
        }
    }
    Ok(found)
}

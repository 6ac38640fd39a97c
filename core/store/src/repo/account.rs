//! The account that the profile is bound to.

use curo_types::{ChainId, DeviceId, Digest, StoreId, SuiteId, TenantId, UserId};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Result, int, one, uint};

/// The one account row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The tenant.
    pub tenant: TenantId,
    /// The user.
    pub user: UserId,
    /// This device.
    pub device: DeviceId,
    /// The suite that new conversations use.
    pub suite: SuiteId,
    /// The device's MLS public signature key of that suite.
    pub signature_key: Vec<u8>,
    /// The device's DPoP public key.
    pub dpop_key: Vec<u8>,
    /// The device's audit chain.
    pub audit_chain: ChainId,
    /// The relay's store.
    pub relay_store: StoreId,
    /// The tenant's directory key, pinned at the first sign-in.
    pub directory_key: Digest,
    /// The tenant's log key.
    pub log_key: Digest,
    /// The envelope that registers the device.
    pub envelope: Vec<u8>,
    /// The directory version of the registration, once the relay has answered it.
    pub registered: Option<u64>,
    /// The highest directory version seen.
    pub directory_version: u64,
    /// The sync token.
    pub sync_token: Option<String>,
    /// Index of the last inbox item dealt with.
    pub inbox_ack: u64,
}

/// The account, if the profile is bound to one.
///
/// # Errors
/// The database's.
pub fn get(conn: &Connection) -> Result<Option<Account>> {
    conn.prepare_cached(
        "SELECT tenant, user, device, suite, signature_key, dpop_key, audit_chain, relay_store, directory_key, log_key, \
         envelope, registered, directory_version, sync_token, inbox_ack FROM account",
    )?
    .query_row([], |row| {
        let tenant: String = row.get(0)?;
        Ok(Account {
            tenant: TenantId::new(&tenant).map_err(|_| rusqlite::Error::InvalidColumnName("tenant".into()))?,
            user: UserId(row.get(1)?),
            device: DeviceId(row.get(2)?),
            suite: SuiteId(row.get(3)?),
            signature_key: row.get(4)?,
            dpop_key: row.get(5)?,
            audit_chain: ChainId(row.get(6)?),
            relay_store: StoreId(row.get(7)?),
            directory_key: Digest(row.get(8)?),
            log_key: Digest(row.get(9)?),
            envelope: row.get(10)?,
            registered: row.get::<_, Option<i64>>(11)?.map(uint),
            directory_version: uint(row.get(12)?),
            sync_token: row.get(13)?,
            inbox_ack: uint(row.get(14)?),
        })
    })
    .optional()
}

/// Binds the profile to an account. It happens once in a profile's life.
///
/// # Errors
/// The database's; a constraint if the profile is bound already.
pub fn bind(conn: &Connection, account: &Account) -> Result<()> {
    conn.execute(
        "INSERT INTO account (id, tenant, user, device, suite, signature_key, dpop_key, audit_chain, relay_store, \
         directory_key, log_key, envelope, registered, directory_version, sync_token, inbox_ack) \
         VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        params![
            account.tenant.as_str(),
            account.user.0,
            account.device.0,
            account.suite.0,
            account.signature_key,
            account.dpop_key,
            account.audit_chain.0,
            account.relay_store.0,
            account.directory_key.0,
            account.log_key.0,
            account.envelope,
            account.registered.map(int),
            int(account.directory_version),
            account.sync_token,
            int(account.inbox_ack)
        ],
    )?;
    Ok(())
}

/// Notes that the relay has registered the device, with the envelope as everybody gets it.
///
/// # Errors
/// The database's.
pub fn set_registered(conn: &Connection, version: u64, envelope: &[u8]) -> Result<()> {
    conn.execute(
        "UPDATE account SET registered = ?1, envelope = ?2",
        params![int(version), envelope],
    )?;
    see_directory_version(conn, version)
}

/// Replaces the tenant's log key.
///
/// # Errors
/// The database's.
pub fn set_log_key(conn: &Connection, log_key: Digest) -> Result<()> {
    conn.execute("UPDATE account SET log_key = ?1", [log_key.0])?;
    Ok(())
}

/// Raises the highest directory version seen.
///
/// # Errors
/// The database's.
pub fn see_directory_version(conn: &Connection, version: u64) -> Result<()> {
    conn.prepare_cached("UPDATE account SET directory_version = max(directory_version, ?1)")?
        .execute([int(version)])?;
    Ok(())
}

/// Stores the sync token.
///
/// # Errors
/// The database's.
pub fn set_sync_token(conn: &Connection, token: &str) -> Result<()> {
    one(conn, "UPDATE account SET sync_token = ?1", [token]).map(drop)
}

/// Raises the index up to which the inbox is dealt with.
///
/// # Errors
/// The database's.
pub fn ack_inbox(conn: &Connection, index: u64) -> Result<()> {
    one(conn, "UPDATE account SET inbox_ack = max(inbox_ack, ?1)", [int(index)]).map(drop)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests;

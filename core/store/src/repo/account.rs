//! The account that the profile is bound to.

mod keys;

use curo_types::format::SuiteKey;
use curo_types::{ChainId, DeviceId, Digest, StoreId, SuiteId, TenantId, UserId};
pub use keys::{drop_rotation, prepare_rotation, set_read_suites, set_rotated, set_suites, unpublished};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Result, int, lost, one, uint};

/// The one account row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The tenant.
    pub tenant: TenantId,
    /// The user.
    pub user: UserId,
    /// This device.
    pub device: DeviceId,
    /// The suites that the tenant allows and this build can run, best first.
    pub suites: Vec<SuiteId>,
    /// The device's MLS public signature keys in its envelope, one for each suite.
    pub keys: Vec<SuiteKey>,
    /// The envelope that adds keys, while the relay's answer to it is not known.
    pub rotation: Option<Vec<u8>>,
    /// The suites that the verified envelopes were read for, as their numbers and commas.
    pub read_suites: String,
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

impl Account {
    /// This device's published key of a suite.
    pub fn key_of(&self, suite: SuiteId) -> Option<&[u8]> {
        let key = self.keys.iter().find(|key| key.suite == suite)?;
        Some(&key.public_key)
    }

    /// The suites that this device may start conversations with, best first.
    pub fn usable_suites(&self) -> Vec<SuiteId> {
        let mut suites = self.suites.clone();
        suites.retain(|suite| self.key_of(*suite).is_some());
        suites
    }
}

/// The account, if the profile is bound to one.
///
/// # Errors
/// The database's.
pub fn get(conn: &Connection) -> Result<Option<Account>> {
    let sql = "SELECT tenant, user, device, dpop_key, audit_chain, relay_store, directory_key, log_key, envelope, \
               registered, directory_version, sync_token, inbox_ack, rotation, read_suites FROM account";
    let mut account = conn.prepare_cached(sql)?.query_row([], |row| {
        let tenant: String = row.get(0)?;
        Ok(Account {
            tenant: TenantId::new(&tenant).map_err(|_| rusqlite::Error::InvalidColumnName("tenant".into()))?,
            user: UserId(row.get(1)?),
            device: DeviceId(row.get(2)?),
            suites: Vec::new(),
            keys: Vec::new(),
            dpop_key: row.get(3)?,
            audit_chain: ChainId(row.get(4)?),
            relay_store: StoreId(row.get(5)?),
            directory_key: Digest(row.get(6)?),
            log_key: Digest(row.get(7)?),
            envelope: row.get(8)?,
            registered: row.get::<_, Option<i64>>(9)?.map(uint),
            directory_version: uint(row.get(10)?),
            sync_token: row.get(11)?,
            inbox_ack: uint(row.get(12)?),
            rotation: row.get(13)?,
            read_suites: row.get(14)?,
        })
    });
    if let Ok(account) = &mut account {
        account.suites = keys::suites(conn)?;
        account.keys = keys::published(conn)?;
    }
    account.optional()
}

/// Binds the profile to an account. It happens once in a profile's life.
///
/// # Errors
/// The database's; a constraint if the profile is bound already.
pub fn bind(conn: &Connection, account: &Account) -> Result<()> {
    conn.execute(
        "INSERT INTO account (id, tenant, user, device, dpop_key, audit_chain, relay_store, directory_key, log_key, \
         envelope, registered, directory_version, sync_token, inbox_ack, rotation, read_suites) \
         VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        params![
            account.tenant.as_str(),
            account.user.0,
            account.device.0,
            account.dpop_key,
            account.audit_chain.0,
            account.relay_store.0,
            account.directory_key.0,
            account.log_key.0,
            account.envelope,
            account.registered.map(int),
            int(account.directory_version),
            account.sync_token,
            int(account.inbox_ack),
            account.rotation,
            account.read_suites
        ],
    )?;
    keys::add(conn, &account.keys, true)?;
    set_suites(conn, &account.suites)
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
    lost::keep_own(conn, version, envelope)?;
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

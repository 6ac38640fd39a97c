//! Claims of KeyPackages: one of each active device, marked so that the same claim again reads the same (9.5), within
//! hourly limits.

use curo_sqlite::DbError;
use curo_sqlite::rusqlite::{self, Connection, Row};
use curo_types::api::{Claim, ClaimAnswer};
use curo_types::{Blob, ClaimId, DeviceId, Digest, SuiteId, TenantId, UserId};

use super::devices::{self, DeviceStanding};
use super::sql::{Stop, U, all, exists, first, one, run};
use super::tenants;
use crate::storage::{ClaimKeyPackages, ClaimLimits, ClaimOutcome, DeviceRef};

const HOUR_MS: u64 = 60 * 60 * 1000;

/// Claims, or answers a claim that was made before.
pub(super) fn claim(
    conn: &Connection,
    tenant: &TenantId,
    caller: DeviceRef,
    claim: &ClaimKeyPackages,
    limits: ClaimLimits,
    now_ms: u64,
) -> Result<ClaimOutcome, Stop<ClaimOutcome>> {
    let users = distinct(&claim.users);
    let request_hash = request_hash(&users);
    let sql =
        "SELECT request_hash, directory_version, suite FROM claim WHERE tenant = ?1 AND claimer = ?2 AND claim = ?3";
    let known = first(conn, sql, (tenant.as_str(), caller.device.0, claim.claim.0), |row| {
        Ok((Digest(row.get(0)?), row.get::<_, U>(1)?.0, SuiteId(row.get(2)?)))
    })?;
    if let Some((hash, directory_version, suite)) = known {
        if hash != request_hash {
            return Ok(ClaimOutcome::ClaimReused);
        }
        let answer = answer(
            conn,
            tenant,
            (caller.device, claim.claim),
            (directory_version, suite),
            &users,
        )?;
        return Ok(ClaimOutcome::Duplicate(answer));
    }
    match devices::device_standing(conn, tenant, caller)? {
        DeviceStanding::Active => {}
        DeviceStanding::Unknown => return Ok(ClaimOutcome::UnknownDevice),
        DeviceStanding::Revoked => return Ok(ClaimOutcome::DeviceRevoked),
    }
    let others = users.iter().filter(|user| **user != caller.user).count();
    let cost = u64::try_from(others).unwrap_or(u64::MAX);
    count(conn, tenant, caller.user, None, cost, limits.per_claimer, now_ms)?;
    let directory_version = tenants::directory_version(conn, tenant)?;
    let oldest_ms = now_ms.saturating_sub(limits.max_age_ms);
    let suite = best_suite(conn, tenant, caller.device, &claim.suites, &users, oldest_ms)?;
    run(
        conn,
        "INSERT INTO claim (tenant, claimer, claim, request_hash, directory_version, time_ms, suite)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        (
            tenant.as_str(),
            caller.device.0,
            claim.claim.0,
            request_hash.0,
            U(directory_version),
            U(now_ms),
            suite.0,
        ),
    )?;
    let mut ord = 0_u64;
    for user in &users {
        let targets = devices::active_of_user(conn, tenant, *user)?;
        // Unknown users leave no row behind, and nobody is limited in adding the own devices.
        if !targets.is_empty() && *user != caller.user {
            count(conn, tenant, caller.user, Some(*user), 1, limits.per_target, now_ms)?;
        }
        for device in targets.into_iter().filter(|device| *device != caller.device) {
            if let Some(hash_ref) = take(conn, tenant, device, suite, oldest_ms, now_ms)? {
                run(
                    conn,
                    "INSERT INTO claim_item (tenant, claimer, claim, ord, user, device, suite, hash_ref)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                    (
                        tenant.as_str(),
                        caller.device.0,
                        claim.claim.0,
                        U(ord),
                        user.0,
                        device.0,
                        suite.0,
                        hash_ref,
                    ),
                )?;
                ord += 1;
            }
        }
    }
    let answer = answer(
        conn,
        tenant,
        (caller.device, claim.claim),
        (directory_version, suite),
        &users,
    )?;
    Ok(ClaimOutcome::Accepted(answer))
}

/// The first suite that every active device of the users has KeyPackages of, else the first of which each user has some,
/// else the first.
fn best_suite(
    conn: &Connection,
    tenant: &TenantId,
    claimer: DeviceId,
    suites: &[SuiteId],
    users: &[UserId],
    oldest_ms: u64,
) -> Result<SuiteId, DbError> {
    let first = suites.first().copied().ok_or(DbError::NoRow)?;
    if suites.len() == 1 {
        return Ok(first);
    }
    let mut devices = Vec::with_capacity(users.len());
    for user in users {
        let mut active = devices::active_of_user(conn, tenant, *user)?;
        active.retain(|device| *device != claimer);
        // Whoever has none is missing in every suite.
        if !active.is_empty() {
            devices.push(active);
        }
    }
    let mut fallback = None;
    for suite in suites {
        let (mut everywhere, mut everybody) = (true, true);
        for of_user in &devices {
            let mut some = false;
            for device in of_user {
                let has = available(conn, tenant, *device, *suite, oldest_ms)?;
                some |= has;
                everywhere &= has;
            }
            everybody &= some;
            if !everybody {
                break;
            }
        }
        if everywhere && everybody {
            return Ok(*suite);
        }
        if everybody {
            fallback = fallback.or(Some(*suite));
        }
    }
    Ok(fallback.unwrap_or(first))
}

/// Whether there is one to be had.
pub(super) fn available(
    conn: &Connection,
    tenant: &TenantId,
    device: DeviceId,
    suite: SuiteId,
    oldest_ms: u64,
) -> Result<bool, DbError> {
    exists(
        conn,
        "SELECT 1 FROM key_package
         WHERE tenant = ?1 AND device = ?2 AND suite = ?3 AND state IN ('free', 'last_resort') AND uploaded_ms >= ?4",
        (tenant.as_str(), device.0, suite.0, U(oldest_ms)),
    )
}

fn distinct(users: &[UserId]) -> Vec<UserId> {
    let mut distinct = users.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    distinct
}

fn request_hash(users: &[UserId]) -> Digest {
    let mut bytes = Vec::with_capacity(16 * users.len());
    users.iter().for_each(|user| bytes.extend_from_slice(&user.0));
    Digest::of(&bytes)
}

fn answer(
    conn: &Connection,
    tenant: &TenantId,
    (claimer, claim): (DeviceId, ClaimId),
    (directory_version, suite): (u64, SuiteId),
    users: &[UserId],
) -> Result<ClaimAnswer, DbError> {
    let claims = claimed(conn, tenant, claimer, claim)?;
    let missing: Vec<_> = users
        .iter()
        .filter(|user| !claims.iter().any(|claim| claim.user == **user))
        .copied()
        .collect();
    let mut without_suite = Vec::new();
    for user in &missing {
        let mut devices = devices::active_of_user(conn, tenant, *user)?;
        devices.retain(|device| *device != claimer);
        let mut has = false;
        for device in &devices {
            has |= devices::keys(conn, tenant, *device)?.iter().any(|(of, _)| *of == suite);
        }
        if !devices.is_empty() && !has {
            without_suite.push(*user);
        }
    }
    Ok(ClaimAnswer {
        directory_version,
        suite,
        claims,
        missing,
        without_suite,
    })
}

/// Adds to the running hour of a claimer and one target, or all of them, or starts the next one; refuses beyond the limit.
/// Only the claimer is held up: nobody can use up what others may claim of a user.
fn count(
    conn: &Connection,
    tenant: &TenantId,
    claimer: UserId,
    target: Option<UserId>,
    cost: u64,
    limit: u32,
    now_ms: u64,
) -> Result<(), Stop<ClaimOutcome>> {
    let window = now_ms - now_ms % HOUR_MS;
    let target = target.as_ref().map_or(&[][..], |target| &target.0);
    let (U(counted), U(window)) = one(
        conn,
        // A clock that goes back does not start an hour anew.
        "INSERT INTO rate (tenant, user, target, window_ms, count) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (tenant, user, target) DO UPDATE SET
             count = excluded.count + CASE WHEN window_ms >= excluded.window_ms THEN count ELSE 0 END,
             window_ms = max(window_ms, excluded.window_ms)
         RETURNING count, window_ms",
        (tenant.as_str(), claimer.0, target, U(window), U(cost)),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    if counted > u64::from(limit) {
        // The count goes back with the transaction.
        let retry_after_ms = window.saturating_add(HOUR_MS).saturating_sub(now_ms);
        return Err(Stop::refused(ClaimOutcome::RateLimited { retry_after_ms }));
    }
    Ok(())
}

/// The oldest one-time KeyPackage, marked now, else the last-resort one; `None` if there is neither.
fn take(
    conn: &Connection,
    tenant: &TenantId,
    device: DeviceId,
    suite: SuiteId,
    oldest_ms: u64,
    now_ms: u64,
) -> Result<Option<Vec<u8>>, DbError> {
    let read = |row: &Row<'_>| row.get::<_, Vec<u8>>(0);
    let one_time = first(
        conn,
        "SELECT hash_ref FROM key_package
         WHERE tenant = ?1 AND device = ?2 AND suite = ?3 AND state = 'free' AND uploaded_ms >= ?4
         ORDER BY uploaded_ms, rowid LIMIT 1",
        (tenant.as_str(), device.0, suite.0, U(oldest_ms)),
        read,
    )?;
    if let Some(hash_ref) = one_time {
        run(
            conn,
            "UPDATE key_package SET state = 'claimed', changed_ms = ?5
             WHERE tenant = ?1 AND device = ?2 AND suite = ?3 AND hash_ref = ?4",
            (tenant.as_str(), device.0, suite.0, hash_ref.as_slice(), U(now_ms)),
        )?;
        return Ok(Some(hash_ref));
    }
    first(
        conn,
        "SELECT hash_ref FROM key_package
         WHERE tenant = ?1 AND device = ?2 AND suite = ?3 AND state = 'last_resort' AND uploaded_ms >= ?4",
        (tenant.as_str(), device.0, suite.0, U(oldest_ms)),
        read,
    )
}

fn claimed(conn: &Connection, tenant: &TenantId, claimer: DeviceId, claim: ClaimId) -> Result<Vec<Claim>, DbError> {
    all(
        conn,
        "SELECT i.user, i.device, k.bytes FROM claim_item i
         JOIN key_package k ON k.tenant = i.tenant AND k.device = i.device AND k.suite = i.suite AND k.hash_ref = i.hash_ref
         WHERE i.tenant = ?1 AND i.claimer = ?2 AND i.claim = ?3 ORDER BY i.ord",
        (tenant.as_str(), claimer.0, claim.0),
        claim_row,
    )
}

fn claim_row(row: &Row<'_>) -> rusqlite::Result<Claim> {
    Ok(Claim {
        user: UserId(row.get(0)?),
        device: DeviceId(row.get(1)?),
        key_package: Blob(row.get(2)?),
    })
}

//! Sync: everything that is new for a device after its token, read at one moment (5.1).
//!
//! The feed numbers every entry, every moved cursor and every inbox item of a tenant in the order of their transactions. An
//! answer is cut at its limits by lowering the position up to which it is complete; that position is the new token.

use std::collections::HashMap;

use curo_sqlite::DbError;
use curo_sqlite::rusqlite::Connection;
use curo_types::api::limits::{ENTRIES_PER_PAGE, INBOX_PER_PAGE, PAGE_BYTES};
use curo_types::api::{InboxRecord, MemberCursor};
use curo_types::{ConversationId, DeviceId, StoreId, TenantId, UserId};

use super::conversations::{self, Place};
use super::devices::{self, DeviceStanding};
use super::sql::{U, all};
use super::{inbox, key_packages, log, receipts, tenants};
use crate::storage::{DeviceRef, News, SyncOutcome, SyncPage, SyncToken, TenantMark};

/// Bytes of Welcomes in one answer (one may exceed it alone): with a page of entries, in base64, this stays well below what
/// a client accepts as an answer.
const INBOX_BYTES: usize = 8 * 1024 * 1024;
/// Cursors of others in one answer.
const CURSORS_PER_PAGE: usize = 4096;
/// Read receipts of others in one answer.
const RECEIPTS_PER_PAGE: usize = 1024;

/// The token of who wants no entry that was before.
const NOW: &str = "now";

/// Where an entry stands.
struct Found {
    conversation: ConversationId,
    incarnation: u64,
    seq: u64,
    position: u64,
}

/// All that is new.
pub(super) fn sync(
    conn: &Connection,
    store: StoreId,
    tenant: &TenantId,
    caller: DeviceRef,
    token: Option<&str>,
    inbox_ack: u64,
    now_ms: u64,
) -> Result<SyncOutcome, DbError> {
    match devices::device_standing(conn, tenant, caller)? {
        DeviceStanding::Active => {}
        DeviceStanding::Unknown => return Ok(SyncOutcome::UnknownDevice),
        DeviceStanding::Revoked => return Ok(SyncOutcome::DeviceRevoked),
    }
    let newest = tenants::position(conn, tenant)?;
    let mark = TenantMark::of(tenant);
    // Cursors and receipts are overwritten: what was said of them before is heard from nobody else.
    let (from, entries_after) = match token {
        None => (0, 0),
        Some(NOW) => (0, newest),
        Some(token) => match token.parse::<SyncToken>() {
            Err(_) => return Ok(SyncOutcome::BadToken),
            Ok(token) if token.store != store || token.tenant != mark || token.entries_after > newest => {
                return Ok(SyncOutcome::StoreChanged);
            }
            Ok(token) => (token.position, token.entries_after),
        },
    };
    if inbox_ack > inbox::last_issued(conn, tenant, caller.device)? {
        return Ok(SyncOutcome::StoreChanged);
    }
    let mut upto = newest;
    let mut more = false;
    let mut cut = |position: u64, upto: &mut u64| {
        more = true;
        *upto = position.clamp(from, *upto);
    };

    let inbox = inbox::read(conn, tenant, caller.device, inbox_ack, INBOX_PER_PAGE, INBOX_BYTES)?;
    if let Some(position) = inbox.cut_at {
        // The token must not pass a Welcome that was not brought.
        cut(position.saturating_sub(1), &mut upto);
    }
    let mut cursors = cursors(conn, tenant, caller.device, from, upto)?;
    if cursors.len() > CURSORS_PER_PAGE {
        cursors.truncate(CURSORS_PER_PAGE);
        let last = cursors.last().map_or(from, |(position, _)| *position);
        cut(last, &mut upto);
    }
    let mut receipts = receipts::changed(conn, tenant, caller.device, from, upto, RECEIPTS_PER_PAGE + 1)?;
    if receipts.len() > RECEIPTS_PER_PAGE {
        receipts.truncate(RECEIPTS_PER_PAGE);
        let last = receipts.last().map_or(from, |(position, _)| *position);
        cut(last, &mut upto);
    }
    let (conversations, cut_at) = entries(conn, tenant, caller.device, entries_after, upto)?;
    if let Some(position) = cut_at {
        cut(position, &mut upto);
    }
    cursors.retain(|(position, _)| *position <= upto);
    receipts.retain(|(position, _)| *position <= upto);

    Ok(SyncOutcome::Page(Box::new(SyncPage {
        token: SyncToken {
            store,
            tenant: mark,
            position: upto,
            entries_after: entries_after.max(upto),
        },
        more,
        cursors: cursors.into_iter().map(|(_, cursor)| cursor).collect(),
        receipts: receipts.into_iter().map(|(_, receipt)| receipt).collect(),
        inbox: inbox
            .items
            .into_iter()
            .map(|(index, item)| InboxRecord::new(index, item))
            .collect(),
        conversations,
        key_packages: key_packages::stock(conn, tenant, caller.device, now_ms)?,
    })))
}

/// Cursors of others in the caller's conversations, one more than fit.
fn cursors(
    conn: &Connection,
    tenant: &TenantId,
    device: DeviceId,
    from: u64,
    upto: u64,
) -> Result<Vec<(u64, MemberCursor)>, DbError> {
    all(
        conn,
        "SELECT p.cursor_position, p.conversation, p.incarnation, p.user, p.device, p.cursor_seq
         FROM membership m INDEXED BY membership_device
         CROSS JOIN conversation c ON c.tenant = m.tenant AND c.conversation = m.conversation
         CROSS JOIN participant p ON p.tenant = m.tenant AND p.conversation = m.conversation AND p.incarnation = m.incarnation
         WHERE m.tenant = ?1 AND m.device = ?2 AND m.removed_seq IS NULL AND m.left_seq IS NULL AND c.cursor_position > ?3
           AND p.cursor_position > ?3 AND p.cursor_position <= ?4 AND p.device <> ?2
         ORDER BY p.cursor_position LIMIT ?5",
        (
            tenant.as_str(),
            device.0,
            U(from),
            U(upto),
            U(u64::try_from(CURSORS_PER_PAGE).unwrap_or(u64::MAX).saturating_add(1)),
        ),
        |row| {
            let cursor = MemberCursor {
                conversation: ConversationId(row.get(1)?),
                incarnation: row.get::<_, U>(2)?.0,
                user: UserId(row.get(3)?),
                device: DeviceId(row.get(4)?),
                seq: row.get::<_, U>(5)?.0,
            };
            Ok((row.get::<_, U>(0)?.0, cursor))
        },
    )
}

/// New entries by conversation, and the position of the last one that fits if not all do.
fn entries(
    conn: &Connection,
    tenant: &TenantId,
    device: DeviceId,
    from: u64,
    upto: u64,
) -> Result<(Vec<News>, Option<u64>), DbError> {
    let limit = ENTRIES_PER_PAGE;
    let found = all(
        conn,
        // Only the skeleton is sorted; bodies are read one by one afterwards, as far as they fit.
        "SELECT e.conversation, e.incarnation, e.seq, e.position
         FROM membership m INDEXED BY membership_device
         CROSS JOIN conversation c ON c.tenant = m.tenant AND c.conversation = m.conversation
         CROSS JOIN entry e INDEXED BY entry_position
            ON e.tenant = m.tenant AND e.conversation = m.conversation AND e.incarnation = m.incarnation
           AND e.position > max(?3, m.joined_position) AND e.position <= min(?4, ifnull(m.removed_position, ?4))
         WHERE m.tenant = ?1 AND m.device = ?2 AND m.left_seq IS NULL AND c.last_position > ?3
         ORDER BY e.position LIMIT ?5",
        (
            tenant.as_str(),
            device.0,
            U(from),
            U(upto),
            U(u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1)),
        ),
        |row| {
            Ok(Found {
                conversation: ConversationId(row.get(0)?),
                incarnation: row.get::<_, U>(1)?.0,
                seq: row.get::<_, U>(2)?.0,
                position: row.get::<_, U>(3)?.0,
            })
        },
    )?;
    let mut news: Vec<News> = Vec::new();
    let (mut bytes, mut last) = (0_usize, from);
    let mut kept = HashMap::new();
    for (n, found) in found.into_iter().enumerate() {
        let place = Place {
            tenant,
            conversation: found.conversation,
            incarnation: found.incarnation,
        };
        // Behind dropped bodies only a few commits are left: who has not read so far finds nothing but the tip (5.8).
        let kept_from = match kept.get(&(found.conversation, found.incarnation)) {
            Some(kept_from) => *kept_from,
            None => {
                let kept_from = conversations::group(conn, place)?.ok_or(DbError::NoRow)?.kept_from;
                kept.insert((found.conversation, found.incarnation), kept_from);
                kept_from
            }
        };
        let entry = if found.seq < kept_from {
            None
        } else {
            log::entry_at(conn, place, found.seq)?
        };
        bytes = bytes.saturating_add(entry.as_ref().map_or(0, |entry| entry.body.len()));
        if n >= limit || (n > 0 && bytes > PAGE_BYTES) {
            return Ok((news, Some(last)));
        }
        last = found.position;
        // Each incarnation has a log and a tip of its own.
        let known = news
            .iter_mut()
            .find(|n| n.conversation == found.conversation && n.tip.incarnation == found.incarnation);
        match known {
            Some(known) => known.entries.extend(entry),
            None => news.push(News {
                conversation: found.conversation,
                entries: entry.into_iter().collect(),
                tip: conversations::visible_tip(conn, place, device)?,
            }),
        }
    }
    Ok((news, None))
}

//! The inbox: a log per device of Welcomes and removals, forgotten once the device has dealt with them (5.7), and with it the
//! Welcomes and trees that nobody else needs (3.8).

use curo_sqlite::DbError;
use curo_sqlite::rusqlite::{self, Connection};
use curo_types::api::InboxItem;
use curo_types::{Blob, ConversationId, DeviceId, Digest, GroupId, SuiteId, TenantId};

use super::conversations::Place;
use super::sql::{U, all, each, exists, first, run};

/// Inbox items of one answer.
pub(super) struct Items {
    /// (index, item), by ascending index.
    pub(super) items: Vec<(u64, InboxItem)>,
    /// The feed position of the first item that did not fit.
    pub(super) cut_at: Option<u64>,
}

/// What an item tells about the entry that caused it.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Welcome,
    Removed,
    Incarnation,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Welcome => "welcome",
            Self::Removed => "removed",
            Self::Incarnation => "incarnation",
        }
    }
}

/// Issues an item. A revoked device gets none: nobody will ever read it.
pub(super) fn push(
    conn: &Connection,
    place: Place<'_>,
    device: DeviceId,
    kind: Kind,
    seq: u64,
    position: u64,
) -> Result<(), DbError> {
    let index = first(
        conn,
        "UPDATE device SET inbox_last = inbox_last + 1 WHERE tenant = ?1 AND device = ?2 AND active = 1
         RETURNING inbox_last",
        (place.tenant.as_str(), device.0),
        |row| row.get::<_, U>(0),
    )?;
    let Some(index) = index else { return Ok(()) };
    let (tenant, conversation, incarnation) = place.key();
    run(
        conn,
        "INSERT INTO inbox (tenant, device, idx, kind, conversation, incarnation, seq, position)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        (
            tenant,
            device.0,
            index,
            kind.as_str(),
            conversation,
            incarnation,
            U(seq),
            U(position),
        ),
    )?;
    Ok(())
}

/// Index of the last item that was issued to the device.
pub(super) fn last_issued(conn: &Connection, tenant: &TenantId, device: DeviceId) -> Result<u64, DbError> {
    let sql = "SELECT inbox_last FROM device WHERE tenant = ?1 AND device = ?2";
    let last = first(conn, sql, (tenant.as_str(), device.0), |row| row.get::<_, U>(0))?;
    Ok(last.map_or(0, |U(index)| index))
}

/// Whether items up to `upto` are still kept.
pub(super) fn holds(conn: &Connection, tenant: &TenantId, device: DeviceId, upto: u64) -> Result<bool, DbError> {
    exists(
        conn,
        "SELECT 1 FROM inbox WHERE tenant = ?1 AND device = ?2 AND idx <= ?3 LIMIT 1",
        (tenant.as_str(), device.0, U(upto)),
    )
}

/// Forgets items up to `upto`, and the Welcomes and trees that only they needed.
pub(super) fn forget(conn: &Connection, tenant: &TenantId, device: DeviceId, upto: u64) -> Result<(), DbError> {
    let welcomes = all(
        conn,
        "SELECT DISTINCT conversation, incarnation, seq FROM inbox
         WHERE tenant = ?1 AND device = ?2 AND idx <= ?3 AND kind = 'welcome'",
        (tenant.as_str(), device.0, U(upto)),
        |row| Ok((ConversationId(row.get(0)?), row.get::<_, U>(1)?.0, row.get::<_, U>(2)?)),
    )?;
    run(
        conn,
        "DELETE FROM inbox WHERE tenant = ?1 AND device = ?2 AND idx <= ?3",
        (tenant.as_str(), device.0, U(upto)),
    )?;
    for (conversation, incarnation, seq) in welcomes {
        let place = Place {
            tenant,
            conversation,
            incarnation,
        };
        let (tenant, conversation, incarnation) = place.key();
        let key = (tenant, conversation, incarnation, seq);
        run(
            conn,
            "DELETE FROM welcome
             WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND seq = ?4 AND NOT EXISTS (
                 SELECT 1 FROM inbox i INDEXED BY inbox_entry WHERE i.tenant = ?1 AND i.conversation = ?2 AND i.incarnation = ?3 AND i.seq = ?4
                                         AND i.kind = 'welcome')",
            key,
        )?;
        run(
            conn,
            "DELETE FROM tree
             WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND seq = ?4 AND NOT EXISTS (
                 SELECT 1 FROM inbox i INDEXED BY inbox_entry WHERE i.tenant = ?1 AND i.conversation = ?2 AND i.incarnation = ?3 AND i.seq = ?4
                                         AND i.kind = 'welcome')
             AND seq < (SELECT max(seq) FROM tree WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3)",
            key,
        )?;
    }
    Ok(())
}

/// Makes `seq`'s tree the current one: forgets older ones that no Welcome needs.
pub(super) fn forget_older_trees(conn: &Connection, place: Place<'_>, seq: u64) -> Result<(), DbError> {
    let (tenant, conversation, incarnation) = place.key();
    run(
        conn,
        "DELETE FROM tree
         WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND seq < ?4 AND NOT EXISTS (
             SELECT 1 FROM inbox i INDEXED BY inbox_entry WHERE i.tenant = ?1 AND i.conversation = ?2 AND i.incarnation = ?3
                                     AND i.seq = tree.seq AND i.kind = 'welcome')",
        (tenant, conversation, incarnation, U(seq)),
    )?;
    Ok(())
}

/// Items after `after`, at most `count` of them with at most `bytes` of Welcomes, one at least.
pub(super) fn read(
    conn: &Connection,
    tenant: &TenantId,
    device: DeviceId,
    after: u64,
    count: usize,
    bytes: usize,
) -> Result<Items, DbError> {
    let mut items = Items {
        items: Vec::new(),
        cut_at: None,
    };
    let mut size = 0_usize;
    each(
        conn,
        "SELECT i.idx, i.position, i.kind, i.conversation, i.incarnation, i.seq,
                g.group_id, g.suite, e.h, e.directory_version, e.sender, t.tree_hash, w.welcome
         FROM inbox i
         JOIN incarnation g ON g.tenant = i.tenant AND g.conversation = i.conversation AND g.incarnation = i.incarnation
         JOIN entry e ON e.tenant = i.tenant AND e.conversation = i.conversation AND e.incarnation = i.incarnation
                     AND e.seq = i.seq
         LEFT JOIN tree t ON i.kind = 'welcome' AND t.tenant = i.tenant AND t.conversation = i.conversation
                         AND t.incarnation = i.incarnation AND t.seq = i.seq
         LEFT JOIN welcome w ON i.kind = 'welcome' AND w.tenant = i.tenant AND w.conversation = i.conversation
                            AND w.incarnation = i.incarnation AND w.seq = i.seq
         WHERE i.tenant = ?1 AND i.device = ?2 AND i.idx > ?3
         ORDER BY i.idx",
        (tenant.as_str(), device.0, U(after)),
        |row| {
            let position = row.get::<_, U>(1)?.0;
            let conversation = ConversationId(row.get(3)?);
            let (incarnation, seq) = (row.get::<_, U>(4)?.0, row.get::<_, U>(5)?.0);
            let kind = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
            let item = if kind == Kind::Welcome.as_str() {
                let welcome: Vec<u8> = row.get(12)?;
                size = size.saturating_add(welcome.len());
                InboxItem::Welcome {
                    conversation,
                    incarnation,
                    group: GroupId(row.get(6)?),
                    suite: SuiteId(row.get(7)?),
                    seq,
                    h: Digest(row.get(8)?),
                    directory_version: row.get::<_, U>(9)?.0,
                    sender: DeviceId(row.get(10)?),
                    tree_hash: Blob(row.get(11)?),
                    welcome: Blob(welcome),
                }
            } else if kind == Kind::Incarnation.as_str() {
                InboxItem::Incarnation {
                    conversation,
                    incarnation,
                }
            } else {
                InboxItem::Removed {
                    conversation,
                    incarnation,
                    seq,
                }
            };
            if items.items.len() >= count || (size > bytes && !items.items.is_empty()) {
                items.cut_at = Some(position);
                return Ok(false);
            }
            items.items.push((row.get::<_, U>(0)?.0, item));
            Ok(true)
        },
    )?;
    Ok(items)
}

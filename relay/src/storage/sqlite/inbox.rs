//! The inbox: a log per device of Welcomes, removals and other news that are for it alone, forgotten once the device has dealt
//! with them (5.7), and with it the Welcomes and trees that nobody else needs (3.8).

use curo_sqlite::DbError;
use curo_sqlite::rusqlite::{Connection, Row};
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

/// What an item tells about a conversation. The first two are about the entry that caused them.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Welcome,
    Removed,
    Incarnation,
    /// The user has left.
    Left,
    /// The user is in it, the device not yet.
    Waiting,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Welcome => "welcome",
            Self::Removed => "removed",
            Self::Incarnation => "incarnation",
            Self::Left => "left",
            Self::Waiting => "waiting",
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
    let Some(index) = next_index(conn, place.tenant, device)? else {
        return Ok(());
    };
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

/// Items about another device of the user: one that can be added, one that waits for an approval.
pub(super) const ABOUT_DEVICE: &str = "device";
pub(super) const ABOUT_APPROVAL: &str = "approval";

/// Tells a device of another one of its user.
pub(super) fn push_about(
    conn: &Connection,
    tenant: &TenantId,
    device: DeviceId,
    kind: &'static str,
    subject: DeviceId,
    version: u64,
    position: u64,
) -> Result<(), DbError> {
    let Some(index) = next_index(conn, tenant, device)? else {
        return Ok(());
    };
    run(
        conn,
        "INSERT INTO inbox (tenant, device, idx, kind, subject, version, position) VALUES (?1, ?2, ?3, ?7, ?4, ?5, ?6)",
        (
            tenant.as_str(),
            device.0,
            index,
            subject.0,
            U(version),
            U(position),
            kind,
        ),
    )?;
    Ok(())
}

fn next_index(conn: &Connection, tenant: &TenantId, device: DeviceId) -> Result<Option<U>, DbError> {
    first(
        conn,
        "UPDATE device SET inbox_last = inbox_last + 1 WHERE tenant = ?1 AND device = ?2 AND active = 1
         RETURNING inbox_last",
        (tenant.as_str(), device.0),
        |row| row.get::<_, U>(0),
    )
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
    for (conversation, incarnation, U(seq)) in welcomes {
        let place = Place {
            tenant,
            conversation,
            incarnation,
        };
        release(conn, place, seq)?;
    }
    Ok(())
}

/// Forgets the items of a device that are about a conversation: its user has left.
pub(super) fn forget_place(conn: &Connection, place: Place<'_>, device: DeviceId) -> Result<(), DbError> {
    let (tenant, conversation, incarnation) = place.key();
    let welcomes = all(
        conn,
        "SELECT DISTINCT seq FROM inbox
         WHERE tenant = ?1 AND device = ?2 AND idx > 0 AND conversation = ?3 AND incarnation = ?4 AND kind = 'welcome'",
        (tenant, device.0, conversation, incarnation),
        |row| row.get::<_, U>(0),
    )?;
    run(
        conn,
        "DELETE FROM inbox WHERE tenant = ?1 AND device = ?2 AND idx > 0 AND conversation = ?3 AND incarnation = ?4",
        (tenant, device.0, conversation, incarnation),
    )?;
    for U(seq) in welcomes {
        release(conn, place, seq)?;
    }
    Ok(())
}

/// Forgets the Welcome and the tree of a commit, unless somebody still needs them.
fn release(conn: &Connection, place: Place<'_>, seq: u64) -> Result<(), DbError> {
    let (tenant, conversation, incarnation) = place.key();
    let key = (tenant, conversation, incarnation, U(seq));
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
        "SELECT i.idx, i.position, i.kind, i.conversation, i.incarnation, i.seq, i.subject, i.version,
                g.group_id, g.suite, e.h, e.directory_version, e.sender, t.tree_hash, w.welcome
         FROM inbox i
         LEFT JOIN incarnation g ON i.kind = 'welcome' AND g.tenant = i.tenant AND g.conversation = i.conversation
                                AND g.incarnation = i.incarnation
         LEFT JOIN entry e ON i.kind = 'welcome' AND e.tenant = i.tenant AND e.conversation = i.conversation
                          AND e.incarnation = i.incarnation AND e.seq = i.seq
         LEFT JOIN tree t ON i.kind = 'welcome' AND t.tenant = i.tenant AND t.conversation = i.conversation
                         AND t.incarnation = i.incarnation AND t.seq = i.seq
         LEFT JOIN welcome w ON i.kind = 'welcome' AND w.tenant = i.tenant AND w.conversation = i.conversation
                            AND w.incarnation = i.incarnation AND w.seq = i.seq
         WHERE i.tenant = ?1 AND i.device = ?2 AND i.idx > ?3
         ORDER BY i.idx",
        (tenant.as_str(), device.0, U(after)),
        |row| {
            let position = row.get::<_, U>(1)?.0;
            let item = item(row)?;
            if let InboxItem::Welcome { welcome, .. } = &item {
                size = size.saturating_add(welcome.len());
            }
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

fn item(row: &Row<'_>) -> Result<InboxItem, DbError> {
    let kind: String = row.get(2)?;
    if kind == ABOUT_APPROVAL {
        return Ok(InboxItem::Approval {
            device: DeviceId(row.get(6)?),
        });
    }
    if kind == ABOUT_DEVICE {
        return Ok(InboxItem::Device {
            device: DeviceId(row.get(6)?),
            version: row.get::<_, U>(7)?.0,
        });
    }
    let (conversation, incarnation) = (ConversationId(row.get(3)?), row.get::<_, U>(4)?.0);
    Ok(match kind.as_str() {
        "welcome" => InboxItem::Welcome {
            conversation,
            incarnation,
            group: GroupId(row.get(8)?),
            suite: SuiteId(row.get(9)?),
            seq: row.get::<_, U>(5)?.0,
            h: Digest(row.get(10)?),
            directory_version: row.get::<_, U>(11)?.0,
            sender: DeviceId(row.get(12)?),
            tree_hash: Blob(row.get(13)?),
            welcome: Blob(row.get(14)?),
        },
        "removed" => InboxItem::Removed {
            conversation,
            incarnation,
            seq: row.get::<_, U>(5)?.0,
        },
        "incarnation" => InboxItem::Incarnation {
            conversation,
            incarnation,
        },
        "left" => InboxItem::Left {
            conversation,
            incarnation,
        },
        "waiting" => InboxItem::Waiting {
            conversation,
            incarnation,
        },
        _ => return Err(DbError::Value),
    })
}

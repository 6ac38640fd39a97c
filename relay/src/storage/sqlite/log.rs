//! A conversation's log: appending an entry, reading a run of them, the winner of an epoch, trees.

use curo_sqlite::DbError;
use curo_sqlite::rusqlite::{self, Connection, Row};
use curo_types::api::limits::{ENTRIES_PER_PAGE, PAGE_BYTES};
use curo_types::api::{EntryRecord, Winner};
use curo_types::format::{EntryHeader, EntryKind};
use curo_types::{Blob, ConversationId, DeviceId, Digest, IntentId, TenantId};

use super::conversations::{Group, Place, Span, group, spans, tip_of_span};
use super::leaving;
use super::sql::{U, all, each, first, run as execute};
use crate::storage::{DeviceRef, EntriesOutcome, TreeOutcome, WinnerOutcome};

/// Appends an entry with its body; returns its hash. The caller has checked everything and moves the log's tip.
pub(super) fn append(
    conn: &Connection,
    header: &EntryHeader<'_>,
    position: u64,
    body: &[u8],
) -> Result<Digest, DbError> {
    let h = header.hash();
    execute(
        conn,
        "INSERT INTO entry (tenant, conversation, incarnation, seq, kind, epoch, sender, intent, directory_version,
                            body_hash, time_ms, h, position)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        (
            header.tenant.as_str(),
            header.conversation.0,
            U(header.incarnation),
            U(header.seq),
            header.kind.as_str(),
            U(header.epoch),
            header.sender.0,
            header.intent.0,
            header.directory_version.map(U),
            header.body_hash.0,
            U(header.time_ms),
            h.0,
            U(position),
        ),
    )?;
    execute(
        conn,
        "INSERT INTO body (tenant, conversation, incarnation, seq, body) VALUES (?1, ?2, ?3, ?4, ?5)",
        (
            header.tenant.as_str(),
            header.conversation.0,
            U(header.incarnation),
            U(header.seq),
            body,
        ),
    )?;
    Ok(h)
}

/// The hash of an entry.
pub(super) fn hash_at(conn: &Connection, place: Place<'_>, seq: u64) -> Result<Option<Digest>, DbError> {
    let (tenant, conversation, incarnation) = place.key();
    first(
        conn,
        "SELECT h FROM entry WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND seq = ?4",
        (tenant, conversation, incarnation, U(seq)),
        |row| row.get(0).map(Digest),
    )
}

/// A contiguous run of entries.
pub(super) struct Run {
    pub(super) entries: Vec<EntryRecord>,
    /// Whether it ends because the next entry's body is no longer kept.
    pub(super) gone: bool,
}

/// Entries after `after` up to `last`, cut at `limit` and at the limits of a page.
pub(super) fn run(conn: &Connection, place: Place<'_>, after: u64, last: u64, limit: usize) -> Result<Run, DbError> {
    let limit = limit.min(ENTRIES_PER_PAGE);
    let mut run = Run {
        entries: Vec::new(),
        gone: false,
    };
    let mut bytes = 0_usize;
    let (tenant, conversation, incarnation) = place.key();
    each(
        conn,
        "SELECT e.incarnation, e.seq, e.kind, e.epoch, e.sender, e.intent, e.directory_version, e.time_ms, e.h, b.body
         FROM entry e
         LEFT JOIN body b ON b.tenant = e.tenant AND b.conversation = e.conversation
                         AND b.incarnation = e.incarnation AND b.seq = e.seq
         WHERE e.tenant = ?1 AND e.conversation = ?2 AND e.incarnation = ?3 AND e.seq > ?4 AND e.seq <= ?5
         ORDER BY e.seq",
        (tenant, conversation, incarnation, U(after), U(last)),
        |row| {
            if run.entries.len() >= limit {
                return Ok(false);
            }
            let Some(entry) = complete(conn, place, entry(row)?)? else {
                run.gone = true;
                return Ok(false);
            };
            bytes = bytes.saturating_add(entry.body.len());
            if bytes > PAGE_BYTES && !run.entries.is_empty() {
                return Ok(false);
            }
            run.entries.push(entry);
            Ok(true)
        },
    )?;
    Ok(run)
}

/// One entry, if its body is kept.
pub(super) fn entry_at(conn: &Connection, place: Place<'_>, seq: u64) -> Result<Option<EntryRecord>, DbError> {
    let (tenant, conversation, incarnation) = place.key();
    let found = first(
        conn,
        "SELECT e.incarnation, e.seq, e.kind, e.epoch, e.sender, e.intent, e.directory_version, e.time_ms, e.h, b.body
         FROM entry e
         JOIN body b ON b.tenant = e.tenant AND b.conversation = e.conversation
                    AND b.incarnation = e.incarnation AND b.seq = e.seq
         WHERE e.tenant = ?1 AND e.conversation = ?2 AND e.incarnation = ?3 AND e.seq = ?4",
        (tenant, conversation, incarnation, U(seq)),
        |row| Ok(entry(row)),
    )?;
    complete(conn, place, found.transpose()?.flatten())
}

/// Adds what is served with a commit: the requests to leave that it carried out.
fn complete(conn: &Connection, place: Place<'_>, entry: Option<EntryRecord>) -> Result<Option<EntryRecord>, DbError> {
    match entry {
        Some(mut commit) if commit.kind == EntryKind::Commit => {
            commit.leaves = leaving::requests_of(conn, place, commit.seq)?;
            Ok(Some(commit))
        }
        other => Ok(other),
    }
}

fn entry(row: &Row<'_>) -> Result<Option<EntryRecord>, DbError> {
    let Some(body) = row.get::<_, Option<Vec<u8>>>(9)? else {
        return Ok(None);
    };
    Ok(Some(EntryRecord {
        incarnation: row.get::<_, U>(0)?.0,
        seq: row.get::<_, U>(1)?.0,
        kind: kind(row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?)?,
        epoch: row.get::<_, U>(3)?.0,
        sender: DeviceId(row.get(4)?),
        intent: IntentId(row.get(5)?),
        directory_version: row.get::<_, Option<U>>(6)?.map(|U(version)| version),
        time_ms: row.get::<_, U>(7)?.0,
        h: Digest(row.get(8)?),
        body: Blob(body),
        leaves: Vec::new(),
    }))
}

fn kind(text: &str) -> Result<EntryKind, DbError> {
    [EntryKind::Commit, EntryKind::Message]
        .into_iter()
        .find(|kind| kind.as_str() == text)
        .ok_or(DbError::Value)
}

/// What a caller sees of the log after a sequence number. A caller that was removed and added again is served the rest of
/// its first span, then the second.
pub(super) fn entries(
    conn: &Connection,
    place: Place<'_>,
    caller: DeviceRef,
    after: u64,
    limit: usize,
) -> Result<EntriesOutcome, DbError> {
    let Some((group, spans)) = membership(conn, place, caller.device)? else {
        return Ok(EntriesOutcome::NotAMember);
    };
    let Some(span) = spans
        .into_iter()
        .find(|span| span.left_seq.is_none() && span.removed_seq.is_none_or(|removed| removed > after))
    else {
        return Ok(EntriesOutcome::Removed);
    };
    let last = span.removed_seq.unwrap_or(group.last_seq);
    let after = after.max(span.joined_seq);
    if after < last && after + 1 < group.kept_from {
        return Ok(EntriesOutcome::BodyGone);
    }
    let run = run(conn, place, after, last, limit.max(1))?;
    if run.gone && run.entries.is_empty() {
        return Ok(EntriesOutcome::BodyGone);
    }
    Ok(EntriesOutcome::Page {
        entries: run.entries,
        tip: tip_of_span(conn, place, group, span)?,
    })
}

/// The commit that ended an epoch.
fn winner_of(conn: &Connection, place: Place<'_>, epoch: u64) -> Result<Option<Winner>, DbError> {
    let (tenant, conversation, incarnation) = place.key();
    first(
        conn,
        "SELECT seq, body_hash, sender, intent FROM entry
         WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND epoch = ?4 AND kind = 'commit'",
        (tenant, conversation, incarnation, U(epoch)),
        |row| {
            Ok(Winner {
                epoch,
                seq: row.get::<_, U>(0)?.0,
                body_hash: Digest(row.get(1)?),
                sender: DeviceId(row.get(2)?),
                intent: IntentId(row.get(3)?),
            })
        },
    )
}

/// The same, as far as the caller may see.
pub(super) fn winner(
    conn: &Connection,
    place: Place<'_>,
    caller: DeviceRef,
    epoch: u64,
) -> Result<WinnerOutcome, DbError> {
    if membership(conn, place, caller.device)?.is_none() {
        return Ok(WinnerOutcome::NotAMember);
    }
    let winner = winner_seen_by(conn, place, caller.device, epoch)?;
    Ok(winner.map_or(WinnerOutcome::Open, WinnerOutcome::Winner))
}

/// The commit that ended an epoch, if it stands in one of the device's spans.
pub(super) fn winner_seen_by(
    conn: &Connection,
    place: Place<'_>,
    device: DeviceId,
    epoch: u64,
) -> Result<Option<Winner>, DbError> {
    let spans = spans(conn, place, device)?;
    Ok(winner_of(conn, place, epoch)?.filter(|winner| spans.iter().any(|span| span.covers(winner.seq))))
}

/// A kept tree by its hash.
pub(super) fn tree(
    conn: &Connection,
    tenant: &TenantId,
    conversation: ConversationId,
    caller: DeviceRef,
    tree_hash: &[u8],
) -> Result<TreeOutcome, DbError> {
    let trees = all(
        conn,
        "SELECT incarnation, seq FROM tree WHERE tenant = ?1 AND conversation = ?2 AND tree_hash = ?3",
        (tenant.as_str(), conversation.0, tree_hash),
        |row| Ok((row.get::<_, U>(0)?.0, row.get::<_, U>(1)?.0)),
    )?;
    for (incarnation, seq) in trees {
        let place = Place {
            tenant,
            conversation,
            incarnation,
        };
        if spans(conn, place, caller.device)?
            .into_iter()
            .any(|span| span.covers(seq))
        {
            let (tenant, conversation, incarnation) = place.key();
            let sql = "SELECT tree FROM tree WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND seq = ?4";
            let tree = first(conn, sql, (tenant, conversation, incarnation, U(seq)), |row| row.get(0))?;
            return Ok(tree.map_or(TreeOutcome::NotFound, TreeOutcome::Tree));
        }
    }
    let member = first(
        conn,
        "SELECT 1 FROM membership WHERE tenant = ?1 AND device = ?2 AND conversation = ?3 LIMIT 1",
        (tenant.as_str(), caller.device.0, conversation.0),
        |_| Ok(()),
    )?;
    Ok(if member.is_some() {
        TreeOutcome::NotFound
    } else {
        TreeOutcome::NotAMember
    })
}

/// The incarnation and the caller's spans in it; `None` if it has none or there is no such incarnation.
fn membership(conn: &Connection, place: Place<'_>, device: DeviceId) -> Result<Option<(Group, Vec<Span>)>, DbError> {
    let spans = spans(conn, place, device)?;
    if spans.is_empty() {
        return Ok(None);
    }
    Ok(group(conn, place)?.map(|group| (group, spans)))
}

//! Applying a conversation's entries in order (rules 5.3 to 5.6).

use curo_store::repo::account::Account;
use curo_store::repo::conversation::{self, ConversationRow};
use curo_store::repo::item::{self, Fold, ItemKind, ItemRow, Place};
use curo_store::repo::leaf;
use curo_store::repo::{kept, outbox};
use curo_types::api::EntryRecord;
use curo_types::format::EntryKind;
use curo_types::{ConversationId, ErrorCode};
use rusqlite::Connection;

use super::standing::{at_tip, check_tip, freeze, keep_tip, live};
use super::{commit, message};
use crate::core::{Core, now_ms};
use crate::db::Tx;
use crate::directory;
use crate::error::Fault;
use crate::failpoints;
use crate::receipts::take as receipts;
use crate::rejoin::{self, on_the_way, rollback};
use crate::renew;

/// Entries of one transaction.
const BATCH: usize = 64;
/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The cursor is at or behind the last entry given.
    Applied,
    /// The entries start after cursor + 1.
    Gap,
    /// The conversation takes no entries: unknown, removed or frozen.
    NotLive,
}

impl Core {
    /// Applies entries of one conversation. What cannot be read is quarantined: the one message, or the one
    /// conversation. Errors are those that a later try may not meet again.
    pub(crate) async fn apply(&self, id: ConversationId, entries: Vec<EntryRecord>) -> Result<Outcome, Fault> {
        let mut outcome = Outcome::Applied;
        for batch in entries.chunks(BATCH) {
            outcome = match self.apply_batch(id, batch.to_vec()).await {
                Err(Fault::Entry { .. }) if batch.len() > 1 => {
                    let mut last = Outcome::Applied;
                    for entry in batch {
                        last = self.apply_single(id, entry.clone()).await?;
                    }
                    last
                }
                Err(Fault::Entry { code, .. }) => match batch.first() {
                    Some(entry) => self.quarantine(id, entry.clone(), code).await?,
                    None => Outcome::Applied,
                },
                other => other?,
            };
            failpoints::hit(failpoints::ENTRIES_APPLIED);
            if outcome != Outcome::Applied {
                break;
            }
        }
        self.changed_in(id);
        // What was applied may owe something: a receipt for what was deleted, or one that somebody has asked for.
        self.outbox_work.notify_one();
        self.receipt_work.notify_one();
        Ok(outcome)
    }

    async fn apply_single(&self, id: ConversationId, entry: EntryRecord) -> Result<Outcome, Fault> {
        match self.apply_batch(id, vec![entry.clone()]).await {
            Err(Fault::Entry { code, .. }) => self.quarantine(id, entry, code).await,
            other => other,
        }
    }

    /// One transaction; again after a fetch where the directory is needed first.
    async fn apply_batch(&self, id: ConversationId, entries: Vec<EntryRecord>) -> Result<Outcome, Fault> {
        let account = self.account().await?;
        let mut asked = directory::Asked::default();
        loop {
            let (for_tx, batch) = (account.clone(), entries.clone());
            match self.db.write(move |tx| apply_in(tx, &for_tx, id, &batch)).await {
                Err(Fault::NeedDirectory { users, version }) => {
                    let seq = entries.first().map_or(0, |entry| entry.seq);
                    asked.once_more(&users, version, seq)?;
                    directory::fetch_for(&self.db, &self.relay, users, version, seq).await?;
                }
                other => return other,
            }
        }
    }

    /// A permanent error: an unreadable message is passed over, visibly; anything else freezes the conversation (5.4).
    async fn quarantine(&self, id: ConversationId, entry: EntryRecord, code: ErrorCode) -> Result<Outcome, Fault> {
        crate::log::event!(
            Warn,
            "entry_quarantined",
            conversation = id,
            seq = entry.seq,
            code = code.clone()
        );
        let account = self.account().await?;
        self.db
            .write(move |tx| {
                let Some(mut row) = conversation::get(tx.conn, id)? else {
                    return Ok(Outcome::NotLive);
                };
                if !live(&row) {
                    return Ok(Outcome::NotLive);
                }
                if (entry.incarnation, entry.seq) <= (row.incarnation, row.cursor_seq) {
                    // Another task met the same entry and was faster.
                    return Ok(Outcome::Applied);
                }
                let passable = entry.kind == EntryKind::Message
                    && entry.sender != account.device
                    && code != ErrorCode::REJOIN_NEEDED
                    && code != ErrorCode::UPDATE_REQUIRED
                    && entry.seq == row.cursor_seq + 1
                    && entry.expected_hash(&account.tenant, id, row.cursor_h) == entry.h;
                if !passable {
                    if entry.sender == account.device && outbox::get(tx.conn, entry.intent)?.is_none() {
                        rollback::detected(tx.conn)?;
                        on_the_way(tx.conn, id)?;
                    }
                    renew::unprocessable(tx.conn, &account.tenant, &row, &entry, &code)?;
                    freeze(tx.conn, &mut row, &code)?;
                    return Ok(Outcome::NotLive);
                }
                let unreadable = event(ItemKind::Unreadable, &entry, None);
                item::add(
                    tx.conn,
                    id,
                    &ItemRow {
                        code: Some(code.as_str().to_owned()),
                        ..unreadable
                    },
                )?;
                step(tx.conn, &mut row, &entry)?;
                seen(&mut row, &entry);
                conversation::put(tx.conn, &row)?;
                Ok(Outcome::Applied)
            })
            .await
    }

    /// Fetches and applies what follows the cursor until the tip (rule 7.4, first and third rung).
    pub(crate) async fn catch_up(&self, id: ConversationId) -> Result<(), Fault> {
        let mut from = None;
        loop {
            let account = self.account().await?;
            let Some(row) = self.db.read(move |conn| Ok(conversation::get(conn, id)?)).await? else {
                return Ok(());
            };
            if !live(&row) {
                return Ok(());
            }
            if from.replace(row.cursor_seq) == Some(row.cursor_seq) {
                return Err(Fault::BadRelay("entries that do not follow"));
            }
            let page = self.relay.entries(id, row.incarnation, row.cursor_seq).await?;
            check_tip(&account, id, &page.tip)?;
            let served_all = page.entries.is_empty();
            if !served_all && self.apply(id, page.entries).await? == Outcome::NotLive {
                return Ok(());
            }
            if let Some(last) = page.last {
                check_tip(&account, id, &last)?;
                self.db.write(move |tx| keep_tip(tx.conn, id, &last)).await?;
            }
            let tip = page.tip;
            let done = self.db.write(move |tx| at_tip(tx.conn, id, &tip)).await?;
            if done {
                // It is no longer behind.
                self.drop_future_receipts([id].into()).await?;
                self.changed_in(id);
                return Ok(());
            }
            if served_all {
                return Err(Fault::BadRelay("the tip's entries are withheld"));
            }
        }
    }
}

fn apply_in(tx: &mut Tx<'_>, me: &Account, id: ConversationId, entries: &[EntryRecord]) -> Result<Outcome, Fault> {
    let Some(mut row) = conversation::get(tx.conn, id)? else {
        return Ok(Outcome::NotLive);
    };
    if !live(&row) {
        return Ok(Outcome::NotLive);
    }
    let mut outcome = Outcome::Applied;
    let mut moved = false;
    for entry in entries {
        if entry.incarnation < row.incarnation || (entry.incarnation == row.incarnation && entry.seq <= row.cursor_seq)
        {
            continue;
        }
        let broken = Fault::Entry {
            seq: entry.seq,
            code: ErrorCode::REJOIN_NEEDED,
        };
        if entry.incarnation > row.incarnation {
            return Err(broken);
        }
        if entry.seq != row.cursor_seq + 1 {
            outcome = Outcome::Gap;
            break;
        }
        if entry.expected_hash(&me.tenant, id, row.cursor_h) != entry.h {
            return Err(broken);
        }
        apply_one(tx, me, &mut row, entry)?;
        step(tx.conn, &mut row, entry)?;
        moved = true;
        if !live(&row) {
            outcome = Outcome::NotLive;
            break;
        }
    }
    if moved {
        conversation::put(tx.conn, &row)?;
        leaf::reached(tx.conn, id, row.incarnation, row.cursor_seq)?;
        if live(&row) {
            receipts::reached(tx, me, &row)?;
            rejoin::goes_on(tx.conn, id)?;
        }
    }
    Ok(outcome)
}

/// The effect of one entry; the caller moves the cursor in the same transaction.
pub(crate) fn apply_one(
    tx: &mut Tx<'_>,
    me: &Account,
    row: &mut ConversationRow,
    entry: &EntryRecord,
) -> Result<(), Fault> {
    match (entry.kind, entry.sender == me.device) {
        (EntryKind::Message, true) => message::own(tx, me, row, entry),
        (EntryKind::Message, false) => message::foreign(tx, me, row, entry),
        (EntryKind::Commit, true) => commit::own(tx, me, row, entry),
        (EntryKind::Commit, false) => commit::foreign(tx, me, row, entry),
    }
}

/// Moves the cursor over an entry whose effect is stored, and keeps it for a relay that may lose it (rule 7.2).
pub(crate) fn step(conn: &Connection, row: &mut ConversationRow, entry: &EntryRecord) -> Result<(), Fault> {
    row.cursor_seq = entry.seq;
    row.cursor_h = entry.h;
    Ok(kept::put(conn, row.id, entry, now_ms())?)
}

/// Something that people see: it moves the conversation in the list. Keys that are renewed, names, receipts do not.
pub(crate) fn seen(row: &mut ConversationRow, entry: &EntryRecord) {
    row.activity = row.activity.max(entry.time_ms);
}

/// A timeline item that stands at an entry.
pub(crate) fn event(kind: ItemKind, entry: &EntryRecord, content: Option<Vec<u8>>) -> ItemRow {
    ItemRow {
        place: Place::Log {
            incarnation: entry.incarnation,
            seq: entry.seq,
        },
        kind,
        sender_device: entry.sender,
        sender_user: None,
        message: entry.intent.into(),
        content,
        claimed_ms: None,
        accepted_ms: Some(entry.time_ms),
        code: None,
        fold: Fold::default(),
    }
}

//! Where a conversation stands: whether it takes entries, whether it is behind, frozen or at its tip.

use curo_store::repo::account::Account;
use curo_store::repo::conversation::{self, ConversationRow, ConversationState};
use curo_store::repo::{directory, kept};
use curo_types::format::SignedTip;
use curo_types::{ConversationId, ErrorCode};
use rusqlite::Connection;

use crate::core::Core;
use crate::error::Fault;
use crate::rejoin;

impl Core {
    /// Marks a conversation behind: what follows its cursor is fetched with the next pass, so the sync token may go on.
    pub(crate) async fn mark_behind(&self, id: ConversationId) -> Result<(), Fault> {
        self.db
            .write(move |tx| match conversation::get(tx.conn, id)? {
                Some(mut row) if live(&row) && !row.behind => {
                    row.behind = true;
                    Ok(conversation::put(tx.conn, &row)?)
                }
                _ => Ok(()),
            })
            .await?;
        self.changed_in(id);
        Ok(())
    }

    /// Freezes a conversation whose group cannot be used: it is rejoined, syncing again would not help.
    pub(crate) async fn freeze_group(&self, id: ConversationId) -> Result<(), Fault> {
        self.db
            .write(move |tx| match conversation::get(tx.conn, id)? {
                Some(mut row) if live(&row) => {
                    rejoin::on_the_way(tx.conn, id)?;
                    freeze(tx.conn, &mut row, &ErrorCode::REJOIN_NEEDED)
                }
                _ => Ok(()),
            })
            .await?;
        self.outbox_work.notify_one();
        self.changed();
        Ok(())
    }

    /// Freezes a conversation: it stays readable, nothing is sent or applied, the account goes on.
    pub(crate) async fn freeze(&self, id: ConversationId, code: ErrorCode) -> Result<(), Fault> {
        self.db
            .write(move |tx| match conversation::get(tx.conn, id)? {
                Some(mut row) => freeze(tx.conn, &mut row, &code),
                None => Ok(()),
            })
            .await?;
        self.changed_in(id);
        Ok(())
    }
}

/// Whether a conversation takes entries.
pub(crate) fn live(row: &ConversationRow) -> bool {
    matches!(row.state, ConversationState::Active | ConversationState::Creating)
}

/// Freezes in an open transaction.
pub(crate) fn freeze(conn: &Connection, row: &mut ConversationRow, code: &ErrorCode) -> Result<(), Fault> {
    row.state = ConversationState::Frozen;
    row.frozen_code = Some(code.as_str().to_owned());
    row.behind = false;
    if *code == ErrorCode::KEY_MISMATCH {
        // It may be that a key was withheld: before the next verdict the directory is asked again.
        directory::doubt(conn)?;
    }
    Ok(conversation::put(conn, row)?)
}

/// A direct conversation is between two users. Whoever knows both can compute its id and create it first, or add
/// somebody later: then it is frozen, and nothing is sent into it.
pub(crate) fn keep_direct(conn: &Connection, me: &Account, row: &mut ConversationRow) -> Result<(), Fault> {
    match row.direct_with {
        Some(other) if conversation::has_third(conn, row.id, me.user, other)? => {
            freeze(conn, row, &ErrorCode::NOT_DIRECT)
        }
        _ => Ok(()),
    }
}

/// Whether the cursor is at the tip; the mark "behind" goes then. A tip that contradicts the cursor freezes (rule 7.2).
pub(crate) fn at_tip(conn: &Connection, id: ConversationId, tip: &SignedTip) -> Result<bool, Fault> {
    let Some(mut row) = conversation::get(conn, id)? else {
        return Ok(true);
    };
    if !live(&row) {
        return Ok(true);
    }
    if tip.incarnation != row.incarnation {
        return Ok(true);
    }
    if tip.seq == row.cursor_seq && tip.h != row.cursor_h {
        freeze(conn, &mut row, &ErrorCode::REJOIN_NEEDED)?;
        return Ok(true);
    }
    keep(conn, &row, tip)?;
    // A tip behind the cursor may be an old answer that overtook a newer one.
    let done = tip.seq <= row.cursor_seq;
    if done && row.behind {
        row.behind = false;
        conversation::put(conn, &row)?;
    }
    Ok(done)
}

/// Keeps a verified tip if it is of the cursor: with the entries before it, it proves them to a relay that has lost them
/// (rule 7.2).
pub(crate) fn keep_tip(conn: &Connection, id: ConversationId, tip: &SignedTip) -> Result<(), Fault> {
    match conversation::get(conn, id)? {
        Some(row) => keep(conn, &row, tip),
        None => Ok(()),
    }
}

fn keep(conn: &Connection, row: &ConversationRow, tip: &SignedTip) -> Result<(), Fault> {
    if (tip.incarnation, tip.seq, tip.h) != (row.incarnation, row.cursor_seq, row.cursor_h) {
        return Ok(());
    }
    let bytes = serde_json::to_vec(tip).map_err(|_| Fault::Code(ErrorCode::INVALID_ARGUMENT))?;
    Ok(kept::put_tip(conn, row.id, tip.incarnation, tip.seq, &bytes)?)
}

/// A tip must bear the tenant's signature and speak of this store and conversation.
pub(crate) fn check_tip(me: &Account, id: ConversationId, tip: &SignedTip) -> Result<(), Fault> {
    tip.verify(&me.log_key)
        .map_err(|_| Fault::BadRelay("tip without signature"))?;
    if tip.store == me.relay_store && tip.tenant == me.tenant && tip.conversation == id {
        Ok(())
    } else {
        Err(Fault::BadRelay("tip of something else"))
    }
}

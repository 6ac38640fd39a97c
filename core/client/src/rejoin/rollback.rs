//! This device was rolled back (rule 7.1): its store is older than what the relay has seen of it, because a backup was
//! restored.
//!
//! The sign is an own entry that the outbox does not know. From then on keys of every group here may have been used
//! already: encrypting with them again would let whoever has both ciphertexts compute on them. So every conversation is
//! frozen until it is rejoined, and nothing is sent before all of them are.

use curo_store::repo::conversation::{self, ConversationState};
use curo_store::repo::rejoin;
use curo_types::ErrorCode;
use rusqlite::Connection;

use super::on_the_way;
use crate::core::{Core, now_ms};
use crate::error::Fault;
use crate::key_packages;
use crate::sync::standing::freeze;

/// Notes it, once, and freezes every conversation that goes on.
pub(crate) fn detected(conn: &Connection) -> Result<(), Fault> {
    if !rejoin::note_rollback(conn, now_ms())? {
        return Ok(());
    }
    crate::log::event!(Warn, "rolled_back");
    for mut row in conversation::list(conn)? {
        if row.state == ConversationState::Active {
            on_the_way(conn, row.id)?;
            freeze(conn, &mut row, &ErrorCode::REJOIN_NEEDED)?;
        }
    }
    Ok(())
}

impl Core {
    /// Whether sending has to wait until every conversation is rejoined. Ends the wait when that is so.
    pub(crate) async fn mends_rollback(&self) -> Result<bool, Fault> {
        if !self.db.read(|conn| Ok(rejoin::is_rolled_back(conn)?)).await? {
            return Ok(false);
        }
        if !self.waiting_for_rejoin().await?.is_empty() {
            return Ok(true);
        }
        key_packages::replace(&self.db, &self.relay, &self.account().await?).await?;
        self.db.write(|tx| Ok(rejoin::end_rollback(tx.conn)?)).await?;
        crate::log::event!(Info, "rollback_mended");
        Ok(false)
    }
}

//! Taking the relay's new store for the account's.

use std::sync::atomic::Ordering;

use curo_store::repo::account::{self, Account};
use curo_store::repo::conversation::{self, ConversationState};
use curo_store::repo::{lost, push, receipt, recovery};
use curo_types::api::SessionAnswer;
use curo_types::{ErrorCode, StoreId};
use rusqlite::Connection;

use crate::core::{Core, now_ms};
use crate::error::Fault;
use crate::sync::standing::freeze;
use crate::{failpoints, key_packages};

/// Recoveries in a row without a pass of sync that ended well: a relay that changes its store every time is not followed.
const MAX_RECOVERIES: usize = 3;
/// The token that stands for the feed's position now: no entry from before, but cursors and receipts.
const NOW: &str = "now";

impl Core {
    /// The relay has refused, as one does that was restored, what was asked while the account's store was `asked`. Looks whether
    /// it was, and takes its new store. Returns the refusal if that is not what it means.
    pub(crate) async fn recover(&self, refused: Fault, asked: StoreId) -> Result<(), Fault> {
        let _one_at_a_time = self.sync_lock.lock().await;
        if self.fresh_account().await?.relay_store != asked {
            // It was taken in the meantime.
            return Ok(());
        }
        if self.recoveries.fetch_add(1, Ordering::AcqRel) >= MAX_RECOVERIES {
            return Err(refused);
        }
        let me = self.fresh_account().await?;
        let session = self.relay.session(self.db.read(super::known).await?).await?;
        let is_same = session.store == me.relay_store;
        if is_same && refused.code() != ErrorCode::STORE_CHANGED {
            return Err(refused);
        }
        session.log_key.verify(&session.directory_key)?;
        // Nothing is compared or sent before the new store has given a position in its feed: what is found until then and what
        // is news from then on is all there is.
        self.forget_answer();
        self.db
            .write(move |tx| {
                let me = account::get(tx.conn)?.ok_or(Fault::Code(ErrorCode::SIGN_IN_NEEDED))?;
                adopt(tx.conn, &me, &session)?;
                super::keep_statement(tx.conn, &session)
            })
            .await?;
        failpoints::hit(failpoints::STORE_ADOPTED);
        let me = self.fresh_account().await?;
        self.set_account(me).await;
        self.holds.release_all();
        self.changed();
        Ok(())
    }

    /// What the whole account owes a store that was taken: a stock of KeyPackages that nobody was given before, and a position
    /// in its feed. From there on everything is news; what was before is found by comparing each conversation. Runs before a
    /// pass of sync.
    pub(crate) async fn settle_store(&self, me: &Account) -> Result<(), Fault> {
        if !self.db.read(|conn| Ok(recovery::is_under_way(conn)?)).await? {
            return Ok(());
        }
        // Before all else: the relay may not know this device, nor that others were revoked.
        self.offer_directory(me).await?;
        let me = &self.fresh_account().await?;
        key_packages::replace(&self.db, &self.relay, me).await?;
        self.db
            .write(|tx| {
                account::set_sync_token(tx.conn, NOW)?;
                Ok(recovery::end(tx.conn)?)
            })
            .await?;
        failpoints::hit(failpoints::STORE_SETTLED);
        Ok(())
    }
}

/// Takes the session's store for the account's, if it is the same tenant's and user's: the same directory key vouches for it.
/// Every conversation that goes on stands still from now on.
pub(crate) fn adopt(conn: &Connection, me: &Account, session: &SessionAnswer) -> Result<(), Fault> {
    if me.tenant != session.tenant || me.directory_key != session.directory_key || session.log_key.tenant != me.tenant {
        // A relay that begins anew, or another one.
        return Err(Fault::Code(ErrorCode::STORE_CHANGED));
    }
    if me.user != session.user {
        return Err(Fault::Code(ErrorCode::WRONG_ACCOUNT));
    }
    crate::log::event!(Warn, "store_changed");
    recovery::begin(conn, session.store, session.log_key.log_key, now_ms())?;
    super::keep_lost(conn, &session.lost)?;
    lost::set_aside(conn, me.user)?;
    receipt::own::owe_again(conn)?;
    // The store may be of before this device asked for pushes, or of before it named this target.
    push::doubt(conn)?;
    for mut row in conversation::list(conn)? {
        if row.state == ConversationState::Active {
            freeze(conn, &mut row, &ErrorCode::STORE_CHANGED)?;
        }
    }
    Ok(())
}

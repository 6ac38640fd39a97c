//! What a person does with intents that wait or have failed: try again, take back.

use curo_store::repo::change;
use curo_store::repo::conversation::{self, ConversationState};
use curo_store::repo::outbox::{self, IntentKind, IntentState, OutboxRow};
use curo_types::format::Reference;
use curo_types::{ErrorCode, IntentId};

use crate::conversations::{Conversation, open_for_intents};
use crate::db::Tx;
use crate::error::{Fault, Result};
use crate::fold::Folding;

impl Conversation {
    /// Tries a failed message or intent once more, with the same id.
    ///
    /// # Errors
    /// `unknown` where nothing of this id has failed, `removed`, `locked`.
    pub async fn retry(&self, intent: IntentId) -> Result<()> {
        let id = self.id;
        let requeue = move |tx: &mut Tx<'_>| {
            open_for_intents(tx.conn, id)?;
            let row = outbox::get(tx.conn, intent)?
                .filter(|row| row.conversation == id && row.state == IntentState::Failed)
                .ok_or(Fault::Code(ErrorCode::UNKNOWN))?;
            if conversation::get(tx.conn, id)?.is_some_and(|row| row.state == ConversationState::Creating) {
                // Nothing can be sent before the conversation is there.
                outbox::retry_creation(tx.conn, id)?;
            }
            Ok(outbox::requeue(tx.conn, row.position, false)?)
        };
        let queued = self.core.queued_in(id);
        Ok(self.core.db.write_then(requeue, |()| queued()).await?)
    }

    /// Takes an intent back that is still in the queue or has failed: a message is gone from the timeline, a change to one
    /// is undone. What waits to be said about a message goes with it. Its id is used up; [`Conversation::delivery`] and [`Conversation::intent`] then say `cancelled`.
    ///
    /// False: it is on its way already, and may have arrived. A message can be deleted then ([`Conversation::delete`]).
    ///
    /// # Errors
    /// `unknown` where nothing of this id waits or has failed, `invalid_argument` for the creation of the conversation,
    /// `sign_in_needed`, `locked`.
    pub async fn cancel(&self, intent: IntentId) -> Result<bool> {
        let me = self.core.account().await?;
        let id = self.id;
        let take_back = move |tx: &mut Tx<'_>| {
            let row = outbox::get(tx.conn, intent)?
                .filter(|row| row.conversation == id && row.state != IntentState::Done)
                .ok_or(Fault::Code(ErrorCode::UNKNOWN))?;
            if row.kind == IntentKind::Create {
                return Err(Fault::Code(ErrorCode::INVALID_ARGUMENT));
            }
            if !waits(&row) {
                return Ok(false);
            }
            outbox::cancelled(tx.conn, row.position, ErrorCode::CANCELLED.as_str())?;
            if row.kind == IntentKind::Message {
                let folding = Folding::new(tx.conn, &me, id);
                let own = Reference {
                    sender: me.device,
                    message: intent.into(),
                };
                for about in change::unsent(tx.conn, id, own)? {
                    // Behind a message that has failed it may be on its way already.
                    if let Some(row) = outbox::get(tx.conn, about.message.into())?.filter(waits) {
                        outbox::cancelled(tx.conn, row.position, ErrorCode::CANCELLED.as_str())?;
                        folding.cancelled(about.message)?;
                    }
                }
                folding.cancelled(own.message)?;
            }
            Ok(true)
        };
        let queued = self.core.queued_in(id);
        let cancelled = self.core.db.write_then(take_back, |cancelled| {
            if *cancelled {
                queued();
            }
        });
        Ok(cancelled.await?)
    }
}

/// Whether nothing of a row was ever sent, or all of it was refused.
fn waits(row: &OutboxRow) -> bool {
    matches!(row.state, IntentState::Queued | IntentState::Failed)
}

//! Whose turn it is where a Welcome comes while this device is on its way in from outside: one of the two must not know
//! nothing of the other. A Welcome that was used while an external commit of the same incarnation was sent would meet that
//! commit in the log as an own entry that nobody knows, which is the sign of a rollback (rules 4.5, 7.1).

use std::collections::HashSet;

use curo_store::repo::conversation;
use curo_types::{ConversationId, IntentId};
use tokio::sync::MutexGuard;

use super::Sent;
use crate::core::Core;
use crate::error::Fault;

impl Core {
    /// Whether the external commit is still what is to be sent. From now on a Welcome waits for what becomes of it.
    pub(super) async fn begins_to_send(&self, id: ConversationId, intent: IntentId) -> Result<bool, Fault> {
        let mut unsent = self.unsent_rejoins.lock().await;
        let stands = self.frozen(id).await?;
        let stands = stands.is_some_and(|(_, attempt)| attempt.intent == intent && attempt.made.is_some());
        unsent.remove(&intent);
        Ok(stands)
    }

    /// The turn to use a Welcome of an incarnation. An external commit of which nothing was sent gives way: the Welcome misses
    /// nothing. One that was perhaps sent, before a kill too, is settled first: the same bytes go again, and the relay says what
    /// became of them. Nothing is made or sent while the turn is held.
    pub(crate) async fn turn_to_join(
        &self,
        id: ConversationId,
        incarnation: u64,
    ) -> Result<MutexGuard<'_, HashSet<IntentId>>, Fault> {
        let turn = self.unsent_rejoins.lock().await;
        let sent = self.frozen(id).await?.and_then(|(row, attempt)| {
            let made = attempt.made.clone()?;
            (made.incarnation == incarnation && !turn.contains(&attempt.intent)).then_some((row, attempt, made))
        });
        let Some((row, attempt, made)) = sent else {
            return Ok(turn);
        };
        drop(turn);
        match self.send_rejoin(&row, &attempt, &made).await {
            Ok(Sent::Again) => {}
            Ok(Sent::Joined) => {
                // What follows it may have been news before it was known.
                self.db
                    .write(move |tx| match conversation::get(tx.conn, id)? {
                        Some(mut row) => {
                            row.behind = true;
                            Ok(conversation::put(tx.conn, &row)?)
                        }
                        None => Ok(()),
                    })
                    .await?;
                self.follow_log(id).await?;
            }
            Err(Fault::Problem(problem)) => self.rejoin_refused(id, *problem).await?,
            // What cannot be believed does not keep the Welcome away.
            Err(Fault::Entry { .. } | Fault::BadRelay(_)) => {}
            Err(fault) => return Err(fault),
        }
        Ok(self.unsent_rejoins.lock().await)
    }
}

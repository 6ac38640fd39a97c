//! Conversations that this device belongs to and is not in: it waits for a Welcome for a while, then comes in from outside (rule
//! 3.5) by itself. And those that it finds out about, because its store is older than its membership (rule 7.1).

use std::collections::{HashMap, HashSet};
use std::sync::PoisonError;

use curo_store::repo::conversation::{self, ConversationState};
use curo_store::repo::rejoin;
use curo_types::{ConversationId, ErrorCode};
use rusqlite::Connection;
use tokio::time::Instant;

use super::{on_ladder, on_the_way};
use crate::core::Core;
use crate::error::Fault;
use crate::sync::siblings::waiting;
use crate::sync::standing::freeze;

/// Until when a Welcome is waited for; `None` once it was tried without. Counted anew at each opening.
pub(crate) type Patience = HashMap<ConversationId, Option<Instant>>;

/// Longest waits of a retry that pass before a device comes in by itself: whoever would add it has had time.
const PATIENCE: u32 = 2;

impl Core {
    /// Sends those conversations to the last rung of the ladder for which no Welcome has come in time.
    pub(super) async fn stop_waiting(&self) -> Result<(), Fault> {
        let waiting = self.db.read(|conn| Ok(rejoin::waiting(conn)?)).await?;
        for id in self.out_of_patience(&waiting) {
            self.db.write(move |tx| come_in(tx.conn, id)).await?;
            self.changed_in(id);
        }
        Ok(())
    }

    /// When the first of them is not waited for any longer.
    pub(crate) fn patience_ends(&self) -> Option<Instant> {
        // One that has ended while a pass went by it is looked at soon; not at once, because a pass may end early.
        let soon = Instant::now() + self.retry.min;
        let ends = self.patience().values().flatten().min().copied();
        ends.map(|ends| ends.max(soon))
    }

    fn out_of_patience(&self, waiting: &[ConversationId]) -> Vec<ConversationId> {
        let now = Instant::now();
        let here: HashSet<_> = waiting.iter().collect();
        let mut patience = self.patience();
        patience.retain(|id, ends| ends.is_none() || here.contains(id));
        let mut over = Vec::new();
        for id in waiting {
            let ends = patience
                .entry(*id)
                .or_insert_with(|| Some(now + self.retry.max.saturating_mul(PATIENCE)));
            if ends.is_some_and(|ends| ends <= now) {
                *ends = None;
                over.push(*id);
            }
        }
        over
    }

    fn patience(&self) -> std::sync::MutexGuard<'_, Patience> {
        self.patience.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The relay does not know the user there. Who was never in goes on waiting: perhaps somebody adds them still. False: this
    /// device was in.
    pub(super) async fn waits_on(&self, id: ConversationId) -> Result<bool, Fault> {
        self.db
            .write(move |tx| {
                let Some((mut row, _)) = on_ladder(tx.conn, id)? else {
                    return Ok(true);
                };
                if row.group.is_some() || row.cursor_seq > 0 || row.joined_seq > 0 {
                    return Ok(false);
                }
                row.state = ConversationState::Waiting;
                row.frozen_code = None;
                conversation::put(tx.conn, &row)?;
                rejoin::forget(tx.conn, id)?;
                Ok(true)
            })
            .await
    }

    /// The relay serves a conversation of which nothing is here, not even the Welcome: it was dealt with by a later state of this
    /// store, before a backup was restored (rule 7.1). The way in is from outside.
    pub(crate) async fn found(&self, id: ConversationId, incarnation: u64) -> Result<(), Fault> {
        crate::log::event!(Info, "conversation_found", conversation = id);
        self.db
            .write(move |tx| {
                if conversation::get(tx.conn, id)?.is_some() {
                    return Ok(());
                }
                conversation::put(tx.conn, &waiting(id, incarnation))?;
                come_in(tx.conn, id)
            })
            .await?;
        self.changed_in(id);
        self.outbox_work.notify_one();
        Ok(())
    }
}

fn come_in(conn: &Connection, id: ConversationId) -> Result<(), Fault> {
    let row = conversation::get(conn, id)?.filter(|row| row.state == ConversationState::Waiting);
    let Some(mut row) = row else { return Ok(()) };
    on_the_way(conn, id)?;
    freeze(conn, &mut row, &ErrorCode::REJOIN_NEEDED)
}

//! News about the user's other devices (rules 6.1 and 6.4): one has left for all, one is new, one waits to be added.

use curo_store::repo::account;
use curo_store::repo::conversation::{self, ConversationRow, ConversationState};
use curo_types::{ConversationId, DeviceId};

use crate::core::{Core, now_ms};
use crate::error::Fault;
use crate::leaving;
use crate::outbox::queue_addition;

impl Core {
    /// The user has left by another device.
    pub(super) async fn left_elsewhere(&self, index: u64, id: ConversationId) -> Result<(), Fault> {
        self.db
            .write(move |tx| {
                leaving::gone(tx, id)?;
                Ok(account::ack_inbox(tx.conn, index)?)
            })
            .await?;
        self.changed_in(id);
        Ok(())
    }

    /// A new device of the user: it is added to every conversation that this one is in. The intents are durable before the
    /// item is acknowledged.
    pub(super) async fn new_sibling(&self, index: u64, device: DeviceId) -> Result<(), Fault> {
        let me = self.account().await?;
        self.db
            .write(move |tx| {
                for row in conversation::list(tx.conn)? {
                    let member = matches!(row.state, ConversationState::Active | ConversationState::Frozen);
                    if member && device != me.device {
                        queue_addition(tx, row.id, me.user, device)?;
                    }
                }
                Ok(account::ack_inbox(tx.conn, index)?)
            })
            .await?;
        self.outbox_work.notify_one();
        Ok(())
    }

    /// The user is in this conversation and the device not yet: it shows as waiting until its Welcome comes.
    pub(super) async fn waits_for(&self, index: u64, id: ConversationId, incarnation: u64) -> Result<(), Fault> {
        self.db
            .write(move |tx| {
                if conversation::get(tx.conn, id)?.is_none() {
                    conversation::put(tx.conn, &waiting(id, incarnation))?;
                }
                Ok(account::ack_inbox(tx.conn, index)?)
            })
            .await?;
        self.changed_in(id);
        Ok(())
    }
}

pub(crate) fn waiting(id: ConversationId, incarnation: u64) -> ConversationRow {
    ConversationRow::new(id, incarnation, ConversationState::Waiting, now_ms())
}

//! Handing bytes to the relay.

use curo_store::repo::account::Account;
use curo_store::repo::outbox::{self, OutboxRow};
use curo_types::api::{CommitRequest, MessagesRequest};
use curo_types::format::AccessContext;
use curo_types::{Blob, ConversationId, ErrorCode, IntentId};

use super::commits::{self, Prepared};
use super::settle::{check_accepted, settle_commit, settle_messages};
use crate::core::Core;
use crate::error::Fault;
use crate::failpoints;

impl Core {
    /// Sends messages that are durable as prepared.
    pub(super) async fn send_messages(
        &self,
        me: &Account,
        id: ConversationId,
        incarnation: u64,
        messages: Vec<(IntentId, Blob)>,
    ) -> Result<(), Fault> {
        failpoints::hit(failpoints::MESSAGES_BEFORE_SEND);
        let request = MessagesRequest {
            incarnation,
            messages: messages.iter().map(|(_, body)| body.clone()).collect(),
        };
        let answer = self.relay.messages(id, &request).await;
        failpoints::hit(failpoints::MESSAGES_AFTER_SEND);
        match answer {
            Ok(answer) => {
                if let Err(fault) = check_accepted(me, id, &messages, &answer) {
                    self.no_answer(messages.iter().map(|(intent, _)| *intent).collect())
                        .await?;
                    return Err(fault);
                }
                let for_tx = me.clone();
                self.db
                    .write(move |tx| settle_messages(tx, &for_tx, id, &answer))
                    .await?;
                failpoints::hit(failpoints::MESSAGES_SETTLED);
                self.changed_in(id);
                Ok(())
            }
            Err(Fault::Problem(problem)) => {
                let first = messages.first().map(|(intent, _)| *intent);
                self.refused(id, first, *problem).await
            }
            Err(fault) => {
                self.no_answer(messages.iter().map(|(intent, _)| *intent).collect())
                    .await?;
                Err(fault)
            }
        }
    }

    /// Sends a commit that is durable as prepared.
    pub(super) async fn send_commit(&self, id: ConversationId, row: OutboxRow) -> Result<(), Fault> {
        let Some(prepared) = commits::read_prepared(&row) else {
            return self.freeze(id, ErrorCode::STORE_UNREADABLE).await;
        };
        // Written by this build or refused when the intent was made: what cannot be read is left out.
        let access = row
            .access
            .as_deref()
            .and_then(|bytes| AccessContext::from_bytes(bytes).ok());
        failpoints::hit(failpoints::COMMIT_BEFORE_SEND);
        let answer = match prepared {
            Prepared::Create(request) => self.relay.create_conversation(&request, access.as_ref()).await,
            Prepared::Commit { incarnation, bundle } => {
                let request = CommitRequest::new(incarnation, bundle);
                self.relay.commit(id, &request, access.as_ref()).await
            }
        };
        failpoints::hit(failpoints::COMMIT_AFTER_SEND);
        match answer {
            Ok(accepted) if accepted.intent == row.intent => {
                self.db.write(move |tx| settle_commit(tx, &row, &accepted)).await?;
                failpoints::hit(failpoints::COMMIT_SETTLED);
                self.changed_in(id);
                Ok(())
            }
            Ok(_) => Err(Fault::BadRelay("another intent was accepted")),
            Err(Fault::Problem(problem)) => self.refused(id, Some(row.intent), *problem).await,
            Err(fault) => {
                self.no_answer(vec![row.intent]).await?;
                Err(fault)
            }
        }
    }

    /// Nobody knows whether the relay took them: prepared -> unknown. The same bytes go again.
    async fn no_answer(&self, intents: Vec<IntentId>) -> Result<(), Fault> {
        self.db
            .write(move |tx| {
                for intent in intents {
                    if let Some(row) = outbox::get(tx.conn, intent)? {
                        outbox::sent(tx.conn, row.position)?;
                    }
                }
                Ok(())
            })
            .await
    }
}

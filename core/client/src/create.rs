//! Creating conversations, and the list of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use curo_store::repo::account::Account;
use curo_store::repo::conversation::{self, ConversationRow, ConversationState};
use curo_store::repo::departure;
use curo_store::repo::outbox::{self, IntentKind};
use curo_store::repo::policy;
use curo_types::api::limits;
use curo_types::format::StateBody;
use curo_types::{ConversationId, ErrorCode, IntentId, UserId};
use rusqlite::Connection;

use crate::about::{self, CreateOptions};
use crate::access;
use crate::client::Client;
use crate::conversations::{Conversation, ConversationInfo};
use crate::core::now_ms;
use crate::db::Tx;
use crate::error::{Error, Fault, Result};
use crate::outbox::encode_users;
use crate::sync::standing::keep_direct;

impl Client {
    /// Creates a conversation with people. Returns as soon as the intent is durable; works offline. Messages may be sent
    /// into it at once: they follow when the relay has accepted it. Whom the tenant's policy wants in every conversation is in it
    /// too, see [`Member::mandatory`](crate::Member::mandatory).
    ///
    /// ```no_run
    /// # async fn example(client: &curo::Client, lee: curo::UserId, jones: curo::UserId) -> curo::Result<()> {
    /// let (care, created) = client.create_conversation(&[lee, jones]).await?;
    /// care.send_text("Good morning".into(), curo::MessageId::random()).await?;
    /// if let curo::IntentStatus::Failed { code, .. } = care.intent(created).await? {
    ///     println!("not created: {code}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `invalid_argument` (nobody but this user, or more than 250 with those whom the policy wants), `sign_in_needed`, `locked`, `storage_full`. The
    /// creation itself may fail later, with `no_device` where a person has no device; its messages then fail with it.
    pub async fn create_conversation(&self, people: &[UserId]) -> Result<(Conversation, IntentId)> {
        self.create_conversation_with(people, CreateOptions::default()).await
    }

    /// As [`Client::create_conversation`], with a title and subjects.
    ///
    /// # Errors
    /// As [`Client::create_conversation`]; `invalid_argument` also where the options are outside their limits.
    pub async fn create_conversation_with(
        &self,
        people: &[UserId],
        options: CreateOptions,
    ) -> Result<(Conversation, IntentId)> {
        let change = options.into_change()?;
        self.create(ConversationId::random(), people, None, change).await
    }

    /// The direct conversation with one person: there is one for two people, whoever starts it. If somebody else turns up
    /// in it, it is frozen with `not_direct`: nothing is sent. Whom the tenant's policy wants in every conversation is nobody else
    /// in this sense: they are in it, and show on its roster.
    /// One that both have left goes on as its next incarnation; what was said before stays where it is. While the other one
    /// is still in it, who has left does not come back by this call: what is sent then fails with the relay's refusal.
    ///
    /// # Errors
    /// As [`Client::create_conversation`].
    pub async fn direct_conversation(&self, person: UserId) -> Result<Conversation> {
        let me = self.core.account().await?;
        let id = ConversationId::direct(&me.tenant, me.user, person);
        let for_tx = me.clone();
        let look = move |tx: &mut Tx<'_>| {
            let Some(mut row) = conversation::get(tx.conn, id)? else {
                return Ok(false);
            };
            if row.direct_with.is_none() {
                row.direct_with = Some(person);
                conversation::put(tx.conn, &row)?;
                keep_direct(tx.conn, &for_tx, &mut row)?;
            }
            if row.state == ConversationState::Removed {
                reopen(tx.conn, &for_tx, &row, person)?;
            }
            if row.state == ConversationState::Creating {
                // There is one id for two people: a creation that failed is tried again under it.
                outbox::retry_creation(tx.conn, id)?;
            }
            Ok(true)
        };
        let queued = self.core.queued_in(id);
        let exists = self.core.db.write_then(look, |exists| {
            if *exists {
                queued();
            }
        });
        if exists.await? {
            return Ok(self.conversation(id));
        }
        self.create(id, &[person], Some(person), StateBody::default())
            .await
            .map(|(conversation, _)| conversation)
    }

    async fn create(
        &self,
        id: ConversationId,
        people: &[UserId],
        direct_with: Option<UserId>,
        change: StateBody,
    ) -> Result<(Conversation, IntentId)> {
        let me = self.core.account().await?;
        let others: Vec<UserId> = people.iter().copied().filter(|user| *user != me.user).collect();
        if others.is_empty() || others.len() > limits::USERS_PER_REQUEST {
            return Err(Error::new(ErrorCode::INVALID_ARGUMENT));
        }
        let (intent, access) = (IntentId::random(), self.access.clone());
        let create = move |tx: &mut Tx<'_>| {
            if conversation::get(tx.conn, id)?.is_some() {
                return Ok(());
            }
            let everybody = policy::mandatory(tx.conn)?.into_iter().chain(others.iter().copied());
            if everybody.filter(|user| *user != me.user).collect::<BTreeSet<_>>().len() > limits::USERS_PER_REQUEST {
                return Err(Fault::Code(ErrorCode::INVALID_ARGUMENT));
            }
            let now = now_ms();
            let row = ConversationRow {
                direct_with,
                ..ConversationRow::new(id, 1, ConversationState::Creating, now)
            };
            conversation::put(tx.conn, &row)?;
            about::created(tx.conn, me.user, &row, &change)?;
            outbox::add(tx.conn, intent, id, IntentKind::Create, &encode_users(&others), now)?;
            access::keep(tx.conn, intent, access.as_deref())
        };
        let queued = self.core.queued_in(id);
        self.core.db.write_then(create, |()| queued()).await?;
        Ok((self.conversation(id), intent))
    }

    /// A handle on a conversation. Says nothing about whether this device has it; its calls do.
    pub fn conversation(&self, id: ConversationId) -> Conversation {
        Conversation::new(Arc::clone(&self.core), id, self.access.clone())
    }

    /// All conversations of this device, the last active first. Works offline.
    ///
    /// ```no_run
    /// # async fn example(client: &curo::Client) -> curo::Result<()> {
    /// for info in client.conversations().await? {
    ///     println!("{} with {} people", info.id, info.members.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `locked`.
    pub async fn conversations(&self) -> Result<Vec<ConversationInfo>> {
        let list = self.core.db.read(|conn| {
            conversation::list(conn)?
                .iter()
                .map(|row| ConversationInfo::read(conn, row))
                .collect()
        });
        Ok(list.await?)
    }
}

/// Queues the next incarnation of a direct conversation that this user is out of (rule 6.6). The relay opens it if nobody is left
/// in it; whoever else has opened it already brings a Welcome.
fn reopen(conn: &Connection, me: &Account, row: &ConversationRow, person: UserId) -> std::result::Result<(), Fault> {
    let (id, incarnation, now) = (row.id, row.incarnation + 1, now_ms());
    departure::forget(conn, id)?;
    conversation::clear_members(conn, id, row.cursor_seq)?;
    conversation::put(
        conn,
        &ConversationRow {
            direct_with: row.direct_with,
            ..ConversationRow::new(id, incarnation, ConversationState::Creating, now)
        },
    )?;
    conversation::add_member(conn, id, incarnation, me.user, 0)?;
    outbox::add(
        conn,
        IntentId::random(),
        id,
        IntentKind::Create,
        &encode_users(&[person]),
        now,
    )?;
    Ok(())
}

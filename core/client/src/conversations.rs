//! One conversation: who is in it, what was said, what to do.

use std::sync::Arc;

use curo_store::repo::conversation::{self, ConversationRow};
use curo_store::repo::outbox::{self, IntentKind, IntentState};
use curo_store::repo::{departure, removed};
use curo_types::api::limits;
use curo_types::format::Subject;
use curo_types::{ConversationId, ErrorCode, IntentId, Text, UserId};
use rusqlite::Connection;

pub use curo_store::repo::conversation::ConversationState;

use crate::about::{self, Member};
use crate::access::{self, Access};
use crate::core::{Core, now_ms};
use crate::db::Tx;
use crate::error::{Error, Fault, Result};
use crate::observe::Observed;
use crate::observe::sources::ConversationSource;
use crate::outbox::{decode_users, encode_users};
use crate::pages::failure;
use crate::policy;
use crate::timeline::IntentStatus;

/// A conversation of this account. Cheap to clone; it stays valid whatever becomes of the conversation.
#[derive(Clone)]
pub struct Conversation {
    pub(crate) core: Arc<Core>,
    pub(crate) id: ConversationId,
    pub(crate) access: Access,
}

/// What a list of conversations shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationInfo {
    /// The conversation.
    pub id: ConversationId,
    /// What can be done with it.
    pub state: ConversationState,
    /// Why it is frozen: `rejoin_needed`, `key_mismatch`, `not_direct`, `not_allowed` (somebody made a commit that their
    /// role does not allow), or another code that says more.
    pub frozen: Option<ErrorCode>,
    /// Whether the user has left it, by this device or another one; `state` is `Removed` then.
    pub left: bool,
    /// Whether all that was said in it was purged when others removed this device, as the tenant's policy asks. False again
    /// once somebody has added it anew.
    pub purged: bool,
    /// Whether entries are known to be missing, because they could not be fetched or did not verify. Tried again by itself.
    pub behind: bool,
    /// Its title, if it has one.
    pub title: Option<Text>,
    /// The patients and others that it is about.
    pub subjects: Vec<Subject>,
    /// Who is in it now, this user included, with roles and names.
    pub roster: Vec<Member>,
    /// Who is in it now, this user included.
    pub members: Vec<UserId>,
    /// The relay's time of the last activity, milliseconds since 1970 UTC. Lists are in this order. While
    /// something that this device has said is on its way, it may be a millisecond after that of the conversation that was first.
    pub activity_ms: u64,
}

impl ConversationInfo {
    pub(crate) fn read(conn: &Connection, row: &ConversationRow) -> std::result::Result<Self, Fault> {
        let about = about::read(conn, row)?;
        Ok(Self {
            id: row.id,
            state: row.state,
            frozen: row.frozen_code.clone().map(ErrorCode::from),
            left: departure::get(conn, row.id)?.is_some_and(|departure| departure.gone),
            purged: removed::is_purged(conn, row.id)?,
            behind: row.behind,
            title: about.title,
            subjects: about.subjects,
            members: about.roster.iter().map(|member| member.user).collect(),
            roster: about.roster,
            activity_ms: row.activity,
        })
    }
}

impl Conversation {
    pub(crate) const fn new(core: Arc<Core>, id: ConversationId, access: Access) -> Self {
        Self { core, id, access }
    }

    /// The conversation's id.
    pub const fn id(&self) -> ConversationId {
        self.id
    }

    /// State and members as this device knows them. Works offline.
    ///
    /// # Errors
    /// `unknown` for a conversation that this device does not have, `locked`.
    pub async fn info(&self) -> Result<ConversationInfo> {
        let id = self.id;
        let info = self.core.db.read(move |conn| {
            let row = conversation::get(conn, id)?.ok_or(Fault::Code(ErrorCode::UNKNOWN))?;
            ConversationInfo::read(conn, &row)
        });
        Ok(info.await?)
    }

    /// Watches state and members. The state is `None` while locked.
    ///
    /// `next` answers `unknown` for a conversation that this device does not have.
    pub fn observe(&self) -> Observed<Option<ConversationInfo>> {
        Observed::new(Arc::clone(&self.core), Arc::new(ConversationSource(self.id)))
    }

    /// Adds people with all their devices. Returns as soon as the intent is durable; see [`Conversation::intent`].
    ///
    /// ```no_run
    /// # async fn example(care: &curo::Conversation, pharmacist: curo::UserId) -> curo::Result<()> {
    /// let intent = care.add(&[pharmacist]).await?;
    /// match care.intent(intent).await? {
    ///     curo::IntentStatus::Failed { code, retryable } => println!("{code}, retryable: {retryable}"),
    ///     _ => println!("done, or on its way"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `unknown`, `removed`, `not_direct`, `not_allowed` (this user's role does not allow it, see [`Role`](crate::Role)),
    /// `invalid_argument` (nobody, or more than 250), `sign_in_needed`, `locked`, `storage_full`.
    /// The intent itself may fail later, with `no_device` where a person has no device that could join.
    pub async fn add(&self, people: &[UserId]) -> Result<IntentId> {
        self.intend(IntentKind::Add, people).await
    }

    /// Removes people with all their devices. They can read nothing that is sent after the removal.
    ///
    /// # Errors
    /// As [`Conversation::add`]; `invalid_argument` also for this user, `mandatory_member` for somebody whom the tenant's policy
    /// wants in every conversation.
    pub async fn remove(&self, people: &[UserId]) -> Result<IntentId> {
        if people.contains(&self.core.account().await?.user) {
            return Err(Error::new(ErrorCode::INVALID_ARGUMENT));
        }
        self.intend(IntentKind::Remove, people).await
    }

    /// Renews this device's keys in the group (an MLS update), so that what an attacker may have learnt is of no use.
    ///
    /// # Errors
    /// `unknown`, `removed`, `sign_in_needed`, `locked`, `storage_full`.
    pub async fn renew_keys(&self) -> Result<IntentId> {
        self.queue(IntentKind::Update, Vec::new()).await
    }

    async fn intend(&self, kind: IntentKind, people: &[UserId]) -> Result<IntentId> {
        if people.is_empty() || people.len() > limits::USERS_PER_REQUEST {
            return Err(Error::new(ErrorCode::INVALID_ARGUMENT));
        }
        self.queue(kind, encode_users(people)).await
    }

    async fn queue(&self, kind: IntentKind, payload: Vec<u8>) -> Result<IntentId> {
        let me = self.core.account().await?;
        let (intent, id, access) = (IntentId::random(), self.id, self.access.clone());
        let queue = move |tx: &mut Tx<'_>| {
            open_for_intents(tx.conn, id)?;
            let direct = conversation::get(tx.conn, id)?.is_some_and(|row| row.direct_with.is_some());
            if direct && matches!(kind, IntentKind::Add | IntentKind::Remove) {
                return Err(Fault::Code(ErrorCode::NOT_DIRECT));
            }
            if kind == IntentKind::Remove {
                policy::keeps(tx.conn, &decode_users(&payload))?;
            }
            if !about::may_intend(tx.conn, id, me.user, kind)? {
                return Err(Fault::Code(ErrorCode::NOT_ALLOWED));
            }
            outbox::add(tx.conn, intent, id, kind, &payload, now_ms())?;
            access::keep(tx.conn, intent, access.as_deref())
        };
        let queued = self.core.queued_in(id);
        self.core.db.write_then(queue, |()| queued()).await?;
        Ok(intent)
    }

    /// Where an intent of [`Conversation::add`], [`Conversation::remove`] or the creation stands.
    ///
    /// # Errors
    /// `unknown`, `locked`.
    pub async fn intent(&self, intent: IntentId) -> Result<IntentStatus> {
        let row = self.core.db.read(move |conn| Ok(outbox::get(conn, intent)?)).await?;
        let row = row
            .filter(|row| row.conversation == self.id)
            .ok_or(Error::new(ErrorCode::UNKNOWN))?;
        Ok(match row.state {
            IntentState::Done if row.code.is_none() => IntentStatus::Done,
            // One that is done and has a code was cancelled.
            IntentState::Done | IntentState::Failed => {
                let code = failure(&row);
                IntentStatus::Failed {
                    retryable: code.retryable(),
                    code,
                }
            }
            _ => IntentStatus::Pending,
        })
    }

    /// Tries once more to rejoin a conversation that is frozen and where the client has given up, for example with
    /// `rejoin_failed`. Before that the client tries by itself. What was missed shows as [`Entry::Gap`](crate::Entry::Gap).
    ///
    /// # Errors
    /// `unknown`, `locked`, and the conversation's own code where it stays frozen for good: `key_mismatch`, `not_direct`.
    pub async fn rejoin(&self) -> Result<()> {
        self.core.try_rejoin_again(self.id).await?;
        self.core.outbox_work.notify_one();
        self.core.changed();
        Ok(())
    }
}

/// A conversation takes intents unless this device was removed; a frozen one keeps them until it can go on.
pub(crate) fn open_for_intents(conn: &Connection, id: ConversationId) -> std::result::Result<(), Fault> {
    match conversation::get(conn, id)?.map(|row| row.state) {
        None => Err(Fault::Code(ErrorCode::UNKNOWN)),
        Some(ConversationState::Removed) => Err(Fault::Code(ErrorCode::REMOVED)),
        // The user is on the way out.
        Some(_) if departure::get(conn, id)?.is_some() => Err(Fault::Code(ErrorCode::REMOVED)),
        Some(_) => Ok(()),
    }
}

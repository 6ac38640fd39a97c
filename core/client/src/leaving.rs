//! Leaving a conversation, and what proves that somebody has left or was revoked (rule 6.1).
//!
//! Such a removal needs no role: whoever makes the commit, the proof is the leaver's own signature or the directory. The
//! relay's word alone removes nobody.

use curo_mls::Suite;
use curo_store::repo::account::{self, Account};
use curo_store::repo::conversation::{self, ConversationRow, ConversationState};
use curo_store::repo::{departure, directory as rows, outbox, purge, receipt};
use curo_types::api::{EntryRecord, LeaveRequest, PendingReason, PendingRemoval};
use curo_types::format::{Action, Envelope, Leave, LeaveBody};
use curo_types::{Blob, ConversationId, DeviceId, ErrorCode, IntentId, UserId};
use rusqlite::Connection;

use crate::conversations::Conversation;
use crate::core::Core;
use crate::db::Tx;
use crate::directory::{JudgedAt, verify_suite};
use crate::error::{Fault, Result};
use crate::failpoints;
use crate::policy;
use crate::sync::pull::of_account;

impl Conversation {
    /// Leaves the conversation with all devices of this user. Durable when it returns; works offline. Nothing more can be
    /// sent from then on. Once the relay knows ([`ConversationInfo::left`](crate::ConversationInfo::left)) nothing more
    /// comes in either, and what waited to be sent fails with `removed`. What is here stays readable. Somebody may add the
    /// user again. The last member closes the conversation.
    ///
    /// ```no_run
    /// # async fn example(care: &curo::Conversation) -> curo::Result<()> {
    /// care.leave().await?;
    /// println!("left: {}", care.info().await?.left); // true as soon as the relay knows
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `unknown` for a conversation that this device does not have or is not in yet, `sign_in_needed`, `locked`,
    /// `storage_full`; `mandatory_member` where the tenant's policy wants this user in every conversation. None if it was left
    /// already.
    pub async fn leave(&self) -> Result<()> {
        let me = self.core.account().await?;
        let id = self.id;
        let leave = move |tx: &mut Tx<'_>| {
            let row = conversation::get(tx.conn, id)?.ok_or(Fault::Code(ErrorCode::UNKNOWN))?;
            policy::keeps(tx.conn, &[me.user])?;
            match row.state {
                ConversationState::Removed => Ok(()),
                ConversationState::Active | ConversationState::Frozen if row.group.is_some() => {
                    Ok(departure::want(tx.conn, id, IntentId::random())?)
                }
                _ => Err(Fault::Code(ErrorCode::UNKNOWN)),
            }
        };
        let queued = self.core.queued_in(id);
        Ok(self.core.db.write_then(leave, |()| queued()).await?)
    }
}

impl Core {
    /// Sends a request to leave, if there is one: it precedes everything else (rule 4.7). Says whether there was one.
    pub(crate) async fn send_leave(&self, me: &Account, id: ConversationId) -> std::result::Result<bool, Fault> {
        let for_tx = me.clone();
        let request = self.db.write(move |tx| prepare(tx, &for_tx, id)).await?;
        let Some(request) = request else { return Ok(false) };
        failpoints::hit(failpoints::LEAVE_BEFORE_SEND);
        let answer = self.relay.leave(id, &LeaveRequest { leave: Blob(request) }).await;
        failpoints::hit(failpoints::LEAVE_AFTER_SEND);
        let code = match answer {
            Ok(_) => None,
            Err(Fault::Problem(problem)) => Some(problem),
            Err(fault) => return Err(fault),
        };
        match code {
            None => self.db.write(move |tx| gone(tx, id)).await?,
            // Out already: by another device, or by somebody else.
            Some(problem) if [ErrorCode::REMOVED, ErrorCode::NOT_A_MEMBER].contains(&problem.code) => {
                if !self.comes_back_first(id).await? {
                    self.db.write(move |tx| gone(tx, id)).await?;
                }
            }
            Some(problem) if problem.code == ErrorCode::MANDATORY_MEMBER => {
                self.db
                    .write(move |tx| {
                        policy::learn(tx.conn, &problem.mandatory)?;
                        Ok(departure::forget(tx.conn, id)?)
                    })
                    .await?;
            }
            Some(problem) if problem.code.retryable() || of_account(&problem.code) => {
                return Err(Fault::Problem(problem));
            }
            Some(problem) => {
                // Made for what is no more: a new one is made when the conversation goes on here.
                crate::log::event!(Warn, "leave_refused", conversation = id, code = problem.code.clone());
                self.db
                    .write(move |tx| Ok(departure::set_request(tx.conn, id, None)?))
                    .await?;
                return Err(Fault::Problem(problem));
            }
        }
        self.changed_in(id);
        Ok(true)
    }
}

impl Core {
    /// Whether this device is out because it was silent (6.3): its user is a member still. It comes in again, and leaves then.
    async fn comes_back_first(&self, id: ConversationId) -> std::result::Result<bool, Fault> {
        let state = |row: Option<ConversationRow>| row.map(|row| (row.state, row.frozen_code));
        let before = self.db.read(move |conn| Ok(conversation::get(conn, id)?)).await?;
        let was_active = matches!(state(before), Some((ConversationState::Active, _)));
        if was_active {
            // The log says how it came to be out.
            match self.catch_up(id).await {
                Err(Fault::Problem(problem)) if !problem.code.retryable() && !of_account(&problem.code) => {}
                other => other?,
            }
        }
        let waits = self
            .db
            .write(move |tx| {
                let waits = match state(conversation::get(tx.conn, id)?) {
                    Some((ConversationState::Frozen, code)) => {
                        code.as_deref() == Some(ErrorCode::REJOIN_NEEDED.as_str())
                    }
                    _ => false,
                };
                if waits {
                    departure::set_request(tx.conn, id, None)?;
                }
                Ok(waits)
            })
            .await?;
        if waits && was_active {
            self.outbox_work.notify_one();
        }
        Ok(waits)
    }
}

/// The request to send: the one that was made before, or a new one.
fn prepare(tx: &mut Tx<'_>, me: &Account, id: ConversationId) -> std::result::Result<Option<Vec<u8>>, Fault> {
    let Some(wanted) = departure::get(tx.conn, id)?.filter(|row| !row.gone) else {
        return Ok(None);
    };
    let Some(row) = conversation::get(tx.conn, id)? else {
        return Ok(None);
    };
    if row.state == ConversationState::Removed {
        gone(tx, id)?;
        return Ok(None);
    }
    if let Some(request) = wanted.request {
        return Ok(Some(request));
    }
    let key = row.suite.and_then(|suite| Some((suite, me.key_of(suite)?)));
    let (suite, key) = key.ok_or(Fault::Code(ErrorCode::REJOIN_NEEDED))?;
    let body = LeaveBody::new(
        me.tenant.clone(),
        id,
        row.incarnation,
        me.user,
        me.device,
        suite,
        wanted.intent,
        row.cursor_seq,
    );
    let mut leave = Leave::new(body);
    leave.signature = tx.mls.sign(&tx.kv, Suite(suite.0), key, &leave.signed_bytes())?;
    let bytes = leave.to_bytes();
    departure::set_request(tx.conn, id, Some(&bytes))?;
    Ok(Some(bytes))
}

/// The user is out: keys go, what waits fails, what is here stays readable.
pub(crate) fn gone(tx: &mut Tx<'_>, id: ConversationId) -> std::result::Result<(), Fault> {
    let Some(mut row) = conversation::get(tx.conn, id)? else {
        return Ok(());
    };
    departure::set_gone(tx.conn, id)?;
    if let Some(group) = row.group
        && tx.mls.exists(&tx.kv, group.as_bytes())?
    {
        tx.mls.delete_group(&tx.kv, group.as_bytes())?;
    }
    row.state = ConversationState::Removed;
    row.frozen_code = None;
    row.behind = false;
    conversation::put(tx.conn, &row)?;
    conversation::clear_members(tx.conn, id, row.cursor_seq + 1)?;
    outbox::fail_open(tx.conn, id, ErrorCode::REMOVED.as_str())?;
    purge::forget(tx.conn, id)?;
    receipt::forget(tx.conn, id)?;
    Ok(())
}

/// What looking at a proof came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    Good,
    /// Not proven by what is known of the directory up to the asked version.
    Bad,
    /// This user's envelopes must be fetched first.
    Fetch,
}

/// Whether the relay may ask for the removal of this leaf. Unless `fetched`, what is not proven may be for want of envelopes.
pub(crate) fn pending_proof(
    conn: &Connection,
    me: &Account,
    row: &ConversationRow,
    pending: &PendingRemoval,
    fetched: bool,
) -> std::result::Result<Proof, Fault> {
    let known = account::get(conn)?.map_or(0, |account| account.directory_version);
    let at = pending.version.unwrap_or(0).max(known);
    let proven = match (&pending.reason, &pending.leave) {
        (PendingReason::Left, Some(leave)) => leave_holds(conn, me, row, leave.as_slice(), pending.user, at)?,
        // The relay's clock alone knows. Whom it says it of wrongly loses a leaf, and comes in again; the user stays.
        (PendingReason::Silent, _) => true,
        (PendingReason::Revoked, _) => is_revoked(conn, pending.user, pending.device, at)?,
        _ => false,
    };
    Ok(match (proven, fetched) {
        (true, _) => Proof::Good,
        (false, true) => Proof::Bad,
        (false, false) => Proof::Fetch,
    })
}

/// Whether a user whose leaves a commit removed has left by a request that came with it.
pub(crate) fn left_by(
    conn: &Connection,
    me: &Account,
    row: &ConversationRow,
    entry: &EntryRecord,
    user: UserId,
) -> std::result::Result<bool, Fault> {
    let version = entry.directory_version.unwrap_or(0);
    for leave in &entry.leaves {
        let Ok(read) = Leave::from_bytes(leave.as_slice()) else {
            continue;
        };
        if read.body().user != user {
            continue;
        }
        let judged = JudgedAt::of(conn, version)?;
        if rows::complete_to(conn, user)? < judged.needs {
            return Err(Fault::NeedDirectory {
                users: vec![user],
                version,
            });
        }
        if leave_holds(conn, me, row, leave.as_slice(), user, judged.at)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a request is for this conversation and this membership, signed by a device of the user (2.22).
fn leave_holds(
    conn: &Connection,
    me: &Account,
    row: &ConversationRow,
    bytes: &[u8],
    user: UserId,
    at: u64,
) -> std::result::Result<bool, Fault> {
    let Ok(leave) = Leave::from_bytes(bytes) else {
        return Ok(false);
    };
    let body = leave.body();
    let here = body.tenant == me.tenant && body.conversation == row.id && body.incarnation == row.incarnation;
    if !here || body.user != user {
        return Ok(false);
    }
    // Who was here before this device came has a beginning that is not known here.
    let began = conversation::members(conn, row.id)?
        .into_iter()
        .filter(|member| member.user == user && member.incarnation == row.incarnation && member.removed_seq.is_none())
        .map(|member| member.joined_seq)
        .max();
    if began.is_some_and(|began| began > body.seq && began > row.joined_seq) {
        return Ok(false);
    }
    let owner = rows::last_before(conn, body.device, u64::MAX)?.map(|(user, _)| user);
    if owner != Some(user) {
        return Ok(false);
    }
    let keys = rows::keys_of(conn, body.device, body.suite, at)?;
    Ok(keys.iter().any(|key| leave.verify(key, &verify_suite).is_ok()))
}

/// Whether the directory has revoked the user's device by a version.
fn is_revoked(conn: &Connection, user: UserId, device: DeviceId, at: u64) -> std::result::Result<bool, Fault> {
    let Some((owner, envelope)) = rows::last_before(conn, device, at.saturating_add(1))? else {
        return Ok(false);
    };
    Ok(owner == user && Envelope::from_bytes(&envelope)?.body().action == Action::Revoke)
}

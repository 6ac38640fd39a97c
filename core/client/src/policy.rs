//! The tenant's policy at the client: whom it wants in every conversation (rule 3.4).
//!
//! Stands beside sync, which brings the policy, and the outbox, which makes the commits that it asks for. It is the relay's
//! word, like the suites; what it brings into a conversation shows on the roster like everybody else.

use std::collections::BTreeSet;

use curo_store::repo::account::Account;
use curo_store::repo::conversation::{self, ConversationRow, ConversationState};
use curo_store::repo::outbox::{self, IntentKind, OutboxRow};
use curo_store::repo::{departure, policy, removed};
use curo_types::api::{Duty, DutyRequest, TenantPolicy, limits};
use curo_types::{ConversationId, ErrorCode, IntentId, UserId};
use rusqlite::Connection;

use crate::about::{self, Act};
use crate::core::{Core, now_ms};
use crate::db::Tx;
use crate::error::Fault;
use crate::outbox::queue_person;
use crate::sync::pull::of_account;

/// Who could not be brought in is tried again after so long.
const TRY_AGAIN_MS: u64 = 60 * 60 * 1000;
/// Conversations that are looked at in one pass.
const AT_ONCE: usize = 16;

fn named(users: &[UserId]) -> Result<BTreeSet<UserId>, Fault> {
    if users.len() > limits::MANDATORY_MEMBERS {
        return Err(Fault::BadRelay("more mandatory members than there may be"));
    }
    Ok(users.iter().copied().collect())
}

/// Keeps the policy that the relay has told. True: it has changed.
pub(crate) fn keep(conn: &Connection, told: &TenantPolicy) -> Result<bool, Fault> {
    let (wanted, known) = (named(&told.mandatory)?, policy::mandatory(conn)?);
    // A tenant never takes it back, so a relay that says so, or names a later version, is not believed.
    let tightened = match told.approval_since {
        Some(since) => policy::see_approval_since(conn, since)?,
        None => false,
    };
    let tightened = removed::set_purges(conn, told.purge_removed)? || tightened;
    if wanted == known {
        return Ok(tightened);
    }
    policy::set_mandatory(conn, &wanted)?;
    if !wanted.is_subset(&known) {
        policy::owe_all(conn)?;
    }
    Ok(true)
}

/// The relay has named these when it refused something. True: that was news.
pub(crate) fn learn(conn: &Connection, users: &[UserId]) -> Result<bool, Fault> {
    let (mut all, known) = (named(users)?, policy::mandatory(conn)?);
    all.extend(&known);
    if all == known || all.len() > limits::MANDATORY_MEMBERS {
        return Ok(false);
    }
    policy::set_mandatory(conn, &all)?;
    Ok(true)
}

/// Whether any of these is wanted in every conversation.
pub(crate) fn wants_any(conn: &Connection, users: &[UserId]) -> Result<bool, Fault> {
    let mandatory = policy::mandatory(conn)?;
    Ok(users.iter().any(|user| mandatory.contains(user)))
}

/// Before somebody sends: queues the addition of those who are missing, unless that is on its way or was tried in vain.
pub(crate) fn queue_missing(tx: &Tx<'_>, me: &Account, row: &ConversationRow) -> Result<(), Fault> {
    let lacking = policy::lacking(tx.conn, row.id)?;
    if lacking.is_empty()
        || policy::is_postponed(tx.conn, row.id, now_ms())?
        || !about::rights::may(tx.conn, row, me.user, Act::Add)?
    {
        return Ok(());
    }
    for user in lacking {
        queue_person(tx, row.id, user)?;
    }
    Ok(())
}

/// It came to nothing, for example because the person has no device: messages do not wait for it.
pub(crate) fn try_later(conn: &Connection, id: ConversationId) -> Result<(), Fault> {
    Ok(policy::postpone(conn, id, now_ms().saturating_add(TRY_AGAIN_MS))?)
}

/// Others have removed this device: what it has is purged where the tenant wants that (rule 6.2). Not of a conversation that the
/// user has left.
pub(crate) fn removed_by_others(conn: &Connection, id: ConversationId) -> Result<(), Fault> {
    if removed::purges(conn)? && departure::get(conn, id)?.is_none() {
        removed::purge(conn, id)?;
    }
    Ok(())
}

impl Core {
    /// Keeps the policy of an answer before anything in the answer is judged by it.
    pub(crate) async fn note_policy(&self, told: Option<TenantPolicy>) -> Result<(), Fault> {
        let Some(told) = told else { return Ok(()) };
        let wanted = named(&told.mandatory)?;
        let (since, purges) = (told.approval_since, told.purge_removed);
        let known = self.db.read(move |conn| {
            let asked = policy::approval_since(conn)?;
            let same = since.is_none_or(|since| asked.is_some_and(|asked| asked <= since));
            let same = same && removed::purges(conn)? == purges;
            Ok(same && policy::mandatory(conn)? == wanted)
        });
        if known.await? {
            return Ok(());
        }
        if self.db.write(move |tx| keep(tx.conn, &told)).await? {
            self.outbox_work.notify_one();
            self.changed();
        }
        Ok(())
    }

    /// Looks at conversations in which nothing is sent and somebody may be missing: one member at a time is offered the duty
    /// (rule 3.10).
    pub(crate) async fn owe_members(&self) -> Result<(), Fault> {
        let owed = self.db.read(|conn| Ok(policy::owed(conn, now_ms(), AT_ONCE)?)).await?;
        for id in owed {
            let me = self.account().await?;
            let user = me.user;
            let Some(incarnation) = self.db.write(move |tx| misses(tx.conn, id, user)).await? else {
                continue;
            };
            let request = DutyRequest {
                incarnation,
                duty: Duty::AddDevice,
            };
            let until = match self.relay.duty(id, &request).await {
                Ok(offer) if offer.yours => {
                    self.db
                        .write(move |tx| match conversation::get(tx.conn, id)? {
                            Some(row) => queue_missing(tx, &me, &row),
                            None => Ok(()),
                        })
                        .await?;
                    // By then it is done, or another one's turn.
                    offer.for_ms
                }
                Ok(offer) => offer.for_ms,
                Err(Fault::Problem(problem)) if !problem.code.retryable() && !of_account(&problem.code) => TRY_AGAIN_MS,
                Err(fault) => return Err(fault),
            };
            self.db
                .write(move |tx| {
                    // What waits in the outbox goes on by itself.
                    Ok(policy::postpone(tx.conn, id, now_ms().saturating_add(until))?)
                })
                .await?;
        }
        Ok(())
    }

    /// The relay wants somebody in the conversation who was left out, or does not let somebody go. True: the intent goes on with
    /// them.
    pub(crate) async fn mandatory_refused(&self, intent: Option<IntentId>, users: Vec<UserId>) -> Result<bool, Fault> {
        let Some(intent) = intent else { return Ok(false) };
        self.db
            .write(move |tx| {
                let news = learn(tx.conn, &users)?;
                let row = outbox::get(tx.conn, intent)?;
                match row {
                    Some(row) if news && may_grow(&row) => {
                        crate::outbox::start_again(tx, &row)?;
                        Ok(true)
                    }
                    _ => Ok(false),
                }
            })
            .await
    }
}

fn may_grow(row: &OutboxRow) -> bool {
    matches!(row.kind, IntentKind::Create | IntentKind::Add | IntentKind::Update)
}

/// The incarnation of a conversation in which somebody is missing whom this user may add; otherwise it is not looked at again.
fn misses(conn: &Connection, id: ConversationId, me: UserId) -> Result<Option<u64>, Fault> {
    let row = conversation::get(conn, id)?.filter(|row| row.state == ConversationState::Active);
    match row {
        Some(row) if !policy::lacking(conn, id)?.is_empty() && about::rights::may(conn, &row, me, Act::Add)? => {
            Ok(Some(row.incarnation))
        }
        _ => {
            policy::settled(conn, id)?;
            Ok(None)
        }
    }
}

/// What a call that names people is refused with before it is queued.
pub(crate) fn keeps(conn: &Connection, people: &[UserId]) -> Result<(), Fault> {
    if wants_any(conn, people)? {
        Err(Fault::Code(ErrorCode::MANDATORY_MEMBER))
    } else {
        Ok(())
    }
}

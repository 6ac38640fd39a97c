//! What the roster owes (rules 6.1 and 6.4): leaves that must go before anything else is accepted, and this user's new
//! devices. A duty is an update commit that does more: its row's payload says what.

use std::collections::BTreeSet;

use curo_mls::Leaf;
use curo_store::repo::conversation::{self, ConversationState};
use curo_store::repo::outbox::{self, IntentKind, OutboxRow};
use curo_types::api::{PendingReason, PendingRemoval};
use curo_types::format::{AuthenticatedData, Credential};
use curo_types::{ConversationId, DeviceId, ErrorCode, IntentId, UserId};
use serde::{Deserialize, Serialize};

use super::refused::{discard, waits};
use crate::core::{Core, now_ms};
use crate::db::Tx;
use crate::directory;
use crate::error::Fault;
use crate::leaving::{self, Proof};

/// What an update commit does beside renewing keys.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Duty {
    /// Devices whose leaves go.
    #[serde(default)]
    pub(crate) remove: Vec<DeviceId>,
    /// Devices whose leaves go because they were silent: their users stay (6.3).
    #[serde(default)]
    pub(crate) silent: Vec<DeviceId>,
    /// Devices that come in.
    #[serde(default)]
    pub(crate) add: Vec<(UserId, DeviceId)>,
    /// Who comes in with all devices: the tenant's policy wants them in every conversation (rule 3.4).
    #[serde(default)]
    pub(crate) person: Option<UserId>,
}

impl Duty {
    /// Out of a row's payload; a plain update has none.
    pub(super) fn read(payload: &[u8]) -> Self {
        serde_json::from_slice(payload).unwrap_or_default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.removes() && self.add.is_empty() && self.person.is_none()
    }

    /// Whether leaves go.
    pub(super) fn removes(&self) -> bool {
        !self.remove.is_empty() || !self.silent.is_empty()
    }

    /// A row's payload.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        // Lists of ids: there is nothing in it that could fail.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// The device behind a leaf.
pub(super) fn device_of(leaf: &Leaf) -> Option<DeviceId> {
    Credential::from_bytes(&leaf.identity)
        .ok()
        .map(|credential| credential.device)
}

/// The queued commit that removes leaves which must go.
pub(super) fn queued_removal(tx: &Tx<'_>, id: ConversationId) -> Result<Option<OutboxRow>, Fault> {
    let updates = outbox::queued_updates(tx.conn, id)?;
    let removes = |row: &OutboxRow| Duty::read(&row.payload).removes();
    Ok(updates.into_iter().find(removes))
}

/// Queues the addition of a device to a conversation that this device is in.
pub(crate) fn queue_addition(tx: &Tx<'_>, id: ConversationId, user: UserId, device: DeviceId) -> Result<(), Fault> {
    let duty = Duty {
        add: vec![(user, device)],
        ..Duty::default()
    };
    outbox::add(
        tx.conn,
        IntentId::random(),
        id,
        IntentKind::Update,
        &duty.to_bytes(),
        now_ms(),
    )?;
    Ok(())
}

/// Queues the addition of a user whom the tenant's policy wants, unless that is queued or on its way.
pub(crate) fn queue_person(tx: &Tx<'_>, id: ConversationId, user: UserId) -> Result<(), Fault> {
    let queued = outbox::queued_updates(tx.conn, id)?;
    if queued.iter().any(|row| Duty::read(&row.payload).person == Some(user)) {
        return Ok(());
    }
    let duty = Duty {
        person: Some(user),
        ..Duty::default()
    };
    let intent = IntentId::random();
    let (position, _) = outbox::add(tx.conn, intent, id, IntentKind::Update, &duty.to_bytes(), now_ms())?;
    Ok(outbox::set_system(tx.conn, position)?)
}

impl Core {
    /// The relay takes nothing before these leaves are gone: a commit that removes them comes first, if each proves itself.
    pub(super) async fn removal_pending(
        &self,
        id: ConversationId,
        intent: Option<IntentId>,
        pending: Vec<PendingRemoval>,
    ) -> Result<(), Fault> {
        let me = self.account().await?;
        let mut fetched = false;
        loop {
            let (for_tx, asked) = (me.clone(), pending.clone());
            let job = self.db.write(move |tx| queue(tx, &for_tx, id, intent, &asked, fetched));
            match job.await {
                Err(Fault::NeedDirectory { users, version }) if !fetched => {
                    directory::fetch(&self.db, &self.relay, users, version).await?;
                    fetched = true;
                }
                // A relay that says one thing and then another, again and again, keeps nobody busy.
                Ok(Queued::SilentNoMore) => return Err(Fault::Code(ErrorCode::REMOVAL_PENDING)),
                Ok(Queued::Nothing) => {
                    // None of them is here: their removal is in the log.
                    return self.catch_up(id).await;
                }
                other => return other.map(drop),
            }
        }
    }
}

/// What came of looking at leaves that must go.
enum Queued {
    /// The commit is queued, or the conversation takes none.
    Good,
    /// There is nothing for it to do in the group as it is here.
    Nothing,
    /// The relay has refused the commit that it had asked for: a device that was silent is back. What is left to do is queued.
    SilentNoMore,
}

/// Queues the commit.
fn queue(
    tx: &mut Tx<'_>,
    me: &curo_store::repo::account::Account,
    id: ConversationId,
    intent: Option<IntentId>,
    pending: &[PendingRemoval],
    fetched: bool,
) -> Result<Queued, Fault> {
    let Some(conv) = conversation::get(tx.conn, id)?.filter(|conv| conv.state == ConversationState::Active) else {
        return Ok(Queued::Good);
    };
    let Some(group) = conv.group else {
        return Ok(Queued::Good);
    };
    let mut fetch = Vec::new();
    for one in pending {
        match leaving::pending_proof(tx.conn, me, &conv, one, fetched)? {
            Proof::Good => {}
            Proof::Bad => return Err(Fault::BadRelay("a removal that nobody has asked for")),
            Proof::Fetch => fetch.push(one.user),
        }
    }
    if !fetch.is_empty() {
        let version = pending.iter().filter_map(|one| one.version).max().unwrap_or(0);
        return Err(Fault::NeedDirectory { users: fetch, version });
    }
    let leaves = tx.mls.members(&tx.kv, group.as_bytes())?;
    let here: BTreeSet<DeviceId> = leaves.iter().filter_map(device_of).collect();
    let wanted = |silent: bool| -> BTreeSet<DeviceId> {
        let some = pending
            .iter()
            .filter(|one| (one.reason == PendingReason::Silent) == silent);
        let some = some.map(|one| one.device);
        some.filter(|device| here.contains(device) && *device != me.device)
            .collect()
    };
    let (remove, mut silent) = (wanted(false), wanted(true));
    while silent.len() > AuthenticatedData::NAMED_LIMIT {
        silent.pop_last();
    }
    let row = intent.map(|intent| outbox::get(tx.conn, intent)).transpose()?.flatten();
    let refused = row.filter(|row| row.kind != IntentKind::Message && waits(row));
    let duty = refused.as_ref().map(|row| Duty::read(&row.payload)).unwrap_or_default();
    let was_silent = !duty.silent.is_empty();
    let nothing = remove.is_empty() && silent.is_empty();
    if nothing && !was_silent {
        return Ok(Queued::Nothing);
    }
    // A commit that was refused goes back to its intent; messages do when the commit takes effect.
    if let Some(row) = refused {
        discard(tx, &row)?;
        if !duty.removes() {
            outbox::requeue(tx.conn, row.position, true)?;
        } else {
            // It was this duty, and somebody else has gone since, or who was silent has come back.
            outbox::done(tx.conn, row.position, None)?;
        }
    }
    if nothing {
        return Ok(Queued::SilentNoMore);
    }
    let duty = Duty {
        remove: remove.into_iter().collect(),
        silent: silent.into_iter().collect(),
        ..Duty::default()
    };
    if let Some(row) = queued_removal(tx, id)? {
        outbox::done(tx.conn, row.position, None)?;
    }
    outbox::add(
        tx.conn,
        IntentId::random(),
        id,
        IntentKind::Update,
        &duty.to_bytes(),
        now_ms(),
    )?;
    Ok(if was_silent { Queued::SilentNoMore } else { Queued::Good })
}

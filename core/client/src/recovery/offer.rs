//! Offering the relay what it has lost: entries as it served them, under a tip that it has signed.

use curo_store::repo::conversation::ConversationRow;
use curo_store::repo::kept;
use curo_types::api::{ReplayRequest, ReplayStart, limits};
use curo_types::format::{EntryKind, SignedTip};
use curo_types::{Blob, Digest, ErrorCode};

use crate::core::Core;
use crate::db::Tx;
use crate::error::Fault;
use crate::failpoints;
use crate::sync::pull::of_account;

/// Bytes of bodies in one offer: in base64 and with all else below what a request may have.
const OFFER_BYTES: usize = 5 * 1024 * 1024;

/// What became of an offer.
pub(super) enum Offered {
    /// The relay has it now, or had it.
    Taken,
    /// There is nothing to offer that would follow.
    Nothing,
    /// The relay's log goes on otherwise.
    Parted,
    /// Something else is the matter.
    Ladder,
}

impl Core {
    /// Offers what follows the relay's tip, or the whole conversation if it has none.
    pub(super) async fn offer(&self, row: &ConversationRow, tip: Option<&SignedTip>) -> Result<Offered, Fault> {
        let (conv, tip) = (row.clone(), tip.cloned());
        let request = self.db.write(move |tx| make(tx, &conv, tip.as_ref())).await?;
        let Some(request) = request else {
            return Ok(Offered::Nothing);
        };
        let me = self.account().await?;
        if let Some(first) = request.entries.first()
            && first.expected_hash(&me.tenant, row.id, request.after_h) != first.h
        {
            return Ok(Offered::Parted);
        }
        failpoints::hit(failpoints::REPLAY_BEFORE_SEND);
        let answer = self.relay.replay(row.id, &request).await;
        failpoints::hit(failpoints::REPLAY_AFTER_SEND);
        match answer {
            Ok(answer) => {
                crate::log::event!(Info, "replayed", conversation = row.id, entries = answer.appended);
                Ok(Offered::Taken)
            }
            Err(Fault::Problem(problem)) => {
                let code = problem.code.clone();
                crate::log::event!(Warn, "replay_refused", conversation = row.id, code = code.clone());
                match code {
                    code if code == ErrorCode::LOG_DIVERGED => Ok(Offered::Parted),
                    code if code.retryable() || of_account(&code) => Err(Fault::Problem(problem)),
                    code if code == ErrorCode::INCARNATION_CHANGED || code == ErrorCode::INCARNATION_OVER => {
                        Ok(Offered::Ladder)
                    }
                    _ => Ok(Offered::Nothing),
                }
            }
            Err(fault) => Err(fault),
        }
    }
}

/// The next offer: as many kept entries as fit, up to one of which there is a signed tip.
fn make(tx: &mut Tx<'_>, row: &ConversationRow, tip: Option<&SignedTip>) -> Result<Option<ReplayRequest>, Fault> {
    let (id, incarnation) = (row.id, row.incarnation);
    let (after, after_h) = tip.map_or((0, Digest::ZERO), |tip| (tip.seq, tip.h));
    let start = match tip {
        Some(_) => None,
        None => match kept::start(tx.conn, id, incarnation)? {
            Some(bytes) => serde_json::from_slice::<ReplayStart>(&bytes).ok(),
            None => return Ok(None),
        },
    };
    let mut entries = kept::run(tx.conn, id, incarnation, after, limits::REPLAY_ENTRIES, OFFER_BYTES)?;
    let Some(last) = entries.last().map(|last| last.seq.min(row.cursor_seq)) else {
        return Ok(None);
    };
    let proven = kept::tip_within(tx.conn, id, incarnation, after, last)?;
    let Some(proven) = proven.and_then(|bytes| serde_json::from_slice::<SignedTip>(&bytes).ok()) else {
        return Ok(None);
    };
    entries.retain(|entry| entry.seq <= proven.seq);
    // The GroupInfo that came with the commit went to the relay alone; this device can make one of its own epoch.
    let opened = entries
        .iter()
        .filter(|entry| entry.kind == EntryKind::Commit)
        .map(|entry| entry.epoch + 1);
    let group_info = match (opened.max(), row.group) {
        (Some(epoch), Some(group)) if epoch == row.epoch => Some(Blob(tx.mls.group_info(&tx.kv, group.as_bytes())?)),
        _ => None,
    };
    Ok(Some(ReplayRequest {
        incarnation,
        after,
        after_h,
        entries,
        tip: proven,
        group_info,
        start,
    }))
}

//! Comparing a conversation's log with the relay's, after the relay was restored.

use std::time::Duration;

use curo_store::repo::account;
use curo_store::repo::conversation::{self, ConversationRow, ConversationState};
use curo_store::repo::kept;
use curo_store::repo::recovery;
use curo_store::repo::renewal::{self, RenewalRow};
use curo_types::api::{EntriesPage, LostLog};
use curo_types::format::SignedTip;
use curo_types::{ConversationId, Digest, ErrorCode, StoreId};
use rusqlite::Connection;

use super::offer::Offered;
use crate::core::Core;
use crate::error::Fault;
use crate::failpoints;
use crate::rejoin::on_the_way;
use crate::renew;
use crate::sync::pull::of_account;
use crate::sync::standing::{check_tip, freeze};

/// Offers of one conversation in one pass.
const MAX_OFFERS: usize = 256;
/// How often a conversation that the relay does not know is looked for: somebody else may bring it back.
const LOOKS: u64 = 6;

/// What a comparison came to.
enum Compared {
    /// The relay has everything up to the cursor.
    InStep,
    /// The relay's log ends before the cursor, at this tip.
    Shorter(SignedTip),
    /// It goes on otherwise somewhere at or before the cursor, or at its own tip.
    Parted(SignedTip),
    /// The relay does not know this device there.
    Unknown,
    /// The ladder has to say (7.4).
    Ladder,
}

impl Core {
    /// Compares each conversation that stands still with `store`, and brings back what the relay has lost of it. Returns what
    /// went wrong, by conversation.
    pub(crate) async fn compare_logs(&self, store: StoreId) -> Result<Vec<(ConversationId, Fault)>, Fault> {
        let code = ErrorCode::STORE_CHANGED;
        let waiting = self
            .db
            .read(move |conn| Ok(curo_store::repo::rejoin::frozen_with(conn, code.as_str())?))
            .await?;
        let mut faults = Vec::new();
        for id in waiting {
            if self.holds.is_held(id) {
                continue;
            }
            let compared = match self.compare_one(id, store).await {
                // What does not verify costs the one conversation its turn.
                Err(Fault::BadRelay(reason)) => {
                    crate::log::event!(Warn, "comparison_stopped", conversation = id, reason = reason);
                    self.look_again(id).await.map(drop)
                }
                other => other,
            };
            if let Err(fault) = compared {
                let ends = of_account(&fault.code());
                faults.push((id, fault));
                if ends {
                    break;
                }
            }
            self.changed_in(id);
        }
        Ok(faults)
    }

    async fn compare_one(&self, id: ConversationId, store: StoreId) -> Result<(), Fault> {
        for _ in 0..MAX_OFFERS {
            let row = self.db.read(move |conn| Ok(conversation::get(conn, id)?)).await?;
            let Some(row) = row.filter(stands_still) else {
                return Ok(());
            };
            match self.look(&row).await? {
                Compared::InStep => return self.goes_on(&row, store).await,
                Compared::Ladder => return self.to_the_ladder(&row, store).await,
                Compared::Parted(tip) => return self.parted(&row, &tip, store).await,
                Compared::Shorter(tip) => match self.offer(&row, Some(&tip)).await? {
                    Offered::Taken => {}
                    Offered::Parted => return self.parted(&row, &tip, store).await,
                    // What is kept does not reach back far enough.
                    Offered::Nothing => return self.lost(&row, tip.seq, tip.h, store).await,
                    Offered::Ladder => return self.to_the_ladder(&row, store).await,
                },
                Compared::Unknown => match self.offer(&row, None).await? {
                    Offered::Taken => {}
                    Offered::Nothing | Offered::Parted => {
                        if self.look_again(id).await? {
                            return self.begin_anew(&row, store).await;
                        }
                        return Ok(());
                    }
                    Offered::Ladder => return self.to_the_ladder(&row, store).await,
                },
            }
        }
        self.look_again(id).await.map(drop)
    }

    /// Asks the relay for its tip and for what follows the cursor.
    async fn look(&self, row: &ConversationRow) -> Result<Compared, Fault> {
        let page = match self.relay.entry_after(row.id, row.incarnation, row.cursor_seq).await {
            Err(Fault::Problem(problem)) if problem.code == ErrorCode::NOT_A_MEMBER => return Ok(Compared::Unknown),
            // Of a member that was removed, or of what is not kept any more, there is nothing to bring back.
            Err(Fault::Problem(problem)) if !problem.code.retryable() && !of_account(&problem.code) => {
                return Ok(Compared::Ladder);
            }
            page => page?,
        };
        let me = self.account().await?;
        check_tip(&me, row.id, &page.tip)?;
        let EntriesPage { entries, tip, .. } = page;
        Ok(if tip.seq < row.cursor_seq {
            Compared::Shorter(tip)
        } else if tip.seq == row.cursor_seq {
            if tip.h == row.cursor_h {
                Compared::InStep
            } else {
                Compared::Parted(tip)
            }
        } else {
            match entries.first() {
                Some(next) if next.seq == row.cursor_seq + 1 => {
                    if next.expected_hash(&me.tenant, row.id, row.cursor_h) == next.h {
                        Compared::InStep
                    } else {
                        Compared::Parted(tip)
                    }
                }
                // It was out for a while there.
                _ => Compared::Ladder,
            }
        })
    }

    /// The conversation goes on where it stood; what it has missed is fetched.
    async fn goes_on(&self, row: &ConversationRow, store: StoreId) -> Result<(), Fault> {
        let (id, incarnation) = (row.id, row.incarnation);
        self.db
            .write(move |tx| {
                let Some(mut row) = settled(tx.conn, id, incarnation, store)? else {
                    return Ok(());
                };
                row.state = ConversationState::Active;
                row.frozen_code = None;
                row.behind = true;
                Ok(conversation::put(tx.conn, &row)?)
            })
            .await?;
        failpoints::hit(failpoints::LOG_COMPARED);
        crate::log::event!(Info, "log_compared", conversation = id);
        self.follow_log(id).await
    }

    async fn to_the_ladder(&self, row: &ConversationRow, store: StoreId) -> Result<(), Fault> {
        let (id, incarnation) = (row.id, row.incarnation);
        self.db
            .write(move |tx| match settled(tx.conn, id, incarnation, store)? {
                Some(mut row) => freeze(tx.conn, &mut row, &ErrorCode::REJOIN_NEEDED),
                None => Ok(()),
            })
            .await
    }

    /// Another look comes later. True: there were enough.
    async fn look_again(&self, id: ConversationId) -> Result<bool, Fault> {
        let tries = self
            .db
            .write(move |tx| Ok(recovery::one_more_try(tx.conn, id)?))
            .await?;
        let shift = u32::try_from(tries.min(8)).unwrap_or(8);
        self.holds.hold(
            id,
            self.retry
                .min
                .saturating_mul(1 << shift)
                .min(self.retry.max.max(Duration::from_millis(1))),
        );
        Ok(tries > LOOKS)
    }

    /// The logs have parted. Finds the last entry that both have, among what is kept.
    async fn parted(&self, row: &ConversationRow, tip: &SignedTip, store: StoreId) -> Result<(), Fault> {
        let (id, incarnation) = (row.id, row.incarnation);
        let newest = row.cursor_seq.min(tip.seq);
        let first = self
            .db
            .read(move |conn| Ok(kept::first_before(conn, id, incarnation, newest)?))
            .await?;
        let Some(first) = first else {
            return self.to_the_ladder(row, store).await;
        };
        // Both have `low`, or it is before what is kept; they differ at `high`.
        let (mut low, mut high) = (first - 1, newest);
        while low + 1 < high {
            let middle = low + (high - low) / 2;
            let here = self
                .db
                .read(move |conn| Ok(kept::hash_at(conn, id, incarnation, middle)?))
                .await?;
            if self.hash_there(row, middle).await? == here {
                low = middle;
            } else {
                high = middle;
            }
        }
        let h = self.hash_there(row, low).await?;
        let follows = self
            .db
            .read(move |conn| Ok(kept::run(conn, id, incarnation, low, 1, 0)?.into_iter().next()))
            .await?;
        let me = self.account().await?;
        match (h, follows) {
            (Some(h), Some(next)) if next.expected_hash(&me.tenant, id, h) == next.h => {
                self.lost(row, low, h, store).await
            }
            // They have parted before what is kept.
            _ => self.to_the_ladder(row, store).await,
        }
    }

    /// The hash that the relay has at an entry.
    async fn hash_there(&self, row: &ConversationRow, seq: u64) -> Result<Option<Digest>, Fault> {
        if seq == 0 {
            return Ok(Some(Digest::ZERO));
        }
        let page = self.relay.entry_after(row.id, row.incarnation, seq - 1).await?;
        check_tip(&self.account().await?, row.id, &page.tip)?;
        if page.tip.seq == seq {
            return Ok(Some(page.tip.h));
        }
        let entry = page.entries.into_iter().find(|entry| entry.seq == seq);
        Ok(entry.map(|entry| entry.h))
    }

    /// What followed `stands` is lost at the relay for good: the conversation goes on in its next incarnation, on this
    /// device's proof, and authors send again what they have (7.3).
    async fn lost(&self, row: &ConversationRow, stands: u64, stands_h: Digest, store: StoreId) -> Result<(), Fault> {
        let (id, incarnation, cursor) = (row.id, row.incarnation, row.cursor_seq);
        let tip = self
            .db
            .read(move |conn| Ok(kept::tip_within(conn, id, incarnation, stands, cursor)?))
            .await?;
        let tip = tip.and_then(|bytes| serde_json::from_slice::<SignedTip>(&bytes).ok());
        let Some(tip) = tip.filter(|_| row.joined_seq <= stands) else {
            // Somebody else has to prove it: this one came later.
            return self.to_the_ladder(row, store).await;
        };
        let proof = LostLog { tip, stands, stands_h };
        self.db
            .write(move |tx| {
                let bytes = serde_json::to_vec(&proof).map_err(|_| Fault::Code(ErrorCode::INVALID_ARGUMENT))?;
                let Some(mut row) = settled(tx.conn, id, incarnation, store)? else {
                    return Ok(());
                };
                recovery::put_lost(tx.conn, id, incarnation, &bytes)?;
                let over = RenewalRow {
                    conversation: id,
                    incarnation,
                    commit: None,
                    over: true,
                };
                renewal::put(tx.conn, &over)?;
                on_the_way(tx.conn, id)?;
                freeze(tx.conn, &mut row, &ErrorCode::REJOIN_NEEDED)
            })
            .await?;
        failpoints::hit(failpoints::LOSS_PROVEN);
        crate::log::event!(Warn, "log_lost", conversation = id, stands = stands);
        Ok(())
    }

    /// The relay does not know the conversation, and nobody has brought it back: it goes on in its next incarnation.
    async fn begin_anew(&self, row: &ConversationRow, store: StoreId) -> Result<(), Fault> {
        let (id, incarnation, cursor) = (row.id, row.incarnation, row.cursor_seq);
        let tip = self
            .db
            .read(move |conn| Ok(kept::tip_within(conn, id, incarnation, 0, cursor)?))
            .await?;
        let tip = tip.and_then(|bytes| serde_json::from_slice::<SignedTip>(&bytes).ok());
        let Some(tip) = tip else {
            return self.to_the_ladder(row, store).await;
        };
        let proof = LostLog {
            tip,
            stands: 0,
            stands_h: Digest::ZERO,
        };
        let me = self.account().await?;
        self.db
            .write(move |tx| {
                let bytes = serde_json::to_vec(&proof).map_err(|_| Fault::Code(ErrorCode::INVALID_ARGUMENT))?;
                if settled(tx.conn, id, incarnation, store)?.is_none() {
                    return Ok(());
                }
                recovery::put_lost(tx.conn, id, incarnation, &bytes)?;
                renew::begin_without_relay(tx, &me, id, incarnation)
            })
            .await?;
        failpoints::hit(failpoints::LOSS_PROVEN);
        crate::log::event!(Warn, "conversation_lost", conversation = id);
        Ok(())
    }
}

fn stands_still(row: &ConversationRow) -> bool {
    row.state == ConversationState::Frozen && row.frozen_code.as_deref() == Some(ErrorCode::STORE_CHANGED.as_str())
}

/// The comparison has come to something. `None`: not any more. While the relay was asked a Welcome may have brought the device
/// into the next incarnation, which another member was quicker to open; or the relay was restored once more, and what follows
/// from its answers is not true of what it has now.
fn settled(
    conn: &Connection,
    id: ConversationId,
    incarnation: u64,
    store: StoreId,
) -> Result<Option<ConversationRow>, Fault> {
    if account::get(conn)?.is_none_or(|me| me.relay_store != store) {
        return Ok(None);
    }
    recovery::compared(conn, id)?;
    let row = conversation::get(conn, id)?;
    Ok(row.filter(|row| row.incarnation == incarnation && stands_still(row)))
}

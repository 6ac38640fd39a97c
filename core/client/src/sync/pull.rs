//! Asking the relay for what is new and putting it in order (rule 5.1).

use curo_store::repo::account::{self, Account};
use curo_store::repo::{conversation, leaf};
use curo_types::api::{
    ConversationNews, CursorReport, InboxRecord, KeyPackageStock, MemberCursor, SyncAnswer, SyncRequest, limits,
};
use curo_types::{ConversationId, ErrorCode};
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use super::apply::Outcome;
use super::standing::{at_tip, check_tip, keep_tip};
use crate::core::Core;
use crate::error::Fault;
use crate::{failpoints, key_packages, recovery};

/// Answers of one pass: so many that no real account meets it, so that a relay that never ends cannot keep us busy.
const MAX_ANSWERS: usize = 100_000;

impl Core {
    /// Catches up: asks, applies, reports cursors, until the relay has nothing more.
    pub(crate) async fn pull(&self) -> Result<(), Fault> {
        let store = self.fresh_account().await?.relay_store;
        match self.pull_once().await {
            // Perhaps the relay was restored (rule 7.2).
            Err(fault) if recovery::may_be_restored(&fault.code()) => {
                self.recover(fault, store).await?;
                self.pull_once().await
            }
            pulled => pulled,
        }
    }

    async fn pull_once(&self) -> Result<(), Fault> {
        let _one_at_a_time = self.sync_lock.lock().await;
        self.settle_store(&self.fresh_account().await?).await?;
        self.take_later_inbox().await?;
        self.catch_up_behind().await?;
        for _ in 0..MAX_ANSWERS {
            let me = self.fresh_account().await?;
            let cursors = self.unreported().await?;
            let request = SyncRequest {
                token: me.sync_token.clone(),
                inbox_ack: me.inbox_ack,
                cursors: cursors.clone(),
            };
            let answer = self.relay.sync(&request).await?;
            failpoints::hit(failpoints::CURSORS_REPORTED);
            self.reported(cursors).await?;
            let more = answer.more;
            let nothing = answer.conversations.is_empty()
                && answer.inbox.is_empty()
                && answer.cursors.is_empty()
                && answer.receipts.is_empty();
            let stays = Some(&answer.token) == me.sync_token.as_ref();
            let (stocks, suites) = (answer.key_packages.clone(), answer.suites.clone());
            self.note_policy(answer.policy.as_deref().cloned()).await?;
            let taken = self.take(&me, answer, true).await;
            // Only now: what has just been applied may be the sign that this device was rolled back (rule 7.1).
            if !more || taken.is_err() {
                self.answered.store(true, Ordering::Release);
            }
            taken?;
            self.keep_suites(&me, suites).await?;
            let me = self.fresh_account().await?;
            key_packages::refill(&self.db, &self.relay, &me, complete(&me, stocks)).await?;
            let me = self.fresh_account().await?;
            if more && (nothing || (stays && me.inbox_ack == request.inbox_ack)) {
                return Err(Fault::BadRelay("more of nothing"));
            }
            if !more && self.unreported().await?.is_empty() && me.inbox_ack == request.inbox_ack {
                self.drained.store(true, Ordering::Release);
                self.recoveries.store(0, Ordering::Release);
                return Ok(());
            }
        }
        Err(Fault::BadRelay("endless news"))
    }

    /// Applies one answer or stream event: cursors, receipts, inbox, conversations, then the token.
    pub(crate) async fn take(&self, me: &Account, answer: SyncAnswer, store_token: bool) -> Result<(), Fault> {
        failpoints::hit(failpoints::SYNC_RECEIVED);
        if answer.store != me.relay_store {
            return Err(Fault::Code(ErrorCode::STORE_CHANGED));
        }
        self.see_cursors(me, answer.cursors).await?;
        let slots: BTreeSet<_> = answer.receipts.iter().map(|slot| slot.conversation).collect();
        self.take_receipts(me, answer.receipts).await?;
        let inbox = match self.take_inboxes(me, answer.inbox).await {
            // It is asked for again, because it is not acknowledged. The conversations do not wait for it.
            Err(Fault::BadRelay(reason)) => Err(Fault::BadRelay(reason)),
            taken => Ok(taken?),
        };
        // A join may have brought conversations that are behind.
        self.catch_up_behind().await?;
        for news in answer.conversations {
            let id = news.conversation;
            match self
                .take_news(me, news, answer.more, store_token && inbox.is_ok())
                .await
            {
                // What does not verify costs the one conversation its news, not the account.
                Err(Fault::BadRelay(reason)) => {
                    crate::log::event!(Warn, "news_refused", conversation = id, reason = reason);
                    self.mark_behind(id).await?;
                }
                other => other?,
            }
        }
        inbox?;
        self.drop_future_receipts(slots).await?;
        if store_token {
            let token = answer.token;
            self.db
                .write(move |tx| Ok(account::set_sync_token(tx.conn, &token)?))
                .await?;
            failpoints::hit(failpoints::TOKEN_STORED);
        }
        Ok(())
    }

    async fn take_inboxes(&self, me: &Account, inbox: Vec<InboxRecord>) -> Result<(), Fault> {
        let mut ack = me.inbox_ack;
        for record in inbox {
            if record.index > ack {
                ack = record.index;
                self.take_inbox(record).await?;
            }
        }
        Ok(())
    }

    /// `complete`: whatever Welcomes there are have been taken.
    async fn take_news(&self, me: &Account, news: ConversationNews, more: bool, complete: bool) -> Result<(), Fault> {
        let (id, tip, last) = (news.conversation, news.tip, news.last);
        check_tip(me, id, &tip)?;
        if let Some(last) = &last {
            check_tip(me, id, last)?;
        }
        let live = self.db.read(move |conn| Ok(conversation::get(conn, id)?)).await?;
        let Some(live) = live else {
            return if complete {
                self.found(id, tip.incarnation).await
            } else {
                Ok(())
            };
        };
        if live.incarnation != tip.incarnation {
            // Of one that was left there is nothing new to know; into a later one leads a Welcome, or a way from outside.
            return Ok(());
        }
        match self.apply(id, news.entries).await? {
            Outcome::Applied => {
                let at_tip = self
                    .db
                    .write(move |tx| {
                        if let Some(last) = &last {
                            keep_tip(tx.conn, id, last)?;
                        }
                        at_tip(tx.conn, id, &tip)
                    })
                    .await?;
                self.changed_in(id);
                // A cut answer goes on with the next one; another one has left something out.
                if at_tip || more {
                    Ok(())
                } else {
                    self.follow_log(id).await
                }
            }
            Outcome::Gap => self.follow_log(id).await,
            Outcome::NotLive => Ok(()),
        }
    }

    /// Catches up. Not a member any more, or never was: the one conversation stops, the account goes on.
    pub(crate) async fn follow_log(&self, id: ConversationId) -> Result<(), Fault> {
        match self.catch_up(id).await {
            Err(Fault::Problem(problem)) if !problem.code.retryable() && !of_account(&problem.code) => {
                self.freeze(id, ErrorCode::REJOIN_NEEDED).await
            }
            other => other,
        }
    }

    /// Whether a conversation waits for entries that could not be had.
    pub(crate) async fn is_behind(&self) -> Result<bool, Fault> {
        self.db.read(|conn| Ok(!conversation::behind(conn)?.is_empty())).await
    }

    async fn catch_up_behind(&self) -> Result<(), Fault> {
        for id in self.db.read(|conn| Ok(conversation::behind(conn)?)).await? {
            match self.follow_log(id).await {
                // Tried again with the next pass.
                Ok(()) | Err(Fault::BadRelay(_)) => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }

    /// The account as the store has it now: token and inbox index move with every pass.
    pub(crate) async fn fresh_account(&self) -> Result<Account, Fault> {
        let account = self.db.read(|conn| Ok(account::get(conn)?)).await?;
        account
            .filter(|account| account.registered.is_some())
            .ok_or(Fault::Code(ErrorCode::SIGN_IN_NEEDED))
    }

    pub(crate) async fn unreported(&self) -> Result<Vec<CursorReport>, Fault> {
        self.db
            .read(|conn| {
                let rows = conversation::unreported(conn, limits::CURSORS_PER_REQUEST)?;
                Ok(rows
                    .into_iter()
                    .map(|row| CursorReport {
                        conversation: row.id,
                        incarnation: row.incarnation,
                        seq: row.cursor_seq,
                    })
                    .collect())
            })
            .await
    }

    async fn reported(&self, cursors: Vec<CursorReport>) -> Result<(), Fault> {
        if cursors.is_empty() {
            return Ok(());
        }
        self.db
            .write(move |tx| {
                cursors
                    .iter()
                    .try_for_each(|c| conversation::set_reported(tx.conn, c.conversation, c.incarnation, c.seq))?;
                Ok(())
            })
            .await
    }

    async fn see_cursors(&self, me: &Account, cursors: Vec<MemberCursor>) -> Result<(), Fault> {
        let own = me.device;
        let cursors: Vec<_> = cursors.into_iter().filter(|cursor| cursor.device != own).collect();
        if cursors.is_empty() {
            return Ok(());
        }
        let touched = self
            .db
            .write(move |tx| {
                let mut touched = BTreeSet::new();
                for c in cursors {
                    // The relay's word alone: it could claim deliveries that never were. Reads it cannot claim (rule 8.3).
                    if let Some(row) = conversation::get(tx.conn, c.conversation)?
                        && row.incarnation >= c.incarnation
                    {
                        // Of an incarnation that was left all is known that ever will be.
                        let here = if row.incarnation == c.incarnation {
                            row.cursor_seq
                        } else {
                            u64::MAX
                        };
                        if leaf::see_cursor(tx.conn, row.id, c.incarnation, c.device, c.seq, here)? {
                            touched.insert(row.id);
                        }
                    }
                }
                Ok(touched)
            })
            .await?;
        for id in touched {
            self.changed_in(id);
        }
        Ok(())
    }
}

/// The stock, with that of a key which is so new that the answer does not know it.
fn complete(me: &Account, mut stocks: Vec<KeyPackageStock>) -> Vec<KeyPackageStock> {
    // A stream's event without a stock says nothing about it.
    if stocks.is_empty() {
        return stocks;
    }
    for key in &me.keys {
        if !stocks.iter().any(|stock| stock.suite == key.suite) {
            stocks.push(KeyPackageStock {
                suite: key.suite,
                one_time: 0,
                last_resort: false,
            });
        }
    }
    stocks
}

/// Refusals that are not about one conversation.
pub(crate) fn of_account(code: &ErrorCode) -> bool {
    [
        ErrorCode::DEVICE_REVOKED,
        ErrorCode::UNKNOWN_DEVICE,
        ErrorCode::STORE_CHANGED,
        ErrorCode::UPDATE_REQUIRED,
    ]
    .contains(code)
}

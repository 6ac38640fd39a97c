//! Going over the conversations that have something to send.

use std::sync::Arc;

use curo_store::repo::outbox;
use curo_types::{ConversationId, ErrorCode};
use futures_util::StreamExt as _;

use super::commits;
use super::prepare::{self, Step};
use crate::core::Core;
use crate::directory;
use crate::error::Fault;
use crate::failpoints;
use crate::sync::pull::of_account;

/// Conversations served at the same time.
const PARALLEL: usize = 4;
/// Steps of one conversation in one pass: far more than an honest relay needs, so that a dishonest one cannot keep us busy.
const MAX_STEPS: usize = 10_000;
/// Requests for one intent in one pass: more than racing members cost, few enough that a relay that refuses for ever is
/// asked with pauses, and uses up few KeyPackages of others.
const MAX_TRIES: usize = 64;

impl Core {
    /// Sends what can be sent. The first error that waiting may cure is returned when all conversations had their turn.
    pub(crate) async fn flush(self: &Arc<Self>) -> Result<(), Fault> {
        let _one_at_a_time = self.outbox_lock.lock().await;
        // Before the look at the answer: a store that is taken later has not answered (7.2).
        let store = self.fresh_account().await?.relay_store;
        if !self.relay_has_answered() {
            return Ok(());
        }
        // What cannot go on as it is comes first: in another incarnation (rules 3.9, 7.3), or from outside (7.4). After a rollback
        // nothing else is sent meanwhile (7.1).
        // A restored relay has its logs back before anything is added to them (7.2).
        let mut faults = self.compare_logs(store).await?;
        faults.extend(self.renew().await?);
        let stopped: Vec<_> = faults.iter().map(|(id, _)| *id).collect();
        faults.extend(self.climb().await?);
        self.owe_members().await?;
        let mut conversations = self.db.read(|conn| Ok(outbox::conversations_with_work(conn)?)).await?;
        if self.mends_rollback().await? {
            conversations.clear();
        }
        let free = conversations
            .into_iter()
            .filter(|id| !stopped.contains(id) && !self.holds.is_held(*id));
        let flushed: Vec<_> = futures_util::stream::iter(free)
            .map(|id| {
                let core = Arc::clone(self);
                async move { core.flush_conversation(id).await.map_err(|fault| (id, fault)) }
            })
            .buffer_unordered(PARALLEL)
            .filter_map(|flushed| std::future::ready(flushed.err()))
            .collect()
            .await;
        faults.extend(flushed);
        for (id, fault) in &faults {
            if let Some(wait) = fault.retry_after() {
                self.holds.hold(*id, wait);
            }
            if of_account(&fault.code()) {
                self.account_refused.send_replace(Some((fault.code(), store)));
            }
        }
        let curable = faults.iter().position(|(_, fault)| fault.retryable()).unwrap_or(0);
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults.swap_remove(curable).1)
        }
    }

    async fn flush_conversation(&self, id: ConversationId) -> Result<(), Fault> {
        if self.send_leave(&self.account().await?, id).await? {
            return Ok(());
        }
        let (mut claimed, mut caught_up) = (None, false);
        let mut same = (None, 0);
        for _ in 0..MAX_STEPS {
            let me = self.account().await?;
            let (for_tx, claim) = (me.clone(), claimed.take());
            let kept = claim.clone();
            let step = match self.db.write(move |tx| prepare::next(tx, &for_tx, id, claim)).await {
                Err(Fault::Entry { seq: position, code }) => {
                    self.fail_row(position, code).await?;
                    continue;
                }
                // The group's own state refuses to encrypt or to read itself.
                Err(Fault::Mls(error)) if !error.retryable() => {
                    return self.freeze_group(id).await;
                }
                other => other?,
            };
            if matches!(step, Step::CatchUp) && caught_up {
                return Err(Fault::BadRelay("an accepted commit is not in the log"));
            }
            caught_up = matches!(step, Step::CatchUp);
            if let Some(intent) = step.asks_for() {
                same = (Some(intent), if same.0 == Some(intent) { same.1 + 1 } else { 1 });
                if same.1 > MAX_TRIES {
                    return Err(Fault::BadRelay("the same refusal again and again"));
                }
            }
            match step {
                Step::Idle => return Ok(()),
                Step::Again => self.changed_in(id),
                Step::CatchUp => {
                    self.catch_up(id).await?;
                }
                Step::Claim { intent, request } => {
                    failpoints::hit(failpoints::CLAIM_BEFORE_SEND);
                    let answer = self.relay.claim_key_packages(&request).await;
                    failpoints::hit(failpoints::CLAIM_AFTER_SEND);
                    match answer {
                        Err(Fault::Problem(problem)) => self.refused(id, Some(intent), *problem).await?,
                        answer => claimed = Some((intent, answer?)),
                    }
                }
                Step::Directory { users, version } => {
                    directory::fetch(&self.db, &self.relay, users, version).await?;
                    claimed = kept;
                }
                Step::Messages { incarnation, messages } => {
                    self.send_messages(&me, id, incarnation, messages).await?;
                }
                Step::Commit { row } => self.send_commit(id, *row).await?,
            }
        }
        Err(Fault::Code(ErrorCode::BAD_RELAY))
    }

    /// Ends an intent whose preparation can never succeed. What the attempt wrote is rolled back.
    async fn fail_row(&self, position: u64, code: ErrorCode) -> Result<(), Fault> {
        self.db
            .write(move |tx| match outbox::at(tx.conn, position)? {
                Some(row) => commits::fail(tx, &row, &code).map(drop),
                None => Ok(()),
            })
            .await?;
        self.changed();
        Ok(())
    }
}

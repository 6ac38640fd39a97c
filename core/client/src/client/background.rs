//! Work without a person in front: a pass with a deadline, also while the client is locked.

use std::sync::Arc;
use std::time::Duration;

use curo_store::VaultMode;
use curo_store::repo::{account, arrivals, outbox};
use curo_types::{ConversationId, ErrorCode};
use tokio::time::{Instant, timeout_at};

use super::Client;
use super::tasks::one_pass;
use crate::core::Core;
use crate::db::Db;
use crate::detached::detached;
use crate::error::{Fault, Result};

/// Of the deadline this much is kept for closing the store.
const CLOSING: Duration = Duration::from_millis(500);

/// What a pass without a person has done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackgroundOutcome {
    /// Whether it came to its end; otherwise the deadline, a lost connection or a person who unlocked cut it off, and the
    /// next pass goes on from there.
    pub complete: bool,
    /// Why it was cut off, where it was not the deadline or a person.
    pub code: Option<ErrorCode>,
    /// Messages of others that arrived.
    pub new_messages: u64,
    /// In which conversations they are. Ids are random and say nothing of people or content.
    pub conversations: Vec<ConversationId>,
    /// Messages and intents that still wait to be sent.
    pub waiting: u64,
}

/// What a push has led to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PushOutcome {
    /// It is for another profile of this installation ([`Client::accounts`] says which), or for one that is gone. Nothing was
    /// fetched.
    NotMine,
    /// What was fetched. Show a text that says nothing of it while the client is locked.
    Fetched(BackgroundOutcome),
}

impl Client {
    /// One pass for a background task: fetches what is new, sends what waits, until all is done or the deadline comes.
    /// Returns in time; what was done until then stays done, and nothing is lost by being cut off.
    ///
    /// Works while locked or suspended, if the vault allows it ([`VaultMode::Background`]): the store is opened apart from
    /// this client, so that none of its handles shows anything, and closed again before this returns. A person who unlocks
    /// meanwhile does not wait for it.
    ///
    /// ```no_run
    /// # async fn example(client: &curo::Client) -> curo::Result<()> {
    /// // From BGAppRefreshTask, WorkManager or JobScheduler.
    /// let outcome = client.run_background(std::time::Duration::from_secs(20)).await?;
    /// if outcome.new_messages > 0 { /* a notification without content */ }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `locked` (the vault wants the person; show how much is unsent), `sign_in_needed` (before the first sign-in, and once
    /// the session is over: nothing is done in the name of a person whose session has ended), `busy` (another process has
    /// the store, and will do the work), `closed`, and the vault's.
    pub async fn run_background(&self, deadline: Duration) -> Result<BackgroundOutcome> {
        let client = self.clone();
        let until = Instant::now() + deadline;
        detached(async move { Ok(client.background(until).await?) }).await
    }

    /// As [`Client::run_background`], for a push that bears `token` ([`Client::register_push`]).
    ///
    /// # Errors
    /// As [`Client::run_background`].
    pub async fn handle_push(&self, token: &str, deadline: Duration) -> Result<PushOutcome> {
        if !self.home.is_push_token(token) {
            return Ok(PushOutcome::NotMine);
        }
        self.run_background(deadline).await.map(PushOutcome::Fetched)
    }

    async fn background(&self, until: Instant) -> std::result::Result<BackgroundOutcome, Fault> {
        if let Some(code) = self.core.observe.ended() {
            return Err(Fault::Code(code));
        }
        if self.home.guard.is_over() {
            return Err(Fault::Code(ErrorCode::SIGN_IN_NEEDED));
        }
        let account = self.core.account().await?;
        if !self.is_locked() && self.home.guard.due().is_none() {
            return pass(&self.core, &account, until, std::future::pending(), true).await;
        }
        if self.home.vault.mode() == VaultMode::UserPresence {
            return Err(Fault::Code(ErrorCode::LOCKED));
        }
        let Ok(opened) = timeout_at(until, self.home.open_aside()).await else {
            return Err(Fault::Code(ErrorCode::BUSY));
        };
        let (store, turn) = opened?;
        let core = Arc::new(Core::new(
            Db::new(store),
            Arc::clone(&self.core.relay),
            Some(account.clone()),
            self.retry,
        ));
        let until = until.checked_sub(CLOSING).unwrap_or(until);
        let outcome = pass(&core, &account, until, turn.interrupted.cancelled(), false).await;
        // Closed before the turn ends, or the person would meet a busy store.
        let _ = core.db.store().suspend().await;
        core.db.forget_groups();
        drop(turn);
        outcome
    }
}

/// Fetches and sends once, until the deadline or until `interrupted`.
async fn pass(
    core: &Arc<Core>,
    account: &account::Account,
    until: Instant,
    interrupted: impl Future<Output = ()>,
    unlocked: bool,
) -> std::result::Result<BackgroundOutcome, Fault> {
    let before = core.db.read(|conn| Ok(arrivals::newest(conn)?)).await?;
    let ended = tokio::select! {
        ended = timeout_at(until, one_pass(core, unlocked)) => ended.ok(),
        () = interrupted => None,
    };
    let me = account.user;
    let (arrived, waiting) = core
        .db
        .read(move |conn| Ok((arrivals::since(conn, before, me)?, outbox::counts(conn)?.0)))
        .await?;
    Ok(BackgroundOutcome {
        complete: matches!(ended, Some(Ok(()))),
        code: ended.and_then(std::result::Result::err).map(|fault| fault.code()),
        new_messages: arrived.iter().map(|(_, count)| count).sum(),
        conversations: arrived.into_iter().map(|(id, _)| id).collect(),
        waiting,
    })
}

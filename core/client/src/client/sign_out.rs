//! Signing out: says what is unsent, sends what can be sent, and leaves nothing of the person on the device.
//!
//! From the durable mark on there is no way back: whoever opens the profile next finishes the erase.

use std::time::Duration;

use curo_store::repo::{outbox, sign_in};
use curo_types::api::PutPush;
use tokio::time::{Instant, timeout_at};

use super::tasks::one_pass;
use super::{Client, OutboxState};
use crate::detached::detached;
use crate::error::{Error, Result};
use crate::failpoints;

/// What a sign-out does with what could not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUnsent {
    /// Nothing is erased: the person decides.
    Keep,
    /// It is lost. The person has been told so.
    Discard,
}

/// How a sign-out ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignOutOutcome {
    /// The profile is erased.
    SignedOut {
        /// What was lost with it.
        lost: OutboxState,
    },
    /// Something is unsent: nothing was erased, and the client goes on as before.
    Unsent(OutboxState),
}

impl Client {
    /// What a sign-out would lose if nothing could be sent any more. As [`Client::outbox`].
    ///
    /// # Errors
    /// `locked`.
    pub async fn unsent(&self) -> Result<OutboxState> {
        self.outbox().await
    }

    /// Sends what waits, until the deadline; then revokes this device at the relay and erases the profile, its key first. What is left unsent stops it, unless
    /// `unsent` says otherwise. Once called it runs to its end; a kill in the middle is finished when the profile is opened
    /// next, which then answers as if it had never been.
    ///
    /// ```no_run
    /// # async fn example(client: &curo::Client) -> curo::Result<()> {
    /// use curo::{OnUnsent, SignOutOutcome};
    /// let limit = std::time::Duration::from_secs(10);
    /// if let SignOutOutcome::Unsent(left) = client.sign_out(limit, OnUnsent::Keep).await? {
    ///     println!("{} messages are not sent yet. Sign out all the same?", left.waiting);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `locked`, `closed`, `vault_not_ready`, `vault_user_auth_needed`, or the file system's; then repeat it.
    pub async fn sign_out(&self, deadline: Duration, unsent: OnUnsent) -> Result<SignOutOutcome> {
        let client = self.clone();
        let until = Instant::now() + deadline;
        detached(async move { client.sign_out_until(until, unsent).await }).await
    }

    async fn sign_out_until(&self, until: Instant, unsent: OnUnsent) -> Result<SignOutOutcome> {
        if let Some(code) = self.core.observe.ended() {
            return Err(Error::new(code));
        }
        // Before anything is stopped: who is locked out does not sign out either.
        self.outbox().await?;
        let started = self.tasks.lock().await.is_some();
        self.stop().await;
        // What cannot be sent stays unsent, and is counted below.
        let _ = timeout_at(until, one_pass(&self.core, true)).await;
        let left = self.outbox().await?;
        if unsent == OnUnsent::Keep && left.waiting + left.failed > 0 {
            if started {
                self.start().await?;
            }
            return Ok(SignOutOutcome::Unsent(left));
        }
        let (waiting, failed) = self
            .core
            .db
            .write(|tx| {
                sign_in::set_signing_out(tx.conn)?;
                Ok(outbox::counts(tx.conn)?)
            })
            .await?;
        failpoints::hit(failpoints::SIGN_OUT_MARKED);
        // Best effort: a push that comes for nobody says nothing.
        let goodbye = PutPush { registration: None };
        let _ = timeout_at(until, self.core.relay.put_push(&goodbye)).await;
        // The device leaves all its conversations with it: the next commit of each removes it (rule 6.1). Offline, it stays
        // listed among the user's devices, with keys that nobody has any more, until it is revoked from another one.
        if let Some(account) = self.account().await {
            let _ = timeout_at(until, self.revoke_device(account.device)).await;
        }
        self.erase().await?;
        Ok(SignOutOutcome::SignedOut {
            lost: OutboxState { waiting, failed },
        })
    }
}

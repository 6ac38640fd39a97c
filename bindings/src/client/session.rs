//! Signing in and out, running.

use curo::ProfileId;

use super::Client;
use crate::convert::duration;
use crate::error::{CuroError, Result};
use crate::profile::Account;
use crate::runtime::{change, contained, read};
use crate::session::{ConnectionState, OnUnsent, OutboxState, SessionState, SignOutOutcome};

#[uniffi::export]
impl Client {
    /// The profile that is open.
    pub fn profile(&self) -> Result<ProfileId> {
        contained(|| Ok(self.inner.profile()))
    }

    /// The account that the profile is bound to; none before the first sign-in.
    pub async fn account(&self) -> Result<Option<Account>> {
        let client = self.inner();
        read(async move { Ok::<_, CuroError>(client.account().await.map(Into::into)) }).await
    }

    /// Signs in with a token of the provider and registers this device, if it is new. Harmless to repeat; needed once in a
    /// profile's life, and again whenever the session says so.
    ///
    /// Fails with offline, captive_portal, tls_failed, pin_mismatch, sign_in_needed (no token, or the relay refuses it),
    /// approval_pending (another device must approve this one), wrong_account, store_changed, bad_relay, rate_limited, locked.
    pub async fn sign_in(&self) -> Result<Account> {
        let client = self.inner();
        change(async move { client.sign_in().await.map(Account::from) }).await
    }

    /// Sends what waits for at most so many milliseconds, then revokes this device at the relay and erases the profile, its key
    /// first. Works offline: the device then stays listed among the user's devices, without its keys, until it is revoked from
    /// another one.
    ///
    /// Fails with locked, closed, vault_not_ready, vault_user_auth_needed, or for the file system; then repeat it.
    pub async fn sign_out(&self, deadline_ms: i64, unsent: OnUnsent) -> Result<SignOutOutcome> {
        let (client, deadline) = (self.inner(), duration(deadline_ms)?);
        change(async move {
            let outcome = client.sign_out(deadline, unsent.into()).await;
            outcome.map(SignOutOutcome::from)
        })
        .await
    }

    /// What a sign-out would lose.
    pub async fn unsent(&self) -> Result<OutboxState> {
        let client = self.inner();
        read(async move { client.unsent().await.map(OutboxState::from) }).await
    }

    /// Starts live sync and sending. A second call does nothing. Fails with sign_in_needed before the first sign-in, locked,
    /// closed.
    pub async fn start(&self) -> Result<()> {
        let client = self.inner();
        change(async move { client.start().await }).await
    }

    /// Stops live sync and sending.
    pub async fn stop(&self) -> Result<()> {
        let client = self.inner();
        change(async move {
            client.stop().await;
            Ok::<_, CuroError>(())
        })
        .await
    }

    /// Fetches and sends once, for an app that does not run. Fails with offline and its likes, sign_in_needed, locked.
    pub async fn catch_up(&self) -> Result<()> {
        let client = self.inner();
        change(async move { client.catch_up().await }).await
    }

    /// What can be done with the profile now.
    pub fn session(&self) -> Result<SessionState> {
        contained(|| Ok(self.inner.session().into()))
    }

    /// How the client stands with its relay now.
    pub fn connection(&self) -> Result<ConnectionState> {
        contained(|| Ok(self.inner.connection().into()))
    }

    /// What waits to be sent, and what has failed.
    pub async fn outbox(&self) -> Result<OutboxState> {
        let client = self.inner();
        read(async move { client.outbox().await.map(OutboxState::from) }).await
    }

    /// Say so when the device has changed its network, or comes back to the front after a long sleep: everything is connected
    /// anew at once.
    pub fn network_changed(&self) -> Result<()> {
        contained(|| {
            self.inner.network_changed();
            Ok(())
        })
    }

    /// States and codes for whoever helps with a fault. Nothing in it says anything about people.
    pub async fn diagnostics(&self) -> Result<String> {
        let client = self.inner();
        read(async move { Ok::<_, CuroError>(client.diagnostics().await) }).await
    }
}

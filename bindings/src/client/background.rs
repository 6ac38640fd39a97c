//! Work without a person in front, and pushes.

use super::Client;
use crate::convert::duration;
use crate::error::Result;
use crate::push::{BackgroundOutcome, PushOutcome};
use crate::runtime::change;

#[uniffi::export]
impl Client {
    /// One pass for a background task: fetches what is new and sends what waits, until all is done or so many milliseconds have
    /// gone by. Works while locked or suspended, if the vault allows it.
    ///
    /// Fails with locked (the vault wants the person), sign_in_needed, busy (another process has the store, and will do the
    /// work), closed, and for the vault.
    pub async fn run_background(&self, deadline_ms: i64) -> Result<BackgroundOutcome> {
        let (client, deadline) = (self.inner(), duration(deadline_ms)?);
        change(async move { client.run_background(deadline).await.map(BackgroundOutcome::from) }).await
    }

    /// As run_background, for a push that bears this token.
    pub async fn handle_push(&self, token: String, deadline_ms: i64) -> Result<PushOutcome> {
        let (client, deadline) = (self.inner(), duration(deadline_ms)?);
        change(async move { client.handle_push(&token, deadline).await.map(PushOutcome::from) }).await
    }

    /// Tells the relay where to wake this device: what the operator's push gateway finds this installation by, 1 to 512
    /// printable ASCII characters. Call it at every start: the same again costs nothing. Kept before it is sent: where the relay
    /// cannot be reached, the next background run sends it. Fails with invalid_argument, sign_in_needed, locked, rate_limited,
    /// offline and its likes.
    pub async fn register_push(&self, target: String) -> Result<()> {
        let client = self.inner();
        change(async move { client.register_push(&target).await }).await
    }

    /// Tells the relay to send no more pushes. Harmless to repeat. Fails as register_push does; until it has succeeded the
    /// registration stands.
    pub async fn unregister_push(&self) -> Result<()> {
        let client = self.inner();
        change(async move { client.unregister_push().await }).await
    }
}

//! What an app can watch while the client runs.

use tokio::sync::watch;

use super::Client;
use crate::state::ConnectionState;

impl Client {
    /// How the client stands with its relay now.
    pub fn connection(&self) -> ConnectionState {
        self.core.connection.borrow().clone()
    }

    /// Waits until the connection state is another than `than`, and returns it.
    pub async fn next_connection(&self, than: &ConnectionState) -> ConnectionState {
        let mut states = self.core.connection.subscribe();
        let next = states.wait_for(|state| state != than).await.map(|state| state.clone());
        next.unwrap_or(ConnectionState::Stopped)
    }

    /// A number that rises whenever something that an app shows may have changed.
    pub fn revision(&self) -> u64 {
        *self.core.revision.borrow()
    }

    /// Waits until the revision is above `after`, and returns it. Nothing is popped: cancelling loses nothing, and any
    /// number of callers may wait.
    ///
    /// ```no_run
    /// # async fn example(client: &curo::Client, care: &curo::Conversation) -> curo::Result<()> {
    /// let mut seen = 0;
    /// loop {
    ///     seen = client.next_revision(seen).await;
    ///     let newest = care.latest(50).await?; // draw it
    /// #   if newest.items.is_empty() { break }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn next_revision(&self, after: u64) -> u64 {
        let mut revisions: watch::Receiver<u64> = self.core.revision.subscribe();
        revisions
            .wait_for(|revision| *revision > after)
            .await
            .map_or(after, |revision| *revision)
    }
}

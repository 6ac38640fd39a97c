//! What an app can watch while the client runs.

use std::sync::Arc;

use super::Client;
use super::OutboxState;
use crate::observe::sources::{ConnectionSource, OutboxSource, SessionSource, UnreadSource};
use crate::observe::{Observed, SessionState};
use crate::reading::Unread;
use crate::state::ConnectionState;

impl Client {
    /// What can be done with the profile now: which screen to show.
    pub fn session(&self) -> SessionState {
        self.core.observe.session_state()
    }

    /// Watches the session. Goes on while locked; the last snapshot is [`SessionState::Closed`] or
    /// [`SessionState::Wiped`].
    ///
    /// ```no_run
    /// # async fn example(client: &curo::Client) -> curo::Result<()> {
    /// let session = client.observe_session();
    /// let mut seen = 0;
    /// while let Ok(snapshot) = session.next(seen).await {
    ///     seen = snapshot.revision;
    ///     match snapshot.state {
    ///         curo::SessionState::Locked => { /* show the lock screen */ }
    ///         curo::SessionState::SignInNeeded => { /* show the login */ }
    ///         _ => {}
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn observe_session(&self) -> Observed<SessionState> {
        Observed::new(Arc::clone(&self.core), Arc::new(SessionSource))
    }

    /// Watches how the client stands with its relay. Goes on while locked.
    pub fn observe_connection(&self) -> Observed<ConnectionState> {
        Observed::new(Arc::clone(&self.core), Arc::new(ConnectionSource))
    }

    /// Watches what waits to be sent, and what has failed.
    pub fn observe_outbox(&self) -> Observed<OutboxState> {
        Observed::new(Arc::clone(&self.core), Arc::new(OutboxSource))
    }

    /// Watches what is unread in conversations that are not muted: the badge of an app's icon.
    pub fn observe_unread(&self) -> Observed<Unread> {
        Observed::new(Arc::clone(&self.core), Arc::new(UnreadSource))
    }

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

    /// A number that rises whenever something that an app shows may have changed. For tools and tests, which look at
    /// everything; a screen watches what it shows ([`Client::observe_session`] and its likes), which reads less.
    pub fn revision(&self) -> u64 {
        self.core.observe.tick_now()
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
        let mut revisions = self.core.observe.ticks();
        revisions
            .wait_for(|revision| *revision > after)
            .await
            .map_or(after, |revision| *revision)
    }
}

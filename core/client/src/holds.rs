//! Conversations that wait before they are tried again. Knows no reason for it and nothing of the conversation.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use curo_types::ConversationId;
use tokio::time::Instant;

/// Until when each of them waits. Nothing here is durable: after an opening all are tried.
#[derive(Default)]
pub(crate) struct Holds(Mutex<HashMap<ConversationId, Instant>>);

impl Holds {
    pub(crate) fn hold(&self, id: ConversationId, wait: Duration) {
        self.held().insert(id, Instant::now() + wait);
    }

    /// Whether a conversation has to wait still. Whose wait has ended is forgotten by [`Holds::until`] alone: a pass may have
    /// gone by it before it ended, and the next one must come.
    pub(crate) fn is_held(&self, id: ConversationId) -> bool {
        self.held().get(&id).is_some_and(|until| *until > Instant::now())
    }

    /// When the first of those that wait may go on: now, if somebody's wait has ended since the last look.
    pub(crate) fn until(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut held = self.held();
        let before = held.len();
        held.retain(|_, until| *until > now);
        if held.len() < before {
            Some(now)
        } else {
            held.values().min().copied()
        }
    }

    /// A conversation waits no longer.
    pub(crate) fn release(&self, id: ConversationId) {
        self.held().remove(&id);
    }

    /// Nobody waits any longer.
    pub(crate) fn release_all(&self) {
        self.held().clear();
    }

    fn held(&self) -> MutexGuard<'_, HashMap<ConversationId, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_ends_while_a_pass_goes_on_brings_another_pass() {
        let (holds, one, other) = (Holds::default(), ConversationId([1; 16]), ConversationId([2; 16]));
        assert_eq!(holds.until(), None);
        let wait = Duration::from_secs(2);
        holds.hold(one, wait);
        holds.hold(other, 2 * wait);
        assert!(holds.is_held(one) && holds.is_held(other));
        assert_eq!(holds.until(), Some(Instant::now() + wait));
        // A pass has gone by it, and asks once more.
        tokio::time::advance(wait).await;
        assert!(!holds.is_held(one) && !holds.is_held(one));
        assert_eq!(holds.until(), Some(Instant::now()));
        assert_eq!(holds.until(), Some(Instant::now() + wait));
        holds.release(other);
        assert_eq!(holds.until(), None);
    }
}

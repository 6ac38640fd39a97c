//! One conversation: who is in it and what it is about. What is said in it stands in the modules below.

mod about;
mod intents;
mod messages;
mod pages;
mod reading;

use std::sync::Arc;

use curo::ConversationId;

use crate::access::AccessContext;
use crate::error::Result;
use crate::held::Held;
use crate::info::ConversationInfo;
use crate::observed::ConversationStream;
use crate::runtime::{contained, read};
use crate::timeline::{Timeline, TimelineOptions};

/// A conversation of this account. The handle stays valid whatever becomes of the conversation.
#[derive(uniffi::Object)]
pub struct Conversation {
    inner: Held<curo::Conversation>,
}

#[uniffi::export]
impl Conversation {
    /// The conversation's id.
    pub fn id(&self) -> Result<ConversationId> {
        contained(|| Ok(self.inner.id()))
    }

    /// State and members as this device knows them. Works offline. Fails with unknown where this device does not have it.
    pub async fn info(&self) -> Result<ConversationInfo> {
        let conversation = self.inner();
        read(async move { conversation.info().await.map(ConversationInfo::from) }).await
    }

    /// Watches state and members; none while locked. It fails with unknown where this device does not have the conversation.
    pub fn observe(&self) -> Result<Arc<ConversationStream>> {
        contained(|| Ok(Arc::new(ConversationStream::new(self.inner.observe()))))
    }

    /// A window over its items for a screen. Fails with invalid_argument for a page that is not 1 to 300.
    pub fn timeline(&self, options: TimelineOptions) -> Result<Arc<Timeline>> {
        contained(|| {
            let timeline = self.inner.timeline(options.into_core()?)?;
            Ok(Arc::new(Timeline::new(timeline)))
        })
    }

    /// The same conversation for calls that are made for another reason than treatment. Fails with invalid_argument where a
    /// text is over its limit.
    pub fn with_access(&self, access: AccessContext) -> Result<Arc<Self>> {
        contained(|| Ok(Arc::new(Self::new(self.inner.with_access(access.into_core()?)?))))
    }

    /// The reason that calls on this handle are made for; none counts as treatment.
    pub fn access(&self) -> Result<Option<AccessContext>> {
        contained(|| Ok(self.inner.access().map(AccessContext::from)))
    }
}

impl Conversation {
    pub(crate) fn new(conversation: curo::Conversation) -> Self {
        Self {
            inner: Held::new(conversation),
        }
    }

    /// A handle for a task of its own.
    fn inner(&self) -> curo::Conversation {
        curo::Conversation::clone(&self.inner)
    }
}

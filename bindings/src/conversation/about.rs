//! What a conversation is about and who is in it. All of it is encrypted; each call is durable when it returns, and its intent
//! tells what became of it.

use curo::{IntentId, UserId};

use super::Conversation;
use crate::error::{CuroError, Result};
use crate::info::Subject;
use crate::runtime::change;

#[uniffi::export]
impl Conversation {
    /// Sets the title; empty takes it away.
    pub async fn set_title(&self, title: String) -> Result<IntentId> {
        let conversation = self.inner();
        change(async move { conversation.set_title(title.into()).await }).await
    }

    /// Says that it is about a patient or another subject from now on.
    pub async fn bind_subject(&self, subject: Subject) -> Result<IntentId> {
        let conversation = self.inner();
        change(async move { conversation.bind_subject(subject.into()).await }).await
    }

    /// Says that it is about a subject no more.
    pub async fn unbind_subject(&self, subject: Subject) -> Result<IntentId> {
        let conversation = self.inner();
        change(async move { conversation.unbind_subject(subject.into()).await }).await
    }

    /// Gives somebody a role: admin, member, or another name that the app knows. Fails with invalid_argument for what cannot be
    /// a role's name, not_allowed where this user's role does not allow it.
    pub async fn set_role(&self, user: UserId, role: String) -> Result<IntentId> {
        let conversation = self.inner();
        let role = curo::Role::new(&role).ok_or_else(CuroError::invalid)?;
        change(async move { conversation.set_role(user, role).await }).await
    }

    /// Adds people with all their devices. Fails with removed, not_direct, not_allowed, invalid_argument (nobody, or more than
    /// 250), locked; the intent itself may fail later, with no_device for example.
    pub async fn add(&self, people: Vec<UserId>) -> Result<IntentId> {
        let conversation = self.inner();
        change(async move { conversation.add(&people).await }).await
    }

    /// Removes people with all their devices. They can read nothing that is sent after it. Fails as add does; also with
    /// invalid_argument for this user, and mandatory_member for somebody whom the tenant's policy wants in every conversation.
    pub async fn remove(&self, people: Vec<UserId>) -> Result<IntentId> {
        let conversation = self.inner();
        change(async move { conversation.remove(&people).await }).await
    }

    /// Leaves the conversation. What is on this device stays readable.
    pub async fn leave(&self) -> Result<()> {
        let conversation = self.inner();
        change(async move { conversation.leave().await }).await
    }

    /// Renews this device's keys in the conversation, so that what an attacker may have learnt is of no use.
    pub async fn renew_keys(&self) -> Result<IntentId> {
        let conversation = self.inner();
        change(async move { conversation.renew_keys().await }).await
    }

    /// Comes in again, where the conversation is frozen because it could not by itself.
    pub async fn rejoin(&self) -> Result<()> {
        let conversation = self.inner();
        change(async move { conversation.rejoin().await }).await
    }

    /// Asks members to tell what they have read: above 32 people nobody does unasked. None where it was asked before.
    pub async fn request_receipts(&self) -> Result<Option<IntentId>> {
        let conversation = self.inner();
        change(async move { conversation.request_receipts().await }).await
    }
}

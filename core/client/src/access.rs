//! Why a call is made: the access context rides on the handles, so that no call can be made without one.
//!
//! Knows the handles and their intents; what an access context is stands in `curo-types`.

use std::sync::Arc;

use curo_store::repo::outbox;
use curo_types::IntentId;
use curo_types::format::AccessContext;
use rusqlite::Connection;

use crate::client::Client;
use crate::conversations::Conversation;
use crate::error::{Fault, Result};

/// The context of a handle; `None` counts as treatment.
pub(crate) type Access = Option<Arc<AccessContext>>;

/// Keeps the context beside an intent, so that its request carries it whenever that is sent.
pub(crate) fn keep(
    conn: &Connection,
    intent: IntentId,
    access: Option<&AccessContext>,
) -> std::result::Result<(), Fault> {
    if let Some(access) = access {
        outbox::set_access(conn, intent, &access.to_bytes())?;
    }
    Ok(())
}

fn checked(access: AccessContext) -> Result<Access> {
    access
        .check()
        .map_err(|_| Fault::Code(curo_types::ErrorCode::INVALID_ARGUMENT))?;
    Ok(Some(Arc::new(access)))
}

impl Client {
    /// The same client for calls that are made for another reason than treatment, in a role, for somebody else, or to
    /// disclose: what it releases, exports, forwards or administers counts as done in `access`. Handles that come from it
    /// ([`Client::conversation`], [`Client::create_conversation`]) keep it. The client itself goes on as it was.
    ///
    /// What is administered at the relay (creating, adding, removing) carries purpose, role, reason and the person stood
    /// in for; they must not name a patient. Until the audit trail exists nothing else is recorded.
    ///
    /// ```no_run
    /// # async fn example(client: &curo::Client, id: curo::ConversationId) -> curo::Result<()> {
    /// use curo::{AccessContext, PurposeOfUse};
    ///
    /// let emergency = client.with_access(AccessContext {
    ///     reason_code: Some("unconscious".into()),
    ///     ..AccessContext::purpose(PurposeOfUse::ETREAT)
    /// })?;
    /// let page = emergency.conversation(id).latest(50).await?;
    /// # let _ = page;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `invalid_argument` where a part is outside its limits.
    pub fn with_access(&self, access: AccessContext) -> Result<Self> {
        let mut handle = self.clone();
        handle.access = checked(access)?;
        Ok(handle)
    }

    /// The context of this handle; `None` counts as treatment.
    pub fn access(&self) -> Option<&AccessContext> {
        self.access.as_deref()
    }
}

impl Conversation {
    /// The same conversation for calls in another access context; see [`Client::with_access`].
    ///
    /// # Errors
    /// `invalid_argument` where a part is outside its limits.
    pub fn with_access(&self, access: AccessContext) -> Result<Self> {
        let mut handle = self.clone();
        handle.access = checked(access)?;
        Ok(handle)
    }

    /// The context of this handle; `None` counts as treatment.
    pub fn access(&self) -> Option<&AccessContext> {
        self.access.as_deref()
    }
}

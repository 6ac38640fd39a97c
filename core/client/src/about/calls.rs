//! The calls: title, subjects, roles, names. Each is a message of kind `state`, durable when the call returns.

use curo_store::repo::about;
use curo_store::repo::conversation::{self, ConversationState};
use curo_store::repo::outbox::{self, IntentKind};
use curo_types::format::{StateBody, Subject};
use curo_types::{ErrorCode, IntentId, Text, UserId};

use super::rights::may;
use super::{Act, Role, is_direct, payload, queue, roster};
use crate::access;
use crate::client::Client;
use crate::conversations::{Conversation, open_for_intents};
use crate::core::now_ms;
use crate::db::Tx;
use crate::error::{Fault, Result};
use crate::observe::Touched;

/// What a new conversation is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateOptions {
    /// Its title, at most 512 bytes; empty for none.
    pub title: Text,
    /// Patients and others that it is about, at most 256.
    pub subjects: Vec<Subject>,
}

impl CreateOptions {
    /// As a change, checked against the limits.
    pub(crate) fn into_change(self) -> Result<StateBody> {
        let mut change = StateBody::title(self.title.into_string());
        change.bound = Some(self.subjects);
        checked(change)
    }
}

impl Conversation {
    /// Gives the conversation another title, at most 512 bytes; an empty one takes it away. Admins and members may. It
    /// stands when it has its place in the log, for everybody alike: of two titles the later one in the log counts.
    ///
    /// ```no_run
    /// # async fn example(care: &curo::Conversation) -> curo::Result<()> {
    /// care.set_title("Ward 4, bed 12".into()).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `not_allowed` (this user's role does not allow it, or the conversation is direct), `invalid_argument` (too long),
    /// `unknown`, `removed`, `sign_in_needed`, `locked`, `storage_full`.
    pub async fn set_title(&self, title: Text) -> Result<IntentId> {
        let change = StateBody::title(title.into_string());
        self.change(Act::Describe, change).await
    }

    /// Binds a subject, for example a patient, to the conversation; at most 256 are. Binding one twice changes nothing.
    ///
    /// ```no_run
    /// # async fn example(care: &curo::Conversation) -> curo::Result<()> {
    /// let mrn = curo::Subject {
    ///     system: "urn:oid:1.2.36.146.595.217.0.1".into(),
    ///     value: "12345".into(),
    /// };
    /// care.bind_subject(mrn.clone()).await?;
    /// care.unbind_subject(mrn).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Conversation::set_title`]; `invalid_argument` for a system or value that is empty or longer than 1,024 bytes,
    /// and for the 257th subject.
    pub async fn bind_subject(&self, subject: Subject) -> Result<IntentId> {
        let change = StateBody::bind(vec![subject]);
        self.change(Act::Describe, change).await
    }

    /// Unbinds a subject. One that is not bound changes nothing.
    ///
    /// # Errors
    /// As [`Conversation::bind_subject`].
    pub async fn unbind_subject(&self, subject: Subject) -> Result<IntentId> {
        let change = StateBody::unbind(vec![subject]);
        self.change(Act::Describe, change).await
    }

    /// Gives somebody in the conversation a role. Admins may. It comes into force with the next commit, which this device
    /// makes at once.
    ///
    /// ```no_run
    /// # async fn example(care: &curo::Conversation, lee: curo::UserId) -> curo::Result<()> {
    /// care.set_role(lee, curo::Role::admin()).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Conversation::set_title`]; `unknown` also for who is not in it.
    pub async fn set_role(&self, user: UserId, role: Role) -> Result<IntentId> {
        let change = StateBody::role(user, role.as_str().to_owned());
        self.change(Act::Appoint, change).await
    }

    async fn change(&self, act: Act, change: StateBody) -> Result<IntentId> {
        let change = checked(change)?;
        let me = self.core.account().await?;
        let (id, context) = (self.id, self.access.clone());
        let queue_change = move |tx: &mut Tx<'_>| {
            open_for_intents(tx.conn, id)?;
            let row = conversation::get(tx.conn, id)?.ok_or(Fault::Code(ErrorCode::UNKNOWN))?;
            if is_direct(tx.conn, &me, &row)? || !may(tx.conn, &row, me.user, act)? {
                return Err(Fault::Code(ErrorCode::NOT_ALLOWED));
            }
            let here = roster(tx.conn, &row)?;
            if change.roles.iter().flatten().any(|given| !here.contains(&given.user)) {
                return Err(Fault::Code(ErrorCode::UNKNOWN));
            }
            if change.bound.is_some() && about::subjects(tx.conn, id)?.len() >= StateBody::SUBJECTS_LIMIT {
                return Err(Fault::Code(ErrorCode::INVALID_ARGUMENT));
            }
            let (intent, payload) = payload(&change)?;
            outbox::add(tx.conn, intent, id, IntentKind::Message, &payload, now_ms())?;
            access::keep(tx.conn, intent, context.as_deref())?;
            Ok(intent)
        };
        let queued = self.core.queued_in(id);
        Ok(self.core.db.write_then(queue_change, |_| queued()).await?)
    }
}

impl Client {
    /// How this user wants to be called, at most 256 bytes; empty for no name. It is told to the members of all
    /// conversations, inside the encryption; the relay learns no names.
    ///
    /// # Errors
    /// `invalid_argument` (too long), `sign_in_needed`, `locked`, `storage_full`.
    pub async fn set_display_name(&self, name: Text) -> Result<()> {
        if name.len() > StateBody::NAME_LIMIT {
            return Err(crate::Error::new(ErrorCode::INVALID_ARGUMENT));
        }
        let me = self.core.account().await?;
        let rename = move |tx: &mut Tx<'_>| {
            if about::own_name(tx.conn)?.unwrap_or_default() == name.as_str() {
                return Ok(());
            }
            about::set_own_name(tx.conn, name.as_str())?;
            let change = StateBody::name(me.user, name.as_str().to_owned());
            for row in conversation::list(tx.conn)? {
                // Those that are being created or joined are told then.
                if matches!(row.state, ConversationState::Active | ConversationState::Frozen) {
                    queue(tx.conn, row.id, &change)?;
                }
            }
            Ok(())
        };
        let queued = self.core.queued(Touched::All);
        Ok(self.core.db.write_then(rename, |()| queued()).await?)
    }

    /// How this user wants to be called, if it was ever said on this device.
    ///
    /// # Errors
    /// `locked`.
    pub async fn display_name(&self) -> Result<Option<Text>> {
        let name = self.core.db.read(|conn| Ok(about::own_name(conn)?)).await?;
        Ok(name.filter(|name| !name.is_empty()).map(Text::new))
    }
}

fn checked(change: StateBody) -> Result<StateBody> {
    match change.to_bytes() {
        Ok(_) => Ok(change),
        Err(_) => Err(crate::Error::new(ErrorCode::INVALID_ARGUMENT)),
    }
}

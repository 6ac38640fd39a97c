//! What an app sees and decides: who has a message and who has read it, asking for receipts, and whether this user sends any.

use curo_store::repo::item::{self, ItemKind, Place};
use curo_store::repo::outbox::{self, IntentKind};
use curo_store::repo::overview;
use curo_store::repo::receipt::own;
use curo_types::format::{Content, ContentBody, Reference};
use curo_types::{ErrorCode, IntentId, UserId};

use super::is_big;
use crate::access;
use crate::client::Client;
use crate::conversations::{Conversation, open_for_intents};
use crate::core::now_ms;
use crate::db::Tx;
use crate::delivery::Deliveries;
use crate::error::{Fault, Result};

/// Whether a person has a message, and has read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PersonReceipt {
    /// Who.
    pub user: UserId,
    /// Whether it is durable on a device of theirs: by the relay's word, or by that of the device.
    pub delivered: bool,
    /// Whether a device of theirs says that they have read it. A device that sends no receipts never says so.
    pub read: bool,
    /// A time, by the clock of that device, at which it was read, milliseconds since 1970 UTC: at the latest, because a
    /// device says how far it has come and not when each message was read.
    pub read_by_ms: Option<u64>,
}

impl Conversation {
    /// Who has a message and who has read it: everybody who was in the conversation when it was said, except its author, by
    /// user id. Empty while it is unsent.
    ///
    /// ```no_run
    /// # async fn example(care: &curo::Conversation, order: curo::MessageRef) -> curo::Result<()> {
    /// for person in care.receipts(order).await? {
    ///     println!("{}: delivered {}, read {}", person.user, person.delivered, person.read);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `unknown` for a message that is not here, `locked`.
    pub async fn receipts(&self, message: Reference) -> Result<Vec<PersonReceipt>> {
        let me = self.core.account().await?;
        let id = self.id;
        let people = self.core.db.read(move |conn| {
            let row = item::get(conn, id, message.sender, message.message)?;
            let row = row.filter(|row| row.kind == ItemKind::Message);
            let unknown = Fault::Code(ErrorCode::UNKNOWN);
            let (author, place) = row.and_then(|row| Some((row.sender_user?, row.place))).ok_or(unknown)?;
            let Place::Log { incarnation, seq } = place else {
                return Ok(Vec::new());
            };
            let mut all = Deliveries::new(id, me.user).people(conn, (incarnation, seq), author)?;
            if let Some(own) = all.iter_mut().find(|person| person.user == me.user) {
                // This device is in no row of others.
                own.delivered = true;
                own.read |= overview::get(conn, id)?.read.is_some_and(|read| read >= place);
            }
            Ok(all)
        });
        Ok(people.await?)
    }

    /// Asks everybody to say how far they have read. In a conversation of more than 32 people nobody says so unasked; who
    /// is asked does until they have read what was said before. In a smaller one everybody does anyway, and this does
    /// nothing: `None`.
    ///
    /// Returns as soon as it is durable; see [`Conversation::intent`].
    ///
    /// # Errors
    /// `unknown`, `removed`, `sign_in_needed`, `locked`, `storage_full`.
    pub async fn request_receipts(&self) -> Result<Option<IntentId>> {
        let (id, context) = (self.id, self.access.clone());
        self.core.account().await?;
        let request = move |tx: &mut Tx<'_>| {
            open_for_intents(tx.conn, id)?;
            if !is_big(tx.conn, id)? {
                return Ok(None);
            }
            let (intent, now) = (IntentId::random(), now_ms());
            let mut content = Content::of(intent.into(), &ContentBody::ReceiptRequest)?;
            content.claimed_ms = Some(now);
            outbox::add(tx.conn, intent, id, IntentKind::Message, &content.to_bytes()?, now)?;
            access::keep(tx.conn, intent, context.as_deref())?;
            Ok(Some(intent))
        };
        let queued = self.core.queued_in(id);
        let asked = self.core.db.write_then(request, |asked| {
            if asked.is_some() {
                queued();
            }
        });
        Ok(asked.await?)
    }
}

impl Client {
    /// Whether this user tells others how far they have read: on this device, and yes unless they said no.
    ///
    /// # Errors
    /// `locked`.
    pub async fn sends_read_receipts(&self) -> Result<bool> {
        Ok(self.core.db.read(|conn| Ok(own::are_on(conn)?)).await?)
    }

    /// Tells others how far this user has read, or does not, from now on. Kept in the profile. What is read while it is off
    /// is told with the next message that is read after it is on again; what others say is shown in any case.
    ///
    /// # Errors
    /// `locked`, `storage_full`.
    pub async fn send_read_receipts(&self, send: bool) -> Result<()> {
        let turned = self.core.db.write(move |tx| Ok(own::turn(tx.conn, send)?));
        Ok(turned.await?)
    }
}

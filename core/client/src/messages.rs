//! What a person says in a conversation: messages, and what they say about messages.
//!
//! Every call writes one intent and folds it at once, in one transaction; the outbox does the rest. What others may say is
//! checked when it arrives (`fold`); the checks here tell the person at once.

use curo_store::repo::account::Account;
use curo_store::repo::change::{self, ChangeKind};
use curo_store::repo::conversation;
use curo_store::repo::item::{self, Deleted, Fold, ItemKind, ItemRow, Place};
use curo_store::repo::outbox::{self, IntentKind, IntentState};
use curo_store::repo::ranking;
use curo_types::format::{Content, ContentBody, Reference, TextBody};
use curo_types::{ConversationId, DeviceId, ErrorCode, IntentId, MessageId, Text, UserId};
use rusqlite::Connection;

use crate::access;
use crate::conversations::{Conversation, open_for_intents};
use crate::core::now_ms;
use crate::db::Tx;
use crate::error::{Error, Fault, Result};
use crate::fold::Folding;
use crate::message::{NewMessage, body_of};
use crate::timeline::Body;

/// That a user has taken note of an urgent message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    /// The user.
    pub user: UserId,
    /// When the relay accepted it, milliseconds since 1970 UTC; absent while this device's own is unsent.
    pub accepted_ms: Option<u64>,
}

/// Where a deleted message is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purge {
    /// Other people of whose devices at least one says that it has purged the message.
    pub by: u32,
    /// Other people who were in the conversation when it was deleted.
    pub of: u32,
    /// The devices that say so.
    pub devices: Vec<(UserId, DeviceId)>,
}

/// A message in the store that something is to be said about.
struct Target {
    row: ItemRow,
    own: bool,
}

impl Conversation {
    /// Sends a text of at most [`Content::TEXT_LIMIT`] bytes. Returns as soon as it is durable; works offline.
    ///
    /// The same `id` again is the same message: nothing is sent twice.
    ///
    /// ```no_run
    /// # async fn example(care: &curo::Conversation) -> curo::Result<()> {
    /// // The id is the app's: keep it, and sending again after a doubt is harmless.
    /// let id = curo::MessageId::random();
    /// care.send_text("BP 118/76".into(), id).await?;
    /// println!("{}", care.delivery(id).await?); // queued, sent, delivered 1/2, …
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Conversation::send`].
    pub async fn send_text(&self, text: Text, id: MessageId) -> Result<MessageId> {
        self.send(NewMessage::text(text), id).await
    }

    /// Sends a message. Returns as soon as it is durable; works offline. The same `id` again is the same message.
    ///
    /// ```no_run
    /// # async fn example(care: &curo::Conversation, question: curo::MessageRef) -> curo::Result<()> {
    /// use curo::{MessageId, NewMessage, Priority};
    ///
    /// let answer = NewMessage {
    ///     reply_to: Some(question),
    ///     priority: Priority::Stat,
    ///     ..NewMessage::text("stop the infusion")
    /// };
    /// care.send(answer, MessageId::random()).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `unknown`, `removed`, `too_large`, `invalid_argument` (empty text, more than 64 mentions, an id that is another
    /// intent's), `cancelled` (the id was cancelled), `sign_in_needed`, `locked`, `storage_full`.
    pub async fn send(&self, message: NewMessage, id: MessageId) -> Result<MessageId> {
        if message.text.is_empty() || message.mentions.len() > Content::MENTIONS_LIMIT {
            return Err(Error::new(ErrorCode::INVALID_ARGUMENT));
        }
        let body = ContentBody::Text(TextBody {
            text: message.text,
            mentions: message.mentions,
            priority: message.priority,
            reply_to: message.reply_to,
            thread: message.thread,
        });
        self.say(id, move |_, _| Ok(Some(body))).await?;
        Ok(id)
    }

    /// Sends a record that amends another (45 CFR 164.526): it stands beside the original, of whoever's, and changes
    /// nothing of it. It is neither edited nor deleted; a wrong one is amended in turn.
    ///
    /// # Errors
    /// As [`Conversation::send`]; `unknown` also where the original is not here.
    pub async fn amend(&self, original: Reference, text: Text, id: MessageId) -> Result<MessageId> {
        if text.is_empty() {
            return Err(Error::new(ErrorCode::INVALID_ARGUMENT));
        }
        let conversation = self.id;
        self.say(id, move |conn, me| {
            target(conn, conversation, original, me)?;
            Ok(Some(ContentBody::Amendment {
                target: original,
                text,
                mentions: Vec::new(),
            }))
        })
        .await?;
        Ok(id)
    }

    /// Gives an own text another wording, on all devices. The last edit in the log holds; it may come from any device of
    /// this user. Shown here at once.
    ///
    /// Returns the intent, for [`Conversation::retry`] and [`Conversation::cancel`].
    ///
    /// # Errors
    /// `unknown` (no such message here, or a deleted one), `forbidden` (somebody else's), `invalid_argument` (empty text,
    /// more than 64 mentions, not a text), and as [`Conversation::send`].
    pub async fn edit(&self, message: Reference, text: Text, mentions: &[UserId]) -> Result<IntentId> {
        if text.is_empty() || mentions.len() > Content::MENTIONS_LIMIT {
            return Err(Error::new(ErrorCode::INVALID_ARGUMENT));
        }
        let (conversation, mentions) = (self.id, mentions.to_vec());
        let intent = IntentId::random();
        self.say(intent.into(), move |conn, me| {
            let target = own(conn, conversation, message, me)?;
            if !matches!(body_of(&target.row).0, Body::Text(_)) {
                return Err(Fault::Code(ErrorCode::INVALID_ARGUMENT));
            }
            Ok(Some(ContentBody::Edit {
                target: message,
                text,
                mentions,
            }))
        })
        .await?;
        Ok(intent)
    }

    /// Deletes an own message everywhere. A tombstone stays; once the relay has accepted it, text, edits and search entries
    /// are overwritten here and on every device that learns of it, and those say so ([`Conversation::purge`]).
    ///
    /// A message that was never sent is cancelled instead. Returns the intent, for [`Conversation::retry`] and
    /// [`Conversation::cancel`]; of a cancelled message its own.
    ///
    /// # Errors
    /// `unknown` (no such message here, or deleted already), `forbidden` (somebody else's), `invalid_argument` (an
    /// amendment), and as [`Conversation::send`].
    pub async fn delete(&self, message: Reference) -> Result<IntentId> {
        if self.cancel_own(message).await? {
            return Ok(message.message.into());
        }
        let conversation = self.id;
        let intent = IntentId::random();
        self.say(intent.into(), move |conn, me| {
            let target = own(conn, conversation, message, me)?;
            if matches!(body_of(&target.row).0, Body::Amendment { .. }) {
                return Err(Fault::Code(ErrorCode::INVALID_ARGUMENT));
            }
            Ok(Some(ContentBody::Delete { target: message }))
        })
        .await?;
        Ok(intent)
    }

    /// Cancels an own message that is still in the queue.
    async fn cancel_own(&self, message: Reference) -> Result<bool> {
        let me = self.core.account().await?;
        if message.sender != me.device {
            return Ok(false);
        }
        match self.cancel(message.message.into()).await {
            Err(error) if *error.code() == ErrorCode::UNKNOWN => Ok(false),
            other => other,
        }
    }

    /// Sets a reaction of this user: an emoji or another text of 1 to 64 bytes. One message takes 64 different ones; what
    /// comes later is shown nowhere. `None` if it is set already.
    ///
    /// # Errors
    /// `unknown` (no such message here, or a deleted one), `invalid_argument` (the emoji), and as [`Conversation::send`].
    pub async fn react(&self, message: Reference, emoji: &str) -> Result<Option<IntentId>> {
        self.set_reaction(message, emoji, true).await
    }

    /// Takes a reaction of this user back. `None` if it is not set.
    ///
    /// # Errors
    /// As [`Conversation::react`].
    pub async fn unreact(&self, message: Reference, emoji: &str) -> Result<Option<IntentId>> {
        self.set_reaction(message, emoji, false).await
    }

    async fn set_reaction(&self, message: Reference, emoji: &str, set: bool) -> Result<Option<IntentId>> {
        if !(1..=Content::EMOJI_LIMIT).contains(&emoji.len()) {
            return Err(Error::new(ErrorCode::INVALID_ARGUMENT));
        }
        let (conversation, emoji) = (self.id, Text::from(emoji));
        let intent = IntentId::random();
        let said = self.say(intent.into(), move |conn, me| {
            target(conn, conversation, message, me)?;
            let kind = ChangeKind::Reaction;
            let rows = change::live_of(conn, conversation, message, kind, me.user, emoji.as_str())?;
            if rows.last().is_some_and(|row| row.value) == set {
                return Ok(None);
            }
            Ok(Some(ContentBody::Reaction {
                target: message,
                emoji,
                set,
            }))
        });
        Ok(said.await?.then_some(intent))
    }

    /// Tells the sender of an urgent message, and everybody else, that this user has taken note of it. `None` if that was
    /// said already.
    ///
    /// # Errors
    /// `unknown` (no such message here, or a deleted one), `invalid_argument` (a routine one, or an own one), and as
    /// [`Conversation::send`].
    pub async fn acknowledge(&self, message: Reference) -> Result<Option<IntentId>> {
        let conversation = self.id;
        let intent = IntentId::random();
        let said = self.say(intent.into(), move |conn, me| {
            let target = target(conn, conversation, message, me)?;
            if target.own || target.row.fold.priority == 0 {
                return Err(Fault::Code(ErrorCode::INVALID_ARGUMENT));
            }
            let kind = ChangeKind::Acknowledgement;
            let known = change::live_of(conn, conversation, message, kind, me.user, "")?;
            let body = ContentBody::Acknowledgement { target: message };
            Ok(known.is_empty().then_some(body))
        });
        Ok(said.await?.then_some(intent))
    }

    /// Who has taken note of an urgent message, in the order of the log.
    ///
    /// # Errors
    /// `locked`.
    pub async fn acknowledgements(&self, message: Reference) -> Result<Vec<Acknowledgement>> {
        let id = self.id;
        let rows = self
            .core
            .db
            .read(move |conn| Ok(change::live(conn, id, message, ChangeKind::Acknowledgement)?));
        let mut all: Vec<Acknowledgement> = Vec::new();
        for row in rows.await? {
            if all.iter().all(|known| known.user != row.sender_user) {
                all.push(Acknowledgement {
                    user: row.sender_user,
                    accepted_ms: row.accepted_ms,
                });
            }
        }
        Ok(all)
    }

    /// Where a deleted message is gone: this device has purged it, and so many others say the same. A device that never
    /// had the message says nothing.
    ///
    /// # Errors
    /// `unknown` for a message that is not here or not deleted, `locked`.
    pub async fn purge(&self, message: Reference) -> Result<Purge> {
        let id = self.id;
        let purge = self.core.db.read(move |conn| {
            let unknown = Fault::Code(ErrorCode::UNKNOWN);
            let row =
                item::get(conn, id, message.sender, message.message)?.filter(|row| row.fold.deleted == Deleted::Yes);
            let author = row.and_then(|row| row.sender_user).ok_or(unknown)?;
            let deletes = change::live(conn, id, message, ChangeKind::Delete)?;
            let of = match deletes.first().map(|row| row.place) {
                Some(Place::Log { incarnation, seq }) => conversation::others_at(conn, id, incarnation, seq, author)?,
                _ => 0,
            };
            let mut devices: Vec<_> = change::live(conn, id, message, ChangeKind::Purged)?
                .into_iter()
                .map(|row| (row.sender_user, row.sender_device))
                .collect();
            devices.sort_unstable();
            let others: std::collections::BTreeSet<_> = devices
                .iter()
                .map(|(user, _)| *user)
                .filter(|user| *user != author)
                .collect();
            Ok(Purge {
                by: u32::try_from(others.len()).unwrap_or(u32::MAX),
                of,
                devices,
            })
        });
        Ok(purge.await?)
    }

    /// Queues what `body` makes of the state of things; `None`: there is nothing to say. Says whether there was. What is
    /// there already under the id is not said again.
    async fn say(
        &self,
        id: MessageId,
        body: impl FnOnce(&Connection, &Account) -> std::result::Result<Option<ContentBody>, Fault> + Send + 'static,
    ) -> Result<bool> {
        let me = self.core.account().await?;
        let (conversation, access) = (self.id, self.access.clone());
        let say = move |tx: &mut Tx<'_>| {
            open_for_intents(tx.conn, conversation)?;
            if item::get(tx.conn, conversation, me.device, id)?.is_some() {
                return Ok(true);
            }
            let Some(body) = body(tx.conn, &me)? else {
                return Ok(false);
            };
            let now = now_ms();
            let mut content = Content::of(id, &body)?;
            content.claimed_ms = Some(now);
            let payload = content.to_bytes()?;
            let (position, added) = outbox::add(tx.conn, id.into(), conversation, IntentKind::Message, &payload, now)?;
            if !added {
                // The id is another intent's, or was cancelled.
                let cancelled = outbox::at(tx.conn, position)?
                    .is_some_and(|row| row.state == IntentState::Done && row.code.is_some());
                return Err(Fault::Code(if cancelled {
                    ErrorCode::CANCELLED
                } else {
                    ErrorCode::INVALID_ARGUMENT
                }));
            }
            access::keep(tx.conn, id.into(), access.as_deref())?;
            let row = ItemRow {
                place: Place::Unsent(position),
                kind: ItemKind::Message,
                sender_device: me.device,
                sender_user: Some(me.user),
                message: id,
                content: Some(payload),
                claimed_ms: Some(now),
                accepted_ms: None,
                code: None,
                fold: Fold::default(),
            };
            Folding::new(tx.conn, &me, conversation).take(row, Some(&content))?;
            ranking::to_top(tx.conn, conversation)?;
            Ok(true)
        };
        let queued = self.core.queued_in(conversation);
        let said = self.core.db.write_then(say, |said| {
            if *said {
                queued();
            }
        });
        Ok(said.await?)
    }
}

/// A message that is here and not deleted.
fn target(
    conn: &Connection,
    id: ConversationId,
    message: Reference,
    me: &Account,
) -> std::result::Result<Target, Fault> {
    let row = item::get(conn, id, message.sender, message.message)?
        .filter(|row| row.kind == ItemKind::Message && row.fold.deleted == Deleted::No)
        .ok_or(Fault::Code(ErrorCode::UNKNOWN))?;
    let own = row.sender_user == Some(me.user);
    Ok(Target { row, own })
}

/// One of this user's.
fn own(conn: &Connection, id: ConversationId, message: Reference, me: &Account) -> std::result::Result<Target, Fault> {
    let target = target(conn, id, message, me)?;
    if target.own {
        Ok(target)
    } else {
        Err(Fault::Code(ErrorCode::FORBIDDEN))
    }
}

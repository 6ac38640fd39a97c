//! What this device knows of a person's reading and writing: how far they have read, what is unread, drafts, mute. What of it
//! others are told is owed from here on (`receipts`).

use curo_store::repo::item::{self, Place};
use curo_store::repo::overview;
use curo_types::format::{Content, Reference};
use curo_types::{ConversationId, ErrorCode, Text};
use rusqlite::Connection;

use crate::client::Client;
use crate::conversations::{Conversation, open_for_intents};
use crate::core::now_ms;
use crate::db::Tx;
use crate::error::{Error, Fault, Result};
use crate::{failpoints, receipts};

/// What is unread in all conversations that are not muted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Unread {
    /// Messages.
    pub messages: u64,
    /// Conversations that have any.
    pub conversations: u64,
}

/// What somebody has begun to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedDraft {
    /// The text.
    pub text: Text,
    /// When it was kept, by this device's clock, milliseconds since 1970 UTC.
    pub saved_ms: u64,
}

impl Client {
    /// What is unread in conversations that are not muted.
    ///
    /// # Errors
    /// `locked`.
    pub async fn unread(&self) -> Result<Unread> {
        let (messages, conversations) = self.core.db.read(|conn| Ok(overview::unread(conn)?)).await?;
        Ok(Unread {
            messages,
            conversations,
        })
    }
}

impl Conversation {
    /// Everything up to and with this message is read. The mark never goes back. Others are told, sealed for them, unless
    /// this user does not want that ([`Client::send_read_receipts`]) or more than 32 people are in the conversation.
    ///
    /// # Errors
    /// `unknown` for a message that is not here, `locked`, `storage_full`.
    pub async fn mark_read(&self, up_to: Reference) -> Result<()> {
        let id = self.id;
        let mark = move |tx: &mut Tx<'_>| {
            let row = item::get(tx.conn, id, up_to.sender, up_to.message)?.ok_or(Fault::Code(ErrorCode::UNKNOWN))?;
            // An unsent message stands behind all that is in the log.
            let place = match row.place {
                Place::Log { .. } => Some(row.place),
                Place::Unsent(_) => last_in_log(tx.conn, id)?,
            };
            match place {
                Some(place) if overview::mark_read(tx.conn, id, place)? => {
                    receipts::owe(tx.conn, id, now_ms())?;
                    Ok(true)
                }
                _ => Ok(false),
            }
        };
        let moved_on = self.core.afterwards(move |core| {
            failpoints::hit(failpoints::READ_MARK_MOVED);
            core.changed_in(id);
            core.receipt_work.notify_one();
        });
        let moved = self.core.db.write_then(mark, |moved| {
            if *moved {
                moved_on();
            }
        });
        moved.await?;
        Ok(())
    }

    /// Messages of others behind the read mark, deleted ones excepted.
    ///
    /// # Errors
    /// `locked`.
    pub async fn unread(&self) -> Result<u64> {
        let id = self.id;
        Ok(self
            .core
            .db
            .read(move |conn| Ok(overview::get(conn, id)?.unread))
            .await?)
    }

    /// Keeps what somebody has begun to write, in the encrypted store; an empty text forgets it. Sending does not.
    ///
    /// # Errors
    /// `too_large` over [`Content::TEXT_LIMIT`], `unknown`, `removed`, `locked`, `storage_full`.
    pub async fn set_draft(&self, text: Text) -> Result<()> {
        if text.len() > Content::TEXT_LIMIT {
            return Err(Error::new(ErrorCode::TOO_LARGE));
        }
        let id = self.id;
        let keep = move |tx: &mut Tx<'_>| {
            if text.is_empty() {
                return Ok(overview::set_draft(tx.conn, id, None)?);
            }
            open_for_intents(tx.conn, id)?;
            Ok(overview::set_draft(tx.conn, id, Some((&text, now_ms())))?)
        };
        let kept = self.core.afterwards(move |core| core.changed_in(id));
        Ok(self.core.db.write_then(keep, |()| kept()).await?)
    }

    /// What somebody has begun to write.
    ///
    /// # Errors
    /// `locked`.
    pub async fn draft(&self) -> Result<Option<SavedDraft>> {
        let id = self.id;
        let row = self.core.db.read(move |conn| Ok(overview::get(conn, id)?)).await?;
        Ok(row.draft.map(|text| SavedDraft {
            text,
            saved_ms: row.draft_ms.unwrap_or_default(),
        }))
    }

    /// Leaves the conversation out of [`Client::unread`], on this device. Its own count goes on.
    ///
    /// # Errors
    /// `unknown`, `locked`, `storage_full`.
    pub async fn mute(&self) -> Result<()> {
        self.set_muted(true).await
    }

    /// Takes the conversation into [`Client::unread`] again.
    ///
    /// # Errors
    /// As [`Conversation::mute`].
    pub async fn unmute(&self) -> Result<()> {
        self.set_muted(false).await
    }

    /// Whether it is muted.
    ///
    /// # Errors
    /// `locked`.
    pub async fn is_muted(&self) -> Result<bool> {
        let id = self.id;
        Ok(self
            .core
            .db
            .read(move |conn| Ok(overview::get(conn, id)?.muted))
            .await?)
    }

    async fn set_muted(&self, muted: bool) -> Result<()> {
        let id = self.id;
        let mute = move |tx: &mut Tx<'_>| {
            curo_store::repo::conversation::get(tx.conn, id)?.ok_or(Fault::Code(ErrorCode::UNKNOWN))?;
            Ok(overview::set_muted(tx.conn, id, muted)?)
        };
        let muted = self.core.afterwards(move |core| core.changed_in(id));
        Ok(self.core.db.write_then(mute, |()| muted()).await?)
    }
}

fn last_in_log(conn: &Connection, id: ConversationId) -> std::result::Result<Option<Place>, Fault> {
    let last = item::before(conn, id, Some(Place::Unsent(0)), 1)?;
    Ok(last.first().map(|row| row.place))
}

//! Folding: what messages say about other messages is kept where those stand, in the transaction that stores the entry, so
//! that reading a screen costs the screen (rule 8.4).
//!
//! Stands between sync and outbox, which bring messages, and the store's rows. It knows contents and whose they are; it
//! does not know the network, MLS or the log. The order of places decides, never the order of arrival: own messages are
//! folded when they are queued, and again when they get their place in the log.

mod changes;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
pub(crate) mod tests;

use curo_store::repo::account::Account;
use curo_store::repo::change::{self, ChangeKind, ChangeRow, ChangeState};
use curo_store::repo::item::{self, Deleted, ItemKind, ItemRow, Place, folding};
use curo_store::repo::{knowledge, overview, search};
use curo_types::format::{Content, ContentBody, Reference};
use curo_types::{ConversationId, MessageId, Text};
use rusqlite::Connection;

use crate::error::Fault;
use crate::search::index;

/// Folds messages of one conversation.
#[derive(Clone, Copy)]
pub(crate) struct Folding<'a> {
    pub(crate) conn: &'a Connection,
    pub(crate) me: &'a Account,
    pub(crate) id: ConversationId,
}

impl<'a> Folding<'a> {
    pub(crate) const fn new(conn: &'a Connection, me: &'a Account, id: ConversationId) -> Self {
        Self { conn, me, id }
    }

    /// Takes a message: a new row of the timeline, or a change to one. A message that was taken before changes nothing
    /// (rule 4.6). `shown` is its row if it is one; its content may be of a kind that this version does not know.
    pub(crate) fn take(self, mut shown: ItemRow, content: Option<&Content>) -> Result<(), Fault> {
        let body = content.map_or(ContentBody::Unsupported, Content::typed);
        match &body {
            ContentBody::Text(text) => {
                shown.fold.priority = text.priority as u8;
                shown.fold.reply_to = text.reply_to;
                shown.fold.thread = text.thread;
            }
            ContentBody::Amendment { target, .. } => shown.fold.reply_to = Some(*target),
            ContentBody::Unsupported => {}
            ContentBody::Edit { .. }
            | ContentBody::Delete { .. }
            | ContentBody::Reaction { .. }
            | ContentBody::Acknowledgement { .. }
            | ContentBody::Purged { .. } => return self.take_change(&shown, &body),
            // It says nothing that is shown.
            ContentBody::ReceiptRequest => return Ok(()),
        }
        if change::known(self.conn, self.id, shown.sender_device, shown.message)? {
            return Ok(());
        }
        let is_message = shown.kind == ItemKind::Message;
        shown.fold.counts = is_message && shown.sender_user.is_some_and(|user| user != self.me.user);
        if !item::add(self.conn, self.id, &shown)? {
            return if is_message { self.said_again(&shown) } else { Ok(()) };
        }
        if !is_message {
            return Ok(());
        }
        overview::arrived(self.conn, self.id, shown.place, shown.fold.counts)?;
        if let Some(root) = shown.fold.thread {
            folding::in_thread(self.conn, self.id, root, true)?;
        }
        folding::count_thread(self.conn, self.id, shown.reference())?;
        if let (Place::Log { .. }, Some(text)) = (shown.place, text_of(&body)) {
            self.index(shown.reference(), shown.accepted_ms, text)?;
        }
        for waiting in change::waiting(self.conn, self.id, shown.reference())? {
            self.fold(waiting)?;
        }
        Ok(())
    }

    /// A message came again in a later incarnation, because where it stood does not stand any more (rule 7.3). It is one message
    /// (4.6), and stands where everybody has it now, so that all devices show the same order (8.1). What is read stays read.
    fn said_again(self, again: &ItemRow) -> Result<(), Fault> {
        let Some(known) = item::get(self.conn, self.id, again.sender_device, again.message)? else {
            return Ok(());
        };
        let (
            Place::Log {
                incarnation: before, ..
            },
            Place::Log { incarnation, .. },
        ) = (known.place, again.place)
        else {
            return Ok(());
        };
        if incarnation <= before || known.kind != ItemKind::Message {
            return Ok(());
        }
        let read = overview::get(self.conn, self.id)?.read;
        let counts = known.fold.counts && read.is_none_or(|read| known.place > read);
        folding::said_again(self.conn, self.id, again, counts)?;
        Ok(overview::arrived(self.conn, self.id, again.place, false)?)
    }

    /// A message that an earlier build did not understand is understood now. It keeps its place; what was said about it
    /// meanwhile is folded in.
    pub(crate) fn understood(self, id: u64, mut item: ItemRow, content: &Content) -> Result<(), Fault> {
        let body = content.typed();
        item.claimed_ms = content.claimed_ms;
        match &body {
            ContentBody::Unsupported => return Ok(()),
            ContentBody::Text(text) => {
                item.fold.priority = text.priority as u8;
                item.fold.reply_to = text.reply_to;
                item.fold.thread = text.thread;
            }
            ContentBody::Amendment { target, .. } => item.fold.reply_to = Some(*target),
            // It says something about another message: there it belongs.
            _ => {
                knowledge::remove(self.conn, id)?;
                if item.fold.counts {
                    overview::uncount(self.conn, self.id, item.place)?;
                }
                overview::find_last(self.conn, self.id)?;
                item.code = None;
                return self.take_change(&item, &body);
            }
        }
        knowledge::understood(self.conn, id, &item)?;
        if let Some(root) = item.fold.thread {
            folding::in_thread(self.conn, self.id, root, true)?;
        }
        overview::touch_last(self.conn, self.id, item.place)?;
        if let (Deleted::No, Some(text)) = (item.fold.deleted, text_of(&body)) {
            self.index(item.reference(), item.accepted_ms, text)?;
        }
        for kind in [ChangeKind::Edit, ChangeKind::Acknowledgement] {
            for waiting in change::live(self.conn, self.id, item.reference(), kind)? {
                self.fold(waiting)?;
            }
        }
        Ok(())
    }

    /// An own unsent message has got its place in the log. `payload` is its content.
    pub(crate) fn accepted(
        self,
        message: MessageId,
        payload: &[u8],
        place: Place,
        accepted_ms: u64,
    ) -> Result<(), Fault> {
        let device = self.me.device;
        if item::accept(self.conn, self.id, device, message, place, accepted_ms)? {
            if matches!(overview::get(self.conn, self.id)?.last, Some(Place::Unsent(_))) {
                overview::find_last(self.conn, self.id)?;
            }
            let own = Reference {
                sender: device,
                message,
            };
            return match Content::from_bytes(payload) {
                Ok(content) => self.index_shown(own, accepted_ms, &content),
                Err(_) => Ok(()),
            };
        }
        if change::accept(self.conn, self.id, device, message, place, accepted_ms)? {
            for row in change::of_message(self.conn, self.id, device, message)? {
                if row.state != ChangeState::Spent {
                    self.fold(row)?;
                }
            }
        }
        Ok(())
    }

    /// Takes back an own message that was never sent.
    pub(crate) fn cancelled(self, message: MessageId) -> Result<(), Fault> {
        let own = Reference {
            sender: self.me.device,
            message,
        };
        let shown = item::get(self.conn, self.id, own.sender, message)?;
        if folding::remove_unsent(self.conn, self.id, own)? {
            overview::find_last(self.conn, self.id)?;
            if let Some(root) = shown.and_then(|row| row.fold.thread) {
                folding::in_thread(self.conn, self.id, root, false)?;
            }
            return Ok(());
        }
        for row in change::of_message(self.conn, self.id, own.sender, message)? {
            change::remove(self.conn, row.id)?;
            if let Some(target) = item::get(self.conn, self.id, row.target.sender, row.target.message)? {
                match row.kind {
                    ChangeKind::Edit => self.fold_edits(&target)?,
                    ChangeKind::Delete => self.fold_deletes(&target)?,
                    _ => {}
                }
                self.changed(&target)?;
            }
        }
        Ok(())
    }

    /// What is folded into an item has changed: it is drawn anew, as is the list's preview. Those that quote it read it when
    /// they are read: there may be any number of them.
    fn changed(self, target: &ItemRow) -> Result<(), Fault> {
        folding::touch(self.conn, self.id, target.reference())?;
        Ok(overview::touch_last(self.conn, self.id, target.place)?)
    }

    /// Makes an own message findable once it is in the log: by what is shown of it.
    fn index_shown(self, own: Reference, accepted_ms: u64, content: &Content) -> Result<(), Fault> {
        let body = content.typed();
        let Some(original) = text_of(&body) else { return Ok(()) };
        let edited = change::live(self.conn, self.id, own, ChangeKind::Edit)?.pop();
        let deleted = !change::live(self.conn, self.id, own, ChangeKind::Delete)?.is_empty();
        match edited.as_ref().and_then(edit_of) {
            _ if deleted => Ok(()),
            Some(text) => self.index(own, Some(accepted_ms), &text),
            None => self.index(own, Some(accepted_ms), original),
        }
    }

    fn index(self, message: Reference, accepted_ms: Option<u64>, text: &Text) -> Result<(), Fault> {
        let words = index::words(text.as_str());
        Ok(search::put(
            self.conn,
            self.id,
            message,
            accepted_ms.unwrap_or_default(),
            words.as_str(),
        )?)
    }
}

/// The text of a message that can be searched for.
fn text_of(body: &ContentBody) -> Option<&Text> {
    match body {
        ContentBody::Text(body) => Some(&body.text),
        ContentBody::Amendment { text, .. } => Some(text),
        _ => None,
    }
}

/// The text of an edit.
fn edit_of(row: &ChangeRow) -> Option<Text> {
    match Content::from_bytes(row.content.as_deref()?).ok()?.typed() {
        ContentBody::Edit { text, .. } => Some(text),
        _ => None,
    }
}

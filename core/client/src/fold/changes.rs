//! What each kind of change does to its target.
//!
//! Nothing that a member sends can make a row grow without bound: what waits for a message that is not here is bounded for
//! each user, and of what is folded only the rows that decide stay live.

use curo_store::repo::change::{self, ChangeKind, ChangeRow, ChangeState};
use curo_store::repo::item::{self, Deleted, ItemKind, ItemRow, Place, folding};
use curo_store::repo::{conversation, overview, purge, search};
use curo_types::format::{Content, ContentBody, Reference};
use curo_types::{Text, UserId};

use super::{Folding, edit_of, text_of};
use crate::error::Fault;

/// Changes of one user that wait for messages that are not here, in one conversation.
const WAITING_ROWS: u64 = 256;
/// Bytes of edits among them.
const WAITING_BYTES: u64 = 2 * 1024 * 1024;
/// Different reactions to one message.
pub(crate) const REACTIONS_LIMIT: u64 = 64;

impl Folding<'_> {
    /// Takes a message that says something about others.
    pub(super) fn take_change(self, message: &ItemRow, body: &ContentBody) -> Result<(), Fault> {
        let Some(user) = message.sender_user else { return Ok(()) };
        if item::get(self.conn, self.id, message.sender_device, message.message)?.is_some() {
            return Ok(());
        }
        let row = |kind, target: Reference| ChangeRow {
            id: 0,
            place: message.place,
            kind,
            state: ChangeState::Pending,
            sender_device: message.sender_device,
            sender_user: user,
            message: message.message,
            target,
            emoji: String::new(),
            value: false,
            content: None,
            accepted_ms: message.accepted_ms,
        };
        let rows = match body {
            ContentBody::Edit { target, .. } => vec![ChangeRow {
                content: message.content.clone(),
                ..row(ChangeKind::Edit, *target)
            }],
            ContentBody::Delete { target } => vec![row(ChangeKind::Delete, *target)],
            ContentBody::Reaction { target, emoji, set } => vec![ChangeRow {
                emoji: emoji.as_str().to_owned(),
                value: *set,
                ..row(ChangeKind::Reaction, *target)
            }],
            ContentBody::Acknowledgement { target } => vec![row(ChangeKind::Acknowledgement, *target)],
            ContentBody::Purged { targets } => targets.iter().map(|target| row(ChangeKind::Purged, *target)).collect(),
            ContentBody::Text(_)
            | ContentBody::Amendment { .. }
            | ContentBody::ReceiptRequest
            | ContentBody::Unsupported => Vec::new(),
        };
        for row in rows {
            // Said again in a later incarnation it is judged from where it stands now (7.3).
            let taken = match change::add(self.conn, self.id, row.clone())? {
                Some(row) => Some(row),
                None => change::said_again(self.conn, self.id, row)?,
            };
            if let Some(row) = taken {
                self.fold(row)?;
            }
        }
        Ok(())
    }

    /// Folds a row that is new, whose target has come, or that has got its place in the log.
    pub(super) fn fold(self, row: ChangeRow) -> Result<(), Fault> {
        let Some(target) = item::get(self.conn, self.id, row.target.sender, row.target.message)? else {
            if row.kind == ChangeKind::Purged {
                return Ok(change::spend(self.conn, row.id)?);
            }
            let user = row.sender_user;
            return Ok(change::bound_waiting(
                self.conn,
                self.id,
                user,
                WAITING_ROWS,
                WAITING_BYTES,
            )?);
        };
        if target.kind != ItemKind::Message || target.fold.deleted == Deleted::Yes && row.kind != ChangeKind::Purged {
            return Ok(change::spend(self.conn, row.id)?);
        }
        change::set_live(self.conn, row.id)?;
        let of_author = target.sender_user == Some(row.sender_user);
        let holds = match row.kind {
            ChangeKind::Edit if of_author && is_text(&target) => {
                self.fold_edits(&target)?;
                true
            }
            ChangeKind::Delete if of_author && !is_amendment(&target) => {
                self.fold_deletes(&target)?;
                true
            }
            // What it is said about may be understood by a later build. Of what is said the same is kept as of a text.
            ChangeKind::Edit if of_author && is_unsupported(&target) => {
                let rows = change::live(self.conn, self.id, row.target, ChangeKind::Edit)?;
                let (_, before) = rows.split_last().unwrap_or((&row, &[]));
                for row in before {
                    change::spend(self.conn, row.id)?;
                }
                true
            }
            ChangeKind::Acknowledgement if !of_author && is_unsupported(&target) => self.first_of_user(&row)?,
            ChangeKind::Reaction => self.fold_reaction(&row)?,
            ChangeKind::Acknowledgement if !of_author && target.fold.priority > 0 => {
                self.had(row.sender_user, &target)? && self.first_of_user(&row)?
            }
            ChangeKind::Purged if target.fold.deleted == Deleted::Yes => {
                self.had(row.sender_user, &target)? && self.first_of_device(&row)?
            }
            // Somebody else's edit or delete, and what makes no sense: shown nowhere.
            _ => false,
        };
        if !holds {
            return Ok(change::spend(self.conn, row.id)?);
        }
        self.changed(&target)
    }

    /// Whether somebody can have had a message: who came after it says nothing of what they did with it.
    fn had(self, user: UserId, target: &ItemRow) -> Result<bool, Fault> {
        match target.place {
            Place::Log { incarnation, seq } => {
                Ok(!conversation::came_after(self.conn, self.id, user, (incarnation, seq))?)
            }
            Place::Unsent(_) => Ok(true),
        }
    }

    /// The last edit by place is shown, an unsent own one before all. Of those in the log one is kept: behind it nothing
    /// can come to light again.
    pub(super) fn fold_edits(self, target: &ItemRow) -> Result<(), Fault> {
        let mut rows = change::live(self.conn, self.id, target.reference(), ChangeKind::Edit)?;
        let logged = rows.iter().filter(|row| matches!(row.place, Place::Log { .. })).count();
        for row in rows.drain(..logged.saturating_sub(1)) {
            change::spend(self.conn, row.id)?;
        }
        let last = rows.last();
        let edit = last.and_then(|row| Some((row.content.as_deref()?, row.accepted_ms)));
        folding::set_edit(self.conn, self.id, target.reference(), edit)?;
        if target.fold.deleted == Deleted::No {
            self.index_again(target, last.and_then(edit_of))?;
        }
        Ok(())
    }

    /// A delete in the log purges, once and for all. One that is not there yet hides.
    pub(super) fn fold_deletes(self, target: &ItemRow) -> Result<(), Fault> {
        let reference = target.reference();
        let rows = change::live(self.conn, self.id, reference, ChangeKind::Delete)?;
        let done = rows.iter().any(|row| matches!(row.place, Place::Log { .. }));
        if !done {
            let asked = !rows.is_empty();
            folding::set_asked_to_delete(self.conn, self.id, reference, asked)?;
            return if asked {
                Ok(search::remove(self.conn, self.id, reference)?)
            } else {
                let edit = change::live(self.conn, self.id, reference, ChangeKind::Edit)?.pop();
                self.index_again(target, edit.as_ref().and_then(edit_of))
            };
        }
        search::remove(self.conn, self.id, reference)?;
        folding::purge(self.conn, self.id, reference)?;
        change::spend_all(self.conn, self.id, reference, ChangeKind::Edit)?;
        change::spend_all(self.conn, self.id, reference, ChangeKind::Reaction)?;
        // What is still on its way comes after the delete: nobody will count it.
        change::spend_unsent(self.conn, self.id, reference, ChangeKind::Acknowledgement)?;
        if target.fold.counts {
            overview::uncount(self.conn, self.id, target.place)?;
        }
        if target.sender_device != self.me.device {
            purge::owe(self.conn, self.id, reference)?;
        }
        Ok(())
    }

    /// Of one user's rows for one reaction the last in the log decides. A reaction that was taken back leaves nothing.
    fn fold_reaction(self, row: &ChangeRow) -> Result<bool, Fault> {
        if matches!(row.place, Place::Unsent(_)) {
            return Ok(true);
        }
        let same = change::live_of(
            self.conn,
            self.id,
            row.target,
            ChangeKind::Reaction,
            row.sender_user,
            &row.emoji,
        )?;
        let mut logged = same.into_iter().filter(|one| matches!(one.place, Place::Log { .. }));
        let last = logged.next_back();
        for before in logged {
            change::spend(self.conn, before.id)?;
        }
        match last {
            // Which one of its own this device has taken back, it may have to say again (7.3).
            Some(last) if !last.value && last.sender_device == self.me.device => change::rest(self.conn, last.id)?,
            Some(last) if !last.value => change::spend(self.conn, last.id)?,
            Some(last) => {
                let (different, _) = change::reactions_set(self.conn, self.id, row.target, &row.emoji)?;
                if different > REACTIONS_LIMIT {
                    change::spend(self.conn, last.id)?;
                }
            }
            None => {}
        }
        Ok(true)
    }

    /// A user takes note once: the first in the log stays.
    fn first_of_user(self, row: &ChangeRow) -> Result<bool, Fault> {
        let rows = change::live_of(self.conn, self.id, row.target, row.kind, row.sender_user, "")?;
        self.first(row, &rows)
    }

    fn first_of_device(self, row: &ChangeRow) -> Result<bool, Fault> {
        let mut rows = change::live_of(self.conn, self.id, row.target, row.kind, row.sender_user, "")?;
        rows.retain(|one| one.sender_device == row.sender_device);
        self.first(row, &rows)
    }

    fn first(self, row: &ChangeRow, rows: &[ChangeRow]) -> Result<bool, Fault> {
        if matches!(row.place, Place::Unsent(_)) {
            return Ok(true);
        }
        let mut logged = rows.iter().filter(|one| matches!(one.place, Place::Log { .. }));
        let first = logged.next();
        for later in logged {
            change::spend(self.conn, later.id)?;
        }
        Ok(first.is_none_or(|first| first.id == row.id))
    }

    /// A message is found by what is shown of it.
    fn index_again(self, target: &ItemRow, edit: Option<Text>) -> Result<(), Fault> {
        if matches!(target.place, Place::Unsent(_)) {
            return Ok(());
        }
        match edit.or_else(|| original(target)) {
            Some(text) => self.index(target.reference(), target.accepted_ms, &text),
            None => Ok(()),
        }
    }
}

fn body(target: &ItemRow) -> Option<ContentBody> {
    Some(Content::from_bytes(target.content.as_deref()?).ok()?.typed())
}

fn original(target: &ItemRow) -> Option<Text> {
    body(target).as_ref().and_then(text_of).cloned()
}

fn is_text(target: &ItemRow) -> bool {
    matches!(body(target), Some(ContentBody::Text(_)))
}

/// Whether this build does not understand what it says.
fn is_unsupported(target: &ItemRow) -> bool {
    target.code.is_some() && matches!(body(target), None | Some(ContentBody::Unsupported))
}

fn is_amendment(target: &ItemRow) -> bool {
    matches!(body(target), Some(ContentBody::Amendment { .. }))
}

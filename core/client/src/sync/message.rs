//! Applying messages.

use curo_mls::{MlsError, Processed, Refusal};
use curo_store::repo::account::Account;
use curo_store::repo::conversation::ConversationRow;
use curo_store::repo::item::{self, ItemKind, ItemRow, Place};
use curo_store::repo::leaf;
use curo_store::repo::outbox::{self, IntentKind, IntentState};
use curo_types::api::EntryRecord;
use curo_types::format::{AuthenticatedData, Content, ContentBody, Credential, Kind, StateBody};
use curo_types::{Digest, ErrorCode, FormatError};

use super::apply::{event, seen};
use super::standing::freeze;
use crate::about;
use crate::db::Tx;
use crate::error::Fault;
use crate::fold::Folding;
use crate::receipts;
use crate::rejoin::{on_the_way, rollback};

/// An own message: recognised before OpenMLS sees it (rule 4.5).
pub(super) fn own(tx: &mut Tx<'_>, me: &Account, row: &mut ConversationRow, entry: &EntryRecord) -> Result<(), Fault> {
    let sent = outbox::get(tx.conn, entry.intent)?
        .filter(|sent| sent.kind == IntentKind::Message && sent.conversation == row.id);
    let known = sent.as_ref().is_some_and(|sent| {
        matches!(
            sent.state,
            IntentState::Prepared | IntentState::Unknown | IntentState::Accepted
        ) && sent.body_hash == Some(Digest::of(entry.body.as_slice()))
    });
    if let Some(sent) = sent {
        // The intent is the message's, whatever the bytes are: what was asked for has been done.
        if sent.state != IntentState::Accepted {
            row.sent_count += 1;
        }
        let place = Place::Log {
            incarnation: entry.incarnation,
            seq: entry.seq,
        };
        let state = about::is_state(&sent.payload)
            .then(|| Content::from_bytes(&sent.payload).ok())
            .flatten();
        let shows = match &state {
            Some(content) => about::is_shown(content),
            None => !about::has_kind(&sent.payload, Kind::PURGED) && !receipts::is_request(&sent.payload),
        };
        if shows {
            seen(row, entry);
        }
        if let Some(content) = state
            && about::arrived(tx.conn, me, row, entry, me.user, &content)?
        {
            outbox::done(tx.conn, sent.position, Some(entry.seq))?;
        } else if receipts::is_request(&sent.payload) {
            outbox::done(tx.conn, sent.position, Some(entry.seq))?;
        } else {
            let folding = Folding::new(tx.conn, me, row.id);
            folding.accepted(entry.intent.into(), &sent.payload, place, entry.time_ms)?;
            outbox::remove(tx.conn, sent.position)?;
        }
    } else {
        seen(row, entry);
        item::add(
            tx.conn,
            row.id,
            &ItemRow {
                sender_user: Some(me.user),
                ..event(ItemKind::Lost, entry, None)
            },
        )?;
    }
    if known {
        return Ok(());
    }
    // This device does not know what it sent: its database was rolled back. Nothing more is sent (7.1).
    rollback::detected(tx.conn)?;
    on_the_way(tx.conn, row.id)?;
    freeze(tx.conn, row, &ErrorCode::REJOIN_NEEDED)
}

/// A message of another device.
pub(super) fn foreign(
    tx: &mut Tx<'_>,
    me: &Account,
    row: &mut ConversationRow,
    entry: &EntryRecord,
) -> Result<(), Fault> {
    let permanent = |code| Fault::Entry { seq: entry.seq, code };
    let Some(group) = row.group else {
        return Err(permanent(ErrorCode::REJOIN_NEEDED));
    };
    // The relay calls it a message: a commit inside is refused before it is applied.
    let processed = tx
        .mls
        .process(&tx.kv, group.as_bytes(), entry.body.as_slice(), &mut |_| {
            Err(Refusal::new(()))
        });
    let (sender, aad, plaintext) = match processed {
        Ok(Processed::Message {
            sender, aad, plaintext, ..
        }) => (sender, aad, plaintext),
        Ok(Processed::Commit(_)) => return Err(permanent(ErrorCode::REFUSED)),
        Err(error) if error.retryable() => return Err(error.into()),
        // The rows of this one group are damaged: nothing of the conversation can be read any more.
        Err(MlsError::Storage(_) | MlsError::UnknownGroup) => return Err(permanent(ErrorCode::REJOIN_NEEDED)),
        Err(_) => return Err(permanent(ErrorCode::REFUSED)),
    };
    let read = Credential::from_bytes(&sender.identity)
        .and_then(|credential| Ok((credential, AuthenticatedData::from_bytes(&aad)?)));
    if matches!(&read, Err(FormatError::UnsupportedVersion { .. })) {
        // Whose it is cannot be checked: rolled back, so that a later version of this client reads it as if it had just come.
        return Err(permanent(ErrorCode::UPDATE_REQUIRED));
    }
    let credible = |(credential, data): &(Credential, AuthenticatedData)| {
        credential.tenant == me.tenant
            && credential.device == entry.sender
            && data.intent == entry.intent
            && data.counter.is_some()
    };
    let mut shown = event(ItemKind::Message, entry, None);
    let mut taken = None;
    match read {
        Ok(read) if credible(&read) => {
            let (credential, data) = read;
            shown.sender_user = Some(credential.user);
            match Content::from_bytes(&plaintext) {
                Ok(content) if content.message == entry.intent.into() => {
                    shown.claimed_ms = content.claimed_ms;
                    shown.content = Some(plaintext);
                    if matches!(content.typed(), ContentBody::Unsupported) {
                        shown.code = Some(ErrorCode::UNSUPPORTED_VERSION.as_str().to_owned());
                    }
                    taken = Some(content);
                }
                // A later version: kept, so that a later version of this client can show it.
                Err(FormatError::UnsupportedVersion { .. }) => {
                    shown.content = Some(plaintext);
                    shown.code = Some(ErrorCode::UNSUPPORTED_VERSION.as_str().to_owned());
                }
                _ => unreadable(&mut shown),
            }
            if let Some(cursor) = data.cursor {
                let seen = cursor.seq.min(entry.seq);
                leaf::see_cursor(tx.conn, row.id, row.incarnation, credential.device, seen, entry.seq)?;
            }
        }
        _ => unreadable(&mut shown),
    }
    if let Some(content) = &taken
        && content.kind.0 == Kind::RECEIPT_REQUEST
        && content.typed() == ContentBody::ReceiptRequest
    {
        return receipts::asked(tx.conn, row);
    }
    let shows = match &taken {
        Some(content) if content.kind.0 == StateBody::KIND => about::is_shown(content),
        Some(content) => content.kind.0 != Kind::PURGED && content.kind.0 != Kind::RECEIPT_REQUEST,
        None => true,
    };
    if shows {
        seen(row, entry);
    }
    if let (Some(content), Some(user)) = (&taken, shown.sender_user)
        && content.kind.0 == StateBody::KIND
        && about::arrived(tx.conn, me, row, entry, user, content)?
    {
        return Ok(());
    }
    Folding::new(tx.conn, me, row.id).take(shown, taken.as_ref())
}

/// The message's key is used up and the cursor moves: what it holds breaks a rule.
fn unreadable(shown: &mut ItemRow) {
    shown.kind = ItemKind::Unreadable;
    shown.code = Some(ErrorCode::MALFORMED.as_str().to_owned());
}

//! Receipts for deleted messages that this device has purged (rule 8.4): owed since the transaction that purged them,
//! written when the conversation has its turn, many in one message.

use curo_store::repo::outbox;
use curo_store::repo::purge;
use curo_types::format::{Content, ContentBody};
use curo_types::{ConversationId, IntentId};
use rusqlite::Connection;

use crate::core::now_ms;
use crate::error::Fault;

/// Turns what is owed into one message at the end of the queue. What is owed beyond its limit waits for the next turn.
pub(super) fn queue(conn: &Connection, id: ConversationId) -> Result<(), Fault> {
    let targets = purge::owed(conn, id, Content::REFERENCES_LIMIT)?;
    if targets.is_empty() {
        return Ok(());
    }
    for target in &targets {
        purge::paid(conn, id, *target)?;
    }
    let (intent, now) = (IntentId::random(), now_ms());
    let mut content = Content::of(intent.into(), &ContentBody::Purged { targets })?;
    content.claimed_ms = Some(now);
    Ok(outbox::add_system(conn, intent, id, &content.to_bytes()?, now)?)
}

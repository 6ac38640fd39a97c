//! A database in memory with the schema of today, and ids that a reader of a failed test can tell apart.

use curo_types::{ConversationId, DeviceId, Digest, GroupId, IntentId, MessageId, UserId};
use rusqlite::Connection;

use super::conversation::{ConversationRow, ConversationState};
use crate::schema;

pub(crate) const CARE: ConversationId = ConversationId([0xc1; 16]);
pub(crate) const WARD: ConversationId = ConversationId([0xc2; 16]);

/// With all migrations.
pub(crate) fn database() -> Connection {
    let conn = Connection::open_in_memory().unwrap();
    for migration in schema::options(curo_sqlite::Mode::Create, schema::Footprint::NORMAL).migrations {
        conn.execute_batch(migration.sql).unwrap();
    }
    conn
}

pub(crate) fn user(n: u8) -> UserId {
    UserId([n; 16])
}

pub(crate) fn device(n: u8) -> DeviceId {
    DeviceId([n; 16])
}

pub(crate) fn message(n: u8) -> MessageId {
    MessageId([n; 16])
}

pub(crate) fn intent(n: u8) -> IntentId {
    IntentId([n; 16])
}

/// An active conversation whose cursor is at `cursor`.
pub(crate) fn conversation(id: ConversationId, cursor: u64) -> ConversationRow {
    ConversationRow {
        id,
        incarnation: 1,
        group: Some(GroupId(id.0)),
        suite: None,
        state: ConversationState::Active,
        frozen_code: None,
        cursor_seq: cursor,
        cursor_h: Digest([7; 32]),
        joined_seq: 1,
        epoch: 3,
        sent_count: 4,
        discarded: 5,
        needs_update: true,
        reported_seq: 0,
        behind: false,
        direct_with: None,
        activity: 1000,
    }
}

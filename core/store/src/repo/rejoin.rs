//! Conversations on the ladder of rule 7.4: how often it was tried, and the external commit that is under way.

use curo_types::{ConversationId, GroupId, IntentId, SuiteId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use zeroize::Zeroizing;

use super::{Result, int, one, uint};

/// What is done about a conversation that cannot go on.
#[derive(Clone, PartialEq, Eq)]
pub struct RejoinRow {
    /// The conversation.
    pub conversation: ConversationId,
    /// Rungs that did not help.
    pub tries: u64,
    /// The intent of the external commit, the same until one is accepted.
    pub intent: IntentId,
    /// The commit under way. Its bytes are sent until it has won or lost.
    pub made: Option<MadeRejoin>,
}

/// An external commit that is made and not settled.
#[derive(Clone, PartialEq, Eq)]
pub struct MadeRejoin {
    /// The incarnation that it is for.
    pub incarnation: u64,
    /// Its MLS group.
    pub group: GroupId,
    /// Its suite.
    pub suite: SuiteId,
    /// The commit.
    pub commit: Vec<u8>,
    /// GroupInfo of the epoch that it opens.
    pub group_info: Vec<u8>,
    /// The group's rows in that epoch: private keys.
    pub state: Zeroizing<Vec<u8>>,
    /// Own messages that the relay had accepted when it was made.
    pub counter: u64,
    /// Sequence number of the relay's tip then.
    pub tip_seq: u64,
    /// The first entry that the relay kept then.
    pub kept_from: u64,
}

impl std::fmt::Debug for RejoinRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RejoinRow")
            .field("conversation", &self.conversation)
            .field("tries", &self.tries)
            .field("intent", &self.intent)
            .field("made", &self.made.is_some())
            .finish()
    }
}

impl std::fmt::Debug for MadeRejoin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MadeRejoin({} bytes)", self.commit.len())
    }
}

const COLUMNS: &str = "conversation, tries, intent, incarnation, group_id, suite, commit_bytes, group_info, mls, counter, tip_seq, \
                       kept_from";

fn read(row: &Row<'_>) -> Result<RejoinRow> {
    let made = match row.get::<_, Option<Vec<u8>>>(8)?.map(Zeroizing::new) {
        None => None,
        Some(state) => Some(MadeRejoin {
            incarnation: uint(row.get(3)?),
            group: GroupId(row.get(4)?),
            suite: SuiteId(row.get(5)?),
            commit: row.get(6)?,
            group_info: row.get(7)?,
            state,
            counter: uint(row.get(9)?),
            tip_seq: uint(row.get(10)?),
            kept_from: uint(row.get(11)?),
        }),
    };
    Ok(RejoinRow {
        conversation: ConversationId(row.get(0)?),
        tries: uint(row.get(1)?),
        intent: IntentId(row.get(2)?),
        made,
    })
}

/// The row of a conversation.
///
/// # Errors
/// The database's.
pub fn get(conn: &Connection, id: ConversationId) -> Result<Option<RejoinRow>> {
    conn.prepare_cached(&format!("SELECT {COLUMNS} FROM rejoin WHERE conversation = ?1"))?
        .query_row([id.0], read)
        .optional()
}

/// Writes a row, replacing what was there.
///
/// # Errors
/// The database's.
pub fn put(conn: &Connection, row: &RejoinRow) -> Result<()> {
    let made = row.made.as_ref();
    conn.prepare_cached(&format!(
        "INSERT OR REPLACE INTO rejoin ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
    ))?
    .execute(params![
        row.conversation.0,
        int(row.tries),
        row.intent.0,
        made.map(|made| int(made.incarnation)),
        made.map(|made| made.group.0),
        made.map(|made| made.suite.0),
        made.map(|made| made.commit.as_slice()),
        made.map(|made| made.group_info.as_slice()),
        made.map(|made| made.state.as_slice()),
        made.map(|made| int(made.counter)),
        made.map(|made| int(made.tip_seq)),
        made.map(|made| int(made.kept_from)),
    ])?;
    Ok(())
}

/// Ends what is done about a conversation: it goes on, or never will.
///
/// # Errors
/// The database's.
pub fn forget(conn: &Connection, id: ConversationId) -> Result<()> {
    conn.prepare_cached("DELETE FROM rejoin WHERE conversation = ?1")?
        .execute([id.0])?;
    Ok(())
}

/// Conversations that are frozen with this code.
///
/// # Errors
/// The database's.
pub fn frozen_with(conn: &Connection, code: &str) -> Result<Vec<ConversationId>> {
    conn.prepare_cached("SELECT id FROM conversation WHERE state = 'frozen' AND frozen_code = ?1")?
        .query_map([code], |row| Ok(ConversationId(row.get(0)?)))?
        .collect()
}

/// Conversations that this device waits to be let into.
///
/// # Errors
/// The database's.
pub fn waiting(conn: &Connection) -> Result<Vec<ConversationId>> {
    conn.prepare_cached("SELECT id FROM conversation WHERE state = 'waiting'")?
        .query_map([], |row| Ok(ConversationId(row.get(0)?)))?
        .collect()
}

/// Notes that this store is older than what the relay has seen of this device. Says whether that is new.
///
/// # Errors
/// The database's.
pub fn note_rollback(conn: &Connection, now_ms: u64) -> Result<bool> {
    one(
        conn,
        "INSERT INTO rollback (id, noted_ms) VALUES (1, ?1) ON CONFLICT DO NOTHING",
        [int(now_ms)],
    )
}

/// Whether such a rollback is being mended.
///
/// # Errors
/// The database's.
pub fn is_rolled_back(conn: &Connection) -> Result<bool> {
    conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM rollback)")?
        .query_row([], |row| row.get(0))
}

/// The rollback is mended.
///
/// # Errors
/// The database's.
pub fn end_rollback(conn: &Connection) -> Result<()> {
    conn.prepare_cached("DELETE FROM rollback")?.execute([])?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests;

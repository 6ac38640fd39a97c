//! The outbox: one row an intent, for life (rule book section 4).

use curo_types::{ClaimId, ConversationId, Digest, IntentId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{Result, int, one, uint};

mod kinds;

pub use self::kinds::{IntentKind, IntentState};

/// One row.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Local order.
    pub position: u64,
    /// The intent.
    pub intent: IntentId,
    /// The conversation.
    pub conversation: ConversationId,
    /// What it asks for.
    pub kind: IntentKind,
    /// What the user asked for, in the client's encoding. May be PHI.
    pub payload: Vec<u8>,
    /// Where it stands.
    pub state: IntentState,
    /// The incarnation that the bytes are for.
    pub incarnation: Option<u64>,
    /// The epoch that the bytes were made in.
    pub epoch: Option<u64>,
    /// The MLS message.
    pub body: Option<Vec<u8>>,
    /// Its SHA-256.
    pub body_hash: Option<Digest>,
    /// What else the request of a commit carries, in the client's encoding.
    pub request: Option<Vec<u8>>,
    /// The claim of KeyPackages that the intent uses.
    pub claim: Option<ClaimId>,
    /// Sequence number, once accepted.
    pub seq: Option<u64>,
    /// The error code of a failed intent.
    pub code: Option<String>,
    /// Local time of the intent.
    pub created_ms: u64,
    /// Why the user asked for it: the encoded access context, if the app gave one.
    pub access: Option<Vec<u8>>,
}

impl std::fmt::Debug for OutboxRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutboxRow")
            .field("position", &self.position)
            .field("intent", &self.intent)
            .field("kind", &self.kind)
            .field("state", &self.state)
            .field("code", &self.code)
            .finish_non_exhaustive()
    }
}

const COLUMNS: &str = "position, intent, conversation, kind, payload, state, incarnation, epoch, body, body_hash, request, claim, \
                       seq, code, created_ms, access";

fn read(row: &Row<'_>) -> Result<OutboxRow> {
    Ok(OutboxRow {
        position: uint(row.get(0)?),
        intent: IntentId(row.get(1)?),
        conversation: ConversationId(row.get(2)?),
        kind: IntentKind::parse(row.get_ref(3)?.as_str()?)?,
        payload: row.get(4)?,
        state: IntentState::parse(row.get_ref(5)?.as_str()?)?,
        incarnation: row.get::<_, Option<i64>>(6)?.map(uint),
        epoch: row.get::<_, Option<i64>>(7)?.map(uint),
        body: row.get(8)?,
        body_hash: row.get::<_, Option<[u8; 32]>>(9)?.map(Digest),
        request: row.get(10)?,
        claim: row.get::<_, Option<[u8; 16]>>(11)?.map(ClaimId),
        seq: row.get::<_, Option<i64>>(12)?.map(uint),
        code: row.get(13)?,
        created_ms: uint(row.get(14)?),
        access: row.get(15)?,
    })
}

/// Adds an intent at the end of the queue and returns its position; the position of the row that is there if the
/// intent is there already.
///
/// # Errors
/// The database's.
pub fn add(
    conn: &Connection,
    intent: IntentId,
    conversation: ConversationId,
    kind: IntentKind,
    payload: &[u8],
    created_ms: u64,
) -> Result<(u64, bool)> {
    let added = one(
        conn,
        "INSERT INTO outbox (intent, conversation, kind, payload, state, created_ms) VALUES (?1, ?2, ?3, ?4, 'queued', ?5) \
         ON CONFLICT (intent) DO NOTHING",
        params![intent.0, conversation.0, kind.as_str(), payload, int(created_ms)],
    )?;
    let position = conn
        .prepare_cached("SELECT position FROM outbox WHERE intent = ?1")?
        .query_row([intent.0], |row| row.get(0))?;
    Ok((uint(position), added))
}

/// Keeps why the user asked for an intent.
///
/// # Errors
/// The database's.
pub fn set_access(conn: &Connection, intent: IntentId, access: &[u8]) -> Result<()> {
    conn.prepare_cached("UPDATE outbox SET access = ?2 WHERE intent = ?1")?
        .execute(params![intent.0, access])?;
    Ok(())
}

/// Adds a message that the core sends by itself: it is not counted, and goes when it fails.
///
/// # Errors
/// The database's.
pub fn add_system(
    conn: &Connection,
    intent: IntentId,
    conversation: ConversationId,
    payload: &[u8],
    created_ms: u64,
) -> Result<()> {
    let (position, _) = add(conn, intent, conversation, IntentKind::Message, payload, created_ms)?;
    set_system(conn, position)
}

/// Marks a row as one that nobody asked for: it is not counted, and if it fails it goes.
///
/// # Errors
/// The database's.
pub fn set_system(conn: &Connection, position: u64) -> Result<()> {
    conn.prepare_cached("UPDATE outbox SET system = 1 WHERE position = ?1")?
        .execute([int(position)])?;
    Ok(())
}

/// A row by its intent.
///
/// # Errors
/// The database's.
pub fn get(conn: &Connection, intent: IntentId) -> Result<Option<OutboxRow>> {
    conn.prepare_cached(&format!("SELECT {COLUMNS} FROM outbox WHERE intent = ?1"))?
        .query_row([intent.0], read)
        .optional()
}

/// One row by its local order.
///
/// # Errors
/// The database's.
pub fn at(conn: &Connection, position: u64) -> Result<Option<OutboxRow>> {
    conn.prepare_cached(&format!("SELECT {COLUMNS} FROM outbox WHERE position = ?1"))?
        .query_row([int(position)], read)
        .optional()
}

/// The own commit of a conversation that is prepared, sent, or accepted and not reached by the cursor. There is one at
/// most.
///
/// # Errors
/// The database's.
pub fn commit_in_flight(conn: &Connection, conversation: ConversationId) -> Result<Option<OutboxRow>> {
    conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM outbox WHERE conversation = ?1 AND kind <> 'message' \
         AND state IN ('prepared', 'unknown', 'accepted') ORDER BY position LIMIT 1"
    ))?
    .query_row([conversation.0], read)
    .optional()
}

/// Queues a conversation's creation again, if it has failed.
///
/// # Errors
/// The database's.
pub fn retry_creation(conn: &Connection, conversation: ConversationId) -> Result<()> {
    conn.prepare_cached(
        "UPDATE outbox SET state = 'queued', code = NULL WHERE conversation = ?1 AND kind = 'create' AND state = 'failed'",
    )?
    .execute([conversation.0])?;
    Ok(())
}

/// Forgets outcomes of intents that are older than a time.
///
/// # Errors
/// The database's.
pub fn forget_done(conn: &Connection, before_ms: u64) -> Result<()> {
    conn.prepare_cached("DELETE FROM outbox WHERE state = 'done' AND created_ms < ?1")?
        .execute([int(before_ms)])?;
    Ok(())
}

/// Messages of a conversation whose bytes are durable and not settled, in local order.
///
/// # Errors
/// The database's.
pub fn unsettled_messages(conn: &Connection, conversation: ConversationId, limit: Limit) -> Result<Vec<OutboxRow>> {
    limit.read(
        conn,
        conversation,
        "kind = 'message' AND state IN ('prepared', 'unknown')",
    )
}

/// Queued rows of a conversation, in local order.
///
/// # Errors
/// The database's.
pub fn queued(conn: &Connection, conversation: ConversationId, limit: Limit) -> Result<Vec<OutboxRow>> {
    limit.read(conn, conversation, "state = 'queued'")
}

/// Rows that a new membership finds settled or pointless: accepted ones, and the conversation's creation.
///
/// # Errors
/// The database's.
pub fn of_old_membership(conn: &Connection, conversation: ConversationId) -> Result<Vec<OutboxRow>> {
    let all = Limit {
        rows: usize::MAX,
        bytes: usize::MAX,
    };
    let creation = "kind = 'create' AND state IN ('queued', 'prepared', 'unknown')";
    all.read(conn, conversation, &format!("(state = 'accepted' OR {creation})"))
}

/// How much of the outbox is read at once: messages may be large, and thousands may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Rows, at most.
    pub rows: usize,
    /// Bytes of payloads and bodies, at most; the first row is read whatever its size.
    pub bytes: usize,
}

impl Limit {
    fn read(self, conn: &Connection, conversation: ConversationId, filter: &str) -> Result<Vec<OutboxRow>> {
        let mut statement = conn.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM outbox WHERE conversation = ?1 AND {filter} ORDER BY position LIMIT ?2"
        ))?;
        let (mut rows, mut bytes) = (Vec::new(), 0);
        for row in statement.query_map(params![conversation.0, int(self.rows as u64)], read)? {
            let row = row?;
            bytes += row.payload.len() + row.body.as_ref().map_or(0, Vec::len);
            if bytes > self.bytes && !rows.is_empty() {
                break;
            }
            rows.push(row);
        }
        Ok(rows)
    }
}

/// Conversations that have rows to be sent, or owe receipts.
///
/// # Errors
/// The database's.
pub fn conversations_with_work(conn: &Connection) -> Result<Vec<ConversationId>> {
    conn.prepare_cached(
        "SELECT conversation FROM outbox WHERE state IN ('queued', 'prepared', 'unknown') \
         UNION SELECT conversation FROM purge_owed \
         UNION SELECT conversation FROM departure WHERE NOT gone",
    )?
    .query_map([], |row| Ok(ConversationId(row.get(0)?)))?
    .collect()
}

/// Rows that somebody asked for and that are not done: (waiting, failed).
///
/// # Errors
/// The database's.
pub fn counts(conn: &Connection) -> Result<(u64, u64)> {
    conn.prepare_cached(
        "SELECT count(*) FILTER (WHERE state <> 'failed'), count(*) FILTER (WHERE state = 'failed') \
         FROM outbox WHERE state IN ('queued', 'prepared', 'unknown', 'accepted', 'failed') AND NOT system",
    )?
    .query_row([], |row| Ok((uint(row.get(0)?), uint(row.get(1)?))))
}

/// Exact bytes for a row, made in an epoch: queued -> prepared.
///
/// # Errors
/// The database's.
pub fn prepared(
    conn: &Connection,
    position: u64,
    incarnation: u64,
    epoch: u64,
    body: &[u8],
    request: Option<&[u8]>,
) -> Result<()> {
    conn.prepare_cached(
        "UPDATE outbox SET state = 'prepared', incarnation = ?2, epoch = ?3, body = ?4, body_hash = ?5, request = ?6 \
         WHERE position = ?1",
    )?
    .execute(params![
        int(position),
        int(incarnation),
        int(epoch),
        body,
        Digest::of(body).0,
        request
    ])?;
    Ok(())
}

/// The bytes were handed to the network and no answer has come: prepared -> unknown.
///
/// # Errors
/// The database's.
pub fn sent(conn: &Connection, position: u64) -> Result<()> {
    conn.prepare_cached("UPDATE outbox SET state = 'unknown' WHERE position = ?1 AND state = 'prepared'")?
        .execute([int(position)])?;
    Ok(())
}

/// The relay has accepted the row: prepared or unknown -> accepted. Says whether the row was in such a state.
///
/// # Errors
/// The database's.
pub fn accepted(conn: &Connection, position: u64, seq: u64) -> Result<bool> {
    one(
        conn,
        "UPDATE outbox SET state = 'accepted', seq = ?2 WHERE position = ?1 AND state IN ('prepared', 'unknown')",
        [int(position), int(seq)],
    )
}

/// Back to the intent: the bytes can never be accepted any more.
///
/// # Errors
/// The database's.
pub fn requeue(conn: &Connection, position: u64, keep_claim: bool) -> Result<()> {
    conn.prepare_cached(
        "UPDATE outbox SET state = 'queued', incarnation = NULL, epoch = NULL, body = NULL, body_hash = NULL, request = NULL, \
         seq = NULL, code = NULL, claim = CASE WHEN ?2 THEN claim END WHERE position = ?1",
    )?
    .execute(params![int(position), keep_claim])?;
    Ok(())
}

/// Back to their intents: every row of a conversation whose bytes can never be accepted any more, because their epoch has
/// ended. Returns how many there were. Claims stay: their KeyPackages were never used.
///
/// # Errors
/// The database's.
pub fn requeue_unsettled(conn: &Connection, conversation: ConversationId) -> Result<u64> {
    let rows = conn
        .prepare_cached(
            "UPDATE outbox SET state = 'queued', incarnation = NULL, epoch = NULL, body = NULL, body_hash = NULL, \
             request = NULL WHERE conversation = ?1 AND state IN ('prepared', 'unknown')",
        )?
        .execute([conversation.0])?;
    Ok(rows as u64)
}

/// Fails every open row of a conversation.
///
/// # Errors
/// The database's.
pub fn fail_open(conn: &Connection, conversation: ConversationId, code: &str) -> Result<()> {
    conn.prepare_cached("DELETE FROM outbox WHERE conversation = ?1 AND system AND state IN ('queued', 'prepared', 'unknown', 'accepted')")?
        .execute([conversation.0])?;
    conn.prepare_cached(
        "UPDATE outbox SET state = 'failed', code = ?2, body = NULL, request = NULL, claim = NULL, seq = NULL \
         WHERE conversation = ?1 AND state IN ('queued', 'prepared', 'unknown', 'accepted')",
    )?
    .execute(params![conversation.0, code])?;
    Ok(())
}

/// The queued update commits of a conversation, in local order: duties, of which there are few.
///
/// # Errors
/// The database's.
pub fn queued_updates(conn: &Connection, conversation: ConversationId) -> Result<Vec<OutboxRow>> {
    conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM outbox WHERE conversation = ?1 AND state = 'queued' AND kind = 'update' ORDER BY position"
    ))?
    .query_map([conversation.0], read)?
    .collect()
}

/// The first queued row of a kind in a conversation.
///
/// # Errors
/// The database's.
pub fn first_queued(conn: &Connection, conversation: ConversationId, kind: IntentKind) -> Result<Option<OutboxRow>> {
    conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM outbox WHERE conversation = ?1 AND state = 'queued' AND kind = ?2 \
         ORDER BY position LIMIT 1"
    ))?
    .query_row(params![conversation.0, kind.as_str()], read)
    .optional()
}

/// Remembers the claim that a row's KeyPackages come from, and narrows the intent to whom the claim is for.
///
/// # Errors
/// The database's.
pub fn set_claim(conn: &Connection, position: u64, claim: ClaimId, payload: &[u8]) -> Result<()> {
    conn.prepare_cached("UPDATE outbox SET claim = ?2, payload = ?3 WHERE position = ?1")?
        .execute(params![int(position), claim.0, payload])?;
    Ok(())
}

/// Ends a message's row: the timeline holds the message now.
///
/// # Errors
/// The database's.
pub fn remove(conn: &Connection, position: u64) -> Result<()> {
    conn.prepare_cached("DELETE FROM outbox WHERE position = ?1")?
        .execute([int(position)])?;
    Ok(())
}

/// Ends a commit's row and keeps the outcome; the bytes go.
///
/// # Errors
/// The database's.
pub fn done(conn: &Connection, position: u64, seq: Option<u64>) -> Result<()> {
    conn.prepare_cached(
        "UPDATE outbox SET state = 'done', seq = ?2, payload = x'', body = NULL, request = NULL, claim = NULL, code = NULL \
         WHERE position = ?1",
    )?
    .execute(params![int(position), seq.map(int)])?;
    Ok(())
}

/// Ends a row that was never sent because the user has taken it back: nothing of it stays but its id and that code.
///
/// # Errors
/// The database's.
pub fn cancelled(conn: &Connection, position: u64, code: &str) -> Result<()> {
    done(conn, position, None)?;
    conn.prepare_cached("UPDATE outbox SET code = ?2 WHERE position = ?1")?
        .execute(params![int(position), code])?;
    Ok(())
}

/// Ends a row with an error code. What the user asked for stays, so that it can be retried.
///
/// # Errors
/// The database's.
pub fn failed(conn: &Connection, position: u64, code: &str) -> Result<()> {
    let system = conn
        .prepare_cached("DELETE FROM outbox WHERE position = ?1 AND system")?
        .execute([int(position)])?;
    if system > 0 {
        return Ok(());
    }
    conn.prepare_cached(
        "UPDATE outbox SET state = 'failed', code = ?2, body = NULL, request = NULL, claim = NULL, seq = NULL WHERE position = ?1",
    )?
    .execute(params![int(position), code])?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests;

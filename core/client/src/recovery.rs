//! A relay that was restored from a backup (rule 7.2): it has another store id, and has lost what it accepted after the backup.
//!
//! `adopt` takes the new store for the account's, which nothing else does; `compare` looks conversation by conversation at what
//! the relay has, offers what it lacks, and finds what both have where their logs part. What the relay cannot take back goes on
//! in another incarnation (`renew`). Between the two every conversation stands still, frozen with `store_changed`.

mod adopt;
mod compare;
mod directory;
mod offer;

use curo_store::repo::{account, lost, recovery};
use curo_types::Blob;
use curo_types::api::{KnownAccount, LostLog, LostVersions, SessionAnswer};
use curo_types::{ConversationId, ErrorCode};
use rusqlite::Connection;

pub(crate) use adopt::adopt;

use crate::error::Fault;

/// Whether a refusal may mean that the relay was restored: the session tells.
pub(crate) fn may_be_restored(code: &ErrorCode) -> bool {
    [ErrorCode::STORE_CHANGED, ErrorCode::UNKNOWN_DEVICE].contains(code)
}

/// Who this account is at its relay, on the relay's own word: for one that has lost it.
pub(crate) fn known(conn: &Connection) -> Result<Option<KnownAccount>, Fault> {
    let (me, statement) = (account::get(conn)?, lost::statement(conn)?);
    Ok(me.zip(statement).map(|(me, statement)| KnownAccount {
        user: me.user,
        statement: Blob(statement),
    }))
}

/// Bytes of a statement: a signature. Another one is of no use.
const STATEMENT_BYTES: usize = 64;

/// Keeps the relay's word on who the account is.
pub(crate) fn keep_statement(conn: &Connection, session: &SessionAnswer) -> Result<(), Fault> {
    match &session.account {
        Some(statement) if statement.len() == STATEMENT_BYTES => Ok(lost::set_statement(conn, statement.as_slice())?),
        _ => Ok(()),
    }
}

/// Keeps which directory versions the relay has lost. Only where its store is taken: a relay cannot lose more on its word alone.
pub(crate) fn keep_lost(conn: &Connection, spans: &[LostVersions]) -> Result<(), Fault> {
    let spans: Vec<_> = spans
        .iter()
        .take(MAX_SPANS)
        .map(|span| (span.after, span.until))
        .collect();
    Ok(lost::set_versions(conn, &spans)?)
}

/// Spans of lost versions that are kept.
const MAX_SPANS: usize = 64;

/// The proof that an incarnation's log is lost, if there is one.
pub(crate) fn proof(conn: &Connection, id: ConversationId, incarnation: u64) -> Result<Option<LostLog>, Fault> {
    let bytes = recovery::lost(conn, id, incarnation)?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

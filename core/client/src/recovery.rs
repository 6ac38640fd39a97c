//! A relay that was restored from a backup (rule 7.2): it has another store id, and has lost what it accepted after the backup.
//!
//! `adopt` takes the new store for the account's, which nothing else does; `compare` looks conversation by conversation at what
//! the relay has, offers what it lacks, and finds what both have where their logs part. What the relay cannot take back goes on
//! in another incarnation (`renew`). Between the two every conversation stands still, frozen with `store_changed`.

mod adopt;
mod compare;
mod offer;

use curo_store::repo::recovery;
use curo_types::api::LostLog;
use curo_types::{ConversationId, ErrorCode};
use rusqlite::Connection;

pub(crate) use adopt::adopt;

use crate::error::Fault;

/// Whether a refusal may mean that the relay was restored: the session tells.
pub(crate) fn may_be_restored(code: &ErrorCode) -> bool {
    [ErrorCode::STORE_CHANGED, ErrorCode::UNKNOWN_DEVICE].contains(code)
}

/// The proof that an incarnation's log is lost, if there is one.
pub(crate) fn proof(conn: &Connection, id: ConversationId, incarnation: u64) -> Result<Option<LostLog>, Fault> {
    let bytes = recovery::lost(conn, id, incarnation)?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

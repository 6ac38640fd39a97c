//! Sync: brings what is new from the relay into the store (rule book section 5).
//!
//! `pull` asks and orders, `apply` moves cursors, `commit` and `message` are the two kinds of entries, `join` takes
//! Welcomes, `standing` says where a conversation stands, `run` is the background task, `retry` its patience. Only `apply` moves a cursor, and only in the transaction that stores the effect.

pub(crate) mod apply;
mod commit;
pub(crate) mod join;
pub(crate) mod leaves;
mod message;
pub(crate) mod pull;
pub(crate) mod retry;
pub(crate) mod run;
pub(crate) mod siblings;
pub(crate) mod standing;

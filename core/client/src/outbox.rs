//! The outbox: carries out intents (rule book section 4).
//!
//! `prepare` turns intents into bytes, `commits` makes commits, `send` talks to the relay,
//! `settle` and `refused` take its two kinds of answers, `run` goes over the conversations. Every state is durable before what depends on it is sent.

pub(crate) mod commits;
mod duties;
mod prepare;
mod receipts;
mod refused;
mod run;
mod send;
pub(crate) mod settle;

use curo_types::UserId;

pub(crate) use duties::{queue_addition, queue_person};
pub(crate) use refused::start_again;

/// The payload of an intent that is about people: their ids, 16 bytes each.
pub(crate) fn encode_users(users: &[UserId]) -> Vec<u8> {
    users.iter().flat_map(|user| user.0).collect()
}

/// The other way round.
pub(crate) fn decode_users(payload: &[u8]) -> Vec<UserId> {
    payload
        .chunks_exact(16)
        .filter_map(|bytes| UserId::from_slice(bytes).ok())
        .collect()
}

//! Curo's client for Kotlin and Swift, through UniFFI. No logic of its own: it turns values into others, runs calls on its
//! own runtime, and keeps panics, exceptions and other people's threads apart.
//!
//! One file per public noun. What every file may count on:
//!
//! - A call that changes something is detached: once entered it finishes, whatever becomes of its caller (`runtime`).
//! - A call that only reads or waits ends when its caller goes away.
//! - Whatever fails is a [`CuroError`]: a code, and never a text.
//! - Objects may be let go of on any thread (`held`).
//! - What the app gives us (vault, tokens, log sink) is asked on threads that may block, and is let go of by
//!   [`Client::end`] (`reply`).
//!
//! The names below are not what apps see: the Kotlin and Swift libraries wrap all of it by hand. `api-map.toml` beside this
//! crate says what stands for each part of the Rust client; CI compares.

mod access;
mod body;
mod client;
mod conversation;
mod convert;
mod device;
#[cfg(test)]
mod docs;
mod entry;
mod error;
mod held;
mod ids;
mod info;
mod item;
mod list;
mod log;
mod message;
mod observed;
mod options;
mod page;
mod person;
mod profile;
mod provoke;
mod pull;
mod push;
mod reply;
mod runtime;
mod search;
mod session;
#[cfg(test)]
mod testing;
mod timeline;
mod tokens;
mod vault;

pub use access::{AccessContext, Disclosure};
pub use body::{Body, DeliveryState, IntentStatus};
pub use client::Client;
pub use conversation::Conversation;
pub use device::{OwnDevice, WaitingDevice};
pub use entry::{Entry, LogPlace, RoleChange, StateChange};
pub use error::{CuroError, Failure, KnownErrorCode, Result, known_error_codes};
pub use ids::random_message_id;
pub use info::{ConversationInfo, ConversationState, CreateOptions, CreatedConversation, Member, Subject};
pub use item::{Edge, Item, TimelineItem};
pub use list::{ConversationItem, ConversationList, ConversationListSnapshot, ConversationSummary, Preview};
pub use log::{LogBatch, LogField, LogLevel, LogRecord, LogSink, LogValue, clear_log_sink, set_log_sink};
pub use message::{
    Acknowledgement, Message, MessageRef, NewMessage, PersonReceipt, Priority, Purge, PurgedDevice, Quote, Reaction,
    UnsentChange,
};
pub use observed::{
    ConnectionSnapshot, ConnectionStream, ConversationSnapshot, ConversationStream, OutboxSnapshot, OutboxStream,
    SessionSnapshot, SessionStream, UnreadSnapshot, UnreadStream, WaitingDevicesSnapshot, WaitingDevicesStream,
};
pub use options::{ClientOptions, Proxy, pin_from_sha256, pin_of_public_key};
pub use page::{Page, SavedDraft};
pub use person::Person;
pub use profile::{Account, ProfileEntry, ProfileOwner, accounts, erase_profile, profile_of_push};
pub use provoke::provoke_panic;
pub use push::{BackgroundOutcome, PushOutcome};
pub use runtime::{RuntimeProfile, configure_runtime};
pub use search::{Highlight, Hit, SearchPage};
pub use session::{ConnectionState, OnUnsent, OutboxState, SessionState, SignOutOutcome, Unread};
pub use timeline::{Start, Timeline, TimelineOptions, TimelineSnapshot};
pub use tokens::{TokenProvider, TokenReason, TokenReply};
pub use vault::{DoneReply, KeyReply, KeyVault, VaultFailure, VaultMode, new_store_key};

uniffi::setup_scaffolding!("curo");

//! Curo's client: end-to-end encrypted conversations for healthcare apps, in one encrypted store a profile, in step with
//! a relay that can read nothing.
//!
//! Start with [`Client::open`]. Everything that is read comes from the store and works offline; everything that is
//! changed is durable first and sent when the relay can be reached. Errors are one type, [`Error`], with stable codes.
//!
//! ```no_run
//! use std::sync::Arc;
//! use curo::{AccessToken, Client, ClientOptions, FileVault, MessageId, NoToken, TokenProvider, TokenReason};
//!
//! struct Tokens;
//!
//! #[async_trait::async_trait]
//! impl TokenProvider for Tokens {
//!     async fn token(&self, _: TokenReason) -> Result<AccessToken, NoToken> {
//!         // Ask the identity provider's library, which refreshes it.
//!         Err(NoToken)
//!     }
//! }
//!
//! # async fn example(vault: FileVault) -> Result<(), Box<dyn std::error::Error>> {
//! let options = ClientOptions::new("/data/curo", "https://relay.example");
//! let client = Client::open(options, Arc::new(vault), Arc::new(Tokens)).await?;
//! client.sign_in().await?;
//! client.start().await?;
//!
//! let people = client.find_people(&["dr-lee"]).await?;
//! let users: Vec<_> = people.iter().map(|person| person.user).collect();
//! let (care, _) = client.create_conversation(&users).await?;
//! care.send_text("BP 118/76".into(), MessageId::random()).await?;
//! for item in care.latest(50).await?.items {
//!     println!("{:?}", item.accepted_ms);
//! }
//! # Ok(())
//! # }
//! ```

#[cfg(doctest)]
#[doc = include_str!("../../../docs/api.md")]
mod api_by_task {}

mod about;
mod access;
mod approval;
mod client;
mod clock;
mod conversations;
mod core;
mod create;
mod cursor_text;
mod db;
mod delivery;
mod detached;
mod devices;
mod diagnostics;
mod directory;
mod dormant;
mod error;
pub mod failpoints;
mod fold;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod guard;
mod holds;
mod home;
mod http;
mod intents;
mod key_packages;
mod knowledge;
mod leaving;
mod log;
mod message;
mod messages;
mod network;
mod observe;
mod options;
mod outbox;
mod pages;
mod people;
mod pin;
mod policy;
mod proxy;
mod reading;
mod receipts;
mod recent;
mod recovery;
mod rejoin;
mod renew;
mod search;
mod session;
mod state;
mod suites;
mod sync;
mod thread;
mod timeline;
mod token;

pub use about::{CreateOptions, Member, Role, StateChange};
pub use approval::WaitingDevice;
pub use client::{
    Account, BackgroundOutcome, Client, OnUnsent, OutboxState, ProfileEntry, ProfileOwner, PushOutcome, SignOutOutcome,
};
pub use clock::DeviceClock;
pub use conversations::{Conversation, ConversationInfo, ConversationState};
pub use curo_store::{FileVault, KeyVault, Profiles, StoreKey, VaultError, VaultMode};
pub use curo_types::format::{AccessContext, Disclosure, Priority, PurposeOfUse, Reference as MessageRef, Subject};
pub use curo_types::{ConversationId, DeviceId, ErrorCode, IntentId, MessageId, ProfileId, TenantId, Text, UserId};
pub use devices::OwnDevice;
pub use error::{Error, Result};
pub use log::{LogBatch, LogLevel, LogRecord, LogSafe, LogSink, LogValue, clear_log_sink, redact_panics, set_log_sink};
pub use message::{NewMessage, Quote, Reaction, UnsentChange};
pub use messages::{Acknowledgement, Purge};
pub use observe::{
    ConversationItem, ConversationList, ConversationSummary, ConversationsState, Edge, ItemKey, Observed, Preview,
    SessionState, Snapshot, Start, Timeline, TimelineItem, TimelineOptions, TimelineState,
};
pub use options::ClientOptions;
pub use pages::PAGE_LIMIT;
pub use people::Person;
pub use pin::SpkiPin;
pub use proxy::Proxy;
pub use reading::{SavedDraft, Unread};
pub use receipts::PersonReceipt;
pub use search::{Hit, SearchCursor, SearchPage};
pub use state::ConnectionState;
pub use timeline::{Body, Cursor, DeliveryState, Entry, IntentStatus, Item, Message, Page};
pub use token::{AccessToken, NoToken, TokenProvider, TokenReason};

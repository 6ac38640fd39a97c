//! The relay: the server that orders, keeps and delivers what it cannot read.
//!
//! It follows each conversation's MLS group as a public observer and refuses what breaks the rules of
//! `docs/protocol.md` before it is accepted; message content stays opaque to it.
//!
//! Layers, each knowing only those below it: [`storage`] (one method is one business transaction), `accept` (the checks of
//! protocol section 3 that need MLS), `auth`, `hub` (who waits for news), `http` (paths, bodies, problems), `serve` (TLS,
//! start and stop). The library is what tests and the demo embed; the binary `curo-relay` adds only arguments and logs.

mod accept;
mod auth;
mod backup;
mod clock;
mod config;
mod dev_issuer;
pub mod failpoints;
mod followers;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod housekeeping;
mod http;
mod hub;
mod keys;
mod metrics;
mod push;
mod rate;
mod revoke;
mod serve;
mod state;
pub mod storage;

pub use backup::{BackupError, backup, restore};
pub use clock::{Clock, ManualClock, SystemClock};
pub use config::{
    Algorithm, Config, ConfigError, DatabaseKey, JwksSource, Limits, PolicyConfig, PushConfig, PushToken, Quota,
    ServiceConfig, SessionPolicy, TenantConfig, TlsConfig,
};
pub use dev_issuer::{DevClaims, DevIssuer, DevIssuerError};
pub use http::openapi;
pub use revoke::{RevokeError, revoke};
pub use serve::{Relay, RunningRelay, StartError};

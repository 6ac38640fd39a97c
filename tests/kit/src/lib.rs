//! What tests and the demo share: a real relay over TLS, people with their own encrypted stores, and a cable between
//! them that can be cut. For machines of developers and CI only: the identity provider vouches for anybody.
//!
//! Stands above `curo` and `curo-relay` and uses only what they show to everyone. Prints nothing.
//!
//! ```no_run
//! use std::time::Duration;
//! use curo_kit::{Person, TestRelay, until_text};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let relay = TestRelay::start().await?;
//! let ana = Person::online(&relay, "ana").await?;
//! let ben = Person::online(&relay, "ben").await?;
//! let (ward, _) = ana.client().create_conversation(&[ben.user().await]).await?;
//! ward.send_text("BP 118/76".into(), curo::MessageId::random()).await?;
//! until_text(ben.client(), ward.id(), "BP 118/76", Duration::from_secs(20)).await;
//! # Ok(())
//! # }
//! ```

mod ca;
mod cable;
mod error;
mod person;
mod raw;
mod relay;
mod snapshots;
mod tokens;
mod wait;

pub use ca::{Ca, write_private};
pub use cable::Cable;
pub use error::KitError;
pub use person::Person;
pub use raw::RawAnswer;
pub use relay::{TENANT, TestRelay, TestRelayBuilder, free_port};
pub use snapshots::until_snapshot;
pub use tokens::{Tokens, Validity};
pub use wait::{
    TimedOut, items, texts, try_until, until, until_connection, until_delivery, until_done, until_live, until_text,
};

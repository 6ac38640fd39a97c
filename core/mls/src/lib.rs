//! The MLS engine (RFC 9420): our own small trait over OpenMLS, for clients, and a follower of public group state,
//! for the relay.
//!
//! The crate takes bytes and a borrowed key-value transaction ([`MlsStore`]). It knows no network, no database and none
//! of our wire formats: credential identity, authenticated data and plaintext are opaque bytes here. Everything is
//! synchronous, and nothing outlives a call except the rows that it wrote and the engine's cache of loaded groups.
//!
//! # What every caller must do
//!
//! Each call belongs to one transaction of the caller. After **any** error the caller rolls that transaction back, and
//! after **any** rollback it calls [`MlsEngine::forget_all`]: OpenMLS writes as it goes, so rows and loaded groups may
//! be ahead of what was meant.
//!
//! ```
//! use curo_mls::{CommitPlan, MemoryStore, MlsEngine, OpenMlsEngine, Signer, Suite};
//! # fn main() -> Result<(), curo_mls::MlsError> {
//! let (store, mut engine) = (MemoryStore::new(), OpenMlsEngine::new());
//! let suite = Suite::X25519_AES128GCM_SHA256_ED25519;
//! let signer = Signer { suite, identity: b"anna's phone".to_vec(), public_key: engine.new_signature_key(&store, suite)? };
//! engine.create(&store, &signer, b"group")?;
//! let prepared = engine.prepare_commit(&store, b"group", &CommitPlan::default(), b"authenticated")?;
//! assert_eq!(prepared.epoch, 0);
//! engine.apply_own_commit(&store, b"group")?;
//! assert_eq!(engine.epoch(&store, b"group")?, 1);
//! # Ok(())
//! # }
//! ```

mod engine;
mod error;
mod follower;
mod inspect;
mod key_package;
mod memory;
mod openmls_engine;
mod overlay;
mod provider;
mod rules;
mod store;
mod suite;
mod types;
mod verdict;
mod wire;

pub use engine::{CommitJudge, JoinJudge, MlsEngine};
pub use error::{MlsError, Refusal, Rule};
pub use follower::{Follower, StagedFollow};
pub use inspect::{CommitFraming, Framing, FramingKind, LeafKey, inspect};
pub use key_package::{KeyPackageInfo, key_package_info, welcome_recipients};
pub use memory::MemoryStore;
pub use openmls_engine::OpenMlsEngine;
pub use store::{MlsStore, StoreFault, TABLES};
pub use suite::{Suite, verify_signature};
pub use types::{
    CommitOutcome, CommitPlan, CommitView, Created, External, JoinView, Joined, Leaf, NewKeyPackage, PreparedCommit,
    PreparedExternal, Processed, Signer,
};

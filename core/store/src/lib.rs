//! The encrypted store on the device: one folder per profile, its key in a vault, one process at a time.
//!
//! Stands on `curo-sqlite` and under the client. It owns the schema, the lease and the life of a store (create, open, lock,
//! unlock, suspend, change of keys, erase), with one repository per noun in [`repo`]. It knows no network and no MLS; the engine's rows are
//! opaque to it.
//!
//! A profile's folder `<root>/<profile id in hex>/` holds
//!
//! | file | content |
//! |---|---|
//! | `store.db`, `-wal`, `-shm` | the SQLCipher database |
//! | `store.db.check` | tells a wrong key from damage |
//! | `lease` | locked by the process that holds the store |
//! | `card` | a few sealed bytes about whose profile it is |
//! | `slot` | after a change of keys: the number in the names of database and card (`store-1.db`, `card-1`) |
//! | `rekeying` | a change of keys has begun |
//! | `erasing` | an erase has begun and must be finished |

mod card;
mod erase;
mod error;
mod first;
mod lease;
mod mls;
mod offload;
mod profiles;
mod rekey;
pub mod repo;
mod schema;
mod slot;
mod store;
mod tx;
mod unseal;
mod vault;

pub use curo_sqlite::{CipherKey as StoreKey, DbError};
pub use curo_types::ProfileId;
pub use error::StoreError;
pub use first::FirstProfile;
pub use profiles::Profiles;
/// The `rusqlite` whose types appear in closures, so that callers use the same generation.
pub use rusqlite;
pub use schema::Footprint;
pub use store::Store;
pub use tx::{Stamp, StoreTx};
pub use vault::{FileVault, KeyVault, VaultError, VaultMode};

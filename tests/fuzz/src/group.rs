//! A real group, made once and kept: what the targets that need MLS state start from, and what their corpora belong to.
//!
//! `cargo run -p curo-fuzz --example corpus` makes it anew, with all that was made in it. The keys in it are for nothing else.

use std::sync::LazyLock;

use curo_mls::{Follower, MemoryStore, MlsStore as _, OpenMlsEngine, TABLES};
use curo_types::{Blob, ConversationId, DeviceId, TenantId, UserId};
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The conversation of the group.
pub(crate) const CONVERSATION: ConversationId = ConversationId([3; 16]);
const KEPT: &str = include_str!("../group.json");

/// A row of a member's store.
#[derive(Clone, Serialize, Deserialize)]
pub struct Row {
    /// Table, key and value.
    pub row: (String, Blob, Blob),
}

/// One entry of the group's log, by another member than the reader.
#[derive(Clone, Serialize, Deserialize)]
pub struct Entry {
    /// The MLS message.
    pub body: Blob,
    /// The epoch that it was made in.
    pub epoch: u64,
    /// Of a commit: the GroupInfo of the epoch that it opens.
    pub group_info: Option<Blob>,
    /// Of a commit: the epoch authenticator that it leads to.
    pub authenticator: Option<Blob>,
}

/// The group at one moment, and what comes after it.
#[derive(Serialize, Deserialize)]
pub struct Material {
    /// The MLS group's id.
    pub group: Blob,
    /// User and device of its creator.
    pub creator: (UserId, DeviceId),
    /// A member's store.
    pub reader: Vec<Row>,
    /// The relay's follower at the same moment.
    pub follower: Blob,
    /// The GroupInfo and the tree of that moment.
    pub group_info: Blob,
    /// The tree of that moment.
    pub tree: Blob,
    /// The log from there on.
    pub log: Vec<Entry>,
    /// The store of a device with a KeyPackage, outside of the group.
    pub outsider: Vec<Row>,
    /// The outsider's public key and identity.
    pub outsider_key: (Blob, Blob),
    /// The tree that the Welcome for the outsider needs.
    pub welcome_tree: Blob,
}

impl Material {
    /// Issuer of the tokens in the corpus.
    pub const ISSUER: &'static str = "https://id.st-mary.example";
    /// Audience of the tokens in the corpus.
    pub const AUDIENCE: &'static str = "https://relay.example";

    /// What is kept beside this crate.
    pub fn kept() -> &'static Self {
        static MATERIAL: LazyLock<Material> = LazyLock::new(|| serde_json::from_str(KEPT).expect("group.json"));
        &MATERIAL
    }

    /// The key that signs the tokens in the corpus. It is published here and trusted nowhere.
    pub fn issuer_key() -> SigningKey {
        SigningKey::from_bytes(&[9; 32])
    }

    /// Its public part as a JWK.
    pub fn issuer_jwk() -> Value {
        let x = serde_json::to_value(Blob(Self::issuer_key().verifying_key().to_bytes().to_vec())).expect("a string");
        json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "k1", "x": x})
    }
}

pub(crate) fn tenant() -> TenantId {
    "st-mary".parse().expect("a tenant's name")
}

/// Rows as a store.
pub(crate) fn store(rows: &[Row]) -> MemoryStore {
    let store = MemoryStore::new();
    for Row {
        row: (table, key, value),
    } in rows
    {
        let table = TABLES
            .iter()
            .find(|known| *known == table)
            .expect("a table of the engine");
        store.put(table, key.as_slice(), value.as_slice()).expect("in memory");
    }
    store
}

/// A member with the kept state, in a transaction that `drop` rolls back.
pub(crate) struct Member {
    pub(crate) store: MemoryStore,
    pub(crate) engine: OpenMlsEngine,
}

impl Member {
    pub(crate) fn reader() -> Self {
        Self::of(&Material::kept().reader)
    }

    pub(crate) fn outsider() -> Self {
        Self::of(&Material::kept().outsider)
    }

    fn of(rows: &[Row]) -> Self {
        Self {
            store: store(rows),
            engine: OpenMlsEngine::new(),
        }
    }
}

/// The relay's follower with the kept state.
pub(crate) fn follower() -> Follower {
    Follower::load(Material::kept().follower.as_slice()).expect("the kept follower")
}

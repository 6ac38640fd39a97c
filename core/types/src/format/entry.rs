//! 2.5 The hash chain of a conversation's log.

use serde::{Deserialize, Serialize};

use super::cbor;
use crate::{ConversationId, DeviceId, Digest, IntentId, TenantId};

/// What an accepted entry is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// An MLS commit (`PublicMessage`).
    Commit,
    /// An MLS application message (`PrivateMessage`).
    Message,
}

impl EntryKind {
    /// The name that stands in the hash, in JSON and in databases.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Message => "message",
        }
    }
}

/// All of an entry that its hash covers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntryHeader<'a> {
    /// The tenant.
    pub tenant: &'a TenantId,
    /// The conversation.
    pub conversation: ConversationId,
    /// The incarnation, from 1.
    pub incarnation: u64,
    /// The sequence number in the incarnation, from 1.
    pub seq: u64,
    /// The hash of the entry before; [`Digest::ZERO`] before the first.
    pub h_prev: Digest,
    /// Commit or message.
    pub kind: EntryKind,
    /// The MLS epoch in which the body was made.
    pub epoch: u64,
    /// The device that sent it, as the relay authenticated it.
    pub sender: DeviceId,
    /// The intent id of its authenticated data.
    pub intent: IntentId,
    /// Of a commit: the directory version that the accepting transaction stamped.
    pub directory_version: Option<u64>,
    /// SHA-256 of the MLS message.
    pub body_hash: Digest,
    /// The relay's time of acceptance, milliseconds since 1970 UTC.
    pub time_ms: u64,
}

impl EntryHeader<'_> {
    /// The canonical CBOR that is hashed: `["curo entry v1", tenant, conversation, incarnation, seq, h_prev, kind, epoch,
    /// sender device, intent id, stamped directory version or null, SHA-256(body), relay time in ms]`.
    pub fn to_bytes(&self) -> Vec<u8> {
        cbor::array(13, |e| {
            e.str("curo entry v1")?
                .str(self.tenant.as_str())?
                .bytes(&self.conversation.0)?
                .u64(self.incarnation)?
                .u64(self.seq)?
                .bytes(&self.h_prev.0)?
                .str(self.kind.as_str())?
                .u64(self.epoch)?
                .bytes(&self.sender.0)?
                .bytes(&self.intent.0)?;
            match self.directory_version {
                Some(version) => e.u64(version)?,
                None => e.null()?,
            };
            e.bytes(&self.body_hash.0)?.u64(self.time_ms)?.ok()
        })
    }

    /// The entry hash `h`.
    pub fn hash(&self) -> Digest {
        Digest::of(&self.to_bytes())
    }
}

//! 2.3 The authenticated data (RFC 9420 section 6.3.1) of every MLS message: readable by the relay, bound by the sender.

use std::collections::BTreeSet;

use minicbor::{Decode, Encode};

use super::cbor;
use crate::{ChainId, DeviceId, Digest, FormatError, IntentId, UserId};

const FORMAT: &str = "authenticated data";
const VERSION: u64 = 1;
const LIMIT: usize = 1024;

/// What an MLS message says about itself in the open.
///
/// CBOR map {0: version 1, 1: intent id, 2: counter (messages only), 3: directory version (commits only),
/// 4: sender's cursor `[seq, h]`, 5: audit head `[chain, seq, head]`, 6: dormant devices, 7: dormant users who go (commits only)};
/// unknown keys are ignored. Exactly one of 2 and 3 is there.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct AuthenticatedData {
    #[n(0)]
    version: u64,
    /// The intent that this message carries out; the relay's idempotency key.
    #[n(1)]
    pub intent: IntentId,
    /// Of a message: one more than the number of messages that this device has had accepted in the incarnation.
    #[n(2)]
    pub counter: Option<u64>,
    /// Of a commit: the directory version that the committer judged by.
    #[n(3)]
    pub directory_version: Option<u64>,
    /// The tip up to which the sender had applied this conversation; absent before the first entry.
    #[n(4)]
    pub cursor: Option<CursorClaim>,
    /// The head of the sender's audit chain; absent until the audit trail exists.
    #[n(5)]
    pub audit_head: Option<AuditHead>,
    /// Of a commit: devices whose leaves it removes because they were silent for long (rule 6.3). A user all of whose removed
    /// leaves are named stays a member without a leaf. 1 to [`Self::NAMED_LIMIT`], each once.
    #[n(6)]
    pub dormant: Option<Vec<DeviceId>>,
    /// Of a commit: members without a leaf who are members no more. 1 to [`Self::NAMED_LIMIT`], each once.
    #[n(7)]
    pub gone: Option<Vec<UserId>>,
}

/// A position in a conversation's log that a device claims to have applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(array)]
pub struct CursorClaim {
    /// Sequence number of the last applied entry.
    #[n(0)]
    pub seq: u64,
    /// Its hash.
    #[n(1)]
    pub h: Digest,
}

/// The head of a device's audit chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(array)]
pub struct AuditHead {
    /// The chain.
    #[n(0)]
    pub chain: ChainId,
    /// Sequence number of its last record.
    #[n(1)]
    pub seq: u64,
    /// Hash of its last record.
    #[n(2)]
    pub head: Digest,
}

impl AuthenticatedData {
    /// Devices, and users, that one commit can name: with all else they fit in.
    pub const NAMED_LIMIT: usize = 24;

    /// Of a message.
    pub const fn message(intent: IntentId, counter: u64, cursor: Option<CursorClaim>) -> Self {
        Self {
            version: VERSION,
            intent,
            counter: Some(counter),
            directory_version: None,
            cursor,
            audit_head: None,
            dormant: None,
            gone: None,
        }
    }

    /// Of a commit.
    pub const fn commit(intent: IntentId, directory_version: u64, cursor: Option<CursorClaim>) -> Self {
        Self {
            version: VERSION,
            intent,
            counter: None,
            directory_version: Some(directory_version),
            cursor,
            audit_head: None,
            dormant: None,
            gone: None,
        }
    }

    /// Of a commit that removes leaves of silent devices, and members without a leaf. Empty lists are left out.
    #[must_use]
    pub fn with_dormant(mut self, dormant: Vec<DeviceId>, gone: Vec<UserId>) -> Self {
        self.dormant = (!dormant.is_empty()).then_some(dormant);
        self.gone = (!gone.is_empty()).then_some(gone);
        self
    }

    /// The bytes for MLS `authenticated_data`.
    pub fn to_bytes(&self) -> Vec<u8> {
        cbor::to_vec(self)
    }

    /// Reads MLS `authenticated_data`.
    ///
    /// # Errors
    /// [`FormatError`] for anything but the format in a known version, at most 1 KiB long; [`FormatError::Invalid`] if it is of
    /// neither a message nor a commit, or of both, or if it names devices or users that it may not name.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FormatError> {
        let data: Self = cbor::from_versioned_map(FORMAT, bytes, LIMIT, VERSION)?;
        if data.counter.is_some() == data.directory_version.is_some() {
            return Err(FormatError::invalid(
                FORMAT,
                "either a message's counter or a commit's directory version",
            ));
        }
        let named = [
            data.dormant
                .as_ref()
                .map(|all| all.iter().map(|id| id.0).collect::<Vec<_>>()),
            data.gone.as_ref().map(|all| all.iter().map(|id| id.0).collect()),
        ];
        for ids in named.into_iter().flatten() {
            let different: BTreeSet<_> = ids.iter().collect();
            let fit = (1..=Self::NAMED_LIMIT).contains(&ids.len()) && different.len() == ids.len();
            if !fit || data.counter.is_some() {
                return Err(FormatError::invalid(
                    FORMAT,
                    "1 to 24 devices or users, each once, and of a commit only",
                ));
            }
        }
        Ok(data)
    }
}

//! 2.6 Signed tips: the relay's word on how far a conversation's log goes, and the key that signs them.

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use super::cbor;
use crate::{Blob, ConversationId, Digest, FormatError, StoreId, TenantId};

/// The tenant's log key over a tip, made after the entry is durable.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignedTip {
    /// The relay store that holds the entry.
    pub store: StoreId,
    /// The tenant.
    pub tenant: TenantId,
    /// The conversation.
    pub conversation: ConversationId,
    /// The incarnation.
    pub incarnation: u64,
    /// Sequence number of the entry.
    pub seq: u64,
    /// Hash of the entry.
    pub h: Digest,
    /// The relay's time of signing, milliseconds since 1970 UTC.
    pub time_ms: u64,
    /// Ed25519 signature (RFC 8032), 64 bytes.
    pub signature: Blob,
}

impl SignedTip {
    /// Signs a tip.
    #[expect(clippy::too_many_arguments, reason = "these are exactly the signed fields")]
    pub fn sign(
        key: &SigningKey,
        store: StoreId,
        tenant: TenantId,
        conversation: ConversationId,
        incarnation: u64,
        seq: u64,
        h: Digest,
        time_ms: u64,
    ) -> Self {
        let mut tip = Self {
            store,
            tenant,
            conversation,
            incarnation,
            seq,
            h,
            time_ms,
            signature: Blob::default(),
        };
        tip.signature = Blob(key.sign(&tip.signed_bytes()).to_vec());
        tip
    }

    /// The canonical CBOR that is signed: `["curo tip v1", store, tenant, conversation, incarnation, seq, h, time in ms]`.
    pub fn signed_bytes(&self) -> Vec<u8> {
        cbor::array(8, |e| {
            e.str("curo tip v1")?
                .bytes(&self.store.0)?
                .str(self.tenant.as_str())?
                .bytes(&self.conversation.0)?
                .u64(self.incarnation)?
                .u64(self.seq)?
                .bytes(&self.h.0)?
                .u64(self.time_ms)?
                .ok()
        })
    }

    /// Checks the signature with the tenant's log key.
    ///
    /// # Errors
    /// [`FormatError::BadSignature`].
    pub fn verify(&self, log_key: &Digest) -> Result<(), FormatError> {
        verify("signed tip", log_key, &self.signed_bytes(), self.signature.as_slice())
    }
}

/// The tenant's directory key over its log key, so that one pinned key vouches for both.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogKeyStatement {
    /// The tenant.
    pub tenant: TenantId,
    /// The log key: an Ed25519 public key.
    pub log_key: Digest,
    /// Ed25519 signature by the directory key.
    pub signature: Blob,
}

impl LogKeyStatement {
    /// Signs a log key.
    pub fn sign(directory_key: &SigningKey, tenant: TenantId, log_key: Digest) -> Self {
        let mut statement = Self {
            tenant,
            log_key,
            signature: Blob::default(),
        };
        statement.signature = Blob(directory_key.sign(&statement.signed_bytes()).to_vec());
        statement
    }

    /// The canonical CBOR that is signed: `["curo log key v1", tenant, log key]`.
    pub fn signed_bytes(&self) -> Vec<u8> {
        cbor::array(3, |e| {
            e.str("curo log key v1")?
                .str(self.tenant.as_str())?
                .bytes(&self.log_key.0)?
                .ok()
        })
    }

    /// Checks the signature with the tenant's directory key.
    ///
    /// # Errors
    /// [`FormatError::BadSignature`].
    pub fn verify(&self, directory_key: &Digest) -> Result<(), FormatError> {
        verify(
            "log key statement",
            directory_key,
            &self.signed_bytes(),
            self.signature.as_slice(),
        )
    }
}

/// Ed25519 with the strict rules (no small-order keys, no malleable signatures).
pub(crate) fn verify(format: &'static str, key: &Digest, message: &[u8], signature: &[u8]) -> Result<(), FormatError> {
    let bad = || FormatError::BadSignature { format };
    let key = VerifyingKey::from_bytes(&key.0).map_err(|_| bad())?;
    let signature = Signature::from_slice(signature).map_err(|_| bad())?;
    key.verify_strict(message, &signature).map_err(|_| bad())
}

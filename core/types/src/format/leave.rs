//! 2.22 A user's signed request to leave a conversation (rule 6.1): what lets members remove all leaves of that user without a role.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::cbor;
use super::directory::{SuiteVerdict, SuiteVerifier};
use crate::{ConversationId, DeviceId, FormatError, IntentId, SuiteId, TenantId, UserId};

const FORMAT: &str = "leave request";
const VERSION: u64 = 1;
const LIMIT: usize = 1024;

/// The signed part. CBOR map {0: version 1, 1: tenant, 2: conversation, 3: incarnation, 4: user, 5: device, 6: suite of the
/// signing key, 7: intent, 8: sequence number of the last entry that the device had applied}; unknown keys are ignored.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct LeaveBody {
    #[n(0)]
    version: u64,
    /// The tenant.
    #[n(1)]
    pub tenant: TenantId,
    /// The conversation.
    #[n(2)]
    pub conversation: ConversationId,
    /// The incarnation.
    #[n(3)]
    pub incarnation: u64,
    /// Who leaves, with all their devices.
    #[n(4)]
    pub user: UserId,
    /// The device that signs.
    #[n(5)]
    pub device: DeviceId,
    /// The suite of its key.
    #[n(6)]
    pub suite: SuiteId,
    /// The intent: the request's idempotency key.
    #[n(7)]
    pub intent: IntentId,
    /// The last entry that the device had applied. A request is void for a membership that began after it, so an old one
    /// cannot be shown again after its user has come back.
    #[n(8)]
    pub seq: u64,
}

impl LeaveBody {
    /// The body of a request.
    #[expect(clippy::too_many_arguments, reason = "these are exactly the signed fields")]
    pub const fn new(
        tenant: TenantId,
        conversation: ConversationId,
        incarnation: u64,
        user: UserId,
        device: DeviceId,
        suite: SuiteId,
        intent: IntentId,
        seq: u64,
    ) -> Self {
        Self {
            version: VERSION,
            tenant,
            conversation,
            incarnation,
            user,
            device,
            suite,
            intent,
            seq,
        }
    }
}

/// A request with its signature, kept and sent verbatim. CBOR array `[body as a byte string, signature]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leave {
    body_bytes: Vec<u8>,
    body: LeaveBody,
    /// The signature, as RFC 9420 encodes it for the suite.
    pub signature: Vec<u8>,
}

#[derive(Encode, Decode)]
#[cbor(array)]
struct Wire {
    #[n(0)]
    body: ByteVec,
    #[n(1)]
    signature: ByteVec,
}

impl Leave {
    /// A request that is not signed yet: sign [`Leave::signed_bytes`].
    pub fn new(body: LeaveBody) -> Self {
        Self {
            body_bytes: cbor::to_vec(&body),
            body,
            signature: Vec::new(),
        }
    }

    /// The signed part.
    pub const fn body(&self) -> &LeaveBody {
        &self.body
    }

    /// What the signature covers: canonical CBOR `["curo leave v1", body as a byte string]`.
    pub fn signed_bytes(&self) -> Vec<u8> {
        cbor::array(2, |e| e.str("curo leave v1")?.bytes(&self.body_bytes)?.ok())
    }

    /// The request's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        cbor::to_vec(&Wire {
            body: self.body_bytes.clone().into(),
            signature: self.signature.clone().into(),
        })
    }

    /// Reads a request. Says nothing yet about its signature.
    ///
    /// # Errors
    /// [`FormatError`] for anything but the format in a known version, at most 1 KiB long.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FormatError> {
        let wire: Wire = cbor::from_slice(FORMAT, bytes, LIMIT)?;
        let body: LeaveBody = cbor::from_versioned_map(FORMAT, &wire.body, LIMIT, VERSION)?;
        Ok(Self {
            body_bytes: wire.body.into(),
            body,
            signature: wire.signature.into(),
        })
    }

    /// Checks the signature with the device's key of the suite that the body names.
    ///
    /// # Errors
    /// [`FormatError::BadSignature`].
    pub fn verify(&self, public_key: &[u8], verify: SuiteVerifier<'_>) -> Result<(), FormatError> {
        if verify(self.body.suite, public_key, &self.signed_bytes(), &self.signature) == SuiteVerdict::Valid {
            Ok(())
        } else {
            Err(FormatError::BadSignature { format: FORMAT })
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::Digest;

    #[test]
    fn p6_1_keys_of_a_later_version_are_kept_under_the_signature() {
        let ids = (ConversationId([1; 16]), UserId([2; 16]), DeviceId([3; 16]));
        let tenant = TenantId::new("st-mary").unwrap();
        let body = LeaveBody::new(tenant, ids.0, 1, ids.1, ids.2, SuiteId(1), IntentId([4; 16]), 9);
        let mut bytes = cbor::to_vec(&body);
        // Ten entries instead of nine; the tenth is key 32 with the value 7.
        assert_eq!(bytes.first(), Some(&0xa9));
        bytes.splice(..1, [0xaa]);
        bytes.extend([0x18, 0x20, 0x07]);
        let later = Leave {
            body_bytes: bytes,
            body: body.clone(),
            signature: vec![5; 64],
        };
        let read = Leave::from_bytes(&later.to_bytes()).unwrap();
        assert_eq!(read, later);
        let covered = Digest::of(&read.signed_bytes());
        assert_ne!(covered, Digest::of(&Leave::new(body).signed_bytes()));
    }
}

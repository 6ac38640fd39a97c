//! 2.2 Directory envelopes: what vouches for a device's keys.

mod verify;

use ed25519_dalek::{Signer as _, SigningKey};
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

pub use self::verify::{SuiteVerdict, SuiteVerifier};
use super::cbor;
use crate::{ChainId, DeviceId, Digest, FormatError, SuiteId, TenantId, UserId};

const FORMAT: &str = "directory envelope";
const VERSION: u64 = 1;
const LIMIT: usize = 16 * 1024;
const MAX_SUITES: usize = 8;
const MAX_SIGNATURES: usize = 16;

/// What an envelope does to its device.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(index_only)]
pub enum Action {
    /// The device is new.
    #[n(0)]
    Add,
    /// The device's keys are replaced.
    #[n(1)]
    Rotate,
    /// The device is gone for good.
    #[n(2)]
    Revoke,
}

/// A device's MLS signature key of one suite, as RFC 9420 encodes it for the suite.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(array)]
pub struct SuiteKey {
    /// The suite.
    #[n(0)]
    pub suite: SuiteId,
    /// The public key.
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    pub public_key: Vec<u8>,
}

/// Who allows the action.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub enum Approval {
    /// The tenant's directory key, on the identity provider's word.
    #[n(0)]
    Directory,
    /// A device of the same user, which signs with its key of a suite.
    #[n(1)]
    Device(#[n(0)] DeviceId, #[n(1)] SuiteId),
}

/// The signed part of an envelope. CBOR map {0: version 1, 1: tenant, 2: user, 3: device, 4: action, 5: `[[suite, key], …]`,
/// 6: DPoP key (its RFC 7638 JSON), 7: audit chain, 8: approval, 9: SHA-256 of the device's envelope before this one}.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct EnvelopeBody {
    #[n(0)]
    version: u64,
    /// The tenant.
    #[n(1)]
    pub tenant: TenantId,
    /// The user whose device it is.
    #[n(2)]
    pub user: UserId,
    /// The device.
    #[n(3)]
    pub device: DeviceId,
    /// Add, rotate or revoke.
    #[n(4)]
    pub action: Action,
    /// The device's keys after the action, one for each suite; empty for a revocation.
    #[n(5)]
    pub keys: Vec<SuiteKey>,
    /// The public key that the device proves possession of (RFC 9449), in the canonical JSON of RFC 7638.
    #[n(6)]
    pub dpop_key: Option<String>,
    /// The device's audit chain.
    #[n(7)]
    pub audit_chain: Option<ChainId>,
    /// Who allows it.
    #[n(8)]
    pub approval: Approval,
    /// Hash of this device's envelope before; absent for an add.
    #[n(9)]
    pub previous: Option<Digest>,
}

/// In what capacity a signature was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub enum Signer {
    /// By the tenant's directory key.
    #[n(0)]
    Directory,
    /// By the envelope's own key of a suite: proof of possession of a new key.
    #[n(1)]
    Subject(#[n(0)] SuiteId),
    /// By another device of the same user, with its key of a suite.
    #[n(2)]
    Device(#[n(0)] DeviceId, #[n(1)] SuiteId),
}

/// One signature of an envelope.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(array)]
pub struct EnvelopeSignature {
    /// Who signed.
    #[n(0)]
    pub signer: Signer,
    /// The signature, as the signer's algorithm encodes it.
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    pub signature: Vec<u8>,
}

/// A signed change of the device directory, stored and sent verbatim. CBOR array `[body as a byte string, [[signer, signature], …]]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Envelope {
    body_bytes: Vec<u8>,
    body: EnvelopeBody,
    /// The signatures.
    pub signatures: Vec<EnvelopeSignature>,
}

#[derive(Encode, Decode)]
#[cbor(array)]
struct Wire {
    #[n(0)]
    body: ByteVec,
    #[n(1)]
    signatures: Vec<EnvelopeSignature>,
}

impl EnvelopeBody {
    /// The body that adds a device on the identity provider's word.
    pub fn add(
        tenant: TenantId,
        user: UserId,
        device: DeviceId,
        keys: Vec<SuiteKey>,
        dpop_key: Option<String>,
        audit_chain: Option<ChainId>,
    ) -> Self {
        Self {
            version: VERSION,
            tenant,
            user,
            device,
            action: Action::Add,
            keys,
            dpop_key,
            audit_chain,
            approval: Approval::Directory,
            previous: None,
        }
    }

    /// The body that gives a device other keys on the identity provider's word. `before` is the body of the device's last
    /// envelope and `previous` its hash; all but the keys stays as it was.
    pub fn rotate(before: &Self, previous: Digest, keys: Vec<SuiteKey>) -> Self {
        Self {
            action: Action::Rotate,
            keys,
            approval: Approval::Directory,
            previous: Some(previous),
            ..before.clone()
        }
    }

    /// The body that revokes a device on the identity provider's or the relay's word. `previous` is the hash of the device's
    /// last envelope.
    pub const fn revoke(tenant: TenantId, user: UserId, device: DeviceId, previous: Digest) -> Self {
        Self {
            version: VERSION,
            tenant,
            user,
            device,
            action: Action::Revoke,
            keys: Vec::new(),
            dpop_key: None,
            audit_chain: None,
            approval: Approval::Directory,
            previous: Some(previous),
        }
    }
}

impl Envelope {
    /// An envelope without signatures.
    pub fn new(body: EnvelopeBody) -> Self {
        Self {
            body_bytes: cbor::to_vec(&body),
            body,
            signatures: Vec::new(),
        }
    }

    /// The signed part.
    pub const fn body(&self) -> &EnvelopeBody {
        &self.body
    }

    /// What every signature covers: canonical CBOR `["curo directory v1", body as a byte string]`.
    pub fn signed_bytes(&self) -> Vec<u8> {
        cbor::array(2, |e| e.str("curo directory v1")?.bytes(&self.body_bytes)?.ok())
    }

    /// Adds a signature.
    pub fn push(&mut self, signer: Signer, signature: Vec<u8>) {
        self.signatures.push(EnvelopeSignature { signer, signature });
    }

    /// Signs with the tenant's directory key.
    pub fn sign_as_directory(&mut self, key: &SigningKey) {
        let signature = key.sign(&self.signed_bytes()).to_vec();
        self.push(Signer::Directory, signature);
    }

    /// The envelope's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        cbor::to_vec(&Wire {
            body: self.body_bytes.clone().into(),
            signatures: self.signatures.clone(),
        })
    }

    /// Hash by which the device's next envelope names this one.
    pub fn hash(&self) -> Digest {
        Digest::of(&self.to_bytes())
    }

    /// Reads an envelope. Says nothing yet about its signatures.
    ///
    /// # Errors
    /// [`FormatError`] for anything but the format in a known version, at most 16 KiB long.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FormatError> {
        let wire: Wire = cbor::from_slice(FORMAT, bytes, LIMIT)?;
        let body: EnvelopeBody = cbor::from_versioned_map(FORMAT, &wire.body, LIMIT, VERSION)?;
        let envelope = Self {
            body_bytes: wire.body.into(),
            body,
            signatures: wire.signatures,
        };
        envelope.check_shape()?;
        Ok(envelope)
    }

    fn check_shape(&self) -> Result<(), FormatError> {
        let invalid = |reason| Err(FormatError::invalid(FORMAT, reason));
        let body = &self.body;
        if body.keys.len() > MAX_SUITES || self.signatures.len() > MAX_SIGNATURES {
            return invalid("too many keys or signatures");
        }
        let repeats = body
            .keys
            .iter()
            .enumerate()
            .any(|(n, key)| body.keys.iter().take(n).any(|k| k.suite == key.suite));
        if repeats {
            return invalid("two keys of one suite");
        }
        match body.action {
            Action::Add if body.previous.is_some() => invalid("an add has no envelope before it"),
            Action::Rotate | Action::Revoke if body.previous.is_none() => invalid("the envelope before is not named"),
            Action::Add | Action::Rotate if body.keys.is_empty() => invalid("a device has at least one key"),
            Action::Revoke if !body.keys.is_empty() => invalid("a revoked device has no keys"),
            _ => Ok(()),
        }
    }
}

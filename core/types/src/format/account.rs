//! 2.23 Account statement: the tenant's directory key over who a subject is, for a relay that has lost it (7.2).

use ed25519_dalek::{Signer as _, SigningKey};

use super::{cbor, tip};
use crate::{Blob, Digest, FormatError, TenantId, UserId};

/// Who the identity provider's subject is here. Nothing of it is sent but the signature: each side knows the rest.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AccountStatement<'a> {
    /// The tenant.
    pub tenant: &'a TenantId,
    /// The user.
    pub user: UserId,
    /// The subject, which may be an e-mail address.
    pub subject: &'a str,
}

impl std::fmt::Debug for AccountStatement<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AccountStatement({:?})", self.user)
    }
}

impl AccountStatement<'_> {
    /// The canonical CBOR that is signed: `["curo account v1", tenant, user, subject]`.
    pub fn signed_bytes(&self) -> Vec<u8> {
        cbor::array(4, |e| {
            e.str("curo account v1")?
                .str(self.tenant.as_str())?
                .bytes(&self.user.0)?
                .str(self.subject)?
                .ok()
        })
    }

    /// Signs it with the tenant's directory key: Ed25519 (RFC 8032), 64 bytes.
    pub fn sign(&self, directory_key: &SigningKey) -> Blob {
        Blob(directory_key.sign(&self.signed_bytes()).to_vec())
    }

    /// Checks a signature with the tenant's directory key.
    ///
    /// # Errors
    /// [`FormatError::BadSignature`].
    pub fn verify(&self, directory_key: &Digest, signature: &[u8]) -> Result<(), FormatError> {
        tip::verify("account statement", directory_key, &self.signed_bytes(), signature)
    }
}

//! Signature keys: made, kept in the store, used.

use openmls::prelude::{BasicCredential, CredentialWithKey};
use openmls_basic_credential::{SignatureKeyPair, StorageId};
use openmls_traits::OpenMlsProvider as _;
use openmls_traits::signatures::Signer as _;

use crate::error::{MlsError, Rule};
use crate::provider::Provider;
use crate::suite::Suite;
use crate::types::Signer;

/// What every label of MLS's own signatures begins with (RFC 9420, 5.1.2).
const MLS_LABEL: &[u8] = b"MLS 1.0 ";

pub(super) fn create(provider: &Provider<'_>, suite: Suite) -> Result<Vec<u8>, MlsError> {
    let scheme = suite.cipher()?.signature_algorithm();
    let pair = SignatureKeyPair::new(scheme).map_err(|_| MlsError::Internal)?;
    pair.store(provider.storage())?;
    Ok(pair.to_public_vec())
}

/// The key pair of a suite and public key.
pub(super) fn read(provider: &Provider<'_>, suite: Suite, public_key: &[u8]) -> Result<SignatureKeyPair, MlsError> {
    let scheme = suite.cipher()?.signature_algorithm();
    // The id that the key pair was stored under is private to its crate; an empty pair with the same public part has it.
    let id: StorageId = SignatureKeyPair::from_raw(scheme, Vec::new(), public_key.to_vec()).id();
    provider
        .storage()
        .signature_row(&id)?
        .ok_or(MlsError::UnknownSignatureKey)
}

/// Signs bytes of ours. MLS signs `SignContent {label<V>, content<V>}` with labels of its own: a message that begins like
/// one could be passed off as a leaf or a commit.
pub(super) fn sign(
    provider: &Provider<'_>,
    suite: Suite,
    public_key: &[u8],
    message: &[u8],
) -> Result<Vec<u8>, MlsError> {
    // The label's length takes 1, 2 or 4 bytes.
    let reserved = [1, 2, 4]
        .into_iter()
        .any(|skip| message.get(skip..).is_some_and(|rest| rest.starts_with(MLS_LABEL)));
    if reserved {
        return Err(MlsError::NotAllowed(Rule::ReservedSignatureContent));
    }
    read(provider, suite, public_key)?
        .sign(message)
        .map_err(|_| MlsError::Internal)
}

/// A basic credential with its key.
pub(super) fn credential(signer: &Signer) -> CredentialWithKey {
    CredentialWithKey {
        credential: BasicCredential::new(signer.identity.clone()).into(),
        signature_key: signer.public_key.clone().into(),
    }
}

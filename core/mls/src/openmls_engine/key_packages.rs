//! Making and deleting KeyPackages.

use openmls::prelude::{KeyPackage, KeyPackageRef, MlsMessageOut};
use openmls_traits::OpenMlsProvider as _;
use openmls_traits::storage::StorageProvider as _;
use tls_codec::Deserialize as _;

use super::{config, keys, tls_bytes};
use crate::error::MlsError;
use crate::provider::Provider;
use crate::rules;
use crate::suite::crypto;
use crate::types::{NewKeyPackage, Signer};

/// A device publishes a hundred or so; more in one transaction would hold the writer for long.
const MAX_COUNT: usize = 1000;

pub(super) fn create(
    provider: &Provider<'_>,
    signer: &Signer,
    count: usize,
    last_resort: bool,
) -> Result<Vec<NewKeyPackage>, MlsError> {
    if count > MAX_COUNT {
        return Err(MlsError::TooLarge("number of KeyPackages"));
    }
    let cipher = signer.suite.cipher()?;
    let key_pair = keys::read(provider, signer.suite, &signer.public_key)?;
    let mut result = Vec::with_capacity(count);
    for _ in 0..count {
        let mut builder = KeyPackage::builder()
            .key_package_lifetime(config::lifetime())
            .leaf_node_capabilities(rules::capabilities()?);
        if last_resort {
            builder = builder.mark_as_last_resort();
        }
        let bundle = builder.build(cipher, provider, &key_pair, keys::credential(signer))?;
        let hash_ref = bundle.key_package().hash_ref(crypto())?.as_slice().to_vec();
        let bytes = tls_bytes(&MlsMessageOut::from(bundle.into_key_package()))?;
        result.push(NewKeyPackage { bytes, hash_ref });
    }
    Ok(result)
}

pub(super) fn delete(provider: &Provider<'_>, hash_ref: &[u8]) -> Result<(), MlsError> {
    Ok(provider.storage().delete_key_package(&reference(hash_ref)?)?)
}

/// OpenMLS makes references from their TLS encoding only; the hashes of all suites are shorter than 64 bytes, so their
/// length is one byte.
fn reference(hash_ref: &[u8]) -> Result<KeyPackageRef, MlsError> {
    let malformed = MlsError::Malformed("KeyPackage reference");
    match u8::try_from(hash_ref.len()) {
        Ok(length @ 1..64) => {
            let encoded = [&[length], hash_ref].concat();
            KeyPackageRef::tls_deserialize_exact(encoded.as_slice()).map_err(|_| malformed)
        }
        _ => Err(malformed),
    }
}

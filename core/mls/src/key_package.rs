//! KeyPackages and Welcomes as the relay handles them: validated, named by reference, without any private key.

use std::fmt;

use openmls::prelude::{KeyPackage, KeyPackageIn, MlsMessageBodyIn, MlsMessageIn, ProtocolVersion, Welcome};
use tls_codec::Deserialize as _;

use crate::error::MlsError;
use crate::rules;
use crate::suite::{Suite, crypto};
use crate::wire;

/// A published KeyPackage after full validation.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyPackageInfo {
    /// Identity of the basic credential, opaque here.
    pub identity: Vec<u8>,
    /// Public signature key.
    pub signature_key: Vec<u8>,
    /// Its suite.
    pub suite: Suite,
    /// KeyPackageRef (RFC 9420, 5.2).
    pub hash_ref: Vec<u8>,
    /// Whether it may be handed out again and again.
    pub last_resort: bool,
}

impl fmt::Debug for KeyPackageInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPackageInfo")
            .field("suite", &self.suite)
            .field("last_resort", &self.last_resort)
            .finish_non_exhaustive()
    }
}

/// Validates a KeyPackage (RFC 9420, 10.1): both signatures, suite, keys that differ, a basic credential, the unbounded
/// lifetime and the capabilities of rule 2.7. No verdict depends on a clock.
///
/// # Errors
/// [`MlsError::Malformed`], [`MlsError::UnsupportedSuite`], [`MlsError::BadAuthentication`], [`MlsError::NotAllowed`],
/// [`MlsError::DuplicateKey`] (init key equals encryption key), [`MlsError::Invalid`].
pub fn key_package_info(bytes: &[u8]) -> Result<KeyPackageInfo, MlsError> {
    let key_package = validated(bytes)?;
    Ok(KeyPackageInfo {
        identity: rules::identity(key_package.leaf_node())?,
        signature_key: key_package.leaf_node().signature_key().as_slice().to_vec(),
        suite: Suite::from(key_package.ciphersuite()),
        hash_ref: key_package.hash_ref(crypto())?.as_slice().to_vec(),
        last_resort: key_package.last_resort(),
    })
}

/// The KeyPackageRefs that a Welcome (as an MLSMessage) is for, in its order.
///
/// # Errors
/// [`MlsError::Malformed`].
pub fn welcome_recipients(bytes: &[u8]) -> Result<Vec<Vec<u8>>, MlsError> {
    let welcome = read_welcome(bytes)?;
    Ok(welcome
        .secrets()
        .iter()
        .map(|secret| secret.new_member().as_slice().to_vec())
        .collect())
}

/// A KeyPackage that every member will accept.
pub(crate) fn validated(bytes: &[u8]) -> Result<KeyPackage, MlsError> {
    let claimed = wire::read_key_package_message(bytes)?;
    Suite(claimed.suite).cipher()?;
    let MlsMessageBodyIn::KeyPackage(unverified) = body(bytes, "KeyPackage")? else {
        return Err(MlsError::Malformed("KeyPackage"));
    };
    let key_package = KeyPackageIn::validate(unverified, crypto(), ProtocolVersion::Mls10)?;
    rules::check_key_package(&key_package)?;
    Ok(key_package)
}

pub(crate) fn read_welcome(bytes: &[u8]) -> Result<Welcome, MlsError> {
    match body(bytes, "Welcome")? {
        MlsMessageBodyIn::Welcome(welcome) => Ok(welcome),
        _ => Err(MlsError::Malformed("Welcome")),
    }
}

/// The body of an MLSMessage with nothing after it.
///
/// By the reader trait: the slice trait of the codec asserts on truncated vectors in debug builds.
pub(crate) fn body(bytes: &[u8], what: &'static str) -> Result<MlsMessageBodyIn, MlsError> {
    match MlsMessageIn::tls_deserialize_exact(bytes) {
        Ok(message) => Ok(message.extract()),
        Err(_) => Err(MlsError::Malformed(what)),
    }
}

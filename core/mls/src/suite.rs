//! Cipher suites by number, and the one crypto provider of the process.
//!
//! A suite is stored and sent, never assumed: it comes from a signer, from group state or from the bytes at hand.

use std::fmt;
use std::sync::LazyLock;

use openmls::prelude::Ciphersuite;
use openmls_rust_crypto::RustCrypto;
use openmls_traits::crypto::OpenMlsCrypto;

use crate::error::MlsError;

/// An MLS cipher suite by its IANA number (RFC 9420, 17.1). Any number can be held; using one that this build cannot
/// run is [`MlsError::UnsupportedSuite`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Suite(pub u16);

impl Suite {
    /// MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519, the default.
    pub const X25519_AES128GCM_SHA256_ED25519: Self = Self(0x0001);
    /// MLS_128_DHKEMP256_AES128GCM_SHA256_P256.
    pub const P256_AES128GCM_SHA256_P256: Self = Self(0x0002);
    /// MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519.
    pub const X25519_CHACHA20POLY1305_SHA256_ED25519: Self = Self(0x0003);

    /// The suites that leaves of this build advertise and that every call accepts.
    pub const SUPPORTED: [Self; 3] = [
        Self::X25519_AES128GCM_SHA256_ED25519,
        Self::P256_AES128GCM_SHA256_P256,
        Self::X25519_CHACHA20POLY1305_SHA256_ED25519,
    ];

    /// Whether this build can run the suite.
    pub fn is_supported(self) -> bool {
        Self::SUPPORTED.contains(&self)
    }

    pub(crate) fn cipher(self) -> Result<Ciphersuite, MlsError> {
        if !self.is_supported() {
            return Err(MlsError::UnsupportedSuite(self.0));
        }
        Ciphersuite::try_from(self.0).map_err(|_| MlsError::UnsupportedSuite(self.0))
    }

    /// Refuses any suite but `self`, the group's.
    pub(crate) fn expect(self, found: Self) -> Result<(), MlsError> {
        if self == found {
            Ok(())
        } else {
            Err(MlsError::WrongSuite {
                expected: self.0,
                found: found.0,
            })
        }
    }
}

impl From<Ciphersuite> for Suite {
    fn from(cipher: Ciphersuite) -> Self {
        Self(cipher.into())
    }
}

impl fmt::Debug for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Suite({:#06x})", self.0)
    }
}

/// The crypto of the process. It holds nothing but a random generator seeded from the system's entropy, behind a lock.
pub(crate) fn crypto() -> &'static RustCrypto {
    static CRYPTO: LazyLock<RustCrypto> = LazyLock::new(RustCrypto::default);
    &CRYPTO
}

/// Checks a signature that [`MlsEngine::sign`](crate::MlsEngine::sign) made over `message`.
///
/// # Errors
/// [`MlsError::BadAuthentication`] if the signature, the key or their encoding is wrong, and
/// [`MlsError::UnsupportedSuite`].
pub fn verify_signature(suite: Suite, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), MlsError> {
    let scheme = suite.cipher()?.signature_algorithm();
    crypto()
        .verify_signature(scheme, message, public_key, signature)
        .map_err(|_| MlsError::BadAuthentication("signature"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn suites_that_are_advertised_can_be_run() {
        for suite in Suite::SUPPORTED {
            let cipher = suite.cipher().unwrap();
            crypto().supports(cipher).unwrap();
            assert_eq!(Suite::from(cipher), suite);
        }
    }

    #[test]
    fn unknown_and_unsupported_suites_are_typed_errors() {
        // 4 (X448) is known and cannot be run, 0 and 0xf0f0 mean nothing.
        for number in [0, 4, 7, 0xf0f0] {
            assert!(matches!(Suite(number).cipher(), Err(MlsError::UnsupportedSuite(found)) if found == number));
            assert!(
                !verify_signature(Suite(number), &[1; 32], b"m", &[0; 64])
                    .unwrap_err()
                    .retryable()
            );
        }
    }
}

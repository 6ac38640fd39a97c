//! Pinned public keys of the relay. Knows nothing of TLS; `http::tls` compares.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use curo_types::{Digest, ErrorCode};

use crate::error::Error;

/// The SHA-256 of a certificate's SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7), as in RFC 7469 section 2.4.
///
/// Given as text it is `sha256/` and the hash in base64. Not a secret.
///
/// ```
/// let pin: curo::SpkiPin = "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=".parse()?;
/// assert_eq!(pin, curo::SpkiPin::of_public_key(b""));
/// assert!("sha256/short".parse::<curo::SpkiPin>().is_err());
/// # Ok::<(), curo::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpkiPin([u8; 32]);

impl SpkiPin {
    /// A hash that was made elsewhere, for example with `openssl`.
    pub const fn from_sha256(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// The pin of a public key: a SubjectPublicKeyInfo in DER.
    pub fn of_public_key(spki_der: &[u8]) -> Self {
        Self(Digest::of(spki_der).0)
    }
}

impl FromStr for SpkiPin {
    type Err = Error;

    /// Reads `sha256/` and 44 characters of base64; anything else is `invalid_argument`.
    fn from_str(text: &str) -> Result<Self, Error> {
        text.strip_prefix("sha256/")
            .and_then(|hash| STANDARD.decode(hash).ok())
            .and_then(|hash| hash.try_into().ok())
            .map(Self)
            .ok_or(Error::new(ErrorCode::INVALID_ARGUMENT))
    }
}

impl fmt::Display for SpkiPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256/{}", STANDARD.encode(self.0))
    }
}

impl fmt::Debug for SpkiPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpkiPin({self})")
    }
}

//! The database key. Holds it in one heap allocation, wipes it on drop and never shows it.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::DbError;

/// Length of the raw AES-256 key, in bytes.
pub(crate) const KEY_LEN: usize = 32;
/// Length of SQLCipher's salt, in bytes.
pub(crate) const SALT_LEN: usize = 16;

/// A raw 32-byte key and the 16-byte salt that SQLCipher would otherwise keep in the file's first bytes.
///
/// The bytes stand in one heap allocation, so that moving the value leaves no copies behind, and are wiped on drop.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct CipherKey {
    bytes: Box<[u8; CipherKey::LEN]>,
}

impl CipherKey {
    /// Length of the key and salt together, in bytes.
    pub const LEN: usize = KEY_LEN + SALT_LEN;

    /// A new random key and salt from the operating system's generator.
    ///
    /// # Errors
    /// [`DbError::Random`] where the system has no randomness to give.
    pub fn generate() -> Result<Self, DbError> {
        let mut bytes = Box::new([0; Self::LEN]);
        getrandom::fill(bytes.as_mut_slice()).map_err(|_| DbError::Random)?;
        Ok(Self { bytes })
    }

    /// From a key and a salt. Wiping the caller's copies is the caller's duty.
    #[must_use]
    pub fn new(key: &[u8; KEY_LEN], salt: &[u8; SALT_LEN]) -> Self {
        let mut bytes = Box::new([0; Self::LEN]);
        for (to, from) in bytes.iter_mut().zip(key.iter().chain(salt)) {
            *to = *from;
        }
        Self { bytes }
    }

    /// From the key followed by the salt, as [`CipherKey::expose`] gives them. Wiping the caller's copy is the caller's duty.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Self::LEN]) -> Self {
        Self {
            bytes: Box::new(*bytes),
        }
    }

    /// The key followed by the salt, for wrapping by a vault. Never log or store this unwrapped.
    #[must_use]
    pub fn expose(&self) -> &[u8; Self::LEN] {
        &self.bytes
    }

    /// A second owner of the same key, for the thread that opens the file. Deliberately not `Clone`: copies stay in this crate.
    pub(crate) fn duplicate(&self) -> Self {
        Self::from_bytes(&self.bytes)
    }

    /// The statement that keys a connection. It ends in NUL, which lets SQLite parse it in place instead of copying it.
    pub(crate) fn pragma(&self) -> Zeroizing<String> {
        let mut digits = Zeroizing::new([0; 2 * Self::LEN]);
        let mut sql = Zeroizing::new(String::with_capacity(128));
        sql.push_str("PRAGMA key = \"x'");
        if hex::encode_to_slice(self.bytes.as_slice(), digits.as_mut_slice()).is_ok() {
            digits.iter().for_each(|digit| sql.push(char::from(*digit)));
        }
        sql.push_str("'\"\0");
        sql
    }
}

impl fmt::Debug for CipherKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CipherKey(redacted)")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_the_key() {
        let text = format!("{:?}", CipherKey::new(&[0xab; 32], &[0xcd; 16]));
        assert_eq!(text, "CipherKey(redacted)");
    }

    #[test]
    fn the_pragma_is_key_then_salt_in_hex_and_fits_its_buffer() {
        let sql = CipherKey::new(&[0xab; 32], &[0xcd; 16]).pragma();
        assert_eq!(
            *sql,
            format!("PRAGMA key = \"x'{}{}'\"\0", "ab".repeat(32), "cd".repeat(16))
        );
        assert_eq!(
            sql.capacity(),
            128,
            "a grown string would leave an unwiped copy of the key"
        );
    }

    #[test]
    fn generated_keys_differ_and_survive_the_round_trip() {
        let (a, b) = (CipherKey::generate().unwrap(), CipherKey::generate().unwrap());
        assert_ne!(a.expose(), b.expose());
        assert_eq!(CipherKey::from_bytes(a.expose()).expose(), a.expose());
    }
}

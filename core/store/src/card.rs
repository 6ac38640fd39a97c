//! A profile's card: a few bytes about whose it is, readable without opening the database, sealed all the same.
//!
//! `card`, format 1, 548 bytes: `"curocrd"`, version 1, 12 bytes of nonce, then AES-256-GCM of 512 bytes (the length as two
//! bytes, big-endian, the text, zeros) with the first 8 bytes and the profile id as associated data. The key is
//! SHA-256("curo card key v1" || the store's key and salt), so whoever has the file alone learns nothing, not even how long
//! the text is, and whoever may open the store may read the card.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _};
use curo_sqlite::durable;
use curo_types::ProfileId;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::{StoreError, StoreKey};

const MAGIC: &[u8; 8] = b"curocrd\x01";
const NONCE_LEN: usize = 12;
const PLAIN_LEN: usize = 512;
const LEN: usize = MAGIC.len() + NONCE_LEN + PLAIN_LEN + 16;

/// The longest card, in bytes.
pub(crate) const CARD_LIMIT: usize = PLAIN_LEN - 2;

/// Opens and seals a profile's card. Wiped on drop.
pub(crate) struct CardKey(Zeroizing<[u8; 32]>);

impl CardKey {
    pub(crate) fn of(key: &StoreKey) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        let digest = Sha256::new()
            .chain_update("curo card key v1")
            .chain_update(key.expose())
            .finalize();
        bytes.copy_from_slice(&digest);
        Self(bytes)
    }

    /// What the card says; `None` without one, and for one that this key does not open: a card is made again.
    pub(crate) fn open(&self, path: &Path, profile: &ProfileId) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let mut file = Vec::with_capacity(LEN + 1);
        match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?.take(LEN as u64 + 1).read_to_end(&mut file)?,
        };
        Ok(self.unseal(&file, profile))
    }

    fn unseal(&self, file: &[u8], profile: &ProfileId) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = file.strip_prefix(MAGIC)?.split_first_chunk::<NONCE_LEN>()?;
        let payload = Payload {
            msg: sealed,
            aad: &associated(profile),
        };
        let plain = Zeroizing::new(self.cipher()?.decrypt(nonce.into(), payload).ok()?);
        let (len, text) = plain.split_first_chunk::<2>()?;
        let text = text.get(..usize::from(u16::from_be_bytes(*len)))?;
        Some(Zeroizing::new(text.to_vec()))
    }

    /// Replaces the card, durably.
    pub(crate) fn seal(&self, path: &Path, profile: &ProfileId, text: &[u8]) -> Result<(), StoreError> {
        let too_long = || StoreError::Io(io::ErrorKind::InvalidInput);
        let len = u16::try_from(text.len()).map_err(|_| too_long())?;
        if text.len() > CARD_LIMIT {
            return Err(too_long());
        }
        let mut plain = Zeroizing::new(vec![0; PLAIN_LEN]);
        for (to, from) in plain.iter_mut().zip(len.to_be_bytes().iter().chain(text)) {
            *to = *from;
        }
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|_| StoreError::Io(io::ErrorKind::Other))?;
        let payload = Payload {
            msg: &plain,
            aad: &associated(profile),
        };
        let sealed = self
            .cipher()
            .and_then(|cipher| cipher.encrypt((&nonce).into(), payload).ok())
            .ok_or(StoreError::Io(io::ErrorKind::Other))?;
        Ok(durable::replace(path, &[MAGIC.as_slice(), &nonce, &sealed].concat())?)
    }

    fn cipher(&self) -> Option<Aes256Gcm> {
        Aes256Gcm::new_from_slice(self.0.as_slice()).ok()
    }
}

impl std::fmt::Debug for CardKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CardKey(redacted)")
    }
}

fn associated(profile: &ProfileId) -> Vec<u8> {
    [MAGIC.as_slice(), profile.as_bytes()].concat()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const PROFILE: ProfileId = ProfileId([1; 16]);

    #[test]
    fn a_card_is_read_with_its_key_and_profile_only_and_tells_nothing_otherwise() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("card");
        let key = CardKey::of(&StoreKey::new(&[1; 32], &[2; 16]));
        assert!(key.open(&path, &PROFILE).unwrap().is_none());
        key.seal(&path, &PROFILE, b"CANARY").unwrap();
        assert_eq!(key.open(&path, &PROFILE).unwrap().unwrap().as_slice(), b"CANARY");
        let file = std::fs::read(&path).unwrap();
        assert_eq!(file.len(), LEN);
        assert!(!file.windows(6).any(|part| part == b"CANARY"));
        let other = CardKey::of(&StoreKey::new(&[1; 32], &[3; 16]));
        assert!(other.open(&path, &PROFILE).unwrap().is_none());
        assert!(key.open(&path, &ProfileId([2; 16])).unwrap().is_none());
        for at in [0, 8, 30, LEN - 1] {
            let mut bad = file.clone();
            *bad.get_mut(at).unwrap() ^= 1;
            assert!(key.unseal(&bad, &PROFILE).is_none(), "byte {at}");
        }
        assert!(key.unseal(&file[..LEN - 1], &PROFILE).is_none() && key.unseal(b"", &PROFILE).is_none());
        key.seal(&path, &PROFILE, &[7; CARD_LIMIT]).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), LEN as u64);
        assert!(key.seal(&path, &PROFILE, &[7; CARD_LIMIT + 1]).is_err());
        assert_eq!(key.open(&path, &PROFILE).unwrap().unwrap().as_slice(), [7; CARD_LIMIT]);
    }
}

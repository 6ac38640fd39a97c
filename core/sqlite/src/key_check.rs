//! The sidecar `<database>.check`: tells a wrong key from a damaged file, which SQLCipher alone cannot.
//!
//! It holds the first 16 bytes of SHA-256("curo key check v1" || key || salt). The key has 256 random bits, so the value
//! helps nobody to find it. It is written durably before the database exists.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::{CipherKey, durable};

const MAGIC: &[u8; 8] = b"curokcv\x01";
const VALUE_LEN: usize = 16;
const LEN: usize = 8 + VALUE_LEN;

/// What the sidecar says about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyCheck {
    /// It is this database's key.
    Fits,
    /// It is another key.
    Differs,
    /// There is no sidecar, or none that we can read: the database itself must tell.
    Unknown,
}

pub(crate) fn path(database: &Path) -> PathBuf {
    durable::with_suffix(database, ".check")
}

pub(crate) fn read(database: &Path, key: &CipherKey) -> io::Result<KeyCheck> {
    let mut found = Vec::with_capacity(LEN + 1);
    match File::open(path(database)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(KeyCheck::Unknown),
        other => other?.take(LEN as u64 + 1).read_to_end(&mut found)?,
    };
    Ok(match found.strip_prefix(MAGIC) {
        Some(value) if value.len() == VALUE_LEN => {
            if found == contents(key) {
                KeyCheck::Fits
            } else {
                KeyCheck::Differs
            }
        }
        _ => KeyCheck::Unknown,
    })
}

pub(crate) fn write(database: &Path, key: &CipherKey) -> io::Result<()> {
    durable::replace(&path(database), &contents(key))
}

fn contents(key: &CipherKey) -> Vec<u8> {
    let digest = Sha256::new()
        .chain_update("curo key check v1")
        .chain_update(key.expose())
        .finalize();
    MAGIC.iter().chain(digest.iter().take(VALUE_LEN)).copied().collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn tells_the_key_from_others_and_unreadable_from_both() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("a.db");
        let (key, other) = (CipherKey::new(&[1; 32], &[2; 16]), CipherKey::new(&[1; 32], &[3; 16]));
        assert_eq!(read(&database, &key).unwrap(), KeyCheck::Unknown);
        write(&database, &key).unwrap();
        assert_eq!(read(&database, &key).unwrap(), KeyCheck::Fits);
        assert_eq!(read(&database, &other).unwrap(), KeyCheck::Differs);
        for garbage in [&b""[..], b"curokcv\x02aaaaaaaaaaaaaaaa", &[0; 4096]] {
            std::fs::write(path(&database), garbage).unwrap();
            assert_eq!(read(&database, &key).unwrap(), KeyCheck::Unknown);
        }
    }

    #[test]
    fn the_format_is_fixed() {
        let bytes = contents(&CipherKey::new(&[1; 32], &[2; 16]));
        assert_eq!(hex::encode(bytes), "6375726f6b6376015382e7432ea6acc56b41987ec08d846d");
    }
}

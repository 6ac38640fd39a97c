//! A vault of files, for tests, the demo and command-line use. A phone has better: its own key store.
//!
//! `<dir>/<profile>.key`, format 1, 84 bytes: `"curovlt"`, version 1, 12 bytes of nonce, then AES-256-GCM of key and salt
//! (48 bytes and a 16-byte tag) under the wrapping key, with the first 8 bytes and the profile id as associated data.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _};
use async_trait::async_trait;
use curo_sqlite::durable;
use curo_types::ProfileId;
use zeroize::Zeroizing;

use crate::offload::offload;
use crate::{KeyVault, StoreKey, VaultError};

const MAGIC: &[u8; 8] = b"curovlt\x01";
const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;
const LEN: usize = MAGIC.len() + NONCE_LEN + StoreKey::LEN + TAG_LEN;
const WRAPPING_KEY_LEN: usize = 32;

/// Keeps each profile's key in a file, wrapped under a 32-byte key. **For tests, the demo and command-line use only**:
/// whoever reads the wrapping key and the file has the store.
///
/// A file that was changed, that belongs to another profile or that was wrapped under another key is
/// [`VaultError::Invalidated`]. I/O errors are [`VaultError::NotReady`].
#[derive(Clone)]
pub struct FileVault {
    dir: PathBuf,
    wrapping_key: Arc<Zeroizing<[u8; WRAPPING_KEY_LEN]>>,
}

impl FileVault {
    /// A vault in the folder `dir`, which must exist, under the caller's wrapping key.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>, wrapping_key: &[u8; WRAPPING_KEY_LEN]) -> Self {
        Self {
            dir: dir.into(),
            wrapping_key: Arc::new(Zeroizing::new(*wrapping_key)),
        }
    }

    /// A vault in the folder `dir`, under the wrapping key in `key_file`: 32 raw bytes, readable by the owner only. Makes
    /// the file with a random key if there is none. Blocks.
    ///
    /// # Errors
    /// What the file system says; `InvalidData` for a file of another length; `PermissionDenied` for one that others may
    /// read.
    pub fn with_key_file(dir: impl Into<PathBuf>, key_file: &Path) -> io::Result<Self> {
        let mut key = Zeroizing::new([0; WRAPPING_KEY_LEN]);
        if !key_file.try_exists()? {
            getrandom::fill(key.as_mut_slice()).map_err(io::Error::other)?;
            make_key_file(key_file, &key)?;
        }
        read_key_file(key_file, &mut key)?;
        Ok(Self {
            dir: dir.into(),
            wrapping_key: Arc::new(key),
        })
    }

    fn path(&self, profile: &ProfileId) -> PathBuf {
        self.dir.join(format!("{profile}.key"))
    }

    fn load_now(&self, profile: &ProfileId) -> Result<StoreKey, VaultError> {
        let mut sealed = Vec::with_capacity(LEN + 1);
        match File::open(self.path(profile)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(VaultError::Missing);
            }
            opened => opened
                .and_then(|file| file.take(LEN as u64 + 1).read_to_end(&mut sealed))
                .map_err(|_| VaultError::NotReady)?,
        };
        self.unwrap(profile, &sealed).ok_or(VaultError::Invalidated)
    }

    fn create_now(&self, profile: &ProfileId) -> Result<StoreKey, VaultError> {
        match self.load_now(profile) {
            Err(VaultError::Missing) => {}
            other => return other,
        }
        let key = StoreKey::generate().map_err(|_| VaultError::NotReady)?;
        let sealed = self.wrap(profile, &key).ok_or(VaultError::NotReady)?;
        durable::replace(&self.path(profile), &sealed).map_err(|_| VaultError::NotReady)?;
        Ok(key)
    }

    fn destroy_now(&self, profile: &ProfileId) -> Result<(), VaultError> {
        let path = self.path(profile);
        for path in [durable::with_suffix(&path, ".tmp"), path] {
            overwrite(&path)
                .and_then(|()| durable::remove(&path))
                .map_err(|_| VaultError::NotReady)?;
        }
        Ok(())
    }

    fn wrap(&self, profile: &ProfileId, key: &StoreKey) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).ok()?;
        let payload = Payload {
            msg: key.expose(),
            aad: &associated(profile),
        };
        let sealed = self.cipher()?.encrypt((&nonce).into(), payload).ok()?;
        Some([MAGIC.as_slice(), &nonce, &sealed].concat())
    }

    fn unwrap(&self, profile: &ProfileId, file: &[u8]) -> Option<StoreKey> {
        let (nonce, sealed) = file.strip_prefix(MAGIC)?.split_first_chunk::<NONCE_LEN>()?;
        let payload = Payload {
            msg: sealed,
            aad: &associated(profile),
        };
        let key = Zeroizing::new(self.cipher()?.decrypt(nonce.into(), payload).ok()?);
        Some(StoreKey::from_bytes(key.as_slice().try_into().ok()?))
    }

    fn cipher(&self) -> Option<Aes256Gcm> {
        Aes256Gcm::new_from_slice(self.wrapping_key.as_slice()).ok()
    }
}

#[async_trait]
impl KeyVault for FileVault {
    async fn load(&self, profile: &ProfileId) -> Result<StoreKey, VaultError> {
        let (vault, profile) = (self.clone(), *profile);
        offload(move || vault.load_now(&profile))
            .await
            .unwrap_or(Err(VaultError::NotReady))
    }

    async fn create(&self, profile: &ProfileId) -> Result<StoreKey, VaultError> {
        let (vault, profile) = (self.clone(), *profile);
        offload(move || vault.create_now(&profile))
            .await
            .unwrap_or(Err(VaultError::NotReady))
    }

    async fn destroy(&self, profile: &ProfileId) -> Result<(), VaultError> {
        let (vault, profile) = (self.clone(), *profile);
        offload(move || vault.destroy_now(&profile))
            .await
            .unwrap_or(Err(VaultError::NotReady))
    }
}

impl std::fmt::Debug for FileVault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FileVault(redacted)")
    }
}

fn associated(profile: &ProfileId) -> Vec<u8> {
    [MAGIC.as_slice(), profile.as_bytes()].concat()
}

/// Wipes a file's bytes in place as far as the medium allows; the wrapping is what protects.
fn overwrite(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        opened => {
            let mut file = opened?;
            file.write_all(&[0; LEN])?;
            file.sync_all()
        }
    }
}

/// Makes the file under a temporary name and links it, so that it is never half written and never replaces another's.
fn make_key_file(path: &Path, key: &[u8; WRAPPING_KEY_LEN]) -> io::Result<()> {
    let mut suffix = [0; 8];
    getrandom::fill(&mut suffix).map_err(io::Error::other)?;
    let temporary = durable::with_suffix(path, &format!(".{:016x}.tmp", u64::from_ne_bytes(suffix)));
    durable::replace(&temporary, key)?;
    let linked = std::fs::hard_link(&temporary, path);
    durable::remove(&temporary)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn read_key_file(path: &Path, key: &mut [u8; WRAPPING_KEY_LEN]) -> io::Result<()> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0 {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    if metadata.len() != WRAPPING_KEY_LEN as u64 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    file.read_exact(key)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const PROFILE: ProfileId = ProfileId([1; 16]);

    fn vault() -> (tempfile::TempDir, FileVault) {
        let dir = tempfile::tempdir().unwrap();
        let vault = FileVault::new(dir.path(), &[3; 32]);
        (dir, vault)
    }

    #[tokio::test]
    async fn a_created_key_is_loaded_again_and_never_replaced() {
        let (_dir, vault) = vault();
        assert_eq!(vault.load(&PROFILE).await.unwrap_err(), VaultError::Missing);
        let key = vault.create(&PROFILE).await.unwrap();
        assert_eq!(vault.load(&PROFILE).await.unwrap().expose(), key.expose());
        assert_eq!(vault.create(&PROFILE).await.unwrap().expose(), key.expose());
        let sealed = std::fs::read(vault.path(&PROFILE)).unwrap();
        assert_eq!(sealed.len(), LEN);
        assert!(
            !sealed
                .windows(16)
                .any(|part| key.expose().windows(16).any(|secret| secret == part))
        );
    }

    #[tokio::test]
    async fn any_changed_byte_any_other_profile_and_any_other_key_is_invalidated() {
        let (dir, vault) = vault();
        vault.create(&PROFILE).await.unwrap();
        let path = vault.path(&PROFILE);
        let good = std::fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            *bad.get_mut(at).unwrap() ^= 1;
            std::fs::write(&path, bad).unwrap();
            assert_eq!(
                vault.load_now(&PROFILE).unwrap_err(),
                VaultError::Invalidated,
                "byte {at}"
            );
            assert_eq!(
                vault.create_now(&PROFILE).unwrap_err(),
                VaultError::Invalidated,
                "byte {at}"
            );
        }
        for bad in [&good[..LEN - 1], &[&good[..], b"x"].concat(), b""] {
            std::fs::write(&path, bad).unwrap();
            assert_eq!(vault.load_now(&PROFILE).unwrap_err(), VaultError::Invalidated);
        }
        std::fs::write(&path, &good).unwrap();
        let other_key = FileVault::new(dir.path(), &[4; 32]);
        assert_eq!(other_key.load(&PROFILE).await.unwrap_err(), VaultError::Invalidated);
        let other_profile = ProfileId([2; 16]);
        std::fs::write(vault.path(&other_profile), &good).unwrap();
        assert_eq!(vault.load(&other_profile).await.unwrap_err(), VaultError::Invalidated);
    }

    #[tokio::test]
    async fn trouble_with_the_file_system_is_not_ready_and_never_a_lost_key() {
        let (dir, vault) = vault();
        std::fs::create_dir(vault.path(&PROFILE)).unwrap();
        assert_eq!(vault.load(&PROFILE).await.unwrap_err(), VaultError::NotReady);
        assert_eq!(vault.create(&PROFILE).await.unwrap_err(), VaultError::NotReady);
        assert_eq!(vault.destroy(&PROFILE).await.unwrap_err(), VaultError::NotReady);
        let nowhere = FileVault::new(dir.path().join("gone"), &[3; 32]);
        assert_eq!(nowhere.create(&PROFILE).await.unwrap_err(), VaultError::NotReady);
    }

    #[tokio::test]
    async fn destroyed_is_gone_and_destroying_again_is_no_error() {
        let (_dir, vault) = vault();
        let first = vault.create(&PROFILE).await.unwrap();
        vault.destroy(&PROFILE).await.unwrap();
        vault.destroy(&PROFILE).await.unwrap();
        assert_eq!(vault.load(&PROFILE).await.unwrap_err(), VaultError::Missing);
        assert_ne!(vault.create(&PROFILE).await.unwrap().expose(), first.expose());
    }

    #[test]
    fn the_key_file_is_made_once_private_and_checked() {
        let dir = tempfile::tempdir().unwrap();
        let key_file = dir.path().join("wrapping.key");
        let key = FileVault::with_key_file(dir.path(), &key_file)
            .unwrap()
            .create_now(&PROFILE)
            .unwrap();
        let again = FileVault::with_key_file(dir.path(), &key_file).unwrap();
        assert_eq!(again.load_now(&PROFILE).unwrap().expose(), key.expose());
        assert_eq!(format!("{again:?}"), "FileVault(redacted)");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(
                std::fs::metadata(&key_file).unwrap().permissions().mode() & 0o777,
                0o600
            );
            std::fs::set_permissions(&key_file, std::fs::Permissions::from_mode(0o640)).unwrap();
            let open = FileVault::with_key_file(dir.path(), &key_file).unwrap_err();
            assert_eq!(open.kind(), io::ErrorKind::PermissionDenied);
            std::fs::set_permissions(&key_file, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        std::fs::write(&key_file, "short").unwrap();
        let short = FileVault::with_key_file(dir.path(), &key_file).unwrap_err();
        assert_eq!(short.kind(), io::ErrorKind::InvalidData);
    }
}

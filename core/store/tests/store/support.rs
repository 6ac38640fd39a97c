//! A root folder with a vault beside it, snapshots, a vault that misbehaves on demand, and children that die.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use async_trait::async_trait;
use curo_store::{FileVault, KeyVault, ProfileId, Store, StoreError, StoreKey, VaultError};
use tempfile::TempDir;

pub(crate) const PROFILE: ProfileId = ProfileId([0xa1; 16]);

pub(crate) struct Place {
    _dir: TempDir,
    pub(crate) root: PathBuf,
    pub(crate) keys: PathBuf,
    pub(crate) vault: FileVault,
}

impl Place {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (root, keys) = (dir.path().join("profiles"), dir.path().join("keys"));
        fs::create_dir(&keys).unwrap();
        let vault = vault(&keys);
        Self {
            _dir: dir,
            root,
            keys,
            vault,
        }
    }

    /// With a store that holds one row and is closed.
    pub(crate) async fn with_store() -> Self {
        let place = Self::new();
        let store = place.create().await.unwrap();
        put(&store, b"k", b"v").await.unwrap();
        store.lock().await.unwrap();
        place
    }

    pub(crate) async fn create(&self) -> Result<Store, StoreError> {
        Store::create(&self.root, PROFILE, &self.vault).await
    }

    pub(crate) async fn open(&self) -> Result<Store, StoreError> {
        Store::open(&self.root, PROFILE, &self.vault).await
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.root.join(PROFILE.to_string())
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder().join("store.db")
    }

    pub(crate) fn snapshot(&self) -> BTreeMap<String, Vec<u8>> {
        if self.folder().exists() {
            files(&self.folder())
        } else {
            BTreeMap::new()
        }
    }

    /// Opens, expects a refusal, and proves that nothing in the folder has changed.
    pub(crate) async fn refusal(&self) -> StoreError {
        self.refusal_with(&self.vault).await
    }

    pub(crate) async fn refusal_with(&self, vault: &dyn KeyVault) -> StoreError {
        let before = self.snapshot();
        let error = Store::open(&self.root, PROFILE, vault)
            .await
            .expect_err("the store is refused");
        assert!(
            before == self.snapshot(),
            "a refusal left the folder changed: {error:?}"
        );
        error
    }
}

pub(crate) fn vault(keys: &Path) -> FileVault {
    FileVault::new(keys, &[5; 32])
}

pub(crate) fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                fs::read(entry.path()).unwrap(),
            )
        })
        .collect()
}

pub(crate) async fn put(store: &Store, key: &'static [u8], value: &'static [u8]) -> Result<(), StoreError> {
    store.write(move |tx| tx.mls_put("table", key, value)).await
}

pub(crate) async fn get(store: &Store, key: &'static [u8]) -> Result<Option<Vec<u8>>, StoreError> {
    store.write(move |tx| tx.mls_get("table", key)).await
}

pub(crate) type Hook = Arc<dyn Fn() -> Result<(), VaultError> + Send + Sync>;

/// A file vault that fails, or ends the process, before or after what it is asked for.
#[derive(Clone)]
pub(crate) struct Hooked {
    pub(crate) inner: FileVault,
    pub(crate) before: Hook,
    pub(crate) after: Hook,
}

impl Hooked {
    pub(crate) fn new(inner: FileVault) -> Self {
        Self {
            inner,
            before: Arc::new(|| Ok(())),
            after: Arc::new(|| Ok(())),
        }
    }

    pub(crate) fn failing(inner: FileVault, error: VaultError) -> Self {
        Self {
            before: Arc::new(move || Err(error)),
            ..Self::new(inner)
        }
    }
}

#[async_trait]
impl KeyVault for Hooked {
    async fn load(&self, profile: &ProfileId) -> Result<StoreKey, VaultError> {
        (self.before)()?;
        let key = self.inner.load(profile).await?;
        (self.after)().map(|()| key)
    }

    async fn create(&self, profile: &ProfileId) -> Result<StoreKey, VaultError> {
        (self.before)()?;
        let key = self.inner.create(profile).await?;
        (self.after)().map(|()| key)
    }

    async fn destroy(&self, profile: &ProfileId) -> Result<(), VaultError> {
        (self.before)()?;
        self.inner.destroy(profile).await?;
        (self.after)()
    }
}

const STEP: &str = "CURO_STORE_TEST_STEP";
const ROOT: &str = "CURO_STORE_TEST_ROOT";
const KEYS: &str = "CURO_STORE_TEST_KEYS";

/// Runs the test `child` of this binary in a process of its own.
pub(crate) fn run_child(place: &Place, child: &str, step: &str) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args([child, "--exact", "--nocapture"])
        .env(STEP, step)
        .env(ROOT, &place.root)
        .env(KEYS, &place.keys)
        .output()
        .unwrap()
}

/// What a child was told: step, root and vault. `None` in an ordinary test run.
pub(crate) fn child_order() -> Option<(String, PathBuf, FileVault)> {
    let read = |name: &str| std::env::var_os(name);
    let step = read(STEP).as_deref().and_then(OsStr::to_str).map(str::to_owned)?;
    Some((step, read(ROOT)?.into(), vault(Path::new(&read(KEYS)?))))
}

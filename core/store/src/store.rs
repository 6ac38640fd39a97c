//! The life of a store, and its two doors: `write` and `read`.

mod keys;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use curo_sqlite::{Database, DbError, Mode};
use curo_types::ProfileId;
use rusqlite::Connection;

use crate::profiles::Files;
use crate::schema::Footprint;
use crate::unseal::{Opened, unseal};
use crate::{KeyVault, StoreError, StoreTx, erase};

/// One profile's store. Clones are handles on the same one.
///
/// An open store holds the profile's lease; a locked or suspended one holds neither lease, key nor file.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    profile: ProfileId,
    files: Files,
    footprint: Footprint,
    state: Mutex<State>,
    /// Serialises lock, unlock, suspend, rekey and erase.
    transitions: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
enum State {
    Open(Opened),
    /// As `Locked` for every caller; the file may still be being closed, and the lease held.
    Closing(Database),
    Locked,
    Erased,
}

impl Store {
    /// Makes a new store for `profile` below `root`, with a new key in `vault`. Completes a creation that was killed.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if there is a finished one; [`StoreError::Erasing`] if its erase is not finished; otherwise
    /// as [`Store::open`].
    pub async fn create(root: &Path, profile: ProfileId, vault: &dyn KeyVault) -> Result<Self, StoreError> {
        Self::create_as(root, profile, vault, Footprint::NORMAL).await
    }

    /// As [`Store::create`], with so much memory.
    ///
    /// # Errors
    /// As [`Store::create`].
    pub async fn create_as(
        root: &Path,
        profile: ProfileId,
        vault: &dyn KeyVault,
        footprint: Footprint,
    ) -> Result<Self, StoreError> {
        Self::start(root, profile, vault, Mode::Create, footprint).await
    }

    /// Opens the store of `profile` below `root` with the key from `vault`.
    ///
    /// # Errors
    /// [`StoreError::Missing`] without a finished store, [`StoreError::Busy`] while someone else holds it,
    /// [`StoreError::Vault`] without a key, and every refusal of the file; each leaves all files as they were.
    pub async fn open(root: &Path, profile: ProfileId, vault: &dyn KeyVault) -> Result<Self, StoreError> {
        Self::open_as(root, profile, vault, Footprint::NORMAL).await
    }

    /// As [`Store::open`], with so much memory.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_as(
        root: &Path,
        profile: ProfileId,
        vault: &dyn KeyVault,
        footprint: Footprint,
    ) -> Result<Self, StoreError> {
        Self::start(root, profile, vault, Mode::Existing, footprint).await
    }

    async fn start(
        root: &Path,
        profile: ProfileId,
        vault: &dyn KeyVault,
        mode: Mode,
        footprint: Footprint,
    ) -> Result<Self, StoreError> {
        let files = Files::new(root, &profile);
        let opened = unseal(&files, profile, vault, mode, footprint).await?;
        let (state, transitions) = (Mutex::new(State::Open(opened)), tokio::sync::Mutex::new(()));
        Ok(Self {
            inner: Arc::new(Inner {
                profile,
                files,
                footprint,
                state,
                transitions,
            }),
        })
    }

    /// Whose store this is.
    #[must_use]
    pub fn profile(&self) -> ProfileId {
        self.inner.profile
    }

    /// Whether calls are refused until [`Store::unlock`]. An erased store counts as locked.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.opened().is_err()
    }

    /// Runs `job` in a write transaction on the store's one writer thread; answers after its commit is on the disk. See
    /// [`curo_sqlite::Database::write`] for order, sharing of commits and panics.
    ///
    /// # Errors
    /// The job's own, after its effects were undone; [`StoreError::Locked`]; [`StoreError::Busy`] if another process has
    /// taken the store; otherwise the database's.
    pub async fn write<T, E>(&self, job: impl FnOnce(&StoreTx<'_>) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let Opened {
            database, generation, ..
        } = self.opened()?;
        let checked = database.write(move |tx| {
            let tx = StoreTx::new(tx, generation).map_err(|error| Either::Job(error.into()))?;
            job(&tx).map_err(Either::Job)
        });
        checked.await.map_err(Either::flatten)
    }

    /// Runs `job` on a read-only connection: all its queries see one state, at least every write whose answer was seen.
    ///
    /// # Errors
    /// The job's own; [`StoreError::Locked`]; otherwise the database's.
    pub async fn read<T, E>(&self, job: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let Opened { database, .. } = self.opened()?;
        database
            .read(move |connection| job(connection).map_err(Either::Job))
            .await
            .map_err(Either::flatten)
    }

    /// Locks: from the first poll on calls are refused with [`StoreError::Locked`]; entered jobs finish; then the file is
    /// closed, the key wiped and the lease given back. Dropping the future lets that go on in the background.
    ///
    /// # Errors
    /// What closing met, for instance a full disk at the checkpoint. The store is locked and every commit safe in any case.
    pub async fn lock(&self) -> Result<(), StoreError> {
        let before = self.take();
        let _turn = self.inner.transitions.lock().await;
        // An unlock that was under way has ended by now; this lock came after it.
        let after = self.take();
        let mut closed = Ok(());
        for database in [before, after].into_iter().flatten() {
            closed = closed.and(database.close().await.map_err(StoreError::from));
        }
        self.inner.closed();
        closed
    }

    /// For an app that goes to the background: as [`Store::lock`], which holds no file lock that iOS would kill for.
    /// Await it before telling the system to suspend. [`Store::unlock`] resumes.
    ///
    /// # Errors
    /// As [`Store::lock`].
    pub async fn suspend(&self) -> Result<(), StoreError> {
        self.lock().await
    }

    /// Takes the lease, fetches the key and opens the file again. Does nothing to an open store.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn unlock(&self, vault: &dyn KeyVault) -> Result<(), StoreError> {
        let _turn = self.inner.transitions.lock().await;
        match self.opened() {
            Ok(_) => return Ok(()),
            Err(StoreError::Locked) => self.inner.wait_closed().await,
            Err(error) => return Err(error),
        }
        let Inner {
            files,
            profile,
            footprint,
            ..
        } = &*self.inner;
        let opened = unseal(files, *profile, vault, Mode::Existing, *footprint).await?;
        *self.inner.state() = State::Open(opened);
        Ok(())
    }

    /// Destroys the key in the vault and then every file of the profile. Afterwards calls answer [`StoreError::Missing`].
    ///
    /// # Errors
    /// [`StoreError::Busy`] and [`StoreError::Vault`], among others. The store is locked then; once the erase has begun it
    /// answers [`StoreError::Erasing`] until `erase` or [`Store::erase_profile`] succeeds.
    pub async fn erase(&self, vault: &dyn KeyVault) -> Result<(), StoreError> {
        let opened = self.take();
        let _turn = self.inner.transitions.lock().await;
        for database in [opened, self.take()].into_iter().flatten() {
            // A failing checkpoint is of no interest for files that go.
            drop(database.close().await);
        }
        self.inner.closed();
        erase::erase(&self.inner.files, &self.inner.profile, vault).await?;
        *self.inner.state() = State::Erased;
        Ok(())
    }

    /// As [`Store::erase`], for a store that cannot be opened: the key is lost, or an erase was interrupted. A profile
    /// without files is no error.
    ///
    /// # Errors
    /// As [`Store::erase`].
    pub async fn erase_profile(root: &Path, profile: ProfileId, vault: &dyn KeyVault) -> Result<(), StoreError> {
        erase::erase(&Files::new(root, &profile), &profile, vault).await
    }

    fn opened(&self) -> Result<Opened, StoreError> {
        match &*self.inner.state() {
            State::Open(opened) => Ok(opened.clone()),
            State::Closing(_) | State::Locked => Err(StoreError::Locked),
            State::Erased => Err(StoreError::Missing),
        }
    }

    /// Locks the door and returns what has to be closed behind it, also where somebody else has begun to: whoever locks
    /// waits until the lease is given back.
    fn take(&self) -> Option<Database> {
        let mut state = self.inner.state();
        let database = match &*state {
            State::Open(opened) => opened.database.clone(),
            State::Closing(database) => return Some(database.clone()),
            State::Locked | State::Erased => return None,
        };
        // From here on it closes by itself, also where nobody waits for it.
        database.begin_close();
        *state = State::Closing(database.clone());
        Some(database)
    }
}

impl Inner {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever holds the turn has seen the file closed.
    fn closed(&self) {
        let mut state = self.state();
        if matches!(&*state, State::Closing(_)) {
            *state = State::Locked;
        }
    }

    /// Waits for a lock whose caller has gone.
    async fn wait_closed(&self) {
        let closing = match &*self.state() {
            State::Closing(database) => Some(database.clone()),
            _ => None,
        };
        if let Some(database) = closing {
            // What closing met is of no interest for an opening.
            drop(database.close().await);
            self.closed();
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("profile", &self.inner.profile)
            .finish_non_exhaustive()
    }
}

/// Keeps the job's own error apart from the database's, so that callers convert from [`StoreError`] only.
enum Either<E> {
    Job(E),
    Database(DbError),
}

impl<E: From<StoreError>> Either<E> {
    fn flatten(self) -> E {
        match self {
            Self::Job(error) => error,
            Self::Database(error) => StoreError::from(error).into(),
        }
    }
}

impl<E> From<DbError> for Either<E> {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

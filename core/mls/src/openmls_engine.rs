//! [`MlsEngine`] over OpenMLS.
//!
//! Knows OpenMLS and the store trait. Every call builds a [`Provider`] over the caller's transaction and reads its latch
//! before OpenMLS's verdict. A group is taken out of the cache for the time of a call and put back only if the call
//! succeeded, so what is in the cache is never ahead of the rows by an error; after a rollback it may be, hence
//! [`MlsEngine::forget_all`].

mod cache;
mod commit;
mod config;
mod external;
mod join;
mod key_packages;
mod keys;
mod message;

use openmls::prelude::{GroupId, MlsGroup};
use openmls_traits::OpenMlsProvider as _;
use zeroize::Zeroizing;

use self::cache::Cache;
use crate::engine::{CommitJudge, JoinJudge, MlsEngine};
use crate::error::MlsError;
use crate::provider::Provider;
use crate::rules;
use crate::store::{MlsStore, StoreFault, table};
use crate::suite::{Suite, crypto};
use crate::types::{
    CommitOutcome, CommitPlan, Created, Joined, Leaf, NewKeyPackage, PreparedCommit, PreparedExternal, Processed,
    Signer,
};

/// HKDF gives 255 blocks; the smallest hash of our suites has 32 bytes.
const MAX_EXPORT: usize = 255 * 32;

/// The engine for clients: OpenMLS with the RustCrypto provider.
///
/// It keeps up to 64 loaded groups, so that a batch of messages does not reload state for each.
#[derive(Debug, Default)]
pub struct OpenMlsEngine {
    groups: Cache,
}

impl OpenMlsEngine {
    /// An engine without loaded groups.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs `call` on a group. The group stays loaded only if nothing failed.
    fn with_group<T>(
        &mut self,
        store: &dyn MlsStore,
        group_id: &[u8],
        call: impl FnOnce(&Provider<'_>, &mut MlsGroup) -> Result<T, MlsError>,
    ) -> Result<T, MlsError> {
        let provider = Provider::new(store);
        let mut group = match self.groups.take(group_id) {
            Some(group) => group,
            None => load(&provider, group_id)?.ok_or(MlsError::UnknownGroup)?,
        };
        let result = provider.settle(call(&provider, &mut group));
        if result.is_ok() {
            self.groups.put(group);
        }
        result
    }

    /// Like [`with_group`](Self::with_group), for calls that only a member can make.
    fn with_active<T>(
        &mut self,
        store: &dyn MlsStore,
        group_id: &[u8],
        call: impl FnOnce(&Provider<'_>, &mut MlsGroup) -> Result<T, MlsError>,
    ) -> Result<T, MlsError> {
        self.with_group(store, group_id, |provider, group| {
            if group.is_active() {
                call(provider, group)
            } else {
                Err(MlsError::Evicted)
            }
        })
    }
}

/// Loads a group. Rows that do not make up a group are a fault of the store, not an unknown group.
fn load(provider: &Provider<'_>, group_id: &[u8]) -> Result<Option<MlsGroup>, MlsError> {
    let id = GroupId::from_slice(group_id);
    let group = provider.settle(MlsGroup::load(provider.storage(), &id).map_err(MlsError::from))?;
    if group.is_none() && has_rows(provider, &id)? {
        return Err(MlsError::Storage(StoreFault::permanent("rows of a group are missing")));
    }
    Ok(group)
}

fn has_rows(provider: &Provider<'_>, id: &GroupId) -> Result<bool, MlsError> {
    provider.settle(
        provider
            .storage()
            .has_row(table::GROUP_STATE, id)
            .map_err(MlsError::from),
    )
}

/// TLS encoding of something that this build made itself.
fn tls_bytes(value: &impl tls_codec::Serialize) -> Result<Vec<u8>, MlsError> {
    value.tls_serialize_detached().map_err(|_| MlsError::Internal)
}

impl MlsEngine for OpenMlsEngine {
    fn forget_all(&mut self) {
        self.groups.clear();
    }

    fn new_signature_key(&mut self, store: &dyn MlsStore, suite: Suite) -> Result<Vec<u8>, MlsError> {
        let provider = Provider::new(store);
        provider.settle(keys::create(&provider, suite))
    }

    fn sign(
        &mut self,
        store: &dyn MlsStore,
        suite: Suite,
        public_key: &[u8],
        message: &[u8],
    ) -> Result<Vec<u8>, MlsError> {
        let provider = Provider::new(store);
        provider.settle(keys::sign(&provider, suite, public_key, message))
    }

    fn new_key_packages(
        &mut self,
        store: &dyn MlsStore,
        signer: &Signer,
        count: usize,
        last_resort: bool,
    ) -> Result<Vec<NewKeyPackage>, MlsError> {
        let provider = Provider::new(store);
        provider.settle(key_packages::create(&provider, signer, count, last_resort))
    }

    fn delete_key_package(&mut self, store: &dyn MlsStore, hash_ref: &[u8]) -> Result<(), MlsError> {
        let provider = Provider::new(store);
        provider.settle(key_packages::delete(&provider, hash_ref))
    }

    fn create(&mut self, store: &dyn MlsStore, signer: &Signer, group_id: &[u8]) -> Result<Created, MlsError> {
        let provider = Provider::new(store);
        // A group that was loaded and whose creation was rolled back may still be here.
        self.groups.take(group_id);
        if has_rows(&provider, &GroupId::from_slice(group_id))? {
            return Err(MlsError::GroupExists);
        }
        let (group, created) = provider.settle(commit::create(&provider, signer, group_id))?;
        self.groups.put(group);
        Ok(created)
    }

    fn prepare_commit(
        &mut self,
        store: &dyn MlsStore,
        group_id: &[u8],
        plan: &CommitPlan,
        aad: &[u8],
    ) -> Result<PreparedCommit, MlsError> {
        self.with_active(store, group_id, |provider, group| {
            commit::prepare(provider, group, plan, aad)
        })
    }

    fn apply_own_commit(&mut self, store: &dyn MlsStore, group_id: &[u8]) -> Result<CommitOutcome, MlsError> {
        self.with_active(store, group_id, commit::apply)
    }

    fn discard_own_commit(&mut self, store: &dyn MlsStore, group_id: &[u8]) -> Result<(), MlsError> {
        self.with_group(store, group_id, |provider, group| {
            Ok(group.clear_pending_commit(provider.storage())?)
        })
    }

    fn has_pending_commit(&mut self, store: &dyn MlsStore, group_id: &[u8]) -> Result<bool, MlsError> {
        self.with_group(store, group_id, |_, group| Ok(group.pending_commit().is_some()))
    }

    fn encrypt(
        &mut self,
        store: &dyn MlsStore,
        group_id: &[u8],
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, MlsError> {
        self.with_active(store, group_id, |provider, group| {
            message::encrypt(provider, group, aad, plaintext)
        })
    }

    fn process(
        &mut self,
        store: &dyn MlsStore,
        group_id: &[u8],
        message: &[u8],
        judge: &mut CommitJudge<'_>,
    ) -> Result<Processed, MlsError> {
        self.with_active(store, group_id, |provider, group| {
            message::process(provider, group, message, judge)
        })
    }

    fn join(
        &mut self,
        store: &dyn MlsStore,
        welcome: &[u8],
        tree: &[u8],
        judge: &mut JoinJudge<'_>,
    ) -> Result<Joined, MlsError> {
        let provider = Provider::new(store);
        let (group, joined) = provider.settle(join::join(&provider, welcome, tree, judge))?;
        self.groups.take(&joined.group_id);
        self.groups.put(group);
        Ok(joined)
    }

    fn prepare_external_commit(
        &mut self,
        store: &dyn MlsStore,
        signer: &Signer,
        group_info: &[u8],
        tree: &[u8],
        aad: &[u8],
        judge: &mut JoinJudge<'_>,
    ) -> Result<PreparedExternal, MlsError> {
        external::prepare(store, signer, group_info, tree, aad, judge)
    }

    fn apply_external_commit(&mut self, store: &dyn MlsStore, state: &[u8]) -> Result<Joined, MlsError> {
        let (group, joined) = external::apply(store, state)?;
        self.groups.take(&joined.group_id);
        self.groups.put(group);
        Ok(joined)
    }

    fn members(&mut self, store: &dyn MlsStore, group_id: &[u8]) -> Result<Vec<Leaf>, MlsError> {
        self.with_group(store, group_id, |_, group| rules::members(group.public_group()))
    }

    fn group_info(&mut self, store: &dyn MlsStore, group_id: &[u8]) -> Result<Vec<u8>, MlsError> {
        self.with_active(store, group_id, |provider, group| commit::group_info(provider, group))
    }

    fn epoch(&mut self, store: &dyn MlsStore, group_id: &[u8]) -> Result<u64, MlsError> {
        self.with_group(store, group_id, |_, group| Ok(group.epoch().as_u64()))
    }

    fn suite(&mut self, store: &dyn MlsStore, group_id: &[u8]) -> Result<Suite, MlsError> {
        self.with_group(store, group_id, |_, group| Ok(Suite::from(group.ciphersuite())))
    }

    fn own_leaf(&mut self, store: &dyn MlsStore, group_id: &[u8]) -> Result<Leaf, MlsError> {
        self.with_active(store, group_id, |_, group| {
            rules::member(group.public_group(), group.own_leaf_index().u32())
        })
    }

    fn export_secret(
        &mut self,
        store: &dyn MlsStore,
        group_id: &[u8],
        label: &str,
        context: &[u8],
        length: usize,
    ) -> Result<Zeroizing<Vec<u8>>, MlsError> {
        if length > MAX_EXPORT {
            return Err(MlsError::TooLarge("exported secret"));
        }
        self.with_active(store, group_id, |_, group| {
            Ok(Zeroizing::new(group.export_secret(crypto(), label, context, length)?))
        })
    }

    fn epoch_authenticator(&mut self, store: &dyn MlsStore, group_id: &[u8]) -> Result<Vec<u8>, MlsError> {
        self.with_active(store, group_id, |_, group| {
            Ok(group.epoch_authenticator().as_slice().to_vec())
        })
    }

    fn delete_group(&mut self, store: &dyn MlsStore, group_id: &[u8]) -> Result<(), MlsError> {
        self.with_group(store, group_id, |provider, group| Ok(group.delete(provider.storage())?))?;
        self.groups.take(group_id);
        Ok(())
    }

    fn exists(&mut self, store: &dyn MlsStore, group_id: &[u8]) -> Result<bool, MlsError> {
        has_rows(&Provider::new(store), &GroupId::from_slice(group_id))
    }
}

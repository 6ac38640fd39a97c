//! External commits: made over an overlay, applied when they were accepted (rule 4.4).

use openmls::ciphersuite::hash_ref::ProposalRef;
use openmls::group::ProposalStore;
use openmls::prelude::{
    GroupContext, GroupId, LeafNodeIndex, LeafNodeParameters, MlsGroup, MlsMessageBodyIn, PublicGroup, RatchetTreeIn,
};
use openmls_traits::OpenMlsProvider as _;
use openmls_traits::storage::StorageProvider as _;
use tls_codec::Deserialize as _;

use super::{config, keys, load, tls_bytes};
use crate::engine::JoinJudge;
use crate::error::{MlsError, Rule};
use crate::inspect::{Admitted, admit};
use crate::key_package;
use crate::memory::MemoryStore;
use crate::overlay::{self, Overlay};
use crate::provider::{Latched, Provider, Storage};
use crate::rules;
use crate::store::MlsStore;
use crate::suite::{Suite, crypto};
use crate::types::{JoinView, Joined, Leaf, PreparedExternal, Signer};
use crate::wire;

pub(super) fn prepare(
    store: &dyn MlsStore,
    signer: &Signer,
    group_info: &[u8],
    tree: &[u8],
    aad: &[u8],
    judge: &mut JoinJudge<'_>,
) -> Result<PreparedExternal, MlsError> {
    let claimed = wire::read_group_info(group_info)?;
    signer.suite.expect(Suite(claimed.suite))?;
    let old = leaf_to_replace(signer, group_info, tree)?;
    if old.as_ref().is_some_and(|leaf| leaf.signature_key != signer.public_key) {
        // The library finds the leaf to replace by its key, and has no way to name another.
        return Err(MlsError::Invalid("the device's leaf has another key"));
    }

    let overlay = Overlay::new(store);
    let provider = Provider::new(&overlay);
    let (group, commit, new_info) = provider.settle(build(&provider, signer, group_info, tree, aad))?;
    let removed = removed_by(&commit)?;
    if removed != old.as_ref().map(|leaf| leaf.index) {
        return Err(MlsError::NotAllowed(Rule::ExternalCommit));
    }
    let own = rules::member(group.public_group(), group.own_leaf_index().u32())?;
    let sender = if Some(claimed.signer) == removed {
        own.clone()
    } else {
        rules::member(group.public_group(), claimed.signer)?
    };
    let view = JoinView {
        group_id: group.group_id().to_vec(),
        epoch: group.epoch().as_u64(),
        suite: Suite::from(group.ciphersuite()),
        leaves: rules::members(group.public_group())?,
        own_index: own.index,
        sender,
    };
    judge(&view).map_err(MlsError::Refused)?;
    Ok(PreparedExternal {
        epoch: claimed.epoch,
        commit,
        group_info: new_info,
        state: overlay.save(&view.group_id)?,
    })
}

/// The leaf of the signer's identity, if there is one. GroupInfo and tree are verified against each other here.
fn leaf_to_replace(signer: &Signer, group_info: &[u8], tree: &[u8]) -> Result<Option<Leaf>, MlsError> {
    let rows = MemoryStore::new();
    let provider = Provider::new(&rows);
    let tree = RatchetTreeIn::tls_deserialize_exact(tree).map_err(|_| MlsError::Malformed("tree"))?;
    let group_info = read_group_info(group_info)?;
    let public = PublicGroup::from_external(crypto(), provider.storage(), tree, group_info, ProposalStore::new());
    let (public, _) = provider.settle(public.map_err(MlsError::from))?;
    let suite = Suite::from(public.ciphersuite());
    for (_, leaf) in public.treesync().full_leaves() {
        rules::check_capabilities(leaf, suite)?;
    }
    let mut same: Vec<Leaf> = rules::members(&public)?;
    same.retain(|leaf| leaf.identity == signer.identity);
    let old = same.pop();
    if same.is_empty() {
        Ok(old)
    } else {
        Err(MlsError::Invalid("a device with two leaves"))
    }
}

fn build(
    provider: &Provider<'_>,
    signer: &Signer,
    group_info: &[u8],
    tree: &[u8],
    aad: &[u8],
) -> Result<(MlsGroup, Vec<u8>, Vec<u8>), MlsError> {
    let key_pair = keys::read(provider, signer.suite, &signer.public_key)?;
    let tree = RatchetTreeIn::tls_deserialize_exact(tree).map_err(|_| MlsError::Malformed("tree"))?;
    let leaf = LeafNodeParameters::builder()
        .with_capabilities(rules::capabilities()?)
        .build();
    let (group, bundle) = MlsGroup::external_commit_builder()
        .with_ratchet_tree(tree)
        .with_config(config::join())
        .with_aad(aad.to_vec())
        // Verdicts do not depend on this device's clock (rule 2.8).
        .skip_lifetime_validation()
        .build_group(provider, read_group_info(group_info)?, keys::credential(signer))?
        .leaf_node_parameters(leaf)
        .load_psks(provider.storage())?
        .create_group_info(true)
        .build(provider.rand(), provider.crypto(), &key_pair, |_| true)?
        .finalize(provider)?;
    let (commit, _, group_info) = bundle.into_messages();
    let group_info = group_info.ok_or(MlsError::Internal)?;
    Ok((group, tls_bytes(&commit)?, tls_bytes(&group_info)?))
}

/// What an external commit of ours removes, read from its bytes as everybody else reads them.
fn removed_by(commit: &[u8]) -> Result<Option<u32>, MlsError> {
    match admit(commit)? {
        Admitted::Commit(head) if head.sender.is_none() => Ok(head.removes.first().copied()),
        Admitted::Commit(_) | Admitted::Message { .. } => Err(MlsError::Internal),
    }
}

pub(super) fn apply(store: &dyn MlsStore, state: &[u8]) -> Result<(MlsGroup, Joined), MlsError> {
    let group_id = overlay::group_id(state)?;
    overlay::check(state)?;
    clear(store, group_id)?;
    overlay::replay(state, store)?;
    let group = load(&Provider::new(store), group_id)?.ok_or(MlsError::Malformed("state of an external commit"))?;
    let joined = Joined {
        group_id: group_id.to_vec(),
        epoch: group.epoch().as_u64(),
        suite: Suite::from(group.ciphersuite()),
        members: rules::members(group.public_group())?,
    };
    Ok((group, joined))
}

/// Deletes what there is of a group. One that cannot be loaded, which may be why it is rejoined, goes row by row. A provider
/// that has met a fault is of no more use, hence several.
fn clear(store: &dyn MlsStore, group_id: &[u8]) -> Result<(), MlsError> {
    let provider = Provider::new(store);
    match load(&provider, group_id) {
        Ok(None) => return Ok(()),
        Ok(Some(mut old)) => return provider.settle(old.delete(provider.storage()).map_err(MlsError::from)),
        Err(error) if error.retryable() => return Err(error),
        Err(_) => {}
    }
    let id = GroupId::from_slice(group_id);
    // The keys of its last epoch can be named only if these two rows are readable.
    let epoch = readable::<GroupContext>(store, |storage| storage.group_context(&id))?;
    let leaf = readable::<LeafNodeIndex>(store, |storage| storage.own_leaf_index(&id))?;
    let provider = Provider::new(store);
    provider.settle(delete_rows(&provider, &id, epoch, leaf).map_err(MlsError::from))
}

/// A row, unless it is damaged.
fn readable<T>(
    store: &dyn MlsStore,
    read: impl FnOnce(&Storage<'_>) -> Result<Option<T>, Latched>,
) -> Result<Option<T>, MlsError> {
    let provider = Provider::new(store);
    match provider.settle(read(provider.storage()).map_err(MlsError::from)) {
        Err(error) if error.retryable() => Err(error),
        row => Ok(row.ok().flatten()),
    }
}

fn delete_rows(
    provider: &Provider<'_>,
    id: &GroupId,
    context: Option<GroupContext>,
    leaf: Option<LeafNodeIndex>,
) -> Result<(), Latched> {
    let storage = provider.storage();
    if let (Some(context), Some(leaf)) = (context, leaf) {
        storage.delete_encryption_epoch_key_pairs(id, &context.epoch(), leaf.u32())?;
    }
    storage.delete_tree(id)?;
    storage.delete_confirmation_tag(id)?;
    storage.delete_context(id)?;
    storage.delete_interim_transcript_hash(id)?;
    storage.delete_own_leaf_index(id)?;
    storage.delete_group_epoch_secrets(id)?;
    storage.delete_message_secrets(id)?;
    storage.delete_all_resumption_psk_secrets(id)?;
    storage.delete_group_config(id)?;
    storage.delete_own_leaf_nodes(id)?;
    storage.clear_proposal_queue::<GroupId, ProposalRef>(id)?;
    storage.delete_group_state(id)
}

fn read_group_info(bytes: &[u8]) -> Result<openmls::messages::group_info::VerifiableGroupInfo, MlsError> {
    match key_package::body(bytes, "GroupInfo")? {
        MlsMessageBodyIn::GroupInfo(group_info) => Ok(group_info),
        _ => Err(MlsError::Malformed("GroupInfo")),
    }
}

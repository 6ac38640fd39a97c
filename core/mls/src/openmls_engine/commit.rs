//! Creating groups and own commits: prepared, kept pending in the store, applied.

use std::collections::BTreeSet;

use openmls::prelude::{GroupId, LeafNodeIndex, MlsGroup};
use openmls_basic_credential::SignatureKeyPair;
use openmls_traits::OpenMlsProvider as _;

use super::{config, keys, tls_bytes};
use crate::error::MlsError;
use crate::key_package;
use crate::provider::Provider;
use crate::rules::{self, Author};
use crate::suite::{Suite, crypto};
use crate::types::{CommitOutcome, CommitPlan, Created, PreparedCommit, Signer};

pub(super) fn create(
    provider: &Provider<'_>,
    signer: &Signer,
    group_id: &[u8],
) -> Result<(MlsGroup, Created), MlsError> {
    let key_pair = keys::read(provider, signer.suite, &signer.public_key)?;
    let group = MlsGroup::new_with_group_id(
        provider,
        &key_pair,
        &config::create(signer.suite)?,
        GroupId::from_slice(group_id),
        keys::credential(signer),
    )?;
    let created = Created {
        group_info: tls_bytes(&group.export_group_info(crypto(), &key_pair, false)?)?,
        tree: tls_bytes(&group.export_ratchet_tree())?,
    };
    Ok((group, created))
}

/// The key pair that belongs to the own leaf.
pub(super) fn own_key_pair(provider: &Provider<'_>, group: &MlsGroup) -> Result<SignatureKeyPair, MlsError> {
    let leaf = group.own_leaf_node().ok_or(MlsError::Evicted)?;
    keys::read(
        provider,
        Suite::from(group.ciphersuite()),
        leaf.signature_key().as_slice(),
    )
}

/// The group's state in words that anybody can check, signed by the own leaf.
pub(super) fn group_info(provider: &Provider<'_>, group: &MlsGroup) -> Result<Vec<u8>, MlsError> {
    let key_pair = own_key_pair(provider, group)?;
    tls_bytes(&group.export_group_info(crypto(), &key_pair, false)?)
}

pub(super) fn prepare(
    provider: &Provider<'_>,
    group: &mut MlsGroup,
    plan: &CommitPlan,
    aad: &[u8],
) -> Result<PreparedCommit, MlsError> {
    if group.pending_commit().is_some() {
        return Err(MlsError::CommitPending);
    }
    check_removals(group, &plan.remove)?;
    let suite = Suite::from(group.ciphersuite());
    let mut add = Vec::with_capacity(plan.add.len());
    for bytes in &plan.add {
        let key_package = key_package::validated(bytes)?;
        suite.expect(Suite::from(key_package.ciphersuite()))?;
        add.push(key_package);
    }
    check_additions(&add)?;

    let epoch = group.epoch().as_u64();
    let own_index = group.own_leaf_index().u32();
    let key_pair = own_key_pair(provider, group)?;
    group.set_aad(aad.to_vec());
    let bundle = group
        .commit_builder()
        // The queue is empty by rule 3.4; nothing that might be in it shall travel.
        .consume_proposal_store(false)
        .propose_removals(plan.remove.iter().map(|index| LeafNodeIndex::new(*index)))
        .propose_adds(add)
        .force_self_update(true)
        .load_psks(provider.storage())?
        .create_group_info(true)
        .build(provider.rand(), provider.crypto(), &key_pair, |_| true)?
        .stage_commit(provider)?;
    let (commit, welcome, group_info) = bundle.into_messages();

    let staged = group.pending_commit().ok_or(MlsError::Internal)?;
    let outcome = rules::describe(
        group.public_group(),
        staged,
        Author::Member(own_index),
        Some(own_index),
        Vec::new(),
    )?;
    Ok(PreparedCommit {
        epoch,
        commit: tls_bytes(&commit)?,
        welcome: welcome.map(|welcome| tls_bytes(&welcome)).transpose()?,
        group_info: tls_bytes(&group_info.ok_or(MlsError::Internal)?)?,
        added: outcome.added,
        removed: outcome.removed,
    })
}

/// OpenMLS drops a second removal of the same leaf silently, and a plan that says more than it does is a mistake.
fn check_removals(group: &MlsGroup, remove: &[u32]) -> Result<(), MlsError> {
    let mut seen = BTreeSet::new();
    for index in remove {
        if *index == group.own_leaf_index().u32() {
            return Err(MlsError::CannotRemoveSelf);
        }
        rules::member(group.public_group(), *index)?;
        if !seen.insert(*index) {
            return Err(MlsError::Invalid("the same leaf removed twice"));
        }
    }
    Ok(())
}

/// OpenMLS drops a second Add of the same KeyPackage silently.
fn check_additions(add: &[openmls::prelude::KeyPackage]) -> Result<(), MlsError> {
    let mut seen = BTreeSet::new();
    if add
        .iter()
        .all(|key_package| seen.insert(key_package.hpke_init_key().as_slice()))
    {
        Ok(())
    } else {
        Err(MlsError::DuplicateKey)
    }
}

pub(super) fn apply(provider: &Provider<'_>, group: &mut MlsGroup) -> Result<CommitOutcome, MlsError> {
    let own_index = group.own_leaf_index().u32();
    let staged = group.pending_commit().ok_or(MlsError::NoPendingCommit)?;
    let outcome = rules::describe(
        group.public_group(),
        staged,
        Author::Member(own_index),
        Some(own_index),
        Vec::new(),
    )?;
    group.merge_pending_commit(provider)?;
    Ok(outcome)
}

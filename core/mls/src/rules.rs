//! What our leaves advertise and what a verified commit may contain (rules 2.7, 2.8, 3.4), over OpenMLS's types.
//!
//! Shared by the engine and the follower, so that both refuse the same.

use std::collections::BTreeSet;

use openmls::prelude::{
    BasicCredential, Capabilities, CredentialType, ExtensionType, KeyPackage, LeafNode, Member, Proposal,
    ProposalOrRefType, ProposalType, ProtocolVersion, PublicGroup, Sender, StagedCommit, VerifiableCiphersuite,
};

use crate::error::{MlsError, Rule};
use crate::suite::Suite;
use crate::types::{CommitOutcome, External, Leaf};

/// Private-use extension types that every leaf advertises (rule 2.7): policy and directory version.
const ADVERTISED_EXTENSIONS: [u16; 2] = [0xF0C0, 0xF0C1];

/// Capabilities of our own leaves.
pub(crate) fn capabilities() -> Result<Capabilities, MlsError> {
    let ciphers = Suite::SUPPORTED
        .into_iter()
        .map(Suite::cipher)
        .collect::<Result<Vec<_>, _>>()?;
    let mut extensions: Vec<_> = ADVERTISED_EXTENSIONS.into_iter().map(ExtensionType::Unknown).collect();
    extensions.push(ExtensionType::LastResort);
    Ok(Capabilities::builder()
        .versions(vec![ProtocolVersion::Mls10])
        .ciphersuites(ciphers)
        .extensions(extensions)
        .proposals(vec![ProposalType::SelfRemove])
        .credentials(vec![CredentialType::Basic])
        .build())
}

/// Refuses a leaf that does not advertise what rule 2.7 asks, or not its own suite: a group with one such leaf could never
/// use those extensions.
pub(crate) fn check_capabilities(leaf: &LeafNode, suite: Suite) -> Result<(), MlsError> {
    let has = leaf.capabilities();
    let extensions = ADVERTISED_EXTENSIONS
        .iter()
        .all(|id| has.extensions().contains(&ExtensionType::Unknown(*id)));
    let proposals = has.proposals().contains(&ProposalType::SelfRemove);
    let cipher = has
        .ciphersuites()
        .contains(&VerifiableCiphersuite::from(suite.cipher()?));
    if extensions && proposals && cipher {
        Ok(())
    } else {
        Err(MlsError::NotAllowed(Rule::MissingCapabilities))
    }
}

/// A verified KeyPackage against our rules.
pub(crate) fn check_key_package(key_package: &KeyPackage) -> Result<(), MlsError> {
    identity(key_package.leaf_node())?;
    check_capabilities(key_package.leaf_node(), Suite::from(key_package.ciphersuite()))
}

/// A verified commit against rule 3.4. The bytes were read before; this asks OpenMLS what it understood.
///
/// Of an external commit OpenMLS has checked that it has one ExternalInit and no Add.
pub(crate) fn check_commit(staged: &StagedCommit, suite: Suite, author: Author) -> Result<(), MlsError> {
    for queued in staged.queued_proposals() {
        if queued.proposal_or_ref_type() != ProposalOrRefType::Proposal {
            return Err(MlsError::NotAllowed(Rule::ProposalByReference));
        }
        match queued.proposal() {
            Proposal::Add(add) => check_key_package(add.key_package())?,
            Proposal::Remove(_) => {}
            Proposal::PreSharedKey(_) => return Err(MlsError::NotAllowed(Rule::PreSharedKey)),
            Proposal::ReInit(_) => return Err(MlsError::NotAllowed(Rule::ReInit)),
            Proposal::ExternalInit(_) if author == Author::New => {}
            Proposal::ExternalInit(_) => return Err(MlsError::NotAllowed(Rule::ExternalInit)),
            Proposal::GroupContextExtensions(_) => {
                return Err(MlsError::NotAllowed(Rule::GroupContextExtensions));
            }
            Proposal::Update(_) => return Err(MlsError::NotAllowed(Rule::UpdateProposal)),
            Proposal::SelfRemove => return Err(MlsError::NotAllowed(Rule::SelfRemove)),
            Proposal::Custom(_) => return Err(MlsError::NotAllowed(Rule::CustomProposal)),
        }
    }
    let path_leaf = staged
        .update_path_leaf_node()
        .ok_or(MlsError::NotAllowed(Rule::NoPath))?;
    check_capabilities(path_leaf, suite)
}

/// Identity of a leaf's basic credential.
pub(crate) fn identity(leaf: &LeafNode) -> Result<Vec<u8>, MlsError> {
    BasicCredential::try_from(leaf.credential().clone())
        .map(|basic| basic.identity().to_vec())
        .map_err(|_| MlsError::NotAllowed(Rule::CredentialType))
}

pub(crate) fn leaf_at(index: u32, leaf: &LeafNode) -> Result<Leaf, MlsError> {
    Ok(Leaf {
        index,
        identity: identity(leaf)?,
        signature_key: leaf.signature_key().as_slice().to_vec(),
    })
}

/// The member at `index`, or [`MlsError::UnknownLeaf`].
pub(crate) fn member(group: &PublicGroup, index: u32) -> Result<Leaf, MlsError> {
    let leaf = group
        .leaf(openmls::prelude::LeafNodeIndex::new(index))
        .ok_or(MlsError::UnknownLeaf(index))?;
    leaf_at(index, leaf)
}

/// A leaf as OpenMLS lists the members of a group that is not joined yet.
pub(crate) fn leaf_of_member(member: Member) -> Result<Leaf, MlsError> {
    let identity = BasicCredential::try_from(member.credential)
        .map(|basic| basic.identity().to_vec())
        .map_err(|_| MlsError::NotAllowed(Rule::CredentialType))?;
    Ok(Leaf {
        index: member.index.u32(),
        identity,
        signature_key: member.signature_key,
    })
}

/// Every member by leaf index.
pub(crate) fn members(group: &PublicGroup) -> Result<Vec<Leaf>, MlsError> {
    group
        .treesync()
        .full_leaves()
        .map(|(index, leaf)| leaf_at(index.u32(), leaf))
        .collect()
}

/// Who made a commit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Author {
    /// The member at this leaf.
    Member(u32),
    /// Somebody outside: it is an external commit.
    New,
}

impl From<Option<u32>> for Author {
    fn from(sender: Option<u32>) -> Self {
        sender.map_or(Self::New, Self::Member)
    }
}

impl From<&Sender> for Author {
    fn from(sender: &Sender) -> Self {
        match sender {
            Sender::Member(index) => Self::Member(index.u32()),
            Sender::External(_) | Sender::NewMemberProposal | Sender::NewMemberCommit => Self::New,
        }
    }
}

/// What a staged commit does to `group`, which is still in the epoch before it.
pub(crate) fn describe(
    group: &PublicGroup,
    staged: &StagedCommit,
    author: Author,
    own_index: Option<u32>,
    aad: Vec<u8>,
) -> Result<CommitOutcome, MlsError> {
    let removed = staged
        .remove_proposals()
        .map(|queued| member(group, queued.remove_proposal().removed().u32()))
        .collect::<Result<Vec<_>, _>>()?;
    let Author::Member(sender) = author else {
        return describe_external(group, staged, removed, own_index, aad);
    };
    let updated = staged
        .update_path_leaf_node()
        .map(|leaf| leaf_at(sender, leaf))
        .transpose()?;
    Ok(CommitOutcome {
        sender: member(group, sender)?,
        external: None,
        aad,
        epoch: staged.epoch().as_u64(),
        added: added(group, staged, &removed)?,
        self_removed: removed.iter().any(|leaf| Some(leaf.index) == own_index),
        removed,
        updated: updated.into_iter().collect(),
    })
}

/// Rule 3.5: an external commit replaces the one leaf of its author's identity, if there is one, and touches no other.
fn describe_external(
    group: &PublicGroup,
    staged: &StagedCommit,
    mut removed: Vec<Leaf>,
    own_index: Option<u32>,
    aad: Vec<u8>,
) -> Result<CommitOutcome, MlsError> {
    let leaf = staged
        .update_path_leaf_node()
        .ok_or(MlsError::NotAllowed(Rule::NoPath))?;
    let sender = leaf_at(leftmost_free(group, &removed), leaf)?;
    let replaced = removed.pop();
    // None, or exactly this one: a device has one leaf.
    let same: Vec<u32> = members(group)?
        .into_iter()
        .filter(|leaf| leaf.identity == sender.identity)
        .map(|leaf| leaf.index)
        .collect();
    if !removed.is_empty() || same != replaced.iter().map(|leaf| leaf.index).collect::<Vec<_>>() {
        return Err(MlsError::NotAllowed(Rule::ExternalCommit));
    }
    Ok(CommitOutcome {
        aad,
        epoch: staged.epoch().as_u64(),
        added: if replaced.is_none() {
            vec![sender.clone()]
        } else {
            Vec::new()
        },
        self_removed: replaced.as_ref().is_some_and(|leaf| Some(leaf.index) == own_index),
        removed,
        updated: vec![sender.clone()],
        external: Some(External { replaced }),
        sender,
    })
}

/// The leaf that the author of an external commit gets (RFC 9420, 12.4.3.2).
fn leftmost_free(group: &PublicGroup, removed: &[Leaf]) -> u32 {
    let taken: BTreeSet<u32> = group
        .treesync()
        .full_leaves()
        .map(|(index, _)| index.u32())
        .filter(|index| removed.iter().all(|leaf| leaf.index != *index))
        .collect();
    (0..)
        .zip(&taken)
        .find(|(free, taken)| free != *taken)
        .map_or(u32::try_from(taken.len()).unwrap_or(u32::MAX), |(free, _)| free)
}

/// New members with the leaves that they will have: each takes the leftmost blank one, after the removals
/// (RFC 9420, 7.7 and 12.3).
fn added(group: &PublicGroup, staged: &StagedCommit, removed: &[Leaf]) -> Result<Vec<Leaf>, MlsError> {
    let mut taken: BTreeSet<u32> = group.treesync().full_leaves().map(|(index, _)| index.u32()).collect();
    for leaf in removed {
        taken.remove(&leaf.index);
    }
    let mut next = 0;
    let mut result = Vec::new();
    for queued in staged.add_proposals() {
        while !taken.insert(next) {
            next += 1;
        }
        result.push(leaf_at(next, queued.add_proposal().key_package().leaf_node())?);
    }
    Ok(result)
}

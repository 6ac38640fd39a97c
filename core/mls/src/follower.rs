//! The relay's side: it follows a group's public state and refuses commits before they win (protocol 3.4 and 3.7).
//!
//! Knows the tree and the GroupContext, no secret. It cannot check membership and confirmation tags; that a GroupInfo
//! signed by the committer says the same is what it has instead.

mod blob;

use std::fmt;

use openmls::group::ProposalStore;
use openmls::messages::group_info::VerifiableGroupInfo;
use openmls::prelude::{
    MlsMessageBodyIn, OpenMlsSignaturePublicKey, ProcessedMessageContent, PublicGroup, RatchetTreeIn, StagedCommit,
    Verifiable,
};
use openmls_traits::OpenMlsProvider as _;
use tls_codec::{Deserialize, Serialize};

use crate::error::{MlsError, Rule};
use crate::inspect::{Admitted, CommitHead, admit};
use crate::key_package;
use crate::memory::MemoryStore;
use crate::provider::Provider;
use crate::rules::{self, Author};
use crate::suite::{Suite, crypto};
use crate::types::{External, Leaf};
use crate::wire;

/// The public state of one group.
pub struct Follower {
    group: PublicGroup,
    rows: MemoryStore,
}

/// A commit that is valid and not applied.
pub struct StagedFollow {
    /// The epoch that the commit opens.
    pub epoch: u64,
    /// The committer, as its leaf was before the commit; of an external commit, the leaf that it brings.
    pub sender: Leaf,
    /// Whether it is an external commit (rule 3.5), and what it replaces.
    pub external: Option<External>,
    /// Authenticated data of the commit.
    pub aad: Vec<u8>,
    /// New members with the leaves that they will have.
    pub added: Vec<Leaf>,
    /// KeyPackageRefs of the new members, in the order of `added`: a Welcome must be for exactly these.
    pub added_key_packages: Vec<Vec<u8>>,
    /// Members that are gone, as they were.
    pub removed: Vec<Leaf>,
    /// The committer's new leaf, from the path.
    pub updated: Option<Leaf>,
    staged: StagedCommit,
    /// GroupContext that the commit was staged on, and the tag that it brought.
    base: Vec<u8>,
    confirmation_tag: Vec<u8>,
}

impl Follower {
    /// Starts to follow a new group: epoch 0 and its creator alone.
    ///
    /// Only ever used for new groups. A state that is rebuilt from a GroupInfo would be judged by this host's clock
    /// (OpenMLS has no switch), so a relay saves and loads.
    ///
    /// # Errors
    /// [`MlsError::NotAllowed`] (not a new group, extensions, bounded lifetime, capabilities), [`MlsError::Malformed`],
    /// [`MlsError::TreeMismatch`], [`MlsError::BadAuthentication`], [`MlsError::UnsupportedSuite`],
    /// [`MlsError::Invalid`].
    pub fn create(group_info: &[u8], tree: &[u8]) -> Result<Self, MlsError> {
        let claimed = wire::read_group_info(group_info)?;
        Suite(claimed.suite).cipher()?;
        if claimed.epoch != 0 || claimed.signer != 0 {
            return Err(MlsError::NotAllowed(Rule::NotANewGroup));
        }
        let creator = wire::read_single_leaf_tree(tree)?;
        if creator.lifetime.is_none() {
            return Err(MlsError::NotAllowed(Rule::NotANewGroup));
        }
        creator.check_lifetime()?;

        let tree = RatchetTreeIn::tls_deserialize_exact(tree).map_err(|_| MlsError::Malformed("tree"))?;
        let rows = MemoryStore::new();
        let group = {
            let provider = Provider::new(&rows);
            let created = PublicGroup::from_external(
                crypto(),
                provider.storage(),
                tree,
                read_group_info(group_info)?,
                ProposalStore::new(),
            );
            provider.settle(created.map_err(MlsError::from))?.0
        };
        let suite = Suite::from(group.ciphersuite());
        for (_, leaf) in group.treesync().full_leaves() {
            rules::identity(leaf)?;
            rules::check_capabilities(leaf, suite)?;
        }
        Ok(Self { group, rows })
    }

    /// Verifies a commit for the current epoch, without applying it.
    ///
    /// # Errors
    /// [`MlsError::WrongGroup`], [`MlsError::WrongEpoch`], [`MlsError::NotAllowed`] with the rule that it breaks,
    /// [`MlsError::Malformed`], [`MlsError::UnknownLeaf`], [`MlsError::CannotRemoveSelf`], [`MlsError::DuplicateKey`],
    /// [`MlsError::BadAuthentication`], [`MlsError::Invalid`].
    pub fn stage(&self, commit: &[u8]) -> Result<StagedFollow, MlsError> {
        let head = match admit(commit)? {
            Admitted::Commit(head) => head,
            Admitted::Message { .. } => return Err(MlsError::Malformed("commit")),
        };
        self.check_head(&head)?;
        let message = match key_package::body(commit, "commit")? {
            MlsMessageBodyIn::PublicMessage(message) => message,
            _ => return Err(MlsError::Malformed("commit")),
        };
        let processed = self.group.process_message(crypto(), message)?;
        let author = Author::from(processed.sender());
        if author != Author::from(head.sender) {
            return Err(MlsError::NotAllowed(Rule::ExternalSender));
        }
        let aad = processed.aad().to_vec();
        let ProcessedMessageContent::StagedCommitMessage(staged) = processed.into_content() else {
            return Err(MlsError::NotAllowed(Rule::StandaloneProposal));
        };
        rules::check_commit(&staged, self.suite(), author)?;
        let outcome = rules::describe(&self.group, &staged, author, None, aad)?;
        let added_key_packages = staged
            .add_proposals()
            .map(|add| Ok(add.add_proposal().key_package().hash_ref(crypto())?.as_slice().to_vec()))
            .collect::<Result<Vec<_>, MlsError>>()?;
        Ok(StagedFollow {
            epoch: outcome.epoch,
            sender: outcome.sender,
            external: outcome.external,
            aad: outcome.aad,
            added: outcome.added,
            added_key_packages,
            removed: outcome.removed,
            updated: outcome.updated.into_iter().next(),
            staged: *staged,
            base: self.context()?,
            confirmation_tag: head.confirmation_tag,
        })
    }

    /// Applies a staged commit if `group_info` (of the epoch that it opens) is signed by the committer and says the same:
    /// equal GroupContext, equal confirmation tag. Everything is checked first, so a refusal changes nothing.
    ///
    /// # Errors
    /// [`MlsError::GroupInfoMismatch`], [`MlsError::BadAuthentication`] (signature), [`MlsError::NotAllowed`]
    /// (extensions), [`MlsError::Malformed`], and [`MlsError::Invalid`] if `staged` was not staged on this state.
    pub fn accept(&mut self, staged: StagedFollow, group_info: &[u8]) -> Result<(), MlsError> {
        if staged.base != self.context()? {
            return Err(MlsError::Invalid("staged on another state"));
        }
        let claimed = wire::read_group_info(group_info)?;
        if claimed.signer != staged.sender.index {
            return Err(MlsError::GroupInfoMismatch("signer"));
        }
        if claimed.context != tls(staged.staged.group_context())? {
            return Err(MlsError::GroupInfoMismatch("GroupContext"));
        }
        if claimed.confirmation_tag != staged.confirmation_tag {
            return Err(MlsError::GroupInfoMismatch("confirmation tag"));
        }
        // Joiners verify with the committer's leaf in the new tree.
        let key = &staged.updated.as_ref().unwrap_or(&staged.sender).signature_key;
        self.verify_group_info(group_info, key)?;

        let provider = Provider::new(&self.rows);
        let merged = self.group.merge_commit(provider.storage(), staged.staged);
        provider.settle(merged.map_err(MlsError::from))
    }

    /// Applies a commit that [`accept`](Self::accept) has applied to this state before: the caller's log has it, so there is no
    /// GroupInfo to compare.
    ///
    /// # Errors
    /// As [`stage`](Self::stage).
    pub fn replay(&mut self, commit: &[u8]) -> Result<(), MlsError> {
        let staged = self.stage(commit)?.staged;
        let provider = Provider::new(&self.rows);
        let merged = self.group.merge_commit(provider.storage(), staged);
        provider.settle(merged.map_err(MlsError::from))
    }

    /// Applies a staged commit without a GroupInfo: the caller's log has proof that it won its epoch.
    ///
    /// # Errors
    /// [`MlsError::Invalid`] if `staged` was not staged on this state.
    pub fn follow(&mut self, staged: StagedFollow) -> Result<(), MlsError> {
        if staged.base != self.context()? {
            return Err(MlsError::Invalid("staged on another state"));
        }
        let provider = Provider::new(&self.rows);
        let merged = self.group.merge_commit(provider.storage(), staged.staged);
        provider.settle(merged.map_err(MlsError::from))
    }

    /// Whether a GroupInfo says what this state is: signed by a member, equal GroupContext, and the confirmation tag of
    /// `last_commit`, which has opened the epoch.
    ///
    /// # Errors
    /// [`MlsError::GroupInfoMismatch`], [`MlsError::BadAuthentication`] (signature), [`MlsError::NotAllowed`]
    /// (extensions), [`MlsError::UnknownLeaf`] (the signer), [`MlsError::Malformed`].
    pub fn check_group_info(&self, group_info: &[u8], last_commit: &[u8]) -> Result<(), MlsError> {
        let Admitted::Commit(head) = admit(last_commit)? else {
            return Err(MlsError::Malformed("commit"));
        };
        let claimed = wire::read_group_info(group_info)?;
        if claimed.context != self.context()? {
            return Err(MlsError::GroupInfoMismatch("GroupContext"));
        }
        if claimed.confirmation_tag != head.confirmation_tag {
            return Err(MlsError::GroupInfoMismatch("confirmation tag"));
        }
        let key = rules::member(&self.group, claimed.signer)?.signature_key;
        self.verify_group_info(group_info, &key)
    }

    fn verify_group_info(&self, group_info: &[u8], key: &[u8]) -> Result<(), MlsError> {
        let scheme = self.group.ciphersuite().signature_algorithm();
        let key =
            OpenMlsSignaturePublicKey::new(key.to_vec().into(), scheme).map_err(|_| MlsError::Malformed("key"))?;
        read_group_info(group_info)?
            .verify_no_out(crypto(), &key)
            .map_err(|_| MlsError::BadAuthentication("signature"))
    }

    fn check_head(&self, head: &CommitHead) -> Result<(), MlsError> {
        if head.group_id != self.group.group_id().as_slice() {
            return Err(MlsError::WrongGroup);
        }
        if head.epoch != self.epoch() {
            return Err(MlsError::WrongEpoch {
                expected: self.epoch(),
                found: head.epoch,
            });
        }
        head.sender
            .map_or(Ok(()), |sender| rules::member(&self.group, sender).map(|_| ()))
    }

    fn context(&self) -> Result<Vec<u8>, MlsError> {
        tls(self.group.group_context())
    }

    /// The members by leaf index.
    ///
    /// # Errors
    /// None in practice; [`MlsError::NotAllowed`] for credentials that were never let in.
    pub fn members(&self) -> Result<Vec<Leaf>, MlsError> {
        rules::members(&self.group)
    }

    /// The current epoch.
    pub fn epoch(&self) -> u64 {
        self.group.group_context().epoch().as_u64()
    }

    /// The group's id.
    pub fn group_id(&self) -> &[u8] {
        self.group.group_id().as_slice()
    }

    /// The group's suite.
    pub fn suite(&self) -> Suite {
        Suite::from(self.group.ciphersuite())
    }

    /// The ratchet tree (RFC 9420, 12.4.3.3), TLS encoded, as joiners need it.
    ///
    /// # Errors
    /// [`MlsError::Internal`] if the tree is beyond what the encoding can hold.
    pub fn tree(&self) -> Result<Vec<u8>, MlsError> {
        tls(&self.group.export_ratchet_tree())
    }

    /// The tree hash of the current epoch (RFC 9420, 7.8), by which the tree is served.
    pub fn tree_hash(&self) -> Vec<u8> {
        self.group.group_context().tree_hash().to_vec()
    }
}

fn tls(value: &impl Serialize) -> Result<Vec<u8>, MlsError> {
    value.tls_serialize_detached().map_err(|_| MlsError::Internal)
}

fn read_group_info(bytes: &[u8]) -> Result<VerifiableGroupInfo, MlsError> {
    match key_package::body(bytes, "GroupInfo")? {
        MlsMessageBodyIn::GroupInfo(group_info) => Ok(group_info),
        _ => Err(MlsError::Malformed("GroupInfo")),
    }
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Follower(epoch {}, {:?})", self.epoch(), self.suite())
    }
}

impl fmt::Debug for StagedFollow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StagedFollow")
            .field("epoch", &self.epoch)
            .field("sender", &self.sender)
            .field("external", &self.external)
            .field("added", &self.added)
            .field("removed", &self.removed)
            .field("updated", &self.updated)
            .finish_non_exhaustive()
    }
}

//! What goes into the engine's calls and comes out of them: plain data, owned.
//!
//! Plaintext and identities have a `Debug` that shows lengths only.

use std::fmt;

use zeroize::Zeroizing;

use crate::suite::Suite;

/// A member's place in the tree and what the group knows of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Index of the leaf in the tree. It is reused after a removal.
    pub index: u32,
    /// Identity of the basic credential, opaque here.
    pub identity: Vec<u8>,
    /// Public signature key, as RFC 9420 5.1.1 encodes it for the group's suite.
    pub signature_key: Vec<u8>,
}

impl fmt::Debug for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Leaf({}, identity of {} bytes)", self.index, self.identity.len())
    }
}

/// Who signs: a suite, the identity to put into credentials, and a public key whose private part is in the store.
#[derive(Clone, PartialEq, Eq)]
pub struct Signer {
    /// The suite that the key was made for.
    pub suite: Suite,
    /// Identity of the basic credential, opaque here.
    pub identity: Vec<u8>,
    /// Public key from [`MlsEngine::new_signature_key`](crate::MlsEngine::new_signature_key).
    pub public_key: Vec<u8>,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({:?}, identity of {} bytes)", self.suite, self.identity.len())
    }
}

/// A KeyPackage to publish; its private keys are in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKeyPackage {
    /// The KeyPackage as an MLSMessage (RFC 9420, 6).
    pub bytes: Vec<u8>,
    /// KeyPackageRef (RFC 9420, 5.2), by which a Welcome names it.
    pub hash_ref: Vec<u8>,
}

/// A new group at epoch 0 with its creator alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// GroupInfo as an MLSMessage, with `external_pub` and without the tree.
    pub group_info: Vec<u8>,
    /// The ratchet tree (RFC 9420, 12.4.3.3), TLS encoded.
    pub tree: Vec<u8>,
}

/// What a commit shall do. An empty plan is an update of the own leaf.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitPlan {
    /// KeyPackages to add, as published (MLSMessage).
    pub add: Vec<Vec<u8>>,
    /// Leaf indices to remove.
    pub remove: Vec<u32>,
}

/// A commit that is made and not applied: it waits in the store for its verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedCommit {
    /// The epoch that it was made in; it leads to `epoch + 1`.
    pub epoch: u64,
    /// The commit as an MLSMessage holding a PublicMessage.
    pub commit: Vec<u8>,
    /// The Welcome for everyone added, as an MLSMessage; `None` if nobody is.
    pub welcome: Option<Vec<u8>>,
    /// GroupInfo of the new epoch as an MLSMessage, with `external_pub` and without the tree.
    pub group_info: Vec<u8>,
    /// Who is added, with the leaf index that they will have.
    pub added: Vec<Leaf>,
    /// Who is removed, as they were.
    pub removed: Vec<Leaf>,
}

/// What a commit does. A judge sees it before the commit is applied, the caller gets it afterwards.
#[derive(Clone, PartialEq, Eq)]
pub struct CommitOutcome {
    /// The committer, as its leaf was before the commit; of an external commit, the leaf that it brings.
    pub sender: Leaf,
    /// Whether its author had no leaf, or not the state behind it: an external commit.
    pub external: Option<External>,
    /// Authenticated data of the commit. Empty from
    /// [`apply_own_commit`](crate::MlsEngine::apply_own_commit): the caller has the bytes that it sent.
    pub aad: Vec<u8>,
    /// The epoch that the commit opens.
    pub epoch: u64,
    /// New members. The author of an external commit that replaces no leaf is one.
    pub added: Vec<Leaf>,
    /// Members that are gone, as they were. A leaf that its own device replaces is not among them.
    pub removed: Vec<Leaf>,
    /// Leaves that have other keys now (the committer's, from the path). Their key or identity may differ from before.
    pub updated: Vec<Leaf>,
    /// Whether this member is among the removed, or replaced by an external commit of its own device.
    pub self_removed: bool,
}

/// What is particular to an external commit (rule 3.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct External {
    /// The leaf of the same identity that it replaces. `None`: the author had none.
    pub replaced: Option<Leaf>,
}

/// A commit before it is applied, as a judge sees it.
pub type CommitView = CommitOutcome;

impl fmt::Debug for CommitOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommitOutcome")
            .field("sender", &self.sender)
            .field("external", &self.external)
            .field("epoch", &self.epoch)
            .field("added", &self.added)
            .field("removed", &self.removed)
            .field("updated", &self.updated)
            .field("self_removed", &self.self_removed)
            .finish_non_exhaustive()
    }
}

/// What a message from another member turned out to be.
#[derive(Clone, PartialEq, Eq)]
pub enum Processed {
    /// Content.
    Message {
        /// Who sent it.
        sender: Leaf,
        /// Its authenticated data.
        aad: Vec<u8>,
        /// The decrypted content, without padding. It may be PHI.
        plaintext: Vec<u8>,
        /// The epoch that it was sent in, which is the group's current one.
        epoch: u64,
    },
    /// A commit, which is applied now.
    Commit(CommitOutcome),
}

impl fmt::Debug for Processed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message {
                sender,
                plaintext,
                epoch,
                ..
            } => {
                write!(f, "Message({sender:?}, epoch {epoch}, {} bytes)", plaintext.len())
            }
            Self::Commit(outcome) => outcome.fmt(f),
        }
    }
}

/// A group before it is joined, as a judge sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinView {
    /// The group's id.
    pub group_id: Vec<u8>,
    /// The epoch to be joined.
    pub epoch: u64,
    /// The group's suite.
    pub suite: Suite,
    /// Every member, the joiner included.
    pub leaves: Vec<Leaf>,
    /// The joiner's own leaf index.
    pub own_index: u32,
    /// Who made the Welcome.
    pub sender: Leaf,
}

/// A group that was joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// The group's id.
    pub group_id: Vec<u8>,
    /// Its epoch.
    pub epoch: u64,
    /// Its suite.
    pub suite: Suite,
    /// Every member, the joiner included.
    pub members: Vec<Leaf>,
}

/// An external commit that is made, with the state that it leads to (rule 4.4). The store is as it was before.
#[derive(Clone, PartialEq, Eq)]
pub struct PreparedExternal {
    /// The epoch that it was made in; it leads to `epoch + 1`.
    pub epoch: u64,
    /// The commit as an MLSMessage holding a PublicMessage.
    pub commit: Vec<u8>,
    /// GroupInfo of the new epoch as an MLSMessage, with `external_pub` and without the tree.
    pub group_info: Vec<u8>,
    /// All rows of the group in the new epoch, for
    /// [`apply_external_commit`](crate::MlsEngine::apply_external_commit). They hold private keys.
    pub state: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for PreparedExternal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PreparedExternal(epoch {}, {} bytes)", self.epoch, self.commit.len())
    }
}

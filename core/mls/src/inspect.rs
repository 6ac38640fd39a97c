//! What a message says about itself, without any group state: for routing, for judging a commit before a database is
//! touched, for the directory check of rule 3.6.
//!
//! Knows nothing of signatures: everything here is a claim until the engine or the follower has verified it.

use std::fmt;

use crate::error::{MlsError, Rule};
use crate::suite::Suite;
use crate::wire::{self, Content, Sender, WireMessage};

/// The readable part of a group message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Framing {
    /// The group that it is for.
    pub group_id: Vec<u8>,
    /// The epoch that it was made in.
    pub epoch: u64,
    /// What it is.
    pub kind: FramingKind,
    /// Its authenticated data.
    pub aad: Vec<u8>,
    /// The commit, if it is one.
    pub commit: Option<CommitFraming>,
}

/// What kind of group message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FramingKind {
    /// A commit in a PublicMessage.
    Commit,
    /// Encrypted content.
    Message,
    /// Anything else, which neither clients nor relay accept: standalone proposals, encrypted handshakes, open content.
    Other,
}

/// What a commit says that it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitFraming {
    /// Leaf index of the committer; `None` for an external commit, whose author has no leaf yet.
    pub sender_index: Option<u32>,
    /// Keys of those added, in the order of the proposals.
    pub adds: Vec<LeafKey>,
    /// Leaf indices of those removed.
    pub removes: Vec<u32>,
    /// The committer's new leaf. Always there today: a commit without path is refused.
    pub path_leaf: Option<LeafKey>,
}

/// Who a leaf says it is.
#[derive(Clone, PartialEq, Eq)]
pub struct LeafKey {
    /// Identity of the basic credential, opaque here.
    pub identity: Vec<u8>,
    /// Public signature key.
    pub signature_key: Vec<u8>,
    /// The KeyPackage's suite. `None` for a path's leaf, which has the group's.
    pub suite: Option<Suite>,
}

impl LeafKey {
    fn of(leaf: &wire::LeafNode<'_>, suite: Option<u16>) -> Self {
        Self {
            identity: leaf.identity.to_vec(),
            signature_key: leaf.signature_key.to_vec(),
            suite: suite.map(Suite),
        }
    }
}

impl fmt::Debug for LeafKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "LeafKey(identity of {} bytes, {:?})",
            self.identity.len(),
            self.suite
        )
    }
}

/// Reads an MLSMessage that holds a PublicMessage or PrivateMessage.
///
/// # Errors
/// [`MlsError::Malformed`] for anything else, and [`MlsError::NotAllowed`] for commits that rules 3.4 and 3.5 forbid: by an
/// external sender, by reference, without path, or with any proposal but Add and Remove (an external commit: but one
/// ExternalInit and one Remove).
pub fn inspect(message: &[u8]) -> Result<Framing, MlsError> {
    match wire::read_message(message)? {
        WireMessage::Private {
            group_id,
            epoch,
            content_type,
            aad,
        } => Ok(Framing {
            group_id: group_id.to_vec(),
            epoch,
            kind: if content_type == wire::APPLICATION {
                FramingKind::Message
            } else {
                FramingKind::Other
            },
            aad: aad.to_vec(),
            commit: None,
        }),
        WireMessage::Public(frame) => {
            let commit = match &frame.content {
                Content::Commit(commit) => Some(CommitFraming {
                    sender_index: frame.sender.member(),
                    adds: commit
                        .adds
                        .iter()
                        .map(|add| LeafKey::of(&add.leaf, Some(add.suite)))
                        .collect(),
                    removes: commit.removes.clone(),
                    path_leaf: commit.path_leaf.as_ref().map(|leaf| LeafKey::of(leaf, None)),
                }),
                _ => None,
            };
            Ok(Framing {
                group_id: frame.group_id.to_vec(),
                epoch: frame.epoch,
                kind: if commit.is_some() {
                    FramingKind::Commit
                } else {
                    FramingKind::Other
                },
                aad: frame.aad.to_vec(),
                commit,
            })
        }
    }
}

/// What engine and follower need of a commit before OpenMLS sees it.
pub(crate) struct CommitHead {
    pub(crate) group_id: Vec<u8>,
    pub(crate) epoch: u64,
    /// The committer's leaf; `None` if it is an external commit.
    pub(crate) sender: Option<u32>,
    pub(crate) removes: Vec<u32>,
    pub(crate) confirmation_tag: Vec<u8>,
}

/// A message that may be given to OpenMLS.
pub(crate) enum Admitted {
    Commit(CommitHead),
    Message { group_id: Vec<u8>, epoch: u64 },
}

/// Refuses what nobody here may process (rules 2.8, 3.4 and 3.5), by name.
pub(crate) fn admit(message: &[u8]) -> Result<Admitted, MlsError> {
    match wire::read_message(message)? {
        WireMessage::Private {
            group_id,
            epoch,
            content_type: wire::APPLICATION,
            ..
        } => Ok(Admitted::Message {
            group_id: group_id.to_vec(),
            epoch,
        }),
        WireMessage::Private { .. } => Err(MlsError::NotAllowed(Rule::EncryptedHandshake)),
        WireMessage::Public(frame) => match (frame.content, frame.sender) {
            (Content::Commit(commit), sender) => Ok(Admitted::Commit(CommitHead {
                group_id: frame.group_id.to_vec(),
                epoch: frame.epoch,
                sender: sender.member(),
                removes: commit.removes.clone(),
                confirmation_tag: commit.confirmation_tag.to_vec(),
            })),
            (Content::Proposal, Sender::External) => Err(MlsError::NotAllowed(Rule::ExternalSender)),
            (Content::Proposal, _) => Err(MlsError::NotAllowed(Rule::StandaloneProposal)),
            (Content::Application, _) => Err(MlsError::NotAllowed(Rule::UnencryptedContent)),
        },
    }
}

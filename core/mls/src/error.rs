//! What can go wrong, typed, so that a caller can tell "try again" from "never" without reading text.
//!
//! No variant carries plaintext, keys or an OpenMLS error: those may quote what they were given.

use std::any::Any;
use std::fmt;

use crate::store::StoreFault;

/// Why a call failed. Nothing of it is applied once the caller has rolled its transaction back.
#[derive(Debug, thiserror::Error)]
pub enum MlsError {
    /// The store failed. This is read before OpenMLS's own verdict, which would call the message broken instead.
    #[error(transparent)]
    Storage(#[from] StoreFault),
    /// The store has no such group.
    #[error("no such group")]
    UnknownGroup,
    /// There is already a group with this id.
    #[error("the group exists already")]
    GroupExists,
    /// This member was removed; the group can only be deleted or replaced by a new join.
    #[error("this member was removed from the group")]
    Evicted,
    /// The message or GroupInfo belongs to another group.
    #[error("belongs to another group")]
    WrongGroup,
    /// The message was made in another epoch than the group's current one.
    #[error("made in epoch {found}, the group is in epoch {expected}")]
    WrongEpoch {
        /// The group's epoch.
        expected: u64,
        /// The message's epoch.
        found: u64,
    },
    /// A cipher suite that is unknown or that this build cannot run.
    #[error("cipher suite {0:#06x} is not supported")]
    UnsupportedSuite(u16),
    /// The cipher suite is not the group's.
    #[error("cipher suite {found:#06x}, the group has {expected:#06x}")]
    WrongSuite {
        /// The group's suite.
        expected: u16,
        /// The other one.
        found: u16,
    },
    /// The store has no private key for this public signature key.
    #[error("no private key for this signature key")]
    UnknownSignatureKey,
    /// Bytes that are not what they should be.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// Well-formed and forbidden (protocol rules 2.7, 2.8, 3.4, 3.8).
    #[error("not allowed: {0}")]
    NotAllowed(Rule),
    /// An own commit waits for its verdict: apply or discard it first.
    #[error("an own commit is pending")]
    CommitPending,
    /// There is no own commit to apply.
    #[error("no own commit is pending")]
    NoPendingCommit,
    /// No member has this leaf index.
    #[error("no member at leaf {0}")]
    UnknownLeaf(u32),
    /// A commit cannot remove its own author (RFC 9420, 12.2).
    #[error("a commit cannot remove its author")]
    CannotRemoveSelf,
    /// A signature, encryption or init key is in use already, in the group or twice in the plan.
    #[error("a key is in use already")]
    DuplicateKey,
    /// None of the Welcome's KeyPackages is in the store: used, deleted, or for another device.
    #[error("none of the KeyPackages is here")]
    NoMatchingKeyPackage,
    /// The tree is not the one that the GroupInfo names.
    #[error("the tree does not match the GroupInfo")]
    TreeMismatch,
    /// GroupInfo and commit disagree on the state that the commit leads to.
    #[error("the GroupInfo does not describe the commit's result: {0}")]
    GroupInfoMismatch(&'static str),
    /// The caller's judge refused; the payload is the caller's own.
    #[error("refused by the caller's judge")]
    Refused(Refusal),
    /// An own message or own commit was given to `process`.
    #[error("an own message; recognise it before processing")]
    OwnMessage,
    /// The message's key was used and deleted: processed already, or its sender was rolled back.
    #[error("the message key was used already")]
    SecretReuse,
    /// The message's generation is too far ahead of or behind the sender ratchet.
    #[error("the message's generation is out of reach")]
    GenerationOutOfReach,
    /// Decryption failed.
    #[error("cannot be decrypted")]
    Undecryptable,
    /// A signature, membership tag or confirmation tag is wrong.
    #[error("wrong {0}")]
    BadAuthentication(&'static str),
    /// Refused by a validity rule of RFC 9420 that needs no own name here.
    #[error("invalid: {0}")]
    Invalid(&'static str),
    /// A length or count is above its limit.
    #[error("too large: {0}")]
    TooLarge(&'static str),
    /// The MLS library reports a fault of its own.
    #[error("internal fault of the MLS library")]
    Internal,
}

impl MlsError {
    /// Whether the same call may succeed later with nothing but a rolled back transaction and time.
    ///
    /// Only storage faults can; everything else says the same about the same bytes and state for ever.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Storage(fault) => fault.retryable,
            _ => false,
        }
    }

    /// Whether it is about something that this version refuses because it does not know what to make of it, and a later one may
    /// allow: a suite, a GroupContext extension, a proposal type, an extension of GroupInfo.
    pub const fn of_later_version(&self) -> bool {
        matches!(
            self,
            Self::UnsupportedSuite(_)
                | Self::NotAllowed(
                    Rule::GroupContextExtensions | Rule::SelfRemove | Rule::CustomProposal | Rule::GroupInfoExtensions
                )
        )
    }
}

/// What is allowed by RFC 9420 and not here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rule {
    /// An external commit that does more than to replace or add its author's own leaf (rule 3.5).
    #[error("external commit beyond its author's own leaf")]
    ExternalCommit,
    /// A message by an external sender.
    #[error("external sender")]
    ExternalSender,
    /// A proposal outside a commit.
    #[error("standalone proposal")]
    StandaloneProposal,
    /// A commit that refers to a proposal sent earlier.
    #[error("proposal by reference")]
    ProposalByReference,
    /// A pre-shared key, in a commit or in a Welcome.
    #[error("pre-shared key")]
    PreSharedKey,
    /// A ReInit proposal.
    #[error("ReInit")]
    ReInit,
    /// An ExternalInit proposal.
    #[error("ExternalInit")]
    ExternalInit,
    /// A change of the GroupContext's extensions, or a group that has extensions we do not know.
    #[error("GroupContext extensions")]
    GroupContextExtensions,
    /// An Update proposal; updates travel in the commit's path.
    #[error("Update proposal")]
    UpdateProposal,
    /// A SelfRemove proposal inside a commit.
    #[error("SelfRemove proposal")]
    SelfRemove,
    /// A proposal type that we do not know.
    #[error("unknown proposal type")]
    CustomProposal,
    /// A commit without an update path.
    #[error("commit without path")]
    NoPath,
    /// A handshake message inside a PrivateMessage.
    #[error("encrypted handshake message")]
    EncryptedHandshake,
    /// A content message that is not encrypted.
    #[error("unencrypted content")]
    UnencryptedContent,
    /// A GroupInfo or Welcome that carries the tree.
    #[error("tree inside GroupInfo")]
    TreeInGroupInfo,
    /// A GroupInfo without the key for external joins, or with extensions that we do not know.
    #[error("GroupInfo extensions")]
    GroupInfoExtensions,
    /// A KeyPackage or leaf with a lifetime that a clock could end.
    #[error("bounded lifetime")]
    BoundedLifetime,
    /// A credential that is not basic.
    #[error("credential type")]
    CredentialType,
    /// A leaf that does not advertise what rule 2.7 asks.
    #[error("missing leaf capabilities")]
    MissingCapabilities,
    /// A group that is new to the follower and not at epoch 0 with its creator alone.
    #[error("not a new group")]
    NotANewGroup,
    /// Bytes to be signed that MLS itself could have signed.
    #[error("reserved signature content")]
    ReservedSignatureContent,
}

/// The reason that a judge gave, of a type that only the caller knows.
pub struct Refusal(Box<dyn Any + Send + Sync>);

impl Refusal {
    /// Wraps the caller's reason.
    pub fn new<T: Any + Send + Sync>(reason: T) -> Self {
        Self(Box::new(reason))
    }

    /// The reason, if it is a `T`; otherwise the refusal again.
    ///
    /// # Errors
    /// The refusal itself, when the reason has another type.
    pub fn downcast<T: Any>(self) -> Result<T, Self> {
        self.0.downcast().map(|reason| *reason).map_err(Self)
    }

    /// A look at the reason, if it is a `T`.
    pub fn downcast_ref<T: Any>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Refusal(..)")
    }
}

//! The trait that clients program against, so that the MLS library can be exchanged and faked.
//!
//! Knows no OpenMLS type.

use zeroize::Zeroizing;

use crate::error::{MlsError, Refusal};
use crate::store::MlsStore;
use crate::suite::Suite;
use crate::types::{
    CommitOutcome, CommitPlan, CommitView, Created, JoinView, Joined, Leaf, NewKeyPackage, PreparedCommit,
    PreparedExternal, Processed, Signer,
};

/// Decides on a foreign commit after it was verified and before it is applied.
pub type CommitJudge<'a> = dyn FnMut(&CommitView) -> Result<(), Refusal> + 'a;

/// Decides on a group after its Welcome was verified and before it is joined.
pub type JoinJudge<'a> = dyn FnMut(&JoinView) -> Result<(), Refusal> + 'a;

/// MLS groups of one device (RFC 9420), over rows that the caller's transaction holds.
///
/// # Transactions
/// Every call writes into the transaction behind `store`. After any error the caller rolls back; after any rollback it
/// calls [`forget_all`](Self::forget_all). An engine serves one database: groups that it has loaded are taken to be
/// what the rows say.
///
/// # Errors
/// Every call may answer [`MlsError::Storage`], which is the only retryable error. Calls on a group answer
/// [`MlsError::UnknownGroup`] if the store has none, and those that need a member's secrets [`MlsError::Evicted`] after
/// this member was removed. Other errors are named at the calls.
pub trait MlsEngine: Send {
    /// Drops every loaded group. The owner calls it after every rollback and after another process wrote.
    fn forget_all(&mut self);

    /// Makes a signature key for `suite` and returns its public part; the private part is in the store.
    ///
    /// # Errors
    /// [`MlsError::UnsupportedSuite`].
    fn new_signature_key(&mut self, store: &dyn MlsStore, suite: Suite) -> Result<Vec<u8>, MlsError>;

    /// Signs `message` as it is, for [`verify_signature`](crate::verify_signature). The message must carry its own context
    /// label; what MLS itself could sign (RFC 9420, 5.1.2) is refused.
    ///
    /// # Errors
    /// [`MlsError::UnknownSignatureKey`], [`MlsError::UnsupportedSuite`],
    /// [`MlsError::NotAllowed`] with [`Rule::ReservedSignatureContent`](crate::Rule::ReservedSignatureContent).
    fn sign(
        &mut self,
        store: &dyn MlsStore,
        suite: Suite,
        public_key: &[u8],
        message: &[u8],
    ) -> Result<Vec<u8>, MlsError>;

    /// Makes `count` KeyPackages (1,000 at most) with unbounded lifetimes. One marked `last_resort` survives its use.
    ///
    /// # Errors
    /// [`MlsError::UnknownSignatureKey`], [`MlsError::UnsupportedSuite`], [`MlsError::TooLarge`].
    fn new_key_packages(
        &mut self,
        store: &dyn MlsStore,
        signer: &Signer,
        count: usize,
        last_resort: bool,
    ) -> Result<Vec<NewKeyPackage>, MlsError>;

    /// Forgets a KeyPackage with its private keys. One that is not there is no error.
    ///
    /// # Errors
    /// Only [`MlsError::Storage`] and [`MlsError::Malformed`] (a reference that no suite makes).
    fn delete_key_package(&mut self, store: &dyn MlsStore, hash_ref: &[u8]) -> Result<(), MlsError>;

    /// Creates a group at epoch 0 with the signer as its only member.
    ///
    /// # Errors
    /// [`MlsError::GroupExists`], [`MlsError::UnknownSignatureKey`], [`MlsError::UnsupportedSuite`].
    fn create(&mut self, store: &dyn MlsStore, signer: &Signer, group_id: &[u8]) -> Result<Created, MlsError>;

    /// Makes a commit with a path and keeps it pending in the store, across restarts, until it is applied, discarded or
    /// beaten by another. The same bytes are sent until the epoch has a winner.
    ///
    /// # Errors
    /// [`MlsError::CommitPending`], [`MlsError::UnknownLeaf`], [`MlsError::CannotRemoveSelf`],
    /// [`MlsError::DuplicateKey`], [`MlsError::WrongSuite`], [`MlsError::Malformed`], [`MlsError::NotAllowed`],
    /// [`MlsError::BadAuthentication`] and [`MlsError::Invalid`] for KeyPackages that members would refuse.
    fn prepare_commit(
        &mut self,
        store: &dyn MlsStore,
        group_id: &[u8],
        plan: &CommitPlan,
        aad: &[u8],
    ) -> Result<PreparedCommit, MlsError>;

    /// Applies the pending own commit, when it was accepted (rule 4.3: when the cursor reaches it).
    ///
    /// # Errors
    /// [`MlsError::NoPendingCommit`].
    fn apply_own_commit(&mut self, store: &dyn MlsStore, group_id: &[u8]) -> Result<CommitOutcome, MlsError>;

    /// Drops the pending own commit. Without one, or after this member was removed, nothing happens. Only for a commit that cannot win any more (rule 4.2).
    ///
    /// # Errors
    /// None of its own.
    fn discard_own_commit(&mut self, store: &dyn MlsStore, group_id: &[u8]) -> Result<(), MlsError>;

    /// Whether an own commit waits for its verdict.
    ///
    /// # Errors
    /// None of its own.
    fn has_pending_commit(&mut self, store: &dyn MlsStore, group_id: &[u8]) -> Result<bool, MlsError>;

    /// Makes an external commit (RFC 9420, 12.4.3.2) that brings this device into a group from outside, or back into one whose
    /// state it cannot use any more (rule 4.4). A leaf of the signer's identity is replaced. `group_info` and `tree` are those
    /// that the relay has accepted; every leaf of the new epoch is shown to `judge`.
    ///
    /// Nothing is written: neither a group that is here nor its pending commit is touched. What the commit leads to is in
    /// [`PreparedExternal::state`].
    ///
    /// # Errors
    /// [`MlsError::TreeMismatch`], [`MlsError::WrongSuite`], [`MlsError::UnknownSignatureKey`], [`MlsError::Refused`] with
    /// the judge's reason, [`MlsError::NotAllowed`], [`MlsError::Malformed`], [`MlsError::BadAuthentication`],
    /// [`MlsError::Invalid`]: also if a leaf of the signer's identity has another key. That leaf must be removed by a member
    /// first.
    fn prepare_external_commit(
        &mut self,
        store: &dyn MlsStore,
        signer: &Signer,
        group_info: &[u8],
        tree: &[u8],
        aad: &[u8],
        judge: &mut JoinJudge<'_>,
    ) -> Result<PreparedExternal, MlsError>;

    /// Puts the state behind an accepted external commit in place. What there is of a group with the same id is deleted,
    /// readable or not.
    ///
    /// # Errors
    /// [`MlsError::Malformed`] if `state` is not from [`prepare_external_commit`](Self::prepare_external_commit).
    fn apply_external_commit(&mut self, store: &dyn MlsStore, state: &[u8]) -> Result<Joined, MlsError>;

    /// Encrypts content for the current epoch, padded, with `aad` readable and authenticated. Returns an MLSMessage.
    ///
    /// # Errors
    /// None of its own.
    fn encrypt(
        &mut self,
        store: &dyn MlsStore,
        group_id: &[u8],
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, MlsError>;

    /// Processes a message or commit by another member. A commit is verified, shown to `judge` and applied; it replaces
    /// a pending own commit of the same epoch.
    ///
    /// # Errors
    /// [`MlsError::WrongGroup`], [`MlsError::WrongEpoch`], [`MlsError::Malformed`], [`MlsError::NotAllowed`],
    /// [`MlsError::OwnMessage`], [`MlsError::Refused`] with the judge's reason, [`MlsError::SecretReuse`],
    /// [`MlsError::GenerationOutOfReach`], [`MlsError::Undecryptable`], [`MlsError::BadAuthentication`],
    /// [`MlsError::UnknownLeaf`], [`MlsError::Invalid`].
    fn process(
        &mut self,
        store: &dyn MlsStore,
        group_id: &[u8],
        message: &[u8],
        judge: &mut CommitJudge<'_>,
    ) -> Result<Processed, MlsError>;

    /// Joins a group by its Welcome and the tree that the relay serves for it. A group with the same id is replaced.
    ///
    /// The KeyPackage is deleted before the Welcome is decrypted, so an error that is not rolled back loses it.
    ///
    /// # Errors
    /// [`MlsError::NoMatchingKeyPackage`], [`MlsError::TreeMismatch`], [`MlsError::Refused`] with the judge's reason,
    /// [`MlsError::NotAllowed`], [`MlsError::Malformed`], [`MlsError::Undecryptable`], [`MlsError::BadAuthentication`],
    /// [`MlsError::Invalid`].
    fn join(
        &mut self,
        store: &dyn MlsStore,
        welcome: &[u8],
        tree: &[u8],
        judge: &mut JoinJudge<'_>,
    ) -> Result<Joined, MlsError>;

    /// The members by leaf index. After this member's removal: those that were left.
    ///
    /// # Errors
    /// None of its own.
    fn members(&mut self, store: &dyn MlsStore, group_id: &[u8]) -> Result<Vec<Leaf>, MlsError>;

    /// GroupInfo of the current epoch, without tree, signed by this member: what who comes from outside needs, if the
    /// committer's own is lost.
    ///
    /// # Errors
    /// [`MlsError::UnknownSignatureKey`], [`MlsError::Evicted`].
    fn group_info(&mut self, store: &dyn MlsStore, group_id: &[u8]) -> Result<Vec<u8>, MlsError>;

    /// The current epoch.
    ///
    /// # Errors
    /// None of its own.
    fn epoch(&mut self, store: &dyn MlsStore, group_id: &[u8]) -> Result<u64, MlsError>;

    /// The group's suite.
    ///
    /// # Errors
    /// None of its own.
    fn suite(&mut self, store: &dyn MlsStore, group_id: &[u8]) -> Result<Suite, MlsError>;

    /// This member's leaf.
    ///
    /// # Errors
    /// [`MlsError::Evicted`].
    fn own_leaf(&mut self, store: &dyn MlsStore, group_id: &[u8]) -> Result<Leaf, MlsError>;

    /// A secret of `length` bytes from the current epoch (RFC 9420, 8.5).
    ///
    /// # Errors
    /// [`MlsError::TooLarge`] above 8,160 bytes (what HKDF-SHA-256 can give).
    fn export_secret(
        &mut self,
        store: &dyn MlsStore,
        group_id: &[u8],
        label: &str,
        context: &[u8],
        length: usize,
    ) -> Result<Zeroizing<Vec<u8>>, MlsError>;

    /// The epoch authenticator (RFC 9420, 8.7): equal for members that are in the same state.
    ///
    /// # Errors
    /// None of its own.
    fn epoch_authenticator(&mut self, store: &dyn MlsStore, group_id: &[u8]) -> Result<Vec<u8>, MlsError>;

    /// Deletes every row of the group. Signature keys and KeyPackages stay.
    ///
    /// # Errors
    /// None of its own.
    fn delete_group(&mut self, store: &dyn MlsStore, group_id: &[u8]) -> Result<(), MlsError>;

    /// Whether the store has the group, removed from it or not.
    ///
    /// # Errors
    /// None of its own.
    fn exists(&mut self, store: &dyn MlsStore, group_id: &[u8]) -> Result<bool, MlsError>;
}

//! What the relay keeps, behind one trait (`docs/protocol.md` section 9): the SQLite implementation and every later one pass
//! the same conformance suite.
//!
//! One method is one business transaction. The tenant comes first, time is an argument, and nothing of the database crosses
//! the trait: no handle, no closure, no row id. The storage knows no MLS: group state is an opaque blob with an epoch, which
//! is checked outside and then compared and set here. What must be true at the moment of acceptance (the caller is a member,
//! the epoch is current, the directory still says so) is decided here and nowhere else.

mod approvals;
mod conversations;
mod directory;
mod error;
pub(crate) mod incarnations;
mod key_packages;
mod leaving;
mod push;
mod quotas;
mod receipts;
mod replay;
mod silence;
mod sqlite;
mod sync;
mod token;

pub use approvals::{ApprovalOutcome, Approvals, AskingDevice};
pub use conversations::{
    AppendMessages, AppendOutcome, Checkpoint, CommitCheck, CommitKey, CommitOutcome, CommittedEntry, CurrentGroup,
    DroppedBodies, EntriesOutcome, GroupInfoOutcome, GroupState, LeafClaim, Missing, NewCommit, NewConversation,
    NewMessage, Refusal, Tip, TreeOutcome, WinnerOutcome,
};
pub use directory::{
    Caller, DeviceRef, DeviceState, DirectoryChange, DirectoryLimits, DirectoryOutcome, DirectoryPage, TenantKeys,
};
pub use error::StorageError;
pub use incarnations::{
    CommitReport, DUTY_MS, DutyAsked, DutyOutcome, IncarnationsOutcome, LOSSES, LostEntries, REPORTS_NEEDED,
    ReportOutcome, TURN_MS, TURN_PAUSE_MS,
};
pub use key_packages::{
    ClaimKeyPackages, ClaimLimits, ClaimOutcome, KEY_PACKAGE_FRESH_MS, NewKeyPackage, STOCK_MARGIN_MS, SweepReport,
    UploadOutcome, UploadedKeyPackages,
};
pub use leaving::{LeaveOutcome, NewLeave};
pub use push::PushTarget;
pub use quotas::{Quotas, Usage};
pub use receipts::{NewReceipt, ReceiptOutcome};
pub use replay::{
    Replay, ReplayBase, ReplayCheck, ReplayKey, ReplayOutcome, ReplayedCommit, ReplayedEntry, ReplayedLeave,
    ReplayedStart, ReplayedState, Replays,
};
pub use silence::{Silence, Silences, SilentMarked};
pub use sqlite::{SqliteOptions, SqliteStorage};
pub use sync::{AckOutcome, Acknowledge, News, SyncOutcome, SyncPage};
pub use token::{SyncToken, TenantMark};

use async_trait::async_trait;
use curo_types::api::{KeyPackageStock, LostVersions, PersonRecord};
use curo_types::{ConversationId, DeviceId, StoreId, TenantId, UserId};

/// The relay's storage.
///
/// Every method either happened as a whole and durably when it returns `Ok`, or not at all; after an `Err` it may have
/// happened, and the same call again finds out (appends, commits, claims and registrations answer a repetition with the
/// first result). A refusal by a rule is an `Ok` with its own variant; an `Err` is trouble of the storage.
#[async_trait]
pub trait Storage: Approvals + Quotas + Replays + Silences + Send + Sync + 'static {
    /// The store's name: random, made with the store, another one after a restore that went by the book.
    fn store_id(&self) -> StoreId;

    /// Whether the storage answers: reads something.
    ///
    /// # Errors
    /// [`StorageError`] if it does not.
    async fn probe(&self) -> Result<(), StorageError>;

    /// How many writes have been entered and are not answered yet. For watching only.
    fn waiting_writes(&self) -> usize;

    /// Finishes what has been entered, then closes; later calls fail with [`StorageError::Closed`]. Closing twice is fine.
    async fn close(&self);

    /// The tenant's keys: those of the first call, or `fresh` if this is the first.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn tenant_keys(&self, tenant: &TenantId, fresh: TenantKeys, now_ms: u64) -> Result<TenantKeys, StorageError>;

    /// The user of an identity provider's subject: that of the first call, or `fresh` if this is the first; a random one if `fresh`
    /// is another subject's.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn sign_in(
        &self,
        tenant: &TenantId,
        subject: &str,
        fresh: UserId,
        now_ms: u64,
    ) -> Result<UserId, StorageError>;

    /// Directory versions that this store has lost because it was restored from backups (7.2): of the last 64 restores, ascending.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn lost_versions(&self, tenant: &TenantId) -> Result<Vec<LostVersions>, StorageError>;

    /// Who calls: the subject's user, if it ever signed in, and what the directory says of the device that it names.
    /// Whether the device is that user's is for the caller of this method to compare.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn caller(&self, tenant: &TenantId, subject: &str, device: Option<DeviceId>) -> Result<Caller, StorageError>;

    /// The users of those subjects that have signed in.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn people(&self, tenant: &TenantId, subjects: &[String]) -> Result<Vec<PersonRecord>, StorageError>;

    /// A user's devices, revoked ones too, by time of registration: with their keys, their last envelope and when they were last seen.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn devices(&self, tenant: &TenantId, user: UserId) -> Result<Vec<DeviceState>, StorageError>;

    /// Notes that a device was seen; the later time stands. Callers do this coarsely (by the hour), it costs a write.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn touch_device(&self, tenant: &TenantId, device: DeviceId, now_ms: u64) -> Result<(), StorageError>;

    /// Appends envelopes to the device directory, all or none, each with its own new version. The envelopes are stored as they
    /// are: signatures were checked by the caller. A user's active devices are within `limits` afterwards; who
    /// registers one more brings the revocations of those it replaces in the same call, before it.
    ///
    /// A revocation drops the device's unclaimed KeyPackages and its inbox, and its leaves must be removed by the next commit
    /// of each conversation (6.1).
    ///
    /// # Errors
    /// [`StorageError`].
    async fn change_directory(
        &self,
        tenant: &TenantId,
        changes: Vec<DirectoryChange>,
        limits: DirectoryLimits,
        now_ms: u64,
    ) -> Result<DirectoryOutcome, StorageError>;

    /// All envelopes of some users' devices, and the version that the answer is complete up to.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn directory(&self, tenant: &TenantId, users: &[UserId]) -> Result<DirectoryPage, StorageError>;

    /// What there is of a device's KeyPackages: one item for each suite of its keys.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn key_package_stock(
        &self,
        tenant: &TenantId,
        device: DeviceId,
        now_ms: u64,
    ) -> Result<Vec<KeyPackageStock>, StorageError>;

    /// Adds KeyPackages of one suite to the caller's stock. One that is remembered from before, claimed or not, is not
    /// added again (those that were given out are remembered for ever). With the first ones the user's other devices are told
    /// of the device, and it is told where they are members (6.4).
    ///
    /// # Errors
    /// [`StorageError`].
    async fn upload_key_packages(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        upload: UploadedKeyPackages,
        now_ms: u64,
    ) -> Result<UploadOutcome, StorageError>;

    /// Claims one KeyPackage of each active device of the users but the caller: a one-time one if there is any (oldest first), else
    /// the last-resort one. All are of one suite: the first of the claim's that every one of these devices has some of, else the
    /// first that a device of each user has some of, else the first. The same claim by the same device again reads the same
    /// KeyPackages (9.5), whatever suites it names then, and costs nothing.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn claim_key_packages(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        claim: ClaimKeyPackages,
        limits: ClaimLimits,
        now_ms: u64,
    ) -> Result<ClaimOutcome, StorageError>;

    /// Opens an incarnation with its first commit (3.7): the first by compare-and-set on "does not exist", a later one on the
    /// one before, which must be over, or proven lost by `new.lost` (7.2). The caller is the creator; it is served its own
    /// first commit as entry 1. Into a later one comes only who is on the roster of the one before; devices with a leaf there
    /// that the first commit leaves out find an item in their inbox.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn create_conversation(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        new: NewConversation,
        now_ms: u64,
    ) -> Result<CommitOutcome, StorageError>;

    /// What a commit must be checked against, or the verdict if there is one already: known intent, not a member, epoch
    /// taken. Judged again by [`Storage::accept_commit`]. The follower's state is left out if the caller `has` that of the
    /// epoch.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn check_commit(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        key: CommitKey,
        has: Option<u64>,
        now_ms: u64,
    ) -> Result<CommitCheck, StorageError>;

    /// Notes that the caller's commit has lost its epoch; the third epoch in a row that it loses brings it the commit turn
    /// (3.10). Says whether it has the turn now.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn commit_lost(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        key: CommitKey,
        now_ms: u64,
    ) -> Result<bool, StorageError>;

    /// Notes that the caller cannot process a commit (3.9). Once [`REPORTS_NEEDED`] users have said so, or all but the author's
    /// if those are fewer, the incarnation is over.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn report_commit(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        report: CommitReport,
        now_ms: u64,
    ) -> Result<ReportOutcome, StorageError>;

    /// Offers a duty to the caller for [`DUTY_MS`], unless it is another member's still (3.10).
    ///
    /// # Errors
    /// [`StorageError`].
    async fn offer_duty(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        asked: DutyAsked,
        now_ms: u64,
    ) -> Result<DutyOutcome, StorageError>;

    /// The incarnations of a conversation that the caller may know of.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn incarnations(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        conversation: ConversationId,
    ) -> Result<IncarnationsOutcome, StorageError>;

    /// Accepts a commit that was checked against [`GroupState`] of its epoch, by compare-and-set on the epoch (3.4), after the
    /// directory rules (3.6).
    ///
    /// # Errors
    /// [`StorageError`].
    async fn accept_commit(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        commit: NewCommit,
        now_ms: u64,
    ) -> Result<CommitOutcome, StorageError>;

    /// Appends messages, in order, up to the first that is refused (3.3).
    ///
    /// # Errors
    /// [`StorageError`].
    async fn append_messages(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        batch: AppendMessages,
        now_ms: u64,
    ) -> Result<AppendOutcome, StorageError>;

    /// Takes the caller's user out of a conversation (6.1): from now on nothing of it is served to the user's devices and
    /// nothing is accepted from them, and their leaves must be removed by the next commit. The last one closes it (6.6).
    /// The same request again gets the same answer.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn leave(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        leave: NewLeave,
        now_ms: u64,
    ) -> Result<LeaveOutcome, StorageError>;

    /// A contiguous run of the entries that the caller may see after sequence number `after`: at most `limit`, at most
    /// [`ENTRIES_PER_PAGE`](curo_types::api::limits::ENTRIES_PER_PAGE) and
    /// [`PAGE_BYTES`](curo_types::api::limits::PAGE_BYTES), one at least. It starts later than `after` where the caller joined later.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn entries(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        conversation: ConversationId,
        incarnation: u64,
        after: u64,
        limit: usize,
    ) -> Result<EntriesOutcome, StorageError>;

    /// The commit that ended an epoch.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn winner(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        conversation: ConversationId,
        incarnation: u64,
        epoch: u64,
    ) -> Result<WinnerOutcome, StorageError>;

    /// A ratchet tree by its hash (3.8): of the current epoch, or one that a Welcome needs which somebody has not dealt with yet.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn tree(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        conversation: ConversationId,
        tree_hash: &[u8],
    ) -> Result<TreeOutcome, StorageError>;

    /// The state of the live incarnation's group at one moment, for a device that has a leaf there or whose user has one (3.5).
    ///
    /// # Errors
    /// [`StorageError`].
    async fn group_info(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        conversation: ConversationId,
    ) -> Result<GroupInfoOutcome, StorageError>;

    /// Notes what the caller has durably dealt with: forgets inbox items, and what only they needed, and moves cursors forward.
    /// Cursors of conversations that the caller is not in, beyond what it may see, or behind an earlier report are ignored.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn acknowledge(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        acknowledge: Acknowledge,
        now_ms: u64,
    ) -> Result<AckOutcome, StorageError>;

    /// All that is new for the caller after its token and after inbox item `inbox_ack`, read at one moment (5.1). Limits are
    /// those of [`curo_types::api::limits`]; the token never passes anything that the answer should have brought and did not.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn sync(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        token: Option<&str>,
        inbox_ack: u64,
        now_ms: u64,
    ) -> Result<SyncOutcome, StorageError>;

    /// Takes the place of the caller's slot for read receipts in a conversation (8.3). The others are served it once, unless
    /// it changes before they ask; who joins later is not.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn put_receipt(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        receipt: NewReceipt,
        now_ms: u64,
    ) -> Result<ReceiptOutcome, StorageError>;

    /// Takes the place of a device's push registration, or takes it away. The caller has checked that the device is active
    /// and the caller's.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn put_push(
        &self,
        tenant: &TenantId,
        device: DeviceId,
        target: Option<PushTarget>,
        now_ms: u64,
    ) -> Result<(), StorageError>;

    /// The push registrations of those of the devices that have one and are active.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn push_targets(
        &self,
        tenant: &TenantId,
        devices: &[DeviceId],
    ) -> Result<Vec<(DeviceId, PushTarget)>, StorageError>;

    /// Takes a device's push registration away if it still is this one: the gateway says that the installation is gone.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn forget_push(&self, tenant: &TenantId, device: DeviceId, target: &PushTarget) -> Result<(), StorageError>;

    /// The newest token of the tenant's feed, read from the store.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn newest_token(&self, tenant: &TenantId) -> Result<SyncToken, StorageError>;

    /// The devices that have a leaf in the conversation's live incarnation.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn members(&self, tenant: &TenantId, conversation: ConversationId) -> Result<Vec<DeviceRef>, StorageError>;

    /// Drops the bodies of entries that were accepted before `before_ms`, from each incarnation's oldest on (5.8, 9.4). What
    /// the log's skeleton says stays for ever: hashes, intents, winners. Kept are the commits that the state of a live group is
    /// made again from (9.2). A bounded number at a time, `more` in the answer says to call again.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn drop_bodies(&self, tenant: &TenantId, before_ms: u64) -> Result<DroppedBodies, StorageError>;

    /// Forgets claims made before `before_ms`, the bytes of KeyPackages that only they name, KeyPackages too old to be given out,
    /// and rate windows that have ended. To be called now and then; a bounded number of rows at a time, `more` in the report
    /// says to call again.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn sweep(&self, before_ms: u64, now_ms: u64) -> Result<SweepReport, StorageError>;
}

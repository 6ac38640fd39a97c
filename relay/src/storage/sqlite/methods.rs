//! Each method of [`Storage`] as one transaction, between its fail points.

use async_trait::async_trait;
use curo_types::api::{KeyPackageStock, LostVersions, PersonRecord};
use curo_types::{ConversationId, DeviceId, StoreId, TenantId, UserId};

use super::conversations::Place;
use super::cursors::Plan;
use super::{
    SqliteStorage, claims, commits, conversations, cursors, devices, directory, feed, incarnations, key_packages,
    leaving, log, messages, outside, people, push, receipts, restored, retention, sql, sweep, tenants, turns,
};
use crate::failpoints::{self, pass};
use crate::storage::{
    AckOutcome, Acknowledge, AppendMessages, AppendOutcome, Caller, ClaimKeyPackages, ClaimLimits, ClaimOutcome,
    CommitCheck, CommitKey, CommitOutcome, CommitReport, DeviceRef, DeviceState, DirectoryChange, DirectoryLimits,
    DirectoryOutcome, DirectoryPage, DroppedBodies, DutyAsked, DutyOutcome, EntriesOutcome, GroupInfoOutcome,
    IncarnationsOutcome, LeaveOutcome, NewCommit, NewConversation, NewLeave, NewReceipt, PushTarget, ReceiptOutcome,
    ReportOutcome, Storage, StorageError, SweepReport, SyncOutcome, SyncToken, TenantKeys, TreeOutcome, UploadOutcome,
    UploadedKeyPackages, WinnerOutcome,
};

#[async_trait]
impl Storage for SqliteStorage {
    fn store_id(&self) -> StoreId {
        self.store
    }

    async fn probe(&self) -> Result<(), StorageError> {
        self.read(|conn| sql::one(conn, "SELECT 1 FROM store", [], |_| Ok(())))
            .await
    }

    fn waiting_writes(&self) -> usize {
        self.db.waiting_writes()
    }

    async fn close(&self) {
        if let Err(error) = self.db.close().await {
            tracing::warn!(%error, "the storage did not close cleanly; every answered write is safe");
        }
    }

    async fn tenant_keys(&self, tenant: &TenantId, fresh: TenantKeys, now_ms: u64) -> Result<TenantKeys, StorageError> {
        let tenant = tenant.clone();
        self.write(move |conn| tenants::keys(conn, &tenant, &fresh, now_ms))
            .await
    }

    async fn sign_in(
        &self,
        tenant: &TenantId,
        subject: &str,
        fresh: UserId,
        now_ms: u64,
    ) -> Result<UserId, StorageError> {
        let (tenant, subject) = (tenant.clone(), subject.to_owned());
        let known = (tenant.clone(), subject.clone());
        if let Some(user) = self.read(move |conn| people::user(conn, &known.0, &known.1)).await? {
            return Ok(user);
        }
        self.write(move |conn| people::sign_in(conn, &tenant, &subject, fresh, now_ms))
            .await
    }

    async fn lost_versions(&self, tenant: &TenantId) -> Result<Vec<LostVersions>, StorageError> {
        let tenant = tenant.clone();
        self.read(move |conn| restored::lost_versions(conn, &tenant)).await
    }

    async fn caller(&self, tenant: &TenantId, subject: &str, device: Option<DeviceId>) -> Result<Caller, StorageError> {
        let (tenant, subject) = (tenant.clone(), subject.to_owned());
        self.read(move |conn| {
            let user = people::user(conn, &tenant, &subject)?;
            let device = match device {
                Some(device) => devices::find(conn, &tenant, device)?,
                None => None,
            };
            Ok(Caller { user, device })
        })
        .await
    }

    async fn people(&self, tenant: &TenantId, subjects: &[String]) -> Result<Vec<PersonRecord>, StorageError> {
        let (tenant, subjects) = (tenant.clone(), subjects.to_vec());
        self.read(move |conn| people::find(conn, &tenant, &subjects)).await
    }

    async fn devices(&self, tenant: &TenantId, user: UserId) -> Result<Vec<DeviceState>, StorageError> {
        let tenant = tenant.clone();
        self.read(move |conn| devices::of_user(conn, &tenant, user)).await
    }

    async fn touch_device(&self, tenant: &TenantId, device: DeviceId, now_ms: u64) -> Result<(), StorageError> {
        let tenant = tenant.clone();
        self.write(move |conn| devices::touch(conn, &tenant, device, now_ms))
            .await
    }

    async fn change_directory(
        &self,
        tenant: &TenantId,
        changes: Vec<DirectoryChange>,
        limits: DirectoryLimits,
        now_ms: u64,
    ) -> Result<DirectoryOutcome, StorageError> {
        pass(failpoints::DEVICE_BEFORE_ACCEPT)?;
        let tenant = tenant.clone();
        let outcome = self
            .decide(move |conn| directory::change(conn, &tenant, &changes, limits, now_ms))
            .await?;
        pass(failpoints::DEVICE_AFTER_ACCEPT)?;
        Ok(outcome)
    }

    async fn directory(&self, tenant: &TenantId, users: &[UserId]) -> Result<DirectoryPage, StorageError> {
        let (tenant, users) = (tenant.clone(), users.to_vec());
        self.read(move |conn| directory::of_users(conn, &tenant, &users)).await
    }

    async fn key_package_stock(
        &self,
        tenant: &TenantId,
        device: DeviceId,
        now_ms: u64,
    ) -> Result<Vec<KeyPackageStock>, StorageError> {
        let tenant = tenant.clone();
        self.read(move |conn| key_packages::stock(conn, &tenant, device, now_ms))
            .await
    }

    async fn upload_key_packages(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        upload: UploadedKeyPackages,
        now_ms: u64,
    ) -> Result<UploadOutcome, StorageError> {
        pass(failpoints::UPLOAD_BEFORE_ACCEPT)?;
        let tenant = tenant.clone();
        let outcome = self
            .decide(move |conn| key_packages::upload(conn, &tenant, caller, &upload, now_ms))
            .await?;
        pass(failpoints::UPLOAD_AFTER_ACCEPT)?;
        Ok(outcome)
    }

    async fn claim_key_packages(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        claim: ClaimKeyPackages,
        limits: ClaimLimits,
        now_ms: u64,
    ) -> Result<ClaimOutcome, StorageError> {
        pass(failpoints::CLAIM_BEFORE_ACCEPT)?;
        let tenant = tenant.clone();
        let outcome = self
            .decide(move |conn| claims::claim(conn, &tenant, caller, &claim, limits, now_ms))
            .await?;
        pass(failpoints::CLAIM_AFTER_ACCEPT)?;
        Ok(outcome)
    }

    async fn create_conversation(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        new: NewConversation,
        now_ms: u64,
    ) -> Result<CommitOutcome, StorageError> {
        pass(failpoints::CREATE_BEFORE_ACCEPT)?;
        let tenant = tenant.clone();
        let outcome = self
            .decide(move |conn| {
                commits::create(conn, &tenant, caller, &new, now_ms).map_err(|stop| stop.map(CommitOutcome::Refused))
            })
            .await?;
        pass(failpoints::CREATE_AFTER_ACCEPT)?;
        Ok(outcome)
    }

    async fn check_commit(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        key: CommitKey,
        has: Option<u64>,
        now_ms: u64,
    ) -> Result<CommitCheck, StorageError> {
        let tenant = tenant.clone();
        self.judge(move |conn| {
            commits::check(conn, &tenant, caller, &key, has, now_ms).map_err(|stop| stop.map(CommitCheck::Refused))
        })
        .await
    }

    async fn accept_commit(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        commit: NewCommit,
        now_ms: u64,
    ) -> Result<CommitOutcome, StorageError> {
        pass(failpoints::COMMIT_BEFORE_ACCEPT)?;
        let tenant = tenant.clone();
        let outcome = self
            .decide(move |conn| {
                commits::accept(conn, &tenant, caller, &commit, now_ms).map_err(|stop| stop.map(CommitOutcome::Refused))
            })
            .await?;
        pass(failpoints::COMMIT_AFTER_ACCEPT)?;
        Ok(outcome)
    }

    async fn commit_lost(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        key: CommitKey,
        now_ms: u64,
    ) -> Result<bool, StorageError> {
        let tenant = tenant.clone();
        self.write(move |conn| turns::lost(conn, &tenant, caller, &key, now_ms))
            .await
    }

    async fn report_commit(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        report: CommitReport,
        now_ms: u64,
    ) -> Result<ReportOutcome, StorageError> {
        pass(failpoints::REPORT_BEFORE_ACCEPT)?;
        let tenant = tenant.clone();
        let outcome = self
            .decide(move |conn| {
                incarnations::report(conn, &tenant, caller, &report, now_ms)
                    .map_err(|stop| stop.map(ReportOutcome::Refused))
            })
            .await?;
        pass(failpoints::REPORT_AFTER_ACCEPT)?;
        Ok(outcome)
    }

    async fn offer_duty(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        asked: DutyAsked,
        now_ms: u64,
    ) -> Result<DutyOutcome, StorageError> {
        let tenant = tenant.clone();
        self.decide(move |conn| {
            turns::offer(conn, &tenant, caller, asked, now_ms).map_err(|stop| stop.map(DutyOutcome::Refused))
        })
        .await
    }

    async fn incarnations(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        conversation: ConversationId,
    ) -> Result<IncarnationsOutcome, StorageError> {
        let tenant = tenant.clone();
        self.read(move |conn| incarnations::list(conn, &tenant, caller, conversation))
            .await
    }

    async fn append_messages(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        batch: AppendMessages,
        now_ms: u64,
    ) -> Result<AppendOutcome, StorageError> {
        pass(failpoints::MESSAGE_BEFORE_ACCEPT)?;
        let tenant = tenant.clone();
        let outcome = self
            .write(move |conn| messages::append(conn, &tenant, caller, &batch, now_ms))
            .await?;
        pass(failpoints::MESSAGE_AFTER_ACCEPT)?;
        Ok(outcome)
    }

    async fn leave(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        leave: NewLeave,
        now_ms: u64,
    ) -> Result<LeaveOutcome, StorageError> {
        pass(failpoints::LEAVE_BEFORE_ACCEPT)?;
        let tenant = tenant.clone();
        let outcome = self
            .decide(move |conn| {
                leaving::leave(conn, &tenant, caller, &leave, now_ms).map_err(|stop| stop.map(LeaveOutcome::Refused))
            })
            .await?;
        pass(failpoints::LEAVE_AFTER_ACCEPT)?;
        Ok(outcome)
    }

    async fn entries(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        conversation: ConversationId,
        incarnation: u64,
        after: u64,
        limit: usize,
    ) -> Result<EntriesOutcome, StorageError> {
        let tenant = tenant.clone();
        self.read(move |conn| {
            log::entries(
                conn,
                Place {
                    tenant: &tenant,
                    conversation,
                    incarnation,
                },
                caller,
                after,
                limit,
            )
        })
        .await
    }

    async fn winner(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        conversation: ConversationId,
        incarnation: u64,
        epoch: u64,
    ) -> Result<WinnerOutcome, StorageError> {
        let tenant = tenant.clone();
        self.read(move |conn| {
            log::winner(
                conn,
                Place {
                    tenant: &tenant,
                    conversation,
                    incarnation,
                },
                caller,
                epoch,
            )
        })
        .await
    }

    async fn tree(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        conversation: ConversationId,
        tree_hash: &[u8],
    ) -> Result<TreeOutcome, StorageError> {
        let (tenant, tree_hash) = (tenant.clone(), tree_hash.to_vec());
        self.read(move |conn| log::tree(conn, &tenant, conversation, caller, &tree_hash))
            .await
    }

    async fn group_info(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        conversation: ConversationId,
    ) -> Result<GroupInfoOutcome, StorageError> {
        let tenant = tenant.clone();
        self.read(move |conn| outside::group_info(conn, &tenant, conversation, caller))
            .await
    }

    async fn acknowledge(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        acknowledge: Acknowledge,
        _now_ms: u64,
    ) -> Result<AckOutcome, StorageError> {
        pass(failpoints::SYNC_BEFORE_ACK)?;
        let (read_tenant, read) = (tenant.clone(), acknowledge.clone());
        let planned = self
            .read(move |conn| cursors::plan(conn, &read_tenant, caller, &read))
            .await?;
        if let Plan::Settled(outcome) = planned {
            return Ok(outcome);
        }
        let tenant = tenant.clone();
        let outcome = self
            .write(move |conn| cursors::apply(conn, &tenant, caller, &acknowledge))
            .await?;
        pass(failpoints::SYNC_AFTER_ACK)?;
        Ok(outcome)
    }

    async fn sync(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        token: Option<&str>,
        inbox_ack: u64,
        now_ms: u64,
    ) -> Result<SyncOutcome, StorageError> {
        let (store, tenant, token) = (self.store, tenant.clone(), token.map(str::to_owned));
        self.read(move |conn| feed::sync(conn, store, &tenant, caller, token.as_deref(), inbox_ack, now_ms))
            .await
    }

    async fn put_receipt(
        &self,
        tenant: &TenantId,
        caller: DeviceRef,
        receipt: NewReceipt,
        now_ms: u64,
    ) -> Result<ReceiptOutcome, StorageError> {
        pass(failpoints::RECEIPT_BEFORE_ACCEPT)?;
        let tenant = tenant.clone();
        let outcome = self
            .decide(move |conn| receipts::put(conn, &tenant, caller, &receipt, now_ms))
            .await?;
        pass(failpoints::RECEIPT_AFTER_ACCEPT)?;
        Ok(outcome)
    }

    async fn put_push(
        &self,
        tenant: &TenantId,
        device: DeviceId,
        target: Option<PushTarget>,
        now_ms: u64,
    ) -> Result<(), StorageError> {
        let tenant = tenant.clone();
        pass(failpoints::PUSH_BEFORE_ACCEPT)?;
        self.write(move |conn| push::put(conn, &tenant, device, target.as_ref(), now_ms))
            .await?;
        pass(failpoints::PUSH_AFTER_ACCEPT)
    }

    async fn push_targets(
        &self,
        tenant: &TenantId,
        devices: &[DeviceId],
    ) -> Result<Vec<(DeviceId, PushTarget)>, StorageError> {
        let (tenant, devices) = (tenant.clone(), devices.to_vec());
        self.read(move |conn| push::of(conn, &tenant, &devices)).await
    }

    async fn forget_push(&self, tenant: &TenantId, device: DeviceId, target: &PushTarget) -> Result<(), StorageError> {
        let (tenant, target) = (tenant.clone(), target.clone());
        self.write(move |conn| push::forget(conn, &tenant, device, &target))
            .await
    }

    async fn newest_token(&self, tenant: &TenantId) -> Result<SyncToken, StorageError> {
        let (store, tenant) = (self.store, tenant.clone());
        self.read(move |conn| {
            let position = tenants::position(conn, &tenant)?;
            Ok(SyncToken::at(store, &tenant, position))
        })
        .await
    }

    async fn members(&self, tenant: &TenantId, conversation: ConversationId) -> Result<Vec<DeviceRef>, StorageError> {
        let tenant = tenant.clone();
        self.read(move |conn| conversations::members(conn, &tenant, conversation))
            .await
    }

    async fn drop_bodies(&self, tenant: &TenantId, before_ms: u64) -> Result<DroppedBodies, StorageError> {
        pass(failpoints::BODIES_BEFORE_DROP)?;
        let tenant = tenant.clone();
        let dropped = self
            .write(move |conn| retention::drop_bodies(conn, &tenant, before_ms))
            .await?;
        pass(failpoints::BODIES_AFTER_DROP)?;
        Ok(dropped)
    }

    async fn sweep(&self, before_ms: u64, now_ms: u64) -> Result<SweepReport, StorageError> {
        self.write(move |conn| sweep::sweep(conn, before_ms, now_ms)).await
    }
}

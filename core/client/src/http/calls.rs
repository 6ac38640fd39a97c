//! The relay's calls, typed (`docs/protocol.md`, "HTTP calls").

use curo_types::api::{
    Accepted, AddKeys, ApproveDevice, ClaimAnswer, ClaimRequest, CommitRequest, CreateConversation, DeviceRefused,
    DevicesAnswer, DirectoryAnswer, DirectoryQuery, DirectoryReplayed, DutyOffer, DutyRequest, EntriesPage,
    GroupInfoAnswer, IncarnationsAnswer, KeyPackageStock, KnownAccount, LeaveAnswer, LeaveRequest, MessagesAccepted,
    MessagesRequest, PeopleAnswer, PeopleQuery, PushTaken, PutPush, PutReceipt, ReceiptTaken, RegisterDevice,
    Registered, ReplayAnswer, ReplayDirectory, ReplayRequest, ReportCommit, Reported, RevokeDevice, SessionAnswer,
    SessionRequest, SyncAnswer, SyncRequest, TreeAnswer, UploadKeyPackages, Winner,
};
use curo_types::{Blob, ConversationId, DeviceId};

use super::{Access, EventStream, Relay};
use crate::error::Fault;

impl Relay {
    pub(crate) async fn session(&self, known: Option<KnownAccount>) -> Result<SessionAnswer, Fault> {
        self.post("/v1/session", &SessionRequest { account: known }).await
    }

    pub(crate) async fn register(&self, envelope: Vec<u8>) -> Result<Registered, Fault> {
        self.post(
            "/v1/devices",
            &RegisterDevice {
                envelope: Blob(envelope),
            },
        )
        .await
    }

    pub(crate) async fn devices(&self) -> Result<DevicesAnswer, Fault> {
        self.get("/v1/devices").await
    }

    pub(crate) async fn revoke(&self, device: DeviceId, request: &RevokeDevice) -> Result<Registered, Fault> {
        self.post(&format!("/v1/devices/{device}/revoke"), request).await
    }

    pub(crate) async fn leave(&self, id: ConversationId, request: &LeaveRequest) -> Result<LeaveAnswer, Fault> {
        self.post(&format!("/v1/conversations/{id}/leave"), request).await
    }

    pub(crate) async fn directory(&self, query: &DirectoryQuery) -> Result<DirectoryAnswer, Fault> {
        self.post("/v1/directory", query).await
    }

    pub(crate) async fn replay_directory(&self, envelopes: Vec<Blob>) -> Result<DirectoryReplayed, Fault> {
        self.post("/v1/directory/replay", &ReplayDirectory { envelopes }).await
    }

    pub(crate) async fn people(&self, subjects: Vec<String>) -> Result<PeopleAnswer, Fault> {
        self.post("/v1/people", &PeopleQuery { subjects }).await
    }

    pub(crate) async fn upload_key_packages(&self, upload: &UploadKeyPackages) -> Result<KeyPackageStock, Fault> {
        self.post("/v1/key-packages", upload).await
    }

    pub(crate) async fn add_keys(&self, envelope: Vec<u8>) -> Result<Registered, Fault> {
        let envelope = Blob(envelope);
        self.post("/v1/devices/keys", &AddKeys { envelope }).await
    }

    pub(crate) async fn claim_key_packages(&self, claim: &ClaimRequest) -> Result<ClaimAnswer, Fault> {
        self.post("/v1/key-packages/claim", claim).await
    }

    pub(crate) async fn create_conversation(
        &self,
        request: &CreateConversation,
        access: Access<'_>,
    ) -> Result<Accepted, Fault> {
        self.post_in("/v1/conversations", request, access).await
    }

    pub(crate) async fn commit(
        &self,
        id: ConversationId,
        request: &CommitRequest,
        access: Access<'_>,
    ) -> Result<Accepted, Fault> {
        self.post_in(&format!("/v1/conversations/{id}/commits"), request, access)
            .await
    }

    pub(crate) async fn messages(
        &self,
        id: ConversationId,
        request: &MessagesRequest,
    ) -> Result<MessagesAccepted, Fault> {
        self.post(&format!("/v1/conversations/{id}/messages"), request).await
    }

    pub(crate) async fn entries(&self, id: ConversationId, incarnation: u64, after: u64) -> Result<EntriesPage, Fault> {
        self.get(&format!(
            "/v1/conversations/{id}/entries?incarnation={incarnation}&after={after}"
        ))
        .await
    }

    /// At most one entry after `after`, with the tip.
    pub(crate) async fn entry_after(
        &self,
        id: ConversationId,
        incarnation: u64,
        after: u64,
    ) -> Result<EntriesPage, Fault> {
        self.get(&format!(
            "/v1/conversations/{id}/entries?incarnation={incarnation}&after={after}&limit=1"
        ))
        .await
    }

    pub(crate) async fn replay(&self, id: ConversationId, request: &ReplayRequest) -> Result<ReplayAnswer, Fault> {
        self.post(&format!("/v1/conversations/{id}/replay"), request).await
    }

    pub(crate) async fn report(&self, id: ConversationId, report: &ReportCommit) -> Result<Reported, Fault> {
        self.post(&format!("/v1/conversations/{id}/reports"), report).await
    }

    pub(crate) async fn duty(&self, id: ConversationId, request: &DutyRequest) -> Result<DutyOffer, Fault> {
        self.post(&format!("/v1/conversations/{id}/duty"), request).await
    }

    pub(crate) async fn incarnations(&self, id: ConversationId) -> Result<IncarnationsAnswer, Fault> {
        self.get(&format!("/v1/conversations/{id}/incarnations")).await
    }

    pub(crate) async fn winner(&self, id: ConversationId, incarnation: u64, epoch: u64) -> Result<Winner, Fault> {
        self.get(&format!(
            "/v1/conversations/{id}/winner?incarnation={incarnation}&epoch={epoch}"
        ))
        .await
    }

    pub(crate) async fn group_info(&self, id: ConversationId) -> Result<GroupInfoAnswer, Fault> {
        self.get(&format!("/v1/conversations/{id}/group-info")).await
    }

    pub(crate) async fn tree(&self, id: ConversationId, hash: &Blob) -> Result<TreeAnswer, Fault> {
        let hash: String = hash.as_slice().iter().map(|byte| format!("{byte:02x}")).collect();
        self.get(&format!("/v1/conversations/{id}/trees/{hash}")).await
    }

    pub(crate) async fn put_receipt(&self, id: ConversationId, request: &PutReceipt) -> Result<ReceiptTaken, Fault> {
        self.put(&format!("/v1/conversations/{id}/receipt"), request).await
    }

    pub(crate) async fn approve(&self, device: DeviceId, request: &ApproveDevice) -> Result<Registered, Fault> {
        self.post(&format!("/v1/devices/{device}/approve"), request).await
    }

    pub(crate) async fn refuse_device(&self, device: DeviceId) -> Result<DeviceRefused, Fault> {
        self.post(&format!("/v1/devices/{device}/refuse"), &DeviceRefused {})
            .await
    }

    pub(crate) async fn put_push(&self, request: &PutPush) -> Result<PushTaken, Fault> {
        self.put("/v1/push", request).await
    }

    pub(crate) async fn sync(&self, request: &SyncRequest) -> Result<SyncAnswer, Fault> {
        self.post("/v1/sync", request).await
    }

    pub(crate) async fn stream(&self, token: &str, inbox_ack: u64) -> Result<EventStream, Fault> {
        self.open_stream(token, inbox_ack).await
    }
}

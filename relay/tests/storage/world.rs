//! A tenant with users, devices and conversations, made by hand: the storage knows no MLS, so any bytes serve as MLS messages.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use curo_relay::storage::{
    AppendMessages, AppendOutcome, ClaimLimits, CommitKey, CommitOutcome, CommittedEntry, DeviceRef, DirectoryChange,
    DirectoryLimits, DirectoryOutcome, LeafClaim, NewCommit, NewConversation, NewKeyPackage, NewMessage, Refusal,
    Storage, SyncOutcome, SyncPage, UploadOutcome, UploadedKeyPackages,
};
use curo_types::api::{EntryRecord, InboxItem};
use curo_types::format::{Action, CursorClaim};
use curo_types::{ConversationId, DeviceId, Digest, GroupId, IntentId, SuiteId, TenantId, UserId};

pub const SUITE: SuiteId = SuiteId::MLS_128_X25519_AES128GCM_SHA256_ED25519;
pub const HOUR_MS: u64 = 3_600_000;
pub const DEVICES: DirectoryLimits = DirectoryLimits {
    active: 10,
    additions_per_day: 100,
};
pub const LIMITS: ClaimLimits = ClaimLimits {
    per_claimer: 1000,
    per_target: 1000,
    max_age_ms: 90 * 24 * HOUR_MS,
};

pub struct World {
    pub storage: Arc<dyn Storage>,
    pub tenant: TenantId,
    now: AtomicU64,
}

/// A conversation as its members know it.
#[derive(Clone)]
pub struct Conversation {
    pub id: ConversationId,
    pub group: GroupId,
    pub epoch: u64,
    pub incarnation: u64,
}

pub fn intent(n: u8) -> IntentId {
    IntentId([n; 16])
}

/// A key that belongs to the device alone.
pub fn key_of(device: DeviceId) -> Vec<u8> {
    Digest::of(&device.0).0.to_vec()
}

impl World {
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        // The start of an hour, so that windows are whole.
        let now = AtomicU64::new(500_000 * HOUR_MS);
        Self {
            storage,
            tenant: TenantId::new("st-mary").unwrap(),
            now,
        }
    }

    pub fn now(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }

    pub fn pass(&self, ms: u64) {
        self.now.fetch_add(ms, Ordering::Relaxed);
    }

    pub fn addition(device: DeviceRef) -> DirectoryChange {
        let envelope = [b"add".as_slice(), &device.device.0].concat();
        DirectoryChange {
            device,
            action: Action::Add,
            keys: vec![(SUITE, key_of(device.device))],
            previous: None,
            request_hash: Digest::of(&device.device.0),
            envelope,
            approved_by: None,
        }
    }

    pub fn revocation(device: DeviceRef, previous: Digest) -> DirectoryChange {
        let envelope = [b"revoke".as_slice(), &device.device.0].concat();
        DirectoryChange {
            device,
            action: Action::Revoke,
            keys: Vec::new(),
            previous: Some(previous),
            request_hash: Digest::of(&envelope),
            envelope,
            approved_by: None,
        }
    }

    pub async fn change(&self, changes: Vec<DirectoryChange>) -> DirectoryOutcome {
        self.storage
            .change_directory(&self.tenant, changes, DEVICES, self.now())
            .await
            .unwrap()
    }

    /// Registers a device of a user.
    pub async fn device_of(&self, user: UserId) -> DeviceRef {
        let device = DeviceRef {
            user,
            device: DeviceId::random(),
        };
        let outcome = self.change(vec![Self::addition(device)]).await;
        assert!(matches!(outcome, DirectoryOutcome::Accepted(_)), "{outcome:?}");
        device
    }

    /// Registers the only device of a new user.
    pub async fn device(&self) -> DeviceRef {
        self.device_of(UserId::random()).await
    }

    pub async fn revoke(&self, device: DeviceRef) {
        let states = self.storage.devices(&self.tenant, device.user).await.unwrap();
        let state = states.into_iter().find(|state| state.device == device.device).unwrap();
        let outcome = self.change(vec![Self::revocation(device, state.envelope_hash)]).await;
        assert!(matches!(outcome, DirectoryOutcome::Accepted(_)), "{outcome:?}");
    }

    pub async fn version(&self) -> u64 {
        self.storage.directory(&self.tenant, &[]).await.unwrap().version
    }

    pub fn key_package(name: &str) -> NewKeyPackage {
        NewKeyPackage {
            hash_ref: Digest::of(name.as_bytes()).0.to_vec(),
            bytes: name.as_bytes().to_vec(),
        }
    }

    pub async fn upload(&self, device: DeviceRef, one_time: &[&str], last_resort: Option<&str>) -> UploadOutcome {
        let upload = UploadedKeyPackages {
            replace: false,
            suite: SUITE,
            public_key: key_of(device.device),
            one_time: one_time.iter().map(|name| Self::key_package(name)).collect(),
            last_resort: last_resort.map(Self::key_package),
        };
        self.storage
            .upload_key_packages(&self.tenant, device, upload, self.now())
            .await
            .unwrap()
    }

    pub fn leaf(device: DeviceRef) -> LeafClaim {
        LeafClaim {
            device,
            public_key: key_of(device.device),
        }
    }

    /// A commit with everything that belongs to it, under a new intent, judged by directory version `version`.
    pub fn commit(
        conversation: &Conversation,
        sender: DeviceRef,
        version: u64,
        added: &[DeviceRef],
        removed: &[DeviceRef],
    ) -> NewCommit {
        let intent = IntentId::random();
        let body = [b"commit".as_slice(), &intent.0].concat();
        NewCommit {
            key: CommitKey {
                conversation: conversation.id,
                incarnation: conversation.incarnation,
                intent,
                body_hash: Digest::of(&body),
                epoch: conversation.epoch,
                cursor: None,
                external: false,
            },
            directory_version: version,
            body,
            added: added.iter().map(|device| Self::leaf(*device)).collect(),
            updated: Self::leaf(sender),
            removed: removed.iter().map(|device| device.device).collect(),
            dormant: Vec::new(),
            gone: Vec::new(),
            welcome: (!added.is_empty()).then(|| [b"welcome".as_slice(), &intent.0].concat()),
            follower: Some([b"follower".as_slice(), &intent.0].concat()),
            group_info: b"group info".to_vec(),
            mandatory: Vec::new(),
            tree: [b"tree".as_slice(), &intent.0].concat(),
            tree_hash: Digest::of(&intent.0).0.to_vec(),
        }
    }

    pub async fn accept(&self, sender: DeviceRef, commit: NewCommit) -> CommitOutcome {
        self.storage
            .accept_commit(&self.tenant, sender, commit, self.now())
            .await
            .unwrap()
    }

    pub fn new_conversation(&self) -> Conversation {
        Conversation {
            id: ConversationId::random(),
            group: GroupId::random(),
            epoch: 0,
            incarnation: 1,
        }
    }

    pub async fn try_create(
        &self,
        conversation: &Conversation,
        creator: DeviceRef,
        first_commit: NewCommit,
    ) -> CommitOutcome {
        let new = NewConversation {
            group: conversation.group,
            suite: SUITE,
            first_commit,
            lost: None,
        };
        self.storage
            .create_conversation(&self.tenant, creator, new, self.now())
            .await
            .unwrap()
    }

    /// Creates a conversation whose first commit adds the others.
    pub async fn create(&self, creator: DeviceRef, others: &[DeviceRef]) -> Conversation {
        let mut conversation = self.new_conversation();
        let commit = Self::commit(&conversation, creator, self.version().await, others, &[]);
        accepted(self.try_create(&conversation, creator, commit).await);
        conversation.epoch = 1;
        conversation
    }

    /// A commit that wins.
    pub async fn win(
        &self,
        conversation: &mut Conversation,
        sender: DeviceRef,
        added: &[DeviceRef],
        removed: &[DeviceRef],
    ) -> CommittedEntry {
        let commit = Self::commit(conversation, sender, self.version().await, added, removed);
        let entry = accepted(self.accept(sender, commit).await);
        conversation.epoch += 1;
        entry
    }

    pub fn message(conversation: &Conversation, counter: u64) -> NewMessage {
        let intent = IntentId::random();
        NewMessage {
            intent,
            group: conversation.group.0.to_vec(),
            epoch: conversation.epoch,
            counter,
            cursor: None,
            body: [b"message".as_slice(), &intent.0].concat(),
        }
    }

    pub async fn append(
        &self,
        conversation: &Conversation,
        sender: DeviceRef,
        messages: Vec<NewMessage>,
    ) -> AppendOutcome {
        let batch = AppendMessages {
            conversation: conversation.id,
            incarnation: conversation.incarnation,
            messages,
        };
        self.storage
            .append_messages(&self.tenant, sender, batch, self.now())
            .await
            .unwrap()
    }

    /// Appends `count` messages whose first counter is `counter`.
    pub async fn say(&self, conversation: &Conversation, sender: DeviceRef, counter: u64, count: u64) -> AppendOutcome {
        let messages = (0..count).map(|n| Self::message(conversation, counter + n)).collect();
        let outcome = self.append(conversation, sender, messages).await;
        assert_eq!(outcome.refused, None);
        outcome
    }

    pub async fn sync(&self, device: DeviceRef, token: Option<&str>, inbox_ack: u64) -> SyncPage {
        match self
            .storage
            .sync(&self.tenant, device, token, inbox_ack, self.now())
            .await
            .unwrap()
        {
            SyncOutcome::Page(page) => *page,
            other => panic!("{other:?}"),
        }
    }

    pub async fn entries(&self, device: DeviceRef, conversation: &Conversation, after: u64) -> Vec<EntryRecord> {
        use curo_relay::storage::EntriesOutcome::Page;
        let outcome = self
            .storage
            .entries(
                &self.tenant,
                device,
                conversation.id,
                conversation.incarnation,
                after,
                512,
            )
            .await
            .unwrap();
        match outcome {
            Page { entries, .. } => entries,
            other => panic!("{other:?}"),
        }
    }

    pub async fn cursor_at(&self, device: DeviceRef, conversation: &Conversation, seq: u64) -> CursorClaim {
        let entries = self.entries(device, conversation, seq - 1).await;
        CursorClaim {
            seq,
            h: entries.first().unwrap().h,
        }
    }
}

pub fn accepted(outcome: CommitOutcome) -> CommittedEntry {
    match outcome {
        CommitOutcome::Accepted(entry) => entry,
        other => panic!("{other:?}"),
    }
}

pub fn refused(outcome: CommitOutcome) -> Refusal {
    match outcome {
        CommitOutcome::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

pub fn welcome_seq(item: &InboxItem) -> u64 {
    match item {
        InboxItem::Welcome { seq, .. } => *seq,
        other => panic!("{other:?}"),
    }
}

//! A device with a real MLS engine, without outbox or sync logic: it sends what a test tells it to.

use curo_mls::{CommitPlan, MemoryStore, MlsEngine, OpenMlsEngine, Processed, Signer as MlsSigner, Suite};
use curo_types::api::{
    Accepted, AddKeys, ClaimAnswer, ClaimRequest, CommitBundle, CommitRequest, CreateConversation, DirectoryAnswer,
    DirectoryQuery, GroupInfoAnswer, InboxItem, InboxRecord, KeyPackageStock, MessagesAccepted, MessagesRequest,
    RegisterDevice, Registered, SessionAnswer, SyncAnswer, SyncRequest, TreeAnswer, UploadKeyPackages,
};
use curo_types::format::{
    AuthenticatedData, Credential, CursorClaim, Envelope, EnvelopeBody, RequestContext, Signer, SuiteKey,
};
use curo_types::{Blob, ClaimId, ConversationId, DeviceId, GroupId, IntentId, SuiteId, TenantId, UserId};
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::world::{Answer, HOUR, World, answer, tenant};

pub const SUITE: SuiteId = SuiteId::MLS_128_X25519_AES128GCM_SHA256_ED25519;
pub const SECOND: SuiteId = SuiteId::MLS_128_P256_AES128GCM_SHA256_P256;

pub struct Device {
    pub tenant: TenantId,
    pub token: String,
    pub session: SessionAnswer,
    pub id: DeviceId,
    pub engine: OpenMlsEngine,
    pub store: MemoryStore,
    pub signer: MlsSigner,
}

/// A conversation that a test works with.
#[derive(Clone, Copy)]
pub struct Talk {
    pub id: ConversationId,
    pub group: GroupId,
}

/// A commit that is made and not sent.
#[derive(Clone)]
pub struct MadeCommit {
    pub intent: IntentId,
    pub bundle: CommitBundle,
}

impl Device {
    /// Signs in and registers; no KeyPackages yet.
    pub async fn new(world: &World, subject: &str) -> Self {
        Self::of(world, &tenant(), subject).await
    }

    pub async fn of(world: &World, tenant: &TenantId, subject: &str) -> Self {
        let device = Self::unregistered(world, tenant, subject).await;
        device.register(world, &device.envelope().to_bytes()).await.unwrap();
        device
    }

    /// Signs in only.
    pub async fn unregistered(world: &World, tenant: &TenantId, subject: &str) -> Self {
        let token = world.issuer.mint(tenant, subject, HOUR);
        let session: SessionAnswer = world.post(&token, "/v1/session", &()).await.unwrap();
        let (mut engine, store, id) = (OpenMlsEngine::new(), MemoryStore::new(), DeviceId::random());
        let suite = Suite(SUITE.0);
        let public_key = engine.new_signature_key(&store, suite).unwrap();
        let identity = Credential::new(tenant.clone(), session.user, id).to_bytes();
        let signer = MlsSigner {
            suite,
            identity,
            public_key,
        };
        Self {
            tenant: tenant.clone(),
            token,
            session,
            id,
            engine,
            store,
            signer,
        }
    }

    /// A new device of the same user.
    pub async fn sibling(&self, world: &World, subject: &str) -> Self {
        let device = Self::of(world, &self.tenant, subject).await;
        assert_eq!(device.user(), self.user());
        device
    }

    pub fn user(&self) -> UserId {
        self.session.user
    }

    /// The envelope that adds this device, with its proof of possession.
    pub fn envelope(&self) -> Envelope {
        let keys = vec![SuiteKey {
            suite: SUITE,
            public_key: self.signer.public_key.clone(),
        }];
        self.sign(EnvelopeBody::add(
            self.tenant.clone(),
            self.user(),
            self.id,
            keys,
            None,
            None,
        ))
    }

    pub fn sign(&self, body: EnvelopeBody) -> Envelope {
        let mut envelope = Envelope::new(body);
        // Signing needs no change of the engine's state, but the trait does not know.
        let mut engine = OpenMlsEngine::new();
        let message = envelope.signed_bytes();
        let signature = engine
            .sign(&self.store, self.signer.suite, &self.signer.public_key, &message)
            .unwrap();
        envelope.push(Signer::Subject(SUITE), signature);
        envelope
    }

    /// The envelope that gives this device a key of a further suite.
    pub async fn rotation(&mut self, world: &World, suite: SuiteId) -> Envelope {
        let before = self.last_envelope(world).await;
        let public_key = self.engine.new_signature_key(&self.store, Suite(suite.0)).unwrap();
        let keys = [before.body().keys.clone(), vec![SuiteKey { suite, public_key }]].concat();
        self.sign_all(EnvelopeBody::rotate(before.body(), before.hash(), keys))
    }

    /// The device's last envelope in the directory.
    pub async fn last_envelope(&self, world: &World) -> Envelope {
        let records = self.directory(world, &[self.user()]).await.records;
        let mut envelopes = records
            .iter()
            .map(|record| Envelope::from_bytes(record.envelope.as_slice()).unwrap());
        envelopes.rfind(|envelope| envelope.body().device == self.id).unwrap()
    }

    /// Signed with each of its keys.
    pub fn sign_all(&self, body: EnvelopeBody) -> Envelope {
        let mut envelope = Envelope::new(body);
        let mut engine = OpenMlsEngine::new();
        let message = envelope.signed_bytes();
        for key in envelope.body().keys.clone() {
            let suite = Suite(key.suite.0);
            let signature = engine.sign(&self.store, suite, &key.public_key, &message).unwrap();
            envelope.push(Signer::Subject(key.suite), signature);
        }
        envelope
    }

    pub async fn add_keys(&self, world: &World, envelope: &[u8]) -> Answer<Registered> {
        let envelope = Blob(envelope.to_vec());
        self.post(world, "/v1/devices/keys", &AddKeys { envelope }).await
    }

    pub async fn register(&self, world: &World, envelope: &[u8]) -> Answer<Registered> {
        world
            .post(
                &self.token,
                "/v1/devices",
                &RegisterDevice {
                    envelope: Blob(envelope.to_vec()),
                },
            )
            .await
    }

    pub fn request(&self, world: &World, method: Method, path: &str) -> reqwest::RequestBuilder {
        let context = RequestContext::new(Some(self.id)).to_header();
        world
            .request(method, path)
            .bearer_auth(&self.token)
            .header(RequestContext::HEADER, context)
    }

    pub async fn post<T: DeserializeOwned>(&self, world: &World, path: &str, body: &impl Serialize) -> Answer<T> {
        answer(self.request(world, Method::POST, path).json(body).send().await.unwrap()).await
    }

    pub async fn put<T: DeserializeOwned>(&self, world: &World, path: &str, body: &impl Serialize) -> Answer<T> {
        answer(self.request(world, Method::PUT, path).json(body).send().await.unwrap()).await
    }

    pub async fn get<T: DeserializeOwned>(&self, world: &World, path: &str) -> Answer<T> {
        answer(self.request(world, Method::GET, path).send().await.unwrap()).await
    }

    pub fn key_packages(&mut self, count: usize, last_resort: bool) -> Vec<Blob> {
        let made = self
            .engine
            .new_key_packages(&self.store, &self.signer, count, last_resort)
            .unwrap();
        made.into_iter().map(|key_package| Blob(key_package.bytes)).collect()
    }

    pub async fn upload(&mut self, world: &World, count: usize) -> Answer<KeyPackageStock> {
        let one_time = self.key_packages(count, false);
        self.post(
            world,
            "/v1/key-packages",
            &UploadKeyPackages {
                replace: false,
                suite: SUITE,
                one_time,
                last_resort: None,
            },
        )
        .await
    }

    pub async fn claim(&self, world: &World, claim: ClaimId, users: &[UserId]) -> Answer<ClaimAnswer> {
        let request = ClaimRequest {
            claim,
            suites: vec![SUITE],
            users: users.to_vec(),
        };
        self.post(world, "/v1/key-packages/claim", &request).await
    }

    pub async fn directory(&self, world: &World, users: &[UserId]) -> DirectoryAnswer {
        self.post(world, "/v1/directory", &DirectoryQuery { users: users.to_vec() })
            .await
            .unwrap()
    }

    /// The directory version now.
    pub async fn version(&self, world: &World) -> u64 {
        self.directory(world, &[self.user()]).await.version
    }

    /// A KeyPackage of the first device of `user`.
    pub async fn key_package_of(&self, world: &World, user: UserId) -> Vec<u8> {
        let answer = self.claim(world, ClaimId::random(), &[user]).await.unwrap();
        answer.claims[0].key_package.0.clone()
    }

    /// Makes a group and its first commit, which adds the owners of the KeyPackages.
    pub fn make(&mut self, add: Vec<Vec<u8>>, version: u64) -> (Talk, CreateConversation) {
        let talk = Talk {
            id: ConversationId::random(),
            group: GroupId::random(),
        };
        let created = self
            .engine
            .create(&self.store, &self.signer, talk.group.as_bytes())
            .unwrap();
        let first = self.make_commit(talk, CommitPlan { add, remove: vec![] }, version, None);
        let request = CreateConversation {
            conversation: talk.id,
            incarnation: 1,
            group: talk.group,
            suite: SUITE,
            group_info: Blob(created.group_info),
            tree: Blob(created.tree),
            first_commit: first.bundle,
            lost: None,
        };
        (talk, request)
    }

    pub async fn create(&self, world: &World, request: &CreateConversation) -> Answer<Accepted> {
        self.post(world, "/v1/conversations", request).await
    }

    /// Opens a conversation with others, who must have uploaded KeyPackages, and applies the own first commit.
    pub async fn open(&mut self, world: &World, others: &[UserId]) -> Talk {
        let mut add = Vec::new();
        for user in others {
            add.push(self.key_package_of(world, *user).await);
        }
        let version = self.version(world).await;
        let (talk, request) = self.make(add, version);
        assert_eq!(self.create(world, &request).await.unwrap().seq, 1);
        self.apply_own(talk);
        talk
    }

    pub fn make_commit(
        &mut self,
        talk: Talk,
        plan: CommitPlan,
        version: u64,
        cursor: Option<CursorClaim>,
    ) -> MadeCommit {
        let intent = IntentId::random();
        let aad = AuthenticatedData::commit(intent, version, cursor).to_bytes();
        let prepared = self
            .engine
            .prepare_commit(&self.store, talk.group.as_bytes(), &plan, &aad)
            .unwrap();
        let bundle = CommitBundle {
            commit: Blob(prepared.commit),
            group_info: Blob(prepared.group_info),
            welcome: prepared.welcome.map(Blob),
        };
        MadeCommit { intent, bundle }
    }

    pub async fn commit(&self, world: &World, talk: Talk, bundle: CommitBundle) -> Answer<Accepted> {
        let path = format!("/v1/conversations/{}/commits", talk.id);
        self.post(world, &path, &CommitRequest::new(1, bundle)).await
    }

    pub async fn group_info(&self, world: &World, talk: Talk) -> Answer<GroupInfoAnswer> {
        self.get(world, &format!("/v1/conversations/{}/group-info", talk.id))
            .await
    }

    /// An external commit into the group of the answer, and the state that it leads to.
    pub fn make_external(&mut self, from: &GroupInfoAnswer, cursor: Option<CursorClaim>) -> (MadeCommit, Vec<u8>) {
        let intent = IntentId::random();
        let aad = AuthenticatedData::commit(intent, from.directory_version, cursor).to_bytes();
        let (info, tree) = (&from.group_info.0, &from.tree.0);
        let prepared = self
            .engine
            .prepare_external_commit(&self.store, &self.signer, info, tree, &aad, &mut |_| Ok(()))
            .unwrap();
        let bundle = CommitBundle {
            commit: Blob(prepared.commit),
            group_info: Blob(prepared.group_info),
            welcome: None,
        };
        (MadeCommit { intent, bundle }, prepared.state.to_vec())
    }

    pub fn apply_external(&mut self, state: &[u8]) {
        self.engine.apply_external_commit(&self.store, state).unwrap();
    }

    pub fn apply_own(&mut self, talk: Talk) {
        self.engine
            .apply_own_commit(&self.store, talk.group.as_bytes())
            .unwrap();
    }

    pub fn encrypt(&mut self, talk: Talk, intent: IntentId, counter: u64, text: &str) -> Blob {
        self.encrypt_at(talk, intent, counter, None, text)
    }

    pub fn encrypt_at(
        &mut self,
        talk: Talk,
        intent: IntentId,
        counter: u64,
        cursor: Option<CursorClaim>,
        text: &str,
    ) -> Blob {
        let aad = AuthenticatedData::message(intent, counter, cursor).to_bytes();
        Blob(
            self.engine
                .encrypt(&self.store, talk.group.as_bytes(), &aad, text.as_bytes())
                .unwrap(),
        )
    }

    pub async fn send(&self, world: &World, talk: Talk, messages: Vec<Blob>) -> Answer<MessagesAccepted> {
        let path = format!("/v1/conversations/{}/messages", talk.id);
        self.post(
            world,
            &path,
            &MessagesRequest {
                incarnation: 1,
                messages,
            },
        )
        .await
    }

    pub async fn sync(&self, world: &World, token: Option<&str>, inbox_ack: u64) -> Answer<SyncAnswer> {
        let request = SyncRequest {
            token: token.map(str::to_owned),
            inbox_ack,
            cursors: vec![],
        };
        self.post(world, "/v1/sync", &request).await
    }

    /// Joins by the first Welcome of the inbox; gives the inbox index, and the position that it starts from.
    pub async fn join(&mut self, world: &World) -> (u64, CursorClaim) {
        let news = self.sync(world, None, 0).await.unwrap();
        self.join_by(world, &news.inbox[0]).await
    }

    pub async fn join_by(&mut self, world: &World, record: &InboxRecord) -> (u64, CursorClaim) {
        let InboxItem::Welcome {
            conversation,
            tree_hash,
            welcome,
            seq,
            h,
            ..
        } = &record.item
        else {
            panic!("not a Welcome: {record:?}")
        };
        let path = format!("/v1/conversations/{conversation}/trees/{}", hex::encode(&tree_hash.0));
        let tree: TreeAnswer = self.get(world, &path).await.unwrap();
        self.engine
            .join(&self.store, &welcome.0, &tree.tree.0, &mut |_| Ok(()))
            .unwrap();
        (record.index, CursorClaim { seq: *seq, h: *h })
    }

    /// Decrypts a message or applies a foreign commit.
    pub fn process(&mut self, talk: Talk, body: &[u8]) -> Processed {
        self.engine
            .process(&self.store, talk.group.as_bytes(), body, &mut |_| Ok(()))
            .unwrap()
    }

    pub fn read(&mut self, talk: Talk, body: &[u8]) -> String {
        match self.process(talk, body) {
            Processed::Message { plaintext, .. } => String::from_utf8(plaintext).unwrap(),
            Processed::Commit(_) => panic!("a commit"),
        }
    }
}

/// Two devices of two users in one conversation, both at its first entry.
pub async fn pair(world: &World) -> (Device, Device, Talk, CursorClaim) {
    let mut anna = Device::new(world, "anna").await;
    let mut ben = Device::new(world, "ben").await;
    ben.upload(world, 5).await.unwrap();
    let talk = anna.open(world, &[ben.user()]).await;
    let (_, cursor) = ben.join(world).await;
    (anna, ben, talk, cursor)
}

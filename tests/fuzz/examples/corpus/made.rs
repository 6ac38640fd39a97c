//! Makes a group of real members, and seeds of everything that they send.

use std::cell::RefCell;
use std::collections::BTreeMap;

use curo_fuzz::{Entry, Material, Row};
use curo_mls::{
    CommitPlan, Created, Follower, MlsEngine as _, MlsStore, OpenMlsEngine, PreparedCommit, Signer, StoreFault, Suite,
};
use curo_types::api::{CommitBundle, CreateConversation, EntryRecord, ReplayRequest, ReplayStart};
use curo_types::format::{AuthenticatedData, Credential, EntryKind, SignedTip};
use curo_types::{Blob, ConversationId, DeviceId, Digest, GroupId, IntentId, StoreId, SuiteId, TenantId, UserId};
use ed25519_dalek::SigningKey;

use crate::{root, seed};

const SUITE: Suite = Suite::X25519_AES128GCM_SHA256_ED25519;
const CONVERSATION: ConversationId = ConversationId([3; 16]);
const GROUP: GroupId = GroupId([2; 16]);

/// By table and key.
type Table = BTreeMap<(&'static str, Vec<u8>), Vec<u8>>;

/// A store whose rows can be taken out.
#[derive(Default)]
struct Rows(RefCell<Table>);

impl MlsStore for Rows {
    fn get(&self, table: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreFault> {
        Ok(self.0.borrow().get(&(table, key.to_vec())).cloned())
    }

    fn put(&self, table: &'static str, key: &[u8], value: &[u8]) -> Result<(), StoreFault> {
        self.0.borrow_mut().insert((table, key.to_vec()), value.to_vec());
        Ok(())
    }

    fn delete(&self, table: &'static str, key: &[u8]) -> Result<(), StoreFault> {
        self.0.borrow_mut().remove(&(table, key.to_vec()));
        Ok(())
    }
}

impl Rows {
    fn all(&self) -> Vec<Row> {
        let rows = self.0.borrow();
        let row = |((table, key), value): (&(&str, Vec<u8>), &Vec<u8>)| Row {
            row: ((*table).to_owned(), Blob(key.clone()), Blob(value.clone())),
        };
        rows.iter().map(row).collect()
    }
}

struct Device {
    number: u8,
    store: Rows,
    engine: OpenMlsEngine,
    signer: Signer,
    counter: u64,
    intents: u8,
}

impl Device {
    fn new(number: u8, suite: Suite) -> Self {
        let (store, mut engine) = (Rows::default(), OpenMlsEngine::new());
        let public_key = engine.new_signature_key(&store, suite).unwrap();
        let identity = Credential::new(tenant(), user(number), device(number)).to_bytes();
        Self {
            number,
            store,
            engine,
            signer: Signer {
                suite,
                identity,
                public_key,
            },
            counter: 0,
            intents: 0,
        }
    }

    fn intent(&mut self) -> IntentId {
        self.intents += 1;
        let mut id = [self.number; 16];
        if let Some(last) = id.last_mut() {
            *last = self.intents;
        }
        IntentId(id)
    }

    fn key_package(&mut self) -> Vec<u8> {
        let mut made = self
            .engine
            .new_key_packages(&self.store, &self.signer, 1, false)
            .unwrap();
        made.remove(0).bytes
    }

    fn create(&mut self) -> Created {
        self.engine.create(&self.store, &self.signer, GROUP.as_bytes()).unwrap()
    }

    fn prepare(&mut self, add: Vec<Vec<u8>>, remove: Vec<u32>) -> PreparedCommit {
        let aad = AuthenticatedData::commit(self.intent(), 1, None).to_bytes();
        let plan = CommitPlan { add, remove };
        self.engine
            .prepare_commit(&self.store, GROUP.as_bytes(), &plan, &aad)
            .unwrap()
    }

    fn apply(&mut self) {
        self.engine.apply_own_commit(&self.store, GROUP.as_bytes()).unwrap();
    }

    fn process(&mut self, bytes: &[u8]) {
        let yes = &mut |_: &_| Ok(());
        self.engine.process(&self.store, GROUP.as_bytes(), bytes, yes).unwrap();
    }

    fn join(&mut self, welcome: &[u8], tree: &[u8]) {
        self.engine.join(&self.store, welcome, tree, &mut |_| Ok(())).unwrap();
    }

    fn encrypt(&mut self, text: &[u8]) -> Vec<u8> {
        self.counter += 1;
        let aad = AuthenticatedData::message(self.intent(), self.counter, None).to_bytes();
        self.engine.encrypt(&self.store, GROUP.as_bytes(), &aad, text).unwrap()
    }

    fn epoch(&mut self) -> u64 {
        self.engine.epoch(&self.store, GROUP.as_bytes()).unwrap()
    }

    fn authenticator(&mut self) -> Vec<u8> {
        self.engine.epoch_authenticator(&self.store, GROUP.as_bytes()).unwrap()
    }
}

fn tenant() -> TenantId {
    "st-mary".parse().unwrap()
}

fn user(number: u8) -> UserId {
    UserId([number; 16])
}

fn device(number: u8) -> DeviceId {
    DeviceId([100 + number; 16])
}

fn bundle(made: &PreparedCommit) -> CommitBundle {
    CommitBundle {
        commit: Blob(made.commit.clone()),
        group_info: Blob(made.group_info.clone()),
        welcome: made.welcome.clone().map(Blob),
    }
}

fn two(first: &[u8], second: &[u8]) -> Vec<u8> {
    let length = u16::try_from(first.len()).unwrap().to_be_bytes();
    [&length[..], first, second].concat()
}

/// The log as it grows: what the reader gets, and the relay's records of it.
struct Log {
    relay: Follower,
    entries: Vec<Entry>,
    records: Vec<EntryRecord>,
    last_group_info: Vec<u8>,
}

impl Log {
    fn record(&mut self, kind: EntryKind, epoch: u64, author: &mut Device, body: &[u8]) {
        let data = AuthenticatedData::from_bytes(&curo_mls::inspect(body).unwrap().aad).unwrap();
        let before = self.records.last().map_or(Digest::ZERO, |last| last.h);
        let mut record = EntryRecord {
            incarnation: 1,
            seq: self.records.len() as u64 + 1,
            kind,
            epoch,
            sender: device(author.number),
            intent: data.intent,
            directory_version: (kind == EntryKind::Commit).then_some(1),
            time_ms: 1_767_225_600_000,
            body: Blob(body.to_vec()),
            h: Digest::ZERO,
            leaves: Vec::new(),
        };
        record.h = record.expected_hash(&tenant(), CONVERSATION, before);
        self.records.push(record);
    }

    fn say(&mut self, author: &mut Device, others: &mut [&mut Device], text: &[u8]) {
        let (epoch, body) = (author.epoch(), author.encrypt(text));
        others.iter_mut().for_each(|other| other.process(&body));
        self.record(EntryKind::Message, epoch, author, &body);
        self.entries.push(Entry {
            body: Blob(body),
            epoch,
            group_info: None,
            authenticator: None,
        });
    }

    /// A commit that the relay takes and that others follow.
    fn commit(
        &mut self,
        author: &mut Device,
        others: &mut [&mut Device],
        commit: &[u8],
        group_info: &[u8],
        epoch: u64,
    ) {
        let staged = self.relay.stage(commit).unwrap();
        self.relay.accept(staged, group_info).unwrap();
        others.iter_mut().for_each(|other| other.process(commit));
        self.record(EntryKind::Commit, epoch, author, commit);
        self.last_group_info = group_info.to_vec();
        self.entries.push(Entry {
            body: Blob(commit.to_vec()),
            epoch,
            group_info: Some(Blob(group_info.to_vec())),
            authenticator: Some(Blob(author.authenticator())),
        });
    }
}

pub(crate) fn write() {
    let [mut anna, mut ben, mut cleo] = [1, 2, 3].map(|number| Device::new(number, SUITE));
    let mut eve = Device::new(4, SUITE);
    let created = anna.create();
    let first = anna.prepare(vec![ben.key_package(), cleo.key_package()], Vec::new());
    let mut relay = Follower::create(&created.group_info, &created.tree).unwrap();
    let staged = relay.stage(&first.commit).unwrap();
    relay.accept(staged, &first.group_info).unwrap();
    anna.apply();
    let (welcome, tree) = (first.welcome.clone().unwrap(), relay.tree().unwrap());
    ben.join(&welcome, &tree);
    cleo.join(&welcome, &tree);

    let reader = ben.store.all();
    let follower = relay.save().unwrap();
    let mut log = Log {
        relay,
        entries: Vec::new(),
        records: Vec::new(),
        last_group_info: Vec::new(),
    };
    log.record(EntryKind::Commit, 0, &mut anna, &first.commit);
    let eve_package = eve.key_package();
    let outsider = eve.store.all();

    log.say(&mut anna, &mut [&mut ben, &mut cleo], b"BP 118/76");
    log.say(&mut cleo, &mut [&mut ben, &mut anna], b"thank you");
    let update = cleo.prepare(Vec::new(), Vec::new());
    cleo.apply();
    log.commit(
        &mut cleo,
        &mut [&mut ben, &mut anna],
        &update.commit,
        &update.group_info,
        1,
    );
    log.say(&mut anna, &mut [&mut ben, &mut cleo], b"Eve joins us");
    let adding = anna.prepare(vec![eve_package.clone()], Vec::new());
    anna.apply();
    log.commit(
        &mut anna,
        &mut [&mut ben, &mut cleo],
        &adding.commit,
        &adding.group_info,
        2,
    );
    let welcome_tree = log.relay.tree().unwrap();
    eve.join(adding.welcome.as_ref().unwrap(), &welcome_tree);
    log.say(&mut eve, &mut [&mut anna, &mut ben, &mut cleo], b"hello");
    let removing = anna.prepare(Vec::new(), vec![2]);
    anna.apply();
    log.commit(
        &mut anna,
        &mut [&mut ben, &mut eve],
        &removing.commit,
        &removing.group_info,
        3,
    );
    let mut fred = Device::new(6, SUITE);
    let aad = AuthenticatedData::commit(fred.intent(), 1, None).to_bytes();
    let now = log.relay.tree().unwrap();
    let outside = fred
        .engine
        .prepare_external_commit(&fred.store, &fred.signer, &removing.group_info, &now, &aad, &mut |_| {
            Ok(())
        })
        .unwrap();
    seed("overlay_blob", "fred", &outside.state);
    fred.engine.apply_external_commit(&fred.store, &outside.state).unwrap();
    let others = &mut [&mut anna, &mut ben, &mut eve];
    log.commit(&mut fred, others, &outside.commit, &outside.group_info, 4);
    log.say(&mut fred, &mut [&mut anna, &mut ben, &mut eve], b"here I am");

    let material = Material {
        group: Blob(GROUP.as_bytes().to_vec()),
        creator: (user(1), device(1)),
        reader,
        follower: Blob(follower),
        group_info: Blob(first.group_info.clone()),
        tree: Blob(tree),
        log: log.entries.clone(),
        outsider,
        outsider_key: (Blob(eve.signer.public_key.clone()), Blob(eve.signer.identity.clone())),
        welcome_tree: Blob(welcome_tree),
    };
    let text = serde_json::to_string_pretty(&material).unwrap();
    std::fs::write(root().join("tests/fuzz/group.json"), text + "\n").unwrap();
    seeds(
        &material,
        &created,
        &first,
        &eve_package,
        adding.welcome.as_ref().unwrap(),
    );
    requests(&log, &created, &first);
    for (name, made) in [
        ("update", &update),
        ("add", &adding),
        ("remove", &removing),
        ("first", &first),
    ] {
        seed("commit", name, &serde_json::to_vec(&bundle(made)).unwrap());
    }
    let other = Device::new(7, Suite::P256_AES128GCM_SHA256_P256).key_package();
    seed("key_package", "p256", &other);
}

fn seeds(material: &Material, created: &Created, first: &PreparedCommit, key_package: &[u8], welcome: &[u8]) {
    for (number, entry) in material.log.iter().enumerate() {
        let kind = if entry.group_info.is_some() {
            "commit"
        } else {
            "message"
        };
        let name = format!("{number:02}-{kind}");
        for target in ["inspect", "process"] {
            seed(target, &name, entry.body.as_slice());
        }
        if kind == "message" {
            seed("message", &name, entry.body.as_slice());
        }
    }
    seed("key_package", "x25519", key_package);
    seed("welcome", "welcome", welcome);
    seed("group_info", "created", &two(&created.group_info, &created.tree));
    seed("group_info", "later", &two(&first.group_info, material.tree.as_slice()));
    seed(
        "external_join",
        "now",
        &two(&first.group_info, material.tree.as_slice()),
    );
    seed("external_join", "created", &two(&created.group_info, &created.tree));
    seed("follower_blob", "first", material.follower.as_slice());
    for (number, Row { row: (table, _, value) }) in material.reader.iter().enumerate() {
        let number = u8::try_from(number).unwrap();
        seed(
            "mls_rows",
            &format!("{number:02}-{table}"),
            &[&[number][..], value.as_slice()].concat(),
        );
    }
    let steps = |all: &[[u8; 3]]| all.concat();
    seed(
        "history",
        "in-order",
        &steps(&[0, 1, 2, 3, 4, 5, 6, 7, 8].map(|entry| [0, entry, 0])),
    );
    seed(
        "history",
        "with-relay",
        &steps(&[0, 2, 4, 6, 7].map(|entry| [[0, entry, 0], [2, entry, 0]]).concat()),
    );
    seed(
        "history",
        "again-and-late",
        &steps(&[
            [0, 1, 0],
            [0, 1, 0],
            [0, 2, 0],
            [0, 0, 0],
            [0, 3, 0],
            [5, 0, 0],
            [0, 4, 0],
        ]),
    );
    seed(
        "history",
        "damaged",
        &steps(&[
            [3, 2, 200],
            [4, 2, 100],
            [36, 0, 250],
            [0, 0, 0],
            [0, 2, 0],
            [4, 4, 255],
        ]),
    );
}

fn requests(log: &Log, created: &Created, first: &PreparedCommit) {
    let create = CreateConversation {
        conversation: CONVERSATION,
        incarnation: 1,
        group: GROUP,
        suite: SuiteId(SUITE.0),
        group_info: Blob(created.group_info.clone()),
        tree: Blob(created.tree.clone()),
        first_commit: bundle(first),
        lost: None,
    };
    seed("create_conversation", "first", &serde_json::to_vec(&create).unwrap());
    let last = log.records.last().unwrap();
    let tip = SignedTip::sign(
        &SigningKey::from_bytes(&[8; 32]),
        StoreId([1; 16]),
        tenant(),
        CONVERSATION,
        1,
        last.seq,
        last.h,
        last.time_ms,
    );
    let replay = ReplayRequest {
        incarnation: 1,
        after: 0,
        after_h: Digest::ZERO,
        entries: log.records.clone(),
        tip,
        group_info: Some(Blob(log.last_group_info.clone())),
        start: Some(ReplayStart {
            group: GROUP,
            suite: SuiteId(SUITE.0),
            group_info: create.group_info,
            tree: create.tree,
        }),
    };
    seed("replay", "whole", &serde_json::to_vec(&replay).unwrap());
}

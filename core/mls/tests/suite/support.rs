//! Devices, and conversations of several of them with the relay's follower.

use curo_mls::{
    CommitOutcome, CommitPlan, CommitView, Follower, JoinView, Joined, Leaf, MemoryStore, MlsEngine, MlsError,
    OpenMlsEngine, PreparedCommit, Processed, Refusal, Signer, Suite,
};

pub(crate) use crate::SUITE;

/// A suite that is not the one under test.
pub(crate) fn another_suite() -> Suite {
    match SUITE {
        Suite::P256_AES128GCM_SHA256_P256 => Suite::X25519_AES128GCM_SHA256_ED25519,
        _ => Suite::P256_AES128GCM_SHA256_P256,
    }
}
pub(crate) const GROUP: &[u8] = b"a conversation's group";

pub(crate) struct Device {
    pub(crate) store: MemoryStore,
    pub(crate) engine: OpenMlsEngine,
    pub(crate) signer: Signer,
}

pub(crate) fn yes(_: &CommitView) -> Result<(), Refusal> {
    Ok(())
}

pub(crate) fn welcome_yes(_: &JoinView) -> Result<(), Refusal> {
    Ok(())
}

impl Device {
    pub(crate) fn new(name: &str) -> Self {
        Self::with_suite(name, SUITE)
    }

    pub(crate) fn with_suite(name: &str, suite: Suite) -> Self {
        let (store, mut engine) = (MemoryStore::new(), OpenMlsEngine::new());
        let public_key = engine.new_signature_key(&store, suite).unwrap();
        Self {
            store,
            engine,
            signer: Signer {
                suite,
                identity: name.as_bytes().to_vec(),
                public_key,
            },
        }
    }

    /// What the device is after its process was killed: the rows, and nothing loaded.
    pub(crate) fn restart(&mut self) {
        self.store.rollback();
        self.engine = OpenMlsEngine::new();
    }

    /// What rule 5.6 asks after a failed transaction.
    pub(crate) fn rollback(&mut self) {
        self.store.rollback();
        self.engine.forget_all();
    }

    pub(crate) fn key_package(&mut self) -> Vec<u8> {
        self.engine
            .new_key_packages(&self.store, &self.signer, 1, false)
            .unwrap()
            .remove(0)
            .bytes
    }

    pub(crate) fn prepare(&mut self, plan: &CommitPlan) -> Result<PreparedCommit, MlsError> {
        self.engine.prepare_commit(&self.store, GROUP, plan, b"commit aad")
    }

    pub(crate) fn apply(&mut self) -> Result<CommitOutcome, MlsError> {
        self.engine.apply_own_commit(&self.store, GROUP)
    }

    pub(crate) fn encrypt(&mut self, text: &[u8]) -> Vec<u8> {
        self.engine.encrypt(&self.store, GROUP, b"message aad", text).unwrap()
    }

    pub(crate) fn process(&mut self, bytes: &[u8]) -> Result<Processed, MlsError> {
        self.engine.process(&self.store, GROUP, bytes, &mut yes)
    }

    pub(crate) fn read(&mut self, bytes: &[u8]) -> Vec<u8> {
        match self.process(bytes).unwrap() {
            Processed::Message { plaintext, .. } => plaintext,
            Processed::Commit(_) => panic!("a commit"),
        }
    }

    pub(crate) fn follow(&mut self, commit: &[u8]) -> CommitOutcome {
        match self.process(commit).unwrap() {
            Processed::Commit(outcome) => outcome,
            Processed::Message { .. } => panic!("a message"),
        }
    }

    pub(crate) fn join(&mut self, welcome: &[u8], tree: &[u8]) -> Result<Joined, MlsError> {
        self.engine.join(&self.store, welcome, tree, &mut welcome_yes)
    }

    pub(crate) fn epoch(&mut self) -> u64 {
        self.engine.epoch(&self.store, GROUP).unwrap()
    }

    pub(crate) fn members(&mut self) -> Vec<Leaf> {
        self.engine.members(&self.store, GROUP).unwrap()
    }

    pub(crate) fn authenticator(&mut self) -> Vec<u8> {
        self.engine.epoch_authenticator(&self.store, GROUP).unwrap()
    }
}

/// A conversation: member devices, and the relay's view of their group.
pub(crate) struct Conversation {
    pub(crate) devices: Vec<Device>,
    pub(crate) relay: Follower,
}

pub(crate) fn adding(key_packages: Vec<Vec<u8>>) -> CommitPlan {
    CommitPlan {
        add: key_packages,
        remove: Vec::new(),
    }
}

pub(crate) fn removing(leaves: &[u32]) -> CommitPlan {
    CommitPlan {
        add: Vec::new(),
        remove: leaves.to_vec(),
    }
}

impl Conversation {
    /// A conversation of these devices, created by the first, who adds the others in one commit.
    pub(crate) fn of(names: &[&str]) -> Self {
        Self::with_suite(names, SUITE)
    }

    pub(crate) fn with_suite(names: &[&str], suite: Suite) -> Self {
        let mut devices: Vec<Device> = names.iter().map(|name| Device::with_suite(name, suite)).collect();
        let created = {
            let Device { store, engine, signer } = &mut devices[0];
            engine.create(store, signer, GROUP).unwrap()
        };
        let relay = Follower::create(&created.group_info, &created.tree).unwrap();
        let others = devices.split_off(1);
        let mut conversation = Self { devices, relay };
        if !others.is_empty() {
            conversation.add(0, others);
        }
        conversation
    }

    /// `author` adds `joiners`; everyone follows, and the joiners join.
    pub(crate) fn add(&mut self, author: usize, mut joiners: Vec<Device>) -> CommitOutcome {
        let plan = adding(joiners.iter_mut().map(Device::key_package).collect());
        let (prepared, outcome) = self.commit(author, &plan);
        let (welcome, tree) = (prepared.welcome.unwrap(), self.relay.tree().unwrap());
        for mut joiner in joiners {
            joiner.join(&welcome, &tree).unwrap();
            self.devices.push(joiner);
        }
        outcome
    }

    /// `author` commits; relay and all other members accept it. The removed are still among the devices.
    pub(crate) fn commit(&mut self, author: usize, plan: &CommitPlan) -> (PreparedCommit, CommitOutcome) {
        let prepared = self.devices[author].prepare(plan).unwrap();
        let outcome = self.accept(author, &prepared);
        (prepared, outcome)
    }

    pub(crate) fn accept(&mut self, author: usize, prepared: &PreparedCommit) -> CommitOutcome {
        let staged = self.relay.stage(&prepared.commit).unwrap();
        self.relay.accept(staged, &prepared.group_info).unwrap();
        let mut outcome = None;
        for (index, device) in self.devices.iter_mut().enumerate() {
            if index == author {
                outcome = Some(device.apply().unwrap());
            } else {
                device.follow(&prepared.commit);
            }
        }
        outcome.unwrap()
    }

    /// Everyone and the relay agree on epoch and members, everyone on the secrets, and everyone reads everyone.
    pub(crate) fn agree(&mut self) {
        let (epoch, members) = (self.relay.epoch(), self.relay.members().unwrap());
        let authenticator = self.devices[0].authenticator();
        for device in &mut self.devices {
            assert_eq!(device.epoch(), epoch);
            assert_eq!(device.members(), members);
            assert_eq!(device.authenticator(), authenticator);
        }
        for sender in 0..self.devices.len() {
            let bytes = self.devices[sender].encrypt(b"who reads this?");
            for reader in (0..self.devices.len()).filter(|reader| *reader != sender) {
                assert_eq!(self.devices[reader].read(&bytes), b"who reads this?");
            }
        }
    }
}

pub(crate) fn identities(leaves: &[Leaf]) -> Vec<&str> {
    leaves
        .iter()
        .map(|leaf| std::str::from_utf8(&leaf.identity).unwrap())
        .collect()
}

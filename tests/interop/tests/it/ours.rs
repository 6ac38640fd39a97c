//! A member with our engine.

use curo_mls::{CommitPlan, MemoryStore, MlsEngine as _, OpenMlsEngine, Processed, Signer, Suite};

use crate::member::{GROUP, Made, Member, Read, identity};

pub(crate) struct Ours {
    store: MemoryStore,
    engine: OpenMlsEngine,
    signer: Signer,
}

impl Ours {
    pub(crate) fn new(number: u8, suite: Suite) -> Self {
        let (store, mut engine) = (MemoryStore::new(), OpenMlsEngine::new());
        let public_key = engine.new_signature_key(&store, suite).unwrap();
        Self {
            store,
            engine,
            signer: Signer {
                suite,
                identity: identity(number),
                public_key,
            },
        }
    }

    /// The engine's verdict on a message or commit of another.
    pub(crate) fn process(&mut self, message: &[u8]) -> Result<Processed, curo_mls::MlsError> {
        self.store.begin();
        let processed = self.engine.process(&self.store, GROUP, message, &mut |_| Ok(()));
        if processed.is_err() {
            self.store.rollback();
            self.engine.forget_all();
        }
        processed
    }

    /// The engine's verdict on a Welcome.
    pub(crate) fn try_join(&mut self, welcome: &[u8], tree: &[u8]) -> Result<(), curo_mls::MlsError> {
        let joined = self.engine.join(&self.store, welcome, tree, &mut |_| Ok(()));
        joined.map(|_| ())
    }
}

impl Member for Ours {
    fn create(&mut self) -> (Vec<u8>, Vec<u8>) {
        let created = self.engine.create(&self.store, &self.signer, GROUP).unwrap();
        (created.group_info, created.tree)
    }

    fn key_package(&mut self) -> Vec<u8> {
        let mut made = self
            .engine
            .new_key_packages(&self.store, &self.signer, 1, false)
            .unwrap();
        made.remove(0).bytes
    }

    fn commit(&mut self, add: &[Vec<u8>], remove: &[u32], aad: &[u8]) -> Made {
        let plan = CommitPlan {
            add: add.to_vec(),
            remove: remove.to_vec(),
        };
        let prepared = self.engine.prepare_commit(&self.store, GROUP, &plan, aad).unwrap();
        Made {
            commit: prepared.commit,
            welcome: prepared.welcome,
            group_info: prepared.group_info,
        }
    }

    fn apply(&mut self) {
        self.engine.apply_own_commit(&self.store, GROUP).unwrap();
    }

    fn follow(&mut self, commit: &[u8]) {
        match self.process(commit).unwrap() {
            Processed::Commit(_) => {}
            Processed::Message { .. } => panic!("a message in place of a commit"),
        }
    }

    fn join(&mut self, welcome: &[u8], tree: &[u8]) {
        self.try_join(welcome, tree).unwrap();
    }

    fn come_in(&mut self, group_info: &[u8], tree: &[u8], _: Option<u32>) -> Made {
        let prepared = self
            .engine
            .prepare_external_commit(
                &self.store,
                &self.signer,
                group_info,
                tree,
                b"from outside",
                &mut |_| Ok(()),
            )
            .unwrap();
        self.engine.apply_external_commit(&self.store, &prepared.state).unwrap();
        Made {
            commit: prepared.commit,
            welcome: None,
            group_info: prepared.group_info,
        }
    }

    fn encrypt(&mut self, aad: &[u8], text: &[u8]) -> Vec<u8> {
        self.engine.encrypt(&self.store, GROUP, aad, text).unwrap()
    }

    fn read(&mut self, message: &[u8]) -> Read {
        match self.process(message).unwrap() {
            Processed::Message {
                sender, aad, plaintext, ..
            } => Read {
                sender: sender.index,
                aad,
                text: plaintext,
            },
            Processed::Commit(_) => panic!("a commit in place of a message"),
        }
    }

    fn epoch(&mut self) -> u64 {
        self.engine.epoch(&self.store, GROUP).unwrap()
    }

    fn index(&mut self) -> u32 {
        self.engine.own_leaf(&self.store, GROUP).unwrap().index
    }

    fn members(&mut self) -> Vec<(u32, Vec<u8>)> {
        let members = self.engine.members(&self.store, GROUP).unwrap();
        members.into_iter().map(|leaf| (leaf.index, leaf.identity)).collect()
    }

    fn authenticator(&mut self) -> Vec<u8> {
        self.engine.epoch_authenticator(&self.store, GROUP).unwrap()
    }

    fn exported(&mut self, label: &str, context: &[u8], length: usize) -> Vec<u8> {
        self.engine
            .export_secret(&self.store, GROUP, label, context, length)
            .unwrap()
            .to_vec()
    }
}

//! A member that speaks plain OpenMLS with its own configuration, and makes what our engine never would.

use openmls::group::{
    CommitMessageBundle, MlsGroup, MlsGroupCreateConfig, MlsGroupJoinConfig, PURE_CIPHERTEXT_WIRE_FORMAT_POLICY,
    PURE_PLAINTEXT_WIRE_FORMAT_POLICY, StagedWelcome,
};
use openmls::prelude::{
    BasicCredential, Capabilities, CommitBuilder, CredentialWithKey, ExtensionType, Initial, KeyPackage, KeyPackageIn,
    LeafNodeIndex, LeafNodeParameters, Lifetime, MlsMessageBodyIn, MlsMessageIn, MlsMessageOut, ProposalType,
    ProtocolVersion, RatchetTreeIn,
};
use openmls_basic_credential::SignatureKeyPair;
use openmls_rust_crypto::OpenMlsRustCrypto;
use openmls_traits::OpenMlsProvider;
use tls_codec::{Deserialize, Serialize};

use crate::support::{Conversation, SUITE, adding};

pub(crate) struct Mallory {
    pub(crate) provider: OpenMlsRustCrypto,
    pub(crate) keys: SignatureKeyPair,
    pub(crate) group: Option<MlsGroup>,
    pub(crate) capabilities: Capabilities,
    pub(crate) lifetime: Lifetime,
}

pub(crate) fn message(bytes: &[u8]) -> MlsMessageBodyIn {
    MlsMessageIn::tls_deserialize_exact(bytes).unwrap().extract()
}

impl Mallory {
    /// A member whose leaves look like ours.
    pub(crate) fn new() -> Self {
        let cipher = openmls::prelude::Ciphersuite::try_from(SUITE.0).unwrap();
        let (provider, keys) = (
            OpenMlsRustCrypto::default(),
            SignatureKeyPair::new(cipher.signature_algorithm()).unwrap(),
        );
        let capabilities = Capabilities::builder()
            .extensions(vec![
                ExtensionType::Unknown(0xF0C0),
                ExtensionType::Unknown(0xF0C1),
                ExtensionType::LastResort,
            ])
            .proposals(vec![ProposalType::SelfRemove])
            .build();
        Self {
            provider,
            keys,
            group: None,
            capabilities,
            lifetime: Lifetime::init(0, u64::MAX / 2),
        }
    }

    /// Mallory as the second member of a conversation of anna and ben.
    pub(crate) fn in_a_conversation() -> (Conversation, Self) {
        let mut conversation = Conversation::of(&["anna", "ben"]);
        let mut mallory = Self::new();
        let (prepared, _) = conversation.commit(0, &adding(vec![mallory.key_package()]));
        mallory.join(&prepared.welcome.unwrap(), &conversation.relay.tree().unwrap());
        (conversation, mallory)
    }

    pub(crate) fn credential(&self) -> CredentialWithKey {
        CredentialWithKey {
            credential: BasicCredential::new(b"mallory".to_vec()).into(),
            signature_key: self.keys.to_public_vec().into(),
        }
    }

    pub(crate) fn key_package(&self) -> Vec<u8> {
        let cipher = openmls::prelude::Ciphersuite::try_from(SUITE.0).unwrap();
        let bundle = KeyPackage::builder()
            .key_package_lifetime(self.lifetime)
            .leaf_node_capabilities(self.capabilities.clone())
            .build(cipher, &self.provider, &self.keys, self.credential())
            .unwrap();
        bytes(MlsMessageOut::from(bundle.into_key_package()))
    }

    pub(crate) fn join(&mut self, welcome: &[u8], tree: &[u8]) {
        let MlsMessageBodyIn::Welcome(welcome) = message(welcome) else {
            panic!("no Welcome")
        };
        let config = MlsGroupJoinConfig::builder()
            .wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
            .padding_size(64)
            .build();
        let tree = RatchetTreeIn::tls_deserialize_exact(tree).unwrap();
        let staged = StagedWelcome::new_from_welcome(&self.provider, &config, welcome, Some(tree)).unwrap();
        self.group = Some(staged.into_group(&self.provider).unwrap());
    }

    /// A group of its own, configured as it likes.
    pub(crate) fn create(
        &mut self,
        configure: impl FnOnce(MlsGroupCreateConfig) -> MlsGroupCreateConfig,
    ) -> (Vec<u8>, Vec<u8>) {
        let config = MlsGroupCreateConfig::builder()
            .ciphersuite(openmls::prelude::Ciphersuite::try_from(SUITE.0).unwrap())
            .capabilities(self.capabilities.clone())
            .lifetime(self.lifetime)
            .wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
            .build();
        let group = MlsGroup::new(&self.provider, &self.keys, &configure(config), self.credential()).unwrap();
        let info = bytes(
            group
                .export_group_info(self.provider.crypto(), &self.keys, false)
                .unwrap(),
        );
        let tree = group.export_ratchet_tree().tls_serialize_detached().unwrap();
        self.group = Some(group);
        (info, tree)
    }

    /// Makes a commit and forgets that it did, so that the next one starts from the same state.
    pub(crate) fn commit(
        &mut self,
        plan: impl for<'a> FnOnce(CommitBuilder<'a, Initial>) -> CommitBuilder<'a, Initial>,
    ) -> Made {
        self.commit_with_tree(plan, false)
    }

    pub(crate) fn commit_with_tree(
        &mut self,
        plan: impl for<'a> FnOnce(CommitBuilder<'a, Initial>) -> CommitBuilder<'a, Initial>,
        tree: bool,
    ) -> Made {
        let group = self.group.as_mut().unwrap();
        let bundle: CommitMessageBundle = plan(group.commit_builder())
            .load_psks(self.provider.storage())
            .unwrap()
            .create_group_info(true)
            .use_ratchet_tree_extension(tree)
            .build(self.provider.rand(), self.provider.crypto(), &self.keys, |_| true)
            .unwrap()
            .stage_commit(&self.provider)
            .unwrap();
        group.clear_pending_commit(self.provider.storage()).unwrap();
        let (commit, welcome, group_info) = bundle.into_messages();
        Made {
            commit: bytes(commit),
            welcome: welcome.map(bytes),
            group_info: bytes(group_info.unwrap()),
        }
    }

    pub(crate) fn update(&mut self) -> Made {
        self.commit(|builder| builder.force_self_update(true))
    }

    /// An update whose leaf advertises nothing of ours.
    pub(crate) fn update_without_capabilities(&mut self) -> Made {
        let leaf = LeafNodeParameters::builder()
            .with_capabilities(Capabilities::default())
            .build();
        self.commit(|builder| builder.leaf_node_parameters(leaf))
    }

    /// Comes in from outside, under a name of its choice.
    pub(crate) fn external(&self, name: &[u8], group_info: &[u8], tree: &[u8]) -> Made {
        let MlsMessageBodyIn::GroupInfo(info) = message(group_info) else {
            panic!("no GroupInfo")
        };
        let leaf = LeafNodeParameters::builder()
            .with_capabilities(self.capabilities.clone())
            .build();
        let credential = CredentialWithKey {
            credential: BasicCredential::new(name.to_vec()).into(),
            signature_key: self.keys.to_public_vec().into(),
        };
        let (_, bundle) = MlsGroup::external_commit_builder()
            .with_ratchet_tree(RatchetTreeIn::tls_deserialize_exact(tree).unwrap())
            .with_config(MlsGroupJoinConfig::builder().build())
            .build_group(&self.provider, info, credential)
            .unwrap()
            .leaf_node_parameters(leaf)
            .load_psks(self.provider.storage())
            .unwrap()
            .create_group_info(true)
            .build(self.provider.rand(), self.provider.crypto(), &self.keys, |_| true)
            .unwrap()
            .finalize(&self.provider)
            .unwrap();
        let (commit, welcome, group_info) = bundle.into_messages();
        Made {
            commit: bytes(commit),
            welcome: welcome.map(bytes),
            group_info: bytes(group_info.unwrap()),
        }
    }

    pub(crate) fn standalone_removal(&mut self, index: u32) -> Vec<u8> {
        let Self {
            provider, keys, group, ..
        } = self;
        let (proposal, _) = group
            .as_mut()
            .unwrap()
            .propose_remove_member(provider, keys, LeafNodeIndex::new(index))
            .unwrap();
        bytes(proposal)
    }

    pub(crate) fn encrypted_update(&mut self) -> Vec<u8> {
        let config = MlsGroupJoinConfig::builder()
            .wire_format_policy(PURE_CIPHERTEXT_WIRE_FORMAT_POLICY)
            .build();
        let Self { provider, group, .. } = self;
        group
            .as_mut()
            .unwrap()
            .set_configuration(provider.storage(), &config)
            .unwrap();
        self.update().commit
    }
}

pub(crate) struct Made {
    pub(crate) commit: Vec<u8>,
    pub(crate) welcome: Option<Vec<u8>>,
    pub(crate) group_info: Vec<u8>,
}

pub(crate) fn bytes(message: MlsMessageOut) -> Vec<u8> {
    message.to_bytes().unwrap()
}

/// A KeyPackage of ours as OpenMLS sees it.
pub(crate) fn validated(key_package: &[u8]) -> KeyPackage {
    let MlsMessageBodyIn::KeyPackage(unverified) = message(key_package) else {
        panic!("no KeyPackage")
    };
    KeyPackageIn::validate(
        unverified,
        OpenMlsRustCrypto::default().crypto(),
        ProtocolVersion::Mls10,
    )
    .unwrap()
}

#[test]
fn plain_openmls_members_interoperate() {
    let (mut conversation, mut mallory) = Mallory::in_a_conversation();
    let made = mallory.update();
    assert!(made.welcome.is_none());
    let staged = conversation.relay.stage(&made.commit).unwrap();
    conversation.relay.accept(staged, &made.group_info).unwrap();
    for device in &mut conversation.devices {
        device.follow(&made.commit);
    }
    conversation.agree();
    assert_eq!(conversation.relay.suite(), SUITE);
}

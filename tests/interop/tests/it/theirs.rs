//! A member with `mls-rs`, set up as our configuration asks.

use std::time::Duration;

use curo_mls::Suite;
use mls_rs::client_builder::MlsConfig;
use mls_rs::extension::ExtensionType;
use mls_rs::group::proposal::ProposalType;
use mls_rs::group::{ExportedTree, ReceivedMessage};
use mls_rs::identity::SigningIdentity;
use mls_rs::identity::basic::{BasicCredential, BasicIdentityProvider};
use mls_rs::mls_rules::{CommitOptions, DefaultMlsRules, EncryptionOptions};
use mls_rs::time::MlsTime;
use mls_rs::{
    CipherSuite, CipherSuiteProvider as _, Client, CryptoProvider as _, Extension, ExtensionList, Group, MlsMessage,
};
use mls_rs_crypto_rustcrypto::RustCryptoProvider;

use crate::member::{GROUP, Made, Member, Read, identity};

/// Rule 2.7: policy and directory version.
const ADVERTISED: [u16; 2] = [0xF0C0, 0xF0C1];
/// SelfRemove in the registry of MLS extensions. The library's own feature of this name has a number for private use
/// (0xF003), so it is advertised as a proposal of the application's.
const SELF_REMOVE: u16 = 0x000a;

/// How the library is set up.
#[derive(Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) encrypted_handshakes: bool,
    pub(crate) path_always: bool,
    pub(crate) tree_inside: bool,
    pub(crate) bounded_lifetime: bool,
    pub(crate) our_capabilities: bool,
}

impl Setup {
    /// As docs/protocol.md asks.
    pub(crate) const OURS: Self = Self {
        encrypted_handshakes: false,
        path_always: true,
        tree_inside: false,
        bounded_lifetime: false,
        our_capabilities: true,
    };
}

pub(crate) struct Theirs<C: MlsConfig> {
    client: Client<C>,
    group: Option<Group<C>>,
    setup: Setup,
}

pub(crate) fn member(number: u8, suite: Suite, setup: Setup) -> Theirs<impl MlsConfig> {
    let crypto = RustCryptoProvider::new();
    let suite = CipherSuite::new(suite.0);
    let (secret, public) = crypto
        .cipher_suite_provider(suite)
        .expect("the library has the suite")
        .signature_key_generate()
        .unwrap();
    let credential = BasicCredential::new(identity(number)).into_credential();
    let rules = DefaultMlsRules::new()
        .with_commit_options(
            CommitOptions::new()
                .with_path_required(setup.path_always)
                .with_ratchet_tree_extension(setup.tree_inside)
                .with_allow_external_commit(true),
        )
        .with_encryption_options(EncryptionOptions::new(setup.encrypted_handshakes, Default::default()));
    let mut builder = Client::builder()
        .identity_provider(BasicIdentityProvider::new())
        .crypto_provider(crypto)
        .mls_rules(rules)
        .signing_identity(SigningIdentity::new(credential, public), secret, suite);
    if setup.our_capabilities {
        builder = builder
            .extension_types(ADVERTISED.map(ExtensionType::new))
            .custom_proposal_type(ProposalType::new(SELF_REMOVE));
    }
    if !setup.bounded_lifetime {
        // The one lifetime of rule 2.8; it begins in 1970 (see `when`).
        builder = builder.key_package_lifetime(Duration::from_secs(u64::MAX / 2));
    }
    Theirs {
        client: builder.build(),
        group: None,
        setup,
    }
}

impl<C: MlsConfig> Theirs<C> {
    fn group(&mut self) -> &mut Group<C> {
        self.group.as_mut().expect("in the group")
    }

    /// When leaves are made.
    fn when(&self) -> Option<MlsTime> {
        (!self.setup.bounded_lifetime).then(|| MlsTime::from(0))
    }

    /// As [`Member::create`], with an extension of the GroupContext.
    pub(crate) fn create_with(&mut self, extension: u16) -> (Vec<u8>, Vec<u8>) {
        let group = self
            .client
            .create_group_with_id(GROUP.to_vec(), extensions(extension), Default::default(), self.when())
            .unwrap();
        let group_info = group.group_info_message_allowing_ext_commit(false).unwrap();
        (group_info.to_bytes().unwrap(), group.export_tree().to_bytes().unwrap())
    }

    /// A commit that brings an extension into the GroupContext.
    pub(crate) fn commit_with(&mut self, extension: u16) -> Vec<u8> {
        let builder = self.group().commit_builder();
        let made = builder
            .set_group_context_ext(extensions(extension))
            .unwrap()
            .build()
            .unwrap();
        made.commit_message().to_bytes().unwrap()
    }

    /// The tree of the current epoch.
    pub(crate) fn tree_now(&mut self) -> Vec<u8> {
        self.group().export_tree().to_bytes().unwrap()
    }

    fn tree(bytes: &[u8]) -> ExportedTree<'static> {
        ExportedTree::from_bytes(bytes).unwrap()
    }
}

fn extensions(extension: u16) -> ExtensionList {
    let mut list = ExtensionList::new();
    list.set(Extension::new(ExtensionType::new(extension), b"policy".to_vec()));
    list
}

fn read(bytes: &[u8]) -> MlsMessage {
    MlsMessage::from_bytes(bytes).unwrap()
}

impl<C: MlsConfig> Member for Theirs<C> {
    fn create(&mut self) -> (Vec<u8>, Vec<u8>) {
        let none = Default::default();
        let group = self
            .client
            .create_group_with_id(GROUP.to_vec(), none, Default::default(), self.when())
            .unwrap();
        let group_info = group
            .group_info_message_allowing_ext_commit(self.setup.tree_inside)
            .unwrap();
        let made = (group_info.to_bytes().unwrap(), group.export_tree().to_bytes().unwrap());
        self.group = Some(group);
        made
    }

    fn key_package(&mut self) -> Vec<u8> {
        self.client
            .generate_key_package_message(Default::default(), Default::default(), self.when())
            .unwrap()
            .to_bytes()
            .unwrap()
    }

    fn commit(&mut self, add: &[Vec<u8>], remove: &[u32], aad: &[u8]) -> Made {
        let mut builder = self.group().commit_builder().authenticated_data(aad.to_vec());
        for key_package in add {
            builder = builder.add_member(read(key_package)).unwrap();
        }
        for index in remove {
            builder = builder.remove_member(*index).unwrap();
        }
        let made = builder.build().unwrap();
        let welcomes = made.welcome_messages();
        assert!(welcomes.len() <= 1, "one Welcome for all");
        let group_info = made.external_commit_group_info().expect("external commits are allowed");
        Made {
            commit: made.commit_message().to_bytes().unwrap(),
            welcome: welcomes.first().map(|welcome| welcome.to_bytes().unwrap()),
            group_info: group_info.to_bytes().unwrap(),
        }
    }

    fn apply(&mut self) {
        self.group().apply_pending_commit().unwrap();
    }

    fn follow(&mut self, commit: &[u8]) {
        match self.group().process_incoming_message(read(commit)).unwrap() {
            ReceivedMessage::Commit(_) => {}
            other => panic!("{other:?} in place of a commit"),
        }
    }

    fn join(&mut self, welcome: &[u8], tree: &[u8]) {
        let (group, _) = self
            .client
            .join_group(Some(Self::tree(tree)), &read(welcome), None)
            .unwrap();
        self.group = Some(group);
    }

    fn come_in(&mut self, group_info: &[u8], tree: &[u8], replaced: Option<u32>) -> Made {
        let mut builder = self
            .client
            .external_commit_builder()
            .unwrap()
            .with_tree_data(Self::tree(tree))
            .with_authenticated_data(b"from outside".to_vec());
        if let Some(index) = replaced {
            builder = builder.with_removal(index);
        }
        let (group, commit) = builder.build(read(group_info)).unwrap();
        let group_info = group
            .group_info_message_allowing_ext_commit(self.setup.tree_inside)
            .unwrap();
        self.group = Some(group);
        Made {
            commit: commit.to_bytes().unwrap(),
            welcome: None,
            group_info: group_info.to_bytes().unwrap(),
        }
    }

    fn encrypt(&mut self, aad: &[u8], text: &[u8]) -> Vec<u8> {
        self.group()
            .encrypt_application_message(text, aad.to_vec())
            .unwrap()
            .to_bytes()
            .unwrap()
    }

    fn read(&mut self, message: &[u8]) -> Read {
        match self.group().process_incoming_message(read(message)).unwrap() {
            ReceivedMessage::ApplicationMessage(message) => Read {
                sender: message.sender_index,
                text: message.data().to_vec(),
                aad: message.authenticated_data,
            },
            other => panic!("{other:?} in place of a message"),
        }
    }

    fn epoch(&mut self) -> u64 {
        self.group().current_epoch()
    }

    fn index(&mut self) -> u32 {
        self.group().current_member_index()
    }

    fn members(&mut self) -> Vec<(u32, Vec<u8>)> {
        let members = self.group().roster().members();
        let identity = |member: &mls_rs::group::Member| {
            let credential = member
                .signing_identity
                .credential
                .as_basic()
                .expect("a basic credential");
            credential.identifier.clone()
        };
        members.iter().map(|member| (member.index, identity(member))).collect()
    }

    fn authenticator(&mut self) -> Vec<u8> {
        self.group().epoch_authenticator().unwrap().as_bytes().to_vec()
    }

    fn exported(&mut self, label: &str, context: &[u8], length: usize) -> Vec<u8> {
        self.group()
            .export_secret(label.as_bytes(), context, length)
            .unwrap()
            .as_bytes()
            .to_vec()
    }
}

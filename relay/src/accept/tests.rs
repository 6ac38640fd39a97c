//! Commits that our engine would not make.

use curo_types::format::Credential;
use curo_types::{IntentId, UserId};
use openmls::group::{MlsGroup, MlsGroupCreateConfig, PURE_PLAINTEXT_WIRE_FORMAT_POLICY};
use openmls::prelude::{
    BasicCredential, Capabilities, Ciphersuite, CredentialWithKey, ExtensionType, LeafNodeParameters, Lifetime,
    MlsMessageOut, ProposalType,
};
use openmls_basic_credential::SignatureKeyPair;
use openmls_rust_crypto::OpenMlsRustCrypto;
use openmls_traits::OpenMlsProvider as _;
use tls_codec::Serialize as _;

use super::*;

/// A device whose group is made with plain OpenMLS; its leaves look like ours.
struct Mallory {
    provider: OpenMlsRustCrypto,
    keys: SignatureKeyPair,
    group: MlsGroup,
    device: DeviceRef,
}

fn tenant() -> TenantId {
    TenantId::new("st-mary").unwrap()
}

fn bytes(message: &MlsMessageOut) -> Vec<u8> {
    message.to_bytes().unwrap()
}

impl Mallory {
    fn new() -> (Self, Follower) {
        let cipher = Ciphersuite::MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519;
        let provider = OpenMlsRustCrypto::default();
        let keys = SignatureKeyPair::new(cipher.signature_algorithm()).unwrap();
        let device = DeviceRef {
            user: UserId([1; 16]),
            device: DeviceId([2; 16]),
        };
        let capabilities = Capabilities::builder()
            .extensions(vec![
                ExtensionType::Unknown(0xF0C0),
                ExtensionType::Unknown(0xF0C1),
                ExtensionType::LastResort,
            ])
            .proposals(vec![ProposalType::SelfRemove])
            .build();
        let config = MlsGroupCreateConfig::builder()
            .ciphersuite(cipher)
            .capabilities(capabilities)
            .lifetime(Lifetime::init(0, u64::MAX / 2))
            .wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
            .build();
        let identity = Credential::new(tenant(), device.user, device.device).to_bytes();
        let credential = credential(identity, &keys);
        let group = MlsGroup::new(&provider, &keys, &config, credential).unwrap();
        let info = group.export_group_info(provider.crypto(), &keys, false).unwrap();
        let tree = group.export_ratchet_tree().tls_serialize_detached().unwrap();
        let follower = Follower::create(&bytes(&info), &tree).unwrap();
        let mallory = Self {
            provider,
            keys,
            group,
            device,
        };
        (mallory, follower)
    }

    /// An update whose leaf has this identity.
    fn update(&mut self, identity: Vec<u8>) -> CommitBundle {
        let aad = AuthenticatedData::commit(IntentId([3; 16]), 1, None).to_bytes();
        self.group.set_aad(aad);
        let leaf = LeafNodeParameters::builder()
            .with_credential_with_key(credential(identity, &self.keys))
            .build();
        let bundle = self
            .group
            .commit_builder()
            .leaf_node_parameters(leaf)
            .load_psks(openmls_traits::OpenMlsProvider::storage(&self.provider))
            .unwrap()
            .create_group_info(true)
            .use_ratchet_tree_extension(false)
            .build(self.provider.rand(), self.provider.crypto(), &self.keys, |_| true)
            .unwrap()
            .stage_commit(&self.provider)
            .unwrap();
        self.group.clear_pending_commit(self.provider.storage()).unwrap();
        let (commit, _, group_info) = bundle.into_messages();
        CommitBundle {
            commit: Blob(bytes(&commit)),
            group_info: Blob(bytes(&group_info.unwrap())),
            welcome: None,
        }
    }
}

fn credential(identity: Vec<u8>, keys: &SignatureKeyPair) -> CredentialWithKey {
    CredentialWithKey {
        credential: BasicCredential::new(identity).into(),
        signature_key: keys.to_public_vec().into(),
    }
}

#[test]
fn p3_6_a_path_that_changes_the_senders_credential_is_refused() {
    let (mut mallory, mut follower) = Mallory::new();
    let DeviceRef { user, device } = mallory.device;
    let own = Credential::new(tenant(), user, device).to_bytes();
    // The same device in other words: one more entry, which readers of a later version know.
    let mut other_words = own.clone();
    other_words[0] += 1;
    other_words.extend([0x18, 99, 7]);
    assert_eq!(
        Credential::from_bytes(&other_words).unwrap(),
        Credential::from_bytes(&own).unwrap()
    );
    let cases = [
        (
            "another device",
            Credential::new(tenant(), user, DeviceId([9; 16])).to_bytes(),
        ),
        (
            "another user",
            Credential::new(tenant(), UserId([9; 16]), device).to_bytes(),
        ),
        ("other words", other_words),
        ("no credential of ours", b"mallory".to_vec()),
    ];
    let check = |follower, bundle: CommitBundle| {
        let head = read_commit(ConversationId([4; 16]), 1, &bundle).unwrap();
        let caller = DeviceRef { user, device };
        check_commit(&tenant(), caller, follower, head, bundle, true)
    };
    for (what, identity) in cases {
        let checked = check(follower, mallory.update(identity));
        assert!(
            matches!(
                checked.result,
                Err(AcceptError::Refused("the path changes the sender's credential"))
            ),
            "{what}: {:?}",
            checked.result.err()
        );
        follower = checked.follower.unwrap();
        assert_eq!(follower.epoch(), 0, "{what}");
    }
    let checked = check(follower, mallory.update(own));
    checked.result.unwrap();
    assert_eq!(checked.follower.unwrap().epoch(), 1);
}

//! Rules 2.7, 2.8 and 3.4 on both sides: what members refuse, the relay refuses, by the same name.

use curo_mls::{Follower, FramingKind, MlsError, Rule, inspect, key_package_info};
use openmls::prelude::{
    Capabilities, Extension, Extensions, Lifetime, MlsGroupCreateConfig, PreSharedKeyProposal, Proposal,
    RequiredCapabilitiesExtension,
};
use openmls::schedule::{ExternalPsk, PreSharedKeyId, Psk};
use openmls_traits::OpenMlsProvider;

use crate::mallory::{Mallory, bytes, validated};
use crate::support::{Conversation, Device, GROUP, SUITE, adding, identities};

/// Refused by every member and by the relay with this rule, and nobody is worse off.
fn refused_by_all(conversation: &mut Conversation, bytes: &[u8], rule: Rule) {
    let error = conversation.relay.stage(bytes).unwrap_err();
    assert!(
        matches!(error, MlsError::NotAllowed(found) if found == rule),
        "relay: {error:?}, expected {rule:?}"
    );
    assert!(!error.retryable());
    for device in &mut conversation.devices {
        let error = device.process(bytes).unwrap_err();
        assert!(
            matches!(error, MlsError::NotAllowed(found) if found == rule),
            "member: {error:?}, expected {rule:?}"
        );
    }
    conversation.agree();
}

#[test]
fn trap_p3_4_psk_commits_are_refused() {
    let (mut conversation, mut mallory) = Mallory::in_a_conversation();
    let cipher = openmls::prelude::Ciphersuite::try_from(SUITE.0).unwrap();
    let id = PreSharedKeyId::new(
        cipher,
        mallory.provider.rand(),
        Psk::External(ExternalPsk::new(b"id".to_vec())),
    )
    .unwrap();
    id.store(&mallory.provider, b"a secret that only mallory has").unwrap();
    let proposal = Proposal::PreSharedKey(Box::new(PreSharedKeyProposal::new(id)));
    let made = mallory.commit(|builder| builder.add_proposal(proposal).force_self_update(true));
    refused_by_all(&mut conversation, &made.commit, Rule::PreSharedKey);
}

#[test]
fn trap_p3_4_standalone_proposals_are_refused_and_block_nobody() {
    let (mut conversation, mut mallory) = Mallory::in_a_conversation();
    let proposal = mallory.standalone_removal(0);
    assert_eq!(inspect(&proposal).unwrap().kind, FramingKind::Other);
    // Sending still works afterwards: a stored proposal would block it.
    refused_by_all(&mut conversation, &proposal, Rule::StandaloneProposal);
    let leave = {
        let Mallory {
            provider, keys, group, ..
        } = &mut mallory;
        bytes(
            group
                .as_mut()
                .unwrap()
                .leave_group_via_self_remove(provider, keys)
                .unwrap(),
        )
    };
    refused_by_all(&mut conversation, &leave, Rule::StandaloneProposal);
}

#[test]
fn p3_4_proposals_by_reference_are_refused() {
    let (mut conversation, mut mallory) = Mallory::in_a_conversation();
    mallory.standalone_removal(0);
    let made = mallory.commit(|builder| builder.consume_proposal_store(true));
    refused_by_all(&mut conversation, &made.commit, Rule::ProposalByReference);
}

#[test]
fn p3_4_group_context_extensions_are_refused() {
    let (mut conversation, mut mallory) = Mallory::in_a_conversation();
    let required = Extension::RequiredCapabilities(RequiredCapabilitiesExtension::new(&[], &[], &[]));
    let extensions = Extensions::single(required).unwrap();
    let made = mallory.commit(|builder| builder.propose_group_context_extensions(extensions).unwrap());
    refused_by_all(&mut conversation, &made.commit, Rule::GroupContextExtensions);
}

#[test]
fn p3_4_commits_without_path_are_refused() {
    let (mut conversation, mut mallory) = Mallory::in_a_conversation();
    let key_package = validated(&Device::new("cleo").key_package());
    let made = mallory.commit(|builder| builder.propose_adds([key_package]));
    refused_by_all(&mut conversation, &made.commit, Rule::NoPath);
}

#[test]
fn p2_8_encrypted_handshakes_are_refused() {
    let (mut conversation, mut mallory) = Mallory::in_a_conversation();
    let encrypted = mallory.encrypted_update();
    assert_eq!(inspect(&encrypted).unwrap().kind, FramingKind::Other);
    refused_by_all(&mut conversation, &encrypted, Rule::EncryptedHandshake);
}

#[test]
fn p2_7_leaves_without_our_capabilities_are_refused() {
    let (mut conversation, mut mallory) = Mallory::in_a_conversation();
    let made = mallory.update_without_capabilities();
    refused_by_all(&mut conversation, &made.commit, Rule::MissingCapabilities);

    let mut poor = Mallory::new();
    poor.capabilities = Capabilities::default();
    let key_package = poor.key_package();
    let refused = |result: Result<(), MlsError>| {
        assert!(
            matches!(result, Err(MlsError::NotAllowed(Rule::MissingCapabilities))),
            "{result:?}"
        );
    };
    refused(key_package_info(&key_package).map(drop));
    refused(
        conversation.devices[0]
            .prepare(&adding(vec![key_package.clone()]))
            .map(drop),
    );
    let made = mallory.commit(|builder| builder.propose_adds([validated(&key_package)]).force_self_update(true));
    refused_by_all(&mut conversation, &made.commit, Rule::MissingCapabilities);
}

#[test]
fn trap_p2_8_lifetimes_are_unbounded_and_bounded_ones_never_get_in() {
    // Ours hold on every clock: OpenMLS's own range check would refuse them, and it is never called.
    let ours = validated(&Device::new("anna").key_package());
    assert_eq!(
        (ours.life_time().not_before(), ours.life_time().not_after()),
        (0, u64::MAX / 2)
    );
    assert!(!ours.life_time().has_acceptable_range());

    let (mut conversation, mut mallory) = Mallory::in_a_conversation();
    let year = 365 * 24 * 3600;
    for lifetime in [
        Lifetime::new(year),
        Lifetime::init(0, 1),
        Lifetime::init(0, u64::MAX),
        Lifetime::init(1, u64::MAX / 2),
    ] {
        let mut short = Mallory::new();
        short.lifetime = lifetime;
        let key_package = short.key_package();
        let refused = |result: Result<(), MlsError>| {
            assert!(
                matches!(result, Err(MlsError::NotAllowed(Rule::BoundedLifetime))),
                "{result:?}"
            );
        };
        refused(key_package_info(&key_package).map(drop));
        refused(conversation.devices[0].prepare(&adding(vec![key_package])).map(drop));
        let (info, tree) = short.create(|config| config);
        refused(Follower::create(&info, &tree).map(drop));
    }
    let mut short = Mallory::new();
    short.lifetime = Lifetime::new(year);
    let key_package = validated(&short.key_package());
    let made = mallory.commit(|builder| builder.propose_adds([key_package]).force_self_update(true));
    refused_by_all(&mut conversation, &made.commit, Rule::BoundedLifetime);
}

#[test]
fn trap_p2_8_joins_skip_leaf_lifetimes() {
    // A creator whose leaf expired in 1970 adds anna without touching that leaf.
    let mut stale = Mallory::new();
    stale.lifetime = Lifetime::init(0, 1);
    stale.create(|config| config);
    let mut anna = Device::new("anna");
    let (welcome, tree) = {
        let Mallory {
            provider, keys, group, ..
        } = &mut stale;
        let group = group.as_mut().unwrap();
        let (_, welcome, _) = group
            .add_members_without_update(provider, keys, &[validated(&anna.key_package())])
            .unwrap();
        group.merge_pending_commit(provider).unwrap();
        let tree = tls_codec::Serialize::tls_serialize_detached(&group.export_ratchet_tree()).unwrap();
        (bytes(welcome), tree)
    };
    let joined = anna.join(&welcome, &tree).unwrap();
    assert_eq!(identities(&joined.members), ["mallory", "anna"]);
}

#[test]
fn p3_4_every_other_proposal_type_is_refused_by_name() {
    let (mut conversation, mut mallory) = Mallory::in_a_conversation();
    let update = mallory.update().commit;
    // An update's proposal list is empty; it stands behind group id, epoch, sender, data and content type.
    let at = 2 + 2 + 1 + GROUP.len() + 8 + 5 + 1 + 1;
    assert_eq!((update[at - 1], update[at]), (3, 0));
    let with = |list: &[u8]| {
        let mut bytes = update.clone();
        bytes.splice(at..=at, [&[u8::try_from(list.len()).unwrap()], list].concat());
        bytes
    };
    for (list, rule) in [
        (&[1, 0x00, 0x02][..], Rule::UpdateProposal),
        (&[1, 0x00, 0x04], Rule::PreSharedKey),
        (&[1, 0x00, 0x05], Rule::ReInit),
        (&[1, 0x00, 0x06], Rule::ExternalInit),
        (&[1, 0x00, 0x07], Rule::GroupContextExtensions),
        (&[1, 0x00, 0x0a], Rule::SelfRemove),
        (&[1, 0x0a, 0x0a], Rule::CustomProposal),
        (&[1, 0xf0, 0xaa], Rule::CustomProposal),
        (&[2, 1, 9], Rule::ProposalByReference),
    ] {
        assert!(
            matches!(inspect(&with(list)), Err(MlsError::NotAllowed(found)) if found == rule),
            "{rule:?}"
        );
        refused_by_all(&mut conversation, &with(list), rule);
    }
    // A removal that its sender did not sign.
    let forged = with(&[1, 0x00, 0x03, 0, 0, 0, 0]);
    assert!(matches!(
        conversation.relay.stage(&forged),
        Err(MlsError::BadAuthentication(_))
    ));
    assert!(matches!(
        conversation.devices[1].process(&forged),
        Err(MlsError::BadAuthentication(_))
    ));
    conversation.agree();
}

#[test]
fn a_join_into_a_group_with_extensions_or_an_embedded_tree_is_refused() {
    for embedded in [false, true] {
        let mut extended = Mallory::new();
        let capabilities = extended.capabilities.clone();
        extended.create(|_| {
            let required = Extension::RequiredCapabilities(RequiredCapabilitiesExtension::new(&[], &[], &[]));
            let builder = MlsGroupCreateConfig::builder()
                .ciphersuite(openmls::prelude::Ciphersuite::try_from(SUITE.0).unwrap())
                .lifetime(Lifetime::init(0, u64::MAX / 2))
                .capabilities(capabilities);
            if embedded {
                builder.build()
            } else {
                builder
                    .with_group_context_extensions(Extensions::single(required).unwrap())
                    .build()
            }
        });
        let mut anna = Device::new("anna");
        let key_package = validated(&anna.key_package());
        let made = extended.commit_with_tree(|builder| builder.propose_adds([key_package.clone()]), embedded);
        let tree = {
            let Mallory {
                provider, keys, group, ..
            } = &mut extended;
            let group = group.as_mut().unwrap();
            group
                .add_members_without_update(provider, keys, &[key_package])
                .unwrap();
            group.merge_pending_commit(provider).unwrap();
            tls_codec::Serialize::tls_serialize_detached(&group.export_ratchet_tree()).unwrap()
        };
        let error = anna.join(&made.welcome.unwrap(), &tree).unwrap_err();
        let rule = if embedded {
            Rule::TreeInGroupInfo
        } else {
            Rule::GroupContextExtensions
        };
        assert!(
            matches!(error, MlsError::NotAllowed(found) if found == rule),
            "{error:?}"
        );
    }
}

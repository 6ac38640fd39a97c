//! Any value that can be made can be read again, and no two values share their bytes.

use curo_types::format::{
    Action, Approval, AuditHead, AuthenticatedData, Content, Credential, CursorClaim, EntryHeader, EntryKind, Envelope,
    EnvelopeBody, Reference, RequestContext, Signer, Subject, SuiteKey,
};
use curo_types::{
    ChainId, ConversationId, DeviceId, Digest, FormatError, IntentId, MessageId, SuiteId, TenantId, Text, UserId,
};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;

use crate::any::Any;

prop_compose! {
    fn tenant()(name in "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?") -> TenantId { name.parse().unwrap() }
}

prop_compose! {
    fn digest()(bytes: [u8; 32]) -> Digest { Digest(bytes) }
}

prop_compose! {
    fn audit_head()(chain: [u8; 16], seq: u64, head in digest()) -> AuditHead {
        AuditHead { chain: ChainId(chain), seq, head }
    }
}

prop_compose! {
    fn credential()(tenant in tenant(), user: [u8; 16], device: [u8; 16]) -> Any {
        Any::Credential(Credential::new(tenant, UserId(user), DeviceId(device)))
    }
}

prop_compose! {
    fn data()(
        intent: [u8; 16],
        number: u64,
        commit: bool,
        cursor in option::of((any::<u64>(), digest())),
        audit_head in option::of(audit_head()),
        dormant in btree_set(any::<[u8; 16]>(), 0..=24),
        gone in btree_set(any::<[u8; 16]>(), 0..=24),
    ) -> Any {
        let cursor = cursor.map(|(seq, h)| CursorClaim { seq, h });
        let make = if commit { AuthenticatedData::commit } else { AuthenticatedData::message };
        let mut data = make(IntentId(intent), number, cursor);
        data.audit_head = audit_head;
        if commit {
            let (dormant, gone) = (dormant.into_iter().map(DeviceId), gone.into_iter().map(UserId));
            data = data.with_dormant(dormant.collect(), gone.collect());
        }
        Any::Data(data)
    }
}

prop_compose! {
    fn reference()(sender: [u8; 16], message: [u8; 16]) -> Reference {
        Reference { sender: DeviceId(sender), message: MessageId(message) }
    }
}

prop_compose! {
    fn subject()(system in ".{1,40}", value in ".{1,40}") -> Subject { Subject { system, value } }
}

prop_compose! {
    fn content()(
        kind in "[a-z.]{1,64}",
        message: [u8; 16],
        references in option::of(vec(reference(), 0..4)),
        subjects in option::of(vec(subject(), 0..4)),
        body in vec(any::<u8>(), 0..300),
        claimed_ms: Option<u64>,
    ) -> Any {
        let mut content = Content::of_kind(&kind, MessageId(message), body);
        (content.references, content.subjects, content.claimed_ms) = (references, subjects, claimed_ms);
        Any::Content(content)
    }
}

prop_compose! {
    fn context()(device: Option<[u8; 16]>, audit_head in option::of(audit_head())) -> Any {
        let mut context = RequestContext::new(device.map(DeviceId));
        context.audit_head = audit_head;
        Any::Context(context)
    }
}

fn signer() -> impl Strategy<Value = Signer> {
    prop_oneof![
        Just(Signer::Directory),
        any::<u16>().prop_map(|suite| Signer::Subject(SuiteId(suite))),
        any::<([u8; 16], u16)>().prop_map(|(device, suite)| Signer::Device(DeviceId(device), SuiteId(suite))),
    ]
}

prop_compose! {
    fn envelope()(
        tenant in tenant(),
        ids: ([u8; 16], [u8; 16]),
        action in proptest::sample::select(vec![Action::Add, Action::Rotate, Action::Revoke]),
        keys in proptest::collection::btree_map(any::<u16>(), vec(any::<u8>(), 0..100), 1..=8),
        dpop_key: Option<String>,
        audit_chain: Option<[u8; 16]>,
        approver: Option<([u8; 16], u16)>,
        previous in digest(),
        signatures in vec((signer(), vec(any::<u8>(), 0..100)), 0..=16),
    ) -> Any {
        let keys = keys.into_iter().map(|(suite, public_key)| SuiteKey { suite: SuiteId(suite), public_key }).collect();
        let mut body = EnvelopeBody::add(
            tenant, UserId(ids.0), DeviceId(ids.1), keys, dpop_key, audit_chain.map(ChainId),
        );
        body.action = action;
        body.previous = (action != Action::Add).then_some(previous);
        if action == Action::Revoke {
            body.keys.clear();
        }
        if let Some((device, suite)) = approver {
            body.approval = Approval::Device(DeviceId(device), SuiteId(suite));
        }
        let mut envelope = Envelope::new(body);
        signatures.into_iter().for_each(|(signer, signature)| envelope.push(signer, signature));
        Any::Envelope(envelope)
    }
}

fn check(format: &str, value: &Any) -> Result<(), TestCaseError> {
    let bytes = value.encode();
    prop_assert_eq!(&Any::decode(format, &bytes).unwrap(), value);
    Ok(())
}

proptest! {
    #[test]
    fn p2_1_credential(value in credential()) { check("credential", &value)?; }

    #[test]
    fn p2_2_envelope(value in envelope()) { check("directory_envelope", &value)?; }

    #[test]
    fn p2_3_authenticated_data(value in data()) { check("authenticated_data", &value)?; }

    #[test]
    fn p2_4_content(value in content()) { check("content", &value)?; }

    #[test]
    fn p2_request_context(value in context()) { check("request_context", &value)?; }

    #[test]
    fn p2_different_values_have_different_bytes(a in data(), b in data()) {
        prop_assert_eq!(a == b, a.encode() == b.encode());
    }

    #[test]
    fn p2_4_text(message: [u8; 16], words in ".*") {
        let text = Text::new(words);
        let content = Content::text(MessageId(message), &text).unwrap();
        let read = Content::from_bytes(&content.to_bytes().unwrap()).unwrap();
        prop_assert_eq!(read.as_text(), Some(text));
    }

    /// Each field changes the hash.
    #[test]
    fn p2_5_the_entry_hash_covers_every_field(
        tenant in tenant(), ids: ([u8; 16], [u8; 16], [u8; 16]), numbers: (u64, u64, u64, u64),
        h_prev in digest(), body_hash in digest(), directory_version: Option<u64>,
    ) {
        let other_tenant = if tenant.as_str() == "a" { "b" } else { "a" }.parse().unwrap();
        let base = EntryHeader {
            tenant: &tenant,
            conversation: ConversationId(ids.0),
            incarnation: numbers.0,
            seq: numbers.1,
            h_prev,
            kind: EntryKind::Commit,
            epoch: numbers.2,
            sender: DeviceId(ids.1),
            intent: IntentId(ids.2),
            directory_version,
            body_hash,
            time_ms: numbers.3,
        };
        let flip = |mut bytes: [u8; 16]| { bytes[0] ^= 1; bytes };
        let flip_digest = |digest: Digest| { let mut bytes = digest.0; bytes[31] ^= 1; Digest(bytes) };
        let others = [
            EntryHeader { tenant: &other_tenant, ..base.clone() },
            EntryHeader { conversation: ConversationId(flip(ids.0)), ..base.clone() },
            EntryHeader { incarnation: numbers.0 ^ 1, ..base.clone() },
            EntryHeader { seq: numbers.1 ^ 1, ..base.clone() },
            EntryHeader { h_prev: flip_digest(h_prev), ..base.clone() },
            EntryHeader { kind: EntryKind::Message, ..base.clone() },
            EntryHeader { epoch: numbers.2 ^ 1, ..base.clone() },
            EntryHeader { sender: DeviceId(flip(ids.1)), ..base.clone() },
            EntryHeader { intent: IntentId(flip(ids.2)), ..base.clone() },
            EntryHeader {
                directory_version: if directory_version.is_some() { None } else { Some(0) }, ..base.clone()
            },
            EntryHeader { body_hash: flip_digest(body_hash), ..base.clone() },
            EntryHeader { time_ms: numbers.3 ^ 1, ..base.clone() },
        ];
        for (index, other) in others.iter().enumerate() {
            prop_assert_ne!(other.hash(), base.hash(), "field {}", index);
        }
    }
}

#[test]
fn p2_4_the_longest_text_fits_and_one_byte_more_is_refused() {
    let longest = Text::new("x".repeat(Content::TEXT_LIMIT));
    let bytes = Content::text(MessageId([1; 16]), &longest).unwrap().to_bytes().unwrap();
    assert!(bytes.len() <= Content::LIMIT);
    assert_eq!(Content::from_bytes(&bytes).unwrap().as_text(), Some(longest));
    let longer = Content::text(MessageId([1; 16]), &Text::new("x".repeat(Content::TEXT_LIMIT + 1)));
    assert!(matches!(longer, Err(FormatError::TooLarge { .. })));
}

#[test]
fn p2_4_what_would_be_refused_is_not_written() {
    let with = |references: usize, subjects: usize, system: &str, value: &str| {
        let mut content = Content::of_kind("k", MessageId([1; 16]), Vec::new());
        let reference = Reference {
            sender: DeviceId([1; 16]),
            message: MessageId([2; 16]),
        };
        content.references = Some(vec![reference; references]);
        let subject = Subject {
            system: system.to_owned(),
            value: value.to_owned(),
        };
        content.subjects = Some(vec![subject; subjects]);
        content
    };
    let full = with(Content::REFERENCES_LIMIT, Content::SUBJECTS_LIMIT, "urn:x", "1");
    assert_eq!(Content::from_bytes(&full.to_bytes().unwrap()).unwrap(), full);
    let long = "x".repeat(Content::SUBJECT_PART_LIMIT + 1);
    for bad in [
        Content::of_kind("", MessageId([1; 16]), Vec::new()),
        Content::of_kind(&"k".repeat(Content::KIND_LIMIT + 1), MessageId([1; 16]), Vec::new()),
        with(Content::REFERENCES_LIMIT + 1, 0, "urn:x", "1"),
        with(0, Content::SUBJECTS_LIMIT + 1, "urn:x", "1"),
        with(0, 1, &long, "1"),
        with(0, 1, "urn:x", &long),
        with(0, 1, "", "1"),
        with(0, 1, "urn:x", ""),
    ] {
        assert!(matches!(bad.to_bytes(), Err(FormatError::Invalid { .. })), "{bad:?}");
    }
    let over = Content::of_kind("k", MessageId([1; 16]), vec![0; Content::LIMIT]);
    assert!(matches!(over.to_bytes(), Err(FormatError::TooLarge { .. })));
}

#[test]
fn a_damaged_text_body_is_no_text() {
    for body in [
        &b""[..],
        &[0xa1],
        &[0xa1, 0, 0x61],
        &[0xa1, 0, 1],
        &[0xa1, 0, 0x61, b'x', 0],
        &[0x61, b'x'],
    ] {
        let content = Content::of_kind("text", MessageId([1; 16]), body.to_vec());
        let read = Content::from_bytes(&content.to_bytes().unwrap()).unwrap();
        assert_eq!((read.as_text(), read.body()), (None, body));
    }
    let later = Content::of_kind("text", MessageId([1; 16]), vec![0xa2, 0, 0x61, b'x', 9, 0xf5]);
    assert_eq!(later.as_text(), Some(Text::new("x")));
}

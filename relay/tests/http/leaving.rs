//! Leaving, a user's own devices, revocation by a device, by itself and by the operator.

use curo_mls::{CommitPlan, MlsEngine as _, OpenMlsEngine, Suite};
use curo_types::api::{DevicesAnswer, InboxItem, LeaveAnswer, LeaveRequest, Registered, RevokeDevice};
use curo_types::format::{Action, Approval, Envelope, EnvelopeBody, Leave, LeaveBody, Signer};
use curo_types::{Blob, DeviceId, Digest, ErrorCode, IntentId, UserId};

use crate::binary::{program, write_config};
use crate::device::{Device, SUITE, Talk, pair};
use crate::world::{Answer, World, other_tenant, tenant};

fn signature(by: &Device, message: &[u8]) -> Vec<u8> {
    let mut engine = OpenMlsEngine::new();
    engine
        .sign(&by.store, Suite(SUITE.0), &by.signer.public_key, message)
        .unwrap()
}

pub fn body(of: &Device, talk: Talk, seq: u64) -> LeaveBody {
    let intent = IntentId::random();
    LeaveBody::new(tenant(), talk.id, 1, of.user(), of.id, SUITE, intent, seq)
}

pub fn signed(body: LeaveBody, by: &Device) -> LeaveRequest {
    let mut leave = Leave::new(body);
    leave.signature = signature(by, &leave.signed_bytes());
    LeaveRequest {
        leave: Blob(leave.to_bytes()),
    }
}

async fn leave(world: &World, device: &Device, talk: Talk, request: &LeaveRequest) -> Answer<LeaveAnswer> {
    let path = format!("/v1/conversations/{}/leave", talk.id);
    device.post(world, &path, request).await
}

/// A revocation of `target`, whose last envelope has hash `previous`, that `approver` vouches for.
pub fn revocation(user: UserId, target: DeviceId, previous: Digest, approver: DeviceId) -> EnvelopeBody {
    let mut body = EnvelopeBody::revoke(tenant(), user, target, previous);
    body.approval = Approval::Device(approver, SUITE);
    body
}

pub fn vouched(body: EnvelopeBody, by: &Device) -> RevokeDevice {
    let mut envelope = Envelope::new(body);
    let signature = signature(by, &envelope.signed_bytes());
    envelope.push(Signer::Device(by.id, SUITE), signature);
    RevokeDevice {
        envelope: Some(Blob(envelope.to_bytes())),
    }
}

/// Adds the signature of an existing device.
pub fn approve(envelope: &mut Envelope, by: &Device) {
    let signature = signature(by, &envelope.signed_bytes());
    envelope.push(Signer::Device(by.id, SUITE), signature);
}

async fn revoke(world: &World, by: &Device, target: DeviceId, request: &RevokeDevice) -> Answer<Registered> {
    by.post(world, &format!("/v1/devices/{target}/revoke"), request).await
}

pub async fn last_envelope(world: &World, asking: &Device, device: DeviceId) -> Digest {
    let records = asking.directory(world, &[asking.user()]).await.records;
    let of_device = |envelope: &Envelope| envelope.body().device == device;
    let mut envelopes = records
        .iter()
        .map(|record| Envelope::from_bytes(&record.envelope.0).unwrap())
        .filter(of_device);
    envelopes.next_back().unwrap().hash()
}

#[tokio::test]
async fn p6_1_a_user_leaves_by_a_signed_request() {
    let world = World::start().await;
    let (mut anna, ben, talk, cursor) = pair(&world).await;
    let request = signed(body(&ben, talk, 1), &ben);
    let left = leave(&world, &ben, talk, &request).await.unwrap();
    assert!(!left.closed);
    assert_eq!(leave(&world, &ben, talk, &request).await.unwrap(), left);

    let hello = anna.encrypt(talk, IntentId::random(), 1, "hello");
    let problem = anna.send(&world, talk, vec![hello]).await.unwrap_err();
    assert_eq!(problem.code, ErrorCode::REMOVAL_PENDING);
    let pending = &problem.pending[0];
    assert_eq!((pending.user, pending.device), (ben.user(), ben.id));
    // What comes with it proves itself.
    let proof = Leave::from_bytes(&pending.leave.clone().unwrap().0).unwrap();
    proof
        .verify(&ben.signer.public_key, &|suite, key, message, signature| {
            curo_mls::verify_signature(Suite(suite.0), key, message, signature)
                .is_ok()
                .into()
        })
        .unwrap();

    let version = anna.version(&world).await;
    let update = anna.make_commit(talk, CommitPlan::default(), version, Some(cursor));
    let problem = anna.commit(&world, talk, update.bundle).await.unwrap_err();
    assert_eq!(problem.code, ErrorCode::REMOVAL_PENDING);
    anna.engine
        .discard_own_commit(&anna.store, talk.group.as_bytes())
        .unwrap();
    let plan = CommitPlan {
        add: vec![],
        remove: vec![1],
    };
    let removal = anna.make_commit(talk, plan, version, Some(cursor));
    let accepted = anna.commit(&world, talk, removal.bundle).await.unwrap();
    anna.apply_own(talk);
    let news = anna.sync(&world, None, 0).await.unwrap();
    let entries = &news.conversations[0].entries;
    let entry = entries.iter().find(|entry| entry.seq == accepted.seq).unwrap();
    assert_eq!(entry.leaves, [request.leave]);
    assert!(ben.sync(&world, None, 1).await.unwrap().conversations.is_empty());

    // The last one closes.
    let last = signed(body(&anna, talk, accepted.seq), &anna);
    assert!(leave(&world, &anna, talk, &last).await.unwrap().closed);
}

#[tokio::test]
async fn p6_1_requests_that_do_not_prove_themselves_take_nobody_out() {
    let world = World::start().await;
    let (mut anna, ben, talk, _) = pair(&world).await;
    let mut unsigned = Leave::new(body(&ben, talk, 1));
    unsigned.signature = vec![0; 64];
    let unsigned = LeaveRequest {
        leave: Blob(unsigned.to_bytes()),
    };
    let mut elsewhere = body(&ben, talk, 1);
    elsewhere.tenant = other_tenant();
    let mut another_suite = body(&ben, talk, 1);
    another_suite.suite = curo_types::SuiteId(2);
    let mut another_talk = body(&ben, talk, 1);
    another_talk.conversation = curo_types::ConversationId::random();
    let mut garbage = signed(body(&ben, talk, 1), &ben);
    garbage.leave.0.push(0);
    let cases = [
        ("no signature", unsigned, ErrorCode::REFUSED),
        (
            "another's signature",
            signed(body(&ben, talk, 1), &anna),
            ErrorCode::REFUSED,
        ),
        (
            "another's request",
            signed(body(&anna, talk, 1), &anna),
            ErrorCode::FORBIDDEN,
        ),
        ("another tenant", signed(elsewhere, &ben), ErrorCode::FORBIDDEN),
        ("a suite without key", signed(another_suite, &ben), ErrorCode::REFUSED),
        ("another conversation", signed(another_talk, &ben), ErrorCode::MALFORMED),
        (
            "ahead of the log",
            signed(body(&ben, talk, 9), &ben),
            ErrorCode::STORE_CHANGED,
        ),
        ("not the format", garbage, ErrorCode::MALFORMED),
    ];
    for (name, request, code) in cases {
        let problem = leave(&world, &ben, talk, &request).await.unwrap_err();
        assert_eq!(problem.code, code, "{name}");
    }
    let hello = anna.encrypt(talk, IntentId::random(), 1, "hello");
    anna.send(&world, talk, vec![hello]).await.unwrap();
}

#[tokio::test]
async fn p2_2_a_device_revokes_another_of_its_user() {
    let world = World::start().await;
    let phone = Device::new(&world, "anna").await;
    let tablet = phone.sibling(&world, "anna").await;
    let previous = last_envelope(&world, &tablet, phone.id).await;
    let request = vouched(revocation(phone.user(), phone.id, previous, tablet.id), &tablet);
    let first = revoke(&world, &tablet, phone.id, &request).await.unwrap();
    assert_eq!(revoke(&world, &tablet, phone.id, &request).await.unwrap(), first);
    let gone = phone.sync(&world, None, 0).await.unwrap_err();
    assert_eq!(gone.code, ErrorCode::DEVICE_REVOKED);

    let list: DevicesAnswer = tablet.get(&world, "/v1/devices").await.unwrap();
    let mut seen: Vec<_> = list.devices.iter().map(|d| (d.revoked, d.current, d.device)).collect();
    seen.sort_unstable();
    assert_eq!(seen, [(false, true, tablet.id), (true, false, phone.id)]);
    assert!(list.devices.iter().all(|device| device.last_seen_ms % 86_400_000 == 0));

    // Nothing follows a revocation: neither another one, nor by a revoked device, nor the device itself again.
    let after = last_envelope(&world, &tablet, phone.id).await;
    let again = vouched(revocation(phone.user(), phone.id, after, tablet.id), &tablet);
    let problem = revoke(&world, &tablet, phone.id, &again).await.unwrap_err();
    assert_eq!(problem.code, ErrorCode::DIRECTORY_CHANGED);
    let back = phone.register(&world, &phone.envelope().to_bytes()).await.unwrap();
    assert_ne!(back, first, "the first registration's answer, and no new one");
    assert_eq!(
        phone.sync(&world, None, 0).await.unwrap_err().code,
        ErrorCode::DEVICE_REVOKED
    );
}

#[tokio::test]
async fn p2_2_forged_revocations_revoke_nobody() {
    let world = World::start().await;
    let phone = Device::new(&world, "anna").await;
    let tablet = phone.sibling(&world, "anna").await;
    let ben = Device::new(&world, "ben").await;
    let previous = last_envelope(&world, &tablet, phone.id).await;
    let (user, target) = (phone.user(), phone.id);
    let good = || revocation(user, target, previous, tablet.id);
    let by_directory = EnvelopeBody::revoke(tenant(), user, target, previous);
    let mut an_addition = tablet.envelope().body().clone();
    an_addition.approval = Approval::Device(tablet.id, SUITE);
    an_addition.device = target;
    assert_eq!(an_addition.action, Action::Add);
    let mut twice = Envelope::new(good());
    for _ in 0..2 {
        let signature = signature(&tablet, &twice.signed_bytes());
        twice.push(Signer::Device(tablet.id, SUITE), signature);
    }
    let twice = RevokeDevice {
        envelope: Some(Blob(twice.to_bytes())),
    };
    let cases = [
        ("no envelope", RevokeDevice::default(), ErrorCode::MALFORMED),
        (
            "signed by the device itself",
            vouched(good(), &phone),
            ErrorCode::REFUSED,
        ),
        ("signed by a stranger", vouched(good(), &ben), ErrorCode::REFUSED),
        (
            "approved by a stranger",
            vouched(revocation(user, target, previous, ben.id), &ben),
            ErrorCode::REFUSED,
        ),
        (
            "on the directory's word",
            vouched(by_directory, &tablet),
            ErrorCode::REFUSED,
        ),
        ("an addition", vouched(an_addition, &tablet), ErrorCode::REFUSED),
        ("signed twice", twice, ErrorCode::REFUSED),
        (
            "after another envelope",
            vouched(revocation(user, target, Digest::ZERO, tablet.id), &tablet),
            ErrorCode::DIRECTORY_CHANGED,
        ),
        (
            "another user's device",
            vouched(revocation(ben.user(), ben.id, previous, tablet.id), &tablet),
            ErrorCode::FORBIDDEN,
        ),
        (
            "another device in the path",
            vouched(revocation(user, tablet.id, previous, tablet.id), &tablet),
            ErrorCode::MALFORMED,
        ),
    ];
    for (name, request, code) in cases {
        let path = if name == "another user's device" {
            ben.id
        } else {
            target
        };
        let problem = revoke(&world, &tablet, path, &request).await.unwrap_err();
        assert_eq!(problem.code, code, "{name}");
    }
    let nobody = DeviceId::random();
    let request = vouched(revocation(user, nobody, previous, tablet.id), &tablet);
    let problem = revoke(&world, &tablet, nobody, &request).await.unwrap_err();
    assert_eq!(problem.code, ErrorCode::NOT_FOUND);
    phone.sync(&world, None, 0).await.unwrap();
    ben.sync(&world, None, 0).await.unwrap();
}

#[tokio::test]
async fn p2_2_a_device_revokes_itself_on_the_directorys_word() {
    let world = World::start().await;
    let phone = Device::new(&world, "anna").await;
    let request = RevokeDevice::default();
    let answer = revoke(&world, &phone, phone.id, &request).await.unwrap();
    let envelope = Envelope::from_bytes(&answer.envelope.0).unwrap();
    envelope
        .verify(&phone.session.directory_key, &|_, _, _, _| false.into(), &|_, _| None)
        .unwrap();
    let problem = revoke(&world, &phone, phone.id, &request).await.unwrap_err();
    assert_eq!(problem.code, ErrorCode::DEVICE_REVOKED);
}

#[tokio::test]
async fn the_operator_revokes_a_lost_phone_while_the_relay_serves() {
    let world = World::start().await;
    let (mut anna, ben, talk, _) = pair(&world).await;
    let config = write_config(&world);
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("\"binary\"", "\"data\"")).unwrap();
    let run = |device: DeviceId, name: &str| {
        let mut command = program(&world, "revoke", &config);
        command.env("CURO_RELAY_DB_KEY", format!("{}{}", "07".repeat(32), "08".repeat(16)));
        command.args(["--tenant", name, "--device", &device.to_string()]);
        command.output().unwrap()
    };
    let done = run(ben.id, "st-mary");
    assert!(done.status.success(), "{done:?}");
    assert!(run(ben.id, "st-mary").status.success(), "again");
    assert!(!run(DeviceId::random(), "st-mary").status.success());
    assert!(!run(ben.id, "st-luke").status.success());
    let gone = ben.sync(&world, None, 1).await.unwrap_err();
    assert_eq!(gone.code, ErrorCode::DEVICE_REVOKED);
    let hello = anna.encrypt(talk, IntentId::random(), 1, "hello");
    let problem = anna.send(&world, talk, vec![hello]).await.unwrap_err();
    assert_eq!(problem.code, ErrorCode::REMOVAL_PENDING);
    assert_eq!(problem.pending[0].version, Some(anna.version(&world).await));
}

#[tokio::test]
async fn p6_4_the_users_other_devices_are_told_of_a_new_one() {
    let world = World::start().await;
    let (_anna, ben, talk, _) = pair(&world).await;
    let mut tablet = ben.sibling(&world, "ben").await;
    assert!(ben.sync(&world, None, 1).await.unwrap().inbox.is_empty());
    tablet.upload(&world, 1).await.unwrap();
    let inbox = ben.sync(&world, None, 1).await.unwrap().inbox;
    assert!(
        matches!(&inbox[..], [one] if matches!(one.item, InboxItem::Device { device, .. } if device == tablet.id)),
        "{inbox:?}"
    );
    let inbox = tablet.sync(&world, None, 0).await.unwrap().inbox;
    assert!(
        matches!(&inbox[..], [one] if matches!(one.item, InboxItem::Waiting { conversation, .. } if conversation == talk.id)),
        "{inbox:?}"
    );
}

//! Approval of later devices by another one of their user (2.2, 2.11), where the tenant asks for it.

use curo::{ErrorCode, SessionState};
use curo_kit::{Person, TestRelay, until_text};
use serde_json::json;

use crate::mitm::Victim;
use crate::team::{group, people, read, same_everywhere, send, until_active, until_frozen, until_holds};
use crate::{SOON, logs};

async fn relay() -> TestRelay {
    logs();
    let relay = TestRelay::builder().tenant(|tenant| tenant.policy.device_approval = true);
    relay.start().await.unwrap()
}

/// Another device of a user, which is not let in yet.
async fn waiting(relay: &TestRelay, subject: &str) -> Person {
    let device = Person::new(relay, subject).await.unwrap();
    let refused = device.client().sign_in().await.unwrap_err();
    assert_eq!(*refused.code(), ErrorCode::APPROVAL_PENDING);
    assert_eq!(device.client().session(), SessionState::WaitingForApproval);
    device
}

async fn until_told(person: &Person) {
    until_holds(person, "a device waits".into(), async move || {
        let waiting = person.client().observe_waiting_devices().next(0).await.unwrap();
        !waiting.state.is_empty()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p2_2_a_later_device_waits_until_another_one_approves_it() {
    let relay = relay().await;
    // Nobody has to approve a first device.
    let team = people(&relay, &["ana", "ben"]).await;
    let [phone, ben] = &team[..] else { unreachable!() };
    let care = group(&[ben, phone]).await;

    let tablet = waiting(&relay, "ana").await;
    // The same again asks for nothing new.
    tablet.client().sign_in().await.unwrap_err();
    until_told(phone).await;
    let shown = phone.client().waiting_devices().await.unwrap();
    let [one] = &shown[..] else { panic!("{shown:?}") };
    let code = tablet.client().approval_code().await.unwrap();
    assert_eq!(code.as_ref(), Some(&one.code));
    assert_eq!(one.code.len(), 23, "20 digits in four groups: {}", one.code);
    let listed = phone.client().devices().await.unwrap();
    let pending: Vec<_> = listed.iter().map(|device| (device.pending, device.current)).collect();
    assert_eq!(pending, [(false, true), (true, false)]);
    // It is not in the directory: it can do nothing, and nobody can bring it in.
    let synced = relay
        .ask(&tablet.tokens().good(), Some(one.device), "/v1/sync", Some(&json!({})))
        .await
        .unwrap();
    assert_eq!(synced.problem().unwrap().code, ErrorCode::UNKNOWN_DEVICE);
    let new = group(&[ben, phone]).await;
    assert!(tablet.client().conversations().await.unwrap().is_empty());
    // Another user's device sees and decides nothing.
    assert!(ben.client().waiting_devices().await.unwrap().is_empty());
    let refused = ben.client().approve_device(one.device).await.unwrap_err();
    assert_eq!(*refused.code(), ErrorCode::UNKNOWN);

    phone.client().approve_device(one.device).await.unwrap();
    phone.client().approve_device(one.device).await.unwrap();
    tablet.client().wait_for_approval().await.unwrap();
    assert_eq!(tablet.client().session(), SessionState::Active);
    assert_eq!(tablet.client().approval_code().await.unwrap(), None);
    tablet.client().start().await.unwrap();
    for id in [care, new] {
        until_active(&tablet, id).await;
        send(&tablet, id, "from the tablet").await;
        send(ben, id, "to both").await;
        same_everywhere(&[&tablet, phone, ben], id, 2).await;
    }
    assert!(phone.client().waiting_devices().await.unwrap().is_empty());
    let told = phone.client().observe_waiting_devices().next(0).await.unwrap();
    assert!(told.state.is_empty());
    // Members go on asking for it, so the relay does.
    let mut relay = relay;
    let stopped = relay
        .change_tenant(|tenant| tenant.policy.device_approval = false)
        .await;
    assert!(stopped.unwrap_err().to_string().contains("device_approval"));
}

#[tokio::test(flavor = "multi_thread")]
async fn p2_2_a_device_that_is_refused_never_comes_in() {
    let relay = relay().await;
    let phone = Person::online(&relay, "ana").await.unwrap();
    let stranger = waiting(&relay, "ana").await;
    let one = phone.client().waiting_devices().await.unwrap().remove(0);
    phone.client().revoke_device(one.device).await.unwrap();
    let refused = stranger.client().wait_for_approval().await.unwrap_err();
    assert_eq!(*refused.code(), ErrorCode::DEVICE_REVOKED);
    assert_eq!(stranger.client().session(), SessionState::Revoked);
    let late = phone.client().approve_device(one.device).await.unwrap_err();
    assert_eq!(*late.code(), ErrorCode::UNKNOWN);
    assert_eq!(phone.client().devices().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn p2_2_who_has_lost_all_devices_comes_in_when_the_operator_has_revoked_them() {
    let mut relay = relay().await;
    let team = people(&relay, &["ana", "ben"]).await;
    let [phone, ben] = &team[..] else { unreachable!() };
    let care = group(&[ben, phone]).await;
    let tablet = waiting(&relay, "ana").await;
    relay.revoke(phone.account().await.unwrap().device).await.unwrap();
    tablet.client().wait_for_approval().await.unwrap();
    tablet.client().start().await.unwrap();
    // The user's only leaf is gone with the phone: somebody adds them anew, and finds nothing wrong with the new device.
    send(ben, care, "are you there?").await;
    let user = tablet.user().await;
    until_holds(ben, "without ana".into(), async move || {
        !ben.client()
            .conversation(care)
            .info()
            .await
            .unwrap()
            .members
            .contains(&user)
    })
    .await;
    ben.client().conversation(care).add(&[user]).await.unwrap();
    until_active(&tablet, care).await;
    send(&tablet, care, "with another phone").await;
    until_text(ben.client(), care, "with another phone", SOON).await;
}

/// A relay brings in a device on its own word: whoever knows that the tenant asks for approvals sends nothing to it.
#[tokio::test(flavor = "multi_thread")]
async fn p3_6_members_refuse_a_device_that_nobody_has_approved() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let phone = Person::online(&relay, "ana").await.unwrap();
    // Who cannot tell goes on with it; one report alone ends no incarnation.
    let cho = Person::online(&relay, "cho").await.unwrap();
    let ben = Victim::new(&relay, "ben").await;
    ben.mitm.after_relay(|call, reply| {
        if call.is("/session") || call.is("/sync") {
            reply.value()["policy"]["approval_since"] = json!(0);
        }
    });
    ben.person.go_online().await.unwrap();
    let care = group(&[&phone, &cho, &ben.person]).await;
    // What was asked for once is asked for always, whatever the relay says later.
    ben.mitm.honest();
    let intruder = Person::online(&relay, "ana").await.unwrap();
    until_active(&intruder, care).await;
    until_frozen(&ben.person, care, "key_mismatch").await;
    let before = read(&ben.person, care).await;
    send(&ben.person, care, "not for the intruder").await;
    send(&intruder, care, "hello").await;
    until_text(phone.client(), care, "hello", SOON).await;
    assert!(!read(&intruder, care).await.contains(&"not for the intruder".to_owned()));
    assert!(before.is_empty());
    // Nor does it create a conversation with it in it.
    let (with_it, created) = ben.client().create_conversation(&[phone.user().await]).await.unwrap();
    let ended = crate::team::until_settled(&ben.person, with_it.id(), created).await;
    assert!(
        matches!(&ended, curo::IntentStatus::Failed { code, .. } if *code == ErrorCode::KEY_MISMATCH),
        "{ended:?}"
    );
}
